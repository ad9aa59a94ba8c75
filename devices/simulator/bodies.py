"""One simulated patient over time: a course, a resting state, the day, good and bad hours, and walking about.

Here: the true values of one patient at any moment, each time the same whoever asks first. Not here: the tables of
courses, and what a device makes of the values.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from devices.simulator.courses import ACTIVITY_MOVES, HOME, STRAIN_MOVES, WELL, Course, resting, truth

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

# A wandering strain of spread 1 as a sum of waves whose periods (hours) never come round together: our choice.
STRAIN_HOURS: Final = ((3.0, 7.0), (22.0, 40.0), (90.0, 200.0))
STRAIN_HEIGHT: Final = math.sqrt(2 / len(STRAIN_HOURS))
# Walking about comes and goes through the waking hours, this often and this much: our choice.
RISES_HOUR, WAKING_HOURS = 7.0, 15.0
BOUT_HOURS: Final = (0.7, 1.5)
LIVELINESS: Final = (0.3, 1.0)


class Wave(NamedTuple):
    """A sine of a height, over a period in hours, from a phase in radians."""

    height: float
    hours: float
    phase: float

    def at(self, at_ms: int) -> float:
        """Return its value at a time."""
        return self.height * math.sin(at_ms / HOUR_MS / self.hours * 2 * math.pi + self.phase)


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """One patient: on a course that begins at `onset_ms` and runs `pace` times as fast as its table.

    Without waves and bouts the values are those of the course and the day alone.
    """

    course: Course
    rest: Mapping[str, float]
    onset_ms: int
    pace: float
    strains: tuple[Wave, ...] = ()
    bouts: Wave | None = None

    def at(self, at_ms: int, names: Collection[str], rested: float = 1.0) -> dict[str, float | str]:
        """Return the true values of some vitals; `rested` is the part of the activity that is over: 1 sits, 0 walks."""
        hour_of_day = at_ms % DAY_MS / HOUR_MS
        values = truth(self.course, self.rest, max(at_ms - self.onset_ms, 0) / HOUR_MS * self.pace, hour_of_day, names)
        if self.strains:
            _move(values, STRAIN_MOVES, self.strain(at_ms))
        if self.bouts is not None and rested < 1:
            _move(values, ACTIVITY_MOVES, (1 - rested) * self.activity(at_ms))
        return values

    def strain(self, at_ms: int) -> float:
        """Return how hard the hour is for the body, about 0, with a spread near 1."""
        return sum(wave.at(at_ms) for wave in self.strains)

    def activity(self, at_ms: int) -> float:
        """Return how much the patient moves about, from 0, as in the night, to 1."""
        awake = (at_ms % DAY_MS / HOUR_MS - RISES_HOUR) / WAKING_HOURS
        if self.bouts is None or not 0 < awake < 1:
            return 0.0
        return math.sin(math.pi * awake) * max(self.bouts.at(at_ms), 0.0)


def hub_body(random: Random, course: Course, start_ms: int, onset_hours: float, pace: float) -> Body:
    """Draw a patient who is well but for the course, and sits still."""
    rest = resting(random, course, WELL)
    return Body(course=course, rest=rest, onset_ms=_onset_ms(random, start_ms, onset_hours), pace=pace)


def home_body(random: Random, course: Course, start_ms: int, onset_hours: float, pace: float) -> Body:
    """Draw a patient as people at home are: resting values that vary more, good and bad hours, and a life."""
    return Body(
        course=course,
        rest=resting(random, course, HOME),
        onset_ms=_onset_ms(random, start_ms, onset_hours),
        pace=pace,
        strains=tuple(_wave(random, STRAIN_HEIGHT, hours) for hours in STRAIN_HOURS),
        bouts=_wave(random, random.uniform(*LIVELINESS), BOUT_HOURS),
    )


def _onset_ms(random: Random, start_ms: int, onset_hours: float) -> int:
    return start_ms + round(random.uniform(0, onset_hours) * HOUR_MS)


def _wave(random: Random, height: float, hours: tuple[float, float]) -> Wave:
    return Wave(height, random.uniform(*hours), random.uniform(0, 2 * math.pi))


def _move(values: dict[str, float | str], moves: Mapping[str, float], by: float) -> None:
    """Move all vitals together, in place."""
    for vital, step in moves.items():
        level = values.get(vital)
        if isinstance(level, float):
            values[vital] = level + step * by
