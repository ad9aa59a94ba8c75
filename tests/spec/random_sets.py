"""Random observation sets for the oracles: which value of a list each part has, so that points are looked up by place.

Nothing of the product is used here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Drawn:
    """Sets of p parts: the place (n, p) of each value in its list, whether it is there, and the values, NaN if not."""

    index: NDArray[np.int64]
    there: NDArray[np.bool_]
    values: NDArray[np.float64]

    def points(
        self, printed: Sequence[Sequence[int]], most: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the bounds (n, p) of the points: as printed for each place, from 0 to the most where it is missing."""
        read = np.stack([np.array(one)[at] for one, at in zip(printed, self.index.T, strict=True)], axis=1)
        return np.where(self.there, read, 0), np.where(self.there, read, np.array(most))


def draw(rng: np.random.Generator, every: Mapping[str, Sequence[float]], count: int, share: float = 0.8) -> Drawn:
    """Draw sets whose parts have nothing to do with each other; each part is there in that share of them."""
    index = np.stack([rng.integers(0, len(one), count) for one in every.values()], axis=1)
    there = rng.random(index.shape) < share
    values = np.stack([np.array(one)[at] for one, at in zip(every.values(), index.T, strict=True)], axis=1)
    values[~there] = np.nan
    return Drawn(index=index, there=there, values=values)
