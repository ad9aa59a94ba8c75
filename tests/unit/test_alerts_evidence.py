"""What is kept of a moment as evidence, and what is read off it again: every field by its name."""

from dataclasses import replace
from typing import Any

import pytest

from alerts import evidence
from alerts.policy import BASE, Rule
from tests.unit.alerts_points import LAG, MINUTE, note, point, terms
from tests.unit.alerts_points import limit as limited

FIVE, RED, LOW = (BASE.rules[name] for name in ("news2_5", "news2_red", "systolic_bp_90"))
MOVED = terms(limited("news2_5", limit_on=4, limit_off=3)).rules.rules["news2_5"]


def asking(quantity: str) -> Rule:
    """Give a rule over a number of that name."""
    return replace(LOW, name=quantity, quantity=quantity)


def of_answers(**answers: float) -> dict[str, Any]:
    """Give evidence with answers, each by the name of its question with a dash for the dot."""
    return {"quantities": {f"answer:{name.replace('_', '.')}": value for name, value in answers.items()}}


def test_a_score_is_kept_whole() -> None:
    """Bounds, whether it is complete, what is missing, points, values, ages; beside it only what there is."""
    scored = point(3, spo2=3, missing=("temperature",), could_be=5)
    kept = evidence.of_score(scored, [RED])
    assert kept == {
        "rules": ["news2_red"],
        "at_ms": 3 * MINUTE,
        "received_ms": 3 * MINUTE + LAG,
        "late": False,
        "total_min": 3,
        "total_max": 6,
        "could_be": 5,
        "red": True,
        "complete": False,
        "missing": ["temperature"],
        "points": scored.points,
        "values": scored.values,
        "ages_ms": scored.ages_ms,
    }
    well = evidence.of_score(replace(point(3), late=True), [])
    assert (well["red"], well["complete"], well["missing"], well["late"]) == (False, True, [], True)


def test_beside_a_score_is_kept_what_is_not_always_there() -> None:
    """Another chart's name, what was refused, the numbers that the rules ask for, and limits that were moved."""
    scored = point(3, 5, refused={"spo2": 2}, sent={"spo2": "140"})
    scored = replace(scored, quantities={LOW.quantity: 85.0, "value:spo2": 91.0})
    kept = evidence.of_score(scored, [MOVED, LOW], "pews")
    assert kept["chart"] == "pews"
    assert kept["refused"] == {"spo2": {"age_ms": 2 * MINUTE, "sent": "140"}}
    assert kept["quantities"] == {LOW.quantity: 85.0}
    assert kept["limits"]["news2_5"]["limit_on"] == 4


@pytest.mark.parametrize("late", [False, True])
def test_of_numbers_by_their_names_those_that_are_asked_for_are_kept(*, late: bool) -> None:
    """With their sentences, and the limits that were moved."""
    seen = note(3, late=late, said="fell", systolic_bp=85.0, spo2=91.0)
    assert evidence.of_note(seen, [LOW]) == {
        "rules": ["systolic_bp_90"],
        "at_ms": 3 * MINUTE,
        "received_ms": 3 * MINUTE + LAG,
        "late": late,
        "quantities": {LOW.quantity: 85.0},
        "sentences": {LOW.quantity: "fell"},
    }
    assert evidence.of_note(seen, [MOVED])["limits"].keys() == {"news2_5"}


@pytest.mark.parametrize(
    ("quantity", "asked"),
    [
        ("value:spo2", ["spo2"]),
        ("trend:weight.gain.7d", ["weight"]),
        ("answer:wellbeing.compared", ["answer:wellbeing.compared"]),
        ("value:clock:12", ["clock:12"]),
    ],
)
def test_what_a_rule_over_a_number_asks_for(quantity: str, asked: list[str]) -> None:
    """The vital of a value or a trend, and an answer as it is called."""
    assert evidence.by_name(asking(quantity)) == asked
    assert evidence.repeatable(asking(quantity), point(0, 5)) == asked


def test_what_is_to_be_measured_again() -> None:
    """What scored; and where it is unsure what could be, what is awaited."""
    scored = point(0, spo2=3, heart_rate=2, missing=("temperature", "consciousness"), expected=("temperature",))
    assert evidence.repeatable(FIVE, scored) == ["spo2", "heart_rate"]
    assert evidence.repeatable(BASE.rules["news2_could_be_5"], scored) == ["temperature"]


def test_what_a_wait_gathers() -> None:
    """All parts that scored in any of its breaches, those that scored 3, and the highest total; the same if no more."""
    first = evidence.of_score(point(0, spo2=2, heart_rate=2, temperature=1), [FIVE])
    assert evidence.gathered(first, first) is first
    assert evidence.gathered(first, evidence.of_score(point(1, spo2=1), [])) is first
    more = evidence.gathered(first, evidence.of_score(point(1, spo2=3, respiratory_rate=3), [FIVE]))
    assert more["gathered"]["peak"] == 6
    assert set(more["gathered"]["parts"]) == {"spo2", "heart_rate", "temperature", "respiratory_rate"}
    assert set(more["gathered"]["reds"]) == {"spo2", "respiratory_rate"}
    assert evidence.gathered(more, first) is more
    parts, reds, peak = evidence.stood_on(more)
    assert (len(parts), len(reds), peak) == (4, 2, 6)


def test_what_was_answered_counts_with_the_parts() -> None:
    """Each set of questions once, whatever its questions are called; other numbers are none."""
    said = of_answers(wellbeing_compared=2.0, wellbeing_what=1.0, wound_fever_since=1.0)
    said["quantities"]["value:spo2"] = 91.0
    assert evidence.stood_on(said) == (("answers:wellbeing", "answers:wound"), (), None)


def test_numbers_are_compared_with_what_they_were() -> None:
    """A part by when it was measured, a number by its moment; what is the same, new, or as old has no before."""
    earlier = {"at_ms": 10_000, "values": {"spo2": 94.0, "heart_rate": 80.0}, "ages_ms": {"spo2": 4_000}}
    now = {"at_ms": 20_000, "values": {"spo2": 91.0, "heart_rate": 80.0, "temperature": 38.0}, "ages_ms": {}}
    assert evidence.compared(now, earlier) == {**now, "before": {"spo2": {"value": 94.0, "at_ms": 6_000}}}
    assert evidence.compared(now, {}) is now
    old = {**now, "ages_ms": {"spo2": 14_000}}
    assert evidence.compared(old, earlier) is old
    just_before = {"at_ms": 19_999, "values": {"spo2": 94.0}, "ages_ms": {"spo2": 0}}
    assert evidence.compared(now, just_before)["before"]["spo2"]["at_ms"] == 19_999
    older = {**now, "ages_ms": {"spo2": 13_999}}
    assert evidence.compared(older, earlier)["before"]["spo2"]["at_ms"] == 6_000


def test_numbers_by_name_are_compared_by_their_moment() -> None:
    """Also where no part was measured."""
    earlier, now = (
        {"at_ms": at_ms, "quantities": {"value:weight": kg}} for at_ms, kg in ((1_000, 80.0), (2_000, 82.5))
    )
    assert evidence.compared(now, earlier)["before"] == {"value:weight": {"value": 80.0, "at_ms": 1_000}}
    assert "before" not in evidence.compared({**now, "at_ms": 1_000}, earlier)


def test_what_comes_at_once_is_the_worst_with_the_limits_of_all_its_rules() -> None:
    """Of no other rule."""
    worst = evidence.of_score(point(0, 5), [MOVED])
    other = {"limits": {"news2_red": {"level": 1}, "spo2_92": {"level": 2}}}
    both = evidence.together(worst, ["news2_5", "news2_red"], [worst, other])
    assert both["rules"] == ["news2_5", "news2_red"]
    assert both["limits"] == {"news2_5": worst["limits"]["news2_5"], "news2_red": {"level": 1}}
    assert both["total_min"] == 5
    alone = evidence.together(worst, ["news2_7"], [worst])
    assert "limits" not in alone
