"""The personal baseline: what is usual for this person, from a trailing window that leaves the latest hours out.

Here: location and spread, by the part of the day where there is enough for it, and how far the present is away. What a
deviation should lead to must not live here.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.kernels.ragged import Bools, Floats, Ints, firsts, spans
from vwmon.kernels.robust import MEDIAN_ERROR, twice_deviations, twice_medians, unbiased
from vwmon.scoring.trends import wall
from vwmon.scoring.trends.occasions import PER_UNIT, QUARTER_MS, Occasions
from vwmon.scoring.trends.table import Asked

WINDOW_MS = 14 * DAY_MS
GAP_MS = 24 * HOUR_MS
LEAST_DAYS = 3
LEAST_CELLS = 5  # parts of days with an occasion
LEAST_SPAN_H = 40  # from the first occasion to the last: three days of a watch need not be three nights
DRAWN = 5  # cells at which the person's own spread counts as much as the vital's; days, for a part of the day
MAD_WORTH = 0.37  # of so many numbers for their standard deviation
BLOCK = 1 << 21  # occasions looked at together


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is usual, of q series at a moment each; floats in the vital's unit, NaN where not `enough`.

    It rests on `readings` on `days` in `cells` parts of days, `occasions` in all. `location` is this time of day's
    where `banded` (that rests on `band_days` in the part `band`, and is drawn to the whole day's), else the whole
    day's. `spread` is one standard deviation of what the next occasion would be: a deviation of one is that far.
    `whole` is the whole day's location.
    """

    enough: Bools
    readings: Ints
    days: Ints
    cells: Ints
    occasions: Ints
    band: Ints
    band_days: Ints
    banded: Bools
    location: Floats
    spread: Floats
    whole: Floats

    def where(self, chosen: Ints) -> "Baseline":
        """Keep some of them."""
        return Baseline(**{name: getattr(self, name)[chosen] for name in Baseline.__slots__})


def window(at_ms: Ints) -> tuple[Ints, Ints]:
    """Give from when to when whole quarters count for a baseline at each moment, [from, to)."""
    return -(-(at_ms - WINDOW_MS) // QUARTER_MS) * QUARTER_MS, (at_ms - GAP_MS) // QUARTER_MS * QUARTER_MS


def baselines(occasions: Occasions, asked: Asked, zone: str) -> Baseline:
    """Give the baseline of each series at each moment; `zone` is the ward's."""
    start, stop = occasions.between(asked.series, *window(asked.at_ms))
    band = wall.band(wall.local_ms(asked.at_ms, zone))
    parts = [
        _measured(occasions, asked.where(rows), start[rows], stop[rows], band[rows]) for rows in _blocks(stop - start)
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Baseline(band=band, **columns)


def deviation(number: Ints, baseline: Baseline) -> Floats:
    """Give how many spreads numbers (1 / PER_UNIT) are above the baseline; NaN where there is not enough of one."""
    away: Floats = (number / PER_UNIT - baseline.location) / baseline.spread
    return away


def _blocks(lengths: Ints) -> list[slice]:
    """Cut rows into runs that hold about BLOCK occasions each; at least one run."""
    ends = np.cumsum(lengths) // BLOCK
    edges = np.flatnonzero(np.diff(ends)) + 1
    stops = [*edges.tolist(), len(lengths)]
    return [slice(first, last) for first, last in zip([0, *edges.tolist()], stops, strict=True)]


def _measured(
    occasions: Occasions, asked: Asked, start: Ints, stop: Ints, band: Ints
) -> dict[str, Ints | Floats | Bools]:
    """Measure the baselines of one block, over the occasions [start, stop)."""
    some = stop > start
    days, cells = (some + _between(rank, start, stop) for rank in (occasions.day_rank, occasions.cell_rank))
    span_ms = _between(occasions.start_ms, start, stop)
    enough = (days >= LEAST_DAYS) & (cells >= LEAST_CELLS) & (span_ms >= LEAST_SPAN_H * HOUR_MS)
    rows = spans(start, stop)
    owner = np.repeat(np.arange(len(start)), stop - start)
    whole, scatter = _robust(owner, occasions.number[rows], len(start))
    spread = _drawn(asked.spread, scatter, cells)
    mine = occasions.band[rows] == band[owner]
    rows, owner = rows[mine], owner[mine]
    of_band = twice_medians(owner, occasions.number[rows], len(start)) / (2 * PER_UNIT)
    band_days = np.bincount(owner[firsts(owner) | firsts(occasions.day[rows])], minlength=len(start))
    banded = enough & (band_days >= LEAST_DAYS) & (band_days < cells)
    weight = np.where(banded, band_days / (band_days + DRAWN), 0.0)
    location = whole + weight * (of_band - whole)
    return {
        "enough": enough,
        "readings": occasions.before[stop] - occasions.before[start],
        "days": days,
        "cells": cells,
        "occasions": stop - start,
        "band_days": band_days,
        "banded": banded,
        "location": np.where(enough, location, np.nan),
        "spread": np.where(enough, _next(spread, asked.error, cells), np.nan),
        "whole": np.where(enough, whole, np.nan),
    }


def _between(column: Ints, start: Ints, stop: Ints) -> Ints:
    """Give by how much a column rises from the first to the last of the rows [start, stop); 0 where there are none."""
    if not len(column):
        return np.zeros(len(start), dtype=np.int64)
    return np.where(stop > start, column.take(stop - 1, mode="clip") - column.take(start, mode="clip"), 0)


def _robust(owner: Ints, numbers: Ints, count: int) -> tuple[Floats, Floats]:
    """Give the median of each group, and its standard deviation by the MAD; 0 where there is none."""
    twice = twice_medians(owner, numbers, count)
    mad = twice_deviations(owner, numbers, twice) / (4 * PER_UNIT)
    scatter = unbiased(mad, np.bincount(owner, minlength=count))
    return twice / (2 * PER_UNIT), np.nan_to_num(scatter)


def _drawn(usual: Floats, own: Floats, weight: Ints) -> Floats:
    """Draw the vital's spread to the person's own, as variances, the more the more there is of it."""
    spread: Floats = np.sqrt((DRAWN * usual**2 + weight * own**2) / (DRAWN + weight))
    return spread


def _next(spread: Floats, error: Floats, cells: Ints) -> Floats:
    """Give the spread of a next occasion: wider for a location and a spread that rest on little.

    The second widening is that of Student's t over the normal; a MAD is worth 0.37 of as many numbers
    (Rousseeuw and Croux, J Am Stat Assoc 1993;88:1273).
    """
    freedom = DRAWN + MAD_WORTH * cells
    wider: Floats = np.maximum(spread, error) * np.sqrt(
        (1 + MEDIAN_ERROR**2 / np.maximum(cells, 1)) * freedom / (freedom - 2)
    )
    return wider
