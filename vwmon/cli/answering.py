"""Answers of a patient entered by hand: said on the command line, or asked for question by question at the terminal.

What an answer is and where it leads is the questionnaire's; how it is stored is vwmon.store.entered's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import typer

from devices.acceptance import Stamp
from devices.answers import Answers
from devices.errors import REASONS, QuestionError
from devices.questions import Answer, Question, Questions
from devices.readings import Message
from vwmon import terms
from vwmon.by_hand import WAYS
from vwmon.cli import answer_rows, render
from vwmon.cli.changing import Change, changing
from vwmon.cli.entering import moment
from vwmon.cli.render import Format
from vwmon.cli.standing import standing_of
from vwmon.errors import UsageError
from vwmon.patients import asked, plans
from vwmon.patients.records import Stay
from vwmon.store import entered, limits, registers
from vwmon.store.entered import Entered


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody enters: of whom, to which questionnaire, which answers ("compared=worse"), how and since when."""

    patient: str
    questionnaire: str
    answers: Sequence[str]
    way: str
    at: str
    note: str


def enter(config: Path | None, db: Path | None, as_name: str, said: Said, form: Format) -> None:
    """Store answers, all of them or none; without any, ask for them one after the other."""
    if said.way not in WAYS:
        raise UsageError(f"--by {said.way!a}: one of {', '.join(WAYS)}")
    one = asked.load(said.questionnaire)
    with changing(config, db, as_name) as change:
        stay = registers.open_stay(change.db, said.patient)
        observed_ms = moment(change, stay, said.at)
        answers = _given(one.set, said.answers) if said.answers else _asked(one.set)
        message = _message(one.set, answers, observed_ms)
        who = Entered(way=said.way, actor=change.by.actor, note=said.note.strip())
        entered.enter(change.db, stay, message, who, change.by.at_ms)
        row = next(
            row
            for row in answer_rows.rows(change.db, stay.patient, 50, change.by.at_ms)
            if (row["at"], row["questionnaire"]) == (render.utc(observed_ms), said.questionnaire)
        )
        title = standing_of(change.db).title
        looked_at = _looked_at(change, stay, said.questionnaire)
    if form is not Format.TABLE:
        render.emit_one(row, form)
    else:
        told = ", ".join(f"{name} {render.plain(answer)}" for name, answer in row["answers"].items())
        render.say(f"Stored for patient {stay.patient}, ward {stay.ward}, {one.set.title}, by {said.way}: {told}.")
        render.say(f"See: vwmon answers {stay.patient}")
    _note(one.set, answers, stay, looked_at=looked_at)
    if title:
        render.warn(f"{title}. What was entered is stored and waits to be looked at.")


def _given(one: Questions, words: Sequence[str]) -> dict[str, Answer]:
    """Read answers from words such as "compared=worse"; UsageError says everything that is wrong with them."""
    answers: dict[str, Answer] = {}
    faults = []
    for word in words:
        name, equals, text = word.partition("=")
        question = one.questions.get(name)
        if not equals or question is None:
            faults.append(f"{word!a} is no answer such as {_example(one)}; there are {', '.join(one.questions)}")
        elif name in answers:
            faults.append(f"{name} is answered twice")
        else:
            try:
                answers[name] = question.answer(_typed(question, text))
            except QuestionError as error:
                faults.append(f"{name}: {REASONS[error.reason]} {_choices(question)}")
    strayed = [name for name in answers if one.open(answers) is None and name not in one.asked(answers)]
    faults += [f"{name}: {REASONS['question_not_asked']}" for name in strayed]
    if faults:
        raise UsageError("; ".join(faults))
    return answers


def _asked(one: Questions) -> dict[str, Answer]:
    """Ask for the answers at the terminal along the way that they take; an empty line leaves the rest open."""
    answers: dict[str, Answer] = {}
    while (name := one.open(answers)) is not None:
        question = one.questions[name]
        typer.echo(f"{question.text}\n  {_choices(question)}", err=True)
        text = typer.prompt(f"  {name}", default="", show_default=False, err=True).strip()
        if not text:
            break
        try:
            answers[name] = question.answer(_typed(question, text))
        except QuestionError as error:
            typer.echo(f"  {REASONS[error.reason]}", err=True)
    if not answers:
        raise UsageError("nothing was answered, and nothing is stored")
    return answers


def _message(one: Questions, answers: dict[str, Answer], observed_ms: int) -> Message:
    said = Answers(
        id=uuid4().hex,
        observed=Stamp(observed_ms, 0),
        questionnaire=one.questionnaire,
        version=one.version,
        said=answers,
    )
    return asked.readings(said)


def _note(one: Questions, answers: dict[str, Answer], stay: Stay, *, looked_at: bool) -> None:
    """Warn of what could be taken for more than it is: a set that is not whole, or one that raises nothing."""
    left = one.open(answers)
    if left is not None:
        render.warn(f"note: {left} was not answered, so this is not whole and what is due stays due")
    if not looked_at:
        render.warn(f"note: on pathway {stay.pathway} no rule looks at these answers; they are kept and raise nothing")


def _looked_at(change: Change, stay: Stay, questionnaire: str) -> bool:
    """Tell whether some rule of the patient's asks for an answer of a questionnaire."""
    own = limits.of_stay(change.db, stay.stay_no)
    rules = terms.layers(change.settings.wards, plans.load_all()).course(stay, own).at(change.by.at_ms)
    return any(rule.quantity.startswith(f"{asked.ONE}{questionnaire}.") for rule in rules.named)


def _typed(question: Question, text: str) -> str | float:
    """Give what was typed as a device would send it."""
    if question.kind != "number":
        return text.lower()
    try:
        return float(text)
    except ValueError:
        return text


def _choices(question: Question) -> str:
    if question.range is not None:
        return "A number from {:g} to {:g}.".format(*question.range)
    words = (word if text.lower() == word else f"{word} ({text})" for word, text in question.words.items())
    return f"One of {', '.join(words)}."


def _example(one: Questions) -> str:
    first = one.questions[one.first]
    return f"{one.first}={next(iter(first.words), '1')}"
