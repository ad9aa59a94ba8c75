"""The mean of a window with weights that halve with age.

A weight is 2^(time / half-life), which is the wanted one up to a factor that cancels. The axis of time is cut into
stretches as long as the window, at fixed places; within one the weights, 1 to 2^half_lives, are whole multiples of
2^-30 and the sums whole numbers as in `sums`, in two halves so that they fit. A window meets two stretches at most,
and the weights of the earlier are smaller by a power of two. Sums without weights must not live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import RESOLUTION, Frame, Window
from vwmon.kernels.ragged import Floats, Ints, firsts
from vwmon.kernels.settings import Settings
from vwmon.kernels.sums import FITS, floats, running

WEIGHT_BITS, LOW_BITS = 30, 15


class Decay:
    """ewma."""

    def __init__(self, frame: Frame, settings: Settings) -> None:
        """Take the readings, and the half-life as a share of the window."""
        self._frame = frame
        self._half_lives = settings.half_lives

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill ewma, (q,)."""
        frame = self._frame
        stretch = frame.times_ms // window.length_ms
        whole = self._weights(frame.times_ms - stretch * window.length_ms, window.length_ms)
        steps = self._fitting(frame.steps, window.most)
        halves = [half.astype(steps.dtype, copy=False) for half in (whole >> LOW_BITS, whole & (2**LOW_BITS - 1))]
        split = np.maximum(self._begin(stretch), window.start)
        centre, column = frame.latest(steps), out["ewma"]
        weights, moments = np.zeros(len(column)), np.zeros(len(column))
        for half, scale in zip(halves, (2.0**LOW_BITS, 1.0), strict=True):
            sums, products = running(half), running(half * steps)
            for share, begin, end in ((1.0, split, None), (2.0**-self._half_lives, window.start, split)):
                weight, product = (_between(frame, terms, begin, end) for terms in (sums, products))
                weights += floats(weight) * (scale * share)
                moments += floats(product - weight * centre) * (scale * share)
        np.divide(moments, weights, out=column)
        column += floats(centre)
        column /= RESOLUTION

    def _weights(self, phase_ms: Ints, window_ms: int) -> Ints:
        """Give the weights within a stretch as whole numbers."""
        weight = np.exp2(phase_ms * (self._half_lives / window_ms))
        weight *= 2.0**WEIGHT_BITS
        np.rint(weight, out=weight)
        whole: Ints = weight.astype(np.int64)
        return whole

    def _fitting(self, steps: Ints, most: int) -> Ints:
        """Give the steps in a kind of number in which the sums of so many fit."""
        reach = int(steps.max()) - int(steps.min()) + 1
        return steps if most * reach << (self._half_lives + WEIGHT_BITS - LOW_BITS) < FITS else steps.astype(object)

    def _begin(self, stretch: Ints) -> Ints:
        """Give the position from which on all readings up to the latest are in its stretch, (q,)."""
        first = firsts(stretch)
        begin = np.flatnonzero(first).take(np.cumsum(first) - 1, mode="wrap")
        return self._frame.latest(begin)


def _between(frame: Frame, sums: Ints, start: Ints, end: Ints | None) -> Ints:
    """Sum over ranges of positions, up to the queries' own ends where none is given."""
    up_to = frame.at_end(sums) if end is None else sums.take(end, mode="wrap")
    difference: Ints = up_to - sums.take(start, mode="wrap")
    return difference
