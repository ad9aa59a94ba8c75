"""What an entry of an alert's history means, in words, where its name alone does not say it. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from alerts.model import MONITOR, Kind
from alerts.reasons import AGAIN
from alerts.wording import ago

Told = Mapping[str, Any]


def words(kind: Kind, actor: str, evidence: Told, at_ms: int) -> str:
    """Say what an entry means; nothing of one whose name says it."""
    return WORDS[kind](actor, evidence, at_ms) if kind in WORDS else AGAIN.get(kind, "")


def _escalated(_actor: str, evidence: Told, _at_ms: int) -> str:
    """Say who was told because nobody had answered: one that names no turn is of the time before they were counted."""
    again = " again" if evidence.get("turn", 1) > 1 else ""
    late = ", late: nobody looked at the time" if "unwatched_from_ms" in evidence else ""
    return f"nobody had answered: on to tier {evidence['tier']}{again}{late}"


def _offered(_actor: str, evidence: Told, _at_ms: int) -> str:
    if "handover" in evidence:
        return f"handed over (handover {evidence['handover']}), and in the same hands until accepted"
    to = evidence.get("to")
    return "the offer was withdrawn" if to is None else f"offered to {to}"


def _taken(_actor: str, evidence: Told, _at_ms: int) -> str:
    giver = evidence.get("from")
    return "taken over from its owner" if giver is None else f"accepted from {giver}, as it was acknowledged"


def _snoozed(_actor: str, evidence: Told, at_ms: int) -> str:
    return f"off the list for {ago(evidence['until_ms'] - at_ms)}, or until it gets worse"


def _woken(actor: str, _evidence: Told, _at_ms: int) -> str:
    return "on the list again, its time was up" if actor == MONITOR else "put on the list again"


def _closed(_actor: str, evidence: Told, _at_ms: int) -> str:
    return f"outcome {evidence['outcome']}" if "outcome" in evidence else ""


def _always(said: str) -> Callable[[str, Told, int], str]:
    return lambda _actor, _evidence, _at_ms: said


WORDS: Final[Mapping[Kind, Callable[[str, Told, int], str]]] = {
    Kind.ESCALATED: _escalated,
    Kind.OFFERED: _offered,
    Kind.TAKEN: _taken,
    Kind.SNOOZED: _snoozed,
    Kind.WOKEN: _woken,
    Kind.CLOSED: _closed,
    Kind.HELD: _always("came back, and is still acknowledged"),
    Kind.SETTLED: _always("what made it is over: it waits for a person"),
    Kind.ENDED: _always("what made it is over, and so is it"),
    Kind.BLINDED: _always("the readings it stands on are overdue"),
    Kind.SIGHTED: _always("its readings come again"),
    Kind.ALSO_SEEN: _always("seen by another than its owner"),
}
