"""A list that is printed while it is being made, in constant memory: batches of rows in, standard output out.

What it prints is what render.emit prints of the whole list, but that the columns of a plain table widen only from the
batch on that needs it. A JSON list that breaks off is not closed, so that nobody takes it for whole.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from vwmon.cli import render
from vwmon.cli.render import Column, Format, Row

Batches = Iterable[Sequence[Row]]


def stream(batches: Batches, columns: Sequence[Column], form: Format) -> None:
    """Print batches of rows as they come. A table and CSV show `columns`, the others every key of the rows."""
    if form is Format.TABLE:
        _table(batches, columns)
    else:
        sys.stdout.writelines(WRITERS[form](batches, columns))


def _table(batches: Batches, columns: Sequence[Column]) -> None:
    widths: list[int] = []
    for rows in filter(None, batches):
        if sys.stdout.isatty():
            render.table_at_terminal(rows, columns)
        else:
            widths = render.table_in_pipe(rows, columns, widths)


def _json(batches: Batches, _columns: Sequence[Column]) -> Iterator[str]:
    before = "["
    for rows in batches:
        for row in rows:
            yield before + "\n  " + render.json_text(row, indent=2).replace("\n", "\n  ")
            before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _jsonl(batches: Batches, _columns: Sequence[Column]) -> Iterator[str]:
    for rows in batches:
        for row in rows:
            yield render.json_text(row, indent=None) + "\n"


def _csv(batches: Batches, columns: Sequence[Column]) -> Iterator[str]:
    import csv
    import io

    header = [column.key for column in columns]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(map(render.csv_text, header))
    for rows in batches:
        writer.writerows([render.csv_text(row.get(key)) for key in header] for row in rows)
        yield lines.getvalue()
        lines.seek(0)
        lines.truncate()
    yield lines.getvalue()


WRITERS: Mapping[Format, Callable[[Batches, Sequence[Column]], Iterable[str]]] = {
    Format.JSON: _json,
    Format.JSONL: _jsonl,
    Format.CSV: _csv,
}
