"""Whose reading is it, and which part of the score: rows of the log become columns of the ward. Pure.

The device register decides, at the reading's own time; a reading of a device that belonged to nobody is left out.
A row without a number is an attempt: only a vital that no table knows can come as words, and no such one is scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.patients.plans import FEEDS
from vwmon.patients.records import Assignment
from vwmon.scoring.layouts import COLUMNS
from vwmon.ward import Readings

TIME_BITS = 44  # milliseconds until the year 2527
NOBODY = -1
ALERT, NOT_ALERT = 0.0, 2.0  # A, and V for whatever else: both score the same in every chart
AIR_PERCENT, WHOLE_GCS = 21, 15
# The column that each vital feeds, by chart: what stands in for a part feeds where the chart has that part.
COLUMN_OF_VITAL = {
    chart: {name: parts.index(FEEDS.get(name, name)) for name in (*parts, *FEEDS) if FEEDS.get(name, name) in parts}
    for chart, parts in COLUMNS.items()
}
# On PEWS a fraction of oxygen counts as a flow that scores what the fraction does: from each fraction on, that flow.
FLOW_OF_FRACTION = ((0.210001, 1.0), (0.3, 2.0), (0.5, 6.0))

AS_READ = (0, 1, 2, 3, 4, 5, 6)  # seq, device, vital, observed, value, received, unit: as the log gives them
AS_APPENDED = (0, 1, 2, 3, 4, 6, 8)  # where they stand in a row on its way into the log

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_CHILDREN = np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogColumns:
    """Rows of the log as columns of one length, in log order; `unit` is the message.

    `value` is NaN for words and for attempts.
    """

    seq: Ints
    device: Ints
    vital: Ints
    observed_ms: Ints
    value: NDArray[np.float64]
    received_ms: Ints
    unit: Ints

    @classmethod
    def of(cls, rows: Sequence[tuple[object, ...]], places: Sequence[int] = AS_READ) -> "LogColumns":
        """Build the columns from rows, each at its place in them; a value that is no number becomes NaN."""
        fields = list(zip(*rows, strict=True)) or [()] * (max(places) + 1)
        columns = [fields[place] for place in places]
        value = np.array(columns.pop(4), dtype=np.float64)
        seq, device, vital, observed, received, unit = (np.array(column, dtype=np.int64) for column in columns)
        return cls(
            seq=seq, device=device, vital=vital, observed_ms=observed, value=value, received_ms=received, unit=unit
        )

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.seq)

    def where(self, keep: NDArray[np.bool_] | Ints | slice) -> "LogColumns":
        """Keep the rows where `keep` holds, or those at its positions."""
        return LogColumns(**{name: getattr(self, name)[keep] for name in self.__slots__})


class Intervals:
    """Which stay a device belonged to, and when: the assignments, searchable by (device, time)."""

    def __init__(self, assignments: Sequence[Assignment], row_of: Mapping[int, int]) -> None:
        """Take assignments of stays that `row_of` gives a row of the ward by number."""
        # One that was taken back as of its beginning is nobody's, and would hide what began in the same moment.
        lasting = (a for a in assignments if a.to_ms is None or a.to_ms > a.from_ms)
        ordered = sorted(lasting, key=lambda a: (a.device_no, a.from_ms))
        self._starts = np.array([_key(a.device_no, a.from_ms) for a in ordered], dtype=np.int64)
        self._device = np.array([a.device_no for a in ordered], dtype=np.int64)
        self._row = np.array([row_of[a.stay_no] for a in ordered], dtype=np.int64)
        ends = [np.iinfo(np.int64).max if a.to_ms is None else a.to_ms for a in ordered]
        self._to_ms = np.array(ends, dtype=np.int64)

    def rows(self, device: Ints, observed_ms: Ints) -> Ints:
        """Give the ward's row of the stay that each device belonged to at each time, or NOBODY."""
        if not len(self._starts):
            return np.full(len(device), NOBODY, dtype=np.int64)
        at = np.searchsorted(self._starts, (device << TIME_BITS) + np.maximum(observed_ms, 0), side="right") - 1
        held = (at >= 0) & (self._device[at] == device) & (observed_ms < self._to_ms[at])
        return np.where(held, self._row[at], NOBODY)

    def devices(self, rows: Sequence[int]) -> list[int]:
        """Name the devices that ever belonged to the stays of some rows."""
        found: list[int] = np.unique(self._device[np.isin(self._row, rows)]).tolist()
        return found


class Vitals:
    """The log's numbers of vitals as columns of the score, NEWS2's or, for a child, PEWS's."""

    def __init__(self, names: Mapping[int, str]) -> None:
        """Take the names of the log's numbers."""
        size = max(names, default=-1) + 1
        self._column = {chart: np.full(size, NOBODY, dtype=np.int8) for chart in COLUMN_OF_VITAL}
        for chart, columns in COLUMN_OF_VITAL.items():
            for number, name in names.items():
                self._column[chart][number] = columns.get(name, NOBODY)
        numbers = {name: number for number, name in names.items()}
        self._fio2, self._gcs = numbers.get("fio2", NOBODY), numbers.get("gcs", NOBODY)
        self.known = frozenset(names)

    def part(self, vital: Ints, chart: str = NEWS2) -> NDArray[np.int8]:
        """Give the column that each vital feeds on a chart, or NOBODY."""
        return self._column[chart][vital]

    def value(self, vital: Ints, value: NDArray[np.float64], chart: str = NEWS2) -> NDArray[np.float64]:
        """Give values as the parts count them: a fraction above room air's is oxygen, a GCS below 15 is not alert.

        On PEWS a fraction counts as a flow of as many points. NaN, an attempt, is neither air nor anything else, and
        stays.
        """
        on_oxygen = _flow(value) if chart == PEWS else np.where(np.rint(value * 100) > AIR_PERCENT, 1.0, 0.0)
        alert = np.where(value == WHOLE_GCS, ALERT, NOT_ALERT)
        counted = np.where(vital == self._fio2, on_oxygen, np.where(vital == self._gcs, alert, value))
        return np.where(np.isnan(value), np.nan, counted)


def attribute(log: LogColumns, intervals: Intervals, vitals: Vitals, children: Bools = NO_CHILDREN) -> Readings:
    """Turn rows of the log into the ward's readings and attempts, leaving out what is nobody's or not scored.

    `children` marks the rows of the ward that are scored as children; no rows where none are.
    """
    part = vitals.part(log.vital)
    stay = intervals.rows(log.device, log.observed_ms)
    child = (stay >= 0) & children[stay] if len(children) else None
    if child is not None:
        part = np.where(child, vitals.part(log.vital, PEWS), part)
    scored = (part >= 0) & (stay >= 0)
    kept = log.where(scored)
    value = vitals.value(kept.vital, kept.value)
    if child is not None:
        value = np.where(child[scored], vitals.value(kept.vital, kept.value, PEWS), value)
    return Readings(
        stay=stay[scored],
        part=part[scored],
        observed_ms=kept.observed_ms,
        received_ms=kept.received_ms,
        value=value,
        unit=kept.unit,
    )


def _flow(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the flow that scores what a fraction of oxygen does; both are looked at to the millionth."""
    starts, flows = (np.array(one) for one in zip(*FLOW_OF_FRACTION, strict=True))
    found: NDArray[np.float64] = np.append(0.0, flows)[np.searchsorted(starts, np.round(fraction, 6), side="right")]
    return found


def _key(device_no: int, from_ms: int) -> int:
    return (device_no << TIME_BITS) + max(from_ms, 0)
