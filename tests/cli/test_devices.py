"""`vwmon devices`: the register, and which device is with whom."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.profiles import PROFILES
from devices.readings import Message, Reading
from tests.cli.test_patients import ADMIT, BEGAN, BEGAN_MS, Ward
from tests.conftest import Command
from vwmon.cli import device_rows, render
from vwmon.clock import Clock
from vwmon.store import database, registers
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """A ward with two patients and one device."""
    database.create(tmp_path / "ward.db").close()
    made = Ward(vwmon, tmp_path / "ward.db")
    for patient in ("P1", "P2"):
        made("patients", "admit", patient, *ADMIT, "--from", BEGAN)
    made("devices", "add", "cuff", "--profile", "blood pressure", "--serial", "S-1")
    return made


def test_a_device_is_added_and_told_what_to_do_next(ward: Ward) -> None:
    """Its name is all that is needed."""
    code, out, _ = ward("devices", "add", "scale")
    assert (code, out) == (0, "Added device scale.\nNext: vwmon devices assign scale PATIENT\n")


def test_a_profile_that_nobody_knows_is_kept_and_said_to_be_unknown(ward: Ward) -> None:
    """A ward has kit that vwmon has never heard of; one that it knows is taken in silence."""
    code, out, told = ward("devices", "add", "ring", "--profile", "smart ring")
    assert (code, out.splitlines()[0]) == (0, "Added device ring.")
    assert "'smart ring' is none of vwmon's profiles (pulse-oximeter," in told
    assert ward.record("devices", "show", "ring")["profile"] == "smart ring"
    assert ward("devices", "add", "oxi", "--profile", "pulse-oximeter")[2] == ""


def test_the_profiles_are_listed_with_what_they_send(vwmon: Command) -> None:
    """Without a database: whoever gives out kit looks up what it is called here."""
    done = vwmon("devices", "profiles", "--json")
    assert done.exit_code == 0
    rows = {row["profile"]: row for row in json.loads(done.stdout)}
    assert list(rows) == list(PROFILES)
    assert rows["scale"]["sends"] == ["weight", "body_water", "muscle_mass"]
    assert (rows["scale"]["sleeps"], rows["chest-patch"]["sleeps"]) == (True, False)
    table = vwmon("devices", "profiles").stdout
    assert all(name in table for name in PROFILES)


def test_a_device_goes_to_a_patient_from_a_time_on(ward: Ward) -> None:
    """The answer says from when, and how to take it back."""
    code, out, _ = ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    assert code == 0
    assert out.splitlines() == [
        "Device cuff is with P1 from 2026-11-20 09:00+00:00.",
        "Undo: vwmon devices return cuff",
    ]
    (row,) = ward.record("devices")
    assert (row["patient"], row["ward"], row["stay"], row["assigned_at"]) == ("P1", "resp", 1, BEGAN)


def test_a_device_comes_back(ward: Ward) -> None:
    """From a time on it is with nobody."""
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    code, out, _ = ward("devices", "return", "cuff", "--at", "2026-11-21T09:00:00Z")
    assert code == 0
    assert out.splitlines()[0] == "Device cuff is no longer with P1, from 2026-11-21 09:00+00:00."
    assert ward.record("devices")[0]["patient"] is None
    assert ward.record("devices", "assign", "cuff", "P2")["patient"] == "P2"
    assert ward.record("devices", "return", "cuff")["patient"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("add", "cuff"), 5, "already"),
        (("add", "Cuff"), 2, "no device's name"),
        (("add", "alerts"), 2, "no device's name"),
        (("assign", "cuff", "P2"), 5, "'P1'"),
        (("assign", "nothing", "P2"), 3, "no device"),
        (("assign", "cuff", "P9"), 3, "ever admitted"),
        (("assign", "cuff", "P2", "--from", "2026-11-20T09:00:00"), 2, "no zone"),
        (("assign", "spare", "P2", "--from", "2026-11-19T09:00:00Z"), 2, "not on the ward yet"),
        (("return", "spare"), 3, "with nobody"),
        (("return", "cuff", "--at", "2026-11-19T09:00:00Z"), 2, "after that time"),
        (("show", "nothing"), 3, "no device"),
    ],
)
def test_what_cannot_be_done_says_why(ward: Ward, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    """Somebody else's device 5, naming whose; not found 3; a mistake 2."""
    ward("devices", "add", "spare")
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    found, out, err = ward("devices", *arguments)
    assert (found, out) == (code, "")
    assert sentence in " ".join(err.split())


def test_a_device_that_nobody_added_is_in_the_list_and_says_so(ward: Ward) -> None:
    """Its readings are kept; the list names the command that adds it."""
    ward.sends("stranger", [("spo2", 95.0, 10)])
    _, out, _ = ward("devices")
    assert "NOT ADDED" in next(line for line in out.splitlines() if line.startswith("stranger"))
    assert "1 not in the register; add with: vwmon devices add DEVICE" in out
    assert ward("devices", "assign", "stranger", "P1")[0] == 3
    assert ward("devices", "add", "stranger")[0] == 0
    assert ward("devices", "assign", "stranger", "P1")[0] == 0


def test_the_list_fits_a_terminal_and_says_who_has_what(ward: Ward) -> None:
    """Name, kind, holder, last reading, status, battery, and that nobody knows of its calibration."""
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    with closing(database.open_writer(ward.db)) as opened:
        registers.record_status(opened, "cuff", "online", 81.0, "2.1", BEGAN_MS)
    lines = ward("devices")[1].splitlines()
    assert lines[2].split() == ["cuff", "blood", "pressure", "P1", "never", "online", "81", "%", "unknown"]
    assert all(len(line) <= 80 for line in lines)


def test_a_devices_page_shows_its_holders_and_the_messages_that_never_came(ward: Ward) -> None:
    """A gap in its count is shown as long as something is missing."""
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    ward("devices", "return", "cuff", "--at", "2026-11-21T09:00:00Z")
    with closing(database.open_writer(ward.db)) as opened:
        writer = LogWriter(opened)
        for number in (1, 5, 9, 8, 7, 6):
            reading = Reading(
                vital="spo2",
                value=95.0,
                text=None,
                observed_ms=BEGAN_MS + number,
                raw_value=None,
                raw_unit=None,
                marks=0,
            )
            body = Message(id=str(number), seq=number, battery_percent=None, readings=(reading,), refused=())
            writer.append([Arrival("resp", "cuff", "t", body, BEGAN_MS, b"")], (), BEGAN_MS)
    _, out, _ = ward("devices", "show", "cuff")
    assert "Device cuff blood pressure S-1, in the register" in out
    assert "With P1 from 2026-11-20 09:00+00:00 to 2026-11-21 09:00+00:00" in out
    assert "Messages 2 to 4 did not come, 3 still missing" in out
    assert "Messages 6 to 8" not in out
    record = ward.record("devices", "show", "cuff")
    assert [(gap["first_missing"], gap["still_missing"]) for gap in record["gaps"]] == [(6, 0), (2, 3)]
    assert record["assignments"] == [
        {"device": "cuff", "patient": "P1", "stay": 1, "from": BEGAN, "to": "2026-11-21T09:00:00Z"}
    ]


def test_the_page_of_a_stranger_says_how_to_add_it(ward: Ward) -> None:
    """It was heard, and belongs to nobody."""
    ward.sends("stranger", [("spo2", 95.0, 10)])
    assert "NOT ADDED: vwmon devices add stranger" in ward("devices", "show", "stranger")[1]


def test_a_swap_hands_over_in_one_moment_and_says_what_happens_to_the_old_one(ward: Ward) -> None:
    """Both intervals meet; the one that is still at the patient's home is to come back."""
    ward("devices", "add", "spare")
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    at = ("--at", "2026-11-21T09:00:00Z")
    code, out, _ = ward("devices", "swap", "cuff", "spare", *at, "--reason", "broken", "--still-out")
    assert (code, out.splitlines()) == (
        0,
        [
            "Device spare takes the place of cuff with P1 from 2026-11-21 09:00+00:00.",
            "When cuff is back: vwmon devices return cuff",
        ],
    )
    (old,), (new,) = (ward.record("devices", "show", name)["assignments"] for name in ("cuff", "spare"))
    assert (old["to"], new["from"], new["to"]) == ("2026-11-21T09:00:00Z", "2026-11-21T09:00:00Z", None)
    assert "Undo: vwmon devices swap cuff spare" in ward("devices", "swap", "spare", "cuff")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("swap", "spare", "cuff"), 3, "nothing to swap"),
        (("swap", "cuff", "nothing"), 3, "no device 'nothing'"),
        (("swap", "cuff", "other"), 5, "belongs to patient 'P2'"),
        (("swap", "cuff", "lost"), 6, "retired (lost)"),
        (("retire", "cuff", "--reason", " "), 2, "why is it retired"),
        (("retire", "lost", "--reason", "broken"), 5, "retired before (lost)"),
        (("assign", "lost", "P2"), 6, "fit for use again: vwmon devices add lost"),
        (("calibrated", "cuff", "--due", "next year"), 2, "not a date"),
        (("add", "new", "--calibration-due", "2026-02-30"), 2, "not a date"),
        (("calibrated", "nothing"), 3, "no device"),
        (("--ward", "nowhere"), 3, "no patient was ever on a ward"),
    ],
)
def test_what_cannot_be_done_with_kit_says_why(
    ward: Ward, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    """Nobody's 3, somebody's 5, unfit 6, a slip of the pen 2."""
    for name in ("spare", "other", "lost"):
        ward("devices", "add", name)
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    ward("devices", "assign", "other", "P2", "--from", BEGAN)
    ward("devices", "retire", "lost", "--reason", "lost")
    found, out, err = ward("devices", *arguments)
    assert (found, out) == (code, "")
    assert sentence in " ".join(err.split())


def test_kit_is_out_after_a_discharge_until_it_is_returned(ward: Ward) -> None:
    """It is on the list with since when and from whom, nobody else gets it, and `return` ends that."""
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    ward("patients", "discharge", "P1", "--reason", "recovered", "--at", "2026-11-21T09:00:00Z")
    (row,) = ward.record("devices", "--out")
    assert (row["patient"], row["out_from"], row["out_since"]) == (None, "P1", "2026-11-21T09:00:00Z")
    _, out, _ = ward("devices", "--ward", "resp")
    assert "nobody; to come back since" in out
    assert "1 to come back; when one has: vwmon devices return DEVICE" in out
    assert "To come back from P1 since 2026-11-21 09:00+00:00" in ward("devices", "show", "cuff")[1]
    code, _, told = ward("devices", "assign", "cuff", "P2")
    assert (code, "vwmon devices return cuff" in " ".join(told.split())) == (5, True)
    code, out, _ = ward("devices", "return", "cuff")
    assert code == 0
    assert out.startswith("Device cuff is back from P1; it belonged to nobody since 2026-11-21 09:00+00:00")
    assert ward.record("devices", "--out") == []
    assert ward("devices", "assign", "cuff", "P2")[0] == 0


def test_a_retired_device_is_off_the_list_unless_it_sends(ward: Ward) -> None:
    """What it measures from then on is nobody's, and that somebody uses it is said."""
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    at = ("--at", "2026-11-20T09:10:00Z")
    code, out, _ = ward("devices", "retire", "cuff", "--reason", "lost", *at)
    assert (code, out.splitlines()) == (
        0,
        [
            "Device cuff is retired from 2026-11-20 09:10+00:00: lost.",
            "Patient P1 is without it: vwmon devices assign DEVICE P1",
            "In use again: vwmon devices add cuff",
        ],
    )
    assert ward.record("devices") == []
    assert "1 retired: vwmon devices --retired" in ward("devices")[1]
    assert [row["retired_reason"] for row in ward.record("devices", "--retired")] == ["lost"]
    assert "RETIRED 2026-11-20 09:10+00:00: lost" in ward("devices", "show", "cuff")[1]
    ward.sends("cuff", [("heart_rate", 71.0, 9), ("heart_rate", 72.0, 10)])
    assert "1 RETIRED and sending: somebody uses what nobody scores" in ward("devices")[1]
    strays = ward.record("readings", "--unassigned")
    assert [(row["device"], row["value"], row["patient"]) for row in strays] == [("cuff", 72, None)]
    assert ward("devices", "add", "cuff")[0] == 0
    assert [row["serial"] for row in ward.record("devices", "--free")] == ["S-1"]


def test_a_calibration_is_overdue_soon_fine_or_unknown(ward: Ward) -> None:
    """As of the day on the ward; unknown is never fine, and comes last of what is due."""
    today = datetime.fromtimestamp(Clock().now_ms() / 1000, UTC).date()
    for name, days in (("old", -1), ("late", 30), ("new", 31)):
        ward("devices", "add", name, "--calibration-due", (today + timedelta(days=days)).isoformat())
    due = {row["device"]: row["calibration"] for row in ward.record("devices")}
    assert due == {"cuff": "unknown", "late": "soon", "new": "fine", "old": "overdue"}
    assert [row["device"] for row in ward.record("devices", "--due")] == ["old", "late", "cuff"]
    _, out, _ = ward("devices")
    assert f"{today - timedelta(days=1)} OVERDUE" in out
    assert "1 calibration overdue" in out
    assert "Calibration due unknown" in ward("devices", "show", "cuff")[1]


def test_who_gives_out_a_device_is_told_that_its_calibration_is_overdue(ward: Ward) -> None:
    """It is not refused: a patient without a cuff is worse off. A swap says it, too."""
    for name in ("old", "spare"):
        ward("devices", "add", name, "--calibration-due", "2020-01-01")
    code, _, told = ward("devices", "assign", "old", "P1", "--from", BEGAN)
    assert (code, told) == (0, "note: the calibration of old is overdue since 2020-01-01\n")
    assert ward("devices", "swap", "old", "spare")[2] == "note: the calibration of spare is overdue since 2020-01-01\n"


def test_the_next_calibration_is_that_of_the_kind_or_is_asked_for(ward: Ward) -> None:
    """A cuff has a published interval; of a scale nobody has one, and the date given wins."""
    ward("devices", "add", "bp", "--profile", "blood-pressure-cuff")
    ward("devices", "add", "scale", "--profile", "scale", "--calibration-due", "2026-12-01")
    at = ("--at", "2026-03-01T09:00:00Z")
    assert ward("devices", "calibrated", "bp", *at)[1].splitlines() == [
        "Device bp was calibrated 2026-03-01 09:00+00:00.",
        "The next is due 2027-03-01.",
    ]
    assert "not known; say it with --due" in ward("devices", "calibrated", "scale", *at)[1]
    assert ward.record("devices", "show", "scale")["calibration"] == "unknown"
    row = ward.record("devices", "calibrated", "scale", *at, "--due", "2028-03-01")
    assert (row["calibration_due"], row["calibrated_at"]) == ("2028-03-01", "2026-03-01T09:00:00Z")


def test_the_devices_can_be_narrowed_to_those_that_are_free(ward: Ward) -> None:
    """In the register, with nobody, here, and in use; a stranger is not."""
    for name in ("spare", "given", "lost"):
        ward("devices", "add", name)
    ward("devices", "assign", "given", "P1")
    ward("devices", "retire", "lost", "--reason", "lost")
    ward("devices", "assign", "cuff", "P2")
    ward("patients", "discharge", "P2", "--reason", "recovered")
    ward.sends("stranger", [("spo2", 95.0, 10)])
    assert [row["device"] for row in ward.record("devices", "--free")] == ["spare"]


def test_a_patients_page_keeps_what_a_device_measured_before_it_was_swapped(ward: Ward) -> None:
    """It is not called overdue or never come; what the old one measures afterwards is nobody's."""
    ward("devices", "add", "spare")
    now_ms = Clock().now_ms()
    minute = (now_ms - BEGAN_MS) // 60_000
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    ward.sends("cuff", [("heart_rate", 80.0, minute - 60)])
    assert ward("devices", "swap", "cuff", "spare")[0] == 0
    shown = ward.record("patients", "show", "P1")
    assert [(row["vital"], row["value"], row["device"]) for row in shown["readings"]] == [("heart_rate", 80, "cuff")]
    assert {row["vital"]: row["overdue"] for row in shown["expects"]}["heart_rate"] is False
    assert shown["last_reading_at"] is not None
    ward.sends("cuff", [("spo2", 95.0, minute - 2), ("heart_rate", 90.0, minute + 60)])
    told = {row["vital"]: row["value"] for row in ward.record("patients", "show", "P1")["readings"]}
    assert told == {"heart_rate": 80, "spo2": 95}
    assert [row["value"] for row in ward.record("readings", "--unassigned")] == [90]


def test_a_terminal_of_eighty_columns_breaks_no_kind_and_no_date(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also of a device that is to come back, of the kind with the longest name, with a low battery and overdue."""
    ward("devices", "add", "relay-000001", "--profile", "implanted-cardiac-device", "--calibration-due", "2020-01-01")
    ward("devices", "assign", "relay-000001", "P1", "--from", BEGAN)
    ward("patients", "discharge", "P1", "--reason", "recovered", "--at", "2026-11-21T09:00:00Z")
    with closing(database.open_writer(ward.db)) as opened:
        registers.record_status(opened, "relay-000001", "offline", 8.0, "2.1", BEGAN_MS)
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", "80")
    render.table_at_terminal(ward.record("devices"), device_rows.columns(BEGAN_MS))
    drawn = capsys.readouterr().out
    assert all(len(line) <= 80 for line in drawn.splitlines())
    assert all(word in drawn for word in ("implanted-cardiac-device", "OVERDUE", "2020-01-01", "nobody;", "offline 8"))
    assert "relay-000001" in drawn
