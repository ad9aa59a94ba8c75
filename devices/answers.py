"""What a hub says on the topic of answers: the answers to a set of questions, or that a request was shown or read.

Here: bytes to what was said, read strictly. Not here: whether the answers are any (the set of questions is the ward's),
or whose they are.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from devices import acceptance, strict_json
from devices.acceptance import Stamp
from devices.errors import PayloadError, ReadingError

LARGEST: Final = 65536
ID_CHARS: Final = 128
NAME_CHARS: Final = 64
MOST: Final = 100  # answers in a message
SHOWN, READ = "shown", "read"
STATES: Final = (SHOWN, READ)  # no set: where a word belongs there may be an object


class Answers(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answers to one set of questions, as they were sent, by question; `version` is "" where it was not said."""

    id: str | None
    observed: Stamp
    questionnaire: str
    version: str
    said: Mapping[str, Any]


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The word of a hub that a request, "m7", was shown to its patient, or that the patient confirmed reading it."""

    id: str | None
    observed: Stamp
    request: str
    state: str


def decode(payload: bytes, device: str, received_ms: int) -> Answers | Confirmation:
    """Return what was said; PayloadError with its reason when nothing of it can be used."""
    if len(payload) > LARGEST:
        raise PayloadError("too_large", f"{len(payload)} bytes")
    fields = strict_json.object_of(payload)
    message_id = _id(fields)
    version, named = fields.get("v"), fields.get("device")
    if version is not None and (type(version) is not int or version != 1):
        raise PayloadError("version_not_supported", message_id=message_id)
    if named is not None and named != device:
        raise PayloadError("other_device", message_id=message_id)
    observed = _observed(fields, received_ms, message_id)
    if "request" in fields:
        return _confirmation(fields, message_id, observed)
    return _answers(fields, message_id, observed)


def _answers(fields: Mapping[str, Any], message_id: str | None, observed: Stamp) -> Answers:
    said, version = fields.get("answers"), fields.get("version", "")
    if not isinstance(said, dict) or not 0 < len(said) <= MOST:
        raise PayloadError("answers_missing", message_id=message_id)
    if not isinstance(version, str) or len(version) > NAME_CHARS or not version.isprintable():
        raise PayloadError("questionnaire_invalid", acceptance.seen(version), message_id=message_id)
    name = _name(fields.get("questionnaire"), "questionnaire_invalid", message_id)
    return Answers(id=message_id, observed=observed, questionnaire=name, version=version, said=said)


def _confirmation(fields: Mapping[str, Any], message_id: str | None, observed: Stamp) -> Confirmation:
    state = fields.get("state")
    if state not in STATES:
        raise PayloadError("confirmation_invalid", acceptance.seen(state), message_id=message_id)
    request = _name(fields["request"], "confirmation_invalid", message_id)
    return Confirmation(id=message_id, observed=observed, request=request, state=state)


def _id(fields: Mapping[str, Any]) -> str | None:
    word = fields.get("id")
    if word is None or (isinstance(word, str) and 0 < len(word) <= ID_CHARS and word.isprintable()):
        return word
    raise PayloadError("id_invalid", acceptance.seen(word))


def _observed(fields: Mapping[str, Any], received_ms: int, message_id: str | None) -> Stamp:
    try:
        return acceptance.stamp(fields.get("time"), received_ms)
    except ReadingError as error:
        raise PayloadError(error.reason, error.detail, message_id=message_id) from error


def _name(word: object, reason: str, message_id: str | None) -> str:
    if not isinstance(word, str) or not 0 < len(word) <= NAME_CHARS or not word.isprintable():
        raise PayloadError(reason, acceptance.seen(word), message_id=message_id)
    return word
