"""Offering, putting off, undoing and reopening: what each does in every state, and what the safety rules refuse."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from alerts import acts, deadlines, lifecycle
from alerts.acts import Answer
from alerts.errors import AlertConflict, AlertRefused
from alerts.model import SYSTEM_STAY, Alert, Asked, Case, ConditionState, Kind, Lane, Level, Outcome, State
from alerts.policy import POLICY, TERMS
from tests.unit.alerts_points import (
    HOUR,
    LAG,
    MINUTE,
    acked,
    after,
    clinical,
    closed,
    follow,
    kinds,
    person,
    point,
    technical,
)

NOW = 50
Acting = Callable[[Case, Alert], Answer]


def states() -> Mapping[str, Case]:
    """Give a case with its clinical alert in every state, at minute 50, owned by ahmed where it has an owner."""
    raised = after(point(45, 5))
    return {
        "new": raised,
        "acknowledged": acked(raised, 46),
        "emergency": acked(after(point(45, 7)), 46),
        "blind": lifecycle.overdue(acked(after(point(45, spo2=3)), 46), "spo2", 48 * MINUTE, 48 * MINUTE),
        "reraised": follow(acked(raised, 46), point(48, 8)),
        "settled": after(point(0, 5), point(5, 1), point(36, 1)),
        "closed": closed(acked(raised, 46), 47),
        "ended": after(point(0, 3, could_be=6), point(5, 1), point(40, 1)),
    }


STATES = states()
EVERY: Mapping[str, Acting] = {
    "ack": lambda case, alert: acts.acknowledge(case, alert, person(NOW)),
    "ack by another": lambda case, alert: acts.acknowledge(case, alert, person(NOW, "lowe")),
    "note": lambda case, alert: acts.note(case, alert, person(NOW)),
    "offer": lambda case, alert: acts.offer(case, alert, person(NOW), "lowe"),
    "withdraw": lambda case, alert: acts.offer(case, alert, person(NOW), None),
    "snooze": lambda case, alert: acts.snooze(case, alert, person(NOW), 5 * MINUTE),
    "snooze by another": lambda case, alert: acts.snooze(case, alert, person(NOW, "lowe"), 5 * MINUTE),
    "wake": lambda case, alert: acts.wake(case, alert, person(NOW)),
    "unack": lambda case, alert: acts.unacknowledge(case, alert, person(NOW, note="")),
    "unack of another's": lambda case, alert: acts.unacknowledge(case, alert, person(NOW, "lowe")),
    "close": lambda case, alert: acts.close(case, alert, person(NOW), Outcome.PHONED_STABLE),
    "reopen": lambda case, alert: acts.reopen(case, alert, person(NOW)),
}
ORDER = ("new", "acknowledged", "emergency", "blind", "reraised", "settled", "closed", "ended")
# By act, the exit code in each of these states; 0 is done.
TABLE: Mapping[str, tuple[int, ...]] = {
    "ack": (0, 0, 0, 0, 0, 5, 5, 5),
    "ack by another": (0, 5, 5, 5, 0, 5, 5, 5),
    "note": (0, 0, 0, 0, 0, 0, 0, 0),
    "offer": (0, 0, 0, 0, 0, 0, 5, 5),
    "withdraw": (5, 5, 5, 5, 5, 5, 5, 5),
    "snooze": (6, 0, 6, 6, 6, 5, 5, 5),
    "snooze by another": (6, 5, 5, 5, 6, 5, 5, 5),
    "wake": (5, 5, 5, 5, 5, 5, 5, 5),
    "unack": (5, 0, 0, 0, 5, 5, 5, 5),
    "unack of another's": (5, 0, 0, 0, 5, 5, 5, 5),
    "close": (6, 0, 0, 6, 6, 0, 5, 5),
    "reopen": (5, 5, 5, 5, 5, 5, 0, 5),
}


@pytest.mark.parametrize("state", ORDER)
@pytest.mark.parametrize("act", EVERY)
def test_every_act_in_every_state(act: str, state: str) -> None:
    """It is done, or refused with the code of its reason; what is refused changes nothing of the alert."""
    case = STATES[state]
    answer = EVERY[act](case, clinical(case))
    code = 0 if answer.refusal is None else answer.refusal.exit_code
    assert code == TABLE[act][ORDER.index(state)], str(answer.refusal)
    if answer.refusal is not None:
        assert answer.case.alerts == case.alerts


def offered(case: Case, to: str | None = "lowe", minute: float = 2) -> Case:
    """Have someone offer the clinical alert; it must not be refused."""
    answer = acts.offer(case, clinical(case), person(minute), to)
    assert answer.refusal is None, answer.refusal
    return answer.case


def snoozed(case: Case, minute: float, span: float, lane: Lane = Lane.CLINICAL) -> Case:
    """Have the owner put an alert off; it must not be refused."""
    case = deadlines.tick(case, round(minute * MINUTE))
    answer = acts.snooze(case, case.alerts[lane], person(minute), round(span * MINUTE))
    assert answer.refusal is None, answer.refusal
    return answer.case


def reopened(case: Case, minute: float, stood: list[str] | None = None) -> Case:
    """Have someone reopen the clinical alert; it must not be refused."""
    answer = acts.reopen(case, clinical(case), person(minute, note="the wrong patient"), stood or [])
    assert answer.refusal is None, answer.refusal
    return answer.case


@pytest.mark.parametrize("state", ["new", "acknowledged", "reraised", "settled"])
def test_an_offer_changes_nothing_but_who_is_asked(state: str) -> None:
    """Owner, level, deadlines and coverage stay: nobody is covered by having been asked."""
    case = STATES[state]
    now = offered(case, minute=NOW)
    assert clinical(now) == replace(clinical(case), offered_to="lowe", version=clinical(case).version + 1)
    event = now.events[-1]
    assert (event.kind, event.actor, event.evidence) == (Kind.OFFERED, "ahmed", {"to": "lowe"})


def test_whoever_is_offered_an_alert_takes_it_over_by_acknowledging() -> None:
    """Without --take, with a note of their own, and the offer is over; anyone else is still told who has it."""
    case = offered(acked(after(point(0, 5)), 1))
    third = acts.acknowledge(case, clinical(case), person(3, "third"))
    assert isinstance(third.refusal, AlertConflict)
    answer = acts.acknowledge(case, clinical(case), person(3, "lowe", "mine now"))
    alert = clinical(answer.case)
    assert answer.refusal is None
    assert kinds(answer.case)[-1] is Kind.TAKEN
    assert (alert.owner, alert.ack_note, alert.offered_to) == ("lowe", "mine now", None)


def test_an_offer_does_not_stop_the_clock() -> None:
    """An acknowledgement that runs out while the offer waits is back, and the offer still stands."""
    case = deadlines.tick(offered(acked(after(point(0, 5)), 1)), 2 * HOUR)
    assert (clinical(case).state, clinical(case).offered_to) == (State.RERAISED, "lowe")


def test_an_offer_can_be_withdrawn_and_is_not_made_to_its_owner() -> None:
    """Nobody is asked any more; and whoever has it already is not asked for it."""
    case = acked(after(point(0, 5)), 1)
    assert clinical(offered(offered(case), None)).offered_to is None
    assert isinstance(acts.offer(case, clinical(case), person(2), "ahmed").refusal, AlertConflict)


@pytest.mark.parametrize("total", [3, 5])
def test_an_acknowledged_alert_can_be_put_off_and_comes_back_by_itself(total: int) -> None:
    """At levels 1 and 2, and as of when its time was up, whenever someone looks."""
    case = snoozed(acked(after(point(0, total, could_be=max(total, 6))), 1), 2, 30)
    assert (clinical(case).state, clinical(case).snooze_ms) == (State.ACKNOWLEDGED, 32 * MINUTE)
    assert deadlines.tick(case, 32 * MINUTE - 1) is case
    back = deadlines.tick(case, 45 * MINUTE)
    assert (clinical(back).snooze_ms, clinical(back).state, clinical(back).owner) == (None, State.ACKNOWLEDGED, "ahmed")
    assert (back.events[-1].kind, back.events[-1].at_ms) == (Kind.WOKEN, 32 * MINUTE)


@pytest.mark.hazard("H12")
def test_an_emergency_is_never_put_off() -> None:
    """In no lane: not the patient's, not that of sick and unseen, not the whole service's."""
    case = lifecycle.overdue(acked(after(point(0, spo2=3, heart_rate=2, temperature=2)), 1), "spo2", HOUR, HOUR)
    case = acked(deadlines.tick(case, HOUR), 61, lane=Lane.TECHNICAL)
    assert technical(case).level is Level.EMERGENCY
    for lane in (Lane.CLINICAL, Lane.TECHNICAL):
        again = acked(case, 61, lane=lane)
        answer = acts.snooze(again, again.alerts[lane], person(62), MINUTE)
        assert isinstance(answer.refusal, AlertRefused)
        assert "never put off" in str(answer.refusal)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize(("span", "refused"), [(59, False), (59 + 1 / MINUTE, True), (0, True), (-1, True)])
def test_it_is_put_off_at_most_until_its_acknowledgement_ends(span: float, *, refused: bool) -> None:
    """And for more than nothing."""
    case = acked(after(point(0, 5)), 1)
    answer = acts.snooze(case, clinical(case), person(2), round(span * MINUTE))
    assert isinstance(answer.refusal, AlertRefused) == refused


def test_an_acknowledgement_that_ends_ends_the_putting_off_with_it() -> None:
    """Of one moment, it is the acknowledgement that asks again, and there is nothing left to wake."""
    case = deadlines.tick(snoozed(acked(after(point(0, 5)), 1), 2, 59), 3 * HOUR)
    assert kinds(case)[-2:] == [Kind.SNOOZED, Kind.EXPIRED]
    assert clinical(case).snooze_ms is None


def blinded(case: Case) -> Case:
    """Let the SpO2 fall overdue."""
    return lifecycle.overdue(case, "spo2", 5 * MINUTE, 5 * MINUTE)


WORSENINGS: Mapping[str, tuple[Callable[[Case], Case], Kind]] = {
    "a higher level": (lambda case: follow(case, point(5, 7)), Kind.OUTGREW),
    "a single 3": (lambda case: follow(case, point(5, temperature=3)), Kind.OUTGREW),
    "good readings": (lambda case: follow(case, point(5, 0), point(36, 0)), Kind.SETTLED),
    "no readings": (blinded, Kind.BLINDED),
    "its end": (lambda case: deadlines.tick(case, 3 * HOUR), Kind.WOKEN),
    "an acknowledgement": (lambda case: acked(case, 5), Kind.ACKNOWLEDGED),
    "its undoing": (lambda case: acts.unacknowledge(case, clinical(case), person(5)).case, Kind.UNACKNOWLEDGED),
    "its owner": (lambda case: acts.wake(case, clinical(case), person(5)).case, Kind.WOKEN),
    "a close": (lambda case: closed(case, 5), Kind.CLOSED),
}


@pytest.mark.parametrize("what", WORSENINGS)
def test_what_ends_the_putting_off(what: str) -> None:
    """Getting worse, getting better, falling silent, and every act: then it is on the list, or over."""
    happens, kind = WORSENINGS[what]
    case = happens(snoozed(acked(after(point(0, 2, spo2=3)), 1), 2, 30))
    assert kind in kinds(case)
    assert clinical(case).snooze_ms is None


def test_a_rise_that_is_covered_ends_the_putting_off_all_the_same() -> None:
    """Eased to level 1, put off, and back at the level that was acknowledged: still in hand, and on the list."""
    case = after(point(0, 1, could_be=6, temperature=3))
    case = follow(acked(case, 1, for_ms=60 * MINUTE), point(5, 4, could_be=6), point(40, 4, could_be=6))
    assert (clinical(case).level, clinical(case).state) == (Level.WATCH, State.ACKNOWLEDGED)
    case = follow(snoozed(case, 41, 15), point(45, 5))
    assert (clinical(case).level, clinical(case).state) == (Level.URGENT, State.ACKNOWLEDGED)
    assert clinical(case).snooze_ms is None


@pytest.mark.hazard("H14")
@pytest.mark.parametrize(("total", "clock"), [(3, 60), (5, 15), (7, 5)])
def test_an_acknowledgement_can_be_undone(total: int, clock: int) -> None:
    """The alert asks anew from that moment, by its level's clock, and nobody is its owner any more."""
    case = acked(after(point(0, total, could_be=max(total, 6))), 1)
    before = clinical(case)
    alert = clinical(acts.unacknowledge(case, before, person(10, note="")).case)
    assert (alert.state, alert.owner, alert.ack_ms, alert.ack_note) == (State.RERAISED, None, None, None)
    assert (alert.ack_level, alert.ack_score, alert.ack_reds, alert.ack_until_ms) == (None, None, (), None)
    assert alert.due_ms == alert.owed_ms == (10 + clock) * MINUTE
    assert (alert.cycle, alert.tier) == (before.cycle + 1, 1)


def test_anothers_acknowledgement_is_undone_with_a_word_why() -> None:
    """One's own without."""
    case = acked(after(point(0, 5)), 1)
    silent = acts.unacknowledge(case, clinical(case), person(2, "lowe", ""))
    assert isinstance(silent.refusal, AlertRefused)
    assert "in the hands of ahmed" in str(silent.refusal)
    assert acts.unacknowledge(case, clinical(case), person(2, "lowe", "has gone home")).refusal is None


@pytest.mark.hazard("H14")
def test_a_close_by_mistake_is_undone_and_the_alert_asks_anew() -> None:
    """Not settled and not acknowledged: what was known of the patient is no longer, so someone has to look."""
    case = reopened(closed(acked(after(point(0, 5)), 1), 10), 20, ["news2_5"])
    alert = clinical(case)
    assert (alert.state, alert.level, alert.outcome, alert.closed_ms) == (State.RERAISED, Level.URGENT, None, None)
    assert alert.due_ms == alert.owed_ms == 35 * MINUTE
    assert (case.events[-1].kind, case.events[-1].note) == (Kind.REOPENED, "the wrong patient")
    assert case.conditions["news2_5"].state is ConditionState.UNKNOWN
    assert [c.rule for c in case.conditions.values() if c.standing] == ["news2_5"]
    assert case.conditions["news2_5"].since_ms == 0


def test_what_stood_below_the_level_may_hold_again_beside_what_accounts_for_it() -> None:
    """Nothing that stood is forgotten because none of it was of the level."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    bare = reopened(case, 20, ["news2_could_be_5"])
    standing = {c.rule for c in bare.conditions.values() if c.standing}
    assert standing == {"news2_could_be_5", "news2_5", "news2_red"}


def test_a_reopened_alert_settles_by_fresh_good_readings_and_by_nothing_else() -> None:
    """Not by what came between the close and the reopening, and not at once."""
    case = follow(closed(acked(after(point(0, 5)), 1), 10), point(12, 0), point(60, 0))
    case = reopened(case, 61, ["news2_5"])
    late = follow(case, point(58, 0, received=62, late=True))
    assert clinical(late).state is State.RERAISED
    once = follow(case, point(65, 0))
    assert clinical(once).state is State.RERAISED
    assert clinical(follow(once, point(96, 0))).state is State.SETTLED
    assert clinical(follow(case, point(65, 5))).state is State.RERAISED
    assert clinical(follow(case, point(65, 8))).level is Level.EMERGENCY
    seen_ = {total: follow(case, point(65, total)).conditions["news2_5"].state for total in (0, 4, 5)}
    assert seen_ == {0: ConditionState.CLEARING, 4: ConditionState.UNKNOWN, 5: ConditionState.PRESENT}


def test_one_that_had_settled_is_reopened_as_unknown_at_its_own_level() -> None:
    """Eased from level 3 to 2 before it settled: what stands again accounts for level 2, and for no more."""
    case = follow(acked(after(point(0, 7, spo2=0)), 1), point(5, 5), point(40, 5))
    case = closed(follow(case, point(45, 0), point(80, 0)), 81)
    assert (clinical(case).level, clinical(case).peak) == (Level.URGENT, Level.EMERGENCY)
    case = reopened(case, 90, ["news2_7", "news2_5"])
    assert [c.rule for c in case.conditions.values() if c.standing] == ["news2_5"]
    assert clinical(follow(case, point(95, 0))).level is Level.URGENT
    bare = reopened(closed(acked(after(point(0, 5)), 1), 10), 20)
    assert {c.rule for c in bare.conditions.values() if c.standing} == {"news2_5", "news2_red"}


def pending_after_a_close(**points: int) -> Case:
    """An alert of level 2 that was closed, and a new breach of an hour later that waits for a repeat."""
    case = closed(acked(after(point(0, 5), point(6, 5), under=TERMS), 7), 10)
    case = replace(case, asks=())
    return follow(case, point(60, **points), under=TERMS)  # type: ignore[arg-type]


def test_nothing_waits_beside_an_alert_that_is_reopened() -> None:
    """What was pending counts at once, as it does beside any active alert, and no repeat is asked for any more."""
    case = pending_after_a_close(spo2=3)
    assert [c.rule for c in case.pending.values()] == ["news2_red"]
    case = reopened(case, 61, ["news2_5"])
    assert clinical(case).state is State.RERAISED
    assert not case.pending
    assert case.conditions["news2_red"].standing
    assert [(ask.rule, ask.state) for ask in case.asks] == [("news2_red", Asked.QUEUED), ("news2_red", Asked.OVER)]


def test_a_repeat_of_what_stands_again_is_not_asked_for_any_more() -> None:
    """The rule that stood at the close was pending on another breach since: reopened, it waits for nothing."""
    case = reopened(pending_after_a_close(spo2=2, heart_rate=2, temperature=1), 61, ["news2_5"])
    assert case.conditions["news2_5"].state is ConditionState.UNKNOWN
    assert [(ask.rule, ask.state) for ask in case.asks] == [("news2_5", Asked.QUEUED), ("news2_5", Asked.OVER)]
    again = case.conditions["news2_5"]
    assert (again.seen_ms, again.due_ms, again.clear_ms, again.evidence) == (None, None, None, {})


def test_what_is_worse_and_pending_raises_the_level_of_what_is_reopened() -> None:
    """A level 1 that was closed, a breach of level 2 that waits, and the mistake undone: it is level 2."""
    case = follow(Case(stay_no=7), point(0, could_be=6), point(16, could_be=6), under=TERMS)
    case = replace(closed(acked(deadlines.tick(case, 17 * MINUTE), 18), 20), asks=())
    case = follow(case, point(60, spo2=3), under=TERMS)
    case = reopened(case, 61, ["news2_could_be_5"])
    assert (clinical(case).state, clinical(case).level) == (State.RERAISED, Level.URGENT)
    assert clinical(case).due_ms == (61 + 15) * MINUTE


def test_a_reopened_alert_whose_readings_are_overdue_is_blind_and_seen_to() -> None:
    """Sick and unseen is raised at its level in the same moment."""
    case = closed(acked(after(point(0, spo2=3)), 1), 10)
    case = lifecycle.overdue(case, "spo2", HOUR, HOUR)
    assert technical(case).level is Level.WATCH
    case = reopened(case, 70, ["news2_red"])
    assert clinical(case).blind_ms == 70 * MINUTE
    assert technical(case).level is Level.URGENT


@pytest.mark.parametrize(
    ("minute", "note", "said"),
    [(10 + 12 * 60, "wrong", "too long ago"), (10 + 12 * 60 - 1, "", "say with -m")],
)
def test_what_cannot_be_reopened(minute: int, note: str, said: str) -> None:
    """Half a day later, or without a word why."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    answer = acts.reopen(case, clinical(case), person(minute, note=note))
    assert said in str(answer.refusal)
    assert answer.case is case


def test_an_alert_that_a_newer_one_has_followed_stays_closed() -> None:
    """Whether the newer one is open or closed: the patient's story is there."""
    first = closed(acked(after(point(0, 5)), 1), 10)
    second = follow(first, point(20, 5))
    for case in (second, closed(acked(second, 21), 22)):
        answer = acts.reopen(case, clinical(first), person(30))
        assert isinstance(answer.refusal, AlertConflict)
        assert f"followed by {clinical(second).id}" in str(answer.refusal)
        assert answer.case is case


def test_a_silence_that_lasts_is_reopened_and_one_that_is_over_is_not() -> None:
    """Of devices it is known whether what made the alert still holds."""
    case = lifecycle.overdue(Case(stay_no=7), "spo2", 0, 0)
    case = closed(acked(case, 1, lane=Lane.TECHNICAL), 2, lane=Lane.TECHNICAL)
    lasting = acts.reopen(case, technical(case), person(5))
    assert lasting.refusal is None
    assert (technical(lasting.case).state, technical(lasting.case).level) == (State.RERAISED, Level.WATCH)
    assert lasting.case.conditions["overdue"].standing
    over = lifecycle.returned(case, "spo2", 3 * MINUTE, 3 * MINUTE + LAG)
    answer = acts.reopen(over, technical(over), person(5))
    assert isinstance(answer.refusal, AlertConflict)
    assert "what made it is over" in str(answer.refusal)
    assert answer.case is over


def test_a_fault_of_the_service_is_reopened_while_it_lasts() -> None:
    """At the level that its faults have now."""
    case = lifecycle.overdue(Case(stay_no=SYSTEM_STAY), "broker", 0, 0)
    case = closed(acked(case, 1, lane=Lane.SYSTEM), 2, lane=Lane.SYSTEM)
    answer = acts.reopen(case, case.alerts[Lane.SYSTEM], person(5))
    assert answer.refusal is None
    assert answer.case.alerts[Lane.SYSTEM].state is State.RERAISED
    over = lifecycle.returned(answer.case, "broker", 6 * MINUTE, 6 * MINUTE)
    assert over.alerts[Lane.SYSTEM].state is State.SETTLED


def seen(case: Case) -> dict[str, Any]:
    """Give what a person had seen who read the list when the case was like that."""
    alert = clinical(case)
    return {"seen_level": alert.level, "seen_version": alert.version, "seen_evidence": case.events[0].evidence}


def test_a_conflict_says_what_got_worse() -> None:
    """Level, score and the vitals that score more, each before and after; the rest is left out."""
    before = after(point(0, 3, spo2=2))
    worse = replace(
        point(5, spo2=3, heart_rate=2, temperature=3), values=point(0).values | {"spo2": 84.0, "temperature": 34.9}
    )
    now = follow(before, worse)
    answer = acts.acknowledge(now, clinical(now), person(6, **seen(before)))
    assert isinstance(answer.refusal, AlertConflict)
    assert str(answer.refusal) == (
        f"{clinical(now).id} changed since revision 1: level L2 -> L3, score 5 -> 8, SpO2 91 -> 84, "
        f"heart rate 118 -> 118, temperature 38.4 -> 34.9. Review: vwmon alerts show {clinical(now).id}"
    )


def test_worse_at_the_same_level_is_a_conflict_too() -> None:
    """As much worse as would have ended an acknowledgement: two points, or a single 3 that was none."""
    first = acked(after(point(0, 5)), 1)
    for worse in (point(5, 3, temperature=3), point(5, temperature=3)):
        now = follow(first, worse)
        assert (clinical(now).state, clinical(now).level) == (State.RERAISED, Level.URGENT)
        answer = acts.acknowledge(now, clinical(now), person(6, "lowe", **seen(first)))
        assert isinstance(answer.refusal, AlertConflict)
        assert "level" not in str(answer.refusal)
        assert "temperature 38.4" in str(answer.refusal)


def test_what_nobody_saw_change_is_no_conflict() -> None:
    """At the version that was seen, or one point up: it can be acknowledged."""
    case = after(point(0, 5))
    for now in (case, follow(case, point(5, 6))):
        assert acts.acknowledge(now, clinical(now), person(6, **seen(case))).refusal is None


@pytest.mark.parametrize("kind", [Kind.OFFERED, Kind.SNOOZED, Kind.UNACKNOWLEDGED, Kind.REOPENED])
def test_every_event_keeps_before_and_after(kind: Kind) -> None:
    """Of every field that it changed, and of no other."""
    held = acked(after(point(0, 5)), 1)
    done = {
        Kind.OFFERED: lambda: offered(held),
        Kind.SNOOZED: lambda: snoozed(held, 2, 30),
        Kind.UNACKNOWLEDGED: lambda: acts.unacknowledge(held, clinical(held), person(2)).case,
        Kind.REOPENED: lambda: reopened(closed(held, 3), 4),
    }[kind]()
    last = [event for event in done.events if event.kind is kind][-1]
    before = held if kind is not Kind.REOPENED else closed(held, 3)
    for name, (old, new) in (last.changes or {}).items():
        assert (getattr(clinical(before), name) or None, getattr(clinical(done), name) or None) == (
            old or None,
            new or None,
        )
        assert old != new
    unsaid = [
        name
        for name in ("state", "owner", "due_ms", "offered_to", "snooze_ms", "outcome", "ack_until_ms", "cycle")
        if getattr(clinical(before), name) != getattr(clinical(done), name) and name not in (last.changes or {})
    ]
    assert unsaid == []


def test_the_span_in_which_a_close_can_be_undone_is_that_of_a_recurrence() -> None:
    """So that what comes later is a new alert that names the old one."""
    assert POLICY.recurrence_ms == 12 * HOUR
