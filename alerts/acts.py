"""What people do to alerts: take in hand, offer, put off, close, and undo. Pure; a refusal is an answer, no exception.

So a refused act still leaves its trace where it must (who else has seen an alert), in the same transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts import attention, conditions, lifecycle, moves, wording
from alerts.attention import UNCOVERED
from alerts.errors import AlertConflict, AlertError, AlertRefused
from alerts.model import Alert, Case, Kind, Lane, Level, Outcome, State
from alerts.over_time import ALWAYS_THE_TABLE, OverTime
from alerts.policy import POLICY, Terms
from alerts.wording import ago, mark


def _no_ward(_stay_no: int) -> OverTime:
    return ALWAYS_THE_TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, when, and with what words; on what machine, and under what number a repeat is known by.

    `cursor` is how far the log had been scored by then: what the person could know of, and the act's place in it.
    `seen_level` and `seen_evidence` are what stood at the version that the person saw, if told. `terms_of` gives the
    terms under which the case of a stay is followed, in the course of time.
    """

    actor: str
    now_ms: int
    note: str = ""
    op_id: str | None = None
    host: str | None = None
    cursor: int | None = None
    seen_level: Level | None = None
    seen_version: int | None = None
    seen_evidence: Mapping[str, Any] | None = None
    terms_of: Callable[[int], OverTime] = _no_ward

    def terms(self, case: Case) -> Terms:
        """Give the terms of a case as it is acted on."""
        return self.terms_of(case.stay_no).at(self.now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The case after an act, and why it was refused if it was."""

    case: Case
    refusal: AlertError | None = None


def acknowledge(case: Case, alert: Alert, act: Act, *, for_ms: int | None = None, take: bool = False) -> Answer:
    """Take an alert in hand, up to its level and score now and for a time that its level limits.

    The first owner keeps it: a second is told who it is and is put on record as having seen it, or takes over with
    `take`, or as whoever it was offered to. Refused once it has settled or closed, when it got worse since it was seen,
    without the note that its level asks for, or for longer than the level allows.
    """
    owned = alert.state is State.ACKNOWLEDGED and alert.owner != act.actor
    refusal = _past(alert, act) or _changed(alert, act)
    if refusal is None and owned and not take and alert.offered_to != act.actor:
        return Answer(case=done(case, alert, Kind.ALSO_SEEN, act), refusal=_owned_by(alert, act))
    refusal = refusal or _unsaid(alert, act) or _too_long(alert, for_ms)
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    kind = Kind.TAKEN if owned else Kind.ACKNOWLEDGED
    until_ms = act.now_ms + (POLICY.clocks[alert.level].acknowledged_at_most_ms if for_ms is None else for_ms)
    return Answer(case=_covered(case, alert, act, kind, until_ms))


def note(case: Case, alert: Alert, act: Act) -> Answer:
    """Put words on record beside an alert, open or closed; nothing else changes. Refused without words."""
    if not act.note:
        return Answer(case=case, refusal=AlertRefused(f"{alert.id}: a note needs words"))
    return Answer(case=done(case, alert, Kind.NOTED, act))


def offer(case: Case, alert: Alert, act: Act, to: str | None) -> Answer:
    """Ask someone to take an open alert over, or nobody any more. Nothing is covered until that person acknowledges.

    Its owner stays its owner, and its clocks run. Refused when it is closed, or that person has it in hand already.
    """
    mine = alert.state is State.ACKNOWLEDGED and alert.owner == to
    refusal = _over(alert, act)
    if refusal is None and mine:
        refusal = AlertConflict(f"{alert.id} is in the hands of {to} already")
    if refusal is None and to is None and alert.offered_to is None:
        refusal = AlertConflict(f"{alert.id} is offered to nobody")
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    return Answer(case=done(case, alert, Kind.OFFERED, act, because={"to": to}, offered_to=to))


def snooze(case: Case, alert: Alert, act: Act, for_ms: int) -> Answer:
    """Put an acknowledged alert of one's own off the list for a time that ends with the acknowledgement at the latest.

    Refused at level 3 always, and while its evidence is overdue. It is back sooner when it gets worse.
    """
    refusal = _past(alert, act) or _changed(alert, act) or _not_mine(alert, act) or _not_to_wait(alert)
    refusal = refusal or _beyond(alert, act, for_ms)
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    until_ms = act.now_ms + for_ms
    because = {"until_ms": until_ms}
    return Answer(case=done(case, alert, Kind.SNOOZED, act, because=because, snooze_ms=until_ms))


def wake(case: Case, alert: Alert, act: Act) -> Answer:
    """Put an alert that was put off on the list again. Anyone may."""
    if alert.snooze_ms is None:
        return Answer(case=case, refusal=_over(alert, act) or AlertConflict(f"{alert.id} is on the list"))
    return Answer(case=done(case, alert, Kind.WOKEN, act, snooze_ms=None))


def unacknowledge(case: Case, alert: Alert, act: Act) -> Answer:
    """Undo an acknowledgement: the alert asks anew, and nobody owns it. Of another's, say why."""
    refusal = _past(alert, act) or _unowned(alert)
    if refusal is None and alert.owner != act.actor and not act.note:
        refusal = AlertRefused(f"{alert.id} is in the hands of {alert.owner}: say with -m why it is taken from them")
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    asking = attention.asking(alert, attention.due_ms(act.now_ms, alert.level, act.terms(case)))
    nobody = {"owner": None, "ack_ms": None, "ack_note": None}
    return Answer(case=done(case, alert, Kind.UNACKNOWLEDGED, act, **asking, **UNCOVERED, **nobody))


def close(case: Case, alert: Alert, act: Act, outcome: Outcome) -> Answer:
    """Close an alert with what came of it. What made it no longer stands; newer evidence raises a new alert.

    Refused for one that nobody has acknowledged and that has not settled, while its evidence is overdue unless the
    patient was transferred, and without a note when the outcome is `other`.
    """
    refusal = next((found for check in CLOSING if (found := check(case, alert, act, outcome)) is not None), None)
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    terms = act.terms(case)
    stood = conditions.standing_in(case.conditions, alert.lane, terms.rules)
    closed = done(
        case,
        alert,
        Kind.CLOSED,
        act,
        because={"outcome": outcome.value, "stood": stood},
        outcome=outcome,
        closed_ms=act.now_ms,
        due_ms=None,
        owed_ms=None,
        offered_to=None,
        snooze_ms=None,
        blind_ms=None,
    )
    return Answer(case=lifecycle.released(closed, alert.lane, act.now_ms, terms))


def reopen(case: Case, alert: Alert, act: Act, stood: Sequence[str] = ()) -> Answer:
    """Undo a close that was a mistake: the alert asks anew, and the rules that `stood` then may hold again.

    Refused without a word why, of one that ended by itself, long after the close, once a newer alert of its lane has
    followed, and where what made it is known to be over: then there is nothing to reopen.
    """
    refusal = next((found for check in REOPENING if (found := check(case, alert, act)) is not None), None)
    terms = act.terms(case)
    again = lifecycle.standing_again(case, alert, stood, act.now_ms, terms) if refusal is None else None
    if again is None:
        over = AlertConflict(
            f"{alert.id}: what made it is over; put words on record with: vwmon alerts note {alert.id}"
        )
        return Answer(case=case, refusal=refusal or over)
    asking = attention.asking(alert, attention.due_ms(act.now_ms, alert.level, terms))
    opened: dict[str, Any] = {"closed_ms": None, "cleared_ms": None, "outcome": None}
    reopened = done(again, alert, Kind.REOPENED, act, **asking, **UNCOVERED, **opened)
    return Answer(case=lifecycle.resumed(reopened, alert.lane, act.now_ms, terms))


def done(
    case: Case,
    alert: Alert,
    kind: Kind,
    act: Act,
    *,
    because: Mapping[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 -- fields of Alert
) -> Case:
    """Give the case after a person's move of an alert, with its place in the log; IllegalMove if there is none such."""
    return moves.move(
        case,
        alert,
        kind,
        act.now_ms,
        actor=act.actor,
        note=act.note or None,
        because={**(because or {}), **({} if act.cursor is None else {"cursor": act.cursor})},
        op_id=act.op_id,
        **changes,
    )


def _covered(case: Case, alert: Alert, act: Act, kind: Kind, until_ms: int) -> Case:
    return done(
        case,
        alert,
        kind,
        act,
        because={"until_ms": until_ms},
        owner=act.actor,
        ack_ms=act.now_ms,
        ack_note=act.note or None,
        ack_level=alert.level,
        ack_score=alert.score,
        ack_reds=alert.reds,
        ack_until_ms=until_ms,
        due_ms=until_ms,
        owed_ms=None,
        offered_to=None,
        snooze_ms=None,
    )


def _over(alert: Alert, act: Act) -> AlertError | None:
    if alert.closed_ms is None:
        return None
    outcome = f" ({alert.outcome})" if alert.outcome is not None else ""
    return AlertConflict(f"{alert.id} was closed {ago(act.now_ms - alert.closed_ms)} ago{outcome}")


def _past(alert: Alert, act: Act) -> AlertError | None:
    over = _over(alert, act)
    if over is not None:
        return over
    if alert.state is State.SETTLED:
        return AlertConflict(
            f"{alert.id} has settled meanwhile; close it with an outcome: vwmon alerts close {alert.id}"
        )
    return None


def _changed(alert: Alert, act: Act) -> AlertError | None:
    """Refuse an act on what got worse since it was seen: a higher level, or what an acknowledgement would not cover."""
    if act.seen_level is None or not attention.worse_than(alert, act.seen_level, act.seen_evidence):
        return None
    rise = wording.rise(alert, act.seen_level, act.seen_evidence or {})
    since = f"since revision {act.seen_version}" if act.seen_version is not None else "since it was read"
    return AlertConflict(f"{alert.id} changed {since}: {rise}. Review: vwmon alerts show {alert.id}")


def _owned_by(alert: Alert, act: Act) -> AlertError:
    since = f" since {ago(act.now_ms - alert.ack_ms)} ago" if alert.ack_ms is not None else ""
    words = f' ("{alert.ack_note}")' if alert.ack_note else ""
    return AlertConflict(
        f"{alert.id} is owned by {alert.owner}{since}{words}. Recorded that you have seen it. --take takes over"
    )


def _unsaid(alert: Alert, act: Act) -> AlertError | None:
    if act.note or not POLICY.clocks[alert.level].note_required:
        return None
    return AlertRefused(f"{alert.id} is {mark(alert.lane, alert.level)}: say with -m what is being done")


def _too_long(alert: Alert, for_ms: int | None) -> AlertError | None:
    most_ms = POLICY.clocks[alert.level].acknowledged_at_most_ms
    if for_ms is None or 0 < for_ms <= most_ms:
        return None
    return AlertRefused(f"{alert.id} is {mark(alert.lane, alert.level)}: at most {ago(most_ms)}, and more than nothing")


def _unowned(alert: Alert) -> AlertError | None:
    if alert.state is State.ACKNOWLEDGED:
        return None
    return AlertConflict(f"{alert.id} is in nobody's hands: vwmon alerts ack {alert.id}")


def _not_mine(alert: Alert, act: Act) -> AlertError | None:
    if alert.state is not State.ACKNOWLEDGED:
        return AlertRefused(f"{alert.id} is in nobody's hands; only what was acknowledged can be put off")
    if alert.owner == act.actor:
        return None
    return AlertConflict(f"{alert.id} is in the hands of {alert.owner}, who alone can put it off")


def _not_to_wait(alert: Alert) -> AlertError | None:
    if alert.level >= Level.EMERGENCY:
        return AlertRefused(f"{alert.id} is {mark(alert.lane, alert.level)}: an emergency is never put off")
    if alert.blind_ms is not None:
        return AlertRefused(f"{alert.id} stands on readings that are overdue; it is not put off unseen")
    return None


def _beyond(alert: Alert, act: Act, for_ms: int) -> AlertError | None:
    left_ms = (alert.ack_until_ms or act.now_ms) - act.now_ms
    if 0 < for_ms <= left_ms:
        return None
    return AlertRefused(
        f"{alert.id}: for more than nothing, and at most until its acknowledgement ends in {ago(left_ms)}"
    )


def _closed_by_a_person(_case: Case, alert: Alert, act: Act) -> AlertError | None:
    if alert.closed_ms is None:
        return AlertConflict(f"{alert.id} is open")
    if alert.outcome is None:
        return AlertConflict(f"{alert.id} ended by itself {ago(act.now_ms - alert.closed_ms)} ago; nobody closed it")
    return None


def _just_closed(_case: Case, alert: Alert, act: Act) -> AlertError | None:
    if alert.closed_ms is None or act.now_ms - alert.closed_ms < POLICY.recurrence_ms:
        return None
    return AlertConflict(f"{alert.id} was closed {ago(act.now_ms - alert.closed_ms)} ago: too long ago to reopen")


def _latest(case: Case, alert: Alert, _act: Act) -> AlertError | None:
    latest = case.alerts.get(alert.lane)
    if latest is None or latest.alert_no == alert.alert_no:
        return None
    return AlertConflict(f"{alert.id} was followed by {latest.id}: vwmon alerts show {latest.id}")


def _said_why(_case: Case, alert: Alert, act: Act) -> AlertError | None:
    return None if act.note else AlertRefused(f"{alert.id} was closed: say with -m why it was a mistake")


def _not_twice(_case: Case, alert: Alert, act: Act, _outcome: Outcome) -> AlertError | None:
    return _past(alert, act) if alert.state is State.CLOSED else _changed(alert, act)


def _not_unseen(_case: Case, alert: Alert, _act: Act, _outcome: Outcome) -> AlertError | None:
    if alert.state in moves.MOVES[Kind.CLOSED]:
        return None
    return AlertRefused(f"{alert.id} still stands and nobody has it in hand: vwmon alerts ack {alert.id} first")


def _not_blind(case: Case, alert: Alert, _act: Act, outcome: Outcome) -> AlertError | None:
    if outcome is Outcome.TRANSFERRED:
        return None
    if alert.blind_ms is not None:
        return AlertRefused(
            f"{alert.id} stands on readings that are overdue; it closes with a fresh one, or as transferred"
        )
    sick = lifecycle.sick_and_unseen(case) if alert.lane is Lane.TECHNICAL else None
    if sick is None:
        return None
    return AlertRefused(f"{alert.id}: the patient is sick and unseen while {sick.id} is open; get a reading first")


def _not_unsaid(_case: Case, alert: Alert, act: Act, outcome: Outcome) -> AlertError | None:
    if outcome is not Outcome.OTHER or act.note:
        return None
    return AlertRefused(f"{alert.id}: the outcome other needs a note: -m")


CLOSING: Final[tuple[Callable[[Case, Alert, Act, Outcome], AlertError | None], ...]] = (
    _not_twice,
    _not_unseen,
    _not_blind,
    _not_unsaid,
)
REOPENING: Final[tuple[Callable[[Case, Alert, Act], AlertError | None], ...]] = (
    _closed_by_a_person,
    _latest,
    _just_closed,
    _said_why,
)
