"""The stored deadlines of a case, and what each does once it has passed, as of when it fell due. Pure.

So it does not matter when anyone looked. What readings and silence do is lifecycle's, what people do acts'.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from alerts import attention, lifecycle, moves
from alerts.attention import UNCOVERED
from alerts.model import Alert, Case, Kind, State
from alerts.policy import TERMS, Terms, risen

Deadline = tuple[int, Callable[[Case], Case]]  # when it falls due, and what it then does, which ends it


def tick(case: Case, now_ms: int, terms: Terms = TERMS) -> Case:
    """Let every deadline that has passed act, the earliest first, as of when it fell due."""
    while due := [deadline for kind in KINDS for deadline in kind(case, terms) if deadline[0] <= now_ms]:
        _, act = min(due, key=lambda deadline: deadline[0])
        case = act(case)
    return case


def _expiries(case: Case, _terms: Terms) -> Iterator[Deadline]:
    """Give when acknowledgements run out."""
    for alert in case.alerts.values():
        if alert.state is State.ACKNOWLEDGED and alert.ack_until_ms is not None:
            yield alert.ack_until_ms, _expired(alert, alert.ack_until_ms)


def _expired(alert: Alert, until_ms: int) -> Callable[[Case], Case]:
    asking = attention.asking(alert, attention.due_ms(until_ms, alert.level))
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
