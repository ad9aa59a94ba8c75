"""The numbers that rules ask for by name and that are no part of a score: values of other vitals, answers, and trends.

They are reckoned where a message brings something new of what they rest on, of what the log had up to that message and
no more, for stays whose rules ask for them and no others. Nothing is remembered from one batch to the next, so that
neither batches nor a restart can change a number. What follows from them is the rules'.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from devices.vitals import VITALS, printed
from vwmon import histories
from vwmon.attribution import NOBODY, Intervals, LogColumns, Vitals
from vwmon.histories import NEEDED_MS
from vwmon.kernels.ragged import Bools, Ints
from vwmon.patients import asked
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.limits import Course
from vwmon.patients.plans import FEEDS
from vwmon.patients.records import Stay
from vwmon.points import Noted
from vwmon.scoring.layouts import COLUMNS
from vwmon.scoring.trends import quantities, wording
from vwmon.scoring.trends.assess import History, assess
from vwmon.scoring.trends.quantities import BLOCK
from vwmon.scoring.trends.table import JOINT, NAMES, SERIES, Moments
from vwmon.store import readings
from vwmon.store.sqlite import Connection
from vwmon.story import Placed
from vwmon.ward import Readings

VALUE, TREND = "value:", "trend:"
ALL_MESSAGES: Final = 1 << 62
WHOLE: Final[Mapping[str, frozenset[str]]] = {
    "joint": frozenset(NAMES[number] for number in JOINT),
    "news2": frozenset(SERIES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a message told of a row of the ward; `unit` is the message, beyond all others for what is told anew."""

    row: int
    unit: int
    noted: Noted


@cache
def inputs(name: str, chart: str = NEWS2) -> frozenset[str]:
    """Name the vitals that a quantity rests on; none for one that comes with a score of that chart, or otherwise.

    NotFoundError for a trend that there is not.
    """
    if name.startswith(VALUE):
        return frozenset({name.removeprefix(VALUE)}) - set(COLUMNS[chart])
    if name.startswith(asked.ONE):
        return frozenset({name})
    if not name.startswith(TREND):
        return frozenset()
    vital, kind = quantities.split(name.removeprefix(TREND))
    return frozenset({vital}) if vital else WHOLE[kind.partition(".")[0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the rules of one row ask for: each quantity with what it rests on, and all of that together."""

    stay: Stay
    rests_on: Mapping[str, frozenset[str]]
    vitals: frozenset[str]
    trends: bool

    @classmethod
    def of(cls, stay: Stay, names: frozenset[str]) -> "_Asked":
        """Leave out what comes otherwise."""
        rests_on = {name: found for name in sorted(names) if (found := inputs(name, stay.chart))}
        return cls(
            stay=stay,
            rests_on=rests_on,
            vitals=frozenset().union(*rests_on.values()),
            trends=any(name.startswith(TREND) for name in rests_on),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """One moment at which a message told something new of a row: what, and up to where in the log it goes."""

    row: int
    unit: int
    last_seq: int
    at_ms: int
    received_ms: int
    said: Mapping[str, float]


class Quantities:
    """The quantities of the ward; rows are those of the ward."""

    def __init__(self, db: Connection, zone: Callable[[str], str]) -> None:
        """Ask nothing yet; `zone` names the time zone of a ward."""
        self._db, self._zone = db, zone
        self._asked: Mapping[int, _Asked] = {}
        self._wanted: frozenset[str] = frozenset()

    def enrol(self, stays: Sequence[Stay], courses: Sequence[Course]) -> None:
        """Take the stays and their rules by row of the ward; of a stay that has ended nothing is asked."""
        names = {key: course.asked for key, course in {id(one): one for one in courses}.items()}
        found = {
            row: _Asked.of(stay, names[id(course)])
            for row, (stay, course) in enumerate(zip(stays, courses, strict=True))
            if names[id(course)] and stay.discharged_ms is None
        }
        self._asked = {row: one for row, one in found.items() if one.vitals}
        self._wanted = frozenset().union(*(one.vitals for one in self._asked.values()))

    def of(self, log: LogColumns, intervals: Intervals, names: Mapping[int, str]) -> list[Learnt]:
        """Give what the rows of a batch tell, whole messages in log order; `names` are those of the log's vitals."""
        if not self._asked:
            return []
        told = log.where(self._telling(log, names))
        rows = intervals.rows(told.device, told.observed_ms)
        moments: list[_Moment] = []
        for row in np.unique(rows).tolist():
            if row in self._asked:
                mine = told.where(rows == row)
                ends = log.seq[np.searchsorted(log.unit, mine.unit, side="right") - 1]
                moments += self._moments(row, mine, ends, names)
        return self._learnt(moments, int(log.seq[-1]), intervals, names) if moments else []

    def anew(
        self, row: int, since: tuple[int, int, int], intervals: Intervals, names: Mapping[int, str]
    ) -> list[Learnt]:
        """Give what the log tells of one row from a time on, up to a cursor, all known only now: `since` is these."""
        if row not in self._asked:
            return []
        from_ms, cursor, now_ms = since
        log = self._history([row], from_ms, cursor, intervals)
        mine = log.where(self._telling(log, names) & (intervals.rows(log.device, log.observed_ms) == row))
        as_one = np.full(len(mine), ALL_MESSAGES, dtype=np.int64)
        mine = replace(mine, unit=as_one, received_ms=np.full(len(mine), now_ms, dtype=np.int64))
        moments = self._moments(row, mine, np.full(len(mine), cursor, dtype=np.int64), names)
        return self._learnt(moments, cursor, intervals, names) if moments else []

    def _telling(self, log: LogColumns, names: Mapping[int, str]) -> Bools:
        """Mark the rows of vitals that any row of the ward asks for; words and attempts are no numbers."""
        wanted = [number for number, name in names.items() if FEEDS.get(name, name) in self._wanted]
        telling: Bools = np.isin(log.vital, wanted) & ~np.isnan(log.value)
        return telling

    def _moments(self, row: int, mine: LogColumns, ends: Ints, names: Mapping[int, str]) -> list[_Moment]:
        """Give the moments of one row in log order, those of one message by time; `ends` are its messages' ends."""
        said: dict[tuple[int, int], dict[str, float]] = {}
        came: dict[tuple[int, int], tuple[int, int]] = {}
        counted = Vitals(names).value(mine.vital, mine.value)
        columns = (mine.unit, mine.observed_ms, mine.vital, counted, ends, mine.received_ms)
        for unit, at_ms, vital, value, end, received_ms in zip(*(one.tolist() for one in columns), strict=True):
            name = FEEDS.get(names[vital], names[vital])
            if name in self._asked[row].vitals:
                said.setdefault((unit, at_ms), {})[name] = value
                came[unit, at_ms] = (end, max(received_ms, came.get((unit, at_ms), (0, 0))[1]))
        return [
            _Moment(row=row, unit=unit, last_seq=end, at_ms=at_ms, received_ms=received_ms, said=said[unit, at_ms])
            for (unit, at_ms), (end, received_ms) in sorted(came.items())
        ]

    def _learnt(
        self, moments: Sequence[_Moment], up_to: int, intervals: Intervals, names: Mapping[int, str]
    ) -> list[Learnt]:
        """Put what was said at moments, and the trends that rest on it, into the form that the rules take."""
        rows = sorted({moment.row for moment in moments})
        log = self._history(rows, min(moment.at_ms for moment in moments), up_to, intervals)
        past = _Past.of(log, intervals.rows(log.device, log.observed_ms), names)
        trends = self._trends(moments, past)
        found = [(moment, self._noted(moment, trends.get(i, {}), past)) for i, moment in enumerate(moments)]
        return [Learnt(row=moment.row, unit=moment.unit, noted=noted) for moment, noted in found if noted.quantities]

    def _noted(self, moment: _Moment, trends: Mapping[str, tuple[float, str]], past: "_Past") -> Noted:
        mine = self._asked[moment.row]
        values = {_quantity(name): (value, _sentence(name, value)) for name, value in moment.said.items()}
        numbers = {name: one for name, one in values.items() if name in mine.rests_on} | dict(trends)
        return Noted(
            stay=mine.stay.stay_no,
            at_ms=moment.at_ms,
            received_ms=moment.received_ms,
            late=moment.unit != ALL_MESSAGES and past.beyond(moment, mine.vitals),
            quantities={name: number for name, (number, _) in numbers.items()},
            sentences={name: sentence for name, (_, sentence) in numbers.items()},
        )

    def _trends(self, moments: Sequence[_Moment], past: "_Past") -> dict[int, dict[str, tuple[float, str]]]:
        """Give the trends that rest on what was said, with their sentences, by the place of their moment.

        Moments that nothing in the log goes back before are reckoned together: what came after them is later too.
        """
        groups: dict[tuple[str, int], list[int]] = {}
        for i, moment in enumerate(moments):
            if self._asked[moment.row].trends:
                zone = self._zone(self._asked[moment.row].stay.ward)
                groups.setdefault((zone, ALL_MESSAGES if past.in_order(moment) else moment.last_seq), []).append(i)
        found: dict[int, dict[str, tuple[float, str]]] = {}
        for (zone, up_to), places in groups.items():
            for first in range(0, len(places), BLOCK):
                block = places[first : first + BLOCK]
                found |= dict(zip(block, self._reckoned([moments[i] for i in block], past, zone, up_to), strict=True))
        return found

    def _reckoned(
        self, moments: Sequence[_Moment], past: "_Past", zone: str, up_to: int
    ) -> Iterator[dict[str, tuple[float, str]]]:
        rows = sorted({moment.row for moment in moments})
        stays = [self._asked[row].stay for row in rows]
        place = np.array([rows.index(moment.row) for moment in moments], dtype=np.int64)
        at_ms = np.array([moment.at_ms for moment in moments], dtype=np.int64)
        found = assess(past.history(rows, stays, zone, up_to), Moments(stay=place, at_ms=at_ms))
        wanted = [self._resting_on(moment) for moment in moments]
        columns = quantities.values(found, sorted({name for names in wanted for name in names}))
        for i, names in enumerate(wanted):
            known = [name for name in names if not np.isnan(columns[name][i])]
            yield {TREND + name: (float(columns[name][i]), wording.sentence(found, i, name)) for name in known}

    def _resting_on(self, moment: _Moment) -> list[str]:
        """Name the trends that are asked for and rest on what was said at a moment."""
        rests_on = self._asked[moment.row].rests_on
        trends = [name for name in rests_on if name.startswith(TREND)]
        return [name.removeprefix(TREND) for name in trends if not rests_on[name].isdisjoint(moment.said)]

    def _history(self, rows: Sequence[int], from_ms: int, up_to: int, intervals: Intervals) -> LogColumns:
        """Read the log of the devices of some rows from as long before a time as anything rests on, to a cursor."""
        before_ms = NEEDED_MS if any(self._asked[row].trends for row in rows) else 0
        log = LogColumns.of(readings.history(self._db, intervals.devices(rows), from_ms - before_ms))
        return log.where(log.seq <= up_to)


def placed(readings: Readings, learnt: Sequence[Learnt]) -> Mapping[int, Sequence[Placed]]:
    """Give what was learnt of each row, each with how many of the row's scored messages come up to it in the log."""
    found: dict[int, list[Placed]] = {}
    for row in {one.row for one in learnt}:
        units = np.unique(readings.unit[readings.stay == row])
        mine = [one for one in learnt if one.row == row]
        after = np.searchsorted(units, [one.unit for one in mine], side="right").tolist()
        found[row] = [(place, one.noted) for place, one in zip(after, mine, strict=True)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """A part of the log by the row of the ward that each reading belongs to, each row's in log order."""

    log: LogColumns
    row: Ints
    names: Mapping[int, str]

    @classmethod
    def of(cls, log: LogColumns, row: Ints, names: Mapping[int, str]) -> "_Past":
        """Put the readings of each row together."""
        order = np.argsort(row, kind="stable")
        return cls(log=log.where(order), row=row[order], names=names)

    def beyond(self, moment: _Moment, vitals: frozenset[str]) -> bool:
        """Tell whether earlier messages had come past a moment in what is asked for."""
        mine = self._of(moment.row)
        wanted = [number for number, name in self.names.items() if FEEDS.get(name, name) in vitals]
        before = (mine.seq < moment.unit) & (mine.observed_ms > moment.at_ms)
        return bool((before & np.isin(mine.vital, wanted) & ~np.isnan(mine.value)).any())

    def in_order(self, moment: _Moment) -> bool:
        """Tell whether no later message says anything of the time up to a moment."""
        mine = self._of(moment.row)
        return not ((mine.seq > moment.last_seq) & (mine.observed_ms <= moment.at_ms)).any()

    def _of(self, row: int) -> LogColumns:
        first, stop = np.searchsorted(self.row, [row, row + 1]).tolist()
        return self.log.where(slice(first, stop))

    def history(self, rows: Sequence[int], stays: Sequence[Stay], zone: str, up_to: int) -> History:
        """Give the history of some rows, whose stays these are, up to a place in the log."""
        place = np.full(max(int(self.row.max(initial=0)), *rows) + 2, NOBODY, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        known = self.log.seq <= up_to
        return histories.of(self.log.where(known), place[self.row[known]], stays, self.names, zone)


def _quantity(name: str) -> str:
    """Give what rules call what the log has under a name: of an answer the very same, of a vital its value."""
    return name if name.startswith(asked.ONE) else f"{VALUE}{name}"


def _sentence(name: str, value: float) -> str:
    """Say an answer, or a value of a vital, also of one that no table knows."""
    if name.startswith(asked.ONE):
        return asked.sentence(name, value)
    known = VITALS.get(name)
    if known is None:
        return f"{name.replace('_', ' ')} is {value:g}"
    if (word := known.label(value)) is not None:
        return f"{known.title[0].lower()}{known.title[1:]} is {word}"
    return f"{known.title[0].lower()}{known.title[1:]} is {value:g} {printed(known.unit)}"
