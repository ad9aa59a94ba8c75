"""The settings of wards and of who is told: [[wards]], [[people]], and [[duty]] as hours, days and calendars.

What they come to at a moment is vwmon.hours' and vwmon.duty's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alerts.policy import TIERS
from vwmon.config_limits import WardLimit
from vwmon.toml_records import Where, file_path, matching, setting, tables, text, whole

HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ALWAYS, OPEN, CLOSED = "always", "open", "closed"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def names(value: object) -> tuple[str, ...]:
    """Read a list of names."""
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list of names")
    return tuple(map(text, value))


def hours_of_duty(value: object) -> str:
    """Read hours of the clock, or "open", "closed" or "always"."""
    if value in {ALWAYS, OPEN, CLOSED}:
        return str(value)
    return matching(HOURS, '"open", "closed", "always" or hours such as "20:00-08:00"')(value)


def days(value: object) -> tuple[str, ...]:
    """Read days of the week."""
    found = names(value)
    unknown = [name for name in found if name not in DAYS]
    if unknown or not found:
        raise ValueError(f"{value!r} is not a list of days such as {list(DAYS)}")
    return found


def role(value: object) -> str:
    """Read the name of a role; empty means none."""
    return matching(NAME, "1 to 63 lower-case letters, digits or '-'")(value) if value != "" else ""


def time_zone(value: object) -> str:
    """Read the name of a time zone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 -- only when a ward is configured

    name = text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{name}" is not a time zone such as "Europe/London"') from None
    return name


@dataclass(frozen=True, kw_only=True)
class Ward:
    """[[wards]]: one ward, its time zone, and the hours in which it is staffed."""

    id: str = setting(matching(NAME, "1 to 63 lower-case letters, digits or '-'"))
    name: str = setting(text)
    time_zone: str = setting(time_zone, "Europe/London")
    hours: str = setting(matching(HOURS, 'hours such as "08:00-20:00"'), "00:00-24:00")
    limits: tuple[WardLimit, ...] = tables(WardLimit)


@dataclass(frozen=True, kw_only=True)
class Person:
    """[[people]]: someone who can be told, under the name they act by, and through which channels."""

    id: str = setting(matching(PERSON, "a name of letters, digits, '.', '-', '_' or '@'"))
    role: str = setting(role, "")
    channels: tuple[str, ...] = setting(names, ())


@dataclass(frozen=True, kw_only=True)
class Duty:
    """[[duty]]: who is told at a tier, on one ward or (empty) on all, and when.

    `who` are people or roles; a `calendar`, where there is one, names them instead, in what its events are called.
    """

    ward: str = setting(text, "")
    tier: int = setting(whole(1, TIERS))
    who: tuple[str, ...] = setting(names, ())
    hours: str = setting(hours_of_duty, ALWAYS)
    days: tuple[str, ...] = setting(days, DAYS)
    calendar: Path | None = setting(file_path, None)


def contradictions(
    people: Sequence[Person], duties: Sequence[Duty], wards: Sequence[str]
) -> Iterator[tuple[Where, str]]:
    """Yield what people and duties contradict among each other or in the wards."""
    ids = [person.id for person in people]
    for number, one in enumerate(ids):
        if one in ids[:number]:
            yield ("people", number, "id"), f'there is a person "{one}" already'
    known = {*ids, *(person.role for person in people if person.role)}
    for number, duty in enumerate(duties):
        where = ("duty", number)
        if duty.ward and duty.ward not in wards:
            yield (*where, "ward"), f'there is no ward "{duty.ward}"'
        if bool(duty.who) == (duty.calendar is not None):
            yield where, "a duty takes either who or a calendar"
        for name in duty.who:
            if name not in known:
                yield (*where, "who"), f'"{name}" is neither a person nor a role of one'
