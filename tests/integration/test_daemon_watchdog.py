"""What feeds the watchdog: both threads of a real daemon, held and let go by hand, and what the service manager hears.

The looks of the daemon are the test's own: between two of them the scoring completes a turn or does not.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.integration.broker import DEADLINE_S, free_port
from vwmon.clock import Clock
from vwmon.config import Mqtt, Settings, Store
from vwmon.daemon import STUCK_TURNS, Daemon
from vwmon.ingest import Ingest
from vwmon.intake.session import MqttIntake
from vwmon.service import Service
from vwmon.store import database
from vwmon.watch import Watch

ALIVE, STOPPING = "WATCHDOG=1", "STOPPING=1"


class Manager(Service):
    """A service manager that remembers what it was told."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        super().__init__({})
        self.heard: list[str] = []

    def _tell(self, text: str) -> None:
        self.heard.append(text)


class Held:
    """A thread's turns, one after the other: each waits at its beginning until it is let go, or all are."""

    def __init__(self) -> None:
        """Begin with nobody at the door."""
        self._came, self._goes = threading.Semaphore(0), threading.Semaphore(0)
        self._open = threading.Event()

    def turn(self) -> None:
        """Wait to be let go; on the thread that is held."""
        if not self._open.is_set():
            self._came.release()
            assert self._goes.acquire(timeout=DEADLINE_S)

    def arrived(self) -> None:
        """Wait until a turn begins: the one before it is over."""
        assert self._came.acquire(timeout=DEADLINE_S)

    def once(self) -> None:
        """Let one turn go, and wait until the next begins."""
        self._goes.release()
        self.arrived()

    def over(self) -> None:
        """Let this turn and all to come go."""
        self._open.set()
        self._goes.release()


class Looks(threading.Event):
    """The daemon's word to stop, which comes when the steps are done: one is taken before each look."""

    def __init__(self, steps: Sequence[Callable[[], None]], manager: Manager) -> None:
        """Take the steps; `fed` says of each look how often the watchdog was fed at it."""
        super().__init__()
        self._steps, self._manager = list(steps), manager
        self.counts = [0]

    @property
    def fed(self) -> list[int]:
        """Count what was heard at each look."""
        return [after - before for before, after in zip(self.counts, self.counts[1:], strict=False)]

    def wait(self, timeout: float | None = None) -> bool:
        """Take the next step at once."""
        assert timeout is not None
        self.counts.append(self._manager.heard.count(ALIVE))
        if not self._steps:
            return True
        self._steps.pop(0)()
        return False


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> Held:
    """The turns of the scoring thread, held."""
    held = Held()

    def turn(_watch: Watch) -> bool:
        held.turn()
        return True

    monkeypatch.setattr(Watch, "turn", turn)
    return held


@pytest.fixture
def ingest(monkeypatch: pytest.MonkeyPatch) -> Held:
    """The steps of the ingest thread, held."""
    held = Held()

    def step(self: Ingest, _timeout_s: float) -> None:
        held.turn()
        self.counts = msgspec.structs.replace(self.counts, turns=self.counts.turns + 1)

    monkeypatch.setattr(Ingest, "step", step)
    return held


def looked(folder: Path, *steps: Callable[[], None]) -> tuple[list[int], list[str]]:
    """Run a daemon without a broker through these steps; give how often each look fed the watchdog, and all it said."""
    database.create(folder / "ward.db").close()
    settings = Settings(store=Store(path=folder / "ward.db"), mqtt=Mqtt(host="127.0.0.1", port=free_port()))
    manager = Manager()
    looks = Looks(steps, manager)
    Daemon(settings, Clock(), manager).run(looks)
    return looks.fed[1:], manager.heard


def nothing() -> None:
    """Let nothing go."""


@pytest.mark.hazard("H2", "H20")
def test_only_a_completed_turn_of_the_scoring_feeds_the_watchdog(tmp_path: Path, scoring: Held) -> None:
    """Each look after a completed turn feeds it once; a turn that has only begun, or is stuck, does not."""
    steps = [scoring.arrived, nothing, scoring.once, nothing, nothing, scoring.once, scoring.once, scoring.over]
    fed, _ = looked(tmp_path, *steps)
    assert fed[:-1] == [0, 0, 1, 0, 0, 1, 1]


@pytest.mark.hazard("H2")
def test_an_ingest_that_is_stuck_starves_the_watchdog(tmp_path: Path, scoring: Held, ingest: Held) -> None:
    """A scoring that goes on over a log to which nothing is added is no watched ward; taking again, it is fed."""
    stuck = [scoring.once] * (STUCK_TURNS + 5)

    def both() -> None:
        ingest.once()
        scoring.once()

    def over() -> None:
        ingest.over()
        scoring.over()

    def arrived() -> None:
        ingest.arrived()
        scoring.arrived()

    fed, _ = looked(tmp_path, arrived, both, *stuck, both, scoring.once, over)
    assert fed[:2] == [0, 1]
    assert fed[2:-1] == [1] * (STUCK_TURNS - 1) + [0] * 6 + [1, 1]


@pytest.mark.hazard("H2")
def test_the_service_is_ready_once_something_was_scored(
    tmp_path: Path, scoring: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection alone does not make a watched ward; and it is said once, STOPPING at the end and last."""
    monkeypatch.setattr(MqttIntake, "connected", True)
    said: list[int] = []
    monkeypatch.setattr(Manager, "ready", lambda _manager, status: said.append(len(status)))
    before: list[int] = []

    def counted() -> None:
        before.append(len(said))
        scoring.once()

    _, heard = looked(tmp_path, scoring.arrived, nothing, counted, scoring.once, scoring.over)
    assert (before, len(said)) == ([0], 1)
    assert heard[-1] == STOPPING
    assert heard.count(STOPPING) == 1
