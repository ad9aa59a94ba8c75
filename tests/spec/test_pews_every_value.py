"""National PEWS as NHS England printed it: every value at its resolution, all four ages, all subsets missing.

The oracle shares no code and no chart file with the product: the edges are those of the configuration document and the
four charts of 2023, written out again here.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.spec.random_sets import draw
from vwmon.scoring import charts, reference, vectorised

CHART = charts.load("pews")
NAN = float("nan")
AGES = ("0-11m", "1-4y", "5-12y", "13-18y")
# By age: below which edge 4, 2 and 1 points, and from which on 1, 2 and 4. The same edge twice: no such band.
EDGES: dict[str, dict[str, tuple[int, int, int, int, int, int]]] = {
    "respiratory_rate": {
        "0-11m": (10, 20, 30, 50, 60, 70),
        "1-4y": (10, 20, 20, 40, 50, 60),
        "5-12y": (10, 15, 20, 25, 40, 50),
        "13-18y": (10, 10, 15, 25, 30, 40),
    },
    "heart_rate": {
        "0-11m": (80, 90, 110, 150, 170, 180),
        "1-4y": (60, 70, 90, 140, 150, 170),
        "5-12y": (60, 70, 80, 120, 140, 160),
        "13-18y": (50, 60, 70, 100, 120, 130),
    },
    "systolic_bp": {
        "0-11m": (50, 60, 70, 90, 100, 110),
        "1-4y": (50, 60, 80, 100, 120, 130),
        "5-12y": (70, 80, 90, 110, 120, 130),
        "13-18y": (80, 90, 100, 120, 130, 140),
    },
}
DEVICES = ("air", "NP", "FM", "HB", "NRB", "HF", "BiP", "CP")
FLOWS = (0.0, 0.01, 0.5, 1.0, 1.99, 1.995, 2.0, 5.99, 5.995, 6.0, 15.0, 20.0, 20.5, 25.0, 60.0)
FRACTIONS = (0.21, 0.22, 0.24, 0.2999, 0.29995, 0.3, 0.4, 0.4999, 0.49995, 0.5, 0.6, 1.0)
LEVELS = ("none", "low", "medium", "high", "emergency")


def two_sided(value: float, edges: tuple[int, int, int, int, int, int]) -> int:
    """Score a value that may be too low or too high."""
    low_4, low_2, low_1, high_1, high_2, high_4 = edges
    if value < low_4 or value >= high_4:
        return 4
    if value < low_2 or value >= high_2:
        return 2
    if value < low_1 or value >= high_1:
        return 1
    return 0


def edged(vital: str, age: str) -> Callable[[float], int]:
    """Give what scores a vital at an age."""
    return lambda value: two_sided(value, EDGES[vital][age])


def spo2(value: float) -> int:
    """Score a saturation: up to 91, up to 95, and above."""
    if value <= 91:
        return 4
    return 1 if value < 95 else 0


def by_flow(flow: float) -> int:
    """Score litres a minute on a mask or prongs."""
    if flow >= 6:
        return 4
    return 2 if flow >= 2 else 1


def by_fraction(fraction: float) -> int:
    """Score an inspired fraction on a mask or prongs: the chart prints 30 and 50 per cent."""
    if fraction >= 0.5:
        return 4
    return 2 if fraction >= 0.3 else 1


def level(flow: float | None, fraction: float | None, *, support: bool) -> int | None:
    """Score how much oxygen there is, by what is known of it, the worse of two; none of it is 0 unless on support."""
    least = 1 if support else 0
    known = []
    if flow is not None:
        known.append(by_flow(flow) if flow > 0 else least)
    if fraction is not None:
        known.append(by_fraction(fraction) if fraction > 0.21 else least)
    return max(known) if known else None


def oxygen(device: str | None, flow: float | None, fraction: float | None) -> tuple[int, int]:
    """Give the bounds of the points of oxygen."""
    if device in {"HF", "BiP", "CP"}:
        return 4, 4
    off, on = level(flow, fraction, support=False), level(flow, fraction, support=True)
    if device == "air":
        return (off, off) if off is not None else (0, 0)
    if device is not None:
        return (on, on) if on is not None else (1, 4)
    return (off, 4) if off is not None else (0, 4)


def escalation(total: int) -> str:
    """Name the level of a total."""
    if total >= 13:
        return "emergency"
    if total >= 9:
        return "high"
    if total >= 5:
        return "medium"
    return "low" if total >= 1 else "none"


def column(name: str) -> int:
    """Give the place of a part among the chart's."""
    return [part.name for part in CHART.parts].index(name)


def table(count: int, **values: float | Sequence[float]) -> NDArray[np.float64]:
    """Give so many rows with some parts."""
    rows = np.full((count, len(CHART.parts)), NAN)
    for name, value in values.items():
        rows[:, column(name)] = value
    return rows


def scored(values: NDArray[np.float64], age: str) -> vectorised.ScoreColumns:
    """Score rows for one age."""
    return vectorised.score(CHART, values, {"age_band": np.full(len(values), age)})


def measured(found: vectorised.ScoreColumns, name: str) -> list[tuple[int, int]]:
    """Give the bounds of one measure by row."""
    at = list(CHART.measures).index(name)
    return list(zip(found.points_min[:, at].tolist(), found.points_max[:, at].tolist(), strict=True))


HUNDREDTHS = {"respiratory_rate": (1, 120), "heart_rate": (1, 350), "systolic_bp": (31, 300)}


@pytest.mark.hazard("H9")
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("vital", HUNDREDTHS)
def test_every_hundredth_of_every_vital_scores_as_printed_at_every_age(vital: str, age: str) -> None:
    """The document prints bands to x.99; what lies between x.99 and the next edge is below that edge, and scored."""
    low, high = HUNDREDTHS[vital]
    values = [n / 100 for n in range(100 * low, 100 * high + 1)]
    values += [edge - 0.005 for edge in EDGES[vital][age]] + [edge - 0.00001 for edge in EDGES[vital][age]]
    found = measured(scored(table(len(values), **{vital: values}), age), vital)
    assert found == [(two_sided(value, EDGES[vital][age]),) * 2 for value in values]


def test_every_hundredth_of_saturation_scores_as_printed() -> None:
    """Up to 91 it is 4, and 91.005 is above 91."""
    values = [n / 100 for n in range(200, 10_001)] + [91.005, 91.0001, 94.995, 94.9999]
    assert measured(scored(table(len(values), spo2=values), "1-4y"), "spo2") == [(spo2(v),) * 2 for v in values]


@pytest.mark.parametrize("age", AGES)
def test_the_plain_reading_scores_whole_values_as_printed_too(age: str) -> None:
    """The reference is held against the same oracle."""
    for vital, edges in EDGES.items():
        for value in [*range(31, 200), *(edge - 0.005 for edge in edges[age]), 9.995]:
            found = reference.score(CHART, {vital: float(value)}, {"age_band": age})
            assert found.points[vital] == (two_sided(value, edges[age]),) * 2, (vital, value)
            assert vital not in found.missing


OXYGEN = list(itertools.product((None, *DEVICES), (None, *FLOWS), (None, *FRACTIONS)))


def test_oxygen_scores_by_device_and_by_flow_or_fraction() -> None:
    """Every device, flow and fraction, and each of them missing: 25 L/min is 4, and high flow is 4 in any case."""
    rows = table(
        len(OXYGEN),
        oxygen_device=[NAN if device is None else DEVICES.index(device) for device, _, _ in OXYGEN],
        oxygen=[NAN if flow is None else flow for _, flow, _ in OXYGEN],
        fio2=[NAN if fraction is None else fraction for _, _, fraction in OXYGEN],
    )
    found = scored(rows, "5-12y")
    wrong = [(one, ours) for one, ours in zip(OXYGEN, measured(found, "oxygen"), strict=True) if ours != oxygen(*one)]
    assert not wrong[:5]
    there = found.present[:, list(CHART.measures).index("oxygen")].tolist()
    assert there == [f is not None or p is not None or d in {"air", "HF", "BiP", "CP"} for d, f, p in OXYGEN]


@pytest.mark.parametrize("one", OXYGEN[::7], ids=str)
def test_the_plain_reading_scores_oxygen_so_too(one: tuple[str | None, float | None, float | None]) -> None:
    """A seventh of the same."""
    device, flow, fraction = one
    values = {
        "oxygen_device": None if device is None else float(DEVICES.index(device)),
        "oxygen": flow,
        "fio2": fraction,
    }
    assert reference.score(CHART, values, {"age_band": "1-4y"}).points["oxygen"] == oxygen(*one)


@pytest.mark.parametrize(("seconds", "points"), [(0.0, 0), (1.5, 0), (2.0, 0), (3.0, 2), (3.5, 2), (10.0, 2)], ids=str)
def test_capillary_refill_scores_up_to_2_and_from_3(seconds: float, points: int) -> None:
    """As printed."""
    assert reference.score(CHART, {"capillary_refill": seconds}, {"age_band": "1-4y"}).points["capillary_refill"] == (
        points,
        points,
    )


@pytest.mark.parametrize("seconds", [2.01, 2.5, 2.99, 2.9999])
def test_between_2_and_3_seconds_nothing_can_be_read(seconds: float) -> None:
    """The chart says nothing there: it is unknown, and not normal."""
    found = reference.score(CHART, {"capillary_refill": seconds}, {"age_band": "1-4y"})
    assert found.points["capillary_refill"] == (0, 2)
    assert "capillary_refill" in found.missing
    assert measured(scored(table(1, capillary_refill=seconds), "1-4y"), "capillary_refill") == [(0, 2)]


@pytest.mark.parametrize(("code", "points"), [(0, 0), (1, 0), (2, 4)], ids=["NCO", "U0", "U4"])
def test_a_pressure_that_was_not_taken_scores_by_its_code(code: int, points: int) -> None:
    """U4 is 4 points, and the pressure is then not missing."""
    found = reference.score(CHART, {"systolic_bp_skip": code}, {"age_band": "1-4y"})
    assert found.points["systolic_bp"] == (points, points)
    assert "systolic_bp" not in found.missing


@pytest.mark.parametrize(("grade", "points"), [(0, 0), (1, 1), (2, 2), (3, 4)])
def test_respiratory_distress_scores_by_grade(grade: int, points: int) -> None:
    """None, mild, moderate, severe."""
    found = reference.score(CHART, {"respiratory_distress": grade}, {"age_band": "1-4y"})
    assert found.points["respiratory_distress"] == (points, points)


# A child of 5 to 12 who is well, and one who scores on everything.
WELL = {
    "respiratory_rate": 22.0,
    "respiratory_distress": 0.0,
    "spo2": 98.0,
    "oxygen_device": 0.0,
    "heart_rate": 90.0,
    "capillary_refill": 1.0,
    "systolic_bp": 100.0,
}
ILL = {
    "respiratory_rate": 45.0,
    "respiratory_distress": 2.0,
    "spo2": 93.0,
    "oxygen_device": 2.0,
    "oxygen": 3.0,
    "heart_rate": 150.0,
    "capillary_refill": 4.0,
    "systolic_bp": 75.0,
}
SCORED = (
    ("respiratory_rate", lambda v: two_sided(v, EDGES["respiratory_rate"]["5-12y"]), 4),
    ("respiratory_distress", lambda v: (0, 1, 2, 4)[int(v)], 4),
    ("spo2", spo2, 4),
    ("heart_rate", lambda v: two_sided(v, EDGES["heart_rate"]["5-12y"]), 4),
    ("capillary_refill", lambda v: 0 if v <= 2 else 2, 2),
    ("systolic_bp", lambda v: two_sided(v, EDGES["systolic_bp"]["5-12y"]), 4),
)
UNWORRIED = {"consciousness": 0.0, "carer_concern": 0.0, "clinical_intuition": 0.0, "specific_concern": 0.0}


@pytest.mark.parametrize("child", [WELL, ILL], ids=["well", "ill"])
def test_all_subsets_missing_give_the_bounds_as_printed(child: dict[str, float]) -> None:
    """Whatever is missing counts from nothing to its most; both twins, totals and levels."""
    for gone in itertools.chain.from_iterable(itertools.combinations(child, n) for n in range(len(child) + 1)):
        values = {name: value for name, value in child.items() if name not in gone}
        bounds = [(points(values[name]),) * 2 if name in values else (0, most) for name, points, most in SCORED]
        device = values.get("oxygen_device")
        bounds.append(oxygen(None if device is None else DEVICES[int(device)], values.get("oxygen"), None))
        low, high = sum(one[0] for one in bounds), sum(one[1] for one in bounds)
        found = reference.score(CHART, values | UNWORRIED, {"age_band": "5-12y"})
        assert (found.total_min, found.total_max) == (low, high), gone
        assert (found.band_min, found.band_max) == (escalation(low), escalation(high)), gone
        fast = scored(table(1, **values, **UNWORRIED), "5-12y")
        assert (fast.total_min[0], fast.total_max[0], fast.complete[0]) == (low, high, found.complete)
        assert [LEVELS[fast.band_min[0]], LEVELS[fast.band_max[0]]] == [escalation(low), escalation(high)]


RAISING: list[tuple[str, int, str]] = [
    ("consciousness", 2, "high"),
    ("consciousness", 3, "emergency"),
    ("consciousness", 4, "emergency"),
    *(
        (name, at, LEVELS[at])
        for name in ("carer_concern", "clinical_intuition", "specific_concern")
        for at in (1, 2, 3, 4)
    ),
]


@pytest.mark.parametrize(("trigger", "code", "to"), RAISING)
@pytest.mark.parametrize("child", [WELL, ILL], ids=["well", "ill"])
def test_a_concern_and_a_fall_in_consciousness_raise_the_level_whatever_the_total(
    child: dict[str, float], trigger: str, code: int, to: str
) -> None:
    """They raise it, and never lower it; the total is as it was."""
    before = reference.score(CHART, child | UNWORRIED, {"age_band": "5-12y"})
    found = reference.score(CHART, child | UNWORRIED | {trigger: code}, {"age_band": "5-12y"})
    assert found.band == LEVELS[max(LEVELS.index(before.band), LEVELS.index(to))]
    assert (found.total_min, found.total_max) == (before.total_min, before.total_max)
    assert len(found.notes) == 1


def test_a_concern_that_nobody_asked_about_leaves_the_level_open() -> None:
    """A total of 0 is not 'no response' while the carer has not been asked."""
    found = reference.score(CHART, WELL, {"age_band": "5-12y"})
    assert (found.total_min, found.total_max, found.complete) == (0, 0, True)
    assert (found.band, found.band_min, found.band_max) == ("", "none", "emergency")
    assert set(found.unasked) == set(UNWORRIED)


@pytest.mark.parametrize(
    ("degrees", "noted"), [(35.99, 1), (36.0, 0), (37.99, 0), (37.995, 0), (38.0, 1), (40.0, 1)], ids=str
)
def test_a_temperature_is_a_sepsis_trigger_and_scores_nothing(degrees: float, noted: int) -> None:
    """38 and above, below 36: noted beside the score, with no points."""
    found = reference.score(CHART, WELL | UNWORRIED | {"temperature": degrees}, {"age_band": "5-12y"})
    assert (found.total_max, len(found.notes), found.band) == (0, noted, "none")


@pytest.mark.hazard("H9")
def test_a_million_random_sets_score_as_printed() -> None:
    """A quarter for each age, any subset: points looked up as printed, the oxygen by device and flow."""
    rng = np.random.default_rng(2023)
    every = {name: [float(n) for n in range(*span)] for name, span in HUNDREDTHS.items()}
    every |= {"respiratory_distress": [0.0, 1.0, 2.0, 3.0], "spo2": [n / 10 for n in range(500, 1001)]}
    every |= {"capillary_refill": [0.5, 1.0, 2.0, 3.0, 4.5], "oxygen_device": [float(n) for n in range(8)]}
    every |= {"oxygen": list(FLOWS)}
    grid = [[oxygen(device, flow, None) for flow in (*FLOWS, None)] for device in (*DEVICES, None)]
    for age in AGES:
        drawn = draw(rng, every, 250_000)
        values = table(250_000)
        values[:, [column(name) for name in every]] = drawn.values
        chains: dict[str, Callable[[float], int]] = {name: edged(name, age) for name in EDGES}
        chains |= {"respiratory_distress": lambda v: (0, 1, 2, 4)[int(v)], "spo2": spo2}
        chains |= {"capillary_refill": lambda v: 0 if v <= 2 else 2}
        printed = [[chains[name](v) if name in chains else 0 for v in every[name]] for name in every]
        low, high = drawn.points(printed, (4, 4, 4, 4, 4, 2, 0, 0))
        device, flow = (
            np.where(drawn.there[:, at], drawn.index[:, at], most) for at, most in ((6, 8), (7, len(FLOWS)))
        )
        bounds = np.array(grid)[device, flow]
        found = scored(values, age)
        assert np.array_equal(found.total_min, low.sum(axis=1) + bounds[:, 0])
        assert np.array_equal(found.total_max, high.sum(axis=1) + bounds[:, 1])
