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
from vwmon.kernels.ragged import Bools, Floats, Ints
from vwmon.scoring import learned
from vwmon.scoring.models import Term, View

KNOTS = (0.05, 0.25, 0.5, 0.75, 0.95)
REACH = (0.001, 0.999)
BOUNDS = (0.01, 0.99)
SEEN = 0.005  # a view that is there less often than this is left out
DIGITS = 5
MOST_STEPS = 3000
CLOSE = 1e-8
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
    """One view before its weights are known: its columns (n, k) less their `means`, and the numbers of its term."""

    ingredient: Ingredient
    reach: tuple[float, float]
    center: float
    scale: float
    knots: tuple[float, ...]
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
    center, scale = _rounded(float(held.mean())), _rounded(float(held.std()))
    if scale == 0:
        return None
    knots = sorted({_rounded(one) for one in np.quantile(held, KNOTS)}) if ingredient.bent else []
    columns = learned.basis(chart, ingredient.view, values, (low, high), center, scale, tuple(knots))
    if not ingredient.pointed:
        columns[:, -1] = 0
    missing = np.isnan(values)
    means = columns[~missing].mean(axis=0)
    return _Shaped(
        ingredient=ingredient,
        reach=(low, high),
        center=center,
        scale=scale,
        knots=tuple(knots),
        means=means,
        columns=np.where(missing[:, None], 0.0, columns - means),
        missing=missing,
    )


def _design(shaped: _Shaped) -> Floats:
    """Give the columns of a view: what its value says, and last that it is missing, where that may count."""
    marked = shaped.missing & shaped.ingredient.marked
    return np.column_stack([shaped.columns, marked])


def _solve(design: Floats, examples: Examples, l2: float) -> Floats:
    """Find the weights (k,); the intercepts of the hours are found with them, and dropped."""
    from scipy.optimize import minimize  # noqa: PLC0415 -- heavy

    hours, hour = np.unique(examples.hour, return_inverse=True)
    share, k = examples.weights / examples.weights.sum(), design.shape[1]
    penalty = np.concatenate([np.full(k, l2), np.full(len(hours), LOOSE)])

    def loss(at: Floats) -> tuple[float, Floats]:
        odds = design @ at[:k] + at[k:][hour]
        residual = share * (probability(odds) - examples.positive)
        value = share @ (np.logaddexp(0, odds) - examples.positive * odds) + penalty @ at**2 / 2
        slopes = np.concatenate([residual @ design, np.bincount(hour, residual, len(hours))])
        return float(value), slopes + penalty * at

    start = np.concatenate([np.zeros(k), np.full(len(hours), _log_odds(share @ examples.positive))])
    settings = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "ftol": 0, "gtol": CLOSE, "maxcor": 30}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=settings)
    weights: Floats = np.round(found.x[:k], DIGITS)
    return weights


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
        view=shaped.ingredient.view,
        reach=shaped.reach,
        center=shaped.center,
        scale=shaped.scale,
        slope=slope,
        knots=shaped.knots,
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


def _log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))
