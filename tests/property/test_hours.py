"""When a ward opens and closes, found anew by walking minute by minute, on the nights when clocks change too."""

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vwmon.config_duty import ALWAYS, CLOSED, DAYS, OPEN, Duty, Ward
from vwmon.duty import on
from vwmon.hours import closed_ms, opens_ms, staffed

MINUTE = 60_000
# Half an hour is put forward on Lord Howe; Casablanca puts its clock back for a month and forward again.
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "UTC")
CHANGES = ("2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00")
MINUTES = st.one_of(st.integers(0, 1439), st.sampled_from([0, 30, 60, 90, 119, 120, 150, 480, 1200]))


def ms(text: str) -> int:
    """Read a UTC time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def text(begin: int, end: int) -> str:
    """Write hours as the configuration does."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (begin, end))


HOURS = st.builds(text, MINUTES, st.one_of(MINUTES, st.just(1440)))
MOMENTS = st.one_of(
    st.builds(lambda at, minute: ms(at) + minute * MINUTE, st.sampled_from(CHANGES), st.integers(-1500, 1500)),
    st.integers(ms("2026-01-01T00:00") // MINUTE, ms("2027-01-01T00:00") // MINUTE).map(lambda minute: minute * MINUTE),
)


@settings(max_examples=400)
@given(HOURS, st.sampled_from(ZONES), MOMENTS)
@example("01:30-09:00", "Europe/London", ms("2026-03-29T00:59"))  # half past one is skipped that night
@example("00:30-01:30", "Europe/London", ms("2026-10-25T00:45"))  # and comes twice on this one
def test_the_ward_opens_at_the_first_minute_at_which_it_is_staffed(hours: str, zone: str, at_ms: int) -> None:
    """The very moment while it is staffed, else the first after it; nothing in between is staffed."""
    found = opens_ms(hours, zone, at_ms)
    walked = at_ms
    while not staffed(hours, zone, walked):
        walked += MINUTE
    assert found == walked


@settings(max_examples=400)
@given(HOURS, st.sampled_from(ZONES), MOMENTS)
@example("00:30-01:30", "Europe/London", ms("2026-10-25T02:00"))
@example("08:00-01:30", "Europe/London", ms("2026-03-29T03:00"))
def test_the_ward_last_closed_at_the_last_minute_that_was_not_staffed_after_one_that_was(
    hours: str, zone: str, at_ms: int
) -> None:
    """None for a ward that never closes."""
    walked, least = at_ms, at_ms - 3 * 1440 * MINUTE
    while walked > least and (staffed(hours, zone, walked) or not staffed(hours, zone, walked - MINUTE)):
        walked -= MINUTE
    assert closed_ms(hours, zone, at_ms) == (walked if walked > least else None)


@settings(max_examples=300)
@given(HOURS, st.sampled_from(ZONES), MOMENTS)
def test_a_ward_is_open_or_closed_and_one_of_both_duties_holds(hours: str, zone: str, at_ms: int) -> None:
    """Whoever is on while it is open and whoever is on while it is closed never leave a gap and never overlap."""
    ward = Ward(id="resp", name="Respiratory", time_zone=zone, hours=hours)
    held = {when: on(Duty(tier=1, who=("ann",), hours=when), ward, at_ms) for when in (OPEN, CLOSED, ALWAYS)}
    assert held == {OPEN: staffed(hours, zone, at_ms), CLOSED: not staffed(hours, zone, at_ms), ALWAYS: True}


@settings(max_examples=300)
@given(HOURS, st.sampled_from(ZONES), MOMENTS)
def test_the_days_share_out_all_hours_of_a_duty(hours: str, zone: str, at_ms: int) -> None:
    """Seven people with a day each: exactly one of them is on whenever the duty is, and none else."""
    ward = Ward(id="resp", name="Respiratory", time_zone=zone)
    holders = [day for day in DAYS if on(Duty(tier=1, who=("ann",), hours=hours, days=(day,)), ward, at_ms)]
    assert len(holders) == staffed(hours, zone, at_ms)
