"""The table of transitions, row by row: what readings, silence and time do to an alert."""

from collections.abc import Callable, Mapping

import pytest

from alerts import deadlines, lifecycle
from alerts.model import Case, ConditionState, Kind, Lane, Level, State
from alerts.policy import POLICY
from tests.unit.alerts_points import (
    HOUR,
    LAG,
    MINUTE,
    STAY,
    acked,
    after,
    clinical,
    closed,
    follow,
    kinds,
    point,
)


def test_a_patient_who_is_well_has_no_alert() -> None:
    """Scores below every limit leave the very same case."""
    case = Case(stay_no=STAY)
    assert follow(case, point(0), point(10, 4), point(20, 2)) is case
    assert case.quiet


@pytest.mark.parametrize(
    ("points", "level"),
    [
        ({"total": 5}, Level.URGENT),
        ({"total": 7}, Level.EMERGENCY),
        ({"spo2": 3}, Level.URGENT),
        ({"total": 3, "could_be": 6}, Level.WATCH),
        ({"total": 5, "spo2": 3}, Level.EMERGENCY),
    ],
)
def test_each_rule_raises_at_its_level(points: dict[str, int], level: Level) -> None:
    """NEWS2 of 5 and 7, a single 3, and what could be 5 each raise a new alert of the level the rules give."""
    alert = clinical(after(point(1, **points)))  # type: ignore[arg-type]
    assert (alert.state, alert.level, alert.peak) == (State.NEW, level, level)
    assert alert.opened_ms == MINUTE + LAG
    assert alert.since_ms == MINUTE
    assert alert.due_ms == alert.opened_ms + POLICY.clocks[level].first_response_ms


def test_one_point_below_a_limit_raises_nothing() -> None:
    """Four without a three, six at the level of five: the limits are where the rules say."""
    assert after(point(0, 4)).quiet
    assert clinical(after(point(0, 6))).level == Level.URGENT


def test_could_be_is_no_news_when_the_score_is_certain() -> None:
    """At five for certain the alert is of level 2, not of 1 beside it."""
    case = after(point(0, 5, could_be=9))
    assert set(case.conditions) == {"news2_5"}


@pytest.mark.hazard("H11")
def test_worsening_keeps_one_alert_and_the_sooner_deadline() -> None:
    """One deterioration is one item; a deadline never moves away from the patient."""
    case = after(point(0, 5), point(1, 8))
    alert = clinical(case)
    assert kinds(case) == [Kind.RAISED, Kind.WORSENED]
    assert (alert.state, alert.level) == (State.NEW, Level.EMERGENCY)
    assert alert.due_ms == MINUTE + LAG + POLICY.clocks[Level.EMERGENCY].first_response_ms
    late = clinical(after(point(0, 5), point(14, 8)))
    assert late.due_ms == LAG + POLICY.clocks[Level.URGENT].first_response_ms


def test_what_gets_worse_within_its_level_is_another_version_under_the_same_deadline() -> None:
    """Seven is not twelve to whoever decides; one point more, or twelve once more, is no news."""
    case = after(point(0, 7), point(1, 8), point(2, 12), point(3, 9), point(4, 12))
    alert = clinical(case)
    assert kinds(case) == [Kind.RAISED, Kind.GREW]
    assert (alert.version, alert.score, alert.evidence["total_min"], alert.cycle) == (2, 12, 12, 1)
    assert alert.due_ms == clinical(after(point(0, 7))).due_ms


def test_a_single_three_that_is_new_is_another_version() -> None:
    """The sum alone does not say what a patient has come to."""
    case = after(point(0, 8), point(1, 5, spo2=3))
    assert kinds(case) == [Kind.RAISED, Kind.GREW]
    assert kinds(follow(case, point(2, 6, spo2=2), point(3, 5, spo2=3))) == kinds(case)


def test_what_came_late_and_was_known_before_is_no_other_version() -> None:
    """A 7 with a three that is new took the place of a 10; another 10 of before it is nothing worse."""
    case = after(point(0, 10), point(2, 4, spo2=3))
    assert kinds(case) == [Kind.RAISED, Kind.GREW]
    assert kinds(follow(case, point(1, 10, received=3, late=True))) == kinds(case)
    assert kinds(follow(case, point(1, 11, received=3, late=True)))[-1] == Kind.GREW


def test_a_level_eases_when_its_rule_clears() -> None:
    """From 7 to 5 for long enough the alert stands at level 2; its peak is not forgotten."""
    case = after(point(0, 7), point(10, 5), point(45, 5))
    alert = clinical(case)
    assert kinds(case) == [Kind.RAISED, Kind.EASED]
    assert (alert.state, alert.level, alert.peak) == (State.NEW, Level.URGENT, Level.EMERGENCY)


@pytest.mark.hazard("H11")
def test_between_the_limits_an_alert_neither_rises_nor_clears() -> None:
    """A score of 4 after 5 is no recovery, however long it lasts."""
    case = after(point(0, 5), *(point(minute, 4) for minute in range(10, 600, 20)))
    assert clinical(case).state == State.NEW
    assert case.conditions["news2_5"].state == ConditionState.PRESENT


@pytest.mark.hazard("H25")
def test_two_good_readings_over_the_off_delay_settle_an_urgent_alert() -> None:
    """Settled means recovered and not reviewed: a slow clock runs until a person closes it."""
    case = after(point(0, 5), point(10, 2), point(40, 1))
    alert = clinical(case)
    assert kinds(case) == [Kind.RAISED, Kind.SETTLED]
    assert (alert.state, alert.cleared_ms) == (State.SETTLED, 10 * MINUTE)
    assert alert.due_ms == 40 * MINUTE + LAG + POLICY.settled_ms
    assert not case.quiet


@pytest.mark.parametrize("last", [10, 39.9])
def test_good_readings_over_less_than_the_off_delay_settle_nothing(last: float) -> None:
    """Two good readings half an hour apart are asked for, not just two."""
    assert clinical(after(point(0, 5), point(10, 2), point(last, 1))).state == State.NEW


@pytest.mark.hazard("H25")
def test_one_good_reading_settles_nothing() -> None:
    """A single good value may be the artefact."""
    assert clinical(after(point(0, 5), point(600, 0))).state == State.NEW


def test_a_bad_reading_in_between_starts_the_recovery_anew() -> None:
    """The off-delay is a run of good readings without a break."""
    recovering, broken = after(point(0, 5), point(10, 2)), after(point(0, 5), point(10, 2), point(25, 5))
    assert recovering.conditions["news2_5"].state is ConditionState.CLEARING
    assert (broken.conditions["news2_5"].state, broken.conditions["news2_5"].clear_ms) == (ConditionState.PRESENT, None)
    case = after(point(0, 5), point(10, 2), point(25, 5), point(41, 2), point(60, 2))
    assert clinical(case).state == State.NEW
    assert clinical(follow(case, point(71, 2))).cleared_ms == 41 * MINUTE


@pytest.mark.hazard("H8")
def test_a_missing_part_is_no_recovery() -> None:
    """With the part that raised it missing, the upper bound stays above the limit."""
    case = after(point(0, spo2=3, heart_rate=2), *(point(m, missing=["spo2"]) for m in range(10, 300, 20)))
    assert clinical(case).state == State.NEW


def test_a_part_that_no_plan_asks_for_keeps_no_alert_open() -> None:
    """A plan without a respiratory rate can still see a patient recover."""
    plan = ("spo2", "oxygen", "heart_rate", "temperature")
    unasked = ["respiratory_rate", "systolic_bp", "consciousness"]
    raised = point(0, spo2=3, heart_rate=2, missing=unasked, expected=plan)
    good = [point(m, missing=unasked, expected=plan) for m in (10, 50)]
    assert clinical(after(raised, *good)).state == State.SETTLED


def test_a_part_that_no_plan_asks_for_is_not_forgotten_when_it_raised_the_alert() -> None:
    """What was measured once and was bad must be seen good, or closed by a person."""
    plan = ("spo2", "oxygen", "heart_rate", "temperature")
    raised = point(0, respiratory_rate=3, heart_rate=2, expected=plan)
    gone = [point(m, missing=["respiratory_rate"], expected=plan) for m in (10, 50, 90)]
    assert clinical(after(raised, *gone)).state == State.NEW


def test_an_alert_that_was_never_urgent_ends_by_itself() -> None:
    """Level 1 asks nobody for a review once the missing part is there."""
    case = after(point(0, 3, could_be=6), point(5, 3), point(40, 3))
    alert = clinical(case)
    assert kinds(case) == [Kind.RAISED, Kind.ENDED]
    assert (alert.state, alert.outcome, alert.due_ms) == (State.CLOSED, None, None)
    assert case.quiet


def test_an_acknowledged_alert_stays_quiet_while_it_is_no_worse() -> None:
    """The same score, a little less and one point more are covered."""
    case = acked(after(point(0, 5)), 1)
    assert clinical(follow(case, point(5, 5), point(6, 4), point(7, 6))).state == State.ACKNOWLEDGED


@pytest.mark.hazard("H12")
def test_a_higher_level_ends_an_acknowledgement() -> None:
    """Acknowledged at level 2, seven points ask again at once, within the clock of level 3."""
    case = follow(acked(after(point(0, 6)), 1), point(5, 7))
    alert = clinical(case)
    assert kinds(case)[-1] == Kind.OUTGREW
    assert (alert.state, alert.level, alert.owner) == (State.RERAISED, Level.EMERGENCY, "ahmed")
    assert alert.due_ms == 5 * MINUTE + LAG + POLICY.clocks[Level.EMERGENCY].first_response_ms
    assert (alert.ack_level, alert.ack_until_ms) == (None, None)


@pytest.mark.hazard("H12")
def test_two_points_more_end_an_acknowledgement_at_the_same_level() -> None:
    """At level 3 there is no higher level, but there is a higher score."""
    case = acked(after(point(0, 8)), 1)
    assert clinical(follow(case, point(5, 9))).state == State.ACKNOWLEDGED
    assert clinical(follow(case, point(5, 10))).state == State.RERAISED


@pytest.mark.hazard("H12")
def test_a_new_single_three_ends_an_acknowledgement() -> None:
    """An alert for a three in SpO2 does not cover a three in consciousness."""
    case = acked(after(point(0, spo2=3)), 1)
    assert clinical(follow(case, point(5, spo2=3))).state == State.ACKNOWLEDGED
    assert clinical(follow(case, point(5, spo2=1, consciousness=3))).state == State.RERAISED


def test_a_new_single_three_at_the_same_total_ends_an_acknowledgement() -> None:
    """Three and two, then two and three: the same score of the same parts, and another patient."""
    case = acked(after(point(0, spo2=3, heart_rate=2)), 1)
    assert clinical(follow(case, point(5, spo2=2, heart_rate=3))).state == State.RERAISED


def test_a_three_that_was_seen_before_is_covered() -> None:
    """A flap of the same part between 2 and 3 is no news."""
    case = acked(after(point(0, spo2=3, heart_rate=2)), 1)
    assert clinical(follow(case, point(3, spo2=2, heart_rate=2), point(5, spo2=3, heart_rate=2))).state == (
        State.ACKNOWLEDGED
    )


@pytest.mark.hazard("H12")
def test_an_acknowledgement_expires_as_of_its_time_whenever_the_tick_comes() -> None:
    """A clock that nobody looked at for a day has still run out then."""
    case = acked(after(point(0, 5)), 1)
    until = 61 * MINUTE
    assert deadlines.tick(case, until - 1) is case
    for now in (until, until + 24 * HOUR):
        ticked = deadlines.tick(case, now)
        alert = clinical(ticked)
        assert (alert.state, alert.owner) == (State.RERAISED, "ahmed")
        assert alert.due_ms == until + POLICY.clocks[Level.URGENT].first_response_ms
        assert ticked.events[-1].at_ms == until


def test_an_acknowledgement_survives_a_brief_recovery() -> None:
    """Recovered at 5, relapsed within an hour, no worse: still in hand, and no new item."""
    case = follow(acked(after(point(0, 5)), 1), point(5, 1), point(36, 1))
    assert clinical(case).state == State.SETTLED
    case = follow(case, point(40, 5))
    alert = clinical(case)
    assert kinds(case)[-1] == Kind.HELD
    assert (alert.state, alert.owner, alert.due_ms) == (State.ACKNOWLEDGED, "ahmed", 61 * MINUTE)


@pytest.mark.parametrize(
    ("relapse", "why"),
    [
        (point(70, 5), "the acknowledgement has expired"),
        (point(40, 7), "the level is higher"),
        (point(40, 5, spo2=2), "the score is two higher"),
        (point(40, consciousness=3, spo2=2), "a new single three"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_worse_or_later_relapse_asks_again(relapse: object, why: str) -> None:
    """One deterioration is one alert: it is raised again, not anew."""
    case = follow(acked(after(point(0, 5)), 1), point(5, 1), point(36, 1), relapse)  # type: ignore[arg-type]
    assert (kinds(case)[-1], clinical(case).state) == (Kind.RELAPSED, State.RERAISED), why
    assert clinical(case).ordinal == 1


def test_an_acknowledgement_that_runs_out_at_that_moment_covers_no_relapse() -> None:
    """Until means up to and without."""
    settled = follow(acked(after(point(0, 5)), 1), point(5, 1), point(36, 1))
    until = 61 - LAG / MINUTE
    assert clinical(follow(settled, point(60, 5, received=until))).state == State.RERAISED
    assert clinical(follow(settled, point(60, 5, received=until - 0.001))).state == State.ACKNOWLEDGED


def test_what_was_urgent_waits_for_a_person_also_after_it_eased() -> None:
    """It is the peak that counts, not the level it left from."""
    eased = after(point(0, 5), *(point(m, 2, could_be=6) for m in (5, 40)))
    assert kinds(eased)[-1] == Kind.EASED
    assert clinical(eased).level == Level.WATCH
    settled = follow(eased, point(50, 1), point(90, 1))
    assert (clinical(settled).state, clinical(settled).level) == (State.SETTLED, Level.WATCH)


def test_a_relapse_after_more_than_the_bridge_asks_again() -> None:
    """Off-delay and half an hour, counted from the first good reading, are the most an acknowledgement outlives."""
    recovering = acked(after(point(0, spo2=3), point(1, spo2=2)), 20)
    settled = follow(recovering, point(31, spo2=2))
    assert clinical(follow(settled, point(61, spo2=3))).state == State.ACKNOWLEDGED
    assert clinical(follow(settled, point(61.1, spo2=3))).state == State.RERAISED


def test_a_relapse_of_what_nobody_acknowledged_is_raised_again() -> None:
    """Without an acknowledgement there is none to survive."""
    case = after(point(0, 5), point(5, 1), point(36, 1), point(40, 5))
    assert clinical(case).state == State.RERAISED


def test_an_outgrown_acknowledgement_does_not_come_back_with_a_relapse() -> None:
    """Nobody has answered the worsening, so a recovery in between does not cover it."""
    case = follow(acked(after(point(0, 5)), 1), point(3, 7), point(5, 1), point(36, 1), point(40, 5))
    assert clinical(case).state == State.RERAISED


def test_after_a_close_a_new_breach_is_a_new_alert_that_names_the_last() -> None:
    """Within twelve hours of the close the new alert says what it recurs from; later it does not."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    soon = follow(case, point(20, 5))
    assert clinical(soon).state == State.NEW
    assert (clinical(soon).ordinal, clinical(soon).recurrence_of) == (2, clinical(case).alert_no)
    assert clinical(soon).since_ms == soon.conditions["news2_5"].since_ms == 20 * MINUTE
    half_a_day = 10 + 12 * 60 - LAG / MINUTE
    assert clinical(follow(case, point(700, 5, received=half_a_day))).recurrence_of is None
    assert clinical(follow(case, point(700, 5, received=half_a_day - 0.001))).recurrence_of is not None


def test_evidence_from_before_a_close_and_no_worse_is_part_of_what_was_closed() -> None:
    """A reading that was on its way when the alert was closed does not raise it again."""
    case = closed(acked(after(point(0, 7)), 1), 10)
    assert follow(case, point(9, 7, received=11)) is case
    assert follow(case, point(8, 5, received=12, late=True)) is case


def test_worse_evidence_from_before_a_close_raises_the_closed_alert_again() -> None:
    """What the person who closed it could not know brings it back, marked late."""
    case = follow(closed(acked(after(point(0, 5)), 1), 10), point(9, 8, received=11))
    alert = clinical(case)
    assert kinds(case)[-1] == Kind.REVIVED
    assert (alert.state, alert.late, alert.ordinal) == (State.RERAISED, True, 1)
    assert (alert.outcome, alert.closed_ms) == (None, None)


def test_the_moment_of_the_close_is_still_before_it() -> None:
    """Whoever closed it could not have seen that reading; a millisecond later it is a new alert."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    assert clinical(follow(case, point(10, 8))).ordinal == 1
    assert clinical(follow(case, point(10 + 1 / MINUTE, 8))).ordinal == 2


def test_late_evidence_ends_an_acknowledgement_once() -> None:
    """Told again after it was acknowledged, it is no longer news."""
    worse = point(5, 9, received=21, late=True)
    case = follow(acked(after(point(0, 7), point(20, 7)), 20.5), worse)
    assert (clinical(case).state, clinical(case).late) == (State.RERAISED, True)
    again = acked(case, 22)
    assert clinical(again).ack_score == 7
    assert follow(again, worse) is again


def test_a_relapse_between_settling_and_closing_that_came_too_late_is_not_swallowed() -> None:
    """Whoever closed the settled alert had not seen it."""
    case = closed(after(point(0, 5), point(10, 1), point(41, 1)), 60)
    assert clinical(follow(case, point(50, 5, received=61))).state == State.RERAISED


@pytest.mark.hazard("H10")
def test_a_late_breach_raises_an_alert_marked_late() -> None:
    """A breach in the past that nobody knew of is still a breach."""
    alert = clinical(after(point(30, 1), point(10, 6, received=31, late=True)))
    assert (alert.state, alert.late, alert.since_ms) == (State.NEW, True, 10 * MINUTE)


@pytest.mark.hazard("H10", "H25")
def test_late_readings_never_clear() -> None:
    """However many good readings come late, only those that come in time settle an alert."""
    case = after(point(100, 5))
    good = [point(m, 0, received=101, late=True) for m in range(0, 90, 10)]
    assert follow(case, *good) is case


def test_a_late_bad_reading_breaks_a_recovery_that_it_falls_into() -> None:
    """Good at 10 and 45 is no recovery when the patient was at 5 in between."""
    case = after(point(0, 5), point(10, 1), point(20, 5, received=30, late=True), point(45, 1))
    assert clinical(case).state == State.NEW
    settled = follow(after(point(0, 5), point(10, 1), point(45, 1)), point(20, 5, received=46, late=True))
    assert clinical(settled).state == State.RERAISED


def test_a_late_bad_reading_from_before_the_recovery_changes_nothing() -> None:
    """It belongs to the deterioration that the recovery ended."""
    case = after(point(0, 5), point(10, 1), point(45, 1))
    assert follow(case, point(5, 5, received=46, late=True)) is case


def test_a_late_bad_reading_of_the_moment_the_recovery_began_breaks_it() -> None:
    """Another part of the same moment, sent apart and late, shows that it was not good yet."""
    case = after(point(0, 5), point(10, 1), point(45, 1))
    assert clinical(follow(case, point(10, 5, received=46, late=True))).state == State.RERAISED


def test_a_late_worse_reading_raises_a_settled_alert_again() -> None:
    """Worse than the peak is news at any time."""
    case = follow(after(point(0, 5), point(10, 1), point(45, 1)), point(5, 8, received=46, late=True))
    assert (clinical(case).state, clinical(case).peak, clinical(case).late) == (State.RERAISED, Level.EMERGENCY, True)


def test_a_recovery_that_had_just_begun_is_broken_by_a_late_reading_of_its_first_moment() -> None:
    """The run of good readings begins anew after it."""
    case = after(point(0, 5), point(10, 1), point(10, 5, received=20, late=True), point(45, 1))
    assert clinical(case).state == State.NEW
    assert clinical(follow(case, point(75, 1))).state == State.SETTLED


ENDS: Mapping[str, Callable[[Case], Case]] = {
    "settled": lambda case: follow(case, point(10, 1), point(45, 1)),
    "closed": lambda case: closed(acked(case, 1), 10),
    "discharged": lambda case: lifecycle.discharged(case, 10 * MINUTE),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_an_alert_covers_does_not_depend_on_the_rule(end: str) -> None:
    """Another rule of the same level, late and from before the recovery or the close, is part of it: for good."""
    case = ENDS[end](after(point(0, 5)))
    of_another = case.conditions["news2_red"]
    assert (of_another.state, of_another.since_ms) == (ConditionState.ABSENT, of_another.covered_ms)
    assert case.conditions["news2_5"].clear_ms is None
    red = point(5, spo2=3, received=50, late=True)
    assert follow(case, red) is case
    again = follow(case, point(60, 5))
    assert clinical(again).active
    assert again.conditions["news2_5"].covered_ms == case.conditions["news2_5"].covered_ms > 0
    assert follow(again, red) is again


def test_late_uncertainty_is_no_news() -> None:
    """What could have been five in the past raises nothing now."""
    case = after(point(30, 1))
    assert follow(case, point(10, 3, could_be=6, received=31, late=True)) is case


@pytest.mark.hazard("H24")
def test_the_end_of_a_stay_settles_what_was_urgent_and_ends_the_rest() -> None:
    """A discharge is no outcome: an urgent alert waits for one, nothing else stands."""
    urgent = lifecycle.discharged(acked(after(point(0, 5)), 1), 5 * MINUTE)
    assert (clinical(urgent).state, clinical(urgent).cleared_ms) == (State.SETTLED, 5 * MINUTE)
    watched = lifecycle.discharged(after(point(0, 3, could_be=6)), 5 * MINUTE)
    assert clinical(watched).state == State.CLOSED
    assert not any(condition.standing for case in (urgent, watched) for condition in case.conditions.values())


def test_the_end_of_a_stay_lifts_blindness_and_what_is_overdue() -> None:
    """Nothing is awaited of a patient who has left."""
    blind = lifecycle.overdue(after(point(0, spo2=3)), "spo2", 60 * MINUTE, 60 * MINUTE)
    gone = lifecycle.discharged(blind, 90 * MINUTE)
    assert clinical(gone).blind_ms is None
    assert not gone.overdue
    assert gone.alerts[Lane.TECHNICAL].state == State.SETTLED
    assert lifecycle.discharged(gone, 91 * MINUTE).alerts == gone.alerts


@pytest.mark.hazard("H25")
@pytest.mark.parametrize("rule", ["total", "could be"])
def test_an_attempt_that_was_refused_clears_nothing(rule: str) -> None:
    """Neither as the first good reading nor as the last: in a run of good ones something is measured each time."""
    ill = point(0, 5) if rule == "total" else point(0, 2, missing=["spo2"], could_be=5)
    well, tried = point(10, 1), point(41, 1, measured=False)
    assert clinical(after(ill, well, tried)).active
    assert not clinical(after(ill, well, tried, point(42, 1))).active
    assert clinical(after(ill, point(10, 1, measured=False), point(41, 1))).active


def test_an_attempt_at_which_nobody_can_tell_ends_a_run_of_good_readings() -> None:
    """A part that has gone missing by then makes the score unsure, whoever looked."""
    unsure = point(20, 1, missing=["spo2"], measured=False)
    assert clinical(after(point(0, 5), point(10, 1), unsure, point(41, 1))).active


def test_an_attempt_can_bear_a_rule_out() -> None:
    """What could be is known at once, and the alert keeps what came."""
    scored = point(0, 2, missing=["spo2"], could_be=5, measured=False, refused={"spo2": 0}, sent={"spo2": "120 %"})
    alert = clinical(after(scored))
    assert (alert.level, alert.state) == (Level.WATCH, State.NEW)
    assert alert.evidence["refused"] == {"spo2": {"age_ms": 0, "sent": "120 %"}}
    assert "refused" not in clinical(after(point(0, 5))).evidence
