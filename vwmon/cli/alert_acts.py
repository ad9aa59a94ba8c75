"""`vwmon alerts ack`, `note` and `close`: what people do with the work list.

Thin: the rules of every act are in the alerts package; several alerts at once are vwmon.cli.acting's.
"""

from typing import Annotated

import typer

from alerts.model import Outcome
from vwmon.cli.options import AsOption, ConfigOption, DbOption, JsonOption, span_ms

EMERGENCY_SERVICE = "999"  # said for transferred

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Alerts, or - to read ids from standard input.")]
NoteOption = Annotated[str, typer.Option("-m", "--note", metavar="NOTE", help="In a few words.", show_default=False)]
RevOption = Annotated[
    int | None,
    typer.Option("--rev", metavar="N", help="The version you saw; refused if it got worse since.", show_default=False),
]


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

    for_ms = span_ms(span)
    with acting(config, db, as_name) as person:
        act = person.act(words, rev)
        person.each(ids_of(alerts), lambda opened, id_: store.acknowledge(opened, id_, act, for_ms=for_ms, take=take))
        person.report(as_json=as_json)


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


def _outcome(text: str) -> Outcome:
    try:
        return Outcome.TRANSFERRED if text == EMERGENCY_SERVICE else Outcome(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(Outcome)}") from None


COMMANDS = (ack, note, close)
