"""`vwmon db`: the database is made, checked, copied and put back by explicit commands only."""

import json
import re
from contextlib import closing
from pathlib import Path

from tests.conftest import Command
from tests.db.test_store_monitor import LIVE
from vwmon.clock import Clock
from vwmon.store import database, monitor
from vwmon.store.monitor import Monitor
from vwmon.store.sqlite import module
from vwmon.store.verify import SEALED

NOT_SEALED = "it is not sealed: a flipped bit in a value is not found"

LATER = "m016_prescriptions"  # a migration whose table no later one has changed


def ward(folder: Path) -> Path:
    """Make a database with a patient's vital in it."""
    path = folder / "ward.db"
    with closing(database.create(path)) as db, database.atomic(db):
        db.execute("insert into vital (name) values ('spo2')")
    return path


def test_migrate_makes_a_database_and_says_so(vwmon: Command, tmp_path: Path) -> None:
    """And the second time that there is nothing to do."""
    path = tmp_path / "ward.db"
    assert vwmon("db", "migrate", "--db", path).stdout == f"Made a new database: {path}\n"
    assert vwmon("db", "migrate", "--db", path).stdout == f"{path} is up to date.\n"


def test_migrate_brings_an_older_database_up_and_names_the_copy(vwmon: Command, tmp_path: Path) -> None:
    """Daemon and lists refuse it before, and take it afterwards."""
    path = ward(tmp_path)
    with closing(module.connect(path, isolation_level=None)) as db:
        db.execute("drop table prescription")
        db.execute("delete from _sqlite_migrations where name = ?", [LATER])
    refused = vwmon("patients", "--db", path)
    assert refused.exit_code == 1
    assert "vwmon db migrate" in refused.stderr
    done = vwmon("db", "migrate", "--db", path)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"Migrated {path}: vwmon.{LATER}",
        f"As it was before: {path}.before-vwmon.{LATER}",
    ]
    assert vwmon("patients", "--db", path).exit_code == 0


def test_migrate_does_not_touch_what_is_not_a_ward(vwmon: Command, tmp_path: Path) -> None:
    """Another program's file stays as it is."""
    with closing(module.connect(tmp_path / "other.db")) as db:
        db.execute("create table t (a)")
    before = (tmp_path / "other.db").read_bytes()
    assert vwmon("db", "migrate", "--db", tmp_path / "other.db").exit_code == 1
    assert (tmp_path / "other.db").read_bytes() == before


def test_verify_of_a_sound_database(vwmon: Command, tmp_path: Path) -> None:
    """Every check by name, and the verdict last."""
    path = ward(tmp_path)
    done = vwmon("db", "verify", "--db", path)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == f"{path} is sound."
    rows = json.loads(vwmon("db", "verify", "--db", path, "--json").stdout)
    assert all(row["sound"] is True for row in rows)


def test_verify_of_a_database_that_is_not_sound(vwmon: Command, tmp_path: Path) -> None:
    """Exit code 1, and what is wrong."""
    path = ward(tmp_path)
    with closing(module.connect(path, isolation_level=None)) as db:
        db.execute("update log set last_seq = 5")
    done = vwmon("db", "verify", "--db", path)
    assert done.exit_code == 1
    assert "NOT sound: 1 of" in done.stdout
    assert "every reading has one place in the log" in done.stdout


def test_backup_and_restore(vwmon: Command, tmp_path: Path) -> None:
    """There and back, to a path where nothing is."""
    path = ward(tmp_path)
    done = vwmon("db", "backup", tmp_path / "copy.db", "--db", path)
    assert done.exit_code == 0
    assert re.match(rf"Backed up and verified: {re.escape(str(tmp_path / 'copy.db'))}, 0\.\d MiB\n", done.stdout)
    back = vwmon("db", "restore", tmp_path / "copy.db", "--db", tmp_path / "new.db")
    assert back.exit_code == 0
    with closing(database.open_reader(tmp_path / "new.db")) as db:
        assert db.execute("select name from vital").fetchall() == [("spo2",)]


def test_backup_without_a_name_stands_beside_the_database(vwmon: Command, tmp_path: Path) -> None:
    """Named by the time, so that every one is a new file."""
    path = ward(tmp_path)
    assert vwmon("db", "backup", "--db", path).exit_code == 0
    assert len(list(tmp_path.glob("ward.db.backup-*Z"))) == 1


def test_backup_never_writes_over_a_file(vwmon: Command, tmp_path: Path) -> None:
    """Exit code 5."""
    path = ward(tmp_path)
    assert vwmon("db", "backup", path, "--db", path).exit_code == 5


def test_restore_asks_before_it_replaces_and_keeps_what_was_there(vwmon: Command, tmp_path: Path) -> None:
    """Exit code 5 without --force; with it the old database has another name."""
    path = ward(tmp_path)
    vwmon("db", "backup", tmp_path / "copy.db", "--db", path)
    refused = vwmon("db", "restore", tmp_path / "copy.db", "--db", path)
    assert refused.exit_code == 5
    assert "--force" in refused.stderr
    done = vwmon("db", "restore", tmp_path / "copy.db", "--db", path, "--force")
    assert done.exit_code == 0
    assert f"The database that was there: {path}.replaced" in done.stdout


def test_restore_is_refused_under_a_daemon_at_work(vwmon: Command, tmp_path: Path) -> None:
    """Exit code 5, whatever is forced."""
    path = ward(tmp_path)
    vwmon("db", "backup", tmp_path / "copy.db", "--db", path)
    beaten: Monitor = LIVE
    with closing(database.open_writer(path)) as db:
        now_ms = Clock().now_ms()
        monitor.beat(
            db, Monitor(**({name: getattr(beaten, name) for name in Monitor.__slots__} | {"cycle_ms": now_ms}))
        )
    refused = vwmon("db", "restore", tmp_path / "copy.db", "--db", path, "--force")
    assert refused.exit_code == 5
    assert "stop it first" in refused.stderr


def test_seal_tells_first_and_seals_when_told_to(vwmon: Command, tmp_path: Path) -> None:
    """What would be done, and how; then what was done, and what is left to do with the key."""
    path, key = ward(tmp_path), tmp_path / "ward.db.key"
    before = path.read_bytes()
    told = vwmon("db", "seal", "--db", path)
    assert (told.exit_code, path.read_bytes(), key.exists()) == (0, before, False)
    assert f"A key would be made: {key}" in told.stdout
    assert "Nothing was done. To do it: stop the daemon, and add --do-it" in told.stdout
    done = vwmon("db", "seal", "--do-it", "--db", path)
    assert done.exit_code == 0
    assert f"Its key, made now: {key}" in done.stdout
    assert "without it nobody reads" in done.stdout
    assert "made before are not sealed" in done.stdout
    assert key.read_text().strip() not in done.output
    assert vwmon("db", "seal", "--do-it", "--db", path).exit_code == 5
    assert vwmon("db", "seal", "--db", path).exit_code == 5
    assert vwmon("patients", "--db", path).exit_code == 0


def test_a_sealed_database_is_verified_backed_up_and_put_back(vwmon: Command, tmp_path: Path) -> None:
    """Verification says whether it is sealed; a copy beside needs no key of its own to be put back."""
    path = ward(tmp_path)
    rows = {row["check"]: row for row in json.loads(vwmon("db", "verify", "--db", path, "--json").stdout)}
    assert rows[SEALED] == {"check": SEALED, "sound": True, "found": NOT_SEALED}
    vwmon("db", "seal", "--do-it", "--db", path)
    rows = {row["check"]: row for row in json.loads(vwmon("db", "verify", "--db", path, "--json").stdout)}
    assert rows[SEALED] == {"check": SEALED, "sound": True, "found": "ok"}
    assert vwmon("db", "backup", tmp_path / "copy.db", "--db", path).exit_code == 0
    assert vwmon("db", "verify", "--db", tmp_path / "copy.db").exit_code == 1
    assert vwmon("db", "restore", tmp_path / "copy.db", "--db", path, "--force").exit_code == 0
    with closing(database.open_reader(path)) as db:
        assert db.execute("select name from vital").fetchall() == [("spo2",)]


def test_verify_names_the_page_that_is_damaged(vwmon: Command, tmp_path: Path) -> None:
    """A bit in a value, which a plain database takes for the value."""
    path = ward(tmp_path)
    vwmon("db", "seal", "--do-it", "--db", path)
    content = bytearray(path.read_bytes())
    content[4096 * 3 + 2000] ^= 8
    path.write_bytes(content)
    done = vwmon("db", "verify", "--db", path)
    assert done.exit_code == 1
    assert "HMAC verification failed for page 4" in done.stdout
    assert "NOT sound" in done.stdout


def test_the_commands_need_a_database(vwmon: Command, tmp_path: Path) -> None:
    """Exit code 3, and none is made."""
    for arguments in (("verify",), ("backup", tmp_path / "copy.db"), ("restore", tmp_path / "copy.db"), ("seal",)):
        assert vwmon("db", *arguments, "--db", tmp_path / "ward.db").exit_code == 3
    assert not list(tmp_path.iterdir())
