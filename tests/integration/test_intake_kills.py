"""The ingest killed at any moment, between a real broker and a real database: nothing lost, nothing doubled."""

import os
import random
import select
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from paho.mqtt import publish as paho_publish
from paho.mqtt.enums import MQTTProtocolVersion

from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.store import database

KILLS, MESSAGES, IDLE_S = 5, 3000, 2.0
CONSUMER = """
import sys, threading
from pathlib import Path
from vwmon.clock import Clock
from vwmon.ingest import Ingest
from vwmon.intake.link import Link
from vwmon.intake.session import MqttIntake
from vwmon.store import database
from vwmon.store.log import LogWriter
clock = Clock()
intake = MqttIntake(Link(port=int(sys.argv[1]), host="127.0.0.1", batch=20, window=40), clock.now_ms)
log = LogWriter(database.open_writer(Path(sys.argv[2])))
Ingest(intake=intake, log=log, clock=clock, on_commit=lambda: print("x", flush=True)).run(threading.Event())
"""


def start(broker: Broker, db: Path) -> subprocess.Popen[bytes]:
    """Start a consumer of its own process; it writes a byte for each commit."""
    arguments = [sys.executable, "-c", CONSUMER, str(broker.port), str(db)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE)


def kill_after(consumer: subprocess.Popen[bytes], commits: int) -> None:
    """Kill it somewhere behind so many commits, if it lives that long."""
    assert consumer.stdout is not None
    for _ in range(commits):
        if not select.select([consumer.stdout], [], [], IDLE_S)[0]:
            break
        os.read(consumer.stdout.fileno(), 2)
    os.kill(consumer.pid, signal.SIGKILL)
    consumer.wait()
    consumer.stdout.close()


def count(db: Path) -> int:
    """Count the readings stored."""
    with closing(database.open_reader(db)) as reader:
        return int(reader.execute("select count(*) from reading_log").fetchone()[0])


@pytest.mark.hazard("H1")
def test_a_consumer_killed_again_and_again_stores_every_message_once(tmp_path: Path) -> None:
    """Acknowledged means committed: what was killed in between comes again and is known again."""
    path = tmp_path / "vwmon.db"
    database.create(path).close()
    dice = random.Random(1)
    with running_broker(tmp_path) as broker:
        first = start(broker, path)
        sent = [f'{{"v":1,"id":"m-{n}","readings":[{{"vital":"spo2","value":97}}]}}' for n in range(MESSAGES)]
        topic = "vwmon/resp/dev-1/readings"
        wait_until(lambda: subscribed(broker), "the consumer is subscribed")
        paho_publish.multiple(
            [{"topic": topic, "payload": payload, "qos": 1} for payload in sent],
            hostname=broker.host,
            port=broker.port,
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        kill_after(first, 1)
        for _ in range(KILLS):
            kill_after(start(broker, path), dice.randrange(1, 8))
        last = start(broker, path)
        wait_until(lambda: count(path) >= MESSAGES, "everything is stored")
        kill_after(last, 0)
    with closing(database.open_reader(path)) as reader:
        keys = Counter(key for (key,) in reader.execute("select message_key from reading_log"))
        assert reader.execute("pragma integrity_check").fetchone() == ("ok",)
    assert keys == Counter({f"m-{n}": 1 for n in range(MESSAGES)})


def subscribed(broker: Broker) -> bool:
    """Ask the broker, by the reason code of a publish: no matching subscriber is 0x10."""
    with socket.create_connection((broker.host, broker.port)) as probe:
        probe.sendall(b"\x10\x0f\x00\x04MQTT\x05\x02\0\0\0\0\2pp")
        probe.recv(100)
        topic = b"vwmon/resp/probe/readings"
        body = len(topic).to_bytes(2, "big") + topic + b"\0\1\0" + b"{}"
        probe.sendall(bytes([0x32, len(body)]) + body)
        answer = probe.recv(100)
    return len(answer) == 4 or answer[4] == 0
