"""Recorded readings from files: rows of patient, time, vital, value, unit, and the messages a device would have sent.

Here lives the reading of CSV, CSV.gz, JSON Lines and Parquet files and the grouping of their rows into the
messages of one device a patient. What becomes of the messages (a database, a broker) must not live here.
"""

import csv
import gzip
import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

import msgspec

from vwmon.errors import RecordingError
from vwmon.patients import asked

DEFAULT_START = datetime(2001, 1, 1, tzinfo=UTC)
COLUMNS = ("patient", "time", "vital", "value", "unit")
OF_CHILDREN = frozenset({"respiratory_distress", "carer_concern"})  # vitals that no chart of adults has
HEADED = (".csv", ".csv.gz")  # their first row is the names of the columns
UNREADABLE = (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error)
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999, in UTC
MOST_READINGS = 100  # a message stays far below the size limit of a payload

NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?")
QUESTIONNAIRE = re.compile(r"[A-Za-z0-9_-]{1,64}")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message of a recording: when it was observed, by whose device, and its readings or answers as sent.

    `born` (YYYY-MM-DD) and `age_years` (completed) are what the recording says of the patient; `of_child`: it has
    readings that only a child's chart has.
    """

    at_ms: int
    patient: str
    device: str
    id: str
    payload: bytes
    kind: str = "readings"
    born: str = ""
    age_years: int | None = None
    of_child: bool = False


def read(path: Path, start: datetime = DEFAULT_START) -> Iterator[Sending]:
    """Yield the messages of one file in the order of time; rows of one patient at one time are one message.

    Raises RecordingError naming the file, the row and what is wrong with it.
    """
    start_ms = round(start.timestamp() * 1000)
    first = 2 if path.name.lower().endswith(HEADED) else 1
    rows = [_timed(row, number, path, start_ms) for number, row in enumerate(_rows(path), start=first)]
    rows.sort(key=lambda row: row[:2])
    names = device_names(dict.fromkeys(row[1] for row in rows))
    for (at_ms, patient), group in groupby(rows, key=lambda row: row[:2]):
        together = list(group)
        said = _person(path, patient, [row[3] for row in together])
        for sending in _sendings(at_ms, patient, names[patient], [row[2] for row in together]):
            yield replace(sending, **said)


def device_names(patients: Iterable[str]) -> dict[str, str]:
    """Name one device a patient within the topic grammar; patients whose names would meet get a number."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for patient in patients:
        stem = "rec-" + (re.sub(r"[^a-z0-9]+", "-", patient.lower()).strip("-") or "patient")[:48]
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        names[patient] = name
    return names


def _sendings(at_ms: int, patient: str, device: str, rows: Sequence[Row]) -> Iterator[Sending]:
    answers: dict[str, dict[str, Any]] = {}
    readings = []
    for row in rows:
        if row["vital"].startswith(asked.ONE):
            name, _, question = row["vital"].removeprefix(asked.ONE).partition(".")
            answers.setdefault(name, {})[question] = row["value"]
        else:
            readings.append(row)
    yield from _readings(at_ms, patient, device, readings)
    for name, said in answers.items():
        body = msgspec.json.encode({"questionnaire": name, "answers": said})
        id_ = f"{at_ms}-{zlib.crc32(body):08x}-{name}"
        payload = b'{"v":1,"id":"%s","time":"%s",%s' % (id_.encode(), _iso(at_ms).encode(), body[1:])
        yield Sending(at_ms=at_ms, patient=patient, device=device, id=id_, payload=payload, kind="answers")


def _readings(at_ms: int, patient: str, device: str, readings: Sequence[Row]) -> Iterator[Sending]:
    for first in range(0, len(readings), MOST_READINGS):
        chunk = readings[first : first + MOST_READINGS]
        body = msgspec.json.encode(chunk)
        # The content is part of the id, so that a second file about the same patient and time is not a repeat.
        id_ = f"{at_ms}-{zlib.crc32(body):08x}-{first}"
        payload = b'{"v":1,"id":"%s","time":"%s","readings":%s}' % (id_.encode(), _iso(at_ms).encode(), body)
        yield Sending(at_ms=at_ms, patient=patient, device=device, id=id_, payload=payload)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _person(path: Path, patient: str, said: Sequence[Row]) -> dict[str, Any]:
    """Give what rows of one patient and time say of the person; RecordingError where they contradict each other."""
    found: dict[str, Any] = {}
    for one in said:
        for name, value in one.items():
            if found.setdefault(name, value) != value and name != "of_child":
                raise RecordingError(f"{path}, patient {patient!a}: two values of {name} at one time")
            found[name] = max(found[name], value) if name == "of_child" else value
    return found


def _timed(row: Row, number: int, path: Path, start_ms: int) -> tuple[int, str, Row, Row]:
    try:
        at_ms = _believed(_at_ms(row["time"], start_ms))
        return at_ms, _filled(row, "patient"), _reading(row), _of_person(row)
    except (KeyError, ValueError, OverflowError) as error:
        raise RecordingError(f"{path}, row {number}: {error}") from error


def _at_ms(time: object, start_ms: int) -> int:
    """Read seconds from the start, or an ISO 8601 time with its zone."""
    if NUMBER.fullmatch(str(time)):
        return start_ms + round(float(str(time)) * 1000)
    at = datetime.fromisoformat(str(time))
    if at.tzinfo is None:
        raise ValueError(f"time {time!r} has no zone; write it with Z or an offset")
    return round(at.timestamp() * 1000)


def _believed(at_ms: int) -> int:
    if not FIRST_MS <= at_ms <= LAST_MS:
        raise ValueError("its time is not in the years 1 to 9999")
    return at_ms


def _reading(row: Row) -> Row:
    vital = _filled(row, "vital")
    name = vital.removeprefix(asked.ONE).partition(".")[0]
    if vital.startswith(asked.ONE) and not QUESTIONNAIRE.fullmatch(name):
        raise ValueError(f"{name!r} is no questionnaire's name")
    unit = _text(row.get("unit"))
    return {"vital": vital, "value": _value(_filled(row, "value"))} | ({"unit": unit} if unit else {})


def _of_person(row: Row) -> Row:
    """Give what a row says of the person: born, the completed years, and whether only a child is measured so."""
    born, years = ("" if row.get(name) is None else str(row[name]).strip() for name in ("born", "age"))
    said: dict[str, Any] = {"of_child": str(row.get("vital")).strip() in OF_CHILDREN}
    if born:
        said["born"] = born[:10]
    if years:
        if not NUMBER.fullmatch(years) or float(years) < 0:
            raise ValueError(f"age {years!r} is no number of years")
        said["age_years"] = int(float(years))
    return said


def _filled(row: Row, column: str) -> str:
    text = _text(row[column]).strip()
    if not text:
        raise ValueError(f"{column} is empty")
    return text


def _text(cell: object) -> str:
    if isinstance(cell, list | dict):
        raise ValueError(f"a cell holds a {type(cell).__name__}")
    text = "" if cell is None else str(cell)
    text.encode()  # JSON can escape half of a surrogate pair, which is no character
    return text


def _value(text: str) -> float | str:
    """Give numbers as numbers and leave words (the letter of a consciousness) as they are."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise ValueError(f"value {text!r} is not a number")
    return number


def _rows(path: Path) -> Iterator[Row]:
    name = path.name.lower()
    reader = next((found for ending, found in READERS.items() if name.endswith(ending)), None)
    if reader is None:
        raise RecordingError(f"{path}: a recording is one of {', '.join(READERS)}")
    try:
        yield from reader(path)
    except UNREADABLE as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error


def _csv(path: Path) -> Iterator[Row]:
    opener: Callable[..., TextIO] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        _require(path, reader.fieldnames or ())
        yield from reader


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:  # also a number of thousands of digits
                raise RecordingError(f"{path}, line {number}: {error}") from error
            _require(path, row if isinstance(row, dict) else ())
            yield row


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise RecordingError(f"{path}: Parquet needs the extra: pip install 'vwmon[parquet]'") from error
    try:
        table = parquet.read_table(path)
        _require(path, table.column_names)
        for batch in table.to_batches():
            yield from batch.to_pylist()
    except (ArrowException, ValueError, OverflowError) as error:  # damaged, or holding what Python has no type for
        raise RecordingError(f"{path} cannot be read: {error}") from error


def _require(path: Path, names: Iterable[str]) -> None:
    missing = [column for column in COLUMNS if column not in set(names)]
    if missing:
        raise RecordingError(f"{path}: no column {', '.join(missing)}; a recording has {', '.join(COLUMNS)}")


READERS: dict[str, Callable[[Path], Iterable[Row]]] = {
    ".csv.gz": _csv,
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
