"""Which rows of the log a scored moment stood on. Pure: rows in, rows out; nothing is scored here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alerts.model import Event
from vwmon.attribution import Intervals, LogColumns, Vitals
from vwmon.kernels.ragged import Bools
from vwmon.patients.chart_names import NEWS2
from vwmon.scoring.layouts import COLUMNS
from vwmon.store.account import Account

FOREVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One reading as the log has it, with its number and its message's, and what it counts as in its part of the score.

    `value` and `counted` differ for a vital that stands in for a part: a GCS of 14 counts as not alert. The part is of
    the stay's `chart`.
    """

    seq: int
    message: int
    part: str
    vital: str
    device_no: int
    value: float
    counted: float
    observed_ms: int
    received_ms: int
    chart: str = NEWS2


class Sources:
    """The readings of one stay that a part of the score is made of, searchable by part and time."""

    def __init__(self, account: Account) -> None:
        """Take the log of a stay, and whose its devices were."""
        rows = LogColumns.of(account.rows)
        vitals = Vitals(account.vitals)
        numbers = {account.stay.stay_no: 0} if account.stay is not None else {}
        chart = account.stay.chart if account.stay is not None else NEWS2
        self.chart, self.parts = chart, COLUMNS[chart]
        owner = Intervals(list(account.assignments), numbers).rows(rows.device, rows.observed_ms)
        part = vitals.part(rows.vital, chart) if len(rows.vital) else np.zeros(0, dtype=np.int8)
        kept = (part >= 0) & (owner >= 0) & ~np.isnan(rows.value)
        self._rows, self._part = rows.where(kept), part[kept]
        self._counted = vitals.value(self._rows.vital, self._rows.value, chart)
        self._vitals = account.vitals

    def at(self, part: str, observed_ms: int, up_to_seq: int = FOREVER) -> list[Source]:
        """Give the readings of a part that were observed at a moment, in log order."""
        return self._found(self._of(part, up_to_seq) & (self._rows.observed_ms == observed_ms))

    def last(self, part: str, by_ms: int, up_to_seq: int = FOREVER) -> Source | None:
        """Give the latest reading of a part observed by a moment, of several the last that came."""
        mine = np.flatnonzero(self._of(part, up_to_seq) & (self._rows.observed_ms <= by_ms))
        if not len(mine):
            return None
        times = self._rows.observed_ms[mine]
        return self._source(int(mine[np.flatnonzero(times == times.max())[-1]]))

    def behind(self, evidence: Mapping[str, Any], up_to_seq: int = FOREVER) -> dict[str, list[Source]]:
        """Give the readings behind the measured parts of some evidence, by part; none where the log has no such one."""
        return {
            part: [
                source
                for source in self.at(part, evidence["at_ms"] - evidence["ages_ms"][part], up_to_seq)
                if source.counted == value
            ]
            for part, value in evidence.get("values", {}).items()
        }

    def _of(self, part: str, up_to_seq: int) -> Bools:
        mine: Bools = (self._part == self.parts.index(part)) & (self._rows.seq <= up_to_seq)
        return mine

    def _found(self, chosen: Bools) -> list[Source]:
        return [self._source(row) for row in np.flatnonzero(chosen).tolist()]

    def _source(self, row: int) -> Source:
        rows = self._rows
        return Source(
            seq=int(rows.seq[row]),
            message=int(rows.unit[row]),
            part=self.parts[self._part[row]],
            vital=self._vitals[int(rows.vital[row])],
            device_no=int(rows.device[row]),
            value=float(rows.value[row]),
            counted=float(self._counted[row]),
            observed_ms=int(rows.observed_ms[row]),
            received_ms=int(rows.received_ms[row]),
            chart=self.chart,
        )


def measured(event: Event) -> bool:
    """Tell whether an event keeps the observation set that it stood on."""
    return "values" in event.evidence
