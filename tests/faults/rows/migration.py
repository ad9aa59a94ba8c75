"""F24: a migration that is killed at its statements and at its calls to the disk, and then begun again.

The database is a ward at work as the release of schema 1 left it. Begun again, the migration comes to what one comes to
that nothing disturbed, row by row; and a copy of the ward as it was lies beside it once anything of it has changed.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from signal import SIGKILL
from typing import Any

from alerts import schema as alerts_schema
from tests.db import before
from tests.faults import traced
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from vwmon.errors import StoreError
from vwmon.store import database, schema
from vwmon.store.sqlite import Connection, DatabaseError, module
from vwmon.store.verify import verify

Rows = Mapping[str, Sequence[Any]]
Until = Callable[[Path, int], None]
STATEMENTS = 100  # more than there are
TABLES = "select name from sqlite_schema where type = 'table' order by name"
STEPS = "_sqlite_migrations"
WHICH_STEPS = "select migration_set, name from _sqlite_migrations order by id"


@dataclass(frozen=True, kw_only=True)
class Work:
    """The ward of before, and what it and its migration come to."""

    folder: Path
    old: Path
    was: Rows
    should_be: Rows


def migrated(trial: Trial, do: Until | None = None) -> Tally:
    """Kill the migration at its statements and its calls to the disk: at all where many runs are asked for.

    What is done in place of the migration that is killed at a statement is a fault to be found.
    """
    old, whole = before.make(trial.folder / "old.db"), before.make(trial.folder / "whole.db")
    database.migrate(whole)
    work = Work(folder=trial.folder, old=old, was=_rows(old), should_be=_rows(whole))
    return added([*_at_statements(work, max(1, STATEMENTS // trial.runs), do or until), *_at_calls(work, trial.runs)])


def _at_statements(work: Work, apart: int, do: Until) -> Iterator[Tally]:
    for number in count(0, apart):
        tally = _killed(work, f"statement {number}", (), do, number)
        yield tally
        if not tally.runs:
            return


def _at_calls(work: Work, runs: int) -> Iterator[Tally]:
    made = traced.calls_made(work.folder, database.migrate, _placed(work))
    for call, number in traced.places(made, max(1, (runs - STATEMENTS) // len(traced.CALLS))):
        yield _killed(work, f"{call} {number}", traced.injected(call, traced.KILL, number), database.migrate)
    yield Tally(runs=0, said=", ".join(f"{made[call]} {call}" for call in traced.CALLS if made[call]))


def until(path: Path, left: int, after: str = "") -> None:
    """Migrate, and be killed before a statement when so many have been run, each with what comes `after` it."""
    ran = count()

    def one_by_one(db: Connection, *statements: str) -> None:
        for statement in statements:
            if next(ran) == left:
                os.kill(os.getpid(), SIGKILL)
            for each in (statement, *filter(None, after.split(";"))):
                db.execute(each)

    for steps in (schema, alerts_schema):
        vars(steps)["_run"] = one_by_one
    database.migrate(path)


def _killed(work: Work, where: str, tracing: Sequence[str], do: traced.Work, *args: object) -> Tally:
    """Kill a migration, begin it again, and look; one that came to its end is no run."""
    path = _placed(work)
    if not traced.done(work.folder, tracing, do, path, *args).killed:
        return Tally(runs=0)
    kept = _rows(path) == work.was or _kept(work, path)
    try:
        database.migrate(path)
    except (StoreError, DatabaseError) as error:
        return Tally(runs=1, broken=(f"{where}: it cannot go on: {error}",))
    broken = [f"{one.check}: {one.found}" for one in verify(path) if not one.sound]
    now = _rows(path)
    broken += [f"other rows in {table}" for table in work.should_be if now.get(table) != work.should_be[table]]
    if not kept:
        broken.append("it was changed without a copy of before")
    lost = sum(len(work.should_be[table]) - len(now.get(table, ())) for table in ("reading", "reading_log"))
    return Tally(runs=1, lost=max(0, lost), broken=tuple(f"{where}: {what}" for what in broken))


def _placed(work: Work) -> Path:
    path = work.folder / "ward.db"
    for gone in work.folder.glob(f"{path.name}*"):
        gone.unlink()
    shutil.copy(work.old, path)
    return path


def _kept(work: Work, path: Path) -> bool:
    """Tell whether a whole copy of the ward as it was lies beside it."""
    return any(_rows(copy) == work.was for copy in path.parent.glob(f"{path.name}.before-*"))


def _rows(path: Path) -> Rows:
    """Give everything that a database holds, but when its steps were applied."""
    with closing(module.connect(path)) as db:
        tables = [name for (name,) in db.execute(TABLES) if name != STEPS]
        rows = {name: _all(db, f'select * from "{name}"') for name in tables}  # noqa: S608 -- its own names
        return rows | {STEPS: _all(db, WHICH_STEPS)}


def _all(db: Connection, sql: str) -> Sequence[Any]:
    return sorted(db.execute(sql).fetchall(), key=repr)


ROWS = (
    Row(
        id="F24",
        fault="a migration killed at each statement and each call to the disk",
        do=migrated,
        every_place=True,
        runs={Profile.SMOKE: 4, Profile.CI: 200, Profile.RELEASE: 10_000},
    ),
)
