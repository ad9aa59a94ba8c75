"""Stored readings as rows for people and programs: values in the words that devices use for them, marks by name."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from devices.readings import MARK_CLOCK_AHEAD, MARK_QUESTIONED, MARK_RECEIPT_TIME, MARK_UNKNOWN_VITAL
from devices.vitals import VITALS, printed
from vwmon.cli import render
from vwmon.doubts import Said
from vwmon.store import entered
from vwmon.store.entered import Entered
from vwmon.store.listing import Listed, Refusal
from vwmon.store.sqlite import Connection

MARKS = {
    MARK_RECEIPT_TIME: "time_of_receipt",
    MARK_CLOCK_AHEAD: "clock_ahead",
    MARK_QUESTIONED: "questioned",
    MARK_UNKNOWN_VITAL: "unknown_vital",
}
NO_DOUBTS: Mapping[int, Sequence[Said]] = MappingProxyType({})
LEVELS_OF_CONSCIOUSNESS = "ACVPU"  # stored as 0 to 4


def value(vital: str, number: float | None, text: str | None) -> float | str | None:
    """Give a stored value as a device would say it: a number, or the word or letter that stands for it."""
    if number is None:
        return text
    known = VITALS.get(vital)
    word = known.label(number) if known is not None else None
    return number if word is None else word


def unit(vital: str) -> str | None:
    """Give the canonical unit of a vital; None where the value is a word or no table knows the vital."""
    known = VITALS.get(vital)
    return known.unit if known is not None and known.numeric else None


def shown(row: render.Row) -> str:
    """Give a value for people, with its unit, and with what was sent where that was something else."""
    text = " ".join(filter(None, (render.plain(row["value"]), printed(row["unit"] or ""))))
    if row.get("raw_value") is None:
        return text
    sent = " ".join(filter(None, (render.plain(row["raw_value"]), row["raw_unit"])))
    return f"{text} (sent as {sent})"


def reading_rows(
    db: Connection, found: Sequence[Listed], doubts: Mapping[int, Sequence[Said]] = NO_DOUBTS
) -> list[dict[str, Any]]:
    """Give stored readings as rows, with who entered those that no device sent, and with the doubts by number."""
    people = entered.of(db, {listed.seq for listed in found})
    return [_row(listed, people.get(listed.seq), doubts.get(listed.seq, ())) for listed in found]


def _row(listed: Listed, person: Entered | None, said: Sequence[Said]) -> dict[str, Any]:
    return {
        "seq": listed.seq,
        "observed_at": render.utc(listed.observed_ms),
        "patient": listed.patient,
        "ward": listed.ward,
        "stay": listed.stay_no,
        "device": listed.device,
        "vital": listed.vital,
        "value": value(listed.vital, listed.value, listed.text),
        "unit": unit(listed.vital),
        "raw_value": listed.raw_value,
        "raw_unit": listed.raw_unit,
        "marks": marks(listed.marks),
        "doubts": [str(doubt) for doubt, _ in said],
        "doubts_said": [sentence for _, sentence in said],
        "entered_by": person.actor if person is not None else None,
        "entered_how": person.way if person is not None else None,
        "note": person.note or None if person is not None else None,
        "received_at": render.utc(listed.received_ms),
        "recorded_at": render.utc(listed.recorded_ms),
    }


def flags(row: render.Row) -> str:
    """Give what was marked on a reading when it came, and what speaks against it, each once."""
    return ", ".join(dict.fromkeys([*row["marks"], *row["doubts"]]))


def refusal_row(refusal: Refusal) -> dict[str, Any]:
    """Give one row of the quarantine; bytes of the payload that are no text are written out by their codes."""
    return {
        "quarantine": refusal.quarantine_no,
        "received_at": render.utc(refusal.received_ms),
        "recorded_at": render.utc(refusal.recorded_ms),
        "topic": refusal.topic,
        "device": refusal.device,
        "message_id": refusal.message_id,
        "vital": refusal.vital,
        "reason": refusal.reason,
        "detail": refusal.detail,
        "payload": refusal.payload.decode("utf-8", errors="backslashreplace"),
        "payload_bytes": refusal.payload_bytes,
    }


def marks(bits: int) -> list[str]:
    """Name what was marked on a reading when it came."""
    return [name for bit, name in MARKS.items() if bits & bit]
