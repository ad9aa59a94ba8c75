"""Which moments are judged: nothing after the event, nobody without a known time, and the last one of each."""

import numpy as np

from vwmon.evaluation.moments import Moments, Spans, moments
from vwmon.kernels.ragged import Bools, Floats

HOUR = 3_600_000


def laid(event: Floats | None = None, left_out: Bools | None = None, zero: int = 0) -> Moments:
    """Lay moments over three patients, read from hour 1, 2 and 3 to hour 5."""
    spans = Spans(
        first_ms=np.array([1, 2, 3]) * HOUR,
        last_ms=np.full(3, 5 * HOUR),
        zero_ms=np.full(3, zero),
        event_ms=np.full(3, np.inf) if event is None else event * HOUR,
        left_out=np.zeros(3, dtype=np.bool_) if left_out is None else left_out,
    )
    return moments(spans, HOUR, 2 * HOUR)


def test_every_patient_has_moments_from_the_first_reading_to_the_last() -> None:
    """On whole hours of the stay's clock, numbered by patient."""
    found = laid()
    assert found.times_ms.tolist() == [hour * HOUR for hour in (1, 2, 3, 4, 5, 2, 3, 4, 5, 3, 4, 5)]
    assert found.patient.tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert found.hour.tolist() == [1, 2, 3, 4, 5, 2, 3, 4, 5, 3, 4, 5]
    assert found.starts.tolist() == [0, 5, 9]
    assert not found.positive.any()


def test_the_event_ends_a_patients_moments() -> None:
    """At the event and after it is never a moment, before it by the horizon is positive."""
    found = laid(np.array([4.0, np.inf, np.inf]))
    assert found.times_ms[found.patient == 0].tolist() == [HOUR, 2 * HOUR, 3 * HOUR]
    assert found.positive[found.patient == 0].tolist() == [False, True, True]
    assert found.until_ms[:3].tolist() == [3 * HOUR, 2 * HOUR, HOUR]


def test_a_patient_whose_event_came_before_any_reading_has_no_moment() -> None:
    """The others are numbered without a gap, and `members` says who they are."""
    found = laid(np.array([np.inf, 2.0, np.inf]))
    assert found.members.tolist() == [0, 2]
    assert found.patient.tolist() == [0] * 5 + [1] * 3


def test_a_patient_who_is_left_out_has_no_moment() -> None:
    """Whatever the time of the event."""
    assert laid(left_out=np.array([True, False, True])).members.tolist() == [1]


def test_hours_count_from_the_stays_own_clock() -> None:
    """A recording on a calendar begins its hours where the stay began."""
    found = laid(zero=HOUR)
    assert found.hour[found.patient == 0].tolist() == [0, 1, 2, 3, 4]


def test_the_last_moment_of_each_patient_is_kept_alone() -> None:
    """With an event it is the last one before it."""
    found = laid(np.array([4.0, np.inf, np.inf])).last()
    assert found.times_ms.tolist() == [3 * HOUR, 5 * HOUR, 5 * HOUR]
    assert found.positive.tolist() == [True, False, False]
    assert found.starts.tolist() == [0, 1, 2]


def test_some_patients_can_be_kept() -> None:
    """By a mask over those that have moments."""
    found = laid().of(np.array([False, True, True]))
    assert found.members.tolist() == [1, 2]
    assert found.starts.tolist() == [0, 4]
    assert len(found) == 7
