"""What people do to alerts: acknowledge, note, close. Pure; a refusal is an answer, not an exception.

So a refused act still leaves its trace where it must (who else has seen an alert), in the same transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alerts import lifecycle, moves
from alerts.errors import AlertConflict, AlertError, AlertRefused
from alerts.model import Alert, Case, Kind, Lane, Level, Outcome, State
from alerts.policy import POLICY, TERMS, Terms
from alerts.wording import ago, mark


def _no_ward(_stay_no: int) -> Terms:
    return TERMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something, when, and with what words. `seen_level` is the level that the person saw, if told.

    `terms_of` gives the terms under which the case of a stay is followed.
    """

    actor: str
    now_ms: int
    note: str = ""
    op_id: str | None = None
    seen_level: Level | None = None
    seen_version: int | None = None
    terms_of: Callable[[int], Terms] = _no_ward


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The case after an act, and why it was refused if it was."""

    case: Case
    refusal: AlertError | None = None


def acknowledge(case: Case, alert: Alert, act: Act, *, for_ms: int | None = None, take: bool = False) -> Answer:
    """Take an alert in hand, up to its level and score now and for a time that its level limits.

    The first owner keeps it: a second is told who it is and is put on record as having seen it, or takes over with
    `take`. Refused once it has settled or closed, when the level rose since it was seen, without the note that its
    level asks for, or for longer than the level allows.
    """
    owned = alert.state is State.ACKNOWLEDGED and alert.owner != act.actor
    refusal = _past(alert, act) or _changed(alert, act)
    if refusal is None and owned and not take:
        seen = moves.move(case, alert, Kind.ALSO_SEEN, act.now_ms, actor=act.actor, note=act.note, op_id=act.op_id)
        return Answer(case=seen, refusal=_owned_by(alert, act))
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
    return Answer(case=moves.move(case, alert, Kind.NOTED, act.now_ms, actor=act.actor, note=act.note, op_id=act.op_id))


def close(case: Case, alert: Alert, act: Act, outcome: Outcome) -> Answer:
    """Close an alert with what came of it. What made it no longer stands; newer evidence raises a new alert.

    Refused for one that nobody has acknowledged and that has not settled, while its evidence is overdue unless the
    patient was transferred, and without a note when the outcome is `other`.
    """
    refusal = next((found for check in CLOSING if (found := check(case, alert, act, outcome)) is not None), None)
    if refusal is not None:
        return Answer(case=case, refusal=refusal)
    closed = moves.move(
        case,
        alert,
        Kind.CLOSED,
        act.now_ms,
        actor=act.actor,
        note=act.note or None,
        op_id=act.op_id,
        because={"outcome": outcome.value},
        outcome=outcome,
        closed_ms=act.now_ms,
        due_ms=None,
        owed_ms=None,
        offered_to=None,
        snooze_ms=None,
        blind_ms=None,
    )
    return Answer(case=lifecycle.released(closed, alert.lane, act.now_ms, act.terms_of(case.stay_no)))


def _covered(case: Case, alert: Alert, act: Act, kind: Kind, until_ms: int) -> Case:
    return moves.move(
        case,
        alert,
        kind,
        act.now_ms,
        actor=act.actor,
        note=act.note or None,
        op_id=act.op_id,
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
    )


def _past(alert: Alert, act: Act) -> AlertError | None:
    if alert.closed_ms is not None:
        outcome = f" ({alert.outcome})" if alert.outcome is not None else ""
        return AlertConflict(f"{alert.id} was closed {ago(act.now_ms - alert.closed_ms)} ago{outcome}")
    if alert.state is State.SETTLED:
        return AlertConflict(
            f"{alert.id} has settled meanwhile; close it with an outcome: vwmon alerts close {alert.id}"
        )
    return None


def _changed(alert: Alert, act: Act) -> AlertError | None:
    if act.seen_level is None or alert.level <= act.seen_level:
        return None
    rise = f"level {mark(alert.lane, act.seen_level)} -> {mark(alert.lane, alert.level)}"
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
