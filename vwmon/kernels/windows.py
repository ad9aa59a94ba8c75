"""What a window of readings says at a moment: one function a question, over columns sorted by (series, time).

Live micro-batches and whole recordings call the same functions. Which readings belong in a window, and what the
answer means, must not live here.
"""

import numpy as np

from vwmon.kernels.ragged import Bools, Floats, Ints, bisect_right

NEVER_AGE = -1


def last_valid(
    times_ms: Ints, values: Floats, offsets: Ints, query_series: Ints, query_ms: Ints
) -> tuple[Floats, Ints]:
    """Give the last valid value at or before each query point, and its age in ms.

    `times_ms` and `values` are (n,) sorted by (series, time); `offsets` is (series + 1,); the queries are (q,), in
    any order. NaN is not a valid value and is passed over. Where there is none: NaN, and an age of NEVER_AGE.
    """
    if not len(times_ms):
        return np.full(len(query_ms), np.nan), np.full(len(query_ms), NEVER_AGE, dtype=np.int64)
    start = offsets[query_series]
    at = bisect_right(times_ms, start, offsets[query_series + 1], query_ms) - 1
    missing = np.isnan(values)
    if missing.any():
        at = np.where(at < start, at, _valid_so_far(missing)[at])
    found = at >= start
    at = np.maximum(at, 0)
    return np.where(found, values[at], np.nan), np.where(found, query_ms - times_ms[at], NEVER_AGE)


def _valid_so_far(missing: Bools) -> Ints:
    """Give the position of the last row that is not missing, up to each row; -1 where there is none."""
    return np.maximum.accumulate(np.where(missing, -1, np.arange(len(missing))))
