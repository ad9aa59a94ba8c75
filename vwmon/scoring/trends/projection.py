"""Where the lines lead: vitals and score some hours ahead, with bounds.

Here: the bounds of the vitals, and the chart read over them. A part without a line is held at its last value; one that
is missing is unknown, as in every score. What it should lead to must not live here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from vwmon.kernels.ragged import Bools, Floats, Ints
from vwmon.scoring import charts, vectorised
from vwmon.scoring.charts import MILLION, PARTS, Chart
from vwmon.scoring.trends.slopes import Trend
from vwmon.scoring.trends.table import NAMES, PART_OF, column

CHART = "news2"
HOURS = tuple(range(13))  # how far ahead: an hour each, to twelve


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The vitals (n, hours, vitals) and the score (n, hours) of n moments, at each of HOURS after it.

    `low`, `middle` and `high` are in the vital's unit, NaN where it has no line. `score_low` and `score_high` bound
    the score with what is `missing` (n, parts) at its best and worst, `score_known` is the high bound with what is
    missing at its best. `held` (n, parts) have no line and are taken to stay as they are. Not `supported` (n,): no
    part of the score has a line, and the scores say nothing.
    """

    low: Floats
    middle: Floats
    high: Floats
    supported: Bools
    held: Bools
    missing: Bools
    score_low: Ints
    score_known: Ints
    score_high: Ints

    def reaches(self, points: int) -> tuple[Floats, Floats]:
        """Give in how many hours the score may, and must, have reached some points: (n,) each.

        NaN: not within the last of HOURS, or no projection. What is missing counts at its best.
        """
        return self._first(self.score_known >= points), self._first(self.score_low >= points)

    def _first(self, reached: Bools) -> Floats:
        hours = np.array(HOURS, dtype=np.float64)[reached.argmax(axis=1)]
        return np.where(self.supported & reached.any(axis=1), hours, np.nan)


def project(trend: Trend, current: Floats, spo2_scale: Ints) -> Projection:
    """Project n moments: `trend` is of their vitals, flat, and `current` (n, series) the values now, NaN if missing.

    `current` has the columns of table.SERIES.
    """
    vitals = len(NAMES)
    shape = (len(current), vitals)
    bounds = np.stack([np.stack([one.reshape(shape) for one in trend.ahead(hours)]) for hours in HOURS], axis=1)
    low, middle, high = np.clip(bounds, column("lowest"), column("highest")).transpose(0, 2, 1, 3)
    lined = trend.supported.reshape(shape)
    at = [PART_OF[part] for part in PARTS]
    has_line = np.array([lined[:, one] if one < vitals else np.zeros(len(current), bool) for one in at]).T
    missing = np.isnan(current[:, at])
    lowest, highest = _of_parts(low, high, current, at)
    score_low, score_known, score_high = _totals(lowest, highest, missing, spo2_scale)
    return Projection(
        low=low,
        middle=middle,
        high=high,
        supported=has_line.any(axis=1),
        held=~missing & ~has_line,
        missing=missing,
        score_low=score_low,
        score_known=score_known,
        score_high=score_high,
    )


def score_between(
    chart: Chart, low: Floats, high: Floats, context: Mapping[str, Ints]
) -> tuple[Ints, Ints]:
    """Give the fewest and the most points (n, parts) that values between `low` and `high` (n, parts) have; NaN: any.

    Every band that a value in between falls into is asked for by one value of its own: the lowest that is in both.
    """
    fewest, most = np.full(low.shape, np.iinfo(np.int64).max), np.full(low.shape, np.iinfo(np.int64).min)
    for edge in _edges(chart):
        found = vectorised.score(chart, np.clip(edge, low, high), context)
        fewest, most = np.minimum(fewest, found.points_min), np.maximum(most, found.points_max)
    return fewest, most


@cache
def _edges(chart: Chart) -> Floats:
    """Give the lowest values of the bands of every part, all its tables', as rows (edges, parts); -inf is the least."""
    edges = [
        sorted({band.lower * part.step / MILLION for table in part.tables for band in table.bands if band.lower is not None})
        for part in chart.parts
    ]
    rows = max(len(one) for one in edges) + 1
    return np.array([[-np.inf] * (rows - len(one)) + one for one in edges]).T


def _of_parts(low: Floats, high: Floats, current: Floats, at: list[int]) -> tuple[Floats, Floats]:
    """Give the bounds of the parts (n, hours, parts): of their lines, else of a held value and its error."""
    width = current.shape[1] - low.shape[2]
    error = np.concatenate([column("error"), np.zeros(width)])
    held = current[:, None, :] + np.zeros((1, len(HOURS), 1))
    padded = [np.concatenate([one, np.full((*one.shape[:2], width), np.nan)], axis=2) for one in (low, high)]
    lowest = np.where(np.isnan(padded[0]), held - error, padded[0])
    highest = np.where(np.isnan(padded[1]), held + error, padded[1])
    return lowest[:, :, at], highest[:, :, at]


def _totals(lowest: Floats, highest: Floats, missing: Bools, spo2_scale: Ints) -> tuple[Ints, Ints, Ints]:
    """Sum the points of the parts: at their fewest, at their most with what is missing at its fewest, and all most."""
    count, hours, parts = lowest.shape
    context = {"spo2_scale": np.repeat(spo2_scale, hours)}
    flat = (-1, parts)
    fewest, most = score_between(charts.load(CHART), lowest.reshape(flat), highest.reshape(flat), context)
    known = np.where(np.repeat(missing, hours, axis=0), fewest, most)
    fewest_total, known_total, most_total = (one.sum(axis=1).reshape(count, hours) for one in (fewest, known, most))
    return fewest_total, known_total, most_total
