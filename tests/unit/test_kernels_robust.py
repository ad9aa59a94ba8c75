"""The robust kernels: against the standard library, at their edges, and on lines that are known."""

from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.kernels import robust
from vwmon.kernels.ragged import Ints

GROUPS = st.lists(st.lists(st.integers(-(10**6), 10**6), max_size=12), max_size=8)
HOURS = 24


def flat(groups: list[list[int]]) -> tuple[Ints, Ints]:
    """Give owners and numbers of groups, mixed up."""
    owner = np.array([number for number, group in enumerate(groups) for _ in group], dtype=np.int64)
    numbers = np.array([one for group in groups for one in group], dtype=np.int64)
    order = np.random.default_rng(0).permutation(len(owner))
    return owner[order], numbers[order]


def line(values: list[float], step: int = 1) -> robust.Lines:
    """Fit one line through values a step apart."""
    times = np.arange(len(values), dtype=np.int64) * step
    return robust.lines(np.array([0, len(values)]), times, np.array(values, dtype=np.int64), 1.645)


@given(GROUPS)
def test_medians_are_those_of_the_standard_library(groups: list[list[int]]) -> None:
    """Twice the median of every group, 0 of an empty one, whatever the order of the rows."""
    owner, numbers = flat(groups)
    kept = owner.copy(), numbers.copy()
    found = robust.twice_medians(owner, numbers, len(groups))
    assert found.tolist() == [round(2 * median(group)) if group else 0 for group in groups]
    assert (owner == kept[0]).all()
    assert (numbers == kept[1]).all()


@given(GROUPS)
def test_deviations_are_those_of_the_standard_library(groups: list[list[int]]) -> None:
    """Four times the median absolute deviation of every group."""
    owner, numbers = flat(groups)
    found = robust.twice_deviations(owner, numbers, robust.twice_medians(owner, numbers, len(groups)))
    plain = [median(abs(one - median(group)) for one in group) if group else 0 for group in groups]
    assert found.tolist() == [round(4 * one) for one in plain]


def test_small_groups_are_corrected_for() -> None:
    """The corrected spread of normal numbers is one on average, for groups of three to thirty."""
    rng = np.random.default_rng(7)
    for size in (3, 5, 8, 12, 30):
        drawn = rng.normal(0, 1, (20_000, size))
        mad = np.median(np.abs(drawn - np.median(drawn, axis=1)[:, None]), axis=1)
        spread = robust.unbiased(mad, np.full(len(mad), size))
        assert spread.mean() == pytest.approx(1.0, abs=0.02)


def test_one_number_has_no_spread() -> None:
    """Nothing and one number give NaN, and not a spread of zero."""
    assert np.isnan(robust.unbiased(np.zeros(2), np.array([0, 1]))).all()


def test_a_straight_line_is_found_as_it_is() -> None:
    """No noise: the slope, with bounds on it, and the height in the middle."""
    found = line([10 + 3 * hour for hour in range(HOURS)])
    assert (found.slope[0], found.slope_low[0], found.slope_high[0]) == (3.0, 3.0, 3.0)
    assert (found.middle[0], found.level[0], found.noise[0], found.likeness[0]) == (11.5, 44.5, 0.0, 0.0)


def test_a_quarter_of_artefacts_does_not_turn_a_line() -> None:
    """Readings of a sensor that has come off are outvoted."""
    values = [1000 + 10 * hour for hour in range(HOURS)]
    values[5:11] = [0] * 6
    found = line([float(one) for one in values])
    assert found.slope[0] == pytest.approx(10.0, abs=0.5)


def test_the_interval_holds_the_slope_as_often_as_it_says() -> None:
    """At 90 %, of 4,000 noisy lines, between 87 and 95 in a hundred; for few points and for many."""
    rng = np.random.default_rng(11)
    for size in (6, 10, 24):
        numbers = np.rint(1000 * (2.0 * np.arange(size) + rng.normal(0, 3, (4000, size)))).astype(np.int64)
        ends = np.arange(4001) * size
        times = np.tile(np.arange(size), 4000)
        found = robust.lines(ends, times, numbers.reshape(-1), 1.645)
        held = (found.slope_low <= 2000) & (found.slope_high >= 2000)
        assert 0.87 < held.mean() < 0.95


def test_neighbours_that_are_alike_are_noticed() -> None:
    """Independent noise has hardly any likeness; a slow wave about the line has nearly all there is."""
    rng = np.random.default_rng(3)
    noise = [float(one) for one in rng.normal(0, 1000, 200)]
    wave = [1000 * np.sin(point / 8) for point in range(200)]
    assert line(noise).likeness[0] < 0.2
    assert line(wave).likeness[0] == robust.LIKEST


def test_points_that_are_too_near_count_as_further_apart() -> None:
    """Six points in pairs a minute apart: taken as an hour apart, no slope between them is steeper than their step."""
    times = np.array([0, 1, 600, 601, 1200, 1201])
    numbers = np.array([0, 60, 0, 60, 0, 60])
    ends = np.array([0, 6])
    plain, apart = (robust.lines(ends, times, numbers, 1.645, far) for far in (0, 60))
    assert plain.slope_high[0] == 60
    assert apart.slope_high[0] == 1


def test_four_points_have_no_line() -> None:
    """Their interval would be a guess; five have one. Nothing at all has none either."""
    assert np.isnan(line([1.0, 2.0, 3.0, 4.0]).slope[0])
    assert not np.isnan(line([1.0, 2.0, 3.0, 4.0, 5.0]).slope[0])
    empty = robust.lines(np.array([0, 0]), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 1.645)
    assert np.isnan(empty.slope[0])


def test_lines_of_many_groups_are_those_of_each() -> None:
    """Groups of different sizes beside each other do not mix."""
    rng = np.random.default_rng(5)
    groups = [rng.integers(0, 500, size) for size in (3, 9, 9, 0, 14, 6)]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in groups])])
    times = np.concatenate([np.arange(len(one)) * 7 for one in groups])
    found = robust.lines(ends, times, np.concatenate(groups), 1.645)
    for number, group in enumerate(groups):
        alone = line([float(one) for one in group], step=7)
        for name in robust.Lines.__slots__:
            assert np.array_equal(getattr(found, name)[number : number + 1], getattr(alone, name), equal_nan=True)
