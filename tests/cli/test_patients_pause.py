"""`vwmon patients pause`: given, shown on every list, ended; and what is refused."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import faults, store
from alerts.model import Case
from tests.at_work import at_work
from tests.cli.test_patients import ADMIT, Ward, db, ward  # noqa: F401 -- fixtures
from vwmon.clock import Clock
from vwmon.store import database, monitor

HOUR_MS = 3_600_000


@pytest.fixture
def home(ward: Ward) -> Ward:  # noqa: F811 -- the fixture
    """A ward with one patient, and a daemon that watches it."""
    ward("patients", "admit", "P1", *ADMIT)
    with closing(database.open_writer(ward.db)) as opened, database.atomic(opened):
        monitor.beat(opened, at_work(Clock().now_ms()))
    return ward


def overdue(path: Path) -> None:
    """Let a reading of the one patient be overdue."""
    now_ms = Clock().now_ms()
    with closing(database.open_writer(path)) as opened, database.atomic(opened):
        before = Case(stay_no=1)
        store.save(opened, before, faults.overdue(before, "spo2", now_ms - HOUR_MS, now_ms), None)


def pauses(home: Ward) -> list[dict[str, Any]]:
    """Give the pauses that are shown of the patient."""
    shown: list[dict[str, Any]] = home.record("patients", "show", "P1")["pauses"]
    return shown


def test_a_pause_is_given_for_a_time(home: Ward) -> None:
    """It says what it holds back, what it does not, and how to end it."""
    code, out, _ = home("patients", "pause", "P1", "--for", "8h", "--reason", "clinic")
    assert code == 0
    assert out.startswith("Paused P1 from ")
    assert "Whatever is measured raises alerts as ever." in out
    assert "Undo: vwmon patients pause P1 --end" in out
    (one,) = pauses(home)
    assert (one["reason"], one["ended_at"]) == ("clinic", None)
    text = home("patients", "show", "P1")[1]
    assert "AWAY from " in text
    assert ": clinic (by " in text


def test_a_pause_may_begin_later_and_end_at_a_time(home: Ward) -> None:
    """As given, to the second."""
    span = ("--from", "2090-01-01T08:00:00Z", "--until", "2090-01-03T08:00:00+01:00")
    record = home.record("patients", "pause", "P1", *span, "--reason", "daughter's")
    assert (record["from"], record["until"]) == ("2090-01-01T08:00:00Z", "2090-01-03T07:00:00Z")


def test_a_patient_who_is_away_is_so_on_the_work_list(home: Ward) -> None:
    """Flagged, with until when; and no longer once the pause has ended."""
    overdue(home.db)
    home("patients", "pause", "P1", "--for", "8h", "--reason", "clinic")
    (row,) = json.loads(home("alerts", "--json")[1])
    assert (row["flags"], row["away_until"]) == (["away"], pauses(home)[0]["until"])
    code, out, _ = home("patients", "pause", "P1", "--end")
    assert (code, out.startswith("Ended the pause of P1 at ")) == (0, True)
    (row,) = json.loads(home("alerts", "--json")[1])
    assert (row["flags"], row["away_until"]) == ([], None)
    assert pauses(home) == []


def test_a_pause_to_come_is_not_yet_on_the_list(home: Ward) -> None:
    """The patient is there until then."""
    overdue(home.db)
    home("patients", "pause", "P1", "--from", "2090-01-01T08:00:00Z", "--for", "8h", "--reason", "clinic")
    (row,) = json.loads(home("alerts", "--json")[1])
    assert row["flags"] == []


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--for", "73h", "--reason", "x"), 6, "72 h at most"),
        (("--for", "8h", "--from", "2026-01-01T00:00:00Z", "--reason", "x"), 6, "cannot begin before it is given"),
        (("--until", "2026-01-01T00:00:00Z", "--reason", "x"), 6, "must end after it begins"),
        (("--for", "8h"), 2, "--reason TEXT"),
        (("--for", "8h", "--reason", "  "), 2, "--reason TEXT"),
        (("--reason", "x"), 2, "say how long"),
        (("--for", "8h", "--until", "2090-01-01T00:00:00Z", "--reason", "x"), 2, "say how long"),
        (("--end", "--for", "8h"), 2, "goes with no other option"),
        (("--end",), 3, "has no pause"),
        (("--for", "8 hours", "--reason", "x"), 2, "8 hours"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    home: Ward, options: tuple[str, ...], code: int, words: str
) -> None:
    """With what to do instead."""
    done, _, err = home("patients", "pause", "P1", *options)
    assert done == code
    assert words in err
    assert pauses(home) == []


def test_nobody_is_paused_who_is_not_on_the_ward(home: Ward) -> None:
    """A slip in the name is an error."""
    assert home("patients", "pause", "P2", "--for", "8h", "--reason", "x")[0] == 3
    home("patients", "discharge", "P1", "--reason", "recovered")
    assert home("patients", "pause", "P1", "--for", "8h", "--reason", "x")[0] == 3


def test_the_journal_says_who_gave_and_who_ended_it(home: Ward) -> None:
    """Two lines, and the daemon notices by the register's version."""
    home("patients", "pause", "P1", "--for", "8h", "--reason", "clinic")
    home("patients", "pause", "P1", "--end")
    with closing(database.open_reader(home.db)) as opened:
        lines = opened.execute("select what, actor <> '' from register_log order by entry_no").fetchall()
    assert lines[-2:] == [("pause", 1), ("resume", 1)]
