"""What the last check of a whole database came to: kept beside it, read anew when there was another."""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from vwmon.store import checked, database, keys
from vwmon.store.checked import Checked, LastCheck
from vwmon.store.verify import Finding

T0 = 1_795_000_000_000
GOOD = Finding(check="every page is whole", sound=True, found="ok")
BAD = Finding(check="every reading has a device", sound=False, found="3")


def test_a_database_that_was_never_checked_has_no_last_check(tmp_path: Path) -> None:
    """Nobody is told that it is sound, or that it is not."""
    assert LastCheck(tmp_path / "ward.db")() is None


def test_the_last_check_is_the_one_that_is_told(tmp_path: Path) -> None:
    """What did not hold, and when; a later one takes its place, whoever looked in between."""
    path = tmp_path / "ward.db"
    last = LastCheck(path)
    checked.keep(path, [GOOD, BAD], T0)
    assert last() == Checked(at_ms=T0, failed=(BAD.check,))
    checked.keep(path, [GOOD], T0 + 1)
    os.utime(checked.beside(path), ns=(T0, T0))
    assert last() == Checked(at_ms=T0 + 1, failed=())
    assert [file.name for file in tmp_path.iterdir()] == ["ward.db.checked"]


@pytest.mark.hazard("H16")
def test_a_check_that_cannot_be_read_is_not_taken_for_sound(tmp_path: Path) -> None:
    """As of when it was written."""
    path = tmp_path / "ward.db"
    checked.beside(path).write_bytes(b"{")
    os.utime(checked.beside(path), ns=(T0 * 1_000_000, T0 * 1_000_000))
    assert LastCheck(path)() == Checked(at_ms=T0, failed=(checked.UNREADABLE,))


@pytest.mark.hazard("H16")
def test_verify_keeps_what_it_finds_for_the_daemon(vwmon: Command, tmp_path: Path) -> None:
    """Of a sound database, of one that is not, and of one that cannot be opened; never without being asked to."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    last = LastCheck(path)
    assert (vwmon("db", "verify", "--db", path).exit_code, last()) == (0, None)
    assert vwmon("db", "verify", "--keep", "--db", path).exit_code == 0
    found = last()
    assert found is not None
    assert found.failed == ()
    with closing(database.open_writer(path)) as db:
        db.execute("update scorer set cursor = 7")
    assert vwmon("db", "verify", "--keep", "--db", path).exit_code == 1
    found = last()
    assert found is not None
    assert found.failed == ("the scorer stands within the log",)
    path.write_bytes(b"no database")
    assert vwmon("db", "verify", "--keep", "--db", path).exit_code == 1
    found = last()
    assert found is not None
    assert found.failed == ("the database can be opened",)


def test_a_database_that_was_not_looked_at_is_not_called_damaged(vwmon: Command, tmp_path: Path) -> None:
    """A name that was mistyped leaves nothing beside it, and raises nothing."""
    assert vwmon("db", "verify", "--keep", "--db", tmp_path / "other.db").exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_not_for_everyone(tmp_path: Path) -> None:
    """It stands beside a database of patients."""
    checked.keep(tmp_path / "ward.db", [GOOD], T0)
    assert stat.S_IMODE(checked.beside(tmp_path / "ward.db").stat().st_mode) & keys.FOR_EVERYONE == 0
