"""How far stays have come, as the lists and pages show it: the stage, what it lacks, an overrun, kit still out.

What the stage follows from is vwmon.store.stages', what it is vwmon.patients.stages'.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vwmon.cli import register_rows, render
from vwmon.patients import stages
from vwmon.patients.records import Referral, Stay
from vwmon.patients.stages import Stage
from vwmon.store import facts
from vwmon.store.stages import Known

Row = dict[str, Any]
NAMED = 5  # of those whose kit is out so many are named
NOT_YET: Row = {
    "stay": None,
    "pathway": None,
    "plan_version": None,
    "admitted_at": None,
    "discharged_at": None,
    "discharge_reason": None,
    "spo2_scale": None,
    "scale_prescriber": None,
    "scale_prescription": None,
    "target": None,
    "stated_usual": None,
    "devices": [],
    "last_reading_at": None,
}


def stage_row(stay: Stay, known: Known, now_ms: int) -> Row:
    """Give what a list says of how far a stay has come."""
    found, days = known.facts(stay), known.expected_days(stay)
    over_ms = stages.overrun_ms(stay, days, now_ms)
    pregnant = known.noted.get(stay.stay_no, {}).get(facts.PREGNANCY)
    said = pregnant is not None and pregnant.value == facts.YES and pregnant.from_ms <= now_ms
    at = stages.stage(found)
    return {
        "stage": None if at is None else at.value,
        "lacking": stages.lacking(found) if at is Stage.ONBOARDING else [],
        "expected_days": days,
        "expected_until": register_rows.utc_or_none(stages.expected_until_ms(stay, days)),
        "overrun": over_ms > 0,
        "kit_out": known.out.get(stay.stay_no, []),
        "kit_out_since": register_rows.utc_or_none(stay.discharged_ms) if stay.stay_no in known.out else None,
        "pregnant_since": render.utc(pregnant.from_ms) if pregnant is not None and said else None,
    }


def referral_row(referral: Referral) -> Row:
    """Give somebody who was referred and is on no ward as a row of the same columns."""
    at = stages.stage(stages.Facts(referral=referral))
    return (
        {"stay": None, "patient": referral.patient, "ward": referral.ward}
        | NOT_YET
        | {
            "stage": None if at is None else at.value,
            "lacking": [],
            "expected_days": None,
            "expected_until": None,
            "overrun": False,
            "kit_out": [],
            "kit_out_since": None,
            "pregnant_since": None,
            "referred_at": render.utc(referral.referred_ms),
            "referred_by": referral.source or None,
            "decline_reason": referral.decline_reason,
        }
    )


def referred(known: Known, stays: Mapping[str, Stay], ward: str, *, everyone: bool) -> Iterator[Row]:
    """Yield the rows of who waits to be taken onto a ward, or any; of who was declined where everyone is asked for.

    `stays` are the latest of each patient: who is on a ward, or came to one after the referral, is shown there.
    """
    for patient, several in known.referrals.items():
        referral = stages.last_of(several)
        if referral is None or ward not in {"", referral.ward}:
            continue
        at = stages.stage(known.of_patient(patient, stays.get(patient)))
        if at in stages.REFERRED or (everyone and at is Stage.DECLINED):
            yield referral_row(referral)


def still_out(stays: Iterable[Stay], known: Known, now_ms: int) -> list[str]:
    """Give the line about kit that is still out after a discharge, the longest first; nothing where all is back."""
    out = sorted((stay for stay in stays if stay.stay_no in known.out), key=lambda stay: stay.discharged_ms or 0)
    named = [
        f"{stay.patient} ({', '.join(known.out[stay.stay_no])}, {render.ago(now_ms - (stay.discharged_ms or now_ms))})"
        for stay in out[:NAMED]
    ]
    more = [f"and {len(out) - NAMED} more"] if len(out) > NAMED else []
    return [f"kit still out: {', '.join([*named, *more])}"] if out else []


def cell(now_ms: int) -> Any:  # noqa: ANN401 -- a formatter of rows
    """Give a formatter of the cell that says how far somebody has come, and what is out of the ordinary there."""

    def said(row: Mapping[str, Any]) -> str:
        parts = [row["stage"] if row["discharge_reason"] is None else row["discharge_reason"]]
        parts += [f"{_ago(row['expected_until'], now_ms)} over"] if row["overrun"] else []
        parts += [f"kit out {_ago(row['kit_out_since'], now_ms)}"] if row["kit_out"] else []
        parts += ["PREGNANT"] if row["pregnant_since"] else []
        return ", ".join(parts)

    return said


def lines(row: Mapping[str, Any], here: Any) -> Iterator[str]:  # noqa: ANN401 -- a formatter of times
    """Yield what a patient's page says of how far the stay has come."""
    lack = f": still to come: {', '.join(row['lacking'])}" if row["lacking"] else ""
    yield f"Stage: {row['stage']}{lack}"
    if row["expected_until"] is not None:
        over = ", OVERRUN" if row["overrun"] else ""
        yield f"Expected until {here(row['expected_until'])} ({row['expected_days']} days){over}"
    if row["kit_out"]:
        yield f"KIT STILL OUT since {here(row['kit_out_since'])}: {', '.join(row['kit_out'])}"
    for moved in row["transfers"]:
        way = f"from {moved['from']} to {moved['to']}"
        yield f"Transferred {here(moved['at'])} {way}: {moved['reason']} (by {moved['by']})"
    if row["pregnant_since"]:
        yield f"PREGNANT since {here(row['pregnant_since'])}: NEWS2 is excluded (RCP 2017); maternity service"


def _ago(at: str | None, now_ms: int) -> str:
    return render.ago(max(now_ms - register_rows.ms(at), 0)) if at is not None else ""
