"""`vwmon replay` into a database: what it refuses, what it says, and that doing it again changes nothing."""

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from devices.payloads import decode
from tests.conftest import Command
from vwmon import replay as engine
from vwmon.store import database, monitor
from vwmon.store.monitor import Monitor

HEAD = "patient,time,vital,value,unit\n"
ROWS = [
    f"{patient},{60 * minute},{vital},{value + 3 * minute % 7},\n"
    for minute in range(0, 300, 30)
    for patient in ("P1", "P2")
    for vital, value in (("heart_rate", 90), ("respiratory_rate", 19), ("spo2", 91))
]
TABLES = {
    "stay": "select stay_no, patient, ward, admitted_ms from stay",
    "log": """select seq, device_no, vital_no, observed_ms, value, received_ms from reading_log union all
        select seq, device_no, vital_no, observed_ms, value, received_ms from reading order by seq""",
    "attempt": "select * from attempt",
    "score": "select * from score",
    "alert": "select * from alert",
    "alert_event": "select * from alert_event",
    "condition": "select * from condition",
    "monitor": "select * from monitor",
    "scorer": "select * from scorer",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording of two patients over five hours."""
    return written(tmp_path / "ward.csv", *ROWS)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where the database is to be."""
    return tmp_path / "replayed.db"


def written(path: Path, *rows: str) -> Path:
    """Write a recording."""
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    return path


def held(db: Path) -> dict[str, list[Any]]:
    """Read all that a replay writes."""
    with closing(database.open_reader(db)) as opened:
        return {name: opened.execute(sql).fetchall() for name, sql in TABLES.items()}


def test_a_recording_becomes_a_ward_at_its_last_moment(vwmon: Command, file: Path, db: Path) -> None:
    """It says what it did and what comes next; the screens trust it and say where it stands."""
    done = vwmon("replay", file, "--db", db, "--start", "2026-11-20T09:00:00Z")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "20 messages of 2 new patients: 60 readings stored, 0 known already, 0 refused.",
        f"The recording ends at 2026-11-20T13:30:00Z. Next: vwmon alerts --db {db}",
    ]
    said = json.loads(vwmon("status", "--db", db, "--json").stdout)
    assert said["reason"] == "RECORDING: stands at 2026-11-20T13:30:00Z"
    assert said["stays"] == 2
    listed = vwmon("alerts", "--db", db, "--json")
    assert listed.exit_code == 0
    assert {row["patient"] for row in json.loads(listed.stdout)} == {"P1", "P2"}


@pytest.mark.hazard("T6")
def test_the_same_recording_again_changes_nothing(vwmon: Command, file: Path, db: Path) -> None:
    """No reading, score, alert or event more."""
    vwmon("replay", file, "--db", db)
    before = held(db)
    again = vwmon("replay", file, "--db", db)
    assert again.stdout.startswith("20 messages of 0 new patients: 0 readings stored, 60 known already, 0 refused.")
    assert held(db) == before


def test_an_interrupted_replay_can_be_gone_on_with(
    vwmon: Command, file: Path, tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut between two batches; run again, the database is that of a replay that nothing cut."""
    monkeypatch.setattr(engine, "AT_ONCE", 3)
    with monkeypatch.context() as cut:
        cut.setattr(engine, "decode", fails_after(7))
        assert vwmon("replay", file, "--db", db).exit_code == 130
    partly = held(db)
    assert 0 < len(partly["log"]) < 60
    assert partly["monitor"] == []
    assert vwmon("replay", file, "--db", db).exit_code == 0
    vwmon("replay", file, "--db", tmp_path / "whole.db")
    whole = held(tmp_path / "whole.db")
    assert len(whole["log"]) == 60
    assert held(db) == whole


def fails_after(messages: int) -> Callable[..., object]:
    """Decode so many messages, then be interrupted."""
    left = iter(range(messages))

    def decoding(payload: bytes, **more: Any) -> object:  # noqa: ANN401 -- as decode takes them
        if next(left, None) is None:
            raise KeyboardInterrupt
        return decode(payload, **more)

    return decoding


def test_several_files_are_one_story(vwmon: Command, tmp_path: Path, db: Path) -> None:
    """In the order of time, whichever file comes first."""
    late = written(tmp_path / "late.csv", *ROWS[30:])
    early = written(tmp_path / "early.csv", *ROWS[:30])
    assert vwmon("replay", late, early, "--db", db).exit_code == 0
    assert vwmon("replay", written(tmp_path / "all.csv", *ROWS), "--db", tmp_path / "one.db").exit_code == 0
    assert held(db) == held(tmp_path / "one.db")


def test_a_shorter_recording_does_not_turn_the_time_back(vwmon: Command, file: Path, tmp_path: Path, db: Path) -> None:
    """The lists stand at the last moment of all that was replayed."""
    vwmon("replay", file, "--db", db)
    vwmon("replay", written(tmp_path / "short.csv", "P3,0,spo2,95,%\n"), "--db", db)
    said = json.loads(vwmon("status", "--db", db, "--json").stdout)
    assert (said["recording_end"], said["stays"]) == ("2001-01-01T04:30:00Z", 3)


def test_a_ward_s_own_database_is_refused(vwmon: Command, file: Path, db: Path) -> None:
    """A recording must not mix with patients who are there: exit code 6, and nothing is written."""
    database.create(db).close()
    with closing(database.open_writer(db)) as opened, database.atomic(opened):
        monitor.beat(opened, live())
    before = held(db)
    done = vwmon("replay", file, "--db", db)
    assert done.exit_code == 6
    assert "is a ward's own database" in done.stderr
    assert held(db) == before


def live() -> Monitor:
    """What a daemon says of itself."""
    return Monitor(
        mode="live",
        started_ms=1,
        cycle_ms=1,
        broker_connected=True,
        broker_since_ms=1,
        last_received_ms=None,
        last_observed_ms=None,
        readings=0,
        lag_seconds=0.0,
        software="0.1",
        config_hash="abc",
    )


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ("bad.csv, row 3", HEAD + "P1,0,spo2,95,%\nP1,soon,spo2,95,%\n"),
        ("bad.csv, row 2: patient is empty", HEAD + ",0,spo2,95,%\n"),
        ("bad.csv: no column", "patient,when\n"),
        ("bad.jsonl, line 1", '{"patient": "P1"\n'),
        ("bad.txt: a recording is one of", ""),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_row(
    vwmon: Command, tmp_path: Path, db: Path, said: str, content: str
) -> None:
    """Exit code 1, and no database: a recording is read to its end before any of it is used."""
    file = tmp_path / re.split("[,:]", said)[0]
    file.write_text(content, encoding="utf-8")
    done = vwmon("replay", file, "--db", db)
    assert done.exit_code == 1
    assert said in done.stderr
    assert not db.exists()


@pytest.mark.parametrize("start", ["2026-11-20T09:00:00", "yesterday"])
def test_a_start_needs_a_zone(vwmon: Command, file: Path, db: Path, start: str) -> None:
    """An hour more or less is a patient's hour: exit code 2, and no database."""
    done = vwmon("replay", file, "--db", db, "--start", start)
    assert done.exit_code == 2
    assert repr(start) in " ".join(done.stderr.split())
    assert not db.exists()


def test_an_empty_recording_says_so(vwmon: Command, tmp_path: Path, db: Path) -> None:
    """It is no error, and no database is made for it."""
    done = vwmon("replay", written(tmp_path / "empty.csv"), "--db", db)
    assert (done.exit_code, done.stdout) == (0, "The recording is empty.\n")
    assert not db.exists()


def test_a_recording_that_is_not_there_is_an_error_in_words(vwmon: Command, tmp_path: Path, db: Path) -> None:
    """A mistyped name is no traceback."""
    done = vwmon("replay", tmp_path / "none.csv", "--db", db)
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
    assert not db.exists()


MISSING = "SpO2, oxygen, systolic pressure, consciousness, temperature"
BAD = (
    "P1,0,heart_rate,112,bpm\n",
    "P1,0,respiratory_rate,16,/min\n",
    "P1,1200,spo2,120,%\n",
    "P1,1200,gcs,99,\n",
    "P1,2160,heart_rate,113,bpm\n",
)


def test_a_refused_reading_is_in_the_replayed_alert_with_why(vwmon: Command, tmp_path: Path, db: Path) -> None:
    """Saturation and coma score came as nonsense at minute 20 and no repeat came: what could be is 8, and why.

    What is measured since is said as it is now, and what was refused keeps its own age.
    """
    done = vwmon("replay", written(tmp_path / "bad.csv", *BAD), "--db", db)
    assert "3 readings stored, 0 known already, 2 refused." in done.stdout
    (listed,) = json.loads(vwmon("alerts", "--db", db, "--json").stdout)
    assert (listed["level"], listed["since"], listed["score"]["total_min"]) == (1, "2001-01-01T00:20:00Z", 2)
    assert listed["why"] == [
        f"NEWS2 2 to 16 (2 of 7 measured; missing {MISSING}), 0 s ago",
        "could be 8 with what is overdue or was refused",
        "SpO2 refused (120 %), 16 min ago",
        "consciousness refused (99), 16 min ago",
        "heart rate 113 /min scored 2, 0 s ago",
    ]
    shown = json.loads(vwmon("alerts", "show", listed["id"], "--db", db, "--json").stdout)
    assert shown["evidence"]["refused"]["consciousness"] == {"age_ms": 0, "sent": "99"}
    assert json.loads(vwmon("status", "--db", db, "--json").stdout)["readings"] == 3
    assert len(json.loads(vwmon("readings", "--db", db, "--json").stdout)) == 3
    (patient,) = json.loads(vwmon("patients", "--db", db, "--json").stdout)
    assert patient["last_reading_at"] == "2001-01-01T00:36:00Z"


def test_attempts_are_the_same_however_a_replay_is_cut(
    vwmon: Command, tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one go, message by message, and with a second run of the file that changes nothing."""
    bad = written(tmp_path / "bad.csv", *BAD, *ROWS)
    vwmon("replay", bad, "--db", tmp_path / "whole.db")
    monkeypatch.setattr(engine, "AT_ONCE", 1)
    for _ in range(2):
        assert vwmon("replay", bad, "--db", db).exit_code == 0
        assert but_numbers(held(db)) == but_numbers(held(tmp_path / "whole.db"))
    assert len(held(db)["attempt"]) == 2


def but_numbers(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out when rows were recorded, which is the end of their batch, and the numbers of events between stays."""
    attempts_ = [row[:6] + row[7:] for row in tables["attempt"]]
    events = sorted((row[1:] for row in tables["alert_event"]), key=repr)
    return tables | {"attempt": attempts_, "alert_event": events}


def test_an_alert_on_what_was_refused_is_explained_to_the_bit(vwmon: Command, tmp_path: Path, db: Path) -> None:
    """Made again from the log alone, with what came in place of the values."""
    vwmon("replay", written(tmp_path / "bad.csv", *BAD), "--db", db)
    (listed,) = json.loads(vwmon("alerts", "--db", db, "--json").stdout)
    done = vwmon("explain", listed["id"], "--db", db, "--json")
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert [one for one in record["compared"] if not one["equal"]] == []
    assert record["score"]["refused"]["spo2"] == {"age_seconds": 0.0, "sent": "120 %"}
    page = vwmon("explain", listed["id"], "--db", db).stdout
    assert max(map(len, page.splitlines())) <= 80
    assert "could be 8 with what is overdue or was refused" in " ".join(page.split())
    assert "\n  SpO2 refused (120 %), 0 s before\n" in page
    assert "A good reading of SpO2 or consciousness might have." in " ".join(page.split())
