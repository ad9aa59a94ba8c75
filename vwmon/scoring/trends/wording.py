"""Every quantity as a sentence with its numbers, for people. Words only; a number that is not there is said to be not.

Here: the words. Reckoning must not live here, nor what anyone should do.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from devices.vitals import VITALS, Vital, printed
from vwmon.durations import HOUR_MS
from vwmon.scoring.charts import PARTS
from vwmon.scoring.trends import wall
from vwmon.scoring.trends.assess import Assessment, Recent
from vwmon.scoring.trends.baseline import LEAST_CELLS, LEAST_DAYS, LEAST_SPAN_H
from vwmon.scoring.trends.joint import LEAST_VITALS
from vwmon.scoring.trends.projection import HOURS
from vwmon.scoring.trends.quantities import split
from vwmon.scoring.trends.slopes import LEAST
from vwmon.scoring.trends.table import JOINT, NAMES, TRENDED, Trended

DAY_H = 24
Said = Callable[[Assessment, int, Trended], str]


def sentence(found: Assessment, row: int, name: str) -> str:
    """Say one quantity of one moment of an assessment. NotFoundError for a name that there is not."""
    vital, kind = split(name)
    if not vital:
        return next(say for begin, say in OF_STAY.items() if kind.startswith(begin))(found, row, kind)
    one = TRENDED[NAMES.index(vital)]
    return next(say for begin, say in OF_VITAL.items() if kind.startswith(begin))(found, row, one)


def number(value: float, vital: Trended) -> str:
    """Give a value of a vital to the digit that means something."""
    return f"{value:.{digits(vital)}f}"


def digits(vital: Trended) -> int:
    """Give how many digits after the point mean something."""
    return 1 if vital.error < 1 else 0


def rate(value: float) -> str:
    """Give a slope to two digits, with its sign."""
    return f"{value:+.2g}" if value else "0"


def present(found: Assessment, row: int, vital: Trended) -> str:
    """Say what the vital is now, or why there is nothing now."""
    column = NAMES.index(vital.name)
    if not found.present.there[row, column]:
        return f"there is no reading of {_low(vital)}"
    value = number(float(found.present.value[row, column]), vital)
    age = _hours((int(found.moments.at_ms[row]) - int(found.present.observed_ms[row, column])) / HOUR_MS)
    if found.present.fresh[row, column]:
        return f"{_low(vital)} is {value} {printed(vital.unit)}, {age} old"
    return f"there is no {_low(vital)} now: the last, {value} {printed(vital.unit)}, is {age} old"


def deviation(found: Assessment, row: int, vital: Trended) -> str:
    """Say how far the vital is from this person's usual, and on what that rests."""
    column, place = NAMES.index(vital.name), found.place(row, vital.name)
    base = found.base
    if not found.present.fresh[row, column]:
        return present(found, row, vital)
    rests = f"{_counted(base.readings[place], 'reading')} over {_counted(base.days[place], 'day')}"
    if not base.enough[place]:
        return (
            f"there is not enough to say what is usual of {_low(vital)}: {rests} of the 14 days up to yesterday, "
            f"and it takes {LEAST_CELLS} times of day on {LEAST_DAYS} days, {LEAST_SPAN_H} h from first to last"
        )
    away = float(found.deviation[row, column])
    of_day = f", {wall.named(int(base.band[place]))}" if base.banded[place] else ""
    value, usual = float(found.present.value[row, column]), float(base.location[place])
    return (
        f"{_low(vital)} {number(value, vital)} {printed(vital.unit)} is {abs(away):.1f} robust deviations "
        f"{'above' if away >= 0 else 'below'} this person's usual {number(usual, vital)}, give or take "
        f"{base.spread[place]:.2g} ({rests}{of_day})"
    )


def slope(found: Assessment, row: int, vital: Trended) -> str:
    """Say whether the vital rises or falls, how fast, and over what."""
    column, place, trend = NAMES.index(vital.name), found.place(row, vital.name), found.trend
    if not found.present.fresh[row, column]:
        return present(found, row, vital)
    if not trend.supported[place]:
        return (
            f"there is not enough for a trend of {_low(vital)}: {_counted(trend.points[place], 'point')} over "
            f"{_hours(float(trend.span_h[place]))}, and it takes {LEAST} over half of 24 h, 3 d or 7 d"
        )
    hours, unit = (1, "an hour") if trend.window_h[place] <= DAY_H else (DAY_H, "a day")
    low, steep, high = (float(one[place]) * hours for one in (trend.slope_low, trend.slope, trend.slope_high))
    over = f"over {_hours(int(trend.window_h[place]))}, {_counted(trend.points[place], 'point')}"
    if not trend.weight[place] > 0:
        return f"{_low(vital)} has no sure trend: {rate(low)} to {rate(high)} {printed(vital.unit)} {unit} ({over})"
    verb = "rises" if steep > 0 else "falls"
    return (
        f"{_low(vital)} {verb} by {abs(steep):.2g} {printed(vital.unit)} {unit} ({rate(low)} to {rate(high)}; {over})"
    )


def shortly(found: Assessment, row: int, vital: Trended) -> str:
    """Say the trend in a few words, for a cell of a table; nothing where there is none."""
    column, place, trend = NAMES.index(vital.name), found.place(row, vital.name), found.trend
    if not found.present.fresh[row, column]:
        return "too old"
    if not trend.supported[place]:
        return f"{_counted(trend.points[place], 'point')} only"
    if not trend.weight[place] > 0:
        return "none sure"
    hours, unit = (1, "/h") if trend.window_h[place] <= DAY_H else (DAY_H, "/d")
    return f"{rate(float(trend.slope[place]) * hours)}{unit}"


def ahead(found: Assessment, row: int, vital: Trended) -> str:
    """Say where the vital's readings are expected to be at the last of HOURS."""
    place, hours = found.place(row, vital.name), HOURS[-1]
    if not found.trend.supported[place]:
        return slope(found, row, vital)
    column = NAMES.index(vital.name)
    low, middle, high = (
        float(one[row, hours, column]) for one in (found.ahead.low, found.ahead.middle, found.ahead.high)
    )
    return (
        f"in {hours} h nine in ten readings of {_low(vital)} are expected between {number(low, vital)} and "
        f"{number(high, vital)} {printed(vital.unit)}, around {number(middle, vital)}; {slope(found, row, vital)}"
    )


def day(found: Assessment, row: int, vital: Trended) -> str:
    """Say what the readings of the last 24 hours were."""
    column = NAMES.index(vital.name)
    count = int(found.day.count[row, column])
    if not count:
        return f"no {_low(vital)} in the last 24 h"
    low, high = (number(float(one[row, column]), vital) for one in (found.day.lowest, found.day.highest))
    return f"{_low(vital)} was {low} to {high} {printed(vital.unit)} in the last 24 h ({_counted(count, 'reading')})"


def rise(found: Assessment, row: int, vital: Trended, recent: Recent, days: int) -> str:
    """Say how far the vital is above the lowest of so many days."""
    column = NAMES.index(vital.name)
    if not found.present.fresh[row, column]:
        return present(found, row, vital)
    if recent.count[row, column] <= found.present.readings[row, column]:
        return f"{_low(vital)} has no earlier reading in the last {days} d to compare with"
    value, lowest = float(found.present.value[row, column]), float(recent.lowest[row, column])
    return (
        f"{_low(vital)} {number(value, vital)} {printed(vital.unit)} is {number(value - lowest, vital)} "
        f"{printed(vital.unit)} above the lowest of the last {days} d, {number(lowest, vital)}"
    )


def stated(found: Assessment, row: int, vital: Trended) -> str:
    """Say how far the vital is from the usual that a clinician stated, which is none that was measured."""
    column = NAMES.index(vital.name)
    usual = float(found.stated[row, column])
    if math.isnan(usual):
        return f"no clinician stated a usual {_low(vital)}"
    said = f"the usual that a clinician stated, {number(usual, vital)} {printed(vital.unit)}"
    if not found.present.fresh[row, column]:
        return f"{present(found, row, vital)}; {said}"
    value = float(found.present.value[row, column])
    away = value - usual
    if not away:
        return f"{_low(vital)} {number(value, vital)} {printed(vital.unit)} is {said}"
    return (
        f"{_low(vital)} {number(value, vital)} {printed(vital.unit)} is {number(abs(away), vital)} "
        f"{printed(vital.unit)} {'above' if away > 0 else 'below'} {said}"
    )


def together(found: Assessment, row: int, _: str = "") -> str:
    """Say how unusual the vitals are together, which counted, and which were left out."""
    joint, titles = found.together, [_low(TRENDED[number]) for number in JOINT]
    counted = [title for title, one in zip(titles, joint.counted[row].tolist(), strict=True) if one]
    left = [title for title in titles if title not in counted]
    out = f"; left out, without a reading now or a baseline: {_listed(left)}" if left else ""
    if len(counted) < LEAST_VITALS:
        return f"there is no joint deviation: it takes {LEAST_VITALS} vitals with a reading now and a baseline{out}"
    most = [titles[one] for one in np.argsort(-joint.share[row])[:LEAST_VITALS].tolist() if joint.share[row, one] > 0]
    return (
        f"{_listed(counted)} together are as unusual as one vital at {joint.deviation[row]:.1f} deviations, most of it "
        f"{_listed(most)} ({_counted(joint.together[row], 'common occasion')}{out})"
    )


def reaching(found: Assessment, row: int, points: int) -> str:
    """Say when NEWS2 reaches some points at this rate."""
    ahead_, last = found.ahead, HOURS[-1]
    if not ahead_.supported[row]:
        return f"there is no projection of NEWS2: no part of it has a trend{_gaps(found, row)}"
    could, probably, surely = (float(one[row]) for one in ahead_.reaches(points))
    gaps, ends = _gaps(found, row), f"within {last} h"
    if math.isnan(could):
        low, high = ahead_.score_low[row, last], ahead_.score_known[row, last]
        return f"at this rate NEWS2 does not reach {points} {ends}: {low} to {high} by {_clock(found, row, last)}{gaps}"
    if surely == 0:
        return f"at this rate NEWS2 has reached {points} already{gaps}"
    middle = _by(found, row, probably)
    if math.isnan(surely):
        begin = f"from {_clock(found, row, could)} on" if could else "already"
        return f"at this rate NEWS2 could reach {points} {begin}{middle}; it is not sure to {ends}{gaps}"
    end = _clock(found, row, surely)
    between = f"between {_clock(found, row, could)} and {end}" if could else f"by {end}"
    return f"at this rate NEWS2 reaches {points} {between}{middle}{gaps}"


def score(found: Assessment, row: int, kind: str) -> str:
    """Say where NEWS2 is expected to be; `kind` is the quantity's name, news2.projected_6h_max."""
    ahead_, hours = found.ahead, int(kind.partition("projected_")[2].partition("h")[0])
    if not ahead_.supported[row]:
        return reaching(found, row, 0)
    low, middle, known, high = (
        int(one[row, hours]) for one in (ahead_.score_low, ahead_.score_middle, ahead_.score_known, ahead_.score_high)
    )
    worst = f", or {high} with what is missing at its worst" if high > known else ""
    return (
        f"at this rate NEWS2 is {low} to {known} by {_clock(found, row, hours)}, by its median {middle}{worst}"
        f"{_gaps(found, row)}"
    )


OF_VITAL: Mapping[str, Said] = {
    "level": present,
    "age_h": present,
    "usual": deviation,
    "spread": deviation,
    "deviation": deviation,
    "slope": slope,
    "projected": ahead,
    "readings_24h": day,
    "min_24h": day,
    "max_24h": day,
    "stated": stated,
    "from_stated": stated,
    "rise_3d": lambda found, row, vital: rise(found, row, vital, found.three_days, 3),
    "rise_7d": lambda found, row, vital: rise(found, row, vital, found.seven_days, 7),
}
OF_STAY: Mapping[str, Callable[[Assessment, int, str], str]] = {
    "joint.": together,
    "news2.projected": score,
    "news2.reaches": lambda found, row, kind: reaching(found, row, int(kind.split("_")[1])),
}


def _gaps(found: Assessment, row: int) -> str:
    """Say which parts of the score are missing, and which are held."""
    names = [_low(VITALS[part]) for part in PARTS]
    missing, held = (
        [name for name, one in zip(names, flags[row].tolist(), strict=True) if one]
        for flags in (found.ahead.missing, found.ahead.held)
    )
    said = [f"not counting {_listed(missing)}, missing"] if missing else []
    said += [f"with {_listed(held)} held as now"] if held and found.ahead.supported[row] else []
    return f" ({'; '.join(said)})" if said else ""


def _by(found: Assessment, row: int, probably: float) -> str:
    if math.isnan(probably):
        return ""
    return f", probably by {_clock(found, row, probably)}" if probably else ", and probably has already"


def _clock(found: Assessment, row: int, hours: float) -> str:
    at_ms = found.moments.at_ms[row : row + 1] + round(hours * HOUR_MS)
    return datetime.fromtimestamp(int(wall.local_ms(at_ms, found.zone)[0]) / 1000, UTC).strftime("%H:%M")


def _low(vital: Trended | Vital) -> str:
    return vital.title[0].lower() + vital.title[1:]


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 2 * DAY_H else f"{hours / DAY_H:.0f} d"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
