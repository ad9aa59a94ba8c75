"""Charts: what the packaged ones say of themselves, and that a wrong one is refused with every fault named."""

from dataclasses import fields
from importlib.resources import files

import pytest

from devices.vitals import VITALS
from vwmon.errors import ChartError, NotFoundError, RefusedError
from vwmon.scoring import charts, reference
from vwmon.scoring.records import Ages, Aggregate, Band, Chart, Ratio, Term

NEWS2 = files("vwmon.scoring").joinpath("charts/news2.toml").read_text(encoding="utf-8")
PEWS = files("vwmon.scoring").joinpath("charts/pews.toml").read_text(encoding="utf-8")
ROX = files("vwmon.scoring").joinpath("charts/rox.toml").read_text(encoding="utf-8")

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


def parsed(text: str) -> Chart:
    """Read a chart of points."""
    chart = charts.parse(text)
    assert isinstance(chart, Chart)
    return chart


@pytest.mark.hazard("H9")
@pytest.mark.parametrize("name", charts.names())
def test_every_chart_of_the_package_loads_and_names_its_version_and_source(name: str) -> None:
    """A score can always say which chart made it."""
    chart = charts.either(name)
    assert chart.id == name
    assert chart.version
    assert chart.source
    assert charts.either(name) is chart


def test_the_package_carries_the_charts_that_it_names() -> None:
    """Five sums of points and three ratios."""
    assert charts.names() == ["map", "mews", "news", "news2", "pews", "qsofa", "rox", "shock_index"]
    assert [name for name in charts.names() if isinstance(charts.either(name), Ratio)] == ["map", "rox", "shock_index"]


@pytest.mark.parametrize(
    ("alias", "name"),
    [("npews", "pews"), ("news2012", "news"), ("mews_subbe", "mews"), ("mean_arterial_pressure", "map")],
)
def test_a_chart_goes_by_its_other_names_too(alias: str, name: str) -> None:
    """What people call it."""
    assert charts.either(alias) is charts.either(name)


def test_no_two_charts_share_a_name() -> None:
    """A name means one chart."""
    every = [word for name in charts.names() for word in (name, *charts.either(name).aliases)]
    assert len(every) == len(set(every))


@pytest.mark.hazard("H28")
@pytest.mark.parametrize("name", ["mews_maternity", "mews_maternity_england", "maternity", "meows"])
def test_the_maternity_chart_is_refused_with_the_reason_and_what_to_do(name: str) -> None:
    """Its bands are in no source that could be had, so no score is made up."""
    with pytest.raises(RefusedError, match=r"table of bands.*maternity unit's own chart"):
        charts.either(name)


def test_a_ratio_is_not_loaded_as_a_chart_of_points() -> None:
    """Nobody sums what is no sum."""
    with pytest.raises(NotFoundError, match=r"^map is a ratio of readings and not a chart of points$"):
        charts.load("map")


@pytest.mark.parametrize("name", [name for name in charts.names() if isinstance(charts.either(name), Chart)])
def test_the_codes_of_a_chart_are_those_of_the_table_of_vitals(name: str) -> None:
    """A device's "V" and a chart's are the same number."""
    for part in charts.load(name).parts:
        if part.exact and part.name in VITALS:
            assert {band.name: band.lower for band in part.bands}.items() <= VITALS[part.name].choices.items()


def test_the_parts_of_news2_are_the_words_and_order_used_everywhere() -> None:
    """Columns and names mean the same part."""
    assert tuple(part.name for part in charts.load("news2").parts) == charts.PARTS


@pytest.mark.hazard("H28")
def test_news2_names_whom_it_is_not_for() -> None:
    """Children and pregnancy, each with a source."""
    rules = {one.rule.split(":")[0]: one.source for one in charts.load("news2").exclusions}
    assert rules.keys() == {"age below 16", "pregnancy"}
    assert all(rules.values())


def test_bounds_are_held_in_steps_of_the_chart() -> None:
    """Decimals of the file become whole numbers exactly."""
    bands = parsed(SMALL).parts[0].tables[0].bands
    assert [(band.lower, band.upper) for band in bands] == [(None, 80), (81, 180), (181, None)]


def test_a_chart_that_is_not_there_is_not_found() -> None:
    """The message names those that are."""
    said = "there is no chart 'news3'; the charts are map, mews, news, news2, pews, qsofa, rox, shock_index"
    with pytest.raises(NotFoundError, match=f"^{said}$"):
        charts.load("news3")


@pytest.mark.hazard("H9")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("upper = 40,", "upper = 39,", "gap or an overlap"),
        ("lower = 40.5", "lower = 40", "gap or an overlap"),
        ("lower = 40.5,", "", "gap or an overlap"),
        ("upper = 90,", "", "gap or an overlap"),
        ("upper = 90,", "upper = 30,", "before it begins"),
        ("upper = 40,", "upper = 40.25,", "^the bound 40.25 is between two steps of the chart$"),
        ("step = 0.5", "step = 0.0000001", "^1E-7 is finer than a millionth$"),
        ('version = "1"', 'version = " "', "no version"),
        ('source = "these tests"', 'source = ""', "no source"),
        ("points = 3", "points = 2", "^small: the parts reach 0 to 2"),
        ('id = "small"', 'id = ""', "^a chart: "),
        ("upper = 3\nband", "upper = 2\nband", "cover every total"),
        ("bands = [{", "bands = []\nother = [{", "no bands"),
        ('title = "A small chart"', "", "^the chart says nothing of 'title'$"),
        ("range = [", "range = ", "^the chart is not TOML: "),
        ("[[parts.tables]]", "[[parts.tables]]\nwhen = { oxygen = 'air' }", "depends on oxygen"),
        ("step = 0.5", "step = 0.5\ncounts_as = 'rate'", "counts as rate, which is no part"),
        ("red_points = 3", "ages = { from_years = 19, below_years = 16 }", "nobody is from 19"),
        ("points = 1 }]", "points = 1, raises = 'red' }]", "has points, or decides another part, and raises"),
        ("points = 1 }]", "points = 1, raises = 'blue' }]", "'blue', which is no response"),
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
    overlap = "pulse: a gap or an overlap between a band up to 78 and one from 81 (in steps)"
    assert str(refused.value) == f"small: no version; {overlap}"


@pytest.mark.parametrize(("total", "red", "band"), [(4, False, "low"), (4, True, "low-medium"), (5, True, "medium")])
def test_a_red_score_lifts_low_and_nothing_else(total: int, red: bool, band: str) -> None:
    """Chart 4: a single 3 is low-medium; at 5 it changes nothing."""
    assert charts.load("news2").response(total, red=red) == band


HALF_OPEN = SMALL.replace(
    "{ upper = 40, points = 3 }, { lower = 40.5, upper = 90, points = 0 }, { lower = 90.5, points = 1 }",
    "{ below = 40, points = 3 }, { lower = 40, upper = 90, points = 0 }, { above = 90, points = 1 }",
)


def test_a_bound_may_be_written_as_outside_its_band() -> None:
    """Charts print "<40" and "40-90" as often as "39" and "40"."""
    bands = parsed(HALF_OPEN).parts[0].tables[0].bands
    assert [(band.lower, band.upper) for band in bands] == [(None, 79), (80, 180), (181, None)]


def test_an_undefined_band_is_read_as_nothing_and_counts_as_no_gap() -> None:
    """What the chart says nothing of is unknown: neither normal nor a fault of the file."""
    text = HALF_OPEN.replace("{ lower = 40, upper = 90, points = 0 }", "{ lower = 40, upper = 90, undefined = true }")
    chart = parsed(
        text.replace("range = [0, 3]", "range = [1, 3]").replace("lower = 0\nupper = 3", "lower = 1\nupper = 3")
    )
    assert reference.score(chart, {"pulse": 60.0}, {}).points == {"pulse": (1, 3)}
    assert reference.score(chart, {"pulse": 60.0}, {}).missing == ("pulse",)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("from_years = [0, 1, 5, 13]", "from_years = [0, 1, 13, 5]", "not one for each of its words, rising"),
        ("from_years = [0, 1, 5, 13]", "from_years = [0, 1, 5]", "not one for each of its words, rising"),
        ("from_years = [0, 1, 5, 13]", "from_years = [1, 2, 5, 13]", "nothing is said of those below 1"),
        ('"1-4y", "5-12y"', '"1-4y", "5-11y"', "0 tables for"),
        ('when = { oxygen_device = ["HF", "BiP", "CP"] }', 'when = { oxygen_device = ["HF", "BiP"] }', "0 tables for"),
        ('["NP", "FM", "HB", "NRB"]', '["NP", "FM", "HB", "NRB", "HF"]', "2 tables for"),
        ("{ lower = 10, below = 20, points = 2 }", "{ lower = 10, below = 19, points = 2 }", "gap or an overlap"),
        ('{ code = 1, points = 1, name = "mild" }', '{ code = 0, points = 1, name = "mild" }', "gap or an overlap"),
    ],
)
def test_a_chart_with_ages_and_devices_is_for_every_situation_once(old: str, new: str, fault: str) -> None:
    """No age without a table and no device under two."""
    assert old in PEWS
    with pytest.raises(ChartError, match=fault):
        charts.parse(PEWS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("below = 3.85", "below = 3.80", "gap or an overlap"),
        ("lower = 0.2,", "lower = 0,", "fio2: its range is not above nothing"),
        ('name = "fio2"', 'name = "spo2"', "the reading spo2 is there twice"),
        ("upper = 120 }", "upper = 100000000 }", "too large to be told apart"),
        ("step = 0.01", "step = 0.03", "between two steps"),
        ('version = "Roca 2016, 2019"', 'version = ""', "no version"),
        ("over = [", "above_the_line = [", "says nothing of 'over'"),
        ('kind = "ratio"', 'kind = "root"', "says nothing of 'root'"),
    ],
)
def test_a_ratio_with_a_fault_is_refused_by_name(old: str, new: str, fault: str) -> None:
    """As a sum is."""
    assert old in ROX
    with pytest.raises(ChartError, match=fault):
        charts.parse(ROX.replace(old, new))


@pytest.mark.parametrize("name", charts.names())
def test_a_chart_is_read_as_it_is_in_force(name: str) -> None:
    """Reading its file again gives every field again."""
    chart, again = charts.either(name), charts.parse(files("vwmon.scoring").joinpath(f"charts/{name}.toml").read_text())
    assert type(again) is type(chart)
    assert {one.name: getattr(again, one.name) for one in fields(again)} == {
        one.name: getattr(chart, one.name) for one in fields(chart)
    }


def test_what_a_chart_leaves_out_is_nothing() -> None:
    """No other names, no limit of age, none whom it is not for; a red score calls for what any other does."""
    chart = parsed(SMALL)
    assert (chart.aliases, chart.ages, chart.pregnancy, chart.exclusions, chart.cautions) == ((), Ages(), True, (), ())
    assert (chart.context, chart.age_context) == ({}, {})
    assert parsed(SMALL.replace("red_points = 3", "")).red_points is None
    (part,) = chart.parts
    assert (part.counts_as, part.exact, part.numbers_only, part.step) == ("pulse", False, False, 500_000)
    (table,) = part.tables
    assert (table.when, table.unread) == ((), None)
    assert table.bands[1] == Band(lower=81, upper=180, points=0)
    (alike,) = parsed(SMALL.replace('red_band = "red"', "")).aggregates
    assert alike == Aggregate(lower=0, upper=3, band="low", red_band="low", response="look")


def test_what_a_ratio_leaves_out_is_nothing() -> None:
    """A sum of readings, each counted once, by nothing."""
    found = charts.parse("""
        kind = "ratio"
        id = "little"
        title = "A little ratio"
        version = "1"
        source = "these tests"
        unit = "1"
        step = 1
        over = [{ name = "a", unit = "1", lower = 1, upper = 9 }]
        bands = [{ name = "any" }]
    """)
    assert isinstance(found, Ratio)
    assert (found.under, found.divide_by, found.instead) == ((), 1, None)
    assert found.over == (Term(name="a", unit="1", times=1, lower=1_000_000, upper=9_000_000),)
    assert found.bands == (Band(lower=None, upper=None, points=0, name="any"),)
