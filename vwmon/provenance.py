"""What makes the scores and alerts of this process: the versions of software, chart, plan and configuration.

Every stored score and alert carries the number of one such set, so that any of them can be told apart and made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata

from vwmon.duty import UNTOLD, Staffing
from vwmon.patients.records import Plan
from vwmon.scoring import charts
from vwmon.store import scores
from vwmon.store.sqlite import Connection

SYSTEM = "system"  # stands for the plan where an alert is about no patient


def _chart() -> str:
    news2 = charts.load("news2")
    return f"{news2.id} {news2.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The versions of this process, and how its wards are staffed; `number` registers the versions with a plan's."""

    config_hash: str
    plans: Mapping[str, Plan]
    software: str = field(default_factory=lambda: metadata.version("vwmon"))
    chart: str = field(default_factory=_chart)
    staffing: Staffing = UNTOLD
    _numbers: dict[str, int] = field(default_factory=dict)

    def number(self, db: Connection, pathway: str) -> int:
        """Give the number of the versions that score stays of a pathway; a write the first time, in a transaction."""
        if pathway not in self._numbers:
            name = self.plan(pathway)
            self._numbers[pathway] = scores.provenance_no(db, self.software, self.chart, name, self.config_hash)
        return self._numbers[pathway]

    def plan(self, pathway: str) -> str:
        """Name the plan of a pathway with its version."""
        plan = self.plans.get(pathway)
        return f"{pathway} {plan.version}" if plan else pathway
