"""One row done in portions, and by several processes at a time: most of a run is waiting, for a start or a deadline.

Only the runs of a row that says that they stand apart; each part has a ward, a folder and a chance of its own.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from tests.faults.matrix import CannotHereError, Row, Tally, Trial, added
from tests.faults.report import Done
from tests.faults.rows import ROWS

FAR = 1_000_003  # between the seeds of two processes: rows count theirs on from the one they are given


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be done of a row: how often in all, from which chance, by how many processes, how many at a time.

    Without a portion all of it is done at once.
    """

    row: Row
    runs: int
    seed: int
    jobs: int = 1
    portion: int = 0


def portions(before: Tally, asked: Asked) -> Iterator[Done]:
    """Do what is left of a row, and tell after each portion what it has come to with all that was before."""
    if not asked.row.apart:
        yield _tried(asked, asked.runs, asked.seed)
        return
    tally = before
    while tally.runs < asked.runs:
        left = asked.runs - tally.runs
        done = _tried(asked, min(asked.portion or left, left), asked.seed + tally.runs)
        if done.tally is None:
            yield done
            return
        tally = added([tally, done.tally])
        yield Done(row=asked.row, tally=tally)


def _tried(asked: Asked, runs: int, seed: int) -> Done:
    with tempfile.TemporaryDirectory(prefix=f"vwmon-{asked.row.id}-") as folder:
        try:
            trial = Trial(folder=Path(folder), runs=runs, seed=seed)
            return Done(row=asked.row, tally=shared(asked.row, trial, asked.jobs))
        except CannotHereError as reason:
            return Done(row=asked.row, tally=None, why=str(reason))


def shared(row: Row, trial: Trial, jobs: int) -> Tally:
    """Do a row's runs, in so many processes where they stand apart; the tally is that of all of them."""
    shares = _shares(trial, jobs if row.apart else 1)
    if len(shares) == 1:
        return row.do(trial)
    for share in shares:
        share.folder.mkdir()
    with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn")) as pool:
        return added(list(pool.map(_share, [row.id] * len(shares), shares)))


def _share(row_id: str, share: Trial) -> Tally:
    return ROWS[row_id].do(share)


def _shares(trial: Trial, jobs: int) -> list[Trial]:
    """Share the runs out, as evenly as they go."""
    sizes = [trial.runs // jobs + (number < trial.runs % jobs) for number in range(jobs)]
    return [
        replace(trial, folder=trial.folder / f"part-{number}", runs=runs, seed=trial.seed + number * FAR)
        for number, runs in enumerate(sizes)
        if runs
    ]
