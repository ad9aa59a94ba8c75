"""What becomes of devices: swapped, retired, calibrated, and out after a discharge until somebody has them again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.db.test_store_registers import ANN, BEN, HOUR, T0
from vwmon.errors import ConflictError, NotFoundError, RefusedError, UsageError, VwmonError
from vwmon.patients.records import Assignment, By
from vwmon.store import database, kit, kit_out, registers, stock
from vwmon.store.sqlite import Connection

BY = By(actor="nurse", at_ms=T0 + 24 * HOUR)
NOON = T0 + 12 * HOUR


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A database with two patients, of whom the first has a cuff, and a spare one."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        for patient in (ANN, BEN):
            registers.admit(opened, patient, BY)
        for name in ("cuff", "spare"):
            registers.add_device(opened, name, BY)
        registers.assign(opened, "cuff", "P1", T0, BY)
        yield opened


def held(db: Connection) -> list[tuple[int, int, int, int | None]]:
    """Read who had which device when: device, stay, from, to, in hours."""
    hours = [
        (a.device_no, a.stay_no, a.from_ms - T0, None if a.to_ms is None else a.to_ms - T0)
        for a in registers.assignments(db)
    ]
    return [(d, s, f // HOUR, None if t is None else t // HOUR) for d, s, f, t in hours]


def out(db: Connection) -> list[tuple[int, str, int]]:
    """Read what has not come back: from which stay, what, since which hour."""
    found = kit.still_out(db)
    return [(no, one.device, (one.since_ms - T0) // HOUR) for no, several in found.items() for one in several]


def state(db: Connection) -> tuple[object, ...]:
    """Read all that a change could change."""
    tables = ("assignment", "kit_out", "device", "register_log", "register_version")
    return tuple(db.execute(f"select * from {table}").fetchall() for table in tables)  # noqa: S608 -- our own


@pytest.mark.hazard("H4")
def test_a_new_device_goes_on_where_the_old_one_ends(db: Connection) -> None:
    """In the same millisecond: no gap, and no moment in which both are the patient's."""
    ended, begun = stock.swap(db, "cuff", "spare", NOON, BY, reason="broken")
    assert (ended.to_ms, begun.from_ms, ended.stay_no, begun.stay_no) == (NOON, NOON, 1, 1)
    assert held(db) == [(1, 1, 0, 12), (2, 1, 12, None)]
    assert out(db) == []
    assert db.execute("select what from register_log order by entry_no desc limit 3").fetchall() == [
        ("swap cuff for spare: broken",),
        ("assign",),
        ("return",),
    ]


@pytest.mark.parametrize(
    ("old", "new", "at_ms", "refusal"),
    [
        ("spare", "cuff", NOON, NotFoundError),
        ("cuff", "nothing", NOON, NotFoundError),
        ("cuff", "heard", NOON, NotFoundError),
        ("cuff", "other", NOON, ConflictError),
        ("cuff", "gone", NOON, RefusedError),
        ("cuff", "cuff", NOON, UsageError),
        ("cuff", "spare", T0 - HOUR, UsageError),
    ],
)
def test_a_swap_is_whole_or_is_not(db: Connection, old: str, new: str, at_ms: int, refusal: type[VwmonError]) -> None:
    """With nobody, taken, unknown, retired, itself, before it was given: nothing at all is changed."""
    registers.record_status(db, "heard", "online", None, None, T0)
    for name in ("other", "gone"):
        registers.add_device(db, name, BY)
    registers.assign(db, "other", "P2", T0, BY)
    stock.retire(db, "gone", "lost", T0, BY)
    before = state(db)
    with pytest.raises(refusal):
        stock.swap(db, old, new, at_ms, BY)
    assert state(db) == before


def test_what_a_discharge_leaves_behind_is_out_until_it_is_back(db: Connection) -> None:
    """Its readings are nobody's from the discharge on, and the stay's kit is named until it is returned."""
    registers.discharge(db, "P1", "recovered", NOON, BY)
    assert held(db) == [(1, 1, 0, 12)]
    assert out(db) == [(1, "cuff", 12)]
    assert kit.still_out(db, 2) == {}
    with pytest.raises(UsageError, match="until after that time"):
        registers.return_device(db, "cuff", NOON - 1, BY)
    with pytest.raises(UsageError, match="still to come"):
        registers.return_device(db, "cuff", BY.at_ms + 1, BY)
    registers.return_device(db, "cuff", NOON + HOUR, BY)
    assert (held(db), out(db)) == ([(1, 1, 0, 12)], [])
    with pytest.raises(NotFoundError, match="with nobody"):
        registers.return_device(db, "cuff", NOON + HOUR, BY)


@pytest.mark.hazard("H4")
def test_what_is_still_at_somebodys_home_is_given_to_nobody_else(db: Connection) -> None:
    """Who has it there may go on measuring; also afterwards nobody has it for the time in which it was there."""
    registers.discharge(db, "P1", "recovered", NOON, BY)
    with pytest.raises(ConflictError, match="had not come back from patient 'P1'"):
        registers.assign(db, "cuff", "P2", NOON + HOUR, BY)
    with pytest.raises(ConflictError, match="had not come back"):
        stock.swap(db, _given(db, "spare"), "cuff", NOON + HOUR, BY)
    registers.return_device(db, "cuff", NOON + 2 * HOUR, BY)
    with pytest.raises(ConflictError, match="choose a later --from"):
        registers.assign(db, "cuff", "P2", NOON + 2 * HOUR - 1, BY)
    registers.assign(db, "cuff", "P2", NOON + 2 * HOUR, BY)


def _given(db: Connection, name: str) -> str:
    registers.assign(db, name, "P2", T0, BY)
    return name


def test_a_patient_who_is_back_may_have_what_never_left(db: Connection) -> None:
    """The same person, the same device, whatever the ward: then it is out no longer."""
    registers.discharge(db, "P1", "recovered", NOON, BY)
    registers.admit(db, type(ANN)(patient="P1", ward="frail", plan=ANN.plan, admitted_ms=NOON), BY)
    registers.assign(db, "cuff", "P1", NOON, BY)
    assert (held(db), out(db)) == ([(1, 1, 0, 12), (1, 3, 12, None)], [])


def test_a_discharge_that_is_written_late_knows_what_came_back_since(db: Connection) -> None:
    """It was out from the discharge to its return, and nobody else had it then; a return to come is none."""
    registers.assign(db, "spare", "P1", T0, BY)
    registers.return_device(db, "cuff", NOON, BY)
    registers.return_device(db, "spare", BY.at_ms + HOUR, BY)
    registers.discharge(db, "P1", "recovered", NOON - HOUR, BY)
    assert held(db) == [(1, 1, 0, 11), (2, 1, 0, 11)]
    assert out(db) == [(1, "spare", 11)]
    with pytest.raises(ConflictError):
        registers.assign(db, "cuff", "P2", NOON - 1, BY)
    registers.assign(db, "cuff", "P2", NOON, BY)


def test_an_old_device_may_stay_out_after_a_swap(db: Connection) -> None:
    """The new one came by post. A discharge for an earlier time leaves it out since then."""
    stock.swap(db, "cuff", "spare", NOON, BY, stays_out=True)
    assert out(db) == [(1, "cuff", 12)]
    registers.discharge(db, "P1", "recovered", NOON - HOUR, BY)
    assert out(db) == [(1, "cuff", 11), (1, "spare", 12)]
    registers.return_device(db, "cuff", NOON, BY)
    assert out(db) == [(1, "spare", 12)]


def test_readings_by_hand_are_no_kit(db: Connection) -> None:
    """There is nothing to come back from whoever wrote them down."""
    registers.add_device(db, "hand-nurse-1", BY, profile=kit_out.BY_HAND)
    registers.assign(db, "hand-nurse-1", "P1", T0, BY)
    registers.discharge(db, "P1", "recovered", NOON, BY)
    assert [one[1] for one in out(db)] == ["cuff"]


def test_a_device_that_is_retired_is_nobodys_and_goes_to_nobody(db: Connection) -> None:
    """From that moment on; why is said to whoever would give it out."""
    gone, ended = stock.retire(db, "cuff", " lost on a bus ", NOON, BY)
    assert (gone.retired_ms, gone.retired_reason) == (NOON, "lost on a bus")
    assert ended == Assignment(device_no=1, stay_no=1, from_ms=T0, to_ms=NOON)
    assert (held(db), out(db)) == ([(1, 1, 0, 12)], [])
    with pytest.raises(RefusedError, match=r"retired \(lost on a bus\)"):
        registers.assign(db, "cuff", "P1", NOON, BY)
    with pytest.raises(ConflictError, match="retired before"):
        stock.retire(db, "cuff", "broken", NOON, BY)


def test_a_device_that_is_out_and_lost_is_waited_for_no_longer(db: Connection) -> None:
    """It is known to be gone."""
    registers.discharge(db, "P1", "recovered", NOON, BY)
    stock.retire(db, "cuff", "lost", NOON + HOUR, BY)
    assert out(db) == []


def test_a_device_that_was_found_again_is_added_again(db: Connection) -> None:
    """With what was known of it; a slip is undone by that, and its readings go to whom it is given."""
    registers.add_device(db, "scale", BY, "scale", "S-9", "2027-01-31")
    stock.retire(db, "scale", "lost", NOON, BY)
    found = registers.add_device(db, "scale", BY)
    assert (found.profile, found.serial, found.calibration_due) == ("scale", "S-9", "2027-01-31")
    assert (found.retired_ms, found.retired_reason) == (None, None)
    registers.assign(db, "scale", "P1", NOON, BY)


@pytest.mark.parametrize("at_ms", [T0 - 1, NOON - 1])
def test_what_somebody_had_then_or_later_is_not_retired_before(db: Connection, at_ms: int) -> None:
    """Readings that count are not taken from anyone by writing a device off."""
    if at_ms > T0:
        registers.return_device(db, "cuff", NOON, BY)
    before = state(db)
    with pytest.raises(UsageError):
        stock.retire(db, "cuff", "broken", at_ms, BY)
    assert state(db) == before


def test_a_reason_is_needed_and_a_stranger_is_no_loss(db: Connection) -> None:
    """Why is what the next one asks."""
    registers.record_status(db, "heard", "online", None, None, T0)
    with pytest.raises(UsageError, match="why"):
        stock.retire(db, "cuff", " ", NOON, BY)
    with pytest.raises(NotFoundError, match="never added"):
        stock.retire(db, "heard", "lost", NOON, BY)


def test_a_calibration_is_on_record_with_the_next(db: Connection) -> None:
    """And when the next is not known, it is not known; not what the last one said."""
    done = stock.calibrated(db, "cuff", NOON, "2027-11-30", BY)
    assert (done.calibrated_ms, done.calibration_due) == (NOON, "2027-11-30")
    later = stock.calibrated(db, "cuff", NOON + HOUR, None, BY)
    assert (later.calibrated_ms, later.calibration_due) == (NOON + HOUR, None)


@pytest.mark.parametrize(
    ("at_ms", "due", "why"),
    [
        (BY.at_ms + 1, None, "when it has been done"),
        (NOON - 1, None, "after that time already"),
        (NOON, "2020-01-01", "before the calibration"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(db: Connection, at_ms: int, due: str | None, why: str) -> None:
    """One to come, one before the last, one that is due before it was done."""
    stock.calibrated(db, "cuff", NOON, None, BY)
    with pytest.raises(UsageError, match=why):
        stock.calibrated(db, "cuff", at_ms, due, BY)
