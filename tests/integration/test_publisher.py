"""Open alerts on a real broker, kept for whoever comes, and requests to a device that answers them."""

import queue
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from devices.client import DeviceClient
from devices.client import Hub as Devices
from devices.said import Request
from devices.simulator.fleet import Fleet
from devices.simulator.live import Repeats
from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, Broker, running_broker, wait_until
from tests.integration.told_daemon import SICK, Device, Hub, device
from tests.integration.webhook import listening
from vwmon.clock import Clock
from vwmon.store import database

MEASURED = """select name from reading_log join vital using (vital_no) join device using (device_no)
    where device = 'sim-001'"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker that keeps nothing over a kill."""
    with running_broker(tmp_path, persistence=False, more="set_tcp_nodelay true") as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path, broker: Broker) -> Iterator[Hub]:
    """A hub beside it, whose daemon does not run yet."""
    with listening() as hook:
        yield Hub(tmp_path, broker.port, hook)


def kept(broker: Broker) -> dict[str, Any]:
    """Give the clinical alerts that the broker keeps for whoever subscribes now."""
    with device(broker.port) as later:
        # A broker gives what it keeps in any order, but all of it before what is published after the subscription.
        later.client.publish("mark", qos=1)
        wait_until(lambda: any(topic == "mark" for topic, _, _ in later.seen), "what is kept came")
        return {
            name: said
            for name, said, retained in later.alert_topics()
            if retained and said is not None and said["lane"] == "clinical"
        }


def states(oximeter: Device) -> list[str]:
    """Give the states in which clinical alerts were published, and "cleared"."""
    said = [content for _, content, _ in oximeter.alert_topics()]
    return ["cleared" if one is None else one["state"] for one in said if one is None or one["lane"] == "clinical"]


def test_an_alert_appears_changes_survives_the_broker_and_is_cleared(hub: Hub, broker: Broker) -> None:
    """As it stands, for whoever subscribes when; a broker that lost all is told again; closed, nothing is kept."""
    with hub.running(), device(broker.port) as oximeter:
        wait_until(hub.connected, "the daemon has its broker")
        oximeter.sends(*SICK)
        wait_until(lambda: states(oximeter) == ["new"], "the alert appears")
        (alert,) = hub.listed()
        wait_until(lambda: set(kept(broker)) == {alert["id"]}, "it is kept")
        hub.acts("ack", alert["id"], "-m", "phoned")
        wait_until(lambda: "acknowledged" in states(oximeter), "it changes")
        broker.kill()
        oximeter.seen.clear()
        broker.start()
        wait_until(lambda: _state(kept(broker), alert["id"]) == "acknowledged", "a new broker has it", deadline_s=60)
        wait_until(lambda: "acknowledged" in states(oximeter), "and so has whoever comes back to it")
        hub.acts("close", alert["id"], "--outcome", "transferred")
        wait_until(lambda: kept(broker) == {}, "it is cleared")
        wait_until(lambda: states(oximeter)[-1] == "cleared", "whoever listens is told so")
    assert set(states(oximeter)[:-1]) == {"acknowledged"}


def _state(found: dict[str, Any], name: str) -> str:
    return str(found.get(name, {}).get("state"))


def test_what_happened_while_the_daemon_was_away_is_published_when_it_is_back(hub: Hub, broker: Broker) -> None:
    """An alert that a person closed meanwhile does not stay on the broker."""
    with hub.running(), device(broker.port) as oximeter:
        wait_until(hub.connected, "the daemon has its broker")
        oximeter.sends(*SICK)
        wait_until(lambda: states(oximeter) == ["new"], "the alert appears")
    (alert,) = hub.listed()
    hub.acts("ack", alert["id"], "-m", "phoned")
    hub.acts("close", alert["id"], "--outcome", "transferred")
    assert set(kept(broker)) == {alert["id"]}
    with hub.running():
        wait_until(lambda: kept(broker) == {}, "it is cleared")


def test_a_device_hears_what_it_is_asked_and_nothing_else(broker: Broker, tmp_path: Path) -> None:
    """Its own requests alone; what cannot be read is none, and ends nothing."""
    heard: queue.Queue[tuple[str, Request]] = queue.Queue()
    with (
        device(broker.port) as ward,
        DeviceClient(
            "127.0.0.1",
            broker.port,
            "resp",
            "oximeter",
            tmp_path / "spool",
            on_request=lambda name, asked: heard.put((name, asked)),
        ) as oximeter,
    ):
        wait_until(lambda: oximeter.trouble is None, "it is connected")
        for name, body in (
            ("scales", b'{"v":1,"id":"1","request":"repeat","vitals":["weight"]}'),
            ("oximeter", b'{"v":1,"id":"2"'),
            ("oximeter", b'{"v":1,"request":"repeat"}'),
            (
                "oximeter",
                b'{"v":1,"id":"3","request":"repeat","vitals":["spo2"],"due":"2026-11-22T09:30:00Z","more":1}',
            ),
        ):
            ward.client.publish(f"vwmon/resp/{name}/requests", body, qos=1)
        asked = heard.get(timeout=DEADLINE_S)
    assert asked == ("oximeter", Request(id="3", request="repeat", vitals=["spo2"], due="2026-11-22T09:30:00Z"))
    assert heard.empty()


def test_a_device_that_is_asked_measures_again(hub: Hub, broker: Broker, tmp_path: Path) -> None:
    """The request reaches the simulated device through a real broker, and its answer the ward."""
    fleet, now_ms = Fleet(patients=1), Clock().now_ms()
    named = ("--config", hub.config)
    for words in (
        ("patients", "admit", "P2", "--ward", "resp", "--born", "1950-01-01"),
        ("devices", "add", "sim-001"),
        ("devices", "assign", "sim-001", "P2"),
    ):
        assert Command()(*words, *named).exit_code == 0
    with closing(database.open_writer(hub.db)) as db, database.atomic(db):
        row = (2, "news2_5", '["spo2"]', now_ms, now_ms + 900_000)
        db.execute("insert into request (stay_no, rule, vitals, asked_ms, due_ms) values (?, ?, ?, ?, ?)", row)
    repeats = Repeats(fleet, now_ms, Clock().now_ms)
    with (
        hub.running(),
        Devices("127.0.0.1", broker.port, "resp", tmp_path / "spool", client_id="sim", on_request=repeats) as devices,
    ):
        repeats.outlet = devices
        wait_until(lambda: hub.rows("select state from request") == [("sent",)], "it is asked", deadline_s=60)
        wait_until(lambda: hub.rows(MEASURED) == [("spo2",)], "the answer is stored")
