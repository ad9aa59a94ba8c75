"""Numbers by name at work: weights and trends raise what the plan asks for, the same however the log came."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.db.test_scorer import DAY, HOUR, MINUTE, T0, WELL, message
from tests.db.test_scorer_limits import Limited, all_the_same
from tests.db.watched_ward import differing
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.quantities import Learnt, Quantities, inputs
from vwmon.store import registers
from vwmon.store.arrivals import Arrival

DAYS = DAY // MINUTE


class Hearts(Limited):
    """A ward whose patients have heart failure and scales."""

    def admit(self, patient: str, at_ms: int = T0, *, written_ms: int | None = None, device: str = "") -> None:
        """Admit a patient to the heart failure pathway, with scales from the admission on."""
        by = By(actor="test", at_ms=at_ms if written_ms is None else written_ms)
        plan = plans.load("heart-failure")
        wanted = Admission(patient=patient, ward="resp", plan=plan, admitted_ms=at_ms, born="1950-01-01")
        registers.admit(self.db, wanted, by)
        registers.add_device(self.db, device or f"of-{patient}", by)
        registers.assign(self.db, device or f"of-{patient}", patient, at_ms, by)

    def weighs(self, kg: float, minute: float, **more: Any) -> None:  # noqa: ANN401 -- as hears has them
        """Receive one weight."""
        self.hears({"weight": kg}, minute, **more)

    def raised(self) -> list[dict[str, Any]]:
        """Read the evidence of every clinical alert."""
        rows = self.rows("select evidence from alert where lane = 'clinical' order by stay_no, ordinal")
        return [json.loads(evidence) for (evidence,) in rows]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Hearts]:
    """A ward with one patient with heart failure."""
    ward = Hearts(tmp_path / "ward.db")
    ward.admit("p1")
    with closing(ward.db):
        yield ward


def test_a_rise_of_two_kilograms_in_three_days_is_an_alert_to_watch(ward: Hearts) -> None:
    """Confirmed by a second weighing; its sentence is the evidence, and it is told again to the bit."""
    for day, kg in enumerate((80.1, 80.4, 81.0)):
        ward.weighs(kg, day * DAYS)
    ward.weighs(82.1, 3 * DAYS)
    assert ward.levels() == []
    ward.weighs(82.1, 3 * DAYS + 6)
    assert ward.levels() == [1]
    (evidence,) = ward.raised()
    assert evidence["quantities"] == {"trend:weight.rise_3d": 2.0}
    assert evidence["sentences"] == {
        "trend:weight.rise_3d": "body weight 82.1 kg is 2.0 kg above the lowest of the last 3 d, 80.1"
    }
    (alert,) = ward.open_alerts()
    found = ward.explained(alert)
    assert differing(found) == []
    assert [(rule.name, rule.level) for rule in found.rules] == [("weight_gain", 1)]
    assert found.given["weight_gain"]["enabled"].author == "heart-failure 6"
    assert [(one.quantity, one.value, len(one.readings)) for one in found.learnt] == [("trend:weight.rise_3d", 2.0, 1)]


def test_a_rise_that_nobody_weighed_again_is_an_alert_all_the_same(ward: Hearts) -> None:
    """After the time for the repeat."""
    ward.weighs(80.0, 0)
    ward.weighs(82.5, DAYS)
    ward.until(DAYS + 20)
    assert ward.levels() == [1]
    assert all_the_same(ward)


@pytest.mark.parametrize("values", [(80.0, 81.9), (80.0, 81.0, 81.9), (83.0, 82.0, 80.0), (80.0,)])
def test_less_is_no_alert(ward: Hearts, values: Sequence[float]) -> None:
    """A rise below the limit, a fall, and a first weight with nothing to compare."""
    for day, kg in enumerate(values):
        ward.weighs(kg, day * DAYS)
    ward.until(len(values) * DAYS)
    assert ward.levels() == []


def test_two_kilograms_over_five_days_are_none_of_either_rule(ward: Hearts) -> None:
    """They say what they look at: two within three days, more than two within seven."""
    for day in range(5):
        ward.weighs(80.0 + day * 0.5, day * DAYS)
    ward.until(5 * DAYS)
    assert ward.levels() == []


def test_more_than_two_kilograms_over_a_week_are_an_alert_to_watch(ward: Hearts) -> None:
    """Half a kilogram a day never is two in three days: the seventh morning before is what it is compared with."""
    for day in range(7):
        ward.weighs(80.0 + day * 0.3, day * DAYS)
    ward.weighs(82.1, 7 * DAYS + 30)
    assert ward.levels() == []
    ward.weighs(82.1, 7 * DAYS + 36)
    assert ward.levels() == [1]
    (evidence,) = ward.raised()
    assert evidence["rules"] == ["weight_gain_week"]
    assert evidence["sentences"] == {
        "trend:weight.rise_7d": "body weight 82.1 kg is 2.1 kg above the lowest of the last 7 d, 80.0"
    }
    assert all_the_same(ward)


def test_a_rise_that_both_rules_see_is_one_alert(ward: Hearts) -> None:
    """With both sentences: nobody is called twice for one scale."""
    ward.weighs(80.0, 0)
    ward.weighs(82.5, DAYS)
    ward.weighs(82.5, DAYS + 6)
    assert ward.levels() == [1]
    (evidence,) = ward.raised()
    assert sorted(evidence["rules"]) == ["weight_gain", "weight_gain_week"]


@pytest.mark.parametrize("values", [(80.0, 82.0), (80.0,), (82.5, 80.0)])
def test_two_kilograms_and_no_more_in_a_week_are_none_of_the_slower_rule(ward: Hearts, values: Sequence[float]) -> None:
    """More than two, as its source says; and of a first weight there is no rise."""
    for number, kg in enumerate(values):
        ward.weighs(kg, number * 5 * DAYS)
    ward.until(len(values) * 5 * DAYS)
    assert ward.levels() == []


@pytest.mark.hazard("H29")
def test_who_is_on_another_pathway_is_not_asked_for_weights(tmp_path: Path) -> None:
    """The same weights, no alert; unless the patient's own plan asks for it."""
    ward = Limited(tmp_path / "ward.db")
    ward.admit("p1")
    ward.hears({"weight": 80.0}, 0)
    ward.hears({"weight": 83.0}, DAYS)
    ward.until(DAYS + 30)
    assert ward.levels() == []
    ward.limit({"enabled": True}, rule="weight_gain")
    ward.hears({"weight": 83.0}, DAYS + 40)
    ward.until(DAYS + 60)
    assert ward.levels() == [1]
    assert all_the_same(ward)
    ward.db.close()


def test_a_patient_who_is_to_gain_weight_does_without_the_rule(ward: Hearts) -> None:
    """The pathway's rules, over three days and over a week, are switched off by the patient's own plan."""
    ward.limit({"enabled": False}, rule="weight_gain")
    ward.limit({"enabled": False}, rule="weight_gain_week")
    ward.weighs(80.0, 1)
    ward.weighs(84.0, DAYS)
    ward.until(DAYS + 30)
    assert ward.levels() == []


def test_a_weight_and_a_score_share_one_alert(ward: Hearts) -> None:
    """One deterioration, one item: what is ill and what is heavy are its two reasons."""
    ward.limit({"enabled": True, "limit_on": 130, "limit_off": 120, "cadence": "at_once"}, rule="weight_gain")
    ward.end_limit("weight_gain")
    ward.weighs(80.0, 1)
    ward.hears(WELL | {"heart_rate": 135.0, "spo2": 91.0, "respiratory_rate": 26.0}, DAYS)
    assert ward.levels() == [3]
    ward.weighs(83.0, DAYS + 10)
    assert ward.levels() == [3]
    assert ward.rows("select count(*) from alert where lane = 'clinical'") == [(1,)]
    assert ("weight_gain", "present") in ward.rows("select rule, state from condition")
    assert all_the_same(ward)


def lived(ward: Hearts, arrivals: Sequence[Arrival], batch: int, restart_at: int | None = None) -> Mapping[str, Any]:
    """Score a log in batches of a size, with a restart somewhere; give all that is stored."""
    ward._batch = batch
    ward.started()
    for number, arrival in enumerate(arrivals):
        if number == restart_at:
            ward.score(arrival.received_ms)
            ward.started(arrival.received_ms)
        ward.store(arrival)
    ward.score(arrivals[-1].received_ms)
    return ward.stored()


def weights(seed: int) -> list[Arrival]:
    """Make some days of weights and other vitals of two patients, late ones and repeats among them."""
    chance = random.Random(seed)
    messages = []
    for number in range(60):
        at_ms = T0 + round((number * 3.1 + chance.choice([0, 0, 0, -20])) * HOUR)
        values = {"weight": round(80 + chance.choice([0, 0.4, 1, 2.1, 3.3]), 1)}
        if chance.random() < 0.4:
            values = WELL | {"heart_rate": chance.choice([70.0, 135.0]), "spo2": chance.choice([97.0, 91.0])} | values
        elif chance.random() < 0.3:
            values = {"heart_rate": 80.0}
        device = chance.choice(["of-p1", "of-p1", "of-p2"])
        messages.append(message(f"m{number}", values, max(at_ms, T0), T0 + round(number * 3.1 * HOUR) + 500, device))
    return messages


@pytest.mark.parametrize("seed", range(4))
def test_numbers_by_name_are_the_same_however_the_log_is_cut(tmp_path: Path, seed: int) -> None:
    """Message by message, all at once, and over a restart: the same alerts with the same numbers and sentences."""
    found = []
    for name, batch, restart in (("one", 1, None), ("all", 10_000, None), ("some", 5, 30), ("merged", 17, 45)):
        ward = Hearts(tmp_path / f"{name}.db")
        ward.admit("p1")
        ward.admit("p2")
        found.append(lived(ward, weights(seed), batch, restart))
        ward.db.close()
    assert all(one == found[0] for one in found)
    assert [row[:2] for row in found[0]["conditions"] if row[1] == "weight_gain"] == [
        (1, "weight_gain"),
        (2, "weight_gain"),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_of_what_the_log_had_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In a batch of everything each number, sentence and lateness is as when the messages came one by one."""
    learnt: list[Learnt] = []
    reckon = Quantities.of

    def remembered(self: Quantities, *args: Any) -> list[Learnt]:  # noqa: ANN401 -- passed on
        found = reckon(self, *args)
        learnt.extend(found)
        return found

    monkeypatch.setattr(Quantities, "of", remembered)
    found = []
    for batch in (1, 10_000):
        learnt.clear()
        ward = Hearts(tmp_path / f"{batch}.db")
        ward.admit("p1")
        ward.admit("p2")
        lived(ward, weights(seed), batch)
        found.append(sorted((one.row, one.unit, one.noted.at_ms, repr(one.noted)) for one in learnt))
        ward.db.close()
    assert found[0] == found[1]
    assert any("late=True" in said for *_, said in found[0])
    assert any("late=False" in said for *_, said in found[0])


@pytest.mark.parametrize("seed", range(3))
def test_numbers_by_name_are_told_again_to_the_bit(tmp_path: Path, seed: int) -> None:
    """Late ones, confirmed ones and those that only a deadline opened; and limits that change what is asked for."""
    ward = Hearts(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    for number, arrival in enumerate(weights(seed)):
        ward.receives(arrival)
        if number == 30:
            ward.limit({"limit_on": 1, "limit_off": 0.5, "level": 2}, rule="weight_gain")
    assert ward.every_alert()
    assert all_the_same(ward)
    ward.db.close()


def test_scales_that_turn_out_to_be_the_patient_s_are_learnt_from(ward: Hearts) -> None:
    """The register decides at the reading's own time, also afterwards; what follows is known only now."""
    ward.admit("p2")
    by = By(actor="test", at_ms=T0 + 4 * DAY)
    registers.add_device(ward.db, "scales", by)
    for day, kg in enumerate((80.0, 82.5)):
        ward.hears({"weight": kg}, day * DAYS, device="scales")
    ward.until(4 * DAYS)
    assert ward.levels() == []
    registers.assign(ward.db, "scales", "p1", T0, by)
    ward.until(4 * DAYS + 30)
    assert ward.levels() == [1]
    assert all_the_same(ward)


def test_what_a_number_rests_on_is_known_by_its_name() -> None:
    """A message that brings none of it changes nothing; a value that comes with the score is not asked for twice."""
    assert inputs("trend:weight.rise_3d") == {"weight"}
    assert inputs("value:spo2") == frozenset()
    assert inputs("answer:breathlessness.now") == {"answer:breathlessness.now"}
    assert "weight" not in inputs("trend:joint.deviation")
    assert {"consciousness", "heart_rate", "weight"} <= inputs("trend:news2.projected_6h")
