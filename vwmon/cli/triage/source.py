"""Where the queue comes from and where acts go: the same records and the same verbs as the commands, a connection each.

Every error that a database or an act can end in comes back as a sentence; nothing here knows the screen.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from alerts import queries, store
from alerts.acts import Act
from alerts.errors import AlertError
from alerts.model import Outcome
from alerts.queries import Wanted
from alerts.store import Acted
from devices.vitals import VITALS, printed
from vwmon.cli import alert_page, context, stay_lookups, ward_lines, work_list
from vwmon.cli.acting import Acting
from vwmon.cli.standing import Standing, standing_of
from vwmon.cli.triage.charts import SCALES, Dot, Interval, Trace
from vwmon.cli.triage.records import Answer, Asked, Look, Story, Wish
from vwmon.cli.ward_lines import Looking
from vwmon.config import Settings
from vwmon.durations import HOUR_MS
from vwmon.errors import VwmonError
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.plans import FEEDS
from vwmon.patients.records import Plan, Stay
from vwmon.scoring import charts, layouts, reference
from vwmon.scoring.layouts import AGE_BANDS, COLUMNS
from vwmon.store import own_schedules, readings, registers, scores
from vwmon.store.database import open_reader, open_writer, told_plainly
from vwmon.store.sqlite import Connection

TROUBLE: Final = (VwmonError, AlertError, OSError)
COMMANDS: Final = {"ack": "key a", "close": "key c", "show": "enter", "unack": "key u", "reopen": "key u"}
WORDS: Final = {"--take takes over": "Key t takes it over", "say with -m": "say in the note", " note: -m": " note"}
EVERY_OPEN: Final = Wanted(snoozed=True)
UNDO: Final = {"ack": "Undo: u", "take": "Undo: u", "snooze": "Undo: z", "close": "Undo: u"}
LETTERS: Final = {"consciousness": "ACVPU"}


Verb = Callable[[Connection, Wish, Act], Acted]
VERBS: Final[Mapping[str, Verb]] = {
    "ack": lambda db, wish, act: store.acknowledge(db, wish.alert, act, for_ms=wish.for_ms),
    "take": lambda db, wish, act: store.acknowledge(db, wish.alert, act, for_ms=wish.for_ms, take=True),
    "note": lambda db, wish, act: store.note(db, wish.alert, act),
    "snooze": lambda db, wish, act: store.snooze(db, wish.alert, act, wish.for_ms or 0),
    "wake": lambda db, wish, act: store.wake(db, wish.alert, act),
    "unack": lambda db, wish, act: store.unacknowledge(db, wish.alert, act),
    "reopen": lambda db, wish, act: store.reopen(db, wish.alert, act),
    "close": lambda db, wish, act: store.close(db, wish.alert, act, wish.outcome or Outcome.OTHER),
}


def look(settings: Settings, asked: Asked) -> Look | str:
    """Look once; a sentence when the database cannot be read."""
    try:
        with told_plainly(settings.store.path), closing(open_reader(settings.store.path)) as db:
            return _look(db, settings, asked)
    except TROUBLE as error:
        return _sentence(error)


def do(settings: Settings, wish: Wish, actor: str) -> Answer:
    """Do one act as the commands do it, and say where the alert stands then or why it was refused."""
    path = settings.store.path
    try:
        context.allow(settings, actor, command="alerts triage", changes=True)
        with told_plainly(path), closing(open_writer(path)) as db:
            at = standing_of(db)
            person = Acting(db, at, actor, wish.verb, settings.wards)
            verb = VERBS[wish.verb]
            person.each([wish.alert], person.act(wish.note, wish.version), lambda db, _, act: verb(db, wish, act))
            person.anchor(path)
            ((_, acted, refusal),) = person.acted
            if acted is None or refusal is not None:
                return Answer(said=here(_sentence(refusal or AlertError())), refused=True)
            return Answer(said=_done(db, acted, wish, at), refused=False)
    except TROUBLE as error:
        return Answer(said=_sentence(error), refused=True)


def here(said: str) -> str:
    """Give a refusal in the words of this screen: where it names a command or an option, the key."""
    for words, key in WORDS.items():
        said = said.replace(words, key)
    return re.sub(r"vwmon alerts (\w+) \S+", lambda found: COMMANDS.get(found[1], found[0]), said)


def _look(db: Connection, settings: Settings, asked: Asked) -> Look:
    at = standing_of(db)
    whose = stay_lookups.lookups(db, at.now_ms, names=asked.names, wards=settings.wards)
    found = queries.work_list(db, whose, at.now_ms, EVERY_OPEN)
    return Look(
        now_ms=at.now_ms,
        live=at.state is None or at.state.mode == "live",
        title=at.title,
        trusted=at.trusted,
        footer=tuple(ward_lines.lines(db, at, settings, Looking(actor=asked.who or "nobody yet"), found)),
        records=tuple(found),
        asked=asked,
        story=None if asked.stay is None else story(db, asked.stay, at.now_ms, asked.hours),
        detail=_detail(db, settings, asked, at),
    )


def _detail(db: Connection, settings: Settings, asked: Asked, at: Standing) -> tuple[str, ...]:
    if not asked.alert:
        return ()
    page = alert_page.read(db, at, settings, asked.alert, asked.hours * HOUR_MS, names=asked.names)
    return tuple(alert_page.lines(replace(page, trends=())))  # the chart stands below it


def _done(db: Connection, acted: Acted, wish: Wish, at: Standing) -> str:
    record = queries.one(db, stay_lookups.lookups(db, at.now_ms, names=False), at.now_ms, acted.alert.id)
    return " ".join(filter(None, [f"{work_list.done(record)}.", UNDO.get(wish.verb)]))


def _sentence(error: Exception) -> str:
    return " ".join(str(error).splitlines()) or type(error).__name__


def story(db: Connection, stay_no: int, now_ms: int, hours: int) -> Story:
    """Read what a stay's chart is drawn from: what its devices measured while they were its own."""
    stay, from_ms = registers.stay(db, stay_no), now_ms - hours * HOUR_MS
    plan = stay_lookups.plan_of(stay.pathway, own_schedules.of_stay(db, stay_no), now_ms)
    rows = _own_rows(db, stay_no, from_ms)
    names, cursor = readings.vitals(db), scores.cursor(db)
    by_vital: dict[str, list[tuple[int, float]]] = {}
    for _, _, vital_no, at_ms, value, *_ in rows:
        if value is not None and at_ms <= now_ms:
            by_vital.setdefault(names[vital_no], []).append((at_ms, value))
    kept = scores.history(db, stay_no, 0, now_ms)
    return Story(
        stay=stay_no,
        traces=tuple(_trace(vital, by_vital.get(vital, ()), stay, plan) for vital in _vitals(by_vital, plan)),
        scores=tuple(Interval(at_ms=row.at_ms, low=row.total_min, high=row.total_max) for row in kept),
        heard_ms=tuple(
            row[3] for row in rows if row[0] <= cursor and _scored(names[row[2]], stay) and row[3] <= now_ms
        ),
        ahead=sum(row[3] > now_ms for row in rows),
        chart=stay.chart,
    )


def _own_rows(db: Connection, stay_no: int, from_ms: int) -> list[readings.LogRow]:
    held = [one for one in registers.assignments(db) if one.stay_no == stay_no]
    return [
        row
        for one in held
        for row in readings.history(db, [one.device_no], max(from_ms, one.from_ms))
        if one.to_ms is None or row[3] < one.to_ms
    ]


def _vitals(there: Mapping[str, Any], plan: Plan | None) -> list[str]:
    """Name the vitals to draw: those of the score that are asked for or there, in its order, then the others."""
    expected = set() if plan is None else set(plan.vitals)
    first = [vital for vital in SCALES if vital in there or vital in expected]
    return [*first, *sorted(vital for vital in there if vital not in SCALES)]


def _scored(vital: str, stay: Stay) -> bool:
    return FEEDS.get(vital, vital) in COLUMNS[stay.chart]


def _trace(vital: str, found: Sequence[tuple[int, float]], stay: Stay, plan: Plan | None) -> Trace:
    known = VITALS.get(vital)
    expected = None if plan is None else plan.expected.get(FEEDS.get(vital, vital))
    return Trace(
        vital=vital,
        unit="" if known is None else printed(known.unit),
        dots=tuple(Dot(at_ms=at, value=value, points=_points(stay, vital, at, value)) for at, value in found),
        valid_ms=None if expected is None else expected.valid_ms,
        letters=LETTERS.get(vital, ""),
    )


def _points(stay: Stay, vital: str, at_ms: int, value: float) -> int | None:
    """Give what a reading of a stay scores by itself, a child's by the band of age at its time."""
    if stay.chart == NEWS2:
        return points(vital, value, stay.scale_at(at_ms))
    band = AGE_BANDS[layouts.band(stay.ages_ms, at_ms) - 1]
    return points(vital, value, 1, stay.chart, ("age_band", band)) if vital in COLUMNS[stay.chart] else None


def points(
    vital: str, value: float, spo2_scale: int, chart: str = NEWS2, known: tuple[str, int | str] | None = None
) -> int | None:
    """Give what a reading scores by itself; None where that hangs on something else, as SpO2 does on scale 2.

    `known` is what else a chart asks for: its name and its word; of NEWS2 the SpO2 scale.
    """
    part = next((part for part in charts.load(chart).parts if part.name == vital), None)
    if part is None:
        return None
    tables = [one for one in part.tables if set(one.when) <= {known or ("spo2_scale", spo2_scale)}]
    band = reference.read(part, tables[0], value) if tables else None
    return None if band is None else band.points
