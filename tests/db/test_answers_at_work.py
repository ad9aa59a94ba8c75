"""Answers at work: what is said raises what the pathway asks for, is not taken back by silence, and is told again."""

import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import wording
from devices.acceptance import Stamp
from devices.answers import Answers
from tests.db.test_scorer import DAY, HOUR, ILL, MINUTE, T0, WELL
from tests.db.test_scorer_limits import Limited, all_the_same
from tests.db.watched_ward import differing
from vwmon.config_duty import Ward as WardSettings
from vwmon.config_limits import WardLimit
from vwmon.kit import Kit
from vwmon.patients import asked, plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.recordings import read
from vwmon.replay import into
from vwmon.store import database, registers
from vwmon.store.arrivals import Arrival

DAYS = DAY // MINUTE
BETTER, SAME = {"compared": "better"}, {"compared": "same"}
WORSE = {"compared": "worse", "what": "other", "sudden": "no"}
ALARMING = {"compared": "worse", "what": "chest_pain", "sudden": "yes"}


class Waiting(Limited):
    """A ward whose patients wait for heart surgery, and are asked."""

    pathway = "cardiac-surgery-waiting-list"

    def __init__(self, path: Path, pathway: str = pathway) -> None:
        """Admit p1."""
        super().__init__(path)
        self.pathway, self._said = pathway, 0
        self.admit("p1")
        self.kit = Kit(self.db, 0)

    def admit(self, patient: str, at_ms: int = T0, *, written_ms: int | None = None, device: str = "") -> None:
        """Admit a patient to the pathway, with a hub from the admission on."""
        by = By(actor="test", at_ms=at_ms if written_ms is None else written_ms)
        wanted = Admission(
            patient=patient, ward="resp", plan=plans.load(self.pathway), admitted_ms=at_ms, born="1950-01-01"
        )
        registers.admit(self.db, wanted, by)
        registers.add_device(self.db, device or f"of-{patient}", by)
        registers.assign(self.db, device or f"of-{patient}", patient, at_ms, by)

    def says(self, answers: Mapping[str, Any], minute: float, name: str = "wellbeing", *, late: float = 0) -> None:
        """Receive answers `late` minutes after they were given at a minute, and score them."""
        at_ms = T0 + round(minute * MINUTE)
        self.receives(self.said(answers, at_ms, at_ms + round(late * MINUTE), name))

    def said(self, answers: Mapping[str, Any], at_ms: int, received_ms: int, name: str = "wellbeing") -> Arrival:
        """Make the message of some answers."""
        self._said += 1
        sent = Answers(
            id=f"a-{self._said}", observed=Stamp(at_ms, 0), questionnaire=name, version="1", said=dict(answers)
        )
        return Arrival("resp", "of-p1", "vwmon/resp/of-p1/answers", asked.readings(sent), received_ms, b"")

    def pass_to(self, at_ms: int) -> None:
        """Let time pass up to a moment, in weeks, so not by the minute."""
        while self.now_ms < at_ms:
            self.now_ms = min(self.now_ms + 4 * HOUR, at_ms)
            self.score(self.now_ms)
            self.scorer.tick(self.now_ms)
        self.beat()

    def looks(self, minute: float) -> None:
        """Let time pass, and look at the devices and at what is awaited."""
        while self.now_ms < T0 + round(minute * MINUTE):
            self.pass_to(min(self.now_ms + HOUR, T0 + round(minute * MINUTE)))
            for stay_no, found in self.kit.look(self.now_ms, self.scorer.cursor, self.scorer.standing).items():
                self.scorer.find(stay_no, found, self.now_ms)

    def state(self) -> tuple[str, int, bool]:
        """Give state, level and blindness of the one clinical alert."""
        ((state, level, blind),) = self.rows("select state, level, blind_ms from alert where lane = 'clinical'")
        return state, level, blind is not None


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Waiting]:
    """A ward with one patient who waits."""
    made = Waiting(tmp_path / "ward.db")
    with closing(made.db):
        yield made


def test_worse_is_an_alert_at_once_in_the_words_of_the_question(ward: Waiting) -> None:
    """The evidence has the number and the sentence; it is told again to the bit, with the answers it rests on."""
    ward.says(WORSE, 5)
    assert ward.state() == ("new", 1, False)
    (name,) = ward.open_alerts()
    found = ward.explained(name)
    assert differing(found) == []
    assert [rule.name for rule in found.rules] == ["answer_worse"]
    assert [(one.quantity, one.value, len(one.readings)) for one in found.learnt] == [
        ("answer:wellbeing.compared", 2.0, 1)
    ]
    (evidence,) = (event.evidence for event in (found.event,))
    why = list(wording._clinical(evidence, T0 + 8 * MINUTE, T0))
    asked_for = '"Compared with the last time you were asked, how do you feel?"'
    assert why == [f'says that they feel worse: {asked_for} answered with "Worse", 3 min ago']


@pytest.mark.parametrize(("answers", "levels"), [(BETTER, []), (SAME, []), (WORSE, [1]), (ALARMING, [2])])
def test_each_answer_is_as_urgent_as_its_rule(ward: Waiting, answers: Mapping[str, Any], levels: list[int]) -> None:
    """Better and the same raise nothing, chest pain more than something else."""
    ward.says(answers, 5)
    assert ward.levels() == levels


@pytest.mark.parametrize(
    ("pathway", "name", "answers", "levels"),
    [
        ("heart-failure", "breathlessness", {"now": "usual"}, []),
        ("heart-failure", "breathlessness", {"now": "more", "since": 2}, [2]),
        ("heart-failure", "breathlessness", {"now": "rest"}, [3]),
        ("heart-failure", "swelling", {"now": "yes", "pillows": 3}, [1]),
        ("post-operative", "wound", {"changed": "yes", "fever": "no"}, [1]),
        ("post-operative", "wound", {"changed": "yes", "fever": "yes"}, [2]),
        ("cardiac-surgery-waiting-list", "appointment", {"needed": "no", "why": "better"}, [1]),
        ("cardiac-surgery-waiting-list", "appointment", {"needed": "yes"}, []),
        ("heart-failure", "wound", {"changed": "yes", "fever": "yes"}, []),
    ],
)
def test_every_questionnaire_has_its_rules_on_the_pathways_that_ask_it(
    tmp_path: Path, pathway: str, name: str, answers: Mapping[str, Any], levels: list[int]
) -> None:
    """And where a pathway does not ask it, what is said is kept and raises nothing."""
    ward = Waiting(tmp_path / "ward.db", pathway)
    with closing(ward.db):
        ward.says(answers, 5, name)
        assert ward.levels() == levels
        assert all_the_same(ward)


def test_part_of_a_set_is_heard(ward: Waiting) -> None:
    """Worse, and then nothing more: the connection may have gone with the patient's strength."""
    ward.says({"compared": "worse"}, 5)
    assert ward.levels() == [1]


def test_the_same_as_before_does_not_end_worse_and_better_does_only_over_a_day(ward: Waiting) -> None:
    """The same as worse is worse. Better, and better again a day later, is over, as for anything of level 1."""
    ward.says(WORSE, 5)
    ward.says(SAME, 7 * DAYS)
    ward.says(SAME, 14 * DAYS)
    assert ward.state()[0] == "new"
    ward.says(BETTER, 21 * DAYS)
    assert ward.state()[0] == "new"
    ward.says(SAME, 22 * DAYS)
    ward.says(BETTER, 28 * DAYS)
    assert ward.state()[0] == "new"
    ward.says(BETTER, 29 * DAYS)
    assert ward.state()[0] == "closed"
    assert all_the_same(ward)


def test_silence_ends_nothing(ward: Waiting) -> None:
    """However long nothing is said."""
    ward.says(WORSE, 5)
    ward.until(60 * DAYS)
    assert ward.state() == ("new", 1, False)


def test_better_does_not_settle_what_a_score_raised(ward: Waiting) -> None:
    """Somebody who is ill by the numbers and feels better is ill."""
    ward.hears(ILL, 10)
    assert ward.state()[:2] == ("new", 3)
    for day in range(1, 6):
        ward.says(BETTER, day * DAYS)
    assert ward.state()[:2] == ("new", 3)


def test_good_readings_do_not_settle_what_an_answer_raised(ward: Waiting) -> None:
    """The score is over, chest pain is not."""
    ward.says(ALARMING, 5)
    ward.hears(ILL, 10)
    for minute in range(20, 200, 10):
        ward.hears(WELL, minute)
    assert ward.state()[:2] == ("new", 2)
    assert all_the_same(ward)


def test_answers_that_stop_leave_what_stands_on_them_unseen(ward: Waiting) -> None:
    """A day after they were due the alert is blind, the technical alert says so, and better is not believed at once."""
    ward.says(ALARMING, 5)
    ward.looks(7 * DAYS + 22 * 60)
    assert ward.state() == ("new", 2, False)
    ward.looks(8 * DAYS)
    assert ward.state() == ("new", 2, True)
    names = {what for what, _ in ward.fell_due()}
    assert "answers:wellbeing" in names
    ward.says(BETTER, 8 * DAYS + 10)
    ward.looks(8 * DAYS + 20)
    assert ward.state() == ("new", 2, False)
    assert all_the_same(ward)


def test_an_answer_beside_a_score_makes_the_alert_stand_on_both(ward: Waiting) -> None:
    """What was answered is a part of what has to be seen, also where a score had raised the alert."""
    ward.hears(ILL, 5)
    ward.says(ALARMING, 10)
    ((parts,),) = ward.rows("select parts from alert where lane = 'clinical'")
    assert "answers:wellbeing" in parts
    assert "respiratory_rate" in parts


def test_an_answer_that_came_late_raises_and_clears_nothing(ward: Waiting) -> None:
    """A hub that was off for two days brings worse; better that is older than worse ends nothing."""
    ward.says(BETTER, 3 * DAYS)
    ward.says(WORSE, 2 * DAYS, late=2 * DAYS)
    assert ward.levels() == [1]
    ((late,),) = ward.rows("select late from alert where lane = 'clinical'")
    assert late == 1
    assert all_the_same(ward)


def test_whose_answer_it_is_goes_by_who_had_the_hub_then(ward: Waiting) -> None:
    """A hub that went to p2 brings what p1 said on it before: it is p1's alert."""
    by = By(actor="test", at_ms=T0 + 60 * MINUTE)
    ward.until(60)
    registers.return_device(ward.db, "of-p1", T0 + 60 * MINUTE, by)
    ward.admit("p2", T0 + 60 * MINUTE, device="of-p2")
    registers.assign(ward.db, "of-p1", "p2", T0 + 61 * MINUTE, by)
    ward.says(WORSE, 30, late=60)
    patients = ward.rows("select patient from alert join stay using (stay_no) where lane = 'clinical'")
    assert patients == [("p1",)]


def test_batches_and_restarts_change_nothing(tmp_path: Path) -> None:
    """A month of answers and readings in some order: the same alerts one by one, all at once, and after restarts."""
    dice = random.Random(18)
    making = Waiting(tmp_path / "making.db")
    found = []
    for number in range(60):
        at_ms = T0 + number * 11 * HOUR
        answers = dice.choice([BETTER, SAME, WORSE, ALARMING])
        found.append(making.said(answers, at_ms - dice.choice([0, 0, 30 * HOUR]), at_ms))
    making.db.close()
    found = [one for one in found if one.message.readings[0].observed_ms >= T0]
    stored = []
    for name, batch in (("singly", 1), ("at once", 1 << 20), ("restarted", 3)):
        ward = Waiting(tmp_path / f"{name}.db")
        ward._batch = batch
        ward.started()
        for number, arrival in enumerate(found):
            ward.store(arrival)
            if name != "at once":
                ward.score(arrival.received_ms)
            if name == "restarted" and number % 7 == 0:
                ward.merge()
                ward.started()
        ward.score(found[-1].received_ms)
        stored.append({key: rows for key, rows in ward.stored().items() if key != "scores"})
        ward.db.close()
    assert stored[0] == stored[1] == stored[2]
    assert stored[0]["alerts"]


def test_a_recording_with_answers_raises_what_the_ward_looks_for(tmp_path: Path) -> None:
    """By the same rules as a live ward, here switched on by the ward itself."""
    path = tmp_path / "said.csv"
    path.write_text(
        "patient,time,vital,value,unit\n"
        "p1,2026-11-18T10:00:00Z,answer:wellbeing.compared,worse,\n"
        "p1,2026-11-18T10:00:00Z,answer:wellbeing.what,breathing,\n"
        "p1,2026-11-18T10:00:00Z,answer:wellbeing.sudden,no,\n"
        "p1,2026-11-18T10:00:00Z,spo2,97,%\n"
        "p1,2026-11-18T10:00:00Z,answer:breathlessness.now,the cat,\n",
        encoding="utf-8",
    )
    limits = tuple(
        WardLimit(rule=rule, author="round", reason="agreed", from_ms=0, to_ms=None, enabled=True)
        for rule in ("answer_worse", "answer_alarming")
    )
    ward = WardSettings(id="resp", name="Respiratory", limits=limits)
    versions = Provenance(config_hash="test", plans=plans.load_all(), wards={"resp": ward})
    done = into(tmp_path / "rec.db", list(read(path)), "resp", versions, lambda _done, _of: None)
    assert (done.stored, done.refused) == (5, 1)
    with closing(database.open_reader(tmp_path / "rec.db")) as db:
        assert db.execute("select level, state from alert where lane = 'clinical'").fetchall() == [(2, "new")]
        assert db.execute("select reason from quarantine").fetchall() == [("answer_not_a_choice",)]
