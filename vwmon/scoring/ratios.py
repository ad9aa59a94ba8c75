"""Ratios of readings (shock index, mean arterial pressure, ROX) read plainly, for one patient.

All in whole numbers: a ratio of millionths is taken to its step, half away from zero, by integer division. The same
over columns is ratio_columns'.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vwmon.scoring.chart_faults import scale
from vwmon.scoring.records import MILLION, Ratio, Term
from vwmon.scoring.reference import quantise


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioScore:
    """A ratio's value, None while a reading of it is `missing`, and the name of its band, '' without a value."""

    value: float | None
    missing: tuple[str, ...]
    band: str


def score(ratio: Ratio, values: Mapping[str, float | None]) -> RatioScore:
    """Give the value of a ratio; a reading that is absent, not finite or out of its range is missing.

    There are no bounds where a reading is missing: a ratio of what is not known may be anything.
    """
    read = {term.name: _millionths(term, values.get(term.name)) for term in ratio.terms}
    steps = _steps(ratio, read)
    if steps is None:
        missing = tuple(term.name for term in (*ratio.over, *ratio.under) if read[term.name] is None)
        return RatioScore(value=None, missing=missing, band="")
    band = next(
        b for b in ratio.bands if (b.lower is None or b.lower <= steps) and (b.upper is None or steps <= b.upper)
    )
    return RatioScore(value=steps * ratio.step / MILLION, missing=(), band=band.name)


def _steps(ratio: Ratio, read: Mapping[str, int | None]) -> int | None:
    """Give the value in whole steps; None while it cannot be told."""
    known = {name: number for name, number in read.items() if number is not None}
    if ratio.instead is not None and ratio.instead.name in known:
        return _halved(known[ratio.instead.name], ratio.step)
    if any(term.name not in known for term in (*ratio.over, *ratio.under)):
        return None
    over, under = scale(ratio)
    return _halved(
        over * sum(term.times * known[term.name] for term in ratio.over),
        under * math.prod(known[term.name] for term in ratio.under),
    )


def _halved(over: int, under: int) -> int:
    """Divide whole numbers above nothing, a half upwards."""
    return (2 * over + under) // (2 * under)


def _millionths(term: Term, value: float | None) -> int | None:
    if value is None or not math.isfinite(value):
        return None
    found = quantise(value, 1)
    return found if term.lower <= found <= term.upper else None
