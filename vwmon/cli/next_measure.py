"""The single measurement that would settle a score, as people and programs are shown it.

Here: its words, and finding it for a stored score. Which one it is is vwmon.scoring.deciding's. No arrays: those who
look at one patient wait for this.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from devices.vitals import VITALS
from vwmon.scoring import charts, deciding
from vwmon.scoring.charts import PARTS
from vwmon.scoring.deciding import Decider
from vwmon.store.scores import ScoreRow, unpack

CHART = "news2"


def label(name: str) -> str:
    """Give what a measure is called in a sentence."""
    return VITALS[name].title.lower() if name in VITALS else name.replace("_", " ")


def record(decider: Decider | None) -> dict[str, Any] | None:
    """Give it as JSON carries it, with the sentence."""
    return None if decider is None else {**asdict(decider), "sentence": decider.sentence(label(decider.measure))}


def sentence(shown: Mapping[str, Any] | None) -> str:
    """Give the sentence of such a record, or nothing."""
    return "" if shown is None else str(shown["sentence"])


def of_stored(row: ScoreRow, spo2_scale: int, not_asked: Collection[str] = ()) -> dict[str, Any] | None:
    """Give it for a stored score of a stay on that SpO2 scale; None where there is none.

    Points are stored and readings are not: readings that score alike lead to the same answer. What is not asked of the
    patient may still be measured once, and the sentence says that nobody waits for it.
    """
    chart, context = charts.load(CHART), {"spo2_scale": spo2_scale}
    lows, highs, present = (unpack(packed, len(PARTS)) for packed in (row.points_min, row.points_max, row.present))
    points = {name: (low, high) for name, low, high, there in zip(PARTS, lows, highs, present, strict=True) if there}
    values = deciding.values_like(chart, points, context)
    found = record(deciding.decider(chart, values, context)) if values.keys() == points.keys() else None
    if found is not None and found["measure"] in not_asked:
        found["sentence"] += "; it is not asked of this patient"
    return found
