"""What sums over a window say: mean, standard deviation, least-squares slope and its error, difference of means.

Sums are differences of running sums of whole numbers modulo 2^64. They are taken about the window's latest reading,
which the same arithmetic does exactly, so they are right whenever the window's own sums fit in 63 bits, however the
running sums have wrapped. Where they might not fit, the same is done again in Python's integers: the same result to
the bit, some hundred times slower. They fit when

    (readings in a window) * (range of the values in ten-thousandths)^2           < 2^63
    (sum of the readings' ages in ticks) * (window in ticks, or range of values)  < 2^63

as a hundred thousand readings of a range of nine hundred units do, or one a second for a day. Floats come last: one
rounding each for the sums, then a formula whose cancellation is at most of the order of n, since the latest reading
is in the window.

A tick is 8 ms for windows of up to 37 hours (2^27 ms); for longer ones the shortest power of 32 times that with which
a window has no more than 2^24 ticks. Order statistics and weights must not live here.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from vwmon.kernels.frames import RESOLUTION, Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings

HOUR_MS = 3_600_000
TICK_BITS, COARSER_BITS, WINDOW_BITS = 3, 5, 27
FITS = 2**63
RESIDUAL = 3  # readings that leave a residual about a line


class Sums:
    """mean, std, slope, slope_error and difference."""

    def __init__(self, frame: Frame, settings: Settings) -> None:  # noqa: ARG002  # as all kernels
        """Take the readings."""
        self._frame = frame
        self._terms: dict[tuple[int, bool], _Terms] = {}

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill what is asked for, (q,) each."""
        moments = _Moments(window, self)
        for name, column in out.items():
            FORMULAS[name](moments, column)

    def terms(self, tick_bits: int, *, big: bool) -> "_Terms":
        """Give running sums with ticks of so many bits of a millisecond, in big integers or not."""
        key = tick_bits, big
        if key not in self._terms:
            self._terms[key] = _Terms(self._frame, tick_bits, big=big)
        return self._terms[key]


class _Terms:
    """Running sums (n + 1,) over a frame."""

    def __init__(self, frame: Frame, tick_bits: int, *, big: bool) -> None:
        """Take the readings as whole numbers."""
        kind = object if big else np.int64
        self.steps = frame.steps.astype(kind, copy=False)
        self.ticks = (frame.times_ms >> tick_bits).astype(kind, copy=False)
        self.latest_step, self.latest_tick = frame.latest(self.steps), frame.latest(self.ticks)

    @cached_property
    def values(self) -> Ints:
        return running(self.steps)

    @cached_property
    def squares(self) -> Ints:
        return running(self.steps * self.steps)

    @cached_property
    def times(self) -> Ints:
        return running(self.ticks)

    @cached_property
    def time_squares(self) -> Ints:
        return running(self.ticks * self.ticks)

    @cached_property
    def products(self) -> Ints:
        return running(self.ticks * self.steps)


class _Moments:
    """Sums over windows about their latest readings; `first` of values, `back` of ticks. All (q,)."""

    def __init__(self, window: Window, sums: Sums) -> None:
        self.window, self.frame, self._terms = window, window.frame, sums.terms
        self._tick_bits = tick_bits(window.length_ms)

    @cached_property
    def terms(self) -> _Terms:
        """Running sums of the kind in which the sums of values fit."""
        steps = self.frame.steps
        reach = int(steps.max()) - int(steps.min())
        return self._terms(self._tick_bits, big=self.window.most * max(1, reach) ** 2 >= FITS)

    @cached_property
    def line_terms(self) -> _Terms:
        """Running sums of the kind in which the sums of times fit too."""
        terms = self._terms(self._tick_bits, big=False)
        back = self.between(terms.times) - self.window.count * terms.latest_tick
        steps = self.frame.steps
        reach = max(int(steps.max()) - int(steps.min()), self.window.length_ms >> self._tick_bits)
        big = -int(back.min()) * (reach + 1) >= FITS
        return self._terms(self._tick_bits, big=True) if big else self.terms

    def between(self, sums: Ints) -> Ints:
        return self.frame.at_end(sums) - sums.take(self.window.start, mode="wrap")

    @cached_property
    def total(self) -> Ints:
        return self.between(self.terms.values)

    @cached_property
    def first(self) -> Ints:
        return self.total - self.window.count * self.terms.latest_step

    @cached_property
    def spread(self) -> Floats:
        """Sum of squares about the mean, in steps."""
        second = self.between(self.terms.squares) - self.terms.latest_step * (self.total + self.first)
        first = floats(self.first)
        return floats(second) - first * (first / self.window.counted)

    @cached_property
    def line(self) -> tuple[Floats, Floats]:
        """Sums of squares of ticks and of products of ticks and steps, about the means."""
        terms, count = self.line_terms, self.window.counted
        total, times = self.between(terms.values), self.between(terms.times)
        back = times - self.window.count * terms.latest_tick
        square = self.between(terms.time_squares) - terms.latest_tick * (times + back)
        product = self.between(terms.products) - terms.latest_tick * total - terms.latest_step * back
        mean_back = floats(back) / count
        return floats(square) - floats(back) * mean_back, floats(product) - floats(self.first) * mean_back


def _mean(moments: _Moments, out: Floats) -> None:
    np.divide(floats(moments.total), moments.window.counted * RESOLUTION, out=out)


def _std(moments: _Moments, out: Floats) -> None:
    """0/0, which is NaN, for one reading."""
    np.divide(moments.spread, moments.window.counted - 1, out=out)
    np.sqrt(out, out=out)
    out /= RESOLUTION


def _slope(moments: _Moments, out: Floats) -> None:
    """0/0, which is NaN, for readings all at one time."""
    wide, along = moments.line
    np.divide(along, wide, out=out)
    out *= an_hour(moments.window.length_ms)


def _slope_error(moments: _Moments, out: Floats) -> None:
    wide, along = moments.line
    rest = np.maximum(moments.spread - along * (along / wide), 0.0)
    count = moments.window.counted
    np.sqrt(rest / (count - (RESIDUAL - 1)) / wide, out=out)
    out *= an_hour(moments.window.length_ms)
    np.copyto(out, np.nan, where=count < RESIDUAL)


def _difference(moments: _Moments, out: Floats) -> None:
    start, terms = moments.window.start, moments.terms
    earlier = moments.frame.window(2 * moments.window.length_ms).start
    before = terms.values.take(start, mode="wrap") - terms.values.take(earlier, mode="wrap")
    _mean(moments, out)
    out -= floats(before) / ((start - earlier) * float(RESOLUTION))


FORMULAS: Mapping[str, Callable[[_Moments, Floats], None]] = {
    "mean": _mean,
    "std": _std,
    "slope": _slope,
    "slope_error": _slope_error,
    "difference": _difference,
}


def tick_bits(window_ms: int) -> int:
    """Say how many bits of a millisecond a tick has for a window of this length.

    >>> tick_bits(2**27), tick_bits(2**27 + 1), tick_bits(2**32 + 1)
    (3, 8, 13)
    """
    over = max(0, (window_ms - 1).bit_length() - WINDOW_BITS)
    return TICK_BITS - COARSER_BITS * (-over // COARSER_BITS)


def an_hour(window_ms: int) -> float:
    """Give what turns steps a tick into units an hour."""
    return HOUR_MS / RESOLUTION / 2.0 ** tick_bits(window_ms)


def running(terms: Ints) -> Ints:
    """Give the sums of the terms before each position, (n,) -> (n + 1,)."""
    sums = np.empty(len(terms) + 1, dtype=terms.dtype)
    sums[0] = 0
    np.cumsum(terms, out=sums[1:])
    return sums


def floats(whole: Ints) -> Floats:
    """Round whole numbers to floats, each once."""
    return whole.astype(np.float64)
