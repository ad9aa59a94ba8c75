"""Until when a calibration does: what its date says on a day."""

from datetime import date, timedelta

import pytest

from vwmon.calibration import SOON_DAYS, Due, next_due, stands

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("days", "due"),
    [
        (-400, Due.OVERDUE),
        (-1, Due.OVERDUE),
        (0, Due.SOON),
        (SOON_DAYS, Due.SOON),
        (SOON_DAYS + 1, Due.FINE),
    ],
)
def test_a_calibration_does_up_to_its_day_and_that_day_included(days: int, due: Due) -> None:
    """The day after it is overdue; in the month before it is due soon."""
    assert stands((TODAY + timedelta(days=days)).isoformat(), TODAY) is due


def test_a_calibration_that_nobody_dated_is_unknown() -> None:
    """It is not fine."""
    assert stands(None, TODAY) is Due.UNKNOWN


def test_the_next_one_follows_from_the_kind_or_from_nothing() -> None:
    """Over the end of a leap year's February as by the calendar; a kind without an interval has no next one."""
    assert next_due(date(2027, 11, 27), 365) == "2028-11-26"
    assert next_due(TODAY, None) is None
