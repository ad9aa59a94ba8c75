"""How rows are shown: a table for people, JSON and CSV for programs.

Here: the only place that writes a list to standard output, and the texts of spans and times. Not here: choosing the
rows, or their words. Text from outside can carry escape sequences; nothing leaves here with one in it.
"""

import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

Row = Mapping[str, Any]
Here = Callable[[str], str]  # how people are told a time of a row: on the clock of a ward
Justify = Literal["left", "right"]

# C0 and C1 controls, the marks that turn, hide or break what follows them in a terminal or an editor, and letters that
# nobody sees, with which two people could look to have one name.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb"
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u3164\uffa0\U000e0000-\U000e0fff]"
)
# Where a spreadsheet begins a cell that it runs: at the beginning, on a new line or, where it parts cells so, after
# a semicolon. The wide signs are those of a Japanese keyboard.
FORMULA = re.compile("(?m)(?:^|(?<=;))(?=[ ]*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
GAP = "  "
WIDTH = 80  # of a terminal that nobody has widened: what sentences are folded to
NARROWEST = 60
SPANS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000))


class Format(StrEnum):
    """The ways a list can be printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: which key of a row it shows, and how.

    `format` turns the key's value into text; `compose` takes the whole row instead. `style` is a rich style or a
    function from row to style; what it says must also be said by the text.
    """

    key: str
    title: str
    justify: Justify = "left"
    style: str | Callable[[Row], str] = ""
    min_width: int | None = None
    no_wrap: bool = False
    format: Callable[[Any], str] | None = None
    compose: Callable[[Row], str] | None = None

    def text(self, row: Row) -> str:
        """Return the cell's text, on one line or, where a formatter breaks it, several."""
        if self.compose is not None:
            shown = self.compose(row)
        else:
            value = row.get(self.key)
            shown = self.format(value) if self.format is not None else plain(value)
        return _safe_lines(shown)

    def style_of(self, row: Row) -> str:
        """Return the rich style of this column's cell in a row."""
        return self.style(row) if callable(self.style) else self.style


def chosen(form: Format, as_json: bool) -> Format:
    """Return the format that --format and --json together ask for."""
    return Format.JSON if as_json else form


def emit(
    rows: Sequence[Row],
    columns: Sequence[Column],
    form: Format,
    *,
    footer: Sequence[str] = (),
    title: str = "",
) -> None:
    """Print rows to standard output.

    A table shows `columns`, between `title` and the lines of `footer`: in colour and folded to the width of a
    terminal, or plain and uncut into a pipe. The other formats carry every key of the rows and neither title nor
    footer.
    """
    if form is Format.TABLE:
        _table(rows, columns, title, footer)
    else:
        sys.stdout.writelines(WRITERS[form](rows, columns))


def emit_one(row: Row, form: Format) -> None:
    """Print one object: as a JSON object, or as lines of "key  value" for people."""
    if form in {Format.JSON, Format.JSONL}:
        sys.stdout.write(json_text(row, indent=2 if form is Format.JSON else None) + "\n")
        return
    if form is Format.CSV:
        sys.stdout.writelines(_csv([row], ()))
        return
    width = max((len(key) for key in row), default=0)
    for key, value in row.items():
        say(f"{key.replace('_', ' '):<{width}}{GAP}{plain(value)}".rstrip())


def say(line: str = "") -> None:
    """Print one line for people to standard output: folded to the width of a terminal, uncut into a pipe."""
    shown = folded(safe(line), terminal_width()) if sys.stdout.isatty() else [safe(line)]
    sys.stdout.writelines(f"{part}\n" for part in shown)


def terminal_width() -> int:
    """Return how many columns the terminal has; no fewer than a sentence can be read in."""
    return max(shutil.get_terminal_size().columns, NARROWEST)


def folded(line: str, width: int = WIDTH) -> list[str]:
    """Return a line as lines of at most `width` columns, those after the first set in below it."""
    if width_of(line) <= width:
        return [line]
    return wrapped(line, width, inner=" " * (len(line) - len(line.lstrip()) + len(GAP)))


def wrapped(line: str, width: int, *, indent: str = "", inner: str = "", most: int | None = None) -> list[str]:
    """Return a line as at most `most` lines of so many columns, each set in; what is left out is marked."""
    from textwrap import wrap

    # A letter that is two columns wide counts as two: with a NUL beside it, which nothing safe to show has.
    counted = "".join(letter if width_of(letter) < 2 else f"{letter}\0" for letter in line)  # noqa: PLR2004
    parts = wrap(
        counted,
        width,
        initial_indent=indent,
        subsequent_indent=inner,
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" …",
    )
    return [part.replace("\0", "") for part in parts]


def laid_out(rows: Sequence[Sequence[str]], justify: Justify = "left", gap: str = GAP) -> list[str]:
    """Return short cells as lines of even columns: the first to the left, the others as they are asked for."""
    widths = [max(map(width_of, cells)) for cells in zip(*rows, strict=True)]
    sides: list[Justify] = ["left", *[justify] * (len(widths) - 1)]
    return [gap.join(map(pad, row, widths, sides)).rstrip() for row in rows]


def warn(line: str) -> None:
    """Print one line for people to standard error."""
    sys.stderr.write(safe(line) + "\n")


def safe(text: str) -> str:
    """Return a text with every control, escape and direction character written out by its code."""
    return UNSAFE.sub(lambda found: ascii(found.group())[1:-1], text)


def plain(value: object) -> str:
    """Return a value as a cell of a table: nothing for None, words for a flag, a list with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else str(value)  # noqa: PLR2004 -- where :g turns to exponents
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return str(value)


def ago(span_ms: float) -> str:
    """Return a span as its largest whole unit: "3 min", "2 h", "4 d"; a span below zero keeps its sign."""
    sign, span = ("-", -span_ms) if span_ms < 0 else ("", span_ms)
    for unit, size in SPANS:
        if span >= size:
            return f"{sign}{int(span // size)} {unit}"
    return "0 s"


def short(span_ms: float) -> str:
    """Return a span for a narrow column, in at most two units: "40s", "9m", "1h55", "3d4h"; one below zero is none."""
    seconds = max(int(span_ms // 1000), 0)
    if seconds < 60:  # noqa: PLR2004 -- a minute
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if not hours:
        return f"{minutes}m"
    if not days:
        return f"{hours}h{minutes % 60:02d}"
    return f"{days}d{hours % 24}h" if days < 10 else f"{days}d"  # noqa: PLR2004 -- an hour tells nothing after ten days


def utc(ms: int) -> str:
    """Return milliseconds since the epoch as "2026-11-22T09:15:00Z", with milliseconds only when there are some."""
    whole, rest = divmod(ms, 1000)
    seconds = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{seconds}.{rest:03d}Z" if rest else f"{seconds}Z"


def local(ms: int, zone: str) -> str:
    """Return milliseconds since the epoch as a ward's wall clock shows them: "Sun 22 Nov 09:15"."""
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)).strftime("%a %d %b %H:%M")


def _table(rows: Sequence[Row], columns: Sequence[Column], title: str, footer: Sequence[str]) -> None:
    if title:
        say(title)
    if rows:
        show = table_at_terminal if sys.stdout.isatty() else table_in_pipe
        show(rows, columns)
    for line in footer:
        say(line)


def table_at_terminal(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print rows to a terminal, in colour and folded to its width."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(
            Text(safe(column.title)),
            justify=column.justify,
            min_width=column.min_width,
            no_wrap=column.no_wrap,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(column.text(row), style=column.style_of(row)) for column in columns))
    Console(file=sys.stdout, highlight=False).print(table)


def table_in_pipe(rows: Sequence[Row], columns: Sequence[Column], drawn: Sequence[int] = ()) -> list[int]:
    """Print rows plain and uncut, and give the widths of the columns.

    `drawn` are the widths of a table that these rows go on with: it has its titles already, and only widens.
    """
    lines = [] if drawn else [[safe(column.title) for column in columns]]
    lines += [[column.text(row).replace("\n", " ") for column in columns] for row in rows]
    widths = [max(map(width_of, cells)) for cells in zip(*lines, strict=True)]
    widths = [max(both) for both in zip(widths, drawn, strict=True)] if drawn else widths
    for line in lines:
        cells = (pad(cell, width, column.justify) for cell, width, column in zip(line, widths, columns, strict=True))
        sys.stdout.write(GAP.join(cells).rstrip() + "\n")
    return widths


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """Return a text of at most `width` columns; what is left out is marked."""
    if width_of(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + "…"


def pad(text: str, width: int, justify: Justify = "left") -> str:
    """Return a text with spaces before or after it, so that it takes `width` columns."""
    space = " " * (width - width_of(text))
    return space + text if justify == "right" else text + space


def _as_json(rows: Sequence[Row], _columns: Sequence[Column]) -> Iterable[str]:
    yield json_text(rows, indent=2) + "\n"


def _as_jsonl(rows: Sequence[Row], _columns: Sequence[Column]) -> Iterable[str]:
    for row in rows:
        yield json_text(row, indent=None) + "\n"


def json_text(value: object, *, indent: int | None) -> str:
    """Return a value as JSON, with every control and direction character escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    return UNSAFE.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    return found.group() if found.group() == "\n" else json.dumps(found.group())[1:-1]


def _csv(rows: Sequence[Row], columns: Sequence[Column]) -> Iterable[str]:
    import csv
    import io

    # Every key of every row, in order of first sight; an empty list still has a header.
    header = list(dict.fromkeys(key for row in rows for key in row)) or [column.key for column in columns]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(map(csv_text, header))
    writer.writerows([csv_text(row.get(key)) for key in header] for row in rows)
    yield lines.getvalue()


def csv_text(value: object) -> str:
    """Return a value as a cell of CSV: nothing for None, words for a flag, and nothing that a spreadsheet would run."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, int):
        return str(value)
    text = _safe_lines(value) if isinstance(value, str) else json_text(value, indent=None)
    return text if text.isalnum() else FORMULA.sub("'", text)


def _safe_lines(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "\n".join(safe(line) for line in text.split("\n"))


WRITERS: Mapping[Format, Callable[[Sequence[Row], Sequence[Column]], Iterable[str]]] = {
    Format.JSON: _as_json,
    Format.JSONL: _as_jsonl,
    Format.CSV: _csv,
}
