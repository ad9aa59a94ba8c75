"""ISO 8601 times to milliseconds since the Unix epoch, UTC, fast because minutes and seconds repeat.

Here: reading a time and saying what is wrong with it. Not here: the clock, and what a late or early time means.
"""

import functools
import re
from datetime import date
from typing import Final

from devices.errors import ReadingError

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAY_MS: Final = 86_400_000
_MINUTE_CHARS: Final = 16
_SEEN_CHARS: Final = 40

_MINUTE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_REST: Final = re.compile(r"(?::([0-5]\d)(?:[.,](\d{1,12}))?)?(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)", re.ASCII)
_NO_ZONE: Final = re.compile(r"(?::[0-6]\d(?:[.,]\d{1,12})?)?", re.ASCII)
_LEAP: Final = re.compile(r":60(?:[.,]\d{1,12})?", re.ASCII)


@functools.lru_cache(maxsize=8192)
def _minute_ms(text: str) -> int:
    """Return the milliseconds of `YYYY-MM-DDTHH:MM`, as if it were UTC; ValueError if it is no such minute."""
    found = _MINUTE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute = map(int, found.groups())
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * _DAY_MS + (hour * 60 + minute) * 60_000


@functools.lru_cache(maxsize=8192)
def _rest_ms(text: str) -> int:
    """Return the milliseconds that `:SS.fffZ` or `:SS+01:00` adds to a minute; ValueError if it is neither."""
    found = _REST.fullmatch(text)
    if found is None:
        raise ValueError(text)
    second, fraction, sign, zone_hour, zone_minute = found.groups()
    within = int(second or 0) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
    ahead = (int(zone_hour or 0) * 60 + int(zone_minute or 0)) * 60_000
    return within + ahead if sign == "-" else within - ahead


@functools.lru_cache(maxsize=16384)
def to_ms(text: str) -> int:
    """Return the milliseconds since the Unix epoch of an ISO 8601 date and time with a zone, fractions cut off.

    ReadingError `time_without_zone` or `time_invalid`. Any year from 1 to 9999, and a leap second (`23:59:60Z`), which
    is the first second of the next day, as in POSIX.
    """
    try:
        return _minute_ms(text[:_MINUTE_CHARS]) + _rest_ms(text[_MINUTE_CHARS:])
    except ValueError:
        return _leap_second_ms(text)


def _leap_second_ms(text: str) -> int:
    """Return the milliseconds of a leap second; ReadingError for what is none."""
    minute, rest = text[:_MINUTE_CHARS], text[_MINUTE_CHARS:]
    try:
        start = _minute_ms(minute)
        if _NO_ZONE.fullmatch(rest):
            raise ReadingError("time_without_zone", ascii(text[:_SEEN_CHARS]))
        after = start + _rest_ms(_LEAP.sub(":59", rest, count=1)) + 1000
    except ValueError:
        after = 1
    if after % _DAY_MS:
        raise ReadingError("time_invalid", ascii(text[:_SEEN_CHARS]))
    return after
