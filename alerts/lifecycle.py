"""What readings and silence do to the work list. Pure: a case goes in, a case comes out, with its events.

Readings act in the order of the log. The caller ticks (alerts.deadlines) to the time of receipt before each score, and
reports what fell overdue or returned before the score that came with it. What people do is in alerts.acts.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alerts import conditions, moves
from alerts.attention import Signal, follow
from alerts.conditions import Weighed
from alerts.model import SYSTEM_STAY, Alert, Case, Condition, ConditionState, Gap, Kind, Lane, Level, Scored
from alerts.policy import OVERDUE, POLICY, RED, RULES, TERMS, Rule, Terms, breaching, reds


def observe(case: Case, scored: Scored, terms: Terms = TERMS) -> Case:
    """Follow one score. The very same case comes back when it changes nothing, as a repeated score never does."""
    alert = case.alerts.get(Lane.CLINICAL)
    if _no_news(case, alert, scored):
        return case
    active = alert is not None and alert.active
    weighed = conditions.weigh(case.conditions, alert, scored)
    after, recovered_ms, now_known = case, None, weighed.conditions
    if alert is not None and active and weighed.level is None:
        recovered_ms = conditions.recovered_ms(case.conditions, weighed.conditions)
        now_known = conditions.covered(weighed.conditions, alert.peak, recovered_ms)
    if now_known is not case.conditions:
        after = replace(case, conditions=now_known)
    if active or weighed.level is not None:
        after = follow(after, _signal(scored, weighed, recovered_ms), terms)
    return case if after is case else _weigh_silence(after, scored.received_ms, scored.received_ms, terms)


def overdue(  # noqa: PLR0913 -- what, since when, known when, and under what terms
    case: Case, part: str, due_ms: int, known_ms: int, *, last_ms: int | None = None, terms: Terms = TERMS
) -> Case:
    """Mark a part as overdue since `due_ms`; `last_ms` is when its last reading was observed (or the admission).

    In the case of the whole service, `part` is a rule of the system lane and `due_ms` when the fault began.
    """
    rule = _rule_of(case, part)
    before = case.conditions.get(rule.name)
    gap = before.gaps.get(part) if before is not None else None
    if gap is not None and (gap.returned_ms is None or due_ms <= max(gap.due_ms, gap.returned_ms)):
        return case
    new = Gap(due_ms=due_ms, last_ms=last_ms)
    standing = before is not None and before.standing
    condition = Condition(
        rule=rule.name,
        state=ConditionState.PRESENT,
        since_ms=before.since_ms if before is not None and standing else due_ms,
        gaps={**(before.gaps if before is not None else {}), part: new},
    )
    after = _with(case, condition)
    if rule.lane is Lane.SYSTEM:
        return _weigh_faults(after, due_ms, known_ms, terms)
    return _weigh_silence(after, due_ms, min(due_ms, known_ms), terms)


def returned(case: Case, part: str, at_ms: int, known_ms: int, terms: Terms = TERMS) -> Case:
    """Mark a part as no longer overdue: its reading, observed at `at_ms`, has come. The caller knows it is fresh.

    A reading no newer than the one before the gap ends nothing.
    """
    rule = _rule_of(case, part)
    before = case.conditions.get(rule.name)
    gap = before.gaps.get(part) if before is not None else None
    if before is None or gap is None or gap.returned_ms is not None or not _newer(gap, at_ms):
        return case
    gaps = {**before.gaps, part: replace(gap, returned_ms=at_ms)}
    lasting = before.standing and any(g.returned_ms is None for g in gaps.values())
    state = ConditionState.PRESENT if lasting else ConditionState.ABSENT
    after = _with(case, replace(before, state=state, gaps=gaps))
    weigh = _weigh_faults if rule.lane is Lane.SYSTEM else _weigh_silence
    return weigh(after, at_ms, known_ms, terms)


def discharged(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """End what is expected of a stay: nothing stands or is overdue any more; what was urgent awaits its outcome."""
    alert = case.alerts.get(Lane.CLINICAL)
    dropped = conditions.dropped(case.conditions, now_ms)
    if alert is not None and alert.active:
        dropped = conditions.covered(dropped, alert.peak, now_ms)
    ended = {name: _ended(condition, now_ms) for name, condition in dropped.items()}
    evidence = {"discharged_ms": now_ms}
    over = Signal(lane=Lane.CLINICAL, level=None, at_ms=now_ms, known_ms=now_ms, evidence=evidence, recovered_ms=now_ms)
    return _weigh_silence(follow(replace(case, conditions=ended), over, terms), now_ms, now_ms, terms)


def released(case: Case, lane: Lane, now_ms: int, terms: Terms = TERMS) -> Case:
    """Give the case once a person has closed the alert of a lane: what made it no longer stands.

    A gap that lasts is remembered, so that the same silence does not raise the alert again.
    """
    dropped, alert = conditions.dropped(case.conditions, now_ms, lane), case.alerts[lane]
    if lane is not Lane.CLINICAL or alert.covered_ms is None:
        return replace(case, conditions=dropped)
    covered = conditions.covered(dropped, alert.peak, alert.covered_ms)
    return _weigh_silence(replace(case, conditions=covered), now_ms, now_ms, terms)


def sick_and_unseen(case: Case) -> Alert | None:
    """Give the clinical alert that is urgent and open while its evidence has gone stale."""
    alert = case.open_in(Lane.CLINICAL)
    return alert if alert is not None and alert.blind_ms is not None and alert.level >= Level.URGENT else None


def _no_news(case: Case, alert: Alert | None, scored: Scored) -> bool:
    """Tell quickly that a score cannot change anything: most scores, even of a patient with an open alert."""
    if alert is None or not alert.active:
        return not breaching(scored)
    if scored.total_min != alert.score or not conditions.steady(case.conditions, scored):
        return False
    return all(
        part in alert.parts and (points < RED or part in alert.reds) for part, points in scored.points.items() if points
    )


def _signal(scored: Scored, weighed: Weighed, recovered_ms: int | None) -> Signal:
    off_delay_ms = max((rule.off_delay_ms for rule in weighed.borne_out), default=0)
    return Signal(
        lane=Lane.CLINICAL,
        level=weighed.level,
        at_ms=scored.at_ms,
        known_ms=scored.received_ms,
        evidence=_evidence(scored, weighed),
        borne_out=bool(weighed.borne_out),
        late=scored.late,
        score=scored.total_min,
        parts=tuple(part for part, points in scored.points.items() if points),
        reds=reds(scored),
        bridge_ms=off_delay_ms + POLICY.flap_ms,
        recovered_ms=recovered_ms,
    )


def _evidence(scored: Scored, weighed: Weighed) -> Mapping[str, Any]:
    """Freeze what a score stood on, as the history of the alert keeps it."""
    refused = {part: {"age_ms": age_ms, "sent": sent} for part, (age_ms, sent) in scored.refused.items()}
    return {
        "rules": [rule.name for rule in weighed.borne_out],
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
    } | ({"refused": refused} if refused else {})


def _weigh_silence(case: Case, at_ms: int, known_ms: int, terms: Terms) -> Case:
    """Bring blindness and the technical alert in line with what is overdue, as of `known_ms`."""
    condition = case.conditions.get(OVERDUE.name)
    if condition is None:
        return case
    case = _look(case, known_ms)
    sick = sick_and_unseen(case)
    if sick is not None and not condition.standing:
        condition = replace(condition, state=ConditionState.PRESENT, since_ms=known_ms)
        case = _with(case, condition)
    level = None if not condition.standing else OVERDUE.level if sick is None else sick.level
    evidence: dict[str, Any] = {"overdue": _lasting(condition)}
    if sick is not None:
        evidence["sick_and_unseen"] = {"id": sick.id, "level": sick.level.value}
    signal = Signal(
        lane=Lane.TECHNICAL, level=level, at_ms=at_ms, known_ms=known_ms, evidence=evidence, recovered_ms=at_ms
    )
    return follow(case, signal, terms)


def _look(case: Case, known_ms: int) -> Case:
    """Blind the open clinical alert while a part that it stands on is overdue."""
    alert = case.open_in(Lane.CLINICAL)
    if alert is None:
        return case
    lasting = case.overdue
    stale = [part for part in alert.parts if part in lasting]
    if stale and alert.blind_ms is None:
        case = replace(case, conditions=conditions.unseen(case.conditions))
        return moves.move(case, alert, Kind.BLINDED, known_ms, because={"overdue": stale}, blind_ms=known_ms)
    if not stale and alert.blind_ms is not None:
        return moves.move(case, alert, Kind.SIGHTED, known_ms, blind_ms=None)
    return case


def _weigh_faults(case: Case, at_ms: int, known_ms: int, terms: Terms) -> Case:
    """Bring the alert of the whole service in line with its faults."""
    standing = [condition for condition in case.conditions.values() if condition.standing]
    level = max((RULES[condition.rule].level for condition in standing), default=None)
    evidence = {"faults": {condition.rule: condition.since_ms for condition in standing}}
    signal = Signal(
        lane=Lane.SYSTEM, level=level, at_ms=at_ms, known_ms=known_ms, evidence=evidence, recovered_ms=at_ms
    )
    return follow(case, signal, terms)


def _ended(condition: Condition, now_ms: int) -> Condition:
    if not condition.gaps:
        return condition
    gaps = {p: g if g.returned_ms is not None else replace(g, returned_ms=now_ms) for p, g in condition.gaps.items()}
    return replace(condition, state=ConditionState.ABSENT, gaps=gaps)


def _lasting(condition: Condition) -> dict[str, dict[str, int | None]]:
    return {
        part: {"due_ms": gap.due_ms, "last_ms": gap.last_ms}
        for part, gap in condition.gaps.items()
        if gap.returned_ms is None
    }


def _newer(gap: Gap, at_ms: int) -> bool:
    return at_ms > gap.last_ms if gap.last_ms is not None else at_ms >= gap.due_ms


def _rule_of(case: Case, part: str) -> Rule:
    return RULES[part] if case.stay_no == SYSTEM_STAY else OVERDUE


def _with(case: Case, condition: Condition) -> Case:
    return replace(case, conditions={**case.conditions, condition.rule: condition})
