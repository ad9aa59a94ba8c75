"""F6: the power goes, by model. What the product writes is recorded call by call; then disks are made of it.

Each disk holds what was synced at some moment and any part of what was not. The product opens it: what it had said was
stored has to be there, and the file has to be whole. Of some disks the same work is done again from there, and has to
come to what an undisturbed run comes to.
"""

import random
import shutil
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from devices.client import message_id
from devices.simulator.fleet import Timed
from tests.faults import subject, ward
from tests.faults.beginning import differences
from tests.faults.matrix import CannotHereError, Profile, Row, Tally, Trial, added
from tests.faults.recorded import Call, Disk, record
from vwmon.errors import StoreError
from vwmon.store import database
from vwmon.store.sqlite import Connection, DatabaseError
from vwmon.store.verify import examine

MESSAGES = 160
SOON = "wal_autocheckpoint = 60"  # or no checkpoint would fall into so short a work
DEEPER = 100  # of so many disks, the work is gone on with from one
IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made in it; a sync costs nothing there


@dataclass(frozen=True, kw_only=True)
class Work:
    """What was recorded, and what it must come to."""

    folder: Path
    path: Path
    written: Path
    seed: int
    start_ms: int
    calls: Sequence[Call]
    sent: Sequence[Timed]
    should_be: Connection

    def receipted(self, words: bytes) -> Sequence[Timed]:
        """Give the messages that were said to be stored."""
        return self.sent[: int(words.split()[-1])] if words else []


def cut(trial: Trial, *pragmas: str) -> Tally:
    """Cut the power `trial.runs` times; pragmas plant a fault that has to be found."""
    if shutil.which("strace") is None:
        raise CannotHereError("strace is not installed")
    with _recorded(trial, (SOON, *pragmas)) as work:
        chance = random.Random(trial.seed)
        moments = sorted(chance.randrange(len(work.calls) + 1) for _ in range(trial.runs))
        tallies: list[Tally] = []
        disk = Disk({str(work.path): work.path.read_bytes()})
        for number, call in enumerate(work.calls):
            while len(tallies) < bisect_right(moments, number):
                tallies.append(_cut(work, disk, chance, deeper=len(tallies) % DEEPER == 0))
            disk.play(call)
        while len(tallies) < len(moments):
            tallies.append(_cut(work, disk, chance, deeper=False))
    said = f"{len(work.calls):,} calls of {MESSAGES} messages; from {1 + (trial.runs - 1) // DEEPER} disks gone on with"
    return added([*tallies, Tally(runs=0, said=said)])


@contextmanager
def _recorded(trial: Trial, pragmas: Sequence[str]) -> Iterator[Work]:
    devices, start_ms = ward.brief(trial.seed), ward.start_of(100 * MESSAGES)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    inside = IN_MEMORY if IN_MEMORY.is_dir() else trial.folder
    with tempfile.TemporaryDirectory(prefix="vwmon-F6-", dir=inside) as name:
        folder = Path(name)
        path, before = folder / "recorded" / "ward.db", folder / "before.db"
        path.parent.mkdir()
        ward.make(path, start_ms, devices)
        shutil.copy(path, before)
        program = [sys.executable, "-m", "tests.faults.subject", str(path), str(trial.seed), str(start_ms)]
        calls = record([*program, str(MESSAGES), *pragmas], path.parent, folder / "calls")
        written = Path(shutil.copy(path, folder / "written.db"))
        shutil.copy(before, path)
        with closing(ward.undisturbed(folder / "undisturbed.db", start_ms, devices, sent)) as should_be:
            yield Work(
                folder=folder,
                path=path,
                written=written,
                seed=trial.seed,
                start_ms=start_ms,
                calls=calls,
                sent=sent,
                should_be=should_be,
            )


def _cut(work: Work, disk: Disk, chance: random.Random, *, deeper: bool) -> Tally:
    """Cut the power once, put what is left where the product finds it, and look."""
    after = work.folder / "after"
    shutil.rmtree(after, ignore_errors=True)
    after.mkdir()
    for name, content in disk.cut(chance).items():
        (after / Path(name).name).write_bytes(content)
    path, receipted = after / work.path.name, work.receipted(disk.words)
    try:
        lost, broken = _looked(path, receipted)
        broken += differences(work.written, path)
        if deeper and not broken:
            broken = _gone_on(work, path)
    except (StoreError, DatabaseError) as error:
        return Tally(runs=1, lost=len(receipted), broken=(f"it cannot be used: {str(error)[-120:]}",))
    return Tally(runs=1, lost=lost, broken=broken)


def _looked(path: Path, receipted: Sequence[Timed]) -> tuple[int, tuple[str, ...]]:
    """Open a database as the daemon does, count what is missing, and name what does not fit together."""
    with closing(database.open_writer(path, checked=True)) as db:
        stored = {(device, key): count for device, key, count in db.execute(ward.STORED)}
        unsound = tuple(f"{one.check}: {one.found}" for one in examine(db, path) if not one.sound)
    lost = sum((one.device, message_id(one.payload)) not in stored for one in receipted)
    twice = any(count > 1 for count in stored.values())
    return lost, unsound + ("a message is stored twice",) * twice


def _gone_on(work: Work, path: Path) -> tuple[str, ...]:
    with redirect_stdout(StringIO()):
        subject.work(path, work.seed, work.start_ms, MESSAGES)
    tally = ward.compared(path, work.should_be, work.sent, 1)
    return tally.broken + ("gone on with, a message is lost",) * bool(tally.lost)


ROWS = (
    Row(
        id="F6",
        fault="power cut, by model: writes that were not synced lost, torn at 512 bytes, out of order",
        do=cut,
        runs={Profile.SMOKE: 100, Profile.CI: 5_000, Profile.RELEASE: 100_000},
        apart=True,
    ),
)
