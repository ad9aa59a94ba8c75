"""Sealing a database: proved, all or nothing however it ends, alone; and copies of it there and back."""

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.db.test_store_backup import values
from tests.db.test_store_keys import DIGITS, OTHER, write_key
from tests.db.test_store_log import ALL, append, arrival, reading
from tests.db.test_store_monitor import LIVE, NOW
from vwmon.errors import ConflictError, StoreBusy, StoreCorrupt, StoreForeign, StoreMissing, StoreSealed
from vwmon.store import anchors, backup, database, keys, monitor, scores, sealing
from vwmon.store.keys import Key
from vwmon.store.log import merge
from vwmon.store.sole import sole_daemon
from vwmon.store.sqlite import Connection
from vwmon.store.verify import SEALED, Finding, verify

READINGS = [0.0, 1.0, 2.0]
PAGE = 4096
# Each line of the module is one place to be killed at: a child for each, killed as it comes to that line.
KILLED_AT = """
import json, os, shutil, signal, sys
from pathlib import Path
from vwmon.store import sealing

whole, folder = Path(sys.argv[1]), Path(sys.argv[2])

def killed_at(place):
    seen = set()
    def traced(frame, event, _):
        if frame.f_code.co_filename != sealing.__file__:
            return None
        if event == "line":
            seen.add(frame.f_lineno)
            if len(seen) > place:
                os.kill(os.getpid(), signal.SIGKILL)
        return traced
    return traced

place = 0
while True:
    path = folder / f"{place}" / "ward.db"
    path.parent.mkdir()
    shutil.copy(whole, path)
    child = os.fork()
    if child == 0:
        sys.settrace(killed_at(place))
        sealing.seal(path)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    place += 1
print(place)
"""
OPENS = """
import sys
from pathlib import Path
from vwmon.errors import StoreError
from vwmon.store import database, keys
connect = database._connect
def connected(target, key):
    db = connect(target, key)
    print("opened", flush=True)
    return db
database._connect = connected
try:
    database.open_writer(Path(sys.argv[1]))
    print("wrote")
except StoreError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """A plain database of three readings, one of them merged, with anchors of its history."""
    path = tmp_path / "ward.db"
    with closing(database.create(path)) as db:
        append(db, *(arrival(str(n), reading(float(n))) for n in range(3)))
        scores.move_cursor(db, 1)
        merge(db, 1, ALL)
        anchors.append(anchors.beside(path), anchors.taken(db, NOW), make=True)
    path.chmod(0o600)
    return path


@pytest.fixture
def sealed(ward: Path) -> Path:
    """The same, sealed."""
    sealing.seal(ward)
    return ward


def files(folder: Path) -> set[str]:
    """Name the files of a folder, without what is kept beside a database in use."""
    return {file.name for file in folder.iterdir() if not file.name.endswith(("-daemon", "-wal", "-shm"))}


def unsound(path: Path, key: Key | None = None) -> list[str]:
    """Name the checks that fail."""
    return [one.check for one in verify(path, key) if not one.sound]


@pytest.mark.hazard("H22", "T14")
def test_a_sealed_database_holds_what_the_plain_one_held(ward: Path) -> None:
    """Rows, version and marks; every check of it passes, its pages' seals among them; a daemon can go on with it."""
    told = sealing.seal(ward)
    assert (told.path, told.key, told.made) == (ward, keys.beside(ward), True)
    assert told.rows > 3
    assert not keys.is_plain(ward)
    assert values(ward) == READINGS
    assert unsound(ward) == []
    assert Finding(check=SEALED, sound=True, found="ok") in verify(ward)
    with closing(database.open_writer(ward)) as db:
        append(db, arrival("more", reading(9.0)))
    assert values(ward) == [*READINGS, 9.0]
    assert files(ward.parent) == {"ward.db", "ward.db.key", "ward.db.audit"}


def test_the_key_is_new_and_as_open_as_the_database_is_to_its_group(ward: Path, tmp_path: Path) -> None:
    """Who may read the database needs it; nobody else may have it."""
    assert sealing.seal(ward).made
    other = tmp_path / "other.db"
    database.create(other).close()
    other.chmod(0o660)
    sealing.seal(other)
    found = [(file.stat().st_mode & 0o777, file.read_text()) for file in map(keys.beside, (ward, other))]
    assert [mode for mode, _ in found] == [0o600, 0o640]
    assert len({text for _, text in found}) == 2
    assert [file.stat().st_mode & 0o777 for file in (ward, other)] == [0o600, 0o660]


def test_a_key_that_is_there_is_taken_and_stays_as_it_is(ward: Path) -> None:
    """Made by whoever keeps it, or by a sealing that was killed."""
    file = write_key(ward, f"{DIGITS}\n", 0o440)
    assert not sealing.seal(ward).made
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{DIGITS}\n", 0o440)
    assert values(ward) == READINGS


def test_a_key_that_cannot_be_used_seals_nothing(ward: Path) -> None:
    """It is not written over: another database may need it."""
    before, file = ward.read_bytes(), write_key(ward, "not one\n")
    with pytest.raises(StoreSealed, match="is no key"):
        sealing.seal(ward)
    assert (ward.read_bytes(), file.read_text()) == (before, "not one\n")


def test_what_is_sealed_is_not_sealed_twice(sealed: Path) -> None:
    """Nor is what cannot be read taken for it."""
    with pytest.raises(ConflictError, match="is sealed already"):
        sealing.seal(sealed)
    sealed.write_bytes(b"?" * 8192)
    with pytest.raises(StoreCorrupt):
        sealing.seal(sealed)
    with pytest.raises(StoreMissing):
        sealing.seal(sealed.with_name("nowhere.db"))


def test_an_sqlite_that_knows_no_keys_seals_nothing(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would write a plain copy and call it sealed."""
    monkeypatch.setattr(sealing, "knows_keys", lambda: False)
    with pytest.raises(StoreSealed, match="install sqlcipher3"):
        sealing.seal(ward)
    assert values(ward) == READINGS


@pytest.mark.hazard("H16")
def test_nothing_is_sealed_while_somebody_uses_the_database(ward: Path) -> None:
    """What a daemon or a clinician would write meanwhile would be lost with the plain file."""
    with sole_daemon(ward), pytest.raises(ConflictError):
        sealing.seal(ward)
    for opens in (database.open_writer, database.open_reader):
        with closing(opens(ward)), pytest.raises(StoreBusy, match="another program has"):
            sealing.seal(ward)
    assert keys.is_plain(ward)
    assert files(ward.parent) == {"ward.db", "ward.db.audit"}
    assert values(ward) == READINGS


@pytest.mark.hazard("H16")
def test_who_opens_the_database_during_the_change_does_not_write_into_the_old_one(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits, as SQLite lets it, and then has the plain file that is gone in its hand: refused."""
    prove, others = sealing._prove, []

    def meanwhile(making: Path, *rest: object) -> None:
        other = subprocess.Popen([sys.executable, "-c", OPENS, str(ward)], stdout=subprocess.PIPE, text=True)
        others.append(other)
        assert other.stdout is not None
        assert other.stdout.readline() == "opened\n"
        prove(making, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing, "_prove", meanwhile)
    sealing.seal(ward)
    with others[0] as other:
        assert other.communicate()[0] == f"{StoreForeign.__name__}\n"
    assert values(ward) == READINGS


def lose_a_row(db: Connection, making: Path, key: Key | None) -> None:
    """Copy all but a reading."""
    export(db, making, key)
    with closing(database._connect(str(making), key)) as copy:
        copy.execute("delete from reading")


def damage(db: Connection, making: Path, key: Key | None) -> None:
    """Copy, and let a disk turn a bit in the last page."""
    export(db, making, key)
    content = bytearray(making.read_bytes())
    content[-200] ^= 1
    making.write_bytes(content)


export = sealing._export


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("wrong", [lose_a_row, damage])
def test_a_sealed_copy_that_is_not_the_same_takes_no_place(
    ward: Path, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain one stays, and there is no key that would keep it from being opened."""
    monkeypatch.setattr(sealing, "_export", wrong)
    with pytest.raises(StoreCorrupt):
        sealing.seal(ward)
    assert files(ward.parent) == {"ward.db", "ward.db.audit"}
    assert values(ward) == READINGS


def test_a_place_that_cannot_be_taken_leaves_the_plain_database_and_no_key(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nothing could open it."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        sealing.seal(ward)
    assert files(ward.parent) == {"ward.db", "ward.db.audit"}
    assert values(ward) == READINGS


@pytest.mark.hazard("H16")
def test_killed_anywhere_there_is_one_whole_database_and_sealing_can_be_done_again(ward: Path, tmp_path: Path) -> None:
    """At each line: plain or sealed, with every reading; between key and place one more sealing is asked for."""
    (folder := tmp_path / "killed").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(ward), str(folder)], capture_output=True, text=True, check=True
    )
    places = int(done.stdout)
    assert places > 40
    sealing.seal(folder / str(places // 2) / "ward.db")
    came_to = [state(folder / str(place) / "ward.db") for place in range(places)]
    assert set(came_to) <= {"plain", "plain, with its key", "sealed"}
    assert came_to[0] == "plain"
    assert came_to[-1] == "sealed"
    assert came_to.count("plain, with its key") <= 3


def state(path: Path) -> str:
    """Say what there is at a path, and see that it is whole, or can be sealed and is whole then."""
    key = keys.beside(path).exists()
    if not keys.is_plain(path):
        assert values(path) == READINGS
        assert unsound(path) == []
        return "sealed"
    if key:
        with pytest.raises(StoreSealed, match="seal it with vwmon db seal"):
            database.open_reader(path)
        sealing.seal(path)
    assert values(path) == READINGS
    return "plain, with its key" if key else "plain"


@pytest.mark.hazard("H16")
def test_a_flipped_bit_anywhere_in_a_sealed_database_is_refused_or_found(sealed: Path) -> None:
    """A hundred of them, one at a time, in values too: a plain database changes without a word."""
    whole, chance = sealed.read_bytes(), random.Random(11)
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[at := chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        sealed.write_bytes(damaged)
        try:
            assert SEALED in unsound(sealed), at
        except StoreCorrupt:
            continue


@pytest.mark.hazard("H16")
def test_a_page_of_zeros_is_found_and_no_copy_makes_it_good(sealed: Path) -> None:
    """At the end of a long value SQLite may read it, and fail only with what it reads next."""
    with closing(database.open_writer(sealed)) as db, database.atomic(db):
        db.execute(
            """insert into quarantine (received_ms, recorded_ms, topic, reason, detail, payload, payload_bytes)
                values (0, 0, '', '', '', ?, 90000)""",
            [b"x" * 90_000],
        )
    whole, copy = sealed.read_bytes(), sealed.with_name("copy.db")
    for page in range(len(whole) // PAGE - 25, len(whole) // PAGE):
        sealed.write_bytes(whole[: page * PAGE] + bytes(PAGE) + whole[(page + 1) * PAGE :])
        assert SEALED in unsound(sealed)
        with pytest.raises(StoreCorrupt, match=SEALED):
            backup.backup(sealed, copy)
        assert not copy.exists()


@pytest.mark.hazard("H22", "T14")
def test_a_backup_of_a_sealed_database_is_sealed_by_the_same_key(sealed: Path, tmp_path: Path) -> None:
    """It can be opened with that key and not without; no key goes with it."""
    (tmp_path / "away").mkdir()
    copy = tmp_path / "away" / "copy.db"
    told = backup.backup(sealed, copy)
    assert told.counts["reading_log"] == 2
    assert files(copy.parent) == {"copy.db", "copy.db.audit"}
    assert not keys.is_plain(copy)
    with pytest.raises(StoreCorrupt, match="sealed by a key that is not there"):
        database.open_reader(copy)
    assert unsound(copy, keys.of(sealed)) == []
    keys.beside(copy).symlink_to(keys.beside(sealed))
    assert values(copy) == READINGS


@pytest.mark.hazard("T14")
def test_a_copy_before_a_migration_is_sealed_too(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the database, where it would stay."""
    with closing(database.open_writer(sealed)) as db:
        db.execute("delete from _sqlite_migrations where name = 'm019_trust'")
    monkeypatch.setattr(database, "_apply", lambda _: None)
    done = database.migrate(sealed)
    assert done.backup is not None
    assert not keys.is_plain(done.backup)


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("beside", ["copy", "database", "both"])
def test_a_sealed_backup_is_put_back_with_the_key_beside_it_or_beside_the_database(
    sealed: Path, tmp_path: Path, beside: str
) -> None:
    """On a new machine: sealed, with the key in its place, whichever was there."""
    (tmp_path / "away").mkdir()
    (tmp_path / "new").mkdir()
    copy, new = tmp_path / "away" / "copy.db", tmp_path / "new" / "new.db"
    backup.backup(sealed, copy)
    digits = keys.beside(sealed).read_text()
    for path in {"copy": [copy], "database": [new], "both": [copy, new]}[beside]:
        write_key(path, digits)
    assert backup.restore(copy, new, NOW).counts["reading_log"] == 2
    assert values(new) == READINGS
    assert not keys.is_plain(new)
    assert keys.beside(new).read_text().strip() == digits.strip()


def test_a_backup_without_its_key_is_put_back_nowhere(sealed: Path, tmp_path: Path) -> None:
    """Neither with none nor with another; what is there stays."""
    (tmp_path / "away").mkdir()
    backup.backup(sealed, copy := tmp_path / "away" / "copy.db")
    new = tmp_path / "new.db"
    database.create(new).close()
    with pytest.raises(StoreCorrupt, match=r"copy\.db cannot be read"):
        backup.restore(copy, new, NOW, force=True)
    write_key(copy, OTHER)
    with pytest.raises(StoreCorrupt, match=r"copy\.db cannot be read"):
        backup.restore(copy, new, NOW, force=True)
    assert values(new) == []
    assert not new.with_name("new.db.replaced").exists()


@pytest.mark.hazard("H16", "T14")
@pytest.mark.parametrize("key", [None, OTHER])
def test_what_is_put_back_is_sealed_by_the_key_of_the_place(ward: Path, tmp_path: Path, key: str | None) -> None:
    """A backup that was made before sealing, or under another key: the ward goes on, sealed as it was."""
    (tmp_path / "away").mkdir()
    copy = tmp_path / "away" / "copy.db"
    if key is not None:
        write_key(copy, key)
    backup.backup(ward, copy)
    assert keys.is_plain(copy) is (key is None)
    sealing.seal(ward)
    digits = keys.beside(ward).read_text()
    told = backup.restore(copy, ward, NOW, force=True)
    assert values(ward) == READINGS
    assert unsound(ward) == []
    assert not keys.is_plain(ward)
    assert keys.beside(ward).read_text() == digits
    assert told.replaced is not None


def test_another_key_is_a_backup_under_it_that_is_put_back(sealed: Path, tmp_path: Path) -> None:
    """Where somebody has seen the first; what gave way is still under that."""
    (tmp_path / "away").mkdir()
    copy, old = tmp_path / "away" / "copy.db", keys.of(sealed)
    write_key(copy, OTHER)
    backup.backup(sealed, copy)
    write_key(sealed, OTHER)
    told = backup.restore(copy, sealed, NOW, force=True)
    assert values(sealed) == READINGS
    assert unsound(sealed) == []
    assert told.replaced is not None
    with pytest.raises(StoreCorrupt):
        database.open_reader(told.replaced, Key(digits=OTHER))
    database.open_reader(told.replaced, old).close()


def test_nothing_is_put_over_a_database_whose_key_cannot_be_used(sealed: Path, tmp_path: Path) -> None:
    """Whether a daemon is at work on it cannot be seen."""
    backup.backup(sealed, copy := tmp_path / "copy.db")
    with closing(database.open_writer(sealed)) as db:
        monitor.beat(db, LIVE)
        keys.beside(sealed).chmod(0o604)
        with pytest.raises(StoreSealed):
            backup.restore(copy, sealed, NOW, force=True)


@pytest.fixture
def at_work(sealed: Path) -> Iterator[threading.Thread]:
    """Somebody who stores readings in a sealed database all the time, and writes them into the file."""
    over = threading.Event()

    def work() -> None:
        with closing(database.open_writer(sealed)) as db:
            db.execute("pragma wal_autocheckpoint = 1")
            number = 0
            while not over.is_set():
                append(db, *(arrival(f"w{number}-{n}", reading(float(n))) for n in range(20)))
                number += 1

    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    over.set()
    thread.join()


def test_a_sealed_database_is_found_whole_while_a_daemon_writes_it(sealed: Path, at_work: threading.Thread) -> None:
    """What is half written for a moment is no damage."""
    for _ in range(15):
        assert unsound(sealed) == []
    assert at_work.is_alive()


@pytest.mark.hazard("H22", "T14")
def test_nothing_plain_is_left_beside_a_database_that_was_sealed(ward: Path) -> None:
    """No log, no half-made file, no copy."""
    with closing(database.open_writer(ward)) as db, database.atomic(db):
        db.execute("insert into vital (name) values ('a-word-to-look-for')")
    sealing.seal(ward)
    assert {file.name for file in ward.parent.iterdir()} == {
        "ward.db",
        "ward.db.key",
        "ward.db.audit",
        "ward.db-daemon",
    }
    assert not [file.name for file in ward.parent.iterdir() if b"a-word-to-look-for" in file.read_bytes()]
