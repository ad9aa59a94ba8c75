"""The ward's wall clock over columns of times: its day and its part of the day.

Here: what a time zone does to times. Where a stay's zone comes from must not live here.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.kernels.ragged import Ints

BAND_HOURS = 4


def local_ms(times_ms: Ints, zone: str) -> Ints:
    """Give times as the wall clock of `zone` shows them, in ms as if that were UTC; any shape.

    Days on which the clock does not change are looked up once, the others time by time.
    """
    days, of_day = np.unique(times_ms // DAY_MS, return_inverse=True)
    tz = ZoneInfo(zone)
    edges = np.array([[_offset_ms(day * DAY_MS, tz), _offset_ms((day + 1) * DAY_MS, tz)] for day in days.tolist()])
    edges = edges.reshape(-1, 2)
    shift: Ints = edges[:, 0][of_day].reshape(times_ms.shape)
    changes = (edges[:, 0] != edges[:, 1])[of_day].reshape(times_ms.shape)
    shift[changes] = [_offset_ms(at, tz) for at in times_ms[changes].tolist()]
    return times_ms + shift


def band(wall_ms: Ints) -> Ints:
    """Give the part of the day of wall times: 0 from midnight, each of four hours."""
    return wall_ms % DAY_MS // (BAND_HOURS * HOUR_MS)


def named(part: int) -> str:
    """Name a part of the day: "08-12 h"."""
    return f"{part * BAND_HOURS:02d}-{(part + 1) * BAND_HOURS:02d} h"


def _offset_ms(at_ms: int, tz: ZoneInfo) -> int:
    shift = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(tz).utcoffset()
    return round(shift.total_seconds() * 1000) if shift is not None else 0
