"""F2, F8: the process that stores and scores is killed, or refused by the system, at each of its calls to the disk.

strace does it: the n-th call of a kind ends with a signal or an error instead. Afterwards the same work is done again
without a fault, as devices do that have no receipt, and must come to what an undisturbed run comes to.

A ward makes about five hundred calls. Many runs are several wards, each hit at every one of its calls; few are one
ward, hit here and there.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, product
from math import ceil
from pathlib import Path

from devices.simulator.fleet import Timed
from tests.faults import subject, traced, ward
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.faults.traced import CALLS, KILL
from vwmon.store.sqlite import Connection

MESSAGES = 120
ERRORS = ("error=EIO", "error=ENOSPC")
KEEPING = ("pwrite64", "fdatasync", "fsync")  # the calls without which nothing is kept
SMALL_LOG = "wal_autocheckpoint = 60"  # in every other ward: so that the database itself is written in mid-work
FEW = 100  # runs, at most, that are shared out among the kinds of calls of one ward

Subject = Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class Work:
    """One ward's work, the same messages however often it is done, and what it must come to."""

    folder: Path
    seed: int
    start_ms: int
    sent: Sequence[Timed]
    should_be: Connection
    do: Subject

    @property
    def fresh(self) -> Path:
        """Where the database is kept as it was before any work."""
        return self.folder / "fresh.db"

    def placed(self, name: str) -> Path:
        """Put the database as it was before any work in the place of one of this name."""
        for old in self.folder.glob(f"{name}*"):
            old.unlink()
        shutil.copy(self.fresh, self.folder / name)
        return self.folder / name

    def asked(self, path: Path) -> tuple[object, ...]:
        """Give what the work is done with, in this database."""
        return path, self.seed, self.start_ms, MESSAGES, *([SMALL_LOG] if self.seed % 2 else [])


def at_each_call(trial: Trial, faults: tuple[str, ...], do: Subject = subject.work) -> Tally:
    """Hit one ward after the other, until there are so many runs, at each of its calls by each kind of fault.

    Few runs hit one ward, each kind of call in as many places as that leaves, and in one at least.
    """
    most = ceil(trial.runs / len(faults) / len(CALLS)) if trial.runs <= FEW else None
    tallies = [Tally(runs=0, said=f"{MESSAGES} messages, calls {', '.join(CALLS)}")]
    for seed in count(trial.seed):
        with _ward(trial.folder / f"ward-{seed}", seed, do) as work:
            made = traced.calls_made(work.folder, do, *work.asked(work.placed("whole.db")))
            tallies += [_hit(work, *each) for each in product(traced.places(made, most), faults)]
        if most is not None or added(tallies).runs >= trial.runs:
            return added(tallies)
    raise AssertionError("there is always another ward")


@contextmanager
def _ward(folder: Path, seed: int, do: Subject) -> Iterator[Work]:
    """Make a ward in a folder of its own, which goes with it."""
    folder.mkdir()
    start_ms, devices = ward.start_of(100 * MESSAGES), ward.brief(seed)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    with closing(ward.undisturbed(folder / "undisturbed.db", start_ms, devices, sent)) as should_be:
        work = Work(folder=folder, seed=seed, start_ms=start_ms, sent=sent, should_be=should_be, do=do)
        ward.make(work.fresh, start_ms, devices)
        yield work
    shutil.rmtree(folder)


def _hit(work: Work, place: tuple[str, int], fault: str) -> Tally:
    """Do the work with one fault in it, look what was receipted, do it again without, and compare.

    The work makes a few calls more or less each time: a fault at one of the last that is not reached is no run. What a
    disk did not keep may be there all the same, or not, after it has said so: nothing more is said to be stored then.
    """
    call, number = place
    path = work.placed("hit.db")
    hit = traced.done(work.folder, traced.injected(call, fault, number), work.do, *work.asked(path))
    if not (hit.killed if fault == KILL else hit.refused):
        return Tally(runs=0)
    receipted = work.sent[: int(hit.said.split()[-1])] if hit.said else []
    at_once = ward.missing(path, receipted)
    again = traced.done(work.folder, (), work.do, *work.asked(path))
    broken = ["it went on in silence"] if call in KEEPING and hit.spoke_after else []
    broken += [] if again.code == 0 else [f"it cannot go on: {again.complained[-200:]}"]
    tally = ward.compared(path, work.should_be, work.sent, 1)
    marked = tuple(f"{call} {number} {fault}: {what}" for what in (*broken, *tally.broken))
    return Tally(runs=1, lost=at_once + tally.lost, doubled=tally.doubled, broken=marked)


def killed(trial: Trial, do: Subject = subject.work) -> Tally:
    """Kill it at its calls; what is done in place of the work is a fault to be found."""
    return at_each_call(trial, (KILL,), do)


def refused(trial: Trial, do: Subject = subject.work) -> Tally:
    """Let its calls fail as a broken or full disk does."""
    return at_each_call(trial, ERRORS, do)


ROWS = (
    Row(
        id="F2",
        fault="killed at each write, sync and truncation of store, score and merge",
        do=killed,
        runs={Profile.SMOKE: 1, Profile.CI: 60, Profile.RELEASE: 10_240},
        apart=True,
    ),
    Row(
        id="F8",
        fault="I/O error or no space at each write, sync and truncation",
        do=refused,
        runs={Profile.SMOKE: 1, Profile.CI: 60, Profile.RELEASE: 20_480},
        apart=True,
    ),
)
