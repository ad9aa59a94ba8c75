"""`vwmon db retain`: it tells, and does nothing until somebody says so, says why, and no daemon is at work."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.db.test_retention import LATER_MS, lived
from vwmon.clock import Clock
from vwmon.store import database
from vwmon.store.sole import sole_daemon

RETAIN = ("db", "retain", "--older-than", "8y")
DO_IT = (*RETAIN, "--do-it", "--reason", "records committee of 3 May")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ward with a patient who left."""
    ward = lived(tmp_path_factory.mktemp("whole") / "ward.db")
    ward.db.execute("pragma wal_checkpoint(truncate)")
    ward.db.close()
    return ward.path


@pytest.fixture
def path(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, nine years later."""
    monkeypatch.setattr(Clock, "now_ms", lambda _self: LATER_MS)
    return Path(shutil.copy(whole, tmp_path / "ward.db"))


def stays(path: Path) -> int:
    """Count the stays."""
    with closing(database.open_reader(path)) as db:
        return int(db.execute("select count(*) from stay").fetchone()[0])


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_it_tells_what_would_go_and_leaves_it(vwmon: Command, path: Path, more: tuple[str, ...]) -> None:
    """By how much of what, with why the others stay and how to do it; also while a daemon works."""
    before = path.read_bytes()
    with sole_daemon(path):
        done = vwmon(*RETAIN, *more, "--db", path)
        rows = json.loads(vwmon(*RETAIN, *more, "--json", "--db", path).stdout)
    assert (done.exit_code, stays(path), path.read_bytes()) == (0, 2, before)
    assert {"kept_of": "stay", "rows": 1} in rows
    assert "Nothing was taken away. To do it: stop the daemon, and add --do-it --reason TEXT" in done.stdout
    assert "kept: 1 stay, goes on, or a later stay of the same patient does" in done.stdout


def test_where_nothing_would_go_that_is_all_it_says(vwmon: Command, path: Path) -> None:
    """No table of noughts, and no way to do what there is nothing to do of."""
    done = vwmon("db", "retain", "--older-than", "99y", "--db", path)
    assert (done.exit_code, "Nothing has been kept for longer: nothing was done." in done.stdout) == (0, True)
    assert "identity" not in done.stdout
    assert "--do-it" not in done.stdout
    assert json.loads(vwmon("db", "retain", "--older-than", "99y", "--json", "--db", path).stdout) == []


@pytest.mark.hazard("H27")
def test_done_there_is_a_backup_and_the_history_says_who_and_why(vwmon: Command, path: Path) -> None:
    """The backup still has them and is sound; the database is, without; a second time there is nothing to do."""
    done = vwmon(*DO_IT, "--db", path)
    assert done.exit_code == 0
    (copy,) = path.parent.glob("ward.db.before-removal*")
    assert f"As it was before: {copy}" in done.stdout
    assert [stays(one) for one in (path, copy)] == [1, 2]
    assert [vwmon("db", "verify", "--db", one).exit_code for one in (path, copy)] == [0, 0]
    told = vwmon("alerts", "log", "--verify", "--db", path)
    assert told.exit_code == 0
    assert 'took away: stays 1, alerts 2, events 19: "records committee of 3 May"' in told.stdout
    again = vwmon(*DO_IT, "--db", path)
    assert "Nothing has been kept for longer: nothing was done." in again.stdout
    assert len(list(path.parent.glob("ward.db.before-removal*"))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*RETAIN, "--do-it"), 2, "say with --reason why"),
        ((*RETAIN, "--do-it", "--reason", " "), 2, "say with --reason why"),
        ((*RETAIN, "--do-it", "--dry-run", "--reason", "x"), 2, "exclude each other"),
        (("db", "retain", "--older-than", "8d"), 2, "write it as"),
        (("db", "retain", "--older-than", "0y"), 2, "write it as"),
        (("db", "retain"), 2, "Missing option"),
    ],
)
def test_half_said_it_does_nothing(
    vwmon: Command, path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """No default says for how long, and none says why."""
    done = vwmon(*arguments, "--db", path)
    assert (done.exit_code, stays(path)) == (code, 2)
    assert said in done.stderr


def test_while_a_daemon_works_nothing_is_taken_away(vwmon: Command, path: Path) -> None:
    """It has the ward in memory."""
    with sole_daemon(path):
        done = vwmon(*DO_IT, "--db", path)
    assert (done.exit_code, stays(path)) == (5, 2)
    assert not list(path.parent.glob("ward.db.before-removal*"))
