"""The daemon as a process beside a real broker: what it says of itself to the ward, to screens and to its manager."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from alerts import queries
from tests.conftest import Command
from tests.integration.broker import DEADLINE_S, Broker, free_port, running_broker, wait_until
from vwmon import config
from vwmon import daemon as daemon_module
from vwmon.clock import Clock
from vwmon.config import Mqtt, Settings, Store
from vwmon.daemon import Daemon, ThreadEndedError
from vwmon.ingest import Ingest
from vwmon.notifier import Notifier
from vwmon.publisher import Publisher
from vwmon.service import Service
from vwmon.store import configured, database, monitor
from vwmon.store.configured import Configured
from vwmon.store.monitor import Monitor
from vwmon.watch import Watch

CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[[wards]]
id = "resp"
name = "Respiratory"
"""
STATUS = "vwmon/resp/monitor/status"
FORGOT = "the broker forgot what it held for this service"


class Hub:
    """A folder with a configuration and a database, and the daemon's process."""

    def __init__(self, folder: Path, port: int) -> None:
        """Write the configuration and make the database."""
        self.config, self.db, self._log = folder / "vwmon.toml", folder / "ward.db", folder / "daemon.log"
        self.config.write_text(CONFIG.format(port=port), encoding="utf-8")
        database.create(self.db).close()

    @contextmanager
    def running(self, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the daemon until it has said its first word; nothing of it is left running."""
        program = [sys.executable, "-m", "vwmon", "run", "--config", str(self.config)]
        with self._log.open("wb") as log:
            daemon = subprocess.Popen(program, stdout=log, stderr=log, env=os.environ | environment)
        try:
            wait_until(lambda: self.said() is not None or daemon.poll() is not None, "the daemon says something")
            assert daemon.poll() is None, self._log.read_text()
            yield daemon
        finally:
            daemon.kill()
            daemon.wait()

    def said(self) -> Monitor | None:
        """Read what the daemon last said of itself."""
        with closing(database.open_reader(self.db)) as reader:
            return monitor.read(reader)

    def logged(self) -> str:
        """Read what the process that was started last has logged."""
        return self._log.read_text(encoding="utf-8")

    def connected(self) -> bool:
        """Say whether the daemon says that it has its broker."""
        said = self.said()
        return said is not None and said.broker_connected

    def counted(self) -> int:
        """Read how many readings the daemon says that it has."""
        said = self.said()
        return 0 if said is None else said.readings

    def service_told(self) -> list[str]:
        """Read why there is an alert of the service, without for how long."""
        rows = json.loads(Command()("alerts", "--config", self.config, "--lane", "system", "--json").stdout)
        return [why.rpartition(" for ")[0] for row in rows for why in row["why"]]

    def status(self) -> tuple[int, dict[str, Any]]:
        """Ask `vwmon status`; give its exit code and answer."""
        done = Command()("status", "--config", self.config, "--json")
        return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path, broker: Broker) -> Hub:
    """A hub beside that broker, whose daemon does not run yet."""
    return Hub(tmp_path, broker.port)


@contextmanager
def listening(port: int) -> Iterator["queue.Queue[tuple[dict[str, Any], bool]]"]:
    """Subscribe to the monitor's status as a device would; give what comes as (content, retained)."""
    heard: queue.Queue[tuple[dict[str, Any], bool]] = queue.Queue()
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = lambda _client, _data, said: heard.put((json.loads(said.payload), said.retain))
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.subscribe(STATUS, qos=1)
    client.loop_start()
    try:
        assert subscribed.wait(DEADLINE_S)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def test_the_ward_is_told_that_it_is_watched(hub: Hub, broker: Broker) -> None:
    """Retained, so that a device that comes later hears it; with the time in UTC, and again at every beat."""
    with hub.running(), listening(broker.port) as heard:
        first, again = (heard.get(timeout=DEADLINE_S)[0] for _ in range(2))
        with listening(broker.port) as later:
            assert later.get(timeout=DEADLINE_S)[1]
    assert (first["status"], first["readings"]) == ("online", 0)
    times = [datetime.fromisoformat(said["time"]) for said in (first, again)]
    assert times[0] < times[1]
    assert first["time"].endswith("Z")


@pytest.mark.hazard("H20")
def test_the_ward_is_told_when_the_daemon_was_killed(hub: Hub, broker: Broker) -> None:
    """The broker says it in the daemon's place, retained."""
    with listening(broker.port) as heard, hub.running() as daemon:
        assert heard.get(timeout=DEADLINE_S)[0]["status"] == "online"
        daemon.kill()
        wait_until(lambda: heard.get(timeout=DEADLINE_S)[0] == {"status": "offline"}, "the Will is published")
        with listening(broker.port) as later:
            assert later.get(timeout=DEADLINE_S) == ({"status": "offline"}, True)


@pytest.mark.hazard("H20")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_stopped_says_so_everywhere(hub: Hub, broker: Broker, how: signal.Signals) -> None:
    """The ward hears that nobody watches; the screens say stopped, as a probe's exit code 4; the process ends well."""
    with listening(broker.port) as heard, hub.running() as daemon:
        wait_until(hub.connected, "the daemon has its broker")
        assert hub.status()[0] == 0
        assert hub.status()[1]["monitoring"]
        daemon.send_signal(how)
        assert daemon.wait(DEADLINE_S) == 0
        wait_until(lambda: heard.get(timeout=DEADLINE_S)[0] == {"status": "offline"}, "the ward is told")
    code, said = hub.status()
    assert (code, said["monitoring"]) == (4, False)
    assert said["reason"].startswith("NOT MONITORING: the daemon was stopped")
    assert said["stopped_at"] is not None


@pytest.mark.hazard("H17")
def test_a_start_with_other_settings_says_which_and_keeps_them(hub: Hub) -> None:
    """Each start is compared with the one before; with the same settings, nothing is said."""
    content = hub.config.read_text(encoding="utf-8")
    for more in ("", '[monitor]\nsilent_after = "20m"\n', '[monitor]\nsilent_after = "20m"\n# the same\n'):
        hub.config.write_text(content + more, encoding="utf-8")
        with hub.running():
            wait_until(lambda: " ready" in hub.logged(), "the daemon is ready")
        changed = [line for line in hub.logged().splitlines() if "setting_changed" in line]
        told = 'key=monitor.silent_after before="15m" after="20m"'
        assert [told in line for line in changed] == ([True] if more.endswith('20m"\n') else [])
    with closing(database.open_reader(hub.db)) as db:
        kept = configured.in_use(db, 0, Clock().now_ms())
    assert [one.settings["monitor.silent_after"] for one in kept] == ['"15m"', '"20m"']
    assert kept[1].config_hash == config.load(hub.config).hash


@pytest.mark.hazard("H17")
def test_settings_that_cannot_be_used_are_not_kept_as_those_in_use(hub: Hub) -> None:
    """A start that failed changed nothing, so the next is compared with the last that did not."""
    good = hub.config.read_text(encoding="utf-8")
    with hub.running():
        wait_until(lambda: " ready" in hub.logged(), "the daemon is ready")
    hub.config.write_text(good + '[notify.channels.pager]\nurls_file = "none"\n', encoding="utf-8")
    assert Command()("run", "--config", hub.config).exit_code == 8
    with closing(database.open_reader(hub.db)) as db:
        assert len(configured.in_use(db, 0, Clock().now_ms())) == 1


@pytest.mark.hazard("H20")
def test_a_ward_is_watched_also_where_its_settings_cannot_be_compared(hub: Hub) -> None:
    """What only tells must not keep a daemon from starting; it is said instead."""
    with closing(database.open_writer(hub.db)) as db:
        configured.keep(db, Configured(0, "", {}))
        db.execute("update configured set settings = '{'")
    with hub.running():
        wait_until(lambda: " ready" in hub.logged(), "the daemon is ready")
    assert "settings_not_compared" in hub.logged()


def test_a_killed_daemon_is_not_said_to_have_stopped(hub: Hub) -> None:
    """Nobody stopped it on purpose, and whoever looks later must see the difference."""
    with hub.running() as daemon:
        daemon.kill()
        daemon.wait(DEADLINE_S)
    assert hub.status()[1]["stopped_at"] is None


def test_a_value_that_cannot_be_is_asked_for_again_and_known_after_a_kill(hub: Hub, broker: Broker) -> None:
    """An oximeter sends 120 %: receipt, and a repeat is asked for; started anew, the daemon still waits for it."""
    vwmon = Command()
    named = ("--config", hub.config)
    assert vwmon("patients", "admit", "P1", "--ward", "resp", "--born", "1950-01-01", *named).exit_code == 0
    assert vwmon("devices", "add", "oximeter", *named).exit_code == 0
    assert vwmon("devices", "assign", "oximeter", "P1", *named).exit_code == 0
    at_ms = Clock().now_ms()
    with hub.running(), receipts(broker.port) as (client, received):
        wait_until(hub.connected, "the daemon has its broker")
        client.publish(READINGS, message("m1", at_ms, ("heart_rate", 115)), qos=1)
        client.publish(READINGS, message("m2", at_ms + 1, ("spo2", 120)), qos=1)
        assert {received.get(timeout=DEADLINE_S) for _ in range(2)} == {"m1", "m2"}
        wait_until(lambda: len(asked(hub)) == 1, "a repeat is asked for")
    ((rule, vitals, state),) = asked(hub)
    assert (rule, "spo2" in vitals.split(","), state) == ("news2_could_be_5", True, "queued")
    assert listed(hub) == []
    with hub.running(), receipts(broker.port) as (client, received):
        wait_until(hub.connected, "the daemon has its broker again")
        client.publish(READINGS, message("m2", at_ms + 1, ("spo2", 120)), qos=1)
        client.publish(READINGS, message("m3", at_ms + 2, ("heart_rate", 95)), qos=1)
        assert {received.get(timeout=DEADLINE_S) for _ in range(2)} == {"m2", "m3"}
        wait_until(lambda: len(could_be(hub)) == 3 and hub.counted() == 2, "the pulse is scored")
    assert could_be(hub) == [(2, 2), (2, 5), (1, 4)]
    assert asked(hub) == [("news2_could_be_5", vitals, "answered")]
    assert listed(hub) == []


READINGS = "vwmon/resp/oximeter/readings"


def message(name: str, at_ms: int, *values: tuple[str, float]) -> bytes:
    """Write a message of readings that were observed together."""
    readings = [{"vital": vital, "value": value} for vital, value in values]
    return json.dumps({"v": 1, "id": name, "time": queries.utc(at_ms), "readings": readings}).encode()


def listed(hub: Hub) -> list[dict[str, Any]]:
    """Read the clinical alerts from the command line."""
    rows = json.loads(Command()("alerts", "--config", hub.config, "--json").stdout)
    return [row for row in rows if row["lane"] == "clinical"]


def asked(hub: Hub) -> list[tuple[str, str, str]]:
    """Read which repeats were asked for, and what became of that."""
    with closing(database.open_reader(hub.db)) as reader:
        return reader.execute("select rule, vitals, state from request order by request_no").fetchall()


def could_be(hub: Hub) -> list[tuple[int, int]]:
    """Read of every moment that was stored: the total and what could be."""
    with closing(database.open_reader(hub.db)) as reader:
        return reader.execute("select total_min, could_be from score order by at_ms").fetchall()


@contextmanager
def receipts(port: int) -> Iterator["tuple[mqtt.Client, queue.Queue[str]]"]:
    """Connect as a device; give what to publish with, and the ids of the messages that were receipted."""
    ids: queue.Queue[str] = queue.Queue()
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    def heard(_client: mqtt.Client, _data: object, said: mqtt.MQTTMessage) -> None:
        for one in json.loads(said.payload)["ids"]:
            ids.put(one)

    client.on_message = heard
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.subscribe("vwmon/resp/oximeter/receipts", qos=1)
    client.loop_start()
    try:
        assert subscribed.wait(DEADLINE_S)
        yield client, ids
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.hazard("H1")
@pytest.mark.parametrize("watching", [True, False], ids=["watched", "away"])
def test_a_broker_that_forgot_the_daemon_is_an_alert_of_the_service(hub: Hub, broker: Broker, watching: bool) -> None:
    """While the daemon runs, and while it does not; a broker that kept its session is none."""
    with hub.running():
        wait_until(hub.connected, "the daemon has its broker")
        broker.stop()
        wait_until(lambda: not hub.connected(), "the daemon notices")
        broker.start()
        wait_until(hub.connected, "it is back, and kept what it knew")
        assert hub.service_told() == []
        if watching:
            forget(broker)
            wait_until(lambda: hub.service_told() == [FORGOT], "that it is forgotten is an alert")
    if not watching:
        forget(broker)
        with hub.running():
            wait_until(lambda: hub.service_told() == [FORGOT], "that it was forgotten is an alert")


def forget(broker: Broker) -> None:
    """Have the broker die and lose its store."""
    broker.kill()
    (broker.folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()


def test_a_broker_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """The daemon stays up, says that it has no broker, and connects when there is one."""
    waiting, port = Hub(tmp_path, free_port()), free_port()
    waiting.config.write_text(CONFIG.format(port=port), encoding="utf-8")
    with waiting.running() as daemon:
        assert not waiting.status()[1]["broker_connected"]
        with running_broker(tmp_path) as broker:
            broker.stop()
            moved = broker._settings.read_text(encoding="utf-8").replace(f"listener {broker.port}", f"listener {port}")
            broker._settings.write_text(moved, encoding="utf-8")
            broker.port = port
            broker.start()
            wait_until(waiting.connected, "the daemon has its broker")
        assert daemon.poll() is None


def test_the_service_manager_is_told_when_it_is_ready_and_that_it_lives(hub: Hub, tmp_path: Path) -> None:
    """READY once, with the broker there; WATCHDOG again and again; STOPPING at the end."""
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(DEADLINE_S)
        with hub.running(NOTIFY_SOCKET=name) as daemon:
            heard = heard_until(manager, b"WATCHDOG=1", times=3)
            assert hub.connected()
            daemon.terminate()
            heard += heard_until(manager, b"STOPPING=1", times=1)
    assert heard.count(b"READY=1\nSTATUS=watching") == 1
    assert any(said.startswith(b"STATUS=0 readings, ") for said in heard)


def heard_until(manager: socket.socket, word: bytes, times: int) -> list[bytes]:
    """Hear datagrams until a word came so many times, and READY before."""
    heard: list[bytes] = []
    while heard.count(word) < times or (word == b"WATCHDOG=1" and not any(b"READY" in said for said in heard)):
        heard.append(manager.recv(1000))
    return heard


def test_without_a_broker_the_service_is_alive_and_not_ready(tmp_path: Path) -> None:
    """The watchdog is for a stuck process; readiness is for one that takes readings."""
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(DEADLINE_S)
        with Hub(tmp_path, free_port()).running(NOTIFY_SOCKET=name):
            heard = [manager.recv(1000) for _ in range(4)]
    assert b"WATCHDOG=1" in heard
    assert not any(said.startswith(b"READY") for said in heard)


@pytest.mark.hazard("H16")
def test_a_database_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """A wrong path must not become an empty ward: exit code 3, what to do, and no file."""
    missing = tmp_path / "ward.db"
    done = refused("run", "--db", missing)
    assert done.returncode == 3
    assert "vwmon db migrate" in done.stderr
    assert not missing.exists()


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("content", [b"", b"dear diary", b"SQLite format 3\x00"])
def test_a_file_that_is_none_of_ours_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """Whatever it is, it keeps its bytes, and nothing appears beside it."""
    foreign = tmp_path / "notes.txt"
    foreign.write_bytes(content)
    done = refused("run", "--db", foreign)
    assert done.returncode == 1
    assert foreign.read_bytes() == content
    assert list(tmp_path.iterdir()) == [foreign]


def refused(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command as a process; it must end with a sentence and without a traceback."""
    program = [sys.executable, "-m", "vwmon", *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    return done


def _ends(*_: object) -> None:
    """Return where a thread's work should go on."""


def _fails(*_: object) -> None:
    raise OSError("the disk is gone")


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(("owner", "name"), [(Watch, "turn"), (Ingest, "step"), (Notifier, "run"), (Publisher, "turn")])
def test_a_thread_that_dies_ends_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """Half a daemon is worse than none: the other thread is ended, and the manager starts both again."""
    monkeypatch.setattr(owner, name, _fails)
    with pytest.raises(ThreadEndedError, match="the disk is gone"):
        daemon_in(tmp_path).run(threading.Event())
    with closing(database.open_reader(tmp_path / "ward.db")) as db:
        found = monitor.read(db)
    assert found is None or found.stopped_ms is None
    assert {thread.name for thread in threading.enumerate()}.isdisjoint({"ingest", "scoring", "notifier", "publisher"})


def test_a_dead_thread_s_daemon_does_not_wait_for_one_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends within five seconds, whomever another thread waits for."""
    hangs = threading.Event()
    monkeypatch.setattr(Publisher, "run", lambda *_: hangs.wait(DEADLINE_S))
    monkeypatch.setattr(daemon_module, "FAILED_S", 0.1)
    monkeypatch.setattr(Watch, "turn", _fails)
    with pytest.raises(ThreadEndedError, match="the disk is gone"):
        daemon_in(tmp_path).run(threading.Event())
    (hanging,) = (thread for thread in threading.enumerate() if thread.name == "publisher")
    hangs.set()
    hanging.join(DEADLINE_S)


@pytest.mark.hazard("H2")
def test_a_thread_that_ends_without_an_error_ends_the_daemon_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asked for it: that is an error as well, and not a stop on purpose."""
    monkeypatch.setattr(Ingest, "run", _ends)
    with pytest.raises(ThreadEndedError):
        daemon_in(tmp_path).run(threading.Event())


@pytest.mark.hazard("H2")
def test_a_sender_that_hangs_ends_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would be told of anything, and everything else would look well."""
    monkeypatch.setattr(daemon_module, "LOOK_S", 0.001)
    monkeypatch.setattr(daemon_module, "HUNG_LOOKS", 20)
    monkeypatch.setattr(Notifier, "run", lambda _self, over: over.wait())
    with pytest.raises(ThreadEndedError, match="the sender hangs"):
        daemon_in(tmp_path).run(threading.Event())


def test_the_rota_says_whom_the_daemon_tells() -> None:
    """Who is on duty at a tier, or else at the one before; while the ward is closed, level 1 waits."""
    night_ms = 1_795_665_600_000 + 2 * 3_600_000
    settings = config.parse(ROTA, Path("vwmon.toml"))
    named = {tier: daemon_module._on_duty(settings, "resp", 3, tier, night_ms) for tier in (1, 2, 3)}
    assert {tier: [person.id for person in people or ()] for tier, people in named.items()} == {
        1: ["ann"],
        2: ["bob"],
        3: ["bob"],
    }
    assert daemon_module._on_duty(settings, "resp", 1, 1, night_ms) is None
    assert daemon_module._on_duty(settings, "resp", 1, 1, night_ms + 10 * 3_600_000) is not None


ROTA = """\
[notify.channels.pager]
urls_file = "pager.urls"
[[wards]]
id = "resp"
name = "Respiratory"
hours = "08:00-20:00"
[[people]]
id = "ann"
channels = ["pager"]
[[people]]
id = "bob"
channels = ["pager"]
[[duty]]
tier = 1
who = ["ann"]
[[duty]]
tier = 2
who = ["bob"]
"""


def daemon_in(folder: Path) -> Daemon:
    """Make a daemon on a new database, with no broker anywhere and no service manager."""
    database.create(folder / "ward.db").close()
    settings = Settings(store=Store(path=folder / "ward.db"), mqtt=Mqtt(host="127.0.0.1", port=free_port()))
    return Daemon(settings, Clock(), Service({}))


@pytest.mark.hazard("H2")
def test_a_dead_thread_is_the_process_s_death(tmp_path: Path) -> None:
    """The exit code tells the service manager to start again: a table that the scorer needs is gone."""
    hub = Hub(tmp_path, free_port())
    with hub.running() as daemon:
        with closing(database.open_writer(hub.db)) as db:
            db.execute("drop table register_version")
        assert daemon.wait(DEADLINE_S) == 1
