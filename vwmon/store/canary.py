"""The canary's one row: whether a made-up reading came all the way round, or which link failed first.

Written by three threads, each what it did itself: who sends it, who scores it, and who tells people. Which link is
looked at when is vwmon.canary's. What the canary leaves behind in the log is taken away here, and counted.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from vwmon.durations import DAY_MS
from vwmon.patients.plans import CANARY
from vwmon.store.sqlite import Connection

SLACK_MS: Final = 10_000  # beside the interval and the limit, before a sender that says nothing is taken for dead
SILENT: Final = "sender: nothing was sent"

_BEGIN = """insert into canary (only_row, device, every_ms, limit_ms, began_ms) values (1, ?1, ?2, ?3, ?4)
    on conflict do update set device = ?1, every_ms = ?2, limit_ms = ?3, began_ms = ?4, came_ms = null, trouble = null,
    queued_ms = null, told_ms = null"""
_STATE = "device, every_ms, limit_ms, began_ms, sent_ms, came_ms, trouble"
_WHOSE = f"""select stay_no, ward, from_ms from device join assignment using (device_no) join stay using (stay_no)
    where device = ?1 and to_ms is null and from_ms <= ?2 and pathway = '{CANARY}' and discharged_ms is null"""
_STORED = """select exists (select 1 from reading_log join device using (device_no) where device = ?1
        and message_key = ?2)
    or exists (select 1 from message join device using (device_no) where device = ?1 and key = ?2)"""
_DAYS = f"""with days (day) as (select min(day) from reading
        union all select (select min(day) from reading where day > days.day) from days
        where days.day < ?1 / {DAY_MS})
    select day from days where day <= ?1 / {DAY_MS}"""
# By its own span with the device: what that measured of a person before is a person's.
_READINGS = "delete from reading where day = ? and device_no = ? and observed_ms >= ? and observed_ms < ?"
_KEYS = "delete from message where device_no = ?1 and key >= ?2 and key < ?3"
_SCORES = """delete from score where stay_no = ?1 and at_ms < min(?2,
    (select max(at_ms) from score where stay_no = ?1))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of the rounds of one daemon's canary; times are int milliseconds since the epoch, None is never.

    `came_ms` is when the last reading that came all the way round was sent; `trouble` which link failed first since.
    """

    device: str
    every_ms: int
    limit_ms: int
    began_ms: int
    sent_ms: int | None
    came_ms: int | None
    trouble: str | None

    @property
    def since_ms(self) -> int:
        """Give from when on it is not known that a reading comes round."""
        return max(self.began_ms, self.came_ms or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The made-up patient's stay that a device is with, its ward, and since when."""

    stay_no: int
    ward: str
    from_ms: int


def begin(db: Connection, device: str, every_ms: int, limit_ms: int, now_ms: int) -> None:
    """Say that readings of this device are sent from now on; inside the caller's transaction, as all that writes."""
    db.execute(_BEGIN, [device, every_ms, limit_ms, now_ms])


def end(db: Connection) -> None:
    """Say that there is no canary: nothing of one before looks like one of now."""
    db.execute("delete from canary")


def sent(db: Connection, stay_no: int, at_ms: int) -> None:
    """Note that a reading of that time goes out, and whose it is."""
    db.execute("update canary set stay_no = ?, sent_ms = ?", [stay_no, at_ms])


def came(db: Connection, at_ms: int) -> None:
    """Note that the reading of that time came all the way round."""
    db.execute("update canary set came_ms = ?, trouble = null", [at_ms])


def failed(db: Connection, trouble: str) -> None:
    """Note which link failed first."""
    db.execute("update canary set trouble = ?", [trouble])


def read(db: Connection) -> State | None:
    """Give how the rounds go; None where there is no canary."""
    row = db.execute(f"select {_STATE} from canary").fetchone()
    return None if row is None else State(**dict(zip(State.__slots__, row, strict=True)))


def trouble(state: State | None, now_ms: int, jumped_ms: int = 0) -> str | None:
    """Say which link failed first; None while readings come round, and where there is no canary.

    A sender that is silent is in trouble too: what it said last is not what holds now. But not for a clock alone that
    jumped at `jumped_ms`.
    """
    if state is None or state.trouble is not None:
        return None if state is None else state.trouble
    late = now_ms - max(state.since_ms, jumped_ms) > state.every_ms + state.limit_ms + SLACK_MS
    return SILENT if late else None


def whose(db: Connection, device: str, now_ms: int) -> Whose | None:
    """Give the made-up patient that a device is with; None where it is with a person, or with nobody."""
    row = db.execute(_WHOSE, [device, now_ms]).fetchone()
    return None if row is None else Whose(stay_no=row[0], ward=row[1], from_ms=row[2])


def stored(db: Connection, device: str, key: str) -> bool:
    """Tell whether a message of a device is in the log: a look through what is not merged, for when it went wrong."""
    return bool(db.execute(_STORED, [device, key]).fetchone()[0])


def total(db: Connection, stay_no: int, at_ms: int) -> tuple[int, int] | None:
    """Give the least and the greatest total of the score of one moment; None where there is none."""
    row = db.execute("select total_min, total_max from score where (stay_no, at_ms) = (?, ?)", [stay_no, at_ms])
    found = row.fetchone()
    return None if found is None else (found[0], found[1])


def last_total(db: Connection, stay_no: int, before_ms: int) -> int | None:
    """Give the least total of the last score before a time, which another has to differ from; None where there is none.

    A clock that was set back leaves scores of a time to come.
    """
    sql = "select total_min from score where stay_no = ? and at_ms < ? order by at_ms desc limit 1"
    found = db.execute(sql, [stay_no, before_ms]).fetchone()
    return None if found is None else int(found[0])


def tell(db: Connection, scored: Iterable[tuple[int, int]]) -> None:
    """Put the canary's own scores of (stay, time) into its outbox, in the transaction that stores them."""
    db.executemany("update canary set queued_ms = ?2 where stay_no = ?1 and sent_ms = ?2", scored)


def waits(db: Connection) -> bool:
    """Tell whether something of the canary waits to be told."""
    return db.execute("select 1 from canary where told_ms is not queued_ms").fetchone() is not None


def told(db: Connection) -> None:
    """Note that what waits was come to: it goes to nobody."""
    db.execute("update canary set told_ms = queued_ms")


def was_told(db: Connection, at_ms: int) -> bool:
    """Tell whether what followed from the reading of that time has gone through the outbox."""
    return db.execute("select 1 from canary where told_ms = ?", [at_ms]).fetchone() is not None


def forget(db: Connection, device: str, of: Whose, keys: tuple[str, str], before_ms: int) -> int:
    """Take away what a canary sent before a time and what was scored of it, in one transaction; give how many readings.

    Only what is merged, of the time since the device is with the made-up patient; `keys` are the first that is its own
    and the first that stays. The latest score stays. The log counts what it lacks.
    """
    (device_no,) = db.execute("select device_no from device where device = ?", [device]).fetchone()
    gone = 0
    for day in _days(db, before_ms):
        gone += db.execute(_READINGS, [day, device_no, of.from_ms, before_ms]).rowcount
    db.execute(_KEYS, [device_no, *keys])
    db.execute(_SCORES, [of.stay_no, before_ms])
    db.execute("update log set removed = removed + ?", [gone])
    db.execute("update canary set forgotten_ms = max(coalesce(forgotten_ms, 0), ?)", [before_ms])
    return gone


def forgotten_ms(db: Connection, stay_no: int) -> int:
    """Give before when nothing of a stay is kept because it is the canary's; 0 where all is."""
    found = db.execute("select forgotten_ms from canary where stay_no = ?", [stay_no]).fetchone()
    return 0 if found is None else int(found[0] or 0)


def _days(db: Connection, before_ms: int) -> Collection[int]:
    return [day for (day,) in db.execute(_DAYS, [before_ms]) if day is not None]
