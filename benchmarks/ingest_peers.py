"""The peers, each a process of its own: `python ingest_peers.py stock|telegraf PORT COUNT FOLDER`.

stock     what paho does by itself: MQTT 5, QoS 1, a persistent session, and a callback that only counts.
telegraf  the pattern of Telegraf's mqtt_consumer with a persistent session: paho, parse, insert, and an
          acknowledgement for each message after its commit.

With COUNT 0 a peer subscribes and goes, so that its session exists; else it counts to COUNT and prints
one line of JSON: seconds and CPU seconds from the first message to the last, and messages between.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

FILTER = "vwmon/+/+/readings"
WINDOW, SESSION_S = 4000, 7 * 86_400
INSERT = "insert into readings values (?, ?, ?, ?)"


class Tally:
    """Counts messages, and the time and CPU time between the first and the last."""

    def __init__(self, wanted: int) -> None:
        """Expect so many."""
        self.wanted, self.seen = wanted, 0
        self._begun = (0.0, 0.0)

    def one(self) -> bool:
        """Count one; say whether it was the last."""
        self.seen += 1
        if self.seen == 1:
            self._begun = (time.monotonic(), time.process_time())
        return self.seen >= self.wanted

    def line(self) -> str:
        """Write the result."""
        at, cpu = self._begun
        spent = {"seconds": time.monotonic() - at, "cpu_seconds": time.process_time() - cpu}
        return json.dumps(spent | {"messages": self.seen - 1})


def connected(name: str, port: int, *, manual: bool) -> mqtt.Client:
    """Connect as the daemon does: MQTT 5, not clean, a session that lasts, the same window."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=manual
    )
    asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    asked.SessionExpiryInterval, asked.ReceiveMaximum = SESSION_S, WINDOW
    client.connect("127.0.0.1", port, clean_start=False, properties=asked)
    return client


def stock(tally: Tally) -> Callable[[mqtt.Client, object, mqtt.MQTTMessage], None]:
    """Only count."""

    def arrived(client: mqtt.Client, _data: object, _message: mqtt.MQTTMessage) -> None:
        if tally.one():
            client.disconnect()

    return arrived


def telegraf(tally: Tally, folder: Path) -> Callable[[mqtt.Client, object, mqtt.MQTTMessage], None]:
    """Parse, insert, commit, acknowledge: message by message."""
    db = sqlite3.connect(folder / "telegraf.db", isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table readings (topic text, time text, vital text, value real)")

    def arrived(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        parsed = json.loads(message.payload)
        rows = [(message.topic, parsed["time"], one["vital"], one["value"]) for one in parsed["readings"]]
        db.execute("begin immediate")
        db.executemany(INSERT, rows)
        db.execute("commit")
        client.ack(message.mid, 1)
        if tally.one():
            client.disconnect()

    return arrived


def main() -> None:
    """Run the peer that the command line names."""
    name, port, wanted, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    client = connected(f"peer-{name}", port, manual=name == "telegraf")
    client.on_connect = lambda client, *_: client.subscribe(FILTER, qos=1)
    if not wanted:
        client.on_subscribe = lambda client, *_: client.disconnect()
        client.loop_forever()
        return
    tally = Tally(wanted)
    client.on_message = stock(tally) if name == "stock" else telegraf(tally, folder)
    client.loop_forever()
    print(tally.line())


if __name__ == "__main__":
    main()
