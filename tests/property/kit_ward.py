"""Kit going round a ward in any order, done to the product's registers and, beside them, to a table of plain moments.

A moment is a millisecond, and the table says of every device and every one of them whose it was: no interval, no
search, nothing that the product uses. Which readings were sent is written down, and whose each must be is looked up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from devices.readings import Message, Reading
from vwmon.errors import VwmonError
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers, stock
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

T0, MOMENTS = 1_795_000_000_000, 90
PATIENTS, DEVICES = ("P1", "P2"), ("cuff", "oximeter", "scale", "spare")
BLANK: Final = Admission(patient="", ward="resp", plan=plans.load("general"), admitted_ms=0)
RATES: Final = (75.0, 100.0, 120.0)  # of a moment, whoever measures: so many points of NEWS2 as its place here
OFTEN: Final[Mapping[str, float]] = {
    "admit": 2, "discharge": 1, "transfer": 1, "assign": 6, "return": 2, "swap": 5, "retire": 0.4, "add": 1, "send": 8,
}  # fmt: skip
TABLES: Final = (
    "kit_out", "assignment", "register_noticed", "register_log", "score", "identity", "reading_log", "series_latest",
    "sequence", "stay", "device", "vital",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens: what, to whom, with which devices, at or around which moment, some time after the last.

    A `sensible` one takes a device with which it can be done, where there is one.
    """

    verb: str
    patient: str
    device: str
    other: str
    after: int
    near: int
    off: int
    flag: bool
    sensible: bool
    several: tuple[tuple[int, int], ...]


def walk_of(seed: int, steps: int) -> list[Step]:
    """Make up a walk."""
    dice = Random(seed)
    verbs, weights = list(OFTEN), list(OFTEN.values())
    return [
        Step(
            verb=verb,
            patient=dice.choice(PATIENTS),
            device=dice.choice(DEVICES),
            other=dice.choice(DEVICES),
            after=dice.randint(0, 4),
            near=dice.randrange(1000),
            off=dice.choice((-1, 0, 0, 0, 1)),
            flag=dice.random() < 0.3,
            sensible=dice.random() < 0.85,
            several=tuple((dice.randrange(1000), dice.choice((-1, 0, 1, 3))) for _ in range(dice.randint(1, 3))),
        )
        for verb in dice.choices(verbs, weights, k=steps)
    ]


@dataclass(slots=True)
class Span:
    """A device with a stay: up to when, and whether it came back: `back` is None while it has not."""

    stay: int
    begin: int
    end: int | None = None
    out: bool = False
    back: int | None = None


@dataclass(slots=True)
class Table:
    """Whose each device was at each moment, filled in moment by moment; stays are numbered from 1 as they begin."""

    stays: list[tuple[str, int, int | None]] = field(default_factory=list)
    owner: dict[str, list[int | None]] = field(default_factory=lambda: {name: [None] * MOMENTS for name in DEVICES})
    spans: dict[str, list[Span]] = field(default_factory=lambda: {name: [] for name in DEVICES})
    retired: set[str] = field(default_factory=set)

    def fill(self, device: str, at: int, stay: int | None) -> None:
        """Say whose a device is from a moment on."""
        for moment in range(at, MOMENTS):
            self.owner[device][moment] = stay

    def there(self, patient: str) -> int | None:
        """Give the stay that a patient is on."""
        return next((n for n, (who, _, end) in enumerate(self.stays, 1) if who == patient and end is None), None)

    def open_span(self, device: str) -> Span | None:
        """Give the span of a device that has no end."""
        return next((span for span in self.spans[device] if span.end is None), None)

    def admit(self, patient: str, at: int) -> bool:
        """Begin a stay, unless the patient is or then was on a ward."""
        if any(who == patient and (end is None or end > at) for who, _, end in self.stays):
            return False
        self.stays.append((patient, at, None))
        return True

    def discharge(self, patient: str, at: int, now: int) -> bool:
        """End a stay: of all that it has or had later, nothing is its own from then on."""
        stay = self.there(patient)
        if stay is None or at < self.stays[stay - 1][1]:
            return False
        self.stays[stay - 1] = (patient, self.stays[stay - 1][1], at)
        for device, owner in self.owner.items():
            for moment in range(at, MOMENTS):
                owner[moment] = None if owner[moment] == stay else owner[moment]
            for span in self.spans[device]:
                if span.stay == stay and (span.end is None or span.end > at):
                    self._leaves(span, max(span.begin, at), now)
        return True

    @staticmethod
    def _leaves(span: Span, end: int, now: int) -> None:
        came = span.end if span.end is not None and span.end <= now else None
        span.end = end
        if not span.out:
            span.out, span.back = True, came

    def assign(self, device: str, patient: str, at: int) -> bool:
        """Give what is free, fit and here to somebody who is there."""
        stay = self.there(patient)
        if stay is None or at < self.stays[stay - 1][1] or device in self.retired:
            return False
        for span in self.spans[device]:
            elsewhere = span.out and self.stays[span.stay - 1][0] != patient and (span.back is None or span.back > at)
            if span.end is None or span.end > at or elsewhere:
                return False
        self._back(device, at)
        self.spans[device].append(Span(stay, at))
        self.fill(device, at, stay)
        return True

    def returned(self, device: str, at: int, now: int) -> bool:
        """Take a device back from whoever has it, or had it last and still has it at home."""
        span = self.open_span(device)
        if span is not None:
            if at >= span.begin:
                span.end = at
                self.fill(device, at, None)
            return at >= span.begin
        out = next((span for span in self.spans[device] if span.out and span.back is None), None)
        if out is None or at > now or at < (out.end or 0):
            return False
        out.back = at
        return True

    def _back(self, device: str, at: int) -> None:
        for span in self.spans[device]:
            if span.out and span.back is None:
                span.back = max(span.end or 0, at)

    def swap(self, device: str, other: str, at: int, *, stays_out: bool) -> bool:
        """Give a patient one device from the moment on at which the other is taken."""
        span = self.open_span(device)
        if span is None or device == other or at < span.begin:
            return False
        if not self.assign(other, self.stays[span.stay - 1][0], at):
            return False
        span.end, span.out = at, stays_out
        self.fill(device, at, None)
        return True

    def retire(self, device: str, at: int) -> bool:
        """Write a device off, where nobody had it later."""
        span = self.open_span(device)
        ended = all(one.end is None or one.end <= at for one in self.spans[device])
        if device in self.retired or not ended or (span is not None and at < span.begin):
            return False
        if span is not None:
            span.end = at
        self.fill(device, at, None)
        self._back(device, at)
        self.retired.add(device)
        return True

    def out(self) -> set[tuple[int, str]]:
        """Name what has not come back, with the stay that had it."""
        return {(s.stay, name) for name, spans in self.spans.items() for s in spans if s.out and s.back is None}


class Ward:
    """A database in memory beside a table of moments; every step is done to both."""

    def __init__(self, db: Connection) -> None:
        """Begin with both patients there and every device in the register."""
        self.db, self.table, self.now = db, Table(), 20
        self.sent: list[tuple[str, int]] = []
        self.marks = [10]
        for table in TABLES:
            db.execute(f"delete from {table}")  # noqa: S608 -- ours
        db.execute("update log set last_seq = 0, merged_seq = 0")
        db.execute("update scorer set cursor = 0")
        self._log = LogWriter(db)
        for name in DEVICES:
            registers.add_device(db, name, self.by)
        for patient in PATIENTS:
            self._admit(patient, 10)
            assert self.table.admit(patient, 10)

    @property
    def by(self) -> By:
        """Who changes something, now."""
        return By(actor="nurse", at_ms=T0 + self.now)

    def do(self, step: Step) -> None:
        """Do a step; the registers take it if the table does, and refuse it if not."""
        self.now = min(self.now + step.after, MOMENTS - 20)
        at = self._moment(step.near, step.off)
        VERBS[step.verb](self, self._sensibly(step) if step.sensible else step, at)
        self.marks.append(at)

    def _moment(self, near: int, off: int) -> int:
        """Choose a moment beside one at which something happened, or now."""
        known = [*self.marks[-4:], self.now, self.now, self.now]
        return max(1, min(known[near % len(known)] + off, self.now + 4))

    def _sensibly(self, step: Step) -> Step:
        """Let what is taken away be with somebody, and what is given be free."""
        held = [name for name in DEVICES if self.table.open_span(name)]
        free = [name for name in DEVICES if name not in held and name not in self.table.retired]
        if step.verb == "assign":
            return replace(step, device=free[step.near % len(free)]) if free else step
        if held and step.verb in {"return", "swap", "send"}:
            step = replace(step, device=held[step.near % len(held)])
        return replace(step, other=free[step.near % len(free)]) if free else step

    def both(self, what: str, table: bool, change: Callable[[], object]) -> None:
        """Do a change of the registers, and see that it is taken or refused as in the table."""
        try:
            change()
        except VwmonError:
            taken = False
        else:
            taken = True
        assert taken is table, f"{what}: the registers {'took' if taken else 'refused'} it"

    def admit(self, step: Step, at: int) -> None:
        """Admit somebody."""
        self.both(f"admit {step.patient}", self.table.admit(step.patient, at), lambda: self._admit(step.patient, at))

    def _admit(self, patient: str, at: int) -> None:
        registers.admit(self.db, replace(BLANK, patient=patient, admitted_ms=T0 + at), self.by)

    def discharge(self, step: Step, at: int) -> None:
        """Discharge somebody."""
        self.both(
            f"discharge {step.patient}",
            self.table.discharge(step.patient, at, self.now),
            lambda: registers.discharge(self.db, step.patient, "other", T0 + at, self.by),
        )

    def transfer(self, step: Step, at: int) -> None:
        """Discharge somebody and admit the same to another stay, with the kit that stays at home."""
        stay = self.table.there(step.patient)
        held = [name for name in DEVICES if (span := self.table.open_span(name)) and span.stay == stay]
        self.discharge(step, at)
        if self.table.there(step.patient) is None:
            self.admit(step, at)
            for name in held:
                self.assign(replace(step, device=name), at)

    def assign(self, step: Step, at: int) -> None:
        """Give a device to somebody."""
        self.both(
            f"assign {step.device} {step.patient}",
            self.table.assign(step.device, step.patient, at),
            lambda: registers.assign(self.db, step.device, step.patient, T0 + at, self.by),
        )

    def give_back(self, step: Step, at: int) -> None:
        """Take a device back."""
        self.both(
            f"return {step.device}",
            self.table.returned(step.device, at, self.now),
            lambda: registers.return_device(self.db, step.device, T0 + at, self.by),
        )

    def swap(self, step: Step, at: int) -> None:
        """Put one device in another's place."""
        self.both(
            f"swap {step.device} {step.other}",
            self.table.swap(step.device, step.other, at, stays_out=step.flag),
            lambda: stock.swap(self.db, step.device, step.other, T0 + at, self.by, stays_out=step.flag),
        )

    def retire(self, step: Step, at: int) -> None:
        """Write a device off."""
        self.both(
            f"retire {step.device}",
            self.table.retire(step.device, at),
            lambda: stock.retire(self.db, step.device, "lost", T0 + at, self.by),
        )

    def add(self, step: Step, _at: int) -> None:
        """Take a device into the register again."""
        known = step.device in self.table.retired
        self.table.retired.discard(step.device)
        self.both(f"add {step.device}", known, lambda: registers.add_device(self.db, step.device, self.by))

    def send(self, step: Step, _at: int) -> None:
        """Send readings of any moments, long past ones and ones that the device's clock is ahead with."""
        moments = [self._moment(near, off) for near, off in step.several]
        moments = [at for at in dict.fromkeys(moments) if (step.device, at) not in self.sent]
        if moments:
            self._log.append([_message(step.device, moments, len(self.sent), self.now)], (), T0 + self.now)
            self.sent += [(step.device, at) for at in moments]


def _message(device: str, moments: Sequence[int], number: int, now: int) -> Arrival:
    rates = ((T0 + at, RATES[at % len(RATES)]) for at in moments)
    readings = tuple(
        Reading(vital="heart_rate", value=rate, text=None, observed_ms=at_ms, raw_value=None, raw_unit=None, marks=0)
        for at_ms, rate in rates
    )
    body = Message(id=f"m{number}", seq=None, battery_percent=None, readings=readings, refused=())
    return Arrival("resp", device, "t", body, T0 + now, b"")


VERBS: Final[Mapping[str, Callable[[Ward, Step, int], None]]] = {
    "admit": Ward.admit,
    "discharge": Ward.discharge,
    "transfer": Ward.transfer,
    "assign": Ward.assign,
    "return": Ward.give_back,
    "swap": Ward.swap,
    "retire": Ward.retire,
    "add": Ward.add,
    "send": Ward.send,
}


def in_memory() -> Connection:
    """Make a database in memory: nothing of a walk has to outlive it."""
    with TemporaryDirectory() as folder:
        made = database.create(Path(folder) / "ward.db")
        db = database.scratch(made)
        made.close()
    return db
