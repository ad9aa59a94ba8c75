"""When a ward is staffed: its hours as the configuration writes them, at the ward's own wall clock. Pure.

A clock that is put forward or back moves the hours with it: what counts is what the clock on the wall shows.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_OF_HOUR = 60
MINUTES_OF_DAY = 1440
DAY_S = 86_400
NEAR = range(-2, 3)  # the days around a moment in which a ward that opens at all opens, and closes


def staffed(hours: str, time_zone: str, at_ms: int) -> bool:
    """Tell whether `at_ms` (milliseconds since the epoch) falls into hours such as "08:00-20:00" of a time zone.

    The first minute counts, the last does not; hours that end before they begin go on past midnight.

    >>> staffed("08:00-20:00", "Europe/London", 1_795_000_000_000)
    True
    """
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(time_zone))
    return within(minutes(hours), local.hour * MINUTES_OF_HOUR + local.minute)


def minutes(hours: str) -> tuple[int, int]:
    """Give the minutes of the day at which hours begin and end.

    >>> minutes("08:00-24:00")
    (480, 1440)
    """
    begin, end = (int(text[:2]) * MINUTES_OF_HOUR + int(text[3:]) for text in hours.split("-"))
    return begin, end


def within(span: tuple[int, int], minute: int) -> bool:
    """Tell whether a minute of the day is in a span of them, which goes on past midnight if it ends before it begins.

    >>> within((1200, 480), 60)
    True
    """
    begin, end = span
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def opens_ms(hours: str, time_zone: str, at_ms: int) -> int:
    """Give the first moment from `at_ms` on at which the ward is staffed: that very moment while it is.

    >>> opens_ms("08:00-20:00", "Europe/London", 1_795_046_400_000) - 1_795_046_400_000
    28800000
    """
    if staffed(hours, time_zone, at_ms):
        return at_ms
    begin, _ = minutes(hours)
    found = (ms for ms in _turns_ms(begin, ZoneInfo(time_zone), at_ms) if ms >= at_ms)
    return next(ms for ms in found if staffed(hours, time_zone, ms))


def closed_ms(hours: str, time_zone: str, at_ms: int) -> int | None:
    """Give when the ward last closed: the beginning of the time out of hours that is now, or was the last.

    None for a ward that is always staffed.
    """
    _, end = minutes(hours)
    past = [ms for ms in _turns_ms(end, ZoneInfo(time_zone), at_ms) if ms <= at_ms]
    closings = (ms for ms in reversed(past) if not staffed(hours, time_zone, ms) and staffed(hours, time_zone, ms - 1))
    return next(closings, None)


def _turns_ms(minute: int, zone: ZoneInfo, at_ms: int) -> list[int]:
    """Give when, around a moment, the wall clock shows a minute of the day, or is put forward or back; in order."""
    today = datetime.fromtimestamp(at_ms / 1000, zone).date()
    days = [today + timedelta(days=number) for number in NEAR]
    shown = {_shown_ms(day, minute, zone, fold) for day in days for fold in (0, 1)}
    return sorted(shown.union(*(_changes_ms(day, zone) for day in days)))


def _shown_ms(day: date, minute: int, zone: ZoneInfo, fold: int) -> int:
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return round(wall.replace(tzinfo=zone, fold=fold).timestamp()) * 1000


def _changes_ms(day: date, zone: ZoneInfo) -> Iterator[int]:
    """Give when the clock changes on a day, to the second, by halving the day in which its offset does."""
    low = round(datetime.combine(day, time(), UTC).timestamp())
    high = low + DAY_S
    before = _offset(low, zone)
    if _offset(high, zone) == before:
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    yield high * 1000


def _offset(at_s: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at_s, zone).utcoffset()
