"""When the time for which a patient's stays are kept is over, and why not: judgement only.

Times are int milliseconds since the epoch. The spans are those of the NHS Records Management Code: eight years for an
adult, which the caller gives, and for a child until the 25th birthday, or the 26th of one who was 17 at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from vwmon.patients.ages import age

ADULT, LAST_OF_CHILDHOOD = 18, 17
KEPT_UNTIL, KEPT_UNTIL_AT_17 = 25, 26
GOES_ON: Final = "goes on, or a later stay of the same patient does"
TOO_SOON: Final = "ended too lately"
OPEN: Final = "something of it is open: an alert, a hand-over, a referral, kit that is out"
UNBORN: Final = "no date of birth is known, so that it may be a child's"
CHILD: Final = "of a child, who is not 25 yet (26 for one who was 17)"
MADE_UP: Final = "of a made-up patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A stay as far as it matters here; `last_ms` is the end of the patient's last stay, None while one goes on.

    `open` tells whether anything of the patient's stays still waits for somebody; `born` is YYYY-MM-DD.
    """

    stay_no: int
    last_ms: int | None
    born: str | None
    open: bool
    made_up: bool


def kept(past: Past, years: int, now_ms: int) -> str | None:
    """Say why a stay is still to be kept; None when so many years have passed and nothing else stands against it."""
    if past.made_up:
        return MADE_UP
    if past.last_ms is None:
        return GOES_ON
    ended, today = _day(past.last_ms), _day(now_ms)
    if age(ended, today) < years:
        return TOO_SOON
    if past.born is None:
        return UNBORN
    born = date.fromisoformat(past.born)
    at_end = age(born, ended)
    until = KEPT_UNTIL_AT_17 if at_end == LAST_OF_CHILDHOOD else KEPT_UNTIL
    if at_end < ADULT and age(born, today) < until:
        return CHILD
    return OPEN if past.open else None


def over(stays: Sequence[Past], years: int, now_ms: int) -> list[int]:
    """Name the stays whose time is over."""
    return [past.stay_no for past in stays if kept(past, years, now_ms) is None]


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()
