"""Prescriptions in the database: only ever added, in the journal, and honest about what an older database had."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.db.test_store_schema import of_the_schema_before
from vwmon.patients import plans, prescriptions
from vwmon.patients.admission import Admission
from vwmon.patients.prescriptions import NOT_RECORDED
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.sqlite import IntegrityError, module

STAY = "insert into stay values ({}, '{}', 'w', 'copd', '1', 1000, null, null, {}, '{}')"
ADDED = """insert into prescription (stay_no, what, vital, scale, low, high, usual, prescriber, reason, from_ms, to_ms,
    actor, written_ms) values (1, {}, 5, {}, 'ann', 5)"""


@pytest.mark.hazard("H9")
def test_a_scale_of_before_becomes_a_record_that_says_what_was_not_kept(tmp_path: Path) -> None:
    """Who prescribed it is known, why is not, and of scale 1 nothing was; its range counts from the migration on."""
    path = of_the_schema_before(tmp_path / "ward.db")
    with closing(module.connect(path)) as db:
        db.execute(STAY.format(1, "P1", 2, "Dr Osei"))
        db.execute(STAY.format(2, "P2", 1, ""))
        db.execute(STAY.format(3, "P3", 2, "  "))
        db.execute("insert into register_log values (1, 2000, 'ann', 'admit w copd', 1, null)")
        db.execute(
            "insert into monitor values (1, 'live', 0, 9000, 1, null, null, null, 0, null, '', '', null, null)",
        )
        db.commit()
    database.migrate(path)
    with closing(database.open_writer(path)) as db:
        found = {stay.patient: stay for stay in registers.stays(db)}
    (one,) = found["P1"].prescriptions
    assert (one.scale, one.low, one.high, one.prescriber, one.from_ms) == (2, 88, 92, "Dr Osei", 1000)
    assert (one.actor, one.written_ms) == ("vwmon db migrate", 9000)
    assert "recorded at the admission; why was not recorded" in one.reason
    assert found["P2"].prescriptions == ()
    (blank,) = found["P3"].prescriptions
    assert blank.prescriber == NOT_RECORDED
    (limit,) = prescriptions.limits([one])
    assert limit.from_ms == 9000
    assert (found["P1"].scale_at(1000), found["P2"].scale_at(1000)) == (2, 1)


def test_an_admission_on_scale_2_writes_its_record_in_the_same_transaction(tmp_path: Path) -> None:
    """Never a stay on scale 2 without one."""
    wanted = Admission(
        patient="P1",
        ward="w",
        plan=plans.load("copd"),
        admitted_ms=9,
        born="1950-01-01",
        spo2_scale=2,
        prescriber="Dr O",
    )
    with closing(database.create(tmp_path / "ward.db")) as db:
        stay = registers.admit(db, wanted, By(actor="ann", at_ms=10))
        assert [(one.prescriber, one.from_ms, one.actor) for one in stay.prescriptions] == [("Dr O", 9, "ann")]
        assert [entry.what for entry in registers.unnoticed(db)] == ["admit w copd"]


@pytest.mark.hazard("H9")
@pytest.mark.parametrize(
    ("says", "by"),
    [
        ("'scale', 'spo2', 2, 90, 94, null", "'Dr O', 'why'"),
        ("'scale', 'spo2', 2, null, null, null", "'Dr O', 'why'"),
        ("'scale', 'spo2', 3, null, null, null", "'Dr O', 'why'"),
        ("'scale', 'spo2', 1, 94, null, null", "'Dr O', 'why'"),
        ("'scale', 'spo2', 1, 98, 94, null", "'Dr O', 'why'"),
        ("'scale', 'spo2', null, null, null, 91", "'Dr O', 'why'"),
        ("'usual', 'spo2', 2, 88, 92, null", "'Dr O', 'why'"),
        ("'scale', 'spo2', 2, 88, 92, null", "'', 'why'"),
        ("'scale', 'spo2', 2, 88, 92, null", "'Dr O', ''"),
    ],
)
def test_the_database_itself_refuses_what_can_be_no_prescription(tmp_path: Path, says: str, by: str) -> None:
    """Scale 2 with another target, or without a name under it, is refused below every program."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        db.execute("insert into stay values (1, 'P1', 'w', 'copd', '1', 1, null, null, 1, '', '')")
        good = f"'scale', 'spo2', 2, 88, 92, null, 'Dr O', 'why', {5}, null"
        db.execute(ADDED.replace("{}, 5, {}", good))
        with pytest.raises(IntegrityError):
            db.execute(ADDED.format(f"{says}, {by}", "null"))
