"""The table of rules: what it says today, what it refuses to say, and what one score means for each rule."""

import re
from pathlib import Path

import pytest

from alerts import policy
from alerts.errors import PolicyError
from alerts.model import Lane, Level
from alerts.policy import POLICY, RULES, Verdict
from tests.unit.alerts_points import HOUR, MINUTE, PARTS, after, clinical, point

TEXT = Path(policy.__file__).with_name("rules.toml").read_text(encoding="utf-8")


def test_the_rules_are_the_ones_the_guides_describe() -> None:
    """Levels, limits and off-limits of every rule: a change here is a change of care."""
    assert {
        name: (rule.lane.value, int(rule.level), rule.quantity, rule.limit_on, rule.limit_off, rule.off_delay_ms)
        for name, rule in RULES.items()
    } == {
        "news2_7": ("clinical", 3, "total", 7, 6, 30 * MINUTE),
        "news2_5": ("clinical", 2, "total", 5, 4, 30 * MINUTE),
        "news2_red": ("clinical", 2, "red", 3, 3, 30 * MINUTE),
        "news2_could_be_5": ("clinical", 1, "could_be", 5, 5, 30 * MINUTE),
        "overdue": ("technical", 1, "gap", 0, 0, 0),
        "silent": ("system", 3, "gap", 0, 0, 0),
        "broker": ("system", 2, "gap", 0, 0, 0),
    }
    assert (POLICY.settled_ms, POLICY.flap_ms, POLICY.recurrence_ms) == (HOUR, 30 * MINUTE, 12 * HOUR)
    assert [name for name, rule in RULES.items() if not rule.late] == ["news2_could_be_5"]
    assert POLICY.version
    assert POLICY.source


def test_the_parts_are_those_of_the_score_in_its_order() -> None:
    """Oxygen scores two at most, every other part three."""
    assert PARTS == (
        "respiratory_rate",
        "spo2",
        "oxygen",
        "systolic_bp",
        "heart_rate",
        "consciousness",
        "temperature",
    )
    assert [part.most for part in POLICY.parts.values()] == [3, 3, 2, 3, 3, 3, 3]


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("limit_off = 4", "limit_off = 6", "news2_5: it would clear above where it is raised"),
        ('off_delay = "30m"', "", "one good reading would clear it"),
        ('off_delay = "30m"', 'off_delay = "half an hour"', "cannot be read"),
        ('quantity = "red"', 'quantity = "blue"', "'blue' is no quantity"),
        ('quantity = "red"', 'quantity = "gap"', "does not belong to the clinical lane"),
        ('lane = "system"', 'lane = "clinical"', "does not belong to the clinical lane"),
        ("[levels.2]", "[levels.4]", "cannot be read"),
        ("level = 3", "level = 9", "cannot be read"),
        ('lane = "clinical"', 'lane = "bowling"', "cannot be read"),
        ('settled = "60m"', 'settled = "60"', "cannot be read"),
        ('settled = "60m"', "", "cannot be read"),
        ('settled = "60m"', 'settled = "60m"\nsnooze = "5m"', "cannot be read"),
        ("covered_rise = 2", 'covered_rise = "two"', "cannot be read"),
        ("[clocks]", "[clocks", "cannot be read"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(was: str, becomes: str, complaint: str) -> None:
    """Nothing is guessed: the fault is named and nothing starts."""
    assert was in TEXT
    with pytest.raises(PolicyError, match=re.escape(complaint)):
        policy.load(TEXT.replace(was, becomes))


def test_a_level_without_clocks_is_refused() -> None:
    """An alert that nobody owes an answer would wait for ever."""
    without = re.sub(r"\[levels\.3\].*?\n\n", "", TEXT, flags=re.DOTALL)
    with pytest.raises(PolicyError, match="level 3 has no clocks"):
        policy.load(without)


@pytest.mark.parametrize("total", range(8))
def test_the_verdicts_of_a_complete_score(total: int) -> None:
    """Present from the limit, absent below the off-limit, unknown between the two."""
    scored = point(0, total)
    said = {name: policy.verdict(RULES[name], scored, None) for name in ("news2_7", "news2_5", "news2_red")}
    assert said == {
        "news2_7": Verdict.PRESENT if total >= 7 else Verdict.ABSENT if total < 6 else Verdict.UNKNOWN,
        "news2_5": Verdict.PRESENT if total >= 5 else Verdict.ABSENT if total < 4 else Verdict.UNKNOWN,
        "news2_red": Verdict.ABSENT,
    }


def test_a_missing_part_leaves_open_what_it_could_hide() -> None:
    """Three measured points and three that could be are not below four."""
    scored = point(0, 3, missing=["temperature"])
    assert policy.verdict(RULES["news2_5"], scored, None) is Verdict.UNKNOWN
    assert policy.verdict(RULES["news2_red"], scored, None) is Verdict.UNKNOWN
    assert policy.verdict(RULES["news2_5"], point(0, 0, missing=["temperature"]), None) is Verdict.ABSENT
    assert policy.verdict(RULES["news2_red"], point(0, 0, missing=["temperature"]), None) is Verdict.UNKNOWN


def test_a_part_outside_the_plan_counts_only_when_the_alert_stands_on_it() -> None:
    """Its absence hides nothing else."""
    plan = tuple(part for part in PARTS if part != "temperature")
    scored = point(0, 3, missing=["temperature"], expected=plan)
    assert policy.verdict(RULES["news2_red"], scored, None) is Verdict.ABSENT
    on_temperature = clinical(after(point(0, temperature=2, heart_rate=3)))
    assert policy.verdict(RULES["news2_red"], scored, on_temperature) is Verdict.UNKNOWN


def test_what_could_be_five_is_known_not_to_be_when_its_bound_is_below() -> None:
    """Five is raised, four is not, and five for certain is another rule's."""
    rule = RULES["news2_could_be_5"]
    assert policy.verdict(rule, point(0, 2, could_be=5), None) is Verdict.PRESENT
    assert policy.verdict(rule, point(0, 4), None) is Verdict.ABSENT
    assert policy.verdict(rule, point(0, 5), None) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("points", "might"),
    [
        ({}, False),
        ({"total": 4}, False),
        ({"total": 5}, True),
        ({"spo2": 3}, True),
        ({"total": 1, "could_be": 5}, True),
    ],
)
def test_the_quick_look_misses_nothing(points: dict[str, int], *, might: bool) -> None:
    """What it lets pass holds no clinical rule."""
    scored = point(0, **points)  # type: ignore[arg-type]
    assert policy.breaching(scored) == might
    assert might == any(policy.present(rule, scored) for rule in policy.CLINICAL)


def test_reds_are_the_parts_that_score_three() -> None:
    """Named, in the order of the chart."""
    assert policy.reds(point(0, 2, temperature=3, spo2=3)) == ("spo2", "temperature")
    assert policy.reds(point(0, 6)) == ()


def test_every_lane_and_level_can_be_named() -> None:
    """The scale is the same in every lane."""
    assert [int(level) for level in Level] == [1, 2, 3]
    assert [lane.value for lane in Lane] == ["clinical", "technical", "system"]
