"""The same charts read over columns: the score of many observation sets at once, as whole numbers.

Each chart is compiled once into the lowest millionths of its bands. Which points a band has is the chart's; what a
reading's age does to it is the pipeline's; neither lives here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.bands import NO_BAND, first_of_step, joined, millionths, slots
from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.scoring.records import Band, Chart, Part, Table, Word

NO_RED = np.iinfo(np.int8).max  # more than any part scores
UNDECIDED = -1  # the number of no response band: the bounds disagree
LOW_IS_WORSE = frozenset({"spo2", "systolic_bp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreColumns:
    """Scores of n observation sets on a chart of m measures and t triggers.

    Points are (n, m) int8 and `present` (n, m), in the order of the chart's measures. `band_min` and `band_max` are
    numbers into the chart's responses, `band` the one they agree on, UNDECIDED where they do not. `trigger` (n, t) is
    the number of the band that each trigger was read in, NO_BAND where it was not read. The rest is (n,).
    """

    points_min: Bytes
    points_max: Bytes
    present: Bools
    total_min: Ints
    total_max: Ints
    complete: Bools
    red: Bools
    band: Bytes
    band_min: Bytes
    band_max: Bytes
    trigger: Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A chart's tables as one column of cuts; a lane is one table of one part.

    `points` and `bands` label the slots, NO_BAND where a slot is no reading. `least` and `most` are the bounds of a
    lane that is not read, `unread` marks those that need no reading. `first` is the first lane of each part, `several`
    the lanes of the parts that have more than one, and `named` the parts that others depend on, with the names of
    their bands. `measures` are the parts of each measure, `triggers` those that only raise the response.
    """

    part: Ints
    when: tuple[tuple[tuple[str, Word], ...], ...]
    cuts: Ints
    shift: Ints
    points: Bytes
    bands: Bytes
    least: Bytes
    most: Bytes
    unread: Bools
    first: Ints
    several: Mapping[int, tuple[int, ...]]
    named: Mapping[str, tuple[int, tuple[str, ...]]]
    measures: tuple[tuple[int, ...], ...]
    triggers: tuple[int, ...]
    raised: tuple[Bytes, ...]
    plain: Bytes
    with_red: Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What was read of every part: bounds of its points, whether it was read, or needs no reading; (p, n)."""

    low: Bytes
    high: Bytes
    read: Bools
    known: Bools


def responses(chart: Chart) -> tuple[str, ...]:
    """Give the names of a chart's response bands, mildest first; the numbers of ScoreColumns.band are into it."""
    return chart.responses


def score(chart: Chart, values: Floats, context: Mapping[str, NDArray[Any]]) -> ScoreColumns:
    """Score (n, p) values in the chart's order of parts, NaN missing, with (n,) columns for what else it asks for.

    A part that depends on another (SpO2 on oxygen) counts as an interval while the other is missing. The totals are
    the sums of the bounds, which is exact as long as one state of the other part is the worst for both.
    ValueError where the context is not one of the chart's.
    """
    for name, allowed in chart.context.items():
        if not np.logical_or.reduce([context[name] == one for one in allowed]).all():
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}")
    compiled = _compile(chart)
    slot = slots(millionths(values).T[compiled.part] + compiled.shift, compiled.cuts)
    parts = _parts(compiled, slot, context)
    low, high, present = parts.low, parts.high, parts.known
    if compiled.measures != tuple((i,) for i in range(len(low))):
        low, high, present = (
            np.stack(one) for one in zip(*(_measure(parts, m) for m in compiled.measures), strict=True)
        )
    trigger = compiled.bands[slot[compiled.first[list(compiled.triggers)]]]
    return _totals(chart, present, low, high, trigger)


def _parts(compiled: _Compiled, slot: Ints, context: Mapping[str, NDArray[Any]]) -> _Parts:
    """Give the points of every part from the slots (lanes, n) of its tables."""
    points = compiled.points[slot]
    present = points != NO_BAND
    least, most = np.where(present, points, compiled.least), np.where(present, points, compiled.most)
    low, high, read = least[compiled.first], most[compiled.first], present[compiled.first]
    known = read | compiled.unread[compiled.first]
    states = {
        name: (compiled.bands[slot[compiled.first[part]]], names) for name, (part, names) in compiled.named.items()
    }
    for part, lanes in compiled.several.items():
        fits = np.stack([_fits(compiled.when[lane], states, context) for lane in lanes])
        low[part] = np.where(fits, least[list(lanes)], np.iinfo(np.int8).max).min(axis=0)
        high[part] = np.where(fits, most[list(lanes)], NO_BAND).max(axis=0)
        known[part] = read[part] | (compiled.unread[list(lanes)] | ~fits).all(axis=0)
    return _Parts(low=low, high=high, read=read, known=known)


def _measure(parts: _Parts, members: tuple[int, ...]) -> tuple[Bytes, Bytes, Bools]:
    """Give the bounds of one measure, and whether it is known: of its parts those read count, of those the worst."""
    if len(members) == 1:
        return parts.low[members[0]], parts.high[members[0]], parts.known[members[0]]
    rows = list(members)
    low, high, read = parts.low[rows], parts.high[rows], parts.read[rows]
    any_read = read.any(axis=0)
    worst_low, worst_high = (np.where(read, one, NO_BAND).max(axis=0) for one in (low, high))
    known: Bools = np.any(parts.known[rows], axis=0)
    return np.where(any_read, worst_low, low.min(axis=0)), np.where(any_read, worst_high, high.max(axis=0)), known


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
    when: tuple[tuple[str, Word], ...],
    states: Mapping[str, tuple[Bytes, tuple[str, ...]]],
    context: Mapping[str, NDArray[Any]],
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


def _totals(chart: Chart, present: Bools, low: Bytes, high: Bytes, trigger: Bytes) -> ScoreColumns:
    """Sum the points (m, n) and find the responses at the bounds, as the triggers (t, n) raise them."""
    compiled = _compile(chart)
    total_min, total_max = low.sum(axis=0, dtype=np.int64), high.sum(axis=0, dtype=np.int64)
    worst = NO_RED if chart.red_points is None else chart.red_points
    red: Bools = np.any(low >= worst, axis=0)
    may_be_red: Bools = np.any(high >= worst, axis=0)
    best = _response(compiled, total_min - chart.lowest, red)
    worst_band = _response(compiled, total_max - chart.lowest, may_be_red)
    for raised, band in zip(compiled.raised, trigger, strict=True):
        best = np.maximum(best, np.where(band == NO_BAND, raised.min(), raised[band]))
        worst_band = np.maximum(worst_band, np.where(band == NO_BAND, raised.max(), raised[band]))
    return ScoreColumns(
        points_min=low.T,
        points_max=high.T,
        present=present.T,
        total_min=total_min,
        total_max=total_max,
        complete=np.all(present, axis=0),
        red=red,
        band=np.where(best == worst_band, best, np.int8(UNDECIDED)),
        band_min=best,
        band_max=worst_band,
        trigger=trigger.T,
    )


def _response(compiled: _Compiled, total: Ints, red: Bools) -> Bytes:
    return np.where(red, compiled.with_red[total], compiled.plain[total])


@cache
def _compile(chart: Chart) -> _Compiled:
    lanes = [(i, table) for i, part in enumerate(chart.parts) for table in part.tables]
    cut = [_slots(chart.parts[i], table.bands) for i, table in lanes]
    cuts, shift = joined([cuts for cuts, _ in cut])
    owner = [(table, one) for (_, table), (_, owners) in zip(lanes, cut, strict=True) for one in (None, *owners)]
    bounds = np.array([_bounds(table) for _, table in lanes], dtype=np.int8)
    part, at = np.array([i for i, _ in lanes]), {one.name: i for i, one in enumerate(chart.parts)}
    return _Compiled(
        part=part,
        when=tuple(table.when for _, table in lanes),
        cuts=cuts,
        shift=shift,
        points=np.array([NO_BAND if i is None else t.bands[i].points for t, i in owner], dtype=np.int8),
        bands=np.array([NO_BAND if i is None else i for _, i in owner], dtype=np.int8),
        least=bounds[:, :1],
        most=bounds[:, 1:],
        unread=np.array([[table.unread is not None] for _, table in lanes]),
        first=np.searchsorted(part, np.arange(len(chart.parts))),
        several={i: tuple(np.flatnonzero(part == i).tolist()) for i, one in enumerate(chart.parts) if one.tables[1:]},
        named={
            name: (at[name], tuple(band.name for band in chart.parts[at[name]].bands)) for name in chart.asked & {*at}
        },
        measures=tuple(tuple(at[one.name] for one in parts) for parts in chart.measures.values()),
        triggers=tuple(at[one.name] for one in chart.triggers),
        raised=tuple(np.array([chart.raised(b) for b in one.bands], dtype=np.int8) for one in chart.triggers),
        plain=_responses_by_total(chart, red=False),
        with_red=_responses_by_total(chart, red=True),
    )


def _bounds(table: Table) -> tuple[int, int]:
    """Give the least and the most points of a table that is not read."""
    points = [table.unread] if table.unread is not None else [one.points for one in table.bands if not one.undefined]
    return min(points), max(points)


def _responses_by_total(chart: Chart, *, red: bool) -> Bytes:
    order = responses(chart)
    totals = range(chart.lowest, chart.highest + 1)
    return np.array([order.index(chart.response(total, red=red)) for total in totals], dtype=np.int8)


def _slots(part: Part, bands: tuple[Band, ...]) -> tuple[list[int], list[int | None]]:
    """Give the lowest millionths of every slot but the first, and which band each slot is: None for no reading."""
    cuts: list[int] = []
    owners: list[int | None] = [None]
    for i, band in enumerate(bands):
        owner = None if band.undefined else i
        if band.lower is None:
            owners = [owner]
        else:
            cuts.append(band.lower * part.step if part.exact else first_of_step(part.step, band.lower))
            owners.append(owner)
        ends = part.exact or i == len(bands) - 1
        if ends and band.upper is not None:
            cuts.append(band.upper * part.step + 1 if part.exact else first_of_step(part.step, band.upper + 1))
            owners.append(None)
    return cuts, owners
