"""What is asked before an act, and what the answers mean: the forms, their checks, and the wish that comes of them.

The rules of acts are the alerts package's; a form asks for what they are sure to want, so that nobody writes twice.
"""

from typing import Final

from alerts.model import Kind, Outcome, State
from alerts.moves import MOVES
from alerts.policy import POLICY
from vwmon import durations
from vwmon.cli.triage import filters
from vwmon.cli.triage.dialogs import Answers, Choice, Field, Form
from vwmon.cli.triage.filters import Filter
from vwmon.cli.triage.queues import Item, bounds, level
from vwmon.cli.triage.records import Wish
from vwmon.cli.triage.rows import said, who
from vwmon.cli.work_list import STATES
from vwmon.errors import UsageError

OUTCOMES: Final = {
    Outcome.PHONED_STABLE: "spoken to, stable",
    Outcome.VISIT_ARRANGED: "a visit is arranged",
    Outcome.GP_OR_COMMUNITY: "handed to the GP or community team",
    Outcome.TRANSFERRED: "999, or transferred",
    Outcome.PLAN_ADJUSTED: "the plan was adjusted",
    Outcome.MEASUREMENT_ARTEFACT: "not a true measurement",
    Outcome.KNOWN_BASELINE: "usual for this patient",
    Outcome.TECHNICAL_FIXED: "kit mended",
    Outcome.NO_ACTION: "nothing had to be done",
    Outcome.OTHER: "something else: needs a note",
}
TITLES: Final = {
    "ack": "Acknowledge",
    "take": "Take over",
    "note": "Note on",
    "snooze": "Put off the list:",
    "wake": "Back on the list:",
    "unack": "Give back, so that it asks anew:",
    "reopen": "Open again:",
    "close": "Close",
}
SPANNED: Final = frozenset({"ack", "take", "snooze"})
NOTED: Final = frozenset({"ack", "take"})  # what the table of levels may want a note for
# What is sure to be refused in some states, and the word for it.
SURE: Final = {
    "close": (Kind.CLOSED, "still stands and nobody has it in hand: acknowledge it first (a)"),
    "snooze": (Kind.SNOOZED, "is not in anyone's hands; only what is can be put off"),
    "unack": (Kind.UNACKNOWLEDGED, "is not in anyone's hands: there is nothing to give back"),
}


def headline(item: Item) -> str:
    """Name an alert and its patient: what must be right before anything else."""
    return f"{item.id} {level(item.record)} {STATES[item.record['state']]}  {who(item.record)}"


def about(item: Item, actor: str) -> list[str]:
    """Say what an act is about to be done to, and by whom."""
    record = item.record
    owner = f"owned by {record['owner']}" if record["owner"] else "nobody has it"
    told = [headline(item), said(record), f"score now {bounds(record)}; {owner}; recorded as {actor}"]
    return [*told, f"changed since you looked: {item.mark}"] if item.mark else told


def meant(verb: str, item: Item) -> str:
    """Give the act that a key means for an alert: what left is opened again, and what was put off comes back."""
    if verb == "unack" and item.gone:
        return "reopen"
    return "wake" if verb == "snooze" and "snoozed" in item.record["flags"] else verb


def refusal(verb: str, item: Item) -> str:
    """Say why an act is sure to be refused, before anyone has written anything for it; nothing when it is not."""
    kind, words = SURE.get(verb, (Kind.NOTED, ""))
    if State(item.record["state"]) in MOVES[kind]:
        return ""
    return f"{item.id} {words}"


def form(verb: str, item: Item, actor: str, *, outcome: str = "", draft: str = "") -> Form:
    """Make the form of an act: its note, and for how long it holds where that can be said."""
    needed = _note_needed(verb, item, actor, outcome)
    label = "Note" if needed else "Note (may stay empty)"
    fields = [Field(name="note", label=label, value=draft, hint=_note_hint(verb))]
    if verb in SPANNED:
        fields.append(Field(name="span", label=_span_label(verb, item), hint="30m"))
    title = f"{TITLES[verb]} {item.id}" + (f" as {outcome}" if outcome else "")

    def check(answers: Answers) -> str:
        if needed and not answers["note"]:
            return f"{level(item.record)} needs a note: say what is being done." if verb in NOTED else "Write a note."
        return _span_fault(verb, answers["span"], item) if verb in SPANNED else ""

    return Form(title, about(item, actor), fields, check)


def outcomes(item: Item, actor: str) -> Choice:
    """Make the choice of what came of an alert."""
    options = [(outcome.value, f"{outcome.value}: {words}") for outcome, words in OUTCOMES.items()]
    return Choice(f"Close {item.id}: what came of it?", about(item, actor), options)


def wish(verb: str, item: Item, answers: Answers, outcome: str = "") -> Wish:
    """Give what a person wants done, on the alert as it was on the screen."""
    span = answers.get("span", "")
    return Wish(
        verb=verb,
        alert=item.id,
        version=item.record["version"],
        note=answers["note"],
        for_ms=durations.parse(span) if span else None,
        outcome=Outcome(outcome) if outcome else None,
    )


def who_form() -> Form:
    """Make the question of who acts."""
    return Form(
        "Who are you?",
        ["Your name goes on record with whatever you do from here on."],
        [Field(name="who", label="Name")],
        lambda answers: "" if answers["who"] else "A name, please; escape leaves.",
    )


def filter_form(value: str, me: str) -> Form:
    """Make the question of what to show."""

    def check(answers: Answers) -> str:
        try:
            read_filter(answers, me)
        except UsageError as error:
            return str(error)
        return ""

    return Form("Show only", [filters.HINT], [Field(name="filter", label="Filter", value=value)], check)


def read_filter(answers: Answers, me: str) -> Filter:
    """Read what to show."""
    return filters.read(answers["filter"], me)


def _note_needed(verb: str, item: Item, actor: str, outcome: str) -> bool:
    if verb in NOTED:
        return POLICY.clocks[item.record["level"]].note_required
    if verb == "unack":
        return bool(item.record["owner"] != actor)
    return verb in {"note", "reopen"} or outcome == Outcome.OTHER


def _note_hint(verb: str) -> str:
    return "phoned, visit 14:30" if verb in NOTED else ""


def _most_ms(item: Item) -> int:
    return POLICY.clocks[item.record["level"]].acknowledged_at_most_ms


def _span_label(verb: str, item: Item) -> str:
    if verb == "snooze":
        return "For how long (at most until the acknowledgement ends)"
    return f"For how long (empty: {durations.text(_most_ms(item))}, the most there is)"


def _span_fault(verb: str, text: str, item: Item) -> str:
    if not text:
        return "Say for how long, as in 30m." if verb == "snooze" else ""
    try:
        span_ms = durations.parse(text)
    except ValueError as error:
        return str(error)
    if 0 < span_ms <= _most_ms(item):
        return ""
    return f"{level(item.record)}: at most {durations.text(_most_ms(item))}, and more than nothing"
