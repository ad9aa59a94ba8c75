"""When a questionnaire is due: at the start, and then every so many days at a time of day on the ward's wall. Pure.

A clock that is put forward or back moves no due time on that wall. Of a time that the wall shows twice the first
counts; one that it never shows is taken as much later as the clock is put forward. A stay's own schedule may change how
often it is asked: each way of asking has rounds of its own, from a moment on and up to another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from vwmon.patients.records import AskedSet
from vwmon.patients.schedules import Schedule

ENDLESS: Final = 1 << 62  # after any moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How a questionnaire is asked from a moment on and before another; None: it is not.

    Its days are counted from that of `begun_ms`. `at_once`: it was not asked just before, and is due as it begins.
    """

    from_ms: int
    to_ms: int
    set: AskedSet | None
    begun_ms: int
    at_once: bool

    def near(self, zone: ZoneInfo, at_ms: int) -> list[int]:
        """Give the due times around a moment that are of these rounds; with two either side of it, where there are."""
        if self.set is None:
            return []
        at_ms = min(max(at_ms, self.begun_ms, self.from_ms), self.to_ms - 1)
        begun, today = (datetime.fromtimestamp(ms / 1000, zone).date() for ms in (self.begun_ms, at_ms))
        round_no, first = (today - begun).days // self.set.every_days, 1 if self.at_once else 0
        days = [begun + timedelta(days=self.set.every_days * n) for n in range(max(first, round_no - 1), round_no + 3)]
        at_once = [max(self.from_ms, self.begun_ms)] if self.at_once else []
        dues = [*at_once, *(_at(day, self.set.at_minute, zone) for day in days)]
        return [due for due in dues if self.from_ms <= due < self.to_ms]


def rounds(schedule: Schedule, questionnaire: str, admitted_ms: int) -> tuple[Rounds, ...]:
    """Give how a stay is asked a questionnaire in the course of time.

    The days of the pathway's way of asking are counted from the admission, those of the stay's own from its start.
    """
    found: list[Rounds] = []
    ends = (*schedule.starts[1:], ENDLESS)
    pathway = _of(schedule.plans[0].questionnaires, questionnaire)
    for start, end, plan in zip(schedule.starts, ends, schedule.plans, strict=True):
        asked, before = _of(plan.questionnaires, questionnaire), found[-1] if found else None
        if before is not None and before.set == asked:
            found[-1] = replace(before, to_ms=end)
            continue
        begun_ms = admitted_ms if asked == pathway else start
        at_once = before is None or before.set is None
        found.append(Rounds(from_ms=start, to_ms=end, set=asked, begun_ms=begun_ms, at_once=at_once))
    return tuple(found)


def due_by(several: Sequence[Rounds], time_zone: str, at_ms: int) -> int | None:
    """Give the last due time up to a moment, that included; None before the first. Times are ms UTC."""
    zone = ZoneInfo(time_zone)
    begun = (one for one in reversed(several) if one.from_ms <= at_ms)
    found = ((due for due in one.near(zone, at_ms) if due <= at_ms) for one in begun)
    return next((max(dues) for dues in map(list, found) if dues), None)


def due_after(several: Sequence[Rounds], time_zone: str, at_ms: int) -> int | None:
    """Give the first due time after a moment, that excluded; None where it is not asked again."""
    zone = ZoneInfo(time_zone)
    to_come = (one for one in several if one.to_ms > at_ms)
    found = ((due for due in one.near(zone, at_ms) if due > at_ms) for one in to_come)
    return next((min(dues) for dues in map(list, found) if dues), None)


def lasting(several: Sequence[Rounds], at_ms: int) -> list[Rounds]:
    """Give the rounds in which it is asked without a break around a moment; none where it is not asked then."""
    found: list[Rounds] = []
    for one in several:
        if one.set is not None:
            found.append(one)
        elif one.from_ms > at_ms:
            break
        else:
            found = []
    return found if found and found[-1].to_ms > at_ms and found[0].from_ms <= at_ms else []


def overdue_ms(several: Sequence[Rounds], time_zone: str, last_ms: int, now_ms: int) -> int | None:
    """Give until when the first answers are or were waited for that were due after the last, as it is at `now_ms`.

    None where it is not asked then, or never again. What is not answered stays so when it is asked otherwise from now
    on; what is not asked any more is not waited for.
    """
    run = lasting(several, now_ms)
    if not run:
        return None
    due = due_after(run, time_zone, max(last_ms, run[0].from_ms - 1))
    if due is None:
        return None
    asked = next(one.set for one in run if one.from_ms <= due < one.to_ms)
    return due + (asked.overdue_ms if asked is not None else 0)


def _of(several: Sequence[AskedSet], name: str) -> AskedSet | None:
    return next((one for one in several if one.questionnaire == name), None)


def _at(day: date, minute: int, zone: ZoneInfo) -> int:
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return round(wall.timestamp()) * 1000
