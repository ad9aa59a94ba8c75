"""The tables of the work list as numbered migrations. No rows are read or written here.

sqlite-utils runs the migrations and is imported only then: the commands that read must start quickly.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

SET = "alerts"
KEPT = """create trigger alert_event_kept before delete on alert_event
            begin select raise(abort, 'the history of an alert cannot be deleted'); end"""
KEPT_AS_WRITTEN = """create trigger alert_event_kept_as_written before update on alert_event
            begin select raise(abort, 'the history of an alert cannot be changed'); end"""


def m001_work_list(db: "Database") -> None:
    """Alerts, the conditions that make them, their history, and the notifications that wait to be sent."""
    _run(
        db,
        """create table alert (
            alert_no integer primary key, id text not null unique, stay_no integer not null, ordinal integer not null,
            lane text not null check (lane in ('clinical', 'technical', 'system')),
            state text not null check (state in ('new', 'acknowledged', 'reraised', 'settled', 'closed')),
            level integer not null check (level between 1 and 3), peak integer not null check (peak between 1 and 3),
            score integer, peak_score integer, opened_ms integer not null, since_ms integer not null,
            cleared_ms integer, blind_ms integer, late integer not null check (late in (0, 1)),
            owner text, ack_ms integer, ack_note text, ack_level integer, ack_score integer,
            ack_reds text not null default '', ack_until_ms integer, due_ms integer,
            tier integer not null default 1, recurrence_of integer references alert,
            outcome text, closed_ms integer, parts text not null default '', reds text not null default '',
            evidence text not null, provenance_no integer, version integer not null,
            current integer not null check (current in (0, 1)),
            unique (stay_no, ordinal),
            check (level <= peak), check ((state = 'closed') = (closed_ms is not null)),
            check (state = 'closed' or current = 1),
            check (state in ('acknowledged', 'closed') or due_ms is not null),
            check (state <> 'acknowledged' or (owner is not null and ack_until_ms is not null and level <= ack_level)),
            check (peak = 1 or state <> 'closed' or outcome is not null)) strict""",
        "create unique index alert_open on alert (stay_no, lane) where state <> 'closed'",
        "create unique index alert_current on alert (stay_no, lane) where current = 1",
        "create index alert_expiry on alert (ack_until_ms) where state = 'acknowledged'",
        "create index alert_closed on alert (closed_ms) where state = 'closed'",
        """create table condition (
            stay_no integer not null, rule text not null,
            state text not null check (state in ('absent', 'pending', 'present', 'clearing', 'unknown')),
            since_ms integer not null, clear_ms integer, covered_ms integer not null, gaps text not null default '{}',
            primary key (stay_no, rule)) strict, without rowid""",
        """create table alert_event (
            event_no integer primary key, alert_no integer not null references alert, kind text not null,
            actor text not null, at_ms integer not null, state_before text, state_after text not null,
            level_before integer, level_after integer not null, version integer not null, note text,
            evidence text not null, provenance_no integer, op_id text) strict""",
        "create index alert_event_alert on alert_event (alert_no)",
        "create unique index alert_event_op on alert_event (op_id) where op_id is not null",
        KEPT_AS_WRITTEN,
        KEPT,
        """create table notification (
            notification_no integer primary key, alert_no integer not null references alert, cycle integer not null,
            tier integer not null, channel text not null,
            state text not null check (state in ('queued', 'sent', 'failed', 'confirmed')),
            queued_ms integer not null, sent_ms integer, confirmed_ms integer, attempts integer not null default 0,
            unique (alert_no, cycle, tier, channel)) strict""",
        "create index notification_waiting on notification (queued_ms) where state in ('queued', 'failed')",
    )


def m002_teamwork(db: "Database") -> None:
    """What confirmation, escalation, hand-over, notification and a verifiable history need.

    The notification table of before was never written; one row is now one thing to be told, its deliveries apart.
    """
    _run(
        db,
        "alter table alert add column cycle integer not null default 1",
        "alter table alert add column owed_ms integer",
        "alter table alert add column offered_to text",
        """alter table alert add column snooze_ms integer
            check (snooze_ms is null or (state = 'acknowledged' and level < 3))""",
        "alter table alert add column rises text not null default '[]'",
        "update alert set owed_ms = due_ms where state in ('new', 'reraised', 'settled')",
        "create index alert_due on alert (due_ms) where state <> 'closed'",
        "create index alert_snoozed on alert (snooze_ms) where snooze_ms is not null",
        "alter table condition add column seen_ms integer",
        "alter table condition add column due_ms integer",
        "alter table condition add column evidence text not null default '{}'",
        "create index condition_due on condition (due_ms) where state = 'pending' and due_ms is not null",
        "alter table alert_event add column host text",
        "alter table alert_event add column changes text",
        "alter table alert_event add column previous text",
        "alter table alert_event add column hash text",
        "drop table notification",
        """create table notification (
            notification_no integer primary key, alert_no integer not null references alert, cycle integer not null,
            tier integer not null, turn integer not null default 1, level integer not null, queued_ms integer not null,
            state text not null default 'queued' check (state in ('queued', 'told', 'superseded', 'failed')),
            reason text, unique (alert_no, cycle, tier, turn)) strict""",
        "create index notification_waiting on notification (queued_ms) where state in ('queued', 'failed')",
        """create table delivery (
            delivery_no integer primary key, notification_no integer not null references notification,
            recipient text not null, channel text not null, state text not null
            check (state in ('queued', 'sent', 'failed', 'superseded')), attempts integer not null default 0,
            due_ms integer not null, sent_ms integer, error text,
            unique (notification_no, recipient, channel)) strict""",
        "create index delivery_waiting on delivery (due_ms) where state = 'queued'",
        """create table request (
            request_no integer primary key, stay_no integer not null, rule text not null, vitals text not null,
            asked_ms integer not null, due_ms integer not null, state text not null default 'queued'
            check (state in ('queued', 'sent', 'answered', 'over')), sent_ms integer,
            unique (stay_no, rule, asked_ms)) strict""",
        "create index request_waiting on request (asked_ms) where state = 'queued'",
        """create table handover (
            handover_no integer primary key, giver text not null, started_ms integer not null, due_ms integer not null,
            note text, ended_ms integer) strict""",
        "create index handover_open on handover (due_ms) where ended_ms is null",
        """create table handover_item (
            handover_no integer not null references handover, alert_no integer not null references alert,
            owner text, was text not null, taker text, accepted_ms integer,
            primary key (handover_no, alert_no)) strict, without rowid""",
        """create table follower (
            follower text primary key, event_no integer not null) strict, without rowid""",
    )
    _seal(db)


def m003_removals(db: "Database") -> None:
    """What was taken away of the history because its time was over: who says so, and the links of the events."""
    _run(
        db,
        """create table removal (
            event_no integer primary key, actor text not null, at_ms integer not null, note text not null,
            evidence text not null, host text not null, previous text not null, hash text not null) strict""",
        """create table alert_event_gone (
            event_no integer primary key, previous text not null, hash text not null,
            removal_no integer not null) strict""",
        "create index alert_event_gone_by on alert_event_gone (removal_no)",
        *(
            f"""create trigger {table}_kept_{done} before {act} on {table}
            begin select raise(abort, 'what was removed of the history cannot be changed'); end"""
            for table in ("removal", "alert_event_gone")
            for act, done in (("update", "as_written"), ("delete", "whole"))
        ),
    )


MIGRATIONS: tuple[Callable[["Database"], None], ...] = (m001_work_list, m002_teamwork, m003_removals)
NAMES: tuple[str, ...] = tuple(step.__name__ for step in MIGRATIONS)


def migrate(db: Any) -> None:  # noqa: ANN401 -- a connection of whichever sqlite3 module the caller has chosen
    """Apply what is missing, each migration in a transaction of its own with its record."""
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations(SET)
    for step in MIGRATIONS:
        migrations()(step)
    migrations.apply(Database(db))


def _seal(db: "Database") -> None:
    """Make one chain of the events that were written before there was one, in the transaction of its migration."""
    from alerts import chain  # noqa: PLC0415 -- the commands that read load this module for its names alone

    previous, sealed = chain.START, []
    there = {column.name for column in db["alert_event"].columns}
    columns = [name for name in chain.FIELDS if name in there]
    rows = db.execute(f"select {', '.join(columns)} from alert_event order by event_no").fetchall()  # noqa: S608
    for row in rows:
        hash_ = chain.link(previous, dict.fromkeys(chain.FIELDS) | dict(zip(columns, row, strict=True)))
        sealed.append((previous, hash_, row[0]))
        previous = hash_
    _run(db, "drop trigger alert_event_kept_as_written")
    db.conn.executemany("update alert_event set previous = ?, hash = ? where event_no = ?", sealed)
    _run(db, KEPT_AS_WRITTEN)


def _run(db: "Database", *statements: str) -> None:
    # One by one: executescript would commit the transaction that they belong to.
    for statement in statements:
        db.execute(statement)
