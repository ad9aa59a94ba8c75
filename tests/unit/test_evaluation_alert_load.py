"""What a score finds at an equal number of alerts: thresholds, mixtures, lockouts, leads."""

import numpy as np
import pytest

from vwmon.evaluation.alert_load import Alerts, alerts, at_load, at_threshold
from vwmon.evaluation.moments import Moments, Spans, moments
from vwmon.kernels.ragged import Floats

HOUR = 3_600_000


def stays(hours: list[int], events: dict[int, int], horizon: int = 12) -> Moments:
    """Lay out stays of so many hours, read every hour from 0 on; `events` has the hour of those that have one."""
    count = len(hours)
    event_ms = np.full(count, np.inf)
    for patient, hour in events.items():
        event_ms[patient] = hour * HOUR
    spans = Spans(
        first_ms=np.zeros(count, dtype=np.int64),
        last_ms=np.array(hours) * HOUR - HOUR,
        zero_ms=np.zeros(count, dtype=np.int64),
        event_ms=event_ms,
        left_out=np.zeros(count, dtype=np.bool_),
    )
    return moments(spans, HOUR, horizon * HOUR)


def found(stays_: Moments, scores: list[float], lockout_hours: int = 12) -> Alerts:
    """Find the alerts of scores."""
    return alerts(stays_, np.array(scores, dtype=np.float64), lockout_hours * HOUR)


def ones(stays_: Moments) -> Floats:
    """Count every patient once."""
    return np.ones(len(stays_.members))


def test_alerts_are_counted_by_patient_and_threshold() -> None:
    """Two patients of a day each: one always at 5, one at 7 once."""
    ward = stays([24, 24], {})
    of = found(ward, [5.0] * 24 + [0.0] * 10 + [7.0] + [0.0] * 13)
    assert of.thresholds.tolist() == [0, 5, 7, np.inf]
    assert of.raised.tolist() == [[2, 2], [2, 1], [0, 1], [0, 0]]
    assert of.days.tolist() == [1, 1]


def test_an_alert_is_right_when_the_event_comes_within_the_horizon_of_it() -> None:
    """The first alert is 20 hours before and wrong, the second 8 hours before and right."""
    ward = stays([24], {0: 20})
    of = found(ward, [5.0] * 20)
    at = at_load(of, 10, ones(ward))
    assert (at.sensitivity, at.ppv) == (1, 0.5)
    assert at.lead_hours == 12  # the alert of hour 0 no longer stands at hour 12, but the score is still reached


def test_an_event_that_the_score_does_not_see_is_not_found() -> None:
    """High long before the horizon, low within it."""
    ward = stays([40, 40], {0: 40, 1: 40})
    of = found(ward, [9.0] * 10 + [0.0] * 30 + [0.0] * 35 + [9.0] * 5)
    at = at_load(of, 0.6, ones(ward))
    assert at.load == pytest.approx(0.6)
    assert at.sensitivity == pytest.approx(0.5)
    assert at.lead_hours == 5


def test_a_load_between_two_thresholds_uses_one_for_some_patients_and_the_other_for_the_rest() -> None:
    """Half way between 0 and 2 alerts a day, half of what the lower threshold finds is found."""
    ward = stays([24, 24], {0: 24})
    of = found(ward, [5.0] * 24 + [5.0] * 24)
    at = at_load(of, 1.0, ones(ward))
    assert at.load == pytest.approx(1.0)
    assert (at.lower, at.threshold, at.share) == (5, np.inf, 0.5)
    assert at.sensitivity == pytest.approx(0.5)
    assert at.ppv == pytest.approx(0.25)


def test_a_score_that_cannot_alert_so_often_is_judged_at_its_lowest_threshold() -> None:
    """Nobody can be alerted more than twice a day with a lockout of twelve hours."""
    ward = stays([24], {0: 24})
    at = at_load(found(ward, [1.0] * 24), 50.0, ones(ward))
    assert (at.load, at.share, at.lower) == (2, 0, 1)


def test_a_moment_without_a_score_never_alerts() -> None:
    """Nothing said is not zero, and not the lowest threshold either."""
    ward = stays([24], {0: 24})
    of = found(ward, [-np.inf] * 20 + [1.0] * 4)
    assert of.thresholds.tolist() == [1, np.inf]
    assert of.raised[:, 0].tolist() == [1, 0]
    assert at_load(of, 5.0, ones(ward)).lead_hours == 4


def test_weights_are_patients_drawn_more_than_once_or_not_at_all() -> None:
    """A patient with weight 2 is as two such patients, with weight 0 as none."""
    ward = stays([24, 24, 24], {0: 24, 1: 24})
    of = found(ward, [5.0] * 24 + [0.0] * 24 + [5.0] * 24)
    assert at_load(of, 4 / 3, np.array([2.0, 1.0, 0.0])).sensitivity == pytest.approx(2 / 3)
    assert np.isnan(at_load(of, 2.0, np.array([0.0, 0.0, 1.0])).sensitivity)


def test_patients_are_judged_at_the_threshold_that_was_found_for_all() -> None:
    """At the ward's threshold one group may be alerted far more often than another."""
    ward = stays([24, 24], {0: 24})
    of = found(ward, [5.0] * 24 + [3.0] * 24)
    at = at_load(of, 1.0, ones(ward))
    assert at.threshold == 5
    high, low = at_threshold(of, at, np.array([1.0, 0.0])), at_threshold(of, at, np.array([0.0, 1.0]))
    assert (high.load, low.load) == (2, 0)
    assert (high.sensitivity, high.ppv) == (1, 0.5)
    assert np.isnan(low.ppv)


def test_many_distinct_scores_are_looked_at_where_it_matters() -> None:
    """A probability takes as many values as there are moments; the loads in between are still met."""
    ward = stays([100] * 50, {})
    scores = np.random.default_rng(1).random(len(ward))
    of = alerts(ward, scores, 12 * HOUR)
    assert len(of.thresholds) <= 161
    for load in (0.1, 0.5, 1.0):
        assert at_load(of, load, ones(ward)).load == pytest.approx(load)


def test_the_lead_is_the_median_over_the_events_that_were_found() -> None:
    """Found 3, 5 and 12 hours before, and one not at all."""
    ward = stays([12] * 4, {0: 12, 1: 12, 2: 12, 3: 12})
    scores = [1.0 if hour >= 12 - lead else 0.0 for lead in (3, 5, 12, 0) for hour in range(12)]
    at = at_load(found(ward, scores), 1.5, ones(ward))
    assert at.threshold == 1
    assert at.sensitivity == 0.75
    assert at.lead_hours == 5
