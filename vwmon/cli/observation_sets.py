"""A table of observation sets, read a batch of rows at a time: what each cell stands for, and what is wrong with it.

Here: CSV, the words and numbers of its cells, and whom by age and pregnancy a row is about. What is possible in a
person is the table of vitals', whom a chart is for is the chart's; nothing is scored here.
"""

import csv
import gzip
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from vwmon.cli.set_cells import Cells, inputs
from vwmon.errors import NotFoundError, RecordingError, UsageError
from vwmon.scoring.records import Chart, Ratio, Word

BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a table: the cells as text, what was read from them by input, and what is wrong with each."""

    cells: list[Mapping[str, str]] = field(default_factory=list)
    read: list[Mapping[str, Word | float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An open table: its header, its batches in order, and the file under it, whose position tells how far it is."""

    header: tuple[str, ...]
    batches: Iterator[Batch]
    raw: BinaryIO


@contextmanager
def opened(chart: Chart | Ratio, file: str) -> Iterator[Sheet]:
    """Open a table; - is standard input. NotFoundError without the file, RecordingError where it cannot be read."""
    with ExitStack() as stack:
        with _readable(file):
            raw = stack.enter_context(_binary(file))
            rows = csv.reader(stack.enter_context(_text(file, raw)))
            header = tuple(name.strip() for name in next(rows, []))
        _check_header(chart, header)
        yield Sheet(header=header, batches=_batches(chart, file, header, rows), raw=raw)


@contextmanager
def _readable(file: str) -> Iterator[None]:
    """Say in a sentence why a file cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {file}") from error
    except (OSError, EOFError, csv.Error, zlib.error, UnicodeDecodeError) as error:
        raise RecordingError(f"{file} cannot be read as CSV in UTF-8: {error}") from error


def _binary(file: str) -> BinaryIO:
    return sys.stdin.buffer if file == "-" else Path(file).open("rb")


def _text(file: str, raw: BinaryIO) -> TextIOWrapper:
    source = gzip.GzipFile(fileobj=raw) if file.endswith(".gz") else raw
    return TextIOWrapper(source, encoding="utf-8-sig", newline="")


def _check_header(chart: Chart | Ratio, header: Sequence[str]) -> None:
    repeated = [name for name, times in Counter(header).items() if times > 1]
    if repeated:
        raise UsageError(f"the column {', '.join(repeated)} is there twice")
    names = [one.column for one in inputs(chart)]
    if not set(header) & set(names):
        raise UsageError(f"no column of the chart is there; it reads {', '.join(names)}")


def _batches(chart: Chart | Ratio, file: str, header: Sequence[str], rows: Iterator[list[str]]) -> Iterator[Batch]:
    cells = Cells(chart)
    lines = filter(None, rows)
    while True:
        batch = Batch()
        with _readable(file):
            for line in islice(lines, BATCH):
                _add(batch, cells, header, line)
        if not batch.cells:
            return
        yield batch


def _add(batch: Batch, cells: Cells, header: Sequence[str], line: Sequence[str]) -> None:
    row = dict(zip(header, line, strict=False))
    read, wrong = cells.read(row)
    if len(line) != len(header):
        wrong.append(f"{len(line)} cells in {len(header)} columns")
    batch.cells.append(row)
    batch.read.append(read)
    batch.faults.append("; ".join(wrong))
