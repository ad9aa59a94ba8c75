"""`vwmon patients import`: all of a file or none of it, and everything that is wrong with it at once."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_patients import ADMIT, Ward
from tests.conftest import Command
from vwmon.store import database, registers

NUMBER = "9434765919"
THREE = """patient,ward,born,pathway,name,nhs_number
P1,resp,1948-05-17,copd,"Smith, Ann",943 476 5919
P2,resp,17/05/1950,,,
P3,frail,1939-12-01,frailty,=1+1,
"""


@pytest.fixture
def ward(vwmon: Command, tmp_path: Path) -> Ward:
    """The commands on a new database."""
    path = tmp_path / "ward.db"
    database.create(path).close()
    return Ward(vwmon, path)


def written(ward: Ward, content: str, name: str = "list.csv") -> Path:
    """Write a file beside the database."""
    path = ward.db.with_name(name)
    path.write_text(content, encoding="utf-8")
    return path


def version(ward: Ward) -> int:
    """Read how often the registers were changed."""
    with closing(database.open_reader(ward.db)) as opened:
        return registers.register_version(opened)


def test_a_file_that_is_right_admits_everyone_in_it(ward: Ward) -> None:
    """Each with the plan, the person and the journal's line of a single admission."""
    code, out, err = ward("patients", "import", written(ward, THREE))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "Admitted 3 patients."
    assert [(row["patient"], row["ward"], row["pathway"]) for row in ward.record("patients")] == [
        ("P1", "resp", "copd"),
        ("P2", "resp", "general"),
        ("P3", "frail", "frailty"),
    ]
    shown = ward.record("patients", "show", "P1")
    assert (shown["name"], shown["nhs_number"]) == ("Smith, Ann", NUMBER)
    assert ward.record("patients", "show", "P2")["born"] == "1950-05-17"
    assert ward.record("patients", "show", "P3")["name"] == "=1+1"


def test_for_a_program_it_gives_the_rows_without_anything_that_identifies(ward: Ward) -> None:
    """One for each stay."""
    rows = ward.record("patients", "import", written(ward, THREE))
    assert [row["stay"] for row in rows] == [1, 2, 3]
    assert "Smith" not in json.dumps(rows)
    assert NUMBER not in json.dumps(rows)


def test_one_fault_anywhere_and_nobody_is_admitted(ward: Ward) -> None:
    """The report names every line and column, in order, with what to do."""
    ward("patients", "admit", "P9", *ADMIT, "--nhs-number", NUMBER)
    before = version(ward)
    content = """patient,ward,born,nhs_number,spo2_scale
P1,resp,1948-05-17,,
P2,Resp,03/04/1948,123,2
P1,resp,1948-05-17,,
P9,resp,1948-05-17,,
P4,resp,1948-05-17,9434765919,
P5,resp,2015-01-01,,
"""
    code, out, err = ward("patients", "import", written(ward, content))
    assert code == 2
    found = [line.split()[:2] for line in out.splitlines()[1:]]
    assert found == [
        ["3", "born"],
        ["3", "nhs_number"],
        ["3", "prescriber"],
        ["3", "ward"],
        ["4", "patient"],
        ["5", "patient"],
        ["6", "nhs_number"],
        ["7", "born"],
    ]
    assert "5 of 6 lines cannot be admitted: nothing was written" in err
    assert version(ward) == before
    assert [row["patient"] for row in ward.record("patients")] == ["P9"]


def test_the_report_is_there_for_programs_and_says_no_number(ward: Ward) -> None:
    """Line, column, problem; never the NHS number or name that it is about."""
    content = "patient,ward,born,nhs_number,name\nP1,resp,1948-05-17,9434765918,Jonquil\n"
    code, out, err = ward("patients", "import", written(ward, content), "--json")
    assert code == 2
    (fault,) = json.loads(out)
    assert (fault["line"], fault["column"]) == (2, "nhs_number")
    assert "check digit" in fault["problem"]
    assert "9434765918" not in out + err
    assert "Jonquil" not in out + err


def test_a_dry_run_checks_all_and_writes_nothing(ward: Ward) -> None:
    """Against the database too; and the same file is admitted afterwards."""
    path = written(ward, THREE)
    before = version(ward)
    code, _, err = ward("patients", "import", path, "--dry-run")
    assert (code, "3 patients could be admitted; nothing was written" in err) == (0, True)
    assert version(ward) == before
    assert ward.record("patients") == []
    assert ward("patients", "import", path)[0] == 0
    assert ward("patients", "import", path, "--dry-run")[0] == 2


def test_the_same_file_twice_admits_nobody_twice(ward: Ward) -> None:
    """Every line of it is somebody who is on a ward."""
    path = written(ward, THREE)
    assert ward("patients", "import", path)[0] == 0
    code, out, _ = ward("patients", "import", path)
    assert code == 2
    assert out.count("is on the ward") == 3
    assert len(ward.record("patients")) == 3


def test_one_who_is_on_a_ward_already_keeps_all_the_others_out(ward: Ward) -> None:
    """Also where nothing else is wrong: what was written before the conflict was found is taken back."""
    ward("patients", "admit", "P2", *ADMIT)
    code, _, err = ward("patients", "import", written(ward, THREE))
    assert (code, "1 of 3 lines" in err) == (2, True)
    assert [row["patient"] for row in ward.record("patients")] == ["P2"]


def test_dates_with_the_day_first_are_read_when_that_is_said(ward: Ward) -> None:
    """Else the whole file is refused, with the option in the report."""
    path = written(ward, "patient;ward;born\nP1;resp;03/04/1948\n")
    code, out, _ = ward("patients", "import", path)
    assert (code, "--day-first" in out) == (2, True)
    assert ward("patients", "import", path, "--day-first")[0] == 0
    assert ward.record("patients", "show", "P1")["born"] == "1948-04-03"


def test_a_file_that_is_none_or_not_there_is_an_error(ward: Ward) -> None:
    """And an empty list below its header admits nobody."""
    assert ward("patients", "import", ward.db.with_name("nothing.csv"))[0] == 2
    code, _, err = ward("patients", "import", written(ward, "name,age\nAnn,70\n"))
    assert (code, "missing: patient, ward, born" in err) == (2, True)
    code, out, _ = ward("patients", "import", written(ward, "patient,ward,born\n"))
    assert (code, out.splitlines()[0]) == (0, "Admitted 0 patients.")
