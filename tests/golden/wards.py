"""The wards that are compared with tests/golden/oracle.py: three recordings and a made one, replayed into databases.

The recordings differ in what is hard about them: mimic4demo is hourly, with every part of NEWS2 and two pressures at a
time; mimic2_numerics is a monitor's minute by minute, with two heart rates at a time and zeros where a sensor is off;
tihm_home is people at home, once a day, with vitals that are in no score. Someone may come round every so often and
close what has settled, so that a patient has more than one alert.
"""

import csv
import gzip
import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from alerts import store as cases
from alerts.acts import Act
from alerts.model import Outcome, State
from tests.golden import oracle
from tests.golden.oracle import HOUR, Patient
from vwmon import recordings
from vwmon import replay as engine
from vwmon.cli import app
from vwmon.config import Settings
from vwmon.provenance import Provenance
from vwmon.store import database
from vwmon.store.sqlite import Connection

MADE = "made"
PATIENTS = 24
READINGS = 400
USUAL = {"resp_rate": 16, "spo2": 97, "systolic_bp": 120, "heart_rate": 75, "temperature": 37, "gcs": 15, "fio2": 0.21}
ILL = {"resp_rate": [21, 25], "spo2": [93, 91], "systolic_bp": [100, 90], "heart_rate": [112, 131], "temperature": [39]}
GAPS = (30, 60, 240, 300, 301, 600, 900, 901, 1800, 3600, 20_000)
MADE_UNITS = dict.fromkeys(USUAL, "") | {
    "resp_rate": "/min",
    "spo2": "%",
    "systolic_bp": "mmHg",
    "heart_rate": "bpm",
    "temperature": "degC",
}
SPANS = {"mimic4demo": 48 * HOUR, MADE: 6 * HOUR}


@dataclass(frozen=True, kw_only=True)
class Ward:
    """A recording, the database that it was replayed into, and what the brute force says of it.

    `round_ms` is how often someone came round to close what had settled; None for nobody.
    """

    name: str
    recording: Path
    path: Path
    truth: Mapping[str, Patient]
    round_ms: int | None = None


def build(name: str, recording: Path, path: Path, *, tended: bool) -> Ward:
    """Replay a recording into a new database, and work it out by brute force."""
    round_ms = SPANS[name] if tended else None
    if round_ms is None:
        replay(recording, path)
    else:
        come_round(recording, path, round_ms)
    return Ward(name=name, recording=recording, path=path, truth=oracle.ward(recording, round_ms), round_ms=round_ms)


def replay(recording: Path, path: Path) -> str:
    """Replay the recording; return what was said."""
    return CliRunner().invoke(app, ["replay", str(recording), "--db", str(path)], catch_exceptions=False).stdout


def come_round(recording: Path, path: Path, round_ms: int) -> None:
    """Replay the recording round by round; between two rounds someone closes what has settled and can be seen."""
    versions = Provenance.of(Settings())
    rounds = [list(group) for _, group in groupby(recordings.read(recording), key=lambda one: one.at_ms // round_ms)]
    for number, sendings in enumerate(rounds, start=1):
        engine.into(path, sendings, "tended", versions, lambda _done, _of: None)
        if number < len(rounds):
            close_settled(path, (sendings[-1].at_ms // round_ms + 1) * round_ms)


def close_settled(path: Path, now_ms: int) -> None:
    """Close every alert of a patient that has settled and is not blind."""
    with closing(database.open_writer(path)) as db, database.atomic(db):
        settled = db.execute(
            "select id from alert where lane = 'clinical' and state = 'settled' and blind_ms is null"
        ).fetchall()
        for (alert_id,) in settled:
            acted = cases.close(db, alert_id, Act(actor="ann", now_ms=now_ms), Outcome.PHONED_STABLE)
            # Unless what it waited for has opened it again just then.
            assert (acted.refusal is None) == (acted.alert.state is not State.RERAISED), acted


def write_made(path: Path) -> None:
    """Write the made ward as the file of a recording."""
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["patient", "time", "vital", "value", "unit", "source"])
        for patient in range(PATIENTS):
            table.writerows((*row, MADE_UNITS[row[2]], MADE) for row in made_rows(patient))


def made_rows(patient: int) -> Iterator[tuple[str, int, str, float]]:
    """Make the readings of one patient: well, hovering or ill for a while, some vitals now and then left out.

    Now and then a cuff has slipped, and that is all that comes. Every third is never ill for certain, but has a tired
    pulse and a cuff that is seldom worn and often slips.
    """
    chance, unsure = random.Random(patient), patient % 3 == 0
    time, illness = 0, 0.0
    for _ in range(READINGS):
        time += chance.choice(GAPS)
        illness = chance.choice([0.0, 0.05, 0.2, 0.35, 0.5]) if chance.random() < 0.1 else illness
        if chance.random() < 0.1:
            yield f"p{patient:02}", time, "systolic_bp", 999.0
            continue
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


def true_scores(truth: Mapping[str, Patient]) -> dict[str, list[tuple[Any, ...]]]:
    """Give what `scores` should read."""
    return {patient: [tuple(score) for score in found.stored] for patient, found in truth.items()}


def true_alerts(truth: Mapping[str, Patient]) -> dict[str, list[tuple[Any, ...]]]:
    """Give what `alerts` should read."""
    return {
        patient: [
            (a.since_ms, a.level, a.peak, a.score, a.peak_score, a.state, a.cleared_ms, a.blind, a.blinded)
            for a in found.alerts
        ]
        for patient, found in truth.items()
    }


def first_differences(
    found: dict[str, list[tuple[Any, ...]]], expected: dict[str, list[tuple[Any, ...]]]
) -> dict[str, tuple[Any, Any]]:
    """Give of each patient whose rows differ the first pair that does; thousands of rows tell nobody anything."""
    assert found.keys() == expected.keys()
    pairs = {patient: zip_longest(rows, expected[patient]) for patient, rows in found.items()}
    different = {patient: next((pair for pair in rows if pair[0] != pair[1]), None) for patient, rows in pairs.items()}
    return {patient: pair for patient, pair in different.items() if pair is not None}
