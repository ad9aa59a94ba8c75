"""A whole evaluation: from what was asked for to every figure, and what it rests on.

Here: the order of the steps. Reading, scoring and reckoning live in the modules that are called; how a result is shown
must not live here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vwmon.evaluation import cohort, study
from vwmon.evaluation.calibration import Calibration, calibration
from vwmon.evaluation.judgement import Compared, Judged, Terms, judge, judge_some
from vwmon.evaluation.moments import Moments
from vwmon.evaluation.scored import Scored
from vwmon.evaluation.study import Asked, Scorer, Study, Telling

Begin = Callable[[str, int], Callable[[int], None]]  # told what begins and how many steps it has; then told the steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Which scores by name, the first against the others; what charts are told; and by which columns of patients."""

    names: Sequence[str]
    telling: Telling
    by: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some patients: how many, their moments, and how the scores did there."""

    name: str
    moments: Moments
    judged: Sequence[Judged]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was asked, what it was reckoned from, and the figures, each list in the order of the scorers.

    `calibration` is None for a score that predicts no probability.
    """

    asked: Asked
    terms: Terms
    study: Study
    scorers: Sequence[Scorer]
    scored: Sequence[Scored]
    compared: Compared
    calibration: Sequence[Calibration | None]
    groups: Sequence[Group]


def run(asked: Asked, compare: Compare, terms: Terms, begin: Begin) -> Result:
    """Judge the scores of some names; of several, the differences of the first from the others too."""
    scorers = [study.find(name) for name in compare.names]
    gathered = study.gather(asked, begin("reading", 0))
    moments = gathered.moments
    scored = [study.scores(gathered, one, compare.telling, begin(f"scoring {one.id}", len(moments))) for one in scorers]
    compared = judge(moments, scored, terms, begin("drawing patients", terms.draws))
    return Result(
        asked=asked,
        terms=terms,
        study=gathered,
        scorers=scorers,
        scored=scored,
        compared=compared,
        calibration=[_calibration(moments, one) for one in scored],
        groups=list(_groups(gathered, scored, compared, compare.by, terms)),
    )


def _groups(
    gathered: Study, scored: Sequence[Scored], compared: Compared, by: Sequence[str], terms: Terms
) -> Iterator[Group]:
    """Yield the figures by the values of some columns of the patients, but for values that nobody judged has."""
    for column in by:
        masks = cohort.groups(gathered.recording.patients, gathered.patients, column)
        for name, chosen in masks.items():
            some = chosen[gathered.moments.members]
            if some.any():
                part, judged = judge_some(gathered.moments, scored, compared.judged, some, terms)
                yield Group(name=name, moments=part, judged=judged)


def _calibration(moments: Moments, score: Scored) -> Calibration | None:
    """Compare what was predicted, where something was, with what came."""
    if score.log_odds is None:
        return None
    said = score.rank > float("-inf")
    return calibration(score.log_odds[said], moments.positive[said])
