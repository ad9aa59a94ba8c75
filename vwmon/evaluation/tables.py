"""The files that an evaluation reads: readings as columns, patients, and outcomes.

Here: from text to columns in canonical units, in chunks, so that memory holds numbers and not text; what could not be
true of a person is left out and counted. Which moments and outcomes count must not live here.
"""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from devices.errors import UnitError
from devices.vitals import Vital, find
from vwmon.errors import NotFoundError, RecordingError, UsageError
from vwmon.kernels.ragged import Floats, Ints
from vwmon.recordings import COLUMNS, READERS, UNREADABLE

CHUNK = 200_000
SECOND_MS = 1000

Cells = Sequence[str]
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Readings as columns of n rows: numbers into `patients` and `vitals`, times, and values in the canonical unit.

    `relative`: times count from each patient's own start; else they are of a calendar. `first_ms` and `last_ms` are
    by patient, of every row of the file. `left_out`: how many rows are not among the n, by reason.
    """

    patients: tuple[str, ...]
    vitals: tuple[str, ...]
    patient: NDArray[np.int32]
    vital: NDArray[np.int16]
    times_ms: Ints
    values: Floats
    relative: bool
    first_ms: Ints
    last_ms: Ints
    left_out: Mapping[str, int]

    @property
    def zero_ms(self) -> Ints:
        """When the clock of each stay began: 0 where times are relative, else the first reading."""
        return np.zeros_like(self.first_ms) if self.relative else self.first_ms


def read(path: Path, advance: Advance = lambda _: None) -> Recording:
    """Read a recording; `advance` is told the rows of each chunk. RecordingError names the file and what is wrong."""
    reading = _Reading(path)
    for cells in _chunks(path, COLUMNS):
        reading.take(cells)
        advance(len(cells))
    return reading.done()


def rows(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Read a small CSV table whole; UsageError names the columns that it lacks."""
    with _opened(path) as lines:
        table = csv.DictReader(lines)
        _require(path, table.fieldnames or (), needed)
        return [{key: cell or "" for key, cell in row.items() if key} for row in table]


def times_ms(texts: Cells, path: Path, *, relative: bool) -> Ints:
    """Read times of the kind that the recording has: seconds, or ISO 8601 with a zone. RecordingError for others."""
    found, kind = _times(texts, path)
    if len(found) and kind != relative:
        raise RecordingError(f"{path}: times are {_KINDS[kind]}, those of the recording {_KINDS[relative]}")
    return found


def text(path: Path) -> str:
    """Read a text file whole; NotFoundError when there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}") from error


def sha256(path: Path) -> str:
    """Give a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_KINDS = {True: "numbers of seconds", False: "calendar times"}


class _Reading:
    """A recording in the making, chunk by chunk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._patients: dict[str, int] = {}
        self._vitals: dict[str, int] = {}
        self._known: dict[tuple[str, str], Vital | str] = {}
        self._left_out: dict[str, int] = {}
        self._parts: list[tuple[NDArray[np.int32], NDArray[np.int16], Ints, Floats]] = []
        self._kinds: set[bool] = set()
        self._spans: list[tuple[NDArray[np.int32], Ints, Ints]] = []

    def take(self, cells: Sequence[Cells]) -> None:
        """Read one chunk of rows."""
        names, times, vitals, values, units = zip(*cells, strict=True)
        at_ms, relative = _times(times, self._path)
        self._kinds.add(relative)
        numbers = self._patients
        patient = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int32)
        self._reach(patient, at_ms)
        vital, number = self._converted(vitals, values, units)
        kept = np.flatnonzero(vital >= 0)
        self._parts.append((patient[kept], vital[kept], at_ms[kept], number[kept]))

    def done(self) -> Recording:
        """Put the chunks together."""
        if not self._parts:
            raise RecordingError(f"{self._path}: the recording is empty")
        if len(self._kinds) > 1:
            raise RecordingError(f"{self._path}: some times are {_KINDS[True]}, some {_KINDS[False]}")
        first = np.full(len(self._patients), np.iinfo(np.int64).max)
        last = np.full(len(self._patients), np.iinfo(np.int64).min)
        for patient, low, high in self._spans:
            first[patient] = np.minimum(first[patient], low)
            last[patient] = np.maximum(last[patient], high)
        patient_, vital, at_ms, values = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        return Recording(
            patients=tuple(self._patients),
            vitals=tuple(self._vitals),
            patient=patient_,
            vital=vital,
            times_ms=at_ms,
            values=values,
            relative=self._kinds == {True},
            first_ms=first,
            last_ms=last,
            left_out=self._left_out,
        )

    def _reach(self, patient: NDArray[np.int32], at_ms: Ints) -> None:
        """Note how far the recordings of a chunk's patients reach."""
        order = np.lexsort((at_ms, patient))
        begins = np.flatnonzero(np.diff(patient[order], prepend=-1))
        ends = np.append(begins[1:], len(order)) - 1
        self._spans.append((patient[order][begins], at_ms[order][begins], at_ms[order][ends]))

    def _converted(self, vitals: Cells, values: Cells, units: Cells) -> tuple[NDArray[np.int16], Floats]:
        """Give the vital of each row, -1 for rows that are left out, and its value in the canonical unit."""
        pairs: dict[tuple[str, str], int] = {}
        pair = np.array([pairs.setdefault(one, len(pairs)) for one in zip(vitals, units, strict=True)])
        vital, number = np.full(len(pair), -1, dtype=np.int16), np.full(len(pair), np.nan)
        for (name, unit), place in pairs.items():
            chosen = np.flatnonzero(pair == place)
            known = find(name)
            if known is None:
                self._leave_out(f"no vital {name}", len(chosen))
                continue
            raw = _numbers([values[row] for row in chosen.tolist()], known, self._path)
            canonical = _canonical(raw, known, unit, self._path)
            there = (canonical >= known.low) & (canonical <= known.high)
            if known.whole:
                there &= canonical == np.floor(canonical)
            self._leave_out(f"{known.name} that is not possible", int((~there).sum()))
            vital[chosen[there]] = self._vitals.setdefault(known.name, len(self._vitals))
            number[chosen] = canonical
        return vital, number

    def _leave_out(self, reason: str, count: int) -> None:
        if count:
            self._left_out[reason] = self._left_out.get(reason, 0) + count


def _canonical(raw: Floats, vital: Vital, unit: str, path: Path) -> Floats:
    """Convert values of one unit, as many distinct ones as there are."""
    if (unit or None) in vital.plain_units:
        return raw
    distinct, place = np.unique(raw, return_inverse=True)
    try:
        converted = [vital.canonical(float(one), unit) if np.isfinite(one) else np.nan for one in distinct]
    except UnitError as error:
        raise RecordingError(f"{path}: {error}") from error
    return np.array(converted)[place]


def _numbers(cells: Cells, vital: Vital, path: Path) -> Floats:
    """Read values: numbers, or the words that the vital has for some."""
    try:
        return np.array(cells, dtype=np.str_).astype(np.float64)
    except ValueError:
        return np.array([_number(cell, vital, path) for cell in cells])


def _number(cell: str, vital: Vital, path: Path) -> float:
    words = vital.choices
    try:
        return words[cell] if cell in words else float(cell)
    except ValueError as error:
        raise RecordingError(f"{path}: {cell!r} is no value of {vital.name}") from error


def _times(texts: Cells, path: Path) -> tuple[Ints, bool]:
    """Read times, and say whether they are seconds from a start."""
    try:
        seconds = np.array(texts, dtype=np.str_).astype(np.float64)
    except ValueError:
        return np.array([_calendar_ms(text, path) for text in texts], dtype=np.int64), False
    if not np.isfinite(seconds).all():
        raise RecordingError(f"{path}: a time is no number")
    return np.rint(seconds * SECOND_MS).astype(np.int64), True


def _calendar_ms(text: str, path: Path) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise RecordingError(f"{path}: {text!r} is no time; seconds from the start, or ISO 8601") from error
    if at.tzinfo is None:
        raise RecordingError(f"{path}: time {text!r} has no zone; write it with Z or an offset")
    return round(at.timestamp() * SECOND_MS)


def _chunks(path: Path, columns: Sequence[str]) -> Iterator[Sequence[Cells]]:
    """Yield the named columns of a table, many rows at a time."""
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        with _opened(path) as lines:
            table = csv.reader(lines)
            header = next(table, [])
            _require(path, header, columns)
            chosen = itemgetter(*(header.index(column) for column in columns))
            yield from _in_chunks(map(chosen, filter(None, table)), path)
        return
    reader = next((found for ending, found in READERS.items() if name.endswith(ending)), None)
    if reader is None:
        raise RecordingError(f"{path}: a recording is one of {', '.join(READERS)}")
    yield from _in_chunks((tuple(_cell(row.get(column)) for column in columns) for row in reader(path)), path)


def _cell(value: object) -> str:
    """Give a value as the text that it would be in a CSV file: 0 is one, and None is an empty cell."""
    return "" if value is None else str(value)


def _in_chunks(cells: Iterator[Cells], path: Path) -> Iterator[Sequence[Cells]]:
    try:
        while chunk := list(islice(cells, CHUNK)):
            yield chunk
    except IndexError as error:
        raise RecordingError(f"{path}: a row has fewer cells than the header") from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, packed or not; RecordingError when it cannot be read."""
    opener: Callable[..., TextIO] = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", newline="", encoding="utf-8-sig") as lines:
            yield lines
    except (*UNREADABLE, zlib.error) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error


def _require(path: Path, names: Sequence[str], needed: Sequence[str]) -> None:
    missing = [column for column in needed if column not in names]
    if missing:
        raise UsageError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
