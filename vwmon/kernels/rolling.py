"""What rolling windows of readings say: many statistics, over several window lengths, at any moments, in one call.

    rolling(columns, queries, windows_ms, statistics, settings) -> {name: (queries, windows) float64}

`columns` is a `ragged.Ragged`; `ragged.arranged` makes one of readings that came late, twice or in any order.
`queries` is a `Queries`, in any order, or None: at every row of the columns. A window is (t - w, t], open on the left
and closed on the right, to the millisecond. NaN is no reading. A live micro-batch and a whole recording make the same
call, and a result depends on nothing but the readings in its window (see *coverage* and *difference*): it is the same
to the bit however the readings came, were batched, or were shared out by series.

The statistics (`STATISTICS`), of the n valid readings in the window; NaN where it is said to need more than there are:

last         the latest valid value; of several at one time the last in the order of the columns. n >= 1
age          milliseconds from the latest valid reading to the query. n >= 1
count        n; 0 where the window is empty
coverage     share of the window, 0 to 1, that lies within `reach_ms` after a valid reading, one before the window
             included: the columns have to go back `reach_ms` further than the window
mean         n >= 1
std          sample standard deviation (n - 1). n >= 2
min, max     n >= 1
median       exact; the mean of the middle two when n is even. n >= 1
slope        least squares, units an hour. n >= 2, not all at one time
slope_error  its standard error, from the residuals (n - 2). n >= 3, not all at one time
theil_sen    median of the slopes between all pairs at different times, units an hour. n >= 2, not all at one time
ewma         mean with weights 2^(-age / half-life), the half-life being the window over `half_lives`. n >= 1
cusum        the larger in size of the upper and the lower tabular sum, with its sign, begun at zero at the window's
             start: upper = max(0, upper + value - target - slack), lower the same downward; in units. n >= 1
difference   mean of this window less the mean of the window before, (t - 2w, t - w]: the columns have to go back two
             windows. n >= 1 in both

Sums are of whole numbers: values in ten-thousandths of their unit (1 / `frames.RESOLUTION`), for least-squares slopes
the times in ticks (`sums`). last, min, max, median and theil_sen are of the values as they are. Memory beyond the
columns and the results is that of one frame (`frames`), whatever the length of the columns.

Here: checking what is asked, cutting it into frames, and putting the answers together. Arithmetic must not live here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from vwmon.kernels.checks import check, check_queries
from vwmon.kernels.decay import Decay
from vwmon.kernels.drift import Drift
from vwmon.kernels.extremes import Extremes
from vwmon.kernels.frames import Frame, Queries, Window, at_queries, at_rows
from vwmon.kernels.order import Order
from vwmon.kernels.pairs import Pairs
from vwmon.kernels.presence import Presence
from vwmon.kernels.ragged import Floats, Ints, Ragged
from vwmon.kernels.settings import DEFAULTS, Settings
from vwmon.kernels.sums import Sums


class Kernel(Protocol):
    """What reckons some statistics over one frame of readings."""

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill the columns (q,) of the statistics that are asked for."""


KERNELS: Mapping[Callable[[Frame, Settings], Kernel], Sequence[str]] = {
    Presence: ("last", "age", "count", "coverage"),
    Sums: ("mean", "std", "slope", "slope_error", "difference"),
    Extremes: ("min", "max"),
    Order: ("median",),
    Pairs: ("theil_sen",),
    Decay: ("ewma",),
    Drift: ("cusum",),
}
STATISTICS = tuple(name for names in KERNELS.values() for name in names)
PAGE = 512  # numbers to a page of memory
ZERO = ("count", "coverage")  # of an empty window; all others are NaN


def rolling(
    columns: Ragged,
    queries: Queries | None,
    windows_ms: Sequence[int],
    statistics: Sequence[str] = STATISTICS,
    settings: Settings = DEFAULTS,
) -> dict[str, Floats]:
    """Give each statistic at each query over each window, (queries, windows); see the module's text.

    Raises ValueError for columns out of order, values or times beyond what can be reckoned with, queries of a series
    that is not there, windows that are not positive, or statistics that are unknown or lack a setting.
    """
    if unknown := sorted(set(statistics) - set(STATISTICS)):
        raise ValueError(f"no statistic {', '.join(unknown)}; there are {', '.join(STATISTICS)}")
    if "cusum" in statistics and settings.target is None:
        raise ValueError("cusum needs settings.target, the level that is no change")
    check(columns, windows_ms, settings)
    windows_ms = [int(window_ms) for window_ms in windows_ms]
    lookback_ms = _lookback_ms(windows_ms, statistics, settings)
    if queries is None:
        return _filled(at_rows(columns, lookback_ms), len(columns.times_ms), windows_ms, statistics, settings)
    check_queries(columns, queries)
    order = np.lexsort((queries.times_ms, queries.series))
    asked = Queries(series=queries.series[order], times_ms=queries.times_ms[order])
    results = _filled(at_queries(columns, asked, lookback_ms), len(order), windows_ms, statistics, settings)
    return {name: _placed(column, order) for name, column in results.items()}


def _filled(
    frames: Iterable[tuple[slice, Frame | None]],
    queries: int,
    windows_ms: Sequence[int],
    statistics: Sequence[str],
    settings: Settings,
) -> dict[str, Floats]:
    """Go through the frames; a window's column is in one piece, so that each is written once and in order."""
    results = {name: np.empty((len(windows_ms), queries)) for name in statistics}
    for column in results.values():
        # All memory is asked for at once: fetched bit by bit it came many times as slowly on a virtual machine.
        column.reshape(-1)[::PAGE] = 0.0
    wanted = {kind: [name for name in names if name in results] for kind, names in KERNELS.items()}
    for part, frame in frames:
        if frame is None:
            for name, column in results.items():
                column[:, part] = 0.0 if name in ZERO else np.nan
            continue
        kernels = [(kind(frame, settings), names) for kind, names in wanted.items() if names]
        for number, window_ms in enumerate(windows_ms):
            window = frame.window(window_ms)
            for kernel, names in kernels:
                with np.errstate(invalid="ignore", divide="ignore"):
                    kernel.fill(window, {name: results[name][number, part] for name in names})
    return {name: column.T for name, column in results.items()}


def _placed(column: Floats, order: Ints) -> Floats:
    """Put the rows of a sorted result where they were asked for."""
    placed = np.empty_like(column)
    placed[order] = column
    return placed


def _lookback_ms(windows_ms: Sequence[int], statistics: Sequence[str], settings: Settings) -> int:
    """Say how far back from a query a reading can matter."""
    longest = max(windows_ms, default=0)
    further = settings.reach_ms if "coverage" in statistics else 0
    return longest + max(further, longest if "difference" in statistics else 0)
