"""A recording published to a real broker and taken by a real daemon, beside the same recording replayed.

Both ways lead through the same decoding, log, scores and alerts, so both databases must say the same of the patients.
What differs is when it was known: the replay knows each reading when it was observed, the daemon when it came.
"""

import csv
import gzip
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, Broker, running_broker, wait_until
from vwmon.store import database, monitor
from vwmon.store import scores as stored
from vwmon.store.monitor import Monitor

PATIENTS = 8
SCORED_S = 60.0
READINGS = """select device, vital.name, observed_ms, value, text, raw_value, raw_unit, marks
    from (select device_no, vital_no, observed_ms, value, text, raw_value, raw_unit, marks from reading_log union all
        select device_no, vital_no, observed_ms, value, text, raw_value, raw_unit, marks from reading)
    join device using (device_no) join vital using (vital_no) order by 1, 3, 2, 4"""
REFUSED = "select device, vital, reason, detail, message_id from quarantine order by device, message_id, vital, detail"
ATTEMPTS = """select device.device, vital.name, observed_ms, sent, reason, message_id
    from attempt join device using (device_no) join vital using (vital_no) join quarantine using (quarantine_no)
    order by 1, 3, 2"""
SCORES = """select patient, at_ms, late, total_min, total_max, could_be, red, complete, points_min, points_max, present
    from score join stay using (stay_no) order by patient, at_ms"""
ALERTS = """select patient, lane, state, level, peak, peak_score, since_ms
    from alert join stay using (stay_no) where lane <> 'system' order by patient, ordinal"""
# What the daemon has known for seconds only still waits for a repeat; the replay has seen the wait come to its end.
WAITING = "select patient from condition join stay using (stay_no) where state = 'pending'"


@pytest.fixture(scope="module")
def part(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first patients of the recording, in a file of their own."""
    path = tmp_path_factory.mktemp("part") / "part.csv"
    with gzip.open(recordings / "mimic4demo/vitals.csv.gz", "rt", encoding="utf-8", newline="") as whole:
        reader = csv.DictReader(whole)
        names: dict[str, None] = {}
        with path.open("w", encoding="utf-8", newline="") as kept:
            writer = csv.DictWriter(kept, reader.fieldnames or ())
            writer.writeheader()
            for row in reader:
                names[row["patient"]] = None
                if len(names) > PATIENTS:
                    break
                writer.writerow(row)
    return path


@pytest.fixture(scope="module")
def both(part: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The two databases: one a daemon's that the recording was published to, one that it was replayed into."""
    folder = tmp_path_factory.mktemp("ward")
    live, replayed = folder / "live.db", folder / "replayed.db"
    run(Command(), "replay", part, "--db", replayed)
    with running_broker(folder, more="set_tcp_nodelay true") as broker:
        publish(part, live, configured(folder, live, broker))
    return live, replayed


def publish(part: Path, live: Path, config: Path) -> None:
    """Publish to a daemon, and let it score to the end before it is stopped."""
    run(Command(), "db", "migrate", "--db", live)
    with running_daemon(config, live):
        run(Command(), "replay", part, "--publish", "--config", config)
        wait_until(lambda: scored_to_the_end(live), "every reading is scored", SCORED_S)


def run(vwmon: Command, *arguments: object) -> None:
    """Run a command that must succeed."""
    result = vwmon(*arguments)
    assert result.exit_code == 0, result.output


def configured(folder: Path, live: Path, broker: Broker) -> Path:
    """Write the configuration that daemon and publisher share."""
    path = folder / "vwmon.toml"
    path.write_text(
        f'[store]\npath = "{live}"\n[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\n', encoding="utf-8"
    )
    return path


@contextmanager
def running_daemon(config: Path, db: Path) -> Iterator[None]:
    """Run `vwmon run` until the block ends, by SIGTERM; it must end well. Nothing of it is left running."""
    program = [str(Path(sys.executable).with_name("vwmon")), "run", "--config", str(config)]
    daemon = subprocess.Popen(program, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: daemon.poll() is None and connected(said(db)), "the daemon is connected")
        yield
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(DEADLINE_S) == 0
    finally:
        daemon.kill()
        daemon.wait()


def said(db: Path) -> Monitor | None:
    """Read what the daemon last said of itself."""
    with closing(database.open_reader(db)) as reader:
        return monitor.read(reader)


def connected(state: Monitor | None) -> bool:
    """Say whether the daemon is at work and has its broker."""
    return state is not None and state.broker_connected and state.cycle_ms is not None


def scored_to_the_end(db: Path) -> bool:
    """Say whether the scorer has come to the end of the log."""
    with closing(database.open_reader(db)) as reader:
        (last,) = reader.execute("select last_seq from log").fetchone()
        return bool(0 < last == stored.cursor(reader))


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read one table as people see it."""
    with closing(database.open_reader(path)) as db:
        return [tuple(row) for row in db.execute(sql)]


@pytest.mark.parametrize(
    "sql", [READINGS, REFUSED, ATTEMPTS, SCORES, ALERTS], ids=["readings", "refused", "attempts", "scores", "alerts"]
)
def test_a_published_recording_ends_as_the_replayed_one(both: tuple[Path, Path], sql: str) -> None:
    """The same readings, the same refusals, the same scores, and the same alerts of patients and of their kit."""
    live, replayed = both
    waiting = {patient for (patient,) in rows(live, WAITING)}
    expected, found = (
        [row for row in rows(path, sql) if sql != ALERTS or row[0] not in waiting] for path in (replayed, live)
    )
    assert expected
    assert len(waiting) <= 2
    assert [pair for pair in zip_longest(found, expected) if pair[0] != pair[1]][:3] == []


def test_the_daemon_says_that_it_was_stopped(both: tuple[Path, Path]) -> None:
    """What it leaves behind is a live ward that nobody watches now, with every reading counted; not a recording."""
    live, _ = both
    state = said(live)
    assert state is not None
    assert (state.mode, state.readings) == ("live", len(rows(live, READINGS)))
    assert state.stopped_ms is not None


def test_a_daemons_database_takes_no_recording(both: tuple[Path, Path], part: Path, vwmon: Command) -> None:
    """A recording must not be mixed into a ward's own readings: refused, and nothing changes."""
    live, _ = both
    before = rows(live, READINGS)
    result = vwmon("replay", part, "--db", live)
    assert result.exit_code != 0
    assert "--publish" in result.stderr
    assert rows(live, READINGS) == before


def test_every_alert_of_the_daemons_is_the_same_when_it_is_explained(both: tuple[Path, Path], vwmon: Command) -> None:
    """Made again from the log of what came over the broker, days after it was observed and in a burst."""
    live, _ = both
    names = [name for (name,) in rows(live, "select id from alert where lane <> 'system'")]
    assert names
    assert [name for name in names if vwmon("explain", name, "--db", live).exit_code != 0] == []
