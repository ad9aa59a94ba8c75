"""A database has one name, and that name is a file: links in its place, or beside it, are refused.

SQLite keeps its write-ahead log and its locks beside the name by which a file was opened. A file that is opened by two
names has two of each, which is a way to corrupt it (sqlite.org/howtocorrupt.html, 2.4); and a link lets whoever made it
choose what is read or written. The folder may be reached by a link, as the service manager makes it for its own.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from vwmon.errors import StoreUnreadable

UNFINISHED = ".{name}.*.new"  # what a killed process leaves of a file that already had its name


def check(path: Path, beside: Iterable[Path] = ()) -> None:
    """Raise StoreUnreadable where a file, or one that is kept beside it, is a link or has another name as well."""
    for file in (path, *beside):
        if file.is_symlink():
            raise StoreUnreadable(f"{file} is a link to {file.readlink()}; remove it, and name the file itself")
        if file.is_file() and _unfinished(file) < _names(file) - 1:
            raise StoreUnreadable(f"{file} has another name as well (a hard link); remove the other")


def _unfinished(file: Path) -> int:
    """Count the names that a file had while it was made. They are counted first: one may be taken away meanwhile."""
    left = file.parent.glob(UNFINISHED.format(name=file.name))
    return [_inode(one) for one in left].count(_inode(file))


def _names(file: Path) -> int:
    found = _there(file)
    return 0 if found is None else found.st_nlink


def _inode(file: Path) -> int | None:
    found = _there(file)
    return None if found is None else found.st_ino


def _there(file: Path) -> os.stat_result | None:
    """Look at a file; None when it is gone by now, as SQLite's own files are once the last has closed the database."""
    try:
        return file.stat()
    except FileNotFoundError:
        return None
