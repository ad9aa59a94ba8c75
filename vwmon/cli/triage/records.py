"""What a look at the database brings, what a person wants done, and what came of it: records only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alerts.model import Outcome
from vwmon.cli.triage.charts import Interval, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a stay's chart is drawn from: its readings by vital, its scores, and when anything scored was heard."""

    stay: int
    traces: tuple[Trace, ...]
    scores: tuple[Interval, ...]
    heard_ms: tuple[int, ...]
    ahead: int = 0
    chart: str = "news2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a look by somebody is to bring beside the list: the chart of one stay over some hours, one alert in full."""

    stay: int | None = None
    hours: int = 24
    alert: str = ""
    names: bool = False
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at the database found; `now_ms` is the moment it stands at, `live` whether that moves on."""

    now_ms: int
    live: bool
    title: str
    trusted: bool
    footer: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    asked: Asked
    story: Story | None
    detail: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants done to one alert, in the version that was on the screen."""

    verb: str
    alert: str
    version: int
    note: str = ""
    for_ms: int | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a wish, as a sentence."""

    said: str
    refused: bool
