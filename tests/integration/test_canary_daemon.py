"""A canary beside a real daemon and a real broker: it goes round, and each link that is cut is named, one by one.

The daemon's clock runs fast, so that a reading is sent each second. A link is cut by a file whose name the planted
daemon looks for, or at the broker.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon import outside
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import canary, database, registers
from vwmon.store.canary import State

SPEED = 10.0
DEVICE, PERSON = "sim-001", "4711"
CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
username = "vwmon"
[canary]
device = "sim-001"
every = "10s"
limit = "10s"
username = "sim-001"
[[wards]]
id = "resp"
name = "Respiratory"
"""
ACL = """\
user vwmon
topic read vwmon/+/+/readings
topic read vwmon/+/+/status
topic read vwmon/+/+/answers
topic write vwmon/#
pattern read vwmon/+/%u/receipts
{more}
"""
LET_WRITE = "pattern write vwmon/+/%u/readings"
# The daemon, with a place for each link at which it is cut while a file of that name lies in the folder.
PROGRAM = """
import sys, threading
from pathlib import Path
from vwmon import config, ingest
from vwmon.clock import Clock, ScaledClock
from vwmon.daemon import Daemon
from vwmon.notifier import Notifier
from vwmon.scorer import Scorer
folder = Path(sys.argv[1]).parent
def cut(link):
    return (folder / link).exists()
sort, receipts, cycle, told = ingest.sort, ingest.receipts, Scorer.cycle, Notifier._tell_of_canary
def overlooking(packets, prefix):
    kept = sort(packets, prefix)
    if cut("log"):
        kept.passed_over += len(kept.arrivals)  # so that the books agree, and it is the canary that finds it
        kept.arrivals.clear()
        kept.ids.clear()
    return kept
ingest.sort = overlooking
ingest.receipts = lambda ids: receipts({} if cut("receipt") else ids)
Scorer.cycle = lambda self, now_ms: 0 if cut("score") else cycle(self, now_ms)
Notifier._tell_of_canary = lambda self: None if cut("outbox") else told(self)
clock = ScaledClock(Clock().now_ms(), float(sys.argv[2]))
Daemon(config.load(Path(sys.argv[1])), clock).run(threading.Event())
"""


class Hub:
    """A configuration, a database with a canary's stay and a person's, and a daemon in which links can be cut."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        """Write the configuration and make the database."""
        self.config, self.db, self.broker = folder / "vwmon.toml", folder / "ward.db", broker
        self.config.write_text(CONFIG.format(port=broker.port), encoding="utf-8")
        database.create(self.db).close()
        now_ms = Clock().now_ms()
        by = By(actor="test", at_ms=now_ms)
        with closing(database.open_writer(self.db)) as db:
            for patient, pathway, device in (("canary", "canary", DEVICE), (PERSON, "general", "spo2-17")):
                wanted = Admission(
                    patient=patient, ward="resp", plan=plans.load(pathway), admitted_ms=now_ms, born="1950-01-01"
                )
                registers.admit(db, wanted, by)
                registers.add_device(db, device, by)
                registers.assign(db, device, patient, now_ms, by)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the daemon until a reading came round; nothing of it is left running."""
        with self.db.with_name("daemon.log").open("ab") as log:
            daemon = subprocess.Popen([sys.executable, "-c", PROGRAM, str(self.config), str(SPEED)], stderr=log)
        try:
            wait_until(self.well, "a reading came round")
            yield
        finally:
            daemon.kill()
            daemon.wait()

    def state(self) -> State:
        """Read how the rounds go."""
        with closing(database.open_reader(self.db)) as db:
            found = canary.read(db)
        return found or State(
            device="", every_ms=0, limit_ms=0, began_ms=0, sent_ms=None, came_ms=None, trouble="not begun"
        )

    def well(self) -> bool:
        """Tell whether a reading came round last."""
        state = self.state()
        return state.came_ms is not None and state.trouble is None

    def lost_at(self, link: str) -> bool:
        """Tell whether it is said that a reading did not get past a link."""
        return (self.state().trouble or "").startswith(f"{link}: ")

    def rows(self, sql: str) -> list[Any]:
        """Ask the database."""
        with closing(database.open_reader(self.db)) as db:
            return db.execute(sql).fetchall()

    def outside(self) -> str | None:
        """Say what hinders the ping to the outside, on the daemon's clock."""
        with closing(database.open_reader(self.db)) as db:
            (now_ms,) = db.execute("select cycle_ms from monitor").fetchone()
            return outside.trouble(db, now_ms)

    def alerted(self) -> list[Any]:
        """Give the open alert of the service: its level and what is wrong."""
        sql = "select level, evidence from alert where lane = 'system' and state in ('new', 'reraised')"
        return [(level, json.loads(evidence)["faults"].keys()) for level, evidence in self.rows(sql)]


@pytest.fixture
def acl(tmp_path: Path) -> Path:
    """An access list as the shipped one, that lets devices write."""
    file = tmp_path / "acl"
    file.write_text(ACL.format(more=LET_WRITE), encoding="utf-8")
    return file


@pytest.fixture
def broker(tmp_path: Path, acl: Path) -> Iterator[Broker]:
    """A real broker with that list."""
    with running_broker(tmp_path, more=f"set_tcp_nodelay true\nacl_file {acl}") as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path, broker: Broker) -> Hub:
    """A hub with a canary."""
    return Hub(tmp_path, broker)


@pytest.mark.hazard("H2")
def test_a_made_up_reading_comes_round_and_is_counted_nowhere(hub: Hub) -> None:
    """Again and again, each scored otherwise than the one before; no list, number or sign of life has it."""
    with hub.running():
        first = hub.state().came_ms
        wait_until(lambda: len(hub.rows("select 1 from score")) >= 3, "three were scored")
        wait_until(lambda: (hub.state().came_ms or 0) > (first or 0), "another came round")
        totals = [total for (total,) in hub.rows("select total_min from score order by at_ms")]
        assert totals[:3] in ([0, 1, 0], [1, 0, 1])
        status = json.loads(Command()("status", "--config", hub.config, "--json").stdout)
        below = Command()("alerts", "--config", hub.config).stdout
    assert (status["stays"], status["canary"], status["canary_trouble"]) == (1, DEVICE, None)
    assert status["last_received_at"] is None, "nobody but the canary was heard"
    assert "0 of 1 patient reports, 1 not heard of yet" in below
    assert hub.rows("select count(*) from alert") == [(0,)]


@pytest.mark.hazard("H2")
@pytest.mark.parametrize("link", ["log", "receipt", "score", "outbox"])
def test_each_link_of_the_daemon_that_is_cut_is_named(hub: Hub, link: str) -> None:
    """The status does not trust the ward, nobody outside is told that all is well; mended, both do again."""
    cut = hub.db.with_name(link)
    with hub.running():
        assert hub.outside() is None
        cut.touch()
        wait_until(lambda: hub.lost_at(link), f"it is said that {link} failed")
        assert (hub.outside() or "").startswith(f"{outside.NOT_ROUND}; {link}: ")
        wait_until(lambda: [(3, {"not_watching"})] == hub.alerted(), "an emergency of the service stands")
        done = Command()("status", "--config", hub.config, "--json")
        assert (done.exit_code, json.loads(done.stdout)["canary_trouble"].partition(":")[0]) == (4, link)
        cut.unlink()
        wait_until(hub.well, "a reading comes round again")
        wait_until(lambda: hub.alerted() == [], "the fault is over")
        assert hub.outside() is None


@pytest.mark.hazard("H2")
def test_a_broker_that_refuses_or_is_gone_is_named(hub: Hub, acl: Path) -> None:
    """An access list that no longer lets devices write, then no broker at all."""
    with hub.running():
        acl.write_text(ACL.format(more=""), encoding="utf-8")
        os.kill(hub.broker.pid, signal.SIGHUP)
        wait_until(lambda: hub.lost_at("access"), "it is said that the broker refused")
        assert (hub.outside() or "").startswith(f"{outside.NOT_ROUND}; access: ")
        hub.broker.kill()
        wait_until(lambda: hub.lost_at("broker"), "it is said that the broker is gone")
        done = Command()("status", "--config", hub.config, "--json")
        assert (done.exit_code, json.loads(done.stdout)["canary_trouble"].partition(":")[0]) == (4, "broker")


def test_a_broker_that_is_back_in_time_and_a_daemon_started_anew_are_no_fault(hub: Hub) -> None:
    """A reading meets no broker and is sent again within its time; another daemon begins its rounds anew."""
    slow = CONFIG.replace('"10s"', '"30s"').format(port=hub.broker.port)
    hub.config.write_text(slow, encoding="utf-8")
    with hub.running():
        before = hub.state().sent_ms or 0
        hub.broker.stop()
        wait_until(lambda: (hub.state().sent_ms or 0) > before, "a reading meets no broker")
        hub.broker.start()
        wait_until(lambda: (hub.state().came_ms or 0) > before, "another comes round in its time")
    with hub.running():
        assert hub.alerted() == []
    assert hub.rows("select 1 from condition where rule = 'not_watching'") == []
    assert "canary_lost" not in hub.db.with_name("daemon.log").read_text(encoding="utf-8")


@pytest.mark.hazard("H2")
def test_nothing_made_up_goes_out_for_a_person(hub: Hub) -> None:
    """The device is given to a person while the daemon runs: from then on it is silent, and that is said."""
    with hub.running():
        with closing(database.open_writer(hub.db)) as db, database.atomic(db):
            # Not before what is on its way: that was measured while the device was with nobody but the canary.
            (now_ms,) = db.execute("select max(cycle_ms, sent_ms) + 1 from monitor, canary").fetchone()
            by = By(actor="test", at_ms=now_ms)
            registers.return_device(db, DEVICE, now_ms, by)
            registers.assign(db, DEVICE, PERSON, now_ms, by)
        wait_until(lambda: hub.lost_at("register"), "it is said that the device is nobody's")
        sent = hub.state().sent_ms
        wait_until(lambda: hub.rows("select cycle_ms from monitor")[0][0] > now_ms + 40_000, "three rounds passed")
    assert hub.state().sent_ms == sent
    assert hub.rows(f"select 1 from reading_log where observed_ms >= {now_ms}") == []  # noqa: S608 -- a number
