"""A disk that gives up in the middle of a commit: what the commit was said to have kept is not called kept."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vwmon.clock import Clock
from vwmon.errors import StoreError
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.sqlite import Connection

BY = By(actor="test", at_ms=Clock().now_ms())


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A database that is written to."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        yield opened


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the file system answer with an error to whoever begins an unnamed file, as an ext4 does that has given up."""
    really = os.open

    def with_error(code: int) -> None:
        def opened(path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(code, os.strerror(code), path)
            return really(path, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", opened)

    return with_error


@pytest.mark.hazard("H1")
@pytest.mark.parametrize("code", [errno.EROFS, errno.EIO], ids=["read-only", "input/output"])
def test_a_commit_is_not_called_kept_when_the_disk_gave_up_during_it(
    db: Connection, answers: Callable[[int], None], code: int
) -> None:
    """Its fsync said that it is on disk, which ext4 does then though it is not."""
    answers(code)
    with pytest.raises(StoreError, match=r"ward\.db: its disk takes no more writes .*vwmon db verify"):
        registers.add_device(db, "cuff-1", BY)
    assert not db.in_transaction


@pytest.mark.parametrize(
    "code", [errno.EOPNOTSUPP, errno.EACCES, errno.ENOSPC], ids=["knows none", "not allowed", "no inode left"]
)
def test_a_disk_that_cannot_begin_an_unnamed_file_for_another_reason_keeps_what_it_says(
    db: Connection, answers: Callable[[int], None], code: int
) -> None:
    """Such as a network file system that knows no unnamed files."""
    answers(code)
    registers.add_device(db, "cuff-1", BY)
    assert [device.device for device in registers.devices(db)] == ["cuff-1"]


def test_asking_the_disk_leaves_nothing_beside_the_database(db: Connection, tmp_path: Path) -> None:
    """The file that is begun for it has no name."""
    registers.add_device(db, "cuff-1", BY)
    db.close()
    assert [file.name for file in tmp_path.iterdir()] == ["ward.db"]
