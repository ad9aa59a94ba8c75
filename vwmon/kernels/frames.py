"""Frames: the readings that a run of queries reaches, laid out so that a window is a range of positions.

Here: cutting columns and queries into frames that stay in the cache, quantising their values, and where each window
begins and ends. What is reckoned over a window must not live here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import numpy as np

from vwmon.kernels.ragged import Floats, Ints, Ragged, bisect_right, firsts, spans
from vwmon.kernels.search import Ladder

RESOLUTION = 10_000  # steps to one unit of a value: sums are of whole ten-thousandths
BLOCK = 32_768  # queries, or the rows that are new to them, in a frame
LONGEST_AXIS = 2.0**62

Column = TypeVar("Column", Ints, Floats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Moments to ask about: `series` (q,) and `times_ms` (q,), in any order."""

    series: Ints
    times_ms: Ints


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Valid readings (n,), n >= 1, and queries (q,), both sorted by (series, time).

    `along` and `query_along` are the times on one axis, on which the series lie one after another, each further than
    the longest lookback from the one before: a window never reaches into its neighbour. `tail` says that the queries
    are at the last rows, one each.
    """

    times_ms: Ints
    values: Floats
    owner: Ints
    along: Ints
    query_owner: Ints
    query_along: Ints
    tail: bool

    @cached_property
    def ladder(self) -> Ladder:
        """The axis, to be searched."""
        return Ladder(self.along)

    @cached_property
    def ends(self) -> Ints:
        """The position after the last reading at or before each query, (q,)."""
        if self.tail:
            rows = len(self.along)
            return np.arange(rows - len(self.query_along) + 1, rows + 1, dtype=np.int64)
        return self.ladder.count(self.query_along)

    @cached_property
    def steps(self) -> Ints:
        """The values in whole steps, (n,)."""
        scaled = self.values * RESOLUTION
        return np.rint(scaled, out=scaled).astype(np.int64)

    @cached_property
    def reach(self) -> int:
        """How far the highest value lies above the lowest, in steps."""
        return int(self.steps.max()) - int(self.steps.min())

    def window(self, length_ms: int) -> "Window":
        """Give the windows of one length before each query."""
        return Window(frame=self, length_ms=length_ms)

    def at_end(self, terms: Ints) -> Ints:
        """Give of running sums (n + 1,) those up to each query's end, (q,)."""
        return terms[-len(self.query_along) :] if self.tail else terms.take(self.ends, mode="wrap")

    def latest(self, column: Column) -> Column:
        """Give of a column (n,) the latest row at each query, (q,); any row where there is none."""
        return column[-len(self.query_along) :] if self.tail else column.take(self.ends - 1, mode="wrap")


@dataclass(frozen=True, kw_only=True)
class Window:
    """The windows of one length before each query of a frame: positions from `start` to the frame's `ends`."""

    frame: Frame
    length_ms: int

    @cached_property
    def start(self) -> Ints:
        """The position of the first reading later than the window's begin, (q,)."""
        return self.frame.ladder.count(self.frame.query_along - self.length_ms)

    @cached_property
    def count(self) -> Ints:
        """How many readings are in each, (q,)."""
        return self.frame.ends - self.start

    @cached_property
    def counted(self) -> Floats:
        """The count as floats, (q,)."""
        return self.count.astype(np.float64)

    @cached_property
    def most(self) -> int:
        """The highest count."""
        return int(self.count.max())

    def blank(self, column: Floats) -> None:
        """Write NaN where a window is empty."""
        if not self.frame.tail:
            np.copyto(column, np.nan, where=self.count == 0)


def at_rows(columns: Ragged, lookback_ms: int) -> Iterator[tuple[slice, Frame | None]]:
    """Yield frames for queries at every row, and which rows; None for a frame where there is no valid reading."""
    start, rows = 0, len(columns.times_ms)
    while start < rows:
        begin = int(columns.offsets[_series(columns, start)])
        earlier = columns.times_ms[begin:start]
        low = begin + int(np.searchsorted(earlier, columns.times_ms[start] - lookback_ms, side="right"))
        part = slice(start, _past_ties(columns, min(rows, start + max(BLOCK, start - low))))
        yield part, _rows_frame(columns, low, part, lookback_ms)
        start = part.stop


def _series(columns: Ragged, row: int) -> int:
    """Give the series of a row."""
    return int(np.searchsorted(columns.offsets, row, side="right")) - 1


def _past_ties(columns: Ragged, stop: int) -> int:
    """Give the first row from `stop` on that is not at the time of the one before: those at one time see each other."""
    end = int(columns.offsets[np.searchsorted(columns.offsets, stop, side="left")])
    return stop + int(np.searchsorted(columns.times_ms[stop:end], columns.times_ms[stop - 1], side="right"))


def _rows_frame(columns: Ragged, low: int, part: slice, lookback_ms: int) -> Frame | None:
    """Lay out the rows from `low` to the end of a part, with queries at those of the part."""
    stop, series = part.stop, _series(columns, low)
    last = int(np.searchsorted(columns.offsets, stop, side="left"))
    edges: Ints = np.clip(columns.offsets[series : last + 1], low, stop)
    lengths = edges[1:] - edges[:-1]
    filled = np.flatnonzero(lengths)
    lengths = lengths[filled]
    times_ms, values = columns.times_ms[low:stop], columns.values[low:stop]
    ends = np.cumsum(lengths)
    shift = _shift(times_ms[ends - lengths], times_ms[ends - 1], lookback_ms)
    along = times_ms + np.repeat(shift, lengths)
    owner = np.repeat(filled + series, lengths)
    asked = slice(part.start - low, None)
    tied = bool((along[1:] == along[:-1]).any())
    query_along, query_owner = along[asked], owner[asked]
    valid = values == values  # noqa: PLR0124  # NaN alone differs from itself
    whole = bool(valid.all())
    if not whole:
        times_ms, values, owner, along = times_ms[valid], values[valid], owner[valid], along[valid]
    if not len(values):
        return None
    return Frame(
        times_ms=times_ms,
        values=values,
        owner=owner,
        along=along,
        query_owner=query_owner,
        query_along=query_along,
        tail=whole and not tied,
    )


def at_queries(columns: Ragged, queries: Queries, lookback_ms: int) -> Iterator[tuple[slice, Frame | None]]:
    """Yield frames for queries sorted by (series, time), and which queries; None for a frame without a reading."""
    begin, end = columns.offsets[queries.series], columns.offsets[queries.series + 1]
    start = bisect_right(columns.times_ms, begin, end, queries.times_ms - lookback_ms)
    stop = bisect_right(columns.times_ms, begin, end, queries.times_ms)
    # Rows that the query before has reached are there already: the ranges of what is new never overlap.
    new = np.maximum(start, np.concatenate([[0], stop[:-1]]))
    load = np.cumsum(np.maximum(stop - new, 0) + 1) // max(BLOCK, int((stop - start).max(initial=0)))
    cuts = [*np.flatnonzero(firsts(load)).tolist(), len(load)] if len(load) else []
    for first, last in pairwise(cuts):
        part = slice(first, last)
        fresh = np.append(start[first : first + 1], new[first + 1 : last])
        asked = Queries(series=queries.series[part], times_ms=queries.times_ms[part])
        yield part, _queries_frame(columns, asked, fresh, np.maximum(stop[part], fresh), lookback_ms)


def _queries_frame(columns: Ragged, queries: Queries, start: Ints, stop: Ints, lookback_ms: int) -> Frame | None:
    """Lay out the rows that are new to each query, from `start` to `stop`."""
    rows, query = spans(start, stop), np.repeat(np.arange(len(start)), stop - start)
    valid = ~np.isnan(columns.values[rows])
    rows, query = rows[valid], query[valid]
    if not len(rows):
        return None
    first = firsts(queries.series)
    place = np.cumsum(first) - 1
    begins = np.flatnonzero(first)
    low = queries.times_ms[begins] - lookback_ms
    shift = _shift(low, queries.times_ms[np.append(begins[1:], len(first)) - 1], lookback_ms)[place]
    times_ms = columns.times_ms[rows]
    return Frame(
        times_ms=times_ms,
        values=columns.values[rows],
        owner=queries.series[query],
        along=times_ms + shift[query],
        query_owner=queries.series,
        query_along=queries.times_ms + shift,
        tail=False,
    )


def _shift(first_ms: Ints, last_ms: Ints, lookback_ms: int) -> Ints:
    """Give what to add to the times of each series so that they lie one after another."""
    lengths = last_ms - first_ms + (lookback_ms + 1)
    if lengths.astype(np.float64).sum() > LONGEST_AXIS:
        raise OverflowError("the times of the series span too much to lie on one axis: give fewer series at a time")
    shift: Ints = np.cumsum(lengths) - lengths - first_ms
    return shift
