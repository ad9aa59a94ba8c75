"""No link stands in for a database, for what is kept beside it, or for a spool: it is refused, never followed."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from devices.errors import SpoolError
from devices.spool import Spool
from tests.conftest import Command
from vwmon.errors import StoreError, StoreExists, StoreUnreadable
from vwmon.store import anchors, backup, database, links
from vwmon.store.sole import sole_daemon

NOW_MS = 1_795_000_000_000


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """A database in a folder of its own, and beside that a folder of somebody else's."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ward").mkdir()
    path = tmp_path / "ward" / "ward.db"
    database.create(path).close()
    return path


def theirs(ward: Path, name: str) -> Path:
    """Name a file in somebody else's folder."""
    return ward.parent.parent / "theirs" / name


def symbolic(ward: Path) -> None:
    """Put a link where the database was."""
    ward.symlink_to(ward.rename(theirs(ward, "ward.db")))


def hard(ward: Path) -> None:
    """Give the database another name."""
    os.link(ward, theirs(ward, "ward.db"))


def admit(vwmon: Command, ward: Path) -> None:
    """Admit a patient to a database by the name that is given."""
    done = vwmon("patients", "admit", "P1", "--ward", "resp", "--born", "1951-03-17", "--db", ward)
    assert done.exit_code == 0, done.output


def log(ward: Path) -> None:
    """Put a link where SQLite keeps its log."""
    ward.with_name("ward.db-wal").symlink_to(theirs(ward, "log"))


@pytest.mark.hazard("T18")
@pytest.mark.parametrize("linked", [symbolic, hard, log])
@pytest.mark.parametrize("opens", [database.open_writer, database.open_reader, database.check_ours, database.migrate])
def test_a_database_that_is_a_link_is_opened_by_nobody(
    ward: Path, linked: Callable[[Path], None], opens: Callable[[Path], object]
) -> None:
    """In its own place, by another name, or in the place of its log; and nothing is made where a link leads."""
    linked(ward)
    there = sorted(theirs(ward, "").iterdir())
    with pytest.raises(StoreUnreadable, match=r"is a link to|has another name"):
        opens(ward)
    assert sorted(theirs(ward, "").iterdir()) == there


@pytest.mark.hazard("T18")
@pytest.mark.parametrize("linked", [symbolic, hard])
def test_a_list_of_a_linked_database_says_what_to_do(
    ward: Path, linked: Callable[[Path], None], vwmon: Command
) -> None:
    """And shows nothing: an empty list would look like a quiet ward."""
    linked(ward)
    done = vwmon("alerts", "--db", ward)
    assert done.exit_code != 0
    assert done.stdout == ""
    assert "remove" in done.stderr
    assert str(ward) in done.stderr.replace("\n", "")


@pytest.mark.hazard("T18")
def test_a_folder_may_be_reached_by_a_link(ward: Path, vwmon: Command) -> None:
    """As the service manager makes it for a user that it makes up: what is written by one way is read by the other."""
    folder = theirs(ward, "ward")
    folder.symlink_to(ward.parent)
    admit(vwmon, folder / "ward.db")
    assert "P1" in vwmon("patients", "show", "P1", "--db", ward).stdout


@pytest.mark.hazard("T18")
def test_what_a_killed_process_left_of_a_new_database_is_no_other_name(ward: Path, vwmon: Command) -> None:
    """The file has its name then, and its unfinished one still: it is written and read."""
    os.link(ward, ward.with_name(".ward.db.4711.new"))
    admit(vwmon, ward)
    assert "P1" in vwmon("patients", "show", "P1", "--db", ward).stdout


def test_a_name_that_goes_while_it_is_looked_at_is_none(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the unfinished one does of a database that is just being made, and SQLite's files when the last one closes."""
    gone = ward.with_name(f".{ward.name}.1.new")
    really = Path.glob

    def globbed(folder: Path, pattern: str) -> list[Path]:
        return [*really(folder, pattern), gone]

    monkeypatch.setattr(Path, "glob", globbed)
    links.check(ward)
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    links.check(ward, [gone])


@pytest.mark.hazard("T18")
def test_a_backup_follows_no_link(ward: Path) -> None:
    """Neither for the copy nor for the anchors that go with it."""
    anchors.beside(ward).write_text("", encoding="utf-8")
    for name in ("copy.db", "other.db.audit"):
        ward.with_name(name).symlink_to(theirs(ward, name))
    for name in ("copy.db", "other.db"):
        with pytest.raises(StoreExists):
            backup.backup(ward, ward.with_name(name))
    assert list(theirs(ward, "").iterdir()) == []


@pytest.mark.hazard("T18")
@pytest.mark.parametrize("name", ["ward.db", "ward.db.audit"])
def test_a_backup_is_put_back_to_no_link(ward: Path, name: str) -> None:
    """What is there stays as it is."""
    anchors.beside(ward).write_text("", encoding="utf-8")
    backup.backup(ward, copy := ward.with_name("copy.db"))
    for file in (ward, anchors.beside(ward)):
        file.unlink()
    ward.with_name(name).symlink_to(theirs(ward, name))
    with pytest.raises(StoreError, match="is a link"):
        backup.restore(copy, ward, NOW_MS, force=True)
    assert list(theirs(ward, "").iterdir()) == []


@pytest.mark.hazard("T18")
def test_the_lock_of_the_daemon_is_no_link(ward: Path) -> None:
    """Or it would make or open a file of somebody else's choice."""
    ward.with_name("ward.db-daemon").symlink_to(theirs(ward, "lock"))
    with pytest.raises(StoreUnreadable, match="is a link"), sole_daemon(ward):
        pass
    assert list(theirs(ward, "").iterdir()) == []


@pytest.mark.hazard("T18")
def test_the_anchors_of_the_history_are_written_to_no_link(ward: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The daemon goes on watching, and says in the journal that it cannot write them."""
    anchors.beside(ward).symlink_to(theirs(ward, "anchors"))
    with closing(database.open_reader(ward)) as db:
        anchor = anchors.taken(db, NOW_MS)
    assert not anchors.append(anchors.beside(ward), anchor, make=True)
    assert "audit_file_cannot_be_written" in caplog.text
    assert list(theirs(ward, "").iterdir()) == []


@pytest.mark.hazard("T18")
@pytest.mark.parametrize("name", ["journal", "lock"])
def test_a_spool_writes_to_no_link(tmp_path: Path, name: str) -> None:
    """A device's readings go where the device was told to keep them."""
    spool = tmp_path / "spool"
    Spool(spool).close()
    (spool / name).unlink()
    (spool / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpoolError, match="cannot be opened"):
        Spool(spool)
    assert not (tmp_path / "elsewhere").exists()
