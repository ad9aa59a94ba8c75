"""The time. The only module that reads the clock; everything else is given `now_ms`.

Times are whole milliseconds since 1970-01-01T00:00Z. Nothing here waits, and nothing here formats a time.
"""

import time

MS_PER_S = 1000
NS_PER_MS = 1_000_000


class Clock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the time now, in milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // NS_PER_MS

    def machine_ms(self) -> int:
        """Return what the machine's clock shows, right or wrong."""
        return self.now_ms()

    def steady_ms(self) -> int:
        """Return a time that nobody sets and that has no beginning: against it, a jump of the clock shows."""
        return time.monotonic_ns() // NS_PER_MS


class ScaledClock(Clock):
    """A clock that starts where it is told and runs `speed` times as fast, for a demonstration.

    It follows the monotonic clock, so a step of the machine's clock does not reach it.
    """

    def __init__(self, start_ms: int, speed: float) -> None:
        """Start at `start_ms` now; a speed of 60 shows an hour in a minute. ValueError unless it is above 0."""
        if not speed > 0:
            raise ValueError(f"a clock cannot run at speed {speed}")
        self._start_ms = start_ms
        self._speed = speed
        self._began_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """Return the time it is on this clock, in milliseconds since the Unix epoch, UTC."""
        passed_ns = time.monotonic_ns() - self._began_ns
        return self._start_ms + int(passed_ns * self._speed) // NS_PER_MS

    def steady_ms(self) -> int:
        """Return the time it is on this clock, which nobody sets either."""
        return self.now_ms()
