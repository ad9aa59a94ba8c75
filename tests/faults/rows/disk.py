"""F7: a disk that is full: the work stops, loses nothing that it said was stored, and goes on when there is room."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.faults import ward
from tests.faults.matrix import CannotHereError, Profile, Row, Tally, Trial, added

MESSAGES = 3_000
LEAST_KIB, STEP_KIB, ENOUGH = 640, 24, "64m"


def full(trial: Trial) -> Tally:
    """Do the work on a small disk of its own that fills up, each time at another place; then give it room."""
    devices, start_ms = ward.brief(trial.seed), ward.start_of(100 * MESSAGES)
    fresh = trial.folder / "fresh.db"
    ward.make(fresh, start_ms, devices)
    sent = ward.Load(devices, start_ms, MESSAGES).more(MESSAGES)
    tallies = []
    with closing(ward.undisturbed(trial.folder / "undisturbed.db", start_ms, devices, sent)) as should_be:
        for number in range(trial.runs):
            with _small_disk(trial.folder / "disk", LEAST_KIB + number * STEP_KIB) as disk:
                path = disk / "ward.db"
                shutil.copy(fresh, path)
                stopped = _work(path, trial.seed, start_ms)
                receipted = int(stopped.stdout.split()[-1]) if stopped.stdout else 0
                lost = ward.missing(path, sent[:receipted])
                told = () if stopped.returncode and "Traceback" in stopped.stderr else ("it went on in silence",)
                _mount("-o", f"remount,size={ENOUGH}", str(disk))
                again = _work(path, trial.seed, start_ms)
                went_on = () if again.returncode == 0 else (f"with room it cannot go on: {again.stderr[-200:]}",)
                whole = ward.compared(path, should_be, sent, 1)
            tally = Tally(
                runs=1, lost=lost + whole.lost, doubled=whole.doubled, broken=(*told, *went_on, *whole.broken)
            )
            tallies.append(tally)
    return added(tallies)


@contextmanager
def _small_disk(at: Path, kib: int) -> Iterator[Path]:
    at.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "vwmon-faults", str(at))
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def _mount(*arguments: str) -> None:
    ended = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CannotHereError(f"no small disk can be mounted: {ended.stderr.strip()}")


def _work(path: Path, seed: int, start_ms: int) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "tests.faults.subject", str(path), str(seed), str(start_ms), str(MESSAGES)]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)


ROWS = (
    Row(
        id="F7",
        fault="a full disk, then room again",
        do=full,
        runs={Profile.SMOKE: 1, Profile.CI: 10, Profile.RELEASE: 200},
    ),
)
