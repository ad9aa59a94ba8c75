"""What an evaluation found, drawn: PNG files by matplotlib, the extra `plot`.

No figure is reckoned here but the curves' own points.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vwmon.cli import render
from vwmon.errors import UsageError
from vwmon.evaluation.alert_load import alerts, at_load
from vwmon.evaluation.ranks import Ranking, auroc
from vwmon.evaluation.runs import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOADS = np.linspace(0.05, 2, 40)
BLOCK_HOURS = 12
LONGEST_HOURS = 168
FEWEST = 50  # moments with the event to come in a block of hours, for its area to be drawn
SIZE = (6.4, 4.4)
DPI = 150


def require() -> None:
    """Raise UsageError, naming the extra, when matplotlib is not there: before the work, not after it."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise UsageError("plots need the extra: pip install 'vwmon[plot]'") from error
    mpl.use("Agg")


def draw(result: Result, folder: Path) -> None:
    """Write the plots of a result into a folder, which is made if need be, and name them on standard error."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    plots = {"alert_load": _alert_load, "hours": _hours}
    if any(result.calibration):
        plots["calibration"] = _calibration
    for name, plot in plots.items():
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        plot(result, axes)
        axes.legend(frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        figure.savefig(folder / f"{name}.png", dpi=DPI)
        render.warn(f"wrote {folder / f'{name}.png'}")


def _alert_load(result: Result, axes: "Axes") -> None:
    """Draw the share of events found against the alerts that it takes."""
    moments = result.study.moments
    everyone = np.ones(len(moments.members))
    for one, scored in zip(result.scorers, result.scored, strict=True):
        found = alerts(moments, scored.rank, result.terms.lockout_ms)
        axes.plot(LOADS, [at_load(found, load, everyone).sensitivity for load in LOADS], label=one.id)
    for load in result.terms.loads:
        axes.axvline(load, color="0.8", zorder=0)
    axes.set(xlabel="alerts per patient-day", ylabel=f"{result.asked.event} found", xlim=(0, LOADS[-1]), ylim=(0, 1))


def _hours(result: Result, axes: "Axes") -> None:
    """Draw the same-hour area for each half day of the stay."""
    moments = result.study.moments
    block = moments.hour // BLOCK_HOURS
    blocks = [
        number for number in range(LONGEST_HOURS // BLOCK_HOURS) if moments.positive[block == number].sum() >= FEWEST
    ]
    for one, scored in zip(result.scorers, result.scored, strict=True):
        areas = []
        for number in blocks:
            rows = block == number
            ranking = Ranking.of(scored.rank[rows], moments.hour[rows])
            areas.append(auroc(ranking, moments.positive[rows], np.ones(int(rows.sum()))))
        axes.plot([(number + 0.5) * BLOCK_HOURS for number in blocks], areas, marker="o", label=one.id)
    axes.axhline(0.5, color="0.8", zorder=0)
    axes.set(xlabel="hours of stay", ylabel="AUROC within the same hour", ylim=(0.4, 1))


def _calibration(result: Result, axes: "Axes") -> None:
    """Draw what came against what was predicted."""
    most = 0.0
    for one, found in zip(result.scorers, result.calibration, strict=True):
        if found:
            predicted, observed = [bin_.predicted for bin_ in found.bins], [bin_.observed for bin_ in found.bins]
            axes.plot(predicted, observed, marker="o", label=one.id)
            most = max(most, *predicted, *observed)
    axes.plot([0, most], [0, most], color="0.8", zorder=0)
    axes.set(xlabel="predicted", ylabel="observed")
