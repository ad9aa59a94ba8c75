"""A list that keeps itself fresh on a terminal until a key ends it. What it shows is its caller's."""

import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vwmon.cli import work_list
from vwmon.cli.work_list import Line

REFRESH_S = 2.0
ENDS = ("q", "Q", "\x04", "")  # Ctrl-D and a terminal that has gone, too


def watch(shown: Callable[[int], list[Line]]) -> None:
    """Show the lines for the terminal's width again every two seconds; any other key refreshes at once."""
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with _keys(), Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        try:
            while True:
                live.update(work_list.as_text(shown(console.width)), refresh=True)
                if _pressed() in ENDS:
                    return
        except KeyboardInterrupt:
            return


def _pressed() -> str | None:
    """Wait for a key; None when none came in time."""
    ready, _, _ = select.select([sys.stdin], [], [], REFRESH_S)
    return sys.stdin.read(1) if ready else None


@contextmanager
def _keys() -> Iterator[None]:
    """Read single keys, and leave the terminal as it was."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
