"""The rules as data: read from a table, checked, and gathered into the set that holds for a stay. Pure.

What one score says of a rule is alerts.verdicts', what limits of one's own change alerts.layers'.
"""

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from alerts import charts
from alerts.charts import NEWS2, Chart, Part
from alerts.errors import PolicyError
from alerts.model import Lane, Level
from alerts.pauses import Span, free_ms

MS = {"s": 1000, "m": 60_000, "h": 3_600_000}
SPAN = re.compile(r"(\d+)([smh])")


class Layer(StrEnum):
    """Who a limit is for; of several that say something of the same field the narrowest wins."""

    WARD = "ward"
    PATHWAY = "pathway"
    PRESCRIPTION = "prescription"
    STAY = "stay"


class Side(StrEnum):
    """On which side of its limit a number asked for by name is a breach."""

    ABOVE = "above"
    BELOW = "below"


class Cadence(StrEnum):
    """How a breach becomes a condition that holds: at once, by a repeat, or by going on (decision 0020)."""

    AT_ONCE = "at_once"
    SPOT = "spot"
    CONTINUOUS = "continuous"


class Unsure(StrEnum):
    """What a total counts as while parts of it are overdue or refused: what is certain, or the worst that it could be.

    Either way it is known not to hold only by a bound over everything that is missing.
    """

    HOLD = "hold"
    WORST = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One criterion: holds from `limit_on` on, is known not to hold beyond `limit_off`, and in between stays as it was.

    It comes to hold as its `cadence` says, over the on-delay, and clears after good readings over the off-delay.
    One of a `chart` is for stays that are scored with it, any other for all.
    `late` says whether evidence that came late may raise it; one that is not `enabled` raises nothing. A fault counts
    once it has lasted its on-delay; `vitals` are those that it may be found of, where not every one is. While one that
    `holds_back` stands, and for its off-delay after, no technical alert is raised. One that is `prescribed` has its
    limit from a prescription of the stay's, and raises nothing where there is none.
    """

    name: str
    title: str
    lane: Lane
    level: Level
    quantity: str
    chart: str = ""
    side: Side = Side.ABOVE
    limit_on: float = 0
    limit_off: float = 0
    cadence: Cadence = Cadence.AT_ONCE
    on_delay_ms: int = 0
    off_delay_ms: int = 0
    unsure: Unsure = Unsure.HOLD
    late: bool = True
    vitals: tuple[str, ...] = ()
    holds_back: bool = False
    prescribed: bool = False
    enabled: bool = True
    source: str = ""

    @property
    def named(self) -> bool:
        """Tell whether it asks for a number by its name, as against a score as a whole."""
        return ":" in self.quantity

    @property
    def at_once(self) -> bool:
        """Tell whether one breach is enough: always at the highest level, whatever the cadence."""
        return self.level is Level.EMERGENCY or self.cadence is Cadence.AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What a level allows: how soon someone must answer, who is told when nobody does, how long an answer holds.

    `tiers_ms` say how long each tier after the first has, and `repeat_ms` how often the last is told again after that.
    With `waits`, what falls due while the ward is closed falls due when it opens, and the same tier is told then.
    """

    first_response_ms: int
    acknowledged_at_most_ms: int
    tiers_ms: tuple[int, ...]
    repeat_ms: int
    note_required: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The table of rules with its version; `parts` are NEWS2's, `labels` those of every chart by name."""

    version: str
    source: str
    settled_ms: int
    flap_ms: int
    recurrence_ms: int
    repeat_within_ms: int
    run_gap_ms: int
    flapping_over_ms: int
    handover_ms: int
    covered_rise: int
    flapping_rises: int
    clocks: Mapping[Level, Clock]
    rules: Mapping[str, Rule]
    charts: Mapping[str, Chart]
    parts: Mapping[str, Part]
    labels: Mapping[str, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What one layer says of one rule otherwise than the table: by whom, why, from when and until when.

    `changes` are fields of the rule in the words of the table, such as {"limit_on": 6, "off_delay": "45m"}; `subject`
    names the ward, the pathway or the stay.
    """

    rule: str
    layer: Layer
    subject: str
    changes: Mapping[str, Any]
    author: str
    reason: str
    from_ms: int
    to_ms: int | None = None

    def in_force(self, now_ms: int) -> bool:
        """Tell whether it holds at a moment: from its start on, up to and without its end."""
        return self.from_ms <= now_ms and (self.to_ms is None or now_ms < self.to_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules that hold for one stay, which is scored with a `chart`.

    `clinical` are those of its patient that are enabled and not of another chart, `named` those of them that ask for a
    number by name, and `lowest` is the least total or bound that any of them starts at. `given` says by rule and field,
    in the words of the table, which limit a field has its value from.
    """

    rules: Mapping[str, Rule]
    clinical: tuple[Rule, ...]
    named: tuple[Rule, ...]
    lowest: float
    given: Mapping[str, Mapping[str, Limit]] = field(default_factory=dict)
    chart: str = NEWS2

    @classmethod
    def of(
        cls, rules: Mapping[str, Rule], given: Mapping[str, Mapping[str, Limit]] | None = None, chart: str = NEWS2
    ) -> "RuleSet":
        """Give the set of these rules by name for stays that are scored with a chart."""
        given = given or {}
        its = (rule for rule in rules.values() if rule.chart in {"", chart})
        told = (rule for rule in its if not rule.prescribed or "limit_on" in given.get(rule.name, {}))
        clinical = tuple(rule for rule in told if rule.lane is Lane.CLINICAL and rule.enabled)
        named = tuple(rule for rule in clinical if rule.named)
        lowest = min((rule.limit_on for rule in clinical if rule.quantity in {"total", "could_be"}), default=math.inf)
        return cls(rules=rules, clinical=clinical, named=named, lowest=lowest, given=given, chart=chart)

    def lane(self, rule: str) -> Lane:
        """Give the lane of a rule by its name."""
        return self.rules[rule].lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under what terms a case is followed: by which rules, what is held back, and whether anyone is told of it.

    `held` has the spans in which a rule of the technical lane raises nothing, by its name, those of the whole service
    and of the patient's pauses alike. Nobody is told of a recording. `opens` gives the first moment from a given one on
    at which the ward is staffed.
    """

    rules: RuleSet
    held: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    told: bool = False
    opens: Callable[[int], int] = int

    def free_ms(self, rule: str, at_ms: int) -> int:
        """Give the first moment from `at_ms` on at which a rule is not held back; later than any while that lasts."""
        spans = self.held.get(rule)
        return free_ms(spans, at_ms) if spans else at_ms


def load(text: str) -> Policy:
    """Read and check a table of rules; PolicyError names what is wrong with it."""
    try:
        table = tomllib.loads(text)
        clocks = dict(table["clocks"])
        counts = {name: int(clocks.pop(name)) for name in ("covered_rise", "flapping_rises")}
        spans = {f"{name}_ms": _span_ms(span) for name, span in clocks.items()}
        known = {name: charts.read(row) for name, row in table["charts"].items()}
        policy = Policy(
            version=table["version"],
            source=table["source"],
            clocks={Level(int(n)): _clock(row) for n, row in table["levels"].items()},
            rules={name: _rule(name, row) for name, row in table["rules"].items()},
            charts=known,
            parts=known[NEWS2].parts,
            labels={name: part for chart in reversed(known.values()) for name, part in chart.parts.items()},
            **spans,
            **counts,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"the table of rules cannot be read: {error!r}") from error
    _check(policy)
    return policy


GAP = "gap"
FAULT = "fault"
OF_FAULTS = frozenset({GAP, FAULT})  # what is found, of silence or otherwise
OF_A_SCORE = frozenset({"total", "red", "could_be"})
NAMED = re.compile(r"(value|trend|answer):\S+")
TIERS = 3
RED = 3


def _rule(name: str, row: Mapping[str, Any]) -> Rule:
    missing = [word for word in ("title", "lane", "level", "quantity") if word not in row]
    if missing:
        raise ValueError(f"{name} has no {', '.join(missing)}")
    return Rule(name=name, **read(row))


def read(row: Mapping[str, Any]) -> dict[str, Any]:
    """Read fields of a rule in the words of the table."""
    if unknown := [word for word in row if word not in WORDS]:
        raise ValueError(f"{', '.join(unknown)} is no field of a rule")
    return {f"{word}_ms" if WORDS[word] is _span_ms else word: WORDS[word](value) for word, value in row.items()}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _several(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list of words")
    return tuple(map(_words, value))


def _words(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not words")
    return value


def _clock(row: Mapping[str, Any]) -> Clock:
    known = dict(row)
    return Clock(tiers_ms=tuple(map(_span_ms, known.pop("tiers"))), **_with_spans(known))


def _with_spans(row: Mapping[str, Any]) -> dict[str, Any]:
    spans = {name for name, value in row.items() if isinstance(value, str) and SPAN.fullmatch(value)}
    return {f"{name}_ms" if name in spans else name: _span_ms(v) if name in spans else v for name, v in row.items()}


def _span_ms(text: object) -> int:
    found = SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is not a span such as 30m")
    return int(found[1]) * MS[found[2]]


def _check(policy: Policy) -> None:
    """Refuse a table whose rules could not be evaluated, or that could close what it should keep open."""
    faults = [f"level {level} has no clocks" for level in Level if level not in policy.clocks]
    for level, clock in policy.clocks.items():
        if min(clock.first_response_ms, clock.repeat_ms, *clock.tiers_ms) <= 0:
            faults.append(f"level {level}: a tier without time would never end")
        if len(clock.tiers_ms) >= TIERS:
            faults.append(f"level {level}: there are {TIERS} tiers, of which the first has its first_response")
    for rule in policy.rules.values():
        faults += [f"{rule.name}: {fault}" for fault in faults_of(rule, policy.charts)]
    if faults:
        raise PolicyError("; ".join(faults))


def faults_of(rule: Rule, known: Mapping[str, Chart]) -> list[str]:
    """Say why a rule could not be evaluated, or would close what it should keep open."""
    if rule.chart not in known and (rule.chart or rule.quantity in OF_A_SCORE):
        return ["it is of no chart that there is"]
    return [fault for broken, fault in FAULTS if broken(rule, known[rule.chart].most if rule.chart else 0)]


def _no_quantity(rule: Rule) -> bool:
    return rule.quantity not in OF_FAULTS | OF_A_SCORE and NAMED.fullmatch(rule.quantity) is None


def _turned(rule: Rule) -> bool:
    if rule.quantity == FAULT:
        return False
    return rule.limit_off > rule.limit_on if rule.side is Side.ABOVE else rule.limit_off < rule.limit_on


FAULTS: Sequence[tuple[Callable[[Rule, int], bool], str]] = (
    (lambda rule, _most: _no_quantity(rule), "what it asks for is no quantity"),
    (lambda rule, _most: _turned(rule), "it would clear on the wrong side of where it is raised"),
    (lambda rule, _most: rule.lane is Lane.CLINICAL and rule.off_delay_ms <= 0, "one good reading would clear it"),
    (
        lambda rule, _most: (rule.quantity in OF_FAULTS) == (rule.lane is Lane.CLINICAL),
        "what it asks for does not belong to its lane",
    ),
    (
        lambda rule, _most: rule.cadence is not Cadence.AT_ONCE and rule.on_delay_ms <= 0,
        "to be confirmed it needs an on-delay",
    ),
    (lambda rule, _most: rule.side is Side.BELOW and not rule.named, "a score is a breach above its limit only"),
    (
        lambda rule, most: rule.quantity in {"total", "could_be"} and not 0 < rule.limit_on <= most,
        "no score decides it: its limit must be above 0, and no more than a score can be",
    ),
    (lambda rule, _most: rule.quantity == "red" and rule.limit_on != RED, "a single 3 has no limit that can be moved"),
    (
        lambda rule, _most: rule.unsure is not Unsure.HOLD and rule.quantity != "total",
        "only a total can count as the worst that it could be",
    ),
)
MOVES: Mapping[str, Callable[[Any], Any]] = {
    "level": Level,
    "side": Side,
    "limit_on": _number,
    "limit_off": _number,
    "cadence": Cadence,
    "on_delay": _span_ms,
    "off_delay": _span_ms,
    "unsure": Unsure,
    "late": _yes_or_no,
    "enabled": _yes_or_no,
}
MOVABLE = tuple(MOVES)
WORDS: Mapping[str, Callable[[Any], Any]] = {
    **MOVES,
    "title": _words,
    "chart": _words,
    "lane": Lane,
    "quantity": _words,
    "source": _words,
    "vitals": _several,
    "holds_back": _yes_or_no,
    "prescribed": _yes_or_no,
}


POLICY = load(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
RULES = POLICY.rules
BASES = {chart: RuleSet.of(RULES, chart=chart) for chart in POLICY.charts}
BASE = BASES[NEWS2]
TERMS = Terms(rules=BASE)
OVERDUE = RULES["overdue"]
