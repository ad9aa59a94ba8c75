"""Questionnaires as data: the TOML files under questionnaires/, checked, and what people answer as readings of the log.

Here: the loader, and from answers to readings: one for each answer, "answer:wellbeing.compared", and where the end was
reached one for the whole, "answers:wellbeing". What an answer leads to is the rules'; when one is asked, that of
vwmon.patients.dues.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from alerts import evidence
from alerts.policy import RULES
from devices import questions
from devices.answers import Answers, decode
from devices.errors import PayloadError, QuestionError
from devices.questions import Answer, Question, Questions
from devices.readings import Message, Reading, Refused
from vwmon.errors import ChartError, NotFoundError
from vwmon.patients.plans import QUESTIONNAIRES, UNUSABLE

ONE, WHOLE = evidence.ANSWER, evidence.WHOLE
FOLDER = Path(__file__).parent / "questionnaires"
KEYS = {"version", "title", "source", "first", "questions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """One set of questions with its source; `levels` put the words that are answers in an order, by question."""

    set: Questions
    source: str
    levels: Mapping[str, Mapping[str, float]]

    @property
    def whole(self) -> str:
        """Give what the log calls the whole of it."""
        return f"{WHOLE}{self.set.questionnaire}"

    def level(self, question: str, answer: Answer) -> float:
        """Give the number that stands for an answer."""
        return self.levels[question][answer] if isinstance(answer, str) else answer


def load(name: str) -> Questionnaire:
    """Give a questionnaire. NotFoundError names those there are; ChartError says what a file contradicts."""
    loaded = load_all()
    if name not in loaded:
        raise NotFoundError(f"there is no questionnaire {name!a}; there are {', '.join(loaded)}")
    return loaded[name]


@cache
def load_all() -> Mapping[str, Questionnaire]:
    """Give every questionnaire of the package by its name. ChartError when a rule asks for an answer of none."""
    loaded = {name: parse(name, (FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in QUESTIONNAIRES}
    for rule in RULES.values():
        if rule.quantity.startswith(ONE) and _found(loaded, rule.quantity) is None:
            raise ChartError(f"the rule {rule.name} asks for {rule.quantity}, which no questionnaire asks")
    return loaded


def parse(name: str, content: str) -> Questionnaire:
    """Read one questionnaire from TOML text. ChartError says everything that is wrong with it."""
    try:
        table = tomllib.loads(content)
        if table.keys() != KEYS:
            raise ValueError(f"its keys are {', '.join(sorted(KEYS))}")
        levels = {key: entry.pop("levels", {}) for key, entry in table["questions"].items()}
        source = table.pop("source")
        found = msgspec.convert({"questionnaire": name, **table}, Questions)
    except (*UNUSABLE, msgspec.ValidationError) as error:
        raise ChartError(f"the questionnaire {name} cannot be used: {error}") from error
    faults = [*([] if str(source).strip() and found.version.isdecimal() else ["a source, and a version in digits"])]
    faults += [*questions.faults(found), *(f for key, one in found.questions.items() for f in _level(key, one, levels))]
    if faults:
        raise ChartError(f"the questionnaire {name} cannot be used: {'; '.join(faults)}")
    return Questionnaire(set=found, source=str(source), levels=levels)


def readings(said: Answers) -> Message:
    """Give answers as a message of readings, each answer judged by itself.

    What is no answer is refused; so is one that the others do not lead to, where the way that they take is known.
    PayloadError where no such questionnaire is.
    """
    one = load_all().get(said.questionnaire)
    if one is None:
        raise PayloadError("questionnaire_unknown", ascii(said.questionnaire)[:60], message_id=said.id)
    judged = [_judged(one, said, index, name, sent) for index, (name, sent) in enumerate(said.said.items())]
    refused = [found for found in judged if isinstance(found, Refused)]
    taken = {name: found for name, found in zip(said.said, judged, strict=True) if not isinstance(found, Refused)}
    answers = {name: answer for name, (answer, _) in taken.items()}
    ended = one.set.open(answers) is None
    strayed = [name for name in taken if ended and name not in one.set.asked(answers)]
    index = list(said.said).index
    refused += [_refused(said, name, "question_not_asked", "", index(name)) for name in strayed]
    kept = [reading for name, (_, reading) in taken.items() if name not in strayed]
    whole = [_reading(said, one.whole, float(one.set.version), said.version or None)] if ended else []
    return Message(id=said.id, seq=None, battery_percent=None, readings=(*kept, *whole), refused=tuple(refused))


def message(payload: bytes, device: str, received_ms: int) -> Message:
    """Read answers as bytes into readings; PayloadError also for what is no answers but a confirmation."""
    said = decode(payload, device, received_ms)
    if not isinstance(said, Answers):
        raise PayloadError("answers_missing", message_id=said.id)
    return readings(said)


def sentence(name: str, value: float) -> str:
    """Say an answer, by what the log calls it, in the words of the question: 'How do you feel?' answered "Worse"."""
    found = _found(load_all(), name)
    if found is None:
        return f"{name} {value:g}"
    one, key = found
    question = one.set.questions[key]
    words = [question.words[word] for word, level in one.levels.get(key, {}).items() if level == value]
    return f'"{question.text}" answered with "{words[0] if words else f"{value:g}"}"'


def _found(loaded: Mapping[str, Questionnaire], name: str) -> tuple[Questionnaire, str] | None:
    title, _, key = name.removeprefix(ONE).partition(".")
    one = loaded.get(title)
    return (one, key) if one is not None and key in one.set.questions else None


def _judged(one: Questionnaire, said: Answers, index: int, name: str, sent: object) -> tuple[Answer, Reading] | Refused:
    question = one.set.questions.get(name)
    if question is None:
        return _refused(said, name, "question_unknown", "", index)
    try:
        answer = question.answer(sent)
    except QuestionError as error:
        return _refused(said, name, error.reason, error.detail, index)
    raw = answer if isinstance(answer, str) else None
    return answer, _reading(said, f"{ONE}{said.questionnaire}.{name}", one.level(name, answer), raw)


def _reading(said: Answers, vital: str, value: float, raw: str | None) -> Reading:
    at = said.observed
    return Reading(
        vital=vital,
        value=float(value),
        text=None,
        observed_ms=at.observed_ms,
        raw_value=raw,
        raw_unit=None,
        marks=at.marks,
    )


def _refused(said: Answers, name: str, reason: str, detail: str, index: int) -> Refused:
    vital = ascii(f"{ONE}{said.questionnaire}.{name}")[1:-1][:64]
    return Refused(vital=vital, reason=reason, detail=detail, index=index)


def _level(key: str, question: Question, levels: Mapping[str, Any]) -> Iterator[str]:
    given = levels[key]
    if not isinstance(given, dict) or given.keys() != dict(question.words).keys():
        yield f"{key}: levels are by answer, and the answers are {', '.join(question.words) or 'numbers'}"
    elif any(type(level) not in {int, float} for level in given.values()) or len(set(given.values())) < len(given):
        yield f"{key}: each answer has a level, a number of its own, so that it can be told from the number"
