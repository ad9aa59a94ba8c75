"""A ward whose people are told: a database with stays, alerts as they come and are answered, and a sender by hand."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alerts import moves, store
from alerts.model import Alert, Case, Kind, Lane
from tests.unit.alerts_points import LAG, MINUTE, Point, follow, person, point
from vwmon.clock import Clock
from vwmon.notifier import Notifier, OnDuty, Telling, everyone
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection

WARD, PATIENT = "resp", "=cmd|'0123 Jonquil Przybyłowicz'"  # an odd identifier, easily found again
NAME, NHS_NUMBER, NOTE = "Jonquil Przybyłowicz", "9434765919", "daughter Ottoline rang from 020 7946 0018"


class Hands(Clock):
    """A clock that is moved by hand."""

    def __init__(self, at_ms: int = 0) -> None:
        """Begin at a time."""
        self.at_ms = at_ms

    def now_ms(self) -> int:
        """Return the time it was moved to."""
        return self.at_ms


@dataclass
class Wire:
    """An address that keeps what was sent by it; while `trouble` is set it takes nothing."""

    trouble: str | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    tried: int = 0
    on_send: Callable[[], None] = lambda: None

    def send(self, subject: str, text: str) -> str | None:
        """Take a message, or say why not."""
        self.tried += 1
        self.on_send()
        if self.trouble is None:
            self.sent.append((subject, text))
        return self.trouble


class ToldWard:
    """A database with one patient admitted, and what happens to the alert of that stay."""

    def __init__(self, path: Path) -> None:
        """Admit the patient."""
        self.path = path
        self.db: Connection = database.create(path)
        self.clock = Hands()
        self.stay_no = self.admit(PATIENT, NAME, NHS_NUMBER)

    def admit(
        self, patient: str, name: str = "", nhs_number: str = "", ward: str = WARD, *, pathway: str = "general"
    ) -> int:
        """Begin a stay; give its number."""
        wanted = Admission(
            patient=patient,
            ward=ward,
            plan=plans.load(pathway),
            admitted_ms=0,
            born="1950-01-01",
            name=name,
            nhs_number=nhs_number,
        )
        return registers.admit(self.db, wanted, By(actor="ann", at_ms=0)).stay_no

    def sender(self, addresses: dict[str, Wire], on_duty: OnDuty | None = None, from_level: int = 1) -> Notifier:
        """Start a sender, as a daemon that starts does."""
        telling = Telling(addresses=addresses, on_duty=on_duty or everyone(addresses), from_level=from_level)
        return Notifier(self.db, telling, self.clock.now_ms)

    def at(self, minute: float) -> None:
        """Move the clock."""
        self.clock.at_ms = round(minute * MINUTE) + LAG

    def scored(self, minute: float, total: int, stay_no: int | None = None) -> Alert:
        """Follow a score of a minute."""
        self.at(minute)
        scored = point(minute, total)
        return self.changed(lambda case: follow(case, of_stay(scored, case.stay_no)), stay_no)

    def escalated(self, minute: float, tier: int) -> Alert:
        """Let a tier be told, or the last be told again."""
        self.at(minute)
        now_ms = self.clock.now_ms()
        return self.changed(
            lambda case: moves.move(
                case, case.alerts[Lane.CLINICAL], Kind.ESCALATED, now_ms, because={"tier": tier}, tier=tier
            )
        )

    def changed(self, change: Callable[[Case], Case], stay_no: int | None = None) -> Alert:
        """Change a case, in a transaction of its own."""
        number = self.stay_no if stay_no is None else stay_no
        with atomic(self.db):
            before = store.load(self.db, [number])[number]
            after = change(before)
            store.save(self.db, before, after, None)
        return after.alerts[Lane.CLINICAL]

    def acked(self, alert_id: str, minute: float) -> None:
        """Have someone take the alert in hand."""
        self.at(minute)
        with atomic(self.db):
            done = store.acknowledge(self.db, alert_id, person(minute, note=NOTE))
        assert done.refusal is None, done.refusal

    def notifications(self) -> list[tuple[int, int, int, str, str | None]]:
        """Give (cycle, tier, turn, state, reason) of every notification."""
        return self.rows("select cycle, tier, turn, state, reason from notification order by notification_no")

    def deliveries(self) -> list[tuple[str, str, str, int]]:
        """Give (recipient, channel, state, attempts) of every delivery."""
        return self.rows("select recipient, channel, state, attempts from delivery order by delivery_no")

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """Read rows."""
        return self.db.execute(sql, values).fetchall()

    def read(self, sql: str) -> list[tuple[object, ...]]:
        """Read rows as another process does, which sees what is committed only."""
        with closing(database.open_reader(self.path)) as reader:
            return reader.execute(sql).fetchall()


def of_stay(scored: Point, stay_no: int) -> Point:
    """Give a score as another stay's."""
    return replace(scored, stay=stay_no)
