"""`vwmon handover`: what someone has in hand, given to the next. Its rules are in the alerts package."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts import queries, wording
from alerts.model import Lane
from vwmon.cli import context, render, stay_lookups, work_list
from vwmon.cli.options import AsOption, ConfigOption, DbOption, FormatOption, JsonOption, group
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.errors import NotFoundError
from vwmon.store.database import atomic, open_reader
from vwmon.store.sqlite import Connection

if TYPE_CHECKING:
    from alerts.handovers import Handover, Item

app = group("handover", "What you have in hand, to the next.", alone=False)

NoteOption = Annotated[str, typer.Option("-m", "--note", metavar="NOTE", help="In a few words.", show_default=False)]


@app.command()
def start(
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    as_name: AsOption = "",
) -> None:
    """Hand over all that you have in hand.

    It stays yours, and its clocks run on, until someone accepts it: vwmon handover accept.
    """
    from alerts import handovers
    from vwmon.cli.acting import acting

    with acting("handover", config, db, as_name) as person:
        act = person.act(words)
        with atomic(person.db):
            number = handovers.start(person.db, act)
        begun = [one for one in handovers.current(person.db) if one.handover_no == number]
        records = _records(person.db, begun, act.now_ms)
    if as_json:
        render.emit(records, (), Format.JSON)
    elif not records:
        render.say("You have no alert in hand: there is nothing to hand over.")
    for record in records if not as_json else ():
        for line in _lines(record):
            render.say(line)


@app.command()
def show(
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    form: FormatOption = Format.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Show what is being handed over: as it was then, as it is now, and who accepted it."""
    from alerts import handovers

    form = render.chosen(form, as_json)
    with closing(open_reader(context.resolve(config, db).store.path)) as opened:
        standing = standing_of(opened)
        records = _records(opened, list(handovers.current(opened)), standing.now_ms)
    standing.announce(form)
    if form is Format.TABLE:
        standing.say([line for record in records for line in _lines(record)] or ["Nothing is being handed over."])
    else:
        render.emit(records, (), form)
    standing.leave()


@app.command()
def accept(
    alerts: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Alerts.", show_default=False)] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that is being handed over.", show_default=False)] = False,
    giver: Annotated[
        str, typer.Option("--from", metavar="NAME", help="With --all: what this person gives.", show_default=False)
    ] = "",
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    as_name: AsOption = "",
) -> None:
    """Take over alerts that are being handed over: they are yours from now on, for as long as they were in hand.

    Exit code 5: someone else was first, or the alert asks again meanwhile.
    """
    from alerts import handovers
    from vwmon.cli.acting import acting, ids_of

    if bool(alerts) == every:
        raise typer.BadParameter("name the alerts to accept, or --all")
    with acting("accept", config, db, as_name) as person:
        named = _all(person.db, giver) if every else ids_of(alerts or [])
        act = person.act(words)
        person.each(named, act, handovers.accept)
        person.report(as_json=as_json)


def _all(db: Connection, giver: str) -> list[str]:
    """Name what waits to be accepted; of one person, so that nobody takes over a ward that they did not mean to."""
    from alerts import handovers

    given = handovers.given(db, giver)
    if not given:
        said = f"{giver} has nothing that waits" if giver else "nothing waits"
        raise NotFoundError(f"{said} to be accepted; see: vwmon handover show")
    if len(given) > 1:
        raise typer.BadParameter(f"several hand over: {', '.join(given)}; name one with --from")
    return next(iter(given.values()))


def _records(db: Connection, found: "list[Handover]", now_ms: int) -> list[dict[str, Any]]:
    lookups = stay_lookups.lookups(db, now_ms)
    return [
        {
            "handover": one.handover_no,
            "from": one.giver,
            "started_at": queries.utc(one.started_ms),
            "due_at": queries.utc(one.due_ms),
            "overdue": one.due_ms <= now_ms and bool(one.waiting),
            "note": one.note,
            "waiting": len(one.waiting),
            "items": [_item(item, queries.one(db, lookups, now_ms, item.alert.id)) for item in one.items],
        }
        for one in found
    ]


def _item(item: "Item", record: queries.Record) -> dict[str, Any]:
    was = {f"{name.removesuffix('_ms')}_at": queries.utc(at) for name, at in item.was.items() if name.endswith("_ms")}
    was |= {name: value for name, value in item.was.items() if not name.endswith("_ms")}
    return {
        "waiting": item.waiting,
        "accepted_by": item.taker,
        "accepted_at": queries.utc(item.accepted_ms),
        "was": was,
        "alert": {name: value for name, value in record.items() if name not in {"events", "evidence", "covers"}},
    }


def _lines(record: dict[str, Any]) -> Iterator[str]:
    words = f': "{record["note"]}"' if record["note"] else ""
    late = "OVERDUE since" if record["overdue"] else "to be accepted by"
    count = f"{record['waiting']} of {len(record['items'])} not accepted"
    yield f"{record['from']} hands over since {record['started_at']}, {late} {record['due_at']}; {count}{words}"
    for item in record["items"]:
        yield f"  {work_list.headline(item['alert'])}{_changed(item)}: {_whose(record, item)}"
        yield f"    {'; '.join(item['alert']['why'])}"


def _changed(item: dict[str, Any]) -> str:
    was, now = item["was"], item["alert"]
    lane = Lane(now["lane"])
    said = [] if was["level"] == now["level"] else [f"was {wording.mark(lane, was['level'])} when handed over"]
    said += [flag.upper() for flag in now["flags"]]
    return f" ({', '.join(said)})" if said else ""


def _whose(record: dict[str, Any], item: dict[str, Any]) -> str:
    if item["accepted_by"] is not None:
        return f"accepted by {item['accepted_by']} at {item['accepted_at']}"
    if item["waiting"]:
        return f"with {record['from']} until {item['alert']['acknowledged_until']}, not accepted"
    owner = item["alert"]["owner"] if item["alert"]["state"] == "acknowledged" else None
    return f"with {owner}" if owner is not None else f"no longer with {record['from']}: see vwmon alerts"
