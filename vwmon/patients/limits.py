"""Limits layered over the table of rules: ward, pathway, prescription, the stay's own; the narrowest winning. Pure.

Here: what may be a limit, and which rules follow for a stay from when on. Where limits are kept is not known here. A
limit is whole by itself, so that whatever other layers say beside it, now or later, the rule that comes of all can be
evaluated: a daemon never finds two limits of one patient that cannot hold together.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from alerts.errors import PolicyError
from alerts.layers import EVER, layered
from alerts.model import Lane, Level
from alerts.policy import BASE, BASES, MOVES, RULES, Cadence, Limit, RuleSet
from vwmon.patients import prescriptions
from vwmon.patients.chart_names import NEWS2, PEWS
from vwmon.patients.places import Place, places, spans
from vwmon.patients.records import Plan, Stay, StayLimit, Transfer

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def rule_name(value: object) -> str:
    """Read the name of a rule that a layer may move: one about the patient."""
    there = [name for name, rule in RULES.items() if rule.lane is Lane.CLINICAL]
    if value not in there:
        raise ValueError(f"{value!r} is no rule about a patient; there are {', '.join(there)}")
    return str(value)


def instant(value: object) -> int:
    """Read a point in time, ms UTC: a time of TOML or ISO 8601 text, with Z or an offset."""
    shown = value.isoformat() if isinstance(value, date | time) else repr(value)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError(f"{shown} is no time with Z or an offset, such as 2026-11-22T09:15:00Z")
    try:
        return (moment.astimezone(UTC) - EPOCH) // MILLISECOND
    except OverflowError:
        raise ValueError(f"{shown} is beyond the calendar") from None


def movable(word: str) -> Callable[[object], Any]:
    """Return a reader of one field of a rule, in the words of the table, that gives the words back."""

    def read(value: object) -> object:
        MOVES[word](value)
        return value

    return read


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields that a limit says nothing of."""
    return {name: value for name, value in fields.items() if value is not None}


def faults(limit: Limit) -> list[str]:
    """Say why a limit cannot be: it changes nothing, is not whole, ends before it begins, or the rules refuse it."""
    try:
        layered(BASE, [limit])
    except PolicyError as error:
        return [str(error)]
    return _unwhole(limit)


def _unwhole(limit: Limit) -> list[str]:
    """Say what a limit leaves to other layers that could contradict it."""
    changes = limit.changes
    found = [] if changes else ["it changes nothing"]
    if limit.to_ms is not None and limit.to_ms <= limit.from_ms:
        found.append("it ends before it begins")
    if len({"limit_on", "limit_off"} & changes.keys()) == 1:
        found.append("limit_on and limit_off are given together, so that no other layer's can contradict them")
    if "side" in changes and "limit_on" not in changes:
        found.append("a side is given with its limit_on and limit_off")
    if changes.get("cadence", Cadence.AT_ONCE) != Cadence.AT_ONCE and "on_delay" not in changes:
        found.append(f"a cadence of {changes['cadence']} is given with its on_delay")
    if "on_delay" in changes and MOVES["on_delay"](changes["on_delay"]) <= 0:
        found.append("an on_delay of nothing is the cadence at_once")
    return found


def other_chart(rule: str, chart: str) -> str:
    """Say that a rule is of another chart than the one that a stay is scored with; nothing where it is not."""
    its = RULES[rule].chart
    return "" if its in {"", chart} else f"{rule} is a rule of {its}, and the patient is scored with {chart}"


def lessens(limit: Limit) -> bool:
    """Tell whether a limit takes a rule of the highest level off, or down."""
    level, enabled = limit.changes.get("level", Level.EMERGENCY), limit.changes.get("enabled", True)
    return RULES[limit.rule].level is Level.EMERGENCY and (not enabled or level < Level.EMERGENCY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The rules of one stay in the course of time: each set holds from the start beside it on."""

    starts: tuple[int, ...]
    rules: tuple[RuleSet, ...]

    @classmethod
    def of(cls, limits: Sequence[Limit], chart: str = NEWS2) -> "Course":
        """Work out the rules of every span between one limit's start or end and the next, in whatever order they come.

        They are those for stays that are scored with `chart`. PolicyError when a limit cannot be, as when the table of
        rules no longer has its rule.
        """
        edges = {limit.from_ms for limit in limits} | {limit.to_ms for limit in limits if limit.to_ms is not None}
        base = BASES[chart]
        starts, rules = [EVER], [base]
        for start in sorted(edges):
            held = [limit for limit in limits if limit.in_force(start)]
            starts.append(start)
            rules.append(layered(base, sorted(held, key=_content)) if held else base)
        return cls(starts=tuple(starts), rules=tuple(rules))

    @classmethod
    def after_each_other(cls, parts: Sequence[tuple[Place, int | None, "Course"]]) -> "Course":
        """Join courses, each of which holds from when a stay came to a place and up to when it left."""
        starts: list[int] = []
        rules: list[RuleSet] = []
        for place, until_ms, course in parts:
            within = [one for one in course.starts if one > place.from_ms and (until_ms is None or one < until_ms)]
            starts += [place.from_ms, *within]
            rules += [course.at(start) for start in (place.from_ms, *within)]
        return cls(starts=tuple(starts), rules=tuple(rules))

    def at(self, at_ms: int) -> RuleSet:
        """Give the rules that hold at a moment."""
        return self.rules[bisect_right(self.starts, at_ms) - 1]

    @property
    def lowest(self) -> float:
        """Give the least total or bound that any rule starts at, at any time."""
        return min((rules.lowest for rules in self.rules), default=math.inf)

    @property
    def asked(self) -> frozenset[str]:
        """Give the numbers that its rules ask for by name, at any time."""
        return frozenset(rule.quantity for rules in self.rules for rule in rules.named)


BY_ITS_TABLE: Final = {chart: Course.of((), chart) for chart in BASES}
BY_THE_TABLE: Final = BY_ITS_TABLE[NEWS2]
# The charts of the rules that a ward's limit may move for the stays of each: "" is a rule of no chart.
CHARTS_OF: Final = {NEWS2: {"", NEWS2}, PEWS: {PEWS}}


class Layers:
    """The limits of wards and pathways; a course is made once for all stays that have the same limits."""

    def __init__(self, wards: Mapping[str, Sequence[Limit]], plans: Mapping[str, Plan]) -> None:
        """Take the limits of each ward by its id, and the plan of each pathway."""
        self._wards, self._plans = wards, plans
        self._courses: dict[tuple[object, ...], Course] = {}

    def of(self, stay: Stay, own: Iterable[StayLimit] = (), ward: str | None = None) -> list[Limit]:
        """Give every limit about a stay on a ward, in force or not: the ward's, its pathway's, prescribed, its own.

        The ward is the one that it is on now, unless another is named. What a ward says of a rule for everyone is said
        of its adults: of a child only what is said of a child's rules.
        """
        plan = self._plans.get(stay.pathway)
        pathways = plan.limits if plan is not None else ()
        theirs = self._wards.get(stay.ward if ward is None else ward, ())
        of_ward = [one for one in theirs if RULES[one.rule].chart in CHARTS_OF[stay.chart]]
        return [*of_ward, *pathways, *prescriptions.limits(stay.prescriptions), *(one.limit for one in own)]

    def course(self, stay: Stay, own: Sequence[StayLimit] = (), transfers: Sequence[Transfer] = ()) -> Course:
        """Give the rules of a stay, whose `own` limits these are, in the course of time and from ward to ward."""
        wards = places(stay, transfers)
        key = (wards, stay.pathway, stay.chart, stay.prescribed, *((one.limit_no, one.ended_ms) for one in own))
        if key not in self._courses:
            parts = [(place, until_ms, self._on(place, stay, own)) for place, until_ms in spans(wards)]
            self._courses[key] = parts[0][2] if len(parts) == 1 else Course.after_each_other(parts)
        return self._courses[key]

    def _on(self, place: Place, stay: Stay, own: Sequence[StayLimit]) -> Course:
        limits = self.of(stay, own, place.ward)
        return Course.of(limits, stay.chart) if limits else BY_ITS_TABLE[stay.chart]


def _content(limit: Limit) -> tuple[str, ...]:
    """Order limits by what they say, so that two of one layer and moment come out the same in any order of entry."""
    return (json.dumps(dict(limit.changes), sort_keys=True), limit.author, limit.reason, str(limit.to_ms))
