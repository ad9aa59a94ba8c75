"""NEWS2 as the Royal College of Physicians printed it: every value of every vital, against bands written out in tests.

The oracle shares no code and no chart file with the product: the numbers are those of Chart 1 and Chart 4 (2017).
"""

import itertools
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.spec.news_as_printed import (
    EVERY,
    MOST,
    NAMES,
    heart_rate,
    respiratory_rate,
    response,
    scale_1,
    scale_2,
    systolic_bp,
    temperature,
)
from tests.spec.random_sets import Drawn, draw
from vwmon.scoring import charts, reference, vectorised

CHART = charts.load("news2")
SUBSETS = list(itertools.product((True, False), repeat=7))
AT_MOST_ONE_MISSING = [there for there in SUBSETS if sum(there) >= 6]
# A set of readings in which each part scores 0, one in which each scores, and one that is red all over.
WELL = (16.0, 96.0, 0.0, 120.0, 70.0, 0.0, 37.0)
UNWELL = (22.0, 93.0, 2.0, 105.0, 95.0, 0.0, 38.5)
RED = (30.0, 97.0, 4.0, 80.0, 150.0, 3.0, 34.0)


def bounds(values: tuple[float, ...], there: tuple[bool, ...], scale: int) -> list[tuple[int, int]]:
    """Give the lowest and highest points of each part when only some are there."""
    rate, saturation, flow, pressure, pulse, mind, warmth = values
    if not there[1]:
        spo2 = (0, 3)
    elif scale == 1:
        spo2 = (scale_1(saturation),) * 2
    elif there[2]:
        spo2 = (scale_2(saturation, on_oxygen=flow > 0),) * 2
    else:
        spo2 = (scale_2(saturation, on_oxygen=False), scale_2(saturation, on_oxygen=True))
    points = [
        (respiratory_rate(rate),) * 2,
        spo2,
        (2 if flow > 0 else 0,) * 2,
        (systolic_bp(pressure),) * 2,
        (heart_rate(pulse),) * 2,
        (0 if mind == 0 else 3,) * 2,
        (temperature(warmth),) * 2,
    ]
    return [one if here else (0, most) for one, here, most in zip(points, there, MOST, strict=True)]


def expected(values: tuple[float, ...], there: tuple[bool, ...], scale: int) -> tuple[object, ...]:
    """Score one set by hand: totals, completeness, red, response and points."""
    points = bounds(values, there, scale)
    low, high = sum(one[0] for one in points), sum(one[1] for one in points)
    red, may_be_red = any(one[0] == 3 for one in points), any(one[1] == 3 for one in points)
    mild, worst = response(low, red=red), response(high, red=may_be_red)
    return low, high, all(there), red, mild if mild == worst else "", tuple(points)


def given(vital: str, base: tuple[float, ...]) -> list[tuple[float, ...]]:
    """Give a base set with every value of one vital in its place."""
    at = NAMES.index(vital)
    return [(*base[:at], value, *base[at + 1 :]) for value in EVERY[vital]]


def scored(sets: list[tuple[tuple[float, ...], tuple[bool, ...], int]]) -> list[tuple[object, ...]]:
    """Score sets with the vectorised twin, in the oracle's form."""
    values = np.array([values for values, _, _ in sets])
    values[~np.array([there for _, there, _ in sets])] = np.nan
    found = vectorised.score(CHART, values, {"spo2_scale": np.array([scale for _, _, scale in sets])})
    bands = (*CHART.responses, "")
    points = np.stack([found.points_min, found.points_max], axis=2).tolist()
    columns = (found.total_min, found.total_max, found.complete, found.red, found.band)
    rows = zip(*(column.tolist() for column in columns), points, strict=True)
    return [(*row[:4], bands[row[4]], tuple(map(tuple, row[5]))) for row in rows]


@pytest.mark.hazard("H8", "H9")
@pytest.mark.parametrize(
    ("base", "subsets"),
    [(UNWELL, SUBSETS), (WELL, AT_MOST_ONE_MISSING), (RED, AT_MOST_ONE_MISSING)],
    ids=["unwell", "well", "red"],
)
@pytest.mark.parametrize("vital", NAMES)
def test_every_value_of_every_vital_scores_as_printed_whatever_is_missing(
    vital: str, base: tuple[float, ...], subsets: list[tuple[bool, ...]]
) -> None:
    """All values at the chart's resolution, both scales, air and oxygen; once with all 128 subsets of what is there."""
    readings = [
        (*values[:2], flow, *values[3:]) if vital != "oxygen" else values
        for values in given(vital, base)
        for flow in ((0.0, 2.0) if vital != "oxygen" else (0.0,))
    ]
    sets = list(itertools.product(readings, subsets, (1, 2)))
    wrong = [
        (one, ours, theirs) for one, ours in zip(sets, scored(sets), strict=True) if ours != (theirs := expected(*one))
    ]
    assert not wrong[:5]


@pytest.mark.hazard("H9")
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("vital", NAMES)
def test_the_plain_reading_scores_every_value_as_printed_too(vital: str, scale: int) -> None:
    """The reference is held against the same oracle, with everything there and with each part missing in turn."""
    at = NAMES.index(vital)
    lonely = [tuple(i != gone for i in range(7)) for gone in range(7) if gone != at]
    for values, there in itertools.product(given(vital, UNWELL), [(True,) * 7, *lonely]):
        seen = {name: value for name, value, here in zip(NAMES, values, there, strict=True) if here}
        found = reference.score(CHART, seen, {"spo2_scale": scale})
        points = tuple(found.points[name] for name in NAMES)
        ours = (found.total_min, found.total_max, found.complete, found.red, found.band, points)
        assert ours == expected(values, there, scale), (values, there)


def spo2_points(drawn: Drawn, scale: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the bounds of the points of SpO2: on scale 2 they depend on the oxygen, which may be missing."""
    on_1, on_air, on_oxygen = (
        np.array([points(value) for value in EVERY["spo2"]])[drawn.index[:, 1]]
        for points in (scale_1, lambda v: scale_2(v, on_oxygen=False), lambda v: scale_2(v, on_oxygen=True))
    )
    oxygen, known = drawn.index[:, 2] > 0, drawn.there[:, 2]
    low = np.where(known & oxygen, on_oxygen, on_air)
    high = np.where(known & ~oxygen, on_air, on_oxygen)
    low, high = (np.where(scale == 1, on_1, one) for one in (low, high))
    return np.where(drawn.there[:, 1], low, 0), np.where(drawn.there[:, 1], high, 3)


@pytest.mark.hazard("H9")
def test_a_million_random_sets_score_as_printed() -> None:
    """Values that have nothing to do with each other, any subset, either scale: points are looked up as printed."""
    count = 1_000_000
    rng = np.random.default_rng(2017)
    drawn, scale = draw(rng, EVERY, count), rng.integers(1, 3, count)
    chains = {
        "respiratory_rate": respiratory_rate,
        "spo2": scale_1,
        "oxygen": lambda flow: 2 if flow else 0,
        "systolic_bp": systolic_bp,
        "heart_rate": heart_rate,
        "consciousness": lambda code: 3 if code else 0,
        "temperature": temperature,
    }
    low, high = drawn.points([[chains[name](value) for value in EVERY[name]] for name in NAMES], MOST)
    low[:, 1], high[:, 1] = spo2_points(drawn, scale)
    found = vectorised.score(CHART, drawn.values, {"spo2_scale": scale})
    assert np.array_equal(found.points_min, low)
    assert np.array_equal(found.points_max, high)
    assert np.array_equal(found.present, drawn.there)
    assert np.array_equal(found.complete, drawn.there.all(axis=1))
    totals = (low.sum(axis=1), high.sum(axis=1))
    reds = ((low == 3).any(axis=1), (high == 3).any(axis=1))
    assert np.array_equal(found.total_min, totals[0])
    assert np.array_equal(found.total_max, totals[1])
    assert np.array_equal(found.red, reds[0])
    named = np.array([[response(total, red=red) for total in range(21)] for red in (False, True)])
    for total, red, band in zip(totals, reds, (found.band_min, found.band_max), strict=True):
        assert np.array_equal(named[red.astype(int), total], np.array(CHART.responses)[band])


HALVES: list[tuple[str, Callable[[float], int], Decimal]] = [
    ("respiratory_rate", respiratory_rate, Decimal(1)),
    ("spo2", scale_1, Decimal(1)),
    ("systolic_bp", systolic_bp, Decimal(1)),
    ("heart_rate", heart_rate, Decimal(1)),
    ("temperature", temperature, Decimal("0.1")),
]


@pytest.mark.hazard("H9")
@pytest.mark.parametrize(("vital", "points", "step"), HALVES, ids=[half[0] for half in HALVES])
def test_values_between_the_printed_ones_go_to_the_nearest_and_halves_away_from_zero(
    vital: str, points: Callable[[float], int], step: Decimal
) -> None:
    """A tenth of a step at a time through the whole range: 36.05 is 36.1, and 90.5 is 91."""
    values = [step * tenth / 10 for tenth in range(10 * int(min(EVERY[vital]) / float(step)), 4001)]
    printed = [float((value / step).quantize(Decimal(1), ROUND_HALF_UP) * step) for value in values]
    table = np.full((len(values), 7), np.nan)
    table[:, NAMES.index(vital)] = [float(value) for value in values]
    found = vectorised.score(CHART, table, {"spo2_scale": np.ones(len(values), dtype=np.int64)})
    ours = found.points_min[:, NAMES.index(vital)].tolist()
    assert ours == [points(value) for value in printed]
    plain = [reference.score(CHART, {vital: float(value)}, {"spo2_scale": 1}).points[vital][0] for value in values]
    assert plain == ours


@pytest.mark.hazard("H9")
@pytest.mark.parametrize(
    ("changed", "scale", "total", "band", "red"),
    [
        ({}, 1, 0, "low", False),
        ({"respiratory_rate": 25.0}, 1, 3, "low-medium", True),
        ({"spo2": 97.0, "oxygen": 2.0}, 2, 5, "medium", True),
        ({"spo2": 97.0}, 2, 0, "low", False),
        ({"consciousness": 1.0}, 1, 3, "low-medium", True),
        ({"temperature": 36.05}, 1, 0, "low", False),
        ({"temperature": float(np.float32(39.1))}, 1, 2, "low", False),
        ({"systolic_bp": 90.5}, 1, 2, "low", False),
        ({"heart_rate": 131.0, "respiratory_rate": 25.0, "systolic_bp": 101.0}, 1, 7, "high", True),
    ],
    ids=lambda value: str(value).replace(" ", ""),
)
def test_cases_that_other_programs_get_wrong_come_out_as_printed(
    changed: dict[str, float], scale: int, total: int, band: str, red: bool
) -> None:
    """Lone reds, scale 2 on air and oxygen, halves, and numbers that came through single precision."""
    found = reference.score(CHART, dict(zip(NAMES, WELL, strict=True)) | changed, {"spo2_scale": scale})
    assert (found.total_min, found.total_max, found.band, found.red) == (total, total, band, red)


@pytest.mark.hazard("H8")
def test_everything_missing_is_everything_possible() -> None:
    """Nothing read is anything from 0 to 20, never a total of nothing."""
    found = reference.score(CHART, {}, {"spo2_scale": 1})
    assert (found.total_min, found.total_max, found.complete, found.band) == (0, 20, False, "")
    assert found.missing == NAMES
