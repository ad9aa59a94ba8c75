"""`vwmon patients`: stays on the ward. The rules are vwmon.patients', the register is vwmon.store's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Annotated, Any

import typer

from alerts.evidence import ANSWER, WHOLE
from alerts.policy import POLICY
from vwmon import durations
from vwmon.cli import (
    admit,
    child_lines,
    context,
    importing,
    moving,
    next_measure,
    noting,
    own_schedule,
    pause,
    plan,
    prescription_rows,
    reading_rows,
    referring,
    register_rows,
    render,
    stay_lookups,
    stay_stages,
    trends,
)
from vwmon.cli.changing import changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient, group
from vwmon.cli.register_rows import Registers, here, stay_row
from vwmon.cli.render import Column, Format
from vwmon.cli.standing import Standing, standing_of
from vwmon.config import Settings
from vwmon.errors import RefusedError
from vwmon.patients import admission, plans, schedules
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.records import Plan, Stay
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.store import own_schedules, pauses, readings, referrals, registers, stages, transfers
from vwmon.store.database import open_reader
from vwmon.store.sqlite import Connection

app = group("patients", "Stays on the ward.")
COMMANDS = (
    admit.admit,
    referring.refer,
    referring.accept,
    referring.decline,
    noting.consent,
    noting.no_kit,
    noting.pregnant,
    noting.expect,
    noting.correct,
    plan.plan,
    pause.pause,
    moving.transfer,
)
for command in COMMANDS:
    app.command()(command)
app.command(name="import")(importing.import_)


@app.callback()
def patients(
    ctx: typer.Context,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    ward: Annotated[str, typer.Option(help="One ward only.", show_default=False)] = "",
    everyone: Annotated[bool, typer.Option("--all", help="Also who has left.", show_default=False)] = False,
) -> None:
    """List the patients on the ward; a made-up one is shown by name only."""
    if ctx.invoked_subcommand is not None:
        return
    form, settings = render.chosen(form, as_json), context.resolve(config, db)
    with closing(open_reader(settings.store.path)) as opened:
        at = standing_of(opened)
        if ward:
            registers.check_ward(opened, ward, [known.id for known in settings.wards])
        known = register_rows.read(opened)
        came = stages.read(opened, at.now_ms, recorded=_recorded(at))
    people = [one for one in known.stays.values() if one.pathway != plans.CANARY]
    of_ward = [one for one in people if ward in {"", one.ward}]
    stays = [one for one in of_ward if everyone or one.discharged_ms is None]
    rows = [stay_row(stay, known, at.now_ms) | stay_stages.stage_row(stay, came, at.now_ms) for stay in stays]
    waiting = list(stay_stages.referred(came, _latest_of_each(known), ward, everyone=everyone))
    at.announce(form)
    footer = [f"{len(rows)} stay{'' if len(rows) == 1 else 's'}{f', {len(waiting)} referred' if waiting else ''}"]
    footer += stay_stages.still_out(of_ward, came, at.now_ms)
    rows += waiting
    render.emit(rows, _columns(at.now_ms), form, title=at.title, footer=footer)


@app.command()
def show(
    patient: OnePatient,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    with_trends: Annotated[
        bool, typer.Option("--trends", help="Also what is usual, and where the vitals lead.", show_default=False)
    ] = False,
) -> None:
    """Show one patient: who it is, the stay, the plan, the devices and the last readings."""
    form, settings = render.chosen(form, as_json), context.resolve(config, db)
    with closing(open_reader(settings.store.path)) as opened:
        at = standing_of(opened)
        if _is_referred_only(opened, patient):
            referring.show(opened, patient, at, form)
            return
        stay = registers.stays_of(opened, patient)[0]
        record = _record(opened, patient, at, settings)
        if with_trends and stay.chart != NEWS2:
            raise RefusedError("trends rest on NEWS2 and on what is usual of adults; there are none of a child")
        if with_trends:
            at_ms = register_rows.ms(record["judged_at"])
            record["trends"] = trends.trends_of(opened, stay, at_ms, register_rows.zone(stay.ward, settings))
    at.announce(form)
    if form is Format.TABLE:
        _show(record, at.title, at.now_ms, settings)
        if with_trends:
            trends.show(record["trends"], at.now_ms)
    else:
        render.emit_one(record, form)


@app.command()
def discharge(
    patient: OnePatient,
    reason: Annotated[
        str, typer.Option(metavar="CODE", help=f"One of {', '.join(admission.DISCHARGE_REASONS)}.", show_default=False)
    ],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When the stay ended; else now.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Discharge a patient; the devices are free from then on.

    Exit codes: 3 the patient is not on a ward.
    """
    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        left, freed = registers.discharge(change.db, patient, reason, change.moment(at), change.by)
        row = stay_row(left, change.known(), change.by.at_ms) | {"devices_freed": [device.device for device in freed]}
        since = change.here(row["discharged_at"], left.ward)
    tell(
        row,
        form,
        f"Discharged {patient} from {left.ward} at {since}: {reason}.",
        *(
            f"Device {device.device} belongs to nobody now; what it sends from then on is not scored."
            for device in freed
        ),
        f"Back again: vwmon patients admit {patient} --ward {left.ward} --pathway {left.pathway} --born YYYY-MM-DD",
    )


def _columns(now_ms: int) -> list[Column]:
    ago = register_rows.since(now_ms)
    return [
        Column(key="patient", title="PATIENT"),
        Column(key="ward", title="WARD"),
        Column(key="pathway", title="PATHWAY"),
        Column(key="admitted_at", title="ON THE WARD", compose=_how_long(ago), no_wrap=True),
        Column(key="devices", title="DEVICES", format=lambda names: ", ".join(names) or "none"),
        Column(key="last_reading_at", title="LAST READING", format=ago, no_wrap=True),
        Column(key="stage", title="STAGE", compose=stay_stages.cell(now_ms)),
    ]


def _how_long(ago: Callable[[str | None], str]) -> Callable[[render.Row], str]:
    return lambda row: "not yet" if row["admitted_at"] is None else ago(row["admitted_at"])


def _record(db: Connection, patient: str, at: Standing, settings: Settings) -> dict[str, Any]:
    stays = registers.stays_of(db, patient)
    known = register_rows.read(db)
    stay, person = stays[0], registers.identity(db, stays[0].stay_no)
    pathway, given = plans.find(stay.pathway), pauses.every(db, stays[0].stay_no)
    asked = own_schedules.of_stay(db, stay.stay_no)
    until_ms, latest = _until_ms(stay, known, at), _latest(db, stay, known)
    came = stages.read(db, at.now_ms, recorded=_recorded(at))
    return (
        stay_row(stay, known, until_ms)
        | stay_stages.stage_row(stay, came, at.now_ms)
        | {
            "judged_at": render.utc(until_ms),
            "name": person.name,
            "born": person.born,
            "nhs_number": person.nhs_number,
            **child_lines.chart(stay, person.born, until_ms, register_rows.zone(stay.ward, settings)),
            "contact": person.contact,
            "next_of_kin": person.next_of_kin,
            "transfers": [moving.transfer_row(one) for one in transfers.of_stay(db, stay.stay_no)],
            "expects": _expects(pathway, asked, latest, stay.admitted_ms, until_ms),
            "not_asked": own_schedule.not_asked(asked, until_ms),
            "assignments": register_rows.assignment_rows(
                (a for a in known.assignments if a.stay_no == stay.stay_no), known
            ),
            "readings": latest,
            "pauses": [pause.pause_row(one, stay.patient) for one in given if one.span[1] > until_ms],
            "prescriptions": prescription_rows.rows(stay, until_ms),
            "scale_standing": prescription_rows.standing(stay, known.last_of_stay(stay.stay_no), until_ms) or None,
            "score": stay_lookups.current_scores(db, [stay.stay_no], at.now_ms, decide=True).get(stay.stay_no),
            "earlier_stays": [stay_row(earlier, known, at.now_ms) for earlier in stays[1:]],
        }
    )


def _recorded(at: Standing) -> bool:
    return at.state is not None and at.state.mode == "recording"


def _latest_of_each(known: Registers) -> dict[str, Stay]:
    """Give the latest stay of each patient."""
    return {stay.patient: stay for stay in sorted(known.stays.values(), key=lambda one: one.admitted_ms)}


def _is_referred_only(db: Connection, patient: str) -> bool:
    """Tell whether a patient was referred and never admitted."""
    return bool(referrals.every(db, patient)) and not registers.was_admitted(db, patient)


def _until_ms(stay: Stay, known: Registers, at: Standing) -> int:
    """Give until when a stay is looked at: its discharge, or now; in a recording at the latest its last reading."""
    last_ms = known.last_of_stay(stay.stay_no) if _recorded(at) else None
    return min(at.now_ms, stay.discharged_ms or at.now_ms, last_ms or at.now_ms)


def _expects(
    pathway: Plan | None,
    own: Sequence[OwnSchedule],
    latest: list[dict[str, Any]],
    admitted_ms: int,
    until_ms: int,
) -> list[dict[str, Any]]:
    """Give what a stay is asked, and what of it is overdue: since its last reading, or since the admission."""
    if pathway is None:
        return []
    schedule = Schedule.of(pathway, own)
    came_ms: dict[str, int] = {}
    for row in latest:
        name = plans.FEEDS.get(row["vital"], row["vital"])
        came_ms[name] = max(register_rows.ms(row["observed_at"]), came_ms.get(name, admitted_ms))
    return [
        {
            "vital": name,
            "valid_for": durations.text(one.valid_ms),
            "overdue_after": durations.text(one.overdue_ms),
            "overdue": _is_overdue(schedule, name, came_ms.get(name, admitted_ms), until_ms),
        }
        for name, one in schedule.at(until_ms).expected.items()
    ]


def _is_overdue(schedule: Schedule, vital: str, last_ms: int, at_ms: int) -> bool:
    due_ms = schedules.due_ms(schedule.waits(vital), last_ms, at_ms)
    return due_ms is not None and at_ms > due_ms


def _latest(db: Connection, stay: Stay, known: Registers) -> list[dict[str, Any]]:
    """Give the last reading of each vital from the devices that were the stay's when it was observed."""
    names = readings.vitals(db)
    newest: dict[str, readings.Latest] = {}
    for last in register_rows.latest_of(db, stay.stay_no, known):
        name = names[last.vital_no]
        if name.startswith((ANSWER, WHOLE)):  # they have a list of their own, in words
            continue
        if name not in newest or last.observed_ms >= newest[name].observed_ms:
            newest[name] = last
    return [
        {
            "vital": name,
            "value": reading_rows.value(name, last.value, last.text),
            "unit": reading_rows.unit(name),
            "observed_at": render.utc(last.observed_ms),
            "device": known.devices[last.device_no].device,
        }
        for name, last in sorted(newest.items())
    ]


def _show(record: dict[str, Any], title: str, now_ms: int, settings: Settings) -> None:
    ward = record["ward"]
    left = record["discharged_at"]
    for line in filter(None, (title, _person(record))):
        render.say(line)
    scale = f", SpO2 {prescription_rows.scale_said(record)}" if record["chart"] == NEWS2 else ""
    pathway = f"Ward {ward}, pathway {record['pathway']} {record['plan_version']}{scale}"
    for sentence in (pathway, *prescription_rows.usual_lines(record), *child_lines.lines(record)):
        for line in render.folded(sentence):
            render.say(line)
    render.say(f"Admitted {here(record['admitted_at'], ward, settings)}")
    if left is not None:
        render.say(f"Discharged {here(left, ward, settings)}: {record['discharge_reason']}")
    for line in stay_stages.lines(record, register_rows.clock(ward, settings)):
        render.say(line)
    for held in record["assignments"]:
        end = f" to {here(held['to'], ward, settings)}" if held["to"] else ""
        render.say(f"Device {held['device']} from {here(held['from'], ward, settings)}{end}")
    for away in record["pauses"]:
        span = f"{here(away['from'], ward, settings)} to {here(away['until'], ward, settings)}"
        render.say(f"AWAY from {span}: {away['reason']} (by {away['given_by']})")
    ago = register_rows.since(now_ms)
    due = {
        expected["vital"]: f"{expected['overdue_after']}{', OVERDUE' if expected['overdue'] else ''}"
        for expected in record["expects"]
    } | dict.fromkeys(record["not_asked"], "not asked")
    came = {last["vital"]: last for last in record["readings"]}
    columns = [
        Column(key="vital", title="VITAL"),
        Column(
            key="value", title="LAST", compose=lambda row: reading_rows.shown(row) if "value" in row else "never came"
        ),
        Column(key="observed_at", title="AGE", format=lambda at: ago(at) if at else "-"),
        Column(key="expected", title="EXPECTED WITHIN", format=lambda span: span or "not expected"),
    ]
    stood_in = {plans.FEEDS[name] for name in came if name in plans.FEEDS} - set(came)
    names = [name for name in dict.fromkeys([*due, *came]) if name not in stood_in]
    rows = [{"vital": name, "expected": due.get(plans.FEEDS.get(name, name))} | came.get(name, {}) for name in names]
    render.say()
    for sentence in _score_lines(record, ago(record["last_reading_at"])):
        for line in render.folded(sentence):
            render.say(line)
    render.emit(rows, columns, Format.TABLE)


def _score_lines(record: dict[str, Any], last: str) -> Iterator[str]:
    """Yield what the score is and how old, what it lacks, and the measurement that would settle it."""
    heard, score = "no reading ever came" if last == "never" else f"last reading {last} ago", record["score"]
    if record["pregnant_since"] is not None:
        yield f"{stay_lookups.EXCLUDED} (RCP 2017): ask the maternity service; {heard}"
        return
    title = POLICY.charts[record["chart"]].title
    if score is None:
        yield f"{title}: none that still holds; {heard}"
        return
    low, high = score["total_min"], score["total_max"]
    off = score["not_asked"]
    labels = (f"{next_measure.label(name)}{' (not asked)' if name in off else ''}" for name in score["missing"])
    missing = ", ".join(labels)
    yield f"{title} {low if low == high else f'{low} to {high}'}{f', missing {missing}' if missing else ''}; {heard}"
    if record["scale_standing"]:
        yield record["scale_standing"]
    if score["measure_next"] is not None:
        yield f"Next: {score['measure_next']['sentence']}"


def _person(record: dict[str, Any]) -> str:
    said = [f"Patient {record['patient']}"]
    said += [record["name"]] if record["name"] else []
    said += [f"born {record['born']}"] if record["born"] else []
    said += [f"NHS {record['nhs_number']}"] if record["nhs_number"] else []
    said += [f"contact {record['contact']}"] if record["contact"] else []
    said += [f"next of kin {record['next_of_kin']}"] if record["next_of_kin"] else []
    return ", ".join(said)
