"""A patient's baseline and trends as rows and lines: what `vwmon patients show --trends` adds.

Here: reading one stay's history and showing what is said of it. What is said is vwmon.scoring.trends'.
"""

from typing import TYPE_CHECKING, Any

from vwmon.cli import render
from vwmon.cli.render import Column, Format
from vwmon.durations import HOUR_MS
from vwmon.patients.records import Stay
from vwmon.store.sqlite import Connection

if TYPE_CHECKING:
    from vwmon.scoring.trends.assess import Assessment

CAUTION = "Trends are under test: no score uses them, and an alert only where a plan asks."
SENTENCES = ("joint.deviation", "news2.reaches_7_could_h", "news2.projected_12h")


def trends_of(db: Connection, stay: Stay, at_ms: int, zone: str) -> dict[str, Any]:
    """Give everything that is said of a stay at a moment, by vital and of the whole, with its sentences."""
    import numpy as np

    from vwmon import histories
    from vwmon.scoring.trends import quantities
    from vwmon.scoring.trends.assess import assess
    from vwmon.scoring.trends.table import Moments

    history = histories.read(db, [stay], at_ms, at_ms, zone)
    found = assess(history, Moments(stay=np.zeros(1, dtype=np.int64), at_ms=np.array([at_ms], dtype=np.int64)))
    numbers = {name: float(column[0]) for name, column in quantities.values(found, list(quantities.table())).items()}
    return {
        "at": render.utc(at_ms),
        "time_zone": zone,
        "caution": CAUTION,
        "vitals": [row for row in _vitals(found, numbers) if row["last"] is not None],
        "whole": {name: _known(numbers[name]) for name in quantities.OF_STAY},
        "sentences": _sentences(found),
    }


def show(trends: dict[str, Any], now_ms: int) -> None:
    """Print trends for people, 80 columns wide; those of an earlier moment than the page's say so."""
    columns = [
        Column(key="vital", title="VITAL", format=lambda name: name.replace("_", " ").removesuffix(" bp")),
        Column(key="last", title="LAST", justify="right", compose=lambda row: _number(row, "last")),
        Column(key="age_h", title="AGE", justify="right", format=lambda hours: render.ago(hours * HOUR_MS)),
        Column(key="usual", title="USUAL", compose=_usual),
        Column(key="deviation", title="AWAY", justify="right", compose=lambda row: _signed(row["deviation"])),
        Column(key="trend", title="TREND"),
        Column(key="in_12h", title="IN 12 H", compose=_ahead),
    ]
    render.say()
    if trends["at"] != render.utc(now_ms):
        render.say(f"As of {trends['at']}, the end of the stay:")
    if trends["vitals"]:
        render.emit(trends["vitals"], columns, Format.TABLE)
        render.say()
    of_stated = [row["sentences"][-1] for row in trends["vitals"] if row["stated"] is not None]
    for line in [*of_stated, *trends["sentences"]]:
        for part in render.folded(line[0].upper() + line[1:] + "."):
            render.say(part)
    render.say(trends["caution"])


def _vitals(found: "Assessment", numbers: dict[str, float]) -> list[dict[str, Any]]:
    from vwmon.scoring.trends import wording
    from vwmon.scoring.trends.baseline import LEAST_DAYS
    from vwmon.scoring.trends.quantities import OF_VITAL
    from vwmon.scoring.trends.table import TRENDED

    rows = []
    for column, vital in enumerate(TRENDED):
        place = found.place(0, vital.name)
        there = bool(found.present.there[0, column])
        rows.append(
            {
                "vital": vital.name,
                "unit": vital.unit,
                "digits": wording.digits(vital),
                "last": float(found.present.value[0, column]) if there else None,
                "fresh": bool(found.present.fresh[0, column]),
                "baseline_readings": int(found.base.readings[place]),
                "baseline_days": int(found.base.days[place]),
                "baseline_days_needed": LEAST_DAYS,
                "trend": wording.shortly(found, 0, vital),
                "trend_window_h": int(found.trend.window_h[place]) or None,
                "trend_points": int(found.trend.points[place]),
                **{kind: _known(numbers[f"{vital.name}.{kind}"]) for kind in OF_VITAL},
                "sentences": [
                    wording.sentence(found, 0, f"{vital.name}.{kind}")
                    for kind in ("deviation", "slope_per_h", "stated")
                    if kind != "stated" or _known(numbers[f"{vital.name}.stated"]) is not None
                ],
            }
        )
    return rows


def _sentences(found: "Assessment") -> list[str]:
    from vwmon.scoring.trends import wording

    return list(dict.fromkeys(wording.sentence(found, 0, name) for name in SENTENCES))


def _known(value: float) -> float | None:
    """Give a number as JSON has it, without the noise of its last digits; what is not there is null."""
    return round(value, 6) if value == value else None  # noqa: PLR0124 -- NaN alone differs from itself


def _usual(row: render.Row) -> str:
    if row["usual"] is None:
        return f"{row['baseline_days']} of {row['baseline_days_needed']} days" if row["fresh"] else ""
    return f"{_number(row, 'usual')} ±{row['spread']:.2g}, {row['baseline_days']} d"


def _ahead(row: render.Row) -> str:
    low, high = "projected_12h_min", "projected_12h_max"
    return "" if row[low] is None else f"{_number(row, low)} to {_number(row, high)}"


def _number(row: render.Row, key: str) -> str:
    return "" if row[key] is None else f"{row[key]:.{row['digits']}f}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}"
