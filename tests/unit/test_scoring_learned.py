"""Reckoning with a learned score: each term by hand, what is missing, and what is not said."""

import math

import numpy as np
import pytest

from tests.unit.test_scoring_models import HOUR, PULSE, model, term
from vwmon.kernels.ragged import Floats
from vwmon.scoring.learned import LearnedColumns, contribution, points, score
from vwmon.scoring.models import View

SPO2 = View(vital="spo2", statistic="last", window_ms=4 * HOUR)


def values(*several: float) -> Floats:
    """Make a column."""
    return np.array(several, dtype=np.float64)


def scored(pulse: float, spo2: float = 97.0) -> LearnedColumns:
    """Score one moment with a model of one term, the pulse."""
    return score(model(term()), {PULSE: values(pulse), SPO2: values(spo2)})


def test_a_term_adds_its_line_its_bends_its_points_and_its_shift() -> None:
    """By hand at a pulse of 115: NEWS2 gives it 2 points, and it is above both knots."""
    added, missing = contribution("news2", term(), values(115))
    by_hand = 0.5 * (115 - 80) / 15 - 0.25 * (115 - 60) / 15 + 1.5 * (115 - 100) / 15 + 0.125 * 2 - 0.1
    assert added[0] == pytest.approx(by_hand)
    assert not missing[0]


def test_a_value_beyond_the_reach_adds_what_its_end_does() -> None:
    """A line that was fitted to 180 says nothing of 300."""
    added, _ = contribution("news2", term(points=0.0), values(180, 300, 40, 10))
    assert added[0] == added[1]
    assert added[2] == added[3]


def test_points_are_the_charts_own() -> None:
    """Of the value as it is, also beyond the reach; nothing for what is no part of the chart, or a ratio."""
    assert points("news2", PULSE, values(40, 41, 80, 111, 131, np.nan)).tolist() == [3, 1, 0, 2, 3, 0]
    assert points("news2", View(vital="glucose", statistic="last", window_ms=HOUR), values(30)).tolist() == [0]
    shock = View(vital="heart_rate", per="systolic_bp", statistic="last", window_ms=HOUR)
    assert points("news2", shock, values(1.5)).tolist() == [0]


def test_the_log_odds_are_the_intercept_and_the_terms() -> None:
    """With nothing missing the bounds are the value itself."""
    found = scored(80)
    added, _ = contribution("news2", term(), values(80))
    assert found.log_odds[0] == pytest.approx(-3.2500417 + added[0])
    assert found.low[0] == found.high[0] == found.log_odds[0]
    assert found.complete[0]


def test_what_is_missing_widens_the_bounds_and_is_not_normal() -> None:
    """The pulse could be anything that was ever seen; the model's number for missing lies between."""
    found = scored(math.nan)
    assert not found.complete[0]
    assert found.log_odds[0] == pytest.approx(-3.2500417 + 0.3)
    assert (found.low[0], found.high[0]) == pytest.approx((-4.2500417, -0.7500417))


def test_with_too_little_nothing_is_said() -> None:
    """No number at all, which no list can show as low."""
    found = score(model(term(), least=2), {PULSE: values(80, 80), SPO2: values(97, np.nan)})
    assert np.isnan(found.log_odds).tolist() == [False, True]
    assert np.isnan(found.low).tolist() == [False, True]
    assert found.complete.tolist() == [True, False]


def test_a_moment_is_incomplete_by_what_the_model_needs_and_not_by_its_terms() -> None:
    """SpO2 is needed though no term looks at it."""
    found = scored(80, math.nan)
    assert not found.complete[0]
    assert not np.isnan(found.log_odds[0])
