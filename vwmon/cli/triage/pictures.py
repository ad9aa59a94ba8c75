"""The whole screen as lines of styled text, for any size: banner, who acts, what is new, queue, chart, keys.

Pure: what is to be shown comes in as one record. Every line fits its width, nothing is said by colour alone, and what
does not fit is counted where it is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vwmon.cli import render, work_list
from vwmon.cli.triage import rows
from vwmon.cli.triage.filters import SNOOZED
from vwmon.cli.triage.panes import pane
from vwmon.cli.triage.queues import Item, Queue, level
from vwmon.cli.triage.records import Look
from vwmon.cli.triage.spans import Spans, fill, fold, joined, plain

BESIDE: Final = 132  # columns from which list and chart stand beside each other
LIST_BESIDE, CHART_BESIDE = 76, 82  # columns of the list there at least, and of a chart of half hours
FEWEST_ROWS: Final = 7
WARD_FROM: Final = 30  # lines from which those on the ward as a whole are shown
STALE_MS: Final = 10_000  # a list that was read longer ago than this is called old
URGENT, QUIET, HEAD = "urgent", "dim", "bold"
SAID: Final[Mapping[bool, str]] = {True: "urgent", False: "bold"}
NEW_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything that is on the screen at one moment. `read_ms` is when the list was read, `now_ms` what time it is."""

    queue: Queue
    look: Look | None
    now_ms: int
    read_ms: int = 0
    trouble: str = ""
    who: str = ""
    readonly: bool = False
    zone: str = "UTC"
    said: str = ""
    refused: bool = False
    keys: Sequence[tuple[str, str]] = ()
    top: int = 0
    charted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Lines that fill a screen, and which row of the queue is the first on it."""

    lines: tuple[Spans, ...]
    top: int


def moment_ms(shown: Shown) -> int:
    """Give the moment that ages are against: now, or in a recording the one it stands at."""
    if shown.look is None or not shown.look.live:
        return 0 if shown.look is None else shown.look.now_ms
    return max(shown.now_ms, shown.look.now_ms)


def picture(shown: Shown, width: int, height: int) -> Picture:
    """Draw the screen."""
    above = [*_banners(shown, width), _head(shown, width), *_news(shown, width)]
    below = [*_last(shown, width), *_ward(shown, width, height), *_keys(shown, width)]
    room = max(height - len(above) - len(below), 1)
    middle, top = (_beside if width >= BESIDE and shown.charted else _stacked)(shown, width, room)
    lines = [*above, *middle[:room], *[plain("")] * (room - len(middle)), *below]
    return Picture(lines=tuple(fill(line, width) for line in lines[:height]), top=top)


def banners(shown: Shown) -> list[str]:
    """Say what must be known before anything below is believed; nothing when all is well."""
    said = []
    if shown.trouble:
        old = "" if shown.look is None else f" What is below was read at {_clock(shown.read_ms, shown)}."
        said.append(f"CANNOT READ THE LIST: {shown.trouble}. Trying again.{old}")
    elif shown.look is not None and shown.now_ms - shown.read_ms > STALE_MS:
        said.append(f"OLD LIST: it was read {render.ago(shown.now_ms - shown.read_ms)} ago. Reading goes on.")
    if shown.look is not None and shown.look.title:
        current = " The list below is NOT current." if not shown.look.trusted else ""
        said.append(f"{shown.look.title}.{current}")
    return said


def _banners(shown: Shown, width: int) -> list[Spans]:
    look = shown.look
    calm = look is not None and look.trusted and not shown.trouble and shown.now_ms - shown.read_ms <= STALE_MS
    style = "bold reverse" if calm else URGENT
    return [fill(plain(f" {line}", style), width, style) for text in banners(shown) for line in fold(text, width - 2)]


def _head(shown: Shown, width: int) -> Spans:
    """Say who acts, how much is open and how much of it is on the screen, and of when it is."""
    who = "read only" if shown.readonly else f"you: {shown.who or 'NOBODY YET (asked before an act)'}"
    items = [item for item in shown.queue.items if not item.gone]
    unowned = sum(item.record["state"] in {"new", "reraised"} for item in items)
    put_off = sum(SNOOZED in item.record["flags"] for item in items)
    counts = f"{len(items)} open, {unowned} unowned" + (f", {put_off} put off" if put_off else "")
    when = "" if shown.look is None else _when(shown)
    by = f"filter: {shown.queue.filter}{_hidden(shown.queue)}" if str(shown.queue.filter) else ""
    texts = [text for text in (who, counts, by, when) if text]
    return plain(render.cut(render.safe(" | ".join(texts)), width), HEAD)


def _hidden(queue: Queue) -> str:
    hidden = [item for item in queue.hidden if SNOOZED not in item.record["flags"]]
    if not hidden:
        return ", hides none"
    highest = max(hidden, key=lambda item: item.record["level"])
    return f", HIDES {len(hidden)} to {level(highest.record)}"


def _when(shown: Shown) -> str:
    if shown.look is not None and not shown.look.live:
        return ""
    return f"read {_clock(shown.read_ms, shown)}"


def _clock(at_ms: int, shown: Shown) -> str:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    zone = UTC if shown.zone == "UTC" else ZoneInfo(shown.zone)
    return f"{datetime.fromtimestamp(at_ms / 1000, zone):%H:%M:%S}" + ("Z" if shown.zone == "UTC" else "")


def _news(shown: Shown, width: int) -> list[Spans]:
    """Say what came or got worse and has not been looked at; none of it takes the cursor."""
    unseen = [item for item in shown.queue.unseen if item.id != shown.queue.selected]
    if not unseen:
        return []
    key = "" if shown.readonly else "  (N goes there)"
    told = [_announced(unseen, shown.queue, number) for number in range(min(NEW_NAMED, len(unseen)), 0, -1)]
    text = next((text for text in told if render.width_of(text) <= width - len(key)), told[-1])
    return [fill(((render.cut(text, width - len(key)) + key, "bold reverse"),), width, "bold reverse")]


def _announced(unseen: Sequence[Item], queue: Queue, number: int) -> str:
    """Name so many of those that ask for someone, the worst first, and count the others."""
    worst = sorted(unseen, key=lambda item: -item.record["level"])
    named = ", ".join(_named(item, queue) for item in worst[:number])
    more = f" and {len(unseen) - number} more" if len(unseen) > number else ""
    return render.safe(f"! LOOK: {named}{more}")


def _named(item: Item, queue: Queue) -> str:
    hidden = "" if queue.filter.fits(item.record) else " (filtered out)"
    return f"{item.id} {level(item.record)} {rows.who(item.record)} {item.mark}{hidden}"


def _last(shown: Shown, width: int) -> list[Spans]:
    """Give what the last act came to, on as many lines as it takes."""
    return [plain(line, SAID[shown.refused]) for line in fold(shown.said, width)] if shown.said else []


def _keys(shown: Shown, width: int) -> list[Spans]:
    """Name the keys that one line has room for; help, which names them all, is the first."""
    said = ""
    for key, words in shown.keys:
        longer = f"{said}{render.GAP if said else ''}{key} {words}"
        said = longer if len(longer) <= width else said
    return [plain(render.cut(said, width), QUIET)]


def _ward(shown: Shown, width: int, height: int) -> list[Spans]:
    """Say what else needs knowing of the ward, where there is room: who reports, what waits, who is on duty."""
    footer = shown.look.footer if shown.look is not None and height >= WARD_FROM else ()
    return [plain(line, QUIET) for line, _ in work_list.below(footer, width)]


def _beside(shown: Shown, width: int, room: int) -> tuple[list[Spans], int]:
    """Draw the list on the left and the chart of what is under the cursor on the right."""
    wide = max(LIST_BESIDE, min(width * 11 // 20, width - CHART_BESIDE))
    left, top = rows.listed(shown.queue, moment_ms(shown), wide, room, shown.top, empty=_empty(shown))
    right = pane(shown.queue.current, shown.look, moment_ms(shown), width - wide - 3, room)
    left, right = (part + [plain("")] * (room - len(part)) for part in (left, right))
    return [joined(a, b, wide) for a, b in zip(left, right, strict=True)], top


def _stacked(shown: Shown, width: int, room: int) -> tuple[list[Spans], int]:
    """Draw the list, and below it the chart of what is under the cursor, in what the list leaves."""
    if not shown.charted:
        return rows.listed(shown.queue, moment_ms(shown), width, room, shown.top, empty=_empty(shown))
    most = max(room - FEWEST_ROWS - 1, 0)
    chart = pane(shown.queue.current, shown.look, moment_ms(shown), width, most)
    height = room - len(chart) - (1 if chart else 0)
    lines, top = rows.listed(shown.queue, moment_ms(shown), width, height, shown.top, empty=_empty(shown))
    lines += [plain("")] * (height - len(lines))
    rule = [plain("─" * width, QUIET)] if chart else []
    return [*lines, *rule, *chart], top


def _empty(shown: Shown) -> str:
    """Say why no alert is shown, so that an empty screen never looks like a quiet ward when it is none."""
    if shown.look is None:
        return "" if shown.trouble else "Reading the list..."
    if shown.queue.items and not str(shown.queue.filter):
        return f"No open alerts but {len(shown.queue.items)} put off; / and the word snoozed shows them."
    if shown.queue.items:
        return f"No open alert fits the filter; {len(shown.queue.items)} are open. / changes it"
    return "No open alerts." if shown.look.trusted else "No open alerts were known when monitoring ended."
