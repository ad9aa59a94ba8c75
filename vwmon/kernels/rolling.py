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

Sums are of whole numbers: values in ten-thousandths of their unit (1 / `frames.RESOLUTION`), for slopes the times in
ticks of 8 ms. last, min, max and median are of the values as they are.

Here: checking what is asked, cutting it into frames, and putting the answers together. Arithmetic must not live here.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vwmon.kernels import decay, drift, extremes, order, pairs, presence, sums
from vwmon.kernels.frames import REACH, Frame, Queries, frame
from vwmon.kernels.ragged import Floats, Ints, Ragged
from vwmon.kernels.settings import DEFAULTS, Settings

Kernel = Callable[[Frame, int, Settings, Mapping[str, Floats]], None]

KERNELS: Mapping[Kernel, Sequence[str]] = {
    presence.fill: ("last", "age", "count", "coverage"),
    sums.fill: ("mean", "std", "slope", "slope_error", "difference"),
    extremes.fill: ("min", "max"),
    order.fill: ("median",),
    pairs.fill: ("theil_sen",),
    decay.fill: ("ewma",),
    drift.fill: ("cusum",),
}
STATISTICS = tuple(name for names in KERNELS.values() for name in names)


def rolling(
    columns: Ragged,
    queries: Queries | None,
    windows_ms: Sequence[int],
    statistics: Sequence[str] = STATISTICS,
    settings: Settings = DEFAULTS,
) -> dict[str, Floats]:
    """Give each statistic at each query over each window, (queries, windows); see the module's text.

    Raises ValueError for columns out of order, values beyond 1e9, queries of a series that is not there, windows that
    are not positive, or statistics that are unknown or lack a setting.
    """
    _check(columns, windows_ms, statistics, settings)
    asked = queries or Queries(series=columns.owners(), times_ms=columns.times_ms)
    _check_queries(columns, asked)
    order_ = np.lexsort((asked.times_ms, asked.series))
    asked = Queries(series=asked.series[order_], times_ms=asked.times_ms[order_])
    results = {name: np.empty((len(windows_ms), len(order_))).T for name in statistics}
    if len(order_):
        found = frame(columns, asked, _lookback_ms(windows_ms, statistics, settings))
        for number, window_ms in enumerate(windows_ms):
            for kernel, names in KERNELS.items():
                out = {name: np.empty(len(order_)) for name in names if name in results}
                if out:
                    with np.errstate(invalid="ignore", divide="ignore"):
                        kernel(found, window_ms, settings, out)
                for name, column in out.items():
                    results[name][order_, number] = column
    return results


def _lookback_ms(windows_ms: Sequence[int], statistics: Sequence[str], settings: Settings) -> int:
    """Say how far back from a query a reading can matter."""
    longest = max(windows_ms, default=0)
    return max(
        longest, longest * 2 * ("difference" in statistics), ("coverage" in statistics) * (longest + settings.reach_ms)
    )


def _check(columns: Ragged, windows_ms: Sequence[int], statistics: Sequence[str], settings: Settings) -> None:
    """Refuse what cannot be answered."""
    if unknown := sorted(set(statistics) - set(STATISTICS)):
        raise ValueError(f"no statistic {', '.join(unknown)}; there are {', '.join(STATISTICS)}")
    if wrong := [window for window in windows_ms if window <= 0]:
        raise ValueError(f"window of {wrong[0]} ms: a window is at least one millisecond long")
    if "cusum" in statistics and settings.target is None:
        raise ValueError("cusum needs settings.target, the level that is no change")
    steps = np.diff(columns.times_ms)
    steps[_inner(columns.offsets, len(columns.times_ms)) - 1] = 0
    if (steps < 0).any():
        raise ValueError("columns are not sorted by (series, time): ragged.arranged sorts them")
    if (np.abs(columns.values) > REACH).any():
        raise ValueError(f"a value is beyond {REACH:g}: make it NaN, or measure it in a larger unit")


def _inner(offsets: Ints, rows: int) -> Ints:
    """Give where series begin, but for the first row."""
    inner: Ints = offsets[(offsets > 0) & (offsets < rows)]
    return inner


def _check_queries(columns: Ragged, queries: Queries) -> None:
    """Refuse queries of what is not there."""
    if len(queries.series) and not 0 <= queries.series.min() <= queries.series.max() < len(columns):
        raise ValueError(f"a query's series is not one of the {len(columns)} in the columns")
