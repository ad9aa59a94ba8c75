"""Whether predictions come true: the bins, the line through them, and when there is none."""

import numpy as np
import pytest

from vwmon.evaluation.bootstrap import interval
from vwmon.evaluation.calibration import calibration, probability


def test_predictions_that_come_true_lie_on_the_line() -> None:
    """Intercept 0 and slope 1."""
    chance = np.random.default_rng(1)
    odds = chance.normal(-2, 1.5, 50_000)
    found = calibration(odds, chance.random(50_000) < probability(odds))
    assert found.intercept == pytest.approx(0, abs=0.05)
    assert found.slope == pytest.approx(1, abs=0.03)


def test_predictions_that_are_too_extreme_have_a_slope_below_one() -> None:
    """Twice as sure as they should be: half the slope. Predicted too high: an intercept below nothing."""
    chance = np.random.default_rng(1)
    odds = chance.normal(-1, 1, 50_000)
    came = chance.random(50_000) < probability(odds)
    assert calibration(odds * 2, came).slope == pytest.approx(0.5, abs=0.02)
    assert calibration(odds + 1, came).intercept == pytest.approx(-1, abs=0.05)


def test_bins_are_equal_in_size_and_ascend() -> None:
    """Each with the mean of what was predicted and the share of what came."""
    odds = np.array([3.0, -3.0, 0.0, 1.0])
    found = calibration(odds, np.array([True, False, False, True]), bins=2).bins
    assert [one.rows for one in found] == [2, 2]
    assert found[0].predicted == pytest.approx((probability(np.array([-3.0])) + 0.5)[0] / 2)
    assert (found[0].observed, found[1].observed) == (0, 1)


@pytest.mark.parametrize(
    ("odds", "came"),
    [
        ([-2.0, -1.0, 1.0, 2.0], [False, False, True, True]),  # told apart without fault: no slope is steep enough
        ([0.0, 0.0, 0.0, 0.0], [False, True, True, True]),
        ([1.0, 2.0, 3.0, 4.0], [True] * 4),
        ([1.0, 2.0, 3.0, 4.0], [False] * 4),
    ],
)
def test_where_there_is_no_line_none_is_given(odds: list[float], came: list[bool]) -> None:
    """And the bins are."""
    found = calibration(np.array(odds), np.array(came))
    assert np.isnan(found.slope)
    assert len(found.bins) == 4


def test_fewer_moments_than_bins_make_fewer_bins() -> None:
    """None is empty."""
    assert len(calibration(np.zeros(3), np.array([True, False, False])).bins) == 3


def test_probabilities_do_not_overflow() -> None:
    """However sure."""
    assert probability(np.array([-1e6, 0.0, 1e6])).tolist() == [0, 0.5, 1]


def test_an_interval_holds_the_middle_of_the_draws() -> None:
    """NaN is passed over, and of nothing there is none."""
    assert interval(np.append(np.arange(101.0), np.nan)) == pytest.approx((2.5, 97.5))
    assert np.isnan(interval(np.full(3, np.nan))).all()
