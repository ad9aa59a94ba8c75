"""The demonstration's own broker, of either kind: MQTT 5 on loopback, and gone with whoever started it."""

import os
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from devices.payloads import LARGEST
from tests.integration.broker import DEADLINE_S, LOOPBACK, mosquitto, wait_until
from vwmon import broker
from vwmon.broker import local_broker
from vwmon.errors import BrokerError

KINDS = ("mosquitto", "embedded broker (iotcore)")
CHILD = """\
import sys, threading
from pathlib import Path
from vwmon import broker
if sys.argv[2] != "mosquitto":
    broker.find_mosquitto = lambda: None
if __name__ == "__main__":
    with broker.local_broker(Path(sys.argv[1])) as (port, name):
        print(port, name, flush=True)
        threading.Event().wait()
"""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of broker: with mosquitto installed, and as if it were not."""
    if request.param == "mosquitto":
        assert mosquitto(), "install mosquitto: apt-get install mosquitto"
    else:
        monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    return str(request.param)


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Say whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def connected(port: int) -> Iterator[tuple[mqtt.Client, "queue.Queue[bytes]"]]:
    """Connect by MQTT 5 and subscribe to everything; give the client and what comes."""
    heard: queue.Queue[bytes] = queue.Queue()
    ready: queue.Queue[object] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="test", protocol=mqtt.MQTTv5)
    client.on_message = lambda _client, _data, said: heard.put(bytes(said.payload))
    client.on_subscribe = lambda *said: ready.put(said)
    client.connect(LOOPBACK, port)
    client.loop_start()
    try:
        client.subscribe("vwmon/#", qos=1)
        ready.get(timeout=DEADLINE_S)
        yield client, heard
    finally:
        client.disconnect()
        client.loop_stop()


def test_it_carries_messages_by_mqtt_5(kind: str, tmp_path: Path) -> None:
    """What is published at QoS 1 comes to who subscribed; the name says which broker it is."""
    with local_broker(tmp_path) as (port, name):
        assert name == kind
        with connected(port) as (client, heard):
            client.publish("vwmon/demo/x/readings", b"hello", qos=1)
            assert heard.get(timeout=DEADLINE_S) == b"hello"


def test_it_carries_the_largest_message(kind: str, tmp_path: Path) -> None:
    """As large as the interface allows."""
    with local_broker(tmp_path) as (port, name), connected(port) as (client, heard):
        assert name == kind
        client.publish("vwmon/demo/x/readings", b"x" * LARGEST, qos=1)
        assert heard.get(timeout=DEADLINE_S) == b"x" * LARGEST


def test_it_is_not_reachable_from_elsewhere(kind: str, tmp_path: Path) -> None:
    """It asks for no password, so it listens on one address of loopback only."""
    with local_broker(tmp_path) as (port, name):
        assert name == kind
        assert answers(port)
        assert not answers(port, "127.0.0.2")


def test_it_is_gone_at_the_end(kind: str, tmp_path: Path) -> None:
    """Also when what it was started for fails."""
    with local_broker(tmp_path) as (port, name):
        assert name == kind
    assert not answers(port)
    ports: list[int] = []
    with pytest.raises(KeyError, match="a failure"):
        _fail_beside_a_broker(tmp_path, ports)
    assert not answers(ports[0])


def _fail_beside_a_broker(folder: Path, ports: list[int]) -> None:
    with local_broker(folder) as (port, _):
        ports.append(port)
        raise KeyError("a failure")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_who_started_it(kind: str, how: signal.Signals, tmp_path: Path) -> None:
    """However that process ends: killed, it has no chance to stop anything."""
    program = [sys.executable, "-c", CHILD, str(tmp_path), kind]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            port, _, name = parent.stdout.readline().partition(" ")
            assert name.strip() == kind
            assert answers(int(port))
        finally:
            os.kill(parent.pid, how)
    wait_until(lambda: not answers(int(port)), "the broker is gone")


def test_without_any_broker_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither mosquitto nor the extra: both ways are named."""
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    monkeypatch.setitem(sys.modules, "iotcore", None)
    with pytest.raises(BrokerError, match=r"install mosquitto, or the extra: pip install 'vwmon\[demo\]'"):
        local_broker(tmp_path).__enter__()


def test_a_broker_that_does_not_answer_is_said_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends at once: the port is named, and nothing waits for ever."""
    monkeypatch.setattr(broker, "find_mosquitto", lambda: "/bin/false")
    monkeypatch.setattr(broker, "READY_S", 0.2)
    with pytest.raises(BrokerError, match=r"did not answer on 127\.0\.0\.1:\d+"):
        local_broker(tmp_path).__enter__()
