"""`vwmon alerts stats`: the numbers of the work list, for ward leads. What is counted how is alerts.burden's.

Here: whose patient-days they are, when wards are staffed, and the look of it at 80 columns.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from alerts import queries, timelines
from alerts.burden import burden
from alerts.model import SYSTEM_STAY
from vwmon import hours
from vwmon.cli import render, stay_lookups
from vwmon.cli.standing import Standing
from vwmon.config import Settings
from vwmon.durations import DAY_MS
from vwmon.errors import NotFoundError
from vwmon.patients import plans
from vwmon.patients.records import Stay
from vwmon.store import registers
from vwmon.store.sqlite import Connection

Record = Mapping[str, Any]

NOTHING = "-"
WEEK_MS, SECOND_MS = 7 * DAY_MS, 1000
TIMES = ("median", "p90")
RATES = ("LANE", "LEVEL", "ALERTS", "PER PATIENT-DAY")
RESPONSES = ("RAISED", "LEVEL", "ALERTS", "IN HAND", "MEDIAN", "P90", "CLOSED", "MEDIAN", "P90")


def record(db: Connection, settings: Settings, standing: Standing, within_ms: int | None, ward: str) -> dict[str, Any]:
    """Give the numbers of the last `within_ms`, None for a week or the whole of a recording.

    Of one ward, where one is named, they are without the service's own alerts.

    NotFoundError when no stay was ever on that ward.
    """
    stays = [stay for stay in registers.stays(db, ward=ward or None) if stay.pathway != plans.CANARY]
    if ward and not stays:
        raise NotFoundError(f"no patient was ever on a ward {ward}; see: vwmon patients --all")
    if within_ms is None:
        within_ms = _whole_ms(standing, stays) if _recorded(standing) else WEEK_MS
    to_ms = standing.now_ms
    from_ms = (to_ms - within_ms) // SECOND_MS * SECOND_MS
    counted = {stay.stay_no for stay in stays} | (set() if ward else {SYSTEM_STAY})
    ends_ms = _ends_ms(db, standing, stays)
    raised = timelines.timelines(db, from_ms, to_ms, _staffed(settings, stays), ends_ms)
    about = {"from": queries.utc(from_ms), "to": queries.utc(to_ms // SECOND_MS * SECOND_MS), "ward": ward or None}
    numbers = burden(
        [one for one in raised if one.stay_no in counted],
        sum(max(0, ends_ms[stay.stay_no] - max(stay.admitted_ms, from_ms)) for stay in stays),
        {stay.stay_no: stay.patient for stay in stays},
    )
    return about | numbers


def lines(record: Record) -> list[str]:
    """Give the numbers as lines for people."""
    if not record["alerts"]:
        return [_headline(record), "No alert was raised."]
    return [
        _headline(record),
        "",
        *render.laid_out([RATES, *map(_rate, record["rates"])], "right"),
        "",
        *render.laid_out([RESPONSES, *map(_response, record["response"])], "right"),
        "",
        *(line for said in _sentences(record) for line in render.folded(said)),
    ]


def _headline(record: Record) -> str:
    where = f"ward {record['ward']}, " if record["ward"] else ""
    count, days = record["alerts"], record["patient_days"]
    alerts = "1 alert" if count == 1 else f"{count} alerts"
    return f"{where}{record['from']} to {record['to']}: {alerts} in {days:,.1f} patient-days"


def _rate(row: Record) -> tuple[str, ...]:
    each = NOTHING if row["per_patient_day"] is None else f"{row['per_patient_day']:.3f}"
    return row["lane"], str(row["level"]), str(row["alerts"]), each


def _response(row: Record) -> tuple[str, ...]:
    times = [_minutes(row[f"minutes_to_{what}_{which}"]) for what in ("acknowledge", "close") for which in TIMES]
    hours_ = "in hours" if row["hours"] == "in" else "out of hours"
    return (
        hours_,
        str(row["level"]),
        str(row["alerts"]),
        str(row["acknowledged"]),
        *times[:2],
        str(row["closed"]),
        *times[2:],
    )


def _minutes(minutes: float | None) -> str:
    return NOTHING if minutes is None else render.ago(minutes * 60_000)


def _sentences(record: Record) -> Iterator[str]:
    for lane, share in record["actionable_share"].items():
        if share is not None:
            yield f"{share:.0%} of the {lane} alerts that a person closed were actionable"
    outcomes = ", ".join(f"{code} {count}" for code, count in record["outcomes"].items())
    yield f"outcomes: {outcomes or 'none yet'}"
    back = record["reraised"]
    reasons = ", ".join(f"{kind} {count}" for kind, count in back["because"].items())
    yield f"{back['alerts']} raised again ({back['share']:.0%}){': ' + reasons if reasons else ''}"
    yield f"{record['blind_hours']:g} hours with an alert open and its readings overdue"
    if record["busiest"]:
        busiest = ", ".join(f"{row['patient']} {row['alerts']}" for row in record["busiest"])
        yield f"the busiest tenth of the patients makes {record['busiest_tenth_share']:.0%} of theirs: {busiest}"


def _staffed(settings: Settings, stays: Collection[Stay]) -> Callable[[int, int], bool]:
    """Tell of a stay and a time whether its ward was staffed; a ward that is not configured always is."""
    wards = {ward.id: ward for ward in settings.wards}
    ward_of = {stay.stay_no: wards.get(stay.ward) for stay in stays}

    def told(stay_no: int, at_ms: int) -> bool:
        ward = ward_of.get(stay_no)
        return ward is None or hours.staffed(ward.hours, ward.time_zone, at_ms)

    return told


def _recorded(standing: Standing) -> bool:
    return standing.state is not None and standing.state.mode == "recording"


def _whole_ms(standing: Standing, stays: Collection[Stay]) -> int:
    """Give how long a recording is: from its first admission to the moment that it stands at."""
    return standing.now_ms - min((stay.admitted_ms for stay in stays), default=standing.now_ms)


def _ends_ms(db: Connection, standing: Standing, stays: Collection[Stay]) -> dict[int, int]:
    """Give until when each stay is looked at: its discharge, or now; in a recording at the latest its last reading."""
    last = stay_lookups.last_readings(db, {stay.stay_no for stay in stays}) if _recorded(standing) else {}
    return {
        stay.stay_no: min(stay.discharged_ms or standing.now_ms, last.get(stay.stay_no, standing.now_ms))
        for stay in stays
    }
