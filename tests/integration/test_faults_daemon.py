"""A daemon beside a real broker, on a fast clock: a broker that goes and comes, a device whose Will is spoken."""

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

from alerts.model import SYSTEM_STAY
from alerts.policy import RULES
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, findings, monitor, registers

T0 = 1_795_000_000_000
MINUTE = 60_000
SPEED = 200.0  # ten minutes in three seconds
CONFIG = """
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[monitor]
silent_after = "1d"
[[wards]]
id = "resp"
name = "Respiratory"
"""
PROGRAM = """
import sys
import threading
from pathlib import Path
from vwmon import config
from vwmon.clock import ScaledClock
from vwmon.daemon import Daemon
Daemon(config.load(Path(sys.argv[1])), ScaledClock(int(sys.argv[2]), float(sys.argv[3]))).run(threading.Event())
"""


class Hub:
    """A folder with a configuration and a database, and what a daemon makes of it."""

    def __init__(self, folder: Path, port: int) -> None:
        """Write the configuration and make the database."""
        self.config, self.db = folder / "vwmon.toml", folder / "ward.db"
        self.config.write_text(CONFIG.format(port=port), encoding="utf-8")
        database.create(self.db).close()

    def admit(self, patient: str, at_ms: int) -> None:
        """Admit a patient with a device of that name, whose readings are awaited every half hour."""
        by = By(actor="test", at_ms=at_ms)
        plan = plans.load("acute-respiratory")
        with closing(database.open_writer(self.db)) as db:
            wanted = Admission(patient=patient, ward="resp", plan=plan, admitted_ms=at_ms, born="1950-01-01")
            registers.admit(db, wanted, by)
            registers.add_device(db, f"of-{patient}", by)
            registers.assign(db, f"of-{patient}", patient, at_ms, by)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the daemon until it has its broker; nothing of it is left running."""
        program = [sys.executable, "-c", PROGRAM, str(self.config), str(T0), str(SPEED)]
        with (self.db.with_name("daemon.log")).open("wb") as log:
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

    def minute(self) -> float:
        """Give how many minutes the daemon has come."""
        with closing(database.open_reader(self.db)) as db:
            said = monitor.read(db)
        return 0.0 if said is None or said.cycle_ms is None else (said.cycle_ms - T0) / MINUTE

    def alerts(self, lane: str) -> list[tuple[Any, ...]]:
        """Give state, level, when it was raised and on what, of every alert of a lane."""
        with closing(database.open_reader(self.db)) as db:
            found = db.execute("select state, level, opened_ms, evidence from alert where lane = ? order by 3", [lane])
            return [(*row[:3], json.loads(row[3])) for row in found]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path, broker: Broker) -> Hub:
    """A hub beside that broker, whose daemon does not run yet."""
    return Hub(tmp_path, broker.port)


def test_a_broker_that_dies_is_one_alert_and_what_is_overdue_fires_on_its_return(hub: Hub, broker: Broker) -> None:
    """Two patients fall overdue while it is away: nothing technical then, and both as of a minute after it is back."""
    for patient in ("p1", "p2"):
        hub.admit(patient, T0 - 10 * MINUTE)
    with hub.running():
        broker.stop()  # what it held is there when it is back, so that its absence is all there is to tell
        wait_until(lambda: hub.minute() > 22, "both patients' readings have been due for two minutes")
        ((state, level, _, evidence),) = hub.alerts("system")
        assert (state, level, list(evidence["faults"])) == ("new", 2, ["broker"])
        assert hub.alerts("technical") == []
        broker.start()
        wait_until(lambda: len(hub.alerts("technical")) == 2, "what is still overdue fires")
    with closing(database.open_reader(hub.db)) as db:
        over_ms = findings.of_stay(db, SYSTEM_STAY)[-1].finding.at_ms
    raised = [opened_ms for _, _, opened_ms, _ in hub.alerts("technical")]
    assert raised == [over_ms + RULES["broker"].off_delay_ms] * 2
    assert [row[0] for row in hub.alerts("system")] == ["settled"]


def test_a_device_whose_will_is_spoken_is_an_alert_after_the_debounce(hub: Hub, broker: Broker) -> None:
    """Ten minutes after the broker said it, and not while it may come back; its return ends the alert."""
    hub.admit("p1", T0)
    status = "vwmon/resp/of-p1/status"
    with hub.running():
        device = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        device.will_set(status, b'{"status":"offline"}', qos=1, retain=True)
        device.connect(broker.host, broker.port)
        device.loop_start()
        device.publish(status, b'{"status":"online"}', qos=1, retain=True).wait_for_publish(20)
        device.loop_stop()
        peer = device.socket()
        assert peer is not None
        peer.close()
        wait_until(lambda: bool(hub.alerts("technical")), "the lost connection is an alert")
        ((_, level, opened_ms, evidence),) = hub.alerts("technical")
        (figures,) = evidence["kit"]["device_disconnected"].values()
        assert (level, figures["device"]) == (1, "of-p1")
        assert opened_ms == figures["since_ms"] + 10 * MINUTE
        back = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        back.connect(broker.host, broker.port)
        back.loop_start()
        back.publish(status, b'{"status":"online"}', qos=1, retain=True).wait_for_publish(20)
        wait_until(lambda: hub.alerts("technical")[0][0] == "closed", "its return ends the alert")
        back.loop_stop()
        back.disconnect()
