"""`vwmon alerts`: the work list, and what people do with it.

Thin: the rules of every act are in the alerts package, the look of every list in vwmon.cli.work_list.
"""

import sys
from contextlib import closing
from typing import Annotated

import typer

from alerts import queries
from alerts.model import Lane, Outcome, State
from alerts.queries import Wanted
from vwmon.cli import context, render, work_list
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, duration_ms, group
from vwmon.cli.render import Format
from vwmon.cli.standing import Standing, standing_of
from vwmon.config import Settings
from vwmon.store import registers
from vwmon.store.database import open_reader
from vwmon.store.sqlite import Connection

EMERGENCY_SERVICE = "999"  # said for transferred

app = group("alerts", "The work list, most urgent first.")

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Alerts, or - to read ids from standard input.")]
OneId = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
NoteOption = Annotated[str, typer.Option("-m", "--note", metavar="NOTE", help="In a few words.", show_default=False)]
RevOption = Annotated[
    int | None,
    typer.Option("--rev", metavar="N", help="The version you saw; refused if it got worse since.", show_default=False),
]
SinceOption = Annotated[str, typer.Option(metavar="SPAN", help="Not before this span, as in 12h.", show_default=False)]


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
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones instead.", show_default=False)] = False,
    since: SinceOption = "",
    caught_up: Annotated[
        bool, typer.Option("--catch-up", help="What happened since the ward closed.", show_default=False)
    ] = False,
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
    )
    form, within_ms = render.chosen(form, as_json), _within(since)
    if wanted.patient or wanted.ward:
        _check(wanted, settings)
    if watch:
        _watch(settings, form, wanted, within_ms)
        return
    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        if caught_up:
            from vwmon.cli import catch_up

            rows = catch_up.show(opened, settings, standing, wanted, form)
        else:
            rows = _rows(opened, settings, standing, wanted, within_ms)
            standing.announce(form)
            work_list.show_list(rows, form, standing.now_ms, _around(opened, standing, wanted, len(rows)))
    open_levels = [row["level"] for row in rows if row["state"] != State.CLOSED]
    standing.leave(max(open_levels, default=0) if exit_code else 0)


@app.command()
def show(
    alert: OneId,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Show one alert: where it stands, why, what an acknowledgement covers, and its history."""
    settings, form = context.resolve(config, db), render.chosen(form, as_json)
    with closing(open_reader(settings.store.path)) as opened:
        standing = standing_of(opened)
        asked = work_list.lookups(opened, standing.now_ms, decide=True, wards=settings.wards)
        record = queries.one(opened, asked, standing.now_ms, alert)
    standing.announce(form)
    if form is Format.TABLE:
        standing.say([*work_list.detail(record, standing.now_ms), *_told(settings, record, standing.now_ms)])
    else:
        render.emit_one(record, form)
    standing.leave()


@app.command()
def log(
    alert: OneId = "",
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
    since: SinceOption = "",
) -> None:
    """Show what happened to one alert, or to all, in the order it happened."""
    form, within_ms = render.chosen(form, as_json), _within(since)
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
        record = burden.record(opened, settings, standing, _within(since), ward)
    standing.announce(form)
    if form is Format.TABLE:
        standing.say(burden.lines(record))
    else:
        render.emit_one(record, form)
    standing.leave()


@app.command()
def ack(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="As in 45m.", show_default=False)] = "",
    take: Annotated[bool, typer.Option("--take", help="Take over from its owner.", show_default=False)] = False,
    rev: RevOption = None,
    as_name: AsOption = "",
) -> None:
    """Take alerts in hand. At level 2 and above, say with -m what is being done.

    An alert comes back when it gets worse than it is now, and when the time is up.
    """
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    for_ms = _within(span)
    with acting(config, db, as_name) as person:
        act = person.act(words, rev)
        person.each(ids_of(alerts), lambda opened, id_: store.acknowledge(opened, id_, act, for_ms=for_ms, take=take))
        person.report(as_json=as_json)


@app.command()
def note(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    as_name: AsOption = "",
) -> None:
    """Put words on record beside alerts, open or closed; nothing else changes."""
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    with acting(config, db, as_name) as person:
        act = person.act(words)
        person.each(ids_of(alerts), lambda opened, id_: store.note(opened, id_, act))
        person.report(as_json=as_json)


@app.command()
def close(
    alerts: Ids,
    *,
    outcome: Annotated[str, typer.Option(metavar="CODE", help=f"One of {', '.join(Outcome)}.", show_default=False)],
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    rev: RevOption = None,
    as_name: AsOption = "",
) -> None:
    """Close alerts that are acknowledged or have settled, with what came of them."""
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    came_of_it = _outcome(outcome)
    with acting(config, db, as_name) as person:
        act = person.act(words, rev)
        person.each(ids_of(alerts), lambda opened, id_: store.close(opened, id_, act, came_of_it))
        person.report(as_json=as_json)


def _check(wanted: Wanted, settings: Settings) -> None:
    """Raise NotFoundError for a patient or ward that never was: a slip in a name must not look like a quiet ward."""
    with closing(open_reader(settings.store.path)) as opened:
        if wanted.patient:
            registers.stays_of(opened, wanted.patient)
        if wanted.ward:
            registers.check_ward(opened, wanted.ward, [ward.id for ward in settings.wards])


def _rows(
    db: Connection, settings: Settings, standing: Standing, wanted: Wanted, within_ms: int | None
) -> list[queries.Record]:
    since_ms = 0 if within_ms is None else standing.now_ms - within_ms
    asked = work_list.lookups(db, standing.now_ms, wards=settings.wards)
    return queries.work_list(db, asked, standing.now_ms, wanted, since_ms)


def _around(db: Connection, standing: Standing, wanted: Wanted, listed: int) -> work_list.Around:
    empty = "No closed alerts." if wanted.closed else "No open alerts."
    return work_list.Around(title=standing.title, empty=empty, footer=standing.footer(db, listed))


def _watch(settings: Settings, form: Format, wanted: Wanted, within_ms: int | None) -> None:
    """Show the list again and again until a key or Ctrl-C ends it; the last one stays on the screen."""
    if form is not Format.TABLE or not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise typer.BadParameter("--watch needs a terminal; without one, ask again with --json")

    def shown(width: int) -> list[work_list.Line]:
        with closing(open_reader(settings.store.path)) as opened:
            standing = standing_of(opened)
            rows = _rows(opened, settings, standing, wanted, within_ms)
            around = _around(opened, standing, wanted, len(rows))
        return [*work_list.lines(rows, standing.now_ms, around, width), ("q ends", "dim")]

    from vwmon.cli.watching import watch

    watch(shown)


def _refuse_options_before(ctx: typer.Context) -> None:
    """Refuse options that were written before a command, which would not see them."""
    given = [name for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        raise typer.BadParameter(f"write options after the command: vwmon alerts {ctx.invoked_subcommand} ... OPTION")


def _told(settings: Settings, record: queries.Record, now_ms: int) -> list[str]:
    """Say who is on duty for an alert that waits for an answer, where a rota is configured."""
    if record["route"] is None or not settings.duty:
        return []
    from vwmon.cli import duty

    return [duty.told(settings, record, now_ms)]


def _within(span: str) -> int | None:
    return duration_ms(span) if span else None


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


def _outcome(text: str) -> Outcome:
    try:
        return Outcome.TRANSFERRED if text == EMERGENCY_SERVICE else Outcome(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(Outcome)}") from None
