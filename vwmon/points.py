"""Scored moments in the forms that others take: rows to store, and points for the alert rules. No judgement here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from vwmon.kernels.ragged import Ints
from vwmon.patients.chart_names import NEWS2
from vwmon.pipeline import Scores
from vwmon.scoring.charts import PARTS
from vwmon.scoring.layouts import COLUMNS

Refused = Mapping[str, tuple[int, str]]  # by part, how long ago it was tried (ms), and what came
NOTHING: Refused = MappingProxyType({})
DIGITS = 10 ** np.arange(len(PARTS) - 1, -1, -1, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One scored moment of one stay, as the alert rules see it: fits alerts.model.Scored."""

    stay: int
    at_ms: int
    received_ms: int
    late: bool
    total_min: int
    total_max: int
    could_be: int
    red: bool
    complete: bool
    missing: tuple[str, ...]
    points: Mapping[str, int]
    values: Mapping[str, float]
    ages_ms: Mapping[str, int]
    measured: bool
    refused: Refused
    expected: tuple[str, ...]
    quantities: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What is known of one stay at one moment that is no score, as the alert rules see it: fits alerts.model.Noted."""

    stay: int
    at_ms: int
    received_ms: int
    late: bool
    quantities: Mapping[str, float]
    sentences: Mapping[str, str]


def point(  # noqa: PLR0913 -- whose moment it is, and what its plan and its chart say of it
    scores: Scores,
    row: int,
    stay_no: int,
    expected: tuple[str, ...],
    refused: Refused = NOTHING,
    *,
    parts: tuple[str, ...] = COLUMNS[NEWS2],
) -> Point:
    """Give one row of the scores as a point of the stay of that number; `refused` is as Point has it.

    `parts` are those of the stay's chart, in the order of its columns.
    """
    present = [part for part, there in enumerate(scores.present[row].tolist()) if there]
    minimum, values, ages = scores.points_min[row].tolist(), scores.values[row].tolist(), scores.age_ms[row].tolist()
    return Point(
        stay=stay_no,
        at_ms=int(scores.at_ms[row]),
        received_ms=int(scores.received_ms[row]),
        late=bool(scores.late[row]),
        total_min=int(scores.total_min[row]),
        total_max=int(scores.total_max[row]),
        could_be=int(scores.could_be[row]),
        red=bool(scores.red[row]),
        complete=bool(scores.complete[row]),
        missing=tuple(name for part, name in enumerate(parts) if part not in present),
        points={parts[part]: minimum[part] for part in present},
        values={parts[part]: values[part] for part in present},
        ages_ms={parts[part]: ages[part] for part in present},
        measured=0 in ages,
        refused=refused,
        expected=expected,
        quantities={f"value:{parts[part]}": values[part] for part in present if ages[part] == 0},
    )


def stored_rows(scores: Scores, stay_nos: Ints, provenance: Ints) -> Sequence[tuple[int, ...]]:
    """Give the scores that changed as rows to store; `stay_nos` and `provenance` are by row of the ward."""
    kept = scores.where(scores.changed)
    columns = (
        stay_nos[kept.stay],
        kept.at_ms,
        kept.received_ms,
        kept.late,
        kept.total_min,
        kept.total_max,
        kept.could_be,
        kept.red,
        kept.complete,
        kept.points_min @ DIGITS,
        kept.points_max @ DIGITS,
        kept.present @ DIGITS,
        provenance[kept.stay],
    )
    return list(zip(*(column.astype(np.int64).tolist() for column in columns), strict=True))


def rewritten(scores: Scores, frontier_ms: Ints) -> Sequence[tuple[int, int]]:
    """Name the (row of the ward, time) from which a stay's stored scores are replaced by these.

    `frontier_ms` is how far each stay had come before the step; a stay's second wave always goes back.
    """
    back = (scores.wave > 0) | (scores.rescored_from_ms <= frontier_ms[scores.stay])
    return sorted(set(zip(scores.stay[back].tolist(), scores.rescored_from_ms[back].tolist(), strict=True)))
