"""Charts by name: the TOML files under charts/ become frozen records, checked before anything is scored.

Here: finding and reading a file. The records are vwmon.scoring.records', the checks chart_faults'; scoring with a
chart must not live here.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from vwmon.errors import ChartError, NotFoundError, RefusedError
from vwmon.scoring import chart_faults
from vwmon.scoring.records import MILLION, Ages, Aggregate, Band, Caution, Chart, Part, Ratio, Table, Term

# The parts of the ward's own score, NEWS2, in the order of its chart.
PARTS = ("respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature")


def names() -> list[str]:
    """Give the ids of the charts that the package carries."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def load(name: str) -> Chart:
    """Read one of the package's charts that are sums of points; raises as `either` does, NotFoundError for a ratio."""
    chart = either(name)
    if isinstance(chart, Ratio):
        raise NotFoundError(f"{name} is a ratio of readings and not a chart of points")
    return chart


@cache
def either(name: str) -> Chart | Ratio:
    """Read one of the package's charts, by id or alias.

    NotFoundError when there is none of that name, RefusedError when there is a reason, ChartError when it is wrong.
    """
    if name in names():
        return parse(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    for other in names():
        chart = either(other)
        if name in chart.aliases:
            return chart
    for refused in _refused():
        if name in {refused["id"], *refused["aliases"]}:
            raise RefusedError(f"{refused['title']}: {refused['why']} {refused['instead']}")
    raise NotFoundError(f"there is no chart {name!a}; the charts are {', '.join(names())}")


def parse(text: str) -> Chart | Ratio:
    """Read a chart from TOML; ChartError names everything that is wrong with it at once."""
    try:
        entry = tomllib.loads(text, parse_float=Decimal)
        chart = KINDS[entry.get("kind", "sum")](entry)
    except tomllib.TOMLDecodeError as error:
        raise ChartError(f"the chart is not TOML: {error}") from error
    except KeyError as error:
        raise ChartError(f"the chart says nothing of {error}") from error
    faults = list(chart_faults.of(chart))
    if faults:
        raise ChartError(f"{chart.id or 'a chart'}: {'; '.join(faults)}")
    return chart


def _folder() -> Any:  # noqa: ANN401 -- the type of a packaged folder differs between Python releases
    return files("vwmon.scoring").joinpath("charts")


@cache
def _refused() -> list[dict[str, Any]]:
    """Give the charts that are asked for by name and must not be made up."""
    text = files("vwmon.scoring").joinpath("refused.toml").read_text(encoding="utf-8")
    listed: list[dict[str, Any]] = tomllib.loads(text)["chart"]
    return listed


def _about(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "title": entry["title"],
        "version": entry["version"],
        "source": entry["source"],
        "aliases": tuple(entry.get("aliases", ())),
        "ages": Ages(**entry.get("ages", {})),
        "pregnancy": entry.get("pregnancy", True),
        "exclusions": tuple(Caution(**one) for one in entry.get("exclusions", ())),
        "cautions": tuple(Caution(**one) for one in entry.get("cautions", ())),
    }


def _chart(entry: Mapping[str, Any]) -> Chart:
    lowest, highest = entry["range"]
    contexts = entry.get("context", {})
    return Chart(
        **_about(entry),
        lowest=lowest,
        highest=highest,
        red_points=entry.get("red_points"),
        context={name: tuple(one["values"]) for name, one in contexts.items()},
        age_context={name: tuple(one["from_years"]) for name, one in contexts.items() if "from_years" in one},
        parts=tuple(_part(part) for part in entry["parts"]),
        aggregates=tuple(_aggregate(one) for one in entry["aggregate"]),
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
        tables=tuple(one for table in tables for one in _tables(table, step)),
        counts_as=entry.get("counts_as", entry["name"]),
        numbers_only=entry.get("numbers_only", False),
    )


def _tables(entry: Mapping[str, Any], step: int) -> Iterator[Table]:
    """Yield a table for each situation that an entry is for: a list in its `when` is one table for each word."""
    bands = tuple(_band(band, step) for band in entry["bands"])
    situations: list[tuple[tuple[str, Any], ...]] = [()]
    for name, words in sorted(entry.get("when", {}).items()):
        every = words if isinstance(words, list) else [words]
        situations = [(*so_far, (name, word)) for so_far in situations for word in every]
    for when in situations:
        yield Table(when=when, bands=bands, unread=entry.get("unread"))


def _band(entry: Mapping[str, Any], step: int) -> Band:
    return Band(
        lower=_end(entry, "lower", "above", step, 1),
        upper=_end(entry, "upper", "below", step, -1),
        points=entry.get("points", 0),
        name=entry.get("name", ""),
        raises=entry.get("raises", ""),
        note=entry.get("note", ""),
        undefined=entry.get("undefined", False),
    )


def _end(entry: Mapping[str, Any], inside: str, outside: str, step: int, inwards: int) -> int | None:
    """Give one end of a band in steps, inclusive: as it is written, or the step next to one that is outside."""
    if outside in entry:
        return _steps(entry[outside], step) + inwards
    return None if entry.get(inside) is None else _steps(entry[inside], step)


def _aggregate(entry: Mapping[str, Any]) -> Aggregate:
    return Aggregate(
        lower=entry["lower"],
        upper=entry["upper"],
        band=entry["band"],
        red_band=entry.get("red_band", entry["band"]),
        response=entry["response"],
    )


def _ratio(entry: Mapping[str, Any]) -> Ratio:
    step = _millionths(entry["step"])
    return Ratio(
        **_about(entry),
        unit=entry["unit"],
        step=step,
        over=tuple(_term(one) for one in entry["over"]),
        under=tuple(_term(one) for one in entry.get("under", ())),
        divide_by=entry.get("divide_by", 1),
        instead=_term(entry["instead"]) if "instead" in entry else None,
        bands=tuple(_band(band, step) for band in entry["bands"]),
    )


def _term(entry: Mapping[str, Any]) -> Term:
    return Term(
        name=entry["name"],
        unit=entry["unit"],
        times=entry.get("times", 1),
        lower=_millionths(entry["lower"]),
        upper=_millionths(entry["upper"]),
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


KINDS: Mapping[str, Callable[[Mapping[str, Any]], Chart | Ratio]] = {"sum": _chart, "ratio": _ratio}
