"""What is kept of a moment as the evidence of what followed from it, and what can be read off that again. Pure.

Whether it is a breach is alerts.verdicts', how it is said alerts.wording's.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from alerts import titles
from alerts.charts import NEWS2
from alerts.model import Noted, Scored
from alerts.policy import RED, Rule

NOTHING: Final[Mapping[str, Any]] = {}

Evidence = Mapping[str, Any]

ANSWER: Final = "answer:"  # before an answer by its name: "answer:wellbeing.compared"
WHOLE: Final = "answers:"  # before what one was part of: "answers:wellbeing", which is awaited as a vital is


def of_score(scored: Scored, borne_out: Collection[Rule], chart: str = NEWS2) -> Evidence:
    """Freeze what a score stood on, as the history of the alert keeps it; a chart is named where it is not NEWS2."""
    refused = {part: {"age_ms": age_ms, "sent": sent} for part, (age_ms, sent) in scored.refused.items()}
    quantities = _asked_for(scored.quantities, borne_out)
    return (
        {
            "rules": [rule.name for rule in borne_out],
            "at_ms": scored.at_ms,
            "received_ms": scored.received_ms,
            "late": bool(scored.late),
            "total_min": scored.total_min,
            "total_max": scored.total_max,
            "could_be": scored.could_be,
            "red": bool(scored.red),
            "complete": bool(scored.complete),
            "missing": list(scored.missing),
            "points": dict(scored.points),
            "values": dict(scored.values),
            "ages_ms": dict(scored.ages_ms),
        }
        | ({"chart": chart} if chart != NEWS2 else {})
        | ({"refused": refused} if refused else {})
        | ({"quantities": quantities} if quantities else {})
        | _limits(borne_out)
    )


def of_note(noted: Noted, borne_out: Collection[Rule]) -> Evidence:
    """Freeze what is known by name at a moment that is no score: of the numbers, those that the rules ask for."""
    quantities = _asked_for(noted.quantities, borne_out)
    return {
        "rules": [rule.name for rule in borne_out],
        "at_ms": noted.at_ms,
        "received_ms": noted.received_ms,
        "late": bool(noted.late),
        "quantities": quantities,
        "sentences": {name: words for name, words in noted.sentences.items() if name in quantities},
    } | _limits(borne_out)


def repeatable(rule: Rule, scored: Scored) -> list[str]:
    """Name what to measure again to bear a rule out, or not: what scored, or what is awaited where that is unsure."""
    if rule.named:
        return by_name(rule)
    if rule.quantity == "could_be":
        return [part for part in scored.missing if part in scored.expected]
    return [part for part, points in scored.points.items() if points]


def by_name(rule: Rule) -> list[str]:
    """Name what a rule over a number asks for: the vital of a value or a trend, or an answer as it is called."""
    kind, _, name = rule.quantity.partition(":")
    return [rule.quantity if kind == "answer" else name.partition(".")[0]]


def renewed(scored: Scored, evidence: Evidence, since_ms: int) -> bool:
    """Tell whether a part that scored in some evidence was measured anew after a time."""
    ages_ms = scored.ages_ms
    return any(part in ages_ms and scored.at_ms - ages_ms[part] > since_ms for part in scoring(evidence))


def scoring(evidence: Evidence) -> tuple[str, ...]:
    """Name the parts that scored in some evidence."""
    return tuple(part for part, points in evidence.get("points", NOTHING).items() if points)


def reds(evidence: Evidence) -> tuple[str, ...]:
    """Name the parts that scored 3 in some evidence."""
    return tuple(part for part, points in evidence.get("points", NOTHING).items() if points == RED)


def gathered(evidence: Evidence, more: Evidence) -> Evidence:
    """Give evidence with what a further breach of the same wait stood on; the very same when that adds nothing."""
    here, there = stood_on(evidence), stood_on(more)
    parts, reds_ = (tuple(dict.fromkeys([*a, *b])) for a, b in zip(here[:2], there[:2], strict=True))
    peak = max((score for score in (here[2], there[2]) if score is not None), default=None)
    if (parts, reds_, peak) == here:
        return evidence
    return {**evidence, "gathered": {"parts": list(parts), "reds": list(reds_), "peak": peak}}


def stood_on(evidence: Evidence) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
    """Give the parts that scored, those that scored 3, and the highest score, in all that was gathered.

    What was answered counts with the parts: once it is overdue, what stands on it is no longer seen.
    """
    if (found := evidence.get("gathered")) is not None:
        return tuple(found["parts"]), tuple(found["reds"]), found["peak"]
    return (*scoring(evidence), *_answered(evidence)), reds(evidence), evidence.get("total_min")


def _answered(evidence: Evidence) -> tuple[str, ...]:
    """Name what was answered, in some evidence, each set of questions once."""
    names = [name for name in evidence.get("quantities", NOTHING) if name.startswith(ANSWER)]
    return tuple(dict.fromkeys(f"{WHOLE}{name.removeprefix(ANSWER).partition('.')[0]}" for name in names))


def compared(evidence: Evidence, earlier: Evidence) -> Evidence:
    """Give evidence with what the numbers that it stands on were in earlier evidence, where they were other numbers."""
    before = {
        name: {"value": value, "at_ms": at_ms}
        for name, (value, at_ms) in _numbers(earlier).items()
        if (now := _numbers(evidence).get(name)) is not None and now[0] != value and at_ms < now[1]
    }
    return {**evidence, "before": before} if before else evidence


def _numbers(evidence: Evidence) -> dict[str, tuple[float, int]]:
    """Give the numbers that some evidence has by name, and when each was measured."""
    at_ms, ages_ms = evidence.get("at_ms", 0), evidence.get("ages_ms", NOTHING)
    values = {part: (value, at_ms - ages_ms.get(part, 0)) for part, value in evidence.get("values", NOTHING).items()}
    return values | {name: (value, at_ms) for name, value in evidence.get("quantities", NOTHING).items()}


def together(worst: Evidence, rules: Collection[str], several: Collection[Evidence]) -> Evidence:
    """Give the worst evidence of several as that of all the rules that come at once, with the limits of each."""
    limits = {name: moved for one in several for name, moved in one.get("limits", NOTHING).items() if name in rules}
    alone = {name: value for name, value in worst.items() if name != "limits"}
    return {**alone, "rules": list(rules)} | ({"limits": limits} if limits else {})


def _limits(borne_out: Collection[Rule]) -> dict[str, Any]:
    """Give what is kept of the rules that some limit moved; nothing where none was."""
    moved = titles.kept(borne_out)
    return {"limits": moved} if moved else {}


def _asked_for(quantities: Mapping[str, float], rules: Collection[Rule]) -> dict[str, float]:
    wanted = {rule.quantity for rule in rules}
    return {name: value for name, value in quantities.items() if name in wanted}
