"""How the work list looks to people: at a terminal of any width, and in a pipe.

Here: the words, widths and colours of the list. Not here: which alerts there are, what is said around the list, or one
alert in full. Nothing is said by colour alone.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from alerts import charts, happened, wording
from alerts.model import Kind, Lane
from alerts.policy import POLICY
from vwmon.cli import render
from vwmon.cli.render import Column, Format
from vwmon.duty import Route

Row = Mapping[str, Any]
Line = tuple[str, str]  # a line and its rich style

STATES = {
    "new": "NEW",
    "acknowledged": "ACKED",
    "reraised": "RERAISED",
    "settled": "SETTLED",
    "closed": "CLOSED",
}
STYLES = {3: "bold red", 2: "yellow", 1: ""}
NARROW = ("ID", "LVL", "PATIENT", "STATE", "SCORE", "DUE")
USUAL = ("ID", "LVL", "PATIENT", "STATE", "SINCE", "SCORE", "OWNER", "DUE")
WIDE = ("ID", "LVL", "PATIENT", "WARD", "STATE", "SINCE", "SCORE", "OWNER", "DUE", "WHY")
USUAL_FROM, WIDE_FROM = 80, 140  # columns of a terminal
GIVING_WAY = ("OWNER", "PATIENT")  # which columns are cut on a narrow terminal, in this order
WHY_LINES, NARROW_WHY_LINES = 2, 3
BAR = " | "
INDENT = " " * 6
LEAST_OF_A_NAME, LEAST_OF_A_REASON = 8, 24
SAID = frozenset({"blind", "late", "recurrence", "offered", "snoozed"})  # flags that the reasons tell of
GONE, CHANGED, ADDED = "-", "*", "+"
NOT_MONITORING = "NOT"


@dataclass(frozen=True, kw_only=True)
class Around:
    """What is said around a list: above it, below it, and in place of an empty one."""

    title: str = ""
    empty: str = ""
    footer: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a list is drawn: for how many columns, each alert on one line or not, and with which marks by id.

    With marks, even none, a column before the others is kept for them.
    """

    width: int
    wide: bool = False
    marks: Mapping[str, str] | None = None

    @property
    def titles(self) -> tuple[str, ...]:
        """Give the columns that there is room for."""
        if self.wide or self.width >= WIDE_FROM:
            return WIDE
        return USUAL if self.width >= USUAL_FROM else NARROW


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A list in lines: those of its titles, and of each alert in order."""

    titles: Line
    alerts: Sequence[Sequence[Line]] = field(default=())


def show_list(
    rows: Sequence[Row], form: Format, now_ms: int, around: Around, *, wide: bool = False, plain: bool = False
) -> None:
    """Print the list: in lines that fit a terminal, one line an alert and nothing cut in a pipe, or for programs.

    `wide` is one line an alert, however long, also at a terminal; `plain` is without colour there.
    """
    if form is not Format.TABLE:
        render.emit(rows, (), form)
    elif sys.stdout.isatty():
        look = Look(width=UNCUT if wide else render.terminal_width(), wide=wide)
        print_lines(lines(rows, now_ms, around, look), plain=plain)
    else:
        footer = around.footer if rows else [around.empty, *around.footer]
        render.emit(rows, _columns(now_ms), form, title=around.title, footer=footer)


def lines(rows: Sequence[Row], now_ms: int, around: Around, look: Look) -> list[Line]:
    """Give the list as lines for a terminal."""
    drawn = draw(rows, now_ms, look)
    listed = [drawn.titles, *(line for alert in drawn.alerts for line in alert)] if rows else [(around.empty, "")]
    return [*above(around.title, look.width), *listed, *below(around.footer, look.width)]


def above(title: str, width: int) -> list[Line]:
    """Give the lines that stand first, before anything that they may put in doubt."""
    style = "bold red" if title.startswith(NOT_MONITORING) else "bold"
    return [(line, style) for line in render.folded(title, width)] if title else []


def below(footer: Sequence[str], width: int) -> list[Line]:
    """Give the lines that stand last; what is between two bars stays on one line where it fits."""
    return [
        (line, "dim") for said in footer for part in _between_bars(said, width) for line in render.folded(part, width)
    ]


def _between_bars(said: str, width: int) -> list[str]:
    packed: list[str] = []
    for part in said.split(BAR):
        longer = f"{packed[-1]}{BAR}{part}" if packed else part
        if packed and render.width_of(longer) <= width:
            packed[-1] = longer
        else:
            packed.append(part)
    return packed


def draw(rows: Sequence[Row], now_ms: int, look: Look) -> Drawn:
    """Draw a list: its titles, and the lines of each alert."""
    titles = tuple(title for title in look.titles if title != "WHY")
    cells = _fitted([tuple(_cell(title, row, now_ms) for title in titles) for row in rows], titles, look)
    widths = _widths(cells, titles)
    room = look.width - sum(widths) - len(render.GAP) * len(widths) - _margin(look)
    beside = "WHY" in look.titles and room >= LEAST_OF_A_REASON
    alerts = []
    for row, texts in zip(rows, cells, strict=True):
        first, style = _marked(look, row["id"]) + _joined(texts, widths, kept=beside), STYLES[row["level"]]
        whole = _whole(row, texts[titles.index("PATIENT")], look.width)
        said = _beside(row, first, room, now_ms) if beside else [first, *_below(row, look, now_ms)]
        rest = "dim" if row["state"] == "closed" else ""
        alerts.append([(said[0], style), *((line, rest) for line in [*whole, *said[1:]])])
    shown = [*titles, "WHY"] if beside else titles
    return Drawn(titles=(" " * _margin(look) + _joined(shown, [*widths, 0]), "bold"), alerts=alerts)


def print_lines(shown: Iterable[Line], *, plain: bool = False) -> None:
    """Print lines in their styles to a terminal."""
    from rich.console import Console

    Console(file=sys.stdout, highlight=False, soft_wrap=True, no_color=plain or None).print(as_text(shown))


def as_text(shown: Iterable[Line]) -> Any:  # noqa: ANN401 -- rich is imported by those who show
    """Give lines as one rich text, with every control and direction character written out."""
    from rich.text import Text

    return Text("\n").join(Text(render.safe(line), style=style) for line, style in shown)


def told(event: Row) -> str:
    """Give one event as a line of history."""
    before, after = event["level_before"], event["level_after"]
    level = f"level {after}" if before in {None, after} else f"level {before} -> {after}"
    return f"{event['at']}  {event['kind']:<14}  {event['state_after']:<12}  {level:<12}  {by(event)}"


def by(event: Row) -> str:
    """Say who did what an entry of the history says, what that means, and with what words."""
    said = happened.words(Kind(event["kind"]), event["actor"], event["evidence"], ms(event["at"]))
    note = f' "{event["note"]}"' if event["note"] else ""
    return f"{event['actor']}{f': {said}' if said else ''}{note}"


def offered(event: Row) -> str:
    """Say whom an alert was offered to; an offer may also be a hand-over to whoever is next, or be taken back."""
    before, to = event["changes"].get("offered_to", (None, None))
    if to is not None:
        return f"to {to}"
    return "to the next" if before is None else "to nobody any more"


def done(record: Row) -> str:
    """Say in one line where an alert stands after an act."""
    parts = [headline(record)]
    if record["state"] == "acknowledged":
        parts.append(f"by {record['owner']} until {record['acknowledged_until']}: {record['covers']}")
    if record["outcome"] is not None:
        parts.append(f"outcome {record['outcome']}")
    return " ".join(parts)


def way(record: Row) -> list[str]:
    """Say which way an alert goes while its ward is closed; nothing while it is open."""
    ways = {
        Route.OUT_OF_HOURS.value: "out of hours: goes to those on duty now",
        Route.WAITS.value: f"waits for the ward to open at {record['waits_until']}",
    }
    return [ways[record["route"]]] if record["route"] in ways else []


def headline(record: Row) -> str:
    """Name an alert, what it is about and its state."""
    mark = wording.mark(Lane(record["lane"]), record["level"])
    who = f"patient {who_is(record)}, ward {record['ward']}" if record["patient"] is not None else "the whole service"
    return f"{record['id']} {mark} ({who}) {STATES[record['state']]}"


def who_is(row: Row) -> str:
    """Give a patient as a shared screen may: the local identifier first, then initials or name, and the age.

    The identifier is never left out: two patients of one ward can have the same initials and age.
    """
    if row["patient"] is None:
        return "-"
    person = row.get("person") or {}
    age = person.get("age")
    told_by = [person.get("name") or person.get("initials"), None if age is None else f"{age}y"]
    known = " ".join(filter(None, told_by))
    return render.safe(f"{row['patient']} ({known})" if known else str(row["patient"]))


def score(row: Row) -> str:
    """Give the score of now with its bounds, and by how much it has changed: "8 +3"; "?" where that cannot be told."""
    held, change = row["score"], row.get("change")
    if held is None or row["lane"] != Lane.CLINICAL:
        return "-"
    text = bounds(held) if charts.of(held) == charts.NEWS2 else f"{titled(held)} {bounds(held)}"
    if change is None:
        return text
    return f"{text} ?" if change["by"] is None else f"{text} {change['by']:+d}"


def titled(held: Row) -> str:
    """Give the name of the chart of a score, or of some evidence: a 5 on one is no 5 on another."""
    return POLICY.charts[charts.of(held)].title


def bounds(held: Row) -> str:
    """Give a score as it may be: "8", or "8-14" when something is missing."""
    low, high = held["total_min"], held["total_max"]
    return str(low) if low == high else f"{low}-{high}"


def due(row: Row, now_ms: int) -> str:
    """Say when something is owed: OVERDUE since the first answer was, with the tier it has come to; or the outcome."""
    if row["state"] == "closed":
        return row["outcome"] or "-"
    owed, next_due = row.get("owed_at"), row["due_at"]
    tier = f" tier {row['tier']}" if row["tier"] > 1 else ""
    if owed is not None and ms(owed) <= now_ms:
        return f"OVERDUE {render.short(now_ms - ms(owed))}{tier}"
    if next_due is None:
        return "-"
    left_ms = ms(next_due) - now_ms
    return f"in {render.short(left_ms)}{tier}" if left_ms > 0 else f"OVERDUE {render.short(-left_ms)}{tier}"


def since(at: str, now_ms: int) -> str:
    """Say how long ago a time was, for a narrow column."""
    return render.short(now_ms - ms(at))


def ms(at: str) -> int:
    """Undo render.utc."""
    return round(datetime.fromisoformat(at).timestamp() * 1000)


UNCUT: Final = 10_000
CELLS: Final[Mapping[str, Any]] = {
    "ID": lambda row, _: row["id"],
    "LVL": lambda row, _: wording.mark(Lane(row["lane"]), row["level"]),
    "PATIENT": lambda row, _: who_is(row),
    "WARD": lambda row, _: row["ward"] or "-",
    "STATE": lambda row, _: STATES[row["state"]],
    "SINCE": lambda row, now_ms: since(row["since"], now_ms),
    "SCORE": lambda row, _: score(row),
    "OWNER": lambda row, _: row["owner"] or "-",
    "DUE": due,
    "WHY": lambda row, now_ms: "; ".join(_reasons(row, now_ms)),
}


def _cell(title: str, row: Row, now_ms: int) -> str:
    return render.safe(CELLS[title](row, now_ms))


def _columns(now_ms: int) -> list[Column]:
    """Give the columns of the plain table: those of a wide terminal, uncut."""

    def column(title: str) -> Column:
        return Column(key=title, title=title, compose=lambda row: _cell(title, row, now_ms))

    return [column(title) for title in WIDE]


def _reasons(row: Row, now_ms: int) -> list[str]:
    """Give the phrases on an alert, with who has been asked to take it over and until when it is off the list."""
    offered, snoozed = row.get("offered_to"), row.get("snoozed_until")
    return [
        *(flag.upper() for flag in row["flags"] if flag not in SAID),
        *way(row),
        *([f"offered to {offered}"] if offered else []),
        *([f"SNOOZED, back in {render.short(ms(snoozed) - now_ms)}"] if snoozed else []),
        *row["brief"],
    ]


def _widths(cells: Sequence[Sequence[str]], titles: Sequence[str]) -> list[int]:
    return [max(map(render.width_of, column)) for column in zip(titles, *cells, strict=True)]


def _fitted(cells: Sequence[tuple[str, ...]], titles: Sequence[str], look: Look) -> list[tuple[str, ...]]:
    """Give the rows with identifiers and owners no longer than leaves room for the other columns; a cut is marked."""
    fitted = list(cells)
    spare = LEAST_OF_A_REASON if "WHY" in look.titles else 0
    for place in (titles.index(title) for title in GIVING_WAY if title in titles):
        widths = _widths(fitted, titles)
        over = sum(widths) + len(render.GAP) * (len(widths) - 1) + _margin(look) + spare - look.width
        room = max(widths[place] - max(over, 0), LEAST_OF_A_NAME)
        fitted = [(*texts[:place], render.cut(texts[place], room), *texts[place + 1 :]) for texts in fitted]
    return fitted


def _whole(row: Row, shown: str, width: int) -> list[str]:
    """Give an identifier that was cut in its row, whole: nobody may be taken for one whose identifier begins alike."""
    patient = who_is(row)
    return [] if shown == patient else render.folded(f"{INDENT}patient {patient}", width)


def _below(row: Row, look: Look, now_ms: int) -> list[str]:
    """Give the reasons below a row, indented; what is left out is marked."""
    said = [row["ward"]] if row["ward"] is not None else []
    if look.titles is NARROW:
        said.append(f"{_cell('SINCE', row, now_ms)}, {'nobody' if row['owner'] is None else row['owner']}")
    most = WHY_LINES if look.titles is USUAL else NARROW_WHY_LINES
    text = render.safe("; ".join([*said, *_reasons(row, now_ms)]))
    return render.wrapped(text, look.width, indent=INDENT, inner=INDENT, most=most)


def _beside(row: Row, first: str, room: int, now_ms: int) -> list[str]:
    """Give a row with its reasons beside it, on as many lines as they may take."""
    indent = " " * (render.width_of(first) + len(render.GAP))
    told_, *more = render.wrapped(_cell("WHY", row, now_ms), room, most=WHY_LINES) or [""]
    return [f"{first}{render.GAP}{told_}", *(f"{indent}{line}" for line in more)]


def _margin(look: Look) -> int:
    return 0 if look.marks is None else 2


def _marked(look: Look, id_: str) -> str:
    return "" if look.marks is None else f"{look.marks.get(id_, ' ')} "


def _joined(texts: Sequence[str], widths: Sequence[int], *, kept: bool = False) -> str:
    line = render.GAP.join(render.pad(text, width) for text, width in zip(texts, widths, strict=False))
    return line if kept else line.rstrip()
