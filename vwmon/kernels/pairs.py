"""The median slope of all pairs of readings in a window (Theil 1950; Sen, J Am Stat Assoc 1968;63:1379-1389).

Slopes by sums must not live here.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from vwmon.kernels.frames import Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings

HOUR_MS = 3_600_000.0
PAIR = 2
PIECE = 1 << 18  # pairs looked at together


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
            one, other = np.triu_indices(count, 1)
            step = max(1, PIECE // len(one))
            for begin in range(0, len(queries), step):
                part = queries[begin : begin + step]
                column[part] = self._median_slopes(window.start[part, None], one, other)

    def _median_slopes(self, start: Ints, one: Ints, other: Ints) -> Floats:
        """Give the median slope of pairs in windows of as many readings each; start (q, 1), pairs (p,) -> (q,)."""
        times_ms, values = self._frame.times_ms, self._frame.values
        apart = times_ms[start + other] - times_ms[start + one]
        slopes = (values[start + other] - values[start + one]) / apart * HOUR_MS
        together = apart == 0
        if together.any():
            slopes[together] = np.nan
            return _nanmedian(slopes)
        middle: Floats = np.median(slopes, axis=1)
        return middle


def _nanmedian(slopes: Floats) -> Floats:
    """Give the median of each row past NaN, (q, p) -> (q,); NaN where there is nothing else."""
    ascending = np.sort(slopes, axis=1)
    count, row = (~np.isnan(slopes)).sum(axis=1), np.arange(len(slopes))
    middle: Floats = (
        ascending[row, (count - 1) >> 1] + ascending[row, np.minimum(count >> 1, slopes.shape[1] - 1)]
    ) / 2
    return middle


def _by_count(count: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each count of two or more readings with the queries that have it."""
    order = np.argsort(count, kind="stable")
    ascending = count[order]
    begins = np.flatnonzero(np.diff(ascending, prepend=-1))
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(count)], strict=True):
        if ascending[begin] >= PAIR:
            yield int(ascending[begin]), order[begin:end]
