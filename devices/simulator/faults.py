"""What goes wrong between a patient and the ward, as named changes of a device's stream of messages.

Here: each fault takes a device's messages in the order of sending and gives them back so. The figures are our choice,
except where a comment names a source. Not here: the clinical courses, how a message is written, and which devices have
a fault.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


class Draft(NamedTuple):
    """One message before it is written: sent at `at_ms`, measured at `observed_ms`; `values` by vital.

    `of` is the device of the patient who was measured, where that is not the patient that the device belongs to.
    """

    at_ms: int
    seq: int
    observed_ms: int
    battery_percent: int
    values: tuple[tuple[str, float | str], ...]
    of: str = ""


Fault = Callable[[Iterable[Draft], Random], Iterator[Draft]]

DROP_OUT_CHANCE: Final = 1 / 30
DROP_OUT_MESSAGES: Final = (3, 20)
REPEAT_CHANCE: Final = 0.10
REPEAT_MINUTES: Final = (1, 30)
LATE_CHANCE: Final = 0.05
LATE_MINUTES: Final = (10, 120)
REORDER_CHANCE: Final = 0.10
ARTEFACT_CHANCE: Final = 0.05
OUTAGE_EVERY_HOURS: Final = 48.0
OUTAGE_HOURS: Final = (1.0, 12.0)
DRIFT_SECONDS_A_DAY: Final = (20.0, 120.0)
SLIP_WITHIN_HOURS: Final = 48.0
SLIP_HOURS: Final = (1, -1)
DRAIN_HOURS: Final = (20.0, 60.0)
UNCHARGED_HOURS: Final = (4.0, 36.0)
FULL_PERCENT: Final = 100

# Somebody who is well leaves out one message in ten, and one who is not 15 in a hundred more for each vital that is
# outside these, up to eight in ten.
MISSED_CHANCE, MISSED_MORE, MISSED_MOST = 0.10, 0.15, 0.80
WELL: Final = MappingProxyType(
    {
        "respiratory_rate": (9, 20),
        "spo2": (94, 100),
        "systolic_bp": (100, 180),
        "heart_rate": (50, 100),
        "temperature": (35.5, 38.0),
    }
)

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


def missing_when_ill(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Leave out the more messages the iller the patient is, without a gap in the numbers: nothing was measured."""
    left_out = 0
    for draft in drafts:
        unwell = sum(not _is_well(name, value) for name, value in draft.values)
        if random.random() < min(MISSED_CHANCE + MISSED_MORE * unwell, MISSED_MOST):
            left_out += 1
        else:
            yield draft._replace(seq=draft.seq - left_out)


def _is_well(name: str, value: float | str) -> bool:
    if isinstance(value, str):
        return value == "A"
    low, high = WELL.get(name, (value, value))
    return low <= value <= high


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


def reordered(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Send some messages only after the next one."""
    held: Draft | None = None
    for draft in drafts:
        if held is None and random.random() < REORDER_CHANCE:
            held = draft
            continue
        yield draft
        if held is not None:
            yield held._replace(at_ms=max(draft.at_ms, held.at_ms))
            held = None
    if held is not None:
        yield held


def late_bursts(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Keep what is measured while the line is down, and send it all at once, the oldest first, when it is back."""
    held: list[Draft] = []
    down_ms = up_ms = None
    for draft in drafts:
        if down_ms is None or up_ms is None:
            down_ms, up_ms = _outage(draft.at_ms, random)
        while draft.at_ms >= up_ms:
            yield from (one._replace(at_ms=up_ms) for one in held)
            held.clear()
            down_ms, up_ms = _outage(up_ms, random)
        if draft.at_ms >= down_ms:
            held.append(draft)
        else:
            yield draft
    yield from (one._replace(at_ms=up_ms or one.at_ms) for one in held)


def _outage(after_ms: int, random: Random) -> tuple[int, int]:
    """Draw when the line goes down next, and when it is back."""
    down_ms = after_ms + round(random.expovariate(1 / OUTAGE_EVERY_HOURS) * HOUR_MS)
    return down_ms, down_ms + _hours_ms(random, OUTAGE_HOURS)


def _hours_ms(random: Random, hours: tuple[float, float]) -> int:
    return round(random.uniform(*hours) * HOUR_MS)


def clock_drift(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Let the device's clock run fast or slow from the first message on."""
    drift_ms = random.choice((-1, 1)) * random.uniform(*DRIFT_SECONDS_A_DAY) * SECOND_MS
    began_ms = None
    for draft in drafts:
        began_ms = draft.at_ms if began_ms is None else began_ms
        wrong_ms = round(drift_ms * (draft.observed_ms - began_ms) / DAY_MS)
        yield draft._replace(observed_ms=draft.observed_ms + wrong_ms)


def zone_slip(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Write the time of another zone as if it were UTC, from some moment of the first two days on."""
    wrong_ms = random.choice(SLIP_HOURS) * HOUR_MS
    slips_ms = None
    for draft in drafts:
        if slips_ms is None:
            slips_ms = draft.at_ms + _hours_ms(random, (0.0, SLIP_WITHIN_HOURS))
        slipped = draft.at_ms >= slips_ms
        yield draft._replace(observed_ms=draft.observed_ms + wrong_ms) if slipped else draft


def artefacts(drafts: Iterable[Draft], random: Random, chance: float = ARTEFACT_CHANCE) -> Iterator[Draft]:
    """Spoil one value of some messages with what faulty kit says."""
    for draft in drafts:
        spoiled = dict(draft.values)
        known = [artefact for artefact in ARTEFACTS if artefact[0] in spoiled]
        if known and random.random() < chance:
            vital, value = random.choice(known)
            spoiled[vital] = value
            yield draft._replace(values=tuple(spoiled.items()))
        else:
            yield draft


def flat_battery(drafts: Iterable[Draft], random: Random) -> Iterator[Draft]:
    """Run the battery down to nothing, and be silent until somebody charges it: nothing is measured meanwhile."""
    full_ms = flat_ms = charged_ms = None
    left_out = 0
    for draft in drafts:
        while charged_ms is None or draft.at_ms >= charged_ms:
            full_ms = draft.at_ms if charged_ms is None else charged_ms
            flat_ms = full_ms + _hours_ms(random, DRAIN_HOURS)
            charged_ms = flat_ms + _hours_ms(random, UNCHARGED_HOURS)
        if full_ms is None or flat_ms is None or draft.at_ms >= flat_ms:
            left_out += 1
            continue
        charge = FULL_PERCENT * (flat_ms - draft.at_ms) // (flat_ms - full_ms)
        yield draft._replace(seq=draft.seq - left_out, battery_percent=charge)


def swapped(own: Iterable[Draft], others: Iterable[Draft], other: str, at_ms: int) -> Iterator[Draft]:
    """Measure another patient from a time on: the two devices were mixed up, and each goes on counting for itself."""
    seq = 0
    for draft in own:
        if draft.at_ms >= at_ms:
            break
        seq = draft.seq
        yield draft
    for draft in others:
        if draft.at_ms >= at_ms:
            seq += 1
            yield draft._replace(seq=seq, of=other)


# In the order in which they act, whatever the order in which they are asked for: first what the device measures and
# says, then what becomes of it on the way. A message that is sent twice is then the same both times.
FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "missing-when-ill": missing_when_ill,
        "flat-battery": flat_battery,
        "artefacts": artefacts,
        "clock-drift": clock_drift,
        "zone-slip": zone_slip,
        "gaps": gaps,
        "late-bursts": late_bursts,
        "reordered": reordered,
        "repeats": repeats,
    }
)
SWAPPED: Final = "swapped-devices"
SWAP_WITHIN_HOURS: Final = 24.0

# What a list says of each, in the words that a person chooses by.
SUMMARIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing-when-ill": "the iller somebody is, the less is measured: gaps that are not at random",
        "flat-battery": "the battery runs down, and nothing is measured until it is charged",
        "artefacts": "one message in twenty has a value that kit says when it is wrong",
        "clock-drift": "the device's clock runs fast or slow by 20 to 120 seconds a day",
        "zone-slip": "an hour wrong from some moment on: another zone's time written as UTC",
        "gaps": "spells of messages are lost for good",
        "late-bursts": "the line is down for hours, every two days or so, and then everything comes at once",
        "reordered": "some messages come after the next one",
        "repeats": "some messages come twice, and some up to two hours late",
        SWAPPED: "two patients have each other's device from some hour of the first day on, by twos: 001 with 002",
    }
)
