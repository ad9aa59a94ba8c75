"""Taking whole stays out of a database: which can be asked, what there is of them, and their removal, all or nothing.

When the time of a stay is over is vwmon.patients.retention's; how the history of alerts stays whole,
alerts.retention's. Nothing is done by itself: only a person's command calls this, on a database without a daemon.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from alerts import retention
from alerts.model import SYSTEM_STAY
from vwmon.durations import DAY_MS
from vwmon.patients.plans import CANARY
from vwmon.patients.records import By
from vwmon.patients.retention import Past
from vwmon.store.database import atomic
from vwmon.store.log import merge
from vwmon.store.scores import cursor
from vwmon.store.sqlite import Connection

# Of a patient with several stays the last one decides for all of them; so does a referral that was declined later.
_PAST: Final = f"""select stay_no, max(
        (select nullif(max(coalesce(discharged_ms, 1 << 62)), 1 << 62) from stay of where of.patient = stay.patient),
        (select coalesce(max(declined_ms), 0) from referral where referral.patient = stay.patient)),
        born,
        exists (select 1 from referral
            where referral.patient = stay.patient and declined_ms is null and stay_no is null)
        or exists (select 1 from stay of where of.patient = stay.patient and (
            exists (select 1 from alert where alert.stay_no = of.stay_no and state <> 'closed')
            or exists (select 1 from alert join handover_item using (alert_no) join handover using (handover_no)
                where alert.stay_no = of.stay_no and ended_ms is null)
            or exists (select 1 from assignment join kit_out using (assignment_no)
                where assignment.stay_no = of.stay_no and back_ms is null))),
        pathway = '{CANARY}'
    from stay left join identity using (stay_no) order by stay_no"""
# The stays, what they had which device for, and what was measured then, by its numbers in the log.
_CHOSEN: Final = (
    "create temp table going as select value as stay_no from json_each(?)",
    """create temp table held as select assignment_no, device_no, device, from_ms, to_ms from assignment
        join device using (device_no) where stay_no in (select stay_no from going)""",
    f"""create temp table measured as with days (day) as (select min(day) from reading
            union all select (select min(day) from reading where day > days.day) from days where days.day is not null)
        select seq, unit, reading.device_no, vital_no, reading.day, observed_ms from held cross join days
        cross join reading using (device_no) where reading.day = days.day and observed_ms >= from_ms
        and observed_ms < to_ms and days.day between from_ms / {DAY_MS} and to_ms / {DAY_MS}""",
    """create temp table tried as select seq, unit, device_no, quarantine_no
        from held cross join attempt using (device_no) where observed_ms >= from_ms and observed_ms < to_ms""",
    """create temp table refused as select quarantine_no from quarantine where payload_no in (
        select payload_no from held cross join quarantine using (device) where received_ms >= from_ms
            and received_ms < to_ms
        union select payload_no from tried join quarantine using (quarantine_no))
        and payload_no not in (select payload_no from attempt join quarantine using (quarantine_no)
            where seq not in (select seq from tried))""",
)
_OF_STAY: Final = (
    "score",
    "finding",
    "pause",
    "stay_limit",
    "prescription",
    "stay_schedule",
    "transfer",
    "stay_fact",
    "hub_request",
)
# What is counted, and how its rows are named; children before what they refer to.
_GOING: Final[tuple[tuple[str, str], ...]] = (
    ("attempt", "seq in (select seq from tried)"),
    ("quarantine", "quarantine_no in (select quarantine_no from refused)"),
    (
        "series_latest",
        "(device_no, vital_no, observed_ms) in (select device_no, vital_no, observed_ms from measured)",
    ),
    (
        "message",
        "(device_no, unit) in (select device_no, unit from measured union select device_no, unit from tried)",
    ),
    ("entered", "last_seq in (select seq from measured)"),
    (
        "reading",
        """(day, device_no, vital_no, observed_ms, seq) in
            (select day, device_no, vital_no, observed_ms, seq from measured)""",
    ),
    *((table, "stay_no in (select stay_no from going)") for table in _OF_STAY),
    (
        "referral",
        """stay_no in (select stay_no from going)
            or stay_no is null and patient in (select patient from stay join going using (stay_no))""",
    ),
    ("kit_out", "assignment_no in (select assignment_no from held)"),
    ("assignment", "assignment_no in (select assignment_no from held)"),
    ("identity", "stay_no in (select stay_no from going)"),
)
_ALERTS: Final[tuple[tuple[str, str], ...]] = (
    ("alert", "stay_no in (select stay_no from going)"),
    ("alert_event", "alert_no in (select alert_no from alert where stay_no in (select stay_no from going))"),
    ("notification", "alert_no in (select alert_no from alert where stay_no in (select stay_no from going))"),
)
_STAY: Final = ("stay", "stay_no in (select stay_no from going)")
# Its lines stay as numbers, since what the scorer noticed is said by them.
_JOURNAL: Final = """update register_log set actor = '', what = 'removed', stay_no = null, device_no = null
    where stay_no in (select stay_no from going)"""
_TABLES: Final = ("going", "held", "measured", "tried", "refused")


def past(db: Connection) -> list[Past]:
    """Give every stay as far as it matters to how long it is kept."""
    names = ("stay_no", "last_ms", "born", "open", "made_up")
    rows = (dict(zip(names, row, strict=True)) for row in db.execute(_PAST))
    return [Past(**(row | {"open": bool(row["open"]), "made_up": bool(row["made_up"])})) for row in rows]


def settle(db: Connection) -> None:
    """Merge what has been scored, so that what is measured stands in one place."""
    merge(db, cursor(db), 1 << 62)


def counts(db: Connection, stay_nos: Collection[int]) -> dict[str, int]:
    """Count by table what there is of some stays; nothing is changed. For a log that is settled."""
    with _chosen(db, stay_nos):
        return _counts(db)


def remove(db: Connection, stay_nos: Sequence[int], by: By, reason: str, host: str) -> dict[str, int]:
    """Take some stays away with all that is kept of them, in one transaction; give how much by table.

    The removal is sealed into the history of alerts. What is taken away is written over in the file.
    """
    db.execute("pragma secure_delete = on")
    with atomic(db), _chosen(db, stay_nos):
        found = _counts(db)
        number = retention.take_away(db, stay_nos)
        for table, rows in (*_GOING, _STAY):
            if table == "stay":
                db.execute(_JOURNAL)
            db.execute(f"delete from {table} where {rows}")
        db.execute("update log set removed = removed + ?", [found["reading"] + found["attempt"]])
        db.execute("update register_version set n = n + 1")
        retention.seal(db, number, by.actor, by.at_ms, reason, found, host)
    db.execute("pragma wal_checkpoint(truncate)")
    return found


def _counts(db: Connection) -> dict[str, int]:
    return {
        table: int(db.execute(f"select count(*) from {table} where {rows}").fetchone()[0])
        for table, rows in (_STAY, *_GOING, *_ALERTS)
    }


@contextmanager
def _chosen(db: Connection, stay_nos: Collection[int]) -> Iterator[None]:
    """Have what is to go in tables of this connection alone; the whole service is no stay."""
    if SYSTEM_STAY in stay_nos:
        raise ValueError("the whole service is no stay")
    choose, *rest = _CHOSEN
    db.execute(choose, [json.dumps(list(stay_nos))])
    for statement in rest:
        db.execute(statement)
    yield
    for table in _TABLES:
        db.execute(f"drop table {table}")
