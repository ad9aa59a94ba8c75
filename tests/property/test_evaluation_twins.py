"""The fast reckoning of an evaluation against slow twins that follow the definitions word for word."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.evaluation.alert_load import raised
from vwmon.evaluation.bootstrap import draws
from vwmon.evaluation.moments import Spans, moments
from vwmon.evaluation.ranks import Ranking, auroc, average_precision
from vwmon.kernels.ragged import Bools, Floats, Ints

HOUR = 3_600_000
ROW = st.tuples(
    st.integers(0, 4),  # few scores, so that many tie
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 3),
)
ROWS = st.lists(ROW, max_size=30)


def pairwise_auroc(rows: list[tuple[int, bool, int, int]], *, strata: bool) -> float:
    """Every pair of a positive and a negative row, one by one."""
    won = total = 0.0
    for score, positive, stratum, weight in rows:
        for other, also, where, counts in rows:
            if positive and not also and (not strata or stratum == where):
                won += weight * counts * (1.0 if score > other else 0.5 if score == other else 0.0)
                total += weight * counts
    return won / total if total else math.nan


def stepwise_precision(rows: list[tuple[int, bool, int, int]]) -> float:
    """Precision at each score from the highest down, weighed by the events first found there."""
    events = sum(weight for _, positive, _, weight in rows if positive)
    area = 0.0
    for cut in sorted({score for score, *_ in rows}, reverse=True):
        called = sum(weight for score, _, _, weight in rows if score >= cut)
        found = sum(weight for score, positive, _, weight in rows if score >= cut and positive)
        here = sum(weight for score, positive, _, weight in rows if score == cut and positive)
        area += here * found / called if called else 0.0
    return area / events if events else math.nan


def columns(rows: list[tuple[int, bool, int, int]]) -> tuple[Floats, Bools, Ints, Floats]:
    """Give the rows as columns."""
    score, positive, stratum, weight = zip(*rows, strict=True) if rows else ((), (), (), ())
    return (
        np.array(score, dtype=np.float64),
        np.array(positive, dtype=np.bool_),
        np.array(stratum, dtype=np.int64),
        np.array(weight, dtype=np.float64),
    )


@given(ROWS)
def test_the_area_by_ranks_is_the_share_of_pairs(rows: list[tuple[int, bool, int, int]]) -> None:
    """Ties count half, weights multiply, and without a pair there is no area."""
    score, positive, _, weight = columns(rows)
    found = auroc(Ranking.of(score), positive, weight)
    assert found == pytest.approx(pairwise_auroc(rows, strata=False), nan_ok=True)


@given(ROWS)
def test_the_area_within_strata_counts_no_pair_across(rows: list[tuple[int, bool, int, int]]) -> None:
    """Nobody is compared with someone at another hour of the stay."""
    score, positive, stratum, weight = columns(rows)
    found = auroc(Ranking.of(score, stratum), positive, weight)
    assert found == pytest.approx(pairwise_auroc(rows, strata=True), nan_ok=True)


@given(ROWS)
def test_average_precision_is_the_sum_of_its_steps(rows: list[tuple[int, bool, int, int]]) -> None:
    """Rows with one score are called together, whatever their order."""
    score, positive, _, weight = columns(rows)
    found = average_precision(Ranking.of(score), positive, weight)
    assert found == pytest.approx(stepwise_precision(rows), nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.booleans()), max_size=40), st.integers(1, 30))
def test_a_lockout_is_kept_as_someone_with_a_watch_would(rows: list[tuple[int, int, bool]], lockout: int) -> None:
    """The next alert on a patient comes at the first moment that is reached a lockout or more after the last one."""
    kept = sorted({(patient, time): reached for patient, time, reached in rows}.items())
    expected: list[int] = []
    until: dict[int, int] = {}
    for number, ((patient, time), reached) in enumerate(kept):
        if reached and time >= until.get(patient, 0):
            expected.append(number)
            until[patient] = time + lockout
    along = np.array([patient * (61 + lockout) + time for (patient, time), _ in kept], dtype=np.int64)
    assert raised(along, np.array([reached for _, reached in kept], dtype=np.bool_), lockout).tolist() == expected


@given(
    st.integers(0, 30),
    st.integers(0, 60),
    st.integers(-10, 100) | st.none(),
    st.integers(1, 7),
    st.integers(1, 40),
)
def test_moments_are_the_grid_before_the_event(
    first: int, length: int, event: int | None, every: int, horizon: int
) -> None:
    """From the first reading to the last, never at or after the event; positive where it comes within the horizon."""
    at = math.inf if event is None else float(event)
    spans = Spans(
        first_ms=np.array([first]),
        last_ms=np.array([first + length]),
        zero_ms=np.array([0]),
        event_ms=np.array([at]),
        left_out=np.array([False]),
    )
    found = moments(spans, every, horizon)
    expected = [time for time in range(0, 200, every) if first <= time <= first + length and time < at]
    assert found.times_ms.tolist() == expected
    assert found.positive.tolist() == [at - time <= horizon for time in expected]


@given(st.integers(1, 20), st.integers(0, 5))
def test_a_draw_is_as_many_patients_as_there_are_and_the_same_for_the_same_seed(patients: int, seed: int) -> None:
    """Whoever runs it again gets the same interval."""
    first, again = (list(draws(patients, 3, seed)) for _ in range(2))
    assert all(weights.sum() == patients for weights in first)
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
