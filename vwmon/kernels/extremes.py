"""The least and the most of ranges of positions, from tables of doubling lengths.

Nothing but that must live here.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from vwmon.kernels.frames import Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


class Doubling:
    """The extreme of every 2^k neighbours in a column; any range is two of these that overlap."""

    def __init__(self, ufunc: np.ufunc, column: Floats | Ints) -> None:
        """Take numpy.minimum or numpy.maximum, and a column (n,)."""
        self._ufunc = ufunc
        self._levels: Floats | Ints = column.reshape(1, -1)

    def over(self, start: Ints, lengths: Ints, level: Ints) -> Floats:
        """Give the extreme of each range, (q,); of an empty one anything. `level` is that of `levels(lengths)`."""
        self._reach(int(level.max()))
        rows = self._levels.shape[1]
        base = level * rows + start
        flat = self._levels.reshape(-1)
        first = flat.take(base, mode="clip")
        base += lengths - (1 << level)
        found: Floats = self._ufunc(first, flat.take(base, mode="clip"), out=first)
        return found

    def _reach(self, level: int) -> None:
        """Add the levels that are missing."""
        had, rows = self._levels.shape
        if level < had:
            return
        levels = np.empty((level + 1, rows), dtype=self._levels.dtype)
        levels[:had] = self._levels
        for number in range(had, level + 1):
            half = 1 << (number - 1)
            below = levels[number - 1]
            self._ufunc(below[:-half], below[half:], out=levels[number, :-half])
            levels[number, -half:] = below[-half:]
        self._levels = levels


def levels(lengths: Ints) -> Ints:
    """Give the exponent of the highest power of two within each length; 0 for a length of 0."""
    _, exponent = np.frexp(lengths.astype(np.float64))
    return np.maximum(exponent.astype(np.int64) - 1, 0)


class Extremes:
    """min and max."""

    def __init__(self, frame: Frame, settings: Settings) -> None:  # noqa: ARG002  # as all kernels
        """Take the readings."""
        self._frame = frame

    @cached_property
    def _tables(self) -> Mapping[str, Doubling]:
        values = self._frame.values
        return {"min": Doubling(np.minimum, values), "max": Doubling(np.maximum, values)}

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill what is asked for, (q,) each."""
        level = levels(window.count)
        for name, column in out.items():
            np.copyto(column, self._tables[name].over(window.start, window.count, level))
            window.blank(column)
