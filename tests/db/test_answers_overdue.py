"""Answers that do not come: overdue as readings are, from when they were due on the ward's wall, and never fine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts import wording
from devices.acceptance import Stamp
from devices.answers import Answers
from tests.db.test_beside import Home
from tests.db.test_scorer import HOUR, T0
from tests.db.watched_ward import differing
from vwmon.kit import Kit
from vwmon.patients import asked
from vwmon.patients.records import By
from vwmon.store import pauses, registers
from vwmon.store.arrivals import Arrival

ZONE = "Europe/London"
WELL = {"wellbeing": {"compared": "same"}, "breathlessness": {"now": "usual"}, "swelling": {"now": "no"}}
TEN = 10 - (11 + 6 / 60 + 40 / 3600)  # from T0, 11:06:40, to ten o'clock on the wall of that day, in hours


class Asked(Home):
    """A ward whose patients are asked, in London."""

    def __init__(self, path: Path) -> None:
        """Look with the ward's zone."""
        super().__init__(path)
        self.kit = Kit(self.db, self.scorer.cursor, zone=lambda _ward: ZONE)
        self._said = 0

    def says(self, hour: float, name: str = "wellbeing", *, partly: bool = False, late: float = 0) -> None:
        """Receive the answers given at an hour, `late` hours after; `partly` leaves the end out."""
        self.hour(hour + late)
        self._said += 1
        at = Stamp(T0 + round(hour * HOUR), 0)
        said = {"compared": "worse"} if partly else WELL[name]
        sent = Answers(id=f"a{self._said}", observed=at, questionnaire=name, version="1", said=said)
        self.store(Arrival("resp", "of-p1", "answers", asked.readings(sent), self.now_ms, b""))
        self.looks()

    def late(self, name: str = "wellbeing") -> list[float]:
        """Give since which hour answers are overdue, to the minute."""
        return [hour for what, hour in self.overdue() if what == f"answers:{name}"]

    def restarts(self) -> None:
        """Start the scorer and the looking again."""
        super().restarts()
        self.kit = Kit(self.db, self.scorer.cursor, zone=lambda _ward: ZONE)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Asked]]:
    """Make wards with p1 on a pathway."""
    made: list[Asked] = []

    def new(pathway: str = "cardiac-surgery-waiting-list") -> Asked:
        ward = Asked(tmp_path / f"{len(made)}.db")
        ward.enters("p1", pathway)
        made.append(ward)
        return ward

    yield new
    for ward in made:
        ward.db.close()


def test_who_never_answers_is_overdue_a_day_after_the_admission(make: Callable[..., Asked]) -> None:
    """In the technical alert, by the name of what was asked."""
    ward = make()
    ward.hour(23.9)
    assert ward.late() == []
    ward.hour(24.5)
    assert ward.late() == [24.0]
    assert ward.raised() == [(24.0, "new")]
    assert wording.label("answers:wellbeing") == "answers about wellbeing"


def test_answers_end_it_until_the_next_are_due_on_the_ward_s_wall(make: Callable[..., Asked]) -> None:
    """Answered at the admission; due again a week later at ten, and overdue a day after that."""
    ward = make()
    ward.says(1)
    due = 7 * 24 + TEN + 24
    ward.hour(due - 0.1)
    assert ward.late() == []
    ward.hour(due + 0.5)
    assert ward.late() == [pytest.approx(due, abs=1 / 60)]
    ward.says(due + 1)
    assert ward.late() == []


def test_part_of_the_answers_is_not_an_answer(make: Callable[..., Asked]) -> None:
    """Only the way to its end counts as answered."""
    ward = make()
    ward.says(1, partly=True)
    ward.hour(25)
    assert ward.late() == [24.0]


def test_answers_of_before_they_were_due_do_not_count_for_it(make: Callable[..., Asked]) -> None:
    """What comes out of a spool tells how somebody was then."""
    ward = make()
    ward.says(1)
    due = 7 * 24 + TEN + 24
    ward.hour(due + 1)
    ward.says(7 * 24 + TEN - 2, late=27)
    assert ward.late() == [pytest.approx(due, abs=1 / 60)]


def test_a_pause_holds_it_back_and_a_discharge_ends_it(make: Callable[..., Asked]) -> None:
    """As of any silence."""
    ward = make()
    ward.hour(20)
    stay = registers.open_stay(ward.db, "p1")
    span = (ward.now_ms, ward.now_ms + 10 * HOUR)
    pauses.give(ward.db, stay, span, "with the daughter", By(actor="ann", at_ms=ward.now_ms))
    ward.hour(29)
    assert ward.raised() == []
    ward.hour(31)
    assert [state for _, state in ward.raised()] == ["new"]
    registers.discharge(ward.db, "p1", "recovered", ward.now_ms, By(actor="ann", at_ms=ward.now_ms))
    ward.hour(33)
    assert ward.late() == []


def test_it_is_told_again_as_it_was_also_after_a_restart(make: Callable[..., Asked]) -> None:
    """To the bit, and the explanation names what was asked."""
    ward = make("heart-failure")
    ward.says(1, "breathlessness")
    ward.hour(13)
    ward.restarts()
    ward.hour(14)
    (name,) = ward.open_alerts("technical")
    found = ward.explained(name)
    assert differing(found) == []
    assert [(one.part, one.due_ms) for one in found.awaited] == [("answers:swelling", T0 + 12 * HOUR)]
