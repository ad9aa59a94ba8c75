"""Is the history of the alerts as it was written, and does every alert stand as its history says? Read only.

How a chain is followed is alerts.chain's; where anchors are kept is not known here.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts import chain
from alerts.chain import Anchor, Break
from alerts.model import Alert, Connection
from alerts.moves import AUDITED, plain
from alerts.rows import ALERT_COLUMNS, alert_of

# Column names are our own.
_NAMES: Final = ", ".join(chain.FIELDS)
_OF_REMOVAL: Final = {name: name for name in ("event_no", "actor", "at_ms", "note", "evidence", "host")}
_OF_GONE: Final = {"event_no": "event_no", "version": "removal_no"}
_REMOVAL, _GONE = (
    ", ".join(({**of, "kind": f"'{kind}'"}).get(name, "null") for name in chain.FIELDS)
    for of, kind in ((_OF_REMOVAL, chain.REMOVED), (_OF_GONE, chain.GONE))
)
_CHAIN: Final = f"""select {_NAMES}, previous, hash from alert_event
    union all select {_REMOVAL}, previous, hash from removal
    union all select {_GONE}, previous, hash from alert_event_gone order by event_no"""  # noqa: S608
_CHANGES: Final = "select alert_no, event_no, state_before, changes from alert_event order by event_no"
_ALERTS: Final = f"select {', '.join(ALERT_COLUMNS)} from alert order by alert_no"  # noqa: S608
RUNNING: Final = frozenset(
    {"score", "peak_score", "parts", "reds", "rises", "due_ms"}
)  # brought up to date without an event


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What the history was found to be: how many events, the hash of the last, and everything that is wrong."""

    count: int
    head: str
    breaks: tuple[Break, ...]


def audit(db: Connection, anchors: Sequence[Anchor] = ()) -> Audited:
    """Follow the whole history, hold it against anchors, and, where it is whole, every alert against it."""
    walk = chain.Walk(wanted=frozenset(anchor.count for anchor in anchors))
    rows = ((row[:-2], row[-2], row[-1]) for row in db.execute(_CHAIN))
    breaks = [*walk.follow(rows), *chain.untold(walk), *chain.astray(walk, anchors)]
    return Audited(count=walk.count, head=walk.head, breaks=tuple(breaks or _unlike(db)))


def removals(db: Connection) -> list[dict[str, Any]]:
    """Give what was taken away of the history on purpose: when, by whom, why, and how much of what."""
    rows = db.execute("select event_no, at_ms, actor, note, evidence from removal order by event_no")
    return [
        {"event": number, "at_ms": at_ms, "actor": actor, "note": note, "counts": json.loads(evidence)["counts"]}
        for number, at_ms, actor, note, evidence in rows
    ]


def _unlike(db: Connection) -> Iterator[Break]:
    """Yield the alerts that are not as the changes of their events add up to."""
    told: dict[int, dict[str, Any]] = {}
    last: dict[int, int] = {}
    for alert_no, event_no, before, changes in db.execute(_CHANGES):
        last[alert_no] = event_no
        if changes is not None and (before is None or alert_no in told):  # else older than such notes
            told.setdefault(alert_no, {}).update({name: new for name, (_, new) in json.loads(changes).items()})
    for alert in map(alert_of, db.execute(_ALERTS)):
        if alert.alert_no in told:
            yield from _differences(alert, told[alert.alert_no], last[alert.alert_no])


def _differences(alert: Alert, told: dict[str, Any], event_no: int) -> Iterator[Break]:
    for name in AUDITED:
        value = plain(getattr(alert, name))
        if name not in RUNNING and value != told.get(name):
            what = f"{alert.id} has {name} {value}, and {told.get(name)} by its history"
            yield Break(event_no=event_no, what=what)
