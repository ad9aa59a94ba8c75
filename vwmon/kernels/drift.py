"""The cumulative sum of a window against a target (Page 1954).

Nothing but that must live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.extremes import over
from vwmon.kernels.frames import RESOLUTION, Frame
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:
    """Fill cusum, (q,)."""
    start, end = frame.starts(window_ms), frame.ends
    target = np.broadcast_to(np.asarray(settings.target, dtype=np.float64), frame.owner.max(initial=0) + 1)
    level = np.rint(np.nan_to_num(target) * RESOLUTION).astype(np.int64)[frame.owner]
    slack = round(settings.slack * RESOLUTION)
    upper = _highest(frame.steps - level - slack, start, end)
    lower = _highest(level - frame.steps - slack, start, end)
    out["cusum"][:] = np.where(upper >= lower, upper, -lower) / RESOLUTION
    out["cusum"][(end <= start)] = np.nan
    if np.ndim(settings.target):
        out["cusum"][np.isnan(np.asarray(settings.target)[frame.query_owner])] = np.nan


def _highest(terms: Ints, start: Ints, end: Ints) -> Ints:
    """Give how far the running sum of a range ends above the lowest that it has been."""
    total = np.zeros(len(terms) + 1, dtype=np.int64)
    np.cumsum(terms, out=total[1:])
    return total[end] - over(np.minimum, total, start, end + 1)
