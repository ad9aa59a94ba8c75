"""Whether all is there: rows that were numbered and written, what is counted of them, and breaches with their alerts.

Asked by the one who watches, on a connection of its own, of what others have committed. From when on a difference is a
fault is vwmon.surroundings'.
"""

from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

from vwmon.store.sqlite import Connection

if TYPE_CHECKING:
    from vwmon.store.arrivals import Counts

# One statement, so that both counts and the numbers are of one moment. What is merged was counted before, or by verify.
_LOG = """select high, high - low - (select count(*) from reading_log where seq > low and seq <= high)
        - (select count(*) from attempt where seq > low and seq <= high)
    from (select max(?, merged_seq) as low, last_seq as high from log)"""
_QUARANTINE = "select count(*), max(quarantine_no) from quarantine where quarantine_no > ?"
_ENDS = "select last_seq, (select coalesce(max(quarantine_no), 0) from quarantine) from log"
# The score that a stay has now. It lies in an alert from that one's first breach to the first reading of the recovery.
_BREACHES = """select score.stay_no, score.received_ms, score.total_min, exists (select 1 from alert
        where alert.stay_no = score.stay_no and lane = 'clinical' and peak = 3 and since_ms <= score.at_ms
        and (cleared_ms is null or cleared_ms > score.at_ms))
    from stay join score on score.stay_no = stay.stay_no
        and score.at_ms = (select max(at_ms) from score where score.stay_no = stay.stay_no)
    where stay.discharged_ms is null and score.total_min >= ? and score.received_ms >= ? and not score.late"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What became of all that was taken from the broker since a daemon began, and what cannot be accounted for.

    `breaches` are the stays whose score asks for an alert of level 3 now, `unraised` those of them without one.
    `recounted` are the moments whose readings were counted anew in the last round, `amiss` those of them that come to
    another score, or to an alert that is not there.
    """

    since_ms: int
    at_ms: int
    messages: int
    quarantined: int
    statuses: int
    passed_over: int
    readings: int
    stored: int
    duplicates: int
    refused: int
    lost: int
    breaches: int
    unraised: int
    recounted: int
    amiss: int


class Rows:
    """The rows of the log and of the quarantine that came since it was made, each counted once."""

    def __init__(self, db: Connection) -> None:
        """Begin at their ends."""
        self._seq, self._quarantine_no = db.execute(_ENDS).fetchone()
        self._first_seq, self._set_aside, self._missing = self._seq, 0, 0

    def missing(self, db: Connection, counts: "Counts") -> int:
        """Count the rows that ought to be there and are not; `counts` were read before, and their rows committed.

        Others may write too, by hand: more than was counted is no fault.
        """
        self._seq, missing = db.execute(_LOG, [self._seq]).fetchone()
        more, last = db.execute(_QUARANTINE, [self._quarantine_no]).fetchone()
        self._missing += missing
        self._set_aside += more
        self._quarantine_no = last or self._quarantine_no
        unwritten = max(0, counts.stored - (self._seq - self._first_seq))
        unkept = max(0, counts.quarantined + counts.refused - self._set_aside)
        return int(self._missing + unwritten + unkept)


def breaches(db: Connection, at_least: int, since_ms: int) -> list[tuple[int, int, int, bool]]:
    """Give (stay, received, total, whether an alert of level 3 has it) of scores as high that came since a time.

    Only of stays that are open, and only the last score of each; one of the past that came late is left out.
    """
    return [(*row[:3], bool(row[3])) for row in db.execute(_BREACHES, [at_least, since_ms])]


_COLUMNS = ", ".join(field.name for field in fields(Reckoning))
_WRITE = (
    f"insert or replace into reckoning (only_row, {_COLUMNS}) values (1, {', '.join('?' * len(fields(Reckoning)))})"
)


def write(db: Connection, found: Reckoning) -> None:
    """Write it; inside the caller's transaction."""
    db.execute(_WRITE, astuple(found))


def read(db: Connection) -> Reckoning | None:
    """Give what was written last; None when no daemon has reckoned on this database."""
    row = db.execute(f"select {_COLUMNS} from reckoning").fetchone()
    return (
        None if row is None else Reckoning(**dict(zip((field.name for field in fields(Reckoning)), row, strict=True)))
    )
