"""What goes wrong between a patient and the ward, as named changes of a device's stream of messages.

Here: drop-outs, repeats and delays, artefacts; each takes a device's messages in the order of sending and gives them
back so. Not here: the clinical courses, and how a message is written.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple

MINUTE_MS: Final = 60_000


class Draft(NamedTuple):
    """One message before it is written: sent at `at_ms`, measured at `observed_ms`; `values` by vital."""

    at_ms: int
    seq: int
    observed_ms: int
    battery_percent: int
    values: tuple[tuple[str, float | str], ...]


Fault = Callable[[Iterable[Draft], Random], Iterator[Draft]]

DROP_OUT_CHANCE: Final = 1 / 30
DROP_OUT_MESSAGES: Final = (3, 20)
REPEAT_CHANCE: Final = 0.10
REPEAT_MINUTES: Final = (1, 30)
LATE_CHANCE: Final = 0.05
LATE_MINUTES: Final = (10, 120)
ARTEFACT_CHANCE: Final = 0.05

# What kit says when it is wrong: a sensor off the body, a fraction for a percentage, Fahrenheit for Celsius, motion.
ARTEFACTS: Final = (
    ("heart_rate", 0),
    ("heart_rate", 214),
    ("spo2", 0),
    ("spo2", 0.97),
    ("spo2", 61),
    ("temperature", 98.6),
    ("temperature", 27.4),
    ("systolic_bp", 291),
    ("respiratory_rate", 0),
    ("respiratory_rate", 72),
)


def gaps(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Lose some spells of messages for good: the sequence numbers show the gap."""
    lost = 0
    for draft in drafts:
        if lost == 0 and random.random() < DROP_OUT_CHANCE:
            lost = random.randint(*DROP_OUT_MESSAGES)
        if lost:
            lost -= 1
        else:
            yield draft


def repeats(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Send some messages twice and some late, so out of order; what they say is unchanged."""
    later: list[Draft] = []
    for draft in drafts:
        while later and later[0].at_ms <= draft.at_ms:
            yield heapq.heappop(later)
        chance = random.random()
        if chance < LATE_CHANCE:
            heapq.heappush(later, _delayed(draft, random.randint(*LATE_MINUTES)))
            continue
        yield draft
        if chance < LATE_CHANCE + REPEAT_CHANCE:
            heapq.heappush(later, _delayed(draft, random.randint(*REPEAT_MINUTES)))
    yield from sorted(later)


def _delayed(draft: Draft, minutes: int) -> Draft:
    return draft._replace(at_ms=draft.at_ms + minutes * MINUTE_MS)


def artefacts(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Spoil one value of some messages with what faulty kit says."""
    for draft in drafts:
        if random.random() < ARTEFACT_CHANCE:
            spoiled = dict(draft.values)
            vital, value = random.choice(ARTEFACTS)
            spoiled[vital] = value
            yield draft._replace(values=tuple(spoiled.items()))
        else:
            yield draft


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType({"gaps": gaps, "repeats": repeats, "artefacts": artefacts})
