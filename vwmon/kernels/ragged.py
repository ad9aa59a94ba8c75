"""Ragged columns: many series end to end in one column, found by offsets.

Here: searching, gathering and segment-wise running values over such columns. What the numbers mean must not live here.
Every function leaves its inputs as they were.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.int8]

KEY_BITS = 63  # of a signed 64-bit key


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
