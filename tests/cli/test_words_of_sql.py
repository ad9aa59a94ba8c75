"""Words from outside are values: what looks like a statement is looked up, stored and shown like any other word."""

import json
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import Command
from vwmon.store import database

WORDS = ["x'; drop table stay; --", 'x" or 1=1 --', "' or '1'='1", "%", "p-_"]
LOOKED_UP = [
    ("patients", "show"),
    ("patients", "plan"),
    ("patients", "list", "--ward"),
    ("devices", "show"),
    ("devices", "assign", "hub-1"),
    ("devices", "return"),
    ("readings", "--patient"),
    ("readings", "--device"),
    ("alerts", "--ward"),
    ("alerts", "--patient"),
    ("alerts", "show"),
    ("alerts", "ack", "-m", "x"),
    ("alerts", "log", "--alert"),
    ("explain",),
]


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Path:
    """A ward with a patient and a device."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    for command in (
        ("patients", "admit", "p-1", "--ward", "resp", "--born", "1948-05-17"),
        ("devices", "add", "hub-1"),
    ):
        assert vwmon(*command, "--db", path).exit_code == 0
    return path


def held(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Give every row of every table."""
    with closing(database.open_reader(path)) as db:
        tables = [name for (name,) in db.execute("select name from sqlite_schema where type = 'table'")]
        return {name: db.execute(f'select * from "{name}"').fetchall() for name in tables}  # noqa: S608 -- our own names


@pytest.mark.hazard("T15")
def test_a_word_that_is_sql_finds_nothing_and_changes_nothing(vwmon: Command, ward: Path) -> None:
    """It is an id or a name that is not there, never a statement and never a pattern."""
    before = held(ward)
    for command, word in product(LOOKED_UP, WORDS):
        done = vwmon(*command, word, "--db", ward)
        assert done.exit_code in {2, 3}, (command, word, done.output)
        assert "p-1" not in done.stdout, (command, word)
    assert held(ward) == before


@pytest.mark.hazard("T15")
@pytest.mark.parametrize("word", WORDS)
def test_a_word_that_is_sql_is_kept_as_it_is(vwmon: Command, ward: Path, word: str) -> None:
    """A name or an identifier of such letters is the patient's, and is found by it."""
    admit = ("patients", "admit", word, "--ward", "resp", "--born", "1948-05-17", "--name", word)
    assert vwmon(*admit, "--db", ward).exit_code == 0
    found = json.loads(vwmon("patients", "show", word, "--db", ward, "--json").stdout)
    assert (found["patient"], found["name"]) == (word, word)
    assert vwmon("patients", "show", "p-1", "--db", ward).exit_code == 0
