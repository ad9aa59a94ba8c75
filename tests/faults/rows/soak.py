"""F30: faults of several kinds, one after the other for as long as one likes, while a ward's readings flow.

What has a receipt is stored once and comes to what an undisturbed run comes to; and what the daemon holds of memory,
open files and log beside its database does not grow with time.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from random import Random
from threading import Event

from devices.client import Hub
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, running_daemon, settled
from tests.faults.fed import Fed
from tests.faults.held import Held, by_chance, mib_per_hour
from tests.faults.line import Line, running_line
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.ward import Load
from tests.integration.broker import LOOPBACK, Broker, running_broker, wait_until

MOST = 960_000
RATE, AT_ONCE, WAITING, RECEIPTS = 40.0, 200, 100, 10
ROUND_S = 15.0  # a run: one fault, and what is left of so many seconds
HELD_S, AGAIN_S = 2.0, 60.0
WARM = 3  # rounds, before what a daemon holds is taken for what it needs
GROWTH, LEAST_MIB, MORE_FILES = 1.15, 8, 4
EVERY = 12  # faults, after which the daemon is killed too
LONG = 60  # rounds, from which on the daemon lives through the second half, and how its memory grows is measured
WAL_MIB = 64
SETTLED_S, FEWEST = 300.0, 3  # after a start, until caches are full: it took four minutes
MOST_MIB_PER_HOUR = 1.0  # or what so long a look cannot tell from none


@dataclass(kw_only=True)
class _Site:
    """A ward at work, and what its daemon held after each fault since it was last started."""

    broker: Broker
    daemon: Daemon
    line: Line
    flow: Fed
    held: list[Held] = field(default_factory=list)
    under_way: list[int] = field(default_factory=list)

    def look(self) -> Sequence[str]:
        """Note what is held now; name what is more than it may be."""
        if not self.daemon.runs:
            return ["the daemon has ended"]
        self.held.append(Held.by(self.daemon))
        return [] if len(self.held) <= WARM else list(_more(self.held[WARM - 1], self.held))

    @property
    def settled(self) -> Sequence[Held]:
        """What was held since the daemon was last started, but for the minutes in which it fills its caches."""
        return [one for one in self.held if one.at_s >= self.held[0].at_s + SETTLED_S]


def grown(held: Sequence[Held]) -> list[str]:
    """Name growth of memory that would go on for as long as the daemon runs."""
    if len(held) < FEWEST:
        return ["too few looks to tell how memory grows"]
    rate = mib_per_hour(held)
    return [f"memory grows by {rate:.1f} MiB an hour"] if rate > max(MOST_MIB_PER_HOUR, by_chance(held)) else []


def _growth(held: Sequence[Held]) -> list[str]:
    if len(held) < FEWEST:
        return []
    return [f"memory grows by {mib_per_hour(held):.2f} MiB/h, by chance up to {by_chance(held):.2f}"]


def _more(before: Held, held: Sequence[Held]) -> Iterator[str]:
    """Name what has become more than a daemon may hold; how memory grows over many rounds is fitted instead."""
    now = held[-1]
    if len(held) <= EVERY and now.memory_mib > max(before.memory_mib * GROWTH, before.memory_mib + LEAST_MIB):
        yield f"memory grew from {before.memory_mib:.0f} to {now.memory_mib:.0f} MiB"
    if now.files > before.files + MORE_FILES:
        yield f"open files grew from {before.files} to {now.files}"
    if now.wal_mib > WAL_MIB:
        yield f"the write-ahead log grew to {now.wal_mib:.0f} MiB"


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


KILLED = "daemon killed"
KINDS: Mapping[str, Callable[[_Site], None]] = {
    "line reset": lambda site: site.line.reset(),
    "broker killed": _broker_killed,
    "daemon stopped": _stopped,
    "line held up": _held_up,
}


def soaked(trial: Trial, planted: str = AS_IT_IS, round_s: float = ROUND_S) -> Tally:
    """Do so many faults, one each round, while readings flow; then compare with an undisturbed run."""
    folder, devices, start_ms = trial.folder, ward.fleet(trial.seed), ward.start_of(MOST)
    load = Load(devices, start_ms, MOST)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with ExitStack() as running:
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        line = running.enter_context(running_line(broker.port, trial.seed))
        daemon = running.enter_context(running_daemon(folder, line.port, planted=planted))
        spool = folder / "spool"
        hub = running.enter_context(
            Hub(LOOPBACK, broker.port, ward.WARD, spool, client_id="soak", resend_after=1.0, rate=RATE)
        )
        flow = running.enter_context(Fed(hub, load, at_once=AT_ONCE, waiting=WAITING))
        wait_until(daemon.connected, "the daemon has its broker", 60)
        site = _Site(broker=broker, daemon=daemon, line=line, flow=flow)
        broken = _suffer(site, trial.runs, Random(trial.seed), round_s)
        last = Held.by(daemon) if daemon.runs else None
        broken += settled(flow, daemon)
    tally = ward.compared_live(folder / "vwmon.db", start_ms, devices, load.sent, trial.runs)
    said = [f"{len(load.sent):,} messages, {min(site.under_way, default=0)} under way at a fault or more"]
    said += [] if last is None else [f"{last.memory_mib:.0f} MiB, {last.files} files, log {last.wal_mib:.1f} MiB"]
    said += _growth(site.settled) if trial.runs >= LONG else []
    return replace(tally, broken=tuple(dict.fromkeys((*broken, *tally.broken))), said="; ".join(said))


def _suffer(site: _Site, runs: int, chance: Random, round_s: float) -> list[str]:
    for number in range(runs):
        over_s = time.monotonic() + round_s
        if broken := list(_round(site, kind(number, runs, chance))):
            return broken
        if number < runs - 1:
            Event().wait(max(0.0, over_s - time.monotonic()))
    return grown(site.settled) if runs >= LONG else []


def kind(number: int, runs: int, chance: Random) -> str:
    """Name a round's fault: the daemon is killed after all the others, so that one of them lives through many."""
    killed = number % EVERY == EVERY - 1 and (runs < LONG or number < runs // 2)
    return KILLED if killed else chance.choice(list(KINDS))


def _round(site: _Site, name: str) -> Iterator[str]:
    """Do a fault while readings come, and name what does not hold then."""
    try:
        when = "before"
        site.flow.until_receipts(1, AGAIN_S)
        site.under_way.append(site.flow.under_way)
        KINDS.get(name, _daemon_killed)(site)
        site.under_way.append(site.flow.under_way)
        when = "after"
        site.flow.until_receipts(RECEIPTS, AGAIN_S)
    except AssertionError:
        yield f"{when} {name}: nothing is receipted"
        return
    if not min(site.under_way):
        yield f"{name}: no reading was under way"
    yield from site.look()


ROWS = (
    Row(
        id="F30",
        fault="faults of several kinds, one every 15 s while readings flow",
        do=soaked,
        runs={Profile.SMOKE: 1, Profile.CI: 12, Profile.RELEASE: 240},
    ),
)
