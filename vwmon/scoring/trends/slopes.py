"""The trend: a robust line through the latest occasions, over the shortest window that holds enough of them.

Here: which occasions count, the line with its bounds, and how far it is followed. Scoring where it leads must not live
here. docs/trends.md says what was tried on recordings: a line followed as it stands foretells worse than no change.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.durations import HOUR_MS
from vwmon.kernels import robust
from vwmon.kernels.ragged import Bools, Floats, Ints, firsts, offsets, spans
from vwmon.kernels.robust import MEDIAN_ERROR, twice_medians
from vwmon.scoring.trends.occasions import PER_UNIT, Latest, Occasions
from vwmon.scoring.trends.table import Asked

WINDOWS_H = (24, 72, 168)  # none shorter: a line is not followed farther than half of what it was seen for
SLOTS = 32  # of a window: what was measured within one counts once, or two readings an hour apart would be a slope
LEAST = 6  # slots with an occasion
HALF = 0.5  # of a window that its occasions must span
LASTS = 0.5  # windows in which a slope fades to 1 / e of itself
LINE = ("slope", "slope_low", "slope_high", "weight", "level", "level_error", "middle_h", "noise")
SURENESS = 1.645  # of the bounds, as a normal quantile: 90 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The lines of q series at a moment each; floats are NaN and `window_h` 0 where none is `supported`.

    `slope` per hour lies between `slope_low` and `slope_high` at 90 %; the error of measurement, and neighbours that
    are alike, widen the bounds. `weight` is how much of the slope is followed ahead: none while the bounds hold zero,
    all when they are narrow against it. `level` is the line's height at the middle of its occasions, `middle_h` hours
    before the moment, known to `level_error` at 90 %; `noise` is how far occasions are from the line, one standard
    deviation. `points` (slots with an occasion) and `span_h` say what it rests on; without a line, what there was in
    the longest window.
    """

    supported: Bools
    window_h: Ints
    points: Ints
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """The points of some series in one window: `ends` (q + 1,) into `times_ms`, after the moment, and `numbers`.

    Both are doubled, so that a median between two of them is whole. `span_ms` (q,) is from the first to the last.
    """

    ends: Ints
    times_ms: Ints
    numbers: Ints
    span_ms: Ints

    def where(self, chosen: Bools) -> "_Points":
        """Keep the points of some of the series."""
        size = np.diff(self.ends)
        rows = np.repeat(chosen, size)
        ends = np.concatenate([[0], np.cumsum(size[chosen])])
        return _Points(
            ends=ends, times_ms=self.times_ms[rows], numbers=self.numbers[rows], span_ms=self.span_ms[chosen]
        )


def trends(occasions: Occasions, latest: Latest, asked: Asked, fresh: Bools) -> Trend:
    """Give the trend of each series at each moment; `latest` and `fresh` are of the same, (q,).

    A series that is not `fresh` has none: its line would lead on from what is no longer so.
    """
    count = len(fresh)
    window_h, points = np.zeros((2, count), dtype=np.int64)
    span_h, columns = np.zeros(count), {name: np.full(count, np.nan) for name in LINE}
    pending = np.flatnonzero(fresh & latest.there)
    for hours in WINDOWS_H:
        found = _points(occasions, latest, asked, pending, hours)
        size = np.diff(found.ends)
        points[pending], span_h[pending] = size, found.span_ms / HOUR_MS
        does = (size >= LEAST) & (found.span_ms >= HALF * hours * HOUR_MS)
        rows, pending = pending[does], pending[~does]
        window_h[rows] = hours
        for name, column in _fitted(found.where(does), hours, asked.error[rows]).items():
            columns[name][rows] = column
    return Trend(supported=window_h > 0, window_h=window_h, points=points, span_h=span_h, **columns)


def _points(occasions: Occasions, latest: Latest, asked: Asked, chosen: Ints, hours: int) -> _Points:
    """Give the points of the chosen series: the occasions of a window, as known then, one for each slot."""
    at_ms, stop = asked.at_ms[chosen], latest.stop[chosen]
    start, _ = occasions.between(asked.series[chosen], at_ms - hours * HOUR_MS + 1, at_ms)
    size = np.maximum(stop - start, 0)
    rows, owner = spans(stop - size, stop), np.repeat(np.arange(len(chosen)), size)
    times_ms, numbers = occasions.last_ms[rows], occasions.number[rows]
    newest = np.cumsum(size)[size > 0] - 1
    times_ms[newest], numbers[newest] = latest.last_ms[chosen][size > 0], latest.number[chosen][size > 0]
    times_ms -= at_ms[owner]
    new = firsts(owner) | firsts(-times_ms // _slot_ms(hours))
    point, owner_of_point = np.cumsum(new) - 1, owner[new]
    first = np.cumsum(size) - size
    span_ms = np.zeros(len(chosen), dtype=np.int64)
    span_ms[size > 0] = times_ms[newest] - times_ms[first[size > 0]]
    return _Points(
        ends=offsets(owner_of_point, len(chosen)),
        times_ms=twice_medians(point, times_ms, len(owner_of_point)),
        numbers=twice_medians(point, numbers, len(owner_of_point)),
        span_ms=span_ms,
    )


def _slot_ms(hours: int) -> int:
    return hours * HOUR_MS // SLOTS


def _fitted(points: _Points, hours: int, error: Floats) -> dict[str, Floats]:
    """Give the lines of points with the bounds that they deserve, by the names of LINE."""
    found = robust.lines(points.ends, points.times_ms, points.numbers, SURENESS, 2 * _slot_ms(hours))
    size = np.diff(points.ends)
    owner = np.repeat(np.arange(len(size)), size)
    away = (points.times_ms - found.middle[owner]) / (2 * HOUR_MS)
    squares = np.bincount(owner, weights=away**2, minlength=len(size))
    return _widened(found, squares.astype(np.float64), size, error)


def _widened(found: robust.Lines, squares: Floats, points: Ints, error: Floats) -> dict[str, Floats]:
    """Widen the bounds by the error of measurement, which equal readings hide, and by how alike neighbours are.

    Points with first autocorrelation r are worth (1 - r) / (1 + r) of as many independent ones.
    """
    per_unit = 2 * PER_UNIT
    per_hour, alike = 2 * HOUR_MS / per_unit, np.sqrt((1 + found.likeness) / (1 - found.likeness))
    measured = SURENESS * error / np.sqrt(squares)
    slope = found.slope * per_hour
    below = np.hypot((found.slope - found.slope_low) * per_hour * alike, measured)
    above = np.hypot((found.slope_high - found.slope) * per_hour * alike, measured)
    size = np.where(slope == 0, 1.0, np.abs(slope))
    weight = np.where(slope == 0, 0.0, np.maximum(1 - (np.where(slope > 0, below, above) / size) ** 2, 0.0))
    noise = np.hypot(found.noise / per_unit, error)
    return {
        "slope": slope,
        "slope_low": slope - below,
        "slope_high": slope + above,
        "weight": weight,
        "level": found.level / per_unit,
        "level_error": SURENESS * MEDIAN_ERROR * alike * noise / np.sqrt(points),
        "middle_h": -found.middle / (2 * HOUR_MS),
        "noise": noise,
    }
