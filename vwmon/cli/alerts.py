"""`vwmon alerts`: the work list, and what people do with it.

Thin: the rules of every act are in the alerts package, the look of every list in vwmon.cli.work_list.
"""

import sys
from contextlib import closing
from typing import Annotated

import typer

from alerts.model import Lane, State
from alerts.queries import Wanted
from vwmon.cli import alert_acts, alert_log, asked_list, context, render, work_list
from vwmon.cli.asked_list import Asked, ListFormat
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
from vwmon.cli.standing import standing_of
from vwmon.cli.triage.command import triage
from vwmon.store.database import open_reader

LEAST_INTERVAL_MS, MOST_INTERVAL_MS = 1000, 60_000

app = group("alerts", "The work list, most urgent first.")


@app.callback()
def work(
    ctx: typer.Context,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: Annotated[
        ListFormat, typer.Option("--format", "-o", help="How to print.", case_sensitive=False)
    ] = ListFormat.TABLE,
    as_json: JsonOption = False,
    lane: Annotated[str, typer.Option(help="clinical, technical, system or all.")] = "all",
    level: Annotated[str, typer.Option(help="This level and above: 1, 2 or 3.")] = "1",
    state: Annotated[str, typer.Option(help="Some states only, as in new,reraised.", show_default=False)] = "",
    ward: Annotated[str, typer.Option(help="One ward only.", show_default=False)] = "",
    patient: Annotated[str, typer.Option(help="One patient only.", show_default=False)] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Those that I own.", show_default=False)] = False,
    unowned: Annotated[bool, typer.Option("--unowned", help="Those nobody has in hand.", show_default=False)] = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Those whose answer is overdue.", show_default=False)
    ] = False,
    snoozed: Annotated[
        bool, typer.Option("--snoozed", help="Also those that were put off.", show_default=False)
    ] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="What waits to be confirmed instead.", show_default=False)
    ] = False,
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones instead.", show_default=False)] = False,
    since: SinceOption = "",
    names: Annotated[bool, typer.Option("--names", help="People's names, not initials.", show_default=False)] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colour.", show_default=False)] = False,
    caught_up: Annotated[
        bool, typer.Option("--catch-up", help="What happened since the ward closed.", show_default=False)
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="10 plus the highest level.", show_default=False)
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing; q or Ctrl-C ends.", show_default=False)] = False,
    interval: Annotated[str, typer.Option(metavar="SPAN", help="How often to look, with --watch: 1s to 1m.")] = "2s",
    until_clear: Annotated[
        bool, typer.Option("--until-clear", help="Watch until nothing is open.", show_default=False)
    ] = False,
    as_name: AsOption = "",
) -> None:
    """List the open alerts, the most urgent first.

    Technical alerts of level 1 are one line below the list, and snoozed ones a number there. Programs are given all but
    what is snoozed.

    Exit code 4: the list may be out of date; it is printed all the same.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx)
        return
    settings = context.resolve(config, db)
    actor = context.actor(as_name, settings)
    asked = Asked(
        settings=settings,
        wanted=Wanted(
            lanes=_named(Lane, "" if lane == "all" else lane),
            level=_level(level),
            states=_named(State, state),
            ward=ward,
            patient=patient,
            closed=closed,
            owner=actor if mine else "",
            unowned=unowned,
            overdue=overdue,
            snoozed=snoozed,
        ),
        within_ms=span_ms(since),
        form=ListFormat.JSON if as_json else form,
        actor=actor,
        names=names,
        plain=no_color,
    )
    if watch or until_clear:
        _watch(asked, interval, until_clear=until_clear, pending=pending)
    elif caught_up:
        _catch_up(asked, exit_code=exit_code)
    elif pending:
        _show_pending(asked)
    else:
        _show(asked, exit_code=exit_code)


def _show(asked: Asked, *, exit_code: bool) -> None:
    shown = asked_list.read(asked)
    shown.standing.announce(asked.form.usual if asked.form.people else Format.JSON)
    if asked.form is ListFormat.IDS:
        sys.stdout.writelines(f"{row['id']}\n" for row in shown.rows)
    else:
        wide = asked.form is ListFormat.WIDE
        form, now_ms = asked.form.usual, shown.standing.now_ms
        work_list.show_list(shown.rows, form, now_ms, shown.around, wide=wide, plain=asked.plain)
    shown.standing.leave(shown.highest if exit_code else 0)


def _catch_up(asked: Asked, *, exit_code: bool) -> None:
    from vwmon.cli import catch_up

    if asked.form is ListFormat.IDS:
        raise typer.BadParameter("--catch-up tells what happened; ask with --json")
    with closing(open_reader(asked.settings.store.path)) as opened:
        standing = standing_of(opened)
        rows = catch_up.show(opened, asked.settings, standing, asked.wanted, asked.form.usual)
    open_levels = [row["level"] for row in rows if row["state"] != State.CLOSED]
    standing.leave(max(open_levels, default=0) if exit_code else 0)


def _show_pending(asked: Asked) -> None:
    if not asked.of_some_only:
        raise typer.BadParameter("what is pending can be narrowed with --ward and --patient, and with nothing else")
    if asked.form is ListFormat.IDS:
        raise typer.BadParameter("what is pending is no alert yet and has no id; ask with --json")
    shown = asked_list.read_pending(asked)
    form, standing = asked.form.usual, shown.standing
    standing.announce(form)
    footer = shown.around.footer if shown.rows else [shown.around.empty]
    render.emit(shown.rows, asked_list.pending_columns(standing.now_ms), form, title=standing.title, footer=footer)
    standing.leave()


def _watch(asked: Asked, interval: str, *, until_clear: bool, pending: bool) -> None:
    """Show the list again and again until a key or Ctrl-C ends it; the last one stays on the screen."""
    if not asked.form.people or not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise typer.BadParameter("--watch needs a terminal; without one, ask again with --json")
    if pending or asked.wanted.closed:
        raise typer.BadParameter("--watch shows what is open; leave out --pending and --closed")
    every_ms = span_ms(interval) or 0
    if not LEAST_INTERVAL_MS <= every_ms <= MOST_INTERVAL_MS:
        raise typer.BadParameter(f"--interval {interval} is not between 1s and 1m")
    from vwmon.cli.watching import watch

    watch(asked, every_ms / 1000, until_clear=until_clear)


@app.command()
def show(
    alert: OneAlert,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    names: Annotated[
        bool, typer.Option("--names", help="The person's name, not initials.", show_default=False)
    ] = False,
    trends: Annotated[str, typer.Option(metavar="SPAN", help="How far back the trend lines go.")] = "24h",
) -> None:
    """Show one alert: where it stands, why, what an acknowledgement covers, its trends and its history."""
    from vwmon.cli import alert_page

    form, settings = render.chosen(form, as_json), context.resolve(config, db)
    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        page = alert_page.read(opened, standing, settings, alert, span_ms(trends) or 0, names=_identify(form, names))
    standing.announce(form)
    if form is Format.TABLE:
        standing.say(alert_page.lines(page))
    else:
        render.emit_one(page.record, form)
    standing.leave()


def _identify(form: Format, names: bool) -> bool | None:
    return names if names or form is Format.TABLE else None


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


for command in (alert_log.log, *alert_acts.COMMANDS, triage):
    app.command()(command)
