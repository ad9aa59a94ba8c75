"""The score of a ward's moments, adults and children together: each by the chart and the band of age that hold for it.

Columns are as vwmon.scoring.layouts has them. Points are the charts', and what a reading's age does is the pipeline's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.scoring import charts, vectorised
from vwmon.scoring.layouts import ADULT, AGE_BANDS, COLUMNS
from vwmon.scoring.records import Chart

OXYGEN = COLUMNS[PEWS].index("oxygen")
AIR = 0.0  # the code of no device on PEWS, and the flow that is air (interface, section 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """Scores of n observation sets: points and `present` are (n, 7), the rest is (n,), as of vectorised.ScoreColumns.

    Not `complete` and nothing missing: a child is on oxygen, and how it is given was not said.
    """

    points_min: Bytes
    points_max: Bytes
    present: Bools
    total_min: Ints
    total_max: Ints
    complete: Bools
    red: Bools


def score(values: Floats, spo2_scale: NDArray[np.int8], band: Ints | None) -> Mixed:
    """Score (n, 7) values, NaN missing; `band` (n,) is ADULT or the number of a band of age, None: all are adults."""
    children = None if band is None else np.flatnonzero(band != ADULT)
    if band is None or children is None or not len(children):
        return _columns(vectorised.score(charts.load(NEWS2), values, {"spo2_scale": spo2_scale}))
    adults = np.flatnonzero(band == ADULT)
    of_adults = _columns(vectorised.score(charts.load(NEWS2), values[adults], {"spo2_scale": spo2_scale[adults]}))
    of_children = _pews(values[children], band[children])
    place = np.argsort(np.concatenate([adults, children]))
    names = Mixed.__slots__
    return Mixed(
        **{name: np.concatenate([getattr(of_adults, name), getattr(of_children, name)])[place] for name in names}
    )


def severity(part: Ints, values: Floats, band: Ints | None) -> tuple[Floats, Bytes]:
    """Give the columns by which readings of one column sort from harmless to worst: by the second, then by the first.

    As vectorised.severity, each by the chart and the band of age that hold for it.
    """
    direction, points = vectorised.severity(charts.load(NEWS2), part, values)
    children = np.zeros(0, dtype=np.int64) if band is None else np.flatnonzero(band != ADULT)
    if band is not None and len(children):
        alone = np.full((len(children), len(COLUMNS[PEWS])), np.nan)
        rows = np.arange(len(children))
        alone[rows, part[children]] = values[children]
        points[children] = _pews(alone, band[children]).points_min[rows, part[children]]
        low_is_worse = np.array([name in vectorised.LOW_IS_WORSE for name in COLUMNS[PEWS]])[part[children]]
        direction[children] = np.where(low_is_worse, -values[children], values[children])
    return direction, points


def _columns(found: vectorised.ScoreColumns) -> Mixed:
    return Mixed(**{name: getattr(found, name) for name in Mixed.__slots__})


def _pews(values: Floats, band: Ints) -> Mixed:
    """Score children: what a flow of nothing says of the device is said to the chart, which asks for both."""
    chart = charts.load(PEWS)
    found = vectorised.score(chart, _sets(chart, values), {"age_band": np.array(AGE_BANDS)[band - 1]})
    measures = list(chart.measures)
    place = [measures.index(name) for name in COLUMNS[PEWS]]
    return Mixed(
        points_min=found.points_min[:, place],
        points_max=found.points_max[:, place],
        present=found.present[:, place],
        total_min=found.total_min,
        total_max=found.total_max,
        complete=found.complete,
        red=found.red,
    )


def _sets(chart: Chart, values: Floats) -> Floats:
    """Lay the columns out in the chart's order of parts; what a ward does not know of a child is missing."""
    names = [part.name for part in chart.parts]
    sets = np.full((len(values), len(names)), np.nan)
    for column, name in enumerate(COLUMNS[PEWS]):
        sets[:, names.index(name)] = values[:, column]
    sets[:, names.index("oxygen_device")] = np.where(values[:, OXYGEN] == AIR, AIR, np.nan)
    return sets
