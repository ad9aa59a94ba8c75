"""Until when a device's last calibration does: what a date says on a day, and the next date. Pure.

Nobody knows of a device without a date whether it measures right: unknown is not fine. No date makes an alert.
"""

from datetime import date, timedelta
from enum import StrEnum

SOON_DAYS = 30  # vwmon's choice: long enough to have a device back, calibrated and out again


class Due(StrEnum):
    """How a device's calibration stands."""

    OVERDUE = "overdue"
    SOON = "soon"
    UNKNOWN = "unknown"
    FINE = "fine"


def stands(due: str | None, today: date) -> Due:
    """Say how a calibration that does until `due` (YYYY-MM-DD, that day included) stands on a day."""
    if due is None:
        return Due.UNKNOWN
    left = date.fromisoformat(due) - today
    if left < timedelta(0):
        return Due.OVERDUE
    return Due.SOON if left <= timedelta(days=SOON_DAYS) else Due.FINE


def next_due(on: date, days: int | None) -> str | None:
    """Give when a device that was calibrated on a day is due again; None where its kind has no interval."""
    return None if days is None else (on + timedelta(days=days)).isoformat()
