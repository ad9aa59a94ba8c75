"""What speaks against a reading that is possible: each doubt from both sides of its limit, in any order of arrival."""

from random import Random
from typing import Any

import pytest

from alerts.policy import BASE
from devices.vitals import VITALS
from vwmon import doubts
from vwmon.doubts import LIMITS, Doubt, Seen
from vwmon.scoring import charts, reference
from vwmon.scoring.charts import PARTS

MINUTE, HOUR = 60_000, 3_600_000


def seen(*readings: tuple[Any, ...], vital: str = "heart_rate") -> list[Seen]:
    """Give readings by minute, value and device, in the order in which they came."""
    return [
        Seen(seq, one[2] if len(one) > 2 else 1, vital, round(one[0] * MINUTE), float(one[1]))
        for seq, one in enumerate(readings, start=1)
    ]


def kinds(readings: list[Seen]) -> dict[int, list[str]]:
    """Give the doubts by the numbers of the readings."""
    return {seq: [doubt.value for doubt, _ in said] for seq, said in doubts.doubts(readings).items()}


def sentences(readings: list[Seen]) -> list[str]:
    """Give what is said, in the order of the readings."""
    found = doubts.doubts(readings)
    return [sentence for seq in sorted(found) for _, sentence in found[seq]]


@pytest.mark.hazard("H26")
@pytest.mark.parametrize("vital", [one for one in VITALS.values() if one.numeric], ids=lambda one: one.name)
def test_outside_what_home_devices_measure_is_questioned(vital: Any) -> None:  # noqa: ANN401 -- devices.vitals.Vital
    """At both ends of the range that the table of vitals has, and inside it not."""
    inside = seen((0, vital.usual_low), (10 * 24 * 60, vital.usual_high), vital=vital.name)
    assert "questioned" not in {kind for found in kinds(inside).values() for kind in found}
    for value in {vital.low, vital.high} - {vital.usual_low, vital.usual_high}:
        assert kinds(seen((0, value), vital=vital.name)) == {1: ["questioned"]}


@pytest.mark.hazard("H34")
def test_silent_hypoxia_is_in_no_doubt() -> None:
    """SpO2 of 80 % in somebody who is awake is what Covid looks like, however fast it came."""
    assert doubts.doubts(seen((0, 97), (1, 80), (2, 79), vital="spo2")) == {}


@pytest.mark.hazard("H34")
def test_no_vital_that_can_change_within_a_minute_has_a_limit_of_change() -> None:
    """A sudden change of these is the illness itself."""
    sudden = {"spo2", "respiratory_rate", "heart_rate", "systolic_bp", "consciousness", "oxygen", "gcs", "fio2"}
    assert {change.vital for change in LIMITS.changes}.isdisjoint(sudden)
    for vital in sorted(sudden & {"spo2", "respiratory_rate", "heart_rate", "systolic_bp"}):
        known = VITALS[vital]
        assert doubts.doubts(seen((0, known.usual_low), (2, known.usual_high), vital=vital)) == {}


@pytest.mark.hazard("H34")
def test_limits_without_a_source_say_that_they_have_none() -> None:
    """No limit is invented and passed off as somebody else's."""
    assert LIMITS.source == "vwmon's proposal, without a published source; flags only"


def test_the_same_value_for_the_same_moment_is_a_repeat_and_counts_once() -> None:
    """From one device; two devices that agree say more than one."""
    assert kinds(seen((0, 80), (0, 80), (1, 80))) == {2: ["repeated"]}
    assert kinds(seen((0, 80, 1), (0, 80, 2))) == {}


@pytest.mark.hazard("H26")
@pytest.mark.parametrize(
    ("vital", "one", "other", "doubted"),
    [
        ("systolic_bp", 120, 140, False),
        ("systolic_bp", 120, 141, True),
        ("spo2", 90, 94, False),
        ("spo2", 90, 95, True),
        ("weight", 78, 78.1, True),
        ("consciousness", 0, 1, True),
        ("urine_output", 200, 300, False),
        ("oxygen_flow", 2, 15, False),
    ],
)
def test_two_values_for_one_moment_contradict_each_other_when_they_are_far_apart(
    vital: str, one: float, other: float, *, doubted: bool
) -> None:
    """Both are in doubt: which of them is wrong nobody knows. The worse counts, whatever the order."""
    for first, second in ((one, other), (other, one)):
        found = kinds(seen((0, first), (0, second), vital=vital))
        assert found == ({1: ["contradicted"], 2: ["contradicted"]} if doubted else {})


def test_a_contradiction_says_both_values_and_which_counts() -> None:
    """In the words of the vital."""
    told = "Systolic blood pressure: 90 mmHg and 130 mmHg for one moment; the worse counts"
    assert sentences(seen((0, 130), (0, 90), vital="systolic_bp")) == [told, told]
    assert sentences(seen((0, 0), (0, 2), vital="consciousness"))[0].startswith("Consciousness: A and V for one moment")


@pytest.mark.parametrize(
    ("other", "doubted"),
    [((1, 101, 2), True), ((1, 100, 2), False), ((1.1, 140, 2), False), ((0, 140, 1), True), ((1, 140, 1), False)],
    ids=["far", "near", "later than a minute", "one device, one moment", "one device, later"],
)
def test_two_heart_rates_within_a_minute_disagree_by_more_than_twenty(
    other: tuple[float, float, int], *, doubted: bool
) -> None:
    """An oximeter's pulse against an ECG's: both are in doubt."""
    found = kinds(seen((0, 80, 1), other))
    assert found == ({1: ["disagrees"], 2: ["disagrees"]} if doubted else {})


def test_a_heart_rate_that_keeps_still_is_in_doubt_when_the_rule_about_devices_says_so() -> None:
    """From the twelfth equal reading on, an hour after the first; another value begins anew."""
    hourly = [(5 * n, 72) for n in range(14)]
    assert kinds(seen(*hourly)) == {13: ["unchanged"], 14: ["unchanged"]}
    assert kinds(seen(*hourly[:6], (29, 73), *hourly[6:])) == {}
    assert kinds(seen(*((5 * n, 97) for n in range(14)), vital="spo2")) == {}
    assert kinds(seen(*((12 * n, 72) for n in range(12)))) == {12: ["unchanged"]}
    assert kinds(seen(*((12 * n, 72) for n in range(11)))) == {}
    (told, _) = sentences(seen(*hourly))
    assert told == "Heart rate 72 /min 13 times in a row, over 1h"


@pytest.mark.hazard("H26")
@pytest.mark.parametrize(
    ("vital", "readings", "doubted"),
    [
        ("temperature", [(0, 36.8), (10, 38.9)], True),
        ("temperature", [(0, 36.8), (10, 38.8)], False),
        ("temperature", [(0, 36.8), (11, 38.9)], False),
        ("temperature", [(0, 36.8), (60, 39.9)], True),
        ("temperature", [(0, 36.8), (61, 39.9)], False),
        ("weight", [(0, 80), (24 * 60, 88.1)], True),
        ("weight", [(0, 80), (24 * 60, 88)], False),
        ("weight", [(0, 80), (49 * 60, 100)], False),
        ("weight", [(0, 80), (24 * 60, 71.9)], True),
        ("glucose", [(0, 5), (15, 15.1)], True),
        ("glucose", [(0, 5), (15, 15)], False),
    ],
)
def test_a_change_that_no_body_makes_is_in_doubt(
    vital: str, readings: list[tuple[float, float]], *, doubted: bool
) -> None:
    """Against the reading before, of whichever device; within the span and beyond the limit only."""
    assert kinds(seen(*readings, vital=vital)) == ({2: ["jumped"]} if doubted else {})


@pytest.mark.parametrize(
    ("value", "likely"),
    [(172, "78.02 kg had it been sent in lb"), (12.3, "78.11 kg had it been sent in stone"), (100, None)],
)
def test_a_weight_in_another_unit_shows_as_a_jump_that_names_it(value: float, likely: str | None) -> None:
    """Pounds and stones are possible kilograms: they are scored as sent, and doubted."""
    told = [
        one for one in sentences(seen((0, 78), (24 * 60, value), vital="weight")) if "up from" in one or "down" in one
    ]
    direction = "up" if value > 78 else "down"
    plain = f"Body weight {value:g} kg is {direction} from 78 kg in 1d; one of the two may be wrong"
    assert told == [f"{plain} ({likely})" if likely else plain]


def test_words_and_vitals_of_no_table_are_not_judged() -> None:
    """Nothing is known of what they can be."""
    assert doubts.doubts(seen((0, 1e6), (0, 2), vital="mood")) == {}


def test_neither_order_nor_batches_change_what_is_in_doubt() -> None:
    """A ward that heard it late, and a recording, show the same; so does any window of a reading's reach."""
    chance = Random(42)
    values: dict[str, list[float]] = {
        "heart_rate": [72, 72, 72, 110, 210],
        "temperature": [36.8, 39.9, 29],
        "weight": [78, 172],
    }
    every = [
        Seen(seq, chance.choice([1, 2]), vital, chance.randrange(0, 600) * MINUTE, float(chance.choice(values[vital])))
        for seq, vital in enumerate(chance.choices(list(values), k=400), start=1)
    ]
    whole = doubts.doubts(every)
    assert {kind for said in whole.values() for kind, _ in said} >= set(Doubt) - {Doubt.UNCHANGED, Doubt.CONTRADICTED}
    chance.shuffle(every)
    assert doubts.doubts(every) == whole
    for one in every:
        before_ms, after_ms = doubts.reach_ms(one.vital)
        near = [
            other for other in every if one.observed_ms - before_ms <= other.observed_ms <= one.observed_ms + after_ms
        ]
        assert doubts.doubts(near).get(one.seq) == whole.get(one.seq)


def test_a_table_with_a_slip_is_refused() -> None:
    """A vital that there is not, and a change by nothing."""
    text = (
        'version = "1"\nsource = "s"\n[apart]\n{}\n[sums]\nvitals = []\n[two_sources]\nvitals = []\nwithin = "1m"\n{}'
    )
    change = '[[change]]\nvital = "weight"\nwithin = "1h"\n'
    with pytest.raises(ValueError, match="mood is in no table"):
        doubts.load(text.format("mood = 1", change + "by = 1"))
    with pytest.raises(ValueError, match="by so much or by a share"):
        doubts.load(text.format("", change))


@pytest.mark.parametrize("part", [name for name in PARTS if name not in {"oxygen", "consciousness"}])
def test_every_questioned_value_of_the_score_breaches_and_so_asks_for_a_repeat(part: str) -> None:
    """What is possible and not usual scores 3: one such value waits for a repeat, or opens at level 3 at once.

    But for a temperature above 45, which scores 2 as every fever does.
    """
    vital, chart = VITALS[part], charts.load("news2")
    of_chart = next(one for one in chart.parts if one.name == part)
    steps = [vital.low + (vital.high - vital.low) * step / 500 for step in range(501)]
    outside = [value for value in steps if vital.unusual(value) and (part != "temperature" or value < vital.usual_low)]
    assert outside
    scored = {reference.read(of_chart, of_chart.tables[0], value) for value in outside}
    assert {band.points for band in scored if band is not None} == {3}
    assert BASE.rules["news2_red"].enabled
