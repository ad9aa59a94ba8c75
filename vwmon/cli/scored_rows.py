"""What a score adds to the rows of a table: the columns of `vwmon score`, by chart.

Here: laying out what the scoring found. The reading of cells is set_cells', the points are the chart's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vwmon.cli import next_measure
from vwmon.cli.observation_sets import Batch
from vwmon.scoring.records import Chart, Ratio

if TYPE_CHECKING:
    from vwmon.scoring.deciding_columns import DeciderColumns
    from vwmon.scoring.vectorised import ScoreColumns

TOTALS = ("total_min", "total_max", "complete", "total", "band", "red", "missing")
VALUE = ("value", "complete", "band", "missing")
MORE = ("band_min", "band_max", "measure_next")
TRIGGERED = ("notes", "unasked")

Row = dict[str, Any]


def added(chart: Chart | Ratio) -> tuple[str, ...]:
    """Name what a chart adds to a row, in order."""
    if isinstance(chart, Ratio):
        return (*VALUE, "error")
    triggered = TRIGGERED if chart.triggers else ()
    return (*TOTALS, *(f"sub_{name}" for name in chart.subscores), "error", *MORE, *triggered)


def scored(chart: Chart | Ratio, batch: Batch) -> list[Row]:
    """Give the rows of a batch with their scores; a row with a fault has none."""
    usable = [{} if fault else found for found, fault in zip(batch.read, batch.faults, strict=True)]
    rows = _ratios(chart, usable) if isinstance(chart, Ratio) else _sums(chart, usable)
    nothing = dict.fromkeys(added(chart))
    return [
        {**cells, **nothing, **({} if fault else score), "error": fault or None}
        for cells, score, fault in zip(batch.cells, rows, batch.faults, strict=True)
    ]


def _ratios(ratio: Ratio, rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    import numpy as np

    from vwmon.scoring import ratio_columns

    names = [term.name for term in ratio.terms]
    needed = names[1:] if ratio.instead else names
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=float).reshape(-1, len(names))
    found = ratio_columns.score(ratio, values)
    for row, value, band in zip(rows, found.value.tolist(), found.band.tolist(), strict=True):
        there = band != ratio_columns.NO_VALUE
        yield {
            "value": value if there else None,
            "complete": there,
            "band": ratio.bands[band].name if there else None,
            "missing": [] if there else [name for name in needed if name not in row],
        }


def _sums(chart: Chart, rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    import numpy as np

    from vwmon.scoring import deciding_columns, vectorised

    names = [part.name for part in chart.parts]
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=float).reshape(-1, len(names))
    context = {name: np.array([row.get(name, allowed[0]) for row in rows]) for name, allowed in chart.context.items()}
    found = vectorised.score(chart, values, context)
    decides = _deciders(chart, deciding_columns.deciders(chart, values, context, found))
    triggers = _triggers(chart, found) if chart.triggers else ({} for _ in rows)
    for score, decider, triggered in zip(_totals(chart, found), decides, triggers, strict=True):
        yield {**score, "measure_next": decider, **triggered}


def _totals(chart: Chart, found: "ScoreColumns") -> Iterator[Row]:
    """Yield the totals, bands and subscores by row; points that are not certain are not given."""
    measures, bands = list(chart.measures), (*chart.responses, None)
    subscores = [(f"sub_{name}", measures.index(name)) for name in chart.subscores]
    columns = (
        found.points_min,
        found.points_max,
        found.present,
        found.total_min,
        found.total_max,
        found.complete,
        found.band,
        found.red,
        found.band_min,
        found.band_max,
    )
    for low, high, present, total_min, total_max, complete, band, red, band_min, band_max in zip(
        *(c.tolist() for c in columns), strict=True
    ):
        yield {
            "total_min": total_min,
            "total_max": total_max,
            "complete": complete,
            "total": total_min if complete else None,
            "band": bands[band],
            "red": red,
            "missing": [name for name, there in zip(measures, present, strict=True) if not there],
            **{key: low[at] if low[at] == high[at] else None for key, at in subscores},
            "band_min": bands[band_min],
            "band_max": bands[band_max],
        }


def _deciders(chart: Chart, found: "DeciderColumns") -> Iterator[Row | None]:
    """Yield the measurement that would settle each row; None where there is none."""
    from vwmon.scoring import deciding_columns
    from vwmon.scoring.deciding import Decider

    names, bands = deciding_columns.candidates(chart), chart.responses
    columns = (found.measure, found.settles, found.low, found.high, found.low_band, found.high_band)
    for measure, settles, low, high, low_band, high_band in zip(*(c.tolist() for c in columns), strict=True):
        if measure == deciding_columns.NOTHING:
            yield None
            continue
        decider = Decider(
            measure=names[measure],
            settles=settles,
            low=low,
            high=high,
            low_band=bands[low_band],
            high_band=bands[high_band],
        )
        yield next_measure.record(decider)


def _triggers(chart: Chart, found: "ScoreColumns") -> Iterator[Row]:
    """Yield what is to be noted of each row whatever its total, and what was not asked."""
    for read in found.trigger.tolist():
        pairs = list(zip(chart.triggers, read, strict=True))
        noted = [part.bands[band].note for part, band in pairs if band >= 0]
        yield {
            "notes": [note for note in noted if note],
            "unasked": [part.name for part, band in pairs if band < 0 and chart.raising(part)],
        }
