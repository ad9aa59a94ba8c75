"""`vwmon score`: a table of observation sets, scored row by row as it is read.

Thin: cells are read in set_cells, batches in observation_sets, scores laid out in scored_rows, printed by streamed.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vwmon.cli.options import JsonOption
from vwmon.cli.render import Column, Format, chosen, emit, say
from vwmon.errors import PartialError, UsageError

if TYPE_CHECKING:
    from vwmon.cli.observation_sets import Batch, Sheet
    from vwmon.scoring.records import Chart, Ratio

Row = Mapping[str, Any]


def score(
    chart: Annotated[
        str,
        typer.Argument(metavar="CHART", help="news2, news, pews, mews, qsofa, shock_index, map or rox."),
    ],
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
    """Score a table of observation sets, one row each, as large as it may be.

    An empty cell is missing: the total is then an interval, and `total` is empty. A row with a value that cannot be
    read has an `error` and no score, and the exit code is 7. So has a row about someone whom the chart is not for,
    where a column `age_years`, or `born` and `time`, or `pregnant` (yes, no) tells.
    """
    from vwmon.cli import observation_sets
    from vwmon.scoring import charts

    read = charts.either(chart)
    default = Format.TABLE if sys.stdout.isatty() else Format.CSV
    wanted = chosen(form or default, as_json)
    if columns:
        _name_columns(read, wanted)
        return
    if not file:
        raise UsageError("which file? FILE is a CSV file, or - for standard input")
    with observation_sets.opened(read, file) as sheet:
        _print_scores(read, sheet, wanted)


def _name_columns(chart: "Chart | Ratio", form: Format) -> None:
    from vwmon.cli.set_cells import inputs

    rows = [asdict(one) for one in inputs(chart)]
    emit(rows, [Column(key=key, title=key) for key in ("column", "unit", "values")], form)


def _print_scores(chart: "Chart | Ratio", sheet: "Sheet", form: Format) -> None:
    """Print the scores of an open table; PartialError when some rows have none."""
    from vwmon.cli.progress import following
    from vwmon.cli.set_cells import inputs
    from vwmon.cli.streamed import stream

    names = {one.column for one in inputs(chart)}
    tally = {"rows": 0, "failed": 0}
    with following(sheet.raw, sheet.batches, f"scoring with {chart.id}") as batches:
        shown = _table_columns(chart, sheet.header, names) if form is Format.TABLE else _all(chart, sheet.header)
        stream(_rows(chart, batches, names, form, tally), shown, form)
    rows, failed = tally["rows"], tally["failed"]
    if form is Format.TABLE:
        for line in _footer(chart, rows, failed):
            say(line)
    if failed:
        raise PartialError(f"{failed} of {rows} rows could not be scored; their `error` says why")


def _rows(
    chart: "Chart | Ratio", batches: "Iterator[Batch]", inputs: AbstractSet[str], form: Format, tally: dict[str, int]
) -> Iterator[list[Row]]:
    """Yield scored rows, a batch at a time, and count them."""
    from vwmon.cli.scored_rows import scored

    for batch in batches:
        tally["rows"] += len(batch.faults)
        tally["failed"] += sum(map(bool, batch.faults))
        yield [_shown(row, inputs, form) for row in scored(chart, batch)]


def _shown(row: Row, inputs: AbstractSet[str], form: Format) -> Row:
    """Give a row as a format wants it: JSON has lists and numbers, elsewhere cells are as they were read."""
    from vwmon.cli import next_measure

    if form in {Format.JSON, Format.JSONL}:
        return {key: _json_cell(value) if key in inputs else value for key, value in row.items()}
    texts = {key: separator.join(row[key]) for key, separator in LISTS.items() if row.get(key) is not None}
    return {**row, **texts, "measure_next": next_measure.sentence(row.get("measure_next")) or None}


LISTS = {"missing": " ", "notes": "; ", "unasked": " "}
EXACT_DIGITS = 15  # that a float, and whoever reads the JSON, keeps


def _json_cell(text: str) -> str | float | None:
    from vwmon.cli.set_cells import NUMBER

    text = text.strip()
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return text or None
    return int(text) if text.lstrip("+-").isdigit() and len(text) <= EXACT_DIGITS else float(text)


def _table_columns(chart: "Chart | Ratio", header: Sequence[str], inputs: AbstractSet[str]) -> list[Column]:
    """Give the columns of a table for people: the first one that is no input, and the score."""
    from vwmon.cli.scored_rows import added

    there = added(chart)
    result = Column(key="total", title="score", justify="right", compose=_total)
    value = Column(key="value", title=chart.id, justify="right")
    names = ["band", "red", "missing", "notes", "unasked", "measure_next", "error"]
    return [
        *(Column(key=name, title=name) for name in [name for name in header if name not in inputs][:1]),
        value if "value" in there else result,
        *(Column(key=name, title=name.replace("_", " ")) for name in names if name in there),
    ]


def _all(chart: "Chart | Ratio", header: Sequence[str]) -> list[Column]:
    """Give the columns of a table for programs, which are the same when it has no rows."""
    from vwmon.cli.scored_rows import added

    return [Column(key=name, title=name) for name in dict.fromkeys([*header, *added(chart)])]


def _total(row: Row) -> str:
    if row["total_min"] is None:
        return ""
    return str(row["total"]) if row["complete"] else f"{row['total_min']}-{row['total_max']}"


def _footer(chart: "Chart | Ratio", rows: int, failed: int) -> Iterator[str]:
    yield f"{rows - failed} of {rows} rows scored: {chart.title}, {chart.version}"
    if chart.exclusions:
        yield f"Not for {'; '.join(one.rule for one in chart.exclusions)}"
    for one in chart.cautions:
        yield f"Caution: {one.rule}"
