"""Overdue readings: the technical alert, blindness, the patient who is sick and unseen; faults of the service."""

import pytest

from alerts import acts, lifecycle
from alerts.errors import AlertRefused
from alerts.model import SYSTEM_STAY, Case, ConditionState, Kind, Lane, Level, Outcome, State
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
    person,
    point,
    technical,
)

DUE = 60 * MINUTE
NOW = 65 * MINUTE


def silent(case: Case, part: str = "respiratory_rate", due_ms: int = DUE) -> Case:
    """Let a part fall overdue."""
    return lifecycle.overdue(case, part, due_ms, due_ms + 5 * MINUTE, last_ms=due_ms - HOUR)


def test_an_overdue_part_raises_a_technical_alert_as_of_its_deadline() -> None:
    """When anyone looked does not matter: the alert is as old as the silence is late."""
    early, late = (lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, known) for known in (DUE, DUE + HOUR))
    assert early == late
    alert = technical(early)
    assert (alert.state, alert.level, alert.opened_ms) == (State.NEW, Level.WATCH, DUE)
    assert alert.due_ms == DUE + POLICY.clocks[Level.WATCH].first_response_ms


def test_the_same_silence_reported_twice_is_one_alert() -> None:
    """Every tick finds the part overdue again; only the first is news."""
    case = silent(Case(stay_no=STAY))
    assert silent(case) is case
    assert silent(case, due_ms=DUE + MINUTE) is case


def test_two_silent_parts_are_one_alert() -> None:
    """One item for the patient's kit, however many readings are missing; the list says which."""
    case = silent(silent(Case(stay_no=STAY)), "temperature", DUE + MINUTE)
    assert kinds(case) == [Kind.RAISED]
    assert set(technical(case).evidence["overdue"]) == {"respiratory_rate", "temperature"}
    assert set(case.overdue) == {"respiratory_rate", "temperature"}


def test_the_return_of_the_last_part_ends_the_alert() -> None:
    """One part back is not all parts back."""
    case = silent(silent(Case(stay_no=STAY)), "temperature", DUE + MINUTE)
    one = lifecycle.returned(case, "temperature", NOW, NOW + LAG)
    assert technical(one).state == State.NEW
    both = lifecycle.returned(one, "respiratory_rate", NOW, NOW + LAG)
    assert technical(both).state == State.CLOSED
    assert (technical(both).cleared_ms, technical(both).closed_ms) == (NOW, NOW + LAG)
    assert not both.overdue


def test_a_reading_no_newer_than_the_last_ends_no_silence() -> None:
    """An old reading that comes late is no sign of life."""
    case = silent(Case(stay_no=STAY))
    assert lifecycle.returned(case, "respiratory_rate", DUE - HOUR, NOW) is case
    assert lifecycle.returned(case, "respiratory_rate", DUE - HOUR + 1, NOW) is not case
    unknown = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, DUE)
    assert lifecycle.returned(unknown, "spo2", DUE - 1, NOW) is unknown
    assert lifecycle.returned(unknown, "spo2", DUE, NOW) is not unknown


def test_what_returned_cannot_return_or_fall_due_again_by_repetition() -> None:
    """The same deadline and the same reading, told again, change nothing; the next deadline does."""
    case = lifecycle.returned(silent(Case(stay_no=STAY)), "respiratory_rate", NOW, NOW)
    assert silent(case) is case
    assert lifecycle.returned(case, "respiratory_rate", NOW, NOW) is case
    assert lifecycle.returned(case, "spo2", NOW, NOW) is case
    again = silent(case, due_ms=NOW + HOUR)
    assert (technical(again).state, technical(again).ordinal) == (State.NEW, 2)
    assert technical(again).recurrence_of == technical(case).alert_no


def test_a_deadline_that_a_reading_has_answered_is_no_news() -> None:
    """Neither one that fell while the part was overdue, nor one that a reading from before it answered late."""
    case = silent(silent(Case(stay_no=STAY)), due_ms=DUE + 2 * MINUTE)
    back = lifecycle.returned(case, "respiratory_rate", NOW, NOW)
    assert silent(back, due_ms=DUE + 2 * MINUTE) is back
    late = lifecycle.returned(silent(Case(stay_no=STAY)), "respiratory_rate", DUE - 10 * MINUTE, NOW)
    assert technical(late).state == State.CLOSED
    assert silent(late) is late


def test_a_score_told_again_does_not_lift_what_is_unknown() -> None:
    """Blind stays blind: the reading that raised the alert says nothing about now."""
    raised = point(0, respiratory_rate=3)
    case = silent(after(raised))
    assert follow(case, point(0, respiratory_rate=3, received=70, late=True)) is case


def test_one_of_two_silences_that_a_person_closed_may_end() -> None:
    """The other one is still closed."""
    both = silent(silent(Case(stay_no=STAY)), "spo2", DUE + MINUTE)
    case = closed(acked(both, 66, lane=Lane.TECHNICAL), 70, "no-action", Lane.TECHNICAL)
    back = lifecycle.returned(case, "spo2", 75 * MINUTE, 75 * MINUTE)
    assert (technical(back).state, technical(back).ordinal) == (State.CLOSED, 1)
    assert set(back.overdue) == {"respiratory_rate"}


@pytest.mark.hazard("H25")
def test_an_alert_whose_evidence_is_overdue_is_blind() -> None:
    """Open, and nobody knows how the patient is: flagged, and its recovery must start anew."""
    case = silent(after(point(0, respiratory_rate=3), point(50, 1)))
    assert clinical(case).blind_ms == DUE
    assert case.conditions["news2_red"].state == ConditionState.UNKNOWN
    assert case.conditions["news2_red"].clear_ms is None


def test_silence_of_another_part_blinds_nothing() -> None:
    """Only what the alert stands on can hide how it goes on."""
    case = silent(after(point(0, respiratory_rate=3)), "temperature")
    assert clinical(case).blind_ms is None
    assert technical(case).level == Level.WATCH


@pytest.mark.hazard("H25")
def test_a_blind_alert_never_settles() -> None:
    """Good readings of other parts are no evidence about the one that is missing."""
    case = silent(after(point(0, temperature=1, heart_rate=2, respiratory_rate=2)), "temperature")
    good = [point(m, missing=["temperature"]) for m in (70, 110, 200)]
    assert clinical(follow(case, *good)).state == State.NEW


def test_sight_comes_back_with_the_reading() -> None:
    """Then the recovery can begin, and takes its time."""
    case = silent(after(point(0, respiratory_rate=3)))
    case = lifecycle.returned(case, "respiratory_rate", 70 * MINUTE, 70 * MINUTE + LAG)
    assert clinical(case).blind_ms is None
    case = follow(case, point(70, 1), point(90, 1))
    assert clinical(case).state == State.NEW
    assert clinical(follow(case, point(100, 1))).state == State.SETTLED


@pytest.mark.hazard("H25")
@pytest.mark.parametrize(("points", "level"), [({"spo2": 3}, 2), ({"spo2": 3, "heart_rate": 2, "temperature": 2}, 3)])
def test_sick_and_unseen_is_as_urgent_as_the_patient(points: dict[str, int], level: int) -> None:
    """The technical alert takes the level of the open alert that nobody can see."""
    case = silent(after(point(0, **points)), "spo2")  # type: ignore[arg-type]
    assert technical(case).level == level
    assert technical(case).evidence["sick_and_unseen"]["id"] == clinical(case).id


def test_a_watched_patient_who_is_blind_stays_at_the_lowest_level() -> None:
    """Only levels 2 and 3 carry over."""
    case = silent(after(point(0, spo2=2, could_be=6)), "spo2")
    assert clinical(case).blind_ms is not None
    assert technical(case).level == Level.WATCH


def test_the_technical_alert_rises_when_the_unseen_patient_worsens() -> None:
    """A late reading can show a level 3 that nobody sees any more."""
    case = silent(after(point(0, respiratory_rate=3)))
    worse = follow(case, point(30, 7, respiratory_rate=3, received=70, late=True))
    assert (clinical(worse).level, technical(worse).level) == (Level.EMERGENCY, Level.EMERGENCY)
    assert technical(worse).state == State.NEW


def test_an_acknowledged_technical_alert_comes_back_when_the_patient_is_sick_and_unseen() -> None:
    """Acknowledged as a flat battery, it is something else now."""
    case = acked(silent(after(point(0, temperature=1))), 66, lane=Lane.TECHNICAL)
    sick = follow(case, point(70, respiratory_rate=3, temperature=2))
    assert technical(sick).state == State.RERAISED


def test_the_technical_alert_eases_when_the_patient_is_no_longer_sick() -> None:
    """What is left of it is a missing reading."""
    case = silent(after(point(0, spo2=3)), "spo2")
    transferred = closed(acked(case, 66), 70, "transferred")
    assert (technical(transferred).level, technical(transferred).peak) == (Level.WATCH, Level.URGENT)
    assert technical(transferred).state == State.NEW


def test_a_rise_up_to_what_was_acknowledged_is_covered() -> None:
    """Acknowledged as sick and unseen, eased, and again sick and unseen within its time: still in hand."""
    case = acked(silent(after(point(0, spo2=3)), "spo2"), 61, lane=Lane.TECHNICAL)
    eased = closed(acked(case, 62), 63, "transferred")
    assert (technical(eased).level, technical(eased).ack_level) == (Level.WATCH, Level.URGENT)
    again = follow(eased, point(70, spo2=3))
    assert kinds(again)[-1] == Kind.WORSENED
    assert (technical(again).state, technical(again).level) == (State.ACKNOWLEDGED, Level.URGENT)


def test_a_technical_alert_that_was_urgent_waits_for_a_person() -> None:
    """Someone was sick and unseen; that is reviewed, not forgotten."""
    case = silent(after(point(0, spo2=3)), "spo2")
    back = lifecycle.returned(case, "spo2", NOW, NOW + LAG)
    assert technical(back).state == State.SETTLED
    assert technical(silent(back, "spo2", NOW + HOUR)).state == State.RERAISED


def test_a_technical_alert_closed_by_a_person_stays_closed_for_that_silence() -> None:
    """The same silence is no news; a new one is."""
    case = closed(acked(silent(Case(stay_no=STAY)), 66, lane=Lane.TECHNICAL), 70, "no-action", Lane.TECHNICAL)
    assert silent(case) is case
    more = silent(case, "spo2", 80 * MINUTE)
    assert (technical(more).state, technical(more).ordinal) == (State.NEW, 2)
    back = lifecycle.returned(case, "respiratory_rate", 75 * MINUTE, 75 * MINUTE)
    assert technical(back).state == State.CLOSED
    assert not back.overdue


def test_a_closed_silence_asks_again_when_the_patient_turns_out_sick() -> None:
    """Nobody closed that."""
    case = closed(acked(silent(Case(stay_no=STAY)), 66, lane=Lane.TECHNICAL), 70, "no-action", Lane.TECHNICAL)
    sick = follow(case, point(40, respiratory_rate=3, received=80, late=True))
    assert (technical(sick).state, technical(sick).level) == (State.NEW, Level.URGENT)


def test_nobody_closes_the_silence_of_a_patient_who_is_sick_and_unseen() -> None:
    """Only a transfer ends it, or a reading."""
    case = acked(silent(after(point(0, spo2=3)), "spo2"), 66, lane=Lane.TECHNICAL)
    refused = acts.close(case, technical(case), person(70), Outcome.TECHNICAL_FIXED)
    assert isinstance(refused.refusal, AlertRefused)
    assert refused.case is case
    assert acts.close(case, technical(case), person(70), Outcome.TRANSFERRED).refusal is None


def test_a_fault_of_the_service_is_an_alert_of_its_own_lane() -> None:
    """Broker and silence share one alert at the higher level; it settles when both are over."""
    case = lifecycle.overdue(Case(stay_no=SYSTEM_STAY), "broker", DUE, NOW)
    alert = case.alerts[Lane.SYSTEM]
    assert (alert.level, alert.opened_ms, alert.since_ms) == (Level.URGENT, NOW, DUE)
    assert lifecycle.overdue(case, "broker", DUE, NOW + MINUTE) is case
    worse = lifecycle.overdue(case, "silent", DUE, NOW + MINUTE)
    assert worse.alerts[Lane.SYSTEM].level == Level.EMERGENCY
    half = lifecycle.returned(worse, "silent", NOW + HOUR, NOW + HOUR)
    assert (half.alerts[Lane.SYSTEM].level, half.alerts[Lane.SYSTEM].state) == (Level.URGENT, State.NEW)
    over = lifecycle.returned(half, "broker", NOW + HOUR, NOW + HOUR)
    assert over.alerts[Lane.SYSTEM].state == State.SETTLED
    assert lifecycle.returned(over, "broker", NOW + HOUR, NOW + HOUR) is over


def test_a_fault_that_comes_back_raises_its_settled_alert_again() -> None:
    """One bad night is one item."""
    case = lifecycle.overdue(Case(stay_no=SYSTEM_STAY), "broker", DUE, NOW)
    case = lifecycle.returned(case, "broker", NOW + MINUTE, NOW + MINUTE)
    case = lifecycle.overdue(case, "broker", NOW + HOUR, NOW + HOUR)
    assert (case.alerts[Lane.SYSTEM].state, case.alerts[Lane.SYSTEM].ordinal) == (State.RERAISED, 1)
    assert Lane.TECHNICAL not in case.alerts
