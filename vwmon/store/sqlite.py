"""Which SQLite this installation uses. The only module of vwmon that imports one.

SQLite from 3.7.0 to 3.51.2 can lose commits when two connections write and checkpoint one WAL database, so the
wheel that carries its own newer library is preferred to the one Python was linked with. That library is SQLCipher: a
plain SQLite as long as no key is given, and with one every page is sealed. No SQL lives here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3 as module
    from sqlite3 import Connection, Cursor, DatabaseError, IntegrityError, OperationalError
else:
    try:
        from sqlcipher3 import dbapi2 as module
    except ImportError:
        import sqlite3 as module
    Connection = module.Connection
    Cursor = module.Cursor
    DatabaseError = module.DatabaseError
    IntegrityError = module.IntegrityError
    OperationalError = module.OperationalError

__all__ = [
    "Connection",
    "Cursor",
    "DatabaseError",
    "IntegrityError",
    "OperationalError",
    "knows_keys",
    "module",
    "version",
    "wal_is_safe",
]

version: tuple[int, int, int] = module.sqlite_version_info

FIXED = (3, 51, 3)
FIXED_IN_LINE = {(3, 50): 7, (3, 44): 6}


def wal_is_safe(of: tuple[int, int, int] = version) -> bool:
    """Tell whether WAL may be used by several connections with SQLite `of` (sqlite.org: the WAL-reset bug)."""
    patch = FIXED_IN_LINE.get(of[:2])
    return of >= FIXED or (patch is not None and of[2] >= patch)


def knows_keys() -> bool:
    """Tell whether this SQLite can open and make sealed databases; any other would take a key and seal nothing."""
    return module.__name__.startswith("sqlcipher3")
