"""What a list is told about the stays it shows: who and where, the score that still holds, and what it was before.

Here: how the registers, the readings and the scores are put together for `alerts.queries`, all stays at once. Not
here: statements, or how anything looks.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from alerts.policy import POLICY
from alerts.queries import Lookups, Whose
from alerts.reasons import Earlier, Measured, Present
from vwmon import duty
from vwmon.cli import render
from vwmon.config_duty import Ward
from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.duty import Route
from vwmon.patients import plans
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.records import Plan, Stay
from vwmon.patients.schedules import OwnSchedule, Schedule
from vwmon.store import facts, glance, monitor, own_schedules, readings, scores
from vwmon.store.glance import Person, Value
from vwmon.store.sqlite import Connection

Record = dict[str, Any]

PARTS_OF = {chart: tuple(known.parts) for chart, known in POLICY.charts.items()}
EVERY_PART = tuple(POLICY.labels)
INITIALS = 2
EXCLUDED = "NEWS2 excluded: pregnancy"  # RCP 2017: in whatever week


def lookups(
    db: Connection,
    now_ms: int,
    *,
    decide: bool = False,
    names: bool | None = None,
    sentences: bool = True,
    wards: Sequence[Ward] = (),
) -> Lookups:
    """Give the ways to ask the registers and the scores about the stays of a list.

    With `decide` a score also says which measurement would settle it. `names` says how a person is told apart: True by
    name and age, False by initials and age, None not at all. The `wards` say who is staffed when.
    """
    asked = _Stays(db, now_ms, names)
    return Lookups(
        whose=asked.whose,
        scores=lambda stay_nos: asked.scores(stay_nos, decide=decide),
        present=asked.present,
        sentences=sentences,
        route=lambda ward, level: _route(wards, ward, level, now_ms),
    )


def _route(wards: Sequence[Ward], ward: str, level: int, now_ms: int) -> tuple[str, int | None]:
    where = duty.ward_of(wards, ward)
    way = duty.route(where, level, now_ms)
    return way, duty.opens_ms(where, now_ms) if way is Route.WAITS else None


def current_scores(
    db: Connection, stay_nos: Collection[int], now_ms: int, *, decide: bool = False
) -> dict[int, Record]:
    """Give the scores that are still current: where nothing is as fresh as the plan asks, the score is withdrawn.

    A score is stored when it changes, so the last reading tells its age. A recording ends for each patient with that
    patient's last reading, and the score stands as it was then.
    """
    return _Stays(db, now_ms, None).scores(stay_nos, decide=decide)


def last_readings(db: Connection, stay_nos: Collection[int]) -> dict[int, int]:
    """Give when each stay was last heard of, by the readings of the devices it had at their time."""
    last = {stay_no: glance.last_ms(found) for stay_no, found in glance.newest(db, stay_nos).items()}
    return {stay_no: at_ms for stay_no, at_ms in last.items() if at_ms is not None}


def initials(name: str) -> str:
    """Give the first letters of the first and the last word of a name: "Jan van der Berg" is JB."""
    words = [word for word in name.replace(",", " ").split() if word[0].isalpha()]
    return "".join(word[0].upper() for word in (words if len(words) <= INITIALS else (words[0], words[-1])))


def age(born: str, now_ms: int) -> int | None:
    """Give a person's age in whole years at a time; None for a date of birth that is none."""
    try:
        birth = date.fromisoformat(born)
    except ValueError:
        return None
    today = date.fromisoformat(render.utc(now_ms)[:10])
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


class _Stays:
    """The stays of one list at one moment; what several questions need is read once."""

    def __init__(self, db: Connection, now_ms: int, names: bool | None) -> None:
        self._db, self._now_ms, self._names = db, now_ms, names
        state = monitor.read(db)
        self._recorded = state is not None and state.mode == "recording"
        self._own = own_schedules.by_stay(db)
        self._pregnant = facts.pregnant(db, now_ms)
        self._newest: dict[int, dict[int, Value]] = {}
        self._asked: set[int] = set()
        self._stays: dict[int, Stay] = {}

    def whose(self, stay_nos: Collection[int]) -> dict[int, Whose]:
        newest = self._last(stay_nos)
        persons = {} if self._names is None else glance.persons(self._db, stay_nos)
        away = glance.away(self._db, self._now_ms)
        return {
            stay.stay_no: Whose(
                ward=stay.ward,
                patient=stay.patient,
                last_reading_ms=glance.last_ms(newest.get(stay.stay_no, {})),
                person=self._person(persons.get(stay.stay_no)),
                away_until_ms=away.get(stay.stay_no),
                canary=stay.pathway == plans.CANARY,
                pregnant=stay.stay_no in self._pregnant,
            )
            for stay in self._known(stay_nos)
        }

    def scores(self, stay_nos: Collection[int], *, decide: bool = False) -> dict[int, Record]:
        """Give the scores that hold, with what of them is `not_asked`: it is missing, and nobody waits for it.

        NEWS2 is not for pregnancy, so that then there is none, low or high.
        """
        stay_nos = [stay_no for stay_no in stay_nos if stay_no not in self._pregnant]
        newest = {} if self._recorded else self._last(stay_nos)
        stays = {stay.stay_no: stay for stay in self._known(stay_nos)}
        found = {}
        for stay_no, row in scores.latest(self._db, list(stay_nos)).items():
            last_ms = max(row.at_ms, glance.last_ms(newest.get(stay_no, {})) or 0)
            if self._recorded or self._now_ms - last_ms <= self._longest_ms(stays[stay_no]):
                held = score_record(row, stays[stay_no].chart)
                held["not_asked"] = self._not_asked(stays[stay_no], held["missing"])
                if decide:
                    held["measure_next"] = _measure_next(row, stays[stay_no], last_ms, held["not_asked"])
                found[stay_no] = held
        return found

    def present(self, acknowledged: Mapping[int, int | None], held: Mapping[int, Record]) -> dict[int, Present]:
        """Put together what is measured now of some stays and what that was when each was last acknowledged.

        Not acknowledged, it is compared with an hour before; in a recording an hour before the stay's last reading.
        """
        newest = self._last(acknowledged)
        since = {stay_no: ack_ms or self._end_ms(stay_no) - HOUR_MS for stay_no, ack_ms in acknowledged.items()}
        names = readings.vitals(self._db)
        asked = [
            (stay_no, value.vital_no, value.device_no, since[stay_no])
            for stay_no, score in held.items()
            if stay_no in acknowledged
            for value in newest.get(stay_no, {}).values()
            if score["points"].get(part_of(names[value.vital_no]))
        ]
        before = glance.at(self._db, asked)
        then = scores.at(self._db, since)
        charts = {stay.stay_no: stay.chart for stay in self._known(acknowledged)}
        return {
            stay_no: Present(
                score=held.get(stay_no),
                score_ms=_ms(held[stay_no]["at"]) if stay_no in held else 0,
                measured=_measured(newest.get(stay_no, {}), before.get(stay_no, {}), names, charts[stay_no]),
                earlier=_earlier(then.get(stay_no), since[stay_no], charts[stay_no], acknowledged=ack_ms is not None),
                excluded=EXCLUDED if stay_no in self._pregnant else "",
            )
            for stay_no, ack_ms in acknowledged.items()
        }

    def _known(self, stay_nos: Collection[int]) -> list[Stay]:
        unknown = set(stay_nos) - self._stays.keys()
        if unknown:
            self._stays |= glance.stays(self._db, unknown)
        return [self._stays[stay_no] for stay_no in set(stay_nos)]

    def _last(self, stay_nos: Collection[int]) -> Mapping[int, Mapping[int, Value]]:
        unknown = set(stay_nos) - self._asked
        if unknown:
            self._newest |= glance.newest(self._db, unknown)
            self._asked |= unknown
        return self._newest

    def _plan(self, stay: Stay) -> Plan | None:
        return plan_of(stay.pathway, self._own.get(stay.stay_no, ()), self._now_ms)

    def _not_asked(self, stay: Stay, missing: Sequence[str]) -> list[str]:
        """Name what of the missing no layer of the plan asks; nothing for a pathway that is no more."""
        plan = self._plan(stay)
        return [] if plan is None else [part for part in missing if part not in plan.vitals]

    def _longest_ms(self, stay: Stay) -> int:
        """Give the longest that a plan lets any reading count; nothing for a pathway that is no more."""
        plan = self._plan(stay)
        expected = {} if plan is None else plan.vitals or plan.beside
        return max((vital.valid_ms for vital in expected.values()), default=0)

    def _end_ms(self, stay_no: int) -> int:
        last_ms = glance.last_ms(self._newest.get(stay_no, {})) if self._recorded else None
        return last_ms if last_ms is not None else self._now_ms

    def _person(self, person: Person | None) -> Record | None:
        if person is None:
            return None
        name = person.name or ""
        told = {
            "initials": initials(name) or None,
            "age": None if person.born is None else age(person.born, self._now_ms),
        }
        return told | {"name": person.name} if self._names else told


def part_of(vital: str) -> str:
    """Give the part of the score that a vital is, or stands in for; any other vital is its own."""
    return plans.FEEDS.get(vital, vital)


def score_record(row: scores.ScoreRow, chart: str) -> Record:
    """Give a stored score of a chart as the interface shows it; `points` are the certain ones of the measured parts."""
    parts = PARTS_OF[chart]
    present, low = (scores.unpack(packed, len(parts)) for packed in (row.present, row.points_min))
    return {
        "chart": chart,
        "total_min": row.total_min,
        "total_max": row.total_max,
        "complete": bool(row.complete),
        "red": bool(row.red),
        "missing": missing(row, chart),
        "at": render.utc(row.at_ms),
        "could_be": row.could_be,
        "points": {part: points for part, points, there in zip(parts, low, present, strict=True) if there},
    }


def missing(row: scores.ScoreRow, chart: str) -> list[str]:
    """Name the parts that a stored score of a chart lacks."""
    parts = PARTS_OF[chart]
    return [part for part, there in zip(parts, scores.unpack(row.present, len(parts)), strict=True) if not there]


def _measured(
    newest: Mapping[int, Value], before: Mapping[int, Value], names: Mapping[int, str], chart: str
) -> list[Measured]:
    """Give the parts of the score as they were last measured; of two vitals that stand for one part, the later."""
    found: dict[str, Measured] = {}
    for vital_no, value in newest.items():
        vital, then = names[vital_no], before.get(vital_no)
        part = part_of(vital)
        if part not in PARTS_OF[chart] or (part in found and found[part].at_ms >= value.observed_ms):
            continue
        earlier = then is not None and then.observed_ms < value.observed_ms
        found[part] = Measured(
            vital=vital,
            part=part,
            value=value.value,
            at_ms=value.observed_ms,
            before=then.value if then is not None and earlier else None,
            before_ms=then.observed_ms if then is not None and earlier else None,
        )
    return list(found.values())


def _earlier(row: scores.ScoreRow | None, since_ms: int, chart: str, *, acknowledged: bool) -> Earlier | None:
    if row is None:
        return None
    return Earlier(
        since_ms=since_ms,
        acknowledged=acknowledged,
        total_min=row.total_min,
        total_max=row.total_max,
        missing=tuple(missing(row, chart)),
    )


def _measure_next(row: scores.ScoreRow, stay: Stay, scored_ms: int, not_asked: Collection[str]) -> Record | None:
    """Give the measurement that would settle a score, which still stood at `scored_ms`.

    On PEWS none is looked for: a concern may raise it. Nor is one of a stay that is over.
    """
    if stay.chart != NEWS2 or stay.discharged_ms is not None:
        return None
    from vwmon.cli import next_measure

    return next_measure.of_stored(row, stay.scale_at(scored_ms), not_asked)


def _ms(at: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(at).timestamp() * 1000)


def plan_of(pathway: str, own: Sequence[OwnSchedule], at_ms: int) -> Plan | None:
    """Give the plan of a stay at a moment, with what it is asked of its own; None for a pathway that is no more."""
    plan = plans.find(pathway)
    return plan if plan is None or not own else Schedule.of(plan, own).at(at_ms)


def silent_ms(plan: Plan | None) -> int:
    """Give after how long without any reading something that a plan expects must be overdue; a day without one."""
    return min((vital.overdue_ms for vital in plan.expected.values()), default=DAY_MS) if plan is not None else DAY_MS
