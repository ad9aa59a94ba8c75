"""Scores as the alert rules see them, made by hand, and cases followed through them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from alerts import acts, deadlines, lifecycle
from alerts.acts import Act
from alerts.layers import layered
from alerts.model import Alert, Case, Kind, Lane, Outcome
from alerts.policy import BASE, POLICY, Layer, Limit, Terms

MINUTE = 60_000
HOUR = 60 * MINUTE
PARTS = tuple(POLICY.parts)
LAG = 2000  # a reading is received so long after it was observed
STAY = 7
NOTHING: Mapping[str, Any] = MappingProxyType({})
USUAL = {
    "respiratory_rate": 24.0,
    "spo2": 91.0,
    "oxygen": 2.0,
    "systolic_bp": 98.0,
    "heart_rate": 118.0,
    "consciousness": 1.0,
    "temperature": 38.4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A score by hand: fits alerts.model.Scored."""

    stay: int = STAY
    at_ms: int
    received_ms: int
    late: bool = False
    total_min: int
    total_max: int
    could_be: int
    red: bool
    complete: bool
    missing: tuple[str, ...] = ()
    points: dict[str, int] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    ages_ms: dict[str, int] = field(default_factory=dict)
    measured: bool = True
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    expected: tuple[str, ...] = PARTS
    quantities: dict[str, float] = field(default_factory=dict)


def point(
    minute: float,
    total: int = 0,
    *,
    missing: Iterable[str] = (),
    late: bool = False,
    received: float | None = None,
    could_be: int | None = None,
    expected: tuple[str, ...] = PARTS,
    measured: bool = True,
    refused: Mapping[str, float] = NOTHING,
    sent: Mapping[str, str] = NOTHING,
    **points: int,
) -> Point:
    """Make the score of one minute: the points named, and `total` more in parts of at most two each.

    `refused` parts were tried so many minutes before, and what came is as `sent`.
    """
    absent = tuple(missing)
    scored = {part: points.get(part, 0) for part in PARTS if part not in absent}
    left = total
    for part in [part for part in scored if part not in points]:
        scored[part] = min(left, 2)
        left -= scored[part]
    assert left == 0, "so many points need a part that scores three; name it"
    low = sum(scored.values())
    at_ms = round(minute * MINUTE)
    return Point(
        at_ms=at_ms,
        received_ms=(round(received * MINUTE) if received is not None else at_ms) + LAG,
        late=late,
        total_min=low,
        total_max=low + sum(POLICY.parts[part].most for part in absent),
        could_be=low if could_be is None else could_be,
        red=3 in scored.values(),
        complete=not absent,
        missing=absent,
        points=scored,
        values={part: USUAL[part] for part in scored},
        ages_ms=dict.fromkeys(scored, 0),
        measured=measured,
        refused={part: (round(age * MINUTE), sent.get(part, "")) for part, age in refused.items()},
        expected=expected,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something known by name at one moment: fits alerts.model.Noted."""

    stay: int = STAY
    at_ms: int
    received_ms: int
    late: bool = False
    quantities: Mapping[str, float] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)


def note(minute: float, *, late: bool = False, said: str = "", **quantities: float) -> Note:
    """Make what is known at a minute: values by the vital's name."""
    named = {f"value:{name}": value for name, value in quantities.items()}
    sentences = dict.fromkeys(named, said) if said else {}
    at_ms = round(minute * MINUTE)
    return Note(at_ms=at_ms, received_ms=at_ms + LAG, late=late, quantities=named, sentences=sentences)


def limit(rule: str, **changes: Any) -> Limit:  # noqa: ANN401 -- fields of a rule, in the words of the table
    """Give what Dr Okafor says of one rule for the stay."""
    return Limit(
        rule=rule,
        layer=Layer.STAY,
        subject=str(STAY),
        changes=changes,
        author="okafor",
        reason="COPD, well at 88 to 92 %",
        from_ms=0,
    )


def terms(*limits: Limit) -> Terms:
    """Give the terms under which the table holds but for these limits."""
    return Terms(rules=layered(BASE, limits))


# Every breach counts at once: for what follows from a breach, whichever way it came to count.
AT_ONCE = terms(*(limit(rule.name, cadence="at_once") for rule in BASE.clinical))


def follow(case: Case, *points: Point, under: Terms = AT_ONCE) -> Case:
    """Follow scores as the daemon does: let time pass to the receipt of each, then observe it."""
    for each in points:
        case = lifecycle.observe(deadlines.tick(case, each.received_ms, under), each, under)
    return case


def after(*points: Point, under: Terms = AT_ONCE) -> Case:
    """Follow scores from nothing."""
    return follow(Case(stay_no=STAY), *points, under=under)


def clinical(case: Case) -> Alert:
    """Give the clinical alert, which must be there."""
    return case.alerts[Lane.CLINICAL]


def technical(case: Case) -> Alert:
    """Give the technical alert, which must be there."""
    return case.alerts[Lane.TECHNICAL]


def kinds(case: Case) -> list[Kind]:
    """Name what happened since the case was made or loaded."""
    return [event.kind for event in case.events]


def person(minute: float, name: str = "ahmed", note: str = "phoned", **more: Any) -> Act:  # noqa: ANN401 -- fields of Act
    """Give what someone does at a minute."""
    return Act(actor=name, now_ms=round(minute * MINUTE), note=note, **more)


def acked(case: Case, minute: float, name: str = "ahmed", lane: Lane = Lane.CLINICAL, **more: Any) -> Case:  # noqa: ANN401 -- options of acknowledge
    """Have someone acknowledge the alert of a lane; it must not be refused."""
    case = deadlines.tick(case, round(minute * MINUTE))
    answer = acts.acknowledge(case, case.alerts[lane], person(minute, name), **more)
    assert answer.refusal is None, answer.refusal
    return answer.case


def closed(case: Case, minute: float, outcome: str = "phoned-stable", lane: Lane = Lane.CLINICAL) -> Case:
    """Have someone close the alert of a lane; it must not be refused."""
    case = deadlines.tick(case, round(minute * MINUTE))
    answer = acts.close(case, case.alerts[lane], person(minute), Outcome(outcome))
    assert answer.refusal is None, answer.refusal
    return answer.case
