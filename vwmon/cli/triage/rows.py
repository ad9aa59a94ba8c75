"""The queue as lines: one alert on one line or two, the cursor, and what is above and below the screen. Pure."""

from collections.abc import Sequence
from typing import Final

from vwmon.cli import render, work_list
from vwmon.cli.triage.filters import SNOOZED
from vwmon.cli.triage.queues import Item, Queue, Record, level
from vwmon.cli.triage.spans import Spans, columns, fill, fold, plain
from vwmon.cli.work_list import STATES

TITLES: Final = ("", "ID", "LV", "PATIENT", "STATE", "SINCE", "SCORE", "LAST", "OWNER", "DUE")
MOST: Final = {"PATIENT": 0, "OWNER": 10, "DUE": 17}  # columns that others need too
PATIENT: Final = TITLES.index("PATIENT")
STYLES: Final = {3: "level3", 2: "level2", 1: ""}
CURSOR, MARKED, GONE, NEW = ">", "*", "x", "+"
INDENT: Final = "   "
TALL: Final = 14  # lines of list from which every alert says why on a line of its own


def who(record: Record) -> str:
    """Give what a row calls its patient: the local identifier, with initials or name, and age."""
    return "the service" if record["patient"] is None else work_list.who_is(record)


def age(at: str | None, now_ms: int) -> str:
    """Say how long ago something was; "-" for never."""
    return "-" if at is None else render.ago(max(now_ms - work_list.ms(at), 0))


def said(record: Record) -> str:
    """Give what is said of an alert in few words, now before then."""
    flags = [flag.upper() for flag in record["flags"] if flag not in work_list.SAID]
    flags += [f"offered to {record['offered_to']}"] if record["offered_to"] else []
    flags += ["SNOOZED"] if SNOOZED in record["flags"] else []
    return "; ".join([*filter(None, [record["ward"]]), *flags, *record["brief"]])


def listed(queue: Queue, now_ms: int, width: int, room: int, top: int, *, empty: str = "") -> tuple[list[Spans], int]:
    """Draw the part of the queue that has the cursor in it, with its titles; give also which row is the first."""
    items = queue.shown
    if not items:
        return [plain(line, "bold") for line in fold(empty, width)], 0
    cells = [_cells(item, now_ms, here=item.id == queue.selected) for item in items]
    widths = _widths(cells, width)
    blocks = [_block(item, row, widths, tall=room >= TALL) for item, row in zip(items, cells, strict=True)]
    place = next(number for number, item in enumerate(items) if item.id == queue.selected)
    top, end = _window([len(block) for block in blocks], place, top, room - 2)
    cut_off = [*items[:top], *items[end:]]
    shown = [plain(columns(TITLES, widths), "bold dim"), *(line for block in blocks[top:end] for line in block)]
    rest = [plain(_beyond(top, len(items) - end, cut_off), "bold")] if cut_off else []
    return [*shown, *rest][:room], top


def _window(heights: Sequence[int], place: int, top: int, room: int) -> tuple[int, int]:
    """Choose the first row and the one after the last: with the cursor's among them, moved no more than it takes."""
    top = min(top, place)
    while top < place and sum(heights[top : place + 1]) > room:
        top += 1
    while top and sum(heights[top - 1 :]) <= room:
        top -= 1
    end = top
    while end < len(heights) and (end <= place or sum(heights[top : end + 1]) <= room):
        end += 1
    if end == len(heights) - 1 and not top and sum(heights) <= room + 1:
        end += 1  # with nothing left out, the line that would say so is free
    return top, end


def _beyond(above: int, below: int, left_out: Sequence[Item]) -> str:
    highest = max(left_out, key=lambda item: item.record["level"])
    where = [f"{count} more {side}" for count, side in ((above, "above"), (below, "below")) if count]
    return f"{INDENT}{', '.join(where)}, up to {level(highest.record)}"


def _widths(cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Give the columns their widths: what their cells ask for, but the patients' what the others leave."""
    widths = [max(map(render.width_of, column)) for column in zip(TITLES, *cells, strict=True)]
    widths = [min(each, MOST.get(title, each)) for title, each in zip(TITLES, widths, strict=True)]
    widths[PATIENT] = max(width - sum(widths) - (len(widths) - 1), 4)
    return widths


def _cells(item: Item, now_ms: int, *, here: bool) -> tuple[str, ...]:
    record = item.record
    last = record["last_reading_at"]
    return (
        f"{CURSOR if here else ' '}{_mark(item)}",
        item.id,
        level(record),
        who(record),
        "GONE" if item.gone else STATES[record["state"]],
        work_list.since(record["since"], now_ms),
        work_list.score(record),
        "-" if last is None else work_list.since(last, now_ms),
        render.safe(record["owner"] or "-"),
        work_list.due(record, now_ms),
    )


def _block(item: Item, cells: Sequence[str], widths: Sequence[int], *, tall: bool) -> list[Spans]:
    """Draw one alert: its row, and below it what changed and, where there is room, why it is there."""
    record, width = item.record, sum(widths) + len(widths) - 1
    style = "dim" if item.gone else STYLES[record["level"]]
    row = plain(columns(cells, widths), style)
    here = cells[0].startswith(CURSOR)
    lines = [fill(plain(row[0][0], f"{style} reverse".strip()), width, "reverse") if here else row]
    if render.width_of(who(record)) > widths[PATIENT]:  # two patients must not look like one
        lines += [plain(line) for line in fold(f"{INDENT}patient {who(record)}", width)]
    told = [f"[{item.mark}]"] if item.mark else []
    told += [said(record)] if tall else []
    if told:
        lines += [plain(line, "bold" if item.mark else "") for line in fold(INDENT + " ".join(told), width, 2)]
    return lines


def _mark(item: Item) -> str:
    if item.gone:
        return GONE
    return NEW if item.seen is None else MARKED if item.mark else " "
