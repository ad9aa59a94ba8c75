"""A device's side of the wire: messages kept on disk, published in order, sent again until the ward's receipt comes.

Here: the MQTT 5 connection and its one thread; Hub for many devices over one connection, DeviceClient for one device.
Not here: what a message says (payloads), what is on disk (spool), what to send next (outbox).
"""

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from devices import said, topics
from devices.connection import WAKE_BYTES, Broker, Connection, Tls
from devices.errors import ClientError, TopicError
from devices.outbox import Outbox
from devices.payloads import LARGEST
from devices.said import OnRequest
from devices.spool import READINGS, Letter, Spool

RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 5.0
IDLE_S: Final = 1.0
BURST_S: Final = 0.1


class _Named(msgspec.Struct):
    id: str


_named: Final = msgspec.json.Decoder(_Named).decode


class _Pace:
    """How many messages may go now, at `rate` a second in bursts of a tenth of a second; None is without a limit."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._saved = 0.0
        self._at = time.monotonic()

    def allowed(self, now: float, room: int) -> int:
        if self._rate is None:
            return room
        self._saved = min(max(self._rate * BURST_S, 1.0), self._saved + (now - self._at) * self._rate)
        self._at = now
        return min(int(self._saved), room)

    def spent(self, count: int) -> None:
        self._saved -= count

    def wait_s(self) -> float:
        return IDLE_S if self._rate is None else max(1.0 - self._saved, 0.0) / self._rate


def message_id(payload: bytes) -> str:
    """Return the id that a message gives itself; ClientError for one without a readable id, which has no receipt."""
    try:
        return _named(payload).id
    except said.UNREADABLE as error:
        raise ClientError(f"a message without a readable id would never be receipted: {error}") from error


def _letter(device: str, payload: bytes, named: str, kind: str) -> Letter:
    """Return a message to keep; ClientError for one that could never be receipted and would hold up all behind it."""
    topics.device_name(device)
    if len(payload) > LARGEST:
        raise ClientError(f"a message of {len(payload)} bytes is over the limit of {LARGEST}")
    if message_id(payload) != named:
        raise ClientError(f"the message calls itself {message_id(payload)!a}, not {named!a}")
    return Letter(device, named, payload, kind)


def _subscriptions(prefix: str, ward: str, device: str | None, *, asked: bool) -> tuple[str, ...]:
    """Name what is heard of the ward: for one device, or without one for all; requests where somebody hears them."""
    if device is None:
        receipts, requests = topics.receipts_filter(prefix, ward), topics.requests_filter(prefix, ward)
    else:
        receipts, requests = topics.receipts_topic(prefix, ward, device), topics.requests_topic(prefix, ward, device)
    return (receipts, topics.monitor_status_topic(prefix, ward), *([requests] if asked else []))


class Hub:
    """Many devices over one connection, each with its own order; one network thread, safe to use from any other.

    A message is on disk when `enqueue` returns and stays there until its receipt, through kills and restarts. The
    connection is made again for as long as the hub lives; what was in flight is then sent again from the oldest.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- a connection has as many settings as it has
        self,
        host: str,
        port: int,
        ward: str,
        spool_dir: Path,
        prefix: str = topics.DEFAULT_PREFIX,
        client_id: str = "",
        *,
        window: int = 1,
        resend_after: float = 3.0,
        tls: Tls | None = None,
        username: str | None = None,
        password: str | None = None,
        rate: float | None = None,
        status_device: str | None = None,
        on_request: OnRequest | None = None,
    ) -> None:
        """Open the spool and begin to connect; SpoolError, TopicError.

        `rate` is the most messages a second; `status_device` the device whose retained online and offline this
        connection speaks for, also by its Will; `on_request` hears what the ward asks, as soon as it is connected.
        """
        self._ward = topics.ward_name(ward)
        self._prefix = prefix
        self._monitor_topic = topics.monitor_status_topic(prefix, ward)
        self._on_request = on_request
        self._broker = Broker(
            host=host,
            port=port,
            client_id=client_id,
            username=username,
            password=password,
            tls=None if tls is None else tls.context(),
            status_topic=None if status_device is None else topics.status_topic(prefix, ward, status_device),
            subscriptions=_subscriptions(prefix, ward, status_device, asked=on_request is not None),
        )
        self._spool = Spool(spool_dir)
        self._outbox = Outbox(window=window, resend_after=resend_after)
        for kept in self._spool.waiting():
            self._outbox.add(kept)
        self._pace = _Pace(rate)
        self._guard = threading.Condition()
        self._order = threading.Lock()
        self._stopping = False
        self._monitored = False
        self._failure: BaseException | None = None
        self._trouble: str | None = "not connected yet"
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name=f"hub {client_id}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return the hub."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the hub."""
        self.close()

    @property
    def trouble(self) -> str | None:
        """What keeps the hub from the broker, in words; None while it is connected."""
        return self._trouble

    @property
    def damaged(self) -> int:
        """How many lines of the spool were found damaged and set aside."""
        return self._spool.damaged

    def enqueue(self, device: str, payload: bytes, named: str, kind: str = READINGS) -> None:
        """Keep a message, which gives itself the id `named`, on disk and send it in its turn; `kind` may be "answers".

        ClientError for one that could never be receipted.
        """
        self.enqueue_all([(device, payload, named)], kind)

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]], kind: str = READINGS) -> None:
        """Keep several messages of a kind, (device, payload, id) each, with one sync of the disk."""
        letters = [_letter(*one, kind) for one in messages]
        with self._order:
            self._check()
            kept = self._spool.keep(letters)
            with self._guard:
                # One that was sent before, and whose receipt came while this was being written, is gone already.
                for one in kept:
                    if one in self._spool:
                        self._outbox.add(one)
            self._wake()

    def pending(self) -> int:
        """Return how many messages have no receipt yet."""
        return len(self._spool)

    def run_until_receipted(self, timeout: float | None = None) -> bool:
        """Wait until every message has its receipt; False when `timeout` seconds pass first or the hub is closed."""
        with self._guard:
            self._guard.wait_for(lambda: self._failure or self._stopping or not len(self._spool), timeout)
        if self._failure is not None:
            self._check()
        return not len(self._spool)

    def close(self) -> None:
        """Say goodbye to the broker and stop; what has no receipt stays on disk for the next time."""
        with self._order:
            if self._stopping:
                return
            self._stopping = True
            self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._spool.close()

    def stopping(self) -> bool:
        """Say whether the hub is being closed."""
        return self._stopping

    def ready(self) -> None:
        """Send again from the oldest: whatever was in flight on an earlier connection may be lost."""
        self._trouble = None
        with self._guard:
            self._outbox.restart()

    def arrived(self, topic: str, payload: bytes) -> None:
        """Take receipts, requests, and the word that the ward is monitored; anything unreadable is none of them."""
        try:
            if topic == self._monitor_topic:
                self._monitor(said.status(payload).status)
                return
            of = topics.parse(topic, self._prefix)
            asked = said.request(payload) if of.kind == "requests" else None
            ids = said.receipts(payload).ids if asked is None else []
        except (*said.UNREADABLE, TopicError):
            return
        if asked is None:
            self._receipted(of.device, ids)
        elif self._on_request is not None:
            self._on_request(of.device, asked)

    def refused(self, device: str) -> None:
        """Put off a device whose message reached nobody."""
        with self._guard:
            self._outbox.refused(device, time.monotonic())

    def pump(self, connection: Connection, room: int) -> float:
        """Publish what may go now; return the seconds until there is more to do."""
        now = time.monotonic()
        with self._guard:
            chosen = self._outbox.take(now, self._pace.allowed(now, room))
            due = self._outbox.next_due()
        for kept in chosen:
            topic = topics.spoken_topic(self._prefix, self._ward, kept.device, kept.kind)
            connection.publish(topic, self._spool.payload(kept), kept.device)
        self._pace.spent(len(chosen))
        return min(IDLE_S, self._pace.wait_s(), IDLE_S if due is None else max(due - now, 0.0))

    def _receipted(self, device: str, ids: list[str]) -> None:
        now = time.monotonic()
        with self._guard:
            for one in ids:
                if self._spool.forget(device, one):
                    self._outbox.receipted(device, one, now)
            if not len(self._spool):
                self._guard.notify_all()

    def _monitor(self, status: str) -> None:
        """Try at once when the ward comes back, however long the waits had become."""
        back = status == "online" and not self._monitored
        self._monitored = status == "online"
        if back:
            with self._guard:
                self._outbox.restart()

    def _check(self) -> None:
        if self._failure is not None:
            raise ClientError(f"the hub has stopped: {self._failure}") from self._failure
        if self._stopping:
            raise ClientError("the hub is closed")

    def _wake(self) -> None:
        """End the network thread's wait; a full pipe will do that as well."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")

    def _run(self) -> None:
        """Connect again and again; what is unforeseen ends the hub and is told to whoever waits."""
        wait_s = RETRY_FIRST_S
        try:
            while not self._stopping:
                ready = self._connect_once()
                wait_s = RETRY_FIRST_S if ready else min(2 * wait_s, RETRY_MOST_S)
                self._pause(wait_s)
        except Exception as error:  # noqa: BLE001 -- a dead network thread must never look alive
            self._failure = error
        finally:
            with self._guard:
                self._guard.notify_all()

    def _connect_once(self) -> bool:
        """Live through one connection; return whether it had become ready."""
        connection = Connection(self._broker, self)
        try:
            self._trouble = connection.live(self._wake_read)
        except OSError as error:
            self._trouble = f"no connection to {self._broker.host}:{self._broker.port}: {error}"
        finally:
            connection.drop()
        return connection.was_ready

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, unless the hub is closed meanwhile."""
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            while not self._stopping and (left := until - time.monotonic()) > 0:
                if selector.select(left):
                    os.read(self._wake_read, WAKE_BYTES)


class DeviceClient:
    """One device's side: a Hub of one, which also says online and offline, retained, for its device."""

    def __init__(  # noqa: PLR0913 -- as a Hub
        self,
        host: str,
        port: int,
        ward: str,
        device: str,
        spool: Path,
        *,
        prefix: str = topics.DEFAULT_PREFIX,
        window: int = 1,
        resend_after: float = 3.0,
        tls: Tls | None = None,
        username: str | None = None,
        password: str | None = None,
        on_request: OnRequest | None = None,
    ) -> None:
        """Open the spool and begin to connect, with the device's name as client id; SpoolError, TopicError."""
        self.device = topics.device_name(device)
        self._hub = Hub(
            host,
            port,
            ward,
            spool,
            prefix,
            device,
            window=window,
            resend_after=resend_after,
            tls=tls,
            username=username,
            password=password,
            status_device=device,
            on_request=on_request,
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    @property
    def trouble(self) -> str | None:
        """What keeps the device from the broker, in words; None while it is connected."""
        return self._hub.trouble

    def enqueue(self, payload: bytes, named: str, kind: str = READINGS) -> None:
        """Keep a message, which gives itself the id `named`, on disk and send it in its turn; `kind` may be "answers".

        ClientError for one that could never be receipted.
        """
        self._hub.enqueue(self.device, payload, named, kind)

    def pending(self) -> int:
        """Return how many messages have no receipt yet."""
        return self._hub.pending()

    def run_until_receipted(self, timeout: float | None = None) -> bool:
        """Wait until every message has its receipt; False when `timeout` seconds pass first."""
        return self._hub.run_until_receipted(timeout)

    def close(self) -> None:
        """Say offline and goodbye; what has no receipt stays on disk for the next time."""
        self._hub.close()
