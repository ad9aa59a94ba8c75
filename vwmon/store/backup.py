"""Copies of the database: made while it is in use, proved sound before they count, and put back on request."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vwmon.errors import ConflictError, StoreCorrupt, StoreError, StoreExists, StoreMissing
from vwmon.store import anchors, database, keys, links, monitor, sealing
from vwmon.store.keys import Key
from vwmon.store.verify import WHOLE, Finding, counts, seals, verified_history, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A copy that has been checked: where it is, how large, what it holds, and the file that gave way to it.

    `broken` says how its history of alerts is not what was written, or ends before what the anchors beside it know.
    """

    path: Path
    size_bytes: int
    counts: dict[str, int]
    replaced: Path | None = None
    broken: str = ""


def backup(path: Path, copy: Path) -> Copied:
    """Write a copy of the database as it is at one moment to a new file, synced to disk and then verified.

    The anchors of its history go with it, as they were before it was made. A sealed database's copy is sealed by the
    same key, unless there is one beside the copy. A daemon may be at work meanwhile. Raises StoreExists when `copy`
    exists, StoreCorrupt when the copy is not sound; a history of alerts that was altered is said, and copied all the
    same.
    """
    for file in (copy, anchors.beside(copy)):
        _refuse_existing(file)
    known, source = _anchors_of(path), keys.of(path)
    key = keys.kept(copy) or source
    with _copied(path, copy, source, key) as making:
        _refuse_unsound(path, verify(making, key))
        database.appear(making, copy)
    _write_anchors(copy, known)
    return _told(copy, key)


def restore(copy: Path, path: Path, now_ms: int, *, force: bool = False) -> Copied:
    """Put a backup in the place of the database; the database that was there is kept beside it under another name.

    Raises StoreExists when there is a database and not `force`, ConflictError while a daemon works on it, StoreCorrupt
    when the backup is not sound. Until the backup has been copied and verified nothing is touched. The anchors that are
    there stay, so that what an older backup lacks of the history is said. Where a key is beside the database it is
    sealed by that, whatever the backup was; else as the backup is, whose key is put there too.
    """
    if in_use(path, now_ms):
        raise ConflictError(f"a daemon is at work on {path}; stop it first")
    if path.exists() and not force:
        raise StoreExists(f"{path} exists; --force puts the backup in its place and keeps it beside under another name")
    links.check(path, (anchors.beside(path),))
    target = keys.kept(path)
    source = keys.of(copy, target)
    key = target or source
    with _copied(copy, path, source, key) as making:
        _refuse_unsound(copy, verify(making, key))
        replaced = _set_aside(path)
        if key is not None and target is None:
            sealing.keep(key, path, like=making)
        database.appear(making, path)
    if not anchors.beside(path).exists():
        _write_anchors(path, _anchors_of(copy))
    return _told(path, key, replaced)


def _told(path: Path, key: Key | None, replaced: Path | None = None) -> Copied:
    """Say what a copy in its place holds, and whether its history of alerts is all there."""
    history = verified_history(path, key)
    size_bytes, broken = path.stat().st_size, "" if history.sound else history.found
    return Copied(path=path, size_bytes=size_bytes, counts=counts(path, key), replaced=replaced, broken=broken)


def _anchors_of(path: Path) -> bytes | None:
    file = anchors.beside(path)
    return file.read_bytes() if file.exists() else None


def _write_anchors(path: Path, known: bytes | None) -> None:
    if known is not None:
        anchors.beside(path).write_bytes(known)
        anchors.beside(path).chmod(anchors.MODE)


def in_use(path: Path, now_ms: int) -> bool:
    """Tell whether a daemon is at work on a database; a file that cannot be read is nobody's."""
    try:
        with closing(database.open_reader(path)) as db:
            return monitor.beating(monitor.read(db), now_ms)
    except StoreError:
        return False


@contextmanager
def _copied(path: Path, beside: Path, source: Key | None, key: Key | None) -> Iterator[Path]:
    """Copy a database to a hidden file beside the place it is meant for, on disk; the body gives it its name.

    `source` is its own key, `key` the copy's.
    """
    if not beside.parent.is_dir():
        raise StoreMissing(f"the folder {beside.parent} does not exist; make it first")
    with closing(database.open_reader(path, source)) as db:
        making = database.begin_file(beside)
        try:
            _refuse_unsound(path, [seals(db)])  # a copy would seal anew what is damaged
            db.execute("pragma query_only = off")
            with database.told_plainly(path):
                sealing.copy(db, making, source, key)
            yield making
        finally:
            database.remove(making)


def _set_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    aside = database.free_name(path, "replaced")
    pairs = zip((path, *database.sidecars(path)), (aside, *database.sidecars(aside)), strict=True)
    for old, new in pairs:
        if old.exists():
            old.rename(new)
    return aside


def _refuse_existing(copy: Path) -> None:
    if copy.exists() or copy.is_symlink():
        raise StoreExists(f"{copy} exists; a backup is always a new file")


def _refuse_unsound(path: Path, findings: list[Finding]) -> None:
    unsound = [finding for finding in findings if not finding.sound and finding.check != WHOLE]
    broken = [f"{finding.check}: {finding.found}" for finding in unsound]
    if broken:
        raise StoreCorrupt(f"the copy of {path} is not sound: {'; '.join(broken)}")
