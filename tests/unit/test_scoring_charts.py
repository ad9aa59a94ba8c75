"""Charts: what the packaged ones say of themselves, and that a wrong one is refused with every fault named."""

from importlib.resources import files

import pytest

from vwmon.errors import ChartError, NotFoundError
from vwmon.scoring import charts

NEWS2 = files("vwmon.scoring").joinpath("charts/news2.toml").read_text(encoding="utf-8")

SMALL = """
id = "small"
title = "A small chart"
version = "1"
source = "these tests"
range = [0, 3]
red_points = 3
[[parts]]
name = "pulse"
unit = "/min"
step = 0.5
[[parts.tables]]
bands = [{ upper = 40, points = 3 }, { lower = 40.5, upper = 90, points = 0 }, { lower = 90.5, points = 1 }]
[[aggregate]]
lower = 0
upper = 3
band = "low"
red_band = "red"
response = "look"
"""


@pytest.mark.parametrize("name", charts.names())
def test_every_chart_of_the_package_loads_and_names_its_version_and_source(name: str) -> None:
    """A score can always say which chart made it."""
    chart = charts.load(name)
    assert chart.id == name
    assert chart.version
    assert chart.source
    assert charts.load(name) is chart


def test_the_parts_of_news2_are_the_words_and_order_used_everywhere() -> None:
    """Columns and names mean the same part."""
    assert tuple(part.name for part in charts.load("news2").parts) == charts.PARTS


def test_news2_names_whom_it_is_not_for() -> None:
    """Children and pregnancy, each with a source."""
    rules = {one.rule.split(":")[0]: one.source for one in charts.load("news2").exclusions}
    assert rules.keys() == {"age below 16", "pregnancy"}
    assert all(rules.values())


def test_bounds_are_held_in_steps_of_the_chart() -> None:
    """Decimals of the file become whole numbers exactly."""
    bands = charts.parse(SMALL).parts[0].tables[0].bands
    assert [(band.lower, band.upper) for band in bands] == [(None, 80), (81, 180), (181, None)]


def test_a_chart_that_is_not_there_is_not_found() -> None:
    """The message names those that are."""
    with pytest.raises(NotFoundError, match="news2"):
        charts.load("news3")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("upper = 40,", "upper = 39,", "gap or an overlap"),
        ("lower = 40.5", "lower = 40", "gap or an overlap"),
        ("lower = 40.5,", "", "gap or an overlap"),
        ("upper = 90,", "", "gap or an overlap"),
        ("upper = 90,", "upper = 30,", "before it begins"),
        ("upper = 40,", "upper = 40.25,", "between two steps"),
        ("step = 0.5", "step = 0.0000001", "finer than a millionth"),
        ('version = "1"', 'version = " "', "no version"),
        ('source = "these tests"', 'source = ""', "no source"),
        ("points = 3", "points = 2", "the parts reach 0 to 2"),
        ("upper = 3\nband", "upper = 2\nband", "cover every total"),
        ("bands = [{", "bands = []\nother = [{", "no bands"),
        ('title = "A small chart"', "", "says nothing of 'title'"),
        ("range = [", "range = ", "is not TOML"),
        ("[[parts.tables]]", "[[parts.tables]]\nwhen = { oxygen = 'air' }", "depends on oxygen"),
    ],
)
def test_a_chart_with_a_fault_is_refused_by_name(old: str, new: str, fault: str) -> None:
    """Nothing is scored with a chart that contradicts itself."""
    assert old in SMALL
    with pytest.raises(ChartError, match=fault):
        charts.parse(SMALL.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('when = { spo2_scale = 2, oxygen = "air" }', 'when = { oxygen = "air" }', "2 tables for"),
        ("when = { spo2_scale = 1 }", 'when = { spo2_scale = 1, oxygen = "air" }', "0 tables for"),
        ('name = "air" }', 'name = "oxygen" }', "depends on oxygen"),
        ("{ lower = 88, points = 0 }", "{ lower = 88, upper = 100, points = 0 }", "begin and end alike"),
        ('name = "heart_rate"', 'name = "temperature"', "there twice"),
        ("values = [1, 2]", "values = [1, 2, 3]", "0 tables for"),
    ],
)
def test_tables_that_depend_on_something_are_for_every_situation_once(old: str, new: str, fault: str) -> None:
    """No SpO2 is without a table, or under two."""
    assert old in NEWS2
    with pytest.raises(ChartError, match=fault):
        charts.parse(NEWS2.replace(old, new))


def test_every_fault_is_named_at_once() -> None:
    """One look is enough to mend a chart."""
    with pytest.raises(ChartError) as refused:
        charts.parse(SMALL.replace('version = "1"', 'version = ""').replace("upper = 40,", "upper = 39,"))
    assert "no version" in str(refused.value)
    assert "gap or an overlap" in str(refused.value)


@pytest.mark.parametrize(("total", "red", "band"), [(4, False, "low"), (4, True, "low-medium"), (5, True, "medium")])
def test_a_red_score_lifts_low_and_nothing_else(total: int, red: bool, band: str) -> None:
    """Chart 4: a single 3 is low-medium; at 5 it changes nothing."""
    assert charts.load("news2").response(total, red=red) == band
