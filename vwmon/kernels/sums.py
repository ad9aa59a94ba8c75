"""What sums over a window say: mean, standard deviation, least-squares slope and its error, difference of means.

Sums are of whole numbers modulo 2^64, taken from running sums: exact as long as the window's own sum fits. Order
statistics and weights must not live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import RESOLUTION, Frame
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings

TICK_MS = 8
TICKS_AN_HOUR = 3_600_000 // TICK_MS


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:  # noqa: ARG001
    """Fill mean, std, slope, slope_error and difference, as far as they are asked for; each (q,)."""
    start, end = frame.starts(window_ms), frame.ends
    count = (end - start).astype(np.float64)
    last = np.maximum(end - 1, 0)
    if not len(frame.values):
        for column in out.values():
            column[:] = np.nan
        return
    steps = frame.steps
    centre = steps[last]
    first = _between(steps, start, end) - (end - start) * centre
    if "mean" in out or "difference" in out:
        mean = _between(steps, start, end) / count / RESOLUTION
        mean[count == 0] = np.nan
        if "mean" in out:
            out["mean"][:] = mean
        if "difference" in out:
            before, start2 = start, frame.starts(2 * window_ms)
            out["difference"][:] = mean - _between(steps, start2, before) / (before - start2) / RESOLUTION
    second = _between(steps * steps, start, end) - 2 * centre * _between(steps, start, end) + (end - start) * centre**2
    spread = second - first * (first / count)
    if "std" in out:
        out["std"][:] = np.sqrt(np.where(count >= 2, spread / (count - 1), np.nan)) / RESOLUTION
    if not out.keys() & {"slope", "slope_error"}:
        return
    ticks = frame.times_ms >> 3
    now = ticks[last]
    back = _between(ticks, start, end) - (end - start) * now
    square = _between(ticks * ticks, start, end) - now * (_between(ticks, start, end) + back)
    both = _between(ticks * steps, start, end) - now * _between(steps, start, end) - centre * back
    wide = square - back * (back / count)
    along = both - first * (back / count)
    wide[(wide <= 0) | (count < 2)] = np.nan
    if "slope" in out:
        out["slope"][:] = along / wide * (TICKS_AN_HOUR / RESOLUTION)
    if "slope_error" in out:
        rest = np.maximum(spread - along * (along / wide), 0)
        rest[count < 3] = np.nan
        out["slope_error"][:] = np.sqrt(rest / (count - 2) / wide) * (TICKS_AN_HOUR / RESOLUTION)


def _between(terms: Ints, start: Ints, end: Ints) -> Ints:
    """Sum whole numbers over ranges of positions, modulo 2^64."""
    total = np.zeros(len(terms) + 1, dtype=np.int64)
    np.cumsum(terms, out=total[1:])
    found: Ints = total[end] - total[start]
    return found
