"""What the lists ask about many stays at once: right however the log is merged, without reading it all."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, glance, registers, scores
from vwmon.store.sqlite import Connection

BY = By(actor="test", at_ms=0)
BASE = 20 * DAY_MS
SPO2, PULSE = 1, 2
TAIL = "insert into reading_log values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null)"
MERGED = "insert into reading values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
LATEST = """insert into series_latest values (?, ?, ?, ?, null, ?, ?, ?) on conflict do update
    set observed_ms = excluded.observed_ms, value = excluded.value where excluded.observed_ms > observed_ms"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """Three stays on two wards with a device each, and a third device that the first stay had before."""
    with closing(database.create(tmp_path / "glance.db")) as opened:
        with database.atomic(opened):
            for number, ward in ((1, "resp"), (2, "resp"), (3, "hf")):
                asked = Admission(
                    patient=f"p-{number}",
                    ward=ward,
                    plan=plans.load("general"),
                    admitted_ms=0,
                    born="1950-01-01",
                    name=f"Person {number}",
                )
                registers.admit(opened, asked, BY)
                registers.add_device(opened, f"hub-{number}", BY)
                registers.assign(opened, f"hub-{number}", f"p-{number}", 0, BY)
            opened.execute("insert into vital values (1, 'spo2'), (2, 'heart_rate')")
        yield opened


def put(db: Connection, *rows: tuple[int, int, int, float | None], merged: bool = True, first: int = 1) -> None:
    """Store readings (device, vital, when, value): merged into series, or in the tail of the log."""
    with database.atomic(db):
        for seq, (device, vital, at_ms, value) in enumerate(rows, first):
            cells = (seq, device, vital, at_ms, value, None, None, None, 0, at_ms, at_ms, seq)
            if not merged:
                db.execute(TAIL, cells)
                continue
            db.execute(MERGED, (at_ms // DAY_MS, *cells))
            db.execute(LATEST, (device, vital, at_ms, value, seq, at_ms, seq))


def value_of(found: dict[int, dict[int, glance.Value]], stay: int, vital: int = SPO2) -> float | None:
    """Give the value found for a vital of a stay."""
    one = found.get(stay, {}).get(vital)
    return None if one is None else one.value


@pytest.mark.parametrize("merged", [True, False])
def test_the_newest_of_each_vital_is_found_wherever_it_is(db: Connection, *, merged: bool) -> None:
    """In a series or in the tail; a refused value, which is none, is not it."""
    put(db, (1, SPO2, BASE, 95), (1, SPO2, BASE + 5, 91), (1, PULSE, BASE + 9, 80), (2, SPO2, BASE, 97), merged=merged)
    found = glance.newest(db, [1, 3])
    assert (value_of(found, 1), value_of(found, 1, PULSE), set(found)) == (91, 80, {1})
    assert glance.last_ms(found[1]) == BASE + 9
    assert glance.last_ms({}) is None


def test_the_later_of_the_series_and_the_tail_is_the_newest(db: Connection) -> None:
    """A buffered reading that comes late is not the present one."""
    put(db, (1, SPO2, BASE, 95), (2, SPO2, BASE + 50, 96))
    put(db, (1, SPO2, BASE + 10, 88), (2, SPO2, BASE + 10, 80), merged=False, first=10)
    found = glance.newest(db, [1, 2])
    assert (value_of(found, 1), value_of(found, 2)) == (88, 96)


def test_a_reading_is_of_the_stay_that_had_the_device_then(db: Connection) -> None:
    """After it was returned and given on, what it sends is somebody else's."""
    with database.atomic(db):
        registers.return_device(db, "hub-1", BASE, BY)
        registers.assign(db, "hub-1", "p-2", BASE, BY)
    put(db, (1, SPO2, BASE + 5, 84), (2, SPO2, BASE - 5, 97))
    found = glance.newest(db, [1, 2])
    assert (value_of(found, 1), value_of(found, 2)) == (None, 84)
    assert glance.held(db, 1) == {1: [(0, BASE)]}
    assert set(glance.held(db, 2)) == {1, 2}


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize(
    ("at_ms", "value"),
    [(BASE - 1, None), (BASE, 95), (BASE + HOUR_MS - 1, 95), (BASE + HOUR_MS, 90), (BASE + DAY_MS, 90)],
)
def test_what_a_series_was_at_a_time(db: Connection, at_ms: int, value: float | None, *, merged: bool) -> None:
    """The last at or before it, of that day or the day before."""
    put(db, (1, SPO2, BASE, 95), (1, SPO2, BASE + HOUR_MS, 90), (1, PULSE, BASE, 60), merged=merged)
    assert value_of(glance.at(db, [(1, SPO2, 1, at_ms)]), 1) == value


def test_of_days_ago_nothing_is_said(db: Connection) -> None:
    """It would be no present to compare with."""
    put(db, (1, SPO2, BASE, 95))
    put(db, (1, SPO2, BASE, 95), merged=False, first=9)
    assert glance.at(db, [(1, SPO2, 1, BASE + 3 * DAY_MS)]) == {}
    assert glance.at(db, []) == {}


READINGS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([SPO2, PULSE]), st.integers(0, 30), st.booleans()), max_size=30
)


@given(rows=READINGS, hour=st.integers(0, 30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_both_questions_agree_with_a_search_through_everything(
    db: Connection, rows: list[tuple[int, int, int, bool]], hour: int
) -> None:
    """Over any readings, merged or not, in any order."""
    with database.atomic(db):
        for emptied in ("delete from reading", "delete from reading_log", "delete from series_latest"):
            db.execute(emptied)
    placed = {
        (device, vital, BASE + at * HOUR_MS): (100.0 + seq, merged)
        for seq, (device, vital, at, merged) in enumerate(rows)
    }
    for seq, ((device, vital, at_ms), (value, merged)) in enumerate(placed.items(), 1):
        put(db, (device, vital, at_ms, value), merged=merged, first=seq)
    until = BASE + hour * HOUR_MS
    newest = glance.newest(db, [1, 2, 3])
    then = glance.at(db, [(stay, vital, stay, until) for stay in (1, 2, 3) for vital in (SPO2, PULSE)])
    for stay in (1, 2, 3):
        for vital in (SPO2, PULSE):
            times = [at_ms for device, of, at_ms in placed if (device, of) == (stay, vital)]
            last, past = max(times, default=None), max((t for t in times if t <= until), default=None)
            assert value_of(newest, stay, vital) == (None if last is None else placed[stay, vital, last][0])
            if past is None or past // DAY_MS >= until // DAY_MS - 1:
                assert value_of(then, stay, vital) == (None if past is None else placed[stay, vital, past][0])


def test_the_ward_says_of_each_stay_when_anything_last_came(db: Connection) -> None:
    """From the series and from the tail; never is None; who has left is not among them."""
    put(db, (1, SPO2, BASE, 95), (1, PULSE, BASE + 7, 95))
    put(db, (2, SPO2, BASE + 3, 95), merged=False, first=10)
    heard = {stay.patient: stay.last_ms for stay in glance.ward(db)}
    assert heard == {"p-1": BASE + 7, "p-2": BASE + 3, "p-3": None}
    assert [stay.patient for stay in glance.ward(db, "hf")] == ["p-3"]
    with database.atomic(db):
        registers.discharge(db, "p-1", "completed", BASE + 9, BY)
    assert [stay.patient for stay in glance.ward(db)] == ["p-2", "p-3"]


def test_who_they_are_is_asked_for_all_together(db: Connection) -> None:
    """Stays as the register has them, and the persons apart."""
    assert {no: stay.patient for no, stay in glance.stays(db, [3, 1]).items()} == {1: "p-1", 3: "p-3"}
    assert glance.persons(db, [2]) == {2: glance.Person(name="Person 2", born="1950-01-01")}


def test_the_score_at_a_time_is_the_last_stored_by_then(db: Connection) -> None:
    """Each stay at a time of its own."""
    with database.atomic(db):
        number = scores.provenance_no(db, "0", "news2", "general", "")
        rows = [(1, BASE, 4), (1, BASE + 10, 6), (2, BASE, 2)]
        scores.write(
            db, [(stay, at, at, 0, total, total, total, 0, 1, 0, 0, 1111111, number) for stay, at, total in rows]
        )
    found = scores.at(db, {1: BASE + 9, 2: BASE + 99, 3: BASE})
    assert {stay: row.total_min for stay, row in found.items()} == {1: 4, 2: 2}
    assert scores.at(db, {1: BASE - 1}) == {}


@pytest.mark.parametrize("sql", [glance.STAYS, glance.PERSONS, glance.NEWEST, glance.EARLIER])
def test_no_question_about_some_stays_reads_all_readings(db: Connection, sql: str) -> None:
    """Of the tables that grow, only the tail, which the merging keeps short, is read whole."""
    plan = [row[3] for row in db.execute(f"explain query plan {sql}", ["[]"])]
    read_whole = {line.split()[1] for line in plan if line.startswith("SCAN")}
    assert not read_whole & {"reading", "series_latest", "stay", "identity", "assignment", "score"}
