"""Devices going round the ward in any order: no reading is given to two stays, or to one that had not the device."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vwmon.errors import VwmonError
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.sqlite import Connection
from vwmon.store.verify import RULES

PATIENTS, DEVICES, HOURS = ("P1", "P2"), ("cuff", "oximeter"), 12
BY = By(actor="nurse", at_ms=0)
BLANK = Admission(patient="", ward="resp", plan=plans.load("general"), admitted_ms=0)

modest = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
patient, device, hour = st.sampled_from(PATIENTS), st.sampled_from(DEVICES), st.integers(0, HOURS)
a_step = (
    st.tuples(st.just("admit"), patient, hour)
    | st.tuples(st.just("discharge"), patient, hour)
    | st.tuples(st.just("assign"), st.tuples(device, patient), hour)
    | st.tuples(st.just("return"), device, hour)
)


class Twin:
    """Who had which device at which hour, as plain sets of hours."""

    def __init__(self) -> None:
        """Begin with an empty ward."""
        self.stays: list[tuple[str, int, int | None]] = []
        self.held: list[list[object]] = []

    def open_stay(self, patient: str) -> int | None:
        """Give the place in `stays` of the stay that a patient is on."""
        return next((n for n, stay in enumerate(self.stays) if stay[0] == patient and stay[2] is None), None)

    def admit(self, patient: str, at: int) -> bool:
        """Begin a stay where the patient is free."""
        free = all(to is not None and to <= at for who, _, to in self.stays if who == patient)
        if free:
            self.stays.append((patient, at, None))
        return free

    def discharge(self, patient: str, at: int) -> bool:
        """End a stay and what it holds."""
        stay = self.open_stay(patient)
        if stay is None or at < self.stays[stay][1]:
            return False
        self.stays[stay] = (*self.stays[stay][:2], at)
        for held in self.held:
            if held[1] == stay and (held[3] is None or int(str(held[3])) > at):
                held[3] = max(int(str(held[2])), at)
        return True

    def assign(self, pair: tuple[str, str], at: int) -> bool:
        """Give a device that is free to a patient who is there."""
        stay = self.open_stay(pair[1])
        free = all(held[3] is not None and int(str(held[3])) <= at for held in self.held if held[0] == pair[0])
        if stay is None or at < self.stays[stay][1] or not free:
            return False
        self.held.append([pair[0], stay, at, None])
        return True

    def returned(self, device: str, at: int) -> bool:
        """Take a device back from whoever has it."""
        held = next((held for held in self.held if held[0] == device and held[3] is None), None)
        if held is None or at < int(str(held[2])):
            return False
        held[3] = at
        return True


def real(db: Connection, verb: str, given_: object, at: int) -> bool:
    """Do one step on the database; False when it is refused."""
    verbs: dict[str, Callable[[], object]] = {
        "admit": lambda: registers.admit(db, replace(BLANK, patient=str(given_), admitted_ms=at), BY),
        "discharge": lambda: registers.discharge(db, str(given_), "other", at, BY),
        "assign": lambda: registers.assign(db, given_[0], given_[1], at, BY),  # type: ignore[index]
        "return": lambda: registers.return_device(db, str(given_), at, BY),
    }
    try:
        verbs[verb]()
    except VwmonError:
        return False
    return True


@pytest.mark.hazard("H4")
@modest
@given(steps=st.lists(a_step, max_size=25))
def test_each_device_belongs_to_whom_a_plain_list_says(steps: list[tuple[str, object, int]]) -> None:
    """Every step is taken or refused as the twin does, and every hour of every device has the same holder, or none."""
    with tempfile.TemporaryDirectory() as folder, closing(database.create(Path(folder) / "ward.db")) as db:
        for name in DEVICES:
            registers.add_device(db, name, BY)
        twin = Twin()
        names = {"admit": "admit", "discharge": "discharge", "assign": "assign", "return": "returned"}
        for verb, given_, at in steps:
            assert real(db, verb, given_, at) is getattr(twin, names[verb])(given_, at), (verb, given_, at)
        told = registers.assignments(db)
        for number, name in enumerate(DEVICES, start=1):
            for at in range(HOURS + 2):
                expected = [h[1] for h in twin.held if h[0] == name and _within(at, h[2], h[3])]
                found = [a.stay_no - 1 for a in told if a.device_no == number and _within(at, a.from_ms, a.to_ms)]
                assert found == expected
                assert len(found) <= 1
        for rule in ("no device belongs to two stays at once", "no device stays with a patient who left"):
            assert db.execute(RULES[rule]).fetchone() == (0,)


def _within(at: int, from_: object, to: object) -> bool:
    return int(str(from_)) <= at and (to is None or at < int(str(to)))
