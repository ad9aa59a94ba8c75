"""`vwmon simulate`: what it says, what it refuses, and that it publishes what the simulator makes."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from typer.testing import Result

from devices.client import Hub
from devices.payloads import decode
from devices.readings import MARK_CLOCK_AHEAD
from devices.simulator.archetypes import ARCHETYPES
from devices.simulator.courses import COURSES
from devices.simulator.fleet import KNOWN_FAULTS, Fleet
from tests.conftest import Command
from tests.integration.broker import free_port, mosquitto, running_broker
from tests.integration.test_device_client import Ward
from vwmon.cli import simulate
from vwmon.cli.simulate import LAST_RECEIPTS_S, _wait_for_receipts
from vwmon.clock import Clock
from vwmon.config import Mqtt, Tls

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


def refused(result: Result) -> str:
    """What a refused command says, on one line."""
    assert result.exit_code == 2
    return " ".join(result.stderr.split())


def test_the_list_names_every_course_fault_and_archetype(vwmon: Command) -> None:
    """With its share at home, what happens, and a source or that it is our choice; and nothing is published."""
    rows = json.loads(vwmon("simulate", "--list", "--json").stdout)
    kinds = {kind: {row["name"] for row in rows if row["kind"] == kind} for kind in ("course", "fault", "archetype")}
    assert kinds == {"course": set(COURSES), "fault": set(KNOWN_FAULTS), "archetype": set(ARCHETYPES)}
    assert all(row["summary"] and row["source"] for row in rows)
    assert sum(row["share"] for row in rows if row["kind"] == "course") == pytest.approx(1)
    table = vwmon("simulate", "--list").stdout
    assert all(name in table for names in kinds.values() for name in names)


def test_a_ward_to_publish_to_has_to_be_named(vwmon: Command) -> None:
    """Unless a file is written."""
    assert "--ward" in refused(vwmon("simulate"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--share", "sepsis=much"), "is not NAME=SHARE"),
        (("--share", "sepsis"), "is not NAME=SHARE"),
        (("--share", "wearable=0.5"), "there is no 'wearable' in this fleet"),
        (("--home", "--share", "wearable=1.5"), "from 0 to 1"),
        (("--home", "--share", "wearable=0.7,never-sends=0.7"), "must make 1"),
        (("--courses", "sepsis", "--share", "sepsis=0.5"), "must make 1"),
        (("--share", "gaps=0.5"), "there is no 'gaps' in this fleet"),
        (("--courses", "sepsis,plague"), "there is no 'plague'; there are stable"),
        (("--faults", "gaps,fire"), "there is no 'fire'; there are missing-when-ill"),
    ],
)
def test_shares_and_names_that_cannot_be_are_refused(vwmon: Command, options: tuple[str, ...], why: str) -> None:
    """Exit code 2, and the name that is wrong."""
    assert why in refused(vwmon("simulate", "--ward", "resp", *options))


def test_a_recording_is_the_same_bytes_and_replay_takes_it(vwmon: Command, tmp_path: Path) -> None:
    """Every fault in it; admitted, scored and listed as any other recording, of people who send."""
    wanted = (
        "simulate", "--home", "--patients", 12, "--courses", "sepsis,recovery", "--faults", "all", "--onset", "0s",
        "--share", "never-sends=0.25,wearable=0", "--share", "gaps=0.1", "--duration", "3d",
    )  # fmt: skip
    files = [tmp_path / name for name in ("one.csv.gz", "two.csv.gz")]
    results = [vwmon(*wanted, "--to", file) for file in files]
    assert {result.exit_code for result in results} == {0}
    assert files[0].read_bytes() == files[1].read_bytes()
    assert f"readings written to {files[0]}" in results[0].stdout
    replayed = vwmon("replay", files[0], "--db", tmp_path / "ward.db")
    assert replayed.exit_code == 0, replayed.stderr
    alerts = json.loads(vwmon("alerts", "--json", "--db", tmp_path / "ward.db").stdout)
    assert any(alert["lane"] == "clinical" for alert in alerts)
    patients = json.loads(vwmon("patients", "--json", "--db", tmp_path / "ward.db").stdout)
    assert 4 <= len(patients) < 12


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    """Whatever Python's own hashes are in it."""
    program = "import sys; from vwmon.cli import main; sys.exit(main())"
    options = ["simulate", "--home", "--patients", "30", "--faults", "all", "--duration", "1d", "--to"]
    for hashes in ("1", "2"):
        file = tmp_path / f"{hashes}.csv"
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        subprocess.run([sys.executable, "-c", program, *options, str(file)], check=True, env=environment)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert len((tmp_path / "1.csv").read_bytes()) > 10_000


def test_a_recording_begins_when_it_is_told_to(vwmon: Command, tmp_path: Path) -> None:
    """And at the first second of the century when it is not, as every recording without times does."""
    for start, first in ((), "2001-01-01T00"), (("--start", "2026-03-29T00:00:00Z"), "2026-03-29T00"):
        file = tmp_path / f"{first[:4]}.csv"
        assert vwmon("simulate", *start, "--patients", 1, "--duration", "1h", "--to", file).exit_code == 0
        assert file.read_text(encoding="utf-8").splitlines()[1].split(",")[1].startswith(first)


def test_a_recording_that_cannot_be_written_says_why(vwmon: Command, tmp_path: Path) -> None:
    """One without an end, one with a name that replay would not take, and one in the place of another."""
    file = tmp_path / "ward.csv"
    assert "needs a --duration" in refused(vwmon("simulate", "--to", file))
    assert "ends in .csv" in refused(vwmon("simulate", "--to", tmp_path / "ward.txt", "--duration", "1h"))
    nowhere = tmp_path / "none" / "ward.csv"
    assert "cannot be written: No such file" in refused(vwmon("simulate", "--to", nowhere, "--duration", "1h"))
    file.touch()
    assert "is there already" in refused(vwmon("simulate", "--to", file, "--duration", "1h"))


@needs_mosquitto
def test_people_at_home_send_through_a_broker_what_a_recording_of_them_holds(vwmon: Command, tmp_path: Path) -> None:
    """A day of forty people: as many devices as send, each message once, none from one who never sends."""
    options = ("simulate", "--home", "--patients", 40, "--seed", 3, "--share", "wearable=0", "--duration", "1d")
    with running_broker(tmp_path) as broker, Ward(broker) as ward:
        result = vwmon(
            *options, "--ward", "resp", "--host", broker.host, "--port", broker.port, "--speed", 1_000_000
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        fleet = Fleet(patients=40, home=True, courses=tuple(COURSES), seed=3, onset_hours=336, shares={"wearable": 0})
        kinds = {device: fleet.archetype(device) for device in fleet.devices()}
        assert 10 < len(ward.seen) < 40
        assert all(kind is not None and kind.sends for kind in map(kinds.__getitem__, ward.seen))
        counts = {device: len(ward.first_seen(device)) for device in ward.seen}
        assert all(count <= len(getattr(kinds[device], "prompts", ())) + 1 for device, count in counts.items())
        assert f"{sum(counts.values())} messages sent" in result.stdout


class _Slow:
    """A hub whose receipts come two at a time, and end before all have come."""

    def __init__(self, waiting: int, least: int) -> None:
        self.waiting, self.least, self.waits = waiting, least, 0

    def pending(self) -> int:
        """Tell how many wait."""
        return self.waiting

    def run_until_receipted(self, timeout: float) -> bool:
        """Let two more have come."""
        assert timeout == LAST_RECEIPTS_S
        self.waits += 1
        self.waiting = max(self.waiting - 2, self.least)
        return self.waiting == 0


@pytest.mark.parametrize(("waiting", "least", "waits"), [(10, 0, 5), (10, 4, 4), (0, 0, 0)])
def test_the_last_receipts_are_waited_for_while_they_come(waiting: int, least: int, waits: int) -> None:
    """A large fleet's take longer than any limit; when no more come it ends."""
    slow = _Slow(waiting, least)
    _wait_for_receipts(cast("Hub", slow))
    assert (slow.waiting, slow.waits) == (least, waits)


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


def test_the_daemons_own_certificate_is_not_used(vwmon: Command, tmp_path: Path) -> None:
    """With it the broker would drop the daemon's session and every message that waits in it; nothing is sent."""
    file = tmp_path / "x.toml"
    file.write_text("[mqtt]\ntls = { ca = 'ca', cert = 'vwmon.crt', key = 'vwmon.key' }\n", encoding="utf-8")
    refused = vwmon("simulate", "--ward", "resp", "--duration", "1m", "--config", file)
    assert refused.exit_code == 6
    assert "--cert and --key" in refused.stderr
    half = vwmon("simulate", "--ward", "resp", "--duration", "1m", "--config", file, "--cert", "sim-001.crt")
    assert half.exit_code == 2


def test_a_devices_certificate_takes_the_place_of_the_daemons(tmp_path: Path) -> None:
    """And nothing else of the way to the broker changes."""
    daemons = Mqtt(port=8883, tls=Tls(ca=tmp_path / "ca", cert=tmp_path / "vwmon.crt", key=tmp_path / "vwmon.key"))
    used = simulate.as_a_device(daemons, tmp_path / "sim-001.crt", tmp_path / "sim-001.key")
    assert used.tls == Tls(ca=tmp_path / "ca", cert=tmp_path / "sim-001.crt", key=tmp_path / "sim-001.key")
    assert (used.host, used.port) == (daemons.host, 8883)
    without = replace(daemons, tls=Tls())
    assert simulate.as_a_device(without, None, None) == without
