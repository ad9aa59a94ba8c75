"""Counting what comes at or before each of many ascending moments, in one walk where that is exact.

What the moments mean must not live here.
"""

import numpy as np

from vwmon.kernels.ragged import Ints

WALKABLE = 2**51  # rows times the widest gap: beyond it an interpolated position could round up to the next row
WHOLE = 2**51  # the highest time to which half a millisecond can be added exactly


class Ladder:
    """Ascending whole numbers (n,), n >= 1, not negative, to be searched many times with ascending targets."""

    def __init__(self, rungs: Ints) -> None:
        """Look at the rungs once."""
        self._rungs = rungs
        widest = int(np.diff(rungs).max(initial=0))
        self._walk = widest * (len(rungs) + 2) < WALKABLE and int(rungs[-1]) < WHOLE
        if self._walk:
            self._places = np.arange(1, len(rungs) + 1, dtype=np.float64)
            self._at = rungs.astype(np.float64)

    def count(self, targets: Ints) -> Ints:
        """Count the rungs at or below each target, (q,); targets lie below 2^51 in size.

        Interpolating the row number at half a millisecond past the target lands between the last rung at or below it
        and the next. numpy's interpolation begins where it found the target before, so that ascending targets make a
        walk of it, about three times as fast as as many binary searches.
        """
        if not self._walk:
            return np.searchsorted(self._rungs, targets, side="right")
        return np.interp(targets + 0.5, self._at, self._places, left=0.0).astype(np.int64)
