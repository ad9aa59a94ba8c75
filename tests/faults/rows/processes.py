"""F19, F20: a daemon that stands still, and an exception in each of its threads: nobody may take it for watching."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.store import database

CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[[wards]]
id = "resp"
name = "Respiratory"
"""
NOTICED_S, ENDED_S, NOT_TRUSTED, MONITORED = 60, 5, 4, 0
STARTED_S, AT_ONCE = 60, 20
# One turn of each thread goes wrong, some turns after the start; the notifier has none where nobody is told.
FAILING = {
    "ingest": "vwmon.ingest.Ingest.step",
    "scoring": "vwmon.watch.Watch.turn",
    "notifier": "vwmon.notifier.Notifier.run",
    "publisher": "vwmon.publisher.Publisher.turn",
}
FAIL = """
import pkgutil, sys, time
name, turns = sys.argv.pop(1), int(sys.argv.pop(1))
owner, _, method = name.rpartition(".")
thing = pkgutil.resolve_name(owner)
well, turn = getattr(thing, method), [0]

def failing(*arguments, **named):
    turn[0] += 1
    if turn[0] > turns:
        print(time.time(), flush=True)
        raise RuntimeError("planted")
    return well(*arguments, **named)

setattr(thing, method, failing)
from vwmon.cli import main
main()
"""


def stopped(trial: Trial) -> Tally:
    """Stop so many daemons, a number of them at once, as one does with a process that hangs; then let them go on."""
    waves = [range(first, min(first + AT_ONCE, trial.runs)) for first in range(0, trial.runs, AT_ONCE)]
    return added([_wave(trial.folder, wave) for wave in waves])


def _wave(place: Path, numbers: range) -> Tally:
    with ExitStack() as running:
        broker = running.enter_context(running_broker(place))
        folders = [_folder(place / f"hub-{number}", broker, number) for number in numbers]
        daemons = [running.enter_context(_daemon(folder)) for folder in folders]
        wait_until(partial(_all_say, folders, MONITORED), "all daemons monitor", NOTICED_S)
        for daemon in daemons:
            daemon.send_signal(signal.SIGSTOP)
        noticed = _in_time(folders, NOT_TRUSTED)
        for daemon in daemons:
            daemon.send_signal(signal.SIGCONT)
        back = _in_time(folders, MONITORED)
    broken = [] if noticed else ["a stopped daemon is still said to monitor"]
    broken += [] if back else ["a daemon that goes on is not said to"]
    return Tally(runs=len(numbers), broken=tuple(broken), said=f"noticed within {NOTICED_S} s by vwmon status")


def failed(trial: Trial) -> Tally:
    """Let each thread of a daemon raise in the middle of its work: the process has to end, and to say so."""
    tallies = []
    with running_broker(trial.folder) as broker:
        for number in range(trial.runs):
            for thread, turn in FAILING.items():
                folder = _folder(trial.folder / f"{thread}-{number}", broker, number)
                tallies.append(_ends(folder, thread, turn, 0 if turn.endswith("run") else number * 3))
    return added(tallies)


def _ends(folder: Path, thread: str, turn: str, turns: int) -> Tally:
    program = [sys.executable, "-c", FAIL, turn, str(turns), "run", "--config", str(folder / "vwmon.toml")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        try:
            said, _ = daemon.communicate(timeout=STARTED_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            return Tally(runs=1, broken=(f"{thread}: the process lives on",))
    late_s = time.time() - float(said or 0)
    if daemon.returncode == 0 or late_s > ENDED_S:
        return Tally(runs=1, broken=(f"{thread}: ended with {daemon.returncode}, {late_s:.0f} s after",))
    return Tally(runs=1)


def _folder(folder: Path, broker: Broker, number: int) -> Path:
    folder.mkdir()
    settings = CONFIG.format(port=broker.port).replace("[[wards]]", f'client_id = "vwmon-{folder.name}"\n[[wards]]')
    (folder / "vwmon.toml").write_text(settings.replace('"resp"', f'"resp-{number}"'), encoding="utf-8")
    database.create(folder / "ward.db").close()
    return folder


@contextmanager
def _daemon(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    program = [sys.executable, "-m", "vwmon", "run", "--config", str(folder / "vwmon.toml")]
    daemon = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


def _in_time(folders: list[Path], code: int) -> bool:
    try:
        wait_until(partial(_all_say, folders, code), "", NOTICED_S)
    except AssertionError:
        return False
    return True


def _all_say(folders: list[Path], code: int) -> bool:
    return all(_status(folder) == code for folder in folders)


def _status(folder: Path) -> int:
    program = [sys.executable, "-m", "vwmon", "status", "--config", str(folder / "vwmon.toml")]
    return subprocess.run(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode


ROWS = (
    Row(
        id="F19",
        fault="daemon stopped (SIGSTOP), then let go on",
        do=stopped,
        runs={Profile.SMOKE: 1, Profile.CI: 10, Profile.RELEASE: 100},
    ),
    Row(
        id="F20",
        fault="an exception in each thread of the daemon",
        do=failed,
        runs={Profile.SMOKE: 1, Profile.CI: 3, Profile.RELEASE: 50},
        apart=True,
    ),
)
