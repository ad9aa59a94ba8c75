"""Which readings of those that a screen shows are in doubt, and why, from what the log has around them.

Here: finding what is around. What a doubt is, and that it changes nothing, is vwmon.doubts'.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vwmon import doubts
from vwmon.cli import reading_rows, render
from vwmon.doubts import Said, Seen
from vwmon.patients.plans import FEEDS
from vwmon.store import around, glance
from vwmon.store import readings as stored
from vwmon.store.around import Span
from vwmon.store.listing import Listed
from vwmon.store.readings import LogRow
from vwmon.store.sqlite import Connection

Moment = tuple[str, int]  # a vital, and when it was observed
Held = Mapping[int, Collection[tuple[int, int]]]  # the spans in which a stay had each device
ALWAYS = ((0, stored.FOREVER_MS),)


class Doubted(NamedTuple):
    """One reading that is in doubt, and what speaks against it."""

    seen: Seen
    said: list[Said]


def of_stay(db: Connection, stay_no: int, moments: Collection[Moment]) -> list[Doubted]:
    """Give the readings of a stay at some moments that are in doubt, in order of vital and time."""
    return among(db, glance.held(db, stay_no), moments)


def of_device(db: Connection, device_no: int, moments: Collection[Moment]) -> list[Doubted]:
    """Give the same of a device that was with nobody."""
    return among(db, {device_no: ALWAYS}, moments)


def of_listed(db: Connection, listed: Iterable[Listed]) -> dict[int, list[Said]]:
    """Give what speaks against the readings of a list, by their numbers, whosever they are."""
    asked: dict[tuple[int | None, str], set[Moment]] = {}
    for one in listed:
        # Of a patient all devices together, of a device that was with nobody it alone.
        whose = (one.stay_no, one.device if one.stay_no is None else "")
        asked.setdefault(whose, set()).add((one.vital, one.observed_ms))
    devices = stored.device_numbers(db) if any(stay_no is None for stay_no, _ in asked) else {}
    found: dict[int, list[Said]] = {}
    for (stay_no, device), moments in asked.items():
        mine = of_device(db, devices[device], moments) if stay_no is None else of_stay(db, stay_no, moments)
        found |= {one.seen.seq: one.said for one in mine}
    return found


def among(db: Connection, held: Held, moments: Collection[Moment]) -> list[Doubted]:
    """Give the same of devices in the spans in which they were somebody's."""
    names = stored.vitals(db)
    numbers = {name: number for number, name in names.items()}
    spans = [
        Span(device_no, numbers[vital], from_ms, to_ms)
        for vital, from_ms, to_ms in _spans(moment for moment in moments if moment[0] in numbers)
        for device_no in held
    ]
    return of_rows(around.readings(db, spans, around.MOST + len(moments)), held, names, moments)


def of_rows(rows: Iterable[LogRow], held: Held, names: Mapping[int, str], moments: Collection[Moment]) -> list[Doubted]:
    """Give the same from rows of the log that have all that is around the moments."""
    mine = [
        Seen(seq, device_no, names[vital_no], observed_ms, value)
        for seq, device_no, vital_no, observed_ms, value, _, _ in rows
        if value is not None and any(first <= observed_ms < end for first, end in held.get(device_no, ()))
    ]
    found, asked = doubts.doubts(mine), set(moments)
    shown = [one for one in mine if one.seq in found and (one.vital, one.observed_ms) in asked]
    return [
        Doubted(one, found[one.seq]) for one in sorted(shown, key=lambda one: (one.vital, one.observed_ms, one.seq))
    ]


def moments_of(part: str, at_ms: int) -> list[Moment]:
    """Give the moments at which a part of the score may have been measured: its own, and those of what stands in."""
    return [(part, at_ms), *((vital, at_ms) for vital, feeds in FEEDS.items() if feeds == part)]


def of_evidence(evidence: Mapping[str, Any]) -> list[Moment]:
    """Give the moments that the evidence of an alert stands on, as far as it says."""
    at_ms = evidence.get("at_ms")
    if at_ms is None:
        return []
    ages = evidence.get("ages_ms", {})
    named = (name.partition(":")[2].partition(".")[0] for name in evidence.get("quantities", {}))
    parts = [moment for part, age_ms in ages.items() for moment in moments_of(part, at_ms - age_ms)]
    return [*parts, *((vital, at_ms) for vital in named)]


def records(found: Iterable[Doubted]) -> list[dict[str, Any]]:
    """Give doubts as programs are given them, one for each reading and reason."""
    return [
        {
            "reading": one.seen.seq,
            "vital": one.seen.vital,
            "value": reading_rows.value(one.seen.vital, one.seen.value, None),
            "unit": reading_rows.unit(one.seen.vital),
            "observed_at": render.utc(one.seen.observed_ms),
            "doubt": doubt.value,
            "sentence": sentence,
        }
        for one in found
        for doubt, sentence in one.said
    ]


def _spans(moments: Iterable[Moment]) -> Iterator[tuple[str, int, int]]:
    """Give the spans of each vital that may speak against readings at some moments, those that meet as one."""
    last: tuple[str, int, int] | None = None
    for vital, at_ms in sorted(set(moments)):
        before_ms, after_ms = doubts.reach_ms(vital)
        if last is not None and last[0] == vital and at_ms - before_ms <= last[2] + 1:
            last = vital, last[1], at_ms + after_ms
            continue
        if last is not None:
            yield last
        last = vital, at_ms - before_ms, at_ms + after_ms
    if last is not None:
        yield last
