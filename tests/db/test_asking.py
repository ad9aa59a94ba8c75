"""What hubs are sent: each questionnaire once for each due time, whatever is restarted, and messages until shown."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices.acceptance import Stamp
from devices.answers import Answers
from devices.said import request
from tests.db.test_publisher import Broker
from tests.db.told_ward import NAME, NHS_NUMBER, PATIENT, Hands
from vwmon.asking import AGAIN_MS, UNHEARD_MS, Asker
from vwmon.patients import asked, plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, hub, own_schedules, pauses, registers, transfers
from vwmon.store.arrivals import Arrival
from vwmon.store.database import atomic
from vwmon.store.hub import MESSAGE, Queued
from vwmon.store.log import LogWriter

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
PATHWAY = "cardiac-surgery-waiting-list"


def ms(text: str) -> int:
    """Read a time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


BEGAN = ms("2026-03-24T15:20:00Z")  # five days before the clocks go forward


class Home:
    """A ward in London with one patient at home, a hub there, and an asker by hand."""

    def __init__(self, path: Path, *, with_hub: bool = True) -> None:
        """Admit the patient as of the beginning."""
        self.db, self.clock, self.broker = database.create(path), Hands(BEGAN), Broker()
        self.admit(PATIENT)
        if with_hub:
            self.gets("hub-1")
        self.asker = self.started()

    def by(self) -> By:
        """Give who does something now."""
        return By(actor="ann", at_ms=self.clock.at_ms)

    def admit(self, patient: str) -> None:
        """Admit somebody now."""
        person: dict[str, Any] = {"born": "1950-01-01", "name": NAME}
        person |= {"nhs_number": NHS_NUMBER} if patient == PATIENT else {}
        wanted = Admission(
            patient=patient, ward="resp", plan=plans.load(PATHWAY), admitted_ms=self.clock.at_ms, **person
        )
        registers.admit(self.db, wanted, self.by())

    def gets(self, device: str, patient: str = PATIENT) -> None:
        """Give somebody a hub now."""
        registers.add_device(self.db, device, self.by())
        registers.assign(self.db, device, patient, self.clock.at_ms, self.by())

    def started(self) -> Asker:
        """Start an asker, as a daemon that starts does."""
        self.asker = Asker(self.db, self.broker, "vwmon", lambda _ward: "Europe/London", self.clock.now_ms)
        return self.asker

    def sends(self) -> list[tuple[str, str]]:
        """Let the asker turn until there is nothing to do; give what was sent: device and id."""
        while self.asker.turn():
            pass
        return [(sent.topic.split("/")[2], sent.content["id"]) for sent in self.broker.came()]

    def at(self, moment: str | int) -> list[tuple[str, str]]:
        """Move the clock, and give what is sent then."""
        self.clock.at_ms = moment if isinstance(moment, int) else ms(moment)
        return self.sends()

    def answers(self, name: str = "wellbeing", *, ago_ms: int = 0) -> None:
        """Have the patient answer a questionnaire now."""
        said = {"wellbeing": {"compared": "same"}, "appointment": {"needed": "yes"}}[name]
        at_ms = self.clock.at_ms - ago_ms
        sent = Answers(id=f"{at_ms}-{name}", observed=Stamp(at_ms, 0), questionnaire=name, version="1", said=said)
        arrival = Arrival("resp", "hub-1", "t", asked.readings(sent), self.clock.at_ms, b"")
        LogWriter(self.db).append([arrival], (), self.clock.at_ms)

    def writes(self, text: str = "See you on Monday.") -> str:
        """Write a message now; give its name."""
        one = Queued(
            stay_no=1, kind=MESSAGE, said=text, actor="ann", due_ms=self.clock.at_ms, until_ms=self.clock.at_ms + DAY_MS
        )
        with atomic(self.db):
            return f"m{hub.queue(self.db, one)}"

    def confirms(self, name: str, *, read: bool = False, device: str = "hub-1") -> bool:
        """Have a hub confirm something now."""
        with atomic(self.db):
            return hub.confirm(self.db, device, name, self.clock.at_ms, read=read)

    def dues(self, said: str = "wellbeing") -> list[str]:
        """Give when a questionnaire was asked, the first first."""
        rows = self.db.execute("select due_ms from hub_request where said = ? order by due_ms", [said]).fetchall()
        return [datetime.fromtimestamp(due_ms / 1000, UTC).isoformat() for (due_ms,) in rows]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A patient at home with a hub."""
    made = Home(tmp_path / "ward.db")
    yield made
    made.db.close()


def test_the_questions_go_to_the_hub_whole_and_say_nothing_of_who_it_is(home: Home) -> None:
    """Not retained, over in time for the next; a hub reads them without any table of its own."""
    while home.asker.turn():
        pass
    sent = home.broker.came()
    assert {one.topic for one in sent} == {"vwmon/resp/hub-1/requests"}
    assert [one.retain for one in sent] == [False, False]
    read = {found.questions.questionnaire: found for one in sent if (found := request(one.payload)).questions}
    assert set(read) == {"wellbeing", "appointment"}
    assert read["wellbeing"].questions == asked.load("wellbeing").set
    assert read["wellbeing"].due == "2026-03-31T09:00:00Z"
    for secret in (PATIENT, *NAME.split(), NHS_NUMBER, "1950"):
        assert all(secret not in one.payload.decode() for one in sent)


def test_one_patient_is_asked_in_a_way_of_their_own_from_when_somebody_says_so(home: Home) -> None:
    """Daily at half past eight from that day on, through the change of the clocks; not asked, nothing is sent again."""
    home.sends()
    home.answers()
    home.answers("appointment")
    home.at("2026-03-27T12:00:00Z")
    asked_daily = {"every": "1d", "at": "08:30", "overdue_after": "12h"}
    own_schedules.put(home.db, PATIENT, "answers:wellbeing", asked_daily, "grieving", home.by())
    for moment in ("2026-03-28T09:00:00Z", "2026-03-29T09:00:00Z", "2026-03-30T09:00:00Z"):
        home.at(moment)
    assert home.dues()[1:] == ["2026-03-28T08:30:00+00:00", "2026-03-29T07:30:00+00:00", "2026-03-30T07:30:00+00:00"]
    own_schedules.put(home.db, PATIENT, "answers:wellbeing", {}, "too much", home.by())
    home.at(home.clock.at_ms + 2 * AGAIN_MS)
    home.broker.came()
    assert [name for _, name in home.at("2026-04-06T09:00:00Z") if name.startswith("q")] == []
    own_schedules.end(home.db, PATIENT, "answers:wellbeing", "better", home.by())
    home.at("2026-04-06T09:01:00Z")
    home.at("2026-04-07T09:01:00Z")
    assert home.dues()[-2:] == ["2026-04-06T09:00:00+00:00", "2026-04-07T09:00:00+00:00"]


def test_a_questionnaire_that_the_pathway_does_not_ask_is_asked_at_once(home: Home) -> None:
    """And then at its times; a restart asks nothing twice."""
    home.sends()
    home.at("2026-03-25T12:00:00Z")
    own_schedules.put(
        home.db, PATIENT, "answers:wound", {"every": "2d", "at": "09:00", "overdue_after": "12h"}, "ulcer", home.by()
    )
    home.sends()
    home.started()
    home.at("2026-03-27T10:00:00Z")
    assert home.dues("wound") == ["2026-03-25T12:00:00+00:00", "2026-03-27T09:00:00+00:00"]


def test_it_is_asked_weekly_at_ten_on_the_wall_through_the_change_of_the_clocks(home: Home) -> None:
    """At the admission, and then each Tuesday: nine by UTC once it is summer."""
    assert len(home.sends()) == 2
    home.answers("appointment")
    home.answers()
    for day in range(1, 22):
        for hour in (0, 8, 9, 10, 12):
            home.at(BEGAN + day * DAY_MS - 15 * HOUR_MS - 20 * 60_000 + hour * HOUR_MS)
    assert home.dues() == [
        "2026-03-24T15:20:00+00:00",
        "2026-03-31T09:00:00+00:00",
        "2026-04-07T09:00:00+00:00",
        "2026-04-14T09:00:00+00:00",
    ]


def test_a_restart_asks_nothing_twice(home: Home) -> None:
    """What was sent is on disk; what was written down and not sent is sent once."""
    home.broker.takes = None
    assert len(home.sends()) == 2
    home.broker.takes = True
    home.started()
    assert len(home.sends()) == 2
    home.started()
    assert home.sends() == []
    home.broker.connections += 1
    assert home.sends() == []
    assert len(home.dues()) == 1


def test_what_was_missed_while_nothing_ran_is_asked_once(home: Home) -> None:
    """The last due time of four, and not four times."""
    home.sends()
    home.clock.at_ms = BEGAN + 30 * DAY_MS
    home.started()
    sent = home.sends()
    assert len(sent) == 2
    assert home.dues() == ["2026-03-24T15:20:00+00:00", "2026-04-21T09:00:00+00:00"]


def test_what_nobody_listens_to_is_tried_again_until_its_time_is_over(home: Home) -> None:
    """A hub that is switched on on Thursday is asked then."""
    home.broker.hears = False
    assert len(home.sends()) == 2
    assert home.at(BEGAN + UNHEARD_MS - 1) == []
    assert len(home.at(BEGAN + UNHEARD_MS)) == 2
    home.broker.hears = True
    assert len(home.at(BEGAN + 2 * DAY_MS)) == 2
    assert home.at(BEGAN + 2 * DAY_MS + 60_000) == []


def test_what_no_hub_confirmed_is_sent_again_under_the_same_id(home: Home) -> None:
    """Each hour: a broker may have lost it, or the patient has another hub by now."""
    first = home.sends()
    assert home.at(BEGAN + AGAIN_MS - 1) == []
    home.gets("hub-2")
    again = home.at(BEGAN + AGAIN_MS)
    assert {name for _, name in again} == {name for _, name in first}
    assert {device for device, _ in again} == {"hub-1", "hub-2"}


def test_what_is_shown_or_answered_is_not_sent_again(home: Home) -> None:
    """By this hub, or by telephone."""
    names = dict(zip(("appointment", "wellbeing"), (name for _, name in home.sends()), strict=True))
    assert home.confirms(names["wellbeing"])
    home.answers("appointment")
    assert home.at(BEGAN + AGAIN_MS) == []


def test_what_was_answered_before_it_could_be_sent_is_not_sent(tmp_path: Path) -> None:
    """Somebody without a hub is asked by telephone, and gets the hub afterwards."""
    home = Home(tmp_path / "ward.db", with_hub=False)
    assert home.sends() == []
    home.clock.at_ms += HOUR_MS
    home.gets("hub-1")
    home.answers()
    home.answers("appointment", ago_ms=0)
    assert home.at(home.clock.at_ms + 1000) == []
    home.db.close()


def test_an_answer_of_before_it_was_due_answers_nothing(home: Home) -> None:
    """It says how somebody was then."""
    home.sends()
    home.at("2026-03-31T08:59:00Z")
    home.answers()
    assert [device for device, _ in home.at("2026-03-31T09:00:00Z")] == ["hub-1"]


def test_who_is_away_is_asked_when_they_are_back_or_come_back_early(home: Home) -> None:
    """A pause is no time to be asked in, and what fell due in it is not left out."""
    home.sends()
    home.answers("appointment")
    stay = registers.open_stay(home.db, PATIENT)
    home.at("2026-03-31T07:00:00Z")
    pauses.give(home.db, stay, (home.clock.at_ms, home.clock.at_ms + 48 * HOUR_MS), "away", home.by())
    assert home.at("2026-03-31T09:00:00Z") == []
    assert home.at("2026-04-01T09:00:00Z") == []
    pauses.end(home.db, stay, home.by())
    assert len(home.sends()) == 1
    assert home.dues()[-1] == "2026-03-31T09:00:00+00:00"
    home.answers()
    pauses.give(home.db, stay, (ms("2026-04-07T00:00:00Z"), ms("2026-04-08T00:00:00Z")), "away", home.by())
    assert home.at("2026-04-07T10:00:00Z") == []
    assert len(home.at("2026-04-08T00:00:00Z")) == 1


def test_nobody_is_asked_after_the_discharge_and_somebody_new_at_once(home: Home) -> None:
    """The registers are followed."""
    home.sends()
    registers.discharge(home.db, PATIENT, "admitted", home.clock.at_ms, home.by())
    assert home.at("2026-03-31T09:00:00Z") == []
    home.admit("P2")
    home.gets("hub-9", "P2")
    assert [device for device, _ in home.sends()] == ["hub-9", "hub-9"]


def test_a_hub_that_was_set_up_on_the_ward_before_is_asked_there_too(home: Home) -> None:
    """It goes on listening where it was, and knows the same request by its id."""
    home.sends()
    home.clock.at_ms += HOUR_MS // 2
    transfers.move(
        home.db, transfers.Wanted(patient=PATIENT, to="frail", at_ms=home.clock.at_ms, reason="nearer"), home.by()
    )
    name = home.writes()
    while home.asker.turn():
        pass
    assert [(one.topic, one.content["id"]) for one in home.broker.came()] == [
        ("vwmon/frail/hub-1/requests", name),
        ("vwmon/resp/hub-1/requests", name),
    ]


def test_a_message_is_sent_until_the_hub_shows_it_and_read_when_that_is_confirmed(home: Home) -> None:
    """Shown is not read; each of the two keeps its first time."""
    home.sends()
    home.answers()
    home.answers("appointment")
    name = home.writes()
    assert home.sends() == [("hub-1", name)]
    home.clock.at_ms += 60_000
    assert home.confirms(name)
    shown_ms = home.clock.at_ms
    home.clock.at_ms += 60_000
    assert home.confirms(name, read=True)
    home.clock.at_ms += 60_000
    assert home.confirms(name)
    assert home.confirms(name, read=True)
    (found,) = hub.listed(home.db, MESSAGE, PATIENT)
    assert (found.shown_ms, found.read_ms) == (shown_ms, shown_ms + 60_000)
    assert home.at(home.clock.at_ms + AGAIN_MS) == []


def test_a_message_that_no_hub_takes_ends_with_its_time(home: Home) -> None:
    """Nothing old is shown as if it were of today."""
    home.sends()
    home.broker.hears = False
    name = home.writes()
    assert name in {one for _, one in home.sends()}
    assert name not in {one for _, one in home.at(BEGAN + DAY_MS)}


def test_only_the_patient_s_own_device_of_then_confirms(home: Home) -> None:
    """Another's, one that was handed back, a name that is none, or a number that is not there: nothing is noted."""
    name = home.writes()
    home.admit("P2")
    home.gets("hub-9", "P2")
    for wrong in ("", "m", "m0", "q1x", "m99999999999999999999", "repeat", name.replace("m", "q")):
        assert not home.confirms(wrong, read=True)
    assert not home.confirms(name, read=True, device="hub-9")
    home.clock.at_ms += HOUR_MS
    registers.return_device(home.db, "hub-1", home.clock.at_ms, home.by())
    home.clock.at_ms += 1000
    assert not home.confirms(name, read=True)
    assert hub.listed(home.db, MESSAGE)[0].read_ms is None
    assert hub.unread(home.db, home.clock.at_ms) == 1


def test_without_a_broker_what_is_due_is_written_down_all_the_same(home: Home) -> None:
    """And sent once there is one."""
    home.broker.connected = False
    assert home.sends() == []
    assert len(home.dues()) == 1
    home.broker.connected = True
    assert len(home.sends()) == 2


def test_a_questionnaire_that_this_release_no_longer_has_stops_nothing(home: Home) -> None:
    """It is left, and the others go."""
    home.broker.connected = False
    home.sends()
    home.db.execute("update hub_request set said = 'gone' where said = 'appointment'")
    home.broker.connected = True
    assert len(home.sends()) == 1


def test_the_wire_has_no_more_than_it_must(home: Home) -> None:
    """The fields that docs/devices.md names."""
    home.writes("See you on Monday.")
    while home.asker.turn():
        pass
    contents = [json.loads(one.payload) for one in home.broker.came()]
    assert {frozenset(one) for one in contents} == {
        frozenset({"v", "id", "request", "due", "questions"}),
        frozenset({"v", "id", "request", "due", "text"}),
    }
