"""`vwmon notify log`: what it says when nobody was told of anything, and when nobody is telling."""

import json
from pathlib import Path

from tests.conftest import Command
from vwmon.store import database

UNWATCHED = "NOT MONITORING: no daemon has run on this database; start it with: vwmon run"


def test_a_list_of_nothing_says_so_and_that_nobody_is_telling(vwmon: Command, tmp_path: Path) -> None:
    """Without a daemon nobody is told of anything either: the exit code is that of every list that is not current."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    done = vwmon("notify", "log", "--db", path, "--since", "2h")
    assert (done.exit_code, done.stdout) == (4, f"{UNWATCHED}\nNothing was to be told in the last 2h.\n")
    done = vwmon("notify", "log", "--db", path, "--json")
    assert (done.exit_code, json.loads(done.stdout), done.stderr.strip()) == (4, [], UNWATCHED)
