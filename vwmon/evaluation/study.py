"""One study: the files it reads, the moments it judges, and the scores it compares.

Here: from what was asked for to columns, and the record of which files and versions a result rests on. Figures must not
live here, nor how they are shown.
"""

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from vwmon.errors import NotFoundError, UsageError
from vwmon.evaluation import cohort, scored, tables
from vwmon.evaluation.moments import Moments, moments
from vwmon.evaluation.scored import Scored, Told
from vwmon.evaluation.tables import Recording
from vwmon.scoring import charts, models
from vwmon.scoring.models import Model
from vwmon.scoring.records import Chart, Ratio

Advance = Callable[[int], None]
PACKAGES = ("vwmon", "numpy", "scipy")
OUTCOME_COLUMNS = ("patient", "event", "time")
UNTOLD = {"spo2_scale": 1}  # scale 2 is prescribed and never inferred, so that whom nothing is said of is on scale 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The hour of the stay, as if it were a score: what any score has to beat, and none may lean on."""

    id: str = "clock"
    title: str = "hours of stay, no score at all"
    version: str = "1"


Scorer = Chart | Ratio | Model | Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be judged: the files, the event and how soon before it counts, and which patients and moments.

    `horizon_ms` is inf where any time later counts. `last`: the last moment of each patient only.
    """

    recording: Path
    outcomes: Path
    event: str
    patients: Path | None = None
    left_out: tuple[str, ...] = ()
    horizon_ms: float = math.inf
    every_ms: int = 3_600_000
    last: bool = False
    half: str = ""
    where: tuple[str, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What charts are told beside readings: how long parts count, contexts as text, and which way a ratio is worse."""

    valid_ms: Mapping[str, int] = field(default_factory=lambda: scored.VALID_MS)
    context: Mapping[str, str] = field(default_factory=dict)
    lower_is_worse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The recording, the table of patients, the moments, and each file by what it is for, with its SHA-256."""

    recording: Recording
    patients: Sequence[Mapping[str, str]]
    moments: Moments
    files: Mapping[str, Mapping[str, str]]


def gather(asked: Asked, advance: Advance = lambda _: None) -> Study:
    """Read the files and lay out the moments; UsageError when none are left to judge."""
    recording = tables.read(asked.recording, advance)
    outcomes = tables.rows(asked.outcomes, OUTCOME_COLUMNS)
    at_ms = tables.times_ms([row["time"] for row in outcomes], asked.outcomes, relative=recording.relative)
    patients = tables.rows(asked.patients, ("patient",)) if asked.patients else []
    if asked.where and not patients:
        raise UsageError("a condition on patients needs --patients, the table that has its column")
    spans = cohort.spans(recording, outcomes, at_ms, asked.event, asked.left_out)
    chosen = cohort.in_half(recording.patients, asked.half, asked.seed)
    chosen &= cohort.where(recording.patients, patients, asked.where)
    found = moments(spans, asked.every_ms, asked.horizon_ms)
    found = found.of(chosen[found.members])
    found = found.last() if asked.last else found
    if not found.positive.any():
        raise UsageError(f"no {asked.event} comes within the horizon of any moment of the chosen patients")
    named = {"recording": asked.recording, "outcomes": asked.outcomes, "patients": asked.patients}
    return Study(
        recording=recording,
        patients=patients,
        moments=found,
        files={use: {"file": path.name, "sha256": tables.sha256(path)} for use, path in named.items() if path},
    )


def seen_before(model: Model, study: Study, asked: Asked) -> bool:
    """Tell whether a model may have been fitted on patients that are judged: on this recording, and not the other half.

    A choice of patients by a column is not looked into.
    """
    if model.fitted.get("recording_sha256") != study.files["recording"]["sha256"]:
        return False
    return {model.fitted.get("half"), asked.half} != set(cohort.HALVES) or model.fitted.get("seed") != asked.seed


def find(name: str) -> Scorer:
    """Give the chart, model or clock of a name, or the model of a TOML file; NotFoundError names those there are."""
    if name.endswith(".toml"):
        return models.parse(tables.text(Path(name)))
    if name == Clock().id:
        return Clock()
    if name in models.names():
        return models.load(name)
    try:
        return charts.either(name)
    except NotFoundError as error:
        known = ", ".join([*charts.names(), *models.names(), Clock().id])
        raise NotFoundError(f"there is no chart or model {name!r}; there are {known}, and .toml files") from error


def scores(study: Study, asked: Scorer, telling: Telling, advance: Advance) -> Scored:
    """Score every moment of a study."""
    if isinstance(asked, Clock):
        return scored.by_clock(study.moments)
    if isinstance(asked, Model):
        return scored.by_model(study.recording, study.moments, asked, advance)
    if isinstance(asked, Ratio):
        found = scored.by_ratio(study.recording, study.moments, asked, telling.valid_ms, advance)
        return scored.turned(found) if telling.lower_is_worse else found
    told = Told(valid_ms=telling.valid_ms, context=_context(asked, telling.context))
    return scored.by_chart(study.recording, study.moments, asked, told, advance)


def versions() -> dict[str, str]:
    """Give the versions of what reckoned a result."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def _context(chart: Chart, told: Mapping[str, str]) -> dict[str, str | int]:
    """Give what a chart has to be told; UsageError for what is not said, or is not one of its words."""
    found: dict[str, str | int] = {}
    for name, allowed in chart.context.items():
        words = {str(word): word for word in allowed}
        word = told.get(name, str(UNTOLD.get(name, "")))
        if word not in words:
            raise UsageError(f"{chart.id} has to be told {name}: --context {name}=VALUE, one of {', '.join(words)}")
        found[name] = words[word]
    return found
