"""What comes by the network, as fuzzing targets: payloads, topics, requests to a device, and MQTT itself."""

import json
import math
from collections.abc import Iterator

import msgspec

from devices import questions, said, topics
from devices.acceptance import AHEAD_MS, EARLIEST_MS
from devices.errors import REASONS, PayloadError, TopicError
from devices.payloads import decode, native
from devices.readings import Message, Reading
from devices.topics import KINDS
from tests.faults.poison import CORPUS, DEVICE, FHIR_IN_PART, GOOD, IN_PART, NOW_MS, fhir
from tests.fuzz.target import Target, choice
from vwmon import ingest
from vwmon.intake import frames
from vwmon.intake.frames import MalformedError, Splitter
from vwmon.intake.protocol import Packet
from vwmon.patients import asked

NATIVE, ANSWERS = "", "answers"
FORMATS = {b"n": NATIVE, b"s": "application/senml+json", b"f": "application/fhir+json", b"a": ANSWERS}
DETAIL_CHARS = 200
SENML = (
    [{"bn": "dev-1/", "bt": 1_795_338_840, "bu": "%", "n": "spo2", "v": 93}, {"n": "spo2", "v": 94, "t": 30}],
    [{"bn": "urn:dev:ow:10e2073a01080063/", "n": "temperature", "u": "Cel", "v": 37.5, "t": -60, "bver": 10}],
    [{"n": "consciousness", "vs": "A"}, {"u": "%EL", "v": 55}, {"n": "oxygen", "vb": True, "bv": 1, "s": 3}],
)
SAID = (
    {"v": 1, "id": "a-1", "questionnaire": "wellbeing", "version": "1", "answers": {"compared": "same"}},
    {"id": "a-2", "questionnaire": "breathlessness", "answers": {"now": "walking", "score": 4, "x": None}},
    {"v": 1, "id": "a-3", "request": "m7", "state": "shown", "time": "2026-11-22T09:15:00Z"},
)
ARRIVALS = {
    b"r": "readings",
    b"R": "readings",
    b"a": "answers",
    b"A": "answers",
    b"s": "status",
    b"S": "status",
    b"x": "requests",
}
REQUESTS = {b"q": "requests", b"r": "receipts", b"s": "status"}
ASKED = {
    "id": "q1",
    "request": "questions",
    "due": "2026-11-22T10:00:00Z",
    "vitals": ["spo2"],
    "text": "",
    "questions": msgspec.to_builtins(asked.load("wellbeing").set),
}


def payload(sent: bytes) -> None:
    """Read a payload: a message whose readings can be stored, or PayloadError for a reason that is explained."""
    kind, body = choice(sent, FORMATS)
    try:
        message = _message(kind, body)
    except PayloadError as error:
        assert error.reason in REASONS
        assert error.detail.isascii() and len(error.detail) <= DETAIL_CHARS
        outcome: Message | str = error.reason
    else:
        outcome = message
        for one in message.readings:
            storable(one)
        assert all(one.reason in REASONS for one in message.refused)
        assert msgspec.json.encode(message)
    if kind == NATIVE and len(body) <= LARGEST_PAYLOAD:
        assert outcome == _exactly(body), "the fast path and the exact one disagree"


LARGEST_PAYLOAD = 65536


def _message(kind: str, body: bytes) -> Message:
    if kind == ANSWERS:
        return asked.message(body, DEVICE, NOW_MS)
    return decode(body, device=DEVICE, received_ms=NOW_MS, content_type=kind)


def _exactly(body: bytes) -> Message | str:
    try:
        return native._decode_exactly(body, DEVICE, NOW_MS)
    except PayloadError as error:
        return error.reason


def storable(one: Reading) -> None:
    """See that a reading has one value that a database and a score can take, at a time that can be."""
    assert (one.value is None) != (one.text is None)
    assert one.value is None or math.isfinite(one.value)
    assert not isinstance(one.raw_value, float) or math.isfinite(one.raw_value)
    assert EARLIEST_MS <= one.observed_ms <= NOW_MS + AHEAD_MS


def _payload_seeds() -> Iterator[bytes]:
    letters = {kind: letter for letter, kind in FORMATS.items()}
    for one in (*CORPUS, *IN_PART, *FHIR_IN_PART):
        yield letters.get(one.content_type, b"n") + one.payload
    yield b"n" + GOOD
    yield b"f" + fhir()
    yield b"f" + json.dumps({"resourceType": "Bundle", "entry": [{"resource": json.loads(fhir())}]}).encode()
    yield from (b"s" + json.dumps(pack).encode() for pack in SENML)
    yield from (b"a" + json.dumps(one).encode() for one in SAID)


def arrival(sent: bytes) -> None:
    """Sort one message as the daemon does: into one heap, and never for a reason that nobody foresaw."""
    kind, body = choice(sent, ARRIVALS)
    packet = Packet(
        topic=f"vwmon/resp/{DEVICE}/{kind}",
        payload=body,
        received_ms=NOW_MS,
        content_type="",
        retain=sent[:1].isupper(),
        mid=1,
    )
    kept = ingest.sort([packet], "vwmon")
    assert len(kept.arrivals) + len(kept.quarantined) + len(kept.statuses) + len(kept.confirmed) + kept.passed_over == 1
    assert all(one.reason != "unreadable" for one in kept.quarantined)


def _arrival_seeds() -> Iterator[bytes]:
    yield b"r" + GOOD
    yield b"R" + GOOD
    yield from (b"a" + json.dumps(one).encode() for one in SAID)
    yield b"A" + json.dumps(SAID[0]).encode()
    yield b's{"status":"online","clean":false,"battery_percent":55.5,"firmware":"1.2"}'
    yield b"S"


def topic(sent: bytes) -> None:
    """Read a topic under a prefix: what it names builds the same topic again, or TopicError."""
    prefix, _, text = sent.decode("utf-8", "replace").partition("\0")
    try:
        found = topics.parse(text, prefix)
    except TopicError:
        return
    assert f"{prefix}/{found.ward}/{found.device}/{found.kind}" == text
    assert topics.is_name(found.device) and found.kind in KINDS


def _topic_seeds() -> Iterator[bytes]:
    for kind in sorted(KINDS):
        yield f"vwmon\0vwmon/resp/dev-1/{kind}".encode()
    yield b"nhs/north\0nhs/north/a-b/9/readings"
    yield b"vwmon\0vwmon/resp/monitor/status"
    yield b"vwmon\0vwmon/+/#/readings"
    yield "vwmon\0vwmon/r\u00e9sp/dev-1\n/readings".encode()


def request(sent: bytes) -> None:
    """Read what the ward says to a device, by the errors that a device passes over."""
    kind, body = choice(sent, REQUESTS)
    read = {"requests": said.request, "receipts": said.receipts, "status": said.status}[kind]
    try:
        found = read(body)
    except said.UNREADABLE:
        return
    if isinstance(found, said.Request) and found.questions is not None and not questions.faults(found.questions):
        assert found.questions.asked({})


def _request_seeds() -> Iterator[bytes]:
    yield b"q" + json.dumps(ASKED).encode()
    yield (
        b"q" + json.dumps({"id": "r1", "request": "repeat", "vitals": ["spo2"], "due": "2026-11-22T10:00:00Z"}).encode()
    )
    yield b"q" + json.dumps({"id": "m7", "request": "message", "text": "Please rest."}).encode()
    yield b'r{"v":1,"ids":["a","b"]}'
    yield b's{"status":"online"}'


def packets(sent: bytes) -> None:
    """Cut a stream into MQTT packets: the same whole and in two pieces, or MalformedError from both."""
    mqtt5, cut, stream = sent[:1] != b"3", sent[1:2], sent[2:]
    at = (cut[0] if cut else 0) % (len(stream) + 1)
    assert _split([stream], mqtt5=mqtt5) == _split([stream[:at], stream[at:]], mqtt5=mqtt5)


def _split(pieces: list[bytes], *, mqtt5: bool) -> tuple[list[Packet], list[tuple[int, bytes]], bool]:
    splitter = Splitter([], mqtt5=mqtt5)
    for piece in pieces:
        try:
            splitter.feed(piece, NOW_MS)
        except MalformedError:
            return splitter.packets, splitter.others, True
    return splitter.packets, splitter.others, False


def _packet_seeds() -> Iterator[bytes]:
    name = b"vwmon/resp/dev-1/readings"
    for properties in (b"", b"\x03\x00\x01a", b"\x23\x00\x05", b"\x26\x00\x01a\x00\x01b", b"\x0b\x81\x01"):
        said_of = frames.length_bytes(len(properties)) + properties
        body = len(name).to_bytes(2, "big") + name + b"\x00\x07" + said_of + b'{"v":1}'
        yield b"5\x09" + bytes([0x32]) + frames.length_bytes(len(body)) + body
    body = len(name).to_bytes(2, "big") + name + b"{}"
    yield b"3\x04" + bytes([0x30, len(body)]) + body + b"\xd0\x00\x40\x02\x00\x07"


JSON = ('{"', '":', '","', '"}', "[{", "}]", "null", "true", "1e999", "-1e308", "1e17", "NaN", "\\u0000", "\\ud800")
PAYLOAD_WORDS = (
    *('"v"', '"id"', '"time"', '"seq"', '"battery_percent"', '"device"', '"readings"', '"vital"', '"value"', '"unit"'),
    *('"spo2"', '"heart_rate"', '"consciousness"', '"oxygen"', '"gcs"', "2026-11-22T09:15:00Z", "23:59:60Z", "+14:00"),
    *('"bn"', '"bt"', '"bu"', '"bv"', '"bver"', '"n"', '"u"', '"vs"', '"vb"', '"vd"', '"t"', '"s"', '"%EL"', '"/min"'),
    *('"resourceType"', '"Observation"', '"Bundle"', '"entry"', '"resource"', '"status"', '"final"', '"amended"'),
    *('"meta"', '"versionId"', '"component"', '"code"', '"coding"', '"system"', '"valueQuantity"', '"comparator"'),
    *('"valueCodeableConcept"', '"valueInteger"', '"valueString"', '"effectiveDateTime"', '"effectivePeriod"', '"end"'),
    *('"effectiveTiming"', '"reference"', '"Device/dev-1"', '"questionnaire"', '"answers"', '"request"', '"state"'),
)

MESSAGES = {
    "payloads": Target(
        title="native, SenML and FHIR payloads, answers",
        take=payload,
        seeds=_payload_seeds,
        words=(*JSON, *PAYLOAD_WORDS),
    ),
    "arrivals": Target(
        title="messages as the daemon sorts them", take=arrival, seeds=_arrival_seeds, words=(*JSON, *PAYLOAD_WORDS)
    ),
    "topics": Target(
        title="topics", take=topic, seeds=_topic_seeds, words=("vwmon", "/", "readings", "\0", "monitor", "+", "#")
    ),
    "requests": Target(title="what the ward says to a device", take=request, seeds=_request_seeds, words=JSON),
    "packets": Target(title="MQTT packets in a stream", take=packets, seeds=_packet_seeds),
}
