"""F9: a store that can no longer be written while it is in use: its file system read-only, its mode, quota, no inodes.

A file system that is in use cannot be mounted read-only anew; ext4 becomes so by itself when it gives up, and can be
told to. Who may not write any more says so or is able to go on, has not lost what it said was stored, and goes on
when it may write again.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from devices.simulator.fleet import Timed
from tests.faults import mounts, ward
from tests.faults.daemon import AS_IT_IS
from tests.faults.matrix import CannotHereError, Profile, Row, Tally, Trial, added
from vwmon.store.sqlite import Connection

MESSAGES, BATCH = 120, 8
DISK_MIB, FEW_INODES, ENOUGH_INODES = 32, 16, 1_000
SHUT, OPEN = (0o555, 0o444), (0o755, 0o644)
FULL_QUOTA = "inject=pwrite64:error=EDQUOT:when={}+"
SUBJECT = "tests.faults.subject"
# The subject with something planted in it, which is done before it starts.
PLANTED = "{planted}\nimport runpy\nrunpy.run_module({subject!r}, run_name='__main__')"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One ward's work, the same messages however often it is done, and what it must come to."""

    fresh: Path
    seed: int
    start_ms: int
    sent: Sequence[Timed]
    should_be: Connection
    planted: str

    @property
    def program(self) -> Sequence[str]:
        """Give how the subject is started."""
        return ("-c", PLANTED.format(planted=self.planted, subject=SUBJECT)) if self.planted else ("-m", SUBJECT)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the subject to its end: what it said was stored, and how it ended."""

    words: int
    code: int
    error: str

    @property
    def spoke(self) -> bool:
        """Tell whether it did all its work, or ended and said why."""
        return self.code == 0 or "Error" in self.error or "Store" in self.error


def barred(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Bar so many writers from their store, in each way in turn; what is planted in them is a fault to be found."""
    start_ms, devices, chance = ward.start_of(100 * MESSAGES), ward.brief(trial.seed), random.Random(trial.seed)
    fresh = trial.folder / "fresh.db"
    ward.make(fresh, start_ms, devices)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    tallies = []
    with closing(ward.undisturbed(trial.folder / "undisturbed.db", start_ms, devices, sent)) as should_be:
        work = Work(fresh=fresh, seed=trial.seed, start_ms=start_ms, sent=sent, should_be=should_be, planted=planted)
        ways = list(WAYS.items())
        for number in range(trial.runs):
            name, way = ways[number % len(ways)]
            with tempfile.TemporaryDirectory(prefix="vwmon-F9-") as folder:
                tally = way(work, Path(folder), chance.randrange(1, MESSAGES // BATCH // 2))
            broken = tuple(f"{name}: {what}" for what in tally.broken)
            tallies.append(Tally(runs=1, lost=tally.lost, doubled=tally.doubled, broken=broken))
    return added([*tallies, Tally(runs=0, said=", ".join(WAYS))])


def _read_only(work: Work, folder: Path, words: int) -> Tally:
    """Let ext4 give up: nothing is written from then on, though the files stay open."""
    image, at = folder / "disk.img", folder / "disk"
    mounts.make(image, DISK_MIB, "mkfs.ext4", "-q")
    with mounts.mounted(image, at, "-o", "loop"):
        path = _placed(work, at)
        run = _run(work, path, words, lambda: mounts.run("mount", "-o", "remount,abort", str(at)))
    broken = () if run.code else ("it went on in silence",)
    subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)  # its code says what it mended
    with mounts.mounted(image, at, "-o", "loop"):
        return _gone_on(work, path, run, broken)


def _mode(work: Work, folder: Path, words: int) -> Tally:
    """Take the right to write away from file and folder; who has it open keeps it, who comes is refused."""
    path = _placed(work, folder)
    _allow(folder, OPEN)
    run = _run(work, path, words, lambda: _allow(folder, SHUT))
    refused = _run(work, path)
    broken = ("it began where it may not write",) * (refused.code == 0)
    _allow(folder, OPEN)
    return _gone_on(work, path, run, broken)


def _inodes(work: Work, folder: Path, words: int) -> Tally:
    """Use up the inodes: what is open goes on, and no new file can be made beside the database."""
    at = folder / "disk"
    with mounts.mounted("vwmon-faults", at, "-t", "tmpfs", "-o", f"size={DISK_MIB}m,nr_inodes={FEW_INODES}"):
        path = _placed(work, at)
        run = _run(work, path, words, lambda: _fill(at))
        _fill(at)
        refused = _run(work, path)
        broken = ("it began where no file can be made",) * (refused.code == 0)
        mounts.run("mount", "-o", f"remount,nr_inodes={ENOUGH_INODES}", str(at))
        return _gone_on(work, path, run, broken)


def _quota(work: Work, folder: Path, words: int) -> Tally:
    """Refuse every write from some on, as a quota does that is used up."""
    if shutil.which("strace") is None:
        raise CannotHereError("strace is not installed")
    path = _placed(work, folder)
    strace = ("strace", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=pwrite64")
    run = _run(work, path, before=(*strace, "-e", FULL_QUOTA.format(words * BATCH)))
    return _gone_on(work, path, run, () if run.code else ("it went on in silence",))


WAYS: Mapping[str, Callable[[Work, Path, int], Tally]] = {
    "read-only": _read_only,
    "mode": _mode,
    "inodes": _inodes,
    "quota": _quota,
}


def _placed(work: Work, folder: Path) -> Path:
    path = folder / "ward.db"
    shutil.copy(work.fresh, path)
    os.sync()
    return path


def _fill(folder: Path) -> None:
    for number in range(ENOUGH_INODES):
        try:
            (folder / f"file-{number}-{os.urandom(4).hex()}").touch()
        except OSError:
            return


def _allow(folder: Path, modes: tuple[int, int]) -> None:
    of_folder, of_files = modes
    for file in folder.iterdir():
        file.chmod(of_files)
    folder.chmod(of_folder)


def _run(
    work: Work, path: Path, words: int = 0, act: Callable[[], None] | None = None, before: Sequence[str] = ()
) -> Run:
    """Let the subject work to its end; after so many words of its, act."""
    program = [*before, sys.executable, *work.program, str(path), str(work.seed), str(work.start_ms)]
    with subprocess.Popen(
        [*_heeding_modes(), *program, str(MESSAGES)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(words)] if act else []
        if act:
            act()
        more, error = process.communicate(timeout=300)
    heard = [*said, *more.splitlines()]
    return Run(words=int(heard[-1] or 0) if heard else 0, code=process.returncode, error=error)


def _heeding_modes() -> Sequence[str]:
    """Begin a command so that modes bar it: root passes by every one, unless that right is taken from it."""
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None:
        raise CannotHereError("setpriv is not installed, and root passes by every mode")
    return ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


def _gone_on(work: Work, path: Path, run: Run, broken: tuple[str, ...]) -> Tally:
    """Look at what is left, do the work again where it may be done, and compare."""
    lost = ward.missing(path, work.sent[: run.words])
    again = _run(work, path)
    broken += ("it did not say why it ended",) * (not run.spoke)
    broken += () if again.code == 0 else (f"it cannot go on: {again.error[-200:]}",)
    whole = ward.compared(path, work.should_be, work.sent, 1)
    return Tally(runs=1, lost=lost + whole.lost, doubled=whole.doubled, broken=broken + whole.broken)


ROWS = (
    Row(
        id="F9",
        fault="no longer to be written while in use: read-only, mode, inodes, quota",
        do=barred,
        runs={Profile.SMOKE: 4, Profile.CI: 8, Profile.RELEASE: 50},
        apart=True,
    ),
)
