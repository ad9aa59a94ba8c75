"""`vwmon run` as a process that faults are done to, and the devices whose readings flow to it meanwhile.

What is done to them is each row's; what it has to come to is tests.faults.ward's.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from devices.client import Hub, message_id
from tests.faults.ward import Load
from tests.integration.broker import wait_until
from vwmon.store import database, monitor, scores

CONFIG = """\
[store]
path = "vwmon.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[ingest]
merge_every = "1s"
{more}
[[wards]]
id = "kills"
name = "Kills"
"""
AS_IT_IS = ""
# The daemon with something planted in it, which is done before it starts.
PLANTED = """\
import sys
{planted}
from vwmon.cli import main
sys.argv = ["vwmon", "run", "--config", {config!r}]
main()
"""
ENDED_S, RECEIPTED_S, SCORED_S = 30, 120, 60


class Daemon:
    """`vwmon run` as a process that can be killed and started again; `planted` is a fault of its own, in Python."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        more: str = "",
        planted: str = AS_IT_IS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Write the settings, with `more` of them; start() starts it."""
        self._settings = folder / "vwmon.toml"
        self._settings.write_text(CONFIG.format(port=port, more=more), encoding="utf-8")
        self._log = folder / "daemon.log"
        self._planted, self._environment = planted, dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.path = folder / "vwmon.db"

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Tell whether the process that was started last is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """What the process that was started last has ended with; None while it is there."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start the process, and do not wait for it."""
        words = ["-m", "vwmon", "run", "--config", str(self._settings)]
        if self._planted:
            words = ["-c", PLANTED.format(planted=self._planted, config=str(self._settings))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *words], stdout=log, stderr=log, env=os.environ | self._environment
            )

    def end(self, how: signal.Signals) -> None:
        """End the process, which must not have ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        self._process.send_signal(how)
        self._process.wait(ENDED_S)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End the process if it is there, whatever it is about."""
        if self.runs:
            self.end(how)

    def signal(self, what: signal.Signals) -> None:
        """Send the process a signal that does not end it."""
        assert self._process is not None
        self._process.send_signal(what)

    def log(self) -> str:
        """Read what the process has said."""
        return self._log.read_text(encoding="utf-8")

    def connected(self) -> bool:
        """Tell whether the daemon says that it has its broker."""
        with closing(database.open_reader(self.path)) as db:
            said = monitor.read(db)
        return said is not None and said.broker_connected


@contextmanager
def running_daemon(
    folder: Path,
    port: int,
    *,
    more: str = "",
    planted: str = AS_IT_IS,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Daemon]:
    """Run a daemon, and end it as a service manager does."""
    daemon = Daemon(folder, port, more=more, planted=planted, environment=environment)
    daemon.start()
    try:
        yield daemon
    finally:
        if daemon.runs:
            daemon.end(signal.SIGTERM)


class Flow:
    """What the devices have to say, given to their hub so that it never has nothing to send."""

    def __init__(self, hub: Hub, load: Load, *, at_once: int, waiting: int) -> None:
        """Give `at_once` messages whenever fewer than `waiting` wait."""
        self._hub, self._load, self._at_once, self._waiting = hub, load, at_once, waiting

    def give(self, count: int) -> None:
        """Give so many more."""
        self._hub.enqueue_all((one.device, one.payload, message_id(one.payload)) for one in self._load.more(count))

    def until_receipts(self, count: int, deadline_s: float = 60) -> None:
        """Wait until so many more messages have their receipt."""
        if self._hub.pending() < max(self._waiting, count):
            self.give(self._at_once)
        left = self._hub.pending() - count
        wait_until(partial(self._fewer, left), "readings are receipted again", deadline_s)

    def end(self) -> None:
        """Wait until every message has its receipt."""
        told = self._hub.run_until_receipted(RECEIPTED_S)
        assert told, f"{self._hub.pending()} messages without a receipt: {self._hub.trouble}"

    def _fewer(self, left: int) -> bool:
        return self._hub.pending() <= left


def settled(flow: Flow, daemon: Daemon) -> list[str]:
    """Wait until all is receipted and scored by a process that is still there; name what of it does not come."""
    if gone := _gone(daemon):
        return gone
    try:
        flow.end()
        wait_until_scored(daemon.path)
    except AssertionError as in_vain:
        return [str(in_vain)]
    return _gone(daemon)


def _gone(daemon: Daemon) -> list[str]:
    return [] if daemon.runs else [f"the daemon has ended: {daemon.log()[-200:]}"]


def wait_until_scored(path: Path) -> None:
    """Wait until the daemon has scored all that is stored."""

    def scored() -> bool:
        with closing(database.open_reader(path)) as db:
            return bool(scores.cursor(db) == db.execute("select last_seq from log").fetchone()[0])

    wait_until(scored, "the log is scored to its end", SCORED_S)
