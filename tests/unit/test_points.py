"""Scored moments as rows to store and as points for the alert rules: nothing is judged, nothing is lost."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from vwmon import points
from vwmon.kernels.windows import NEVER_AGE
from vwmon.pipeline import Scores
from vwmon.scoring.charts import PARTS
from vwmon.store import scores as stored
from vwmon.store.scores import ScoreRow

TWO = (3, 0, 2, 0, 1, 0, 0)
SPO2 = PARTS.index("spo2")


def scores(rows: int = 1, **columns: ArrayLike) -> Scores:
    """Write scored moments: breathing 3, oxygen 2, pulse 1, SpO2 missing; columns may be given."""
    present = np.array([[part != SPO2 for part in range(len(PARTS))]] * rows)
    low = np.array([TWO] * rows, dtype=np.int8)
    ones = np.ones(rows, dtype=np.int64)
    made = Scores(
        wave=0 * ones,
        stay=0 * ones,
        at_ms=1000 * np.arange(1, rows + 1),
        received_ms=9000 * ones,
        rescored_from_ms=1000 * np.arange(1, rows + 1),
        late=ones > 1,
        points_min=low,
        points_max=np.where(present, low, 3).astype(np.int8),
        present=present,
        values=np.where(present, 20.0, np.nan),
        age_ms=np.where(present, 500, NEVER_AGE),
        refused_age_ms=np.full((rows, len(PARTS)), NEVER_AGE),
        total_min=6 * ones,
        total_max=9 * ones,
        red=ones > 0,
        complete=ones > 1,
        could_be=7 * ones,
        changed=ones > 0,
    )
    return replace(made, **{name: np.array(column) for name, column in columns.items()})


def row(found: Scores) -> ScoreRow:
    """Give the only row that is stored of these scores."""
    (only,) = points.stored_rows(found, np.array([7]), np.array([3]))
    return ScoreRow._make(only)


def test_a_stored_row_says_whose_it_is_and_what_made_it() -> None:
    """The numbers of the stay and of the versions, which are by row of the ward; the rest as it was scored."""
    found = row(scores())
    assert (found.stay_no, found.provenance_no) == (7, 3)
    assert (found.at_ms, found.received_ms) == (1000, 9000)
    assert (found.total_min, found.total_max, found.could_be) == (6, 9, 7)
    assert (found.late, found.red, found.complete) == (0, 1, 0)


def test_points_are_stored_one_digit_a_part() -> None:
    """As the store unpacks them, noughts in front included."""
    found = row(scores(points_min=np.array([[0, 0, 2, 0, 1, 0, 3]], dtype=np.int8)))
    assert found.points_min == 20103
    assert stored.unpack(found.points_min, len(PARTS)) == (0, 0, 2, 0, 1, 0, 3)
    assert stored.unpack(found.points_max, len(PARTS)) == (3, 3, 2, 0, 1, 0, 0)
    assert found.present == 1_011_111
    assert found.points_min == stored.pack((0, 0, 2, 0, 1, 0, 3))


def test_only_what_changed_is_stored() -> None:
    """A score that says what the one before said is not written again."""
    found = points.stored_rows(scores(3, changed=[True, False, True]), np.array([7]), np.array([3]))
    assert [columns[1] for columns in found] == [1000, 3000]
    assert points.stored_rows(scores(2, changed=[False, False]), np.array([7]), np.array([3])) == []


def test_rows_are_plain_numbers() -> None:
    """The database binds whole numbers of Python, not of numpy."""
    assert {type(value) for value in row(scores())} == {int}


def test_a_point_names_what_is_there_and_what_is_missing() -> None:
    """Points, values and ages of the parts that count; nothing of a part that is missing, not even nought."""
    point = points.point(scores(), 0, 7, PARTS)
    assert point.missing == ("spo2",)
    assert point.points == {name: TWO[part] for part, name in enumerate(PARTS) if name != "spo2"}
    assert point.points.keys() == point.values.keys() == point.ages_ms.keys()
    assert point.ages_ms["oxygen"] == 500
    assert (point.stay, point.expected) == (7, PARTS)


def test_a_point_is_of_the_row_asked_for() -> None:
    """The second is not the first."""
    point = points.point(scores(2, total_min=[6, 8], red=[True, False], late=[False, True]), 1, 7, ())
    assert (point.at_ms, point.total_min, point.red, point.late) == (2000, 8, False, True)
    assert type(point.red) is bool
    assert type(point.total_min) is int


@pytest.mark.parametrize(("frontier_ms", "expected"), [(999, []), (1000, [(0, 1000)]), (5000, [(0, 1000)])])
def test_what_a_late_reading_scored_anew_replaces_what_was_stored(
    frontier_ms: int, expected: list[tuple[int, int]]
) -> None:
    """From the first moment of its message on, where the stay had come as far; a reading in order replaces nothing."""
    found = scores(2, rescored_from_ms=[1000, 1000])
    assert points.rewritten(found, np.array([frontier_ms])) == expected


def test_a_second_wave_always_goes_back() -> None:
    """It is one because it begins before where the first ended, which the frontier before the step does not say."""
    found = scores(2, wave=[0, 1], rescored_from_ms=[2000, 1500])
    assert points.rewritten(found, np.array([500])) == [(0, 1500)]


def test_each_stay_goes_back_by_itself() -> None:
    """One that came in order is left alone beside one that did not; each time is named once."""
    found = scores(4, stay=[0, 0, 1, 1], rescored_from_ms=[3000, 3000, 3000, 4000])
    assert points.rewritten(found, np.array([2000, 4000])) == [(1, 3000), (1, 4000)]


def test_a_point_tells_what_was_refused_and_whether_anything_was_measured() -> None:
    """What came by part, as it is given; a moment at which no part is new is one of attempts only."""
    made = scores(2, age_ms=np.array([[0] + [500] * 6, [500] * 7]))
    first, second = (points.point(made, row, 7, PARTS, {"spo2": (9, "120 %")} if row else {}) for row in (0, 1))
    assert (first.measured, first.refused) == (True, {})
    assert (second.measured, second.refused) == (False, {"spo2": (9, "120 %")})
    assert points.point(made, 0, 7, PARTS).refused == {}
