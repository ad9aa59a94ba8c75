"""The work list in the database: what is stored comes back, what did not change is not written, and nobody is lost."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import deadlines, lifecycle, schema, store
from alerts.errors import AlertConflict, AlertRefused, AlertUnknown
from alerts.model import SYSTEM_STAY, Alert, Case, Kind, Lane, Level, Outcome, State
from alerts.over_time import OverTime
from alerts.policy import BASE, TERMS, Terms
from alerts.store import Acted
from tests.unit.alerts_points import HOUR, LAG, MINUTE, STAY, Point, clinical, follow, person, point
from vwmon.store.sqlite import Connection, IntegrityError, module

PROVENANCE = 3


@pytest.fixture
def db() -> Iterator[Connection]:
    """A database in memory with the tables of the work list."""
    opened = fresh()
    yield opened
    opened.close()


def fresh() -> Connection:
    """Open a database in memory with the tables of the work list."""
    opened = module.connect(":memory:", isolation_level=None)
    opened.execute("pragma foreign_keys = on")
    schema.migrate(opened)
    return opened


def told(db: Connection, *points: Point, stay: int = STAY) -> Case:
    """Follow scores of a stay from where the database has it, and save."""
    before = store.load(db, [stay])[stay]
    after = follow(before, *points)
    store.save(db, before, after, PROVENANCE)
    return store.load(db, [stay])[stay]


def open_id(db: Connection, lane: Lane = Lane.CLINICAL) -> str:
    """Give the id of the lane's alert."""
    return store.load(db, [STAY])[STAY].alerts[lane].id


def events(db: Connection) -> list[str]:
    """Name the events of the database in the order they happened."""
    return [kind for (kind,) in db.execute("select kind from alert_event order by event_no")]


class Counted:
    """A connection that counts statements and rows written."""

    def __init__(self, db: Connection) -> None:
        """Count from nothing."""
        self.db, self.statements = db, 0

    def execute(self, *arguments: Any) -> Any:  # noqa: ANN401 -- passed on
        """Count and pass on."""
        self.statements += 1
        return self.db.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:  # noqa: ANN401 -- passed on
        """Count and pass on."""
        self.statements += 1
        return self.db.executemany(*arguments)


def rich() -> Case:
    """Make a case that uses every column: two lanes, a blind, late, recurring, acknowledged alert, and gaps."""
    from tests.unit.alerts_points import acked, after, closed

    case = closed(acked(after(point(0, 5)), 1), 10)
    case = acked(follow(case, point(20, 5, spo2=3, missing=["temperature"])), 21)
    case = lifecycle.overdue(case, "spo2", 40 * MINUTE, 40 * MINUTE, last_ms=20 * MINUTE)
    case = lifecycle.overdue(case, "temperature", 41 * MINUTE, 41 * MINUTE)
    case = lifecycle.returned(case, "temperature", 42 * MINUTE, 43 * MINUTE)
    return follow(case, point(15, 7, consciousness=3, received=44, late=True))


def test_a_case_comes_back_as_it_was_saved(db: Connection) -> None:
    """Every column of alerts and conditions, in every lane, and the versions that made them."""
    case = rich()
    store.save(db, Case(stay_no=STAY), case, PROVENANCE)
    back = store.load(db, [STAY])[STAY]
    assert back.conditions == case.conditions
    assert back.alerts == {lane: replace(a, provenance_no=PROVENANCE) for lane, a in case.alerts.items()}
    assert (back.past, back.events) == ((), ())
    assert db.execute("select count(*) from alert").fetchone() == (3,)
    assert len(events(db)) == len(case.events)


def test_a_stay_of_which_nothing_is_known_has_an_empty_case(db: Connection) -> None:
    """Load names every stay that was asked for, and no other."""
    told(db, point(0, 5))
    assert store.load(db, [1, STAY, 2]).keys() == {1, STAY, 2}
    assert store.load(db, [1])[1] == Case(stay_no=1)
    assert store.load(db, []) == {}


def test_loading_and_saving_take_few_statements_however_many_stays(db: Connection) -> None:
    """Two to load two hundred stays, and no more to save them than to save one."""
    stays = list(range(1, 201))
    counted = Counted(db)
    cases = store.load(counted, stays)
    assert counted.statements == 2
    followed = [(case, follow(case, replace(point(1, 5), stay=stay))) for stay, case in cases.items()]
    counted.statements = 0
    store.save_all(counted, followed, PROVENANCE)
    assert counted.statements <= 6
    assert sum(not case.quiet for case in store.load(db, stays).values()) == 200


def test_nothing_is_written_when_nothing_changed(db: Connection) -> None:
    """The same case, and a repeated score, cost no statement."""
    case = told(db, point(0, 5))
    counted = Counted(db)
    store.save(counted, case, follow(case, point(0, 5)), PROVENANCE)
    store.save_all(counted, [(case, case)], PROVENANCE)
    assert counted.statements == 0


def test_only_what_changed_is_written(db: Connection) -> None:
    """A score that moves a running figure writes one row and no event."""
    case = told(db, point(0, 5))
    before = db.total_changes
    told(db, point(1, 6))
    assert db.total_changes - before == 1
    assert events(db) == ["raised"]
    assert clinical(told(db)).version == clinical(case).version


def test_a_case_loaded_outside_its_transaction_is_not_saved_over_another(db: Connection) -> None:
    """Two writers that read the same alert: the second is told, and nothing of its is kept."""
    case = told(db, point(0, 5))
    mine, theirs = follow(case, point(2, 8)), follow(case, point(3, 9))
    store.save(db, case, mine, None)
    with pytest.raises(AlertConflict, match="changed"):
        store.save(db, case, theirs, None)


@pytest.mark.hazard("H11")
def test_the_database_itself_refuses_a_second_open_alert(db: Connection) -> None:
    """One for each stay and lane, also against a fault of the program."""
    told(db, point(0, 5))
    with pytest.raises(IntegrityError):
        db.execute(
            """insert into alert select alert_no + 1, 'ZZZZ', stay_no, ordinal + 1, lane, state, level, peak, score,
            peak_score, opened_ms, since_ms, cleared_ms, blind_ms, late, owner, ack_ms, ack_note, ack_level, ack_score,
            ack_reds, ack_until_ms, due_ms, tier, recurrence_of, outcome, closed_ms, parts, reds, evidence,
            provenance_no, version, 0, cycle, owed_ms, offered_to, snooze_ms, rises from alert"""
        )


@pytest.mark.parametrize(
    "change",
    [
        "state = 'closed'",
        "state = 'closed', closed_ms = 1, due_ms = null",
        "state = 'acknowledged'",
        "due_ms = null",
        "level = 3",
        "state = 'snoozed'",
        "snooze_ms = 1",
        "lane = 'laundry'",
    ],
)
def test_the_database_refuses_alerts_that_cannot_be(db: Connection, change: str) -> None:
    """Closed urgent without an outcome, acknowledged by nobody, waiting for nothing: not even by hand."""
    told(db, point(0, 5))
    with pytest.raises(IntegrityError):
        db.execute(f"update alert set {change}")  # noqa: S608 -- the test's own words


@pytest.mark.hazard("H27")
@pytest.mark.parametrize("change", ["update alert_event set note = 'never said'", "delete from alert_event"])
def test_history_can_only_grow(db: Connection, change: str) -> None:
    """What happened can be neither altered nor removed."""
    told(db, point(0, 5))
    with pytest.raises(IntegrityError, match="history of an alert"):
        db.execute(change)


def test_an_alert_and_its_event_are_kept_together_or_not_at_all(db: Connection) -> None:
    """A transaction that fails leaves neither."""
    before = store.load(db, [STAY])[STAY]
    after = follow(before, point(0, 5))
    db.execute("begin immediate")
    store.save(db, before, after, PROVENANCE)
    db.execute("rollback")
    assert store.load(db, [STAY])[STAY] == before
    assert events(db) == []


def test_evidence_is_stored_as_it_was_at_the_raise(db: Connection) -> None:
    """The event of the raise keeps what the alert's own evidence later moves on from."""
    told(db, point(0, 5), point(5, spo2=3, heart_rate=2, temperature=2))
    rows = db.execute("select kind, evidence from alert_event order by event_no").fetchall()
    kept = {kind: json.loads(evidence)["total_min"] for kind, evidence in rows}
    assert kept == {"raised": 5, "worsened": 7}
    alert = clinical(store.load(db, [STAY])[STAY])
    assert alert.evidence["values"]["spo2"] == 91.0
    assert alert.evidence["rules"] == ["news2_7", "news2_red"] or alert.evidence["rules"] == [
        "news2_7",
        "news2_5",
        "news2_red",
    ]


def test_a_closed_alert_gives_way_to_its_recurrence(db: Connection) -> None:
    """The old one is kept, the new one is its lane's latest and names it."""
    told(db, point(0, 5))
    old = open_id(db)
    assert store.acknowledge(db, old, person(1)).refusal is None
    assert store.close(db, old, person(2), Outcome.PHONED_STABLE).refusal is None
    case = told(db, point(10, 5))
    assert clinical(case).recurrence_of == store.find(db, old).alert_no
    assert clinical(case).id != old
    assert store.find(db, old).state is State.CLOSED


def test_several_alerts_of_one_lane_in_one_batch_are_all_kept(db: Connection) -> None:
    """A backlog of a day can raise and end an alert many times before anything is saved."""
    day = [p for h in (0, 3, 6) for p in (point(h * 60, 3, could_be=6), point(h * 60 + 5, 1), point(h * 60 + 40, 1))]
    case = told(db, *day)
    assert db.execute("select count(*), sum(current) from alert").fetchone() == (3, 1)
    assert clinical(case).ordinal == 3
    assert events(db) == ["raised", "ended"] * 3


def test_due_names_the_stays_whose_acknowledgement_has_run_out(db: Connection) -> None:
    """And none that merely waits for an answer: for those a tick has nothing to do."""
    told(db, point(0, 5))
    assert store.due(db, 10**15) == []
    store.acknowledge(db, open_id(db), person(1))
    assert store.due(db, 61 * MINUTE - 1) == []
    assert store.due(db, 61 * MINUTE) == [STAY]


def test_expiries_are_the_ends_of_acknowledgements_that_are_still_to_come(db: Connection) -> None:
    """So that time can be let pass from one to the next."""
    told(db, point(0, 5))
    assert store.expiries(db, 0) == []
    store.acknowledge(db, open_id(db), person(1))
    assert store.expiries(db, 0) == store.expiries(db, 61 * MINUTE - 1) == [61 * MINUTE]
    assert store.expiries(db, 61 * MINUTE) == []


def test_what_nobody_has_answered_falls_due_where_someone_is_told(db: Connection) -> None:
    """Its next step is stored like any other deadline; an answer takes its place."""
    told(db, point(0, 5))
    due_ms = 15 * MINUTE + LAG
    assert store.expiries(db, 0, told=True) == [due_ms]
    assert (store.due(db, due_ms - 1, told=True), store.due(db, due_ms, told=True)) == ([], [STAY])
    store.acknowledge(db, open_id(db), person(1))
    assert store.expiries(db, 0, told=True) == [61 * MINUTE]


@pytest.mark.parametrize("words", ["", "phoned"])
def test_the_clock_acts_before_a_person_does_even_one_who_is_refused(db: Connection, words: str) -> None:
    """Whatever becomes of the act, who was to be told when is on record, and the next step stands."""
    told(db, point(0, 5))
    act = person(20, note=words, terms_of=lambda _: OverTime(terms=(Terms(rules=BASE, told=True),)))
    acted = store.acknowledge(db, open_id(db), act)
    assert (acted.refusal is None) == bool(words)
    assert events(db)[:2] == ["raised", "escalated"]
    assert (acted.alert.tier, acted.alert.due_ms) == ((2, 80 * MINUTE) if words else (2, 30 * MINUTE + LAG))


@pytest.mark.hazard("H13")
def test_an_act_is_on_record_with_its_person_and_words(db: Connection) -> None:
    """Who, when, what was said, and what it was before and after."""
    told(db, point(0, 5))
    acted = store.acknowledge(db, open_id(db).lower(), person(1, "lowe", "visit at 15:00"))
    assert (acted.refusal, acted.repeated) == (None, False)
    row = db.execute(
        """select kind, actor, at_ms, note, state_before, state_after, level_before, level_after, version
        from alert_event order by event_no desc limit 1"""
    ).fetchone()
    assert row == ("acknowledged", "lowe", MINUTE, "visit at 15:00", "new", "acknowledged", 2, 2, 2)


def test_the_same_act_twice_is_done_once(db: Connection) -> None:
    """A command that is sent again, because its answer was lost, changes nothing."""
    told(db, point(0, 5))
    once = store.acknowledge(db, open_id(db), person(1, op_id="op-1"))
    again = store.acknowledge(db, open_id(db), person(9, op_id="op-1"))
    assert again.repeated
    assert again.alert == once.alert
    assert events(db) == ["raised", "acknowledged"]
    with pytest.raises(IntegrityError):
        db.execute("insert into alert_event select 99, alert_no, kind, actor, at_ms, state_before, state_after, level_before, level_after, version, note, evidence, provenance_no, op_id, host, changes, previous, hash from alert_event where op_id = 'op-1'")  # fmt: skip  # noqa: E501


def test_a_refused_second_owner_is_on_record(db: Connection) -> None:
    """The refusal is an answer, so the transaction that holds the trace can commit."""
    told(db, point(0, 5))
    store.acknowledge(db, open_id(db), person(1))
    acted = store.acknowledge(db, open_id(db), person(2, "lowe", "me"))
    assert isinstance(acted.refusal, AlertConflict)
    assert acted.alert.owner == "ahmed"
    assert events(db) == ["raised", "acknowledged", "also_seen"]
    taken = store.acknowledge(db, open_id(db), person(3, "lowe", "me"), take=True)
    assert (taken.refusal, taken.alert.owner) == (None, "lowe")


def test_deadlines_run_also_when_an_act_is_refused(db: Connection) -> None:
    """A clock that only runs when all goes well is no clock."""
    told(db, point(0, 5))
    store.acknowledge(db, open_id(db), person(1))
    acted = store.acknowledge(db, open_id(db), person(120, "lowe", ""))
    assert isinstance(acted.refusal, AlertRefused)
    assert acted.alert.state is State.RERAISED
    assert events(db) == ["raised", "acknowledged", "expired"]


@pytest.mark.parametrize(("seen", "refused"), [(1, True), (2, False), (3, True)])
def test_a_version_that_was_seen_is_compared_by_its_level(db: Connection, seen: int, *, refused: bool) -> None:
    """Versions 1 and 3 were of level 2: whoever saw those did not see level 3. At level 2 all of them will do."""
    told(db, point(0, 5), point(1, 7), point(20, 5), point(52, 5))
    acted = store.acknowledge(db, open_id(db), person(53, seen_version=seen))
    assert (acted.alert.level, acted.refusal) == (Level.URGENT, None)
    told(db, point(54, 8))
    again = store.acknowledge(db, open_id(db), person(55, seen_version=seen))
    assert isinstance(again.refusal, AlertConflict) == refused


def test_what_got_worse_within_its_level_is_not_covered_by_whoever_saw_less(db: Connection) -> None:
    """Twelve is level 3 as seven is; the refusal says the difference, and having read that, it can be taken in hand."""
    told(db, point(0, 7), point(1, 12))
    refused = store.acknowledge(db, open_id(db), person(2, seen_version=1)).refusal
    assert isinstance(refused, AlertConflict)
    assert "score 7 -> 12" in str(refused)
    assert store.acknowledge(db, open_id(db), person(3, seen_version=2)).refusal is None


def test_an_old_alert_can_be_noted_and_nothing_else(db: Connection) -> None:
    """A newer alert of its lane does not take its place, nor it the newer one's."""
    told(db, point(0, 5))
    old = open_id(db)
    store.acknowledge(db, old, person(1))
    store.close(db, old, person(2), Outcome.PHONED_STABLE)
    case = told(db, point(10, 5))
    assert store.note(db, old, person(11, note="it was the cuff")).refusal is None
    assert isinstance(store.acknowledge(db, old, person(12)).refusal, AlertConflict)
    assert isinstance(store.close(db, old, person(12), Outcome.OTHER).refusal, AlertConflict)
    assert store.load(db, [STAY])[STAY].alerts == case.alerts
    assert db.execute("select kind from alert_event order by event_no desc limit 1").fetchone() == ("noted",)


@pytest.mark.hazard("H14")
def test_an_id_that_is_none_is_said_to_be_unknown(db: Connection) -> None:
    """Nothing near it is guessed."""
    for verb in (lambda: store.find(db, "ZZZZ"), lambda: store.note(db, "zzzz", person(1))):
        with pytest.raises(AlertUnknown, match="there is no alert"):
            verb()


def test_the_service_has_a_case_like_any_stay(db: Connection) -> None:
    """Stay 0 is the whole service; its faults come back as they were."""
    before = store.load(db, [SYSTEM_STAY])[SYSTEM_STAY]
    store.save(db, before, lifecycle.overdue(before, "broker", HOUR, HOUR + LAG), None)
    back = store.load(db, [SYSTEM_STAY])[SYSTEM_STAY]
    assert back.alerts[Lane.SYSTEM].level is Level.URGENT
    assert lifecycle.overdue(back, "broker", HOUR, HOUR + MINUTE) is back


def test_the_outbox_and_what_later_releases_need_is_there(db: Connection) -> None:
    """Notifications once for each alert, cycle, tier and turn; deadlines and tiers on every alert."""
    told(db, point(0, 5))
    row = "insert into notification (alert_no, cycle, tier, turn, level, queued_ms) select alert_no, 1, 9, 1, 2, 0 from alert"  # noqa: E501
    db.execute(row)
    with pytest.raises(IntegrityError):
        db.execute(row)
    assert db.execute("select tier, due_ms is not null from alert").fetchone() == (1, 1)


def test_migrating_twice_changes_nothing(db: Connection) -> None:
    """And the names of what was applied are those that are asked for when a database is opened."""
    schema.migrate(db)
    names = [name for (name,) in db.execute("select name from _sqlite_migrations where migration_set = 'alerts'")]
    assert tuple(names) == schema.NAMES


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from(["score", "score", "score", "overdue", "returned", "ack", "close"]),
        st.sampled_from([1, 6, 20, 40]),
        st.sampled_from([0, 1, 3, 5, 7, 9]),
        st.sampled_from(["", "spo2", "temperature"]),
    ),
    max_size=20,
)


def play(db: Connection, history: list[tuple[str, int, int, str]], *, batches: bool) -> None:
    """Follow a history, saving after every step or only before people act."""
    minute, case, loaded = 0, Case(stay_no=STAY), Case(stay_no=STAY)

    def flush() -> None:
        nonlocal case, loaded
        store.save(db, loaded, case, PROVENANCE)
        case = loaded = store.load(db, [STAY])[STAY]

    for what, minutes, total, red in history:
        minute += minutes
        now_ms = minute * MINUTE + LAG
        if what in {"ack", "close"}:
            flush()
            _person(db, what, minute)
            case = loaded = store.load(db, [STAY])[STAY]
            continue
        case = deadlines.tick(case, now_ms)
        if what == "score":
            case = follow(case, point(minute, total, **({red: 3} if red else {})))  # type: ignore[arg-type]
        elif what == "overdue":
            case = lifecycle.overdue(case, red or "spo2", now_ms, now_ms, last_ms=now_ms - HOUR)
        else:
            case = lifecycle.returned(case, red or "spo2", now_ms, now_ms)
        if not batches:
            flush()
    flush()


def _person(db: Connection, what: str, minute: int) -> Acted | None:
    alert = store.load(db, [STAY])[STAY].alerts.get(Lane.CLINICAL)
    if alert is None:
        return None
    act = person(minute)
    return store.acknowledge(db, alert.id, act) if what == "ack" else store.close(db, alert.id, act, Outcome.OTHER)


def content(db: Connection) -> list[list[tuple[Any, ...]]]:
    """Give all that the database holds about alerts."""
    tables = ("alert order by alert_no", "condition order by stay_no, rule", "alert_event order by event_no")
    return [db.execute(f"select * from {table}").fetchall() for table in tables]  # noqa: S608 -- our own tables


@pytest.mark.hazard("H10")
@settings(max_examples=60)
@given(HISTORIES)
def test_batches_and_restarts_lead_to_the_same_database(history: list[tuple[str, int, int, str]]) -> None:
    """Saved and read back after every step, or once: the same rows, events, ids and versions."""
    one, many = fresh(), fresh()
    play(one, history, batches=True)
    play(many, history, batches=False)
    assert content(one) == content(many)
    one.close()
    many.close()


def test_every_kind_of_event_can_be_stored(db: Connection) -> None:
    """What the lifecycle can say, the table can hold."""
    case = told(db, point(0, 5))
    alert: Alert = clinical(case)
    for number, kind in enumerate(Kind):
        db.execute(
            """insert into alert_event (event_no, alert_no, kind, actor, at_ms, state_after, level_after, version,
            evidence) values (?, ?, ?, 'x', 0, 'new', 1, 1, '{}')""",
            [100 + number, alert.alert_no, kind],
        )
    assert len(events(db)) == 1 + len(Kind)


REQUESTS = "select rule, vitals, asked_ms, due_ms, state from request order by request_no"


def lone(db: Connection, *points: Point) -> Case:
    """Follow scores by the rules as they are, so that a lone breach waits, and save."""
    before = store.load(db, [STAY])[STAY]
    after = follow(before, *points, under=TERMS)
    store.save(db, before, after, PROVENANCE)
    return store.load(db, [STAY])[STAY]


def test_what_is_pending_is_stored_with_its_wish_for_a_repeat(db: Connection) -> None:
    """Read back the same, found when its time has come, and asked for in the same saving."""
    case = lone(db, point(0, 5))
    assert case.conditions == follow(Case(stay_no=STAY), point(0, 5), under=TERMS).conditions
    due_ms = LAG + 15 * MINUTE
    assert db.execute(REQUESTS).fetchall() == [("news2_5", "respiratory_rate,spo2,oxygen", LAG, due_ms, "queued")]
    assert (store.due(db, due_ms - 1), store.due(db, due_ms)) == ([], [STAY])
    assert (store.expiries(db, 0), store.expiries(db, due_ms)) == ([due_ms], [])


@pytest.mark.parametrize(
    ("then", "state"),
    [([point(3, 1)], "answered"), ([point(6, 5)], "answered"), ([point(16, 1)], "over")],
    ids=["denied", "confirmed", "too late"],
)
def test_what_became_of_a_repeat_is_noted(db: Connection, then: list[Point], state: str) -> None:
    """Answered by a reading, or over; also when it had been sent, and when all of it came at once."""
    lone(db, point(0, 5))
    db.execute("update request set state = 'sent'")
    lone(db, *then)
    assert [row[4] for row in db.execute(REQUESTS)] == [state]
    other = fresh()
    lone(other, point(0, 5), *then)
    assert [row[4] for row in other.execute(REQUESTS)] == [state]
    other.close()


def test_a_wait_that_began_anew_in_the_same_message_is_asked_for(db: Connection) -> None:
    """A spool is emptied: a breach, a good reading and a breach, all known at the same moment."""
    spool = [point(m, total, received=30) for m, total in ((0, 5), (6, 1), (12, 5))]
    lone(db, *spool)
    assert [row[2:] for row in db.execute(REQUESTS)] == [(30 * MINUTE + LAG, 45 * MINUTE + LAG, "queued")]
    lone(db, point(31, 1))
    assert [row[4] for row in db.execute(REQUESTS)] == ["answered"]


def test_a_repeat_is_asked_for_only_if_the_wait_is_stored(db: Connection) -> None:
    """One transaction: a saving that fails has asked for nothing."""
    before = store.load(db, [STAY])[STAY]
    after = follow(before, point(0, 5), under=TERMS)
    db.execute("create trigger refuse before insert on request begin select raise(abort, 'full'); end")
    db.execute("begin")
    with pytest.raises(IntegrityError):
        store.save(db, before, after, PROVENANCE)
    db.execute("rollback")
    assert store.load(db, [STAY])[STAY].quiet
