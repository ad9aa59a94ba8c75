"""Limits of a ward, a pathway or a stay over the table of rules: which one holds, and which are refused."""

import re
from typing import Any

import pytest

from alerts.errors import PolicyError
from alerts.layers import layered
from alerts.model import Lane
from alerts.policy import BASE, Cadence, Layer, Limit, Side
from tests.unit.alerts_points import HOUR, MINUTE


def limit(layer: Layer = Layer.STAY, rule: str = "news2_5", from_ms: int = 0, **more: Any) -> Limit:  # noqa: ANN401 -- fields of Limit, and of the rule
    """Give a limit by Dr Okafor; what is no field of a limit is one of the rule."""
    own = {name: more.pop(name) for name in ("author", "reason", "to_ms", "subject") if name in more}
    said = {"author": "okafor", "reason": "COPD, well at 88 to 92 %", "subject": layer.value, **own}
    return Limit(rule=rule, layer=layer, changes=more, from_ms=from_ms, **said)


def test_without_limits_the_table_holds() -> None:
    """Nothing is changed, and nothing is said to have been given by anyone."""
    same = layered(BASE, [])
    assert (same.rules, same.lowest, same.given) == (BASE.rules, BASE.lowest, {})


def test_the_narrowest_layer_wins_field_by_field() -> None:
    """The stay's limit, the pathway's on-delay and the ward's off-delay hold together, in whatever order they come."""
    ward = limit(Layer.WARD, limit_on=9, limit_off=4, on_delay="10m", off_delay="45m")
    pathway = limit(Layer.PATHWAY, limit_on=8, on_delay="8m")
    stay = limit(Layer.STAY, limit_on=6)
    for given in ([ward, pathway, stay], [stay, pathway, ward], [pathway, stay, ward]):
        found = layered(BASE, given)
        rule = found.rules["news2_5"]
        assert (rule.limit_on, rule.limit_off) == (6, 4)
        assert (rule.on_delay_ms, rule.off_delay_ms) == (8 * MINUTE, 45 * MINUTE)
        assert found.given["news2_5"] == {"limit_on": stay, "limit_off": ward, "on_delay": pathway, "off_delay": ward}
        assert found.rules["news2_7"] == BASE.rules["news2_7"]


def test_of_two_limits_of_one_layer_the_later_start_wins() -> None:
    """A plan that is written anew replaces what it says otherwise, and only that."""
    old, new = limit(limit_on=6, off_delay="45m"), limit(limit_on=8, from_ms=HOUR)
    found = layered(BASE, [new, old])
    assert (found.rules["news2_5"].limit_on, found.rules["news2_5"].off_delay_ms) == (8, 45 * MINUTE)
    assert found.given["news2_5"] == {"limit_on": new, "off_delay": old}


def test_limits_over_limits_keep_who_gave_what() -> None:
    """A ward's rules can be laid once, and each stay's over them."""
    ward, stay = limit(Layer.WARD, limit_off=3), limit(limit_on=6)
    assert layered(layered(BASE, [ward]), [stay]).given == layered(BASE, [ward, stay]).given


def test_a_limit_holds_from_its_start_up_to_its_end() -> None:
    """The start is in it and the end is not; without an end it goes on."""
    one = limit(from_ms=10, to_ms=20)
    assert [one.in_force(now) for now in (9, 10, 19, 20)] == [False, True, True, False]
    assert limit(from_ms=10).in_force(1 << 60)


def test_a_layer_switches_rules_on_and_off() -> None:
    """What is off is not asked, what is on is; the quick look knows where the least limit is."""
    off = layered(BASE, [limit(enabled=False), limit(rule="news2_could_be_5", enabled=False)])
    assert [rule.name for rule in off.clinical] == ["news2_7", "news2_red"]
    assert off.lowest == 7
    assert layered(BASE, [limit(limit_on=3, limit_off=3)]).lowest == 3


def test_any_field_of_care_can_be_moved() -> None:
    """Level, cadence, lateness, and how what is unsure counts."""
    rule = layered(BASE, [limit(level=1, cadence="continuous", late=False, unsure="worst")]).rules["news2_5"]
    assert (rule.level, rule.cadence, rule.late, rule.unsure.value) == (1, Cadence.CONTINUOUS, False, "worst")
    assert (rule.lane, rule.side, rule.at_once) == (Lane.CLINICAL, Side.ABOVE, False)


@pytest.mark.hazard("H32")
def test_a_rule_of_the_highest_level_counts_at_once_whatever_its_cadence() -> None:
    """No layer delays it, and one that raises a rule to that level makes it immediate."""
    spot = layered(BASE, [limit(rule="news2_7", cadence="spot", on_delay="5m"), limit(level=3)])
    assert spot.rules["news2_7"].at_once
    assert spot.rules["news2_5"].at_once


@pytest.mark.parametrize(
    ("refused", "complaint"),
    [
        (limit(author=" ", limit_on=6), "needs an author and a reason"),
        (limit(reason="", limit_on=6), "needs an author and a reason"),
        (limit(rule="news3_5", limit_on=6), "there is no such rule"),
        (limit(quantity="red"), "quantity cannot be changed"),
        (limit(rule="spo2_below_target", limit_on=87), "where it holds is prescribed: another range is another"),
        (limit(limit_of=6), "limit_of cannot be changed"),
        (limit(rule="news2_7", enabled=False), "a rule of level 3 cannot be taken off or down"),
        (limit(rule="news2_7", level=2), "a rule of level 3 cannot be taken off or down"),
        (limit(limit_on=3), "it would clear on the wrong side"),
        (limit(limit_on=21), "no score decides it"),
        (limit(limit_on=0, limit_off=0), "no score decides it"),
        (limit(rule="news2_red", limit_on=2, limit_off=2), "a single 3 has no limit"),
        (limit(side="below", limit_off=6), "above its limit only"),
        (limit(off_delay="0m"), "one good reading would clear it"),
        (limit(on_delay="0m"), "it needs an on-delay"),
        (limit(rule="news2_red", unsure="worst"), "only a total"),
        (limit(limit_on="6"), "'6' is not a number"),
        (limit(limit_on=True), "True is not a number"),
        (limit(limit_on=float("nan")), "nan is not a number"),
        (limit(off_delay=30), "30 is not a span"),
        (limit(enabled="no"), "'no' is neither true nor false"),
        (limit(level=4), "4 is not a valid Level"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_limit_that_cannot_be_is_refused_by_name(refused: Limit, complaint: str) -> None:
    """Whoever wrote it is told which it was, and nothing is guessed."""
    with pytest.raises(PolicyError, match=re.escape(complaint)) as error:
        layered(BASE, [limit(Layer.WARD, rule="overdue", level=2), refused])
    assert f"the limit on {refused.rule} of stay stay by {refused.author or 'nobody'}" in str(error.value)


def test_limits_that_only_contradict_each_other_are_both_named() -> None:
    """Each could be on its own; the ward's on-limit is below the pathway's off-limit."""
    ward, pathway = limit(Layer.WARD, limit_on=6), limit(Layer.PATHWAY, limit_off=7, limit_on=8)
    assert layered(BASE, [ward, pathway]).rules["news2_5"].limit_on == 8
    with pytest.raises(PolicyError) as error:
        layered(BASE, [ward, pathway, limit(limit_on=6)])
    named = [one for one in Layer if f"the limit on news2_5 of {one} " in str(error.value)]
    assert named == [Layer.PATHWAY, Layer.STAY]
