"""The least and the most of ranges of positions, by tables of doubling lengths.

Nothing but that must live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import Frame
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:  # noqa: ARG001
    """Fill min and max, as far as they are asked for; each (q,)."""
    start, end = frame.starts(window_ms), frame.ends
    for name, ufunc in (("min", np.minimum), ("max", np.maximum)):
        if name in out:
            out[name][:] = over(ufunc, frame.values, start, end)
            out[name][end <= start] = np.nan


def over(ufunc: np.ufunc, values: Floats, start: Ints, end: Ints) -> Floats:
    """Give ufunc (minimum or maximum) of values[start:end] for each range; anything where the range is empty."""
    length = np.maximum(end - start, 0)
    longest = int(length.max(initial=0))
    if not longest:
        return np.full(len(start), np.nan)
    table = [values]
    while 2 ** len(table) <= longest:
        half, row = 2 ** (len(table) - 1), table[-1].copy()
        row[:-half] = ufunc(table[-1][:-half], table[-1][half:])
        table.append(row)
    flat = np.concatenate(table)
    level = np.frexp(np.maximum(length, 1))[1].astype(np.int64) - 1
    base = level * len(values)
    low, high = np.minimum(start, len(values) - 1), np.maximum(end - (1 << level), 0)
    found: Floats = ufunc(flat[base + low], flat[base + high])
    return found
