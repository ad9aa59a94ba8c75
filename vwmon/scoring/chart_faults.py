"""What can be wrong with a chart: gaps, overlaps, situations without a table, totals without a response.

Pure checks on records, each fault a sentence; all of them are yielded, so that a chart is mended once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import gcd

from vwmon.scoring.records import MILLION, About, Band, Chart, Part, Ratio

LARGEST = 2**62  # twice a ratio's numerator has to fit a signed 64-bit number


def of(chart: Chart | Ratio) -> Iterator[str]:
    """Yield everything in a chart that contradicts itself."""
    yield from _about_faults(chart)
    yield from _ratio_faults(chart) if isinstance(chart, Ratio) else _chart_faults(chart)


def scale(ratio: Ratio) -> tuple[int, int]:
    """Give the whole numbers by which the sum over, and the product under, come to whole steps of the value."""
    over, under = MILLION ** len(ratio.under), ratio.step * ratio.divide_by
    common = gcd(over, under)
    return over // common, under // common


def _about_faults(chart: About) -> Iterator[str]:
    for word in ("id", "title", "version", "source"):
        if not getattr(chart, word).strip():
            yield f"no {word}"
    low, high = chart.ages.from_years, chart.ages.below_years
    if low is not None and high is not None and low >= high:
        yield f"nobody is from {low} and below {high} years old"


def _chart_faults(chart: Chart) -> Iterator[str]:
    counted = Counter(part.name for part in chart.parts)
    yield from (f"the part {name} is there twice" for name, times in counted.items() if times > 1)
    for part in chart.parts:
        for table in part.tables:
            yield from (f"{part.name}: {fault}" for fault in _band_faults(table.bands, exact=part.exact))
        if len({(table.bands[0].lower, table.bands[-1].upper) for table in part.tables if table.bands}) > 1:
            yield f"{part.name}: its tables do not begin and end alike"
        if part.counts_as not in counted:
            yield f"{part.name}: counts as {part.counts_as}, which is no part"
        yield from _condition_faults(chart, part)
    yield from _age_faults(chart)
    yield from _total_faults(chart)
    yield from _response_faults(chart)


def _band_faults(bands: Sequence[Band], *, exact: bool = False) -> Iterator[str]:
    """Yield the gaps and overlaps between bands: only the first may be open below, only the last above.

    Between `exact` codes there may be numbers that stand for nothing.
    """
    if not bands:
        yield "no bands"
    for band in bands:
        if band.lower is not None and band.upper is not None and band.lower > band.upper:
            yield f"a band ends at {band.upper} before it begins at {band.lower}"
    for one, other in pairwise(bands):
        joins = one.upper is not None and other.lower is not None and other.lower == one.upper + 1
        apart = exact and one.upper is not None and other.lower is not None and other.lower > one.upper
        if not (joins or apart):
            yield f"a gap or an overlap between a band up to {one.upper} and one from {other.lower} (in steps)"


def _condition_faults(chart: Chart, part: Part) -> Iterator[str]:
    """Yield the situations that no table of a part, or more than one, is for."""
    choices = dict(chart.context) | {one.name: band_names(one) for one in chart.parts if band_names(one)}
    asked = sorted({name for table in part.tables for name, _ in table.when})
    unknown = [name for name in asked if name not in choices]
    if unknown:
        yield f"{part.name}: depends on {', '.join(unknown)}, which the chart does not have or has no names for"
        return
    for situation in product(*(choices[name] for name in asked)):
        fitting = sum(set(table.when) <= set(zip(asked, situation, strict=True)) for table in part.tables)
        if fitting != 1:
            yield f"{part.name}: {fitting} tables for {dict(zip(asked, situation, strict=True))}"


def band_names(part: Part) -> tuple[str, ...]:
    """Give the names of a part's bands, which other parts may depend on: none unless one table has them all."""
    found = tuple(band.name for band in part.tables[0].bands)
    return found if len(part.tables) == 1 and all(found) and len(set(found)) == len(found) else ()


def _age_faults(chart: Chart) -> Iterator[str]:
    """Yield what is wrong with the ages from which the words of a context hold."""
    for name, years in chart.age_context.items():
        if len(years) != len(chart.context[name]) or list(years) != sorted(set(years)):
            yield f"{name}: the ages {years} are not one for each of its words, rising"
        if years and years[0] != (chart.ages.from_years or 0):
            yield f"{name}: nothing is said of those below {years[0]} years"


def _total_faults(chart: Chart) -> Iterator[str]:
    """Yield what the range and the responses leave out of the totals that the parts can reach."""
    points = [
        [band.points for part in parts for band in part.bands if not band.undefined]
        for parts in chart.measures.values()
    ]
    reach = (sum(min(one, default=0) for one in points), sum(max(one, default=0) for one in points))
    if reach != (chart.lowest, chart.highest):
        yield f"the parts reach {reach[0]} to {reach[1]}, the chart says {chart.lowest} to {chart.highest}"
    covered = [total for one in chart.aggregates for total in range(one.lower, one.upper + 1)]
    if covered != list(range(chart.lowest, chart.highest + 1)):
        yield "the responses do not cover every total once, in order"


def _response_faults(chart: Chart) -> Iterator[str]:
    """Yield the responses that bands call for and the chart does not have, and calls by bands that have points."""
    for part in chart.parts:
        wanted = {band.raises for band in part.bands if band.raises}
        yield from (f"{part.name}: raises to {name!r}, which is no response" for name in wanted - {*chart.responses})
        if wanted and part not in chart.triggers:
            yield f"{part.name}: has points, or decides another part, and raises the response as well"


def _ratio_faults(ratio: Ratio) -> Iterator[str]:
    yield from _band_faults(ratio.bands)
    counted = Counter(term.name for term in ratio.terms)
    yield from (f"the reading {name} is there twice" for name, times in counted.items() if times > 1)
    for term in ratio.terms:
        if not 0 < term.lower <= term.upper:
            yield f"{term.name}: its range is not above nothing"
    over, under = scale(ratio)
    most = sum(term.times * term.upper for term in ratio.over) * over
    for term in ratio.under:
        under *= term.upper
    if most + under > LARGEST:
        yield "its numbers are too large to be told apart"
