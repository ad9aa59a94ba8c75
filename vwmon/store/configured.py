"""The settings that the daemons of a database have started with, each kept when it was not that of the start before.

What a setting is, and what differs between two, is vwmon.config_changes'.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from devices import times
from vwmon.errors import StoreCorrupt
from vwmon.store.sqlite import Connection

LAST: Final = "select since_ms, config_hash, settings from configured order by configured_no desc limit 1"
# One that ended no later than it began did so by a clock that was put back: when it ended is then not known.
IN_USE: Final = """with spans as (
    select *, lead(since_ms) over (order by configured_no) as ended_ms from configured)
    select since_ms, config_hash, settings from spans
    where since_ms <= :to_ms and (ended_ms is null or ended_ms <= since_ms or ended_ms > :from_ms)
    order by configured_no"""


class Configured(NamedTuple):
    """Settings by dotted key, from when on they were in use, and the hash that scores and alerts carry of them."""

    since_ms: int
    config_hash: str
    settings: Mapping[str, str]


def last(db: Connection) -> Configured | None:
    """Give what the last daemon started with; None when none has. StoreCorrupt for a row that cannot be read."""
    row = db.execute(LAST).fetchone()
    return None if row is None else _read(row)


def in_use(db: Connection, from_ms: int, to_ms: int) -> Sequence[Configured]:
    """Give those with which a daemon may have run within a period, in the order of the starts.

    StoreCorrupt for a row that cannot be read.
    """
    return [_read(row) for row in db.execute(IN_USE, {"from_ms": from_ms, "to_ms": to_ms})]


def keep(db: Connection, configured: Configured) -> None:
    """Keep what a daemon starts with; inside the caller's transaction."""
    since_ms, config_hash, settings = configured
    db.execute(
        "insert into configured (since_ms, config_hash, settings) values (?, ?, ?)",
        (since_ms, config_hash, json.dumps(dict(settings))),
    )


def _read(row: tuple[int, str, str]) -> Configured:
    since_ms, config_hash, settings = row
    try:
        return Configured(since_ms, config_hash, msgspec.json.decode(settings, type=dict[str, str]))
    except msgspec.MsgspecError as error:
        raise StoreCorrupt(f"the settings kept at {times.utc(since_ms)} cannot be read: {error}") from error
