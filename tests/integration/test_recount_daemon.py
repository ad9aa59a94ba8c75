"""A real daemon that swallows alerts of breaches that are over at once: within a quarter of an hour it is found out.

The score that stands is well again before anyone looks; only the readings know.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.test_faults_daemon import MINUTE, SPEED, T0, Hub
from vwmon.cli.render import utc
from vwmon.store import database, monitor, reckoning, trust
from vwmon.store.reckoning import Reckoning

PROGRAM = """
import sys, threading
from pathlib import Path
from vwmon import config, points
from vwmon.alerting import Alerting
from vwmon.clock import ScaledClock
from vwmon.daemon import Daemon
{planted}
Daemon(config.load(Path(sys.argv[1])), ScaledClock(int(sys.argv[2]), float(sys.argv[3]))).run(threading.Event())
"""
FAST = 2 * SPEED  # a quarter of an hour in little more than two seconds
SWALLOWED = "Alerting.keep = lambda self, followed: None"
UNSTORED = "points.stored_rows = lambda scores, stay_nos, provenance: []"
ILL = {"respiratory_rate": 27, "spo2": 84, "heart_rate": 135}
WELL = {"respiratory_rate": 16, "spo2": 97, "heart_rate": 72}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


class Planted(Hub):
    """A hub whose daemon has something planted in it."""

    planted = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the daemon until it has its broker; nothing of it is left running."""
        program = [sys.executable, "-c", PROGRAM.format(planted=self.planted), str(self.config), str(T0), str(FAST)]
        with self.db.with_name("daemon.log").open("wb") as log:
            daemon = subprocess.Popen(program, stdout=log, stderr=log)
        try:
            wait_until(self.connected, "the daemon has its broker")
            yield
        finally:
            daemon.kill()
            daemon.wait()

    def books(self) -> Reckoning:
        """Read the books."""
        with closing(database.open_reader(self.db)) as db:
            found = reckoning.read(db)
        assert found is not None
        return found

    def now_ms(self) -> int:
        """Tell the daemon's time."""
        with closing(database.open_reader(self.db)) as db:
            said = monitor.read(db)
        assert said is not None
        return said.cycle_ms or said.started_ms

    def doubt(self) -> str | None:
        """Say why the ward is not to be taken for watched."""
        with closing(database.open_reader(self.db)) as db:
            return trust.doubt(db, monitor.read(db), self.now_ms())

    def hears(self, port: int) -> None:
        """Have a patient's device say at once that they were ill a minute ago and are well."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", port)
        client.loop_start()
        now_ms = self.now_ms()
        for ago_ms, values in ((MINUTE, ILL), (0, WELL)):
            body = {"v": 1, "id": f"m{ago_ms}", "time": utc(now_ms - ago_ms)}
            readings = [{"vital": vital, "value": value} for vital, value in values.items()]
            client.publish("vwmon/resp/of-p1/readings", json.dumps(body | {"readings": readings}), qos=1)
        client.loop_stop()


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(("planted", "amiss"), [("", False), (SWALLOWED, True), (UNSTORED, True)])
def test_what_is_swallowed_is_found_within_a_quarter_of_an_hour(
    tmp_path: Path, broker: Broker, planted: str, *, amiss: bool
) -> None:
    """By the readings, counted anew; where nothing was swallowed, nothing is said."""
    hub = Planted(tmp_path, broker.port)
    hub.planted = planted
    hub.admit("p1", T0 - MINUTE)
    with hub.running():
        wait_until(lambda: hub.now_ms() > T0 + 2 * MINUTE, "the admission is over for a while")
        hub.hears(broker.port)
        heard_ms = hub.now_ms()
        wait_until(lambda: hub.books().recounted > 0, "what was heard has been counted anew")
        assert hub.now_ms() - heard_ms < 17 * MINUTE
        assert bool(hub.books().amiss) is amiss
        if amiss:
            wait_until(lambda: "counted anew" in (hub.doubt() or ""), "the ward is not trusted")
        else:
            assert hub.doubt() is None
