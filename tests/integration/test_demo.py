"""The demonstration from outside: what it shows, and that nothing of it is left, however it ends."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from devices.simulator.fleet import Fleet
from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, wait_until
from vwmon import broker
from vwmon.clock import Clock
from vwmon.daemon import Daemon
from vwmon.demo import Scene, Wanted, playing, stage
from vwmon.errors import VwmonError
from vwmon.store import database, monitor

FEW = ("--patients", "3", "--speed", "60")
HOUR_MS = 3_600_000


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The folder that the demonstration's process takes for temporary files, with a name that no other has."""
    folder = tmp_path / f"scratch-{os.getpid()}"
    folder.mkdir()
    return folder


@contextmanager
def started(scratch: Path, *options: object) -> Iterator["subprocess.Popen[str]"]:
    """Start a demonstration of three patients; nothing of it is left running."""
    program = [sys.executable, "-m", "vwmon", "demo", *FEW, *map(str, options)]
    environment = os.environ | {"TMPDIR": str(scratch)}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def processes(folder: Path) -> list[str]:
    """Find the processes that name a folder among their arguments or in their environment as their own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in line:
                found.append(entry.name)
    return found


def scored(folder: Path) -> bool:
    """Say whether the demonstration in a folder has come so far that its daemon scores."""
    for path in folder.rglob("vwmon.db"):
        with closing(database.open_reader(path)) as db:
            return bool(db.execute("select cursor > 0 from scorer").fetchone()[0])
    return False


def nothing_is_left(scratch: Path) -> None:
    """Check that no process and no file remains."""
    wait_until(lambda: processes(scratch) == [], "its processes are gone")
    assert list(scratch.iterdir()) == []


def test_it_shows_a_ward_and_what_to_do_next(scratch: Path) -> None:
    """It ends by itself with the list and the next steps; no process and no file remains."""
    with started(scratch, "--duration", "6s") as demo:
        said, _ = demo.communicate(timeout=3 * DEADLINE_S)
    assert demo.returncode == 0, said
    lines = said.splitlines()
    assert lines[0] == "Starting a broker, 3 simulated patients and the daemon. Ctrl-C ends it."
    assert "DEMONSTRATION, simulated patients, mosquitto: " in said
    assert "What to try next:" in lines
    assert "NOT MONITORING" not in said
    assert "Traceback" not in said
    nothing_is_left(scratch)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted_at_any_time(scratch: Path, how: signal.Signals) -> None:
    """Ctrl-C or a polite kill in the middle: it says so, exits 130, and nothing is left."""
    with started(scratch, "--duration", "1h") as demo:
        wait_until(lambda: scored(scratch), "readings are scored")
        assert len(processes(scratch)) > 1
        demo.send_signal(how)
        said, _ = demo.communicate(timeout=DEADLINE_S)
    assert demo.returncode == 130, said
    assert said.splitlines()[-1] == "Interrupted. Everything has been stopped."
    nothing_is_left(scratch)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_interrupted_before_it_has_begun(scratch: Path, how: signal.Signals) -> None:
    """As soon as it has said that it starts: it says the same at the end, and nothing is left."""
    with started(scratch, "--duration", "1h") as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("Starting a broker")
        demo.send_signal(how)
        said, _ = demo.communicate(timeout=DEADLINE_S)
    assert said == "Interrupted. Everything has been stopped.\n"
    # Interrupted within an exec, of which imports have some, CPython ends by the signal: 130 to a shell too.
    assert demo.returncode in {130, -signal.SIGINT}
    nothing_is_left(scratch)


def test_a_killed_demonstration_leaves_no_process(scratch: Path) -> None:
    """Its broker sees that it is gone."""
    with started(scratch, "--duration", "1h") as demo:
        wait_until(lambda: scored(scratch), "readings are scored")
        demo.kill()
    wait_until(lambda: processes(scratch) == [], "its processes are gone")


def test_a_database_that_is_kept_can_be_looked_at(scratch: Path, tmp_path: Path, vwmon: Command) -> None:
    """Patients and scores are there afterwards, the daemon is said to have stopped, and a second go is refused."""
    kept = tmp_path / "kept"
    with started(scratch, "--duration", "6s", "--keep", kept) as demo:
        assert demo.wait(3 * DEADLINE_S) == 0
    with closing(database.open_reader(kept / "vwmon.db")) as db:
        assert db.execute("select count(*) from stay").fetchone() == (3,)
        assert db.execute("select count(*) > 0 from score").fetchone() == (1,)
        found = monitor.read(db)
    assert found is not None
    assert found.stopped_ms is not None
    assert vwmon("alerts", "--db", kept / "vwmon.db", "--json").exit_code in {0, 4}
    again = vwmon("demo", *FEW, "--keep", kept)
    assert again.exit_code == 2
    nothing_is_left(scratch)


@contextmanager
def three_patients(folder: Path) -> Iterator[Scene]:
    """Play a demonstration in this process."""
    wanted = Wanted(patients=3, speed=60, duration_s=60)
    with playing(wanted, folder, Clock().now_ms() - HOUR_MS) as (scene, running):
        assert running()
        yield scene


def test_without_mosquitto_the_embedded_broker_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same demonstration; its title names the broker."""
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    with three_patients(tmp_path) as scene:
        assert scene.broker == "embedded broker (iotcore)"
        wait_until(lambda: scored(tmp_path), "readings are scored")


def fail(*_: object) -> None:
    """Fail as a part may."""
    raise OSError("the disk is gone")


def parts() -> set[str]:
    """Name the threads of a demonstration that still run."""
    return {thread.name for thread in threading.enumerate()} & {"daemon", "devices", "ingest", "scoring"}


@pytest.mark.parametrize(("owner", "name"), [(Daemon, "run"), (Fleet, "messages")])
def test_what_ends_a_part_of_it_ends_all_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """A daemon or devices that fail are not hidden by a list that stands still."""
    monkeypatch.setattr(owner, name, fail)
    ended: list[str] = []
    with pytest.raises(VwmonError, match="the demonstration ended: the disk is gone"):
        _play_to_the_end(tmp_path, ended)
    assert (ended, parts()) == (["by itself"], set())


def _play_to_the_end(folder: Path, ended: list[str]) -> None:
    wanted = Wanted(patients=1, speed=60, duration_s=60)
    with playing(wanted, folder, Clock().now_ms() - HOUR_MS) as (_, running):
        wait_until(lambda: not running(), "the demonstration has ended")
        ended.append("by itself")


def test_a_part_that_fails_is_the_command_s_failure(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, vwmon: Command
) -> None:
    """Exit code 1 and the reason; no closing list pretends that all was shown, and no file remains."""
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(Daemon, "run", fail)
    result = vwmon("demo", *FEW, "--duration", "20s")
    assert result.exit_code == 1
    assert "the demonstration ended: the disk is gone" in result.stderr
    assert "What to try next:" not in result.stdout
    nothing_is_left(scratch)


def test_a_failure_beside_it_ends_every_part(tmp_path: Path) -> None:
    """Whatever the screen raises: no thread goes on behind it."""
    with pytest.raises(KeyError, match="a failure"):
        _fail_beside_the_parts(tmp_path)
    assert parts() == set()


def _fail_beside_the_parts(folder: Path) -> None:
    with three_patients(folder):
        wait_until(lambda: scored(folder), "readings are scored")
        assert parts() == {"daemon", "devices", "ingest", "scoring"}
        raise KeyError("a failure")


def test_the_stage_is_swept_unless_it_is_kept(tmp_path: Path) -> None:
    """A folder of one's own is made where it is missing, and stays with what is in it."""
    with stage(None) as folder:
        (folder / "x").touch()
    assert not folder.exists()
    with stage(tmp_path / "a" / "b") as folder:
        (folder / "x").touch()
    assert [path.name for path in folder.iterdir()] == ["x"]
