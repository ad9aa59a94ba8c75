"""Work in a process of its own whose calls to the system end as strace says: by a kill, or with an error.

The process is forked from one that has imported what the work needs, for Python and numpy take most of a second to
start and the work a tenth of that; it waits until it is traced, so that its first call is the first that counts.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from signal import SIGKILL

from tests.faults.matrix import CannotHereError

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.subject"])
LONGEST_S = 120.0
STRACE = ("strace", "-f", "--decode-fds=path", "--quiet=exit,personality")
ATTACHED = "attached"
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")
MADE = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)
KILL = "signal=KILL"
REFUSED, LOG, WORD = "(INJECTED)", "-wal>", " write(1<"
MAY_BE_TRACED = (0x59616D61, ctypes.c_ulong(-1))  # PR_SET_PTRACER, PR_SET_PTRACER_ANY

Work = Callable[..., object]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended, below zero by a signal, and what it had said by then."""

    code: int | None
    said: str
    complained: str
    calls: str = ""

    @property
    def refused(self) -> bool:
        """Tell whether a call of its was refused as asked for."""
        return REFUSED in self.calls

    @property
    def spoke_after(self) -> bool:
        """Tell whether it said something after a call on the write-ahead log had been refused: a commit lies there.

        What is refused on the database itself, when the log is brought into it, is in the log still.
        """
        before, _, after = self.calls.partition(REFUSED)
        return LOG in before.rpartition("\n")[2] and WORD in after

    @property
    def killed(self) -> bool:
        """Tell whether it was killed, and did not come to its end."""
        return self.code == -SIGKILL


def done(folder: Path, tracing: Sequence[str], work: Work, *args: object) -> Ended:
    """Do work in a process of its own, traced unless `tracing` is empty; its words are kept in the folder until read.

    Raises CannotHereError where there is no strace, or where it may not trace.
    """
    words, complaints, calls = folder / "words", folder / "complaints", folder / "calls"
    calls.unlink(missing_ok=True)
    waits, starts = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_begin, args=(waits, words, complaints, work, args), daemon=True)
    process.start()
    waits.close()
    with _traced(process.pid, calls, tracing):
        starts.send("go")
        process.join(LONGEST_S)
    starts.close()
    made = _read(calls) if tracing else ""
    ended = Ended(code=process.exitcode, said=_read(words), complained=_read(complaints), calls=made)
    process.kill()
    return ended


def injected(call: str, fault: str, number: int) -> Sequence[str]:
    """Trace for one fault, and for what is said: the call of this number, of a kind, ends so."""
    return ("-e", f"trace={call},write", "-e", f"inject={call}:{fault}:when={number}")


def calls_made(folder: Path, work: Work, *args: object) -> Counter[str]:
    """Count how often work makes each kind of call to the disk."""
    return Counter(MADE.findall(done(folder, ("-e", f"trace={','.join(CALLS)}"), work, *args).calls))


def places(made: Mapping[str, int], most: int | None) -> list[tuple[str, int]]:
    """Name the calls to be hit, each by its kind and number: all, or the first of so many equal parts."""
    parts = {call: made[call] if most is None else min(made[call], most) for call in CALLS}
    return [(call, 1 + at * made[call] // parts[call]) for call in CALLS for at in range(parts[call])]


def _begin(waits: Connection, words: Path, complaints: Path, work: Work, args: tuple[object]) -> None:
    ctypes.CDLL(None).prctl(*MAY_BE_TRACED)
    for path, number in ((words, sys.stdout.fileno()), (complaints, sys.stderr.fileno())):
        os.dup2(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
    waits.recv()
    work(*args)


@contextmanager
def _traced(pid: int | None, calls: Path, tracing: Sequence[str]) -> Iterator[None]:
    if not tracing:
        yield
        return
    if shutil.which("strace") is None:
        raise CannotHereError("strace is not installed")
    program = [*STRACE, "-o", str(calls), *tracing, "-p", str(pid)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline()
        if ATTACHED not in said:
            raise CannotHereError(said.strip())
        yield


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
