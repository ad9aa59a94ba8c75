"""The median slope of all pairs of readings in a window (Theil 1950; Sen, J Am Stat Assoc 1968;63:1379-1389).

The cost of a window grows with the square of its readings. Windows with as many readings each are taken together; in a
long one the pairs are gone through lag by lag, and only those near the middle are kept, so that a day of seconds takes
time but not memory. Slopes by sums must not live here.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from vwmon.durations import HOUR_MS
from vwmon.kernels.frames import Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings

PAIR = 2
PIECE = 1 << 14  # pairs looked at together
LONG = 700  # readings in a window from which its pairs are gone through lag by lag
SAMPLE = 4096
MARGIN = 3.0  # ranks of the sample on either side, in square roots of its size: six standard deviations
SPREAD = 0.7548776662466927, 0.5698402909980532  # the plastic number's powers: their multiples fill a square evenly


class Pairs:
    """theil_sen."""

    def __init__(self, frame: Frame, settings: Settings) -> None:  # noqa: ARG002  # as all kernels
        """Take the readings."""
        self._frame = frame

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill theil_sen, (q,)."""
        column = out["theil_sen"]
        column[:] = np.nan
        for count, queries in _by_count(window.count):
            if count < LONG:
                self._fill_short(window.start, count, queries, column)
            else:
                self._fill_long(window.start, count, queries, column)

    def _fill_short(self, start: Ints, count: int, queries: Ints, column: Floats) -> None:
        """Look at all pairs of some windows at once."""
        one, other = np.triu_indices(count, 1)
        step = max(1, PIECE // len(one))
        for begin in range(0, len(queries), step):
            part = queries[begin : begin + step]
            first = start[part, None]
            column[part] = _middle(self._slopes(first + one, first + other))

    def _fill_long(self, start: Ints, count: int, queries: Ints, column: Floats) -> None:
        """Look at one window after another."""
        for query, first in zip(queries.tolist(), start[queries].tolist(), strict=True):
            column[query] = self._middle_by_lag(first, count)

    def _middle_by_lag(self, first: int, count: int, margin: float = MARGIN) -> float:
        """Give the median slope of one window, keeping only slopes that may be it; with more of them if it was not."""
        low, high = self._bracket(first, count, margin)
        kept, below, total = [], 0, 0
        for lag in range(1, count):
            rows = np.arange(first, first + count - lag)
            slopes = self._slopes(rows, rows + lag)
            slopes = slopes[~np.isnan(slopes)]
            total += len(slopes)
            below += int(np.count_nonzero(slopes < low))
            kept.append(slopes[(slopes >= low) & (slopes <= high)])
        near = np.concatenate(kept)
        lower, upper = (total - 1) // 2 - below, total // 2 - below
        if not total:
            return np.nan
        if lower < 0 or upper >= len(near):
            return self._middle_by_lag(first, count, 4 * margin)
        near.partition([lower, upper])
        return float((near[lower] + near[upper]) / 2)

    def _bracket(self, first: int, count: int, margin: float) -> tuple[float, float]:
        """Give slopes between which the median should lie, from pairs spread evenly over all."""
        size = max(SAMPLE, int((count * count / 2) ** (2 / 3)))
        one, other = (first + (np.arange(size) * share % 1.0 * count).astype(np.int64) for share in SPREAD)
        slopes = self._slopes(one, other)
        slopes = np.sort(slopes[~np.isnan(slopes)])
        ranks = int(margin * np.sqrt(size)) + 1
        low, high = len(slopes) // 2 - ranks, len(slopes) // 2 + ranks
        lowest = float(slopes[low]) if low >= 0 else -np.inf
        return lowest, float(slopes[high]) if high < len(slopes) else np.inf

    def _slopes(self, one: Ints, other: Ints) -> Floats:
        """Give the slopes of pairs of positions, an hour; NaN where both are at one time."""
        times_ms, values = self._frame.times_ms, self._frame.values
        apart = (times_ms[other] - times_ms[one]).astype(np.float64)
        apart[apart == 0] = np.nan
        slopes: Floats = (values[other] - values[one]) / apart
        slopes *= HOUR_MS
        return slopes


def _middle(slopes: Floats) -> Floats:
    """Give the median of each row past NaN, (q, p) -> (q,); NaN where there is nothing else."""
    if not np.isnan(slopes).any():
        middle: Floats = np.median(slopes, axis=1)
        return middle
    slopes.sort(axis=1)
    count, row = (~np.isnan(slopes)).sum(axis=1), np.arange(len(slopes))
    upper = np.minimum(count >> 1, slopes.shape[1] - 1)
    among: Floats = (slopes[row, (count - 1) >> 1] + slopes[row, upper]) / 2
    return among


def _by_count(count: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each count of two or more readings with the queries that have it."""
    order = np.argsort(count, kind="stable")
    ascending = count[order]
    begins = np.flatnonzero(np.diff(ascending, prepend=-1))
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(count)], strict=True):
        if ascending[begin] >= PAIR:
            yield int(ascending[begin]), order[begin:end]
