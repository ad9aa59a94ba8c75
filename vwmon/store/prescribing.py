"""Prescribing for the stay that a patient is on: a part of the registers, with a line of their journal for each record.

What may be prescribed is vwmon.patients.prescriptions', how it is kept vwmon.store.prescribed'.
"""

from dataclasses import dataclass

from devices.vitals import VITALS
from vwmon.errors import NotFoundError, UsageError
from vwmon.patients import prescriptions
from vwmon.patients.prescriptions import SATURATION, SCALE, USUAL, Prescription
from vwmon.patients.records import By, Stay
from vwmon.store import prescribed, registers
from vwmon.store.sqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be prescribed for a patient; of a scale with its target range, or of a usual value of a vital.

    With neither a scale nor a usual value, what holds of that kind is to end at `from_ms`.
    """

    patient: str
    what: str
    vital: str = SATURATION
    scale: int | None = None
    target: tuple[int, int] | None = None
    usual: float | None = None
    prescriber: str
    reason: str
    from_ms: int
    to_ms: int | None = None


def put(db: Connection, wanted: Wanted, by: By) -> tuple[Stay, Prescription]:
    """Write a prescription for the stay that a patient is on; give the stay with it, and the record.

    NotFoundError when the patient is on no ward, UsageError for what can be none or is from before the admission,
    RefusedError for a scale without a prescriber, a child's scale, or a target that scale 2 is not for.
    """
    with registers.change(db):
        stay = registers.open_stay(db, wanted.patient)
        _check(stay, wanted)
        return _written(db, stay, wanted, by)


def end(db: Connection, wanted: Wanted, by: By) -> tuple[Stay, Prescription]:
    """End what holds of a kind, or is to come; NotFoundError when nothing does."""
    with registers.change(db):
        stay = registers.open_stay(db, wanted.patient)
        prescriptions.check_words(wanted.prescriber, wanted.reason)
        if not _left(stay, wanted):
            what = "SpO2 scale" if wanted.what == SCALE else f"usual {wanted.vital}"
            raise NotFoundError(f"patient {wanted.patient!a} has no {what} prescribed that is in force or to come")
        _check_time(stay, wanted)
        return _written(db, stay, wanted, by)


def _left(stay: Stay, wanted: Wanted) -> bool:
    """Tell whether anything of a kind holds at the time of its end, or later."""
    mine = [
        one for one in prescriptions.held(stay.prescriptions) if one.prescription.key == (wanted.what, wanted.vital)
    ]
    return any(one.ever and (one.until_ms is None or one.until_ms > wanted.from_ms) for one in mine)


def _written(db: Connection, stay: Stay, wanted: Wanted, by: By) -> tuple[Stay, Prescription]:
    low, high = wanted.target or (None, None)
    record = Prescription(
        prescription_no=0,
        stay_no=stay.stay_no,
        what=wanted.what,
        vital=wanted.vital,
        scale=wanted.scale,
        low=low,
        high=high,
        usual=wanted.usual,
        prescriber=wanted.prescriber.strip(),
        reason=wanted.reason.strip(),
        from_ms=wanted.from_ms,
        to_ms=wanted.to_ms,
        actor=by.actor,
        written_ms=by.at_ms,
    )
    number = prescribed.write(db, record)
    registers.journal(db, by, prescriptions.line(number), stay.stay_no)
    after = registers.stay(db, stay.stay_no)
    return after, next(one for one in after.prescriptions if one.prescription_no == number)


def _check(stay: Stay, wanted: Wanted) -> None:
    prescriptions.check_words(wanted.prescriber, wanted.reason)
    if wanted.what == SCALE:
        prescriptions.check_chart(stay.chart)
        prescriptions.targeted(wanted.scale or 0, wanted.target)
    else:
        _check_usual(wanted)
    _check_time(stay, wanted)
    if wanted.to_ms is not None and wanted.to_ms <= wanted.from_ms:
        raise UsageError("a prescription ends after it begins: a later --until, or an earlier --from")


def _check_usual(wanted: Wanted) -> None:
    """UsageError for a usual value that nobody can have, or of a vital that has none."""
    from vwmon.scoring.trends.table import NAMES  # its table is read for this alone

    if wanted.what != USUAL or wanted.vital not in NAMES:
        raise UsageError(f"{wanted.vital!a} has no usual value; there are {', '.join(NAMES)}")
    known = VITALS[wanted.vital]
    if wanted.usual is None or not known.possible(wanted.usual):
        raise UsageError(f"{wanted.usual:g} {known.unit} cannot be a usual {wanted.vital}")


def _check_time(stay: Stay, wanted: Wanted) -> None:
    if wanted.from_ms < stay.admitted_ms:
        raise UsageError(f"patient {stay.patient!a} was not on the ward yet at that time")
