"""`vwmon patients`: admitting, showing, listing and discharging, with the exit codes that scripts rely on."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devices.readings import Message, Reading
from tests.conftest import Command
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.store import database, monitor, registers, scores
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.monitor import Monitor

ADMIT = ("--ward", "resp", "--born", "1948-05-17")
DAY_MS = 86_400_000
BEGAN = "2026-11-20T09:00:00Z"
BEGAN_MS = 1_795_165_200_000


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A new database."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    return path


class Ward:
    """The commands on one database."""

    def __init__(self, vwmon: Command, db: Path) -> None:
        """Take the command line and the database."""
        self.vwmon, self.db = vwmon, db

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Run a command; give the exit code and both streams."""
        done = self.vwmon(*arguments, "--db", self.db)
        return done.exit_code, done.stdout, done.stderr

    def record(self, *arguments: object) -> Any:  # noqa: ANN401 -- whatever the JSON holds
        """Run a command that must succeed, as JSON."""
        code, out, _ = self(*arguments, "--json")
        assert code == 0
        return json.loads(out)

    def sends(self, device: str, readings: Sequence[tuple[str, float, int]]) -> None:
        """Store readings of a device: vital, value, minutes after the stays began."""
        built = tuple(
            Reading(
                vital=vital,
                value=value,
                text=None,
                observed_ms=BEGAN_MS + minute * 60_000,
                raw_value=None,
                raw_unit=None,
                marks=0,
            )
            for vital, value, minute in readings
        )
        body = Message(id=f"{device}{len(built)}", seq=None, battery_percent=None, readings=built, refused=())
        with closing(database.open_writer(self.db)) as opened:
            arrival = Arrival("resp", device, f"vwmon/resp/{device}/readings", body, BEGAN_MS, b"{}")
            LogWriter(opened).append([arrival], (), BEGAN_MS)


@pytest.fixture
def ward(vwmon: Command, db: Path) -> Ward:
    """The commands on a new database."""
    return Ward(vwmon, db)


def test_a_patient_is_admitted_and_told_what_to_do_next(ward: Ward) -> None:
    """The answer names patient, ward, plan and time, the next step, and how to take it back."""
    code, out, _ = ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    assert code == 0
    assert out.splitlines() == [
        "Admitted P1 to resp, pathway general, from 2026-11-20 09:00+00:00.",
        "Ask: SpO2 target range (scale 2 only as prescribed, with --prescriber)",
        "Ask: what is usual for this person: chronic confusion, saturation, pulse",
        "Next: vwmon devices assign DEVICE P1",
        "Undo: vwmon patients discharge P1 --reason error",
    ]


def test_an_admission_as_json_is_the_row(ward: Ward) -> None:
    """For a program: the stay, without anything that identifies a person."""
    row = ward.record("patients", "admit", "P1", *ADMIT, "--from", BEGAN, "--name", "Ann", "--pathway", "frailty")
    assert row == {
        "stay": 1,
        "patient": "P1",
        "ward": "resp",
        "pathway": "frailty",
        "plan_version": "4",
        "admitted_at": BEGAN,
        "discharged_at": None,
        "discharge_reason": None,
        "spo2_scale": 1,
        "scale_prescriber": "",
        "scale_prescription": None,
        "target": None,
        "stated_usual": {},
        "devices": [],
        "last_reading_at": None,
        "schedule": plans.load("frailty").schedule,
        "ask": list(plans.load("frailty").ask),
    }


def test_a_patient_shows_what_is_expected_beside_the_score_and_what_of_it_is_overdue(ward: Ward) -> None:
    """A weight and a saturation alike, also on a plan that has no part of the score at all."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN, "--pathway", "heart-failure")
    ward("patients", "admit", "P2", *ADMIT, "--from", BEGAN, "--pathway", "diabetes")
    failing, diabetes = ward.record("patients", "show", "P1"), ward.record("patients", "show", "P2")
    assert [one["vital"] for one in failing["expects"]] == ["spo2", "oxygen", "systolic_bp", "heart_rate", "weight"]
    assert [(one["vital"], one["overdue"]) for one in diabetes["expects"]] == [("glucose", True)]
    code, said, _ = ward("patients", "show", "P2")
    assert code == 0
    assert "1d4h, OVERDUE" in said


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("P1", *ADMIT), 5, "'P1' is on the ward resp"),
        (("P2", "--ward", "resp", "--born", "2015-01-01"), 6, "NEWS2 is for patients of 16 and over"),
        (("P2", *ADMIT, "--spo2-scale", "2"), 6, "--prescriber"),
        (("P2", *ADMIT, "--nhs-number", "9434765918"), 2, "check digit"),
        (("P2", *ADMIT, "--pathway", "no-such"), 3, "there are general"),
        (("P2", "--ward", "RESP", "--born", "1948-05-17"), 2, "no ward's name"),
        (("P2", "--ward", "resp", "--born", "17/05/1948"), 2, "date of birth"),
        (("P2", *ADMIT, "--from", "2026-11-20T09:00:00"), 2, "no zone"),
        (("P2", *ADMIT, "--from", "yesterday"), 2, "not a time"),
        (("P2", "--ward", "resp"), 2, "--born"),
        ((" P2", *ADMIT), 2, "no space around"),
    ],
)
def test_what_cannot_be_admitted_says_why(ward: Ward, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    """Conflict 5, a rule of care 6, a mistake 2, an unknown pathway 3; nothing is written."""
    ward("patients", "admit", "P1", *ADMIT)
    found, out, err = ward("patients", "admit", *arguments)
    assert (found, out) == (code, "")
    assert sentence in " ".join(err.split())
    assert len(ward.record("patients")) == 1


def test_scale_2_is_admitted_with_its_prescriber(ward: Ward) -> None:
    """Who decided it is on record and on the patient's page."""
    row = ward.record("patients", "admit", "P1", *ADMIT, "--spo2-scale", "2", "--prescriber", "Dr Osei")
    assert (row["spo2_scale"], row["scale_prescriber"]) == (2, "Dr Osei")
    assert "scale 2, prescribed by Dr Osei" in ward("patients", "show", "P1")[1]


def test_an_admission_still_to_come_is_warned_of(ward: Ward) -> None:
    """A slip in the year would leave a patient unscored."""
    code, _, err = ward("patients", "admit", "P1", *ADMIT, "--from", "2070-11-20T09:00:00Z")
    assert code == 0
    assert "still to come" in err


def test_the_list_shows_who_is_there_with_what_and_when_last_heard(ward: Ward) -> None:
    """One line a stay; readings from before a device was the patient's do not count."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    ward("patients", "admit", "P2", "--ward", "frail", "--born", "1950-01-01", "--from", BEGAN)
    ward("devices", "add", "cuff")
    ward("devices", "assign", "cuff", "P1", "--from", "2026-11-20T10:00:00Z")
    ward.sends("cuff", [("heart_rate", 80.0, 30)])
    assert ward.record("patients")[0]["last_reading_at"] is None
    ward.sends("cuff", [("heart_rate", 80.0, 90), ("spo2", 95.0, 80)])
    first, second = ward.record("patients")
    assert (first["devices"], first["last_reading_at"]) == (["cuff"], "2026-11-20T10:30:00Z")
    assert (second["devices"], second["last_reading_at"]) == ([], None)
    assert [row["patient"] for row in ward.record("patients", "--ward", "frail")] == ["P2"]
    table = ward("patients")[1].splitlines()
    assert table[0].startswith("NOT MONITORING")
    assert table[1].split()[:3] == ["PATIENT", "WARD", "PATHWAY"]
    assert table[-1] == "2 stays"
    assert all(len(line) <= 80 for line in table)


def test_who_has_left_is_listed_only_when_asked_for(ward: Ward) -> None:
    """With the reason."""
    ward("patients", "admit", "P1", *ADMIT)
    ward("patients", "discharge", "P1", "--reason", "recovered")
    assert ward.record("patients") == []
    assert [row["discharge_reason"] for row in ward.record("patients", "--all")] == ["recovered"]


def test_a_patients_page_shows_person_stay_plan_devices_and_last_readings(ward: Ward) -> None:
    """The one page with a name; every vital that the plan expects has a line, also those that never came."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN, "--name", "Ann Example", "--nhs-number", "943 476 5919")
    for name in ("cuff", "oximeter"):
        ward("devices", "add", name)
        ward("devices", "assign", name, "P1", "--from", BEGAN)
    ward.sends("cuff", [("heart_rate", 80.0, 10), ("consciousness", 0.0, 10), ("steps", 40.0, 9)])
    ward.sends("oximeter", [("heart_rate", 90.0, 20), ("spo2", 95.0, 20)])
    _, out, _ = ward("patients", "show", "P1")
    lines = out.splitlines()
    assert "Patient P1, Ann Example, born 1948-05-17, NHS 9434765919" in lines
    assert "Device cuff from 2026-11-20 09:00+00:00" in lines
    shown = {line.split()[0]: " ".join(line.split()[1:3]) for line in lines[lines.index("") + 2 :]}
    assert shown["heart_rate"] == "90 /min"
    assert shown["spo2"] == "95 %"
    assert shown["consciousness"].startswith("A ")
    assert shown["temperature"] == "never came"
    assert "not expected" in next(line for line in lines if line.startswith("steps"))
    record = ward.record("patients", "show", "P1")
    assert (record["name"], record["born"], record["nhs_number"]) == ("Ann Example", "1948-05-17", "9434765919")
    assert {last["vital"]: last["value"] for last in record["readings"]} == {
        "consciousness": "A",
        "heart_rate": 90.0,
        "spo2": 95.0,
        "steps": 40.0,
    }
    assert record["expects"][0] == {
        "vital": "respiratory_rate",
        "valid_for": "12h",
        "overdue_after": "16h",
        "overdue": True,
    }


def test_a_patient_who_came_again_has_one_page_with_the_earlier_stays(ward: Ward) -> None:
    """The page is about the latest stay."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    ward("patients", "discharge", "P1", "--reason", "recovered", "--at", "2026-11-21T09:00:00Z")
    ward("patients", "admit", "P1", *ADMIT, "--pathway", "frailty", "--from", "2026-11-22T09:00:00Z")
    record = ward.record("patients", "show", "P1")
    assert record["pathway"] == "frailty"
    assert [stay["pathway"] for stay in record["earlier_stays"]] == ["general"]


def test_a_patient_who_has_left_still_has_a_page(ward: Ward) -> None:
    """With when and why, and until when the devices were theirs."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    ward("devices", "add", "cuff")
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    ward("patients", "discharge", "P1", "--reason", "died", "--at", "2026-11-21T09:00:00Z")
    out = ward("patients", "show", "P1")[1]
    assert "Discharged 2026-11-21 09:00+00:00: died" in out
    assert "Device cuff from 2026-11-20 09:00+00:00 to 2026-11-21 09:00+00:00" in out


def test_a_discharge_names_the_devices_that_are_free_now(ward: Ward) -> None:
    """So that somebody fetches them, and nobody is surprised that they are no longer scored."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    ward("devices", "add", "cuff")
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    code, out, _ = ward("patients", "discharge", "P1", "--reason", "recovered", "--at", "2026-11-21T09:00:00Z")
    assert code == 0
    assert out.startswith(
        "Discharged P1 from resp at 2026-11-21 09:00+00:00: recovered.\nDevice cuff belongs to nobody"
    )
    assert ward.record("devices")[0]["patient"] is None


def test_a_discharge_as_json_is_the_row_with_its_devices(ward: Ward) -> None:
    """For a program."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    row = ward.record("patients", "discharge", "P1", "--reason", "recovered")
    assert (row["discharge_reason"], row["devices_freed"]) == ("recovered", [])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("discharge", "P9", "--reason", "recovered"), 3),
        (("discharge", "P1", "--reason", "Felt better"), 2),
        (("discharge", "P1", "--reason", "recovered", "--at", "2026-11-19T09:00:00Z"), 2),
        (("show", "P9"), 3),
    ],
)
def test_exit_codes_of_what_cannot_be_done(ward: Ward, arguments: tuple[str, ...], code: int) -> None:
    """Not found 3, a mistake 2."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    found, _, err = ward("patients", *arguments)
    assert found == code
    assert "error" in err.lower()


def test_times_are_those_of_the_wards_own_clock(vwmon: Command, db: Path, tmp_path: Path) -> None:
    """A ward in another zone reads its own time, with the offset; programs read UTC."""
    config = tmp_path / "vwmon.toml"
    config.write_text(
        f"[store]\npath = '{db}'\n[[wards]]\nid = 'resp'\nname = 'R'\ntime_zone = 'Asia/Kolkata'\n", encoding="utf-8"
    )
    out = vwmon("patients", "admit", "P1", *ADMIT, "--from", BEGAN, "--config", config).stdout
    assert "from 2026-11-20 14:30+05:30." in out


def test_a_ward_that_the_configuration_does_not_name_is_warned_of(vwmon: Command, db: Path, tmp_path: Path) -> None:
    """A slip would put a patient on a ward that nobody looks at; without configured wards there is nothing to tell."""
    config = tmp_path / "vwmon.toml"
    config.write_text(f"[store]\npath = '{db}'\n[[wards]]\nid = 'resp'\nname = 'R'\n", encoding="utf-8")
    slip = ("--ward", "rsep", "--born", "1948-05-17")
    warned = vwmon("patients", "admit", "P1", *slip, "--config", config)
    assert (warned.exit_code, "no ward 'rsep', only resp" in warned.stderr) == (0, True)
    assert "no ward" not in vwmon("patients", "admit", "P2", *ADMIT, "--config", config).stderr
    assert "no ward" not in vwmon("patients", "admit", "P3", *slip, "--db", db).stderr


def test_a_list_of_a_ward_that_never_was_is_an_error(ward: Ward) -> None:
    """Not an empty ward."""
    ward("patients", "admit", "P1", *ADMIT)
    code, out, err = ward("patients", "--ward", "rsep")
    assert (code, out, "rsep" in err) == (3, "", True)


def test_an_old_reading_is_called_overdue_and_a_fresh_one_is_not(ward: Ward) -> None:
    """By its own time, for what feeds a vital too; and for what never came, from the admission on."""
    now_ms = Clock().now_ms()
    minute = (now_ms - BEGAN_MS) // 60_000
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    ward("devices", "add", "cuff")
    ward("devices", "assign", "cuff", "P1", "--from", BEGAN)
    ward.sends("cuff", [("heart_rate", 80.0, minute - 17 * 60), ("spo2", 95.0, minute - 15 * 60)])
    ward.sends("cuff", [("fio2", 0.21, minute - 60)])
    due = {row["vital"]: row["overdue"] for row in ward.record("patients", "show", "P1")["expects"]}
    assert due == {
        "respiratory_rate": True,
        "spo2": False,
        "oxygen": False,
        "systolic_bp": True,
        "heart_rate": True,
        "consciousness": True,
        "temperature": True,
    }
    out = ward("patients", "show", "P1")[1].splitlines()
    assert next(line for line in out if line.startswith("heart_rate")).endswith("16h, OVERDUE")
    assert next(line for line in out if line.startswith("spo2")).endswith("16h")
    assert any(line.endswith("; last reading 1 h ago") for line in out if line.startswith("NEWS2"))


def test_nothing_is_overdue_in_the_first_hours_of_a_stay(ward: Ward) -> None:
    """A vital that never came is waited for as long as any other."""
    ward("patients", "admit", "P1", *ADMIT)
    assert not any(row["overdue"] for row in ward.record("patients", "show", "P1")["expects"])


def test_nothing_falls_due_after_a_discharge(ward: Ward) -> None:
    """A stay is judged at its end."""
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    ward("patients", "discharge", "P1", "--reason", "recovered", "--at", "2026-11-20T12:00:00Z")
    record = ward.record("patients", "show", "P1")
    assert record["judged_at"] == "2026-11-20T12:00:00Z"
    assert not any(row["overdue"] for row in record["expects"])


def test_who_admits_is_on_record(vwmon: Command, db: Path, tmp_path: Path) -> None:
    """The login name, or another where the configuration allows it."""
    config = tmp_path / "vwmon.toml"
    config.write_text(f"[store]\npath = '{db}'\n[commands]\nallow_as = true\n", encoding="utf-8")
    assert vwmon("patients", "admit", "P1", *ADMIT, "--as", "nurse.joy", "--config", config).exit_code == 0
    assert vwmon("patients", "admit", "P2", *ADMIT, "--as", "nurse.joy", "--db", db).exit_code == 6
    with closing(database.open_reader(db)) as opened:
        assert opened.execute("select actor from register_log").fetchall() == [("nurse.joy",)]


def test_a_recordings_list_stands_at_its_last_moment(ward: Ward) -> None:
    """Ages are counted from there, and the list says that it is a recording."""
    state = Monitor(
        mode="recording",
        started_ms=0,
        cycle_ms=None,
        broker_connected=False,
        broker_since_ms=None,
        last_received_ms=None,
        last_observed_ms=None,
        readings=0,
        lag_seconds=None,
        software="",
        config_hash="",
        recording_end_ms=BEGAN_MS + 2 * DAY_MS,
    )
    ward("patients", "admit", "P1", *ADMIT, "--from", BEGAN)
    with closing(database.open_writer(ward.db)) as opened:
        monitor.beat(opened, replace(state))
    code, out, _ = ward("patients")
    assert code == 0
    assert out.splitlines()[0] == "RECORDING: stands at 2026-11-22T09:00:00Z"
    assert "2 d" in out.splitlines()[2]


def test_without_a_database_every_command_says_how_to_make_one(vwmon: Command, tmp_path: Path) -> None:
    """And makes none."""
    for arguments in (("patients",), ("patients", "show", "P1"), ("patients", "admit", "P1", *ADMIT)):
        done = vwmon(*arguments, "--db", tmp_path / "nowhere.db")
        assert done.exit_code == 3
        assert "vwmon db migrate" in done.stderr
    assert not list(tmp_path.iterdir())


LIGHT = """
import sys
from vwmon.cli import app
app(sys.argv[1:], standalone_mode=False)
print([name for name in ("numpy", "scipy", "paho", "sqlite_utils") if name in sys.modules])
"""


@pytest.mark.parametrize("command", ["patients", "devices", "readings"])
def test_the_lists_that_people_wait_for_import_nothing_heavy(ward: Ward, command: str) -> None:
    """No arrays, no broker, no migrations: a list is there at once."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, command, "--db", str(ward.db)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_list_leaves_the_registers_as_they_are(ward: Ward) -> None:
    """Looking changes nothing."""
    ward("patients", "admit", "P1", *ADMIT)
    ward("patients")
    ward("patients", "show", "P1")
    with closing(database.open_reader(ward.db)) as opened:
        assert registers.register_version(opened) == 1


def scored(ward: Ward, **changed: int) -> None:
    """Store a score of the first stay, a minute old: 4 points, and no respiratory rate."""
    at_ms = Clock().now_ms() - 60_000
    row = scores.ScoreRow(
        stay_no=1,
        at_ms=at_ms,
        received_ms=at_ms,
        late=0,
        total_min=4,
        total_max=7,
        could_be=4,
        red=0,
        complete=0,
        points_min=202_000,
        points_max=3_202_000,
        present=111_111,
        provenance_no=1,
    )
    with closing(database.open_writer(ward.db)) as opened, database.atomic(opened):
        scores.provenance_no(opened, "0", "news2", "general", "")
        scores.write(opened, [row._replace(**changed)])


def test_a_patients_page_says_which_measurement_would_settle_the_score(ward: Ward) -> None:
    """The one thing to ask for on the telephone, between which totals it decides, and all of it for programs."""
    ward("patients", "admit", "P1", *ADMIT)
    scored(ward)
    out = ward("patients", "show", "P1")[1]
    assert "NEWS2 4 to 7, missing respiratory rate; no reading ever came\n" in out
    assert "Next: measure respiratory rate now: it decides between 4 and 7 (low or high)\n" in out
    score = ward.record("patients", "show", "P1")["score"]
    assert (score["total_min"], score["total_max"], score["missing"]) == (4, 7, ["respiratory_rate"])
    assert score["measure_next"]["measure"] == "respiratory_rate"
    assert (score["measure_next"]["low"], score["measure_next"]["high"]) == (4, 7)


def test_a_measurement_that_is_not_asked_of_the_patient_is_said_to_be_none_to_wait_for(ward: Ward) -> None:
    """It would still settle the score, and somebody may take it once."""
    ward("patients", "admit", "P1", *ADMIT)
    scored(ward)
    assert ward("patients", "plan", "P1", "--not-asked", "respiratory_rate", "--reason", "cannot count")[0] == 0
    out = ward("patients", "show", "P1")[1]
    assert "NEWS2 4 to 7, missing respiratory rate (not asked); no reading ever came\n" in out
    assert "(low or high); it is not asked of this patient" in " ".join(out.split())
    assert ward.record("patients", "show", "P1")["score"]["not_asked"] == ["respiratory_rate"]


def test_what_the_pathway_does_not_ask_is_not_waited_for_either(ward: Ward) -> None:
    """Nobody sends a respiratory rate on the pathway of heart failure."""
    ward("patients", "admit", "P1", *ADMIT, "--pathway", "heart-failure")
    scored(ward, present=111_011)
    out = ward("patients", "show", "P1")[1]
    assert "NEWS2 4 to 7, missing respiratory rate (not asked), heart rate;" in out, out
    assert ward.record("patients", "show", "P1")["score"]["not_asked"] == ["respiratory_rate"]


def test_of_whoever_has_left_nothing_is_to_be_measured(ward: Ward) -> None:
    """The score stands as it was."""
    ward("patients", "admit", "P1", *ADMIT)
    scored(ward)
    assert "Next:" in ward("patients", "show", "P1")[1]
    assert ward("patients", "discharge", "P1", "--reason", "recovered")[0] == 0
    out = ward("patients", "show", "P1")[1]
    assert "NEWS2 4 to 7, missing respiratory rate; no reading ever came" in out
    assert "Next:" not in out
    assert ward.record("patients", "show", "P1")["score"]["measure_next"] is None


def test_a_score_that_is_settled_asks_for_no_measurement(ward: Ward) -> None:
    """Nor does one with nothing in it."""
    ward("patients", "admit", "P1", *ADMIT)
    assert "NEWS2: none that still holds; no reading ever came\n" in ward("patients", "show", "P1")[1]
    assert ward.record("patients", "show", "P1")["score"] is None
    scored(ward, total_max=4, complete=1, points_max=202_000, present=1_111_111)
    assert "Next:" not in ward("patients", "show", "P1")[1]
    assert "NEWS2 4; no reading ever came\n" in ward("patients", "show", "P1")[1]
    assert ward.record("patients", "show", "P1")["score"]["measure_next"] is None


@pytest.mark.hazard("H5")
def test_a_score_that_nothing_holds_up_any_more_is_not_shown_as_current(ward: Ward) -> None:
    """Older than the longest that the plan lets a reading count."""
    ward("patients", "admit", "P1", *ADMIT)
    scored(ward, at_ms=BEGAN_MS - 10 * DAY_MS)
    assert ward.record("patients", "show", "P1")["score"] is None


def test_the_scale_of_the_stay_decides_what_oxygen_would_settle(ward: Ward) -> None:
    """On scale 2 a high saturation may score 3, so that oxygen is what to ask for."""
    ward("patients", "admit", "P1", *ADMIT, "--spo2-scale", "2", "--prescriber", "Dr Osei")
    scored(ward, total_min=0, total_max=5, points_min=0, points_max=320_000, present=1_101_111)
    shown = ward.record("patients", "show", "P1")["score"]["measure_next"]
    assert (shown["measure"], shown["low"], shown["high"], shown["high_band"]) == ("oxygen", 0, 5, "medium")


def test_a_stored_score_that_no_reading_makes_names_no_measurement(ward: Ward) -> None:
    """Two points for consciousness are on no chart: what could not be understood is not guessed from."""
    ward("patients", "admit", "P1", *ADMIT)
    scored(ward, total_max=4, points_min=2_020, points_max=2_020, present=1_111_111)
    assert ward.record("patients", "show", "P1")["score"]["measure_next"] is None


def test_a_made_up_patient_is_in_no_list_and_shown_by_name(ward: Ward) -> None:
    """Nobody may take it for one of the ward's, and whoever set it up can still see it."""
    ward("patients", "admit", "P1", *ADMIT)
    ward("patients", "admit", "canary", *ADMIT, "--pathway", "canary")
    listed = ward("patients", "--all")[1]
    assert "canary" not in listed
    assert "1 stay\n" in listed
    assert [row["patient"] for row in ward.record("patients")] == ["P1"]
    assert "Patient canary" in ward("patients", "show", "canary")[1]
