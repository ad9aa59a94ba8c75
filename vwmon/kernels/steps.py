"""Values that hold from a moment on, of many rows at once: which one holds of a row at a time.

Pure arrays. What the values mean must not live here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from vwmon.kernels.ragged import Floats, Ints

NEVER_MS = 2**62  # the start of a step that a row does not have


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The value of n rows before any step, `first` (n,), and from each of k `starts_ms` (n, k) on, `values` (n, k).

    The starts of a row are in order; one without so many has NEVER_MS.
    """

    first: Floats
    starts_ms: Ints
    values: Floats

    @classmethod
    def of(cls, first: Sequence[float], several: Sequence[Sequence[tuple[int, float]]]) -> Self:
        """Take the steps of each row, (start, value) in order."""
        width = max(map(len, several), default=0)
        starts_ms = np.full((len(several), width), NEVER_MS, dtype=np.int64)
        values = np.full((len(several), width), np.nan)
        for row, steps in enumerate(several):
            starts_ms[row, : len(steps)] = [start for start, _ in steps]
            values[row, : len(steps)] = [value for _, value in steps]
        return cls(first=np.array(first, dtype=np.float64), starts_ms=starts_ms, values=values)

    def at(self, row: Ints, at_ms: Ints) -> Floats:
        """Give the value of each row at each time, (m,): of the last step that has begun, the start belonging to it."""
        begun = (self.starts_ms[row] <= at_ms[:, None]).sum(axis=1)
        found: Floats = np.column_stack([self.first, self.values])[row, begun]
        return found
