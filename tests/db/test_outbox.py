"""The outbox in the database and the sender beside it: nothing is lost, nothing answered is sent, order, retries."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import queries, store
from alerts.model import Alert, Case, Kind, Outcome
from tests.db.told_ward import NAME, NHS_NUMBER, NOTE, PATIENT, ToldWard, Wire, of_stay
from tests.unit.alerts_points import MINUTE, follow, person, point
from vwmon.cli import stay_lookups
from vwmon.errors import ConfigError
from vwmon.notifier import NO_SENDER, Notifier, OnDuty
from vwmon.store import database, outbox
from vwmon.store.database import atomic
from vwmon.store.verify import verify

SECOND = 1000


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone on a rota."""

    id: str
    channels: tuple[str, ...]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[ToldWard]:
    """A ward with one patient."""
    made = ToldWard(tmp_path / "ward.db")
    yield made
    made.db.close()


def let(seconds: float, ward: ToldWard, sender: Notifier, every: float = 1) -> None:
    """Let time pass, with the sender turning every second."""
    for _ in range(round(seconds / every)):
        ward.clock.at_ms += round(every * SECOND)
        while sender.turn():
            pass


def drained(sender: Notifier) -> None:
    """Let the sender turn until nothing is due."""
    while sender.turn():
        pass


@pytest.mark.hazard("H3")
def test_an_alert_and_its_notification_are_committed_together(ward: ToldWard) -> None:
    """Neither is ever there without the other: a reader outside sees both or none, and a rollback takes both."""
    ward.sender({"pager": Wire()})
    both = "select (select count(*) from alert), (select count(*) from notification)"

    class Broken(Exception):  # noqa: N818 -- a fault by hand
        """A fault between the writing and the commit."""

    def crash() -> None:
        with atomic(ward.db):
            before = store.load(ward.db, [ward.stay_no])[ward.stay_no]
            store.save(ward.db, before, _raised(before), None)
            assert ward.read(both) == [(0, 0)]
            raise Broken

    with pytest.raises(Broken):
        crash()
    assert ward.read(both) == [(0, 0)]
    ward.scored(0, 7)
    assert ward.read(both) == [(1, 1)]


def _raised(case: Case) -> Case:
    return follow(case, of_stay(point(0, 7), case.stay_no))


def test_nobody_is_told_of_a_recording(ward: ToldWard) -> None:
    """A database that no sender works for holds no notification, whatever happens in it."""
    alert = ward.scored(0, 7)
    ward.acked(alert.id, 1)
    assert ward.notifications() == []


@pytest.mark.hazard("H33")
def test_nobody_is_told_of_a_made_up_patient(ward: ToldWard) -> None:
    """Its alert is on the list, with its flag; a person who came running would find nobody."""
    wire = Wire()
    sender = ward.sender({"pager": wire})
    ward.stay_no = ward.admit("canary-1", pathway="canary")
    alert = ward.scored(0, 7)
    sender.turn()
    assert wire.sent == []
    assert [row[3:] for row in ward.notifications()] == [("superseded", "a canary: there is nobody to go to")]
    (listed,) = queries.work_list(ward.db, stay_lookups.lookups(ward.db, MINUTE), MINUTE)
    assert (listed["id"], listed["flags"]) == (alert.id, ["canary"])
    assert outbox.unreachable(ward.db, MINUTE) is None


def test_a_ward_without_channels_has_no_queue(ward: ToldWard) -> None:
    """And one that gives them up leaves nothing that waits for ever, and says why."""
    ward.sender({"pager": Wire(trouble="down")})
    ward.scored(0, 7)
    sender = ward.sender({})
    assert ward.notifications() == [(1, 1, 1, "superseded", NO_SENDER)]
    ward.escalated(5, 2)
    assert len(ward.notifications()) == 1
    assert not outbox.begun(ward.db)
    assert sender.turns == 0


def test_what_was_open_before_the_first_sender_is_told(ward: ToldWard) -> None:
    """Channels are configured while an alert waits: it is told once, also when the daemon starts again."""
    ward.scored(0, 7)
    wire = Wire()
    for _ in range(2):
        drained(ward.sender({"pager": wire}))
    assert len(wire.sent) == 1


def test_it_is_marked_as_sent_after_the_send(ward: ToldWard) -> None:
    """A process that is killed while it sends sends again: twice is better than never."""
    wire = Wire()
    sender = ward.sender({"pager": wire})
    ward.scored(0, 7)
    seen: list[object] = []
    wire.on_send = lambda: seen.append(ward.read("select state, attempts from delivery"))
    drained(sender)
    assert seen == [[("queued", 0)]]
    assert ward.deliveries() == [("everyone", "pager", "sent", 1)]
    assert ward.notifications() == [(1, 1, 1, "told", None)]


def test_a_killed_sender_sends_the_same_message_again(ward: ToldWard) -> None:
    """Same alert, same tier, same reference: whoever gets it twice can tell."""
    wire = Wire()

    class Killed(BaseException):
        """The end of the process."""

    def killed() -> None:
        wire.sent.append(("sent, and then killed", ""))
        raise Killed

    sender = ward.sender({"pager": wire})
    ward.scored(0, 7)
    wire.on_send = killed
    with pytest.raises(Killed):
        sender.turn()
    wire.on_send = lambda: None
    drained(ward.sender({"pager": wire}))
    drained(ward.sender({"pager": wire}))
    assert len(wire.sent) == 2


def test_an_acknowledgement_ends_what_waits(ward: ToldWard) -> None:
    """The channel is down, someone sees the list and acts: nobody is called when the channel is back."""
    wire = Wire(trouble="down")
    sender = ward.sender({"pager": wire})
    alert = ward.scored(0, 7)
    drained(sender)
    ward.acked(alert.id, 1)
    wire.trouble = None
    let(120, ward, sender)
    assert wire.sent == []
    assert ward.notifications() == [(1, 1, 1, "superseded", "acknowledged")]
    assert ward.deliveries() == [("everyone", "pager", "superseded", 1)]


def test_a_message_that_was_answered_while_it_went_out_counts_as_sent(ward: ToldWard) -> None:
    """What happened is what is written down."""
    wire = Wire()
    sender = ward.sender({"pager": wire})
    alert = ward.scored(0, 7)
    wire.on_send = lambda: ward.acked(alert.id, 1)
    drained(sender)
    assert ward.deliveries() == [("everyone", "pager", "sent", 1)]
    assert ward.notifications() == [(1, 1, 1, "superseded", "acknowledged")]


def test_a_close_ends_what_waits_and_keeps_that_it_had_failed(ward: ToldWard) -> None:
    """The log says both: that nobody could be told, and why nobody needs to be any more."""
    sender = ward.sender({"pager": Wire()}, nobody)
    alert = ward.scored(0, 7)
    drained(sender)
    ward.acked(alert.id, 1)
    with atomic(ward.db):
        store.close(ward.db, alert.id, person(2), Outcome.PHONED_STABLE)
    assert ward.notifications() == [
        (1, 1, 1, "superseded", "acknowledged; before: nobody is on duty at tier 1"),
    ]


def test_what_asks_anew_takes_the_place_of_what_waits(ward: ToldWard) -> None:
    """One message at the level of now, not two."""
    wire = Wire(trouble="down")
    sender = ward.sender({"pager": wire})
    ward.scored(0, 5)
    drained(sender)
    ward.scored(3, 7)
    wire.trouble = None
    let(60, ward, sender)
    assert [subject for subject, _ in wire.sent] == [f"vwmon L3 {_only(ward).id} ward resp: NEW, tier 1"]
    assert [row[3:] for row in ward.notifications()] == [("superseded", "asked anew"), ("told", None)]


def test_each_tier_and_each_repeat_has_a_message_of_its_own(ward: ToldWard) -> None:
    """So that escalation is heard; the reference tells them apart."""
    wire = Wire()
    sender = ward.sender({"pager": wire})
    alert = ward.scored(0, 7)
    for minute, tier in ((5, 2), (15, 3), (30, 3), (45, 3)):
        drained(sender)
        ward.escalated(minute, tier)
    drained(sender)
    references = [text.splitlines()[-1] for _, text in wire.sent]
    places = ("1-1-1", "1-2-1", "1-3-1", "1-3-2", "1-3-3")
    assert references == [f"reference {alert.id}-{place}" for place in places]


def test_repeats_that_could_not_be_sent_are_one_message_when_the_channel_is_back(ward: ToldWard) -> None:
    """A night of failures ends in one message for each tier, not in twenty."""
    wire = Wire(trouble="down")
    sender = ward.sender({"pager": wire})
    ward.scored(0, 7)
    for minute in range(5, 120, 5):
        ward.escalated(minute, min(3, 1 + minute // 5))
        let(290, ward, sender, every=5)
    wire.trouble = None
    let(40, ward, sender)
    assert [subject.rpartition(" ")[2] for subject, _ in wire.sent] == ["1", "2", "3"]
    assert outbox.waiting(ward.db) == outbox.Queue(waiting=0, oldest_ms=None)
    assert {(state, reason) for *_, state, reason in ward.notifications()} == {
        ("told", None),
        ("superseded", "repeated; before: down"),
    }


def test_a_repeat_takes_the_place_of_what_has_not_gone_out(ward: ToldWard) -> None:
    """Of two turns that wait one is sent, and one waits in the count."""
    wire = Wire(trouble="down")
    sender = ward.sender({"pager": wire})
    ward.scored(0, 7)
    ward.escalated(5, 2)
    ward.escalated(15, 3)
    drained(sender)
    ward.escalated(16, 3)
    assert outbox.waiting(ward.db).waiting == 3
    drained(sender)
    assert [row[1:] for row in ward.notifications()][-2:] == [(3, 1, "superseded", "repeated"), (3, 2, "queued", None)]


def test_the_highest_level_goes_first(ward: ToldWard) -> None:
    """An hour's queue: the emergency is not behind the others."""
    wire = Wire()
    sender = ward.sender({"pager": wire})
    for number, total in enumerate((5, 7, 5), start=1):
        ward.scored(number, total, ward.admit(f"P{number}"))
    drained(sender)
    assert [subject[6:8] for subject, _ in wire.sent] == ["L3", "L2", "L2"]


def test_below_the_level_asked_for_nobody_is_told(ward: ToldWard) -> None:
    """It is on the list, and what waits says why it does not go out."""
    wire = Wire()
    sender = ward.sender({"pager": wire}, from_level=3)
    ward.scored(0, 5)
    drained(sender)
    assert wire.sent == []
    assert ward.notifications() == [(1, 1, 1, "superseded", "on the list only at this level")]
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is None


def nobody(ward: str, level: int, tier: int, at_ms: int) -> list[Person]:  # noqa: ARG001 -- as OnDuty
    """Have nobody on duty."""
    return []


def by_tier(*tiers: list[Person]) -> OnDuty:
    """Have these people on duty at the first tier, those at the second."""
    return lambda ward, level, tier, at_ms: tiers[tier - 1] if tier <= len(tiers) else []  # noqa: ARG005 -- as OnDuty


def test_each_person_on_duty_is_told_by_each_channel_of_theirs(ward: ToldWard) -> None:
    """Once each; people who share an address share the message; an address of nobody on duty hears nothing."""
    wires = {name: Wire() for name in ("pager", "sms-ann", "sms-bob", "mail", "mail#2")}
    people = [
        Person(id="ann", channels=("sms-ann", "pager")),
        Person(id="bob", channels=("pager", "mail")),
    ]
    sender = ward.sender(wires, by_tier(people))
    ward.scored(0, 7)
    drained(sender)
    assert {name: len(wire.sent) for name, wire in wires.items()} == {
        "pager": 1,
        "sms-ann": 1,
        "sms-bob": 0,
        "mail": 1,
        "mail#2": 1,
    }
    assert ("ann, bob", "pager", "sent", 1) in ward.deliveries()


def test_attempts_wait_longer_and_longer_up_to_half_a_minute(ward: ToldWard) -> None:
    """2, 4, 8, 16, 30, 30 ... seconds: a dead gateway is not hammered, a living one is found within half a minute."""
    wire = Wire(trouble="down")
    sender = ward.sender({"pager": wire})
    ward.scored(0, 7)
    times: list[int] = []
    wire.on_send = lambda: times.append(ward.clock.now_ms() // SECOND)
    drained(sender)
    let(130, ward, sender)
    assert [b - a for a, b in pairwise(times)] == [2, 4, 8, 16, 30, 30, 30]


def test_the_wait_survives_a_restart(ward: ToldWard) -> None:
    """A crash loop does not hammer a gateway, and attempts go on being counted."""
    wire = Wire(trouble="down")
    ward.scored(0, 7)
    for _ in range(5):
        drained(ward.sender({"pager": wire}))
    assert wire.tried == 1
    ward.clock.at_ms += 2 * SECOND
    drained(ward.sender({"pager": wire}))
    assert ward.deliveries() == [("everyone", "pager", "queued", 2)]


def test_an_address_that_fails_costs_one_attempt_a_round(ward: ToldWard) -> None:
    """Ten messages behind a gateway that times out do not wait ten timeouts, nor hold up another channel."""
    dead, alive = Wire(trouble="timeout"), Wire()
    sender = ward.sender({"dead": dead, "alive": alive})
    for number in range(10):
        ward.scored(number, 7, ward.admit(f"P{number}"))
    drained(sender)
    assert (dead.tried, len(alive.sent)) == (1, 10)
    dead.trouble = None
    let(30, ward, sender)
    assert len(dead.sent) == 10


@pytest.mark.hazard("H3")
def test_when_every_delivery_fails_for_minutes_nobody_can_be_reached(ward: ToldWard) -> None:
    """Then it is known since when; the attempts go on, and once one gets through it is over."""
    wire = Wire(trouble="HTTP 503")
    sender = ward.sender({"pager": wire})
    ward.scored(0, 7)
    asked_ms = ward.clock.now_ms()
    let(240, ward, sender)
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is None
    let(120, ward, sender)
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) == asked_ms
    assert ward.notifications() == [(1, 1, 1, "failed", "HTTP 503")]
    wire.trouble = None
    let(30, ward, sender)
    assert len(wire.sent) == 1
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is None
    assert ward.notifications() == [(1, 1, 1, "told", None)]


def test_one_channel_that_works_is_enough(ward: ToldWard) -> None:
    """Somebody was reached; what else fails goes on being tried."""
    dead, alive = Wire(trouble="down"), Wire()
    sender = ward.sender({"dead": dead, "alive": alive})
    ward.scored(0, 7)
    let(600, ward, sender)
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is None
    assert ward.notifications()[0][3] == "told"
    dead.trouble = None
    let(30, ward, sender)
    assert len(dead.sent) == 1


@pytest.mark.hazard("H3")
def test_nobody_on_duty_is_known_at_once_and_asked_again(ward: ToldWard) -> None:
    """A gap in the rota is a gap at that moment; who comes on duty while the alert still asks is told."""
    wire, tiers = Wire(), [list[Person]()]
    sender = ward.sender({"pager": wire}, lambda ward, level, tier, at_ms: tiers[0])  # noqa: ARG005 -- as OnDuty
    ward.scored(0, 7)
    drained(sender)
    assert ward.notifications() == [(1, 1, 1, "failed", "nobody is on duty at tier 1")]
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is not None
    tiers[0] = [Person(id="ann", channels=("fax",))]
    let(31, ward, sender)
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is not None
    tiers[0] = [Person(id="ann", channels=("pager",))]
    let(31, ward, sender)
    assert len(wire.sent) == 1
    assert outbox.unreachable(ward.db, ward.clock.now_ms()) is None


def test_what_waits_for_the_ward_to_open_is_told_when_it_does(ward: ToldWard) -> None:
    """It is on the list meanwhile; nobody is unreachable over it, and it is not lost."""
    wire, open_ = Wire(), [False]
    people = [Person(id="ann", channels=("pager",))]
    sender = ward.sender({"pager": wire}, lambda ward, level, tier, at_ms: people if open_[0] else None)  # noqa: ARG005 -- as OnDuty
    ward.scored(0, 5)
    let(90, ward, sender)
    assert (wire.tried, outbox.unreachable(ward.db, ward.clock.now_ms())) == (0, None)
    open_[0] = True
    let(31, ward, sender)
    assert len(wire.sent) == 1


def test_a_rota_that_cannot_be_read_tells_everyone(ward: ToldWard) -> None:
    """Too many are told rather than nobody, and the sender goes on."""
    wires = {"pager": Wire(), "mail": Wire()}

    def broken(ward: str, level: int, tier: int, at_ms: int) -> list[Person]:  # noqa: ARG001 -- as OnDuty
        raise ConfigError("rota.ics: not a calendar")

    sender = ward.sender(wires, broken)
    ward.scored(0, 7)
    drained(sender)
    assert [len(wire.sent) for wire in wires.values()] == [1, 1]


def test_a_higher_tier_that_is_reached_makes_up_for_a_lower_one(ward: ToldWard) -> None:
    """And a lower tier that was reached does not make up for a higher one."""
    wire = Wire()
    second = [Person(id="ann", channels=("pager",))]
    sender = ward.sender({"pager": wire}, by_tier([], second, []))
    ward.scored(0, 7)
    drained(sender)
    assert outbox.unreachable(ward.db, 0) is not None
    ward.escalated(5, 2)
    drained(sender)
    assert outbox.unreachable(ward.db, 0) is None
    ward.escalated(15, 3)
    drained(sender)
    assert outbox.unreachable(ward.db, 0) is not None


def test_nobody_is_unreachable_over_what_was_answered(ward: ToldWard) -> None:
    """Someone saw the list."""
    sender = ward.sender({"pager": Wire()}, nobody)
    alert = ward.scored(0, 7)
    drained(sender)
    assert outbox.unreachable(ward.db, 0) is not None
    ward.acked(alert.id, 1)
    assert outbox.unreachable(ward.db, 0) is None


def test_it_stays_known_since_when_while_the_last_tier_is_repeated(ward: ToldWard) -> None:
    """Each repeat is a new message, and no news that nobody is there."""
    sender = ward.sender({"pager": Wire()}, nobody)
    ward.scored(0, 7)
    drained(sender)
    since_ms = outbox.unreachable(ward.db, 0)
    for minute, tier in ((5, 2), (15, 3), (30, 3)):
        ward.escalated(minute, tier)
        assert outbox.unreachable(ward.db, 0) == since_ms
        drained(sender)
        assert outbox.unreachable(ward.db, 0) == since_ms


def test_who_comes_on_duty_at_last_is_told_once(ward: ToldWard) -> None:
    """Of all the turns that nobody was there for, the latest; and one is what waits."""
    wire, people = Wire(), list[Person]()
    sender = ward.sender({"pager": wire}, lambda ward, level, tier, at_ms: people if tier == 3 else [])  # noqa: ARG005 -- as OnDuty
    ward.scored(0, 7)
    for minute, tier in ((5, 2), (15, 3), (30, 3), (45, 3)):
        ward.escalated(minute, tier)
        drained(sender)
    assert outbox.waiting(ward.db).waiting == 3
    people.append(Person(id="ann", channels=("pager",)))
    let(31, ward, sender)
    assert [text.splitlines()[-1][-5:] for _, text in wire.sent] == ["1-3-3"]


def test_a_channel_that_is_no_more_fails_its_deliveries(ward: ToldWard) -> None:
    """And whoever is on duty is told by what there is."""
    ward.sender({"old": Wire(trouble="down")}).turn()
    ward.scored(0, 7)
    ward.sender({"old": Wire(trouble="down")}).turn()
    new = Wire()
    sender = ward.sender({"new": new})
    let(40, ward, sender)
    assert ("everyone", "old", "failed", 1) in ward.deliveries()
    assert len(new.sent) == 1


@pytest.mark.hazard("H21")
def test_the_queue_says_how_much_waits_and_for_how_long(ward: ToldWard) -> None:
    """For the status and for probes."""
    wire = Wire(trouble="down")
    sender = ward.sender({"pager": wire})
    assert outbox.waiting(ward.db) == outbox.Queue(waiting=0, oldest_ms=None)
    ward.scored(0, 7)
    asked_ms = ward.clock.now_ms()
    ward.scored(1, 7, ward.admit("P2"))
    drained(sender)
    assert outbox.waiting(ward.db) == outbox.Queue(waiting=2, oldest_ms=asked_ms)
    wire.trouble = None
    let(30, ward, sender)
    assert outbox.waiting(ward.db).waiting == 0


def test_the_log_says_who_was_told_by_what(ward: ToldWard) -> None:
    """For the page of an alert: each delivery, and a notification that goes to nobody."""
    people = [Person(id="ann", channels=("pager",))]
    sender = ward.sender({"pager": Wire()}, by_tier(people))
    alert = ward.scored(0, 7)
    drained(sender)
    ward.escalated(5, 2)
    drained(sender)
    first, second = queries.deliveries(ward.db, alert.alert_no)
    assert (first["alert"], first["recipient"], first["channel"], first["delivery"]) == (
        alert.id,
        "ann",
        "pager",
        "sent",
    )
    assert (first["tier"], first["state"], first["attempts"]) == (1, "told", 1)
    assert first["sent_at"] is not None
    assert (second["tier"], second["state"], second["recipient"]) == (2, "failed", None)
    assert second["reason"] == "nobody is on duty at tier 2"
    assert queries.deliveries_since(ward.db, 5 * MINUTE) == [second]


@pytest.mark.hazard("H22")
def test_no_message_names_the_patient_or_what_was_written_or_measured(ward: ToldWard) -> None:
    """A message passes through other people's networks: alert, ward, level, state, tier, how long, and no more."""
    wire = Wire()
    sender = ward.sender({"pager": wire})
    alert = ward.scored(0, 7)
    drained(sender)
    ward.acked(alert.id, 1)
    ward.scored(10, 9)
    drained(sender)
    ward.scored(45, 9)
    drained(sender)
    ward.escalated(60, 2)
    drained(sender)
    everything = "\n".join(f"{subject}\n{text}" for subject, text in wire.sent)
    assert len(wire.sent) >= 3
    words = (PATIENT, NAME, NHS_NUMBER, NOTE, "ahmed", "1950", "91", "118", *NAME.split(), *NOTE.split())
    assert [word for word in words if word != "from" and word in everything] == []
    first_subject, first_text = wire.sent[0]
    assert first_subject == f"vwmon L3 {alert.id} ward resp: NEW, tier 1"
    assert first_text.splitlines()[1:3] == [
        "an answer is owed within 5 min, by 1970-01-01 00:05 UTC",
        f"vwmon alerts show {alert.id}",
    ]


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from(["score", "score", "ack", "escalate", "close", "send", "down", "up", "restart"]),
        st.sampled_from([1, 6, 20, 70]),
        st.sampled_from([0, 5, 7, 9]),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(HISTORIES)
def test_nothing_that_asks_is_without_a_message_and_nothing_answered_waits(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int, int]]
) -> None:
    """After every step of any history: each asking has its row, each row an end or a reason to wait."""
    ward = ToldWard(tmp_path_factory.mktemp("told") / "ward.db")
    with closing(ward.db):
        _played(ward, history)


def _played(ward: ToldWard, history: list[tuple[str, int, int]]) -> None:
    wire, minute = Wire(), 0
    sender = ward.sender({"pager": wire})
    for what, minutes, total in history:
        minute += minutes
        ward.at(minute)
        if what == "restart":
            sender = ward.sender({"pager": wire})
        else:
            _steps(ward, wire, sender, minute, total)[what]()
        _check(ward)


def _steps(ward: ToldWard, wire: Wire, sender: Notifier, minute: int, total: int) -> dict[str, Callable[[], object]]:
    def act(verb: Callable[..., object], *more: object) -> None:
        if (alert := _latest(ward)) is not None:
            with atomic(ward.db):
                verb(ward.db, alert.id, person(minute), *more)

    def escalate() -> None:
        alert = _latest(ward)
        if alert is not None and alert.state in {"new", "reraised", "settled"}:
            ward.escalated(minute, min(3, alert.tier + 1))

    return {
        "score": lambda: ward.changed(_following(minute, total)) if total or _latest(ward) else None,
        "ack": lambda: act(store.acknowledge),
        "close": lambda: act(store.close, Outcome.PHONED_STABLE),
        "escalate": escalate,
        "send": lambda: drained(sender),
        "down": lambda: setattr(wire, "trouble", "down"),
        "up": lambda: setattr(wire, "trouble", None),
    }


def _following(minute: int, total: int) -> Callable[[Case], Case]:
    return lambda case: follow(case, of_stay(point(minute, total), case.stay_no))


def _check(ward: ToldWard) -> None:
    """Each alert that asks has a row of its cycle; rows that wait are of the present cycle of an alert that asks."""
    untold = ward.rows(
        """select a.id from alert a where a.state in ('new', 'reraised') and not exists (
           select 1 from notification n where n.alert_no = a.alert_no and n.cycle = a.cycle
           and n.state in ('queued', 'told', 'failed') and n.tier <= a.tier)"""
    )
    assert untold == []
    stale = ward.rows(
        """select a.id from notification n join alert a using (alert_no) where n.state in ('queued', 'failed')
           and (n.cycle <> a.cycle or a.state in ('acknowledged', 'closed'))"""
    )
    assert stale == []
    escalated = ward.rows("select count(*) from alert_event where kind = ?", [Kind.ESCALATED.value])
    tiers = ward.rows("select count(*) from notification where tier > 1 or turn > 1")
    assert escalated == tiers
    waiting = ward.rows(
        """select 1 from delivery d join notification n using (notification_no)
           where d.state = 'queued' and n.state = 'superseded'"""
    )
    assert waiting == []


def _latest(ward: ToldWard) -> Alert | None:
    case = store.load(ward.db, [ward.stay_no])[ward.stay_no]
    return next(iter(case.alerts.values()), None)


def _only(ward: ToldWard) -> Alert:
    alert = _latest(ward)
    assert alert is not None
    return alert


def test_the_queries_of_the_sender_use_indexes(tmp_path: Path) -> None:
    """They are asked twice a second beside a history that grows for years."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        for sql in (outbox._FRESH, outbox._FAILED, outbox._DUE, outbox._WAITING, outbox._UNREACHED):
            plan = [row[3] for row in db.execute(f"explain query plan {sql}", [0] * sql.count("?"))]
            scanned = [line for line in plan if line.startswith("SCAN") and "USING" not in line]
            assert scanned == [], sql


@pytest.mark.hazard("H3")
def test_an_alert_that_nobody_is_to_be_told_of_is_found(ward: ToldWard) -> None:
    """By the check of the whole database: one that asks, where somebody sends, and nothing is written down for it."""
    rule = "whoever is to be told of an alert that asks is written down"

    def found() -> list[str]:
        return [one.check for one in verify(ward.path) if not one.sound]

    alert = ward.scored(0, 7)
    assert rule not in found()
    ward.sender({"pager": Wire()})
    assert rule not in found()
    with atomic(ward.db):
        ward.db.execute("delete from notification")
    assert rule in found()
    ward.acked(alert.id, 1)
    assert rule not in found()
