"""What can be wrong with a patient's devices: when each fault begins, when it is over, and when nobody can tell."""

from typing import Any

import pytest

from alerts.faults import Finding
from alerts.model import Lane
from alerts.policy import RULES
from vwmon.kit import CHECKS, Seen, Series
from vwmon.store.kit import Heard, Missing, Said, Tried

MINUTE, HOUR = 60_000, 3_600_000
NOW = 100 * HOUR
WILL: dict[str, Any] = {"status": "offline", "status_since_ms": NOW - 10 * MINUTE}


def said(**changed: Any) -> Said:  # noqa: ANN401 -- fields of Said
    """Give a device of a stay that has said nothing of itself."""
    quiet = Said(
        device_no=1,
        device="oxi-1",
        profile="wristband",
        status=None,
        status_since_ms=None,
        status_clean=0,
        battery_percent=None,
        battery_ms=None,
        stay_no=7,
        from_ms=0,
        freed_ms=None,
    )
    return quiet._replace(**changed)


def refused(count: int, reason: str = "value_impossible") -> list[Tried]:
    """Give refusals one a minute up to now."""
    return [Tried(100 + n, 1, 1, "120 %", reason, NOW - (count - n) * MINUTE) for n in range(1, count + 1)]


def found(*series: Series, sleeps: bool = False, missing: tuple[Missing, ...] = (), **of: Any) -> dict[str, Finding]:  # noqa: ANN401 -- fields of Said
    """Give what is found of a device, by rule."""
    seen = Seen(said=said(**of), series=series, missing=missing, now_ms=NOW, sleeps=sleeps)
    return {one.rule: one for check in CHECKS for one in check(seen)}


def on(one: Finding | None) -> tuple[int, int] | None:
    """Give since when there is a fault, and as of when it counts."""
    return None if one is None or one.since_ms is None else (one.since_ms, one.at_ms)


def is_over(one: Finding | None) -> bool:
    """Tell whether a finding says that there is no fault."""
    return one is not None and one.since_ms is None


def test_a_device_whose_will_was_spoken_is_disconnected_after_ten_minutes() -> None:
    """As of the tenth, whoever looked when."""
    assert on(found(**WILL)["device_disconnected"]) == (NOW - 10 * MINUTE, NOW)
    late = WILL | {"status_since_ms": NOW - 3 * HOUR}
    assert on(found(**late)["device_disconnected"]) == (NOW - 3 * HOUR, NOW - 3 * HOUR + 10 * MINUTE)
    soon = WILL | {"status_since_ms": NOW - 10 * MINUTE + 1}
    assert "device_disconnected" not in found(**soon)


@pytest.mark.parametrize(
    "of",
    [
        {"status": "online", "status_since_ms": NOW - HOUR},
        WILL | {"status_clean": 1},
        WILL | {"sleeps": True},
    ],
)
def test_a_goodbye_a_sleeper_and_a_device_that_is_there_are_not_disconnected(of: dict[str, Any]) -> None:
    """What does not come from them is overdue by their plan, and nothing sooner."""
    assert is_over(found(**of)["device_disconnected"])


def test_a_reading_says_that_a_device_is_connected() -> None:
    """One received after its Will was spoken; one from before says nothing."""
    after, earlier = (Series(vital="spo2", seq=5, received_ms=NOW - ago * MINUTE) for ago in (9, 11))
    assert is_over(found(after, **WILL)["device_disconnected"])
    assert on(found(earlier, **WILL)["device_disconnected"]) is not None


def test_a_device_that_never_said_anything_is_not_judged() -> None:
    """Neither its connection nor its battery."""
    assert found() == {}


@pytest.mark.parametrize(
    ("percent", "state"), [(0, "on"), (20, "on"), (20.5, None), (29, None), (30, "over"), (100, "over")]
)
def test_a_battery_is_low_from_20_per_cent_down_until_it_has_30(percent: float, state: str | None) -> None:
    """In between it is as it was."""
    one = found(battery_percent=percent, battery_ms=NOW - 5)
    assert ("on" if on(one.get("battery_low")) else "over" if is_over(one.get("battery_low")) else None) == state


@pytest.mark.parametrize(
    ("reason", "rule", "other"),
    [
        ("value_impossible", "implausible", "sensor_off"),
        ("unit_slip", "implausible", "sensor_off"),
        ("value_missing", "sensor_off", "implausible"),
        ("value_zero", "sensor_off", "implausible"),
    ],
)
def test_three_refusals_in_a_row_are_a_fault_of_the_sensor(reason: str, rule: str, other: str) -> None:
    """Since the first, as of the third; two are what happens, and a good reading between begins the count anew."""
    assert rule not in found(Series(vital="spo2", seq=5, refused=refused(2, reason)))
    one = found(Series(vital="spo2", seq=5, refused=refused(4, reason)))
    assert on(one[rule]) == (NOW - 3 * MINUTE, NOW - MINUTE)
    assert other not in one
    assert one[rule].figures == {"device": "oxi-1", "vital": "spo2", "count": 4, "sent": "120 %"}
    assert is_over(found(Series(vital="spo2", seq=900))[rule])
    assert found(Series(vital="spo2", seq=0)) == {}


def heard(minute: float, value: float, *, count: int = 1, low: float | None = None, seq: int = 0) -> Heard:
    """Hear readings up to a minute, the last of them this value."""
    at_ms = round(minute * MINUTE)
    return Heard(1, 1, seq or round(minute) + 1, value, 0, at_ms, at_ms, value if low is None else low, value, count)


def series(*came: Heard, vital: str = "heart_rate") -> Series:
    """Give a series after what came."""
    one = Series(vital=vital)
    for each in came:
        one.hear(each)
    return one


def test_a_heart_rate_that_keeps_still_for_an_hour_is_frozen() -> None:
    """Twelve readings at least; since the first of them, as of the last."""
    flat = series(*(heard(5 * n, 71.0) for n in range(13)))
    assert on(found(flat)["frozen"]) == (0, HOUR)
    assert found(flat)["frozen"].figures["count"] == 13
    assert "frozen" not in found(series(*(heard(5 * n, 71.0) for n in range(12))))
    assert "frozen" not in found(series(*(heard(30 * n, 71.0) for n in range(11))))


def test_a_value_that_moves_is_not_frozen() -> None:
    """Also one that moved between two looks and came back."""
    moved = series(*(heard(5 * n, 71.0) for n in range(13)), heard(65, 72.0))
    assert is_over(found(moved)["frozen"])
    between = series(*(heard(5 * n, 71.0) for n in range(13)), heard(70, 71.0, count=2, low=70.0))
    assert is_over(found(between)["frozen"])


def test_a_saturation_may_keep_still() -> None:
    """97 for an hour is a healthy person."""
    assert "frozen" not in found(series(*(heard(5 * n, 97.0) for n in range(30)), vital="spo2"))


def test_a_reading_that_can_be_used_ends_a_run_of_refusals() -> None:
    """Those that came after it stay."""
    one = Series(vital="spo2", refused=refused(4))
    one.hear(heard(0, 96.0, seq=102))
    assert [tried.seq for tried in one.refused] == [103, 104]


def test_a_clock_ahead_is_told_by_the_last_that_came() -> None:
    """Of any vital."""
    ahead = Series(vital="spo2", seq=9, received_ms=NOW, clock_ahead=True)
    right = Series(vital="heart_rate", seq=8, received_ms=NOW - 1, clock_ahead=False)
    assert on(found(ahead, right)["clock_skew"]) == (NOW, NOW)
    right.seq = 10
    assert is_over(found(ahead, right)["clock_skew"])
    right.clock_ahead = None
    assert "clock_skew" not in found(ahead, right)


def came(*lags: float, apart: float = 15, begin: float = 0) -> Series:
    """Give a series whose readings came so many minutes apart, each so many minutes old."""
    one = Series(vital="spo2")
    for number, lag in enumerate(lags):
        received_ms = NOW + round((begin + number * apart) * MINUTE)
        one.hear(
            heard(0, 96.0, seq=number + 1)._replace(
                received_ms=received_ms, observed_ms=received_ms - round(lag * MINUTE)
            )
        )
    return one


@pytest.mark.hazard("H7")
def test_readings_that_come_equally_old_time_after_time_are_of_a_clock_that_is_behind() -> None:
    """From the first of three, as of the third; two say nothing, and nothing ends it but one that is of now."""
    one = found(came(62, 62.5, 61))["clock_behind"]
    assert (on(one), one.figures["minutes"]) == ((NOW, NOW + 30 * MINUTE), 61)
    assert "clock_behind" not in found(came(62, 62))
    assert "clock_behind" not in found(came(62, 62, 62, 30))
    assert is_over(found(came(62, 62, 62, 2))["clock_behind"])
    assert is_over(found(came(0.5, 1, 0))["clock_behind"])


@pytest.mark.hazard("H7")
@pytest.mark.parametrize(
    "series",
    [
        came(60, 46, 31, 16, apart=0.5),
        came(62, 62, 62, 62, apart=1),
        came(3, 9, 4, 8),
        came(25 * 60, 25 * 60, 25 * 60),
    ],
    ids=["a spool that is emptied", "several in one go", "a way that takes now longer, now less", "a recording"],
)
def test_what_comes_late_for_another_reason_is_no_clock(series: Series) -> None:
    """A device is not blamed for its way."""
    assert "clock_behind" not in found(series)


def test_a_gap_in_the_numbering_counts_after_a_quarter_of_an_hour() -> None:
    """Unless it is from before the patient had the device."""
    gap = Missing(1, 5, 9, 4, NOW - 15 * MINUTE)
    one = found(missing=(gap,))["sequence_gap"]
    assert (on(one), one.what, one.figures["count"]) == ((NOW - 15 * MINUTE, NOW), "oxi-1 5-9", 4)
    assert found(missing=(gap._replace(noticed_ms=NOW - 15 * MINUTE + 1),)) == {}
    assert found(missing=(gap,), from_ms=NOW - MINUTE) == {}


def test_every_rule_of_the_technical_lane_has_a_check() -> None:
    """But silence, which the plan judges."""
    flat = Series(vital="heart_rate", seq=1, same=1, clock_ahead=False)
    gap = Missing(1, 5, 9, 4, 0)
    every = found(flat, missing=(gap,), battery_percent=5.0, battery_ms=1, **WILL)
    assert {*every, "overdue"} == {name for name, rule in RULES.items() if rule.lane is Lane.TECHNICAL}
