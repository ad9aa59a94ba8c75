"""What rules are called once a limit moved them: a title must never say a limit that is not the one in force."""

import json
from dataclasses import replace
from typing import Any

import pytest

from alerts import deadlines, evidence, lifecycle, titles
from alerts.model import Level
from alerts.policy import RULES, TERMS, Rule
from tests.unit.alerts_points import HOUR, LAG, MINUTE, STAY, after, clinical, limit, point, terms


def moved(rule: str, **changes: Any) -> Rule:  # noqa: ANN401 -- fields of a rule
    """Give a rule under one limit."""
    return terms(limit(rule, **changes)).rules.rules[rule]


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_rule_that_nobody_moved_keeps_its_title(rule: Rule) -> None:
    """And nothing is kept of it."""
    assert titles.title(rule) == rule.title
    assert titles.kept([rule]) == {}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (moved("news2_7", limit_on=9, limit_off=8), "NEWS2 9 or more"),
        (moved("news2_5", limit_on=6, limit_off=5), "NEWS2 6 or more"),
        (moved("news2_could_be_5", limit_on=6, limit_off=6), "NEWS2 could be 6 or more"),
        (moved("news2_red", on_delay="10m"), "a single score of 3"),
        (moved("news2_5", off_delay="45m"), "NEWS2 5 or more"),
        (moved("news2_5", level=1), "NEWS2 5 or more"),
        (moved("spo2_92", limit_on=88, limit_off=89), "SpO2 88 % or less for 60 min"),
        (moved("spo2_92", on_delay="30m"), "SpO2 91 % or less for 30 min"),
        (moved("spo2_92", cadence="at_once"), "SpO2 91 % or less"),
        (moved("spo2_92", level=3), "SpO2 91 % or less"),
        (moved("heart_rate_110", limit_on=120, limit_off=115), "heart rate 120 /min or more for 60 min"),
        (moved("systolic_bp_90", limit_on=95, limit_off=98), "systolic pressure 95 mmHg or less twice"),
        (moved("weight_gain", limit_on=3, limit_off=3), "body weight up within 3 days: 3 or more twice"),
    ],
)
def test_a_rule_that_was_moved_is_called_by_what_it_was_moved_to(found: Rule, said: str) -> None:
    """On the side that it has, and with how a breach of it is confirmed."""
    assert titles.title(found) == said


def test_evidence_keeps_the_rule_as_it_stood_also_once_it_is_stored() -> None:
    """Read back from the history it is the same rule, as far as its title and its level say."""
    rule = moved("spo2_92", limit_on=88, limit_off=89, level=1, on_delay="30m", enabled=True)
    kept = json.loads(json.dumps({"limits": titles.kept([rule, RULES["news2_5"]])}))
    assert list(kept["limits"]) == ["spo2_92"]
    again = titles.rule_of("spo2_92", kept)
    assert again is not None
    assert (titles.title(again), again.level) == (titles.title(rule), Level.WATCH)
    assert titles.rule_of("news2_5", kept) is RULES["news2_5"]


def test_a_rule_that_the_table_no_longer_has_is_called_by_its_name() -> None:
    """An old alert is still readable."""
    assert titles.title_of("gone", {"limits": {"gone": {"limit_on": 4}}}) == "gone"
    assert list(titles.moved({"rules": ["gone"]})) == []


def test_evidence_of_no_moved_rule_says_nothing_of_limits() -> None:
    """So that without any limit the history is as it was before there were some."""
    assert "limits" not in clinical(after(point(0, 9), under=TERMS)).evidence


def test_of_several_waits_that_end_together_each_keeps_its_own_limit() -> None:
    """The worst of them gives the score, and none of them its limit to another."""
    under = terms(limit("news2_5", limit_on=4, limit_off=3), limit("news2_red", level=1))
    case = after(point(0, spo2=3), under=under)
    case = lifecycle.observe(case, replace(point(2, spo2=3, heart_rate=1), stay=STAY), under)
    opened = clinical(deadlines.tick(case, LAG + 15 * MINUTE, under)).evidence
    assert sorted(opened["rules"]) == ["news2_5", "news2_red"]
    moved_to = opened["limits"]
    assert (moved_to["news2_5"]["limit_on"], moved_to["news2_red"]["level"]) == (4, 1)


def test_evidence_of_several_has_no_limit_of_a_rule_that_did_not_come() -> None:
    """What was only pending beside them is not said to have been breached."""
    kept = {"rules": ["a", "b"], "at_ms": HOUR, "limits": {"a": {"limit_on": 4}, "b": {"limit_on": 5}}}
    assert evidence.together(kept, ["a"], [kept]) == {"rules": ["a"], "at_ms": HOUR, "limits": {"a": {"limit_on": 4}}}
    assert evidence.together(kept, ["c"], [{}]) == {"rules": ["c"], "at_ms": HOUR}
