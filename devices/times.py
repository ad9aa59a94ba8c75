"""ISO 8601 times to milliseconds since the Unix epoch, UTC, fast because minutes and seconds repeat.

Here: reading a time and saying what is wrong with it, and writing one. Not here: the clock, and what a late or early
time means.
"""

import functools
import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from devices.errors import ReadingError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_MINUTE_END: Final = 16
_SECOND_END: Final = 19
_SEEN_CHARS: Final = 40

_MINUTE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SECOND: Final = re.compile(r":([0-5]\d)", re.ASCII)
_TAIL: Final = re.compile(r"(?:[.,](\d{1,12}))?(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)", re.ASCII)
_FRACTION: Final = re.compile(r"[.,]\d{1,12}", re.ASCII)
_NO_ZONE: Final = re.compile(r"(?::[0-6]\d(?:[.,]\d{1,12})?)?", re.ASCII)


@functools.lru_cache(maxsize=8192)
def _minute_ms(text: str) -> int:
    """Return the milliseconds of `YYYY-MM-DDTHH:MM`, as if it were UTC; ValueError if it is no such minute."""
    found = _MINUTE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute = map(int, found.groups())
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * _DAY_MS + (hour * 60 + minute) * _MINUTE_MS


@functools.lru_cache(maxsize=64)
def _second_ms(text: str) -> int:
    """Return the milliseconds of `:SS`; ValueError if it is no such second."""
    found = _SECOND.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 1000


@functools.lru_cache(maxsize=8192)
def _tail_ms(text: str) -> int:
    """Return the milliseconds that a fraction and a zone add, `.fffZ` or `+01:00`; ValueError if it is neither."""
    found = _TAIL.fullmatch(text)
    if found is None:
        raise ValueError(text)
    fraction, sign, zone_hour, zone_minute = found.groups()
    within = int((fraction or "0").ljust(3, "0")[:3])
    ahead = (int(zone_hour or 0) * 60 + int(zone_minute or 0)) * _MINUTE_MS
    return within + ahead if sign == "-" else within - ahead


@functools.lru_cache(maxsize=4096)
def to_ms(text: str) -> int:
    """Return the milliseconds since the Unix epoch of an ISO 8601 date and time with a zone, fractions cut off.

    ReadingError `time_without_zone` or `time_invalid`. Any year from 1 to 9999, and a leap second (`23:59:60Z`), which
    is the first second of the next day, as in POSIX.
    """
    try:
        return _minute_ms(text[:_MINUTE_END]) + _second_ms(text[_MINUTE_END:_SECOND_END]) + _tail_ms(text[_SECOND_END:])
    except ValueError:
        return _unusual_ms(text)


def utc(at_ms: int) -> str:
    """Return a time, milliseconds since the Unix epoch, as text that `to_ms` reads back."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unusual_ms(text: str) -> int:
    """Return the milliseconds of a time without seconds, or of a leap second; ReadingError for what is neither."""
    rest = text[_MINUTE_END:]
    try:
        start = _minute_ms(text[:_MINUTE_END])
        if rest[:1] in {"Z", "z", "+", "-"}:
            return start + _tail_ms(rest)
        if _NO_ZONE.fullmatch(rest):
            raise ReadingError("time_without_zone", ascii(text[:_SEEN_CHARS]))
        zone = _FRACTION.sub("", text[_SECOND_END:], count=1)
        if rest.startswith(":60") and (after := start + _MINUTE_MS + _tail_ms(zone)) % _DAY_MS == 0:
            return after
    except ValueError:
        pass
    raise ReadingError("time_invalid", ascii(text[:_SEEN_CHARS]))
