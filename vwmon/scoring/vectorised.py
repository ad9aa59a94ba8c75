"""The same charts read over columns: the score of many observation sets at once, as whole numbers.

Each chart is compiled once into the lowest millionths of its bands. Which points a band has is the chart's; what a
reading's age does to it is the pipeline's; neither lives here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.bands import NO_BAND, first_of_step, joined, millionths, slots
from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.scoring.charts import Band, Chart, Part

UNDECIDED = -1  # the number of no response band: the bounds disagree
LOW_IS_WORSE = frozenset({"spo2", "systolic_bp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreColumns:
    """Scores of n observation sets on a chart of p parts; points are (n, p) int8, the rest (n,).

    `band` is a number into `responses(chart)`, UNDECIDED where the bounds do not agree on one.
    """

    points_min: Bytes
    points_max: Bytes
    present: Bools
    total_min: Ints
    total_max: Ints
    complete: Bools
    red: Bools
    band: Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A chart's tables as one column of cuts; a lane is one table of one part.

    `points` and `bands` label the slots, NO_BAND where a slot is no reading. `first` is the first lane of each part,
    `several` the lanes of the parts that have more than one, and `named` the parts that others depend on, with the
    names of their bands.
    """

    part: Ints
    when: tuple[tuple[tuple[str, int | str], ...], ...]
    cuts: Ints
    shift: Ints
    points: Bytes
    bands: Bytes
    least: Bytes
    most: Bytes
    first: Ints
    several: Mapping[int, tuple[int, ...]]
    named: Mapping[str, tuple[int, tuple[str, ...]]]
    plain: Bytes
    with_red: Bytes


@cache
def responses(chart: Chart) -> tuple[str, ...]:
    """Give the names of a chart's response bands, mildest first; the numbers of ScoreColumns.band are into it."""
    return tuple(dict.fromkeys(name for one in chart.aggregates for name in (one.band, one.red_band)))


def score(chart: Chart, values: Floats, context: Mapping[str, NDArray[np.integer]]) -> ScoreColumns:
    """Score (n, p) values in the chart's order of parts, NaN missing, with (n,) columns for what else it asks for.

    A part that depends on another (SpO2 on oxygen) counts as an interval while the other is missing. The totals are
    the sums of the bounds, which is exact as long as one state of the other part is the worst for both.
    ValueError where the context is not one of the chart's.
    """
    for name, allowed in chart.context.items():
        if not np.logical_or.reduce([context[name] == one for one in allowed]).all():
            raise ValueError(f"{name} is one of {allowed}")
    compiled = _compile(chart)
    slot = slots(millionths(values).T[compiled.part] + compiled.shift, compiled.cuts)
    points = compiled.points[slot]
    present = points != NO_BAND
    least, most = np.where(present, points, compiled.least), np.where(present, points, compiled.most)
    low, high = least[compiled.first], most[compiled.first]
    states = {
        name: (compiled.bands[slot[compiled.first[part]]], names) for name, (part, names) in compiled.named.items()
    }
    for part, lanes in compiled.several.items():
        fits = np.stack([_fits(compiled.when[lane], states, context) for lane in lanes])
        low[part] = np.where(fits, least[list(lanes)], np.iinfo(np.int8).max).min(axis=0)
        high[part] = np.where(fits, most[list(lanes)], NO_BAND).max(axis=0)
    return _totals(chart, compiled, present[compiled.first], low, high)


def severity(chart: Chart, part: Ints, values: Floats) -> tuple[Floats, Bytes]:
    """Give the columns by which readings of one part sort from harmless to worst: by the second, then by the first.

    The first is the value in the direction of danger, the second its points.
    The points are of the part's first table: for SpO2 scale 1, so that of two readings at one moment the lower wins.
    """
    compiled = _compile(chart)
    low_is_worse = np.array([one.name in LOW_IS_WORSE for one in chart.parts])
    at = millionths(values) + compiled.shift[compiled.first[part], 0]
    return np.where(low_is_worse[part], -values, values), compiled.points[slots(at, compiled.cuts)]


def _fits(
    when: tuple[tuple[str, int | str], ...],
    states: Mapping[str, tuple[Bytes, tuple[str, ...]]],
    context: Mapping[str, NDArray[np.integer]],
) -> Bools:
    """Say where a table may be the one: what it depends on is so, or is not known."""
    fit = np.ones(1, dtype=np.bool_)
    for name, wanted in when:
        if name in states:
            state, names = states[name]
            fit = fit & ((state == names.index(str(wanted))) | (state == NO_BAND))
        else:
            fit = fit & (context[name] == wanted)
    return fit


def _totals(chart: Chart, compiled: _Compiled, present: Bools, low: Bytes, high: Bytes) -> ScoreColumns:
    """Sum the points (p, n) and find the response that the bounds agree on."""
    total_min, total_max = low.sum(axis=0, dtype=np.int64), high.sum(axis=0, dtype=np.int64)
    red: Bools = np.any(low >= chart.red_points, axis=0)
    may_be_red: Bools = np.any(high >= chart.red_points, axis=0)
    complete: Bools = np.all(present, axis=0)
    best = _response(compiled, total_min - chart.lowest, red)
    worst = _response(compiled, total_max - chart.lowest, may_be_red)
    return ScoreColumns(
        points_min=low.T,
        points_max=high.T,
        present=present.T,
        total_min=total_min,
        total_max=total_max,
        complete=complete,
        red=red,
        band=np.where(best == worst, best, np.int8(UNDECIDED)),
    )


def _response(compiled: _Compiled, total: Ints, red: Bools) -> Bytes:
    return np.where(red, compiled.with_red[total], compiled.plain[total])


@cache
def _compile(chart: Chart) -> _Compiled:
    lanes = [(i, table) for i, part in enumerate(chart.parts) for table in part.tables]
    cut = [_slots(chart.parts[i], table.bands) for i, table in lanes]
    cuts, shift = joined([cuts for cuts, _ in cut])
    owner = [(table, one) for (_, table), (_, owners) in zip(lanes, cut, strict=True) for one in (None, *owners)]
    part = np.array([i for i, _ in lanes])
    asked = {name for _, table in lanes for name, _ in table.when}
    return _Compiled(
        part=part,
        when=tuple(table.when for _, table in lanes),
        cuts=cuts,
        shift=shift,
        points=np.array([NO_BAND if i is None else t.bands[i].points for t, i in owner], dtype=np.int8),
        bands=np.array([NO_BAND if i is None else i for _, i in owner], dtype=np.int8),
        least=np.array([[min(band.points for band in table.bands)] for _, table in lanes], dtype=np.int8),
        most=np.array([[max(band.points for band in table.bands)] for _, table in lanes], dtype=np.int8),
        first=np.searchsorted(part, np.arange(len(chart.parts))),
        several={i: tuple(np.flatnonzero(part == i).tolist()) for i, one in enumerate(chart.parts) if one.tables[1:]},
        named={
            one.name: (i, tuple(band.name for band in one.tables[0].bands))
            for i, one in enumerate(chart.parts)
            if one.name in asked
        },
        plain=_responses_by_total(chart, red=False),
        with_red=_responses_by_total(chart, red=True),
    )


def _responses_by_total(chart: Chart, *, red: bool) -> Bytes:
    order = responses(chart)
    totals = range(chart.lowest, chart.highest + 1)
    return np.array([order.index(chart.response(total, red=red)) for total in totals], dtype=np.int8)


def _slots(part: Part, bands: tuple[Band, ...]) -> tuple[list[int], list[int | None]]:
    """Give the lowest millionths of every slot but the first, and which band each slot is: None for no reading."""
    cuts: list[int] = []
    owners: list[int | None] = [None]
    for i, band in enumerate(bands):
        if band.lower is None:
            owners = [i]
        else:
            cuts.append(band.lower * part.step if part.exact else first_of_step(part.step, band.lower))
            owners.append(i)
        ends = part.exact or i == len(bands) - 1
        if ends and band.upper is not None:
            cuts.append(band.upper * part.step + 1 if part.exact else first_of_step(part.step, band.upper + 1))
            owners.append(None)
    return cuts, owners
