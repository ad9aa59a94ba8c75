"""The daemon: the threads that ingest, score, tell, publish, ask, ping and send a canary, and who watches them.

Composition only.

There is one way to stop, and one way to start, which reads everything back from the database. A thread that ends by
itself, with or without an error, ends the process; the service manager starts it again.
"""

import gc
import logging
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

import msgspec

from devices import times, topics
from devices.answers import READ
from vwmon import channels, config, config_changes, metrics, notifier, reaching, rota
from vwmon.asking import Asker
from vwmon.canary import Canary
from vwmon.certificates import Held
from vwmon.clock import Clock
from vwmon.config import Settings
from vwmon.config_duty import Person
from vwmon.errors import ConfigError, VwmonError
from vwmon.held_clock import HeldClock
from vwmon.ingest import Confirmed, DeviceStatus, Ingest
from vwmon.intake.link import Link
from vwmon.intake.session import MqttIntake
from vwmon.merging import MergingLog
from vwmon.notifier import Notifier, Telling
from vwmon.outside import Outside
from vwmon.provenance import Provenance
from vwmon.publisher import Publisher
from vwmon.scorer import Scorer
from vwmon.service import Service
from vwmon.store import anchors, canary, checked, configured, database, hub, monitor, pings, registers, wal
from vwmon.store.checked import LastCheck
from vwmon.store.configured import Configured
from vwmon.store.fresh import Fresh
from vwmon.store.log import LogWriter
from vwmon.store.monitor import CYCLE_STALE_MS, Monitor
from vwmon.store.sole import sole_daemon
from vwmon.store.sqlite import Connection
from vwmon.store.verify import Finding
from vwmon.watch import Surroundings, Watch

IDLE_S = 0.25  # how long the scoring thread waits for a commit before it looks at the time
LOOK_S = 0.25  # how often the threads are looked at
HUNG_LOOKS = 480  # looks in a row without the sender having turned, after which it is taken for dead
STUCK_TURNS = 40  # looks in a row without the ingest loop having turned, after which no watchdog is fed
JOIN_S = 10.0
FAILED_S = 3.0  # for all threads together once one has failed: the process ends within five seconds, whoever hangs
GONE_S, STOPPED_S = 4.5, 25.0  # after which the process is to be gone: by itself, and as it was told to
GC_THRESHOLDS = (100_000, 20, 20)  # a batch makes tens of thousands of tuples, none of them in a circle
STATUS_EXPIRES_S = 60

log = logging.getLogger(__name__)


class ThreadEndedError(VwmonError):
    """A thread of the daemon ended by itself."""


class Daemon:
    """One hub's daemon on one database and one broker."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        service: Service | None = None,
        gone_within: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """Take the settings; nothing is opened before run(). `gone_within` hears, at the end, how soon it must be."""
        self._settings, self._clock = settings, HeldClock(clock)
        self._service = service or Service()
        self._gone_within = gone_within
        self._committed = threading.Event()
        self._scored = threading.Event()
        self._fresh = Fresh()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._pulse = _Pulse()

    def run(self, stop: threading.Event) -> None:
        """Watch the ward until `stop` is set.

        Raises what the database or the configuration is refused for, ConflictError when another daemon is at work on
        it, or ThreadEndedError when a thread ended by itself.
        """
        path = self._settings.store.path
        left = wal.commits(path)
        with ExitStack() as opened:
            writing, scoring, telling, publishing, asking, pinging, sending = (
                opened.enter_context(closing(database.open_writer(path, checked=again)))
                for again in (False, True, True, True, True, True, True)
            )
            opened.enter_context(sole_daemon(path))
            _warn_of_open_files(path)
            before = monitor.read(scoring)
            self._clock.showed(monitor.shown_ms(before))
            with database.told_plainly(path):
                _tell_lost(path, wal.lost(writing, left), self._clock.now_ms())
            known = monitor.had_broker(before)
            intake = MqttIntake(_link(self._settings, known=known), self._clock.now_ms)
            versions = Provenance.of(self._settings, socket.gethostname(), told=True)
            scorer = Scorer(scoring, versions, self._clock.now_ms(), fresh=self._fresh)
            ingest = self._ingest(intake, writing, scorer)
            watch = Watch(scoring, scorer, self._surroundings(intake, ingest, versions))
            sender = self._sender(telling)
            asker = Asker(asking, intake, self._settings.mqtt.prefix, versions.zone, self._clock.now_ms)
            works: dict[str, Callable[[], None]] = {
                "ingest": partial(ingest.run, self._over),
                "scoring": partial(self._score, watch),
                "notifier": partial(sender.run, self._over),
                "publisher": partial(self._publisher(publishing, intake).run, self._over),
                "asking": partial(asker.run, self._over),
                **self._canary(sending, intake),
                **self._outside(pinging),
                **self._metrics(),
            }
            _tell_changed(scoring, self._settings, self._clock.now_ms())
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            self._watch_over(stop, works, lambda: self._look(ingest, watch, intake, sender))
            watch.stopped()

    def _ingest(self, intake: MqttIntake, db: Connection, scorer: Scorer) -> Ingest:
        every_ms = self._settings.ingest.merge_every_ms
        merging = MergingLog(LogWriter(db, self._fresh), lambda: scorer.cursor, every_ms, self._scored)
        return Ingest(
            intake=intake,
            log=merging,
            clock=self._clock,
            on_commit=self._committed.set,
            statuses=partial(_note_statuses, db),
            confirmations=partial(_note_confirmations, db),
            prefix=self._settings.mqtt.prefix,
            made_up=self._settings.canary.device,
            hear=self._clock.hear,
        )

    def _sender(self, db: Connection) -> Notifier:
        """Make what tells people; ConfigError when a channel cannot be used."""
        addresses = channels.load(self._settings)
        telling = Telling(
            addresses=addresses,
            on_duty=partial(_on_duty, self._settings) if self._settings.duty else notifier.everyone(addresses),
            from_level=self._settings.notify.from_level,
        )
        return Notifier(db, telling, self._clock.now_ms)

    def _canary(self, db: Connection, intake: MqttIntake) -> Mapping[str, Callable[[], None]]:
        """Make what sends made-up readings round; nothing where there is no canary."""
        if not self._settings.canary.device:
            with database.atomic(db):
                canary.end(db)
            return {}
        sender = Canary(db, self._settings, self._clock, lambda: intake.connected and self._pulse.scored > 0)
        return {"canary": partial(sender.run, self._over)}

    def _outside(self, db: Connection) -> Mapping[str, Callable[[], None]]:
        """Make what tells somebody outside that the ward is watched; nothing where nobody is to be told."""
        if self._settings.monitor.ping_url_file is None:
            with database.atomic(db):
                pings.end(db)
            return {}
        outside = Outside(db, self._settings, lambda: self._pulse.moves(self._clock.steady_ms()), self._clock)
        return {"outside": partial(outside.run, self._over)}

    def _metrics(self) -> Mapping[str, Callable[[], None]]:
        """Make what gives figures to Prometheus; nothing where nobody asks. ConfigError when it cannot."""
        if self._settings.monitor.metrics is None:
            return {}
        if faults := metrics.faults(self._settings):
            raise ConfigError(*faults)
        try:
            server = metrics.Metrics(self._settings, self._clock.now_ms)
        except OSError as error:
            raise ConfigError(f"monitor.metrics: {error.strerror}") from error
        return {"metrics": partial(server.run, self._over)}

    def _publisher(self, db: Connection, intake: MqttIntake) -> Publisher:
        wards = [ward.id for ward in self._settings.wards]
        return Publisher(db, intake, self._settings.mqtt.prefix, wards, self._clock.now_ms)

    def _surroundings(self, intake: MqttIntake, ingest: Ingest, versions: Provenance) -> Surroundings:
        held = Held(self._settings)
        return Surroundings(
            clock=self._clock,
            link=intake.state,
            last_received_ms=lambda: ingest.counts.last_received_ms,
            software=versions.software,
            config_hash=self._settings.hash,
            limits=self._settings.monitor,
            counts=lambda: ingest.counts,
            free_bytes=lambda: shutil.disk_usage(self._settings.store.path.parent).free,
            anchors=anchors.beside(self._settings.store.path),
            zone=versions.zone,
            checked=LastCheck(self._settings.store.path),
            certificates=lambda: held.endings(intake.state().certificate),
        )

    def _watch_over(
        self, stop: threading.Event, works: Mapping[str, Callable[[], None]], look: Callable[[], None]
    ) -> None:
        """Run all threads until `stop` is set or one of them ends; then end the others."""
        threads = [
            threading.Thread(target=self._guarded, args=(name, work), name=name, daemon=True)
            for name, work in works.items()
        ]
        for thread in threads:
            thread.start()
        while not stop.wait(LOOK_S) and not self._over.is_set():
            look()
        self._gone_within(STOPPED_S if self._failure is None else GONE_S)
        self._service.stopping()
        self._over.set()
        self._committed.set()
        self._join(threads)
        if self._failure is not None:
            raise ThreadEndedError(f"a thread ended: {self._failure!r}") from self._failure

    def _join(self, threads: Sequence[threading.Thread]) -> None:
        """Wait for the threads to end; once one has failed, not long for any that waits for somebody else."""
        until_s = time.monotonic() + FAILED_S
        for thread in threads:
            thread.join(JOIN_S if self._failure is None else max(0.0, until_s - time.monotonic()))

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        """Run a thread's work; however it ends, the daemon is over."""
        try:
            work()
        except BaseException as error:
            log.exception("thread_died name=%s", name)
            self._failure = error
        else:
            if not self._over.is_set():
                log.error("thread_returned name=%s", name)
                self._failure = ThreadEndedError(f"{name} was not told to stop")
        finally:
            self._over.set()

    def _score(self, watch: Watch) -> None:
        while not self._over.is_set():
            if not watch.turn():
                self._committed.wait(IDLE_S)
                self._committed.clear()
            self._pulse.scored += 1
            self._scored.set()

    def _look(self, ingest: Ingest, watch: Watch, intake: MqttIntake, sender: Notifier) -> None:
        """Tell the service manager and the wards how it goes; only what moves is told to be alive.

        A sender that hangs is as good as dead: the daemon ends, as for any thread that ends.
        """
        alive = self._pulse.beats(ingest.counts.turns)
        if intake.connected and self._pulse.scored and sender.turns and not self._pulse.ready:
            self._pulse.ready = True
            log.info("ready")
            self._service.ready("watching")
        if alive:
            self._pulse.alive_ms = self._clock.steady_ms()
            self._service.alive()
        if self._pulse.hangs(sender.turns):
            self._failure = ThreadEndedError("the sender hangs")
            self._over.set()
        if watch.latest is not None:
            self._tell(watch.latest, intake)

    def _tell(self, now: Monitor, intake: MqttIntake) -> None:
        """Publish the monitor's status to each ward, and to the service manager in words."""
        if now.cycle_ms == self._pulse.told_ms:
            return
        self._pulse.told_ms = now.cycle_ms
        self._service.status(f"{now.readings} readings, {now.lag_seconds:.1f} s behind")
        status = {
            "status": "online",
            "time": times.utc(now.cycle_ms or 0),
            "readings": now.readings,
            "lag_seconds": now.lag_seconds,
        }
        for ward in self._settings.wards:
            topic = topics.monitor_status_topic(self._settings.mqtt.prefix, ward.id)
            intake.publish(topic, msgspec.json.encode(status), retain=True, expiry_s=STATUS_EXPIRES_S)


class _Pulse:
    """Whether both threads move: what may feed a watchdog."""

    def __init__(self) -> None:
        self.scored = 0
        self.ready = False
        self.told_ms: int | None = None
        self.alive_ms: int | None = None
        self._before = (0, 0)
        self._still = 0
        self._told = (0, 0)

    def beats(self, turns: int) -> bool:
        """Tell whether the scoring thread completed a turn since the last look, and ingest did not long ago."""
        scored, taken = self._before
        self._before = (self.scored, turns)
        self._still = 0 if turns != taken else self._still + 1
        return self.scored != scored and self._still < STUCK_TURNS

    def moves(self, steady_ms: int) -> bool:
        """Tell whether a watchdog was fed lately; asked by another thread."""
        return self.alive_ms is not None and steady_ms - self.alive_ms <= CYCLE_STALE_MS

    def hangs(self, turns: int) -> bool:
        """Tell whether the sender has not turned for many looks."""
        before, still = self._told
        self._told = (turns, still + 1 if turns == before else 0)
        return self._told[1] >= HUNG_LOOKS


def _on_duty(settings: Settings, ward: str, level: int, tier: int, at_ms: int) -> Sequence[Person] | None:
    if rota.tell_ms(settings, ward, level, at_ms) > at_ms:
        return None
    return rota.on_duty(settings, ward, level, tier, at_ms)


def _note_statuses(db: Connection, said: Sequence[tuple[str, DeviceStatus, int]]) -> None:
    for device, status, at_ms in said:
        registers.record_status(
            db, device, status.status, status.battery_percent, status.firmware, at_ms, clean=status.clean
        )


def _tell_lost(path: Path, lost: int, now_ms: int) -> None:
    """Say that commits which the daemon before this one had made are gone, as a check of the database would."""
    if lost:
        log.error("commits_lost path=%s commits=%d", path, lost)
        checked.keep(path, [Finding(check=wal.WHOLE, sound=False, found=f"{lost} did not")], now_ms)


def _tell_changed(db: Connection, settings: Settings, now_ms: int) -> None:
    """Say which settings are not those that the daemon before this one started with, and keep them for the next.

    Only what can be used comes here. A ward must not go unwatched for it, so that whatever prevents it is said.
    """
    try:
        _keep_changed(db, settings, now_ms)
    except Exception:
        log.exception("settings_not_compared")


def _keep_changed(db: Connection, settings: Settings, now_ms: int) -> None:
    before, flat = configured.last(db), config_changes.flat(settings)
    changes = config_changes.between(before.settings, flat) if before else ()
    for key, was, now in changes:
        log.warning("setting_changed key=%s before=%s after=%s", key, was, now)
    if changes or before is None:
        with database.atomic(db):
            configured.keep(db, Configured(now_ms, settings.hash, flat))


def _warn_of_open_files(path: Path) -> None:
    """Say that everyone may read or write a ward's database, and no more: a ward must not go unwatched for it."""
    with suppress(OSError):
        for file in database.open_to_everyone(path):
            log.warning("open_to_everyone file=%s: chmod o-rwx it", file)


def _note_confirmations(db: Connection, said: Sequence[Confirmed]) -> Sequence[Confirmed]:
    with database.atomic(db):
        return [one for one in said if not _confirms(db, one)]


def _confirms(db: Connection, one: Confirmed) -> bool:
    said = one.confirmation
    return hub.confirm(db, one.device, said.request, said.observed.observed_ms, read=said.state == READ)


def _link(settings: Settings, *, known: bool) -> Link:
    mqtt = settings.mqtt
    return Link(
        host=mqtt.host,
        port=mqtt.port,
        socket=str(mqtt.socket or ""),
        prefix=mqtt.prefix,
        client_id=mqtt.client_id,
        username=mqtt.username,
        password=config.read_password(mqtt),
        tls=reaching.tls_context(mqtt.tls),
        wards=tuple(ward.id for ward in settings.wards),
        known=known,
        window=settings.ingest.receive_maximum,
        batch=settings.ingest.batch,
    )
