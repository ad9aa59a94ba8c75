"""Windows over readings: right against a slow twin, and the same to the bit whichever way they are asked."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property import rolling_twin as twin
from vwmon.kernels import frames
from vwmon.kernels.frames import Queries
from vwmon.kernels.ragged import Floats, Ints, Ragged, arranged
from vwmon.kernels.rolling import STATISTICS, rolling
from vwmon.kernels.settings import Settings

SERIES = 4
HOUR_MS = 3_600_000
Row = tuple[int, int, float]

near = st.integers(-20, 20)
hours = st.integers(-100, 100).map(lambda hour: hour * HOUR_MS)
far = st.integers(-(2**46), 2**46)
times = st.one_of(near, hours, st.integers(0, 10 * HOUR_MS), far)
vitals = st.integers(-500, 500).map(lambda tenths: tenths / 10)
values = st.one_of(vitals, vitals, st.just(math.nan), st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1e6, -1e6]))
rows = st.lists(st.tuples(st.integers(0, SERIES - 1), times, values), max_size=24)
lengths = st.one_of(st.integers(1, 40), st.integers(1, 30).map(lambda hour: hour * HOUR_MS), st.integers(1, 2**40))
windows = st.lists(lengths, min_size=1, max_size=3)
targets = st.one_of(st.just(math.nan), vitals)
told = st.builds(
    Settings,
    reach_ms=st.one_of(st.integers(0, 30), st.integers(0, 2 * HOUR_MS)),
    half_lives=st.integers(1, 8),
    target=st.one_of(vitals, st.lists(targets, min_size=SERIES, max_size=SERIES).map(np.array)),
    slack=st.sampled_from([0.0, 0.5]),
)


def columns(readings: Sequence[Row]) -> Ragged:
    """Put rows in order, read-only, so that writing to them is an error."""
    series, at_ms, value = zip(*readings, strict=True) if readings else ((), (), ())
    return frozen(arranged(ints(series), ints(at_ms), np.array(value, dtype=np.float64), SERIES))


def ints(values: Sequence[int]) -> Ints:
    """Give a read-only column."""
    column = np.array(values, dtype=np.int64)
    column.flags.writeable = False
    return column


def frozen(made: Ragged) -> Ragged:
    """Forbid writing to columns."""
    for column in (made.times_ms, made.values, made.offsets):
        column.flags.writeable = False
    return made


def at(moments: Sequence[tuple[int, int]]) -> Queries:
    """Give read-only queries."""
    return Queries(series=ints([one[0] for one in moments]), times_ms=ints([one[1] for one in moments]))


def every_row(made: Ragged) -> Queries:
    """Give the queries that stand for None."""
    return Queries(series=made.owners(), times_ms=made.times_ms)


def same(one: dict[str, Floats], other: dict[str, Floats]) -> bool:
    """Tell whether results are equal to the bit."""
    return one.keys() == other.keys() and all(
        np.ascontiguousarray(one[name]).tobytes() == np.ascontiguousarray(other[name]).tobytes() for name in one
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    """Readings, moments near them, window lengths and settings."""

    readings: list[Row]
    moments: list[tuple[int, int]]
    windows_ms: list[int]
    settings: Settings

    def ask(self) -> dict[str, Floats]:
        """Ask for everything."""
        return rolling(columns(self.readings), at(self.moments), self.windows_ms, settings=self.settings)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw readings, and moments that lie just at the edges of windows more often than not."""
    readings, windows_ms = draw(rows), draw(windows)
    seen = st.sampled_from(readings).map(lambda row: row[:2]) if readings else st.tuples(st.just(0), near)
    edge = st.sampled_from([0, 0, -1, 1, *windows_ms, *(window - 1 for window in windows_ms)])
    close = st.tuples(seen, edge).map(lambda pair: (pair[0][0], pair[0][1] + pair[1]))
    moments = draw(st.lists(st.one_of(close, st.tuples(st.integers(0, SERIES - 1), times)), max_size=8))
    return Case(readings=readings, moments=moments, windows_ms=windows_ms, settings=draw(told))


def asked_of(case: Case) -> Iterator[tuple[int, int, twin.Asked]]:
    """Yield each query and window as the twin takes it."""
    made = columns(case.readings)
    target = np.broadcast_to(np.asarray(case.settings.target, dtype=np.float64), SERIES)
    for row, (series, at_ms) in enumerate(case.moments):
        part = slice(made.offsets[series], made.offsets[series + 1])
        valid = zip(made.times_ms[part].tolist(), made.values[part].tolist(), strict=True)
        readings = [one for one in valid if not math.isnan(one[1])]
        for column, window_ms in enumerate(case.windows_ms):
            yield (
                row,
                column,
                twin.Asked(
                    readings=readings,
                    at_ms=at_ms,
                    window_ms=window_ms,
                    reach_ms=case.settings.reach_ms,
                    half_lives=case.settings.half_lives,
                    target=float(target[series]),
                    slack=case.settings.slack,
                ),
            )


def allowed(name: str, asked: twin.Asked) -> float:
    """Say how far a statistic may lie off: nothing, roundings, or what the weights are rounded by."""
    size = max((abs(value) for _, value in asked.readings), default=0.0)
    if name == "theil_sen":
        return 1e-15 * float(max(map(abs, twin.pair_slopes(asked)), default=0))
    if name == "slope":
        return 1e-10 * max(1.0, twin.steepness(asked))
    if name == "slope_error":
        return 1e-6 * max(1.0, twin.steepness(asked))
    return {"ewma": 2.0**-28, "mean": 1e-15, "std": 1e-12, "difference": 1e-14, "cusum": 1e-14}.get(name, 0.0) * size


@settings(max_examples=300)
@given(cases())
def test_every_statistic_is_what_the_slow_twin_finds(case: Case) -> None:
    """At any moments, over any windows, past what is missing, with several readings at one time, in any series."""
    found = case.ask()
    for row, column, asked in asked_of(case):
        for name in STATISTICS:
            wanted, result = twin.reckoned(name, asked), float(found[name][row, column])
            assert math.isnan(wanted) == math.isnan(result), (name, wanted, result)
            assert math.isnan(wanted) or abs(wanted - result) <= allowed(name, asked), (name, wanted, result, asked)


@given(rows, windows, told)
def test_asking_at_every_row_is_asking_at_each_of_them(
    readings: list[Row], windows_ms: list[int], how: Settings
) -> None:
    """The quick way for recordings and the way for single moments are one, to the bit."""
    made = columns(readings)
    assert same(rolling(made, None, windows_ms, settings=how), rolling(made, every_row(made), windows_ms, settings=how))


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repeats_change_nothing(case: Case, dice: object) -> None:
    """Readings that came late, or twice, are where they belong, to the bit."""
    again = [*case.readings, *case.readings[::2]]
    dice.shuffle(again)  # type: ignore[attr-defined]  # random.Random
    late = Case(readings=again, moments=case.moments, windows_ms=case.windows_ms, settings=case.settings)
    assert same(case.ask(), late.ask())


@given(cases(), st.integers(1, 9))
def test_batches_and_blocks_of_any_size_give_the_same(case: Case, size: int) -> None:
    """One query at a time, several, or all; in blocks of few rows or of many; to the bit."""
    made, whole = columns(case.readings), case.ask()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "BLOCK", size)
        assert same(whole, case.ask())
        rowwise = rolling(made, None, case.windows_ms, settings=case.settings)
    assert same(rowwise, rolling(made, None, case.windows_ms, settings=case.settings))
    cuts = [*range(0, len(case.moments), size), len(case.moments)]
    parts = [
        rolling(made, at(case.moments[first:stop]), case.windows_ms, settings=case.settings)
        for first, stop in pairwise(cuts)
    ]
    if parts:
        assert same(whole, {name: np.concatenate([part[name] for part in parts]) for name in STATISTICS})


@given(cases())
def test_a_series_alone_gives_the_same_as_among_others(case: Case) -> None:
    """However patients are shared out over processes, to the bit."""
    whole = case.ask()
    for series in range(SERIES):
        mine = [row for row, moment in enumerate(case.moments) if moment[0] == series]
        alone = Case(
            readings=[reading for reading in case.readings if reading[0] == series],
            moments=[case.moments[row] for row in mine],
            windows_ms=case.windows_ms,
            settings=case.settings,
        )
        assert same({name: found[mine] for name, found in whole.items()}, alone.ask())


@given(cases())
def test_what_is_out_of_every_window_changes_nothing(case: Case) -> None:
    """Memory that was trimmed to what the windows reach gives the same as the whole history, to the bit."""
    whole = case.ask()
    longest_ms = max(case.windows_ms)
    back_ms = longest_ms + max(case.settings.reach_ms, longest_ms)
    for row, (series, at_ms) in enumerate(case.moments):
        near_it = [one for one in case.readings if one[0] == series and at_ms - back_ms < one[1] <= at_ms]
        alone = Case(readings=near_it, moments=[(series, at_ms)], windows_ms=case.windows_ms, settings=case.settings)
        assert same({name: found[[row]] for name, found in whole.items()}, alone.ask())


@given(cases(), st.sampled_from(STATISTICS))
def test_a_statistic_asked_for_alone_is_the_same_as_among_others(case: Case, name: str) -> None:
    """And so is a window length."""
    made, whole = columns(case.readings), case.ask()
    for column, window_ms in enumerate(case.windows_ms):
        alone = rolling(made, at(case.moments), [window_ms], [name], case.settings)
        assert same(alone, {name: whole[name][:, [column]]})


@given(cases())
def test_nothing_given_is_written_to(case: Case) -> None:
    """The columns of these tests are read-only; here they are writable and looked at afterwards."""
    made, asked = columns(case.readings), at(case.moments)
    loose = Ragged(times_ms=made.times_ms.copy(), values=made.values.copy(), offsets=made.offsets.copy())
    moments = Queries(series=asked.series.copy(), times_ms=asked.times_ms.copy())
    for queries in (moments, None):
        rolling(loose, queries, case.windows_ms, settings=case.settings)
    kept = [made.times_ms, made.values, made.offsets, asked.series, asked.times_ms]
    left = [loose.times_ms, loose.values, loose.offsets, moments.series, moments.times_ms]
    assert [column.tobytes() for column in left] == [column.tobytes() for column in kept]
