"""The stays as rows of the ward: which row, which plan, which device when. Pure.

Rows are only ever added while a daemon runs, so that a row number means one stay for as long as the ward is in memory.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vwmon.attribution import Intervals
from vwmon.kernels.steps import Steps
from vwmon.patients import prescriptions
from vwmon.patients.prescriptions import SCALES
from vwmon.patients.records import Assignment, Entry, Plan, Stay
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.scoring.charts import PARTS
from vwmon.scoring.layouts import AGE_BANDS, COLUMNS
from vwmon.ward import PlanTable
from vwmon.windows import FOREVER, NEVER

NEVER_MS = 1 << 60  # longer than any time that a plan could state
NOBODYS: Mapping[int, Sequence[OwnSchedule]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """From when on the readings of a stay are others than before, and which devices' readings these are."""

    from_ms: int
    device_nos: frozenset[int]

    def with_device(self, from_ms: int, device_no: int) -> "Moved":
        """Give it with one more device, from when its readings came or went."""
        return Moved(from_ms=min(self.from_ms, from_ms), device_nos=self.device_nos | {device_no})


NOT_MOVED = Moved(from_ms=NEVER_MS, device_nos=frozenset())
# What a line of the journal does to an assignment that it names: the moment from which readings change hands.
MOVED: Mapping[str, Callable[[Assignment], int | None]] = {
    "assign": lambda assignment: assignment.from_ms,
    "return": lambda assignment: assignment.to_ms,
    "discharge": lambda assignment: assignment.to_ms,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The registers as the scorer uses them: `stays` by row of the ward, and `plans` by pathway.

    `own` is what stays are asked of their own, by the number of the stay.
    """

    stays: tuple[Stay, ...]
    assignments: frozenset[Assignment]
    plans: Mapping[str, Plan]
    own: Mapping[int, Sequence[OwnSchedule]] = field(default_factory=dict)

    @property
    def row_of(self) -> dict[int, int]:
        """Give the row of each stay by its number."""
        return {stay.stay_no: row for row, stay in enumerate(self.stays)}

    @property
    def stay_nos(self) -> list[int]:
        """Give the stay of each row by its number."""
        return [stay.stay_no for stay in self.stays]

    def renewed(
        self,
        stays: Iterable[Stay],
        assignments: Iterable[Assignment],
        own: Mapping[int, Sequence[OwnSchedule]] = NOBODYS,
    ) -> "Roster":
        """Give the roster after the registers changed: the rows stay where they are, new stays come behind them."""
        now = {stay.stay_no: stay for stay in stays}
        kept = tuple(now.pop(stay.stay_no, stay) for stay in self.stays)
        return Roster(stays=(*kept, *now.values()), assignments=frozenset(assignments), plans=self.plans, own=own)

    def rescaled_by(self, entries: Iterable[Entry]) -> dict[int, int]:
        """Name the rows whose SpO2 scale is another after these lines of the journal, each with from when on."""
        rows, found = self.row_of, dict[int, int]()
        for entry in entries:
            row = rows.get(entry.stay_no or 0)
            number = prescriptions.numbered(entry.what)
            if row is not None and number:
                from_ms = prescriptions.rescaled_from_ms(self.stays[row].prescriptions, number)
                found |= {} if from_ms is None else {row: min(from_ms, found.get(row, from_ms))}
        return found

    def moved_by(self, entries: Iterable[Entry]) -> dict[int, Moved]:
        """Name the rows whose readings are no longer the same ones after these lines of the journal."""
        rows, held = self.row_of, self._by_stay()
        moved: dict[int, Moved] = {}
        for entry in entries:
            for a in held.get(entry.stay_no or 0, ()):
                when = MOVED[entry.verb](a) if entry.verb in MOVED and entry.device_no in {None, a.device_no} else None
                if when is not None:
                    row = rows[a.stay_no]
                    moved[row] = moved.get(row, NOT_MOVED).with_device(when, a.device_no)
        return moved

    def ended_by(self, entries: Iterable[Entry]) -> list[int]:
        """Name the rows whose stays ended with these lines of the journal."""
        rows = self.row_of
        return [rows[entry.stay_no] for entry in entries if entry.verb == "discharge" and entry.stay_no is not None]

    def _by_stay(self) -> dict[int, list[Assignment]]:
        held: dict[int, list[Assignment]] = {}
        for assignment in self.assignments:
            held.setdefault(assignment.stay_no, []).append(assignment)
        return held

    def bereft(self) -> list[int]:
        """Name the rows of stays that go on although a device of theirs was taken away."""
        ended = {a.stay_no for a in self.assignments if a.to_ms is not None}
        return [row for row, stay in enumerate(self.stays) if stay.discharged_ms is None and stay.stay_no in ended]

    def devices_of(self, row: int) -> list[int]:
        """Name the devices that ever belonged to the stay of a row."""
        stay_no = self.stays[row].stay_no
        return sorted({a.device_no for a in self.assignments if a.stay_no == stay_no})

    def intervals(self) -> Intervals:
        """Give the assignments of the stays on the ward, searchable."""
        rows = self.row_of
        return Intervals([a for a in self.assignments if a.stay_no in rows], rows)

    def plan_table(self) -> PlanTable:
        """Give the plans as columns; of a stay that has ended nothing is expected."""
        later = list(self._later())
        first = [self.plans[stay.pathway] for stay in self.stays]
        every = [*first, *(one.plan for one in later)]
        plans = list({id(plan): plan for plan in every}.values())
        place = {id(plan): number for number, plan in enumerate(plans)}
        of = np.array([place[id(plan)] for plan in every], dtype=np.int64)
        goes_on = np.array([stay.discharged_ms is None for stay in self.stays], dtype=bool)
        later_stay = np.array([one.row for one in later], dtype=np.int64)
        goes_on = np.append(goes_on, goes_on[later_stay])
        return PlanTable(
            spo2_scale=np.full(len(self.stays), SCALES[0], dtype=np.int8),
            expected=_grid([_expected(plan) for plan in plans]).astype(bool)[of] & goes_on[:, None],
            valid_ms=_grid([_spans(plan, "valid_ms") for plan in plans])[of],
            overdue_ms=_grid([_spans(plan, "overdue_ms") for plan in plans])[of],
            admitted_ms=np.array([stay.admitted_ms for stay in self.stays], dtype=np.int64),
            ages_ms=_ages(self.stays),
            rescaled=rescaled(self.stays),
            later_stay=later_stay,
            later_ms=np.array([one.from_ms for one in later], dtype=np.int64),
            asked_ms=_grid([one.asked_ms for one in later]),
        )

    def _later(self) -> Iterator["_Later"]:
        """Yield the plans that stays have after their first, in order of row and time."""
        for row, stay in enumerate(self.stays):
            if not self.own.get(stay.stay_no):
                continue
            schedule = Schedule.of(self.plans[stay.pathway], self.own[stay.stay_no])
            waits = [schedule.waits(part) for part in COLUMNS[stay.chart]]
            for number, plan in list(enumerate(schedule.plans))[1:]:
                asked_ms = [max(one[number].asked_ms, NEVER) for one in waits]
                yield _Later(row=row, from_ms=schedule.starts[number], plan=plan, asked_ms=asked_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Later:
    """A plan that a stay has from a moment on, and since when each part has been asked without a break."""

    row: int
    from_ms: int
    plan: Plan
    asked_ms: Sequence[int]


def rescaled(stays: Sequence[Stay]) -> Steps | None:
    """Give the steps in which the SpO2 scales of stays become others; None where all are on scale 1 at all times."""
    if not any(stay.prescribed for stay in stays):
        return None
    scales = [prescriptions.scales(stay.prescriptions) for stay in stays]
    return Steps.of([SCALES[0]] * len(stays), scales) if any(scales) else None


def _ages(stays: Sequence[Stay]) -> NDArray[np.int64]:
    """Give when each band of age begins for each stay; no rows where all are adults, which costs their scoring nothing.

    The band of the admission has always held: of the time before nothing is known.
    """
    if not any(stay.age_bands for stay in stays):
        return np.zeros((0, len(AGE_BANDS)), dtype=np.int64)
    adult = (FOREVER,) * len(AGE_BANDS)
    return np.array([[start or NEVER for start in stay.ages_ms] or adult for stay in stays], dtype=np.int64)


def _expected(plan: Plan) -> list[bool]:
    return [part in plan.vitals for part in COLUMNS[plan.chart]]


def _spans(plan: Plan, name: str) -> list[int]:
    """A part that a plan does not expect counts as long as the plan's longest one, and is never overdue."""
    longest = {"valid_ms": max(v.valid_ms for v in (plan.vitals or plan.beside).values()), "overdue_ms": NEVER_MS}
    return [getattr(plan.vitals[part], name) if part in plan.vitals else longest[name] for part in COLUMNS[plan.chart]]


def _grid(rows: Sequence[Collection[int]]) -> NDArray[np.int64]:
    return np.array([list(row) for row in rows], dtype=np.int64).reshape(len(rows), len(PARTS))
