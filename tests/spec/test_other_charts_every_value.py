"""NEWS 2012, MEWS and qSOFA as printed: every value, every subset missing, a million random sets each.

The oracles share no code and no chart file with the product.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.spec import news_as_printed as news
from tests.spec.random_sets import draw
from vwmon.scoring import charts, reference, vectorised

Chain = Callable[[float], int]


def mews_rate(value: float) -> int:
    """Score breaths a minute by Subbe 2001: below 9, 9-14, 15-20, 21-29, 30 and more."""
    if value < 9:
        return 2
    if value < 15:
        return 0
    if value < 21:
        return 1
    return 2 if value < 30 else 3


def mews_pulse(value: float) -> int:
    """Score beats a minute by Subbe 2001; 40 belongs to the band below 41."""
    if value < 41:
        return 2
    if value < 51:
        return 1
    if value < 101:
        return 0
    if value < 111:
        return 1
    return 2 if value < 130 else 3


def mews_pressure(value: float) -> int:
    """Score mmHg by Subbe 2001."""
    if value < 71:
        return 3
    if value < 81:
        return 2
    if value < 101:
        return 1
    return 0 if value < 200 else 2


def mews_temperature(value: float) -> int:
    """Score degrees by Subbe 2001: below 35 and from 38.5 on; 35.0 itself is normal."""
    return 2 if value < 35 or value > 38.45 else 0


@dataclass(frozen=True)
class Printed:
    """One chart as printed: by part every value and its points; the names of totals; from what points on red."""

    chart: str
    every: dict[str, list[float]]
    chains: dict[str, Chain]
    response: Callable[[int, bool], str]
    red: int = 100

    @property
    def most(self) -> list[int]:
        """Give the most points of each part."""
        return [max(self.chains[name](value) for value in values) for name, values in self.every.items()]


def _news_2012() -> Printed:
    every = news.EVERY | {"consciousness": [0.0, 2.0, 3.0, 4.0]}
    chains: dict[str, Chain] = {
        "respiratory_rate": news.respiratory_rate,
        "spo2": news.scale_1,
        "oxygen": lambda flow: 2 if flow else 0,
        "systolic_bp": news.systolic_bp,
        "heart_rate": news.heart_rate,
        "consciousness": lambda code: 3 if code else 0,
        "temperature": news.temperature,
    }
    return Printed(
        chart="news",
        every=every,
        chains=chains,
        response=lambda total, red: news.response_of_2012(total, red=red),
        red=3,
    )


MEWS = Printed(
    chart="mews",
    every={
        "respiratory_rate": [float(n) for n in range(1, 121)],
        "heart_rate": [float(n) for n in range(1, 351)],
        "systolic_bp": [float(n) for n in range(31, 400)],
        "temperature": [n / 10 for n in range(101, 500)],
        "consciousness": [0.0, 2.0, 3.0, 4.0],
    },
    chains={
        "respiratory_rate": mews_rate,
        "heart_rate": mews_pulse,
        "systolic_bp": mews_pressure,
        "temperature": mews_temperature,
        "consciousness": lambda code: max(int(code) - 1, 0),
    },
    response=lambda total, _: "high" if total >= 5 else "low",
)
QSOFA = Printed(
    chart="qsofa",
    every={
        "respiratory_rate": [float(n) for n in range(1, 121)],
        "systolic_bp": [float(n) for n in range(31, 400)],
        "gcs": [float(n) for n in range(3, 16)],
    },
    chains={
        "respiratory_rate": lambda value: int(value >= 22),
        "systolic_bp": lambda value: int(value <= 100),
        "gcs": lambda value: int(value < 15),
    },
    response=lambda total, _: "positive" if total >= 2 else "negative",
)
ALL = pytest.mark.parametrize("printed", [_news_2012(), MEWS, QSOFA], ids=lambda one: one.chart)


@ALL
def test_every_value_scores_as_printed_whatever_else_is_missing(printed: Printed) -> None:
    """Both twins, each value at the chart's resolution, with every subset of the other parts there."""
    chart, names = charts.load(printed.chart), list(printed.every)
    middle = {name: values[len(values) // 2] for name, values in printed.every.items()}
    for vital, value in [(name, value) for name, values in printed.every.items() for value in values]:
        values = middle | {vital: value}
        found = reference.score(chart, values, {})
        assert found.points[vital] == (printed.chains[vital](value),) * 2, (vital, value)
    for vital in names:
        others = [name for name in names if name != vital]
        for there in itertools.product((True, False), repeat=len(others)):
            kept = {vital, *itertools.compress(others, there)}
            rows = np.array(
                [
                    [value if name == vital else middle[name] if name in kept else np.nan for name in names]
                    for value in printed.every[vital]
                ]
            )
            at = names.index(vital)
            column = vectorised.score(chart, rows, {}).points_min[:, at].tolist()
            assert column == [printed.chains[vital](value) for value in printed.every[vital]]


@ALL
def test_a_million_random_sets_score_as_printed(printed: Printed) -> None:
    """Any subset: points, totals, completeness, red and responses."""
    chart = charts.load(printed.chart)
    assert [part.name for part in chart.parts] == list(printed.every)
    drawn = draw(np.random.default_rng(2001), printed.every, 1_000_000)
    looked_up = [[printed.chains[name](value) for value in values] for name, values in printed.every.items()]
    low, high = drawn.points(looked_up, printed.most)
    found = vectorised.score(chart, drawn.values, {})
    assert np.array_equal(found.points_min, low)
    assert np.array_equal(found.points_max, high)
    assert np.array_equal(found.complete, drawn.there.all(axis=1))
    named = np.array([[printed.response(total, red) for total in range(21)] for red in (False, True)])
    for points, band in ((low, found.band_min), (high, found.band_max)):
        red = (points >= printed.red).any(axis=1)
        assert np.array_equal(named[red.astype(int), points.sum(axis=1)], np.array(chart.responses)[band])
    assert np.array_equal(found.red, (low >= printed.red).any(axis=1))
    assert np.array_equal(found.total_min, low.sum(axis=1))
    assert np.array_equal(found.total_max, high.sum(axis=1))


@pytest.mark.parametrize(
    ("vital", "value", "points"),
    [
        ("heart_rate", 40.0, 2),
        ("temperature", 35.0, 0),
        ("temperature", 34.95, 0),
        ("temperature", 34.94, 2),
        ("respiratory_rate", 9.0, 0),
        ("respiratory_rate", 8.0, 2),
        ("systolic_bp", 70.0, 3),
    ],
)
def test_where_copies_of_mews_differ_the_papers_own_bands_hold(vital: str, value: float, points: int) -> None:
    """Pulse 40, temperature 35.0 and respiratory rate 9."""
    assert reference.score(charts.load("mews"), {vital: value}, {}).points[vital] == (points, points)


@pytest.mark.parametrize("name", ["news", "mews"])
def test_new_confusion_is_no_reading_on_a_chart_that_does_not_know_it(name: str) -> None:
    """C came with NEWS2: on an AVPU chart it is unknown, neither alert nor worse."""
    found = reference.score(charts.load(name), {"consciousness": 1.0}, {})
    assert found.points["consciousness"] == (0, 3)
    assert "consciousness" in found.missing


def test_a_lone_3_is_medium_in_2012_and_low_medium_in_2017() -> None:
    """The same readings, another response."""
    well = {"spo2": 97.0, "oxygen": 0.0, "systolic_bp": 120.0, "heart_rate": 70.0, "consciousness": 0.0}
    values = well | {"respiratory_rate": 25.0, "temperature": 37.0}
    assert reference.score(charts.load("news"), values, {}).band == "medium"
    assert reference.score(charts.load("news2"), values, {"spo2_scale": 1}).band == "low-medium"
