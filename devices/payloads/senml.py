"""SenML in JSON (RFC 8428): a pack of records to a Message.

Here: the base values that records inherit, names, times and units as SenML has them. Not here: which values are taken
(acceptance), so that every format judges alike. A pack has no id, so it gets no receipt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from devices import acceptance, strict_json, topics, vitals
from devices.acceptance import Stamp
from devices.errors import PayloadError, ReadingError
from devices.readings import MARK_RECEIPT_TIME, Message, Reading, Refused

VERSION: Final = 10
RELATIVE_S: Final = 2**28  # RFC 8428, 4.5.3: a smaller number counts from now
BASES: Final[Mapping[str, tuple[type, ...]]] = {
    "bn": (str,),
    "bt": (int, float),
    "bu": (str,),
    "bv": (int, float),
    "bver": (int,),
}
UNITS: Final[Mapping[str, str]] = {"beat/min": "/min", "1/min": "/min", "/": "1"}  # RFC 8428, 12.1
VALUES: Final = ("v", "vs", "vb", "vd")
BATTERY: Final = "%EL"


@dataclass(kw_only=True)
class _Base:
    """What the records from here on inherit."""

    values: dict[str, Any] = field(default_factory=dict)

    def take(self, record: Mapping[str, Any]) -> None:
        """Take the base values that a record sets; PayloadError for one that is none."""
        for name, kinds in BASES.items():
            if name not in record:
                continue
            value = record[name]
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise PayloadError("senml_invalid", f"{name} {acceptance.seen(value)}")
            self.values[name] = value
        if self.values.get("bver", VERSION) > VERSION:
            raise PayloadError("version_not_supported", f"bver {self.values['bver']}")


def decode(payload: bytes, device: str, received_ms: int) -> Message:
    """Return the message; PayloadError with its reason when nothing of it can be used."""
    base = _Base()
    outcomes: list[Reading | Refused] = []
    battery: float | None = None
    for index, record in enumerate(_records(payload)):
        base.take(record)
        unit = record.get("u", base.values.get("bu"))
        if unit == BATTERY:
            battery = _battery(record)
        elif any(name in record for name in (*VALUES, "n", "s")):
            outcomes.append(_judge(index, record, base.values, device, received_ms))
    if not outcomes and battery is None:
        raise PayloadError("no_readings")
    return Message(
        id=None,
        seq=None,
        battery_percent=battery,
        readings=tuple(one for one in outcomes if isinstance(one, Reading)),
        refused=tuple(one for one in outcomes if isinstance(one, Refused)),
    )


def _records(payload: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the records; PayloadError for one that is no object, or that asks to be understood and is not."""
    for record in strict_json.list_of(payload):
        if not isinstance(record, dict):
            raise PayloadError("senml_invalid", f"a record is {acceptance.seen(record)}")
        unread = next((name for name in record if name.endswith("_")), None)
        if unread is not None:  # RFC 8428, 4.4: such a field must be understood
            raise PayloadError("senml_invalid", f"the field {acceptance.seen(unread)}")
        yield record


def _judge(
    index: int, record: Mapping[str, Any], base: Mapping[str, Any], device: str, received_ms: int
) -> Reading | Refused:
    unit = record.get("u", base.get("bu"))
    return acceptance.judge(
        index=index,
        vital=_vital(record, base, device),
        value=_value(record, base),
        unit=UNITS.get(unit, unit) if isinstance(unit, str) else unit,
        observed=_observed(record, base, received_ms),
    )


def _vital(record: Mapping[str, Any], base: Mapping[str, Any], device: str) -> object:
    """Return the vital that a record's name ends in: all after a slash or colon that the table knows, or the last part.

    PayloadError where the name begins with a plain device name that is not this device's.
    """
    own = record.get("n", "")
    if not isinstance(own, str):
        return own
    name = f"{base.get('bn', '')}{own}"
    before, slash, _ = name.partition("/")
    if slash and topics.is_name(before) and before != device:
        raise PayloadError("other_device")
    tails = [name[at + 1 :] for at, letter in enumerate(name) if letter in "/:"]
    return (
        next((tail for tail in [name, *tails] if vitals.find(tail) is not None), tails[-1] if tails else name) or None
    )


def _value(record: Mapping[str, Any], base: Mapping[str, Any]) -> object:
    """Return a record's value: a number to which the base value is added, a word, or what acceptance will refuse."""
    if "v" not in record:
        return next((record[name] for name in VALUES if name in record), base.get("bv"))
    value, add = record["v"], base.get("bv", 0)
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value + add if plain and add else value


def _observed(record: Mapping[str, Any], base: Mapping[str, Any], received_ms: int) -> Stamp | ReadingError:
    """Return when a record was observed: seconds since 1970, or, when small, since now."""
    own = record.get("t", 0)
    if isinstance(own, bool) or not isinstance(own, int | float):
        return ReadingError("time_invalid", acceptance.seen(own))
    at_s = base.get("bt", 0) + own
    try:
        at_ms = round(at_s * 1000)
    except (OverflowError, ValueError):  # infinite, or the sum of two infinities
        return ReadingError("time_invalid", acceptance.seen(at_s))
    relative = at_s < RELATIVE_S
    try:
        observed_ms = received_ms + min(at_ms, 0) if relative else at_ms
        stamp = acceptance.believed(observed_ms, received_ms, acceptance.seen(at_s))
    except ReadingError as error:
        return error
    return Stamp(stamp.observed_ms, MARK_RECEIPT_TIME) if relative else stamp


def _battery(record: Mapping[str, Any]) -> float | None:
    value = record.get("v")
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100  # noqa: PLR2004
    return float(value) if known and value is not None else None
