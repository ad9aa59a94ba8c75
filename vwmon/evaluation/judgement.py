"""How good scores are at some moments: every figure with its interval, and the difference between two scores.

Here: putting ranks, alerts and the bootstrap together. Which moments, which scores, and how the figures are shown must
not live here. Each draw of patients is used for every figure and every score, so that differences are paired.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vwmon.evaluation.alert_load import Alerts, AtLoad, alerts, at_load, at_threshold
from vwmon.evaluation.bootstrap import draws, interval
from vwmon.evaluation.moments import Moments
from vwmon.evaluation.ranks import Ranking, auroc, average_precision
from vwmon.evaluation.scored import Scored
from vwmon.kernels.ragged import Bools, Floats

AREAS = ("auroc", "auroc_same_hour", "average_precision")
ALARMS = ("sensitivity", "ppv", "lead_hours", "alerts_per_day")
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure and its interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms scores are compared: alert loads, the lockout, and the bootstrap's draws and seed."""

    loads: tuple[float, ...]
    lockout_ms: int
    draws: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The figures of one score by name; `thresholds` by load is at which score it alerts."""

    figures: Mapping[str, Figure]
    thresholds: Mapping[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """One score, ranked once for all draws; `at` are its thresholds, found for all patients."""

    moments: Moments
    whole: Ranking
    by_hour: Ranking
    alerts: Alerts
    at: Mapping[float, AtLoad]
    fixed: bool

    def figures(self, weights: Floats) -> dict[str, float]:
        """Reckon every figure for (p,) weights of the patients."""
        rows, positive = weights[self.moments.patient], self.moments.positive
        areas = (
            auroc(self.whole, positive, rows),
            auroc(self.by_hour, positive, rows),
            average_precision(self.whole, positive, rows),
        )
        found = dict(zip(AREAS, areas, strict=True))
        for load, at in self.at.items():
            here = at_threshold(self.alerts, at, weights) if self.fixed else at_load(self.alerts, load, weights)
            values = (here.sensitivity, here.ppv, here.lead_hours, here.load)
            found |= {named(name, load): value for name, value in zip(ALARMS, values, strict=True)}
        return found


def named(figure: str, load: float) -> str:
    """Name a figure at an alert load: "sensitivity_at_0.5"."""
    return f"{figure}_at_{load:g}"


def judge(
    moments: Moments, scores: Sequence[Scored], terms: Terms, advance: Advance = lambda _: None
) -> tuple[list[Judged], list[Mapping[str, Figure]]]:
    """Judge (n,) scores at n moments; also give the differences of the first from each of the others.

    Every draw finds its own thresholds for the loads, as whoever sets up a ward would.
    """
    measured = [_measure(moments, one, terms) for one in scores]
    values, drawn = _drawn(measured, terms, advance)
    judged = [
        Judged(figures=_figures(one, many), thresholds={load: at.threshold for load, at in each.at.items()})
        for each, one, many in zip(measured, values, drawn, strict=True)
    ]
    differences = [
        _figures({name: values[0][name] - other[name] for name in other}, [_less(*pair) for pair in zip(drawn[0], many, strict=True)])
        for other, many in zip(values[1:], drawn[1:], strict=True)
    ]
    return judged, differences


def judge_groups(
    moments: Moments, scores: Sequence[Scored], groups: Mapping[str, Bools], terms: Terms, advance: Advance = lambda _: None
) -> Iterator[tuple[str, Moments, list[Judged]]]:
    """Judge scores in groups of patients, masks (p,) over the moments' members, at the thresholds found for all.

    A ward has one threshold for everyone: what load and what sensitivity that means for some is the question.
    """
    at = [_measure(moments, one, terms).at for one in scores]
    for name, chosen in groups.items():
        kept = chosen[moments.patient]
        part = moments.of(chosen)
        measured = [_measure(part, _of(one, kept), terms, found) for one, found in zip(scores, at, strict=True)]
        values, drawn = _drawn(measured, terms, advance)
        yield name, part, [
            Judged(figures=_figures(one, many), thresholds={load: where.threshold for load, where in found.items()})
            for found, one, many in zip(at, values, drawn, strict=True)
        ]


def _measure(moments: Moments, score: Scored, terms: Terms, at: Mapping[float, AtLoad] | None = None) -> _Measured:
    """Rank a score and find its alerts; `at` are thresholds found elsewhere, None to find them here."""
    found = alerts(moments, score.rank, terms.lockout_ms, _edges(at))
    ones = np.ones(len(moments.members))
    return _Measured(
        moments=moments,
        whole=Ranking.of(score.rank),
        by_hour=Ranking.of(score.rank, moments.hour),
        alerts=found,
        at={load: at_load(found, load, ones) for load in terms.loads} if at is None else at,
        fixed=at is not None,
    )


def _edges(at: Mapping[float, AtLoad] | None) -> Floats | None:
    """Give the thresholds that were found elsewhere, each with its neighbour."""
    if at is None:
        return None
    return np.unique([edge for one in at.values() for edge in (one.lower, one.threshold) if np.isfinite(edge)])


def _drawn(
    measured: Sequence[_Measured], terms: Terms, advance: Advance
) -> tuple[list[dict[str, float]], list[list[dict[str, float]]]]:
    """Give the figures of each score, and those of each draw."""
    patients = len(measured[0].moments.members)
    values = [one.figures(np.ones(patients)) for one in measured]
    many: list[list[dict[str, float]]] = [[] for _ in measured]
    for weights in draws(patients, terms.draws, terms.seed):
        for one, found in zip(measured, many, strict=True):
            found.append(one.figures(weights))
        advance(1)
    return values, many


def _figures(values: Mapping[str, float], many: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    """Put values and the intervals of their draws together."""
    found = {}
    for name, value in values.items():
        low, high = interval(np.array([one[name] for one in many]))
        found[name] = Figure(value=value, low=low, high=high)
    return found


def _less(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one[name] - other[name] for name in other}


def _of(score: Scored, kept: Bools) -> Scored:
    odds = None if score.log_odds is None else score.log_odds[kept]
    return Scored(rank=score.rank[kept], complete=score.complete[kept], log_odds=odds)
