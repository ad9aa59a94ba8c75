"""Recordings become the messages that a device would have sent, and a bad row is named with its file and number."""

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices import topics
from devices.payloads import decode
from vwmon import recordings
from vwmon.errors import RecordingError
from vwmon.recordings import Sending

HEADER = "patient,time,vital,value,unit\n"
NINE_MS = round(datetime(2001, 1, 1, 9, tzinfo=UTC).timestamp() * 1000)


def read(
    tmp_path: Path, text: str, name: str = "ward.csv", start: datetime = recordings.DEFAULT_START
) -> list[Sending]:
    """Read the messages of a file with this text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(recordings.read(path, start))


def body(sending: Sending) -> dict[str, Any]:
    """Read a payload as JSON."""
    content: dict[str, Any] = json.loads(sending.payload)
    return content


def readings(sending: Sending) -> list[tuple[str, float | None]]:
    """Decode a payload as the ingest does: vitals and values."""
    message = decode(sending.payload, device=sending.device, received_ms=sending.at_ms)
    return [(reading.vital, reading.value) for reading in message.readings]


def test_rows_of_one_patient_at_one_time_are_one_message(tmp_path: Path) -> None:
    """In the order of time, whatever the order of the rows, and another patient's reading is another message."""
    text = HEADER + "b,60,spo2,95,%\na,60,heart_rate,80,bpm\na,0,spo2,97,%\na,60,spo2,96,%\n"
    sendings = read(tmp_path, text)
    assert [(sending.patient, len(body(sending)["readings"])) for sending in sendings] == [("a", 1), ("a", 2), ("b", 1)]
    assert readings(sendings[1]) == [("heart_rate", 80.0), ("spo2", 96.0)]


def test_seconds_count_from_the_start(tmp_path: Path) -> None:
    """From the first of January 2001 when none is given; parts of a second count."""
    text = HEADER + "a,1.5,spo2,97,%\n"
    assert read(tmp_path, text)[0].at_ms == 978_307_200_000 + 1500
    assert read(tmp_path, text, start=datetime(2001, 1, 1, 9, tzinfo=UTC))[0].at_ms == NINE_MS + 1500


@pytest.mark.parametrize("time", ["2001-01-01T09:00:00Z", "2001-01-01T10:00:00+01:00", "2001-01-01 09:00:00.000Z"])
def test_a_time_with_a_zone_stands_for_itself(tmp_path: Path, time: str) -> None:
    """ISO 8601, in any zone; the start has no part in it, and the payload says the same time."""
    (sending,) = read(tmp_path, f"{HEADER}a,{time},spo2,97,%\n", start=datetime(2020, 1, 1, tzinfo=UTC))
    assert sending.at_ms == NINE_MS
    assert body(sending)["time"] == "2001-01-01T09:00:00.000Z"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,2001-01-01T09:00:00,spo2,97,%", "no zone"),
        ("a,soon,spo2,97,%", "soon"),
        ("a,,spo2,97,%", "Invalid isoformat"),
        ("a,1e400,spo2,97,%", "1e400"),
        (" ,0,spo2,97,%", "patient is empty"),
        ("a,0,,97,%", "vital is empty"),
        ("a,0,spo2,,%", "value is empty"),
        ("a,0,spo2,nan,%", "not a number"),
        ("a,0,spo2,-inf,%", "not a number"),
        ("a,999999999999,spo2,97,%", "years 1 to 9999"),
        ("a,0001-01-01T00:00:00+14:00,spo2,97,%", "years 1 to 9999"),
        ("a,0,answer:,yes,", "no questionnaire's name"),
        ('a,0,"answer:x"",""v"":2.q",yes,', "no questionnaire's name"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    """With its file, its line in that file, and what is wrong with it."""
    with pytest.raises(RecordingError, match=rf"ward\.csv, row 3: .*{said}"):
        read(tmp_path, f"{HEADER}a,0,spo2,97,%\n{row}\n")


def test_a_row_that_ends_early_is_named(tmp_path: Path) -> None:
    """A file that was cut off is not read as one that ends there."""
    with pytest.raises(RecordingError, match=r"ward\.csv, row 3: value is empty"):
        read(tmp_path, f"{HEADER}a,0,spo2,97,%\na,60,sp")


@pytest.mark.parametrize("name", ["ward.csv", "ward.jsonl"])
def test_missing_columns_are_named_before_anything_is_read(tmp_path: Path, name: str) -> None:
    """And so is what a recording has."""
    text = "patient,time,value\na,0,97\n" if name.endswith("csv") else '{"patient": "a", "time": 0, "value": 97}\n'
    with pytest.raises(RecordingError, match=rf"{name}: no column vital, unit; a recording has patient, time, vital"):
        read(tmp_path, text, name)


@pytest.mark.parametrize("name", ["ward.xlsx", "ward.gz", "ward"])
def test_a_file_of_another_kind_is_refused_with_those_there_are(tmp_path: Path, name: str) -> None:
    """The name's ending says what a file is; nothing is guessed."""
    with pytest.raises(RecordingError, match=r"\.csv\.gz, \.csv, \.jsonl, \.parquet"):
        read(tmp_path, HEADER, name)


def test_a_compressed_file_reads_as_the_plain_one(tmp_path: Path) -> None:
    """Whatever letters its ending is written in."""
    text = HEADER + "a,0,spo2,97,%\n"
    path = tmp_path / "WARD.CSV.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert list(recordings.read(path)) == read(tmp_path, text)


def test_json_lines_read_as_the_table(tmp_path: Path) -> None:
    """One object a line, numbers as numbers, no unit as none."""
    text = '{"patient": "a", "time": 0, "vital": "spo2", "value": 97, "unit": "%"}\n'
    assert read(tmp_path, text, "ward.jsonl") == read(tmp_path, HEADER + "a,0,spo2,97,%\n")
    (sending,) = read(tmp_path, text.replace('"%"', "null"), "ward.jsonl")
    assert body(sending)["readings"] == [{"vital": "spo2", "value": 97}]


def test_nought_is_something(tmp_path: Path) -> None:
    """A patient of that number, a time and a value: none of them is empty."""
    (sending,) = read(
        tmp_path, '{"patient": 0, "time": 0, "vital": "oxygen", "value": 0, "unit": "L/min"}\n', "w.jsonl"
    )
    assert (sending.patient, readings(sending)) == ("0", [("oxygen", 0.0)])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", r"ward\.jsonl, line 2: "),
        ("[" * 3000, r"ward\.jsonl, line 2: "),
        ("9" * 5000, r"ward\.jsonl, line 2: "),
        ("[1, 2]", "no column"),
        ('{"patient": "a", "time": 0, "vital": "\\ud800", "value": 97, "unit": "%"}', r"ward\.jsonl, row 2: "),
        ('{"patient": "a", "time": 0, "vital": "spo2", "value": "\\ud800", "unit": "%"}', r"ward\.jsonl, row 2: "),
        ('{"patient": "a", "time": 0, "vital": "spo2", "value": 97, "unit": "\\ud800"}', r"ward\.jsonl, row 2: "),
        ('{"patient": "a", "time": 0, "vital": "spo2", "value": [97], "unit": "%"}', "row 2: a cell holds a list"),
    ],
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str, said: str) -> None:
    """Broken JSON, JSON that is something else, and objects whose cells are no text or number."""
    good = '{"patient": "a", "time": 0, "vital": "spo2", "value": 97, "unit": "%"}\n'
    with pytest.raises(RecordingError, match=said):
        read(tmp_path, good + line + "\n", "ward.jsonl")


def test_words_stay_words(tmp_path: Path) -> None:
    """The letter of a consciousness is sent as a letter, and comes through as the value that it stands for."""
    (sending,) = read(tmp_path, HEADER + "a,0,consciousness,V,\n")
    assert body(sending)["readings"] == [{"vital": "consciousness", "value": "V"}]
    assert readings(sending) == [("consciousness", 2.0)]


def test_a_message_holds_a_hundred_readings_at_most(tmp_path: Path) -> None:
    """More of them at one time are several messages, of which none is taken for a repeat of another."""
    rows = "".join(f"a,0,heart_rate,{60 + n},bpm\n" for n in range(201))
    sendings = read(tmp_path, HEADER + rows)
    assert [len(body(sending)["readings"]) for sending in sendings] == [100, 100, 1]
    assert len({sending.id for sending in sendings}) == 3
    assert [value for sending in sendings for _, value in readings(sending)] == [60.0 + n for n in range(201)]


def test_a_value_that_comes_hundreds_of_times_is_not_taken_for_a_repeat(tmp_path: Path) -> None:
    """Messages of one moment with the same content are still two."""
    sendings = read(tmp_path, HEADER + "a,0,spo2,97,%\n" * 200)
    assert len({sending.id for sending in sendings}) == 2


def test_rows_without_a_header_are_counted_from_one(tmp_path: Path) -> None:
    """The row that is named is the line of the file."""
    with pytest.raises(RecordingError, match=r"ward\.jsonl, row 1: value is empty"):
        read(tmp_path, '{"patient": "a", "time": 0, "vital": "spo2", "value": null, "unit": "%"}\n', "ward.jsonl")


def test_the_same_content_has_the_same_id(tmp_path: Path) -> None:
    """A file that is read again sends nothing new; another value at the same time is no repeat."""
    once = read(tmp_path, HEADER + "a,0,spo2,97,%\n")
    again = read(tmp_path, HEADER + "a,0,spo2,97,%\n", "again.csv")
    other = read(tmp_path, HEADER + "a,0,spo2,96,%\n", "other.csv")
    assert [sending.id for sending in again] == [sending.id for sending in once]
    assert other[0].id != once[0].id
    assert body(once[0])["id"] == once[0].id


def test_every_patient_has_a_device_of_its_own() -> None:
    """Within the grammar of topics, also where two names would become one, or none is left of a name."""
    patients = ["Ann B.", "ann-b", "ann b", "!!", "x" * 200, "x" * 199, "ärztin"]
    names = recordings.device_names(patients)
    assert list(names) == patients
    assert names["Ann B."] == "rec-ann-b"
    assert len(set(names.values())) == len(patients)
    assert [topics.device_name(name) for name in names.values()] == list(names.values())


def test_a_name_with_a_number_is_not_taken_from_its_owner() -> None:
    """A patient named like the numbered name of another still has a device of its own."""
    names = recordings.device_names(["a", "a.", "a-2"])
    assert len(set(names.values())) == 3


def test_the_device_is_in_the_message_and_not_in_its_payload(tmp_path: Path) -> None:
    """The topic says whose it is, as with a real device."""
    (sending,) = read(tmp_path, HEADER + "Ann,0,spo2,97,%\n")
    assert sending.device == "rec-ann"
    assert not re.search("ann", sending.payload.decode(), re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.csv.gz", gzip.compress(b"patient,time,vital,value,unit\np,0,spo2,95,%\n" * 50, mtime=0)[:-9]),
        ("not.csv.gz", b"patient,time,vital,value,unit\n"),
        ("latin.csv", b"patient,time,vital,value,unit\np,0,spo2,95,\xb0C\n"),
        ("bytes.jsonl", b"\xff\xfe"),
    ],
)
def test_a_file_that_is_damaged_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    """A cut or foreign file ends in a sentence with its name, not in a traceback."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=name):
        list(recordings.read(tmp_path / name))
