"""Hold projections and deviations against what came, on recordings that were replayed into databases.

    vwmon replay tihm_home/vitals.csv.gz --db tihm_home.db
    python scripts/backtest_trends.py tihm_home.db mimic4demo.db

Every quarter of an hour with a reading is a moment, judged by what was known then. Prints Markdown tables: for each
vital, how often there was a baseline and a trend, how often a deviation was beyond 2 and 3, how often a reading some
hours later lay between the bounds that should hold nine in ten, and the mean error of the middle over that of no change
(the median of the same window). Below, the same of NEWS2, on the parts that there were at both times.
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from vwmon import histories
from vwmon.durations import HOUR_MS
from vwmon.kernels.ragged import Bools, Floats, Ints
from vwmon.scoring import charts, vectorised
from vwmon.scoring.trends.assess import Assessment, History, assess
from vwmon.scoring.trends.occasions import PER_UNIT, QUARTER_MS
from vwmon.scoring.trends.projection import AT
from vwmon.scoring.trends.table import NAMES, SERIES, Moments
from vwmon.store import registers
from vwmon.store.database import open_reader

FOREVER = 1 << 50
HOURS = (1, 6, 12, 24)
NEAR_H = 0.5
FEWEST = 40
FEWEST_PARTS = 3  # fewer are hardly a score
RECENT_H = 2


def main() -> int:
    """Print the tables of each database named."""
    for name in sys.argv[1:]:
        with closing(open_reader(Path(name))) as db:
            history = histories.read(db, registers.stays(db), 0, FOREVER, "Europe/London")
        moments = _moments(history)
        found = assess(history, moments)
        print(f"\n### {Path(name).stem}: {len(history.stays)} stays, {len(moments)} moments\n")
        print("| vital | moments | baseline | beyond 2 | beyond 3 | trend | followed | ahead: held, error |")
        print("|---|---|---|---|---|---|---|---|")
        for line in _vitals(history, moments, found):
            print(line)
        print(_joint(found))
        for line in _scores(history, moments, found):
            print(line)
    return 0


def _moments(history: History) -> Moments:
    stay = history.readings.owners() // len(SERIES)
    asked = np.unique(np.stack([stay, history.readings.times_ms // QUARTER_MS]), axis=1)
    return Moments(stay=asked[0], at_ms=(asked[1] + 1) * QUARTER_MS - 1)


def _vitals(history: History, moments: Moments, found: Assessment) -> Iterator[str]:
    for column, name in enumerate(NAMES):
        now = found.present.fresh[:, column] & (found.present.observed_ms[:, column] > moments.at_ms - QUARTER_MS)
        if now.sum() < FEWEST:
            continue
        flat = np.arange(len(moments)) * len(NAMES) + column
        away = found.deviation[now, column]
        away = np.abs(away[np.isfinite(away)])
        beyond = [f"{np.mean(away > far):.3f}" if len(away) else "-" for far in (2, 3)]
        lined = found.trend.supported[flat][now]
        followed = np.mean(np.nan_to_num(found.trend.weight[flat][now]) > 0)
        ahead = "; ".join(_ahead(history, moments, found, now, column)) or "too few to tell"
        yield (
            f"| {name} | {now.sum()} | {np.mean(np.isfinite(found.deviation[now, column])):.2f} "
            f"| {beyond[0]} | {beyond[1]} | {lined.mean():.2f} | {followed:.2f} | {ahead} |"
        )


def _ahead(history: History, moments: Moments, found: Assessment, now: Bools, column: int) -> Iterator[str]:
    flat = np.arange(len(moments)) * len(NAMES) + column
    for hours in HOURS:
        rows = np.flatnonzero(now & found.trend.supported[flat])
        rows, later = _later(history, moments, rows, column, hours)
        if len(rows) < FEWEST:
            continue
        low, middle, high = (one[flat[rows]] for one in found.trend.ahead(hours))
        held = np.mean((low <= later) & (later <= high))
        error = np.mean(np.abs(later - middle)) / np.mean(np.abs(later - found.trend.level[flat[rows]]))
        yield f"{hours} h {held:.2f}, {error:.2f}"


def _later(history: History, moments: Moments, rows: Ints, column: int, hours: float) -> tuple[Ints, Floats]:
    """Give which moments had an occasion about so many hours later, and its value."""
    series = moments.stay[rows] * len(SERIES) + column
    edges = (moments.at_ms[rows] + round((hours + end) * HOUR_MS) for end in (-NEAR_H, NEAR_H))
    start, stop = history.occasions.between(series, *edges)
    some = stop > start
    return rows[some], history.occasions.number[start[some]] / PER_UNIT


def _joint(found: Assessment) -> str:
    joint = found.together.deviation[np.isfinite(found.together.deviation)]
    if not len(joint):
        return "\nJoint deviation: never."
    return (
        f"\nJoint deviation: at {len(joint) / len(found.moments):.2f} of the moments; "
        f"beyond 2 {np.mean(joint > 2):.3f}, beyond 3 {np.mean(joint > 3):.3f}."  # noqa: PLR2004
    )


def _scores(history: History, moments: Moments, found: Assessment) -> Iterator[str]:
    """Score what was there so many hours later, by the readings of the hour, and compare."""
    for hours in (6, 12):
        at = Moments(stay=moments.stay, at_ms=moments.at_ms + hours * HOUR_MS)
        then = assess(history, at)
        recent = then.present.fresh & (then.present.observed_ms > at.at_ms[:, None] - RECENT_H * HOUR_MS)
        recent |= then.present.fresh & (np.arange(len(SERIES)) >= len(NAMES))
        values = np.where(recent, then.present.value, np.nan)[:, AT]
        same = (np.isnan(values) == found.ahead.missing).all(axis=1) & found.ahead.supported
        same &= (~np.isnan(values)).sum(axis=1) >= FEWEST_PARTS
        if same.sum() < FEWEST:
            continue
        context = {"spo2_scale": history.stays.spo2_scale[moments.stay]}
        total = vectorised.score(charts.load("news2"), values, context).total_min
        ahead = found.ahead
        low, middle, high = (one[same, hours] for one in (ahead.score_low, ahead.score_middle, ahead.score_known))
        held, error = (low <= total[same]) & (total[same] <= high), np.abs(middle - total[same])
        yield (
            f"NEWS2 in {hours} h on the same parts, {same.sum()} moments: held {np.mean(held):.2f}, "
            f"mean error of the median {np.mean(error):.2f} points."
        )


if __name__ == "__main__":
    raise SystemExit(main())
