"""What one stay is asked, and when, where that is other than its pathway says: in the course of time. Pure.

A stay's own schedule is written as a pathway's file writes it, for one vital or questionnaire, and holds whole: nothing
of the pathway's is left beside it. What is over or overdue by it is worked out here for one stay; the ward's columns
(vwmon.ward) say the same of all.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from alerts.evidence import ANSWER, WHOLE
from alerts.layers import EVER
from alerts.model import Level
from alerts.policy import POLICY, RULES, RuleSet
from vwmon import durations
from vwmon.patients import plans
from vwmon.patients.records import AskedSet, Decided, Expected, Plan

NOT_ASKED: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSchedule(Decided):
    """How one stay is asked one thing, as the register keeps it: by whom, why, from when and until when.

    `what` is a vital or, as the log calls its answers, a questionnaire ("answers:wellbeing"). `asked` is the table that
    a pathway's file would have of it, empty where it is not asked of this patient.
    """

    schedule_no: int
    stay_no: int
    what: str
    asked: Mapping[str, Any]
    author: str
    reason: str
    from_ms: int
    to_ms: int | None
    ended_ms: int | None = None
    ended_by: str | None = None
    ended_reason: str | None = None

    @property
    def questionnaire(self) -> str:
        """Name the questionnaire that it is about; nothing for a vital."""
        return self.what.removeprefix(WHOLE) if self.what.startswith(WHOLE) else ""

    def read(self) -> Expected | AskedSet | None:
        """Give it as a plan has it; None where it is not asked. KeyError or ValueError for what is no such table."""
        if not self.asked:
            return None
        if not self.questionnaire:
            return plans.expected(self.what, self.asked)
        return plans.asked_set({"name": self.questionnaire, "source": f"{self.author}: {self.reason}", **self.asked})


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The plans of one stay in the course of time: each holds from the start beside it on, the first from ever."""

    starts: tuple[int, ...]
    plans: tuple[Plan, ...]

    @classmethod
    def of(cls, pathway: Plan, own: Sequence[OwnSchedule] = ()) -> "Schedule":
        """Lay a stay's own schedules over its pathway's plan, in whatever order they come."""
        edges = {edge for one in own for edge in (one.from_ms, one.until_ms) if edge is not None}
        starts = (EVER, *sorted(edges))
        return cls(starts=starts, plans=tuple(_laid(pathway, own, start) for start in starts))

    def at(self, at_ms: int) -> Plan:
        """Give the plan that holds at a moment."""
        return self.plans[self.number(at_ms)]

    def number(self, at_ms: int) -> int:
        """Give which of the plans holds at a moment."""
        return bisect_right(self.starts, at_ms) - 1

    def waits(self, vital: str) -> tuple["Wait", ...]:
        """Give how one vital is waited for under each of the plans."""
        found: list[Wait] = []
        for start, plan in zip(self.starts, self.plans, strict=True):
            expected, before = plan.expected.get(vital), found[-1] if found else None
            goes_on = before is not None and before.expected is not None
            asked_ms = before.asked_ms if before is not None and goes_on else start
            found.append(Wait(from_ms=start, expected=expected, asked_ms=asked_ms))
        return tuple(found)

    def vitals(self) -> tuple[str, ...]:
        """Name all that is expected beside the score at any time."""
        return tuple(dict.fromkeys(name for plan in self.plans for name in plan.beside))

    def questionnaires(self) -> tuple[str, ...]:
        """Name all questionnaires that are asked at any time."""
        return tuple(dict.fromkeys(one.questionnaire for plan in self.plans for one in plan.questionnaires))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How one vital is waited for from a moment on, None: it is not; since `asked_ms` without a break, EVER: always."""

    from_ms: int
    expected: Expected | None
    asked_ms: int


def due_ms(waits: Sequence[Wait], last_ms: int, now_ms: int) -> int | None:
    """Give until when a vital is or was waited for, as it is at `now_ms`; None where it is not asked then.

    `last_ms` is when it was last measured, the admission where it never was. What is asked anew is waited for from then
    on. What a change of the schedule makes late is due at the change; what was overdue before, and still is, was due
    when it was.
    """
    due: int | None = None
    for one in waits:
        if one.from_ms > now_ms:
            break
        if one.expected is None:
            due = None
            continue
        own_ms = max(max(last_ms, one.asked_ms) + one.expected.overdue_ms, one.from_ms)
        due = due if due is not None and due < one.from_ms == own_ms else own_ms
    return due


def rules_of(questionnaire: str) -> Iterator[str]:
    """Name the rules that look at the answers to a questionnaire."""
    yield from (name for name, rule in RULES.items() if rule.quantity.startswith(f"{ANSWER}{questionnaire}."))


def beyond(wanted: OwnSchedule) -> str:
    """Say that a part of a score would count, or be waited for, longer than on any pathway; nothing where it would not.

    An old reading counts like a new one, so how long it may is not for one patient's schedule to stretch.
    """
    found = wanted.read()
    pathways = [plan.vitals[wanted.what] for plan in plans.load_all().values() if wanted.what in plan.vitals]
    if not isinstance(found, Expected) or not pathways:
        return ""
    for word, name in (("counts", "valid_ms"), ("is waited for", "overdue_ms")):
        longest = max(getattr(one, name) for one in pathways)
        if getattr(found, name) > longest:
            return f"{wanted.what} {word} at most {durations.text(longest)}, which is the longest of any pathway"
    return ""


def switched_off(wanted: OwnSchedule, before: Plan, rules: RuleSet) -> list[str]:
    """Name the rules of level 3 that could never hold again if something were not asked any more.

    Those that look at nothing else, and those on a total that the other parts that are asked cannot reach.
    """
    emergencies = [rule for rule in rules.clinical if rule.level is Level.EMERGENCY]
    looking = [rule.name for rule in emergencies if rule.named and _looks_at(rule.quantity) == wanted.what]
    reach = [_most(plan) for plan in (_laid(before, [replace(wanted, from_ms=EVER, to_ms=None)], EVER), before)]
    return looking + [
        rule.name for rule in emergencies if rule.quantity == "total" and reach[0] < rule.limit_on <= reach[1]
    ]


def _looks_at(quantity: str) -> str:
    """Name the vital or the questionnaire, as a schedule does, that a number by name is of."""
    kind, _, name = quantity.partition(":")
    of = name.partition(".")[0]
    return f"{WHOLE}{of}" if f"{kind}:" == ANSWER else of


def _most(plan: Plan) -> int:
    """Give the most that the parts of the score that a plan expects can add."""
    return sum(POLICY.charts[plan.chart].parts[part].most for part in plan.vitals)


def _laid(pathway: Plan, own: Sequence[OwnSchedule], at_ms: int) -> Plan:
    held = [one for one in own if one.in_force(at_ms)]
    if not held:
        return pathway
    read = {one.what: one.read() for one in held}
    spans = {name: one for name, one in read.items() if isinstance(one, Expected)}
    sets = {one.questionnaire: one for one in read.values() if isinstance(one, AskedSet)}
    off = {name.removeprefix(WHOLE) for name, one in read.items() if one is None}
    asked = {one.questionnaire: one for one in pathway.questionnaires} | sets
    parts = plans.PARTS_OF[pathway.chart]
    return replace(
        pathway,
        vitals={n: one for n, one in {**pathway.vitals, **spans}.items() if n in parts and n not in off},
        beside={n: one for n, one in {**pathway.beside, **spans}.items() if n not in parts and n not in off},
        questionnaires=tuple(one for name, one in asked.items() if name not in off),
    )
