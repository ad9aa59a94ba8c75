"""The clock, and spans of time as people write them."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vwmon import durations
from vwmon.clock import Clock, ScaledClock

HOUR_MS = 3_600_000


def test_the_clock_tells_whole_milliseconds_of_the_machine() -> None:
    """Now lies between two readings of the machine's clock."""
    before = time.time_ns() // 1_000_000
    now_ms = Clock().now_ms()
    assert before <= now_ms <= time.time_ns() // 1_000_000
    assert isinstance(now_ms, int)


def test_a_scaled_clock_starts_where_it_is_told_and_runs_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute at sixty times real time shows an hour, to the millisecond."""
    monotonic_ns = 5_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: monotonic_ns)
    clock = ScaledClock(1_000, 60)
    assert clock.now_ms() == 1_000
    monotonic_ns += 60_000_000_000
    assert clock.now_ms() == 1_000 + HOUR_MS


def test_a_scaled_clock_never_goes_back() -> None:
    """Whatever the speed, a later look shows no earlier time."""
    clock = ScaledClock(0, 1000)
    looks = [clock.now_ms() for _ in range(1000)]
    assert looks == sorted(looks)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_clock_that_would_stand_or_run_back_is_refused(speed: float) -> None:
    """A speed is above zero."""
    with pytest.raises(ValueError, match="cannot run"):
        ScaledClock(0, speed)


@pytest.mark.parametrize(
    ("written", "span_ms"),
    [
        ("15m", 900_000),
        ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        ("1w", 604_800_000),
        ("90s", 90_000),
        ("250ms", 250),
        ("1d12h", 129_600_000),
        ("0s", 0),
    ],
)
def test_a_span_is_read(written: str, span_ms: int) -> None:
    """Units add up."""
    assert durations.parse(written) == span_ms


@pytest.mark.parametrize(
    "written", ["", "15", "m", "15 m", "-15m", "1.5h", "15min", "30m1h", "1m1m", "1h 9m", "\u0661m"]
)
def test_a_text_that_is_no_span_is_refused(written: str) -> None:
    """Nothing is guessed: no bare number, no fraction, no sign, no unit twice or out of order."""
    with pytest.raises(ValueError, match=r"."):
        durations.parse(written)


@given(st.integers(min_value=0, max_value=10**12))
@example(0)
def test_a_span_written_is_read_back(span_ms: int) -> None:
    """Writing loses nothing."""
    assert durations.parse(durations.text(span_ms)) == span_ms


def test_a_span_below_zero_is_not_written() -> None:
    """A span has no sign."""
    with pytest.raises(ValueError, match="below zero"):
        durations.text(-1)
