"""Attempts that were refused, in memory: when something of a series was measured without a value that could be used.

Here: the set of (series, time), in order, and what is handed out of it. It is small, because most wards have none. What
an attempt does to a score must not live here. A series is one part of one stay, numbered stay * parts + part.
"""

import numpy as np

from vwmon.kernels.ragged import Bools, Ints, firsts
from vwmon.scoring.charts import PARTS
from vwmon.windows import Columns


class Attempts:
    """The attempts kept, each once, sorted by (series, time)."""

    def __init__(self) -> None:
        """Begin without any."""
        self._series: Ints = np.zeros(0, dtype=np.int64)
        self._times_ms: Ints = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        """Count the attempts kept."""
        return len(self._series)

    def add(self, series: Ints, times_ms: Ints) -> None:
        """Take in attempts in any order; one that is here already changes nothing."""
        if not len(series):
            return
        series, times_ms = np.concatenate([self._series, series]), np.concatenate([self._times_ms, times_ms])
        order = np.lexsort((times_ms, series))
        series, times_ms = series[order], times_ms[order]
        new = firsts(series) | firsts(times_ms)
        self._series, self._times_ms = series[new], times_ms[new]

    def of(self, stays: Ints) -> Columns | None:
        """Give the attempts of some stays, sorted and distinct, as columns of their series; None where there are none.

        The columns' series are numbered as asked: the place among `stays` * parts + part. Their values are nothing.
        """
        if not len(self._series) or not len(stays):
            return None
        stay, part = np.divmod(self._series, len(PARTS))
        rank = np.searchsorted(stays, stay)
        found = stays.take(rank, mode="clip") == stay
        if not found.any():
            return None
        owner = rank[found] * len(PARTS) + part[found]
        return Columns.sorted(len(stays) * len(PARTS), owner, self._times_ms[found], np.zeros(len(owner)))

    def trim(self, before_ms: Ints) -> Ints:
        """Drop what is older than `before_ms` (by stay), but for the last before it of each series; give whose it was.

        The last counts as long as its plan says, and is what the next moment looks back to.
        """
        early = self._times_ms < before_ms[self._series // len(PARTS)]
        dropped = np.zeros(len(early), dtype=np.bool_)
        dropped[:-1] = early[1:] & ~firsts(self._series)[1:]  # what follows in its series is early, so it is too
        stays: Ints = np.unique(self._series[dropped] // len(PARTS))
        self._keep(~dropped)
        return stays

    def forget(self, stay: Ints) -> None:
        """Drop everything about some stays."""
        self._keep(~np.isin(self._series // len(PARTS), stay))

    def _keep(self, kept: Bools) -> None:
        self._series, self._times_ms = self._series[kept], self._times_ms[kept]
