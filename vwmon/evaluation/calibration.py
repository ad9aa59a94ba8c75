"""Whether predicted probabilities come true: bins of equal size, and the line through them on the log-odds scale.

Intercept 0 and slope 1 are perfect; a slope below 1 says that the predictions are too extreme (Cox, Biometrika
1958;45:562). The predictions themselves must not be made here.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.kernels.ragged import Bools, Floats, Ints

BINS = 10
STEPS = 50
CLOSE = 1e-9
SINGULAR = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows with predictions next to each other: how many, the mean prediction, and the share that had the event."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`intercept` and `slope` of the event on the predicted log-odds, NaN where there is no line; and the bins."""

    intercept: float
    slope: float
    bins: tuple[Bin, ...]


def calibration(log_odds: Floats, positive: Bools, bins: int = BINS) -> Calibration:
    """Compare (n,) predicted log-odds with what came."""
    order = np.argsort(log_odds, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    intercept, slope = _line(log_odds, positive)
    return Calibration(intercept=intercept, slope=slope, bins=tuple(_bin(log_odds, positive, part) for part in parts))


def probability(log_odds: Floats) -> Floats:
    """Give the probabilities of log-odds, without overflow."""
    half: Floats = np.tanh(np.asarray(log_odds) / 2)
    return (1 + half) / 2


def _bin(log_odds: Floats, positive: Bools, rows: Ints) -> Bin:
    return Bin(
        rows=len(rows),
        predicted=float(probability(log_odds[rows]).mean()),
        observed=float(positive[rows].mean()),
    )


def _line(log_odds: Floats, positive: Bools) -> tuple[float, float]:
    """Fit a logistic line by Newton's method; NaN where there is none, as where the predictions tell all apart."""
    if positive.all() or not positive.any() or np.ptp(log_odds) == 0:
        return np.nan, np.nan
    design = np.column_stack([np.ones(len(log_odds)), log_odds])
    line = np.array([_odds(positive), 0.0])
    for _ in range(STEPS):
        chance = probability(design @ line)
        slopes = design.T @ (design * (chance * (1 - chance))[:, None])
        if np.linalg.cond(slopes) > SINGULAR:
            break
        step = np.linalg.solve(slopes, design.T @ (positive - chance))
        line = line + step
        if np.abs(step).max() < CLOSE:
            return float(line[0]), float(line[1])
    return np.nan, np.nan


def _odds(positive: Bools) -> float:
    share = positive.mean()
    return float(np.log(share / (1 - share)))
