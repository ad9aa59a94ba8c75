"""`vwmon patients plan`: what a patient's plan is, layer by layer, and what is the patient's own set and ended.

What a limit may be is vwmon.patients.limits', where it is kept vwmon.store.limits'; what a patient is asked of their
own is vwmon.cli.own_schedule's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any

import typer

from alerts.model import Lane
from alerts.policy import POLICY, RULES, RuleSet
from vwmon import terms
from vwmon.cli import context, own_schedule, prescribing, prescription_rows, register_rows, render
from vwmon.cli.changing import Change, changing, tell
from vwmon.cli.limit_rows import condition, from_which, given_rows, limit_row, rule_row
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, duration_ms, time_ms
from vwmon.cli.prescribing import FromOption, PrescriberOption, Said, ScaleOption, TargetOption, UsualOption
from vwmon.cli.render import Format, Here
from vwmon.cli.standing import standing_of
from vwmon.config import Settings
from vwmon.errors import UsageError
from vwmon.patients import plans
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.records import Stay, StayLimit
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.store import limits, own_schedules, registers
from vwmon.store.database import open_reader

WHOLE = (("h", 3_600_000), ("m", 60_000), ("s", 1000))  # spans in the words of the table of rules
SPANS = ("on_delay", "off_delay")
INSET = "   "  # of a limit, below its rule


def plan(
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="The local identifier.", show_default=False)],
    limit: Annotated[
        str, typer.Option("--limit", metavar="RULE", help="Set the patient's own limit on a rule.", show_default=False)
    ] = "",
    enable: Annotated[
        str, typer.Option("--enable", metavar="RULE", help="Have a rule for this patient.", show_default=False)
    ] = "",
    disable: Annotated[
        str, typer.Option("--disable", metavar="RULE", help="Do without a rule, not of level 3.", show_default=False)
    ] = "",
    end: Annotated[
        str,
        typer.Option(
            "--end",
            metavar="NAME",
            help="End what is the patient's own: of a rule, a vital, spo2-scale, usual:VITAL ...",
            show_default=False,
        ),
    ] = "",
    on: Annotated[
        float | None, typer.Option("--on", help="Where it begins to hold; with --off.", show_default=False)
    ] = None,
    off: Annotated[float | None, typer.Option("--off", help="Where it is over; with --on.", show_default=False)] = None,
    level: Annotated[int | None, typer.Option(help="How urgent: 1, 2 or 3.", show_default=False)] = None,
    cadence: Annotated[
        str, typer.Option(help="at_once, spot or continuous; the last two with --on-delay.", show_default=False)
    ] = "",
    on_delay: Annotated[
        str, typer.Option("--on-delay", metavar="SPAN", help="Over how long it is confirmed.", show_default=False)
    ] = "",
    off_delay: Annotated[
        str, typer.Option("--off-delay", metavar="SPAN", help="Good readings that end it.", show_default=False)
    ] = "",
    schedule: Annotated[
        str, typer.Option("--schedule", metavar="VITAL", help="Ask a vital otherwise.", show_default=False)
    ] = "",
    valid_for: Annotated[
        str, typer.Option("--valid-for", metavar="SPAN", help="How long a reading counts.", show_default=False)
    ] = "",
    overdue_after: Annotated[
        str, typer.Option("--overdue-after", metavar="SPAN", help="How long it is waited for.", show_default=False)
    ] = "",
    not_asked: Annotated[
        str, typer.Option("--not-asked", metavar="VITAL", help="Do not ask a vital.", show_default=False)
    ] = "",
    questionnaire: Annotated[
        str, typer.Option("--questionnaire", metavar="NAME", help="Ask a questionnaire.", show_default=False)
    ] = "",
    every: Annotated[str, typer.Option(metavar="SPAN", help="Each so many whole days: 1d.", show_default=False)] = "",
    at: Annotated[str, typer.Option(metavar="HH:MM", help="At what time of day.", show_default=False)] = "",
    no_questionnaire: Annotated[
        str, typer.Option("--no-questionnaire", metavar="NAME", help="Do not ask it.", show_default=False)
    ] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; must be given.", show_default=False)] = "",
    until: Annotated[
        str, typer.Option(metavar="TIME", help="When it is over; else when it is ended.", show_default=False)
    ] = "",
    for_: Annotated[
        str, typer.Option("--for", metavar="SPAN", help="Instead of --until, from its start.", show_default=False)
    ] = "",
    spo2_scale: ScaleOption = None,
    target: TargetOption = "",
    usual: UsualOption = "",
    prescriber: PrescriberOption = "",
    from_: FromOption = "",
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
    form = render.chosen(form, as_json)
    own: dict[str, Any] = {
        "scale": spo2_scale,
        "target": target,
        "usual": usual,
        "prescriber": prescriber,
        "from_": from_,
    }
    said = Said(**own, ends=end, reason=reason, until=until, for_=for_)
    verbs = {"limit": limit, "enable": enable, "disable": disable, "end": end, "schedule": schedule}
    verbs |= {"not-asked": not_asked, "questionnaire": questionnaire, "no-questionnaire": no_questionnaire}
    asked = {verb: name for verb, name in verbs.items() if name}
    wanted = {"valid_for": valid_for, "overdue_after": overdue_after, "every": every, "at": at}
    fields = {"limit_on": on, "limit_off": off, "level": level, "cadence": cadence, "on_delay": on_delay}
    changes = _changes(fields | {"off_delay": off_delay})
    if said.any:
        beside = asked.keys() - ({"end"} if said.ending else set())
        prescribing.check(said, beside=bool(changes or beside or any(wanted.values())))
        prescribing.run(config, db, as_name, patient, said, form)
        return
    if not asked:
        _refuse(changes or reason or until or for_, "say of which rule, with --limit RULE")
        _refuse(any(wanted.values()), "say of what, with --schedule VITAL or --questionnaire NAME")
        _show(patient, context.resolve(config, db), form)
        return
    _refuse(len(asked) > 1, f"one change at a time: {' or '.join('--' + verb for verb in asked)}")
    _refuse(
        (on is None) != (off is None), "--on and --off are given together, or another layer's could contradict them"
    )
    ((verb, rule),) = asked.items()
    table = own_schedule.given(verb, wanted)
    with changing(config, db, as_name) as change:
        if verb == "end":
            _refuse(changes or until or for_, "what is ended is ended as it is: --end NAME takes a --reason only")
            (_end if rule in RULES else own_schedule.end)(change, patient, rule, reason, form)
        elif verb in own_schedule.FIELDS:
            _refuse(changes, f"--{verb} says what is asked, and nothing of a rule")
            _ask(change, patient, (verb, rule, table), (reason, until, for_), form)
        else:
            switched = {"enable": {"enabled": True}, "disable": {"enabled": False}}.get(verb, {})
            _put(change, patient, rule, changes | switched, (reason, until, for_), form)


def _changes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was said of the rule in the words of its table."""
    said = {name: value for name, value in fields.items() if value not in {None, ""}}
    return {name: _span(value) if name in SPANS else value for name, value in said.items()}


def _span(text: str) -> str:
    span_ms = duration_ms(text)
    unit, size = next(((unit, size) for unit, size in WHOLE if span_ms % size == 0), ("", 0))
    _refuse(not size, f"{text} is not of whole seconds")
    return f"{span_ms // size}{unit}"


def _refuse(wrong: object, sentence: str) -> None:
    if wrong:
        raise UsageError(sentence)


def _ask(
    change: Change,
    patient: str,
    wanted: tuple[str, str, Mapping[str, str]],
    why: tuple[str, str, str],
    form: Format,
) -> None:
    verb, name, table = wanted
    to_ms = _to_ms(change, *why)
    stay = registers.open_stay(change.db, patient)
    rules = _rules(change.settings, stay, limits.of_stay(change.db, stay.stay_no), change.by.at_ms)
    own_schedule.put(change, patient, verb, name, table, why[0], to_ms, rules, form)


def _to_ms(change: Change, reason: str, until: str, for_: str) -> int | None:
    """Give when it is over that somebody sets; UsageError without a reason, or with two ends."""
    _refuse(not reason.strip(), "it needs a reason: --reason TEXT")
    _refuse(until and for_, "either --until or --for")
    return time_ms(until) if until else change.by.at_ms + duration_ms(for_) if for_ else None


def _put(
    change: Change, patient: str, rule: str, changes: Mapping[str, Any], why: tuple[str, str, str], form: Format
) -> None:
    reason, to_ms = why[0], _to_ms(change, *why)
    before = _own(change, patient, rule)
    found = limits.put(change.db, patient, rule, changes, reason, change.by, to_ms=to_ms)
    stay = registers.open_stay(change.db, patient)
    row = limit_row(found.limit) | {"patient": patient, "replaces": [limit_row(one.limit) for one in before]}
    in_force = _rules(change.settings, stay, limits.of_stay(change.db, stay.stay_no), change.by.at_ms)
    now = rule_row(in_force.rules[rule])
    here = change.clock(stay.ward)
    said = [
        f"Set for {patient}, from the next reading on: {now['title']}, {condition(now)}.",
        from_which(row, row["changes"], here),
        *(f"In the place of {from_which(one, one['changes'], here)}" for one in row["replaces"]),
    ]
    folded = (line for sentence in said for line in render.folded(sentence))
    tell(row, form, *folded, f"Undo: vwmon patients plan {patient} --end {rule}")


def _own(change: Change, patient: str, rule: str) -> list[StayLimit]:
    """Give the patient's own limit on a rule that is in force, if there is one."""
    own = limits.of_stay(change.db, registers.open_stay(change.db, patient).stay_no)
    return [one for one in own if one.rule == rule and one.limit.in_force(change.by.at_ms)]


def _end(change: Change, patient: str, rule: str, reason: str, form: Format) -> None:
    ended = limits.end(change.db, patient, rule, reason, change.by)
    stay = registers.open_stay(change.db, patient)
    rules = _rules(change.settings, stay, limits.of_stay(change.db, stay.stay_no), change.by.at_ms)
    now = rule_row(rules.rules[rule]) if rule in rules.rules else None
    row = limit_row(ended.limit) | {"patient": patient, "ended_by": ended.ended_by, "ended_reason": ended.ended_reason}
    said = [f"Ended for {patient}: {from_which(row, row['changes'], change.clock(stay.ward))}"]
    said += [] if now is None else [f"From the next reading on: {now['title']}, {condition(now)}."]
    tell(row, form, *(line for sentence in said for line in render.folded(sentence)))


def _rules(settings: Settings, stay: Stay, own: Sequence[StayLimit], at_ms: int) -> RuleSet:
    return terms.layers(settings.wards, plans.load_all()).course(stay, own).at(at_ms)


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
    rules = _rules(settings, stay, own, at_ms)
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
