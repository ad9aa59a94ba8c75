"""A machine whose clock is set back by two days under a daemon and the commands beside it: the ward's time goes on."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from devices.client import Hub
from tests.faults import ward
from tests.faults.daemon import running_daemon
from tests.faults.matrix import CannotHereError
from tests.faults.rows.clocks import DAY
from tests.faults.rows.nights import MORE, READY_S, Faked, admit, measure
from tests.integration.broker import running_broker, wait_until
from vwmon.store import database, monitor

SAID = "on my way"


def command(folder: Path, faked: Faked, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command on the same machine, by the same clock."""
    whole = [sys.executable, "-m", "vwmon", *words, "--db", str(folder / "vwmon.db")]
    return subprocess.run(whole, env=os.environ | faked.environment, capture_output=True, text=True, check=False)


def beats(path: Path) -> int:
    """Give when the daemon scored last, by its time."""
    with closing(database.open_reader(path)) as db:
        said = monitor.read(db)
    return 0 if said is None else said.cycle_ms or 0


@pytest.mark.slow
@pytest.mark.hazard("H7", "T20")
def test_who_falls_ill_is_found_and_what_is_taken_in_hand_stays_so(tmp_path: Path) -> None:
    """Lists are trusted, ages are those of the ward, and an acknowledgement is not over before it began."""
    try:
        faked = Faked(tmp_path, None)
    except CannotHereError as reason:
        pytest.skip(str(reason))
    admit(tmp_path / "vwmon.db", faked.true_ms() - 3 * DAY)
    with (
        running_broker(tmp_path, more="set_tcp_nodelay true") as broker,
        running_daemon(tmp_path, broker.port, more=MORE, environment=faked.environment) as daemon,
        Hub("127.0.0.1", broker.port, ward.WARD, tmp_path / "spool", client_id="n", resend_after=1.0) as hub,
    ):
        wait_until(daemon.connected, "the daemon has its broker", READY_S)
        faked.set(-2 * DAY)
        measure(hub, daemon, faked.true_ms(), later=True)
        wait_until(lambda: command(tmp_path, faked, "alerts").returncode == 0, "the list is trusted", READY_S)
        listed = command(tmp_path, faked, "alerts", "--json")
        (found,) = [one for one in json.loads(listed.stdout) if one["patient"] == "falls-ill" and one["level"] == 3]
        assert command(tmp_path, faked, "alerts", "ack", found["id"], "-m", SAID).returncode == 0
        at_ms = beats(tmp_path / "vwmon.db")
        wait_until(lambda: beats(tmp_path / "vwmon.db") > at_ms + 5_000, "time has passed", READY_S)
        shown = json.loads(command(tmp_path, faked, "alerts", "show", found["id"], "--json").stdout)
        assert shown["state"] == "acknowledged"
        assert abs(at_ms - faked.true_ms()) < 60_000
