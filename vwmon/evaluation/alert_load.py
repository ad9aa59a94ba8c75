"""What a score is worth as an alarm: what it finds, and how often it is right, when it may alert so and so often.

Two scores are only comparable at an equal alert load. The threshold follows from the load: between two thresholds whose
loads lie on either side of it the figures are those of using the one for some patients and the other for the rest, so
that a score of few whole numbers can be held against one of many.

Here: the alerts at each threshold, by patient, and the figures at a load for any weights of the patients. Which moments
are scored must not live here.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.evaluation.moments import Moments
from vwmon.kernels.ragged import Bools, Floats, Ints

THRESHOLDS = 160
RAREST = 1e-4  # the highest threshold is passed at one moment in ten thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The alerts of p patients at t ascending thresholds, the last of which is never reached.

    `raised` and `right` (t, p): alerts, and those with the event inside the horizon. `events` (e,): the patients with
    an event that could be found. `found` (t, e): that it was; `lead_ms` (t, e): how long before, NaN where it was not.
    `days` (p,): the scored time.
    """

    thresholds: Floats
    raised: Floats
    right: Floats
    events: Ints
    found: Floats
    lead_ms: Floats
    days: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLoad:
    """The figures at one alert load: `load` is what came of the one asked for, alerts per patient-day.

    `threshold` was used for a `share` of the patients, `lower` for the others; `lead_hours` is the median.
    """

    lower: float
    threshold: float
    share: float
    load: float
    sensitivity: float
    ppv: float
    lead_hours: float


def raised(along: Ints, reached: Bools, lockout_ms: int) -> Ints:
    """Give the rows at which an alert is raised: the score is reached, and no alert was raised less than a lockout ago.

    `along` is (n,) ascending times on which patients lie one after another, more than a lockout apart.
    """
    rows = np.flatnonzero(reached)
    following = np.searchsorted(along[rows], along[rows] + lockout_ms).tolist()
    at, chosen = 0, []
    while at < len(following):
        chosen.append(at)
        at = following[at]
    return rows[np.array(chosen, dtype=np.int64)]


def alerts(moments: Moments, scores: Floats, lockout_ms: int, at: Floats | None = None) -> Alerts:
    """Find the alerts of (n,) scores at moments sorted by patient and time, for every threshold worth a look.

    `at` are ascending thresholds to look at instead.

    An event is found when the score reaches the threshold at some moment of the horizon before it: an alert is raised
    there, or one raised less than a lockout before still stands. The lead is from the first such moment.
    """
    thresholds, patients = np.append(_thresholds(scores) if at is None else at, np.inf), len(moments.starts)
    along = moments.times_ms + moments.patient * (int(np.ptp(moments.times_ms)) + lockout_ms + 1 if len(scores) else 0)
    positive = np.flatnonzero(moments.positive)
    events, event = np.unique(moments.patient[positive], return_inverse=True)
    counts = np.zeros((2, len(thresholds), patients))
    lead = np.full((len(thresholds), len(events)), np.nan)
    for number, threshold in enumerate(thresholds):
        reached = scores >= threshold
        rows = raised(along, reached, lockout_ms)
        counts[0, number] = np.bincount(moments.patient[rows], minlength=patients)
        counts[1, number] = np.bincount(moments.patient[rows[moments.positive[rows]]], minlength=patients)
        there = reached[positive]
        np.fmax.at(lead[number], event[there], moments.until_ms[positive[there]])
    return Alerts(
        thresholds=thresholds,
        raised=counts[0],
        right=counts[1],
        events=events,
        found=(~np.isnan(lead)).astype(np.float64),
        lead_ms=lead,
        days=np.bincount(moments.patient, minlength=patients).astype(np.float64) * (moments.every_ms / DAY_MS),
    )


def at_load(found: Alerts, load: float, weights: Floats) -> AtLoad:
    """Give the figures at a load, alerts per patient-day, for (p,) weights of the patients.

    Where even the lowest threshold alerts less often, the figures are that threshold's.
    """
    days = found.days @ weights
    loads = found.raised @ weights / days if days else np.zeros(len(found.thresholds))
    above = np.flatnonzero(loads > load)
    lower = int(above[-1]) if len(above) else 0
    share = (loads[lower] - load) / (loads[lower] - loads[lower + 1]) if len(above) else 0.0
    return _mixed(found, lower, share, weights)


def at_threshold(found: Alerts, at: AtLoad, weights: Floats) -> AtLoad:
    """Give the figures of some patients at the threshold that was found for all."""
    return _mixed(found, int(np.searchsorted(found.thresholds, at.lower)), at.share, weights)


def _mixed(found: Alerts, lower: int, share: float, weights: Floats) -> AtLoad:
    """Give the figures of using threshold `lower` for 1 - share of the patients, and the one above it for the rest."""
    used = [lower, min(lower + 1, len(found.thresholds) - 1)]
    parts = np.array([1 - share, share])
    raised_, right, days = (
        parts @ found.raised[used] @ weights,
        parts @ found.right[used] @ weights,
        found.days @ weights,
    )
    cases = weights[found.events]
    sensitivity = parts @ found.found[used] @ cases / cases.sum() if cases.sum() else np.nan
    leads, counted = found.lead_ms[used], found.found[used] * parts[:, None] * cases
    return AtLoad(
        lower=float(found.thresholds[used[0]]),
        threshold=float(found.thresholds[used[1]]) if share else float(found.thresholds[used[0]]),
        share=float(share),
        load=float(raised_ / days) if days else np.nan,
        sensitivity=float(sensitivity),
        ppv=float(right / raised_) if raised_ else np.nan,
        lead_hours=_median(leads[counted > 0], counted[counted > 0]) / HOUR_MS,
    )


def _median(values: Floats, weights: Floats) -> float:
    """Give the weighted median: the lowest value with half of the weight at or below it."""
    if not len(values):
        return np.nan
    order = np.argsort(values, kind="stable")
    so_far = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(so_far, so_far[-1] / 2)]])


def _thresholds(scores: Floats) -> Floats:
    """Give every distinct finite score where there are few, else those passed ever more rarely."""
    distinct = np.unique(scores[np.isfinite(scores)])
    if len(distinct) <= THRESHOLDS:
        return distinct
    passed = np.geomspace(1, RAREST, THRESHOLDS)
    return np.unique(np.quantile(scores[np.isfinite(scores)], 1 - passed, method="higher"))
