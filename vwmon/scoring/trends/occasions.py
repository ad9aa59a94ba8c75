"""Occasions: the readings of one series within one quarter of an hour count once, as their median.

A person who feels ill measures again and again, and a monitor measures all the time; neither should outvote the other
days. Here: making occasions of readings, and what of them was known at a moment. Nothing of baselines or lines.
"""

from dataclasses import dataclass

import numpy as np

from vwmon.durations import DAY_MS, MINUTE_MS
from vwmon.kernels.ragged import (
    Bools,
    Floats,
    Ints,
    Ragged,
    arranged,
    bisect_left,
    bisect_right,
    firsts,
    offsets,
    spans,
)
from vwmon.kernels.robust import twice_medians
from vwmon.scoring.trends import wall

QUARTER_MS = 15 * MINUTE_MS
PER_UNIT = 2000  # numbers are values in thousandths, doubled, so that a median between two of them is whole


def readings_of(owner: Ints, times_ms: Ints, values: Floats, series: int) -> Ragged:
    """Put readings of so many series in order, whatever order they came in: what is no number is left out."""
    known = np.isfinite(values)
    return arranged(owner[known], times_ms[known], values[known], series)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasions:
    """Occasions as ragged columns, sorted by (series, time); n of them.

    `thousandths` are the readings' values. `start_ms` is the quarter of an hour that an occasion lies in, `last_ms` its
    last reading, `number` the median in 1 / PER_UNIT; `before` (n + 1,) counts the readings before each. `band` is the
    part of the wall clock's day; `day_rank` and `cell_rank` count the days, and the parts of days, that have an
    occasion up to it.
    """

    readings: Ragged
    thousandths: Ints
    offsets: Ints
    start_ms: Ints
    last_ms: Ints
    number: Ints
    before: Ints
    band: Ints
    day: Ints
    day_rank: Ints
    cell_rank: Ints

    @classmethod
    def of(cls, readings: Ragged, zone: str) -> "Occasions":
        """Make occasions of readings that are in order and none of them NaN; `zone` is the ward's."""
        series, thousandths = readings.owners(), np.rint(readings.values * 1000).astype(np.int64)
        quarter = readings.times_ms // QUARTER_MS
        new = firsts(series) | firsts(quarter)
        first = np.flatnonzero(new)
        ends = np.append(first, len(new))
        series, start_ms = series[first], quarter[first] * QUARTER_MS
        wall_ms = wall.local_ms(start_ms, zone)
        day, band = wall_ms // DAY_MS, wall.band(wall_ms)
        new_day = firsts(series) | firsts(day)
        return cls(
            readings=readings,
            thousandths=thousandths,
            offsets=offsets(series, len(readings)),
            start_ms=start_ms,
            last_ms=readings.times_ms[ends[1:] - 1],
            number=twice_medians(np.cumsum(new) - 1, thousandths, len(first)),
            before=ends,
            band=band,
            day=day,
            day_rank=np.cumsum(new_day),
            cell_rank=np.cumsum(new_day | firsts(band)),
        )

    def between(self, series: Ints, from_ms: Ints, to_ms: Ints) -> tuple[Ints, Ints]:
        """Give where the occasions that begin in [from, to) start and stop; shapes (q,) all."""
        start, stop = self.offsets[series], self.offsets[series + 1]
        return bisect_left(self.start_ms, start, stop, from_ms), bisect_left(self.start_ms, start, stop, to_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The latest occasion of q series as it was known at a moment each.

    `stop` is the position after it among the occasions; `number`, `last_ms` and `readings` are its median, its last
    reading and how many it had by then. `there` is False where nothing had come; the rest is then 0.
    """

    stop: Ints
    there: Bools
    number: Ints
    last_ms: Ints
    readings: Ints


def latest(occasions: Occasions, series: Ints, at_ms: Ints) -> Latest:
    """Give the latest occasion of each series at each moment; a quarter not over yet counts as far as it had come."""
    if not len(occasions.start_ms):
        none = np.zeros(len(series), dtype=np.int64)
        return Latest(stop=none, there=none.astype(np.bool_), number=none, last_ms=none, readings=none)
    readings = occasions.readings
    start = occasions.offsets[series]
    came = bisect_right(readings.times_ms, readings.offsets[series], readings.offsets[series + 1], at_ms)
    there = came > readings.offsets[series]
    last = np.where(there, came - 1, 0)
    stop = np.where(
        there, bisect_right(occasions.start_ms, start, occasions.offsets[series + 1], readings.times_ms[last]), start
    )
    at = np.where(there, stop - 1, 0)
    number, count = occasions.number[at], came - occasions.before[at]
    open_ = np.flatnonzero(there & (came < occasions.before[at + 1]))
    number[open_] = _median_so_far(occasions.thousandths, occasions.before[at[open_]], came[open_])
    return Latest(
        stop=stop,
        there=there,
        number=np.where(there, number, 0),
        last_ms=np.where(there, readings.times_ms[last], 0),
        readings=np.where(there, count, 0),
    )


def _median_so_far(thousandths: Ints, start: Ints, stop: Ints) -> Ints:
    owner = np.repeat(np.arange(len(start)), stop - start)
    return twice_medians(owner, thousandths[spans(start, stop)], len(start))
