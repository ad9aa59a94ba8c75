"""The registers as rows of the ward: a row means one stay for good, and what changed is known from when on."""

import numpy as np

from vwmon.patients import plans
from vwmon.patients.records import Assignment, Stay
from vwmon.roster import NEVER_MS, Roster
from vwmon.scoring.charts import PARTS

HOUR = 3_600_000


def stay(number: int, *, discharged_ms: int | None = None, pathway: str = "general", scale: int = 1) -> Stay:
    """Write a stay, admitted at its number in hours."""
    return Stay(
        stay_no=number,
        patient=f"p-{number}",
        ward="resp",
        pathway=pathway,
        plan_version="1",
        admitted_ms=number * HOUR,
        discharged_ms=discharged_ms,
        discharge_reason=None if discharged_ms is None else "home",
        spo2_scale=scale,
        scale_prescriber="",
    )


def lent(device: int, stay_no: int, from_ms: int, to_ms: int | None = None) -> Assignment:
    """Say that a device belonged to a stay."""
    return Assignment(device_no=device, stay_no=stay_no, from_ms=from_ms, to_ms=to_ms)


def roster(*stays: Stay, assignments: tuple[Assignment, ...] = ()) -> Roster:
    """Make a roster of stays in this order."""
    empty = Roster(stays=(), assignments=frozenset(), plans=plans.load_all())
    return empty.renewed(stays, assignments)


def test_rows_keep_their_place() -> None:
    """Whatever order the register is read in, and although a stay changed; new stays come behind."""
    before = roster(stay(3), stay(1))
    after = before.renewed([stay(1, discharged_ms=9), stay(2), stay(3), stay(4)], ())
    assert after.stay_nos == [3, 1, 2, 4]
    assert after.row_of == {3: 0, 1: 1, 2: 2, 4: 3}
    assert after.stays[1].discharged_ms == 9


def test_a_row_that_the_register_no_longer_has_stays() -> None:
    """Rows are only ever added: the ward in memory counts on it."""
    assert roster(stay(1), stay(2)).renewed([stay(2)], ()).stay_nos == [1, 2]


def test_of_a_stay_that_has_ended_nothing_is_expected() -> None:
    """Nobody waits for the readings of a patient who went home; who is here is waited for."""
    table = roster(stay(1, discharged_ms=9), stay(2)).plan_table()
    assert table.expected.tolist() == [[False] * len(PARTS), [True] * len(PARTS)]


def test_the_plan_of_each_stay_is_its_pathways() -> None:
    """How long each part counts and is waited for, by row; the scale and the admission are the stay's own."""
    table = roster(stay(1), stay(2, scale=2)).plan_table()
    assert table.valid_ms[:, PARTS.index("spo2")].tolist() == [12 * HOUR, 12 * HOUR]
    assert table.overdue_ms[0, PARTS.index("oxygen")] == 24 * HOUR
    assert table.spo2_scale.tolist() == [1, 2]
    assert table.admitted_ms.tolist() == [HOUR, 2 * HOUR]


def test_a_part_that_a_plan_does_not_expect_is_never_overdue() -> None:
    """If it is measured all the same, it counts as long as what that plan lets count longest."""
    table = roster(stay(1, pathway="heart-failure")).plan_table()
    part = PARTS.index("respiratory_rate")
    longest = max(vital.valid_ms for vital in plans.load("heart-failure").vitals.values())
    assert not table.expected[0, part]
    assert table.overdue_ms[0, part] == NEVER_MS
    assert table.valid_ms[0, part] == longest


def test_what_changed_is_known_from_the_earliest_assignment_on() -> None:
    """A device that was given, taken or moved changes whose the readings are, from when it was given on."""
    before = roster(stay(1), stay(2), stay(3), assignments=(lent(1, 1, 100), lent(2, 2, 50), lent(3, 3, 10)))
    after = before.renewed(before.stays, (lent(1, 1, 100, 500), lent(1, 2, 500), lent(4, 2, 70), lent(3, 3, 10)))
    assert after.changed_since(before) == {0: 100, 1: 50}


def test_nothing_changed_when_the_devices_are_where_they_were() -> None:
    """A new stay without a device, or a discharge, moves no reading."""
    before = roster(stay(1), assignments=(lent(1, 1, 100),))
    after = before.renewed([stay(1, discharged_ms=900), stay(2)], (lent(1, 1, 100),))
    assert after.changed_since(before) == {}


def test_a_device_that_belonged_to_a_stay_is_remembered() -> None:
    """Each once, also when it was lent twice, and none of another stay."""
    lendings = (lent(7, 1, 0, 10), lent(7, 1, 20), lent(4, 1, 5), lent(9, 2, 0))
    assert roster(stay(2), stay(1), assignments=lendings).devices_of(1) == [4, 7]


def test_the_intervals_speak_of_rows() -> None:
    """Not of the register's numbers; an assignment of a stay that is on no ward is nobody's."""
    found = roster(stay(5), stay(3), assignments=(lent(1, 3, 0), lent(2, 77, 0))).intervals()
    assert found.rows(np.array([1, 2]), np.array([5, 5])).tolist() == [1, -1]


def test_an_empty_roster_has_tables_of_no_rows() -> None:
    """A ward may begin without anyone on it."""
    table = roster().plan_table()
    assert len(table) == 0
    assert table.expected.shape == table.valid_ms.shape == (0, len(PARTS))
