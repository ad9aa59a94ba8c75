"""The questions of an admission at a terminal: one after the other, each answer checked at once, all of it shown last.

What may be answered is vwmon.patients.admission's; nothing is written here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import typer

from devices import topics
from devices.errors import TopicError
from vwmon.cli import register_rows, render
from vwmon.cli.changing import Change
from vwmon.errors import ConflictError, NotFoundError, RefusedError, UsageError
from vwmon.patients import admission, plans
from vwmon.store import identities, registers

Reader = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is said of an admission, as it is written on a command line."""

    patient: str
    ward: str
    born: str
    pathway: str
    from_: str
    spo2_scale: int
    prescriber: str
    name: str
    nhs_number: str
    contact: str
    next_of_kin: str
    days: int | None
    no_kit: bool
    pregnant: bool


def answers(said: Said, change: Change) -> Said:
    """Ask for an admission, beginning from what was said with options; Abort when it is not to be written.

    RefusedError at the answer that a rule of care refuses: no other answer makes it right.
    """
    for field, question, reader in _questions(change):
        answer: dict[str, Any] = {field: _ask(question, str(getattr(said, field) or ""), reader)}
        said = replace(said, **answer)
        if field == "pathway":
            _check_age(said, change)
    admission.not_pregnant(pregnant=typer.confirm("Pregnant?", default=said.pregnant))
    said = _scale(said)
    said = _days(said)
    said = replace(said, no_kit=typer.confirm("No device: readings by phone or visit only?", default=said.no_kit))
    for line in _summary(said):
        render.say(line)
    typer.confirm("Admit?", default=False, abort=True)
    return said


def _questions(change: Change) -> Iterator[tuple[str, str, Reader]]:
    """Yield the questions in order: what is asked for, in which words, and who reads the answer."""
    wards = ", ".join(ward.id for ward in change.settings.wards)
    yield "patient", "Patient (local identifier, no name)", lambda text: _patient(change, text)
    yield "ward", f"Ward ({wards})" if wards else "Ward", _ward
    yield "born", "Date of birth (YYYY-MM-DD)", lambda text: _born(change, text)
    yield "pathway", f"Pathway ({', '.join(plans.PATHWAYS)})", lambda text: plans.load(text).pathway
    yield "name", "Name (may be left out)", _optional(admission.person_name)
    yield "nhs_number", "NHS number (may be left out)", _optional(lambda text: _number(change, text))
    yield "contact", "Telephone or e-mail (may be left out)", _optional(admission.contact)
    yield "next_of_kin", "Next of kin, and how to reach them (may be left out)", _optional(admission.contact)


def _ask(question: str, default: str, reader: Reader) -> str:
    """Ask until the answer can be read; what is wrong with it is said at once."""
    while True:
        text = str(typer.prompt(question, default=default, show_default=bool(default))).strip()
        try:
            return reader(text)
        except (UsageError, NotFoundError, ConflictError) as error:
            render.warn(f"  {error}")


def _optional(reader: Reader) -> Reader:
    return lambda text: reader(text) if text else ""


def _patient(change: Change, text: str) -> str:
    """Read an identifier of somebody who is on no ward now."""
    patient = admission.identifier(text)
    if any(stay.patient == patient for stay in registers.stays(change.db, open_only=True)):
        raise ConflictError(f"patient {patient!a} is on a ward; see: vwmon patients show {patient}")
    return patient


def _ward(text: str) -> str:
    try:
        return topics.ward_name(text)
    except TopicError as error:
        raise UsageError(str(error)) from error


def _born(change: Change, text: str) -> str:
    return admission.birth_date(text, change.by.at_ms, None).isoformat()  # the pathway is asked for next


def _check_age(said: Said, change: Change) -> None:
    """Raise RefusedError where the chart of the pathway is not for the age."""
    zone = register_rows.zone(said.ward, change.settings)
    admission.birth_date(said.born, change.moment(said.from_), plans.load(said.pathway).chart, zone)


def _number(change: Change, text: str) -> str:
    number = admission.nhs_number(text)
    identities.check_free(change.db, number, "")
    return number


def _scale(said: Said) -> Said:
    """Ask for the SpO2 scale, and for scale 2 who prescribed it; without a name it is scale 1 or nothing."""
    if not typer.confirm("SpO2 scale 2 prescribed (hypercapnic respiratory failure)?", default=said.spo2_scale != 1):
        return replace(said, spo2_scale=1, prescriber="")
    prescriber = _ask("Prescribed by", said.prescriber, _prescriber)
    return replace(said, spo2_scale=2, prescriber=prescriber)


def _prescriber(text: str) -> str:
    try:
        admission.spo2_scale(2, text)
    except RefusedError as error:
        raise UsageError(str(error)) from error
    return text


def _days(said: Said) -> Said:
    usual = said.days if said.days is not None else plans.load(said.pathway).days
    text = _ask("Expected to last how many days (may be left out)", str(usual or ""), _optional(_whole_days))
    return replace(said, days=int(text) if text else None)


def _whole_days(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text!a} is no whole number of days")
    return str(admission.expected_days(int(text)))


def _summary(said: Said) -> Iterator[str]:
    yield ""
    scale = f"2, prescribed by {said.prescriber}" if said.spo2_scale != 1 else "1"
    shown = {
        "Patient": said.patient,
        "Ward": said.ward,
        "Pathway": said.pathway,
        "Born": said.born,
        "Name": said.name,
        "NHS number": said.nhs_number,
        "Contact": said.contact,
        "Next of kin": said.next_of_kin,
        "SpO2 scale": scale,
        "Expected days": "not said" if said.days is None else str(said.days),
        "Kit": "none, by phone or visit" if said.no_kit else "a device, to be assigned next",
        "From": said.from_ or "now",
    }
    for title, value in shown.items():
        yield f"{title:<14}{value or 'left out'}"
