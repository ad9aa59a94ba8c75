"""The charts that a ward scores its stays with, laid over the same seven columns: NEWS2, and PEWS for children.

Here: which part stands in which column, and the bands of age. The points are the charts', arrays vwmon.scoring.mixed's.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.scoring.charts import PARTS

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    NEWS2: PARTS,
    # What both charts score stands where it does on NEWS2. AVPU and temperature have no points on PEWS.
    PEWS: (*PARTS[:5], "respiratory_distress", "capillary_refill"),
}
EVERY_PART: Final = tuple(dict.fromkeys(part for parts in COLUMNS.values() for part in parts))
AGE_BANDS: Final = ("0-11m", "1-4y", "5-12y", "13-18y")  # of PEWS, youngest first
ADULT: Final = (
    0  # the number of no band of age: scored with NEWS2; a child's band has its place in AGE_BANDS, from 1 on
)


def band(starts_ms: Sequence[int], at_ms: int) -> int:
    """Give the number of the band of age at a time, from the times at which each band begins; of an adult none does."""
    return sum(start <= at_ms for start in starts_ms) if starts_ms else ADULT
