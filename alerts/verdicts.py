"""What one score, or one number by its name, says of each rule: it holds, it does not, or it cannot be told. Pure.

What follows from a verdict for the work list is lifecycle's.
"""

import math
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto

from alerts.model import Scored
from alerts.policy import POLICY, Rule, RuleSet, Side, Unsure


class Verdict(Enum):
    """What a score says of a rule."""

    PRESENT = auto()
    ABSENT = auto()
    UNKNOWN = auto()


def breaching(scored: Scored, rules: RuleSet) -> bool:
    """Tell quickly whether any clinical rule might hold: what fails this holds none of them."""
    if scored.red or scored.could_be >= rules.lowest or scored.total_min >= rules.lowest:
        return True
    return any(present(rule, scored) for rule in rules.named)


def present(rule: Rule, scored: Scored) -> bool:
    """Tell whether a score bears a clinical rule out for certain."""
    if rule.named:
        return named(rule, scored.quantities) is Verdict.PRESENT
    return HOLDS[rule.quantity](rule, scored)


def verdict(rule: Rule, scored: Scored, stands_on: Collection[str] = ()) -> Verdict | None:
    """Say what a score means for a clinical rule; None when it says nothing of it.

    `stands_on` are the parts of the evidence that there is for it, which must not vanish unseen.
    """
    if rule.named:
        return named(rule, scored.quantities)
    if present(rule, scored):
        return Verdict.PRESENT
    return Verdict.ABSENT if CANNOT_HOLD[rule.quantity](rule, scored, stands_on) else Verdict.UNKNOWN


def named(rule: Rule, quantities: Mapping[str, float]) -> Verdict | None:
    """Say what numbers by their names mean for a rule; None when the one that it asks for is not among them."""
    value = quantities.get(rule.quantity)
    if value is None or math.isnan(value):
        return None
    sign = 1 if rule.side is Side.ABOVE else -1
    if sign * value >= sign * rule.limit_on:
        return Verdict.PRESENT
    return Verdict.ABSENT if sign * value < sign * rule.limit_off else Verdict.UNKNOWN


def _unknown(scored: Scored, stands_on: Collection[str]) -> list[str]:
    """Name the missing parts that could hide a breach.

    A part that the plan does not ask for does not keep an alert open for ever, unless the alert stands on it.
    """
    return [part for part in scored.missing if part in scored.expected or part in stands_on]


def _upper(rule: Rule, scored: Scored, stands_on: Collection[str]) -> int:
    """Bound the total from above over the measured parts and those whose absence could hide a breach."""
    counted, parts = _unknown(scored, stands_on), POLICY.charts[rule.chart].parts
    return scored.total_max - sum(parts[part].most for part in scored.missing if part not in counted)


def _total(rule: Rule, scored: Scored) -> bool:
    counted = scored.could_be if rule.unsure is Unsure.WORST else scored.total_min
    return counted >= rule.limit_on


def _total_low(rule: Rule, scored: Scored, stands_on: Collection[str]) -> bool:
    return _upper(rule, scored, stands_on) < rule.limit_off


def _no_red(_rule: Rule, scored: Scored, stands_on: Collection[str]) -> bool:
    return not _unknown(scored, stands_on)


def _cannot_be(rule: Rule, scored: Scored, _stands_on: Collection[str]) -> bool:
    return scored.could_be < rule.limit_off


HOLDS: Mapping[str, Callable[[Rule, Scored], bool]] = {
    "total": _total,
    "red": lambda _rule, scored: scored.red,
    "could_be": lambda rule, scored: scored.total_min < rule.limit_on <= scored.could_be,
}
CANNOT_HOLD: Mapping[str, Callable[[Rule, Scored, Collection[str]], bool]] = {
    "total": _total_low,
    "red": _no_red,
    "could_be": _cannot_be,
}
