"""What readings do to the work list. Pure: a case goes in, a case comes out, with its events.

What silence and faults do is alerts.faults', and can be asked here too.

Readings act in the order of the log. The caller ticks (alerts.deadlines) to the time of receipt before each score, and
reports what fell overdue or returned before the score that came with it. What people do is in alerts.acts.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alerts import conditions, faults
from alerts.attention import Signal, follow
from alerts.conditions import Weighed
from alerts.faults import overdue, returned, sick_and_unseen
from alerts.model import Alert, Case, Lane, Scored
from alerts.policy import POLICY, RED, TERMS, Terms, breaching, reds

__all__ = ["discharged", "observe", "overdue", "released", "returned", "sick_and_unseen"]


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
        after = follow(after, _signal(scored, weighed, recovered_ms))
    return case if after is case else faults.weigh(after, scored.received_ms, scored.received_ms, terms)


def discharged(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """End what is expected of a stay: nothing stands or is overdue any more; what was urgent awaits its outcome."""
    alert = case.alerts.get(Lane.CLINICAL)
    dropped = conditions.dropped(case.conditions, now_ms)
    if alert is not None and alert.active:
        dropped = conditions.covered(dropped, alert.peak, now_ms)
    ended = {name: faults.ended(condition, now_ms) for name, condition in dropped.items()}
    evidence = {"discharged_ms": now_ms}
    over = Signal(lane=Lane.CLINICAL, level=None, at_ms=now_ms, known_ms=now_ms, evidence=evidence, recovered_ms=now_ms)
    return faults.weigh(follow(replace(case, conditions=ended), over), now_ms, now_ms, terms)


def released(case: Case, lane: Lane, now_ms: int, terms: Terms = TERMS) -> Case:
    """Give the case once a person has closed the alert of a lane: what made it no longer stands.

    A gap that lasts is remembered, so that the same silence does not raise the alert again.
    """
    dropped, alert = conditions.dropped(case.conditions, now_ms, lane), case.alerts[lane]
    if lane is not Lane.CLINICAL or alert.covered_ms is None:
        return replace(case, conditions=dropped)
    covered = conditions.covered(dropped, alert.peak, alert.covered_ms)
    return faults.eased(replace(case, conditions=covered), now_ms, terms)


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
