"""How far a long command has come, on standard error at a terminal and nowhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import fstat
from stat import S_ISREG
from typing import TYPE_CHECKING, BinaryIO, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")


@contextmanager
def following(raw: BinaryIO, steps: Iterator[T], what: str) -> Iterator[Iterator[T]]:
    """Give the same steps, and show by the position in the file under them how far they have come.

    Nothing is shown when nobody watches, or where the output itself goes to the screen.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield steps
        return
    status = fstat(raw.fileno())
    with _bars() as bars:
        task = bars.add_task(what, total=status.st_size if S_ISREG(status.st_mode) else None)

        def told() -> Iterator[T]:
            for step in steps:
                yield step
                if S_ISREG(status.st_mode):
                    bars.update(task, completed=raw.tell())

        yield told()


@contextmanager
def reaching(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show one step, which is told how much of how much is done."""
    with _bars() as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


@contextmanager
def stepping() -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """Show steps as they begin: of each what it is and how much there is of it, 0 where that is not known.

    What a step is given is told how much more is done.
    """
    with _bars() as bars:

        def begin(what: str, total: int) -> Callable[[int], None]:
            task = bars.add_task(what, total=total or None)
            return lambda count: bars.advance(task, count)

        yield begin


@contextmanager
def _bars() -> "Iterator[Progress]":
    """Show bars while something is done; nothing where standard error is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # rich would otherwise take standard output over, and print results where the bars are.
    with Progress(
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bars:
        yield bars
