"""Prescriptions as rows for programs and words for people: what a plan, a patient's page and an alert's page show."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from vwmon.cli.render import Here, utc
from vwmon.patients import prescriptions
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.prescriptions import SCALE, USUAL, Held, Prescription
from vwmon.patients.records import Stay

Record = dict[str, Any]

LAYER = "prescription"
IN_FORCE, TO_COME, OVER, FORESTALLED = "in force", "to come", "over", "never came to hold"
SAID_BY: Mapping[str, str] = {
    IN_FORCE: "in force",
    TO_COME: "TO COME",
    OVER: "over",
    FORESTALLED: FORESTALLED,
}


def rows(stay: Stay, at_ms: int) -> list[Record]:
    """Give every prescription of a stay that says something, in the order of writing, as it is at a moment."""
    return [_row(one, at_ms) for one in prescriptions.held(stay.prescriptions)]


def now(stay: Stay, at_ms: int) -> Record:
    """Give what is prescribed at a moment: the scale, by whom, and its target; the usual values by vital."""
    held = prescriptions.in_force(stay.prescriptions, at_ms, SCALE)
    usual = {
        vital: found.usual
        for vital in prescriptions.stated(stay.prescriptions)
        if (found := prescriptions.in_force(stay.prescriptions, at_ms, USUAL, vital)) is not None
    }
    return {
        "spo2_scale": stay.scale_at(at_ms),
        "scale_prescriber": None if held is None else held.prescriber,
        "scale_prescription": None if held is None else held.prescription_no,
        "target": _target(held),
        "stated_usual": usual,
    }


def said(row: Record) -> str:
    """Say what a prescription says: the scale with its target range, or a usual value."""
    if row["what"] == USUAL:
        from devices.vitals import VITALS, printed  # loads slowly, and who has only a scale does without

        known = VITALS[row["vital"]]
        return f"usual {known.title[0].lower()}{known.title[1:]} {row['usual']:g} {printed(known.unit)}"
    return f"SpO2 scale {row['spo2_scale']}{_target_said(row['target'])}"


def _target_said(target: Mapping[str, float] | None) -> str:
    """Say a target range, where there is one, after the scale."""
    return "" if target is None else f", target {target['low']:g}-{target['high']:g} %"


def by_whom(row: Record, here: Here) -> str:
    """Say who prescribed it, from when and until when, who wrote it and when, and why."""
    until = f" until {here(row['until'])}" if row["until"] and row["state"] != FORESTALLED else ""
    wrote = f"written by {row['author']} {here(row['written_at'])}"
    return (
        f"prescription {row['prescription']} by {row['prescriber']}, from {here(row['from'])}{until}; {wrote}: "
        + str(row["reason"])
    )


def lines(several: list[Record], here: Here) -> Iterator[tuple[str, str]]:
    """Give each prescription as a line with the one below it, those in force first."""
    order = [IN_FORCE, TO_COME, OVER, FORESTALLED]
    for row in sorted(several, key=lambda one: (order.index(one["state"]), -one["prescription"])):
        then = "; then " if row["state"] in {IN_FORCE, TO_COME} else "; "
        ended = f"{then}{_ended(row['ended'])}" if row["ended"] else ""
        yield f"{said(row)}: {SAID_BY[row['state']]}{ended}", by_whom(row, here)


def scale_said(record: Mapping[str, Any]) -> str:
    """Say the scale that holds, its prescriber and its target range, out of what `now` gives."""
    prescriber = record["scale_prescriber"]
    by = f", prescribed by {prescriber}" if prescriber else ""
    return f"scale {record['spo2_scale']}{by}{_target_said(record['target'])}"


def usual_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Say the usual values that were stated, out of what `now` gives."""
    for vital, usual in record["stated_usual"].items():
        yield f"Stated by a clinician: {said({'what': USUAL, 'vital': vital, 'usual': usual})}"


def standing(stay: Stay, scored_ms: int | None, at_ms: int) -> str:
    """Say that a score which stands was made on another scale than the one that holds; else nothing.

    Nor is anything said of a stay that is over: no reading follows.
    """
    if stay.chart != NEWS2 or scored_ms is None or stay.discharged_ms is not None:
        return ""
    was, holds = stay.scale_at(scored_ms), stay.scale_at(at_ms)
    return "" if was == holds else f"scored on SpO2 scale {was}; scale {holds} counts from the next reading on"


def of_alert(stay: Stay, evidence: Mapping[str, Any], scored_ms: int | None, at_ms: int) -> Record:
    """Give what is prescribed now, and what was when an alert last rose, by what was written when that was received.

    `scored_ms` is the moment of the score that stands.
    """
    known_ms, rose_ms = evidence.get("received_ms"), evidence.get("at_ms")
    rose = None
    if known_ms is not None and rose_ms is not None:
        known = [one for one in stay.prescriptions if one.written_ms <= known_ms or _of_admission(stay, one)]
        rose = now(replace(stay, prescribed=prescriptions.written(known)), rose_ms)
    return {"now": now(stay, at_ms), "last_rise": rose, "standing": standing(stay, scored_ms, at_ms) or None}


def alert_lines(record: Record) -> Iterator[str]:
    """Say what is prescribed now, and what was not so when an alert last rose; nothing where nothing ever was."""
    held, rose = record["now"], record["last_rise"]
    if held["scale_prescription"] is not None or (rose is not None and rose["scale_prescription"] is not None):
        yield f"SpO2 {scale_said(held)}"
    if rose is not None and rose["scale_prescription"] != held["scale_prescription"]:
        yield f"when it last rose: SpO2 {scale_said(rose)}"
    if record["standing"]:
        yield str(record["standing"])
    yield from usual_lines(held)


def _of_admission(stay: Stay, one: Prescription) -> bool:
    """Tell whether a prescription came with the admission, which may have been written down after it."""
    return one.from_ms == stay.admitted_ms and one is stay.prescriptions[0]


def _row(one: Held, at_ms: int) -> Record:
    given = one.prescription
    return {
        "prescription": given.prescription_no,
        "layer": LAYER,
        "what": given.what,
        "vital": given.vital,
        "spo2_scale": given.scale,
        "target": _target(given),
        "usual": given.usual,
        "prescriber": given.prescriber,
        "author": given.actor,
        "written_at": utc(given.written_ms),
        "reason": given.reason,
        "from": utc(given.from_ms),
        "until": None if one.until_ms is None else utc(one.until_ms),
        "until_as_prescribed": None if given.to_ms is None else utc(given.to_ms),
        "state": _state(one, at_ms),
        "ended": None if one.by is None else _by(one.by),
    }


def _by(other: Prescription) -> Record:
    return {
        "replaced_by": None if other.ends else other.prescription_no,
        "prescriber": other.prescriber,
        "author": other.actor,
        "written_at": utc(other.written_ms),
        "reason": other.reason,
    }


def _ended(ended: Record) -> str:
    if ended["replaced_by"] is not None:
        return f"prescription {ended['replaced_by']} in its place"
    return f"ended by {ended['prescriber']}: {ended['reason']}"


def _state(one: Held, at_ms: int) -> str:
    if not one.ever:
        return FORESTALLED
    if one.in_force(at_ms):
        return IN_FORCE
    return TO_COME if one.prescription.from_ms > at_ms else OVER


def _target(given: Prescription | None) -> Record | None:
    return None if given is None or given.low is None else {"low": given.low, "high": given.high, "unit": "%"}
