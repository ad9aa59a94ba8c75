"""Stays that went from one ward to another: written here, and read back as the wards that a stay was on.

What becomes of the alerts of a stay that goes is vwmon.transferring's.
"""

from dataclasses import dataclass
from typing import Any

from devices import topics
from devices.errors import TopicError
from vwmon.errors import ConflictError, UsageError
from vwmon.patients.records import By, Entry, Stay, Transfer
from vwmon.store import registers
from vwmon.store.sqlite import Connection

VERB = "transfer"  # as the journal's lines begin, with the number of the transfer after
COLUMNS = ", ".join(Transfer.__slots__)
WRITE = f"""insert into transfer (stay_no, from_ward, to_ward, at_ms, written_ms, actor, reason)
    values (?, ?, ?, ?, ?, ?, ?) returning {COLUMNS}"""
KEEP = f"insert into transfer ({COLUMNS}) values ({', '.join('?' * len(Transfer.__slots__))})"
EVERY = f"select {COLUMNS} from transfer where ?1 is null or stay_no = ?1 order by transfer_no"
MOVE = "update stay set ward = ? where stay_no = ?"


def by_stay(db: Connection, stay_no: int | None = None) -> dict[int, list[Transfer]]:
    """Give the transfers of every stay that had any, or of one, in order."""
    found: dict[int, list[Transfer]] = {}
    for row in db.execute(EVERY, [stay_no]):
        one = _transfer(row)
        found.setdefault(one.stay_no, []).append(one)
    return found


def of_stay(db: Connection, stay_no: int) -> list[Transfer]:
    """Give the transfers of one stay, in order."""
    return by_stay(db, stay_no).get(stay_no, [])


def wards_of(db: Connection, stay: Stay) -> list[str]:
    """Name the wards that a stay is and was on, the present one first: its devices may still speak to any of them."""
    return list(dict.fromkeys([stay.ward, *(one.from_ward for one in reversed(of_stay(db, stay.stay_no)))]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which patient goes where, when and why."""

    patient: str
    to: str
    at_ms: int
    reason: str


def move(db: Connection, wanted: Wanted, by: By) -> tuple[Stay, Stay]:
    """Put a patient's stay on another ward, and give it as it was and as it is.

    NotFoundError when the patient is on no ward, ConflictError for the ward it is on. UsageError without a reason, for
    a time before the stay came to where it is, and for one to come: who looks after the patient until then is open.
    """
    stay = registers.open_stay(db, wanted.patient)
    _check(db, stay, wanted, by)
    with registers.change(db):
        row = (stay.stay_no, stay.ward, wanted.to, wanted.at_ms, by.at_ms, by.actor, wanted.reason.strip())
        moved = _transfer(db.execute(WRITE, row).fetchone())
        db.execute(MOVE, (wanted.to, stay.stay_no))
        registers.journal(db, by, line(moved), stay.stay_no)
    return stay, registers.stay(db, stay.stay_no)


def _transfer(row: tuple[Any, ...]) -> Transfer:
    return Transfer(**dict(zip(Transfer.__slots__, row, strict=True)))


def _check(db: Connection, stay: Stay, wanted: Wanted, by: By) -> None:
    try:
        topics.ward_name(wanted.to)
    except TopicError as error:
        raise UsageError(str(error)) from error
    if not wanted.reason.strip():
        raise UsageError("say why the patient goes there: --reason TEXT")
    if wanted.to == stay.ward:
        raise ConflictError(f"patient {stay.patient!a} is on the ward {stay.ward} already")
    if wanted.at_ms > by.at_ms:
        raise UsageError("a transfer is written down when the patient has gone, not for a time to come")
    if wanted.at_ms < max([stay.admitted_ms, *(one.at_ms for one in of_stay(db, stay.stay_no))]):
        raise UsageError(f"patient {stay.patient!a} came to the ward {stay.ward} after that time")


def keep(db: Connection, moved: Transfer) -> None:
    """Write a transfer as it is, for a stay that is told again."""
    db.execute(KEEP, [getattr(moved, name) for name in Transfer.__slots__])


def line(moved: Transfer) -> str:
    """Give the line of the registers' journal about a transfer."""
    return f"{VERB} {moved.transfer_no} {moved.from_ward} {moved.to_ward}"


def numbered(entry: Entry) -> int:
    """Give the number of the transfer that a line of the journal is about; 0 for a line that is about none."""
    return int(entry.what.split(" ")[1]) if entry.verb == VERB else 0
