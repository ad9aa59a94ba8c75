"""Ragged columns against plain loops, and the promise that nothing given is written to."""

from collections.abc import Callable
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.kernels import ragged

small = st.integers(-5, 5)
columns = st.lists(st.tuples(st.integers(0, 4), small), max_size=30).map(sorted)


def ints(values: list[int]) -> ragged.Ints:
    """Give a read-only column, so that writing to it is an error."""
    column = np.array(values, dtype=np.int64)
    column.flags.writeable = False
    return column


def split(rows: list[tuple[int, int]]) -> tuple[ragged.Ints, ragged.Ints]:
    """Give the owners and the times of rows."""
    return ints([owner for owner, _ in rows]), ints([time for _, time in rows])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=9))
def test_spans_are_the_ranges_one_after_another(ranges: list[tuple[int, int]]) -> None:
    """Also where some are empty, or none is there."""
    starts, lengths = split(ranges)
    wanted = [i for start, length in ranges for i in range(start, start + length)]
    assert ragged.spans(starts, starts + lengths).tolist() == wanted


@given(columns)
def test_offsets_point_at_where_each_owner_begins(rows: list[tuple[int, int]]) -> None:
    """Owners without rows begin where the next one does."""
    owner, _ = split(rows)
    found = ragged.offsets(owner, 5).tolist()
    assert [stop - start for start, stop in pairwise(found)] == [owner.tolist().count(i) for i in range(5)]
    assert found[0] == 0


@given(columns)
def test_firsts_marks_where_the_owner_changes(rows: list[tuple[int, int]]) -> None:
    """The first row is always a first."""
    owner, _ = split(rows)
    owners = owner.tolist()
    assert ragged.firsts(owner).tolist() == [i == 0 or owners[i - 1] != owners[i] for i in range(len(owners))]


@given(st.lists(st.tuples(st.integers(0, 2**19), st.integers(-(2**40), 2**42)), max_size=30))
def test_keys_sort_as_owner_and_time_do(rows: list[tuple[int, int]]) -> None:
    """For owners and times as wide as a ward and a century."""
    owner, times = split(rows)
    key = ragged.keyed(owner, times).tolist()
    assert [rows[i] for i in sorted(range(len(rows)), key=key.__getitem__)] == sorted(rows)


def test_keys_that_do_not_fit_are_refused() -> None:
    """Too many series over too long a time is an error, never a wrong order."""
    with pytest.raises(OverflowError, match="fewer at a time"):
        ragged.keyed(ints([2**30, 0]), ints([0, 2**40]))


@given(columns, st.randoms(use_true_random=False))
def test_the_running_maximum_starts_again_with_each_owner(rows: list[tuple[int, int]], shuffle: object) -> None:
    """The highest so far, by owner, in the order of the rows."""
    rows = sorted(rows, key=lambda row: (row[0], hash((shuffle, row))))
    owner, times = split(rows)
    wanted: list[int] = []
    for one in sorted(set(owner.tolist())):
        wanted += accumulate((time for i, time in rows if i == one), max)
    assert ragged.running_max(owner, times).tolist() == wanted


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=20).map(sorted))
def test_the_running_count_starts_again_with_each_segment(rows: list[tuple[int, bool]]) -> None:
    """The marks so far, this row's own among them."""
    owner, marks = ints([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=bool)
    wanted: list[int] = []
    for one in sorted(set(owner.tolist())):
        wanted += accumulate(int(mark) for i, mark in rows if i == one)
    assert ragged.running_count(marks, ragged.firsts(owner)).tolist() == wanted


@pytest.mark.parametrize(
    ("search", "goes_on"),
    [
        (ragged.bisect_left, lambda time, target: time < target),
        (ragged.bisect_right, lambda time, target: time <= target),
    ],
    ids=["left", "right"],
)
@given(rows=columns, targets=st.lists(small, min_size=5, max_size=5))
def test_bisecting_slices_counts_what_comes_before(
    search: Callable[..., ragged.Ints],
    goes_on: Callable[[int, int], bool],
    rows: list[tuple[int, int]],
    targets: list[int],
) -> None:
    """Each slice is searched on its own, empty ones too."""
    owner, times = split(rows)
    begin = ragged.offsets(owner, 5)
    found = search(times, begin[:-1], begin[1:], ints(targets)) - begin[:-1]
    assert found.tolist() == [sum(goes_on(t, target) for o, t in rows if o == i) for i, target in enumerate(targets)]
