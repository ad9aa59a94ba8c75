"""How unusual the vitals are together: a Mahalanobis distance with a covariance shrunken to none.

Here: the correlation of a person's vitals over the baseline's window, and the distance. Vitals that are missing now, or
have no baseline, are left out, and which ones counted is told.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels.ragged import Bools, Floats, Ints, firsts, keyed, spans
from vwmon.scoring.trends.baseline import BLOCK, Baseline, window
from vwmon.scoring.trends.occasions import PER_UNIT, QUARTER_MS, Occasions
from vwmon.scoring.trends.table import Asked

LEAST_VITALS = 2
DRAWN = 20  # common occasions at which the person's own correlations count as much as having none
FARTHEST = 3.0  # an occasion farther out than this counts so far, or one artefact would make a correlation
FINE = 1000  # deviations are counted in thousandths, so that their sums are exact
RAREST = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """The joint deviation of n moments over v joint vitals.

    `deviation` (n,) is as rare as one vital's would be at that many spreads; NaN where fewer than two vitals counted.
    `counted` (n, v), `share` (n, v) of the squared distance by vital, 0 where it did not count; a vital that is
    unusual only for the company of the others can have less than none. `together` (n,) is on how many common
    occasions of the vitals that counted, or parts of days where those are fewer, the correlations rest.
    """

    deviation: Floats
    counted: Bools
    share: Floats
    together: Ints


def joint(occasions: Occasions, asked: Asked, deviations: Floats, base: Baseline) -> Joint:
    """Give the joint deviation of each moment (n,); `deviations` is (n, v), `asked` and `base` the same, flat."""
    counted = np.isfinite(deviations)
    enough = counted.sum(axis=1) >= LEAST_VITALS
    moments, (count, vitals) = np.flatnonzero(enough), deviations.shape
    deviation, share = np.full(count, np.nan), np.zeros((count, vitals))
    together = np.zeros(count, dtype=np.int64)
    step = max(BLOCK // max(int(base.occasions.max(initial=1)) * vitals, 1), 1)
    for first in range(0, len(moments), step):
        rows = moments[first : first + step]
        flat = (rows[:, None] * vitals + np.arange(vitals)).reshape(-1)
        mine = base.where(flat)
        likeness, common = _correlations(occasions, asked.where(flat), counted[rows], mine)
        cells = np.where(counted[rows], mine.cells.reshape(-1, vitals), 0)
        together[rows] = np.minimum(common, cells.max(axis=1))
        deviation[rows], share[rows] = _distance(likeness, together[rows], deviations[rows], counted[rows])
    return Joint(deviation=deviation, counted=counted & enough[:, None], share=share, together=together)


def _correlations(occasions: Occasions, asked: Asked, counted: Bools, base: Baseline) -> tuple[Floats, Ints]:
    """Give the correlations (n, v, v) of the counted vitals, and on how many common occasions (n,) they rest.

    A vital that an occasion lacks is taken to be usual then, and one that varied by less than its spread to have varied
    by that: the matrix has no negative eigenvalue, and what hardly moved goes along with nothing.
    """
    moments, vitals = counted.shape
    start, stop = occasions.between(asked.series, *window(asked.at_ms))
    stop = np.where(counted.reshape(-1), stop, start)
    rows, owner = spans(start, stop), np.repeat(np.arange(moments * vitals), stop - start)
    away = occasions.number[rows] / PER_UNIT - base.whole[owner]
    away = np.clip(away / base.spread[owner], -FARTHEST, FARTHEST)
    quarter = keyed(owner // vitals, occasions.start_ms[rows] // QUARTER_MS)
    order = np.argsort(quarter, kind="stable")
    new = firsts(quarter[order])
    table = np.zeros((int(new.sum()), vitals), dtype=np.int64)
    table[np.cumsum(new) - 1, owner[order] % vitals] = np.rint(away[order] * FINE).astype(np.int64)
    moment = (owner[order] // vitals)[new]
    common = np.bincount(moment[(np.diff(np.append(np.flatnonzero(new), len(new))) > 1)], minlength=moments)
    sums = np.zeros((moments, vitals, vitals), dtype=np.int64)
    begin = np.flatnonzero(firsts(moment))
    sums[moment[begin]] = np.add.reduceat(table[:, :, None] * table[:, None, :], begin, axis=0)
    least = FINE**2 * np.maximum((stop - start).reshape(moments, vitals), 1)
    size = np.sqrt(np.maximum(np.diagonal(sums, axis1=1, axis2=2), least))
    return sums / (size[:, :, None] * size[:, None, :]), common


def _distance(likeness: Floats, together: Ints, deviations: Floats, counted: Bools) -> tuple[Floats, Floats]:
    """Give the joint deviation (n,) and each vital's share of the squared distance (n, v)."""
    from scipy import special

    vitals = counted.shape[1]
    weight = (together / (together + DRAWN))[:, None, None]
    pair = counted[:, :, None] & counted[:, None, :] & ~np.eye(vitals, dtype=np.bool_)
    shrunken = np.where(pair, weight * likeness, 0.0) + np.eye(vitals)
    away = np.where(counted, deviations, 0.0)
    parts = away * np.linalg.solve(shrunken, away[:, :, None])[:, :, 0]
    squared = parts.sum(axis=1)
    rarity = np.maximum(special.chdtrc(counted.sum(axis=1), squared), RAREST)
    share = parts / np.where(squared > 0, squared, 1.0)[:, None]
    return -special.ndtri(rarity / 2), share
