"""One row done by several processes at a time: most of a run is waiting, for a start, a deadline or a repeat.

Only the runs of a row that says that they stand apart; each process has a ward, a folder and a chance of its own.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from tests.faults.matrix import Row, Tally, Trial, added
from tests.faults.rows import ROWS

FAR = 1_000_003  # between the seeds of two processes: rows count theirs on from the one they are given


def done(row: Row, trial: Trial, jobs: int) -> Tally:
    """Do a row's runs, in so many processes where they stand apart; the tally is that of all of them."""
    parts = _parts(trial, jobs if row.apart else 1)
    if len(parts) == 1:
        return row.do(trial)
    for part in parts:
        part.folder.mkdir()
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        return added(list(pool.map(_part, [row.id] * len(parts), parts)))


def _part(row_id: str, part: Trial) -> Tally:
    return ROWS[row_id].do(part)


def _parts(trial: Trial, jobs: int) -> list[Trial]:
    """Share the runs out, as evenly as they go."""
    shares = [trial.runs // jobs + (number < trial.runs % jobs) for number in range(jobs)]
    return [
        replace(trial, folder=trial.folder / f"part-{number}", runs=runs, seed=trial.seed + number * FAR)
        for number, runs in enumerate(shares)
        if runs
    ]
