"""How far a stay has come: the stage follows from facts, and a step leads only where the table says."""

from dataclasses import replace
from itertools import product

import pytest

from vwmon.durations import DAY_MS
from vwmon.errors import ConflictError, NotFoundError
from vwmon.patients import stages
from vwmon.patients.records import Referral, Stay
from vwmon.patients.stages import STEPS, Facts, Stage

STAY = Stay(
    stay_no=1,
    patient="P1",
    ward="resp",
    pathway="general",
    plan_version="1",
    admitted_ms=100,
    discharged_ms=None,
    discharge_reason=None,
    spo2_scale=1,
    scale_prescriber="",
)
LEFT = replace(STAY, discharged_ms=200, discharge_reason="recovered")
ASKED = Referral(
    referral_no=1,
    patient="P1",
    ward="resp",
    source="GP",
    referred_ms=50,
    accepted_ms=None,
    declined_ms=None,
    decline_reason=None,
    stay_no=None,
)
READY = Facts(stay=STAY, kit=True, consent=True, first_reading=True)


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        (Facts(), None),
        (Facts(referral=ASKED), Stage.REFERRED),
        (Facts(referral=replace(ASKED, accepted_ms=60)), Stage.ACCEPTED),
        (Facts(referral=replace(ASKED, declined_ms=60, decline_reason="full")), Stage.DECLINED),
        (Facts(stay=STAY), Stage.ONBOARDING),
        (replace(READY, consent=False), Stage.ONBOARDING),
        (replace(READY, kit=False), Stage.ONBOARDING),
        (replace(READY, first_reading=False), Stage.ONBOARDING),
        (READY, Stage.ACTIVE),
        (replace(READY, away=True), Stage.PAUSED),
        (Facts(stay=LEFT, kit_given=True, kit_out=True), Stage.DISCHARGED),
        (Facts(stay=LEFT, kit_given=True), Stage.KIT_RETURNED),
        (Facts(stay=LEFT), Stage.DISCHARGED),
        (Facts(stay=LEFT, referral=ASKED), Stage.DISCHARGED),
        (Facts(stay=LEFT, referral=replace(ASKED, referred_ms=300)), Stage.REFERRED),
        (replace(READY, referral=replace(ASKED, referred_ms=300)), Stage.ACTIVE),
    ],
)
def test_the_stage_follows_from_what_is(facts: Facts, stage: Stage | None) -> None:
    """From the referral to the kit that is back; a referral from before a stay says nothing any more."""
    assert stages.stage(facts) is stage


def test_an_onboarding_says_what_it_lacks() -> None:
    """In the order in which it is done."""
    assert stages.lacking(Facts(stay=STAY)) == ["kit", "consent", "first reading"]
    assert stages.lacking(replace(READY, consent=False)) == ["consent"]
    assert stages.lacking(READY) == []


@pytest.mark.parametrize(("step", "at"), list(product(STEPS, [None, *Stage])))
def test_every_step_from_every_stage_is_allowed_or_says_which_way_it_failed(step: str, at: Stage | None) -> None:
    """Somebody who is past it is a conflict (5); nobody to take it with is not found (3)."""
    if at in STEPS[step].out_of:
        stages.check(step, "P1", at)
        return
    with pytest.raises(ConflictError if at in STEPS[step].past else NotFoundError, match="'P1'"):
        stages.check(step, "P1", at)


def test_from_every_stage_there_is_a_way_to_be_watched() -> None:
    """Nobody can be stuck where no admission is possible and none is there."""
    assert all(at in STEPS["admit"].out_of or at in stages.THERE for at in [None, *Stage])


def test_a_stay_runs_over_from_the_end_of_the_days_that_were_said_and_not_after_it_is_over() -> None:
    """Where nobody has said, there is no overrun."""
    end_ms = 100 + 3 * DAY_MS
    assert stages.expected_until_ms(STAY, 3) == end_ms
    assert [stages.overrun_ms(STAY, 3, at_ms) for at_ms in (end_ms - 1, end_ms, end_ms + 7)] == [0, 0, 7]
    assert stages.overrun_ms(STAY, None, end_ms + 7) == 0
    assert stages.overrun_ms(LEFT, 3, end_ms + 7) == 0
