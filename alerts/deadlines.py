"""The stored deadlines of a case, and what each does once it has passed, as of when it fell due. Pure.

So it does not matter when anyone looked. What readings and silence do is lifecycle's, what people do acts'.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from alerts import attention, escalation, lifecycle, moves
from alerts.attention import UNCOVERED
from alerts.model import Alert, Case, Kind, State
from alerts.policy import TERMS, Terms
from alerts.rises import risen

Deadline = tuple[int, Callable[[Case], Case]]  # when it falls due, and what it then does, which ends it


def tick(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """Let every deadline that has passed act, the earliest first, as of when it fell due.

    Where someone is told, alerts that nobody has answered are escalated up to each of these moments and to now.
    """
    while due := [deadline for kind in KINDS for deadline in kind(case, terms) if deadline[0] <= now_ms]:
        at_ms, act = min(due, key=lambda deadline: deadline[0])
        escalated = _escalated(case, at_ms, terms)
        case = act(case) if escalated is case else escalated
    return _escalated(case, now_ms, terms)


def _escalated(case: Case, at_ms: int, terms: Terms) -> Case:
    """Bring what nobody has answered to where it stands at a moment; the same case where that is so already."""
    asking = [alert for alert in case.alerts.values() if escalation.asks(alert)] if terms.told else []
    for alert in asking:
        if alert.due_ms is not None and alert.due_ms <= at_ms:
            case = _stepped(case, alert, alert.due_ms, at_ms, terms)
    return case


def _stepped(case: Case, alert: Alert, due_ms: int, at_ms: int, terms: Terms) -> Case:
    """Take every step that an alert has missed in one, as of the last of them: one is told once, however late.

    An alert that has eased since is followed at its new pace: it never goes back to a lower tier, nor tells one twice.
    """
    owed_ms = due_ms if alert.owed_ms is None else alert.owed_ms
    now = escalation.standing(owed_ms, escalation.clock(alert), at_ms, terms)
    if now is None:
        return moves.quietly(case, alert, due_ms=owed_ms)
    if now.since_ms < due_ms:
        return moves.quietly(case, alert, due_ms=now.due_ms)
    tier = max(now.tier, alert.tier)
    because: dict[str, Any] = {"tier": tier, "turn": now.turn}
    if due_ms < now.since_ms:
        because["unwatched_from_ms"] = due_ms
    return moves.move(
        case, alert, Kind.ESCALATED, now.since_ms, because=because, tier=tier, owed_ms=owed_ms, due_ms=now.due_ms
    )


def _expiries(case: Case, terms: Terms) -> Iterator[Deadline]:
    """Give when acknowledgements run out."""
    for alert in case.alerts.values():
        if alert.state is State.ACKNOWLEDGED and alert.ack_until_ms is not None:
            yield alert.ack_until_ms, _expired(alert, alert.ack_until_ms, terms)


def _expired(alert: Alert, until_ms: int, terms: Terms) -> Callable[[Case], Case]:
    asking = attention.asking(alert, attention.due_ms(until_ms, alert.level, terms))
    rises = risen(alert.rises, until_ms)
    return lambda case: moves.move(case, alert, Kind.EXPIRED, until_ms, rises=rises, **asking, **UNCOVERED)


def _waits(case: Case, terms: Terms) -> Iterator[Deadline]:
    """Give when the waits for a repeat are over; those that end together are one."""
    for due_ms in sorted({c.due_ms for c in case.pending.values() if c.due_ms is not None}):
        yield due_ms, partial(lifecycle.opened, due_ms=due_ms, terms=terms)


def _snoozes(case: Case, _terms: Terms) -> Iterator[Deadline]:
    """Give when alerts that were put off the list are on it again; one that expires then is so anyway."""
    for alert in case.alerts.values():
        if alert.state is State.ACKNOWLEDGED and alert.snooze_ms is not None:
            yield alert.snooze_ms, _woken(alert, alert.snooze_ms)


def _woken(alert: Alert, until_ms: int) -> Callable[[Case], Case]:
    return lambda case: moves.move(case, alert, Kind.WOKEN, until_ms, snooze_ms=None)


KINDS: Final[tuple[Callable[[Case, Terms], Iterator[Deadline]], ...]] = (_expiries, _waits, _snoozes)
