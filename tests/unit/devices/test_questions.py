"""Sets of questions: every answer leads on or to the end, and what leaves anybody without a way is found."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import questions
from devices.errors import QuestionError
from devices.questions import END, Question, Questions

YES_NO = {"text": "Is it so?", "kind": "yes_no"}
GOOD: Mapping[str, Any] = {
    "feel": {
        "text": "How?",
        "kind": "choice",
        "choices": {"well": "Well", "ill": "Ill"},
        "next": {"well": "end", "ill": "pain"},
    },
    "pain": {"text": "How bad?", "kind": "number", "range": [0, 10], "next": {"0": "end", "4": "rest"}},
    "rest": {**YES_NO, "next": "end"},
}


def asking(asked: Mapping[str, Any] = GOOD, first: str = "feel") -> Questions:
    """Make a set as TOML and the wire have it."""
    fields = {"questionnaire": "q", "version": "1", "title": "Q", "first": first, "questions": asked}
    return msgspec.convert(fields, Questions)


def test_answers_lead_along_their_way_to_the_end() -> None:
    """Who is well is asked nothing more; pain is asked about from 4 up."""
    one = asking()
    assert questions.faults(one) == []
    assert one.open({}) == "feel"
    assert (one.asked({"feel": "well"}), one.open({"feel": "well"})) == (["feel"], None)
    assert one.open({"feel": "ill"}) == "pain"
    assert one.open({"feel": "ill", "pain": 3.9}) is None
    assert one.open({"feel": "ill", "pain": 4.0}) == "rest"
    assert one.asked({"feel": "ill", "pain": 10.0, "rest": "no"}) == ["feel", "pain", "rest"]


@pytest.mark.parametrize(
    ("question", "sent", "answer"),
    [
        ({**YES_NO}, True, "yes"),
        ({**YES_NO}, "no", "no"),
        (GOOD["feel"], "ill", "ill"),
        (GOOD["pain"], 0, 0.0),
        (GOOD["pain"], 10, 10.0),
    ],
)
def test_an_answer_is_read_as_json_has_it(question: Mapping[str, Any], sent: object, answer: object) -> None:
    """A word, true or false, a number within its range with both ends."""
    assert msgspec.convert(question, Question).answer(sent) == answer


@pytest.mark.parametrize(
    ("question", "sent", "reason"),
    [
        ({**YES_NO}, "perhaps", "answer_not_a_choice"),
        ({**YES_NO}, 1, "answer_not_a_choice"),
        ({**YES_NO}, None, "answer_not_a_choice"),
        (GOOD["feel"], "Well", "answer_not_a_choice"),
        (GOOD["feel"], True, "answer_not_a_choice"),
        (GOOD["feel"], ["well"], "answer_not_a_choice"),
        (GOOD["pain"], "3", "answer_not_a_number"),
        (GOOD["pain"], True, "answer_not_a_number"),
        (GOOD["pain"], 10.1, "answer_out_of_range"),
        (GOOD["pain"], -1, "answer_out_of_range"),
        (GOOD["pain"], float("nan"), "answer_out_of_range"),
    ],
)
def test_what_is_no_answer_is_refused_with_its_reason(question: Mapping[str, Any], sent: object, reason: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(QuestionError) as caught:
        msgspec.convert(question, Question).answer(sent)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"rest": {**YES_NO, "next": "feel"}}, "feel: it can follow itself"),
        ({"rest": {**YES_NO, "next": "rest"}}, "rest: it can follow itself"),
        ({"rest": {**YES_NO, "next": "sleep"}}, "'sleep' follows, and is no question"),
        ({"other": {**YES_NO}}, "other: nothing leads to it"),
        ({"feel": {**GOOD["feel"], "next": {"well": "end"}}}, "feel: next is by answer"),
        ({"feel": {**GOOD["feel"], "next": {"well": "end", "ill": "pain", "so": "end"}}}, "feel: next is by answer"),
        ({"pain": {**GOOD["pain"], "next": {"4": "rest"}}}, "pain: next is by the least number"),
        ({"pain": {**GOOD["pain"], "next": {"0": "end", "11": "rest"}}}, "pain: next is by the least number"),
        ({"pain": {**GOOD["pain"], "next": {"0": "end", "much": "rest"}}}, "pain: next is by the least number"),
        ({"pain": {"text": "How bad?", "kind": "number", "next": "rest"}}, "pain: a range belongs to a number"),
        ({"pain": {**GOOD["pain"], "range": [5, 5]}}, "pain: its range has no numbers"),
        ({"rest": {**YES_NO, "choices": {"so": "So"}}}, "rest: choices belong to a choice"),
        ({"rest": {**YES_NO, "text": " "}}, "rest: it asks nothing"),
    ],
)
def test_a_set_with_a_fault_says_which(changed: Mapping[str, Any], fault: str) -> None:
    """No circle, no question without a way to it, no answer without a way on, no way without an answer."""
    assert any(fault in one for one in questions.faults(asking({**GOOD, **changed})))


def test_every_fault_is_said_and_a_first_question_that_is_none() -> None:
    """All at once."""
    found = questions.faults(asking({**GOOD, "rest": {**YES_NO, "text": ""}}, first="start"))
    assert len(found) == 2
    assert "'start', is none" in found[-1]


@st.composite
def sets(draw: st.DrawFn) -> Questions:
    """Sets in which questions lead anywhere at all."""
    names = [f"q{number}" for number in range(draw(st.integers(1, 5)))]
    leads = st.sampled_from([*names, END])

    def question() -> dict[str, Any]:
        if draw(st.booleans()):
            following = draw(st.one_of(leads, st.fixed_dictionaries({"yes": leads, "no": leads})))
            return {**YES_NO, "next": following}
        starts = ["0", *draw(st.lists(st.sampled_from(["2", "5.5", "9"]), unique=True))]
        following = {start: draw(leads) for start in starts}
        return {"text": "How many?", "kind": "number", "range": [0, 9], "next": following}

    return asking({name: question() for name in names}, first="q0")


@given(sets(), st.data())
def test_a_set_without_a_fault_always_comes_to_its_end(one: Questions, data: st.DataObject) -> None:
    """Whatever is answered, each question at most once, never to a question that is not there."""
    if questions.faults(one):
        return
    answers: dict[str, str | float] = {}
    while (name := one.open(answers)) is not None:
        assert name not in answers
        question = one.questions[name]
        words = list(question.words)
        answers[name] = data.draw(st.sampled_from(words)) if words else data.draw(st.floats(0, 9))
    assert one.asked(answers) == list(answers)
    assert len(answers) <= len(one.questions)


@given(sets())
def test_a_set_with_a_circle_that_can_be_reached_is_never_taken(one: Questions) -> None:
    """Found by walking as far as there are questions, which is another way than the check goes."""
    ways = {one.first}
    for _ in range(len(one.questions)):
        ways = {lead for name in ways if name in one.questions for lead in one.questions[name].leads()}
    if ways - {END}:
        assert questions.faults(one)
