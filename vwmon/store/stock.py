"""What becomes of single devices: one put in another's place, one retired, one calibrated. Changes of the register.

Whose device it is, and whether it may be, is vwmon.store.registers'.
"""

from datetime import UTC, datetime

from vwmon.errors import ConflictError, NotFoundError, UsageError
from vwmon.patients.records import Assignment, By, Device
from vwmon.store import kit_out, registers
from vwmon.store.registers import change, journal
from vwmon.store.sqlite import Connection


def swap(  # noqa: PLR0913 -- what is put in whose place, when, why, by whom
    db: Connection, old: str, new: str, at_ms: int, by: By, *, reason: str = "", stays_out: bool = False
) -> tuple[Assignment, Assignment]:
    """Put one device in another's place: the patient has the old one up to a moment and the new one from then on.

    Gives both assignments; both changes are made or neither. `stays_out`: the old one is still at the patient's home.
    Raises NotFoundError when nobody has the old one, and whatever keeps the new one from being assigned.
    """
    with change(db):
        found = registers.device(db, old)
        held = registers.holding(db, found)
        if held is None:
            raise NotFoundError(f"device {old!a} is with nobody: there is nothing to swap")
        if old == new:
            raise UsageError(f"{old!a} cannot take its own place")
        ended = registers.return_device(db, old, at_ms, by)
        begun = registers.assign(db, new, registers.stay(db, held.stay_no).patient, at_ms, by)
        if stays_out:
            kit_out.goes(db, _last(db, found))
        journal(db, by, f"swap {old} for {new}{f': {reason}' if reason else ''}", held.stay_no, found.device_no)
    return ended, begun


def retire(db: Connection, name: str, reason: str, at_ms: int, by: By) -> tuple[Device, Assignment | None]:
    """Take a device out of use: it is nobody's from a moment on, and is given to nobody any more.

    Gives it with the assignment that this ended. Raises NotFoundError for one that is not in the register,
    ConflictError for one that was retired before, UsageError without a reason or for a moment before it was with
    someone last.
    """
    if not reason.strip():
        raise UsageError("why is it retired? Say --reason, such as lost or broken")
    with change(db):
        found = registers.in_register(db, name)
        if found.retired_ms is not None:
            raise ConflictError(f"device {name!a} was retired before ({found.retired_reason})")
        ended = registers.return_device(db, name, at_ms, by) if registers.holding(db, found) else None
        _check_last(db, found, at_ms)
        kit_out.comes(db, found.device_no, at_ms)
        db.execute(
            "update device set retired_ms = ?, retired_reason = ? where device_no = ?",
            (at_ms, reason.strip(), found.device_no),
        )
        journal(db, by, f"retire {reason.strip()}", device_no=found.device_no)
    return registers.device(db, name), ended


def calibrated(db: Connection, name: str, at_ms: int, due: str | None, by: By) -> Device:
    """Note that a device was calibrated, and until when that does (YYYY-MM-DD); None where nobody has said.

    Raises NotFoundError for a device that is not in the register, UsageError for a time to come or before the last
    calibration, and for a date before the calibration.
    """
    with change(db):
        found = registers.in_register(db, name)
        if at_ms > by.at_ms:
            raise UsageError("a calibration is noted when it has been done")
        if at_ms < (found.calibrated_ms or 0):
            raise UsageError(f"device {name!a} was calibrated after that time already")
        if due is not None and due < datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat():
            raise UsageError(f"{due} was before the calibration")
        db.execute(
            "update device set calibrated_ms = ?, calibration_due = ? where device_no = ?",
            (at_ms, due, found.device_no),
        )
        journal(db, by, f"calibrated, due {due or 'unknown'}", device_no=found.device_no)
    return registers.device(db, name)


def _check_last(db: Connection, found: Device, at_ms: int) -> None:
    """Refuse to retire what somebody had at that time or later: those readings count, and are not taken away here."""
    (last_ms,) = db.execute("select max(to_ms) from assignment where device_no = ?", [found.device_no]).fetchone()
    if last_ms is not None and last_ms > at_ms:
        raise UsageError(f"device {found.device!a} was with a patient after that time; say a later --at")


def _last(db: Connection, found: Device) -> int:
    row = db.execute("select max(assignment_no) from assignment where device_no = ?", [found.device_no]).fetchone()
    return int(row[0])
