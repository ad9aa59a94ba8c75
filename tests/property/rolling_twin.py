"""The statistics of one window, one reading at a time, in fractions: what the kernels must come to.

It shares no code with them. A reading is a pair of whole milliseconds and a value that is not NaN.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

Reading = tuple[int, float]
HOUR_MS = 3_600_000
STEP = Fraction(1, 10_000)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A window before a moment, the valid readings of the series in order, and the settings."""

    readings: Sequence[Reading]
    at_ms: int
    window_ms: int
    reach_ms: int
    half_lives: int
    target: float
    slack: float

    @property
    def inside(self) -> list[Reading]:
        """The readings of the window: later than its begin, and not later than its end."""
        return [one for one in self.readings if self.at_ms - self.window_ms < one[0] <= self.at_ms]


def stepped(value: float) -> Fraction:
    """Round to ten-thousandths, half to even."""
    return round(Fraction(value * 10_000)) * STEP


def mean(values: Sequence[Fraction]) -> Fraction:
    """Give the mean."""
    return Fraction(sum(values)) / len(values)


def about(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    """Give the sum of products about the means."""
    return Fraction(sum((a - mean(one)) * (b - mean(other)) for a, b in zip(one, other, strict=True)))


def root(square: Fraction) -> float:
    """Give the square root."""
    return math.sqrt(square)


def ticked(asked: Asked) -> tuple[list[Fraction], list[Fraction]]:
    """Give the times of a window in hours, cut to ticks as the window's length has it, and its values."""
    tick = 8
    while asked.window_ms > tick * 2**24:
        tick *= 32
    hours = [Fraction(time // tick * tick, HOUR_MS) for time, _ in asked.inside]
    return hours, [stepped(value) for _, value in asked.inside]


def last(asked: Asked) -> float:
    """Give the value that came last."""
    return asked.inside[-1][1]


def age(asked: Asked) -> float:
    """Give how long ago that was."""
    return asked.at_ms - asked.inside[-1][0]


def coverage(asked: Asked) -> float:
    """Go through the readings up to the moment; each covers up to its reach, the next reading or the moment."""
    times = [time for time, _ in asked.readings if time <= asked.at_ms]
    begin, covered = asked.at_ms - asked.window_ms, 0
    for time, following in pairwise([*times, asked.at_ms]):
        covered += max(0, min(time + asked.reach_ms, following) - max(time, begin))
    return covered / asked.window_ms


def average(asked: Asked) -> float:
    """Give the mean of the window."""
    return float(mean(ticked(asked)[1]))


def deviation(asked: Asked) -> float:
    """Give the sample standard deviation."""
    values = ticked(asked)[1]
    return root(about(values, values) / (len(values) - 1)) if len(values) > 1 else math.nan


def line(asked: Asked) -> tuple[Fraction, Fraction, Fraction, int] | None:
    """Give the sums of squares of times, of products and of squares of values, and how many; or None."""
    hours, values = ticked(asked)
    wide = about(hours, hours)
    return (wide, about(hours, values), about(values, values), len(values)) if wide else None


def slope(asked: Asked) -> float:
    """Give the least-squares slope an hour."""
    found = line(asked)
    return float(found[1] / found[0]) if found else math.nan


def slope_error(asked: Asked) -> float:
    """Give its standard error."""
    found = line(asked)
    if found is None or found[3] < 3:
        return math.nan
    wide, along, tall, count = found
    return root((tall - along**2 / wide) / (count - 2) / wide)


def steepness(asked: Asked) -> float:
    """Give the slope that readings of this spread over these times could have: what rounding is measured by."""
    found = line(asked)
    return root(found[2] / found[0]) if found else 0.0


def pair_slopes(asked: Asked) -> list[Fraction]:
    """Give the slopes of all pairs at different times."""
    return [
        (Fraction(other[1]) - Fraction(one[1])) * HOUR_MS / (other[0] - one[0])
        for number, one in enumerate(asked.inside)
        for other in asked.inside[number + 1 :]
        if other[0] > one[0]
    ]


def theil_sen(asked: Asked) -> float:
    """Give the median slope of all pairs at different times."""
    slopes = pair_slopes(asked)
    return middle(slopes) if slopes else math.nan


def middle(values: Sequence[Fraction]) -> float:
    """Give the median."""
    ascending, half = sorted(values), len(values) // 2
    return float(ascending[half] if len(values) % 2 else (ascending[half - 1] + ascending[half]) / 2)


def median(asked: Asked) -> float:
    """Give the median of the values as they are."""
    return middle([Fraction(value) for _, value in asked.inside])


def ewma(asked: Asked) -> float:
    """Weight each value by its age."""
    half_life_ms = asked.window_ms / asked.half_lives
    weights = [2.0 ** ((time - asked.at_ms) / half_life_ms) for time, _ in asked.inside]
    total = math.fsum(w * float(stepped(value)) for w, (_, value) in zip(weights, asked.inside, strict=True))
    return total / math.fsum(weights)


def cusum(asked: Asked) -> float:
    """Add up what lies beyond target and slack, never below zero, upward and downward."""
    if math.isnan(asked.target):
        return math.nan
    upper = lower = Fraction(0)
    for _, value in asked.inside:
        above = stepped(value) - stepped(asked.target)
        upper = max(Fraction(0), upper + above - stepped(asked.slack))
        lower = max(Fraction(0), lower - above - stepped(asked.slack))
    return float(upper if upper >= lower else -lower)


def difference(asked: Asked) -> float:
    """Give this window's mean less that of the one before."""
    begin = asked.at_ms - asked.window_ms
    before = [stepped(value) for time, value in asked.readings if begin - asked.window_ms < time <= begin]
    return float(mean(ticked(asked)[1]) - mean(before)) if before else math.nan


TWINS: dict[str, Callable[[Asked], float]] = {
    "last": last,
    "age": age,
    "count": lambda asked: len(asked.inside),
    "coverage": coverage,
    "mean": average,
    "std": deviation,
    "min": lambda asked: min(value for _, value in asked.inside),
    "max": lambda asked: max(value for _, value in asked.inside),
    "median": median,
    "slope": slope,
    "slope_error": slope_error,
    "theil_sen": theil_sen,
    "ewma": ewma,
    "cusum": cusum,
    "difference": difference,
}


def reckoned(name: str, asked: Asked) -> float:
    """Give a statistic of a window; of an empty one NaN, or zero for what counts."""
    if name in {"count", "coverage"} or asked.inside:
        return float(TWINS[name](asked))
    return math.nan
