"""What the daemon publishes of the work list: each open alert, retained, and requests to the patients' devices.

A thread of its own that follows the history of alerts from a stored cursor, which moves once the broker has taken what
was published. A broker may have lost what it kept: at every connection everything open is published again. Nothing that
identifies a person leaves here.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import msgspec

from alerts import charts, queries, wording
from alerts import store as cases
from alerts.model import SYSTEM_STAY, Alert, Lane
from alerts.queries import Lookups, Record, Whose
from devices import topics
from vwmon.intake.protocol import LinkState, Ticket
from vwmon.store import facts, followers, registers, transfers
from vwmon.store.database import atomic
from vwmon.store.followers import Request
from vwmon.store.sqlite import Connection

FOLLOWER: Final = "mqtt"
IDLE_S: Final = 0.25
AGAIN_MS: Final = 30_000  # before what the broker refused is tried again
CLEARED_FOR_MS: Final = 86_400_000  # a broker that was killed can show an alert again that was closed before
NOTHING: Final = b""
# What of an alert is published. Not the patient, nor who has it in hand, nor anything that a person wrote; and not what
# ages in a message that is kept: the last reading, and the score of now.
PUBLISHED: Final = (
    "id",
    "lane",
    "level",
    "state",
    "flags",
    "ward",
    "stay",
    "opened_at",
    "since",
    "acknowledged_at",
    "acknowledged_until",
    "acknowledged_level",
    "due_at",
    "tier",
    "peak",
    "cleared_at",
    "blind_since",
    "recurrence_of",
    "outcome",
    "version",
)
SCORE: Final = ("total_min", "total_max", "complete", "red", "missing")


class Outlet(Protocol):
    """The broker, as far as the publisher needs it."""

    def state(self) -> LinkState: ...  # noqa: D102
    def deliver(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> Ticket: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """What was published together: the tickets, the event that it is true up to, and those of each request among it."""

    tickets: Sequence[Ticket]
    up_to: int
    requests: Mapping[int, Sequence[Ticket]]


class Publisher:
    """One database's work list on one broker. One thread uses it."""

    def __init__(
        self, db: Connection, outlet: Outlet, prefix: str, wards: Sequence[str], now_ms: Callable[[], int]
    ) -> None:
        """Begin with nothing published; alerts of the whole service go to all `wards`."""
        self._db, self._outlet, self._prefix, self._wards, self._now_ms = db, outlet, prefix, wards, now_ms
        self._connections = 0
        self._everything = True
        self._round: _Round | None = None
        self._not_before_ms = 0
        self._unheard: dict[int, int] = {}

    def run(self, over: threading.Event) -> None:
        """Publish until it is over."""
        while not over.is_set():
            if not self.turn():
                over.wait(IDLE_S)

    def turn(self) -> bool:
        """Publish what has changed, if the broker has taken all that came before; tell whether anything was done."""
        state = self._outlet.state()
        if not state.connected:
            return False
        if state.connections != self._connections:
            self._connections, self._everything, self._round = state.connections, True, None
        if self._round is not None:
            return self._settle(self._round)
        return self._now_ms() >= self._not_before_ms and self._publish()

    def _settle(self, sent: _Round) -> bool:
        """Move the cursor once the broker has answered for all of a round."""
        if any(ticket.taken is None for ticket in sent.tickets):
            return False
        self._round = None
        if not all(ticket.taken for ticket in sent.tickets):
            self._everything, self._not_before_ms = True, self._now_ms() + AGAIN_MS
            return False
        now_ms = self._now_ms()
        heard = {number: any(ticket.heard for ticket in tickets) for number, tickets in sent.requests.items()}
        self._unheard |= {number: now_ms + AGAIN_MS for number, by_someone in heard.items() if not by_someone}
        with atomic(self._db):
            followers.move(self._db, FOLLOWER, sent.up_to)
            followers.asked(self._db, [number for number, by_someone in heard.items() if by_someone], now_ms)
        return True

    def _publish(self) -> bool:
        up_to, now_ms = cases.stamp(self._db), self._now_ms()
        numbers = self._numbers(up_to, now_ms)
        requests = self._requests(now_ms)
        if not (numbers or requests or self._everything):
            return False
        self._everything = False
        tickets = [
            self._outlet.deliver(topic, payload, retain=True) for topic, payload in self._alerts(numbers, now_ms)
        ]
        asked = {request.request_no: list(self._ask(request, now_ms)) for request in requests}
        tickets += [ticket for several in asked.values() for ticket in several]
        self._round = _Round(tickets=tickets, up_to=up_to, requests=asked)
        return True

    def _numbers(self, up_to: int, now_ms: int) -> list[int]:
        """Name the alerts to publish: those that have changed, and after a new connection all that are open."""
        cursor = followers.cursor(self._db, FOLLOWER)
        changed = [] if cursor is None else followers.changed(self._db, cursor, up_to)
        if cursor is not None and not self._everything:
            return changed
        return sorted({*changed, *followers.standing(self._db, now_ms - CLEARED_FOR_MS)})

    def _alerts(self, numbers: Sequence[int], now_ms: int) -> Iterator[tuple[str, bytes]]:
        lookups = Lookups(whose=lambda stay_nos: {one: self._whose(one) for one in stay_nos}, scores=lambda _: {})
        for alert, record in queries.by_number(self._db, lookups, now_ms, numbers):
            payload = msgspec.json.encode(published(alert, record, now_ms)) if alert.open else NOTHING
            there, left = self._places(alert.stay_no)
            for ward in there:
                yield topics.alert_topic(self._prefix, ward, alert.id), payload
            for ward in left:
                yield topics.alert_topic(self._prefix, ward, alert.id), NOTHING

    def _places(self, stay_no: int) -> tuple[Sequence[str], Sequence[str]]:
        """Name the wards that an alert is of, and those that its stay has left, where it must not stay on show."""
        if stay_no == SYSTEM_STAY:
            return self._wards, ()
        now, *left = transfers.wards_of(self._db, registers.stay(self._db, stay_no))
        return (now,), left

    def _whose(self, stay_no: int) -> Whose:
        pregnant = stay_no in facts.pregnant(self._db, self._now_ms())
        return Whose(ward=registers.stay(self._db, stay_no).ward, patient="", last_reading_ms=None, pregnant=pregnant)

    def _requests(self, now_ms: int) -> list[Request]:
        """Give the requests to send: those not due yet, of stays with a device, unless nobody listened just now."""
        found = followers.requests(self._db)
        if any(request.due_ms <= now_ms for request in found):
            with atomic(self._db):
                followers.let_go(self._db, now_ms)
        return [
            request
            for request in found
            if request.due_ms > now_ms
            and now_ms >= self._unheard.get(request.request_no, 0)
            and followers.devices_of(self._db, request.stay_no, now_ms)
        ]

    def _ask(self, request: Request, now_ms: int) -> Iterator[Ticket]:
        if request.ward is None:
            return
        payload = msgspec.json.encode(asking(request))
        expiry_s = max(1, (request.due_ms - now_ms) // 1000)
        # A hub goes on listening where it was set up, whatever ward its patient has come to since.
        wards = transfers.wards_of(self._db, registers.stay(self._db, request.stay_no))
        for device in followers.devices_of(self._db, request.stay_no, now_ms):
            for ward in wards:
                topic = topics.requests_topic(self._prefix, ward, device)
                yield self._outlet.deliver(topic, payload, expiry_s=expiry_s)


def published(alert: Alert, record: Record, now_ms: int) -> Record:
    """Give an alert as it is published: in the words of the list, as of a time, and with nothing about who it is."""
    said = {"v": 1} | {name: record[name] for name in PUBLISHED}
    return said | {
        "owned": alert.owner is not None,
        "score": None if "pregnant" in record["flags"] else _score(alert),
        "why": wording.why(_without_words(alert), now_ms),
        "as_of": queries.utc(now_ms),
    }


def asking(request: Request) -> Mapping[str, Any]:
    """Give a request as devices get it."""
    return {
        "v": 1,
        "id": str(request.request_no),
        "request": "repeat",
        "vitals": list(request.vitals),
        "due": queries.utc(request.due_ms),
    }


def _score(alert: Alert) -> Record | None:
    """Give the score that a clinical alert stands on, which holds as of its own time, whenever it is read."""
    if alert.lane is not Lane.CLINICAL or "total_min" not in alert.evidence:
        return None
    evidence = alert.evidence
    return (
        {"chart": charts.of(evidence)}
        | {name: evidence[name] for name in SCORE}
        | {"at": queries.utc(evidence["at_ms"])}
    )


def _without_words(alert: Alert) -> Alert:
    """Give an alert without what a device sent in place of a value: that may be any text."""
    refused = alert.evidence.get("refused")
    if not refused:
        return alert
    plain = {part: dict(tried) | {"sent": ""} for part, tried in refused.items()}
    return replace(alert, evidence=dict(alert.evidence) | {"refused": plain})
