"""How good scores are at some moments: every figure with its interval, and the differences between scores.

Here: putting ranks, alerts and the bootstrap together. Which moments, which scores, and how the figures are shown must
not live here. Each draw of patients is used for every figure and every score, so that differences are paired.
"""

from collections.abc import Callable, Mapping, Sequence
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
Values = dict[str, float]


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
    """The figures of one score by name; `at` is where it alerts, by load."""

    figures: Mapping[str, Figure]
    at: Mapping[float, AtLoad]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Scores in the order given, and the differences of the first from each of the others."""

    judged: Sequence[Judged]
    differences: Sequence[Mapping[str, Figure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """One score, ranked once for all draws; `at` are its thresholds by load, `fixed` when they were found elsewhere."""

    moments: Moments
    whole: Ranking
    by_hour: Ranking
    alerts: Alerts
    at: Mapping[float, AtLoad]
    fixed: bool

    def figures(self, weights: Floats) -> Values:
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


def judge(moments: Moments, scores: Sequence[Scored], terms: Terms, advance: Advance = lambda _: None) -> Compared:
    """Judge (n,) scores at n moments. Every draw finds its own thresholds for the loads, as a ward would."""
    measured = [_measure(moments, one, terms) for one in scores]
    values, drawn = _drawn(measured, terms, advance)
    differences = [
        _figures(_less(values[0], value), [_less(*pair) for pair in zip(drawn[0], many, strict=True)])
        for value, many in zip(values[1:], drawn[1:], strict=True)
    ]
    return Compared(judged=_judged(measured, values, drawn), differences=differences)


def judge_some(
    moments: Moments, scores: Sequence[Scored], whole: Sequence[Judged], chosen: Bools, terms: Terms
) -> tuple[Moments, Sequence[Judged]]:
    """Judge scores for some patients, a mask (p,) over the moments' members, at the thresholds found for all.

    A ward has one threshold for everyone: what load and what sensitivity that means for some is the question. Gives
    the moments of those patients too.
    """
    part, kept = moments.of(chosen), chosen[moments.patient]
    measured = [_measure(part, _of(one, kept), terms, all_.at) for one, all_ in zip(scores, whole, strict=True)]
    return part, _judged(measured, *_drawn(measured, terms, lambda _: None))


def _measure(moments: Moments, score: Scored, terms: Terms, at: Mapping[float, AtLoad] | None = None) -> _Measured:
    """Rank a score and find its alerts; `at` are thresholds found elsewhere, None to find them here."""
    found = alerts(moments, score.rank, terms.lockout_ms, None if at is None else _edges(at))
    everyone = np.ones(len(moments.members))
    return _Measured(
        moments=moments,
        whole=Ranking.of(score.rank),
        by_hour=Ranking.of(score.rank, moments.hour),
        alerts=found,
        at={load: at_load(found, load, everyone) for load in terms.loads} if at is None else at,
        fixed=at is not None,
    )


def _edges(at: Mapping[float, AtLoad]) -> Floats:
    """Give the thresholds that were found elsewhere, each with its neighbour, ascending."""
    return np.unique([edge for one in at.values() for edge in (one.lower, one.threshold) if np.isfinite(edge)])


def _drawn(measured: Sequence[_Measured], terms: Terms, advance: Advance) -> tuple[list[Values], list[list[Values]]]:
    """Give the figures of each score, and those of each draw."""
    patients = len(measured[0].moments.members)
    values = [one.figures(np.ones(patients)) for one in measured]
    many: list[list[Values]] = [[] for _ in measured]
    for weights in draws(patients, terms.draws, terms.seed):
        for one, found in zip(measured, many, strict=True):
            found.append(one.figures(weights))
        advance(1)
    return values, many


def _judged(measured: Sequence[_Measured], values: Sequence[Values], drawn: Sequence[Sequence[Values]]) -> list[Judged]:
    return [
        Judged(figures=_figures(value, many), at=one.at)
        for one, value, many in zip(measured, values, drawn, strict=True)
    ]


def _figures(values: Values, many: Sequence[Values]) -> dict[str, Figure]:
    """Put values and the intervals of their draws together."""
    ends = {name: interval(np.array([one[name] for one in many])) for name in values}
    return {name: Figure(value=value, low=ends[name][0], high=ends[name][1]) for name, value in values.items()}


def _less(one: Values, other: Values) -> Values:
    return {name: one[name] - other[name] for name in other}


def _of(score: Scored, kept: Bools) -> Scored:
    odds = None if score.log_odds is None else score.log_odds[kept]
    return Scored(rank=score.rank[kept], complete=score.complete[kept], log_odds=odds)
