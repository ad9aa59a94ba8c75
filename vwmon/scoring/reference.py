"""A score read plainly off a chart for one patient: slow, obvious, and what the fast one is held against.

Scoring of columns must not live here, nor any point value: those are the chart's.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from vwmon.scoring.records import MILLION, Band, Chart, Part, Table, Word

REACH = 1e9  # values beyond it score as it does; every chart has ended long before

Values = Mapping[str, float | None]
Context = Mapping[str, Word]
Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score as an interval; `points` holds (lowest, highest) by measure, `band` is '' where the bounds disagree.

    `red` is that some part is certain to be red; `complete` that no measure is `missing`. `band_min` and `band_max`
    are the responses at the bounds. What raises or is to be noted whatever the total is in `notes`, and `unasked`
    names what could raise it and was not read.
    """

    points: Mapping[str, Bounds]
    total_min: int
    total_max: int
    complete: bool
    red: bool
    missing: tuple[str, ...]
    band_min: str
    band_max: str
    notes: tuple[str, ...]
    unasked: tuple[str, ...]

    @property
    def band(self) -> str:
        """Give the response that the bounds agree on, or ''."""
        return self.band_min if self.band_min == self.band_max else ""


def quantise(value: float, step: int) -> int:
    """Give a value in whole steps of `step` millionths, half away from zero.

    Charts say nothing of values between their bands, and 36.05 is a little below itself in binary, so the value is
    first taken to its nearest millionth and the half decided in whole numbers: 36.05 -> 361 steps of 0.1.
    """
    millionths = _millionths(value)
    steps = (2 * abs(millionths) + step) // (2 * step)
    return steps if millionths >= 0 else -steps


def score(chart: Chart, values: Values, context: Context) -> Score:
    """Score one observation set; a part that is absent, None, NaN or infinite is missing and counts as an interval.

    `context` holds what the chart asks for besides readings, such as spo2_scale; ValueError where it is not allowed.
    """
    for name, allowed in chart.context.items():
        if context[name] not in allowed:
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}")
    ways = [_points(chart, values, situation) for situation in _situations(chart, values, context)]
    points = {name: (min(way[name][0] for way in ways), max(way[name][1] for way in ways)) for name in chart.measures}
    total_min = min(sum(low for low, _ in way.values()) for way in ways)
    total_max = max(sum(high for _, high in way.values()) for way in ways)
    missing = tuple(name for name in chart.measures if not _known(chart, name, values, context))
    worst = math.inf if chart.red_points is None else chart.red_points
    red, may_be_red = (any(bounds[end] >= worst for bounds in points.values()) for end in (0, 1))
    raised = [_raised(chart, part, values.get(part.name)) for part in chart.triggers]
    order = chart.responses
    return Score(
        points=points,
        total_min=total_min,
        total_max=total_max,
        complete=not missing,
        red=red,
        missing=missing,
        band_min=order[max([order.index(chart.response(total_min, red=red)), *(low for low, _ in raised)])],
        band_max=order[max([order.index(chart.response(total_max, red=may_be_red)), *(high for _, high in raised)])],
        notes=tuple(_notes(chart, values)),
        unasked=tuple(part.name for part, (low, high) in zip(chart.triggers, raised, strict=True) if low != high),
    )


def _situations(chart: Chart, values: Values, context: Context) -> Iterator[Context]:
    """Yield every way that what other parts depend on can be: one where it is known, all where it is missing."""
    named = [part for part in chart.parts if part.name in chart.asked]
    for bands in product(*(_possible(part, values.get(part.name)) for part in named)):
        yield {**context, **{part.name: band.name for part, band in zip(named, bands, strict=True)}}


def _possible(part: Part, value: float | None) -> tuple[Band, ...]:
    band = read(part, part.tables[0], value)
    return part.tables[0].bands if band is None else (band,)


def _points(chart: Chart, values: Values, situation: Context) -> dict[str, Bounds]:
    """Give the lowest and the highest points of each measure in one situation.

    Of several parts of one measure those that were read count, and of those the worst.
    """
    found = {}
    for name, parts in chart.measures.items():
        seen = [part for part in parts if _band(part, values) is not None]
        bounds = [_bounds(part, values, situation) for part in seen or parts]
        least = max if seen else min
        found[name] = (least(low for low, _ in bounds), max(high for _, high in bounds))
    return found


def _bounds(part: Part, values: Values, situation: Context) -> Bounds:
    table = _table(part, situation)
    band = read(part, table, values.get(part.name))
    if band is not None:
        return band.points, band.points
    if table.unread is not None:
        return table.unread, table.unread
    bands = [b for b in table.bands if not b.undefined]
    if part.name in situation:
        bands = [b for b in bands if b.name == situation[part.name]]
    return min(b.points for b in bands), max(b.points for b in bands)


def _known(chart: Chart, measure: str, values: Values, context: Context) -> bool:
    """Say whether a measure was read, or needs no reading however what it depends on turns out."""
    parts = chart.measures[measure]
    if any(_band(part, values) is not None for part in parts):
        return True
    return any(
        all(_table(part, situation).unread is not None for situation in _situations(chart, values, context))
        for part in parts
    )


def _table(part: Part, situation: Context) -> Table:
    return next(t for t in part.tables if all(situation[name] == word for name, word in t.when))


def _band(part: Part, values: Values) -> Band | None:
    return read(part, part.tables[0], values.get(part.name))


def read(part: Part, table: Table, value: float | None) -> Band | None:
    """Find the band of a value; None where it is missing, is not one of the part's codes, or where nothing is said."""
    if value is None or not math.isfinite(value):
        return None
    steps = quantise(value, part.step)
    if part.exact and _millionths(value) != steps * part.step:
        return None
    return next((band for band in table.bands if _within(band, steps) and not band.undefined), None)


def _raised(chart: Chart, part: Part, value: float | None) -> Bounds:
    """Give the numbers of the mildest and the worst response that a trigger calls for."""
    numbers = [chart.raised(band) for band in _possible(part, value)]
    return min(numbers), max(numbers)


def _notes(chart: Chart, values: Values) -> Iterator[str]:
    for part in chart.triggers:
        band = _band(part, values)
        if band is not None and band.note:
            yield band.note


def _within(band: Band, steps: int) -> bool:
    return (band.lower is None or band.lower <= steps) and (band.upper is None or steps <= band.upper)


def _millionths(value: float) -> int:
    return round(max(-REACH, min(REACH, value)) * MILLION)
