"""How the log keeps pace: merged into series order between two batches, and never far ahead of the scoring.

Both on the thread that appends. How merging is done is the store's.
"""

import threading
from collections.abc import Callable, Sequence

from vwmon.store.arrivals import Appended, Arrival, Quarantined
from vwmon.store.log import LogWriter

# The more is merged at once, the less often each page of the day's table is written. But nothing is appended or
# committed meanwhile, a start has to read what is not merged, and its keys are in memory. Of 24,000 people a reading
# costs in portions of 100,000 what it does in those of 400,000, which took two seconds; of 25,000 twice that.
MERGED_AT_ONCE = 100_000
AHEAD = 60_000  # readings stored and not scored, beyond which more are left with the broker
LOOKS, LOOK_S = 4, 0.25  # how often in a row to wait for the scoring: the broker's keepalive allows far more


class MergingLog:
    """The log, merged whenever it has grown long or `every_ms` has passed, as far as it has been scored."""

    def __init__(self, log: LogWriter, scored_seq: Callable[[], int], every_ms: int, scored: threading.Event) -> None:
        """Wrap a log; `scored_seq` tells how far it has been scored, and `scored` is set whenever it was."""
        self._log, self._scored_seq, self._every_ms = log, scored_seq, every_ms
        self._scored = scored
        self._merged_ms = 0

    def append(self, arrivals: Sequence[Arrival], quarantined: Sequence[Quarantined], recorded_ms: int) -> Appended:
        """Store a batch as vwmon.store.log.LogWriter does, after merging what is due."""
        self._hold_back()
        scored_seq = self._scored_seq()
        if self._due(scored_seq, recorded_ms):
            self._log.merge(scored_seq, MERGED_AT_ONCE)
            self._merged_ms = recorded_ms
        return self._log.append(arrivals, quarantined, recorded_ms)

    def _hold_back(self) -> None:
        """Wait a little while the scoring is far behind, so that memory does not grow with a backlog."""
        for _ in range(LOOKS):
            if self._log.last_seq - self._scored_seq() <= AHEAD:
                return
            self._scored.clear()
            self._scored.wait(LOOK_S)

    def _due(self, scored_seq: int, now_ms: int) -> bool:
        """Tell whether a whole portion is scored, or it is time; what waits for the scoring makes no portion whole."""
        self._merged_ms = self._merged_ms or now_ms
        whole = self._log.tail_size - (self._log.last_seq - scored_seq) >= MERGED_AT_ONCE
        return whole or now_ms - self._merged_ms >= self._every_ms
