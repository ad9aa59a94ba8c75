"""A database in memory that one stay is told again in: the writing of its registers and its part of the log.

What is written when is the caller's to say; nothing here reaches a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from types import MappingProxyType

from vwmon.patients import prescriptions
from vwmon.patients.prescriptions import Prescription
from vwmon.patients.records import Assignment, Device, Stay, Transfer
from vwmon.store import database, findings, pauses, prescribed, transfers
from vwmon.store.database import atomic
from vwmon.store.decisions import Decisions, Kind
from vwmon.store.findings import Found
from vwmon.store.pauses import Pause
from vwmon.store.readings import LogRow
from vwmon.store.registers import DEVICE, STAY_COLUMNS
from vwmon.store.sqlite import Connection

NOTHING: Mapping[int, str] = MappingProxyType({})
APPEND = """insert into reading_log
    (seq, device_no, vital_no, observed_ms, value, received_ms, unit, marks, recorded_ms)
    select ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?6 where ?1 not in (select quarantine_no from quarantine)"""
TRIED = """insert into attempt
    (seq, device_no, vital_no, observed_ms, sent, received_ms, recorded_ms, unit, quarantine_no)
    select ?1, ?2, ?3, ?4, detail, ?6, ?6, ?7, ?1 from quarantine where quarantine_no = ?1 and ?5 is null"""
# The refusal of an attempt has the attempt's own number here.
REFUSED = """insert into quarantine (quarantine_no, received_ms, recorded_ms, topic, reason, detail, payload_bytes)
    values (?, 0, 0, '', '', ?, 0)"""


def empty(
    like: Connection, vitals: Sequence[tuple[int, str]], devices: Sequence[Device], refused: Mapping[int, str] = NOTHING
) -> Connection:
    """Give a database with the tables of another, these vitals and devices, and nobody on the ward.

    `refused` says which numbers of the log are attempts, and what came for them.
    """
    db = database.scratch(like)
    db.executemany("insert into vital values (?, ?)", vitals)
    db.executemany(
        f"insert into device ({DEVICE}) values ({', '.join('?' * len(Device.__slots__))})", map(astuple, devices)
    )
    db.executemany(REFUSED, refused.items())
    return db


def hold(db: Connection, holds: Sequence[Found], several: Sequence[Pause]) -> None:
    """Write what holds technical alerts back, all of it at once: what it means is the same whenever it is read."""
    with atomic(db):
        findings.write(db, holds)
        pauses.keep(db, several)


def copy(db: Connection) -> Connection:
    """Give a database in memory of its own with everything that another has."""
    other = database.scratch(db)
    db.backup(other)
    return other


def admit(db: Connection, stay: Stay, at_ms: int) -> None:
    """Begin a stay as it was written at that time, with what it was prescribed then: nothing is known of its end."""
    row = astuple(stay)[:-1]
    columns = f"insert into stay ({STAY_COLUMNS}) values ({', '.join('?' * len(row))})"
    with atomic(db):
        db.execute(columns, (*row[:6], None, None, *row[8:]))
        for one in stay.prescriptions:
            prescribed.keep(db, one)
        _changed(db, at_ms, "admit", stay.stay_no)


def discharge(db: Connection, stay: Stay, at_ms: int) -> None:
    """End a stay."""
    ended = (stay.discharged_ms, stay.discharge_reason, stay.stay_no)
    with atomic(db):
        db.execute("update stay set discharged_ms = ?, discharge_reason = ? where stay_no = ?", ended)
        _changed(db, at_ms, "discharge", stay.stay_no)


def assign(db: Connection, assignment: Assignment, at_ms: int) -> None:
    """Give a device to a stay, with no end known."""
    begun = (assignment.device_no, assignment.stay_no, assignment.from_ms)
    with atomic(db):
        db.execute("insert into assignment (device_no, stay_no, from_ms) values (?, ?, ?)", begun)
        _changed(db, at_ms, "assign", assignment.stay_no, assignment.device_no)


def end(db: Connection, assignment: Assignment, at_ms: int) -> None:
    """End an assignment."""
    ended = (assignment.to_ms, assignment.device_no, assignment.stay_no, assignment.from_ms)
    with atomic(db):
        db.execute("update assignment set to_ms = ? where (device_no, stay_no, from_ms) = (?, ?, ?)", ended)
        _changed(db, at_ms, "return", assignment.stay_no, assignment.device_no)


def decide(db: Connection, kept: Decisions[Kind], found: Kind, at_ms: int) -> None:
    """Set a limit or a schedule of a stay, which nobody has ended yet, in the place of what it had of that before."""
    with atomic(db):
        kept.put(db, found)
        _changed(db, at_ms, kept.line(found), found.stay_no)


def end_decided(db: Connection, kept: Decisions[Kind], found: Kind, at_ms: int) -> None:
    """End a limit or a schedule of a stay."""
    with atomic(db):
        kept.keep_end(db, found)
        _changed(db, at_ms, kept.end_line(found), found.stay_no)


def transfer(db: Connection, moved: Transfer, at_ms: int) -> None:
    """Put a stay on another ward."""
    with atomic(db):
        transfers.keep(db, moved)
        db.execute("update stay set ward = ? where stay_no = ?", (moved.to_ward, moved.stay_no))
        _changed(db, at_ms, transfers.line(moved), moved.stay_no)


def prescribe(db: Connection, given: Prescription, at_ms: int) -> None:
    """Add what was prescribed of a stay."""
    with atomic(db):
        prescribed.keep(db, given)
        _changed(db, at_ms, prescriptions.line(given.prescription_no), given.stay_no)


def append(db: Connection, rows: Sequence[LogRow]) -> None:
    """Put readings and attempts into the log as they were numbered."""
    with atomic(db):
        db.executemany(APPEND, rows)
        db.executemany(TRIED, rows)


def _changed(db: Connection, at_ms: int, what: str, stay_no: int, device_no: int | None = None) -> None:
    db.execute("update register_version set n = n + 1")
    db.execute(
        "insert into register_log (at_ms, actor, what, stay_no, device_no) values (?, '', ?, ?, ?)",
        (at_ms, what, stay_no, device_no),
    )
