"""`vwmon alerts log`: what happened to alerts, in the order it happened."""

from contextlib import closing

from alerts import queries
from vwmon.cli import context, render, work_list
from vwmon.cli.options import (
    ConfigOption,
    DbOption,
    FormatOption,
    JsonOption,
    OneAlert,
    SinceOption,
    span_ms,
)
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.store.database import open_reader


def log(
    alert: OneAlert = "",
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    since: SinceOption = "",
) -> None:
    """Show what happened to one alert, or to all, in the order it happened."""
    form, within_ms = render.chosen(form, as_json), span_ms(since)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        standing = standing_of(opened)
        events = queries.history(opened, alert, 0 if within_ms is None else standing.now_ms - within_ms)
    standing.announce(form)
    if form is Format.TABLE:
        told = [f"{event['alert']}  {work_list.told(event)}" for event in events]
        standing.say(told or ["Nothing has happened."])
    else:
        render.emit(events, (), form)
    standing.leave()
