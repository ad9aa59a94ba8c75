"""The bootstrap by patient: how much a figure would differ had other patients been seen.

Rows of one patient are alike, so whole patients are drawn, as often as there are patients, with replacement. A draw is
a weight for each patient, so nothing is sorted or copied again. What is reckoned with the weights must not live here.
"""

from collections.abc import Iterator

import numpy as np

from vwmon.kernels.ragged import Floats

LEVEL = 0.95


def draws(patients: int, times: int, seed: int) -> Iterator[Floats]:
    """Yield for each draw how often each patient was drawn, (patients,); the same for the same seed."""
    chance = np.random.default_rng(seed)
    for _ in range(times):
        yield np.bincount(chance.integers(patients, size=patients), minlength=patients).astype(np.float64)


def interval(found: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Give the percentile interval of what the draws found, (draws,); NaN is passed over, and NaN for nothing."""
    known = found[~np.isnan(found)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
