"""Whether anything was read: the latest reading and its age, how many there are, and how much of a window they cover.

What the values say together must not live here.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from vwmon.kernels.frames import Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


class Presence:
    """last, age, count and coverage."""

    def __init__(self, frame: Frame, settings: Settings) -> None:
        """Take the readings, and how long each covers."""
        self._frame = frame
        self._reach_ms = settings.reach_ms

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill what is asked for, (q,) each."""
        if "last" in out:
            np.copyto(out["last"], self._frame.latest(self._frame.values))
            window.blank(out["last"])
        if "age" in out:
            np.subtract(self._frame.query_along, self._frame.latest(self._frame.along), out=out["age"])
            window.blank(out["age"])
        if "count" in out:
            np.copyto(out["count"], window.counted)
        if "coverage" in out:
            begin = self._covered(window.start, self._frame.query_along - window.length_ms)
            np.divide(self._covered_now - begin, window.length_ms, out=out["coverage"])

    @cached_property
    def _covered_now(self) -> Ints:
        """How much of the axis up to each query is covered, (q,)."""
        return self._covered(self._frame.ends, self._frame.query_along)

    @cached_property
    def _covered_whole(self) -> Ints:
        """How much of the axis up to each reading is covered, (n,)."""
        whole = np.zeros(len(self._frame.along), dtype=np.int64)
        np.cumsum(np.minimum(np.diff(self._frame.along), self._reach_ms), out=whole[1:])
        return whole

    def _covered(self, end: Ints, along: Ints) -> Ints:
        """Give how much of the axis up to moments is covered; `end` is the position after the latest reading there."""
        last = end - 1
        since = along - self._frame.along.take(last, mode="wrap")
        reached = self._covered_whole.take(last, mode="wrap") + np.minimum(since, self._reach_ms)
        return np.where(last < 0, 0, reached)
