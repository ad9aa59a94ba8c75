"""The plain and the fast reading of every chart agree on fixed sets: what properties draw at length, in a second."""

import itertools
import math
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from vwmon.scoring import charts, deciding, reference, vectorised
from vwmon.scoring.records import MILLION, Chart, Part

ROWS = 150
Row = tuple[dict[str, float | None], dict[str, Any]]
TWO_WAYS = """
id = "two_ways"
title = "One subscore that may be read in two ways"
version = "1"
source = "these tests"
range = [0, 3]
[[parts]]
name = "flow"
unit = "L/min"
step = 1
[[parts.tables]]
bands = [{ upper = 9, points = 0 }, { lower = 10, points = 2 }]
[[parts]]
name = "fraction"
unit = "%"
step = 1
counts_as = "flow"
[[parts.tables]]
bands = [{ upper = 49, points = 1 }, { lower = 50, points = 3 }]
[[aggregate]]
lower = 0
upper = 3
band = "low"
response = "look"
"""
TWO_CONTEXTS = """
id = "two_contexts"
title = "What a pulse says of someone of two kinds"
version = "1"
source = "these tests"
range = [1, 4]
red_points = 4
[context.first]
values = [1, 2]
[context.second]
values = [1, 2]
[[parts]]
name = "pulse"
unit = "/min"
step = 1
[[parts.tables]]
when = { first = 1, second = 1 }
bands = [{ upper = 59, points = 1 }, { lower = 60, points = 2 }]
[[parts.tables]]
when = { first = 1, second = 2 }
bands = [{ upper = 59, points = 2 }, { lower = 60, points = 3 }]
[[parts.tables]]
when = { first = 2, second = 1 }
bands = [{ upper = 59, points = 3 }, { lower = 60, points = 1 }]
[[parts.tables]]
when = { first = 2, second = 2 }
bands = [{ upper = 59, points = 4 }, { lower = 60, points = 3 }]
[[parts]]
name = "worry"
unit = "{level}"
codes = [{ code = 0, name = "none" }, { code = 1, name = "grave", raises = "high" }, { code = 2, name = "past" }]
[[aggregate]]
lower = 1
upper = 2
band = "low"
response = "look"
[[aggregate]]
lower = 3
upper = 4
band = "high"
red_band = "red"
response = "come"
"""


def parsed(text: str) -> Chart:
    """Read a chart of points."""
    chart = charts.parse(text)
    assert isinstance(chart, Chart)
    return chart


CHARTS = {name: charts.load(name) for name in charts.names() if isinstance(charts.either(name), Chart)} | {
    "two_ways": parsed(TWO_WAYS),
    "two_contexts": parsed(TWO_CONTEXTS),
}


@pytest.fixture(autouse=True)
def _compiled_anew() -> Iterator[None]:
    """Compile every chart for each test, as the first score of a run does."""
    vectorised._compile.cache_clear()
    yield
    vectorised._compile.cache_clear()


def edges(part: Part) -> list[float | None]:
    """Give readings at, just below and half a step below where the bands of all tables of a part begin and end."""
    steps = {
        end for table in part.tables for band in table.bands for end in (band.lower, band.upper) if end is not None
    }
    at = [one * part.step / MILLION for one in sorted(steps)]
    step = part.step / MILLION
    near = [edge + by for edge in at for by in (0, -1e-6, 1e-6, -step / 2, step / 2, step, -step)]
    return [None, math.nan, math.inf, -1.0, 0.0, 1e12, *near]


def sets(chart: Chart) -> list[Row]:
    """Give sets of a chart in every context: each reading alone, each among good ones, and mixtures of them."""
    drawn = random.Random(20261127)
    contexts = [dict(zip(chart.context, words, strict=True)) for words in itertools.product(*chart.context.values())]
    each = [(part.name, value, context) for part in chart.parts for value in edges(part) for context in contexts]
    alone = [({name: value}, context) for name, value, context in each]
    among = [({**good(chart), name: value}, context) for name, value, context in each]
    mixed = [
        ({part.name: drawn.choice(edges(part)) for part in chart.parts if drawn.random() > 0.2}, drawn.choice(contexts))
        for _ in range(ROWS)
    ]
    return [one for some in (alone, among) for one in drawn.sample(some, min(len(some), 2 * ROWS))] + mixed


def good(chart: Chart) -> dict[str, float | None]:
    """Give a reading of each part that has the fewest points by its first table."""
    return {part.name: min(deciding.trials(part), key=partial(points_of, part)) for part in chart.parts}


def points_of(part: Part, value: float) -> int:
    """Give the points of a reading by the first table of its part; what is none there has the most."""
    band = reference.read(part, part.tables[0], value)
    return vectorised.NO_RED if band is None else band.points


def columns(chart: Chart, rows: list[Row]) -> vectorised.ScoreColumns:
    """Score sets as columns."""
    values = np.array(
        [[math.nan if (v := one.get(part.name)) is None else v for part in chart.parts] for one, _ in rows]
    )
    return vectorised.score(
        chart, values, {name: np.array([about[name] for _, about in rows]) for name in chart.context}
    )


@pytest.mark.hazard("H9")
@pytest.mark.parametrize("name", CHARTS)
def test_the_fast_score_is_the_plain_score(name: str) -> None:
    """Points, totals, what is missing, responses and notes, row by row."""
    chart = CHARTS[name]
    rows = sets(chart)
    found, words = columns(chart, rows), chart.responses
    assert {one.dtype for one in (found.points_min, found.points_max, found.band, found.trigger)} == {np.dtype(np.int8)}
    for i, (values, context) in enumerate(rows):
        plain = reference.score(chart, values, context)
        bounds = zip(found.points_min[i].tolist(), found.points_max[i].tolist(), strict=True)
        assert dict(zip(chart.measures, bounds, strict=True)) == plain.points, (values, context)
        there = dict(zip(chart.measures, found.present[i].tolist(), strict=True))
        assert tuple(measure for measure, known in there.items() if not known) == plain.missing
        assert (found.total_min[i], found.total_max[i]) == (plain.total_min, plain.total_max)
        assert (found.complete[i], found.red[i]) == (plain.complete, plain.red)
        assert (words[found.band_min[i]], words[found.band_max[i]]) == (plain.band_min, plain.band_max)
        assert (*words, "")[found.band[i]] == plain.band
        read = [(part, band) for part, band in zip(chart.triggers, found.trigger[i].tolist(), strict=True) if band >= 0]
        assert tuple(part.bands[band].note for part, band in read if part.bands[band].note) == plain.notes


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ({}, (0, 3)),
        ({"flow": 5.0}, (0, 0)),
        ({"fraction": 50.0}, (3, 3)),
        ({"flow": 12.0, "fraction": 40.0}, (2, 2)),
        ({"flow": 5.0, "fraction": 40.0}, (1, 1)),
    ],
    ids=str,
)
def test_of_two_ways_to_one_subscore_the_worst_that_was_read_counts(
    values: dict[str, float | None], points: tuple[int, int]
) -> None:
    """And while neither was, whatever either could be."""
    chart = CHARTS["two_ways"]
    assert reference.score(chart, values, {}).points == {"flow": points}
    found = columns(chart, [(values, {})])
    assert (found.points_min[0, 0], found.points_max[0, 0]) == points


@pytest.mark.parametrize("name", CHARTS)
def test_more_rows_than_fit_a_block_score_as_each_alone(name: str) -> None:
    """To the row: what is cut into blocks is put together again, whatever the last of them holds."""
    chart = CHARTS[name]
    rows = sets(chart)[:16]
    few = columns(chart, rows)
    for more in (0, 1):
        many = columns(chart, rows * (vectorised.BLOCK // len(rows)) + rows[:more])
        for column in ("points_min", "points_max", "present", "total_min", "total_max", "complete", "red", "trigger"):
            once, often = getattr(few, column), getattr(many, column)
            assert len(often) == vectorised.BLOCK + more
            assert (often[-len(rows) - more : len(often) - more] == once).all()
            assert (often[len(often) - more :] == once[:more]).all()


@pytest.mark.parametrize("name", CHARTS)
def test_readings_sort_by_their_points_and_by_the_direction_of_danger(name: str) -> None:
    """Points of the first table; low saturations and pressures are the worse, of all else the high ones."""
    chart = CHARTS[name]
    for at, part in enumerate(chart.parts):
        values = [value for value in edges(part) if value is not None and math.isfinite(value)]
        direction, points = vectorised.severity(chart, np.full(len(values), at), np.array(values))
        sign = -1 if part.name in {"spo2", "systolic_bp"} else 1
        assert direction.tolist() == [sign * value for value in values]
        bands = [reference.read(part, part.tables[0], value) for value in values]
        assert points.tolist() == [-1 if band is None else band.points for band in bands]
