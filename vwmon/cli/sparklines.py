"""The course of a vital in one line of text: small bars, with gaps where nothing was measured. Pure, no arrays.

A bar is the last reading of its stretch of time. A line without numbers beside it says little: `Course` has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
FLAT = 3  # the bar of a vital that did not change: neither high nor low

Point = tuple[int, float]  # when (ms), and what


@dataclass(frozen=True, kw_only=True)
class Course:
    """The readings of one vital over a span, in the order of time, of which there is at least one."""

    points: Sequence[Point]
    from_ms: int
    to_ms: int

    @property
    def last(self) -> Point:
        """Give the last reading."""
        return self.points[-1]

    @property
    def low(self) -> float:
        """Give the lowest value."""
        return min(value for _, value in self.points)

    @property
    def high(self) -> float:
        """Give the highest value."""
        return max(value for _, value in self.points)

    @property
    def moved(self) -> float:
        """Give by how much the last value differs from the first of the span."""
        return self.points[-1][1] - self.points[0][1]

    @property
    def longest_gap_ms(self) -> int:
        """Give the longest time within the span without a reading, up to its end."""
        times = [self.from_ms, *(at_ms for at_ms, _ in self.points), self.to_ms]
        return max(after - before for before, after in pairwise(times))

    def bars(self, width: int) -> str:
        """Draw the span in so many bars; a stretch without a reading is a gap and no bar."""
        stretches: list[float | None] = [None] * width
        size = max(self.to_ms - self.from_ms, 1)
        for at_ms, value in self.points:
            stretches[min((at_ms - self.from_ms) * width // size, width - 1)] = value
        return "".join(GAP if value is None else self._bar(value) for value in stretches)

    def _bar(self, value: float) -> str:
        if self.low == self.high:
            return BARS[FLAT]
        return BARS[round((value - self.low) / (self.high - self.low) * (len(BARS) - 1))]


def stepped(points: Sequence[Point], heard_ms: Sequence[int]) -> list[Point]:
    """Give what is stored only when it changes at every time that something was heard: what it then still was.

    Where nothing was heard there is nothing: silence is not drawn as if all had stayed as it was.
    """
    filled: list[Point] = []
    place = -1
    for at_ms in sorted({*heard_ms, *(at_ms for at_ms, _ in points)}):
        while place + 1 < len(points) and points[place + 1][0] <= at_ms:
            place += 1
        if place >= 0:
            filled.append((at_ms, points[place][1]))
    return filled
