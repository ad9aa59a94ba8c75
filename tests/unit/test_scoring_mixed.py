"""Adults and children of one ward scored together: each as its own chart says of it alone."""

import math

import numpy as np
import pytest

from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.scoring import charts, mixed, reference
from vwmon.scoring.layouts import ADULT, AGE_BANDS, COLUMNS

WELL = [18.0, 97.0, 0.0, 100.0, 80.0, math.nan, math.nan]
ILL = [31.0, 93.0, 2.0, 85.0, 135.0, 1.0, 38.6]  # the last two are AVPU and temperature, or distress and refill
BANDS = [ADULT, 1, 2, ADULT, 3, 4]
ROWS = [WELL, ILL, WELL, ILL, ILL, WELL]


def alone(row: list[float], band: int) -> reference.Score:
    """Score one set by the chart that it is for; a child's flow of nothing is no device."""
    name = NEWS2 if band == ADULT else PEWS
    values = dict(zip(COLUMNS[name], row, strict=True))
    if band == ADULT:
        return reference.score(charts.load(NEWS2), values, {"spo2_scale": 1})
    device = {"oxygen_device": 0.0} if values["oxygen"] == 0 else {}
    return reference.score(charts.load(PEWS), values | device, {"age_band": AGE_BANDS[band - 1]})


@pytest.mark.hazard("H28")
@pytest.mark.parametrize("bands", [BANDS, [ADULT] * 6, [2] * 6, None], ids=["both", "adults", "children", "not said"])
def test_each_is_scored_by_the_chart_that_is_for_it(bands: list[int] | None) -> None:
    """In the order in which they came, whoever stands beside them."""
    values, band = np.array(ROWS), None if bands is None else np.array(bands)
    found = mixed.score(values, np.ones(len(ROWS), dtype=np.int8), band)
    for at, row in enumerate(ROWS):
        its = ADULT if bands is None else bands[at]
        plain = alone(row, its)
        points = [plain.points[name] for name in COLUMNS[NEWS2 if its == ADULT else PEWS]]
        assert list(zip(found.points_min[at].tolist(), found.points_max[at].tolist(), strict=True)) == points
        assert (found.total_min[at], found.total_max[at]) == (plain.total_min, plain.total_max)
        assert (found.complete[at], found.red[at]) == (plain.complete, plain.red)


@pytest.mark.hazard("H28")
def test_of_several_readings_of_a_child_its_own_chart_says_which_is_worst() -> None:
    """A pulse of 135 is 3 points of an adult and 1 of a child of five; a low saturation is the worse for both."""
    part = np.array([COLUMNS[PEWS].index(name) for name in ("heart_rate", "heart_rate", "spo2", "spo2")])
    values, bands = np.array([135.0, 135.0, 93.0, 93.0]), np.array([ADULT, 3, ADULT, 3])
    direction, points = mixed.severity(part, values, bands)
    assert direction.tolist() == [135, 135, -93, -93]
    assert points.tolist() == [3, 1, 2, 1]
    for adults in (None, np.full(4, ADULT)):
        direction, points = mixed.severity(part, values, adults)
        assert (direction.tolist(), points.tolist()) == ([135, 135, -93, -93], [3, 3, 2, 2])
