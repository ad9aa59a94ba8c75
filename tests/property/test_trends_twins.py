"""The trends of whole wards against the plain twin, one person and one vital at a time."""

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tests.unit import trends_twin as twin
from vwmon.kernels.ragged import Floats, Ints
from vwmon.scoring.charts import PARTS
from vwmon.scoring.trends.assess import Assessment, History, assess
from vwmon.scoring.trends.projection import HOURS
from vwmon.scoring.trends.table import JOINT, NAMES, PART_OF, SERIES, TRENDED, Moments, Stays

# In the week before the clocks of London go back, on 25 October 2026.
START = 1_792_281_600_000
HOUR, DAY = twin.HOUR, twin.DAY
ZONE = "Europe/London"
USUAL = {"respiratory_rate": 17, "spo2": 95, "systolic_bp": 128, "heart_rate": 78, "temperature": 36.7}
NEAR = 1e-9

Rows = list[tuple[int, int, float]]


@st.composite
def wards(draw: st.DrawFn) -> tuple[Rows, list[tuple[int, int]]]:
    """Draw the readings (series, time, value) of two people, sparse, dense or absent, and moments to ask about."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows: Rows = []
    for stay in range(2):
        clumped = draw(st.booleans())
        for place, name in enumerate(SERIES):
            count = draw(st.sampled_from([0, 1, 4, 12, 40, 90]))
            times = rng.integers(0, 12 * DAY, count) // 60_000 * 60_000
            if clumped:
                times = np.sort(times) // (8 * HOUR) * (8 * HOUR) + rng.integers(0, 40, count) * 60_000
            drift = draw(st.sampled_from([0.0, 0.0, 0.05, -0.3]))
            if place < len(NAMES):
                values = USUAL.get(name, 60) + rng.normal(0, 1, count) * TRENDED[place].spread
                values = np.round(values + drift * times / HOUR, draw(st.integers(0, 2)))
            else:
                values = rng.integers(0, 3, count).astype(np.float64)
            rows += [(stay * len(SERIES) + place, START + int(t), float(v)) for t, v in zip(times, values, strict=True)]
    rows += [(row[0], row[1], math.nan) for row in rows[:3]] + rows[:5]
    when = draw(st.lists(st.integers(0, 13 * 96), min_size=1, max_size=4))
    ends = [time for _, time, _ in rows[:40:13]]
    return rows, [(stay, at) for stay in range(2) for at in [START + one * 900_000 + 1 for one in when] + ends]


def history(rows: Rows, stays: int = 2, zone: str = ZONE) -> History:
    """Make a history of rows; every reading counts for twelve hours."""
    series, times, values = (np.array([row[column] for row in rows]) for column in range(3))
    return History.of(
        Stays(
            spo2_scale=np.arange(stays) % 2 + 1,
            valid_ms=np.full((stays, len(SERIES)), 12 * HOUR, dtype=np.int64),
        ),
        series.astype(np.int64),
        times.astype(np.int64),
        values.astype(np.float64),
        zone,
    )


def moments(asked: list[tuple[int, int]]) -> Moments:
    """Make moments of pairs (stay, time)."""
    return Moments(stay=np.array([one[0] for one in asked]), at_ms=np.array([one[1] for one in asked], dtype=np.int64))


def readings(rows: Rows, stay: int, place: int) -> list[twin.Reading]:
    """Give one vital of one person, as the fast code rounds it: to thousandths."""
    return [(time, round(value, 3)) for series, time, value in rows if series == stay * len(SERIES) + place]


def usual(rows: Rows, stay: int, place: int, at: int) -> twin.Usual:
    """Give the twin's baseline."""
    vital = TRENDED[place]
    return twin.usual(readings(rows, stay, place), at, vital.error, vital.spread, ZONE)


def near(fast: float, slow: float | None) -> bool:
    """Say whether two numbers agree; None is NaN."""
    return math.isnan(fast) if slow is None else abs(fast - slow) <= NEAR * max(1.0, abs(slow))


@settings(max_examples=40)
@given(wards())
def test_a_baseline_is_the_twins(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """Location, spread, and what they rest on, for every vital of every person at every moment."""
    rows, asked = ward
    found = assess(history(rows), moments(asked))
    for row, (stay, at) in enumerate(asked):
        for place in range(len(NAMES)):
            slow, at_place = usual(rows, stay, place, at), row * len(NAMES) + place
            base = found.base
            rests = [base.readings, base.days, base.cells, base.band_days, base.banded]
            assert [one[at_place] for one in rests] == [
                slow.readings,
                slow.days,
                slow.cells,
                slow.band_days,
                slow.banded,
            ]
            assert near(base.location[at_place], slow.location)
            assert near(base.spread[at_place], slow.spread)


@settings(max_examples=40)
@given(wards())
def test_the_present_and_its_deviation_are_the_twins(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """The latest occasion as it was known then; nothing of it when it is older than it may be."""
    rows, asked = ward
    found = assess(history(rows), moments(asked))
    for row, (stay, at) in enumerate(asked):
        for place in range(len(NAMES)):
            came = twin.occasions(readings(rows, stay, place), at)
            assert bool(found.present.there[row, place]) == bool(came)
            fresh = bool(came) and at - came[-1].last <= 12 * HOUR
            assert bool(found.present.fresh[row, place]) == fresh
            slow = usual(rows, stay, place, at)
            if came:
                assert near(found.present.value[row, place], came[-1].value)
                assert found.present.readings[row, place] == came[-1].readings
            away = (
                (came[-1].value - slow.location) / slow.spread
                if fresh and slow.location is not None and slow.spread is not None
                else None
            )
            assert near(found.deviation[row, place], away)


@settings(max_examples=40)
@given(wards())
def test_a_trend_is_the_twins(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """Window, slope, bounds, weight, and where the line leads."""
    rows, asked = ward
    found = assess(history(rows), moments(asked))
    for row, (stay, at) in enumerate(asked):
        for place, vital in enumerate(TRENDED):
            own, trend = readings(rows, stay, place), found.trend
            slow = twin.line(own, at, vital.error) if found.present.fresh[row, place] else None
            at_place = row * len(NAMES) + place
            assert bool(trend.supported[at_place]) == (slow is not None)
            if slow is None:
                assert math.isnan(trend.slope[at_place])
                continue
            assert trend.window_h[at_place] == slow.window_h
            fast = [trend.slope, trend.slope_low, trend.slope_high, trend.weight, trend.noise]
            for one, other in zip(fast, [slow.slope, slow.low, slow.high, slow.weight, slow.noise], strict=True):
                assert one[at_place] == pytest.approx(other, abs=1e-7)
            for hours in (0, 6, 12):
                ahead = [float(one[at_place]) for one in trend.ahead(hours)]
                assert ahead == pytest.approx(slow.ahead(hours), abs=1e-6)


@settings(max_examples=30)
@given(wards())
def test_a_joint_deviation_is_the_twins(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """As rare as the twin's squared distance is by chi-squared; none where fewer than two vitals count."""
    rows, asked = ward
    found = assess(history(rows), moments(asked))
    for row, (stay, at) in enumerate(asked):
        away = [None if math.isnan(one) else float(one) for one in found.deviation[row, list(JOINT)]]
        own = [readings(rows, stay, place) for place in JOINT]
        squared = twin.together(own, at, away, [usual(rows, stay, place, at) for place in JOINT])
        if squared is None:
            assert math.isnan(found.together.deviation[row])
            continue
        rarity = max(special.chdtrc(sum(one is not None for one in away), squared), 1e-300)
        assert found.together.deviation[row] == pytest.approx(-special.ndtri(rarity / 2), abs=1e-6)
        assert found.together.share[row].sum() == pytest.approx(1.0 if squared else 0.0)


@settings(max_examples=15)
@given(wards())
def test_a_projected_score_is_the_twins(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """Every way the parts can fall into bands, by the plain reading of the chart."""
    rows, asked = ward
    some = [asked[0], asked[-1]]
    found = assess(history(rows), moments(some))
    for row, (stay, _) in enumerate(some):
        fresh = [PART_OF[part] for part in PARTS if found.present.fresh[row, PART_OF[part]]]
        sure = {SERIES[one]: float(found.present.value[row, one]) for one in fresh if one >= len(NAMES)}
        for hour in (0, 12):
            expected = {SERIES[one]: _expected(found, row, one, hour) for one in fresh if one < len(NAMES)}
            slow = twin.score_quantiles(expected, sure, stay % 2 + 1)
            ahead = found.ahead
            bounds = (ahead.score_low, ahead.score_middle, ahead.score_known, ahead.score_high)
            assert tuple(int(one[row, hour]) for one in bounds) == slow


def _expected(found: Assessment, row: int, place: int, hour: int) -> tuple[float, float, float]:
    at_place = row * len(NAMES) + place
    if not found.trend.supported[at_place]:
        error = TRENDED[place].error
        return float(found.present.value[row, place]), error, error
    low, middle, high = (float(one[at_place]) for one in found.trend.ahead(hour))
    return middle, (middle - low) / twin.SURE, (high - middle) / twin.SURE


def columns(found: Assessment) -> list[Floats | Ints]:
    """Give everything of an assessment as columns."""
    parts: list[Any] = [found.present, found.day, found.base, found.together, found.trend, found.ahead]
    return [found.deviation, *(getattr(part, one.name) for part in parts for one in fields(part))]


def same(one: Floats | Ints, other: Floats | Ints) -> bool:
    """Say whether two columns are exactly the same, NaN where the other is."""
    return np.array_equal(one, other, equal_nan=True)


@settings(max_examples=25)
@given(wards(), st.randoms(use_true_random=False))
def test_nothing_depends_on_how_the_readings_came(
    ward: tuple[Rows, list[tuple[int, int]]], random: "np.random.Generator"
) -> None:
    """Shuffled, repeated, asked one by one or all at once: the same to the bit."""
    rows, asked = ward
    whole = assess(history(rows), moments(asked))
    mixed = rows + rows[::2]
    random.shuffle(mixed)
    one_by_one = [assess(history(mixed), moments([one])) for one in asked]
    for column, parts in zip(columns(whole), zip(*map(columns, one_by_one), strict=True), strict=True):
        assert same(np.concatenate(parts), column)


@pytest.mark.hazard("H29")
@settings(max_examples=25)
@given(wards())
def test_what_comes_later_changes_nothing(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """A moment is judged by what was observed up to then, and not by what followed."""
    rows, asked = ward
    for stay, at in (asked[0], asked[-1]):
        known = [row for row in rows if row[1] <= at]
        if known:
            then, whole = assess(history(known), moments([(stay, at)])), assess(history(rows), moments([(stay, at)]))
            assert all(same(a, b) for a, b in zip(columns(then), columns(whole), strict=True))


@settings(max_examples=10)
@given(wards())
def test_the_inputs_are_left_as_they_were(ward: tuple[Rows, list[tuple[int, int]]]) -> None:
    """Assessing writes to none of the columns it is given."""
    rows, asked = ward
    past, when = history(rows), moments(asked)
    kept = [one.copy() for one in (past.readings.times_ms, past.readings.values, past.occasions.number, when.at_ms)]
    assess(past, when)
    now = (past.readings.times_ms, past.readings.values, past.occasions.number, when.at_ms)
    assert all((a == b).all() for a, b in zip(kept, now, strict=True))


def test_the_hours_ahead_are_whole_and_begin_now() -> None:
    """The place of an hour in the columns is the hour."""
    assert tuple(range(13)) == HOURS
