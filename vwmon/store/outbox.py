"""The outbox read and kept: which notifications wait, whom each goes to, what was sent, and whether anyone is reached.

The rows of what people are to be told come from alerts.store, in the alert's own transaction. Nothing is sent here, and
who is told is the caller's to say. Every call that writes belongs in the caller's transaction.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.model import Lane, Level, State
from alerts.outbox import REPEATED
from alerts.store import SENDER
from vwmon.patients.plans import CANARY
from vwmon.store.sqlite import Connection

FAILING_ATTEMPTS = 13  # of back_off_ms: some five minutes in which none of its deliveries could be made
BACK_OFF_MS = (2_000, 4_000, 8_000, 16_000, 30_000)

_ASKING = ", ".join(f"'{state}'" for state in (State.NEW, State.RERAISED))
_NOTICE = f"""n.notification_no, n.alert_no, a.id, a.lane, a.level, a.state, n.cycle, n.tier, n.turn, n.level,
    n.queued_ms, a.owed_ms, a.due_ms, (select ward from stay where stay.stay_no = a.stay_no),
    coalesce((select pathway from stay where stay.stay_no = a.stay_no), '') = '{CANARY}'"""
_WITHOUT_DELIVERY = "not exists (select 1 from delivery d where d.notification_no = n.notification_no)"
_NO_LATER_TURN = """not exists (select 1 from notification later
    where (later.alert_no, later.cycle, later.tier) = (n.alert_no, n.cycle, n.tier) and later.turn > n.turn)"""
_FRESH = f"""select {_NOTICE} from notification n join alert a using (alert_no)
    where n.state in ('queued', 'failed') and n.state = 'queued' and {_WITHOUT_DELIVERY}
    order by a.level desc, n.queued_ms"""
_FAILED = f"""select {_NOTICE} from notification n join alert a using (alert_no)
    where n.state in ('queued', 'failed') and n.state = 'failed' and {_NO_LATER_TURN}
    order by a.level desc, n.queued_ms"""
_DUE = f"""select d.delivery_no, d.recipient, d.channel, d.attempts, {_NOTICE}
    from delivery d join notification n using (notification_no) join alert a using (alert_no)
    where d.state = 'queued' and d.due_ms <= ? order by a.level desc, n.level desc, n.queued_ms, d.delivery_no"""
_ADDRESS = """insert or ignore into delivery (notification_no, recipient, channel, state, due_ms)
    values (?, ?, ?, 'queued', ?)"""
_SENT = """update delivery set state = 'sent', sent_ms = ?, attempts = attempts + 1, error = null
    where delivery_no = ?"""
_TOLD = """update notification set state = 'told', reason = null where state in ('queued', 'failed')
    and notification_no = (select notification_no from delivery where delivery_no = ?)"""
_OVERTAKEN = f"""update notification set state = 'superseded', reason = '{REPEATED}; before: ' || reason
    where state = 'failed' and (alert_no, cycle, tier) = (select n.alert_no, n.cycle, n.tier
    from delivery join notification n using (notification_no) where delivery_no = ?)"""
_PUT_OFF = """update delivery set attempts = attempts + 1, error = ?, due_ms = ?
    where delivery_no = ? and state = 'queued'"""
_DROPPED = "update delivery set state = 'failed', error = ? where delivery_no = ? and state = 'queued'"
_FAILING = f"""update notification as n set state = 'failed', reason = ? where state = 'queued'
    and notification_no = (select notification_no from delivery where delivery_no = ?)
    and not exists (select 1 from delivery d where d.notification_no = n.notification_no
        and (d.state = 'sent' or (d.state = 'queued' and d.attempts < {FAILING_ATTEMPTS})))"""
_NOBODY = "update notification set state = 'failed', reason = ? where notification_no = ? and state = 'queued'"
_LEFT_OUT = """update notification set state = 'superseded', reason = ?
    where notification_no = ? and state in ('queued', 'failed')"""
_UNREACHED = """select min(n.queued_ms) from alert a
    cross join notification n on n.alert_no = a.alert_no and n.cycle = a.cycle
    where a.state <> 'closed' and n.state = 'failed' and not exists (
        select 1 from notification t where t.alert_no = n.alert_no and t.cycle = n.cycle and t.tier >= n.tier
        and t.state = 'told')"""
_WAITING = f"""select count(*) filter (where {_NO_LATER_TURN}), min(queued_ms)
    from notification n where state in ('queued', 'failed')"""
_SENDER_SINCE = "insert or ignore into follower (follower, event_no) values (?, ?)"
_CATCH_UP = f"""insert or ignore into notification (alert_no, cycle, tier, turn, level, queued_ms)
    select a.alert_no, a.cycle, a.tier, 1, a.level, ? from alert a where a.state in ({_ASKING})
    and not exists (select 1 from notification n where n.alert_no = a.alert_no and n.cycle = a.cycle)"""

# Of an alert that asks: every tier that was told in this cycle is told once more.
_AGAIN = f"""insert into notification (alert_no, cycle, tier, turn, level, queued_ms)
    select a.alert_no, a.cycle, n.tier, max(n.turn) + 1, a.level, ?2
    from alert a join notification n on n.alert_no = a.alert_no and n.cycle = a.cycle
    where a.stay_no = ?1 and a.state in ({_ASKING}) group by a.alert_no, n.tier"""
_REPLACED_WARD = f"""update notification set state = 'superseded', reason = '{REPEATED}' where state = 'queued'
    and alert_no in (select alert_no from alert where stay_no = ? and state in ({_ASKING}))"""
_REPLACED_DELIVERY = """update delivery set state = 'superseded' where state = 'queued' and notification_no in
    (select notification_no from notification where state = 'superseded' and alert_no in
        (select alert_no from alert where stay_no = ?))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notification with what is said of its alert as it is now; `ward` is None for the whole service.

    A `canary`'s alert is of a made-up patient.
    """

    notification_no: int
    alert_no: int
    id: str
    lane: Lane
    level: Level
    state: State
    cycle: int
    tier: int
    turn: int
    asked_level: Level
    queued_ms: int
    owed_ms: int | None
    due_ms: int | None
    ward: str | None
    canary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notification on its way to one recipient by one channel, tried `attempts` times."""

    delivery_no: int
    recipient: str
    channel: str
    attempts: int
    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How many notifications nobody has been told of yet, and since when the oldest waits."""

    waiting: int
    oldest_ms: int | None


def begin(db: Connection, now_ms: int) -> None:
    """Say that a sender works for this database from now on: what alerts ask for is written down from here.

    An alert that has asked already, and that nobody was ever told of in this cycle, is told of now.
    """
    db.execute(_SENDER_SINCE, [SENDER, 0])
    db.execute(_CATCH_UP, [now_ms])


def end(db: Connection, reason: str) -> None:
    """Say that no sender works for this database: nothing more is written down, and what waits will not be sent."""
    if db.execute("delete from follower where follower = ?", [SENDER]).rowcount:
        db.execute("update delivery set state = 'superseded' where state = 'queued'")
        db.execute(
            "update notification set state = 'superseded', reason = ? where state in ('queued', 'failed')", [reason]
        )


def fresh(db: Connection) -> list[Notice]:
    """Give the notifications of which it is not settled yet whom they go to, the highest level first."""
    return [_notice(row) for row in db.execute(_FRESH)]


def failed(db: Connection) -> list[Notice]:
    """Give the notifications that nobody could be told of, and that still ask."""
    return [_notice(row) for row in db.execute(_FAILED)]


def due(db: Connection, now_ms: int) -> list[Delivery]:
    """Give the deliveries to be tried now, the highest level first."""
    return [
        Delivery(delivery_no=row[0], recipient=row[1], channel=row[2], attempts=row[3], notice=_notice(row[4:]))
        for row in db.execute(_DUE, [now_ms])
    ]


def address(db: Connection, notification_no: int, recipients: Iterable[tuple[str, str]], now_ms: int) -> None:
    """Settle whom a notification goes to, (recipient, channel) each; those that it goes to already stay as they are."""
    db.executemany(_ADDRESS, [(notification_no, person, channel, now_ms) for person, channel in recipients])


def tell_again(db: Connection, stay_no: int, now_ms: int) -> None:
    """Tell of a stay's alerts that ask once more, each tier that was to be told: other people are on duty for it now.

    What still waits to go to those of before need not go any more. Nothing where no sender works for this database.
    """
    if begun(db):
        db.execute(_REPLACED_WARD, [stay_no])
        db.execute(_REPLACED_DELIVERY, [stay_no])
        db.execute(_AGAIN, [stay_no, now_ms])


def nobody(db: Connection, notification_no: int, reason: str) -> None:
    """Note that there is nobody to tell."""
    db.execute(_NOBODY, [reason, notification_no])


def leave_out(db: Connection, notification_no: int, reason: str) -> None:
    """Note that nobody is to be told."""
    db.execute(_LEFT_OUT, [reason, notification_no])


def mark_sent(db: Connection, delivery_no: int, now_ms: int) -> None:
    """Note that a delivery was made; it is so even when the notification has been superseded while it went out."""
    db.execute(_SENT, [now_ms, delivery_no])
    db.execute(_TOLD, [delivery_no])
    db.execute(_OVERTAKEN, [delivery_no])


def put_off(db: Connection, tried: Collection[Delivery], error: str, now_ms: int) -> None:
    """Note that deliveries could not be made, and when each is tried again; what has failed for long is failed."""
    db.executemany(_PUT_OFF, [(error, now_ms + back_off_ms(one.attempts), one.delivery_no) for one in tried])
    db.executemany(_FAILING, [(error, one.delivery_no) for one in tried])


def drop(db: Connection, one: Delivery, error: str) -> None:
    """Note that a delivery can never be made."""
    db.execute(_DROPPED, [error, one.delivery_no])
    db.execute(_FAILING, [error, one.delivery_no])


def back_off_ms(attempts: int) -> int:
    """Give how long to wait after so many earlier attempts: doubling, up to half a minute, and never giving up."""
    return BACK_OFF_MS[min(attempts, len(BACK_OFF_MS) - 1)]


def unreachable(db: Connection, now_ms: int) -> int | None:  # noqa: ARG001 -- as every condition of the service is asked
    """Give since when nobody can be reached: an open alert asks, and nobody could be told at its tier or above.

    None while someone can be, while nothing asks, and where nobody is told of anything.
    """
    since_ms = db.execute(_UNREACHED).fetchone()[0]
    return None if since_ms is None else int(since_ms)


def waiting(db: Connection) -> Queue:
    """Give how much waits to be told, and for how long; also what failed and is tried again."""
    count, oldest_ms = db.execute(_WAITING).fetchone()
    return Queue(waiting=count, oldest_ms=oldest_ms)


def begun(db: Connection) -> bool:
    """Tell whether a sender works for this database."""
    return db.execute("select 1 from follower where follower = ?", [SENDER]).fetchone() is not None


def _notice(row: Sequence[Any]) -> Notice:
    values = dict(zip(Notice.__slots__, row, strict=True))
    levels = {"level": Level(values["level"]), "asked_level": Level(values["asked_level"])}
    named = {"lane": Lane(values["lane"]), "state": State(values["state"]), "canary": bool(values["canary"])}
    return Notice(**(values | levels | named))
