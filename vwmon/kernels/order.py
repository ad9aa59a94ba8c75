"""The exact median of ranges of positions.

Other order statistics may come here; sums must not.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import Frame
from vwmon.kernels.ragged import Floats
from vwmon.kernels.settings import Settings


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:  # noqa: ARG001
    """Fill median, (q,)."""
    start, end = frame.starts(window_ms).tolist(), frame.ends.tolist()
    out["median"][:] = [np.median(frame.values[i:j]) if j > i else np.nan for i, j in zip(start, end, strict=True)]
