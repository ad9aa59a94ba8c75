"""The two readings of a chart agree on everything that can be asked of them."""

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vwmon.scoring import charts, reference, vectorised
from vwmon.scoring.charts import PARTS

CHART = charts.load("news2")
EDGES = sorted(
    {band.lower * part.step / 1e6 for part in CHART.parts for t in part.tables for band in t.bands if band.lower}
)

numbers = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 250),
    st.sampled_from(EDGES).flatmap(
        lambda edge: st.sampled_from([edge - 0.5, edge - 0.05, edge, edge - 1e-6, edge + 1e-7])
    ),
    st.integers(-3, 230).map(float),
)
sets = st.fixed_dictionaries(dict.fromkeys(PARTS, numbers))


def seen(value: float | None) -> float:
    """Give the missing as the columns have it."""
    return math.nan if value is None else value


@settings(max_examples=200)
@given(st.lists(st.tuples(sets, st.integers(1, 2)), min_size=1, max_size=8))
@example([({**dict.fromkeys(PARTS), "spo2": 97.0}, 2)])
@example([({**dict.fromkeys(PARTS), "spo2": 97.0, "oxygen": -1.0}, 2)])
def test_the_vectorised_score_is_the_plain_score_row_by_row(
    rows: list[tuple[dict[str, float | None], int]],
) -> None:
    """For any numbers at all: every column equals what the reference says of that row alone."""
    values = np.array([[seen(values[part]) for part in PARTS] for values, _ in rows])
    values.flags.writeable = False
    found = vectorised.score(CHART, values, {"spo2_scale": np.array([scale for _, scale in rows])})
    names = (*vectorised.responses(CHART), "")
    for i, (one, scale) in enumerate(rows):
        plain = reference.score(CHART, one, {"spo2_scale": scale})
        assert [plain.points[part] for part in PARTS] == list(
            zip(found.points_min[i].tolist(), found.points_max[i].tolist(), strict=True)
        )
        assert plain.missing == tuple(p for p, there in zip(PARTS, found.present[i], strict=True) if not there)
        assert (plain.total_min, plain.total_max) == (found.total_min[i], found.total_max[i])
        assert (plain.complete, plain.red, plain.band) == (found.complete[i], found.red[i], names[found.band[i]])


@settings(max_examples=200)
@given(sets, st.integers(1, 2), st.sampled_from(PARTS))
def test_losing_a_reading_only_widens_the_score(values: dict[str, float | None], scale: int, gone: str) -> None:
    """Whatever a missing part would have been, the interval without it holds the one with it."""
    whole = reference.score(CHART, values, {"spo2_scale": scale})
    without = reference.score(CHART, values | {gone: None}, {"spo2_scale": scale})
    assert without.total_min <= whole.total_min
    assert whole.total_max <= without.total_max
    assert without.band in {"", whole.band}
    assert gone in without.missing


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
