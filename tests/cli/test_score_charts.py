"""`vwmon score` with every chart: what it reads, what it adds, whom it refuses, and tables larger than memory."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vwmon.cli import app, observation_sets
from vwmon.scoring import charts

CHARTS = charts.names()
NEWS2 = "respiratory_rate,spo2,spo2_scale,oxygen,systolic_bp,heart_rate,consciousness,temperature"
WELL = "16,97,1,air,120,70,A,37.0"
CHILD = {
    "age_band": "5-12y",
    "respiratory_rate": "22",
    "respiratory_distress": "none",
    "spo2": "98",
    "oxygen_device": "air",
    "heart_rate": "90",
    "capillary_refill": "1",
    "systolic_bp": "100",
    "consciousness": "A",
    "carer_concern": "none",
    "clinical_intuition": "none",
    "specific_concern": "none",
}


def run(*arguments: str, text: str = "") -> Result:
    """Run the command with a table on standard input."""
    return CliRunner().invoke(app, ["score", *arguments], input=text)


def written(*rows: dict[str, str]) -> str:
    """Write rows as CSV."""
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue()


def one(chart: str, **row: str) -> dict[str, Any]:
    """Score one row to JSON."""
    (found,) = json.loads(run(chart, "-", "--json", text=written(row)).stdout)
    return dict(found)


def child(**changed: str) -> dict[str, Any]:
    """Score a child who is well but for the changes."""
    return one("pews", **CHILD | changed)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_table_with_the_columns_that_a_chart_names_is_scored(chart: str) -> None:
    """What --columns says is what is read; a row of nothing is incomplete, and no error."""
    named = json.loads(run(chart, "--columns", "--json").stdout)
    assert all(row.keys() == {"column", "unit", "values"} for row in named)
    row = one(chart, id="7", **{row["column"]: "" for row in named})
    assert (row["id"], row["error"], row["complete"]) == (7 if "id" in named else "7", None, False)
    assert row["missing"]


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("form", ["csv", "table"])
def test_csv_and_tables_have_a_header_for_every_chart(chart: str, form: str) -> None:
    """Also the table for people, with its edition below."""
    first = json.loads(run(chart, "--columns", "--json").stdout)[0]["column"]
    result = run(chart, "-", "--format", form, text=f"id,{first}\na,\n")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("id")
    assert (charts.either(chart).title in result.stdout) == (form == "table")


def test_news_of_2012_calls_a_lone_3_medium_and_knows_no_confusion() -> None:
    """The letter C makes the row an error and never a score."""
    values = {"spo2": "97", "oxygen": "air", "systolic_bp": "120", "heart_rate": "70", "temperature": "37"}
    row = one("news", respiratory_rate="25", consciousness="A", **values)
    assert (row["total"], row["band"], row["red"]) == (3, "medium", True)
    row = one("news", respiratory_rate="16", consciousness="C", **values)
    assert row["error"] == "consciousness is one of A, V, P, U, not C"


def test_mews_and_qsofa_say_their_own_responses() -> None:
    """At 5 and at 2."""
    row = one("mews", respiratory_rate="30", heart_rate="40", systolic_bp="120", temperature="35.0", consciousness="A")
    assert (row["total"], row["band"], row["sub_temperature"], row["sub_heart_rate"]) == (5, "high", 0, 2)
    row = one("qsofa", respiratory_rate="22", systolic_bp="100", gcs="15")
    assert (row["total"], row["band"]) == (2, "positive")


def test_ratios_give_a_value_and_none_without_a_reading() -> None:
    """No interval: a ratio of what is not known may be anything."""
    row = one("shock_index", heart_rate="110", systolic_bp="90")
    assert (row["value"], row["band"], row["complete"], row["missing"]) == (1.22, "early shock", True, [])
    row = one("shock_index", heart_rate="110", systolic_bp="")
    assert (row["value"], row["band"], row["complete"], row["missing"]) == (None, None, False, ["systolic_bp"])
    assert one("map", systolic_bp="120", diastolic_bp="80", mean_bp="100")["value"] == 100
    assert one("map", systolic_bp="120", diastolic_bp="", mean_bp="")["missing"] == ["diastolic_bp"]
    assert one("rox", spo2="92", fio2="0.5", respiratory_rate="25")["value"] == 7.36
    assert "fio2 of 50 fraction is not possible" in one("rox", spo2="92", fio2="50", respiratory_rate="25")["error"]


def test_pews_scores_by_age_and_says_what_raises_the_level() -> None:
    """Bands of the age; points and notes side by side."""
    row = child()
    assert (row["total"], row["band"], row["notes"], row["unasked"]) == (0, "none", [], [])
    row = child(age_band="0-11m")
    assert (row["sub_respiratory_rate"], row["sub_heart_rate"], row["total"]) == (1, 1, 4)
    row = child(consciousness="V", temperature="38.5")
    assert (row["total"], row["band"]) == (0, "high")
    assert row["notes"] == ["responds to voice only", "sepsis trigger: temperature of 38 or more"]
    row = child(carer_concern="medium")
    assert (row["band"], row["notes"]) == ("medium", ["parent or carer is worried: medium"])


@pytest.mark.parametrize(
    ("changed", "points"),
    [
        ({"oxygen_device": "NP", "oxygen": "0.5"}, 1),
        ({"oxygen_device": "FM", "oxygen": "25"}, 4),
        ({"oxygen_device": "np", "fio2": "0.3"}, 2),
        ({"oxygen_device": "HF"}, 4),
        ({"oxygen_device": "CP", "fio2": "0.21"}, 4),
        ({"oxygen_device": "air"}, 0),
        ({"oxygen_device": "NP"}, None),
        ({"oxygen_device": ""}, None),
        ({"oxygen_device": "", "oxygen": "0"}, None),
    ],
)
def test_pews_scores_oxygen_by_device_and_level(changed: dict[str, str], points: int | None) -> None:
    """What is not known is not given; no flow is too high to score."""
    assert child(**changed)["sub_oxygen"] == points


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"capillary_refill": "2.5"}, "capillary_refill of 2.5 s is between the bands"),
        ({"oxygen": "oxygen"}, "oxygen is a number, not oxygen"),
        ({"oxygen_device": "tent"}, "oxygen_device is one of air, NP"),
        ({"age_band": ""}, "age_band is 0-11m or 1-4y or 5-12y or 13-18y, or born and time, and has to be given"),
        ({"age_band": "6"}, "age_band is 0-11m"),
        ({"age_band": "", "born": "2007-11-01", "time": "2026-11-26T12:00:00Z"}, "for ages below 19, not for 19 years"),
        ({"born": "2023-11-01", "time": "2026-11-26T12:00:00Z"}, "age_band 5-12y is not that of 3 years"),
        ({"age_band": "", "born": "2023-11-01", "time": "noon"}, "the age cannot be told"),
        ({"age_band": "", "born": "2027-11-01", "time": "2026-11-26T12:00:00Z"}, "the age cannot be told"),
        ({"age_band": "", "born": "2020-11-01", "time": "2026-11-26T12:00:00"}, "the time has no zone"),
        ({"age_band": " "}, "age_band is 0-11m"),
        ({"age_band": "", "age_years": "six"}, "age_years is a number from 0 to 150, not six"),
        ({"carer_concern": "yes"}, "carer_concern is one of none, low, medium, high, emergency"),
    ],
)
def test_a_child_that_cannot_be_read_has_an_error_and_no_score(changed: dict[str, str], says: str) -> None:
    """Nothing is taken for the normal, and no age is guessed."""
    row = child(**changed)
    assert says in row["error"]
    assert row["total_max"] is None


@pytest.mark.parametrize(
    ("about", "band"),
    [
        ({"born": "2021-11-26", "time": "2026-11-26T00:30:00Z"}, "5-12y"),
        ({"born": "2021-11-26", "time": "2026-11-25T23:30:00Z"}, "1-4y"),
        ({"age_years": "0"}, "0-11m"),
        ({"age_years": "12.9"}, "5-12y"),
    ],
)
def test_the_age_band_follows_from_the_birthday_at_the_time_of_the_reading(about: dict[str, str], band: str) -> None:
    """The same row scores as with the band written down."""
    row, told = child(age_band="", **about), child(age_band=band)
    assert row["error"] is None
    assert [row[f"sub_{part}"] for part in ("respiratory_rate", "heart_rate", "systolic_bp")] == [
        told[f"sub_{part}"] for part in ("respiratory_rate", "heart_rate", "systolic_bp")
    ]


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"age_years": "15"}, "National Early Warning Score 2 is for ages from 16 on, not for 15 years"),
        ({"born": "2010-11-27", "time": "2026-11-26T12:00:00Z"}, "not for 15 years"),
        ({"pregnant": "yes"}, "not for someone who is pregnant; the national maternity chart is not available"),
        ({"pregnant": "perhaps"}, "pregnant is yes or no, not perhaps"),
    ],
)
def test_news2_is_refused_for_children_and_in_pregnancy(about: dict[str, str], says: str) -> None:
    """Where a column tells: the row has an error that says what to do, and the exit code is 7."""
    row = dict(zip(NEWS2.split(","), WELL.split(","), strict=True)) | about
    result = run("news2", "-", "--json", text=written(row))
    (found,) = json.loads(result.stdout)
    assert says in found["error"]
    assert found["total"] is None
    assert result.exit_code == 7


def test_a_ratio_is_refused_for_those_it_is_not_for_too() -> None:
    """The shock index of a child has other limits; a mean pressure is anyone's."""
    values = {"heart_rate": "110", "systolic_bp": "90"}
    assert "for ages from 16 on, not for 9 years" in one("shock_index", age_years="9", **values)["error"]
    assert one("map", age_years="9", mean_bp="70")["error"] is None


@pytest.mark.parametrize("about", [{"age_years": "16"}, {"age_years": ""}, {"pregnant": "no"}, {"born": "2010-01-01"}])
def test_columns_about_the_person_that_exclude_nobody_are_passed_through(about: dict[str, str]) -> None:
    """An age that is not told refuses nothing: the caller answers for whom it asks."""
    row = dict(zip(NEWS2.split(","), WELL.split(","), strict=True)) | about
    found = one("news2", **row)
    assert (found["total"], found["error"]) == (0, None)
    assert found.items() >= about.items()


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
@pytest.mark.parametrize(
    ("column", "cell"),
    [("age_years", "1e999"), ("heart_rate", "1e999"), ("heart_rate", "9" * 5000)],
)
def test_a_number_beyond_all_others_costs_its_own_row_only(form: str, column: str, cell: str) -> None:
    """It makes that row an error like any other that cannot be read; the rows after it are scored."""
    beyond = {"age_years": "40", "heart_rate": "70"} | {column: cell}
    result = run("news2", "-", "--format", form, text=written(beyond, {"age_years": "40", "heart_rate": "135"}))
    assert result.exit_code == 7
    assert "1 of 2 rows could not be scored" in result.stderr
    if form == "json":
        first, second = json.loads(result.stdout)
        assert column in first["error"]
        assert second["sub_heart_rate"] == 3


def test_a_number_written_at_length_is_that_number() -> None:
    """Zeros in front of it are no other number, however many."""
    assert one("news2", heart_rate="0" * 5000 + "70")["heart_rate"] == 70


def test_the_maternity_score_is_refused_with_a_reason() -> None:
    """A safety rule, by its exit code; nothing is printed that could be taken for a score."""
    result = run("mews_maternity", "-", text="heart_rate\n70\n")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "maternity unit's own chart" in result.stderr


def test_the_measurement_that_would_settle_a_score_is_said_in_every_format() -> None:
    """As a sentence for people, with its numbers for programs, and nothing where there is none."""
    text = f"{NEWS2}\n,93,1,air,95,70,A,37.0\n{WELL}\n"
    first, second = json.loads(run("news2", "-", "--json", text=text).stdout)
    assert first["measure_next"] == {
        "measure": "respiratory_rate",
        "settles": True,
        "low": 4,
        "high": 7,
        "low_band": "low",
        "high_band": "high",
        "sentence": "measure respiratory rate now: it decides between 4 and 7 (low or high)",
    }
    assert (first["band"], first["band_min"], first["band_max"]) == (None, "low", "high")
    assert second["measure_next"] is None
    assert (second["band_min"], second["band_max"]) == ("low", "low")
    for form in ("csv", "table"):
        shown = run("news2", "-", "--format", form, text=text).stdout
        assert shown.count("it decides between 4 and 7 (low or high)") == 1


def rows(count: int) -> str:
    """Write so many rows that differ."""
    return "".join(f"p{n},{8 + n % 25},97,1,air,120,{60 + n % 70},A,37.0\n" for n in range(count))


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_a_table_of_several_batches_is_one_list(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """How it is cut for reading cannot be seen."""
    text = f"patient,{NEWS2}\n{rows(50)}"
    whole = run("news2", "-", "--format", form, text=text).stdout
    monkeypatch.setattr(observation_sets, "BATCH", 7)
    assert run("news2", "-", "--format", form, text=text).stdout == whole
    assert len(whole.splitlines()) >= 50


def test_json_streamed_is_what_json_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One list, closed, with every row in it, laid out as other lists are."""
    monkeypatch.setattr(observation_sets, "BATCH", 3)
    shown = run("news2", "-", "--json", text=f"patient,{NEWS2}\n{rows(10)}").stdout
    assert [row["patient"] for row in json.loads(shown)] == [f"p{n}" for n in range(10)]
    assert json.dumps(json.loads(shown), indent=2) + "\n" == shown


def test_scores_come_out_before_the_table_has_been_read_to_its_end() -> None:
    """So that a table larger than memory can be scored: a pipe that is still open has given its first rows."""
    command = [sys.executable, "-m", "vwmon", "score", "news2", "-"]
    count = observation_sets.BATCH + 200
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as scoring:
        assert scoring.stdin is not None
        assert scoring.stdout is not None
        scoring.stdin.write(f"patient,{NEWS2}\n{rows(count)}")
        scoring.stdin.flush()
        assert scoring.stdout.readline().startswith("patient,")
        assert scoring.stdout.readline().startswith("p0,8,97")
        scoring.stdin.close()
        assert len(scoring.stdout.readlines()) == count - 1


def test_a_table_that_breaks_off_keeps_what_was_scored_and_says_why(tmp_path: Path) -> None:
    """A JSON list that is not closed cannot be taken for whole."""
    file = tmp_path / "sets.csv"
    file.write_bytes(f"patient,{NEWS2}\n{rows(12_000)}".encode() + b"\xff\xfe")
    result = run("news2", str(file), "--json")
    assert result.exit_code == 1
    assert "cannot be read as CSV in UTF-8" in result.stderr
    assert '"patient": "p9999"' in result.stdout
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)


def test_progress_is_shown_at_a_terminal_and_nowhere_else(tmp_path: Path) -> None:
    """On standard error while the output goes to a file; the output has none of it."""
    file = tmp_path / "sets.csv"
    file.write_text(f"patient,{NEWS2}\n{rows(12_000)}", encoding="utf-8")
    command = [sys.executable, "-m", "vwmon", "score", "news2", str(file)]
    ours, theirs = pty.openpty()
    with (tmp_path / "scores.csv").open("wb") as output:
        scoring = subprocess.Popen(command, stdout=output, stderr=theirs)
    os.close(theirs)
    shown = watched(ours)
    assert scoring.wait(60) == 0
    scores = (tmp_path / "scores.csv").read_bytes()
    assert b"scoring with news2" in shown
    assert len(scores.splitlines()) == 12_001
    assert b"scoring with" not in scores
    quiet = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert (quiet.stderr, quiet.stdout) == (b"", scores)


def watched(screen: int) -> bytes:
    """Give everything that a terminal shows until its program has ended."""
    shown = b""
    with os.fdopen(screen, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(4096):
                shown += part
        except OSError:  # how Linux says that a terminal has been left
            return shown
    return shown
