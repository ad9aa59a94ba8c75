"""The sender: takes what waits in the outbox, settles whom it goes to, and sends it, at least once.

A thread of its own. A message that cannot be sent is tried again for as long as its alert asks; only what is a fault of
the program or the database ends the thread, and with it the daemon. What a message says is vwmon.notices'.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vwmon import channels, notices
from vwmon.channels import Address
from vwmon.errors import ConfigError
from vwmon.store import canary, outbox
from vwmon.store.database import atomic
from vwmon.store.outbox import Delivery, Notice
from vwmon.store.sqlite import Connection

IDLE_S = 0.5
ASK_AGAIN_MS = 30_000  # how often it is asked anew who is on duty for what nobody could be told of
NOBODY_ON_DUTY = "nobody is on duty"
NO_WAY = "nobody on duty has a channel that is configured"
ON_THE_LIST_ONLY = "on the list only at this level"
OF_NOBODY = "a canary: there is nobody to go to"
NO_SENDER = "the daemon has no channel to tell people by"
GONE = "there is no such channel any more"
EVERY_WARD = ""

log = logging.getLogger(__name__)


class Recipient(Protocol):
    """Someone who can be told, and by which channels."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def channels(self) -> Collection[str]: ...  # noqa: D102


class OnDuty(Protocol):
    """Who is to be told: on a ward (empty: the whole service), at a level and a tier, at a moment.

    None is not yet: the alert waits on the list until the ward opens. No one at all is a gap in the rota.
    """

    def __call__(self, ward: str, level: int, tier: int, at_ms: int) -> Sequence[Recipient] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyone:
    """Whoever listens to the channels, where no people are named."""

    channels: Collection[str]
    id: str = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Whom to tell, by what, and from which level on."""

    addresses: Mapping[str, Address]
    on_duty: OnDuty
    from_level: int = 1


class Notifier:
    """The outbox of one database and those who are told. One thread uses it."""

    def __init__(self, db: Connection, telling: Telling, now_ms: Callable[[], int]) -> None:
        """Say in the database that people are told from now on; without an address, that nobody is."""
        self._db, self._telling, self._now_ms = db, telling, now_ms
        self._asked_ms = 0
        self._not_yet: set[int] = set()
        self.turns = 0
        with atomic(db):
            if telling.addresses:
                outbox.begin(db, now_ms())
            else:
                outbox.end(db, NO_SENDER)

    def run(self, over: threading.Event) -> None:
        """Send until it is over; without an address there is nothing to do but wait for that."""
        while not over.is_set():
            self._tell_of_canary()
            if not (self._telling.addresses and self.turn()):
                self.turns += 1
                over.wait(IDLE_S)

    def turn(self) -> bool:
        """Settle whom new notifications go to, and try one delivery by each address; tell whether any was due."""
        self._address()
        waiting = outbox.due(self._db, self._now_ms())
        queues: dict[str, list[Delivery]] = {}
        for one in waiting:
            queues.setdefault(one.channel, []).append(one)
        for queue in queues.values():
            self._deliver(queue)
            self.turns += 1
        self.turns += 1
        return bool(waiting)

    def _tell_of_canary(self) -> None:
        """Come to what waits of the daemon's own canary, which goes to nobody: that the outbox moves is all it says."""
        if canary.waits(self._db):
            with atomic(self._db):
                canary.told(self._db)

    def _deliver(self, queue: Sequence[Delivery]) -> None:
        """Try the first delivery of an address. While an address fails, all that wait for it are put off with it.

        So an address that answers only after its timeout costs one timeout a round, and not one for each message.
        """
        first = queue[0]
        address = self._telling.addresses.get(first.channel)
        if address is None:
            with atomic(self._db):
                for one in queue:
                    outbox.drop(self._db, one, GONE)
            return
        subject, text = notices.message(first.notice, self._now_ms())
        trouble = address.send(subject, text)
        with atomic(self._db):
            if trouble is None:
                outbox.mark_sent(self._db, first.delivery_no, self._now_ms())
            else:
                outbox.put_off(self._db, queue, trouble, self._now_ms())
        self._note(first, trouble)

    def _address(self) -> None:
        """Settle whom notifications go to: new ones at once, now and again those that wait or have nobody to go to."""
        now_ms = self._now_ms()
        found = outbox.fresh(self._db)
        if now_ms - self._asked_ms >= ASK_AGAIN_MS:
            self._asked_ms = now_ms
            self._not_yet = set()
            found += outbox.failed(self._db)
        for notice in found:
            if notice.notification_no not in self._not_yet:
                self._settle(notice, now_ms)

    def _settle(self, notice: Notice, now_ms: int) -> None:
        left_out = OF_NOBODY if notice.canary else ON_THE_LIST_ONLY if notice.level < self._telling.from_level else ""
        if left_out:
            with atomic(self._db):
                outbox.leave_out(self._db, notice.notification_no, left_out)
            return
        people = self._people(notice, now_ms)
        if people is None:
            self._not_yet.add(notice.notification_no)
            return
        with atomic(self._db):
            self._send_to(people, notice, now_ms)

    def _people(self, notice: Notice, now_ms: int) -> Sequence[Recipient] | None:
        """Give who is on duty; everyone while that cannot be read: too many are told, and the daemon goes on."""
        asked = (notice.ward or EVERY_WARD, notice.level, notice.tier, now_ms)
        try:
            return self._telling.on_duty(*asked)
        except ConfigError as error:
            log.error("rota_unreadable why='%s'", error)  # noqa: TRY400 -- a file's fault, not the code's
            return everyone(self._telling.addresses)(*asked)

    def _send_to(self, people: Sequence[Recipient], notice: Notice, now_ms: int) -> None:
        wanted: dict[str, list[str]] = {}
        for person in people:
            for name in self._names(person.channels):
                wanted.setdefault(name, []).append(person.id)
        if wanted:
            # Several people behind one address are told once.
            recipients = [(", ".join(ids), name) for name, ids in wanted.items()]
            outbox.address(self._db, notice.notification_no, recipients, now_ms)
            return
        reason = NO_WAY if people else NOBODY_ON_DUTY
        outbox.nobody(self._db, notice.notification_no, f"{reason} at tier {notice.tier}")

    def _names(self, wanted: Iterable[str]) -> list[str]:
        return [name for channel in wanted for name in channels.of_channel(self._telling.addresses, channel)]

    @staticmethod
    def _note(one: Delivery, trouble: str | None) -> None:
        where = (one.notice.id, one.notice.tier, one.channel)
        if trouble is None:
            log.info("notification_sent alert=%s tier=%d channel=%s", *where)
        else:
            log.warning("notification_failed alert=%s tier=%d channel=%s attempts=%d", *where, one.attempts + 1)


def everyone(addresses: Mapping[str, Address]) -> OnDuty:
    """Tell every channel, whoever is on duty: for a configuration that names no people."""
    all_of_them = Everyone(channels=sorted({name.partition("#")[0] for name in addresses}))
    return lambda ward, level, tier, at_ms: [all_of_them]  # noqa: ARG005 -- whatever is asked
