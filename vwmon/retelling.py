"""One stay told again to the same engine, in a database in memory: what the log alone makes of it.

Here: feeding the steps of a timeline to a scorer of its own. What came is the timeline's; what follows is the engine's;
whether it is what was stored is compared elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from alerts import store as cases
from alerts.acts import Act
from alerts.errors import AlertError
from alerts.model import SYSTEM_STAY, Event, Kind, Outcome
from alerts.over_time import OverTime
from alerts.store import Acted
from vwmon import terms
from vwmon.holds import Holds
from vwmon.patients.places import places
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import account, limits, own_schedules, scratch
from vwmon.store.account import Account, Kept
from vwmon.store.database import atomic
from vwmon.store.readings import LogRow
from vwmon.store.sqlite import Connection
from vwmon.timeline import Did, Fault, Message, Settled, Span, Step, Waited, Written, handed_over, looked, unwatched

BATCH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Of:
    """What is told again: whose stay, under what terms, and when, as its history says, nobody looked at the time."""

    stay_no: int
    terms: OverTime
    unwatched: Sequence[Span] = ()
    looked: Sequence[Span] = ()

    @classmethod
    def account(cls, of: Account, versions: Provenance) -> Self:
        """Give what an account says of it.

        Its limits and what was held back are told whole: each begins no earlier than it was written, so that of what
        was still to come at an act nothing shows.
        """
        stay_no = SYSTEM_STAY if of.stay is None else of.stay.stay_no
        return cls(
            stay_no=stay_no,
            terms=_terms(of, versions),
            unwatched=unwatched(of.kept.events),
            looked=looked(of.kept.events),
        )

    def watched_ms(self, due_ms: int) -> int:
        """Give when someone looked at the time from a moment on at which nobody may have.

        One alert may have come up later than the first of its deadlines, while others of the stay were looked at.
        """
        over_ms = next((to_ms for from_ms, to_ms in self.unwatched if from_ms <= due_ms < to_ms), due_ms)
        before = (from_ms for from_ms, to_ms in self.looked if due_ms <= from_ms and to_ms <= over_ms)
        return min(before, default=over_ms)


def _terms(of: Account, versions: Provenance) -> OverTime:
    if of.stay is None:
        return terms.of_service(versions.staffing)
    held = Holds.of([one.finding for one in of.holds], {of.stay.stay_no: [one.span for one in of.pauses]})
    course = versions.layers().course(of.stay, of.limits, of.transfers)
    wards = terms.of_wards(places(of.stay, of.transfers), versions.staffing)
    return terms.over_time(course, held.held(of.stay.stay_no), wards)


class Retelling:
    """A scorer on a database in memory, and how far it has been told."""

    def __init__(self, db: Connection, versions: Provenance, of: Of, now_ms: int = 0, looked_ms: int = 0) -> None:
        """Go on from what the database holds; the deadlines up to `looked_ms` have acted."""
        self._db, self._of = db, of
        self._versions = replace(versions, _numbers={})
        self._scorer = Scorer(db, self._versions, now_ms, batch=BATCH)
        self._now_ms, self._looked_ms = now_ms, looked_ms
        self._waiting: list[LogRow] = []
        self._tellers: Mapping[type[Step], Callable[..., None]] = {
            Written: self._write,
            Did: self._do,
            Waited: self._wait,
            Settled: self._let_due_act,
            Fault: self._fault,
        }
        self.refused: list[tuple[Event, AlertError]] = []

    @classmethod
    def begun(cls, like: Connection, of: Account, versions: Provenance) -> Self:
        """Begin before the stay was admitted."""
        db = scratch.empty(like, list(of.vitals.items()), list(of.devices.values()), of.refused)
        scratch.hold(db, of.holds, of.pauses)
        return cls(db, versions, Of.account(of, versions))

    def forked(self) -> "Retelling":
        """Go on in a copy, so that this one can be gone on from again."""
        return Retelling(scratch.copy(self._db), self._versions, self._of, self._now_ms, self._looked_ms)

    def tell(self, steps: Iterable[Step]) -> Self:
        """Tell what came next; readings that nothing comes between are scored together, which changes nothing."""
        for step in steps:
            self._now_ms = max(self._now_ms, step.at_ms)
            if isinstance(step, Message):
                self._waiting += step.rows
            else:
                self._score()
                self._tellers[type(step)](step)
        self._score()
        return self

    def kept(self) -> Kept:
        """Give what is stored now."""
        return account.kept(self._db, self._of.stay_no)

    def close(self) -> None:
        """Let the memory go."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use it and let it go."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the memory go."""
        self.close()

    def _score(self) -> None:
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
        if step.limit is not None:
            told = scratch.decide if step.what == limits.KEPT.verb else scratch.end_decided
            told(self._db, limits.KEPT, step.limit, step.written_ms)
        if step.schedule is not None:
            told = scratch.decide if step.what == own_schedules.KEPT.verb else scratch.end_decided
            told(self._db, own_schedules.KEPT, step.schedule, step.written_ms)
        if step.transfer is not None:
            scratch.transfer(self._db, step.transfer, step.written_ms)
        if step.prescribed is not None:
            scratch.prescribe(self._db, step.prescribed, step.written_ms)
        if step.what == "discharge":
            scratch.discharge(self._db, step.stay, step.written_ms)
        self._scorer.cycle(step.at_ms)

    def _do(self, step: Did) -> None:
        try:
            with atomic(self._db):
                acted = VERBS[step.event.kind](self._db, step, self._of.terms)
        except AlertError as error:
            self.refused.append((step.event, error))
            return
        if acted.refusal is not None and step.event.kind is not Kind.ALSO_SEEN:
            self.refused.append((step.event, acted.refusal))

    def _wait(self, step: Waited) -> None:
        """Look at every deadline just after its moment, as a daemon does that looks every second.

        What is overdue is so a millisecond after its time: beside a step that falls due then, the same look finds both.
        """
        due_ms = self._scorer.next_due_ms(self._looked_ms)
        while due_ms is not None and due_ms <= step.at_ms:
            looked_ms = min(self._of.watched_ms(due_ms) + 1, step.at_ms)
            self._scorer.tick(looked_ms)
            due_ms = self._scorer.next_due_ms(looked_ms)
        self._scorer.tick(step.at_ms)
        self._looked_ms = max(self._looked_ms, step.at_ms)

    def _let_due_act(self, step: Settled) -> None:
        self._scorer.settle(step.at_ms)

    def _fault(self, step: Fault) -> None:
        self._scorer.find(self._of.stay_no, [step.finding], step.at_ms)


def _acknowledge(db: Connection, step: Did, over_time: OverTime) -> Acted:
    for_ms = None if step.until_ms is None else step.until_ms - step.at_ms
    return cases.acknowledge(
        db, step.alert_id, _act(step, over_time), for_ms=for_ms, take=step.event.kind is Kind.TAKEN
    )


def _snooze(db: Connection, step: Did, over_time: OverTime) -> Acted:
    return cases.snooze(db, step.alert_id, _act(step, over_time), step.event.evidence["until_ms"] - step.at_ms)


def _take(db: Connection, step: Did, over_time: OverTime) -> Acted:
    if not handed_over(step.event):
        return _acknowledge(db, step, over_time)
    evidence = step.event.evidence
    return cases.take_over(db, step.alert_id, _act(step, over_time), evidence["from"], evidence["handover"])


def _offer(db: Connection, step: Did, over_time: OverTime) -> Acted:
    evidence = step.event.evidence
    if not handed_over(step.event):
        return cases.offer(db, step.alert_id, _act(step, over_time), evidence["to"])
    return cases.hand_over(db, step.alert_id, _act(step, over_time), evidence["handover"])


def _close(db: Connection, step: Did, over_time: OverTime) -> Acted:
    return cases.close(db, step.alert_id, _act(step, over_time), Outcome(step.event.evidence["outcome"]))


def _note(db: Connection, step: Did, over_time: OverTime) -> Acted:
    return cases.note(db, step.alert_id, _act(step, over_time))


def _act(step: Did, over_time: OverTime) -> Act:
    event = step.event
    return Act(
        actor=event.actor,
        now_ms=event.at_ms,
        note=event.note or "",
        op_id=event.op_id,
        cursor=step.cursor,
        terms_of=lambda _stay_no: over_time,
    )


VERBS: Final[Mapping[Kind, Callable[[Connection, Did, OverTime], Acted]]] = {
    Kind.ACKNOWLEDGED: _acknowledge,
    Kind.TAKEN: _take,
    Kind.OFFERED: _offer,
    Kind.ALSO_SEEN: _acknowledge,
    Kind.NOTED: _note,
    Kind.SNOOZED: _snooze,
    Kind.WOKEN: lambda db, step, over_time: cases.wake(db, step.alert_id, _act(step, over_time)),
    Kind.UNACKNOWLEDGED: lambda db, step, over_time: cases.unacknowledge(db, step.alert_id, _act(step, over_time)),
    Kind.CLOSED: _close,
    Kind.REOPENED: lambda db, step, over_time: cases.reopen(db, step.alert_id, _act(step, over_time)),
}
