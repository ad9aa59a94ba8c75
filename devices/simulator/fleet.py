"""A fleet of simulated patients, each with one device: timed messages as bytes, the same for the same seed.

Here: who is on which course and sends how often, with which faults, and writing the message. Not here: publishing, or
the wait between.
"""

import heapq
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from random import Random as Seeded
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from devices import vitals
from devices.simulator import shares
from devices.simulator.archetypes import ARCHETYPES, Archetype, moments
from devices.simulator.bodies import Body, home_body, hub_body
from devices.simulator.courses import COURSES, EVERYTHING, USUAL, Course
from devices.simulator.faults import (
    DAY_MS,
    FAULTS,
    HOUR_MS,
    MINUTE_MS,
    SWAP_WITHIN_HOURS,
    SWAPPED,
    Draft,
    artefacts,
    swapped,
)

FULL_PERCENT: Final = 100
DISCHARGE_HOURS: Final = 40.0
PREFIX: Final = "sim-"
KNOWN_FAULTS: Final = (*FAULTS, SWAPPED)

# In the order of a hub's round: the seven parts of NEWS2, then what is measured once a day.
PARTS: Final = (
    "respiratory_rate",
    "spo2",
    "oxygen",
    "systolic_bp",
    "heart_rate",
    "consciousness",
    "temperature",
)
# The spread of a device's own error, and the decimals it shows.
NOISE: Final = {
    "respiratory_rate": 0.5,
    "spo2": 0.3,
    "systolic_bp": 2.5,
    "heart_rate": 2.0,
    "temperature": 0.07,
    "weight": 0.1,
}
DECIMALS: Final = {"temperature": 1, "weight": 1, "oxygen": 1}
NOISE_WIDEST: Final = 2.0


class Timed(NamedTuple):
    """A message: sent at `at_ms`, Unix milliseconds, by `device`."""

    at_ms: int
    device: str
    payload: bytes


class Said(NamedTuple):
    """What a device says before it is written: `draft` by `device`, sent at `at_ms`."""

    at_ms: int
    device: str
    draft: Draft


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """`patients` simulated patients, with `courses` and `faults` of the tables; KeyError for one that does not exist.

    Each has a hub: one round of measurements every `spot_minutes`, all seven parts of NEWS2 in one message; the courses
    are given out in turn. Or they are at `home`: each sends as an archetype does, and archetypes and courses are drawn
    by their shares. `shares` are those asked for in place of the tables', of archetypes, courses and faults; a fault
    without one is every device's. Courses run `pace` times as fast as their tables and begin after up to `onset_hours`
    of rest, each patient at another time.
    """

    patients: int
    courses: tuple[str, ...] = USUAL
    faults: tuple[str, ...] = ()
    seed: int = 1
    spot_minutes: float = 15.0
    pace: float = 1.0
    onset_hours: float = 0.0
    home: bool = False
    shares: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse names that no table knows, shares that cannot be, and a fleet that would never or always send."""
        for name in self.courses:
            COURSES[name]
        for name in self.faults:
            MappingProxyType(dict.fromkeys(KNOWN_FAULTS))[name]
        if self.patients < 1 or not self.courses or not self.spot_minutes > 0 or not self.pace > 0:
            raise ValueError("a fleet needs a patient, a course, and a round and a pace above zero")
        idle = set(self.shares) - set(self.courses) - set(self.faults) - (set(ARCHETYPES) if self.home else set())
        if idle or not all(0 <= share <= 1 for share in self.shares.values()):
            raise ValueError(f"a share is from 0 to 1, of what the fleet has; not {', '.join(sorted(idle)) or 'so'}")
        _ = self._course_shares, self._archetype_shares

    def devices(self) -> tuple[str, ...]:
        """Return the devices' names, `sim-001` first."""
        return tuple(map(_named, range(1, self.patients + 1)))

    def has(self, device: str) -> bool:
        """Tell whether a device is one of the fleet's."""
        number = device.removeprefix(PREFIX)
        return number.isdecimal() and 1 <= int(number) <= self.patients and device == _named(int(number))

    def course(self, device: str) -> Course:
        """Return the course of the patient with this device."""
        if self._course_shares:
            return COURSES[shares.drawn(self._course_shares, self._draw(device, "course"))]
        return COURSES[self.courses[(_number(device) - 1) % len(self.courses)]]

    def archetype(self, device: str) -> Archetype | None:
        """Return how the patient with this device sends at home; None for a hub's rounds."""
        if not self.home:
            return None
        return ARCHETYPES[shares.drawn(self._archetype_shares, self._draw(device, "archetype"))]

    def faults_of(self, device: str) -> tuple[str, ...]:
        """Return the faults that a device has, in the order in which they act."""
        return tuple(name for name in KNOWN_FAULTS if name in self.faults and self._has_fault(device, name))

    def messages(self, start_ms: int, step_ms: int | None = None, until_ms: int | None = None) -> Iterator[Timed]:
        """Yield every device's messages in the order of sending, from `start_ms` up to `until_ms`, without end if None.

        `step_ms` is the time between a hub's rounds where it is not `spot_minutes`. The same fleet, start and step give
        the same bytes.
        """
        for at_ms, device, draft in self.said(start_ms, step_ms, until_ms):
            yield Timed(at_ms, device, _payload(f"{start_ms:x}-{draft.seq}", draft))

    def said(self, start_ms: int, step_ms: int | None = None, until_ms: int | None = None) -> Iterator[Said]:
        """Yield what `messages` writes, before it is written."""
        every_ms = round(self.spot_minutes * MINUTE_MS) if step_ms is None else step_ms
        streams = [self._stream(device, start_ms, every_ms) for device in self.devices()]
        merged = heapq.merge(*streams)  # no two streams are of one device, so that drafts are never compared
        return merged if until_ms is None else itertools.takewhile(lambda said: said.at_ms < until_ms, merged)

    def answers(self, device: str, start_ms: int, at_ms: int) -> bool:
        """Tell whether anybody measures when a device of the fleet is asked to; one who never sends does not."""
        if not self.has(device):
            return False
        kind = self.archetype(self._measured_by(device, start_ms, at_ms))
        return kind is None or kind.sends

    def again(self, device: str, start_ms: int, at_ms: int, name: str, wanted: Collection[str]) -> Timed:
        """Give the message, called `name`, in which a device measures again what is wanted, or else all it can."""
        who = self._measured_by(device, start_ms, at_ms)
        body, kind = self._body(who, start_ms, self._random(who)), self.archetype(who)
        can = EVERYTHING if kind is None else (*kind.vitals, *kind.daily)
        random = self._random(f"{device} {name}")
        asked = [vital for vital in can if vital in wanted] or (PARTS if kind is None else kind.vitals)
        true = body.at(at_ms, asked)
        readings = [_reading(vital, _measured(vital, true[vital], random)) for vital in asked]
        return Timed(
            at_ms, device, msgspec.json.encode({"v": 1, "id": name, "time": time_text(at_ms), "readings": readings})
        )

    @cached_property
    def _course_shares(self) -> Mapping[str, float]:
        """Return the share of each course; none where they are given out in turn."""
        if not self.home and not set(self.shares) & set(self.courses):
            return {}
        return shares.completed({name: COURSES[name].share for name in self.courses}, self.shares)

    @cached_property
    def _archetype_shares(self) -> Mapping[str, float]:
        return shares.completed({name: kind.share for name, kind in ARCHETYPES.items()}, self.shares)

    def _random(self, what: str) -> Seeded:
        return Seeded(f"{self.seed} {what}")  # noqa: S311 -- a simulation, no secret

    def _draw(self, device: str, what: str) -> float:
        return self._random(f"{device} share of {what}").random()

    def _has_fault(self, device: str, fault: str) -> bool:
        if fault == SWAPPED:
            device = min(device, self._partner(device))
        return fault not in self.shares or self._draw(device, fault) < self.shares[fault]

    def _partner(self, device: str) -> str:
        """Return the device that this one may be mixed up with: 1 with 2, 3 with 4; itself where there is no other."""
        other = (_number(device) - 1 ^ 1) + 1
        return _named(other) if other <= self.patients else device

    def _swap(self, device: str, start_ms: int) -> tuple[str, int] | None:
        """Return with which device this one is mixed up, and from when; None when it is not."""
        other = self._partner(device)
        if SWAPPED not in self.faults or other == device or not self._has_fault(device, SWAPPED):
            return None
        within = self._random(f"{min(device, other)} {SWAPPED}").uniform(0, SWAP_WITHIN_HOURS)
        return other, start_ms + round(within * HOUR_MS)

    def _measured_by(self, device: str, start_ms: int, at_ms: int) -> str:
        """Return the device of the patient whom a device measures at a time: another's, once it was mixed up."""
        swap = self._swap(device, start_ms)
        return swap[0] if swap and at_ms >= swap[1] else device

    def _body(self, device: str, start_ms: int, random: Seeded) -> Body:
        drawn = home_body if self.home else hub_body
        return drawn(random, self.course(device), start_ms, self.onset_hours, self.pace)

    def _stream(self, device: str, start_ms: int, every_ms: int) -> Iterator[Said]:
        """Yield what one device says, faults and all."""
        drafts: Iterable[Draft] = self._drafts(device, start_ms, every_ms)
        swap = self._swap(device, start_ms)
        if swap is not None:
            other, at_ms = swap
            drafts = swapped(drafts, self._drafts(other, start_ms, every_ms), other, at_ms)
        for name in self.faults_of(device):
            if name != SWAPPED:
                drafts = FAULTS[name](drafts, self._random(f"{device} {name}"))
        for draft in drafts:
            yield Said(draft.at_ms, device, draft)

    def _drafts(self, device: str, start_ms: int, every_ms: int) -> Iterator[Draft]:
        """Yield what a patient measures without any fault of the fleet's."""
        random = self._random(device)
        body, kind = self._body(device, start_ms, random), self.archetype(device)
        if kind is None:
            first_ms = start_ms + random.randrange(max(every_ms, 1))
            rounds = (PARTS, body.course.daily, 1.0)
            return _rounds(body, itertools.count(first_ms, every_ms), rounds, start_ms, random)
        daily = (*kind.daily, *(name for name in body.course.daily if kind.prompts and name not in kind.daily))
        times = moments(kind, start_ms, self._random(f"{device} moments"))
        drafts = _rounds(body, times, (kind.vitals, daily, kind.rested), start_ms, random)
        return artefacts(drafts, self._random(f"{device} spoiled"), kind.spoiled) if kind.spoiled else drafts


def _rounds(
    body: Body,
    times: Iterable[int],
    kit: tuple[tuple[str, ...], tuple[str, ...], float],
    start_ms: int,
    random: Seeded,
) -> Iterator[Draft]:
    """Yield one measurement a time, with the vitals of a kit: those of each round, those of a day, and how rested."""
    always, daily, rested = kit
    last_day = None
    for seq, at_ms in enumerate(times, 1):
        names = always if at_ms // DAY_MS == last_day else (*always, *daily)
        true = body.at(at_ms, names, rested)
        last_day = at_ms // DAY_MS
        values = tuple((name, _measured(name, true[name], random)) for name in names)
        yield Draft(at_ms, seq, at_ms, _battery(at_ms - start_ms), values)


def _named(number: int) -> str:
    return f"{PREFIX}{number:03d}"


def _number(device: str) -> int:
    return int(device.removeprefix(PREFIX))


def _measured(name: str, true: float | str, random: Seeded) -> float | str:
    """Return what a device shows of a true value: its own error, its decimals, and never more than can be."""
    if isinstance(true, str):
        return true
    error = min(max(random.gauss(0, 1), -NOISE_WIDEST), NOISE_WIDEST) * NOISE.get(name, 0.0)
    shown = round(min(true + error, vitals.VITALS[name].high), DECIMALS.get(name, 0))
    return shown if name in DECIMALS else int(shown)


def _battery(passed_ms: int) -> int:
    """Return the charge after a time: down over DISCHARGE_HOURS, then charged again."""
    used = passed_ms / HOUR_MS % DISCHARGE_HOURS / DISCHARGE_HOURS
    return FULL_PERCENT - int(used * FULL_PERCENT)


def time_text(at_ms: int) -> str:
    """Return a time as a device writes it, UTC to the second."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _reading(name: str, value: float | str) -> dict[str, float | str]:
    vital = vitals.VITALS[name]
    return {"vital": name, "value": value, "unit": vital.unit} if vital.numeric else {"vital": name, "value": value}


def _payload(message_id: str, draft: Draft) -> bytes:
    """Write one message as the interface has it."""
    return msgspec.json.encode(
        {
            "v": 1,
            "id": message_id,
            "seq": draft.seq,
            "time": time_text(draft.observed_ms),
            "battery_percent": draft.battery_percent,
            "readings": [_reading(name, value) for name, value in draft.values],
        }
    )
