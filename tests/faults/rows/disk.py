"""F7: a disk that is full: the work stops, loses nothing that it said was stored, and goes on when there is room.

It fills up with the write-ahead log; or, where that is written back soon, with the database file itself; or under a
daemon with its broker and devices, which ends or raises its alarm, and is started again by a service manager.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread

from devices.client import Hub
from devices.simulator.fleet import Timed
from tests.faults import mounts, ward
from tests.faults.daemon import AS_IT_IS, Daemon, Flow, running_daemon, settled
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.faults.rows import cuts
from tests.integration.broker import LOOPBACK, running_broker, wait_until
from vwmon.store import database
from vwmon.store.sqlite import Connection

MESSAGES, FLOWING = 3_000, 2_500
PAGE, ENOUGH = 4096, "64m"
LOG_KIB, DATABASE_KIB, DAEMON_KIB = (640, 5_400), (960, 1_600), (1_280, 4_096)
SOONER = "wal_autocheckpoint = 60"  # before the log itself fills a disk on which the database has no room to grow
ALARM_EARLY = "[monitor]\ndisk_free_mb = 1\n"
ALARM = "select 1 from alert where lane = 'system' and reds = 'disk' and cleared_ms is null"
STARTED_S, FULL_S, TOLD_S, AGAIN_S = 60, 60, 60, 60
RESTART_S, STAYS_S = 1.0, (0, 5)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One ward's work, the same messages however often it is done, and what it must come to."""

    folder: Path
    fresh: Path
    seed: int
    start_ms: int
    sent: Sequence[Timed]
    should_be: Connection
    planted: str

    def done(self, path: Path, *pragmas: str) -> subprocess.CompletedProcess[str]:
        """Do it, as far as there is room."""
        program = [sys.executable, "-m", "tests.faults.subject", str(path), str(self.seed), str(self.start_ms)]
        program += [str(MESSAGES), *pragmas]
        return subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)


def full(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Fill a small disk up, in one way after the other, each time at another place; then give it room.

    What is planted in the daemon is a fault to be found.
    """
    devices, start_ms, chance = ward.brief(trial.seed), ward.start_of(100 * MESSAGES), random.Random(trial.seed)
    fresh = trial.folder / "fresh.db"
    ward.make(fresh, start_ms, devices)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    with closing(ward.undisturbed(trial.folder / "undisturbed.db", start_ms, devices, sent)) as should_be:
        work = Work(
            folder=trial.folder,
            fresh=fresh,
            seed=trial.seed,
            start_ms=start_ms,
            sent=sent,
            should_be=should_be,
            planted=planted,
        )
        names = [WAYS[number % len(WAYS)] for number in range(trial.runs)]
        tallies = [_one(work, name, chance) for name in names]
    said = ", ".join(f"{names.count(name)} in {name}" for name in dict.fromkeys(names))
    return added([*tallies, Tally(runs=0, said=said)])


def _one(work: Work, name: str, chance: random.Random) -> Tally:
    tally = DONE[name](work, chance)
    return Tally(
        runs=1, lost=tally.lost, doubled=tally.doubled, broken=tuple(f"{name}: {what}" for what in tally.broken)
    )


def _log(work: Work, chance: random.Random) -> Tally:
    """Let the log grow until there is no room."""
    return _stopped(work, chance.randrange(*LOG_KIB))


def _database(work: Work, chance: random.Random) -> Tally:
    """Let the log be written back often, so that it is the database that finds no room."""
    return _stopped(work, chance.randrange(*DATABASE_KIB), SOONER, met=_has_no_room_to_grow)


def _stopped(work: Work, kib: int, *pragmas: str, met: Callable[[Path, Path], bool] = lambda *_: True) -> Tally:
    """Do the work on a disk of this size until it is full, then with room; `met` is what must be there between."""
    with _small_disk(work.folder / "disk", kib) as disk:
        path = disk / "ward.db"
        shutil.copy(work.fresh, path)
        stopped = work.done(path, *pragmas)
        ended = stopped.returncode != 0 and "Traceback" in stopped.stderr
        broken = ("it went on in silence",) * (not ended)
        broken += ("it was not that which had no room",) * (not met(path, work.fresh))
        receipted = int(stopped.stdout.split()[-1]) if stopped.stdout else 0
        lost = ward.missing(path, work.sent[:receipted])
        _give_room(disk)
        again = work.done(path, *pragmas)
        broken += (f"with room it cannot go on: {_last_line(again.stderr)}",) * (again.returncode != 0)
        whole = ward.compared(path, work.should_be, work.sent, 1)
    return Tally(runs=1, lost=lost + whole.lost, doubled=whole.doubled, broken=broken + whole.broken)


def _has_no_room_to_grow(path: Path, fresh: Path) -> bool:
    """Tell whether a database has grown, and what is committed takes more than it may still grow."""
    with closing(database.open_reader(path)) as db:
        (pages,) = db.execute("pragma page_count").fetchone()
    size = path.stat().st_size
    return size > fresh.stat().st_size and pages * PAGE - size > _free(path.parent)


def _daemon(work: Work, chance: random.Random) -> Tally:
    """Let readings flow to a daemon until its disk is full: it is told, and with room all of them are stored."""
    folder, devices = work.folder / "daemon", ward.brief(work.seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    load = ward.Load(devices, work.start_ms, MESSAGES * 2)
    with _small_disk(folder / "disk", chance.randrange(*DAEMON_KIB)) as disk, ExitStack() as running:
        shutil.copy(work.fresh, disk / "vwmon.db")
        (disk / "daemon.log").symlink_to(folder / "daemon.log")  # what it says is not to be lost for want of room
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        daemon = running.enter_context(running_daemon(disk, broker.port, more=ALARM_EARLY, planted=work.planted))
        hub = running.enter_context(Hub(LOOPBACK, broker.port, ward.WARD, folder / "spool", client_id="full"))
        wait_until(daemon.connected, "the daemon has its broker", STARTED_S)
        broken = tuple(_filled(daemon, disk, Flow(hub, load, at_once=FLOWING, waiting=1), chance.uniform(*STAYS_S)))
        if daemon.runs:
            daemon.end(signal.SIGKILL)
        had = cuts.receipted(folder, load.sent)
        whole = ward.compared_live(daemon.path, work.start_ms, devices, had, 1)
    return Tally(runs=1, lost=whole.lost, doubled=whole.doubled, broken=broken + whole.broken)


def _filled(daemon: Daemon, disk: Path, flow: Flow, full_s: float) -> Iterator[str]:
    """Fill a daemon's disk, and give it room after a while; yield what should have come of it and did not."""
    flow.give(FLOWING)
    yield from _in_vain(partial(_is_full, daemon, disk), "the disk is full", FULL_S)
    yield from _in_vain(partial(_is_told, daemon), "it ends or raises its alarm", TOLD_S)
    with _service_manager(daemon) as stays:
        stays.wait(full_s)
        _give_room(disk)
        try:
            flow.until_receipts(1, AGAIN_S)
        except AssertionError as in_vain:
            yield f"with room: {in_vain}"
            return
        yield from settled(flow, daemon)


@contextmanager
def _service_manager(daemon: Daemon) -> Iterator[Event]:
    """Start a daemon again whenever it has ended, a second later; nobody else may start or end it meanwhile."""
    over = Event()

    def start_again() -> None:
        while not over.wait(RESTART_S):
            if not daemon.runs:
                daemon.start()

    manager = Thread(target=start_again)
    manager.start()
    try:
        yield over
    finally:
        over.set()
        manager.join()


def _in_vain(true: Callable[[], bool], what: str, deadline_s: float) -> Iterator[str]:
    try:
        wait_until(true, what, deadline_s)
    except AssertionError as in_vain:
        yield str(in_vain)


def _is_full(daemon: Daemon, disk: Path) -> bool:
    return _free(disk) < PAGE or "disk is full" in daemon.log()


def _is_told(daemon: Daemon) -> bool:
    """Tell whether somebody knows: its service manager, by an error, or whoever reads the list."""
    if not daemon.runs:
        return daemon.code != 0
    with closing(database.open_reader(daemon.path)) as db:
        return db.execute(ALARM).fetchone() is not None


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def _last_line(text: str) -> str:
    return next(iter(text.splitlines()[-1:]), "")


def _small_disk(at: Path, kib: int) -> AbstractContextManager[Path]:
    return mounts.mounted("vwmon-faults", at, "-t", "tmpfs", "-o", f"size={kib}k")


def _give_room(disk: Path) -> None:
    mounts.run("mount", "-o", f"remount,size={ENOUGH}", str(disk))


LOG, DATABASE, DAEMON = "the log", "the database", "a daemon"
DONE: Mapping[str, Callable[[Work, random.Random], Tally]] = {LOG: _log, DATABASE: _database, DAEMON: _daemon}
WAYS = (DATABASE, DAEMON, *(LOG, DATABASE) * 4)
ROWS = (
    Row(
        id="F7",
        fault="a full disk, then room again: of its log, its database file, and under a daemon",
        do=full,
        runs={Profile.SMOKE: 2, Profile.CI: 10, Profile.RELEASE: 200},
        apart=True,
    ),
)
