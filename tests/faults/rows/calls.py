"""F2, F8: the process that stores and scores is killed, or refused by the system, at each of its calls to the disk.

strace does it: the n-th call of a kind ends with a signal or an error instead. Afterwards the same work is done again
without a fault, as devices do that have no receipt, and must come to what an undisturbed run comes to.
"""

import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.faults import ward
from tests.faults.matrix import CannotHereError, Profile, Row, Tally, Trial, added
from vwmon.store.sqlite import Connection

MESSAGES = 120
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")
KILL = "signal=KILL"
ERRORS = ("error=EIO", "error=ENOSPC")
PLACES = 12  # of all calls of a kind, so many are hit where not each is


@dataclass(frozen=True, kw_only=True)
class Work:
    """One ward's work: the same messages however often it is done."""

    folder: Path
    seed: int
    start_ms: int

    @property
    def fresh(self) -> Path:
        """Where the database is kept as it was before any work."""
        return self.folder / "fresh.db"


def at_each_call(trial: Trial, faults: tuple[str, ...]) -> Tally:
    """Hit each kind of call at `trial.runs` places, or at every one where there are no more, by each kind of fault."""
    if shutil.which("strace") is None:
        raise CannotHereError("strace is not installed")
    work = Work(folder=trial.folder, seed=trial.seed, start_ms=ward.start_of(100 * MESSAGES))
    devices = ward.fleet(trial.seed)
    ward.make(work.fresh, work.start_ms, devices)
    sent = ward.Load(devices, work.start_ms, MESSAGES).more(MESSAGES)
    tallies = []
    with closing(ward.undisturbed(work.folder / "undisturbed.db", work.start_ms, devices, sent)) as should_be:
        for call in CALLS:
            made = _made(work, call)
            for place in _places(made, trial.runs):
                tallies += [_hit(work, call, fault, place, should_be) for fault in faults]
    return added([*tallies, Tally(runs=0, said=f"{MESSAGES} messages, calls {', '.join(CALLS)}")])


def _places(made: int, most: int) -> list[int]:
    if made <= most:
        return list(range(1, made + 1))
    return sorted({1 + at * made // most for at in range(most)})


def _made(work: Work, call: str) -> int:
    """Count how often the work makes a call."""
    counted = work.folder / "calls"
    _run(work, "whole.db", ("strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={call}", "-o", str(counted)))
    return sum(f" {call}(" in line for line in counted.read_text(encoding="utf-8").splitlines())


def _hit(work: Work, call: str, fault: str, place: int, should_be: Connection) -> Tally:
    """Do the work with one fault in it, look what was receipted, do it again without, and compare."""
    inject = f"inject={call}:{fault}:when={place}"
    strace = ("strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
    hit = _run(work, "hit.db", strace)
    sent = ward.Load(ward.fleet(work.seed), work.start_ms, MESSAGES).more(MESSAGES)
    receipted = sent[: int(hit.stdout.split()[-1])] if hit.stdout else []
    path = work.folder / "hit.db"
    at_once = ward.missing(path, receipted)
    again = _again(work, path)
    broken = () if again.returncode == 0 else (f"after {call} {place} {fault} it cannot go on: {again.stderr[-200:]}",)
    tally = ward.compared(path, should_be, sent, 1)
    marked = tuple(f"{call} {place} {fault}: {what}" for what in tally.broken)
    return Tally(runs=1, lost=at_once + tally.lost, doubled=tally.doubled, broken=(*broken, *marked))


def _run(work: Work, name: str, before: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    for old in work.folder.glob(f"{name}*"):
        old.unlink()
    shutil.copy(work.fresh, work.folder / name)
    return _process(work, work.folder / name, before)


def _again(work: Work, path: Path) -> subprocess.CompletedProcess[str]:
    return _process(work, path, ())


def _process(work: Work, path: Path, before: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "tests.faults.subject", str(path), str(work.seed), str(work.start_ms)]
    return subprocess.run([*before, *program, str(MESSAGES)], capture_output=True, text=True, check=False, timeout=120)


def killed(trial: Trial) -> Tally:
    """Kill it at its calls."""
    return at_each_call(trial, (KILL,))


def refused(trial: Trial) -> Tally:
    """Let its calls fail as a broken or full disk does."""
    return at_each_call(trial, ERRORS)


ROWS = (
    Row(
        id="F2",
        fault="killed at each write, sync and truncation of store, score and merge",
        do=killed,
        runs={Profile.SMOKE: 1, Profile.CI: PLACES, Profile.RELEASE: 10_000},
    ),
    Row(
        id="F8",
        fault="I/O error or no space at each write, sync and truncation",
        do=refused,
        runs={Profile.SMOKE: 1, Profile.CI: PLACES // 2, Profile.RELEASE: 10_000},
    ),
)
