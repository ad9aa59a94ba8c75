"""Who sends how often, of the people of a ward: archetypes as archetypes.toml has them, and their moments.

Here: when somebody's devices measure, and which vitals. Not here: the values, and what goes wrong on the way.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Final

import msgspec

from devices.simulator import tables
from devices.simulator.bodies import DAY_MS, HOUR_MS

MINUTE_MS: Final = 60_000
EPOCH_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday, and Monday is 0
SATURDAY: Final = 5
LATEST_ANSWER_MINUTES: Final = 120.0


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One archetype as the TOML writes it."""

    summary: str
    source: str
    share: float
    vitals: tuple[str, ...]
    daily: tuple[str, ...] = ()
    prompts: tuple[float, ...] = ()
    answer_minutes: float = 0.0
    weekday: float = 1.0
    weekend: float = 1.0
    every_minutes: float = 0.0
    worn_hours: float = 24.0
    rested: float = 1.0
    spoiled: float = 0.0


class Archetype(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way of sending: asked at `prompts`, hours of the day, or worn and measuring every so many minutes, or never.

    The other fields are as the head of archetypes.toml says.
    """

    name: str

    @property
    def sends(self) -> bool:
        """Whether anything ever comes."""
        return bool(self.prompts or self.every_minutes)


def _archetypes() -> dict[str, Archetype]:
    """Load and check the table; ValueError says what is wrong with it."""
    found = tables.load("archetypes.toml", dict[str, str | _Entry])
    entries = {name: entry for name, entry in found.items() if isinstance(entry, _Entry)}
    tables.require_whole("archetypes.toml", (entry.share for entry in entries.values()))
    for name, entry in entries.items():
        tables.require_vitals(name, [*entry.vitals, *entry.daily])
    return {name: Archetype(name=name, **msgspec.structs.asdict(entry)) for name, entry in entries.items()}


ARCHETYPES: Final[Mapping[str, Archetype]] = MappingProxyType(_archetypes())


def moments(who: Archetype, start_ms: int, random: Random) -> Iterator[int]:
    """Yield the times at which somebody measures, from `start_ms` on, without end; none for one who never sends."""
    if who.every_minutes:
        return _worn(who, start_ms, random)
    return _answers(who, start_ms, random) if who.prompts else iter(())


def _answers(who: Archetype, start_ms: int, random: Random) -> Iterator[int]:
    """Yield the times of the answers: some prompts have none, and fewer at weekends."""
    for day in count(start_ms // DAY_MS):
        weekend = (day + EPOCH_WEEKDAY) % 7 >= SATURDAY
        for hour in who.prompts:
            answered = random.random() < (who.weekend if weekend else who.weekday)
            minutes = min(random.expovariate(1 / who.answer_minutes), LATEST_ANSWER_MINUTES)
            at_ms = day * DAY_MS + round(hour * HOUR_MS + minutes * MINUTE_MS)
            if answered and at_ms >= start_ms:
                yield at_ms


def _worn(who: Archetype, start_ms: int, random: Random) -> Iterator[int]:
    """Yield the times while it is worn: off once a day, for the same hours each day but at another time."""
    every_ms, off_ms = round(who.every_minutes * MINUTE_MS), round((24 - who.worn_hours) * HOUR_MS)
    at_ms = start_ms + random.randrange(every_ms)
    for day in count(start_ms // DAY_MS):
        off_from = day * DAY_MS + round(random.uniform(0, DAY_MS - off_ms))
        while at_ms < (day + 1) * DAY_MS:
            if not off_from <= at_ms < off_from + off_ms:
                yield at_ms
            at_ms += every_ms
