"""A ward's time when the machine's clock is set back: it goes on as it was, unless the devices' clocks say otherwise.

It must not stand still or happen twice: silence would be noticed, and what waits for an answer be told
again, only when the clock is there again; and what devices measure with clocks that are right would be of the future.
But a clock may also have been ahead and been put right. The devices tell which it was. Ahead it is followed at once.
"""

from collections.abc import Iterable
from typing import Final

from vwmon.clock import Clock

FOLLOWED_MS: Final = 120_000  # a step back by less is followed: devices' clocks cannot tell
NEAR_MS: Final = 120_000  # a device whose clock is right, and whose message did not wait
ENOUGH: Final = 2  # messages more for the machine's clock than for the time as it was
AT_MOST: Final = 20  # messages against it that are counted: it may be put right later


class HeldClock(Clock):
    """A clock that is not set back with the machine's. Any thread may ask it; one tells it what devices say."""

    def __init__(self, clock: Clock) -> None:
        """Begin with what the machine's clock shows."""
        self._clock = clock
        self._furthest_ms = clock.now_ms() - clock.steady_ms()
        self._for_machine = 0

    def showed(self, at_ms: int) -> None:
        """Take it in that it was this late already, before this process began."""
        self._furthest_ms = max(self._furthest_ms, at_ms - self._clock.steady_ms())

    def now_ms(self) -> int:
        """Return the ward's time."""
        return self._clock.now_ms() + self.held_ms()

    def machine_ms(self) -> int:
        """Return what the machine's clock shows."""
        return self._clock.now_ms()

    def steady_ms(self) -> int:
        """Return the time that nobody sets."""
        return self._clock.steady_ms()

    def held_ms(self) -> int:
        """Tell how far the machine's clock is behind the ward's time."""
        ahead_ms = self._clock.now_ms() - self._clock.steady_ms()
        behind_ms = self._furthest_ms - ahead_ms
        if behind_ms > FOLLOWED_MS:
            return behind_ms
        self._furthest_ms, self._for_machine = ahead_ms, 0
        return 0

    def hear(self, observed_ms: Iterable[int]) -> None:
        """Take it in that devices measured something at these times of their own clocks, and sent it now."""
        held_ms = self.held_ms()
        if not held_ms:
            return
        machine_ms = self._clock.now_ms()
        for at_ms in observed_ms:
            off_ms, off_machine_ms = abs(at_ms - machine_ms - held_ms), abs(at_ms - machine_ms)
            if min(off_ms, off_machine_ms) <= NEAR_MS:
                self._for_machine = max(self._for_machine + (1 if off_machine_ms < off_ms else -1), -AT_MOST)
        if self._for_machine >= ENOUGH:
            self._furthest_ms = machine_ms - self._clock.steady_ms()
