"""Stored readings and the quarantine as people ask for them: newest first, by patient, device, vital. Read only."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from vwmon.durations import DAY_MS
from vwmon.patients.plans import CANARY
from vwmon.store.sqlite import Connection

Owner = Literal["anybody", "nobody", "patient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which readings are asked for. `owner` "patient" means those of `patient`, "nobody" those never assigned.

    `like` is a pattern of SQLite's GLOB for the names of vitals.
    """

    limit: int
    owner: Owner = "anybody"
    patient: str = ""
    device: str = ""
    vital: str = ""
    like: str = ""
    since_ms: int = 0


class Listed(NamedTuple):
    """One stored reading with whose it is: the patient whose stay the device belonged to at its own time, if any."""

    seq: int
    observed_ms: int
    device: str
    vital: str
    value: float | None
    text: str | None
    raw_value: float | str | None
    raw_unit: str | None
    marks: int
    received_ms: int
    recorded_ms: int
    stay_no: int | None
    patient: str | None
    ward: str | None


class Refusal(NamedTuple):
    """One row of the quarantine. `payload` is the message's, also where several readings of one were refused."""

    quarantine_no: int
    received_ms: int
    recorded_ms: int
    topic: str
    device: str | None
    vital: str | None
    reason: str
    detail: str
    message_id: str | None
    payload: bytes
    payload_bytes: int


OWNED = """select 1 from assignment a join stay using (stay_no)
    where a.device_no = r.device_no and a.from_ms <= r.observed_ms and (a.to_ms is null or r.observed_ms < a.to_ms)"""
CHOSEN = f"""(:devices is null or device_no in (select value from json_each(:devices)))
    and (:vital = '' or vital_no = (select vital_no from vital where name = :vital))
    and (:like = '' or vital_no in (select vital_no from vital where name glob :like))
    and observed_ms >= :since_ms
    and not (device_no in (select value from json_each(:made_up)) and exists ({OWNED} and pathway = '{CANARY}'))
    and case :owner when 'anybody' then 1 when 'nobody' then not exists ({OWNED})
        else exists ({OWNED} and patient = :patient) end
    order by observed_ms desc, seq desc limit :limit"""
SHOWN = """select r.seq, r.observed_ms, device, name, r.value, r.text, r.raw_value, r.raw_unit, r.marks, r.received_ms,
        r.recorded_ms, stay_no, patient, ward
    from ({0}) as r join device using (device_no) join vital using (vital_no)
    left join assignment a on a.device_no = r.device_no and a.from_ms <= r.observed_ms
        and (a.to_ms is null or r.observed_ms < a.to_ms)
    left join stay using (stay_no)"""
OF_TAIL = SHOWN.format(f"select * from reading_log as r where {CHOSEN}")
OF_DAY = SHOWN.format(f"select * from reading as r where day = :day and {CHOSEN}")
DAYS = f"""with days (day) as (select max(day) from reading
        union all select (select max(day) from reading where day < days.day) from days where days.day is not null)
    select day from days where day >= :since_ms / {DAY_MS} order by day desc"""
REFUSALS = """select q.quarantine_no, q.received_ms, q.recorded_ms, q.topic, q.device, q.vital, q.reason, q.detail,
        q.message_id, holder.payload, q.payload_bytes
    from quarantine q join quarantine holder on holder.quarantine_no = q.payload_no
    where (?1 = '' or q.device = ?1) and (?2 = '' or q.reason = ?2) and q.received_ms >= ?3
    order by q.quarantine_no desc limit ?4"""


def readings(db: Connection, wanted: Wanted) -> list[Listed]:
    """Give the newest readings that are wanted, by the time they were observed."""
    asked = asdict(wanted) | {"devices": _devices(db, wanted), "made_up": _made_up(db, wanted)}
    found = _listed(db, OF_TAIL, asked)
    for (day,) in db.execute(DAYS, {"since_ms": wanted.since_ms}):
        found += _listed(db, OF_DAY, asked | {"day": day})
        # The days before hold nothing newer than this day's beginning.
        if sum(row.observed_ms >= day * DAY_MS for row in found) >= wanted.limit:
            break
    found.sort(key=lambda row: (-row.observed_ms, -row.seq))
    return found[: wanted.limit]


def refusals(db: Connection, device: str, reason: str, since_ms: int, limit: int) -> list[Refusal]:
    """Give what was refused last, the latest first; empty texts for any device and any reason."""
    return [Refusal._make(row) for row in db.execute(REFUSALS, [device, reason, since_ms, limit])]


def _devices(db: Connection, wanted: Wanted) -> str | None:
    """Name the devices that can have what is wanted, as JSON: the primary key finds by device. None is any."""
    if wanted.device:
        rows = db.execute("select device_no from device where device = ?", [wanted.device])
    elif wanted.owner == "patient":
        rows = db.execute(
            "select distinct device_no from assignment join stay using (stay_no) where patient = ?", [wanted.patient]
        )
    else:
        return None
    return json.dumps([device_no for (device_no,) in rows])


def _made_up(db: Connection, wanted: Wanted) -> str:
    """Name the devices of made-up patients, as JSON, unless one of these is asked for: a canary would fill the list."""
    if wanted.device or wanted.owner == "patient":
        return "[]"
    sql = "select distinct device_no from assignment join stay using (stay_no) where pathway = ?"
    return json.dumps([device_no for (device_no,) in db.execute(sql, [CANARY])])


def _listed(db: Connection, sql: str, asked: dict[str, Any]) -> list[Listed]:
    rows: Sequence[tuple[Any, ...]] = db.execute(sql, asked).fetchall()
    return [Listed._make(row) for row in rows]
