"""What a daemon had come to each time that it was killed, and how long it took to be ready.

What a kill leaves is looked at in a copy: to open it might mend what the daemon's next start has to find.
"""

import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.faults.daemon import Daemon
from tests.integration.broker import wait_until
from vwmon.store import database

READY = "vwmon.daemon ready\n"
READY_WISH_S, READY_MOST_S = 5, 20
LEAST = 10  # kills, among which there is one of each kind
REACHED = """select merged_seq, (select coalesce(max(event_no), 0) from alert_event
    join alert using (alert_no) where lane = 'clinical') from log"""


@dataclass(frozen=True, kw_only=True)
class Life:
    """Whether a daemon that was killed had said that it was ready, and had merged or moved an alert since its start."""

    ready: bool
    merged: bool
    alerted: bool


KINDS: Mapping[str, Callable[[Life], bool]] = {
    "before it was ready": lambda life: not life.ready,
    "when it was ready": lambda life: life.ready,
    "after a merge of its own": lambda life: life.merged,
    "after an alert of its own": lambda life: life.alerted,
}


class Lives:
    """One daemon, killed and started again and again.

    To be ready within five seconds is the wish for a machine that does nothing else. Rows run beside each other and
    beside other work, where a start may take three times as long; what takes more than the bound is a start that hangs.
    """

    def __init__(self, daemon: Daemon) -> None:
        """Begin with a daemon that has just been started."""
        self._daemon = daemon
        self._reached = (0, 0)
        self._said, self._started = 0, time.monotonic()
        self._is_timed = False
        self.over: list[Life] = []
        self.ready_s: list[float] = []
        self.late = 0

    def start(self) -> None:
        """Start it again."""
        self._said, self._started = len(self._daemon.log()), time.monotonic()
        self._is_timed = False
        self._daemon.start()

    def kill(self) -> None:
        """Kill it, and look how far it had come."""
        self._daemon.end(signal.SIGKILL)
        before, self._reached = self._reached, _reached(self._daemon.path)
        merged, alerted = (now > then for now, then in zip(self._reached, before, strict=True))
        self.over.append(Life(ready=self._is_ready(), merged=merged, alerted=alerted))

    def until_ready(self) -> None:
        """Wait until it has said that it is ready, and note how long that took; or that it takes too long."""
        if self._is_timed:
            return
        self._is_timed = True
        if self._is_ready():
            return
        try:
            wait_until(self._is_ready, "the daemon is ready", self._started + READY_MOST_S - time.monotonic())
            self.ready_s.append(time.monotonic() - self._started)
        except AssertionError:
            self.late += 1

    def said(self) -> str:
        """Tell what was killed, and how long the starts took that were waited for."""
        if not self.over:
            return ""
        fell = ", ".join(f"{count} {kind}" for kind, count in self._fell().items())
        return f"killed {fell}{self._took()}"

    def broken(self) -> Sequence[str]:
        """Name the kinds of kills that there were none of, and starts that took too long."""
        late = [f"not ready within {READY_MOST_S} s of its start"] if self.late else []
        if len(self.over) < LEAST:
            return late
        return [*late, *(f"no kill fell {kind}" for kind, count in self._fell().items() if not count)]

    def _fell(self) -> Mapping[str, int]:
        return {kind: sum(map(is_one, self.over)) for kind, is_one in KINDS.items()}

    def _took(self) -> str:
        if not self.ready_s:
            return ""
        slow = sum(taken > READY_WISH_S for taken in self.ready_s)
        return f"; ready within {max(self.ready_s):.1f} s, {slow} of {len(self.ready_s)} over {READY_WISH_S} s"

    def _is_ready(self) -> bool:
        return READY in self._daemon.log()[self._said :]


def _reached(path: Path) -> tuple[int, int]:
    """Give how far the log is merged and the last event of a patient's alert, as a kill has left them."""
    folder = path.with_name("left")
    folder.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        if file.is_file() and not file.name.endswith("-shm"):
            shutil.copy(file, folder)
    try:
        with closing(database.open_reader(folder / path.name)) as db:
            merged_seq, event_no = db.execute(REACHED).fetchone()
            return int(merged_seq), int(event_no)
    finally:
        shutil.rmtree(folder)
