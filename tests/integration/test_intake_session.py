"""The intake on a real broker: nothing lost, nothing acknowledged too early, whatever is killed."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paho.mqtt import publish as paho_publish
from paho.mqtt.enums import MQTTProtocolVersion

from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.clock import Clock
from vwmon.intake import fast, frames, session
from vwmon.intake.client import GatheringClient
from vwmon.intake.fast import FastClient
from vwmon.intake.link import Link
from vwmon.intake.protocol import Batch, Packet
from vwmon.intake.session import MqttIntake
from vwmon.intake.stock import StockClient

TOPIC = "vwmon/resp/dev-1/readings"
STATUS = "vwmon/resp/monitor/status"
V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that keeps what it has when it is stopped."""
    with running_broker(tmp_path) as one:
        yield one


@pytest.fixture(params=[FastClient, StockClient])
def kind(request: pytest.FixtureRequest) -> type[GatheringClient]:
    """Both clients: every promise is one of both."""
    return request.param  # type: ignore[no-any-return]


Connect = Callable[..., MqttIntake]


@pytest.fixture
def connect(broker: Broker, kind: type[GatheringClient]) -> Iterator[Connect]:
    """Make intakes on the broker, and drop them at the end; do not `wait` where messages are waiting already."""
    made: list[MqttIntake] = []

    def one(*, wait: bool = True, **changed: object) -> MqttIntake:
        fields = {"host": broker.host, "port": broker.port, "wards": ("resp", "other")} | changed
        intake = MqttIntake(Link(**fields), Clock().now_ms, kind)  # type: ignore[arg-type]
        made.append(intake)
        if wait:
            wait_until(lambda: not intake.take(0.05).packets and intake.connected, "the intake is subscribed")
        return intake

    yield one
    for intake in made:
        with suppress(OSError):
            intake.abandon()


def publish(
    broker: Broker, payloads: list[str], *, topic: str = TOPIC, retain: bool = False, version: int = V5
) -> None:
    """Publish as a device does, QoS 1, with a stock client."""
    messages = [{"topic": topic, "payload": payload, "qos": 1, "retain": retain} for payload in payloads]
    paho_publish.multiple(messages, hostname=broker.host, port=broker.port, protocol=MQTTProtocolVersion(version))  # type: ignore[arg-type]


def take(intake: MqttIntake, count: int) -> list[Batch]:
    """Take until so many messages came; acknowledge none."""
    batches: list[Batch] = []

    def enough() -> bool:
        batches.append(intake.take(0.1))
        return len(packets(batches)) >= count

    wait_until(enough, f"{count} messages came")
    return batches


def packets(batches: list[Batch]) -> list[Packet]:
    """Join batches, without what the intake itself has left for others to hear."""
    return [packet for batch in batches for packet in batch.packets if "/monitor/" not in packet.topic]


def payloads(batches: list[Batch]) -> list[str]:
    """Read what came."""
    return [packet.payload.decode() for packet in packets(batches)]


@pytest.mark.parametrize("version", [V5, V311], ids=["5", "3.1.1"])
def test_messages_come_whole_and_in_order(broker: Broker, connect: Connect, version: int) -> None:
    """From devices of MQTT 5 and of 3.1.1 alike, small and large."""
    intake = connect()
    sent = [str(number) * (1 + number * 37 % 900) for number in range(300)]
    publish(broker, sent, version=version)
    batches = take(intake, len(sent))
    assert payloads(batches) == sent
    assert {packet.topic for packet in packets(batches)} == {TOPIC}


def test_the_daemon_may_itself_speak_mqtt_3_1_1(broker: Broker, connect: Connect) -> None:
    """For brokers that have no MQTT 5: what was done does not come again, and what was sent meanwhile comes."""
    intake = connect(mqtt5=False)
    device = MqttIntake(Link(host=broker.host, port=broker.port, client_id="device", prefix="dev"), Clock().now_ms)
    wait_until(lambda: not device.take(0.05).packets and device.connected, "the device is subscribed")
    publish(broker, ["a", "b"])
    batches = take(intake, 2)
    for batch in batches:
        intake.done(batch, [("dev/resp/dev-1/readings", b"receipt")])
    intake.close()
    assert set(payloads(take(device, len(batches)))) == {"receipt"}
    device.abandon()
    publish(broker, ["while away"])
    assert payloads(take(connect(wait=False, mqtt5=False), 1)) == ["while away"]


def test_what_was_not_done_comes_again_and_what_was_does_not(broker: Broker, connect: Connect) -> None:
    """A daemon that dies between reading and storing loses nothing, and doubles nothing that it stored."""
    first = connect()
    publish(broker, ["stored"])
    for batch in take(first, 1):
        first.done(batch, [])
    first.take(0.1)
    publish(broker, ["read only"])
    take(first, 1)
    first.abandon()
    assert payloads(take(connect(wait=False), 1)) == ["read only"]


@pytest.mark.hazard("H1")
def test_messages_wait_while_the_daemon_is_away(broker: Broker, connect: Connect) -> None:
    """The session keeps them over a polite farewell too."""
    connect().close()
    publish(broker, [str(number) for number in range(500)])
    assert payloads(take(connect(wait=False), 500)) == [str(number) for number in range(500)]


def test_a_batch_of_an_older_connection_acknowledges_nothing(broker: Broker, connect: Connect) -> None:
    """Its numbers mean other messages by then: to use them would lose ten new ones."""
    intake = connect()
    publish(broker, [f"old {number}" for number in range(10)])
    stale = take(intake, 10)
    broker.kill()
    (broker.folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()
    wait_until(lambda: not intake.take(0.05).packets and intake.state().connections == 2, "the intake is back")
    wait_until(lambda: not intake.take(0.05).packets and intake.connected, "it is subscribed")
    publish(broker, [f"new {number}" for number in range(10)])
    fresh = take(intake, 10)
    assert {packet.mid for packet in packets(fresh)} == {packet.mid for packet in packets(stale)}
    for batch in stale:
        intake.done(batch, [])
    intake.take(0.1)
    intake.abandon()
    assert payloads(take(connect(wait=False), 10)) == [f"new {number}" for number in range(10)]


@pytest.mark.hazard("H1")
def test_a_session_that_the_broker_lost_is_told(
    broker: Broker, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """What came in between may be gone, and somebody must know."""
    intake = connect()
    assert (intake.state().session_was_kept, intake.state().sessions_lost) == (False, 0)
    broker.kill()
    (broker.folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()
    wait_until(lambda: not intake.take(0.05).packets and intake.state().connections == 2, "the intake is back")
    assert intake.state().sessions_lost == 1
    assert "broker.session_lost" in caplog.text


@pytest.mark.parametrize("mqtt5", [True, False], ids=["5", "3.1.1"])
def test_a_session_is_lost_only_where_the_broker_knew_us_and_has_forgotten(
    broker: Broker, connect: Connect, *, mqtt5: bool
) -> None:
    """Not at a first start, nor after a restart of the broker with its store, of us, or of both.

    Whoever takes our name with a clean session has the broker throw away what waits for us: that is told.
    """
    intake = connect(mqtt5=mqtt5)
    broker.stop()
    wait_until(lambda: not intake.take(0.05).packets and not intake.connected, "the intake notices")
    broker.start()
    wait_until(lambda: not intake.take(0.05).packets and intake.connected, "the intake is back")
    assert (intake.state().sessions_lost, intake.state().lost_ms) == (0, None)
    intake.close()
    broker.stop()
    broker.start()
    after = connect(mqtt5=mqtt5, known=True)
    assert (after.state().session_was_kept, after.state().lost_ms) == (True, None)
    after.close()
    paho_publish.single("elsewhere", hostname=broker.host, port=broker.port, client_id=after._link.client_id)
    assert connect(mqtt5=mqtt5, known=True).state().sessions_lost == 1


@pytest.mark.hazard("H1")
def test_a_restarted_broker_is_found_again_and_its_queue_read(broker: Broker, connect: Connect) -> None:
    """A broker that is stopped keeps the session on disk; the intake comes back by itself."""
    intake = connect()
    publish(broker, ["before"])
    take(intake, 1)
    broker.stop()
    wait_until(lambda: not intake.take(0.05).packets and not intake.connected, "the intake notices")
    assert "ended" in intake.state().trouble or "reach" in intake.state().trouble
    broker.start()
    assert payloads(take(intake, 1)) == ["before"]
    wait_until(lambda: not intake.take(0.05).packets and intake.connected, "it is subscribed again")
    assert intake.state().session_was_kept


@pytest.mark.hazard("H5", "T5")
def test_a_retained_reading_is_known_by_its_flag_at_any_time(broker: Broker, connect: Connect) -> None:
    """Left there before, or published while we listen: both say so, and a new connection does not repeat it."""
    publish(broker, ["early"], retain=True)
    intake = connect(wait=False)
    early = take(intake, 1)
    publish(broker, ["live"], retain=True)
    publish(broker, ["plain"])
    batches = early + take(intake, 2)
    assert [(packet.payload, packet.retain) for packet in packets(batches)] == [
        (b"early", True),
        (b"live", True),
        (b"plain", False),
    ]
    for batch in batches:
        intake.done(batch, [])
    intake.close()
    again = connect(wait=False)
    came: list[Batch] = []

    def subscribed() -> bool:
        came.append(again.take(0.05))
        return again.connected

    wait_until(subscribed, "the intake is subscribed again")
    publish(broker, ["later"])
    assert payloads(came + take(again, 1)) == ["later"]


def test_devices_statuses_come_at_every_connection(broker: Broker, connect: Connect) -> None:
    """What a device said of itself while we were away is known at once."""
    topic = "vwmon/resp/dev-1/status"
    publish(broker, ['{"status":"online"}'], topic=topic, retain=True)
    for _ in range(2):
        intake = connect(wait=False)
        for batch in take(intake, 1):
            intake.done(batch, [])
            assert [packet.topic for packet in packets([batch])] in ([], [topic])
        intake.close()


def test_other_topics_are_not_taken(broker: Broker, connect: Connect) -> None:
    """Receipts, requests and other people's topics are not for the ingest."""
    intake = connect()
    for topic in ("vwmon/resp/dev-1/receipts", "vwmon/resp/dev-1/more/readings", "other/resp/dev-1/readings"):
        publish(broker, ["no"], topic=topic)
    publish(broker, ["yes"])
    assert payloads(take(intake, 1)) == ["yes"]


def test_receipts_reach_the_devices_beyond_the_brokers_window(tmp_path: Path, kind: type[GatheringClient]) -> None:
    """A default mosquitto takes 20 at a time; two thousand receipts go out all the same, in order."""
    with running_broker(tmp_path, window=20) as broker:
        link = Link(host=broker.host, port=broker.port, wards=("resp",))
        intake = MqttIntake(link, Clock().now_ms, kind)
        wait_until(lambda: not intake.take(0.05).packets and intake.connected, "connected")
        device = MqttIntake(Link(host=broker.host, port=broker.port, client_id="device", prefix="dev"), Clock().now_ms)
        wait_until(lambda: not device.take(0.05).packets and device.connected, "connected")
        publish(broker, ["x"])
        (batch,) = (one for one in take(intake, 1) if one.packets)
        intake.done(batch, [("dev/resp/dev-1/readings", str(number).encode()) for number in range(2000)])
        got: list[str] = []
        under_way: list[int] = []

        def all_came() -> bool:
            intake.take(0.0)
            under_way.append(len(getattr(intake._client, "_unconfirmed", ())) if kind is FastClient else 0)
            taken = device.take(0.01)
            device.done(taken, [])
            got.extend(payloads([taken]))
            return len(got) >= 2000

        wait_until(all_came, "all receipts came")
        assert got == [str(number) for number in range(2000)]
        assert max(under_way) < 20
        intake.abandon()
        device.abandon()


@pytest.mark.hazard("H19", "T9")
def test_a_batch_is_bounded_however_much_waits(broker: Broker, connect: Connect) -> None:
    """A backlog is taken in pieces, of at most one reading of the socket more than asked for."""
    connect().close()
    publish(broker, ["x" * 1000] * 5000)
    intake = connect(wait=False, batch=100, window=4000)
    most, count = 0, 0

    def drained() -> bool:
        nonlocal most, count
        batch = intake.take(0.1)
        most, count = max(most, len(batch.packets)), count + len(batch.packets)
        intake.done(batch, [])
        return count >= 5000

    wait_until(drained, "all came")
    assert most <= 100 + max(fast.READ_BYTES // 1000, 1000)


def test_statuses_are_published_latest_only_and_the_will_tells_of_our_end(broker: Broker, connect: Connect) -> None:
    """Of a retained topic only the last word is sent; when the daemon is killed the broker says offline."""
    intake = connect()
    for number in range(5):
        intake.publish(STATUS, b'{"status":"online","readings":%d}' % number, retain=True, expiry_s=90)
    listener = MqttIntake(Link(host=broker.host, port=broker.port, client_id="listener"), Clock().now_ms)
    said: list[str] = []

    def hears(count: int) -> bool:
        intake.take(0.01) if count == 1 else None
        batch = listener.take(0.05)
        listener.done(batch, [])
        said.extend(packet.payload.decode() for packet in batch.packets)
        return len(said) >= count

    wait_until(lambda: hears(1), "the status came")
    intake.abandon()
    wait_until(lambda: hears(2), "the will came")
    listener.abandon()
    assert [json.loads(text) for text in said] == [{"status": "online", "readings": 4}, {"status": "offline"}]


def test_a_farewell_tells_every_ward_that_nobody_watches(broker: Broker, connect: Connect) -> None:
    """The Will has room for one ward; when the daemon is stopped on purpose each is told, and what waited is sent."""
    intake = connect()
    intake.publish(STATUS, b'{"status":"online"}', retain=True)
    intake.publish("vwmon/resp/dev-1/status", b"last word")
    intake.close()
    listener = MqttIntake(Link(host=broker.host, port=broker.port, client_id="listener"), Clock().now_ms)
    told: dict[str, bytes] = {}

    def hears() -> bool:
        told.update((packet.topic, packet.payload) for packet in listener.take(0.05).packets)
        return len(told) == 2

    wait_until(hears, "both wards were told")
    listener.abandon()
    assert told == {STATUS: session.OFFLINE, "vwmon/other/monitor/status": session.OFFLINE}


def test_frames_agree_with_paho(broker: Broker, connect: Connect) -> None:
    """What we write by hand is what a broker understands: a receipt's frame through a real one."""
    intake = connect()
    with socket.create_connection((broker.host, broker.port)) as device:
        device.sendall(b"\x10\x0f\x00\x04MQTT\x05\x02\0\0\0\0\2ab")
        device.recv(100)
        device.sendall(frames.publish_frame(TOPIC.encode(), b"p" * 300, 5, mqtt5=True))
        assert payloads(take(intake, 1)) == ["p" * 300]
