"""The work list kept on a terminal until a key ends it: redrawn in place, whatever becomes of what it shows.

Here: keys, the size of the terminal, and what fits on it. The order is vwmon.cli.kept_order's, the words of each row
vwmon.cli.work_list's. A list that cannot be read any more stays on the screen under a line that says so.
"""

import os
import re
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

import typer

from alerts.errors import AlertError
from alerts.model import Lane
from alerts.wording import mark
from vwmon.cli import asked_list, render, work_list
from vwmon.cli.asked_list import Asked, Shown
from vwmon.cli.kept_order import Arranged, KeptOrder
from vwmon.cli.work_list import Line, Look
from vwmon.clock import Clock
from vwmon.errors import StaleError, VwmonError
from vwmon.store.sqlite import DatabaseError

ENDS = ("q", "Q", "\x04", "")  # Ctrl-D and a terminal that has gone, too
HELD_MS = 10_000  # after the last key the list begins at its top again, in the order of urgency
LEAST_ROWS = 3  # of the list, however low the terminal is
NARROWEST = 40
# How many alerts a key moves the view; a page is a screen of them.
MOVES = {"j": 1, "\x1b[B": 1, "\x1bOB": 1, "k": -1, "\x1b[A": -1, "\x1bOA": -1}
PAGES = {" ": 1, "\x1b[6~": 1, "b": -1, "\x1b[5~": -1}
KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|.", re.DOTALL)  # a key that sends a sequence, or any letter
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen without a cursor, and back
BEGIN, END_OF_LINE, END = "\x1b[?2026h\x1b[H", "\x1b[K", "\x1b[J\x1b[?2026l"


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many columns and lines a terminal has."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class View:
    """What of a list is on the screen: from which alert on, and until when its order is held."""

    first: int = 0
    held_until_ms: int = 0

    def pressed(self, key: str, page: int, count: int, now_ms: int) -> "View":
        """Give the view after a key, whichever it is: the order is held from then on for a while."""
        by = MOVES.get(key, PAGES.get(key, 0) * max(page, 1))
        return View(first=min(max(self.first + by, 0), max(count - 1, 0)), held_until_ms=now_ms + HELD_MS)


def watch(asked: Asked, every_s: float, *, until_clear: bool = False) -> None:
    """Show the list again every so many seconds, and at once on a key and when the terminal is resized.

    Ends with 4 when what was on the screen last was not to be trusted; with 1 when it was to end on a clear list and
    was ended before.
    """
    screen = _Screen(asked)
    with _keys() as pressed, _other_screen():
        try:
            while not (screen.look().clear and until_clear):
                screen.paint(_size())
                if screen.press(pressed(every_s)):
                    break
        except KeyboardInterrupt:
            pass
    work_list.print_lines(screen.last(render.terminal_width()), plain=asked.plain)
    if not screen.trusted:
        raise typer.Exit(StaleError.exit_code)
    if until_clear and not screen.shown.clear:
        raise typer.Exit(1)


class _Screen:
    """The list as it was read last, and how much of it is seen."""

    def __init__(self, asked: Asked) -> None:
        """Read the list a first time: what is wrong then is an error like any other."""
        self._asked, self._clock = asked, Clock()
        self.shown: Shown = asked_list.read(asked)
        self._read_ms = self._clock.now_ms()
        self._fault = ""
        self._view, self._order = View(), KeptOrder()
        self._page = 1

    @property
    def trusted(self) -> bool:
        return not self._fault and self.shown.standing.trusted

    def look(self) -> Shown:
        """Read the list again; when that fails, the one of before stays, and why is said above it."""
        try:
            self.shown, self._fault = asked_list.read(self._asked), ""
            self._read_ms = self._clock.now_ms()
        except (VwmonError, AlertError, DatabaseError) as error:
            self._fault = next(iter(str(error).splitlines()), type(error).__name__)
        return self.shown

    def press(self, keys: str | None) -> bool:
        """Act on keys, None when there were none; tell whether one of them ends the watch."""
        for key in keys_in(keys):
            if key in ENDS:
                return True
            self._view = self._view.pressed(key, self._page, len(self.shown.rows), self._clock.now_ms())
        return False

    def paint(self, size: Size) -> None:
        """Put on the screen what fits on it."""
        now_ms = self._clock.now_ms()
        held = now_ms < self._view.held_until_ms
        if not held:
            self._view = View()
        arranged = self._order.arrange(self.shown.rows, now_ms, held=held)
        painted, self._page = fitted(self._title(now_ms), self.shown, arranged, self._view, size, held=held)
        sys.stdout.write(BEGIN + f"{END_OF_LINE}\r\n".join(_styled(painted, size, plain=self._asked.plain)))
        sys.stdout.write(END_OF_LINE + END)
        sys.stdout.flush()

    def last(self, width: int) -> list[Line]:
        """Give the whole list as it was read last, to be left on the terminal."""
        around = replace(self.shown.around, title=self._title(self._clock.now_ms()))
        return work_list.lines(self.shown.rows, self.shown.standing.now_ms, around, Look(width=width))

    def _title(self, now_ms: int) -> str:
        if not self._fault:
            return self.shown.standing.title
        old = render.ago(max(now_ms - self._read_ms, 0))
        return f"NOT MONITORING: the list cannot be read any more: {self._fault}. What follows is {old} old."


def keys_in(read: str | None) -> list[str]:
    """Give what was read from a keyboard as single keys: one that is held down comes several at once."""
    if read is None:
        return []
    return KEY.findall(read) or [""]


def fitted(
    title: str, shown: Shown, arranged: Arranged, view: View, size: Size, *, held: bool
) -> tuple[list[Line], int]:
    """Give the lines that fit on a terminal, and how many alerts of the list are among them.

    What is said above the list and below it is always there; of the list, what comes after the first alert of the view.
    """
    look = Look(width=max(size.width, NARROWEST), marks=arranged.marks)
    drawn = work_list.draw(arranged.rows, shown.standing.now_ms, look)
    top = [*work_list.above(title, look.width), *_news(arranged, look.width)]
    top.append(drawn.titles if arranged.rows else (shown.around.empty, ""))
    bottom = [*work_list.below(shown.around.footer, look.width), *_keys_told(look.width, held=held)]
    room = max(size.height - len(top) - len(bottom) - 1, LEAST_ROWS)
    body, count = _body(drawn.alerts[view.first :], room)
    hidden = len(arranged.rows) - view.first - count
    above = f"{view.first} above, " if view.first else ""
    more = [(f"({above}{hidden} more below: j k or the arrows move)", "bold")] if hidden or view.first else []
    return [*top, *body, *more, *bottom][: size.height], count


def _body(alerts: Sequence[Sequence[Line]], room: int) -> tuple[list[Line], int]:
    """Give the lines of as many whole alerts as there is room for; of one that has no room, its beginning."""
    lines: list[Line] = []
    for count, alert in enumerate(alerts):
        if len(lines) + len(alert) > room:
            return (lines, count) if count else (list(alert[:room]), 1)
        lines.extend(alert)
    return lines, len(alerts)


def _news(arranged: Arranged, width: int) -> list[Line]:
    """Tell of alerts that came while the order was held, and have no place in it yet."""
    news = [f"{row['id']} {mark(Lane(row['lane']), row['level'])} {work_list.who_is(row)}" for row in arranged.waiting]
    return (
        [(line, "bold") for line in render.folded(f"NEW, not in the list yet: {', '.join(news)}", width)]
        if news
        else []
    )


def _keys_told(width: int, *, held: bool) -> list[Line]:
    order = "order kept while keys are pressed" if held else "q ends, j k move, any key keeps the order"
    return [(line, "dim") for line in render.folded(f"{order} | * changed, + new, - gone", width)]


def _styled(lines: Sequence[Line], size: Size, *, plain: bool) -> list[str]:
    """Give lines as a terminal takes them, in colour unless that is not wanted, none longer than it is wide."""
    import io

    from rich.console import Console

    cut = [(render.cut(render.safe(line), size.width), style) for line, style in lines]
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, width=max(size.width, 1), highlight=False, soft_wrap=True, no_color=plain or None
    )
    console.print(work_list.as_text(cut), end="")
    return out.getvalue().split("\n")


def _size() -> Size:
    """Give the size that the terminal has now; where it does not say, what the environment says."""
    found = os.get_terminal_size(sys.stdout.fileno())
    if not (found.columns and found.lines):
        found = shutil.get_terminal_size()
    return Size(width=found.columns, height=found.lines)


@contextmanager
def _other_screen() -> Iterator[None]:
    """Draw on a screen apart, and give back the one that was there."""
    sys.stdout.write(ENTER)
    try:
        yield
    finally:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()


class _Keyboard:
    """Single keys, and the news that the terminal has another size, whichever comes first."""

    def __init__(self, woken: int) -> None:
        self._stdin, self._woken = sys.stdin.fileno(), woken

    def __call__(self, wait_s: float) -> str | None:
        """Wait for a key; None when none came in time or only the size has changed."""
        ready, _, _ = select.select([self._stdin, self._woken], [], [], wait_s)
        if self._woken in ready:
            os.read(self._woken, 64)
        if self._stdin not in ready:
            return None
        return os.read(self._stdin, 64).decode(errors="replace")


@contextmanager
def _keys() -> Iterator[_Keyboard]:
    """Read single keys, be woken by a resize, and leave the terminal as it was."""
    before = termios.tcgetattr(sys.stdin)
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    resized = signal.signal(signal.SIGWINCH, _noticed)
    told = signal.set_wakeup_fd(wakes)
    try:
        tty.setcbreak(sys.stdin)
        yield _Keyboard(woken)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        signal.set_wakeup_fd(told)
        signal.signal(signal.SIGWINCH, resized)
        os.close(woken)
        os.close(wakes)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """Let a resize wake the wait for a key; what it means is seen when the screen is painted."""
