"""Alerts of a real daemon beside a real broker, explained while it works: what people do meanwhile is told again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.integration.broker import running_broker, wait_until
from tests.integration.test_published_recording import configured, run, running_daemon, scored_to_the_end
from vwmon.clock import Clock

ROWS = {"respiratory_rate": 26, "spo2": 91, "oxygen": 0, "systolic_bp": 120, "heart_rate": 118, "temperature": 36.9}


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """The configuration of a daemon that runs, with a patient of whom ill readings were published just now."""
    now = datetime.fromtimestamp(Clock().now_ms() / 1000, UTC)
    rows = [
        f"P1,{(now - timedelta(seconds=ago)).isoformat(timespec='milliseconds')},{vital},{value},\n"
        for ago, changed in ((3, {"spo2": 97, "respiratory_rate": 16, "heart_rate": 70}), (1, {}))
        for vital, value in (ROWS | changed).items()
    ]
    recording = tmp_path / "now.csv"
    recording.write_text("patient,time,vital,value,unit\n" + "".join(rows), encoding="utf-8")
    db = tmp_path / "live.db"
    with running_broker(tmp_path, more="set_tcp_nodelay true") as broker:
        config = configured(tmp_path, db, broker)
        run(Command(), "db", "migrate", "--db", db)
        with running_daemon(config, db):
            run(Command(), "replay", recording, "--publish", "--config", config)
            wait_until(lambda: scored_to_the_end(db), "every reading is scored")
            yield config


def explained(vwmon: Command, config: Path, alert: str) -> dict[str, Any]:
    """Explain an alert while the daemon works."""
    result = vwmon("explain", alert, "--config", config, "--json")
    record: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, [one for item in record["compared"] for one in item["differences"]]) == (0, [])
    return record


def test_an_alert_is_explained_while_the_daemon_works(vwmon: Command, config: Path) -> None:
    """After the raise, after someone took it, and after the discharge that ended it: the same to the bit each time."""
    (alert,) = [row["id"] for row in json.loads(vwmon("alerts", "--config", config, "--json").stdout)]
    found = explained(vwmon, config, alert)
    assert found["score"]["total_min"] == 8
    assert found["watched"] is True
    run(vwmon, "alerts", "ack", alert, "-m", "phoned", "--config", config)
    assert {one["item"]: one["count"] for one in explained(vwmon, config, alert)["compared"]}["acts"] == 1
    run(vwmon, "patients", "discharge", "P1", "--reason", "recovered", "--config", config)

    def settled() -> bool:
        shown = json.loads(vwmon("alerts", "show", alert, "--config", config, "--json").stdout)
        return bool(shown["state"] == "settled")

    wait_until(settled, "the discharge is noticed")
    assert explained(vwmon, config, alert)["state"] == "settled"
    run(vwmon, "alerts", "close", alert, "--outcome", "phoned-stable", "--config", config)
    assert explained(vwmon, config, alert)["state"] == "closed"
