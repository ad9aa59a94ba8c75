"""What came of telling somebody outside that the ward is watched: one row. Whom, and when, is vwmon.outside's."""

from dataclasses import dataclass

from vwmon.store.sqlite import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Pings:
    """When a ping was last answered and last tried, and why the last one was not made or not answered.

    Times are int milliseconds since the epoch, None is never; the trouble is None when there is none.
    """

    answered_ms: int | None
    tried_ms: int | None
    trouble: str | None


def begin(db: Connection) -> None:
    """Say that somebody outside is to be told; what is known of earlier pings stays."""
    db.execute("insert or ignore into outside_ping (only_row) values (1)")


def end(db: Connection) -> None:
    """Say that nobody outside is told: no ping of before looks like one of now."""
    db.execute("delete from outside_ping")


def answered(db: Connection, at_ms: int) -> None:
    """Note a ping that was answered."""
    db.execute("update outside_ping set answered_ms = ?1, tried_ms = ?1, trouble = null", [at_ms])


def failed(db: Connection, at_ms: int, trouble: str) -> None:
    """Note a ping that was not answered, and why."""
    db.execute("update outside_ping set tried_ms = ?, trouble = ?", [at_ms, trouble])


def withheld(db: Connection, trouble: str) -> None:
    """Note why no ping is made now."""
    db.execute("update outside_ping set trouble = ?", [trouble])


def read(db: Connection) -> Pings | None:
    """Give what came of it; None where nobody outside is told."""
    row = db.execute("select answered_ms, tried_ms, trouble from outside_ping").fetchone()
    return None if row is None else Pings(answered_ms=row[0], tried_ms=row[1], trouble=row[2])
