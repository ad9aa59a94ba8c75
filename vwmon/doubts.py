"""What speaks against a reading that is possible: it counts all the same, and is shown with the doubt. Pure.

A doubt follows from the log alone, whenever and in whatever batches it came, so that a ward and its recording show the
same. Nothing that scores or raises may import this (a contract of pyproject.toml): no doubt changes points, and none
holds an alert back.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from alerts.policy import RULES
from devices.vitals import VITALS, Vital, printed
from vwmon import durations
from vwmon.durations import HOUR_MS

UNCHANGED_REACH_MS: Final = 12 * HOUR_MS  # twelve readings in a row, by the hour


class Doubt(StrEnum):
    """Why a reading is in doubt."""

    QUESTIONED = "questioned"
    REPEATED = "repeated"
    CONTRADICTED = "contradicted"
    DISAGREES = "disagrees"
    UNCHANGED = "unchanged"
    JUMPED = "jumped"


class Seen(NamedTuple):
    """One reading of a stay: its number in the log, the device, the vital's name, when, and the canonical value."""

    seq: int
    device_no: int
    vital: str
    observed_ms: int
    value: float


Said = tuple[Doubt, str]  # a doubt, and the sentence that says it
Found = Iterator[tuple[int, Said]]  # with the number of the reading that it is of


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a vital within a span that no body makes: by so much, or by a share of the value before."""

    vital: str
    within_ms: int
    by: float | None = None
    share: float | None = None

    def most(self, before: float) -> float:
        """Give by how much a value may differ from the one before."""
        return self.by if self.by is not None else (self.share or 0) * before


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The table of what two readings may say; `apart` by vital, others have to be equal, but for `sums`."""

    version: str
    source: str
    apart: Mapping[str, float]
    sums: frozenset[str]
    two_sources: frozenset[str]
    within_ms: int
    changes: tuple[Change, ...]


def load(text: str) -> Limits:
    """Read the table; ValueError for one that is not as it has to be."""
    table = tomllib.loads(text)
    changes = tuple(_change(row) for row in table["change"])
    named = {
        *table["apart"],
        *table["sums"]["vitals"],
        *table["two_sources"]["vitals"],
        *(change.vital for change in changes),
    }
    if unknown := named - VITALS.keys():
        raise ValueError(f"{', '.join(sorted(unknown))} is in no table of vitals")
    return Limits(
        version=table["version"],
        source=table["source"],
        apart=table["apart"],
        sums=frozenset(table["sums"]["vitals"]),
        two_sources=frozenset(table["two_sources"]["vitals"]),
        within_ms=durations.parse(table["two_sources"]["within"]),
        changes=changes,
    )


def _change(row: Mapping[str, Any]) -> Change:
    if ("by" in row) == ("share" in row):
        raise ValueError(f"a change of {row['vital']} is by so much or by a share")
    return Change(
        vital=row["vital"], within_ms=durations.parse(row["within"]), by=row.get("by"), share=row.get("share")
    )


LIMITS: Final = load(Path(__file__).with_name("doubts.toml").read_text(encoding="utf-8"))


def reach_ms(vital: str) -> tuple[int, int]:
    """Give how long before and after a reading others of its vital may speak against it."""
    beside = LIMITS.within_ms if vital in LIMITS.two_sources else 0
    still = UNCHANGED_REACH_MS if vital in RULES["frozen"].vitals else 0
    return max(beside, still, *(one.within_ms for one in LIMITS.changes if one.vital == vital), 0), beside


def doubts(readings: Iterable[Seen]) -> dict[int, list[Said]]:
    """Give what speaks against readings of one stay, by their numbers; those without a doubt are left out.

    They come in any order, from all devices of the stay; only what lies within `reach_ms` of a reading matters to it.
    """
    ordered = sorted(readings, key=lambda one: (one.vital, one.observed_ms, one.seq))
    found: dict[int, list[Said]] = {}
    for vital, group in groupby(ordered, key=lambda one: one.vital):
        mine, known = list(group), VITALS.get(vital)
        if known is not None:
            for check in CHECKS:
                for seq, said in check(known, mine):
                    found.setdefault(seq, []).append(said)
    return found


def _questioned(vital: Vital, mine: Sequence[Seen]) -> Found:
    usual = f"{_number(vital.usual_low)} to {_measured(vital, vital.usual_high)}"
    for one in mine:
        if vital.unusual(one.value):
            yield one.seq, (Doubt.QUESTIONED, f"{_named(vital, one)} is outside {usual}, where home devices measure")


def _at_one_time(vital: Vital, mine: Sequence[Seen]) -> Found:
    """Find readings for one moment: the same again from one device, or others too far apart, the worse of which counts.

    Two sources of one vital are compared by `_two_sources`, over more than a moment.
    """
    compared = vital.name not in LIMITS.two_sources | LIMITS.sums
    for _, group in groupby(mine, key=lambda one: one.observed_ms):
        several = list(group)
        if len(several) == 1:
            continue
        yield from _again(vital, several)
        low, high = min(one.value for one in several), max(one.value for one in several)
        if high - low > LIMITS.apart.get(vital.name, 0) and compared:
            both = f"{_said(vital, low)} and {_said(vital, high)}"
            told = f"{both} for one moment; the worse counts"
            yield from ((one.seq, (Doubt.CONTRADICTED, f"{vital.title}: {told}")) for one in several)


def _again(vital: Vital, several: Sequence[Seen]) -> Found:
    met: set[tuple[int, float]] = set()
    for one in several:
        if (one.device_no, one.value) in met:
            yield one.seq, (Doubt.REPEATED, f"{_named(vital, one)} came more than once for one moment; it counts once")
        met.add((one.device_no, one.value))


def _two_sources(vital: Vital, mine: Sequence[Seen]) -> Found:
    """Find what two devices, or one for the same moment, say of one heart: which of them is wrong is not known."""
    if vital.name not in LIMITS.two_sources:
        return
    met: dict[int, str] = {}
    last: dict[int, Seen] = {}
    for _, group in groupby(mine, key=lambda one: one.observed_ms):
        now = list(group)
        before = [one for one in last.values() if now[0].observed_ms - one.observed_ms <= LIMITS.within_ms]
        for place, one in enumerate(now):
            for other in (*before, *now[:place]):
                if _differ(vital, one, other):
                    told = f"{vital.title}: {_said(vital, other.value)} and {_said(vital, one.value)} within"
                    span = durations.text(LIMITS.within_ms)
                    met[one.seq] = met[other.seq] = f"{told} {span} from two sources"
        last |= {one.device_no: one for one in now}
    yield from ((seq, (Doubt.DISAGREES, told)) for seq, told in met.items())


def _differ(vital: Vital, one: Seen, other: Seen) -> bool:
    two = one.device_no != other.device_no or one.observed_ms == other.observed_ms
    return two and abs(one.value - other.value) > LIMITS.apart.get(vital.name, 0)


def _unchanged(vital: Vital, mine: Sequence[Seen]) -> Found:
    """Find values that keep still for as long, and as often, as the rule about devices says."""
    rule = RULES["frozen"]
    if vital.name not in rule.vitals:
        return
    runs: dict[int, tuple[float, int, int]] = {}
    for one in mine:
        value, since_ms, count = runs.get(one.device_no, (one.value, one.observed_ms, 0))
        if value != one.value:
            since_ms, count = one.observed_ms, 0
        runs[one.device_no] = one.value, since_ms, count + 1
        if count + 1 >= rule.limit_on and one.observed_ms - since_ms >= rule.on_delay_ms:
            span = durations.text((one.observed_ms - since_ms) // 60_000 * 60_000)
            yield one.seq, (Doubt.UNCHANGED, f"{_named(vital, one)} {count + 1} times in a row, over {span}")


def _jumped(vital: Vital, mine: Sequence[Seen]) -> Found:
    """Find changes that no body makes; the reading before may as well be the wrong one, and the unit may be."""
    changes = [change for change in LIMITS.changes if change.vital == vital.name]
    if not changes:
        return
    for earlier, now in pairwise(list(group) for _, group in groupby(mine, key=lambda one: one.observed_ms)):
        before = earlier[-1]
        for one in now:
            broken = _broken(changes, before, one)
            if broken is not None:
                yield one.seq, (Doubt.JUMPED, _change_said(vital, before, one, broken))


def _broken(changes: Sequence[Change], before: Seen, one: Seen) -> Change | None:
    span_ms, by = one.observed_ms - before.observed_ms, abs(one.value - before.value)
    return next((c for c in changes if span_ms <= c.within_ms and by > c.most(before.value)), None)


def _change_said(vital: Vital, before: Seen, one: Seen, broken: Change) -> str:
    direction = "up" if one.value > before.value else "down"
    span = durations.text(max(one.observed_ms - before.observed_ms, 1000) // 1000 * 1000)
    told = (
        f"{_named(vital, one)} is {direction} from {_said(vital, before.value)} in {span}; one of the two may be wrong"
    )
    likely = [
        f"{_measured(vital, value)} had it been sent in {printed(unit)}"
        for unit, value in vital.read_as(one.value)
        if unit != vital.unit and abs(value - before.value) <= broken.most(before.value)
    ]
    return f"{told} ({' or '.join(likely)})" if likely else told


CHECKS: Final[tuple[Callable[[Vital, Sequence[Seen]], Found], ...]] = (
    _questioned,
    _at_one_time,
    _two_sources,
    _unchanged,
    _jumped,
)


def _named(vital: Vital, one: Seen) -> str:
    return f"{vital.title} {_said(vital, one.value)}"


def _said(vital: Vital, value: float) -> str:
    return vital.label(value) or _measured(vital, value)


def _measured(vital: Vital, value: float) -> str:
    return f"{_number(value)} {printed(vital.unit)}".strip()


def _number(value: float) -> str:
    return f"{round(value, 2):g}"
