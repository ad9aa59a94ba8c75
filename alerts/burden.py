"""What the work list costs those who work it: how many alerts, how soon they were answered, what came of them. Pure.

Timelines go in, numbers come out. What an alert is about is not judged here, and whose hours are whose the caller says.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from alerts.model import Kind, Lane, Level, Outcome

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
BUSIEST: Final = 10
RERAISES: Final = frozenset({Kind.OUTGREW, Kind.EXPIRED, Kind.RELAPSED, Kind.REVIVED})
# An alert was actionable when something was done for the patient, the plan or the kit; a call that found the patient
# well, an artefact or a known baseline is work that it made.
ACTIONABLE: Final = frozenset(
    {
        Outcome.VISIT_ARRANGED,
        Outcome.GP_OR_COMMUNITY,
        Outcome.TRANSFERRED,
        Outcome.PLAN_ADJUSTED,
        Outcome.TECHNICAL_FIXED,
    }
)

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One alert from its raise on: its worst level, the first acknowledgement, the close, and what happened how often.

    `opened_in_hours` tells whether the ward was staffed when it was raised; `blind_ms` for how long, in all, the
    readings that it stood on were overdue.
    """

    stay_no: int
    lane: Lane
    peak: Level
    opened_ms: int
    opened_in_hours: bool
    acknowledged_ms: int | None = None
    closed_ms: int | None = None
    outcome: Outcome | None = None
    blind_ms: int = 0
    kinds: Mapping[Kind, int] = field(default_factory=dict)


def burden(timelines: Sequence[Timeline], patient_ms: int, patients: Mapping[int, str]) -> Record:
    """Give the numbers of a span in which patients were on the ward for `patient_ms` in all.

    `patients` names the stays. A rate is None without patient-time, a share or a time without alerts to take it from.
    """
    days = patient_ms / DAY_MS
    return {
        "alerts": len(timelines),
        "patient_days": round(days, 3),
        "rates": _rates(timelines, days),
        "outcomes": _outcomes(timelines),
        "actionable_share": _actionable(timelines),
        "response": _responses(timelines),
        "reraised": _reraised(timelines),
        "busiest": _busiest(timelines, patients),
        "busiest_tenth_share": _tenth(timelines, patients),
        "blind_hours": round(sum(one.blind_ms for one in timelines) / HOUR_MS, 2),
    }


def _rates(timelines: Collection[Timeline], days: float) -> list[Record]:
    """Count alerts by lane and worst level, and for each day that a patient was on the ward."""
    counted = Counter((one.lane, one.peak) for one in timelines)
    return [
        {
            "lane": lane.value,
            "level": level.value,
            "alerts": counted[lane, level],
            "per_patient_day": round(counted[lane, level] / days, 4) if days else None,
        }
        for lane in Lane
        for level in sorted(Level, reverse=True)
        if counted[lane, level]
    ]


def _outcomes(timelines: Collection[Timeline]) -> dict[str, int]:
    found = Counter(one.outcome for one in timelines if one.outcome is not None)
    return {outcome.value: found[outcome] for outcome in Outcome if found[outcome]}


def _actionable(timelines: Collection[Timeline]) -> Record:
    """Give by lane the share of the alerts closed by a person of which something came."""
    shares: Record = {}
    for lane in Lane:
        judged = [one.outcome for one in timelines if one.lane is lane and one.outcome is not None]
        shares[lane.value] = _share(sum(outcome in ACTIONABLE for outcome in judged), len(judged))
    return shares


def _responses(timelines: Collection[Timeline]) -> list[Record]:
    """Give, in hours and out of hours apart, how soon the alerts of each level were taken in hand and closed.

    Those never acknowledged, or still open, are in the counts and not in the times: read them together.
    """
    told = []
    for in_hours in (True, False):
        for level in sorted(Level, reverse=True):
            some = [one for one in timelines if one.opened_in_hours is in_hours and one.peak is level]
            if some:
                told.append({"hours": "in" if in_hours else "out", "level": level.value} | _response(some))
    return told


def _response(some: Collection[Timeline]) -> Record:
    return {
        "alerts": len(some),
        **_times("acknowledge", some, lambda one: one.acknowledged_ms),
        **_times("close", some, lambda one: one.closed_ms),
    }


def _times(what: str, some: Collection[Timeline], when: Callable[[Timeline], int | None]) -> Record:
    minutes = sorted((at - one.opened_ms) / MINUTE_MS for one in some if (at := when(one)) is not None)
    return {
        f"{what}d": len(minutes),
        f"minutes_to_{what}_median": round(statistics.median(minutes), 1) if minutes else None,
        f"minutes_to_{what}_p90": round(_ninetieth(minutes), 1) if minutes else None,
    }


def _ninetieth(minutes: Sequence[float]) -> float:
    return minutes[0] if len(minutes) == 1 else statistics.quantiles(minutes, n=10, method="inclusive")[-1]


def _reraised(timelines: Collection[Timeline]) -> Record:
    """Give the share of alerts that came back to be answered again, and why they did."""
    back = [one for one in timelines if RERAISES & one.kinds.keys()]
    counted = Counter(kind for one in back for kind in RERAISES & one.kinds.keys())
    reasons = {kind.value: counted[kind] for kind in Kind if counted[kind]}
    return {"alerts": len(back), "share": _share(len(back), len(timelines)), "because": reasons}


def _busiest(timelines: Collection[Timeline], patients: Mapping[int, str]) -> list[Record]:
    """Name the stays that make most alerts: their plans are the first to look at."""
    counted = Counter(one.stay_no for one in timelines if one.stay_no in patients)
    order = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [{"stay": stay, "patient": patients[stay], "alerts": count} for stay, count in order[:BUSIEST]]


def _tenth(timelines: Collection[Timeline], patients: Mapping[int, str]) -> float | None:
    """Give the share of patients' alerts that the busiest tenth of the patients makes, at least one of them."""
    counted = sorted(Counter(one.stay_no for one in timelines if one.stay_no in patients).values(), reverse=True)
    return _share(sum(counted[: max(1, round(len(patients) / 10))]), sum(counted))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
