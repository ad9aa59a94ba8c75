"""`vwmon alerts triage` in a real terminal, over a real daemon beside a real broker."""

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

from alerts import queries
from tests.conftest import Command
from tests.db.test_scorer import ILL, WELL
from tests.integration.broker import LOOPBACK, Broker, running_broker, wait_until
from tests.integration.terminal import running
from tests.integration.test_daemon import Hub
from vwmon.clock import Clock
from vwmon.store import database

MINUTE = 60_000
BROKEN = """
from vwmon.cli.triage import source
look = source.look
def broken(settings, asked):
    person = look(settings, asked).records[0]["person"]["name"]
    assert person == "Jane Brown"
    raise ZeroDivisionError("a fault")
source.look = broken
from vwmon.cli import main
main()
"""
URGENT = WELL | {"respiratory_rate": 22.0, "spo2": 93.0, "heart_rate": 95.0}  # 2 + 2 + 1: NEWS2 of 5
WORSE = ILL | {"systolic_bp": 88.0}
ENTER, ESCAPE = "\r", "\x1b"
COLOURED = "38;"  # within a sequence that sets the look of text


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path, broker: Broker) -> Hub:
    """A hub whose ward has two patients since an hour ago, each with a device."""
    made = Hub(tmp_path, broker.port)
    since = queries.utc(Clock().now_ms() - 60 * MINUTE)
    for patient in ("p1", "p2"):
        for words in (
            f"patients admit {patient} --ward resp --born 1950-01-01 --from {since}",
            f"devices add of-{patient}",
            f"devices assign of-{patient} {patient} --from {since}",
        ):
            assert Command()(*words.split(), "--config", made.config).exit_code == 0
    return made


def send(broker: Broker, device: str, values: dict[str, float], *ages: float) -> None:
    """Publish readings as a device does, observed so many minutes ago; wait until the broker has them."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect(LOOPBACK, broker.port)
    client.loop_start()
    for age in ages:
        at_ms = Clock().now_ms() - round(age * MINUTE)
        sent = [{"vital": name, "value": "A" if name == "consciousness" else value} for name, value in values.items()]
        body = {"v": 1, "id": f"m-{at_ms}", "time": queries.utc(at_ms), "readings": sent}
        client.publish(f"vwmon/resp/{device}/readings", json.dumps(body), qos=1).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


@contextmanager
def watched(hub: Hub) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the daemon, connected to its broker; stop it as a service manager does."""
    with hub.running() as daemon:
        wait_until(hub.connected, "the daemon has its broker")
        yield daemon
        daemon.terminate()
        daemon.wait(20)


def triage(hub: Hub, *more: str) -> list[str]:
    """Give the command that shows the queue of a hub."""
    return [sys.executable, "-m", "vwmon", "alerts", "triage", "--config", str(hub.config), *more]


def listed(vwmon: Command, hub: Hub) -> list[dict[str, Any]]:
    """Give the patients' alerts as programs see them."""
    rows: list[dict[str, Any]] = json.loads(
        vwmon("alerts", "--lane", "clinical", "--config", hub.config, "--json").stdout
    )
    return rows


def test_a_nurse_works_an_alert_from_its_coming_to_its_close(vwmon: Command, hub: Hub, broker: Broker) -> None:
    """It appears by itself, is taken in hand by keys, comes back when it gets worse, is taken again and closed."""
    with watched(hub), running(triage(hub), 80, 24) as (screen, program):
        screen.shows("No open alerts.", gone=["NOT MONITORING"])
        send(broker, "of-p1", URGENT, 8, 0.1)
        screen.shows("L2 p1", "NEW")
        screen.press("a")
        screen.shows("Acknowledge")
        screen.press("phoned" + ENTER)
        screen.shows("ACKED", " until")
        send(broker, "of-p1", WORSE, 0)
        screen.shows("RERAISED", "L2 -> L3")
        screen.press("a")
        screen.shows("Acknowledge")
        screen.press("visit 14:30" + ENTER)
        screen.shows("ACKED", gone=["Acknowledge"])
        screen.press("c")
        screen.shows("what came of it?")
        screen.press("2")
        screen.shows("as visit-arranged")
        screen.press(ENTER)
        screen.shows("GONE", "outcome visit-arranged")
        screen.press("q")
        assert program.wait(20) == 0
    (closed,) = json.loads(vwmon("alerts", "--closed", "--config", hub.config, "--json").stdout)
    assert (closed["outcome"], closed["patient"]) == ("visit-arranged", "p1")
    kinds = [
        row["kind"] for row in json.loads(vwmon("alerts", "log", closed["id"], "--config", hub.config, "--json").stdout)
    ]
    assert [kind for kind in kinds if kind in {"raised", "acknowledged", "outgrew", "closed"}] == [
        "raised",
        "acknowledged",
        "outgrew",
        "acknowledged",
        "closed",
    ]


@pytest.mark.hazard("H5")
def test_a_daemon_that_dies_is_said_on_the_screen(hub: Hub, broker: Broker) -> None:
    """Stopped, it says so at the next look, over whatever is open; started again, it is unsaid."""
    with running(triage(hub), 100, 30) as (screen, _):
        screen.shows("NOT MONITORING: no daemon has run on this database")
        with watched(hub) as daemon:
            send(broker, "of-p2", URGENT, 8, 0.1)
            screen.shows("L2 p2", gone=["NOT MONITORING"])
            screen.press("n")
            screen.shows("Note on")
            daemon.terminate()
            daemon.wait(20)
            screen.shows("NOT MONITORING: the daemon was stopped", "Note on")
        screen.press(ESCAPE)
        with watched(hub):
            screen.shows("L2 p2", gone=["NOT MONITORING", "Note on"])


def test_a_colleague_at_another_machine_is_first(vwmon: Command, hub: Hub, broker: Broker) -> None:
    """While one writes, the other acts with a command: the first is told of it before and after."""
    with watched(hub), running(triage(hub), 100, 30) as (screen, _):
        send(broker, "of-p1", URGENT, 8, 0.1)
        screen.shows("L2 p1")
        screen.press("a")
        screen.shows("Acknowledge")
        screen.press("I ring")
        (row,) = listed(vwmon, hub)
        allowed = hub.config.read_text(encoding="utf-8") + "[commands]\nallow_as = true\n"
        other = hub.config.with_name("other.toml")
        other.write_text(allowed, encoding="utf-8")
        done = vwmon("alerts", "ack", row["id"], "-m", "999 called", "--as", "j.lowe", "--config", other)
        assert done.exit_code == 0
        screen.shows("CHANGED MEANWHILE: was new, owner was nobody")
        screen.press(ENTER)
        screen.shows("is owned by j.lowe", '("999 called")', "Key t takes")


@pytest.mark.hazard("H23")
@pytest.mark.parametrize("colour", [True, False])
def test_without_colour_the_screen_says_the_same(vwmon: Command, hub: Hub, broker: Broker, colour: bool) -> None:
    """NO_COLOR is heeded to the last sequence, and level, state and banner are words anyway."""
    with watched(hub):
        send(broker, "of-p1", WORSE, 8, 0.1)
        wait_until(lambda: listed(vwmon, hub) != [], "the alert is on the list")
    environment = {} if colour else {"NO_COLOR": "1"}
    with running(triage(hub), 80, 24, **environment) as (screen, program):
        screen.shows("L3 p1", "NOT MONITORING: ", "NEW", "pulse")
        screen.press("q")
        assert program.wait(20) == 0
    assert (COLOURED in screen.raw) == colour


@pytest.mark.hazard("H22")
def test_a_fault_of_the_program_ends_it_without_showing_what_it_held(hub: Hub, broker: Broker) -> None:
    """Exit code 1 and the error for whoever started it; no local variable, which could be a patient's."""
    with closing(database.open_writer(hub.db)) as db:
        db.execute("update identity set name = 'Jane Brown' where stay_no = 1")
    with watched(hub):
        send(broker, "of-p1", WORSE, 8, 0.1)
        wait_until(lambda: listed(Command(), hub) != [], "the alert is on the list")
    command = [sys.executable, "-c", BROKEN, *triage(hub, "--names")[3:]]
    with running(command, 160, 50) as (screen, program):
        while screen.read(20):
            pass
        assert program.wait(20) == 1
    assert "ZeroDivisionError: a fault" in screen.raw
    assert "Brown" not in screen.raw


def test_the_terminal_is_as_it_was_when_the_queue_is_left(hub: Hub) -> None:
    """By q or by Ctrl-C: the other screen, the cursor and the keys are given back, and the exit code is 0."""
    for key in ("q", "\x03"):
        with running(triage(hub), 80, 24) as (screen, program):
            screen.shows("No open alerts")
            screen.press(key)
            while screen.read(20):
                pass
            assert program.wait(20) == 0
        assert screen.raw.endswith(("\x1b[?1004l", "\x1b[?25h"))
        assert "\x1b[?1049l" in screen.raw
