"""The queue as lines: one alert on one line or two, the cursor, and what is above and below the screen. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from vwmon.cli import render
from vwmon.cli.triage.queues import Item, Queue, Record, bounds, level
from vwmon.cli.triage.spans import Spans, columns, fill, fold, plain
from vwmon.cli.work_list import STATES

TITLES: Final = ("", "ID", "LV", "PATIENT", "STATE", "SINCE", "SCORE", "LAST", "OWNER", "DUE")
WIDTHS: Final = (2, 4, 2, 0, 8, 6, 5, 6, 9, 14)
PATIENT, OWNER = TITLES.index("PATIENT"), TITLES.index("OWNER")
STYLES: Final = {3: "level3", 2: "level2", 1: ""}
CURSOR, MARKED, GONE, NEW = ">", "*", "x", "+"
INDENT: Final = "   "
TALL: Final = 14  # lines of list from which every alert says why on a line of its own


def who(record: Record) -> str:
    """Give what a row calls its patient: initials or name, and the local identifier."""
    if record["patient"] is None:
        return "the service"
    return render.safe(" ".join(filter(None, [record.get("person"), record["patient"]])))


def ms(at: str) -> int:
    """Read a time of the interface."""
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def age(at: str | None, now_ms: int) -> str:
    """Say how long ago something was; "-" for never."""
    return "-" if at is None else render.ago(max(now_ms - ms(at), 0))


def due(record: Record, now_ms: int) -> str:
    """Say when the next thing is owed, or for how long it has been."""
    if record["due_at"] is None:
        return "-"
    left_ms = ms(record["due_at"]) - now_ms
    return f"in {render.ago(left_ms)}" if left_ms > 0 else f"OVERDUE {render.ago(-left_ms)}"


def listed(queue: Queue, now_ms: int, width: int, room: int, top: int, *, empty: str = "") -> tuple[list[Spans], int]:
    """Draw the part of the queue that has the cursor in it, with its titles; give also which row is the first."""
    items = queue.shown
    if not items:
        return [plain(line, "bold") for line in fold(empty, width)], 0
    widths = _widths(items, width)
    blocks = [_block(item, now_ms, widths, tall=room >= TALL, here=item.id == queue.selected) for item in items]
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


def _widths(items: Sequence[Item], width: int) -> list[int]:
    """Give the columns their widths: the owners' as their names ask for, and the patients' what the others leave."""
    widths = list(WIDTHS)
    names = [render.width_of(_owner(item.record)) for item in items]
    widths[OWNER] = min(max(len(TITLES[OWNER]), *names), WIDTHS[OWNER])
    widths[PATIENT] = max(width - sum(widths) - (len(widths) - 1), 4)
    return widths


def _owner(record: Record) -> str:
    return render.safe(record["owner"] or "-")


def _block(item: Item, now_ms: int, widths: Sequence[int], *, tall: bool, here: bool) -> list[Spans]:
    """Draw one alert: its row, and below it what changed and, where there is room, why it is there."""
    record, width = item.record, sum(widths) + len(widths) - 1
    texts = (
        f"{CURSOR if here else ' '}{_mark(item)}",
        item.id,
        level(record),
        who(record),
        "GONE" if item.gone else STATES[record["state"]],
        age(record["since"], now_ms),
        bounds(record),
        age(record["last_reading_at"], now_ms),
        _owner(record),
        due(record, now_ms),
    )
    style = "dim" if item.gone else STYLES[record["level"]]
    row = plain(columns(texts, widths), style)
    lines = [fill(plain(row[0][0], f"{style} reverse".strip()), width, "reverse") if here else row]
    if render.width_of(who(record)) > widths[PATIENT]:  # two patients must not look like one
        lines += [plain(line) for line in fold(f"{INDENT}patient {who(record)}", width)]
    said = [f"[{item.mark}]"] if item.mark else []
    said += ["; ".join([*filter(None, [record["ward"]]), *record["flags"], *record["why"]])] if tall else []
    if said:
        lines += [plain(line, "bold" if item.mark else "") for line in fold(INDENT + " ".join(said), width, 2)]
    return lines


def _mark(item: Item) -> str:
    if item.gone:
        return GONE
    return NEW if item.seen is None else MARKED if item.mark else " "
