"""The figures of a real daemon, asked for as Prometheus does; and the example of rules over them."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT, Command
from tests.integration.broker import Broker, free_port, running_broker, wait_until
from tests.integration.told_daemon import SICK, device
from vwmon import metrics
from vwmon.metrics import Figures
from vwmon.store import database, pings

PATIENT, NAME = "4711-secret", "Ottoline Fotheringay"
CONFIG = """\
[store]
path = "ward.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[monitor]
metrics = "127.0.0.1:{metrics}"
[[wards]]
id = "resp"
name = "Respiratory"
"""
Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A real broker."""
    with running_broker(tmp_path, more="set_tcp_nodelay true") as running:
        yield running


class Hub:
    """A configuration, a database with a patient, and where the figures are."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        """Write and admit."""
        self.config, self.port = folder / "vwmon.toml", free_port()
        self.config.write_text(CONFIG.format(port=broker.port, metrics=self.port), encoding="utf-8")
        database.create(folder / "ward.db").close()
        for words in (
            ("patients", "admit", PATIENT, "--ward", "resp", "--born", "1951-03-17", "--name", NAME),
            ("devices", "add", "oximeter"),
            ("devices", "assign", "oximeter", PATIENT),
        ):
            assert Command()(*words, "--config", self.config).exit_code == 0

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the daemon; nothing of it is left running."""
        with self.config.with_name("daemon.log").open("wb") as log:
            words = [sys.executable, "-m", "vwmon", "run", "--config", str(self.config)]
            daemon = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield daemon
        finally:
            daemon.kill()
            daemon.wait()

    def text(self) -> str:
        """Ask as Prometheus does; nothing before somebody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
                return str(answer.read().decode())
        except URLError:
            return ""

    def samples(self) -> Samples:
        """Give the figures by name and labels."""
        return parsed(self.text())


def parsed(text: str) -> Samples:
    """Read what Prometheus reads."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_follow_the_ward_and_name_nobody(tmp_path: Path, broker: Broker) -> None:
    """Someone falls ill: the alert, the readings and the messages are counted; a broker that goes is seen."""
    hub = Hub(tmp_path, broker)
    with hub.running():
        wait_until(lambda: hub.samples().get(("vwmon_broker_connected", ())) == 1, "the daemon has its broker")
        with device(broker.port) as oximeter:
            oximeter.sends(*SICK)
            oximeter.sends(*SICK)
        wait_until(lambda: hub.samples()["vwmon_alerts_open", ("clinical", "3")] == 1, "the alert is counted")
        wait_until(lambda: hub.samples()["vwmon_received_messages_total", ()] == 2, "both messages are counted")
        wait_until(lambda: hub.samples()["vwmon_breaches", ()] == 1, "the breach is counted")
        text = hub.text()
        broker.kill()
        wait_until(lambda: hub.samples()["vwmon_broker_connected", ()] == 0, "that the broker is gone is seen")
    found = parsed(text)
    values = ("trusted", "stays", "unaccounted", "breaches", "breaches_without_alert", "nobody_reachable")
    assert [found[f"vwmon_{name}", ()] for name in values] == [1, 1, 0, 1, 0, 0]
    assert found["vwmon_stored_readings_total", ()] == 2 * len(SICK)
    assert found["vwmon_database_bytes", ()] > 10_000
    assert ("vwmon_ping_age_seconds", ()) not in found, "nobody is pinged"
    for word in (PATIENT, *NAME.split(), "1951", "oximeter", "resp"):
        assert word not in text


def test_every_figure_is_given_once_all_is_known(tmp_path: Path) -> None:
    """What is not known has no sample: a figure of nought would say that all is well."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        given = {family.name for family in Figures(db, tmp_path / "ward.db", lambda: 0).collect()}
        assert "vwmon_cycle_age_seconds" not in given
        assert "vwmon_unaccounted" not in given
        with database.atomic(db):
            pings.begin(db)
            pings.answered(db, 7)
        (age,) = [
            family.samples[0].value
            for family in Figures(db, tmp_path / "ward.db", lambda: 9007).collect()
            if family.name == "vwmon_ping_age_seconds"
        ]
    assert age == 9


@pytest.mark.parametrize(
    "address", ["0.0.0.0:9464", "192.168.1.2:9464", "localhost:9464", ":9464", "127.0.0.1", "127.0.0.1:0", "[::1]:9464"]
)
def test_no_other_machine_can_ask(vwmon: Command, tmp_path: Path, address: str) -> None:
    """Anything but a loopback address is a fault of the configuration, with its line."""
    file = tmp_path / "vwmon.toml"
    file.write_text(f'[monitor]\nmetrics = "{address}"\n', encoding="utf-8")
    done = vwmon("check-config", file)
    assert done.exit_code == 8
    assert f"{file}:2: monitor.metrics: " in done.stderr
    assert "of this machine alone" in done.stderr


def test_an_address_that_is_taken_and_a_library_that_is_not_there_are_told(
    vwmon: Command, tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence, with the exit code of a configuration; the ward is not watched by halves."""
    hub = Hub(tmp_path, broker)
    hub.config.write_text(CONFIG.format(port=broker.port, metrics=broker.port), encoding="utf-8")
    with hub.running() as daemon:
        assert daemon.wait(60) == 8
    assert "monitor.metrics: " in hub.config.with_name("daemon.log").read_text(encoding="utf-8")
    monkeypatch.setattr(metrics, "LIBRARY", "no_such_library")
    done = vwmon("check-config", hub.config)
    assert (done.exit_code, "pip install 'vwmon[metrics]'" in done.stderr) == (8, True)


def test_the_example_of_rules_asks_for_figures_that_there_are() -> None:
    """Each rule has an expression over our figures, a severity, and a sentence that says what to do."""
    content = yaml.safe_load((ROOT / "deploy" / "prometheus-alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in content["groups"] for rule in group["rules"]]
    asked = {name for rule in rules for name in re.findall(r"vwmon_\w+", rule["expr"])}
    assert asked <= set(metrics.names())
    assert len({rule["alert"] for rule in rules}) == len(rules) > 8
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}, json.dumps(rule)
        assert rule["annotations"]["summary"].endswith(".")
