"""Histories: whose the stored readings are, and what they count as, for baselines and trends."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from devices.readings import Message, Reading
from vwmon import histories
from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By, Stay
from vwmon.scoring.trends.assess import History
from vwmon.scoring.trends.table import SERIES
from vwmon.store import database, registers
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

T0 = 1_792_281_600_000
BY = By(actor="test", at_ms=T0)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A database with two patients and two devices; the second device goes from one to the other after five days."""
    opened = database.create(tmp_path / "ward.db")
    for patient in ("p1", "p2"):
        wanted = Admission(patient=patient, ward="resp", plan=plans.load("general"), admitted_ms=T0)
        registers.admit(opened, wanted, BY)
    for device, patient in (("d1", "p1"), ("d2", "p1")):
        registers.add_device(opened, device, BY)
        registers.assign(opened, device, patient, T0, BY)
    registers.return_device(opened, "d2", T0 + 5 * DAY_MS, BY)
    registers.assign(opened, "d2", "p2", T0 + 5 * DAY_MS, BY)
    yield opened
    opened.close()


def send(db: Connection, device: str, vital: str, value: float | None, hour: float) -> None:
    """Store one reading of a device."""
    at_ms = T0 + round(hour * HOUR_MS)
    reading = Reading(
        vital=vital,
        value=value,
        text=None if value is not None else "?",
        observed_ms=at_ms,
        raw_value=None,
        raw_unit=None,
        marks=0,
    )
    body = Message(id=f"{device}-{vital}-{hour}", seq=None, battery_percent=None, readings=(reading,), refused=())
    LogWriter(db).append([Arrival("resp", device, f"vwmon/resp/{device}/readings", body, at_ms, b"{}")], (), at_ms)


def stays(db: Connection) -> list[Stay]:
    """Give both stays, the first patient's first."""
    return sorted(registers.stays(db), key=lambda stay: stay.patient)


def series(history: History, stay: int, name: str) -> list[tuple[float, float]]:
    """Give (hour, value) of one series."""
    number, readings = stay * len(SERIES) + SERIES.index(name), history.readings
    rows = slice(readings.offsets[number], readings.offsets[number + 1])
    hours = (readings.times_ms[rows] - T0) / HOUR_MS
    return list(zip(hours.tolist(), readings.values[rows].tolist(), strict=True))


def test_a_reading_is_whose_the_device_was_then(db: Connection) -> None:
    """The pulse of day four is the first patient's, that of day six the second's."""
    send(db, "d2", "heart_rate", 70.0, 4 * 24)
    send(db, "d2", "heart_rate", 90.0, 6 * 24)
    found = histories.read(db, stays(db), T0, T0 + 9 * DAY_MS, "UTC")
    assert series(found, 0, "heart_rate") == [(96.0, 70.0)]
    assert series(found, 1, "heart_rate") == [(144.0, 90.0)]


def test_one_stay_alone_has_only_its_own(db: Connection) -> None:
    """Asked for the second patient alone, the first one's readings of the same device are left out."""
    send(db, "d2", "heart_rate", 70.0, 4 * 24)
    send(db, "d2", "heart_rate", 90.0, 6 * 24)
    found = histories.read(db, stays(db)[1:], T0, T0 + 9 * DAY_MS, "UTC")
    assert series(found, 0, "heart_rate") == [(144.0, 90.0)]


def test_vitals_that_stand_in_count_as_they_do_in_scores(db: Connection) -> None:
    """A Glasgow coma score of 14 is not alert, an inspired fraction of 0.4 is oxygen; a weight is a weight."""
    for vital, value in (("gcs", 14.0), ("fio2", 0.4), ("weight", 70.5), ("glucose", 5.0)):
        send(db, "d1", vital, value, 1.0)
    found = histories.read(db, stays(db), T0, T0 + DAY_MS, "UTC")
    assert series(found, 0, "consciousness") == [(1.0, 2.0)]
    assert series(found, 0, "oxygen") == [(1.0, 1.0)]
    assert series(found, 0, "weight") == [(1.0, 70.5)]
    assert len(found.readings.values) == 3


def test_only_what_is_needed_is_read(db: Connection) -> None:
    """Fifteen days before the first moment, and nothing after the last."""
    for hour in (0.5, 24.5, 24.0 * 16, 24.0 * 17):
        send(db, "d1", "heart_rate", 70.0, hour)
    found = histories.read(db, stays(db), T0 + 16 * DAY_MS, T0 + 16 * DAY_MS, "UTC")
    assert [hour for hour, _ in series(found, 0, "heart_rate")] == [24.5, 384.0]


def test_a_value_that_is_no_number_is_no_reading(db: Connection) -> None:
    """Words are left out."""
    send(db, "d1", "heart_rate", None, 1.0)
    assert series(histories.read(db, stays(db), T0, T0 + DAY_MS, "UTC"), 0, "heart_rate") == []


def test_a_ward_without_readings_has_an_empty_history(db: Connection) -> None:
    """And no stays at all have none."""
    assert len(histories.read(db, stays(db), T0, T0, "UTC").readings.values) == 0
    assert len(histories.read(db, [], T0, T0, "UTC").readings) == 0


def test_how_long_a_reading_counts_is_the_plans(db: Connection) -> None:
    """The plan's twelve hours for a pulse, the table's two days for a weight that no plan expects, else a day."""
    valid = dict(zip(SERIES, histories.valid_ms(plans.load("general")), strict=True))
    assert (valid["heart_rate"], valid["oxygen"], valid["weight"]) == (12 * HOUR_MS, 24 * HOUR_MS, 48 * HOUR_MS)
    bare = dict(zip(SERIES, histories.valid_ms(None), strict=True))
    assert (bare["heart_rate"], bare["oxygen"]) == (12 * HOUR_MS, 24 * HOUR_MS)
    found = histories.read(db, stays(db), T0, T0, "UTC")
    assert found.stays.valid_ms.shape == (2, len(SERIES))
    assert np.array_equal(found.stays.spo2_scale, [1, 1])
