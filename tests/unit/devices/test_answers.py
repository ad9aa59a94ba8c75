"""What a hub says on the topic of answers: read strictly, each fault with its reason; and what a hub itself writes."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import answers, replies
from devices.answers import Answers, Confirmation
from devices.errors import OF_ANSWERS, PayloadError, QuestionError
from devices.questions import Question
from devices.readings import MARK_RECEIPT_TIME
from devices.said import Request, request

NOW_MS = 1_795_000_000_000
AT = "2026-11-18T10:00:00Z"
GOOD: Mapping[str, Any] = {
    "v": 1,
    "id": "a-1",
    "time": AT,
    "questionnaire": "wellbeing",
    "version": "1",
    "answers": {"compared": "worse", "many": 3, "so": True},
}
SHOWN: Mapping[str, Any] = {"v": 1, "id": "c-1", "time": AT, "request": "m7", "state": "shown"}
ASKED = {
    "v": 1,
    "id": "q3",
    "request": "questions",
    "due": AT,
    "questions": {
        "questionnaire": "short",
        "version": "2",
        "title": "Short",
        "first": "so",
        "questions": {
            "so": {"text": "Is it so?", "kind": "yes_no", "next": {"yes": "many", "no": "end"}},
            "many": {"text": "How many?", "kind": "number", "range": [0, 9]},
        },
    },
}


def read(said: object) -> Answers | Confirmation:
    """Read a message as the ward does."""
    return answers.decode(json.dumps(said).encode(), "hub-1", NOW_MS)


def asked() -> Request:
    """Give a request as a hub reads it."""
    return request(json.dumps(ASKED).encode())


def test_answers_and_confirmations_are_read() -> None:
    """As they were sent; whether they are answers is the questionnaire's to say."""
    found = read({**GOOD, "mood": "extra fields are ignored"})
    assert isinstance(found, Answers)
    assert (found.id, found.questionnaire, found.version) == ("a-1", "wellbeing", "1")
    assert found.said == {"compared": "worse", "many": 3, "so": True}
    assert found.observed.marks == 0
    told = read({**SHOWN, "state": "read"})
    assert isinstance(told, Confirmation)
    assert (told.request, told.state) == ("m7", "read")


def test_without_a_time_it_is_the_time_of_receipt_and_marked() -> None:
    """As a reading's is."""
    found = read({name: value for name, value in GOOD.items() if name != "time"})
    assert found.observed == (NOW_MS, MARK_RECEIPT_TIME)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({**GOOD, "answers": {}}, "answers_missing"),
        ({**GOOD, "answers": [1]}, "answers_missing"),
        ({**GOOD, "answers": {f"q{number}": 1 for number in range(101)}}, "answers_missing"),
        ({**GOOD, "questionnaire": None}, "questionnaire_invalid"),
        ({**GOOD, "questionnaire": "x" * 65}, "questionnaire_invalid"),
        ({**GOOD, "questionnaire": "\x1b[2J"}, "questionnaire_invalid"),
        ({**GOOD, "version": 1}, "questionnaire_invalid"),
        ({**GOOD, "v": 2}, "version_not_supported"),
        ({**GOOD, "v": True}, "version_not_supported"),
        ({**GOOD, "id": ""}, "id_invalid"),
        ({**GOOD, "time": "10:00"}, "time_invalid"),
        ({**GOOD, "time": "2026-11-18T10:00:00"}, "time_without_zone"),
        ({**GOOD, "device": "hub-2"}, "other_device"),
        ({**SHOWN, "state": "burnt"}, "confirmation_invalid"),
        ({**SHOWN, "state": {}}, "confirmation_invalid"),
        ({**SHOWN, "state": ["shown"]}, "confirmation_invalid"),
        ({**SHOWN, "request": 7}, "confirmation_invalid"),
        ([GOOD], "not_an_object"),
    ],
)
def test_what_cannot_be_read_says_why(said: object, reason: str) -> None:
    """For the quarantine, with the id where that could be read."""
    with pytest.raises(PayloadError) as caught:
        read(said)
    assert caught.value.reason == reason
    assert reason not in OF_ANSWERS or OF_ANSWERS[reason].endswith(".")
    if isinstance(said, dict) and said["id"]:
        assert caught.value.message_id == said["id"]


def test_a_key_that_comes_twice_is_refused() -> None:
    """No rule says which answer is meant."""
    with pytest.raises(PayloadError, match="duplicate_key"):
        answers.decode(b'{"questionnaire":"w","answers":{"a":"yes","a":"no"}}', "hub-1", NOW_MS)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["v", "id", "time", "questionnaire", "version", "answers", "request", "state", "x"]
                    ),
                    inner,
                    max_size=6,
                )
            ),
            max_leaves=12,
        ).map(lambda said: json.dumps(said).encode()),
    )
)
def test_nothing_that_is_sent_does_anything_but_be_read_or_refused(payload: bytes) -> None:
    """No other error, whatever comes."""
    try:
        found = answers.decode(payload, "hub-1", NOW_MS)
    except PayloadError:
        return
    assert isinstance(found, Answers | Confirmation)


def test_a_hub_puts_the_questions_along_their_way_and_asks_again_what_was_no_answer() -> None:
    """The patient sees each question's text; the ward reads back what was said."""
    said = iter(["perhaps", "yes", "many", 4])
    seen: list[str] = []

    def screen(question: Question) -> object:
        seen.append(question.text)
        return next(said)

    given_ = replies.put(asked(), screen)
    assert seen == ["Is it so?", "Is it so?", "How many?", "How many?"]
    payload, named = replies.answered(asked(), given_, NOW_MS)
    found = answers.decode(payload, "hub-1", NOW_MS)
    assert isinstance(found, Answers)
    assert (found.id, found.questionnaire, found.version) == (named, "short", "2")
    assert found.said == {"so": "yes", "many": 4.0}
    assert found.observed.observed_ms == NOW_MS


def test_the_same_reply_has_the_same_id_so_that_a_repeat_changes_nothing() -> None:
    """Shown and read are two."""
    ids = [replies.shown(asked(), NOW_MS)[1], replies.shown(asked(), NOW_MS + 1)[1], replies.read(asked(), NOW_MS)[1]]
    assert ids == ["q3-shown", "q3-shown", "q3-read"]
    told = answers.decode(replies.read(asked(), NOW_MS)[0], "hub-1", NOW_MS)
    assert isinstance(told, Confirmation)
    assert (told.request, told.state) == ("q3", "read")


def test_a_request_without_questions_cannot_be_answered() -> None:
    """A message is shown and read."""
    with pytest.raises(QuestionError):
        replies.put(Request(id="m1", request="message", text="hello"), lambda _: "yes")
    with pytest.raises(QuestionError):
        replies.answered(Request(id="m1", request="message"), {"a": "yes"}, NOW_MS)


def test_a_hub_ignores_a_request_whose_questions_it_cannot_read() -> None:
    """It is as if it had not come, and comes again."""
    broken = json.loads(json.dumps(ASKED))
    broken["questions"]["questions"]["so"]["kind"] = "drawing"
    with pytest.raises(msgspec.ValidationError):
        request(json.dumps(broken).encode())
