"""The stored readings of stays as the columns that baselines and trends are reckoned from. Reads; reckons nothing.

The device register decides whose a reading is, at the reading's own time, as it does for scores.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from vwmon.attribution import Intervals, LogColumns, Vitals
from vwmon.durations import DAY_MS
from vwmon.kernels.ragged import Ints
from vwmon.kernels.steps import Steps
from vwmon.patients import plans, prescriptions
from vwmon.patients.plans import FEEDS
from vwmon.patients.prescriptions import SCALES
from vwmon.patients.records import Plan, Stay
from vwmon.roster import rescaled
from vwmon.scoring.trends.assess import History
from vwmon.scoring.trends.baseline import WINDOW_MS
from vwmon.scoring.trends.table import NAMES as TREND_NAMES
from vwmon.scoring.trends.table import SERIES, TRENDED, Stays
from vwmon.store import readings, registers
from vwmon.store.sqlite import Connection

NEEDED_MS = WINDOW_MS + DAY_MS  # before a moment, for everything that is said of it
NONE = -1


def read(db: Connection, stays: Sequence[Stay], from_ms: int, to_ms: int, zone: str) -> History:
    """Read the history of some stays, in their order, for moments from `from_ms` to `to_ms`; `zone` is their ward's."""
    row_of = {stay.stay_no: row for row, stay in enumerate(stays)}
    held = [one for one in registers.assignments(db) if one.stay_no in row_of]
    rows = readings.history(db, sorted({one.device_no for one in held}), from_ms - NEEDED_MS, to_ms)
    log = LogColumns.of(rows)
    return of(log, Intervals(held, row_of).rows(log.device, log.observed_ms), stays, readings.vitals(db), zone)


def of(log: LogColumns, stay: Ints, stays: Sequence[Stay], names: Mapping[int, str], zone: str) -> History:
    """Give the history of some stays out of rows of the log, each with the place of its stay among them, or below 0.

    `names` are those of the log's vitals by number.
    """
    place = _places(names)[log.vital]
    used = (place != NONE) & (stay >= 0)
    log = log.where(used)
    values = Vitals(names).value(log.vital, log.value)
    loaded = plans.load_all()
    return History.of(
        Stays(
            spo2_scale=np.full(len(stays), SCALES[0], dtype=np.int64),
            rescaled=rescaled(stays),
            stated=_stated(stays),
            valid_ms=np.array([valid_ms(loaded.get(one.pathway)) for one in stays], dtype=np.int64),
        ),
        stay[used] * len(SERIES) + place[used],
        log.observed_ms,
        values,
        zone,
    )


def _stated(stays: Sequence[Stay]) -> Steps | None:
    """Give the usual values that clinicians stated, by stay and vital, NaN where and while none is; None for nobody."""
    if not any(prescriptions.stated(one.prescriptions) for one in stays):
        return None
    several = [prescriptions.usuals(one.prescriptions, vital) for one in stays for vital in TREND_NAMES]
    return Steps.of([np.nan] * len(several), several)


def valid_ms(plan: Plan | None) -> list[int]:
    """Give how long a reading of each of SERIES counts: by the plan, else by the table of trends, else a day."""
    usual = {one.name: one.valid_ms for one in TRENDED}
    planned = {name: one.valid_ms for name, one in plan.expected.items()} if plan is not None else {}
    return [planned.get(name, usual.get(name, DAY_MS)) for name in SERIES]


def _places(names: Mapping[int, str]) -> Ints:
    """Give the place in SERIES of each of the log's vitals by number, NONE where it has none."""
    places = np.full(max(names, default=0) + 1, NONE, dtype=np.int64)
    for number, name in names.items():
        part = FEEDS.get(name, name)
        places[number] = SERIES.index(part) if part in SERIES else NONE
    return places
