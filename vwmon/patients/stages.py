"""How far a stay has come, from the referral to the return of the kit: its stages, and which step leads where. Pure.

A stage is never stored: it follows from what is (a referral, an admission, who has which device, a first reading, a
pause), so that it cannot contradict it. Whose readings are scored is not decided here: a stay's own, from the admission
to the discharge, in whatever stage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vwmon.durations import DAY_MS
from vwmon.errors import ConflictError, NotFoundError
from vwmon.patients.records import Referral, Stay


class Stage(StrEnum):
    """How far somebody has come, in order."""

    REFERRED = "referred"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    ONBOARDING = "onboarding"
    ACTIVE = "active"
    PAUSED = "paused"
    DISCHARGED = "discharged"
    KIT_RETURNED = "kit returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that somebody may take: from which stages, None being someone unknown, and what it can lead to.

    In the stages `past` somebody else was first; in any other there is nobody to take the step with.
    """

    out_of: frozenset[Stage | None]
    into: frozenset[Stage]
    past: frozenset[Stage] = frozenset()


AWAY: Final[frozenset[Stage | None]] = frozenset({None, Stage.DECLINED, Stage.DISCHARGED, Stage.KIT_RETURNED})
REFERRED: Final = frozenset({Stage.REFERRED, Stage.ACCEPTED})
THERE: Final = frozenset({Stage.ONBOARDING, Stage.ACTIVE, Stage.PAUSED})
LEFT: Final = frozenset({Stage.DISCHARGED, Stage.KIT_RETURNED})
# Referral and acceptance may be left out: an admission is one step from anywhere outside of a ward.
STEPS: Final[Mapping[str, Step]] = {
    "refer": Step(out_of=AWAY, into=frozenset({Stage.REFERRED}), past=THERE | REFERRED),
    "accept": Step(out_of=frozenset({Stage.REFERRED}), into=frozenset({Stage.ACCEPTED}), past=THERE | {Stage.ACCEPTED}),
    "decline": Step(out_of=frozenset(REFERRED), into=frozenset({Stage.DECLINED}), past=THERE | {Stage.DECLINED}),
    "admit": Step(out_of=AWAY | REFERRED, into=frozenset({Stage.ONBOARDING}), past=THERE),
    "note": Step(out_of=frozenset(THERE), into=THERE),
    "pause": Step(out_of=frozenset(THERE), into=THERE),
    "transfer": Step(out_of=frozenset(THERE), into=THERE),
    "discharge": Step(out_of=frozenset(THERE), into=LEFT),
    "kit back": Step(out_of=frozenset({Stage.DISCHARGED}), into=LEFT),
}
KIT, CONSENT, FIRST_READING = "kit", "consent", "first reading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the stage of somebody follows from.

    `kit` is a device that was given, or that there is none on purpose; `kit_out` that a device is not back, and
    `kit_given` that there was one. `stay` is the latest, `referral` one that has not become a stay.
    """

    referral: Referral | None = None
    stay: Stay | None = None
    kit: bool = False
    kit_given: bool = False
    kit_out: bool = False
    consent: bool = False
    first_reading: bool = False
    away: bool = False


def stage(facts: Facts) -> Stage | None:
    """Give how far somebody has come; None of whom nothing is known.

    A referral that came later goes before a stay that is over.
    """
    if facts.stay is not None and facts.stay.discharged_ms is None:
        return _there(facts)
    referral = facts.referral
    if referral is not None and (facts.stay is None or referral.referred_ms >= facts.stay.admitted_ms):
        return _referred(referral)
    if facts.stay is None:
        return None
    return Stage.KIT_RETURNED if facts.kit_given and not facts.kit_out else Stage.DISCHARGED


def lacking(facts: Facts) -> list[str]:
    """Name what an onboarding still lacks, in the order in which it is usually done."""
    there = {KIT: facts.kit, CONSENT: facts.consent, FIRST_READING: facts.first_reading}
    return [name for name, done in there.items() if not done]


def check(step: str, patient: str, at: Stage | None) -> None:
    """Raise NotFoundError for a step of somebody who has not come to it, ConflictError for who is past it already."""
    if at in STEPS[step].out_of:
        return
    how = "was never heard of here" if at is None else f"is {at.value}"
    message = f"cannot {step}: patient {patient!a} {how}; see: vwmon patients --all"
    raise ConflictError(message) if at in STEPS[step].past else NotFoundError(message)


def expected_until_ms(stay: Stay, days: int | None) -> int | None:
    """Give when a stay is expected to be over; None where nobody has said."""
    return None if days is None else stay.admitted_ms + days * DAY_MS


def overrun_ms(stay: Stay, days: int | None, now_ms: int) -> int:
    """Give by how much a stay goes on longer than was expected; nothing of one that is over, and nothing ends by it."""
    until_ms = expected_until_ms(stay, days)
    return 0 if until_ms is None or stay.discharged_ms is not None else max(0, now_ms - until_ms)


def last_of(referrals: Sequence[Referral]) -> Referral | None:
    """Give the latest referral of a patient that has not become a stay."""
    return max((one for one in referrals if one.stay_no is None), key=lambda one: one.referral_no, default=None)


def _referred(referral: Referral) -> Stage:
    if referral.declined_ms is not None:
        return Stage.DECLINED
    return Stage.REFERRED if referral.accepted_ms is None else Stage.ACCEPTED


def _there(facts: Facts) -> Stage:
    if facts.away:
        return Stage.PAUSED
    return Stage.ONBOARDING if lacking(facts) else Stage.ACTIVE
