"""F1, F3, F4, F25: processes killed while readings flow, and a broker that comes back with nothing of what it knew.

Real processes and a real broker; the devices are the simulator's, behind the spool that resends until the receipt. A
kill comes after a seeded random number of receipts since the last one, so that it falls anywhere in the work.
"""

import random
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Protocol

from devices.client import Hub
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, Flow, running_daemon, wait_until_scored
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.ward import Load
from tests.integration.broker import Broker, running_broker
from vwmon.store import database

MOST = 960_000
AT_ONCE, WAITING = 2_000, 1_000  # more is given to the devices whenever fewer wait, however fast the daemon is
LEAST = 9_600
BETWEEN = (1, 120)  # receipts between two kills


class Act(Protocol):
    """What is done to the processes, after which they are there again."""

    def act(self) -> None:
        """Do it once."""


MeansOf = Callable[[Daemon, Broker], Mapping[str, Act]]


def kill(trial: Trial, victims: Sequence[str], means_of: MeansOf | None = None, planted: str = AS_IT_IS) -> Tally:
    """Kill these one after the other while readings flow; then compare with a run that nothing disturbed.

    `means_of` gives other means than killing for the victims that it names; what is `planted` in the daemon is a fault
    to be found.
    """
    folder, devices = trial.folder, ward.fleet(trial.seed)
    start_ms = ward.start_of(MOST)
    load = Load(devices, start_ms, MOST)
    ward.make(folder / "vwmon.db", start_ms, devices)
    with (
        running_broker(folder, more="set_tcp_nodelay true") as broker,
        running_daemon(folder, broker.port, planted=planted) as daemon,
        Hub("127.0.0.1", broker.port, ward.WARD, folder / "spool", client_id="kills", resend_after=1.0) as hub,
    ):
        flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
        flow.give(min(LEAST, len(victims) * BETWEEN[1]))
        _kill_each(victims, flow, (means_of or _means)(daemon, broker), random.Random(trial.seed))
        flow.end()
        wait_until_scored(daemon.path)
    tally = ward.compared_live(folder / "vwmon.db", start_ms, devices, load.sent, len(victims))
    with closing(database.open_reader(folder / "vwmon.db")) as db:
        raised = db.execute("select count(*) from alert where lane = 'clinical'").fetchone()[0]
    return replace(tally, said=f"{len(load.sent):,} messages, {raised} clinical alerts")


def _means(daemon: Daemon, broker: Broker) -> Mapping[str, Act]:
    return {
        "daemon": Means(daemons=(daemon,)),
        "broker": Means(brokers=(broker,)),
        "both": Means(daemons=(daemon,), brokers=(broker,)),
        "memory": Means(brokers=(broker,), forgets=True),
    }


class Means:
    """What is killed together, and started again; a broker that `forgets` has lost its file as well."""

    def __init__(
        self, daemons: Sequence[Daemon] = (), brokers: Sequence[Broker] = (), *, forgets: bool = False
    ) -> None:
        """Name the processes."""
        self._daemons, self._brokers, self._forgets = daemons, brokers, forgets

    def act(self) -> None:
        """Kill them all, then start them in the order in which a machine does."""
        for daemon in self._daemons:
            daemon.end(signal.SIGKILL)
        for broker in self._brokers:
            broker.kill()
            if self._forgets:
                (broker.folder / "mosquitto.db").unlink(missing_ok=True)
            broker.start()
        for daemon in self._daemons:
            daemon.start()


def _kill_each(victims: Sequence[str], flow: Flow, means: Mapping[str, Act], chance: random.Random) -> None:
    for victim in victims:
        flow.until_receipts(chance.randint(*BETWEEN))
        means[victim].act()


def _every(victim: str, trial: Trial) -> Tally:
    return kill(trial, [victim] * trial.runs)


def _row(number: str, fault: str, victim: str, ci: int, release: int) -> Row:
    runs = {Profile.SMOKE: 2, Profile.CI: ci, Profile.RELEASE: release}
    return Row(id=number, fault=fault, do=partial(_every, victim), runs=runs, apart=True)


ROWS = (
    _row("F1", "daemon killed at random under load", "daemon", 60, 1000),
    _row("F3", "broker killed at random under load", "broker", 30, 500),
    _row("F4", "daemon and broker killed together", "both", 10, 300),
    _row("F25", "broker killed, its store gone when it starts", "memory", 5, 100),
)
