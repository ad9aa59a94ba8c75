"""Who is on duty by the settings and the calendars that they name: where iCalendar files are read.

A file that has changed is read again. Whom to tell of what is decided elsewhere.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from vwmon import duty
from vwmon.config import Settings
from vwmon.config_duty import Duty, Person, Ward
from vwmon.duty import NO_WARD, Route
from vwmon.errors import ConfigError

if TYPE_CHECKING:
    from ical.calendar import Calendar

KEPT = 32  # calendars in memory
MOMENT = timedelta(milliseconds=1)


def on_duty(settings: Settings, ward: str, level: int, tier: int, at_ms: int) -> tuple[Person, ...] | None:
    """Give who is to be told of an alert of a ward and level at a tier, at a moment; None while it waits on purpose.

    An alert of the whole service (`ward` is empty), or of a ward that is not configured, goes to those whose duty names
    no ward; where there are none, to those of every ward. ConfigError when a calendar cannot be read.
    """
    where = duty.ward_of(settings.wards, ward)
    if duty.route(where, level, at_ms) is Route.WAITS:
        return None
    return serving(settings, where, tier, at_ms)


def serving(settings: Settings, ward: Ward, tier: int, at_ms: int) -> tuple[Person, ...]:
    """Give the people on duty for a ward and tier at a moment, whatever the alert."""
    if ward.id:
        return duty.serving(settings.people, settings.duty, ward, (tier, at_ms), named)
    general = [one for one in settings.duty if not one.ward]
    return _anywhere(settings, general, tier, at_ms) or _anywhere(settings, settings.duty, tier, at_ms)


def route(settings: Settings, ward: str, level: int, at_ms: int) -> Route:
    """Give which way an alert of a ward and level goes at a moment; that of the whole service always is someone's."""
    return duty.route(duty.ward_of(settings.wards, ward), level, at_ms)


def tell_ms(settings: Settings, ward: str, level: int, at_ms: int) -> int:
    """Give from when on anyone is told of such an alert: at once, or when the ward opens for one that waits."""
    where = duty.ward_of(settings.wards, ward)
    return duty.opens_ms(where, at_ms) if duty.route(where, level, at_ms) is Route.WAITS else at_ms


def named(file: Path, time_zone: str, at_ms: int) -> Sequence[str]:
    """Name those whom a calendar's events have on duty at a moment: their titles, parted by commas."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    events = _calendar(file).timeline_tz(ZoneInfo(time_zone)).overlapping(moment, moment + MOMENT)
    return [name for event in events for name in _names(event.summary)]


def faults(settings: Settings) -> list[str]:
    """Say what is wrong with the calendars that the settings name: unreadable, or of people whom nobody knows."""
    found: list[str] = []
    known = {*(person.id for person in settings.people), *(person.role for person in settings.people)}
    for file in dict.fromkeys(one.calendar for one in settings.duty if one.calendar is not None):
        try:
            titles = {name for event in _calendar(file).events for name in _names(event.summary)}
        except ConfigError as error:
            found += error.faults
        else:
            found += [f'{file}: "{name}" is neither a person nor a role of one' for name in sorted(titles - known)]
    return found


def _anywhere(settings: Settings, duties: Sequence[Duty], tier: int, at_ms: int) -> tuple[Person, ...]:
    """Give those who are on duty for any ward, each by that ward's own hours."""
    wards = settings.wards or (NO_WARD,)
    found = {one for ward in wards for one in duty.serving(settings.people, duties, ward, (tier, at_ms), named)}
    return tuple(person for person in settings.people if person in found)


def _names(title: str | None) -> list[str]:
    return [name.strip() for name in (title or "").split(",") if name.strip()]


def _calendar(file: Path) -> "Calendar":
    try:
        written = file.stat()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    return _read(file, written.st_mtime_ns, written.st_size)


@lru_cache(maxsize=KEPT)
def _read(file: Path, _written_ns: int, _size: int) -> "Calendar":
    try:
        from ical.calendar_stream import IcsCalendarStream  # noqa: PLC0415 -- an extra, and slow to import
        from ical.exceptions import CalendarParseError  # noqa: PLC0415 -- as above
    except ImportError as error:
        raise ConfigError(f"{file}: reading a calendar needs the extra rota: pip install 'vwmon[rota]'") from error
    try:
        return IcsCalendarStream.calendar_from_ics(file.read_text(encoding="utf-8"))
    except (CalendarParseError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a calendar: {str(error).splitlines()[0]}") from error
