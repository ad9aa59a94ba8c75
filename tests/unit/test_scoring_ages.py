"""Age on a chart: birthdays, not days, and whom a chart is for."""

from datetime import date, datetime

import pytest

from vwmon.scoring import ages, charts
from vwmon.scoring.records import Chart

PEWS, NEWS2 = charts.load("pews"), charts.load("news2")
BORN = date(2020, 3, 10)


def at(text: str) -> datetime:
    """Read a moment."""
    return datetime.fromisoformat(text)


def band_at(born: date, when: datetime) -> object:
    """Give the age band of PEWS that holds for someone at a moment."""
    return ages.context(PEWS, ages.years(born, when))["age_band"]


@pytest.mark.hazard("H28")
@pytest.mark.parametrize(
    ("when", "band"),
    [
        ("2020-03-10T00:00:00Z", "0-11m"),
        ("2021-03-09T23:59:59Z", "0-11m"),
        ("2021-03-10T00:00:00Z", "1-4y"),
        ("2025-03-09T12:00:00Z", "1-4y"),
        ("2025-03-10T12:00:00Z", "5-12y"),
        ("2033-03-09T12:00:00Z", "5-12y"),
        ("2033-03-10T12:00:00Z", "13-18y"),
        ("2039-03-09T12:00:00Z", "13-18y"),
    ],
)
def test_a_child_is_in_the_next_band_from_its_birthday_on(when: str, band: str) -> None:
    """Found anew for each reading, so that a recording over a birthday changes tables on the day."""
    assert band_at(BORN, at(when)) == band


def test_the_day_is_the_one_on_the_readings_own_clock() -> None:
    """Half an hour into the birthday in London is the day before in UTC; the family's calendar counts."""
    assert band_at(date(2021, 7, 1), at("2022-07-01T00:30:00+01:00")) == "1-4y"
    assert band_at(date(2021, 7, 1), at("2022-06-30T23:30:00+00:00")) == "0-11m"


def test_five_times_365_25_days_is_not_a_birthday() -> None:
    """The trap of counting days: born on 1 March 2019, the day before the fifth birthday is 1,826 days on."""
    born = date(2019, 3, 1)
    eve = at("2024-02-29T12:00:00Z")
    assert (eve.date() - born).days / 365.25 >= 4.99
    assert band_at(born, eve) == "1-4y"
    assert band_at(born, at("2024-03-01T12:00:00Z")) == "5-12y"


def test_someone_born_on_29_february_is_older_on_1_march() -> None:
    """In years without that day."""
    assert ages.years(date(2020, 2, 29), at("2021-02-28T12:00:00Z")) == 0
    assert ages.years(date(2020, 2, 29), at("2021-03-01T12:00:00Z")) == 1
    assert ages.years(date(2020, 2, 29), at("2024-02-29T12:00:00Z")) == 4


@pytest.mark.hazard("H28")
@pytest.mark.parametrize(("chart", "years", "says"), [(PEWS, 19, "below 19"), (NEWS2, 15, "from 16 on")])
def test_a_chart_refuses_an_age_that_it_is_not_for(chart: Chart, years: int, says: str) -> None:
    """NEWS2 from 16 on, PEWS up to 18."""
    with pytest.raises(ValueError, match=says):
        ages.context(chart, years)
    assert ages.context(NEWS2, 16) == {}
    assert ages.context(PEWS, 18) == {"age_band": "13-18y"}


def test_a_reading_before_the_birth_has_no_age() -> None:
    """A wrong date of birth is not the youngest band."""
    with pytest.raises(ValueError, match="born 2020-03-10"):
        band_at(BORN, at("2020-03-09T12:00:00Z"))


def test_a_time_without_a_zone_tells_no_age() -> None:
    """Which day it was is not known within a day, and a birthday may be that day."""
    with pytest.raises(ValueError, match=r"^the time has no zone$"):
        ages.years(BORN, at("2026-03-10T00:30:00"))


def test_a_ratio_asks_for_no_age_but_may_refuse_one() -> None:
    """The shock index is for adults; of one it needs to know nothing more."""
    shock = charts.either("shock_index")
    assert ages.context(shock, 40) == {}
    with pytest.raises(ValueError, match=r"is for ages .*, not for 5 years"):
        ages.context(shock, 5)


@pytest.mark.hazard("H28")
def test_birthdays_begin_by_the_calendar_of_the_ward() -> None:
    """At midnight in London, an hour before that of UTC in summer; each of the years that were asked for."""
    begins = [at(text).timestamp() * 1000 for text in ("2022-06-30T23:00:00Z", "2026-06-30T23:00:00Z")]
    assert ages.starts_ms(date(2021, 7, 1), (1, 5), "Europe/London") == begins


def test_a_birthday_on_29_february_begins_on_1_march_of_other_years() -> None:
    """And on the day itself where the year has it."""
    begins = [at(text).timestamp() * 1000 for text in ("2021-03-01T00:00:00Z", "2024-02-29T00:00:00Z")]
    assert ages.starts_ms(date(2020, 2, 29), (1, 4), "UTC") == begins


def test_where_the_clock_skips_midnight_a_birthday_begins_with_the_first_moment_after_it() -> None:
    """Cairo went from 24 April 2026, 00:00, to 01:00."""
    assert ages.starts_ms(date(2025, 4, 24), (1,), "Africa/Cairo") == [at("2026-04-23T22:00:00Z").timestamp() * 1000]
