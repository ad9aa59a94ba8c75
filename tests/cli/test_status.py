"""`vwmon status`: what it answers a person and a probe, for every state a database can be in."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, monitor, pings, reckoning, registers
from vwmon.store.arrivals import Quarantined
from vwmon.store.log import LogWriter
from vwmon.store.monitor import Monitor
from vwmon.store.reckoning import Reckoning

END_MS = 1_795_165_200_000
SECOND = 1_000
STATE = {
    "mode",
    "broker_connected",
    "started_at",
    "cycle_at",
    "broker_since",
    "last_received_at",
    "last_observed_at",
    "recording_end",
    "stopped_at",
    "readings",
    "lag_seconds",
    "software",
    "config_hash",
}
COUNTS = {"stays", "alerts_open", "alerts_level_3", "alerts_unowned", "quarantined", "sequence_gaps_open"}
TOLD = {"people_are_told", "notifications_waiting", "notifications_oldest_seconds", "nobody_reachable_since"}
OUTSIDE = {
    "outside_is_told",
    "ping_answered_at",
    "ping_trouble",
    "canary",
    "canary_came_round_at",
    "canary_trouble",
}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A new database, on which no daemon has run."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    return path


def beat(db: Path, ago_ms: int = 0, **changes: object) -> None:
    """Say what a daemon would have said so long ago, connected since an hour."""
    now_ms = Clock().now_ms() - ago_ms
    fields: dict[str, Any] = {
        "mode": "live",
        "started_ms": now_ms - 3_600 * SECOND,
        "cycle_ms": now_ms,
        "broker_connected": True,
        "broker_since_ms": now_ms - 3_600 * SECOND,
        "last_received_ms": None,
        "last_observed_ms": None,
        "readings": 12,
        "lag_seconds": 0.5,
        "software": "0.1",
        "config_hash": "abc",
    }
    with closing(database.open_writer(db)) as opened, database.atomic(opened):
        monitor.beat(opened, Monitor(**(fields | changes)))


def answer(vwmon: Command, db: Path) -> tuple[int, dict[str, Any]]:
    """Ask; give the exit code and the answer."""
    done = vwmon("status", "--db", db, "--json")
    return done.exit_code, json.loads(done.stdout)


def test_a_database_without_a_daemon_is_not_monitored(vwmon: Command, db: Path) -> None:
    """Exit code 4, the reason, and what is known all the same."""
    code, said = answer(vwmon, db)
    assert code == 4
    assert (said["monitoring"], said["stays"]) == (False, 0)
    assert said["reason"] == "NOT MONITORING: no daemon has run on this database; start it with: vwmon run"
    assert said.keys() == {"monitoring", "reason"} | COUNTS | TOLD | OUTSIDE


def test_a_daemon_at_work_is_monitoring(vwmon: Command, db: Path) -> None:
    """Exit code 0, and every field that a probe may ask for; times in UTC, None for what never was."""
    beat(db, last_received_ms=END_MS)
    code, said = answer(vwmon, db)
    assert (code, said["monitoring"], said["reason"]) == (0, True, "monitoring")
    assert said.keys() == {"monitoring", "reason"} | STATE | COUNTS | TOLD | OUTSIDE
    assert (said["mode"], said["broker_connected"], said["readings"], said["lag_seconds"]) == ("live", True, 12, 0.5)
    assert (said["last_received_at"], said["last_observed_at"], said["stopped_at"]) == (
        "2026-11-20T09:00:00Z",
        None,
        None,
    )


@pytest.mark.hazard("H5", "H20")
@pytest.mark.parametrize(
    ("ago_ms", "changes", "reason"),
    [
        (40 * SECOND, {}, "NOT MONITORING: nothing has been scored for 4"),
        (0, {"broker_connected": False}, "NOT MONITORING: no connection to the broker for 1 h"),
        (90 * SECOND, {"stopped_ms": 1}, "NOT MONITORING: the daemon was stopped"),
        (-3_600 * SECOND, {}, "NOT MONITORING: "),
    ],
)
def test_what_must_not_be_trusted_is_exit_code_4(
    vwmon: Command, db: Path, ago_ms: int, changes: dict[str, object], reason: str
) -> None:
    """A hung scorer, a broker that is away, a daemon that was stopped, a clock from the future."""
    beat(db, ago_ms, **changes)
    code, said = answer(vwmon, db)
    assert (code, said["monitoring"]) == (4, False)
    assert said["reason"].startswith(reason)


def test_a_short_absence_of_the_broker_is_no_alarm(vwmon: Command, db: Path) -> None:
    """A reconnect takes seconds; the field says it, the exit code does not."""
    beat(db, broker_connected=False, broker_since_ms=Clock().now_ms())
    code, said = answer(vwmon, db)
    assert (code, said["broker_connected"]) == (0, False)


def test_a_recording_is_trusted_and_not_monitored(vwmon: Command, db: Path) -> None:
    """It stands at its last moment, however long ago: exit code 0, and no claim that a ward is watched."""
    beat(db, 99 * 86_400 * SECOND, mode="recording", broker_connected=False, recording_end_ms=END_MS)
    code, said = answer(vwmon, db)
    assert (code, said["monitoring"], said["mode"]) == (0, False, "recording")
    assert said["reason"] == "RECORDING: stands at 2026-11-20T09:00:00Z"
    assert said["recording_end"] == "2026-11-20T09:00:00Z"


def test_the_counts_are_those_of_the_ward_now(vwmon: Command, db: Path) -> None:
    """Stays that are open, and what was refused."""
    by = By(actor="test", at_ms=END_MS)
    with closing(database.open_writer(db)) as opened:
        for patient in ("p1", "p2"):
            wanted = Admission(
                patient=patient, ward="resp", plan=plans.load("general"), admitted_ms=END_MS, born="1950-01-01"
            )
            registers.admit(opened, wanted, by)
        registers.discharge(opened, "p1", "recovered", END_MS, by)
        rubbish = Quarantined(topic="x", device=None, reason="not_json", detail="", payload=b"?", received_ms=END_MS)
        LogWriter(opened).append((), [rubbish], END_MS)
    said = answer(vwmon, db)[1]
    assert (said["stays"], said["quarantined"], said["alerts_open"], said["sequence_gaps_open"]) == (1, 1, 0, 0)


def test_people_read_it_as_lines(vwmon: Command, db: Path) -> None:
    """The same answer in words, within eighty columns."""
    beat(db)
    done = vwmon("status", "--db", db)
    assert done.exit_code == 0
    assert "monitoring" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_a_missing_database_is_said_to_be_missing(vwmon: Command, tmp_path: Path) -> None:
    """Not that nobody monitors: there is nothing that could be; and none is made."""
    done = vwmon("status", "--db", tmp_path / "none.db")
    assert done.exit_code == 3
    assert not (tmp_path / "none.db").exists()


def test_what_became_of_all_that_was_received_is_shown(vwmon: Command, db: Path) -> None:
    """As a daemon reckoned it last; and whether somebody outside is told, and what hinders that."""
    beat(db)
    numbers = dict.fromkeys(Reckoning.__slots__, 0) | {"at_ms": END_MS, "readings": 12, "stored": 11, "lost": 1}
    with closing(database.open_writer(db)) as opened, database.atomic(opened):
        reckoning.write(opened, Reckoning(**numbers))
        pings.begin(opened)
        pings.answered(opened, END_MS)
        pings.withheld(opened, "withheld: no connection to the broker")
    code, said = answer(vwmon, db)
    assert (code, said["reckoned_at"], said["unaccounted_for"]) == (0, "2026-11-20T09:00:00Z", 1)
    assert (said["received_readings"], said["stored_readings"], said["breaches_without_alert"]) == (12, 11, 0)
    assert (said["outside_is_told"], said["ping_answered_at"]) == (True, "2026-11-20T09:00:00Z")
    assert said["ping_trouble"] == "withheld: no connection to the broker"
