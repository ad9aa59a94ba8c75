"""The demonstration: a broker, simulated patients, the daemon and the work list in one process, on a fast clock.

Everything is real but the patients. All of it lies in one folder, which is removed at the end unless it is kept.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devices.client import Hub
from devices.simulator import live
from devices.simulator.fleet import Fleet
from vwmon.broker import LOOPBACK, local_broker
from vwmon.clock import Clock, ScaledClock
from vwmon.config import Mqtt, Settings, Store
from vwmon.config_duty import Ward
from vwmon.daemon import Daemon
from vwmon.errors import VwmonError
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, facts, registers
from vwmon.store.sqlite import Connection

WARD, PATHWAY, ACTOR = "demo", "acute-respiratory", "demo"
BORN = "1948-06-01"
ROUND_MINUTES = 5.0
PACE, ONSET_HOURS = 16.0, 0.3  # a day's decline within the two hours shown, each patient's at another time
LOOK_S = 0.5
JOIN_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for: how many patients, how many times real time, and for how many seconds of it."""

    patients: int
    speed: float
    duration_s: float
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a screen needs to show the demonstration: the database, its time and pace, and which broker it is."""

    db: Path
    clock: Clock
    speed: float
    broker: str


@contextmanager
def stage(keep: Path | None) -> Iterator[Path]:
    """Give the demonstration its folder: the one to keep, or one that is gone at the end."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="vwmon-demo-") as folder:
        yield Path(folder)


@contextmanager
def playing(wanted: Wanted, folder: Path, start_ms: int) -> Iterator[tuple[Scene, Callable[[], bool]]]:
    """Run broker, daemon and devices; give the scene, and whether all of them still run.

    On leaving, everything is stopped again; what ended by itself is raised.
    """
    fleet = Fleet(
        patients=wanted.patients, seed=wanted.seed, spot_minutes=ROUND_MINUTES, pace=PACE, onset_hours=ONSET_HOURS
    )
    with local_broker(folder) as (port, broker):
        settings = _settings(folder, port)
        clock = ScaledClock(start_ms, wanted.speed)
        with closing(database.create(settings.store.path)) as db:
            _admit(db, fleet, start_ms)
        parts = _Parts()
        parts.start("daemon", Daemon(settings, clock).run)
        parts.start("devices", _Devices(fleet, settings, clock, wanted.speed, folder).run)
        try:
            yield Scene(db=settings.store.path, clock=clock, speed=wanted.speed, broker=broker), parts.running
        finally:
            parts.stop()


class _Parts:
    """The threads of the demonstration, which end together."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    def start(self, name: str, work: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def running(self) -> bool:
        """Wait a little; tell whether nothing has ended."""
        return not self._over.wait(LOOK_S)

    def stop(self) -> None:
        """End all threads; raise what ended one of them before."""
        self._over.set()
        for thread in reversed(self._threads):
            thread.join(JOIN_S)
        if self._failure is not None:
            raise VwmonError(f"the demonstration ended: {self._failure}") from self._failure

    def _guarded(self, work: Callable[[threading.Event], None]) -> None:
        try:
            work(self._over)
        except BaseException as error:  # noqa: BLE001 -- raised again by stop()
            self._failure = error
        finally:
            self._over.set()


class _Devices:
    """The simulated devices, over one connection."""

    def __init__(self, fleet: Fleet, settings: Settings, clock: ScaledClock, speed: float, folder: Path) -> None:
        self._fleet, self._clock, self._speed = fleet, clock, speed
        self._port, self._spool = settings.mqtt.port, folder / "spool"

    def run(self, over: threading.Event) -> None:
        start_ms = self._clock.now_ms()
        repeats = live.Repeats(self._fleet, start_ms, self._clock.now_ms)
        with Hub(LOOPBACK, self._port, WARD, self._spool, client_id="demo-devices", on_request=repeats) as hub:
            repeats.outlet = hub
            live.play(
                self._fleet.messages(start_ms), hub, self._clock.now_ms, self._speed, stop=over, told=lambda _: None
            )
            over.wait()


def _settings(folder: Path, port: int) -> Settings:
    return Settings(
        store=Store(path=folder / "vwmon.db"),
        mqtt=Mqtt(host=LOOPBACK, port=port, client_id="vwmon-demo"),
        wards=(Ward(id=WARD, name="Demonstration ward"),),
    )


def _admit(db: Connection, fleet: Fleet, at_ms: int) -> None:
    """Admit a patient for every device of the fleet."""
    by, plan = By(actor=ACTOR, at_ms=at_ms), plans.load(PATHWAY)
    with database.atomic(db):
        for device in fleet.devices():
            patient = f"patient-{device.rpartition('-')[2]}"
            wanted = Admission(patient=patient, ward=WARD, plan=plan, admitted_ms=at_ms, born=BORN)
            stay = registers.admit(db, wanted, by)
            facts.write(db, stay.stay_no, facts.Said(facts.CONSENT, facts.YES, at_ms), by)
            registers.add_device(db, device, by, profile="simulator")
            registers.assign(db, device, patient, at_ms, by)
