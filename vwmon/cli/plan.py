"""`vwmon patients plan`: what a patient's plan is, layer by layer, and which change of it somebody asks for.

The changes are vwmon.cli.limiting's, of the limits on the rules, vwmon.cli.own_schedule's, of what the patient is
asked, and vwmon.cli.prescribing's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from typing import Annotated, Any, Final

import typer

from alerts.model import Lane
from alerts.policy import POLICY, RULES
from vwmon.cli import context, limiting, own_schedule, prescribing, prescription_rows, register_rows, render
from vwmon.cli.changing import Change, Why, changing
from vwmon.cli.limit_rows import condition, from_which, given_rows, limit_row, rule_row
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient, refuse_first
from vwmon.cli.render import Format, Here
from vwmon.cli.standing import standing_of
from vwmon.config import Settings
from vwmon.patients import plans
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.records import Stay, StayLimit
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.store import limits, own_schedules, registers
from vwmon.store.database import open_reader

INSET = "   "  # of a limit, below its rule

EndOption = Annotated[
    str,
    typer.Option(
        "--end",
        metavar="NAME",
        help="End what is the patient's own: of a rule, a vital, spo2-scale, usual:VITAL ...",
        show_default=False,
    ),
]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; must be given.", show_default=False)]
UntilOption = Annotated[
    str, typer.Option(metavar="TIME", help="When it is over; else when it is ended.", show_default=False)
]
ForOption = Annotated[
    str, typer.Option("--for", metavar="SPAN", help="Instead of --until, from its start.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the command was told of limits and of what is asked, in the words of the files that have them.

    `verbs` says what is to be done, each with the rule, vital or questionnaire that it is done with; `rule` and `asked`
    are the fields.
    """

    patient: str
    verbs: Mapping[str, str]
    rule: Mapping[str, Any]
    asked: Mapping[str, str]
    why: Why


def plan(
    patient: OnePatient,
    limit: limiting.LimitOption = "",
    enable: limiting.EnableOption = "",
    disable: limiting.DisableOption = "",
    end: EndOption = "",
    on: limiting.OnOption = None,
    off: limiting.OffOption = None,
    level: limiting.LevelOption = None,
    cadence: limiting.CadenceOption = "",
    on_delay: limiting.OnDelayOption = "",
    off_delay: limiting.OffDelayOption = "",
    schedule: own_schedule.ScheduleOption = "",
    valid_for: own_schedule.ValidForOption = "",
    overdue_after: own_schedule.OverdueAfterOption = "",
    not_asked: own_schedule.NotAskedOption = "",
    questionnaire: own_schedule.QuestionnaireOption = "",
    every: own_schedule.EveryOption = "",
    at: own_schedule.AtOption = "",
    no_questionnaire: own_schedule.NoQuestionnaireOption = "",
    reason: ReasonOption = "",
    until: UntilOption = "",
    for_: ForOption = "",
    spo2_scale: prescribing.ScaleOption = None,
    target: prescribing.TargetOption = "",
    usual: prescribing.UsualOption = "",
    prescriber: prescribing.PrescriberOption = "",
    from_: prescribing.FromOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Show a patient's plan, and which layer each limit is from; or change what is the patient's own in it.

    The patient's own limit goes before the pathway's, and that before the ward's, field by field. It holds from the
    next reading on. So does what the patient is asked: --schedule, --not-asked, --questionnaire, --no-questionnaire. An
    SpO2 scale with its target range, and a usual value, are prescribed from a time on: what was measured from then on
    is scored by it, whenever it comes. Exit codes: 3 the patient is not on a ward, or has no such limit or
    prescription; 6 a safety rule refuses it (a rule of level 3 switched off, or taken down, or what it needs not asked;
    a reading that would count longer than on any pathway; a scale without a prescriber; scale 2 with a target that is
    not 88-92 %; a child's scale).
    """
    form, why = render.chosen(form, as_json), Why(reason=reason, until=until, for_=for_)
    prescribed = prescribing.Said(
        scale=spo2_scale, target=target, usual=usual, prescriber=prescriber, from_=from_, ends=end, why=why
    )
    verbs = {"limit": limit, "enable": enable, "disable": disable, "end": end, "schedule": schedule}
    verbs |= {"not-asked": not_asked, "questionnaire": questionnaire, "no-questionnaire": no_questionnaire}
    rule = {"limit_on": on, "limit_off": off, "level": level, "cadence": cadence, "on_delay": on_delay}
    asked = {"valid_for": valid_for, "overdue_after": overdue_after, "every": every, "at": at}
    wanted = _Wanted(
        patient=patient,
        verbs={verb: name for verb, name in verbs.items() if name},
        rule=limiting.given(rule | {"off_delay": off_delay}),
        asked={name: text.strip() for name, text in asked.items() if text.strip()},
        why=why,
    )
    if prescribed.any:
        beside = wanted.verbs.keys() - ({"end"} if prescribed.ending else set())
        prescribing.check(prescribed, beside=bool(beside or wanted.rule or wanted.asked))
        prescribing.run(config, db, as_name, patient, prescribed, form)
        return
    _check(wanted)
    if not wanted.verbs:
        _show(patient, context.resolve(config, db), form)
        return
    ((verb, name),) = wanted.verbs.items()
    with changing(config, db, as_name) as change:
        ACTS[verb](change, wanted, verb, name, form)


def _check(wanted: _Wanted) -> None:
    """UsageError for options that do not go together: one change at a time, and what is said of that."""
    verbs, why, asks = wanted.verbs.keys(), wanted.why, wanted.verbs.keys() & own_schedule.FIELDS.keys()
    refuse_first(
        (not verbs and (wanted.rule or any(astuple(why))), "say of which rule, with --limit RULE"),
        (not verbs and wanted.asked, "say of what, with --schedule VITAL or --questionnaire NAME"),
        (len(verbs) > 1, f"one change at a time: {' or '.join('--' + verb for verb in verbs)}"),
        (
            "end" in verbs and (wanted.rule or why.until or why.for_),
            "what is ended is ended as it is: --end NAME takes a --reason only",
        ),
        (asks and wanted.rule, f"--{''.join(asks)} says what is asked, and nothing of a rule"),
    )
    for verb in verbs:
        own_schedule.check(verb, wanted.asked)


def _limit(change: Change, wanted: _Wanted, verb: str, name: str, form: Format) -> None:
    limiting.put(change, wanted.patient, verb, name, wanted.rule, wanted.why, form)


def _ask(change: Change, wanted: _Wanted, verb: str, name: str, form: Format) -> None:
    own_schedule.put(change, wanted.patient, verb, name, wanted.asked, wanted.why, form)


def _end(change: Change, wanted: _Wanted, _verb: str, name: str, form: Format) -> None:
    (limiting.end if name in RULES else own_schedule.end)(change, wanted.patient, name, wanted.why.reason, form)


ACTS: Final[Mapping[str, Callable[[Change, _Wanted, str, str, Format], None]]] = {
    **dict.fromkeys(limiting.SWITCHED, _limit),
    **dict.fromkeys(own_schedule.FIELDS, _ask),
    "end": _end,
}


def _show(patient: str, settings: Settings, form: Format) -> None:
    with closing(open_reader(settings.store.path)) as opened:
        at = standing_of(opened)
        stay = registers.stays_of(opened, patient)[0]
        own = limits.of_stay(opened, stay.stay_no)
        asked = own_schedules.of_stay(opened, stay.stay_no)
    at.announce(form)
    record = _record(stay, own, asked, settings, min(at.now_ms, stay.discharged_ms or at.now_ms))
    if form is not Format.TABLE:
        render.emit_one(record, form)
        return
    here = register_rows.clock(stay.ward, settings)
    at.say(list(_lines(record, here)))
    render.emit(record["vitals"], list(own_schedule.COLUMNS), Format.TABLE)
    for line in (*own_schedule.lines(record, here), *_rule_lines(record, here)):
        render.say(line)


def _record(
    stay: Stay, own: Sequence[StayLimit], asked: Sequence[OwnSchedule], settings: Settings, at_ms: int
) -> dict[str, Any]:
    pathway = plans.find(stay.pathway)
    found = None if pathway is None else Schedule.of(pathway, asked).at(at_ms)
    rules = limiting.rules_at(settings, stay, own, at_ms)
    rows = [
        rule_row(rule) | {"enabled": rule in rules.clinical, "limits": given_rows(rules.given.get(name, {}))}
        for name, rule in rules.rules.items()
        if rule.lane is Lane.CLINICAL and rule.chart in {"", rules.chart}
    ]
    return {
        "patient": stay.patient,
        "stay": stay.stay_no,
        "ward": stay.ward,
        "pathway": stay.pathway,
        "version": None if found is None else found.version,
        "admitted_with": stay.plan_version,
        "title": None if found is None else found.title,
        "source": None if found is None else found.source,
        "schedule": None if found is None else found.schedule,
        "in_hours": None if found is None else found.in_hours,
        "out_of_hours": None if found is None else found.out_of_hours,
        "ask": [] if found is None else list(found.ask),
        "chart": stay.chart,
        **prescription_rows.now(stay, at_ms),
        "prescriptions": prescription_rows.rows(stay, at_ms),
        "at": render.utc(at_ms),
        "vitals": own_schedule.wanted_rows(found, asked, at_ms),
        "questionnaires": [
            own_schedule.set_row(one, asked, at_ms) for one in (found.questionnaires if found is not None else ())
        ],
        "own_schedules": [own_schedule.own_row(one, at_ms) for one in asked],
        "rules_version": POLICY.version,
        "rules": [row for row in rows if row["enabled"]],
        "not_enabled": [row for row in rows if not row["enabled"]],
        "own_limits": [_own_row(one, at_ms) for one in own],
    }


def _own_row(one: StayLimit, at_ms: int) -> dict[str, Any]:
    ended = {"ended_by": one.ended_by, "ended_reason": one.ended_reason}
    return limit_row(one.limit) | {"in_force": one.limit.in_force(at_ms)} | ended


def _lines(record: Mapping[str, Any], here: Here) -> Iterator[str]:
    version = record["version"] or record["admitted_with"]
    yield f"Patient {record['patient']}"
    scale = f"SpO2 {prescription_rows.scale_said(record)}" if record["chart"] == NEWS2 else "scored with PEWS"
    yield from render.folded(f"Ward {record['ward']}, pathway {record['pathway']} {version}, {scale}")
    for what, whose in prescription_rows.lines(record["prescriptions"], here):
        yield from render.folded(f"Prescribed: {what}")
        yield from render.folded(f"{INSET}{whose}")
    if record["source"]:
        yield from render.folded(f"{record['title']}. Source: {record['source']}")
    if record["schedule"]:
        yield from render.folded(f"To be measured: {record['schedule']}")
        yield from render.folded(f"Who answers: {record['in_hours']}")
        yield from render.folded(f"While the ward is closed: {record['out_of_hours']}")
    for one in record["questionnaires"]:
        every = "every day" if one["every_days"] == 1 else f"every {one['every_days']} days"
        begun = "at the admission and " if one["layer"] == "pathway" else ""
        when = f"{begun}{every} at {one['at']}, overdue after {one['overdue_after']}"
        source = "Source" if one["layer"] == "pathway" else "The patient's own"
        yield from render.folded(f"The patient is asked: {one['questionnaire']}, {when}. {source}: {one['source']}")
    for question in record["ask"]:
        yield from render.folded(f"To be asked: {question}")
    if version != record["admitted_with"]:
        yield f"Admitted with version {record['admitted_with']} of the pathway"
    yield ""


def _rule_lines(record: Mapping[str, Any], here: Here) -> Iterator[str]:
    yield ""
    yield f"RULES in force at {here(record['at'])}; where no limit is named, the table's"
    for rule in sorted(record["rules"], key=lambda rule: -rule["level"]):
        yield from render.folded(f"L{rule['level']} {rule['title']} ({rule['rule']}): {condition(rule)}")
        for limit in rule["limits"]:
            yield from render.folded(f"{INSET}{from_which(limit, limit['gives'], here)}")
    for rule in (rule for rule in record["not_enabled"] if rule["limits"]):
        yield from render.folded(f"-- {rule['title']} ({rule['rule']}): not enabled, {condition(rule)}")
        for limit in rule["limits"]:
            yield from render.folded(f"{INSET}{from_which(limit, limit['gives'], here)}")
    others = [rule["rule"] for rule in record["not_enabled"] if not rule["limits"]]
    yield from render.folded(f"Not enabled by any layer: {', '.join(others)}")
