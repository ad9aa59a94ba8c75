"""The single measurement that would settle a score, over columns: what vwmon.scoring.deciding says, of many rows."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.bands import NO_BAND
from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.scoring import vectorised
from vwmon.scoring.deciding import trials
from vwmon.scoring.records import Chart
from vwmon.scoring.vectorised import UNDECIDED, ScoreColumns

NOTHING = -1  # the number of no measure


@dataclass(frozen=True, slots=True, kw_only=True)
class DeciderColumns:
    """By row the measure that decides, as a number into `candidates(chart)`, NOTHING where none does; see Decider."""

    measure: Ints
    settles: Bools
    low: Ints
    high: Ints
    low_band: Bytes
    high_band: Bytes


def candidates(chart: Chart) -> tuple[str, ...]:
    """Name what could decide: the measures of a chart, then its triggers."""
    return (*chart.measures, *(part.name for part in chart.triggers))


def deciders(chart: Chart, values: Floats, context: Mapping[str, NDArray[Any]], found: ScoreColumns) -> DeciderColumns:
    """Give for every row of (n, p) values, whose scores are `found`, what `deciding.decider` says of it."""
    best = _nothing(len(values))
    best_reach = np.full(len(values), -1)
    for number, untaken in enumerate(_untaken(chart, found).T):
        rows = np.flatnonzero(untaken & (found.band == UNDECIDED))
        if len(rows):
            tried, reach = _tried(chart, number, values[rows], {name: one[rows] for name, one in context.items()})
            better = reach > best_reach[rows]
            best_reach[rows[better]] = reach[better]
            for field in fields(DeciderColumns):
                getattr(best, field.name)[rows[better]] = getattr(tried, field.name)[better]
    return best


def _nothing(count: int) -> DeciderColumns:
    """Give so many rows without a decider."""
    return DeciderColumns(
        measure=np.full(count, NOTHING),
        settles=np.zeros(count, dtype=np.bool_),
        low=np.zeros(count, dtype=np.int64),
        high=np.zeros(count, dtype=np.int64),
        low_band=np.zeros(count, dtype=np.int8),
        high_band=np.zeros(count, dtype=np.int8),
    )


def _untaken(chart: Chart, found: ScoreColumns) -> Bools:
    """Mark what is missing of every score, or was not asked; (n, candidates)."""
    raises = np.array([chart.raising(part) for part in chart.triggers], dtype=np.bool_)
    return np.concatenate([~found.present, (found.trigger == NO_BAND) & raises], axis=1)


def _tried(
    chart: Chart, number: int, values: Floats, context: Mapping[str, NDArray[Any]]
) -> tuple[DeciderColumns, Ints]:
    """Try one candidate at each of its bands in every row.

    Also give how far it moves the highest total, NOTHING where it cannot decide.
    """
    part = [*(parts[0] for parts in chart.measures.values()), *chart.triggers][number]
    column, ways = chart.parts.index(part), []
    for value in trials(part):
        tried = values.copy()
        tried[:, column] = value
        ways.append(vectorised.score(chart, tried, context))
    decided = np.stack([way.band != UNDECIDED for way in ways])
    settles: Bools = np.all(decided, axis=0)
    highest = np.stack([way.total_max for way in ways])
    most = highest.max(axis=0)
    found = DeciderColumns(
        measure=np.full(len(values), number),
        settles=settles,
        low=np.min([way.total_min for way in ways], axis=0),
        high=most,
        low_band=np.min([way.band_min for way in ways], axis=0),
        high_band=np.max([way.band_max for way in ways], axis=0),
    )
    return found, np.where(decided.any(axis=0), most - highest.min(axis=0), NOTHING)
