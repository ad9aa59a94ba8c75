"""The ward's own JSON payload, read strictly and fast.

Here: bytes to a Message. The fast path is msgspec's typed decoder, which does not see two things: a key that comes
twice, and bytes that are not UTF-8 in a field it skips. Both show in a count: every key has its two quotes, so a
message with more quotes than its known fields need is read again by the exact path, which sees every key.
Not here: which values are taken (acceptance), so that every format judges alike.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from devices import acceptance, strict_json, vitals
from devices.acceptance import AHEAD_MS, EARLIEST_MS, Stamp
from devices.errors import PayloadError, ReadingError
from devices.readings import MARK_RECEIPT_TIME, MESSAGE_LEVEL, Message, Reading, Refused
from devices.times import to_ms

ID_CHARS: Final = 128
SEQ_LARGEST: Final = 2**53
FULL_PERCENT: Final = 100

_QUOTE: Final = ord('"')


class _RawReading(msgspec.Struct, gc=False):
    vital: str
    value: float | str
    unit: str | None = None
    time: str | None = None


class _RawMessage(msgspec.Struct, gc=False):
    readings: Annotated[list[_RawReading], Meta(min_length=1)]
    v: int = 0
    id: Annotated[str, Meta(min_length=1, max_length=ID_CHARS)] | None = None
    time: str | None = None
    seq: Annotated[int, Meta(ge=0, le=SEQ_LARGEST)] | None = None
    battery_percent: Annotated[float, Meta(ge=0, le=FULL_PERCENT)] | None = None
    device: str | None = None


_decode_raw: Final = msgspec.json.Decoder(_RawMessage).decode

# name, alias or code -> unit -> canonical name, the range that needs no mark, and the quotes such a reading has.
_PLAIN: Final = {
    word: {
        unit: (vital.name, vital.usual_low, vital.usual_high, 6 if unit is None else 10) for unit in vital.plain_units
    }
    for word, vital in vitals.KNOWN.items()
    if vital.numeric and not vital.whole
}
# (name or alias, word) -> the reading but for its time, for values that are words.
_WORDS: Final[dict[tuple[str, object], tuple[str, float, str | None]]] = {
    (name, word): (vital.name, number, word if vital.numeric else None)
    for name, vital in vitals.KNOWN.items()
    for word, number in vital.choices.items()
}


def decode(payload: bytes, device: str, received_ms: int) -> Message:
    """Return the message; PayloadError with its reason when nothing of it can be used."""
    try:
        raw = _decode_raw(payload)
        if raw.time is None:
            observed_ms, marks, quotes = received_ms, MARK_RECEIPT_TIME, 2
        else:
            observed_ms, marks, quotes = to_ms(raw.time), 0, 6
    except (msgspec.MsgspecError, ValueError, RecursionError, ReadingError):
        return _decode_exactly(payload, device, received_ms)
    readings: list[Reading] = []
    refused: list[Refused] = []
    latest_ms = received_ms + AHEAD_MS
    for one in raw.readings:
        value, own_ms, own_marks = one.value, observed_ms, marks
        try:
            vital, low, high, needed = _PLAIN[one.vital][one.unit]
            plain = low <= value <= high  # type: ignore[operator]
            if one.time is not None:
                own_ms, own_marks, needed = to_ms(one.time), 0, needed + 4
                plain = plain and EARLIEST_MS <= own_ms <= latest_ms
        except (KeyError, TypeError, ReadingError):
            plain = False
        if plain:
            quotes += needed
            readings.append(
                Reading(
                    vital=vital,
                    value=value,  # type: ignore[arg-type]
                    text=None,
                    observed_ms=own_ms,
                    raw_value=None,
                    raw_unit=None,
                    marks=own_marks,
                )
            )
        else:
            quotes += _read_unusual(one, Stamp(observed_ms, marks), received_ms, readings, refused)
    if (
        payload.count(_QUOTE) != quotes + _envelope_quotes(raw)
        or not EARLIEST_MS <= observed_ms <= latest_ms
        or (raw.id is not None and not raw.id.isprintable())
        or (raw.device is not None and raw.device != device)
    ):
        return _decode_exactly(payload, device, received_ms)
    return Message(
        id=raw.id, seq=raw.seq, battery_percent=raw.battery_percent, readings=tuple(readings), refused=tuple(refused)
    )


def _envelope_quotes(raw: _RawMessage) -> int:
    """Return the quotes of the message's own fields but time and list; too few for a version that is not 1."""
    count = 2 if raw.v == 1 else 0
    if raw.id is not None:
        count += 4
    if raw.seq is not None:
        count += 2
    if raw.battery_percent is not None:
        count += 2
    if raw.device is not None:
        count += 4
    return count


def _read_unusual(
    one: _RawReading, observed: Stamp, received_ms: int, readings: list[Reading], refused: list[Refused]
) -> int:
    """Judge a reading that is not plainly a usual number in the canonical unit; return the quotes it needs."""
    known = None if one.unit is not None or one.time is not None else _WORDS.get((one.vital, one.value))
    if known is not None:
        vital, number, raw = known
        readings.append(
            Reading(
                vital=vital,
                value=number,
                text=None,
                observed_ms=observed.observed_ms,
                raw_value=raw,
                raw_unit=None,
                marks=observed.marks,
            )
        )
        return 8
    index = len(readings) + len(refused)
    own = observed if one.time is None else _stamp(one.time, received_ms)
    outcome = acceptance.judge(index=index, vital=one.vital, value=one.value, unit=one.unit, observed=own)
    if isinstance(outcome, Reading):
        readings.append(outcome)
    else:
        refused.append(outcome)
    words = (one.value if isinstance(one.value, str) else None, one.unit, one.unit, one.time, one.time)
    return 6 + 2 * (len(words) - words.count(None))


def _stamp(sent: object, received_ms: int) -> Stamp | ReadingError:
    """Return when a reading was observed, or what is wrong with its time."""
    try:
        return acceptance.stamp(sent, received_ms)
    except ReadingError as error:
        return error


def _message_id(fields: dict[str, Any]) -> str | None:
    """Return the message's id; PayloadError for one that is no short printable text."""
    word = fields.get("id")
    if word is None or (isinstance(word, str) and 0 < len(word) <= ID_CHARS and word.isprintable()):
        return word
    raise PayloadError("id_invalid", acceptance.seen(word))


def _listed(fields: dict[str, Any], device: str, message_id: str | None) -> Sequence[object]:
    """Return the message's list of readings; PayloadError when the message is not one to read here."""
    version, named, listed = fields.get("v"), fields.get("device"), fields.get("readings")
    faults = {
        "version_not_supported": version is not None and (type(version) is not int or version != 1),
        "other_device": named is not None and named != device,
        "readings_missing": not isinstance(listed, list),
        "no_readings": listed == [],
    }
    for reason, present in faults.items():
        if present:
            raise PayloadError(reason, message_id=message_id)
    return listed or []


def _notes(fields: dict[str, Any]) -> tuple[int | None, float | None, list[Refused]]:
    """Return the sequence number, the battery charge, and a refusal for each that cannot be.

    The readings stand without either.
    """
    seq, battery = fields.get("seq"), fields.get("battery_percent")
    refused: list[Refused] = []
    if seq is not None and not (type(seq) is int and 0 <= seq <= SEQ_LARGEST):
        refused.append(_note("seq_invalid", seq))
        seq = None
    if battery is not None and not (type(battery) in (int, float) and 0 <= battery <= FULL_PERCENT):
        refused.append(_note("battery_invalid", battery))
        battery = None
    return seq, None if battery is None else float(battery), refused


def _note(reason: str, value: object) -> Refused:
    return Refused(vital=None, reason=reason, detail=acceptance.seen(value), index=MESSAGE_LEVEL)


def _judge_fields(index: int, one: object, observed: Stamp | ReadingError, received_ms: int) -> Reading | Refused:
    """Judge one element of the list of readings."""
    if not isinstance(one, dict):
        return Refused(vital=None, reason="reading_not_an_object", detail=acceptance.seen(one), index=index)
    time = one.get("time")
    own = observed if time is None else _stamp(time, received_ms)
    return acceptance.judge(
        index=index, vital=one.get("vital"), value=one.get("value"), unit=one.get("unit"), observed=own
    )


def _decode_exactly(payload: bytes, device: str, received_ms: int) -> Message:
    """Read a message in which something is unusual, seeing every key; PayloadError when nothing of it can be used."""
    fields = strict_json.object_of(payload)
    message_id = _message_id(fields)
    listed = _listed(fields, device, message_id)
    seq, battery, notes = _notes(fields)
    observed = _stamp(fields.get("time"), received_ms)
    outcomes = [_judge_fields(index, one, observed, received_ms) for index, one in enumerate(listed)]
    return Message(
        id=message_id,
        seq=seq,
        battery_percent=battery,
        readings=tuple(one for one in outcomes if isinstance(one, Reading)),
        refused=(*notes, *(one for one in outcomes if isinstance(one, Refused))),
    )
