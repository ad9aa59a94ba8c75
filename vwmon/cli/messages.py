"""`vwmon messages`: what the team wrote to patients' hubs, and whether it was shown and read."""

from contextlib import closing
from typing import Annotated, Any

import typer

from vwmon.cli import context, register_rows, render
from vwmon.cli.changing import changing, tell
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, OnePatient, list_group
from vwmon.cli.render import Column, Format
from vwmon.cli.standing import standing_of
from vwmon.cli.ward_lines import UNREAD_MS
from vwmon.durations import DAY_MS
from vwmon.store import hub, registers
from vwmon.store.database import atomic, open_reader
from vwmon.store.hub import MESSAGE, HubRequest, Queued

LASTS_MS = 7 * DAY_MS  # after which a message that no hub took is not sent any more

app = list_group("messages", "What the team wrote to patients, and whether it was read.")


@app.command("list")
def list_(
    patient: Annotated[str, typer.Argument(metavar="[PATIENT]", help="One patient only.", show_default=False)] = "",
    unread: Annotated[bool, typer.Option("--unread", help="Only what nobody read yet.", show_default=False)] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 50,
) -> None:
    """List messages to patients, the latest first; `vwmon messages PATIENT` is the same.

    Delivered is that the hub showed it, read that somebody at home confirmed it.
    """
    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        at = standing_of(opened)
        if patient:
            registers.stays_of(opened, patient)
        found = [one for one in hub.listed(opened, MESSAGE, patient) if not (unread and one.read_ms is not None)]
    rows = [_row(one, at.now_ms) for one in found[:limit]]
    at.announce(form)
    footer = [f"the latest {limit}; more with --limit"] if len(found) > limit else [f"{len(rows)} messages"]
    render.emit(rows, _columns(at.now_ms), form, title=at.title, footer=footer)


@app.command()
def send(
    patient: OnePatient,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="One line, without names.", show_default=False)],
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    as_name: AsOption = "",
) -> None:
    """Write a message to a patient's hub, which shows it and says when it was read.

    Exit codes: 3 the patient is not on a ward; 6 it says who the patient is. A message is no emergency call: nobody
    has to be at home.
    """
    from vwmon.patients import messages

    form = render.chosen(form, as_json)
    with changing(config, db, as_name) as change:
        stay = registers.open_stay(change.db, patient)
        said = messages.checked(text, stay, registers.identity(change.db, stay.stay_no))
        now_ms = change.by.at_ms
        wanted = Queued(
            stay_no=stay.stay_no,
            kind=MESSAGE,
            said=said,
            actor=change.by.actor,
            due_ms=now_ms,
            until_ms=now_ms + LASTS_MS,
        )
        with atomic(change.db):
            number = hub.queue(change.db, wanted)
        written = next(one for one in hub.listed(change.db, MESSAGE, stay.patient) if one.request_no == number)
        held = [one for one in change.known().assignments if one.stay_no == stay.stay_no and one.to_ms is None]
    if not held:
        render.warn(f"note: {stay.patient} has no device, so that the message waits for one")
    tell(
        _row(written, now_ms),
        form,
        f"Written to {stay.patient}: {said}",
        f"Whether it was read: vwmon messages {stay.patient}",
    )


def _row(one: HubRequest, now_ms: int) -> dict[str, Any]:
    return {
        "message": one.name,
        "at": render.utc(one.due_ms),
        "patient": one.patient,
        "ward": one.ward,
        "stay": one.stay_no,
        "text": one.said,
        "by": one.actor,
        "state": _state(one, now_ms),
        "sent_at": _utc(one.sent_ms),
        "delivered_at": _utc(one.shown_ms),
        "read_at": _utc(one.read_ms),
        "unread_long": one.read_ms is None and now_ms - one.due_ms >= UNREAD_MS,
    }


def _state(one: HubRequest, now_ms: int) -> str:
    """Say how far a message has come; one that no hub showed in its time was not delivered."""
    if one.read_ms is not None:
        return "read"
    if one.shown_ms is not None:
        return "delivered"
    if now_ms >= one.until_ms:
        return "not delivered"
    return "sent" if one.sent_ms is not None else "waiting"


def _columns(now_ms: int) -> list[Column]:
    ago = register_rows.since(now_ms)
    return [
        Column(key="at", title="AGE", format=ago, no_wrap=True),
        Column(key="patient", title="PATIENT"),
        Column(key="by", title="BY"),
        Column(key="state", title="STATE", compose=lambda row: _told(row, now_ms)),
        Column(key="text", title="MESSAGE"),
    ]


def _told(row: render.Row, now_ms: int) -> str:
    """Say the state with since when, and of what nobody read for long that it is so."""
    at = {"read": row["read_at"], "delivered": row["delivered_at"], "sent": row["sent_at"]}.get(row["state"])
    since = f" {register_rows.since(now_ms)(at)} ago" if at else ""
    return f"{row['state']}{since}{', UNREAD' if row['unread_long'] else ''}"


def _utc(at_ms: int | None) -> str | None:
    return None if at_ms is None else render.utc(at_ms)
