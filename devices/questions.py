"""Short sets of questions: what is asked, which answer leads where, and whether what was said is an answer. Pure.

Here: the grammar that a ward sends to a hub, and the way through it. Not here: which questions there are, what an
answer is worth, or how they are put to anybody.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from devices.errors import QuestionError

END: Final = "end"
YES_NO: Final[Mapping[str, str]] = {"yes": "Yes", "no": "No"}

Answer = str | float  # the word of a choice, yes or no; or a number


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question. `choices` are words with what people read; `range` bounds a number, both ends included.

    `next` names the question that follows: one for all, or one by answer. By answer, a number's keys are the least
    number from which on they lead there.
    """

    text: str
    kind: Literal["choice", "yes_no", "number"]
    choices: dict[str, str] = {}
    range: tuple[float, float] | None = None
    next: str | dict[str, str] = END

    @property
    def words(self) -> Mapping[str, str]:
        """Give the words that are answers, with what people read; none for a number."""
        return YES_NO if self.kind == "yes_no" else self.choices

    def answer(self, sent: object) -> Answer:
        """Read an answer as JSON has it; QuestionError with its reason for what is none."""
        if self.kind == "number":
            return self._number(sent)
        word = {True: "yes", False: "no"}[sent] if isinstance(sent, bool) and self.kind == "yes_no" else sent
        if not isinstance(word, str) or word not in self.words:
            raise QuestionError("answer_not_a_choice", ascii(sent)[:60])
        return word

    def following(self, answer: Answer) -> str:
        """Name what follows an answer; END when nothing does."""
        if isinstance(self.next, str):
            return self.next
        if isinstance(answer, str):
            return self.next[answer]
        return self.next[max((key for key in self.next if float(key) <= answer), key=float)]

    def leads(self) -> Iterator[str]:
        """Yield everything that may follow."""
        yield from [self.next] if isinstance(self.next, str) else self.next.values()

    def _number(self, sent: object) -> float:
        if isinstance(sent, bool) or not isinstance(sent, int | float) or self.range is None:
            raise QuestionError("answer_not_a_number", ascii(sent)[:60])
        low, high = self.range
        if not low <= sent <= high:
            raise QuestionError("answer_out_of_range", f"{sent:g} is not from {low:g} to {high:g}")
        return float(sent)


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """One set in one version: the questions by their ids, and which comes first."""

    questionnaire: str
    version: str
    title: str
    first: str
    questions: dict[str, Question]

    def asked(self, answers: Mapping[str, Answer]) -> list[str]:
        """Name the questions that these answers lead through, in order; the last may not be answered yet."""
        way = [self.first]
        while way[-1] in answers and (following := self.questions[way[-1]].following(answers[way[-1]])) != END:
            way.append(following)
        return way

    def open(self, answers: Mapping[str, Answer]) -> str | None:
        """Name the question that is to be put next; None when the end is reached."""
        last = self.asked(answers)[-1]
        return None if last in answers else last


def faults(one: Questions) -> list[str]:
    """Say everything that would leave somebody without a way to the end, or a question without a way to it."""
    found = [f"{name}: {fault}" for name, question in one.questions.items() for fault in _faults(question)]
    for name, question in one.questions.items():
        found += [
            f"{name}: {lead!r} follows, and is no question" for lead in question.leads() if not _is_there(one, lead)
        ]
    if one.first not in one.questions:
        return [*found, f"the first question, {one.first!r}, is none"]
    reached = _reached(one)
    found += [f"{name}: nothing leads to it" for name in one.questions if name not in reached]
    return found + [f"{name}: it can follow itself" for name in one.questions if name in _from(one, name)]


def _is_there(one: Questions, lead: str) -> bool:
    return lead == END or lead in one.questions


def _reached(one: Questions) -> set[str]:
    return {one.first, *_from(one, one.first)}


def _from(one: Questions, name: str) -> set[str]:
    """Name every question that may come after one."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        leads = {lead for lead in one.questions[waiting.pop()].leads() if lead in one.questions} - reached
        reached |= leads
        waiting += leads
    return reached


def _faults(question: Question) -> Iterator[str]:
    if not question.text.strip():
        yield "it asks nothing"
    if (question.kind == "choice") != bool(question.choices):
        yield "choices belong to a choice, which has some"
    if (question.kind == "number") != (question.range is not None):
        yield "a range belongs to a number, which has one"
    if question.range is not None and not question.range[0] < question.range[1]:
        yield "its range has no numbers"
    elif not isinstance(question.next, str):
        yield from _unled(question, question.next)


def _unled(question: Question, by_answer: Mapping[str, str]) -> Iterator[str]:
    """Say which answers lead nowhere, and which ways no answer leads."""
    if question.range is None:
        if by_answer.keys() != question.words.keys():
            yield f"next is by answer, and the answers are {', '.join(question.words)}"
        return
    low, high = question.range
    try:
        starts = sorted(float(key) for key in by_answer)
    except ValueError:
        starts = []
    if not starts or starts[0] != low or starts[-1] > high:
        yield f"next is by the least number of each way, the first of them {low:g}, none above {high:g}"
