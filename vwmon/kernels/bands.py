"""Looking values up in bands, as exactly as whole numbers do and as fast as comparing floats.

Here: the fixed-point form of a value, the cuts between bands, and the look-up. Which bands there are must not live
here. A cut is a whole number of millionths. The value's own millionths rise with the value, so each cut has a lowest
float, and comparing with that float decides as comparing whole numbers would, without making them.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.ragged import Floats, Ints

MILLION = 1_000_000
REACH = 1e9  # values beyond it look up as it does: every table has ended long before
UNREADABLE = -(2**51)  # below the millionths of every value
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


def lowest_float(cut: int) -> float:
    """Give the lowest value whose millionths are at least `cut`, which is within reach.

    >>> lowest_float(36_050_000) <= 36.05, lowest_float(1) > 0
    (True, True)
    """
    value = (cut - 0.5) / MILLION
    while round(value * MILLION) >= cut:
        value = math.nextafter(value, -math.inf)
    while round(value * MILLION) < cut:
        value = math.nextafter(value, math.inf)
    return value


def cut_table(tables: Sequence[Sequence[int]]) -> Floats:
    """Give the lowest floats of the cuts of tables, (tables, most cuts), those of shorter tables filled with infinity.

    A table of k cuts, each the lowest millionth of a slot, has k + 2 slots: what is unreadable, what is below the
    first cut, and the k from the cuts on.
    """
    cuts = np.full((len(tables), max(map(len, tables))), np.inf)
    for row, table in zip(cuts, tables, strict=True):
        row[: len(table)] = [lowest_float(cut) for cut in table]
    return cuts


def slots(values: Floats, cuts: Floats) -> NDArray[np.intp]:
    """Give the slot (tables, n) of values (tables, n) in their tables, whose cuts are (tables, k)."""
    passed: NDArray[np.intp] = np.greater_equal(values[:, None], cuts[:, :, None]).sum(axis=1, dtype=np.int8)
    passed += 1
    return np.where(np.isfinite(values), passed, 0).astype(np.intp)
