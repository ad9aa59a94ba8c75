"""Draw a stay's vitals with its baseline, deviations and projected score, from a database, as PNG.

    vwmon replay tihm_home/vitals.csv.gz --db tihm.db
    python scripts/plot_trends.py tihm.db PATIENT heart_rate,temperature out.png [--days 0:40] [--derived]

--derived leaves the readings themselves out, so that a picture of a recording shows derived quantities only.
"""

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from vwmon import histories
from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.kernels.ragged import Floats
from vwmon.scoring.trends import wording
from vwmon.scoring.trends.assess import Assessment, History, assess
from vwmon.scoring.trends.table import NAMES, SERIES, TRENDED, Moments
from vwmon.store import registers
from vwmon.store.database import open_reader

EVERY_MS = HOUR_MS  # at most one moment an hour, at what had been measured by then
FOREVER = 1 << 50
AHEAD_H = 6
INK, SHADE, LINE, MARK = "#1b1b1b", "#9fc5e8", "#1f5fa8", "#b3261e"


def main() -> int:
    """Draw what the command line asks for."""
    asked = _arguments()
    with closing(open_reader(asked.database)) as db:
        stay = registers.stays_of(db, asked.patient)[0]
        history = histories.read(db, [stay], 0, FOREVER, asked.zone)
    first, last = (float(one) for one in asked.days.split(":"))
    moments = _moments(history, stay.admitted_ms, first, last)
    found = assess(history, moments)
    days = (moments.at_ms - stay.admitted_ms) / DAY_MS
    _draw(asked, found, history, stay.admitted_ms, days)
    for name in ("joint.deviation", "news2.projected_6h"):
        print(wording.sentence(found, len(moments) - 1, name))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", type=Path)
    parser.add_argument("patient")
    parser.add_argument("vitals", help="names of trended vitals with commas between")
    parser.add_argument("out", type=Path)
    parser.add_argument("--days", default="0:1e9", help="from:to, days after admission")
    parser.add_argument("--zone", default="Europe/London")
    parser.add_argument("--derived", action="store_true")
    return parser.parse_args()


def _moments(history: History, admitted_ms: int, first: float, last: float) -> Moments:
    """Take the last reading of each hour that has any: what was known then."""
    times = np.unique(history.readings.times_ms)
    times = times[(times >= admitted_ms + first * DAY_MS) & (times <= admitted_ms + last * DAY_MS)]
    at_ms = times[np.append(np.diff(times // EVERY_MS) > 0, True)]
    return Moments(stay=np.zeros(len(at_ms), dtype=np.int64), at_ms=at_ms)


def _draw(asked: argparse.Namespace, found: Assessment, history: History, admitted_ms: int, days: Floats) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    vitals = asked.vitals.split(",")
    figure, panels = plt.subplots(
        len(vitals) + 2, 1, sharex=True, figsize=(9, 1.7 * len(vitals) + 3), layout="constrained"
    )
    for panel, vital in zip(panels, vitals, strict=False):
        if not asked.derived:
            _readings(panel, history, SERIES.index(vital), admitted_ms, (float(days[0]), float(days[-1])))
        _vital(panel, found, vital, days)
    panels[0].legend(loc="upper left", fontsize=6, ncols=4, frameon=False)
    _deviations(panels[-2], found, vitals, days)
    _score(panels[-1], found, days)
    panels[-1].set_xlabel("days after admission")
    figure.savefig(asked.out, dpi=80, pil_kwargs={"optimize": True})


def _readings(panel: Any, history: History, place: int, admitted_ms: int, span: tuple[float, float]) -> None:  # noqa: ANN401
    rows = slice(history.readings.offsets[place], history.readings.offsets[place + 1])
    at = (history.readings.times_ms[rows] - admitted_ms) / DAY_MS
    inside = (at >= span[0]) & (at <= span[1])
    panel.plot(at[inside], history.readings.values[rows][inside], ".", ms=2.5, color=INK, label="readings")


def _vital(panel: Any, found: Assessment, vital: str, days: Floats) -> None:  # noqa: ANN401
    """Draw the usual with two spreads, the level, and where the line was expected to lead."""
    column = NAMES.index(vital)
    flat = np.arange(len(days)) * len(NAMES) + column
    usual, spread = found.base.location[flat], found.base.spread[flat]
    at = _broken(days)
    band = np.clip(np.stack([usual - 2 * spread, usual + 2 * spread]), TRENDED[column].lowest, TRENDED[column].highest)
    panel.fill_between(at, *band, color=SHADE, alpha=0.5, lw=0, label="usual, 2 spreads")
    panel.plot(at, usual, color=LINE, lw=1, label="usual")
    low, high = (one[:, AHEAD_H, column] for one in (found.ahead.low, found.ahead.high))
    panel.vlines(days + AHEAD_H / 24, low, high, color=MARK, alpha=0.25, lw=0.7, label=f"expected in {AHEAD_H} h")
    courses = found.ahead.middle[:, : AHEAD_H + 1, column]
    for row in np.flatnonzero(np.nan_to_num(found.trend.weight[flat]) > 0):
        panel.plot(days[row] + np.arange(AHEAD_H + 1) / 24, courses[row], color=MARK, lw=0.8)
    panel.set_ylabel(f"{TRENDED[column].title}\n{TRENDED[column].unit}", fontsize=7)
    panel.tick_params(labelsize=7)


def _broken(days: Floats) -> Floats:
    """Break lines where nothing was measured for more than two days."""
    at = days.astype(np.float64).copy()
    at[1:][np.diff(days) > 2] = np.nan  # noqa: PLR2004
    return at


def _deviations(panel: Any, found: Assessment, vitals: list[str], days: Floats) -> None:  # noqa: ANN401
    for vital in vitals:
        panel.plot(days, found.deviation[:, NAMES.index(vital)], ".", ms=3, label=vital)
    panel.plot(days, found.together.deviation, color=INK, lw=0, marker="x", ms=3, label="together")
    panel.axhspan(-3, 3, color="0.94", lw=0)
    panel.set_ylabel("deviation", fontsize=7)
    panel.legend(loc="upper left", fontsize=6, ncols=6, frameon=False)
    panel.tick_params(labelsize=7)


def _score(panel: Any, found: Assessment, days: Floats) -> None:  # noqa: ANN401
    """Draw NEWS2 as it was expected to be some hours later, at that time."""
    ahead, at = found.ahead, days + AHEAD_H / 24
    fine = ahead.supported
    for low, high, shade, label in (
        (ahead.score_known, ahead.score_high, "#eeeeee", "what is missing"),
        (ahead.score_low, ahead.score_known, SHADE, "90 %"),
    ):
        panel.vlines(at[fine], low[fine, AHEAD_H], high[fine, AHEAD_H], color=shade, lw=1.5, label=label)
    panel.plot(
        at[fine], ahead.score_middle[fine, AHEAD_H], ".", color=LINE, ms=3, label=f"NEWS2 expected in {AHEAD_H} h"
    )
    panel.axhline(7, color=MARK, lw=0.6, ls=":")
    panel.set_ylim(-0.5, 20.5)
    panel.set_ylabel("NEWS2", fontsize=7)
    panel.legend(loc="upper left", fontsize=6, ncols=3, frameon=False)
    panel.tick_params(labelsize=7)


if __name__ == "__main__":
    raise SystemExit(main())
