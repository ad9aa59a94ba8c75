"""Learned scores over columns: views in, log-odds out, with bounds where something is missing.

Here: what a term makes of its view, for scoring and for fitting alike. The numbers are the model's; where they come
from must not live here. What is missing adds what the model says of missing, and widens the bounds: never certainty.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vwmon.kernels.ragged import Bools, Floats
from vwmon.scoring import charts, vectorised
from vwmon.scoring.models import Model, Shape, Term, View


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedColumns:
    """Log-odds of n moments, each (n,).

    `log_odds` is NaN where the model says nothing, because too little is there. Otherwise it lies between `low` and
    `high`, which are apart where a view is missing. `complete`: every vital that the model needs is there, and only
    then may the log-odds be shown as one number.
    """

    log_odds: Floats
    low: Floats
    high: Floats
    complete: Bools


def score(model: Model, views: Mapping[View, Floats]) -> LearnedColumns:
    """Score moments by their views, (n,) each with NaN for missing: those of the terms, and the model's `levels`."""
    there = np.column_stack([~np.isnan(views[view]) for view in model.levels])
    total = np.full(len(there), model.intercept)
    low, high = total.copy(), total.copy()
    for term in model.terms:
        added, missing = contribution(model.chart, term, views[term.view])
        total += added
        low += np.where(missing, np.minimum(term.low, added), added)
        high += np.where(missing, np.maximum(term.high, added), added)
    silent = there.sum(axis=1) < model.least
    for column in (total, low, high):
        column[silent] = np.nan
    return LearnedColumns(log_odds=total, low=low, high=high, complete=np.all(there, axis=1))


def contribution(chart: str, term: Term, values: Floats) -> tuple[Floats, Bools]:
    """Give what a term adds at each value, and where the value is missing."""
    missing = np.isnan(values)
    weights = np.array([term.slope, *term.bends, term.points])
    added = basis(chart, term.shape, values) @ weights + term.shift
    return np.where(missing, term.missing, added), missing


def basis(chart: str, shape: Shape, values: Floats) -> Floats:
    """Give the columns that a term weighs, (n, 2 + knots): the line, the bends, the points; 0 where missing.

    The points are 0 for what is no part of the chart.
    """
    held = np.clip(values, *shape.reach)
    bends = [np.maximum(held - knot, 0) / shape.scale for knot in shape.knots]
    columns = np.column_stack([(held - shape.center) / shape.scale, *bends, points(chart, shape.view, values)])
    return np.where(np.isnan(values)[:, None], 0.0, columns)


def points(chart: str, view: View, values: Floats) -> Floats:
    """Give the points that a chart has for values of a view's vital; 0 where it has none."""
    read = charts.load(chart)
    parts, measures = [part.name for part in read.parts], list(read.measures)
    if view.per or view.vital not in parts or view.vital not in measures:
        return np.zeros(len(values))
    columns = np.full((len(values), len(parts)), np.nan)
    columns[:, parts.index(view.vital)] = values
    context = {name: np.full(len(values), allowed[0]) for name, allowed in read.context.items()}
    found = vectorised.score(read, columns, context)
    place = measures.index(view.vital)
    return np.where(found.present[:, place], found.points_min[:, place], 0).astype(np.float64)
