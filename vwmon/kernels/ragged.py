"""Ragged columns: many series end to end in one column, found by offsets.

Here: the record of such columns and the step that puts readings in order, and searching, gathering and segment-wise
running values. What the numbers mean must not live here. Every function leaves its inputs as they were.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.int8]

KEY_BITS = 63  # of a signed 64-bit key


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Readings of many series: `times_ms` (n,), `values` (n,) with NaN for missing, `offsets` (series + 1,).

    Rows are sorted by (series, time). Several rows of one series may have one time; each of them counts.
    """

    times_ms: Ints
    values: Floats
    offsets: Ints

    def __len__(self) -> int:
        """Count the series."""
        return len(self.offsets) - 1

    def owners(self) -> Ints:
        """Give the series of each row, (n,)."""
        owner: Ints = np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))
        return owner


def arranged(owner: Ints, times_ms: Ints, values: Floats, series: int) -> Ragged:
    """Put readings that came in any order into columns of so many series; three columns of shape (n,).

    A reading that came twice (one series, time and value) is kept once. Different values at one time are all kept, in
    ascending order and NaN last, so that nothing depends on the order in which they came. Whoever wants one reading a
    time picks it first, as `vwmon.windows.in_order` does by the score.
    """
    unsigned = values + 0.0  # of the two zeros the positive one, or which came first would show
    order = np.lexsort((unsigned, times_ms, owner))
    owner, times_ms, values = owner[order], times_ms[order], unsigned[order]
    new = firsts(owner) | firsts(times_ms)
    new[1:] |= (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return Ragged(times_ms=times_ms[new], values=values[new], offsets=offsets(owner[new], series))


def spans(starts: Ints, stops: Ints) -> Ints:
    """Give the positions of the ranges [start, stop) one after another; shapes (n,), (n,) -> (sum of lengths,)."""
    lengths = stops - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    rows: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return rows


def offsets(owner: Ints, count: int) -> Ints:
    """Give the offsets (count + 1,) of a column whose rows are sorted by `owner`, numbers from 0 to count - 1."""
    ends = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=count), out=ends[1:])
    return ends


def firsts(owner: NDArray[np.integer]) -> Bools:
    """Mark the first row of each run of equal owners; shape (n,) -> (n,)."""
    first = np.ones(len(owner), dtype=np.bool_)
    np.not_equal(owner[1:], owner[:-1], out=first[1:])
    return first


def keyed(owner: Ints, times: Ints) -> Ints:
    """Give one whole number a row that sorts as (owner, time) does; owners are not negative.

    Raises OverflowError when the owners and the span of the times do not fit in 63 bits together.
    """
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    earliest = times.min()
    bits = int(times.max() - earliest).bit_length()
    if int(owner.max()).bit_length() + bits > KEY_BITS:
        raise OverflowError("too many series over too long a time to sort at once: take fewer at a time")
    key: Ints = (owner << bits) | (times - earliest)
    return key


def running_max(owner: Ints, times: Ints) -> Ints:
    """Give the highest time so far within each run of equal owners; owners ascend, times are int64."""
    if not len(times):
        return times.copy()
    key = np.maximum.accumulate(keyed(owner, times))
    earliest = times.min()
    bits = int(times.max() - earliest).bit_length()
    highest: Ints = (key & ((1 << bits) - 1)) + earliest
    return highest


def running_count(marks: Bools, first: Bools) -> Ints:
    """Count the marks so far within each segment, a segment beginning where `first` is set."""
    total: Ints = np.cumsum(marks)
    start = np.flatnonzero(first)
    before: Ints = total[start] - marks[start]
    count: Ints = total - before[np.cumsum(first) - 1]
    return count


def bisect_left(times: Ints, starts: Ints, stops: Ints, targets: Ints) -> Ints:
    """Find in each sorted slice [start, stop) of `times` the first position whose time is at least the target."""
    return _bisect(times, starts, stops, targets)


def bisect_right(times: Ints, starts: Ints, stops: Ints, targets: Ints) -> Ints:
    """Find in each sorted slice [start, stop) of `times` the first position whose time is past the target."""
    return _bisect(times, starts, stops, targets + 1)


def _bisect(times: Ints, starts: Ints, stops: Ints, targets: Ints) -> Ints:
    """Halve all slices at once, as often as the longest needs; times are whole numbers.

    There is no branch for slices that are done: a half of nothing moves nothing.
    """
    low, length = starts.copy(), stops - starts
    longest = int(length.max(initial=0))
    if not longest:
        return low
    for _ in range((longest - 1).bit_length()):
        half = length >> 1
        low += (times.take(low + half - 1, mode="clip") < targets) * half
        length -= half
    low += (length > 0) & (times.take(low, mode="clip") < targets)
    return low
