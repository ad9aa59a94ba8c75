"""Which refusals say that something was measured: of which vital, when, and what came in place of a value."""

import json

import pytest

from devices.errors import REASONS
from devices.payloads import decode
from devices.readings import MESSAGE_LEVEL, Attempt, Refused
from devices.vitals import VITALS, find
from tests.faults.poison import DEVICE, IN_PART, NOW, NOW_MS, Poison
from vwmon.patients.plans import FEEDS
from vwmon.scoring.charts import PARTS

MINUTE = 60_000
TRIED = {
    "value_missing",
    "value_not_a_number",
    "value_not_a_choice",
    "value_not_finite",
    "value_not_whole",
    "value_impossible",
    "value_zero",
    "unit_slip",
    "unit_invalid",
    "unit_unknown",
}


def refused(fields: dict[str, object], time: str | None = NOW) -> Refused:
    """Decode a message of one reading that is refused."""
    sent = {"v": 1, "id": "m", "readings": [fields]} | ({"time": time} if time else {})
    (one,) = decode(json.dumps(sent).encode(), device=DEVICE, received_ms=NOW_MS).refused
    return one


def tried(vital: str, sent: str, observed_ms: int = NOW_MS) -> Attempt:
    """Make an attempt."""
    return Attempt(vital=vital, observed_ms=observed_ms, sent=sent)


@pytest.mark.parametrize(
    ("fields", "attempt"),
    [
        ({"vital": "spo2", "value": 120}, tried("spo2", "120 %")),
        ({"vital": "spo2", "value": 0, "unit": "%"}, tried("spo2", "0 %")),
        ({"vital": "temperature", "value": 98.9, "unit": "degC"}, tried("temperature", "98.9 degC, likely degF")),
        ({"vital": "pulse", "value": 72, "unit": "Hz"}, tried("heart_rate", "72 Hz")),
        ({"vital": "loinc:2708-6", "value": "high"}, tried("spo2", "'high'")),
        ({"vital": "mdc:150456", "value": True}, tried("spo2", "True")),
        ({"vital": "resp_rate", "value": None}, tried("respiratory_rate", "no value")),
        ({"vital": "consciousness", "value": "X"}, tried("consciousness", "'X'")),
        ({"vital": "gcs", "value": 14.5}, tried("gcs", "14.5")),
        ({"vital": "fio2", "value": 1e300}, tried("fio2", "1e+300 fraction")),
        ({"vital": "heart_rate", "value": 72, "unit": 5}, tried("heart_rate", "72 5")),
        ({"vital": "heart_rate", "value": 72, "unit": "beats\u200b/min"}, tried("heart_rate", "72 'beats\\u200b/min'")),
        ({"vital": "weight", "value": -1}, tried("weight", "-1 kg")),
    ],
    ids=lambda value: value.sent if isinstance(value, Attempt) else "",
)
def test_a_value_that_is_no_use_was_still_measured(fields: dict[str, object], attempt: Attempt) -> None:
    """By the vital's own name, whatever it was called, with what a person may read of it in plain ASCII."""
    assert refused(fields).attempt == attempt


@pytest.mark.parametrize(
    "fields",
    [
        {"vital": "mood", "value": None},
        {"vital": "spo2", "value": 120, "time": "yesterday"},
        {"vital": "spo2", "value": 120, "time": "1999-12-31T23:59:59Z"},
        {"vital": "spo2", "value": 97, "time": "2026-11-24T09:15:00Z"},
        {"vital": "spo2", "value": 97, "time": "2026-11-22T09:15:00"},
        {"value": 97},
        {"vital": "oxygen saturation", "value": 97},
    ],
    ids=str,
)
def test_without_a_known_vital_or_a_believable_time_nothing_was_tried(fields: dict[str, object]) -> None:
    """Nobody knows of what, or when."""
    assert refused(fields).attempt is None


@pytest.mark.parametrize(
    ("message", "own", "observed_ms"),
    [
        (NOW, "2026-11-22T09:05:00Z", NOW_MS - 10 * MINUTE),
        (NOW, None, NOW_MS),
        (None, None, NOW_MS),
        ("2026-11-22T09:05:00Z", None, NOW_MS - 10 * MINUTE),
        ("2026-11-22T12:00:00Z", None, NOW_MS),
        ("yesterday", "2026-11-22T09:05:00Z", NOW_MS - 10 * MINUTE),
    ],
    ids=["its own", "the message's", "none", "earlier", "clock ahead", "its own beside a bad one"],
)
def test_an_attempt_is_dated_as_a_reading_is(message: str | None, own: str | None, observed_ms: int) -> None:
    """Its own time before the message's; without one, or with a clock that is ahead, the time of receipt."""
    sent: dict[str, object] = {"vital": "spo2", "value": 120, "time": own}
    assert refused(sent, message).attempt == tried("spo2", "120 %", observed_ms)


@pytest.mark.parametrize("poison", IN_PART, ids=lambda poison: poison.name)
def test_exactly_the_reasons_named_are_attempts(poison: Poison) -> None:
    """Over the whole poison corpus: a reading of a known vital with one of these reasons, and nothing else."""
    (one,) = decode(poison.payload, device=DEVICE, received_ms=NOW_MS, content_type=poison.content_type).refused
    known = one.vital is not None and find(one.vital) is not None
    assert (one.attempt is not None) == (one.reason in TRIED and known)
    if one.attempt is not None:
        assert one.index != MESSAGE_LEVEL
        assert one.attempt.sent.isascii()
        assert len(one.attempt.sent) <= 2 * 64


def test_some_poison_has_each_of_these_reasons() -> None:
    """None is misspelt, and each was tried above."""
    assert TRIED - set(REASONS) == set()
    assert TRIED - {poison.reason for poison in IN_PART} == set()


def test_a_part_of_the_score_never_comes_as_words() -> None:
    """So a row of the log without a number is an attempt, if its vital is scored: every such vital is in the table."""
    assert {*PARTS, *FEEDS} <= set(VITALS)
