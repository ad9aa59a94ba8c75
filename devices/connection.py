"""One MQTT 5 connection from its beginning to its end, driven by one thread.

Here: paho, the socket and the wait for it. A new paho client for every connection, so that nothing of an old one is
sent again behind the outbox's back. Not here: when to connect again, or what to publish.
"""

import contextlib
import os
import selectors
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

KEEPALIVE_S: Final = 30
MUTE: Final = 1.5  # keepalives without a word, pings having been sent, after which nobody is at the other end
CONNECT_S: Final = 5.0
PART_S: Final = 2.0
IDLE_S: Final = 1.0
NO_SUBSCRIBERS: Final = 0x10
RECEIVE_MAXIMUM: Final = 65535
QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
WAKE_BYTES: Final = 4096
READ_BYTES: Final = 262_144
ONLINE: Final = b'{"status":"online"}'
OFFLINE: Final = b'{"status":"offline"}'  # the Will, which the broker speaks for us
GOODBYE: Final = b'{"status":"offline","clean":true}'


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files of the broker's authority, and of the client's own certificate and key where the broker wants them."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return a context of TLS 1.2 or later that checks the broker's name."""
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert is not None:
            context.load_cert_chain(self.cert, self.key)
        return context


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where the broker is and who we are to it; `status_topic` is where we say online, and our Will offline.

    A `socket`, a path on this machine, is used instead of host and port.
    """

    host: str
    port: int
    client_id: str
    socket: str = ""
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    status_topic: str | None = None
    subscriptions: tuple[str, ...] = ()


class _BatchingClient(Client):
    """A paho client that reads and writes in large pieces.

    Stock paho makes a system call for every packet it writes and several for each it reads; here all packets of a
    round go in one. Should a later paho no longer call these two methods, the connection is slower and nothing else.
    """

    def __init__(self, client_id: str, transport: Literal["tcp", "unix"]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTv5,
            transport=transport,
            reconnect_on_failure=False,
        )
        self.batching = True
        self.unsent = bytearray()
        self._unread = b""
        self._at = 0
        self._may_read = False

    def _sock_send(self, buf: bytes | bytearray | memoryview) -> int:
        if not self.batching:
            return super()._sock_send(bytes(buf))
        self.unsent += buf
        return len(buf)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at >= len(self._unread):
            if not self._may_read:
                raise BlockingIOError
            self._may_read = False
            self._unread, self._at = super()._sock_recv(READ_BYTES), 0
        part = self._unread[self._at : self._at + bufsize]
        self._at += bufsize
        return part

    def read_all(self) -> MQTTErrorCode:
        """Take one large piece from the socket, and every packet that is whole by then."""
        self._may_read = True
        result = self.loop_read()
        while result == MQTTErrorCode.MQTT_ERR_SUCCESS and self._at < len(self._unread):
            result = self.loop_read()
        return result

    def flush(self) -> None:
        """Write what the socket takes of what is unsent, and what callbacks left; OSError when it is broken."""
        if self.want_write():
            self.loop_write()
        if self.unsent:
            with contextlib.suppress(BlockingIOError):
                del self.unsent[: super()._sock_send(self.unsent)]


class Listener(Protocol):
    """Who the connection works for; every method is called by the connection's thread."""

    def stopping(self) -> bool:
        """Say whether to end."""

    def ready(self) -> None:
        """Take note that the subscriptions stand and publishing may begin."""

    def arrived(self, topic: str, payload: bytes) -> None:
        """Take a message."""

    def refused(self, device: str) -> None:
        """Take note that the broker took a device's message for nobody, or not at all."""

    def pump(self, connection: "Connection", room: int) -> float:
        """Publish at most `room` messages; return for how many seconds there is nothing more to do."""


class Connection:
    """One connection; `live` returns in words why it ended."""

    def __init__(self, broker: Broker, listener: Listener) -> None:
        """Prepare, without connecting."""
        self._broker = broker
        self._listener = listener
        self._unacknowledged: dict[int, str] = {}
        self._receive_maximum = RECEIVE_MAXIMUM
        self._end: str | None = None
        self._heard_s = 0.0
        self.was_ready = False
        self._client = self._new_client()

    def publish(self, topic: str, payload: bytes, device: str) -> None:
        """Publish at QoS 1 on a device's behalf; on its way with the rest of the round."""
        sent = self._client.publish(topic, payload, qos=1)
        self._unacknowledged[sent.mid] = device

    def live(self, wake: int) -> str:
        """Connect, and serve until something ends it or the listener stops; bytes on `wake` end a wait.

        OSError if nobody answers.
        """
        broker = self._broker
        self._client.connect(broker.socket or broker.host, broker.port, KEEPALIVE_S, clean_start=True)
        peer = self._client.socket()
        if not isinstance(peer, socket.socket):
            return "the broker closed the connection"
        if not broker.socket:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard_s = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            selector.register(peer, selectors.EVENT_READ)
            while self._end is None and not self._listener.stopping():
                wait_s = IDLE_S
                if self.was_ready:
                    wait_s = self._listener.pump(self, self._receive_maximum - len(self._unacknowledged))
                self._serve(selector, peer, wake, wait_s)
            why = self._end or "closed"
            self._part(selector, peer, wake)
        return why

    def _serve(self, selector: selectors.BaseSelector, peer: socket.socket, wake: int, wait_s: float) -> None:
        """Write what is unsent, then wait once and read what came."""
        self._client.flush()
        selector.modify(peer, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.unsent else 0))
        for key, events in selector.select(wait_s):
            if key.fd == wake:
                os.read(wake, WAKE_BYTES)
            elif events & selectors.EVENT_READ:
                self._read(peer)
        if self._end is None:
            self._check(self._client.loop_misc())
        if self._end is None and time.monotonic() - self._heard_s > MUTE * KEEPALIVE_S:
            self._end = "the broker does not answer any more"

    def _read(self, peer: socket.socket) -> None:
        """Read what came, also what TLS has already taken from the socket.

        The broker may hold a receipt back until its PUBACK is acknowledged, which the kernel does only after 40 ms
        unless it is asked again after every read: 25 messages a second of one device instead of hundreds.
        """
        self._heard_s = time.monotonic()
        self._check(self._client.read_all())
        while self._end is None and isinstance(peer, ssl.SSLSocket) and peer.pending():
            self._check(self._client.read_all())
        if self._end is None and QUICK_ACK is not None and not self._broker.socket:
            peer.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)

    def _check(self, result: MQTTErrorCode) -> None:
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS and self._end is None:
            self._end = f"the connection was lost: {result.name}"

    def _part(self, selector: selectors.BaseSelector, peer: socket.socket, wake: int) -> None:
        """Say offline and goodbye, where there is still someone to say it to.

        The goodbye waits for the broker's PUBACK: a socket closed with something unread is reset, which can overtake
        the goodbye, and then the broker speaks the Will. paho closes the socket with its last packet, so that one is
        written at once.
        """
        if self._over() or not self.was_ready:
            return
        if self._broker.status_topic is not None:
            said = self._client.publish(self._broker.status_topic, GOODBYE, qos=1, retain=True)
            until = time.monotonic() + PART_S
            while not self._over() and not said.is_published() and (left := until - time.monotonic()) > 0:
                self._serve(selector, peer, wake, left)
        if not self._over() and not self._client.unsent:
            self._client.batching = False
            self._client.disconnect()

    def _over(self) -> bool:
        return self._end is not None

    def drop(self) -> None:
        """Close the socket, whatever is left of the connection."""
        peer = self._client.socket()
        if peer is not None:
            peer.close()

    def _new_client(self) -> _BatchingClient:
        broker = self._broker
        client = _BatchingClient(broker.client_id, "unix" if broker.socket else "tcp")
        client.max_inflight_messages = RECEIVE_MAXIMUM
        client.connect_timeout = CONNECT_S
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        if broker.status_topic is not None:
            client.will_set(broker.status_topic, OFFLINE, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, client: Client, _userdata: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._end = f"the broker refused the connection: {reason}"
            return
        self._receive_maximum = getattr(properties, "ReceiveMaximum", RECEIVE_MAXIMUM)
        client.subscribe([(topic, 0) for topic in self._broker.subscriptions])

    def _on_subscribe(
        self, client: Client, _userdata: object, _mid: int, reasons: Sequence[ReasonCode], _properties: object
    ) -> None:
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is not None:
            self._end = f"the broker refused the subscription to receipts: {refused}"
            return
        self.was_ready = True
        if self._broker.status_topic is not None:
            client.publish(self._broker.status_topic, ONLINE, qos=1, retain=True)
        self._listener.ready()

    def _on_publish(
        self, _client: Client, _userdata: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        device = self._unacknowledged.pop(mid, None)
        if device is not None and (reason.is_failure or reason.value == NO_SUBSCRIBERS):
            self._listener.refused(device)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._listener.arrived(message.topic, bytes(message.payload))

    def _on_disconnect(
        self, _client: Client, _userdata: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._end = self._end or f"the broker ended the connection: {reason}"
