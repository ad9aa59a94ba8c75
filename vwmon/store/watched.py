"""What the database tells of the service around the log: what waits to be told, hand-overs, what could not be used.

Read only. From when on any of that is wrong is vwmon.surroundings'.
"""

from vwmon.store.sqlite import Connection

OLDEST_UNTOLD = "select min(queued_ms) from notification where state = 'queued'"
# Nobody could be reached, and nobody has been since.
UNREACHED = """select min(queued_ms) from notification where state = 'failed' and notification_no > (
    select coalesce(max(notification_no), 0) from notification where state = 'told')"""
UNACCEPTED = """select min(due_ms) from handover where ended_ms is null and due_ms <= ?1 and exists (
    select 1 from handover_item where handover_item.handover_no = handover.handover_no and accepted_ms is null)"""
# From the last ones back, and no further than the limit asks, because a full table may be large.
REFUSED = """select count(*) from (select received_ms from quarantine order by quarantine_no desc limit ?2)
    where received_ms >= ?1"""


def untold_since_ms(db: Connection) -> int | None:
    """Give since when the oldest notification waits that has reached nobody; None when none does."""
    return _one(db, OLDEST_UNTOLD)


def unreached_since_ms(db: Connection) -> int | None:
    """Give when the first notification was written for which nobody could be reached, with none told after it."""
    return _one(db, UNREACHED)


def unaccepted_since_ms(db: Connection, now_ms: int) -> int | None:
    """Give when the oldest hand-over was due of which something has not been accepted; None when none was."""
    return _one(db, UNACCEPTED, now_ms)


def refused_since(db: Connection, from_ms: int, at_most: int) -> int:
    """Count what could not be used since a time, up to a number."""
    return _one(db, REFUSED, from_ms, at_most) or 0


def _one(db: Connection, statement: str, *values: int) -> int | None:
    found = db.execute(statement, values).fetchone()[0]
    return None if found is None else int(found)
