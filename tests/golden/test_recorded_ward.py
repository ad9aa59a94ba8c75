"""Wards replayed into a database, against tests/golden/oracle.py: a brute force without shared code.

Exact: the whole stored history of every patient's scores, and every clinical alert. Not compared here: the technical
lane (overdue readings), and when what was known, which in a replay is when it was observed.
"""

import csv
import gzip
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from tests.golden import oracle, wards
from tests.golden.wards import Ward, alerts, first_differences, replay, scores, true_alerts, true_scores
from vwmon.store import database
from vwmon.store.sqlite import Connection

KEPT = ("stay", "device", "assignment", "reading_log", "reading", "quarantine", "score", "condition", "alert")
PATIENTS = {"mimic4demo": 50, "mimic2_numerics": 1, "tihm_home": 28}
REFUSED = {  # values that cannot be
    "mimic4demo": {"value_zero": 24, "value_impossible": 7, "unit_slip": 4},
    "mimic2_numerics": {"value_zero": 6603},
    "tihm_home": {"unit_slip": 1, "value_impossible": 1},
}

recordings = pytest.mark.parametrize("ward", list(PATIENTS), indirect=True)


def of(name: str) -> pytest.MarkDecorator:
    """Run a test on one ward only."""
    return pytest.mark.parametrize("ward", [name], indirect=True)


def test_every_stored_score_of_every_patient_is_the_brute_forces(ward: Ward, db: Connection) -> None:
    """Which moments are stored, both totals, could-be, red, and the points and presence of each part."""
    assert len(ward.truth) == PATIENTS.get(ward.name, wards.PATIENTS)
    assert first_differences(scores(db), true_scores(ward.truth)) == {}


def test_every_clinical_alert_is_the_brute_forces(ward: Ward, db: Connection) -> None:
    """Since when, how bad now and at worst, in which state, cleared since when, and how often it went blind."""
    assert first_differences(alerts(db), true_alerts(ward.truth)) == {}


@of("mimic4demo")
def test_the_hourly_recording_shows_what_the_alerts_are_for(ward: Ward) -> None:
    """The comparison is about something: raised, settled and brought back, of each level, with parts missing."""
    every = [alert for found in ward.truth.values() for alert in found.alerts]
    moments = [score for found in ward.truth.values() for score in found.moments]
    assert {alert.state for alert in every} == {"new", "reraised", "settled"}
    assert {alert.peak for alert in every} == {2, 3}
    assert any(alert.blinded > 1 for alert in every)
    assert any(score.could_be > score.total_min for score in moments)
    assert len(moments) > sum(len(found.stored) for found in ward.truth.values())


@of("mimic2_numerics")
def test_the_monitor_has_two_readings_at_a_time_and_zeros(ward: Ward, db: Connection) -> None:
    """Both heart rates, both pressures; a sensor that is off says 0, which is no reading and no good one either."""
    several = values_at_one_time(ward.recording)
    assert several["heart_rate"] > 1000
    assert several["systolic_bp"] > 100
    zeros = db.execute("select count(*) from quarantine where reason = 'value_zero'").fetchone()[0]
    assert zeros == sum(value == 0 for _, value in rows(ward.recording))
    (patient,) = ward.truth.values()
    assert any(score.could_be > score.total_min for score in patient.moments)


@of("mimic2_numerics")
def test_of_two_values_at_one_time_the_worse_one_counts(ward: Ward, db: Connection) -> None:
    """The comparison would tell: with the better one, other scores would be stored."""
    better = oracle.ward(ward.recording, choose=min)
    assert first_differences(scores(db), true_scores(better)) != {}


@of("tihm_home")
def test_the_home_recording_is_of_people_with_few_parts_of_a_score(ward: Ward) -> None:
    """Three parts of seven at best: what is awaited and never comes could make it 5 or more."""
    moments = [score for found in ward.truth.values() for score in found.moments]
    assert max(str(score.present).count("1") for score in moments) == 3
    assert {alert.peak for found in ward.truth.values() for alert in found.alerts} == {1, 2}
    assert {alert.state for found in ward.truth.values() for alert in found.alerts} == {"new"}


@recordings
def test_what_cannot_be_is_set_aside_and_nothing_else(ward: Ward, db: Connection) -> None:
    """Every row of the file is a stored reading or a quarantined one with its reason."""
    reasons = dict(db.execute("select reason, count(*) from quarantine group by reason"))
    stored = db.execute("select (select count(*) from reading_log) + (select count(*) from reading)").fetchone()[0]
    assert reasons == REFUSED[ward.name]
    assert stored + sum(reasons.values()) == len(rows(ward.recording))


def rows(recording: Path) -> list[tuple[tuple[str, str, str], float]]:
    """Read the rows of a file: patient, time and vital, and the value."""
    with gzip.open(recording, "rt", encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        return [((row["patient"], row["time"], row["vital"]), float(row["value"])) for row in table]


def values_at_one_time(recording: Path) -> Counter[str]:
    """Count by vital the times at which a patient has more than one value of it."""
    found: defaultdict[tuple[str, str, str], set[float]] = defaultdict(set)
    for (patient, time, vital), value in rows(recording):
        found[patient, time, vital].add(value)
    return Counter(vital for (_, _, vital), values in found.items() if len(values) > 1)


@recordings
def test_a_second_replay_changes_nothing(ward: Ward, tmp_path: Path) -> None:
    """The same file again is known to the last reading: no row of any table is new, gone or different."""
    path = tmp_path / "ward.db"
    copyfile(ward.path, path)
    before = tables(path)
    said = replay(ward.recording, path)
    assert "0 new patients: 0 readings stored" in said
    after = tables(path)
    assert [name for name, rows in after.items() if rows != before[name]] == []


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read everything of the tables that a replay writes."""
    with closing(database.open_reader(path)) as db:
        return {name: db.execute(f"select * from {name}").fetchall() for name in (*KEPT, "alert_event")}  # noqa: S608
