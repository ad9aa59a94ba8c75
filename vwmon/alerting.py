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
from alerts.model import SYSTEM_STAY, Case, Level
from alerts.over_time import OverTime
from alerts.pauses import LASTS
from alerts.policy import BASE, POLICY
from vwmon import terms
from vwmon.attribution import COLUMN_OF_VITAL, NOBODY
from vwmon.duty import UNTOLD, Staffing
from vwmon.holds import Holds
from vwmon.kernels.ragged import Bools, Floats, Ints
from vwmon.kernels.windows import NEVER_AGE
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.limits import BY_THE_TABLE, Course
from vwmon.patients.places import Place, places
from vwmon.patients.records import Stay
from vwmon.pipeline import Gaps, Scores, came_ms
from vwmon.points import Refused
from vwmon.scoring.charts import PARTS
from vwmon.scoring.layouts import COLUMNS, EVERY_PART
from vwmon.store import attempts
from vwmon.store.sqlite import Connection
from vwmon.story import Placed, Story
from vwmon.ward import PlanTable

Change = tuple[int, Case, Case]
OF_PARTS = frozenset(f"value:{part}" for part in EVERY_PART)
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
        self._service = terms.of_service(staffing)
        self._system_provenance = system_provenance
        self._stays: Sequence[Stay] = ()
        self._provenance: Sequence[int] = ()
        self._expected: list[tuple[str, ...]] = []
        self._courses: Sequence[Course] = ()
        self._wards: Sequence[Sequence[Place]] = ()
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
        self,
        stays: Sequence[Stay],
        plans: PlanTable,
        provenance: Sequence[int],
        courses: Sequence[Course] = (),
        wards: Sequence[Sequence[Place]] = (),
    ) -> None:
        """Take the stays, plans and rules by row of the ward, and read back what is open for new rows.

        `wards` are those that each stay is and was on, its present one alone where they are not said.
        """
        before = self._stays
        self._stays, self._provenance, self._plans = stays, provenance, plans
        self._expected = _named(plans)
        self._courses = courses or [BY_THE_TABLE] * len(stays)
        self._wards = wards or [places(stay) for stay in stays]
        self.hold(self._holds)
        self._lowest, self._named = _asked(self._courses)
        grown = len(stays) - len(before)
        self._watched = np.pad(self._watched, (0, grown))
        self._awaited = np.pad(self._awaited, ((0, grown), (0, 0)))
        for row, case in self._load(range(len(before), len(stays))):
            self._note(row, case)

    def hold(self, holds: Holds) -> None:
        """Take what holds technical alerts back; stays with one course of rules and no pause share their terms."""
        self._holds = holds
        shared: dict[tuple[int, tuple[Place, ...], int], OverTime] = {}
        found = []
        for stay, course, wards in zip(self._stays, self._courses, self._wards, strict=True):
            key = id(course), tuple(wards), stay.stay_no if stay.stay_no in holds.pauses else 0
            if key not in shared:
                of_wards = terms.of_wards(wards, self._staffing)
                shared[key] = terms.over_time(course, holds.held(stay.stay_no), of_wards)
            found.append(shared[key])
        self._terms = found

    @property
    def least(self) -> int:
        """Give the least total at which a rule of any stay may start."""
        return int(self._lowest.min(initial=BASE.lowest))

    def asks_at_once(self, row: int, at_ms: int, total: int) -> bool:
        """Tell whether a total asks for an alert of level 3 by the limits of a stay at a moment."""
        rules = self._terms[row].at(at_ms).rules.clinical
        return any(
            rule.quantity == "total" and rule.level is Level.EMERGENCY and total >= rule.limit_on for rule in rules
        )

    def asked(self, row: int, at_ms: int, total: int, *, red: bool) -> Mapping[str, int]:
        """Give the rules that a total and a single 3 bear out by the limits of a stay at a moment, with their levels.

        Rules that wait for longer than a repeat is waited for are left out.
        """
        return {
            rule.name: int(rule.level)
            for rule in self._terms[row].at(at_ms).rules.clinical
            if rule.chart in {"", NEWS2}
            and rule.on_delay_ms <= POLICY.repeat_within_ms
            and ((rule.quantity == "total" and total >= rule.limit_on) or (rule.quantity == "red" and red))
        }

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
        plan, due_ms, stale = _stale(scores, self._plans)
        hit = breaching(scores, self._lowest[scores.stay]) | (self._watched | self._named)[scores.stay]
        hit |= (stale != self._awaited[scores.stay]).any(axis=1)
        rows = np.union1d(np.union1d(scores.stay[hit], gaps.stay), np.array(list(learnt), dtype=np.int64))
        chosen = np.flatnonzero(np.isin(scores.stay, rows))
        moments = _by_stay(chosen[np.argsort(scores.wave[chosen], kind="stable")], scores.stay)
        episodes = _by_stay(np.arange(len(gaps)), gaps.stay)
        refused = self._refused(scores, chosen)
        story = Story(
            scores=scores,
            gaps=gaps,
            stale=stale,
            due_ms=due_ms,
            plan=plan,
            since_ms=self._plans.from_ms(plan),
            expected=self._expected,
            plans=self._plans,
            refused=refused,
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
            after, over_time = case, self._terms[row]
            for fell_ms, i in sorted((int(due_ms[i]), i) for i in found[row]):
                part, last = self._plans.parts(row)[parts[i]], int(last_ms[i]) if last_ms[i] >= 0 else None
                after = over_time.tick(after, fell_ms)
                after = lifecycle.overdue(after, part, fell_ms, now_ms, last_ms=last, terms=over_time.at(now_ms))
            changes.append((row, case, over_time.tick(after, now_ms)))
        self._keep(changes)

    def wait_otherwise(self, late: Bools, now_ms: int) -> None:
        """End what is overdue no longer because its stay is asked otherwise, as of when that began.

        `late` (n, p) are the parts that are overdue now under the plans of now.
        """
        rows = np.unique(self._plans.later_stay)
        rows = rows[(self._awaited[rows] & ~late[rows]).any(axis=1)]
        plan = self._plans.at(rows, np.full(len(rows), now_ms))
        changes = []
        for (row, case), from_ms in zip(self._load(rows.tolist()), self._plans.from_ms(plan).tolist(), strict=True):
            after, then = self._terms[row].tick(case, from_ms), self._terms[row].at(from_ms)
            for number, part in enumerate(self._plans.parts(row)):
                if part in case.overdue and not late[row, number] and case.overdue[part].due_ms <= from_ms:
                    after = lifecycle.returned(after, part, from_ms, from_ms, then)
            changes.append((row, case, after))
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
        last = self._terms[row].at(LASTS)
        return [last.free_ms(rule, since_ms) for rule, since_ms in self._waiting[row]]

    def _refused(self, scores: Scores, chosen: Ints) -> Mapping[int, Refused]:
        """Read what came for the parts that count as refused at the chosen moments; mostly there are none."""
        rows, parts = np.nonzero(scores.refused_age_ms[chosen] != NEVER_AGE)
        if not len(rows):
            return {}
        rows = chosen[rows]
        ages = scores.refused_age_ms[rows, parts]
        stays = [self._stays[row].stay_no for row in scores.stay[rows].tolist()]
        tried = list(zip(stays, (scores.at_ms[rows] - ages).tolist(), strict=True))
        came: dict[tuple[int, int, str, int], str] = {}
        for (stay_no, vital, at_ms), sent in attempts.sent(self._db, set(tried)).items():
            for chart, columns in COLUMN_OF_VITAL.items():
                came.setdefault((stay_no, at_ms, chart, columns.get(vital, NOBODY)), sent)
        found: dict[int, dict[str, tuple[int, str]]] = {}
        for row, part, age_ms, one in zip(rows.tolist(), parts.tolist(), ages.tolist(), tried, strict=True):
            of = int(scores.stay[row])
            sent = came.get((*one, self._plans.chart(of), part), "")
            found.setdefault(row, {})[self._plans.parts(of)[part]] = (age_ms, sent)
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
        self._awaited[row] = [part in case.overdue for part in self._plans.parts(row)]
        self._waiting.pop(row, None)
        if waiting := faults.waiting(case):
            self._waiting[row] = waiting


def _named(plans: PlanTable) -> list[tuple[str, ...]]:
    """Name the parts that each plan expects; those of one chart that expect the same ones share their names."""
    codes = (plans.expected @ (1 << np.arange(len(PARTS)))).tolist()
    stays = plans.stay_of(np.arange(len(codes))).tolist()
    charts = [plans.chart(row) for row in stays] if len(plans.ages_ms) else [NEWS2] * len(codes)
    names = {
        (chart, code): tuple(part for bit, part in enumerate(COLUMNS[chart]) if code >> bit & 1)
        for chart, code in set(zip(charts, codes, strict=True))
    }
    return [names[key] for key in zip(charts, codes, strict=True)]


def _asked(courses: Sequence[Course]) -> tuple[Floats, Bools]:
    """Give by row the least total or bound at which a rule starts, and whether one asks for a part's own value.

    Both hold for all of a course: whatever fails them cannot matter at any time.
    """
    several = {id(one): one for one in courses}
    each = {key: (one.lowest, not one.asked.isdisjoint(OF_PARTS)) for key, one in several.items()}
    found = [each[id(one)] for one in courses]
    return np.array([lowest for lowest, _ in found], dtype=np.float64), np.array([of for _, of in found], dtype=bool)


def breaching(scores: Scores, lowest: Floats | float = BASE.lowest) -> NDArray[np.bool_]:
    """Mark the rows in which some rule of the score might hold, as alerts.verdicts.breaching does for one point.

    `lowest` is the least total or bound, of each row or of all, that any rule starts at.
    """
    found: Bools = scores.red | (scores.could_be >= lowest) | (scores.total_min >= lowest)
    return found


def _stale(scores: Scores, plans: PlanTable) -> tuple[Ints, Ints, Bools]:
    """Mark the parts (n, p) that are expected and overdue at each moment, by the stay's own time.

    Before them the plan of each moment (n,), and when each part was due (n, p).
    """
    plan = plans.at(scores.stay, scores.at_ms)
    due_ms = plans.due_ms(plan, came_ms(scores.at_ms, scores.age_ms))
    return plan, due_ms, plans.expected[plan] & (scores.at_ms[:, None] > due_ms)


def _by_stay(positions: Ints, stay: Ints) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for position, row in zip(positions.tolist(), stay[positions].tolist(), strict=True):
        found.setdefault(row, []).append(position)
    return found
