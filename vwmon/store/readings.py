"""Questions to the log of readings: in log order, by series and time, the latest. Read only.

A reading is in the tail of the log or merged by day and series; every answer here is over both.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from vwmon.durations import DAY_MS
from vwmon.store import attempts
from vwmon.store.sqlite import Connection

FOREVER_MS = 1 << 62

LogRow = tuple[int, int, int, int, float | None, int, int]
"""seq, device_no, vital_no, observed_ms, value, received_ms, unit; `unit` is the seq of its message's first row."""


class Latest(NamedTuple):
    """The last reading of one vital from one device."""

    device_no: int
    vital_no: int
    observed_ms: int
    value: float | None
    text: str | None
    seq: int
    received_ms: int


ROW = "seq, device_no, vital_no, observed_ms, value, received_ms, unit"
TAIL = f"""select {ROW} from reading_log where seq > ?1
    union all select {attempts.ROW} from attempt where seq > ?1"""
AFTER = f"{TAIL} order by 1 limit ?2"
BOTH_AFTER = f"select {ROW} from reading where seq > ?1 union all {TAIL} order by 1 limit ?2"
# The next of another message ends the search, so that a long tail is not read to its end.
REST = """select {0} from {1} where seq > ?1
    and seq < coalesce((select min(seq) from {1} where seq > ?1 and unit <> ?2), {2})"""
REST_OF_TAIL = f"""{REST.format(ROW, "reading_log", FOREVER_MS)}
    union all {REST.format(attempts.ROW, "attempt", FOREVER_MS)}"""
REST_OF_UNIT = f"{REST_OF_TAIL} order by 1"
BOTH_REST_OF_UNIT = f"select {ROW} from reading where seq > ?1 and unit = ?2 union all {REST_OF_TAIL} order by 1"
# A day at a time, because the primary key begins with the day: a range of days would scan all devices of each.
DAYS = f"""with days (day) as (
        select min(day) from reading where day >= :from_ms / {DAY_MS}
        union all select (select min(day) from reading where day > days.day) from days
        where days.day < :to_ms / {DAY_MS}),
    asked (device_no) as (select value from json_each(:devices))"""
HISTORY = f"""{DAYS}
    select {ROW} from days cross join asked cross join reading using (day, device_no)
        where observed_ms between :from_ms and :to_ms
    union all select {ROW} from reading_log
        where observed_ms between :from_ms and :to_ms and device_no in (select device_no from asked)
    order by 1"""
VALUED = "device_no, vital_no, observed_ms, value, text, seq, received_ms"
WITHIN = f"""{DAYS}
    select device_no, vital_no, max(observed_ms), value, text, seq, received_ms from (
        select {VALUED} from days cross join asked cross join reading using (day, device_no)
        union all select {VALUED} from reading_log where device_no in (select device_no from asked))
    where observed_ms between :from_ms and :to_ms group by device_no, vital_no"""
NEWEST = f"""select reading.seq, device_no, vital_no, observed_ms, reading.value, reading.received_ms, reading.unit
        from series_latest cross join reading using (device_no, vital_no, observed_ms)
        where reading.day = observed_ms / {DAY_MS} and reading.seq <= ?1
    union all select {ROW} from reading_log join (
        select device_no, vital_no, max(observed_ms) as observed_ms from reading_log where seq <= ?1 group by 1, 2)
        using (device_no, vital_no, observed_ms) where seq <= ?1"""
LATEST = """select device_no, vital_no, max(observed_ms) as observed_ms, value, text, seq, received_ms, unit from (
        select * from series_latest where seq <= :up_to_seq
        union all select device_no, vital_no, max(observed_ms), value, text, seq, received_ms, unit
        from reading_log where seq <= :up_to_seq group by device_no, vital_no)
    where :devices is null or device_no in (select value from json_each(:devices))
    group by device_no, vital_no"""


def vitals(db: Connection) -> dict[int, str]:
    """Give the name of every vital that has been stored, by number."""
    return dict(db.execute("select vital_no, name from vital"))


def device_numbers(db: Connection) -> dict[str, int]:
    """Give the number of every device by its name."""
    return dict(db.execute("select device, device_no from device"))


def rows_after(db: Connection, seq: int, limit: int) -> list[LogRow]:
    """Give the next readings, and attempts, in log order: at most `limit`, and what a message cut by that still has.

    Quick for what has not been merged; from a merged beginning each call sorts all that follows.
    """
    (merged_seq,) = db.execute("select merged_seq from log").fetchone()
    after, rest_of_unit = (BOTH_AFTER, BOTH_REST_OF_UNIT) if seq < merged_seq else (AFTER, REST_OF_UNIT)
    rows = db.execute(after, [seq, limit]).fetchall()
    if len(rows) == limit:
        rows.extend(db.execute(rest_of_unit, [rows[-1][0], rows[-1][-1]]))
    return rows


def history(db: Connection, device_nos: Sequence[int], from_ms: int = 0, to_ms: int = FOREVER_MS) -> list[LogRow]:
    """Give the readings of some devices observed between two times, both included, in log order."""
    asked = {"devices": json.dumps(list(device_nos)), "from_ms": from_ms, "to_ms": to_ms}
    return db.execute(HISTORY, asked).fetchall()


def newest(db: Connection, up_to_seq: int = FOREVER_MS) -> list[LogRow]:
    """Give every reading at the latest time of its series, in no order: what windows are rebuilt from.

    A series that has been merged and has come further since is given at both times.
    """
    return db.execute(NEWEST, [up_to_seq]).fetchall()


def latest(
    db: Connection, device_nos: Sequence[int] | None = None, up_to_seq: int = FOREVER_MS
) -> dict[tuple[int, int], Latest]:
    """Give the last reading of each (device_no, vital_no) by the time it was observed; of all devices for None.

    Of two observed at one moment it is one of them. `up_to_seq` leaves out what came later, and must not be merged.
    """
    return {(row[0], row[1]): Latest._make(row[:-1]) for row in _latest(db, device_nos, up_to_seq)}


def latest_within(db: Connection, device_no: int, from_ms: int, to_ms: int) -> list[Latest]:
    """Give the last reading of each vital that a device observed between two times, both included."""
    asked = {"devices": json.dumps([device_no]), "from_ms": from_ms, "to_ms": to_ms}
    return [Latest._make(row) for row in db.execute(WITHIN, asked)]


def _latest(db: Connection, device_nos: Sequence[int] | None, up_to_seq: int) -> Sequence[tuple[Any, ...]]:
    asked = None if device_nos is None else json.dumps(list(device_nos))
    return db.execute(LATEST, {"devices": asked, "up_to_seq": up_to_seq}).fetchall()
