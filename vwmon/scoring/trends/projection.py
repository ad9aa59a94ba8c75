"""Where the lines lead: vitals and score some hours ahead, with bounds.

Here: the bounds of the vitals, and the chart read over them. A part without a line is held at its last value; one that
is missing is unknown, as in every score. What it should lead to must not live here.

The score's bounds are quantiles of what readings at that hour would score: each vital's line, its uncertainty and the
noise around it make the chance of every band, and the parts are taken to err independently of each other.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.scoring import charts, vectorised
from vwmon.scoring.charts import PARTS
from vwmon.scoring.records import MILLION, Part
from vwmon.scoring.trends.slopes import SURENESS, Trend
from vwmon.scoring.trends.table import NAMES, PART_OF, column

CHART = "news2"
HOURS = tuple(range(13))  # how far ahead: an hour each, to twelve
TAIL = 0.05  # of the chances, left out at each end by the score's bounds
AT = [PART_OF[part] for part in PARTS]
ROUNDING = 1e-9  # what is lost of the chances in adding them up


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The vitals (n, hours, vitals) and the score (n, hours) of n moments, at each of HOURS after it.

    `low`, `middle` and `high` are in the vital's unit, NaN where it has no line: nine in ten readings would lie
    between. So would the score lie from `score_low` to `score_known`, by the median at `score_middle`, with what is
    `missing` (n, parts) at its best; to `score_high` with it at its worst. `held` (n, parts) have no line and are taken
    to stay as they are. Not `supported` (n,): no part of the score has a line, and the scores say nothing.
    """

    low: Floats
    middle: Floats
    high: Floats
    supported: Bools
    held: Bools
    missing: Bools
    score_low: Ints
    score_middle: Ints
    score_known: Ints
    score_high: Ints

    def reaches(self, points: int) -> tuple[Floats, Floats, Floats]:
        """Give in how many hours the score could, probably has and surely has reached some points: (n,) each.

        NaN: not within the last of HOURS, or no projection. What is missing counts at its best.
        """
        bounds = (self.score_known, self.score_middle, self.score_low)
        could, probably, surely = (self._first(one >= points) for one in bounds)
        return could, probably, surely

    def _first(self, reached: Bools) -> Floats:
        hours = np.array(HOURS, dtype=np.float64)[reached.argmax(axis=1)]
        return np.where(self.supported & reached.any(axis=1), hours, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What values are expected, any shape: half lie above `middle`; `below` and `above` are the standard deviations."""

    middle: Floats
    below: Floats
    above: Floats

    def chance_below(self, value: float) -> Floats:
        """Give the chance of each to be below a value."""
        from scipy import special

        away = value - self.middle
        chance: Floats = special.ndtr(away / np.where(away < 0, self.below, self.above))
        return chance


def project(trend: Trend, current: Floats, spo2_scale: Ints) -> Projection:
    """Project n moments: `trend` is of their vitals, flat, and `current` (n, series) the values now, NaN if missing.

    `current` has the columns of table.SERIES.
    """
    vitals = len(NAMES)
    bounds = np.stack([np.stack(trend.ahead(hours)) for hours in HOURS], axis=1).reshape(3, len(HOURS), -1, vitals)
    bounds = bounds.transpose(0, 2, 1, 3)
    low, middle, high = np.clip(bounds, column("lowest"), column("highest"))
    lined = np.zeros(current.shape, dtype=np.bool_)
    lined[:, :vitals] = trend.supported.reshape(-1, vitals)
    missing, lined = np.isnan(current[:, AT]), lined[:, AT]
    return Projection(
        low=low,
        middle=middle,
        high=high,
        supported=np.logical_or.reduce(lined, axis=1),
        held=~missing & ~lined,
        missing=missing,
        **_scores(_expected(bounds, current), current, spo2_scale),
    )


def _expected(bounds: Floats, current: Floats) -> Expected:
    """Give what is expected of the vitals (n, hours, vitals): by their lines, else the value held and its error."""
    low, middle, high = bounds
    lined, error = ~np.isnan(middle), column("error")
    return Expected(
        middle=np.where(lined, middle, current[:, None, : len(error)]),
        below=np.where(lined, (middle - low) / SURENESS, error),
        above=np.where(lined, (high - middle) / SURENESS, error),
    )


def _scores(expected: Expected, current: Floats, spo2_scale: Ints) -> dict[str, Ints]:
    """Give the quantiles of the score (n, hours): the parts' points added up, each with the chances of its bands."""
    chart, context, shape = charts.load(CHART), {"spo2_scale": spo2_scale}, expected.middle.shape[:2]
    now = vectorised.score(chart, current[:, AT], context)
    missing = ~now.present
    uncertain = [number for number, one in enumerate(AT) if one < len(NAMES)]
    sure = missing.copy()
    sure[:, [number for number in range(len(PARTS)) if number not in uncertain]] = True
    start = np.where(sure, now.points_min, 0).sum(axis=1, dtype=np.int64)
    unknown = np.where(missing, now.points_max - now.points_min, 0).sum(axis=1, dtype=np.int64)
    fewest, most = (_certainly(start, shape[1], chart.highest) for _ in range(2))
    inside, cuts = _bands()
    by_band = [vectorised.score(chart, np.where(np.isnan(row), current[:, AT], row), context) for row in inside]
    for part in uncertain:
        chances = _chances(expected, AT[part], cuts[:, part])
        known = ~missing[:, part]
        fewest = _added(fewest, known, [one.points_min[:, part] for one in by_band], chances)
        most = _added(most, known, [one.points_max[:, part] for one in by_band], chances)
    return {
        "score_low": _quantile(fewest, TAIL),
        "score_middle": _quantile(fewest, 0.5),
        "score_known": _quantile(most, 1 - TAIL),
        "score_high": _quantile(most, 1 - TAIL) + unknown[:, None],
    }


@cache
def _bands() -> tuple[Floats, Floats]:
    """Give a value inside every band of each part (bands, parts), and from which value on it is that band.

    Bands of all a part's tables are cut finely enough for each of them; a part with fewer has its last one again, which
    begins nowhere (inf). NaN inside a part of no scale that could have a trend: its value is held.
    """
    edges = [sorted({b.lower for table in one.tables for b in table.bands if b.lower is not None}) for one in _parts()]
    rows = max(len(one) for one in edges) + 1
    inside, cuts = np.full((rows, len(edges)), np.nan), np.full((rows, len(edges)), np.inf)
    cuts[0] = -np.inf
    for number, (part, lowers) in enumerate(zip(_parts(), edges, strict=True)):
        if part.name in NAMES:
            steps = np.array([lowers[0] - 1, *lowers, *[lowers[-1]] * (rows - 1 - len(lowers))])
            inside[:, number] = steps * (part.step / MILLION)
            cuts[1 : len(lowers) + 1, number] = (np.array(lowers) - 0.5) * (part.step / MILLION)
    return inside, cuts


def _parts() -> tuple[Part, ...]:
    return charts.load(CHART).parts


def _chances(expected: Expected, vital: int, cuts: Floats) -> list[Floats]:
    """Give the chance (n, hours) of a vital to lie in each band."""
    one = Expected(**{name: getattr(expected, name)[:, :, vital] for name in Expected.__slots__})
    below = [one.chance_below(cut) for cut in cuts.tolist()]
    ends = [*below[1:], np.ones(one.middle.shape)]
    return [np.nan_to_num(end - begin) for begin, end in zip(below, ends, strict=True)]


def _certainly(total: Ints, hours: int, highest: int) -> Floats:
    """Give the chances (n, hours, totals) of a score that is certain."""
    chances = np.zeros((len(total), hours, highest + 1))
    chances[np.arange(len(total)), :, total] = 1.0
    return chances


def _added(totals: Floats, known: Bools, points: list[Bytes], chances: list[Floats]) -> Floats:
    """Add a part's points to the chances of the totals, where the part is known."""
    summed = np.zeros(totals.shape)
    for number in range(max(int(one.max(initial=0)) for one in points) + 1):
        of_band = (np.where((one == number)[:, None], chance, 0.0) for one, chance in zip(points, chances, strict=True))
        chance = np.where(known[:, None], np.add.reduce(list(of_band)), float(number == 0))
        summed[:, :, number:] += totals[:, :, : totals.shape[2] - number] * chance[:, :, None]
    return summed


def _quantile(chances: Floats, share: float) -> Ints:
    """Give the least total (n, hours) that has at least so large a share of the chances at or below it."""
    total: Ints = np.argmax(np.cumsum(chances, axis=2) >= share - ROUNDING, axis=2)
    return total
