"""The daemon's connection to its broker: a session that survives, driven by the thread that calls take().

No thread of a client library runs here, so none can die in silence, and nothing is acknowledged
before done(). Decoding and storing are not here.
"""

import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices import topics
from vwmon.intake import fast, stock
from vwmon.intake.client import GatheringClient
from vwmon.intake.link import KEEPALIVE_S, SESSION_S, Link
from vwmon.intake.protocol import Batch, LinkState, Ticket

log = logging.getLogger(__name__)

FURTHER_READS = 1  # of a quarter of a megabyte: more work at once than stays in the cache is slower for each message
BACK_OFF_S = (1.0, 2.0, 4.0, 5.0)
OFFLINE = b'{"status":"offline"}'
WAITING_MOST = 1000
NO_SUBSCRIBERS = 0x10  # MQTT 5, 3.4.2.1
FAREWELL_S, QUIET_S = 1.0, 0.05
MUTE = 1.5  # keepalives without a word, pings having been sent, after which nobody is at the other end
NOT_YET = "not subscribed yet"
INTERNET = (socket.AF_INET, socket.AF_INET6)
QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class MqttIntake:
    """An Intake over MQTT; see vwmon.intake.protocol for what its calls promise.

    Only publish(), deliver(), state() and connected may be used by other threads than the one that takes.
    """

    def __init__(self, link: Link, now_ms: Callable[[], int], kind: type[GatheringClient] | None = None) -> None:
        """Prepare to connect; the first take() does. `kind` is the fast client where paho allows it."""
        self._link = link
        self._now_ms = now_ms
        self._client = _configured(link, now_ms, kind or _best())
        self._client.on_connect = self._greeted
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = self._parted
        self._client.heard = self._answered
        self._idle = threading.Event()
        self._lock = threading.Lock()
        self._retained: dict[str, tuple[bytes, int]] = {}
        self._plain: deque[tuple[str, bytes, int]] = deque(maxlen=WAITING_MOST)
        self._to_deliver: deque[tuple[str, bytes, int, bool, Ticket]] = deque()
        self._tickets: dict[int, Ticket] = {}
        self._connection = self._failures = self._refused_on = 0
        self._told = ""
        self._retry_at = self._heard_at = 0.0
        self._state = LinkState(
            connected=False,
            since_ms=now_ms(),
            connections=0,
            session_was_kept=False,
            sessions_lost=0,
            trouble="not connected yet",
        )

    @property
    def connected(self) -> bool:
        """Say whether the broker has agreed to send us the readings."""
        return self._state.connected

    def state(self) -> LinkState:
        """Tell about the connection."""
        return self._state

    def take(self, timeout_s: float) -> Batch:
        """Wait at most `timeout_s` for messages, connecting first if need be; give what there is."""
        if self._open_socket() is None and not self._dial(timeout_s):
            return Batch(packets=(), connection=self._connection)
        self._turn(timeout_s)
        for _ in range(FURTHER_READS):
            if len(self._client.gathered) >= self._link.batch or not self._turn(0.0):
                break
        return Batch(packets=self._client.gather(), connection=self._connection)

    def done(self, batch: Batch, receipts: Sequence[tuple[str, bytes]]) -> None:
        """Send receipts, then acknowledge the batch, unless it came by an older connection."""
        if batch.connection != self._connection or self._open_socket() is None:
            log.warning("broker.stale_batch messages=%d", len(batch.packets))
            return
        self._client.answer(receipts, [packet.mid for packet in batch.packets])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> None:
        """Leave a QoS 1 message for the next take(); of a retained topic only the latest is sent.

        While there is no broker, the oldest of more than a thousand others are dropped.
        """
        with self._lock:
            if retain:
                self._retained[topic] = (payload, expiry_s)
            else:
                self._plain.append((topic, payload, expiry_s))

    def deliver(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0) -> Ticket:
        """Leave a QoS 1 message for the next take(); the ticket says once the broker has taken or refused it.

        None is dropped here. What is on its way when the connection ends may get no answer: whoever holds a ticket
        watches state().connections, and delivers again.
        """
        ticket = Ticket()
        with self._lock:
            self._to_deliver.append((topic, payload, expiry_s, retain, ticket))
        return ticket

    def abandon(self) -> None:
        """Drop the connection without a farewell: unacknowledged messages come again, the Will is sent."""
        sock = self._open_socket()
        if sock is not None:
            sock.close()
        self._lose("abandoned")

    def _open_socket(self) -> socket.socket | None:
        sock = self._client.socket()
        return sock if isinstance(sock, socket.socket) and sock.fileno() >= 0 else None

    def close(self) -> None:
        """Tell the wards that they are no longer watched, and disconnect; the broker keeps the session.

        What has come is read first: a socket closed with bytes unread is reset, and the farewell lost with it.
        """
        if self._open_socket() is None:
            return
        for ward in self._link.wards:
            self.publish(topics.monitor_status_topic(self._link.prefix, ward), OFFLINE, retain=True)
        end = time.monotonic() + FAREWELL_S
        while self._turn(QUIET_S) and time.monotonic() < end:
            pass
        self._change(connected=False, trouble="closed")
        self._client.disconnect()
        while self._client.want_write() and time.monotonic() < end and self._turn(QUIET_S):
            pass

    def _dial(self, timeout_s: float) -> bool:
        """Connect when it is time to; wait for that time otherwise, at most `timeout_s`."""
        wait_s = self._retry_at - time.monotonic()
        if wait_s > 0:
            self._idle.wait(min(wait_s, timeout_s))
            return False
        self._connection += 1
        self._client.begin()
        self._back_off()
        try:
            self._client.reconnect()
        except (OSError, ValueError) as error:
            self._lose(f"cannot reach the broker: {error}")
            return False
        self._heard_at = time.monotonic()
        self._hurry()
        self._note_certificate()
        self._change(connected=False, trouble=NOT_YET)
        return True

    def _hurry(self) -> None:
        """Have acknowledgements sent as they are written, not gathered by TCP for up to 40 ms."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket) and sock.family in INTERNET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _note_certificate(self) -> None:
        """Keep what the broker has just shown, which stays so until it is asked again."""
        sock = self._client.socket()
        shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        self._state = msgspec.structs.replace(self._state, certificate=shown)

    def _back_off(self) -> None:
        """Set the time before which no other connection is tried."""
        pause_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        self._retry_at = time.monotonic() + pause_s

    def _turn(self, timeout_s: float) -> bool:
        """Turn the client's loop once; say whether there was anything to read."""
        client = self._client
        self._send_waiting()
        sock = self._open_socket()
        if sock is None:
            return False
        held = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
        look = select.poll()
        look.register(sock, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        ready = look.poll(0 if held else timeout_s * 1000)
        happened = ready[0][1] if ready else 0
        readable = bool(held or happened & ~select.POLLOUT)
        if readable:
            client.loop_read()
            _confirm_at_once(sock)
        if happened & select.POLLOUT:
            client.loop_write()
        client.loop_misc()
        self._look_for_life(sock, heard=readable)
        return readable

    def _look_for_life(self, sock: socket.socket, *, heard: bool) -> None:
        """Give up a connection whose other end has vanished: paho gives its ping a whole keepalive, and so two."""
        now = time.monotonic()
        if heard:
            self._heard_at = now
        elif now - self._heard_at > MUTE * KEEPALIVE_S:
            sock.close()
            self._lose("the broker does not answer any more")

    def _send_waiting(self) -> None:
        if not self._state.connected or not (self._retained or self._plain or self._to_deliver):
            return
        with self._lock:
            waiting: list[tuple[str, bytes, int, bool, Ticket | None]]
            waiting = [(topic, *rest, True, None) for topic, rest in self._retained.items()]
            waiting += [(*rest, False, None) for rest in self._plain]
            waiting += self._to_deliver
            self._retained.clear()
            self._plain.clear()
            self._to_deliver.clear()
        for topic, payload, expiry_s, retain, ticket in waiting:
            sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=self._expiring(expiry_s))
            if ticket is not None:
                self._tickets[sent.mid] = ticket

    def _answered(self, mid: int, code: ReasonCode) -> None:
        """Tell whoever delivered something what the broker says to it; a refusal is told once for each connection."""
        ticket = self._tickets.pop(mid, None)
        if ticket is None:
            return
        ticket.heard = not code.is_failure and code.value != NO_SUBSCRIBERS
        ticket.taken = not code.is_failure
        if code.is_failure and self._refused_on != self._connection:
            self._refused_on = self._connection
            log.error("broker.publish_refused code=%s hint='see the access list'", code)

    def _expiring(self, expiry_s: int) -> Properties | None:
        if not expiry_s or not self._link.mqtt5:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = expiry_s
        return properties

    def _greeted(
        self, client: mqtt.Client, _data: object, flags: mqtt.ConnectFlags, code: ReasonCode, more: object
    ) -> None:
        """The broker answered our CONNECT."""
        if code.is_failure:
            self._lose(f"the broker refused us: {code}")
            return
        self._client.allow(getattr(more, "ReceiveMaximum", 65_535))
        self._note_session(kept=flags.session_present)
        client.subscribe(_wanted(self._link))

    def _note_session(self, *, kept: bool) -> None:
        before = self._state
        lost = (before.connections > 0 or self._link.known) and not kept
        if lost:
            log.error("broker.session_lost hint='messages since the last connection may be gone'")
        self._state = msgspec.structs.replace(
            before,
            connected=False,
            connections=before.connections + 1,
            session_was_kept=kept,
            sessions_lost=before.sessions_lost + lost,
            trouble=NOT_YET,
            lost_ms=self._now_ms() if lost else before.lost_ms,
        )

    def _subscribed(
        self, client: mqtt.Client, _data: object, _mid: int, codes: Sequence[ReasonCode], _more: object
    ) -> None:
        """The broker answered our SUBSCRIBE."""
        refused = [code for code in codes if code.is_failure]
        if refused:
            client.disconnect()
            self._lose(f"the broker refused our subscription: {refused[0]}")
            return
        self._failures, self._told = 0, ""
        log.info("broker.connected client_id=%s", self._link.client_id)
        self._change(connected=True, trouble="")

    def _parted(self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _more: object) -> None:
        """The connection ended, or was refused."""
        if self._state.trouble in ("", NOT_YET):
            self._lose(f"the connection ended: {code}")

    def _lose(self, trouble: str) -> None:
        if self._told != trouble:
            log.warning("broker.lost trouble='%s'", trouble)
        self._told = trouble
        self._change(connected=False, trouble=trouble)

    def _change(self, *, connected: bool, trouble: str) -> None:
        before = self._state
        since_ms = before.since_ms if before.connected == connected else self._now_ms()
        self._state = msgspec.structs.replace(before, connected=connected, since_ms=since_ms, trouble=trouble)


def _confirm_at_once(sock: object) -> None:
    """Have TCP confirm what was read without its usual wait, for which a broker with Nagle's algorithm waits too.

    Linux forgets it after a while, so it is said after each read.
    """
    if QUICK_ACK is not None and isinstance(sock, socket.socket) and sock.family in INTERNET:
        with suppress(OSError):  # the connection may have ended with this read, which the next turn finds
            sock.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)


def _best() -> type[GatheringClient]:
    if fast.usable():
        return fast.FastClient
    log.warning("broker.stock_client hint='this paho lacks what the fast client needs'")
    return stock.StockClient


def _configured(link: Link, now_ms: Callable[[], int], kind: type[GatheringClient]) -> GatheringClient:
    """Make a client with its address, credentials, session and Will."""
    client = kind(client_id=link.client_id, mqtt5=link.mqtt5, transport=link.transport, now_ms=now_ms)
    if link.username:
        client.username_pw_set(link.username, link.password)
    if link.tls is not None:
        client.tls_set_context(link.tls)
    if link.will_topic:
        client.will_set(link.will_topic, OFFLINE, qos=1, retain=True)
    address = (link.socket or link.host, link.port, KEEPALIVE_S)
    if link.mqtt5:
        client.connect_async(*address, clean_start=False, properties=_session(link))
    else:
        client.connect_async(*address)
    return client


def _session(link: Link) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_S
    properties.ReceiveMaximum = link.window
    return properties


def _wanted(link: Link) -> list[tuple[str, SubscribeOptions]] | list[tuple[str, int]]:
    """The subscriptions, of which no message fits two.

    The retain flag comes as it was published, so that a retained reading is known by it at any time;
    retained readings come once for a new session, retained statuses at every connection.
    """
    filters = (link.readings_filter, link.answers_filter, link.status_filter)
    if not link.mqtt5:
        return [(name, 1) for name in filters]
    new = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
    handling = (new, new, SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
    return [
        (name, SubscribeOptions(1, noLocal=True, retainAsPublished=True, retainHandling=when))
        for name, when in zip(filters, handling, strict=True)
    ]
