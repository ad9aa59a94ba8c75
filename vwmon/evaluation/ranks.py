"""How well a score tells those who have the event from those who do not, by ranks: exact, with ties and weights.

Here: sorting once, and the areas under the two curves for any weights of the rows. Where the weights come from
(a bootstrap, a subgroup) must not live here.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels.ragged import Bools, Floats, Ints, firsts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Rows in ascending order of (stratum, score); `ties` are the starts of equal ones, `strata` those among `ties`."""

    order: Ints
    ties: Ints
    strata: Ints

    @classmethod
    def of(cls, scores: Floats, strata: Ints | None = None) -> "Ranking":
        """Rank (n,) scores, within strata (n,) where some are given; no score may be NaN."""
        where = np.zeros(len(scores), dtype=np.int64) if strata is None else strata
        order = np.lexsort((scores, where))
        score, stratum = scores[order], where[order]
        begins = firsts(stratum)
        ties = np.flatnonzero(begins | np.append(True, score[1:] != score[:-1])[: len(score)])
        return cls(order=order, ties=ties, strata=np.flatnonzero(begins[ties]))

    def sums(self, weights: Floats) -> Floats:
        """Add up (n,) weights over the rows of each tie."""
        return np.add.reduceat(weights[self.order], self.ties) if len(self.ties) else np.zeros(0)


def auroc(ranking: Ranking, positive: Bools, weights: Floats) -> float:
    """Give the share of pairs of a positive and a negative row in which the positive one scores higher; ties half.

    Pairs are taken within a stratum only, and each counts as much as the product of its weights. NaN without pairs.
    """
    if not len(ranking.ties):
        return np.nan
    yes, no = ranking.sums(weights * positive), ranking.sums(weights * ~positive)
    below = np.cumsum(no) - no
    sizes = np.diff(np.append(ranking.strata, len(ranking.ties)))
    below -= np.repeat(below[ranking.strata], sizes)
    pairs = np.add.reduceat(yes, ranking.strata) @ np.add.reduceat(no, ranking.strata)
    return float(yes @ (below + no / 2) / pairs) if pairs else np.nan


def average_precision(ranking: Ranking, positive: Bools, weights: Floats) -> float:
    """Give the area under precision against recall, a step for each distinct score. NaN without a positive row.

    For a ranking without strata.
    """
    yes, every = ranking.sums(weights * positive)[::-1], ranking.sums(weights)[::-1]
    found, called = np.cumsum(yes), np.cumsum(every)
    total = found[-1] if len(found) else 0.0
    precision = np.divide(found, called, out=np.zeros(len(found)), where=called > 0)
    return float(yes @ precision / total) if total else np.nan
