"""The ward in memory: plans by row, windows of readings, and how far each stay has come.

Here: the ward's columns and what moves them on. Scores, clocks, files and databases must not live here. A stay is a row
number for as long as the ward is in memory; rows are only ever added.
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from vwmon.attempts import Attempts
from vwmon.kernels.ragged import Bools, Floats, Ints, bisect_right
from vwmon.kernels.steps import Steps
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.scoring.charts import PARTS
from vwmon.scoring.layouts import AGE_BANDS, COLUMNS
from vwmon.windows import FOREVER, NEVER, Ages, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings of the parts of the score as columns of one length, in log order.

    `stay` is the row on the ward, `part` 0..6 the column of its chart, `unit` the message: readings of one message
    share it and stand together.
    A `value` of NaN is an attempt: the part was measured then, and what came was refused.
    """

    stay: Ints
    part: NDArray[np.int8]
    observed_ms: Ints
    received_ms: Ints
    value: Floats
    unit: Ints

    def __len__(self) -> int:
        """Count the readings."""
        return len(self.stay)

    @property
    def series(self) -> Ints:
        """Give the series of each reading: one part of one stay."""
        return self.stay * len(PARTS) + self.part

    def where(self, chosen: Bools | Ints) -> "Readings":
        """Keep the chosen rows: a mask, or positions in the order wanted."""
        if chosen.dtype == np.bool_ and chosen.all():
            return self
        rows = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Readings(**{field.name: getattr(self, field.name).take(rows) for field in fields(self)})

    def known_at(self, received_ms: int) -> "Readings":
        """Give the same readings as if they had all come at one moment, as when they turn out to be a stay's own."""
        return replace(self, received_ms=np.full(len(self), received_ms, dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable:
    """The plans by row of the ward: n stays, p parts, m plans.

    The first n plans are those that the stays begin with; those that k of them come to have later follow, in order of
    stay and time: `later_stay` (k,) from `later_ms` (k,) on, each part asked without a break since `asked_ms` (k, p).
    `spo2_scale` (n,) is 1 or 2, before any of the steps in which it `rescaled`; None: nobody's is ever another.
    `expected` (m, p); a reading counts up to and including `valid_ms` (m, p) of age, and
    one is overdue when the last is older than `overdue_ms` (m, p), counted from `admitted_ms` (n,) when none came.
    `ages_ms` (n, bands of age) is when each band begins for a child, FOREVER for an adult; no rows: nobody is a child.
    """

    spo2_scale: NDArray[np.int8]
    expected: Bools
    valid_ms: Ints
    overdue_ms: Ints
    admitted_ms: Ints
    ages_ms: Ints = field(default_factory=lambda: np.zeros((0, len(AGE_BANDS)), dtype=np.int64))
    rescaled: Steps | None = None
    later_stay: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    later_ms: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    asked_ms: Ints = field(default_factory=lambda: np.zeros((0, len(PARTS)), dtype=np.int64))

    def scale(self, stay: Ints, at_ms: Ints) -> NDArray[np.int8]:
        """Give the SpO2 scale of each stay at each time."""
        if self.rescaled is None:
            return self.spo2_scale[stay]
        return self.rescaled.at(stay, at_ms).astype(np.int8)

    def __len__(self) -> int:
        """Count the stays."""
        return len(self.admitted_ms)

    @property
    def ages(self) -> Ages:
        """Give the bands of age as the windows and the scoring ask for them."""
        return Ages(starts_ms=self.ages_ms)

    @property
    def children(self) -> Bools:
        """Mark the stays that are scored as children; no rows where none are."""
        children: Bools = self.ages_ms[:, 0] < FOREVER
        return children

    def stay_of(self, plan: Ints) -> Ints:
        """Give the stay of each of some plans."""
        if not len(self.later_stay):
            return plan
        return np.where(plan < len(self), plan, self.later_stay.take(plan - len(self), mode="clip"))

    def from_ms(self, plan: Ints) -> Ints:
        """Give from when each of some plans holds, NEVER: from the beginning."""
        found = np.full(len(plan), NEVER)
        later = plan >= len(self)
        found[later] = self.later_ms[plan[later] - len(self)]
        return found

    def at(self, stay: Ints, at_ms: Ints) -> Ints:
        """Give the plan of each stay at each time."""
        if not len(self.later_ms):
            return stay
        start, stop = (np.searchsorted(self.later_stay, stay, side) for side in ("left", "right"))
        found = bisect_right(self.later_ms, start, stop, at_ms)
        return np.where(found > start, len(self) + found - 1, stay)

    def due_ms(self, plan: Ints, last_ms: Ints) -> Ints:
        """Give until when each part (q, p) is waited for under some plans (q,), of a stay each; as of each plan's time.

        `last_ms` (q, p) is when it came last, NEVER where it never did. What is asked anew is waited for from then on.
        What a change of plan makes late is due at the change; what was overdue before, and still is, was due when it
        was: vwmon.patients.schedules.due_ms says the same of one vital.
        """
        since_ms = np.where(last_ms > NEVER, last_ms, self.admitted_ms[self.stay_of(plan)][:, None])
        changed = np.flatnonzero(plan >= len(self))
        if not len(changed):
            return since_ms + self.overdue_ms[plan]
        later = plan[changed] - len(self)
        since_ms[changed] = np.maximum(since_ms[changed], self.asked_ms[later])
        found = since_ms + self.overdue_ms[plan]
        from_ms, before = self.later_ms[later][:, None], self._before(later)
        own, earlier = np.maximum(found[changed], from_ms), self.due_ms(before, last_ms[changed])
        lasts = self.expected[before] & (earlier < from_ms) & (own == from_ms)
        found[changed] = np.where(lasts, earlier, own)
        return found

    def _before(self, later: Ints) -> Ints:
        """Give the plan that each of the later ones takes the place of."""
        follows = (later > 0) & (self.later_stay[later - 1] == self.later_stay[later])
        return np.where(follows, len(self) + later - 1, self.later_stay[later])

    def chart(self, row: int) -> str:
        """Name the chart that a stay is scored with."""
        return PEWS if len(self.ages_ms) and self.children[row] else NEWS2

    def parts(self, row: int) -> tuple[str, ...]:
        """Name the parts of a stay's score in the order of its columns."""
        return COLUMNS[self.chart(row)]


class Ward:
    """Everything that scoring needs to remember between two batches of the log.

    `frontier_ms` is the latest time of a reading or an attempt of each stay, NEVER where none came.
    """

    def __init__(self, plans: PlanTable) -> None:
        """Begin with the plans and without readings."""
        self.plans = plans
        self.windows = Windows(len(plans))
        self.windows.ages = plans.ages
        self.attempts = Attempts()
        self.frontier_ms = np.full(len(plans), NEVER, dtype=np.int64)

    def plan(self, plans: PlanTable) -> None:
        """Put other plans in place, with rows for stays that were added; ValueError when rows are gone."""
        if len(plans) < len(self.plans):
            raise ValueError("the rows of a ward are only ever added")
        self.frontier_ms = np.pad(self.frontier_ms, (0, len(plans) - len(self.plans)), constant_values=NEVER)
        self.windows.grow(len(plans))
        self.windows.ages = plans.ages
        self.plans = plans

    def load(self, readings: Readings, whole_from_ms: int = NEVER) -> None:
        """Take in readings and attempts without scoring them, in any order, as after a restart.

        They hold everything from `whole_from_ms` on and of each series the last reading before it.
        """
        tried = np.isnan(readings.value)
        known = readings.where(~tried)
        self.windows.append(known.series, known.observed_ms, known.value)
        self.attempts.add(readings.series[tried], readings.observed_ms[tried])
        self.windows.mark_trimmed(np.unique(readings.stay), whole_from_ms)
        np.maximum.at(self.frontier_ms, readings.stay, readings.observed_ms)

    def replace(self, stay: Ints, readings: Readings, whole_from_ms: int = NEVER) -> None:
        """Forget some stays and load their readings again, from the log up to where it has been stepped through."""
        self.forget(stay)
        self.load(readings, whole_from_ms)

    def forget(self, stay: Ints) -> None:
        """Drop every reading and attempt of some stays; their rows stay."""
        self.windows.forget(stay)
        self.attempts.forget(stay)
        self.frontier_ms[stay] = NEVER

    def trim(self, kept_ms: int) -> None:
        """Drop what is more than `kept_ms` older than the latest reading of its stay, but for the last of each series.

        Each stay is measured by its own readings, so that recordings of other years keep as much as live ones.
        """
        before_ms = np.where(self.frontier_ms > NEVER, self.frontier_ms - kept_ms, NEVER)
        self.windows.trim(before_ms)
        shortened = self.attempts.trim(before_ms)
        self.windows.mark_trimmed(shortened, before_ms[shortened])

    def out_of_reach(self, readings: Readings) -> Ints:
        """Give the stays that some reading here is too old for: `replace` them from the store before the next step."""
        old = readings.observed_ms < self.windows.trimmed_before_ms(readings.stay)
        return np.unique(readings.stay[old]) if old.any() else np.zeros(0, dtype=np.int64)
