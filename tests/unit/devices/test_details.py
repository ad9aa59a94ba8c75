"""What the maker of a device reads of a refusal, beside its reason: what was sent, and as what it was taken."""

import json

import pytest

from devices import acceptance
from devices.errors import PayloadError, ReadingError
from devices.payloads import decode
from devices.readings import MARK_UNKNOWN_VITAL, Message
from devices.vitals import VITALS, Vital, find
from tests.faults.poison import DEVICE, NOW, NOW_MS

LONG = "x" * 80
SEEN = "'" + "x" * 59  # sixty characters of it, the quote among them


def read(*readings: object, time: object = NOW) -> Message:
    """Decode a message of readings."""
    sent = {"v": 1, "id": "m", "time": time, "readings": list(readings)}
    return decode(json.dumps(sent).encode(), device=DEVICE, received_ms=NOW_MS)


def detail(fields: object, time: object = NOW) -> tuple[str, str]:
    """Give the reason and the detail with which the one reading of a message is refused."""
    (refused,) = read(fields, time=time).refused
    return refused.reason, refused.detail


@pytest.mark.parametrize(
    ("fields", "reason", "said"),
    [
        ({"vital": "heart rate", "value": 1}, "vital_invalid", "'heart rate'"),
        ({"vital": LONG, "value": 1}, "vital_invalid", SEEN),
        ({"value": 1}, "vital_missing", ""),
        ({"vital": "answer:pain", "value": 1}, "vital_reserved", "'answer:pain'"),
        ({"vital": "answers:pain", "value": 1}, "vital_reserved", "'answers:pain'"),
        ({"vital": "spo2", "value": 97, "unit": 5}, "unit_invalid", "5"),
        ({"vital": "spo2", "value": 97, "unit": "x" * 65}, "unit_invalid", SEEN),
        ({"vital": "spo2", "value": 97, "unit": "x" * 64}, "unit_unknown", f"spo2 is not taken in {SEEN}"),
        ({"vital": "consciousness", "value": "X"}, "value_not_a_choice", "consciousness 'X'"),
        ({"vital": "consciousness", "value": 3}, "value_not_a_choice", "consciousness 3.0"),
        ({"vital": "consciousness", "value": [3]}, "value_not_a_choice", "consciousness [3]"),
        ({"vital": "consciousness", "value": "A", "unit": "Hz"}, "unit_unknown", "consciousness is not taken in 'Hz'"),
        ({"vital": "heart_rate", "value": 72, "unit": "Hz"}, "unit_unknown", "heart_rate is not taken in 'Hz'"),
        ({"vital": "spo2", "value": "high"}, "value_not_a_number", "spo2 'high'"),
        ({"vital": "spo2", "value": True}, "value_not_a_number", "spo2 True"),
        ({"vital": "gcs", "value": 14.5}, "value_not_whole", "gcs 14.5"),
        ({"vital": "spo2", "value": 0}, "value_zero", "spo2 0 %"),
        ({"vital": "weight", "value": -1}, "value_impossible", "weight -1 kg"),
        ({"vital": "oxygen", "value": 2, "unit": "0/1"}, "value_impossible", "oxygen 2 0/1"),
        ({"vital": "temperature", "value": 98.9}, "unit_slip", "temperature 98.9 Cel, likely degF"),
        (
            {"vital": "sleep_duration", "value": 30, "unit": "h"},
            "unit_slip",
            "sleep_duration 30 h, likely s or min",
        ),
        ({"vital": "mood", "value": ""}, "value_invalid", "''"),
        ({"vital": "mood", "value": "x" * 257}, "value_invalid", SEEN),
        ({"vital": "mood", "value": ["low"]}, "value_invalid", "['low']"),
        ({"vital": "spo2", "value": 97, "time": 17}, "time_invalid", "17"),
        ({"vital": "spo2", "value": 97, "time": "1999-12-31T23:59:59Z"}, "time_past", "'1999-12-31T23:59:59Z'"),
        ({"vital": "spo2", "value": 97, "time": "2026-11-24T09:15:00Z"}, "time_future", "'2026-11-24T09:15:00Z'"),
    ],
)
def test_a_refusal_shows_what_was_sent(fields: dict[str, object], reason: str, said: str) -> None:
    """In plain ASCII and no longer than a line, so that the fault can be found in the device."""
    assert detail(fields) == (reason, said)


@pytest.mark.parametrize(
    ("fields", "reason", "said"),
    [
        ({"seq": -1}, "seq_invalid", "-1"),
        ({"seq": -1, "device": DEVICE}, "seq_invalid", "-1"),
        ({"seq": 2**53 + 1}, "seq_invalid", "9007199254740993"),
        ({"battery_percent": 100.5}, "battery_invalid", "100.5"),
        ({"battery_percent": True}, "battery_invalid", "True"),
    ],
)
def test_a_note_on_a_message_shows_what_was_sent(fields: dict[str, object], reason: str, said: str) -> None:
    """The readings stand, and neither number is made up in its place."""
    sent = {"v": 1, "id": "m", "time": NOW, "readings": [{"vital": "spo2", "value": 97}], **fields}
    message = decode(json.dumps(sent).encode(), device=DEVICE, received_ms=NOW_MS)
    assert [(one.reason, one.detail) for one in message.refused] == [(reason, said)]
    assert (message.seq, message.battery_percent, len(message.readings)) == (None, None, 1)


def test_what_is_no_reading_and_what_is_no_id_are_shown() -> None:
    """As they were sent."""
    assert detail(["spo2", 97]) == ("reading_not_an_object", "['spo2', 97]")
    with pytest.raises(PayloadError) as refused:
        decode(b'{"id": 17, "readings": [{"vital": "spo2", "value": 97}]}', device=DEVICE, received_ms=NOW_MS)
    assert (refused.value.reason, refused.value.detail) == ("id_invalid", "17")


def test_what_is_not_finite_names_its_vital() -> None:
    """JSON can write no such number, but other formats reach it; of a vital that nobody knows there is no name."""
    for vital, said in ((find("spo2"), "spo2"), (None, "")):
        with pytest.raises(ReadingError) as refused:
            acceptance.measure(vital, float("inf"), None)
        assert (refused.value.reason, refused.value.detail) == ("value_not_finite", said)


@pytest.mark.parametrize("vital", [one for one in VITALS.values() if one.numeric], ids=lambda one: one.name)
def test_the_ends_of_what_is_possible_are_possible(vital: Vital) -> None:
    """The least and the most of every vital's own range, to the last digit."""
    assert [acceptance.measure(vital, end, None).value for end in (vital.low, vital.high)] == [vital.low, vital.high]


def test_a_clock_two_minutes_ahead_is_believed_whatever_else_is_unusual() -> None:
    """To the millisecond, also of a vital that no table knows."""
    (reading,) = read({"vital": "mood", "value": 3, "time": "2026-11-22T09:17:00Z"}).readings
    assert (reading.observed_ms, reading.marks) == (NOW_MS + 120_000, MARK_UNKNOWN_VITAL)


def test_words_of_a_vital_that_nobody_knows_are_kept_as_they_came() -> None:
    """From one character to 256, with their unit."""
    for words in ("x", "x" * 256):
        (reading,) = read({"vital": "mood", "value": words, "unit": "of ten"}).readings
        assert (reading.text, reading.value, reading.raw_value, reading.raw_unit) == (words, None, None, "of ten")


def test_an_attempt_says_the_units_that_a_value_was_likely_in() -> None:
    """All of them, as a person would."""
    (refused,) = read({"vital": "sleep_duration", "value": 30, "unit": "h"}).refused
    assert refused.attempt is not None
    assert refused.attempt.sent == "30 h, likely s or min"
