"""The nearest change of one reading that would have kept an alert quiet, found by trying.

One reading of those that the score stood on is changed, in whole steps of the chart and to what is possible of a
person, and the stay is told again from there. It would have been quiet if, up to that moment, nobody is asked for
anything that the log had not asked for before, and the alert does not stand at that level all the same. Nearest is the
fewest steps; of several the one that is the smallest share of what is usual of its vital; then the reading observed
last. Words have the chart's order: from V to A are two steps, from oxygen to air is one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from types import MappingProxyType
from typing import Final

import numpy as np

from alerts.model import Alert, Event, Kind, Lane, State
from alerts.policy import RuleSet
from devices.vitals import VITALS, Vital
from vwmon.attribution import AIR_PERCENT, Vitals
from vwmon.patients.chart_names import NEWS2
from vwmon.retelling import Retelling
from vwmon.scoring import charts
from vwmon.scoring.layouts import COLUMNS
from vwmon.scoring.records import MILLION, Band, Part
from vwmon.scoring.reference import quantise
from vwmon.sources import Source
from vwmon.store.account import Kept
from vwmon.timeline import Message, Settled, Step

# PEWS has no steps: values are tried by the whole unit, a fraction of oxygen by the per cent.
STEPS: Final[Mapping[str, int]] = {"fio2": MILLION // 100}
NOWHERE: Final[Mapping[str, Sequence[float]]] = MappingProxyType({})
ASKING: Final = frozenset({Kind.RAISED, Kind.WORSENED, Kind.OUTGREW, Kind.EXPIRED, Kind.RELAPSED, Kind.REVIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One reading, as it would have had to be: how many steps of the chart away, and what share of the usual range."""

    source: Source
    value: float
    steps: int
    share: float

    @property
    def rank(self) -> tuple[float, ...]:
        """Order changes from the nearest on."""
        part = COLUMNS[self.source.chart].index(self.source.part)
        return (self.steps, self.share, -self.source.observed_ms, part, self.source.seq, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The nearest change, and the score and the clinical level that would have stood; no change where none does it."""

    change: Change | None = None
    total_min: int = 0
    total_max: int = 0
    level: int | None = None
    tried: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When an alert asked: the clinical event, those that had asked before it, and the step that it came in."""

    event: Event
    before: Sequence[Event]
    step: int

    @property
    def at_ms(self) -> int:
        """Give the time of the score."""
        return int(self.event.evidence["at_ms"])

    @property
    def waited(self) -> bool:
        """Tell whether nothing was asked at once: a repeat was waited for, and the wait was over."""
        return self.event.at_ms > int(self.event.evidence["received_ms"])


def asks(kept: Kept) -> list[Event]:
    """Give the clinical events that asked for someone, in order."""
    lanes = {number: alert.lane for number, alert in kept.alerts.items()}
    return [event for event in kept.events if event.kind in ASKING and lanes[event.alert_no] is Lane.CLINICAL]


def turns(rules: RuleSet) -> dict[str, list[float]]:
    """Give by part the values at which some rule in force over the part's own value turns."""
    found: dict[str, list[float]] = {}
    for rule in rules.named:
        kind, _, part = rule.quantity.partition(":")
        found.setdefault(part if kind == "value" else "", []).extend([rule.limit_on, rule.limit_off])
    return found


def find(
    beginning: Retelling,
    steps: Sequence[Step],
    moment: Moment,
    sources: Sequence[Source],
    turning: Mapping[str, Sequence[float]] = NOWHERE,
) -> Nearest:
    """Try the changes of these readings from the nearest on, until one keeps the moment quiet.

    `beginning` has been told nothing yet. Values are tried once that a chart scores alike in every case and that lie
    on the same side of every value at which a rule is `turning`.
    """
    if not sources:
        return Nearest()
    first = _first(steps, sources)
    told = _up_to(steps[first : moment.step + 1], moment)
    tried = {_alike(one, one.value, turning) for one in sources}
    runs = 0
    beginning.tell(steps[:first])
    for change in sorted((c for source in sources for c in changes(source)), key=lambda change: change.rank):
        alike = _alike(change.source, change.value, turning)
        if alike in tried:
            continue
        tried.add(alike)
        runs += 1
        with beginning.forked() as other:
            kept = other.tell(_changed(told, change)).kept()
        if quiet(kept, moment):
            return _nearest(kept, change, moment, runs)
    return Nearest(tried=runs)


def quiet(kept: Kept, moment: Moment) -> bool:
    """Tell whether, by that moment, nobody was asked for what had not been asked for before it, and it does not stand.

    A worse reading earlier on can take the news out of a moment: the alert would then have stood there all along.
    """
    news = [asked for asked in asks(kept) if _by(asked, moment)]
    return all(any(_as_much(asked, before) for before in moment.before) for asked in news) and not any(
        _stands(alert, moment.event) for alert in kept.alerts.values()
    )


def _stands(alert: Alert, event: Event) -> bool:
    """Tell whether a clinical alert asks as much as the event did; one that is in hand does not ask again."""
    in_hand = alert.state is State.ACKNOWLEDGED and event.kind is Kind.OUTGREW
    return alert.lane is Lane.CLINICAL and alert.active and alert.level >= event.level_after and not in_hand


def changes(source: Source) -> Iterator[Change]:
    """Give every other value of a reading that is possible of a person, at the resolution of the chart."""
    part = _part(source)
    vital, bands = VITALS[source.vital], part.tables[0].bands
    if all(band.name for band in bands):
        yield from _words(source, part, vital, bands)
    else:
        yield from _numbers(source, vital, part.step if source.chart == NEWS2 else STEPS.get(vital.name, MILLION))


def _numbers(source: Source, vital: Vital, step: int) -> Iterator[Change]:
    here, size = quantise(source.value, step), step / MILLION
    usual = max(1.0, (vital.usual_high - vital.usual_low) / size)
    for number in range(floor(vital.low / size), ceil(vital.high / size) + 1):
        value = number * step / MILLION
        if number != here and vital.possible(value):
            yield Change(source=source, value=value, steps=abs(number - here), share=abs(number - here) / usual)


def _words(source: Source, part: Part, vital: Vital, bands: Sequence[Band]) -> Iterator[Change]:
    """Give the other words of a part; a vital that stands in for it can say what it has a value for."""
    if vital.whole:
        yield from _numbers(source, vital, MILLION)
        return
    names = [band.name for band in bands]
    here = next((i for i, band in enumerate(bands) if _within(band, quantise(source.counted, part.step))), 0)
    values = {"air": AIR_PERCENT / 100} if source.vital != part.name else vital.choices
    for there, name in enumerate(names):
        if there != here and name in values:
            away = abs(there - here)
            yield Change(source=source, value=values[name], steps=away, share=away / (len(names) - 1))


def _alike(source: Source, value: float, turning: Mapping[str, Sequence[float]]) -> tuple[object, ...]:
    """Give what the rules see of a value: its bands, and on which side it is of where one turns."""
    sides = tuple((value > at) - (value < at) for at in turning.get(source.part, ()))
    return source.seq, _bands(source, value), sides


def _bands(source: Source, value: float) -> tuple[int | None, ...]:
    """Tell which band of each table of its part a value is in: rules over a score see no more of it than that."""
    part = _part(source)
    counted = Vitals({0: source.vital}).value(np.zeros(1, dtype=np.int64), np.array([value]), source.chart)
    steps = quantise(float(counted[0]), part.step)
    return tuple(next((i for i, band in enumerate(table.bands) if _within(band, steps)), None) for table in part.tables)


def _part(source: Source) -> Part:
    return next(part for part in charts.load(source.chart).parts if part.name == source.part)


def _within(band: Band, steps: int) -> bool:
    return (band.lower is None or band.lower <= steps) and (band.upper is None or steps <= band.upper)


def _first(steps: Sequence[Step], sources: Sequence[Source]) -> int:
    """Find the first step that has one of these readings."""
    wanted = {source.seq for source in sources}
    return next(i for i, s in enumerate(steps) if isinstance(s, Message) and any(row[0] in wanted for row in s.rows))


def _up_to(steps: Sequence[Step], moment: Moment) -> list[Step]:
    """Give the steps up to the moment: to the end of the wait, or the last message's part that was observed by then."""
    last = steps[-1]
    if moment.waited:
        return [*steps[:-1], Settled(at_ms=moment.event.at_ms)]
    if isinstance(last, Message):
        last = replace(last, rows=tuple(row for row in last.rows if row[3] <= moment.at_ms))
    return [*steps[:-1], last]


def _changed(steps: Sequence[Step], change: Change) -> list[Step]:
    return [_with(step, change.source.seq, change.value) if isinstance(step, Message) else step for step in steps]


def _with(message: Message, seq: int, value: float) -> Message:
    if all(row[0] != seq for row in message.rows):
        return message
    return replace(message, rows=tuple((*row[:4], value, *row[5:]) if row[0] == seq else row for row in message.rows))


def _by(asked: Event, moment: Moment) -> bool:
    """Tell whether something was asked by the moment: a message that came late can also tell of what came after it."""
    at_ms = asked.evidence.get("at_ms")
    later = at_ms is not None and at_ms > moment.at_ms
    return not (later and asked.evidence["received_ms"] == moment.event.evidence["received_ms"])


def _as_much(asked: Event, before: Event) -> bool:
    times: list[Mapping[str, object]] = [asked.evidence, before.evidence]
    same = asked.at_ms == before.at_ms and times[0].get("at_ms") == times[1].get("at_ms")
    return same and asked.level_after <= before.level_after


def _nearest(kept: Kept, change: Change, moment: Moment, runs: int) -> Nearest:
    score = max((row for row in kept.scores if row.at_ms <= moment.at_ms), key=lambda row: row.at_ms)
    standing = [a.level.value for a in kept.alerts.values() if a.lane is Lane.CLINICAL and a.active]
    return Nearest(
        change=change,
        total_min=score.total_min,
        total_max=score.total_max,
        level=max(standing, default=None),
        tried=runs,
    )
