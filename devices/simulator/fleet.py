"""A fleet of simulated patients, each with one device: timed messages as bytes, the same for the same seed.

Here: who is on which course, when each measures, and writing the message. Not here: publishing, or the wait between.
"""

import heapq
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random as Seeded
from typing import Final, NamedTuple

import msgspec

from devices import vitals
from devices.simulator.courses import COURSES, Course, resting, truth
from devices.simulator.faults import FAULTS, MINUTE_MS, Draft

HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
FULL_PERCENT: Final = 100
DISCHARGE_HOURS: Final = 40.0

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


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """`patients` simulated patients, on `courses` in turn, with every fault of `faults` on every device.

    One round of measurements every `spot_minutes`, all seven parts of NEWS2 in one message. Courses run `pace` times
    as fast as their tables and begin after up to `onset_hours` of rest, each patient at another time. KeyError for a
    course or fault that does not exist.
    """

    patients: int
    courses: tuple[str, ...] = tuple(COURSES)
    faults: tuple[str, ...] = ()
    seed: int = 1
    spot_minutes: float = 15.0
    pace: float = 1.0
    onset_hours: float = 0.0

    def __post_init__(self) -> None:
        """Refuse names that no table knows, and a fleet that would never or always send."""
        for name in self.courses:
            COURSES[name]
        for name in self.faults:
            FAULTS[name]
        if self.patients < 1 or not self.courses or not self.spot_minutes > 0 or not self.pace > 0:
            raise ValueError("a fleet needs a patient, a course, and a round and a pace above zero")

    def devices(self) -> tuple[str, ...]:
        """Return the devices' names, `sim-001` first."""
        return tuple(f"sim-{number:03d}" for number in range(1, self.patients + 1))

    def course(self, device: str) -> Course:
        """Return the course of the patient with this device."""
        return COURSES[self.courses[self.devices().index(device) % len(self.courses)]]

    def messages(self, start_ms: int, step_ms: int | None = None, until_ms: int | None = None) -> Iterator[Timed]:
        """Yield every device's messages in the order of sending, from `start_ms` up to `until_ms`, without end if None.

        `step_ms` is the time between rounds where it is not `spot_minutes`. The same fleet, start and step give the
        same bytes.
        """
        every_ms = round(self.spot_minutes * MINUTE_MS) if step_ms is None else step_ms
        streams = [self._stream(device, start_ms, every_ms) for device in self.devices()]
        merged = heapq.merge(*streams, key=lambda timed: timed[:2])
        return merged if until_ms is None else itertools.takewhile(lambda timed: timed.at_ms < until_ms, merged)

    def again(self, device: str, start_ms: int, at_ms: int, name: str, wanted: Collection[str]) -> Timed:
        """Give the message, called `name`, in which a device measures again what is wanted, or else all of NEWS2."""
        course, rest, onset_ms = self._person(device, start_ms, Seeded(f"{self.seed} {device}"))  # noqa: S311 -- a simulation, no secret
        true = truth(course, rest, self._hour(at_ms, onset_ms), at_ms % DAY_MS / HOUR_MS)
        random = Seeded(f"{self.seed} {device} {name}")  # noqa: S311 -- as above
        measured = [_reading(vital, _measured(vital, true[vital], random)) for vital in true if vital in wanted]
        measured = measured or [_reading(vital, _measured(vital, true[vital], random)) for vital in PARTS]
        body = {"v": 1, "id": name, "time": _time(at_ms), "readings": measured}
        return Timed(at_ms, device, msgspec.json.encode(body))

    def _person(self, device: str, start_ms: int, random: Seeded) -> tuple[Course, dict[str, float], int]:
        """Give a device's patient: the course, the values at rest, and when the course begins."""
        rest = resting(random)
        return self.course(device), rest, start_ms + round(random.uniform(0, self.onset_hours) * HOUR_MS)

    def _hour(self, at_ms: int, onset_ms: int) -> float:
        return max(at_ms - onset_ms, 0) / HOUR_MS * self.pace

    def _stream(self, device: str, start_ms: int, every_ms: int) -> Iterator[Timed]:
        """Yield one device's messages, faults and all."""
        random = Seeded(f"{self.seed} {device}")  # noqa: S311 -- a simulation, no secret
        drafts = self._drafts(device, start_ms, every_ms, random)
        for name in self.faults:
            spoiler = Seeded(f"{self.seed} {device} {name}")  # noqa: S311 -- as above
            drafts = FAULTS[name](drafts, spoiler)
        for draft in drafts:
            yield Timed(draft.at_ms, device, _payload(f"{start_ms:x}-{draft.seq}", draft))

    def _drafts(self, device: str, start_ms: int, every_ms: int, random: Seeded) -> Iterator[Draft]:
        """Yield one device's measurements without any fault."""
        course, rest, onset_ms = self._person(device, start_ms, random)
        first_ms = start_ms + random.randrange(max(every_ms, 1))
        last_day = None
        for seq in itertools.count(1):
            at_ms = first_ms + (seq - 1) * every_ms
            true = truth(course, rest, self._hour(at_ms, onset_ms), at_ms % DAY_MS / HOUR_MS)
            names = PARTS if at_ms // DAY_MS == last_day else (*PARTS, *course.daily)
            last_day = at_ms // DAY_MS
            values = tuple((name, _measured(name, true[name], random)) for name in names)
            yield Draft(at_ms, seq, at_ms, _battery(at_ms - start_ms), values)


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


def _time(at_ms: int) -> str:
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
            "time": _time(draft.observed_ms),
            "battery_percent": draft.battery_percent,
            "readings": [_reading(name, value) for name, value in draft.values],
        }
    )
