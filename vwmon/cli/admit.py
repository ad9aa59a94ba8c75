"""`vwmon patients admit`: one patient onto a ward, by options or, at a terminal, asked step by step.

The rules are vwmon.patients.admission's; many at once are vwmon.cli.importing's.
"""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from vwmon.cli import admit_asking, register_rows, render
from vwmon.cli.admit_asking import Said
from vwmon.cli.changing import Change, changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption
from vwmon.cli.register_rows import stay_row
from vwmon.cli.render import Format
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.store import registers


def _given_or_asked_for(ctx: typer.Context, param: typer.CallbackParam, value: str) -> str:
    """Raise BadParameter (exit 2) where something is missing that an admission needs, and nobody is to be asked."""
    asked = not ctx.params.get("patient") and sys.stdin.isatty() and sys.stdout.isatty()
    if value or asked or ctx.resilient_parsing:
        return value
    raise typer.BadParameter("is missing; at a terminal, vwmon patients admit alone asks", ctx=ctx, param=param)


PatientArgument = Annotated[
    str,
    typer.Argument(
        metavar="PATIENT",
        help="The local identifier; else it is asked for.",
        show_default=False,
        callback=_given_or_asked_for,
    ),
]
WardOption = Annotated[str, typer.Option(help="The ward's id.", show_default=False, callback=_given_or_asked_for)]
BornOption = Annotated[
    str, typer.Option(metavar="YYYY-MM-DD", help="Date of birth.", show_default=False, callback=_given_or_asked_for)
]
PathwayOption = Annotated[str, typer.Option(help=f"One of {', '.join(plans.PATHWAYS)}.")]
FromOption = Annotated[
    str, typer.Option("--from", metavar="TIME", help="When the stay began; else now.", show_default=False)
]
ScaleOption = Annotated[int, typer.Option("--spo2-scale", help="SpO2 scale: 1, or 2 where prescribed.")]
PrescriberOption = Annotated[str, typer.Option(help="Who prescribed scale 2.", show_default=False)]
NameOption = Annotated[str, typer.Option(help="The person's name.", show_default=False)]
NhsNumberOption = Annotated[str, typer.Option("--nhs-number", help="Ten digits.", show_default=False)]
ContactOption = Annotated[str, typer.Option(help="Telephone or e-mail.", show_default=False)]
NextOfKinOption = Annotated[str, typer.Option("--next-of-kin", help="Who else to reach, and how.", show_default=False)]
DaysOption = Annotated[
    int | None, typer.Option(metavar="DAYS", help="How long it is expected to last.", show_default=False)
]
NoKitOption = Annotated[
    bool, typer.Option("--no-kit", help="No device: readings by phone or visit.", show_default=False)
]
PregnantOption = Annotated[bool, typer.Option("--pregnant", help="Is refused: see below.", show_default=False)]


def admit(
    patient: PatientArgument = "",
    ward: WardOption = "",
    born: BornOption = "",
    pathway: PathwayOption = "general",
    from_: FromOption = "",
    spo2_scale: ScaleOption = 1,
    prescriber: PrescriberOption = "",
    name: NameOption = "",
    nhs_number: NhsNumberOption = "",
    contact: ContactOption = "",
    next_of_kin: NextOfKinOption = "",
    days: DaysOption = None,
    no_kit: NoKitOption = False,
    pregnant: PregnantOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Admit a patient to a ward; at a terminal and without PATIENT, step by step.

    Exit codes: 5 the patient is on a ward already, or another with that NHS number; 6 a rule of care refuses it (below
    16 years, but for the pathway children, which is for them alone; scale 2 without a prescriber; pregnancy, which
    NEWS2 is not for).
    """
    form = render.chosen(form, as_json)
    said = Said(
        patient=patient,
        ward=ward,
        born=born,
        pathway=pathway,
        from_=from_,
        spo2_scale=spo2_scale,
        prescriber=prescriber,
        name=name,
        nhs_number=nhs_number,
        contact=contact,
        next_of_kin=next_of_kin,
        days=days,
        no_kit=no_kit,
        pregnant=pregnant,
    )
    with changing(config, db, as_name) as change:
        if not patient:
            said = admit_asking.answers(said, change)
        wanted = _wanted(said, change)
        _warn_of_ward(change, said.ward)
        admitted = registers.admit(change.db, wanted, change.by)
        row, since = stay_row(admitted, change.known(), change.by.at_ms), change.here(admitted.admitted_ms, said.ward)
    tell(row | {"schedule": wanted.plan.schedule, "ask": list(wanted.plan.ask)}, form, *_told(said, wanted, since))


def _told(said: Said, wanted: Admission, since: str) -> Iterator[str]:
    """Say who was admitted, what has to be asked, what is next, and the way back."""
    yield f"Admitted {said.patient} to {said.ward}, pathway {said.pathway}, from {since}."
    for question in wanted.plan.ask:
        yield from render.folded(f"Ask: {question}")
    yield f"Next: vwmon {'readings add' if said.no_kit else 'devices assign DEVICE'} {said.patient}"
    yield f"Undo: vwmon patients discharge {said.patient} --reason error"


def _wanted(said: Said, change: Change) -> Admission:
    return Admission(
        patient=said.patient,
        ward=said.ward,
        plan=plans.load(said.pathway),
        admitted_ms=change.moment(said.from_),
        born=said.born,
        name=said.name,
        nhs_number=said.nhs_number,
        spo2_scale=said.spo2_scale,
        prescriber=said.prescriber,
        contact=said.contact,
        next_of_kin=said.next_of_kin,
        expected_days=said.days,
        no_kit=said.no_kit,
        pregnant=said.pregnant,
        zone=register_rows.zone(said.ward, change.settings),
    )


def _warn_of_ward(change: Change, ward: str) -> None:
    wards = [known.id for known in change.settings.wards]
    if wards and ward not in wards:
        render.warn(f"note: the configuration has no ward {ward!a}, only {', '.join(wards)}: its clock is then UTC")
