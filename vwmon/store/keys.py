"""The key that a database is sealed by: a file beside it with 64 hexadecimal digits, or a link to such a file.

A path is enough to find it, so that whatever opens a database needs no option more. The digits are in the repr, the
message and the traceback of nothing. What a sealed database is opened and made like is vwmon.store.database's.
"""

import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vwmon.errors import StoreSealed
from vwmon.store.sqlite import Connection, knows_keys

BYTES: Final = 32
DIGITS: Final = re.compile(rb"([0-9a-fA-F]{64})\s*")
MOST_BYTES: Final = 1024
FOR_EVERYONE: Final = 0o006
PLAIN: Final = b"SQLite format 3\0"  # what a database begins with that is not sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of 256 bits as hexadecimal digits."""

    digits: str = field(repr=False)


def new() -> Key:
    """Make a key that nobody knows yet."""
    return Key(digits=secrets.token_hex(BYTES))


def beside(path: Path) -> Path:
    """Name the file of the key of a database."""
    return path.with_name(f"{path.name}.key")


def of(path: Path, other: Key | None = None) -> Key | None:
    """Give what the database at `path` is opened or made with: the key beside it; None where it is plain.

    A sealed copy that has no key beside it is opened with `other`. StoreSealed where there is a key that cannot be used
    or read, or one beside a database that is not sealed.
    """
    key = kept(path)
    if key is None:
        return None if is_plain(path) else other
    if is_plain(path):
        raise StoreSealed(
            f"{path} is not sealed, and a key is beside it: seal it with vwmon db seal --db {path}, or move the key"
            f" away, {beside(path)}"
        )
    return key


def kept(path: Path) -> Key | None:
    """Read the key beside a path, whatever is there; None where there is none. StoreSealed when it cannot be used."""
    file = beside(path)
    if not (file.exists() or file.is_symlink()):
        return None
    if not knows_keys():
        raise StoreSealed(f"the SQLite of this installation cannot use {file}; install sqlcipher3 beside vwmon")
    return _read(file)


def is_plain(path: Path) -> bool:
    """Tell whether a file begins as a database does that is not sealed."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PLAIN)) == PLAIN


def why_not(path: Path) -> str:
    """Say what is wrong with a file that does not begin as a database does: damaged and sealed look alike."""
    file = beside(path)
    sealed = f"sealed by another key than {file}" if file.exists() else f"sealed by a key that is not there, {file}"
    return (
        f"{path} cannot be read: it is {sealed}, or damaged, or no database of vwmon's; put its own key there, or keep"
        f" a copy of it and restore the last backup with: vwmon db restore"
    )


def unlock(db: Connection, key: Key) -> None:
    """Give a new connection its key, before anything else is asked of it."""
    db.execute("pragma cipher_log_level = none")  # it would write to the terminal; what is wrong is an error too
    db.execute(f"pragma key = \"x'{key.digits}'\"")


def _read(file: Path) -> Key:
    try:
        mode = file.stat().st_mode
        content = _content(file, mode)
    except FileNotFoundError:
        raise StoreSealed(f"{file} is a link to {file.readlink()}, which is not there; put the key there") from None
    except OSError as error:
        raise StoreSealed(
            f"{file} cannot be read ({error.strerror}); who uses the database has to be able to read its key"
        ) from None
    if mode & FOR_EVERYONE:
        raise StoreSealed(f"{file}: everyone on this machine may read or write this key; chmod o-rwx it")
    digits = DIGITS.fullmatch(content)
    if digits is None:
        raise StoreSealed(f"{file} is no key: one is 64 hexadecimal digits; put the key of this database there")
    return Key(digits=digits[1].decode())


def _content(file: Path, mode: int) -> bytes:
    """Read the beginning of a file; nothing of what is no file, since a pipe could keep us waiting."""
    if not stat.S_ISREG(mode):
        return b""
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES)
