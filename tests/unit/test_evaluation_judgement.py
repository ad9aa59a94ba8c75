"""Figures with their intervals: paired draws, thresholds of a ward, groups."""

import numpy as np
import pytest

from tests.unit.test_evaluation_alert_load import HOUR, stays
from vwmon.evaluation.judgement import Terms, judge, judge_some, named
from vwmon.evaluation.moments import Moments
from vwmon.evaluation.scored import Scored
from vwmon.kernels.ragged import Floats

TERMS = Terms(loads=(0.5, 1.0), lockout_ms=12 * HOUR, draws=60, seed=1)


def ward(patients: int = 60) -> Moments:
    """Lay out stays of a day; every fourth patient has an event at its end."""
    return stays([24] * patients, dict.fromkeys(range(0, patients, 4), 24))


def scored(moments: Moments, signal: float, seed: int = 1) -> Scored:
    """Score moments by chance, higher by the signal where the event is to come."""
    rank = np.random.default_rng(seed).normal(size=len(moments)) + signal * moments.positive
    return Scored(rank=rank, complete=np.ones(len(moments), dtype=np.bool_))


def test_every_figure_lies_in_its_interval() -> None:
    """And there is one of each alarm at each load."""
    moments = ward()
    (judged,) = judge(moments, [scored(moments, 1.5)], TERMS).judged
    assert named("sensitivity", 0.5) in judged.figures
    assert named("lead_hours", 1.0) in judged.figures
    for name, figure in judged.figures.items():
        assert figure.low <= figure.value <= figure.high or figure.value == pytest.approx(figure.low), name


def test_an_interval_narrows_with_the_patients() -> None:
    """And not with their moments, which are alike."""

    def width(patients: int, repeats: int) -> float:
        moments = ward(patients)
        own: Floats = np.random.default_rng(2).normal(size=patients)[moments.patient] + 1.0 * moments.positive
        terms = Terms(loads=(), lockout_ms=HOUR, draws=100, seed=1)
        (judged,) = judge(moments, [Scored(rank=own, complete=moments.positive)] * repeats, terms).judged[:1]
        return judged.figures["auroc"].high - judged.figures["auroc"].low

    assert width(400, 1) < 0.7 * width(60, 1)
    assert width(60, 2) == width(60, 1)


def test_a_better_score_differs_by_more_than_chance() -> None:
    """The difference is paired: its interval is narrower than the two apart would make it."""
    moments = ward()
    noise = np.random.default_rng(3).normal(size=len(moments))
    good, poor = (Scored(rank=noise + signal * moments.positive, complete=moments.positive) for signal in (1.5, 0.8))
    compared = judge(moments, [good, poor], TERMS)
    difference = compared.differences[0]["auroc"]
    one, other = (judged.figures["auroc"] for judged in compared.judged)
    assert difference.value == pytest.approx(one.value - other.value)
    assert difference.low > 0
    assert difference.high - difference.low < (one.high - one.low) + (other.high - other.low)


def test_a_score_of_the_hour_tells_nothing_within_it() -> None:
    """It looks good over all hours, because events come late in a stay, and is worth nothing at a bedside."""
    moments = ward()
    clock = Scored(rank=moments.hour.astype(np.float64), complete=moments.positive)
    (judged,) = judge(moments, [clock], TERMS).judged
    assert judged.figures["auroc"].value > 0.6
    assert judged.figures["auroc_same_hour"].value == 0.5


def test_a_group_is_judged_at_the_thresholds_of_all() -> None:
    """Everyone together has the load that was asked for, the two halves of a ward need not."""
    moments = ward()
    rank = np.where(moments.patient < 30, 1.0, 0.0) + np.random.default_rng(4).random(len(moments)) * 0.9
    score = Scored(rank=rank, complete=moments.positive)
    whole = judge(moments, [score], TERMS).judged
    low, high = np.arange(60) >= 30, np.arange(60) < 30
    loads = []
    for chosen in (low, high):
        part, (judged,) = judge_some(moments, [score], whole, chosen, TERMS)
        assert len(part.members) == 30
        loads.append(judged.figures[named("alerts_per_day", 0.5)].value)
    assert whole[0].figures[named("alerts_per_day", 0.5)].value == pytest.approx(0.5)
    assert loads[0] == pytest.approx(0, abs=0.01)
    assert np.mean(loads) == pytest.approx(0.5, abs=0.01)
