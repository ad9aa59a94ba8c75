"""The fast decoder against two slow ones: the exact path for any bytes, and a plain reading of the interface's page."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.errors import REASONS, PayloadError
from devices.payloads import decode, native
from devices.readings import Message
from devices.vitals import VITALS, Vital
from tests.faults.poison import CORPUS, DEVICE, GOOD, NOW_MS

Outcome = Message | str

TIMES = {
    "2026-11-22T09:15:00Z": "2026-11-22T09:15:00+00:00",
    "2026-11-22T09:14:59.5Z": "2026-11-22T09:14:59.500+00:00",
    "2026-11-22T11:16:30+02:00": "2026-11-22T09:16:30+00:00",
    "2026-11-22T09:17:00Z": "2026-11-22T09:17:00+00:00",
    "2026-11-22T09:17:01Z": "2026-11-22T09:17:01+00:00",
    "2026-11-23T09:15:00Z": "2026-11-23T09:15:00+00:00",
    "2026-11-23T09:15:01Z": "2026-11-23T09:15:01+00:00",
    "2000-01-01T00:00:00Z": "2000-01-01T00:00:00+00:00",
    "1999-12-31T23:59:59Z": "1999-12-31T23:59:59+00:00",
}

units = st.sampled_from([None, "%", "/min", "bpm", "Cel", "degF", "kPa", "mmHg", "L/min", "0/1", "kg", "{score}", ""])
values = st.one_of(
    st.integers(-10, 400),
    st.floats(-10, 400),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False),
    st.sampled_from(["A", "C", "U", "a", "air", "oxygen", "97", "", "x"]),
    st.sampled_from([None, True, False, [], {}]),
)
times = st.sampled_from([None, "", "now", "2026-11-22T09:15:00", 17, *TIMES])
vitals = st.sampled_from([None, "", "pulse", "resp_rate", "loinc:59408-5", "mdc:19384", "mood", "a b", 7, *VITALS])
readings = st.fixed_dictionaries(
    {}, optional={"vital": vitals, "value": values, "unit": units, "time": times, "more": st.integers()}
)
plain_readings = st.fixed_dictionaries(
    {"vital": st.sampled_from(["heart_rate", "spo2", "temperature", "gcs"]), "value": st.integers(1, 250)}
)
messages = st.fixed_dictionaries(
    {"readings": st.lists(st.one_of(plain_readings, readings, st.sampled_from([3, None])), max_size=4)},
    optional={
        "v": st.sampled_from([1, 1, 1, 2, "1", None, True]),
        "id": st.sampled_from(["a", "x" * 128, "x" * 129, "", None, 3, "é", "\x07"]),
        "time": times,
        "seq": st.sampled_from([0, 2**53, 2**53 + 1, -1, 1.0, None, "1"]),
        "battery_percent": st.sampled_from([0, 100, 55.5, 100.5, -1, None, True]),
        "device": st.sampled_from([DEVICE, "dev-2", None, 1]),
        "more": st.just({"deep": [1, {"er": None}]}),
    },
)


def fast(payload: bytes) -> Outcome:
    """The decoder as the ward calls it."""
    try:
        return decode(payload, device=DEVICE, received_ms=NOW_MS)
    except PayloadError as error:
        return error.reason


def exact(payload: bytes) -> Outcome:
    """The exact path alone, with the limit of size that comes before it."""
    if len(payload) > 65536:
        return "too_large"
    try:
        return native._decode_exactly(payload, DEVICE, NOW_MS)
    except PayloadError as error:
        return error.reason


def plain_time(sent: object) -> tuple[int, int] | str:
    """When a reading was observed and its marks, or a reason; by the interface's page."""
    if sent is None:
        return NOW_MS, 1
    if sent == "2026-11-22T09:15:00":
        return "time_without_zone"
    if not isinstance(sent, str) or sent not in TIMES:
        return "time_invalid"
    moment = datetime.fromisoformat(TIMES[sent]).astimezone(UTC)
    ms = int(moment.timestamp() * 1000)
    if moment.year < 2000:
        return "time_past"
    if ms > NOW_MS + 86_400_000:
        return "time_future"
    return (NOW_MS, 2) if ms > NOW_MS + 120_000 else (ms, 0)


def plain_value(name: str, sent: object, unit: str | None) -> float | str | None:  # noqa: PLR0911 -- as the page lists
    """A value in the canonical unit, or the reason it is refused; None for words about a vital that no table knows."""
    vital = next((one for one in VITALS.values() if name in {one.name, *one.aliases, *one.codes()}), None)
    number = float(sent) if isinstance(sent, int | float) and not isinstance(sent, bool) else None
    if number is not None and math.isinf(number) and (vital is None or vital.numeric):
        return "value_not_finite"
    if vital is None:
        known_word = isinstance(sent, str) and 0 < len(sent) <= 256
        return "value_invalid" if number is None and not known_word else number
    if isinstance(sent, str) and vital.choices:
        if sent not in vital.choices:
            return "value_not_a_choice"
        return vital.choices[sent] if unit in {*vital.plain_units, *vital.conversions} else "unit_unknown"
    if number is None or not vital.numeric:
        return "value_not_a_number" if vital.numeric else "value_not_a_choice"
    if unit not in {*vital.plain_units, *vital.conversions}:
        return "unit_unknown"
    sent_number = number
    if unit in vital.conversions:
        if unit == "0/1" and number not in {0, 1}:
            return "value_impossible"
        how = vital.conversions[unit or ""]
        number = round((number + how.add) * how.multiply / how.divide, 10)
    if not vital.low <= number <= vital.high:
        return (
            "value_zero"
            if sent_number == 0
            else "unit_slip"
            if slipped(vital, sent_number, number)
            else "value_impossible"
        )
    return "value_not_whole" if vital.whole and number % 1 else number


def slipped(vital: Vital, number: float, taken: float) -> bool:
    """Tell whether a number would be unquestioned in another unit of its vital than the one that made it `taken`."""
    others = [number] + [
        round((number + how.add) * how.multiply / how.divide, 10)
        for how in (*vital.conversions.values(), *vital.slips)
        if how.only is None
    ]
    return any(vital.usual_low <= one <= vital.usual_high for one in others if one != taken)


def plain_reading(  # noqa: PLR0911 -- as the page lists
    one: object, default: object
) -> tuple[str, int, float | None] | str:
    """A reading as (vital, observed_ms, value), or the reason it is refused."""
    if not isinstance(one, dict):
        return "reading_not_an_object"
    name, value = one.get("vital"), one.get("value")
    if name is None:
        return "vital_missing"
    if not isinstance(name, str) or not name or " " in name:
        return "vital_invalid"
    time = plain_time(default if one.get("time") is None else one["time"])
    if isinstance(time, str):
        return time
    if value is None:
        return "value_missing"
    got = plain_value(name, value, one.get("unit") or None)
    if isinstance(got, str):
        return got
    known = next((vital for vital in VITALS.values() if name in {vital.name, *vital.aliases, *vital.codes()}), None)
    return known.name if known else name, time[0], got


def plain_message(sent: dict[str, Any]) -> str | tuple[list[object], list[str]]:
    """A message as its readings and its refusals' reasons, or the one reason it is refused for."""
    if isinstance(sent.get("id"), int) or sent.get("id") in {"", "x" * 129, "\x07"}:
        return "id_invalid"
    if sent.get("v") is not None and (sent["v"] is True or sent["v"] != 1):
        return "version_not_supported"
    if sent.get("device") not in {None, DEVICE}:
        return "other_device"
    if not sent["readings"]:
        return "no_readings"
    reasons = []
    if sent.get("seq") is not None and (type(sent["seq"]) is not int or not 0 <= sent["seq"] <= 2**53):
        reasons.append("seq_invalid")
    if sent.get("battery_percent") is not None and (
        sent["battery_percent"] is True or not 0 <= sent["battery_percent"] <= 100
    ):
        reasons.append("battery_invalid")
    outcomes = [plain_reading(one, sent.get("time")) for one in sent["readings"]]
    return (
        [one for one in outcomes if not isinstance(one, str)],
        reasons + [one for one in outcomes if isinstance(one, str)],
    )


@settings(max_examples=200)
@given(messages)
def test_the_fast_decoder_says_what_the_page_says(sent: dict[str, Any]) -> None:
    """Readings, values, times and the reason of every refusal, for messages good, odd and bad."""
    got = fast(json.dumps(sent).replace("Infinity", "1e999").encode())
    expected = plain_message(sent)
    if isinstance(expected, str):
        assert got == expected
        return
    assert isinstance(got, Message)
    taken = [(one.vital, one.observed_ms, one.value) for one in got.readings]
    assert (taken, [one.reason for one in got.refused]) == (expected[0], expected[1])
    assert got.id == sent.get("id")


@settings(max_examples=200)
@given(messages, st.booleans(), st.sampled_from([None, 1]))
def test_both_paths_agree_on_every_message(sent: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    """However it is written: the path a message takes is nobody's business."""
    payload = json.dumps(sent, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    assert fast(payload) == exact(payload)


mutations = st.lists(
    st.tuples(st.integers(0, 4000), st.sampled_from(["set", "drop", "add", "twice"]), st.integers(0, 255)), max_size=4
)


@settings(max_examples=200)
@given(st.one_of(messages.map(lambda sent: json.dumps(sent).encode()), st.just(GOOD)), mutations)
@example(CORPUS[0].payload, [])
def test_both_paths_agree_on_broken_bytes(payload: bytes, changes: list[tuple[int, str, int]]) -> None:
    """Bytes changed, dropped, added and repeated: the same message or the same reason, never another exception."""
    broken = bytearray(payload)
    for place, how, byte in changes:
        at = place % (len(broken) + 1)
        if how == "add":
            broken.insert(at, byte)
        elif how == "twice":
            broken[at:at] = broken[at : at + 12]
        elif at < len(broken):
            broken[at : at + 1] = b"" if how == "drop" else bytes([byte])
    got = fast(bytes(broken))
    assert got == exact(bytes(broken))
    assert isinstance(got, Message) or got in REASONS


@pytest.mark.hazard("H26")
@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_both_paths_agree_on_any_bytes(payload: bytes) -> None:
    """Noise is refused the same by both."""
    assert fast(payload) == exact(payload)


def test_both_paths_agree_on_the_poison_corpus() -> None:
    """All of it that is not a matter of the content type."""
    for poison in CORPUS:
        if not poison.content_type:
            assert fast(poison.payload) == exact(poison.payload)


DUPLICATES = st.sampled_from(['"v":1', '"id":"a"', '"seq":1', '"time":"2026-11-22T09:15:00Z"', '"battery_percent":5'])


@pytest.mark.hazard("H26")
@settings(max_examples=200)
@given(
    st.lists(DUPLICATES, min_size=1, max_size=6), st.lists(st.sampled_from(['"unit":"%"', '"value":97']), max_size=3)
)
def test_a_key_twice_is_always_seen(fields: list[str], more: list[str]) -> None:
    """Whatever else the message has, the count of quotes gives a repeated key away."""
    reading = ",".join(['"vital":"spo2"', '"value":97', *more])
    payload = ("{" + ",".join([*fields, '"readings":[{' + reading + "}]"]) + "}").encode()
    twice = len(set(fields)) < len(fields) or '"value":97' in more or len(set(more)) < len(more)
    assert (fast(payload) == "duplicate_key") == twice
