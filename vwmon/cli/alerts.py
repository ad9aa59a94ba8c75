"""`vwmon alerts`: the work list, and what people do with it.

Thin: the rules of every act are in the alerts package, the look of every list in vwmon.cli.work_list.
"""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from alerts import queries
from alerts.model import Lane, State
from alerts.queries import Wanted
from vwmon.cli import alert_acts, alert_log, context, render, work_list
from vwmon.cli.options import (
    AsOption,
    ConfigOption,
    DbOption,
    FormatOption,
    JsonOption,
    OneAlert,
    SinceOption,
    group,
    span_ms,
)
from vwmon.cli.render import Format
from vwmon.cli.standing import Standing, standing_of
from vwmon.cli.triage.command import triage
from vwmon.config import Settings
from vwmon.store import registers
from vwmon.store.database import open_reader
from vwmon.store.sqlite import Connection

app = group("alerts", "The work list, most urgent first.")
for command in (*alert_acts.COMMANDS, alert_log.log, triage):
    app.command()(command)


@app.callback()
def work(
    ctx: typer.Context,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    lane: Annotated[str, typer.Option(help="clinical, technical, system or all.")] = "all",
    level: Annotated[str, typer.Option(help="This level and above: 1, 2 or 3.")] = "1",
    state: Annotated[str, typer.Option(help="Some states only, as in new,reraised.", show_default=False)] = "",
    ward: Annotated[str, typer.Option(help="One ward only.", show_default=False)] = "",
    patient: Annotated[str, typer.Option(help="One patient only.", show_default=False)] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Those that I own.", show_default=False)] = False,
    unowned: Annotated[bool, typer.Option("--unowned", help="Those nobody has in hand.", show_default=False)] = False,
    snoozed: Annotated[
        bool, typer.Option("--snoozed", help="Also those that were put off.", show_default=False)
    ] = False,
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones instead.", show_default=False)] = False,
    since: SinceOption = "",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="10 plus the highest level.", show_default=False)
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing; q or Ctrl-C ends.", show_default=False)] = False,
    as_name: AsOption = "",
) -> None:
    """List the open alerts, the most urgent first.

    Exit code 4: the list may be out of date; it is printed all the same.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx)
        return
    settings = context.resolve(config, db)
    wanted = Wanted(
        lanes=_named(Lane, "" if lane == "all" else lane),
        level=_level(level),
        states=_named(State, state),
        ward=ward,
        patient=patient,
        closed=closed,
        owner=context.actor(as_name, settings) if mine else "",
        unowned=unowned,
        snoozed=snoozed,
    )
    form, within_ms = render.chosen(form, as_json), span_ms(since)
    if wanted.patient or wanted.ward:
        _check(wanted, settings)
    if watch:
        _watch(settings.store.path, form, wanted, within_ms)
        return
    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        rows = _rows(opened, standing, wanted, within_ms)
        standing.announce(form)
        work_list.show_list(rows, form, standing.now_ms, _around(opened, standing, wanted, len(rows)))
    open_levels = [row["level"] for row in rows if row["state"] != State.CLOSED]
    standing.leave(max(open_levels, default=0) if exit_code else 0)


@app.command()
def show(
    alert: OneAlert,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Show one alert: where it stands, why, what an acknowledgement covers, and its history."""
    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        standing = standing_of(opened)
        asked = work_list.lookups(opened, standing.now_ms, decide=True)
        record = queries.one(opened, asked, standing.now_ms, alert)
    standing.announce(form)
    if form is Format.TABLE:
        standing.say(work_list.detail(record, standing.now_ms))
    else:
        render.emit_one(record, form)
    standing.leave()


@app.command()
def stats(
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    since: Annotated[
        str,
        typer.Option(
            metavar="SPAN",
            help="Raised within this span, as in 12h; else within 7 days, or in all of a recording.",
            show_default=False,
        ),
    ] = "",
    ward: Annotated[str, typer.Option(help="One ward only.", show_default=False)] = "",
) -> None:
    """Count what the list costs and brings: alerts for each patient and day, how soon answered, what came of them."""
    from vwmon.cli import burden

    settings, form = context.resolve(config, db), render.chosen(form, as_json)
    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        record = burden.record(opened, settings, standing, span_ms(since), ward)
    standing.announce(form)
    if form is Format.TABLE:
        standing.say(burden.lines(record))
    else:
        render.emit_one(record, form)
    standing.leave()


def _check(wanted: Wanted, settings: Settings) -> None:
    """Raise NotFoundError for a patient or ward that never was: a slip in a name must not look like a quiet ward."""
    with closing(open_reader(settings.store.path)) as opened:
        if wanted.patient:
            registers.stays_of(opened, wanted.patient)
        if wanted.ward:
            registers.check_ward(opened, wanted.ward, [ward.id for ward in settings.wards])


def _rows(db: Connection, standing: Standing, wanted: Wanted, within_ms: int | None) -> list[queries.Record]:
    since_ms = 0 if within_ms is None else standing.now_ms - within_ms
    return queries.work_list(db, work_list.lookups(db, standing.now_ms), standing.now_ms, wanted, since_ms)


def _around(db: Connection, standing: Standing, wanted: Wanted, listed: int) -> work_list.Around:
    empty = "No closed alerts." if wanted.closed else "No open alerts."
    return work_list.Around(title=standing.title, empty=empty, footer=standing.footer(db, listed))


def _watch(path: Path, form: Format, wanted: Wanted, within_ms: int | None) -> None:
    """Show the list again and again until a key or Ctrl-C ends it; the last one stays on the screen."""
    if form is not Format.TABLE or not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise typer.BadParameter("--watch needs a terminal; without one, ask again with --json")

    def shown(width: int) -> list[work_list.Line]:
        with closing(open_reader(path)) as opened:
            standing = standing_of(opened)
            rows = _rows(opened, standing, wanted, within_ms)
            around = _around(opened, standing, wanted, len(rows))
        return [*work_list.lines(rows, standing.now_ms, around, width), ("q ends", "dim")]

    from vwmon.cli.watching import watch

    watch(shown)


def _refuse_options_before(ctx: typer.Context) -> None:
    """Refuse options that were written before a command, which would not see them."""
    given = [name for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        raise typer.BadParameter(f"write options after the command: vwmon alerts {ctx.invoked_subcommand} ... OPTION")


def _named(names: type[Lane] | type[State], text: str) -> tuple[str, ...]:
    asked = tuple(name.strip() for name in text.split(",")) if text else ()
    unknown = [name for name in asked if name not in set(names)]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(names)}")
    return asked


def _level(text: str) -> int:
    if text.removesuffix("+") not in {"1", "2", "3"}:
        raise typer.BadParameter(f"{text!r} is no level; write 1, 2 or 3")
    return int(text.removesuffix("+"))
