"""The trend: a robust line through the latest occasions, over the shortest window that holds enough of them.

Here: which occasions count, the line with its bounds, and how far it is followed. Scoring where it leads must not live
here. docs/trends.md says what was tried on recordings: a line followed as it stands foretells worse than no change.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels import robust
from vwmon.kernels.ragged import Bools, Floats, Ints, offsets
from vwmon.kernels.robust import MEDIAN_ERROR
from vwmon.scoring.trends.occasions import PER_UNIT, Latest, Occasions
from vwmon.scoring.trends.table import HOUR_MS, Asked

WINDOWS_H = (24, 72, 168)  # none shorter: a line is not followed farther than half of what it was seen for
LEAST = 6  # occasions of a window
MOST = 32  # of a window that holds more, evenly from the latest back
HALF = 0.5  # of a window that its occasions must span
LASTS = 0.5  # windows in which a slope fades to 1 / e of itself
SURENESS = 1.645  # of the bounds, as a normal quantile: 90 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The lines of q series at a moment each; floats are NaN and `window_h` 0 where none is `supported`.

    `slope` per hour lies between `slope_low` and `slope_high` at 90 %; the error of measurement, and neighbours that
    are alike, widen the bounds. `weight` is how much of the slope is followed ahead: none while the bounds hold zero,
    all when they are narrow against it. `level` is the line's height at the middle of its occasions, `middle_h` hours
    before the moment, known to `level_error` at 90 %; `noise` is how far occasions are from the line, one standard
    deviation. `occasions` and `span_h` say what it rests on; without a line, what there was in the longest window.
    """

    supported: Bools
    window_h: Ints
    occasions: Ints
    span_h: Floats
    slope: Floats
    slope_low: Floats
    slope_high: Floats
    weight: Floats
    level: Floats
    level_error: Floats
    middle_h: Floats
    noise: Floats

    def ahead(self, hours: float) -> tuple[Floats, Floats, Floats]:
        """Give what is expected some hours after each moment, between the bounds of nine in ten readings.

        The slope counts by its weight and fades with the window's length; its bounds count in full, and fade.
        """
        lasts = LASTS * np.maximum(self.window_h, 1)
        reach, around = (
            self.middle_h - lasts * np.expm1(-hours / lasts),
            np.hypot(self.level_error, SURENESS * self.noise),
        )
        followed = self.weight * self.slope
        height = self.level + followed * reach
        below = np.hypot(around, (followed - self.slope_low) * reach)
        above = np.hypot(around, (self.slope_high - followed) * reach)
        return height - below, height, height + above


def trends(occasions: Occasions, latest: Latest, asked: Asked, fresh: Bools) -> Trend:
    """Give the trend of each series at each moment; `latest` and `fresh` are of the same, (q,).

    A series that is not `fresh` has none: its line would lead on from what is no longer so.
    """
    start, window_h = _window(occasions, latest, asked)
    size = np.maximum(latest.stop - start, 0)
    span_h = np.where(size > 0, latest.last_ms - _last_ms(occasions, start), 0) / HOUR_MS
    supported = fresh & latest.there & (window_h > 0)
    owner, rows, newest = _spread_out(latest.stop, np.where(supported, size, 0))
    times_ms, numbers = _last_ms(occasions, rows), occasions.number.take(rows, mode="clip") if len(rows) else rows
    times_ms[newest], numbers[newest] = latest.last_ms[owner[newest]], latest.number[owner[newest]]
    times_ms -= asked.at_ms[owner]
    found = robust.lines(offsets(owner, len(asked.series)), times_ms, numbers, SURENESS)
    squares = _squares(found, owner, times_ms)
    return Trend(
        supported=supported,
        window_h=np.where(supported, window_h, 0),
        occasions=size,
        span_h=span_h,
        **_widened(found, squares, np.bincount(owner, minlength=len(fresh)), asked.error),
    )


def _window(occasions: Occasions, latest: Latest, asked: Asked) -> tuple[Ints, Ints]:
    """Give where the occasions of the shortest window that will do begin, and its hours; 0 for none."""
    begin, window_h = np.zeros((2, len(asked.series)), dtype=np.int64)
    for hours in reversed(WINDOWS_H):
        start, _ = occasions.between(asked.series, asked.at_ms - hours * HOUR_MS + 1, asked.at_ms)
        start = np.minimum(start, latest.stop)
        span_ms = latest.last_ms - _last_ms(occasions, start)
        does = (latest.stop - start >= LEAST) & (span_ms >= HALF * hours * HOUR_MS)
        begin = np.where(does | (hours == max(WINDOWS_H)), start, begin)
        window_h = np.where(does, hours, window_h)
    return begin, window_h


def _spread_out(stop: Ints, size: Ints) -> tuple[Ints, Ints, Ints]:
    """Take of the `size` occasions before each `stop` at most MOST, evenly; give owners, rows, and where each ends."""
    stride = np.maximum(-(-size // MOST), 1)
    taken = -(-size // stride)
    owner = np.repeat(np.arange(len(size)), taken)
    ends = np.cumsum(taken)
    back = ends[owner] - 1 - np.arange(len(owner))
    return owner, stop[owner] - 1 - back * stride[owner], ends[taken > 0] - 1


def _last_ms(occasions: Occasions, rows: Ints) -> Ints:
    """Give the times of occasions; of none at all, zeros."""
    if not len(occasions.last_ms):
        return np.zeros(len(rows), dtype=np.int64)
    return occasions.last_ms.take(rows, mode="clip")


def _squares(found: robust.Lines, owner: Ints, times_ms: Ints) -> Floats:
    """Give the sum of squared hours of each line's points from their middle."""
    away = (times_ms - np.nan_to_num(found.middle)[owner]) / HOUR_MS
    squares: Floats = np.bincount(owner, weights=away**2, minlength=len(found.middle)).astype(np.float64)
    return squares


def _widened(found: robust.Lines, squares: Floats, points: Ints, error: Floats) -> dict[str, Floats]:
    """Widen the bounds by the error of measurement, which equal readings hide, and by how alike neighbours are.

    Points with first autocorrelation r are worth (1 - r) / (1 + r) of as many independent ones.
    """
    per_hour, alike = HOUR_MS / PER_UNIT, np.sqrt((1 + found.likeness) / (1 - found.likeness))
    measured = SURENESS * error / np.sqrt(np.where(squares > 0, squares, np.inf))
    slope = found.slope * per_hour
    below = np.hypot((found.slope - found.slope_low) * per_hour * alike, measured)
    above = np.hypot((found.slope_high - found.slope) * per_hour * alike, measured)
    size = np.where(slope == 0, 1.0, np.abs(slope))
    weight = np.where(slope == 0, 0.0, np.maximum(1 - (np.where(slope > 0, below, above) / size) ** 2, 0.0))
    noise = np.hypot(found.noise / PER_UNIT, error)
    return {
        "slope": slope,
        "slope_low": slope - below,
        "slope_high": slope + above,
        "weight": np.where(np.isnan(slope), np.nan, weight),
        "level": found.level / PER_UNIT,
        "level_error": SURENESS * MEDIAN_ERROR * alike * noise / np.sqrt(np.maximum(points, 1)),
        "middle_h": -found.middle / HOUR_MS,
        "noise": noise,
    }
