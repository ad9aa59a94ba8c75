"""Whether anything was read: the latest reading and its age, how many there are, and how much of a window they cover.

What the values say together must not live here.
"""

from collections.abc import Mapping

import numpy as np

from vwmon.kernels.frames import Frame
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.settings import Settings


def fill(frame: Frame, window_ms: int, settings: Settings, out: Mapping[str, Floats]) -> None:
    """Fill last, age, count and coverage, as far as they are asked for; each (q,)."""
    start, end = frame.starts(window_ms), frame.ends
    empty = end <= start
    if "count" in out:
        np.subtract(end, start, out=out["count"])
    if "last" in out and len(frame.values):
        frame.values.take(end - 1, mode="clip", out=out["last"])
    if "age" in out and len(frame.values):
        np.subtract(frame.query_along, frame.along.take(end - 1, mode="clip"), out=out["age"])
    for name in out.keys() & {"last", "age"}:
        out[name][empty] = np.nan
    if "coverage" in out:
        covered = _covered(frame, frame.query_along, settings.reach_ms)
        covered = covered - _covered(frame, frame.query_along - window_ms, settings.reach_ms)
        np.divide(covered, window_ms, out=out["coverage"])


def _covered(frame: Frame, along: Ints, reach_ms: int) -> Ints:
    """Give how much of the axis up to each point lies within the reach of a reading."""
    if not len(frame.along):
        return np.zeros(len(along), dtype=np.int64)
    whole = np.zeros(len(frame.along), dtype=np.int64)
    np.cumsum(np.minimum(np.diff(frame.along), reach_ms), out=whole[1:])
    last = np.searchsorted(frame.along, along, side="right") - 1
    reached = whole.take(last, mode="clip") + np.minimum(along - frame.along.take(last, mode="clip"), reach_ms)
    return np.where(last < 0, 0, reached)
