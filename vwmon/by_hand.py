"""Readings that a person says or writes: "spo2=94 rr=18 bp=120/80", judged as a device's are. Pure.

Here: the short names, and from words to a message. Not here: whose readings they are, or where they are stored.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from devices import acceptance
from devices.acceptance import Stamp
from devices.errors import REASONS
from devices.readings import MARK_QUESTIONED, Message, Reading, Refused
from devices.vitals import find
from vwmon.errors import UsageError

WAYS: Final[Mapping[str, str]] = {
    "phone": "read out over the telephone",
    "nurse": "measured by a nurse",
    "carer": "measured by a carer at home",
}
SHORT: Final[Mapping[str, str]] = {
    "rr": "respiratory_rate",
    "hr": "heart_rate",
    "sbp": "systolic_bp",
    "dbp": "diastolic_bp",
    "o2": "oxygen",
    "acvpu": "consciousness",
    "temp": "temperature",
}
_SAID: Final = re.compile(r"([a-z0-9_:-]+)=(.+)", re.IGNORECASE | re.DOTALL)
_PRESSURE: Final = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)(.*)")
_NUMBER: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(.*)", re.DOTALL)


def message(words: Sequence[str], message_id: str, observed_ms: int) -> Message:
    """Give what was said as a message of readings observed at one time.

    UsageError says of every word what is wrong with it: nothing is taken of readings that are not all right.
    """
    said = [found for word in words for found in _said(word)]
    names = [vital for vital, _, _ in said]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{', '.join(twice)} is given twice")
    judged = [
        acceptance.judge(index=index, vital=vital, value=value, unit=unit, observed=Stamp(observed_ms, 0))
        for index, (vital, value, unit) in enumerate(said)
    ]
    refused = [one for one in judged if isinstance(one, Refused)]
    if refused:
        raise UsageError("; ".join(f"{one.detail or one.vital}: {REASONS[one.reason]}" for one in refused))
    readings = tuple(one for one in judged if isinstance(one, Reading))
    return Message(id=message_id, seq=None, battery_percent=None, readings=readings, refused=())


def questioned(said: Message) -> list[str]:
    """Name the vitals whose value can be, and is outside what is usually measured at home."""
    return [reading.vital for reading in said.readings if reading.marks & MARK_QUESTIONED]


def _said(word: str) -> Iterator[tuple[str, float | str, str | None]]:
    """Yield the vitals of one word with value and unit; UsageError where it is not VITAL=VALUE or no table has it."""
    found = _SAID.fullmatch(word)
    if found is None:
        raise UsageError(f"{word!a} is not a reading such as spo2=94 or bp=120/80")
    name, text = found[1].lower(), found[2].strip()
    pressure = _PRESSURE.fullmatch(text)
    if name == "bp" and pressure is not None:
        unit = pressure[3].strip() or None
        yield "systolic_bp", float(pressure[1]), unit
        yield "diastolic_bp", float(pressure[2]), unit
        return
    vital = find(SHORT.get(name, name))
    if vital is None:
        raise UsageError(f"{name!a} is no vital that the table knows; there are {', '.join(SHORT)}, spo2, weight …")
    number = _NUMBER.fullmatch(text)
    if number is None:
        yield vital.name, text.upper() if text.upper() in vital.choices else text.lower(), None
    else:
        yield vital.name, float(number[1]), number[2].strip() or None
