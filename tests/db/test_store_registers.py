"""The registers: stays, devices, and who had which device when. What is refused, and what is left on record."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from vwmon.errors import ConflictError, NotFoundError, RefusedError, UsageError
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import Assignment, By, Identity
from vwmon.store import database, registers
from vwmon.store.sqlite import Connection

T0 = 1_795_000_000_000
HOUR = 3_600_000
BY = By(actor="nurse", at_ms=T0 + 5)
ANN = Admission(patient="P1", ward="resp", plan=plans.load("general"), admitted_ms=T0, born="1948-05-17", name="Ann")
BEN = replace(ANN, patient="P2", name="Ben", ward="frail", plan=plans.load("frailty"))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A database with two patients and two devices."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        for patient in (ANN, BEN):
            registers.admit(opened, patient, BY)
        for name in ("cuff", "oximeter"):
            registers.add_device(opened, name, BY)
        yield opened


def test_an_admission_is_a_stay_with_its_plan(db: Connection) -> None:
    """What was asked for is on record, under a number of its own."""
    stay = registers.open_stay(db, "P2")
    assert (stay.stay_no, stay.ward, stay.pathway, stay.plan_version) == (2, "frail", "frailty", "4")
    assert (stay.admitted_ms, stay.discharged_ms, stay.spo2_scale) == (T0, None, 1)
    assert registers.stay(db, 2) == stay


def test_stays_are_listed_by_ward_and_by_who_is_there(db: Connection) -> None:
    """All of them, those of one ward, or those who have not left."""
    registers.discharge(db, "P1", "recovered", T0 + HOUR, BY)
    assert [stay.patient for stay in registers.stays(db)] == ["P1", "P2"]
    assert [stay.patient for stay in registers.stays(db, ward="resp")] == ["P1"]
    assert [stay.patient for stay in registers.stays(db, open_only=True)] == ["P2"]


@pytest.mark.hazard("H22")
def test_what_identifies_a_person_stands_alone(db: Connection) -> None:
    """No other table has a column for a name, a number or a date of birth."""
    assert registers.identity(db, 1) == Identity(stay_no=1, born="1948-05-17", name="Ann", nhs_number=None)
    for (table,) in db.execute("select name from sqlite_schema where type = 'table' and name <> 'identity'").fetchall():
        columns = {row[1] for row in db.execute(f"pragma table_info({table})")}
        if table != "vital":
            assert not columns & {"born", "nhs_number"}
            assert "name" not in columns or table == "_sqlite_migrations"


def test_nobody_is_admitted_twice(db: Connection) -> None:
    """Neither now nor for a time at which the patient was on a ward."""
    with pytest.raises(ConflictError, match="'P1' is on the ward resp"):
        registers.admit(db, replace(ANN, ward="frail", admitted_ms=T0 + HOUR), BY)
    registers.discharge(db, "P1", "recovered", T0 + 2 * HOUR, BY)
    with pytest.raises(ConflictError, match="was at that time on the ward resp"):
        registers.admit(db, replace(ANN, admitted_ms=T0 + HOUR), BY)
    again = registers.admit(db, replace(ANN, admitted_ms=T0 + 2 * HOUR), BY)
    assert [stay.stay_no for stay in registers.stays_of(db, "P1")] == [again.stay_no, 1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"born": "2015-01-01"}, RefusedError),
        ({"spo2_scale": 2}, RefusedError),
        ({"nhs_number": "9434765918"}, UsageError),
        ({"patient": ""}, UsageError),
        ({"ward": "Resp"}, UsageError),
    ],
)
def test_what_a_rule_refuses_leaves_no_trace(db: Connection, change: dict[str, object], error: type[Exception]) -> None:
    """The rules of admission hold for every caller, not for the command only."""
    before = registers.register_version(db)
    with pytest.raises(error):
        registers.admit(db, replace(ANN, **({"patient": "P3"} | change)), BY)  # type: ignore[arg-type]
    assert registers.register_version(db) == before
    assert len(registers.stays(db)) == 2


@pytest.mark.hazard("H24")
def test_a_discharge_ends_the_stay_and_frees_its_devices(db: Connection) -> None:
    """Both at the same moment; the devices are named so that somebody fetches them."""
    registers.assign(db, "cuff", "P1", T0, BY)
    stay, freed = registers.discharge(db, "P1", "recovered", T0 + HOUR, BY)
    assert (stay.discharged_ms, stay.discharge_reason) == (T0 + HOUR, "recovered")
    assert [device.device for device in freed] == ["cuff"]
    assert registers.assignments(db) == [Assignment(device_no=1, stay_no=1, from_ms=T0, to_ms=T0 + HOUR)]
    with pytest.raises(NotFoundError, match="not on a ward"):
        registers.discharge(db, "P1", "recovered", T0 + HOUR, BY)


def test_a_discharge_for_an_earlier_time_takes_back_what_came_after(db: Connection) -> None:
    """A device that was given or returned after that time was not this stay's then."""
    registers.assign(db, "cuff", "P1", T0 + 2 * HOUR, BY)
    registers.assign(db, "oximeter", "P1", T0, BY)
    registers.return_device(db, "oximeter", T0 + 3 * HOUR, BY)
    registers.discharge(db, "P1", "died", T0 + HOUR, BY)
    ends = {a.device_no: (a.from_ms, a.to_ms) for a in registers.assignments(db)}
    assert ends == {1: (T0 + 2 * HOUR, T0 + 2 * HOUR), 2: (T0, T0 + HOUR)}


def test_a_discharge_before_the_admission_cannot_be(db: Connection) -> None:
    """A slip in the date is told, and an unknown patient or reason too."""
    with pytest.raises(UsageError, match="after that time"):
        registers.discharge(db, "P1", "recovered", T0 - 1, BY)
    with pytest.raises(UsageError, match="no reason"):
        registers.discharge(db, "P1", "Got well", T0, BY)
    with pytest.raises(NotFoundError, match="ever admitted"):
        registers.discharge(db, "P9", "recovered", T0, BY)


def test_a_device_is_added_once_also_when_it_was_heard_before(db: Connection) -> None:
    """The first time makes a stranger known; the second is a conflict."""
    registers.record_status(db, "scale", "online", 55.0, "1.2", T0)
    assert not registers.device(db, "scale").registered
    added = registers.add_device(db, "scale", BY, "weighing scale", "S-1")
    assert (added.registered, added.profile, added.serial, added.battery_percent) == (
        True,
        "weighing scale",
        "S-1",
        55.0,
    )
    with pytest.raises(ConflictError, match="already"):
        registers.add_device(db, "scale", BY)
    with pytest.raises(UsageError, match="no device's name"):
        registers.add_device(db, "monitor", BY)


def test_what_a_device_says_of_itself_is_kept_the_latest_last(db: Connection) -> None:
    """Older word, and what it does not say, changes nothing."""
    registers.record_status(db, "cuff", "online", 80.0, "1.0", T0 + 10)
    registers.record_status(db, "cuff", "offline", None, None, T0 + 20)
    registers.record_status(db, "cuff", "online", 90.0, "0.9", T0 + 5)
    cuff = registers.device(db, "cuff")
    assert (cuff.status, cuff.status_ms) == ("offline", T0 + 20)
    assert (cuff.battery_percent, cuff.battery_ms, cuff.firmware) == (80.0, T0 + 10, "1.0")


def test_a_device_belongs_to_one_patient_at_a_time(db: Connection) -> None:
    """Who has it is named; for a time before it was given too, because it still is theirs."""
    registers.assign(db, "cuff", "P1", T0 + HOUR, BY)
    for at in (T0, T0 + HOUR, T0 + 2 * HOUR):
        with pytest.raises(ConflictError, match="'P1' at that time; return it first"):
            registers.assign(db, "cuff", "P2", at, BY)
    registers.return_device(db, "cuff", T0 + 2 * HOUR, BY)
    with pytest.raises(ConflictError, match="later --from"):
        registers.assign(db, "cuff", "P2", T0 + 2 * HOUR - 1, BY)
    assert registers.assign(db, "cuff", "P2", T0 + 2 * HOUR, BY).stay_no == 2


def test_only_a_known_device_goes_to_a_patient_who_is_there(db: Connection) -> None:
    """Not a stranger, not to somebody unknown, not before the admission."""
    registers.record_status(db, "stranger", "online", None, None, T0)
    for name, patient, sentence in (
        ("nothing", "P1", "no device"),
        ("stranger", "P1", "never added"),
        ("cuff", "P9", "ever admitted"),
    ):
        with pytest.raises(NotFoundError, match=sentence):
            registers.assign(db, name, patient, T0, BY)
    with pytest.raises(UsageError, match="not on the ward yet"):
        registers.assign(db, "cuff", "P1", T0 - 1, BY)


def test_a_device_is_returned_by_whoever_has_it(db: Connection) -> None:
    """Not when nobody has it, and not before it was given."""
    with pytest.raises(NotFoundError, match="with nobody"):
        registers.return_device(db, "cuff", T0, BY)
    registers.assign(db, "cuff", "P1", T0 + HOUR, BY)
    with pytest.raises(UsageError, match="after that time"):
        registers.return_device(db, "cuff", T0, BY)
    ended = registers.return_device(db, "cuff", T0 + HOUR, BY)
    assert (ended.from_ms, ended.to_ms) == (T0 + HOUR, T0 + HOUR)


def test_every_change_raises_the_version_and_is_on_record_with_who_made_it(db: Connection) -> None:
    """A daemon at work looks at the version; an auditor at the record."""
    before = registers.register_version(db)
    registers.assign(db, "cuff", "P1", T0, BY)
    registers.return_device(db, "cuff", T0 + 1, BY)
    registers.discharge(db, "P1", "recovered", T0 + 2, By(actor="doctor", at_ms=T0 + 9))
    assert registers.register_version(db) == before + 3
    journal = db.execute("select at_ms, actor, what, stay_no, device_no from register_log").fetchall()
    assert journal[0] == (T0 + 5, "nurse", "admit resp general", 1, None)
    assert journal[-3:] == [
        (T0 + 5, "nurse", "assign", 1, 1),
        (T0 + 5, "nurse", "return", 1, 1),
        (T0 + 9, "doctor", "discharge recovered", 1, None),
    ]


def test_several_changes_can_be_one_transaction(db: Connection) -> None:
    """A recording admits a thousand patients at once, all or none."""

    def admit(*patients: Admission) -> None:
        with database.atomic(db):
            for patient in patients:
                registers.admit(db, patient, BY)

    third, fourth = (replace(ANN, patient=patient, born=None) for patient in ("P3", "P4"))
    with pytest.raises(ConflictError):
        admit(third, ANN)
    assert len(registers.stays(db)) == 2
    admit(third, fourth)
    assert len(registers.stays(db)) == 4


def test_what_is_not_there_is_not_found(db: Connection) -> None:
    """A stay, a device, a patient: each says what to do."""
    with pytest.raises(NotFoundError, match="no stay 99"):
        registers.stay(db, 99)
    with pytest.raises(NotFoundError, match="vwmon devices add"):
        registers.device(db, "nothing")
    with pytest.raises(NotFoundError, match="vwmon patients"):
        registers.stays_of(db, "P9")
