"""Counting what comes at or before each of many moments, by a table of where stretches of time begin.

What the moments mean must not live here.
"""

import numpy as np

from vwmon.kernels.ragged import Ints

LAST = np.iinfo(np.int64).max


class Ladder:
    """Ascending whole numbers (n,), n >= 1, to be searched many times.

    Their span is cut into at most n + 1 buckets as long as a power of two. Where a target's bucket begins is looked up,
    and the rest is halving among the rungs of one bucket, as often as the fullest needs: once or twice for readings
    that come about evenly, a few times more for bursts.
    """

    def __init__(self, rungs: Ints) -> None:
        """Note where each bucket begins."""
        self._base = int(rungs[0])
        span = int(rungs[-1]) - self._base
        self._shift = (span // len(rungs)).bit_length()
        held = np.bincount((rungs - self._base) >> self._shift)
        self._before = np.cumsum(held)
        self._before -= held
        self._halvings = int(held.max()).bit_length()
        self._rungs = np.concatenate([rungs, np.full(1 << self._halvings, LAST)])

    def count(self, targets: Ints) -> Ints:
        """Count the rungs at or below each target, (q,), in any order."""
        place = targets - self._base
        place >>= self._shift
        count: Ints = self._before.take(place, mode="clip")
        for power in reversed(range(self._halvings)):
            passed = self._rungs[(1 << power) - 1 :].take(count, mode="wrap") <= targets
            count += np.left_shift(passed, power, out=place, dtype=np.int64, casting="unsafe") if power else passed
        return count
