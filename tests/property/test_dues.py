"""When a questionnaire is due: once on each day that it is, at one time on the wall, through both changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.patients.dues import due_after, due_by
from vwmon.patients.records import AskedSet

LONDON = "Europe/London"
ZONES = (LONDON, "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")
DAY_MS = 86_400_000
YEAR = (
    round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000),
    round(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000),
)


def asked(every_days: int = 7, at_minute: int = 600) -> AskedSet:
    """Make a questionnaire's schedule."""
    return AskedSet(
        questionnaire="wellbeing", every_days=every_days, at_minute=at_minute, overdue_ms=DAY_MS, source="a page"
    )


def ms(text: str) -> int:
    """Read a time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def dues(one: AskedSet, zone: str, admitted_ms: int, count: int) -> list[int]:
    """Give the due times from the admission on."""
    found = [due_after(one, zone, admitted_ms, admitted_ms - 1)]
    while len(found) < count:
        found.append(due_after(one, zone, admitted_ms, found[-1]))
    return found


def test_it_is_due_at_the_admission_and_then_weekly_through_both_changes() -> None:
    """Ten o'clock on the ward's wall is nine by UTC in summer; the weeks around a change are an hour short, or long."""
    spring = dues(asked(), LONDON, ms("2026-03-24T15:20:00Z"), 3)
    assert spring == [ms("2026-03-24T15:20:00Z"), ms("2026-03-31T10:00:00+01:00"), ms("2026-04-07T10:00:00+01:00")]
    autumn = dues(asked(), LONDON, ms("2026-10-20T08:00:00Z"), 3)
    assert autumn[1:] == [ms("2026-10-27T10:00:00+00:00"), ms("2026-11-03T10:00:00+00:00")]


@pytest.mark.parametrize(
    ("day", "due"),
    [("2026-03-28", "2026-03-29T02:30:00+01:00"), ("2026-10-24", "2026-10-25T01:30:00+01:00")],
)
def test_a_time_that_the_wall_never_shows_or_shows_twice_is_due_once(day: str, due: str) -> None:
    """Half past one, on the two nights on which that is a question."""
    daily = asked(1, 90)
    found = dues(daily, LONDON, ms(f"{day}T12:00:00Z"), 3)
    assert found[1] == ms(due)
    assert len(set(found)) == 3


SCHEDULES = st.builds(asked, st.integers(1, 31), st.integers(0, 1439))


@given(SCHEDULES, st.sampled_from(ZONES), st.integers(*YEAR), st.integers(0, 400 * DAY_MS))
def test_between_two_due_times_there_is_none_and_every_moment_lies_between_two(
    one: AskedSet, zone: str, admitted_ms: int, later_ms: int
) -> None:
    """The last up to a moment, and the first after it, agree: nothing is asked twice, and nothing left out."""
    at_ms = admitted_ms + later_ms
    last, following = due_by(one, zone, admitted_ms, at_ms), due_after(one, zone, admitted_ms, at_ms)
    assert last is not None
    assert admitted_ms <= last <= at_ms < following
    assert due_after(one, zone, admitted_ms, last) == following
    assert due_by(one, zone, admitted_ms, following) == following
    assert due_by(one, zone, admitted_ms, following - 1) == last


@given(SCHEDULES, st.sampled_from(ZONES), st.integers(*YEAR))
def test_each_is_so_many_days_after_the_one_before_at_the_same_time_of_the_wall(
    one: AskedSet, zone: str, admitted_ms: int
) -> None:
    """Counted in days of the calendar from that of the admission; only where the wall never shows it is it later."""
    place = ZoneInfo(zone)
    begun = datetime.fromtimestamp(admitted_ms / 1000, place).date()
    for number, due_ms in enumerate(dues(one, zone, admitted_ms, 12)[1:], start=1):
        wall = datetime.fromtimestamp(due_ms / 1000, place)
        wanted = datetime(wall.year, wall.month, wall.day, one.at_minute // 60, one.at_minute % 60)  # noqa: DTZ001
        assert wall.date() == begun + timedelta(days=one.every_days * number)
        shown = wall.replace(tzinfo=None) - wanted
        assert shown in (timedelta(), timedelta(minutes=30), timedelta(hours=1))
        if shown:
            assert wanted.replace(tzinfo=place).astimezone(UTC).astimezone(place).replace(tzinfo=None) != wanted


def test_nothing_is_due_before_the_admission() -> None:
    """Nor is the past asked for."""
    admitted_ms = ms("2026-03-24T15:20:00Z")
    assert due_by(asked(), LONDON, admitted_ms, admitted_ms - 1) is None
    assert due_after(asked(), LONDON, admitted_ms, 0) == admitted_ms
