"""The slow, plain twin of vwmon.scoring.trends: one person, one vital, lists and loops. No code is shared."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations, pairwise, product
from statistics import NormalDist, median
from zoneinfo import ZoneInfo

from vwmon.scoring import charts, reference

HOUR, DAY, QUARTER = 3_600_000, 86_400_000, 900_000
CORRECTION = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
SURE = 1.645

Reading = tuple[int, float]


@dataclass(frozen=True)
class Occasion:
    """The readings of one quarter of an hour."""

    start: int
    last: int
    value: float
    readings: int


@dataclass(frozen=True)
class Usual:
    """What is usual; location and spread are None where there is not enough."""

    readings: int
    days: int
    cells: int
    band_days: int
    banded: bool
    location: float | None
    spread: float | None
    whole: float


@dataclass(frozen=True)
class Line:
    """A trend; None in place of it where there is none."""

    window_h: int
    slope: float
    low: float
    high: float
    weight: float
    level: float
    level_error: float
    middle_h: float
    noise: float

    def ahead(self, hours: float) -> tuple[float, float, float]:
        """Give the low bound, the middle and the high bound after some hours."""
        lasts = self.window_h / 2
        reach = self.middle_h + lasts * (1 - math.exp(-hours / lasts))
        around = math.hypot(self.level_error, SURE * self.noise)
        followed = self.weight * self.slope
        height = self.level + followed * reach
        return (
            height - math.hypot(around, (followed - self.low) * reach),
            height,
            height + math.hypot(around, (self.high - followed) * reach),
        )


def occasions(readings: Sequence[Reading], at: int) -> list[Occasion]:
    """Group what had been observed by `at` into quarters of an hour."""
    groups: dict[int, list[Reading]] = {}
    for time, value in sorted(set(readings)):
        if time <= at and not math.isnan(value):
            groups.setdefault(time // QUARTER * QUARTER, []).append((time, value))
    return [
        Occasion(start, max(time for time, _ in group), median(value for _, value in group), len(group))
        for start, group in sorted(groups.items())
    ]


def scatter(values: Sequence[float]) -> float:
    """Give a standard deviation by the median absolute deviation; 0 for fewer than two."""
    size = len(values)
    if size < 2:
        return 0.0
    middle = median(values)
    mad = median(abs(value - middle) for value in values)
    return mad * 1.482602218505602 * CORRECTION.get(size, size / (size - 0.8))


def usual(readings: Sequence[Reading], at: int, error: float, spread: float, zone: str) -> Usual:
    """Give the baseline of one vital at one moment."""
    begin, end = at - 14 * DAY, at - DAY
    window = [one for one in occasions(readings, at) if one.start >= begin and one.start + QUARTER <= end]
    spots = [(_wall(one.start, zone), one) for one in window]
    days = {when.date() for when, _ in spots}
    cells = {(when.date(), when.hour // 4) for when, _ in spots}
    now = _wall(at, zone).hour // 4
    mine = [(when, one) for when, one in spots if when.hour // 4 == now]
    band_days = len({when.date() for when, _ in mine})
    enough = len(days) >= 3 and len(cells) >= 5 and window[-1].start - window[0].start >= 40 * HOUR
    banded = enough and 3 <= band_days < len(cells)
    values = [one.value for one in window]
    whole = median(values) if values else 0.0
    own = math.sqrt((5 * spread**2 + len(cells) * scatter(values) ** 2) / (5 + len(cells)))
    location = whole
    if banded:
        share = band_days / (band_days + 5)
        of_band = [one.value for _, one in mine]
        location = whole + share * (median(of_band) - whole)
    return Usual(
        readings=sum(one.readings for one in window),
        days=len(days),
        cells=len(cells),
        band_days=band_days,
        banded=banded,
        location=location if enough else None,
        spread=_next(own, error, len(cells)) if enough else None,
        whole=whole,
    )


def line(readings: Sequence[Reading], at: int, error: float) -> Line | None:
    """Give the trend of one vital at one moment."""
    for hours in (24, 72, 168):
        window = [one for one in occasions(readings, at) if one.start > at - hours * HOUR]
        points = _points(window, at, hours)
        if len(points) >= 6 and window[-1].last - window[0].last >= hours * HOUR / 2:
            return _line(points, hours, error)
    return None


def together(
    vitals: Sequence[Sequence[Reading]], at: int, deviations: Sequence[float | None], baselines: Sequence[Usual]
) -> float | None:
    """Give the squared Mahalanobis distance of the vitals that have a deviation, None for fewer than two."""
    counted = [number for number, one in enumerate(deviations) if one is not None]
    if len(counted) < 2:
        return None
    rows: dict[int, dict[int, float]] = {}
    for number in counted:
        base = baselines[number]
        for one in occasions(vitals[number], at):
            if one.start >= at - 14 * DAY and one.start + QUARTER <= at - DAY:
                away = (one.value - base.whole) / (base.spread or 1.0)
                rows.setdefault(one.start, {})[number] = round(1000 * min(max(away, -3.0), 3.0))
    common = min(sum(len(row) > 1 for row in rows.values()), max(baselines[number].cells for number in counted))
    share = common / (common + 20)
    matrix = [[1.0 if i == j else share * _likeness(rows, i, j) for j in counted] for i in counted]
    away_now = [float(deviations[number] or 0.0) for number in counted]
    return sum(one * other for one, other in zip(away_now, _solved(matrix, away_now), strict=True))


def score_quantiles(
    expected: Mapping[str, tuple[float, float, float]], sure: Mapping[str, float], scale: int
) -> tuple[int, int, int, int]:
    """Give the 5 %, median, known 95 % and whole 95 % NEWS2 of parts that lie (middle, sd below, sd above) or are sure.

    Every way the uncertain parts can fall into bands is gone through; a part in neither is missing.
    """
    chart = charts.load("news2")
    context = {"spo2_scale": scale}
    names = list(expected)
    low: dict[int, float] = {}
    high: dict[int, float] = {}
    unknown = 0
    for way in product(*(_bands(name, *expected[name]) for name in names)):
        values = dict(sure) | {name: value for name, (value, _) in zip(names, way, strict=True)}
        found = reference.score(chart, values, context)
        chance = math.prod(one for _, one in way)
        gap = sum(found.points[name][1] - found.points[name][0] for name in found.missing)
        unknown = gap
        low[found.total_min] = low.get(found.total_min, 0.0) + chance
        top = sum(most for _, most in found.points.values()) - gap
        high[top] = high.get(top, 0.0) + chance
    known = _quantile(high, 0.95)
    return _quantile(low, 0.05), _quantile(low, 0.5), known, known + unknown


def _bands(name: str, middle: float, below: float, above: float) -> list[tuple[float, float]]:
    """Give a value in every band of a part, and the chance of the band."""
    part = next(one for one in charts.load("news2").parts if one.name == name)
    step = part.step / 1_000_000
    lowers = sorted({band.lower for table in part.tables for band in table.bands if band.lower is not None})
    cuts = [-math.inf, *((lower - 0.5) * step for lower in lowers), math.inf]
    inside = [(lowers[0] - 1) * step, *(lower * step for lower in lowers)]
    chances = [_below(middle, below, above, cut) for cut in cuts]
    return [
        (value, end - begin)
        for value, begin, end in zip(inside, chances[:-1], chances[1:], strict=True)
        if end - begin > 1e-13
    ]


def _below(middle: float, below: float, above: float, value: float) -> float:
    if math.isinf(value):
        return 0.0 if value < 0 else 1.0
    return NormalDist(0, below if value < middle else above).cdf(value - middle)


def _quantile(chances: Mapping[int, float], share: float) -> int:
    so_far = 0.0
    for total in sorted(chances):
        so_far += chances[total]
        if so_far >= share - 1e-9:
            return total
    raise AssertionError("chances that do not add up")


def _points(window: Sequence[Occasion], at: int, hours: int) -> list[tuple[float, float]]:
    """Give one point, in hours after the moment, for each thirty-second of the window that has an occasion."""
    slots: dict[int, list[Occasion]] = {}
    for one in window:
        slots.setdefault((at - one.last) // (hours * HOUR // 32), []).append(one)
    return [
        (median((one.last - at) / HOUR for one in group), median(one.value for one in group))
        for group in slots.values()
    ]


def _line(points: Sequence[tuple[float, float]], hours: int, error: float) -> Line:
    size = len(points)
    slopes = sorted((b[1] - a[1]) / max(b[0] - a[0], hours / 32) for a, b in combinations(points, 2))
    reach = SURE * math.sqrt(size * (size - 1) * (2 * size + 5) / 18)
    outer = max(math.floor((len(slopes) - reach) / 2), 1)
    slope, low, high = median(slopes), slopes[outer - 1], slopes[len(slopes) - outer]
    middle = sum(time for time, _ in points) / size
    level = median(value - slope * (time - middle) for time, value in points)
    beside = [value - slope * (time - middle) - level for time, value in points]
    noise = median(abs(one) for one in beside) * 1.482602218505602 * CORRECTION.get(size, size / (size - 0.8))
    alike = math.sqrt((1 + (r := _alike(beside, noise))) / (1 - r))
    measured = SURE * error / math.sqrt(sum((time - middle) ** 2 for time, _ in points))
    below, above = math.hypot((slope - low) * alike, measured), math.hypot((high - slope) * alike, measured)
    side = below if slope > 0 else above
    noise = math.hypot(noise, error)
    return Line(
        window_h=hours,
        slope=slope,
        low=slope - below,
        high=slope + above,
        weight=max(1 - (side / slope) ** 2, 0.0) if slope else 0.0,
        level=level,
        level_error=SURE * 1.2533141373155003 * alike * noise / math.sqrt(size),
        middle_h=-middle,
        noise=noise,
    )


def _alike(beside: Sequence[float], noise: float) -> float:
    clipped = [min(max(one, -3 * noise), 3 * noise) for one in beside]
    squares = sum(one**2 for one in clipped)
    if not squares:
        return 0.0
    return min(max(sum(a * b for a, b in pairwise(clipped)) / squares, 0.0), 0.8)


def _likeness(rows: Mapping[int, Mapping[int, float]], i: int, j: int) -> float:
    product_ = sum(row.get(i, 0) * row.get(j, 0) for row in rows.values())
    sizes = [max(sum(row.get(one, 0) ** 2 for row in rows.values()), 1e6 * _times(rows, one)) for one in (i, j)]
    return product_ / math.sqrt(sizes[0] * sizes[1])


def _times(rows: Mapping[int, Mapping[int, float]], number: int) -> int:
    return sum(number in row for row in rows.values())


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a small system by elimination; the matrix is positive definite."""
    rows = [[*row, one] for row, one in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [b - factor * a for a, b in zip(rows[i], rows[j], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][-1] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found


def _next(spread: float, error: float, rests: int) -> float:
    freedom = 5 + 0.37 * rests
    return max(spread, error) * math.sqrt(1 + math.pi / 2 / max(rests, 1)) * math.sqrt(freedom / (freedom - 2))


def _wall(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone))
