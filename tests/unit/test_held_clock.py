"""A ward's time when the machine's clock is set: never back, unless the devices' clocks say that it was put right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.clock import Clock
from vwmon.held_clock import AT_MOST, ENOUGH, FOLLOWED_MS, NEAR_MS, HeldClock

T0, MINUTE, HOUR, DAY = 1_795_000_000_000, 60_000, 3_600_000, 86_400_000


class Machine(Clock):
    """A clock that is set by hand, beside a time that nobody sets."""

    def __init__(self) -> None:
        """Begin right, at T0."""
        self.true_ms, self.wrong_ms = T0, 0

    def now_ms(self) -> int:
        """Return what the clock shows."""
        return self.true_ms + self.wrong_ms

    def steady_ms(self) -> int:
        """Return a time that nobody sets."""
        return self.true_ms - 77 * DAY


@pytest.fixture
def machine() -> Machine:
    """A machine whose clock is right."""
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> HeldClock:
    """A ward's clock on it."""
    return HeldClock(machine)


def test_a_clock_that_nobody_sets_is_the_machines(machine: Machine, clock: HeldClock) -> None:
    """To the millisecond, whatever devices say."""
    machine.true_ms += 3 * HOUR
    clock.hear([T0 - DAY] * 5)
    assert (clock.now_ms(), clock.held_ms(), clock.machine_ms()) == (T0 + 3 * HOUR, 0, T0 + 3 * HOUR)
    assert clock.steady_ms() == machine.steady_ms()


@pytest.mark.hazard("H7", "T20")
def test_a_clock_that_is_set_back_and_left_holds_nobodys_time_up(machine: Machine, clock: HeldClock) -> None:
    """What was ahead stays ahead, and time goes on; what devices whose clocks are right say bears it out."""
    machine.wrong_ms = -2 * DAY
    for _ in range(10):
        machine.true_ms += MINUTE
        clock.hear([machine.true_ms - 3_000])
        assert (clock.now_ms(), clock.held_ms()) == (machine.true_ms, 2 * DAY)
        assert clock.machine_ms() == machine.true_ms - 2 * DAY


@pytest.mark.hazard("H7")
def test_a_clock_that_was_ahead_and_is_put_right_is_followed_once_devices_say_so(
    machine: Machine, clock: HeldClock
) -> None:
    """After two messages, and never held up again by the time that was wrong."""
    machine.wrong_ms = 2 * DAY
    assert clock.now_ms() == T0 + 2 * DAY
    machine.wrong_ms = 0
    clock.hear([T0 - 3_000])
    assert clock.held_ms() == 2 * DAY
    clock.hear([T0 - 1_000])
    assert (clock.now_ms(), clock.held_ms()) == (T0, 0)


def test_a_clock_that_is_put_right_ahead_is_followed_at_once(machine: Machine, clock: HeldClock) -> None:
    """Nothing is held any more."""
    machine.wrong_ms = -2 * DAY
    clock.hear([T0] * AT_MOST)
    machine.wrong_ms = 0
    assert (clock.now_ms(), clock.held_ms()) == (T0, 0)


@pytest.mark.parametrize(("back_ms", "held_ms"), [(FOLLOWED_MS, 0), (FOLLOWED_MS + 1, FOLLOWED_MS + 1)])
def test_a_step_that_devices_cannot_tell_is_followed(
    machine: Machine, clock: HeldClock, back_ms: int, held_ms: int
) -> None:
    """Up to two minutes; and many small ones are never added up."""
    machine.wrong_ms = -back_ms
    assert clock.held_ms() == held_ms
    machine.wrong_ms = -back_ms - FOLLOWED_MS
    assert clock.held_ms() == (held_ms and held_ms + FOLLOWED_MS)


def test_what_was_measured_long_before_it_came_says_nothing_of_a_clock(machine: Machine, clock: HeldClock) -> None:
    """A spool that is emptied, a recording."""
    machine.wrong_ms = -2 * DAY
    clock.hear([T0 - DAY, T0 - 2 * DAY - NEAR_MS - 1, T0 - 400 * DAY] * 5)
    assert clock.held_ms() == 2 * DAY


def test_more_devices_say_which_time_it_is(machine: Machine, clock: HeldClock) -> None:
    """One that is as wrong as the machine does not decide; and a long time held is no reason to go on for as long."""
    machine.wrong_ms = -2 * DAY
    for _ in range(100):
        clock.hear([T0, T0 - 2 * DAY, T0])
        assert clock.held_ms() == 2 * DAY
    clock.hear([T0 - 2 * DAY] * (AT_MOST + ENOUGH))
    assert clock.held_ms() == 0


@pytest.mark.hazard("H7")
def test_what_the_daemon_before_showed_is_no_earlier_time(clock: HeldClock) -> None:
    """A clock that was set back while nothing ran is noticed; one that goes on is not."""
    clock.showed(T0 - MINUTE)
    assert clock.held_ms() == 0
    clock.showed(T0 + 5 * DAY)
    assert (clock.now_ms(), clock.held_ms()) == (T0 + 5 * DAY, 5 * DAY)


@given(
    st.lists(
        st.tuples(
            st.integers(0, HOUR),
            st.sampled_from([0, 0, -MINUTE, -HOUR, HOUR, -3 * DAY, DAY]),
            st.booleans(),
        )
    )
)
def test_while_devices_are_right_the_time_is_never_behind_and_is_right_where_the_machine_is(
    steps: list[tuple[int, int, bool]],
) -> None:
    """Whatever is set and in whatever order."""
    machine = Machine()
    clock = HeldClock(machine)
    for passed_ms, set_ms, heard in steps:
        machine.true_ms += passed_ms
        machine.wrong_ms += set_ms
        assert clock.now_ms() >= machine.now_ms()
        if heard:
            clock.hear([machine.true_ms] * (AT_MOST + ENOUGH))
            assert machine.wrong_ms or clock.now_ms() == machine.true_ms
