"""For how long a stay is kept, to the day: adults, children, those who came back, and what still waits for somebody."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from vwmon.patients.retention import CHILD, GOES_ON, MADE_UP, OPEN, TOO_SOON, UNBORN, Past, kept, over


def at(day: str) -> int:
    """Give noon of a day."""
    return int(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp() * 1000)


ADULT = Past(stay_no=1, last_ms=at("2018-03-02"), born="1948-05-01", open=False, made_up=False)


@pytest.mark.hazard("H27")
@pytest.mark.parametrize(
    ("changed", "today", "why"),
    [
        ({}, "2026-03-02", None),
        ({}, "2026-03-01", TOO_SOON),
        ({"last_ms": at("2016-02-29")}, "2024-02-28", TOO_SOON),
        ({"last_ms": at("2016-02-29")}, "2024-02-29", None),
        ({"last_ms": None}, "2099-01-01", GOES_ON),
        ({"open": True}, "2026-03-02", OPEN),
        ({"made_up": True}, "2099-01-01", MADE_UP),
        ({"born": None}, "2099-01-01", UNBORN),
        ({"born": "2010-03-03"}, "2035-03-02", CHILD),
        ({"born": "2010-03-03"}, "2035-03-03", None),
        ({"born": "2000-06-01"}, "2026-05-31", CHILD),
        ({"born": "2000-06-01"}, "2026-06-01", None),
        ({"born": "2000-03-02"}, "2026-03-02", None),
        ({"born": "2001-03-03"}, "2026-03-02", CHILD),
    ],
)
def test_a_stay_is_kept_to_the_day(changed: dict[str, object], today: str, why: str | None) -> None:
    """Eight years for an adult; a child's until the 25th birthday, the 26th of one who was 17 at the end."""
    assert kept(replace(ADULT, **changed), 8, at(today)) == why  # type: ignore[arg-type]  # fields of Past


def test_those_whose_time_is_over_are_named() -> None:
    """And no others."""
    later = replace(ADULT, stay_no=2, last_ms=at("2020-01-01"))
    assert over([ADULT, later], 8, at("2026-06-01")) == [1]
