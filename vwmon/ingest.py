"""From the broker to the log: take, decode, commit, receipts, acknowledgements, in that order.

A message that cannot be read is kept with its reason; nothing that a message says can stop the loop. What the
database says can: then nothing is acknowledged, and the process ends and starts again. No scoring lives here.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from devices import answers, topics
from devices.answers import Confirmation
from devices.errors import DeviceError, PayloadError
from devices.payloads import decode
from devices.readings import MARK_RECEIPT_TIME
from vwmon.clock import Clock
from vwmon.intake.protocol import Batch, Intake, Packet
from vwmon.patients import asked
from vwmon.store.arrivals import Appended, Arrival, Counts, Quarantined

log = logging.getLogger(__name__)

IDLE_S: Final = 0.25
IDS_IN_RECEIPT: Final = 64
KIND: Final = "readings"
ANSWERS: Final = "answers"
OWN_STATUS: Final = "/monitor/status"
NOTHING: Final = Appended(stored=0, duplicates=0, refused=0, quarantined=0, last_seq=0)

REASONS: Final[dict[str, str]] = {
    "retained": "The message was left with the broker for later; a reading must come when it is taken.",
    "topic_unknown": "The topic does not name a ward and a device.",
    "unreadable": "The message could not be read, and not for a reason that is known; the log says more.",
    "request_unknown": "It confirms what the patient of this device was not sent.",
    "status_invalid": "The device's status is not an object with a status of online or offline.",
}


class Log(Protocol):
    """Where batches are stored; vwmon.store.log.LogWriter is one."""

    def append(self, arrivals: Sequence[Arrival], quarantined: Sequence[Quarantined], recorded_ms: int) -> Appended:
        """Store a batch in one transaction, or raise and store nothing."""


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a device says of itself, retained, and its Will says for it; only the device itself can say `clean`."""

    status: Literal["online", "offline"]
    clean: bool = False
    battery_percent: float | None = None
    firmware: str | None = None


class Statuses(Protocol):
    """Where what devices say of themselves is noted."""

    def __call__(self, said: Sequence[tuple[str, DeviceStatus, int]]) -> None:
        """Note (device, status, received_ms), oldest first."""


class Confirmed(NamedTuple):
    """What a device confirmed: which request was shown, or read, and the message that said so."""

    device: str
    confirmation: Confirmation
    packet: Packet


class Confirmations(Protocol):
    """Where it is noted that hubs showed what they were sent."""

    def __call__(self, said: Sequence[Confirmed]) -> Sequence[Confirmed]:
        """Note what was confirmed, oldest first; give what cannot be, because no such request was that patient's."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon's word that these messages are kept for good."""

    v: int = 1
    ids: list[str]


class Sorted:
    """A batch's messages by what becomes of them. `ids` are by the topic that they came by."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.arrivals: list[Arrival] = []
        self.quarantined: list[Quarantined] = []
        self.statuses: list[tuple[str, DeviceStatus, int]] = []
        self.confirmed: list[Confirmed] = []
        self.ids: dict[str, list[str]] = {}
        self.passed_over = 0

    def set_aside(self, packet: Packet, device: str | None, reason: str, detail: str, key: str | None = None) -> None:
        """Keep a message with the reason why it is not used; its sender need not send it again."""
        self.quarantined.append(
            Quarantined(
                topic=packet.topic,
                device=device,
                reason=reason,
                detail=detail,
                payload=packet.payload,
                received_ms=packet.received_ms,
                message_id=key,
            )
        )
        if device is not None:
            self.receipt(packet, key)

    def receipt(self, packet: Packet, key: str | None) -> None:
        """Note that the sender of a message that has an id is to be told that it is kept."""
        if key is not None:
            self.ids.setdefault(packet.topic, []).append(key)


class Ingest:
    """The ingest loop: one thread runs it, any may read `counts`."""

    def __init__(  # noqa: PLR0913 -- the parts that it joins, all named
        self,
        *,
        intake: Intake,
        log: Log,
        clock: Clock,
        on_commit: Callable[[], None],
        statuses: Statuses | None = None,
        confirmations: Confirmations | None = None,
        prefix: str = topics.DEFAULT_PREFIX,
        made_up: str = "",
        hear: Callable[[Iterable[int]], None] = lambda _observed_ms: None,
    ) -> None:
        """Join an intake to a log; `on_commit` is told after each commit, on this thread, and must be quick.

        What the device `made_up` sends is stored as any other's, and is no sign that anyone is heard. `hear` is told
        of each batch when its messages were measured by their devices' clocks.
        Without `statuses` and `confirmations`, what devices say of themselves is acknowledged and forgotten.
        """
        self._intake, self._log, self._clock, self._hear = intake, log, clock, hear
        self._confirmations, self._made_up = confirmations, made_up
        self._on_commit, self._statuses, self._prefix = on_commit, statuses, prefix
        self.counts = Counts()

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set, then say farewell to the broker.

        Whatever is raised drops the connection first, so that what is not stored comes again.
        """
        try:
            while not stop.is_set():
                self.step(IDLE_S)
        except BaseException:
            self._intake.abandon()
            raise
        self._intake.close()

    def step(self, timeout_s: float) -> None:
        """Take one batch, waiting at most `timeout_s` for it, store it and acknowledge it."""
        batch = self._intake.take(timeout_s)
        if batch.packets:
            self._keep(batch)
        self.counts = msgspec.structs.replace(self.counts, turns=self.counts.turns + 1)

    def _keep(self, batch: Batch) -> None:
        kept = sort(batch.packets, self._prefix)
        self._hear(measured(kept.arrivals, self._made_up))
        self._note_confirmed(kept)
        if kept.arrivals or kept.quarantined:
            appended = self._log.append(kept.arrivals, kept.quarantined, self._clock.now_ms())
            self._count(batch, kept, appended)
            self._on_commit()
        else:
            self._count(batch, kept, NOTHING)
        if kept.statuses and self._statuses is not None:
            self._statuses(kept.statuses)
        self._intake.done(batch, list(receipts(kept.ids)))

    def _note_confirmed(self, kept: Sorted) -> None:
        """Note what was confirmed; what confirms nothing is set aside instead."""
        if not kept.confirmed or self._confirmations is None:
            return
        for one in self._confirmations(tuple(kept.confirmed)):
            kept.confirmed.remove(one)
            kept.set_aside(one.packet, one.device, "request_unknown", one.confirmation.request)

    def _heard_ms(self, arrivals: Sequence[Arrival]) -> int | None:
        return next((one.received_ms for one in reversed(arrivals) if one.device != self._made_up), None)

    def _count(self, batch: Batch, kept: Sorted, appended: Appended) -> None:
        before = self.counts
        self.counts = msgspec.structs.replace(
            before,
            messages=before.messages + len(batch.packets),
            usable=before.usable + len(kept.arrivals),
            statuses=before.statuses + len(kept.statuses) + len(kept.confirmed),
            passed_over=before.passed_over + kept.passed_over,
            readings=before.readings
            + sum(len(one.message.readings) + len(one.message.refused) for one in kept.arrivals),
            stored=before.stored + appended.stored,
            duplicates=before.duplicates + appended.duplicates,
            refused=before.refused + appended.refused,
            quarantined=before.quarantined + appended.quarantined,
            last_received_ms=self._heard_ms(kept.arrivals) or before.last_received_ms,
        )


def sort(packets: Sequence[Packet], prefix: str) -> Sorted:
    """Decode messages, and decide of each what becomes of it. Never raises for what a message says."""
    kept = Sorted()
    arrivals, ids = kept.arrivals, kept.ids
    for packet in packets:
        name = packet.topic
        try:
            ward, device, kind = topics.parse(name, prefix)
            if kind != KIND or packet.retain or packet.oversize:
                _sort_unusual(packet, ward, device, kind, kept)
                continue
            message = decode(
                packet.payload, device=device, received_ms=packet.received_ms, content_type=packet.content_type
            )
        except Exception as error:  # noqa: BLE001 -- whatever it is, it must not stop the loop
            _set_aside(packet, prefix, error, kept)
            continue
        arrivals.append(Arrival(ward, device, name, message, packet.received_ms, packet.payload))
        key = message.id
        if key is not None:
            if name in ids:
                ids[name].append(key)
            else:
                ids[name] = [key]
    return kept


def measured(arrivals: Sequence[Arrival], made_up: str = "") -> Iterator[int]:
    """Yield when each message was measured, by its device's clock; nothing of one that does not say.

    The device `made_up` has no clock but the daemon's own.
    """
    for one in arrivals:
        last = one.message.readings[-1] if one.message.readings else None
        if last is not None and one.device != made_up and not last.marks & MARK_RECEIPT_TIME:
            yield last.observed_ms


def receipts(ids: dict[str, list[str]]) -> Iterator[tuple[str, bytes]]:
    """Yield the receipts (topic, payload) of messages by the topic of their readings, none of them large."""
    for topic, keys in ids.items():
        for start in range(0, len(keys), IDS_IN_RECEIPT):
            receipt = Receipt(ids=keys[start : start + IDS_IN_RECEIPT])
            yield f"{topic.rpartition('/')[0]}/receipts", msgspec.json.encode(receipt)


def _sort_unusual(packet: Packet, ward: str, device: str, kind: str, kept: Sorted) -> None:
    """Decide of answers and of a status, and of what was retained or is too large to be read."""
    if kind not in {KIND, ANSWERS}:
        _sort_status(packet, device, kept)
    elif packet.oversize:
        kept.set_aside(packet, device, "too_large", "the beginning is kept")
    elif packet.retain:
        kept.set_aside(packet, device, "retained", REASONS["retained"], _id(packet, device, kind))
    else:
        _sort_answers(packet, ward, device, kept)


def _sort_answers(packet: Packet, ward: str, device: str, kept: Sorted) -> None:
    """Take answers as readings of the log; what only confirms that something was shown is none."""
    said = answers.decode(packet.payload, device, packet.received_ms)
    if isinstance(said, Confirmation):
        kept.confirmed.append(Confirmed(device, said, packet))
    else:
        message = asked.readings(said)
        kept.arrivals.append(Arrival(ward, device, packet.topic, message, packet.received_ms, packet.payload))
    kept.receipt(packet, said.id)


def _sort_status(packet: Packet, device: str, kept: Sorted) -> None:
    if not packet.payload:
        kept.passed_over += 1
        return
    try:
        status = msgspec.json.decode(packet.payload, type=DeviceStatus)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kept.set_aside(packet, device, "status_invalid", str(error))
    else:
        kept.statuses.append((device, status, packet.received_ms))


def _id(packet: Packet, device: str, kind: str) -> str | None:
    """Read a message's id, as far as that can be done, so that its sender may be told that it was kept."""
    try:
        if kind == ANSWERS:
            return answers.decode(packet.payload, device, packet.received_ms).id
        return decode(packet.payload, device=device, received_ms=packet.received_ms).id
    except PayloadError as error:
        return error.message_id


def _set_aside(packet: Packet, prefix: str, error: Exception, kept: Sorted) -> None:
    """Keep a message that raised `error`, with the reason."""
    device = _device(packet.topic, prefix)
    if isinstance(error, PayloadError):
        kept.set_aside(packet, device, error.reason, error.detail, error.message_id)
    elif device is not None:
        log.error("ingest.unreadable topic=%s error=%s", packet.topic, type(error).__name__, exc_info=error)
        kept.set_aside(packet, device, "unreadable", type(error).__name__)
    elif packet.topic.endswith(OWN_STATUS):
        kept.passed_over += 1
    else:
        kept.set_aside(packet, None, "topic_unknown", str(error))


def _device(topic: str, prefix: str) -> str | None:
    try:
        return topics.parse(topic, prefix).device
    except DeviceError:
        return None
