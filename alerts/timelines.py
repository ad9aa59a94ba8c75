"""What became of each alert, read from its history for the numbers of the work list. Read only.

Nothing is counted here; the lists that clinicians wait for do not need it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from alerts.burden import RERAISES, Timeline
from alerts.model import Alert, Connection, Kind
from alerts.rows import ALERT_COLUMNS, alert_of

# Column names are our own; every value is a parameter.
_RAISED: Final = f"select {', '.join(ALERT_COLUMNS)} from alert where opened_ms between ? and ? order by alert_no"  # noqa: S608
_HAPPENED: Final = """select alert_no, kind, alert_event.at_ms from alert_event join alert using (alert_no)
    where opened_ms between ? and ? order by event_no"""
ANSWERS: Final = frozenset({Kind.ACKNOWLEDGED, Kind.TAKEN})
OVER: Final = RERAISES | {Kind.TAKEN, Kind.CLOSED, Kind.ENDED}  # what ends an acknowledgement without undoing it
LOOKED_AWAY: Final = frozenset({Kind.SIGHTED, Kind.CLOSED, Kind.ENDED})


def timelines(
    db: Connection, from_ms: int, to_ms: int, staffed: Callable[[int, int], bool], ends_ms: Mapping[int, int]
) -> list[Timeline]:
    """Give what became, until `to_ms`, of every alert raised between two times.

    `staffed` tells of a stay and a time whether its ward was staffed then; `ends_ms` until when a stay is looked at.
    The whole service is stay 0.
    """
    happened: dict[int, list[tuple[Kind, int]]] = {}
    for alert_no, kind, at_ms in db.execute(_HAPPENED, [from_ms, to_ms]):
        happened.setdefault(alert_no, []).append((Kind(kind), at_ms))
    alerts = map(alert_of, db.execute(_RAISED, [from_ms, to_ms]))
    return [
        _timeline(
            alert,
            happened[alert.alert_no],
            ends_ms.get(alert.stay_no, to_ms),
            in_hours=staffed(alert.stay_no, alert.opened_ms),
        )
        for alert in alerts
    ]


def _timeline(alert: Alert, happened: Sequence[tuple[Kind, int]], end_ms: int, *, in_hours: bool) -> Timeline:
    return Timeline(
        stay_no=alert.stay_no,
        lane=alert.lane,
        peak=alert.peak,
        opened_ms=alert.opened_ms,
        opened_in_hours=in_hours,
        acknowledged_ms=_answered_ms(happened),
        closed_ms=alert.closed_ms,
        outcome=alert.outcome,
        blind_ms=_blind_ms(happened, end_ms),
        kinds=Counter(kind for kind, _ in happened),
    )


def _answered_ms(happened: Sequence[tuple[Kind, int]]) -> int | None:
    """Give when an alert was first taken in hand, by an acknowledgement that was not undone.

    Undone is the one that stands then, as often as its owner had prolonged it; one that someone took over, that ran out
    or was outgrown was an answer.
    """
    standing_ms = None
    for kind, at_ms in happened:
        if kind is Kind.UNACKNOWLEDGED:
            standing_ms = None
        elif standing_ms is not None and kind in OVER:
            return standing_ms
        elif standing_ms is None and kind in ANSWERS:
            standing_ms = at_ms
    return standing_ms


def _blind_ms(happened: Sequence[tuple[Kind, int]], end_ms: int) -> int:
    """Add up how long an alert was blind: from each time it was blinded until it was sighted or over."""
    total, since_ms = 0, None
    for kind, at_ms in happened:
        if kind is Kind.BLINDED:
            since_ms = at_ms
        elif since_ms is not None and kind in LOOKED_AWAY:
            total, since_ms = total + at_ms - since_ms, None
    return total if since_ms is None else total + max(0, end_ms - since_ms)
