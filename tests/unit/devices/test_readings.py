"""Records that never change, and errors that say what they are about."""

import pytest

from devices.errors import REASONS, DeviceError, PayloadError, ReadingError, TopicError
from devices.readings import MARK_CLOCK_AHEAD, MARK_QUESTIONED, MARK_RECEIPT_TIME, MARK_UNKNOWN_VITAL, Message, Reading

READING = Reading(vital="spo2", value=97.0, text=None, observed_ms=0, raw_value=None, raw_unit=None, marks=0)


def test_a_reading_is_what_it_was() -> None:
    """Nothing that is handed on can be changed under its owner, and equal readings are equal."""
    with pytest.raises(AttributeError):
        READING.value = 12.0  # type: ignore[misc]
    message = Message(id="m", seq=1, battery_percent=None, readings=(READING,), refused=())
    with pytest.raises(AttributeError):
        message.readings = ()  # type: ignore[misc]
    assert len({READING, Reading(**{name: getattr(READING, name) for name in READING.__struct_fields__})}) == 1


def test_marks_are_bits_of_their_own() -> None:
    """They are stored together in one number, for good."""
    assert (MARK_RECEIPT_TIME, MARK_CLOCK_AHEAD, MARK_QUESTIONED, MARK_UNKNOWN_VITAL) == (1, 2, 4, 8)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_a_code_and_a_sentence(reason: str) -> None:
    """Codes for programs, sentences for people; an error without details says the sentence."""
    assert reason.replace("_", "").isalnum()
    assert reason == reason.lower()
    assert REASONS[reason].endswith(".")
    assert REASONS[reason] in str(PayloadError(reason))
    assert REASONS[reason] in str(ReadingError(reason))
    assert "more" in str(PayloadError(reason, "more"))


def test_there_is_one_base_of_all_errors() -> None:
    """Whoever catches DeviceError has caught them all."""
    assert all(issubclass(kind, DeviceError) for kind in (PayloadError, ReadingError, TopicError))
    assert PayloadError("empty").message_id is None
