"""Frames: the readings that some queries reach, laid out so that a window is a range of positions.

Here: choosing and quantising those readings, and where each window begins and ends among them. What is reckoned over
a window must not live here.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vwmon.kernels.ragged import Floats, Ints, Ragged, bisect_left, bisect_right, firsts, spans

RESOLUTION = 10_000  # steps of a value to one of its unit: sums are of whole ten-thousandths
REACH = 1e9  # a value beyond it cannot be quantised


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Moments to ask about: `series` (q,) and `times_ms` (q,), in any order."""

    series: Ints
    times_ms: Ints


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Valid readings (n,) and queries (q,), both sorted by (series, time).

    `along` and `query_along` are the times on one axis, on which the series lie one after another, each more than the
    longest lookback away from the one before: a window never reaches into its neighbour.
    """

    times_ms: Ints
    values: Floats
    owner: Ints
    along: Ints
    query_owner: Ints
    query_ms: Ints
    query_along: Ints
    _starts: dict[int, Ints] = field(default_factory=dict)

    @cached_property
    def ends(self) -> Ints:
        """The position after the last reading at or before each query, (q,)."""
        return np.searchsorted(self.along, self.query_along, side="right")

    def starts(self, window_ms: int) -> Ints:
        """Give the position of the first reading later than `window_ms` before each query, (q,)."""
        if window_ms not in self._starts:
            self._starts[window_ms] = np.searchsorted(self.along, self.query_along - window_ms, side="right")
        return self._starts[window_ms]

    @cached_property
    def steps(self) -> Ints:
        """The values in whole steps of one RESOLUTION-th, (n,)."""
        return np.rint(self.values * RESOLUTION).astype(np.int64)


def frame(columns: Ragged, queries: Queries, lookback_ms: int) -> Frame:
    """Gather the valid readings that sorted queries reach when they look back so far."""
    first = np.flatnonzero(firsts(queries.series))
    series = queries.series[first]
    low = queries.times_ms[first] - lookback_ms
    high = queries.times_ms[np.append(first[1:], len(queries.series)) - 1]
    begin, end = columns.offsets[series], columns.offsets[series + 1]
    start = bisect_left(columns.times_ms, begin, end, low)
    stop = np.maximum(bisect_right(columns.times_ms, begin, end, high), start)
    rows, owner = spans(start, stop), np.repeat(np.arange(len(series)), stop - start)
    valid = ~np.isnan(columns.values[rows])
    rows, owner = rows[valid], owner[valid]
    lengths = high - low + lookback_ms + 1
    shift = np.cumsum(lengths) - lengths - low
    query_owner = np.cumsum(firsts(queries.series)) - 1
    return Frame(
        times_ms=columns.times_ms[rows],
        values=columns.values[rows],
        owner=series[owner],
        along=columns.times_ms[rows] + shift[owner],
        query_owner=queries.series,
        query_ms=queries.times_ms,
        query_along=queries.times_ms + shift[query_owner],
    )
