"""What a chart or a model says at each moment of a recording, block by block of patients.

Here: laying the recording out for the same functions that score a live ward, and asking them. What the answers are
worth must not live here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vwmon.attribution import Vitals
from vwmon.durations import HOUR_MS
from vwmon.evaluation.moments import Moments
from vwmon.evaluation.tables import Recording
from vwmon.kernels.ragged import Bools, Floats, Ints, Ragged, arranged, firsts, keyed, offsets
from vwmon.kernels.windows import last_valid
from vwmon.patients.plans import FEEDS
from vwmon.scoring import learned, ratio_columns, vectorised
from vwmon.scoring.models import Model, View
from vwmon.scoring.records import Chart, Ratio
from vwmon.scoring.views import reckon

BLOCK = 1000  # patients at a time: what is worked on stays small, however long the recording is
VALID_MS: Final[Mapping[str, int]] = {"oxygen": 24 * HOUR_MS, "temperature": 8 * HOUR_MS, "consciousness": 8 * HOUR_MS}
ELSE_VALID_MS: Final = 4 * HOUR_MS

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A score by moment (n,): `rank` orders them, -inf where nothing is said; `complete` where nothing is missing.

    `log_odds` is the prediction, of a model only.
    """

    rank: Floats
    complete: Bools
    log_odds: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a chart is told beside readings: for how long each part counts, and its context."""

    valid_ms: Mapping[str, int]
    context: Mapping[str, str | int]


NEWS2: Final = Told(valid_ms=VALID_MS, context={"spo2_scale": 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A recording laid out by series: patient * len(vitals) + place of the vital."""

    columns: Ragged
    vitals: tuple[str, ...]

    def block(self, first: int, stop: int) -> Ragged:
        """Give the columns of the patients from `first` on, up to `stop`."""
        part = self.columns.offsets[first * len(self.vitals) : stop * len(self.vitals) + 1]
        rows = slice(int(part[0]), int(part[-1]))
        return Ragged(times_ms=self.columns.times_ms[rows], values=self.columns.values[rows], offsets=part - part[0])


def laid(recording: Recording, wanted: Sequence[str]) -> Laid:
    """Lay out the wanted vitals of a recording, those that another vital stands in for included."""
    pieces, counted = [], Vitals(dict(enumerate(recording.vitals)))
    for number, name in enumerate(recording.vitals):
        rows = np.flatnonzero(recording.vital == number)
        if name in wanted:
            pieces.append((wanted.index(name), rows, recording.values[rows]))
        if FEEDS.get(name) in wanted:
            values = counted.value(recording.vital[rows].astype(np.int64), recording.values[rows])
            pieces.append((wanted.index(FEEDS[name]), rows, values))
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *(rows for _, rows, _ in pieces)])
    place = np.repeat([place for place, _, _ in pieces], [len(rows) for _, rows, _ in pieces]).astype(np.int64)
    columns = arranged(
        recording.patient[rows].astype(np.int64) * len(wanted) + place,
        recording.times_ms[rows],
        np.concatenate([np.zeros(0), *(values for _, _, values in pieces)]),
        len(recording.patients) * len(wanted),
    )
    return Laid(columns=columns, vitals=tuple(wanted))


def by_chart(
    recording: Recording,
    moments: Moments,
    chart: Chart,
    told: Told = NEWS2,
    advance: Advance = lambda _: None,
) -> Scored:
    """Score a chart: the rank is the least that the total can be, as absent parts score at their lowest.

    Of several readings of a part at one time the worst counts.
    """
    found = laid(recording, [part.name for part in chart.parts])
    found = Laid(columns=_worst(chart, found.columns), vitals=found.vitals)
    rank, complete = np.empty(len(moments)), np.empty(len(moments), dtype=np.bool_)
    for rows, values in _levels(found, moments, told.valid_ms, advance):
        context = {name: np.full(len(values), told.context[name]) for name in chart.context}
        scores = vectorised.score(chart, values, context)
        rank[rows], complete[rows] = scores.total_min, scores.complete
    return Scored(rank=rank, complete=complete)


def by_ratio(
    recording: Recording,
    moments: Moments,
    ratio: Ratio,
    valid_ms: Mapping[str, int] = VALID_MS,
    advance: Advance = lambda _: None,
) -> Scored:
    """Score a ratio of readings: the rank is its value, and nothing is said where one of them is missing."""
    found = laid(recording, [term.name for term in ratio.terms])
    rank = np.empty(len(moments))
    for rows, values in _levels(found, moments, valid_ms, advance):
        rank[rows] = ratio_columns.score(ratio, values).value
    said = ~np.isnan(rank)
    return Scored(rank=np.where(said, rank, -np.inf), complete=said)


def by_clock(moments: Moments) -> Scored:
    """Score the hour of the stay, which knows nothing of the patient."""
    return Scored(rank=moments.hour.astype(np.float64), complete=np.ones(len(moments), dtype=np.bool_))


def turned(score: Scored) -> Scored:
    """Turn a score round whose low values are the bad ones."""
    return Scored(rank=np.where(np.isfinite(score.rank), -score.rank, score.rank), complete=score.complete)


def by_model(recording: Recording, moments: Moments, model: Model, advance: Advance = lambda _: None) -> Scored:
    """Score a model: the rank is the predicted log-odds, what is missing adding what the model says of it."""
    views = {*(term.view for term in model.terms), *model.levels}
    found = laid(recording, vitals_of(views))
    rank, complete = np.empty(len(moments)), np.empty(len(moments), dtype=np.bool_)
    for rows, columns, stay in _blocks(found, moments, advance):
        scores = learned.score(model, reckon(columns, found.vitals, stay, moments.times_ms[rows], views))
        rank[rows], complete[rows] = scores.log_odds, scores.complete
    said = ~np.isnan(rank)
    return Scored(rank=np.where(said, rank, -np.inf), complete=complete, log_odds=rank)


def seen(
    recording: Recording, moments: Moments, views: Sequence[View], advance: Advance = lambda _: None
) -> dict[View, Floats]:
    """Give each view at each moment, (n,)."""
    found = laid(recording, vitals_of(views))
    answers = {view: np.empty(len(moments)) for view in views}
    for rows, columns, stay in _blocks(found, moments, advance):
        for view, values in reckon(columns, found.vitals, stay, moments.times_ms[rows], views).items():
            answers[view][rows] = values
    return answers


def vitals_of(views: "Sequence[View] | set[View]") -> list[str]:
    """Give the vitals that views look at, in order of name."""
    return sorted({name for view in views for name in (view.vital, view.per) if name})


def _levels(
    found: Laid, moments: Moments, valid_ms: Mapping[str, int], advance: Advance
) -> Iterator[tuple[slice, Floats]]:
    """Yield for each block its rows of the moments, and the latest valid value of each vital there, (rows, vitals)."""
    names = found.vitals
    longest = np.array([valid_ms.get(name, ELSE_VALID_MS) for name in names])
    for rows, columns, stay in _blocks(found, moments, advance):
        series = (stay[:, None] * len(names) + np.arange(len(names))).reshape(-1)
        at_ms = np.repeat(moments.times_ms[rows], len(names))
        value, age = last_valid(columns.times_ms, columns.values, columns.offsets, series, at_ms)
        yield rows, np.where(age <= np.tile(longest, len(stay)), value, np.nan).reshape(-1, len(names))


def _blocks(found: Laid, moments: Moments, advance: Advance) -> Iterator[tuple[slice, Ragged, Ints]]:
    """Yield for each block of patients its rows of the moments, its columns, and the place of each row's patient."""
    for start in range(0, len(moments.members), BLOCK):
        members = moments.members[start : start + BLOCK]
        stop = moments.starts[start + BLOCK] if start + BLOCK < len(moments.starts) else len(moments)
        rows = slice(int(moments.starts[start]), int(stop))
        first, last = int(members[0]), int(members[-1]) + 1
        yield rows, found.block(first, last), moments.members[moments.patient[rows]] - first
        advance(rows.stop - rows.start)


def _worst(chart: Chart, columns: Ragged) -> Ragged:
    """Keep one reading a time: of several the one that scores worst on the chart."""
    owner = columns.owners()
    key = keyed(owner, columns.times_ms)
    if firsts(key).all():
        return columns
    direction, points = vectorised.severity(chart, owner % len(chart.parts), columns.values)
    order = np.lexsort((direction, points, key))
    kept = order[np.append(firsts(key[order])[1:], True)]
    return Ragged(
        times_ms=columns.times_ms[kept],
        values=columns.values[kept],
        offsets=offsets(owner[kept], len(columns)),
    )
