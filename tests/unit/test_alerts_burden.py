"""The numbers of the work list, each against what a person would count by hand."""

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.burden import ACTIONABLE, DAY_MS, HOUR_MS, MINUTE_MS, RERAISES, Timeline, burden
from alerts.model import Kind, Lane, Level, Outcome

PATIENTS = {number: f"p{number}" for number in range(1, 21)}


def alert(stay: int = 1, **changes: Any) -> Timeline:  # noqa: ANN401 -- fields of Timeline
    """Build a clinical alert at level 2, raised in hours at hour 1."""
    usual: dict[str, Any] = {
        "stay_no": stay,
        "lane": Lane.CLINICAL,
        "peak": Level.URGENT,
        "opened_ms": HOUR_MS,
        "opened_in_hours": True,
    }
    return Timeline(**usual | changes)


def answered(minutes: float, **changes: Any) -> Timeline:  # noqa: ANN401 -- as above
    """Build an alert acknowledged after so many minutes."""
    return alert(acknowledged_ms=HOUR_MS + round(minutes * MINUTE_MS), **changes)


def test_a_list_without_alerts_has_no_shares_and_no_times() -> None:
    """Nothing is divided by nothing, and nothing is said to be zero that was not measured."""
    found = burden([], 0, {})
    assert (found["alerts"], found["rates"], found["response"], found["busiest"]) == (0, [], [], [])
    assert found["reraised"]["share"] is None
    assert found["busiest_tenth_share"] is None
    assert set(found["actionable_share"].values()) == {None}


def test_alerts_are_counted_by_lane_and_worst_level_for_each_patient_day() -> None:
    """Three alerts in four patient-days; the worst level counts, not the last."""
    some = [alert(), alert(2), alert(2, lane=Lane.TECHNICAL, peak=Level.WATCH)]
    assert burden(some, 4 * DAY_MS, PATIENTS)["rates"] == [
        {"lane": "clinical", "level": 2, "alerts": 2, "per_patient_day": 0.5},
        {"lane": "technical", "level": 1, "alerts": 1, "per_patient_day": 0.25},
    ]


def test_without_patient_time_there_is_no_rate() -> None:
    """An alert of the service on a ward without patients is counted all the same."""
    (row,) = burden([alert(0, lane=Lane.SYSTEM)], 0, {})["rates"]
    assert (row["alerts"], row["per_patient_day"]) == (1, None)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_alert_was_actionable_when_something_was_done(outcome: Outcome) -> None:
    """Something for the patient, the plan or the kit; of those not closed by a person nothing is known."""
    found = burden([alert(outcome=outcome), alert(2)], DAY_MS, PATIENTS)
    assert found["actionable_share"]["clinical"] == (1.0 if outcome in ACTIONABLE else 0.0)
    assert found["outcomes"] == {outcome.value: 1}


def test_in_hours_and_out_of_hours_are_told_apart() -> None:
    """A night without an answer must not vanish in a quick day."""
    some = [answered(5), answered(7), alert(opened_in_hours=False), answered(600, opened_in_hours=False)]
    day, night = burden(some, DAY_MS, PATIENTS)["response"]
    assert (day["hours"], day["alerts"], day["acknowledged"], day["minutes_to_acknowledge_median"]) == ("in", 2, 2, 6.0)
    assert (night["hours"], night["alerts"], night["acknowledged"]) == ("out", 2, 1)
    assert night["minutes_to_acknowledge_p90"] == 600.0


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=30))
def test_times_are_the_median_and_the_ninetieth_centile(minutes: list[int]) -> None:
    """Of the first acknowledgements; never outside what was measured."""
    (row,) = burden([answered(each) for each in minutes], DAY_MS, PATIENTS)["response"]
    assert row["minutes_to_acknowledge_median"] == pytest.approx(statistics.median(minutes), abs=0.05)
    ninetieth = row["minutes_to_acknowledge_p90"]
    assert sum(each <= ninetieth + 0.05 for each in minutes) >= 0.9 * len(minutes) - 1
    assert min(minutes) <= ninetieth <= max(minutes)


@pytest.mark.parametrize("kind", list(Kind))
def test_an_alert_was_raised_again_when_it_asked_to_be_answered_again(kind: Kind) -> None:
    """Worse than covered, expired, relapsed, or revived by late evidence; however often, it counts once."""
    found = burden([alert(kinds={kind: 3}), alert(2)], DAY_MS, PATIENTS)["reraised"]
    again = kind in RERAISES
    assert found == {"alerts": int(again), "share": 0.5 * again, "because": {kind.value: 1} if again else {}}


def test_the_busiest_patients_are_named_and_their_share_is_told() -> None:
    """A tenth of twenty patients is two of them; the service's own alerts are nobody's."""
    some = [*[alert(3)] * 6, *[alert(5)] * 2, alert(4), alert(9), alert(0, lane=Lane.SYSTEM)]
    found = burden(some, DAY_MS, PATIENTS)
    assert found["busiest"][:2] == [
        {"stay": 3, "patient": "p3", "alerts": 6},
        {"stay": 5, "patient": "p5", "alerts": 2},
    ]
    assert len(found["busiest"]) == 4
    assert found["busiest_tenth_share"] == 0.8


def test_blind_hours_are_added_up() -> None:
    """Over all alerts."""
    assert burden([alert(blind_ms=HOUR_MS), alert(2, blind_ms=HOUR_MS // 2)], DAY_MS, PATIENTS)["blind_hours"] == 1.5
