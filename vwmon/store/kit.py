"""Questions about devices and what they send: who has which, what each last said, what came of it. Read only.

Whether anything of that is wrong is vwmon.kit's.
"""

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from vwmon.store import readings
from vwmon.store.sqlite import Connection

# The last row of each series since a place in the log, with how its values spread: what one look has to read.
HEARD = """select device_no, vital_no, last.seq, last.value, last.marks, last.observed_ms, last.received_ms,
        low, high, readings
    from (select device_no, vital_no, max(seq) as seq, min(value) as low, max(value) as high, count(*) as readings
        from reading_log where seq > ?1 and seq <= ?2 group by device_no, vital_no) as since
    join reading_log as last using (seq, device_no, vital_no)"""
TRIED = """select seq, attempt.device_no, vital_no, sent, quarantine.reason, attempt.received_ms
    from attempt join quarantine using (quarantine_no)
    where seq > ?1 and seq <= ?2 order by seq"""
DEVICES = """select device.device_no, device, profile, status, status_since_ms, status_clean, battery_percent,
    battery_ms, stay.stay_no, case when stay.stay_no is not null then from_ms end,
    case when stay.stay_no is null
        then (select max(to_ms) from assignment as past where past.device_no = device.device_no) end
    from device left join assignment as held on held.device_no = device.device_no and held.to_ms is null
        left join stay on stay.stay_no = held.stay_no and discharged_ms is null order by device.device_no"""
STILL_OUT = """select stay_no, device_no, device, profile, since_ms
    from kit_out join assignment using (assignment_no) join device using (device_no)
    where back_ms is null and (?1 is null or stay_no = ?1) order by since_ms, device"""
MISSING = """select device_no, first_missing, last_missing, missing_count, noticed_ms from sequence_gap
    where closed_ms is null"""


class Heard(NamedTuple):
    """The last reading of one series since a place in the log, with the lowest and highest value and how many.

    `marks` is None where only the last reading is known, and not how it came.
    """

    device_no: int
    vital_no: int
    seq: int
    value: float | None
    marks: int | None
    observed_ms: int
    received_ms: int
    low: float | None
    high: float | None
    readings: int


class Tried(NamedTuple):
    """A result that was refused: what came, and why it was."""

    seq: int
    device_no: int
    vital_no: int
    sent: str
    reason: str
    received_ms: int


class Said(NamedTuple):
    """A device as it last spoke of itself, and whose it is; `stay_no` is None for one that is nobody's.

    `freed_ms` is when someone last gave back one that is nobody's.
    """

    device_no: int
    device: str
    profile: str
    status: str | None
    status_since_ms: int | None
    status_clean: int
    battery_percent: float | None
    battery_ms: int | None
    stay_no: int | None
    from_ms: int | None
    freed_ms: int | None


class Out(NamedTuple):
    """A device that a stay no longer has and that has not come back: since when that is so."""

    stay_no: int
    device_no: int
    device: str
    profile: str
    since_ms: int


class Missing(NamedTuple):
    """Messages that a device numbered and that have not come."""

    device_no: int
    first: int
    last: int
    messages: int
    noticed_ms: int


def merged_seq(db: Connection) -> int:
    """Give up to where the log has been merged, and can no longer be read row by row."""
    return int(db.execute("select merged_seq from log").fetchone()[0])


def heard(db: Connection, after_seq: int, up_to_seq: int) -> list[Heard]:
    """Give what came of each series in a part of the log that has not been merged."""
    return [Heard(*row) for row in db.execute(HEARD, [after_seq, up_to_seq])]


def latest(db: Connection, up_to_seq: int, after_seq: int = 0) -> list[Heard]:
    """Give the last reading of every series, wherever it is; with `after_seq`, of those that have one since."""
    return [
        Heard(
            one.device_no,
            one.vital_no,
            one.seq,
            one.value,
            None,
            one.observed_ms,
            one.received_ms,
            one.value,
            one.value,
            1,
        )
        for one in readings.latest(db, None, up_to_seq).values()
        if one.seq > after_seq
    ]


def tried(db: Connection, after_seq: int, up_to_seq: int) -> list[Tried]:
    """Give the results that were refused, in the order in which they came."""
    return [Tried(*row) for row in db.execute(TRIED, [after_seq, up_to_seq])]


def devices(db: Connection, known: Sequence[Said] = ()) -> list[Said]:
    """Give every device, in the order in which they were met; one that is still as `known` is that very record.

    A device is never removed, so that each keeps its place.
    """
    return [
        before if before is not None and row == before else Said._make(row)
        for row, before in zip(db.execute(DEVICES), chain(known, repeat(None)), strict=False)
    ]


def still_out(db: Connection, stay_no: int | None = None) -> dict[int, list[Out]]:
    """Give the kit that has not come back, by the stay that had it last: of one stay, or of all, the longest first.

    What it sends belongs to nobody. What was retired is not waited for.
    """
    found: dict[int, list[Out]] = {}
    for row in db.execute(STILL_OUT, [stay_no]):
        one = Out(*row)
        found.setdefault(one.stay_no, []).append(one)
    return found


def overdue_calibrations(db: Connection, stay_no: int, today: str) -> list[tuple[str, str]]:
    """Give the devices that a stay has now and whose calibration was due before a day (YYYY-MM-DD), with when."""
    rows = db.execute(
        """select device, calibration_due from assignment join device using (device_no)
           where stay_no = ? and to_ms is null and calibration_due < ? order by device""",
        [stay_no, today],
    )
    return [(device, due) for device, due in rows]


def missing(db: Connection) -> dict[int, list[Missing]]:
    """Give what is missing of each device's count."""
    found: dict[int, list[Missing]] = {}
    for row in db.execute(MISSING):
        found.setdefault(row[0], []).append(Missing(*row))
    return found


def names(db: Connection) -> dict[int, Any]:
    """Give the name of every vital that has been stored, by number."""
    return dict(readings.vitals(db))
