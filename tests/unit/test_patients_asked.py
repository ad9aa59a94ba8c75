"""Questionnaires as data: every one of the package can be asked, and answers become readings that say what was said."""

import json
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from alerts import policy
from alerts.policy import RULES
from devices import questions
from devices.acceptance import Stamp
from devices.answers import Answers
from devices.errors import PayloadError
from devices.readings import Message
from vwmon.errors import ChartError, NotFoundError
from vwmon.patients import asked, plans

AT_MS = 1_795_000_000_000
GOOD = """
version = "1"
title = "A set"
source = "a page"
first = "so"
[questions.so]
text = "Is it so?"
kind = "yes_no"
levels = { no = 0, yes = 1 }
next = { no = "end", yes = "many" }
[questions.many]
text = "How many?"
kind = "number"
range = [0, 9]
"""


def answered(questionnaire: str = "wellbeing", version: str = "1", **said: Any) -> Message:  # noqa: ANN401
    """Give answers as readings."""
    sent = Answers(id="a", observed=Stamp(AT_MS, 0), questionnaire=questionnaire, version=version, said=said)
    return asked.readings(sent)


def kept(message: Message) -> Mapping[str, tuple[float | None, object]]:
    """Give value and word by what the log calls them."""
    return {reading.vital: (reading.value, reading.raw_value) for reading in message.readings}


def test_every_questionnaire_of_the_package_can_be_asked_with_its_version_and_source() -> None:
    """No circle, no dead end, and where vwmon made it up it says so."""
    loaded = asked.load_all()
    assert tuple(loaded) == plans.QUESTIONNAIRES
    for name, one in loaded.items():
        assert one.set.questionnaire == name
        assert questions.faults(one.set) == []
        assert "vwmon's proposal" in one.source


def test_every_rule_about_an_answer_asks_for_one_that_is_asked_and_some_pathway_asks_it() -> None:
    """And each says where it is from."""
    rules = [rule for rule in RULES.values() if rule.quantity.startswith(asked.ONE)]
    assert len(rules) == 8
    asked_for = {one.questionnaire for plan in plans.load_all().values() for one in plan.questionnaires}
    for rule in rules:
        assert asked.sentence(rule.quantity, rule.limit_on) != f"{rule.quantity} {rule.limit_on:g}"
        assert rule.quantity.removeprefix(asked.ONE).partition(".")[0] in asked_for
        assert "vwmon's proposal" in rule.source
        assert not rule.enabled


def test_a_rule_that_asks_for_what_nobody_is_asked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip there would be an alert that never comes."""
    asked.load_all.cache_clear()
    slip = policy.Rule(**{**policy_fields("answer_worse"), "quantity": "answer:wellbeing.compred"})
    monkeypatch.setattr(asked, "RULES", {**RULES, "answer_worse": slip})
    with pytest.raises(ChartError, match=r"answer_worse asks for answer:wellbeing\.compred"):
        asked.load_all()
    asked.load_all.cache_clear()


def policy_fields(name: str) -> dict[str, Any]:
    """Give the fields of a rule of the table."""
    return {field: getattr(RULES[name], field) for field in policy.Rule.__slots__}


def test_answers_are_readings_and_a_whole_set_is_one_more() -> None:
    """Each with the number that stands for it and the word that was said; the set with its version."""
    found = answered(compared="worse", what="breathing", sudden=False)
    assert kept(found) == {
        "answer:wellbeing.compared": (2.0, "worse"),
        "answer:wellbeing.what": (4.0, "breathing"),
        "answer:wellbeing.sudden": (0.0, "no"),
        "answers:wellbeing": (1.0, "1"),
    }
    assert found.refused == ()
    assert {reading.observed_ms for reading in found.readings} == {AT_MS}


def test_a_number_is_kept_as_it_is() -> None:
    """Between the words."""
    found = answered("breathlessness", now="more", since=3)
    assert kept(found)["answer:breathlessness.since"] == (3.0, None)


def test_what_does_not_reach_the_end_is_kept_and_is_no_whole_set() -> None:
    """Worse is heard, though the rest was not said; and it stays due."""
    found = answered(compared="worse")
    assert list(kept(found)) == ["answer:wellbeing.compared"]
    assert found.refused == ()


def test_one_answer_that_is_none_costs_neither_the_others_nor_counts_as_answered() -> None:
    """Kept in quarantine with its reason."""
    found = answered(compared="worse", what="the cat", sudden=True)
    assert list(kept(found)) == ["answer:wellbeing.compared", "answer:wellbeing.sudden"]
    assert [(one.vital, one.reason) for one in found.refused] == [("answer:wellbeing.what", "answer_not_a_choice")]
    unknown = answered(compared="same", mood="fine")
    assert [one.reason for one in unknown.refused] == ["question_unknown"]


def test_what_the_other_answers_do_not_lead_to_is_refused() -> None:
    """Better, and yet a pain: only one of them can be meant by whoever followed the questions."""
    found = answered(compared="better", what="chest_pain")
    assert list(kept(found)) == ["answer:wellbeing.compared", "answers:wellbeing"]
    assert [(one.vital, one.reason, one.index) for one in found.refused] == [
        ("answer:wellbeing.what", "question_not_asked", 1)
    ]


def test_no_answer_is_no_reading() -> None:
    """Nothing stands for what was not said."""
    assert answered(compared=None).readings == ()


def test_an_unknown_questionnaire_is_refused_by_its_name() -> None:
    """By the program and by people."""
    with pytest.raises(PayloadError, match="questionnaire_unknown"):
        answered("mood", so=True)
    with pytest.raises(NotFoundError, match="wellbeing, breathlessness"):
        asked.load("mood")


def test_an_answer_is_said_in_the_words_of_the_question() -> None:
    """A number by itself would say nothing to anybody."""
    said = asked.sentence("answer:breathlessness.now", 1.0)
    assert said == '"How is your breathing today?" answered with "More breathless than usual"'
    assert asked.sentence("answer:breathlessness.since", 3.0).endswith('answered with "3"')
    assert asked.sentence("answer:gone.so", 3.0) == "answer:gone.so 3"


def test_a_good_set_is_read() -> None:
    """The one that the faults below are made of."""
    assert asked.parse("mine", GOOD).set.first == "so"


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ('source = "a page"', 'source = ""', "a source"),
        ('version = "1"', 'version = "new"', "a version in digits"),
        ('version = "1"', 'version = "\u00b2"', "a version in digits"),
        ('version = "1"', "version = " + "[" * 3000, "recursion"),
        ("[questions.so]", "[[questions.so]]", "pop"),
        ('version = "1"', "version = 1", "version"),
        ('title = "A set"', "", "its keys are"),
        ('title = "A set"', 'title = "A set"\nnote = "x"', "its keys are"),
        ("levels = { no = 0, yes = 1 }", "levels = { no = 0 }", "so: levels are by answer"),
        ("levels = { no = 0, yes = 1 }", "", "so: levels are by answer"),
        ("levels = { no = 0, yes = 1 }", "levels = { no = 0, yes = 0 }", "so: each answer has a level"),
        ("levels = { no = 0, yes = 1 }", 'levels = { no = 0, yes = "1" }', "so: each answer has a level"),
        ("range = [0, 9]", "range = [0, 9]\nlevels = { a = 1 }", "many: levels are by answer"),
        ("range = [0, 9]", 'range = [0, 9]\nnext = "so"', "it can follow itself"),
        ("range = [0, 9]", 'range = [0, 9]\nnote = "x"', "note"),
        ('yes = "many"', 'yes = "end"', "many: nothing leads to it"),
        ('kind = "yes_no"', 'kind = "drawing"', "drawing"),
        ("[questions.so]", "= =", "cannot be used"),
    ],
)
def test_a_set_with_a_fault_is_refused_by_name(was: str, becomes: str, fault: str) -> None:
    """Nobody is asked what they cannot answer."""
    assert was in GOOD
    with pytest.raises(ChartError, match="the questionnaire mine cannot be used") as caught:
        asked.parse("mine", GOOD.replace(was, becomes))
    assert fault in str(caught.value)


PINNED = {
    "wellbeing": ("1", "92886403fe3a"),
    "breathlessness": ("1", "12f5756fe839"),
    "swelling": ("1", "c5d0dd37d1dc"),
    "wound": ("1", "14b3b475cc6c"),
    "appointment": ("1", "2a305cdd8565"),
}


def test_whatever_a_questionnaire_says_moves_its_version() -> None:
    """Answers are kept with the version; what was asked under one is never asked otherwise later."""
    found = {}
    for name, one in asked.load_all().items():
        table = tomllib.loads((asked.FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        found[name] = (one.set.version, sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:12])
    assert found == PINNED
