"""The trend: a robust line through the latest occasions, over the shortest window that holds enough of them.

Here: which occasions count and the line with its bounds. Scoring where a line leads must not live here.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels import robust
from vwmon.kernels.ragged import Bools, Floats, Ints, spans
from vwmon.kernels.robust import MEDIAN_ERROR
from vwmon.scoring.trends.occasions import PER_UNIT, Latest, Occasions
from vwmon.scoring.trends.table import HOUR_MS

WINDOWS_H = (6, 24, 72, 168)
LEAST = 6  # occasions of a window
MOST = 32  # the latest ones of a window that holds more
HALF = 0.5  # of a window that its occasions must span
SURENESS = 1.645  # of the bounds, as a normal quantile: 90 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The lines of q series at a moment each; floats are NaN and `window_h` 0 where none is `supported`.

    `slope` per hour lies between `slope_low` and `slope_high` at 90 %, the error of measurement included. `level` is
    the line's height at the middle of its occasions, `middle_h` hours before the moment, known to `level_error` at
    90 %; `noise` is how far occasions are from the line, one standard deviation. `occasions` and `span_h` say what it
    rests on; without a line, what there was in the longest window.
    """

    supported: Bools
    window_h: Ints
    occasions: Ints
    span_h: Floats
    slope: Floats
    slope_low: Floats
    slope_high: Floats
    level: Floats
    level_error: Floats
    middle_h: Floats
    noise: Floats

    def ahead(self, hours: float) -> tuple[Floats, Floats, Floats]:
        """Give the low bound, the height and the high bound of each line some hours after its moment; (q,) each."""
        reach = self.middle_h + hours
        height = self.level + self.slope * reach
        below = np.hypot(self.level_error, (self.slope - self.slope_low) * reach)
        above = np.hypot(self.level_error, (self.slope_high - self.slope) * reach)
        return height - below, height, height + above


def trends(occasions: Occasions, latest: Latest, series: Ints, at_ms: Ints, error: Floats, fresh: Bools) -> Trend:
    """Give the trend of each series at each moment; `error` is the vital's measurement error, (q,) all.

    A series that is not `fresh` has none: its line would lead on from what is no longer so.
    """
    start, window_h = _window(occasions, latest, series, at_ms)
    span_ms = np.where(latest.stop > start, latest.last_ms - _last_ms(occasions, start), 0)
    supported = fresh & latest.there & (window_h > 0)
    stop = np.where(supported, latest.stop, start)
    rows, ends = spans(start, stop), np.concatenate([[0], np.cumsum(stop - start)])
    times_ms, numbers = _last_ms(occasions, rows), occasions.number.take(rows, mode="clip")
    patched = ends[1:][supported] - 1
    times_ms[patched], numbers[patched] = latest.last_ms[supported], latest.number[supported]
    times_ms -= np.repeat(at_ms, stop - start)
    found = robust.lines(ends, times_ms, numbers, SURENESS)
    size = np.where(supported, stop - start, np.maximum(latest.stop - start, 0))
    return _trend(found, supported, np.where(supported, window_h, 0), size, span_ms / HOUR_MS, error, ends, times_ms)


def _window(occasions: Occasions, latest: Latest, series: Ints, at_ms: Ints) -> tuple[Ints, Ints]:
    """Give where the occasions of the shortest window that will do begin, and its hours; 0 for none."""
    begin = np.zeros(len(series), dtype=np.int64)
    window_h = np.zeros(len(series), dtype=np.int64)
    for hours in reversed(WINDOWS_H):
        start, _ = occasions.between(series, at_ms - hours * HOUR_MS + 1, at_ms)
        start = np.maximum(np.minimum(start, latest.stop), latest.stop - MOST)
        span_ms = latest.last_ms - _last_ms(occasions, start)
        does = (latest.stop - start >= LEAST) & (span_ms >= HALF * hours * HOUR_MS)
        begin = np.where(does | (hours == max(WINDOWS_H)), start, begin)
        window_h = np.where(does, hours, window_h)
    return begin, window_h


def _last_ms(occasions: Occasions, rows: Ints) -> Ints:
    """Give the times of occasions; of none at all, zeros."""
    if not len(occasions.last_ms):
        return np.zeros(len(rows), dtype=np.int64)
    return occasions.last_ms.take(rows, mode="clip")


def _trend(
    found: robust.Lines,
    supported: Bools,
    window_h: Ints,
    size: Ints,
    span_h: Floats,
    error: Floats,
    ends: Ints,
    times_ms: Ints,
) -> Trend:
    """Widen the bounds of the lines by the error of measurement, which equal readings hide."""
    per_hour, points = HOUR_MS / PER_UNIT, np.maximum(np.diff(ends), 1)
    owner = np.repeat(np.arange(len(points)), np.diff(ends))
    away = (times_ms - np.nan_to_num(found.middle)[owner]) / HOUR_MS
    squares = np.bincount(owner, weights=away**2, minlength=len(points))
    measured = SURENESS * error / np.sqrt(np.where(squares > 0, squares, np.inf))
    slope = found.slope * per_hour
    noise = np.hypot(found.noise / PER_UNIT, error)
    return Trend(
        supported=supported,
        window_h=window_h,
        occasions=size,
        span_h=span_h,
        slope=slope,
        slope_low=slope - np.hypot((found.slope - found.slope_low) * per_hour, measured),
        slope_high=slope + np.hypot((found.slope_high - found.slope) * per_hour, measured),
        level=found.level / PER_UNIT,
        level_error=SURENESS * MEDIAN_ERROR * noise / np.sqrt(points),
        middle_h=-found.middle / HOUR_MS,
        noise=noise,
    )
