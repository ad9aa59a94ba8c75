"""`vwmon patients pause`: a patient is away for a time, and what does not come then is not missed.

How long a pause may last, and what it holds back, is alerts.pauses'; where it is stored vwmon.store.pauses'.
"""

from typing import Annotated, Any

import typer

from alerts import pauses
from vwmon.cli import render
from vwmon.cli.changing import Change, changing, tell
from vwmon.cli.options import (
    AsOption,
    ConfigOption,
    DbOption,
    FormatOption,
    JsonOption,
    OnePatient,
    duration_ms,
    time_ms,
)
from vwmon.cli.render import Format
from vwmon.errors import UsageError
from vwmon.patients.records import Stay
from vwmon.store import pauses as stored
from vwmon.store import registers
from vwmon.store.pauses import Pause


def pause(
    patient: OnePatient,
    for_: Annotated[
        str, typer.Option("--for", metavar="SPAN", help='How long, e.g. "8h"; 72h at most.', show_default=False)
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="TIME", help="Until when, instead of how long.", show_default=False)
    ] = "",
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="From when on; else now.", show_default=False)
    ] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Where the patient is, or why.", show_default=False)] = "",
    end: Annotated[bool, typer.Option("--end", help="End the pause now.", show_default=False)] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Pause a patient who is away: no alert about readings that do not come, or a device that is gone.

    Whatever is measured all the same raises alerts as ever. Exit codes: 3 no such patient, or no pause to end; 6 longer
    than 72 h, or begun before it is given.
    """
    form = render.chosen(form, as_json)
    _check(for_, until, from_, reason, end=end)
    with changing(config, db, as_name) as change:
        stay = registers.open_stay(change.db, patient)
        if end:
            _ended(change, stay, stored.end(change.db, stay, change.by), form)
            return
        begins_ms = time_ms(from_) if from_ else change.by.at_ms
        until_ms = time_ms(until) if until else begins_ms + duration_ms(for_)
        span = pauses.span(change.by.at_ms, begins_ms, until_ms)
        _given(change, stay, stored.give(change.db, stay, span, reason.strip(), change.by), form)


def pause_row(found: Pause, patient: str) -> dict[str, Any]:
    """Give a pause as the interface writes it."""
    return {
        "patient": patient,
        "stay": found.stay_no,
        "from": render.utc(found.from_ms),
        "until": render.utc(found.until_ms),
        "reason": found.reason,
        "given_by": found.actor,
        "ended_at": None if found.ended_ms is None else render.utc(found.ended_ms),
    }


def _check(for_: str, until: str, from_: str, reason: str, *, end: bool) -> None:
    """Raise UsageError for options that do not go together, or that say too little."""
    if end:
        if for_ or until or from_ or reason:
            raise UsageError("--end ends the pause now, and goes with no other option of it")
        return
    if bool(for_) == bool(until):
        raise UsageError("say how long: --for 8h, or --until TIME")
    if not reason.strip():
        raise UsageError("say where the patient is, or why: --reason TEXT")


def _given(change: Change, stay: Stay, found: Pause, form: Format) -> None:
    span = f"{change.here(found.from_ms, stay.ward)} to {change.here(found.until_ms, stay.ward)}"
    tell(
        pause_row(found, stay.patient),
        form,
        f"Paused {stay.patient} from {span}: {found.reason}.",
        "Held back: readings that do not come, and devices that are gone. Whatever is measured raises alerts as ever.",
        f"Undo: vwmon patients pause {stay.patient} --end",
    )


def _ended(change: Change, stay: Stay, found: Pause, form: Format) -> None:
    at = change.here(change.by.at_ms, stay.ward)
    tell(
        pause_row(found, stay.patient),
        form,
        f"Ended the pause of {stay.patient} at {at}. What is overdue raises its alert now.",
    )
