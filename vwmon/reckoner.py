"""The daemon's own books: all that was received is accounted for, and what is scored and breaches has its alert.

Counted at each look. What a difference means for the service is vwmon.surroundings'.
"""

from collections.abc import Callable

from vwmon.recount import Recount
from vwmon.scorer import Scorer
from vwmon.store.arrivals import Counts
from vwmon.store.reckoning import Reckoning, Rows
from vwmon.store.sqlite import Connection

BREACHES_MS = 10_000  # every stay's score is read for it


class Reckoner:
    """One daemon's books; used by the thread that scores."""

    def __init__(
        self,
        db: Connection,
        counts: Callable[[], Counts],
        scorer: Scorer,
        started_ms: int,
        steady_ms: Callable[[], int],
    ) -> None:
        """Begin before anything is taken; `steady_ms` says how long a look takes."""
        self._db, self._counts, self._scorer = db, counts, scorer
        self._started_ms, self._rows = started_ms, Rows(db)
        self._breaches, self._unraised, self._asked_ms = 0, 0, 0
        self._lost = 0
        self._recount = Recount(db, scorer, started_ms, steady_ms)
        self.lost_ms: int | None = None  # when it was last found that more is lost

    def reckon(self, now_ms: int) -> Reckoning:
        """Close the books as of now."""
        counts = self._counts()
        lost = counts.astray + self._rows.missing(self._db, counts)
        if lost > self._lost:
            self.lost_ms = now_ms
        self._lost = lost
        if not 0 <= now_ms - self._asked_ms < BREACHES_MS:
            self._asked_ms = now_ms
            self._breaches, self._unraised = self._scorer.breaches(self._started_ms)
        self._recount.turn(now_ms, self._scorer.cursor)
        return Reckoning(
            since_ms=self._started_ms,
            at_ms=now_ms,
            messages=counts.messages,
            quarantined=counts.quarantined,
            statuses=counts.statuses,
            passed_over=counts.passed_over,
            readings=counts.readings,
            stored=counts.stored,
            duplicates=counts.duplicates,
            refused=counts.refused,
            lost=lost,
            breaches=self._breaches,
            unraised=self._unraised,
            recounted=self._recount.moments,
            amiss=self._recount.amiss,
        )

    @property
    def amiss_ms(self) -> int | None:
        """Give when the readings counted anew last came to something else; None when they never did."""
        return self._recount.amiss_ms
