"""paho's client with large reads and a parser of its own for the messages; the rest of MQTT stays paho's.

paho reads a byte at a time, one select() a packet, and builds a Properties object for every message:
about 50 us a message under MQTT 5, which is most of what a whole ward's daemon needs. It has no public
way to do otherwise, so this class uses some of its private attributes; `usable()` says whether this
paho has them, and stock.py is what serves when it has not.
"""

import collections
import contextlib
import logging
import struct
from collections.abc import Sequence

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import MalformedPacket  # type: ignore[attr-defined]  # where every paho from 2.1 on has it
from paho.mqtt.subscribeoptions import MQTTException

from vwmon.intake import frames
from vwmon.intake.client import GatheringClient

log = logging.getLogger(__name__)

READ_BYTES, TLS_READ_BYTES = 256 * 1024, 16 * 1024
TLS_READS = 2000
UNSENT_MOST = 20_000
CODE_AT, REFUSED = 2, 0x80
PRIVATE = (
    "_in_callback_mutex",
    "_in_packet",
    "_last_bytes_received",
    "_loop_rc_handle",
    "_mid_generate",
    "_msgtime_mutex",
    "_out_messages",
    "_packet_handle",
    "_packet_queue",
    "_sock",
    "_sock_recv",
    "_ssl",
)


def usable() -> bool:
    """Say whether the installed paho has every private attribute that this client needs."""
    return not missing(mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5))


def missing(sample: object) -> list[str]:
    """Name the needed attributes that a client does not have."""
    return [name for name in PRIVATE if not hasattr(sample, name)]


class FastClient(GatheringClient):
    """The client that reads much at once and parses messages itself."""

    def begin(self) -> None:
        """Forget everything of the connection before."""
        self.gathered.clear()
        self._splitter = frames.Splitter(self.gathered, mqtt5=self.mqtt5)
        self._unsent: collections.deque[tuple[bytes, bytes]] = collections.deque(maxlen=UNSENT_MOST)
        self._unconfirmed: set[int] = set()
        self._refusals = 0
        self.allow(frames.MOST_IN_FLIGHT)

    def allow(self, receive_maximum: int) -> None:
        """Learn how many messages the broker lets us send unacknowledged; paho's own have their share."""
        self._quota = max(1, receive_maximum - self.most_own)

    def answer(self, receipts: Sequence[tuple[str, bytes]], mids: Sequence[int]) -> None:
        """Send receipts and then acknowledgements in one write.

        Receipts that the broker has no room for wait; of very many the oldest are dropped, and asked for again
        by the device sending its message again.
        """
        self._unsent.extend((topic.encode(), payload) for topic, payload in receipts)
        self._send([*self._receipts(), *frames.puback_frames(mids)])

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 -- paho's signature
        """Read what the socket has, once if it is plain, until it is empty under TLS."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        trouble = self._read()
        if not trouble:
            trouble = self._hand_over()
        return self._loop_rc_handle(trouble) if trouble else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _read(self) -> MQTTErrorCode:
        try:
            chunk = self._drained() if self._ssl else self._sock_recv(READ_BYTES)
            if not chunk:
                return MQTTErrorCode.MQTT_ERR_CONN_LOST
            self._splitter.feed(chunk, self.now_ms())
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError as error:
            log.warning("broker.read_failed error=%s", error)
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        except frames.MalformedError as error:
            log.error("broker.malformed error=%s", error)  # noqa: TRY400 -- no fault of the code's
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        with self._msgtime_mutex:
            self._last_bytes_received = mqtt.time_func()
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _drained(self) -> bytes:
        """Read records until none is there: mosquitto sends one for each packet."""
        chunks = [self._sock_recv(TLS_READ_BYTES)]
        with contextlib.suppress(BlockingIOError):
            while chunks[-1] and len(chunks) < TLS_READS:
                chunks.append(self._sock_recv(TLS_READ_BYTES))
        return b"".join(chunks)

    def _hand_over(self) -> MQTTErrorCode:
        """Give paho every packet that is not a message or the confirmation of a receipt."""
        others, self._splitter.others = self._splitter.others, []
        trouble = MQTTErrorCode.MQTT_ERR_SUCCESS
        confirmed = False
        for head, body in others:
            if head == frames.PUBACK and (mid := body[0] << 8 | body[1]) in self._unconfirmed:
                self._unconfirmed.discard(mid)
                self._note(body)
                confirmed = True
            elif not trouble:
                trouble = self._by_paho(head, body)
        if confirmed and self._unsent:
            self._send(self._receipts())
        return trouble

    def _by_paho(self, head: int, body: bytes) -> MQTTErrorCode:
        self._in_packet = {
            "command": head,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        try:
            return self._packet_handle()
        except (MQTTException, MalformedPacket, IndexError, struct.error) as error:
            log.error("broker.malformed packet=%#04x error=%s", head, error)  # noqa: TRY400 -- as above
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _note(self, body: bytes) -> None:
        """Say once for each connection that the broker refuses our receipts: devices would resend for ever."""
        if len(body) > CODE_AT and body[CODE_AT] >= REFUSED:
            self._refusals += 1
            if self._refusals == 1:
                log.error("broker.receipt_refused code=%#04x hint='see the access list'", body[CODE_AT])

    def _receipts(self) -> list[bytes]:
        """Frame the receipts that the broker will take now; the others wait for its confirmations."""
        count = min(len(self._unsent), self._quota - len(self._unconfirmed))
        written = []
        for _ in range(count):
            topic, payload = self._unsent.popleft()
            mid = self._mid_generate()
            self._unconfirmed.add(mid)
            written.append(frames.publish_frame(topic, payload, mid, mqtt5=self.mqtt5))
        return written

    def _send(self, parts: Sequence[bytes]) -> None:
        if parts:
            self._packet_queue(frames.PUBACK, b"".join(parts), 0, 1)
