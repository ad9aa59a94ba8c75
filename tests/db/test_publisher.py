"""What is published of the work list: what changed, all at every connection, nothing about who; and the cursor."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import lifecycle, store
from alerts.model import SYSTEM_STAY, Outcome
from tests.conftest import Command
from tests.db.told_ward import NAME, NHS_NUMBER, NOTE, PATIENT, ToldWard, of_stay
from tests.unit.alerts_points import MINUTE, follow, person, point
from vwmon.intake.protocol import LinkState, Ticket
from vwmon.patients.records import By
from vwmon.publisher import AGAIN_MS, CLEARED_FOR_MS, FOLLOWER, Publisher
from vwmon.store import followers, registers
from vwmon.store.database import atomic


@dataclass(frozen=True)
class Sent:
    """One message, with its ticket."""

    topic: str
    payload: bytes
    retain: bool
    expiry_s: int
    ticket: Ticket

    @property
    def content(self) -> Any:  # noqa: ANN401 -- as published
        """What it says; None for a cleared topic."""
        return json.loads(self.payload) if self.payload else None


@dataclass
class Broker:
    """A broker by hand: keeps what is delivered, and takes it at once unless told otherwise."""

    connected: bool = True
    connections: int = 1
    takes: bool | None = True
    hears: bool = True
    sent: list[Sent] = field(default_factory=list)

    def state(self) -> LinkState:
        """Tell about the connection."""
        return LinkState(
            connected=self.connected,
            since_ms=0,
            connections=self.connections,
            session_was_kept=True,
            sessions_lost=0,
            trouble="",
        )

    def deliver(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> Ticket:
        """Keep a message."""
        ticket = Ticket()
        ticket.taken, ticket.heard = self.takes, self.hears
        self.sent.append(Sent(topic, payload, retain, expiry_s, ticket))
        return ticket

    def came(self) -> list[Sent]:
        """Give what was delivered since the last look."""
        found, self.sent = self.sent, []
        return found


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[ToldWard]:
    """A ward with one patient."""
    made = ToldWard(tmp_path / "ward.db")
    yield made
    made.db.close()


@pytest.fixture
def broker() -> Broker:
    """A broker."""
    return Broker()


def started(ward: ToldWard, broker: Broker) -> Publisher:
    """Start a publisher, as a daemon that starts does."""
    return Publisher(ward.db, broker, "vwmon", ["resp", "frailty"], ward.clock.now_ms)


def run(publisher: Publisher) -> None:
    """Let it turn until there is nothing to do."""
    while publisher.turn():
        pass


def test_an_alert_is_published_retained_and_cleared_when_it_is_closed(ward: ToldWard, broker: Broker) -> None:
    """Its state each time it changes, on a topic of its own; in the end nothing is kept there."""
    publisher = started(ward, broker)
    run(publisher)
    alert = ward.scored(0, 7)
    run(publisher)
    (said,) = broker.came()
    assert (said.topic, said.retain) == (f"vwmon/resp/alerts/{alert.id}", True)
    assert (said.content["state"], said.content["level"], said.content["owned"]) == ("new", 3, False)
    assert said.content["score"] == {
        "chart": "news2",
        "total_min": 7,
        "total_max": 7,
        "complete": True,
        "red": False,
        "missing": [],
        "at": "1970-01-01T00:00:00Z",
    }
    ward.acked(alert.id, 1)
    run(publisher)
    (said,) = broker.came()
    assert (said.content["state"], said.content["owned"]) == ("acknowledged", True)
    with atomic(ward.db):
        store.close(ward.db, alert.id, person(2), Outcome.PHONED_STABLE)
    run(publisher)
    (said,) = broker.came()
    assert (said.topic, said.payload, said.retain) == (f"vwmon/resp/alerts/{alert.id}", b"", True)
    run(publisher)
    assert broker.came() == []


@pytest.mark.hazard("H22")
def test_nothing_published_says_who(ward: ToldWard, broker: Broker) -> None:
    """No patient, no owner, no note, and nothing that a device sent in place of a value."""
    publisher = started(ward, broker)
    refused = point(0, 3, could_be=6, refused={"spo2": 0.0}, sent={"spo2": f"{NAME}: 120 %"}, missing=["spo2"])
    alert = ward.changed(lambda case: follow(case, of_stay(refused, case.stay_no)))
    run(publisher)
    ward.acked(alert.id, 1)
    ward.scored(2, 7)
    run(publisher)
    everything = "".join(f"{said.topic}{said.payload.decode()}" for said in broker.came())
    assert "SpO2 refused" in everything
    for secret in (PATIENT, NAME, NHS_NUMBER, NOTE, "ahmed", *NAME.split()):
        assert secret not in everything
        assert json.dumps(secret)[1:-1] not in everything


def test_the_cursor_moves_once_the_broker_has_taken_it(ward: ToldWard, broker: Broker) -> None:
    """Not before: a daemon that ends in between publishes it again."""
    run(started(ward, broker))
    before = followers.cursor(ward.db, FOLLOWER)
    publisher = started(ward, broker)
    ward.scored(0, 7)
    broker.takes = None
    run(publisher)
    assert followers.cursor(ward.db, FOLLOWER) == before
    broker.sent[0].ticket.taken = True
    run(publisher)
    assert followers.cursor(ward.db, FOLLOWER) == store.stamp(ward.db)


def test_what_was_closed_while_no_daemon_ran_is_cleared(ward: ToldWard, broker: Broker) -> None:
    """However long ago: the cursor knows what was published."""
    publisher = started(ward, broker)
    alert = ward.scored(0, 7)
    run(publisher)
    ward.acked(alert.id, 1)
    with atomic(ward.db):
        store.close(ward.db, alert.id, person(2), Outcome.PHONED_STABLE)
    ward.clock.at_ms += 9 * CLEARED_FOR_MS
    broker.came()
    run(started(ward, broker))
    (said,) = broker.came()
    assert said.payload == b""


def test_everything_open_is_published_again_at_every_connection(ward: ToldWard, broker: Broker) -> None:
    """A broker may have lost what it kept; what was closed of late is cleared again, for it may have come back."""
    publisher = started(ward, broker)
    open_alert, other = ward.scored(0, 7), ward.scored(1, 7, ward.admit("P2"))
    ward.acked(other.id, 2)
    with atomic(ward.db):
        store.close(ward.db, other.id, person(3), Outcome.PHONED_STABLE)
    run(publisher)
    broker.came()
    broker.connected = False
    run(publisher)
    assert broker.came() == []
    broker.connected, broker.connections = True, 2
    run(publisher)
    kept = {said.topic.rpartition("/")[2]: bool(said.payload) for said in broker.came()}
    assert kept == {open_alert.id: True, other.id: False}


def test_an_answer_that_never_came_is_not_waited_for_over_a_new_connection(ward: ToldWard, broker: Broker) -> None:
    """What was on its way when the connection ended is published again."""
    publisher = started(ward, broker)
    broker.takes = None
    ward.scored(0, 7)
    run(publisher)
    run(publisher)
    assert len(broker.came()) == 1
    broker.connections, broker.takes = 2, True
    run(publisher)
    assert len(broker.came()) == 1
    assert followers.cursor(ward.db, FOLLOWER) == store.stamp(ward.db)


def test_what_the_broker_refuses_is_tried_again_later(ward: ToldWard, broker: Broker) -> None:
    """An access list that is mended takes it then; until then it is not hammered."""
    publisher = started(ward, broker)
    broker.takes = False
    ward.scored(0, 7)
    run(publisher)
    run(publisher)
    assert len(broker.came()) == 1
    broker.takes = True
    ward.clock.at_ms += AGAIN_MS
    run(publisher)
    assert len(broker.came()) == 1
    assert followers.cursor(ward.db, FOLLOWER) == store.stamp(ward.db)


def test_an_alert_of_the_whole_service_is_published_on_every_ward(ward: ToldWard, broker: Broker) -> None:
    """It concerns all of them."""
    publisher = started(ward, broker)
    with atomic(ward.db):
        before = store.load(ward.db, [SYSTEM_STAY])[SYSTEM_STAY]
        store.save(ward.db, before, lifecycle.overdue(before, "broker", 0, 0), None)
    run(publisher)
    came = broker.came()
    assert [said.topic.split("/")[1] for said in came] == ["resp", "frailty"]
    assert came[0].content["ward"] is None


def given_a_device(ward: ToldWard, name: str = "oximeter") -> None:
    """Give the patient a device."""
    by = By(actor="ann", at_ms=0)
    registers.add_device(ward.db, name, by)
    registers.assign(ward.db, name, PATIENT, 0, by)


def asked(ward: ToldWard, due_minute: int, vitals: str = '["spo2"]') -> None:
    """Ask for a repeat, as the rules do."""
    row = (ward.stay_no, "news2_5", vitals, ward.clock.now_ms(), due_minute * MINUTE)
    with atomic(ward.db):
        ward.db.execute("insert into request (stay_no, rule, vitals, asked_ms, due_ms) values (?, ?, ?, ?, ?)", row)


def states(ward: ToldWard) -> list[str]:
    """Give the state of every request."""
    return [row[0] for row in ward.rows("select state from request order by request_no")]


@pytest.mark.parametrize("vitals", ['["spo2","heart_rate"]', "spo2,heart_rate"])
def test_a_request_goes_to_the_devices_that_the_stay_has_now(ward: ToldWard, broker: Broker, vitals: str) -> None:
    """Not retained, and gone when it is due; then it counts as sent, and is not sent again."""
    publisher = started(ward, broker)
    given_a_device(ward)
    given_a_device(ward, "hub-2")
    registers.return_device(ward.db, "hub-2", 1, By(actor="ann", at_ms=1))
    ward.at(1)
    asked(ward, 16, vitals)
    run(publisher)
    (said,) = broker.came()
    assert (said.topic, said.retain) == ("vwmon/resp/oximeter/requests", False)
    assert 0 < said.expiry_s <= 15 * 60
    assert said.content == {
        "v": 1,
        "id": "1",
        "request": "repeat",
        "vitals": ["spo2", "heart_rate"],
        "due": "1970-01-01T00:16:00Z",
    }
    assert states(ward) == ["sent"]
    run(publisher)
    assert broker.came() == []


def test_a_request_that_nobody_hears_is_sent_again_until_it_is_due(ward: ToldWard, broker: Broker) -> None:
    """A device that comes back within the quarter of an hour is still asked; after that nobody is."""
    publisher = started(ward, broker)
    given_a_device(ward)
    broker.hears = False
    asked(ward, 1)
    run(publisher)
    run(publisher)
    assert len(broker.came()) == 1
    ward.clock.at_ms += AGAIN_MS
    run(publisher)
    assert len(broker.came()) == 1
    assert states(ward) == ["queued"]
    ward.at(2)
    run(publisher)
    assert broker.came() == []
    assert states(ward) == ["over"]


def test_a_stay_without_a_device_is_asked_nothing(ward: ToldWard, broker: Broker) -> None:
    """Until it has one."""
    publisher = started(ward, broker)
    asked(ward, 15)
    run(publisher)
    assert broker.came() == []
    given_a_device(ward)
    run(publisher)
    assert [said.topic for said in broker.came()] == ["vwmon/resp/oximeter/requests"]


def test_what_is_published_is_the_list_s_own_words(ward: ToldWard, broker: Broker) -> None:
    """The same names and values as `vwmon alerts --json` has, so that one reader fits both."""
    publisher = started(ward, broker)
    ward.scored(0, 7)
    run(publisher)
    (said,) = broker.came()
    (row,) = msgspec.json.decode(Command()("alerts", "--db", ward.path, "--json").stdout)
    ours = said.content
    assert ours.keys() - row.keys() == {"v", "owned", "as_of"}
    assert not {"patient", "owner", "note", "last_reading_at"} & ours.keys()
    assert {name: row[name] for name in row.keys() & ours.keys() - {"why", "score"}} == {
        name: ours[name] for name in row.keys() & ours.keys() - {"why", "score"}
    }
