"""The mean of a window with weights that halve with age.

Nothing but that must live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import Frame
from vwmon.kernels.ragged import Floats
from vwmon.kernels.settings import Settings


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:
    """Fill ewma, (q,)."""
    start, end = frame.starts(window_ms).tolist(), frame.ends.tolist()
    half_life_ms = window_ms / settings.half_lives
    for number, (i, j, at) in enumerate(zip(start, end, frame.query_along.tolist(), strict=True)):
        weight = np.exp2((frame.along[i:j] - at) / half_life_ms)
        out["ewma"][number] = weight @ frame.values[i:j] / weight.sum() if j > i else np.nan
