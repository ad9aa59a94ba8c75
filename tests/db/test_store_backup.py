"""Copies of the database: sound or none, never over something, and back again."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.db import before
from tests.db.test_store_log import ALL, append, arrival, reading, refusal
from tests.db.test_store_monitor import LIVE, NOW
from vwmon.errors import ConflictError, StoreCorrupt, StoreExists, StoreForeign, StoreMissing
from vwmon.store import backup, database, monitor, readings, scores
from vwmon.store.log import LogWriter, merge
from vwmon.store.sqlite import Connection, module
from vwmon.store.verify import Finding, counts, verify

# An attempt of this number, refusal and vital.
ATTEMPT = """insert into attempt values ({0}, 1, {2}, 0, '', 0, 0, {0}, {1});
    update log set last_seq = max(last_seq, {0})"""


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """A database of three readings, one of them merged."""
    path = tmp_path / "ward.db"
    with closing(database.create(path)) as db:
        append(db, *(arrival(str(n), reading(float(n))) for n in range(3)))
        scores.move_cursor(db, 1)
        merge(db, 1, ALL)
    return path


@pytest.fixture
def opened(ward: Path) -> Iterator[Connection]:
    """The same, open for writing, as by a daemon."""
    with closing(database.open_writer(ward)) as db:
        yield db


def values(path: Path) -> list[float | None]:
    """Read the values of a database, in log order."""
    with closing(database.open_reader(path)) as db:
        return [row[4] for row in readings.rows_after(db, 0, ALL)]


def files(folder: Path) -> set[str]:
    """Name the files of a folder, without what SQLite keeps beside a database in use."""
    return {each.name for each in folder.iterdir() if not each.name.endswith(("-wal", "-shm"))}


def broken(path: Path) -> list[str]:
    """Name the checks that fail."""
    return [finding.check for finding in verify(path) if not finding.sound]


def test_a_sound_database_passes_every_check(ward: Path) -> None:
    """A line for each, whether a daemon is at work or not."""
    findings = verify(ward)
    assert len(findings) > 10
    assert all(finding.sound for finding in findings)
    assert [finding.found for finding in findings if finding.found != "ok"] == [
        "it is not sealed: a flipped bit in a value is not found",
        "no anchors: there is no ward.db.audit",
    ]
    with closing(database.open_writer(ward)) as db:
        append(db, arrival("more", reading()))
        assert broken(ward) == []


@pytest.mark.hazard("H16")
@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("delete from reading_log where seq = 2", "every reading has one place in the log"),
        ("delete from reading", "every reading has one place in the log"),
        ("update log set last_seq = 9", "every reading has one place in the log"),
        (ATTEMPT.format(2, 1, 1), "every reading has one place in the log"),
        (ATTEMPT.format(0, 1, 1), "every reading has one place in the log"),
        (ATTEMPT.format(4, 1, 99), "every reading has a device and a vital"),
        (ATTEMPT.format(4, 99, 1), "every reference leads somewhere"),
        ("update reading set day = 1", "every reading stands under its own day"),
        ("delete from device", "every reading has a device and a vital"),
        ("update reading_log set value = null", "every reading without a number has its words"),
        ("update reading_log set message_key = '0'", "no message is stored twice"),
        ("update scorer set cursor = 9", "the scorer stands within the log"),
        (
            "insert into sequence_gap values (1, 1, 5, 6, 3, 0, null)",
            "every gap is as wide as what it misses",
        ),
        (
            "insert into assignment values (1, 1, 1, 0, 50), (2, 1, 1, 40, null)",
            "no device belongs to two stays at once",
        ),
        (
            "insert into assignment values (1, 1, 2, 0, null)",
            "no device stays with a patient who left",
        ),
        (
            "insert into score values (9, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)",
            "every score has its stay and its versions",
        ),
        ("insert into identity (stay_no) values (99)", "every reference leads somewhere"),
    ],
)
def test_what_does_not_fit_together_is_found_and_named(ward: Path, damage: str, check: str) -> None:
    """Each rule between the tables, broken once."""
    with closing(module.connect(ward, isolation_level=None)) as db:
        db.execute("insert into stay values (1, 'P', 'w', 'g', '1', 0, null, null, 1, '', '')")
        db.execute("insert into stay values (2, 'Q', 'w', 'g', '1', 0, 5, 'other', 1, '', '')")
        for statement in damage.split(";"):
            db.execute(statement)
    assert check in broken(ward)


def test_an_attempt_that_is_gone_is_missed(opened: Connection, ward: Path) -> None:
    """Before it has been merged past, and after; and it is counted as what a backup must hold."""
    append(opened, arrival("bad", reading(3.0), refused=(refusal("spo2"), refusal("gcs"))))
    scores.move_cursor(opened, 4)
    merge(opened, 4, ALL)
    assert broken(ward) == []
    assert counts(ward)["attempt"] == 2
    for seq in (4, 5):
        with closing(module.connect(ward, isolation_level=None)) as db:
            db.execute("begin")
            kept = db.execute("select * from attempt where seq = ?", [seq]).fetchone()
            db.execute("delete from attempt where seq = ?", [seq])
            db.execute("commit")
            assert broken(ward) == ["every reading has one place in the log"]
            db.execute("insert into attempt values (?, ?, ?, ?, ?, ?, ?, ?, ?)", kept)
    assert broken(ward) == []


@pytest.mark.hazard("H16")
def test_a_damaged_page_is_found(ward: Path) -> None:
    """Where opening for reading does not look, the check does."""
    content = bytearray(ward.read_bytes())
    with closing(module.connect(ward)) as db:
        (page,) = db.execute("select rootpage from sqlite_schema where name = 'reading_log'").fetchone()
    content[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b"\xff" * 8
    ward.write_bytes(content)
    assert "every page and index is whole" in broken(ward)


@pytest.mark.hazard("H16")
def test_a_backup_is_made_while_a_daemon_works_and_holds_what_was_committed(ward: Path, opened: Connection) -> None:
    """The copy is a whole database of its own, checked, and with its counts told."""
    append(opened, arrival("late", reading(7.0)))
    copy = ward.with_name("copy.db")
    told = backup.backup(ward, copy)
    assert values(copy) == [0.0, 1.0, 2.0, 7.0]
    assert (told.path, told.counts["reading_log"], told.counts["reading"]) == (copy, 3, 1)
    assert told.size_bytes == copy.stat().st_size
    assert files(ward.parent) == {"ward.db", "copy.db"}


def test_a_backup_is_always_a_new_file(ward: Path) -> None:
    """An older backup is never written over, and a folder that is not there is not made."""
    copy = ward.with_name("copy.db")
    copy.write_bytes(b"an older one")
    with pytest.raises(StoreExists):
        backup.backup(ward, copy)
    assert copy.read_bytes() == b"an older one"
    with pytest.raises(StoreMissing, match="folder"):
        backup.backup(ward, ward.parent / "no" / "copy.db")


@pytest.mark.hazard("H16")
def test_a_copy_that_is_not_sound_is_no_backup(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be restored must not look like a backup."""
    monkeypatch.setattr(backup, "verify", lambda *_: [Finding(check="all is well", sound=False, found="it is not")])
    with pytest.raises(StoreCorrupt, match="all is well: it is not"):
        backup.backup(ward, ward.with_name("copy.db"))
    assert files(ward.parent) == {"ward.db"}


@pytest.mark.hazard("H16")
def test_a_backup_is_put_back_where_nothing_is(ward: Path, tmp_path: Path) -> None:
    """On a new machine: the readings are there, and what was a repeat is still one."""
    backup.backup(ward, tmp_path / "copy.db")
    told = backup.restore(tmp_path / "copy.db", tmp_path / "new.db", NOW)
    assert (told.path, told.replaced) == (tmp_path / "new.db", None)
    assert values(tmp_path / "new.db") == [0.0, 1.0, 2.0]
    with closing(database.open_writer(tmp_path / "new.db")) as db:
        assert LogWriter(db).append([arrival("1", reading())], (), NOW).duplicates == 1


def test_a_database_is_replaced_only_when_that_is_asked_for_and_is_kept_beside(ward: Path) -> None:
    """With --force the old one stays under another name, with what was in its log."""
    copy = ward.with_name("copy.db")
    backup.backup(ward, copy)
    with closing(database.open_writer(ward)) as db:
        append(db, arrival("late", reading(7.0)))
    with pytest.raises(StoreExists, match="--force"):
        backup.restore(copy, ward, NOW)
    assert values(ward) == [0.0, 1.0, 2.0, 7.0]
    told = backup.restore(copy, ward, NOW, force=True)
    assert values(ward) == [0.0, 1.0, 2.0]
    assert told.replaced == ward.with_name("ward.db.replaced")
    assert values(told.replaced) == [0.0, 1.0, 2.0, 7.0]


def test_a_damaged_database_can_be_replaced(ward: Path) -> None:
    """That is what backups are for; the damaged file is kept for whoever may save more from it."""
    copy = ward.with_name("copy.db")
    backup.backup(ward, copy)
    ward.write_bytes(b"\xff" * 4096)
    backup.restore(copy, ward, NOW, force=True)
    assert values(ward) == [0.0, 1.0, 2.0]
    assert ward.with_name("ward.db.replaced").read_bytes() == b"\xff" * 4096


@pytest.mark.hazard("H16")
def test_nothing_is_restored_under_a_daemon_at_work(ward: Path, opened: Connection) -> None:
    """Also not with --force; once it has stopped or died it may be."""
    copy = ward.with_name("copy.db")
    backup.backup(ward, copy)
    monitor.beat(opened, LIVE)
    with pytest.raises(ConflictError, match="stop it first"):
        backup.restore(copy, ward, NOW, force=True)
    monitor.beat(opened, replace(LIVE, stopped_ms=NOW))
    assert not backup.in_use(ward, NOW)
    assert not backup.in_use(ward.with_name("nowhere.db"), NOW)


@pytest.mark.hazard("H16")
def test_what_is_no_backup_is_not_restored(ward: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database that is there stays when the backup is missing, foreign or not sound."""
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreForeign):
        backup.restore(tmp_path / "empty.db", ward, NOW, force=True)
    with pytest.raises(StoreMissing):
        backup.restore(tmp_path / "nowhere.db", ward, NOW, force=True)
    copy = tmp_path / "copy.db"
    backup.backup(ward, copy)
    monkeypatch.setattr(backup, "verify", lambda *_: [Finding(check="all is well", sound=False, found="it is not")])
    with pytest.raises(StoreCorrupt):
        backup.restore(copy, ward, NOW, force=True)
    assert values(ward) == [0.0, 1.0, 2.0]
    assert files(tmp_path) == {"ward.db", "empty.db", "copy.db"}


def test_a_file_that_appears_meanwhile_is_not_written_over(ward: Path, tmp_path: Path) -> None:
    """Two restores at once: one of them is told."""
    making = database.begin_file(tmp_path / "new.db")
    (tmp_path / "new.db").write_bytes(b"somebody else's")
    with pytest.raises(StoreExists, match="nothing was written over it"):
        database.appear(making, tmp_path / "new.db")
    assert ward.exists()


@pytest.mark.hazard("H16")
def test_an_alert_of_which_a_word_is_damaged_is_found_and_ends_no_check(tmp_path: Path) -> None:
    """What it stands on is text that no longer reads: that is a finding like another."""
    path = before.make(tmp_path / "ward.db")
    database.migrate(path)
    with closing(module.connect(path, isolation_level=None)) as db:
        db.execute("update alert set evidence = substr(evidence, 3) where alert_no = (select max(alert_no) from alert)")
    (found,) = [one.found for one in verify(path) if not one.sound]
    assert found.startswith("what an alert stands on cannot be read: ")
