"""Opening, making and migrating the database file. A file that is not right is refused with what to do, never replaced.

Connections come from here alone, so that every one has the same pragmas; what is in the tables is not known here.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

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
from vwmon.store import durable, keys, links, schema
from vwmon.store.keys import FOR_EVERYONE, Key
from vwmon.store.sqlite import Connection, DatabaseError, OperationalError, module, version, wal_is_safe

APPLICATION_ID = 0x76776D31  # "vwm1": marks the file as vwmon's in its header
BUSY_TIMEOUT_S = 10.0
FILE_MODE = 0o660  # less the umask; a database of patients is never for everyone
SINGLE_ROWS = (
    "register_version values (1, 0)",
    "log (only_row, last_seq, merged_seq, dropped_before_day) values (1, 0, 0, 0)",
    "scorer values (1, 0)",
)
CHECKPOINT_PAGES, CACHE_KIB = 4000, 8_000  # a merge touches many pages: fewer are written twice, or read again
CHECKED_WHOLE_BYTES = 256 * 1024 * 1024  # above this, opening checks the structure only and `vwmon db verify` the rest
NOT_A_DATABASE = "not a database"  # what SQLite says of a file that begins with something else, as without its key
FULL = "disk is full"  # likewise
REQUIRED: dict[str, tuple[str, ...]] = {
    schema.SET: schema.NAMES,
    alerts_schema.SET: alerts_schema.NAMES,
}

log = logging.getLogger(__name__)
_writing = threading.RLock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What a migration did: whether the file is new, which steps were applied, and the copy made before."""

    created: bool
    applied: tuple[str, ...]
    backup: Path | None


@contextmanager
def atomic(db: Connection) -> Iterator[None]:
    """Run the body in one write transaction: all of it is kept, on disk, or none.

    The threads of one process take turns on a lock, because SQLite's own waiting between them is by polling.
    Raises StoreBusy when another process holds the database for longer than the busy timeout, and StoreError when its
    disk has given up: what was committed last may then be gone, and nobody may be told that it is kept.
    """
    with _writing:
        _begin(db)
        try:
            yield
            db.execute("commit")
            durable.check(db)
        except BaseException:
            if db.in_transaction:
                db.execute("rollback")
            raise


def create(path: Path) -> Connection:
    """Make a new database at `path` with every migration applied, and open it for writing.

    Nothing appears at `path` until the file is whole. With a key beside it, it is sealed from its first byte on. Raises
    StoreExists when something is there already.
    """
    _check_place(path)
    making = begin_file(path)
    try:
        with closing(_connect(str(making), keys.of(path))) as db:
            db.execute(f"pragma application_id = {APPLICATION_ID}")
            _set_journal(db)
            _apply(db)
        appear(making, path)
    finally:
        remove(making)
    return open_writer(path)


def migrate(path: Path) -> Migrated:
    """Bring the file to this version's schema, after a copy of it beside it; make it when there is none.

    Raises what open_writer does, except that an older schema is what this is for.
    """
    if not path.exists():
        create(path).close()
        return Migrated(created=True, applied=_flat(REQUIRED), backup=None)
    with told_plainly(path), closing(_opened(path)) as db:
        _check_identity(db, path)
        pending = _pending(db, path)
        if not pending:
            return Migrated(created=False, applied=(), backup=None)
        backup = free_name(path, f"before-{pending[0]}")
        _make_empty(backup)
        db.execute("vacuum into ?", [str(backup)])
        _apply(db)
    return Migrated(created=False, applied=pending, backup=backup)


def open_writer(path: Path, *, checked: bool = False) -> Connection:
    """Open an existing database for reading and writing, checked; its pages not again when the caller `checked` them.

    Raises StoreMissing, StoreForeign, StoreCorrupt, StoreNotMigrated, StoreUnreadable or StoreSealed, each with what to
    do. The connection may be handed from one thread to another; only one at a time may use it.
    """
    with ExitStack() as undo, told_plainly(path):
        db = undo.enter_context(closing(_opened(path)))
        _check_identity(db, path)
        _check_migrated(db, path)
        if not checked:
            _check_sound(db, path)
        _set_journal(db)
        undo.pop_all()
    return db


def open_plain(path: Path) -> Connection:
    """Open a database that is not sealed for writing, whether a key is beside it or not.

    Raises as open_writer does; StoreCorrupt for one that is sealed.
    """
    _check_file(path)
    with ExitStack() as undo, told_plainly(path):
        db = undo.enter_context(closing(_connect(_uri(path, "mode=rw"))))
        _check_identity(db, path)
        _check_migrated(db, path)
        _check_sound(db, path)
        undo.pop_all()
    return db


def open_reader(path: Path, key: Key | None = None) -> Connection:
    """Open an existing database for reading only, for a user who may not write it and with or without a daemon.

    `key` is for a sealed copy that has none beside it.

    Such a user needs to read the file and, where there are any, the -wal and -shm files beside it. Where the folder
    cannot be written and no writer has left a write-ahead log, the file itself is the whole database and is read as it
    stands; a daemon that starts in that moment is not noticed. Raises as open_writer does, but checks no pages.
    """
    _check_file(path)
    with ExitStack() as undo, told_plainly(path):
        db = undo.enter_context(closing(_opened_to_read(path, keys.of(path, key))))
        _check_identity(db, path)
        _check_migrated(db, path)
        db.execute("pragma query_only = on")
        undo.pop_all()
    return db


def scratch(like: Connection) -> Connection:
    """Make an empty database in memory with the tables of another, to work something out without touching a file."""
    db = _connect(":memory:")
    for (statement,) in like.execute("select sql from sqlite_schema where sql is not null order by rowid"):
        db.execute(statement)
    for row in SINGLE_ROWS:
        db.execute(f"insert into {row}")
    return db


def check_ours(path: Path) -> None:
    """Look whether an existing file is a database that this version can use or migrate, and change nothing.

    Raises StoreForeign, StoreCorrupt, StoreNotMigrated (of a newer version) or StoreUnreadable, each with what to do.
    """
    _check_file(path)
    with told_plainly(path), closing(_opened_to_read(path, keys.of(path))) as db:
        _check_identity(db, path)
        _pending(db, path)


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite raises over a file that it cannot use into the sentence that says what to do.

    What it says of a damaged schema quotes that, and need not be text.
    """
    try:
        yield
    except OperationalError as error:
        raise StoreUnreadable(_unusable(path, str(error))) from error
    except UnicodeDecodeError as error:
        raise StoreCorrupt(_corrupt(path, "its tables are not described in text")) from error
    except DatabaseError as error:
        raise StoreCorrupt(
            keys.why_not(path) if NOT_A_DATABASE in str(error) else _corrupt(path, str(error))
        ) from error


def _unusable(path: Path, why: str) -> str:
    if FULL in why:
        return f"{path} cannot be written ({why}); make room on its disk, then do it again"
    return f"{path} cannot be used ({why}); check its and its folder's permissions"


def sidecars(path: Path) -> tuple[Path, ...]:
    """Name the files that SQLite keeps beside a database while it is in use."""
    return tuple(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))


def open_to_everyone(path: Path) -> list[Path]:
    """Name the database, and what is kept beside it, where everyone on this machine may read or write the file."""
    beside = [file for file in path.parent.glob("*") if file.name.startswith((f"{path.name}.", f"{path.name}-"))]
    return [file for file in (path, *sorted(beside)) if file.is_file() and file.stat().st_mode & FOR_EVERYONE]


def begin_file(path: Path) -> Path:
    """Make an empty file, hidden beside `path`, for a database that is meant for `path` once it is whole.

    What a killed process of the same number may have left there is removed.
    """
    making = path.with_name(f".{path.name}.{os.getpid()}.new")
    remove(making)
    _make_empty(making)
    return making


def remove(path: Path) -> None:
    """Remove a database file, if it is there, with what SQLite keeps beside it."""
    for each in (path, *sidecars(path)):
        each.unlink(missing_ok=True)


def appear(making: Path, path: Path) -> None:
    """Give a whole file its name, on disk, unless something has that name already: StoreExists then."""
    try:
        os.link(making, path)
    except FileExistsError as error:
        raise StoreExists(f"{path} exists; nothing was written over it") from error
    sync_folder(path.parent)


def free_name(path: Path, why: str) -> Path:
    """Find a name beside `path` for a copy that is kept, such as ward.db.replaced or ward.db.replaced.2."""
    number, copy = 1, path.with_name(f"{path.name}.{why}")
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.{why}.{number}")
    return copy


def sync_folder(folder: Path) -> None:
    """Make sure that a new name in a folder is on disk, as its file is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_empty(file: Path) -> None:
    """Make a file that is not for everyone; SQLite by itself would make one that is."""
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))


def _begin(db: Connection) -> None:
    try:
        db.execute("begin immediate")
    except OperationalError as error:
        if "locked" not in str(error):
            raise
        raise StoreBusy("the database is held by another program; try again") from error


def _connect(target: str, key: Key | None = None) -> Connection:
    db = module.connect(
        target, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=target.startswith("file:")
    )
    if key is not None:
        keys.unlock(db, key)
    for pragma in ("foreign_keys = on", "trusted_schema = off"):
        db.execute(f"pragma {pragma}")
    return db


def _uri(path: Path, query: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{query}"


def _opened(path: Path) -> Connection:
    _check_file(path)
    return _connect(_uri(path, "mode=rw"), keys.of(path))


def _set_journal(db: Connection) -> None:
    """Choose the journal by what this SQLite can be trusted with (WAL needs 3.51.3: sqlite.org, the WAL-reset bug)."""
    if wal_is_safe():
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute(f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"pragma cache_size = -{CACHE_KIB}")
        return
    log.warning("sqlite_too_old_for_wal version=%s mode=delete", ".".join(map(str, version)))
    db.execute("pragma journal_mode = delete")
    db.execute("pragma synchronous = extra")


def _check_file(path: Path) -> None:
    links.check(path, sidecars(path))
    if not path.exists():
        raise StoreMissing(f"{path} does not exist; make a database with: vwmon db migrate --db {path}")
    if not path.is_file():
        raise StoreForeign(f"{path} is not a file; name the database file with --db or [store] path")
    if path.stat().st_size == 0:
        raise StoreForeign(f"{path} is empty; restore a backup, or move it away and make a new one: vwmon db migrate")


def _opened_to_read(path: Path, key: Key | None) -> Connection:
    db = _connect(_uri(path, "mode=ro"), key)
    try:
        db.execute("select count(*) from sqlite_schema").fetchone()
    except OperationalError:
        db.close()
        if _log_left(path):
            raise
        return _connect(_uri(path, "mode=ro&immutable=1"), key)
    except DatabaseError:
        db.close()
        raise
    return db


def _check_identity(db: Connection, path: Path) -> None:
    db.execute("select count(*) from sqlite_schema").fetchone()
    (found,) = db.execute("pragma application_id").fetchone()
    if found != APPLICATION_ID:
        raise StoreForeign(f"{path} is not a vwmon database; name the right file with --db or [store] path")


def _check_migrated(db: Connection, path: Path) -> None:
    pending = _pending(db, path)
    if pending:
        raise StoreNotMigrated(f"{path} has an older schema; bring it up to date with: vwmon db migrate --db {path}")


def _pending(db: Connection, path: Path) -> tuple[str, ...]:
    """Name the migrations that the file lacks; raise when it has some that this version does not know."""
    have = schema.applied(db)
    if set(_flat(have)) - set(_flat(REQUIRED)):
        raise StoreNotMigrated(f"{path} was made by a newer vwmon; update this program to use it")
    return tuple(step for step in _flat(REQUIRED) if step not in _flat(have))


def _flat(sets: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(f"{name}.{step}" for name, steps in sets.items() for step in steps)


def _check_sound(db: Connection, path: Path) -> None:
    if path.stat().st_size > CHECKED_WHOLE_BYTES:
        return
    (verdict,) = db.execute("pragma quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreCorrupt(_corrupt(path, verdict))


def _corrupt(path: Path, why: str) -> str:
    return f"{path} is damaged ({why}); keep a copy of it and restore the last backup with: vwmon db restore"


def _apply(db: Connection) -> None:
    schema.migrate(db)
    alerts_schema.migrate(db)


def _check_place(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise StoreExists(f"{path} exists; choose another path, or migrate it with: vwmon db migrate")
    if not path.parent.is_dir():
        raise StoreMissing(f"the folder {path.parent} does not exist; make it first")


def _log_left(path: Path) -> bool:
    wal = sidecars(path)[0]
    return wal.exists() and wal.stat().st_size > 0
