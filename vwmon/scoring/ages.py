"""Age on a chart: whom by completed years it is for, and which of its tables holds at the time of a reading. Pure.

An age is counted in birthdays and not in days: a child is in the next band from its birthday on.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from vwmon.patients.ages import age
from vwmon.scoring.records import Chart, Ratio, Word


def years(born: date, at: datetime) -> int:
    """Give the completed years of someone at a moment, by the calendar of the moment's own time zone.

    A reading at 00:30 on the birthday in London is that day's, though it is still the day before in UTC. Someone born
    on 29 February is a year older on 1 March. ValueError before the birth, and at a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("the time has no zone")
    completed = age(born, at.date())
    if completed < 0:
        raise ValueError(f"born {born}, after {at.date()}")
    return completed


def context(chart: Chart | Ratio, completed: int) -> dict[str, Word]:
    """Give what a chart asks for that follows from someone's completed years, such as the band of age.

    ValueError when the chart is not for that age.
    """
    if not chart.ages.fit(completed):
        raise ValueError(f"{chart.title} is for ages {chart.ages.words}, not for {completed} years")
    if isinstance(chart, Ratio):
        return {}
    return {
        name: chart.context[name][sum(start <= completed for start in starts) - 1]
        for name, starts in chart.age_context.items()
    }


def starts_ms(born: date, years_: tuple[int, ...], zone: str) -> list[int]:
    """Give the first moment (ms UTC) of each birthday that completes so many years, by the calendar of a time zone.

    Where the clock skips midnight, the day begins with the first moment after it.
    """
    days = [_birthday(born, completed) for completed in years_]
    moments = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) for day in days]
    return [round(moment.timestamp() * 1000) for moment in moments]


def _birthday(born: date, completed: int) -> date:
    try:
        return born.replace(year=born.year + completed)
    except ValueError:  # born on 29 February, and no such day that year
        return date(born.year + completed, 3, 1)
