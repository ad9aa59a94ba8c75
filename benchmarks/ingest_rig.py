"""What a run needs around it: a broker, a ward with its devices, the daemon, and eyes on the daemon."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest_load import WARD

from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.sqlite import Connection

LOOK_S, DEADLINE_S = 0.02, 1800.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 4000
max_queued_messages 2000000
log_type error
"""
CONFIG = """\
[store]
path = "{folder}/vwmon.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[[wards]]
id = "{ward}"
name = "Benchmark"
"""


def wait_for(true: Callable[[], bool], what: str) -> None:
    """Look until it is so; SystemExit with what was waited for when it never is."""
    end = time.monotonic() + DEADLINE_S
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain until {what}")
        time.sleep(LOOK_S)


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Say whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run a mosquitto, and yield its port."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SystemExit("this benchmark needs mosquitto: apt-get install mosquitto")
    port = free_port()
    (folder / "mosquitto.conf").write_text(BROKER.format(port=port), encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")])
    try:
        wait_for(lambda: listens(port), "the broker listens")
        yield port
    finally:
        process.kill()
        process.wait()


def make_ward(path: Path, devices: list[str], since_ms: int, registered_ms: int | None = None) -> None:
    """Make a database in which every device is with a patient since before its first reading.

    Not for long before it: on a ward that has waited for days for its first readings, everything is overdue. Unless
    that was written down later, at `registered_ms`: silence counts from then.
    """
    by = By(actor="benchmark", at_ms=since_ms if registered_ms is None else registered_ms)
    plan = plans.load_all()["general"]
    with closing(database.create(path)) as db, database.atomic(db):
        for name in devices:
            patient = f"patient-{name}"
            registers.admit(db, Admission(patient=patient, ward=WARD, plan=plan, admitted_ms=since_ms), by)
            registers.add_device(db, name, by)
            registers.assign(db, name, patient, since_ms, by)


@dataclass(frozen=True, kw_only=True)
class Look:
    """The daemon at one moment: how far it has stored, scored and alerted, and what it has cost."""

    at_s: float
    cursor: int
    cpu_s: float
    rss_bytes: int


class Daemon:
    """`vwmon run` as a process, on a database of its own."""

    def __init__(self, folder: Path, port: int, ward: Path) -> None:
        """Copy the ward's database and write the configuration."""
        self.folder, self.path = folder, folder / "vwmon.db"
        shutil.copy(ward, self.path)
        self._config = folder / "vwmon.toml"
        self._config.write_text(CONFIG.format(folder=folder, port=port, ward=WARD), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self.reader = database.open_reader(self.path)

    def start(self) -> None:
        """Start it; do not wait for it."""
        arguments = [str(Path(sys.executable).with_name("vwmon")), "run", "--config", str(self._config)]
        with (self.folder / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        """Wait until it is subscribed."""
        said = self.folder / "daemon.log"
        wait_for(lambda: self.alive() and b"broker.connected" in said.read_bytes(), "the daemon is subscribed")

    def alive(self) -> bool:
        """Say that it runs; SystemExit with its last words when it does not."""
        if self._process is not None and self._process.poll() is not None:
            raise SystemExit((self.folder / "daemon.log").read_text(encoding="utf-8")[-3000:])
        return True

    def stop(self) -> None:
        """End it as systemd does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(60):
            raise SystemExit((self.folder / "daemon.log").read_text(encoding="utf-8")[-3000:])

    def kill(self) -> None:
        """End it at once, if it runs, and let go of its database."""
        self.reader.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def look(self, reader: Connection | None = None) -> Look:
        """Look at it: the scorer's cursor moves in the transaction that holds the scores and alerts.

        Another thread than the one that made this has a `reader` of its own.
        """
        assert self._process is not None
        (cursor,) = (reader or self.reader).execute("select cursor from scorer").fetchone()
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        cpu_s = (int(stat[11]) + int(stat[12])) / TICKS
        return Look(at_s=time.monotonic(), cursor=cursor, cpu_s=cpu_s, rss_bytes=int(stat[21]) * PAGE)

    def drain(self, readings: int) -> list[Look]:
        """Look until so many readings are scored; the first look is the first at which some were."""
        looks: list[Look] = []

        def drained() -> bool:
            self.alive()
            now = self.look()
            if now.cursor:
                looks.append(now)
            return now.cursor >= readings

        wait_for(drained, f"{readings} readings are scored")
        return looks
