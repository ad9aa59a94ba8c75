"""Times as devices write them."""

import pytest

from devices.errors import ReadingError
from devices.times import to_ms, utc

NINE_FIFTEEN = 1_795_338_900_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-22T09:15:00Z", NINE_FIFTEEN),
        ("2026-11-22T09:15Z", NINE_FIFTEEN),
        ("2026-11-22T10:15+01:00", NINE_FIFTEEN),
        ("2026-11-22T08:15-01", NINE_FIFTEEN),
        ("2026-11-22 09:15:00z", NINE_FIFTEEN),
        ("2026-11-22t09:15:00+00:00", NINE_FIFTEEN),
        ("2026-11-22T09:15:00-00:00", NINE_FIFTEEN),
        ("2026-11-22T10:15:00+01:00", NINE_FIFTEEN),
        ("2026-11-22T10:15:00+01", NINE_FIFTEEN),
        ("2026-11-22T14:45:00+0530", NINE_FIFTEEN),
        ("2026-11-21T23:15:00-10:00", NINE_FIFTEEN),
        ("2026-11-22T09:15:00.25Z", NINE_FIFTEEN + 250),
        ("2026-11-22T09:15:00,250Z", NINE_FIFTEEN + 250),
        ("2026-11-22T09:15:00.999999999Z", NINE_FIFTEEN + 999),
        ("2026-11-22T09:15:59.001-00:30", NINE_FIFTEEN + 30 * 60_000 + 59_001),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2017-01-01T00:59:60+01:00", 1_483_228_800_000),
        ("2016-12-31T23:59:60.5Z", 1_483_228_800_000),
        ("0001-01-01T00:00:00+14:00", -62_135_596_800_000 - 14 * 3_600_000),
        ("9999-12-31T23:59:59.999-14:00", 253_402_300_799_999 + 14 * 3_600_000),
    ],
)
def test_a_time_with_a_zone_is_milliseconds_utc(text: str, ms: int) -> None:
    """Any zone, fractions cut to milliseconds, a leap second as the next day's first, and the calendar's ends."""
    assert to_ms(text) == ms


@pytest.mark.hazard("H7")
@pytest.mark.parametrize(
    "text", ["2026-11-22T09:15:00", "2026-11-22T09:15", "2026-11-22 09:15:00.25", "2016-12-31T23:59:60"]
)
def test_a_time_without_a_zone_is_refused_as_that(text: str) -> None:
    """Nobody's clock is assumed to be on UTC."""
    with pytest.raises(ReadingError) as caught:
        to_ms(text)
    assert caught.value.reason == "time_without_zone"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22",
        "20261122T091500Z",
        "2026-W47-7T09:15Z",
        "2026-11-22T9:15:00Z",
        "2026-11-22T09:15:00 Z",
        " 2026-11-22T09:15:00Z",
        "2026-11-22T09:15:00Z\n",
        "2026-11-22T09:15:00ZZ",
        "2026-11-22T09:60:00Z",
        "2026-11-22T09:15:61Z",
        "2026-13-01T09:15:00Z",
        "2025-02-29T09:15:00Z",
        "0000-01-01T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T09:15:00+24:00",
        "2026-11-22T09:15:00+01:60",
        "2026-11-22T09:15:00.Z",
        "2026-11-22T09:15:60Z",
        "2016-12-31T23:59:60",
        "2026-11-22T09:15:00.0000000000000Z",
        "٢٠٢٦-11-22T09:15:00Z",
        "2026-11-22T09:15:00BST",
        "2026-11-22T09:15.5Z",
        "2026-11-22T09:15,5+01:00",
        "2026-11-22T09:15:6Z",
        "2026-11-22T09:15:060Z",
        "2016-12-31T23:59:60.Z",
        "2016-12-31T23:59:60+00:01",
        "2016-12-31T23:59:60.5.5Z",
        "\ud800",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    """Refused by name, with a detail that any log takes, and again when it is asked again."""
    for _ in range(2):
        with pytest.raises(ReadingError) as caught:
            to_ms(text)
        assert caught.value.reason in {"time_invalid", "time_without_zone"}
        assert caught.value.detail.isascii()
        assert len(caught.value.detail) < 250


@pytest.mark.parametrize(
    "at_ms", [-62_135_596_800_000, -1, 0, 1_764_000_000_001, 253_402_300_799_997, 253_402_300_799_999]
)
def test_a_time_that_is_written_is_read_back(at_ms: int) -> None:
    """To the millisecond, from the first of the calendar to its last."""
    assert to_ms(utc(at_ms)) == at_ms
