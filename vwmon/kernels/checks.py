"""Whether a question can be answered: sorted columns, values and times in reach, known series and settings.

No answer is reckoned here.
"""

from collections.abc import Sequence

import numpy as np

from vwmon.kernels.frames import Queries
from vwmon.kernels.ragged import Floats, Ints, Ragged
from vwmon.kernels.settings import Settings

REACH = 1e6  # in any unit of a vital: of a million readings in a window their ten-thousandths add up to less than 2^63
REACH_MS = 2**47  # times beyond it are not times: four thousand years from 1970
LONGEST_MS = 2**40  # of a window: thirty-four years
MOST_HALF_LIVES = 8
PIECE = 65_536  # rows looked at together, so that looking needs no memory


def check(columns: Ragged, windows_ms: Sequence[int], settings: Settings) -> None:
    """Refuse, by ValueError, what cannot be answered."""
    for window_ms in windows_ms:
        if not 0 < window_ms <= LONGEST_MS:
            raise ValueError(f"window of {window_ms} ms: a window has 1 to {LONGEST_MS} ms")
    if not 0 <= settings.reach_ms <= LONGEST_MS:
        raise ValueError(f"settings.reach_ms is {settings.reach_ms}: it is 0 to {LONGEST_MS}")
    if not 1 <= settings.half_lives <= MOST_HALF_LIVES:
        raise ValueError(f"settings.half_lives is {settings.half_lives}: a window is 1 to {MOST_HALF_LIVES} long")
    _check_shape(columns)
    for start in range(0, len(columns.times_ms), PIECE):
        _check_piece(columns, start)


def check_queries(columns: Ragged, queries: Queries) -> None:
    """Refuse, by ValueError, queries of what is not there."""
    if queries.series.shape != queries.times_ms.shape:
        raise ValueError("queries have as many series as times")
    if len(queries.series) and not 0 <= queries.series.min() <= queries.series.max() < len(columns):
        raise ValueError(f"a query's series is not one of the {len(columns)} in the columns")
    _check_times(queries.times_ms)


def _check_shape(columns: Ragged) -> None:
    offsets, rows = columns.offsets, len(columns.times_ms)
    if columns.values.shape != (rows,) or not len(offsets) or offsets[0] != 0 or offsets[-1] != rows:
        raise ValueError("columns have as many times as values, and offsets from 0 to that number")
    if (np.diff(offsets) < 0).any():
        raise ValueError("offsets of columns ascend")


def _check_piece(columns: Ragged, start: int) -> None:
    """Look at some rows, and the one before them."""
    stop = start + PIECE
    times_ms, values = columns.times_ms[max(0, start - 1) : stop], columns.values[start:stop]
    _check_times(times_ms)
    fallen = np.flatnonzero(times_ms[1:] < times_ms[:-1]) + max(1, start)
    if (columns.offsets[np.searchsorted(columns.offsets, fallen)] != fallen).any():
        raise ValueError("columns are not sorted by (series, time): ragged.arranged sorts them")
    # Not min and max: they are NaN where one value is.
    if _beyond(values):
        raise ValueError(f"a value is beyond {REACH:g}: make it NaN, or measure it in a larger unit")


def _beyond(values: Floats) -> bool:
    return bool((np.abs(values) > REACH).any())


def _check_times(times_ms: Ints) -> None:
    if len(times_ms) and not -REACH_MS <= times_ms.min() <= times_ms.max() <= REACH_MS:
        raise ValueError(f"a time is beyond {REACH_MS} ms from 1970")
