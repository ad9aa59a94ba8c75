"""The course of the parts of the score of one stay, in a line each: bars, and the numbers that they stand for.

From stored readings and scores as they are, without arrays: whoever opens an alert waits for this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alerts import wording
from alerts.policy import POLICY
from alerts.reasons import SHORT, number
from devices.vitals import VITALS, printed
from vwmon.cli import render, stay_lookups
from vwmon.cli.reading_rows import LEVELS_OF_CONSCIOUSNESS
from vwmon.cli.sparklines import GAP, Course, Point, stepped
from vwmon.store import glance, readings, scores
from vwmon.store.sqlite import Connection

BARS = 24
SCORES = frozenset(chart.title for chart in POLICY.charts.values())
CONSCIOUSNESS = "consciousness"
SHOWN_FROM_MS = 60_000  # a last reading older than this says so
UNITLESS = frozenset({CONSCIOUSNESS, "fio2"})  # a level, and a fraction


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One line: what it is of, in which unit, and its course."""

    name: str
    unit: str
    course: Course

    def record(self) -> dict[str, Any]:
        """Give the line as programs are given it."""
        return {
            "vital": self.name,
            "unit": self.unit,
            "from": render.utc(self.course.from_ms),
            "to": render.utc(self.course.to_ms),
            "readings": len(self.course.points),
            "first": self.course.points[0][1],
            "last": self.course.last[1],
            "last_at": render.utc(self.course.last[0]),
            "low": self.course.low,
            "high": self.course.high,
            "longest_gap_seconds": self.course.longest_gap_ms // 1000,
        }


def of_stay(db: Connection, stay_no: int, to_ms: int, back_ms: int) -> list[Trend]:
    """Give the courses of the score and its parts over the last `back_ms`; what was not measured has none."""
    from_ms = to_ms - back_ms
    by_vital = _points(db, stay_no, from_ms, to_ms)
    heard = [at_ms for points in by_vital.values() for at_ms, _ in points]
    # The score before the span still held when it began.
    first = scores.at(db, {stay_no: from_ms}).get(stay_no)
    stored = [*([first] if first is not None else []), *scores.history(db, stay_no, from_ms + 1, to_ms)]
    total = [point for point in stepped([(row.at_ms, row.total_min) for row in stored], heard) if point[0] >= from_ms]
    stay = glance.stays(db, [stay_no])[stay_no]
    parts = dict.fromkeys([*stay_lookups.PARTS_OF[stay.chart], *stay_lookups.EVERY_PART])
    order = [vital for part in parts for vital in by_vital if stay_lookups.part_of(vital) == part]
    score = POLICY.charts[stay.chart].title
    told = {score: total, **{vital: by_vital[vital] for vital in order}}
    return [
        Trend(name=name, unit=_unit(name), course=Course(points=points, from_ms=from_ms, to_ms=to_ms))
        for name, points in told.items()
        if points
    ]


def lines(trends: Sequence[Trend]) -> list[str]:
    """Give the courses as lines: bars, last value with its unit, its change over the span, and the range."""
    if not trends:
        return []
    span = render.ago(trends[0].course.to_ms - trends[0].course.from_ms)
    return [f"the last {span}; {GAP} is a time without a reading", *render.laid_out([_cells(one) for one in trends])]


def _cells(trend: Trend) -> list[str]:
    course = trend.course
    text = _letter if trend.name == CONSCIOUSNESS else number
    moved = (
        "steady" if course.moved == 0 else f"{'up' if course.moved > 0 else 'down'} from {text(course.points[0][1])}"
    )
    last = " ".join(filter(None, (text(course.last[1]), trend.unit)))
    ranged = text(course.low) if course.low == course.high else f"{text(course.low)}-{text(course.high)}"
    age_ms = course.to_ms - course.last[0]
    old = f"{render.short(age_ms)} old" if age_ms > SHOWN_FROM_MS else ""
    return [_label(trend.name), course.bars(BARS), last, moved, ranged, old]


def _letter(level: float) -> str:
    return LEVELS_OF_CONSCIOUSNESS[int(level)] if 0 <= level < len(LEVELS_OF_CONSCIOUSNESS) else number(level)


def _points(db: Connection, stay_no: int, from_ms: int, to_ms: int) -> dict[str, list[Point]]:
    """Give the readings of the parts of the score by vital, in the order of time, of the devices of their time."""
    held = glance.held(db, stay_no)
    names = readings.vitals(db)
    found: dict[str, list[Point]] = {}
    for _, device_no, vital_no, observed_ms, value, _, _ in readings.history(db, sorted(held), from_ms, to_ms):
        theirs = any(since <= observed_ms < until for since, until in held[device_no])
        if theirs and value is not None and stay_lookups.part_of(names[vital_no]) in stay_lookups.EVERY_PART:
            found.setdefault(names[vital_no], []).append((observed_ms, value))
    return {vital: sorted(points) for vital, points in found.items()}


def _label(name: str) -> str:
    return {CONSCIOUSNESS: "ACVPU"}.get(name) or SHORT.get(name, wording.label(name))


def _unit(name: str) -> str:
    known = VITALS.get(name)
    return "" if known is None or name in UNITLESS else printed(known.unit)
