"""When the log is merged into series order: between two batches, on the thread that appends. How is the store's."""

from collections.abc import Callable, Sequence

from vwmon.store.arrivals import Appended, Arrival, Quarantined
from vwmon.store.log import LogWriter

MERGED_AT_ONCE = 50_000  # readings: nothing is appended while they are merged


class MergingLog:
    """The log, merged whenever it has grown long or `every_ms` has passed, as far as it has been scored."""

    def __init__(self, log: LogWriter, scored_seq: Callable[[], int], every_ms: int) -> None:
        """Wrap a log; `scored_seq` tells how far it has been scored, which is how far it may be merged."""
        self._log, self._scored_seq, self._every_ms = log, scored_seq, every_ms
        self._merged_ms = 0

    def append(self, arrivals: Sequence[Arrival], quarantined: Sequence[Quarantined], recorded_ms: int) -> Appended:
        """Store a batch as vwmon.store.log.LogWriter does, after merging what is due."""
        if self._due(recorded_ms):
            self._log.merge(self._scored_seq(), MERGED_AT_ONCE)
            self._merged_ms = recorded_ms
        return self._log.append(arrivals, quarantined, recorded_ms)

    def _due(self, now_ms: int) -> bool:
        self._merged_ms = self._merged_ms or now_ms
        return self._log.tail_size >= MERGED_AT_ONCE or now_ms - self._merged_ms >= self._every_ms
