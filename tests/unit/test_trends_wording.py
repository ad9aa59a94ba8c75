"""What is said of quantities: every one in a sentence, with its numbers, and never more than is known."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.unit.test_trends_courses import WELL, Course, daily, hourly, worsening
from vwmon.errors import NotFoundError
from vwmon.scoring.trends import quantities, wording
from vwmon.scoring.trends.assess import Assessment
from vwmon.scoring.trends.table import NAMES, TRENDED

KINDS = list(quantities.OF_VITAL)


def home() -> Assessment:
    """A person at home for nine days, with a fast pulse on the ninth."""
    course = Course(seed=2)
    times = daily(9, 9.0, 20.0)
    course.add("heart_rate", times, np.where(times > 8 * 24, 104.0, 78.0), noise=0.0)
    course.add("temperature", times, 36.6, noise=0.1)
    course.add("weight", np.array([9.0]), 71.25, digits=2)
    return course.at(8 * 24 + 9.5)


def test_a_deviation_names_its_numbers() -> None:
    """The value, how far, from what, and on how much it rests."""
    said = wording.sentence(home(), 0, "heart_rate.deviation")
    found = re.fullmatch(
        r"heart rate 104 /min is (\d\.\d) robust deviations above this person's usual 78, give or take (\S+) "
        r"\(15 readings over 8 days, 08-12 h\)",
        said,
    )
    assert found is not None, said
    assert float(found[1]) * float(found[2]) == pytest.approx(26, abs=0.7)


@pytest.mark.hazard("H29")
def test_too_little_is_said_with_how_little() -> None:
    """What there is, and what it takes."""
    said = wording.sentence(home(), 0, "weight.deviation")
    assert said.startswith("there is no body weight now: the last, 71.2 kg, is 8 d old")
    course = Course()
    course.add("heart_rate", daily(3, 9.0), 70.0)
    said = wording.sentence(course.at(2 * 24 + 9.5), 0, "heart_rate.usual")
    assert "not enough to say what is usual of heart rate: 2 readings over 2 days" in said
    assert "it takes 5 times of day on 3 days, 40 h from first to last" in said


def test_units_are_as_people_write_them() -> None:
    """Not as UCUM does, which programs are given."""
    course = Course()
    for vital, value in (("systolic_bp", 128.0), ("temperature", 36.9)):
        course.add(vital, daily(1, 9.0), value)
    found = course.at(10.0)
    assert wording.sentence(found, 0, "systolic_bp.level") == "systolic blood pressure is 128 mmHg, 1 h old"
    assert wording.sentence(found, 0, "temperature.level") == "temperature is 36.9 °C, 1 h old"


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        (104.0, "heart rate 104 /min is the usual that a clinician stated, 104 /min"),
        (100.0, "heart rate 104 /min is 4 /min above the usual that a clinician stated, 100 /min"),
        (110.0, "heart rate 104 /min is 6 /min below the usual that a clinician stated, 110 /min"),
    ],
)
def test_a_value_is_held_against_what_a_clinician_stated(usual: float, said: str) -> None:
    """Above it, below it, or neither."""
    found = home()
    stated = np.where(np.array(NAMES) == "heart_rate", usual, np.nan)[None]
    assert wording.sentence(replace(found, stated=stated), 0, "heart_rate.from_stated") == said


@pytest.mark.hazard("H29")
def test_what_never_came_is_said_not_to_be_there() -> None:
    """No number is made up for it."""
    assert wording.sentence(home(), 0, "spo2.level") == "there is no reading of oxygen saturation"


@pytest.mark.hazard("H29")
def test_a_trend_names_its_bounds_and_its_window() -> None:
    """By the hour over a day, by the day over longer; and no direction where the bounds hold zero."""
    course = Course()
    course.add("heart_rate", hourly(30), 70 + hourly(30), noise=1.0)
    found = course.at(30.0)
    said = wording.sentence(found, 0, "heart_rate.slope_per_h")
    assert re.fullmatch(
        r"heart rate rises by (1|0\.9\d) /min an hour \(\+0\.\d+ to \+1\.\d; over 24 h, \d\d points\)", said
    )
    assert "expected between" in wording.sentence(found, 0, "heart_rate.projected_12h_max")
    assert re.fullmatch(r"\+(1|0\.9\d)/h", wording.shortly(found, 0, TRENDED[NAMES.index("heart_rate")]))
    assert "temperature has no sure trend: " in wording.sentence(home(), 0, "temperature.slope_per_h")
    assert " °C a day (over 3 d, 6 points)" in wording.sentence(home(), 0, "temperature.slope_per_h")


def test_too_few_points_for_a_trend_are_counted() -> None:
    """Two within a thirty-second of a week are one; and what it takes is said."""
    course = Course()
    course.add("heart_rate", np.array([1.0, 9.0, 9.5, 17.0]), 70.0)
    said = wording.sentence(course.at(18.0), 0, "heart_rate.slope_per_h")
    assert said == (
        "there is not enough for a trend of heart rate: 3 points over 16 h, "
        "and it takes 6 over half of 24 h, 3 d or 7 d"
    )


def test_reaching_a_score_is_said_on_the_wards_clock() -> None:
    """From when it could, by when it probably has, and whether it is sure; held parts are named."""
    found = worsening().at(24.0, zone="Europe/London")
    said = wording.sentence(found, 0, "news2.reaches_7_could_h")
    assert said.startswith("at this rate NEWS2 ")
    assert said.endswith("(with supplemental oxygen and consciousness held as now)")
    surely = found.ahead.reaches(7)[2][0]
    assert f"by {1 + int(surely):02d}:00" in said  # midnight UTC is one in London's summer


@pytest.mark.parametrize("points", [5, 7, 9, 14])
def test_what_is_said_of_reaching_is_what_the_bounds_say(points: int) -> None:
    """Not within twelve hours, could, between, or already: by which bounds reach it."""
    found = worsening().at(24.0)
    could, probably, surely = (float(one[0]) for one in found.ahead.reaches(points))
    said = wording.reaching(found, 0, points)
    if np.isnan(could):
        assert f"does not reach {points} within 12 h" in said
    elif surely == 0:
        assert f"has reached {points} already" in said
    elif np.isnan(surely):
        assert f"could reach {points}" in said
        assert "it is not sure to within 12 h" in said
    else:
        assert f"reaches {points} between" in said or f"reaches {points} by" in said
    assert ("probably" in said) == (not np.isnan(probably) and surely != 0)


@pytest.mark.hazard("H29")
def test_a_score_that_misses_parts_says_which() -> None:
    """And what they could add at their worst."""
    course = Course()
    course.add("heart_rate", hourly(24), 75.0, noise=2.0)
    said = wording.sentence(course.at(24.0), 0, "news2.projected_6h_max")
    assert "or 17 with what is missing at its worst" in said
    assert "not counting respiratory rate, oxygen saturation, supplemental oxygen" in said


def test_no_projection_is_said_to_be_none() -> None:
    """With the reason."""
    course = Course()
    course.add("heart_rate", np.array([20.0]), 75.0)
    for name in ("news2.reaches_5_surely_h", "news2.projected_12h"):
        said = wording.sentence(course.at(24.0), 0, name)
        assert said.startswith("there is no projection of NEWS2: no part of it has a trend (not counting")


def test_a_joint_deviation_names_what_counted_and_what_did_not() -> None:
    """Vitals that are missing now are left out, and that is said."""
    course = Course()
    for vital in ("heart_rate", "temperature", "spo2"):
        course.add(vital, daily(9, 9.0, 20.0), WELL[vital], noise=TRENDED[NAMES.index(vital)].spread)
    said = wording.sentence(course.at(8 * 24 + 20.5), 0, "joint.deviation")
    assert said.startswith("oxygen saturation, heart rate and temperature together are as unusual as one vital at ")
    assert said.endswith("left out, without a reading now or a baseline: respiratory rate and systolic blood pressure)")
    alone = Course()
    alone.add("heart_rate", daily(9, 9.0, 20.0), 70.0)
    said = wording.sentence(alone.at(8 * 24 + 20.5), 0, "joint.vitals")
    assert said.startswith("there is no joint deviation: it takes 2 vitals")


@pytest.mark.parametrize("name", list(quantities.table()))
def test_every_quantity_has_a_sentence(name: str) -> None:
    """Of someone well measured and of someone who is not; with a number where there is a value."""
    course = Course()
    course.add("heart_rate", np.array([23.0]), 75.0)
    for found in (worsening().at(24.0), home(), course.at(24.0)):
        said = wording.sentence(found, 0, name)
        assert said[0].islower() or said.startswith("NEWS2")
        assert "nan" not in said
        if not np.isnan(quantities.values(found, [name])[name][0]):
            assert re.search(r"\d", said)


def test_every_quantity_is_defined() -> None:
    """Unit, definition and needs; names are a vital's or the stay's and a kind."""
    for name, one in quantities.table().items():
        assert one.name == name
        assert one.unit
        assert len(one.definition) > 15
        assert one.needs
        assert re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", name)
    assert {f"{vital}.{kind}" for vital in NAMES for kind in KINDS} <= set(quantities.table())


def test_an_unknown_quantity_is_refused() -> None:
    """By name, also one of a vital that has no trend."""
    for name in ("heart_rate.mood", "oxygen.deviation", "news2", "joint"):
        with pytest.raises(NotFoundError, match=re.escape(name)):
            quantities.split(name)
        with pytest.raises(NotFoundError, match=re.escape(name)):
            quantities.values(home(), [name])


def test_the_quantities_of_the_last_day_are_of_its_readings() -> None:
    """Lowest, highest and how many, single readings and not occasions."""
    course = Course()
    course.add("spo2", np.array([0.0, 5.0, 5.1, 20.0, 23.0]), np.array([80.0, 96.0, 91.0, 97.0, 95.0]))
    found = quantities.values(course.at(24.5), [f"spo2.{kind}" for kind in ("readings_24h", "min_24h", "max_24h")])
    assert [float(one[0]) for one in found.values()] == [4, 91, 97]


@pytest.mark.parametrize(
    ("hours", "values", "rise", "said"),
    [
        ([0, 24, 48], [80.1, 80.6, 82.1], 2.0, "body weight 82.1 kg is 2.0 kg above the lowest of the last 3 d, 80.1"),
        ([0, 83.9], [80.0, 82.0], 2.0, "body weight 82.0 kg is 2.0 kg above the lowest of the last 3 d, 80.0"),
        (
            [0, 30, 84.1],
            [70.0, 80.0, 82.0],
            2.0,
            "body weight 82.0 kg is 2.0 kg above the lowest of the last 3 d, 80.0",
        ),
        ([0, 20, 30], [82.0, 81.0, 80.5], 0.0, "body weight 80.5 kg is 0.0 kg above the lowest of the last 3 d, 80.5"),
        ([0, 0.1], [80.0, 84.0], None, "body weight has no earlier reading in the last 3 d to compare with"),
        ([0, 90], [80.0, 84.0], None, "body weight has no earlier reading in the last 3 d to compare with"),
    ],
)
def test_a_rise_is_above_the_lowest_of_three_days(
    hours: list[float], values: list[float], rise: float | None, said: str
) -> None:
    """To the tenth, never a hair below its limit; and unknown, not none, where there is nothing to compare with."""
    course = Course()
    course.add("weight", np.array(hours), np.array(values))
    found = course.at(hours[-1])
    value = float(quantities.values(found, ["weight.rise_3d"])["weight.rise_3d"][0])
    assert (None if np.isnan(value) else value) == rise
    assert wording.sentence(found, 0, "weight.rise_3d") == said


@pytest.mark.parametrize(
    ("hours", "rise", "said"),
    [
        ([0, 100, 179], 2.1, "body weight 82.1 kg is 2.1 kg above the lowest of the last 7 d, 80.0"),
        ([0, 100, 181], 1.1, "body weight 82.1 kg is 1.1 kg above the lowest of the last 7 d, 81.0"),
    ],
)
def test_a_rise_of_a_week_looks_back_to_the_seventh_morning(hours: list[float], rise: float, said: str) -> None:
    """Twelve hours more than seven days, whatever the hour, and no further."""
    course = Course()
    course.add("weight", np.array(hours), np.array([80.0, 81.0, 82.1]))
    found = course.at(hours[-1])
    value = float(quantities.values(found, ["weight.rise_7d"])["weight.rise_7d"][0])
    assert value == rise
    assert wording.sentence(found, 0, "weight.rise_7d") == said


def test_many_moments_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are looked at together, the quantities are the same to the bit."""
    course = worsening(5)
    past, moments = course.history(), course.moments(24.0)
    whole = quantities.of(past, moments, list(quantities.table()))
    monkeypatch.setattr(quantities, "BLOCK", 2)
    blocks = quantities.of(past, moments, list(quantities.table()))
    assert all(np.array_equal(whole[name], blocks[name], equal_nan=True) for name in whole)
    none = moments.where(slice(0, 0))
    assert quantities.of(past, none, ["joint.deviation"])["joint.deviation"].shape == (0,)


def test_the_page_names_every_kind_of_quantity() -> None:
    """Whoever writes a rule finds each name, or its ending, in docs/trends.md."""
    page = (ROOT / "docs" / "trends.md").read_text(encoding="utf-8")
    said = set(re.findall(r"[a-z0-9_]+", page))
    for kind in (*KINDS, *(name.partition(".")[2] for name in quantities.OF_STAY)):
        whole = re.sub(r"_?12h", "_6h", kind).replace("__", "_").replace("reaches_5", "reaches_7")
        ending = "_" + "_".join(whole.split("_")[2:])
        assert whole in said or ending in said, kind
    for vital in NAMES:
        assert vital in said
