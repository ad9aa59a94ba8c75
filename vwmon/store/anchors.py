"""The anchors of the history of alerts: how many events there were, and the last one's hash, kept in a file beside it.

One line an anchor, appended and never rewritten, in the words that the journal has too: either can be held against the
history. Whoever cuts its end off, or makes it anew, has to change these as well. How that is checked is alerts.audit's.
"""

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from alerts import store as cases
from alerts.chain import Anchor
from alerts.queries import utc
from vwmon.errors import StoreMissing, StoreUnreadable
from vwmon.store.sqlite import Connection

MODE: Final = 0o640  # the daemon's to write; less the umask
KNOWN: Final = " union all ".join(
    f"select 1 from {table} where event_no = :no and hash = :hash"
    for table in ("alert_event", "removal", "alert_event_gone")
)
LINE: Final = re.compile(r"audit_head count=(\d+) head=([0-9a-f]*)")

log = logging.getLogger(__name__)


def beside(path: Path) -> Path:
    """Name the file of the anchors of a database."""
    return path.with_name(f"{path.name}.audit")


def taken(db: Connection, now_ms: int) -> Anchor:
    """Give the anchor of the history as it is now."""
    count, head = cases.head(db)
    return Anchor(time=utc(now_ms // 1000 * 1000) or "", count=count, head=head)


def said(anchor: Anchor) -> str:
    """Give an anchor in the words of the journal, which adds the time itself."""
    return f"audit_head count={anchor.count} head={anchor.head}"


def append(file: Path, anchor: Anchor, *, make: bool) -> bool:
    """Add an anchor to a file, which only the daemon makes: whoever makes it owns it.

    Return whether that could be done: someone else's command may not write the daemon's file, and need not.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
    try:
        handle = os.open(file, flags, MODE)
        try:
            os.write(handle, f"{anchor.time} {said(anchor)}\n".encode())
        finally:
            os.close(handle)
    except OSError as error:
        if make:
            log.warning("audit_file_cannot_be_written file=%s error=%s", file, error)
        return False
    return True


def unknown(db: Connection, known: Sequence[Anchor]) -> list[Anchor]:
    """Give the anchors whose event the history does not have: a quick look, which does not follow the chain."""
    return [a for a in known if a.count and db.execute(KNOWN, {"no": a.count, "hash": a.head}).fetchone() is None]


def read(file: Path) -> list[Anchor]:
    """Read the anchors of a file, or of lines of the journal; lines without one are passed over.

    StoreMissing when there is no such file, StoreUnreadable when it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError as error:
        raise StoreMissing(f"{file} does not exist; name a file of anchors with --anchors") from error
    except OSError as error:
        raise StoreUnreadable(f"{file} cannot be read ({error}); see its permissions") from error
    found = ((line, LINE.search(line)) for line in lines)
    return [
        Anchor(time=line.split(" ", 1)[0], count=int(anchor[1]), head=anchor[2]) for line, anchor in found if anchor
    ]
