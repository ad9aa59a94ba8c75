"""A limit set by the command while a real daemon is at work: the next reading is judged by it, and it is explained."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.integration.broker import running_broker, wait_until
from tests.integration.test_published_recording import configured, run, running_daemon, scored_to_the_end
from vwmon.clock import Clock

POORLY = {"respiratory_rate": 21, "spo2": 95, "oxygen": 0, "systolic_bp": 120, "heart_rate": 92, "temperature": 36.9}
# 2 + 1 + 1, and nobody said how awake: NEWS2 of 4 at least


class Home:
    """One patient's readings sent to a daemon, one message after the other."""

    def __init__(self, vwmon: Command, folder: Path, config: Path, db: Path) -> None:
        """Take the command line and where things are."""
        self.vwmon, self._folder, self.config, self._db, self._sent = vwmon, folder, config, db, 0

    def sends(self) -> None:
        """Send what it measures now, and wait until it is scored."""
        self._sent += 1
        now = datetime.fromtimestamp(Clock().now_ms() / 1000, UTC).isoformat(timespec="milliseconds")
        rows = [f"P1,{now},{vital},{value},\n" for vital, value in POORLY.items()]
        recording = self._folder / f"now-{self._sent}.csv"
        recording.write_text("patient,time,vital,value,unit\n" + "".join(rows), encoding="utf-8")
        run(self.vwmon, "replay", recording, "--publish", "--config", self.config)
        wait_until(lambda: self._readings() >= self._sent * len(POORLY), "every reading has come")
        wait_until(lambda: scored_to_the_end(self._db), "every reading is scored")

    def alerts(self) -> list[dict[str, Any]]:
        """Read the clinical alerts."""
        found = self.vwmon("alerts", "--config", self.config, "--json").stdout
        return [alert for alert in json.loads(found) if alert["lane"] == "clinical"]

    def _readings(self) -> int:
        return int(json.loads(self.vwmon("status", "--config", self.config, "--json").stdout)["readings"])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A patient's home, beside a broker and a daemon that runs."""
    db = tmp_path / "live.db"
    with running_broker(tmp_path, more="set_tcp_nodelay true") as broker:
        config = configured(tmp_path, db, broker)
        run(Command(), "db", "migrate", "--db", db)
        with running_daemon(config, db):
            yield Home(Command(), tmp_path, config, db)


def test_the_next_reading_is_judged_by_a_limit_that_was_set_meanwhile(home: Home) -> None:
    """Nothing is started again, nothing that came before is judged anew, and explain says whose limit it was."""
    home.sends()
    assert home.alerts() == []
    limit = ("--limit", "news2_5", "--on", "4", "--off", "3", "--cadence", "at_once", "--reason", "frail")
    run(home.vwmon, "patients", "plan", "P1", *limit, "--config", home.config)
    assert home.alerts() == []
    home.sends()
    (alert,) = home.alerts()
    assert alert["level"] == 2
    found = home.vwmon("explain", alert["id"], "--config", home.config, "--json")
    record = json.loads(found.stdout)
    assert (found.exit_code, record["equal"]) == (0, True)
    ((given,),) = [rule["limits"] for rule in record["rules"]]
    assert (given["layer"], given["reason"], given["gives"]["limit_on"]) == ("stay", "frail", 4)
    said = " ".join(home.vwmon("explain", alert["id"], "--config", home.config).stdout.split())
    assert "this patient's own limit: " in said
    assert ": frail" in said
