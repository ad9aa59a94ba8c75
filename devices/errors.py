"""What can be wrong with what a device says, in words: the package's errors and the table of reasons.

Here: one error base, its kinds, and REASONS, the only list of reason codes with the sentence a person reads.
Not here: deciding that something is wrong; that is for the module which reads the thing.

DeviceError
 +-- PayloadError   a whole message cannot be used
 +-- ReadingError   one reading of a message cannot be used
 |    +-- QuestionError  what was said to a question is no answer
 +-- TopicError     a topic is not one of the grammar's
 +-- UnitError      a value's unit is not one the vital is taken in
 +-- VitalsError    the table of vitals contradicts itself
 +-- SpoolError     a device's spool on disk cannot be used
 +-- ClientError    a device's connection cannot be used
"""

from typing import Final

OF_ANSWERS: Final[dict[str, str]] = {
    "answers_missing": "The message has no answers, or more than a hundred.",
    "questionnaire_invalid": "The questionnaire or its version is not text of 1 to 64 printable characters.",
    "questionnaire_unknown": "There is no questionnaire of that name.",
    "question_unknown": "The questionnaire has no such question.",
    "question_not_asked": "The other answers do not lead to this question.",
    "answer_not_a_choice": "The answer is not one of those that the question has.",
    "answer_not_a_number": "The answer is not a number.",
    "answer_out_of_range": "The number is outside what the question asks for.",
    "confirmation_invalid": "The message does not say of which request it is, or whether that was shown or read.",
}
REASONS: Final[dict[str, str]] = OF_ANSWERS | {
    "empty": "The message has no bytes.",
    "too_large": "The message is larger than 64 KiB.",
    "content_type_not_supported": "The message is in a format that this release does not read.",
    "byte_order_mark": "The message begins with a byte order mark.",
    "not_utf8": "The message is not UTF-8 text.",
    "not_json": "The message is not JSON.",
    "not_finite": "The message holds NaN or Infinity, which JSON does not have.",
    "too_deep": "The message is nested too deeply.",
    "duplicate_key": "An object of the message has the same key twice.",
    "not_an_object": "The message is JSON, but not an object.",
    "not_an_array": "The message is JSON, but not an array of records.",
    "senml_invalid": "A record of the message is not one that SenML has, or asks to be understood and is not.",
    "fhir_invalid": "The message is neither a FHIR Observation nor a Bundle of them.",
    "version_not_supported": "The message's version is not 1.",
    "other_device": "The message names another device than its topic does.",
    "id_invalid": "The message's id is not text of 1 to 128 printable characters.",
    "readings_missing": "The message has no list of readings.",
    "no_readings": "The message's list of readings is empty.",
    "seq_invalid": "The sequence number is not a whole number from 0 to 2^53.",
    "battery_invalid": "The battery charge is not a number from 0 to 100.",
    "reading_not_an_object": "The reading is not an object.",
    "not_an_observation": "The resource is no FHIR Observation.",
    "not_final": "The observation's status says that its value does not stand, or not yet.",
    "codes_disagree": "The codes of the observation mean different vitals.",
    "vital_missing": "The reading does not say which vital it is of.",
    "vital_invalid": "The name of the vital is not text of 1 to 64 ASCII characters without spaces.",
    "value_missing": "The reading has no value.",
    "value_not_a_number": "The value is not a number.",
    "value_not_a_choice": "The value is not one of the words or letters that this vital is taken in.",
    "value_not_finite": "The value is too large to be a number here.",
    "value_not_whole": "The value is not a whole number, and this vital has no others.",
    "value_impossible": "The value is outside what is possible for this vital in the unit given.",
    "value_zero": "The value is 0, which this vital never is: a sensor that is off or has no signal says so.",
    "unit_slip": "The value is impossible in the unit given and usual in another: the unit is likely the wrong one.",
    "value_invalid": "The value is neither a number nor a text of at most 256 printable characters.",
    "unit_invalid": "The unit is not text of at most 64 printable characters.",
    "unit_unknown": "The unit is not one that this vital is taken in.",
    "vital_reserved": "Answers come on a topic of their own, and not as readings.",
    "time_invalid": "The time is not an ISO 8601 date and time.",
    "time_without_zone": "The time has no zone.",
    "time_past": "The time is before the year 2000.",
    "time_future": "The time is more than 24 hours ahead of the time of receipt.",
}


class DeviceError(Exception):
    """Something a device said, or was told to do, cannot be used."""


class PayloadError(DeviceError):
    """Nothing of a message can be used; `reason` is a key of REASONS, `message_id` set when it could still be read."""

    def __init__(self, reason: str, detail: str = "", *, message_id: str | None = None) -> None:
        """Take the reason's code, what was seen, and the message's own id if that much was readable."""
        super().__init__(f"{reason}: {detail or REASONS[reason]}")
        self.reason = reason
        self.detail = detail
        self.message_id = message_id


class ReadingError(DeviceError):
    """One reading cannot be used; `reason` is a key of REASONS."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Take the reason's code and what was seen."""
        super().__init__(f"{reason}: {detail or REASONS[reason]}")
        self.reason = reason
        self.detail = detail


class QuestionError(ReadingError):
    """What was said to a question is no answer to it."""


class TopicError(DeviceError):
    """A topic is not one of the grammar's."""


class UnitError(DeviceError):
    """A value's unit is not one that its vital is taken in."""


class VitalsError(DeviceError):
    """The table of vitals contradicts itself."""


class SpoolError(DeviceError):
    """A device's spool on disk cannot be used."""


class ClientError(DeviceError):
    """A device's connection to the broker cannot be used."""
