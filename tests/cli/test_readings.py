"""`vwmon readings`: stored readings and the quarantine, chosen by patient, device, vital and time."""

import csv
import io
from contextlib import closing
from pathlib import Path

import pytest

from devices.readings import Message, Reading
from tests.cli.test_patients import ADMIT, BEGAN, BEGAN_MS, Ward
from tests.conftest import Command
from vwmon.cli import reading_rows
from vwmon.store import database
from vwmon.store.arrivals import Arrival, Quarantined
from vwmon.store.log import LogWriter


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """A patient with a device, and a stranger; each has sent something."""
    database.create(tmp_path / "ward.db").close()
    made = Ward(vwmon, tmp_path / "ward.db")
    made("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    made("devices", "add", "cuff")
    made("devices", "assign", "cuff", "P1", "--from", BEGAN)
    made.sends("cuff", [("heart_rate", 80.0, 10), ("spo2", 95.0, 20), ("consciousness", 2.0, 15)])
    made.sends("stranger", [("spo2", 70.0, 30)])
    return made


def test_readings_are_listed_newest_first_with_whose_they_are(ward: Ward) -> None:
    """As a table for people."""
    lines = ward("readings")[1].splitlines()
    assert [line.split()[2] for line in lines[2:6]] == ["unassigned", "P1", "P1", "P1"]
    assert lines[-1] == "4 readings"
    assert all(len(line) <= 80 for line in lines)


def test_readings_as_json_carry_value_unit_and_times(ward: Ward) -> None:
    """Numbers as numbers, a level of consciousness as its letter, times in UTC."""
    rows = ward.record("readings", "--patient", "P1")
    assert [(row["vital"], row["value"], row["unit"]) for row in rows] == [
        ("spo2", 95.0, "%"),
        ("consciousness", "V", None),
        ("heart_rate", 80.0, "/min"),
    ]
    assert rows[0] == {
        "seq": 2,
        "observed_at": "2026-11-20T09:20:00Z",
        "patient": "P1",
        "ward": "resp",
        "stay": 1,
        "device": "cuff",
        "vital": "spo2",
        "value": 95.0,
        "unit": "%",
        "raw_value": None,
        "raw_unit": None,
        "marks": [],
        "doubts": [],
        "doubts_said": [],
        "entered_by": None,
        "entered_how": None,
        "note": None,
        "received_at": BEGAN,
        "recorded_at": BEGAN,
    }


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (("--unassigned",), [70.0]),
        (("--device", "cuff"), [95.0, "V", 80.0]),
        (("--vital", "spo2"), [70.0, 95.0]),
        (("--vital", "weight"), []),
        (("--patient", "P1", "--limit", "1"), [95.0]),
        (("--since", "2026-11-20T09:20:00Z"), [70.0, 95.0]),
        (("--since", "1m"), []),
    ],
)
def test_readings_are_chosen(ward: Ward, arguments: tuple[str, ...], values: list[object]) -> None:
    """By holder, device, vital, number and time."""
    assert [row["value"] for row in ward.record("readings", *arguments)] == values


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--patient", "P9"), 3),
        (("--device", "nothing"), 3),
        (("--patient", "P1", "--unassigned"), 2),
        (("--since", "2026-11-20T09:20:00"), 2),
        (("--since", "soon"), 2),
        (("--limit", "0"), 2),
    ],
)
def test_a_question_that_cannot_be_answered_says_so(ward: Ward, arguments: tuple[str, ...], code: int) -> None:
    """An unknown patient is not an empty list."""
    assert ward("readings", *arguments)[0] == code


def test_a_list_that_was_cut_says_so(ward: Ward) -> None:
    """So that nobody takes the newest for all."""
    assert ward("readings", "--limit", "2")[1].splitlines()[-1] == "the latest 2; more with --limit"


def test_what_was_sent_and_what_was_marked_is_shown(ward: Ward) -> None:
    """A converted value with what the device said, a mark by name, a word as the word."""
    sent = (
        Reading(
            vital="systolic_bp",
            value=120.0,
            text=None,
            observed_ms=BEGAN_MS + 10**7,
            raw_value=16.0,
            raw_unit="kPa",
            marks=5,
        ),
        Reading(vital="mood", value=None, text="grey", observed_ms=BEGAN_MS, raw_value=None, raw_unit=None, marks=8),
    )
    body = Message(id="odd", seq=None, battery_percent=None, readings=sent, refused=())
    with closing(database.open_writer(ward.db)) as opened:
        LogWriter(opened).append([Arrival("resp", "cuff", "t", body, BEGAN_MS, b"")], (), BEGAN_MS)
    out = ward("readings")[1]
    assert "120 mmHg (sent as 16 kPa)" in out
    assert "time_of_receipt, questioned" in out
    mood = next(row for row in ward.record("readings") if row["vital"] == "mood")
    assert (mood["value"], mood["unit"], mood["marks"]) == ("grey", None, ["unknown_vital"])


def test_a_level_of_consciousness_that_no_letter_stands_for_stays_a_number() -> None:
    """Nothing is made up."""
    assert reading_rows.value("consciousness", 9.0, None) == 9.0
    assert reading_rows.value("consciousness", 4.0, None) == "U"


def test_the_quarantine_lists_what_was_refused_and_why(ward: Ward) -> None:
    """The latest first, with the bytes for a program, whatever they are."""
    junk = [
        Quarantined(
            topic="vwmon/resp/cuff/readings",
            device="cuff",
            reason=reason,
            detail=f"it is {reason}",
            payload=b"\xffnull",
            received_ms=BEGAN_MS + at,
        )
        for at, reason in enumerate(["not_json", "too_large"])
    ]
    with closing(database.open_writer(ward.db)) as opened:
        LogWriter(opened).append((), junk, BEGAN_MS)
    rows = ward.record("readings", "quarantine")
    assert [(row["reason"], row["device"], row["payload"]) for row in rows] == [
        ("too_large", "cuff", "\\xffnull"),
        ("not_json", "cuff", "\\xffnull"),
    ]
    assert [row["reason"] for row in ward.record("readings", "quarantine", "--reason", "not_json")] == ["not_json"]
    assert ward.record("readings", "quarantine", "--device", "stranger") == []
    out = ward("readings", "quarantine", "--limit", "1")[1]
    assert "it is too_large" in out
    assert out.splitlines()[-1] == "the latest 1; more with --limit"


def test_csv_is_read_back_as_it_was(ward: Ward) -> None:
    """One row a reading, a header, nothing above or below."""
    code, out, _ = ward("readings", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["value"] for row in rows] == ["70.0", "95.0", "V", "80.0"]
