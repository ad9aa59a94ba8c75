"""Whose reading it is, and which part of the score it feeds: decided by the register at the reading's own time."""

import numpy as np
import pytest

from vwmon import attribution
from vwmon.attribution import NOBODY, Intervals, LogColumns, Vitals
from vwmon.patients.records import Assignment
from vwmon.scoring.charts import PARTS
from vwmon.ward import Readings

ANN, BEN = 101, 102
ROW_OF = {ANN: 0, BEN: 1}
NAMES = {1: "spo2", 2: "oxygen", 3: "fio2", 4: "consciousness", 5: "gcs", 6: "steps", 9: "heart_rate"}
NUMBERS = {name: number for number, name in NAMES.items()}


def lent(device: int, stay: int, from_ms: int, to_ms: int | None = None) -> Assignment:
    """Say that a device belonged to a stay."""
    return Assignment(device_no=device, stay_no=stay, from_ms=from_ms, to_ms=to_ms)


def whose(assignments: list[Assignment], *asked: tuple[int, int]) -> list[int]:
    """Ask whose each (device, time) was: rows of the ward."""
    device, at_ms = (np.array(column, dtype=np.int64) for column in zip(*asked, strict=True))
    return [int(row) for row in Intervals(assignments, ROW_OF).rows(device, at_ms)]


def log(*rows: tuple[str, float | None], device: int = 1) -> LogColumns:
    """Write rows of the log: vitals and values, a second apart."""
    return LogColumns.of(
        [(n, device, NUMBERS[vital], n * 1000, value, n * 1000 + 7, n) for n, (vital, value) in enumerate(rows, 1)]
    )


def attributed(*rows: tuple[str, float | None], device: int = 1) -> Readings:
    """Attribute rows of the log, with device 1 being Ann's."""
    return attribution.attribute(log(*rows, device=device), Intervals([lent(1, ANN, 0)], ROW_OF), Vitals(NAMES))


def parts(found: Readings) -> list[tuple[str, float]]:
    """Name the parts of readings, with their values."""
    return [(PARTS[part], value) for part, value in zip(found.part.tolist(), found.value.tolist(), strict=True)]


@pytest.mark.hazard("H4")
def test_an_assignment_begins_with_its_first_millisecond_and_ends_before_its_last() -> None:
    """The end belongs to whoever comes next."""
    found = whose([lent(1, ANN, 1000, 2000)], (1, 999), (1, 1000), (1, 1999), (1, 2000))
    assert found == [NOBODY, 0, 0, NOBODY]


@pytest.mark.hazard("H4")
def test_a_device_may_pass_from_one_stay_to_the_next() -> None:
    """Handed over in one moment, or after lying in a drawer; the readings are whose it was then."""
    lendings = [lent(1, BEN, 5000, 6000), lent(1, ANN, 1000, 2000), lent(1, BEN, 2000, 3000)]
    found = whose(lendings, (1, 1999), (1, 2000), (1, 2999), (1, 4000), (1, 5000), (1, 6000))
    assert found == [0, 1, 1, NOBODY, 1, NOBODY]


def test_an_assignment_that_was_taken_back_as_of_its_beginning_hides_nothing() -> None:
    """Given to the wrong one, returned, given to the right one, all as of one moment, read in whatever order."""
    slip, meant = lent(1, BEN, 1000, 1000), lent(1, ANN, 1000)
    assert [whose(several, (1, 1000), (1, 5000)) for several in ([slip, meant], [meant, slip])] == [[0, 0], [0, 0]]


def test_an_assignment_that_lasts_has_no_end() -> None:
    """Until somebody returns the device."""
    assert whose([lent(1, ANN, 1000)], (1, 4_102_444_800_000)) == [0]


@pytest.mark.hazard("H4")
def test_each_device_is_asked_for_itself() -> None:
    """A reading of a device that nobody has is not the neighbour's, however close their numbers are."""
    lendings = [lent(2, ANN, 1000), lent(4, BEN, 1000)]
    assert whose(lendings, (1, 5000), (2, 5000), (3, 5000), (4, 5000), (5, 5000), (4, 0)) == [
        NOBODY,
        0,
        NOBODY,
        1,
        NOBODY,
        NOBODY,
    ]


def test_before_anything_is_assigned_everything_is_nobodys() -> None:
    """An empty register is a register."""
    assert whose([], (1, 5000), (2, 0)) == [NOBODY, NOBODY]


def test_what_belongs_to_nobody_is_left_out() -> None:
    """It is in the log, and in no one's score."""
    assert len(attributed(("spo2", 95.0), device=2)) == 0
    assert len(attributed(("spo2", 95.0))) == 1


def test_what_is_not_scored_is_left_out() -> None:
    """Steps are no part of the score, tried or not."""
    assert parts(attributed(("steps", 900.0), ("steps", None), ("heart_rate", 80.0))) == [("heart_rate", 80.0)]


@pytest.mark.parametrize(("vital", "part"), [("spo2", "spo2"), ("fio2", "oxygen"), ("gcs", "consciousness")])
def test_a_row_without_a_number_is_an_attempt_at_its_part(vital: str, part: str) -> None:
    """It stays without one: a fraction that was refused is not air, and a coma score that was refused is not a coma."""
    found = attributed((vital, None))
    assert [PARTS[number] for number in found.part.tolist()] == [part]
    assert np.isnan(found.value).all()


def test_an_attempt_is_whose_the_device_was_then() -> None:
    """As a reading is."""
    assert len(attributed(("spo2", None), device=2)) == 0


def test_times_and_messages_come_along() -> None:
    """When it was observed and received, in which message, in the order of the log."""
    found = attributed(("steps", 1.0), ("spo2", 95.0), ("heart_rate", 80.0))
    assert found.observed_ms.tolist() == [2000, 3000]
    assert found.received_ms.tolist() == [2007, 3007]
    assert found.unit.tolist() == [2, 3]
    assert found.stay.tolist() == [0, 0]


@pytest.mark.parametrize(("fraction", "on"), [(0.2, 0.0), (0.21, 0.0), (0.214, 0.0), (0.22, 1.0), (1.0, 1.0)])
def test_more_than_room_air_is_oxygen(fraction: float, on: float) -> None:
    """21 % is the air that everyone breathes; a hundredth more is not."""
    assert parts(attributed(("fio2", fraction))) == [("oxygen", on)]


@pytest.mark.parametrize(("score", "value"), [(15.0, 0.0), (14.0, 2.0), (3.0, 2.0)])
def test_a_coma_score_below_fifteen_is_not_alert(score: float, value: float) -> None:
    """Alert needs every point of the scale."""
    assert parts(attributed(("gcs", score))) == [("consciousness", value)]


def test_the_parts_own_vitals_keep_their_values() -> None:
    """Litres of oxygen, letters of consciousness, and what looks like a fraction or a coma score but is none."""
    rows = (("oxygen", 0.21), ("consciousness", 4.0), ("spo2", 15.0))
    assert parts(attributed(*rows)) == list(rows)


def test_without_the_stand_ins_nothing_else_is_taken_for_them() -> None:
    """A log that never saw fio2 or gcs has no number for them."""
    vitals = Vitals({1: "spo2"})
    assert vitals.value(np.array([1]), np.array([15.0])).tolist() == [15.0]
    assert vitals.part(np.array([0, 1])).tolist() == [NOBODY, PARTS.index("spo2")]


def test_an_empty_log_is_columns_without_rows() -> None:
    """So that a cycle without news needs no case of its own."""
    assert len(LogColumns.of([]).seq) == 0
    found = attribution.attribute(LogColumns.of([]), Intervals([], {}), Vitals({}))
    assert len(found) == 0


def test_every_part_of_the_score_is_fed_by_the_vital_of_its_name() -> None:
    """And the stand-ins feed oxygen and consciousness."""
    fed = attribution.COLUMN_OF_VITAL["news2"]
    assert {name: fed[name] for name in PARTS} == {name: number for number, name in enumerate(PARTS)}
    assert {name: PARTS[fed[name]] for name in set(fed) - set(PARTS)} == {"fio2": "oxygen", "gcs": "consciousness"}
