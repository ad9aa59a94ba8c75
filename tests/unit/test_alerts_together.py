"""What one thing brings along: a wait that ends, a close or a discharge, for silence, other alerts and other rules."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerts import acts, deadlines, lifecycle
from alerts.model import Asked, Case, ConditionState, Lane, Level, Outcome, State
from alerts.over_time import OverTime
from alerts.pauses import LASTS
from alerts.policy import BASES, POLICY, TERMS, Layer, Limit, Terms
from tests.unit.alerts_points import (
    HOUR,
    LAG,
    MINUTE,
    STAY,
    Point,
    acked,
    after,
    clinical,
    closed,
    follow,
    limit,
    note,
    person,
    point,
    technical,
    terms,
)

WAIT = POLICY.repeat_within_ms
DUE = LAG + WAIT  # when a breach of minute 0 has waited long enough
OPENS = 20 * HOUR
SILENCE_MATTERS = terms(limit("overdue", level=3))  # for this stay
RUN = terms(limit("news2_5", cadence="continuous", on_delay="20m"))


def closing(under: Terms) -> Terms:
    """Give terms under which the ward is closed until 20 o'clock."""
    return replace(under, opens=lambda at_ms: max(at_ms, OPENS))


def silent(case: Case, minute: float, part: str = "spo2", under: Terms = TERMS) -> Case:
    """Let a part fall overdue."""
    at_ms = round(minute * MINUTE)
    return lifecycle.overdue(case, part, at_ms, at_ms, last_ms=0, terms=under)


def dismissed(case: Case, minute: float, lane: Lane = Lane.TECHNICAL) -> Case:
    """Have someone take an alert in hand and close it."""
    return closed(acked(case, minute, lane=lane), minute, "no-action", lane)


def valued(scored: Point, **values: float) -> Point:
    """Give a score with other values."""
    return replace(scored, values=scored.values | values)


def always(under: Terms) -> Callable[[int], OverTime]:
    """Give terms as those of every stay at any time."""
    return lambda _stay_no: OverTime(terms=(under,))


def test_the_evidence_names_its_chart_where_that_is_not_news2() -> None:
    """What is kept can be read years later without knowing which chart the stay had."""
    child = clinical(after(point(0, 9), under=Terms(rules=BASES["pews"])))
    assert (child.level, child.evidence["chart"]) == (Level.EMERGENCY, "pews")
    assert "chart" not in clinical(after(point(0, 9))).evidence


def test_what_got_worse_is_told_with_what_it_was() -> None:
    """Compared with the alert while that is open; a new alert after a close begins its own story."""
    case = after(valued(point(0, 5), spo2=92.0))
    worse = valued(point(5, 8), spo2=84.0)
    assert clinical(follow(case, worse)).evidence["before"] == {"spo2": {"value": 92.0, "at_ms": 0}}
    assert "before" not in clinical(follow(closed(acked(case, 1), 2), worse)).evidence


def test_of_several_waits_that_a_reading_ends_the_worst_is_compared_with() -> None:
    """Five points for certain say more of what was than what could have been five, whichever came first."""
    unsure = valued(point(0, 3, missing=["temperature"], could_be=6), heart_rate=95.0)
    certain = valued(point(1, 5, missing=["temperature"], could_be=8), heart_rate=110.0)
    again = valued(point(7, 5), heart_rate=125.0)
    alert = clinical(after(unsure, certain, again, under=TERMS))
    assert alert.evidence["rules"] == ["news2_5", "news2_could_be_5"]
    assert alert.evidence["before"]["heart_rate"] == {"value": 110.0, "at_ms": MINUTE}


def test_an_alert_stands_on_every_part_that_scored_since() -> None:
    """At the same total of other parts: once one of these falls silent, the patient is not seen."""
    case = after(point(0, respiratory_rate=2, spo2=2, oxygen=1))
    case = follow(case, point(5, systolic_bp=2, heart_rate=2, temperature=1))
    assert clinical(silent(case, 60, "systolic_bp")).blind_ms == HOUR
    assert clinical(silent(after(point(0, respiratory_rate=2, spo2=2, oxygen=1)), 60, "systolic_bp")).blind_ms is None


def test_a_wait_that_ends_after_the_alert_has_settled_brings_its_score() -> None:
    """The list shows what the patient has come to, not the score of the recovery."""
    settled = follow(after(point(0, 5)), point(5, 0), point(36, 0))
    case = deadlines.tick(follow(settled, point(50, 6), under=TERMS), 2 * HOUR)
    assert (clinical(case).state, clinical(case).score) == (State.RERAISED, 6)


@pytest.mark.hazard("H25")
@pytest.mark.parametrize(("under", "level"), [(TERMS, 2), (SILENCE_MATTERS, 3)])
def test_a_wait_that_ends_unseen_raises_a_silence_that_was_closed(under: Terms, level: int) -> None:
    """Nobody closed that a patient is sick and unseen: as of when the wait is over, by the rules of the stay."""
    case = silent(after(point(0, spo2=3), under=under), 5, under=under)
    case = deadlines.tick(dismissed(case, 7), HOUR, under)
    alert = technical(case)
    assert (alert.ordinal, alert.state, alert.level) == (3, State.NEW, level)
    assert (alert.since_ms, alert.opened_ms, clinical(case).blind_ms) == (DUE, DUE, DUE)


@pytest.mark.parametrize(("limits", "level"), [((), 2), ((limit("overdue", level=3),), 3)])
def test_a_score_that_shows_a_patient_sick_and_unseen_raises_a_silence_that_was_closed(
    limits: tuple[Limit, ...], level: int
) -> None:
    """As of when the score was known."""
    under = terms(limit("news2_red", cadence="at_once"), *limits)
    case = dismissed(silent(Case(stay_no=STAY), 60, under=under), 66)
    alert = technical(lifecycle.observe(case, point(40, spo2=3, received=80, late=True), under))
    assert (alert.ordinal, alert.level) == (3, level)
    assert (alert.since_ms, alert.opened_ms) == (80 * MINUTE + LAG, 80 * MINUTE + LAG)


def test_a_wait_that_ends_while_the_ward_is_closed_is_owed_when_it_opens() -> None:
    """At level 1, whose clock waits for the ward."""
    under = closing(TERMS)
    case = deadlines.tick(after(point(0, 3, missing=["temperature"], could_be=6), under=under), HOUR, under)
    assert (clinical(case).level, clinical(case).due_ms) == (Level.WATCH, OPENS)


def test_nothing_new_leaves_the_case_whatever_has_become_free_meanwhile() -> None:
    """What a hold kept back is raised as of when that ended, not as of the next score."""
    held = replace(TERMS, held={"overdue": ((0, LASTS),)})
    case = silent(Case(stay_no=STAY), 60, under=held)
    assert not case.alerts
    assert lifecycle.learn(case, note(90), TERMS) is case


@pytest.mark.hazard("H24")
def test_a_discharge_while_the_ward_is_closed_is_reviewed_when_it_opens() -> None:
    """Of the patient and of the kit: both ended with the stay, and wait for whoever is there first."""
    under = closing(TERMS)
    gone = lifecycle.discharged(silent(after(point(0, spo2=3)), 60), 90 * MINUTE, under)
    for alert in (clinical(gone), technical(gone)):
        assert (alert.state, alert.cleared_ms, alert.due_ms) == (State.SETTLED, 90 * MINUTE, OPENS)


def test_a_close_tells_the_kit_when_and_under_the_rules_of_the_stay() -> None:
    """The silence of a patient who was sick and unseen is a silence again: as grave as the stay's rules have it."""
    case = acked(silent(after(point(0, spo2=3)), 60), 66)
    for under, level in ((TERMS, Level.WATCH), (terms(limit("overdue", level=2)), Level.URGENT)):
        act = person(70, terms_of=always(under))
        gone = acts.close(case, clinical(case), act, Outcome.TRANSFERRED).case
        assert technical(gone).level == level
        sighted = [event for event in gone.events if event.alert_no == technical(gone).alert_no][-1]
        assert sighted.at_ms == (70 if level is Level.WATCH else 60) * MINUTE


def test_a_close_says_what_stood() -> None:
    """So that it can be undone."""
    case = closed(acked(after(point(0, 2, spo2=3)), 1), 2)
    assert case.events[-1].evidence["stood"] == ["news2_5", "news2_red"]


def test_a_recovery_began_with_the_first_good_reading_whatever_was_closed_meanwhile() -> None:
    """The silence of another part, which somebody closed later, has no say in it."""
    case = dismissed(silent(after(point(0, 5)), 10, "temperature"), 45)
    assert clinical(follow(case, point(40, 0), point(71, 0))).cleared_ms == 40 * MINUTE


@pytest.mark.hazard("H25")
def test_what_does_not_stand_is_not_unknown_for_being_unseen() -> None:
    """Blind at level 2, a patient who was at level 3 before is not put back there, and the silence is what it was."""
    case = follow(after(point(0, 4, spo2=3)), point(10, 2, spo2=3), point(45, 2, spo2=3))
    assert clinical(case).level is Level.URGENT
    unseen = silent(case, 60)
    states = {name: one.state for name, one in unseen.conditions.items()}
    assert states["news2_7"] is ConditionState.ABSENT
    assert states["news2_5"] is states["news2_red"] is ConditionState.UNKNOWN
    assert states["overdue"] is ConditionState.PRESENT


@pytest.mark.hazard("H25")
def test_a_score_that_comes_to_be_known_begins_a_recovery_also_at_the_same_total() -> None:
    """Three points of which nobody could tell, while every rule stood, and then three points and no more."""
    unsure = after(point(0, 5, spo2=3), point(5, 3, missing=["temperature"], could_be=6))
    assert {one.state for one in unsure.conditions.values()} == {ConditionState.PRESENT}
    assert len(unsure.conditions) == 4
    settled = clinical(follow(unsure, point(10, 3), point(41, 3)))
    assert (settled.state, settled.cleared_ms) == (State.SETTLED, 10 * MINUTE)


@pytest.mark.hazard("H32")
def test_beside_the_alert_of_a_prescription_that_was_withdrawn_a_new_three_is_seen() -> None:
    """The alert waits for a person, and a three at a total that was known, of a part that scored it before, is news."""
    below = replace(limit("spo2_below_target", limit_on=87, limit_off=88), layer=Layer.PRESCRIPTION)
    under, low = terms(below), [replace(point(m, 2, spo2=1), quantities={"value:spo2": 86.0}) for m in (0, 6)]
    case = follow(after(*low, under=under), point(10, spo2=3))
    case = follow(case, point(20, 2, spo2=1), point(51, 2, spo2=1))
    assert [one.rule for one in case.conditions.values() if one.standing] == ["spo2_below_target"]
    assert (clinical(case).active, clinical(case).score) == (True, 3)
    again = follow(case, point(60, spo2=3))
    assert again.conditions["news2_red"].standing
    assert clinical(again).level is Level.URGENT


def test_a_rule_that_a_limit_makes_graver_makes_its_alert_graver_with_the_next_score() -> None:
    """Also one that says no more than the last: five points are an emergency for this patient from now on."""
    case = after(point(0, 5))
    graver = follow(case, point(5, 5), under=terms(limit("news2_5", level=3)))
    assert (clinical(graver).level, clinical(follow(case, point(5, 5))).level) == (Level.EMERGENCY, Level.URGENT)


@pytest.mark.parametrize("first", ["spo2_92", "respiratory_rate_24"])
def test_a_number_by_its_name_is_seen_beside_a_score_that_stays_the_same(first: str) -> None:
    """Of an open alert whose rules still stand exactly, a low pressure among the same points is news."""
    under = terms(
        *(limit(name, enabled=True, cadence="at_once") for name in (first, "systolic_bp_90", "systolic_bp_180"))
    )
    case = after(point(0, 8), under=under)
    low = replace(point(5, 8), quantities={"value:systolic_bp": 85.0})
    assert follow(case, low, under=under).conditions["systolic_bp_90"].standing
    assert follow(case, point(5, 8), under=under) is case


def test_closing_what_is_about_the_kit_covers_nothing_of_the_patient() -> None:
    """A score on its way while a silence was closed raises its alert as ever."""
    case = dismissed(silent(Case(stay_no=STAY), 60, "temperature"), 70)
    assert clinical(follow(case, point(65, 3, could_be=6, received=71))).level is Level.WATCH


def test_reopening_what_is_about_the_kit_ends_no_wait_of_the_patient() -> None:
    """The repeat is still awaited."""
    case = dismissed(silent(Case(stay_no=STAY), 0, "temperature"), 1)
    case = follow(case, point(5, spo2=3), under=TERMS)
    again = acts.reopen(case, technical(case), person(6)).case
    assert technical(again).state is State.RERAISED
    assert again.pending == case.pending != {}


def test_reopening_raises_nothing_that_is_held_back() -> None:
    """Nor with a breach that had waited: whoever reopens knows nothing of holds, and the daemon comes to it."""
    held = replace(TERMS, held={"overdue": ((0, LASTS),)})
    case = silent(closed(acked(after(point(0, 5)), 1), 10), 20, "temperature", held)
    case = follow(case, point(60, spo2=3, missing=["temperature"]), under=held)
    again = acts.reopen(case, clinical(case), person(61), ["news2_5"]).case
    assert (clinical(again).state, again.pending) == (State.RERAISED, {})
    assert again.conditions["overdue"].standing
    assert Lane.TECHNICAL not in again.alerts


@pytest.mark.parametrize("minute", [70, 90])
def test_a_run_that_was_broken_when_an_alert_is_reopened_is_none(minute: int) -> None:
    """One that may still go on stands beside the alert; of one that ended long ago nothing is left."""
    case = closed(acked(after(point(0, spo2=3)), 1), 10)
    case = follow(case, point(60, 5), under=RUN)
    assert case.pending["news2_5"].due_ms is None
    case = acts.reopen(case, clinical(case), person(minute, terms_of=always(RUN)), ["news2_red"]).case
    goes_on = ConditionState.PRESENT if minute == 70 else ConditionState.ABSENT
    assert (case.conditions["news2_5"].state, case.pending) == (goes_on, {})


def test_a_wait_counts_when_an_alert_is_reopened_whatever_a_limit_asks_for_since() -> None:
    """Its rule asks for a run now, which this one would have broken: it is none, and nobody repeats what counts."""
    case = closed(acked(after(point(0, spo2=3)), 1), 10)
    case = replace(follow(case, point(60, 5), under=TERMS), asks=())
    case = acts.reopen(case, clinical(case), person(75.02, terms_of=always(RUN)), ["news2_red"]).case
    assert [(ask.rule, ask.state) for ask in case.asks] == [("news2_5", Asked.OVER)]
    assert case.conditions["news2_5"].state is ConditionState.PRESENT


def test_what_never_stood_and_may_hold_is_unknown_since_it_was_reopened() -> None:
    """A rule that was switched on after the close is of the level of the alert, and as old as nobody's reading."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    alert = clinical(case)
    again = lifecycle.standing_again(case, alert, [], 20 * MINUTE, terms(limit("systolic_bp_90", enabled=True)))
    assert again is not None
    low = again.conditions["systolic_bp_90"]
    assert (low.rule, low.state, low.since_ms) == ("systolic_bp_90", ConditionState.UNKNOWN, 20 * MINUTE)


def test_a_reopened_alert_whose_readings_are_overdue_counts_by_the_rules_of_the_stay() -> None:
    """Sick and unseen, and silence is an emergency for this one."""
    case = silent(closed(acked(after(point(0, spo2=3)), 1), 10), 60)
    act = person(70, terms_of=always(SILENCE_MATTERS))
    assert technical(acts.reopen(case, clinical(case), act, ["news2_red"]).case).level is Level.EMERGENCY
