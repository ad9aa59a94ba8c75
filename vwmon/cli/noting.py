"""`vwmon patients consent`, `no-kit`, `pregnant`, `expect`, `correct`: what is noted of a stay, and of the person."""

from typing import Annotated

import typer

from vwmon.cli import render, stay_stages
from vwmon.cli.changing import Change, changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient
from vwmon.cli.register_rows import stay_row
from vwmon.cli.render import Format
from vwmon.errors import UsageError
from vwmon.patients import admission
from vwmon.patients.records import Stay
from vwmon.store import facts, stages
from vwmon.store.facts import Said

FromOption = Annotated[str, typer.Option("--from", metavar="TIME", help="From when on; else now.", show_default=False)]


def consent(
    patient: OnePatient,
    refused: Annotated[bool, typer.Option("--refused", help="Refused, or withdrawn.", show_default=False)] = False,
    from_: FromOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Note that a patient agrees to be watched at home, or no longer does.

    Nobody stops being watched by it: whoever is to leave is discharged. Exit codes: 3 the patient is not on a ward.
    """
    value = facts.NO if refused else facts.YES
    with changing(config, db, as_name) as change:
        _note(
            change,
            patient,
            (facts.CONSENT, value, from_),
            render.chosen(form, as_json),
            [
                f"Noted: {patient} {'does not agree' if refused else 'agrees'} to be watched at home.",
                f"Still watched. To end it: vwmon patients discharge {patient} --reason declined"
                if refused
                else f"Undo: vwmon patients consent {patient} --refused",
            ],
        )


def no_kit(
    patient: OnePatient,
    undo: Annotated[bool, typer.Option("--undo", help="There is to be kit after all.", show_default=False)] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Note that a patient has no device on purpose: readings come by phone or with a visit, and are entered by hand.

    Exit codes: 3 the patient is not on a ward.
    """
    with changing(config, db, as_name) as change:
        said = "is to have kit" if undo else "has no kit: readings come by phone, vwmon readings add"
        back = f"vwmon patients no-kit {patient}{'' if undo else ' --undo'}"
        value = facts.YES if undo else facts.NO
        _note(
            change,
            patient,
            (facts.KIT, value, ""),
            render.chosen(form, as_json),
            [
                f"Noted: {patient} {said}.",
                f"Undo: {back}",
            ],
        )


def pregnant(
    patient: OnePatient,
    no: Annotated[bool, typer.Option("--no", help="Not, or no longer.", show_default=False)] = False,
    from_: FromOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Note that a patient on a ward is pregnant: NEWS2 does not apply (RCP 2017), and is not shown as a score.

    The patient goes on being watched: every alert comes as before, and is marked. Exit codes: 3 the patient is not on a
    ward.
    """
    with changing(config, db, as_name) as change:
        value = facts.NO if no else facts.YES
        lines = [
            f"Noted: {patient} is {'not ' if no else ''}pregnant.",
            *(
                []
                if no
                else [
                    "NEWS2 is excluded from now on: no score is shown. Alerts still come, marked PREGNANT.",
                    "Tell the maternity service now: it has its own early warning score.",
                ]
            ),
            f"Undo: vwmon patients pregnant {patient}{'' if no else ' --no'}",
        ]
        _note(change, patient, (facts.PREGNANCY, value, from_), render.chosen(form, as_json), lines)


def expect(
    patient: OnePatient,
    days: Annotated[int, typer.Option(metavar="DAYS", help="From the admission on.", show_default=False)],
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Say for how many days a stay is expected to last. What goes on longer is shown so; nothing ends by it.

    Exit codes: 3 the patient is not on a ward.
    """
    admission.expected_days(days)
    with changing(config, db, as_name) as change:
        _note(
            change,
            patient,
            (facts.EXPECTED_DAYS, str(days), ""),
            render.chosen(form, as_json),
            [
                f"Noted: the stay of {patient} is expected to last {days} day{'' if days == 1 else 's'}.",
            ],
        )


def correct(
    patient: OnePatient,
    name: Annotated[str | None, typer.Option(help="The person's name.", show_default=False)] = None,
    born: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Date of birth.", show_default=False)] = None,
    nhs_number: Annotated[str | None, typer.Option("--nhs-number", help="Ten digits.", show_default=False)] = None,
    contact: Annotated[str | None, typer.Option(help="Telephone or e-mail.", show_default=False)] = None,
    next_of_kin: Annotated[
        str | None, typer.Option("--next-of-kin", help="Who else to reach, and how.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Correct what identifies the person of a patient's latest stay; an empty text takes a field away.

    The journal says who corrected which field, and never a value. Exit codes: 3 no such patient; 5 somebody else on a
    ward has that NHS number; 6 nobody of that date of birth may be on a ward.
    """
    given = {"name": name, "born": born, "nhs_number": nhs_number, "contact": contact, "next_of_kin": next_of_kin}
    said = {field: text for field, text in given.items() if text is not None}
    if not said:
        raise UsageError("say what is to be corrected: --name, --born, --nhs-number, --contact or --next-of-kin")
    with changing(config, db, as_name) as change:
        stay, _ = stages.correct(change.db, patient, said, change.by)
        row = stay_row(stay, change.known(), change.by.at_ms) | {"corrected": sorted(said)}
    shown = ", ".join(field.replace("_", " ") for field in said)
    tell(row, render.chosen(form, as_json), f"Corrected for {patient}: {shown}.", f"See: vwmon patients show {patient}")


def _note(change: Change, patient: str, what: tuple[str, str, str], form: Format, lines: list[str]) -> None:
    kind, value, from_ = what
    stay = stages.note(change.db, patient, Said(kind, value, change.moment(from_)), change.by)
    tell(_row(change, stay), form, *lines)


def _row(change: Change, stay: Stay) -> dict[str, object]:
    now_ms = change.by.at_ms
    return stay_row(stay, change.known(), now_ms) | stay_stages.stage_row(stay, stages.read(change.db, now_ms), now_ms)
