"""What one patient is asked of their own, by `vwmon patients plan`: set, ended, and shown beside what the pathway asks.

What may be asked is vwmon.patients.schedules', where it is kept vwmon.store.own_schedules'.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from alerts.evidence import WHOLE
from alerts.policy import POLICY, RuleSet
from vwmon import durations
from vwmon.cli import limiting, next_measure, render
from vwmon.cli.changing import Change, Why, tell
from vwmon.cli.register_rows import utc_or_none
from vwmon.cli.render import Column, Format, Here
from vwmon.errors import UsageError
from vwmon.patients import plans, schedules
from vwmon.patients.records import AskedSet, Plan, Stay
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.store import own_schedules, registers

ScheduleOption = Annotated[
    str, typer.Option("--schedule", metavar="VITAL", help="Ask a vital otherwise.", show_default=False)
]
ValidForOption = Annotated[
    str, typer.Option("--valid-for", metavar="SPAN", help="How long a reading counts.", show_default=False)
]
OverdueAfterOption = Annotated[
    str, typer.Option("--overdue-after", metavar="SPAN", help="How long it is waited for.", show_default=False)
]
NotAskedOption = Annotated[
    str, typer.Option("--not-asked", metavar="VITAL", help="Do not ask a vital.", show_default=False)
]
QuestionnaireOption = Annotated[
    str, typer.Option("--questionnaire", metavar="NAME", help="Ask a questionnaire.", show_default=False)
]
EveryOption = Annotated[str, typer.Option(metavar="SPAN", help="Each so many whole days: 1d.", show_default=False)]
AtOption = Annotated[str, typer.Option(metavar="HH:MM", help="At what time of day.", show_default=False)]
NoQuestionnaireOption = Annotated[
    str, typer.Option("--no-questionnaire", metavar="NAME", help="Do not ask it.", show_default=False)
]

# What is said of each change, in the words of a pathway's file.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "schedule": ("valid_for", "overdue_after"),
    "not-asked": (),
    "questionnaire": ("every", "at", "overdue_after"),
    "no-questionnaire": (),
}
WORDS: Final = {"valid_for": "counts for", "every": "every", "at": "at", "overdue_after": "overdue after"}
QUESTIONS: Final = {"questionnaire", "no-questionnaire"}
COLUMNS: Final = (
    Column(key="vital", title="VITAL"),
    Column(key="valid_for", title="COUNTS FOR", format=lambda span: span or "-"),
    Column(key="overdue_after", title="OVERDUE AFTER", format=lambda span: span or "not asked"),
    Column(key="layer", title="FROM", format=lambda layer: "the patient's own" if layer == "stay" else "pathway"),
)


def check(verb: str, said: Mapping[str, str]) -> None:
    """UsageError for a field of what is asked that a change needs and has not, or that is not for it."""
    needed = FIELDS.get(verb, ())
    if missing := [_option(name) for name in needed if name not in said]:
        raise UsageError(f"--{verb} needs {' and '.join(missing)}, as a pathway's file has them")
    if strayed := [_option(name) for name in said if name not in needed]:
        raise UsageError(f"{' and '.join(strayed)} {'is' if len(strayed) == 1 else 'are'} not for --{verb}")


def put(
    change: Change,
    patient: str,
    verb: str,
    name: str,
    asked: Mapping[str, str],
    why: Why,
    form: Format,
) -> None:
    """Ask a patient something of their own from now on, or something no more, and say what follows from it."""
    what = f"{WHOLE}{name}" if verb in QUESTIONS else name
    to_ms = why.to_ms(change.by.at_ms)
    stay, schedule = _schedule(change, patient)
    before, rules = schedule.at(change.by.at_ms), limiting.in_force(change, stay)
    found = own_schedules.put(
        change.db,
        patient,
        what,
        asked,
        why.reason,
        change.by,
        to_ms=to_ms,
        refusal=lambda _stay, wanted: _refusal(wanted, before, rules),
    )
    row, here = own_row(found, change.by.at_ms) | {"patient": patient}, change.clock(stay.ward)
    said = [f"From now on, for {patient}: {own_sentence(row, here)}", *_follows(found, before)]
    tell(row, form, *_folded(said), f"Undo: vwmon patients plan {patient} --end {name}")


def end(change: Change, patient: str, name: str, reason: str, form: Format) -> None:
    """End what a patient is asked of their own: what the pathway says holds again."""
    what = f"{WHOLE}{name}" if name in plans.QUESTIONNAIRES else name
    ended = own_schedules.end(change.db, patient, what, reason, change.by)
    stay, schedule = _schedule(change, patient)
    row = own_row(ended, change.by.at_ms) | {"patient": patient}
    what_was = own_sentence(row, change.clock(stay.ward))
    how = _how(schedule.at(change.by.at_ms), ended)
    said = [f"Ended for {patient}: {what_was}", f"From now on, by pathway {stay.pathway}: {name} {how}."]
    tell(row, form, *_folded(said))


def own_row(one: OwnSchedule, at_ms: int) -> dict[str, Any]:
    """Give what a patient is asked of their own as a row; `asked` is None where it is not asked."""
    return {
        "what": one.questionnaire or one.what,
        "kind": "questionnaire" if one.questionnaire else "vital",
        "asked": dict(one.asked) or None,
        "author": one.author,
        "reason": one.reason,
        "from": render.utc(one.from_ms),
        "until": utc_or_none(one.to_ms),
        "in_force": one.in_force(at_ms),
        "ended_by": one.ended_by,
        "ended_reason": one.ended_reason,
    }


def own_sentence(row: Mapping[str, Any], here: Here) -> str:
    """Say what a patient is asked of their own, who said so, why, from when and until when."""
    asked = row["asked"] or {}
    how = ", ".join(f"{words} {asked[name]}" for name, words in WORDS.items() if name in asked) or "not asked"
    until = f" until {here(row['until'])}" if row["until"] else ""
    return f"{row['what']}: {how}; by {row['author']} from {here(row['from'])}{until}: {row['reason']}"


def wanted_rows(plan: Plan | None, own: Sequence[OwnSchedule], at_ms: int) -> list[dict[str, Any]]:
    """Give what is wanted of a patient, vital by vital, and which layer it is from; what is not asked is among them."""
    held = {one.what for one in own if one.in_force(at_ms)}
    expected = {} if plan is None else dict(plan.expected)
    found = []
    for what in [*expected, *not_asked(own, at_ms)]:
        one = expected.get(what)
        found.append(
            {
                "vital": what,
                "valid_for": None if one is None else durations.text(one.valid_ms),
                "overdue_after": None if one is None else durations.text(one.overdue_ms),
                "layer": "stay" if what in held else "pathway",
            }
        )
    return found


def set_row(one: AskedSet, own: Sequence[OwnSchedule], at_ms: int) -> dict[str, Any]:
    """Give how a questionnaire is asked as a row, and which layer that is from."""
    held = any(each.questionnaire == one.questionnaire and each.in_force(at_ms) for each in own)
    return {
        "questionnaire": one.questionnaire,
        "every_days": one.every_days,
        "at": f"{one.at_minute // 60:02d}:{one.at_minute % 60:02d}",
        "overdue_after": durations.text(one.overdue_ms),
        "source": one.source,
        "layer": "stay" if held else "pathway",
    }


def lines(record: Mapping[str, Any], here: Here) -> Iterator[str]:
    """Yield what is the patient's own of a plan, and what the score lacks by it."""
    held = [row for row in record["own_schedules"] if row["in_force"]]
    for row in held:
        yield from _folded([f"the patient's own: {own_sentence(row, here)}"])
    parts = POLICY.charts[record["chart"]].parts
    off = [row["what"] for row in held if row["asked"] is None and row["what"] in parts]
    if off:
        yield from _folded([_incomplete(record["chart"], off)])


def not_asked(own: Sequence[OwnSchedule], at_ms: int) -> list[str]:
    """Name the vitals that are not asked of a patient by somebody's decision."""
    return [one.what for one in own if one.in_force(at_ms) and not one.asked and not one.questionnaire]


def _refusal(wanted: OwnSchedule, before: Plan, rules: RuleSet) -> str:
    if wanted.asked:
        return ""
    name, off = wanted.questionnaire or wanted.what, schedules.switched_off(wanted, before, rules)
    if not off:
        return ""
    return (
        f"{', '.join(off)} of level 3 could not hold any more if {name} were not asked: how often it is can be changed"
    )


def _follows(found: OwnSchedule, before: Plan) -> Iterator[str]:
    """Say what a change means for the score, and that answers are looked at."""
    if found.questionnaire:
        rules = ", ".join(schedules.rules_of(found.questionnaire)) if found.asked else ""
        yield from [f"Rules that look at the answers: {rules}."] if rules else []
        return
    if not found.asked and found.what in before.vitals:
        yield _incomplete(before.chart, [found.what])


def _incomplete(chart: str, off: Sequence[str]) -> str:
    names, title = ", ".join(map(next_measure.label, off)), POLICY.charts[chart].title
    return (
        f"{title} stays incomplete without {names}: a bound, never normal. Nothing of it is overdue or counted as what "
        f"it could be."
    )


def _how(plan: Plan, ended: OwnSchedule) -> str:
    """Say how a plan asks what somebody's own schedule was about."""
    if ended.questionnaire:
        sets = {one.questionnaire: one for one in plan.questionnaires}
        one = sets.get(ended.questionnaire)
        return "is not asked" if one is None else f"is asked, overdue after {durations.text(one.overdue_ms)}"
    expected = plan.expected.get(ended.what)
    if expected is None:
        return "is not asked"
    return f"counts for {durations.text(expected.valid_ms)}, overdue after {durations.text(expected.overdue_ms)}"


def _schedule(change: Change, patient: str) -> tuple[Stay, Schedule]:
    stay = registers.open_stay(change.db, patient)
    return stay, Schedule.of(plans.load(stay.pathway), own_schedules.of_stay(change.db, stay.stay_no))


def _folded(sentences: Sequence[str]) -> Iterator[str]:
    for one in sentences:
        yield from render.folded(one)


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"
