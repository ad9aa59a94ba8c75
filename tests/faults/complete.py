"""A ward whose daemon has every thread that there is, with a service manager, and somebody outside who is pinged.

Patients, devices and a canary, readings that flow, a page that is sent to a webhook, and figures for Prometheus. The
outside is pinged each second, instead of each ten seconds at least, so that a stop of some seconds can be told.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from devices.client import Hub
from devices.simulator.fleet import Fleet
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, Flow, running_daemon
from tests.faults.failpoints import Failpoints
from tests.faults.manager import Manager, listening_manager
from tests.faults.matrix import Tally, Trial
from tests.integration.broker import free_port, running_broker
from tests.integration.webhook import Webhook, listening
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers

MOST = 240_000
AT_ONCE, WAITING = 120, 60
PINGED_EACH_MS = 1_000
CANARY = "canary"
EVERYTHING = """\
[canary]
device = "canary"
every = "10s"
limit = "10s"
[monitor]
ping_url_file = "ping.url"
ping_every = "10s"
metrics = "127.0.0.1:{metrics}"
[notify.channels.team]
urls_file = "team.urls"
"""
PINGS_OFTEN = """\
from vwmon.outside import Outside
begin = Outside.__init__
def often(self, *arguments):
    begin(self, *arguments)
    self._every_ms = {every_ms}
Outside.__init__ = often
"""


@dataclass(frozen=True, kw_only=True)
class Complete:
    """The ward at work, and everyone around it."""

    daemon: Daemon
    flow: Flow
    failpoints: Failpoints
    manager: Manager
    outside: Webhook
    load: ward.Load
    devices: Fleet
    start_ms: int

    def compared(self, runs: int) -> Tally:
        """Compare it with an undisturbed one, after its daemon has ended; a ward without an alert proves nothing."""
        tally = ward.compared_live(self.daemon.path, self.start_ms, self.devices, self.load.sent, runs)
        with closing(database.open_reader(self.daemon.path)) as db:
            (raised,) = db.execute(ward.RAISED).fetchone()
        said = f"{len(self.load.sent):,} messages, {raised} clinical alerts"
        nobody = () if raised else (ward.NOBODY_ILL,)
        return replace(tally, broken=tuple(dict.fromkeys((*tally.broken, *nobody))), said=said)


@contextmanager
def complete_ward(trial: Trial, places: Collection[str], planted: str = AS_IT_IS) -> Iterator[Complete]:
    """Run such a ward, whose daemon can fail at these places; what is planted as well is a fault to be found."""
    folder, devices, start_ms = trial.folder, ward.brief(trial.seed), _start_of()
    load, failpoints = ward.Load(devices, start_ms, MOST), Failpoints(folder, places)
    ward.make(folder / "vwmon.db", start_ms, devices)
    _admit_canary(folder / "vwmon.db")
    with ExitStack() as running:
        broker = running.enter_context(running_broker(folder, more="set_tcp_nodelay true"))
        manager = running.enter_context(listening_manager(folder))
        outside, team = (running.enter_context(listening()) for _ in range(2))
        keep_address(folder / "ping.url", outside.ping_url)
        keep_address(folder / "team.urls", team.url)
        often = PINGS_OFTEN.format(every_ms=PINGED_EACH_MS)
        daemon = running.enter_context(
            running_daemon(
                folder,
                broker.port,
                more=EVERYTHING.format(metrics=free_port()),
                planted=f"{often}{planted}\n{failpoints.planted}",
                environment={"NOTIFY_SOCKET": manager.address},
            )
        )
        hub = running.enter_context(_hub(broker.port, folder / "spool"))
        flow = Flow(hub, load, at_once=AT_ONCE, waiting=WAITING)
        flow.give(AT_ONCE)
        yield Complete(
            daemon=daemon,
            flow=flow,
            failpoints=failpoints,
            manager=manager,
            outside=outside,
            load=load,
            devices=devices,
            start_ms=start_ms,
        )


def _start_of() -> int:
    """Give when to begin, so that none of the messages of few patients is of the future."""
    return ward.start_of(MOST * ward.PATIENTS // ward.FEW_PATIENTS)


def _hub(port: int, spool: Path) -> Hub:
    return Hub("127.0.0.1", port, ward.WARD, spool, client_id="homes", resend_after=1.0)


def keep_address(file: Path, address: str) -> None:
    """Write an address that is a secret."""
    file.write_text(f"{address}\n", encoding="utf-8")
    file.chmod(0o600)


def _admit_canary(path: Path) -> None:
    now_ms = Clock().now_ms()
    by = By(actor="test", at_ms=now_ms)
    made_up = Admission(patient=CANARY, ward=ward.WARD, plan=plans.load(CANARY), admitted_ms=now_ms, born="1950-01-01")
    with closing(database.open_writer(path)) as db, database.atomic(db):
        registers.admit(db, made_up, by)
        registers.add_device(db, CANARY, by)
        registers.assign(db, CANARY, CANARY, now_ms, by)
