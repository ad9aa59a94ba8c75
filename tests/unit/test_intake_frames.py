"""MQTT packets cut out of a stream of bytes, whatever pieces it comes in."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.intake import frames
from vwmon.intake.frames import MalformedError, Splitter
from vwmon.intake.protocol import Packet

NOW_MS = 1_795_000_000_000
TOPIC = b"vwmon/resp/dev-1/readings"


def split(stream: bytes, cuts: list[int], *, mqtt5: bool = True) -> tuple[list[Packet], list[tuple[int, bytes]]]:
    """Feed a stream in the pieces between `cuts`."""
    splitter = Splitter([], mqtt5=mqtt5)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for begin, end in itertools.pairwise(edges):
        if begin < end:
            splitter.feed(stream[begin:end], NOW_MS)
    return splitter.packets, splitter.others


def message(
    payload: bytes, *, mid: int = 7, topic: bytes = TOPIC, properties: bytes | None = b"", head: int = 0x32
) -> bytes:
    """Write a PUBLISH; `properties` None is MQTT 3.1.1, `mid` 0 is QoS 0."""
    body = len(topic).to_bytes(2, "big") + topic
    body += mid.to_bytes(2, "big") if mid else b""
    if properties is not None:
        body += frames.length_bytes(len(properties)) + properties
    body += payload
    return bytes([head if mid else head & 0xF9]) + frames.length_bytes(len(body)) + body


def text(words: bytes) -> bytes:
    """Write a text as MQTT has it."""
    return len(words).to_bytes(2, "big") + words


messages = st.lists(
    st.tuples(st.binary(max_size=300), st.integers(0, 65_535), st.booleans(), st.text(max_size=20)), max_size=12
)


@given(messages, st.lists(st.integers(0, 5000), max_size=30), st.booleans())
def test_any_cutting_of_a_stream_gives_the_same_packets(
    said: list[tuple[bytes, int, bool, str]], cuts: list[int], mqtt5: bool
) -> None:
    """What TCP does with the pieces changes no message."""
    stream, expected = b"", []
    for payload, mid, retain, word in said:
        content_type = word if mqtt5 else ""
        properties = (b"\x03" + text(word.encode()) if word else b"") if mqtt5 else None
        stream += message(payload, mid=mid, properties=properties, head=0x32 | retain) + b"\xd0\0"
        expected.append((payload, mid, retain, content_type))
    packets, others = split(stream, cuts, mqtt5=mqtt5)
    assert [(one.payload, one.mid, one.retain, one.content_type) for one in packets] == expected
    assert others == [(0xD0, b"")] * len(said)
    assert {one.topic for one in packets} <= {TOPIC.decode()}


@pytest.mark.parametrize("size", [0, 1, 80, 96, 97, 98, 99, 16_350, 16_352, 16_356, 200_000])
def test_every_length_of_length_is_read(size: int) -> None:
    """A packet's length takes one to four bytes; its edges are where a parser slips."""
    packets, _ = split(message(b"x" * size) + message(b"next"), [3, 1000])
    assert [len(one.payload) for one in packets] == [size, 4]


def test_a_content_type_is_found_among_every_other_property() -> None:
    """Devices may send any property of MQTT 5; none hides the content type."""
    parts = [
        b"\x01\x01\x02\0\0\0\x09\x0b\x81\x01",
        b"\x08" + text(b"answer/here"),
        b"\x09" + text(b"\0\1"),
        b"\x26" + text(b"name") + text(b"value"),
        b"\x03" + text(b"application/senml+json"),
        b"\x26" + text(b"again") + text(b""),
    ]
    properties = b"".join(parts)
    packets, _ = split(message(b"{}", properties=properties), [5, 30])
    assert (packets[0].content_type, packets[0].payload) == ("application/senml+json", b"{}")


def test_a_topic_alias_stands_for_the_topic_it_was_given_with() -> None:
    """A broker may send a topic once and its number after that."""
    first = message(b"1", properties=b"\x23\0\x05")
    second = message(b"2", topic=b"", properties=b"\x23\0\x05")
    packets, _ = split(first + second, [])
    assert [one.topic for one in packets] == [TOPIC.decode()] * 2


@pytest.mark.hazard("T8")
@pytest.mark.parametrize(
    "stream",
    [
        b"\x30\xff\xff\xff\xff\x01",
        message(b"", properties=b"\x11\0\0\0\0"),
        message(b"", properties=b"\x03\xff\xff"),
        message(b"", properties=b"\x01\x01\x02\0"),
        b"\x32\x04\x00\x40ab",
        b"\x32\x01\x00",
        b"\x32\x04\x00\x02ab",
    ],
    ids=[
        "length of five bytes",
        "property of a CONNACK",
        "text past the end",
        "cut value",
        "topic past end",
        "no room for a topic",
        "no room for a number",
    ],
)
def test_bytes_that_are_not_mqtt_are_refused(stream: bytes) -> None:
    """A broken stream ends the connection; it is never read as something."""
    with pytest.raises(MalformedError):
        split(stream + b"\0" * 3, [])


@pytest.mark.hazard("T8")
@pytest.mark.parametrize(
    ("body", "mqtt5"),
    [
        (b"", False),
        (b"\x00", False),
        (b"\x00\x01", False),
        (b"\x00\x01t\x00", False),
        (b"\x00\x01t\x00\x07", True),
        (b"\x00\x01t\x00\x07\x05", True),
        (b"\x00\x01t\x00\x07\x80", True),
        (b"\x00\x01t\x00\x07\x03\x23\x00", True),
    ],
)
def test_a_header_longer_than_its_packet_takes_nothing_of_the_next(body: bytes, mqtt5: bool) -> None:
    """What belongs to one device is never read as another's, whatever stands behind a broken packet."""
    behind = message(b'{"v":1}', properties=b"" if mqtt5 else None)
    splitter = Splitter([], mqtt5=mqtt5)
    with pytest.raises(MalformedError):
        splitter.feed(behind + bytes([0x32, len(body)]) + body + behind, NOW_MS)
    assert [packet.payload for packet in splitter.packets] == [b'{"v":1}']


@pytest.mark.hazard("T8")
def test_a_topic_that_is_not_utf8_does_not_raise() -> None:
    """What a broker lets through must not stop the reader; the topic is then no known one."""
    packets, _ = split(message(b"{}", topic=b"vwmon/\xff/dev/readings"), [])
    assert packets[0].topic == "vwmon/�/dev/readings"


@pytest.mark.hazard("T7")
@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_huge_message_is_kept_by_its_beginning_in_bounded_memory(mqtt5: bool) -> None:
    """Eight megabytes cost one; the message is known as oversize and the next one is whole."""
    dice = random.Random(1)
    stream = message(b"z" * 8_000_000, mid=9, properties=b"" if mqtt5 else None)
    stream += message(b"next", properties=b"" if mqtt5 else None)
    splitter = Splitter([], mqtt5=mqtt5)
    at = most = 0
    while at < len(stream):
        size = dice.randrange(1, 300_000)
        splitter.feed(stream[at : at + size], NOW_MS)
        at += size
        most = max(most, len(splitter._tail))
    huge, following = splitter.packets
    assert (huge.mid, huge.oversize, len(huge.payload)) == (9, True, frames.KEPT_BYTES)
    assert (following.payload, following.oversize) == (b"next", False)
    assert most <= frames.BUFFERED_BYTES


def test_a_huge_message_of_huge_properties_is_still_cut_off() -> None:
    """Nobody can make the reader wait for the end of a header."""
    properties = (b"\x26" + text(b"n" * 60_000) + text(b"v" * 60_000)) * 20
    stream = message(b"z" * 100, mid=9, properties=properties) + message(b"next")
    packets, _ = split(stream, list(range(0, len(stream), 100_000)))
    assert [(one.mid, one.oversize) for one in packets] == [(9, True), (7, False)]


@given(st.binary(max_size=400), st.integers(1, 65_535), st.booleans())
def test_a_message_written_is_read_back(payload: bytes, mid: int, mqtt5: bool) -> None:
    """The receipts are written by hand, so they are read by the same grammar."""
    packets, _ = split(frames.publish_frame(TOPIC, payload, mid, mqtt5=mqtt5), [4], mqtt5=mqtt5)
    assert [(one.topic, one.payload, one.mid, one.retain) for one in packets] == [(TOPIC.decode(), payload, mid, False)]


def test_acknowledgements_keep_their_order_and_leave_out_what_wants_none() -> None:
    """A QoS 0 message has no number."""
    assert b"".join(frames.puback_frames([258, 0, 3])) == b"\x40\x02\x01\x02\x40\x02\x00\x03"
