"""How simulated patients fare: named courses as tables of shifts against the patient's own resting values.

Here: the courses as courses.toml has them, and the true values at a time, before any device measures them. Plausible,
for demonstrations and load; no model of disease, and nothing to judge a score by. Not here: measuring, and faults.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import MappingProxyType
from typing import Final

import msgspec

from devices.simulator import tables

Waypoints = tuple[tuple[float, float], ...]
Steps = tuple[tuple[float, str], ...]
Spread = tuple[float, float, float, float]

HOURS_A_DAY: Final = 24.0
COOLEST_HOUR: Final = 4.0


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One course as the TOML writes it."""

    summary: str
    source: str
    share: float
    shifts: dict[str, Waypoints] = {}
    consciousness: Steps = ()
    oxygen: Waypoints = ()
    daily: tuple[str, ...] = ()
    resting: dict[str, Spread] = {}


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    resting: dict[str, dict[str, Spread]]
    swing: dict[str, float]
    moves: dict[str, dict[str, float]]
    course: dict[str, _Entry]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """One named course: shifts from the resting value at hours from its onset, straight between, held after the last.

    `consciousness` and `oxygen` (L/min) change in steps; `daily` are measured once a day only. `resting` is where its
    patients rest, as (mean, spread, lowest, highest), where that is not where everyone does. `share` of the people at
    home are on it. An empty `source` means that the figures are our choice.
    """

    name: str
    summary: str
    source: str
    share: float
    shifts: Mapping[str, Waypoints]
    consciousness: Steps
    oxygen: Waypoints
    daily: tuple[str, ...]
    resting: Mapping[str, Spread]


def _course(name: str, entry: _Entry) -> Course:
    """Check one course; ValueError says which and what is wrong."""
    tables.require_vitals(name, [*entry.shifts, *entry.daily, *entry.resting])
    for steps in (*entry.shifts.values(), entry.consciousness, entry.oxygen):
        hours = [step[0] for step in steps]
        if hours != sorted(set(hours)):
            raise ValueError(f"{name}: the hours {hours} do not rise")
    return Course(name=name, **{field: getattr(entry, field) for field in _Entry.__struct_fields__})


_TABLE: Final = tables.load("courses.toml", _Table)

COURSES: Final[Mapping[str, Course]] = MappingProxyType(
    {name: _course(name, entry) for name, entry in _TABLE.course.items()}
)
tables.require_whole("courses.toml", (course.share for course in COURSES.values()))

# Those that a fleet is given in turn when nobody asks for others.
USUAL: Final = ("stable", "respiratory-decline", "sepsis", "heart-failure")

WELL, HOME = "well", "home"
RESTING: Final[Mapping[str, Spread]] = MappingProxyType(_TABLE.resting[WELL])
# Every vital that a patient has, in the order of a table.
EVERYTHING: Final = (*RESTING, "oxygen", "consciousness")
DAILY_SWING: Final[Mapping[str, float]] = MappingProxyType(_TABLE.swing)
STRAIN_MOVES: Final[Mapping[str, float]] = MappingProxyType(_TABLE.moves["strain"])
ACTIVITY_MOVES: Final[Mapping[str, float]] = MappingProxyType(_TABLE.moves["activity"])


def resting(random: Random, course: Course | None = None, where: str = WELL) -> dict[str, float]:
    """Draw one patient's resting values: those of a fleet, and of the course where that has its own."""
    spreads = _TABLE.resting[where] | dict(course.resting if course else {})
    return {
        vital: min(max(random.gauss(mean, spread), lowest), highest)
        for vital, (mean, spread, lowest, highest) in spreads.items()
    }


def shift(waypoints: Waypoints, hour: float) -> float:
    """Return the shift at an hour from the onset: the first before it, straight between, held after the last."""
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


def truth(
    course: Course, rest: Mapping[str, float], hour: float, hour_of_day: float, names: Iterable[str] = EVERYTHING
) -> dict[str, float | str]:
    """Return true values at an hour from the onset, by name; oxygen in L/min, consciousness a letter."""
    return {
        name: rest[name] + shift(course.shifts.get(name, ()), hour) + swing(name, hour_of_day)
        if name in rest
        else _STEPPED[name](course, hour)
        for name in names
    }


_STEPPED: Final[Mapping[str, Callable[[Course, float], float | str]]] = MappingProxyType(
    {
        "oxygen": lambda course, hour: _step(course.oxygen, hour, 0.0),
        "consciousness": lambda course, hour: _step(course.consciousness, hour, "A"),
    }
)
