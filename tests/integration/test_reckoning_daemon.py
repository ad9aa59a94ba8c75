"""A real daemon that loses one message in a hundred, wherever on the way: somebody is told within a minute.

And one that loses nothing, of which nothing is said.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import Command
from tests.integration.broker import Broker, running_broker, wait_until
from tests.integration.test_faults_daemon import CONFIG
from vwmon.clock import Clock
from vwmon.store import database, monitor

SENT = 300
MINUTE = 60_000
# The daemon, in which a list is thinned out on its way: every hundredth of all that pass is dropped.
PROGRAM = """
import sys, threading
from itertools import count
from pathlib import Path
from vwmon import config, ingest
from vwmon.clock import Clock
from vwmon.daemon import Daemon
from vwmon.store import batch
number = count(1)
def thinned(several):
    return [one for one in several if next(number) % 100]
sort, gather, write = ingest.sort, batch.Batch.gather, batch.Batch.write
def lossy_sort(packets, prefix):
    return sort(thinned(packets), prefix)
def lossy_gather(self, arrivals):
    gather(self, thinned(arrivals))
def lossy_write(self):
    self.rows = thinned(self.rows)
    write(self)
{planted}
Daemon(config.load(Path(sys.argv[1])), Clock()).run(threading.Event())
"""
PLACES = {
    "between taking and reading": "ingest.sort = lossy_sort",
    "between reading and the batch": "batch.Batch.gather = lossy_gather",
    "between the batch and the table": "batch.Batch.write = lossy_write",
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


class Hub:
    """A configuration, a database, and a daemon in which something may be planted."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        """Write the configuration and make the database."""
        self.config, self.db, self.broker = folder / "vwmon.toml", folder / "ward.db", broker
        self.config.write_text(CONFIG.format(port=broker.port), encoding="utf-8")
        database.create(self.db).close()

    @contextmanager
    def running(self, planted: str) -> Iterator[None]:
        """Run the daemon until it has its broker; nothing of it is left running."""
        with self.db.with_name("daemon.log").open("wb") as log:
            program = [sys.executable, "-c", PROGRAM.format(planted=planted), str(self.config)]
            daemon = subprocess.Popen(program, stdout=log, stderr=log)
        try:
            wait_until(self.connected, "the daemon has its broker")
            yield
        finally:
            daemon.kill()
            daemon.wait()

    def connected(self) -> bool:
        """Tell whether the daemon says that it has its broker."""
        with closing(database.open_reader(self.db)) as db:
            said = monitor.read(db)
        return said is not None and said.broker_connected

    def send(self) -> None:
        """Have a device measure, again and again."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect(self.broker.host, self.broker.port)
        client.loop_start()
        for number in range(SENT):
            readings = [{"vital": "spo2", "value": 97}, {"vital": "heart_rate", "value": 70}]
            body = {"v": 1, "id": f"m-{number}", "readings": readings}
            client.publish("vwmon/resp/dev-1/readings", json.dumps(body), qos=1).wait_for_publish(20)
        client.loop_stop()
        client.disconnect()

    def status(self) -> dict[str, Any]:
        """Ask `vwmon status`."""
        found: dict[str, Any] = json.loads(Command()("status", "--config", self.config, "--json").stdout)
        return found

    def found(self) -> list[tuple[int, int]]:
        """Give level of the alert about the service, and since when it says that something is not accounted for."""
        with closing(database.open_reader(self.db)) as db:
            rows = db.execute("select level, evidence from alert where lane = 'system'").fetchall()
        faults = [(level, json.loads(evidence)["faults"]) for level, evidence in rows]
        return [(level, since["unaccounted"]) for level, since in faults if "unaccounted" in since]


@pytest.mark.hazard("H2")
@pytest.mark.parametrize("planted", PLACES.values(), ids=PLACES)
def test_a_message_in_a_hundred_that_is_lost_is_an_emergency_within_a_minute(
    tmp_path: Path, broker: Broker, planted: str
) -> None:
    """Wherever it is lost; the status says how many, and the alert says since when."""
    hub = Hub(tmp_path, broker)
    with hub.running(planted):
        begun_ms = Clock().now_ms()
        hub.send()
        wait_until(lambda: bool(hub.found()), "somebody is told")
        ((level, since_ms),) = hub.found()
        wait_until(lambda: hub.status()["unaccounted_for"] >= 3, "the status says how many")
    assert level == 3
    assert begun_ms <= since_ms <= begun_ms + MINUTE


@pytest.mark.hazard("H2")
def test_a_daemon_that_loses_nothing_has_everything_accounted_for(tmp_path: Path, broker: Broker) -> None:
    """Every message and every reading that the broker gave it, and no alert."""
    hub = Hub(tmp_path, broker)
    with hub.running(""):
        hub.send()
        hub.send()
        wait_until(lambda: hub.status()["received_messages"] == 2 * SENT, "the books hold all of it")
        status = hub.status()
    assert (status["unaccounted_for"], status["received_readings"]) == (0, 4 * SENT)
    assert (status["stored_readings"], status["duplicate_readings"]) == (2 * SENT, 2 * SENT)
    assert hub.found() == []
