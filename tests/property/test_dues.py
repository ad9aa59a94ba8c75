"""When a questionnaire is due: once on each day that it is, at one time on the wall, through both changes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.layers import EVER
from vwmon.patients import plans as pathways
from vwmon.patients.dues import ENDLESS, Rounds, due_after, due_by, overdue_ms, rounds
from vwmon.patients.records import AskedSet, Plan
from vwmon.patients.schedules import Schedule

LONDON = "Europe/London"
ZONES = (LONDON, "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")
DAY_MS = 86_400_000
BARE = pathways.load("general")
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


def always(one: AskedSet, admitted_ms: int) -> list[Rounds]:
    """Ask a questionnaire as a pathway does: from the admission on, and in one way."""
    return [Rounds(from_ms=EVER, to_ms=ENDLESS, set=one, begun_ms=admitted_ms, at_once=True)]


def after(one: AskedSet, zone: str, admitted_ms: int, at_ms: int) -> int:
    """Give the due time after a moment, which there always is."""
    found = due_after(always(one, admitted_ms), zone, at_ms)
    assert found is not None
    return found


def dues(one: AskedSet, zone: str, admitted_ms: int, count: int) -> list[int]:
    """Give the due times from the admission on."""
    found = [after(one, zone, admitted_ms, admitted_ms - 1)]
    while len(found) < count:
        found.append(after(one, zone, admitted_ms, found[-1]))
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
    asking, following = always(one, admitted_ms), after(one, zone, admitted_ms, at_ms)
    last = due_by(asking, zone, at_ms)
    assert last is not None
    assert admitted_ms <= last <= at_ms < following
    assert due_after(asking, zone, last) == following
    assert due_by(asking, zone, following) == following
    assert due_by(asking, zone, following - 1) == last


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
    assert due_by(always(asked(), admitted_ms), LONDON, admitted_ms - 1) is None
    assert after(asked(), LONDON, admitted_ms, 0) == admitted_ms


SETS = st.none() | st.builds(asked, st.integers(1, 9), st.integers(0, 1439))
CHANGES = st.lists(st.tuples(st.integers(1, 40 * 24 * 60), SETS), max_size=4, unique_by=lambda one: one[0]).map(
    lambda several: sorted(several, key=lambda one: one[0])
)


@given(SETS, CHANGES, st.sampled_from(ZONES), st.integers(*YEAR), st.integers(-DAY_MS, 60 * DAY_MS))
def test_what_is_due_when_it_is_asked_otherwise_is_what_a_walk_through_the_calendar_finds(
    first: AskedSet | None,
    changes: list[tuple[int, AskedSet | None]],
    zone: str,
    admitted_ms: int,
    later_ms: int,
) -> None:
    """Each way of asking from its start on, day after day, whatever the clocks do; at once where it was not asked."""
    schedule = Schedule(
        starts=(EVER, *(admitted_ms + minute * 60_000 for minute, _ in changes)),
        plans=tuple(
            replace(BARE, questionnaires=() if one is None else (one,)) for one in (first, *(s for _, s in changes))
        ),
    )
    several = rounds(schedule, "wellbeing", admitted_ms)
    walked = sorted(walk(schedule, zone, admitted_ms))
    at_ms = admitted_ms + later_ms
    assert due_by(several, zone, at_ms) == max((due for due in walked if due <= at_ms), default=None)
    assert due_after(several, zone, at_ms) == min((due for due in walked if due > at_ms), default=None)


def walk(schedule: Schedule, zone: str, admitted_ms: int) -> Iterator[int]:
    """Yield every due time of the first hundred days, day by day."""
    before, pathway = None, first_set(schedule.plans[0])
    begun_ms, at_once = admitted_ms, True
    for start, end, plan in zip(schedule.starts, (*schedule.starts[1:], ENDLESS), schedule.plans, strict=True):
        one = first_set(plan)
        if one is not None and one != before:
            at_once, begun_ms = before is None, admitted_ms if one == pathway else start
            if at_once:
                yield max(start, admitted_ms)
        before = one
        begun = datetime.fromtimestamp(begun_ms / 1000, ZoneInfo(zone)).date()
        if one is None:
            continue
        for number in range(1 if at_once else 0, 110):
            day = begun + timedelta(days=number)
            wall = datetime(
                day.year, day.month, day.day, one.at_minute // 60, one.at_minute % 60, tzinfo=ZoneInfo(zone)
            )
            due = round(wall.timestamp()) * 1000
            if number % one.every_days == 0 and start <= due < end:
                yield due


def first_set(plan: Plan) -> AskedSet | None:
    """Give the one questionnaire that a plan asks, if it does."""
    return next(iter(plan.questionnaires), None)


def test_what_is_not_answered_stays_overdue_when_it_is_asked_otherwise_and_ends_when_it_is_not_asked() -> None:
    """Daily, then weekly, then not at all, then daily again: by the first that was due, and not over the break."""
    begun = ms("2026-03-20T09:00:00Z")
    daily, weekly = asked(1, 600), replace(asked(7, 600), overdue_ms=2 * DAY_MS)
    plans = [replace(BARE, questionnaires=sets) for sets in ((daily,), (weekly,), (), (daily,))]
    starts = (EVER, *(ms(f"2026-{day}T12:00:00Z") for day in ("03-22", "03-30", "04-02")))
    several = rounds(Schedule(starts=starts, plans=tuple(plans)), "wellbeing", begun)
    last, due = ms("2026-03-21T10:00:00Z"), ms("2026-03-22T10:00:00Z")
    assert overdue_ms(several, LONDON, last, ms("2026-03-22T11:00:00Z")) == due + DAY_MS
    assert overdue_ms(several, LONDON, last, ms("2026-03-25T12:00:00Z")) == due + DAY_MS
    assert overdue_ms(several, LONDON, due, ms("2026-03-25T12:00:00Z")) == ms("2026-03-29T09:00:00Z") + 2 * DAY_MS
    assert overdue_ms(several, LONDON, last, ms("2026-03-31T12:00:00Z")) is None
    assert overdue_ms(several, LONDON, last, ms("2026-04-03T12:00:00Z")) == starts[3] + DAY_MS
