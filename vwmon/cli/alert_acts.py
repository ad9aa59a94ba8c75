"""`vwmon alerts ack`, `assign`, `snooze` and the others: what people do with the work list, and how they undo it.

Thin: the rules of every act are in the alerts package; several alerts at once are vwmon.cli.acting's.
"""

from typing import Annotated

import typer

from alerts.model import Outcome
from vwmon.cli.options import AsOption, ConfigOption, DbOption, JsonOption, duration_ms, span_ms

EMERGENCY_SERVICE = "999"  # said for transferred

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Alerts, or - to read ids from standard input.")]
IdsOrLane = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Alerts, or - to read ids from standard input.", show_default=False),
]
LaneOption = Annotated[
    str, typer.Option("--lane", metavar="technical", help="All of this lane below level 3.", show_default=False)
]
WardOption = Annotated[str, typer.Option("--ward", help="With --lane: of one ward.", show_default=False)]
YesOption = Annotated[bool, typer.Option("--yes", help="With --lane: do it; else show which.", show_default=False)]
NoteOption = Annotated[str, typer.Option("-m", "--note", metavar="NOTE", help="In a few words.", show_default=False)]
RevOption = Annotated[
    int | None,
    typer.Option("--rev", metavar="N", help="The version you saw; refused if it got worse since.", show_default=False),
]
KeyOption = Annotated[
    str, typer.Option("--key", metavar="KEY", help="The same key again changes nothing.", show_default=False)
]


def ack(
    alerts: IdsOrLane = None,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="As in 45m.", show_default=False)] = "",
    take: Annotated[bool, typer.Option("--take", help="Take over from its owner.", show_default=False)] = False,
    rev: RevOption = None,
    key: KeyOption = "",
    lane: LaneOption = "",
    ward: WardOption = "",
    yes: YesOption = False,
    as_name: AsOption = "",
) -> None:
    """Take alerts in hand. At level 2 and above, say with -m what is being done.

    An alert comes back when it gets worse than it is now, and when the time is up.
    """
    from alerts import store
    from vwmon.cli.acting import Common, acting

    for_ms = span_ms(span)
    with acting("ack", config, db, as_name) as person:
        act, named = person.act(words, rev, key), person.ids(alerts, Common(lane=lane, ward=ward, yes=yes))
        person.each(named, act, lambda db_, id_, one: store.acknowledge(db_, id_, one, for_ms=for_ms, take=take))
        person.report(as_json=as_json, undo="vwmon alerts unack {id}")


def note(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    key: KeyOption = "",
    as_name: AsOption = "",
) -> None:
    """Put words on record beside alerts, open or closed; nothing else changes, and nothing takes them back."""
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    with acting("note", config, db, as_name) as person:
        person.each(ids_of(alerts), person.act(words, key=key), store.note)
        person.report(as_json=as_json)


def assign(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who is asked.", show_default=False)] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Nobody any more.", show_default=False)] = False,
    words: NoteOption = "",
    key: KeyOption = "",
    as_name: AsOption = "",
) -> None:
    """Offer alerts to someone. They have them in hand once they acknowledge them; until then nothing changes.

    The owner stays the owner, and the clocks run.
    """
    from alerts import store
    from vwmon.cli import context, render
    from vwmon.cli.acting import acting, ids_of

    if bool(to.strip()) == withdraw:
        raise typer.BadParameter("say with --to who is asked, or --withdraw")
    whom = to.strip() or None
    names = [person.id for person in context.resolve(config, db).people]
    if whom is not None and names and whom not in names:
        render.warn(f"note: the configuration has nobody {whom!a} under [[people]], only {', '.join(names)}")
    undo = "vwmon alerts assign {id} --to NAME" if withdraw else "vwmon alerts assign {id} --withdraw"
    with acting("assign", config, db, as_name) as person:
        act = person.act(words, key=key)
        person.each(ids_of(alerts), act, lambda db_, id_, one: store.offer(db_, id_, one, whom))
        person.report(as_json=as_json, undo=undo)


def snooze(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="As in 30m.", show_default=False)] = "",
    end: Annotated[bool, typer.Option("--end", help="On the list again now.", show_default=False)] = False,
    words: NoteOption = "",
    rev: RevOption = None,
    key: KeyOption = "",
    as_name: AsOption = "",
) -> None:
    """Put alerts that you have in hand off the list for a time; never at level 3.

    At the longest until the acknowledgement ends. They are back sooner when they get worse, and counted meanwhile.
    """
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    if bool(span) == end:
        raise typer.BadParameter("say with --for how long, or --end")
    for_ms = 0 if end else duration_ms(span)
    undo = "vwmon alerts snooze {id} --for SPAN" if end else "vwmon alerts snooze {id} --end"
    with acting("snooze", config, db, as_name) as person:
        act = person.act(words, rev, key)
        person.each(
            ids_of(alerts), act, store.wake if end else lambda db_, id_, one: store.snooze(db_, id_, one, for_ms)
        )
        person.report(as_json=as_json, undo=undo)


def unack(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    key: KeyOption = "",
    as_name: AsOption = "",
) -> None:
    """Undo an acknowledgement: the alerts ask anew, and nobody owns them. Of another's, say why with -m."""
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    with acting("unack", config, db, as_name) as person:
        person.each(ids_of(alerts), person.act(words, key=key), store.unacknowledge)
        person.report(as_json=as_json, undo="vwmon alerts ack {id} -m NOTE")


def close(
    alerts: IdsOrLane = None,
    *,
    outcome: Annotated[str, typer.Option(metavar="CODE", help=f"One of {', '.join(Outcome)}.", show_default=False)],
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    rev: RevOption = None,
    key: KeyOption = "",
    lane: LaneOption = "",
    ward: WardOption = "",
    yes: YesOption = False,
    as_name: AsOption = "",
) -> None:
    """Close alerts that are acknowledged or have settled, with what came of them."""
    from alerts import store
    from vwmon.cli.acting import Common, acting

    came_of_it = _outcome(outcome)
    with acting("close", config, db, as_name) as person:
        act, named = person.act(words, rev, key), person.ids(alerts, Common(lane=lane, ward=ward, yes=yes))
        person.each(named, act, lambda db_, id_, one: store.close(db_, id_, one, came_of_it))
        person.report(as_json=as_json, undo="vwmon alerts reopen {id} -m WHY")


def reopen(
    alerts: Ids,
    *,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
    words: NoteOption = "",
    key: KeyOption = "",
    as_name: AsOption = "",
) -> None:
    """Undo a close that was a mistake: the alerts ask anew. Say why with -m.

    Within 12 hours, and while no newer alert has followed.
    """
    from alerts import store
    from vwmon.cli.acting import acting, ids_of

    with acting("reopen", config, db, as_name) as person:
        person.each(ids_of(alerts), person.act(words, key=key), store.reopen)
        undo = "vwmon alerts ack {id} -m NOTE, then vwmon alerts close {id} --outcome CODE"
        person.report(as_json=as_json, undo=undo)


def _outcome(text: str) -> Outcome:
    try:
        return Outcome.TRANSFERRED if text == EMERGENCY_SERVICE else Outcome(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(Outcome)}") from None


COMMANDS = (ack, note, assign, snooze, unack, close, reopen)
