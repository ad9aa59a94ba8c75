"""The least and the most of ranges of positions, from tables of doubling lengths.

Nothing but that must live here.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Generic

import numpy as np

from vwmon.kernels.frames import Column, Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


class Doubling(Generic[Column]):
    """The extreme of every 2^k neighbours in a column, level k; any range is two of these that overlap."""

    def __init__(self, ufunc: np.ufunc, column: Column) -> None:
        """Take numpy.minimum or numpy.maximum, and a column (n,)."""
        self._ufunc, self._rows = ufunc, len(column)
        self._flat: Column = np.empty(len(column) * len(column).bit_length(), dtype=column.dtype)
        self._flat[: len(column)] = column
        self._levels = 1

    def over(self, halves: Sequence[Ints], longest: int, out: Column | None = None) -> Column:
        """Give the extreme of each range, (q,); of an empty one anything. The halves are those of `halves`."""
        while 1 << self._levels <= longest:
            self._add_level()
        first, second = (self._flat.take(half, mode="wrap") for half in halves)
        found: Column = self._ufunc(first, second, out=first if out is None else out)
        return found

    def _add_level(self) -> None:
        half = 1 << (self._levels - 1)
        below = self._flat[(self._levels - 1) * self._rows :][: self._rows]
        level = self._flat[self._levels * self._rows :][: self._rows]
        self._ufunc(below[:-half], below[half:], out=level[:-half])
        level[-half:] = below[-half:]
        self._levels += 1


def halves(start: Ints, lengths: Ints, longest: int, rows: int) -> tuple[Ints, Ints]:
    """Give where in the table of a column of so many rows the two parts of each range are, (q,) each."""
    length = np.arange(longest + 1)
    _, exponent = np.frexp(length.astype(np.float64))
    level = np.maximum(exponent.astype(np.int64) - 1, 0)
    first = level * rows
    second = first + length - (1 << level)
    return first.take(lengths, mode="wrap") + start, second.take(lengths, mode="wrap") + start


class Extremes:
    """min and max."""

    def __init__(self, frame: Frame, settings: Settings) -> None:  # noqa: ARG002  # as all kernels
        """Take the readings."""
        self._frame = frame

    @cached_property
    def _tables(self) -> Mapping[str, Doubling[Floats]]:
        values = self._frame.values
        return {"min": Doubling(np.minimum, values), "max": Doubling(np.maximum, values)}

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill what is asked for, (q,) each."""
        parts = halves(window.start, window.count, window.most, len(self._frame.values))
        for name, column in out.items():
            self._tables[name].over(parts, window.most, out=column)
            window.blank(column)
