"""How one moment moves the conditions of a stay: pending, come to hold, held, clearing, cleared. Pure.

docs/decisions/0020 says exactly when a breach counts. What a change means for the alert is lifecycle's.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alerts import verdicts
from alerts.evidence import NOTHING, Evidence, gathered, scoring
from alerts.model import Alert, Condition, ConditionState, Lane, Level, Scored
from alerts.policy import POLICY, Cadence, Rule, RuleSet
from alerts.verdicts import Verdict

CERTAIN = ("total", "red")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One moment as the rules see it, of a score or of anything else that is known by name.

    `says` gives its verdict on a rule, of which the parts that it stands on are told; `measured` is false where all
    that came was refused. `renewed` tells whether what a rule had in earlier evidence was measured anew after a time,
    `evidence` what is kept of the moment, given the rules that it bears out, and `repeatable` what to repeat.
    """

    at_ms: int
    received_ms: int
    late: bool
    measured: bool
    says: Callable[[Rule, Collection[str]], Verdict | None]
    renewed: Callable[[Rule, Evidence, int], bool]
    evidence: Callable[[Collection[Rule]], Evidence]
    repeatable: Callable[[Rule], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The conditions after a moment, the level of all that stand, and what the moment bears out or brings along."""

    conditions: Mapping[str, Condition]
    borne_out: tuple[Rule, ...]
    level: Level | None


def weigh(conditions: Mapping[str, Condition], alert: Alert | None, moment: Moment, rules: RuleSet) -> Weighed:
    """Weigh a moment against every clinical rule. The same mapping comes back when nothing changed."""
    counting, denied = list[Rule](), list[tuple[Rule, Condition]]()
    after: dict[str, Condition | None] = {}
    for rule in asked(conditions, rules):
        before = conditions.get(rule.name)
        verdict = _verdict(rule, before, alert, moment)
        after[rule.name] = before if verdict is None else _next(rule, before, verdict, moment)
        if verdict is Verdict.PRESENT:
            counting.append(rule)
        elif before is not None and before.pending and verdict is Verdict.ABSENT:
            denied.append((rule, before))
    still_ill = _answered_by(denied, counting, moment)
    after |= {r.name: _holds(r, conditions.get(r.name), moment) for r in still_ill}
    if (alert is not None and alert.active) or any(_came(conditions.get(name), c) for name, c in after.items()):
        after |= {r.name: _holds(r, conditions.get(r.name), moment) for r in counting if not _stands(after[r.name])}
        along = _along({n: c for n, c in after.items() if c is not None and c.pending}, moment.at_ms, rules)
        counting += [rules.rules[name] for name, c in along.items() if c.standing]
        after |= along
    begun = {r: c for r in counting if (c := after[r.name]) is not None and _begins(conditions.get(r.name), c)}
    after |= {r.name: _in_its_place(r, c, denied) for r, c in begun.items()}
    changed = {name: c for name, c in after.items() if c is not None and c is not conditions.get(name)}
    showed = _showed({r: c for r in counting if (c := after[r.name]) is not None and c.pending}, moment, counting)
    after_all = {**conditions, **changed, **showed} if changed or showed else conditions
    return Weighed(conditions=after_all, borne_out=tuple(counting), level=level(after_all, rules))


def asked(conditions: Mapping[str, Condition], rules: RuleSet) -> Iterator[Rule]:
    """Give the rules to weigh: those that are enabled, and those that were and have not ended what they began."""
    yield from rules.clinical
    for name, condition in conditions.items():
        rule = rules.rules[name]
        if not rule.enabled and rule.lane is Lane.CLINICAL and (condition.standing or condition.pending):
            yield rule


def steady(conditions: Mapping[str, Condition], scored: Scored, rules: RuleSet) -> bool:
    """Tell whether a score bears out exactly the rules that stand, none of them clearing or pending."""
    for rule in asked(conditions, rules):
        if rule.named and rule.quantity not in scored.quantities:
            continue
        condition = conditions.get(rule.name)
        state = ConditionState.ABSENT if condition is None else condition.state
        if state is not (ConditionState.PRESENT if verdicts.present(rule, scored) else ConditionState.ABSENT):
            return False
    return True


def level(conditions: Mapping[str, Condition], rules: RuleSet) -> Level | None:
    """Give the highest level of the clinical conditions that stand."""
    return max(
        (rules.rules[name].level for name, c in conditions.items() if _in(c, Lane.CLINICAL, rules)), default=None
    )


def since_ms(conditions: Mapping[str, Condition], rules: RuleSet) -> int | None:
    """Give since when any of the clinical conditions that stand was first seen, its pending counted."""
    return min((c.since_ms for c in conditions.values() if _in(c, Lane.CLINICAL, rules)), default=None)


def opened(conditions: Mapping[str, Condition], due_ms: int, rules: RuleSet) -> Mapping[str, Condition]:
    """Give what was pending once some of it has waited until a deadline for a repeat: all of it counts from then on."""
    return _along({name: c for name, c in conditions.items() if c.pending}, due_ms, rules)


def recovered_ms(before: Mapping[str, Condition], after: Mapping[str, Condition]) -> int:
    """Give the observed time of the first good reading of the condition that was the last to clear, just now."""
    return max(c.covered_ms for name, c in after.items() if _stands(before.get(name)) and not c.standing)


def unseen(conditions: Mapping[str, Condition], rules: RuleSet) -> Mapping[str, Condition]:
    """Give the conditions once their evidence has gone stale: what stood is unknown, and no longer clearing."""
    return {
        name: replace(c, state=ConditionState.UNKNOWN, clear_ms=None) if _in(c, Lane.CLINICAL, rules) else c
        for name, c in conditions.items()
    }


def dropped(
    conditions: Mapping[str, Condition], at_ms: int, rules: RuleSet, lane: Lane = Lane.CLINICAL
) -> Mapping[str, Condition]:
    """Give the conditions after a person closed the alert of their lane, or the stay ended: none stands or pends."""
    standing = {name: _absent(c, at_ms) for name, c in conditions.items() if _in(c, lane, rules)}
    pending = {name: _denied(c) for name, c in conditions.items() if c.pending and lane is Lane.CLINICAL}
    return {**conditions, **standing, **pending}


def covered(conditions: Mapping[str, Condition], peak: Level, at_ms: int, rules: RuleSet) -> Mapping[str, Condition]:
    """Give the conditions once an alert of that peak has recovered, or was closed, as of `at_ms`.

    Evidence from before then that is no worse than the peak was part of it, whichever rule it bears out.
    """
    absent = {
        rule.name: conditions.get(rule.name, Condition(rule=rule.name, state=ConditionState.ABSENT, since_ms=at_ms))
        for rule in asked(conditions, rules)
        if rule.level <= peak
    }
    past = {n: replace(c, covered_ms=at_ms) for n, c in absent.items() if not c.standing and c.covered_ms < at_ms}
    return {**conditions, **past}


def _in(condition: Condition, lane: Lane, rules: RuleSet) -> bool:
    return condition.standing and rules.lane(condition.rule) is lane


def _stands(condition: Condition | None) -> bool:
    return condition is not None and condition.standing


def _came(before: Condition | None, after: Condition | None) -> bool:
    return _stands(after) and not _stands(before)


def _begins(before: Condition | None, after: Condition) -> bool:
    return after.pending and not (before is not None and before.pending)


def _along(pending: Mapping[str, Condition], at_ms: int, rules: RuleSet) -> dict[str, Condition]:
    """Give what was pending once the alert is there: it counts too; a run that is broken by then is none any more.

    What waits for a repeat is no run, though a limit may ask for one since.
    """
    return {
        name: _denied(c) if c.due_ms is None and _broken(rules.rules[name], c, at_ms) else _standing(c, c.since_ms)
        for name, c in pending.items()
    }


def _showed(pending: Mapping[Rule, Condition], moment: Moment, borne_out: Collection[Rule]) -> Mapping[str, Condition]:
    """Give what is pending with what the moment showed as its evidence, or added to that, where it did."""
    if not pending:
        return NOTHING
    now = moment.evidence(borne_out)
    found: dict[str, Condition] = {}
    for rule, condition in pending.items():
        if not condition.evidence:
            asked = {} if condition.due_ms is None else {"repeat": moment.repeatable(rule)}
            found[rule.name] = replace(condition, evidence={**now, **asked})
        elif rule.cadence is Cadence.SPOT or not moment.late:
            seen = gathered(condition.evidence, now)
            found |= {} if seen is condition.evidence else {rule.name: replace(condition, evidence=seen)}
    return found


def standing_in(conditions: Mapping[str, Condition], lane: Lane, rules: RuleSet) -> list[str]:
    """Name the rules of a lane that stand."""
    return [name for name, condition in conditions.items() if _in(condition, lane, rules)]


def unknown_again(
    conditions: Mapping[str, Condition], stood: Sequence[str], level: Level, now_ms: int, rules: RuleSet
) -> Mapping[str, Condition]:
    """Give the conditions once a closed clinical alert of that level is open again: what stood may hold, unseen.

    No rule above the level, and at least one of it: the level of the alert is that of what stands.
    """
    named = [rule for rule in rules.clinical if rule.name in stood and rule.level <= level]
    if not any(rule.level == level for rule in named):
        named += [rule for rule in rules.clinical if rule.level == level]
    unseen_ = {rule.name: _unknown(conditions.get(rule.name), rule, now_ms) for rule in named}
    return {**conditions, **unseen_}


def _unknown(condition: Condition | None, rule: Rule, now_ms: int) -> Condition:
    known = condition or Condition(rule=rule.name, state=ConditionState.ABSENT, since_ms=now_ms)
    return replace(known, state=ConditionState.UNKNOWN, clear_ms=None, seen_ms=None, due_ms=None, evidence={})


def _absent(condition: Condition, covered_ms: int) -> Condition:
    return replace(condition, state=ConditionState.ABSENT, clear_ms=None, covered_ms=covered_ms)


def _denied(condition: Condition) -> Condition:
    """Give what was pending once it is over without an alert: what it was borne out by has had its answer."""
    seen_ms = condition.since_ms if condition.seen_ms is None else condition.seen_ms
    over = replace(condition, seen_ms=None, due_ms=None, evidence=NOTHING)
    return _absent(over, max(condition.covered_ms, seen_ms + 1))


def _verdict(rule: Rule, before: Condition | None, alert: Alert | None, moment: Moment) -> Verdict | None:
    """Give what the moment says of the rule; None when it says nothing that may count.

    What came late can only bear a rule out, and only if it has not had its alert. An attempt is no good reading.
    """
    verdict = moment.says(rule, _stood_on(before, alert))
    if verdict is Verdict.PRESENT:
        had_its_alert = before is not None and moment.at_ms < before.covered_ms
        return None if had_its_alert or (moment.late and not rule.late) else verdict
    if verdict is None or moment.late or before is None:
        return None
    if before.pending:
        return verdict if verdict is Verdict.ABSENT and moment.measured and moment.at_ms > before.since_ms else None
    if not before.standing:
        return None
    if alert is not None and alert.blind_ms is not None:
        return Verdict.UNKNOWN
    return None if verdict is Verdict.ABSENT and not moment.measured else verdict


def _stood_on(before: Condition | None, alert: Alert | None) -> Collection[str]:
    """Name the parts that the evidence for a condition has, none of which may go missing and count as good."""
    if before is not None and before.pending:
        return scoring(before.evidence)
    return alert.parts if alert is not None and _stands(before) else ()


def _next(rule: Rule, before: Condition | None, verdict: Verdict, moment: Moment) -> Condition | None:
    """Give the condition after a verdict; the very same object when nothing changed."""
    if before is not None and before.standing:
        return _clearing(rule, before, moment.at_ms) if verdict is Verdict.ABSENT else _held(before, verdict, moment)
    if before is not None and verdict is Verdict.ABSENT:
        return _denied(before)
    if rule.at_once:
        return _holds(rule, before, moment)
    return _repeated(rule, before, moment) if rule.cadence is Cadence.SPOT else _run(rule, before, moment)


def _answered_by(denied: Collection[tuple[Rule, Condition]], counting: Sequence[Rule], moment: Moment) -> list[Rule]:
    """Give what a repeat shows that denies one rule of a score and bears out another, no more urgent: it is a repeat.

    Else two that come in turn would deny each other without end, and who is ill each time would never be told of.
    """
    rested = [rule.level for rule, c in denied if _of_a_score(rule) and _rested(rule, c, moment)]
    return [rule for rule in counting if _of_a_score(rule) and rule.level <= max(rested)] if rested else []


def _in_its_place(rule: Rule, begun: Condition, denied: Collection[tuple[Rule, Condition]]) -> Condition:
    """Give what begins to wait where another breach of the score, no less urgent, is denied: it is due when that was.

    Else two that come in turn before the patient has rested would put each other off without end.
    """
    others = [c for other, c in denied if _of_a_score(other) and other.level >= rule.level]
    dues = [c.due_ms for c in others if c.due_ms is not None]
    return replace(begun, due_ms=min(dues)) if dues and _of_a_score(rule) else begun


def _rested(rule: Rule, pending: Condition, moment: Moment) -> bool:
    """Tell whether the patient has rested for as long as a repeat asks for."""
    return moment.at_ms >= pending.since_ms + rule.on_delay_ms


def _of_a_score(rule: Rule) -> bool:
    """Tell whether a rule waits for a repeat of what a score surely has."""
    return rule.cadence is Cadence.SPOT and rule.quantity in CERTAIN


def _holds(rule: Rule, before: Condition | None, moment: Moment) -> Condition:
    """Give the condition that holds from now on: since this moment, or since it was pending for the same breach."""
    if before is None:
        return Condition(rule=rule.name, state=ConditionState.PRESENT, since_ms=moment.at_ms)
    goes_on = before.pending and not _broken(rule, before, moment.at_ms)
    return _standing(before, min(before.since_ms, moment.at_ms) if goes_on else moment.at_ms)


def _standing(before: Condition, from_ms: int) -> Condition:
    state = ConditionState.PRESENT
    return replace(before, state=state, since_ms=from_ms, clear_ms=None, seen_ms=None, due_ms=None, evidence=NOTHING)


def _repeated(rule: Rule, before: Condition | None, moment: Moment) -> Condition:
    """Follow a breach that a repeat has to bear out, with something measured anew once the patient has rested."""
    if before is None or not before.pending:
        return _pending(rule, before, moment, moment.received_ms + POLICY.repeat_within_ms)
    rested = _rested(rule, before, moment)
    if rested and moment.renewed(rule, before.evidence, before.since_ms) and rule.quantity != "could_be":
        return _holds(rule, before, moment)
    return _seen(before, moment)


def _run(rule: Rule, before: Condition | None, moment: Moment) -> Condition | None:
    """Follow breaches that have to go on; what came late neither begins nor prolongs a run."""
    if moment.late:
        return before
    if before is None or not before.pending or _broken(rule, before, moment.at_ms):
        return _pending(rule, before, moment, None)
    long_enough = moment.at_ms - before.since_ms >= rule.on_delay_ms
    return _holds(rule, before, moment) if long_enough else _seen(before, moment)


def _broken(rule: Rule, before: Condition, at_ms: int) -> bool:
    """Tell whether the last breach of a run is too long before a time for it to go on then."""
    last_ms = before.since_ms if before.seen_ms is None else before.seen_ms
    return rule.cadence is Cadence.CONTINUOUS and at_ms - last_ms > POLICY.run_gap_ms


def _pending(rule: Rule, before: Condition | None, moment: Moment, due_ms: int | None) -> Condition:
    known = before or Condition(rule=rule.name, state=ConditionState.ABSENT, since_ms=moment.at_ms)
    state, at_ms = ConditionState.PENDING, moment.at_ms
    return replace(known, state=state, since_ms=at_ms, seen_ms=at_ms, due_ms=due_ms, evidence=NOTHING)


def _seen(before: Condition, moment: Moment) -> Condition:
    later = before.seen_ms is None or moment.at_ms > before.seen_ms
    return replace(before, seen_ms=moment.at_ms) if later else before


def _clearing(rule: Rule, before: Condition, at_ms: int) -> Condition:
    if before.clear_ms is None:
        return replace(before, state=ConditionState.CLEARING, clear_ms=at_ms)
    return _absent(before, before.clear_ms) if at_ms - before.clear_ms >= rule.off_delay_ms else before


def _held(before: Condition, verdict: Verdict, moment: Moment) -> Condition:
    """A reading that is not good ends a run of good ones, unless it was observed before the run began."""
    clearing = before.clear_ms is not None and moment.at_ms >= before.clear_ms
    seen_again = verdict is Verdict.PRESENT and before.state is ConditionState.UNKNOWN and not moment.late
    return replace(before, state=ConditionState.PRESENT, clear_ms=None) if clearing or seen_again else before
