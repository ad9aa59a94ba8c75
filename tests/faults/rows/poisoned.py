"""F15: the poison corpus, published to a real daemon first, in the middle and last of a burst of good messages.

Each payload is kept with its reason, every good message beside it is stored and receipted in time, and the process
that takes them is the one that was started.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from devices import topics
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, running_daemon
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.poison import CORPUS, DEVICE, NOW_MS, Poison, text
from tests.integration.broker import LOOPBACK, running_broker, wait_until
from vwmon.store import database

TOPIC = topics.readings_topic("vwmon", ward.WARD, DEVICE)
RECEIPTS = topics.receipts_topic("vwmon", ward.WARD, DEVICE)
GOOD = 3  # messages of a burst, besides the poison
PLACES = (0, 1, GOOD)
IN_TIME_S, GIVEN_UP_S, READY_S = 1.0, 20.0, 60
# The corpus is written for one moment: the daemon's clock begins there, and hardly moves while all of it is tried.
AT_ITS_MOMENT = f"""\
import vwmon.clock as clock
still = clock.ScaledClock({NOW_MS}, 0.001)
clock.Clock.now_ms = lambda _self: clock.ScaledClock.now_ms(still)
"""
KEPT = "select reason, count(*) from quarantine group by reason"


class Device:
    """A device that publishes anything, and notes which of its messages are receipted."""

    def __init__(self, port: int) -> None:
        """Connect, and wait until receipts would be heard."""
        self.receipted: set[str] = set()
        subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = self._heard
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = lambda client, *_: client.subscribe(RECEIPTS, qos=1)
        self._client.connect(LOOPBACK, port)
        self._client.loop_start()
        assert subscribed.wait(GIVEN_UP_S)

    def publish(self, payload: bytes, content_type: str = "") -> None:
        """Publish a payload as it is, with a word for its form if it has one."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if content_type:
            properties.ContentType = content_type
        self._client.publish(TOPIC, payload, qos=1, properties=properties)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client: mqtt.Client, _data: object, said: mqtt.MQTTMessage) -> None:
        self.receipted |= set(msgspec.json.decode(said.payload)["ids"])


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """The daemon, the device that speaks to it, and what it has said so far."""

    daemon: Daemon
    device: Device

    def burst(self, poison: Poison, place: int, name: str) -> Sequence[str]:
        """Publish one payload among good messages, then another good one; name what does not hold."""
        kept = self.kept()
        good = [text(id=f"{name}-{number}") for number in range(GOOD)]
        payloads = [(payload, "") for payload in good]
        payloads.insert(place, (poison.payload.replace(b'"p-1"', f'"{name}-p"'.encode()), poison.content_type))
        for payload, content_type in payloads:
            self.device.publish(payload, content_type)
        broken = self._receipted({f"{name}-{number}" for number in range(GOOD)}, GIVEN_UP_S, "good messages beside it")
        self.device.publish(text(id=f"{name}-next"))
        broken += self._receipted({f"{name}-next"}, IN_TIME_S, "the next good message")
        if not (self.kept() - kept)[poison.reason]:
            broken.append("not kept with its reason")
        return [f"{poison.name} at {place}: {what}" for what in broken]

    def _receipted(self, ids: set[str], within_s: float, what: str) -> list[str]:
        try:
            wait_until(lambda: ids <= self.device.receipted, "", within_s)
        except AssertionError:
            return [f"{what} not receipted in {within_s:.0f} s"]
        return []

    def kept(self) -> Counter[str]:
        """Count what is quarantined by reason."""
        with closing(database.open_reader(self.daemon.path)) as db:
            return Counter(dict(db.execute(KEPT).fetchall()))


def poisoned(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Try every payload, or in a short trial every so-many-th, at each place of a burst."""
    database.create(trial.folder / "vwmon.db").close()
    with (
        running_broker(trial.folder, more="set_tcp_nodelay true") as broker,
        running_daemon(trial.folder, broker.port, planted=f"{AT_ITS_MOMENT}\n{planted}") as daemon,
        closing(Device(broker.port)) as device,
    ):
        wait_until(daemon.connected, "the daemon has its broker", READY_S)
        bench, pid = _Bench(daemon=daemon, device=device), daemon.pid
        tried = [(place, poison) for place in PLACES for poison in CORPUS[:: max(1, len(CORPUS) // trial.runs)]]
        broken: list[str] = []
        for number, (place, poison) in enumerate(tried):
            broken += bench.burst(poison, place, f"g{number}")
            if broken:
                break
        if not daemon.runs or daemon.pid != pid:
            broken.append("the daemon has ended")
    with closing(database.open_reader(trial.folder / "vwmon.db")) as db:
        stored = {key: count for _, key, count in db.execute(ward.STORED)}
    good = {name for name in device.receipted if not name.endswith("-p")}
    return Tally(
        runs=len(tried),
        lost=len(good - stored.keys()),
        doubled=sum(count > 1 for count in stored.values()),
        broken=tuple(broken),
        said=f"{len(CORPUS)} payloads at {len(PLACES)} places",
    )


ROWS = (
    Row(
        id="F15",
        fault="a payload of the poison corpus first, amid and last of good messages",
        do=poisoned,
        every_place=True,
        runs={Profile.SMOKE: 12, Profile.CI: 1000, Profile.RELEASE: 1000},
    ),
)
