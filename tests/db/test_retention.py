"""Stays that are taken away: all of them or nothing, nobody else's, and the history of alerts stays whole."""

import os
import random
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerts import retention as history
from alerts.model import Outcome
from tests.db.test_scorer import ILL, T0, WELL
from tests.db.watched_ward import Watched, differing, explained
from vwmon.durations import DAY_MS
from vwmon.patients import retention as judgement
from vwmon.patients.records import By
from vwmon.store import anchors, database, registers, retention
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection, IntegrityError
from vwmon.store.verify import verify

NAME = "Wilhelmina Ottoline Featherstonehaugh"
LATER_MS = T0 + 9 * 366 * DAY_MS
BY = By(actor="r.ecords", at_ms=LATER_MS)
OF_HER = "from alert join stay using (stay_no) where patient = 'p1'"
# Of what is kept by stay, alert or assignment, the tables of which no row goes, and why.
NO_ROW_GOES = {
    "canary": "its one row is of the made-up patient, whose stay is always kept",
    "register_log": "what the scorer noticed is said by the numbers of its lines; what they say is taken out of them",
}
KEPT_ROWS = {
    "stay": "select * from stay where patient = 'p2'",
    "reading": """select * from reading where device_no in (select device_no from device where device = 'of-p2')
        order by 1, 2, 3, 4""",
    "score": "select * from score join stay using (stay_no) where patient = 'p2' order by at_ms",
    "alert": "select * from alert join stay using (stay_no) where patient = 'p2' order by alert_no",
    "event": """select * from alert_event where alert_no in (select alert_no from alert join stay using (stay_no)
        where patient = 'p2') order by event_no""",
}


def lived(path: Path) -> Watched:
    """Let two patients live through an hour and more; the first is discharged and everything of hers closed."""
    chance = random.Random(7)
    ward = Watched(path)
    ward.admit("p1")
    ward.admit("p2")
    stay = registers.open_stay(ward.db, "p1")
    ward.db.execute("update identity set name = ? where stay_no = ?", [NAME, stay.stay_no])
    ward.db.execute("insert into stay_fact values (null, ?, 'consent', 'given', ?, 'ann', ?)", [stay.stay_no, T0, T0])
    for step in range(1, 26):
        ward.until(step * 4)
        values, refused = chance.choice((ILL, WELL)), chance.choice(((), ("temperature",)))
        ward.sends(values, step * 4, device=chance.choice(("of-p1", "of-p2")), refused=refused)
        ward.someone_acts(chance)
    ward.sends(ILL, 101, device="of-p2")
    ward.until(104)
    ward.discharge("p1", ward.now_ms)
    ward.score(ward.now_ms)
    registers.return_device(ward.db, "of-p1", ward.now_ms, By(actor="ann", at_ms=ward.now_ms))
    open_ones = "select id from alert where state <> 'closed' and stay_no = ?"
    for (alert_id,) in ward.db.execute(open_ones, [stay.stay_no]).fetchall():
        ward.end(alert_id, Outcome.PHONED_STABLE)
    ward.score(ward.now_ms)
    ward.db.execute("update handover set ended_ms = ? where ended_ms is null", [ward.now_ms])
    retention.settle(ward.db)
    return ward


class Left(Watched):
    """A ward as it was left, from its file."""

    def __init__(self, path: Path, now_ms: int) -> None:
        """Open it at a time."""
        self.path, self.db, self.now_ms, self.noted = path, database.open_writer(path), now_ms, True
        self._batch = 1000
        self.scorer = self.started(now_ms)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A ward's file, and the time at which it was left."""
    ward = lived(tmp_path_factory.mktemp("whole") / "ward.db")
    ward.db.execute("pragma wal_checkpoint(truncate)")
    ward.db.close()
    return ward.path, ward.now_ms


@pytest.fixture
def ward(whole: tuple[Path, int], tmp_path: Path) -> Iterator[Left]:
    """The ward, a copy for each test."""
    shutil.copy(whole[0], tmp_path / "ward.db")
    left = Left(tmp_path / "ward.db", whole[1])
    yield left
    left.db.close()


def going(db: Connection) -> list[int]:
    """Name the stays whose time is over after nine years."""
    return judgement.over(retention.past(db), 8, LATER_MS)


def removed(ward: Watched) -> dict[str, int]:
    """Take them away."""
    return retention.remove(ward.db, going(ward.db), BY, "eight years, by the records committee", "pc-1")


def unsound(path: Path) -> list[str]:
    """Say what does not hold of a database."""
    return [f"{one.check}: {one.found}" for one in verify(path) if not one.sound]


@pytest.mark.hazard("H27")
def test_a_stay_goes_whole_and_another_s_is_as_it_was(ward: Watched) -> None:
    """Every check holds, anchors of before too; what is kept of the other is the same, and explained as before."""
    before = {name: ward.rows(sql) for name, sql in KEPT_ROWS.items()}
    anchor = anchors.taken(ward.db, ward.now_ms)
    anchors.append(anchors.beside(ward.path), anchor, make=True)
    found = removed(ward)
    assert {name: ward.rows(sql) for name, sql in KEPT_ROWS.items()} == before
    assert min(found[name] for name in ("stay", "reading", "score", "alert", "alert_event", "identity")) > 0
    assert found["quarantine"] >= found["attempt"] > 0
    assert unsound(ward.path) == []
    assert anchors.unknown(ward.db, [anchor]) == []
    for alert_id, times in ward.every_alert():
        assert [differing(explained(ward.path, alert_id, number + 1)) for number in range(times)] == [[]] * times


@pytest.mark.hazard("H22")
def test_nothing_of_the_person_is_left_in_the_file(ward: Watched) -> None:
    """Neither in a table nor in a page that is free; only who removed how much, when and why."""
    assert NAME.encode() in ward.path.read_bytes() + Path(f"{ward.path}-wal").read_bytes()
    removed(ward)
    left = b"".join(file.read_bytes() for file in ward.path.parent.glob("ward.db*"))
    assert NAME.encode() not in left
    assert ward.rows("select count(*) from register_log where what like '%p1%'") == [(0,)]
    assert ward.rows("select actor, at_ms, note, host from removal") == [
        ("r.ecords", LATER_MS, "eight years, by the records committee", "pc-1")
    ]


@pytest.mark.hazard("H22")
def test_no_table_that_names_a_stay_is_left_out(ward: Watched) -> None:
    """Whoever adds one has to say what becomes of it; `condition` goes with the alerts."""
    (stay_no,) = going(ward.db)
    of_stays = """select distinct t.name from sqlite_schema t join pragma_table_info(t.name) c
        where t.type = 'table' and c.name in ('stay_no', 'alert_no', 'assignment_no', 'notification_no')"""
    tables = {name for (name,) in ward.rows(of_stays)}
    said: list[str] = []
    ward.db.set_trace_callback(said.append)
    removed(ward)
    ward.db.set_trace_callback(None)
    emptied = {found[1] for found in map(re.compile(r"delete from (\w+)").match, said) if found}
    assert tables - emptied == set(NO_ROW_GOES)
    assert ward.db.execute("select count(*) from register_log where stay_no = ?", [stay_no]).fetchone() == (0,)


@pytest.mark.hazard("H22")
@pytest.mark.parametrize(("declined_ms", "gone"), [(T0, 1), (LATER_MS - DAY_MS, 0)])
def test_a_referral_that_was_declined_goes_with_the_stays(ward: Watched, declined_ms: int, gone: int) -> None:
    """It is of no stay; while it is not old enough, everything of the patient stays."""
    said = "insert into referral (patient, ward, source, referred_ms, declined_ms, decline_reason) values "
    ward.db.execute(
        f"{said} ('p1', 'resp', 'gp', ?1, ?1, ?2), ('p2', 'resp', 'gp', ?1, ?1, 'full')", [declined_ms, NAME]
    )
    assert len(going(ward.db)) == gone
    removed(ward)
    assert ward.rows("select patient from referral") == [("p1",), ("p2",)][gone:]


def test_what_was_counted_before_is_what_goes(ward: Watched) -> None:
    """The answer of a look is that of the deed, and looking changes nothing."""
    before = ward.path.read_bytes()
    looked = retention.counts(ward.db, going(ward.db))
    assert ward.path.read_bytes() == before
    assert removed(ward) == looked
    assert going(ward.db) == []


@pytest.mark.hazard("H27")
def test_killed_at_any_statement_it_is_nothing_or_all(ward: Watched) -> None:
    """And whatever is left is sound."""
    ward.db.execute("pragma wal_checkpoint(truncate)")
    ward.db.close()
    seen = set()
    for number in range(1, 200):
        copy = ward.path.with_name("copy.db")
        for file in (copy, *database.sidecars(copy)):
            file.unlink(missing_ok=True)
        shutil.copy(ward.path, copy)
        ended = _killed_at(number, copy)
        with closing(database.open_reader(copy)) as db:
            left = [db.execute(f"select count(*) from {table}").fetchone()[0] for table in ("stay", "removal")]  # noqa: S608
        assert left in ([2, 0], [1, 1])
        if number % 10 == 0 or left == [1, 1]:
            assert unsound(copy) == []
        seen.add(tuple(left))
        if ended:
            break
    assert seen == {(2, 0), (1, 1)}


def _killed_at(number: int, path: Path) -> bool:
    """Take the stays away in a process that is killed at its so many-th statement; tell whether it came to the end."""
    child = os.fork()
    if child == 0:
        left = iter(range(number - 1, -2, -1))

        def count(_statement: str) -> None:
            if next(left) <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

        db = database.open_writer(path)
        chosen = going(db)
        db.set_trace_callback(count)
        retention.remove(db, chosen, BY, "test", "pc")
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.hazard("T12")
@pytest.mark.parametrize(
    "altered",
    [
        "update removal set note = 'lost'",
        "update removal set evidence = replace(evidence, '\"stay\": 1', '\"stay\": 0')",
        "delete from removal",
        "delete from alert_event_gone where event_no = (select max(event_no) from alert_event_gone)",
        "update alert_event_gone set removal_no = 1",
        """insert into alert_event_gone select event_no, previous, hash, (select event_no from removal)
            from alert_event order by event_no desc limit 1;
            delete from alert_event where event_no = (select max(event_no) from alert_event)""",
    ],
)
def test_whoever_takes_away_more_or_says_otherwise_is_found_out(ward: Watched, altered: str) -> None:
    """The removal names what went, and stands in the chain itself."""
    removed(ward)
    with pytest.raises(IntegrityError):
        ward.db.execute("delete from removal")
    triggers = ward.rows("select name from sqlite_schema where type = 'trigger'")
    for (trigger,) in triggers:
        ward.db.execute(f"drop trigger {trigger}")
    ward.db.execute("pragma foreign_keys = off")
    for statement in altered.split(";"):
        ward.db.execute(statement)
    assert any("history of alerts is as it was written" in one for one in unsound(ward.path))


def test_the_history_goes_on_after_a_removal(ward: Watched) -> None:
    """What comes next follows on it, also where the last event is gone; and it cannot be deleted but so."""
    removed(ward)
    (alert_id,) = ward.open_alerts()[:1]
    ward.note(alert_id)
    assert unsound(ward.path) == []
    with pytest.raises(IntegrityError):
        ward.db.execute("delete from alert_event")


@pytest.mark.parametrize(
    "waits",
    [
        f"""update alert set state = 'settled', closed_ms = null, due_ms = 1, current = 1
            where alert_no = (select max(alert_no) {OF_HER} and lane = 'clinical')""",  # noqa: S608 -- our own
        "update stay set discharged_ms = null where patient = 'p1'",
        f"""insert into stay select 99, patient, ward, pathway, plan_version, 1, {LATER_MS}, 'x', 1, '', ''
            from stay where patient = 'p1'""",  # noqa: S608 -- our own
        "insert into referral (patient, ward, source, referred_ms) values ('p1', 'resp', 'gp', 1)",
        """insert into kit_out select min(assignment_no), 1, null from assignment join stay using (stay_no)
            where patient = 'p1' on conflict do update set back_ms = null""",
        "update identity set born = '2015-01-01'",
        "update identity set born = null",
        "update stay set pathway = 'canary'",
    ],
)
def test_what_still_waits_for_somebody_stays(ward: Watched, waits: str) -> None:
    """Something open, a later stay, a child, a date of birth that nobody knows, a made-up patient."""
    assert len(going(ward.db)) == 1
    with atomic(ward.db):
        ward.db.execute("pragma defer_foreign_keys = on")
        ward.db.execute(waits)
    assert going(ward.db) == []


def test_a_removal_is_written_into_the_history_in_its_place_only(ward: Left) -> None:
    """Its number is that of the next event, of which the chain is made."""
    with pytest.raises(ValueError, match="event 9999 is not the next one"):
        history.seal(ward.db, 9999, "r.ecords", LATER_MS, "over", {}, "here")
