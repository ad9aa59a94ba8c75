"""One step of the scoring side told to the cases in order: its moments, its silences, and what was learnt beside them.

What came first decides what an alert becomes, so the order is worked out here and nowhere else; what follows from each
is the lifecycle's. Nothing is read or written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alerts import faults, lifecycle
from alerts.model import Case
from alerts.over_time import OverTime
from vwmon import points
from vwmon.kernels.ragged import Bools, Ints
from vwmon.kernels.windows import NEVER_AGE
from vwmon.pipeline import Gaps, Scores
from vwmon.points import NOTHING, Noted, Refused
from vwmon.ward import PlanTable
from vwmon.windows import NEVER

Placed = tuple[int, Noted]  # after how many scored messages of its stay in the step something is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One step's scores and gaps, told to one case after the other.

    `stale` (n, p) are the parts that are overdue at each moment, `due_ms` (n, p) since when, by the `plan` (n,) that
    held, and had `since_ms` (n,). `expected` names the parts by plan.
    """

    scores: Scores
    gaps: Gaps
    stale: Bools
    due_ms: Ints
    plan: Ints
    since_ms: Ints
    expected: Sequence[tuple[str, ...]]
    plans: PlanTable
    refused: Mapping[int, Refused]

    def told(
        self,
        over_time: OverTime,
        case: Case,
        moments: Sequence[int],
        episodes: Sequence[int],
        learnt: Sequence[Placed] = (),
    ) -> Case:
        """Tell a case its moments in order, each after what fell overdue or returned before it, and what was learnt.

        What is in force when the message of a moment is received decides over the moment.
        """
        told, waiting, left = _Messages(self.scores), list(learnt), list(episodes)
        for i in moments:
            if told.begins(i):
                case = _learn(over_time, case, waiting, told.whole)
            case = self._moment(over_time, case, i, left)
        return _learn(over_time, case, waiting, told.whole + 1)

    def _moment(self, over_time: OverTime, case: Case, i: int, left: list[int]) -> Case:
        scores, received_ms = self.scores, int(self.scores.received_ms[i])
        case = faults.freed(case, received_ms, over_time.at(received_ms))
        ended = []
        while left and self._ended(left[0]) <= (int(scores.wave[i]), int(scores.at_ms[i])):
            ended.append(left.pop(0))
        case = self._silences(over_time, case, i, ended)
        case = over_time.tick(case, received_ms)
        expected, refused = self.expected[self.plan[i]], self.refused.get(i, NOTHING)
        point = points.point(scores, i, case.stay_no, expected, refused, parts=self._parts(i))
        return lifecycle.observe(case, point, over_time.at(received_ms))

    def _parts(self, i: int) -> tuple[str, ...]:
        """Name the parts of the score of a moment, by column."""
        return self.plans.parts(int(self.scores.stay[i]))

    def _ended(self, gap: int) -> tuple[int, int]:
        return int(self.gaps.wave[gap]), int(self.gaps.ended_ms[gap])

    def _silences(self, over_time: OverTime, case: Case, i: int, ended: Sequence[int]) -> Case:
        """Tell of the parts that fell overdue by a moment, in the order of their times, then of those that returned.

        `ended` are the gaps whose reading came with it: what else is overdue by then was so before they ended.
        """
        gaps, received_ms = self.gaps, int(self.scores.received_ms[i])
        parts = self._parts(i)
        terms = over_time.at(received_ms)
        fell = [*self._fell_due(case, i), *map(self._episode, ended)]
        for due_ms, part, last_ms in sorted(fell, key=lambda one: (one[0], parts.index(one[1]))):
            case = over_time.tick(case, min(due_ms, received_ms))
            case = lifecycle.overdue(case, part, due_ms, received_ms, last_ms=last_ms, terms=terms)
        case = over_time.tick(case, received_ms)
        for gap in ended:
            part, ended_ms, known_ms = parts[gaps.part[gap]], int(gaps.ended_ms[gap]), int(gaps.received_ms[gap])
            case = lifecycle.returned(case, part, ended_ms, known_ms, terms)
        for part, at_ms, known_ms in self._came_back(case, i):
            case = over_time.tick(case, known_ms)
            case = lifecycle.returned(case, part, at_ms, known_ms, over_time.at(known_ms))
        return case

    def _episode(self, gap: int) -> tuple[int, str, int | None]:
        """Give a part that was overdue until its reading came: since when, and when it had come before that."""
        row, number, last_ms = int(self.gaps.stay[gap]), self.gaps.part[gap], int(self.gaps.last_ms[gap])
        return int(self.gaps.due_ms[gap]), self.plans.parts(row)[number], None if last_ms == NEVER else last_ms

    def _fell_due(self, case: Case, i: int) -> Iterator[tuple[int, str, int | None]]:
        """Give the parts that are overdue at a moment and were not known to be: since when, and when each came last.

        Of a moment that came late nothing is said: the stay had shown something newer.
        """
        scores, lasting, parts = self.scores, case.overdue, self._parts(i)
        for number in [] if scores.late[i] else np.flatnonzero(self.stale[i]).tolist():
            if parts[number] not in lasting:
                age_ms = int(scores.age_ms[i, number])
                last_ms = None if age_ms == NEVER_AGE else int(scores.at_ms[i]) - age_ms
                yield int(self.due_ms[i, number]), parts[number], last_ms

    def _came_back(self, case: Case, i: int) -> Iterator[tuple[str, int, int]]:
        """Give the parts that had been awaited and are not any more by a moment, since when, and when that was known.

        Their readings have come, or the stay is asked otherwise, which acts as of then, whoever looks first.
        """
        parts, received_ms = self._parts(i), int(self.scores.received_ms[i])
        otherwise_ms = int(self.since_ms[i])
        for part in () if self.scores.late[i] else [part for part in case.overdue if part in parts]:
            age_ms = int(self.scores.age_ms[i, parts.index(part)])
            came_ms = NEVER if age_ms == NEVER_AGE else int(self.scores.at_ms[i]) - age_ms
            if self.stale[i, parts.index(part)]:
                continue
            if came_ms < case.overdue[part].due_ms <= otherwise_ms:
                yield part, otherwise_ms, otherwise_ms
            elif came_ms > NEVER:
                yield part, came_ms, received_ms


class _Messages:
    """The scored messages of one stay in the order of the log, counted as their moments are gone through.

    Of one stay, wave and beginning tell a message from every other: in a wave each begins after those before it.
    """

    def __init__(self, scores: Scores) -> None:
        self._scores = scores
        self._now: tuple[int, int] | None = None
        self.whole = -1

    def begins(self, i: int) -> bool:
        """Tell whether a moment is the first of its message; `whole` messages are then behind it."""
        now = int(self._scores.wave[i]), int(self._scores.rescored_from_ms[i])
        if now == self._now:
            return False
        self._now = now
        self.whole += 1
        return True


def _learn(over_time: OverTime, case: Case, waiting: list[Placed], whole: int) -> Case:
    """Tell what was learnt by the time that so many messages are told, and leave the rest waiting."""
    while waiting and waiting[0][0] <= whole:
        _, noted = waiting.pop(0)
        case = over_time.tick(case, noted.received_ms)
        case = lifecycle.learn(case, noted, over_time.at(noted.received_ms))
    return case
