"""Looking values up in bands, by whole numbers only.

Here: the fixed-point form of a value, the cuts between bands, and the look-up. Which bands there are must not live
here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.ragged import Ints

MILLION = 1_000_000
REACH = 1e9  # values beyond it look up as it does: every table has ended long before
UNREADABLE = -(2**51)  # below the millionths of every value
LOWEST = -(2**50)
LANE = 2**52  # the distance between two tables that are searched as one
NO_BAND = -1


def millionths(values: NDArray[np.float64]) -> Ints:
    """Give values as whole millionths, any shape; UNREADABLE where NaN or infinite.

    A decimal such as 36.05 is a little below itself in binary, so deciding 'half a step up' on the float loses points;
    its nearest millionth is exact.
    """
    readable = np.isfinite(values)
    counted = np.clip(np.where(readable, values, 0.0), -REACH, REACH)
    counted *= MILLION
    return np.where(readable, np.rint(counted, out=counted).astype(np.int64), UNREADABLE)


def first_of_step(step: int, number: int) -> int:
    """Give the lowest whole millionth that quantises, half away from zero, to `number` steps of `step` millionths.

    >>> first_of_step(100_000, 361), first_of_step(1_000_000, 0), first_of_step(1_000_000, -1)
    (36050000, -499999, -1499999)
    """
    half = (2 * number - 1) * step
    return -(-half // 2) if number > 0 else half // 2 + 1


def joined(tables: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Join the cuts of tables into one sorted column; give it, and the shift (tables, 1) that leads into each.

    A table of k cuts, each the lowest millionth of a slot, has k + 2 slots in the joined column: what is unreadable,
    what is below the first cut, and the k from the cuts on. They begin where those of the tables before end.
    """
    shifts = [number * LANE for number in range(len(tables))]
    cuts = [shift + cut for shift, table in zip(shifts, tables, strict=True) for cut in (UNREADABLE, LOWEST, *table)]
    return np.array(cuts[1:], dtype=np.int64), np.array(shifts, dtype=np.int64)[:, None]


def slots(at: Ints, cuts: Ints) -> Ints:
    """Give the slot of shifted millionths, any shape, in a joined column of cuts."""
    return np.searchsorted(cuts, at, side="right")
