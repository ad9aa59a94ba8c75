"""Sealing: a database that is plain is written anew with every page encrypted and under a code that tells damage.

Also what copies need of it: a copy under another key than its source's, and a key in its place. What a key is, and
where it is kept, is vwmon.store.keys's.
"""

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vwmon.errors import ConflictError, StoreBusy, StoreCorrupt, StoreSealed
from vwmon.store import database, keys
from vwmon.store.keys import Key
from vwmon.store.sole import sole_daemon
from vwmon.store.sqlite import Connection, OperationalError, knows_keys
from vwmon.store.verify import Finding, examine

HEADER: Final = ("application_id", "user_version")
GROUP_MAY_READ: Final = 0o040
MINE: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What was sealed: the database, how many rows were compared, its key's file, and whether that was made."""

    path: Path
    rows: int
    key: Path
    made: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What a database holds, as far as a copy has to hold the same."""

    header: tuple[int, ...]
    schema: tuple[tuple[object, ...], ...]
    rows: dict[str, int]


def refuse_sealed(path: Path) -> None:
    """Raise ConflictError for a database that is sealed already, StoreSealed where none can be sealed."""
    if not knows_keys():
        raise StoreSealed("the SQLite of this installation cannot seal a database; install sqlcipher3 beside vwmon")
    if path.is_file() and not keys.is_plain(path):
        database.check_ours(path)
        raise ConflictError(f"{path} is sealed already, by {keys.beside(path)}")


def seal(path: Path) -> Sealed:
    """Put a sealed copy, proved to be whole, in the place of a plain database that nobody else has open.

    The key beside it is taken; where there is none, one is made. However this ends, there is one whole database at
    `path`. Raises ConflictError for a daemon at work or a database that is sealed already, StoreBusy while another
    program has it open, StoreCorrupt when the copy is not the same, and what open_writer raises.
    """
    refuse_sealed(path)
    known = keys.kept(path)
    key = known or keys.new()
    with sole_daemon(path), closing(database.open_plain(path)) as db:
        _hold_alone(db, path)
        held = _held(db)
        making = database.begin_file(path)
        try:
            _as_open_as(path, making)
            with database.told_plainly(path):
                copy(db, making, None, key)
            _prove(making, key, path, held, examine(db, path))
            _take_the_place(making, path, db, None if known else key)
        finally:
            database.remove(making)
    return Sealed(path=path, rows=sum(held.rows.values()), key=keys.beside(path), made=known is None)


def copy(db: Connection, making: Path, source: Key | None, key: Key | None) -> None:
    """Copy an open database into an empty file, on disk, sealed by `key` where there is one; `source` is its own."""
    if source == key:
        db.execute("vacuum into ?", [str(making)])
    else:
        _export(db, making, key)
    with making.open("rb+") as written:
        os.fsync(written.fileno())


def keep(key: Key, path: Path, like: Path) -> None:
    """Put a key beside the place of a database that has none, whole and on disk; StoreExists when there is one.

    Whoever may read the file `like` as a member of its group may read the key, and nobody else.
    """
    file = keys.beside(path)
    making = database.begin_file(file)
    try:
        making.chmod(MINE | (like.stat().st_mode & GROUP_MAY_READ))
        _owned_as(like, making)
        with making.open("w", encoding="ascii") as written:
            written.write(f"{key.digits}\n")
            written.flush()
            os.fsync(written.fileno())
        database.appear(making, file)
    finally:
        database.remove(making)


def _hold_alone(db: Connection, path: Path) -> None:
    """Let nobody else read or write the database until this connection is closed; StoreBusy where somebody does."""
    busy = StoreBusy(f"another program has {path} open; end it, and try again")
    try:
        # In this order: a journal that is kept while the lock is would stay behind, with a plain page in it.
        for statement in (
            "pragma journal_mode = delete",
            "pragma locking_mode = exclusive",
            "begin exclusive",
            "commit",
        ):
            db.execute(statement).fetchall()
    except OperationalError as error:
        if "locked" not in str(error):
            raise
        raise busy from error
    if db.execute("pragma journal_mode").fetchone() != ("delete",):  # somebody came between
        raise busy


def _export(db: Connection, making: Path, key: Key | None) -> None:
    """Copy what is in a database into another under a key of its own; an empty key is none."""
    header = _header(db)
    db.execute("attach ? as made key ?", [str(making), f"x'{key.digits}'" if key else ""])
    for once in ("journal_mode = off", "synchronous = off"):  # it is synced as a whole, or removed
        db.execute(f"pragma made.{once}")
    db.execute("select sqlcipher_export('made')").fetchone()
    for name, value in zip(HEADER, header, strict=True):
        db.execute(f"pragma made.{name} = {value}")
    db.execute("detach made")


def _prove(making: Path, key: Key, path: Path, held: _Held, before: list[Finding]) -> None:
    """Raise StoreCorrupt unless a sealed copy holds what its source did, and no check of it comes out worse."""
    with closing(database.open_reader(making, key)) as db:
        same, findings = _held(db) == held, examine(db, path)
    worse = sorted(_unsound(findings) - _unsound(before))
    if worse or not same:
        raise StoreCorrupt(f"the sealed copy is not as it should be: {'; '.join(worse) or 'rows are missing'}")


def _unsound(findings: list[Finding]) -> set[str]:
    return {one.check for one in findings if not one.sound}


def _held(db: Connection) -> _Held:
    schema = db.execute(
        "select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite_%' order by 1, 2"
    ).fetchall()
    tables = [name for kind, name, *_ in schema if kind == "table"]
    rows = {name: int(db.execute(f"select count(*) from {name}").fetchone()[0]) for name in tables}
    return _Held(header=_header(db), schema=tuple(schema), rows=rows)


def _header(db: Connection) -> tuple[int, ...]:
    return tuple(int(db.execute(f"pragma {name}").fetchone()[0]) for name in HEADER)


def _take_the_place(making: Path, path: Path, db: Connection, key: Key | None) -> None:
    """Give a sealed file the place of the plain one that `db` holds alone; its key goes there before, if it is new."""
    if key is not None:
        keep(key, path, like=path)
    try:
        making.replace(path)
    except OSError:
        if key is not None:
            keys.beside(path).unlink()
        raise
    database.sync_folder(path.parent)
    _end(db)


def _end(db: Connection) -> None:
    """Make the plain file no database of ours: who had just opened it, and waits, must not write into what is gone."""
    db.execute("pragma journal_mode = memory")  # a journal beside the name would be taken for the sealed one's
    db.execute("pragma application_id = 0")


def _as_open_as(path: Path, file: Path) -> None:
    file.chmod(path.stat().st_mode & 0o777)
    _owned_as(path, file)


def _owned_as(like: Path, file: Path) -> None:
    """Give a file the owner of another where that is for us to do, as it is for root."""
    if os.geteuid() == 0:
        os.chown(file, like.stat().st_uid, like.stat().st_gid)
