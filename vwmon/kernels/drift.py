"""The cumulative sum of a window against a target (Page, Biometrika 1954;41:100-115).

A sum that may not fall below zero ends as far above zero as the plain running sum ends above its lowest. So it is a
difference of running sums and the least of a range. Nothing but that must live here.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from vwmon.kernels.extremes import Doubling, halves
from vwmon.kernels.frames import RESOLUTION, Frame, Window
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings
from vwmon.kernels.sums import FITS, floats, running


class Drift:
    """cusum."""

    def __init__(self, frame: Frame, settings: Settings) -> None:
        """Take the readings, and the level that is no change."""
        self._frame = frame
        self._target = np.asarray(settings.target, dtype=np.float64)
        self._slack = round(settings.slack * RESOLUTION)

    def fill(self, window: Window, out: Mapping[str, Floats]) -> None:
        """Fill cusum, (q,)."""
        column, most = out["cusum"], window.most + 1
        parts = halves(window.start, window.count + 1, most, len(self._frame.values) + 1)
        upper, lower = (self._frame.at_end(sums) - table.over(parts, most) for sums, table in self._sides)
        np.copyto(column, floats(np.where(upper >= lower, upper, -lower)))
        column /= RESOLUTION
        window.blank(column)
        if self._target.ndim:
            np.copyto(column, np.nan, where=np.isnan(self._target.take(self._frame.query_owner)))

    @cached_property
    def _sides(self) -> list[tuple[Ints, Doubling[Ints]]]:
        """Running sums of how far values lie above the target and slack, and below, with the least of their ranges."""
        target = np.rint(np.nan_to_num(self._target) * RESOLUTION).astype(np.int64)
        above = self._frame.steps - (target.take(self._frame.owner) if target.ndim else target)
        sums = [running(self._fitting(terms)) for terms in (above - self._slack, -above - self._slack)]
        return [(column, Doubling(np.minimum, column)) for column in sums]

    def _fitting(self, terms: Ints) -> Ints:
        """Give terms in a kind of number in which their running sums fit."""
        most = max(-int(terms.min()), int(terms.max()))
        return terms if most * len(terms) < FITS else terms.astype(object)
