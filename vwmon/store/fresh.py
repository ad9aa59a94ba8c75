"""The readings appended last, in memory, for the scorer that follows the log: what it would read back is handed on.

Only rows that are committed come here. Whoever does not find what follows its cursor reads the log itself: after a
start, when another process has appended, or when it is far behind. Nothing is stored or judged here.
"""

import threading
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Any

Row = tuple[Any, ...]

MOST = 100_000  # rows kept for a scorer that is behind: more than a daemon stores ahead of it (merging.AHEAD)


class Fresh:
    """Appended batches in log order, without a gap between them. One thread puts them in, another takes them."""

    def __init__(self, most: int = MOST) -> None:
        """Begin empty; of more than `most` rows the oldest batches are let go."""
        self._most = most
        self._batches: deque[Sequence[Row]] = deque()
        self._count = 0
        self._lock = threading.Lock()

    def put(self, rows: Sequence[Row]) -> None:
        """Add the rows of one commit; each begins with its number in the log."""
        if not rows:
            return
        with self._lock:
            if self._batches and self._batches[-1][-1][0] + 1 != rows[0][0]:
                self._clear()
            self._batches.append(rows)
            self._count += len(rows)
            while self._count > self._most and len(self._batches) > 1:
                self._drop()

    def after(self, seq: int, limit: int) -> list[Row]:
        """Take the rows that follow number `seq`: whole batches, about `limit` rows; none where they are not here."""
        with self._lock:
            while self._batches and self._batches[0][-1][0] <= seq:
                self._drop()
            if not self._batches or self._batches[0][0][0] != seq + 1:
                return []
            taken: list[Sequence[Row]] = []
            while self._batches and sum(map(len, taken)) < limit:
                taken.append(self._drop())
        return list(chain.from_iterable(taken))

    def _drop(self) -> Sequence[Row]:
        batch = self._batches.popleft()
        self._count -= len(batch)
        return batch

    def _clear(self) -> None:
        self._batches.clear()
        self._count = 0
