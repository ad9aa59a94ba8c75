"""The plain score: small cases a reader can check by eye."""

import math

import numpy as np
import pytest

from vwmon.scoring import charts, reference, vectorised

CHART = charts.load("news2")
SCALE_1, SCALE_2 = {"spo2_scale": 1}, {"spo2_scale": 2}


@pytest.mark.parametrize(
    ("value", "step", "steps"),
    [
        (36.05, 100_000, 361),
        (36.049, 100_000, 360),
        (90.5, 1_000_000, 91),
        (-0.5, 1_000_000, -1),
        (0.0, 1_000_000, 0),
        (float(np.float32(39.1)), 100_000, 391),
        ((96.9 - 32) * 5 / 9, 100_000, 361),
        (1e300, 1_000_000, 10**9),
    ],
)
def test_values_go_to_the_nearest_step_half_away_from_zero(value: float, step: int, steps: int) -> None:
    """In whole numbers, so that how a float is written in binary decides nothing."""
    assert reference.quantise(value, step) == steps


@pytest.mark.hazard("H9")
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_missing(value: float | None) -> None:
    """It is not normal, it is not the worst: it is unknown."""
    score = reference.score(CHART, {"heart_rate": value}, SCALE_1)
    assert score.points["heart_rate"] == (0, 3)
    assert "heart_rate" in score.missing


@pytest.mark.parametrize("code", [-1.0, 0.4, 2.5, 5.0])
def test_a_consciousness_that_is_no_code_is_missing(code: float) -> None:
    """A number that stands for no letter is never rounded to Alert."""
    assert "consciousness" in reference.score(CHART, {"consciousness": code}, SCALE_1).missing


def test_any_flow_of_oxygen_is_oxygen_and_less_than_none_is_missing() -> None:
    """There is no rounding of a small flow to air."""
    assert reference.score(CHART, {"oxygen": 0.1}, SCALE_1).points["oxygen"] == (2, 2)
    assert reference.score(CHART, {"oxygen": 0.0}, SCALE_1).points["oxygen"] == (0, 0)
    assert "oxygen" in reference.score(CHART, {"oxygen": -0.1}, SCALE_1).missing


@pytest.mark.parametrize(("spo2", "points"), [(97.0, (0, 3)), (93.0, (0, 1)), (92.0, (0, 0)), (85.0, (2, 2))])
def test_on_scale_2_an_unknown_oxygen_leaves_a_high_spo2_open(spo2: float, points: tuple[int, int]) -> None:
    """Above 92 % it depends on the oxygen; below it does not."""
    score = reference.score(CHART, {"spo2": spo2}, SCALE_2)
    assert score.points["spo2"] == points
    assert score.points["oxygen"] == (0, 2)
    assert score.missing == tuple(part for part in charts.PARTS if part != "spo2")


def test_a_part_that_may_be_red_is_not_red() -> None:
    """Red is what is certain on what was read; the response stays open while it is only possible."""
    well = {"respiratory_rate": 16, "systolic_bp": 120, "heart_rate": 70, "consciousness": 0, "temperature": 37}
    open_ = reference.score(CHART, well | {"spo2": 97}, SCALE_2)
    assert (open_.red, open_.band, open_.total_min, open_.total_max) == (False, "", 0, 5)
    settled = reference.score(CHART, well | {"spo2": 97, "oxygen": 2}, SCALE_2)
    assert (settled.red, settled.band, settled.complete) == (True, "medium", True)


def test_a_response_that_every_completion_agrees_on_is_given() -> None:
    """With 7 points certain it is high, whatever is missing."""
    score = reference.score(CHART, {"respiratory_rate": 30, "systolic_bp": 80, "spo2": 94}, SCALE_1)
    assert (score.total_min, score.band, score.complete) == (7, "high", False)


@pytest.mark.parametrize("scale", [0, 3])
def test_a_scale_that_does_not_exist_is_refused_by_both_twins(scale: int) -> None:
    """Which SpO2 scale a person is on is never guessed."""
    with pytest.raises(ValueError, match=r"^spo2_scale is one of 1, 2$"):
        reference.score(CHART, {}, {"spo2_scale": scale})
    with pytest.raises(ValueError, match=r"^spo2_scale is one of 1, 2$"):
        vectorised.score(CHART, np.full((2, 7), np.nan), {"spo2_scale": np.array([1, scale])})


def test_no_rows_score_to_no_rows() -> None:
    """An empty table is no error."""
    found = vectorised.score(CHART, np.empty((0, 7)), {"spo2_scale": np.empty(0, dtype=np.int64)})
    assert found.points_min.shape == (0, 7)
    assert found.total_min.shape == found.band.shape == (0,)
