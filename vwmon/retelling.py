"""One stay told again to the same engine, in a database in memory: what the log alone makes of it.

Here: feeding the steps of a timeline to a scorer of its own. What came is the timeline's; what follows is the engine's;
whether it is what was stored is compared elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, Self

from alerts import store as cases
from alerts.acts import Act
from alerts.errors import AlertError
from alerts.model import Event, Kind, Outcome
from alerts.store import Acted
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import account, scratch
from vwmon.store.account import Account, Kept
from vwmon.store.database import atomic
from vwmon.store.readings import LogRow
from vwmon.store.sqlite import Connection
from vwmon.timeline import Did, Fault, Message, Step, Waited, Written

BATCH = 20_000


class Retelling:
    """A scorer on a database in memory, and how far it has been told."""

    def __init__(self, db: Connection, versions: Provenance, stay_no: int, now_ms: int = 0, looked_ms: int = 0) -> None:
        """Go on from what the database holds; the deadlines up to `looked_ms` have acted."""
        self._db, self._stay_no = db, stay_no
        self._versions = replace(versions, _numbers={})
        self._scorer = Scorer(db, self._versions, now_ms, batch=BATCH)
        self._now_ms, self._looked_ms = now_ms, looked_ms
        self._waiting: list[LogRow] = []
        self._tellers: Mapping[type[Step], Callable[..., None]] = {
            Written: self._write,
            Did: self._do,
            Waited: self._wait,
            Fault: self._fault,
        }
        self.refused: list[tuple[Event, AlertError]] = []

    @classmethod
    def begun(cls, like: Connection, of: Account, versions: Provenance) -> Self:
        """Begin before the stay was admitted."""
        db = scratch.empty(like, list(of.vitals.items()), list(of.devices.values()), of.refused)
        return cls(db, versions, of.stay.stay_no if of.stay is not None else 0)

    def forked(self) -> "Retelling":
        """Go on in a copy, so that this one can be gone on from again."""
        return Retelling(scratch.copy(self._db), self._versions, self._stay_no, self._now_ms, self._looked_ms)

    def tell(self, steps: Iterable[Step]) -> Self:
        """Tell what came next; readings that nothing comes between are scored together, which changes nothing."""
        for step in steps:
            self._now_ms = max(self._now_ms, step.at_ms)
            if isinstance(step, Message):
                self._waiting += step.rows
            else:
                self._settle()
                self._tellers[type(step)](step)
        self._settle()
        return self

    def kept(self) -> Kept:
        """Give what is stored now."""
        return account.kept(self._db, self._stay_no)

    def close(self) -> None:
        """Let the memory go."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use it and let it go."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the memory go."""
        self.close()

    def _settle(self) -> None:
        if self._waiting:
            scratch.append(self._db, self._waiting)
            self._waiting = []
            self._cycle()

    def _cycle(self) -> None:
        while self._scorer.cycle(self._now_ms):
            pass

    def _write(self, step: Written) -> None:
        """Do to the registers what a line of their journal says, and let the scorer notice it."""
        if step.what == "admit":
            scratch.admit(self._db, step.stay, step.written_ms)
        for assignment in step.assignments:
            (scratch.assign if step.what == "assign" else scratch.end)(self._db, assignment, step.written_ms)
        if step.what == "discharge":
            scratch.discharge(self._db, step.stay, step.written_ms)
        self._scorer.cycle(step.at_ms)

    def _do(self, step: Did) -> None:
        try:
            with atomic(self._db):
                acted = VERBS[step.event.kind](self._db, step)
        except AlertError as error:
            self.refused.append((step.event, error))
            return
        if acted.refusal is not None and step.event.kind is not Kind.ALSO_SEEN:
            self.refused.append((step.event, acted.refusal))

    def _wait(self, step: Waited) -> None:
        """Look at every deadline at its moment, as a daemon does that looks every second."""
        due_ms = self._scorer.next_due_ms(self._looked_ms)
        while due_ms is not None and due_ms <= step.at_ms:
            self._scorer.tick(due_ms)
            due_ms = self._scorer.next_due_ms(due_ms)
        self._scorer.tick(step.at_ms)
        self._looked_ms = max(self._looked_ms, step.at_ms)

    def _fault(self, step: Fault) -> None:
        self._scorer.system(step.rule, step.since_ms, step.at_ms)


def _acknowledge(db: Connection, step: Did) -> Acted:
    for_ms = None if step.until_ms is None else step.until_ms - step.at_ms
    return cases.acknowledge(db, step.alert_id, _act(step), for_ms=for_ms, take=step.event.kind is Kind.TAKEN)


def _snooze(db: Connection, step: Did) -> Acted:
    return cases.snooze(db, step.alert_id, _act(step), step.event.evidence["until_ms"] - step.at_ms)


def _offer(db: Connection, step: Did) -> Acted:
    return cases.offer(db, step.alert_id, _act(step), step.event.evidence["to"])


def _close(db: Connection, step: Did) -> Acted:
    return cases.close(db, step.alert_id, _act(step), Outcome(step.event.evidence["outcome"]))


def _act(step: Did) -> Act:
    event = step.event
    return Act(actor=event.actor, now_ms=event.at_ms, note=event.note or "", op_id=event.op_id, cursor=step.cursor)


VERBS: Final[Mapping[Kind, Callable[[Connection, Did], Acted]]] = {
    Kind.ACKNOWLEDGED: _acknowledge,
    Kind.TAKEN: _acknowledge,
    Kind.ALSO_SEEN: _acknowledge,
    Kind.NOTED: lambda db, step: cases.note(db, step.alert_id, _act(step)),
    Kind.OFFERED: _offer,
    Kind.SNOOZED: _snooze,
    Kind.WOKEN: lambda db, step: cases.wake(db, step.alert_id, _act(step)),
    Kind.UNACKNOWLEDGED: lambda db, step: cases.unacknowledge(db, step.alert_id, _act(step)),
    Kind.CLOSED: _close,
    Kind.REOPENED: lambda db, step: cases.reopen(db, step.alert_id, _act(step)),
}
