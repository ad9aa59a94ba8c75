"""The registers: stays, devices, and which device belonged to whose stay when. Rules of care are vwmon.patients'.

Every change is one transaction (its own, or the one the caller has begun), bumps the register's version, by which a
running daemon notices it, and leaves a line with the actor in the register's journal.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from devices import topics
from devices.errors import TopicError
from vwmon.errors import ConflictError, NotFoundError, RefusedError, UsageError
from vwmon.patients import admission
from vwmon.patients.admission import Admission
from vwmon.patients.records import Assignment, By, Device, Entry, Identity, Stay
from vwmon.store import facts, identities, kit_out, prescribed
from vwmon.store.database import atomic
from vwmon.store.known import device_number
from vwmon.store.sqlite import Connection

STAY_COLUMNS = """stay_no, patient, ward, pathway, plan_version, admitted_ms, discharged_ms, discharge_reason,
    spo2_scale, scale_prescriber, age_bands"""
STAY = f"{STAY_COLUMNS}, {prescribed.OF_STAY}"
DEVICE = """device_no, device, profile, serial, added_ms, registered, status, status_ms, battery_percent, battery_ms,
    firmware, calibrated_ms, calibration_due, retired_ms, retired_reason"""
ASSIGNMENT = "device_no, stay_no, from_ms, to_ms"
ADMIT = """insert into stay (patient, ward, pathway, plan_version, admitted_ms, spo2_scale, scale_prescriber, age_bands)
    values (:patient, :ward, :pathway, :plan_version, :admitted_ms, :spo2_scale, :prescriber, :age_bands)
    returning stay_no"""
BECOMES_A_STAY = "update referral set stay_no = ? where patient = ? and stay_no is null and declined_ms is null"

EVER_ON = """select 1 where exists (select 1 from stay where ward = ?1)
    or exists (select 1 from transfer where from_ward = ?1) or exists (select 1 from referral where ward = ?1)"""

Row = tuple[Any, ...]


def register_version(db: Connection) -> int:
    """Give the number that every change to a register raises by one."""
    return int(db.execute("select n from register_version").fetchone()[0])


def stays(db: Connection, *, ward: str | None = None, open_only: bool = False) -> list[Stay]:
    """Give the stays in the order of admission to the register: all, or of one ward, or those not discharged."""
    rows = db.execute(
        f"""select {STAY} from stay where (?1 is null or ward = ?1) and (not ?2 or discharged_ms is null)
            order by stay_no""",
        [ward, open_only],
    )
    return [_stay(row) for row in rows]


def stay(db: Connection, stay_no: int) -> Stay:
    """Give one stay by its number; NotFoundError when there is none."""
    row = db.execute(f"select {STAY} from stay where stay_no = ?", [stay_no]).fetchone()
    if row is None:
        raise NotFoundError(f"there is no stay {stay_no}")
    return _stay(row)


def stays_of(db: Connection, patient: str) -> list[Stay]:
    """Give every stay of a patient, the latest first; NotFoundError when there never was one."""
    rows = db.execute(f"select {STAY} from stay where patient = ? order by admitted_ms desc", [patient]).fetchall()
    if not rows:
        raise NotFoundError(f"no patient {patient!a} was ever admitted; see: vwmon patients")
    return [_stay(row) for row in rows]


def was_admitted(db: Connection, patient: str) -> bool:
    """Tell whether a patient ever had a stay."""
    return db.execute("select 1 from stay where patient = ? limit 1", [patient]).fetchone() is not None


def check_ward(db: Connection, ward: str, configured: Collection[str]) -> None:
    """Raise NotFoundError for a ward that nobody was ever on and that is not among those configured."""
    if ward in configured or db.execute(EVER_ON, [ward]).fetchone():
        return
    raise NotFoundError(f"no patient was ever on a ward {ward!a}; see: vwmon patients --all")


def open_stay(db: Connection, patient: str) -> Stay:
    """Give the stay that a patient is on now; NotFoundError when the patient is not on a ward."""
    latest = stays_of(db, patient)[0]
    if latest.discharged_ms is not None:
        raise NotFoundError(f"patient {patient!a} is not on a ward: discharged, {latest.discharge_reason}")
    return latest


def registered(db: Connection) -> dict[int, int]:
    """Give when each stay was written into the register (ms), which may be long after the admission it tells of."""
    return dict(db.execute("select stay_no, min(at_ms) from register_log where stay_no is not null group by stay_no"))


def unnoticed(db: Connection) -> list[Entry]:
    """Give the lines of the journal that no scorer has acted on yet, in order."""
    rows = db.execute(
        """select what, stay_no, device_no from register_log
           where entry_no > (select coalesce(max(entry_no), 0) from register_noticed) order by entry_no"""
    )
    return [Entry(what=what, stay_no=stay_no, device_no=device_no) for what, stay_no, device_no in rows]


def notice(db: Connection, cursor: int, at_ms: int) -> None:
    """Note that all of the journal has been acted on, with the log scored up to `cursor`; in a transaction."""
    db.execute(
        """insert or ignore into register_noticed
           select max(entry_no), ?, ? from register_log having max(entry_no) is not null""",
        (cursor, at_ms),
    )


def identity(db: Connection, stay_no: int) -> Identity:
    """Give what identifies the person of a stay. For one patient's own page alone: no list may ask this."""
    return identities.of_stay(db, stay_no)


def devices(db: Connection) -> list[Device]:
    """Give every device that was added or heard of, by name."""
    return [_device(row) for row in db.execute(f"select {DEVICE} from device order by device")]


def device(db: Connection, name: str) -> Device:
    """Give one device by name; NotFoundError when nobody added it and nothing was heard of it."""
    row = db.execute(f"select {DEVICE} from device where device = ?", [name]).fetchone()
    if row is None:
        raise NotFoundError(f"there is no device {name!a}; add it with: vwmon devices add")
    return _device(row)


def assignments(db: Connection) -> list[Assignment]:
    """Give which device belonged to which stay when, all of it, by device and time."""
    rows = db.execute(f"select {ASSIGNMENT} from assignment order by device_no, from_ms, assignment_no")
    return [_assignment(row) for row in rows]


def admit(db: Connection, wanted: Admission, by: By) -> Stay:
    """Begin a stay.

    Raises UsageError for what cannot be, RefusedError for what a rule of care refuses (NEWS2 below 16 years, PEWS from
    then on, scale 2 without a prescriber, pregnancy), ConflictError when the patient is on a ward then, or another with
    that NHS number.
    """
    _topic_name(topics.ward_name, wanted.ward)
    checked = admission.checked(wanted)
    with change(db):
        _check_away(db, checked.patient, checked.admitted_ms)
        identities.check_free(db, checked.nhs_number, checked.patient)
        (stay_no,) = db.execute(ADMIT, identities.stay_columns(checked)).fetchone()
        identities.write(db, identities.admitted(checked, stay_no))
        facts.of_admission(db, checked, stay_no, by)
        prescribed.of_admission(db, checked, stay_no, by)
        db.execute(BECOMES_A_STAY, (stay_no, checked.patient))
        journal(db, by, f"admit {checked.ward} {checked.plan.pathway}", stay_no)
        return stay(db, stay_no)


def discharge(db: Connection, patient: str, reason: str, discharged_ms: int, by: By) -> tuple[Stay, list[Device]]:
    """End a patient's stay, and with it the assignment of its devices; give the stay and those devices.

    Raises NotFoundError when the patient is not on a ward, UsageError for a time before the admission.
    """
    admission.discharge_reason(reason)
    with change(db):
        ending = open_stay(db, patient)
        if discharged_ms < ending.admitted_ms:
            raise UsageError(f"patient {patient!a} was admitted after that time")
        row = db.execute(
            f"update stay set discharged_ms = ?, discharge_reason = ? where stay_no = ? returning {STAY}",
            (discharged_ms, reason, ending.stay_no),
        ).fetchone()
        numbers = _free(db, ending, discharged_ms, by)
        journal(db, by, f"discharge {reason}", ending.stay_no)
    return _stay(row), [found for found in devices(db) if found.device_no in numbers]


def add_device(  # noqa: PLR0913, PLR0917 -- what is on its label
    db: Connection, name: str, by: By, profile: str = "", serial: str = "", calibration_due: str | None = None
) -> Device:
    """Add a device to the register, also one that has been heard already, and one that was retired and is fit again.

    What is not said of that one again stays as it was. `calibration_due` is YYYY-MM-DD, None where nobody knows.
    ConflictError when it is in the register.
    """
    _topic_name(topics.device_name, name)
    with change(db):
        row = db.execute(
            f"""insert into device (device, profile, serial, added_ms, registered, calibration_due)
                values (?, ?, ?, ?, 1, ?)
                on conflict (device) do update set profile = coalesce(nullif(excluded.profile, ''), profile),
                serial = coalesce(nullif(excluded.serial, ''), serial), added_ms = excluded.added_ms, registered = 1,
                calibration_due = coalesce(excluded.calibration_due, calibration_due),
                retired_ms = null, retired_reason = null
                where registered = 0 or retired_ms is not null returning {DEVICE}""",
            (name, profile, serial, by.at_ms, calibration_due),
        ).fetchone()
        if row is None:
            raise ConflictError(f"device {name!a} is in the register already; see: vwmon devices show {name}")
        added = _device(row)
        journal(db, by, "add", device_no=added.device_no)
    return added


def assign(db: Connection, name: str, patient: str, from_ms: int, by: By) -> Assignment:
    """Give a device to the stay a patient is on, from a time on: readings observed from then on are the patient's.

    Raises NotFoundError for a device that is not in the register or a patient who is not on a ward, UsageError for a
    time before the admission, ConflictError naming the patient who has the device then or later, or from whom it has
    not come back, RefusedError for one that was retired.
    """
    with change(db):
        found, to = _fit(db, name), open_stay(db, patient)
        if from_ms < to.admitted_ms:
            raise UsageError(f"patient {patient!a} was not on the ward yet at that time")
        _check_free(db, found, from_ms)
        kit_out.check_back(db, found, to.patient, from_ms)
        kit_out.comes(db, found.device_no, from_ms)
        row = db.execute(
            f"insert into assignment (device_no, stay_no, from_ms) values (?, ?, ?) returning {ASSIGNMENT}",
            (found.device_no, to.stay_no, from_ms),
        ).fetchone()
        journal(db, by, "assign", to.stay_no, found.device_no)
    return _assignment(row)


def return_device(db: Connection, name: str, returned_ms: int, by: By) -> Assignment:
    """End the assignment of a device, or note that one came back whose assignment had ended with the stay.

    NotFoundError when nobody has it, UsageError for a time before it was assigned, or before it was nobody's.
    """
    with change(db):
        found = device(db, name)
        held = holding(db, found)
        if held is None:
            return _came_back(db, found, returned_ms, by)
        if returned_ms < held.from_ms:
            raise UsageError(f"device {name!a} was assigned after that time")
        row = db.execute(
            f"update assignment set to_ms = ? where device_no = ? and to_ms is null returning {ASSIGNMENT}",
            (returned_ms, found.device_no),
        ).fetchone()
        ended = _assignment(row)
        journal(db, by, "return", ended.stay_no, found.device_no)
    return ended


def holding(db: Connection, found: Device) -> Assignment | None:
    """Give the assignment of a device that has no end; None when it is with nobody."""
    row = db.execute(
        f"select {ASSIGNMENT} from assignment where device_no = ? and to_ms is null", [found.device_no]
    ).fetchone()
    return None if row is None else _assignment(row)


def record_status(  # noqa: PLR0913, PLR0917 -- what a status message says, field by field
    db: Connection,
    name: str,
    status: str,
    battery_percent: float | None,
    firmware: str | None,
    at_ms: int,
    *,
    clean: bool = False,
) -> None:
    """Keep what a device last said of itself; a device nobody added gets a row, older word changes nothing.

    Since when it says so does not move when the broker repeats it. `clean`: it said itself that it goes offline.
    """
    with atomic(db):
        device_no = device_number(db, name, at_ms)
        db.execute(
            """update device set status_since_ms = case when status is :status then coalesce(status_since_ms, :at_ms)
               else :at_ms end, status_clean = :clean, status = :status, status_ms = :at_ms,
               firmware = coalesce(:firmware, firmware),
               battery_percent = coalesce(:battery, battery_percent),
               battery_ms = case when :battery is null then battery_ms else :at_ms end
               where device_no = :device_no and coalesce(status_ms, 0) <= :at_ms""",
            {
                "device_no": device_no,
                "status": status,
                "battery": battery_percent,
                "firmware": firmware,
                "at_ms": at_ms,
                "clean": int(clean),
            },
        )


@contextmanager
def change(db: Connection) -> Iterator[None]:
    """Run a change of a register in the caller's transaction if there is one, else in its own; `journal` it within."""
    if db.in_transaction:
        yield
        _bump(db)
        return
    with atomic(db):
        yield
        _bump(db)


def _bump(db: Connection) -> None:
    db.execute("update register_version set n = n + 1")


def journal(db: Connection, by: By, what: str, stay_no: int | None = None, device_no: int | None = None) -> None:
    """Leave a line about a change in the journal, in its transaction."""
    db.execute(
        "insert into register_log (at_ms, actor, what, stay_no, device_no) values (?, ?, ?, ?, ?)",
        (by.at_ms, by.actor, what, stay_no, device_no),
    )


def _free(db: Connection, ending: Stay, discharged_ms: int, by: By) -> set[int]:
    """End what a stay holds or held after a time; give the devices. What nobody returned by now is out."""
    held = db.execute(
        """select assignment_no, device_no, nullif(to_ms, max(to_ms, ?3 + 1)) from assignment
           where stay_no = ?2 and (to_ms is null or to_ms > ?1)""",
        (discharged_ms, ending.stay_no, by.at_ms),
    ).fetchall()
    for assignment_no, _, back_ms in held:
        db.execute(
            "update assignment set to_ms = max(from_ms, ?) where assignment_no = ?", (discharged_ms, assignment_no)
        )
        kit_out.goes(db, assignment_no, back_ms)
    return {device_no for _, device_no, _ in held}


def _check_away(db: Connection, patient: str, admitted_ms: int) -> None:
    there = db.execute(
        """select ward, discharged_ms is null from stay
           where patient = ? and (discharged_ms is null or discharged_ms > ?) order by admitted_ms desc""",
        [patient, admitted_ms],
    ).fetchone()
    if there is not None:
        when = "is" if there[1] else "was at that time"
        raise ConflictError(f"patient {patient!a} {when} on the ward {there[0]}; see: vwmon patients show")


def _check_free(db: Connection, found: Device, from_ms: int) -> None:
    held = db.execute(
        """select patient, to_ms is null from assignment join stay using (stay_no)
           where device_no = ? and (to_ms is null or to_ms > ?) order by from_ms""",
        [found.device_no, from_ms],
    ).fetchone()
    if held is not None:
        way = f"return it first: vwmon devices return {found.device}" if held[1] else "choose a later --from"
        raise ConflictError(f"device {found.device!a} belongs to patient {held[0]!a} at that time; {way}")


def _came_back(db: Connection, found: Device, back_ms: int, by: By) -> Assignment:
    ended = kit_out.of(db, found.device_no)
    if ended is None:
        raise NotFoundError(f"device {found.device!a} is with nobody")
    if back_ms < (ended.to_ms or 0):
        raise UsageError(f"device {found.device!a} belonged to a patient until after that time")
    if back_ms > by.at_ms:
        raise UsageError(f"device {found.device!a} is back when it is here: say no time that is still to come")
    kit_out.comes(db, found.device_no, back_ms)
    journal(db, by, "back", ended.stay_no, found.device_no)
    return ended


def in_register(db: Connection, name: str) -> Device:
    """Give a device that somebody added; NotFoundError for any other."""
    found = device(db, name)
    if not found.registered:
        raise NotFoundError(f"device {name!a} was heard but never added; add it with: vwmon devices add {name}")
    return found


def _fit(db: Connection, name: str) -> Device:
    found = in_register(db, name)
    if found.retired_ms is not None:
        way = f"if it is fit for use again: vwmon devices add {name}"
        raise RefusedError(f"device {name!a} was retired ({found.retired_reason}); {way}")
    return found


def _topic_name(check: Callable[[str], str], name: str) -> None:
    try:
        check(name)
    except TopicError as error:
        raise UsageError(str(error)) from error


def _stay(row: Row) -> Stay:
    return Stay(**dict(zip(Stay.__slots__, row, strict=True)))


def _device(row: Row) -> Device:
    return Device(**(dict(zip(Device.__slots__, row, strict=True)) | {"registered": bool(row[5])}))


def _assignment(row: Row) -> Assignment:
    device_no, stay_no, from_ms, to_ms = row
    return Assignment(device_no=device_no, stay_no=stay_no, from_ms=from_ms, to_ms=to_ms)
