"""Ratios of readings over columns: what vwmon.scoring.ratios says of one row, of many at once, in whole numbers."""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels.bands import MILLION, millionths
from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.scoring.chart_faults import scale
from vwmon.scoring.records import Ratio

NO_VALUE = -1  # the number of no band


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioColumns:
    """Values (n,), NaN where there is none; the number of each one's band; which of its t terms were read (n, t)."""

    value: Floats
    band: Bytes
    present: Bools


def score(ratio: Ratio, values: Floats) -> RatioColumns:
    """Give the ratio of every row of (n, t) values, in the order of the ratio's terms, NaN missing."""
    read = millionths(values)
    present = np.stack(
        [(term.lower <= at) & (at <= term.upper) for term, at in zip(ratio.terms, read.T, strict=True)], axis=1
    )
    read = np.where(present, read, 1)
    direct = ratio.instead is not None
    whole = present[:, int(direct) :].all(axis=1)
    steps = _steps(ratio, read[:, int(direct) :])
    if direct:
        steps = np.where(present[:, 0], _halved(read[:, 0], np.int64(ratio.step)), steps)
        whole = whole | present[:, 0]
    edges = [band.lower for band in ratio.bands[1:]]
    band = np.searchsorted(np.array(edges), steps, side="right").astype(np.int8)
    return RatioColumns(
        value=np.where(whole, steps * ratio.step / MILLION, np.nan),
        band=np.where(whole, band, np.int8(NO_VALUE)),
        present=present,
    )


def _steps(ratio: Ratio, read: Ints) -> Ints:
    """Give whole steps from millionths (n, terms); where a reading was replaced by one they mean nothing."""
    split = len(ratio.over)
    times = np.array([term.times for term in ratio.over], dtype=np.int64)
    over, under = scale(ratio)
    return _halved(over * (read[:, :split] @ times), under * read[:, split:].prod(axis=1, dtype=np.int64))


def _halved(over: Ints, under: Ints | np.int64) -> Ints:
    """Divide whole numbers above nothing, a half upwards."""
    halved: Ints = (2 * over + under) // (2 * under)
    return halved
