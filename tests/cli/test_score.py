"""`vwmon score`: the table that comes out, the rows that cannot be scored, and the exit codes."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vwmon.cli import app
from vwmon.scoring.charts import PARTS

HEADER = "respiratory_rate,spo2,spo2_scale,oxygen,systolic_bp,heart_rate,consciousness,temperature"
WELL = "16,97,1,air,120,70,A,37.0"
ADDED = [
    "total_min",
    "total_max",
    "complete",
    "total",
    "band",
    "red",
    "missing",
    *(f"sub_{part}" for part in PARTS),
    "error",
    "band_min",
    "band_max",
    "measure_next",
]


def run(*arguments: str, text: str = "") -> Result:
    """Run the command with a table on standard input."""
    return CliRunner().invoke(app, ["score", *arguments], input=text)


def table(*rows: str, header: str = HEADER) -> str:
    """Write a table as CSV."""
    return "\n".join([header, *rows, ""])


def as_csv(result: Result) -> list[dict[str, str]]:
    """Read the output as CSV."""
    return list(csv.DictReader(io.StringIO(result.stdout)))


def as_json(*rows: str, header: str = HEADER) -> list[dict[str, Any]]:
    """Score rows to JSON."""
    found: list[dict[str, Any]] = json.loads(run("news2", "-", "--json", text=table(*rows, header=header)).stdout)
    return found


def test_a_piped_score_is_csv_with_the_columns_of_the_interface() -> None:
    """What came in comes out in front, in its order, and the score is added."""
    result = run("news2", "-", text=table(f"p1,{WELL},seen at home", header=f"patient,{HEADER},note"))
    assert result.exit_code == 0
    (row,) = as_csv(result)
    assert list(row) == ["patient", *HEADER.split(","), "note", *ADDED]
    assert (row["patient"], row["note"], row["temperature"]) == ("p1", "seen at home", "37.0")
    assert (row["total"], row["total_min"], row["total_max"], row["band"]) == ("0", "0", "0", "low")
    assert (row["complete"], row["red"], row["missing"], row["error"]) == ("true", "false", "", "")
    assert {row[f"sub_{part}"] for part in PARTS} == {"0"}


@pytest.mark.hazard("H8")
def test_an_empty_cell_is_missing_and_leaves_the_total_empty() -> None:
    """An interval, the names of what is missing, and no subscore for it."""
    (row,) = as_csv(run("news2", "-", text=table("25,97,1,,120,70,,37.0")))
    assert (row["total"], row["complete"], row["band"]) == ("", "false", "")
    assert (row["total_min"], row["total_max"], row["red"]) == ("3", "8", "true")
    assert row["missing"] == "oxygen consciousness"
    assert (row["sub_respiratory_rate"], row["sub_oxygen"], row["sub_consciousness"]) == ("3", "", "")


def test_json_has_numbers_lists_and_nothing_for_what_is_missing() -> None:
    """The types that a program expects."""
    (row,) = as_json("007,25,97,1,,120,70,,36.6", header=f"patient,{HEADER}")
    assert row["patient"] == "007"
    assert (row["respiratory_rate"], row["temperature"], row["oxygen"]) == (25, 36.6, None)
    assert row["missing"] == ["oxygen", "consciousness"]
    assert (row["total"], row["band"], row["error"], row["sub_oxygen"]) == (None, None, None, None)
    assert (row["total_min"], row["total_max"], row["red"], row["complete"]) == (3, 8, True, False)


def test_jsonl_is_one_object_a_line() -> None:
    """For programs that read as they go."""
    result = run("news2", "-", "--format", "jsonl", text=table(WELL, WELL))
    assert [json.loads(line)["total"] for line in result.stdout.splitlines()] == [0, 0]


@pytest.mark.parametrize(
    ("row", "total", "band", "red"),
    [
        ("16,97,2,oxygen,120,70,A,37.0", 5, "medium", True),
        ("16,97,2,air,120,70,A,37.0", 0, "low", False),
        ("16,97,2,0,120,70,A,37.0", 0, "low", False),
        ("16,97,1,2.5,120,70,A,37.0", 2, "low", False),
        ("25,97,1,air,120,70,A,37.0", 3, "low-medium", True),
        ("25,97,1,Air,120,70,c,36.05", 6, "medium", True),
        ("25,91,1,Oxygen,90,70,U,36.05", 14, "high", True),
        (" 16 , 97 , 1 , air , 120 , 70 , A , 37.0 ", 0, "low", False),
        ("1.6e1,97,1.0,air,120,70,A,37.0", 0, "low", False),
    ],
)
def test_whole_rows_have_a_total_and_a_band(row: str, total: int, band: str, red: bool) -> None:
    """Oxygen in words or litres, letters in either case, spaces around them."""
    (found,) = as_json(row)
    assert (found["total"], found["band"], found["red"], found["error"]) == (total, band, red, None)


def test_on_scale_2_without_oxygen_the_saturation_has_no_subscore() -> None:
    """It may be 0 or 3; neither is written down."""
    (row,) = as_json("16,97,2,,120,70,A,37.0")
    assert (row["sub_spo2"], row["total_min"], row["total_max"], row["missing"]) == (None, 0, 5, ["oxygen"])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("16,130,1,air,120,70,A,37.0", "spo2 of 130 % is not possible"),
        ("16,97,1,air,120,70,A,98.6", "temperature of 98.6 Cel is not possible"),
        ("16,97,1,air,120,70,Q,37.0", "consciousness is one of A, C, V, P, U, not Q"),
        ("16,97,1,air,120,70,0,37.0", "consciousness is one of"),
        ("16,97,1,mask,120,70,A,37.0", "oxygen is a number or one of air, oxygen, not mask"),
        ("16,97,1,-1,120,70,A,37.0", "oxygen of -1"),
        ("16,97,,air,120,70,A,37.0", "spo2_scale is 1 or 2"),
        ("16,97, ,air,120,70,A,37.0", "spo2_scale is 1 or 2"),
        ("16,97,3,air,120,70,A,37.0", "spo2_scale is 1 or 2"),
        ("16,97,one,air,120,70,A,37.0", "spo2_scale is 1 or 2"),
        ("sixteen,97,1,air,120,70,A,37.0", "respiratory_rate is a number, not sixteen"),
        ("nan,97,1,air,120,70,A,37.0", "respiratory_rate is a number, not nan"),
        ("inf,97,1,air,120,70,A,37.0", "respiratory_rate is a number"),
        ("1_6,97,1,air,120,70,A,37.0", "respiratory_rate is a number"),
        ('16,97,1,air,120,70,A,"37,0"', "temperature is a number"),
        ("0,97,1,air,120,70,A,37.0", "respiratory_rate of 0"),
        ("16,97,1,air,120,70,A", "7 cells in 8 columns"),
        ("16,97,1,air,120,70,A,37.0,1", "9 cells in 8 columns"),
    ],
)
def test_a_row_that_cannot_be_read_has_an_error_and_no_score(row: str, says: str) -> None:
    """The other rows are scored, and the exit code says that some were not."""
    result = run("news2", "-", "--json", text=table(WELL, row, WELL))
    assert result.exit_code == 7
    good, bad, last = json.loads(result.stdout)
    assert good["total"] == last["total"] == 0
    assert says in bad["error"]
    assert {bad[name] for name in ADDED if name != "error"} == {None}
    assert "1 of 3 rows" in result.stderr


def test_every_fault_of_a_row_is_named() -> None:
    """A person mends a row once."""
    (row,) = as_csv(run("news2", "-", text=table("0,130,1,air,120,70,Q,37.0")))
    assert [row["error"].count(name) for name in ("respiratory_rate", "spo2", "consciousness")] == [1, 1, 1]


def test_a_scale_is_not_asked_for_where_there_is_no_saturation() -> None:
    """Without SpO2 the scale decides nothing."""
    (row,) = as_json("16,,,air,120,70,A,37.0")
    assert (row["error"], row["missing"], row["total_max"]) == (None, ["spo2"], 3)


def test_columns_may_be_in_any_order_and_some_may_be_absent() -> None:
    """A column that is not there is missing in every row."""
    (row,) = as_json("70,x,16", header="heart_rate,other,respiratory_rate")
    assert row["missing"] == ["spo2", "oxygen", "systolic_bp", "consciousness", "temperature"]
    assert row["other"] == "x"


@pytest.mark.parametrize("name", ["sets.csv", "sets.csv.gz"])
def test_a_file_may_be_compressed_and_may_begin_with_a_byte_order_mark(tmp_path: Path, name: str) -> None:
    """As spreadsheets write them."""
    file, content = tmp_path / name, table(WELL).encode("utf-8-sig")
    file.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    result = run("news2", str(file))
    assert result.exit_code == 0
    assert [row["total"] for row in as_csv(result)] == ["0"]


@pytest.mark.parametrize("at", [12, 20])
def test_a_compressed_file_that_is_damaged_is_said(tmp_path: Path, at: int) -> None:
    """In a sentence, as one that cannot be read for another reason is."""
    file = tmp_path / "sets.csv.gz"
    packed = bytearray(gzip.compress(table(*[WELL] * 20).encode()))
    packed[at : at + 6] = b"\xff" * 6
    file.write_bytes(bytes(packed))
    result = run("news2", str(file))
    assert result.exit_code != 0
    assert "cannot be read as CSV in UTF-8" in result.stderr


def test_a_table_for_people_shows_totals_as_intervals_and_whom_the_chart_is_not_for() -> None:
    """Also into a pipe, when it is asked for."""
    rows = table(f"p1,{WELL}", "p2,25,97,1,,120,70,,37.0", header=f"patient,{HEADER}")
    result = run("news2", "-", "--format", "table", text=rows)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["patient", "score", "band", "red", "missing", "measure", "next", "error"]
    assert lines[1].split() == ["p1", "0", "low", "no"]
    assert lines[2].split() == ["p2", "3-8", "yes", "oxygen", "consciousness"]
    assert "National Early Warning Score 2, RCP 2017" in lines[3]
    assert "pregnancy" in lines[4]


def test_columns_names_the_input_of_a_chart() -> None:
    """In the order in which a person would fill them in."""
    result = run("news2", "--columns", "--json")
    found = {row["column"]: row for row in json.loads(result.stdout)}
    assert list(found) == HEADER.split(",")
    assert found["spo2_scale"]["values"] == ["1", "2"]
    assert found["oxygen"]["values"] == ["air", "oxygen"]
    assert found["temperature"]["unit"] == "Cel"


@pytest.mark.parametrize(
    ("arguments", "text", "code", "says"),
    [
        (["news2"], "", 2, "which file"),
        (["news9", "-"], "", 3, "the charts are map, mews, news, news2"),
        (["news2", "no-such-file.csv"], "", 3, "no file no-such-file.csv"),
        (["news2", "-"], "", 2, "no column of the chart"),
        (["news2", "-"], "a,b\n1,2\n", 2, "it reads respiratory_rate"),
        (["news2", "-"], "spo2,spo2\n1,2\n", 2, "spo2 is there twice"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(arguments: list[str], text: str, code: int, says: str) -> None:
    """Usage, and what is not found, by their exit codes, without a traceback."""
    result = run(*arguments, text=text)
    assert result.exit_code == code
    assert says in result.stderr


def test_bytes_that_are_not_text_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """No traceback for a spreadsheet given in place of CSV."""
    file = tmp_path / "sets.csv"
    file.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    result = run("news2", str(file))
    assert result.exit_code == 1
    assert "cannot be read as CSV in UTF-8" in result.stderr


def test_a_header_without_rows_is_an_empty_list() -> None:
    """Nothing to score is no error; CSV keeps its header."""
    result = run("news2", "-", "--json", text=table())
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    result = run("news2", "-", text=table())
    assert (result.exit_code, result.stdout.strip().split(",")) == (0, [*HEADER.split(","), *ADDED])
