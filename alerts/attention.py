"""What the level of a lane means for its alert: raise, worsen, ease, re-raise, settle. Pure.

Where a level comes from is not known here: readings, silence and faults all arrive as a Signal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerts import escalation, ids, moves
from alerts.model import LEFT, Alert, Case, Kind, Lane, Level, State
from alerts.policy import POLICY, RED, TERMS, Terms
from alerts.rises import flapping, risen

# With a raise and an expiry, what makes an alert come up that had been answered or had gone.
COMING_UP: Final = frozenset({Kind.OUTGREW, Kind.RELAPSED, Kind.HELD, Kind.REVIVED})
# What an alert looks like once nobody's acknowledgement covers it any more; who gave the last one stays on record.
UNCOVERED: Final[Mapping[str, Any]] = {"ack_level": None, "ack_score": None, "ack_reds": (), "ack_until_ms": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What one lane of a case has come to: its level now (None: nothing stands) and the evidence behind it.

    `at_ms` is when that was observed, `known_ms` when it was known, and `since_ms` since when it stands, where that is
    another time. `borne_out` tells fresh evidence from a mere change of level; what is not `current` was known before,
    so that its score is not the one of now; `peak_score` is the worst of all that it stands on. `reds` are what an
    acknowledgement must have known of to cover it: single threes, or faults. `recovered_ms` is when a recovery began,
    and `bridge_ms` how soon after that a relapse leaves an acknowledgement standing.
    """

    lane: Lane
    level: Level | None
    at_ms: int
    known_ms: int
    since_ms: int | None = None
    evidence: Mapping[str, Any]
    borne_out: bool = True
    current: bool = True
    late: bool = False
    score: int | None = None
    peak_score: int | None = None
    parts: tuple[str, ...] = ()
    reds: tuple[str, ...] = ()
    bridge_ms: int = POLICY.flap_ms
    recovered_ms: int | None = None


def follow(case: Case, signal: Signal, terms: Terms = TERMS) -> Case:
    """Move the alert of the signal's lane as its level asks; the same case comes back when it asks nothing."""
    alert = case.alerts.get(signal.lane)
    if alert is None:
        return case if signal.level is None else _raise(case, signal, signal.level, terms)
    if signal.level is None:
        return _recover(case, alert, signal, terms) if alert.active else case
    return AFTER[alert.state](case, alert, signal, signal.level, terms)


def asking(alert: Alert, due_ms: int) -> dict[str, Any]:
    """Give what changes when an alert asks for an answer anew, the first of which is due then: its next cycle.

    Nobody's having put it off the list holds any longer.
    """
    return {"due_ms": due_ms, "owed_ms": due_ms, "cycle": alert.cycle + 1, "tier": 1, "snooze_ms": None}


def due_ms(from_ms: int, level: Level, terms: Terms = TERMS) -> int:
    """Give the time by which someone must have answered an alert that has asked since `from_ms`."""
    pace = POLICY.clocks[level]
    return escalation.due_ms(pace, from_ms, pace.first_response_ms, terms)


def worse_than(alert: Alert, level: Level, evidence: Mapping[str, Any] | None) -> bool:
    """Tell whether an alert is worse than it was at a level and on the evidence of then.

    At the same level, by as much as would end an acknowledgement: two points, or a single three that was none then.
    Evidence that is no score, such as a trend's, can be told from a score by its level alone.
    """
    now, then = alert.evidence, evidence or {}
    known = alert.score is not None and "total_min" in now and "total_min" in then
    if alert.level != level or alert.lane is not Lane.CLINICAL or not known:
        return alert.level > level
    risen = min(alert.score or 0, now["total_min"]) >= then["total_min"] + POLICY.covered_rise
    return risen or any(points >= RED and then["points"].get(part, 0) < RED for part, points in now["points"].items())


def _raise(case: Case, signal: Signal, level: Level, terms: Terms) -> Case:
    last = case.alerts.get(signal.lane)
    ordinal = 1 + max((alert.ordinal for alert in case.alerts.values()), default=0)
    alert_no = ids.number(case.stay_no, ordinal)
    due, recurs = due_ms(signal.known_ms, level, terms), _recurs(last, signal.known_ms)
    alert = Alert(
        alert_no=alert_no,
        id=ids.name(alert_no),
        stay_no=case.stay_no,
        ordinal=ordinal,
        lane=signal.lane,
        state=State.NEW,
        level=level,
        peak=level,
        score=signal.score,
        peak_score=signal.score if signal.peak_score is None else signal.peak_score,
        opened_ms=signal.known_ms,
        since_ms=signal.at_ms if signal.since_ms is None else signal.since_ms,
        late=signal.late,
        due_ms=due,
        owed_ms=due,
        recurrence_of=last.alert_no if recurs and last is not None else None,
        rises=risen(last.rises if recurs and last is not None else (), signal.known_ms),
        parts=signal.parts,
        reds=signal.reds,
        evidence=signal.evidence,
    )
    return moves.raised(case, alert, signal.known_ms)


def _recurs(last: Alert | None, known_ms: int) -> bool:
    return last is not None and last.closed_ms is not None and known_ms - last.closed_ms < POLICY.recurrence_ms


def _recover(case: Case, alert: Alert, signal: Signal, terms: Terms) -> Case:
    """Settle an alert whose conditions have all cleared; one never urgent ends without a person, unless it flaps."""
    changes: dict[str, Any] = {"cleared_ms": signal.recovered_ms, **_running(alert, signal)}
    if LEFT in signal.evidence:
        changes["evidence"] = {**alert.evidence, LEFT: signal.evidence[LEFT]}
    if alert.peak >= Level.URGENT or flapping(alert.rises, signal.known_ms):
        kind = Kind.SETTLED
        review_ms = escalation.due_ms(POLICY.clocks[Level.WATCH], signal.known_ms, POLICY.settled_ms, terms)
        changes |= asking(alert, review_ms)
    else:
        kind = Kind.ENDED
        over = {"due_ms": None, "owed_ms": None, "offered_to": None, "snooze_ms": None, "blind_ms": None}
        changes |= {"closed_ms": signal.known_ms, **over}
    return moves.move(case, alert, kind, signal.known_ms, because=signal.evidence, **changes)


def _unowned(case: Case, alert: Alert, signal: Signal, level: Level, terms: Terms) -> Case:
    if level > alert.level:
        soonest = min(alert.due_ms or signal.known_ms, due_ms(signal.known_ms, level, terms))
        return _worse(case, alert, Kind.WORSENED, signal, level, **asking(alert, soonest))
    if level == alert.level and _grown(alert, signal):
        return _worse(case, alert, Kind.GREW, signal, level)
    return _no_worse(case, alert, signal, level)


def _owned(case: Case, alert: Alert, signal: Signal, level: Level, terms: Terms) -> Case:
    if _outgrown(alert, signal, level):
        due = due_ms(signal.known_ms, level, terms)
        return _worse(case, alert, Kind.OUTGREW, signal, level, **asking(alert, due), **UNCOVERED)
    if level > alert.level:
        return _worse(case, alert, Kind.WORSENED, signal, level, snooze_ms=None)
    return _no_worse(case, alert, signal, level)


def _relapse(case: Case, alert: Alert, signal: Signal, level: Level, terms: Terms) -> Case:
    back: dict[str, Any] = {"cleared_ms": None}
    if _holds(alert, signal, level):
        return _worse(case, alert, Kind.HELD, signal, level, due_ms=alert.ack_until_ms, owed_ms=None, **back)
    due = due_ms(signal.known_ms, level, terms)
    return _worse(case, alert, Kind.RELAPSED, signal, level, **asking(alert, due), **back, **UNCOVERED)


def _after_close(case: Case, alert: Alert, signal: Signal, level: Level, terms: Terms) -> Case:
    """Open a closed alert again on clinical evidence measured before its close; anything later is a new alert."""
    closed_ms = alert.closed_ms if alert.outcome is not None else alert.cleared_ms
    if signal.lane is not Lane.CLINICAL or closed_ms is None or signal.at_ms > closed_ms:
        return _raise(case, signal, level, terms)
    reopened: dict[str, Any] = {"closed_ms": None, "cleared_ms": None, "outcome": None, "late": True}
    due = due_ms(signal.known_ms, level, terms)
    return _worse(case, alert, Kind.REVIVED, signal, level, **asking(alert, due), **reopened, **UNCOVERED)


def _worse(case: Case, alert: Alert, kind: Kind, signal: Signal, level: Level, **changes: Any) -> Case:  # noqa: ANN401 -- fields of Alert
    known = {"level": level, "peak": max(level, alert.peak), "evidence": signal.evidence}
    late = {"late": True} if signal.late else {}
    up = {"rises": risen(alert.rises, signal.known_ms)} if kind in COMING_UP else {}
    changes = _running(alert, signal) | known | late | up | changes
    return moves.move(case, alert, kind, signal.known_ms, because=signal.evidence, **changes)


def _no_worse(case: Case, alert: Alert, signal: Signal, level: Level) -> Case:
    changes = _running(alert, signal)
    if level < alert.level:
        return moves.move(case, alert, Kind.EASED, signal.known_ms, because=signal.evidence, level=level, **changes)
    return moves.quietly(case, alert, **changes)


def _running(alert: Alert, signal: Signal) -> dict[str, Any]:
    """Give the running figures: the score now, and the worst score, the parts and the reds since the raise.

    Outside the clinical lane, what is missing now takes the place of what was missing at the raise.
    """
    changes: dict[str, Any] = {}
    if signal.lane is not Lane.CLINICAL and signal.level is not None:
        changes["evidence"] = signal.evidence
    if signal.score is not None and signal.current and not signal.late:
        changes["score"] = signal.score
    if signal.score is not None and signal.borne_out:
        changes["peak_score"] = max(signal.score, signal.peak_score or 0, alert.peak_score or 0)
    if signal.borne_out and (signal.score is not None or signal.lane is not Lane.CLINICAL or signal.parts):
        changes["parts"] = (*alert.parts, *(part for part in signal.parts if part not in alert.parts))
        changes["reds"] = (*alert.reds, *(part for part in signal.reds if part not in alert.reds))
    return changes


def _grown(alert: Alert, signal: Signal) -> bool:
    """Tell whether fresh evidence of the same level is worse than its last event shows: what was seen then is not this.

    A late score must also be higher than all that is known.
    """
    shown = alert.evidence.get("total_min")
    if not signal.borne_out or signal.score is None or shown is None:
        return False
    known = alert.peak_score if signal.late else None
    risen = signal.score >= shown + POLICY.covered_rise and (known is None or signal.score > known)
    return risen or any(part not in alert.reds for part in signal.reds)


def _outgrown(alert: Alert, signal: Signal, level: Level) -> bool:
    """Tell whether fresh evidence is worse than what the acknowledgement covers: its level, score or single threes.

    A late score must also be higher than all that is known, or the same reading could do it twice.
    """
    if not signal.borne_out:
        return False
    if alert.ack_level is None or level > alert.ack_level:
        return True
    return _risen(alert, signal) or any(part not in alert.ack_reds for part in signal.reds)


def _risen(alert: Alert, signal: Signal) -> bool:
    if signal.score is None or alert.ack_score is None:
        return False
    known = alert.peak_score if signal.late else None
    return signal.score >= alert.ack_score + POLICY.covered_rise and (known is None or signal.score > known)


def _holds(alert: Alert, signal: Signal, level: Level) -> bool:
    """Tell whether the acknowledgement survives a relapse: soon after, no worse, and not expired."""
    if alert.ack_until_ms is None or alert.cleared_ms is None or alert.ack_until_ms <= signal.known_ms:
        return False
    soon = signal.at_ms - alert.cleared_ms <= signal.bridge_ms
    return soon and not _outgrown(alert, signal, level)


AFTER: Final[Mapping[State, Callable[[Case, Alert, Signal, Level, Terms], Case]]] = {
    State.NEW: _unowned,
    State.RERAISED: _unowned,
    State.ACKNOWLEDGED: _owned,
    State.SETTLED: _relapse,
    State.CLOSED: _after_close,
}
