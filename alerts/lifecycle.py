"""What readings do to the work list. Pure: a case goes in, a case comes out, with its events.

Readings act in the order of the log. The caller ticks (alerts.deadlines) to the time of receipt before each score, and
reports what fell overdue or returned before the score that came with it. What people do is in alerts.acts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

from alerts import conditions, evidence, faults, verdicts
from alerts.attention import Signal, follow
from alerts.conditions import Moment
from alerts.evidence import Evidence
from alerts.faults import overdue, returned, sick_and_unseen
from alerts.model import LEFT, Alert, Ask, Asked, Case, Condition, ConditionState, Lane, Noted, Scored
from alerts.pauses import LASTS
from alerts.policy import POLICY, RED, TERMS, RuleSet, Terms

__all__ = [
    "discharged",
    "learn",
    "observe",
    "opened",
    "overdue",
    "released",
    "resumed",
    "returned",
    "sick_and_unseen",
    "standing_again",
]


def observe(case: Case, scored: Scored, terms: Terms = TERMS) -> Case:
    """Follow one score. The very same case comes back when it changes nothing, as a repeated score never does."""
    if _no_news(case, case.alerts.get(Lane.CLINICAL), scored, terms.rules):
        return case
    moment = Moment(
        at_ms=scored.at_ms,
        received_ms=scored.received_ms,
        late=scored.late,
        measured=scored.measured,
        says=lambda rule, stands_on: verdicts.verdict(rule, scored, stands_on),
        renewed=lambda rule, seen, since_ms: rule.named or evidence.renewed(scored, seen, since_ms),
        evidence=lambda borne_out: evidence.of_score(scored, borne_out, terms.rules.chart),
        repeatable=lambda rule: evidence.repeatable(rule, scored),
    )
    return _followed(case, moment, terms)


def learn(case: Case, noted: Noted, terms: Terms = TERMS) -> Case:
    """Follow what is known at a moment that is no score. It feeds the same alert and leaves its score as it was."""
    moment = Moment(
        at_ms=noted.at_ms,
        received_ms=noted.received_ms,
        late=noted.late,
        measured=True,
        says=lambda rule, _stands_on: verdicts.named(rule, noted.quantities),
        renewed=lambda _rule, _seen, _since_ms: True,
        evidence=lambda borne_out: evidence.of_note(noted, borne_out),
        repeatable=evidence.by_name,
    )
    return _followed(case, moment, terms)


def opened(case: Case, due_ms: int, terms: Terms = TERMS) -> Case:
    """Open what has waited until a deadline for a repeat that did not come, or did not deny it, as of then.

    What else is pending comes with it.
    """
    rules, known = terms.rules, conditions.opened(case.conditions, due_ms, terms.rules)
    came = [case.conditions[name] for name in rules.rules if name in known and known[name].standing]
    worst = max(came, key=lambda c: (rules.rules[c.rule].level, c.evidence["at_ms"]))
    after = _known(case, {**case.conditions, **known}, Asked.OVER)
    said = evidence.together(worst.evidence, [one.rule for one in came], [one.evidence for one in came])
    active = (alert := case.alerts.get(Lane.CLINICAL)) is not None and alert.active
    signal = _signal(after, said, rules, [condition.evidence for condition in came])
    signal = replace(signal, known_ms=due_ms, current=not active)
    return faults.weigh(follow(after, signal, terms), due_ms, due_ms, terms)


def discharged(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """End what is expected of a stay: nothing stands or is overdue any more; what was urgent awaits its outcome."""
    alert = case.alerts.get(Lane.CLINICAL)
    dropped = conditions.dropped(case.conditions, now_ms, terms.rules)
    if alert is not None and alert.active:
        dropped = conditions.covered(dropped, alert.peak, now_ms, terms.rules)
    ended = {name: faults.ended(condition, now_ms) for name, condition in dropped.items()}
    said = {LEFT: now_ms}
    over = Signal(lane=Lane.CLINICAL, level=None, at_ms=now_ms, known_ms=now_ms, evidence=said, recovered_ms=now_ms)
    return faults.weigh(follow(_known(case, ended, Asked.OVER), over, terms), now_ms, now_ms, terms)


def released(case: Case, lane: Lane, now_ms: int, terms: Terms = TERMS) -> Case:
    """Give the case once a person has closed the alert of a lane: what made it no longer stands.

    A gap that lasts is remembered, so that the same silence does not raise the alert again.
    """
    dropped, alert = conditions.dropped(case.conditions, now_ms, terms.rules, lane), case.alerts[lane]
    if lane is not Lane.CLINICAL:
        return replace(case, conditions=dropped)
    covered = conditions.covered(dropped, alert.peak, alert.covered_ms or now_ms, terms.rules)
    return faults.eased(_known(case, covered, Asked.OVER), now_ms, terms)


def standing_again(case: Case, alert: Alert, stood: Sequence[str], now_ms: int, terms: Terms = TERMS) -> Case | None:
    """Give the case with the conditions of a closed alert standing again; None when it is known that none holds.

    Of a patient that is not known before a fresh reading: the rules that `stood` at the close are unknown, and where
    they do not account for the level, those of that level. A silence or a fault holds when it still lasts.
    """
    if alert.lane is Lane.CLINICAL:
        again = conditions.unknown_again(case.conditions, stood, alert.level, now_ms, terms.rules)
        return _known(case, again, Asked.OVER)
    of_lane = [c for c in case.conditions.values() if terms.rules.lane(c.rule) is alert.lane]
    lasting = {c.rule: replace(c, state=ConditionState.PRESENT) for c in of_lane if faults.lasting(c)}
    return replace(case, conditions={**case.conditions, **lasting}) if lasting else None


def resumed(case: Case, lane: Lane, now_ms: int, terms: Terms = TERMS) -> Case:
    """Give the case once a person has opened the alert of a lane again: nothing waits beside an active alert.

    What silence and faults make is brought in line, and raises nothing by it (see faults.eased).
    """
    waiting = conditions.opened(case.conditions, now_ms, terms.rules) if lane is Lane.CLINICAL else {}
    if any(condition.standing for condition in waiting.values()):
        held = dict.fromkeys(case.conditions, ((0, LASTS),))
        case = opened(case, now_ms, replace(terms, held=held))
    elif waiting:
        case = _known(case, {**case.conditions, **waiting}, Asked.OVER)
    return faults.eased(case, now_ms, terms)


def _no_news(case: Case, alert: Alert | None, scored: Scored, rules: RuleSet) -> bool:
    """Tell quickly that a score cannot change anything: most scores, even of a patient with an open alert."""
    if alert is None or not alert.active:
        return not case.pending and not verdicts.breaching(scored, rules)
    if scored.total_min != alert.score or not conditions.steady(case.conditions, scored, rules):
        return False
    if (
        conditions.level(case.conditions, rules) or alert.level
    ) > alert.level:  # a limit has made of it what it was not
        return False
    return all(
        part in alert.parts and (points < RED or part in alert.reds) for part, points in scored.points.items() if points
    )


def _followed(case: Case, moment: Moment, terms: Terms) -> Case:
    """Follow one moment, of whatever kind, through the conditions to the clinical alert."""
    alert = case.alerts.get(Lane.CLINICAL)
    active = alert is not None and alert.active
    weighed = conditions.weigh(case.conditions, alert, moment, terms.rules)
    recovered_ms, now_known = None, weighed.conditions
    if alert is not None and active and weighed.level is None:
        recovered_ms = conditions.recovered_ms(case.conditions, weighed.conditions)
        now_known = conditions.covered(weighed.conditions, alert.peak, recovered_ms, terms.rules)
    after = _known(case, now_known, Asked.ANSWERED)
    if active or weighed.level is not None:
        waited = [c.evidence for name, c in case.pending.items() if after.conditions[name].standing]
        said = evidence.compared(moment.evidence(weighed.borne_out), _earlier(case, after, terms.rules))
        after = follow(after, replace(_signal(after, said, terms.rules, waited), recovered_ms=recovered_ms), terms)
    return case if after is case else faults.weigh(after, moment.received_ms, moment.received_ms, terms)


def _signal(case: Case, said: Evidence, rules: RuleSet, waited: Sequence[Evidence]) -> Signal:
    """Give what the clinical lane has come to with this evidence, as it was known when that came.

    It stands on all that was `waited` with, too.
    """
    parts, threes, peak = evidence.stood_on(reduce(evidence.gathered, waited, said))
    off_delay_ms = max((rules.rules[name].off_delay_ms for name in said["rules"]), default=0)
    return Signal(
        lane=Lane.CLINICAL,
        level=conditions.level(case.conditions, rules),
        at_ms=said["at_ms"],
        known_ms=said["received_ms"],
        since_ms=conditions.since_ms(case.conditions, rules),
        evidence=said,
        borne_out=bool(said["rules"]),
        late=said["late"],
        score=said.get("total_min"),
        peak_score=peak,
        parts=parts,
        reds=threes,
        bridge_ms=off_delay_ms + POLICY.flap_ms,
    )


def _earlier(before: Case, after: Case, rules: RuleSet) -> Evidence:
    """Give the evidence to compare new evidence with: of what was pending on it, else of the alert while it is open."""
    confirmed = [c for name, c in before.pending.items() if after.conditions[name].standing]
    if confirmed:
        return min(confirmed, key=lambda c: (-rules.rules[c.rule].level, c.since_ms, c.rule)).evidence
    alert = before.open_in(Lane.CLINICAL)
    return alert.evidence if alert is not None else evidence.NOTHING


def _known(case: Case, now_known: Mapping[str, Condition], ended: Asked) -> Case:
    """Give a case with its conditions as they are known now, and the repeats that this asks for or puts an end to."""
    if now_known is case.conditions:
        return case
    asks: list[Ask] = []
    for name, condition in now_known.items():
        before = case.conditions.get(name)
        if before is not None and (was := _ask(before)) is not None and was != _ask(condition):
            asks.append(replace(was, state=ended))
        if (asks_now := _ask(condition)) is not None and (before is None or asks_now != _ask(before)):
            asks.append(asks_now)
    return replace(case, conditions=now_known, asks=(*case.asks, *asks))


def _ask(condition: Condition) -> Ask | None:
    """Give the repeat that a condition waits for, if it does."""
    if not condition.pending or condition.due_ms is None:
        return None
    said = condition.evidence
    return Ask(rule=condition.rule, vitals=tuple(said["repeat"]), asked_ms=said["received_ms"], due_ms=condition.due_ms)
