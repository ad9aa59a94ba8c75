"""Learned scores as data: the TOML files under models/ become frozen records, checked before anything is scored.

Here: the records, the loader, its checks, and the writer. Reckoning with a model must not live here, nor fitting one.
A model is for research: none is used by the daemon, and no file can say that it may be.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import isfinite
from typing import Any

from vwmon import durations
from vwmon.errors import ChartError, NotFoundError

RESEARCH = "research"
DERIVED = ("pace", "deviation")  # what views reckon from several statistics; the others are the kernels'
STATISTICS = ("last", "age", "mean", "std", "min", "max", "slope", "ewma", *DERIVED)
WORDS = ("id", "title", "version", "caution")
WEIGHTS = ("slope", "points", "shift", "missing", "low", "high")

Fact = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class View:
    """What is looked at: a statistic of a vital over the window before; with `per`, over that of another vital."""

    vital: str
    statistic: str
    window_ms: int
    per: str = ""

    def __str__(self) -> str:
        """Say it in words."""
        of = f"{self.vital} per {self.per}" if self.per else self.vital
        return f"{self.statistic} of {of} over {durations.text(self.window_ms)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a view's values are read: held within `reach`, in steps of `scale` from `center`, bending at `knots`."""

    view: View
    reach: tuple[float, float]
    center: float
    scale: float
    knots: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What one view adds to the log-odds: a line with bends, and steps where a chart gives points.

    Added is `slope` for each scale above the center, `bends` for each scale above each of the knots, `points` for each
    point that the model's chart gives the value, and `shift`. Where the view is missing, `missing` is added instead,
    and what it could have added is from `low` to `high`.
    """

    shape: Shape
    slope: float
    bends: tuple[float, ...]
    points: float
    shift: float
    missing: float
    low: float
    high: float

    @property
    def view(self) -> View:
        """What it looks at."""
        return self.shape.view


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A logistic model of views; `chart` gives its points.

    `needs` are the vitals without which it is incomplete; with fewer than `least` of them it says nothing. A vital is
    there for as long as `valid_ms` says. `fitted` is what it was made from, `evaluated` how it did.
    """

    id: str
    title: str
    version: str
    caution: str
    chart: str
    intercept: float
    needs: tuple[str, ...]
    least: int
    valid_ms: Mapping[str, int]
    terms: tuple[Term, ...]
    fitted: Mapping[str, Fact]
    evaluated: Mapping[str, Fact]

    @property
    def levels(self) -> tuple[View, ...]:
        """Give the latest values of the vitals it needs, each for as long as it is valid."""
        return tuple(View(vital=name, statistic="last", window_ms=self.valid_ms[name]) for name in self.needs)


def names() -> list[str]:
    """Give the ids of the models that the package carries."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


@cache
def load(name: str) -> Model:
    """Read one of the package's models; NotFoundError when there is none of that name, ChartError when it is wrong."""
    if name not in names():
        raise NotFoundError(f"there is no model {name!r}; the models are {', '.join(names())}")
    return parse(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Model:
    """Read a model from TOML; ChartError names everything that is wrong with it at once."""
    try:
        entry = tomllib.loads(text)
        model = _model(entry)
    except tomllib.TOMLDecodeError as error:
        raise ChartError(f"the model is not TOML: {error}") from error
    except KeyError as error:
        raise ChartError(f"the model says nothing of {error}") from error
    except (TypeError, ValueError) as error:
        raise ChartError(f"the model cannot be read: {error}") from error
    faults = [*_use_faults(entry), *_faults(model)]
    if faults:
        raise ChartError(f"{model.id or 'a model'}: {'; '.join(faults)}")
    return model


def dump(model: Model) -> str:
    """Write a model as TOML that `parse` reads back to the same numbers."""
    head = {word: getattr(model, word) for word in WORDS} | {"use": RESEARCH, "chart": model.chart}
    head |= {"intercept": model.intercept, "needs": list(model.needs), "least": model.least}
    spans = {name: durations.text(span) for name, span in model.valid_ms.items()}
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("", head),
        ("[valid_for]", spans),
        ("[fitted]", model.fitted),
        ("[evaluated]", model.evaluated),
    ]
    tables += [("[[terms]]", _term_entry(term)) for term in model.terms]
    return "\n".join(line for title, entries in tables for line in _lines(title, entries))


def _folder() -> Any:  # noqa: ANN401 -- the type of a packaged folder differs between Python releases
    return files("vwmon.scoring").joinpath("models")


def _model(entry: Mapping[str, Any]) -> Model:
    return Model(
        **{word: str(entry[word]) for word in WORDS},
        chart=entry["chart"],
        intercept=float(entry["intercept"]),
        needs=tuple(entry["needs"]),
        least=int(entry["least"]),
        valid_ms={name: durations.parse(span) for name, span in entry["valid_for"].items()},
        terms=tuple(_term(one) for one in entry["terms"]),
        fitted=entry["fitted"],
        evaluated=entry.get("evaluated", {}),
    )


def _term(entry: Mapping[str, Any]) -> Term:
    low, high = entry["reach"]
    view = View(
        vital=entry["vital"],
        statistic=entry["statistic"],
        window_ms=durations.parse(entry["window"]),
        per=entry.get("per", ""),
    )
    shape = Shape(
        view=view,
        reach=(float(low), float(high)),
        center=float(entry["center"]),
        scale=float(entry["scale"]),
        knots=tuple(map(float, entry["knots"])),
    )
    return Term(shape=shape, bends=tuple(map(float, entry["bends"])), **{name: float(entry[name]) for name in WEIGHTS})


def _term_entry(term: Term) -> dict[str, Any]:
    view, shape = term.view, term.shape
    entry: dict[str, Any] = {"vital": view.vital} | ({"per": view.per} if view.per else {})
    entry |= {"statistic": view.statistic, "window": durations.text(view.window_ms)}
    entry |= {"reach": shape.reach, "center": shape.center, "scale": shape.scale, "knots": shape.knots}
    return entry | {"bends": term.bends} | {name: getattr(term, name) for name in WEIGHTS}


def _lines(title: str, entries: Mapping[str, Any]) -> Iterator[str]:
    if title:
        yield title
    yield from (f"{key} = {_toml(value)}" for key, value in entries.items())
    yield ""


def _toml(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # but for that one, TOML's own escapes
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _use_faults(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a file may not say: that a learned score is for more than research."""
    if entry.get("use") != RESEARCH:
        yield f"its use is {entry.get('use')!r}, and only {RESEARCH!r} is allowed"


def _faults(model: Model) -> Iterator[str]:
    """Yield everything in a model that contradicts itself."""
    for word in WORDS:
        if not getattr(model, word).strip():
            yield f"no {word}"
    if not model.terms:
        yield "no terms"
    if not 1 <= model.least <= len(model.needs):
        yield f"least is {model.least} of {len(model.needs)} needs"
    yield from (f"{name} has no valid_for" for name in model.needs if name not in model.valid_ms)
    views = [term.view for term in model.terms]
    yield from (f"the {view} is there twice" for view in sorted(set(views)) if views.count(view) > 1)
    for term in model.terms:
        yield from (f"{term.view}: {fault}" for fault in _term_faults(term))


def _term_faults(term: Term) -> Iterator[str]:
    shape = term.shape
    if term.view.statistic not in STATISTICS:
        yield f"no such statistic; there are {', '.join(STATISTICS)}"
    if term.view.window_ms <= 0:
        yield "its window is empty"
    if not shape.scale > 0:
        yield "its scale is not above 0"
    if not shape.reach[0] <= shape.reach[1]:
        yield "its reach ends before it begins"
    if len(shape.knots) != len(term.bends) or any(one >= other for one, other in pairwise(shape.knots)):
        yield "its knots do not ascend, or are not as many as its bends"
    if term.low > term.high:
        yield "its low is above its high"
    numbers = (*shape.reach, shape.center, shape.scale, *shape.knots, *term.bends)
    if not all(map(isfinite, (*numbers, *(getattr(term, name) for name in WEIGHTS)))):
        yield "a number is not finite"
