"""The rules of admission: what may be written into the register of stays. Pure; who is there already is the store's.

A value that cannot be is a UsageError; one that a rule of care refuses is a RefusedError.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from vwmon.errors import RefusedError, UsageError
from vwmon.patients.ages import age
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.patients.records import Identity, Plan

LONGEST_IDENTIFIER, LONGEST_CONTACT = 64, 200
LONGEST_STAY_DAYS = 3660
YOUNGEST = 16  # RCP, NEWS2 2017: not for children under 16 years
OLDEST = 130
# Between the charts: PEWS goes to 18 years, and NEWS2 is for everyone whom it is for.
NOT_FOR = {
    NEWS2: f"NEWS2 is for patients of {YOUNGEST} and over; those below go to the pathway children, which uses PEWS",
    PEWS: f"the pathway for children, which uses PEWS, is for those below {YOUNGEST}; NEWS2 is for {YOUNGEST} and over",
}
SCALES = (1, 2)
NHS_DIGITS = 10
REASON = re.compile(r"[a-z][a-z0-9_-]{0,31}")
DISCHARGE_REASONS = {
    "completed": "the course is over",
    "recovered": "well again",
    "readmitted": "taken into hospital",
    "transferred": "to another ward or service",
    "declined": "the patient's own wish",
    "died": "the patient has died",
    "error": "admitted by mistake",
    "other": "anything else",
}

DECLINE_REASONS = {
    "full": "no room on the ward",
    "unsuitable": "not for care at home",
    "pregnant": "for the maternity service",
    "declined": "the patient's own wish",
    "elsewhere": "looked after by someone else",
    "error": "referred by mistake",
    "other": "anything else",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What is asked for: a patient onto a ward with a plan, from a time on. `born` is None only for a recording.

    A birthday begins with its day in `zone`, the ward's. `recorded_ages_ms` is of a child of a recording that says no
    date of birth but how old they are: when each band of age of the chart begins, 0 for those begun by the admission.
    """

    patient: str
    ward: str
    plan: Plan
    admitted_ms: int
    born: str | None = None
    name: str | None = None
    nhs_number: str | None = None
    spo2_scale: int = 1
    prescriber: str = ""
    zone: str = "UTC"
    contact: str | None = None
    next_of_kin: str | None = None
    expected_days: int | None = None
    no_kit: bool = False
    pregnant: bool = False
    recorded_ages_ms: tuple[int, ...] = ()


def checked(wanted: Admission) -> Admission:
    """Return an admission as it may be written down; raises as the rules below do."""
    born = _born(wanted)
    not_pregnant(pregnant=wanted.pregnant)
    return replace(
        wanted,
        patient=identifier(wanted.patient),
        born=born,
        name=person_name(wanted.name) if wanted.name else None,
        nhs_number=nhs_number(wanted.nhs_number) if wanted.nhs_number else None,
        spo2_scale=spo2_scale(wanted.spo2_scale, wanted.prescriber),
        prescriber=wanted.prescriber.strip(),
        contact=contact(wanted.contact) if wanted.contact else None,
        next_of_kin=contact(wanted.next_of_kin) if wanted.next_of_kin else None,
        expected_days=expected_days(wanted.plan.days if wanted.expected_days is None else wanted.expected_days),
    )


def _born(wanted: Admission) -> str | None:
    """Return the date of birth of somebody whom the plan's chart is for; a child has one, and no SpO2 scale 2."""
    if wanted.plan.chart == PEWS and wanted.spo2_scale != SCALES[0]:
        raise RefusedError("SpO2 scale 2 is a scale of NEWS2, and children are scored with PEWS")
    if wanted.born is not None:
        return birth_date(wanted.born, wanted.admitted_ms, wanted.plan.chart, wanted.zone).isoformat()
    if wanted.plan.chart == PEWS and not wanted.recorded_ages_ms:
        raise RefusedError(f"PEWS goes by age: the pathway {wanted.plan.pathway} needs a date of birth")
    return None


def corrected(was: Identity, said: Mapping[str, str], admitted_ms: int) -> Identity:
    """Return what identifies a person as it is corrected, field by field; an empty text takes a field away.

    UsageError for what cannot be, also a date of birth taken away, RefusedError for one that no pathway is for.
    """
    if said.get("born") == "":
        raise UsageError("a date of birth is corrected, not taken away")
    found: dict[str, Any] = {name: READERS[name](text, admitted_ms) if text else None for name, text in said.items()}
    return replace(was, **found)


def identifier(text: str) -> str:
    """Return a patient's local identifier: 1 to 64 printable characters, without space at either end."""
    return _printable(text, "a patient's identifier")


def person_name(text: str) -> str:
    """Return a person's name: 1 to 64 printable characters."""
    return _printable(text, "a name")


def nhs_number(text: str) -> str:
    """Return the ten digits of an NHS number whose check digit is right; spaces and hyphens may stand between.

    Weights 10 to 2, modulo 11; a remainder that would need a check digit of 10 is never issued (NHS Data Dictionary).
    """
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[0-9]{10}", digits):
        raise UsageError("an NHS number has ten digits")
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(NHS_DIGITS, 1, -1), strict=False))
    if (11 - total % 11) % 11 != int(digits[-1]):
        raise UsageError("this NHS number's check digit is wrong; read it again")
    return digits


def contact(text: str) -> str:
    """Return how a person, or the next of kin, is reached: 1 to 200 printable characters. It is never said back."""
    if not text.isprintable() or text != text.strip() or not 1 <= len(text) <= LONGEST_CONTACT:
        raise UsageError(f"how someone is reached is 1 to {LONGEST_CONTACT} printable characters, no space around")
    return text


def expected_days(days: int | None) -> int | None:
    """Return for how many days a stay is expected to last; None where nobody says."""
    if days is not None and not 1 <= days <= LONGEST_STAY_DAYS:
        raise UsageError(f"{days} days cannot be how long a stay lasts: 1 to {LONGEST_STAY_DAYS}")
    return days


def not_pregnant(*, pregnant: bool) -> None:
    """RefusedError for someone who is pregnant: NEWS2 is not for pregnancy, at any week (RCP 2017)."""
    if pregnant:
        raise RefusedError(
            "NEWS2 is not for pregnancy (RCP 2017), and no pathway has a chart for it: refer to the maternity service, "
            "which has its own early warning score; nothing was written"
        )


def birth_date(text: str, admitted_ms: int, chart: str | None = NEWS2, zone: str = "UTC") -> date:
    """Return a date of birth, YYYY-MM-DD, of somebody who may begin to be scored with a chart at `admitted_ms`.

    None is no chart: then only a date that cannot be is refused.

    RefusedError below 16 years for NEWS2, which is not for children (RCP 2017), and from then on for PEWS. Ages are
    completed birthdays by the calendar of `zone`.
    """
    try:
        born = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise UsageError(f"{text!a} is not a date of birth such as 1948-05-17") from error
    years = age(born, datetime.fromtimestamp(admitted_ms / 1000, ZoneInfo(zone)).date())
    if not 0 <= years <= OLDEST:
        raise UsageError(f"born {born} would be {years} years old at admission")
    if chart is not None and (years < YOUNGEST) != (chart == PEWS):
        raise RefusedError(f"born {born} is {years} years old: {NOT_FOR[chart]}")
    return born


def spo2_scale(scale: int, prescriber: str) -> int:
    """Return the SpO2 scale. RefusedError for scale 2 without the name of who prescribed it.

    Scale 2 is for hypercapnic respiratory failure, on the decision of a qualified clinician only (RCP 2017).
    """
    if scale not in SCALES:
        raise UsageError(f"there is no SpO2 scale {scale}; there are 1 and 2")
    if scale == SCALES[1] and not prescriber.strip():
        raise RefusedError("SpO2 scale 2 is a clinician's decision: name who made it with --prescriber")
    return scale


def discharge_reason(code: str) -> str:
    """Return the code of a reason for discharge: one of DISCHARGE_REASONS, or the ward's own in the same form."""
    return _code(code, DISCHARGE_REASONS)


def decline_reason(code: str) -> str:
    """Return the code of a reason for declining: one of DECLINE_REASONS, or the ward's own in the same form."""
    return _code(code, DECLINE_REASONS)


def _code(code: str, known: Mapping[str, str]) -> str:
    if not REASON.fullmatch(code):
        raise UsageError(f"{code!a} is no reason's code; there are {', '.join(known)}")
    return code


READERS: Mapping[str, Callable[[str, int], str]] = {
    "born": lambda text, admitted_ms: birth_date(text, admitted_ms).isoformat(),
    "name": lambda text, _: person_name(text),
    "nhs_number": lambda text, _: nhs_number(text),
    "contact": lambda text, _: contact(text),
    "next_of_kin": lambda text, _: contact(text),
}


def _printable(text: str, what: str) -> str:
    if not text.isprintable() or text != text.strip() or not 1 <= len(text) <= LONGEST_IDENTIFIER:
        raise UsageError(f"{text!a} cannot be {what}: 1 to {LONGEST_IDENTIFIER} printable characters, no space around")
    return text
