"""Readings in doubt are scored and raise alerts as any other, and are shown with the doubt wherever they are shown."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_patients import ADMIT, BEGAN, BEGAN_MS, Ward
from tests.conftest import Command
from vwmon.cli import doubted
from vwmon.store import database
from vwmon.store.log import LogWriter

HEAD = "patient,time,vital,value,unit\n"
WELL = {"resp_rate": 16, "oxygen": 0, "systolic_bp": 125, "heart_rate": 75, "consciousness": "A", "temperature": 36.8}
START = ("--start", "2026-11-20T09:00:00Z")

Rows = Sequence[tuple[int, str, Any]]


def recorded(vwmon: Command, folder: Path, *told: Rows, name: str = "ward") -> Ward:
    """Replay rows of a patient who was well, by minute, vital and value."""
    rows = [(0, vital, value) for vital, value in (WELL | {"spo2": 97}).items()]
    rows += [one for part in told for one in part]
    lines = [f"P1,{60 * minute},{vital},{value},\n" for minute, vital, value in rows]
    (folder / f"{name}.csv").write_text(HEAD + "".join(lines), encoding="utf-8")
    ward = Ward(vwmon, folder / f"{name}.db")
    assert ward("replay", folder / f"{name}.csv", *START)[0] == 0
    return ward


def clinical(ward: Ward) -> list[dict[str, Any]]:
    """Give the clinical alerts without what two databases never share."""
    alerts = json.loads(ward("alerts", "--lane", "clinical", "--json")[1])
    return [{name: value for name, value in one.items() if name != "id"} for one in alerts]


def doubts_of(record: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """Give the doubts of a page or an explanation."""
    return [(one["vital"], one["value"], one["doubt"]) for one in record["doubts"]]


@pytest.mark.hazard("H34")
def test_silent_hypoxia_is_never_thrown_away(vwmon: Command, tmp_path: Path) -> None:
    """Somebody awake, breathing quietly, with SpO2 of 80 %: stored, scored 3, an alert, and in no doubt."""
    ward = recorded(vwmon, tmp_path, [(60, "spo2", 80), (60, "consciousness", "A")])
    reading = next(one for one in ward.record("readings", "--vital", "spo2"))
    assert (reading["value"], reading["marks"], reading["doubts"]) == (80.0, [], [])
    assert ward.record("readings", "quarantine") == []
    (pending,) = ward.record("alerts", "--pending")
    assert pending["title"] == "a single score of 3"
    ward = recorded(vwmon, tmp_path, [(60, "spo2", 80), (66, "spo2", 80)], name="again")
    (alert,) = clinical(ward)
    assert (alert["lane"], alert["level"], alert["score"]["red"]) == ("clinical", 2, True)


@pytest.mark.hazard("H34")
def test_a_doubted_reading_raises_what_it_would_raise_without_the_doubt(vwmon: Command, tmp_path: Path) -> None:
    """A jump in temperature, a pulse that disagrees, a saturation that home devices do not measure: all level 3."""
    before = [(59, "temperature", 36.8), (59, "heart_rate", 75)]
    ill = [(60, "spo2", 65), (60, "temperature", 39.9), (60, "heart_rate", 132)]
    doubtful, plain = (
        recorded(vwmon, tmp_path, before, ill, [(60, "heart_rate", 100)], name="doubtful"),
        recorded(vwmon, tmp_path, ill, name="plain"),
    )
    (alert,), (same,) = clinical(doubtful), clinical(plain)
    assert alert["level"] == 3
    assert alert == same
    id_ = json.loads(doubtful("alerts", "--json")[1])[0]["id"]
    assert doubts_of(doubtful.record("alerts", "show", id_)) == [
        ("heart_rate", 132.0, "disagrees"),
        ("heart_rate", 100.0, "disagrees"),
        ("spo2", 65.0, "questioned"),
        ("temperature", 39.9, "jumped"),
    ]


@pytest.fixture
def doubtful(vwmon: Command, tmp_path: Path) -> Ward:
    """An alert that stands on a saturation outside the home range and a temperature that jumped."""
    return recorded(vwmon, tmp_path, [(5, "spo2", 65), (5, "temperature", 39.9), (5, "resp_rate", 26)])


@pytest.mark.hazard("H26")
def test_the_page_of_an_alert_says_which_of_its_readings_are_in_doubt(doubtful: Ward) -> None:
    """Below the score, with the time on the ward's clock, and that they count."""
    id_ = json.loads(doubtful("alerts", "--json")[1])[0]["id"]
    out = doubtful("alerts", "show", id_)[1].splitlines()
    at = out.index("in doubt, and counted all the same:")
    assert " ".join(line.strip() for line in out[at + 1 : at + 5]) == (
        "Oxygen saturation 65 % is outside 70 to 100 %, where home devices measure (2026-11-20 09:05+00:00) "
        "Temperature 39.9 °C is up from 36.8 °C in 5m; one of the two may be wrong (2026-11-20 09:05+00:00)"
    )
    assert out.index("score:") < at < out.index("course:")


def test_an_explanation_says_it_with_the_numbers_of_the_readings(doubtful: Ward) -> None:
    """Beside the same numbers in the table of readings; programs are given each by itself."""
    id_ = json.loads(doubtful("alerts", "--json")[1])[0]["id"]
    told = doubtful.record("explain", id_)
    assert doubts_of(told) == [("spo2", 65.0, "questioned"), ("temperature", 39.9, "jumped")]
    of = {one["part"]: one["log"][0]["reading"] for one in told["readings"]}
    assert [one["reading"] for one in told["doubts"]] == [of["spo2"], of["temperature"]]
    assert told["equal"]
    out = " ".join(doubtful("explain", id_)[1].split())
    assert "IN DOUBT, AND COUNTED ALL THE SAME Oxygen saturation 65 %" in out
    assert f"one of the two may be wrong (reading {of['temperature']})" in out


def test_an_alert_on_usual_readings_says_nothing_of_doubts(vwmon: Command, tmp_path: Path) -> None:
    """No empty heading."""
    ward = recorded(vwmon, tmp_path, [(60, "spo2", 88), (60, "resp_rate", 26), (60, "heart_rate", 112)])
    id_ = json.loads(ward("alerts", "--json")[1])[0]["id"]
    assert "in doubt" not in ward("alerts", "show", id_)[1]
    assert "IN DOUBT" not in ward("explain", id_)[1]
    assert "in doubt" not in ward("readings")[1]


@pytest.fixture
def home(vwmon: Command, tmp_path: Path) -> Ward:
    """A patient with an oximeter and a chest patch, and a device of nobody's."""
    database.create(tmp_path / "ward.db").close()
    ward = Ward(vwmon, tmp_path / "ward.db")
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    for device in ("oxi", "patch"):
        ward("devices", "add", device)
        ward("devices", "assign", device, "P1", "--from", BEGAN)
    ward.sends("oxi", [("heart_rate", 62.0, 10), ("spo2", 65.0, 10)])
    ward.sends("patch", [("heart_rate", 118.0, 10), ("heart_rate", 117.0, 30), ("weight", 78.0, 30)])
    ward.sends("stranger", [("heart_rate", 40.0, 10), ("temperature", 36.0, 10), ("temperature", 39.0, 12)])
    return ward


def test_a_list_of_readings_has_the_doubts_beside_the_marks(home: Ward) -> None:
    """Of all devices of a patient together, and of nobody's by itself; said in words below the list."""
    rows = home.record("readings")
    assert {(row["device"], row["vital"], row["value"]): row["doubts"] for row in rows if row["doubts"]} == {
        ("oxi", "heart_rate", 62.0): ["disagrees"],
        ("oxi", "spo2", 65.0): ["questioned"],
        ("patch", "heart_rate", 118.0): ["disagrees"],
        ("stranger", "temperature", 39.0): ["jumped"],
    }
    out = home("readings")[1]
    assert "in doubt, and counted all the same:\nTemperature 39 °C is up from 36 °C in 2m" in out
    assert out.count("within 1m from two sources") == 1
    assert next(line for line in out.splitlines() if "65 %" in line).endswith("questioned")


def test_a_list_of_some_readings_knows_what_speaks_against_them(home: Ward) -> None:
    """Also where the other reading is not on the list."""
    (row,) = home.record("readings", "--device", "oxi", "--vital", "heart_rate")
    assert row["doubts"] == ["disagrees"]


def test_of_many_sentences_the_first_are_said(home: Ward) -> None:
    """A list of a thousand readings does not end in a thousand sentences."""
    home.sends("oxi", [("spo2", 40.0 + minute, minute) for minute in range(11, 24)])
    out = home("readings", "--device", "oxi")[1].splitlines()
    assert out[-1] == "and 6 more; --json has all"
    assert sum(line.startswith("Oxygen saturation") for line in out) + sum("Heart rate:" in line for line in out) == 9


def test_merging_the_log_changes_no_doubt(home: Ward) -> None:
    """What is in the tail and what is in order by day speak alike, also over midnight."""
    late = 15 * 60
    home.sends("patch", [("temperature", 36.5, late - 2), ("temperature", 39.0, late + 1)])
    home.sends("oxi", [("weight", 172.0, late)])
    before = {row["seq"]: row["doubts_said"] for row in home.record("readings")}
    assert sum(map(len, before.values())) == 6
    with closing(database.open_writer(home.db)) as db:
        merged, moments = LogWriter(db), [("temperature", BEGAN_MS + (late + 1) * 60_000)]
        for up_to in (4, 11):
            assert merged.merge(up_to, 1000)
            assert [one.said[0][0] for one in doubted.of_stay(db, 1, moments)] == ["jumped"]
            assert {row["seq"]: row["doubts_said"] for row in home.record("readings")} == before


def test_who_enters_a_reading_hears_the_doubt_at_once(home: Ward) -> None:
    """A weight in pounds is noticed while the patient is still on the telephone, and is stored as it was said."""
    done = home("readings", "add", "P1", "weight=172", "--by", "phone", "--at", "2026-11-20T12:00:00Z")
    assert done[0] == 0
    said = " ".join(done[2].split())
    assert "Body weight 172 kg is up from 78 kg in 2h30m; one of the two may be wrong (78.02 kg had it been" in said
    assert home.record("readings", "--vital", "weight")[0]["value"] == 172.0
