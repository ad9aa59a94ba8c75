"""What the lists ask about many stays at once: who they are, what came last, what it was before. Read only.

Each question is a statement or two for all stays together, by keys: the work list has to be there in a moment, however
many readings and closed alerts there are. Which stays those are, and what the answers mean, is the caller's.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from vwmon.durations import DAY_MS
from vwmon.patients.records import Stay
from vwmon.store.readings import FOREVER_MS
from vwmon.store.registers import STAY
from vwmon.store.sqlite import Connection


class Person(NamedTuple):
    """Who a stay is of, as far as that was said at the admission; `born` is YYYY-MM-DD."""

    name: str | None
    born: str | None


class Value(NamedTuple):
    """A reading of a vital by its number, and when it was observed."""

    vital_no: int
    device_no: int
    observed_ms: int
    value: float


class Heard(NamedTuple):
    """A stay that goes on, and when anything was last observed of it; None is never."""

    stay_no: int
    patient: str
    ward: str
    pathway: str
    admitted_ms: int
    last_ms: int | None


STAYS = f"select {STAY} from json_each(?) as wanted cross join stay on stay_no = wanted.value"
PERSONS = "select stay_no, name, born from json_each(?) as wanted cross join identity on stay_no = wanted.value"
HELD = f"""with held (stay_no, device_no, from_ms, to_ms) as materialized (
    select stay_no, device_no, from_ms, coalesce(to_ms, {FOREVER_MS})
    from json_each(?) as wanted cross join assignment on stay_no = wanted.value)"""
# Of a device that is somebody else's by now, the last reading need not be in the span: then nothing is said of it.
NEWEST = f"""{HELD}
    select stay_no, vital_no, device_no, observed_ms, value from held cross join series_latest using (device_no)
        where observed_ms >= from_ms and observed_ms < to_ms and value is not null
    union all select stay_no, vital_no, device_no, max(observed_ms), value from reading_log cross join held
        using (device_no) where observed_ms >= from_ms and observed_ms < to_ms and value is not null group by 1, 2, 3"""
# The latest at or before a time within the day of that time or the day before, each by one step into the primary key.
# As integers, so that the key of a table may look them up.
AS_NUMBER = "cast(json_extract(value, '$[{0}]') as integer)"
ON_DAY = """(select observed_ms from reading where day = {0} and reading.device_no = asked.device_no
    and reading.vital_no = asked.vital_no and observed_ms <= asked.at_ms and value is not null
    order by observed_ms desc limit 1)"""
EARLIER = f"""with asked (stay_no, vital_no, device_no, at_ms) as materialized (
        select {", ".join(AS_NUMBER.format(place) for place in range(4))} from json_each(?)),
    found as materialized (select asked.*, coalesce({ON_DAY.format(f"at_ms / {DAY_MS}")},
        {ON_DAY.format(f"at_ms / {DAY_MS} - 1")}) as observed_ms from asked)
    select stay_no, vital_no, device_no, observed_ms, reading.value from found
        cross join reading using (device_no, vital_no, observed_ms) where day = observed_ms / {DAY_MS}
    union all select stay_no, vital_no, device_no, max(observed_ms), value from reading_log cross join asked
        using (device_no, vital_no) where observed_ms <= at_ms and observed_ms > at_ms - 2 * {DAY_MS}
        and value is not null group by 1, 2, 3"""
# The merged part stands in the order of devices already; only what is not merged has to be sorted.
LAST = """merged as materialized (select device_no, max(observed_ms) as last_ms from series_latest group by device_no),
    tail as materialized (select device_no, max(observed_ms) as last_ms from reading_log group by device_no)"""
OF_ITS_TIME = "case when {0}.last_ms >= from_ms and (to_ms is null or {0}.last_ms < to_ms) then {0}.last_ms else 0 end"
AWAY = """select stay_no, max(min(until_ms, coalesce(ended_ms, until_ms))) from pause
    where from_ms <= ?1 and until_ms > ?1 and (ended_ms is null or ended_ms > ?1) group by stay_no"""
WARD = f"""with {LAST} select stay_no, patient, ward, pathway, admitted_ms,
        nullif(max(max({OF_ITS_TIME.format("merged")}, {OF_ITS_TIME.format("tail")})), 0)
    from stay left join assignment using (stay_no) left join merged using (device_no) left join tail using (device_no)
    where discharged_ms is null and (?1 = '' or ward = ?1) group by stay_no"""


def stays(db: Connection, stay_nos: Collection[int]) -> dict[int, Stay]:
    """Give these stays by number."""
    rows = db.execute(STAYS, [json.dumps(list(stay_nos))])
    return {row[0]: Stay(**dict(zip(Stay.__slots__, row, strict=True))) for row in rows}


def persons(db: Connection, stay_nos: Collection[int]) -> dict[int, Person]:
    """Give who these stays are of, for the eyes of those who care for them."""
    return {row[0]: Person(*row[1:]) for row in db.execute(PERSONS, [json.dumps(list(stay_nos))])}


def held(db: Connection, stay_no: int) -> dict[int, list[tuple[int, int]]]:
    """Give the devices that a stay has had, each with the spans, from and until, in which it had it."""
    spans: dict[int, list[tuple[int, int]]] = {}
    rows = db.execute(f"{HELD} select device_no, from_ms, to_ms from held", [json.dumps([stay_no])])
    for device_no, from_ms, to_ms in rows:
        spans.setdefault(device_no, []).append((from_ms, to_ms))
    return spans


def newest(db: Connection, stay_nos: Collection[int]) -> dict[int, dict[int, Value]]:
    """Give the last reading of each vital of these stays, by the devices they had at its time."""
    return _by_stay(db.execute(NEWEST, [json.dumps(list(stay_nos))]))


def at(db: Connection, asked: Sequence[tuple[int, int, int, int]]) -> dict[int, dict[int, Value]]:
    """Give what some series last were at a time: asked for as (stay_no, vital_no, device_no, at_ms).

    Only readings of that day and the day before (UTC) are looked at.
    """
    return _by_stay(db.execute(EARLIER, [json.dumps(asked)])) if asked else {}


def ward(db: Connection, name: str = "") -> list[Heard]:
    """Give every stay that goes on, of one ward or of all, with when anything was last observed of it."""
    return [Heard._make(row) for row in db.execute(WARD, [name])]


def away(db: Connection, now_ms: int) -> dict[int, int]:
    """Give the stays whose patient is away, and until when; of a database that keeps no pauses, none."""
    if count(db, "select count(*) from sqlite_schema where name = 'pause'") == 0:
        return {}
    return dict(db.execute(AWAY, [now_ms]).fetchall())


def count(db: Connection, sql: str, parameters: Sequence[Any] = ()) -> int:
    """Give the one number that a statement asks for."""
    return int(db.execute(sql, parameters).fetchone()[0])


def _by_stay(rows: Any) -> dict[int, dict[int, Value]]:  # noqa: ANN401 -- a cursor of whichever sqlite3 module
    """Give the latest of each vital of each stay, of all its devices and of what is merged and what is not."""
    found: dict[int, dict[int, Value]] = {}
    for stay_no, *row in rows:
        value = Value._make(row)
        of_stay = found.setdefault(stay_no, {})
        before = of_stay.get(value.vital_no)
        if before is None or value.observed_ms >= before.observed_ms:
            of_stay[value.vital_no] = value
    return found


def last_ms(found: Mapping[int, Value]) -> int | None:
    """Give when the latest of some readings was observed; None of none."""
    return max((value.observed_ms for value in found.values()), default=None)
