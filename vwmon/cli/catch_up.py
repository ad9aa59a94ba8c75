"""`vwmon alerts --catch-up`: what came up or changed since the wards last closed, for those who come in when they open.

Which alerts that are is the list's; here is how each is said with what happened to it meanwhile.
"""

from collections.abc import Iterator, Sequence

import typer

from alerts import queries
from alerts.queries import Record, Wanted
from vwmon import hours
from vwmon.cli import render, stay_lookups, work_list
from vwmon.cli.render import Format
from vwmon.cli.standing import Standing
from vwmon.config import Settings
from vwmon.store.sqlite import Connection


def show(db: Connection, settings: Settings, standing: Standing, wanted: Wanted, form: Format) -> list[Record]:
    """Print what happened since the wards closed, the most urgent alert first, and give it."""
    since_ms = closings(settings, standing.now_ms, wanted.ward)
    asked = stay_lookups.lookups(db, standing.now_ms, wards=settings.wards)
    records = queries.catch_up(db, asked, standing.now_ms, since_ms, wanted)
    standing.announce(form)
    if form is Format.TABLE:
        standing.say(list(_lines(records, since_ms)))
    else:
        render.emit(records, (), form)
    return records


def closings(settings: Settings, now_ms: int, only: str = "") -> dict[str, int]:
    """Give when each ward last closed; BadParameter (exit 2) where none of them ever does."""
    found = {
        ward.id: closed_ms
        for ward in settings.wards
        if only in {"", ward.id} and (closed_ms := hours.closed_ms(ward.hours, ward.time_zone, now_ms)) is not None
    }
    if not found:
        raise typer.BadParameter("no ward ever closes; ask with: vwmon alerts --since 12h")
    return found


def _lines(records: Sequence[Record], since_ms: dict[str, int]) -> Iterator[str]:
    closed = ", ".join(f"{ward} closed at {render.utc(at_ms)}" for ward, at_ms in since_ms.items())
    open_ = sum(record["state"] != "closed" for record in records)
    count = "1 alert" if len(records) == 1 else f"{len(records)} alerts"
    yield f"{closed}; since then something happened to {count}, {open_} of them open"
    for record in records:
        yield work_list.headline(record)
        yield f"  {'; '.join([*work_list.way(record), *record['why']])}"
        yield from (f"    {work_list.told(event)}" for event in record["happened"])
