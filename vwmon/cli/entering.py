"""Entering readings by hand: what was said becomes stored readings, and the person hears what became of it.

What may be said is vwmon.by_hand's, how it is stored vwmon.store.entered's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from vwmon import by_hand
from vwmon.by_hand import WAYS
from vwmon.cli import doubted, reading_rows, render
from vwmon.cli.changing import Change, changing
from vwmon.cli.render import Format, Row
from vwmon.cli.standing import standing_of
from vwmon.doubts import Doubt
from vwmon.errors import UsageError
from vwmon.patients.records import Stay
from vwmon.store import entered, listing, registers
from vwmon.store.entered import Entered
from vwmon.store.listing import Wanted


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody enters: of whom, which values, how they came, when they were measured, and a note."""

    patient: str
    values: Sequence[str]
    way: str
    at: str
    note: str


def enter(config: Path | None, db: Path | None, as_name: str, said: Said, form: Format) -> None:
    """Store what was said and tell what is now known of the patient; UsageError for what cannot be taken."""
    if said.way not in WAYS:
        raise UsageError(f"--by {said.way!a}: one of {', '.join(WAYS)}")
    with changing(config, db, as_name) as change:
        stay = registers.open_stay(change.db, said.patient)
        observed_ms = moment(change, stay, said.at)
        message = by_hand.message(said.values, uuid4().hex, observed_ms)
        who = Entered(way=said.way, actor=change.by.actor, note=said.note.strip())
        appended = entered.enter(change.db, stay, message, who, change.by.at_ms)
        wanted = Wanted(limit=appended.stored, device=entered.device_of(stay, said.way), since_ms=observed_ms)
        stored = [row for row in listing.readings(change.db, wanted) if row.seq > appended.last_seq - appended.stored]
        rows = reading_rows.reading_rows(change.db, stored, doubted.of_listed(change.db, stored))
        title, when = standing_of(change.db).title, change.here(observed_ms, stay.ward)
    if form is not Format.TABLE:
        render.emit(rows, (), form)
    else:
        _tell(rows, stay, when, said)
    for vital in by_hand.questioned(message):
        render.warn(f"note: {vital} is outside what is usually measured at home; it counts. Measure it again.")
    for doubt, sentence in _doubts(rows):
        if doubt != Doubt.QUESTIONED:
            render.warn(f"note: {sentence}. It counts. Measure it again.")
    if title:
        render.warn(f"{title}. What was entered is stored and waits to be scored.")


def _tell(rows: Sequence[Row], stay: Stay, when: str, said: Said) -> None:
    values = ", ".join(f"{row['vital']} {reading_rows.shown(row)}" for row in reversed(rows))
    render.say(f"Stored for patient {stay.patient}, ward {stay.ward}, measured {when}, by {said.way}: {values}.")
    render.say(f"See: vwmon patients show {stay.patient}")


def _doubts(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        yield from zip(row["doubts"], row["doubts_said"], strict=True)


def moment(change: Change, stay: Stay, text: str) -> int:
    """Read when it was measured; UsageError for a time to come, or before the stay."""
    observed_ms = change.moment(text)
    if observed_ms > change.by.at_ms:
        raise UsageError(f"{text} is in the future")
    if observed_ms < stay.admitted_ms:
        raise UsageError(f"patient {stay.patient!a} was not on the ward yet at that time")
    return observed_ms
