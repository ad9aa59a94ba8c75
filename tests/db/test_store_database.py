"""Opening, making and migrating the database file: what is refused, and that nothing is made or replaced unasked."""

import logging
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts import schema as alerts_schema
from vwmon.errors import (
    StoreBusy,
    StoreCorrupt,
    StoreExists,
    StoreForeign,
    StoreMissing,
    StoreNotMigrated,
    StoreUnreadable,
)
from vwmon.store import database, schema, sqlite
from vwmon.store.keys import Key
from vwmon.store.sqlite import Connection, OperationalError, module

NOBODY = 65_534
OPENERS = [database.open_writer, database.open_reader]


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """A database with one row, closed."""
    path = tmp_path / "ward.db"
    with closing(database.create(path)) as db, database.atomic(db):
        db.execute("insert into vital (name) values ('spo2')")
    return path


@pytest.fixture
def opened(ward: Path) -> Iterator[Connection]:
    """The same, open for writing."""
    with closing(database.open_writer(ward)) as db:
        yield db


def pragma(db: Connection, name: str) -> object:
    """Ask for one setting of a connection."""
    return db.execute(f"pragma {name}").fetchone()[0]


@pytest.mark.hazard("H15")
def test_a_connection_keeps_what_it_commits_through_a_power_cut(opened: Connection) -> None:
    """WAL with a sync at every commit, references enforced, no code from the schema trusted, patient with others."""
    assert (pragma(opened, "journal_mode"), pragma(opened, "synchronous")) == ("wal", 2)
    assert (pragma(opened, "foreign_keys"), pragma(opened, "trusted_schema")) == (1, 0)
    assert pragma(opened, "busy_timeout") == 10_000


@pytest.mark.hazard("H15")
def test_an_sqlite_that_may_lose_commits_gets_no_wal(
    ward: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On an affected library the database is opened in the older, slower way, and that is said."""
    monkeypatch.setattr(database, "wal_is_safe", lambda: False)
    with caplog.at_level(logging.WARNING), closing(database.open_writer(ward)) as db:
        assert (pragma(db, "journal_mode"), pragma(db, "synchronous")) == ("delete", 3)
    assert "sqlite_too_old_for_wal" in caplog.text


@pytest.mark.hazard("H15")
@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
        ((4, 0, 0), True),
    ],
)
def test_which_sqlite_may_use_wal(version: tuple[int, int, int], safe: bool) -> None:
    """The fault is mended from 3.51.3 on, and in two older lines."""
    assert sqlite.wal_is_safe(version) is safe


def test_the_schema_is_made_by_the_sqlite_that_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sqlite-utils, which knows another library, opens nothing: two in one process would break each other's locks."""
    from sqlite_utils import db as others

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(others.sqlite3, "connect", refuse)  # type: ignore[attr-defined]
    database.create(tmp_path / "ward.db").close()
    with closing(database.open_writer(tmp_path / "ward.db")) as db:
        assert isinstance(db, module.Connection)
    assert sqlite.version == module.sqlite_version_info


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("open_", OPENERS)
def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, open_: Callable[[Path], Connection]) -> None:
    """A wrong path is told, with what makes a database; the folder stays as it was."""
    with pytest.raises(StoreMissing, match="vwmon db migrate"):
        open_(tmp_path / "ward.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("open_", OPENERS)
def test_a_file_of_something_else_is_refused_and_left_alone(
    tmp_path: Path, open_: Callable[[Path], Connection]
) -> None:
    """An empty file, another program's database, a text and a folder are not taken for a ward."""
    (tmp_path / "empty.db").touch()
    with closing(module.connect(tmp_path / "other.db")) as other:
        other.execute("create table t (a)")
    for name in ("empty.db", "other.db", "."):
        before = sorted(path.name for path in tmp_path.iterdir())
        with pytest.raises(StoreForeign, match=r"--db|restore"):
            open_(tmp_path / name)
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    (tmp_path / "letter.txt").write_text("Dear ward" * 1000, encoding="ascii")
    with pytest.raises(StoreCorrupt, match="vwmon db restore"):
        open_(tmp_path / "letter.txt")


@pytest.mark.hazard("H18")
@pytest.mark.parametrize("open_", OPENERS)
def test_a_database_without_its_tables_is_refused_with_the_command_that_makes_them(
    ward: Path, open_: Callable[[Path], Connection]
) -> None:
    """Neither a reader nor a daemon works on an older schema."""
    with closing(module.connect(ward)) as db:
        db.execute("delete from _sqlite_migrations where name = ?", [schema.NAMES[-1]])
        db.commit()
    with pytest.raises(StoreNotMigrated, match="vwmon db migrate --db"):
        open_(ward)


@pytest.mark.hazard("H18")
@pytest.mark.parametrize("open_", [*OPENERS, database.migrate])
def test_a_database_of_a_newer_program_is_refused(ward: Path, open_: Callable[[Path], object]) -> None:
    """An older program must not write into tables that it does not know."""
    with closing(module.connect(ward)) as db:
        db.execute("insert into _sqlite_migrations (migration_set, name, applied_at) values ('vwmon', 'm999', '')")
        db.commit()
    with pytest.raises(StoreNotMigrated, match="newer vwmon"):
        open_(ward)


@pytest.mark.hazard("H16")
def test_no_damage_to_the_file_leads_to_a_new_or_another_database(ward: Path) -> None:
    """Of 200 damaged copies each is refused by name or opens with the old tables; none is ever made anew."""
    pristine, chance = ward.read_bytes(), random.Random(7)
    copy = ward.with_name("copy.db")
    refused = 0
    for _ in range(200):
        damaged = bytearray(pristine)
        start = chance.randrange(len(damaged))
        damaged[start : start + chance.choice([1, 100, 4096])] = chance.randbytes(1) * 100
        copy.write_bytes(damaged[: chance.choice([len(damaged), len(damaged) // 2])])
        try:
            with closing(database.open_writer(copy)) as db:
                assert set(schema.applied(db)) == {"vwmon", "alerts"}
        except (StoreCorrupt, StoreForeign, StoreNotMigrated, StoreUnreadable):
            refused += 1
        finally:
            database.remove(copy)
    assert refused > 60


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("open_", [*OPENERS, database.check_ours, database.migrate])
def test_a_database_whose_tables_are_described_in_no_text_is_refused(
    ward: Path, open_: Callable[[Path], object]
) -> None:
    """One bit does that, and what SQLite says of it is no text either."""
    with closing(module.connect(ward)) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    ward.write_bytes(ward.read_bytes().replace(b"CREATE TABLE vital", b"CREATE \xd4ABLE vital"))
    with pytest.raises(StoreCorrupt, match="is damaged"):
        open_(ward)


@pytest.mark.hazard("H16")
def test_a_truncated_database_is_refused(ward: Path) -> None:
    """A file that lost its end, as a full disk or a broken copy leaves it, is damaged."""
    whole = ward.read_bytes()
    ward.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreCorrupt, match="restore the last backup"):
        database.open_writer(ward)


def test_a_database_whose_rows_break_its_own_rules_is_refused(ward: Path) -> None:
    """Every page can be read, and what stands on it cannot be."""
    with closing(module.connect(ward, isolation_level=None)) as db:
        db.execute("create table odd (a)")
        db.execute("insert into odd values (null)")
        db.execute("pragma writable_schema = on")
        db.execute("update sqlite_schema set sql = 'CREATE TABLE odd (a not null)' where name = 'odd'")
    with pytest.raises(StoreCorrupt, match="NULL value in odd"):
        database.open_writer(ward)


def test_a_file_of_ours_without_any_table_is_not_migrated(tmp_path: Path) -> None:
    """A half-made file of an old release is brought up, not used and not called foreign."""
    path = tmp_path / "ward.db"
    with closing(module.connect(path, isolation_level=None)) as db:
        db.execute(f"pragma application_id = {database.APPLICATION_ID}")
    with pytest.raises(StoreNotMigrated):
        database.open_writer(path)
    assert len(database.migrate(path).applied) == len(schema.NAMES) + len(alerts_schema.NAMES)
    database.open_writer(path).close()


def test_without_a_writers_log_the_file_alone_is_read(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite cannot make its files beside the database, a database that nobody uses is read as it stands."""
    real = database._connect

    def no_files_beside(target: str, key: Key | None) -> Connection:
        if "immutable" not in target:
            raise_on_use = module.connect(":memory:", isolation_level=None)
            raise_on_use.set_authorizer(lambda *_: 1)
            return raise_on_use
        return real(target, key)

    monkeypatch.setattr(database, "_connect", no_files_beside)
    monkeypatch.setattr(database, "OperationalError", module.DatabaseError)
    with closing(database.open_reader(ward)) as db:
        assert db.execute("select count(*) from vital").fetchone() == (1,)
    database.sidecars(ward)[0].write_bytes(b"something")
    with pytest.raises(StoreUnreadable):
        database.open_reader(ward)


def test_a_large_database_is_opened_without_reading_all_of_it(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a size the check of every page is left to `vwmon db verify`, so that a daemon is back soon."""
    monkeypatch.setattr(database, "CHECKED_WHOLE_BYTES", 1)
    asked: list[str] = []
    real = database._connect

    def traced(target: str, key: Key | None) -> Connection:
        db = real(target, key)
        db.set_trace_callback(asked.append)
        return db

    monkeypatch.setattr(database, "_connect", traced)
    database.open_writer(ward).close()
    assert asked
    assert not any("quick_check" in statement for statement in asked)


def test_nothing_is_made_over_a_file_that_is_there(ward: Path, tmp_path: Path) -> None:
    """Making a database is only for a path where nothing is."""
    before = ward.read_bytes()
    with pytest.raises(StoreExists):
        database.create(ward)
    assert ward.read_bytes() == before
    dangling = tmp_path / "link.db"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreExists):
        database.create(dangling)
    with pytest.raises(StoreMissing, match="folder"):
        database.create(tmp_path / "no" / "ward.db")


@pytest.mark.hazard("H22", "T14")
def test_a_new_database_is_not_for_everyone(ward: Path) -> None:
    """Readings of patients are not world-readable, whatever the umask."""
    assert not stat.S_IMODE(ward.stat().st_mode) & 0o007


def test_a_database_that_could_not_be_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If making the tables fails half way there is no file, whole or half."""

    def fail(_: Connection) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(alerts_schema, "migrate", fail)
    with pytest.raises(OperationalError):
        database.create(tmp_path / "ward.db")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    """A half-made file of a process of the same number is cleared away."""
    leftover = tmp_path / f".ward.db.{os.getpid()}.new"
    leftover.write_bytes(b"half")
    database.create(tmp_path / "ward.db").close()
    assert [path.name for path in tmp_path.iterdir()] == ["ward.db"]


def test_migrating_makes_a_database_where_there_is_none_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    """The one command that makes a database says so, and can be run again."""
    path = tmp_path / "ward.db"
    made = database.migrate(path)
    assert made.created
    assert f"vwmon.{schema.NAMES[0]}" in made.applied
    assert database.migrate(path) == database.Migrated(created=False, applied=(), backup=None)


OLDER = schema.NAMES.index("m006_attempts")


@pytest.mark.hazard("H18")
def test_an_older_database_is_migrated_after_a_copy_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there before stays beside, under a name that is free; the rows are in the migrated one."""
    path = tmp_path / "ward.db"
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:OLDER])
        older.setitem(database.REQUIRED, schema.SET, schema.NAMES[:OLDER])
        with closing(database.create(path)) as db, database.atomic(db):
            db.execute("insert into vital (name) values ('spo2')")
    taken = tmp_path / f"ward.db.before-vwmon.{schema.NAMES[OLDER]}"
    taken.touch()
    done = database.migrate(path)
    assert done.applied == tuple(f"vwmon.{name}" for name in schema.NAMES[OLDER:])
    assert done.backup == taken.with_name(taken.name + ".2")
    with closing(database.open_writer(path)) as db, closing(module.connect(done.backup)) as before:
        assert db.execute("select name from vital").fetchall() == [("spo2",)]
        assert before.execute("select name from vital").fetchall() == [("spo2",)]
        assert db.execute("select count(*) from attempt").fetchone() == (0,)
        with pytest.raises(OperationalError, match="no such table"):
            before.execute("select * from attempt")


def test_a_transaction_keeps_all_or_nothing(opened: Connection) -> None:
    """An exception inside takes everything of the block back and reaches the caller."""

    def write_and_fail() -> None:
        with database.atomic(opened):
            opened.execute("insert into vital (name) values ('weight')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert not opened.in_transaction
    assert opened.execute("select name from vital").fetchall() == [("spo2",)]


def test_a_transaction_within_a_transaction_is_a_mistake_and_breaks_the_outer_one(opened: Connection) -> None:
    """Nobody may believe that an inner block was committed on its own."""
    with pytest.raises(OperationalError), database.atomic(opened), database.atomic(opened):
        pass
    assert not opened.in_transaction


def test_a_database_held_by_another_program_says_so(
    ward: Path, opened: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the timeout the one who waits is told to try again."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.0)
    with closing(database.open_writer(ward)) as other:
        opened.execute("begin immediate")
        with pytest.raises(StoreBusy, match="try again"), database.atomic(other):
            pass
        opened.execute("rollback")


def test_the_threads_of_one_process_take_turns(ward: Path) -> None:
    """Two threads that write at once never see a locked database, and nothing of either is lost."""

    def write() -> None:
        with closing(database.open_writer(ward)) as db:
            for _ in range(50):
                with database.atomic(db):
                    (n,) = db.execute("select n from register_version").fetchone()
                    db.execute("update register_version set n = ?", [n + 1])

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with closing(database.open_reader(ward)) as db:
        assert db.execute("select n from register_version").fetchone() == (150,)


def test_a_reader_cannot_write(ward: Path) -> None:
    """A list changes nothing, whatever is asked of its connection."""
    with closing(database.open_reader(ward)) as db, pytest.raises(OperationalError, match="readonly"):
        db.execute("delete from vital")


def test_a_reader_sees_what_a_writer_has_committed_and_no_more(ward: Path, opened: Connection) -> None:
    """Reading goes on while the daemon writes."""
    with closing(database.open_reader(ward)) as reader:
        with database.atomic(opened):
            opened.execute("insert into vital (name) values ('weight')")
            assert reader.execute("select count(*) from vital").fetchone() == (1,)
        assert reader.execute("select count(*) from vital").fetchone() == (2,)


READ_AS_ANOTHER = """
import os, sys
from pathlib import Path
from vwmon.errors import StoreError
from vwmon.store import database
if os.geteuid() == 0:
    os.setgid({nobody}); os.setuid({nobody})
try:
    db = database.open_reader(Path(sys.argv[1]))
    print(db.execute("select count(*) from vital").fetchone()[0])
except StoreError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def readable(ward: Path) -> Iterator[Path]:
    """The database in a folder that everybody may look into and nobody but its owner may write to."""
    folder = Path("/tmp") / f"vwmon-readable-{os.getpid()}"  # noqa: S108 -- a temporary folder of pytest is private
    folder.mkdir()
    shutil.copy(ward, folder / "ward.db")
    (folder / "ward.db").chmod(0o644)
    folder.chmod(0o755)
    yield folder / "ward.db"
    shutil.rmtree(folder)


def read_as_another(path: Path) -> str:
    """Read as somebody who may not write there."""
    if os.geteuid() != 0:
        path.parent.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_AS_ANOTHER.format(nobody=NOBODY), str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        if os.geteuid() != 0:
            path.parent.chmod(0o755)
    return done.stdout.strip()


def test_somebody_who_may_only_read_sees_the_list_with_and_without_a_daemon(readable: Path) -> None:
    """With no writer the file alone is read; with one, or after one was killed, the log beside it too."""
    assert read_as_another(readable) == "1"
    with closing(database.open_writer(readable)) as db:
        with database.atomic(db):
            db.execute("insert into vital (name) values ('weight')")
        assert read_as_another(readable) == "2"
        kept = {each: each.read_bytes() for each in (readable, *database.sidecars(readable)) if each.exists()}
    for each, content in kept.items():  # as a killed daemon would have left them
        each.write_bytes(content)
        each.chmod(0o644)
    assert read_as_another(readable) == "2"


def test_a_log_that_somebody_may_not_read_is_told_and_not_left_out(readable: Path) -> None:
    """An old state of the ward is never shown because the newest part of it is out of reach."""
    with closing(database.open_writer(readable)) as db:
        with database.atomic(db):
            db.execute("insert into vital (name) values ('weight')")
        for each in database.sidecars(readable):
            if each.exists():
                each.chmod(0o600 if os.geteuid() == 0 else 0)
        assert read_as_another(readable) == "StoreUnreadable"


@pytest.mark.hazard("H15")
def test_a_full_disk_is_told_as_that_and_not_as_a_matter_of_rights(ward: Path) -> None:
    """And that it has to be done again: nothing of it is there."""
    with closing(database.open_writer(ward)) as db:
        db.execute(f"pragma max_page_count = {db.execute('pragma page_count').fetchone()[0]}")
        with pytest.raises(StoreUnreadable, match=r"disk is full\); make room on its disk, then do it again"):
            fill(ward, db)
        assert db.execute("select count(*) from vital").fetchone() == (1,)


def fill(path: Path, db: Connection) -> None:
    """Write more than there is room for."""
    with database.told_plainly(path), database.atomic(db):
        db.executemany("insert into vital (name) values (?)", ((f"{number:04}" * 200,) for number in range(400)))
