"""From scores to the work list: the points that can matter to an alert are picked out and followed, stay by stay.

Here the columns of the scoring side meet the cases of the alerts package. What counts as a breach is the rules';
what follows from it is the lifecycle's; neither is decided here. Every call but `follow` belongs in the caller's
transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from alerts import faults, handovers, lifecycle
from alerts import store as cases
from alerts.faults import Finding, Waiting
from alerts.model import SYSTEM_STAY, Case
from alerts.pauses import LASTS
from alerts.policy import BASE
from vwmon import points
from vwmon.attribution import NOBODY, PART_OF_VITAL
from vwmon.duty import UNTOLD, Staffing
from vwmon.holds import Holds
from vwmon.kernels.ragged import Bools, Floats, Ints
from vwmon.kernels.windows import NEVER_AGE
from vwmon.over_time import OverTime
from vwmon.patients.limits import BY_THE_TABLE, Course
from vwmon.patients.records import Stay
from vwmon.pipeline import Gaps, Scores
from vwmon.points import NOTHING, Noted, Refused
from vwmon.scoring.charts import PARTS
from vwmon.store import attempts
from vwmon.store.sqlite import Connection
from vwmon.ward import PlanTable

Change = tuple[int, Case, Case]
Placed = tuple[int, Noted]  # after how many scored messages of its stay in the step something is known
NOTHING_LEARNT: Mapping[int, Sequence[Placed]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What the points of one step do to the cases, and the `stamp` of the work list that this is true for."""

    scores: Scores
    gaps: Gaps
    learnt: Mapping[int, Sequence[Placed]]
    stamp: int
    changes: Sequence[Change]


class Alerting:
    """The cases of the ward, followed point by point; rows with something open are watched at every point."""

    def __init__(
        self,
        db: Connection,
        plans: PlanTable,
        system_provenance: int,
        host: str | None = None,
        staffing: Staffing = UNTOLD,
    ) -> None:
        """Begin without stays; `system_provenance` numbers the versions of what is raised for the whole service.

        `host` is the machine that the history names as where its events were written.
        """
        self._db, self._plans, self._host, self._staffing = db, plans, host, staffing
        self._service = OverTime.of(BY_THE_TABLE, {}, staffing.terms(""))
        self._system_provenance = system_provenance
        self._stays: Sequence[Stay] = ()
        self._provenance: Sequence[int] = ()
        self._expected: list[tuple[str, ...]] = []
        self._courses: Sequence[Course] = ()
        self._terms: Sequence[OverTime] = ()
        self._holds = Holds()
        self._waiting: dict[int, Waiting] = {}
        self._lowest = np.zeros(0)
        self._named: Bools = np.zeros(0, dtype=bool)
        self._watched: Bools = np.zeros(0, dtype=bool)
        self._awaited: Bools = np.zeros((0, len(PARTS)), dtype=bool)
        self._cases: dict[int, Case] = {}
        self._stamp = 0

    def enrol(
        self, stays: Sequence[Stay], plans: PlanTable, provenance: Sequence[int], courses: Sequence[Course] = ()
    ) -> None:
        """Take the stays, plans and rules by row of the ward, and read back what is open for new rows."""
        before = self._stays
        self._stays, self._provenance, self._plans = stays, provenance, plans
        self._expected = [
            tuple(part for part, on in zip(PARTS, row, strict=True) if on) for row in plans.expected.tolist()
        ]
        self._courses = courses or [BY_THE_TABLE] * len(stays)
        self.hold(self._holds)
        self._lowest = np.array([one.lowest for one in self._terms], dtype=np.float64)
        self._named = np.array([one.of_parts for one in self._terms], dtype=bool)
        grown = len(stays) - len(before)
        self._watched = np.pad(self._watched, (0, grown))
        self._awaited = np.pad(self._awaited, ((0, grown), (0, 0)))
        for row, case in self._load(range(len(before), len(stays))):
            self._note(row, case)

    def hold(self, holds: Holds) -> None:
        """Take what holds technical alerts back; stays with one course of rules and no pause share their terms."""
        self._holds = holds
        shared: dict[tuple[int, str, int], OverTime] = {}
        terms = []
        for stay, course in zip(self._stays, self._courses, strict=True):
            key = id(course), stay.ward, stay.stay_no if stay.stay_no in holds.pauses else 0
            if key not in shared:
                shared[key] = OverTime.of(course, holds.held(stay.stay_no), self._staffing.terms(stay.ward))
            terms.append(shared[key])
        self._terms = terms

    def end(self, rows: Sequence[int], now_ms: int) -> None:
        """End what is expected of stays that were discharged; what was urgent awaits its outcome."""
        self._keep(
            (row, case, lifecycle.discharged(case, now_ms, self._terms[row].at(now_ms)))
            for row, case in self._load(rows)
        )

    def follow(self, scores: Scores, gaps: Gaps, learnt: Mapping[int, Sequence[Placed]] = NOTHING_LEARNT) -> Followed:
        """Follow the points of one step, in log order for each stay; nothing is written, and no lock is needed.

        `learnt` is what was learnt of each row beside them.
        """
        stamp = cases.stamp(self._db)
        stale = _stale(scores, self._plans)
        hit = breaching(scores, self._lowest[scores.stay]) | (self._watched | self._named)[scores.stay]
        hit |= (stale & ~self._awaited[scores.stay]).any(axis=1)
        rows = np.union1d(np.union1d(scores.stay[hit], gaps.stay), np.array(list(learnt), dtype=np.int64))
        chosen = np.flatnonzero(np.isin(scores.stay, rows))
        moments = _by_stay(chosen[np.argsort(scores.wave[chosen], kind="stable")], scores.stay)
        episodes = _by_stay(np.arange(len(gaps)), gaps.stay)
        refused = self._refused(scores, chosen)
        story = _Story(
            scores=scores, gaps=gaps, stale=stale, expected=self._expected, plans=self._plans, refused=refused
        )
        on_the_ward = [row for row in rows.tolist() if self._stays[row].discharged_ms is None]
        changes = [
            (
                row,
                case,
                story.told(self._terms[row], case, moments.get(row, []), episodes.get(row, []), learnt.get(row, ())),
            )
            for row, case in self._remembered(on_the_ward, stamp)
        ]
        return Followed(scores=scores, gaps=gaps, learnt=learnt, stamp=stamp, changes=changes)

    def keep(self, followed: Followed) -> None:
        """Write what a step changed; where a person acted since it was followed, follow it again first."""
        if cases.stamp(self._db) != followed.stamp:
            followed = self.follow(followed.scores, followed.gaps, followed.learnt)
        self._keep(followed.changes)
        self._stamp = cases.stamp(self._db)

    def fall_overdue(self, rows: Ints, parts: Ints, due_ms: Ints, last_ms: Ints, now_ms: int) -> None:
        """Mark what has become overdue by the clock, as of when it fell due; `last_ms` is below 0 where none came.

        In the order of their times, each after the stored deadlines that had passed by then: one look may find many.
        """
        found = _by_stay(np.flatnonzero(~self._awaited[rows, parts]), rows)
        changes = []
        for row, case in self._load(list(found)):
            after, terms = case, self._terms[row]
            for fell_ms, i in sorted((int(due_ms[i]), i) for i in found[row]):
                part, last = PARTS[parts[i]], int(last_ms[i]) if last_ms[i] >= 0 else None
                after = terms.tick(after, fell_ms)
                after = lifecycle.overdue(after, part, fell_ms, now_ms, last_ms=last, terms=terms.at(now_ms))
            changes.append((row, case, terms.tick(after, now_ms)))
        self._keep(changes)

    def tick(self, now_ms: int) -> None:
        """Let the stored deadlines that have passed act, as of when each fell due."""
        handovers.end(self._db, now_ms)
        due = cases.due(self._db, now_ms, told=self._staffing.told)
        if due:
            self._cases.clear()
        rows = {stay.stay_no: row for row, stay in enumerate(self._stays)} if due else {}
        for stay_no, case in cases.load(self._db, due).items():
            row = rows.get(stay_no)
            provenance = self._system_provenance if row is None else self._provenance[row]
            after = (self._service if row is None else self._terms[row]).tick(case, now_ms)
            cases.save(self._db, case, after, provenance, self._host)
            if row is not None:
                self._note(row, after)

    def release(self, now_ms: int) -> None:
        """Raise what was held back and is no longer, as of when that ended."""
        free = [row for row in self._waiting if any(at_ms <= now_ms for at_ms in self._free_ms(row))]
        self._keep((row, case, self._terms[row].tick(case, now_ms)) for row, case in self._load(free))

    def releases(self, after_ms: int) -> list[int]:
        """Give the moments after a time at which something held back will be held back no longer."""
        return [at_ms for row in self._waiting for at_ms in self._free_ms(row) if after_ms < at_ms < LASTS]

    def find(self, stay_no: int, findings: Sequence[Finding]) -> None:
        """Follow what was found of one stay's devices, or of the whole service."""
        if stay_no == SYSTEM_STAY:
            case = cases.load(self._db, [SYSTEM_STAY])[SYSTEM_STAY]
            after = self._service.found(case, findings)
            cases.save(self._db, case, after, self._system_provenance, self._host)
            return
        rows = [row for row, stay in enumerate(self._stays) if stay.stay_no == stay_no and stay.discharged_ms is None]
        self._keep((row, case, self._terms[row].found(case, findings)) for row, case in self._load(rows))

    def _free_ms(self, row: int) -> list[int]:
        terms = self._terms[row].at(LASTS)
        return [terms.free_ms(rule, since_ms) for rule, since_ms in self._waiting[row]]

    def _refused(self, scores: Scores, chosen: Ints) -> Mapping[int, Refused]:
        """Read what came for the parts that count as refused at the chosen moments; mostly there are none."""
        rows, parts = np.nonzero(scores.refused_age_ms[chosen] != NEVER_AGE)
        if not len(rows):
            return {}
        rows = chosen[rows]
        ages = scores.refused_age_ms[rows, parts]
        stays = [self._stays[row].stay_no for row in scores.stay[rows].tolist()]
        tried = list(zip(stays, (scores.at_ms[rows] - ages).tolist(), strict=True))
        came: dict[tuple[int, int, int], str] = {}
        for (stay_no, vital, at_ms), sent in attempts.sent(self._db, set(tried)).items():
            came.setdefault((stay_no, at_ms, PART_OF_VITAL.get(vital, NOBODY)), sent)
        found: dict[int, dict[str, tuple[int, str]]] = {}
        for row, part, age_ms, one in zip(rows.tolist(), parts.tolist(), ages.tolist(), tried, strict=True):
            found.setdefault(row, {})[PARTS[part]] = (age_ms, came.get((*one, part), ""))
        return found

    def _remembered(self, rows: Sequence[int], stamp: int) -> Iterator[tuple[int, Case]]:
        """Give the cases of some rows as they were read last, if nothing happened to any alert since."""
        if stamp != self._stamp:
            self._cases.clear()
            self._stamp = stamp
        self._cases.update(self._load([row for row in rows if row not in self._cases]))
        return ((row, self._cases[row]) for row in rows)

    def _load(self, rows: Sequence[int]) -> Iterator[tuple[int, Case]]:
        """Read the cases of some rows, all at once."""
        if not len(rows):
            return
        found = cases.load(self._db, [self._stays[row].stay_no for row in rows])
        for row in rows:
            yield row, found[self._stays[row].stay_no]

    def _keep(self, changes: Iterable[Change]) -> None:
        """Write the cases that changed, those of one set of versions together."""
        by_versions: dict[int, list[tuple[Case, Case]]] = {}
        for row, before, after in changes:
            if after is not before:
                self._cases.pop(row, None)
                by_versions.setdefault(self._provenance[row], []).append((before, after))
                self._note(row, after)
        for provenance, changed in by_versions.items():
            cases.save_all(self._db, changed, provenance, self._host)

    def _note(self, row: int, case: Case) -> None:
        self._watched[row] = not case.quiet
        self._awaited[row] = [part in case.overdue for part in PARTS]
        self._waiting.pop(row, None)
        if waiting := faults.waiting(case):
            self._waiting[row] = waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """One step's scores and gaps, told to one case after the other."""

    scores: Scores
    gaps: Gaps
    stale: Bools
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
        expected, refused = self.expected[scores.stay[i]], self.refused.get(i, NOTHING)
        point = points.point(scores, i, case.stay_no, expected, refused)
        return lifecycle.observe(case, point, over_time.at(received_ms))

    def _ended(self, gap: int) -> tuple[int, int]:
        return int(self.gaps.wave[gap]), int(self.gaps.ended_ms[gap])

    def _silences(self, over_time: OverTime, case: Case, i: int, ended: Sequence[int]) -> Case:
        """Tell of the parts that fell overdue by a moment, in the order of their times, then of those that returned.

        `ended` are the gaps whose reading came with it: what else is overdue by then was so before they ended.
        """
        gaps, received_ms = self.gaps, int(self.scores.received_ms[i])
        terms = over_time.at(received_ms)
        fell = [*self._fell_due(case, i), *((int(gaps.due_ms[gap]), PARTS[gaps.part[gap]], None) for gap in ended)]
        for due_ms, part, last_ms in sorted(fell, key=lambda one: (one[0], PARTS.index(one[1]))):
            case = over_time.tick(case, min(due_ms, received_ms))
            case = lifecycle.overdue(case, part, due_ms, received_ms, last_ms=last_ms, terms=terms)
        case = over_time.tick(case, received_ms)
        for gap in ended:
            part, ended_ms, known_ms = PARTS[gaps.part[gap]], int(gaps.ended_ms[gap]), int(gaps.received_ms[gap])
            case = lifecycle.returned(case, part, ended_ms, known_ms, terms)
        for part, at_ms in self._came_back(case, i):
            case = lifecycle.returned(case, part, at_ms, received_ms, terms)
        return case

    def _fell_due(self, case: Case, i: int) -> Iterator[tuple[int, str, int | None]]:
        """Give the parts that are overdue at a moment and were not known to be: since when, and when each came last.

        Of a moment that came late nothing is said: the stay had shown something newer.
        """
        scores, row, lasting = self.scores, self.scores.stay[i], case.overdue
        for number in [] if scores.late[i] else np.flatnonzero(self.stale[i]).tolist():
            if PARTS[number] not in lasting:
                age_ms = int(scores.age_ms[i, number])
                last_ms = None if age_ms == NEVER_AGE else int(scores.at_ms[i]) - age_ms
                since_ms = int(self.plans.admitted_ms[row]) if last_ms is None else last_ms
                yield since_ms + int(self.plans.overdue_ms[row, number]), PARTS[number], last_ms

    def _came_back(self, case: Case, i: int) -> Iterator[tuple[str, int]]:
        """Give the parts whose readings had been awaited and have come by a moment, and of when they are."""
        for part in () if self.scores.late[i] else [part for part in case.overdue if part in PARTS]:
            age_ms = int(self.scores.age_ms[i, PARTS.index(part)])
            if not self.stale[i, PARTS.index(part)] and age_ms != NEVER_AGE:
                yield part, int(self.scores.at_ms[i]) - age_ms


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


def breaching(scores: Scores, lowest: Floats | float = BASE.lowest) -> NDArray[np.bool_]:
    """Mark the rows in which some rule of the score might hold, as alerts.verdicts.breaching does for one point.

    `lowest` is the least total or bound, of each row or of all, that any rule starts at.
    """
    found: Bools = scores.red | (scores.could_be >= lowest) | (scores.total_min >= lowest)
    return found


def _stale(scores: Scores, plans: PlanTable) -> Bools:
    """Mark the parts (n, p) that are expected and overdue at each moment, by the stay's own time."""
    waited = (scores.at_ms - plans.admitted_ms[scores.stay])[:, None]
    age_ms = np.where(scores.age_ms == NEVER_AGE, waited, scores.age_ms)
    return plans.expected[scores.stay] & (age_ms > plans.overdue_ms[scores.stay])


def _by_stay(positions: Ints, stay: Ints) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for position, row in zip(positions.tolist(), stay[positions].tolist(), strict=True):
        found.setdefault(row, []).append(position)
    return found
