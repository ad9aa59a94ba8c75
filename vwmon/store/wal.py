"""What a killed writer left in the write-ahead log, and whether all of it came back.

SQLite ends such a log at the first frame that is damaged, as after a commit that power cut short, and says nothing of
what was committed after it. What the frames say of themselves is read before a database is opened, and held against
what SQLite then made of them. The format is sqlite.org's (fileformat2, section 4). Nothing is mended.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vwmon.store.sqlite import Connection

HEADER, FRAME = struct.Struct(">IIIIIIII"), struct.Struct(">IIIIII")
MAGIC: Final = (0x377F0682, 0x377F0683)
WHOLE: Final = "every commit of the write-ahead log came back"
UNFINISHED: Final = 1  # the last commit may have been cut short: then nobody was told that it is stored


def commits(path: Path) -> tuple[int, ...]:
    """Give the places of the commits in the log beside a database at `path`, by what its frames say, counted from 1."""
    try:
        log = path.with_name(f"{path.name}-wal").read_bytes()
    except FileNotFoundError:
        return ()
    if len(log) < HEADER.size:
        return ()
    magic, _, page_bytes, _, *salts, _, _ = HEADER.unpack_from(log)
    if magic not in MAGIC:
        return ()
    length = FRAME.size + page_bytes
    frames = (FRAME.unpack_from(log, at) for at in range(HEADER.size, len(log) - length + 1, length))
    return tuple(place for place, (_, size, *rest) in enumerate(frames, 1) if size and rest[:2] == salts)


def lost(db: Connection, before: Sequence[int]) -> int:
    """Give how many of the commits that there were `before` it was opened SQLite did not take up, but for the last.

    Only for the first connection after a writer was killed.
    """
    if not before:
        return 0
    _, taken, _ = db.execute("pragma wal_checkpoint(passive)").fetchone()
    return max(0, sum(place > int(taken) for place in before) - UNFINISHED)
