"""The table of what baselines and trends need to know of each vital, and the constants of the method.

Here: the records and the loader. The numbers of the table are in trends.toml; how they are used is not here.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from devices.vitals import VITALS as KNOWN
from vwmon import durations
from vwmon.errors import ChartError
from vwmon.kernels.ragged import Floats, Ints
from vwmon.kernels.steps import Steps
from vwmon.scoring.charts import PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Trended:
    """One vital with a baseline and a trend; `error` and `spread` are standard deviations in its canonical unit."""

    name: str
    title: str
    unit: str
    error: float
    spread: float
    joint: bool
    valid_ms: int
    lowest: float
    highest: float
    source: str


@cache
def load() -> tuple[Trended, ...]:
    """Read the package's table; ChartError names what contradicts itself."""
    return parse(files("vwmon.scoring.trends").joinpath("trends.toml").read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Trended, ...]:
    """Read a table from TOML, in its order."""
    try:
        table = tomllib.loads(text)
        return tuple(_vital(name, entry) for name, entry in table["vital"].items())
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ChartError(f"the table of trends cannot be used: {error}") from error


def _vital(name: str, entry: dict[str, object]) -> Trended:
    if name not in KNOWN:
        raise ValueError(f"{name} is no vital")
    known = KNOWN[name]
    error, spread = float(str(entry["error"])), float(str(entry["spread"]))
    if not 0 < error <= spread:
        raise ValueError(f"{name}: a person varies at least as much as the measurement, and that by something")
    if not str(entry["source"]).strip():
        raise ValueError(f"{name}: no source")
    return Trended(
        name=name,
        title=known.title,
        unit=known.unit,
        error=error,
        spread=spread,
        joint=bool(entry["joint"]),
        valid_ms=durations.parse(str(entry["valid_for"])),
        lowest=known.low,
        highest=known.high,
        source=str(entry["source"]),
    )


TRENDED = load()
NAMES = tuple(one.name for one in TRENDED)
CARRIED = tuple(part for part in PARTS if part not in NAMES)  # scored, but of no scale that could have a trend
SERIES = NAMES + CARRIED  # a stay's series, in this order
JOINT = tuple(number for number, one in enumerate(TRENDED) if one.joint)
PART_OF = {part: SERIES.index(part) for part in PARTS}


def column(field: str) -> Floats:
    """Give one number of every trended vital, (vitals,)."""
    return np.array([getattr(one, field) for one in TRENDED], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """What is known of n stays besides readings: the SpO2 scale (n,), and how long a reading counts (n, series) ms.

    The scale is that before any of the steps in which it `rescaled`. `stated` are the usual values that clinicians
    stated, by stay * vitals + vital, NaN while there is none. None of either: of nobody at any time.
    """

    spo2_scale: Ints
    valid_ms: Ints
    rescaled: Steps | None = None
    stated: Steps | None = None

    def scale(self, moments: "Moments") -> Ints:
        """Give the SpO2 scale at moments, (m,)."""
        if self.rescaled is None:
            return self.spo2_scale[moments.stay]
        return self.rescaled.at(moments.stay, moments.at_ms).astype(np.int64)

    def usual(self, moments: "Moments") -> Floats:
        """Give the usual values that are stated at moments, (m, vitals), NaN where none is."""
        if self.stated is None:
            return np.full((len(moments), len(NAMES)), np.nan)
        rows = (moments.stay[:, None] * len(NAMES) + np.arange(len(NAMES))).reshape(-1)
        return self.stated.at(rows, np.repeat(moments.at_ms, len(NAMES))).reshape(-1, len(NAMES))

    def __len__(self) -> int:
        """Count the stays."""
        return len(self.spo2_scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Series of vitals at a moment each, and what the table has of the vital; (q,) all."""

    series: Ints
    at_ms: Ints
    error: Floats
    spread: Floats

    def where(self, chosen: Ints | slice) -> "Asked":
        """Keep some of them."""
        return Asked(**{name: getattr(self, name)[chosen] for name in Asked.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The moments asked about, (n,) each, in any order: of which stay, and when."""

    stay: Ints
    at_ms: Ints

    def __len__(self) -> int:
        """Count the moments."""
        return len(self.stay)

    def where(self, chosen: slice) -> "Moments":
        """Keep some of them."""
        return Moments(stay=self.stay[chosen], at_ms=self.at_ms[chosen])

    def series(self, width: int) -> Ints:
        """Give the number of each series of each moment's stay, the first `width` of SERIES, flat: (n * width,)."""
        found: Ints = (self.stay[:, None] * len(SERIES) + np.arange(width)).reshape(-1)
        return found

    def of_vitals(self) -> Asked:
        """Ask for every vital at every moment, flat: (n * vitals,)."""
        return Asked(
            series=self.series(len(NAMES)),
            at_ms=np.repeat(self.at_ms, len(NAMES)),
            error=np.tile(column("error"), len(self)),
            spread=np.tile(column("spread"), len(self)),
        )
