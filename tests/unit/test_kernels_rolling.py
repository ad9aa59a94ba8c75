"""Windows over readings: their edges, what is refused, and the ways of reckoning that ordinary readings do not need."""

import math
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.kernels import decay, drift, frames, pairs, sums
from vwmon.kernels.extremes import Doubling, halves
from vwmon.kernels.frames import Queries
from vwmon.kernels.order import Wavelets
from vwmon.kernels.ragged import Floats, Ragged, arranged
from vwmon.kernels.rolling import STATISTICS, rolling
from vwmon.kernels.search import Ladder
from vwmon.kernels.settings import Settings

HOUR_MS = 3_600_000
HOW = Settings(target=80.0, slack=0.5)
NAN = math.nan


def series(times_ms: list[int], values: list[float]) -> Ragged:
    """Give columns of one series."""
    return Ragged(
        times_ms=np.array(times_ms, dtype=np.int64),
        values=np.array(values, dtype=np.float64),
        offsets=np.array([0, len(times_ms)]),
    )


def moment(at_ms: int, number: int = 0) -> Queries:
    """Give one query."""
    return Queries(series=np.array([number]), times_ms=np.array([at_ms]))


def one(found: dict[str, Floats]) -> dict[str, float]:
    """Give the results of one query over one window."""
    return {name: column[0, 0].item() for name, column in found.items()}


def test_a_reading_at_the_end_of_a_window_is_in_it_and_one_at_its_begin_is_not() -> None:
    """To the millisecond, as polars and pandas have it: (t - w, t]."""
    made = series([1000, 2000], [70.0, 90.0])
    counts = {at: one(rolling(made, moment(at), [1000], ["count"]))["count"] for at in (999, 1000, 1999, 2000, 2999)}
    assert counts == {999: 0, 1000: 1, 1999: 1, 2000: 1, 2999: 1}
    assert one(rolling(made, moment(2000), [1001], ["mean"]))["mean"] == 80.0
    assert one(rolling(made, moment(3000), [1000], ["count"]))["count"] == 0


def test_every_statistic_of_a_window_worked_by_hand() -> None:
    """One reading just before a window of five hours, three in it, and one of them missing."""
    made = series([-HOUR_MS, 0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS], [60.0, 70.0, 90.0, NAN, 80.0])
    found = one(rolling(made, moment(4 * HOUR_MS), [5 * HOUR_MS], settings=HOW))
    weights = [2 ** (-4 * age / 5) for age in (4, 3, 1)]
    assert found == {
        "last": 80.0,
        "age": HOUR_MS,
        "count": 3.0,
        "coverage": 4 / 5,
        "mean": 80.0,
        "std": 10.0,
        "min": 70.0,
        "max": 90.0,
        "median": 80.0,
        "slope": pytest.approx(15 / 7),
        "slope_error": pytest.approx(math.sqrt((200 - 10 * 15 / 7) / (14 / 3))),
        "theil_sen": pytest.approx(10 / 3),
        "ewma": pytest.approx((70 * weights[0] + 90 * weights[1] + 80 * weights[2]) / sum(weights)),
        "cusum": 9.0,
        "difference": 20.0,
    }


def test_a_window_without_readings_counts_none_and_knows_nothing_else() -> None:
    """Missing is never zero, but for how many there are."""
    for made in (series([], []), series([0, 5], [NAN, NAN]), series([100], [80.0])):
        found = one(rolling(made, moment(50), [10], settings=HOW))
        assert (found.pop("count"), found.pop("coverage")) == (0.0, 0.0)
        assert all(math.isnan(value) for value in found.values())


def test_series_without_any_number_have_their_rows_and_no_answer() -> None:
    """Asked at every reading, as a device that only ever sent nothing is."""
    found = rolling(series([0, 5], [NAN, NAN]), None, [10], settings=HOW)
    assert found["count"].tolist() == [[0.0], [0.0]]
    assert np.isnan(found["mean"]).all()


def test_each_series_can_have_its_own_target() -> None:
    """And one that has none has no sum of what is above it."""
    made = Ragged(times_ms=np.array([0, 0, 0]), values=np.array([72.0, 72.0, 72.0]), offsets=np.array([0, 1, 2, 3]))
    found = rolling(made, None, [10], ["cusum"], Settings(target=np.array([70.0, NAN, 80.0])))
    assert np.array_equal(found["cusum"][:, 0], [2.0, NAN, -8.0], equal_nan=True)


def test_one_reading_has_a_level_and_no_spread_and_no_slope() -> None:
    """And two at one time have a spread and no slope."""
    alone = one(rolling(series([0], [80.0]), moment(0), [10], settings=HOW))
    assert (alone["mean"], alone["median"], alone["ewma"], alone["age"]) == (80.0, 80.0, 80.0, 0.0)
    assert all(math.isnan(alone[name]) for name in ("std", "slope", "slope_error", "theil_sen", "difference"))
    both = one(rolling(series([0, 0], [80.0, 84.0]), moment(0), [10], settings=HOW))
    assert both["std"] == pytest.approx(math.sqrt(8))
    assert all(math.isnan(both[name]) for name in ("slope", "slope_error", "theil_sen"))


def test_two_readings_lie_on_their_line_and_say_nothing_of_its_error() -> None:
    """However rounding falls: never an error of zero, and never an endless one."""
    dice = np.random.default_rng(7)
    times_ms = np.stack([dice.integers(0, HOUR_MS, 500), np.full(500, 2 * HOUR_MS)], axis=1)
    made = Ragged(
        times_ms=times_ms.reshape(-1), values=dice.normal(80, 30, 1000).round(4), offsets=np.arange(0, 1001, 2)
    )
    found = rolling(made, None, [3 * HOUR_MS], ["slope", "slope_error"])
    assert np.isfinite(found["slope"][1::2]).all()
    assert np.isnan(found["slope_error"]).all()


def test_what_covers_a_window_may_have_been_read_before_it() -> None:
    """A reading covers its reach, and not what comes after."""
    made = series([0], [97.0])
    how = Settings(reach_ms=100)
    shares = [one(rolling(made, moment(at), [50], ["coverage"], how))["coverage"] for at in (0, 25, 50, 100, 125, 150)]
    assert shares == [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]


def test_equal_values_have_exactly_no_spread() -> None:
    """Running sums of floats would leave some ten-millionths."""
    made = series([minute * 60_000 for minute in range(500)], [36.7] * 500)
    found = rolling(made, None, [HOUR_MS], ["std", "mean", "slope"])
    assert set(found["mean"][:, 0].tolist()) == {36.7}
    assert set(found["std"][1:, 0].tolist()) == {0.0}
    assert set(found["slope"][1:, 0].tolist()) == {0.0}


def test_results_have_a_row_a_query_and_a_column_a_window() -> None:
    """Also for no query at all, and no window."""
    made = series([0, 1, 2], [1.0, 2.0, 3.0])
    none = Queries(series=np.zeros(0, dtype=np.int64), times_ms=np.zeros(0, dtype=np.int64))
    assert {column.shape for column in rolling(made, None, [5, 6], settings=HOW).values()} == {(3, 2)}
    assert {column.shape for column in rolling(made, none, [5, 6], settings=HOW).values()} == {(0, 2)}
    assert {column.shape for column in rolling(made, None, [], settings=HOW).values()} == {(3, 0)}


@pytest.mark.parametrize(
    ("made", "queries", "windows_ms", "how", "message"),
    [
        (series([2, 1], [1.0, 2.0]), None, [1], HOW, "not sorted"),
        (series([1], [1e6 + 1]), None, [1], HOW, "beyond 1e\\+06"),
        (series([1], [-math.inf]), None, [1], HOW, "beyond 1e\\+06"),
        (series([2**50], [1.0]), None, [1], HOW, "a time is beyond"),
        (series([1], [1.0]), moment(-(2**50)), [1], HOW, "a time is beyond"),
        (series([1], [1.0]), moment(1, number=1), [1], HOW, "not one of the 1"),
        (series([1], [1.0]), moment(1, number=-1), [1], HOW, "not one of the 1"),
        (series([1], [1.0]), None, [0], HOW, "window of 0 ms"),
        (series([1], [1.0]), None, [2**41], HOW, "a window has"),
        (series([1], [1.0]), None, [1], Settings(), "needs settings.target"),
        (series([1], [1.0]), None, [1], Settings(target=1.0, reach_ms=-1), "reach_ms is -1"),
        (series([1], [1.0]), None, [1], Settings(target=1.0, half_lives=9), "half_lives is 9"),
        (series([1, 2], [1.0]), None, [1], HOW, "as many times as values"),
        (
            replace(series([1, 2], [1.0, 2.0]), offsets=np.array([0, 2, 1, 2])),
            None,
            [1],
            HOW,
            "offsets of columns ascend",
        ),
        (series([1], [1.0]), Queries(series=np.array([0, 0]), times_ms=np.array([1])), [1], HOW, "series as times"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    made: Ragged, queries: Queries | None, windows_ms: list[int], how: Settings, message: str
) -> None:
    """With what is wrong, and never with a number."""
    with pytest.raises(ValueError, match=message):
        rolling(made, queries, windows_ms, settings=how)


def test_a_statistic_that_is_not_there_is_refused_by_name() -> None:
    """With those that are."""
    with pytest.raises(ValueError, match="no statistic mode; there are last, age, count"):
        rolling(series([1], [1.0]), None, [1], ["mean", "mode"])


def test_series_that_span_more_than_an_axis_are_refused_together() -> None:
    """Laid one after another, their times would run over; fewer at a time are answered."""
    far_ms = np.full(17_000, 2**47, dtype=np.int64)
    with pytest.raises(OverflowError, match="give fewer series at a time"):
        frames._shift(-far_ms, far_ms, 1)
    assert frames._shift(-far_ms[:2], far_ms[:2], 1).tolist() == [2**47, 2**48 + 2**47 + 2]


def test_rows_out_of_order_are_found_wherever_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are looked at in pieces; two rows on both sides of a cut are compared as well."""
    from vwmon.kernels import checks

    monkeypatch.setattr(checks, "PIECE", 2)
    with pytest.raises(ValueError, match="not sorted"):
        rolling(series([1, 3, 2, 4], [1.0] * 4), None, [1], ["count"])


def wide_case() -> tuple[Ragged, list[int]]:
    """Give two hundred readings, several at one time and some missing among them, and windows short and long."""
    dice = np.random.default_rng(7)
    owner, times_ms = dice.integers(0, 3, 200), dice.integers(0, 80, 200) * (HOUR_MS // 2) + 7
    values = np.where(dice.random(200) < 0.1, NAN, dice.normal(80, 30, 200).round(1))
    return arranged(owner, times_ms, values, 3), [HOUR_MS, 24 * HOUR_MS, 200 * HOUR_MS]


@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize("missing", [True, False])
def test_frames_reach_back_as_far_as_the_windows_do(rows: int, missing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows a frame has, at every row and at moments of one's own."""
    made, _ = wide_case()
    made = made if missing else arranged(made.owners(), made.times_ms, np.nan_to_num(made.values), 3)
    windows_ms = [HOUR_MS, 5 * HOUR_MS]
    queries = Queries(series=made.owners()[::-1], times_ms=made.times_ms[::-1])
    whole = rolling(made, None, windows_ms, settings=HOW)
    monkeypatch.setattr(frames, "BLOCK", rows)
    rowwise, asked = (rolling(made, how, windows_ms, settings=HOW) for how in (None, queries))
    assert {name for name in STATISTICS if whole[name].tobytes() != rowwise[name].tobytes()} == set()
    assert {name for name in STATISTICS if whole[name].tobytes() != asked[name][::-1].tobytes()} == set()


@pytest.mark.parametrize("module", [sums, decay, drift], ids=lambda module: module.__name__)
def test_big_integers_give_the_same_to_the_bit(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit in 64 bits is reckoned in Python's integers, and nobody sees where that begins."""
    made, windows_ms = wide_case()
    whole = rolling(made, None, windows_ms, settings=HOW)
    if module is not sums:
        monkeypatch.setattr(module, "FITS", 1)
    else:
        monkeypatch.setattr(sums.Sums, "terms", lambda self, bits, *, big: terms(self, bits, big=True | big))
    again = rolling(made, None, windows_ms, settings=HOW)
    assert {name for name in STATISTICS if whole[name].tobytes() != again[name].tobytes()} == set()


terms = sums.Sums.terms


def test_weighted_sums_that_wrap_are_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second apart for hours: the sums of weighted values wrap, and coarser weights tell how often."""
    dice = np.random.default_rng(7)
    made = series([1000 * second for second in range(20_000)], dice.normal(0, 300, 20_000).round(1).tolist())
    asked = Queries(series=np.zeros(50, dtype=np.int64), times_ms=np.linspace(0, 20_000_000, 50).astype(np.int64))
    found = rolling(made, asked, [5 * HOUR_MS], ["ewma"])["ewma"]
    monkeypatch.setattr(decay, "FITS", 1)
    assert found.tobytes() == rolling(made, asked, [5 * HOUR_MS], ["ewma"])["ewma"].tobytes()
    weights = 2.0 ** ((made.times_ms - 20_000_000) / (1.25 * HOUR_MS)) * (made.times_ms > 2_000_000)
    assert found[-1, 0] == pytest.approx((weights * made.values).sum() / weights.sum(), abs=1e-7)


def test_weighted_sums_are_left_to_big_integers_where_coarse_weights_are_too_coarse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Weights just below a whole coarse one, all at the far end of the range of values."""
    window_ms, count = 2**33, 1500
    begin_ms = int((2**20 - 2000) / 2**30 * window_ms / (4 * math.log(2)))
    made = series([begin_ms + number for number in range(count)], [1e6] * (count - 1) + [-1e6])
    found = rolling(made, None, [window_ms], ["ewma"])["ewma"]
    assert found[-1, 0] == pytest.approx(1e6 * (1 - 2 / count), rel=1e-6)
    monkeypatch.setattr(decay, "FITS", 1)
    assert found.tobytes() == rolling(made, None, [window_ms], ["ewma"])["ewma"].tobytes()


@pytest.mark.parametrize(
    ("step_ms", "window_ms", "tick_bits", "swing"),
    [(60_000, 2**33, 13, 5000.0), (1000, 2**27, 3, 0.1)],
    ids=["values swing too far", "too many for the window's length"],
)
def test_windows_beyond_64_bits_are_reckoned_exactly(
    step_ms: int, window_ms: int, tick_bits: int, swing: float
) -> None:
    """Two months of minutes and a day and a half of seconds in one window, against whole numbers without end."""
    number = np.arange(130_000, dtype=np.int64)
    values = np.where(number % 3 == 0, -swing, swing)
    made = series((number * step_ms).tolist(), values.tolist())
    found = one(rolling(made, moment(int(made.times_ms[-1])), [window_ms], ["mean", "std", "slope"]))
    ticks = [time >> tick_bits for time in made.times_ms.tolist()]
    steps = [round(value * 10_000) for value in values.tolist()]
    count, total = len(ticks), sum(steps)
    tall = count * sum(s * s for s in steps) - total**2
    along = count * sum(t * s for t, s in zip(ticks, steps, strict=True)) - sum(ticks) * total
    wide = count * sum(t * t for t in ticks) - sum(ticks) ** 2
    assert found["mean"] == total / (count * 10_000)
    assert found["std"] == pytest.approx(math.sqrt(tall / count / (count - 1)) / 10_000, rel=1e-12)
    assert found["slope"] == pytest.approx(along / wide * HOUR_MS / 2**tick_bits / 10_000, rel=1e-6)


@pytest.mark.parametrize("margin", [3.0, 0.01], ids=["as it is", "missed at first"])
def test_long_windows_give_the_median_slope_of_all_their_pairs(margin: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part of the pairs was looked at first; with several readings at one time among them."""
    made, windows_ms = wide_case()
    whole = rolling(made, None, windows_ms, ["theil_sen"])["theil_sen"]
    monkeypatch.setattr(pairs, "LONG", 2)
    monkeypatch.setattr(pairs, "SAMPLE", 16)
    monkeypatch.setattr(pairs.Pairs._middle_by_lag, "__defaults__", (margin,))
    assert whole.tobytes() == rolling(made, None, windows_ms, ["theil_sen"])["theil_sen"].tobytes()


readings = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 5), st.sampled_from([NAN, -0.0, 0.0, 1.5])), max_size=12
)


@given(readings, st.randoms(use_true_random=False))
def test_arranging_sorts_and_keeps_each_reading_once(rows: list[tuple[int, int, float]], dice: object) -> None:
    """By series, time and value, NaN last, whatever order they came in."""

    def columns(of: list[tuple[int, int, float]]) -> Ragged:
        owner, times_ms, values = zip(*of, strict=True) if of else ((), (), ())
        return arranged(np.array(owner, dtype=np.int64), np.array(times_ms, dtype=np.int64), np.array(values), 3)

    made = columns(rows)
    wanted = sorted(
        {(owner, time, math.isnan(value), 0.0 if math.isnan(value) else value) for owner, time, value in rows}
    )
    found = zip(made.owners().tolist(), made.times_ms.tolist(), made.values.tolist(), strict=True)
    assert [(o, t, math.isnan(v), 0.0 if math.isnan(v) else v) for o, t, v in found] == wanted
    dice.shuffle(rows)  # type: ignore[attr-defined]  # random.Random
    assert columns(rows).values.tobytes() == made.values.tobytes()


@given(st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2**61)), min_size=1, max_size=40), st.data())
def test_a_ladder_counts_as_a_search_does(rungs: list[int], draw: st.DataObject) -> None:
    """Even or in bursts, with repeats, for targets below, between and above."""
    ascending = np.array(sorted(rungs), dtype=np.int64)
    near = st.sampled_from(rungs).flatmap(lambda rung: st.sampled_from([rung - 1, rung, rung + 1]))
    targets = np.array(draw.draw(st.lists(st.one_of(near, st.integers(-(2**61), 2**61)), max_size=9)), dtype=np.int64)
    assert Ladder(ascending).count(targets).tolist() == np.searchsorted(ascending, targets, side="right").tolist()


columns = st.lists(st.sampled_from([-1.5, 0.0, 2.0, 7.25, 1e6]), min_size=1, max_size=40)


@given(columns, st.data())
def test_extremes_and_ranks_of_ranges_are_those_of_slices(column: list[float], draw: st.DataObject) -> None:
    """Of every range that is not empty, however short or long."""
    edge = st.integers(0, len(column))
    ranges = draw.draw(
        st.lists(st.tuples(edge, edge).map(sorted).filter(lambda e: e[0] < e[1]), min_size=1, max_size=9)
    )
    start, end = np.array(ranges, dtype=np.int64).T
    longest, values = int((end - start).max()), np.array(column)
    parts = halves(start, end - start, longest, len(column))
    slices = [column[first:stop] for first, stop in ranges]
    assert Doubling(np.minimum, values).over(parts, longest).tolist() == [min(part) for part in slices]
    assert Doubling(np.maximum, values).over(parts, longest).tolist() == [max(part) for part in slices]
    number = np.array([draw.draw(st.integers(0, len(part) - 1)) for part in slices])
    wanted = [sorted(part)[k] for part, k in zip(slices, number.tolist(), strict=True)]
    assert Wavelets(values).smallest(start, end, number).tolist() == wanted
