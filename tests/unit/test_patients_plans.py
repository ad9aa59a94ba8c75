"""Pathways as data: every plan of the package can be used, and one that contradicts itself cannot."""

import json
import tomllib
from hashlib import sha256
from importlib.resources import files

import pytest

from alerts.layers import layered
from alerts.policy import BASE, POLICY
from vwmon.errors import ChartError, NotFoundError
from vwmon.patients import plans
from vwmon.scoring.charts import PARTS
from vwmon.scoring.layouts import COLUMNS

HOUR = 3_600_000
GOOD = """
version = "1"
title = "A pathway"
source = "a page"
schedule = "twice a day"
in_hours = "the team"
out_of_hours = "111"
ask = ["the target range"]
[vitals.spo2]
valid_for = "12h"
overdue_after = "16h"
"""


def test_every_pathway_of_the_package_loads_with_its_version_and_source() -> None:
    """A clinical choice without a source or version is not shipped."""
    loaded = plans.load_all()
    assert tuple(loaded) == plans.PATHWAYS
    for name, plan in loaded.items():
        assert plan.pathway == name
        assert plan.version
        assert plan.title
        assert len(plan.source) > 20
        assert len(plan.schedule) > 20
        assert plan.in_hours
        assert plan.out_of_hours
        assert plan.ask


def test_the_general_pathway_expects_every_part_of_the_score() -> None:
    """Twice a day, with a grace of four hours; oxygen is said once a day."""
    vitals = plans.load("general").vitals
    assert set(vitals) == set(PARTS)
    assert (vitals["spo2"].valid_ms, vitals["spo2"].overdue_ms) == (12 * HOUR, 16 * HOUR)
    assert (vitals["oxygen"].valid_ms, vitals["oxygen"].overdue_ms) == (24 * HOUR, 24 * HOUR)


def test_a_pathway_may_leave_parts_out() -> None:
    """Nobody counts breaths on the heart failure pathway: such a score is incomplete and alerts nobody for it."""
    assert "respiratory_rate" not in plans.load("heart-failure").vitals


def test_the_parts_that_plans_know_are_those_of_the_score() -> None:
    """The core below the charts has its own list of names; it is the same one, and so is that of the alerts."""
    assert set(PARTS) == plans.VITALS
    assert {chart: set(parts) for chart, parts in COLUMNS.items()} == dict(plans.PARTS_OF)
    assert {chart: tuple(known.parts) for chart, known in POLICY.charts.items()} == COLUMNS


def test_only_the_pathway_of_children_is_scored_with_their_chart() -> None:
    """Every part of it is expected; what has no points, and whether the family is worried, stands beside it."""
    assert [name for name, plan in plans.load_all().items() if plan.chart != "news2"] == ["children"]
    children = plans.load("children")
    assert (children.chart, set(children.vitals)) == ("pews", set(COLUMNS["pews"]))
    assert list(children.beside) == ["consciousness", "temperature", "carer_concern"]
    assert children.limits == ()
    with pytest.raises(ChartError, match="chart is one of news2, pews"):
        plans.parse("mine", 'chart = "mews"' + GOOD)


def test_a_plan_expects_what_is_no_part_of_the_score_beside_it() -> None:
    """A weight, a glucose: as the pathway says, and apart, because a score knows nothing of them."""
    failing, diabetes = plans.load("heart-failure"), plans.load("diabetes")
    assert list(failing.beside) == ["weight"]
    assert failing.beside["weight"].overdue_ms == 30 * HOUR
    assert list(failing.expected) == ["spo2", "oxygen", "systolic_bp", "heart_rate", "weight"]
    assert (dict(diabetes.vitals), list(diabetes.expected)) == ({}, ["glucose"])


def test_the_saturation_limits_of_oximetry_at_home_are_those_of_the_procedure() -> None:
    """92 % or less is an emergency, 93 and 94 % are urgent, 95 % is neither; other pathways have neither rule."""
    found = layered(BASE, plans.load("covid-oximetry").limits).rules
    red, amber = found["spo2_93"], found["spo2_95"]
    assert (red.enabled, red.level, red.limit_on, red.limit_off) == (True, 3, 92, 92)
    assert (amber.enabled, amber.level, amber.limit_on, amber.limit_off) == (True, 2, 94, 94)
    assert not {"spo2_93", "spo2_95"} & {limit.rule for limit in plans.load("copd").limits}
    assert not BASE.rules["spo2_93"].enabled


@pytest.mark.hazard("H32")
@pytest.mark.parametrize(
    "pathway", ["hypertension", "diabetes", "copd", "post-operative", "cardiac-surgery-waiting-list"]
)
def test_where_no_source_has_a_limit_none_is_set_and_it_is_asked_for(pathway: str) -> None:
    """What nobody published is a clinician's to say, at the admission."""
    plan = plans.load(pathway)
    assert [limit.rule for limit in plan.limits if not limit.rule.startswith("answer_")] == []
    assert any("limit" in question for question in plan.ask)


@pytest.mark.hazard("H9")
def test_only_a_prescription_changes_the_saturation_scale() -> None:
    """Every pathway of persons that expects a saturation asks for its target range, and names the options for one."""
    people = [plan for plan in plans.load_all().values() if plan.pathway != plans.CANARY]
    asking = [plan.ask for plan in people if "spo2" in plan.expected]
    assert len(asking) == 9
    for questions in asking:
        assert any("SpO2 target range" in one and "--prescriber" in one for one in questions)


def test_an_unknown_pathway_is_not_found_and_those_there_are_are_named() -> None:
    """A slip of the keyboard is not a plan."""
    with pytest.raises(NotFoundError, match="general, acute-respiratory"):
        plans.load("genral")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("[vitals.spo2]", "[vitals.mood]"),
        ('"12h"', '"12 hours"'),
        ('"16h"', '"0s"'),
        ("valid_for", "good_for"),
        ('title = "A pathway"', ""),
        ('title = "A pathway"', 'title = "A pathway"\nnote = "x"'),
        ("version", "= ="),
        ('overdue_after = "16h"', ""),
        ("[vitals.spo2]", "[vitals.fio2]"),
        ('[vitals.spo2]\nvalid_for = "12h"\noverdue_after = "16h"', "[vitals]"),
        ('schedule = "twice a day"', ""),
        ('schedule = "twice a day"', 'schedule = " "'),
        ('in_hours = "the team"', ""),
        ('out_of_hours = "111"', 'out_of_hours = ""'),
        ('ask = ["the target range"]', ""),
        ('ask = ["the target range"]', "ask = []"),
        ('ask = ["the target range"]', "ask = [1]"),
        ('ask = ["the target range"]', 'ask = "the target range"'),
        ('ask = ["the target range"]', "ask = " + "[" * 3000),
        ('"12h"', "12"),
        ('[vitals.spo2]\nvalid_for = "12h"\noverdue_after = "16h"', "vitals = []"),
        ('[vitals.spo2]\nvalid_for = "12h"\noverdue_after = "16h"', "vitals.spo2 = 3"),
        ('[vitals.spo2]\nvalid_for = "12h"\noverdue_after = "16h"', "limits = 3\nvitals.spo2 = {}"),
    ],
)
def test_a_plan_with_a_fault_is_refused_by_name(was: str, becomes: str) -> None:
    """An unknown vital or key, a missing one, a span that is none: nothing is expected of a patient by accident."""
    assert plans.parse("mine", GOOD).vitals["spo2"].valid_ms == 12 * HOUR
    with pytest.raises(ChartError, match="the pathway mine cannot be used"):
        plans.parse("mine", GOOD.replace(was, becomes))


ASKED = """
[[questionnaires]]
name = "wellbeing"
every = "7d"
at = "10:30"
overdue_after = "1d"
source = "a page"
"""


def test_a_pathway_asks_questionnaires_and_their_rules_count_on_it() -> None:
    """Named with a schedule and a source; whoever is asked how they feel is heard when they feel worse."""
    plan = plans.parse("mine", GOOD + ASKED)
    (one,) = plan.questionnaires
    assert (one.questionnaire, one.every_days, one.at_minute, one.overdue_ms) == ("wellbeing", 7, 630, 24 * HOUR)
    assert {limit.rule for limit in plan.limits} == {"answer_worse", "answer_alarming"}
    assert all(layered(BASE, plan.limits).rules[limit.rule].enabled for limit in plan.limits)
    assert {limit.reason for limit in plan.limits} == {"wellbeing is asked on this pathway; vwmon's proposal"}
    assert not BASE.rules["answer_worse"].enabled


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"wellbeing"', '"mood"'),
        ('"7d"', '"36h"'),
        ('"7d"', '"12h"'),
        ('"10:30"', '"25:00"'),
        ('"10:30"', '"10"'),
        ('"1d"', '"0s"'),
        ('source = "a page"\n"""', ""),
        ('overdue_after = "1d"', ""),
        ('at = "10:30"', 'at = "10:30"\nlevel = 1'),
    ],
)
def test_a_pathway_that_asks_what_cannot_be_asked_is_refused_by_name(was: str, becomes: str) -> None:
    """No unknown questionnaire, no span but whole days, no time of day that is none, nothing left out."""
    faulty = GOOD + (ASKED.replace(was, becomes) if was in ASKED else ASKED.rpartition("source")[0])
    with pytest.raises(ChartError, match="the pathway mine cannot be used"):
        plans.parse("mine", faulty)


LIMIT = """
[[limits]]
rule = "news2_5"
source = "a guideline"
limit_on = 4
limit_off = 3
"""


@pytest.mark.hazard("H32")
def test_a_pathway_limits_rules_with_a_source() -> None:
    """Its version is the author, so that an explanation names both."""
    (limit,) = plans.parse("mine", GOOD + LIMIT).limits
    assert (limit.layer, limit.subject, limit.author, limit.reason) == ("pathway", "mine", "mine 1", "a guideline")
    assert limit.changes == {"limit_on": 4, "limit_off": 3}
    assert limit.in_force(0)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("news2_5", "news2_55"),
        ("news2_5", "overdue"),
        ('source = "a guideline"', ""),
        ('source = "a guideline"', 'source = ""'),
        ("limit_off = 3", ""),
        ("limit_off = 3", "limit_off = 5"),
        ("limit_off = 3", 'limit_off = 3\ntitle = "mine"'),
        ("limit_off = 3", "limit_off = 3\nenabled = 1"),
    ],
)
def test_a_pathway_whose_limit_has_a_fault_is_refused_by_name(was: str, becomes: str) -> None:
    """No unknown rule or key, none without a source, none that could not hold beside other layers'."""
    with pytest.raises(ChartError, match="the pathway mine cannot be used"):
        plans.parse("mine", GOOD + LIMIT.replace(was, becomes))


PINNED = {
    "general": ("3", "e69c85850e55"),
    "acute-respiratory": ("3", "055db1b28c1a"),
    "copd": ("3", "a1e4530b424b"),
    "covid-oximetry": ("4", "a58988cf4077"),
    "heart-failure": ("6", "fd19ac558317"),
    "frailty": ("4", "41aab637fd4a"),
    "cardiac-surgery-waiting-list": ("3", "0c1ed5d82852"),
    "post-operative": ("3", "c184f1d24800"),
    "hypertension": ("2", "4eb5bde528f1"),
    "diabetes": ("2", "711173681df7"),
    "children": ("2", "d68132de3b8c"),
    "canary": ("2", "da36191f9245"),
}


def test_whatever_a_pathway_says_moves_its_version() -> None:
    """Every alert stores the version of its pathway; what is said under one version is never said otherwise later."""
    folder = files("vwmon.patients") / "pathways"
    found = {}
    for name, plan in plans.load_all().items():
        table = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
        found[name] = (plan.version, sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:12])
    assert found == PINNED
