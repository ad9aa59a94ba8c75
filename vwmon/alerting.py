"""From scores to the work list: the points that can matter to an alert are picked out and followed, stay by stay.

Here the columns of the scoring side meet the cases of the alerts package. What counts as a breach is the rules';
what follows from it is the lifecycle's; neither is decided here. Every call but `follow` belongs in the caller's
transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts import deadlines, lifecycle, policy
from alerts import store as cases
from alerts.model import SYSTEM_STAY, Case
from vwmon import points
from vwmon.attribution import NOBODY, PART_OF_VITAL
from vwmon.kernels.ragged import Bools, Ints
from vwmon.kernels.windows import NEVER_AGE
from vwmon.patients.records import Stay
from vwmon.pipeline import Gaps, Scores
from vwmon.points import NOTHING, Refused
from vwmon.scoring.charts import PARTS
from vwmon.store import attempts
from vwmon.store.sqlite import Connection
from vwmon.ward import PlanTable

Change = tuple[int, Case, Case]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What the points of one step do to the cases, and the `stamp` of the work list that this is true for."""

    scores: Scores
    gaps: Gaps
    stamp: int
    changes: Sequence[Change]


class Alerting:
    """The cases of the ward, followed point by point; rows with something open are watched at every point."""

    def __init__(self, db: Connection, plans: PlanTable, system_provenance: int, host: str | None = None) -> None:
        """Begin without stays; `system_provenance` numbers the versions of what is raised for the whole service.

        `host` is the machine that the history names as where its events were written.
        """
        self._db, self._plans, self._host = db, plans, host
        self._system_provenance = system_provenance
        self._stays: Sequence[Stay] = ()
        self._provenance: Sequence[int] = ()
        self._expected: list[tuple[str, ...]] = []
        self._watched: Bools = np.zeros(0, dtype=bool)
        self._awaited: Bools = np.zeros((0, len(PARTS)), dtype=bool)
        self._cases: dict[int, Case] = {}
        self._stamp = 0

    def enrol(self, stays: Sequence[Stay], plans: PlanTable, provenance: Sequence[int]) -> None:
        """Take the stays and plans by row of the ward, and read back what is open for new rows."""
        before = self._stays
        self._stays, self._provenance, self._plans = stays, provenance, plans
        self._expected = [
            tuple(part for part, on in zip(PARTS, row, strict=True) if on) for row in plans.expected.tolist()
        ]
        grown = len(stays) - len(before)
        self._watched = np.pad(self._watched, (0, grown))
        self._awaited = np.pad(self._awaited, ((0, grown), (0, 0)))
        for row, case in self._load(range(len(before), len(stays))):
            self._note(row, case)

    def end(self, rows: Sequence[int], now_ms: int) -> None:
        """End what is expected of stays that were discharged; what was urgent awaits its outcome."""
        self._keep((row, case, lifecycle.discharged(case, now_ms)) for row, case in self._load(rows))

    def follow(self, scores: Scores, gaps: Gaps) -> Followed:
        """Follow the points of one step, in log order for each stay; nothing is written, and no lock is needed."""
        stamp = cases.stamp(self._db)
        stale = _stale(scores, self._plans)
        hit = breaching(scores) | self._watched[scores.stay] | (stale & ~self._awaited[scores.stay]).any(axis=1)
        rows = np.union1d(scores.stay[hit], gaps.stay)
        chosen = np.flatnonzero(np.isin(scores.stay, rows))
        moments = _by_stay(chosen[np.argsort(scores.wave[chosen], kind="stable")], scores.stay)
        episodes = _by_stay(np.arange(len(gaps)), gaps.stay)
        refused = self._refused(scores, chosen)
        story = _Story(scores=scores, gaps=gaps, stale=stale, plans=self._plans, refused=refused)
        on_the_ward = [row for row in rows.tolist() if self._stays[row].discharged_ms is None]
        changes = [
            (row, case, story.told(case, moments.get(row, []), episodes.get(row, []), self._expected[row]))
            for row, case in self._remembered(on_the_ward, stamp)
        ]
        return Followed(scores=scores, gaps=gaps, stamp=stamp, changes=changes)

    def keep(self, followed: Followed) -> None:
        """Write what a step changed; where a person acted since it was followed, follow it again first."""
        if cases.stamp(self._db) != followed.stamp:
            followed = self.follow(followed.scores, followed.gaps)
        self._keep(followed.changes)
        self._stamp = cases.stamp(self._db)

    def fall_overdue(self, rows: Ints, parts: Ints, due_ms: Ints, last_ms: Ints, now_ms: int) -> None:
        """Mark what has become overdue by the clock, as of when it fell due; `last_ms` is below 0 where none came.

        In the order of their times, each after the stored deadlines that had passed by then: one look may find many.
        """
        found = _by_stay(np.flatnonzero(~self._awaited[rows, parts]), rows)
        changes = []
        for row, case in self._load(list(found)):
            after = case
            for i in sorted(found[row], key=lambda each: int(due_ms[each])):
                last = int(last_ms[i]) if last_ms[i] >= 0 else None
                after = deadlines.tick(after, int(due_ms[i]))
                after = lifecycle.overdue(after, PARTS[parts[i]], int(due_ms[i]), now_ms, last_ms=last)
            changes.append((row, case, after))
        self._keep(changes)

    def tick(self, now_ms: int) -> None:
        """Let the stored deadlines that have passed act, as of when each fell due."""
        due = cases.due(self._db, now_ms)
        if due:
            self._cases.clear()
        rows = {stay.stay_no: row for row, stay in enumerate(self._stays)} if due else {}
        for stay_no, case in cases.load(self._db, due).items():
            row = rows.get(stay_no)
            provenance = self._system_provenance if row is None else self._provenance[row]
            cases.save(self._db, case, deadlines.tick(case, now_ms), provenance, self._host)

    def system(self, rule: str, since_ms: int | None, now_ms: int) -> None:
        """Raise a condition of the whole service as of `since_ms`, or lower it when that is None."""
        case = cases.load(self._db, [SYSTEM_STAY])[SYSTEM_STAY]
        if since_ms is None:
            after = lifecycle.returned(case, rule, now_ms, now_ms)
        else:
            after = lifecycle.overdue(case, rule, since_ms, now_ms)
        cases.save(self._db, case, after, self._system_provenance, self._host)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """One step's scores and gaps, told to one case after the other."""

    scores: Scores
    gaps: Gaps
    stale: Bools
    plans: PlanTable
    refused: Mapping[int, Refused]

    def told(self, case: Case, moments: Sequence[int], episodes: Sequence[int], expected: tuple[str, ...]) -> Case:
        """Tell a case its moments in order, each after what fell overdue or returned before it."""
        scores, left = self.scores, list(episodes)
        for i in moments:
            received_ms = int(scores.received_ms[i])
            while left and self._ended(left[0]) <= (int(scores.wave[i]), int(scores.at_ms[i])):
                case = self._episode(case, left.pop(0))
            if not scores.late[i]:
                case = self._silences(case, i, received_ms)
            case = deadlines.tick(case, received_ms)
            case = lifecycle.observe(
                case, points.point(scores, i, case.stay_no, expected, self.refused.get(i, NOTHING))
            )
        return case

    def _ended(self, gap: int) -> tuple[int, int]:
        return int(self.gaps.wave[gap]), int(self.gaps.ended_ms[gap])

    def _episode(self, case: Case, gap: int) -> Case:
        """Tell of a part that was overdue until its reading came."""
        gaps = self.gaps
        part, received_ms = PARTS[gaps.part[gap]], int(gaps.received_ms[gap])
        case = lifecycle.overdue(case, part, int(gaps.due_ms[gap]), received_ms)
        return lifecycle.returned(case, part, int(gaps.ended_ms[gap]), received_ms)

    def _silences(self, case: Case, i: int, received_ms: int) -> Case:
        """Tell of the parts that are overdue at a moment, and of those that no longer are."""
        scores, row = self.scores, self.scores.stay[i]
        at_ms = int(scores.at_ms[i])
        for number in np.flatnonzero(self.stale[i]).tolist():
            age_ms = int(scores.age_ms[i, number])
            last_ms = None if age_ms == NEVER_AGE else at_ms - age_ms
            since_ms = int(self.plans.admitted_ms[row]) if last_ms is None else last_ms
            due_ms = since_ms + int(self.plans.overdue_ms[row, number])
            case = lifecycle.overdue(case, PARTS[number], due_ms, received_ms, last_ms=last_ms)
        for part in [part for part in case.overdue if not self.stale[i, PARTS.index(part)]]:
            age_ms = int(scores.age_ms[i, PARTS.index(part)])
            if age_ms != NEVER_AGE:
                case = lifecycle.returned(case, part, at_ms - age_ms, received_ms)
        return case


def breaching(scores: Scores) -> NDArray[np.bool_]:
    """Mark the rows in which some clinical rule might hold, as alerts.policy.breaching does for one point."""
    return scores.red | (scores.could_be >= policy.LOWEST) | (scores.total_min >= policy.LOWEST)


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
