"""F1, F3, F4, F25: processes killed while readings flow, and a broker that comes back with nothing of what it knew.

Real processes and a real broker; the devices are the simulator's, behind the spool that resends until the receipt. A
kill comes after a seeded random number of receipts since the last one, so that it falls anywhere in the work.
"""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from devices.client import Hub, message_id
from tests.faults import ward
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.ward import Load
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.store import database, scores

MOST = 960_000
AT_ONCE, WAITING = 2_000, 1_000  # more is given to the devices whenever fewer wait, however fast the daemon is
LEAST = 9_600
BETWEEN = (1, 120)  # receipts between two kills
CONFIG = """\
[store]
path = "vwmon.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[ingest]
merge_every = "1s"
[[wards]]
id = "kills"
name = "Kills"
"""


class Daemon:
    """`vwmon run` as a process that can be killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        """Write the settings; start() starts it."""
        self._settings = folder / "vwmon.toml"
        self._settings.write_text(CONFIG.format(port=port), encoding="utf-8")
        self._log = folder / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, and do not wait for it."""
        program = [sys.executable, "-m", "vwmon", "run", "--config", str(self._settings)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(program, stdout=log, stderr=log)

    def end(self, how: signal.Signals) -> None:
        """End the process, which must not have ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        self._process.send_signal(how)
        self._process.wait(30)


@contextmanager
def running_daemon(folder: Path, port: int) -> Iterator[Daemon]:
    """Run a daemon, and end it as a service manager does."""
    daemon = Daemon(folder, port)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.end(signal.SIGTERM)


def kill(trial: Trial, victims: Sequence[str]) -> Tally:
    """Kill these one after the other while readings flow; then compare with a run that nothing disturbed."""
    folder, devices = trial.folder, ward.fleet(trial.seed)
    start_ms = ward.start_of(MOST)
    load = Load(devices, start_ms, MOST)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with (
        running_broker(folder, more="set_tcp_nodelay true") as broker,
        running_daemon(folder, broker.port) as daemon,
        Hub("127.0.0.1", broker.port, ward.WARD, folder / "spool", client_id="kills", resend_after=1.0) as hub,
    ):
        _give(hub, load, min(LEAST, len(victims) * BETWEEN[1]))
        _kill_each(victims, hub, load, _means(daemon, broker), random.Random(trial.seed))
        assert hub.run_until_receipted(120), f"{hub.pending()} messages without a receipt: {hub.trouble}"
        _wait_until_scored(folder / "vwmon.db")
    with closing(ward.undisturbed(folder / "undisturbed.db", start_ms, devices, load.sent)) as should_be:
        tally = ward.compared(folder / "vwmon.db", should_be, load.sent, len(victims))
        raised = should_be.execute("select count(*) from alert where lane = 'clinical'").fetchone()[0]
    return Tally(
        runs=tally.runs,
        lost=tally.lost,
        doubled=tally.doubled,
        broken=tally.broken,
        said=f"{len(load.sent):,} messages, {raised} clinical alerts",
    )


def _means(daemon: Daemon, broker: Broker) -> dict[str, "Means"]:
    return {
        "daemon": Means(daemons=(daemon,)),
        "broker": Means(brokers=(broker,)),
        "both": Means(daemons=(daemon,), brokers=(broker,)),
        "memory": Means(brokers=(broker,), forgets=True),
    }


class Means:
    """What is killed together, and started again; a broker that `forgets` has lost its file as well."""

    def __init__(
        self, daemons: Sequence[Daemon] = (), brokers: Sequence[Broker] = (), *, forgets: bool = False
    ) -> None:
        """Name the processes."""
        self._daemons, self._brokers, self._forgets = daemons, brokers, forgets

    def act(self) -> None:
        """Kill them all, then start them in the order in which a machine does."""
        for daemon in self._daemons:
            daemon.end(signal.SIGKILL)
        for broker in self._brokers:
            broker.kill()
            if self._forgets:
                (broker.folder / "mosquitto.db").unlink(missing_ok=True)
            broker.start()
        for daemon in self._daemons:
            daemon.start()


def _kill_each(victims: Sequence[str], hub: Hub, load: Load, means: dict[str, Means], chance: random.Random) -> None:
    for victim in victims:
        if hub.pending() < WAITING:
            _give(hub, load, AT_ONCE)
        left = hub.pending() - chance.randint(*BETWEEN)
        wait_until(partial(_fewer, hub, left), "readings are receipted again", 60)
        means[victim].act()


def _give(hub: Hub, load: Load, count: int) -> None:
    hub.enqueue_all((one.device, one.payload, message_id(one.payload)) for one in load.more(count))


def _fewer(hub: Hub, left: int) -> bool:
    return hub.pending() <= left


def _wait_until_scored(path: Path) -> None:
    def scored() -> bool:
        with closing(database.open_reader(path)) as db:
            return bool(scores.cursor(db) == db.execute("select last_seq from log").fetchone()[0])

    wait_until(scored, "the log is scored to its end", 60)


def _every(victim: str, trial: Trial) -> Tally:
    return kill(trial, [victim] * trial.runs)


def _row(number: str, fault: str, victim: str, ci: int, release: int) -> Row:
    runs = {Profile.SMOKE: 2, Profile.CI: ci, Profile.RELEASE: release}
    return Row(id=number, fault=fault, do=partial(_every, victim), runs=runs)


ROWS = (
    _row("F1", "daemon killed at random under load", "daemon", 60, 1000),
    _row("F3", "broker killed at random under load", "broker", 30, 500),
    _row("F4", "daemon and broker killed together", "both", 10, 300),
    _row("F25", "broker killed, its store gone when it starts", "memory", 5, 100),
)
