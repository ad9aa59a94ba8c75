"""`vwmon alerts stats`: what a ward lead reads off it, on a ward that was lived through and on a recording."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import acts, handover, lifecycle, store
from alerts.acts import Act
from alerts.model import SYSTEM_STAY, Case, Lane, Outcome
from tests.conftest import Command
from tests.unit.alerts_points import HOUR, Point, follow, point
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, monitor, registers
from vwmon.store.monitor import Monitor
from vwmon.store.sqlite import Connection

DAY = 24 * HOUR
NOW = 2 * DAY
SETTINGS = """\
[[wards]]
id = "resp"
name = "Respiratory"
time_zone = "UTC"
hours = "08:00-20:00"
"""


def change(db: Connection, stay: int, *changes: Any) -> None:  # noqa: ANN401 -- case to case
    """Change the case of a stay, step after step."""
    with database.atomic(db):
        case = before = store.load(db, [stay])[stay]
        for each in changes:
            case = each(case)
        store.save(db, before, case, None)


def told(point_: Point) -> Any:  # noqa: ANN401 -- case to case
    """Tell a case a score."""
    return lambda case: follow(case, point_)


def done(verb: Any, hour: float, *rest: Any, lane: Lane = Lane.CLINICAL) -> Any:  # noqa: ANN401 -- an act of alerts.acts
    """Do an act at an hour."""

    def after(case: Case) -> Case:
        act = Act(actor="ahmed", now_ms=round(hour * HOUR), note="seen")
        answer: acts.Answer = verb(case, case.alerts[lane], act, *rest)
        assert answer.refusal is None
        return answer.case

    return after


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Connection]]:
    """Three patients on two wards since hour 0, at hour 48; a day's alerts on the first ward.

    Patient 1: raised at 09:00, acknowledged after 10 minutes, closed after 2 hours as a visit; raised again at 22:00
    and not answered. Patient 2: blind from 13:00 on. Patient 3, on the other ward, left after 12 hours. The broker was
    lost.
    """
    monkeypatch.setattr(Clock, "now_ms", lambda _: NOW)
    path = tmp_path / "ward.db"
    with closing(database.create(path)) as db:
        for patient, name in (("p-1", "resp"), ("p-2", "resp"), ("p-3", "hf")):
            asked = Admission(patient=patient, ward=name, plan=plans.load("general"), admitted_ms=0, born="1950-01-01")
            with database.atomic(db):
                registers.admit(db, asked, By(actor="test", at_ms=0))
        with database.atomic(db):
            registers.discharge(db, "p-3", "recovered", 12 * HOUR, By(actor="test", at_ms=12 * HOUR))
        change(
            db,
            1,
            told(point(9 * 60, 5)),
            done(acts.acknowledge, 9 + 1 / 6),
            done(acts.close, 11, Outcome.VISIT_ARRANGED),
        )
        change(db, 1, told(point(22 * 60, 8)))
        change(db, 2, told(point(12 * 60, 5)), lambda c: lifecycle.overdue(c, "spo2", 13 * HOUR, 13 * HOUR))
        change(db, SYSTEM_STAY, lambda case: lifecycle.overdue(case, "broker", 14 * HOUR, 14 * HOUR))
        beat(db, mode="live")
        yield path, db


def beat(db: Connection, **changes: Any) -> None:  # noqa: ANN401 -- fields of Monitor
    """Let a monitor say that all is well."""
    well: dict[str, Any] = {
        "started_ms": 0,
        "cycle_ms": NOW - 1000,
        "broker_connected": True,
        "broker_since_ms": 0,
        "last_received_ms": NOW,
        "last_observed_ms": NOW,
        "readings": 1,
        "lag_seconds": 0.0,
        "software": "0",
        "config_hash": "",
    }
    with database.atomic(db):
        monitor.beat(db, Monitor(**well | changes))


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A configuration in which one of the two wards has hours."""
    file = tmp_path / "vwmon.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


def stats(vwmon: Command, path: Path, *options: object) -> dict[str, Any]:
    """Read the numbers as programs do."""
    result = vwmon("alerts", "stats", "--db", path, "--json", *options)
    assert result.exit_code == 0, result.output
    numbers: dict[str, Any] = json.loads(result.stdout)
    return numbers


def on_list(vwmon: Command, path: Path, patient: str) -> list[dict[str, Any]]:
    """Read a patient's alerts off the work list as programs do."""
    rows: list[dict[str, Any]] = json.loads(vwmon("alerts", "--db", path, "--json").stdout)
    return [row for row in rows if row["patient"] == patient]


@pytest.mark.hazard("H11")
def test_the_numbers_are_those_of_the_day(vwmon: Command, ward: tuple[Path, Connection], settings: Path) -> None:
    """Counted by hand: two patients for two days, one for half a day; four alerts of patients, one of the service."""
    found = stats(vwmon, ward[0], "--config", settings)
    assert (found["alerts"], found["patient_days"]) == (5, 4.5)
    rates = {(row["lane"], row["level"]): row["alerts"] for row in found["rates"]}
    assert rates == {("clinical", 3): 1, ("clinical", 2): 2, ("technical", 2): 1, ("system", 2): 1}
    assert found["outcomes"] == {"visit-arranged": 1}
    assert found["actionable_share"] == {"clinical": 1.0, "technical": None, "system": None}
    assert found["blind_hours"] == 35.0
    assert found["busiest"][0] == {"stay": 1, "patient": "p-1", "alerts": 2}


def test_a_made_up_patient_is_counted_nowhere(vwmon: Command, ward: tuple[Path, Connection]) -> None:
    """Neither its days nor its alert, though it is the worst of the ward."""
    before = stats(vwmon, ward[0])
    asked = Admission(patient="c-1", ward="resp", plan=plans.load(plans.CANARY), admitted_ms=0, born="1950-01-01")
    with database.atomic(ward[1]):
        registers.admit(ward[1], asked, By(actor="test", at_ms=0))
    change(ward[1], 4, told(point(10 * 60, 12)))
    assert stats(vwmon, ward[0]) == before
    assert [row["flags"] for row in on_list(vwmon, ward[0], "c-1")] == [["canary"]]


def test_the_answers_of_day_and_night_are_told_apart(
    vwmon: Command, ward: tuple[Path, Connection], settings: Path
) -> None:
    """The one of 22:00 is out of hours and was not answered; the first was in hand after ten minutes."""
    rows = {(row["hours"], row["level"]): row for row in stats(vwmon, ward[0], "--config", settings)["response"]}
    assert rows.keys() == {("in", 2), ("out", 3)}
    assert (rows["in", 2]["alerts"], rows["in", 2]["acknowledged"], rows["in", 2]["closed"]) == (4, 1, 1)
    assert rows["in", 2]["minutes_to_acknowledge_median"] == 10.0
    assert rows["in", 2]["minutes_to_close_median"] == 120.0
    assert (rows["out", 3]["alerts"], rows["out", 3]["acknowledged"]) == (1, 0)


def test_one_ward_is_counted_alone(vwmon: Command, ward: tuple[Path, Connection]) -> None:
    """Its own patients' days and alerts, and not the service's."""
    assert (stats(vwmon, ward[0], "--ward", "hf")["alerts"], stats(vwmon, ward[0], "--ward", "hf")["patient_days"]) == (
        0,
        0.5,
    )
    found = stats(vwmon, ward[0], "--ward", "resp")
    assert (found["ward"], found["alerts"], found["patient_days"]) == ("resp", 4, 4.0)


def test_only_what_was_raised_within_the_span_counts(vwmon: Command, ward: tuple[Path, Connection]) -> None:
    """The last day and a half: what was raised at 09:00 of the first day is not in it, nor the time before it."""
    found = stats(vwmon, ward[0], "--since", "36h")
    assert (found["alerts"], found["patient_days"]) == (4, 3.0)


def test_people_read_it_at_eighty_columns(vwmon: Command, ward: tuple[Path, Connection], settings: Path) -> None:
    """Every line fits, and the night without an answer is there to be seen."""
    shown = vwmon("alerts", "stats", "--db", ward[0], "--config", settings)
    assert shown.exit_code == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "5 alerts in 4.5 patient-days" in shown.stdout
    night = next(line.split() for line in shown.stdout.splitlines() if line.startswith("out of hours"))
    assert night == ["out", "of", "hours", "3", "1", "0", "-", "-", "0", "-", "-"]


def test_a_span_without_alerts_says_so(vwmon: Command, ward: tuple[Path, Connection]) -> None:
    """With the days that were watched."""
    shown = vwmon("alerts", "stats", "--db", ward[0], "--since", "1h")
    assert shown.exit_code == 0
    assert "No alert was raised." in shown.stdout


def test_a_stale_monitor_is_said_first(vwmon: Command, ward: tuple[Path, Connection]) -> None:
    """Numbers of a ward that nobody watches look good; exit code 4."""
    beat(ward[1], mode="live", stopped_ms=NOW - HOUR)
    shown = vwmon("alerts", "stats", "--db", ward[0])
    assert shown.exit_code == 4
    assert shown.stdout.startswith("NOT MONITORING")


def test_a_ward_that_nobody_was_ever_on_is_not_found(vwmon: Command, ward: tuple[Path, Connection]) -> None:
    """A slip of the pen must not look like a quiet ward."""
    shown = vwmon("alerts", "stats", "--db", ward[0], "--ward", "rsep")
    assert shown.exit_code == 3
    assert "rsep" in shown.output


def test_a_recording_counts_each_patient_to_the_last_reading(vwmon: Command, tmp_path: Path) -> None:
    """Patients of other years are not on the ward until the recording's end."""
    file = tmp_path / "ward.csv"
    rows = [("a", 0, 97), ("a", 86_400, 97), ("b", 0, 97), ("b", 864_000, 97)]
    lines = [f"{patient},{time},spo2,{value},%" for patient, time, value in rows]
    file.write_text("patient,time,vital,value,unit\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path = tmp_path / "recording.db"
    assert vwmon("replay", file, "--db", path, "--start", "2026-01-01T00:00:00Z").exit_code == 0
    found = stats(vwmon, path)
    assert (found["from"], found["patient_days"]) == ("2026-01-01T00:00:00Z", 11.0)
    assert stats(vwmon, path, "--since", "7d")["patient_days"] == 7.0


def minutes_at_night(vwmon: Command, path: Path, settings: Path) -> list[tuple[int, float | None]]:
    """Give how many of the alerts raised out of hours were acknowledged, and after how many minutes."""
    rows = stats(vwmon, path, "--config", settings)["response"]
    level_3 = [row for row in rows if (row["hours"], row["level"]) == ("out", 3)]
    return [(row["acknowledged"], row["minutes_to_acknowledge_median"]) for row in level_3]


def test_an_acknowledgement_that_was_undone_is_no_answer(
    vwmon: Command, ward: tuple[Path, Connection], settings: Path
) -> None:
    """A slip, however often it was prolonged, must not make the ward look quicker than it was."""
    path, db = ward
    again = done(acts.acknowledge, 22.2)
    change(db, 1, done(acts.acknowledge, 22.1), again, done(acts.unacknowledge, 22.3))
    assert minutes_at_night(vwmon, path, settings) == [(0, None)]
    change(db, 1, done(acts.acknowledge, 22.5))
    assert minutes_at_night(vwmon, path, settings) == [(1, 30.0)]


def test_an_acknowledgement_that_someone_took_over_was_an_answer(
    vwmon: Command, ward: tuple[Path, Connection], settings: Path
) -> None:
    """Whoever withdraws their own does not withdraw that of the one before; and a handover raises nothing again."""
    path, db = ward

    def accepted(case: Case) -> Case:
        alert = case.alerts[Lane.CLINICAL]
        answer = handover.accept(case, alert, Act(actor="bea", now_ms=round(22.3 * HOUR)), "ahmed", 1)
        assert answer.refusal is None
        return answer.case

    change(db, 1, done(acts.acknowledge, 22.1), done(handover.offer, 22.2, 1), accepted)
    assert stats(vwmon, path)["reraised"]["alerts"] == 0
    change(db, 1, done(acts.unacknowledge, 22.4))
    assert minutes_at_night(vwmon, path, settings) == [(1, 6.0)]


def test_one_that_ran_out_or_was_outgrown_was_an_answer(
    vwmon: Command, ward: tuple[Path, Connection], settings: Path
) -> None:
    """Only the one that stands is undone."""
    path, db = ward
    outgrown = told(point(22 * 60 + 20, 12))
    change(db, 1, done(acts.acknowledge, 22.1), outgrown, done(acts.acknowledge, 22.5), done(acts.unacknowledge, 22.6))
    assert minutes_at_night(vwmon, path, settings) == [(1, 6.0)]
