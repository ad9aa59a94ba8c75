"""`vwmon readings add`: many people never send data electronically, and they are monitored too."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_patients import ADMIT, BEGAN, Ward
from tests.conftest import Command
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database

NINE = "2026-11-20T09:30:00Z"


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """A patient without any device."""
    database.create(tmp_path / "ward.db").close()
    made = Ward(vwmon, tmp_path / "ward.db")
    made("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    return made


def test_readings_are_stored_as_the_patient_s_own_with_who_entered_them(ward: Ward) -> None:
    """In the list of readings like a device's, and a program learns the person, the way and the note."""
    done = ward("readings", "add", "P1", "spo2=94", "rr=18", "--by", "phone", "--at", NINE, "-m", "sounds well")
    assert done[0] == 0
    assert "Stored for patient P1" in done[1]
    assert "spo2 94 %, respiratory_rate 18 /min" in done[1]
    rows = ward.record("readings", "--patient", "P1")
    assert {(row["vital"], row["value"], row["entered_how"], row["note"]) for row in rows} == {
        ("spo2", 94.0, "phone", "sounds well"),
        ("respiratory_rate", 18.0, "phone", "sounds well"),
    }
    assert all(row["entered_by"] and row["device"] == "hand-phone-1" and row["observed_at"] == NINE for row in rows)


def test_one_wrong_value_and_nothing_is_stored(ward: Ward) -> None:
    """Exit code 2, the wrong one named; the right one is not half-entered."""
    done = ward("readings", "add", "P1", "spo2=94", "hr=900", "--by", "nurse")
    assert (done[0], "heart_rate 900" in done[2]) == (2, True)
    assert ward.record("readings", "--patient", "P1") == []


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["P2", "spo2=94", "--by", "nurse"], 3, "P2"),
        (["P1", "spo2=94", "--by", "pigeon"], 2, "phone, nurse, carer"),
        (["P1", "spo2=94", "--by", "nurse", "--at", "2999-01-01T00:00:00Z"], 2, "future"),
        (["P1", "spo2=94", "--by", "nurse", "--at", "2026-11-19T09:00:00Z"], 2, "not on the ward yet"),
        (["P1", "--by", "nurse"], 2, "VITAL=VALUE"),
    ],
)
def test_what_cannot_be_entered_says_why(ward: Ward, arguments: list[str], code: int, complaint: str) -> None:
    """A patient who is not there, a way that is none, a time that cannot be."""
    done = ward("readings", "add", *arguments)
    assert (done[0], complaint in done[2]) == (code, True)


def test_nobody_watching_is_said_beside_what_was_stored(ward: Ward) -> None:
    """It is stored, and waits."""
    done = ward("readings", "add", "P1", "spo2=94", "--by", "carer")
    assert done[0] == 0
    assert "NOT MONITORING" in done[2]
    assert "waits to be scored" in done[2]


def test_an_unusual_value_counts_and_is_questioned(ward: Ward) -> None:
    """SpO2 60 % over the telephone may be true."""
    assert "spo2 is outside" in ward("readings", "add", "P1", "spo2=60", "--by", "phone")[2]
    assert ward.record("readings", "--patient", "P1")[0]["marks"] == ["questioned"]


def test_they_are_scored_and_raise_alerts_like_any_other(ward: Ward) -> None:
    """A whole set of seven parts, entered by hand, of somebody very ill."""
    very_ill = ["rr=26", "spo2=90", "o2=air", "bp=88/60", "hr=132", "acvpu=V", "temp=39.2"]
    assert ward("readings", "add", "P1", *very_ill, "--by", "nurse", "--at", NINE)[0] == 0
    with closing(database.open_writer(ward.db)) as db:
        scorer = Scorer(db, Provenance(config_hash="test", plans=plans.load_all()), 1_795_700_000_000)
        assert scorer.cycle(1_795_700_000_000) == 8
    (alert,) = json.loads(ward("alerts", "--lane", "clinical", "--json")[1])
    assert (alert["level"], alert["patient"]) == (3, "P1")


def test_a_second_entry_uses_the_same_device_and_a_discharge_frees_it(ward: Ward) -> None:
    """One device for each way of a stay, and none is left with somebody who has gone."""
    for value in ("94", "95"):
        ward("readings", "add", "P1", f"spo2={value}", "--by", "nurse")
    assert [one["device"] for one in ward.record("devices")] == ["hand-nurse-1"]
    ward("patients", "discharge", "P1", "--reason", "completed")
    assert ward("readings", "add", "P1", "spo2=94", "--by", "nurse")[0] == 3
