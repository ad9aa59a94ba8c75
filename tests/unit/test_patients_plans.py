"""Pathways as data: every plan of the package can be used, and one that contradicts itself cannot."""

import json
import tomllib
from hashlib import sha256
from importlib.resources import files

import pytest

from vwmon.errors import ChartError, NotFoundError
from vwmon.patients import plans
from vwmon.scoring.charts import PARTS

HOUR = 3_600_000
GOOD = """
version = "1"
title = "A pathway"
source = "a page"
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
    """The core below the charts has its own list of names; it is the same one."""
    assert set(PARTS) == plans.VITALS


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
    ],
)
def test_a_plan_with_a_fault_is_refused_by_name(was: str, becomes: str) -> None:
    """An unknown vital or key, a missing one, a span that is none: nothing is expected of a patient by accident."""
    assert plans.parse("mine", GOOD).vitals["spo2"].valid_ms == 12 * HOUR
    with pytest.raises(ChartError, match="the pathway mine cannot be used"):
        plans.parse("mine", GOOD.replace(was, becomes))


LIMIT = """
[[limits]]
rule = "news2_5"
source = "a guideline"
limit_on = 4
limit_off = 3
"""


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
    "general": ("1", "f6fdbddf9b72"),
    "acute-respiratory": ("1", "60205654f0b2"),
    "heart-failure": ("2", "0b10c4fc6658"),
    "frailty": ("1", "9d5e96144bd1"),
}


def test_whatever_a_pathway_says_moves_its_version() -> None:
    """Every alert stores the version of its pathway; what is said under one version is never said otherwise later."""
    folder = files("vwmon.patients") / "pathways"
    found = {}
    for name, plan in plans.load_all().items():
        table = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
        found[name] = (plan.version, sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:12])
    assert found == PINNED
