"""Who follows the work list from a cursor of their own, and what there is to follow: changed alerts, and requests.

Nothing is sent here. Every call that writes belongs in the caller's transaction.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from vwmon.store.sqlite import Connection

_CURSOR = "select event_no from follower where follower = ?"
_MOVE = "insert or replace into follower (follower, event_no) values (?, ?)"
_CHANGED = "select distinct alert_no from alert_event where event_no > ? and event_no <= ? order by alert_no"
_OPEN = """select alert_no from alert where state <> 'closed'
    union select alert_no from alert where state = 'closed' and closed_ms >= ?"""
_REQUESTS = """select request_no, stay_no, vitals, due_ms, (select ward from stay where stay.stay_no = r.stay_no)
    from request r where state = 'queued' order by asked_ms, request_no"""
_DEVICES = """select device from assignment join device using (device_no)
    where stay_no = ?1 and from_ms <= ?2 and (to_ms is null or to_ms > ?2) order by device"""
_ASKED = "update request set state = 'sent', sent_ms = ? where request_no = ? and state = 'queued'"
_TOO_LATE = "update request set state = 'over' where state = 'queued' and due_ms <= ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A reading that a stay's devices are to be asked to repeat, and by when."""

    request_no: int
    stay_no: int
    vitals: tuple[str, ...]
    due_ms: int
    ward: str | None


def cursor(db: Connection, follower: str) -> int | None:
    """Give the number of the last event that a follower has acted on; None for one that never did."""
    row = db.execute(_CURSOR, [follower]).fetchone()
    return None if row is None else int(row[0])


def move(db: Connection, follower: str, event_no: int) -> None:
    """Note how far a follower has come."""
    db.execute(_MOVE, [follower, event_no])


def changed(db: Connection, after: int, up_to: int) -> list[int]:
    """Name the alerts that something happened to after one event, up to another."""
    return [alert_no for (alert_no,) in db.execute(_CHANGED, [after, up_to])]


def standing(db: Connection, closed_since_ms: int) -> list[int]:
    """Name the alerts that are open, and those closed since a time."""
    return [alert_no for (alert_no,) in db.execute(_OPEN, [closed_since_ms])]


def requests(db: Connection) -> list[Request]:
    """Give the requests that no device has been sent yet, the oldest first."""
    return [
        Request(request_no=row[0], stay_no=row[1], vitals=_vitals(row[2]), due_ms=row[3], ward=row[4])
        for row in db.execute(_REQUESTS)
    ]


def devices_of(db: Connection, stay_no: int, now_ms: int) -> list[str]:
    """Name the devices that a stay has now."""
    return [name for (name,) in db.execute(_DEVICES, [stay_no, now_ms])]


def asked(db: Connection, request_nos: Iterable[int], now_ms: int) -> None:
    """Note that the broker has taken requests."""
    db.executemany(_ASKED, [(now_ms, number) for number in request_nos])


def let_go(db: Connection, now_ms: int) -> int:
    """End the requests that could not be sent before they fell due; say how many there were."""
    return db.execute(_TOO_LATE, [now_ms]).rowcount


def _vitals(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text.startswith("[") else tuple(text.split(",")) if text else ()
