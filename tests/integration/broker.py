"""A real mosquitto of one's own for tests: started, stopped, killed and started again on one loopback port."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
DEADLINE_S, LOOK_S = 20.0, 0.01

# Started by root, mosquitto would become a user who may not write into the test's folder.
SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence {persistence}
persistence_location {folder}/
autosave_interval 60
max_inflight_messages {window}
max_queued_messages {queue}
log_type error
user root
{more}
"""


def mosquitto() -> str | None:
    """Find the broker's program; Debian keeps it outside an ordinary user's path."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for a condition; fail with its name when it does not come."""
    pause = threading.Event()
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if true():
            return
        pause.wait(LOOK_S)
    raise AssertionError(f"waited {deadline_s:.0f} s in vain until {what}")


class Broker:
    """One mosquitto, whose port and files outlive its process."""

    def __init__(self, folder: Path, *, persistence: bool, window: int, queue: int, more: str) -> None:
        """Write the settings; start() starts it."""
        self.host, self.port = LOOPBACK, free_port()
        self.folder = folder
        self._settings = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        text = SETTINGS.format(
            port=self.port,
            folder=folder,
            window=window,
            queue=queue,
            persistence=str(persistence).lower(),
            more=more,
        )
        self._settings.write_text(text, encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def store(self) -> Path:
        """The file in which it keeps sessions and what waits in them."""
        return self.folder / "mosquitto.db"

    @property
    def runs(self) -> bool:
        """Whether the process that was started last is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers."""
        assert self.starts(), "the broker ended as soon as it was started"

    def starts(self) -> bool:
        """Start it and wait until it answers; False when it has ended instead, as on a store that it cannot read."""
        program = mosquitto()
        assert program is not None, "install mosquitto: apt-get install mosquitto"
        arguments = [program, "-c", str(self._settings)]
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: not self.runs or self.answers(), "the broker answers")
        return self.runs

    def answers(self) -> bool:
        """Say whether somebody listens on its port."""
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it as a service manager does: what it persists is written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does, to the broker."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(DEADLINE_S)
        self._process = None


@contextmanager
def running_broker(
    folder: Path,
    *,
    persistence: bool = True,
    window: int = 4000,
    queue: int = 2_000_000,
    more: str = "",
) -> Iterator[Broker]:
    """Run a broker with its files in `folder`; nothing of it is left running."""
    broker = Broker(folder, persistence=persistence, window=window, queue=queue, more=more)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
