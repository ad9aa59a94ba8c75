"""A daemon as a process, with a patient who falls ill, a broker, and a webhook by which people are told."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from alerts import queries
from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, wait_until
from tests.integration.webhook import Webhook
from vwmon.clock import Clock
from vwmon.store import database, monitor

CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[notify]
from_level = 3
[notify.channels.pager]
urls_file = "pager.urls"
[[wards]]
id = "resp"
name = "Respiratory"
"""
PATIENT = "=cmd|'0123 Jonquil Przybyłowicz'"
NAME, NHS_NUMBER, BORN = "Ottoline Fotheringay", "9434765919", "1951-03-17"
NOTE = "daughter rang from 020 7946 0018"
NURSE = "s.ahmed-nightingale"
SECRETS = (PATIENT, "Jonquil", "Przyby", NAME, *NAME.split(), NHS_NUMBER, BORN, NOTE, "020 7946", NURSE, "hush-hush")
READINGS = "vwmon/resp/oximeter/readings"
SICK, BETTER = (("respiratory_rate", 26), ("spo2", 90), ("heart_rate", 112)), (("heart_rate", 72),)
# The daemon with one function that kills the process on its first call, before or after what it does.
KILLED = """\
import os, signal, sys
from {module} import {owner} as owner
real = getattr(owner, "{name}")
def deadly(*arguments, **options):
    if "{when}" == "after":
        real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, "{name}", deadly)
from vwmon.cli import main
sys.argv = ["vwmon", "run", "--config", {config!r}]
main()
"""


class Hub:
    """A folder with a configuration, a database with a patient and a device, and the daemon's process."""

    def __init__(self, folder: Path, port: int, hook: Webhook) -> None:
        """Write the configuration, make the database and admit the patient."""
        self.folder, self.config, self.db = folder, folder / "vwmon.toml", folder / "ward.db"
        self.config.write_text(CONFIG.format(port=port) + "[commands]\nallow_as = true\n", encoding="utf-8")
        addresses = folder / "pager.urls"
        addresses.write_text(hook.url + "\n", encoding="utf-8")
        addresses.chmod(0o600)
        database.create(self.db).close()
        named = ("--config", self.config)
        admission = ("--ward", "resp", "--born", BORN, "--name", NAME, "--nhs-number", NHS_NUMBER)
        for words in (
            ("patients", "admit", PATIENT, *admission),
            ("devices", "add", "oximeter"),
            ("devices", "assign", "oximeter", PATIENT),
        ):
            done = Command()(*words, *named)
            assert done.exit_code == 0, done.output

    @contextmanager
    def running(self, script: str = "") -> Iterator["subprocess.Popen[bytes]"]:
        """Run the daemon, or a script that is one; nothing of it is left running."""
        words = ["-c", script] if script else ["-m", "vwmon", "run", "--config", str(self.config)]
        with (self.folder / "daemon.log").open("ab") as log:
            daemon = subprocess.Popen([sys.executable, *words], stdout=log, stderr=log, env=os.environ.copy())
        try:
            yield daemon
        finally:
            daemon.kill()
            daemon.wait()

    def killed_in(self, module: str, owner: str, name: str, when: str) -> str:
        """Give the script of a daemon that is killed at its first call of a function."""
        return KILLED.format(module=module, owner=owner, name=name, when=when, config=str(self.config))

    def log(self) -> str:
        """Read what the daemons have said."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def connected(self) -> bool:
        """Say whether the daemon says that it has its broker."""
        with closing(database.open_reader(self.db)) as reader:
            said = monitor.read(reader)
        return said is not None and said.broker_connected and said.stopped_ms is None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read rows."""
        with closing(database.open_reader(self.db)) as reader:
            return reader.execute(sql).fetchall()

    def listed(self) -> list[dict[str, Any]]:
        """Read the clinical alerts from the command line."""
        rows = json.loads(Command()("alerts", "--config", self.config, "--lane", "clinical", "--json").stdout)
        return [row for row in rows if row["lane"] == "clinical"]

    def acts(self, *words: str) -> None:
        """Have the nurse do something on the list."""
        done = Command()("alerts", *words, "--as", NURSE, "--config", self.config)
        assert done.exit_code == 0, done.output


class Device:
    """The patient's device, and everything that any subscriber of the broker ever sees."""

    def __init__(self, port: int, prepare: Callable[[mqtt.Client], None] = lambda _client: None) -> None:
        """Connect, as `prepare` has it, and subscribe to everything."""
        self.seen: list[tuple[str, bytes, bool]] = []
        self._receipted: set[str] = set()
        self._count = 0
        subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = self._heard
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.reconnect_delay_set(1, 1)
        prepare(self.client)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(DEADLINE_S)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()

    def sends(self, *values: tuple[str, float]) -> None:
        """Measure now, and send it again until its receipt comes."""
        self._count += 1
        name, at_ms = f"m{self._count}-{id(self)}", Clock().now_ms()
        readings = [{"vital": vital, "value": value} for vital, value in values]
        body = json.dumps({"v": 1, "id": name, "time": queries.utc(at_ms), "readings": readings})
        self.client.publish(READINGS, body, qos=1)
        wait_until(lambda: name in self._receipted, "the reading is receipted")

    def alert_topics(self) -> list[tuple[str, Any, bool]]:
        """Give what was published of alerts: id, content (None: cleared), and whether it was kept for us."""
        return [
            (topic.rpartition("/")[2], json.loads(body) if body else None, kept)
            for topic, body, kept in list(self.seen)
            if topic.startswith("vwmon/resp/alerts/")
        ]

    def _heard(self, _client: mqtt.Client, _data: object, said: mqtt.MQTTMessage) -> None:
        self.seen.append((said.topic, bytes(said.payload), said.retain))
        if said.topic.endswith("/receipts"):
            self._receipted |= set(json.loads(said.payload)["ids"])


@contextmanager
def device(port: int, prepare: Callable[[mqtt.Client], None] = lambda _client: None) -> Iterator[Device]:
    """Connect the device; it leaves in the end."""
    connected = Device(port, prepare)
    try:
        yield connected
    finally:
        connected.close()
