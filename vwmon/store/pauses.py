"""Pauses of patients in the database: given, ended, and listed. Whether one may be given is alerts.pauses'."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.pauses import Span
from vwmon.errors import NotFoundError
from vwmon.patients.records import By, Stay
from vwmon.store import registers
from vwmon.store.sqlite import Connection

COLUMNS = "pause_no, stay_no, from_ms, until_ms, reason, actor, written_ms, ended_ms"
GIVE = """insert into pause (stay_no, from_ms, until_ms, reason, actor, written_ms) values (?, ?, ?, ?, ?, ?)
    returning pause_no"""
END = "update pause set ended_ms = ?1, ended_by = ?2 where stay_no = ?3 and ended_ms is null and until_ms > ?1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time in which a patient is away, and what does not come is not missed; `ended_ms` is an end before its own."""

    pause_no: int
    stay_no: int
    from_ms: int
    until_ms: int
    reason: str
    actor: str
    written_ms: int
    ended_ms: int | None

    @property
    def span(self) -> Span:
        """Give from when until when it holds something back; nothing where it ended before it began."""
        end_ms = self.until_ms if self.ended_ms is None else min(self.until_ms, self.ended_ms)
        return self.from_ms, max(self.from_ms, end_ms)


def every(db: Connection, stay_no: int | None = None) -> list[Pause]:
    """Give every pause that was ever given, of one stay or of all, in order."""
    rows = db.execute(
        f"select {COLUMNS} from pause where ?1 is null or stay_no = ?1 order by pause_no", [stay_no]
    ).fetchall()
    return [Pause(**dict(zip(Pause.__slots__, row, strict=True))) for row in rows]


def give(db: Connection, stay: Stay, span: Span, reason: str, by: By) -> Pause:
    """Give a patient a pause; one that is running or to come ends as this one is given, so that the last word holds."""
    with registers.change(db):
        db.execute(END, [by.at_ms, by.actor, stay.stay_no])
        (number,) = db.execute(GIVE, [stay.stay_no, *span, reason, by.actor, by.at_ms]).fetchone()
        registers.journal(db, by, "pause", stay.stay_no)
    return _one(every(db, stay.stay_no), number)


def end(db: Connection, stay: Stay, by: By) -> Pause:
    """End a patient's pause now; NotFoundError when there is none that is running or to come."""
    with registers.change(db):
        if not db.execute(END, [by.at_ms, by.actor, stay.stay_no]).rowcount:
            raise NotFoundError(f"patient {stay.patient!a} has no pause; see: vwmon patients show {stay.patient}")
        registers.journal(db, by, "resume", stay.stay_no)
    return every(db, stay.stay_no)[-1]


def keep(db: Connection, several: Iterable[Pause]) -> None:
    """Write pauses as they are, for a stay that is told again."""
    db.executemany(
        f"insert into pause ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)",
        [tuple(getattr(one, name) for name in Pause.__slots__) for one in several],
    )


def _one(several: list[Pause], number: int) -> Pause:
    return next(one for one in several if one.pause_no == number)
