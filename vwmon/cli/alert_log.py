"""`vwmon alerts log`: what happened to alerts, in the order it happened, and whether that is what was written."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts import queries
from vwmon.cli import context, render, work_list
from vwmon.cli.options import ConfigOption, DbOption, FormatOption, JsonOption, OneAlert, SinceOption, span_ms
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.errors import VwmonError
from vwmon.store.database import open_reader


def log(
    alert: OneAlert = "",
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    since: SinceOption = "",
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that the whole history is as it was written.", show_default=False)
    ] = False,
    anchors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --verify: anchors to hold it against, or lines of the journal; else those beside the database.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what happened to one alert, or to all, in the order it happened.

    Exit code 1 with --verify: the history is not as it was written.
    """
    form, within_ms = render.chosen(form, as_json), span_ms(since)
    path = context.resolve(config, db).store.path
    if verify:
        _verify(path, anchors, form)
        return
    if anchors is not None:
        raise typer.BadParameter("--anchors goes with --verify")
    with closing(open_reader(path)) as opened:
        standing = standing_of(opened)
        events = queries.history(opened, alert, 0 if within_ms is None else standing.now_ms - within_ms)
    standing.announce(form)
    if form is Format.TABLE:
        told = [f"{event['alert']}  {work_list.told(event)}" for event in events]
        standing.say(told or ["Nothing has happened."])
    else:
        render.emit(events, (), form)
    standing.leave()


def _verify(path: Path, file: Path | None, form: Format) -> None:
    from alerts.audit import audit, removals
    from vwmon.store import anchors

    beside = anchors.beside(path)
    named = file or (beside if beside.exists() else None)
    known = anchors.read(named) if named is not None else []
    with closing(open_reader(path)) as opened:
        found, gone = audit(opened, known), removals(opened)
    record: dict[str, Any] = {
        "sound": not found.breaks,
        "count": found.count,
        "head": found.head,
        "anchors": len(known),
        "file": str(named) if named is not None else None,
        "breaks": [{"event": one.event_no, "what": one.what} for one in found.breaks],
        "removals": [{**one, "at": render.utc(one["at_ms"])} for one in gone],
    }
    if form is not Format.TABLE:
        render.emit_one(record, form)
    else:
        for line in _lines(record):
            render.say(line)
    if found.breaks:
        raise typer.Exit(VwmonError.exit_code)


def _lines(record: dict[str, Any]) -> list[str]:
    """Say what was found; without anchors, also what that leaves open."""
    held = f"held against {record['anchors']} anchors of {record['file']}"
    if record["file"] is None:
        held = "there are no anchors to hold it against, so that an end that was cut off would not show"
    taken = [
        f"  {one['at']} {one['actor']} took away: stays {one['counts']['stay']}, alerts {one['counts']['alert']}, "
        f'events {one["counts"]["alert_event"]}: "{one["note"]}"'
        for one in record["removals"]
    ]
    if record["sound"]:
        return [f"The history of alerts is as it was written: {record['count']} events; {held}.", *taken]
    broken = [f"  {one['what']}" for one in record["breaks"]]
    return [f"The history of alerts is NOT as it was written ({record['count']} events; {held}):", *broken]
