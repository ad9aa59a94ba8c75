"""The course of a vital in a line: what was not measured is a gap, and what is drawn was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.cli.sparklines import BARS, GAP, Course, stepped

HOUR = 3_600_000
POINTS = st.lists(st.tuples(st.integers(0, 24 * HOUR), st.floats(0, 300)), min_size=1, max_size=40).map(sorted)


def course(*points: tuple[float, float], to: float = 24) -> Course:
    """Give a course of so many hours from readings at hours."""
    return Course(points=[(round(hour * HOUR), value) for hour, value in points], from_ms=0, to_ms=round(to * HOUR))


def test_a_time_without_a_reading_is_a_gap() -> None:
    """Four hours in four bars: nothing came in the second and the last."""
    assert course((0.5, 90), (2.5, 97), to=4).bars(4) == f"{BARS[0]}{GAP}{BARS[-1]}{GAP}"


def test_a_bar_is_the_last_reading_of_its_time() -> None:
    """What has passed within it is in the range beside the line."""
    shown = course((0.1, 97), (0.9, 90), (1.5, 97), to=2)
    assert shown.bars(2) == f"{BARS[0]}{BARS[-1]}"
    assert (shown.low, shown.high, shown.last[1], shown.moved) == (90, 97, 97, 0)


def test_a_reading_at_the_very_end_is_in_the_last_bar() -> None:
    """The present belongs to the line."""
    assert course((24, 5)).bars(3) == GAP * 2 + BARS[3]


def test_what_never_changed_is_neither_high_nor_low() -> None:
    """One height for all."""
    assert course((1, 95), (13, 95), (23, 95)).bars(2) == BARS[3] * 2


def test_the_longest_silence_counts_the_ends_of_the_span() -> None:
    """Nothing since the morning is a silence that still lasts."""
    assert course((1, 95), (6, 95), (8, 95)).longest_gap_ms == 16 * HOUR
    assert course((20, 95)).longest_gap_ms == 20 * HOUR


@given(POINTS, st.integers(1, 60))
def test_each_bar_stands_for_a_reading_of_its_time_and_each_gap_for_none(
    points: list[tuple[int, float]], width: int
) -> None:
    """Over any readings and widths."""
    bars = Course(points=points, from_ms=0, to_ms=24 * HOUR).bars(width)
    drawn = {min(at_ms * width // (24 * HOUR), width - 1) for at_ms, _ in points}
    assert len(bars) == width
    assert {place for place, bar in enumerate(bars) if bar != GAP} == drawn
    assert set(bars) <= {GAP, *BARS}


@pytest.mark.parametrize(
    ("stored", "heard", "filled"),
    [
        ([(1, 5.0)], [0, 1, 2, 3], [(1, 5.0), (2, 5.0), (3, 5.0)]),
        ([(1, 5.0), (3, 7.0)], [2, 4], [(1, 5.0), (2, 5.0), (3, 7.0), (4, 7.0)]),
        ([(1, 5.0)], [], [(1, 5.0)]),
        ([], [1, 2], []),
    ],
)
def test_what_is_stored_when_it_changes_holds_at_each_time_something_came(
    stored: list[tuple[int, float]], heard: list[int], filled: list[tuple[int, float]]
) -> None:
    """And at no other: a silence is not drawn as if all had stayed as it was."""
    assert stepped(stored, heard) == filled
