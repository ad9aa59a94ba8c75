"""The records that a chart's file becomes: sums of points (Chart), ratios of readings (Ratio), and what is in them.

Here: what a chart says of itself. Reading the files is vwmon.scoring.charts', checking them chart_faults'; scoring
with a chart must not live here. Bands are held in whole steps of the chart's resolution: 36.1 at a step of 0.1 is 361.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

Word = int | str
MILLION = 1_000_000  # a step is so many millionths of the unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Points for lower..upper steps, both inclusive; None is open. `name` where the chart has a word for it.

    `raises` is the response that the band calls for whatever the total, `note` what a person has to be told of it.
    In an `undefined` band the chart says nothing: what lies there cannot be read.
    """

    lower: int | None
    upper: int | None
    points: int
    name: str = ""
    raises: str = ""
    note: str = ""
    undefined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The bands of one part, and when they hold: pairs of a context's name and word, or a part's name and band.

    `unread`: the points where the situation itself says them and there is nothing to read, as on air; else None.
    """

    when: tuple[tuple[str, Word], ...]
    bands: tuple[Band, ...]
    unread: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One measured part; `step` in millionths of its unit. A part with `exact` codes reads nothing in between.

    Parts that `counts_as` the same are several ways to one subscore: of those that were read the worst counts.
    `numbers_only`: words that others take for a number are not taken here.
    """

    name: str
    unit: str
    step: int
    exact: bool
    tables: tuple[Table, ...]
    counts_as: str
    numbers_only: bool = False

    @property
    def bands(self) -> tuple[Band, ...]:
        """Give the bands of every table."""
        return tuple(band for table in self.tables for band in table.bands)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """Whom by age a chart is for, in completed years from..below; None is no limit."""

    from_years: int | None = None
    below_years: int | None = None

    def fit(self, years: int) -> bool:
        """Say whether the chart is for someone of so many completed years."""
        return (self.from_years or 0) <= years and (self.below_years is None or years < self.below_years)

    @property
    def words(self) -> str:
        """Give the ages in words."""
        start = "" if self.from_years is None else f"from {self.from_years} on"
        end = "" if self.below_years is None else f"below {self.below_years}"
        return " and ".join(filter(None, (start, end)))


@dataclass(frozen=True, kw_only=True, eq=False)
class About:
    """What every chart says of itself: names, version, source, and whom it is not for."""

    id: str
    title: str
    version: str
    source: str
    aliases: tuple[str, ...]
    ages: Ages
    pregnancy: bool
    exclusions: tuple[Caution, ...]
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart(About):
    """One scoring chart; `context` is what it needs to know besides readings, with the words each may take.

    `age_context` names the context that follows from the age, with the completed years from which each word holds.
    `red_points` is None where the chart knows no red score.
    """

    lowest: int
    highest: int
    red_points: int | None
    context: Mapping[str, tuple[Word, ...]]
    age_context: Mapping[str, tuple[int, ...]]
    parts: tuple[Part, ...]
    aggregates: tuple[Aggregate, ...]

    @cached_property
    def asked(self) -> frozenset[str]:
        """Name the contexts and parts that tables of other parts depend on."""
        return frozenset(name for part in self.parts for table in part.tables for name, _ in table.when)

    @cached_property
    def triggers(self) -> tuple[Part, ...]:
        """Give the parts that have no points and decide no other: they raise the response or are noted."""
        idle = [part for part in self.parts if not any(band.points for band in part.bands)]
        return tuple(part for part in idle if part.name not in self.asked)

    @cached_property
    def measures(self) -> Mapping[str, tuple[Part, ...]]:
        """Give what the total rests on, in order: each subscore with the parts that it may be read from."""
        names = dict.fromkeys(part.counts_as for part in self.parts if part not in self.triggers)
        return {name: tuple(part for part in self.parts if part.counts_as == name) for name in names}

    @cached_property
    def subscores(self) -> tuple[str, ...]:
        """Name the measures that have points of their own."""
        return tuple(
            name for name, parts in self.measures.items() if any(band.points for part in parts for band in part.bands)
        )

    @cached_property
    def responses(self) -> tuple[str, ...]:
        """Name the response bands, mildest first."""
        return tuple(dict.fromkeys(name for one in self.aggregates for name in (one.band, one.red_band)))

    def response(self, total: int, *, red: bool) -> str:
        """Give the name of the response band of a whole total."""
        found = next(a for a in self.aggregates if a.lower <= total <= a.upper)
        return found.red_band if red else found.band

    def raised(self, band: Band) -> int:
        """Give the number, into `responses`, of the least response that a band calls for."""
        return self.responses.index(band.raises) if band.raises else 0

    def raising(self, part: Part) -> bool:
        """Say whether the response depends on where a trigger is read."""
        return len({self.raised(band) for band in part.bands}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A reading in a ratio: how many times it counts, and the range, in millionths, outside which it is none."""

    name: str
    unit: str
    times: int
    lower: int
    upper: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Ratio(About):
    """A formula of readings: the sum of `over`, by `divide_by` and the product of `under`.

    `instead` is a reading that is the value itself where it was measured. `step` is the value's, in millionths;
    `bands` have names and no points.
    """

    unit: str
    step: int
    over: tuple[Term, ...]
    under: tuple[Term, ...]
    divide_by: int
    instead: Term | None
    bands: tuple[Band, ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        """Give every reading that it may need, the one that stands for all of them first."""
        return (*((self.instead,) if self.instead else ()), *self.over, *self.under)
