"""Charts of the triage screen: what they draw was measured, where it was measured, and everything else is empty."""

import string
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.cli import render
from vwmon.cli.triage import charts
from vwmon.cli.triage.charts import BAR, BLOCKS, LABEL, SCALES, Dot, Interval, Span, Trace
from vwmon.durations import HOUR_MS

NOW = 1_795_000_000_000
DAY = 24 * HOUR_MS
SPAN = Span(now_ms=NOW, length_ms=DAY, cells=48)


def trace(*dots: tuple[float, float], vital: str = "heart_rate", points: int | None = None, **more: Any) -> Trace:  # noqa: ANN401 -- fields of Trace
    """Make a trace of readings (hours ago, value)."""
    made = tuple(Dot(at_ms=NOW - round(ago * HOUR_MS), value=value, points=points) for ago, value in dots)
    return Trace(vital=vital, unit="/min", dots=made, **more)


def cells(of: Trace, span: Span = SPAN) -> str:
    """Give the cells of a drawn line, one character each."""
    line = next(iter(charts.trace_lines(of, span, with_points=False)))[0]
    return render.pad(line[LABEL : LABEL + span.cells], span.cells)


def test_a_reading_stands_in_the_cell_of_its_time() -> None:
    """The last moment is the last cell; what is older than the span is not drawn."""
    drawn = cells(trace((0, 90), (23.75, 90), (30, 200)))
    assert (drawn[0], drawn[-1]) == (drawn[0], drawn[0])
    assert Counter(drawn)[" "] == 46
    assert "▲" not in drawn


@pytest.mark.hazard("H23")
def test_a_gap_is_a_gap() -> None:
    """Nothing is drawn from one reading to the next, however alike they are."""
    assert cells(trace((12, 80), (0, 80))).strip(" ").count(" ") == 23


def test_no_reading_is_said_in_words() -> None:
    """A line without anything could be taken for one at the foot of its scale."""
    line = next(iter(charts.trace_lines(trace(), SPAN, with_points=True)))[0]
    assert line.rstrip() == "pulse   none in 24 h"


def test_of_several_readings_in_a_cell_the_worst_is_drawn() -> None:
    """One that scores three is not covered by a better one that came after it; of equals the last."""
    worst = Dot(at_ms=NOW - 600_000, value=140, points=3)
    later = Dot(at_ms=NOW - 60_000, value=80, points=0)
    assert charts.by_cell(SPAN, [later, worst]) == {47: worst}
    assert charts.by_cell(SPAN, [later, Dot(at_ms=NOW - 30_000, value=70, points=0)])[47].value == 70


def test_what_is_off_its_scale_says_so() -> None:
    """A bar at the head of the scale means a value on the scale."""
    assert [charts.glyph(trace(), value) for value in (29.9, 30, 150, 150.1)] == ["▼", "▁", "█", "▲"]


def test_the_same_height_means_the_same_for_everyone() -> None:
    """Scales are fixed: a trace of one low value is low, and not as high as its own highest."""
    assert cells(trace((0, 45)))[-1] == cells(trace((0, 45), (1, 149)))[-1] == "▂"


def test_oxygen_is_litres_and_air_is_not_nothing() -> None:
    """0 is a measurement: air. Less than a litre is not air."""
    oxygen = trace(vital="oxygen")
    assert [charts.glyph(oxygen, value) for value in (0, 0.5, 2, 9, 15)] == ["0", "▁", "2", "9", "▲"]


def test_consciousness_is_its_letter() -> None:
    """A, and not a bar of some height."""
    acvpu = Trace(vital="consciousness", unit="", dots=(Dot(at_ms=NOW, value=1, points=3),), letters="ACVPU")
    line = next(iter(charts.trace_lines(acvpu, SPAN, with_points=False)))
    assert line[0].endswith("C C (3) 0 s")
    assert line[1] == "bold"


def test_the_last_value_stands_beside_with_unit_points_and_age() -> None:
    """Exactly, because a cell is only a height; one that no longer counts is called old."""
    fresh = trace((0.5, 131), points=3, valid_ms=HOUR_MS)
    assert next(iter(charts.trace_lines(fresh, SPAN, with_points=False)))[0].endswith("131/min (3) 30 min")
    stale = trace((2, 131), points=3, valid_ms=HOUR_MS)
    assert next(iter(charts.trace_lines(stale, SPAN, with_points=False)))[0].endswith("131/min (3) OLD 2 h")


def test_points_have_a_line_where_there_are_any() -> None:
    """Below the value that scored, as digits: a level is never a colour alone."""
    lines = list(charts.trace_lines(trace((1, 131), points=3), SPAN, with_points=True))
    assert lines[1][0].index("3") == lines[0][0].index("▇")
    assert len(list(charts.trace_lines(trace((1, 80), points=0), SPAN, with_points=True))) == 1


def score(ago: float, low: int, high: int | None = None) -> Interval:
    """Make a score of some hours ago."""
    return Interval(at_ms=NOW - round(ago * HOUR_MS), low=low, high=low if high is None else high)


@pytest.mark.hazard("H23")
def test_a_score_goes_on_only_where_something_was_heard() -> None:
    """It is stored when it changes; between two readings, and after the last, nobody knows."""
    heard = [NOW - 6 * HOUR_MS, NOW - 3 * HOUR_MS]
    found = charts.carried(SPAN, [score(6, 4)], heard)
    assert {cell: (each.low, each.high) for cell, each in found.items()} == {35: (4, 4), 41: (4, 4)}
    assert charts.carried(SPAN, [], heard) == {}
    assert list(charts.carried(SPAN, [score(30, 2)], heard)) == [35, 41]


def test_a_cell_shows_the_worst_of_its_scores() -> None:
    """A peak between two looks is a peak, and what it could have been too."""
    found = charts.carried(SPAN, [score(0.4, 2, 9), score(0.3, 7, 7), score(0.1, 1, 1)], [])
    assert (found[47].low, found[47].high) == (7, 9)


def test_digits_say_at_least_and_at_most() -> None:
    """The second line is there when a score is open; ten and more is a plus, and the worst is written out."""
    found = charts.carried(SPAN, [score(2, 0), score(1, 4, 9), score(0, 11)], [])
    low, high = (line for line, _ in charts.digits(SPAN, found))
    assert low.startswith("NEWS2")
    assert low.split()[1:] == ["0", "4", "+", "worst", "11"]
    assert high.split() == ["up", "to", "9"]
    assert low.index("4") == high.index("9")
    (line,) = (line for line, _ in charts.digits(SPAN, {}))
    assert line.split() == ["NEWS2", "no", "score"]


def column(low: int, high: int, rows: int = 6) -> str:
    """Give the bar of one score, from the foot."""
    lines = [line for line, _ in charts.band(SPAN, {10: score(0, low, high)}, rows)]
    return "".join(render.pad(line, LABEL + 48)[LABEL + 10] for line in reversed(lines))


@pytest.mark.parametrize(
    ("low", "high", "bar"),
    [
        (0, 0, "▁     "),
        (1, 1, "▄     "),
        (2, 2, "█     "),
        (5, 5, "██▄   "),
        (5, 6, "██▒   "),
        (0, 3, ":.    "),
        (4, 9, "██::. "),
        (12, 12, "██████"),
        (7, 13, "███▒:▲"),
        (20, 20, "█████▲"),
    ],
)
def test_a_bar_shows_what_is_certain_and_what_could_be(low: int, high: int, bar: str) -> None:
    """Two points a row; a score of nought is not the same as no score, and more than there is room for says so."""
    assert column(low, high) == bar


@given(st.integers(0, 12), st.integers(0, 12))
def test_different_scores_have_different_bars(one: int, other: int) -> None:
    """Of complete scores that have room, no two look the same."""
    assert (column(one, one) == column(other, other)) == (one == other)


def test_the_rows_of_five_and_seven_are_named() -> None:
    """Where an urgent and where an emergency response begin."""
    lines = [line for line, _ in charts.band(SPAN, {10: score(0, 7), 11: score(0, 5)}, 6)]
    named = {line[:LABEL].split()[-1]: line for line in lines if line[:LABEL].strip() not in {"", "NEWS2"}}
    assert named["7"][LABEL + 10] == "▄"
    assert named["5"][LABEL + 10 : LABEL + 12] == "█▄"


READINGS = st.lists(
    st.tuples(st.integers(-2 * DAY, DAY), st.floats(0, 300, allow_nan=False), st.sampled_from([None, 0, 1, 2, 3])),
    max_size=40,
)
SPANS = st.builds(
    lambda hours, number: Span(now_ms=NOW, length_ms=hours * HOUR_MS, cells=number),
    st.sampled_from([24, 72]),
    st.integers(1, 100),
)


@given(READINGS, SPANS, st.sampled_from([*SCALES, "weight"]))
def test_no_cell_ever_shows_a_value_that_is_not_there(
    readings: list[tuple[int, float, int | None]], span: Span, vital: str
) -> None:
    """Every mark stands for a reading in the time of its cell, and every reading in the span has a mark."""
    dots = tuple(Dot(at_ms=NOW + at, value=value, points=points) for at, value, points in readings)
    made = Trace(vital=vital, unit="", dots=dots)
    if not charts.by_cell(span, dots):
        return
    drawn = cells(made, span)
    step = span.length_ms / span.cells
    for number, mark in enumerate(drawn):
        begin = NOW - span.length_ms + number * step
        inside = [dot for dot in dots if begin < dot.at_ms <= begin + step]
        assert (mark != " ") == bool(inside)
        assert not inside or mark in {charts.glyph(made, dot.value) for dot in inside}
        assert not inside or any(
            mark == charts.glyph(made, dot.value) and (dot.points or 0) == max(d.points or 0 for d in inside)
            for dot in inside
        )


@given(READINGS, SPANS)
def test_no_bar_stands_where_nothing_was_heard(readings: list[tuple[int, float, int | None]], span: Span) -> None:
    """A score that was never there has no bar; neither has a time in which nothing came."""
    scores = [Interval(at_ms=NOW + at, low=(points or 0) * 5, high=20) for at, _, points in readings]
    heard = [NOW + at + 1000 for at, _, _ in readings]
    found = charts.carried(span, scores, heard)
    step = span.length_ms / span.cells
    for number in range(span.cells):
        begin = NOW - span.length_ms + number * step
        moments = [at for at in (*heard, *(each.at_ms for each in scores)) if begin < at <= begin + step]
        assert (number in found) == bool(moments)


@given(SPANS, st.integers(-DAY, DAY))
def test_every_moment_of_the_span_has_one_cell(span: Span, at: int) -> None:
    """And none outside it has."""
    cell = span.cell(NOW + at)
    assert (cell is not None) == (-span.length_ms < at <= 0)
    assert cell is None or 0 <= cell < span.cells


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_lines_keep_within_their_width(width: int) -> None:
    """With the longest values there are."""
    span = charts.fitted(NOW, 24, width)
    made = trace((20, 220.5), (1, 131), points=3, valid_ms=1)
    found = charts.carried(span, [score(1, 4, 19)], [])
    lines = [*charts.trace_lines(made, span, with_points=True), *charts.band(span, found, 6), charts.axis(span)]
    lines += charts.digits(span, found)
    assert max(len(line) for line, _ in lines) <= max(width, LABEL + charts.VALUE + 2)


def test_cells_are_whole_parts_of_hours_where_there_is_room() -> None:
    """A mark at a full hour is at a full hour."""
    assert [charts.fitted(NOW, 24, width).cells for width in (80, 100, 130, 60)] == [48, 48, 96, 24]


def test_hours_are_written_below() -> None:
    """From the oldest to now."""
    assert charts.axis(SPAN)[0].split() == ["-24h", "-18h", "-12h", "-6h", "now"]
    assert charts.axis(Span(now_ms=NOW, length_ms=3 * DAY, cells=48))[0].split()[0] == "-72h"


def test_no_mark_of_a_chart_can_be_taken_for_a_gap_or_another() -> None:
    """Each stands for one thing."""
    marks = [*BLOCKS, charts.ABOVE, charts.BELOW, *string.digits]
    assert len(set(marks)) == len(marks)
    assert " " not in marks
    assert len(set(BAR.values())) == len(BAR)
