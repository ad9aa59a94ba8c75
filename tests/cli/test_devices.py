"""`vwmon devices`: the register, and which device is with whom."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from devices.profiles import PROFILES
from devices.readings import Message, Reading
from tests.cli.test_patients import ADMIT, BEGAN, BEGAN_MS, Ward
from tests.conftest import Command
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
    """Name, kind, holder, last reading, status, battery."""
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    with closing(database.open_writer(ward.db)) as opened:
        registers.record_status(opened, "cuff", "online", 81.0, "2.1", BEGAN_MS)
    lines = ward("devices")[1].splitlines()
    assert lines[2].split() == ["cuff", "blood", "pressure", "P1", "never", "online", "81", "%"]
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
