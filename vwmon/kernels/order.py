"""The exact median of ranges of positions, by a wavelet matrix (Claude, Navarro and Ordonez, Inf Syst 2015;47:15-32).

The readings of a frame are replaced by their ranks, and the ranks split bit by bit from the highest: at each bit all
with 0 go before all with 1, keeping their order, so that a range stays two ranges, one of each. Counting those with 0
says in which of the two the k-th smallest lies, which is one bit of its rank. A query costs as many steps as a rank has
bits, about fifteen, whatever its window's length. Sums must not live here.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from vwmon.kernels.frames import Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


class Order:
    """median."""

    def __init__(self, frame: Frame, settings: Settings) -> None:  # noqa: ARG002  # as all kernels
        """Take the readings."""
        self._frame = frame

    @cached_property
    def _matrix(self) -> "Wavelets":
        return Wavelets(self._frame.values)

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill median, (q,)."""
        count, column = window.count, out["median"]
        np.copyto(column, self._matrix.smallest(window.start, self._frame.ends, (count - 1) >> 1))
        even = np.flatnonzero((count & 1 == 0) & (count > 0))
        upper = self._matrix.smallest(window.start[even], self._frame.ends[even], count[even] >> 1)
        column[even] = (column[even] + upper) / 2
        window.blank(column)


class Wavelets:
    """The ranks of a column (n,), n >= 1, bit by bit."""

    def __init__(self, column: Floats) -> None:
        """Sort the column and split its ranks."""
        order = np.argsort(column, kind="stable")
        self._sorted = column[order]
        rank = np.empty(len(column), dtype=np.int64)
        rank[order] = np.arange(len(column))
        self._zeros: list[tuple[int, Ints]] = []
        for bit in reversed(range((len(column) - 1).bit_length())):
            low = (rank >> bit) & 1 == 0
            before = np.zeros(len(column) + 1, dtype=np.int64)
            np.cumsum(low, out=before[1:])
            self._zeros.append((bit, before))
            rank = np.concatenate([rank[low], rank[~low]])

    def smallest(self, start: Ints, end: Ints, number: Ints) -> Floats:
        """Give the value that `number` others come before in each range, 0 to its length - 1; all (q,).

        Of an empty range it is any value.
        """
        rank = np.zeros(len(start), dtype=np.int64)
        for bit, before in self._zeros:
            low, high = before.take(start, mode="wrap"), before.take(end, mode="wrap")
            zeros = high - low
            one = number >= zeros
            number = np.where(one, number - zeros, number)
            rank |= one.astype(np.int64) << bit
            start = np.where(one, before[-1] + start - low, low)
            end = np.where(one, before[-1] + end - high, high)
        return self._sorted.take(rank, mode="clip")
