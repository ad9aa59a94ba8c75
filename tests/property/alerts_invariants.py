"""What must hold of the work list after every step of tests.property.alerts_ward, each as a check with its number.

A numbers the invariants of the model of alerts, S those of the safety page that speak of alerts. Where it matters that
something was not to be done at all (A3, A6, A7), the check looks at what came in, and says by words of its own what
that means, not at what was made of it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from alerts import audit, chain, deadlines
from alerts.chain import Anchor
from alerts.errors import AlertError
from alerts.model import ACTIVE, MONITOR, SYSTEM_STAY, Alert, Case, Condition, Event, Kind, Lane, Level, Outcome, State
from alerts.moves import AUDITED
from alerts.policy import POLICY, RULES, Cadence, Rule
from tests.property.alerts_ward import PLAN, Bed, Does, Happened, Noted, Ward, dump
from tests.unit.alerts_points import MINUTE, Point

ASKING = frozenset({State.NEW, State.RERAISED, State.SETTLED})
UNCLOSED = frozenset({State.NEW, State.RERAISED, State.SETTLED, State.ACKNOWLEDGED})
SEALED = f"select {', '.join(chain.FIELDS)}, previous, hash from alert_event where event_no > ? order by 1"  # noqa: S608
TWICE = "select stay_no, lane from alert where state <> 'closed' group by 1, 2 having count(*) > 1"
UNTOLD = """select a.id from alert a where (a.state in ('new', 'reraised') or (a.state = 'settled' and a.tier > 1))
    and not exists (select 1 from notification n where n.alert_no = a.alert_no and n.cycle = a.cycle
    and n.tier = a.tier and n.state in ('queued', 'told', 'failed'))"""
STALE = """select n.notification_no from notification n join alert a using (alert_no)
    where n.state in ('queued', 'failed') and (n.cycle <> a.cycle or a.state in ('acknowledged', 'closed'))"""
NO_REASON = "select notification_no from notification where state = 'superseded' and coalesce(reason, '') = ''"
ASKED = "select rule, asked_ms from request where stay_no = ? and state = 'queued'"
UNORDERED = """select a.id from alert a join alert b on a.stay_no = b.stay_no and a.lane = b.lane
    and a.ordinal < b.ordinal where a.closed_ms is null or a.closed_ms > b.opened_ms"""


class Watch:
    """What is remembered from step to step, to hold what happens against."""

    def __init__(self, ward: Ward) -> None:
        """Watch a ward from its beginning."""
        self.ward = ward
        self.head, self.count = chain.START, 0
        self.anchors: list[Anchor] = []
        self.born: dict[int, tuple[str, int, Lane, int]] = {}
        self.last: dict[int, Event] = {}
        self.told: dict[int, dict[str, Any]] = {}
        self.put_off: dict[int, int] = {}
        self.past: dict[int, list[Does]] = {}

    def check(self, happened: Happened) -> None:
        """Hold one step against every invariant; AssertionError names the one that it broke."""
        bed = next((one for one in (*self.ward.beds, self.ward.service) if one.stay_no in happened.doing.stays), None)
        if bed is not None:
            follow_runs(self.ward, bed, happened)
        if happened.undone:
            assert (happened.after, happened.events) == (happened.before, []), "a10: what was undone left something"
            return
        for name, check in CHECKS.items():
            try:
                check(self, happened)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error

    def finish(self) -> None:
        """Hold the whole history against itself, and against anchors that were taken on the way."""
        found = audit.audit(self.ward.db, self.anchors).breaks
        assert not found, f"S26 the history verifies: {found[0].what}"


# What a reading says, in words of their own.


def bears_out(rule: Rule, scored: Point | Noted) -> bool:
    """Say whether a reading is a breach of a rule."""
    value = scored.quantities.get(rule.quantity)
    if rule.quantity.startswith("value:"):
        return value is not None and value <= rule.limit_on
    if isinstance(scored, Noted):
        return False
    if rule.quantity == "red":
        return any(points == 3 for points in scored.points.values())
    total = sum(scored.points.values())
    if rule.quantity == "could_be":
        return total < rule.limit_on <= scored.could_be
    return total >= rule.limit_on


def is_good(rule: Rule, scored: Point | Noted, stood_on: tuple[str, ...]) -> bool | None:
    """Say whether a reading is positive evidence that a rule does not hold; None where it says nothing of it."""
    value = scored.quantities.get(rule.quantity)
    if rule.quantity.startswith("value:"):
        return None if value is None else value > rule.limit_off
    if isinstance(scored, Noted):
        return None
    hidden = [part for part in scored.missing if part in PLAN or part in stood_on]
    if rule.quantity == "red":
        return not hidden and not bears_out(rule, scored)
    if rule.quantity == "could_be":
        return scored.could_be < rule.limit_off
    return sum(scored.points.values()) + sum(POLICY.parts[part].most for part in hidden) < rule.limit_off


def follow_runs(ward: Ward, bed: Bed, happened: Happened) -> None:
    """Keep for each rule since when nothing but good readings came, not counting what came late or was refused."""
    alert = happened.before[bed.stay_no].alerts.get(Lane.CLINICAL) if bed.stay_no in happened.before else None
    stood_on = alert.parts if alert is not None and alert.open else ()
    if happened.doing.silent in stood_on:
        bed.runs.clear()
    scored = happened.doing.scored or happened.doing.noted
    for rule in ward.terms(bed.stay_no).rules.clinical if scored is not None else ():
        _follow_run(bed, rule, scored, stood_on)  # type: ignore[arg-type]


def _follow_run(bed: Bed, rule: Rule, scored: Point | Noted, stood_on: tuple[str, ...]) -> None:
    measured = not isinstance(scored, Point) or scored.measured
    if bears_out(rule, scored):
        if rule.late or not scored.late:  # what came late may break a run in its middle
            bed.runs[rule.name] = [at_ms for at_ms in bed.runs.get(rule.name, ()) if at_ms > scored.at_ms]
    elif not scored.late and (good := is_good(rule, scored, stood_on)) is not None:
        if not good:
            bed.runs.pop(rule.name, None)
        elif measured:
            bed.runs.setdefault(rule.name, []).append(scored.at_ms)


def alerts_of(happened: Happened) -> Iterator[tuple[Case, Alert]]:
    """Give the alerts of the cases that a step was about, each with its case as it is now."""
    for case in happened.after.values():
        for alert in case.alerts.values():
            yield case, alert


def standing(case: Case, lane: Lane) -> list[Condition]:
    """Give the conditions of a lane that hold, for all that is known."""
    states = {"present", "clearing", "unknown"}
    return [c for c in case.conditions.values() if c.state in states and RULES[c.rule].lane is lane]


def held_now(watch: Watch, case: Case, condition: Condition) -> bool:
    """Say whether a technical condition is held back at this moment."""
    spans = watch.ward.terms(case.stay_no).held.get(condition.rule, ())
    return any(from_ms <= watch.ward.now_ms < to_ms for from_ms, to_ms in spans)


# The invariants of the model.


def a1_one_open_alert(watch: Watch, happened: Happened) -> None:
    """At most one alert of a stay and lane is open."""
    assert not happened.events or watch.ward.db.execute(TWICE).fetchall() == []


def a2_an_alert_is_one_for_its_patient_from_first_to_last(watch: Watch, happened: Happened) -> None:
    """Its id, stay, lane and beginning never change, whatever its level, values and times do."""
    for case, alert in alerts_of(happened):
        born = (alert.id, alert.stay_no, alert.lane, alert.opened_ms)
        assert watch.born.setdefault(alert.alert_no, born) == born
        assert alert.stay_no == case.stay_no


def a3_an_acknowledgement_covers_what_was_seen(_watch: Watch, happened: Happened) -> None:
    """Nobody acknowledges, or puts off, a higher level than they saw, nor a score or a single three beyond it."""
    view, acted = happened.doing.view, happened.acted
    if view is None or acted is None or happened.refusal or acted.repeated:
        return
    if happened.doing.verb not in {"ack", "ack for", "take", "snooze", "close"}:
        return
    now = acted.alert
    assert now.id == view.id, "what was acted on is what was seen"
    if view.version == now.version:
        return
    if happened.doing.verb == "close" and view.state is State.CLOSED:
        return
    assert now.level <= view.level, f"L{now.level} acknowledged by who saw L{view.level}"
    if now.level == view.level and now.lane is Lane.CLINICAL and "points" in now.evidence and "points" in view.evidence:
        fresh = {p for p, n in now.evidence["points"].items() if n == 3} - {
            p for p, n in view.evidence["points"].items() if n == 3
        }
        assert not fresh, f"a single 3 of {fresh} acknowledged unseen"


def a3_worse_than_acknowledged_asks_again(watch: Watch, happened: Happened) -> None:
    """A reading above the acknowledged level, two points above its score, or with a new three is never covered."""
    scored = happened.doing.scored
    if scored is None or scored.late:
        return
    before = happened.before[scored.stay].alerts.get(Lane.CLINICAL)
    if before is None or before.ack_level is None or before.state not in {State.ACKNOWLEDGED, State.SETTLED}:
        return
    known = happened.before[scored.stay].conditions
    counted = [
        rule
        for rule in watch.ward.terms(scored.stay).rules.clinical
        if bears_out(rule, scored) and (rule.name not in known or scored.at_ms >= known[rule.name].covered_ms)
    ]
    total = sum(scored.points.values())
    worse = any(rule.level > before.ack_level for rule in counted)
    worse |= bool(counted) and before.ack_score is not None and total >= before.ack_score + 2
    worse |= bool(counted) and any(n == 3 and part not in before.ack_reds for part, n in scored.points.items())
    if worse:
        now = happened.after[scored.stay].alerts[Lane.CLINICAL].state
        # What has settled may wait for a repeat before it is back; it is never back as acknowledged.
        assert now is State.RERAISED or (before.state is State.SETTLED and now is not State.ACKNOWLEDGED), now


def a4_acknowledged_is_owned_noted_unexpired_and_covered(watch: Watch, happened: Happened) -> None:
    """Someone has it, said what is being done where that must be said, for a time, up to a level."""
    for _, alert in alerts_of(happened):
        if alert.state is State.ACKNOWLEDGED:
            assert alert.owner
            assert alert.ack_level is not None
            assert alert.level <= alert.ack_level
            assert alert.ack_note or not POLICY.clocks[alert.ack_level].note_required
            assert alert.ack_until_ms is not None
            assert alert.ack_until_ms > watch.ward.now_ms, "expired"
            assert alert.owed_ms is None
        elif alert.open:
            assert (alert.ack_level, alert.ack_until_ms) == (None, None) or alert.state is State.SETTLED


def a5_what_asks_has_a_deadline(_watch: Watch, happened: Happened) -> None:
    """Whoever is owed an answer is owed it by a time, and what is over owes nothing."""
    for _, alert in alerts_of(happened):
        if alert.state in ASKING:
            assert alert.due_ms is not None
            assert alert.owed_ms is not None
        if alert.state is State.CLOSED:
            assert (alert.due_ms, alert.owed_ms, alert.offered_to, alert.snooze_ms) == (None, None, None, None)


def a6_what_holds_is_shown_active(watch: Watch, happened: Happened) -> None:
    """An alert is active exactly while something of its lane holds; only what is held back waits without one."""
    for case in happened.after.values():
        for lane in Lane:
            holds, alert = standing(case, lane), case.alerts.get(lane)
            active = alert is not None and alert.state in ACTIVE
            assert holds or not active, f"{lane} is active, and nothing holds"
            if lane is Lane.TECHNICAL:
                holds = [c for c in holds if not held_now(watch, case, c)]
                if happened.doing.actor is not None:
                    continue  # only the daemon raises what is no longer held back
            assert active or not holds, f"{lane} holds, and is not shown as active"


def a6_a_breach_is_always_answered(watch: Watch, happened: Happened) -> None:
    """Tested on what came in: a breach that came in time is an alert of its level, or waits; level 3 never waits."""
    scored = happened.doing.scored or happened.doing.noted
    if scored is None or scored.late:
        return
    before, after = happened.before[scored.stay], happened.after[scored.stay]
    for rule in watch.ward.terms(scored.stay).rules.clinical:
        known = before.conditions.get(rule.name)
        if not bears_out(rule, scored) or (known is not None and scored.at_ms < known.covered_ms):
            continue
        condition, alert = after.conditions[rule.name], after.alerts.get(Lane.CLINICAL)
        if condition.pending:
            assert rule.level < Level.EMERGENCY, "an emergency waits"
            assert rule.cadence is not Cadence.AT_ONCE
            continue
        assert condition.standing, f"{rule.name} was borne out, and does not hold"
        assert alert is not None
        assert alert.state in ACTIVE
        assert alert.level >= rule.level


def a7_only_fresh_good_readings_clear(watch: Watch, happened: Happened) -> None:
    """Tested on what came in: nothing clears, eases or denies but good readings that came in time and were measured.

    Long enough, without any other in between, and while nothing that the alert stands on is overdue.
    """
    if happened.doing.ends or happened.doing.verb == "close":
        return
    scored = happened.doing.scored or happened.doing.noted
    for stay_no, before in happened.before.items():
        for name, condition in before.conditions.items():
            now = happened.after[stay_no].conditions[name]
            if RULES[name].lane is not Lane.CLINICAL or now.standing or not (condition.standing or condition.pending):
                continue
            rule = watch.ward.terms(stay_no).rules.rules[name]
            if condition.pending and (now.pending or rule.cadence is Cadence.CONTINUOUS):
                continue
            assert scored is not None, f"{name} ended without a reading"
            _is_cleared_by(watch, happened, rule, condition, scored)


def a7_nothing_is_closed_unseen(watch: Watch, happened: Happened) -> None:
    """Nobody closes an alert that stands on what is overdue, unless the patient is in other hands."""
    acted = happened.acted
    if acted is None or happened.refusal or acted.repeated or happened.doing.verb != "close":
        return
    bed = next((one for one in watch.ward.beds if one.stay_no == acted.alert.stay_no), None)
    if bed is not None and acted.alert.lane is Lane.CLINICAL and acted.alert.outcome is not Outcome.TRANSFERRED:
        assert not bed.overdue.intersection(acted.alert.parts)


def _is_cleared_by(watch: Watch, happened: Happened, rule: Rule, condition: Condition, scored: Point | Noted) -> None:
    bed = next(one for one in watch.ward.beds if one.stay_no == scored.stay)
    alert = happened.before[scored.stay].alerts.get(Lane.CLINICAL)
    assert not scored.late, "by what came late"
    assert not isinstance(scored, Point) or scored.measured, "by what was refused"
    assert scored.at_ms > condition.since_ms, "by what was measured before"
    assert not bears_out(rule, scored), "by a breach"
    if condition.standing:
        assert alert is not None
        assert not bed.overdue.intersection(alert.parts), "while what it stands on is overdue"
        assert bed.runs.get(rule.name), "by what is not good"
        assert scored.at_ms - bed.runs[rule.name][0] >= rule.off_delay_ms, "by too short a run"


def a8_urgent_is_closed_by_a_person(_watch: Watch, happened: Happened) -> None:
    """What was ever urgent is closed by someone, with what came of it."""
    by_person = {event.alert_no for event in happened.events if event.kind is Kind.CLOSED and event.actor != MONITOR}
    for case, alert in alerts_of(happened):
        was = happened.before[case.stay_no].alerts.get(alert.lane)
        newly = alert.state is State.CLOSED and (was is None or was.alert_no != alert.alert_no or was.open)
        if newly and alert.peak >= Level.URGENT:
            assert alert.alert_no in by_person
            assert alert.outcome is not None


def a9_no_emergency_is_put_off(watch: Watch, happened: Happened) -> None:
    """Level 3 is never off the list, nor is what is not seen; nor does a pause hold back what is measured."""
    for _, alert in alerts_of(happened):
        if alert.snooze_ms is not None:
            assert alert.state is State.ACKNOWLEDGED
            assert alert.level < Level.EMERGENCY
            assert alert.blind_ms is None
            assert alert.ack_until_ms is not None
            assert watch.ward.now_ms < alert.snooze_ms <= alert.ack_until_ms


def a10_every_change_has_its_event(_watch: Watch, happened: Happened) -> None:
    """An alert that is another than before has an event that says so, of the same version, state and level."""
    last = {event.alert_no: event for event in happened.events}
    for case, alert in alerts_of(happened):
        was, event = happened.before[case.stay_no].alerts.get(alert.lane), last.get(alert.alert_no)
        same = was if was is not None and was.alert_no == alert.alert_no else None
        if event is not None:
            assert (event.state_after, event.level_after, event.version) == (alert.state, alert.level, alert.version)
        elif same is not None:
            figures = {"version", *(name for name in AUDITED if name not in audit.RUNNING)}
            assert [name for name in figures if getattr(same, name) != getattr(alert, name)] == []
        assert event is not None or same is not None, "an alert without an event"


def a10_nothing_half_remains(watch: Watch, _happened: Happened) -> None:
    """A step that dies at any of its statements leaves the database as it was, and a restart does."""
    assert watch.ward.crashes == []


def a10_the_history_of_an_alert_goes_on_where_it_was(watch: Watch, happened: Happened) -> None:
    """Each event begins where the last one ended, field by field but for the running figures, which have no events."""
    for event in happened.events:
        last, known = watch.last.get(event.alert_no), watch.told.setdefault(event.alert_no, {})
        if last is None:
            assert event.kind is Kind.RAISED
        else:
            assert (last.state_after, last.level_after) == (event.state_before, event.level_before)
            assert last.version <= event.version
        for name, (old, new) in (event.changes or {}).items():
            assert name in audit.RUNNING or known.get(name) == old, (
                f"{name} was {known.get(name)}, and is told as {old}"
            )
            known[name] = new
        watch.last[event.alert_no] = event


def a11_again_changes_nothing(watch: Watch, happened: Happened) -> None:
    """The same reading, silence, finding, act or look leaves every row as it is: again at once, or any time later."""
    doing, dice = happened.doing, happened.step.dice
    if doing.again is not None and dice % 6 == 0:  # so often is enough: it takes as long as the step
        _is_nothing_new(watch, doing.again, doing.verb)
    if doing.ends or doing.actor is not None or len(doing.stays) != 1:
        return
    past = watch.past.setdefault(doing.stays[0], [])
    if past and dice % 10 == 0:
        _is_nothing_new(watch, past[dice % len(past)], "what was known")
    if doing.again is not None and doing.lasts:
        past.append(doing.again)


def _is_nothing_new(watch: Watch, again: Does, what: str) -> None:
    db = watch.ward.db
    written, refused = db.total_changes, False
    db.execute("begin immediate")
    try:
        again(db)
    except AlertError:
        refused = True
    after = dump(db) if db.total_changes != written and not refused else None
    db.execute("rollback")
    if after is not None:
        before = dump(db)
        assert after == before, f"{what} again changed {_difference(before, after)}"


def a12_what_waits_is_not_forgotten(watch: Watch, happened: Happened) -> None:
    """Whatever waits has an end that is to come, unless only readings can open it, and is beside no active alert."""
    for case in happened.after.values():
        alert = case.alerts.get(Lane.CLINICAL)
        for condition in case.pending.values():
            assert alert is None or not alert.active
            assert condition.evidence
            assert condition.due_ms is None or condition.due_ms > happened.now_ms
        waiting = {(n, c.evidence["received_ms"]) for n, c in case.pending.items() if c.due_ms is not None}
        asked = {tuple(row) for row in watch.ward.db.execute(ASKED, [case.stay_no])}
        assert asked == waiting, "a repeat is asked for exactly while something waits for it"


def a13_a_fault_of_the_service_is_on_the_list(watch: Watch, happened: Happened) -> None:
    """It is raised as it is found, at its level at least, and stays until it is over or a person closes it."""
    if happened.doing.verb == "service" and happened.doing.silent is not None:
        alert = happened.after[SYSTEM_STAY].alerts[Lane.SYSTEM]
        assert alert.active
        assert alert.level >= RULES[happened.doing.silent].level
        assert watch.ward.db.execute("select 1 from alert where id = ? and state <> 'closed'", [alert.id]).fetchone()


def a14_clocks_run_whatever_is_done(watch: Watch, happened: Happened) -> None:
    """After every step, refused acts too, no deadline of what it was about has passed without acting."""
    for case in happened.after.values():
        assert deadlines.tick(case, happened.now_ms, watch.ward.terms(case.stay_no)) is case


# Those of the safety page.


def s6_every_alert_has_a_breach(watch: Watch, happened: Happened) -> None:
    """What raises a clinical alert names the rules that it breaks, and breaks them."""
    scored = happened.doing.scored or happened.doing.noted
    for event in happened.events:
        if event.kind is Kind.RAISED and "rules" in event.evidence:
            assert event.evidence["rules"]
            if scored is not None and event.evidence["at_ms"] == scored.at_ms:
                rules = watch.ward.terms(scored.stay).rules.rules
                unborne = [name for name in event.evidence["rules"] if not bears_out(rules[name], scored)]
                assert all(name in happened.before[scored.stay].pending for name in unborne), unborne


def s7_episodes_do_not_overlap(watch: Watch, happened: Happened) -> None:
    """An alert of a stay and lane is raised after the one before was closed."""
    if any(event.kind is Kind.RAISED for event in happened.events):
        assert watch.ward.db.execute(UNORDERED).fetchall() == []


def s10_whoever_is_asked_is_told(watch: Watch, happened: Happened) -> None:
    """What asks has its notification, of its cycle and tier, as soon as it asks."""
    assert not happened.events or watch.ward.db.execute(UNTOLD).fetchall() == []


def s11_no_notification_is_lost(watch: Watch, happened: Happened) -> None:
    """What waits to be told is asked still; what is no longer told says why."""
    assert not happened.events or watch.ward.db.execute(STALE).fetchall() == []
    assert not happened.events or watch.ward.db.execute(NO_REASON).fetchall() == []


def s13_nobody_waits_longer_than_the_tiers_allow(watch: Watch, happened: Happened) -> None:
    """What nobody answers is with the second tier once its answer is overdue, and goes up as its pace says."""
    for _, alert in alerts_of(happened):
        if alert.state not in {State.NEW, State.RERAISED} or alert.level is Level.WATCH or alert.owed_ms is None:
            continue
        waited_ms = watch.ward.now_ms - alert.owed_ms
        third_ms = {Level.URGENT: 15 * MINUTE, Level.EMERGENCY: 5 * MINUTE}[alert.level]
        assert alert.tier >= (1 if waited_ms < 0 else 2 if waited_ms < third_ms else 3), f"tier {alert.tier}"
        assert alert.due_ms is not None
        assert alert.due_ms > watch.ward.now_ms


def s14_an_act_is_on_what_was_named(_watch: Watch, happened: Happened) -> None:
    """A person's act touches the alert that they named, and no other, least of all a later one of the patient."""
    if happened.doing.view is None:
        return
    acted_on = {event.alert_no for event in happened.events if event.actor == happened.doing.actor}
    assert acted_on <= {happened.doing.view.alert_no}
    if happened.refusal is not None:
        kinds = {event.kind for event in happened.events if event.actor == happened.doing.actor}
        assert kinds <= {Kind.ALSO_SEEN}


def s26_the_chain_holds(watch: Watch, happened: Happened) -> None:
    """Each event is numbered on and sealed with the one before."""
    for *values, previous, hash_ in watch.ward.db.execute(SEALED, [watch.count]):
        event = dict(zip(chain.FIELDS, values, strict=True))
        assert event["event_no"] == watch.count + 1
        assert previous == watch.head
        assert hash_ == chain.link(watch.head, event)
        watch.count, watch.head = watch.count + 1, hash_
    if happened.step.dice % 16 == 0:
        watch.anchors.append(Anchor(time=str(happened.now_ms), count=watch.count, head=watch.head))


# What the model asks of its lanes and flags.


def m_blind_exactly_while_it_stands_on_what_is_overdue(watch: Watch, happened: Happened) -> None:
    """And whoever is urgent and not seen has a technical alert of that level, held back or not."""
    for bed in watch.ward.beds:
        if bed.stay_no not in happened.after:
            continue
        case = happened.after[bed.stay_no]
        alert = case.open_in(Lane.CLINICAL)
        blind = alert is not None and bool(bed.overdue.intersection(alert.parts))
        assert blind == (alert is not None and alert.blind_ms is not None)
        if alert is not None and blind and alert.level >= Level.URGENT:
            technical = case.alerts.get(Lane.TECHNICAL)
            assert technical is not None, "sick and unseen, and no technical alert"
            if technical.outcome is not Outcome.TRANSFERRED:  # else someone said that the patient is in other hands
                assert technical.open
                assert technical.level == alert.level


def m_what_is_held_back_raises_nothing(watch: Watch, happened: Happened) -> None:
    """No technical alert is raised in a span that holds it back, unless the patient is sick and unseen."""
    for event in happened.events:
        if event.kind is not Kind.RAISED or "overdue" not in event.evidence or "sick_and_unseen" in event.evidence:
            continue
        stay_no = next(a.stay_no for _, a in alerts_of(happened) if a.alert_no == event.alert_no)
        rules = {*event.evidence.get("kit", {}), *(["overdue"] if event.evidence["overdue"] else [])}
        spans = watch.ward.terms(stay_no).held
        free = [r for r in rules if not any(a <= event.at_ms < b for a, b in spans.get(r, ()))]
        assert free, f"{sorted(rules)} are held back"


def m_true_faults_are_on_the_list(watch: Watch, happened: Happened) -> None:
    """A fault of a device that is not held back is on the list, unless a person closed it while it lasted."""
    if happened.doing.verb != "kit" or happened.refusal:
        return
    bed = next(one for one in watch.ward.beds if one.stay_no in happened.after)
    case = happened.after[bed.stay_no]
    lasting = {
        (c.rule, what)
        for c in case.conditions.values()
        if RULES[c.rule].lane is Lane.TECHNICAL and c.rule != "overdue"
        for what, gap in c.gaps.items()
        if gap.returned_ms is None
    }
    assert lasting == bed.kit


def m_levels_are_those_of_what_stands(watch: Watch, happened: Happened) -> None:
    """The level of a clinical alert is that of what holds, and never above the worst that it was."""
    for case, alert in alerts_of(happened):
        assert alert.level <= alert.peak
        rules = watch.ward.terms(case.stay_no).rules.rules
        levels = [rules[c.rule].level for c in standing(case, Lane.CLINICAL)]
        if alert.lane is Lane.CLINICAL and levels:
            assert alert.level == max(levels)


def m_an_act_does_what_it_says(_watch: Watch, happened: Happened) -> None:
    """Or leaves the alert alone, and says so with an exit code of its own."""
    doing, acted = happened.doing, happened.acted
    if acted is None or acted.repeated or doing.view is None:
        return
    if happened.refusal is not None:
        assert happened.refusal.exit_code in {5, 6}
        return
    now = acted.alert
    mine = [event for event in happened.events if event.actor == doing.actor]
    was = happened.before[now.stay_no].alerts.get(now.lane)
    assert len(mine) == 1
    if doing.verb in {"ack", "ack for", "take", "snooze", "accept"}:
        assert (now.owner, now.state) == (doing.actor, State.ACKNOWLEDGED)
    if doing.verb in {"unack", "reopen"}:
        assert now.state is State.RERAISED
        assert now.owed_ms is not None
        assert now.owed_ms == now.due_ms
        assert mine[0].changes is not None
        assert "cycle" in mine[0].changes
    if doing.verb == "accept":
        assert was is not None
        assert _covers(now) == _covers(was), "who accepts covers no more than who gave"
        assert was.owner not in {None, doing.actor}
    if doing.verb in {"note", "offer", "snooze", "wake"}:
        assert not {"state", "level", "owner", "due_ms", "ack_until_ms"}.intersection(mine[0].changes or {})


def _covers(alert: Alert) -> tuple[Any, ...]:
    return alert.ack_level, alert.ack_score, alert.ack_reds, alert.ack_until_ms


def m_waking_is_on_record_where_nothing_else_woke_it(watch: Watch, happened: Happened) -> None:
    """Every putting off ends in its time, by its owner, or by something that is on record itself."""
    for event in happened.events:
        if event.kind is Kind.SNOOZED:
            watch.put_off[event.alert_no] = event.evidence["until_ms"]
        elif "snooze_ms" in (event.changes or {}):
            assert event.at_ms <= watch.put_off.pop(event.alert_no)
    for _, alert in alerts_of(happened):
        assert (alert.snooze_ms is not None) == (alert.alert_no in watch.put_off)


def checks_of(names: Mapping[str, Any]) -> dict[str, Callable[[Watch, Happened], None]]:
    """Give the checks of this module by their names, in the order they are written."""
    return {name: one for name, one in names.items() if name.split("_")[0].rstrip("0123456789") in {"a", "s", "m"}}


CHECKS: Final = checks_of(dict(globals()))


def _difference(before: list[list[Any]], after: list[list[Any]]) -> str:
    rows = [
        (was, now) for a, b in zip(before, after, strict=True) for was, now in zip(a, b, strict=False) if was != now
    ]
    return json.dumps(rows[:2], default=str)
