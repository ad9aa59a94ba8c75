"""The prescriptions of single stays: written here as records that are only ever added, and read back with their stay.

What may be prescribed, and what holds at a moment, is vwmon.patients.prescriptions'. Which stay, and the line of the
journal about each record, is the caller's.
"""

from vwmon.patients import prescriptions
from vwmon.patients.admission import Admission
from vwmon.patients.prescriptions import SATURATION, SCALE, SCALES, Prescription
from vwmon.patients.records import By
from vwmon.store.sqlite import Connection

NAMES = Prescription.__slots__
COLUMNS = ", ".join(NAMES)
OBJECT = ", ".join(f"'{name}', {name}" for name in NAMES)
OF_STAY = f"""coalesce((select nullif(json_group_array(json_object({OBJECT})), '[]') from prescription
    where prescription.stay_no = stay.stay_no), '') as prescribed"""
WRITE = f"""insert into prescription ({", ".join(NAMES[1:])}) values ({", ".join("?" * len(NAMES[1:]))})
    returning prescription_no"""
KEEP = f"insert into prescription ({COLUMNS}) values ({', '.join('?' * len(NAMES))})"


def write(db: Connection, wanted: Prescription) -> int:
    """Add a record, in the caller's transaction, and give its number; the number that it has counts for nothing."""
    return int(db.execute(WRITE, _row(wanted)[1:]).fetchone()[0])


def keep(db: Connection, known: Prescription) -> None:
    """Write a record as it is, for a stay that is told again."""
    db.execute(KEEP, _row(known))


def of_admission(db: Connection, wanted: Admission, stay_no: int, by: By) -> None:
    """Write what an admission prescribes: scale 2, or a scale with the name of who decided on it; else nothing."""
    if wanted.spo2_scale == SCALES[0] and not wanted.prescriber:
        return
    low, high = prescriptions.targeted(wanted.spo2_scale, None) or (None, None)
    found = Prescription(
        prescription_no=0,
        stay_no=stay_no,
        what=SCALE,
        vital=SATURATION,
        scale=wanted.spo2_scale,
        low=low,
        high=high,
        usual=None,
        prescriber=wanted.prescriber,
        reason=prescriptions.AT_ADMISSION,
        from_ms=wanted.admitted_ms,
        to_ms=None,
        actor=by.actor,
        written_ms=by.at_ms,
    )
    write(db, found)


def _row(one: Prescription) -> list[object]:
    return [getattr(one, name) for name in NAMES]
