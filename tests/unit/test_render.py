"""How rows are shown: every format, and text from outside that tries to be more than text."""

import csv
import io
import json
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vwmon.cli import render
from vwmon.cli.render import Column, Format

COLUMNS = (Column(key="name", title="NAME"), Column(key="level", title="LEVEL", justify="right"))
ROWS: list[dict[str, Any]] = [
    {"name": "José", "level": 3, "why": ["a", "b"], "at": None},
    {"name": '伯, "x"', "level": -12.5, "why": [], "at": "2026-11-22T09:15:00Z"},
]
HOSTILE = ["\x1b[2Jgone", "a\u202eb", "\x9b31m", "a\x00b", "\u200bhidden", "\ud800", "An\u00adn", "x\U000e0041"]

values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
rows = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values, min_size=3), max_size=4)


def printed(capsys: pytest.CaptureFixture[str], rows: list[dict[str, Any]], form: Format, **more: Any) -> str:  # noqa: ANN401 -- handed on
    """Return what a list prints into a pipe."""
    render.emit(rows, COLUMNS, form, **more)
    return capsys.readouterr().out


def test_json_is_the_rows_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers stay numbers, nothing stays null, and neither title nor footer is in the way of a program."""
    assert json.loads(printed(capsys, ROWS, Format.JSON, title="t", footer=["f"])) == ROWS
    assert json.loads(printed(capsys, [], Format.JSON)) == []


def test_json_lines_are_one_row_each(capsys: pytest.CaptureFixture[str]) -> None:
    """A program may read them one by one."""
    lines = printed(capsys, ROWS, Format.JSONL, footer=["f"]).splitlines()
    assert [json.loads(line) for line in lines] == ROWS


def test_csv_carries_every_key_of_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Lists are JSON in their cell; what a row lacks is empty."""
    more = [*ROWS, {"name": "c", "further": True}]
    found = list(csv.DictReader(io.StringIO(printed(capsys, more, Format.CSV))))
    assert list(found[0]) == ["name", "level", "why", "at", "further"]
    assert [row["name"] for row in found] == ["José", '伯, "x"', "c"]
    assert [row["level"] for row in found] == ["3", "-12.5", ""]
    assert found[0]["why"] == '["a", "b"]'
    assert [row["further"] for row in found] == ["", "", "true"]


def test_an_empty_csv_still_says_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads it finds a header."""
    assert printed(capsys, [], Format.CSV) == "name,level\n"


@pytest.mark.hazard("H23", "T10")
@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+44 20 7946", "'+44 20 7946"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        (" =1", "' =1"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("x\n=1", "x\n'=1"),
        ("x;=1", "x;'=1"),
        ("\uff1d1", "'\uff1d1"),
    ],
)
def test_no_text_in_a_csv_is_a_formula(capsys: pytest.CaptureFixture[str], text: str, cell: str) -> None:
    """A spreadsheet shows it and does not run it, also where it parts cells at semicolons; nor is a title run."""
    rows = list(csv.reader(io.StringIO(printed(capsys, [{"name": text, text: 1}], Format.CSV))))
    assert rows == [["name", cell], [cell, "1"]]


@pytest.mark.parametrize("text", ["", "p-1", "a=b", "2026-11-22T09:15:00Z", "x;y", "n.shah@example", "12 = 4 + 8"])
def test_other_text_in_a_csv_stays_as_it_is(text: str) -> None:
    """The guard is for what would be run, and for nothing else."""
    assert render.csv_text(text) == text


def test_a_table_in_a_pipe_is_plain_and_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns line up, whatever the width; wide characters count as two."""
    long = "x" * 200
    shown = printed(capsys, [*ROWS, {"name": long, "level": 1}], Format.TABLE, title="Ward", footer=["3 shown"])
    lines = shown.splitlines()
    assert lines[0] == "Ward"
    assert lines[-1] == "3 shown"
    assert long in shown
    assert "\x1b" not in shown
    assert {cell_len(line) for line in lines[1:-1]} == {len(lines[1])}
    assert lines[3].endswith("-12.5")


def test_an_empty_table_shows_its_words_only(capsys: pytest.CaptureFixture[str]) -> None:
    """The caller's title or footer says that there is nothing, not an empty frame."""
    assert printed(capsys, [], Format.TABLE, footer=["No alerts."]) == "No alerts.\n"


def test_a_column_can_show_a_key_in_words_or_a_whole_row(capsys: pytest.CaptureFixture[str]) -> None:
    """What people read is made from the row that programs get."""
    columns = [
        Column(key="level", title="LEVEL", format=lambda level: f"level {level}"),
        Column(key="", title="WHO", compose=lambda row: f"{row['name']}!"),
    ]
    render.emit(ROWS[:1], columns, Format.TABLE)
    assert capsys.readouterr().out.splitlines()[1] == "level 3  José!"


@pytest.mark.hazard("H23", "T10")
@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", list(Format))
def test_no_text_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str], text: str, form: Format) -> None:
    """A name or a note cannot clear the screen, turn the text round or hide itself, in any format."""
    shown = printed(capsys, [{"name": text, "level": [text]}], form, footer=[text], title=text)
    assert not render.UNSAFE.search(shown.replace("\n", ""))
    if form in {Format.JSON, Format.JSONL}:
        found = json.loads(shown)
        assert (found[0] if form is Format.JSON else found)["name"] == text


@given(rows)
def test_what_json_says_is_what_the_rows_were(rows: list[dict[str, Any]]) -> None:
    """To the last bit, and whatever the text."""
    assert json.loads("".join(render._as_json(rows, COLUMNS))) == rows


@given(rows)
def test_csv_can_be_read_by_anything(rows: list[dict[str, Any]]) -> None:
    """As many rows as there were, each with every cell, and numbers as they were."""
    lines = list(csv.reader(io.StringIO("".join(render._csv(rows, COLUMNS)), newline="")))
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, lines[1:], strict=True):
        assert len(line) == len(lines[0])
        for key, cell in zip(lines[0], line, strict=True):
            if isinstance(row[key], float):
                assert float(cell) == row[key]


def test_a_number_that_is_none_is_never_printed() -> None:
    """NaN is no JSON and no reading; to print one is a fault of ours that must be seen."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        render.emit([{"a": float("nan")}], COLUMNS, Format.JSON)


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (0, "0 s"),
        (999, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (7_200_000, "2 h"),
        (172_800_000, "2 d"),
        (-90_000, "-1 min"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span_ms: int, text: str) -> None:
    """Rounded down: nothing looks older or newer than it is by more than the unit."""
    assert render.ago(span_ms) == text


def test_times_are_utc_with_milliseconds_only_when_there_are_some() -> None:
    """What a program reads is exact."""
    assert render.utc(1_795_338_900_000) == "2026-11-22T09:15:00Z"
    assert render.utc(1_795_338_900_007) == "2026-11-22T09:15:00.007Z"
    assert render.utc(-1) == "1969-12-31T23:59:59.999Z"


def test_a_local_time_is_what_the_clock_on_the_wall_shows() -> None:
    """Summer and winter."""
    assert render.local(1_795_338_900_000, "Europe/London") == "Sun 22 Nov 09:15"
    assert render.local(1_784_711_700_000, "Europe/London") == "Wed 22 Jul 10:15"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (36.60, "36.6"),
        (1e21, "1e+21"),
        (["a", 1], "a, 1"),
        (5, "5"),
        ("a", "a"),
    ],
)
def test_a_value_is_shown_as_people_write_it(value: object, text: str) -> None:
    """Nothing for nothing, and no needless digits."""
    assert render.plain(value) == text


def test_one_object_is_lines_for_people_and_an_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """Both say the same."""
    render.emit_one({"opened_at": "now", "id": 4}, Format.TABLE)
    assert capsys.readouterr().out == "opened at  now\nid         4\n"
    render.emit_one({"opened_at": "now", "id": 4}, Format.JSON)
    assert json.loads(capsys.readouterr().out) == {"opened_at": "now", "id": 4}
    render.emit_one({"id": 4}, Format.CSV)
    assert capsys.readouterr().out == "id\n4\n"


def test_json_for_short() -> None:
    """--json wins over --format."""
    assert render.chosen(Format.CSV, as_json=True) is Format.JSON
    assert render.chosen(Format.CSV, as_json=False) is Format.CSV


class Terminal(io.StringIO):
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def on_terminal(rows: list[dict[str, Any]], columns: list[Column], **environment: str) -> str:
    """Return what a table prints at a colour terminal of 80 columns."""
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        for name in ("NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        for name, value in ({"COLUMNS": "80", "TERM": "xterm-256color"} | environment).items():
            patch.setenv(name, value)
        render.emit(rows, columns, Format.TABLE)
    return screen.getvalue()


def test_a_terminal_of_eighty_columns_is_never_overrun() -> None:
    """Long text folds under its own column and is not cut; colour is there beside the words."""
    columns = [
        Column(key="id", title="ID", no_wrap=True, style=lambda row: "bold red" if row["level"] == 3 else ""),
        Column(key="why", title="WHY"),
    ]
    why = " ".join(f"reason{number}" for number in range(40))
    shown = on_terminal([{"id": "ABCD", "why": why, "level": 3}], columns)
    assert "\x1b[1;31mABCD" in shown
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    assert max(map(len, plain)) <= 80
    assert all(f"reason{number}" in "\n".join(plain) for number in range(40))


def test_a_word_without_a_space_is_folded_and_not_cut() -> None:
    """A long identifier is there to its last letter."""
    word = "".join(str(number) for number in range(100))
    shown = on_terminal([{"id": "a", "word": word}], [Column(key="id", title="ID"), Column(key="word", title="W")])
    assert word in re.sub(r"\x1b\[[0-9;]*m|\s", "", shown)


def test_colour_can_be_refused() -> None:
    """NO_COLOR leaves the words."""
    shown = on_terminal([{"level": 3}], [Column(key="level", title="L", style="red")], NO_COLOR="1")
    assert "\x1b[31m" not in shown
    assert "3" in shown


@pytest.mark.hazard("T10")
@pytest.mark.parametrize("text", [*HOSTILE, "[bold red]not markup[/]"])
def test_text_at_a_terminal_is_shown_not_obeyed(text: str) -> None:
    """Neither escapes nor markup."""
    shown = on_terminal([{"name": text}], [Column(key="name", title="N")])
    assert render.safe(text) in shown
    assert "\x1b[2J" not in shown


def said_on_terminal(line: str, width: int = 80) -> list[str]:
    """Return the lines that one line for people makes at a terminal of that width."""
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        patch.setenv("COLUMNS", str(width))
        render.say(line)
    return screen.getvalue().splitlines()


def test_a_long_line_for_people_folds_at_a_terminal_below_its_own_indent() -> None:
    """What wraps by itself at a terminal's edge breaks words and hides where a line ends; a time is not broken."""
    assert said_on_terminal("  until 2026-11-01T00:30:00Z; covers L3, score to 10; raised again by 11 or more", 60) == [
        "  until 2026-11-01T00:30:00Z; covers L3, score to 10; raised",
        "    again by 11 or more",
    ]


def test_a_line_in_a_pipe_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads it whole."""
    render.say("word " * 40 + "end")
    assert capsys.readouterr().out == "word " * 40 + "end\n"


@given(st.text(st.sampled_from("ab -é患"), min_size=1, max_size=400), st.integers(min_value=60, max_value=100))
def test_no_line_for_people_overruns_a_terminal(line: str, width: int) -> None:
    """Letters of two columns count as two, and no letter is lost."""
    shown = said_on_terminal(f"x{line}", width)
    assert all(cell_len(part) <= width for part in shown)
    assert "".join(shown).replace(" ", "") == f"x{line}".replace(" ", "")


@pytest.mark.hazard("H23")
def test_a_text_that_is_cut_says_so_and_takes_no_more_than_its_room() -> None:
    """Two identifiers that begin alike must not look whole."""
    assert render.cut("P-1234567890", 8) == "P-12345…"
    assert render.cut("患者患者患者", 8) == "患者患…"
    assert render.cut("P-12", 8) == "P-12"
