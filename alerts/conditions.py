"""How one score moves the conditions of a stay: raised, held, clearing, cleared. Pure.

What a change means for the alert is lifecycle's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alerts import policy
from alerts.model import Alert, Condition, ConditionState, Lane, Level, Scored
from alerts.policy import CLINICAL, RULES, Rule, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The conditions after a score: those it bears out now, and the level of all that stand."""

    conditions: Mapping[str, Condition]
    borne_out: tuple[Rule, ...]
    level: Level | None


def weigh(conditions: Mapping[str, Condition], alert: Alert | None, scored: Scored) -> Weighed:
    """Weigh a score against every clinical rule. The same mapping comes back when nothing changed."""
    changed: dict[str, Condition] = {}
    borne_out: list[Rule] = []
    for rule in CLINICAL:
        before = conditions.get(rule.name)
        verdict = _verdict(rule, before, alert, scored)
        after = before if verdict is None else _next(rule, before, verdict, scored)
        if after is not None and after is not before:
            changed[rule.name] = after
        if verdict is Verdict.PRESENT:
            borne_out.append(rule)
    after_all = {**conditions, **changed} if changed else conditions
    return Weighed(conditions=after_all, borne_out=tuple(borne_out), level=level(after_all))


def steady(conditions: Mapping[str, Condition], scored: Scored) -> bool:
    """Tell whether a score bears out exactly the rules that stand, none of them clearing."""
    for rule in CLINICAL:
        condition = conditions.get(rule.name)
        state = ConditionState.ABSENT if condition is None else condition.state
        if state is not (ConditionState.PRESENT if policy.present(rule, scored) else ConditionState.ABSENT):
            return False
    return True


def level(conditions: Mapping[str, Condition]) -> Level | None:
    """Give the highest level of the clinical conditions that stand."""
    return max(
        (rule.level for rule in CLINICAL if (c := conditions.get(rule.name)) is not None and c.standing), default=None
    )


def recovered_ms(before: Mapping[str, Condition], after: Mapping[str, Condition]) -> int:
    """Give the observed time of the first good reading of the condition that was the last to clear, just now."""
    return max(condition.covered_ms for name, condition in after.items() if condition is not before.get(name))


def unseen(conditions: Mapping[str, Condition]) -> Mapping[str, Condition]:
    """Give the conditions once their evidence has gone stale: what stood is unknown, and no longer clearing."""
    return {
        name: replace(c, state=ConditionState.UNKNOWN, clear_ms=None) if _stands_in(c, Lane.CLINICAL) else c
        for name, c in conditions.items()
    }


def dropped(conditions: Mapping[str, Condition], at_ms: int, lane: Lane = Lane.CLINICAL) -> Mapping[str, Condition]:
    """Give the conditions after a person closed the alert of their lane, or the stay ended, at `at_ms`: none stands."""
    return {name: _absent(c, at_ms) if _stands_in(c, lane) else c for name, c in conditions.items()}


def covered(conditions: Mapping[str, Condition], peak: Level, at_ms: int) -> Mapping[str, Condition]:
    """Give the conditions once an alert of that peak has recovered, or was closed, as of `at_ms`.

    Evidence from before then that is no worse than the peak was part of it, whichever rule it bears out.
    """
    absent = {
        rule.name: conditions.get(rule.name, Condition(rule=rule.name, state=ConditionState.ABSENT, since_ms=at_ms))
        for rule in CLINICAL
        if rule.level <= peak
    }
    past = {n: replace(c, covered_ms=at_ms) for n, c in absent.items() if not c.standing and c.covered_ms < at_ms}
    return {**conditions, **past}


def standing_in(conditions: Mapping[str, Condition], lane: Lane) -> list[str]:
    """Name the rules of a lane that stand."""
    return [name for name, condition in conditions.items() if _stands_in(condition, lane)]


def unknown_again(
    conditions: Mapping[str, Condition], stood: Sequence[str], level: Level, now_ms: int
) -> Mapping[str, Condition]:
    """Give the conditions once a closed clinical alert of that level is open again: what stood may hold, unseen.

    No rule above the level, and at least one of it: the level of the alert is that of what stands.
    """
    named = [rule for rule in CLINICAL if rule.name in stood and rule.level <= level]
    if not any(rule.level == level for rule in named):
        named += [rule for rule in CLINICAL if rule.level == level]
    unseen_ = {rule.name: _unknown(conditions.get(rule.name), rule, now_ms) for rule in named}
    return {**conditions, **unseen_}


def _unknown(condition: Condition | None, rule: Rule, now_ms: int) -> Condition:
    known = condition or Condition(rule=rule.name, state=ConditionState.ABSENT, since_ms=now_ms)
    return replace(known, state=ConditionState.UNKNOWN, clear_ms=None, seen_ms=None, due_ms=None, evidence={})


def _stands_in(condition: Condition, lane: Lane) -> bool:
    return condition.standing and RULES[condition.rule].lane is lane


def _absent(condition: Condition, covered_ms: int) -> Condition:
    return replace(condition, state=ConditionState.ABSENT, clear_ms=None, covered_ms=covered_ms)


def _verdict(rule: Rule, before: Condition | None, alert: Alert | None, scored: Scored) -> Verdict | None:
    """Give what the score says of the rule; None when it says nothing that may count.

    What came late can only bear a rule out, and only if it has not had its alert. An attempt is no good reading.
    """
    standing = before is not None and before.standing
    verdict = policy.verdict(rule, scored, alert if standing else None)
    if verdict is Verdict.PRESENT:
        had_its_alert = before is not None and scored.at_ms < before.covered_ms
        return None if had_its_alert or (scored.late and not rule.late) else verdict
    if scored.late or not standing:
        return None
    if alert is not None and alert.blind_ms is not None:
        return Verdict.UNKNOWN
    return None if verdict is Verdict.ABSENT and not scored.measured else verdict


def _next(rule: Rule, before: Condition | None, verdict: Verdict, scored: Scored) -> Condition:
    """Give the condition after a verdict; the very same object when nothing changed."""
    if before is None:
        return Condition(rule=rule.name, state=ConditionState.PRESENT, since_ms=scored.at_ms)
    if not before.standing:
        return replace(before, state=ConditionState.PRESENT, since_ms=scored.at_ms)
    if verdict is Verdict.ABSENT:
        return _clearing(rule, before, scored.at_ms)
    return _held(before, verdict, scored)


def _clearing(rule: Rule, before: Condition, at_ms: int) -> Condition:
    if before.clear_ms is None:
        return replace(before, state=ConditionState.CLEARING, clear_ms=at_ms)
    return _absent(before, before.clear_ms) if at_ms - before.clear_ms >= rule.off_delay_ms else before


def _held(before: Condition, verdict: Verdict, scored: Scored) -> Condition:
    """A reading that is not good ends a run of good ones, unless it was observed before the run began."""
    clearing = before.clear_ms is not None and scored.at_ms >= before.clear_ms
    seen_again = verdict is Verdict.PRESENT and before.state is ConditionState.UNKNOWN and not scored.late
    return replace(before, state=ConditionState.PRESENT, clear_ms=None) if clearing or seen_again else before
