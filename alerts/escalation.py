"""How far an alert that nobody answers has come: which tier is told, how often, and what falls due next. Pure.

It follows from when the first answer was owed, the pace and the moment alone: when anyone looked does not matter.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from alerts.model import Alert, Level, State
from alerts.policy import POLICY, Clock, Terms

ASKS = frozenset({State.NEW, State.RERAISED, State.SETTLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which tier has been told, for the how many-th time (`turn`), since when, and when the next step is due."""

    tier: int
    turn: int
    since_ms: int
    due_ms: int


def asks(alert: Alert) -> bool:
    """Tell whether an alert waits for someone's answer: nobody has it in hand, or it has settled unreviewed."""
    return alert.state in ASKS


def clock(alert: Alert) -> Clock:
    """Give the pace of an alert: its level's, or that of the lowest once it has settled."""
    return POLICY.clocks[Level.WATCH if alert.state is State.SETTLED else alert.level]


def due_ms(pace: Clock, from_ms: int, span_ms: int, terms: Terms) -> int:
    """Give when a span that began at `from_ms` is over; where the level waits, not while the ward is closed."""
    end_ms = from_ms + span_ms
    return terms.opens(end_ms) if pace.waits else end_ms


def standing(owed_ms: int, pace: Clock, at_ms: int, terms: Terms) -> Standing | None:
    """Give how far an alert whose first answer was owed at `owed_ms` has come by a moment; None before then."""
    come = takewhile(lambda step: step.since_ms <= at_ms, _steps(owed_ms, pace, terms))
    return next(iter(deque(come, maxlen=1)), None)


def _steps(owed_ms: int, pace: Clock, terms: Terms) -> Iterator[Standing]:
    """Give the steps one after the other, for ever.

    Where the ward opens just then, those who were to answer could not while it was closed: they are told once more.
    """
    spans_ms = (pace.first_response_ms, *pace.tiers_ms)
    tier, turn, since_ms = 1, 1, owed_ms
    while True:
        anew = tier == len(spans_ms) or (pace.waits and terms.opens(since_ms - 1) == since_ms)
        tier, turn = (tier, turn + 1) if anew else (tier + 1, 1)
        again = turn > 1 and tier == len(spans_ms)
        next_ms = due_ms(pace, since_ms, pace.repeat_ms if again else spans_ms[tier - 1], terms)
        yield Standing(tier=tier, turn=turn, since_ms=since_ms, due_ms=next_ms)
        since_ms = next_ms
