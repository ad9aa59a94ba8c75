"""What a hub replies to the ward: answers to questions, and that something was shown or read, as messages to send.

Here: the bytes, and an id that is the same whenever the same is said again. Not here: the screen, or the connection.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from devices import times
from devices.answers import READ, SHOWN
from devices.errors import QuestionError
from devices.questions import Answer, Question
from devices.said import Request

ANSWERS: Final = "answers"  # the kind of message that replies are
Ask = Callable[[Question], object]  # puts one question to the patient, and gives what was said


def put(request: Request, ask: Ask) -> Mapping[str, Answer]:
    """Put the questions of a request to the patient, one after the other along the way that the answers take.

    What is no answer is asked again. QuestionError for a request without questions.
    """
    if request.questions is None:
        raise QuestionError("answers_missing")
    answers: dict[str, Answer] = {}
    while (name := request.questions.open(answers)) is not None:
        question = request.questions.questions[name]
        try:
            answers[name] = question.answer(ask(question))
        except QuestionError:
            continue
    return answers


def answered(request: Request, answers: Mapping[str, Answer], at_ms: int) -> tuple[bytes, str]:
    """Return the message with the answers that were given at a time, and its id."""
    if request.questions is None:
        raise QuestionError("answers_missing")
    named = f"{request.id}-answers"
    asked = {"questionnaire": request.questions.questionnaire, "version": request.questions.version}
    return _said(named, at_ms, {**asked, "answers": dict(answers)}), named


def shown(request: Request, at_ms: int) -> tuple[bytes, str]:
    """Return the message that a request was put before the patient at a time, and its id."""
    return _confirmed(request, SHOWN, at_ms)


def read(request: Request, at_ms: int) -> tuple[bytes, str]:
    """Return the message that the patient confirmed at a time to have read it, and its id."""
    return _confirmed(request, READ, at_ms)


def _confirmed(request: Request, state: str, at_ms: int) -> tuple[bytes, str]:
    named = f"{request.id}-{state}"
    return _said(named, at_ms, {"request": request.id, "state": state}), named


def _said(named: str, at_ms: int, more: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"v": 1, "id": named, "time": times.utc(at_ms), **more})
