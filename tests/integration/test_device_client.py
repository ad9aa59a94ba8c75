"""Devices against a real mosquitto: what is enqueued arrives, in order, whatever is killed meanwhile."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import trustme
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from devices import client as clients
from devices import connection as connections
from devices.client import DeviceClient, Hub, message_id
from devices.connection import Broker as Broker5
from devices.connection import Connection, Tls
from devices.errors import ClientError, SpoolError, TopicError
from devices.outbox import Outbox
from devices.spool import JOURNAL, Letter, Spool
from tests.faults.line import running_line
from tests.integration.broker import Broker, mosquitto, running_broker, wait_until

pytestmark = pytest.mark.skipif(mosquitto() is None, reason="install mosquitto: apt-get install mosquitto")

DEADLINE_S = 20.0
SOON_S = 0.3


def payload(named: str) -> bytes:
    """Write a small good message."""
    return json.dumps({"v": 1, "id": named, "readings": [{"vital": "spo2", "value": 97}]}).encode()


class Ward:
    """A stand-in for the daemon: takes readings, gives receipts while `answering`, and keeps what it saw."""

    def __init__(self, broker: Broker, *, answering: bool = True, tls: ssl.SSLContext | None = None) -> None:
        """Connect and subscribe; returns when the subscriptions stand."""
        self.answering = answering
        self.seen: dict[str, list[str]] = defaultdict(list)
        self.said: dict[str, list[str]] = defaultdict(list)
        self.last: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "ward", protocol=MQTTv5)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(
            [("vwmon/+/+/readings", 1), ("vwmon/+/+/status", 1)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.connect(broker.host, broker.port)
        peer = self._client.socket()
        assert isinstance(peer, socket.socket)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.loop_start()
        assert self._subscribed.wait(DEADLINE_S)

    def __enter__(self) -> Self:
        """Return the ward."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        _, _, device, kind = message.topic.split("/")
        with self._changed:
            if kind == "status":
                self.said[device].append(json.loads(message.payload)["status"])
            else:
                self.seen[device].append(json.loads(message.payload)["id"])
                self.last[device] = bytes(message.payload)
                if self.answering:
                    self.receipt(device, self.seen[device][-1])
            self._changed.notify_all()

    def receipt(self, device: str, *ids: str) -> None:
        """Tell a device what is stored."""
        self._client.publish(f"vwmon/resp/{device}/receipts", json.dumps({"v": 1, "ids": ids}), qos=1)

    def announce(self, status: str) -> None:
        """Say whether the ward is monitored."""
        self._client.publish("vwmon/resp/monitor/status", json.dumps({"status": status}), qos=1, retain=True)

    def publish(self, topic: str, text: bytes) -> None:
        """Publish anything."""
        self._client.publish(topic, text, qos=1)

    def wait(self, true: Callable[[], bool]) -> bool:
        """Wait until something seen makes a condition true."""
        with self._changed:
            return self._changed.wait_for(true, DEADLINE_S)

    def first_seen(self, device: str) -> list[str]:
        """The ids of a device in the order of their first arrival."""
        return list(dict.fromkeys(self.seen[device]))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with running_broker(folder, more="set_tcp_nodelay true") as running:
        yield running


def hub(broker: Broker, spool: Path, **options: Any) -> Hub:  # noqa: ANN401 -- whatever a Hub takes
    """Open a hub on the ward."""
    return Hub(broker.host, broker.port, "resp", spool, client_id="hub", **options)


def test_what_a_device_enqueues_arrives_in_order_and_is_forgotten_on_receipt(broker: Broker, tmp_path: Path) -> None:
    """Each once, when nothing goes wrong; the spool is empty and the next client has nothing to send."""
    with Ward(broker) as ward:
        with DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool") as device:
            for number in range(30):
                device.enqueue(payload(f"m-{number}"), f"m-{number}")
            assert device.run_until_receipted(DEADLINE_S)
            assert device.pending() == 0
            assert device.trouble is None
        assert ward.seen["dev-1"] == [f"m-{number}" for number in range(30)]
    with Spool(tmp_path / "spool") as spool:
        assert len(spool) == 0


def test_a_device_says_when_it_is_there_and_when_it_leaves(broker: Broker, tmp_path: Path) -> None:
    """Online on connecting, offline on closing, both retained for whoever asks later."""
    with Ward(broker) as ward:
        with DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool"):
            assert ward.wait(lambda: ward.said["dev-1"] == ["online"])
        assert ward.wait(lambda: ward.said["dev-1"] == ["online", "offline"])
    with Ward(broker) as later:
        assert later.wait(lambda: later.said["dev-1"] == ["offline"])


def test_a_device_that_leaves_says_so_itself(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own word and a goodbye to the broker, which then has no reason to speak its Will."""
    with Ward(broker) as ward:
        with DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool"):
            assert ward.wait(lambda: ward.said["dev-1"] == ["online"])
            monkeypatch.setattr(connections, "GOODBYE", b'{"status": "leaving"}')
        monkeypatch.undo()
        with DeviceClient(broker.host, broker.port, "resp", "dev-2", tmp_path / "other"):
            assert ward.wait(lambda: ward.said["dev-2"] == ["online"])
        assert ward.wait(lambda: ward.said["dev-2"] == ["online", "offline"])
        assert ward.said["dev-1"] == ["online", "leaving"]


CRASHING = """
import sys
from pathlib import Path
from devices.client import DeviceClient
from tests.integration.test_device_client import payload
host, port, folder = sys.argv[1:]
client = DeviceClient(host, int(port), "resp", "dev-1", Path(folder))
for number in range(200):
    client.enqueue(payload(f"m-{number}"), f"m-{number}")
    print(number, flush=True)
client.run_until_receipted()
"""


def crashing(broker: Broker, spool: Path) -> "subprocess.Popen[str]":
    """Start a device in a process of its own, which says after each message that it is kept."""
    arguments = [sys.executable, "-c", CRASHING, broker.host, str(broker.port), str(spool)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


@pytest.mark.hazard("H1")
def test_a_device_that_is_killed_loses_nothing_that_it_was_told_is_kept(broker: Broker, tmp_path: Path) -> None:
    """Killed at some message of a long queue; started again on the same spool, everything arrives, and in order."""
    with Ward(broker) as ward:
        victim = crashing(broker, tmp_path / "spool")
        assert victim.stdout is not None
        kept = 0
        for line in victim.stdout:
            kept = int(line) + 1
            if kept >= 40:
                victim.send_signal(signal.SIGKILL)
        victim.wait(DEADLINE_S)
        victim.stdout.close()
        assert ward.wait(lambda: ward.said["dev-1"][-1:] == ["offline"]), "the Will"
        with DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool") as device:
            assert device.run_until_receipted(DEADLINE_S)
        first = ward.first_seen("dev-1")
        assert first == [f"m-{number}" for number in range(len(first))]
        assert len(first) >= kept


def test_without_a_broker_messages_wait_on_disk_and_go_when_there_is_one(broker: Broker, tmp_path: Path) -> None:
    """Enqueueing never fails for want of a network, and the client says what keeps it."""
    broker.stop()
    with DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool") as device:
        for number in range(5):
            device.enqueue(payload(f"m-{number}"), f"m-{number}")
        wait_until(lambda: "no connection" in (device.trouble or ""), "the trouble is told")
        assert not device.run_until_receipted(0.0)
        assert device.pending() == 5
        broker.start()
        with Ward(broker) as ward:
            assert device.run_until_receipted(DEADLINE_S)
            assert ward.first_seen("dev-1") == [f"m-{number}" for number in range(5)]


@pytest.mark.hazard("H1")
def test_a_broker_that_is_killed_costs_nothing(broker: Broker, tmp_path: Path) -> None:
    """Killed three times under a fleet: everything arrives, each device's messages in their order."""
    devices = [f"dev-{number}" for number in range(8)]
    with Ward(broker) as ward, hub(broker, tmp_path / "spool") as fleet:
        for turn in range(3):
            fleet.enqueue_all(
                (device, payload(f"m-{turn}-{number:02d}"), f"m-{turn}-{number:02d}")
                for number in range(25)
                for device in devices
            )
            assert ward.wait(lambda turn=turn: len(ward.first_seen("dev-0")) > turn * 25)  # type: ignore[misc]
            broker.kill()
            broker.start()
        assert fleet.run_until_receipted(2 * DEADLINE_S)
        expected = [f"m-{turn}-{number:02d}" for turn in range(3) for number in range(25)]
        for device in devices:
            assert ward.first_seen(device) == expected


@pytest.mark.hazard("H1")
def test_a_message_without_a_receipt_is_sent_again(broker: Broker, tmp_path: Path) -> None:
    """The broker's own acknowledgement is not one: only the ward's receipt ends it."""
    with Ward(broker, answering=False) as ward, hub(broker, tmp_path / "spool", resend_after=SOON_S) as fleet:
        fleet.enqueue("dev-1", payload("m-1"), "m-1")
        assert ward.wait(lambda: ward.seen["dev-1"] == ["m-1", "m-1"])
        assert fleet.pending() == 1
        ward.receipt("dev-2", "m-1")
        ward.receipt("dev-1", "m-2")
        ward.publish("vwmon/resp/dev-1/receipts", b'{"ids": "m-1"}')
        ward.publish("vwmon/resp/dev-1/receipts", b"\xff")
        ward.publish("vwmon/resp/UPPER/receipts", b'{"ids": ["m-1"]}')
        assert ward.wait(lambda: ward.seen["dev-1"][2:] == ["m-1"]), "others' receipts are no receipt"
        ward.receipt("dev-1", "m-1")
        assert fleet.run_until_receipted(DEADLINE_S)


def test_a_ward_that_comes_back_is_tried_at_once(broker: Broker, tmp_path: Path) -> None:
    """However long the waits had become: its word that it is online is enough."""
    with hub(broker, tmp_path / "spool", resend_after=3600.0) as fleet:
        fleet.enqueue("dev-1", payload("m-1"), "m-1")
        wait_until(lambda: fleet.trouble is None, "the hub is connected")
        with Ward(broker) as ward:
            ward.announce("online")
            ward.announce("nonsense")
            assert fleet.run_until_receipted(DEADLINE_S)
            assert ward.seen["dev-1"] == ["m-1"]


def test_a_message_for_nobody_is_put_off(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker says that no one subscribes: the device waits its full time from then."""
    put_off = threading.Event()
    monkeypatch.setattr(Outbox, "refused", lambda *_: put_off.set())
    with hub(broker, tmp_path / "spool") as fleet:
        fleet.enqueue("dev-1", payload("m-1"), "m-1")
        assert put_off.wait(DEADLINE_S)


def test_a_broker_that_has_vanished_without_a_word_is_called_again(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the silence alone, whatever paho makes of its pings; what waits goes by the new connection."""
    monkeypatch.setattr(connections, "KEEPALIVE_S", 1)
    monkeypatch.setattr(connections._BatchingClient, "loop_misc", lambda _client: MQTTErrorCode.MQTT_ERR_SUCCESS)
    with Ward(broker) as ward, running_line(broker.port) as line:
        with DeviceClient(line.host, line.port, "resp", "d-1", tmp_path / "spool") as device:
            device.enqueue(payload("m1"), "m1")
            assert device.run_until_receipted(DEADLINE_S)
            line.half_open()
            device.enqueue(payload("m2"), "m2")
            assert device.run_until_receipted(DEADLINE_S)
        assert ward.seen["d-1"] == ["m1", "m2"]


def test_a_fleet_shares_one_connection(broker: Broker, tmp_path: Path) -> None:
    """60 devices, 20 messages each, enqueued from several threads: all receipted, every device in order."""
    devices = [f"dev-{number}" for number in range(60)]

    def feed(share: list[str]) -> None:
        for number in range(20):
            fleet.enqueue_all((device, payload(f"m-{number}"), f"m-{number}") for device in share)

    with Ward(broker) as ward, hub(broker, tmp_path / "spool") as fleet:
        threads = [threading.Thread(target=feed, args=[devices[start::4]]) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert fleet.run_until_receipted(2 * DEADLINE_S)
        for device in devices:
            assert ward.first_seen(device) == [f"m-{number}" for number in range(20)]


def test_a_broker_that_allows_few_in_flight_is_obeyed(tmp_path: Path) -> None:
    """It would close the connection on one message more than it allows; all arrive all the same."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with running_broker(folder, window=2) as narrow, Ward(narrow), hub(narrow, tmp_path / "spool") as fleet:
        fleet.enqueue_all((f"dev-{number}", payload("m-1"), "m-1") for number in range(40))
        assert fleet.run_until_receipted(DEADLINE_S)


class OneRound:
    """A listener that notes how many messages it may publish, and ends the connection."""

    def __init__(self) -> None:
        """Begin."""
        self.rooms: list[int] = []

    def stopping(self) -> bool:
        """After one round."""
        return bool(self.rooms)

    def ready(self) -> None:
        """Ready."""

    def arrived(self, topic: str, payload: bytes) -> None:
        """Nothing is waited for."""

    def refused(self, device: str) -> None:
        """Nothing is sent."""

    def pump(self, _: Connection, room: int) -> float:
        """Note the room."""
        self.rooms.append(room)
        return 0.0


def test_the_room_in_flight_is_what_the_broker_says(tmp_path: Path) -> None:
    """MQTT 5: a client that has more unacknowledged than the broker's receive maximum may be thrown out."""
    folder = tmp_path / "broker"
    folder.mkdir()
    rounds = OneRound()
    reading, writing = os.pipe()
    with running_broker(folder, window=7) as narrow:
        where = Broker5(host=narrow.host, port=narrow.port, client_id="one", subscriptions=("vwmon/resp/+/receipts",))
        assert Connection(where, rounds).live(reading) == "closed"
    os.close(reading)
    os.close(writing)
    assert rounds.rooms == [7]


class Wire:
    """A connection that keeps what is published."""

    def __init__(self) -> None:
        """Begin."""
        self.published: list[str] = []

    def publish(self, topic: str, payload: bytes, device: str) -> None:
        """Keep an id."""
        assert topic == f"vwmon/resp/{device}/readings"
        self.published.append(json.loads(payload)["id"])


@pytest.mark.parametrize("said", [b"{", b"\xff", b'{"id":"\xff"}', b'{"id":"a","x":' + b"[" * 60_000, b"7"])
@pytest.mark.parametrize("topic", ["dev-1/requests", "dev-1/receipts", "monitor/status", "dev-1/\ud800"])
def test_what_a_hub_cannot_read_is_as_if_it_had_not_come(tmp_path: Path, topic: str, said: bytes) -> None:
    """Whoever sends it: the hub goes on, and the message that waits for its receipt waits on."""
    with Hub("127.0.0.1", 9, "resp", tmp_path, on_request=lambda *_: pytest.fail("nothing was asked")) as fleet:
        fleet.enqueue("dev-1", payload("m-1"), "m-1")
        fleet.arrived(f"vwmon/resp/{topic}", said)
        assert len(fleet._spool) == 1


def test_a_new_connection_begins_with_what_the_old_one_may_have_lost(tmp_path: Path) -> None:
    """However long the wait for a receipt would still have been; without a new one nothing is repeated."""
    wire: Any = Wire()
    with Hub("127.0.0.1", 9, "resp", tmp_path, resend_after=3600.0) as fleet:
        fleet.enqueue_all(("dev-1", payload(f"m-{number}"), f"m-{number}") for number in range(3))
        fleet.pump(wire, 10)
        fleet.pump(wire, 10)
        assert wire.published == ["m-0"]
        fleet.ready()
        assert fleet.pump(wire, 10) <= 1.0
        assert wire.published == ["m-0", "m-0"]
        fleet.arrived("vwmon/resp/dev-1/receipts", b'{"v":1,"ids":["m-0"]}')
        fleet.pump(wire, 10)
        assert wire.published == ["m-0", "m-0", "m-1"]


@pytest.mark.parametrize(
    ("text", "named", "said"),
    [
        (b'{"v":1}', "m-1", "readable id"),
        (b"not JSON", "m-1", "readable id"),
        (b"[" * 60_000, "m-1", "readable id"),
        (b'{"id":17}', "17", "readable id"),
        (b'{"id":"\xff"}', "m-1", "readable id"),
        (b'{"id":"m-2"}', "m-1", "calls itself"),
        (b'{"id":"m-1"}' + b" " * 65536, "m-1", "over the limit"),
    ],
)
def test_a_message_that_could_never_be_receipted_is_refused_at_once(
    tmp_path: Path, text: bytes, named: str, said: str
) -> None:
    """In the spool it would hold up everything behind it for good."""
    with Hub("127.0.0.1", 9, "resp", tmp_path) as nowhere:
        with pytest.raises(ClientError, match=said):
            nowhere.enqueue("dev-1", text, named)
        with pytest.raises(TopicError):
            nowhere.enqueue("Dev 1", payload("m-1"), "m-1")
        assert nowhere.pending() == 0


def test_a_messages_id_is_what_it_calls_itself() -> None:
    """For those who have only its bytes."""
    assert message_id(payload("m-7")) == "m-7"


def test_two_clients_never_share_a_spool(tmp_path: Path) -> None:
    """The second is told so, and a closed one takes nothing more."""
    with Hub("127.0.0.1", 9, "resp", tmp_path) as first, pytest.raises(SpoolError, match="in use"):
        Hub("127.0.0.1", 9, "resp", tmp_path)
    first.close()
    with pytest.raises(ClientError, match="closed"):
        first.enqueue("dev-1", payload("m-1"), "m-1")


def test_damage_on_disk_is_counted_and_the_rest_is_sent(broker: Broker, tmp_path: Path) -> None:
    """A client knows how many of its messages the disk has spoiled."""
    with Spool(tmp_path / "spool") as spool:
        spool.keep([Letter("dev-1", f"m-{number}", payload(f"m-{number}")) for number in range(3)])
    lines = (tmp_path / "spool" / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / "spool" / JOURNAL).write_bytes(lines[0] + lines[1][:30] + b"?" + lines[1][31:] + lines[2])
    with Ward(broker) as ward, hub(broker, tmp_path / "spool") as fleet:
        assert fleet.run_until_receipted(DEADLINE_S)
        assert fleet.damaged == 1
        assert ward.seen["dev-1"] == ["m-0", "m-2"]


def test_a_hub_whose_thread_has_died_says_so(broker: Broker, tmp_path: Path) -> None:
    """Whoever waits or enqueues is told; nothing goes on as if it were alive."""
    with hub(broker, tmp_path / "spool") as fleet:
        wait_until(lambda: fleet.trouble is None, "the hub is connected")
        os.truncate(tmp_path / "spool" / JOURNAL, 0)
        fleet._spool._size = 1 << 20
        fleet.enqueue("dev-1", payload("m-1"), "m-1")
        with pytest.raises(ClientError, match="no longer holds"):
            fleet.run_until_receipted(DEADLINE_S)
        with pytest.raises(ClientError, match="has stopped"):
            fleet.enqueue("dev-1", payload("m-2"), "m-2")


def test_a_broker_that_refuses_is_quoted(tmp_path: Path) -> None:
    """A wrong password is not a network that is down."""
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / "passwords").touch()
    with running_broker(folder) as guarded:
        settings = folder / "mosquitto.conf"
        guarded.stop()
        text = settings.read_text(encoding="utf-8").replace("allow_anonymous true", "allow_anonymous false")
        settings.write_text(f"{text}password_file {folder / 'passwords'}\n", encoding="utf-8")
        guarded.start()
        with hub(guarded, tmp_path / "spool", username="hub", password="wrong") as fleet:  # noqa: S106 -- nobody's
            fleet.enqueue("dev-1", payload("m-1"), "m-1")
            wait_until(lambda: "refused the connection" in (fleet.trouble or ""), "the refusal is told")
            assert fleet.trouble == "the broker refused the connection: Not authorized"
            assert fleet.pending() == 1


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Broker, Tls]]:
    """A broker that speaks TLS only and wants certificates, and a device's own files."""
    authority = trustme.CA()
    folder = tmp_path / "broker"
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "stranger.pem"))
    for name, issued in {
        "served": authority.issue_cert("localhost", "127.0.0.1"),
        "own": authority.issue_cert("dev-1"),
    }.items():
        issued.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(folder / f"{name}.key"))
    more = (
        f"cafile {folder}/ca.pem\ncertfile {folder}/served.pem\nkeyfile {folder}/served.key\nrequire_certificate true"
    )
    with running_broker(folder, more=more) as running:
        yield running, Tls(ca=folder / "ca.pem", cert=folder / "own.pem", key=folder / "own.key")


def test_devices_may_speak_tls(secure: tuple[Broker, Tls], tmp_path: Path) -> None:
    """With a certificate of their own, to a broker whose certificate they check."""
    broker, mine = secure
    with (
        Ward(broker, tls=mine.context()) as ward,
        DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool", tls=mine) as device,
    ):
        device.enqueue(payload("m-1"), "m-1")
        assert device.run_until_receipted(DEADLINE_S)
        assert ward.seen["dev-1"] == ["m-1"]


# paho leaves the socket of a failed handshake to the collector, which says so.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_an_unknown_authority_is_told_nothing(secure: tuple[Broker, Tls], tmp_path: Path) -> None:
    """The client says why, and keeps its messages."""
    broker, mine = secure
    wrong = Tls(ca=broker.folder / "stranger.pem", cert=mine.cert, key=mine.key)
    with DeviceClient(broker.host, broker.port, "resp", "dev-1", tmp_path / "spool", tls=wrong) as device:
        device.enqueue(payload("m-1"), "m-1")
        wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in (device.trouble or ""), "the certificate is refused")
        assert device.pending() == 1


def test_a_rate_is_kept_and_not_saved_up() -> None:
    """So many a second on a steady clock, in bursts of a tenth of a second at most."""
    pace = clients._Pace(100.0)
    start = pace._at = 1024.0  # from where on the steps below are exact
    assert pace.allowed(start, 50) == 0
    assert pace.allowed(start + 0.0625, 50) == 6
    pace.spent(6)
    assert pace.allowed(start + 0.0625, 50) == 0
    assert pace.wait_s() == pytest.approx(0.0075)
    assert pace.allowed(start + 60, 50) == 10
    assert pace.allowed(start + 60, 3) == 3
    assert clients._Pace(None).allowed(start, 50) == 50


def test_a_hub_with_a_rate_sends_everything(broker: Broker, tmp_path: Path) -> None:
    """The limit holds messages back; it loses none."""
    with Ward(broker), hub(broker, tmp_path / "spool", rate=500.0) as fleet:
        fleet.enqueue_all((f"dev-{number % 10}", payload(f"m-{number}"), f"m-{number}") for number in range(200))
        assert fleet.run_until_receipted(DEADLINE_S)
