"""The account of a stay, as it is read, and the database in memory that the stay is told again in."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Kind, Lane
from tests.db.test_scorer import HOUR, ILL, MINUTE, T0, WELL
from tests.db.watched_ward import Watched
from vwmon.errors import NotFoundError, StoreCorrupt
from vwmon.store import account, database, readings, registers, scratch
from vwmon.store.sqlite import Connection

TABLES = "select name from sqlite_schema where type = 'table' order by name"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Watched]:
    """Two patients; the first one is ill, and someone has that in hand."""
    ward = Watched(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    ward.hears(WELL, 0)
    ward.hears(ILL, 10)
    ward.hears(WELL, 10, device="of-p2")
    ward.ack(ward.open_alerts()[0])
    yield ward
    ward.db.close()


@pytest.fixture
def memory(ward: Watched) -> Iterator[Connection]:
    """A database in memory like the ward's, with its vitals and devices."""
    with closing(scratch.empty(ward.db, list(readings.vitals(ward.db).items()), registers.devices(ward.db))) as db:
        yield db


def test_an_account_is_of_one_stay_and_complete(ward: Watched) -> None:
    """Its readings in log order, its devices, the lines of the journal, its scores, alerts and what people did."""
    found = account.read(ward.db, 1)
    assert [row[0] for row in found.rows] == list(range(1, 15))
    assert [device.device for device in found.devices.values()] == ["of-p1"]
    assert [entry.what for entry in found.journal] == ["admit resp acute-respiratory", "assign"]
    assert [row.at_ms for row in found.kept.scores] == [T0, T0 + 10 * MINUTE]
    (alert,) = found.kept.alerts.values()
    assert [event.kind for event in found.kept.events_of(alert.alert_no)] == [Kind.RAISED, Kind.ACKNOWLEDGED]
    assert [event.actor for event in found.acts] == ["ann"]
    assert {found.versions[number].plan for number in found.kept.made_by} == {"acute-respiratory 3"}
    assert not found.recorded
    assert found.dropped_before_ms == 0


def test_an_account_ends_where_the_scoring_has_come_to(ward: Watched) -> None:
    """What is in the log and not scored yet has not happened to any alert."""
    with database.atomic(ward.db):
        ward.db.execute("update scorer set cursor = 7")
    assert [row[0] for row in account.read(ward.db, 1).rows] == list(range(1, 8))


def test_the_account_of_the_whole_service_has_no_readings(ward: Watched) -> None:
    """It has alerts and their history alone."""
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=T0, at_ms=T0 + HOUR)], T0 + HOUR)
    found = account.read(ward.db, 0)
    assert (found.stay, found.rows, found.assignments, found.kept.scores) == (None, [], [], [])
    assert [alert.lane for alert in found.kept.alerts.values()] == [Lane.SYSTEM]


def test_a_stay_that_is_not_there_is_not_found(ward: Watched) -> None:
    """And the connection is left as it was."""
    with pytest.raises(NotFoundError, match="no stay 9"):
        account.read(ward.db, 9)
    assert not ward.db.in_transaction


def test_an_account_is_of_one_moment(ward: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a daemon commits while it is being read is not in it."""
    ward.beat()
    with closing(database.open_reader(ward.path)) as reader:
        before = account.read(reader, 1)
        vitals = readings.vitals

        def meanwhile(db: Connection) -> dict[int, str]:
            ward.hears(WELL, 20)
            return vitals(db)

        with monkeypatch.context() as patched:
            patched.setattr(readings, "vitals", meanwhile)
            during = account.read(reader, 1)
        assert (during.rows, during.kept) == (before.rows, before.kept)
        assert len(account.read(reader, 1).rows) == 21


def test_a_row_that_is_no_record_is_damage(ward: Watched) -> None:
    """Said with the stay, and not as a traceback."""
    with database.atomic(ward.db):
        ward.db.execute("update alert set evidence = '{' where level = 3")
    with pytest.raises(StoreCorrupt, match="alerts of stay 1 cannot be read"):
        account.read(ward.db, 1)


def test_when_anything_was_last_heard(ward: Watched) -> None:
    """Up to a time, in the log's tail and in what was merged."""
    asked = [account.last_heard_ms(ward.db, T0 + minute * MINUTE) for minute in (-1, 5, 60)]
    assert asked == [None, T0, T0 + 10 * MINUTE]
    ward._log.merge(ward.scorer.cursor, 100)
    assert account.last_heard_ms(ward.db, T0 + HOUR) == T0 + 10 * MINUTE


def test_memory_has_the_same_tables_and_nobody_in_them(ward: Watched, memory: Connection) -> None:
    """And the triggers that keep history, so that it is told by the same rules."""
    assert memory.execute(TABLES).fetchall() == ward.db.execute(TABLES).fetchall()
    assert memory.execute("select count(*) from stay").fetchone() == (0,)
    assert memory.execute("select cursor from scorer").fetchone() == (0,)
    assert memory.execute("pragma database_list").fetchone()[2] == ""
    assert registers.devices(memory) == registers.devices(ward.db)


def test_a_stay_begins_in_memory_without_its_end(memory: Connection, ward: Watched) -> None:
    """Nobody knew of the discharge at the admission; each change is one that a scorer notices."""
    stay = replace(registers.stay(ward.db, 1), discharged_ms=T0 + HOUR, discharge_reason="recovered")
    held = replace(registers.assignments(ward.db)[0], to_ms=T0 + HOUR)
    scratch.admit(memory, stay, T0 + 5)
    scratch.assign(memory, held, T0 + 6)
    begun = replace(stay, discharged_ms=None, discharge_reason=None)
    assert registers.stays(memory) == [begun]
    assert registers.assignments(memory) == [replace(held, to_ms=None)]
    assert registers.registered(memory) == {1: T0 + 5}
    scratch.end(memory, held, T0 + 7)
    scratch.discharge(memory, stay, T0 + 8)
    assert (registers.stays(memory), registers.assignments(memory)) == ([stay], [held])
    assert registers.register_version(memory) == 4


def test_readings_come_back_from_memory_as_they_were_numbered(memory: Connection, ward: Watched) -> None:
    """To the next question of a scorer."""
    rows = account.read(ward.db, 1).rows
    scratch.append(memory, rows[:7])
    assert readings.rows_after(memory, 0, 100) == rows[:7]
    scratch.append(memory, rows[7:])
    assert readings.rows_after(memory, 7, 100) == rows[7:]


def test_a_copy_goes_its_own_way(memory: Connection, ward: Watched) -> None:
    """What is written to one is not in the other."""
    rows = account.read(ward.db, 1).rows
    scratch.append(memory, rows[:7])
    with closing(scratch.copy(memory)) as other:
        assert readings.rows_after(other, 0, 100) == rows[:7]
        scratch.append(other, rows[7:])
        assert len(readings.rows_after(memory, 0, 100)) == 7
