"""What one patient is asked of their own, on a real database: overdue from a moment on, never normal, explained."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.db.test_beside import Home
from tests.db.test_scorer import HOUR, MINUTE, T0
from tests.db.watched_ward import differing
from vwmon.errors import NotFoundError, RefusedError, UsageError
from vwmon.patients.records import By
from vwmon.patients.schedules import NOT_ASKED, OwnSchedule
from vwmon.store import limits, own_schedules, registers
from vwmon.store.decisions import REPLACED

OFTEN = {"valid_for": "4h", "overdue_after": "6h"}
SELDOM = {"valid_for": "24h", "overdue_after": "30h"}


class Own(Home):
    """A ward with a patient whose schedule somebody changes."""

    def by(self) -> By:
        """Give who does something now."""
        return By(actor="ann", at_ms=self.now_ms)

    def asks(self, what: str, asked: Mapping[str, Any], *, for_hours: float | None = None) -> OwnSchedule:
        """Ask the patient otherwise from now on, and let the daemon notice."""
        to_ms = None if for_hours is None else self.now_ms + round(for_hours * HOUR)
        found = own_schedules.put(self.db, "p1", what, asked, "agreed", self.by(), to_ms=to_ms)
        self.looks()
        return found

    def ends(self, what: str) -> None:
        """Ask the patient as the pathway says again."""
        own_schedules.end(self.db, "p1", what, "over", self.by())
        self.looks()

    def sees(self, values: dict[str, float], hour: float) -> None:
        """Receive readings as they are measured."""
        self.hour(hour)
        self.sends(values, hour * 60)
        self.looks()

    def last_score(self) -> tuple[int, int, int]:
        """Give the latest score: at least, at most, and whether it is complete."""
        (found,) = self.rows("select total_min, total_max, complete from score order by at_ms desc limit 1")
        return found


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Own]:
    """A patient with COVID at home: saturation and pulse count 8 hours, and are waited for 12."""
    made = Own(tmp_path / "ward.db")
    made.enters("p1", "covid-oximetry")
    made.asks("answers:breathlessness", {"every": "7d", "at": "09:00", "overdue_after": "7d"})
    yield made
    made.db.close()


BOTH = {"spo2": 96.0, "heart_rate": 72.0}


@pytest.mark.hazard("H24")
def test_what_is_asked_more_often_is_overdue_sooner_and_not_before_it_was_said(ward: Own) -> None:
    """Measured at 0, asked every six hours at 8: late at once, as of then, because nobody had asked for it before."""
    ward.sees(BOTH, 0)
    ward.hour(8)
    ward.asks("spo2", OFTEN)
    ward.hour(9)
    assert ward.overdue() == [("spo2", 8)]
    ward.sees(BOTH, 9.5)
    assert (ward.overdue(), ward.raised()) == ([], [(8, "closed")])
    ward.hour(16)
    assert ward.overdue() == [("spo2", 15.5)]
    ward.hour(22)
    assert ward.overdue() == [("heart_rate", 21.5), ("spo2", 15.5)]


def test_what_is_asked_less_often_is_overdue_no_more_as_of_when_it_was_said(ward: Own) -> None:
    """And again when the longer span is over, counted from the reading and not from the change."""
    ward.sees(BOTH, 0)
    ward.hour(14)
    assert ward.overdue() == [("heart_rate", 12), ("spo2", 12)]
    ward.asks("spo2", SELDOM)
    assert ward.overdue() == [("heart_rate", 12)]
    ward.asks("heart_rate", SELDOM)
    assert (ward.overdue(), ward.raised()) == ([], [(12, "closed")])
    ward.hour(31)
    assert ward.overdue() == [("heart_rate", 30), ("spo2", 30)]
    ward.ends("spo2")
    assert ward.overdue() == [("heart_rate", 30), ("spo2", 30)]


@pytest.mark.hazard("H8")
def test_what_is_not_asked_leaves_the_score_incomplete_and_is_never_overdue(ward: Own) -> None:
    """Its points are unknown and not none; what could be does not count it; once it is asked anew, it is waited for."""
    ward.sees({"heart_rate": 72.0, "spo2": 96.0}, 0)
    ward.hour(13)
    assert [what for what, _ in ward.overdue()] == ["heart_rate", "spo2"]
    ward.asks("heart_rate", NOT_ASKED, for_hours=24)
    ward.sees({"spo2": 96.0}, 13.5)
    assert ward.overdue() == []
    assert ward.last_score() == (0, 17, 0)
    ward.hour(25)
    assert ward.overdue() == []
    ward.sees({"spo2": 96.0}, 36)
    ward.hour(37.5)
    assert ward.overdue() == []
    ward.sees({"spo2": 96.0}, 47)
    ward.hour(50)
    assert ward.overdue() == [("heart_rate", 49)]


def test_a_reading_counts_as_long_as_the_patients_own_schedule_says(ward: Own) -> None:
    """From when it was said on: what was scored before is as it was."""
    ward.asks("spo2", SELDOM)
    ward.sees({"spo2": 91.0, "heart_rate": 72.0}, 0)
    ward.sees({"heart_rate": 72.0}, 11)
    assert ward.last_score()[0] == 3
    ward.hour(12)
    ward.asks("spo2", OFTEN)
    ward.sees({"heart_rate": 72.0}, 12.5)
    assert ward.last_score()[0] == 0
    before = ward.rows("select * from score order by at_ms")
    ward.restarts()
    assert ward.rows("select * from score order by at_ms") == before


def test_a_vital_beside_the_score_can_be_asked_of_one_patient(ward: Own) -> None:
    """A weight, which the pathway does not ask: waited for from when it is said, and until it is ended."""
    ward.sees(BOTH, 0)
    ward.asks("weight", {"valid_for": "2d", "overdue_after": "10h"})
    ward.sees(BOTH, 10)
    ward.hour(10.5)
    assert ward.overdue() == [("weight", 10)]
    ward.asks("weight", {"valid_for": "2d", "overdue_after": "20h"})
    assert (ward.overdue(), ward.raised()) == ([], [(10, "closed")])
    ward.sees({**BOTH, "weight": 80.0}, 19)
    ward.sees(BOTH, 29)
    ward.sees(BOTH, 39)
    ward.hour(39.5)
    assert ward.overdue() == [("weight", 39)]
    ward.ends("weight")
    assert ward.overdue() == []


def test_a_vital_beside_the_score_is_late_no_sooner_than_somebody_asked(ward: Own) -> None:
    """Asked for the first time, it is waited for from then; asked more often, it is late as of when that was said."""
    ward.sees({**BOTH, "weight": 80.0}, 0)
    ward.sees(BOTH, 11)
    ward.asks("weight", {"valid_for": "2d", "overdue_after": "10h"})
    ward.sees(BOTH, 20.5)
    assert ward.overdue() == []
    ward.hour(21.5)
    assert ward.overdue() == [("weight", 21)]
    ward.sees({**BOTH, "weight": 80.0}, 22)
    ward.sees(BOTH, 31)
    ward.asks("weight", {"valid_for": "2d", "overdue_after": "6h"})
    ward.hour(31.5)
    assert ward.overdue() == [("weight", 31)]


@pytest.mark.parametrize("seed", range(6))
def test_overdue_is_as_a_slow_look_says_and_is_told_again_as_it_was(ward: Own, seed: int) -> None:
    """Whatever is said and measured, across restarts: since when each vital is late, and every alert explained."""
    chance, story = random.Random(seed), Story()
    for _ in range(25):
        ward.hour((ward.now_ms - T0) / HOUR + chance.choice((0.5, 2, 5, 9)))
        what = chance.choice(("spo2", "heart_rate"))
        match chance.randint(0, 6):
            case 0 | 1 | 2:
                story.came[what].append(ward.now_ms)
                ward.sees({what: 96.0 if what == "spo2" else 72.0}, (ward.now_ms - T0) / HOUR)
            case 3:
                ward.asks(what, OFTEN, for_hours=chance.choice((None, 7)))
            case 4:
                ward.asks(what, SELDOM, for_hours=chance.choice((None, 7)))
            case 5 if what == "heart_rate":
                ward.asks(what, NOT_ASKED, for_hours=chance.choice((None, 7)))
            case _:
                ward.restarts()
        expected = story.overdue(own_schedules.of_stay(ward.db, 1), ward.now_ms)
        assert [one for one in ward.overdue() if not one[0].startswith("answers")] == expected
    for name, number in ward.every_alert():
        assert differing(ward.explained(name, number)) == []


class Story:
    """What was measured, looked at ten minutes after ten minutes from the beginning."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self.came: dict[str, list[int]] = {"spo2": [], "heart_rate": []}

    def overdue(self, own: list[OwnSchedule], now_ms: int) -> list[tuple[str, float]]:
        """Name what is late at a moment, and since which hour without a break."""
        found = []
        for vital in sorted(self.came):
            since = asked = None
            for at_ms in [*range(T0 + 5 * MINUTE, now_ms, 10 * MINUTE), now_ms]:
                held = [one for one in own if one.what == vital and one.in_force(at_ms)]
                span = held[-1].asked.get("overdue_after") if held else "12h"
                begun = at_ms - 5 * MINUTE if asked is None else asked
                asked = None if span is None else begun
                last = max([at for at in self.came[vital] if at <= at_ms], default=T0)
                late = span is not None and at_ms >= max(last, begun) + int(span[:-1]) * HOUR
                since = None if not late else since if since is not None or at_ms == now_ms else at_ms - 5 * MINUTE
            if since is not None:
                found.append((vital, (since - T0) / HOUR))
        return found


def test_the_rules_about_answers_hold_as_long_as_one_patient_is_asked(ward: Own) -> None:
    """Switched on with the questionnaire and off with it; what somebody had decided about one of them stays."""
    limits.put(ward.db, "p1", "answer_wound", {"enabled": True, "level": 2}, "an ulcer", ward.by())
    ward.hour(1)
    ward.asks("answers:wound", {"every": "1d", "at": "09:00", "overdue_after": "12h"})
    held = {one.rule: one.changes for one in limits.of_stay(ward.db, 1) if one.limit.in_force(ward.now_ms)}
    assert held["answer_wound"] == {"enabled": True, "level": 2}
    assert held["answer_wound_fever"] == {"enabled": True}
    ward.hour(2)
    ward.ends("answers:wound")
    held = {one.rule: one.changes for one in limits.of_stay(ward.db, 1) if one.limit.in_force(ward.now_ms)}
    assert "answer_wound_fever" not in held
    assert held["answer_wound"] == {"enabled": True, "level": 2}


def test_there_is_one_schedule_of_a_thing_and_the_journal_says_who_changed_it(ward: Own) -> None:
    """Another takes its place from the moment on that it is said; nothing is removed."""
    ward.hour(1)
    ward.asks("spo2", OFTEN)
    ward.hour(2)
    ward.asks("spo2", SELDOM)
    first, second = [one for one in own_schedules.of_stay(ward.db, 1) if one.what == "spo2"]
    assert (first.until_ms, first.ended_reason) == (second.from_ms, REPLACED)
    lines = ward.rows("select what from register_log where what like '%schedule%' order by entry_no")
    assert [what for (what,) in lines][-2:] == ["schedule 2", "schedule 3"]


@pytest.mark.parametrize(
    ("what", "asked", "refused"),
    [
        ("spo2", {"valid_for": "25h", "overdue_after": "30h"}, RefusedError),
        ("spo2", {"valid_for": "24h", "overdue_after": "9d"}, RefusedError),
        ("spo2", {"valid_for": "24h"}, UsageError),
        ("spo2", {"valid_for": "0h", "overdue_after": "9h"}, UsageError),
        ("spo3", OFTEN, UsageError),
        ("fio2", OFTEN, UsageError),
        ("weight", NOT_ASKED, UsageError),
        ("answers:wound", {"every": "36h", "at": "09:00", "overdue_after": "9h"}, UsageError),
        ("answers:wound", {"every": "1d", "at": "24:00", "overdue_after": "9h"}, UsageError),
        ("answers:mood", {"every": "1d", "at": "09:00", "overdue_after": "9h"}, UsageError),
    ],
)
def test_what_can_be_no_schedule_is_refused_and_nothing_is_written(
    ward: Own, what: str, asked: Mapping[str, Any], refused: type[Exception]
) -> None:
    """Nor what would count an old reading longer than any pathway does."""
    before = registers.register_version(ward.db), own_schedules.of_stay(ward.db, 1)
    with pytest.raises(refused):
        own_schedules.put(ward.db, "p1", what, asked, "agreed", ward.by())
    assert (registers.register_version(ward.db), own_schedules.of_stay(ward.db, 1)) == before
    with pytest.raises(NotFoundError):
        own_schedules.end(ward.db, "p1", "weight", "", ward.by())
