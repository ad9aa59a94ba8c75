"""Who is on duty, and which way an alert goes out of hours, from the configured people, duties and wards. Pure.

What a calendar says is asked of the caller. Nothing is sent here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.model import Level
from alerts.policy import BASE, POLICY, Terms
from vwmon import hours
from vwmon.config_duty import ALWAYS, CLOSED, DAYS, OPEN, Duty, Person, Ward

NO_WARD = Ward(id="", name="the whole service", time_zone="UTC")  # always staffed

Named = Callable[[Path, str, int], Sequence[str]]  # whom a calendar names: its file, the ward's time zone, the moment


class Route(StrEnum):
    """Which way an alert goes: to the ward, to those who are there when it is closed, or on the list until it opens."""

    WARD = "ward"
    OUT_OF_HOURS = "out-of-hours"
    WAITS = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffing:
    """The wards as they are staffed, and whether anyone is told of their alerts: nobody is of a recording's."""

    wards: Sequence[Ward] = ()
    told: bool = False

    def terms(self, ward: str) -> Terms:
        """Give the terms under which the cases of a ward are followed; the whole service (empty) is always staffed."""
        return Terms(rules=BASE, told=self.told, opens=partial(opens_ms, ward_of(self.wards, ward)))


UNTOLD = Staffing()


def ward_of(wards: Iterable[Ward], ward: str) -> Ward:
    """Give a ward by its id; one that is not configured, and the whole service, is always staffed."""
    return next((one for one in wards if one.id == ward), NO_WARD)


def route(ward: Ward, level: int, at_ms: int) -> Route:
    """Give which way an alert of a level goes at a moment."""
    if hours.staffed(ward.hours, ward.time_zone, at_ms):
        return Route.WARD
    return Route.WAITS if POLICY.clocks[Level(level)].waits else Route.OUT_OF_HOURS


def opens_ms(ward: Ward, at_ms: int) -> int:
    """Give the first moment from `at_ms` on at which a ward is staffed."""
    return hours.opens_ms(ward.hours, ward.time_zone, at_ms)


def serving(
    people: Sequence[Person], duties: Iterable[Duty], ward: Ward, when: tuple[int, int], named: Named
) -> tuple[Person, ...]:
    """Give the people on duty for a ward, `when` (tier, moment), each once, in the order of their configuration.

    A duty of another ward does not count; those for every ward do.
    """
    tier, at_ms = when
    held = (duty for duty in duties if duty.tier == tier and duty.ward in {"", ward.id} and on(duty, ward, at_ms))
    wanted = {name for duty in held for name in _names(duty, ward, at_ms, named)}
    return tuple(person for person in people if person.id in wanted or (person.role and person.role in wanted))


def on(duty: Duty, ward: Ward, at_ms: int) -> bool:
    """Tell whether a duty's hours and days are now, at the ward's wall clock.

    Hours past midnight belong to the day on which they began.
    """
    span = _span(duty, ward)
    if span is None:
        return False
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(ward.time_zone))
    minute = local.hour * hours.MINUTES_OF_HOUR + local.minute
    if not hours.within(span, minute):
        return False
    begin, end = span
    began = local - timedelta(days=1) if end <= begin and minute < end else local
    return DAYS[began.weekday()] in duty.days


def _names(duty: Duty, ward: Ward, at_ms: int, named: Named) -> Sequence[str]:
    return duty.who if duty.calendar is None else named(duty.calendar, ward.time_zone, at_ms)


def _span(duty: Duty, ward: Ward) -> tuple[int, int] | None:
    """Give the minutes of the day of a duty; None for the time out of hours of a ward that has none."""
    if duty.hours == ALWAYS:
        return 0, hours.MINUTES_OF_DAY
    if duty.hours not in {OPEN, CLOSED}:
        return hours.minutes(duty.hours)
    begin, end = hours.minutes(ward.hours)
    if duty.hours == OPEN:
        return begin, end
    return None if end % hours.MINUTES_OF_DAY == begin else (end % hours.MINUTES_OF_DAY, begin)
