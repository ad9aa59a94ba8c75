"""A made ward whose patients hover about their limits, against tests/golden/oracle.py: every way a breach can go.

The recordings of hospitals come hourly or by the minute; here readings come at the pace of people at home who repeat a
reading, give up, recover and relapse, so that waits are confirmed, denied and run out many times over.
"""

import csv
import gzip
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.golden import oracle
from tests.golden.oracle import Patient
from tests.golden.test_recorded_ward import alerts, first_differences, replay, scores
from vwmon.store import database
from vwmon.store.sqlite import Connection

PATIENTS = 24
READINGS = 400
USUAL = {"resp_rate": 16, "spo2": 97, "systolic_bp": 120, "heart_rate": 75, "temperature": 37, "gcs": 15, "fio2": 0.21}
ILL = {"resp_rate": [21, 25], "spo2": [93, 91], "systolic_bp": [100, 90], "heart_rate": [112, 131], "temperature": [39]}
GAPS = (30, 60, 240, 300, 301, 600, 900, 901, 1800, 3600, 20_000)


def rows(patient: int) -> Iterator[tuple[str, int, str, float]]:
    """Make the readings of one patient: well, hovering or ill for a while, some vitals now and then left out.

    Every third is never ill for certain, but has a tired pulse and a cuff that is seldom worn and often slips.
    """
    chance, unsure = random.Random(patient), patient % 3 == 0
    time, illness = 0, 0.0
    for _ in range(READINGS):
        time += chance.choice(GAPS)
        illness = chance.choice([0.0, 0.05, 0.2, 0.35, 0.5]) if chance.random() < 0.1 else illness
        some = [vital for vital in USUAL if chance.random() < 0.5] if chance.random() < 0.4 else list(USUAL)
        for vital in some:
            if unsure:
                value = {"heart_rate": 112.0, "systolic_bp": chance.choice([120.0, 999.0])}.get(vital, USUAL[vital])
                if vital == "systolic_bp" and chance.random() < 0.8:
                    continue
            else:
                ill = vital in ILL and chance.random() < illness
                value = 999.0 if chance.random() < 0.01 else chance.choice(ILL[vital]) if ill else USUAL[vital]
            yield f"p{patient:02}", time, vital, value


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ward as the file of a recording."""
    path = tmp_path_factory.mktemp("made") / "vitals.csv.gz"
    units = dict.fromkeys(USUAL, "") | {"resp_rate": "/min", "spo2": "%", "systolic_bp": "mmHg"}
    units |= {"heart_rate": "bpm", "temperature": "degC"}
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["patient", "time", "vital", "value", "unit", "source"])
        for patient in range(PATIENTS):
            table.writerows((*row, units[row[2]], "made") for row in rows(patient))
    return path


@pytest.fixture(scope="module")
def truth(recording: Path) -> dict[str, Patient]:
    """What the brute force says of the ward."""
    return oracle.ward(recording)


@pytest.fixture(scope="module")
def db(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A database that the ward was replayed into."""
    path = tmp_path_factory.mktemp("replayed") / "ward.db"
    replay(recording, path)
    with closing(database.open_reader(path)) as db:
        yield db


def test_every_score_and_clinical_alert_is_the_brute_forces(db: Connection, truth: dict[str, Patient]) -> None:
    """Since when, how bad now and at worst, in which state, cleared since when, and how often it went blind."""
    expected = {patient: [tuple(score) for score in found.stored] for patient, found in truth.items()}
    assert first_differences(scores(db), expected) == {}
    raised = {
        patient: [
            (a.since_ms, a.level, a.peak, a.score, a.peak_score, a.state, a.cleared_ms, a.blind, a.blinded)
            for a in found.alerts
        ]
        for patient, found in truth.items()
    }
    assert first_differences(alerts(db), raised) == {}


def test_what_waits_at_the_end_is_what_the_brute_force_leaves_waiting(
    db: Connection, truth: dict[str, Patient]
) -> None:
    """As many as have had neither an answer nor their time, and a wish for a repeat is open for exactly those."""
    waiting = db.execute("select stay_no, rule from condition where state = 'pending' order by 1, 2").fetchall()
    assert len(waiting) == sum(found.waiting for found in truth.values())
    assert db.execute("select stay_no, rule from request where state = 'queued' order by 1, 2").fetchall() == waiting


def test_the_made_ward_shows_every_way_a_breach_can_go(db: Connection, truth: dict[str, Patient]) -> None:
    """The comparison is about something: denied, confirmed, run out, relapsed often, and ended by itself."""
    denied = Counter(rule for found in truth.values() for rule, _, _ in found.denied)
    assert all(denied[rule] > 5 for rule in ("five", "red", "could be"))
    asked = dict(db.execute("select state, count(*) from request group by state").fetchall())
    assert asked["answered"] > 100 < asked["over"]
    every = [alert for found in truth.values() for alert in found.alerts]
    assert {alert.state for alert in every} == {"new", "reraised", "settled", "closed"}
    assert any(len(alert.came_up) > 3 for alert in every)
