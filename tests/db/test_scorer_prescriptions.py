"""Prescriptions at work: each score by the scale of its moment, whatever came or was written first, and told again."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.test_scorer import MINUTE, SCORES, T0, WELL, message
from tests.db.test_scorer_limits import Limited, all_the_same
from vwmon.config_limits import WardLimit
from vwmon.patients import plans
from vwmon.patients.prescriptions import SCALE, USUAL
from vwmon.patients.records import By
from vwmon.scoring import charts, reference
from vwmon.scoring.charts import PARTS
from vwmon.store import prescribing
from vwmon.store.prescribing import Wanted

LOW = WELL | {"spo2": 89.0}  # 3 on scale 1, 0 on scale 2
OXYGEN = WELL | {"spo2": 97.0, "oxygen": 2.0}  # 0 + 2 on scale 1, 3 + 2 on scale 2
VALID_MS = {name: one.valid_ms for name, one in plans.load("acute-respiratory").vitals.items()}


class Prescribed(Limited):
    """A watched ward whose clinicians prescribe."""

    def wanted(self, scale: int | None, from_min: float | None, to_min: float | None, **more: Any) -> Wanted:  # noqa: ANN401 -- fields of Wanted
        """Say what is to be prescribed for p1."""
        said: dict[str, Any] = {
            "patient": "p1",
            "what": SCALE,
            "scale": scale,
            "target": (88, 92) if scale == 2 else None,
            "prescriber": "Dr Ada",
            "reason": "hypercapnic",
            "from_ms": self.now_ms if from_min is None else T0 + round(from_min * MINUTE),
            "to_ms": None if to_min is None else T0 + round(to_min * MINUTE),
        }
        return Wanted(**said | more)

    def prescribes(
        self,
        scale: int | None = 2,
        *,
        from_min: float | None = None,
        to_min: float | None = None,
        **more: Any,  # noqa: ANN401 -- fields of Wanted
    ) -> None:
        """Prescribe a scale for p1 now, or end one."""
        act = prescribing.end if scale is None and "usual" not in more else prescribing.put
        act(self.db, self.wanted(scale, from_min, to_min, **more), By(actor="ann", at_ms=self.now_ms))

    def totals(self) -> dict[float, tuple[int, bool]]:
        """Read the scores by their minute: the total, and whether it was known late."""
        found = self.rows("select at_ms, total_min, late from score order by at_ms")
        return {(at_ms - T0) / MINUTE: (total, bool(late)) for at_ms, total, late in found}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Prescribed]:
    """A ward with one patient, for whom nothing is prescribed."""
    ward = Prescribed(tmp_path / "ward.db")
    ward.admit("p1")
    with closing(ward.db):
        yield ward


@pytest.mark.hazard("H9")
def test_the_next_reading_is_scored_by_the_new_scale_and_those_before_keep_theirs(ward: Prescribed) -> None:
    """A score that stands is not touched by the prescription; an alert on it is over by good readings only."""
    ward.hears(LOW, 10)
    ward.hears(LOW, 16)
    assert ward.levels() == [2]
    ward.until(20)
    ward.prescribes()
    ward.until(30)
    assert (ward.totals(), ward.levels()) == ({10: (3, False)}, [2])
    for minute in (31, 45, 58):
        ward.hears(LOW, minute)
    assert ward.totals() == {10: (3, False), 31: (0, False)}
    assert ward.rows("select state from alert where lane = 'clinical'") == [("new",)]
    ward.hears(LOW, 62)
    assert ward.rows("select state from alert where lane = 'clinical'") == [("settled",)]
    assert all_the_same(ward)


@pytest.mark.hazard("H9")
def test_a_late_reading_is_scored_by_the_scale_of_its_own_time(ward: Prescribed) -> None:
    """Observed before the prescription, it is of the scale before, whenever it comes."""
    ward.hears(WELL, 5)
    ward.until(20)
    ward.prescribes()
    ward.hears(LOW, 30)
    ward.hears(LOW, 19, late=15)
    assert ward.totals() == {5: (0, False), 19: (3, True), 30: (0, False)}
    assert all_the_same(ward)


def test_a_scale_that_is_still_to_come_holds_when_it_has_come(ward: Prescribed) -> None:
    """From its moment on, which belongs to it, up to its end, which does not; after that it is scale 1."""
    ward.until(1)
    ward.prescribes(from_min=30, to_min=60)
    for minute in (10, 30, 59, 60):
        ward.hears(LOW, minute)
    assert {at: total for at, (total, _) in ward.totals().items()} == {10: 3, 30: 0, 60: 3}
    assert all_the_same(ward)


@pytest.mark.hazard("H9")
def test_a_prescription_of_before_now_completes_the_history_and_clears_nothing(ward: Prescribed) -> None:
    """What it makes of scores that stand is known late: the alert stands until new readings are good."""
    for minute in (10, 16, 40, 55):
        ward.hears(LOW, minute)
    ward.until(60)
    ward.prescribes(from_min=12)
    ward.until(70)
    assert ward.totals() == {10: (3, False), 16: (0, True)}
    assert ward.rows("select state from alert where lane = 'clinical'") == [("new",)]
    for minute in (71, 86, 102):
        ward.hears(LOW, minute)
    assert ward.rows("select state from alert where lane = 'clinical'") == [("settled",)]
    assert all_the_same(ward)


@pytest.mark.hazard("H9")
def test_a_prescription_of_before_now_raises_what_it_shows(ward: Prescribed) -> None:
    """Five on scale 2 was two on scale 1: it is raised now, marked late, and tells the same again."""
    for minute in (10, 16):
        ward.hears(OXYGEN, minute)
    ward.until(20)
    assert ward.levels() == []
    ward.prescribes(from_min=5)
    ward.until(25)
    assert ward.levels() == [2]
    assert ward.rows("select late from alert where lane = 'clinical'") == [(1,)]
    assert all_the_same(ward)


def test_a_prescription_of_before_now_breaks_no_silence(ward: Prescribed) -> None:
    """Nothing new was heard of the patient: what was overdue and what is are told no second time, and nothing ends."""
    ward.hears(LOW, 10)
    ward.hears(LOW, 55)
    ward.until(90)

    def silences() -> list[tuple[Any, ...]]:
        return ward.rows(
            "select kind, at_ms from alert_event join alert using (alert_no) where lane = 'technical' order by event_no"
        )

    before, due = silences(), ward.fell_due()
    assert due
    assert len(before) > 1
    ward.prescribes(from_min=5)
    ward.until(92)
    assert (silences(), ward.fell_due()) == (before, due)
    assert all_the_same(ward)


def test_a_prescription_of_before_now_finds_no_silence_in_what_was_heard_long_ago(
    ward: Prescribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that waits less long would call it one; whoever was waited for then is on time for good."""
    for minute in (10, 35, 50):
        ward.hears(LOW, minute)
    ward.until(52)
    pathways = plans.load_all()
    plan = pathways["acute-respiratory"]
    hasty = {part: replace(one, overdue_ms=15 * MINUTE) for part, one in plan.vitals.items()}
    monkeypatch.setattr(
        "vwmon.scorer.plans.load_all", lambda: {**pathways, "acute-respiratory": replace(plan, vitals=hasty)}
    )
    ward.started(ward.now_ms)
    ward.prescribes(from_min=5)
    ward.until(53)
    assert {at: total for at, (total, _) in ward.totals().items()} == {10: 0}
    assert ward.rows("select lane from alert where lane = 'technical'") == []


def test_an_ended_scale_is_scale_1_again(ward: Prescribed) -> None:
    """From the next reading on."""
    ward.until(1)
    ward.prescribes()
    ward.hears(LOW, 10)
    ward.until(11)
    ward.prescribes(None)
    ward.hears(LOW, 20)
    assert {at: total for at, (total, _) in ward.totals().items()} == {10: 0, 20: 3}
    assert all_the_same(ward)


def below(ward: Prescribed, *, spo2: float, minutes: Sequence[float]) -> list[tuple[Any, ...]]:
    """Hear a saturation some times, and give what was raised of the patient, with the rules behind it."""
    for minute in minutes:
        ward.hears(WELL | {"spo2": spo2}, minute)
    return ward.rows(
        "select level, json_extract(evidence, '$.rules') from alert where lane = 'clinical' and state <> 'closed'"
    )


@pytest.mark.hazard("H32")
@pytest.mark.parametrize(
    ("spo2", "raised"),
    [(86.0, [(1, '["spo2_below_target"]')]), (87.9, [(1, '["spo2_below_target"]')]), (88.0, []), (92.0, [])],
)
def test_a_saturation_below_the_prescribed_range_is_watched(
    ward: Prescribed, spo2: float, raised: list[tuple[Any, ...]]
) -> None:
    """Once a repeat bears it out; the ends of the range belong to it."""
    ward.until(1)
    ward.prescribes()
    assert below(ward, spo2=spo2, minutes=(5, 11)) == raised
    assert all_the_same(ward)


@pytest.mark.parametrize(("target", "raised"), [(None, [(2, '["news2_red"]')]), ((80, 84), [(2, '["news2_red"]')])])
def test_no_range_is_made_up(ward: Prescribed, target: tuple[int, int] | None, raised: list[tuple[Any, ...]]) -> None:
    """Without a target, and within a lower one, nothing is below the range."""
    ward.until(1)
    ward.prescribes(1, target=target)
    assert below(ward, spo2=84.0, minutes=(5, 11)) == raised


def test_the_nearest_change_knows_where_the_range_begins(ward: Prescribed) -> None:
    """Every table of the chart scores 98 % as it does 97, and a rule on the value itself does not."""
    ward.until(1)
    ward.prescribes(1, target=(98, 100))
    assert below(ward, spo2=97.0, minutes=(5, 11)) == [(1, '["spo2_below_target"]')]
    found = ward.explained(ward.open_alerts()[0]).nearest
    assert found is not None
    assert found.change is not None
    assert found.change.value == 98.0


def test_a_range_counts_from_when_it_was_written(ward: Prescribed) -> None:
    """A message that was received before is judged without it, as with any limit."""
    assert below(ward, spo2=95.0, minutes=(5, 11)) == []
    ward.prescribes(1, target=(96, 98), from_min=1)
    ward.until(15)
    assert below(ward, spo2=95.0, minutes=(16, 22)) == [(1, '["spo2_below_target"]')]
    assert all_the_same(ward)


def test_a_ward_or_the_patient_s_own_plan_can_do_without_the_rule(tmp_path: Path) -> None:
    """But neither can say where it holds: that is prescribed."""
    off = WardLimit(rule="spo2_below_target", author="round", reason="agreed", from_ms=T0, to_ms=None, enabled=False)
    ward = Prescribed(tmp_path / "ward.db", off)
    ward.admit("p1")
    with closing(ward.db):
        ward.until(1)
        ward.prescribes()
        assert below(ward, spo2=86.0, minutes=(5, 11)) == []
        ward.limit({"enabled": True}, rule="spo2_below_target")
        assert below(ward, spo2=86.0, minutes=(16, 22)) == [(1, '["spo2_below_target"]')]
        with pytest.raises(Exception, match="another range is another prescription"):
            ward.limit({"limit_on": 80, "limit_off": 80}, rule="spo2_below_target")


@pytest.mark.hazard("H29")
def test_a_rule_on_a_stated_usual_says_which_it_was(ward: Prescribed) -> None:
    """A dry weight of 80 kg, and 82.4 on two weighings, from the first day on."""
    ward.until(1)
    ward.prescribes(None, what=USUAL, vital="weight", usual=80.0)
    ward.limit({"enabled": True}, rule="weight_from_stated")
    for minute in (10, 20):
        ward.hears({"weight": 82.4}, minute)
    assert ward.levels() == [1]
    (said,) = ward.rows("select json_extract(evidence, '$.sentences') from alert where lane = 'clinical'")[0]
    assert "2.4 kg above the usual that a clinician stated, 80.0 kg" in said
    assert all_the_same(ward)


def test_without_a_stated_usual_such_a_rule_says_nothing(ward: Prescribed) -> None:
    """No baseline stands in for it."""
    ward.until(1)
    ward.limit({"enabled": True}, rule="weight_from_stated")
    for minute in (10, 20):
        ward.hears({"weight": 182.4}, minute)
    assert ward.levels() == []


Written = tuple[int, int | None, int, int | None]  # when it is written, the scale or its end, from when and until when
Heard = tuple[int, int, dict[str, float]]  # observed at, received at, and the values


def scale_at(prescriptions: Sequence[Written], minute: float) -> int:
    """Say by hand which scale holds at a minute: the last word that was written about it."""
    holds = 1
    for _, scale, from_min, to_min in prescriptions:
        if from_min <= minute:
            holds = scale if scale is not None and (to_min is None or minute < to_min) else 1
    return holds


def scored_by_hand(heard: Sequence[Heard], prescriptions: Sequence[Written]) -> dict[int, tuple[int, int]]:
    """Score every moment by a plain reading of the chart: what was last observed and still counts, by its scale."""
    chart, found = charts.load("news2"), {}
    for minute in sorted({at for at, _, _ in heard}):
        values: dict[str, tuple[int, float]] = {}
        for at, _, said in sorted(heard, key=lambda one: one[0]):
            for part, value in said.items():
                if at <= minute and (minute - at) * MINUTE <= VALID_MS[part]:
                    values[part] = (at, value)
        known = {part: value for part, (_, value) in values.items()}
        score = reference.score(chart, known, {"spo2_scale": scale_at(prescriptions, minute)})
        found[minute] = (score.total_min, score.total_max)
    return found


@st.composite
def lived(draw: st.DrawFn) -> tuple[list[Heard], list[Written]]:
    """Readings that come in any order, and prescriptions of before and after the time at which each is written."""
    minutes = draw(st.lists(st.integers(1, 200), min_size=2, max_size=14, unique=True))
    values = {"spo2": st.sampled_from([82.0, 87.0, 89.0, 93.0, 96.0, 98.0]), "oxygen": st.sampled_from([0.0, 2.0])}
    said = st.fixed_dictionaries({}, optional=values).filter(bool)
    heard = [(at, at + draw(st.integers(0, 90)), draw(said)) for at in minutes]
    times = sorted(draw(st.lists(st.integers(1, 280), max_size=4, unique=True)))
    written: list[Written] = []
    for at in times:
        from_min, lasts = draw(st.integers(0, 260)), draw(st.one_of(st.none(), st.integers(1, 120)))
        scale = draw(st.sampled_from([1, 2, 2]))
        written.append((at, scale, from_min, None if lasts is None else from_min + lasts))
    return heard, written


def live(path: Path, heard: Sequence[Heard], written: Sequence[Written], chance: random.Random) -> list[Any]:
    """Live through it, with restarts and batches anywhere, and give the scores."""
    ward = Prescribed(path)
    ward.admit("p1")
    steps: list[tuple[int, int, Any]] = [*((one[0], 0, one) for one in written), *((one[1], 1, one) for one in heard)]
    with closing(ward.db):
        for minute, is_heard, step in sorted(steps, key=lambda one: one[:2]):
            ward.now_ms = T0 + minute * MINUTE
            if is_heard:
                at_ms, device = T0 + step[0] * MINUTE, "of-p1"
                ward.store(message(f"m{step[0]}", dict(step[2]), at_ms, ward.now_ms, device))
            else:
                ward.prescribes(step[1], from_min=step[2], to_min=step[3])
            if chance.random() < 0.6:
                ward.score(ward.now_ms)
            if chance.random() < 0.1:
                ward.started(ward.now_ms)
        ward.score(ward.now_ms)
        return ward.rows(SCORES)


@pytest.mark.hazard("H9")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=lived(), seed=st.integers(0, 1 << 30))
def test_in_any_order_each_moment_is_scored_by_its_own_scale(
    tmp_path_factory: pytest.TempPathFactory, told: tuple[list[Heard], list[Written]], seed: int
) -> None:
    """As a plain reading says, whenever prescriptions are written and readings come; and the same for either order."""
    heard, written = told
    rows = live(tmp_path_factory.mktemp("ward") / "ward.db", heard, written, random.Random(seed))
    stored = {(row[1] - T0) // MINUTE: tuple(row[2:4]) for row in rows}
    for minute, total in scored_by_hand(heard, written).items():
        assert stored[max(at for at in stored if at <= minute)] == total, minute
    first = [(0, scale, from_min, to_min) for _, scale, from_min, to_min in written]
    assert live(tmp_path_factory.mktemp("ward") / "ward.db", heard, first, random.Random(seed)) == rows


@pytest.mark.parametrize("seed", range(2))
def test_what_was_prescribed_is_told_again_with_all_that_people_did(tmp_path: Path, seed: int) -> None:
    """Every alert of a stay with prescriptions of before, now and later comes out the same."""
    chance = random.Random(seed)
    ward = Prescribed(tmp_path / "ward.db")
    ward.admit("p1")
    with closing(ward.db):
        for minute in range(5, 200, 12):
            ward.hears(WELL | {"spo2": chance.choice([84.0, 89.0, 95.0]), "oxygen": chance.choice([0.0, 2.0])}, minute)
            if chance.random() < 0.4:
                from_min = max(0, minute + chance.randint(-40, 20))
                to_min = chance.choice([None, from_min + chance.randint(1, 60)])
                ward.prescribes(chance.choice([1, 2]), from_min=from_min, to_min=to_min)
            if chance.random() < 0.3:
                ward.someone_acts(chance)
            if chance.random() < 0.2:
                ward.started(ward.now_ms)
        assert ward.every_alert()
        assert all_the_same(ward)


def test_every_part_counts_by_hand() -> None:
    """The twin knows how long each counts."""
    assert set(VALID_MS) == set(PARTS)
