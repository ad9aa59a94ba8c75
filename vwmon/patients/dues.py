"""When a questionnaire is due: at the admission, and then every so many days at a time of day on the ward's wall. Pure.

A clock that is put forward or back moves no due time on that wall. Of a time that the wall shows twice the first
counts; one that it never shows is taken as much later as the clock is put forward.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vwmon.patients.records import AskedSet


def due_by(one: AskedSet, time_zone: str, admitted_ms: int, at_ms: int) -> int | None:
    """Give the last due time up to a moment, that included; None before the admission. Times are ms UTC."""
    return max((due for due in _near(one, ZoneInfo(time_zone), admitted_ms, at_ms) if due <= at_ms), default=None)


def due_after(one: AskedSet, time_zone: str, admitted_ms: int, at_ms: int) -> int:
    """Give the first due time after a moment, that excluded."""
    return min(due for due in _near(one, ZoneInfo(time_zone), admitted_ms, at_ms) if due > at_ms)


def _near(one: AskedSet, zone: ZoneInfo, admitted_ms: int, at_ms: int) -> list[int]:
    """Give the due times around a moment, the admission always among them."""
    begun, today = (datetime.fromtimestamp(ms / 1000, zone).date() for ms in (admitted_ms, max(at_ms, admitted_ms)))
    round_no = (today - begun).days // one.every_days
    days = [begun + timedelta(days=one.every_days * number) for number in range(max(1, round_no - 1), round_no + 3)]
    return [admitted_ms, *(_at(day, one.at_minute, zone) for day in days)]


def _at(day: date, minute: int, zone: ZoneInfo) -> int:
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return round(wall.timestamp()) * 1000
