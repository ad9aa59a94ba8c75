"""The single measurement that would settle what a score calls for, read plainly: each missing part tried in turn.

A part is tried at every band that it could be read in, the rest of the missing left as unknown as it is. The same over
columns is deciding_columns'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vwmon.scoring import reference
from vwmon.scoring.records import MILLION, Chart, Part
from vwmon.scoring.reference import Context, Score, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """One measurement: `settles` when each result of it leaves one response, else some result does.

    The total would then be from `low` to `high`, which call for `low_band` and `high_band`.
    """

    measure: str
    settles: bool
    low: int
    high: int
    low_band: str
    high_band: str

    def sentence(self, label: str) -> str:
        """Say it to a person, with the measure called by its label."""
        decides = "decides" if self.settles else "may decide"
        if self.low == self.high:
            return f"find out {label}: it {decides} between {self.low_band} and {self.high_band}"
        bands = f"({self.low_band} or {self.high_band})"
        return f"measure {label} now: it {decides} between {self.low} and {self.high} {bands}"


def decider(chart: Chart, values: Values, context: Context) -> Decider | None:
    """Give the measurement that would settle which response a score calls for; None where none could, or need not.

    Of several that may settle it, the one that could take most from the highest total; of those, the first on the
    chart. Where one is sure to settle it no other could: whatever that other shows, the sure one still decides.
    """
    now = reference.score(chart, values, context)
    if now.band:
        return None
    best, best_reach = None, -1
    for name, part in untaken(chart, now):
        ways = [reference.score(chart, {**values, part.name: value}, context) for value in trials(part)]
        settles, may = (test(bool(way.band) for way in ways) for test in (all, any))
        reach = max(way.total_max for way in ways) - min(way.total_max for way in ways)
        if may and reach > best_reach:
            best, best_reach = _decider(chart, name, settles, ways), reach
    return best


def untaken(chart: Chart, now: Score) -> Iterator[tuple[str, Part]]:
    """Yield what is missing of a score, or was not asked, by name, and the part to measure."""
    for name, parts in chart.measures.items():
        if name in now.missing:
            yield name, parts[0]
    for part in chart.triggers:
        if part.name in now.unasked:
            yield part.name, part


def trials(part: Part) -> tuple[float, ...]:
    """Give one value for each way in which a part can score: where each band of its tables begins, and one below."""
    readable = [band for band in part.bands if not band.undefined]
    begins = {band.lower for band in readable if band.lower is not None}
    lowest = {min(begins, default=0) - 1} if any(band.lower is None for band in readable) else set()
    return tuple(steps * part.step / MILLION for steps in sorted(begins | lowest))


def _decider(chart: Chart, name: str, settles: bool, ways: list[Score]) -> Decider:  # noqa: FBT001 -- a fact, not a switch
    order = chart.responses.index
    return Decider(
        measure=name,
        settles=settles,
        low=min(way.total_min for way in ways),
        high=max(way.total_max for way in ways),
        low_band=min((way.band_min for way in ways), key=order),
        high_band=max((way.band_max for way in ways), key=order),
    )


def values_like(chart: Chart, points: Mapping[str, tuple[int, int]], context: Context) -> dict[str, float]:
    """Give readings that score as those did whose points are given: what was kept of a score is enough to go on with.

    `points` are the bounds of the measures that were read; one that nothing scores like is left out.
    """
    found: dict[str, float] = {}
    for name in points:
        part = chart.measures[name][0]
        for value in trials(part):
            if reference.score(chart, {**found, part.name: value}, context).points[name] == points[name]:
                found[part.name] = value
                break
    return found
