"""Fitting a learned score: a logistic model with an L2 penalty on every weight but the intercept, by L-BFGS.

While fitting, every hour of the stay has an intercept of its own, which is then thrown away: whatever the weights could
have learned of how long someone has been there, those take. A model so fitted does not know the hour, and does not
guess it. Here: pure reckoning from views and outcomes; where they come from must not live here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vwmon.errors import UsageError
from vwmon.evaluation.calibration import probability
from vwmon.evaluation.recipe import Ingredient
from vwmon.kernels.ragged import Bools, Floats, Ints, firsts
from vwmon.scoring import learned
from vwmon.scoring.models import Shape, Term, View

KNOTS = (0.05, 0.25, 0.5, 0.75, 0.95)
REACH = (0.001, 0.999)
BOUNDS = (0.01, 0.99)
SEEN = 0.005  # a view that is there less often than this is left out
DIGITS = 5
MOST_STEPS = 1000
CLOSE = 1e-9
LOOSE = 1e-7  # the penalty on the hours' own intercepts, so that an hour without an event has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Moments to learn from, each (n,): the views, whether the event came, what each counts for, and the hour."""

    views: Mapping[View, Floats]
    positive: Bools
    weights: Floats
    hour: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shaped:
    """One view before its weights are known: its columns (n, k), less their `means`; and where it is missing."""

    ingredient: Ingredient
    shape: Shape
    means: Floats
    columns: Floats
    missing: Bools


def fit(examples: Examples, ingredients: Sequence[Ingredient], chart: str, l2: float) -> tuple[tuple[Term, ...], float]:
    """Give the terms and the intercept that fit best; UsageError when there is nothing to learn from.

    The sum that is made least is the weighted mean of the log loss and half of `l2` times the squares of the weights.
    """
    if not examples.positive.any() or examples.positive.all():
        raise UsageError("there is nothing to learn: the event comes after every moment, or after none")
    shaped = [one for ingredient in ingredients if (one := _shape(examples, ingredient, chart))]
    if not shaped:
        raise UsageError("there is nothing to learn from: none of the features is in the recording")
    design = np.column_stack([_design(one) for one in shaped])
    weights = _solve(design, examples, l2)
    parts = np.split(weights, np.cumsum([_design(one).shape[1] for one in shaped])[:-1])
    terms = tuple(_term(one, part, chart, examples) for one, part in zip(shaped, parts, strict=True))
    return terms, round(_intercept(design @ weights, examples), DIGITS)


def _shape(examples: Examples, ingredient: Ingredient, chart: str) -> _Shaped | None:
    """Choose where a view's line bends; None where the view is hardly ever there, or always the same."""
    values = examples.views[ingredient.view]
    known = values[~np.isnan(values)]
    if len(known) < SEEN * len(values) or np.ptp(known) == 0:
        return None
    low, high = (_rounded(one) for one in np.quantile(known, REACH))
    held = np.clip(known, low, high)
    shape = Shape(
        view=ingredient.view,
        reach=(low, high),
        center=_rounded(float(held.mean())),
        scale=_rounded(float(held.std())),
        knots=tuple(sorted({_rounded(one) for one in np.quantile(held, KNOTS)})) if ingredient.bent else (),
    )
    if shape.scale == 0:
        return None
    columns, missing = learned.basis(chart, shape, values), np.isnan(values)
    if not ingredient.pointed:
        columns[:, -1] = 0
    means = columns[~missing].mean(axis=0)
    columns = np.where(missing[:, None], 0.0, columns - means)
    return _Shaped(ingredient=ingredient, shape=shape, means=means, columns=columns, missing=missing)


def _design(shaped: _Shaped) -> Floats:
    """Give the columns of a view: what its value says, and last that it is missing, where that may count."""
    marked = shaped.missing & shaped.ingredient.marked
    return np.column_stack([shaped.columns, marked])


def _solve(design: Floats, examples: Examples, l2: float) -> Floats:
    """Find the weights (k,); the intercepts of the hours are found with them, and dropped.

    The search is in coordinates in which the curvature at the start is the same in all directions: tens of steps
    instead of thousands, to the same weights whatever order the moments came in.
    """
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    hours, hour = np.unique(examples.hour, return_inverse=True)
    share, k = examples.weights / examples.weights.sum(), design.shape[1]
    penalty = np.concatenate([np.full(k, l2), np.full(len(hours), LOOSE)])
    mean = share @ examples.positive
    start = np.concatenate([np.zeros(k), np.full(len(hours), np.log(mean / (1 - mean)))])
    root = np.linalg.cholesky(_curvature(design, hour, share * mean * (1 - mean)) + np.diag(penalty)).T

    def loss(there: Floats) -> tuple[float, Floats]:
        at = start + solve_triangular(root, there)
        odds = design @ at[:k] + at[k:][hour]
        residual = share * (probability(odds) - examples.positive)
        value = share @ (np.logaddexp(0, odds) - examples.positive * odds) + penalty @ at**2 / 2
        slopes = np.concatenate([residual @ design, np.bincount(hour, residual, len(hours))]) + penalty * at
        return float(value), solve_triangular(root, slopes, trans="T")

    settings = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "ftol": 0, "gtol": CLOSE, "maxcor": 30}
    found = minimize(loss, np.zeros(len(start)), jac=True, method="L-BFGS-B", options=settings)
    weights: Floats = np.round((start + solve_triangular(root, found.x))[:k], DIGITS)
    return weights


def _curvature(design: Floats, hour: Ints, weights: Floats) -> Floats:
    """Give the weighted sum of squares of the columns and of the hours, (k + hours, k + hours)."""
    order = np.argsort(hour, kind="stable")
    weighted = design * weights[:, None]
    crossed = np.add.reduceat(weighted[order], np.flatnonzero(firsts(hour[order])))
    return np.block([[design.T @ weighted, crossed.T], [crossed, np.diag(np.bincount(hour, weights))]])


def _intercept(odds: Floats, examples: Examples) -> float:
    """Find the intercept with which as many events are predicted as there were, by halving."""
    share = examples.weights / examples.weights.sum()
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        too_few = share @ probability(odds + middle) < share @ examples.positive
        low, high = (middle, high) if too_few else (low, middle)
    return (low + high) / 2


def _term(shaped: _Shaped, weights: Floats, chart: str, examples: Examples) -> Term:
    """Make a term of a view and its weights: the line, the bends, the points, and for being missing."""
    slope, *bends = (float(one) for one in weights[:-2])
    term = Term(
        shape=shaped.shape,
        slope=slope,
        bends=tuple(bends),
        points=float(weights[-2]),
        shift=round(-float(weights[:-1] @ shaped.means), DIGITS),
        missing=float(weights[-1]),
        low=0.0,
        high=0.0,
    )
    added, missing = learned.contribution(chart, term, examples.views[term.view])
    low, high = np.quantile(added[~missing], BOUNDS)
    return replace(term, low=round(float(low), DIGITS), high=round(float(high), DIGITS))


def _rounded(value: float) -> float:
    """Give a number to five significant digits: what a file says is then what is reckoned with."""
    return float(f"{value:.5g}")
