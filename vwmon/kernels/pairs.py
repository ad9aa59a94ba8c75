"""The median slope of all pairs of readings in a window (Theil 1950, Sen 1968).

Slopes by sums must not live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import Frame
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings

HOUR_MS = 3_600_000.0


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:  # noqa: ARG001
    """Fill theil_sen, (q,)."""
    start, end = frame.starts(window_ms).tolist(), frame.ends.tolist()
    out["theil_sen"][:] = [
        _median_slope(frame.times_ms[i:j], frame.values[i:j]) for i, j in zip(start, end, strict=True)
    ]


def _median_slope(times_ms: Ints, values: Floats) -> float:
    """Give the median slope of all pairs at different times, an hour; NaN where there is none."""
    one, other = np.triu_indices(len(times_ms), 1)
    apart = times_ms[other] - times_ms[one]
    one, other, apart = one[apart > 0], other[apart > 0], apart[apart > 0]
    return float(np.median((values[other] - values[one]) / (apart / HOUR_MS))) if len(apart) else np.nan
