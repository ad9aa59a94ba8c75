"""What the daemon sends to the hubs of patients: questionnaires as they fall due, and messages of the team.

A thread of its own. What is due is written down first, once for each due time, and sent from there; so no restart asks
twice. What a hub has neither confirmed nor answered is sent again each hour under the same id: brokers lose messages.
"""

import heapq
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from alerts.queries import utc
from devices import topics
from vwmon.intake.protocol import LinkState, Ticket
from vwmon.patients import asked, dues, plans
from vwmon.patients.dues import ENDLESS, Rounds
from vwmon.patients.records import Stay
from vwmon.patients.schedules import Schedule
from vwmon.store import followers, glance, hub, own_schedules, registers, transfers
from vwmon.store.database import atomic
from vwmon.store.hub import QUESTIONS, HubRequest, Queued
from vwmon.store.sqlite import Connection

IDLE_S: Final = 0.5
AT_ONCE: Final = 500  # requests on their way together
UNHEARD_MS: Final = 30_000  # before what nobody listened to is tried again
AGAIN_MS: Final = 3_600_000  # before what no hub has confirmed is sent again
ACTOR: Final = "vwmon"


class Outlet(Protocol):
    """The broker, as far as this needs it."""

    def state(self) -> LinkState: ...  # noqa: D102
    def deliver(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> Ticket: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asks:
    """One questionnaire of one stay, as it is asked in the course of time."""

    stay: Stay
    questionnaire: str
    rounds: tuple[Rounds, ...]
    zone: str

    @property
    def key(self) -> tuple[int, str]:
        return self.stay.stay_no, self.questionnaire

    def due_by(self, at_ms: int) -> int | None:
        """Give what was due last; None where nothing was, or where it is not asked any more."""
        return dues.due_by(dues.lasting(self.rounds, at_ms), self.zone, at_ms)

    def due_after(self, at_ms: int) -> int:
        due_ms = dues.due_after(self.rounds, self.zone, at_ms)
        return ENDLESS if due_ms is None else due_ms

    def until_ms(self, due_ms: int) -> int:
        """Give until when what was due is asked: to the next due time, and no longer than it is asked at all."""
        return min(self.due_after(due_ms), dues.lasting(self.rounds, due_ms)[-1].to_ms)


class Asker:
    """One database's questions and messages on one broker. One thread uses it."""

    def __init__(
        self, db: Connection, outlet: Outlet, prefix: str, zone: Callable[[str], str], now_ms: Callable[[], int]
    ) -> None:
        """Begin with nothing sent; `zone` names the time zone of a ward."""
        self._db, self._outlet, self._prefix, self._zone, self._now_ms = db, outlet, prefix, zone, now_ms
        self._version = -1
        self._asks: Mapping[tuple[int, str], _Asks] = {}
        self._next: list[tuple[int, tuple[int, str]]] = []
        self._held: set[tuple[int, str]] = set()
        self._connections = 0
        self._on_way: dict[int, Sequence[Ticket]] = {}
        self._not_before: dict[int, int] = {}

    def run(self, over: threading.Event) -> None:
        """Ask and send until it is over."""
        while not over.is_set():
            if not self.turn():
                over.wait(IDLE_S)

    def turn(self) -> bool:
        """Write down what has fallen due, and send what waits; tell whether anything was done."""
        now_ms = self._now_ms()
        self._follow_registers(now_ms)
        queued = self._queue(now_ms)
        state = self._outlet.state()
        if state.connections != self._connections:
            self._connections, self._on_way = state.connections, {}
        if not state.connected:
            return queued
        settled = self._settle(now_ms)
        return self._send(now_ms) or settled or queued

    def _follow_registers(self, now_ms: int) -> None:
        """Take the stays as they are: each is due what was due last, or will be next."""
        version = registers.register_version(self._db)
        if version == self._version:
            return
        before = self._asks
        self._version, self._asks = version, {one.key: one for one in self._stays()}
        same = {key for key, one in self._asks.items() if before.get(key) == one} - self._held
        waits = {key: due_ms for due_ms, key in self._next if key in same}
        waits |= {key: self._first(one, now_ms) for key, one in self._asks.items() if key not in waits}
        self._next, self._held = [(due_ms, key) for key, due_ms in waits.items()], set()
        heapq.heapify(self._next)

    def _stays(self) -> Sequence[_Asks]:
        loaded, theirs = plans.load_all(), own_schedules.by_stay(self._db)
        schedules = [
            (stay, Schedule.of(loaded[stay.pathway], theirs.get(stay.stay_no, ())))
            for stay in registers.stays(self._db, open_only=True)
            if stay.pathway in loaded
        ]
        return [
            _Asks(
                stay=stay,
                questionnaire=name,
                rounds=dues.rounds(schedule, name, stay.admitted_ms),
                zone=self._zone(stay.ward),
            )
            for stay, schedule in schedules
            for name in schedule.questionnaires()
        ]

    def _first(self, one: _Asks, now_ms: int) -> int:
        """Give the last due time: of what was missed only that is asked, and if it was asked before, not again."""
        last = one.due_by(now_ms)
        return one.due_after(now_ms) if last is None else last

    def _queue(self, now_ms: int) -> bool:
        """Write down what has fallen due of patients who are not away; theirs is asked when they are back."""
        due: list[tuple[int, tuple[int, str]]] = []
        while self._next and self._next[0][0] <= now_ms:
            due.append(heapq.heappop(self._next))
        if not due:
            return False
        away = glance.away(self._db, now_ms)
        present = [key for _, key in due if key[0] not in away]
        with atomic(self._db):
            for key in present:
                self._write(self._asks[key], now_ms)
        for _, key in due:
            held = key[0] in away
            self._held |= {key} if held else set()
            heapq.heappush(self._next, (away[key[0]] if held else self._asks[key].due_after(now_ms), key))
        return bool(present)

    def _write(self, one: _Asks, now_ms: int) -> None:
        due_ms = one.due_by(now_ms)
        if due_ms is None:
            return
        wanted = Queued(
            stay_no=one.stay.stay_no,
            kind=QUESTIONS,
            said=one.questionnaire,
            version=asked.load(one.questionnaire).set.version,
            actor=ACTOR,
            due_ms=due_ms,
            until_ms=one.until_ms(due_ms),
        )
        hub.queue(self._db, wanted)

    def _settle(self, now_ms: int) -> bool:
        """Note what the broker has taken and had somebody to give to; the rest is tried again later."""
        answered = {
            number: any(ticket.taken and ticket.heard for ticket in tickets)
            for number, tickets in self._on_way.items()
            if all(ticket.taken is not None for ticket in tickets)
        }
        self._on_way = {number: tickets for number, tickets in self._on_way.items() if number not in answered}
        self._not_before |= {number: now_ms + UNHEARD_MS for number, heard in answered.items() if not heard}
        heard = [number for number, by_someone in answered.items() if by_someone]
        if heard:
            with atomic(self._db):
                hub.sent(self._db, heard, now_ms)
        return bool(heard)

    def _send(self, now_ms: int) -> bool:
        """Send what waits, some at once; what was answered meanwhile needs no asking."""
        before = len(self._on_way)
        for one in hub.to_send(self._db, now_ms, AGAIN_MS):
            if len(self._on_way) >= AT_ONCE:
                break
            if one.request_no in self._on_way or now_ms < self._not_before.get(one.request_no, 0):
                continue
            if self._needless(one, now_ms):
                continue
            tickets = list(self._deliver(one, now_ms))
            if tickets:
                self._on_way[one.request_no] = tickets
        return len(self._on_way) > before

    def _needless(self, one: HubRequest, now_ms: int) -> bool:
        """Tell whether nobody has to be asked any more.

        It was answered, the patient is not asked it any more, or this release has no such questionnaire.
        """
        if one.kind != QUESTIONS:
            return False
        asks = self._asks.get((one.stay_no, one.said))
        still_asked = one.said in asked.load_all() and asks is not None and asks.due_by(now_ms) is not None
        if still_asked and not hub.answered(self._db, one):
            return False
        with atomic(self._db):
            hub.done(self._db, one.request_no)
        return True

    def _deliver(self, one: HubRequest, now_ms: int) -> Iterator[Ticket]:
        """Send to each device of the stay; a hub goes on listening where it was set up, whatever ward it is of now."""
        payload, expiry_s = msgspec.json.encode(said(one)), max(1, (one.until_ms - now_ms) // 1000)
        for device in followers.devices_of(self._db, one.stay_no, now_ms):
            for ward in transfers.wards_of(self._db, registers.stay(self._db, one.stay_no)):
                topic = topics.requests_topic(self._prefix, ward, device)
                yield self._outlet.deliver(topic, payload, expiry_s=expiry_s)


def said(one: HubRequest) -> Mapping[str, Any]:
    """Give a request as hubs get it: the questions whole, so that a hub needs no table of them, or the words."""
    common = {"v": 1, "id": one.name, "request": one.kind, "due": utc(one.until_ms)}
    if one.kind == QUESTIONS:
        return common | {"questions": asked.load(one.said).set}
    return common | {"text": one.said}
