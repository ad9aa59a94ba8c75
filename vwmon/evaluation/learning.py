"""A model made from a study: which moments it learns from, and the file that says so.

Here: choosing examples and naming what they were. The arithmetic is vwmon.evaluation.fitting's.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vwmon import durations
from vwmon.evaluation import cohort, fitting, recipe, scored, study
from vwmon.evaluation.fitting import Examples
from vwmon.evaluation.moments import Moments
from vwmon.evaluation.study import Asked, Study
from vwmon.kernels.ragged import Ints
from vwmon.scoring.models import Fact, Model

CHART = "news2"
LEAST = 1
CAUTION = "Research only: not for the care of anyone. It knows the patients it was fitted on, and no others."

Begin = Callable[[str, int], Callable[[int], None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """How to fit: the model's id and title, groups of features, the penalty, and how the moments are thinned.

    Of the moments without the event to come one in `thin` is learned from, and counts for all of them. `clock`: the
    weights may learn of the hour of the stay what they can, to see what that is worth.
    """

    id: str
    title: str
    groups: tuple[str, ...]
    l2: float
    thin: int
    clock: bool = False


def learn(asked: Asked, how: Fitting, begin: Begin) -> Model:
    """Fit a model; UsageError where there is nothing to learn from."""
    ingredients = recipe.ingredients(how.groups)
    gathered = study.gather(asked, begin("reading", 0))
    chosen = _chosen(gathered.moments, cohort.offsets(gathered.recording.patients, asked.seed), how.thin)
    examples = Examples(
        views=scored.seen(gathered.recording, chosen, [one.view for one in ingredients], begin("looking", len(chosen))),
        positive=chosen.positive,
        weights=np.where(chosen.positive, 1.0, float(how.thin)),
        hour=np.zeros_like(chosen.hour) if how.clock else chosen.hour,
    )
    begin("fitting", 0)
    terms, intercept = fitting.fit(examples, ingredients, CHART, how.l2)
    return Model(
        id=how.id,
        title=how.title,
        version="1",
        caution=CAUTION,
        chart=CHART,
        intercept=intercept,
        needs=recipe.VITALS,
        least=LEAST,
        valid_ms={name: recipe.VALID_MS[name] for name in recipe.VITALS},
        terms=terms,
        fitted=_facts(asked, how, gathered, examples),
        evaluated={},
    )


def _chosen(moments: Moments, offsets: Ints, thin: int) -> Moments:
    """Keep the moments to learn from: all with the event to come, and one in `thin` of each patient's others."""
    turn = moments.hour + offsets[moments.members][moments.patient]
    return moments.some(moments.positive | (turn % thin == 0))


def _facts(asked: Asked, how: Fitting, gathered: Study, examples: Examples) -> dict[str, Fact]:
    moments = gathered.moments
    facts: dict[str, Fact] = {
        f"{use}_{key}": text for use, file in gathered.files.items() for key, text in file.items()
    }
    facts |= {
        "event": asked.event,
        "left_out": _listed(asked.left_out),
        "horizon": "any" if math.isinf(asked.horizon_ms) else durations.text(int(asked.horizon_ms)),
        "every": durations.text(asked.every_ms),
        "half": asked.half or "both",
        "where": _listed(asked.where),
        "seed": asked.seed,
        "patients": len(moments.members),
        "patients_with_event": len(np.unique(moments.patient[moments.positive])),
        "moments": len(moments),
        "moments_with_event": int(moments.positive.sum()),
        "moments_learned_from": len(examples.positive),
        "features": _listed(how.groups),
        "l2": how.l2,
        "thin": how.thin,
        "clock": "seen" if how.clock else "taken out",
    }
    return facts | study.versions()


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
