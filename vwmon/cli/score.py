"""`vwmon score`: a table of observation sets, scored row by row.

Here: reading the table, saying what of it cannot be read, and laying out the answer. The points are the chart's, what
is possible in a person is the table of vitals'; neither lives here.
"""

import csv
import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from vwmon.cli.options import JsonOption
from vwmon.cli.render import Column, Format, chosen, emit
from vwmon.errors import NotFoundError, PartialError, RecordingError, UsageError

if TYPE_CHECKING:
    from vwmon.scoring.charts import Chart
    from vwmon.scoring.vectorised import ScoreColumns

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
TOTALS = ("total_min", "total_max", "complete", "total", "band", "red", "missing")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table as read: its header, and by row the cells as text, the numbers read from them, and what is wrong."""

    header: tuple[str, ...]
    cells: Sequence[Mapping[str, str]]
    numbers: Sequence[Mapping[str, float]]
    faults: Sequence[str]


def score(
    chart: Annotated[str, typer.Argument(metavar="CHART", help="The chart: news2.")],
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="CSV or CSV.gz with a header; - is standard input.", show_default=False),
    ] = "",
    columns: Annotated[
        bool, typer.Option("--columns", help="Name the chart's input columns.", show_default=False)
    ] = False,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="How to print; else a table at a terminal and csv in a pipe.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a table of observation sets, one row each.

    An empty cell is missing: the total is then an interval, and `total` is empty. A row with a value that cannot be
    read has an `error` and no score, and the exit code is 7.
    """
    from vwmon.scoring import charts

    read = charts.load(chart)
    default = Format.TABLE if sys.stdout.isatty() else Format.CSV
    wanted = chosen(form or default, as_json)
    if columns:
        emit(list(_inputs(read)), [Column(key=key, title=key) for key in ("column", "unit", "values")], wanted)
        return
    if not file:
        raise UsageError("which file? FILE is a CSV file, or - for standard input")
    sheet = _read(read, file)
    rows = _scored(read, sheet)
    failed = sum(bool(fault) for fault in sheet.faults)
    inputs = {row["column"] for row in _inputs(read)}
    emit(
        [_shown(row, inputs, wanted) for row in rows],
        _table_columns(sheet.header, inputs) if wanted is Format.TABLE else _all_columns(sheet.header, read),
        wanted,
        footer=_footer(read, len(rows), failed),
    )
    if failed:
        raise PartialError(f"{failed} of {len(rows)} rows could not be scored; their `error` says why")


def _inputs(chart: "Chart") -> Iterator[Row]:
    """Yield the input columns of a chart, what it asks for besides readings after the part that asks."""
    from devices.vitals import VITALS

    named: set[str] = set()
    for part in chart.parts:
        words = tuple(VITALS[part.name].choices)
        yield {"column": part.name, "unit": part.unit, "values": words}
        for name in sorted({name for table in part.tables for name, _ in table.when} & set(chart.context) - named):
            named.add(name)
            yield {"column": name, "unit": "", "values": tuple(str(value) for value in chart.context[name])}


def _read(chart: "Chart", file: str) -> Sheet:
    """Read a whole table; RecordingError when it is none."""
    try:
        with _opened(file) as lines:
            return _sheet(chart, csv.reader(lines))
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {file}") from error
    except (OSError, EOFError, csv.Error, UnicodeDecodeError) as error:
        raise RecordingError(f"{file} cannot be read as CSV in UTF-8: {error}") from error


def _opened(file: str) -> TextIO:
    if file == "-":
        return TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
    if file.endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return Path(file).open(encoding="utf-8-sig", newline="")


def _sheet(chart: "Chart", lines: Iterator[list[str]]) -> Sheet:
    header = tuple(name.strip() for name in next(lines, []))
    inputs = [row["column"] for row in _inputs(chart)]
    repeated = [name for name, times in Counter(header).items() if times > 1]
    if repeated:
        raise UsageError(f"the column {', '.join(repeated)} is there twice")
    if not set(header) & set(inputs):
        raise UsageError(f"no column of the chart is there; it reads {', '.join(inputs)}")
    cells, numbers, faults = [], [], []
    for line in filter(None, lines):
        row = dict(zip(header, line, strict=False))
        found, wrong = _numbers(chart, inputs, row)
        if len(line) != len(header):
            wrong.append(f"{len(line)} cells in {len(header)} columns")
        cells.append(row)
        numbers.append(found)
        faults.append("; ".join(wrong))
    return Sheet(header=header, cells=cells, numbers=numbers, faults=faults)


def _numbers(chart: "Chart", inputs: Sequence[str], row: Mapping[str, str]) -> tuple[dict[str, float], list[str]]:
    """Give the numbers that a row's cells stand for, and what is wrong with the others."""
    found, wrong = {}, []
    for name in inputs:
        text = row.get(name, "").strip()
        try:
            if text:
                found[name] = _number(chart, name, text)
        except ValueError as error:
            wrong.append(str(error))
    for part in chart.parts:
        asked = {name for table in part.tables for name, _ in table.when} & set(chart.context)
        if part.name in found:
            wrong += [_one_of(chart, name) for name in sorted(asked - found.keys()) if not row.get(name, "").strip()]
    return found, wrong


def _number(chart: "Chart", name: str, text: str) -> float:
    """Read one cell; ValueError says what is wrong with it."""
    from devices.vitals import VITALS

    if name in chart.context:
        if not NUMBER.fullmatch(text) or float(text) not in chart.context[name]:
            raise ValueError(_one_of(chart, name))
        return float(text)
    vital = VITALS[name]
    words = {word.casefold(): number for word, number in vital.choices.items()}
    if text.casefold() in words:
        return words[text.casefold()]
    if not vital.numeric:
        raise ValueError(f"{name} is one of {', '.join(vital.choices)}, not {text}")
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{name} is a number{' or one of ' + ', '.join(vital.choices) if words else ''}, not {text}")
    if not vital.possible(float(text)):
        raise ValueError(f"{name} of {text} {vital.unit} is not possible")
    return float(text)


def _one_of(chart: "Chart", name: str) -> str:
    return f"{name} is {' or '.join(str(value) for value in chart.context[name])}, and has to be given"


def _scored(chart: "Chart", sheet: Sheet) -> list[Row]:
    """Give the rows with their scores; a row with a fault has none."""
    import numpy as np

    from vwmon.scoring import vectorised

    usable = [{} if fault else found for found, fault in zip(sheet.numbers, sheet.faults, strict=True)]
    names = [part.name for part in chart.parts]
    values = np.array([[row.get(name, np.nan) for name in names] for row in usable]).reshape(-1, len(names))
    context = {
        name: np.array([row.get(name, allowed[0]) for row in usable], dtype=np.int64)
        for name, allowed in chart.context.items()
    }
    added = _added(chart, vectorised.score(chart, values, context))
    nothing = dict.fromkeys([*TOTALS, *_subscores(chart)])
    return [
        {**cells, **(nothing if fault else scores), "error": fault or None}
        for cells, scores, fault in zip(sheet.cells, added, sheet.faults, strict=True)
    ]


def _added(chart: "Chart", found: "ScoreColumns") -> Iterator[Row]:
    """Yield what the score adds to each row; points that are not certain are not given."""
    from vwmon.scoring import vectorised

    names, bands = [part.name for part in chart.parts], (*vectorised.responses(chart), None)
    listed = (
        found.points_min,
        found.points_max,
        found.present,
        found.total_min,
        found.total_max,
        found.complete,
        found.band,
        found.red,
    )
    for low, high, present, total_min, total_max, complete, band, red in zip(
        *(c.tolist() for c in listed), strict=True
    ):
        points = [at_least if at_least == at_most else None for at_least, at_most in zip(low, high, strict=True)]
        yield {
            "total_min": total_min,
            "total_max": total_max,
            "complete": complete,
            "total": total_min if complete else None,
            "band": bands[band],
            "red": red,
            "missing": [name for name, there in zip(names, present, strict=True) if not there],
            **dict(zip(_subscores(chart), points, strict=True)),
        }


def _shown(row: Row, inputs: AbstractSet[str], form: Format) -> Row:
    """Give a row as a format wants it: JSON has lists and numbers, elsewhere cells are as they were read."""
    if form in {Format.JSON, Format.JSONL}:
        return {key: _json_cell(value) if key in inputs else value for key, value in row.items()}
    return row if row["missing"] is None else row | {"missing": " ".join(row["missing"])}


def _json_cell(text: str) -> str | float | None:
    text = text.strip()
    if NUMBER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return text or None


def _table_columns(header: Sequence[str], inputs: AbstractSet[str]) -> list[Column]:
    """Give the columns of a table for people: the first one that is no input, and the score."""
    return [
        *(Column(key=name, title=name) for name in [name for name in header if name not in inputs][:1]),
        Column(key="total", title="score", justify="right", compose=_total),
        Column(key="band", title="band"),
        Column(key="red", title="red"),
        Column(key="missing", title="missing"),
        Column(key="error", title="error"),
    ]


def _all_columns(header: Sequence[str], chart: "Chart") -> list[Column]:
    """Give the columns of a table for programs, which are the same when it has no rows."""
    names = dict.fromkeys([*header, *TOTALS, *_subscores(chart), "error"])
    return [Column(key=name, title=name) for name in names]


def _subscores(chart: "Chart") -> list[str]:
    return [f"sub_{part.name}" for part in chart.parts]


def _total(row: Mapping[str, Any]) -> str:
    if row["total_min"] is None:
        return ""
    return str(row["total"]) if row["complete"] else f"{row['total_min']}-{row['total_max']}"


def _footer(chart: "Chart", rows: int, failed: int) -> list[str]:
    not_for = "; ".join(one.rule for one in chart.exclusions)
    return [f"{rows - failed} of {rows} rows scored: {chart.title}, {chart.version}", f"Not for {not_for}"]
