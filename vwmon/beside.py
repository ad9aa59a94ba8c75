"""What plans expect beside the score, a weight or an answer: whether it came, and since when it is overdue.

The scorer follows the parts of the score only; what is here is looked at as devices are, and is a finding like theirs,
by the rule that says the same of the parts. What follows is alerts.faults'.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from alerts.faults import Finding
from alerts.model import SILENCE
from vwmon.patients import asked, plans
from vwmon.patients.dues import due_after
from vwmon.patients.records import AskedSet, Assignment, Plan, Stay
from vwmon.store import readings, registers
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
    """One vital of one stay: how long it is waited for, from when on, and which devices' readings are the stay's."""

    overdue_ms: int
    begun: Came
    held: tuple[Assignment, ...]

    def owns(self, device_no: int, observed_ms: int) -> bool:
        """Tell whether what a device observed then is this stay's."""
        return any(
            one.device_no == device_no and one.from_ms <= observed_ms < (ENDLESS_MS if one.to_ms is None else one.to_ms)
            for one in self.held
        )

    def due_ms(self, last: Came | None) -> int:
        """Give until when the next is waited for.

        What comes later than the plan waits is a recording or a spool that is being emptied: silence then counts from
        its arrival, as it does for the parts of the score.
        """
        observed_ms, received_ms = last or self.begun
        late = received_ms - observed_ms > self.overdue_ms
        return (received_ms if late else observed_ms) + self.overdue_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class _AwaitedAnswers(_Awaited):
    """The answers to one questionnaire of one stay, which are due at times of their own."""

    set: AskedSet
    zone: str
    known: dict[Came | None, int] = field(default_factory=dict)

    def due_ms(self, last: Came | None) -> int:
        """Give until when the first answers are waited for that are due after the last, whenever those arrived.

        What was due before the stay was in the register could not be asked before.
        """
        if last not in self.known:
            self.known.clear()
            due_ms = due_after(self.set, self.zone, self.begun.observed_ms, (last or self.begun).observed_ms)
            self.known[last] = (self.begun.received_ms if last is None else due_ms) + self.overdue_ms
        return self.known[last]


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
            if awaited.due_ms(last) < now_ms and stands is None:
                last = self._search((stay_no, vital), awaited, series, number)
            due_ms = awaited.due_ms(last)
            if due_ms < now_ms and stands is None:
                figures = {"last_ms": None if last is None else last.observed_ms}
                yield stay_no, Finding(rule=SILENCE, what=vital, since_ms=due_ms, at_ms=due_ms, figures=figures)
            elif due_ms >= now_ms and stands is not None:
                yield stay_no, _over(vital, stands, now_ms if last is None else last.received_ms)
        for (stay_no, rule, vital), stands in standing.items():
            if rule == SILENCE and (stay_no, vital) not in self._awaited:
                yield stay_no, _over(vital, stands, now_ms)

    def _follow_registers(self) -> None:
        version = registers.register_version(self._db)
        if version == self._version:
            return
        self._version, self._came = version, {}
        loaded, registered = plans.load_all(), registers.registered(self._db)
        held: dict[int, list[Assignment]] = {}
        for one in registers.assignments(self._db):
            held.setdefault(one.stay_no, []).append(one)
        self._awaited = {
            (stay.stay_no, vital): awaited
            for stay in registers.stays(self._db, open_only=True)
            if stay.pathway in loaded
            for vital, awaited in self._of(
                stay, loaded[stay.pathway], _begun(stay, registered), tuple(held.get(stay.stay_no, ()))
            )
        }

    def _of(self, stay: Stay, plan: Plan, begun: Came, held: tuple[Assignment, ...]) -> Iterator[tuple[str, _Awaited]]:
        """Yield what a plan expects of a stay beside the score: vitals, and the answers that it is asked for."""
        for vital, expected in plan.beside.items():
            yield vital, _Awaited(overdue_ms=expected.overdue_ms, begun=begun, held=held)
        zone = self._zone(stay.ward)
        for one in plan.questionnaires:
            name = f"{asked.WHOLE}{one.questionnaire}"
            yield name, _AwaitedAnswers(overdue_ms=one.overdue_ms, begun=begun, held=held, set=one, zone=zone)

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
