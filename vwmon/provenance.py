"""What makes the scores and alerts of this process: the software, the chart, the plans, the configuration.

Here: these with their versions, and what of the configuration takes part, each ward's limits and time zone. Every
stored score and alert carries the number of one such set, so that any of them can be told apart and made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata

from vwmon import terms
from vwmon.config import Settings
from vwmon.config_duty import Ward
from vwmon.duty import UNTOLD, Staffing
from vwmon.patients import plans
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.patients.limits import Layers
from vwmon.patients.records import Plan
from vwmon.scoring import charts
from vwmon.store import scores
from vwmon.store.sqlite import Connection

SYSTEM = "system"  # stands for the plan where an alert is about no patient
ELSEWHERE = "UTC"  # the zone of a ward that the configuration does not name


def _chart(name: str) -> str:
    chart = charts.load(name)
    return f"{chart.id} {chart.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The versions of this process, and how its wards are staffed; `number` registers the versions with a plan's.

    `chart` is that of adults and of what is about no patient, `children` that of children. `host` is the machine, where
    it is told.
    """

    config_hash: str
    plans: Mapping[str, Plan]
    wards: Mapping[str, Ward] = field(default_factory=dict)
    software: str = field(default_factory=lambda: metadata.version("vwmon"))
    chart: str = field(default_factory=partial(_chart, NEWS2))
    children: str = field(default_factory=partial(_chart, PEWS))
    host: str | None = None
    staffing: Staffing = UNTOLD
    _numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, host: str | None = None, *, told: bool = False) -> "Provenance":
        """Give the versions of a process with these settings and the plans of the package; `told` for a live ward."""
        return cls(
            config_hash=settings.hash,
            plans=plans.load_all(),
            wards={ward.id: ward for ward in settings.wards},
            host=host,
            staffing=Staffing(wards=settings.wards, told=told),
        )

    def layers(self) -> Layers:
        """Give the limits of the wards and pathways."""
        return terms.layers(self.wards.values(), self.plans)

    def zone(self, ward: str) -> str:
        """Name the time zone of a ward."""
        return self.wards[ward].time_zone if ward in self.wards else ELSEWHERE

    def number(self, db: Connection, pathway: str) -> int:
        """Give the number of the versions that score stays of a pathway; a write the first time, in a transaction."""
        if pathway not in self._numbers:
            name = self.plan(pathway)
            chart = self.charted(pathway)
            self._numbers[pathway] = scores.provenance_no(db, self.software, chart, name, self.config_hash)
        return self._numbers[pathway]

    def charted(self, pathway: str) -> str:
        """Name the chart of a pathway with its version."""
        plan = self.plans.get(pathway)
        return self.children if plan is not None and plan.chart == PEWS else self.chart

    def plan(self, pathway: str) -> str:
        """Name the plan of a pathway with its version."""
        plan = self.plans.get(pathway)
        return f"{pathway} {plan.version}" if plan else pathway
