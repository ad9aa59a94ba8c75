"""One daemon to a database: a lock that the kernel lets go of however its process ends.

Not on the database file itself: closing that again would drop the locks that SQLite has on it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vwmon.errors import ConflictError
from vwmon.store import links
from vwmon.store.database import FILE_MODE


@contextmanager
def sole_daemon(path: Path) -> Iterator[None]:
    """Be the only daemon on a database for as long as the body runs; ConflictError when there is one already.

    Two would take the broker's session from each other without end, and both would score the same readings.
    """
    file = path.resolve()
    lock = file.with_name(f"{file.name}-daemon")
    links.check(lock)
    handle = os.open(lock, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(handle, "a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"a daemon is at work on {path} already; see: vwmon status") from None
        yield
