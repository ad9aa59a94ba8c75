"""What a broken or hostile device may send, through a real broker into a real database."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from devices import topics
from tests.faults.poison import CORPUS, DEVICE, NOW_MS, WHOLE, Poison, text
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.clock import Clock
from vwmon.ingest import Ingest
from vwmon.intake import frames
from vwmon.intake.link import Link
from vwmon.intake.session import MqttIntake
from vwmon.store import database
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

WARD = "resp"
TOPIC = topics.readings_topic("vwmon", WARD, DEVICE).encode()


class CorpusClock(Clock):
    """The time that the corpus is written for."""

    def now_ms(self) -> int:
        """Tell the one time there is."""
        return NOW_MS


class Rig:
    """A broker, an ingest on a database, and a device that can publish anything."""

    def __init__(self, broker: Broker, db: Connection) -> None:
        """Connect both ends."""
        clock = CorpusClock()
        self.db = db
        self.intake = MqttIntake(Link(host=broker.host, port=broker.port, wards=(WARD,)), clock.now_ms)
        self.ingest = Ingest(intake=self.intake, log=LogWriter(db), clock=clock, on_commit=lambda: None)
        wait_until(lambda: self.step() and self.intake.connected, "the ingest is subscribed")
        self.device = socket.create_connection((broker.host, broker.port))
        self.device.sendall(b"\x10\x0f\x00\x04MQTT\x05\x02\0\0\0\0\2ab")
        self.device.recv(100)
        self._sent = 0

    def step(self) -> bool:
        """Let the ingest take what there is."""
        self.ingest.step(0.01)
        return True

    def publish(self, poison: Poison) -> None:
        """Publish a payload as it is."""
        self._sent += 1
        word = poison.content_type.encode()
        properties = b"\x03" + len(word).to_bytes(2, "big") + word if word else b""
        body = len(TOPIC).to_bytes(2, "big") + TOPIC + self._sent.to_bytes(2, "big")
        body += frames.length_bytes(len(properties)) + properties + self.own(poison.payload)
        self.device.sendall(b"\x32" + frames.length_bytes(len(body)) + body)

    def own(self, payload: bytes) -> bytes:
        """Give a message an id of its own, or it would be taken for a repeat."""
        return payload.replace(b'"p-1"', b'"p-%d"' % self._sent)

    def settle(self) -> None:
        """Let the ingest take all that was published."""
        wait_until(lambda: self.step() and self.ingest.counts.messages == self._sent, "everything was taken")

    def reasons(self) -> list[str]:
        """Say what the quarantine holds, oldest first."""
        return [reason for (reason,) in self.db.execute("select reason from quarantine order by quarantine_no")]

    def stored(self) -> int:
        """Count the readings stored."""
        return int(self.db.execute("select count(*) from reading_log").fetchone()[0])


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Set up one rig and take it down."""
    database.create(tmp_path / "vwmon.db").close()
    with running_broker(tmp_path) as broker, closing(database.open_writer(tmp_path / "vwmon.db")) as db:
        one = Rig(broker, db)
        yield one
        one.device.close()
        one.intake.abandon()


def good(number: int) -> Poison:
    """Make a message with nothing wrong."""
    return Poison(f"good {number}", text(id=f"good-{number}"), "")


def test_the_corpus_is_as_large_as_promised() -> None:
    """Sixty payloads at the least, each of a name of its own."""
    assert len(CORPUS) >= 60
    assert len({poison.name for poison in CORPUS}) == len(CORPUS)


@pytest.mark.hazard("H2", "T8")
def test_every_poison_is_quarantined_with_its_reason_and_the_next_message_is_stored(rig: Rig) -> None:
    """One by one: the reason is exact, the good message behind it is in the log, and no connection was lost."""
    for number, poison in enumerate(CORPUS):
        quarantined, stored = len(rig.reasons()), rig.stored()
        rig.publish(poison)
        rig.settle()
        assert poison.reason in rig.reasons()[quarantined:], poison.name
        assert rig.stored() == stored or not poison.whole, poison.name
        stored = rig.stored()
        rig.publish(good(number))
        rig.settle()
        assert rig.stored() == stored + 1, poison.name
    assert rig.intake.state().connections == 1


@pytest.mark.hazard("H2")
def test_poison_in_one_batch_with_good_messages_takes_none_of_them_down(rig: Rig) -> None:
    """A batch commits with all its good messages, wherever the bad ones are."""
    for number, poison in enumerate(WHOLE):
        rig.publish(good(number))
        rig.publish(poison)
    rig.settle()
    assert rig.stored() == len(WHOLE)
    assert rig.reasons() == [poison.reason for poison in WHOLE]
    assert rig.intake.state().connections == 1


@pytest.mark.hazard("T8")
def test_what_was_quarantined_is_kept_as_it_came_and_not_sent_again(rig: Rig) -> None:
    """The bytes can be looked at later; the broker has been told that they are kept."""
    poison = Poison("not UTF-8", b'{"v":1,"id":"p-1","note":"\xff\xfe"}', "not_utf8")
    rig.publish(poison)
    rig.settle()
    payload, device, topic = rig.db.execute("select payload, device, topic from quarantine").fetchone()
    assert (payload, device, topic) == (poison.payload, DEVICE, TOPIC.decode())
    rig.step()
    rig.intake.close()
    wait_until(lambda: rig.step() and rig.intake.connected, "the ingest is back")
    rig.step()
    assert rig.reasons() == ["not_utf8"]


@pytest.mark.hazard("T7")
def test_a_megabyte_is_quarantined_by_its_beginning(rig: Rig) -> None:
    """Far above the limit: memory stays bounded, the beginning is kept, the next message is stored."""
    rig.publish(Poison("huge", b'{"v":1,' + b" " * 3_000_000, "too_large"))
    rig.publish(good(1))
    rig.settle()
    kept = rig.db.execute("select reason, length(payload) from quarantine").fetchone()
    assert kept == ("too_large", 65_536)
    assert rig.stored() == 1
