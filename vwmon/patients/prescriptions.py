"""What clinicians prescribe of one stay from a time on: the SpO2 scale with its target range, and what is usual. Pure.

Records are only ever added, and of each kind the one that was written last holds for the time that it is about: from
its start on, whatever was said of that time before, up to its end. One that says nothing ends what was said. So a
change ends one and begins the next, and one for a time to come takes effect when it comes. Where they are kept is not
known here, and what a scale means is the chart's.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from alerts.policy import Layer, Limit
from vwmon.errors import RefusedError, UsageError
from vwmon.patients.chart_names import NEWS2

VERB = "prescribe"  # as the lines of the registers' journal begin, with the number of the record after
SCALE, USUAL = "scale", "usual"
SCALES: Final = (1, 2)
TARGETS: Final[Mapping[int, tuple[int, int] | None]] = MappingProxyType({1: None, 2: (88, 92)})  # RCP, NEWS2 2017
SATURATION = "spo2"
BELOW_TARGET = "spo2_below_target"
FINEST = 0.1  # of a saturation: what is below the range by less cannot be told from it
RANGE = re.compile(r"(\d{1,3}) ?- ?(\d{1,3}) ?%?")
NOT_RECORDED = "not recorded"
AT_ADMISSION = "prescribed at the admission"
ONLY_88_92 = (
    "SpO2 scale 2 is for a prescribed target of 88-92 % in hypercapnic respiratory failure, and its chart is fixed "
    "(RCP 2017): with another target, prescribe scale 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """One record: of which kind, what it says, who prescribed it and why, from when and until when, and who wrote it.

    A `scale` has a target range `low` to `high` in per cent where one is prescribed; a `usual` is a value of `vital` in
    its own unit. One with neither ends what was said before. `prescription_no` is in the order of writing.
    """

    prescription_no: int
    stay_no: int
    what: str
    vital: str
    scale: int | None
    low: float | None
    high: float | None
    usual: float | None
    prescriber: str
    reason: str
    from_ms: int
    to_ms: int | None
    actor: str
    written_ms: int

    @property
    def ends(self) -> bool:
        """Tell whether it says nothing, so that what was said before is over."""
        return self.scale is None and self.usual is None

    @property
    def key(self) -> tuple[str, str]:
        """Give the kind: of each, one holds at a time."""
        return self.what, self.vital


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A prescription with until when it holds or held, and what took its place then; None: its own end, or nothing."""

    prescription: Prescription
    until_ms: int | None
    by: Prescription | None

    @property
    def ever(self) -> bool:
        """Tell whether it holds at any time: one that another forestalled never did."""
        return self.until_ms is None or self.until_ms > self.prescription.from_ms

    def in_force(self, at_ms: int) -> bool:
        """Tell whether it holds at a moment."""
        return self.prescription.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Prescription, ...]:
    """Read the prescriptions that stand with a stay, as JSON, in the order of writing."""
    found = (Prescription(**fields) for fields in json.loads(text or "[]"))
    return tuple(sorted(found, key=lambda one: one.prescription_no))


def written(several: Sequence[Prescription]) -> str:
    """Give prescriptions as they stand with a stay; nothing for none."""
    fields = Prescription.__slots__
    return json.dumps([{name: getattr(one, name) for name in fields} for one in several]) if several else ""


def line(number: int) -> str:
    """Give the line of the registers' journal about a record."""
    return f"{VERB} {number}"


def numbered(what: str) -> int:
    """Give the number of the record that a line of the journal is about; 0 for a line that is about none."""
    verb, _, number = what.partition(" ")
    return int(number) if verb == VERB else 0


def held(several: Sequence[Prescription]) -> list[Held]:
    """Give every record that says something, in the order of writing, with when and by what it is over."""
    return [_held(one, several[place + 1 :]) for place, one in enumerate(several) if not one.ends]


def in_force(several: Sequence[Prescription], at_ms: int, what: str, vital: str = SATURATION) -> Prescription | None:
    """Give the prescription of a kind that holds at a moment; None where none does."""
    said = [one for one in several if one.key == (what, vital) and one.from_ms <= at_ms]
    last = max(said, key=lambda one: one.prescription_no, default=None)
    if last is None or last.ends or (last.to_ms is not None and last.to_ms <= at_ms):
        return None
    return last


def scale(several: Sequence[Prescription], at_ms: int) -> int:
    """Give the SpO2 scale at a moment: scale 1, which is everyone's, where none is prescribed."""
    found = in_force(several, at_ms, SCALE)
    return SCALES[0] if found is None or found.scale is None else found.scale


def steps(several: Sequence[Prescription], what: str, vital: str = SATURATION) -> list[tuple[int, Prescription | None]]:
    """Give when what is prescribed of a kind becomes another, in order, and what holds from then on."""
    mine = [one for one in several if one.key == (what, vital)]
    edges = sorted({at for one in mine for at in (one.from_ms, one.to_ms) if at is not None})
    found: list[tuple[int, Prescription | None]] = []
    for at_ms in edges:
        now = in_force(mine, at_ms, what, vital)
        if now is not (found[-1][1] if found else None):
            found.append((at_ms, now))
    return found


def scales(several: Sequence[Prescription]) -> list[tuple[int, int]]:
    """Give when the SpO2 scale becomes another, in order, and which; before the first it is scale 1."""
    found: list[tuple[int, int]] = []
    for at_ms, one in steps(several, SCALE):
        now = SCALES[0] if one is None or one.scale is None else one.scale
        if now != (found[-1][1] if found else SCALES[0]):
            found.append((at_ms, now))
    return found


def usuals(several: Sequence[Prescription], vital: str) -> list[tuple[int, float]]:
    """Give when the usual value of a vital that is stated becomes another, in order; NaN while none is."""
    return [
        (at_ms, math.nan if one is None or one.usual is None else one.usual)
        for at_ms, one in steps(several, USUAL, vital)
    ]


def rescaled_from_ms(several: Sequence[Prescription], number: int) -> int | None:
    """Give the first moment at which one record made the SpO2 scale another than those before it; None: at none."""
    before = [one for one in several if one.prescription_no < number]
    after = [one for one in several if one.prescription_no <= number]
    edges = sorted({at_ms for at_ms, _ in (*scales(before), *scales(after))} | {one.from_ms for one in after[-1:]})
    return next((at_ms for at_ms in edges if scale(before, at_ms) != scale(after, at_ms)), None)


def limits(several: Sequence[Prescription]) -> list[Limit]:
    """Give the limits that prescribed ranges are: below the lower end, for what is received while it holds.

    Each begins no earlier than it was written, and ends no earlier than that was: what was judged by then was judged.
    """
    found = []
    for place, one in enumerate(several):
        if one.low is not None:
            later = [max(other.from_ms, other.written_ms) for other in _later(one, several[place + 1 :])]
            to_ms = min([*later, *([] if one.to_ms is None else [one.to_ms])], default=None)
            from_ms = max(one.from_ms, one.written_ms)
            found += [_limit(one, from_ms, to_ms)] if to_ms is None or to_ms > from_ms else []
    return found


def stated(several: Sequence[Prescription]) -> list[str]:
    """Name the vitals of which a usual value was ever stated."""
    return sorted({one.vital for one in several if one.what == USUAL})


def target(text: str) -> tuple[int, int]:
    """Read a target range of the saturation in per cent, such as 88-92; UsageError for what can be none."""
    found = RANGE.fullmatch(text.strip())
    low, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < low < high <= 100:  # noqa: PLR2004 -- per cent
        raise UsageError(f"{text!a} is no range of whole per cents such as 88-92")
    return low, high


def targeted(wanted: int, chosen: tuple[int, int] | None) -> tuple[int, int] | None:
    """Give the target range with a scale: scale 2 has its chart's. RefusedError for another one with it."""
    if wanted not in SCALES:
        raise UsageError(f"there is no SpO2 scale {wanted}; there are 1 and 2")
    fixed = TARGETS[wanted]
    if fixed is not None and chosen not in {None, fixed}:
        raise RefusedError(ONLY_88_92)
    return chosen if fixed is None else fixed


def check_chart(chart: str) -> None:
    """RefusedError for a stay that is scored with another chart than NEWS2, whose scale this is."""
    if chart != NEWS2:
        raise RefusedError("SpO2 scales are of NEWS2, and children are scored with PEWS")


def check_words(prescriber: str, reason: str) -> None:
    """RefusedError without a prescriber: it is a clinician's decision. UsageError without a reason."""
    if not prescriber.strip():
        raise RefusedError("an SpO2 scale or target is a clinician's decision: name who made it with --prescriber")
    if not reason.strip():
        raise UsageError("a prescription needs a reason: --reason TEXT")


def _held(one: Prescription, later: Sequence[Prescription]) -> Held:
    """Find what ends a record: its own end, or the earliest start of those of its kind that were written later."""
    first = min(_later(one, later), key=lambda other: (other.from_ms, other.prescription_no), default=None)
    if first is None or (one.to_ms is not None and one.to_ms <= first.from_ms):
        return Held(prescription=one, until_ms=one.to_ms, by=None)
    return Held(prescription=one, until_ms=max(one.from_ms, first.from_ms), by=first)


def _later(one: Prescription, several: Sequence[Prescription]) -> list[Prescription]:
    return [other for other in several if other.key == one.key]


def _limit(given: Prescription, from_ms: int, to_ms: int | None) -> Limit:
    on = round((given.low or 0) - FINEST, 1)
    return Limit(
        rule=BELOW_TARGET,
        layer=Layer.PRESCRIPTION,
        subject=str(given.prescription_no),
        changes={"limit_on": on, "limit_off": on},
        author=given.prescriber,
        reason=given.reason,
        from_ms=from_ms,
        to_ms=to_ms,
    )
