"""What a model looks at, reckoned by the window kernels: for a patient at home and for a recording alike.

Here: which statistics to ask the kernels for, and the few views that are made from several. What a view means for
anyone is the model's; windows are the kernels'. Neither lives here.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

import numpy as np

from vwmon.durations import HOUR_MS
from vwmon.kernels.frames import Queries
from vwmon.kernels.ragged import Floats, Ints, Ragged
from vwmon.kernels.rolling import rolling
from vwmon.scoring.models import DERIVED, View

USUAL = 4  # pace: the last window against four of its length; a reading is taken to stand for an hour
RECENT = 6  # deviation: the last sixth of the window's length is now, the whole of it is usual

Found = Mapping[View, Floats]


def reckon(
    columns: Ragged, vitals: Sequence[str], stay: Ints, at_ms: Ints, views: Collection[View]
) -> dict[View, Floats]:
    """Give each view at each moment, (n,), NaN where it is missing; `stay` and `at_ms` are the moments.

    `columns` has a series for each vital of each stay: stay * len(vitals) + place of the vital. A vital that is not
    among `vitals` is missing throughout.

    pace       readings an hour in the window, less those in four such windows; of the time since the stay's first
               reading only, so that a stay that has just begun has no pace, and not a high one
    deviation  mean of the last sixth of the window, less the mean of the whole window
    """
    wanted = {simple for view in views for simple in _simple(view)}
    found = _asked(columns, vitals, stay, at_ms, wanted)
    known_ms = _known_ms(columns, len(vitals), stay, at_ms)
    return {view: _made(view, found, known_ms) for view in views}


def _simple(view: View) -> tuple[View, ...]:
    """Give the views of one vital and one kernel's statistic that a view is made from."""
    if view.per:
        return tuple(one for vital in (view.vital, view.per) for one in _simple(_of(view, vital=vital)))
    if view.statistic == "pace":
        return _of(view, statistic="count"), _of(view, statistic="count", window_ms=view.window_ms * USUAL)
    if view.statistic == "deviation":
        return _of(view, statistic="mean", window_ms=view.window_ms // RECENT), _of(view, statistic="mean")
    return (view,)


def _of(view: View, *, vital: str = "", statistic: str = "", window_ms: int = 0) -> View:
    return View(
        vital=vital or view.vital,
        statistic=statistic or view.statistic,
        window_ms=window_ms or view.window_ms,
    )


def _asked(columns: Ragged, vitals: Sequence[str], stay: Ints, at_ms: Ints, wanted: Collection[View]) -> Found:
    """Ask the kernels for simple views: one call for all vitals of which the same statistics are wanted."""
    found = {view: np.full(len(stay), np.nan) for view in wanted if view.vital not in vitals}
    asked: dict[tuple[int, str], list[str]] = {}
    for view in sorted(wanted - found.keys()):
        asked.setdefault((view.window_ms, view.vital), []).append(view.statistic)
    alike = sorted((window, tuple(statistics), vital) for (window, vital), statistics in asked.items())
    for (window, statistics), group in groupby(alike, key=lambda one: one[:2]):
        together = [vital for _, _, vital in group]
        places = np.array([vitals.index(vital) for vital in together])
        series = (stay[:, None] * len(vitals) + places).reshape(-1)
        queries = Queries(series=series, times_ms=np.repeat(at_ms, len(places)))
        answers = rolling(columns, queries, [window], statistics)
        for statistic, answer in answers.items():
            for place, vital in enumerate(together):
                view = View(vital=vital, statistic=statistic, window_ms=window)
                found[view] = answer[:, 0].reshape(-1, len(places))[:, place]
    return found


def _known_ms(columns: Ragged, vitals: int, stay: Ints, at_ms: Ints) -> Ints:
    """Give how long each moment's stay has been read for, an hour being what one reading stands for."""
    none = np.iinfo(np.int64).max
    starts = columns.offsets[:-1]
    there = np.flatnonzero(np.diff(columns.offsets))
    first = np.full(len(starts), none)
    first[there] = columns.times_ms[starts[there]]
    by_stay: Ints = first.reshape(-1, vitals).min(axis=1)
    begun = by_stay[stay] <= at_ms
    return np.where(begun, at_ms - np.where(begun, by_stay[stay], 0) + HOUR_MS, HOUR_MS)


def _made(view: View, found: Found, known_ms: Ints) -> Floats:
    """Make a view from simple ones."""
    if view.per:
        over, under = (_made(_of(view, vital=vital), found, known_ms) for vital in (view.vital, view.per))
        ratio: Floats = np.divide(over, under, out=np.full(len(over), np.nan), where=under != 0)
        return ratio
    if view.statistic not in DERIVED:
        return found[view]
    recent, usual = _simple(view)
    if view.statistic == "pace":
        return found[recent] / _hours(known_ms, recent) - found[usual] / _hours(known_ms, usual)
    return found[recent] - found[usual]


def _hours(known_ms: Ints, view: View) -> Floats:
    hours: Floats = np.minimum(known_ms, view.window_ms) / HOUR_MS
    return hours
