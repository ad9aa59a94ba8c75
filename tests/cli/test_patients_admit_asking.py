"""`vwmon patients admit` at a terminal: asked step by step, checked at once, and written only when it is confirmed."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_patients import ADMIT, Ward
from tests.conftest import Command
from tests.integration.terminal import Terminal, running
from vwmon.store import database

ENTER = "\r"


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """The commands on a new database."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    return Ward(vwmon, path)


@pytest.fixture
def asked(ward: Ward) -> Iterator[Terminal]:
    """The command on a terminal of its own."""
    command = [sys.executable, "-m", "vwmon", "patients", "admit", "--db", str(ward.db)]
    with running(command, 100, 60) as (terminal, _):
        yield terminal


def answer(terminal: Terminal, several: Sequence[tuple[str, str]]) -> None:
    """Answer each question once it is there."""
    for question, text in several:
        terminal.shows(question)
        terminal.press(text + ENTER)


BEGIN = [("Patient (", "P1"), ("Ward", "resp"), ("Date of birth", "1948-05-17"), ("Pathway", "copd")]
PERSON = [("Name", "Ann Example"), ("NHS number", ""), ("Telephone", ""), ("Next of kin", "")]


def test_an_admission_is_asked_for_and_shown_before_it_is_written(ward: Ward, asked: Terminal) -> None:
    """Scale 2 with its prescriber too; only "y" at the end writes anything."""
    answer(asked, BEGIN + PERSON)
    rest = [("Pregnant?", ""), ("scale 2 prescribed", "y"), ("Prescribed by", "Dr Osei"), ("how many days", "7")]
    answer(asked, [*rest, ("No device", "n")])
    screen = asked.shows("Admit? [y/N]")
    assert "Prescribed by: Dr Osei" in screen
    for line in (
        "Patient       P1",
        "SpO2 scale    2, prescribed by Dr Osei",
        "Expected days 7",
        "NHS number    left out",
    ):
        assert line in screen
    assert ward.record("patients") == []
    asked.press("y" + ENTER)
    asked.shows("Admitted P1 to resp, pathway copd")
    record = ward.record("patients", "show", "P1")
    assert (record["name"], record["spo2_scale"], record["expected_days"]) == ("Ann Example", 2, 7)


def test_an_answer_that_cannot_be_is_asked_again_at_once(ward: Ward, asked: Terminal) -> None:
    """With why; what was answered before stays; and whoever says no at the end has written nothing."""
    ward("patients", "admit", "P9", *ADMIT)
    answer(asked, [("Patient (", "P9")])
    asked.shows("'P9' is on a ward")
    answer(asked, [("Patient (", "P1"), ("Ward", "RESP")])
    asked.shows("no ward's name")
    answer(asked, [("Ward", "resp"), ("Date of birth", "17/05/1948")])
    asked.shows("is not a date of birth")
    answer(asked, [*BEGIN[2:], PERSON[0], ("NHS number", "9434765918")])
    asked.shows("check digit is wrong")
    answer(
        asked, [*PERSON[1:], ("Pregnant?", ""), ("scale 2 prescribed", ""), ("how many days", ""), ("No device", "")]
    )
    asked.shows("Admit? [y/N]")
    asked.press("n" + ENTER)
    asked.shows("Aborted")
    assert [row["patient"] for row in ward.record("patients")] == ["P9"]


def test_pregnancy_ends_the_questions_with_the_rule(ward: Ward, asked: Terminal) -> None:
    """No later answer could make it right."""
    answer(asked, [*BEGIN, *PERSON, ("Pregnant?", "y")])
    asked.shows("NEWS2 is not for pregnancy (RCP 2017)")
    assert ward.record("patients") == []


def test_a_child_ends_the_questions_with_the_rule(ward: Ward, asked: Terminal) -> None:
    """As the option does."""
    answer(asked, [*BEGIN[:2], ("Date of birth", "2015-01-01"), BEGIN[3]])
    asked.shows("16 and over")
    assert ward.record("patients") == []


def test_without_a_terminal_nothing_is_asked(ward: Ward) -> None:
    """A script that left something out is told so (2), and does not wait for ever."""
    for arguments, missing in (
        ((), "PATIENT"),
        (("P1", "--born", "1948-05-17"), "--ward"),
        (("P1", "--ward", "resp"), "--born"),
    ):
        code, out, err = ward("patients", "admit", *arguments)
        assert (code, out, missing in err) == (2, "", True)
    with closing(database.open_reader(ward.db)) as opened:
        assert opened.execute("select count(*) from register_log").fetchone() == (0,)
