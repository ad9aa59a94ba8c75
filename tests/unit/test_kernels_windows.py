"""Windows against slow twins that look at every reading."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vwmon.kernels.ragged import offsets
from vwmon.kernels.windows import NEVER_AGE, last_valid

values = st.one_of(st.just(math.nan), st.integers(30, 40).map(float))
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), values), max_size=25)
queries = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 14)), max_size=12)


def slow_last_valid(readings: list[tuple[int, int, float]], series: int, at: int) -> tuple[float | None, int]:
    """Look through all readings for the last one that is a number."""
    seen = [(time, value) for one, time, value in readings if one == series and time <= at and not math.isnan(value)]
    return (seen[-1][1], at - seen[-1][0]) if seen else (None, NEVER_AGE)


@given(rows, queries)
def test_last_valid_is_what_a_slow_search_finds(
    readings: list[tuple[int, int, float]], asked: list[tuple[int, int]]
) -> None:
    """Value and age at every query, in any order of queries, past what is not a number."""
    once = {(series, time): value for series, time, value in readings}
    flat = [(*key, once[key]) for key in sorted(once)]
    series = np.array([row[0] for row in flat], dtype=np.int64)
    columns = np.array([row[1] for row in flat], dtype=np.int64), np.array([row[2] for row in flat], dtype=np.float64)
    wanted = np.array(asked, dtype=np.int64).reshape(-1, 2)
    for column in (*columns, wanted):
        column.flags.writeable = False
    value, age = last_valid(*columns, offsets(series, 4), wanted[:, 0], wanted[:, 1])
    found = [(None if math.isnan(v) else v, a) for v, a in zip(value.tolist(), age.tolist(), strict=True)]
    assert found == [slow_last_valid(flat, *one) for one in asked]


def test_a_reading_at_the_moment_itself_counts_and_has_no_age() -> None:
    """At or before, not only before."""
    value, age = last_valid(np.array([10]), np.array([97.0]), np.array([0, 1]), np.array([0, 0]), np.array([10, 9]))
    assert value[0] == 97.0
    assert np.isnan(value[1])
    assert age.tolist() == [0, NEVER_AGE]
