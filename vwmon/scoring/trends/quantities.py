"""The named quantities that rules may ask for: `heart_rate.deviation`, `news2.projected_6h_max` and the others.

Here: their names, units, definitions and needs, and their values out of an assessment. What they should lead to is the
rules'; how they are said to people is wording's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from vwmon.durations import HOUR_MS
from vwmon.errors import NotFoundError
from vwmon.kernels.ragged import Floats
from vwmon.scoring.trends.assess import Assessment, History, Recent, assess
from vwmon.scoring.trends.table import NAMES, TRENDED, Moments

AHEAD_H = (6, 12)
BLOCK = 2048  # moments
THRESHOLDS = (5, 7)  # RCP, NEWS2 2017, chart 4: urgent and emergency response
NOW = "a reading that counts as being now"
BASELINE = f"{NOW}, and occasions on 3 days, in 5 parts of days, over 40 h, of the 14 days that end 24 h before"
STATED = "a usual value that is stated"
LINE = f"{NOW}, and 6 points over half of 24 h, 3 d or 7 d"
EARLIER = f"{NOW}, and one of an earlier occasion within 3 d"
DIGITS = 4  # a median of two values in thousandths has no more, and a difference must not fall short of its limit
SCORE = "a trend of at least one part of the score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One named quantity; a value of NaN is that there is not what it needs."""

    name: str
    unit: str
    definition: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of quantity: `value` gives it for every vital (n, vitals), or for the stay (n,).

    In `unit`, {unit} stands for the vital's.
    """

    unit: str
    definition: str
    needs: str
    value: Callable[[Assessment], Floats]


def _flat(found: Assessment, column: Floats) -> Floats:
    """Give a flat column of the vitals as (n, vitals), NaN where the vital is not fresh."""
    return _fresh(found, column.reshape(len(found.moments), len(NAMES)))


def _fresh(found: Assessment, column: Floats) -> Floats:
    return np.where(found.present.fresh[:, : len(NAMES)], column, np.nan)


def _age_h(found: Assessment) -> Floats:
    age_ms = found.moments.at_ms[:, None] - found.present.observed_ms[:, : len(NAMES)]
    return np.where(found.present.there[:, : len(NAMES)], age_ms / HOUR_MS, np.nan)


def _rise(found: Assessment, recent: Recent) -> Floats:
    """Give how far the present is above the lowest reading of some days, NaN where there is no earlier occasion."""
    present = found.present
    rise = np.round(present.value[:, : len(NAMES)] - recent.lowest, DIGITS)
    return _fresh(found, np.where(recent.count > present.readings[:, : len(NAMES)], rise, np.nan))


def _from_stated(found: Assessment) -> Floats:
    """Give how far the present is above the usual that was stated, NaN where none is."""
    return _fresh(found, np.round(found.present.value[:, : len(NAMES)] - found.stated, DIGITS))


VITAL: Mapping[str, _Kind] = {
    "level": _Kind(
        unit="{unit}",
        definition="the median of the readings of the latest quarter of an hour that has any",
        needs=NOW,
        value=lambda found: _fresh(found, found.present.value[:, : len(NAMES)]),
    ),
    "age_h": _Kind(unit="h", definition="time since the last reading", needs="a reading, ever", value=_age_h),
    "usual": _Kind(
        unit="{unit}",
        definition="the person's own median, of this part of the day where there is enough of it",
        needs=BASELINE,
        value=lambda found: _flat(found, found.base.location),
    ),
    "spread": _Kind(
        unit="{unit}",
        definition="one robust standard deviation of what the person's next occasion would usually be",
        needs=BASELINE,
        value=lambda found: _flat(found, found.base.spread),
    ),
    "deviation": _Kind(
        unit="1",
        definition="how many spreads the level is above the usual",
        needs=BASELINE,
        value=lambda found: found.deviation,
    ),
    "stated": _Kind(
        unit="{unit}",
        definition="the usual that a clinician stated for the person, as it holds at the moment",
        needs=STATED,
        value=lambda found: found.stated,
    ),
    "from_stated": _Kind(
        unit="{unit}",
        definition="how far the level is above the usual that was stated",
        needs=f"{NOW}, and {STATED}",
        value=_from_stated,
    ),
    "slope_per_h": _Kind(
        unit="{unit}/h",
        definition="Theil-Sen slope over the shortest of 24 h, 3 d and 7 d that will do",
        needs=LINE,
        value=lambda found: _flat(found, found.trend.slope),
    ),
    "slope_low_per_h": _Kind(
        unit="{unit}/h",
        definition="lower bound of the slope at 90 %",
        needs=LINE,
        value=lambda found: _flat(found, found.trend.slope_low),
    ),
    "slope_high_per_h": _Kind(
        unit="{unit}/h",
        definition="upper bound of the slope at 90 %",
        needs=LINE,
        value=lambda found: _flat(found, found.trend.slope_high),
    ),
    "readings_24h": _Kind(
        unit="1",
        definition="readings of the last 24 h",
        needs="nothing",
        value=lambda found: found.day.count.astype(np.float64),
    ),
    "min_24h": _Kind(
        unit="{unit}",
        definition="the lowest reading of the last 24 h",
        needs="a reading in 24 h",
        value=lambda found: found.day.lowest,
    ),
    "max_24h": _Kind(
        unit="{unit}",
        definition="the highest reading of the last 24 h",
        needs="a reading in 24 h",
        value=lambda found: found.day.highest,
    ),
    "rise_3d": _Kind(
        unit="{unit}",
        definition="how far the level is above the lowest reading of the last 3 d, and of 12 h more: whatever the hour",
        needs=EARLIER,
        value=lambda found: _rise(found, found.three_days),
    ),
    "rise_7d": _Kind(
        unit="{unit}",
        definition="how far the level is above the lowest reading of the last 7 d, and of 12 h more: whatever the hour",
        needs=EARLIER.replace("3 d", "7 d"),
        value=lambda found: _rise(found, found.seven_days),
    ),
}


def _ahead(bound: str, hours: int) -> Callable[[Assessment], Floats]:
    return lambda found: np.asarray(getattr(found.ahead, bound)[:, hours], dtype=np.float64)


def _score_ahead(bound: str, hours: int) -> Callable[[Assessment], Floats]:
    return lambda found: np.where(found.ahead.supported, getattr(found.ahead, bound)[:, hours], np.nan)


def _reached(points: int, which: int) -> Callable[[Assessment], Floats]:
    return lambda found: found.ahead.reaches(points)[which]


VITAL_AHEAD: Mapping[str, _Kind] = {
    f"projected_{hours}h{end}": _Kind(
        unit="{unit}", definition=f"{said} a reading in {hours} h", needs=LINE, value=_ahead(bound, hours)
    )
    for hours in AHEAD_H
    for end, bound, said in (
        ("_min", "low", "lower bound, at 5 %, of"),
        ("", "middle", "the middle of what is expected of"),
        ("_max", "high", "upper bound, at 95 %, of"),
    )
}
STAY: Mapping[str, _Kind] = {
    "joint.deviation": _Kind(
        unit="1",
        definition="how unusual the vitals are together: as rare as one vital at so many spreads",
        needs="two vitals with a deviation",
        value=lambda found: found.together.deviation,
    ),
    "joint.vitals": _Kind(
        unit="1",
        definition="how many vitals count in the joint deviation",
        needs="nothing",
        value=lambda found: found.together.counted.sum(axis=1).astype(np.float64),
    ),
}
SCORE_AHEAD: Mapping[str, _Kind] = {
    f"news2.projected_{hours}h{end}": _Kind(
        unit="1", definition=f"NEWS2 in {hours} h: {said}", needs=SCORE, value=_score_ahead(bound, hours)
    )
    for hours in AHEAD_H
    for end, bound, said in (
        ("_min", "score_low", "its lower bound, at 5 %, with what is missing at its best"),
        ("", "score_middle", "its median, with what is missing at its best"),
        ("_known_max", "score_known", "its upper bound, at 95 %, with what is missing at its best"),
        ("_max", "score_high", "its upper bound, at 95 %, with what is missing at its worst"),
    )
}
REACHES: Mapping[str, _Kind] = {
    f"news2.reaches_{points}_{end}_h": _Kind(
        unit="h",
        definition=f"hours until NEWS2 {said} reached {points}, with what is missing at its best; none within 12",
        needs=SCORE,
        value=_reached(points, which),
    )
    for points in THRESHOLDS
    for which, (end, said) in enumerate(
        (("could", "could have"), ("probably", "has probably"), ("surely", "surely has"))
    )
}
OF_VITAL, OF_STAY = {**VITAL, **VITAL_AHEAD}, {**STAY, **SCORE_AHEAD, **REACHES}


@cache
def table() -> Mapping[str, Quantity]:
    """Give every quantity by name."""
    of_vitals = {
        f"{vital.name}.{kind}": (one.unit.format(unit=vital.unit), f"{vital.title}: {one.definition}", one.needs)
        for vital in TRENDED
        for kind, one in OF_VITAL.items()
    }
    of_stay = {name: (one.unit, one.definition, one.needs) for name, one in OF_STAY.items()}
    return {
        name: Quantity(name=name, unit=unit, definition=definition, needs=needs)
        for name, (unit, definition, needs) in (of_vitals | of_stay).items()
    }


def values(found: Assessment, names: Sequence[str]) -> dict[str, Floats]:
    """Give quantities (n,) of an assessment by name, NaN where there is not what one needs.

    NotFoundError for a name that there is not.
    """
    return {name: _value(found, name) for name in names}


def of(history: History, moments: Moments, names: Sequence[str]) -> dict[str, Floats]:
    """Give quantities (n,) of stays at moments by name; of many moments, a block at a time."""
    blocks = [
        values(assess(history, moments.where(slice(first, first + BLOCK))), names)
        for first in range(0, max(len(moments), 1), BLOCK)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in names}


def split(name: str) -> tuple[str, str]:
    """Give the vital and the kind of a quantity's name; of one of the whole stay, "" and the name."""
    if name not in table():
        raise NotFoundError(f"there is no quantity {name!a}; docs/trends.md has the table of them")
    vital, _, kind = name.partition(".")
    return (vital, kind) if vital in NAMES else ("", name)


def _value(found: Assessment, name: str) -> Floats:
    vital, kind = split(name)
    return OF_VITAL[kind].value(found)[:, NAMES.index(vital)] if vital else OF_STAY[kind].value(found)
