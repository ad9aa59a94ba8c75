"""F30: faults of several kinds, one after the other for as long as one likes, while a ward's readings flow.

What has a receipt is stored once and comes to what an undisturbed run comes to; and what the daemon holds of memory,
open files and log beside its database does not grow with time.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event

from devices.client import Hub
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, Flow, running_daemon, settled
from tests.faults.line import Line, running_line
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.ward import Load
from tests.integration.broker import LOOPBACK, Broker, running_broker, wait_until

MOST = 960_000
RATE, AT_ONCE, WAITING, RECEIPTS = 40.0, 200, 100, 10
ROUND_S = 15.0  # a run: one fault, and what is left of so many seconds
HELD_S = 2.0
WARM = 3  # rounds, before what a daemon holds is taken for what it needs
GROWTH, LEAST_MIB, MORE_FILES = 1.15, 8, 4
WAL_MIB = 64
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the daemon held at a moment: MiB of memory and of write-ahead log, and open files."""

    memory_mib: float
    files: int
    wal_mib: float

    @classmethod
    def by(cls, daemon: Daemon) -> "Held":
        """Look."""
        status = Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8").splitlines()
        kib = int(next(line.split()[1] for line in status if line.startswith("VmRSS:")))
        wal = daemon.path.with_name(f"{daemon.path.name}-wal")
        return cls(
            memory_mib=kib / 1024,
            files=len(list(Path(f"/proc/{daemon.pid}/fd").iterdir())),
            wal_mib=wal.stat().st_size / MIB if wal.exists() else 0.0,
        )


@dataclass(kw_only=True)
class _Site:
    """A ward at work, and what its daemon held after each fault since it was last started."""

    broker: Broker
    daemon: Daemon
    line: Line
    flow: Flow
    held: list[Held] = field(default_factory=list)

    def look(self) -> Sequence[str]:
        """Note what is held now; name what is more than it may be."""
        if not self.daemon.runs:
            return ["the daemon has ended"]
        self.held.append(Held.by(self.daemon))
        if len(self.held) <= WARM:
            return []
        before, now = self.held[WARM - 1], self.held[-1]
        broken = []
        if now.memory_mib > max(before.memory_mib * GROWTH, before.memory_mib + LEAST_MIB):
            broken.append(f"memory grew from {before.memory_mib:.0f} to {now.memory_mib:.0f} MiB")
        if now.files > before.files + MORE_FILES:
            broken.append(f"open files grew from {before.files} to {now.files}")
        if now.wal_mib > WAL_MIB:
            broken.append(f"the write-ahead log grew to {now.wal_mib:.0f} MiB")
        return broken


def _broker_killed(site: _Site) -> None:
    site.broker.kill()
    site.broker.start()


def _stopped(site: _Site) -> None:
    site.daemon.signal(signal.SIGSTOP)
    Event().wait(HELD_S)
    site.daemon.signal(signal.SIGCONT)


def _held_up(site: _Site) -> None:
    site.line.hold()
    Event().wait(HELD_S)
    site.line.release()


def _daemon_killed(site: _Site) -> None:
    site.daemon.end(signal.SIGKILL)
    site.daemon.start()
    site.held.clear()


# The daemon is killed last of a round of kinds, so that one of them lives through all the others.
KINDS: Mapping[str, Callable[[_Site], None]] = {
    "line reset": lambda site: site.line.reset(),
    "broker killed": _broker_killed,
    "daemon stopped": _stopped,
    "line held up": _held_up,
}
EVERY = 12  # faults, after which the daemon is killed too


def soaked(trial: Trial, planted: str = AS_IT_IS, round_s: float = ROUND_S) -> Tally:
    """Do so many faults, one each round, while readings flow; then compare with an undisturbed run."""
    folder, devices, start_ms = trial.folder, ward.fleet(trial.seed), ward.start_of(MOST)
    load, chance = Load(devices, start_ms, MOST), Random(trial.seed)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with ExitStack() as running:
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        line = running.enter_context(running_line(broker.port, trial.seed))
        daemon = running.enter_context(running_daemon(folder, line.port, planted=planted))
        spool = folder / "spool"
        hub = running.enter_context(
            Hub(LOOPBACK, broker.port, ward.WARD, spool, client_id="soak", resend_after=1.0, rate=RATE)
        )
        flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
        wait_until(daemon.connected, "the daemon has its broker", 60)
        site = _Site(broker=broker, daemon=daemon, line=line, flow=flow)
        broken = _suffer(site, trial.runs, chance, round_s)
        last = Held.by(daemon) if daemon.runs else None
        broken += settled(flow, daemon)
    tally = ward.compared_live(folder / "vwmon.db", start_ms, devices, load.sent, trial.runs)
    said = (
        "" if last is None else f"{last.memory_mib:.0f} MiB, {last.files} files, log {last.wal_mib:.1f} MiB in the end"
    )
    return Tally(
        runs=tally.runs,
        lost=tally.lost,
        doubled=tally.doubled,
        broken=tuple(dict.fromkeys((*broken, *tally.broken))),
        said=f"{len(load.sent):,} messages; {said}",
    )


def _suffer(site: _Site, runs: int, chance: Random, round_s: float) -> list[str]:
    names = list(KINDS)
    for number in range(runs):
        over_s = time.monotonic() + round_s
        last_of_all = number % EVERY == EVERY - 1
        name = "daemon killed" if last_of_all else chance.choice(names)
        (_daemon_killed if last_of_all else KINDS[name])(site)
        try:
            site.flow.until_receipts(RECEIPTS)
        except AssertionError:
            return [f"after {name}: nothing is receipted"]
        broken = list(site.look())
        if broken:
            return broken
        if number < runs - 1:
            Event().wait(max(0.0, over_s - time.monotonic()))
    return []


ROWS = (
    Row(
        id="F30",
        fault="faults of several kinds, one every 15 s while readings flow",
        do=soaked,
        runs={Profile.SMOKE: 1, Profile.CI: 12, Profile.RELEASE: 240},
    ),
)
