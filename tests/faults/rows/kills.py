"""F1, F3, F4: daemon and broker killed while readings flow.

Real processes and a real broker, which writes its store at every change; the devices are the simulator's, behind the
spool that resends until the receipt. Half of the kills come soon after the last one, often while the daemon still
starts; the others wait until it is ready and then a random while, so that they fall among merges and alerts. People
fall ill, one after the other, for as long as it takes.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from threading import Event
from typing import Protocol

from devices.client import Hub
from devices.simulator.fleet import Fleet
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, Flow, running_daemon, wait_until_scored
from tests.faults.lives import Lives
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.stores import Store
from tests.faults.ward import Load
from tests.integration.broker import Broker, running_broker
from vwmon.store import database

MOST = 960_000
MINUTES = 60  # messages of each device an hour
BETWEEN = (1, 120)  # receipts between two kills
STARTING_S, AT_WORK_S = (0.0, 1.0), (0.0, 3.0)  # since the start, and since the daemon was ready
TURN_S, EACH_TURN = 0.1, 30  # messages
A_RUN = 220  # messages, about
# With an interval of a minute instead, a broker that is killed every few seconds never has a store.
KEEPS = "set_tcp_nodelay true\nautosave_on_changes true\nautosave_interval 1"


# People are to be told, by a channel that nobody answers: what is written down for that goes with each alert.
TELLS = """\
[notify]
from_level = 2
[notify.channels.pager]
urls_file = "pager.urls"
"""
UNANSWERED = "json://127.0.0.1:9/"


class Act(Protocol):
    """What is done to the processes, after which they are there again."""

    def act(self) -> None:
        """Do it once."""


MeansOf = Callable[[Daemon, Broker], Mapping[str, Act]]


def some_receipts_on(flow: Flow, _lives: Lives, chance: random.Random) -> None:
    """Wait for a few receipts since the last fault, which may come before the daemon says that it is ready."""
    flow.until_receipts(chance.randint(*BETWEEN))


def during_the_start(_flow: Flow, _lives: Lives, chance: random.Random) -> None:
    """Wait for nothing, but a random moment."""
    Event().wait(chance.uniform(*STARTING_S))


def at_work(flow: Flow, lives: Lives, chance: random.Random) -> None:
    """Wait until the daemon is ready, and a random moment while readings come at an even pace."""
    lives.until_ready()
    flow.until_receipts(chance.randint(*BETWEEN))
    until = time.monotonic() + chance.uniform(*AT_WORK_S)
    while (left := until - time.monotonic()) > 0:
        flow.give(EACH_TURN)
        Event().wait(min(TURN_S, left))


@dataclass(frozen=True, kw_only=True)
class Aim:
    """When faults are done, in turn, with `at_once` messages given whenever fewer than `waiting` wait."""

    at_once: int
    waiting: int
    moments: Sequence[Callable[[Flow, Lives, random.Random], None]]


ANYWHERE = Aim(at_once=2_000, waiting=1_000, moments=(some_receipts_on,))
AT_WORK = Aim(at_once=150, waiting=0, moments=(some_receipts_on, at_work, during_the_start, at_work))


def kill(
    trial: Trial,
    victims: Sequence[str],
    means_of: MeansOf | None = None,
    planted: str = AS_IT_IS,
    aim: Aim = AT_WORK,
) -> Tally:
    """Kill these one after the other while readings flow; then compare with a run that nothing disturbed.

    `means_of` gives other means than killing for the victims that it names; what is `planted` in the daemon is a fault
    to be found.
    """
    folder, devices = trial.folder, _fleet(trial)
    start_ms = ward.start_of(MOST)
    load = Load(devices, start_ms, MOST)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with (
        running_broker(folder, more=KEEPS) as broker,
        running_daemon(folder, broker.port, more=_telling(folder), planted=planted) as daemon,
        Hub("127.0.0.1", broker.port, ward.WARD, folder / "spool", client_id="kills", resend_after=1.0) as hub,
    ):
        lives, store = Lives(daemon), Store(broker, daemon)
        flow = Flow(hub, load, at_once=aim.at_once, waiting=aim.waiting)
        flow.give(aim.at_once)
        means, chance = (means_of or partial(_means, lives, store))(daemon, broker), random.Random(trial.seed)
        for victim, moment in zip(victims, cycle(aim.moments), strict=False):
            moment(flow, lives, chance)
            means[victim].act()
        flow.end()
        wait_until_scored(daemon.path)
    tally = ward.compared_live(folder / "vwmon.db", start_ms, devices, load.sent, len(victims))
    said = (_flowed(folder / "vwmon.db", load), lives.said(), store.said())
    broken = (*tally.broken, *lives.broken(), *store.broken())
    return replace(tally, said="; ".join(filter(None, said)), broken=broken)


def _telling(folder: Path) -> str:
    addresses = folder / "pager.urls"
    addresses.write_text(UNANSWERED, encoding="utf-8")
    addresses.chmod(0o600)
    return TELLS


def _fleet(trial: Trial) -> Fleet:
    """Give the ward's devices, whose people fall ill for as long as the trial takes."""
    return replace(ward.fleet(trial.seed), onset_hours=trial.runs * A_RUN / ward.PATIENTS / MINUTES)


def _flowed(path: Path, load: Load) -> str:
    with closing(database.open_reader(path)) as db:
        raised = db.execute(ward.RAISED).fetchone()[0]
    return f"{len(load.sent):,} messages, {raised} clinical alerts"


def _means(lives: Lives, store: Store, _daemon: Daemon, _broker: Broker) -> Mapping[str, Act]:
    return {
        "daemon": Means(lives=lives),
        "broker": Means(store=store),
        "both": Means(lives=lives, store=store),
    }


@dataclass(frozen=True, kw_only=True)
class Means:
    """What is killed together, and started again."""

    lives: Lives | None = None
    store: Store | None = None

    def act(self) -> None:
        """Kill them all, then start them in the order in which a machine does."""
        each = [one for one in (self.lives, self.store) if one is not None]
        for one in each:
            one.kill()
        for one in reversed(each):
            one.start()


def _every(victim: str, trial: Trial) -> Tally:
    return kill(trial, [victim] * trial.runs)


def _row(number: str, fault: str, victim: str, ci: int, release: int) -> Row:
    runs = {Profile.SMOKE: 2, Profile.CI: ci, Profile.RELEASE: release}
    return Row(id=number, fault=fault, do=partial(_every, victim), runs=runs, apart=True)


ROWS = (
    _row("F1", "daemon killed at random under load", "daemon", 60, 1000),
    _row("F3", "broker killed at random under load", "broker", 30, 500),
    _row("F4", "daemon and broker killed together", "both", 10, 300),
)
