"""The table of trends, the wall clock and occasions: what they hold, refuse and count."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.vitals import VITALS
from vwmon.errors import ChartError
from vwmon.scoring.charts import PARTS
from vwmon.scoring.trends import occasions, table, wall
from vwmon.scoring.trends.occasions import PER_UNIT, Occasions, latest, readings_of

ENTRY = '[vital.weight]\nerror = 0.3\nspread = 0.7\njoint = false\nvalid_for = "48h"\nsource = "somewhere"\n'
MINUTE = 60_000
NINE = 1_792_314_000_000  # 18 October 2026, 09:00 UTC
ZONES = ("Europe/London", "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu", "UTC")


def test_every_trended_vital_is_known_and_sourced() -> None:
    """Its unit is the vital's own, its error is not above its spread, and someone is named for both."""
    for one in table.TRENDED:
        assert one.unit == VITALS[one.name].unit
        assert 0 < one.error <= one.spread < one.highest - one.lowest
        assert len(one.source) > 20


def test_every_part_of_the_score_has_a_series() -> None:
    """Those without a scale of their own are carried."""
    assert set(PARTS) <= set(table.SERIES)
    assert table.CARRIED == ("oxygen", "consciousness")


def test_a_quantity_counts_once_in_the_joint_deviation() -> None:
    """Two pressures, or a resting and a present heart rate, would count one change twice."""
    joint = {table.NAMES[number] for number in table.JOINT}
    assert joint == {"respiratory_rate", "spo2", "systolic_bp", "heart_rate", "temperature"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.replace("weight", "mood"), "mood is no vital"),
        (ENTRY.replace("0.7", "0.1"), "varies at least as much"),
        (ENTRY.replace("0.3", "0"), "varies at least as much"),
        (ENTRY.replace('"somewhere"', '" "'), "no source"),
        (ENTRY.replace('"48h"', '"two days"'), "span of time"),
        (ENTRY.replace("error", "mistake"), "error"),
        ("[vital", "Expected"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(text: str, said: str) -> None:
    """With what is wrong."""
    with pytest.raises(ChartError, match=said):
        table.parse(text)


def test_a_table_is_read_as_it_is_written() -> None:
    """The numbers of the TOML and the bounds of the vital."""
    (one,) = table.parse(ENTRY)
    assert (one.name, one.error, one.spread, one.joint, one.valid_ms) == ("weight", 0.3, 0.7, False, 172_800_000)


@given(st.lists(st.integers(1_700_000_000_000, 1_830_000_000_000), max_size=30), st.sampled_from(ZONES))
def test_wall_times_are_those_of_the_zone(times: list[int], zone: str) -> None:
    """At every time of four years, changes of the clock among them."""
    found = wall.local_ms(np.array(times, dtype=np.int64), zone)
    tz = ZoneInfo(zone)
    for at, local in zip(times, found.tolist(), strict=True):
        plain = datetime.fromtimestamp(at / 1000, UTC).astimezone(tz)
        shown = datetime.fromtimestamp(local / 1000, UTC)
        assert (shown.date(), shown.hour, shown.minute) == (plain.date(), plain.hour, plain.minute)


@pytest.mark.parametrize("zone", ZONES)
def test_wall_times_are_right_on_the_days_of_change(zone: str) -> None:
    """Every quarter of an hour of the weeks in which clocks change, half-hour changes too."""
    for begin in (1_774_656_000_000, 1_792_800_000_000, 1_793_404_800_000, 1_775_260_800_000, 1_791_072_000_000):
        times = begin + np.arange(0, 4 * 96) * 15 * MINUTE
        found = wall.local_ms(times, zone)
        for at, local in zip(times.tolist(), found.tolist(), strict=True):
            shift = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
            assert shift is not None
            assert local - at == round(shift.total_seconds() * 1000)


def test_parts_of_the_day_are_four_hours_of_the_wall_clock() -> None:
    """Nine in London in October is ten by the wall: 08-12 h."""
    part = wall.band(wall.local_ms(np.array([NINE]), "Europe/London"))
    assert wall.named(int(part[0])) == "08-12 h"
    assert [wall.named(number) for number in (0, 5)] == ["00-04 h", "20-24 h"]


def made(rows: list[tuple[int, float]], zone: str = "UTC") -> Occasions:
    """Make the occasions of one series of (minutes after nine, value)."""
    times = np.array([NINE + minute * MINUTE for minute, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.float64)
    return Occasions.of(readings_of(np.zeros(len(rows), dtype=np.int64), times, values, 1), zone)


def test_repeats_within_a_quarter_of_an_hour_are_one_occasion() -> None:
    """Three blood pressures in ten minutes count once, as their median; the next hour's is another."""
    found = made([(1, 150.0), (4, 132.0), (9, 130.0), (61, 128.0)])
    assert (found.number / PER_UNIT).tolist() == [132.0, 128.0]
    assert ((found.last_ms - NINE) / MINUTE).tolist() == [9, 61]
    assert found.before.tolist() == [0, 3, 4]


def test_a_reading_that_came_twice_counts_once() -> None:
    """The same value at the same time is a message that was sent again; another value is another reading."""
    assert made([(1, 150.0), (1, 150.0), (1, 120.0)]).number.tolist() == [135 * PER_UNIT]


def test_what_is_no_number_is_no_reading() -> None:
    """NaN and infinity are left out, and do not make an occasion."""
    assert made([(1, float("nan")), (2, float("inf")), (20, 80.0)]).number.tolist() == [80 * PER_UNIT]


@pytest.mark.parametrize(
    ("minute", "value", "count"), [(0, 0.0, 0), (1, 150.0, 1), (5, 141.0, 2), (9, 132.0, 3), (70, 128.0, 1)]
)
def test_an_occasion_is_known_as_far_as_it_had_come(minute: int, value: float, count: int) -> None:
    """At a moment within a quarter of an hour, only the readings up to then make its median."""
    found = latest(
        made([(1, 150.0), (4, 132.0), (9, 130.0), (61, 128.0)]), np.array([0]), np.array([NINE + minute * MINUTE])
    )
    assert (found.number[0] / PER_UNIT, found.readings[0], bool(found.there[0])) == (value, count, count > 0)


def test_days_and_parts_of_days_are_counted_on_the_wall_clock() -> None:
    """23:30 UTC is the next day in London's summer, and so is half past midnight: one day, one part of it."""
    rows = [(14 * 60 + 30, 70.0), (15 * 60 + 30, 71.0), (20 * 60, 72.0)]
    here, there = made(rows, "Europe/London"), made(rows, "UTC")
    assert here.day_rank.tolist() == [1, 1, 1]
    assert here.cell_rank.tolist() == [1, 1, 2]
    assert there.day_rank.tolist() == [1, 2, 2]


def test_no_readings_make_no_occasions() -> None:
    """An empty ward is not an error."""
    empty = made([])
    found = latest(empty, np.array([0]), np.array([NINE]))
    assert not found.there.any()
    assert len(empty.number) == 0
    assert occasions.QUARTER_MS == 15 * MINUTE
