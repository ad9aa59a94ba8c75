"""The files that an evaluation reads: every form of a recording, its units, and what is wrong with one."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from vwmon.errors import RecordingError, UsageError
from vwmon.evaluation import tables
from vwmon.evaluation.tables import Recording

HEADER = "patient,time,vital,value,unit,source"
ROWS = (
    "007,0,heart_rate,80,bpm,monitor",
    "007,60,temperature,98.6,degF,ear",
    "007,60,spo2,97,%,finger",
    "b,3600.5,consciousness,V,,",
    "b,7200,heart_rate,0,bpm,monitor",
    "b,7200,shoe_size,43,EU,",
    "b,7200,gcs,12.5,,",
)


def write(path: Path, rows: tuple[str, ...] = ROWS, header: str = HEADER) -> Path:
    """Write a recording as CSV, packed where the name says so."""
    text = "\n".join([header, *rows, ""])
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def values(found: Recording) -> list[tuple[str, str, int, float]]:
    """Give a recording as rows."""
    return [
        (found.patients[patient], found.vitals[vital], at, value)
        for patient, vital, at, value in zip(
            found.patient.tolist(), found.vital.tolist(), found.times_ms.tolist(), found.values.tolist(), strict=True
        )
    ]


EXPECTED = [
    ("007", "heart_rate", 0, 80.0),
    ("007", "temperature", 60_000, 37.0),
    ("007", "spo2", 60_000, 97.0),
    ("b", "consciousness", 3_600_500, 2.0),
]


@pytest.mark.parametrize("name", ["vitals.csv", "vitals.csv.gz"])
def test_a_recording_is_read_in_canonical_units(tmp_path: Path, name: str) -> None:
    """Patients as text, times in milliseconds, words as the numbers they stand for."""
    found = tables.read(write(tmp_path / name))
    assert values(found) == EXPECTED
    assert found.relative
    assert found.zero_ms.tolist() == [0, 0]


def test_json_lines_are_read_alike(tmp_path: Path) -> None:
    """The same rows as objects."""
    path = tmp_path / "vitals.jsonl"
    rows = (dict(zip(HEADER.split(","), row.split(","), strict=True)) for row in ROWS)
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert values(tables.read(path)) == EXPECTED


def test_nothing_but_an_empty_cell_is_empty(tmp_path: Path) -> None:
    """JSON has numbers: the time 0 and the value 0, room air, are as good as any; null is missing."""
    path = tmp_path / "vitals.jsonl"
    row = {"patient": "a", "time": 0, "vital": "oxygen", "value": 0, "unit": None}
    path.write_text(json.dumps(row), encoding="utf-8")
    assert values(tables.read(path)) == [("a", "oxygen", 0, 0.0)]
    path.write_text(json.dumps(row | {"value": None}), encoding="utf-8")
    with pytest.raises(RecordingError, match="'' is no value of oxygen"):
        tables.read(path)


def test_what_cannot_be_true_of_a_person_is_left_out_and_counted(tmp_path: Path) -> None:
    """And what no table knows; both still say how far the recording reaches."""
    found = tables.read(write(tmp_path / "vitals.csv"))
    assert found.left_out == {
        "heart_rate that is not possible": 1,
        "no vital shoe_size": 1,
        "gcs that is not possible": 1,  # a coma score is a whole number
    }
    assert found.last_ms.tolist() == [60_000, 7_200_000]
    assert found.first_ms.tolist() == [0, 3_600_500]


def test_calendar_times_begin_at_each_patients_first_reading(tmp_path: Path) -> None:
    """With their zones minded."""
    rows = ("a,2026-11-22T10:00:00+01:00,spo2,97,%,", "a,2026-11-22T09:30:00Z,spo2,96,%,")
    found = tables.read(write(tmp_path / "vitals.csv", rows))
    assert not found.relative
    assert (found.times_ms - found.zero_ms[found.patient]).tolist() == [0, 1_800_000]


def test_a_recording_longer_than_a_chunk_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is cut, and `advance` is told of every row."""
    told: list[int] = []
    path = write(tmp_path / "vitals.csv")
    whole = tables.read(path)
    monkeypatch.setattr(tables, "CHUNK", 2)
    cut = tables.read(path, told.append)
    assert values(cut) == values(whole)
    assert cut.left_out == whole.left_out
    assert np.array_equal(cut.last_ms, whole.last_ms)
    assert told == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,noon,spo2,97,%,", "'noon' is no time"),
        ("a,2026-11-22T09:00:00,spo2,97,%,", "has no zone"),
        ("a,nan,spo2,97,%,", "a time is no number"),
        ("a,0,spo2,high,%,", "'high' is no value of spo2"),
        ("a,0,spo2,97,mmHg,", "spo2 is not taken in 'mmHg'"),
        ("a,0,spo2", "fewer cells than the header"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, row: str, words: str) -> None:
    """With the file."""
    path = write(tmp_path / "vitals.csv", (row,))
    with pytest.raises(RecordingError, match=words) as caught:
        tables.read(path)
    assert str(path) in str(caught.value)


def test_times_of_two_kinds_are_refused(tmp_path: Path) -> None:
    """Within a recording, and between it and its outcomes."""
    rows = ("a,2026-11-22T09:00:00Z,spo2,97,%,",) * 2 + ("a,3600,spo2,97,%,",) * 2
    path = write(tmp_path / "vitals.csv", rows)
    with pytest.raises(RecordingError, match=r"'3600' is no time|some times are"):
        tables.read(path)
    with pytest.raises(RecordingError, match="times are numbers of seconds, those of the recording calendar times"):
        tables.times_ms(["3600"], path, relative=False)
    assert tables.times_ms(["1.5"], path, relative=True).tolist() == [1500]


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    """There is nothing to judge on."""
    with pytest.raises(RecordingError, match="the recording is empty"):
        tables.read(write(tmp_path / "vitals.csv", ()))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """With the kinds that are read."""
    path = tmp_path / "vitals.xlsx"
    path.touch()
    with pytest.raises(RecordingError, match=r"a recording is one of .*parquet"):
        tables.read(path)


def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """And not taken for a short one."""
    path = write(tmp_path / "vitals.csv.gz")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(RecordingError, match="cannot be read"):
        tables.read(path)


def test_a_small_table_is_read_whole(tmp_path: Path) -> None:
    """And must have the columns that are needed."""
    path = write(tmp_path / "patients.csv", ("007,A,",), "patient,hospital,age")
    assert tables.rows(path, ("patient",)) == [{"patient": "007", "hospital": "A", "age": ""}]
    with pytest.raises(UsageError, match="no column event; it has patient, hospital, age"):
        tables.rows(path, ("patient", "event"))
