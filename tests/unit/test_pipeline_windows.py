"""Windows: what they hand out equals what a dictionary of all readings says."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vwmon import windows
from vwmon.scoring import charts, reference
from vwmon.scoring.charts import PARTS
from vwmon.windows import NEVER, Windows

STAYS = 2
SERIES = STAYS * len(PARTS)
HEART_RATE, SPO2, PRESSURE = (PARTS.index(name) for name in ("heart_rate", "spo2", "systolic_bp"))

readings = st.tuples(
    st.integers(0, SERIES - 1), st.integers(0, 9), st.sampled_from([0.0, 1.0, 40.0, 60.0, 95.0, 130.0])
)
portions = st.lists(st.lists(readings, max_size=8), max_size=5)

Reading = tuple[int, int, float]


def append(kept: Windows, portion: Sequence[Reading]) -> None:
    """Append readings as columns."""
    series, times, values = zip(*portion, strict=True) if portion else ((), (), ())
    kept.append(np.array(series, dtype=np.int64), np.array(times, dtype=np.int64), np.array(values, dtype=np.float64))


def handed_out(kept: Windows, series: Sequence[int], before: Sequence[int]) -> list[list[tuple[int, float]]]:
    """Take some series and give their readings as lists."""
    found = kept.take(np.array(series, dtype=np.int64), np.array(before, dtype=np.int64))
    rows = list(zip(found.times_ms.tolist(), found.values.tolist(), strict=True))
    assert found.owner.tolist() == np.repeat(np.arange(len(series)), np.diff(found.offsets)).tolist()
    return [rows[begin:end] for begin, end in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def worst(series: int, values: list[float]) -> float:
    """Find the worst of several values of one series by the reference score."""
    name = PARTS[series % len(PARTS)]
    chart, sign = charts.load("news2"), -1 if name in {"spo2", "systolic_bp"} else 1

    def badness(value: float) -> tuple[int, float]:
        score = reference.score(chart, {name: value}, {"spo2_scale": 1})
        return (-1 if name in score.missing else score.points[name][0]), sign * value

    return max(values, key=badness)


def expected(log: Sequence[Reading], series: int, before: int) -> list[tuple[int, float]]:
    """Say what a window holds: the last before, and everything from there on."""
    times = sorted({time for one, time, _ in log if one == series})
    first = max((time for time in times if time < before), default=before)
    return [(t, worst(series, [v for s, u, v in log if (s, u) == (series, t)])) for t in times if t >= first]


@pytest.fixture(autouse=True)
def short_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put readings in order after every few, so that body and tail both hold some."""
    monkeypatch.setattr(windows, "TAIL", 6)


@settings(max_examples=150)
@given(portions, st.lists(st.integers(-1, 11), min_size=SERIES, max_size=SERIES))
def test_a_window_is_the_last_reading_before_and_all_since(log: list[list[Reading]], before: list[int]) -> None:
    """For every series at once, whatever came late, twice, or at the same time."""
    kept = Windows(STAYS)
    for portion in log:
        append(kept, portion)
    flat = [reading for portion in log for reading in portion]
    wanted = [expected(flat, series, before[series]) for series in range(SERIES)]
    assert handed_out(kept, range(SERIES), before) == wanted


@settings(max_examples=100)
@given(portions)
def test_the_latest_of_each_series_is_the_end_of_its_window(log: list[list[Reading]]) -> None:
    """The quick way and the slow way to the last reading agree."""
    kept = Windows(STAYS)
    for portion in log:
        append(kept, portion)
    for series, window in enumerate(handed_out(kept, range(SERIES), [NEVER] * SERIES)):
        time, value = kept.latest_ms.reshape(-1)[series], kept.latest_value.reshape(-1)[series]
        assert (window and window[-1] == (int(time), float(value))) or (not window and time == NEVER)


@settings(max_examples=100)
@given(portions, st.integers(0, 10), st.integers(0, 10))
def test_trimming_keeps_what_can_still_be_asked_for(log: list[list[Reading]], horizon: int, later: int) -> None:
    """From the horizon on nothing changes, and what was dropped is what lies further back."""
    kept, whole = Windows(STAYS), Windows(STAYS)
    for portion in log:
        append(kept, portion)
        append(whole, portion)
    kept.trim(np.full(STAYS, horizon))
    before = [horizon + later] * SERIES
    assert handed_out(kept, range(SERIES), before) == handed_out(whole, range(SERIES), before)
    dropped = len(whole) - len(kept)
    trimmed = kept.trimmed_before_ms(np.arange(STAYS)).tolist()
    assert set(trimmed) <= {NEVER, horizon}
    assert dropped or trimmed == [NEVER] * STAYS


def test_forgetting_a_stay_leaves_the_others() -> None:
    """Its readings, its latest and its horizon are gone; the row is there."""
    kept = Windows(STAYS)
    append(kept, [(HEART_RATE, time, 60.0) for time in range(9)] + [(len(PARTS) + HEART_RATE, 3, 70.0)])
    kept.trim(np.array([8, 8]))
    kept.forget(np.array([0]))
    both = [HEART_RATE, len(PARTS) + HEART_RATE]
    assert handed_out(kept, both, [NEVER, NEVER]) == [[], [(3, 70.0)]]
    assert kept.latest_ms[0].tolist() == [NEVER] * len(PARTS)
    assert kept.trimmed_before_ms(np.array([0, 1])).tolist() == [NEVER, NEVER]
    assert len(kept) == 1


def test_rows_added_later_hold_readings_like_any_other() -> None:
    """Growing keeps what was there and makes room at the end."""
    kept = Windows(1)
    append(kept, [(SPO2, time, 95.0) for time in range(7)])
    kept.grow(3)
    last = 2 * len(PARTS) + SPO2
    append(kept, [(last, 4, 95.0), (SPO2, 9, 96.0)])
    assert handed_out(kept, [SPO2, last, len(PARTS)], [6, 0, 0]) == [[(5, 95.0), (6, 95.0), (9, 96.0)], [(4, 95.0)], []]


@pytest.mark.parametrize(
    ("part", "values", "kept_value"),
    [
        (HEART_RATE, [60.0, 38.0], 38.0),
        (HEART_RATE, [95.0, 105.0], 105.0),
        (SPO2, [97.0, 95.0], 95.0),
        (PRESSURE, [120.0, 225.0], 225.0),
        (PRESSURE, [150.0, 130.0], 130.0),
    ],
)
def test_of_two_readings_at_one_moment_the_worse_is_kept(part: int, values: list[float], kept_value: float) -> None:
    """The one that scores more, in either order; where they score alike, the one in the direction of danger."""
    for order in (values, values[::-1]):
        together, apart = Windows(1), Windows(1)
        append(together, [(part, 5, value) for value in order])
        for value in order:
            append(apart, [(part, 5, value)])
        for kept in (together, apart):
            assert kept.latest_value[0, part] == kept_value
            assert handed_out(kept, [part], [0]) == [[(5, kept_value)]]


def test_a_tail_longer_than_its_room_grows() -> None:
    """Many readings at once are all kept."""
    kept = Windows(1)
    append(kept, [(HEART_RATE, time, 60.0) for time in range(1000, 0, -1)])
    append(kept, [(HEART_RATE, 0, 61.0)])
    (window,) = handed_out(kept, [HEART_RATE], [NEVER])
    assert [time for time, _ in window] == list(range(1001))
