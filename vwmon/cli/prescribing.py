"""What `vwmon patients plan` prescribes: an SpO2 scale with its target range, or a usual value, and the end of either.

Here: the options, reading them, and what is said when it is done. What may be prescribed is
vwmon.patients.prescriptions', where it is kept vwmon.store.prescribing'.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from devices.vitals import VITALS
from vwmon.cli import prescription_rows, render
from vwmon.cli.changing import Change, Why, changing, tell
from vwmon.cli.options import refuse_first
from vwmon.cli.render import Format
from vwmon.errors import UsageError
from vwmon.patients import prescriptions
from vwmon.patients.prescriptions import BELOW_TARGET, SATURATION, SCALE, TARGETS, USUAL, Prescription
from vwmon.patients.records import Stay
from vwmon.store import prescribing, registers
from vwmon.store.prescribing import Wanted

END_SCALE, END_USUAL = "spo2-scale", "usual:"  # what --end takes beside the names of rules

ScaleOption = Annotated[
    int | None,
    typer.Option("--spo2-scale", metavar="1|2", help="Prescribe the SpO2 scale of NEWS2.", show_default=False),
]
TargetOption = Annotated[
    str,
    typer.Option(
        "--target", metavar="LOW-HIGH", help="With it, the range in %; scale 2 has 88-92.", show_default=False
    ),
]
UsualOption = Annotated[
    str,
    typer.Option("--usual", metavar="VITAL=VALUE", help="State what is usual, as in weight=82.5.", show_default=False),
]
PrescriberOption = Annotated[
    str, typer.Option("--prescriber", metavar="NAME", help="Who decided it; of a scale a must.", show_default=False)
]
FromOption = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Of a prescription: since when; else now.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the command was told of a prescription; `ends` is what --end named."""

    scale: int | None = None
    target: str = ""
    usual: str = ""
    prescriber: str = ""
    from_: str = ""
    ends: str = ""
    why: Why

    @property
    def ending(self) -> bool:
        """Tell whether --end names a prescription, and no rule."""
        return self.ends == END_SCALE or self.ends.startswith(END_USUAL)

    @property
    def any(self) -> bool:
        """Tell whether anything was said of a prescription at all."""
        several = (self.scale is not None, self.target, self.usual, self.prescriber, self.from_, self.ending)
        return any(several)


def check(said: Said, *, beside: bool) -> None:
    """UsageError for options that do not go together: one prescription at a time, or the end of one.

    `beside`: something was said of a limit, or of what the patient is asked, as well.
    """
    kinds = [said.scale is not None, bool(said.usual), said.ending]
    refuse_first(
        (beside, "one change at a time: a limit, what is asked, or a prescription"),
        (sum(kinds) > 1, "one change at a time: --spo2-scale, --usual or --end"),
        (said.target and said.scale is None, "--target goes with the --spo2-scale that it is prescribed with"),
        (not any(kinds), "say what is prescribed: --spo2-scale 1 or 2, or --usual VITAL=VALUE"),
        (said.why.until and said.why.for_, "either --until or --for"),
        (said.ending and (said.why.until or said.why.for_), "a prescription ends at once or --from a time; no --until"),
        (not said.why.reason.strip(), "a prescription, and its end, needs a reason: --reason TEXT"),
    )


def run(config: Path | None, db: Path | None, as_name: str, patient: str, said: Said, form: Format) -> None:
    """Prescribe, or end what is prescribed, and say what holds from when on."""
    with changing(config, db, as_name) as change:
        before = registers.open_stay(change.db, patient)
        wanted = _wanted(patient, said, change)
        act = prescribing.end if said.ending else prescribing.put
        stay, written = act(change.db, wanted, change.by)
        row = {"patient": patient, "ends": written.ends} | _row(stay, written, change)
        told = list(_told(change, before, stay, written))
    tell(row, form, *(line for sentence in told for line in render.folded(sentence)))


def _wanted(patient: str, said: Said, change: Change) -> Wanted:
    from_ms = change.moment(said.from_)
    what, vital, usual = _kind(said)
    return Wanted(
        patient=patient,
        what=what,
        vital=vital,
        scale=said.scale,
        target=_target(said),
        usual=usual,
        prescriber=said.prescriber or ("" if said.scale is not None else change.by.actor),
        reason=said.why.reason,
        from_ms=from_ms,
        to_ms=said.why.to_ms(from_ms),
    )


def _kind(said: Said) -> tuple[str, str, float | None]:
    """Give the kind of prescription, its vital, and the value that is stated."""
    if said.usual:
        vital, _, value = said.usual.partition("=")
        try:
            return USUAL, vital.strip(), float(value)
        except ValueError as error:
            raise UsageError(f"{said.usual!a} is not a vital and its usual value, such as weight=82.5") from error
    if said.ends.startswith(END_USUAL):
        return USUAL, said.ends.removeprefix(END_USUAL), None
    return SCALE, SATURATION, None


def _target(said: Said) -> tuple[int, int] | None:
    if said.scale is None:
        return None
    return prescriptions.targeted(said.scale, prescriptions.target(said.target) if said.target else None)


def _row(stay: Stay, written: Prescription, change: Change) -> dict[str, Any]:
    """Give the record as a row; of an end, what it ended."""
    several = prescription_rows.rows(stay, change.by.at_ms)
    own = next((row for row in several if row["prescription"] == written.prescription_no), None)
    ended = [
        one.prescription.prescription_no
        for one in prescriptions.held(stay.prescriptions)
        if one.by is not None and one.by.prescription_no == written.prescription_no
    ]
    replaces = [row for row in several if row["prescription"] in ended]
    return (own or {"from": render.utc(written.from_ms), "reason": written.reason}) | {"replaces": replaces}


def _told(change: Change, before: Stay, stay: Stay, written: Prescription) -> Iterator[str]:
    row = _row(stay, written, change)
    since = change.here(written.from_ms, stay.ward)
    if written.ends:
        yield f"Ended for {stay.patient} from {since} on, by {written.prescriber}: {written.reason}"
    else:
        yield f"Prescribed for {stay.patient}, from {since}: {prescription_rows.said(row)}."
        yield prescription_rows.by_whom(row, change.clock(stay.ward))
    for one in row["replaces"]:
        was = "What was prescribed" if written.ends else "In the place of"
        yield f"{was}: {prescription_rows.said(one)} (prescription {one['prescription']})"
    yield from _follows(change, before, stay, written)
    yield f"Undo: {_undo(change, before, stay, written)}"


def _follows(change: Change, before: Stay, stay: Stay, written: Prescription) -> Iterator[str]:
    """Say what comes of it for scores and alerts."""
    if written.usual is not None:
        _warn_of(written)
    if written.what == USUAL:
        yield "Rules that a plan has on compare with it from the next reading on: spo2_from_stated, weight_from_stated."
        return
    was, holds = before.scale_at(written.from_ms), stay.scale_at(written.from_ms)
    if was != holds:
        yield f"What is measured from then on is scored on scale {holds}, what was before on scale {was}, however late."
        if written.from_ms < change.by.at_ms:
            yield "Scores since then are made anew: that may raise an alert, and clears none."
        else:
            yield f"A score that stands was made on scale {was}, and stays until the next reading."
    if written.ends:
        yield "No scale is prescribed from then on: it is scale 1."
    elif written.to_ms is not None:
        yield f"From {change.here(written.to_ms, stay.ward)} on no scale is prescribed: it is scale 1 then."
    if written.low is not None:
        yield f"A saturation below {written.low:g} % is watched, once confirmed ({BELOW_TARGET})."
    elif written.scale is not None:
        yield "No target range is prescribed, so that no saturation is below it."
    if written.scale == 1 and (written.low, written.high) == TARGETS[2]:
        render.warn("note: for a target of 88-92 % in hypercapnic failure NEWS2 has scale 2; this is scale 1")


def _warn_of(written: Prescription) -> None:
    known = VITALS[written.vital]
    if written.usual is not None and known.unusual(written.usual):
        render.warn(f"note: {written.usual:g} {known.unit} is out of the ordinary for {written.vital}; read it again")


def _undo(change: Change, before: Stay, stay: Stay, written: Prescription) -> str:
    """Give the command that prescribes again what held before, or ends what was prescribed."""
    base = f"vwmon patients plan {stay.patient}"
    since = f" --from {render.utc(written.from_ms)}" if written.from_ms != change.by.at_ms else ""
    held = prescriptions.in_force(before.prescriptions, max(written.from_ms, before.admitted_ms), *written.key)
    if held is None:
        what = END_SCALE if written.what == SCALE else f"{END_USUAL}{written.vital}"
        return f"{base} --end {what} --reason TEXT{since}"
    if held.usual is not None:
        return f"{base} --usual {held.vital}={held.usual:g} --reason TEXT{since}"
    target = f" --target {held.low:g}-{held.high:g}" if held.low is not None else ""
    return f"{base} --spo2-scale {held.scale}{target} --prescriber NAME --reason TEXT{since}"
