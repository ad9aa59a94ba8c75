"""The terms of one stay in the course of time: by which rules it is followed when, and what is held back. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from alerts import deadlines, faults
from alerts.faults import Finding
from alerts.model import SILENCE, Case
from alerts.policy import BASE, Terms
from vwmon.holds import Held
from vwmon.patients.limits import Course
from vwmon.scoring.charts import PARTS

OF_PARTS = frozenset(f"value:{part}" for part in PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """The terms of a stay in the course of time, each from its start on.

    `lowest` and `of_parts`, whether a rule asks for the value of a part of the score, hold for all of it: whatever
    fails them cannot matter at any time.
    """

    starts: tuple[int, ...]
    terms: tuple[Terms, ...]
    lowest: float
    of_parts: bool

    @classmethod
    def of(cls, course: Course, held: Held, ward: Terms) -> "OverTime":
        """Give the terms of a ward with a course of rules, and with what is held back, which says of itself when."""
        return cls(
            starts=course.starts,
            terms=tuple(
                ward if rules is BASE and not held else replace(ward, rules=rules, held=held) for rules in course.rules
            ),
            lowest=course.lowest,
            of_parts=not course.asked.isdisjoint(OF_PARTS),
        )

    def at(self, at_ms: int) -> Terms:
        """Give the terms at a moment."""
        return self.terms[bisect_right(self.starts, at_ms) - 1]

    def tick(self, case: Case, now_ms: int) -> Case:
        """Let every deadline that has passed act under the terms of when it fell due, and what was held back come."""
        for terms, until_ms in zip(self.terms, self.starts[1:], strict=False):
            if until_ms <= now_ms:
                case = faults.freed(deadlines.tick(case, until_ms - 1, terms), until_ms - 1, terms)
        return faults.freed(deadlines.tick(case, now_ms, self.at(now_ms)), now_ms, self.at(now_ms))

    def found(self, case: Case, findings: Iterable[Finding]) -> Case:
        """Follow what was found, each finding under the terms of when it counts, and after the deadlines until then."""
        for finding in findings:
            case = _follow(self.tick(case, finding.at_ms), finding, self.at(finding.at_ms))
        return case


def _follow(case: Case, one: Finding, terms: Terms) -> Case:
    """Follow one finding; what a plan expects beside the score is overdue, and comes, as the parts of it do."""
    if one.rule != SILENCE:
        return faults.found(case, one, terms)
    if one.since_ms is None:
        return faults.returned(case, one.what, one.at_ms, one.at_ms, terms)
    return faults.overdue(case, one.what, one.since_ms, one.at_ms, last_ms=one.figures.get("last_ms"), terms=terms)
