"""What people are to be told of: the notifications that the events of a case ask for, and those that they end. Pure.

Rows are written beside the events, in their transaction, by alerts.store. Who is told, and how, is not known here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.model import Alert, Case, Event, Kind, State

# What asks for an answer anew. Settling does too, but first in silence: a person is owed a look, within the hour.
TELLS: Final = frozenset(
    {
        Kind.RAISED,
        Kind.WORSENED,
        Kind.OUTGREW,
        Kind.EXPIRED,
        Kind.RELAPSED,
        Kind.REVIVED,
        Kind.UNACKNOWLEDGED,
        Kind.REOPENED,
    }
)
ASKS: Final = TELLS | {Kind.SETTLED}
ANSWERED: Final[Mapping[State, str]] = {State.ACKNOWLEDGED: "acknowledged", State.CLOSED: "closed"}
SETTLED, ANEW, REPEATED = "settled", "asked anew", "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One asking that people are to be told of; a `repeat` asks the same tier of the same cycle again."""

    alert_no: int
    cycle: int
    tier: int
    level: int
    queued_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """What still waits of an alert, of cycles up to this one, and need not be told any more; why."""

    alert_no: int
    cycle: int
    reason: str


def asked(before: Case, after: Case) -> list[Asked]:
    """Give what people are to be told of after the events between two states of a case.

    One for each tier that was reached in the present cycle: what a later event of the same moment has overtaken, such
    as the twentieth repeat of the last tier after a night without the daemon, is one message and no storm.
    """
    return [one for alert, _, events in _touched(before, after) for one in _asked(alert, events)]


def over(before: Case, after: Case) -> list[Over]:
    """Give what need not be told any more: it was answered, or a newer asking has taken its place."""
    return [one for alert, was, _ in _touched(before, after) if was is not None for one in _over(alert, was)]


def _touched(before: Case, after: Case) -> Iterator[tuple[Alert, Alert | None, Sequence[Event]]]:
    """Give every alert that something happened to, as it is and as it was, with what happened."""
    were = {alert.alert_no: alert for alert in before.alerts.values()}
    for alert in (*after.past, *after.alerts.values()):
        events = [event for event in after.events if event.alert_no == alert.alert_no]
        if events:
            yield alert, were.get(alert.alert_no), events


def _asked(alert: Alert, events: Sequence[Event]) -> Iterator[Asked]:
    if alert.state in ANSWERED:
        return
    # A worsening that an acknowledgement covers asks nothing, and leaves the alert answered.
    last = max((number for number, event in enumerate(events) if event.kind in ASKS), default=-1)
    reached: dict[int, Event] = {1: events[last]} if last >= 0 and events[last].kind in TELLS else {}
    reached |= {event.evidence["tier"]: event for event in events[last + 1 :] if event.kind is Kind.ESCALATED}
    for number, event in reached.items():
        yield Asked(
            alert_no=alert.alert_no,
            cycle=alert.cycle,
            tier=number,
            level=event.level_after.value,
            queued_ms=event.at_ms,
        )


def _over(alert: Alert, was: Alert) -> Iterator[Over]:
    if alert.state in ANSWERED:
        yield Over(alert_no=alert.alert_no, cycle=alert.cycle, reason=ANSWERED[alert.state])
    elif alert.cycle > was.cycle:
        reason = SETTLED if alert.state is State.SETTLED else ANEW
        yield Over(alert_no=alert.alert_no, cycle=alert.cycle - 1, reason=reason)
