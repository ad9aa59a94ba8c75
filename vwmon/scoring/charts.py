"""Charts as data: the TOML files under charts/ become frozen records, checked before anything is scored.

Here: the records, the loader and its checks. Scoring with a chart must not live here.
Bands are held in whole steps of the chart's resolution: 36.1 at a step of 0.1 is 361.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import pairwise, product
from typing import Any

from vwmon.errors import ChartError, NotFoundError

MILLION = 1_000_000
PARTS = ("respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Points for lower..upper steps, both inclusive; None is open. `name` where the chart has a word for it."""

    lower: int | None
    upper: int | None
    points: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The bands of one part, and when they hold: pairs of a context's name and number, or a part's name and band."""

    when: tuple[tuple[str, int | str], ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One measured part; `step` in millionths of its unit. A part with `exact` codes reads nothing in between."""

    name: str
    unit: str
    step: int
    exact: bool
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """The response to a total of lower..upper: its band, and the band when some part is red."""

    lower: int
    upper: int
    band: str
    red_band: str
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """Someone the chart is not for, or not reliable for, and who says so."""

    rule: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chart:
    """One scoring chart; `context` is what it needs to know besides readings, with the numbers each may take."""

    id: str
    title: str
    version: str
    source: str
    lowest: int
    highest: int
    red_points: int
    context: Mapping[str, tuple[int, ...]]
    parts: tuple[Part, ...]
    aggregates: tuple[Aggregate, ...]
    exclusions: tuple[Caution, ...]
    cautions: tuple[Caution, ...]

    def response(self, total: int, *, red: bool) -> str:
        """Give the name of the response band of a whole total."""
        found = next(a for a in self.aggregates if a.lower <= total <= a.upper)
        return found.red_band if red else found.band


def names() -> list[str]:
    """Give the ids of the charts that the package carries."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


@cache
def load(name: str) -> Chart:
    """Read one of the package's charts; NotFoundError when there is none of that name, ChartError when it is wrong."""
    if name not in names():
        raise NotFoundError(f"there is no chart {name!r}; the charts are {', '.join(names())}")
    return parse(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Chart:
    """Read a chart from TOML; ChartError names everything that is wrong with it at once."""
    try:
        chart = _chart(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise ChartError(f"the chart is not TOML: {error}") from error
    except KeyError as error:
        raise ChartError(f"the chart says nothing of {error}") from error
    faults = list(_faults(chart))
    if faults:
        raise ChartError(f"{chart.id or 'a chart'}: {'; '.join(faults)}")
    return chart


def _folder() -> Any:  # noqa: ANN401 -- the type of a packaged folder differs between Python releases
    return files("vwmon.scoring").joinpath("charts")


def _chart(entry: Mapping[str, Any]) -> Chart:
    lowest, highest = entry["range"]
    return Chart(
        id=entry["id"],
        title=entry["title"],
        version=entry["version"],
        source=entry["source"],
        lowest=lowest,
        highest=highest,
        red_points=entry["red_points"],
        context={name: tuple(one["values"]) for name, one in entry.get("context", {}).items()},
        parts=tuple(_part(part) for part in entry["parts"]),
        aggregates=tuple(_aggregate(one) for one in entry["aggregate"]),
        exclusions=tuple(Caution(**one) for one in entry.get("exclusions", ())),
        cautions=tuple(Caution(**one) for one in entry.get("cautions", ())),
    )


def _part(entry: Mapping[str, Any]) -> Part:
    if "codes" in entry:
        codes = [{"lower": one["code"], "upper": one["code"], **one} for one in entry["codes"]]
        tables, step = [{"bands": codes}], MILLION
    else:
        tables, step = entry["tables"], _millionths(entry["step"])
    return Part(
        name=entry["name"],
        unit=entry["unit"],
        step=step,
        exact="codes" in entry,
        tables=tuple(_table(table, step) for table in tables),
    )


def _table(entry: Mapping[str, Any], step: int) -> Table:
    return Table(
        when=tuple(sorted(entry.get("when", {}).items())),
        bands=tuple(_band(band, step) for band in entry["bands"]),
    )


def _band(entry: Mapping[str, Any], step: int) -> Band:
    lower, upper = (None if entry.get(end) is None else _steps(entry[end], step) for end in ("lower", "upper"))
    return Band(lower=lower, upper=upper, points=entry["points"], name=entry.get("name", ""))


def _aggregate(entry: Mapping[str, Any]) -> Aggregate:
    return Aggregate(
        lower=entry["lower"],
        upper=entry["upper"],
        band=entry["band"],
        red_band=entry.get("red_band", entry["band"]),
        response=entry["response"],
    )


def _millionths(number: Decimal | int) -> int:
    scaled = number * MILLION
    if scaled != int(scaled):
        raise ChartError(f"{number} is finer than a millionth")
    return int(scaled)


def _steps(bound: Decimal | int, step: int) -> int:
    whole, rest = divmod(_millionths(bound), step)
    if rest:
        raise ChartError(f"the bound {bound} is between two steps of the chart")
    return whole


def _faults(chart: Chart) -> Iterator[str]:
    """Yield everything in a chart that contradicts itself."""
    for word in ("id", "title", "version", "source"):
        if not getattr(chart, word).strip():
            yield f"no {word}"
    counted = Counter(part.name for part in chart.parts)
    yield from (f"the part {name} is there twice" for name, times in counted.items() if times > 1)
    for part in chart.parts:
        for table in part.tables:
            yield from (f"{part.name}: {fault}" for fault in _band_faults(table.bands))
        if len({(table.bands[0].lower, table.bands[-1].upper) for table in part.tables if table.bands}) > 1:
            yield f"{part.name}: its tables do not begin and end alike"
        yield from _condition_faults(chart, part)
    yield from _total_faults(chart)


def _band_faults(bands: Sequence[Band]) -> Iterator[str]:
    """Yield the gaps and overlaps between bands: only the first may be open below, only the last above."""
    if not bands:
        yield "no bands"
    for band in bands:
        if band.lower is not None and band.upper is not None and band.lower > band.upper:
            yield f"a band ends at {band.upper} before it begins at {band.lower}"
    for one, other in pairwise(bands):
        if one.upper is None or other.lower is None or other.lower != one.upper + 1:
            yield f"a gap or an overlap between a band up to {one.upper} and one from {other.lower} (in steps)"


def _condition_faults(chart: Chart, part: Part) -> Iterator[str]:
    """Yield the situations that no table of a part, or more than one, is for."""
    choices = dict(chart.context) | {one.name: _names(one) for one in chart.parts if _names(one)}
    asked = sorted({name for table in part.tables for name, _ in table.when})
    unknown = [name for name in asked if name not in choices]
    if unknown:
        yield f"{part.name}: depends on {', '.join(unknown)}, which the chart does not have or has no names for"
        return
    for situation in product(*(choices[name] for name in asked)):
        fitting = sum(set(table.when) <= set(zip(asked, situation, strict=True)) for table in part.tables)
        if fitting != 1:
            yield f"{part.name}: {fitting} tables for {dict(zip(asked, situation, strict=True))}"


def _names(part: Part) -> tuple[str, ...]:
    """Give the names of a part's bands, which other parts may depend on: none unless one table has them all."""
    found = tuple(band.name for band in part.tables[0].bands)
    return found if len(part.tables) == 1 and all(found) and len(set(found)) == len(found) else ()


def _total_faults(chart: Chart) -> Iterator[str]:
    """Yield what the range and the responses leave out of the totals that the parts can reach."""
    points = [[band.points for table in part.tables for band in table.bands] for part in chart.parts]
    reach = (sum(min(one, default=0) for one in points), sum(max(one, default=0) for one in points))
    if reach != (chart.lowest, chart.highest):
        yield f"the parts reach {reach[0]} to {reach[1]}, the chart says {chart.lowest} to {chart.highest}"
    covered = [total for one in chart.aggregates for total in range(one.lower, one.upper + 1)]
    if covered != list(range(chart.lowest, chart.highest + 1)):
        yield "the responses do not cover every total once, in order"
