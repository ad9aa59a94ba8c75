"""The registers as rows of the ward: a row means one stay for good, and what changed is known from when on."""

from dataclasses import replace

import numpy as np

from tests.unit.test_patients_prescriptions import one
from vwmon.patients import plans, prescriptions
from vwmon.patients.records import Assignment, Entry, Stay
from vwmon.roster import NEVER_MS, Moved, Roster
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
    prescribed = prescriptions.written([one(1, from_ms=3 * HOUR, to_ms=5 * HOUR)])
    table = roster(stay(1), replace(stay(2), prescribed=prescribed)).plan_table()
    assert table.valid_ms[:, PARTS.index("spo2")].tolist() == [12 * HOUR, 12 * HOUR]
    assert table.overdue_ms[0, PARTS.index("oxygen")] == 24 * HOUR
    hours = np.array([2, 3, 4, 5]) * HOUR
    assert [table.scale(np.full(4, row), hours).tolist() for row in (0, 1)] == [[1, 1, 1, 1], [1, 2, 2, 1]]
    assert table.admitted_ms.tolist() == [HOUR, 2 * HOUR]


def test_a_part_that_a_plan_does_not_expect_is_never_overdue() -> None:
    """If it is measured all the same, it counts as long as what that plan lets count longest."""
    table = roster(stay(1, pathway="heart-failure")).plan_table()
    part = PARTS.index("respiratory_rate")
    longest = max(vital.valid_ms for vital in plans.load("heart-failure").vitals.values())
    assert not table.expected[0, part]
    assert table.overdue_ms[0, part] == NEVER_MS
    assert table.valid_ms[0, part] == longest


def test_what_a_change_moves_is_known_from_when_readings_change_hands() -> None:
    """Given: from then on. Taken back, or the stay ended: from that end on, and nothing before it."""
    held = (lent(1, 1, 100, 500), lent(1, 2, 500), lent(4, 2, 70), lent(3, 3, 10, 900), lent(5, 3, 20, 800))
    on_the_ward = roster(stay(1), stay(2), stay(3), assignments=held)
    entries = [entry("return", 1, 1), entry("assign", 2, 1), entry("assign", 2, 4), entry("discharge died", 3)]
    assert on_the_ward.moved_by(entries) == {
        0: Moved(from_ms=500, device_nos=frozenset({1})),
        1: Moved(from_ms=70, device_nos=frozenset({1, 4})),
        2: Moved(from_ms=800, device_nos=frozenset({3, 5})),
    }
    assert on_the_ward.ended_by(entries) == [2]


def test_nothing_moves_where_no_reading_changes_hands() -> None:
    """An admission, a new device, and the end of a stay that has its devices to this day."""
    on_the_ward = roster(stay(1), stay(2), assignments=(lent(1, 1, 100),))
    entries = [entry("admit resp general", 2), entry("add", None, 7), entry("discharge died", 1)]
    assert on_the_ward.moved_by(entries) == {}


def entry(what: str, stay_no: int | None, device_no: int | None = None) -> Entry:
    """Build a line of the journal."""
    return Entry(what=what, stay_no=stay_no, device_no=device_no)


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
