"""What silence and faults do to the work list: a reading that is overdue, a device, the whole service. Pure.

A fault is a rule and what it is found of, as a condition's gap; all faults of a stay are members of its one technical
alert, those of the whole service of its one system alert. What holds faults back is said by the terms (alerts.policy),
and whether anything is wrong is found out by the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from alerts import conditions, moves
from alerts.attention import Signal, follow
from alerts.model import SYSTEM_STAY, Alert, Case, Condition, ConditionState, Gap, Kind, Lane, Level
from alerts.pauses import LASTS
from alerts.policy import OVERDUE, RULES, TERMS, Rule, RuleSet, Terms

Waiting = tuple[tuple[str, int], ...]  # rules whose conditions hold without an alert, and since when


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault that was found, or found to be over: by which rule, and of what (a device, a device's vital).

    It began at `since_ms`, None when it is over, and counts as of `at_ms`; `figures` are the numbers of its sentence.
    """

    rule: str
    what: str = ""
    since_ms: int | None
    at_ms: int
    figures: Mapping[str, Any] = field(default_factory=dict)


def overdue(  # noqa: PLR0913 -- what is awaited, since when, and under which terms
    case: Case, part: str, due_ms: int, known_ms: int, *, last_ms: int | None = None, terms: Terms = TERMS
) -> Case:
    """Mark a part as overdue since `due_ms`; `last_ms` is when its last reading was observed (or the admission).

    In the case of the whole service, `part` is a rule of the system lane and `due_ms` when the fault began.
    """
    rule, moment_ms = _rule_of(case, part, terms.rules), min(due_ms, known_ms)
    after = _begun(case, rule, part, Gap(due_ms=due_ms, last_ms=last_ms))
    if after is case:
        return case
    if rule.lane is Lane.SYSTEM:
        return _weigh_service(after, due_ms, known_ms, terms)
    after = _begun(freed(case, moment_ms, terms), rule, part, Gap(due_ms=due_ms, last_ms=last_ms))
    return weigh(after, due_ms, moment_ms, terms)


def returned(case: Case, part: str, at_ms: int, known_ms: int, terms: Terms = TERMS) -> Case:
    """Mark a part as no longer overdue: its reading, observed at `at_ms`, has come. The caller knows it is fresh.

    A reading no newer than the one before the gap ends nothing.
    """
    return _over(case, _rule_of(case, part, terms.rules), part, at_ms, known_ms, terms)


def found(case: Case, finding: Finding, terms: Terms = TERMS) -> Case:
    """Follow a finding about a device of the stay, or about the whole service."""
    rule, what = terms.rules.rules[finding.rule], finding.what or finding.rule
    if finding.since_ms is None:
        return _over(case, rule, what, finding.at_ms, finding.at_ms, terms)
    new = Gap(due_ms=finding.since_ms)
    after = _begun(case, rule, what, new, finding.figures)
    if after is case:
        return case
    if rule.lane is Lane.SYSTEM:
        return _weigh_service(after, finding.since_ms, finding.at_ms, terms)
    after = _begun(freed(case, finding.at_ms, terms), rule, what, new, finding.figures)
    return weigh(after, finding.since_ms, finding.at_ms, terms)


def freed(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """Raise what was held back, holds still, and is held back no longer, as of when that ended."""
    free = [(terms.free_ms(rule, since_ms), since_ms) for rule, since_ms in waiting(case)]
    moment_ms = min((free_ms for free_ms, _ in free), default=LASTS)
    if moment_ms > now_ms:
        return case
    return weigh(case, min(since_ms for free_ms, since_ms in free if free_ms == moment_ms), moment_ms, terms)


def waiting(case: Case) -> Waiting:
    """Give the technical conditions that hold while there is no active alert of them: what is being held back."""
    alert = case.alerts.get(Lane.TECHNICAL)
    if alert is not None and alert.active:
        return ()
    return tuple((condition.rule, condition.since_ms) for condition in _standing(case, Lane.TECHNICAL))


def sick_and_unseen(case: Case) -> Alert | None:
    """Give the clinical alert that is urgent and open while its evidence has gone stale."""
    alert = case.open_in(Lane.CLINICAL)
    return alert if alert is not None and alert.blind_ms is not None and alert.level >= Level.URGENT else None


def weigh(case: Case, at_ms: int, moment_ms: int, terms: Terms = TERMS) -> Case:
    """Bring blindness and the technical alert in line with the faults that hold, as of `moment_ms`.

    Of those that are held back then nothing is raised; `freed` does, once they are not. Nothing holds back a patient
    who is sick and unseen: that someone urgent is not seen is true whoever's fault it is.
    """
    if not any(RULES[rule].lane is Lane.TECHNICAL for rule in case.conditions if rule in RULES):
        return case
    case = _look(case, moment_ms, terms.rules)
    sick, silence = sick_and_unseen(case), case.conditions.get(OVERDUE.name)
    if sick is not None and silence is not None and not silence.standing:
        case = _with(case, replace(silence, state=ConditionState.PRESENT, since_ms=moment_ms))
    counted = _counted(case, moment_ms, terms)
    level = max((terms.rules.rules[condition.rule].level for condition in counted), default=None)
    if sick is not None:
        level = max(sick.level, level or sick.level)
    held = sick is None and level is not None and any(_was_held(c, terms) for c in counted)
    held_until = {"held_until_ms": moment_ms} if held and not _active(case, Lane.TECHNICAL) else {}
    signal = Signal(
        lane=Lane.TECHNICAL,
        level=level,
        at_ms=at_ms,
        known_ms=moment_ms,
        evidence=_evidence(case, sick) | held_until,
        recovered_ms=at_ms,
        reds=tuple(condition.rule for condition in counted),
    )
    return follow(case, signal, terms)


def eased(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """Bring both in line after what a person did, who knows nothing of what is held back: that raises nothing by it.

    Only the daemon knows the spans; what is free to be raised, its next look raises as of when it was.
    """
    if case.stay_no == SYSTEM_STAY:
        return _weigh_service(case, now_ms, now_ms, terms)
    every = dict.fromkeys(case.conditions, ((0, LASTS),))
    return weigh(case, now_ms, now_ms, replace(terms, held=every))


def ended(condition: Condition, now_ms: int) -> Condition:
    """Give a condition once nothing is expected of its stay any more."""
    if not condition.gaps:
        return condition
    gaps = {p: g if g.returned_ms is not None else replace(g, returned_ms=now_ms) for p, g in condition.gaps.items()}
    return replace(condition, state=ConditionState.ABSENT, gaps=gaps)


def _begun(case: Case, rule: Rule, what: str, new: Gap, figures: Mapping[str, Any] = MappingProxyType({})) -> Case:
    before = case.conditions.get(rule.name)
    gap = before.gaps.get(what) if before is not None else None
    if gap is not None and (gap.returned_ms is None or new.due_ms <= max(gap.due_ms, gap.returned_ms)):
        return case
    standing = before is not None and before.standing
    condition = Condition(
        rule=rule.name,
        state=ConditionState.PRESENT,
        since_ms=before.since_ms if before is not None and standing else new.due_ms,
        gaps={**(before.gaps if before is not None else {}), what: new},
        evidence={**(before.evidence if before is not None else {}), **({what: figures} if figures else {})},
    )
    return _with(case, condition)


def _over(case: Case, rule: Rule, what: str, at_ms: int, known_ms: int, terms: Terms) -> Case:  # noqa: PLR0913, PLR0917 -- what is over, and under which terms
    before = case.conditions.get(rule.name)
    gap = before.gaps.get(what) if before is not None else None
    if before is None or gap is None or gap.returned_ms is not None or not _newer(gap, at_ms):
        return case
    gaps = {**before.gaps, what: replace(gap, returned_ms=at_ms)}
    evidence = {name: figures for name, figures in before.evidence.items() if name != what}
    lasting = before.standing and any(g.returned_ms is None for g in gaps.values())
    state = ConditionState.PRESENT if lasting else ConditionState.ABSENT
    after = _with(case, replace(before, state=state, gaps=gaps, evidence=evidence))
    if rule.lane is Lane.SYSTEM:
        return _weigh_service(after, at_ms, known_ms, terms)
    return weigh(after, at_ms, known_ms, terms)


def _was_held(condition: Condition, terms: Terms) -> bool:
    return terms.free_ms(condition.rule, condition.since_ms) > condition.since_ms


def _counted(case: Case, now_ms: int, terms: Terms) -> list[Condition]:
    """Name the technical conditions that count: all that hold, or without an active alert those not held back."""
    standing = _standing(case, Lane.TECHNICAL)
    if _active(case, Lane.TECHNICAL):
        return standing
    return [condition for condition in standing if terms.free_ms(condition.rule, condition.since_ms) <= now_ms]


def _standing(case: Case, lane: Lane) -> list[Condition]:
    return [c for c in case.conditions.values() if c.standing and c.rule in RULES and RULES[c.rule].lane is lane]


def _active(case: Case, lane: Lane) -> bool:
    alert = case.alerts.get(lane)
    return alert is not None and alert.active


def _look(case: Case, known_ms: int, rules: RuleSet) -> Case:
    """Blind the open clinical alert while a part that it stands on is overdue."""
    alert = case.open_in(Lane.CLINICAL)
    if alert is None:
        return case
    lasting = case.overdue
    stale = [part for part in alert.parts if part in lasting]
    if stale and alert.blind_ms is None:
        case = replace(case, conditions=conditions.unseen(case.conditions, rules))
        because = {"overdue": stale}  # and on the list again, if it was put off: what it was put off on has gone stale
        return moves.move(case, alert, Kind.BLINDED, known_ms, because=because, blind_ms=known_ms, snooze_ms=None)
    if not stale and alert.blind_ms is not None:
        return moves.move(case, alert, Kind.SIGHTED, known_ms, blind_ms=None)
    return case


def _evidence(case: Case, sick: Alert | None) -> dict[str, Any]:
    """Freeze what the technical alert stands on; what a person closed and what still lasts is in it too."""
    standing = _standing(case, Lane.TECHNICAL)
    silence = case.conditions.get(OVERDUE.name)
    kit = {c.rule: _said(c) for c in standing if c.rule != OVERDUE.name}
    evidence: dict[str, Any] = {"overdue": _lasting(silence) if silence is not None and silence.standing else {}}
    if kit:
        evidence["kit"] = kit
    if sick is not None:
        evidence["sick_and_unseen"] = {"id": sick.id, "level": sick.level.value}
    return evidence


def _said(condition: Condition) -> dict[str, dict[str, Any]]:
    return {what: {"since_ms": gap.due_ms, **condition.evidence.get(what, {})} for what, gap in _open_gaps(condition)}


def lasting(condition: Condition) -> bool:
    """Tell whether something of a condition is still awaited, or still at fault."""
    return bool(_open_gaps(condition))


def _lasting(condition: Condition) -> dict[str, dict[str, int | None]]:
    return {part: {"due_ms": gap.due_ms, "last_ms": gap.last_ms} for part, gap in _open_gaps(condition)}


def _open_gaps(condition: Condition) -> Sequence[tuple[str, Gap]]:
    return [(what, gap) for what, gap in condition.gaps.items() if gap.returned_ms is None]


def _weigh_service(case: Case, at_ms: int, known_ms: int, terms: Terms) -> Case:
    """Bring the alert of the whole service in line with its faults."""
    standing = _standing(case, Lane.SYSTEM)
    level = max((terms.rules.rules[condition.rule].level for condition in standing), default=None)
    figures = {c.rule: c.evidence for c in standing if c.evidence}
    signal = Signal(
        lane=Lane.SYSTEM,
        level=level,
        at_ms=at_ms,
        known_ms=known_ms,
        evidence={"faults": {c.rule: c.since_ms for c in standing}} | ({"figures": figures} if figures else {}),
        recovered_ms=at_ms,
        reds=tuple(condition.rule for condition in standing),
    )
    return follow(case, signal, terms)


def _newer(gap: Gap, at_ms: int) -> bool:
    return at_ms > gap.last_ms if gap.last_ms is not None else at_ms >= gap.due_ms


def _rule_of(case: Case, part: str, rules: RuleSet) -> Rule:
    return rules.rules[part] if case.stay_no == SYSTEM_STAY else rules.rules[OVERDUE.name]


def _with(case: Case, condition: Condition) -> Case:
    return replace(case, conditions={**case.conditions, condition.rule: condition})
