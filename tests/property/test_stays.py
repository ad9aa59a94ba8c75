"""Stays through any order of steps: the register does what the table of steps says, and never anything else."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vwmon.errors import ConflictError, NotFoundError, VwmonError
from vwmon.patients import plans
from vwmon.patients import stages as table
from vwmon.patients.admission import Admission
from vwmon.patients.records import By, Stay
from vwmon.patients.stages import STEPS, Stage
from vwmon.store import database, facts, pauses, registers, stages, transfers
from vwmon.store.facts import Said
from vwmon.store.referrals import Wish

PATIENTS = st.sampled_from(["P1", "P2"])
PLAN = plans.load("general")
MINUTE = 60_000


class Stays(RuleBasedStateMachine):
    """Two patients, two devices, two wards, and a clock that goes on with every step."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        with TemporaryDirectory() as folder, closing(database.create(Path(folder) / "like.db")) as like:
            self.db = database.scratch(like)
        self.now_ms = 1_795_000_000_000
        for device in ("cuff", "scale"):
            registers.add_device(self.db, device, self.by())

    def teardown(self) -> None:
        """Let the database go."""
        self.db.close()

    def by(self) -> By:
        """Give who acts, a minute later than before."""
        self.now_ms += MINUTE
        return By(actor="ann", at_ms=self.now_ms)

    def latest(self, patient: str) -> Stay | None:
        """Read the latest stay of a patient."""
        try:
            return registers.stays_of(self.db, patient)[0]
        except NotFoundError:
            return None

    def stage(self, patient: str) -> Stage | None:
        """Read how far a patient has come."""
        return table.stage(stages.read(self.db, self.now_ms).of_patient(patient, self.latest(patient)))

    def step(self, name: str, patient: str, take: Callable[[By], object]) -> None:
        """Take a step: allowed and into what the table says, or refused in its way with nothing written."""
        at, by, before = self.stage(patient), self.by(), self.written()
        if at in STEPS[name].out_of:
            take(by)
            assert self.stage(patient) in STEPS[name].into, (name, at, self.stage(patient))
            assert self.written() > before
            return
        with pytest.raises(ConflictError if at in STEPS[name].past else NotFoundError):
            take(by)
        assert self.written() == before

    def written(self) -> int:
        """Count the lines of the journal."""
        return int(self.db.execute("select count(*) from register_log").fetchone()[0])

    @rule(patient=PATIENTS, ward=st.sampled_from(["resp", "frail"]))
    def refer(self, patient: str, ward: str) -> None:
        """Refer a patient."""
        self.step("refer", patient, lambda by: stages.refer(self.db, Wish(patient, ward, "GP", by.at_ms), by))

    @rule(patient=PATIENTS)
    def accept(self, patient: str) -> None:
        """Accept a referral."""
        self.step("accept", patient, lambda by: stages.accept(self.db, patient, by))

    @rule(patient=PATIENTS)
    def decline(self, patient: str) -> None:
        """Decline a referral."""
        self.step("decline", patient, lambda by: stages.decline(self.db, patient, "full", by))

    @rule(patient=PATIENTS)
    def admit(self, patient: str) -> None:
        """Admit a patient."""

        def take(by: By) -> object:
            wanted = Admission(patient=patient, ward="resp", plan=PLAN, admitted_ms=by.at_ms, born="1950-01-01")
            return registers.admit(self.db, wanted, by)

        self.step("admit", patient, take)

    @rule(patient=PATIENTS, what=st.sampled_from([facts.CONSENT, facts.KIT]), value=st.sampled_from(["yes", "no"]))
    def note(self, patient: str, what: str, value: str) -> None:
        """Note something of a stay."""
        self.step("note", patient, lambda by: stages.note(self.db, patient, Said(what, value, by.at_ms), by))

    @rule(patient=PATIENTS, minutes=st.integers(1, 5))
    def pause(self, patient: str, minutes: int) -> None:
        """Pause a patient."""

        def take(by: By) -> object:
            stay = registers.open_stay(self.db, patient)
            return pauses.give(self.db, stay, (by.at_ms, by.at_ms + minutes * MINUTE), "scan", by)

        self.step("pause", patient, take)

    @rule(patient=PATIENTS)
    def transfer(self, patient: str) -> None:
        """Send a patient to the other ward."""
        stay = self.latest(patient)
        to = "frail" if stay is not None and stay.ward == "resp" else "resp"

        def take(by: By) -> object:
            return transfers.move(self.db, transfers.Wanted(patient=patient, to=to, at_ms=by.at_ms, reason="x"), by)

        self.step("transfer", patient, take)

    @rule(patient=PATIENTS)
    def discharge(self, patient: str) -> None:
        """Discharge a patient."""
        self.step("discharge", patient, lambda by: registers.discharge(self.db, patient, "recovered", by.at_ms, by))

    @rule(patient=PATIENTS, device=st.sampled_from(["cuff", "scale"]))
    def assign(self, patient: str, device: str) -> None:
        """Give a device to a patient, if that may be."""
        try:
            registers.assign(self.db, device, patient, self.now_ms, self.by())
        except VwmonError:
            return
        assert self.stage(patient) in table.THERE

    @rule(device=st.sampled_from(["cuff", "scale"]))
    def give_back(self, device: str) -> None:
        """Take a device back, from a patient who is there or has left."""
        try:
            registers.return_device(self.db, device, self.now_ms, self.by())
        except NotFoundError:
            assert device not in [one for several in stages.read(self.db, self.now_ms).out.values() for one in several]
            return
        assert device not in [one for several in stages.read(self.db, self.now_ms).out.values() for one in several]

    @invariant()
    def who_is_watched_is_who_is_there(self) -> None:
        """Everyone with an open stay is in a stage of being there, and nobody else."""
        open_now = {stay.patient for stay in registers.stays(self.db, open_only=True)}
        assert open_now == {patient for patient in ("P1", "P2") if self.stage(patient) in table.THERE}

    @invariant()
    def nobody_waits_who_is_there(self) -> None:
        """An open referral ends with the admission."""
        rows = self.db.execute("""select count(*) from referral join stay using (patient)
            where referral.stay_no is null and declined_ms is null and discharged_ms is null""")
        assert rows.fetchone() == (0,)

    @invariant()
    def a_device_is_out_with_one_person_at_most(self) -> None:
        """Whoever had it last and left; not with someone who gave it back, or when another has it."""
        out = [one for several in stages.read(self.db, self.now_ms).out.values() for one in several]
        held = [
            row[0]
            for row in self.db.execute(
                "select device from assignment join device using (device_no) where to_ms is null"
            )
        ]
        assert len(out) == len(set(out))
        assert not set(out) & set(held)

    @invariant()
    def the_wards_of_a_stay_follow_each_other(self) -> None:
        """Each transfer begins where the one before ended, and the last is where the stay is."""
        for stay in registers.stays(self.db):
            moved = transfers.of_stay(self.db, stay.stay_no)
            assert [one.to_ward for one in moved[:-1]] == [one.from_ward for one in moved[1:]]
            assert not moved or moved[-1].to_ward == stay.ward


Stays.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestStays = Stays.TestCase
