"""`vwmon incident export`: everything about one patient and period, in a folder, for whoever looks into an incident."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vwmon.cli import context, render
from vwmon.cli.options import AsOption, ConfigOption, DbOption, OnePatient, group, time_ms
from vwmon.clock import Clock
from vwmon.errors import UsageError
from vwmon.patients.records import By
from vwmon.store.database import open_writer

app = group("incident", "Everything about one patient and period, for an incident.", alone=False)


@app.callback()
def incident() -> None:
    """Give everything about one patient and period, for an incident."""


@app.command()
def export(
    patient: OnePatient,
    *,
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help="From when on.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="Until when; else now.", show_default=False)] = "",
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="A new folder.", show_default=False)],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, and for whom: it is kept.", show_default=False)
    ],
    identity: Annotated[bool, typer.Option("--identity", help="Also who the person is.", show_default=False)] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_name: AsOption = "",
) -> None:
    """Write readings, scores, alerts, what people did, and the versions that made it all, into a new folder.

    Who did so, when and why is kept in the journal of the registers. Without --identity no name, number, date of birth
    or address is in it; the local identifier and what staff wrote are.
    """
    from vwmon.cli import incident_files

    settings = context.resolve(config, db)
    by = By(actor=context.actor(as_name, settings, changes=True), at_ms=Clock().now_ms())
    period = (time_ms(from_), time_ms(to) if to else by.at_ms)
    if period[0] >= period[1]:
        raise UsageError("the period ends before it begins")
    if not reason.strip():
        raise UsageError("say with --reason why, and for whom")
    with closing(open_writer(settings.store.path)) as opened:
        asked = incident_files.Asked(patient=patient, period=period, reason=reason, by=by, identity=identity)
        files = incident_files.export(opened, settings, asked, into)
    for name, count in files.items():
        render.say(f"{into / name}: {count}")
    render.say("It is about a person: keep it closed, send it by a safe way only, and destroy it when it was used.")
