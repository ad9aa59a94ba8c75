"""Under what terms the case of a stay is followed: its limits in layers, what is held back, how its ward is staffed.

The daemon and everyone who acts on an alert go by the same, whoever comes first, so both take it from here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from alerts.layers import EVER
from alerts.model import SYSTEM_STAY
from alerts.over_time import OverTime
from alerts.pauses import Span
from alerts.policy import BASE, RuleSet, Terms
from vwmon.config_duty import Ward
from vwmon.duty import Staffing
from vwmon.holds import Held, Holds
from vwmon.patients.limits import BY_THE_TABLE, Course, Layers
from vwmon.patients.places import Place, places
from vwmon.patients.records import Plan
from vwmon.store import findings, limits, pauses, registers, transfers
from vwmon.store.sqlite import Connection


def over_time(course: Course, held: Held, wards: Sequence[tuple[int, Terms]]) -> OverTime:
    """Give the terms of wards with a course of rules, and with what is held back, which says of itself when.

    The `wards` are those of a stay in order, each with when it came there; the first holds from ever.
    """
    starts = sorted({*course.starts, *(from_ms for from_ms, _ in wards)})
    return OverTime(
        starts=tuple(starts),
        terms=tuple(_with(_last(wards, start), course.at(start), held) for start in starts),
    )


def _with(ward: Terms, rules: RuleSet, held: Held) -> Terms:
    return ward if rules is BASE and not held else replace(ward, rules=rules, held=held)


def _last(wards: Sequence[tuple[int, Terms]], at_ms: int) -> Terms:
    return next(ward for from_ms, ward in reversed(wards) if from_ms <= at_ms)


def of_wards(wards: Sequence[Place], staffing: Staffing) -> list[tuple[int, Terms]]:
    """Give the terms of the wards that a stay is and was on, each with when it came there."""
    return [(place.from_ms, staffing.terms(place.ward)) for place in wards]


def of_service(staffing: Staffing) -> OverTime:
    """Give the terms of the whole service, which has no limits of its own and is never paused."""
    return over_time(BY_THE_TABLE, {}, [(EVER, staffing.terms(""))])


def holds(db: Connection, stay_no: int | None = None) -> Holds:
    """Read what holds technical alerts back: faults of the whole service, and the pauses of one stay or of all."""
    spans: dict[int, list[Span]] = {}
    for pause in pauses.every(db, stay_no):
        spans.setdefault(pause.stay_no, []).append(pause.span)
    return Holds.of([one.finding for one in findings.of_stay(db, SYSTEM_STAY)], spans)


def layers(wards: Iterable[Ward], plans: Mapping[str, Plan]) -> Layers:
    """Give the limits of these wards and of the pathways of these plans."""
    return Layers({ward.id: [limit.of(ward.id) for limit in ward.limits] for ward in wards}, plans)


def of_stay(db: Connection, stay_no: int, layers: Layers, staffing: Staffing) -> OverTime:
    """Read the terms of one stay, or of the whole service, as they are now: for an act, in its transaction."""
    if stay_no == SYSTEM_STAY:
        return of_service(staffing)
    stay = registers.stay(db, stay_no)
    moved = transfers.of_stay(db, stay_no)
    course = layers.course(stay, limits.of_stay(db, stay_no), moved)
    return over_time(course, holds(db, stay_no).held(stay_no), of_wards(places(stay, moved), staffing))
