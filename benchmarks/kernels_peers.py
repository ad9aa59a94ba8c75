"""What the window kernels are measured against: the same columns by pandas, by polars in two ways, by a numba loop.

Each takes columns and windows and gives {statistic: (windows, readings)}, in the order of the columns.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from vwmon.kernels.frames import RESOLUTION
from vwmon.kernels.ragged import Floats, Ragged
from vwmon.kernels.settings import DEFAULTS

HOUR_MS = 3_600_000
BY = ("mean", "std", "min", "max")
FULL = ("last", "age", "count", *BY, "slope", "ewma")
NO_EWMA = FULL[:-1]

Results = dict[str, Floats]


def polars_frame(columns: Ragged) -> pl.DataFrame:
    """Give columns as polars takes them."""
    hours = columns.times_ms / HOUR_MS
    time = pl.Series(columns.times_ms).cast(pl.Datetime("ms"))
    return pl.DataFrame({"series": columns.owners(), "time": time, "x": hours - hours.min(), "y": columns.values})


def polars_rolling(columns: Ragged, windows_ms: list[int]) -> Results:
    """Use `DataFrame.rolling` by group, which aggregates any expressions."""
    frame = polars_frame(columns)
    x, y = pl.col("x"), pl.col("y")
    found = []
    for window_ms in windows_ms:
        half_life = window_ms / HOUR_MS / DEFAULTS.half_lives
        weight = ((x - x.last()) / half_life * np.log(2)).exp()
        wanted = {
            "last": y.last(),
            "age": x.last() - x.last(),
            "count": y.len().cast(pl.Float64),
            "mean": y.mean(),
            "std": y.std(),
            "min": y.min(),
            "max": y.max(),
            "slope": pl.cov(x, y) / x.var(),
            "ewma": (weight * y).sum() / weight.sum(),
        }
        rolled = frame.rolling("time", period=f"{window_ms}ms", group_by="series")
        found.append(rolled.agg(**wanted))
    return {name: np.stack([one[name].to_numpy() for one in found]) for name in FULL}


def polars_rolling_by(columns: Ragged, windows_ms: list[int]) -> Results:
    """Use `rolling_mean_by` and its like over groups: four columns."""
    y = pl.col("y")
    rolls = {"mean": y.rolling_mean_by, "std": y.rolling_std_by, "min": y.rolling_min_by, "max": y.rolling_max_by}
    wanted = {
        f"{name} {window_ms}": roll("time", window_size=f"{window_ms}ms").over("series")
        for name, roll in rolls.items()
        for window_ms in windows_ms
    }
    found = polars_frame(columns).select(**wanted)
    return {name: np.stack([found[f"{name} {window_ms}"].to_numpy() for window_ms in windows_ms]) for name in BY}


def pandas_rolling(columns: Ragged, windows_ms: list[int]) -> Results:
    """Use `groupby.rolling` for each statistic, and for the slope the sums of products.

    pandas has no weighted mean of a window; its `groupby.ewm` over all that came before stands in for it, in time only.
    """
    import pandas as pd

    hours = columns.times_ms / HOUR_MS
    x = hours - np.repeat(hours[columns.offsets[:-1]], np.diff(columns.offsets))
    table = {"x": x, "y": columns.values, "xx": x * x, "xy": x * columns.values}
    index = pd.DatetimeIndex(columns.times_ms.astype("datetime64[ms]"))
    frame = pd.DataFrame({"series": columns.owners(), **table}, index=index)
    grouped = frame.groupby("series", sort=False)
    found = []
    for window_ms in windows_ms:
        rolled = grouped.rolling(pd.Timedelta(window_ms, "ms"))
        value = rolled["y"]
        one = {name: getattr(value, name)().to_numpy() for name in ("count", *BY)}
        means = rolled[["x", "xx", "xy"]].mean().to_numpy().T
        with np.errstate(invalid="ignore", divide="ignore"):
            one["slope"] = (means[2] - means[0] * one["mean"]) / (means[1] - means[0] ** 2)
        half_life = pd.Timedelta(window_ms / DEFAULTS.half_lives, "ms")
        one["ewma"] = grouped["y"].ewm(halflife=half_life, times=index).mean().to_numpy()
        one |= {"last": columns.values, "age": np.zeros(len(x))}
        found.append(one)
    return {name: np.stack([one[name] for one in found]) for name in FULL}


def numba_loop(columns: Ragged, windows_ms: list[int]) -> Results:
    """Use one compiled loop over the readings, on one thread."""
    windows = np.array(windows_ms, dtype=np.int64)
    out = _compiled()(columns.times_ms, columns.values, columns.offsets, windows, float(DEFAULTS.half_lives))
    return dict(zip(FULL, out, strict=True))


@cache
def _compiled() -> Callable[..., Floats]:
    """Compile the loop.

    Values are summed as whole numbers here too: sums of floats, from which the leaving readings are taken away, leave
    a standard deviation of 1e-7 where all values are equal.
    """
    import numba

    compiled: Any = numba.njit(fastmath=False)(_loop)
    compiled(np.zeros(1, np.int64), np.zeros(1), np.array([0, 1]), np.array([1]), 4.0)
    return compiled  # type: ignore[no-any-return]


def _loop(times_ms, values, offsets, windows_ms, half_lives):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0915
    rows = len(times_ms)
    out = np.empty((9, len(windows_ms), rows))
    lows, highs = np.empty(rows, np.int64), np.empty(rows, np.int64)
    steps = np.rint(values * RESOLUTION).astype(np.int64)
    for w in range(len(windows_ms)):
        window = windows_ms[w]
        half_life = window / half_lives
        for series in range(len(offsets) - 1):
            begin, end = offsets[series], offsets[series + 1]
            first = begin
            low = low_end = high = high_end = 0
            s1 = s2 = 0
            sx = sxx = sxy = weights = weighted = 0.0
            for k in range(begin, end):
                at, q = times_ms[k], steps[k]
                x = (at - times_ms[begin]) / HOUR_MS
                y = values[k] - values[begin]
                s1 += q
                s2 += q * q
                sx += x
                sxx += x * x
                sxy += x * y
                fade = np.exp2((times_ms[max(k - 1, begin)] - at) / half_life)
                weights = weights * fade + 1.0
                weighted = weighted * fade + y
                while times_ms[first] <= at - window:
                    q0 = steps[first]
                    x0 = (times_ms[first] - times_ms[begin]) / HOUR_MS
                    y0 = values[first] - values[begin]
                    s1 -= q0
                    s2 -= q0 * q0
                    sx -= x0
                    sxx -= x0 * x0
                    sxy -= x0 * y0
                    faded = np.exp2((times_ms[first] - at) / half_life)
                    weights -= faded
                    weighted -= faded * y0
                    first += 1
                while low_end > low and values[lows[low_end - 1]] >= values[k]:
                    low_end -= 1
                lows[low_end] = k
                low_end += 1
                while lows[low] < first:
                    low += 1
                while high_end > high and values[highs[high_end - 1]] <= values[k]:
                    high_end -= 1
                highs[high_end] = k
                high_end += 1
                while highs[high] < first:
                    high += 1
                count = k - first + 1
                about = s1 - count * q
                square = s2 - q * (s1 + about)
                out[0, w, k] = values[k]
                out[1, w, k] = 0.0
                out[2, w, k] = count
                out[3, w, k] = s1 / (count * RESOLUTION)
                spread = square - about * (about / count)
                out[4, w, k] = np.sqrt(spread / (count - 1)) / RESOLUTION if count > 1 else np.nan
                out[5, w, k] = values[lows[low]]
                out[6, w, k] = values[highs[high]]
                sy = (s1 - count * steps[begin]) / RESOLUTION
                out[7, w, k] = (sxy - sx * sy / count) / (sxx - sx * sx / count) if count > 1 else np.nan
                out[8, w, k] = weighted / weights + values[begin]
    return out
