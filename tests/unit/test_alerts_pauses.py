"""Pauses and the spans in which something is held back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import pauses
from alerts.errors import AlertRefused
from alerts.pauses import LASTS, LONGEST_MS, Span

HOUR = 3_600_000
NOW = 100 * HOUR
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ab: (min(ab), max(ab))), max_size=6)


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "span"),
    [
        (None, NOW + 8 * HOUR, (NOW, NOW + 8 * HOUR)),
        (NOW + HOUR, NOW + 8 * HOUR, (NOW + HOUR, NOW + 8 * HOUR)),
        (NOW + HOUR, NOW + HOUR + LONGEST_MS, (NOW + HOUR, NOW + HOUR + LONGEST_MS)),
    ],
)
def test_a_pause_runs_from_when_it_is_given_or_later(from_ms: int | None, until_ms: int, span: Span) -> None:
    """Up to and with 72 hours."""
    assert pauses.span(NOW, from_ms, until_ms) == span


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "why"),
    [
        (NOW - 1, NOW + HOUR, "cannot begin before it is given"),
        (None, NOW, "must end after it begins"),
        (NOW + HOUR, NOW + HOUR - 1, "must end after it begins"),
        (None, NOW + LONGEST_MS + 1, "72 h at most"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(from_ms: int | None, until_ms: int, why: str) -> None:
    """With what to do instead."""
    with pytest.raises(AlertRefused, match=why):
        pauses.span(NOW, from_ms, until_ms)


def test_the_pause_that_ends_last_is_the_one_that_is_shown() -> None:
    """Of several that run; none before the first begins or once the last is over."""
    spans = [(1, 10), (5, 20), (30, 40)]
    assert [pauses.running(spans, at) for at in (0, 1, 7, 15, 20, 35, 40)] == [
        None, (1, 10), (5, 20), (5, 20), None, (30, 40), None,
    ]  # fmt: skip


@given(SPANS, st.integers(0, 60))
def test_a_moment_is_free_when_no_span_has_it(spans: list[Span], at_ms: int) -> None:
    """The first one from it on, found by trying each."""
    slow = next(ms for ms in range(at_ms, 200) if not any(a <= ms < b for a, b in spans))
    assert pauses.free_ms(spans, at_ms) == slow


def test_nothing_is_free_while_a_span_has_no_end() -> None:
    """Not even after the others."""
    assert pauses.free_ms([(5, 10), (8, LASTS)], 6) == LASTS
    assert pauses.free_ms([(5, 10), (11, LASTS)], 6) == 10
