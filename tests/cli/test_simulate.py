"""`vwmon simulate`: what it says, what it refuses, and that it publishes what the simulator makes."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devices.payloads import decode
from devices.readings import MARK_CLOCK_AHEAD
from tests.conftest import Command
from tests.integration.broker import free_port, mosquitto, running_broker
from tests.integration.test_device_client import Ward
from vwmon.clock import Clock

needs_mosquitto = pytest.mark.skipif(mosquitto() is None, reason="install mosquitto: apt-get install mosquitto")


def test_a_speed_without_a_duration_is_refused(vwmon: Command) -> None:
    """Its readings would be from the future."""
    result = vwmon("simulate", "--ward", "resp", "--speed", 60)
    assert result.exit_code == 2
    assert "needs a --duration" in " ".join(result.stderr.split())


@pytest.mark.parametrize(("option", "word"), [("--course", "plague"), ("--fault", "fire")])
def test_an_unknown_course_or_fault_is_refused_with_those_there_are(vwmon: Command, option: str, word: str) -> None:
    """Exit code 2, before anything is connected."""
    result = vwmon("simulate", "--ward", "resp", option, word)
    assert result.exit_code == 2
    assert "there are" in " ".join(result.stderr.split())


@needs_mosquitto
def test_it_publishes_a_fleet_and_counts_the_receipts(vwmon: Command, tmp_path: Path) -> None:
    """Every message of the two hours, from devices named sim-001 on, with how to register them."""
    with running_broker(tmp_path) as broker, Ward(broker) as ward:
        result = vwmon(
            "simulate", "--ward", "resp", "--host", broker.host, "--port", broker.port, "--patients", 3,
            "--course", "sepsis", "--fault", "artefacts", "--seed", 4, "--duration", "2h", "--speed", 1_000_000,
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        assert sorted(ward.seen) == ["sim-001", "sim-002", "sim-003"]
        assert sum(len(ward.first_seen(device)) for device in ward.seen) == 24
        now_ms = Clock().now_ms()
        last = {device: decode(text, device=device, received_ms=now_ms) for device, text in ward.last.items()}
        assert all(now_ms - 3_600_000 < message.readings[0].observed_ms <= now_ms for message in last.values())
        assert not any(reading.marks & MARK_CLOCK_AHEAD for message in last.values() for reading in message.readings)
        assert "24 messages sent, 24 with the ward's receipt." in result.stdout
        assert "vwmon devices add sim-$n" in result.stdout


def test_without_a_broker_it_fails_and_says_why(vwmon: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages had no receipt, because nobody answered."""
    monkeypatch.setattr("vwmon.cli.simulate.LAST_RECEIPTS_S", 0.01)
    result = vwmon(
        "simulate", "--ward", "resp", "--host", "127.0.0.1", "--port", free_port(), "--patients", 1,
        "--duration", "1h", "--speed", 1_000_000,
    )  # fmt: skip
    assert result.exit_code == 1
    assert "4 messages have no receipt" in result.stderr


@needs_mosquitto
def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    """Exit code 0, a count, no traceback, and nothing of its spool is left."""
    with running_broker(tmp_path) as broker, Ward(broker) as ward:
        arguments = ["simulate", "--ward", "resp", "--host", broker.host, "--port", str(broker.port), "--every", "1s"]
        spools = tmp_path / "spools"
        spools.mkdir()
        running = subprocess.Popen(
            [sys.executable, "-c", "import sys; from vwmon.cli import main; sys.exit(main())", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(spools)},
        )  # fmt: skip
        deadline = threading.Timer(30, running.kill)
        deadline.start()
        assert ward.wait(lambda: len(ward.seen) >= 3)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
        deadline.cancel()
        assert running.returncode == 0, err
        assert "messages sent" in out
        assert "Traceback" not in err
        assert list(spools.iterdir()) == []
        assert json.dumps(sorted(ward.seen)).count("sim-") >= 3
