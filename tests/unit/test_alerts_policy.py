"""The table of rules: what it says today, what it refuses to say, and what one score means for each rule."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from alerts import evidence, policy, verdicts
from alerts.errors import PolicyError
from alerts.model import Lane, Level
from alerts.policy import BASE, BASES, POLICY, RULES, RuleSet, Terms
from alerts.verdicts import Verdict
from tests.unit.alerts_points import HOUR, MINUTE, PARTS, after, clinical, limit, point

TEXT = Path(policy.__file__).with_name("rules.toml").read_text(encoding="utf-8")


def test_the_rules_are_the_ones_the_guides_describe() -> None:
    """Levels, limits and off-limits of every rule that is on: a change here is a change of care."""
    assert {
        name: (rule.lane.value, int(rule.level), rule.quantity, rule.limit_on, rule.limit_off, rule.off_delay_ms)
        for name, rule in RULES.items()
        if rule.enabled and rule.quantity != policy.FAULT
    } == {
        "news2_7": ("clinical", 3, "total", 7, 6, 30 * MINUTE),
        "news2_5": ("clinical", 2, "total", 5, 4, 30 * MINUTE),
        "news2_red": ("clinical", 2, "red", 3, 3, 30 * MINUTE),
        "news2_could_be_5": ("clinical", 1, "could_be", 5, 5, 30 * MINUTE),
        "pews_9": ("clinical", 3, "total", 9, 8, 30 * MINUTE),
        "pews_5": ("clinical", 2, "total", 5, 4, 30 * MINUTE),
        "pews_could_be_5": ("clinical", 1, "could_be", 5, 5, 30 * MINUTE),
        "not_alert": ("clinical", 3, "value:consciousness", 1, 1, 30 * MINUTE),
        "worried_high": ("clinical", 3, "value:carer_concern", 3, 3, 30 * MINUTE),
        "worried_medium": ("clinical", 2, "value:carer_concern", 2, 2, 30 * MINUTE),
        "worried_low": ("clinical", 1, "value:carer_concern", 1, 1, 30 * MINUTE),
        "spo2_below_target": (
            "clinical",
            1,
            "value:spo2",
            0,
            0,
            30 * MINUTE,
        ),  # its limit is prescribed, or there is none
        "intuition_high": ("clinical", 3, "value:clinical_intuition", 3, 3, 30 * MINUTE),
        "intuition_medium": ("clinical", 2, "value:clinical_intuition", 2, 2, 30 * MINUTE),
        "intuition_low": ("clinical", 1, "value:clinical_intuition", 1, 1, 30 * MINUTE),
        "concern_high": ("clinical", 3, "value:specific_concern", 3, 3, 30 * MINUTE),
        "concern_medium": ("clinical", 2, "value:specific_concern", 2, 2, 30 * MINUTE),
        "concern_low": ("clinical", 1, "value:specific_concern", 1, 1, 30 * MINUTE),
        "overdue": ("technical", 1, "gap", 0, 0, 0),
        "silent": ("system", 3, "gap", 0, 0, MINUTE),
        "broker": ("system", 2, "gap", 0, 0, MINUTE),
    }
    assert {rule.name: (rule.cadence.value, rule.on_delay_ms) for rule in BASE.clinical} == {
        "news2_7": ("at_once", 0),
        "news2_5": ("spot", 5 * MINUTE),
        "news2_red": ("spot", 5 * MINUTE),
        "news2_could_be_5": ("spot", 5 * MINUTE),
    }
    assert (POLICY.repeat_within_ms, POLICY.run_gap_ms) == (15 * MINUTE, 15 * MINUTE)
    assert (POLICY.flapping_over_ms, POLICY.flapping_rises) == (24 * HOUR, 3)
    assert (POLICY.settled_ms, POLICY.flap_ms, POLICY.recurrence_ms) == (HOUR, 30 * MINUTE, 12 * HOUR)
    assert [name for name, rule in RULES.items() if not rule.late] == ["news2_could_be_5", "pews_could_be_5"]
    assert POLICY.version
    assert POLICY.source


def test_single_vitals_over_time_are_shipped_switched_off() -> None:
    """By the name of their limit: level, the first and last value of a breach, and how long it has to last."""
    off = {rule.name: rule for rule in RULES.values() if not rule.enabled and rule.quantity.startswith("value:")}
    assert {name: (int(r.level), r.side.value, r.limit_on, r.limit_off, r.on_delay_ms) for name, r in off.items()} == {
        "spo2_92": (1, "below", 91, 92, HOUR),
        "spo2_88": (2, "below", 87, 88, 10 * MINUTE),
        "spo2_85": (2, "below", 84, 85, 5 * MINUTE),
        "spo2_80": (3, "below", 79, 80, 0),
        "spo2_93": (3, "below", 92, 92, 0),
        "spo2_95": (2, "below", 94, 94, 5 * MINUTE),
        "respiratory_rate_24": (2, "above", 25, 24, 5 * MINUTE),
        "respiratory_rate_11": (2, "below", 10, 11, 5 * MINUTE),
        "respiratory_rate_30": (3, "above", 31, 30, 0),
        "respiratory_rate_5": (3, "below", 4, 5, 0),
        "heart_rate_110": (1, "above", 111, 110, HOUR),
        "heart_rate_130": (2, "above", 131, 130, 30 * MINUTE),
        "heart_rate_40": (2, "below", 39, 40, 5 * MINUTE),
        "systolic_bp_90": (2, "below", 89, 90, 5 * MINUTE),
        "systolic_bp_180": (2, "above", 181, 180, 5 * MINUTE),
    }
    for name, rule in off.items():
        assert rule.quantity == f"value:{name.rpartition('_')[0]}"
        assert rule.quantity.removeprefix("value:") in POLICY.parts
        assert rule.source


@pytest.mark.hazard("H32")
def test_what_is_prescribed_has_no_limit_in_the_table() -> None:
    """It raises nothing of whom nothing is prescribed for, and its lower end is the prescriber's own."""
    assert [name for name, rule in RULES.items() if rule.prescribed] == ["spo2_below_target"]
    assert "spo2_below_target" not in {rule.name for chart in BASES.values() for rule in chart.clinical}
    assert all(chart.lowest == 5 for name, chart in BASES.items() if name == "news2")


@pytest.mark.hazard("H29")
def test_trends_are_shipped_switched_off() -> None:
    """For plans in which they mean something: a rise of weight, and what a clinician stated, with sourced limits."""
    off = [rule for rule in RULES.values() if rule.quantity.startswith("trend:")]
    assert [(r.name, int(r.level), r.quantity, r.limit_on, r.limit_off, r.enabled) for r in off] == [
        ("weight_gain", 1, "trend:weight.rise_3d", 2, 1.5, False),
        ("weight_gain_week", 1, "trend:weight.rise_7d", 2.01, 1.5, False),
        ("spo2_from_stated", 1, "trend:spo2.from_stated", -3, -3, False),
        ("weight_from_stated", 1, "trend:weight.from_stated", 2, 1.5, False),
    ]
    assert all(rule.source for rule in off)


@pytest.mark.parametrize(
    ("value", "above", "below"),
    [
        (89, Verdict.ABSENT, Verdict.PRESENT),
        (89.5, Verdict.ABSENT, Verdict.UNKNOWN),
        (90, Verdict.ABSENT, Verdict.UNKNOWN),
        (90.5, Verdict.ABSENT, Verdict.ABSENT),
        (179, Verdict.ABSENT, Verdict.ABSENT),
        (180, Verdict.UNKNOWN, Verdict.ABSENT),
        (181, Verdict.PRESENT, Verdict.ABSENT),
        (float("nan"), None, None),
        (None, None, None),
    ],
)
def test_a_number_by_its_name_is_a_breach_on_its_side(
    value: float | None, above: Verdict | None, below: Verdict | None
) -> None:
    """At the limit and beyond; not known to be none before it is beyond the off-limit; nothing without a number."""
    known = {} if value is None else {"value:systolic_bp": value}
    assert verdicts.named(RULES["systolic_bp_180"], known) is above
    assert verdicts.named(RULES["systolic_bp_90"], known) is below


@pytest.mark.hazard("H28")
def test_the_rules_of_children_are_their_own() -> None:
    """A 5 on one chart is no 5 on the other: no rule is weighed for both, and each knows its most."""
    names = {chart: {rule.name for rule in base.clinical} for chart, base in BASES.items()}
    assert not names["news2"] & names["pews"]
    assert all(rule.chart == "pews" and rule.source for rule in BASES["pews"].clinical)
    assert {chart: known.most for chart, known in POLICY.charts.items()} == {"news2": 20, "pews": 26}
    assert [part.most for part in POLICY.charts["pews"].parts.values()] == [4, 4, 4, 4, 4, 4, 2]


def test_the_responses_of_children_are_no_later_than_their_source_asks() -> None:
    """Review within 30 minutes from 5 on, the wait for a repeat counted, within 15 from 9 on; low, from 1, is off."""
    minutes = {name: POLICY.clocks[RULES[name].level].first_response_ms // MINUTE for name in ("pews_5", "pews_9")}
    assert minutes["pews_5"] + POLICY.repeat_within_ms // MINUTE <= 30
    assert (minutes["pews_9"] <= 15, RULES["pews_9"].at_once) == (True, True)
    assert (RULES["pews_1"].enabled, int(RULES["pews_1"].level)) == (False, 1)


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
        ("limit_off = 4", "limit_off = 6", "news2_5: it would clear on the wrong side of where it is raised"),
        ('off_delay = "30m"', "", "one good reading would clear it"),
        (
            'off_delay = "30m"',
            'off_delay = "half an hour"',
            "cannot be read: ValueError(\"'half an hour' is not a span such as 30m",
        ),
        ('off_delay = "30m"', "off_delay = 30", "cannot be read: ValueError('30 is not a span such as 30m"),
        ('quantity = "red"', 'quantity = "blue"', "what it asks for is no quantity"),
        ('quantity = "red"', 'quantity = "gap"', "what it asks for does not belong to its lane"),
        ('lane = "system"', 'lane = "clinical"', "what it asks for does not belong to its lane"),
        ("[levels.2]", "[levels.4]", "cannot be read"),
        ("level = 3", "level = 9", "cannot be read"),
        ('cadence = "spot"', 'cadence = "now and then"', "cannot be read"),
        ('on_delay = "5m"', "", "to be confirmed it needs an on-delay"),
        ('side = "below"', 'side = "above"', "it would clear on the wrong side"),
        ('quantity = "total"', 'quantity = "total"\nside = "below"', "a score is a breach above its limit only"),
        ("limit_on = 7", "limit_on = 21", "no score decides it"),
        ('quantity = "red"', 'quantity = "red"\nunsure = "worst"', "only a total can count"),
        ("limit_on = 7\n", "limit_on = 0\n", "news2_7: no score decides it"),
        ("limit_on = 7\n", "limit_on = true\n", "cannot be read: ValueError('True is not a number"),
        ("limit_on = 7\n", "limit_on = inf\n", "cannot be read: ValueError('inf is not a number"),
        ("limit_on = 7\n", 'limit_on = "7"\n', "cannot be read: ValueError(\"'7' is not a number"),
        ("enabled = false", 'enabled = "no"', "cannot be read: ValueError(\"'no' is neither true nor false"),
        ("enabled = false", "enable = false", "cannot be read: ValueError('enable is no field of a rule"),
        ("enabled = false", "enable = false\nof = 3", "enable, of is no field of a rule"),
        ('title = "NEWS2 7 or more"', "", "cannot be read: ValueError('news2_7 has no title"),
        ('title = "NEWS2 7 or more"\nchart = "news2"\nlane = "clinical"', "", "news2_7 has no title, lane"),
        ('title = "NEWS2 7 or more"', "title = 7", "cannot be read: ValueError('7 is not words"),
        ('repeat_within = "15m"', "", "cannot be read"),
        ('lane = "clinical"', 'lane = "bowling"', "cannot be read"),
        ('vitals = ["heart_rate", "respiratory_rate"]', 'vitals = "heart_rate"', "'heart_rate' is not a list of words"),
        ('vitals = ["heart_rate", "respiratory_rate"]', 'vitals = ["heart_rate", 3]', "3 is not words"),
        ('first_response = "60m"', 'first_response = "0m"', "level 1: a tier without time would never end"),
        ('tiers = ["15m", "30m"]', 'tiers = ["15m", "0s"]', "level 2: a tier without time would never end"),
        ('repeat = "15m"', 'repeat = "0h"', "level 3: a tier without time would never end"),
        (
            'tiers = ["15m", "30m"]',
            'tiers = ["15m", "30m", "30m"]',
            "level 2: there are 3 tiers, of which the first has its first_response",
        ),
        ('settled = "60m"', 'settled = "60"', "cannot be read"),
        ('settled = "60m"', "", "cannot be read"),
        ('settled = "60m"', 'settled = "60m"\nsnooze = "5m"', "cannot be read"),
        ("covered_rise = 2", 'covered_rise = "two"', "cannot be read"),
        ("[clocks]", "[clocks", "cannot be read"),
        ('chart = "pews"', "", "pews_9: it is of no chart that there is"),
        ('chart = "pews"', 'chart = "mews"', "pews_9: it is of no chart that there is"),
        ("limit_on = 9", "limit_on = 27", "pews_9: no score decides it"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(was: str, becomes: str, complaint: str) -> None:
    """Nothing is guessed: the fault is named and nothing starts."""
    assert was in TEXT
    with pytest.raises(PolicyError, match=re.escape(complaint)):
        policy.load(TEXT.replace(was, becomes))


def test_every_fault_of_a_table_is_named_at_once() -> None:
    """Whoever wrote it mends it in one go."""
    text = TEXT.replace("limit_on = 7", "limit_on = 21").replace('first_response = "5m"', 'first_response = "0s"')
    with pytest.raises(PolicyError) as refused:
        policy.load(text)
    assert str(refused.value).startswith("level 3: a tier without time would never end; news2_7: no score decides it")


def test_a_table_is_read_as_it_is_in_force() -> None:
    """Every rule, clock and chart; and the sets of rules of each chart."""
    assert policy.load(TEXT) == POLICY
    assert {chart: RuleSet.of(RULES, chart=chart) for chart in POLICY.charts} == BASES
    assert {(rule.chart, rule.lane, rule.enabled) for base in BASES.values() for rule in base.clinical} == {
        ("news2", Lane.CLINICAL, True),
        ("pews", Lane.CLINICAL, True),
    }
    assert RuleSet.of(RULES).chart == "news2"
    assert [rule.name for rule in BASES["pews"].named] == [r.name for r in BASES["pews"].clinical if ":" in r.quantity]
    assert (BASES["news2"].lowest, BASES["pews"].lowest) == (5, 5)
    assert RuleSet.of({name: rule for name, rule in RULES.items() if rule.quantity == "red"}).lowest == float("inf")


def test_the_least_of_any_rule_over_a_total_or_its_bound_is_where_a_look_begins() -> None:
    """Of those that are on."""
    for name, least in (("news2_7", 7), ("news2_5", 5), ("news2_could_be_5", 5), ("pews_1", float("inf"))):
        rule = RULES[name]
        assert RuleSet.of({name: rule}, chart=rule.chart).lowest == least


def test_what_is_held_back_is_free_once_its_spans_are_over() -> None:
    """And what is not held back is free at once."""
    terms = Terms(rules=BASE, held={"overdue": ((10, 20), (20, 30))})
    assert [terms.free_ms("overdue", at) for at in (9, 10, 19, 25, 30)] == [9, 30, 30, 30, 30]
    assert terms.free_ms("battery_low", 15) == 15


@pytest.mark.hazard("H32")
def test_what_is_prescribed_counts_once_it_has_its_limit() -> None:
    """Not with any other field of it that was said."""
    said = limit("spo2_below_target", limit_on=87)
    for given, there in (({}, False), ({"limit_off": said}, False), ({"limit_on": said}, True)):
        found = RuleSet.of(RULES, {"spo2_below_target": given})
        assert ("spo2_below_target" in {rule.name for rule in found.clinical}) == there
        assert found.given == {"spo2_below_target": given}


def test_the_labels_of_a_part_are_those_of_the_first_chart_that_has_it() -> None:
    """The adult's, where both have it."""
    assert all(POLICY.labels[name] is part for name, part in POLICY.parts.items())
    assert set(POLICY.labels) == {name for chart in POLICY.charts.values() for name in chart.parts}


def test_a_limit_is_in_force_from_its_start_up_to_its_end() -> None:
    """To the millisecond; without an end for good."""
    ends = replace(limit("news2_5", limit_on=6), from_ms=10, to_ms=20)
    assert [ends.in_force(at) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert replace(ends, to_ms=None).in_force(1 << 60)


def test_a_level_without_clocks_is_refused() -> None:
    """An alert that nobody owes an answer would wait for ever."""
    without = re.sub(r"\[levels\.3\].*?\n\n", "", TEXT, flags=re.DOTALL)
    with pytest.raises(PolicyError, match="level 3 has no clocks"):
        policy.load(without)


@pytest.mark.parametrize("total", range(8))
def test_the_verdicts_of_a_complete_score(total: int) -> None:
    """Present from the limit, absent below the off-limit, unknown between the two."""
    scored = point(0, total)
    said = {name: verdicts.verdict(RULES[name], scored) for name in ("news2_7", "news2_5", "news2_red")}
    assert said == {
        "news2_7": Verdict.PRESENT if total >= 7 else Verdict.ABSENT if total < 6 else Verdict.UNKNOWN,
        "news2_5": Verdict.PRESENT if total >= 5 else Verdict.ABSENT if total < 4 else Verdict.UNKNOWN,
        "news2_red": Verdict.ABSENT,
    }


def test_a_missing_part_leaves_open_what_it_could_hide() -> None:
    """Three measured points and three that could be are not below four."""
    scored = point(0, 3, missing=["temperature"])
    assert verdicts.verdict(RULES["news2_5"], scored) is Verdict.UNKNOWN
    assert verdicts.verdict(RULES["news2_red"], scored) is Verdict.UNKNOWN
    assert verdicts.verdict(RULES["news2_5"], point(0, 0, missing=["temperature"])) is Verdict.ABSENT
    assert verdicts.verdict(RULES["news2_red"], point(0, 0, missing=["temperature"])) is Verdict.UNKNOWN


def test_a_part_outside_the_plan_counts_only_when_the_alert_stands_on_it() -> None:
    """Its absence hides nothing else."""
    plan = tuple(part for part in PARTS if part != "temperature")
    scored = point(0, 3, missing=["temperature"], expected=plan)
    assert verdicts.verdict(RULES["news2_red"], scored) is Verdict.ABSENT
    on_temperature = clinical(after(point(0, temperature=2, heart_rate=3)))
    assert verdicts.verdict(RULES["news2_red"], scored, on_temperature.parts) is Verdict.UNKNOWN


def test_what_could_be_five_is_known_not_to_be_when_its_bound_is_below() -> None:
    """Five is raised, four is not, and five for certain is another rule's."""
    rule = RULES["news2_could_be_5"]
    assert verdicts.verdict(rule, point(0, 2, could_be=5)) is Verdict.PRESENT
    assert verdicts.verdict(rule, point(0, 4)) is Verdict.ABSENT
    assert verdicts.verdict(rule, point(0, 5)) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("points", "might"),
    [
        ({}, False),
        ({"total": 4}, False),
        ({"total": 5}, True),
        ({"spo2": 3}, True),
        ({"total": 1, "could_be": 5}, True),
        ({"total": 5, "could_be": 4}, True),
    ],
)
def test_the_quick_look_misses_nothing(points: dict[str, int], *, might: bool) -> None:
    """What it lets pass holds no clinical rule."""
    scored = point(0, **points)  # type: ignore[arg-type]
    assert verdicts.breaching(scored, BASE) == might
    assert might == any(verdicts.present(rule, scored) for rule in BASE.clinical)


def test_reds_are_the_parts_that_score_three() -> None:
    """Named, in the order of the chart."""
    assert evidence.reds(evidence.of_score(point(0, 2, temperature=3, spo2=3), ())) == ("spo2", "temperature")
    assert evidence.reds(evidence.of_score(point(0, 6), ())) == ()


def test_every_lane_and_level_can_be_named() -> None:
    """The scale is the same in every lane."""
    assert [int(level) for level in Level] == [1, 2, 3]
    assert [lane.value for lane in Lane] == ["clinical", "technical", "system"]
