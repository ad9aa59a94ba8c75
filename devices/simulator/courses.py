"""How simulated patients fare: named courses as tables of shifts against the patient's own resting values.

Here: the true values at a time, before any device measures them. Plausible, for demonstrations and load; no model of
disease, and nothing to judge a score by. Not here: measuring, messages, faults.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

Waypoints = tuple[tuple[float, float], ...]
Steps = tuple[tuple[float, str], ...]

HOURS_A_DAY: Final = 24.0
COOLEST_HOUR: Final = 4.0

# Resting adults: mean, spread and the range drawn from, chosen so that a resting NEWS2 is 0 or 1.
RESTING: Final[Mapping[str, tuple[float, float, float, float]]] = MappingProxyType(
    {
        "respiratory_rate": (15.5, 1.2, 13.5, 17.5),
        "spo2": (97.2, 0.5, 96.6, 98.0),
        "systolic_bp": (127.0, 7.0, 120.0, 145.0),
        "heart_rate": (72.0, 6.0, 62.0, 80.0),
        "temperature": (36.7, 0.15, 36.5, 37.0),
        "weight": (76.0, 13.0, 48.0, 120.0),
    }
)

# Half the day's swing about the resting value, lowest in the small hours.
DAILY_SWING: Final[Mapping[str, float]] = MappingProxyType({"heart_rate": 3.0, "temperature": 0.15, "systolic_bp": 3.0})


@dataclass(frozen=True, kw_only=True)
class Course:
    """One named course: shifts from the resting value at hours from its onset, straight between, held after the last.

    `consciousness` and `oxygen` (L/min) change in steps; `daily` are measured once a day only.
    """

    name: str
    summary: str
    shifts: Mapping[str, Waypoints]
    consciousness: Steps = ()
    oxygen: Waypoints = ()
    daily: tuple[str, ...] = ()


STABLE: Final = Course(name="stable", summary="well, at rest, on air throughout", shifts={})

RESPIRATORY_DECLINE: Final = Course(
    name="respiratory-decline",
    summary="breathing faster and saturating less over a day; oxygen from hour 14, confused from hour 22",
    shifts={
        "respiratory_rate": ((0, 0), (6, 4), (12, 8), (18, 13), (24, 15)),
        "spo2": ((0, 0), (6, -1), (12, -4), (16, -7), (20, -6), (24, -8)),
        "heart_rate": ((0, 0), (6, 8), (12, 20), (24, 34)),
        "temperature": ((0, 0), (6, 0.4), (12, 1.0), (24, 1.2)),
        "systolic_bp": ((0, 0), (12, 4), (24, -10)),
    },
    consciousness=((22, "C"),),
    oxygen=((14, 2.0), (20, 4.0)),
)

SEPSIS: Final = Course(
    name="sepsis",
    summary="fever, then a racing heart and a falling pressure over a day; confused from hour 17",
    shifts={
        "temperature": ((0, 0), (4, 0.6), (10, 1.9), (16, 2.5), (24, 1.6)),
        "heart_rate": ((0, 0), (4, 12), (10, 32), (16, 48), (24, 56)),
        "respiratory_rate": ((0, 0), (4, 2), (10, 6), (16, 10), (24, 12)),
        "systolic_bp": ((0, 0), (4, -2), (10, -16), (16, -30), (24, -40)),
        "spo2": ((0, 0), (10, -1), (18, -3), (24, -4)),
    },
    consciousness=((17, "C"), (23, "V")),
    oxygen=((20, 2.0),),
)

HEART_FAILURE: Final = Course(
    name="heart-failure",
    summary="heavier by 3 kg over four days, then breathless; oxygen from hour 80",
    shifts={
        "weight": ((0, 0), (24, 0.6), (48, 1.4), (72, 2.3), (96, 3.0)),
        "respiratory_rate": ((0, 0), (24, 2), (48, 4), (72, 7), (96, 10)),
        "spo2": ((0, 0), (24, -1), (48, -2), (72, -4), (96, -6)),
        "heart_rate": ((0, 0), (24, 5), (48, 12), (72, 20), (96, 28)),
        "systolic_bp": ((0, 0), (24, 5), (48, 8), (72, 0), (96, -12)),
    },
    oxygen=((80, 2.0),),
    daily=("weight",),
)

COURSES: Final[Mapping[str, Course]] = MappingProxyType(
    {course.name: course for course in (STABLE, RESPIRATORY_DECLINE, SEPSIS, HEART_FAILURE)}
)


def resting(random: Random) -> dict[str, float]:
    """Draw one patient's resting values."""
    return {
        vital: min(max(random.gauss(mean, spread), lowest), highest)
        for vital, (mean, spread, lowest, highest) in RESTING.items()
    }


def shift(waypoints: Waypoints, hour: float) -> float:
    """Return the shift at an hour from the onset: none before, straight between waypoints, held after the last."""
    for (early, low), (late, high) in itertools.pairwise(waypoints):
        if hour <= late:
            return low + (high - low) * max(hour - early, 0.0) / (late - early)
    return waypoints[-1][1] if waypoints else 0.0


def _step(steps: tuple[tuple[float, str | float], ...], hour: float, first: str | float) -> str | float:
    """Return the last step reached, or `first`."""
    return next((value for at, value in reversed(steps) if hour >= at), first)


def swing(vital: str, hour_of_day: float) -> float:
    """Return the day's swing of a vital at an hour of the day."""
    return -DAILY_SWING.get(vital, 0.0) * math.cos(2 * math.pi * (hour_of_day - COOLEST_HOUR) / HOURS_A_DAY)


def truth(course: Course, rest: Mapping[str, float], hour: float, hour_of_day: float) -> dict[str, float | str]:
    """Return every vital's true value at an hour from the onset, by name; oxygen in L/min, consciousness a letter."""
    values: dict[str, float | str] = {
        vital: level + shift(course.shifts.get(vital, ()), hour) + swing(vital, hour_of_day)
        for vital, level in rest.items()
    }
    values["oxygen"] = _step(course.oxygen, hour, 0.0)
    values["consciousness"] = _step(course.consciousness, hour, "A")
    return values
