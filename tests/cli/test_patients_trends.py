"""`vwmon patients show --trends`: what is usual and where the vitals lead, on the page of one patient."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Command
from vwmon.patients.records import By
from vwmon.store import database, registers

DAY_S = 86_400


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two patients: Ann at home for ten days, feverish since yesterday; Bob measured twice."""
    folder = tmp_path_factory.mktemp("trends")
    rng = np.random.default_rng(1)
    with (folder / "ward.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["patient", "time", "vital", "value", "unit"])
        for time in sorted(day * DAY_S + hour * 3600 for day in range(10) for hour in (9, 14, 20)):
            ill = time > 9 * DAY_S
            for vital, usual, spread, shift in (
                ("heart_rate", 74, 3, 28),
                ("temperature", 36.6, 0.15, 2.1),
                ("spo2", 97, 0.6, -3),
                ("systolic_bp", 130, 6, -12),
                ("respiratory_rate", 15, 1, 7),
            ):
                value = round(usual + rng.normal(0, spread) + ill * shift, 1 if vital == "temperature" else 0)
                out.writerow(["ann", time, vital, min(value, 100) if vital == "spo2" else value, ""])
            out.writerow(["ann", time, "gcs", 15, ""])
            out.writerow(["ann", time, "fio2", 0.21, ""])
        out.writerow(["bob", 9 * DAY_S, "heart_rate", 80, ""])
        out.writerow(["bob", 9 * DAY_S + 1800, "heart_rate", 82, ""])
    done = Command()("replay", folder / "ward.csv", "--db", folder / "ward.db")
    assert done.exit_code == 0
    return folder / "ward.db"


def page(db: Path, patient: str, *more: object) -> str:
    """Give the page of a patient with its trends."""
    done = Command()("patients", "show", patient, "--trends", "--db", db, *more)
    assert done.exit_code == 0
    return done.stdout


def trends(db: Path, patient: str) -> Any:  # noqa: ANN401 -- whatever the JSON holds
    """Give the trends of a patient as JSON."""
    return json.loads(page(db, patient, "--json"))["trends"]


def test_an_ill_patients_page_says_what_is_not_usual(db: Path) -> None:
    """Value, age, usual, how far away; the vitals together; and that it raises no alert."""
    out = page(db, "ann")
    lines = out.splitlines()
    assert "VITAL             LAST  AGE  USUAL" in out
    row = next(line for line in lines if line.startswith("heart rate"))
    assert "74 ±" in row
    assert ", 9 d" in row
    assert "+" in row
    assert "together are as unusual as one vital at" in " ".join(out.split())
    assert "NEWS2" in out
    assert lines[-1] == "Trends are under test: no score uses them, and an alert only where a plan asks."


def test_the_page_is_80_columns_wide(db: Path) -> None:
    """Of both patients, so that it can be read over a slow line and printed."""
    assert max(len(line) for patient in ("ann", "bob") for line in page(db, patient).splitlines()) <= 80


@pytest.mark.hazard("H29")
def test_too_little_is_shown_as_too_little(db: Path) -> None:
    """One occasion on one day: no usual, no deviation, no trend, no projection, and no number made up for any."""
    row = next(line for line in page(db, "bob").splitlines() if line.startswith("heart rate"))
    assert "0 of 3 days" in row or "too old" in row
    found = trends(db, "bob")
    (only,) = found["vitals"]
    assert (only["vital"], only["last"]) == ("heart_rate", 82.0)
    assert [only[kind] for kind in ("usual", "spread", "deviation", "slope_per_h", "projected_12h")] == [None] * 5
    assert found["whole"]["joint.deviation"] is None
    assert any(said.startswith("there is no projection of NEWS2") for said in found["sentences"])


def test_json_has_every_quantity_with_numbers_as_numbers(db: Path) -> None:
    """By vital and of the whole, the moment, the zone and the sentences; nothing is NaN."""
    found = trends(db, "ann")
    assert (found["at"], found["time_zone"]) == ("2001-01-10T20:00:00Z", "UTC")
    heart = next(row for row in found["vitals"] if row["vital"] == "heart_rate")
    assert heart["deviation"] == pytest.approx((heart["last"] - heart["usual"]) / heart["spread"], abs=1e-4)
    assert heart["baseline_readings"] == 26
    assert heart["min_24h"] <= heart["level"] <= heart["max_24h"]
    assert found["whole"]["joint.vitals"] == 5
    assert found["whole"]["joint.deviation"] > 3
    assert not any(isinstance(one, float) and math.isnan(one) for row in found["vitals"] for one in row.values())
    assert len(heart["sentences"]) == 2


def test_without_the_option_the_page_is_as_before(db: Path) -> None:
    """No trends, in text and in JSON."""
    done = Command()("patients", "show", "ann", "--db", db)
    assert "USUAL" not in done.stdout
    assert "trends" not in json.loads(Command()("patients", "show", "ann", "--db", db, "--json").stdout)


def test_the_clock_is_the_wards(db: Path, tmp_path: Path) -> None:
    """The time zone of the configuration decides the part of the day and the hours that are named."""
    config = tmp_path / "vwmon.toml"
    config.write_text('[[wards]]\nid = "replay"\nname = "Replay"\ntime_zone = "Asia/Kathmandu"\n')
    found = json.loads(page(db, "ann", "--json", "--config", config))["trends"]
    assert found["time_zone"] == "Asia/Kathmandu"
    said = " ".join(found["sentences"])
    assert "13:45" in said or "NEWS2 has reached" in said or ":45" in said


def test_a_patient_who_has_left_is_judged_at_the_end_of_the_stay(db: Path, tmp_path: Path) -> None:
    """Not by how old the readings have become since."""
    copy = tmp_path / "left.db"
    copy.write_bytes(db.read_bytes())
    opened = database.open_writer(copy)
    registers.discharge(opened, "ann", "recovered", 978_307_200_000 + 6 * DAY_S * 1000, By(actor="x", at_ms=0))
    opened.close()
    assert trends(copy, "ann")["at"] == "2001-01-07T00:00:00Z"


def test_in_a_recording_each_patient_is_judged_at_their_own_last_reading(db: Path, tmp_path: Path) -> None:
    """Not at the end of the whole recording, which may be years later; the page says of when it is."""
    longer, rest = tmp_path / "longer.db", tmp_path / "rest.csv"
    longer.write_bytes(db.read_bytes())
    rest.write_text(f"patient,time,vital,value,unit\ncid,{900 * DAY_S},heart_rate,80,\n", encoding="utf-8")
    assert Command()("replay", rest, "--db", longer).exit_code == 0
    assert trends(longer, "ann") == trends(db, "ann")
    assert trends(db, "ann")["at"] == "2001-01-10T20:00:00Z"
    assert "As of 2001-01-10T20:00:00Z, the end of the stay:" in page(longer, "ann")
    assert "As of" not in page(longer, "cid")
