"""`vwmon explain`: one alert made again from the log, and compared. The work is vwmon.explain's."""

from contextlib import closing
from typing import Annotated

import typer

from vwmon.cli import context, render
from vwmon.cli.options import ConfigOption, DbOption, FormatOption, JsonOption
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.store.database import open_reader

DIFFERENT = 1


def explain(
    alert: Annotated[str, typer.Argument(metavar="ALERT", show_default=False)],
    *,
    number: Annotated[
        int, typer.Option("--number", metavar="N", min=1, help="Which time that it asked for someone; 1 is the raise.")
    ] = 1,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Explain an alert: its readings, points, rule and plan, and what would have kept it quiet.

    Everything is made again from the log of readings and compared with what is stored, to the bit. Exit code 1: they
    differ, because the database was altered or another version made it; what differs is said.
    """
    form = render.chosen(form, as_json)
    settings = context.resolve(config, db)
    from vwmon import explain as engine
    from vwmon.cli import explained, explained_lines
    from vwmon.provenance import Provenance

    versions = Provenance.of(settings, told=True)
    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        record = explained.record(engine.explain(opened, alert, versions, number))
    standing.announce(form)
    if form is Format.TABLE:
        standing.say(list(explained_lines.lines(record)))
    else:
        render.emit_one(record, form)
    if not record["equal"]:
        raise typer.Exit(DIFFERENT)
