"""Who is on the ward, with which device and which plan: frozen records only.

Times are int milliseconds since the Unix epoch, UTC. What identifies a person stands in Identity and nowhere else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.policy import Layer, Limit
from vwmon.patients import prescriptions
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.patients.prescriptions import Prescription


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who makes a change, and when: for the journal."""

    actor: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the registers' journal: what was done, as in "assign", and to whose stay and which device."""

    what: str
    stay_no: int | None
    device_no: int | None

    @property
    def verb(self) -> str:
        """Give the first word of it."""
        return self.what.partition(" ")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One patient's time on a virtual ward, from admission to discharge; `patient` is a local identifier.

    `age_bands` is for children only: when each band of age of their chart begins, as JSON, 0 for those begun by the
    admission. It stands in the place of the date of birth, which scoring never sees. `spo2_scale` and
    `scale_prescriber` are those of the admission; `prescribed` are all prescriptions of the stay, as JSON, and which
    scale holds at a moment is theirs to say.
    """

    stay_no: int
    patient: str
    ward: str
    pathway: str
    plan_version: str
    admitted_ms: int
    discharged_ms: int | None
    discharge_reason: str | None
    spo2_scale: int
    scale_prescriber: str
    age_bands: str = ""
    prescribed: str = ""

    @property
    def prescriptions(self) -> tuple[Prescription, ...]:
        """Give what was prescribed of the stay, in the order of writing."""
        return prescriptions.read(self.prescribed)

    def scale_at(self, at_ms: int) -> int:
        """Give the SpO2 scale that holds at a moment; before the admission, that of the admission."""
        return prescriptions.scale(self.prescriptions, max(at_ms, self.admitted_ms))

    @property
    def chart(self) -> str:
        """Name the chart that the stay is scored with, all of it."""
        return PEWS if self.age_bands else NEWS2

    @property
    def ages_ms(self) -> tuple[int, ...]:
        """Give when each band of age begins, 0 for those begun by the admission; nothing for an adult."""
        return tuple(json.loads(self.age_bands)) if self.age_bands else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What identifies the person of a stay, or reaches them; `born` is YYYY-MM-DD, None for a recording."""

    stay_no: int
    born: str | None
    name: str | None
    nhs_number: str | None
    contact: str | None = None
    next_of_kin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """Someone asked a ward to take a patient: still open, accepted, declined with a reason, or become a stay."""

    referral_no: int
    patient: str
    ward: str
    source: str
    referred_ms: int
    accepted_ms: int | None
    declined_ms: int | None
    decline_reason: str | None
    stay_no: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A stay went from one ward to another at `at_ms`; limits and duty are the other's from `written_ms` on."""

    transfer_no: int
    stay_no: int
    from_ward: str
    to_ward: str
    at_ms: int
    written_ms: int
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What was noted of a stay, from a time on; of each kind the last that was written holds."""

    fact_no: int
    stay_no: int
    what: str
    value: str
    from_ms: int
    actor: str
    written_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One home device. Not `registered`: it sent something and nobody has added it to the register.

    `calibration_due` is YYYY-MM-DD, None when nobody has said; one that was retired is given to nobody any more.
    """

    device_no: int
    device: str
    profile: str
    serial: str
    added_ms: int
    registered: bool
    status: str | None
    status_ms: int | None
    battery_percent: float | None
    battery_ms: int | None
    firmware: str | None
    calibrated_ms: int | None = None
    calibration_due: str | None = None
    retired_ms: int | None = None
    retired_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A device belonged to a stay from `from_ms` on, up to and without `to_ms`; None is still."""

    device_no: int
    stay_no: int
    from_ms: int
    to_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How long a reading of a vital counts, and after how long without one the next is overdue."""

    valid_ms: int
    overdue_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSet:
    """A questionnaire as a pathway asks it: every so many days at a minute of the day, overdue so long after."""

    questionnaire: str
    every_days: int
    at_minute: int
    overdue_ms: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pathway expects of its patients, by vital, and its limits, with the version and source of that choice.

    Its patients are scored with `chart`. `vitals` are the parts of that score, `beside` the others; `ask` is what no
    pathway can know and admission asks, and `questionnaires` what the patient is asked again and again. `days` is how
    long a stay is expected to last, where the source says so; `in_hours` and `out_of_hours` say who answers.
    """

    pathway: str
    version: str
    title: str
    source: str
    vitals: Mapping[str, Expected]
    beside: Mapping[str, Expected] = field(default_factory=dict)
    schedule: str = ""
    in_hours: str = ""
    out_of_hours: str = ""
    ask: tuple[str, ...] = ()
    days: int | None = None
    limits: tuple[Limit, ...] = ()
    questionnaires: tuple[AskedSet, ...] = ()
    chart: str = NEWS2

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Give all that is expected, the parts of the score first."""
        return {**self.vitals, **self.beside}


class Decided:
    """What somebody decided about one stay for a time: from a moment on, up to its end or to where someone ended it."""

    __slots__: tuple[str, ...] = ()
    stay_no: int
    author: str
    reason: str
    from_ms: int
    to_ms: int | None
    ended_ms: int | None
    ended_by: str | None
    ended_reason: str | None

    @property
    def until_ms(self) -> int | None:
        """Give when it is or was over; None while nothing ends it."""
        return min((end for end in (self.to_ms, self.ended_ms) if end is not None), default=None)

    def in_force(self, at_ms: int) -> bool:
        """Tell whether it holds at a moment."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)

    def lapsed(self, at_ms: int) -> bool:
        """Tell whether its own end had come by a moment, whoever ended it after that."""
        return self.to_ms is not None and self.to_ms <= at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class StayLimit(Decided):
    """One stay's own limit on a rule, as the register keeps it: who set it, and who ended it if someone did."""

    limit_no: int
    stay_no: int
    rule: str
    changes: Mapping[str, Any]
    author: str
    reason: str
    from_ms: int
    to_ms: int | None
    ended_ms: int | None = None
    ended_by: str | None = None
    ended_reason: str | None = None

    @property
    def limit(self) -> Limit:
        """Give it as the rules take it."""
        return Limit(
            rule=self.rule,
            layer=Layer.STAY,
            subject=str(self.stay_no),
            changes=self.changes,
            author=self.author,
            reason=self.reason,
            from_ms=self.from_ms,
            to_ms=self.until_ms,
        )
