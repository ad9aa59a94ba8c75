"""The devices of a real database: what is found of them as readings, refusals and statuses come in."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed

from alerts import store as cases
from alerts import wording
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY
from devices.readings import MARK_CLOCK_AHEAD
from tests.db.test_scorer import HOUR, MINUTE, T0, WELL, Ward, message
from vwmon.kit import Kit
from vwmon.patients.records import By
from vwmon.store import registers, watched
from vwmon.store.arrivals import Quarantined
from vwmon.store.database import atomic

BY = By(actor="test", at_ms=T0)


class Home(Ward):
    """A ward whose devices are looked at."""

    def __init__(self, path: Path) -> None:
        """Begin with p1 and of-p1."""
        super().__init__(path)
        self.admit("p1")
        self.score()
        self.kit = Kit(self.db, self.scorer.cursor)

    def look(self, minute: float) -> None:
        """Look at the devices, as the daemon does."""
        now_ms = T0 + round(minute * MINUTE)
        self.score(now_ms)
        for stay_no, found in self.kit.look(now_ms, self.scorer.cursor, self.scorer.standing).items():
            self.scorer.find(stay_no, found, now_ms)

    def begins_anew(self, minute: float) -> None:
        """Start the scorer and the look again."""
        self.started(T0 + round(minute * MINUTE))
        self.kit = Kit(self.db, self.scorer.cursor)

    def receives(self, minute: float, **fields: Any) -> None:  # noqa: ANN401 -- fields of Message
        """Receive a message of of-p1 with other fields."""
        at_ms = T0 + round(minute * MINUTE)
        plain = message(f"m{minute}", WELL, at_ms, at_ms, "of-p1")
        self.store(changed(plain, message=changed(plain.message, **fields)))
        self.score(at_ms)

    def stands(self) -> list[str]:
        """Name what was found and is not over."""
        return sorted(f"{rule} {what}" for _, rule, what in self.scorer.standing)

    def says(self, status: str, minute: float, **of: Any) -> None:  # noqa: ANN401 -- what a device says
        """Let of-p1 say something of itself, or its Will."""
        registers.record_status(
            self.db, "of-p1", status, of.pop("battery", None), None, T0 + round(minute * MINUTE), **of
        )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """One such ward."""
    ward = Home(tmp_path / "ward.db")
    yield ward
    ward.db.close()


def test_a_will_is_an_alert_after_its_debounce_and_a_return_ends_it(home: Home) -> None:
    """Since when the device is gone does not move when the broker repeats its word, as after each reconnect."""
    home.says("online", 0)
    home.says("offline", 10)
    home.look(19)
    home.says("offline", 19.5)
    assert home.stands() == []
    home.look(30)
    assert home.stands() == ["device_disconnected of-p1"]
    assert home.rows("select opened_ms, since_ms from alert") == [(T0 + 20 * MINUTE, T0 + 10 * MINUTE)]
    home.says("online", 31)
    home.look(32)
    assert (home.stands(), home.alerts()) == ([], [("technical", "closed", 1)])


def test_a_goodbye_is_no_alert(home: Home) -> None:
    """A device that sleeps between readings says so."""
    home.says("offline", 10, clean=True)
    home.look(29)
    assert home.stands() == []


def test_a_kind_of_device_that_sleeps_is_not_gone_and_one_that_is_worn_is(home: Home) -> None:
    """An oximeter is off between readings, and takes no leave; the kinds of the configuration come on top."""
    for profile, more, stands in (
        ("pulse-oximeter", (), []),
        ("ring", ("ring",), []),
        ("pulse-oximeter", ("ring",), []),
        ("chest-patch", ("ring",), ["device_disconnected of-p1"]),
    ):
        home.db.execute("update device set profile = ?", [profile])
        home.kit = Kit(home.db, home.scorer.cursor, sleeping=more)
        home.says("offline", 10)
        home.look(21)
        assert home.stands() == stands


def test_a_battery_that_runs_down_is_an_alert_until_it_is_charged(home: Home) -> None:
    """From the messages of readings or from its status, over a restart."""
    home.receives(1, battery_percent=19.0)
    home.look(2)
    home.begins_anew(3)
    home.receives(4, battery_percent=25.0)
    home.look(5)
    assert home.stands() == ["battery_low of-p1"]
    home.says("online", 6, battery=80.0)
    home.look(7)
    assert home.stands() == []


@pytest.mark.hazard("H26")
def test_refusals_in_a_row_are_found_and_a_good_reading_ends_them(home: Home) -> None:
    """Counted over looks and over a restart; the same when the log was merged between."""
    good = {name: value for name, value in WELL.items() if name != "spo2"}
    home.sends(WELL, 0)
    for minute in (1, 2):
        home.sends(good, minute, refused=["spo2"])
        home.look(minute)
    home.begins_anew(2.5)
    assert home.stands() == []
    home.sends(good, 3, refused=["spo2"])
    home.look(4)
    assert home.stands() == ["implausible of-p1 spo2"]
    assert home.rows("select since_ms from alert where lane = 'technical'") == [(T0 + MINUTE,)]
    home.sends(WELL, 5)
    home.merge()
    home.look(6)
    assert home.stands() == []


@pytest.mark.hazard("H7")
def test_a_clock_ahead_is_found_by_its_mark(home: Home) -> None:
    """And is over with the next reading in time."""
    at_ms = T0 + MINUTE
    plain = message("m", {"spo2": 97.0}, at_ms, at_ms, "of-p1")
    ahead = tuple(changed(one, marks=MARK_CLOCK_AHEAD) for one in plain.message.readings)
    home.store(changed(plain, message=changed(plain.message, readings=ahead)))
    home.look(2)
    assert home.stands() == ["clock_skew of-p1"]
    home.sends(WELL, 3)
    home.look(4)
    assert home.stands() == []


@pytest.mark.hazard("H1")
def test_messages_that_are_missing_are_found_and_end_when_they_come(home: Home) -> None:
    """After a quarter of an hour in which they may still."""
    for minute, number in ((1, 1), (2, 4)):
        home.receives(minute, seq=number)
    home.look(16)
    assert home.stands() == []
    home.look(17)
    assert home.stands() == ["sequence_gap of-p1 2-3"]
    for minute, number in ((18, 2), (19, 3)):
        home.receives(minute, seq=number)
    home.look(20)
    assert home.stands() == []


@pytest.mark.hazard("H26")
def test_a_flat_line_is_found(home: Home) -> None:
    """Twelve equal heart rates over an hour, looked at after each."""
    for number in range(13):
        home.sends(WELL | {"respiratory_rate": 12.0 + number % 2}, 5 * number)
        home.look(5 * number + 1)
    assert home.stands() == ["frozen of-p1 heart_rate"]
    home.sends(WELL | {"heart_rate": 76.0}, 70)
    home.look(71)
    assert home.stands() == []


@pytest.mark.hazard("H21")
def test_a_device_of_nobody_is_an_item_of_the_service(home: Home) -> None:
    """Until someone has it, or it has not sent for an hour."""
    home.sends({"spo2": 97.0}, 1, device="stray")
    home.look(2)
    assert home.alerts() == [("system", "new", 1)]
    registers.add_device(home.db, "stray", BY)
    registers.assign(home.db, "stray", "p1", T0, BY)
    home.look(3)
    assert home.alerts() == [("system", "closed", 1)]
    home.sends({"spo2": 97.0}, 10, device="other")
    home.look(11)
    assert home.stands() == ["unassigned other"]
    home.look(71)
    assert home.stands() == []


def test_every_device_of_nobody_is_named_on_the_list(home: Home) -> None:
    """Who has to look for it needs its name; so it is of the second one, too."""
    for minute, device in enumerate(("stray", "other"), 1):
        home.sends({"spo2": 97.0}, minute, device=device)
        home.look(minute)
    (alert,) = cases.load(home.db, [SYSTEM_STAY])[SYSTEM_STAY].alerts.values()
    assert wording.why(alert, T0 + 5 * MINUTE) == ["a device sends and belongs to nobody (stray, other) for 4 min"]


def test_a_device_that_was_returned_may_still_say_what_it_had(home: Home) -> None:
    """For a quarter of an hour; and what was found of it for its patient is over."""
    home.says("offline", 0)
    home.look(11)
    assert home.stands() == ["device_disconnected of-p1"]
    registers.return_device(home.db, "of-p1", T0 + 12 * MINUTE, replace(BY, at_ms=T0 + 12 * MINUTE))
    home.sends(WELL, 20)
    home.look(21)
    assert home.stands() == []
    home.sends(WELL, 28)
    home.look(29)
    assert home.stands() == ["unassigned of-p1"]
    standing = home.scorer.standing
    home.begins_anew(121)
    assert home.scorer.standing == standing


@pytest.mark.hazard("H25")
def test_silence_ends_nothing(home: Home) -> None:
    """A week without a word, restarts and merges leave all that was found (I7, I12)."""
    for number in range(13):
        home.sends(WELL | {"respiratory_rate": 12.0 + number % 2}, 5 * number)
        home.look(5 * number)
    home.receives(62, battery_percent=5.0, seq=1)
    home.receives(63, battery_percent=5.0, seq=9)
    for minute in (64, 65, 66):
        home.sends({"heart_rate": 75.0}, minute, refused=["spo2"])
    plain = message("m", {"heart_rate": 75.0}, T0 + 67 * MINUTE, T0 + 67 * MINUTE, "of-p1")
    ahead = tuple(changed(one, marks=MARK_CLOCK_AHEAD) for one in plain.message.readings)
    home.store(changed(plain, message=changed(plain.message, readings=ahead)))
    home.says("offline", 68)
    home.look(90)
    before = home.stands()
    assert [name.split()[0] for name in before] == [
        "battery_low", "clock_skew", "device_disconnected", "frozen", "implausible", "sequence_gap",
    ]  # fmt: skip
    home.merge()
    for day in range(1, 8):
        home.look(day * 24 * 60 - 1)
        home.begins_anew(day * 24 * 60)
        home.look(day * 24 * 60)
    assert home.stands() == before
    assert {state for lane, state, _ in home.alerts() if lane == "technical"} == {"new"}


def _notified(home: Home, *rows: tuple[int, str]) -> None:
    """Write notifications: when they were queued, and what became of them."""
    home.scorer.find(SYSTEM_STAY, [Finding(rule="disk", since_ms=T0, at_ms=T0)], T0)
    (alert_no,) = home.rows("select alert_no from alert")[0]
    with atomic(home.db):
        for turn, (queued_ms, state) in enumerate(rows):
            home.db.execute(
                """insert into notification (alert_no, cycle, tier, turn, level, queued_ms, state)
                    values (?, 1, 1, ?, 2, ?, ?)""",
                (alert_no, turn, queued_ms, state),
            )


@pytest.mark.hazard("H21")
def test_a_hand_over_that_nobody_accepted_is_known_once_it_was_due(home: Home) -> None:
    """Of which something is left; not before, not when it has ended."""
    _notified(home)
    (alert_no,) = home.rows("select alert_no from alert")[0]
    with atomic(home.db):
        home.db.execute("insert into handover values (1, 'ann', 0, 50, null, null)")
        home.db.execute(
            "insert into handover_item (handover_no, alert_no, owner, was, taker) values (1, ?, 'ann', '', 'bob')",
            [alert_no],
        )
    assert [watched.unaccepted_since_ms(home.db, at) for at in (49, 50)] == [None, 50]
    with atomic(home.db):
        home.db.execute("update handover_item set accepted_ms = 60")
    assert watched.unaccepted_since_ms(home.db, 99) is None


def test_what_could_not_be_used_is_counted_up_to_the_limit(home: Home) -> None:
    """From the last ones back."""
    for n in range(6):
        one = Quarantined(
            topic="t", device=None, reason="unreadable", detail="", payload=b"", received_ms=T0 + n * HOUR
        )
        home._log.append((), (one,), T0)
    asked = ((0, 100), (3, 100), (9, 100), (0, 4))
    assert [watched.refused_since(home.db, T0 + hours * HOUR, most) for hours, most in asked] == [6, 3, 0, 4]
