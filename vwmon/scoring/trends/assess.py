"""Everything there is to say of stays at moments: the present, the baseline, the trend and where it leads.

Here: the order in which the parts are asked. None of their arithmetic, no names of quantities and no sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vwmon.durations import DAY_MS
from vwmon.kernels.frames import Queries
from vwmon.kernels.ragged import Bools, Floats, Ints, Ragged
from vwmon.kernels.rolling import rolling
from vwmon.scoring.trends.baseline import Baseline, baselines, deviation
from vwmon.scoring.trends.joint import Joint, joint
from vwmon.scoring.trends.occasions import PER_UNIT, Latest, Occasions, latest, readings_of
from vwmon.scoring.trends.projection import Projection, project
from vwmon.scoring.trends.slopes import Trend, trends
from vwmon.scoring.trends.table import JOINT, NAMES, SERIES, Asked, Moments, Stays

THREE_DAYS_MS = 3 * DAY_MS + DAY_MS // 2  # whatever the hour, a morning is compared with the third morning before
SEVEN_DAYS_MS = 7 * DAY_MS + DAY_MS // 2  # and with the seventh


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The vitals now, (n, series) in the order of SERIES: the latest occasion's median, and its last reading's time.

    `fresh` is that it still counts as being now; `value` is NaN, and `observed_ms` 0, where nothing ever came.
    `readings` are those of the occasion.
    """

    value: Floats
    observed_ms: Ints
    readings: Ints
    there: Bools
    fresh: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What the readings of a recent window say, (n, vitals): counted, the lowest and the highest, NaN for none."""

    count: Ints
    lowest: Floats
    highest: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What there is to say of n moments; `base` and `trend` are of their vitals, flat, `deviation` is (n, vitals).

    `stated` (n, vitals) is the usual that a clinician stated, NaN where none is, and takes no part in the baseline.
    A deviation, a line and a projection are of the present only: NaN where the latest occasion is not fresh.
    """

    moments: Moments
    zone: str
    present: Present
    day: Recent
    three_days: Recent
    seven_days: Recent
    base: Baseline
    deviation: Floats
    together: Joint
    trend: Trend
    ahead: Projection
    stated: Floats

    def place(self, row: int, vital: str) -> int:
        """Give the place of a vital of one moment in the flat columns."""
        return row * len(NAMES) + NAMES.index(vital)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The readings of many stays, once in order and once as occasions; series are stay * len(SERIES) + place in it."""

    stays: Stays
    zone: str
    readings: Ragged
    occasions: Occasions

    @classmethod
    def of(cls, stays: Stays, series: Ints, times_ms: Ints, values: Floats, zone: str) -> "History":
        """Take readings in any order, repeats among them; `zone` is the ward's time zone, "Europe/London"."""
        readings = readings_of(series, times_ms, values, len(stays) * len(SERIES))
        return cls(stays=stays, zone=zone, readings=readings, occasions=Occasions.of(readings, zone))


def assess(history: History, moments: Moments) -> Assessment:
    """Say everything of stays at moments, of each by what was observed up to then."""
    count, vitals = len(moments), len(NAMES)
    asked = moments.of_vitals()
    found, present = _present(history, moments)
    fresh = present.fresh[:, :vitals]
    base = baselines(history.occasions, asked, history.zone)
    away = deviation(found.number, base).reshape(count, vitals)
    away = np.where(fresh, away, np.nan)
    trend = trends(history.occasions, found, asked, fresh.reshape(-1))
    current = np.where(present.fresh, present.value, np.nan)
    windows_ms = (DAY_MS, THREE_DAYS_MS, SEVEN_DAYS_MS)
    day, three_days, seven_days = _recent(history, asked, (count, vitals), windows_ms)
    return Assessment(
        moments=moments,
        zone=history.zone,
        present=present,
        day=day,
        three_days=three_days,
        seven_days=seven_days,
        base=base,
        deviation=away,
        together=_together(history, asked, away, base),
        trend=trend,
        ahead=project(trend, current, history.stays.scale(moments)),
        stated=history.stays.usual(moments),
    )


def _present(history: History, moments: Moments) -> tuple[Latest, Present]:
    """Give the latest occasions of the vitals, flat, and the present of all series."""
    width = len(SERIES)
    at_ms = np.repeat(moments.at_ms, width)
    found = latest(history.occasions, moments.series(width), at_ms)
    valid_ms = history.stays.valid_ms[moments.stay].reshape(-1)
    fresh = found.there & (at_ms - found.last_ms <= valid_ms)
    flat = Present(
        value=np.where(found.there, found.number / PER_UNIT, np.nan),
        observed_ms=found.last_ms,
        readings=found.readings,
        there=found.there,
        fresh=fresh,
    )
    shape = (len(moments), width)
    of_vitals = (np.arange(len(moments))[:, None] * width + np.arange(len(NAMES))).reshape(-1)
    return (
        Latest(**{name: getattr(found, name)[of_vitals] for name in Latest.__slots__}),
        Present(**{name: getattr(flat, name).reshape(shape) for name in Present.__slots__}),
    )


def _recent(history: History, asked: Asked, shape: tuple[int, int], windows_ms: Sequence[int]) -> list[Recent]:
    """Ask the rolling windows, each that ends at its moment."""
    wanted = ("count", "min", "max")
    found = rolling(history.readings, Queries(series=asked.series, times_ms=asked.at_ms), windows_ms, wanted)
    columns = [[found[name][:, window].reshape(shape) for name in wanted] for window in range(len(windows_ms))]
    return [Recent(count=n.astype(np.int64), lowest=lowest, highest=highest) for n, lowest, highest in columns]


def _together(history: History, asked: Asked, away: Floats, base: Baseline) -> Joint:
    """Ask for the joint deviation of the joint vitals."""
    chosen = np.array(JOINT)
    flat = (np.arange(len(away))[:, None] * len(NAMES) + chosen).reshape(-1)
    return joint(history.occasions, asked.where(flat), away[:, chosen], base.where(flat))
