"""`vwmon explain`: what it says to people and to programs, and how it ends."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts.faults import Finding
from alerts.model import SYSTEM_STAY
from tests.conftest import Command, every_breach_at_once
from tests.db.test_scorer import ILL, T0, WELL
from tests.db.watched_ward import Watched
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers

pytestmark = pytest.mark.usefixtures("at_once")  # what a wait changes has tests of its own
HEAD = "patient,time,vital,value,unit\n"
WELL_ROWS = {
    "respiratory_rate": 16,
    "oxygen": 0,
    "systolic_bp": 125,
    "heart_rate": 75,
    "consciousness": "A",
    "temperature": 36.8,
}
STORY: list[tuple[str, int, dict[str, Any]]] = [
    ("P1", 0, WELL_ROWS | {"spo2": 97}),
    ("P1", 60, {"spo2": 91}),
    ("P1", 90, {"respiratory_rate": 26, "heart_rate": 118}),
    ("P1", 120, {"spo2": 91}),
    ("P2", 0, {"spo2": 90, "gcs": 14}),
    ("P2", 1200, {"heart_rate": 80}),
]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording in a database: one patient who gets worse, one of whom little is known."""
    folder = tmp_path_factory.mktemp("explain")
    rows = [
        f"{patient},{60 * at},{vital},{value},\n" for patient, at, values in STORY for vital, value in values.items()
    ]
    (folder / "ward.csv").write_text(HEAD + "".join(rows), encoding="utf-8")
    start = ("--start", "2026-11-20T09:00:00Z")
    with every_breach_at_once():
        assert Command()("replay", folder / "ward.csv", "--db", folder / "ward.db", *start).exit_code == 0
    return folder / "ward.db"


@pytest.fixture
def db(replayed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be altered."""
    return Path(shutil.copy(replayed, tmp_path / "ward.db"))


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Watched]:
    """A ward at work, with a patient who falls ill."""
    ward = Watched(tmp_path / "living.db")
    ward.admit("p1")
    for minute in (0, 20):
        ward.hears(WELL, minute)
    ward.hears(ILL, 40)
    yield ward
    ward.db.close()


def alert_of(vwmon: Command, db: Path, patient: str, lane: str = "clinical") -> str:
    """Name the one alert of a patient in a lane."""
    listed = json.loads(vwmon("alerts", "--db", db, "--lane", lane, "--patient", patient, "--json").stdout)
    (name,) = [row["id"] for row in listed]
    return str(name)


def told(vwmon: Command, db: Path, *arguments: object) -> dict[str, Any]:
    """Ask for an explanation as JSON."""
    result = vwmon("explain", *arguments, "--db", db, "--json")
    assert result.exit_code in {0, 1}, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    return record


def flat(text: str) -> str:
    """Give a text without its line breaks."""
    return " ".join(text.split())


def test_an_alert_is_explained_on_one_page(vwmon: Command, replayed: Path) -> None:
    """What asked, when, on which rule, plan and readings; that it is the same again; what would have kept it quiet."""
    alert = alert_of(vwmon, replayed, "P1")
    result = vwmon("explain", alert, "--number", 2, "--db", replayed)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1:6] == [
        f"{alert} L3 (patient P1, ward replay) new",
        "worsened 2026-11-20T10:30:00Z at L3",
        "time 2 of the 2 that it asked for someone; another with --number N:",
        "    1  2026-11-20T10:00:00Z  raised     L2  NEWS2 3",
        ">   2  2026-11-20T10:30:00Z  worsened   L3  NEWS2 8",
    ]
    assert "L3 NEWS2 7 or more (news2_7): from 7 on; over when below 6 for 30 min" in result.stdout
    assert "General virtual ward (general 3); SpO2 scale 1" in result.stdout
    assert "SpO2              91 %     3   2026-11-20T10:00:00Z 30 min 12 h  10" in result.stdout
    assert "consciousness     A        0   2026-11-20T09:00:00Z 1 h    12 h  " in result.stdout
    assert "NEWS2 8 (7 of 7 measured)" in result.stdout
    assert "before: NEWS2 3, as of 2026-11-20T10:00:00Z" in result.stdout
    assert "device rec-p1: in the messages of reading 11, 10, 1" in result.stdout
    assert "made again from the log: the same to the bit" in result.stdout
    assert flat(result.stdout).endswith(
        "Had respiratory rate been 20 /min instead of 26 /min at 2026-11-20T10:30:00Z (reading 11), NEWS2 would have "
        "been 5: not worsened."
    )


def test_programs_are_given_everything_exactly(vwmon: Command, replayed: Path) -> None:
    """Numbers as numbers, times in UTC, every part with its place in the log."""
    record = told(vwmon, replayed, alert_of(vwmon, replayed, "P1"))
    assert record["equal"] is True
    assert {one["item"]: one["equal"] for one in record["compared"]} == dict.fromkeys(
        ["readings", "scores", "conditions", "alert", "history", "versions", "acts"], True
    )
    assert record["event"] | {"version": 1} == {
        "kind": "raised",
        "at": "2026-11-20T10:00:00Z",
        "level": 2,
        "level_before": None,
        "state": "new",
        "total_min": 3,
        "version": 1,
        "observed_at": "2026-11-20T10:00:00Z",
        "received_at": "2026-11-20T10:00:00Z",
        "late": False,
    }
    assert [rule["rule"] for rule in record["rules"]] == ["news2_red"]
    assert record["rules_version"] == "2026.5"
    assert record["chart"]["version"] == "RCP 2017"
    assert record["plan"]["spo2_scale"] == 1
    assert record["plan"]["prescriber"] is None
    assert record["plan"]["expected"]["spo2"] == {"valid_seconds": 43_200.0, "overdue_after_seconds": 57_600.0}
    spo2 = next(one for one in record["readings"] if one["part"] == "spo2")
    assert (spo2["present"], spo2["points_min"], spo2["points_max"], spo2["age_seconds"]) == (True, 3, 3, 0.0)
    assert spo2["log"] == [
        {
            "reading": 10,
            "message": 10,
            "device": "rec-p1",
            "vital": "spo2",
            "value": 91.0,
            "unit": "%",
            "observed_at": "2026-11-20T10:00:00Z",
            "received_at": "2026-11-20T10:00:00Z",
        }
    ]
    assert record["score"]["total_min"] == record["score"]["total_max"] == 3
    assert (record["before"]["at"], record["before"]["total_min"]) == ("2026-11-20T09:00:00Z", 0)
    nearest = record["nearest"]
    assert (nearest["found"], nearest["part"], nearest["value"], nearest["instead"]) == (True, "spo2", 91.0, 92.0)
    assert (nearest["steps"], nearest["total_min"], nearest["level"]) == (1, 2, None)
    assert record["versions"]["stored"] == [record["versions"]["now"]]
    assert record["versions"]["configuration_equal"] is True


def test_what_is_missing_is_an_interval_and_what_stands_in_is_named(vwmon: Command, replayed: Path) -> None:
    """A GCS counts as consciousness; five parts that never came widen the score; two threes leave no single change."""
    result = vwmon("explain", alert_of(vwmon, replayed, "P2"), "--db", replayed)
    assert "consciousness     GCS 14  3   2026-11-20T09:00:00Z 0 s 12 h" in result.stdout
    assert "respiratory rate  missing 0-3 never                    12 h" in result.stdout
    assert "NEWS2 6 to 20 (2 of 7 measured)" in result.stdout
    assert "before: no score" in result.stdout
    assert "No change of a single reading would have kept it quiet." in result.stdout


def test_silence_is_explained_by_what_was_awaited(vwmon: Command, replayed: Path) -> None:
    """The last reading of each part, its deadline, and that no value raised it."""
    result = vwmon("explain", alert_of(vwmon, replayed, "P2", "technical"), "--number", 2, "--db", replayed)
    assert result.exit_code == 0
    said = flat(result.stdout)
    assert (
        "SpO2: due by 2026-11-21T01:00:00Z, after 16 h; the last observed 2026-11-20T09:00:00Z (90 %, reading" in said
    )
    assert "No value raised it but silence" in said
    assert "sick and unseen: L3" in said or "sick and unseen: L2" in said
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_what_the_page_stands_on_is_said_above_it(
    vwmon: Command, replayed: Path, living: Watched, tmp_path: Path
) -> None:
    """A recording, or a ward that nobody watches: to people first, to programs beside the record."""
    shown = vwmon("explain", alert_of(vwmon, replayed, "P1"), "--db", replayed)
    assert shown.stdout.startswith("RECORDING: stands at ")
    (alert,) = living.db.execute("select id from alert").fetchone()
    said = vwmon("explain", alert, "--db", tmp_path / "living.db")
    assert said.stdout.startswith("NOT MONITORING")
    told = vwmon("explain", alert, "--db", tmp_path / "living.db", "--json")
    assert json.loads(told.stdout)["equal"] is True
    assert told.stderr.startswith("NOT MONITORING")


def test_an_alert_that_is_not_there_is_not_found(vwmon: Command, replayed: Path) -> None:
    """Exit code 3, with where to look; of one that is there, only the times that it asked."""
    result = vwmon("explain", "ZZZZ", "--db", replayed)
    assert result.exit_code == 3
    assert "there is no alert ZZZZ; see: vwmon alerts" in result.stderr
    result = vwmon("explain", alert_of(vwmon, replayed, "P1"), "--number", 9, "--db", replayed)
    assert result.exit_code == 2
    assert "asked for someone 2 times" in result.stderr


def test_a_difference_is_said_loudly(vwmon: Command, db: Path) -> None:
    """Exit code 1, what differs with both values, and by which versions each was made."""
    alert = alert_of(vwmon, db, "P1")
    with closing(database.open_writer(db)) as opened:
        opened.execute("update score set total_min = 1 where total_min = 3")
        opened.execute("update provenance set software = '9.9' where plan like 'general%'")
    result = vwmon("explain", alert, "--db", db)
    assert result.exit_code == 1
    said = flat(result.stdout)
    assert "NOT THE SAME when made again from the log: scores, versions. See COMPARED." in said
    assert "scores DIFFERS" in said
    assert "! score at 2026-11-20T10:00:00Z, total_min: stored 1, recomputed 3" in said
    assert "! versions, software: stored 9.9, recomputed" in said
    assert "made by vwmon 9.9, news2 RCP 2017, plan general 3, configuration" in said
    assert "recomputed by vwmon" in said
    assert max(map(len, result.stdout.splitlines())) <= 80
    record = told(vwmon, db, alert)
    assert record["equal"] is False
    differences = [one for item in record["compared"] for one in item["differences"]]
    assert {"where": "score at 2026-11-20T10:00:00Z, total_min", "stored": 1, "recomputed": 3} in differences


def test_many_differences_do_not_fill_the_page(vwmon: Command, db: Path) -> None:
    """The first of each kind are printed, and how many more there are."""
    alert = alert_of(vwmon, db, "P1")
    with closing(database.open_writer(db)) as opened:
        opened.execute("update score set total_min = 9, total_max = 19, could_be = 9, points_min = 9, received_ms = 9")
    result = vwmon("explain", alert, "--db", db)
    assert result.exit_code == 1
    assert "more; --json has all" in result.stdout


def test_a_row_that_is_no_alert_at_all_is_said_to_be_damaged(vwmon: Command, db: Path) -> None:
    """Not a traceback."""
    alert = alert_of(vwmon, db, "P1")
    with closing(database.open_writer(db)) as opened:
        opened.execute("update condition set gaps = '{' where rule = 'news2_red'")
    result = vwmon("explain", alert, "--db", db)
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


def test_another_configuration_is_said_and_is_no_difference(vwmon: Command, replayed: Path, tmp_path: Path) -> None:
    """It takes no part in a patient's scores, so a copy of a database can be explained anywhere."""
    other = tmp_path / "other.toml"
    other.write_text('[[wards]]\nid = "resp"\nname = "Respiratory"\n', encoding="utf-8")
    alert = alert_of(vwmon, replayed, "P1")
    result = vwmon("explain", alert, "--db", replayed, "--config", other)
    assert result.exit_code == 0
    assert "the configuration here is" in result.stdout
    plain = vwmon("explain", alert, "--db", replayed)
    assert "the configuration here is" not in plain.stdout


def test_a_ward_at_work_is_explained_while_it_works(vwmon: Command, living: Watched) -> None:
    """The database is only read, also in the middle of a write; what people did is part of what is told again."""
    (alert,) = living.open_alerts()
    living.ack(alert)
    living.until(50)
    before = living.stored()
    with database.atomic(living.db):
        living.db.execute("update log set last_seq = last_seq")
        record = told(vwmon, living.path, alert)
    assert record["equal"] is True
    assert record["watched"] is True
    assert next(one["count"] for one in record["compared"] if one["item"] == "acts") == 1
    assert living.stored() == before
    assert record["event"]["at"] == "2026-11-18T11:46:40Z"
    assert T0 == 1_795_000_000_000


def test_an_end_of_an_acknowledgement_has_no_reading_to_blame(vwmon: Command, living: Watched) -> None:
    """It is told for what it is."""
    (alert,) = living.open_alerts()
    living.ack(alert, for_ms=5 * 60_000)
    living.until(50)
    result = vwmon("explain", alert, "--number", 2, "--db", living.path)
    assert result.exit_code == 0
    assert "expired 2026-11-18T11:51:40Z at L3" in result.stdout
    assert "the acknowledgement ended, and the alert still stands" in result.stdout
    assert "No reading raised it." in result.stdout


def test_a_late_reading_is_marked(vwmon: Command, living: Watched) -> None:
    """When it was observed stands beside when it came."""
    living.admit("p2")
    for minute in (40, 50, 60):
        living.hears(WELL, minute, device="of-p2")
    living.hears(ILL, 45, late=20, device="of-p2")
    (alert,) = [
        a
        for a in living.open_alerts()
        if vwmon("alerts", "show", a, "--db", living.path, "--json").stdout.count('"p2"')
    ]
    result = vwmon("explain", alert, "--db", living.path)
    assert result.exit_code == 0
    assert "raised 2026-11-18T12:11:40Z at L3, LATE: observed 2026-11-18T11:51:40Z" in result.stdout


def test_the_other_scale_is_named_with_who_prescribed_it(vwmon: Command, living: Watched) -> None:
    """On scale 2 and oxygen 97 % is too much; one per cent less would have been no single three, nor would air."""
    by = By(actor="test", at_ms=living.now_ms)
    wanted = Admission(
        patient="p2",
        ward="resp",
        plan=plans.load("general"),
        admitted_ms=T0,
        born="1950-01-01",
        spo2_scale=2,
        prescriber="Dr Who",
    )
    registers.admit(living.db, wanted, by)
    registers.add_device(living.db, "of-p2", by)
    registers.assign(living.db, "of-p2", "p2", T0, by)
    living.hears({"spo2": 97.0, "oxygen": 2.0}, 41, device="of-p2")
    result = vwmon("explain", living.open_alerts()[1], "--db", living.path)
    assert result.exit_code == 0
    assert "SpO2 scale 2, prescribed by Dr Who" in flat(result.stdout)
    assert "SpO2              97 %    3 " in result.stdout
    assert "Had SpO2 been 96 % instead of 97 %" in flat(result.stdout)


def test_a_fault_of_the_service_is_explained(vwmon: Command, living: Watched) -> None:
    """Since when, by which rule; there is no plan and no reading."""
    living.scorer.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=T0, at_ms=living.now_ms)], living.now_ms)
    (alert,) = living.open_alerts("system")
    result = vwmon("explain", alert, "--db", living.path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1] == f"{alert} S2 (the whole service) new"
    assert "broker since 2026-11-18T11:06:40Z" in result.stdout
    assert "PLAN" not in result.stdout
    assert told(vwmon, living.path, alert)["plan"] is None


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_other_formats_carry_it_too(vwmon: Command, replayed: Path, form: str) -> None:
    """One object, one line, or one row."""
    result = vwmon("explain", alert_of(vwmon, replayed, "P1"), "--db", replayed, "--format", form)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == (1 if form == "jsonl" else 2)


def test_the_work_list_does_not_pay_for_it(vwmon: Command) -> None:
    """Help is shown without the engine being imported, and says what the exit code means."""
    assert "Exit code 1" in vwmon("explain", "--help").stdout
