"""The mean of a window with weights that halve with age.

A weight is 2^(time / half-life), which is the wanted one up to a factor that cancels. The axis of time is cut into
stretches as long as the window, at fixed places; within one the weights, 1 to 2^half_lives, are whole multiples of
2^-30 and the sums whole numbers as in `sums`. A window meets two stretches at most, and the weights of the earlier are
smaller by a power of two.

The sum of weighted values about the latest reading is kept modulo 2^64. Where it might not fit, coarser weights give it
to within 2^62, and so the multiple of 2^64 that is missing. Where they cannot either (a million readings of a
range of two hundred units, with four half-lives to the window), the same is done in Python's integers, with the result
the same to the bit. Sums without weights must not live here.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from vwmon.kernels.frames import RESOLUTION, Frame, Window
from vwmon.kernels.ragged import Floats, Ints, firsts
from vwmon.kernels.settings import Settings
from vwmon.kernels.sums import FITS, WRAP, floats, running

WEIGHT_BITS = 30
COARSE_BITS = 17  # of a weight that the coarser one leaves out


class Decay:
    """ewma."""

    def __init__(self, frame: Frame, settings: Settings) -> None:
        """Take the readings, and the half-life as a share of the window."""
        self._frame = frame
        self._half_lives = settings.half_lives

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill ewma, (q,)."""
        frame, column = self._frame, out["ewma"]
        stretch = frame.times_ms // window.length_ms
        whole = self._weights(frame.times_ms - stretch * window.length_ms, window.length_ms)
        split = np.maximum(frame.latest(_begins(stretch)), window.start)
        between = partial(self._between, window.start, split)
        weight, about = self._about(frame.steps, whole, between)
        bound = int(weight.max()) * (frame.reach + 1)
        if bound < FITS:
            about_float = floats(about)
        elif bound >> COARSE_BITS < FITS and self._is_near(window):
            _, coarse = self._about(frame.steps, whole >> COARSE_BITS, between)
            about_float = _unwrapped(about, floats(coarse) * 2.0**COARSE_BITS)
        else:
            _, about = self._about(frame.steps.astype(object), whole.astype(object), between)
            about_float = floats(about)
        np.divide(about_float, floats(weight), out=column)
        column += frame.latest(frame.steps)
        column /= RESOLUTION
        window.blank(column)

    def _weights(self, phase_ms: Ints, window_ms: int) -> Ints:
        """Give the weights within a stretch as whole numbers."""
        weight = phase_ms * (self._half_lives / window_ms)
        np.exp2(weight, out=weight)
        weight *= 2.0**WEIGHT_BITS
        np.rint(weight, out=weight)
        whole: Ints = weight.astype(np.int64)
        return whole

    def _about(self, steps: Ints, weights: Ints, between: Callable[[Ints], Ints]) -> tuple[Ints, Ints]:
        """Give the sums of weights, and of weighted steps about the latest, over windows."""
        weight, about = between(running(weights)), between(running(weights * steps))
        about -= weight * self._frame.latest(steps)
        return weight, about

    def _is_near(self, window: Window) -> bool:
        """Say whether what the coarser weights leave out is less than half of what a sum loses by wrapping."""
        return window.most * (self._frame.reach + 1) << (COARSE_BITS + self._half_lives) < FITS // 2

    def _between(self, start: Ints, split: Ints, sums: Ints) -> Ints:
        """Give the sums over windows, in units of the smaller weights of the earlier stretch."""
        middle = sums.take(split, mode="wrap")
        later = self._frame.at_end(sums) - middle
        later <<= self._half_lives
        later += middle
        later -= sums.take(start, mode="wrap")
        return later


def _unwrapped(low: Ints, near: Floats) -> Floats:
    """Give sums from what is left of them modulo 2^64 and values near them."""
    whole = floats(low)
    whole += WRAP * np.rint((near - whole) / WRAP)
    return whole


def _begins(stretch: Ints) -> Ints:
    """Give the position from which on all rows up to each are in its stretch, (n,)."""
    begin = np.flatnonzero(firsts(stretch))
    return np.repeat(begin, np.diff(begin, append=len(stretch)))
