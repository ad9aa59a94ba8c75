"""`vwmon notify`: a test message by a channel, and who was told of what. The sending itself is vwmon.channels'."""

from contextlib import closing
from typing import Annotated

import typer

from vwmon.cli import render
from vwmon.cli.context import resolve
from vwmon.cli.options import ConfigOption, DbOption, FormatOption, JsonOption, duration_ms, group
from vwmon.cli.render import Column, Format
from vwmon.errors import NotFoundError, VwmonError

app = group("notify", "Test a channel; who was told of what.", alone=False)

COLUMNS = (
    Column(key="asked_at", title="ASKED"),
    Column(key="alert", title="ALERT"),
    Column(key="level", title="LEVEL"),
    Column(key="cycle", title="CYCLE"),
    Column(key="tier", title="TIER"),
    Column(key="turn", title="TURN"),
    Column(key="state", title="STATE"),
    Column(key="recipient", title="WHOM"),
    Column(key="channel", title="CHANNEL"),
    Column(key="delivery", title="DELIVERY"),
    Column(key="attempts", title="TRIED"),
    Column(key="sent_at", title="SENT"),
    Column(key="why", title="WHY", compose=lambda row: row["error"] or row["reason"] or ""),
)


@app.command("test")
def try_out(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="As [notify.channels.CHANNEL] names it.")],
    config: ConfigOption = None,
) -> None:
    """Send a test message by a channel, now, and say what became of it. It names no patient.

    Exit code 1 when an address did not take it, 3 when there is no such channel.
    """
    settings = resolve(config, None)
    from vwmon import channels, notices

    known = [one.name for one in settings.notify.channels]
    if channel not in known:
        there = f"there are {', '.join(known)}" if known else "none is configured"
        raise NotFoundError(f"there is no channel {channel!a}; {there}")
    addresses = channels.load(settings)
    subject, text = notices.test_message(channel)
    failed = False
    for name in channels.of_channel(addresses, channel):
        trouble = addresses[name].send(subject, text)
        failed = failed or trouble is not None
        render.say(f"{name}: taken" if trouble is None else f"{name}: NOT taken: {trouble}")
    if failed:
        raise typer.Exit(VwmonError.exit_code)


@app.command()
def log(
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    since: Annotated[str, typer.Option("--since", metavar="SPAN", help="How far back.")] = "24h",
) -> None:
    """List who was told of what, by which channel, and what became of it: what was sent was not yet seen."""
    settings, form = resolve(config, db), render.chosen(form, as_json)
    from alerts import queries
    from vwmon.cli.standing import standing_of
    from vwmon.store.database import open_reader

    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        rows = queries.deliveries_since(opened, standing.now_ms - duration_ms(since))
    standing.announce(form)
    if rows or form is not Format.TABLE:
        render.emit(rows, COLUMNS, form, title=standing.title)
    else:
        standing.say([f"Nothing was to be told in the last {since}."])
    standing.leave()
