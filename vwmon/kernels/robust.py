"""Robust numbers of many small groups at once: median, median absolute deviation, and lines through points.

Numbers are whole, in whatever fine unit the caller counts in, so that a result is the same to the bit in any order or
batch. What a group is, and what its numbers mean, must not live here. Every function leaves its inputs as they were.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels.ragged import Floats, Ints, keyed, offsets

NORMAL_MAD = 1.482602218505602  # one standard deviation of a normal distribution, over its MAD
# Small groups show too little spread: Croux and Rousseeuw, COMPSTAT 1992, for 0 to 9 members; then n / (n - 0.8).
SMALL = np.array([np.nan, np.nan, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107])
LIKEST = 0.8  # an autocorrelation nearer to one than this cannot be told from a trend
FARTHEST = 3.0  # a point farther off its line, in standard deviations, counts so far in the autocorrelation
MEDIAN_ERROR = 1.2533141373155003  # the standard error of a median over that of a mean, normal numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Robust lines through the points of n groups; everything is NaN for a group that is too small.

    `slope` is per unit of time, between `slope_low` and `slope_high`; `middle` is the mean time of the points after
    the group's origin, `level` the line's height there, `noise` the robust standard deviation of the points around it.
    `likeness` is how alike neighbouring points are beside the line, 0 to LIKEST: their first autocorrelation.
    """

    slope: Floats
    slope_low: Floats
    slope_high: Floats
    middle: Floats
    level: Floats
    noise: Floats
    likeness: Floats


def twice_medians(owner: Ints, numbers: Ints, count: int) -> Ints:
    """Give twice the median of the numbers of each group from 0 to count - 1, which is whole; 0 for an empty group.

    `owner` and `numbers` are (n,), in any order. OverflowError when both do not fit in 63 bits together.
    """
    ends = offsets(owner, count)
    size = np.diff(ends)
    if not len(numbers):
        return np.zeros(count, dtype=np.int64)
    ranked = _ranked(owner, numbers)
    low = ranked.take(ends[:-1] + (size - 1) // 2, mode="clip")
    high = ranked.take(ends[:-1] + size // 2, mode="clip")
    return np.where(size, low + high, 0)


def twice_deviations(owner: Ints, numbers: Ints, twice_median: Ints) -> Ints:
    """Give four times the median absolute deviation of each group from its median; 0 for an empty group."""
    away = np.abs(2 * numbers - twice_median[owner])
    return twice_medians(owner, away, len(twice_median))


def unbiased(mad: Floats, size: Ints) -> Floats:
    """Give the standard deviation that a median absolute deviation of `size` normal numbers stands for.

    NaN for fewer than two, which have no spread.
    """
    large = size / np.maximum(size - 0.8, 0.2)
    factor = np.where(size < len(SMALL), SMALL.take(size, mode="clip"), large)
    spread: Floats = NORMAL_MAD * factor * mad
    return spread


def lines(ends: Ints, times: Ints, numbers: Ints, sureness: float, apart: int = 0) -> Lines:
    """Give the Theil-Sen line through the points of each group, with Sen's interval for its slope.

    `ends` is (groups + 1,) offsets into `times` and `numbers` (n,), times rising within a group and none twice.
    `sureness` is the normal quantile of the interval, 1.645 for 90 %. Two points nearer to each other than `apart` are
    taken to be so far apart, as what lies between them is no slope. The interval comes from Kendall's statistic
    (Sen, J Am Stat Assoc 1968;63:1379) and takes the points to be independent. A group of fewer than five points has
    no such interval at 90 %, so that its line is NaN.
    """
    size = np.diff(ends)
    columns = {name: np.full(len(size), np.nan) for name in Lines.__slots__}
    for one in np.unique(size[size >= LEAST_POINTS]).tolist():
        rows = np.flatnonzero(size == one)
        at = ends[rows][:, None] + np.arange(one)
        found = _same_size(times[at].astype(np.float64), numbers[at].astype(np.float64), sureness, apart)
        for name, column in found.items():
            columns[name][rows] = column
    return Lines(**columns)


LEAST_POINTS = 5


def _ranked(owner: Ints, numbers: Ints) -> Ints:
    """Give the numbers in order of (owner, number)."""
    key = np.sort(keyed(owner, numbers))
    least = numbers.min()
    bits = int(numbers.max() - least).bit_length()
    ranked: Ints = (key & ((1 << bits) - 1)) + least
    return ranked


def _same_size(times: Floats, numbers: Floats, sureness: float, apart: int) -> dict[str, Floats]:
    """Fit the lines of (groups, points)."""
    points = times.shape[1]
    first, second = np.triu_indices(points, 1)
    between = np.maximum(times[:, second] - times[:, first], apart)
    slopes = np.sort((numbers[:, second] - numbers[:, first]) / between, axis=1)
    pairs = len(first)
    reach = sureness * np.sqrt(points * (points - 1) * (2 * points + 5) / 18)
    outer = max(int((pairs - reach) // 2), 1)
    slope = np.median(slopes, axis=1)
    middle = times.mean(axis=1)
    flat = numbers - slope[:, None] * (times - middle[:, None])
    level = np.median(flat, axis=1)
    beside = flat - level[:, None]
    noise = unbiased(np.median(np.abs(beside), axis=1), np.full(len(level), points))
    return {
        "slope": slope,
        "slope_low": slopes[:, outer - 1],
        "slope_high": slopes[:, pairs - outer],
        "middle": middle,
        "level": level,
        "noise": noise,
        "likeness": _likeness(np.clip(beside, -FARTHEST * noise[:, None], FARTHEST * noise[:, None])),
    }


def _likeness(beside: Floats) -> Floats:
    squares = (beside**2).sum(axis=1)
    products = (beside[:, 1:] * beside[:, :-1]).sum(axis=1)
    alike: Floats = np.clip(products / np.where(squares > 0, squares, 1.0), 0.0, LIKEST)
    return alike
