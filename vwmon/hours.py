"""When a ward is staffed: its hours as the configuration writes them, at the ward's own wall clock. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

MINUTES_OF_HOUR = 60


def staffed(hours: str, time_zone: str, at_ms: int) -> bool:
    """Tell whether `at_ms` (milliseconds since the epoch) falls into hours such as "08:00-20:00" of a time zone.

    The first minute counts, the last does not; hours that end before they begin go on past midnight.

    >>> staffed("08:00-20:00", "Europe/London", 1_795_000_000_000)
    True
    """
    local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(time_zone))
    now = local.hour * MINUTES_OF_HOUR + local.minute
    begin, end = (int(text[:2]) * MINUTES_OF_HOUR + int(text[3:]) for text in hours.split("-"))
    return begin <= now < end if begin < end else now >= begin or now < end
