"""What came to one stay, in the order in which it came: messages, changes of its registers, what people did, and time.

The order of messages is the log's. The rest has times of its own, and the stored history says what came first where
they leave it open. Pure: what any of it leads to is the engine's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise

import numpy as np

from alerts.faults import Finding
from alerts.model import MONITOR, Alert, Event, Kind, State
from vwmon import lateness
from vwmon.attribution import LogColumns, Vitals
from vwmon.patients import prescriptions
from vwmon.patients.places import places
from vwmon.patients.prescriptions import Prescription
from vwmon.patients.records import Assignment, Plan, Stay, StayLimit, Transfer
from vwmon.patients.schedules import OwnSchedule
from vwmon.roster import Roster
from vwmon.scoring.charts import PARTS
from vwmon.store import own_schedules, transfers
from vwmon.store.account import Account
from vwmon.store.limits import numbered
from vwmon.store.readings import FOREVER_MS, LogRow

TAKING = frozenset({Kind.ACKNOWLEDGED, Kind.TAKEN})
BY_THE_CLOCK = frozenset({Kind.EXPIRED, Kind.WOKEN, Kind.ESCALATED})  # what a stored deadline does


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The readings of one message, as the log has them, received at `at_ms`."""

    at_ms: int
    rows: tuple[LogRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A line of the registers' journal, noticed at `at_ms`.

    `assignments`, `limit` and `schedule` are what it began or ended. `stay` is on the ward that it was admitted to, up
    to a `transfer`, and has what was prescribed with the admission; what was `prescribed` later is a line of its own.
    """

    at_ms: int
    written_ms: int
    what: str
    stay: Stay
    assignments: tuple[Assignment, ...] = ()
    limit: StayLimit | None = None
    transfer: Transfer | None = None
    prescribed: Prescription | None = None
    schedule: OwnSchedule | None = None

    @property
    def held_ms(self) -> int:
        """Give from when it holds: limits, wards, ranges and schedules from when they were written, noticed or not."""
        decided = (self.limit, self.transfer, self.prescribed, self.schedule)
        return self.at_ms if not any(decided) else min(self.at_ms, self.written_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """What a person did, and, where that was to take an alert in hand or to put it off, until when.

    `cursor` is how far the log had been scored by then, where that was noted.
    """

    at_ms: int
    event: Event
    alert_id: str
    until_ms: int | None = None
    cursor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """Time passed up to `at_ms` and someone looked: every deadline until then acts."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The stored deadlines up to `at_ms` act, though nobody looked for what is overdue: the end of a recording."""

    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was found of the stay's devices, or of the whole service, noticed at `at_ms` with the log at `cursor`."""

    at_ms: int
    finding: Finding
    cursor: int | None = None


Step = Message | Written | Did | Waited | Settled | Fault
Span = tuple[int, int]  # from a moment on and before another
Placed = tuple[int, Step]  # a step, and when the first message is received that comes after it


def messages(rows: Sequence[LogRow]) -> list[Message]:
    """Give readings in log order as the messages that they came in."""
    found = (tuple(group) for _, group in groupby(rows, key=lambda row: row[6]))
    return [Message(at_ms=max(row[5] for row in group), rows=group) for group in found]


def steps(account: Account, plans: Mapping[str, Plan], *, watched: bool) -> list[Step]:
    """Give everything that came, in order; `watched` tells that time passed between messages, as for a daemon at work.

    In a recording no time passes but that of its readings.
    """
    did = list(_did(account))
    if account.stay is None and not account.findings:
        return list(_faults(account, [step for _, step in did]))
    came = messages(account.rows)
    written = [] if account.stay is None else _written(account, account.stay)
    placed = sorted([*_findings(account), *written, *did], key=partial(_slot, came))
    if not watched:
        return [*_woven(came, placed), Settled(at_ms=_end_ms(account))]
    stays = () if account.stay is None else (account.stay,)
    own = {one.stay_no: account.schedules for one in stays}
    looks = _looks(account, came, Roster(stays=stays, assignments=frozenset(), plans=plans, own=own))
    return [*_woven(came, placed, looks), Waited(at_ms=_end_ms(account))]


def unwatched(events: Sequence[Event]) -> list[Span]:
    """Give the spans in which nobody looked at the time, as steps that were taken late say, in order and apart."""
    late = sorted(
        (e.evidence["unwatched_from_ms"], e.at_ms)
        for e in events
        if e.kind is Kind.ESCALATED and "unwatched_from_ms" in e.evidence
    )
    spans: list[Span] = []
    for from_ms, to_ms in late:
        if spans and from_ms < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], to_ms))
        else:
            spans.append((from_ms, to_ms))
    return spans


def looked(events: Sequence[Event]) -> list[Span]:
    """Give spans in each of which someone looked at the time: between two steps of an alert taken one by one."""
    steps: dict[int, list[Event]] = {}
    for event in events:
        if event.kind is Kind.ESCALATED:
            steps.setdefault(event.alert_no, []).append(event)
    pairs = (pair for taken in steps.values() for pair in pairwise(taken))
    return sorted((one.at_ms, after.evidence.get("unwatched_from_ms", after.at_ms)) for one, after in pairs)


def _woven(came: Sequence[Message], placed: Sequence[Placed], looks: frozenset[int] | None = None) -> Iterator[Step]:
    """Put the steps that are placed by time among the messages; with `looks`, time passes before each and before those.

    What a person did comes before the first message that had not been scored by then, where that is known.
    """
    waiting = list(placed)
    for number, message in enumerate(came):
        while waiting and _precedes(waiting[0], message):
            yield from _in_time(waiting.pop(0)[1], looks, message.at_ms)
        if looks and number in looks:
            yield Waited(at_ms=message.at_ms)
        yield message
    for _, step in waiting:
        yield from _in_time(step, looks)


def _precedes(placed: Placed, message: Message) -> bool:
    cut_ms, step = placed
    cursor = step.cursor if isinstance(step, Did | Fault) else None
    return cut_ms <= message.at_ms if cursor is None else message.rows[0][0] > cursor


def _in_time(step: Step, looks: frozenset[int] | None, before_ms: int = FOREVER_MS) -> Iterator[Step]:
    """Let time pass up to a step, but not beyond the message after it: one that had come and was not scored yet.

    What a stay is asked otherwise may end what is overdue at once, so that someone looks then too.
    """
    if looks is not None:
        yield Waited(at_ms=min(_looked_ms(step), before_ms))
    yield step
    if looks is not None and isinstance(step, Written) and step.schedule is not None:
        yield Waited(at_ms=min(step.at_ms, before_ms))


def _looked_ms(step: Step) -> int:
    """Give until when deadlines act before a step."""
    return step.held_ms if isinstance(step, Written) else step.at_ms


def _end_ms(account: Account) -> int:
    """Give until when time has passed: the last that the daemon received, said of itself, or did."""
    beat_ms = account.monitor.cycle_ms if account.monitor is not None else None
    if account.recorded and beat_ms is not None:
        return beat_ms
    received_ms = max((row[5] for row in account.rows), default=0)
    did_ms = max((event.at_ms + 1 for event in account.kept.events if event.actor == MONITOR), default=0)
    return max(beat_ms or 0, received_ms, did_ms)


def _written(account: Account, stay: Stay) -> Iterator[Placed]:
    """Give the journal's lines that a scorer acted on, each among the messages where it did."""
    left = list(account.assignments)
    held: list[Assignment] = []
    limits = {limit.limit_no: limit for limit in account.limits}
    moved = {one.transfer_no: one for one in account.transfers}
    prescribed = {one.prescription_no: one for one in stay.prescriptions}
    begun = prescriptions.written(account.prescribed_with_the_admission)
    stay = replace(stay, ward=places(stay, account.transfers)[0].ward, prescribed=begun)
    own = {one.schedule_no: one for one in account.schedules}
    for entry in account.journal:
        what = entry.verb
        mine = [a for a in (left if what == "assign" else held) if entry.device_no in {None, a.device_no}]
        concerned = {"assign": mine[:1], "return": mine[:1], "discharge": [a for a in mine if a.to_ms is not None]}
        found = tuple(concerned.get(what, ()))
        for assignment in found:
            left, held = (
                (_without(left, assignment), [*held, assignment])
                if what == "assign"
                else (left, _without(held, assignment))
            )
        if entry.cursor is not None and entry.noticed_ms is not None:
            at_ms = max(entry.noticed_ms, entry.at_ms)
            written = Written(
                at_ms=at_ms,
                written_ms=entry.at_ms,
                what=what,
                stay=stay,
                assignments=found,
                limit=limits.get(numbered(entry)),
                transfer=moved.get(transfers.numbered(entry)),
                prescribed=prescribed.get(prescriptions.numbered(entry.what)),
                schedule=own.get(own_schedules.numbered(entry)),
            )
            yield _placed_ms(account, entry.at_ms, entry.noticed_ms, entry.cursor), written


def _findings(account: Account) -> Iterator[Placed]:
    """Give what was found, each finding among the messages where the daemon noticed it."""
    for one in account.findings:
        placed_ms = _placed_ms(account, one.noticed_ms, one.noticed_ms, one.cursor)
        yield placed_ms, Fault(at_ms=one.noticed_ms, finding=one.finding, cursor=one.cursor)


def _slot(came: Sequence[Message], placed: Placed) -> tuple[int, int]:
    """Give after how many messages a step comes, and when: between two messages what came first is told first."""
    return sum(not _precedes(placed, message) for message in came), placed[1].at_ms


def _without(several: Sequence[Assignment], one: Assignment) -> list[Assignment]:
    return [each for each in several if each is not one]


def _placed_ms(account: Account, at_ms: int, noticed_ms: int, cursor: int) -> int:
    """Give the place of a line written at `at_ms`: after what had been scored when it was acted on, before the rest.

    Of a line that is older than such notes only its own time is known.
    """
    if noticed_ms < at_ms:
        return at_ms
    after_ms = max((row[5] + 1 for row in account.rows if row[0] <= cursor), default=0)
    before_ms = min((row[5] for row in account.rows if row[0] > cursor), default=FOREVER_MS)
    return min(max(noticed_ms, after_ms), before_ms)


def _did(account: Account) -> Iterator[Placed]:
    """Give what people did: after what had been scored by then.

    Where that was not noted, after what had been received by then, unless the history tells it otherwise.
    """
    events = account.kept.events
    known = [event.evidence.get("received_ms") if event.actor == MONITOR else None for event in events]
    cut_ms = 0
    for number, event in enumerate(events):
        if event.actor == MONITOR:
            continue
        cursor = event.evidence.get("cursor")
        if cursor is None:
            earliest_ms = max((ms + 1 for ms in known[:number] if ms is not None), default=0)
            latest_ms = min((ms for ms in known[number:] if ms is not None), default=event.at_ms + 1)
            cut_ms = max(cut_ms, earliest_ms, min(event.at_ms + 1, latest_ms))
        else:
            cut_ms = max(cut_ms, min((row[5] for row in account.rows if row[0] > cursor), default=event.at_ms + 1))
        alert = account.kept.alerts[event.alert_no]
        until_ms = event.evidence.get("until_ms")
        if until_ms is None and event.kind in TAKING:
            until_ms = _until_ms(alert, account.kept.events_of(event.alert_no), event)
        yield cut_ms, Did(at_ms=event.at_ms, event=event, alert_id=alert.id, until_ms=until_ms, cursor=cursor)


def handed_over(event: Event) -> bool:
    """Tell whether an act was part of a handover, which leaves the acknowledgement as it was."""
    return "handover" in event.evidence


def _until_ms(alert: Alert, events: Sequence[Event], taking: Event) -> int | None:
    """Find until when an acknowledgement was given that is older than such notes.

    None where nothing depends on it, as when it was outgrown first.
    """
    ends = [e for e in events if e.kind is Kind.EXPIRED or (e.kind in TAKING and not handed_over(e))]
    later = [e for e in ends if e.version > taking.version]
    if later:
        return later[0].at_ms if later[0].kind is Kind.EXPIRED else None
    return alert.ack_until_ms


def _faults(account: Account, did: Sequence[Step]) -> Iterator[Step]:
    """Give what befell the whole service, as its history tells it, in a database from before findings were kept."""
    acts = iter(did)
    standing: dict[str, int] = {}
    for event in account.kept.events:
        if event.actor != MONITOR:
            yield next(acts)
        elif event.kind in BY_THE_CLOCK:
            yield Waited(at_ms=event.at_ms)
        else:
            told = event.evidence.get("faults", {})
            unsaid = {} if told else account.kept.alerts[event.alert_no].evidence.get("faults", {})
            yield from _moved(standing, {**standing, **told, **unsaid}, event.at_ms)
            yield from _moved(standing, told, event.at_ms)
    for alert in account.kept.alerts.values():
        if alert.state is not State.CLOSED and alert.active:
            yield from _moved(standing, alert.evidence.get("faults", {}), alert.opened_ms)


def _moved(standing: dict[str, int], now: Mapping[str, int], at_ms: int) -> Iterator[Fault]:
    """Give the faults that begin and end between two sets of them, and note in the first that they did."""
    for rule in [rule for rule in now if rule not in standing]:
        standing[rule] = now[rule]
        yield Fault(at_ms=at_ms, finding=Finding(rule=rule, since_ms=now[rule], at_ms=at_ms))
    for rule in [rule for rule in standing if rule not in now]:
        del standing[rule]
        yield Fault(at_ms=at_ms, finding=Finding(rule=rule, since_ms=None, at_ms=at_ms))


def _looks(account: Account, came: Sequence[Message], roster: Roster) -> frozenset[int]:
    """Number the messages before which a deadline may have passed since the one before: of a reading, or of an owner.

    Too many do no harm: a look at a moment when nothing is due finds nothing.
    """
    if not came:
        return frozenset()
    columns = LogColumns.of([row for message in came for row in message.rows])
    number = np.repeat(np.arange(len(came)), [len(message.rows) for message in came])
    received_ms = np.array([message.at_ms for message in came], dtype=np.int64)
    plan, part = roster.plan_table(), Vitals(account.vitals).part(columns.vital, roster.stays[0].chart)
    found = np.zeros(len(came), dtype=bool)
    behind_ms = lateness.of_messages(number, columns.observed_ms, received_ms, roster.stays[0].admitted_ms)
    for column in range(len(PARTS)):
        mine = (part == column) & ~np.isnan(columns.value)  # an attempt is not what was waited for
        last_ms = lateness.latest_before(
            number[mine], columns.observed_ms[mine], len(came), roster.stays[0].admitted_ms
        )
        came_late = np.diff(last_ms, prepend=last_ms[:1]) != 0
        for each in range(len(plan.expected)):
            due_ms = lateness.due(plan, each, column, last_ms)
            found |= lateness.passed(due_ms, received_ms) | lateness.passed(due_ms + behind_ms, received_ms)
            found |= came_late & (due_ms < received_ms)  # and is overdue already
    passed = {step.until_ms for _, step in _did(account) if isinstance(step, Did)}
    passed |= {event.at_ms for event in account.kept.events if event.kind is Kind.ESCALATED}
    passed |= set(plan.later_ms.tolist())
    for moment_ms in passed - {None}:
        found |= lateness.passed(np.full(len(came), moment_ms), received_ms)
    return frozenset(np.flatnonzero(found).tolist())
