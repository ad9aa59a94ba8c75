"""What a person says or writes becomes readings, judged as a device's are, or an error that says what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon import by_hand
from vwmon.errors import UsageError

AT_MS = 1_795_338_900_000


def said(*words: str) -> list[tuple[str, float | None]]:
    """Give vitals and values of what was said."""
    message = by_hand.message(words, "id", AT_MS)
    assert all(reading.observed_ms == AT_MS for reading in message.readings)
    return [(reading.vital, reading.value) for reading in message.readings]


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("spo2=94", [("spo2", 94)]),
        ("spo2=94%", [("spo2", 94)]),
        ("SpO2=94 %", [("spo2", 94)]),
        ("rr=18", [("respiratory_rate", 18)]),
        ("hr=72bpm", [("heart_rate", 72)]),
        ("pulse=72", [("heart_rate", 72)]),
        ("temp=37.5", [("temperature", 37.5)]),
        ("temp=101.3degF", [("temperature", 38.5)]),
        ("bp=120/80", [("systolic_bp", 120), ("diastolic_bp", 80)]),
        ("bp=16/10.5kPa", [("systolic_bp", 120.0101), ("diastolic_bp", 78.7566)]),
        ("o2=air", [("oxygen", 0)]),
        ("o2=2", [("oxygen", 2)]),
        ("acvpu=c", [("consciousness", 1)]),
        ("consciousness=A", [("consciousness", 0)]),
        ("weight=80.5", [("weight", 80.5)]),
    ],
)
def test_a_word_is_read_as_people_write_it(word: str, read: list[tuple[str, float]]) -> None:
    """Short names, units behind the number, a pressure as a pair, words for oxygen and consciousness."""
    got = said(word)
    assert [vital for vital, _ in got] == [vital for vital, _ in read]
    assert [value for _, value in got] == pytest.approx([value for _, value in read], abs=0.001)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["spo2"], "is not a reading"),
        (["=94"], "is not a reading"),
        (["spo2="], "is not a reading"),
        (["mood=good"], "no vital that the table knows"),
        (["spo2=120"], "spo2 120 %: The value is outside what is possible"),
        (["spo2=high"], "not a number"),
        (["spo2=0.94"], "spo2 0.94 %, likely fraction: The value is impossible"),
        (["temp=98.6"], "temperature 98.6 Cel, likely degF: The value is impossible"),
        (["temp=37 kelvin"], "unit"),
        (["acvpu=X"], "not one of the words"),
        (["bp=120"], "no vital that the table knows"),
        (["rr=18", "respiratory_rate=19"], "given twice"),
        (["spo2=120", "hr=900"], "heart_rate 900"),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_taken(words: list[str], complaint: str) -> None:
    """Every wrong word in one sentence; a good word beside it does not go in alone."""
    with pytest.raises(UsageError, match=complaint):
        by_hand.message([*words, "weight=80"], "id", AT_MS)


def test_a_value_outside_the_usual_is_taken_and_named() -> None:
    """An oximeter at 60 % may be right: it counts, and somebody should look again."""
    message = by_hand.message(["spo2=60", "hr=72"], "id", AT_MS)
    assert by_hand.questioned(message) == ["spo2"]


@given(st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_read_or_refused(words: list[str]) -> None:
    """No text raises anything else."""
    try:
        message = by_hand.message(words, "id", AT_MS)
    except UsageError:
        return
    assert message.refused == ()
