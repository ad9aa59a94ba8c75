"""The terms of one stay in the course of time, and its case brought up to a moment under those of each time. Pure.

Whoever touches a case, by a reading, by the clock or by hand, brings it up to now first. What is due must act alike
whoever comes first, so all of them do it here.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from alerts import deadlines, faults
from alerts.faults import Finding
from alerts.layers import EVER
from alerts.model import SILENCE, Case
from alerts.policy import TERMS, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """The terms of a stay, each from its start on and up to the next; the first hold from ever."""

    starts: tuple[int, ...] = (EVER,)
    terms: tuple[Terms, ...] = (TERMS,)

    def at(self, at_ms: int) -> Terms:
        """Give the terms at a moment."""
        return self.terms[bisect_right(self.starts, at_ms) - 1]

    def tick(self, case: Case, now_ms: int) -> Case:
        """Let every deadline that has passed act under the terms of when it fell due, and what was held back come."""
        for terms, until_ms in zip(self.terms, self.starts[1:], strict=False):
            if until_ms <= now_ms:
                case = _brought_up(case, until_ms - 1, terms)
        return _brought_up(case, now_ms, self.at(now_ms))

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


def _brought_up(case: Case, now_ms: int, terms: Terms) -> Case:
    """Let act what is due, then what is held back no longer, then what that has made due meanwhile."""
    case = deadlines.tick(case, now_ms, terms)
    freed = faults.freed(case, now_ms, terms)
    return case if freed is case else deadlines.tick(freed, now_ms, terms)


ALWAYS_THE_TABLE = OverTime()
