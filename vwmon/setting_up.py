"""Setting a ward up: folders, database, registers and configuration file, all of them or none.

The configuration appears last, because everything else is found by it. Whatever ends this before, Ctrl-C too, takes
away again what was made. Not here: what stands in the configuration, or asking for it.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vwmon.errors import ConflictError
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.database import Migrated

CONFIG_MODE = 0o640  # the daemon and the clinicians read it by its group
CONFIG_FOLDER_MODE, STORE_FOLDER_MODE = (
    0o755,
    0o2770,
)  # as systemd makes the second: the group is handed on to new files
STORE_UMASK = 0o007
ENDING = (signal.SIGINT, signal.SIGTERM)
CANARY_BORN = "1950-01-01"


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The made-up patient to try a ward out with, and its device."""

    patient: str
    device: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be there at the end. `user` is whose the database is to be; None leaves it with who makes it."""

    config: Path
    content: str
    store: Path
    ward: str
    user: str | None = None
    device: str = ""
    profile: str = ""
    canary: Canary | None = None
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was done: to the database, and where the configuration that was there before is kept."""

    store: Migrated
    before: Path | None


def set_up(wanted: Wanted, by: By) -> Done:
    """Do it. ConflictError when there is a configuration and not `force`; StoreError for a database of another kind.

    The registers are written to a new database only: whose devices and patients are in one that was there is known.
    """
    if wanted.config.exists() and not wanted.force:
        raise ConflictError(f"{wanted.config} is there already, and nothing was written over it")
    with ExitStack() as undo:
        _make_folder(wanted.config.parent, CONFIG_FOLDER_MODE, None, undo)
        _make_folder(wanted.store.parent, STORE_FOLDER_MODE, wanted.user, undo)
        migrated = _make_database(wanted, by, undo)
        with staged(wanted.config, wanted.content, wanted.user) as made, _unended():
            before = put(made, wanted.config)
            undo.pop_all()
    return Done(store=migrated, before=before)


def replace(file: Path, content: str) -> Path:
    """Put another content in the place of a file, whose mode and owners stay; give where the one before is kept."""
    old = file.stat()
    with staged(file, content, None) as made:
        made.chmod(old.st_mode & 0o777)
        with suppress(PermissionError):  # who is not root has the file anew in their own name
            os.chown(made, old.st_uid, old.st_gid)
        before = put(made, file)
    assert before is not None  # noqa: S101 -- the file was there a moment ago
    return before


@contextmanager
def staged(file: Path, content: str, group_of: str | None) -> Iterator[Path]:
    """Write a file whole, on disk, beside its place, for the group of a user; what is left there is removed."""
    made = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        handle = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, CONFIG_MODE)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(content)
            opened.flush()
            os.fchmod(handle, CONFIG_MODE)
            os.fsync(handle)
        if group_of is not None:
            shutil.chown(made, group=_group(group_of))
        yield made
    finally:
        made.unlink(missing_ok=True)


def put(made: Path, file: Path) -> Path | None:
    """Give a whole file its place. What is there is kept beside it first, and where that is given."""
    before = None
    if file.exists():
        before = database.free_name(file, "before")
        os.link(file, before)
        made.replace(file)
    else:
        database.appear(made, file)
    database.sync_folder(file.parent)
    return before


def _make_folder(folder: Path, mode: int, user: str | None, undo: ExitStack) -> None:
    """Make a folder with those above it that are missing."""
    missing = [one for one in (*reversed(folder.parents), folder) if not one.exists()]
    for one in missing:
        one.mkdir()
        undo.callback(one.rmdir)
        one.chmod(mode if one == folder else CONFIG_FOLDER_MODE)
    if missing and user is not None:
        shutil.chown(folder, user, _group(user))


def _make_database(wanted: Wanted, by: By, undo: ExitStack) -> Migrated:
    new = not wanted.store.exists()
    if new:
        undo.callback(database.remove, wanted.store)
    with _umask(STORE_UMASK):
        migrated = database.migrate(wanted.store)
        if new:
            _register(wanted, by)
    if new and wanted.user is not None:
        shutil.chown(wanted.store, wanted.user, _group(wanted.user))
    return migrated


def _register(wanted: Wanted, by: By) -> None:
    """Write the first device and the canary, with a device of its own, into the registers."""
    with closing(database.open_writer(wanted.store)) as db, database.atomic(db):
        if wanted.device:
            registers.add_device(db, wanted.device, by, wanted.profile)
        if wanted.canary is not None:
            plan = plans.load(plans.CANARY)
            made_up = Admission(
                patient=wanted.canary.patient, ward=wanted.ward, plan=plan, admitted_ms=by.at_ms, born=CANARY_BORN
            )
            registers.admit(db, made_up, by)
            registers.add_device(db, wanted.canary.device, by, "simulator")
            registers.assign(db, wanted.canary.device, wanted.canary.patient, by.at_ms, by)


def _group(user: str) -> int:
    import pwd  # noqa: PLC0415 -- only where files are given to a user

    return pwd.getpwnam(user).pw_gid


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _unended() -> Iterator[None]:
    """Let nothing end the program in the moment in which a file gets its name; what wanted to has come too late."""
    before = {number: signal.signal(number, lambda *_: None) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
