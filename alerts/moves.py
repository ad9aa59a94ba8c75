"""The legal moves of an alert as one table, and the only function that makes them. Pure.

When a move is due is decided in alerts.lifecycle and alerts.acts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from alerts.errors import IllegalMove
from alerts.model import MONITOR, Alert, Case, Event, Kind, State

N, A, R, S, C = State.NEW, State.ACKNOWLEDGED, State.RERAISED, State.SETTLED, State.CLOSED

# What can happen, and from which state it leads to which. What is not here cannot happen.
MOVES: Final[Mapping[Kind, Mapping[State | None, State]]] = {
    Kind.RAISED: {None: N},
    Kind.WORSENED: {N: N, A: A, R: R},  # A stays A only up to what the acknowledgement covers
    Kind.GREW: {N: N, R: R},  # within its level, and so that an acknowledgement of before would not cover it
    Kind.EASED: {N: N, A: A, R: R},
    Kind.OUTGREW: {A: R},
    Kind.EXPIRED: {A: R},
    Kind.SETTLED: {N: S, A: S, R: S},
    Kind.ENDED: {N: C, A: C, R: C},
    Kind.RELAPSED: {S: R},
    Kind.HELD: {S: A},
    Kind.REVIVED: {C: R},
    Kind.BLINDED: {N: N, A: A, R: R, S: S},
    Kind.SIGHTED: {N: N, A: A, R: R, S: S},
    Kind.ACKNOWLEDGED: {N: A, R: A, A: A},
    Kind.TAKEN: {A: A},
    Kind.ALSO_SEEN: {A: A},
    Kind.NOTED: {N: N, A: A, R: R, S: S, C: C},
    Kind.CLOSED: {A: C, S: C},
    Kind.ESCALATED: {N: N, R: R, S: S},
    Kind.OFFERED: {N: N, A: A, R: R, S: S},
    Kind.SNOOZED: {A: A},
    Kind.WOKEN: {A: A},
    Kind.UNACKNOWLEDGED: {A: R},
    Kind.REOPENED: {C: R},
}

# Not among the changes that an event keeps: its evidence and version stand in the event, the rest never changes.
UNCHANGING: Final = frozenset({"alert_no", "id", "stay_no", "ordinal", "lane", "provenance_no", "evidence", "version"})
AUDITED: Final = tuple(field.name for field in fields(Alert) if field.name not in UNCHANGING)


def move(  # noqa: PLR0913 -- a move has this many sides
    case: Case,
    alert: Alert,
    kind: Kind,
    at_ms: int,
    *,
    actor: str = MONITOR,
    note: str | None = None,
    because: Mapping[str, Any] | None = None,
    op_id: str | None = None,
    **changes: Any,  # noqa: ANN401 -- fields of Alert
) -> Case:
    """Give the case after one move of an alert, with its event; IllegalMove if the table lacks it.

    `because` is the evidence that the event keeps; `changes` are the alert's new values. Without any, and in the same
    state, its version stays.
    """
    state = _after(kind, alert.state)
    changed = bool(changes) or state is not alert.state
    moved = replace(alert, state=state, version=alert.version + 1, **changes) if changed else alert
    event = Event(
        alert_no=alert.alert_no,
        kind=kind,
        actor=actor,
        at_ms=at_ms,
        state_before=alert.state,
        state_after=state,
        level_before=alert.level,
        level_after=moved.level,
        version=moved.version,
        note=note,
        evidence=because or {},
        op_id=op_id,
        changes=_changes(alert, moved, ("state", *changes)),
    )
    # A note can be on an alert that a newer one has replaced: only what changed takes its place in the case.
    alerts = {**case.alerts, alert.lane: moved} if changed else case.alerts
    return replace(case, alerts=alerts, events=(*case.events, event))


def raised(case: Case, alert: Alert, at_ms: int) -> Case:
    """Give the case with a new alert in place of the last closed one of its lane."""
    _after(Kind.RAISED, None)
    last = case.alerts.get(alert.lane)
    if last is not None and last.open:
        raise IllegalMove(
            f"{last.id} of stay {case.stay_no} is open in the {alert.lane} lane; a second cannot be raised"
        )
    past = case.past if last is None else (*case.past, last)
    event = Event(
        alert_no=alert.alert_no,
        kind=Kind.RAISED,
        actor=MONITOR,
        at_ms=at_ms,
        state_before=None,
        state_after=alert.state,
        level_before=None,
        level_after=alert.level,
        version=alert.version,
        note=None,
        evidence=alert.evidence,
        changes=_changes(None, alert, AUDITED),
    )
    alerts = {**case.alerts, alert.lane: alert}
    return replace(case, alerts=alerts, past=past, events=(*case.events, event))


def quietly(case: Case, alert: Alert, **changes: Any) -> Case:  # noqa: ANN401 -- fields of Alert
    """Give the case with an alert's running figures brought up to date: no move, no event, no new version."""
    if all(getattr(alert, name) == value for name, value in changes.items()):
        return case
    return replace(case, alerts={**case.alerts, alert.lane: replace(alert, **changes)})


def plain(value: Any) -> Any:  # noqa: ANN401 -- of any field of Alert
    """Give the value of a field as it is kept in a change: a sequence as a list, anything else as it is."""
    return list(value) if isinstance(value, tuple) else value


def _changes(before: Alert | None, after: Alert, names: Iterable[str]) -> dict[str, list[Any]]:
    """Give before and after of the fields that differ; before a raise, none has a value."""
    values = ((name, plain(getattr(before, name, None)), plain(getattr(after, name))) for name in names)
    return {name: [old, new] for name, old, new in values if old != new and name not in UNCHANGING}


def _after(kind: Kind, state: State | None) -> State:
    try:
        return MOVES[kind][state]
    except KeyError:
        raise IllegalMove(f"an alert that is {state} cannot be {kind}") from None
