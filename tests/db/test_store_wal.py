"""What a killed writer left in the write-ahead log: damage in it takes no commit away without a word."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.daemon import running_daemon
from tests.integration.broker import running_broker, wait_until
from vwmon.clock import Clock
from vwmon.patients.records import By
from vwmon.store import database, keys, registers, wal

COMMITS = 12
BY = By(actor="test", at_ms=Clock().now_ms())


@pytest.fixture(params=["plain", "sealed"])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database as a kill leaves it: what was committed last is in its log only."""
    path, copy = tmp_path / "at-work.db", tmp_path / "killed" / "vwmon.db"
    copy.parent.mkdir()
    if request.param == "sealed":
        keys.beside(path).write_text("5a" * 32, encoding="ascii")
        keys.beside(path).chmod(0o600)
        shutil.copy(keys.beside(path), keys.beside(copy))
    database.create(path).close()
    with closing(database.open_writer(path)) as db:
        for number in range(COMMITS):
            registers.add_device(db, f"device-{number}", BY)
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    return copy


def log_of(path: Path) -> Path:
    """Give the write-ahead log of a database."""
    return path.with_name(f"{path.name}-wal")


def flip(path: Path, place: int) -> None:
    """Turn a bit in the page of the frame at a place."""
    log = bytearray(log_of(path).read_bytes())
    _, _, page_bytes, *_ = wal.HEADER.unpack_from(log)
    log[wal.HEADER.size + (place - 1) * (wal.FRAME.size + page_bytes) + wal.FRAME.size + 100] ^= 1
    log_of(path).write_bytes(log)


def opened(path: Path) -> tuple[int, int]:
    """Open it; give how many commits are told as lost, and how many devices there are."""
    before = wal.commits(path)
    with closing(database.open_writer(path)) as db:
        return wal.lost(db, before), int(db.execute("select count(*) from device").fetchone()[0])


def test_a_log_that_is_whole_has_lost_nothing(left: Path) -> None:
    """Each commit is there, and the next time there is no log."""
    assert len(wal.commits(left)) >= COMMITS
    assert opened(left) == (0, COMMITS)
    assert opened(left) == (0, COMMITS)


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("kept", [1, 4, 9])
def test_what_comes_after_damage_is_told_as_lost(left: Path, kept: int) -> None:
    """All but the last commit, which power may have cut short before anybody was told that it is stored."""
    places = wal.commits(left)[-COMMITS:]
    flip(left, places[kept])
    assert opened(left) == (COMMITS - kept - 1, kept)


def test_a_last_commit_that_was_cut_short_is_nobodys_loss(left: Path) -> None:
    """Half a frame, or one that is not what was written."""
    log, last = log_of(left), wal.commits(left)[-1]
    flip(left, last)
    assert opened(left)[0] == 0
    log.write_bytes(b"")
    assert wal.commits(left) == ()


def test_what_is_no_write_ahead_log_has_no_commits(tmp_path: Path) -> None:
    """None at all, one that is empty, one of another program."""
    assert wal.commits(tmp_path / "vwmon.db") == ()
    log_of(tmp_path / "vwmon.db").write_bytes(b"something else" * 100)
    assert wal.commits(tmp_path / "vwmon.db") == ()


@pytest.mark.slow
@pytest.mark.hazard("H16")
def test_a_daemon_that_finds_commits_lost_says_so_on_the_list(left: Path, tmp_path: Path) -> None:
    """Devices had receipts for them: nobody sends that again."""
    flip(left, wal.commits(left)[-COMMITS:][3])
    with running_broker(tmp_path) as broker, running_daemon(left.parent, broker.port) as daemon:
        wait_until(lambda: found(left), "it is found")
        assert f"commits_lost path={left} commits={COMMITS - 4}" in daemon.log()


def found(path: Path) -> bool:
    """Tell whether damage is found."""
    with closing(database.open_reader(path)) as db:
        row = db.execute("select figures from finding where rule = 'damaged' and since_ms is not null").fetchone()
    return row is not None and wal.WHOLE in row[0]
