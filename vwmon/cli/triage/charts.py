"""A patient's last hours drawn in text: a cell for a span of time, and nothing in one in which nothing was measured.

Pure. Heights are on fixed scales, so that the same height always means the same; what is off its scale says so. Of
several readings in one cell the one that scores most is drawn, of equals the last: a cell hides no worsening.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vwmon.cli import render
from vwmon.durations import HOUR_MS

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ABOVE, BELOW = "▲", "▼"
GAP: Final = " "
CELLS: Final = (96, 72, 48, 24)  # a day or three in cells of whole quarters of an hour
LABEL, VALUE = 8, 22
RED = 3
# By vital: what it is called here, and the values at the foot and the head of its scale.
SCALES: Final[Mapping[str, tuple[str, float, float]]] = {
    "respiratory_rate": ("resp", 4, 36),
    "spo2": ("SpO2", 84, 100),
    "oxygen": ("oxygen", 0, 9),
    "fio2": ("FiO2", 0.21, 1),
    "systolic_bp": ("syst BP", 70, 230),
    "heart_rate": ("pulse", 30, 150),
    "consciousness": ("ACVPU", 0, 4),
    "gcs": ("GCS", 3, 15),
    "temperature": ("temp", 34, 41),
}
# How a bar shows two points of the score: by how many of them are certain, and how many are possible.
BAR: Final[Mapping[tuple[int, int], str]] = {
    (0, 0): GAP,
    (0, 1): ".",
    (0, 2): ":",
    (1, 1): "▄",
    (1, 2): "▒",
    (2, 2): "█",
}
NOTHING_SCORED: Final = "▁"  # a score of 0, which is not the same as no score
PER_ROW = 2
# By chart, what it is called, and what calls for an urgent and an emergency response, where their rows begin.
CALLED: Final = {"news2": "NEWS2", "pews": "PEWS"}
STEPS: Final = {"news2": {5: "5", 7: "7"}, "pews": {5: "5", 9: "9"}}
LEGEND: Final = "█ certain  : could be"

Line = tuple[str, str]  # a line and its rich style


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One reading: when, what, and the points it scores where that is known."""

    at_ms: int
    value: float
    points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The readings of one vital. `valid_ms` is for how long one counts; None where the plan does not ask for it."""

    vital: str
    unit: str
    dots: tuple[Dot, ...]
    valid_ms: int | None = None
    letters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A score at a moment: at least and at most."""

    at_ms: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The hours that are drawn, up to `now_ms`, in `cells` cells."""

    now_ms: int
    length_ms: int
    cells: int

    def cell(self, at_ms: int) -> int | None:
        """Give the cell of a moment; None for one outside. The last moment belongs to the last cell."""
        since_ms = at_ms - (self.now_ms - self.length_ms)
        if not 0 < since_ms <= self.length_ms:
            return None
        return (since_ms * self.cells - 1) // self.length_ms


def fitted(now_ms: int, hours: int, width: int) -> Span:
    """Give the span of so many hours that fits a width beside its labels and values."""
    room = width - LABEL - VALUE - 1
    cells = next((cells for cells in CELLS if cells <= room), max(room, 1))
    return Span(now_ms=now_ms, length_ms=hours * HOUR_MS, cells=cells)


def by_cell(span: Span, dots: Sequence[Dot]) -> dict[int, Dot]:
    """Give the reading that each cell shows; a cell without a reading is not there."""
    shown: dict[int, Dot] = {}
    for dot in sorted(dots, key=lambda dot: (dot.points or 0, dot.at_ms)):
        cell = span.cell(dot.at_ms)
        if cell is not None:
            shown[cell] = dot
    return shown


def glyph(trace: Trace, value: float) -> str:
    """Give the one character that stands for a value of a vital."""
    if trace.letters:
        return trace.letters[int(value)] if 0 <= value < len(trace.letters) else "?"
    _, low, high = SCALES.get(trace.vital, ("", value, value + 1))
    if value > high:
        return ABOVE
    if value < low:
        return BELOW
    if trace.vital == "oxygen":
        return str(int(value)) if value >= 1 or value == 0 else BLOCKS[0]
    return BLOCKS[min(int((value - low) / (high - low) * len(BLOCKS)), len(BLOCKS) - 1)]


def name(vital: str) -> str:
    """Give what a vital is called beside its line."""
    return SCALES[vital][0] if vital in SCALES else render.cut(vital.replace("_", " "), LABEL)


def trace_lines(trace: Trace, span: Span, *, with_points: bool) -> Iterator[Line]:
    """Give the line of a vital, and with points below it the line of what they scored, where they scored."""
    shown = by_cell(span, trace.dots)
    drawn = "".join(glyph(trace, shown[cell].value) if cell in shown else GAP for cell in range(span.cells))
    if not shown:
        drawn = render.pad(f"none in {span.length_ms // HOUR_MS} h", span.cells)
    yield _line(name(trace.vital), drawn, _now(trace, span.now_ms)), _style(trace)
    scored = {cell: dot.points for cell, dot in shown.items() if dot.points}
    if with_points and scored:
        digits = "".join(str(scored[cell]) if cell in scored else GAP for cell in range(span.cells))
        yield _line("  points", digits, ""), "bold" if max(scored.values()) >= RED else "dim"


def carried(span: Span, scores: Sequence[Interval], heard_ms: Sequence[int]) -> dict[int, Interval]:
    """Give the worst score of each cell; a cell in which nothing was heard and nothing was scored is not there.

    A score is stored when it changes: at a moment when something was heard it is what was last stored.
    """
    ordered = sorted(scores, key=lambda score: score.at_ms)
    times = [score.at_ms for score in ordered]
    found: dict[int, Interval] = {}
    for at_ms in sorted({*heard_ms, *times}):
        cell, place = span.cell(at_ms), bisect_right(times, at_ms)
        if cell is None or not place:
            continue
        score = ordered[place - 1]
        was = found.get(cell, score)
        found[cell] = Interval(at_ms=at_ms, low=max(was.low, score.low), high=max(was.high, score.high))
    return found


def digits(span: Span, cells: Mapping[int, Interval], chart: str = "news2") -> Iterator[Line]:
    """Give the score as a line of digits, and where it is open a second of what it could be; "+" is 10 or more."""

    def drawn(number: Callable[[Interval], int | None]) -> str:
        texts = (number(cells[cell]) if cell in cells else None for cell in range(span.cells))
        return "".join(GAP if text is None else str(text) if text <= 9 else "+" for text in texts)  # noqa: PLR2004

    yield _line(CALLED[chart], drawn(lambda score: score.low), _score_now(cells)), ""
    if any(score.high > score.low for score in cells.values()):
        yield _line(" up to", drawn(lambda score: score.high if score.high > score.low else None), ""), "dim"


def band(span: Span, cells: Mapping[int, Interval], rows: int, chart: str = "news2") -> Iterator[Line]:
    """Give the score as bars of so many rows, from the top: what is certain, and above it what it could be."""
    for row in reversed(range(rows)):
        drawn = "".join(_bar(cells.get(cell), row, rows) for cell in range(span.cells))
        label = STEPS[chart].get(row * PER_ROW + 1, "")
        beside = {rows - 1: _score_now(cells), 0: LEGEND}.get(row, "")
        yield _line(f"{CALLED[chart] if row == rows - 1 else '':<5} {label}", drawn, beside), ""


def axis(span: Span) -> Line:
    """Give the line of hours below the cells."""
    hours = span.length_ms // HOUR_MS
    marks = [GAP] * span.cells
    for quarter in range(4):
        text = f"-{hours - quarter * hours // 4}h"
        place = quarter * span.cells // 4
        marks[place : place + len(text)] = list(text)
    return _line("", "".join(marks)[: span.cells], "now"), "dim"


def _line(label: str, drawn: str, beside: str) -> str:
    return f"{render.pad(label, LABEL)}{drawn} {beside}".rstrip()


def _bar(score: Interval | None, row: int, rows: int) -> str:
    if score is None:
        return GAP
    foot = row * PER_ROW
    if row == rows - 1 and score.high > foot + PER_ROW:
        return ABOVE
    if row == 0 and score.high == 0:
        return NOTHING_SCORED
    certain, possible = (min(max(number - foot, 0), PER_ROW) for number in (score.low, score.high))
    return BAR[certain, possible]


def _score_now(cells: Mapping[int, Interval]) -> str:
    """Say what the worst was; what the score is now, the list says, where it still holds."""
    if not cells:
        return "no score"
    worst = max(cells.values(), key=lambda score: (score.low, score.high))
    bounds = str(worst.low) if worst.low == worst.high else f"{worst.low}-{worst.high}"
    return f"worst {bounds}"


def _now(trace: Trace, now_ms: int) -> str:
    """Say what came last, what it scored and how old it is; OLD when it no longer counts."""
    if not trace.dots:
        return ""
    last = max(trace.dots, key=lambda dot: dot.at_ms)
    value = trace.letters[int(last.value)] if trace.letters else f"{last.value:g}"
    unit = "" if trace.letters else trace.unit if trace.unit.startswith(("/", "%")) else f" {trace.unit}"
    points = f" ({last.points})" if last.points else ""
    age_ms = now_ms - last.at_ms
    old = " OLD" if trace.valid_ms is not None and age_ms > trace.valid_ms else ""
    said = f"{value}{unit}{points}{old} {render.ago(age_ms)}"
    return render.cut(said, VALUE)


def _style(trace: Trace) -> str:
    last = max(trace.dots, key=lambda dot: dot.at_ms, default=None)
    return "bold" if last is not None and last.points is not None and last.points >= RED else ""
