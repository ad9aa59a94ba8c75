"""The rules as data, and what one score says of each: it holds, it does not, or it cannot be told. Pure.

What follows from a verdict for the work list is lifecycle's.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from alerts.errors import PolicyError
from alerts.model import Alert, Lane, Level, Scored

MS = {"s": 1000, "m": 60_000, "h": 3_600_000}
SPAN = re.compile(r"(\d+)([smh])")


def _at_once(at_ms: int) -> int:
    return at_ms


class Verdict(Enum):
    """What a score says of a rule."""

    PRESENT = auto()
    ABSENT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One criterion: holds from `limit_on` up, is known not to hold with an upper bound below `limit_off`.

    It clears after good readings over `off_delay_ms`; `late` says whether evidence that came late may raise it.
    """

    name: str
    title: str
    lane: Lane
    level: Level
    quantity: str
    limit_on: int = 0
    limit_off: int = 0
    off_delay_ms: int = 0
    late: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What a level allows: how soon someone must answer, who is told when nobody does, how long an answer holds.

    `tiers_ms` say how long each tier after the first has, and `repeat_ms` how often the last is told again after that.
    With `waits`, what falls due while the ward is closed falls due when it opens, and the same tier is told then.
    """

    first_response_ms: int
    acknowledged_at_most_ms: int
    tiers_ms: tuple[int, ...]
    repeat_ms: int
    note_required: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the score as people read it, and the most points it can add."""

    label: str
    most: int
    unit: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The table of rules with its version."""

    version: str
    source: str
    settled_ms: int
    flap_ms: int
    recurrence_ms: int
    handover_ms: int
    covered_rise: int
    clocks: Mapping[Level, Clock]
    rules: Mapping[str, Rule]
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules that hold for one stay, those of its patient apart, and the least total or bound that any starts at."""

    rules: Mapping[str, Rule]
    clinical: tuple[Rule, ...]
    lowest: int

    @classmethod
    def of(cls, rules: Mapping[str, Rule]) -> "RuleSet":
        """Give the set of these rules by name."""
        clinical = tuple(rule for rule in rules.values() if rule.lane is Lane.CLINICAL)
        lowest = min(rule.limit_on for rule in clinical if rule.quantity in {"total", "could_be"})
        return cls(rules=rules, clinical=clinical, lowest=lowest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under what terms a case is followed: by which rules, what is held back, and whether anyone is told of it.

    `held` names rules of the technical lane that raise nothing while it lasts. Nobody is told of a recording. `opens`
    gives the first moment from a given one on at which the ward is staffed.
    """

    rules: RuleSet
    held: frozenset[str] = frozenset()
    told: bool = False
    opens: Callable[[int], int] = _at_once


def load(text: str) -> Policy:
    """Read and check a table of rules; PolicyError names what is wrong with it."""
    try:
        table = tomllib.loads(text)
        clocks = dict(table["clocks"])
        rise = int(clocks.pop("covered_rise"))
        spans = {f"{name}_ms": _span_ms(span) for name, span in clocks.items()}
        policy = Policy(
            version=table["version"],
            source=table["source"],
            covered_rise=rise,
            clocks={Level(int(n)): _clock(row) for n, row in table["levels"].items()},
            rules={name: _rule(name, row) for name, row in table["rules"].items()},
            parts={name: Part(**_with_words(row)) for name, row in table["parts"].items()},
            **spans,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"the table of rules cannot be read: {error!r}") from error
    _check(policy)
    return policy


def breaching(scored: Scored) -> bool:
    """Tell quickly whether any clinical rule might hold: what fails this holds none of them."""
    return scored.red or scored.could_be >= LOWEST or scored.total_min >= LOWEST


def present(rule: Rule, scored: Scored) -> bool:
    """Tell whether a score bears a clinical rule out for certain."""
    return HOLDS[rule.quantity](rule, scored)


def verdict(rule: Rule, scored: Scored, alert: Alert | None) -> Verdict:
    """Say what a score means for a clinical rule; `alert` is the open one, whose evidence must not vanish unseen."""
    if present(rule, scored):
        return Verdict.PRESENT
    return Verdict.ABSENT if CANNOT_HOLD[rule.quantity](rule, scored, alert) else Verdict.UNKNOWN


def reds(scored: Scored) -> tuple[str, ...]:
    """Name the parts that score 3."""
    return tuple(part for part, points in scored.points.items() if points == RED) if scored.red else ()


def _unknown(scored: Scored, alert: Alert | None) -> list[str]:
    """Name the missing parts that could hide a breach.

    A part that the plan does not ask for does not keep an alert open for ever, unless the alert stands on it.
    """
    evidence = alert.parts if alert is not None else ()
    return [part for part in scored.missing if part in scored.expected or part in evidence]


def _upper(scored: Scored, alert: Alert | None) -> int:
    """Bound the total from above over the measured parts and those whose absence could hide a breach."""
    counted = _unknown(scored, alert)
    return scored.total_max - sum(POLICY.parts[part].most for part in scored.missing if part not in counted)


def _total_low(rule: Rule, scored: Scored, alert: Alert | None) -> bool:
    return _upper(scored, alert) < rule.limit_off


def _no_red(_rule: Rule, scored: Scored, alert: Alert | None) -> bool:
    return not _unknown(scored, alert)


def _cannot_be(rule: Rule, scored: Scored, _alert: Alert | None) -> bool:
    return scored.could_be < rule.limit_off


HOLDS: Mapping[str, Callable[[Rule, Scored], bool]] = {
    "total": lambda rule, scored: scored.total_min >= rule.limit_on,
    "red": lambda _rule, scored: scored.red,
    "could_be": lambda rule, scored: scored.total_min < rule.limit_on <= scored.could_be,
}
CANNOT_HOLD: Mapping[str, Callable[[Rule, Scored, Alert | None], bool]] = {
    "total": _total_low,
    "red": _no_red,
    "could_be": _cannot_be,
}
GAP = "gap"
TIERS = 3
RED = 3


def _rule(name: str, row: Mapping[str, Any]) -> Rule:
    known = dict(row)
    lane, level = Lane(known.pop("lane")), Level(known.pop("level"))
    return Rule(name=name, lane=lane, level=level, **_with_spans(known))


def _clock(row: Mapping[str, Any]) -> Clock:
    known = dict(row)
    return Clock(tiers_ms=tuple(map(_span_ms, known.pop("tiers"))), **_with_spans(known))


def _with_spans(row: Mapping[str, Any]) -> dict[str, Any]:
    spans = {name for name, value in row.items() if isinstance(value, str) and SPAN.fullmatch(value)}
    return {f"{name}_ms" if name in spans else name: _span_ms(v) if name in spans else v for name, v in row.items()}


def _with_words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _span_ms(text: str) -> int:
    found = SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a span such as 30m")
    return int(found[1]) * MS[found[2]]


def _check(policy: Policy) -> None:
    """Refuse a table whose rules could not be evaluated, or that could close what it should keep open."""
    faults = [f"level {level} has no clocks" for level in Level if level not in policy.clocks]
    for level, clock in policy.clocks.items():
        if min(clock.first_response_ms, clock.repeat_ms, *clock.tiers_ms) <= 0:
            faults.append(f"level {level}: a tier without time would never end")
        if len(clock.tiers_ms) >= TIERS:
            faults.append(f"level {level}: there are {TIERS} tiers, of which the first has its first_response")
    for rule in policy.rules.values():
        if rule.quantity != GAP and rule.quantity not in HOLDS:
            faults.append(f"{rule.name}: {rule.quantity!r} is no quantity")
        if rule.limit_off > rule.limit_on:
            faults.append(f"{rule.name}: it would clear above where it is raised")
        if rule.lane is Lane.CLINICAL and rule.off_delay_ms <= 0:
            faults.append(f"{rule.name}: one good reading would clear it")
        if (rule.quantity == GAP) == (rule.lane is Lane.CLINICAL):
            faults.append(f"{rule.name}: {rule.quantity!r} does not belong to the {rule.lane} lane")
    if faults:
        raise PolicyError("; ".join(faults))


POLICY = load(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
RULES = POLICY.rules
BASE = RuleSet.of(RULES)
TERMS = Terms(rules=BASE)
CLINICAL = BASE.clinical
OVERDUE = RULES["overdue"]
LOWEST = BASE.lowest
