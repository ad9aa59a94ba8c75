"""What plans expect beside the score, a weight or an answer: whether it came, and since when it is overdue.

The scorer follows the parts of the score only; what is here is looked at as devices are, and is a finding like theirs,
by the rule that says the same of the parts. What follows is alerts.faults'.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from alerts.faults import Finding
from alerts.model import SILENCE
from vwmon.patients import asked, dues, plans, schedules
from vwmon.patients.dues import Rounds
from vwmon.patients.records import Assignment, Stay
from vwmon.patients.schedules import Schedule, Wait
from vwmon.store import own_schedules, readings, registers
from vwmon.store.findings import Key
from vwmon.store.sqlite import Connection

ENDLESS_MS = 1 << 62
Wanted = tuple[int, str]  # a stay, and a vital that its plan expects beside the score


class Came(NamedTuple):
    """When a measurement was made, and when it was here."""

    observed_ms: int
    received_ms: int


NEVER = Came(0, 0)


class Last(Protocol):
    """The last reading of one series, as far as it was heard."""

    observed_ms: int
    received_ms: int


BySeries = Mapping[tuple[int, int], Last]  # by device and vital, both by number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Awaited:
    """One vital of one stay: how long it is waited for, from when on, and which devices' readings are the stay's.

    `changes` are the moments from which the stay is asked otherwise.
    """

    waits: tuple[Wait, ...]
    changes: tuple[int, ...]
    begun: Came
    held: tuple[Assignment, ...]

    def owns(self, device_no: int, observed_ms: int) -> bool:
        """Tell whether what a device observed then is this stay's."""
        return any(
            one.device_no == device_no and one.from_ms <= observed_ms < (ENDLESS_MS if one.to_ms is None else one.to_ms)
            for one in self.held
        )

    def due_ms(self, last: Came | None, now_ms: int) -> int:
        """Give until when the next is waited for, ENDLESS_MS where it is not asked at `now_ms`.

        What comes later than the plan waits is a recording or a spool that is being emptied: silence then counts from
        its arrival, as it does for the parts of the score.
        """
        observed_ms, received_ms = last or self.begun
        expected = self.waits[bisect_right(self.changes, now_ms) - 1].expected
        if expected is None:
            return ENDLESS_MS
        late = received_ms - observed_ms > expected.overdue_ms
        due_ms = schedules.due_ms(self.waits, received_ms if late else observed_ms, now_ms)
        return ENDLESS_MS if due_ms is None else due_ms

    def over_ms(self, last: Came | None, now_ms: int) -> int:
        """Give when what was overdue stopped to be: as it arrived, or as the stay was asked otherwise."""
        arrived_ms = now_ms if last is None else last.received_ms
        return max(arrived_ms, self.changes[bisect_right(self.changes, now_ms) - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _AwaitedAnswers(_Awaited):
    """The answers to one questionnaire of one stay, which are due at times of their own."""

    rounds: tuple[Rounds, ...]
    zone: str
    known: dict[tuple[Came | None, int], int] = field(default_factory=dict)

    def due_ms(self, last: Came | None, now_ms: int) -> int:
        """Give until when the first answers are waited for that are due after the last, whenever those arrived.

        What was due before the stay was in the register could not be asked before.
        """
        key = last, bisect_right(self.changes, now_ms)
        if key not in self.known:
            self.known.clear()
            last_ms = self.begun.observed_ms - 1 if last is None else last.observed_ms
            late_ms = max(self.begun.received_ms - self.begun.observed_ms, 0) if last is None else 0
            due_ms = dues.overdue_ms(self.rounds, self.zone, last_ms, now_ms)
            self.known[key] = ENDLESS_MS if due_ms is None else due_ms + late_ms
        return self.known[key]


class Beside:
    """What is awaited beside the score, and what came of it; one thread uses it."""

    def __init__(self, db: Connection, zone: Callable[[str], str]) -> None:
        """Begin knowing nothing: what is awaited is read at the first look; `zone` names the time zone of a ward."""
        self._db, self._zone, self._version = db, zone, -1
        self._awaited: dict[Wanted, _Awaited] = {}
        self._came: dict[Wanted, Came] = {}

    def look(
        self,
        series: BySeries,
        names: Mapping[int, str],
        standing: Mapping[Key, Finding],
        now_ms: int,
    ) -> Iterator[tuple[int, Finding]]:
        """Give what is overdue of each stay, and what no longer is; `series` are by device and vital by number."""
        self._follow_registers()
        numbers = {name: number for number, name in names.items()}
        for (stay_no, vital), awaited in self._awaited.items():
            number, stands = numbers.get(vital, -1), standing.get((stay_no, SILENCE, vital))
            last = self._hear((stay_no, vital), awaited, series, number)
            if awaited.due_ms(last, now_ms) < now_ms and stands is None:
                last = self._search((stay_no, vital), awaited, series, number)
            due_ms = awaited.due_ms(last, now_ms)
            if due_ms < now_ms and stands is None:
                figures = {"last_ms": None if last is None else last.observed_ms}
                yield stay_no, Finding(rule=SILENCE, what=vital, since_ms=due_ms, at_ms=due_ms, figures=figures)
            elif due_ms >= now_ms and stands is not None:
                yield stay_no, _over(vital, stands, awaited.over_ms(last, now_ms))
        for (stay_no, rule, vital), stands in standing.items():
            if rule == SILENCE and (stay_no, vital) not in self._awaited:
                yield stay_no, _over(vital, stands, now_ms)

    def _follow_registers(self) -> None:
        version = registers.register_version(self._db)
        if version == self._version:
            return
        self._version, self._came = version, {}
        loaded, registered = plans.load_all(), registers.registered(self._db)
        theirs = own_schedules.by_stay(self._db)
        held: dict[int, list[Assignment]] = {}
        for one in registers.assignments(self._db):
            held.setdefault(one.stay_no, []).append(one)
        self._awaited = {
            (stay.stay_no, vital): awaited
            for stay in registers.stays(self._db, open_only=True)
            if stay.pathway in loaded
            for vital, awaited in self._of(
                stay,
                Schedule.of(loaded[stay.pathway], theirs.get(stay.stay_no, ())),
                _begun(stay, registered),
                tuple(held.get(stay.stay_no, ())),
            )
        }

    def _of(
        self, stay: Stay, schedule: Schedule, begun: Came, held: tuple[Assignment, ...]
    ) -> Iterator[tuple[str, _Awaited]]:
        """Yield what a stay is asked beside the score: vitals, and the answers that it is asked for."""
        changes = schedule.starts
        for vital in schedule.vitals():
            yield vital, _Awaited(waits=schedule.waits(vital), changes=changes, begun=begun, held=held)
        zone = self._zone(stay.ward)
        for name in schedule.questionnaires():
            rounds = dues.rounds(schedule, name, stay.admitted_ms)
            yield (
                f"{asked.WHOLE}{name}",
                _AwaitedAnswers(waits=(), changes=changes, begun=begun, held=held, rounds=rounds, zone=zone),
            )

    def _hear(self, wanted: Wanted, awaited: _Awaited, series: BySeries, number: int) -> Came | None:
        """Give the latest that is the stay's, of what the devices sent last and what was known before."""
        heard = set()
        for device_no in {one.device_no for one in awaited.held}:
            last = series.get((device_no, number))
            if last is not None and awaited.owns(device_no, last.observed_ms):
                heard.add(Came(last.observed_ms, last.received_ms))
        if heard:
            self._came[wanted] = max(heard | {self._came.get(wanted, NEVER)})
        return self._came.get(wanted)

    def _search(self, wanted: Wanted, awaited: _Awaited, series: BySeries, number: int) -> Came | None:
        """Look into the log before anything is said to be missing: the last of a device may be another's by now."""
        devices = [one.device_no for one in awaited.held if (one.device_no, number) in series]
        rows = readings.history(self._db, devices, awaited.begun.observed_ms) if devices else []
        known = [Came(row[3], row[5]) for row in rows if row[2] == number and awaited.owns(row[1], row[3])]
        if known:
            self._came[wanted] = max(known)
        return self._came.get(wanted)


def _begun(stay: Stay, registered: Mapping[int, int]) -> Came:
    return Came(stay.admitted_ms, registered.get(stay.stay_no, stay.admitted_ms))


def _over(vital: str, stands: Finding, at_ms: int) -> Finding:
    """End what stands; nothing is over before it began."""
    return Finding(rule=SILENCE, what=vital, since_ms=None, at_ms=max(at_ms, stands.since_ms or 0))
