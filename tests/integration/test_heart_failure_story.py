"""A person with heart failure at home, from the admission to the closed alert: real broker, daemon and commands.

The hub has been out of reach for days and sends them all at once; a scale is swapped in the middle of them, and what it
measures afterwards is somebody else's weight.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from devices.client import Hub
from tests.conftest import Command
from tests.integration.broker import Broker, free_port, mosquitto, running_broker, wait_until
from tests.integration.test_published_recording import configured, run, running_daemon, scored_to_the_end
from vwmon.clock import Clock
from vwmon.durations import DAY_MS, MINUTE_MS

pytestmark = pytest.mark.skipif(mosquitto() is None, reason="install mosquitto: apt-get install mosquitto")

WARD, PATIENT = "resp", "4711"
KIT: Final = {
    "scale-1": "scale",
    "scale-2": "scale",
    "cuff-1": "blood-pressure-cuff",
    "oxi-1": "pulse-oximeter",
    "icd-1": "implanted-cardiac-device",
}
LIMIT: Final = ("--on", 2, "--off", 1.5, "--level", 2, "--cadence", "at_once", "--reason", "came in twice this year")
WEIGHTS: Final = {5: 80.0, 4: 80.3, 3: 80.1}  # by how many days ago, on the first scale
WEIGHTS_AFTER: Final = {2: 80.9, 1: 81.7}  # and on the second
SENTENCE = "body weight 82.4 kg is 2.3 kg above the lowest of the last 3 d, 80.1"


class Home:
    """The home of one person, the ward's commands, and the time at which the story is told."""

    def __init__(self, folder: Path, broker: Broker, config: Path, db: Path) -> None:
        """Take where things are."""
        self._vwmon, self._broker, self._config, self._db = Command(), broker, config, db
        self._spool, self.now_ms, self._sent = folder / "spool", Clock().now_ms(), 0

    def do(self, *arguments: object) -> None:
        """Give a command that must succeed."""
        run(self._vwmon, *arguments, "--config", self._config)

    def told(self, *arguments: object) -> Any:  # noqa: ANN401 -- whatever the JSON holds
        """Give a command, and read its answer as a program does."""
        result = self._vwmon(*arguments, "--config", self._config, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def page(self, *arguments: object) -> str:
        """Give a command, and read its answer as a person does, on one line."""
        result = self._vwmon(*arguments, "--config", self._config)
        assert result.exit_code == 0, result.output
        return " ".join(result.stdout.split())

    def at(self, days_ago: float, minutes: float = 0) -> str:
        """Write a time that many days and minutes ago."""
        at_ms = self.now_ms - round(days_ago * DAY_MS + minutes * MINUTE_MS)
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")

    def measures(
        self, hub: Hub, device: str, days_ago: float, values: Mapping[str, object], minutes: float = 5
    ) -> None:
        """Measure something; the hub keeps it until the ward says that it is stored."""
        self._sent += 1
        named, readings = f"m{self._sent:04}", [{"vital": vital, "value": value} for vital, value in values.items()]
        body = {"v": 1, "id": named, "time": self.at(days_ago, minutes), "readings": readings}
        hub.enqueue(device, json.dumps(body).encode(), named)

    def day(self, hub: Hub, days_ago: int) -> None:
        """Measure what is the same every day: pressure, saturation, and the summary of the implanted device."""
        self.measures(hub, "cuff-1", days_ago, {"systolic_bp": 118, "diastolic_bp": 74, "heart_rate": 84})
        self.measures(hub, "oxi-1", days_ago, {"spo2": 96, "oxygen": "air"})
        summary = {"thoracic_impedance": 60 + days_ago, "activity": 80, "night_heart_rate": 71, "af_burden": 3}
        self.measures(hub, "icd-1", days_ago, summary)

    def without_a_network(self) -> Hub:
        """Open the hub where it reaches nobody."""
        return Hub(self._broker.host, free_port(), WARD, self._spool)

    def hands_over(self) -> None:
        """Let the hub send what it has kept, until there is a receipt for each message and all of it is scored."""
        with Hub(self._broker.host, self._broker.port, WARD, self._spool, window=8) as hub:
            assert hub.run_until_receipted(20)
        wait_until(lambda: scored_to_the_end(self._db), "every reading is scored")

    def alerts(self) -> list[dict[str, Any]]:
        """Read the clinical alerts."""
        return [alert for alert in self.told("alerts") if alert["lane"] == "clinical"]

    def strays(self) -> list[tuple[str, float]]:
        """Read what belongs to nobody, the oldest first."""
        rows = self.told("readings", "--unassigned")
        return [(row["device"], row["value"]) for row in reversed(rows) if row["vital"] == "weight"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home, beside a broker and a daemon that runs."""
    db = tmp_path / "live.db"
    with running_broker(tmp_path, more="set_tcp_nodelay true") as broker:
        config = configured(tmp_path, db, broker)
        run(Command(), "db", "migrate", "--db", db)
        with running_daemon(config, db):
            yield Home(tmp_path, broker, config, db)


def test_a_weight_that_rises_over_a_swapped_scale_is_found_taken_in_hand_and_closed(home: Home) -> None:
    """Every reading counts for whoever had the device when it was measured, whenever it came."""
    _admitted_with_kit(home)
    with home.without_a_network() as hub:
        for days_ago, kg in WEIGHTS.items():
            home.measures(hub, "scale-1", days_ago, {"weight": kg})
        for days_ago, kg in WEIGHTS_AFTER.items():
            home.measures(hub, "scale-2", days_ago, {"weight": kg})
        for days_ago in (5, 4, 3, 2, 1):
            home.day(hub, days_ago)
        assert hub.pending() == 20
    home.hands_over()
    assert home.alerts() == []
    assert home.strays() == [("scale-2", 80.9), ("scale-2", 81.7)]

    _the_scale_was_swapped_days_ago(home)
    with home.without_a_network() as hub:
        home.measures(hub, "scale-1", 0, {"weight": 96.4}, minutes=6)
        home.measures(hub, "scale-2", 0, {"weight": 82.4})
        home.day(hub, 0)
    home.hands_over()
    wait_until(lambda: bool(home.alerts()), "the weight is an alert")
    assert home.strays() == [("scale-1", 96.4)]
    _taken_in_hand_and_closed(home)


def _admitted_with_kit(home: Home) -> None:
    """Admit, give out the kit, and set a limit of this person's own on the weight."""
    since = ("--from", home.at(6))
    home.do("patients", "admit", PATIENT, "--ward", WARD, "--pathway", "heart-failure", "--born", "1948-03-02", *since)
    for device, profile in KIT.items():
        home.do("devices", "add", device, "--profile", profile)
        if device != "scale-2":
            home.do("devices", "assign", device, PATIENT, *since)
    home.do("patients", "plan", PATIENT, "--limit", "weight_gain", *LIMIT)
    assert [row["device"] for row in home.told("devices", "--free")] == ["scale-2"]


def _the_scale_was_swapped_days_ago(home: Home) -> None:
    """Write down late what was done in time: what the new one has sent since turns out to be this person's."""
    home.do("devices", "swap", "scale-1", "scale-2", "--at", home.at(2.5), "--reason", "shows nothing", "--still-out")
    wait_until(lambda: home.strays() == [], "the new scale's readings are the patient's")
    (old,) = home.told("devices", "--out")
    assert (old["device"], old["out_from"], old["out_ward"]) == ("scale-1", PATIENT, WARD)
    assert home.alerts() == []


def _taken_in_hand_and_closed(home: Home) -> None:
    """Read the alert, take it in hand, look at it from every side, close it."""
    (alert,) = home.alerts()
    assert (alert["level"], alert["state"], alert["patient"]) == (2, "new", PATIENT)
    assert any(SENTENCE in why for why in alert["why"]), alert["why"]
    shown = {row["vital"]: (row["value"], row["device"]) for row in home.told("patients", "show", PATIENT)["readings"]}
    assert shown["weight"] == (82.4, "scale-2")
    assert (shown["thoracic_impedance"], shown["af_burden"]) == ((60, "icd-1"), (3, "icd-1"))
    _is_explained(home, alert["id"])

    home.do("alerts", "ack", alert["id"], "-m", "phoned: ankles swollen, two pillows")
    home.do("alerts", "note", alert["id"], "-m", "diuretic doubled by Dr Rao")
    page = home.page("alerts", "show", alert["id"])
    assert SENTENCE in page
    assert "phoned: ankles swollen, two pillows" in page
    _is_explained(home, alert["id"])

    home.do("alerts", "close", alert["id"], "--outcome", "plan-adjusted")
    assert home.alerts() == []
    closed = home.told("alerts", "show", alert["id"])
    assert (closed["state"], closed["outcome"]) == ("closed", "plan-adjusted")
    _is_explained(home, alert["id"])


def _is_explained(home: Home, alert: str) -> None:
    """Reckon the alert again from the log: the same to the bit, by this person's own limit, over both scales."""
    record = home.told("explain", alert)
    assert (record["equal"], [one for item in record["compared"] for one in item["differences"]]) == (True, [])
    limits = {rule["rule"]: rule["limits"] for rule in record["rules"]}["weight_gain"]
    own = next(limit for limit in limits if limit["layer"] == "stay")
    assert (own["gives"]["limit_on"], own["gives"]["level"], own["reason"]) == (2, 2, "came in twice this year")
    page = home.page("explain", alert)
    assert SENTENCE in page
    assert "96.4" not in page
