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

from vwmon.durations import HOUR_MS
from vwmon.kernels.frames import RESOLUTION, Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings

TICK_BITS, COARSER_BITS, WINDOW_BITS = 3, 5, 27
FITS = 2**63
WRAP = 2.0**64
SPREAD, RESIDUAL = 2, 3  # readings that spread about a mean, and that leave a residual about a line


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
    """Sums over windows about their latest readings: `first` of values, `back` of ticks; all (q,)."""

    def __init__(self, window: Window, sums: Sums) -> None:
        self.window, self.frame, self._terms = window, window.frame, sums.terms
        self._tick_bits = tick_bits(window.length_ms)

    @cached_property
    def terms(self) -> _Terms:
        """Running sums of the kind in which the sums of values fit."""
        return self._terms(self._tick_bits, big=self.window.most * (self.frame.reach + 1) ** 2 >= FITS)

    @cached_property
    def line_terms(self) -> _Terms:
        """Running sums of the kind in which the sums of times fit too."""
        widest = max(self.frame.reach, self.window.length_ms >> self._tick_bits) + 1
        big = -int(self.back.min()) * widest >= FITS
        return self._terms(self._tick_bits, big=True) if big else self.terms

    def between(self, sums: Ints) -> Ints:
        """Give the sums of the windows."""
        return self.frame.at_end(sums) - sums.take(self.window.start, mode="wrap")

    @cached_property
    def total(self) -> Ints:
        return self.between(self.terms.values)

    @cached_property
    def first(self) -> Ints:
        return self.total - self.window.count * self.terms.latest_step

    @cached_property
    def first_float(self) -> Floats:
        return floats(self.first)

    @cached_property
    def spread(self) -> Floats:
        """Sum of squares about the mean, in steps."""
        about = self.total + self.first
        about *= self.terms.latest_step
        second = self.between(self.terms.squares)
        second -= about
        return less(floats(second), self.first_float / self.window.counted, self.first_float)

    @cached_property
    def times(self) -> Ints:
        return self.between(self._terms(self._tick_bits, big=False).times)

    @cached_property
    def back(self) -> Ints:
        back = self.window.count * self._terms(self._tick_bits, big=False).latest_tick
        np.subtract(self.times, back, out=back)
        return back

    @cached_property
    def back_float(self) -> Floats:
        return floats(self.back)

    @cached_property
    def mean_back(self) -> Floats:
        return self.back_float / self.window.counted

    @cached_property
    def wide(self) -> Floats:
        """Sum of squares of ticks about their mean."""
        about = (self.times + self.back) * self.line_terms.latest_tick
        square = self.between(self.line_terms.time_squares)
        square -= about
        return less(floats(square), self.mean_back, self.back_float)

    def no_line(self, out: Floats) -> None:
        """Write NaN where the readings are all at one time, or none are there."""
        np.copyto(out, np.nan, where=self.wide <= 0)
        self.window.blank(out)

    @cached_property
    def along(self) -> Floats:
        """Sum of products of ticks and steps about their means."""
        terms = self.line_terms
        product = self.between(terms.products)
        product -= self.total * terms.latest_tick
        product -= self.back * terms.latest_step
        return less(floats(product), self.mean_back, self.first_float)


def less(sums: Floats, one: Floats, other: Floats) -> Floats:
    """Take the products of two columns from sums that are the caller's to give away."""
    sums -= one * other
    return sums


def _mean(moments: _Moments, out: Floats) -> None:
    np.divide(floats(moments.total), moments.window.counted * RESOLUTION, out=out)
    moments.window.blank(out)


def _std(moments: _Moments, out: Floats) -> None:
    np.divide(moments.spread, moments.window.counted - 1, out=out)
    np.sqrt(out, out=out)
    out /= RESOLUTION
    np.copyto(out, np.nan, where=moments.window.count < SPREAD)


def _slope(moments: _Moments, out: Floats) -> None:
    np.divide(moments.along, moments.wide, out=out)
    out *= an_hour(moments.window.length_ms)
    moments.no_line(out)


def _slope_error(moments: _Moments, out: Floats) -> None:
    wide, along = moments.wide, moments.along
    rest = np.maximum(moments.spread - along * (along / wide), 0.0)
    count = moments.window.counted
    np.sqrt(rest / (count - (RESIDUAL - 1)) / wide, out=out)
    out *= an_hour(moments.window.length_ms)
    np.copyto(out, np.nan, where=count < RESIDUAL)
    moments.no_line(out)


def _difference(moments: _Moments, out: Floats) -> None:
    start, terms = moments.window.start, moments.terms
    earlier = moments.frame.window(2 * moments.window.length_ms).start
    before = terms.values.take(start, mode="wrap") - terms.values.take(earlier, mode="wrap")
    _mean(moments, out)
    out -= floats(before) / ((start - earlier) * float(RESOLUTION))
    np.copyto(out, np.nan, where=start == earlier)
    moments.window.blank(out)


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
    """Round whole numbers to floats: once each, and beyond 63 bits as `decay` puts them together."""
    if whole.dtype != object:
        return whole.astype(np.float64)
    low = (whole + FITS) % (2 * FITS) - FITS
    rounded: Floats = low.astype(np.float64) + WRAP * ((whole - low) // (2 * FITS)).astype(np.float64)
    return rounded
