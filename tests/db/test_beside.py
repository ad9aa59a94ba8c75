"""What a plan expects beside the score, on a real database: overdue within a look, over when it comes, explained."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.db.test_scorer import HOUR, MINUTE, T0
from tests.db.watched_ward import Watched, differing
from vwmon.kit import Kit
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import pauses, registers

STEP = 10 * MINUTE
DUE = 28.0  # the hour at which a glucose is overdue that was last measured at the beginning
BY = By(actor="test", at_ms=T0)


class Home(Watched):
    """A ward whose patients are awaited beside the score."""

    def __init__(self, path: Path) -> None:
        """Begin at T0, with nobody."""
        super().__init__(path)
        self.kit = Kit(self.db, self.scorer.cursor)

    def enters(self, patient: str, pathway: str, *, at_ms: int = T0) -> None:
        """Admit a patient to a pathway, with the device of-PATIENT."""
        plan = plans.load(pathway)
        wanted = Admission(patient=patient, ward="resp", plan=plan, admitted_ms=at_ms, born="1950-01-01")
        registers.admit(self.db, wanted, By(actor="test", at_ms=max(at_ms, self.now_ms)))
        registers.add_device(self.db, f"of-{patient}", BY)
        registers.assign(self.db, f"of-{patient}", patient, at_ms, BY)

    def hour(self, hour: float) -> None:
        """Let time pass up to an hour, looking at the clock and at the devices as the daemon does."""
        until_ms = T0 + round(hour * HOUR)
        while self.now_ms < until_ms:
            self.now_ms = min(self.now_ms + STEP, until_ms)
            self.looks()
        self.beat()

    def looks(self) -> None:
        """Look once, now."""
        self.score(self.now_ms)
        self.scorer.tick(self.now_ms)
        for stay_no, found in self.kit.look(self.now_ms, self.scorer.cursor, self.scorer.standing).items():
            self.scorer.find(stay_no, found, self.now_ms)

    def measures(self, vital: str, hour: float, *, late: float = 0, device: str = "of-p1", value: float = 7.0) -> None:
        """Receive a reading `late` hours after it was observed at an hour."""
        self.hour(hour + late)
        self.sends({vital: value}, hour * 60, late_ms=round(late * HOUR), device=device)
        self.looks()

    def restarts(self) -> None:
        """Start the scorer and the looking again."""
        self.started(self.now_ms)
        self.kit = Kit(self.db, self.scorer.cursor)

    def overdue(self) -> list[tuple[str, float]]:
        """Name what is overdue, and since which hour."""
        return [(what, minute / 60) for what, minute in self.fell_due()]

    def raised(self) -> list[tuple[float, str]]:
        """Give the hour at which each technical alert was raised, and how it is now."""
        found = self.rows("select opened_ms, state from alert where lane = 'technical' order by 1")
        return [((at_ms - T0) / HOUR, state) for at_ms, state in found]


@pytest.fixture
def _only_vitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask nobody anything: what is here is about vitals, and what is asked is in test_answers_overdue."""
    unasked = {name: replace(plan, questionnaires=()) for name, plan in plans.load_all().items()}
    monkeypatch.setattr(plans, "load_all", lambda: unasked)


@pytest.fixture
def make(tmp_path: Path, _only_vitals: None) -> Iterator[Callable[[str], Home]]:
    """Make wards with p1 on a pathway."""
    made: list[Home] = []

    def new(pathway: str = "diabetes") -> Home:
        ward = Home(tmp_path / f"{len(made)}.db")
        ward.enters("p1", pathway)
        made.append(ward)
        return ward

    yield new
    for ward in made:
        ward.db.close()


def test_a_glucose_that_does_not_come_is_overdue_and_ends_when_it_comes(make: Callable[..., Home]) -> None:
    """As of when it was due, within one look; closed by the reading that was awaited."""
    ward = make()
    ward.measures("glucose", 0)
    ward.hour(DUE)
    assert ward.overdue() == []
    ward.hour(DUE + 1)
    assert ward.overdue() == [("glucose", DUE)]
    assert ward.raised() == [(DUE, "new")]
    ward.measures("glucose", DUE + 2)
    assert (ward.overdue(), ward.raised()) == ([], [(DUE, "closed")])
    ward.hour(2 * DUE + 3)
    assert ward.overdue() == [("glucose", 2 * DUE + 2)]


@pytest.mark.hazard("H24")
def test_one_that_never_came_is_overdue_from_the_admission(make: Callable[..., Home]) -> None:
    """Nobody is forgotten because nothing ever came of them, and the list says that it never did."""
    ward = make()
    ward.hour(DUE + 1)
    ((evidence,),) = ward.rows("select evidence from alert where lane = 'technical'")
    assert ward.overdue() == [("glucose", DUE)]
    assert '"last_ms":null' in evidence.replace(" ", "")


def test_the_alert_says_when_it_came_last(make: Callable[..., Home]) -> None:
    """Not that it never did."""
    ward = make()
    ward.measures("glucose", 3)
    ward.hour(DUE + 4)
    ((evidence,),) = ward.rows("select evidence from alert where lane = 'technical'")
    assert f'"last_ms":{T0 + 3 * HOUR}' in evidence.replace(" ", "")


def test_it_is_one_alert_with_the_parts_of_the_score(make: Callable[..., Home]) -> None:
    """A weight, a saturation and a pressure that do not come are one thing to ask about, and each ends by itself."""
    ward = make("heart-failure")
    ward.sends({"spo2": 96.0, "oxygen": 0.0, "systolic_bp": 124.0, "heart_rate": 72.0, "weight": 80.0}, 0)
    ward.hour(31)
    assert ward.overdue() == [("heart_rate", 30), ("spo2", 30), ("systolic_bp", 30), ("weight", 30)]
    assert ward.raised() == [(30, "new")]
    ward.sends({"spo2": 96.0, "oxygen": 0.0, "systolic_bp": 124.0, "heart_rate": 72.0}, 31 * 60)
    ward.looks()
    assert (ward.overdue(), ward.raised()) == ([("weight", 30)], [(30, "new")])
    ward.measures("weight", 31.5, value=81)
    assert (ward.overdue(), ward.raised()) == ([], [(30, "closed")])


def test_it_is_told_again_as_it_was(make: Callable[..., Home]) -> None:
    """An explanation of the alert finds the same, to the bit, also after a restart in between."""
    ward = make("heart-failure")
    ward.sends({"spo2": 96.0, "oxygen": 0.0, "systolic_bp": 124.0, "heart_rate": 72.0, "weight": 80.0}, 0)
    ward.sends({"spo2": 96.0, "oxygen": 0.0, "systolic_bp": 124.0, "heart_rate": 72.0}, 20 * 60)
    ward.hour(31)
    ward.restarts()
    ward.hour(32)
    (name,) = ward.open_alerts("technical")
    found = ward.explained(name)
    assert differing(found) == []
    (awaited,) = found.awaited
    assert (awaited.part, awaited.due_ms, awaited.last_ms) == ("weight", T0 + 30 * HOUR, T0)
    assert awaited.expected is not None
    assert awaited.expected.overdue_ms == 30 * HOUR
    ward.measures("weight", 33, value=81)
    assert ward.raised() == [(30, "closed")]
    assert differing(ward.explained(name)) == []


def test_a_pause_holds_it_back_as_any_silence(make: Callable[..., Home]) -> None:
    """Who is away does not weigh in; what is still missing then is raised as of the pause's end."""
    ward = make()
    ward.measures("glucose", 0)
    ward.hour(DUE - 1)
    stay = registers.open_stay(ward.db, "p1")
    pauses.give(ward.db, stay, (ward.now_ms, ward.now_ms + 6 * HOUR), "clinic", By(actor="ann", at_ms=ward.now_ms))
    ward.hour(DUE + 4)
    assert (ward.overdue(), ward.raised()) == ([("glucose", DUE)], [])
    ward.hour(DUE + 6)
    assert ward.raised() == [(DUE + 5, "new")]


def test_the_old_meter_counts_after_it_went_to_somebody_else(make: Callable[..., Home]) -> None:
    """What p1 measured on it is p1's, also over a restart; what p2 measures on it is not."""
    ward = make()
    ward.enters("p2", "diabetes")
    ward.measures("glucose", 10)
    registers.return_device(ward.db, "of-p1", T0 + 11 * HOUR, BY)
    ward.hour(12)
    registers.assign(ward.db, "of-p1", "p2", T0 + 12 * HOUR, BY)
    ward.measures("glucose", 13)
    ward.restarts()
    ward.hour(37)
    assert ward.overdue() == []
    ward.hour(39)
    assert ward.overdue() == [("glucose", 38)]


def test_a_reading_that_came_late_counts_from_when_it_was_made(make: Callable[..., Home]) -> None:
    """One that took longer than the plan waits is a spool or a recording: silence then counts from its arrival."""
    ward = make()
    ward.measures("glucose", 0, late=10)
    ward.hour(DUE + 1)
    assert ward.overdue() == [("glucose", DUE)]
    ward.measures("glucose", 1, late=30)
    assert ward.overdue() == []
    ward.hour(31 + DUE)
    assert ward.overdue() == []
    ward.hour(32 + DUE)
    assert ward.overdue() == [("glucose", 31 + DUE)]


def test_what_somebody_else_measured_on_a_meter_is_no_reading_of_who_has_it_now(make: Callable[..., Home]) -> None:
    """p1 measured at the tenth hour and gave it back; p2, who got it at the twelfth, never measured."""
    ward = make()
    ward.measures("glucose", 10)
    registers.return_device(ward.db, "of-p1", T0 + 11 * HOUR, BY)
    ward.enters("p2", "diabetes")
    registers.assign(ward.db, "of-p1", "p2", T0 + 12 * HOUR, BY)
    ward.hour(DUE + 1)
    assert ward.overdue() == [("glucose", DUE)]
    assert ward.rows("select stay_no from alert") == [(2,)]


def test_what_was_awaited_comes_with_an_older_one_behind_it(make: Callable[..., Home]) -> None:
    """A spool is emptied in any order: the newest of it ends the alert, not the last."""
    ward = make()
    ward.hour(DUE + 3)
    ward.sends({"glucose": 7.0}, (DUE + 2) * 60, late_ms=HOUR)
    ward.sends({"glucose": 6.0}, 60, late_ms=round((DUE + 2) * HOUR))
    ward.looks()
    assert (ward.overdue(), ward.raised()) == ([], [(DUE, "closed")])


def test_an_older_reading_that_comes_after_a_newer_one_changes_nothing(make: Callable[..., Home]) -> None:
    """The last of the log is not the last of the patient."""
    ward = make()
    ward.measures("glucose", 10)
    ward.measures("glucose", 2, late=9)
    ward.restarts()
    ward.hour(10 + DUE)
    assert ward.overdue() == []
    ward.hour(11 + DUE)
    assert ward.overdue() == [("glucose", 10 + DUE)]


def test_a_glucose_comes_while_a_score_is_awaited_and_neither_ends_the_other(make: Callable[..., Home]) -> None:
    """A part of the score that comes back while a weight is overdue is scored as ever."""
    ward = make("cardiac-surgery-waiting-list")
    ward.hour(8 * 24 + 1)
    names = [name for name, _ in ward.overdue()]
    assert names == ["diastolic_bp", "heart_rate", "spo2", "systolic_bp", "weight"]
    ward.measures("spo2", 8 * 24 + 2, value=96)
    ward.measures("diastolic_bp", 8 * 24 + 2.5, value=76)
    assert [name for name, _ in ward.overdue()] == ["heart_rate", "systolic_bp", "weight"]
    assert ward.rows("select count(*) from score") == [(1,)]


def test_a_discharge_ends_what_was_awaited(make: Callable[..., Home]) -> None:
    """Nobody is asked for the glucose of a person who has left."""
    ward = make()
    ward.hour(DUE + 1)
    ward.discharge("p1", ward.now_ms)
    ward.looks()
    ward.looks()
    assert (ward.overdue(), [state for _, state in ward.raised()]) == ([], ["closed"])
    assert dict(ward.scorer.standing) == {}
