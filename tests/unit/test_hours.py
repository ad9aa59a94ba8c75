"""A ward is staffed by its own wall clock, also on the two nights when the clocks change."""

from datetime import UTC, datetime

import pytest

from vwmon.hours import staffed


def ms(text: str) -> int:
    """Read a UTC time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.hazard("H7")
@pytest.mark.parametrize(
    ("at", "within"),
    [
        ("2026-01-15T07:59:59", False),
        ("2026-01-15T08:00:00", True),
        ("2026-01-15T19:59:59", True),
        ("2026-01-15T20:00:00", False),
        ("2026-07-15T06:59:59", False),
        ("2026-07-15T07:00:00", True),
        ("2026-07-15T18:59:59", True),
        ("2026-07-15T19:00:00", False),
    ],
)
def test_the_hours_are_those_of_the_wards_wall(at: str, within: bool) -> None:
    """In summer London is an hour ahead of UTC."""
    assert staffed("08:00-20:00", "Europe/London", ms(at)) is within


@pytest.mark.hazard("H7")
@pytest.mark.parametrize("at", ["2026-03-29T07:00:00", "2026-10-25T08:00:00"])
def test_the_clocks_change_before_the_shift_begins(at: str) -> None:
    """On both Sundays the shift begins at 08:00 by the new time."""
    assert staffed("08:00-20:00", "Europe/London", ms(at))
    assert not staffed("08:00-20:00", "Europe/London", ms(at) - 1)


@pytest.mark.parametrize(("at", "within"), [("19:59", False), ("20:00", True), ("03:00", True), ("08:00", False)])
def test_a_night_shift_goes_on_past_midnight(at: str, within: bool) -> None:
    """Hours that end before they begin end on the next day."""
    assert staffed("20:00-08:00", "UTC", ms(f"2026-01-15T{at}:00")) is within


@pytest.mark.parametrize("at", ["00:00", "11:00", "23:59"])
def test_a_ward_may_always_be_staffed(at: str) -> None:
    """From midnight to midnight."""
    assert staffed("00:00-24:00", "Europe/London", ms(f"2026-01-15T{at}:00"))
