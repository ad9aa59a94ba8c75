"""A real daemon beside a real broker, and an emergency that nobody answers: each tier is told in its time."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, running_broker, wait_until
from tests.integration.test_daemon import CONFIG, READINGS, message
from vwmon import config
from vwmon.clock import Clock
from vwmon.daemon import Daemon
from vwmon.service import Service
from vwmon.store import database

MINUTE = 60_000
ILL = (("respiratory_rate", 26), ("spo2", 91), ("heart_rate", 118), ("systolic_bp", 120), ("temperature", 36.9))


class Hall:
    """A ward, the wall clock in it, and the commands that people give there."""

    def __init__(self, folder: Path, port: int, patch: pytest.MonkeyPatch) -> None:
        """Write the configuration, make the database, and admit a patient with a device."""
        self.config, self._ahead_ms = folder / "vwmon.toml", 0
        self.config.write_text(CONFIG.format(port=port), encoding="utf-8")
        database.create(folder / "ward.db").close()
        machines = Clock.now_ms
        patch.setattr(Clock, "now_ms", lambda clock: machines(clock) + self._ahead_ms)
        self.asks("patients", "admit", "P1", "--ward", "resp", "--born", "1950-01-01")
        self.asks("devices", "add", "oximeter")
        self.asks("devices", "assign", "oximeter", "P1")

    def later(self, minutes: float) -> None:
        """Put the wall clock forward."""
        self._ahead_ms += round(minutes * MINUTE)

    def asks(self, *words: object, code: int = 0) -> str:
        """Run a command; give what it prints."""
        result = Command()(*words, "--config", self.config)
        assert result.exit_code == code, result.output
        return result.stdout

    def alert(self) -> dict[str, Any]:
        """Give the patient's one alert as the list shows it, whatever is wrong with the service by then."""
        rows = json.loads(Command()("alerts", "--lane", "clinical", "--json", "--config", self.config).stdout)
        found: dict[str, Any] = rows[0] if rows else {"tier": 0}
        return found

    def told(self, tier: int) -> Callable[[], bool]:
        """Tell whether a tier has been told."""
        return lambda: self.alert()["tier"] == tier

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let a daemon be at work."""
        stop = threading.Event()
        daemon = Daemon(config.load(self.config), Clock(), Service({}))
        thread = threading.Thread(target=daemon.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    """The ward beside a broker, to which the patient's device has sent what is an emergency."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as broker:
        hall = Hall(tmp_path, broker.port, monkeypatch)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        with hall.watched():
            wait_until(lambda: published(client, hall), "the alert is there")
        client.disconnect()
        client.loop_stop()
        yield hall


def published(client: mqtt.Client, hall: Hall) -> bool:
    """Publish until there is an alert: the daemon may not have subscribed yet."""
    client.publish(READINGS, message("m1", Clock().now_ms(), *ILL), qos=1).wait_for_publish(DEADLINE_S)
    return hall.told(1)()


@pytest.mark.hazard("H3")
def test_an_emergency_that_nobody_answers_reaches_the_second_tier_and_the_third(hall: Hall) -> None:
    """After five minutes and after ten; the list and the history say so, and an answer ends it."""
    with hall.watched():
        hall.later(5.1)
        wait_until(hall.told(2), "the second tier is told")
        hall.later(5)
        wait_until(hall.told(3), "the third tier is told")
        alert = hall.alert()
        assert (alert["level"], alert["state"]) == (3, "new")
        shown = Command()("alerts", "show", alert["id"], "--config", hall.config).stdout
        steps = [line for line in shown.splitlines() if " escalated " in line]
        assert ["on to tier 2" in steps[0], "on to tier 3" in steps[1], len(steps)] == [True, True, 2]
        hall.asks("alerts", "ack", alert["id"], "-m", "on my way")
        hall.later(15)
        assert hall.alert()["state"] == "acknowledged"
        explained = json.loads(hall.asks("explain", alert["id"], "--json"))
        assert explained["equal"] is True


def test_a_daemon_that_was_down_tells_once(hall: Hall) -> None:
    """Forty minutes without one: when it is back the third tier is told, and the history has one step, not four."""
    hall.later(41)
    with hall.watched():
        wait_until(hall.told(3), "the third tier is told")
        events = json.loads(Command()("alerts", "log", hall.alert()["id"], "--json", "--config", hall.config).stdout)
        steps = [event["evidence"] for event in events if event["kind"] == "escalated"]
        assert steps[-1]["tier"] == 3
        assert len(steps) <= 2, "at most one more for what else fell due meanwhile"
        assert json.loads(hall.asks("explain", hall.alert()["id"], "--json"))["equal"] is True
