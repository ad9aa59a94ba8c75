"""What the stage of a stay follows from, read from the registers; and the steps that are neither stay nor device.

Which step may be taken when is vwmon.patients.stages'. Every step leaves a line in the registers' journal, without
anything that identifies a person.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from devices import topics
from devices.errors import TopicError
from vwmon.errors import NotFoundError, RefusedError, UsageError
from vwmon.patients import admission, stages
from vwmon.patients.records import By, Fact, Identity, Referral, Stay
from vwmon.patients.stages import Facts
from vwmon.store import facts, glance, identities, referrals, registers, whereabouts
from vwmon.store.facts import Said
from vwmon.store.referrals import Wish
from vwmon.store.sqlite import Connection
from vwmon.store.whereabouts import Given

SCORED = "select stay_no from stay where exists (select 1 from score where score.stay_no = stay.stay_no)"
NOTHING: Mapping[str, Fact] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the stages of everyone follow from, read at one moment. In a recording nobody is asked for consent."""

    noted: Mapping[int, Mapping[str, Fact]]
    given: Mapping[int, Given]
    out: Mapping[int, list[str]]
    heard: Collection[int]
    away: Mapping[int, int]
    referrals: Mapping[str, list[Referral]]
    recorded: bool = False

    def facts(self, stay: Stay) -> Facts:
        """Give what the stage of a stay follows from."""
        given, noted = self.given.get(stay.stay_no, Given()), self.noted.get(stay.stay_no, NOTHING)
        no_kit = facts.KIT in noted and noted[facts.KIT].value == facts.NO
        return Facts(
            stay=stay,
            kit=no_kit or given.device or given.by_hand,
            kit_given=given.device,
            kit_out=stay.stay_no in self.out,
            consent=self.recorded or (facts.CONSENT in noted and noted[facts.CONSENT].value == facts.YES),
            first_reading=stay.stay_no in self.heard,
            away=stay.stay_no in self.away,
        )

    def of_patient(self, patient: str, stay: Stay | None) -> Facts:
        """Give what the stage of a patient follows from, whose latest stay this is."""
        referral = stages.last_of(self.referrals.get(patient, ()))
        if stay is None:
            return Facts(referral=referral)
        found = self.facts(stay)
        return Facts(**{name: getattr(found, name) for name in Facts.__slots__} | {"referral": referral})

    def expected_days(self, stay: Stay) -> int | None:
        """Give for how many days a stay is expected to last; None where nobody has said."""
        fact = self.noted.get(stay.stay_no, NOTHING).get(facts.EXPECTED_DAYS)
        return None if fact is None else int(fact.value)


def read(db: Connection, now_ms: int, *, recorded: bool = False) -> Known:
    """Read what the stages of everyone follow from at a time."""
    heard = {one.stay_no for one in glance.ward(db) if one.last_ms is not None}
    by_patient: dict[str, list[Referral]] = {}
    for one in referrals.every(db):
        by_patient.setdefault(one.patient, []).append(one)
    return Known(
        noted=facts.latest(db),
        given=whereabouts.given(db),
        out=whereabouts.out(db),
        heard=heard | {stay_no for (stay_no,) in db.execute(SCORED)},
        away=glance.away(db, now_ms),
        referrals=by_patient,
        recorded=recorded,
    )


def check(db: Connection, step: str, patient: str, now_ms: int) -> None:
    """Raise ConflictError or NotFoundError when a patient is not where a step may be taken."""
    known, stay = read(db, now_ms), _latest(db, patient)
    stages.check(step, patient, stages.stage(known.of_patient(patient, stay)))


def refer(db: Connection, wish: Wish, by: By) -> Referral:
    """Write down that somebody asks a ward to take a patient; nobody is scored by it."""
    admission.identifier(wish.patient)
    try:
        topics.ward_name(wish.ward)
    except TopicError as error:
        raise UsageError(str(error)) from error
    with registers.change(db):
        check(db, "refer", wish.patient, by.at_ms)
        found = referrals.write(db, wish)
        registers.journal(db, by, f"refer {found.referral_no}")
    return found


def accept(db: Connection, patient: str, by: By) -> Referral:
    """Accept an open referral; nobody is scored before the admission."""
    with registers.change(db):
        check(db, "accept", patient, by.at_ms)
        found = referrals.accept(db, patient, by)
        registers.journal(db, by, f"accept {found.referral_no}")
    return found


def decline(db: Connection, patient: str, reason: str, by: By) -> Referral:
    """Decline an open referral, and say why by a code."""
    admission.decline_reason(reason)
    with registers.change(db):
        check(db, "decline", patient, by.at_ms)
        found = referrals.decline(db, patient, reason, by)
        registers.journal(db, by, f"decline {found.referral_no} {reason}")
    return found


def note(db: Connection, patient: str, said: Said, by: By) -> Stay:
    """Note something of the stay that a patient is on, from a time on."""
    with registers.change(db):
        stay = registers.open_stay(db, patient)
        if said.from_ms < stay.admitted_ms:
            raise UsageError(f"patient {patient!a} was not on the ward yet at that time")
        facts.write(db, stay.stay_no, said, by)
        registers.journal(db, by, f"note {said.what} {said.value}", stay.stay_no)
    return stay


def correct(db: Connection, patient: str, said: Mapping[str, str], by: By) -> tuple[Stay, Identity]:
    """Correct what identifies the person of a patient's latest stay; the journal has the names of the fields only."""
    with registers.change(db):
        stay = registers.stays_of(db, patient)[0]
        if "born" in said and stay.age_bands:
            raise RefusedError(
                "a child's date of birth decides its chart: discharge with the reason error, and admit again"
            )
        person = admission.corrected(identities.of_stay(db, stay.stay_no), said, stay.admitted_ms)
        identities.check_free(db, person.nhs_number, patient)
        identities.write(db, person)
        registers.journal(db, by, f"correct {' '.join(sorted(said))}", stay.stay_no)
    return stay, person


def _latest(db: Connection, patient: str) -> Stay | None:
    try:
        return registers.stays_of(db, patient)[0]
    except NotFoundError:
        return None
