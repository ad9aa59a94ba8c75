"""What good messages say once they are read."""

import json

import pytest

from devices.errors import PayloadError
from devices.payloads import decode, native
from devices.readings import (
    MARK_CLOCK_AHEAD,
    MARK_QUESTIONED,
    MARK_RECEIPT_TIME,
    MARK_UNKNOWN_VITAL,
    Message,
    Reading,
)

NOW_MS = 1_795_338_900_000
NOW = "2026-11-22T09:15:00Z"
HOUR_MS = 3_600_000

EXAMPLE = b"""{"v": 1, "id": "01JDA3\xe2\x80\xa6", "time": "2026-11-22T09:15:00Z", "battery_percent": 81,
 "readings": [{"vital": "spo2", "value": 93, "unit": "%"},
              {"vital": "heart_rate", "value": 104, "unit": "/min", "time": "2026-11-22T09:14:40Z"},
              {"vital": "consciousness", "value": "A"}]}"""


def read(received_ms: int = NOW_MS, **fields: object) -> Message:
    """Decode a message of these fields."""
    return decode(json.dumps({"v": 1, **fields}).encode(), device="dev-1", received_ms=received_ms)


def one(**fields: object) -> Reading:
    """Decode a message of one reading and return it."""
    (reading,) = read(time=NOW, readings=[fields]).readings
    return reading


def made(vital: str, value: float | None, **more: object) -> Reading:
    """Make a reading observed now, as sent but for `more`."""
    rest = {"text": None, "observed_ms": NOW_MS, "raw_value": None, "raw_unit": None, "marks": 0}
    return Reading(vital=vital, value=value, **{**rest, **more})  # type: ignore[arg-type]


def test_the_interfaces_example_is_read_as_it_says() -> None:
    """A reading's own time overrides the message's."""
    message = decode(EXAMPLE, device="dev-1", received_ms=NOW_MS)
    assert message == Message(
        id="01JDA3…",
        seq=None,
        battery_percent=81.0,
        readings=(
            made("spo2", 93.0),
            made("heart_rate", 104.0, observed_ms=NOW_MS - 20_000),
            made("consciousness", 0.0),
        ),
        refused=(),
    )


def test_the_least_message_is_read() -> None:
    """Without version, id and time: the time is that of receipt, and marked so."""
    message = decode(b'{"readings":[{"vital":"pulse","value":72}]}', device="dev-1", received_ms=NOW_MS)
    assert (message.id, message.seq, message.battery_percent) == (None, None, None)
    assert message.readings == (made("heart_rate", 72.0, marks=MARK_RECEIPT_TIME),)


def test_null_is_a_field_left_out() -> None:
    """Devices that write null for what they do not have are read like those that leave it out."""
    message = read(
        id=None,
        seq=None,
        device=None,
        battery_percent=None,
        time=None,
        readings=[{"vital": "spo2", "value": 97, "unit": None, "time": None}],
    )
    assert message.readings == (made("spo2", 97.0, marks=MARK_RECEIPT_TIME),)


def test_unknown_fields_are_ignored() -> None:
    """In the message and in a reading, whatever they hold."""
    sent = {"vital": "spo2", "value": 97, "site": "left hand"}
    message = read(time=NOW, device="dev-1", firmware={"a": [1]}, readings=[sent])
    assert message.readings == (made("spo2", 97.0),)


def test_a_message_that_names_its_own_device_is_read() -> None:
    """Only another's name is refused."""
    assert read(device="dev-1", time=NOW, readings=[{"vital": "spo2", "value": 97}]).readings


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"vital": "oxygen", "value": "air"}, made("oxygen", 0.0, raw_value="air")),
        ({"vital": "supplemental_oxygen", "value": "oxygen"}, made("oxygen", 1.0, raw_value="oxygen")),
        ({"vital": "oxygen", "value": "air", "unit": "L/min"}, made("oxygen", 0.0, raw_value="air")),
        ({"vital": "oxygen", "value": 1, "unit": "0/1"}, made("oxygen", 1.0, raw_value=1.0, raw_unit="0/1")),
        ({"vital": "oxygen", "value": 0, "unit": "0/1"}, made("oxygen", 0.0, raw_value=0.0, raw_unit="0/1")),
        ({"vital": "oxygen", "value": 2.5}, made("oxygen", 2.5)),
        ({"vital": "oxygen", "value": 40}, made("oxygen", 40.0, marks=MARK_QUESTIONED)),
        ({"vital": "consciousness", "value": "C"}, made("consciousness", 1.0)),
        ({"vital": "consciousness", "value": "U", "unit": "{ACVPU}"}, made("consciousness", 4.0)),
        ({"vital": "gcs", "value": 14, "unit": "3-15"}, made("gcs", 14.0)),
        ({"vital": "heart_rate", "value": 72, "unit": "bpm"}, made("heart_rate", 72.0)),
        ({"vital": "loinc:8867-4", "value": 72, "unit": ""}, made("heart_rate", 72.0)),
        ({"vital": "mdc:19384", "value": 97}, made("spo2", 97.0)),
        ({"vital": "heart_rate", "value": 220}, made("heart_rate", 220.0, marks=MARK_QUESTIONED)),
        (
            {"vital": "temperature", "value": 98.6, "unit": "degF"},
            made("temperature", 37.0, raw_value=98.6, raw_unit="degF"),
        ),
        ({"vital": "mood", "value": 3}, made("mood", 3.0, marks=MARK_UNKNOWN_VITAL)),
        (
            {"vital": "mood", "value": 3, "unit": "points"},
            made("mood", 3.0, raw_value=3.0, raw_unit="points", marks=MARK_UNKNOWN_VITAL),
        ),
        ({"vital": "mood", "value": "low"}, made("mood", None, text="low", marks=MARK_UNKNOWN_VITAL)),
        (
            {"vital": "loinc:1234-5", "value": -1e300},
            made("loinc:1234-5", -1e300, marks=MARK_UNKNOWN_VITAL),
        ),
    ],
)
def test_a_reading_is_stored_as_its_vital_means_it(sent: dict[str, object], stored: Reading) -> None:
    """Numbers in the canonical unit, what was sent beside them where it differed, and marks."""
    assert one(**sent) == stored


def test_one_bad_reading_does_not_cost_the_others() -> None:
    """The refusal says which of the message's readings it was."""
    message = read(
        id="m-1",
        time=NOW,
        readings=[{"vital": "spo2", "value": 97}, {"vital": "heart_rate", "value": 72, "unit": "Hz"}, 7],
    )
    assert message.readings == (made("spo2", 97.0),)
    assert [(refused.index, refused.vital, refused.reason) for refused in message.refused] == [
        (1, "heart_rate", "unit_unknown"),
        (2, None, "reading_not_an_object"),
    ]


def test_a_message_of_bad_readings_only_is_still_a_message() -> None:
    """It has its id, so that the device gets its receipt and stops sending it."""
    message = read(id="m-1", time="yesterday", readings=[{"vital": "spo2", "value": 97}])
    assert (message.id, message.readings, message.refused[0].reason) == ("m-1", (), "time_invalid")


def test_a_bad_time_of_the_message_spares_the_readings_with_their_own() -> None:
    """Only what depends on it is refused."""
    message = read(
        time="yesterday", readings=[{"vital": "spo2", "value": 97}, {"vital": "spo2", "value": 96, "time": NOW}]
    )
    assert message.readings == (made("spo2", 96.0),)
    assert [(refused.index, refused.reason) for refused in message.refused] == [(0, "time_invalid")]


@pytest.mark.hazard("H7")
@pytest.mark.parametrize(
    ("ahead_ms", "observed_ms", "marks"),
    [
        (0, NOW_MS, 0),
        (-90 * 24 * HOUR_MS, NOW_MS, 0),
        (120_000, NOW_MS, 0),
        (120_001, NOW_MS - 120_001, MARK_CLOCK_AHEAD),
        (24 * HOUR_MS, NOW_MS - 24 * HOUR_MS, MARK_CLOCK_AHEAD),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_a_clock_ahead_is_the_time_of_receipt_and_marked(
    *, ahead_ms: int, observed_ms: int, marks: int, own: bool
) -> None:
    """Up to two minutes ahead is believed; more, up to a day, is not, whether the message says it or the reading."""
    time = {"time": NOW}
    sent = {"vital": "spo2", "value": 97, **(time if own else {})}
    message = read(NOW_MS - ahead_ms, readings=[sent], **({} if own else time))
    assert message.readings == (made("spo2", 97.0, observed_ms=observed_ms, marks=marks),)


@pytest.mark.hazard("H7")
def test_more_than_a_day_ahead_is_no_time_at_all() -> None:
    """One millisecond past the limit."""
    message = read(NOW_MS - 24 * HOUR_MS - 1, time=NOW, readings=[{"vital": "spo2", "value": 97}])
    assert [refused.reason for refused in message.refused] == ["time_future"]


@pytest.mark.parametrize("own", [False, True])
def test_the_first_moment_of_2000_is_a_time_and_the_one_before_is_not(*, own: bool) -> None:
    """Exactly, whether the message says it or the reading."""
    for text, ok in (("2000-01-01T00:00:00Z", True), ("1999-12-31T23:59:59.999Z", False)):
        sent = {"vital": "spo2", "value": 97, **({"time": text} if own else {})}
        message = read(readings=[sent], time=None if own else text)
        assert bool(message.readings) == ok
        assert [refused.reason for refused in message.refused] == ([] if ok else ["time_past"])


@pytest.mark.parametrize("message_id", ["p\u202e1", "p\u2028", "\u00a0", "\x7f", "\ufeff", "\ue000"])
def test_ids_that_do_not_print_are_refused_however_they_are_written(message_id: str) -> None:
    """As an escape or as it is."""
    sent = {"id": message_id, "readings": [{"vital": "spo2", "value": 97}]}
    for ascii_only in (True, False):
        with pytest.raises(PayloadError) as caught:
            decode(json.dumps(sent, ensure_ascii=ascii_only).encode(), device="dev-1", received_ms=NOW_MS)
        assert caught.value.reason == "id_invalid"


@pytest.mark.parametrize(
    "text",
    [
        b'{"id":"a\\"b","readings":[{"vital":"spo2","value":97}]}',
        b'{"id":"a\\u0022b","readings":[{"vital":"spo2","value":97}]}',
        b'{"\\u0069d":"a\\"b","readings":[{"vital":"spo2","value":97}]}',
    ],
)
def test_a_quote_inside_a_string_is_part_of_it(text: bytes) -> None:
    """However it is escaped, it neither hides a key nor makes one."""
    message = decode(text, device="dev-1", received_ms=NOW_MS)
    assert (message.id, len(message.readings)) == ('a"b', 1)


def test_a_key_twice_is_seen_through_escapes() -> None:
    """An escaped quote elsewhere cannot make the count come out right."""
    for more in (b'"id":"b"', b'"\\u0069d":"b"', b'"i\\u0064":"b\\""', b'"x":"\\"","x":""'):
        payload = b'{"id":"a",' + more + b',"readings":[{"vital":"spo2","value":97}]}'
        with pytest.raises(PayloadError) as caught:
            decode(payload, device="dev-1", received_ms=NOW_MS)
        assert caught.value.reason == "duplicate_key"


@pytest.mark.parametrize("seq", [0, 1, 2**53])
def test_sequence_numbers_are_kept(seq: int) -> None:
    """The whole range."""
    assert read(seq=seq, readings=[{"vital": "spo2", "value": 97}]).seq == seq


@pytest.mark.parametrize("battery", [0, 100, 55.5])
def test_the_battery_is_kept(battery: float) -> None:
    """From empty to full."""
    assert read(battery_percent=battery, readings=[{"vital": "spo2", "value": 97}]).battery_percent == battery


@pytest.mark.parametrize("message_id", ["x", "x" * 128, "é漢🙂", "01 JD"])
def test_ids_of_printable_characters_are_kept(message_id: str) -> None:
    """Up to 128 of them, in any script, escaped or not."""
    readings = [{"vital": "spo2", "value": 97}]
    assert read(id=message_id, readings=readings).id == message_id
    plain = json.dumps({"id": message_id, "readings": readings}, ensure_ascii=False).encode()
    assert decode(plain, device="dev-1", received_ms=NOW_MS).id == message_id


def test_escapes_change_nothing() -> None:
    """A name written with an escape is that name."""
    payload = (
        b'{"v":1,"time":"2026-11-22T09:15:00\\u005a","readings":[{"vital":"sp\\u006f2","value":97,"unit":"\\u0025"}]}'
    )
    assert decode(payload, device="dev-1", received_ms=NOW_MS).readings == (made("spo2", 97.0),)


EARLIER = "2026-11-22T09:14:40Z"
ORDINARY_READINGS: tuple[dict[str, object], ...] = (
    {"vital": "spo2", "value": 93},
    {"vital": "spo2", "value": 93, "unit": "%"},
    {"vital": "pulse", "value": 72.5, "time": EARLIER},
    {"vital": "temperature", "value": 36.6, "unit": "Cel", "time": EARLIER},
    {"vital": "consciousness", "value": "A"},
    {"vital": "oxygen", "value": "air"},
    {"vital": "consciousness", "value": "A", "unit": "{ACVPU}"},
    {"vital": "consciousness", "value": "V", "time": EARLIER},
    {"vital": "temperature", "value": 98.6, "unit": "degF"},
    {"vital": "temperature", "value": 98.6, "unit": "degF", "time": EARLIER},
    {"vital": "gcs", "value": 15},
    {"vital": "mood", "value": "low", "unit": "of ten", "time": EARLIER},
    {"vital": "spo2", "value": 0},
    {"vital": "heart_rate", "value": 72, "unit": "Hz"},
    {"vital": "spo2", "value": 97, "time": "yesterday"},
    {"vital": "spo2", "value": 97, "time": "1999-12-31T23:59:59Z"},
    {"vital": "spo2", "value": 97, "time": "2026-11-22T09:17:01Z"},
)
ORDINARY_FIELDS: tuple[dict[str, object], ...] = (
    {},
    {"v": 1},
    {"v": 1, "id": "m"},
    {"v": 1, "id": "x" * 128, "time": NOW},
    {"v": 1, "seq": 0, "battery_percent": 0},
    {"v": 1, "seq": 2**53, "battery_percent": 100},
    {"v": 1, "device": "dev-1", "time": "2026-11-22T09:17:00Z"},
    {"v": 1, "id": "m", "seq": 3, "device": "dev-1", "battery_percent": 55.5, "time": "2000-01-01T00:00:00Z"},
)


@pytest.mark.parametrize("fields", ORDINARY_FIELDS, ids=str)
def test_ordinary_messages_never_take_the_slow_path(monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]) -> None:
    """What home devices send day after day is read by the typed decoder alone, and as the exact path would read it."""
    several = [[one] for one in ORDINARY_READINGS] + [list(ORDINARY_READINGS), [ORDINARY_READINGS[0]] * 3]
    sent = [json.dumps({**fields, "readings": readings}).encode() for readings in several]
    exactly = [native._decode_exactly(payload, "dev-1", NOW_MS) for payload in sent]

    def slow(*_: object) -> Message:
        raise AssertionError("the exact path was taken")

    monkeypatch.setattr(native, "_decode_exactly", slow)
    assert [decode(payload, device="dev-1", received_ms=NOW_MS) for payload in sent] == exactly


def test_the_largest_message_is_read() -> None:
    """64 KiB to the byte, and a list of more readings than any device sends."""
    sent = {"v": 1, "time": NOW, "readings": [{"vital": "spo2", "value": 97}] * 1500}
    payload = json.dumps(sent).encode()
    message = decode(payload + b" " * (65536 - len(payload)), device="dev-1", received_ms=NOW_MS)
    assert len(message.readings) == 1500


@pytest.mark.parametrize("content_type", ["", "application/json", "application/json; charset=utf-8", "text/plain"])
def test_other_content_types_are_read_as_the_wards_own(content_type: str) -> None:
    """A device that names JSON, or nothing, is read."""
    payload = b'{"readings":[{"vital":"spo2","value":97}]}'
    assert decode(payload, device="dev-1", received_ms=NOW_MS, content_type=content_type).readings
