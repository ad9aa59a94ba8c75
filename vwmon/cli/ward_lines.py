"""What else needs knowing below a work list: who reports, what waits, how fresh all is, who looks, and who is on duty.

Counted over the people of the ward or wards of the list, whatever else the list leaves out. Nothing here decides about
an alert.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.model import Lane
from alerts.policy import RULES
from vwmon.cli import render, stay_lookups
from vwmon.cli.standing import Standing
from vwmon.cli.work_list import BAR, Row
from vwmon.config import Settings
from vwmon.config_duty import Ward
from vwmon.patients.plans import CANARY
from vwmon.patients.schedules import OwnSchedule
from vwmon.store import glance, hub, own_schedules
from vwmon.store.glance import Heard
from vwmon.store.sqlite import Connection

HOUR_MS = 3_600_000
UNREAD_MS = 4 * HOUR_MS  # after which a message to a patient that nobody read is worth a call
NAMED = 3  # of the patients that do not report so many are named
ALWAYS = "00:00-24:00"
TECHNICAL = [rule.name for rule in RULES.values() if rule.lane is Lane.TECHNICAL]
PENDING = """select count(*) from condition where state = 'pending'
    and not exists (select 1 from stay where stay.stay_no = condition.stay_no and pathway = ?2)
    and (?1 = '' or exists (select 1 from stay where stay.stay_no = condition.stay_no and ward = ?1))"""
# What is found wrong with kit and data while there is no alert of it: held back because the service is at fault.
HELD_BACK = """select count(distinct stay_no) from condition
    where state in ('present', 'clearing', 'unknown') and rule in (select value from json_each(?2))
    and not exists (select 1 from alert where alert.stay_no = condition.stay_no and lane = 'technical'
        and state in ('new', 'acknowledged', 'reraised'))
    and not exists (select 1 from stay where stay.stay_no = condition.stay_no and pathway = ?3)
    and (?1 = '' or exists (select 1 from stay where stay.stay_no = condition.stay_no and ward = ?1))"""
SNOOZED = """select count(*) from alert where snooze_ms > ?2 and state = 'acknowledged'
    and not exists (select 1 from stay where stay.stay_no = alert.stay_no and pathway = ?3)
    and (?1 = '' or exists (select 1 from stay where stay.stay_no = alert.stay_no and ward = ?1))"""


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Who looks, and at which ward: empty is every one."""

    actor: str
    ward: str = ""


def lines(
    db: Connection, standing: Standing, settings: Settings, looking: Looking, rows: Sequence[Row], folded: int = 0
) -> list[str]:
    """Give the lines below a list of these rows, beside which so many technical alerts of level 1 are folded away."""
    recorded = standing.state is not None and standing.state.mode == "recording"
    heard = [one for one in glance.ward(db, looking.ward) if one.pathway != CANARY]
    silent = [] if recorded else _silent(heard, own_schedules.by_stay(db), standing.now_ms)
    until = glance.away(db, standing.now_ms)
    away = {stay.patient: until[stay.stay_no] for stay in heard if stay.stay_no in until}
    reporting = _reporting(heard, silent, recorded=recorded)
    alerts = sum("canary" not in row["flags"] for row in rows)
    counts = [_counted(alerts, "alert"), reporting, *_waiting(db, standing, looking)]
    missed = [stay for stay in silent if stay.patient not in away]
    duty = [] if recorded else _staffed(settings, looking, standing.now_ms)
    fresh = [*_fresh(standing), f"you: {looking.actor}", *duty]
    said = [BAR.join(counts), *_away(away, standing.now_ms), *_named(missed, standing.now_ms), BAR.join(fresh)]
    return [f"+ {folded} technical L1: vwmon alerts --lane technical", *said] if folded else said


def folded_away(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Give the rows that must be seen, and how many there are besides: technical ones of level 1, and no others."""
    seen = [row for row in rows if row["lane"] != Lane.TECHNICAL or row["level"] > 1 or row["state"] == "closed"]
    return seen, len(rows) - len(seen)


def snoozed(db: Connection, now_ms: int, ward: str = "") -> int:
    """Count the alerts that their owners have put off the list for a while."""
    return glance.count(db, SNOOZED, [ward, now_ms, CANARY])


def _waiting(db: Connection, standing: Standing, looking: Looking) -> list[str]:
    """Count what the list does not show and may soon: breaches to be confirmed, and alerts put off."""
    pending = glance.count(db, PENDING, [looking.ward, CANARY])
    off = snoozed(db, standing.now_ms, looking.ward)
    held = glance.count(db, HELD_BACK, [looking.ward, json.dumps(TECHNICAL), CANARY])
    unread = hub.unread(db, standing.now_ms - UNREAD_MS, looking.ward)
    return [
        *([f"{pending} pending confirmation (vwmon alerts --pending)"] if pending else []),
        *([f"{off} snoozed (vwmon alerts --snoozed)"] if off else []),
        *([f"{held} technical held back"] if held else []),
        *(
            [f"{_counted(unread, 'message')} unread for {UNREAD_MS // HOUR_MS} h (vwmon messages --unread)"]
            if unread
            else []
        ),
    ]


def _silent(heard: Sequence[Heard], own: Mapping[int, Sequence[OwnSchedule]], now_ms: int) -> list[Heard]:
    """Give the stays of which nothing at all has come for so long that something expected must be overdue."""
    plans = {stay.stay_no: stay_lookups.plan_of(stay.pathway, own.get(stay.stay_no, ()), now_ms) for stay in heard}
    late = [
        stay
        for stay in heard
        if now_ms - (stay.last_ms or stay.admitted_ms) > stay_lookups.silent_ms(plans[stay.stay_no])
    ]
    return sorted(late, key=lambda stay: stay.last_ms or 0)


def _reporting(heard: Sequence[Heard], silent: Sequence[Heard], *, recorded: bool) -> str:
    if recorded:
        return _counted(len(heard), "patient")
    verb = "report" if len(heard) != 1 else "reports"
    awaited = sum(stay.last_ms is None for stay in heard) - sum(stay.last_ms is None for stay in silent)
    told = f"{len(heard) - len(silent) - awaited} of {_counted(len(heard), 'patient')} {verb}"
    return f"{told}, {awaited} not heard of yet" if awaited else told


def _away(away: Mapping[str, int], now_ms: int) -> list[str]:
    """Name who is away, the soonest back first: their silence is expected, whatever they send is not."""
    named = [
        f"{patient} (back in {render.short(until - now_ms)})" for patient, until in sorted(away.items(), key=_until)
    ]
    more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
    return [f"away: {', '.join([*named[:NAMED], *more])}"] if named else []


def _until(item: tuple[str, int]) -> int:
    return item[1]


def _named(silent: Sequence[Heard], now_ms: int) -> list[str]:
    named = [
        f"{stay.patient} ({'never' if stay.last_ms is None else render.ago(now_ms - stay.last_ms)})"
        for stay in silent[:NAMED]
    ]
    more = [f"and {len(silent) - NAMED} more"] if len(silent) > NAMED else []
    return [f"not reporting: {', '.join([*named, *more])}"] if silent else []


def _fresh(standing: Standing) -> list[str]:
    state = standing.state
    if state is None or state.mode != "live":
        return []
    return [f"last reading {standing.ago(state.last_received_ms)}", f"monitor {standing.ago(state.cycle_ms)}"]


def _staffed(settings: Settings, looking: Looking, now_ms: int) -> list[str]:
    return [_duty(ward, now_ms) for ward in settings.wards if looking.ward in {"", ward.id}]


def _duty(ward: Ward, now_ms: int) -> str:
    from vwmon import hours

    if ward.hours == ALWAYS:
        return f"{ward.id} staffed at all hours"
    begin, end = ward.hours.split("-")
    if hours.staffed(ward.hours, ward.time_zone, now_ms):
        return f"{ward.id} staffed until {end}"
    return f"{ward.id} NOT STAFFED until {begin}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
