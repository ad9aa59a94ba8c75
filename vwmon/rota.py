"""Who is on duty by the settings and the calendars that they name: where iCalendar files are read.

A file that has changed is read again. Whom to tell of what is decided elsewhere.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.policy import TIERS
from vwmon import duty
from vwmon.config import Settings
from vwmon.config_duty import Duty, Person, Ward
from vwmon.duty import NO_WARD, Named, Route
from vwmon.errors import ConfigError

if TYPE_CHECKING:
    from ical.calendar import Calendar

KEPT = 32  # calendars in memory
MOMENT = timedelta(milliseconds=1)
WHOLE = "END:VCALENDAR"

log = logging.getLogger(__name__)
_last: dict[Path, "Calendar"] = {}  # as each could last be read


def on_duty(settings: Settings, ward: str, level: int, tier: int, at_ms: int) -> tuple[Person, ...] | None:
    """Give who is to be told of an alert of a ward and level at a tier, at a moment; None while it waits on purpose.

    An alert of the whole service (`ward` is empty), or of a ward that is not configured, goes to those whose duty names
    no ward; where there are none, to those of every ward. Where nobody is on duty at a tier, the next one that has
    somebody is told in its place, at once; else the one before. Of a calendar that cannot be read, what it last said
    counts: nobody's call may fail because a file is being written.
    """
    where = duty.ward_of(settings.wards, ward)
    if duty.route(where, level, at_ms) is Route.WAITS:
        return None
    instead = (*range(tier, TIERS + 1), *reversed(range(1, tier)))
    there = (serving(settings, where, (one, at_ms), _last_named) for one in instead)
    return next(filter(None, there), ())


def serving(settings: Settings, ward: Ward, when: tuple[int, int], names: Named | None = None) -> tuple[Person, ...]:
    """Give the people on duty for a ward, `when` (tier, moment), whatever the alert.

    ConfigError when a calendar cannot be read, unless `names` knows better.
    """
    names = names or named
    if ward.id:
        return duty.serving(settings.people, settings.duty, ward, when, names)
    general = [one for one in settings.duty if not one.ward]
    return _anywhere(settings, general, when, names) or _anywhere(settings, settings.duty, when, names)


def route(settings: Settings, ward: str, level: int, at_ms: int) -> Route:
    """Give which way an alert of a ward and level goes at a moment; that of the whole service always is someone's."""
    return duty.route(duty.ward_of(settings.wards, ward), level, at_ms)


def tell_ms(settings: Settings, ward: str, level: int, at_ms: int) -> int:
    """Give from when on anyone is told of such an alert: at once, or when the ward opens for one that waits."""
    where = duty.ward_of(settings.wards, ward)
    return duty.opens_ms(where, at_ms) if duty.route(where, level, at_ms) is Route.WAITS else at_ms


def named(file: Path, time_zone: str, at_ms: int) -> Sequence[str]:
    """Name those whom a calendar's events have on duty at a moment: their titles, parted by commas."""
    return _named(_calendar(file), time_zone, at_ms)


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


def _last_named(file: Path, time_zone: str, at_ms: int) -> Sequence[str]:
    """Name those on duty as the calendar has it, or had it when it could last be read; said in the journal if so."""
    try:
        _last[file] = _calendar(file)
    except ConfigError as error:
        log.error("calendar_unreadable known=%s %s", file in _last, error)  # noqa: TRY400 -- the sentence says it all
    return _named(_last[file], time_zone, at_ms) if file in _last else ()


def _named(calendar: "Calendar", time_zone: str, at_ms: int) -> Sequence[str]:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    events = calendar.timeline_tz(ZoneInfo(time_zone)).overlapping(moment, moment + MOMENT)
    return [name for event in events for name in _names(event.summary)]


def _anywhere(settings: Settings, duties: Sequence[Duty], when: tuple[int, int], names: Named) -> tuple[Person, ...]:
    """Give those who are on duty for any ward, each by that ward's own hours."""
    wards = settings.wards or (NO_WARD,)
    found = {one for ward in wards for one in duty.serving(settings.people, duties, ward, when, names)}
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
        text = file.read_text(encoding="utf-8")
        # What is cut off in the middle is read without complaint, and names nobody from there on.
        if not text.rstrip().endswith(WHOLE):
            raise ConfigError(f"{file}: not a calendar: it does not end with {WHOLE}")
        return IcsCalendarStream.calendar_from_ics(text)
    except (CalendarParseError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a calendar: {str(error).splitlines()[0]}") from error
