"""What the last check of a whole database came to, in a file beside it: the database may be what cannot be written.

`vwmon db verify --keep` writes it, every night by a timer, and the daemon reads it. What is checked is verify's.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from vwmon.store.database import FILE_MODE
from vwmon.store.verify import Finding

ENDING: Final = ".checked"
UNREADABLE: Final = "what the last check came to cannot be read"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """When a whole database was checked last, and what did not hold."""

    at_ms: int
    failed: tuple[str, ...]


def beside(path: Path) -> Path:
    """Give the file beside a database."""
    return path.with_name(f"{path.name}{ENDING}")


def keep(path: Path, found: Iterable[Finding], at_ms: int) -> None:
    """Keep what a check of the database at `path` came to, in the place of what the one before did."""
    checked = Checked(at_ms=at_ms, failed=tuple(one.check for one in found if not one.sound))
    new = path.with_name(f"{path.name}{ENDING}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
    new.write_bytes(msgspec.json.encode(checked))
    new.replace(beside(path))


class LastCheck:
    """The last check of one database, read anew when there has been another."""

    def __init__(self, path: Path) -> None:
        """Begin without having looked."""
        self._file = beside(path)
        self._changed_ns: int | None = None
        self._checked: Checked | None = None

    def __call__(self) -> Checked | None:
        """Give it; None where none was kept. One that cannot be read is no sound one."""
        try:
            changed_ns = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if changed_ns != self._changed_ns:
            self._changed_ns, self._checked = changed_ns, self._read(changed_ns)
        return self._checked

    def _read(self, changed_ns: int) -> Checked:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Checked)
        except (OSError, msgspec.DecodeError):
            return Checked(at_ms=changed_ns // 1_000_000, failed=(UNREADABLE,))
