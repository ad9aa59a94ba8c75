"""The key of a database: found by the path alone, refused with what to do, and shown by nothing."""

import os
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from vwmon.errors import StoreCorrupt, StoreError, StoreSealed
from vwmon.store import database, keys, sqlite
from vwmon.store.keys import PLAIN
from vwmon.store.sqlite import DatabaseError, module

DIGITS = "0123456789abcdef" * 4
OTHER = "f" * 64
OPENERS = [database.open_writer, database.open_reader, database.check_ours, database.migrate]


def write_key(path: Path, content: str = f"{DIGITS}\n", mode: int = 0o600) -> Path:
    """Put a file in the place of the key of a database."""
    file = keys.beside(path)
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """A sealed database with one row."""
    path = tmp_path / "ward.db"
    write_key(path)
    with closing(database.create(path)) as db, database.atomic(db):
        db.execute("insert into vital (name) values ('spo2')")
    return path


@pytest.mark.hazard("H22", "T14")
def test_a_database_that_is_made_beside_a_key_can_be_read_by_no_other_program(ward: Path) -> None:
    """From its first byte on, and in its log too: no header, none of its words, and nothing without the key."""
    with closing(database.open_writer(ward)) as db:
        with database.atomic(db):
            db.execute("insert into vital (name) values ('a-word-to-look-for')")
        kept = [file.read_bytes() for file in (ward, *database.sidecars(ward)[:1])]
    assert [content.startswith(PLAIN) for content in kept] == [False, False]
    assert all(len(content) > 4096 for content in kept)
    assert not any(word in content for content in kept for word in (b"a-word-to-look-for", b"create table", b"spo2"))
    with closing(module.connect(ward)) as db, pytest.raises(DatabaseError, match="not a database"):
        db.execute("select * from vital")


@pytest.mark.hazard("H22", "T14")
@pytest.mark.parametrize("open_", OPENERS)
def test_without_its_key_or_with_another_a_sealed_database_is_opened_by_nobody(
    ward: Path, open_: Callable[[Path], object]
) -> None:
    """It is said where the key has to be, and that it may be damaged instead; the file is left alone."""
    before = ward.read_bytes()
    write_key(ward, OTHER)
    with pytest.raises(StoreCorrupt, match=rf"sealed by another key than {keys.beside(ward)}, or damaged"):
        open_(ward)
    keys.beside(ward).unlink()
    with pytest.raises(StoreCorrupt, match=rf"sealed by a key that is not there, {keys.beside(ward)}, or damaged"):
        open_(ward)
    assert ward.read_bytes() == before
    write_key(ward)
    open_(ward)


def devices(path: Path) -> int:
    """Read something of a database that is opened with its key."""
    with closing(database.open_writer(path)) as db:
        return int(db.execute("select count(*) from device").fetchone()[0])


@pytest.mark.parametrize("content", [DIGITS, f"{DIGITS}\n", f"{DIGITS}\r\n", DIGITS.upper()])
def test_a_key_is_taken_as_editors_write_it(ward: Path, content: str) -> None:
    """With an end of line or none, and in capitals."""
    write_key(ward, content)
    assert devices(ward) == 0


def test_a_key_may_be_a_link_to_where_it_is_kept(ward: Path, tmp_path: Path) -> None:
    """A mounted secret; its mode counts and not the link's, and a link that leads nowhere is said."""
    (tmp_path / "secrets").mkdir()
    kept = keys.beside(ward).rename(tmp_path / "secrets" / "of-the-ward")
    keys.beside(ward).symlink_to(kept)
    database.open_writer(ward).close()
    kept.chmod(0o604)
    with pytest.raises(StoreSealed, match="everyone on this machine may read"):
        database.open_writer(ward)
    kept.unlink()
    with pytest.raises(StoreSealed, match=rf"is a link to {kept}, which is not there"):
        database.open_writer(ward)


@pytest.mark.hazard("T13")
@pytest.mark.parametrize("open_", OPENERS)
@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o666])
def test_a_key_that_everyone_may_read_or_write_is_refused(
    ward: Path, mode: int, open_: Callable[[Path], object]
) -> None:
    """It seals nothing then."""
    keys.beside(ward).chmod(mode)
    with pytest.raises(StoreSealed, match=r"everyone on this machine may .* this key; chmod o-rwx"):
        open_(ward)


def test_a_key_that_the_group_may_read_is_taken(ward: Path) -> None:
    """Clinicians who use the commands read the same database."""
    keys.beside(ward).chmod(0o640)
    assert devices(ward) == 0


@pytest.mark.hazard("T13")
@pytest.mark.parametrize(
    "content",
    ["", DIGITS[:-1], f"{DIGITS}0", f"x'{DIGITS}'", DIGITS.replace("a", "g"), f"{DIGITS}\n{OTHER}", "z" * 5000],
)
def test_what_is_no_key_is_refused_without_showing_it(ward: Path, content: str) -> None:
    """A passphrase would be taken by SQLite, and make another key: nothing but the digits is one."""
    write_key(ward, content)
    with pytest.raises(StoreSealed, match=r"is no key: one is 64 hexadecimal digits") as refused:
        database.open_writer(ward)
    said = "".join(traceback.format_exception(refused.value))
    assert not content or content not in said


@pytest.mark.parametrize("odd", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_key_and_keeps_nobody_waiting(ward: Path, odd: Callable[[Path], None]) -> None:
    """A folder, or a pipe that nobody writes to."""
    keys.beside(ward).unlink()
    odd(keys.beside(ward))
    keys.beside(ward).chmod(0o700)
    with pytest.raises(StoreSealed, match="is no key"):
        database.open_writer(ward)


@pytest.mark.hazard("T14")
@pytest.mark.parametrize("open_", OPENERS)
def test_a_plain_database_beside_a_key_is_not_taken_for_the_sealed_one(
    tmp_path: Path, open_: Callable[[Path], object]
) -> None:
    """Whoever put it there would choose what the ward sees; what to do is said."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    write_key(path)
    with pytest.raises(StoreSealed, match=r"is not sealed, and a key is beside it: seal it with vwmon db seal --db"):
        open_(path)


@pytest.mark.hazard("T14")
@pytest.mark.parametrize("open_", OPENERS)
def test_an_sqlite_that_knows_no_keys_is_not_given_one(
    ward: Path, open_: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take the key without a word, and make a plain database."""
    monkeypatch.setattr(keys, "knows_keys", lambda: False)
    with pytest.raises(StoreSealed, match="install sqlcipher3"):
        open_(ward)
    ward.unlink()
    with pytest.raises(StoreError, match="install sqlcipher3"):
        database.create(ward)
    assert not ward.exists()


def test_the_sqlite_of_python_is_known_to_know_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what is used where there is no wheel of the other."""
    import sqlite3

    assert sqlite.knows_keys()
    monkeypatch.setattr(sqlite, "module", sqlite3)
    assert not sqlite.knows_keys()


@pytest.mark.hazard("T13")
def test_no_error_log_or_record_shows_a_key(ward: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not its repr, no traceback of a refusal or of damage, and nothing on the streams, where SQLite has a log."""
    assert DIGITS not in repr(keys.of(ward))
    said = []
    damaged = bytearray(ward.read_bytes())
    damaged[2 * 4096 + 100] ^= 1
    for content, key in ((ward.read_bytes(), OTHER), (bytes(damaged), DIGITS), (b"?" * 8192, DIGITS)):
        ward.write_bytes(content)
        write_key(ward, key)
        with pytest.raises(StoreError) as refused:
            database.open_writer(ward)
        said += traceback.format_exception(refused.value)
    assert not [line for line in said if DIGITS in line or OTHER in line]
    assert capfd.readouterr() == ("", "")


def test_somebody_else_s_program_may_have_a_key_of_that_name(tmp_path: Path) -> None:
    """A certificate's key beside a plain database is a mistake that is said, not one that is guessed about."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    write_key(path, "-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(StoreSealed, match="is no key"):
        database.open_reader(path)
