"""A database has one name, and that name is a file: links in its place, or beside it, are refused.

SQLite keeps its write-ahead log and its locks beside the name by which a file was opened. A file that is opened by two
names has two of each, which is a way to corrupt it (sqlite.org/howtocorrupt.html, 2.4); and a link lets whoever made it
choose what is read or written. The folder may be reached by a link, as the service manager makes it for its own.
"""

from collections.abc import Iterable
from pathlib import Path

from vwmon.errors import StoreUnreadable

UNFINISHED = ".{name}.*.new"  # what a killed process leaves of a file that already had its name


def check(path: Path, beside: Iterable[Path] = ()) -> None:
    """Raise StoreUnreadable where a file, or one that is kept beside it, is a link or has another name as well."""
    for file in (path, *beside):
        if file.is_symlink():
            raise StoreUnreadable(f"{file} is a link to {file.readlink()}; remove it, and name the file itself")
        if file.is_file() and file.stat().st_nlink > 1 + _unfinished(file):
            raise StoreUnreadable(f"{file} has another name as well (a hard link); remove the other")


def _unfinished(file: Path) -> int:
    inode = file.stat().st_ino
    return sum(left.stat().st_ino == inode for left in file.parent.glob(UNFINISHED.format(name=file.name)))
