"""Explanations of a real database: made again they are what is stored, and whatever was altered since is named."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts import store as cases
from alerts.errors import AlertUnknown
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Kind
from tests.db.test_scorer import HOUR, ILL, MINUTE, T0, WELL, message, simulated
from tests.db.watched_ward import Watched, differing, explained
from vwmon.errors import UsageError, VwmonError
from vwmon.explain import Explanation
from vwmon.patients import plans
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection

WORSE = ILL | {"systolic_bp": 85.0}


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Callable[[], Watched]]:
    """Make wards with one patient each, p1 with the device of-p1."""
    made: list[Watched] = []

    def make() -> Watched:
        ward = Watched(tmp_path / f"{len(made)}.db")
        ward.admit("p1")
        made.append(ward)
        return ward

    yield make
    for ward in made:
        ward.db.close()


@pytest.fixture
def ward(new: Callable[[], Watched]) -> Watched:
    """One such ward."""
    return new()


TOLD = [(65, 2, None), (70, 3, None), (80, 3, None)]  # while the patient of `ill` falls ill and nobody answers


@pytest.fixture
def ill(ward: Watched) -> Watched:
    """One whose patient is well, falls ill after an hour, and stays so."""
    fall_ill(ward)
    return ward


def fall_ill(ward: Watched) -> None:
    """Live through eighty minutes with a patient who is well for forty."""
    for minute in range(0, 100, 20):
        ward.hears(WELL if minute < 60 else ILL, minute)


def only(ward: Watched, lane: str = "clinical") -> str:
    """Name the one open alert of a lane."""
    (alert_id,) = ward.open_alerts(lane)
    return alert_id


def all_explained(ward: Watched) -> list[Explanation]:
    """Explain every time that every alert asked for someone."""
    return [ward.explained(name, number + 1) for name, times in ward.every_alert() for number in range(times)]


def alter(db: Connection, sql: str, *values: object) -> None:
    """Alter the database behind the program's back."""
    with atomic(db):
        for trigger in ("alert_event_kept_as_written", "alert_event_kept"):
            db.execute(f"drop trigger if exists {trigger}")
        assert db.execute(sql, values).rowcount == 1


def said(found: Explanation) -> str:
    """Give everything that differs, as one text."""
    return "\n".join(f"{item}: {where}: {one!r} {other!r}" for item, where, one, other in differing(found))


def history(found: Explanation) -> list[Kind]:
    """Say what happened to the alert that is explained, but for who was told when nobody answered."""
    events = found.account.kept.events_of(found.alert.alert_no)
    return [event.kind for event in events if event.kind is not Kind.ESCALATED]


def escalations(found: Explanation) -> list[tuple[int, int, int | None]]:
    """Give the tiers that were told, in minutes after the beginning, and since when nobody had looked."""
    return [
        ((event.at_ms - T0) // MINUTE, event.evidence["tier"], event.evidence.get("unwatched_from_ms"))
        for event in found.account.kept.events_of(found.alert.alert_no)
        if event.kind is Kind.ESCALATED
    ]


@pytest.mark.hazard("H27")
def test_a_raise_is_explained_with_everything_it_stood_on(ill: Watched) -> None:
    """Rules, plan, each reading with its place in the log, its points and age, and the score before."""
    found = ill.explained(only(ill))
    assert found.equal
    assert found.watched
    assert [rule.name for rule in found.rules] == ["news2_7", "news2_5", "news2_red"]
    assert found.plan is not None
    assert (found.plan.pathway, found.plan.version) == ("acute-respiratory", "3")
    assert found.total == (8, 8)
    assert found.before is not None
    assert (found.before.at_ms, found.before.total_min) == (T0, 0)
    parts = {one.part: (one.points_min, one.age_ms, [s.seq for s in one.sources]) for one in found.measured}
    assert parts["respiratory_rate"] == (3, 0, [22])
    assert parts["temperature"] == (0, 0, [28])
    assert {source.message for one in found.measured for source in one.sources} == {22}


@pytest.mark.usefixtures("at_once")
def test_what_is_missing_is_shown_with_its_bounds_and_its_last_reading(ward: Watched) -> None:
    """Never came, and too old to count, are told apart; neither counts as normal."""
    ward.hears({"temperature": 36.8}, 0)
    ward.hears({"respiratory_rate": 26.0, "spo2": 91.0}, 60 * 30)
    found = {one.part: one for one in ward.explained(only(ward)).measured}
    assert not found["temperature"].present
    assert (found["temperature"].points_min, found["temperature"].points_max) == (0, 3)
    assert [source.seq for source in found["temperature"].sources] == [1]
    assert found["temperature"].age_ms == 30 * HOUR
    assert (found["heart_rate"].present, found["heart_rate"].sources, found["heart_rate"].age_ms) == (False, [], None)
    assert found["oxygen"].points_max == 2


def test_one_look_that_finds_several_deadlines_passed_lets_them_act_in_their_order(ward: Watched) -> None:
    """The acknowledgement ended ten seconds before the readings were overdue; both are found at once, later."""
    ward.hears(ILL, 0)
    name = only(ward)
    due_ms = ward.now_ms + min(vital.overdue_ms for vital in plans.load("acute-respiratory").vitals.values())
    ward.pass_to(due_ms - 30_000)
    ward.ack(name, for_ms=20_000)
    ward.now_ms = due_ms + 20_000
    ward.scorer.tick(ward.now_ms)
    ward.beat()
    found = ward.explained(name)
    kinds = [event.kind for event in found.account.kept.events_of(found.alert.alert_no)]
    assert kinds[-2:] == [Kind.EXPIRED, Kind.BLINDED]
    assert differing(found) == []


def test_an_alert_nobody_has_is_not_found(ill: Watched) -> None:
    """And of one that there is, only the times that it asked."""
    with pytest.raises(AlertUnknown, match="ZZZZ"):
        ill.explained("ZZZZ")
    with pytest.raises(UsageError, match="asked for someone 1 times"):
        ill.explained(only(ill), 2)
    assert ill.explained(only(ill).lower()).alert.id == only(ill)


@pytest.mark.usefixtures("at_once")
def test_every_time_an_alert_asked_is_explained_by_itself(ward: Watched) -> None:
    """Raised, worsened and back after it had settled: each with its own readings."""
    story = [(0, WELL | {"spo2": 91.0}), (10, ILL), (20, WELL), (40, WELL), (60, WELL)]
    for minute, values in [*story, (70, WELL | {"respiratory_rate": 26.0})]:
        ward.hears(values, minute)
    found = all_explained(ward)
    clinical = [one for one in found if one.rules and one.total]
    assert [one.event.kind for one in clinical] == [Kind.RAISED, Kind.WORSENED, Kind.RELAPSED]
    assert [one.total for one in clinical] == [(3, 3), (8, 8), (3, 3)]
    assert [one.equal for one in found] == [True] * len(found)


@pytest.mark.usefixtures("at_once")
def test_what_people_did_is_told_again_where_it_changes_what_follows(ward: Watched) -> None:
    """Taken, outgrown, taken over, expired, noted, settled, closed: the same alert comes of it, to the bit."""
    ward.hears(WELL | {"spo2": 91.0}, 0)
    name = only(ward)
    ward.ack(name, for_ms=20 * MINUTE)
    ward.hears(ILL, 10)
    ward.ack(name)
    assert ward.ack(name, by="bob").refusal is not None
    ward.ack(name, by="bob", take=True)
    ward.note(name)
    for minute in range(20, 100, 10):
        ward.hears(WORSE if minute < 40 else WELL, minute)
    ward.end(name)
    ward.hears(ILL, 110)
    kinds = {event.kind for event in ward.explained(name).account.kept.events}
    assert kinds >= {Kind.OUTGREW, Kind.TAKEN, Kind.ALSO_SEEN, Kind.NOTED, Kind.SETTLED, Kind.CLOSED}
    found = all_explained(ward)
    assert [differing(one) for one in found] == [[]] * len(found)
    assert {one.alert.id for one in found} == {name, only(ward)}


def test_what_was_offered_put_off_undone_and_reopened_is_told_again(ward: Watched) -> None:
    """Every act that there is, and what the clock did meanwhile: the same alert comes of it, to the bit."""
    ward.hears(WELL | {"spo2": 91.0}, 0)
    ward.hears(WELL | {"spo2": 91.0}, 5)
    name = only(ward)
    ward.ack(name, for_ms=50 * MINUTE)
    assert ward.offer(name).refusal is None
    assert ward.snooze(name, 5).refusal is None
    ward.hears(WELL | {"spo2": 91.0}, 15)
    assert ward.snooze(name, 30).refusal is None
    ward.until(20)
    assert ward.wake(name).refusal is None
    assert ward.snooze(name, 20).refusal is None
    ward.hears(ILL, 25)
    ward.ack(name)
    ward.until(28)
    assert ward.unack(name, by="bob").refusal is None
    ward.ack(name)
    ward.until(30)
    ward.end(name)
    ward.until(34)
    assert ward.reopen(name).refusal is None
    for minute in range(40, 110, 10):
        ward.hears(WELL, minute)
    found = all_explained(ward)
    one = ward.explained(name)
    kinds = [event.kind for event in one.account.kept.events_of(one.alert.alert_no)]
    assert kinds.count(Kind.WOKEN) == 2
    assert {Kind.OFFERED, Kind.SNOOZED, Kind.UNACKNOWLEDGED, Kind.REOPENED, Kind.SETTLED, Kind.OUTGREW} <= set(kinds)
    assert [differing(one) for one in found] == [[]] * len(found)


def test_a_fault_of_the_service_that_was_put_off_is_told_again(ward: Watched) -> None:
    """Put off, woken by the clock, closed, reopened: the fault lasts in the telling as it did."""
    ward.until(10)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=ward.now_ms, at_ms=ward.now_ms)], ward.now_ms)
    name = only(ward, "system")
    ward.ack(name)
    assert ward.snooze(name, 10).refusal is None
    ward.until(25)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="silent", since_ms=ward.now_ms - 1, at_ms=ward.now_ms)], ward.now_ms)
    ward.until(26)
    ward.ack(name)
    ward.until(27)
    assert ward.end(name).refusal is None
    ward.until(30)
    assert ward.reopen(name).refusal is None
    found = ward.explained(name)
    assert Kind.WOKEN in {event.kind for event in found.account.kept.events}
    assert differing(found) == []


def test_an_act_is_told_again_before_what_had_come_and_was_not_scored_yet(ward: Watched) -> None:
    """A message came a second before the acknowledgement and was scored a second after it: the act notes its place."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.until(10)
    before_ms, covered = ward.now_ms - 1000, cases.find(ward.db, name).score
    ward.store(message("unscored", ILL | {"temperature": 38.4}, before_ms, before_ms, "of-p1"))
    ward.ack(name)
    ward.pass_to(ward.now_ms + 1000)
    found = ward.explained(name)
    assert found.alert.ack_score == covered
    assert found.alert.score == (covered or 0) + 1
    assert differing(found) == []


def test_an_act_between_two_messages_of_one_millisecond_is_told_again_between_them(ward: Watched) -> None:
    """One had been scored, the other had not."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.hears(ILL | {"temperature": 38.4}, 9.9, late=0.1)
    ward.ack(name)
    ward.store(message("other", ILL | {"temperature": 39.4}, ward.now_ms, ward.now_ms, "of-p1"))
    ward.pass_to(ward.now_ms + 1000)
    found = ward.explained(name)
    assert (found.alert.ack_score, found.alert.score) == (9, 10)
    assert differing(found) == []


def test_an_event_of_before_its_changes_were_kept_is_no_difference(ill: Watched) -> None:
    """What an older version wrote is compared in what it wrote."""
    ill.ack(only(ill))
    alter(ill.db, "update alert_event set changes = null where kind = ?", "acknowledged")
    assert ill.explained(only(ill)).equal


def test_an_acknowledgement_that_ended_asks_again_without_a_reading(ill: Watched) -> None:
    """The moment is the stored end of the acknowledgement; no value brought it back, so none would have kept it."""
    ill.ack(only(ill), for_ms=15 * MINUTE)
    ill.until(100)
    found = ill.explained(only(ill), 2)
    assert found.event.kind is Kind.EXPIRED
    assert found.event.at_ms == T0 + 95 * MINUTE
    assert (found.equal, found.total, found.nearest, found.measured) == (True, None, None, ())


def test_an_alert_that_nobody_answers_is_told_again_with_every_step(ill: Watched) -> None:
    """The second tier after 5 min, the third after 10, and again and again: each as of when it was due."""
    name = only(ill)
    ill.until(112)
    found = ill.explained(name)
    assert escalations(found) == [*TOLD, (95, 3, None), (110, 3, None)]
    assert differing(found) == []


def test_a_time_without_a_daemon_is_told_again_as_it_was(ward: Watched) -> None:
    """Whoever was not told in their time was told once, as of the last that was due; the log makes just that again."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.until(2)
    ward.now_ms = T0 + 51 * MINUTE
    ward.started(ward.now_ms)
    ward.until(66)
    found = ward.explained(name)
    # The readings of an hour ago were overdue after 30 min, which stands in the history between the steps.
    assert escalations(found) == [(20, 3, T0 + 5 * MINUTE), (50, 3, T0 + 35 * MINUTE), (65, 3, None)]
    assert history(found) == [Kind.RAISED, Kind.BLINDED]
    assert differing(found) == []


def test_an_act_while_no_daemon_ran_is_told_again_as_it_was(ward: Watched) -> None:
    """The act found the alert where its clock had brought it, and ended it."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.until(2)
    ward.now_ms = T0 + 13 * MINUTE
    ward.ack(name, for_ms=10 * MINUTE)
    ward.until(29)
    found = ward.explained(name)
    assert escalations(found) == [(10, 3, T0 + 5 * MINUTE), (28, 2, None)]
    assert differing(found) == []


def test_a_handover_is_told_again_and_the_acknowledgement_goes_on(ward: Watched) -> None:
    """Accepted at minute 7, it runs out when the first owner's did."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.until(2)
    ward.ack(name, for_ms=10 * MINUTE)
    ward.until(5)
    ward.hands_over()
    ward.until(7)
    assert ward.accepts(name).alert.owner == "bob"
    ward.until(14)
    found = ward.explained(name)
    assert history(found) == [Kind.RAISED, Kind.ACKNOWLEDGED, Kind.OFFERED, Kind.TAKEN, Kind.EXPIRED]
    assert found.account.kept.events_of(found.alert.alert_no)[-1].at_ms == T0 + 12 * MINUTE
    assert differing(found) == []


def test_what_falls_due_just_before_a_silence_begins_acts_before_it(ward: Watched) -> None:
    """Both are noticed at one look: the acknowledgement ran out six seconds before the readings were overdue."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.ack(name, for_ms=30 * MINUTE - 6000)
    ward.until(29.5)
    ward.until(40)
    found = ward.explained(name)
    assert history(found) == [Kind.RAISED, Kind.ACKNOWLEDGED, Kind.EXPIRED, Kind.BLINDED]
    assert differing(found) == []


def test_deadlines_act_in_their_order(ward: Watched) -> None:
    """The acknowledgement ended before the readings were overdue, though nothing was heard in between."""
    ward.hears(ILL, 0)
    name = only(ward)
    ward.ack(name, for_ms=20 * MINUTE)
    ward.hears(ILL, 60)
    found = ward.explained(name)
    assert history(found) == [Kind.RAISED, Kind.ACKNOWLEDGED, Kind.EXPIRED, Kind.BLINDED, Kind.SIGHTED]
    assert differing(found) == []


def test_what_came_afterwards_is_not_taken_for_known(ward: Watched) -> None:
    """A temperature of before, received after the alert: it was missing then, and nothing was known of it."""
    ward.hears({"spo2": 91.0}, 20)
    ward.hears({"temperature": 36.8}, 10, late=30)
    found = {one.part: one for one in ward.explained(only(ward)).measured}
    assert found["spo2"].present
    assert (found["temperature"].present, found["temperature"].sources) == (False, [])


def test_a_late_reading_is_told_when_it_came(ward: Watched) -> None:
    """What it raised is marked late; the moments that were scored before it came are not taken for known then."""
    for minute in (0, 10, 30, 40):
        ward.hears(WELL, minute)
    ward.hears(ILL, 20, late=25)
    found = ward.explained(only(ward))
    assert found.equal
    assert found.event.evidence["late"]
    assert (found.event.at_ms - T0, found.event.evidence["at_ms"] - T0) == (45 * MINUTE, 20 * MINUTE)
    assert found.before is not None
    assert found.before.at_ms == T0


@pytest.mark.usefixtures("at_once")
def test_what_a_message_tells_of_later_moments_takes_no_part_in_the_search(ward: Watched) -> None:
    """A spool brings two moments in one message: the first is asked about as if the second had not come yet."""
    ward.hears(WELL, 0)
    first, second = (
        message(name, values, T0 + minute * MINUTE, T0 + 12 * MINUTE, "of-p1")
        for name, minute, values in (("a", 10, {"spo2": 91.0}), ("b", 11, {"respiratory_rate": 26.0}))
    )
    both = replace(first.message, readings=(*first.message.readings, *second.message.readings))
    ward.receives(replace(first, message=both))
    found = ward.explained(only(ward))
    assert found.equal
    assert found.total == (3, 3)
    assert found.nearest is not None
    assert found.nearest.change is not None
    assert (found.nearest.change.source.part, found.nearest.change.value) == ("spo2", 92.0)


@pytest.mark.usefixtures("at_once")
def test_the_search_allows_for_what_people_did(ward: Watched) -> None:
    """In hand at a score of 3: three points more outgrow it, one more would not have."""
    ward.hears(WELL | {"spo2": 91.0}, 0)
    ward.ack(only(ward))
    ward.hears(WELL | {"spo2": 91.0, "heart_rate": 111.0}, 10)
    found = ward.explained(only(ward), 2)
    assert (found.event.kind, found.total) == (Kind.OUTGREW, (5, 5))
    assert found.nearest is not None
    assert found.nearest.change is not None
    assert (found.nearest.change.source.part, found.nearest.change.value) == ("heart_rate", 110.0)
    assert (found.nearest.total_min, found.nearest.level) == (4, 2)
    assert found.nearest.tried == 1


@pytest.mark.usefixtures("at_once")
def test_what_could_be_is_explained_by_what_is_overdue(ward: Watched) -> None:
    """Two points of SpO2 and a respiratory rate that never came: five at worst, and four with one per cent more."""
    ward.hears({"spo2": 97.0, "heart_rate": 75.0}, 0)
    ward.hears({"spo2": 97.0, "heart_rate": 75.0}, 25)
    ward.hears({"spo2": 93.0, "heart_rate": 75.0}, 40)
    found = ward.explained(only(ward))
    assert found.equal
    assert [rule.name for rule in found.rules] == ["news2_could_be_5"]
    assert (found.event.evidence["total_min"], found.event.evidence["could_be"]) == (2, 5)
    rate = next(one for one in found.measured if one.part == "respiratory_rate")
    assert (rate.present, rate.points_max, rate.expected is not None) == (False, 3, True)
    assert found.nearest is not None
    assert found.nearest.change is not None
    assert (found.nearest.change.source.part, found.nearest.change.value, found.nearest.total_min) == ("spo2", 94.0, 1)


@pytest.mark.usefixtures("at_once")
def test_a_value_that_scores_like_one_that_was_tried_is_not_tried_again(ward: Watched) -> None:
    """Two single threes: of the thousand values there are, one for each band of each part is enough."""
    ward.hears(WELL | {"spo2": 90.0, "respiratory_rate": 26.0}, 0)
    found = ward.explained(only(ward)).nearest
    assert found is not None
    assert found.change is None
    both_scales = 9  # bands of SpO2 as the cuts of all its tables make them, but for its own
    others = {"respiratory_rate": 4, "oxygen": 1, "systolic_bp": 4, "heart_rate": 5, "temperature": 4, "words": 4}
    assert found.tried == sum(others.values()) + both_scales


def test_silence_by_the_clock_is_told_as_of_when_it_was_due(ward: Watched) -> None:
    """Each part with its last reading and its deadline; no value raised it."""
    ward.hears(WELL, 0)
    ward.until(35)
    found = ward.explained(only(ward, "technical"))
    assert found.equal
    assert [(one.part, one.due_ms - T0) for one in found.awaited] == [("respiratory_rate", 30 * MINUTE)]
    assert found.awaited[0].source is not None
    assert found.awaited[0].source.seq == 1
    assert found.nearest is None


def test_a_reading_that_was_under_way_when_it_was_due_was_overdue_all_the_same(ward: Watched) -> None:
    """Observed in time and received late: the log alone shows no gap, the clock between the messages did."""
    ward.hears(WELL, 0)
    ward.hears(WELL, 29, late=20)
    (found,) = all_explained(ward)
    assert found.alert.lane == "technical"
    assert found.equal
    assert found.watched


def test_a_time_when_nobody_looked_at_the_clock_is_told_without_one(ward: Watched) -> None:
    """The daemon was down when the reading was due and had come; what it made of it afterwards is the same again."""
    ward.hears(WELL, 0)
    ward.sends(WELL, 29, late_ms=20 * MINUTE)
    ward.sends(ILL, 50)
    (found,) = all_explained(ward)
    assert found.alert.lane == "clinical"
    assert found.equal
    assert not found.watched


def test_a_discharge_is_told_in_its_time(ill: Watched) -> None:
    """It ends the alert and rewrites the scores of the stay; both come out the same."""
    name = only(ill)
    ill.until(90)
    ill.discharge("p1", T0 + 90 * MINUTE)
    ill.score(T0 + 90 * MINUTE + 400)
    ill.until(100)
    found = ill.explained(name)
    assert history(found) == [Kind.RAISED, Kind.SETTLED]
    assert differing(found) == []


def test_a_device_that_was_given_later_on_is_told_from_then(ward: Watched) -> None:
    """Readings of nobody's device become the patient's when the register says so, and raise the alert then."""
    ward.hears(WELL, 0)
    ward.hears(ILL, 5, device="stranger")
    ward.until(20)
    by = By(actor="test", at_ms=ward.now_ms)
    registers.add_device(ward.db, "stranger", by)
    registers.assign(ward.db, "stranger", "p1", T0, by)
    ward.score(ward.now_ms + 250)
    ward.until(25)
    found = ward.explained(only(ward))
    assert differing(found) == []
    assert found.event.at_ms == T0 + 20 * MINUTE + 250
    assert found.nearest is not None


def test_a_fault_of_the_whole_service_is_compared_with_its_history(ward: Watched) -> None:
    """Raised, worsened by another fault, taken, over: the same again; the log is searched for what came."""
    ward.hears(WELL, 0)
    ward.until(10)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=T0 + 5 * MINUTE, at_ms=ward.now_ms)], ward.now_ms)
    name = only(ward, "system")
    ward.ack(name)
    ward.until(20)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="silent", since_ms=T0, at_ms=ward.now_ms)], ward.now_ms)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="broker", since_ms=None, at_ms=ward.now_ms + 1)], ward.now_ms + 1)
    found = [ward.explained(name, number) for number in (1, 2)]
    assert [differing(one) for one in found] == [[], []]
    assert [[rule.name for rule in one.rules] for one in found] == [["broker"], ["silent", "broker"]]
    assert "silence" in [one.item for one in found[1].compared]
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="silent", since_ms=None, at_ms=ward.now_ms + 2)], ward.now_ms + 2)
    assert ward.explained(name).equal


def test_a_silence_in_which_something_came_is_no_silence(ward: Watched) -> None:
    """A raise that the log contradicts is named."""
    ward.hears(WELL, 0)
    ward.hears(WELL, 10)
    ward.scorer.find(SYSTEM_STAY, [Finding(rule="silent", since_ms=T0, at_ms=ward.now_ms)], ward.now_ms)
    found = ward.explained(only(ward, "system"))
    assert "silence: last received" in said(found)


@pytest.mark.hazard("H10")
@given(seed=st.integers(0, 10_000))
@example(seed=7325)  # an alert that came up behind its own deadlines, beside one that was escalated in time
@example(seed=18)  # a reading that came so late that the next was overdue already
@example(seed=321)  # a silence that a late reading filled
@settings(max_examples=3)
def test_whatever_came_and_whatever_people_did_is_the_same_again(seed: int) -> None:
    """A simulated fleet with every fault of devices and of networks, a clock, and people who act at random."""
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        ward = Watched(Path(folder) / "ward.db")
        for number in range(1, 4):
            ward.admit(f"p{number}", device=f"sim-{number:03d}")
        for arrival in simulated(seed, hours=3):
            ward.receives(arrival)
            if chance.random() < 0.06:
                ward.someone_acts(chance)
        ward.pass_to(ward.now_ms + HOUR)
        found = [ward.explained(name, chance.randint(1, times)) for name, times in ward.every_alert()]
        ward.db.close()
    assert [differing(one) for one in found] == [[]] * len(found)
    assert all(one.watched for one in found)


WHEN = "2026-11-18T12:06:40Z"  # when the patient fell ill: the readings from 22 on
MADE_UP = """insert into score select stay_no, at_ms + 1, received_ms, late, 0, 0, 0, 0, 1, 0, 0, 1111111, provenance_no
    from score where at_ms = ?"""
SPO2_95 = "set evidence = json_set(evidence, '$.values.spo2', 95.0)"
ALTERED: dict[str, tuple[str, object, str]] = {
    "a total": (
        "update score set total_min = 9 where at_ms = ?",
        T0 + HOUR,
        f"scores: score at {WHEN}, total_min: 9 8",
    ),
    "a point": (
        "update score set points_min = points_min + 1 where at_ms = ?",
        T0 + HOUR,
        f"points_min of temperature (reading 28 of {WHEN}: 36.8): 1 0",
    ),
    "presence": ("update score set present = 99999999 where at_ms = ?", T0 + HOUR, "present: 99999999 1111111"),
    "when a score was known": (
        "update score set received_ms = received_ms + 1 where at_ms = ?",
        T0 + HOUR,
        f"score at {WHEN}, received: '2026-11-18T12:06:40.001Z' '{WHEN}'",
    ),
    "a score that is gone": (
        "delete from score where at_ms = ?",
        T0,
        "scores: score at 2026-11-18T11:06:40Z (readings 1, 2, 3, 4, 5, 6, 7): 'no score' '0 to 0'",
    ),
    "a score made up": (MADE_UP, T0 + HOUR, "'0 to 0' 'no score'"),
    "a level": (
        "update alert set level = 1 where level = ?",
        3,
        "alert: alert, level: <Level.WATCH: 1> <Level.EMERGENCY: 3>",
    ),
    "when it was opened": ("update alert set opened_ms = opened_ms - 1 where level = ?", 3, "alert: alert, opened"),
    "evidence": (f"update alert {SPO2_95} where level = ?", 3, "alert: alert, evidence, values, spo2: 95.0 91.0"),
    "history": (
        f"update alert_event {SPO2_95} where kind = ?",
        "raised",
        f"readings: spo2 at {WHEN}: 95.0 '91 (reading 23)'",
    ),
    "a condition": (
        "update condition set since_ms = 5 where rule = ?",
        "news2_7",
        "conditions: condition news2_7, since",
    ),
    "a condition that is gone": (
        "delete from condition where rule = ?",
        "news2_7",
        "conditions: condition news2_7: False True",
    ),
    "a reading": (
        "update reading_log set value = 96.0 where seq = ?",
        23,
        f"readings: spo2 at {WHEN}: 91.0 '96 (reading 23)'",
    ),
    "a reading with the same points": (
        "update reading_log set value = 90.0 where seq = ?",
        23,
        f"readings: spo2 at {WHEN}: 91.0 '90 (reading 23)'",
    ),
    "when a reading was observed": (
        "update reading_log set observed_ms = observed_ms - 1 where seq = ?",
        23,
        f"readings: spo2 at {WHEN}: 91.0 'no such reading'",
    ),
    "a reading that is gone": (
        "delete from reading_log where seq = ?",
        23,
        f"readings: spo2 at {WHEN}: 91.0 'no such reading'",
    ),
    "a reading of before": (
        "update reading_log set value = 26.0 where seq = ?",
        8,
        "scores: score at 2026-11-18T11:26:40Z (readings 8, 9, 10, 11, 12, 13, 14): 'no score' '3 to 3'",
    ),
    "versions": (
        "update provenance set software = '9.9' where plan <> ?",
        "system",
        "versions: versions, software: '9.9'",
    ),
}


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A database of the same story in which the alert was taken and noted, and that alert; to be copied."""
    ward = Watched(tmp_path_factory.mktemp("acted") / "ward.db")
    ward.admit("p1")
    fall_ill(ward)
    name = only(ward)
    ward.ack(name)
    ward.note(name)
    ward.db.close()
    return ward.path, name


@pytest.mark.hazard("H27")
@pytest.mark.parametrize("name", ALTERED)
def test_whatever_was_altered_is_found_and_named(acted: tuple[Path, str], tmp_path: Path, name: str) -> None:
    """In the scores, the alert, its history, the conditions, the readings or the versions."""
    sql, value, told = ALTERED[name]
    path = Path(shutil.copy(acted[0], tmp_path / "ward.db"))
    assert explained(path, acted[1]).equal
    with closing(database.open_writer(path)) as db:
        alter(db, sql, value)
    found = explained(path, acted[1])
    assert not found.equal
    assert found.watched
    assert told in said(found)


def test_what_people_did_is_known_from_the_history_alone(ill: Watched) -> None:
    """An act that does not fit what the log makes of the alert is named: nobody could have closed it so."""
    name = only(ill)
    ill.ack(name)
    alter(
        ill.db,
        "update alert_event set kind = 'closed', evidence = '{\"outcome\":\"other\"}' where kind = ?",
        "acknowledged",
    )
    told = said(ill.explained(name))
    assert "acts: closed by ann: 'done'" in told
    assert "alert: alert, state" not in told or "acknowledged" in told


def test_readings_that_are_no_longer_kept_cannot_be_compared(ill: Watched) -> None:
    """It is said that, and from when on there are some, rather than that nothing is wrong."""
    name = only(ill)
    alter(ill.db, "update log set dropped_before_day = ?", (T0 + 24 * HOUR) // (24 * HOUR))
    assert "readings: the log: 'every reading' 'none before 2026-11-19T00:00:00Z'" in said(ill.explained(name))


def test_a_plan_that_is_no_more_is_named(ill: Watched) -> None:
    """Without it the stay cannot be made again by this version."""
    alter(ill.db, "update stay set pathway = 'gone' where stay_no = ?", 1)
    with pytest.raises(VwmonError, match="no plan 'gone' 3"):
        ill.explained(only(ill))


@pytest.mark.hazard("H18")
def test_another_chart_or_plan_that_made_it_is_named(ill: Watched) -> None:
    """With both versions, as what may be the reason."""
    alter(
        ill.db, "update provenance set chart = 'news2 RCP 2030', plan = 'acute-respiratory 7' where plan <> ?", "system"
    )
    told = said(ill.explained(only(ill)))
    assert "versions: versions, chart: 'news2 RCP 2030' 'news2 RCP 2017'" in told
    assert "versions: versions, plan: 'acute-respiratory 7' 'acute-respiratory 3'" in told


def test_versions_that_are_not_there_are_named(ill: Watched) -> None:
    """A number without its row."""
    alter(ill.db, "delete from provenance where plan <> ?", "system")
    assert "which is not there" in said(ill.explained(only(ill)))


def test_explaining_writes_nothing(ill: Watched) -> None:
    """Not a byte of the database, which a reader may not be allowed to write."""
    before = ill.path.read_bytes(), ill.stored()
    ill.explained(only(ill))
    assert (ill.path.read_bytes(), ill.stored()) == before


STORY = [(minute, WELL if minute < 60 else WELL | {"spo2": 91.0}) for minute in (0, 20, 40, 60)]


def test_an_alert_that_opened_without_a_repeat_is_explained_by_the_breach(ward: Watched) -> None:
    """To the bit, with the readings of the breach, and the change of one that would have kept it quiet."""
    for minute, values in STORY:
        ward.hears(values, minute)
    ward.until(74)
    assert ward.open_alerts("clinical") == []
    ward.until(80)
    found = ward.explained(only(ward))
    assert differing(found) == []
    assert found.event.at_ms == T0 + 75 * MINUTE
    spo2 = next(one for one in found.measured if one.part == "spo2")
    assert [source.observed_ms for source in spo2.sources] == [T0 + 60 * MINUTE]
    assert found.nearest is not None
    assert found.nearest.change is not None
    assert (found.nearest.change.source.part, found.nearest.change.value) == ("spo2", 92.0)


@pytest.mark.parametrize("answer", [WELL, WELL | {"spo2": 90.0}], ids=["denied", "confirmed"])
def test_a_repeat_is_told_again_where_it_came(ward: Watched, answer: dict[str, float]) -> None:
    """Denied, then a second breach that nothing answers; or confirmed, with readings after: the same to the bit."""
    for minute, values in [*STORY, (67, answer), (100, WELL | {"spo2": 91.0}), (140, WELL), (180, WELL)]:
        ward.hears(values, minute)
    found = ward.explained(only(ward))
    assert differing(found) == []
    assert found.event.at_ms == T0 + (115 if answer == WELL else 67) * MINUTE


def test_where_no_change_of_one_reading_would_have_denied_it_none_is_named(ward: Watched) -> None:
    """Two threes and no repeat: whichever is changed, the other opens the alert at the same deadline."""
    for minute, values in STORY:
        ward.hears(values | ({"systolic_bp": 90.0} if minute == 60 else {}), minute)
    ward.until(80)
    found = ward.explained(only(ward))
    assert differing(found) == []
    assert found.nearest is not None
    assert found.nearest.change is None
    assert found.nearest.tried > 1
