"""How far a long command has come, on standard error at a terminal and nowhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import fstat
from stat import S_ISREG
from typing import BinaryIO, TypeVar

T = TypeVar("T")


@contextmanager
def following(raw: BinaryIO, steps: Iterator[T], what: str) -> Iterator[Iterator[T]]:
    """Give the same steps, and show by the position in the file under them how far they have come.

    Nothing is shown when nobody watches, or where the output itself goes to the screen.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield steps
        return
    from rich.console import Console
    from rich.progress import Progress

    status = fstat(raw.fileno())
    # rich would otherwise take standard output over, and print the scores where the progress is.
    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        task = shown.add_task(what, total=status.st_size if S_ISREG(status.st_mode) else None)

        def told() -> Iterator[T]:
            for step in steps:
                yield step
                if S_ISREG(status.st_mode):
                    shown.update(task, completed=raw.tell())

        yield told()
