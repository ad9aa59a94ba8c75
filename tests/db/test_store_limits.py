"""The limits of single stays in the register: who set them, who ended them, and what is refused."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vwmon.errors import NotFoundError, RefusedError, UsageError
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By, Entry
from vwmon.store import database, limits, registers
from vwmon.store.sqlite import Connection, IntegrityError

T0 = 1_795_000_000_000
HOUR = 3_600_000
BY = By(actor="nurse", at_ms=T0 + HOUR)
LATER = By(actor="doctor", at_ms=T0 + 2 * HOUR)
ON = {"limit_on": 6, "limit_off": 5}
ANN = Admission(patient="P1", ward="resp", plan=plans.load("general"), admitted_ms=T0, born="1948-05-17")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A database with two patients."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        for patient in (ANN, replace(ANN, patient="P2")):
            registers.admit(opened, patient, BY)
        yield opened


def lines(db: Connection) -> list[tuple[str, str]]:
    """Read who wrote what into the journal since the admissions."""
    return db.execute("select actor, what from register_log where what not like 'admit%' order by entry_no").fetchall()


def test_a_limit_is_kept_with_its_author_reason_start_and_end(db: Connection) -> None:
    """And with a line of the journal, by which a daemon notices it."""
    version = registers.register_version(db)
    found = limits.put(db, "P1", "news2_5", ON, " COPD ", BY, to_ms=T0 + 9 * HOUR)
    assert (found.author, found.reason, found.from_ms, found.to_ms) == ("nurse", "COPD", T0 + HOUR, T0 + 9 * HOUR)
    assert limits.of_stay(db, 1) == [found]
    assert limits.by_stay(db) == {1: [found]}
    assert limits.of_stay(db, 2) == []
    assert lines(db) == [("nurse", "limit 1")]
    assert registers.register_version(db) > version


def test_another_limit_on_the_rule_takes_its_place(db: Connection) -> None:
    """The one before is not altered but ended, and stays on record with who ended it."""
    limits.put(db, "P1", "news2_5", ON, "COPD", BY)
    limits.put(db, "P1", "news2_7", {"limit_on": 8, "limit_off": 7}, "COPD", BY)
    new = limits.put(db, "P1", "news2_5", {"off_delay": "1h"}, "better", LATER)
    first, second, third = limits.of_stay(db, 1)
    assert (first.changes, first.ended_ms, first.ended_by) == (ON, LATER.at_ms, "doctor")
    assert (second.until_ms, third) == (None, new)
    assert lines(db)[2:] == [("doctor", "end-limit 1"), ("doctor", "limit 3")]


def test_a_limit_is_ended_by_somebody(db: Connection) -> None:
    """From then on it does not count; one that is not there, or over, cannot be ended."""
    limits.put(db, "P1", "news2_5", ON, "COPD", BY)
    ended = limits.end(db, "P1", "news2_5", "well", LATER)
    assert (ended.until_ms, ended.ended_by, ended.ended_reason) == (LATER.at_ms, "doctor", "well")
    assert lines(db) == [("nurse", "limit 1"), ("doctor", "end-limit 1")]
    for patient, rule in (("P1", "news2_5"), ("P1", "news2_7"), ("P2", "news2_5")):
        with pytest.raises(NotFoundError, match="no limit on"):
            limits.end(db, patient, rule, "", LATER)
    limits.put(db, "P1", "news2_5", ON, "COPD", BY, to_ms=LATER.at_ms)
    with pytest.raises(NotFoundError, match="in force"):
        limits.end(db, "P1", "news2_5", "", LATER)
    assert len(lines(db)) == 3


@pytest.mark.parametrize(
    ("rule", "changes", "reason", "error"),
    [
        ("news2_55", ON, "x", UsageError),
        ("overdue", {"level": 2}, "x", UsageError),
        ("news2_5", {}, "x", UsageError),
        ("news2_5", {"limit_on": 6}, "x", UsageError),
        ("news2_5", ON, "  ", UsageError),
        ("news2_7", {"enabled": False}, "x", RefusedError),
        ("news2_7", {"level": 1}, "x", RefusedError),
    ],
)
def test_what_can_be_no_limit_leaves_nothing_behind(
    db: Connection, rule: str, changes: dict[str, Any], reason: str, error: type[Exception]
) -> None:
    """Neither a row nor a line, and the limit before it stays."""
    limits.put(db, "P1", "news2_5", ON, "COPD", BY)
    with pytest.raises(error):
        limits.put(db, "P1", rule, changes, reason, LATER)
    assert [one.until_ms for one in limits.of_stay(db, 1)] == [None]
    assert len(lines(db)) == 1


def test_only_a_patient_on_a_ward_has_limits(db: Connection) -> None:
    """They are of the stay: whoever comes again begins without."""
    limits.put(db, "P1", "news2_5", ON, "COPD", BY)
    registers.discharge(db, "P1", "recovered", LATER.at_ms, LATER)
    with pytest.raises(NotFoundError, match="not on a ward"):
        limits.put(db, "P1", "news2_5", ON, "COPD", LATER)
    with pytest.raises(NotFoundError, match="not on a ward"):
        limits.end(db, "P1", "news2_5", "", LATER)
    again = registers.admit(db, replace(ANN, admitted_ms=LATER.at_ms), LATER)
    assert limits.of_stay(db, again.stay_no) == []


def test_a_line_of_the_journal_names_its_limit() -> None:
    """By its number; a line about anything else names none."""
    numbers = [
        limits.numbered(Entry(what=what, stay_no=1, device_no=None))
        for what in ("limit 12", "end-limit 3", "admit resp general", "assign", "discharge 7")
    ]
    assert numbers == [12, 3, 0, 0, 0]


@pytest.mark.parametrize(
    "values",
    [
        "(9, 1, 'r', '{}', '', 'why', 5, null, null, null, null)",
        "(9, 1, 'r', '{}', 'ann', '', 5, null, null, null, null)",
        "(9, 1, 'r', '{}', 'ann', 'why', 5, 5, null, null, null)",
        "(9, 1, 'r', '{}', 'ann', 'why', 5, null, 6, null, null)",
        "(9, 1, 'r', '{}', 'ann', 'why', 5, null, 4, 'ben', null)",
        "(9, 99, 'r', '{}', 'ann', 'why', 5, null, null, null, null)",
        "(9, 1, 'news2_5', '{}', 'ann', 'why', 5, null, null, null, null)",
    ],
)
def test_the_database_itself_refuses(db: Connection, values: str) -> None:
    """Nobody's, for no reason, over before it began, ended by nobody, of no stay, or a second one on a rule."""
    limits.put(db, "P1", "news2_5", ON, "COPD", BY)
    with pytest.raises(IntegrityError):
        db.execute(f"insert into stay_limit values {values}")  # noqa: S608 -- our own
