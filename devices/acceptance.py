"""Which readings are taken: one vital, value, unit and time as a device sent them, judged by the table of vitals.

Here: the judgement, the same for every payload format, each refusal with its reason; missing is never normal, and a
value in doubt is marked or refused, never repaired. Not here: reading bytes, or what is later done with a reading.
"""

import math
import re
from typing import Final, NamedTuple

from devices import times, vitals
from devices.errors import ReadingError, UnitError
from devices.readings import (
    MARK_CLOCK_AHEAD,
    MARK_QUESTIONED,
    MARK_RECEIPT_TIME,
    MARK_UNKNOWN_VITAL,
    Attempt,
    Reading,
    Refused,
)
from devices.vitals import Vital

AHEAD_MS: Final = 2 * 60_000
FUTURE_MS: Final = 24 * 3_600_000
EARLIEST_MS: Final = 946_684_800_000
UNIT_CHARS: Final = 64
TEXT_CHARS: Final = 256
RESERVED: Final = ("answer:", "answers:")  # begins what the log calls an answer, and a set of them that is whole

_NAME: Final = re.compile(r"[!-~]{1,64}")


class Stamp(NamedTuple):
    """When a reading was observed, and the MARK_ bits that say how that is known."""

    observed_ms: int
    marks: int


class Measured(NamedTuple):
    """A value in its vital's canonical unit, what it was sent as where that differs, and its MARK_ bits."""

    value: float | None
    text: str | None
    raw_value: float | str | None
    raw_unit: str | None
    marks: int


def seen(value: object) -> str:
    """Return a short plain ASCII picture of a value for a refusal's detail."""
    return ascii(value)[:60]


def name(sent: object) -> str:
    """Return the name of a vital as sent; ReadingError when there is none or it is no name."""
    if sent is None:
        raise ReadingError("vital_missing")
    if not isinstance(sent, str) or not _NAME.fullmatch(sent):
        raise ReadingError("vital_invalid", seen(sent))
    return sent


def stamp(sent: object, received_ms: int) -> Stamp:
    """Return when a reading was observed, from its time as sent or, for None, the time of receipt.

    A time more than 2 minutes and up to 24 hours ahead of the receipt is a wrong clock: the time of receipt, marked.
    ReadingError for one that cannot be read or believed.
    """
    if sent is None:
        return Stamp(received_ms, MARK_RECEIPT_TIME)
    if not isinstance(sent, str):
        raise ReadingError("time_invalid", seen(sent))
    return believed(times.to_ms(sent), received_ms, seen(sent))


def believed(observed_ms: int, received_ms: int, shown: str) -> Stamp:
    """Return a time that was read as it is to be believed (see stamp), or ReadingError with what was `shown`."""
    if observed_ms < EARLIEST_MS:
        raise ReadingError("time_past", shown)
    if observed_ms - received_ms > FUTURE_MS:
        raise ReadingError("time_future", shown)
    if observed_ms - received_ms > AHEAD_MS:
        return Stamp(received_ms, MARK_CLOCK_AHEAD)
    return Stamp(observed_ms, 0)


def _unit(sent: object) -> str | None:
    """Return a unit as sent, None where it was left out; ReadingError when it is no text."""
    if sent is None or sent == "":
        return None
    if not isinstance(sent, str) or len(sent) > UNIT_CHARS or not sent.isprintable():
        raise ReadingError("unit_invalid", seen(sent))
    return sent


def _number(sent: object) -> float | None:
    """Return a JSON number as a float, None for anything else; true and false are no numbers."""
    return float(sent) if isinstance(sent, int | float) and not isinstance(sent, bool) else None


def _chosen(vital: Vital, sent: str, unit: str | None) -> Measured:
    """Judge a word or letter."""
    if sent not in vital.choices:
        raise ReadingError("value_not_a_choice", f"{vital.name} {seen(sent)}")
    if unit not in vital.plain_units and unit not in vital.conversions:
        raise ReadingError("unit_unknown", f"{vital.name} is not taken in {seen(unit)}")
    return Measured(vital.choices[sent], None, sent if vital.numeric else None, None, 0)


def _counted(vital: Vital, number: float, unit: str | None) -> Measured:
    """Judge a number."""
    if not math.isfinite(number):
        raise ReadingError("value_not_finite", vital.name)
    plain = unit in vital.plain_units
    if not plain and unit not in vital.conversions:
        raise ReadingError("unit_unknown", f"{vital.name} is not taken in {seen(unit)}")
    value = _converted(vital, number, unit)
    if not vital.low <= value <= vital.high:
        raise _impossible(vital, number, unit)
    if not vital.possible(value):
        raise ReadingError("value_not_whole", f"{vital.name} {number:g}")
    marks = MARK_QUESTIONED if vital.unusual(value) else 0
    return Measured(value, None, None if plain else number, None if plain else unit, marks)


def _converted(vital: Vital, number: float, unit: str | None) -> float:
    """Return a number in the canonical unit; ReadingError for one that its unit does not have."""
    try:
        return vital.canonical(number, unit)
    except UnitError:
        raise _impossible(vital, number, unit) from None


def _impossible(vital: Vital, number: float, unit: str | None) -> ReadingError:
    """Say why a number that cannot be is refused: as nothing measured, in the wrong unit, or for no known reason."""
    shown = f"{vital.name} {number:g} {unit or vital.unit}"
    if number == 0:
        return ReadingError("value_zero", shown)
    likely = vital.likely_units(number, unit)
    if likely:
        return ReadingError("unit_slip", f"{shown}, likely {' or '.join(likely)}")
    return ReadingError("value_impossible", shown)


def _unknown(sent: object, unit: str | None) -> Measured:
    """Keep a value of a vital that no table knows, as it came."""
    number = _number(sent)
    if number is not None and math.isfinite(number):
        return Measured(number, None, number if unit else None, unit, MARK_UNKNOWN_VITAL)
    if number is not None:
        raise ReadingError("value_not_finite")
    if isinstance(sent, str) and 0 < len(sent) <= TEXT_CHARS and sent.isprintable():
        return Measured(None, sent, None, unit, MARK_UNKNOWN_VITAL)
    raise ReadingError("value_invalid", seen(sent))


def measure(vital: Vital | None, sent: object, sent_unit: object) -> Measured:
    """Return a value as the canonical one of its vital; None as the vital is one that no table knows.

    ReadingError with the reason where it is not one that the vital is taken in.
    """
    if sent is None:
        raise ReadingError("value_missing")
    unit = _unit(sent_unit)
    if vital is None:
        return _unknown(sent, unit)
    if isinstance(sent, str) and vital.choices:
        return _chosen(vital, sent, unit)
    number = _number(sent)
    if number is None or not vital.numeric:
        reason = "value_not_a_number" if vital.numeric else "value_not_a_choice"
        raise ReadingError(reason, f"{vital.name} {seen(sent if number is None else number)}")
    return _counted(vital, number, unit)


def accept(*, vital: object, value: object, unit: object, observed: Stamp | ReadingError) -> Reading:
    """Return the reading that a vital, value, unit and time make; ReadingError with the reason where they make none.

    `observed` may be the error that reading the time met, so that what is wrong with the vital is said first.
    """
    word = name(vital)
    known = vitals.find(word)
    if known is None and word.startswith(RESERVED):
        raise ReadingError("vital_reserved", seen(word))
    if isinstance(observed, ReadingError):
        raise observed
    measured = measure(known, value, unit)
    return Reading(
        vital=word if known is None else known.name,
        value=measured.value,
        text=measured.text,
        observed_ms=observed.observed_ms,
        raw_value=measured.raw_value,
        raw_unit=measured.raw_unit,
        marks=observed.marks | measured.marks,
    )


def judge(
    *, index: int, vital: object, value: object, unit: object, observed: Stamp | ReadingError
) -> Reading | Refused:
    """Return the reading, or the refusal of the `index`-th of a message with its reason.

    A refusal of a vital that the table knows, at a time that can be believed, is an attempt: the vital was measured. Of
    another vital nobody knows what was tried, and at a time that cannot be, not when.
    """
    try:
        return accept(vital=vital, value=value, unit=unit, observed=observed)
    except ReadingError as error:
        named = vital if isinstance(vital, str) and error.reason != "vital_invalid" else None
        known = vitals.find(named) if named is not None else None
        attempt = None
        if known is not None and isinstance(observed, Stamp):
            sent = _sent(known, value, unit, error.reason)
            attempt = Attempt(vital=known.name, observed_ms=observed.observed_ms, sent=sent)
        return Refused(vital=named, reason=error.reason, detail=error.detail, index=index, attempt=attempt)


def _sent(vital: Vital, value: object, unit: object, reason: str) -> str:
    """Return what was sent in place of a value, as people read it, with the unit that it was likely in."""
    if value is None:
        return "no value"
    number = _number(value)
    words = [seen(value) if number is None else f"{number:g}"]
    if unit is not None and unit != "":
        words.append(unit if isinstance(unit, str) and _NAME.fullmatch(unit) else seen(unit))
    elif number is not None and not vital.unit.startswith("{"):
        words.append(vital.unit)
    if reason == "unit_slip" and number is not None:
        return f"{' '.join(words)}, likely {' or '.join(vital.likely_units(number, _unit(unit)))}"
    return " ".join(words)
