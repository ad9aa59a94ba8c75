"""Whether what was committed is on the disk: the file system is asked once more, by a change that it has to journal.

An ext4 that gives up (its device fails, or its journal) while an fsync is under way can answer that fsync with success,
though what it was for is gone: the transaction is then neither running nor being committed, and nobody asks why. Any
change to its metadata is refused from that moment on. An unnamed file is one, and leaves nothing behind.
"""

import errno
import os
from pathlib import Path

from vwmon.errors import StoreError
from vwmon.store.sqlite import Connection

GIVEN_UP = (errno.EROFS, errno.EIO)  # any other answer is about the new file alone, such as no inode left for it


def check(db: Connection) -> None:
    """Raise StoreError when the disk of a database has given up, so that its last commits may be gone."""
    path = db.execute("pragma database_list").fetchone()[2]
    if not path:
        return
    try:
        os.close(os.open(Path(path).parent, os.O_TMPFILE | os.O_WRONLY))
    except OSError as error:
        if error.errno in GIVEN_UP:
            raise StoreError(
                f"{path}: its disk takes no more writes ({error.strerror}), and what was written last may not be on "
                "it; look after the disk (dmesg), then: vwmon db verify"
            ) from error
