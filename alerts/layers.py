"""Limits of a ward, a pathway or one stay laid over the table of rules: the narrowest wins, field by field. Pure.

Where limits are kept, and who may write them, is not known here.
"""

from collections.abc import Iterable
from dataclasses import replace

from alerts.errors import PolicyError
from alerts.model import Level
from alerts.policy import MOVABLE, POLICY, RULES, Layer, Limit, Rule, RuleSet, faults_of, read

WHERE_IT_HOLDS = frozenset({"side", "limit_on", "limit_off"})  # what only a prescription says of a prescribed rule
EVER = -(1 << 62)  # before any moment


def layered(base: RuleSet, limits: Iterable[Limit]) -> RuleSet:
    """Give the rules with what the layers say otherwise: in the order of Layer, the narrowest winning.

    Within a layer the limit with the later start wins. PolicyError names the limit that cannot be: without an author
    or a reason, of no rule or field, that takes a rule of level 3 off or down, that moves what is prescribed without
    being a prescription, or whose rule could not be evaluated.
    """
    rules, given = dict(base.rules), {name: dict(fields) for name, fields in base.given.items()}
    order = list(Layer)
    for limit in sorted(limits, key=lambda one: (order.index(one.layer), one.from_ms)):
        before = rules.get(limit.rule)
        if before is None:
            raise _refused(limit, "there is no such rule")
        rules[limit.rule] = _moved(before, limit)
        given.setdefault(limit.rule, {}).update(dict.fromkeys(limit.changes, limit))
    for name, by_field in given.items():
        if faults := faults_of(rules[name], POLICY.charts):
            raise PolicyError("; ".join(str(_refused(limit, *faults)) for limit in _once(by_field.values())))
    return RuleSet.of(rules, given, base.chart)


def _moved(rule: Rule, limit: Limit) -> Rule:
    """Give a rule as one limit changes it, unless it may not."""
    if not limit.author.strip() or not limit.reason.strip():
        raise _refused(limit, "it needs an author and a reason")
    if fixed := [name for name in limit.changes if name not in MOVABLE]:
        raise _refused(limit, f"{', '.join(fixed)} cannot be changed; what can: {', '.join(MOVABLE)}")
    if rule.prescribed and limit.layer is not Layer.PRESCRIPTION and WHERE_IT_HOLDS & limit.changes.keys():
        raise _refused(limit, "where it holds is prescribed: another range is another prescription")
    try:
        moved = replace(rule, **read(limit.changes))
    except (TypeError, ValueError) as error:
        raise _refused(limit, str(error)) from error
    if RULES[rule.name].level is Level.EMERGENCY and (not moved.enabled or moved.level < Level.EMERGENCY):
        raise _refused(limit, "a rule of level 3 cannot be taken off or down")
    return moved


def _refused(limit: Limit, *faults: str) -> PolicyError:
    whose = f"the limit on {limit.rule} of {limit.layer} {limit.subject} by {limit.author or 'nobody'}"
    return PolicyError(f"{whose}: {'; '.join(faults)}")


def _once(limits: Iterable[Limit]) -> list[Limit]:
    found: list[Limit] = []
    for limit in limits:
        if limit not in found:
            found.append(limit)
    return found
