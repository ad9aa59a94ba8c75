"""Fifty recorded patients replayed into a database, against tests/golden/oracle.py: a brute force without shared code.

Exact: the whole stored history of every patient's scores, and every clinical alert. Not compared here: the technical
lane (overdue readings), and when what was known, which in a replay is when it was observed.
"""

import gzip
from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.golden import oracle
from tests.golden.oracle import Patient
from vwmon.cli import app
from vwmon.store import database
from vwmon.store.sqlite import Connection

FILE = "mimic4demo/vitals.csv.gz"
PATIENTS = 50
QUARTER = 900_000
KEPT = ("stay", "device", "assignment", "reading_log", "reading", "quarantine", "score", "condition", "alert")


@pytest.fixture(scope="module")
def recording(recordings: Path) -> Path:
    """The recording that is replayed."""
    return recordings / FILE


@pytest.fixture(scope="module")
def path(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that the recording was replayed into."""
    path = tmp_path_factory.mktemp("ward") / "ward.db"
    replay(recording, path)
    return path


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    """That database, open for reading."""
    with closing(database.open_reader(path)) as db:
        yield db


@pytest.fixture(scope="module")
def truth(recording: Path) -> dict[str, Patient]:
    """What the brute force says of the same recording."""
    return oracle.ward(recording)


def replay(recording: Path, path: Path) -> str:
    """Replay the recording; return what was said."""
    return CliRunner().invoke(app, ["replay", str(recording), "--db", str(path)], catch_exceptions=False).stdout


def by_patient(db: Connection, sql: str) -> dict[str, list[tuple[Any, ...]]]:
    """Group the rows of a statement by their first column, the patient."""
    found: dict[str, list[tuple[Any, ...]]] = {patient: [] for (patient,) in db.execute("select patient from stay")}
    for patient, *row in db.execute(sql):
        found[patient].append(tuple(row))
    return found


def scores(db: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Read every stored score by patient, in the order of time."""
    return by_patient(
        db,
        """select patient, at_ms, total_min, total_max, could_be, red, points_min, present
           from score join stay using (stay_no) order by stay_no, at_ms""",
    )


def alerts(db: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Read every clinical alert by patient, in the order of the raise."""
    return by_patient(
        db,
        """select patient, since_ms, level, peak, score, peak_score, state, cleared_ms, blind_ms is not null,
               (select count(*) from alert_event as e where e.alert_no = alert.alert_no and kind = 'blinded')
           from alert join stay using (stay_no) where lane = 'clinical' order by stay_no, ordinal""",
    )


def first_differences(
    found: dict[str, list[tuple[Any, ...]]], expected: dict[str, list[tuple[Any, ...]]]
) -> dict[str, tuple[Any, Any]]:
    """Give of each patient whose rows differ the first pair that does; thousands of rows tell nobody anything."""
    assert found.keys() == expected.keys()
    pairs = {patient: zip_longest(rows, expected[patient]) for patient, rows in found.items()}
    different = {patient: next((pair for pair in rows if pair[0] != pair[1]), None) for patient, rows in pairs.items()}
    return {patient: pair for patient, pair in different.items() if pair is not None}


def test_every_stored_score_of_every_patient_is_the_brute_forces(db: Connection, truth: dict[str, Patient]) -> None:
    """Which moments are stored, both totals, could-be, red, and the points and presence of each part."""
    assert len(truth) == PATIENTS
    expected = {patient: [tuple(score) for score in found.stored] for patient, found in truth.items()}
    assert first_differences(scores(db), expected) == {}


def test_every_clinical_alert_is_the_brute_forces(db: Connection, truth: dict[str, Patient]) -> None:
    """Since when, how bad now and at worst, in which state, cleared since when, and how often it went blind."""
    expected = {
        patient: [
            (a.since_ms, a.level, a.peak, a.score, a.peak_score, a.state, a.cleared_ms, a.blind, a.blinded)
            for a in found.alerts
        ]
        for patient, found in truth.items()
    }
    assert first_differences(alerts(db), expected) == {}


def test_the_recording_shows_what_the_alerts_are_for(truth: dict[str, Patient]) -> None:
    """The comparison is about something: raised, settled and brought back, of each level, with parts missing."""
    every = [alert for found in truth.values() for alert in found.alerts]
    moments = [score for found in truth.values() for score in found.moments]
    assert {alert.state for alert in every} == {"new", "reraised", "settled"}
    assert {alert.peak for alert in every} == {2, 3}
    assert any(alert.blinded > 1 for alert in every)
    assert any(score.could_be > score.total_min for score in moments)
    assert len(moments) > sum(len(found.stored) for found in truth.values())


def test_every_breach_lies_in_the_span_of_an_alert_or_was_denied(db: Connection, truth: dict[str, Patient]) -> None:
    """No moment of five or more, or of a single three, without an alert open then or a good reading soon after it."""
    spans = alerts(db)
    uncovered = [
        (patient, at_ms)
        for patient, rows in scores(db).items()
        for at_ms, total, _, _, red, *_ in rows
        if (total >= 5 or red) and not any(lasted(alert, at_ms) for alert in spans[patient])
    ]
    denied = {patient: found.denied for patient, found in truth.items()}
    unanswered = [
        (patient, at_ms)
        for patient, at_ms in uncovered
        if not any(since_ms <= at_ms < denied_ms <= since_ms + QUARTER for _, since_ms, denied_ms in denied[patient])
    ]
    assert unanswered == []


def test_every_alert_has_the_breach_that_it_was_raised_for(db: Connection) -> None:
    """At the moment since which an urgent alert stands, a stored score bears it out."""
    breaches = {
        (patient, at_ms)
        for patient, rows in scores(db).items()
        for at_ms, total, _, could_be, red, *_ in rows
        if total >= 5 or red or could_be >= 5
    }
    raised = {(patient, since_ms) for patient, rows in alerts(db).items() for since_ms, *_ in rows}
    assert raised
    assert raised <= breaches


def lasted(alert: tuple[Any, ...], at_ms: int) -> bool:
    """Say whether an alert's condition stood at a moment, as far as was known."""
    since_ms, cleared_ms = alert[0], alert[6]
    return bool(since_ms <= at_ms and (cleared_ms is None or at_ms < cleared_ms))


def test_what_cannot_be_is_set_aside_and_nothing_else(db: Connection, recording: Path) -> None:
    """Every row of the file is a stored reading or a quarantined one with its reason."""
    reasons = dict(db.execute("select reason, count(*) from quarantine group by reason"))
    stored = db.execute("select (select count(*) from reading_log) + (select count(*) from reading)").fetchone()[0]
    assert reasons == {"value_impossible": 35}
    assert stored + sum(reasons.values()) == rows_of(recording)


def rows_of(recording: Path) -> int:
    """Count the rows of the file."""
    with gzip.open(recording, "rb") as file:
        return sum(1 for _ in file) - 1


def test_a_second_replay_changes_nothing(path: Path, recording: Path) -> None:
    """The same file again is known to the last reading: no row of any table is new, gone or different."""
    before = tables(path)
    said = replay(recording, path)
    assert "0 new patients: 0 readings stored" in said
    after = tables(path)
    assert [name for name, rows in after.items() if rows != before[name]] == []


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read everything of the tables that a replay writes."""
    with closing(database.open_reader(path)) as db:
        return {name: db.execute(f"select * from {name}").fetchall() for name in (*KEPT, "alert_event")}  # noqa: S608
