"""What the database tells of the service around the log: hand-overs, and what could not be used.

Read only. From when on any of that is wrong is vwmon.surroundings'.
"""

from vwmon.store.sqlite import Connection

UNACCEPTED = """select min(due_ms) from handover where ended_ms is null and due_ms <= ?1 and exists (
    select 1 from handover_item where handover_item.handover_no = handover.handover_no and accepted_ms is null)"""
# From the last ones back, and no further than the limit asks, because a full table may be large.
REFUSED = """select count(*) from (select received_ms from quarantine order by quarantine_no desc limit ?2)
    where received_ms >= ?1"""


def unaccepted_since_ms(db: Connection, now_ms: int) -> int | None:
    """Give when the oldest hand-over was due of which something has not been accepted; None when none was."""
    return _one(db, UNACCEPTED, now_ms)


def refused_since(db: Connection, from_ms: int, at_most: int) -> int:
    """Count what could not be used since a time, up to a number."""
    return _one(db, REFUSED, from_ms, at_most) or 0


def _one(db: Connection, statement: str, *values: int) -> int | None:
    found = db.execute(statement, values).fetchone()[0]
    return None if found is None else int(found)
