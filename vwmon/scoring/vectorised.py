"""The same charts read over columns: the score of many observation sets at once, as whole numbers.

Each chart is compiled once into the lowest millionths of its bands. Which points a band has is the chart's; what a
reading's age does to it is the pipeline's; neither lives here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.bands import NO_BAND, cut_table, first_of_step, slots
from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.scoring.records import Band, Chart, Part, Table, Word

NO_RED = np.iinfo(np.int8).max  # more than any part scores
BLOCK = 16_384  # rows at a time, so that what is made on the way stays in the cache
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
class _When:
    """What one table depends on: words of contexts, and numbers of bands of other parts."""

    context: tuple[tuple[str, Word], ...]
    bands: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A chart's tables of cuts; a lane is one table of one part.

    `points` and `bands` label the slots of all lanes, NO_BAND where a slot is no reading; `start` is where each lane's
    begin. `least` and `most` are the bounds of a lane that is not read, `unread` marks those that need no reading.
    `first` is the first lane of each part, `several` the lanes of the parts that have more than one, each with what it
    depends on: by context, and by the number of a band of the parts that `named` are. `measures` are the parts of each
    measure, `simple` that each has but one; `triggers` are the parts that only raise the response, and `raised` to
    which, by band.
    """

    part: Ints
    cuts: Floats
    start: Ints
    points: Bytes
    bands: Bytes
    least: Bytes
    most: Bytes
    unread: Bools
    first: Ints
    several: Mapping[int, tuple[tuple[int, ...], tuple[_When, ...]]]
    named: Mapping[str, int]
    measures: tuple[tuple[int, ...], ...]
    simple: bool
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


def score(chart: Chart, values: Floats, context: Mapping[str, NDArray[Any]]) -> ScoreColumns:
    """Score (n, p) values in the chart's order of parts, NaN missing, with (n,) columns for what else it asks for.

    A part that depends on another (SpO2 on oxygen) counts as an interval while the other is missing. The totals are
    the sums of the bounds, which is exact as long as one state of the other part is the worst for both.
    ValueError where the context is not one of the chart's.
    """
    for name, allowed in chart.context.items():
        known = np.zeros(len(values), dtype=np.bool_)
        for one in allowed:
            known |= context[name] == one
        if not known.all():
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}")
    blocks = [slice(begin, begin + BLOCK) for begin in range(0, max(len(values), 1), BLOCK)]
    if len(blocks) == 1:
        return _block(chart, values, context)
    return _joined([_block(chart, values[one], {name: c[one] for name, c in context.items()}) for one in blocks])


def _joined(blocks: list[ScoreColumns]) -> ScoreColumns:
    names = [field.name for field in fields(ScoreColumns)]
    return ScoreColumns(**{name: np.concatenate([getattr(one, name).T for one in blocks], axis=-1).T for name in names})


def _block(chart: Chart, values: Floats, context: Mapping[str, NDArray[Any]]) -> ScoreColumns:
    """Score rows that are few enough for what is made of them on the way to stay in the cache."""
    compiled = _compile(chart)
    slot = slots(values.T[compiled.part], compiled.cuts) + compiled.start
    parts = _parts(compiled, slot, context)
    low, high, present = parts.low, parts.high, parts.known
    if not compiled.simple:
        low, high, present = (
            np.stack(one) for one in zip(*(_measure(parts, m) for m in compiled.measures), strict=True)
        )
    trigger = compiled.bands[slot[[compiled.first[at] for at in compiled.triggers]]] if compiled.triggers else slot[:0]
    return _totals(chart, present, low, high, trigger.astype(np.int8, copy=False))


def _parts(compiled: _Compiled, slot: Ints, context: Mapping[str, NDArray[Any]]) -> _Parts:
    """Give the points of every part from the slots (lanes, n) of its tables."""
    points = compiled.points[slot]
    present = points != NO_BAND
    least, most = np.where(present, points, compiled.least), np.where(present, points, compiled.most)
    low, high, read = least[compiled.first], most[compiled.first], present[compiled.first]
    known = read | compiled.unread[compiled.first]
    states = {name: compiled.bands[slot[compiled.first[part]]] for name, part in compiled.named.items()}
    for part, (lanes, conditions) in compiled.several.items():
        rows = list(lanes)
        fits = np.stack([_fits(when, states, context, slot.shape[1]) for when in conditions])
        low[part] = np.where(fits, least[rows], np.iinfo(np.int8).max).min(axis=0)
        high[part] = np.where(fits, most[rows], NO_BAND).max(axis=0)
        known[part] = read[part] | (compiled.unread[rows] | ~fits).all(axis=0)
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
    lane = compiled.first[part]
    slot = slots(values[:, None], compiled.cuts[lane])[:, 0] + compiled.start[lane, 0]
    return np.where(low_is_worse[part], -values, values), compiled.points[slot]


def _fits(when: _When, states: Mapping[str, Bytes], context: Mapping[str, NDArray[Any]], count: int) -> Bools:
    """Say where a table may be the one: what it depends on is so, or is not known."""
    fit = np.ones(count, dtype=np.bool_)
    for name, word in when.context:
        fit &= context[name] == word
    for name, band in when.bands:
        fit &= (states[name] == band) | (states[name] == NO_BAND)
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
    owner = [(table, one) for (_, table), (_, owners) in zip(lanes, cut, strict=True) for one in (None, *owners)]
    ends = np.cumsum([len(owners) + 1 for _, owners in cut])
    bounds = np.array([_bounds(table) for _, table in lanes], dtype=np.int8)
    part, at = np.array([i for i, _ in lanes]), {one.name: i for i, one in enumerate(chart.parts)}
    return _Compiled(
        part=part,
        cuts=cut_table([cuts for cuts, _ in cut]),
        start=np.concatenate([[0], ends[:-1]])[:, None],
        points=np.array([NO_BAND if i is None else t.bands[i].points for t, i in owner], dtype=np.int8),
        bands=np.array([NO_BAND if i is None else i for _, i in owner], dtype=np.int8),
        least=bounds[:, :1],
        most=bounds[:, 1:],
        unread=np.array([[table.unread is not None] for _, table in lanes]),
        first=np.searchsorted(part, np.arange(len(chart.parts))),
        several={i: _lanes(chart, i, part) for i, one in enumerate(chart.parts) if one.tables[1:]},
        named={name: at[name] for name in chart.asked & {*at}},
        measures=tuple(tuple(at[one.name] for one in parts) for parts in chart.measures.values()),
        simple=all(len(parts) == 1 for parts in chart.measures.values()) and not chart.triggers,
        triggers=tuple(at[one.name] for one in chart.triggers),
        raised=tuple(np.array([chart.raised(b) for b in one.bands], dtype=np.int8) for one in chart.triggers),
        plain=_responses_by_total(chart, red=False),
        with_red=_responses_by_total(chart, red=True),
    )


def _lanes(chart: Chart, number: int, part: Ints) -> tuple[tuple[int, ...], tuple[_When, ...]]:
    """Give the lanes of one part, and what each of its tables depends on."""
    bands = {one.name: [band.name for band in one.bands] for one in chart.parts if one.name in chart.asked}
    whens = tuple(
        _When(
            context=tuple((name, word) for name, word in table.when if name not in bands),
            bands=tuple((name, bands[name].index(str(word))) for name, word in table.when if name in bands),
        )
        for table in chart.parts[number].tables
    )
    return tuple(np.flatnonzero(part == number).tolist()), whens


def _bounds(table: Table) -> tuple[int, int]:
    """Give the least and the most points of a table that is not read."""
    points = [table.unread] if table.unread is not None else [one.points for one in table.bands if not one.undefined]
    return min(points), max(points)


def _responses_by_total(chart: Chart, *, red: bool) -> Bytes:
    totals = range(chart.lowest, chart.highest + 1)
    return np.array([chart.responses.index(chart.response(total, red=red)) for total in totals], dtype=np.int8)


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
