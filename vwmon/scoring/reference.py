"""A score read plainly off a chart for one patient: slow, obvious, and what the fast one is held against.

Scoring of columns must not live here, nor any point value: those are the chart's.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from vwmon.scoring.charts import Band, Chart, Part, Table

MILLION = 1_000_000
REACH = 1e9  # values beyond it score as it does; every chart has ended long before

Situation = Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A score as an interval; `points` holds (lowest, highest) by part, `band` is '' where the bounds disagree.

    `red` is that some part is certain to be red; `complete` that no part is `missing`.
    """

    points: Mapping[str, tuple[int, int]]
    total_min: int
    total_max: int
    complete: bool
    red: bool
    missing: tuple[str, ...]
    band: str


def quantise(value: float, step: int) -> int:
    """Give a value in whole steps of `step` millionths, half away from zero.

    Charts say nothing of values between their bands, and 36.05 is a little below itself in binary, so the value is
    first taken to its nearest millionth and the half decided in whole numbers: 36.05 -> 361 steps of 0.1.
    """
    millionths = _millionths(value)
    steps = (2 * abs(millionths) + step) // (2 * step)
    return steps if millionths >= 0 else -steps


def score(chart: Chart, values: Mapping[str, float | None], context: Mapping[str, int]) -> Score:
    """Score one observation set; a part that is absent, None, NaN or infinite is missing and counts as an interval.

    `context` holds what the chart asks for besides readings, such as spo2_scale; ValueError where it is not allowed.
    """
    for name, allowed in chart.context.items():
        if context[name] not in allowed:
            raise ValueError(f"{name} is one of {allowed}")
    missing = tuple(part.name for part in chart.parts if _band(part, part.tables[0], values.get(part.name)) is None)
    ways = [_points(chart, values, situation) for situation in _situations(chart, values, context)]
    points = {
        part.name: (min(way[part.name][0] for way in ways), max(way[part.name][1] for way in ways))
        for part in chart.parts
    }
    total_min = min(sum(low for low, _ in way.values()) for way in ways)
    total_max = max(sum(high for _, high in way.values()) for way in ways)
    red = any(low >= chart.red_points for low, _ in points.values())
    may_be_red = any(high >= chart.red_points for _, high in points.values())
    bands = {chart.response(total_min, red=red), chart.response(total_max, red=may_be_red)}
    return Score(
        points=points,
        total_min=total_min,
        total_max=total_max,
        complete=not missing,
        red=red,
        missing=missing,
        band=bands.pop() if len(bands) == 1 else "",
    )


def _situations(chart: Chart, values: Mapping[str, float | None], context: Mapping[str, int]) -> Iterator[Situation]:
    """Yield every way that what other parts depend on can be: one where it is known, all where it is missing."""
    asked = {name for part in chart.parts for table in part.tables for name, _ in table.when}
    named = [part for part in chart.parts if part.name in asked]
    for bands in product(*(_possible(part, values.get(part.name)) for part in named)):
        yield {**context, **{part.name: band.name for part, band in zip(named, bands, strict=True)}}


def _possible(part: Part, value: float | None) -> tuple[Band, ...]:
    band = _band(part, part.tables[0], value)
    return part.tables[0].bands if band is None else (band,)


def _points(chart: Chart, values: Mapping[str, float | None], situation: Situation) -> dict[str, tuple[int, int]]:
    """Give the lowest and the highest points of each part in one situation."""
    found = {}
    for part in chart.parts:
        table = next(t for t in part.tables if all(situation[name] == value for name, value in t.when))
        bands = table.bands
        band = _band(part, table, values.get(part.name))
        if band is not None:
            bands = (band,)
        elif part.name in situation:
            bands = tuple(b for b in bands if b.name == situation[part.name])
        found[part.name] = (min(b.points for b in bands), max(b.points for b in bands))
    return found


def _band(part: Part, table: Table, value: float | None) -> Band | None:
    """Find the band of a value; None where it is missing, or is not one of the part's codes."""
    if value is None or not math.isfinite(value):
        return None
    steps = quantise(value, part.step)
    if part.exact and _millionths(value) != steps * part.step:
        return None
    return next((band for band in table.bands if _within(band, steps)), None)


def _within(band: Band, steps: int) -> bool:
    return (band.lower is None or band.lower <= steps) and (band.upper is None or steps <= band.upper)


def _millionths(value: float) -> int:
    return round(max(-REACH, min(REACH, value)) * MILLION)
