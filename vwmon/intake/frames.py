"""MQTT packets cut out of a stream of bytes, and the two kinds that the daemon sends most.

Pure: bytes in, records out, for MQTT 5 and 3.1.1. Connecting, subscribing and keeping alive are not here.
"""

from collections.abc import Iterable, Sequence

from vwmon.intake.protocol import Packet

PUBLISH, PUBACK = 0x30, 0x40
KEPT_BYTES = 64 * 1024 + 1
BUFFERED_BYTES = 1024 * 1024
LENGTH_BYTES = 4
MORE = 0x80
MOST_IN_FLIGHT = 65_535

# MQTT 5, section 2.2.2.2: how long each property of a PUBLISH is; None: a two-byte length and that many bytes.
CONTENT_TYPE, SUBSCRIPTION, ALIAS, USER = 0x03, 0x0B, 0x23, 0x26
PROPERTY_BYTES = {0x01: 1, 0x02: 4, CONTENT_TYPE: None, 0x08: None, 0x09: None, ALIAS: 2, USER: None}


class MalformedError(ValueError):
    """What the broker sent is not MQTT."""


class Splitter:
    """Cuts one connection's bytes into packets: messages into `packets`, everything else into `others`.

    A message too large to buffer is kept by its beginning only, so memory stays bounded whatever comes.
    """

    def __init__(self, packets: list[Packet], *, mqtt5: bool) -> None:
        """Start at the beginning of a connection; messages are appended to `packets`."""
        self.packets = packets
        self.others: list[tuple[int, bytes]] = []
        self._mqtt5 = mqtt5
        self._tail = self._rest = b""
        self._aliases: dict[int, bytes] = {}
        self._cut: Packet | None = None
        self._skip = 0

    def feed(self, chunk: bytes, received_ms: int) -> None:
        """Take the bytes that came next. Raises MalformedError when they cannot be MQTT."""
        if self._cut is not None:
            chunk = self._skipped(chunk)
        self._rest = self._tail + chunk if self._tail else chunk
        try:
            start = self._split(self._rest, received_ms)
        except IndexError as error:
            raise MalformedError("a packet shorter than its own header") from error
        self._tail = self._rest[start:] if start else self._rest

    def _split(self, stream: bytes, received_ms: int) -> int:
        start, end = 0, len(stream)
        while end - start > 1:
            head, length, at = stream[start], stream[start + 1], start + 2
            if length >= MORE:
                if at < end and stream[at] < MORE:
                    length += (stream[at] - 1) * MORE
                    at += 1
                else:
                    length, at = long_length(stream, start + 1, end)
                    if at == 0:
                        break
            stop = at + length
            if stop > end:
                return self._oversize(head, start, at, stop, received_ms)
            if head & 0xF0 == PUBLISH:
                self.packets.append(self._message(head, at, stop, received_ms))
            else:
                self.others.append((head, stream[at:stop]))
            start = stop
        return start

    def _message(self, head: int, at: int, stop: int, received_ms: int) -> Packet:
        stream = self._rest
        name, mid, at = named(stream, head, at)
        content_type = ""
        if at + self._mqtt5 > stop:  # in MQTT 5 the length of the properties follows, if only nought
            raise MalformedError("a message ends inside its own header")
        if self._mqtt5:
            if stream[at]:
                at, content_type, alias = properties(stream, at, stop)
                name = self._aliased(name, alias)
            else:
                at += 1
        return Packet(
            topic=name.decode("utf-8", "replace"),
            payload=stream[at:stop],
            received_ms=received_ms,
            content_type=content_type,
            retain=head & 1 == 1,
            mid=mid,
        )

    def _aliased(self, name: bytes, alias: int) -> bytes:
        if not alias:
            return name
        if name:
            self._aliases[alias] = name
        return self._aliases.get(alias, b"")

    def _oversize(self, head: int, start: int, at: int, stop: int, received_ms: int) -> int:
        """Wait for the rest of a packet, or begin to skip it when it is too large to wait for."""
        end = len(self._rest)
        if head & 0xF0 != PUBLISH or stop - at <= BUFFERED_BYTES or end - at < BUFFERED_BYTES // 2:
            return start
        name, mid, at = named(self._rest, head, at)
        if self._mqtt5:
            size, at = long_length(self._rest, at, end)
            at += size
        self._skip = stop - end
        self._cut = Packet(
            topic=name.decode("utf-8", "replace"),
            payload=self._rest[at : at + KEPT_BYTES],
            received_ms=received_ms,
            content_type="",
            retain=head & 1 == 1,
            mid=mid,
            oversize=True,
        )
        return end

    def _skipped(self, chunk: bytes) -> bytes:
        if len(chunk) < self._skip or self._cut is None:
            self._skip -= len(chunk)
            return b""
        self.packets.append(self._cut)
        rest = chunk[self._skip :]
        self._cut, self._skip = None, 0
        return rest


def named(stream: bytes, head: int, at: int) -> tuple[bytes, int, int]:
    """Read the beginning of a message at `at`: its topic, its number (0 for QoS 0), and where they end."""
    begin = at + 2
    at = begin + (stream[at] << 8 | stream[at + 1])
    if head & 0x06:
        return stream[begin:at], stream[at] << 8 | stream[at + 1], at + 2
    return stream[begin:at], 0, at


def long_length(stream: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a length of up to four bytes at `at`: the length and where it ends, (0, 0) when more must come.

    Raises MalformedError when a fifth byte would follow.
    """
    length = 0
    for shift in range(LENGTH_BYTES):
        if at + shift >= end:
            return 0, 0
        byte = stream[at + shift]
        length |= (byte & 127) << 7 * shift
        if byte < MORE:
            return length, at + shift + 1
    raise MalformedError("a length of more than four bytes")


def properties(stream: bytes, at: int, stop: int) -> tuple[int, str, int]:
    """Read a message's MQTT 5 properties at `at`: where they end, the content type, the topic alias.

    Raises MalformedError on a property that a message cannot have.
    """
    size, at = long_length(stream, at, stop)
    last, content_type, alias = at + size, "", 0
    if not 0 < at <= last <= stop:
        raise MalformedError("a message ends inside its own properties")
    while 0 < at < last:
        kind, at = stream[at], at + 1
        if kind == SUBSCRIPTION:
            _, at = long_length(stream, at, last)
            continue
        if kind not in PROPERTY_BYTES:
            raise MalformedError(f"a message with property {kind:#04x}")
        begin, at = _value(stream, at, kind)
        if kind == CONTENT_TYPE:
            content_type = stream[begin:at].decode("utf-8", "replace")
        elif kind == ALIAS:
            alias = stream[begin] << 8 | stream[begin + 1]
    if at != last:
        raise MalformedError("properties longer than they say")
    return last, content_type, alias


def _value(stream: bytes, at: int, kind: int) -> tuple[int, int]:
    """Find where a property's value begins and ends; of a pair of texts, the second."""
    size = PROPERTY_BYTES[kind]
    if size is not None:
        return at, at + size
    for _ in range(2 if kind == USER else 1):
        begin = at + 2
        at = begin + (stream[at] << 8 | stream[at + 1])
    return begin, at


def length_bytes(length: int) -> bytes:
    """Write a packet's length in the one to four bytes that MQTT uses."""
    written = bytearray()
    while length >= MORE:
        written.append(length & 127 | MORE)
        length >>= 7
    written.append(length)
    return bytes(written)


def publish_frame(topic: bytes, payload: bytes, mid: int, *, mqtt5: bool) -> bytes:
    """Write a QoS 1 message, not retained."""
    header = b"%b%b%b%b" % (len(topic).to_bytes(2), topic, mid.to_bytes(2), b"\0" if mqtt5 else b"")
    return b"\x32%b%b%b" % (length_bytes(len(header) + len(payload)), header, payload)


def puback_frames(mids: Iterable[int]) -> Sequence[bytes]:
    """Write the acknowledgements of messages, in their order; 0 wants none."""
    return [b"\x40\x02" + mid.to_bytes(2) for mid in mids if mid]
