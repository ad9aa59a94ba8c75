"""What `vwmon patients plan` does to a patient's own limits on the rules: set, switched on or off, and ended.

Here: the options, reading them, and what is said when it is done. What a limit may be is vwmon.patients.limits', where
it is kept vwmon.store.limits'.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from alerts.policy import RuleSet
from vwmon import terms
from vwmon.cli import render
from vwmon.cli.changing import Change, Why, tell
from vwmon.cli.limit_rows import condition, from_which, limit_row, rule_row
from vwmon.cli.options import duration_ms
from vwmon.cli.render import Format
from vwmon.config import Settings
from vwmon.errors import UsageError
from vwmon.patients import plans
from vwmon.patients.records import Stay, StayLimit
from vwmon.store import limits, registers

LimitOption = Annotated[
    str, typer.Option("--limit", metavar="RULE", help="Set the patient's own limit on a rule.", show_default=False)
]
EnableOption = Annotated[
    str, typer.Option("--enable", metavar="RULE", help="Have a rule for this patient.", show_default=False)
]
DisableOption = Annotated[
    str, typer.Option("--disable", metavar="RULE", help="Do without a rule, not of level 3.", show_default=False)
]
OnOption = Annotated[
    float | None, typer.Option("--on", help="Where it begins to hold; with --off.", show_default=False)
]
OffOption = Annotated[float | None, typer.Option("--off", help="Where it is over; with --on.", show_default=False)]
LevelOption = Annotated[int | None, typer.Option(help="How urgent: 1, 2 or 3.", show_default=False)]
CadenceOption = Annotated[
    str, typer.Option(help="at_once, spot or continuous; the last two with --on-delay.", show_default=False)
]
OnDelayOption = Annotated[
    str, typer.Option("--on-delay", metavar="SPAN", help="Over how long it is confirmed.", show_default=False)
]
OffDelayOption = Annotated[
    str, typer.Option("--off-delay", metavar="SPAN", help="Good readings that end it.", show_default=False)
]

SWITCHED: Final[Mapping[str, Mapping[str, bool]]] = {
    "limit": {},
    "enable": {"enabled": True},
    "disable": {"enabled": False},
}
SPANS: Final = ("on_delay", "off_delay")
WHOLE: Final = (("h", 3_600_000), ("m", 60_000), ("s", 1000))  # spans in the words of the table of rules


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give what was said of a rule in the words of its table; UsageError for what is no span of whole seconds."""
    said = {name: value for name, value in fields.items() if value not in {None, ""}}
    if ("limit_on" in said) != ("limit_off" in said):
        raise UsageError("--on and --off are given together, or another layer's could contradict them")
    return {name: _span(value) if name in SPANS else value for name, value in said.items()}


def put(change: Change, patient: str, verb: str, rule: str, changes: Mapping[str, Any], why: Why, form: Format) -> None:
    """Set a patient's own limit on a rule from the next reading on, and say what is in force by it."""
    to_ms = why.to_ms(change.by.at_ms)
    before = _own(change, patient, rule)
    found = limits.put(change.db, patient, rule, {**changes, **SWITCHED[verb]}, why.reason, change.by, to_ms=to_ms)
    stay = registers.open_stay(change.db, patient)
    row = limit_row(found.limit) | {"patient": patient, "replaces": [limit_row(one.limit) for one in before]}
    now, here = rule_row(in_force(change, stay).rules[rule]), change.clock(stay.ward)
    said = [
        f"Set for {patient}, from the next reading on: {now['title']}, {condition(now)}.",
        from_which(row, row["changes"], here),
        *(f"In the place of {from_which(one, one['changes'], here)}" for one in row["replaces"]),
    ]
    folded = (line for sentence in said for line in render.folded(sentence))
    tell(row, form, *folded, f"Undo: vwmon patients plan {patient} --end {rule}")


def end(change: Change, patient: str, rule: str, reason: str, form: Format) -> None:
    """End a patient's own limit on a rule: what a wider layer says holds again."""
    ended = limits.end(change.db, patient, rule, reason, change.by)
    stay = registers.open_stay(change.db, patient)
    rules = in_force(change, stay).rules
    now = rule_row(rules[rule]) if rule in rules else None
    row = limit_row(ended.limit) | {"patient": patient, "ended_by": ended.ended_by, "ended_reason": ended.ended_reason}
    said = [f"Ended for {patient}: {from_which(row, row['changes'], change.clock(stay.ward))}"]
    said += [] if now is None else [f"From the next reading on: {now['title']}, {condition(now)}."]
    tell(row, form, *(line for sentence in said for line in render.folded(sentence)))


def in_force(change: Change, stay: Stay) -> RuleSet:
    """Give the rules of a stay as a change has left them."""
    return rules_at(change.settings, stay, limits.of_stay(change.db, stay.stay_no), change.by.at_ms)


def rules_at(settings: Settings, stay: Stay, own: Sequence[StayLimit], at_ms: int) -> RuleSet:
    """Give the rules of a stay at a moment, with its own limits among all layers'."""
    return terms.layers(settings.wards, plans.load_all()).course(stay, own).at(at_ms)


def _own(change: Change, patient: str, rule: str) -> list[StayLimit]:
    """Give the patient's own limit on a rule that is in force, if there is one."""
    own = limits.of_stay(change.db, registers.open_stay(change.db, patient).stay_no)
    return [one for one in own if one.rule == rule and one.limit.in_force(change.by.at_ms)]


def _span(text: str) -> str:
    span_ms = duration_ms(text)
    for unit, size in WHOLE:
        if span_ms % size == 0:
            return f"{span_ms // size}{unit}"
    raise UsageError(f"{text} is not of whole seconds")
