"""The history of a real database: sealed as it is written, and whatever was done to it behind the program's back."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts import audit, chain, lifecycle, schema, store
from alerts.acts import Act
from alerts.chain import Anchor
from alerts.model import Outcome
from tests.db.test_alerts_store import fresh, open_id, told
from tests.unit.alerts_points import MINUTE, person, point
from vwmon.store import database
from vwmon.store.sqlite import Connection, IntegrityError, module
from vwmon.store.verify import verify

TRIGGERS = ("alert_event_kept_as_written", "alert_event_kept")


@pytest.fixture
def db() -> Iterator[Connection]:
    """A database with a history of six events."""
    opened = fresh()
    told(opened, point(0, 5))
    id_ = open_id(opened)
    store.acknowledge(opened, id_, person(1, host="ward-pc"))
    store.note(opened, id_, person(2, "lowe", "daughter rang"))
    told(opened, point(5, 7))
    store.acknowledge(opened, id_, person(6))
    store.close(opened, id_, person(7), Outcome.PHONED_STABLE)
    yield opened
    opened.close()


def anchor(db: Connection) -> Anchor:
    """Give the anchor of the history as it is."""
    count, head = store.head(db)
    return Anchor(time="2026-11-26T10:00:00Z", count=count, head=head)


def broken(db: Connection, *anchors: Anchor) -> list[tuple[int, str]]:
    """Give what is wrong with a history."""
    return [(one.event_no, one.what) for one in audit.audit(db, anchors).breaks]


def behind_its_back(db: Connection, *statements: str) -> None:
    """Do what the triggers would refuse."""
    db.execute("pragma foreign_keys = off")
    for trigger in TRIGGERS:
        db.execute(f"drop trigger {trigger}")
    for statement in statements:
        db.execute(statement)


def test_a_history_is_whole_as_it_is_written(db: Connection) -> None:
    """Numbered without a gap, from the first; its head is the last event's hash."""
    found = audit.audit(db, [anchor(db)])
    assert (found.count, found.breaks) == (6, ())
    assert found.head == db.execute("select hash from alert_event where event_no = 6").fetchone()[0]
    assert audit.audit(fresh()).count == 0


@pytest.mark.hazard("H27")
def test_every_column_of_the_history_is_sealed(db: Connection) -> None:
    """Whoever adds one adds it to what is sealed."""
    columns = {row[1] for row in db.execute("pragma table_info(alert_event)")}
    assert columns - {"previous", "hash"} == set(chain.FIELDS)


@pytest.mark.hazard("H27")
@pytest.mark.parametrize(
    ("change", "event"),
    [
        ("note = 'never said'", 3),
        ("actor = 'someone else'", 2),
        ("at_ms = at_ms - 600000", 2),
        ("kind = 'noted'", 6),
        ("evidence = replace(evidence, '98.0', '120.0')", 1),
        ("changes = replace(changes, 'ahmed', 'lowe')", 2),
        ("host = null", 2),
        ("op_id = 'x'", 4),
        ("provenance_no = 9", 1),
        ("hash = 'x'", 6),
    ],
)
def test_an_event_that_was_altered_is_named(db: Connection, change: str, event: int) -> None:
    """Whatever of it: the row could only be written over by someone who got rid of the trigger first."""
    behind_its_back(db, f"update alert_event set {change} where event_no = {event}")  # noqa: S608 -- the test's own
    found = broken(db)
    assert found[0] == (event, f"event {event} is not as it was written")


@pytest.mark.hazard("H27")
def test_events_that_were_deleted_are_named(db: Connection) -> None:
    """One in the middle by the chain; the last ones by an anchor, and without one not at all."""
    known = anchor(db)
    behind_its_back(db, "delete from alert_event where event_no > 4")
    # The alerts themselves then are not as the history says.
    assert [what for _, what in broken(db)][:1] == [f"{_id(db)} has state closed, and reraised by its history"]
    assert broken(db, known)[0] == (
        5,
        "events 5 to 6 are missing at the end, as the anchor of 2026-11-26T10:00:00Z shows",
    )
    db.execute("delete from alert_event where event_no = 2")
    assert (2, "event 2 is missing") in broken(db)


def _id(db: Connection) -> str:
    return str(db.execute("select id from alert").fetchone()[0])


@pytest.mark.hazard("H27")
def test_events_that_were_swapped_are_named(db: Connection) -> None:
    """Both."""
    moves = ("-1 where event_no = 2", "2 where event_no = 3", "3 where event_no = -1")
    behind_its_back(db, *(f"update alert_event set event_no = {move}" for move in moves))  # noqa: S608 -- the test's own
    assert [number for number, _ in broken(db)][:2] == [2, 3]


def made_anew(db: Connection) -> None:
    """Seal the history again as it is now, as one would who knows how."""
    previous = chain.START
    for row in db.execute(f"select {', '.join(chain.FIELDS)} from alert_event order by event_no").fetchall():  # noqa: S608
        hash_ = chain.link(previous, dict(zip(chain.FIELDS, row, strict=True)))
        db.execute("update alert_event set previous = ?, hash = ? where event_no = ?", [previous, hash_, row[0]])
        previous = hash_


def test_a_history_that_was_altered_and_sealed_anew_does_not_fit_its_anchors(db: Connection) -> None:
    """Without an anchor from before there is nothing to find."""
    known = anchor(db)
    behind_its_back(db, "update alert_event set note = 'never said' where event_no = 3")
    made_anew(db)
    assert broken(db) == []
    assert broken(db, known) == [(6, "event 6 is not the one that the anchor of 2026-11-26T10:00:00Z knew")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("owner = 'lowe'", "has owner lowe, and ahmed by its history"),
        ("outcome = 'no-action'", "has outcome no-action, and phoned-stable by its history"),
        ("ack_note = 'nothing'", "has ack_note nothing, and phoned by its history"),
        ("peak = 2, level = 2", "has level 2, and 3 by its history"),
        ("opened_ms = opened_ms + 60000", "has opened_ms 62000, and 2000 by its history"),
    ],
)
def test_an_alert_that_was_altered_is_not_as_its_history_says(db: Connection, change: str, said: str) -> None:
    """The history is whole, and the row of the alert is not what it adds up to."""
    db.execute(f"update alert set {change}")  # noqa: S608 -- the test's own
    assert any(said in what for _, what in broken(db)), broken(db)


@pytest.mark.hazard("H13")
def test_before_and_after_are_kept_with_the_machine(db: Connection) -> None:
    """Who, on what machine, and every field that it changed."""
    host, changes = db.execute("select host, changes from alert_event where event_no = 2").fetchone()
    assert host == "ward-pc"
    changed = json.loads(changes)
    assert changed["state"] == ["new", "acknowledged"]
    assert changed["owner"] == [None, "ahmed"]
    assert (
        changed["ack_until_ms"] == changed["due_ms"][1:] + changed["due_ms"][1:] or changed["ack_until_ms"][0] is None
    )
    assert "opened_ms" not in changed
    assert json.loads(db.execute("select changes from alert_event where event_no = 3").fetchone()[0]) == {}
    raised = json.loads(db.execute("select changes from alert_event where event_no = 1").fetchone()[0])
    assert (raised["state"], raised["opened_ms"]) == ([None, "new"], [None, 2000])


def test_deadlines_that_a_command_found_passed_name_its_machine(db: Connection) -> None:
    """It was there that they were written."""
    told(db, point(10, 5))
    id_ = db.execute("select id from alert where state = 'new'").fetchone()[0]
    store.acknowledge(db, id_, person(11))
    store.note(db, id_, Act(actor="lowe", now_ms=200 * MINUTE, note="late", host="night-pc"))
    rows = db.execute("select kind, host from alert_event order by event_no desc limit 2").fetchall()
    assert rows == [("noted", "night-pc"), ("expired", "night-pc")]


def test_what_a_database_had_before_there_was_a_chain_is_sealed_by_its_migration(tmp_path: Path) -> None:
    """From the first event on, and what is written afterwards follows on it; the triggers hold as before."""
    old = fresh()
    told(old, point(0, 5))
    store.acknowledge(old, open_id(old), person(1))
    path = tmp_path / "old.db"
    older = module.connect(path, isolation_level=None)
    _at_the_first_migration(older)
    _copied(old, older)
    schema.migrate(older)
    assert audit.audit(older).count == 2
    assert broken(older) == []
    assert older.execute("select count(*) from alert_event where changes is null").fetchone() == (2,)
    store.note(older, open_id(older), person(2))
    assert audit.audit(older).count == 3
    assert broken(older) == []
    names = {name for (name,) in older.execute("select name from sqlite_schema where type = 'trigger'")}
    assert {name for name in names if name.startswith("alert_event_kept")} == set(TRIGGERS)
    old.close()
    older.close()


def _at_the_first_migration(db: Connection) -> None:
    """Give a database the tables of the first migration alone."""
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations(schema.SET)
    migrations()(schema.m001_work_list)
    migrations.apply(Database(db))


def _copied(db: Connection, older: Connection) -> None:
    """Copy alerts and events into a database of before, in the columns that it has."""
    for table in ("alert", "alert_event"):
        columns = ", ".join(row[1] for row in older.execute(f"pragma table_info({table})"))
        rows = db.execute(f"select {columns} from {table}").fetchall()  # noqa: S608 -- our own tables
        older.executemany(f"insert into {table} ({columns}) values ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608


VERBS: dict[str, Callable[[Connection, str, Act], store.Acted]] = {
    "offer": lambda db, id_, act: store.offer(db, id_, act, "lowe"),
    "snooze": lambda db, id_, act: store.snooze(db, id_, act, 10 * MINUTE),
    "unack": store.unacknowledge,
    "note": store.note,
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_same_act_twice_is_done_once(verb: str) -> None:
    """A command that is sent again under its key changes nothing, whatever it is."""
    db = fresh()
    told(db, point(0, 5))
    id_ = open_id(db)
    store.acknowledge(db, id_, person(1))
    once = VERBS[verb](db, id_, person(2, op_id="op-7"))
    before = store.head(db)
    again = VERBS[verb](db, id_, person(3, op_id="op-7"))
    assert (once.refusal, once.repeated, again.repeated) == (None, False, True)
    assert (again.alert, store.head(db)) == (once.alert, before)
    db.close()


def test_acts_come_back_from_the_database_as_they_were_done(db: Connection) -> None:
    """Offered, put off, undone, reopened: state and columns, and the snooze is a deadline that falls due."""
    id_ = _id(db)
    again = store.reopen(db, id_, person(8, note="wrong patient"))
    assert (again.refusal, again.alert.state, again.alert.outcome) == (None, "reraised", None)
    told(db, point(9, 5), point(40, 5))
    store.acknowledge(db, id_, person(41))
    assert store.offer(db, id_, person(42), "lowe").alert.offered_to == "lowe"
    put_off = store.snooze(db, id_, person(43), 10 * MINUTE)
    assert (put_off.refusal, put_off.alert.snooze_ms) == (None, 53 * MINUTE)
    assert store.expiries(db, 43 * MINUTE) == [101 * MINUTE, 53 * MINUTE]
    assert (store.due(db, 53 * MINUTE - 1), store.due(db, 53 * MINUTE)) == ([], [put_off.alert.stay_no])
    assert store.wake(db, id_, person(44)).alert.snooze_ms is None
    assert store.unacknowledge(db, id_, person(45)).alert.owner is None
    assert broken(db, anchor(db)) == []


def test_a_reopened_alert_stands_on_what_stood_when_it_was_closed(db: Connection) -> None:
    """Which the history says; a close of before such notes is read from the evidence of the alert."""
    assert store.reopen(db, _id(db), person(8, note="wrong")).refusal is None
    standing = db.execute("select rule, state from condition where state <> 'absent' order by rule").fetchall()
    assert standing == [("news2_5", "unknown"), ("news2_7", "unknown")]


def test_what_was_seen_is_read_from_the_history(db: Connection) -> None:
    """The level and the evidence of that version; the message names what got worse since."""
    told(db, point(10, 3, spo2=2), point(12, spo2=3, heart_rate=2, temperature=3))
    id_ = db.execute("select id from alert where state = 'new'").fetchone()[0]
    refused = store.acknowledge(db, id_, person(13, seen_version=1)).refusal
    assert "level L2 -> L3, score 5 -> 8, SpO2 91 -> 91" in str(refused)
    assert store.acknowledge(db, id_, person(13, seen_version=2)).refusal is None


def test_silence_is_reopened_from_the_database_too() -> None:
    """With its gaps as they were."""
    db = fresh()
    before = store.load(db, [7])[7]
    store.save(db, before, lifecycle.overdue(before, "spo2", 0, 0), None)
    id_ = _id(db)
    store.acknowledge(db, id_, person(1))
    store.close(db, id_, person(2), Outcome.TECHNICAL_FIXED)
    assert store.reopen(db, id_, person(3, note="not fixed")).alert.state == "reraised"
    db.close()


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("total", [5, 7])
def test_the_database_itself_refuses_to_put_an_emergency_off(total: int) -> None:
    """Level 2 in hand can be, level 3 cannot, nor what nobody has in hand."""
    db = fresh()
    told(db, point(0, total))
    with pytest.raises(IntegrityError):
        db.execute("update alert set snooze_ms = 1000000")
    store.acknowledge(db, _id(db), person(1))
    if total == 5:
        db.execute("update alert set snooze_ms = 1000000")
        with pytest.raises(IntegrityError):
            db.execute("update alert set state = 'reraised'")
    else:
        with pytest.raises(IntegrityError):
            db.execute("update alert set snooze_ms = 1000000")
    db.close()


@pytest.mark.parametrize(
    "change",
    [
        "owner = null",
        "level = 3, peak = 3, ack_level = 2",
        "ack_until_ms = null",
        "state = 'reraised'",
        "state = 'settled', due_ms = null",
        "snooze_ms = ack_until_ms + 1",
        "level = 3, peak = 3, ack_level = 3, snooze_ms = 1",
        "state = 'new', snooze_ms = 1",
    ],
)
def test_an_alert_that_its_state_does_not_allow_is_found(tmp_path: Path, change: str) -> None:
    """Owned, awaited and put off as its state says: else the check of the whole database names the rule."""
    path = tmp_path / "ward.db"
    rule = "every alert is owned, awaited and put off as its state allows"
    with closing(database.create(path)) as opened:
        with database.atomic(opened):
            told(opened, point(0, 5))
            store.acknowledge(opened, _id(opened), person(1))
        assert rule not in [finding.check for finding in verify(path) if not finding.sound]
        opened.execute("pragma ignore_check_constraints = on")
        opened.execute(f"update alert set {change}")  # noqa: S608 -- the test's own
    assert rule in [finding.check for finding in verify(path) if not finding.sound]
