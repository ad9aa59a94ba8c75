"""Whom a score is judged on: which patients, what came of them, and how they are told apart.

Here: rows of the files of patients and outcomes become columns by patient of the recording. Reading the files must not
live here, nor the moments.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise

import numpy as np

from vwmon.errors import UsageError
from vwmon.evaluation.moments import Spans
from vwmon.evaluation.tables import Recording
from vwmon.kernels.ragged import Bools, Floats, Ints

Row = Mapping[str, str]
HALVES = ("first", "second")


def halves(patients: Sequence[str], seed: int) -> Ints:
    """Give the half of each patient, 0 or 1: by name and seed alone, so the same in any file and any order."""
    return _hashes(patients, seed) & 1


def offsets(patients: Sequence[str], seed: int) -> Ints:
    """Give a whole number below 2^15 for each patient, which has nothing to do with its half."""
    return _hashes(patients, seed) >> 1


def in_half(patients: Sequence[str], half: str, seed: int) -> Bools:
    """Mark the patients of a half by its name; UsageError for another name, and all of them for none."""
    if half and half not in HALVES:
        raise UsageError(f"there is no half {half!r}; it is {' or '.join(HALVES)}")
    return halves(patients, seed) == HALVES.index(half) if half else np.ones(len(patients), dtype=np.bool_)


def spans(
    recording: Recording, outcomes: Sequence[Row], times_ms: Ints, event: str, left_out: Collection[str]
) -> Spans:
    """Give how far each patient's recording reaches, and the first time of the event; `times_ms` is by outcome.

    Patients with one of the events of `left_out` are not judged. UsageError for an event that nobody has.
    """
    known = {row["event"] for row in outcomes}
    for name in (event, *left_out):
        if name not in known:
            raise UsageError(f"no outcome is {name!r}; there are {', '.join(sorted(known)) or 'none'}")
    place = {patient: number for number, patient in enumerate(recording.patients)}
    event_ms, out = np.full(len(place), np.inf), np.zeros(len(place), dtype=np.bool_)
    for row, at_ms in zip(outcomes, times_ms.tolist(), strict=True):
        number = place.get(row["patient"])
        if number is not None and row["event"] == event:
            event_ms[number] = min(event_ms[number], at_ms)
        if number is not None and row["event"] in left_out:
            out[number] = True
    if np.isinf(event_ms[~out]).all():
        raise UsageError(f"no patient of the recording has the event {event!r}")
    return Spans(
        first_ms=recording.first_ms,
        last_ms=recording.last_ms,
        zero_ms=recording.zero_ms,
        event_ms=event_ms,
        left_out=out,
    )


def column(patients: Sequence[str], rows: Sequence[Row], name: str) -> list[str]:
    """Give one column of the patients' table by patient, '' for who is not in it; UsageError if there is none."""
    if rows and name not in rows[0]:
        raise UsageError(f"the patients have no column {name!r}; they have {', '.join(rows[0])}")
    found = {row["patient"]: row[name] for row in rows}
    return [found.get(patient, "") for patient in patients]


def where(patients: Sequence[str], rows: Sequence[Row], conditions: Sequence[str]) -> Bools:
    """Mark the patients for whom every condition COLUMN=VALUE holds; UsageError for one that reads otherwise."""
    kept = np.ones(len(patients), dtype=np.bool_)
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals:
            raise UsageError(f"{condition!r} is no condition; write COLUMN=VALUE")
        kept &= np.array([cell == value for cell in column(patients, rows, name)], dtype=np.bool_)
    return kept


def groups(patients: Sequence[str], rows: Sequence[Row], name: str, parts: int = 4) -> dict[str, Bools]:
    """Give the patients of each value of a column; of a column of numbers, of each quarter of the patients."""
    cells = column(patients, rows, name)
    distinct = sorted(set(cells) - {""})
    numbers = _numbers(cells) if len(distinct) > 2 * parts else None
    if numbers is None:
        if len(distinct) > 10 * parts:
            raise UsageError(f"the column {name!r} has {len(distinct)} values: too many for groups")
        return {f"{name} {value}": np.array([cell == value for cell in cells]) for value in distinct}
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, parts + 1)))
    bounds = list(pairwise(edges))
    found = {f"{name} {low:g} to <{high:g}": (numbers >= low) & (numbers < high) for low, high in bounds[:-1]}
    low, high = bounds[-1]
    return found | {f"{name} {low:g} to {high:g}": (numbers >= low) & (numbers <= high)}


def _numbers(cells: Sequence[str]) -> Floats | None:
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None


def _hashes(patients: Sequence[str], seed: int) -> Ints:
    digests = (sha256(f"{seed}:{patient}".encode()).digest() for patient in patients)
    return np.array([digest[0] | digest[1] << 8 for digest in digests], dtype=np.int64)
