"""What models look at: the same windows as everything else, and the views that are made from several."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.kernels.ragged import Floats, arranged
from vwmon.scoring.models import View
from vwmon.scoring.views import reckon

HOUR = 3_600_000
VITALS = ("heart_rate", "systolic_bp")


def view(statistic: str, hours: int = 6, vital: str = "heart_rate", per: str = "") -> View:
    """Name a view."""
    return View(vital=vital, statistic=statistic, window_ms=hours * HOUR, per=per)


def seen(
    readings: Sequence[tuple[int, str, float, float]], moments: Sequence[tuple[int, float]], *views: View
) -> dict[View, Floats]:
    """Reckon views of readings (stay, vital, hour, value) at moments (stay, hour)."""
    stays = max([stay for stay, *_ in readings] + [stay for stay, _ in moments], default=0) + 1
    columns = arranged(
        np.array([stay * 2 + VITALS.index(vital) for stay, vital, _, _ in readings], dtype=np.int64),
        np.array([hour * HOUR for _, _, hour, _ in readings]).astype(np.int64),
        np.array([value for *_, value in readings], dtype=np.float64),
        stays * 2,
    )
    stay = np.array([stay for stay, _ in moments], dtype=np.int64)
    at_ms = np.array([hour * HOUR for _, hour in moments]).astype(np.int64)
    return reckon(columns, VITALS, stay, at_ms, views)


def test_a_view_is_the_statistic_of_its_window() -> None:
    """Of the stay's own readings, up to the moment and not after it."""
    readings = [(0, "heart_rate", hour, 60.0 + hour) for hour in range(10)] + [(1, "heart_rate", 5, 200.0)]
    found = seen(readings, [(0, 5), (0, 9), (1, 4)], view("last"), view("mean"), view("max", 3))
    assert found[view("last")].tolist() == pytest.approx([65, 69, np.nan], nan_ok=True)
    assert found[view("mean")].tolist() == pytest.approx([62.5, 66.5, np.nan], nan_ok=True)
    assert found[view("max", 3)].tolist() == pytest.approx([65, 69, np.nan], nan_ok=True)


def test_a_view_per_another_vital_is_the_ratio_of_the_two() -> None:
    """Missing where either is."""
    readings = [(0, "heart_rate", 1, 90.0), (0, "systolic_bp", 1, 120.0), (1, "heart_rate", 1, 90.0)]
    shock = view("last", per="systolic_bp")
    assert seen(readings, [(0, 2), (1, 2)], shock)[shock].tolist() == pytest.approx([0.75, np.nan], nan_ok=True)


def test_deviation_is_now_against_the_patients_own_past() -> None:
    """The last sixth of the window against all of it."""
    readings = [(0, "heart_rate", hour, 60.0) for hour in range(1, 23)] + [(0, "heart_rate", 23, 90.0)]
    found = seen(readings, [(0, 23.5)], view("deviation", 24))[view("deviation", 24)]
    assert found[0] == pytest.approx((3 * 60 + 90) / 4 - (22 * 60 + 90) / 23)


def test_pace_is_how_much_more_often_someone_is_read_than_before() -> None:
    """Twice an hour in the last six hours, once an hour before: 2 against (18 + 12) / 24."""
    hourly = [(0, "heart_rate", float(hour), 60.0) for hour in range(1, 43)]
    readings = hourly + [(0, "heart_rate", hour + 0.5, 60.0) for hour in range(37, 43)]
    found = seen(readings, [(0, 42.75)], view("pace"))[view("pace")]
    assert found[0] == pytest.approx(12 / 6 - 30 / 24)


def test_a_stay_that_has_just_begun_has_no_pace() -> None:
    """Otherwise the pace would say how long someone has been there."""
    readings = [(0, "heart_rate", hour, 60.0) for hour in range(1, 7)]
    found = seen(readings, [(0, hour) for hour in range(1, 7)], view("pace"))[view("pace")]
    assert found.tolist() == pytest.approx([0] * 6)


def test_an_even_pace_is_nothing_however_long_the_stay() -> None:
    """Hourly readings, at any hour."""
    readings = [(0, "heart_rate", hour, 60.0) for hour in range(1, 60)]
    found = seen(readings, [(0, hour) for hour in range(1, 60)], view("pace"))[view("pace")]
    assert found.tolist() == pytest.approx([0] * 59)


def test_a_vital_that_is_not_there_is_missing() -> None:
    """It is not a vital of nothing."""
    found = seen([(0, "heart_rate", 1, 60.0)], [(0, 1)], view("last", vital="spo2"), view("pace", vital="spo2"))
    assert np.isnan(list(found.values())).all()


def test_without_any_reading_everything_is_missing() -> None:
    """And nothing fails."""
    found = seen([], [(0, 1)], view("mean"), view("deviation"))
    assert np.isnan(list(found.values())).all()


READING = st.tuples(st.integers(0, 2), st.sampled_from(VITALS), st.integers(0, 50), st.integers(40, 200).map(float))
EVERY = [view(name) for name in ("last", "mean", "std", "slope", "pace", "deviation")] + [
    view("last", per="systolic_bp")
]


@given(st.lists(READING, max_size=40), st.integers(0, 2), st.integers(0, 50))
def test_nothing_after_a_moment_and_nobody_else_changes_what_is_seen(
    readings: list[tuple[int, str, float, float]], stay: int, hour: int
) -> None:
    """The views at a moment are those of the stay's readings up to it, to the bit."""
    alone = [one for one in readings if one[0] == stay and one[2] <= hour]
    whole, part = seen(readings, [(stay, hour)], *EVERY), seen(alone, [(stay, hour)], *EVERY)
    for one in EVERY:
        np.testing.assert_array_equal(whole[one], part[one], err_msg=str(one))
