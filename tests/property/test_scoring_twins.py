"""The two readings of a chart agree on everything that can be asked of them, for every chart of the package."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vwmon.scoring import charts, deciding, deciding_columns, ratio_columns, ratios, reference, vectorised
from vwmon.scoring.charts import PARTS
from vwmon.scoring.records import Chart, Part, Ratio

CHART = charts.load("news2")
EVERY = [charts.either(name) for name in charts.names()]
SUMS = [chart for chart in EVERY if isinstance(chart, Chart)]
RATIOS = [chart for chart in EVERY if isinstance(chart, Ratio)]

Row = tuple[dict[str, float | None], dict[str, Any]]


def numbers(part: Part) -> st.SearchStrategy[float | None]:
    """Draw what may come as a reading of a part: anything, and often something near the edge of a band."""
    edges = sorted({band.lower * part.step / 1e6 for band in part.bands if band.lower is not None})
    near = st.sampled_from(edges).flatmap(
        lambda edge: st.sampled_from([edge, edge - 1e-6, edge + 1e-7, edge - part.step / 2e6, edge - part.step / 2e7])
    )
    return st.one_of(st.none(), near, near, st.integers(-3, 230).map(float), st.floats(0, 250), st.floats())


def rows(chart: Chart) -> st.SearchStrategy[Row]:
    """Draw an observation set of a chart, with what else it asks for."""
    return st.tuples(
        st.fixed_dictionaries({part.name: numbers(part) for part in chart.parts}),
        st.fixed_dictionaries({name: st.sampled_from(words) for name, words in chart.context.items()}),
    )


SETS = st.sampled_from(SUMS).flatmap(
    lambda chart: st.tuples(st.just(chart), st.lists(rows(chart), min_size=1, max_size=6))
)


def columns(chart: Chart, drawn: list[Row]) -> tuple[Any, dict[str, Any]]:
    """Give rows as the columns that the vectorised twin takes, not to be written to."""
    values = np.array([[math.nan if one[p.name] is None else one[p.name] for p in chart.parts] for one, _ in drawn])
    values.flags.writeable = False
    return values, {name: np.array([context[name] for _, context in drawn]) for name in chart.context}


def bounds(found: vectorised.ScoreColumns, row: int) -> list[tuple[int, int]]:
    """Give the points of one row."""
    return list(zip(found.points_min[row].tolist(), found.points_max[row].tolist(), strict=True))


@pytest.mark.hazard("H9")
@settings(max_examples=200)
@given(SETS)
@example((CHART, [({**dict.fromkeys(PARTS), "spo2": 97.0}, {"spo2_scale": 2})]))
@example((CHART, [({**dict.fromkeys(PARTS), "spo2": 97.0, "oxygen": -1.0}, {"spo2_scale": 2})]))
def test_the_vectorised_score_is_the_plain_score_row_by_row(drawn: tuple[Chart, list[Row]]) -> None:
    """For any numbers at all: every column equals what the reference says of that row alone."""
    chart, sets = drawn
    values, context = columns(chart, sets)
    found = vectorised.score(chart, values, context)
    names = chart.responses
    for i, (one, about) in enumerate(sets):
        plain = reference.score(chart, one, about)
        assert list(plain.points.values()) == bounds(found, i)
        assert plain.missing == tuple(m for m, there in zip(chart.measures, found.present[i], strict=True) if not there)
        assert (plain.total_min, plain.total_max) == (found.total_min[i], found.total_max[i])
        assert (plain.complete, plain.red) == (found.complete[i], found.red[i])
        assert (plain.band_min, plain.band_max) == (names[found.band_min[i]], names[found.band_max[i]])
        assert plain.band == (*names, "")[found.band[i]]
        read = zip(chart.triggers, found.trigger[i].tolist(), strict=True)
        assert plain.notes == tuple(part.bands[band].note for part, band in read if band >= 0 and part.bands[band].note)


@settings(max_examples=150)
@given(SETS)
def test_the_vectorised_decider_is_the_plain_decider_row_by_row(drawn: tuple[Chart, list[Row]]) -> None:
    """Which measurement would settle a score, whether it surely would, and between what."""
    chart, sets = drawn
    values, context = columns(chart, sets)
    found = deciding_columns.deciders(chart, values, context, vectorised.score(chart, values, context))
    names, words = deciding_columns.candidates(chart), chart.responses
    for i, (one, about) in enumerate(sets):
        plain = deciding.decider(chart, one, about)
        if plain is None:
            assert found.measure[i] == deciding_columns.NOTHING
            continue
        assert (plain.measure, plain.settles) == (names[found.measure[i]], found.settles[i])
        assert (plain.low, plain.high) == (found.low[i], found.high[i])
        assert (plain.low_band, plain.high_band) == (words[found.low_band[i]], words[found.high_band[i]])


@settings(max_examples=100)
@given(SETS)
def test_where_one_measurement_surely_settles_it_no_other_could(drawn: tuple[Chart, list[Row]]) -> None:
    """So that the one that is named is never the worse choice."""
    chart, sets = drawn
    for values, context in sets:
        sure = deciding.decider(chart, values, context)
        if sure is None or not sure.settles:
            continue
        for name, part in deciding.untaken(chart, reference.score(chart, values, context)):
            tried = [reference.score(chart, {**values, part.name: value}, context) for value in deciding.trials(part)]
            assert name == sure.measure or not any(one.band for one in tried)


@pytest.mark.hazard("H8")
@settings(max_examples=200)
@given(
    st.sampled_from(SUMS).flatmap(lambda chart: st.tuples(st.just(chart), rows(chart), st.sampled_from(chart.parts)))
)
def test_losing_a_reading_only_widens_the_score(drawn: tuple[Chart, Row, Part]) -> None:
    """Whatever a missing part would have been, the interval without it holds the one with it."""
    chart, (values, context), gone = drawn
    whole = reference.score(chart, values, context)
    without = reference.score(chart, values | {gone.name: None}, context)
    if any(
        values.get(part.name) is not None for part in chart.parts if part.counts_as == gone.counts_as and part != gone
    ):
        return  # it can be read in another way, which then stands alone
    assert without.total_min <= whole.total_min
    assert whole.total_max <= without.total_max
    assert without.band in {"", whole.band}


@settings(max_examples=200)
@given(st.floats(-500, 500), st.sampled_from([1, 100_000, 1_000_000]))
def test_a_quantised_value_is_at_most_half_a_step_away(value: float, step: int) -> None:
    """And quantising again changes nothing."""
    steps = reference.quantise(value, step)
    assert abs(steps * step / 1e6 - value) <= step / 2e6 + 1e-6
    assert reference.quantise(steps * step / 1e6, step) == steps


@settings(max_examples=200)
@given(st.sampled_from(range(len(PARTS))), st.lists(st.floats(0, 300), min_size=2, max_size=6, unique=True))
def test_of_several_readings_the_worst_has_the_most_points(part: int, values: list[float]) -> None:
    """Severity orders by points first; no other reading of the part scores more than the one it puts last."""
    direction, points = vectorised.severity(CHART, np.full(len(values), part), np.array(values))
    worst = int(np.lexsort((direction, points))[-1])
    scores = [reference.score(CHART, {PARTS[part]: value}, {"spo2_scale": 1}) for value in values]
    readable = [score.points[PARTS[part]][0] for score in scores if PARTS[part] not in score.missing]
    if readable:
        assert scores[worst].points[PARTS[part]][0] == max(readable)


def terms(ratio: Ratio) -> st.SearchStrategy[dict[str, float | None]]:
    """Draw the readings of a ratio, most of them in their ranges."""
    return st.fixed_dictionaries(
        {
            term.name: st.one_of(st.none(), st.floats(), *[st.floats(term.lower / 1e6, term.upper / 1e6)] * 6)
            for term in ratio.terms
        }
    )


@settings(max_examples=200)
@given(
    st.sampled_from(RATIOS).flatmap(lambda one: st.tuples(st.just(one), st.lists(terms(one), min_size=1, max_size=6)))
)
def test_a_vectorised_ratio_is_the_plain_ratio_row_by_row(
    drawn: tuple[Ratio, list[Mapping[str, float | None]]],
) -> None:
    """To the bit, and without a value in the same rows."""
    ratio, sets = drawn
    values = np.array([[math.nan if v is None else v for v in (one[t.name] for t in ratio.terms)] for one in sets])
    values.flags.writeable = False
    found = ratio_columns.score(ratio, values)
    for one, value, band in zip(sets, found.value.tolist(), found.band.tolist(), strict=True):
        plain = ratios.score(ratio, one)
        assert plain.band == ("" if band == ratio_columns.NO_VALUE else ratio.bands[band].name)
        assert plain.value == (None if band == ratio_columns.NO_VALUE else value)
        assert (plain.value is None) == bool(plain.missing)


@pytest.mark.parametrize("chart", SUMS, ids=lambda chart: chart.id)
def test_no_rows_score_to_no_rows_on_any_chart(chart: Chart) -> None:
    """An empty table is no error."""
    context = {name: np.array(words)[:0] for name, words in chart.context.items()}
    values = np.empty((0, len(chart.parts)))
    found = vectorised.score(chart, values, context)
    assert found.points_min.shape == (0, len(chart.measures))
    assert len(deciding_columns.deciders(chart, values, context, found).measure) == 0


@pytest.mark.parametrize("chart", SUMS, ids=lambda chart: chart.id)
def test_many_rows_score_as_each_of_them_does(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many are scored at a time cannot be seen, in any column."""
    rng = np.random.default_rng(9)
    values = rng.uniform(0, 200, (50, len(chart.parts)))
    values[rng.random(values.shape) < 0.4] = np.nan
    context = {name: rng.choice(np.array(words), 50) for name, words in chart.context.items()}
    whole = vectorised.score(chart, values, context)
    monkeypatch.setattr(vectorised, "BLOCK", 7)
    cut = vectorised.score(chart, values, context)
    for field in dataclasses.fields(vectorised.ScoreColumns):
        assert np.array_equal(getattr(whole, field.name), getattr(cut, field.name)), field.name
