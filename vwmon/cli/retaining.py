"""`vwmon db retain`: which stays have been kept long enough, and, where somebody says so, their removal.

When that is so is vwmon.patients.retention's, how it is done vwmon.store.retention's.
"""

import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vwmon.cli import context, render
from vwmon.cli.render import Column, Format
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.errors import UsageError
from vwmon.patients import retention as judgement
from vwmon.patients.records import By
from vwmon.store import anchors, backup, database, retention
from vwmon.store.sole import sole_daemon
from vwmon.store.sqlite import Connection

MOST_YEARS = 99
NOTHING = "Nothing has been kept for longer: nothing was done."
TOLD_ONLY = "Nothing was taken away. To do it: stop the daemon, and add --do-it --reason TEXT"
COLUMNS = (Column(key="kept_of", title="KEPT OF THEM"), Column(key="rows", title="ROWS"))


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody said: for how many years stays are kept, and why the others go, empty where nothing is to go."""

    years: int
    do_it: bool
    reason: str


def years(text: str) -> int:
    """Read a number of years, as "8y"; UsageError for anything else, for days would be a slip."""
    number = text.removesuffix("y")
    if not text.endswith("y") or not number.isdecimal() or not 1 <= int(number) <= MOST_YEARS:
        raise UsageError(f'"{text}" is not a number of years; write it as "8y"')
    return int(number)


def retain(settings: Settings, said: Said, as_name: str, form: Format) -> None:
    """Tell what would go, or let it go; ConflictError while a daemon works on the database."""
    if said.do_it and not said.reason.strip():
        raise UsageError("say with --reason why, and by whose decision: it stays in the history for good")
    path = settings.store.path
    by = By(actor=context.actor(as_name, settings, changes=said.do_it), at_ms=Clock().now_ms())
    if not said.do_it:
        with closing(database.open_reader(path)) as db:
            _tell(db, said, by.at_ms, form)
        return
    with sole_daemon(path), closing(database.open_writer(path)) as db:
        retention.settle(db)
        going = judgement.over(retention.past(db), said.years, by.at_ms)
        if not going:
            _emit({}, said, retention.past(db), by.at_ms, form, [NOTHING])
            return
        copy = backup.backup(path, database.free_name(path, "before-removal"))
        gone = retention.remove(db, going, by, said.reason, socket.gethostname())
        anchors.append(anchors.beside(path), anchors.taken(db, by.at_ms), make=False)
        _emit(gone, said, retention.past(db), by.at_ms, form, _done(copy.path))


def _tell(db: Connection, said: Said, now_ms: int, form: Format) -> None:
    db.execute("pragma query_only = off")  # for tables of this connection alone
    stays = retention.past(db)
    going = judgement.over(stays, said.years, now_ms)
    found = retention.counts(db, going) if going else {}
    _emit(found, said, stays, now_ms, form, [TOLD_ONLY if going else NOTHING])


def _emit(
    found: dict[str, int], said: Said, stays: Sequence[judgement.Past], now_ms: int, form: Format, lines: list[str]
) -> None:
    why = Counter(filter(None, (judgement.kept(past, said.years, now_ms) for past in stays)))
    rows: list[dict[str, Any]] = [{"kept_of": table, "rows": count} for table, count in found.items()]
    title = f"stays that ended {said.years} year{'s' if said.years > 1 else ''} ago and more"
    kept = [f"kept: {count} stay{'s' if count > 1 else ''}, {reason}" for reason, count in sorted(why.items())]
    render.emit(rows, COLUMNS, form, title=title, footer=[*kept, *lines])


def _done(copy: Path) -> list[str]:
    return [
        "They are gone, and the history says so: vwmon alerts log --verify",
        f"As it was before: {copy}",
        "That copy, and every earlier one, still has them: keep it closed, and destroy them when it is time to.",
    ]
