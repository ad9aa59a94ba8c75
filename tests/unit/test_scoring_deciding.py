"""The single measurement that would settle a score: cases that a reader can check on the chart."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from vwmon.scoring import charts, deciding, deciding_columns, reference, vectorised
from vwmon.scoring.charts import PARTS
from vwmon.scoring.deciding import Decider
from vwmon.scoring.records import Band, Table

NEWS2, PEWS, QSOFA = charts.load("news2"), charts.load("pews"), charts.load("qsofa")
SCALE_1, SCALE_2 = {"spo2_scale": 1}, {"spo2_scale": 2}
WELL = {
    "respiratory_rate": 16.0,
    "spo2": 97.0,
    "oxygen": 0.0,
    "systolic_bp": 120.0,
    "heart_rate": 70.0,
    "consciousness": 0.0,
    "temperature": 37.0,
}


def found(changed: Mapping[str, float | None], context: Mapping[str, int] = SCALE_1) -> Decider | None:
    """Ask about someone who is well but for the changes."""
    return deciding.decider(NEWS2, WELL | dict(changed), context)


def test_a_respiratory_rate_decides_between_4_and_7() -> None:
    """4 points without it: with it 4 to 7, which are low and high, and everything else is known."""
    decider = found({"respiratory_rate": None, "spo2": 93.0, "systolic_bp": 95.0})
    assert decider == Decider(measure="respiratory_rate", settles=True, low=4, high=7, low_band="low", high_band="high")
    assert decider.sentence("respiratory rate") == (
        "measure respiratory rate now: it decides between 4 and 7 (low or high)"
    )


def test_a_complete_score_asks_for_nothing() -> None:
    """It is settled."""
    assert found({}) is None


def test_a_score_whose_response_is_certain_asks_for_nothing() -> None:
    """7 points are high, whatever the temperature."""
    assert found({"temperature": None, "respiratory_rate": 30.0, "systolic_bp": 80.0, "oxygen": 2.0}) is None


def test_with_one_part_missing_that_part_settles_it() -> None:
    """Whatever it is, as soon as it leaves more than one response open."""
    for name in PARTS:
        decider = found({name: None, "heart_rate": 131.0} if name != "heart_rate" else {name: None})
        if decider is not None:
            assert (decider.measure, decider.settles) == (name, True)


def test_what_surely_settles_it_and_what_only_may_are_told_apart() -> None:
    """With 5 points, oxygen makes 7 at most; with the temperature missing too only both could settle it for sure."""
    sure = found({"oxygen": None, "respiratory_rate": 25.0, "spo2": 93.0})
    assert sure is not None
    assert (sure.measure, sure.settles, sure.low, sure.high) == ("oxygen", True, 5, 7)
    maybe = found({"oxygen": None, "temperature": None, "respiratory_rate": 25.0, "spo2": 93.0})
    assert maybe is not None
    assert (maybe.measure, maybe.settles, maybe.low, maybe.high) == ("temperature", False, 5, 10)
    assert maybe.sentence("temperature").startswith("measure temperature now: it may decide between 5 and 10")


def test_on_scale_2_the_oxygen_decides_the_saturation_too() -> None:
    """97 % is nothing on air, and 3 + 2 on oxygen."""
    decider = found({"oxygen": None}, SCALE_2)
    assert decider == Decider(measure="oxygen", settles=True, low=0, high=5, low_band="low", high_band="medium")


def test_where_no_single_measurement_could_settle_it_none_is_named() -> None:
    """With everything missing there is no telling what one of them would do."""
    assert deciding.decider(NEWS2, {}, SCALE_1) is None


def test_of_two_that_may_settle_it_the_one_that_takes_most_from_the_highest_total_is_named() -> None:
    """On qSOFA with one positive part each of the others may settle it, and the first on the chart is named."""
    decider = deciding.decider(QSOFA, {"gcs": 14.0}, {})
    assert decider is not None
    assert (decider.measure, decider.settles) == ("respiratory_rate", False)
    assert (decider.low, decider.high) == (1, 3)


def test_a_question_may_be_what_settles_it() -> None:
    """On PEWS, when only the carer has not been asked."""
    child = {
        "respiratory_rate": 22.0,
        "respiratory_distress": 0.0,
        "spo2": 98.0,
        "oxygen_device": 0.0,
        "heart_rate": 90.0,
        "capillary_refill": 1.0,
        "systolic_bp": 100.0,
        "consciousness": 0.0,
        "clinical_intuition": 0.0,
        "specific_concern": 0.0,
    }
    decider = deciding.decider(PEWS, child, {"age_band": "5-12y"})
    assert decider is not None
    assert (decider.measure, decider.settles, decider.low_band, decider.high_band) == (
        "carer_concern",
        True,
        "none",
        "emergency",
    )
    assert decider.sentence("carer concern") == "find out carer concern: it decides between none and emergency"


@pytest.mark.hazard("H8")
@pytest.mark.parametrize("name", ["news2", "news", "mews", "qsofa"])
def test_a_measurement_that_settles_it_leaves_one_response_whatever_it_shows(name: str) -> None:
    """The promise, checked against scores with every value that the part could have."""
    chart = charts.load(name)
    context = {"spo2_scale": 2} if name == "news2" else {}
    worst = {part.name: deciding.trials(part)[0] for part in chart.parts}
    for gone in itertools.combinations(worst, 2):
        values = {part: value for part, value in worst.items() if part not in gone}
        decider = deciding.decider(chart, values, context)
        if decider is None or not decider.settles:
            continue
        for value in (n / 2 for n in range(500)):
            settled = reference.score(chart, {**values, decider.measure: value}, context)
            if decider.measure not in settled.missing:
                assert settled.band
                assert decider.low <= settled.total_min <= settled.total_max <= decider.high


@pytest.mark.parametrize("scale", [1, 2])
def test_what_was_kept_of_a_score_leads_to_the_same_answer(scale: int) -> None:
    """Stored are the points and not the readings: every combination of bands, with each pair of parts missing."""
    trials = {part.name: deciding.trials(part) for part in NEWS2.parts}
    context = {"spo2_scale": scale}
    for shift in range(12):
        values = {name: each[(shift * (2 + at)) % len(each)] for at, (name, each) in enumerate(trials.items())}
        for gone in itertools.combinations(PARTS, 2):
            seen = {name: value for name, value in values.items() if name not in gone}
            score = reference.score(NEWS2, seen, context)
            kept = {name: bounds for name, bounds in score.points.items() if name not in score.missing}
            again = deciding.values_like(NEWS2, kept, context)
            assert again.keys() == kept.keys()
            assert deciding.decider(NEWS2, again, context) == deciding.decider(NEWS2, seen, context)


def test_a_part_is_tried_where_each_band_begins_and_one_step_below() -> None:
    """Once in every way that it can score; of a band without ends, whatever is read is as good."""
    pulse = next(part for part in NEWS2.parts if part.name == "heart_rate")
    assert deciding.trials(pulse) == (40.0, 41.0, 51.0, 91.0, 111.0, 131.0)
    endless = replace(pulse, tables=(Table(when=(), bands=(Band(lower=None, upper=None, points=0),)),))
    assert deciding.trials(endless) == (-1.0,)


def test_what_no_reading_scores_like_is_left_out() -> None:
    """Points that no band has, of another version of the chart perhaps, become no reading."""
    kept = {"heart_rate": (9, 9), "respiratory_rate": (3, 3)}
    found = deciding.values_like(NEWS2, kept, {"spo2_scale": 1})
    assert list(found) == ["respiratory_rate"]


@pytest.mark.parametrize("name", ["news2", "news", "mews", "qsofa"])
def test_columns_name_the_same_measurement_where_several_could_decide(name: str) -> None:
    """Every pair missing, with many mixtures of bands: the one that moves the highest total most, in both readings."""
    chart = charts.load(name)
    tried = {part.name: deciding.trials(part) for part in chart.parts}
    sets = [
        {
            part: each[(shift * (3 + at)) % len(each)]
            for at, (part, each) in enumerate(tried.items())
            if part not in gone
        }
        for shift in range(15)
        for gone in itertools.combinations(tried, 2)
    ]
    values = np.array([[one.get(part, np.nan) for part in tried] for one in sets])
    context = {"spo2_scale": np.full(len(sets), 2)} if name == "news2" else {}
    found = deciding_columns.deciders(chart, values, context, vectorised.score(chart, values, context))
    names = (*deciding_columns.candidates(chart), None)
    plain = [deciding.decider(chart, one, SCALE_2 if context else {}) for one in sets]
    assert [names[at] for at in found.measure.tolist()] == [one and one.measure for one in plain]
    several = [one for one in plain if one is not None and not one.settles]
    assert len(several) > 3
