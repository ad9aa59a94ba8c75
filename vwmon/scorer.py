"""The scorer: follows the log from its cursor, and commits scores, alerts and the new cursor together.

A crash at any point loses nothing and doubles nothing: what was not committed is read again from the log.
How a score or an alert comes about is not decided here.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from alerts import store as cases
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY
from vwmon import attribution, lateness, pipeline, points, terms
from vwmon.alerting import NOTHING_LEARNT, Alerting, Followed
from vwmon.attribution import LogColumns, Vitals
from vwmon.kernels.ragged import Ints
from vwmon.patients import plans
from vwmon.patients.places import places
from vwmon.patients.records import Entry
from vwmon.pipeline import Gaps, Scores
from vwmon.provenance import SYSTEM, Provenance
from vwmon.quantities import Learnt, Quantities, placed
from vwmon.roster import Roster
from vwmon.store import attempts, canary, findings, limits, own_schedules, reckoning, registers, scores, transfers
from vwmon.store import readings as stored
from vwmon.store.database import atomic
from vwmon.store.findings import Found, Key
from vwmon.store.fresh import Fresh
from vwmon.store.sqlite import Connection
from vwmon.story import Placed
from vwmon.ward import Readings, Ward

BATCH = 16_000
KEPT_MS = 30 * 60_000  # of history in memory, beyond the last reading of each series; older is read back
TRIM_AT = 1.25  # the windows are trimmed when they hold this many times what the last trimming left
LEAST_TRIMMED = 100_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What one step of the ward comes to, before it is written: by wave what of the scores, and what of the alerts."""

    scores: Sequence[tuple[Sequence[tuple[int, int]], Sequence[tuple[int, ...]]]]
    alerts: Followed


class Scorer:
    """The ward in memory, the cursor in the log, and the step from one to the next. One thread uses it."""

    def __init__(
        self, db: Connection, versions: Provenance, now_ms: int, *, batch: int = BATCH, fresh: Fresh | None = None
    ) -> None:
        """Read the registers, the windows and what is open back from the database.

        The scorer follows the log by what is `fresh`, where it is, and else by reading it.
        """
        self._db, self._versions, self._batch, self._fresh = db, versions, batch, fresh or Fresh()
        self.cursor = scores.cursor(db)
        self._names = stored.vitals(db)
        self._vitals = Vitals(self._names)
        self._register_version = registers.register_version(db)
        self._layers, self._quantities = versions.layers(), Quantities(db, versions.zone)
        self._roster = Roster(stays=(), assignments=frozenset(), plans=plans.load_all())
        self._ward = Ward(self._roster.plan_table())
        self._standing = findings.known(db)
        self._heard_ms: Ints = np.zeros(0, dtype=np.int64)
        self._trimmed_to = 0
        self._tried = len(attempts.numbers(db, 0, self.cursor))
        self.last_received_ms: int | None = None
        self.last_observed_ms: int | None = None
        with atomic(db):
            system = versions.number(db, SYSTEM)
            self._alerting = Alerting(db, self._ward.plans, system, versions.host, versions.staffing)
            self._enrol()
        self._rebuild()
        with atomic(db):
            self._act_on(registers.unnoticed(db), now_ms)

    @property
    def stays(self) -> int:
        """Count the stays that are open and of a person."""
        return sum(stay.discharged_ms is None and stay.pathway != plans.CANARY for stay in self._roster.stays)

    @property
    def standing(self) -> Mapping[Key, Finding]:
        """Give what was found of devices and of the whole service and is not over."""
        return self._standing

    @property
    def readings(self) -> int:
        """Count the readings up to the cursor; an attempt that was refused is none."""
        return self.cursor - self._tried

    def lag_ms(self, now_ms: int) -> int:
        """Tell how long the oldest reading that is not scored yet has waited; 0 when there is none."""
        waiting = stored.rows_after(self._db, self.cursor, 1)
        return max(0, now_ms - waiting[0][5]) if waiting else 0

    def cycle(self, now_ms: int) -> int:
        """Score the next rows of the log and commit what comes of them; return how many rows there were.

        The registers are read after the rows, so that whoever a device was given to before it spoke is known. The
        scoring itself holds no lock: the log grows meanwhile.
        """
        rows = self._next()
        self._follow_registers(now_ms)
        if len(rows):
            self._advance(rows)
        self._trim()
        return len(rows)

    def breaches(self, since_ms: int) -> tuple[int, int]:
        """Count the open stays whose score, received since a time, asks for an alert of level 3; and those without."""
        rows = {stay.stay_no: row for row, stay in enumerate(self._roster.stays) if stay.pathway != plans.CANARY}
        found = reckoning.breaches(self._db, self._alerting.least, since_ms)
        asks = [
            raised
            for stay_no, received_ms, total, raised in found
            if stay_no in rows and self._alerting.asks_at_once(rows[stay_no], received_ms, total)
        ]
        return len(asks), asks.count(False)

    def asked(self, stay_no: int, at_ms: int, total: int, red: bool) -> Mapping[str, int]:  # noqa: FBT001 -- as counted
        """Give the rules that a score bears out by the limits of its stay at a moment, with their levels."""
        row = self._row_of.get(stay_no)
        return {} if row is None else self._alerting.asked(row, at_ms, total, red=red)

    def made_by(self, stay_no: int) -> int:
        """Give the number of the versions by which a stay is scored now."""
        return int(self._provenance[self._row_of[stay_no]])

    def tick(self, now_ms: int) -> None:
        """Let time pass: what has fallen overdue, and the stored deadlines that have passed.

        Only for a log that is scored to its end: what came meanwhile is in it.
        """
        rows, parts, due_ms = pipeline.overdue(self._ward, now_ms)
        past = due_ms < now_ms - self._behind_ms(pipeline.plans_at(self._ward, now_ms)[rows], parts, now_ms)
        late = np.zeros(self._ward.windows.latest_ms.shape, dtype=bool)
        late[rows, parts] = True
        rows, parts, due_ms = rows[past], parts[past], due_ms[past]
        last_ms = self._ward.windows.latest_ms[rows, parts]
        with atomic(self._db):
            self._alerting.wait_otherwise(late, now_ms)
            self._alerting.fall_overdue(rows, parts, due_ms, last_ms, now_ms)
            self._alerting.release(now_ms)
            self._alerting.tick(now_ms)

    def settle(self, now_ms: int) -> None:
        """Let the stored deadlines that have passed act, and nothing fall overdue: no time passes but a recording's."""
        with atomic(self._db):
            self._alerting.tick(now_ms)

    def next_due_ms(self, after_ms: int) -> int | None:
        """Give the first moment after `after_ms` at which a tick may find something, if nothing more comes."""
        plans, parts, due_ms = pipeline.dues(self._ward)
        found = np.append(due_ms + self._behind_ms(plans, parts, after_ms) + 1, self._ward.plans.later_ms)
        times = [
            *found[found > after_ms].tolist(),
            *cases.expiries(self._db, after_ms, told=self._versions.staffing.told),
            *self._alerting.releases(after_ms),
        ]
        return min(times, default=None)

    def _behind_ms(self, plan: Ints, part: Ints, now_ms: int) -> Ints:
        """Give how far behind now it is for parts under plans, (q,) each."""
        lag_ms = lateness.of_stays(self._ward, self._heard_ms, self._registered_ms, now_ms)
        return lateness.of_plans(self._ward.plans, plan, part, lag_ms)

    def find(self, stay_no: int, found: Iterable[Finding], now_ms: int) -> None:
        """Follow what was found of a stay's devices, or of the whole service, and keep it; what is known is no news."""
        news = [
            Found(stay_no=stay_no, finding=one, noticed_ms=now_ms, cursor=self.cursor)
            for one in found
            if self._is_news(stay_no, one)
        ]
        if not news:
            return
        with atomic(self._db):
            findings.write(self._db, news)
            if stay_no == SYSTEM_STAY:
                self._hold()
            self._alerting.find(stay_no, [one.finding for one in news])
        for one in news:
            self._standing.pop(one.key, None)
            if one.finding.since_ms is not None:
                self._standing[one.key] = one.finding

    def _is_news(self, stay_no: int, one: Finding) -> bool:
        """Tell whether a fault is new, or one that stands is over; its end cannot be known from before it began."""
        stands = self._standing.get((stay_no, one.rule, one.what))
        if stands is None or stands.since_ms is None:
            return one.since_ms is not None
        return one.since_ms is None and one.at_ms >= stands.since_ms

    def _hold(self) -> None:
        """Take what holds technical alerts back as it is stored."""
        self._alerting.hold(terms.holds(self._db))

    def _advance(self, rows: LogColumns) -> None:
        readings = self._readings(rows)
        for row in self._ward.out_of_reach(readings).tolist():
            self._reload(row)
        stepped = self._step(readings, self._quantities.of(rows, self._intervals, self._names))
        with atomic(self._db):
            self._keep(stepped)
            scores.move_cursor(self._db, int(rows.seq[-1]))
        self._note_last(rows)
        self.cursor = int(rows.seq[-1])

    def _note_last(self, rows: LogColumns) -> None:
        """Note what came last, leaving out attempts and what was made up; words have no number either.

        So the log says which is which.
        """
        if np.isnan(rows.value).any():
            tried = attempts.numbers(self._db, self.cursor, int(rows.seq[-1]))
            self._tried += len(tried)
            rows = rows.where(~np.isin(rows.seq, tried))
        if len(self._unheard):
            rows = rows.where(~np.isin(rows.device, self._unheard))
        if len(rows):
            self.last_received_ms = int(rows.received_ms[-1])
            self.last_observed_ms = max(self.last_observed_ms or 0, int(rows.observed_ms.max()))

    def _step(self, readings: Readings, learnt: Sequence[Learnt] = ()) -> _Step:
        """Score readings, move the ward past them, and tell the alerts, also of what was learnt beside the scores.

        Nothing is written, and no lock is held.
        """
        frontier_ms = self._ward.frontier_ms.copy()
        moments, gaps = pipeline.step(self._ward, readings)
        self._hear(readings)
        return self._stepped(frontier_ms, moments, gaps, placed(readings, learnt))

    def _stepped(
        self, frontier_ms: Ints, moments: Scores, gaps: Gaps, learnt: Mapping[int, Sequence[Placed]] = NOTHING_LEARNT
    ) -> _Step:
        """Say what scored moments come to; the stays had come to `frontier_ms` before."""
        waves = [moments.where(moments.wave == wave) for wave in range(int(moments.wave.max(initial=-1)) + 1)]
        return _Step(
            scores=[
                (points.rewritten(wave, frontier_ms), points.stored_rows(wave, self._stay_nos, self._provenance))
                for wave in waves
            ],
            alerts=self._alerting.follow(moments, gaps, learnt),
        )

    def _keep(self, step: _Step) -> None:
        """Write a step in the caller's transaction; what a late reading has re-scored is removed first."""
        for rewritten, rows in step.scores:
            for row, from_ms in rewritten:
                scores.forget_from(self._db, self._roster.stays[row].stay_no, from_ms)
            scores.write(self._db, rows)
            if self._made_up:
                canary.tell(self._db, [(row[0], row[1]) for row in rows if row[0] in self._made_up])
        self._alerting.keep(step.alerts)

    def _next(self) -> LogColumns:
        """Give the rows of the log that follow the cursor: whole messages, some `batch` of them."""
        if fresh := self._fresh.after(self.cursor, self._batch):
            return LogColumns.of(fresh, attribution.AS_APPENDED)
        return LogColumns.of(stored.rows_after(self._db, self.cursor, self._batch))

    def _readings(self, columns: LogColumns) -> Readings:
        """Say whose readings they are; a vital that came for the first time is looked up."""
        if len(columns) and int(columns.vital.max()) not in self._vitals.known:
            self._names = stored.vitals(self._db)
            self._vitals = Vitals(self._names)
        return attribution.attribute(columns, self._intervals, self._vitals, self._ward.plans.children)

    def _follow_registers(self, now_ms: int) -> None:
        if registers.register_version(self._db) == self._register_version:
            return
        with atomic(self._db):
            self._register_version = registers.register_version(self._db)
            self._enrol()
            self._act_on(registers.unnoticed(self._db), now_ms)

    def _act_on(self, entries: Sequence[Entry], now_ms: int) -> None:
        """Do what changes of the registers ask for, which may have been made while nothing ran: end stays, score anew.

        Nothing of that is left undone by a stop in between: what is done is noted in the same transaction.
        """
        if not entries:
            return
        moved = self._roster.moved_by(entries)
        self._alerting.end(self._roster.ended_by(entries), now_ms)
        devices = sorted({device_no for one in moved.values() for device_no in one.device_nos})
        heard = {device_no for device_no, _ in stored.latest(self._db, devices, self.cursor)}
        heard |= {device_no for seq, device_no, *_ in attempts.history(self._db, devices) if seq <= self.cursor}
        for row, one in moved.items():
            if one.device_nos & heard:
                self._rescore(row, one.from_ms, now_ms)
        for row, from_ms in self._roster.rescaled_by(entries).items():
            self._rescale(row, from_ms, now_ms)
        registers.notice(self._db, self.cursor, now_ms)

    def _enrol(self) -> None:
        """Take the registers as they are: stays, plans, who had which device when."""
        self._roster = self._roster.renewed(
            registers.stays(self._db), registers.assignments(self._db), own_schedules.by_stay(self._db)
        )
        self._intervals, self._row_of = self._roster.intervals(), self._roster.row_of
        self._ward.plan(self._roster.plan_table())
        self._made_up = {stay.stay_no for stay in self._roster.stays if stay.pathway == plans.CANARY}
        made_up = [one.device_no for one in self._roster.assignments if one.stay_no in self._made_up]
        self._unheard = np.array(made_up, dtype=np.int64)
        self._stay_nos = np.array(self._roster.stay_nos, dtype=np.int64)
        registered = registers.registered(self._db)
        self._registered_ms = np.array([registered.get(number, 0) for number in self._roster.stay_nos], dtype=np.int64)
        self._heard_ms = np.pad(self._heard_ms, (0, len(self._stay_nos) - len(self._heard_ms)))
        self._provenance = np.array(
            [self._versions.number(self._db, stay.pathway) for stay in self._roster.stays], dtype=np.int64
        )
        self._hold()
        stays, own, moved = self._roster.stays, limits.by_stay(self._db), transfers.by_stay(self._db)
        wards = [places(stay, moved.get(stay.stay_no, ())) for stay in stays]
        courses = [self._layers.course(stay, own.get(stay.stay_no, ()), moved.get(stay.stay_no, ())) for stay in stays]
        self._alerting.enrol(stays, self._ward.plans, self._provenance.tolist(), courses, wards)
        # Where people live does not move with them: their days are those of the clock on the first ward.
        self._quantities.enrol([replace(one, ward=on[0].ward) for one, on in zip(stays, wards, strict=True)], courses)

    def _rebuild(self) -> None:
        """Read the windows back as far as the next reading needs them: the latest of every series, and attempt at it.

        A reading that is no later than these has its stay read back whole, as one that is older than the windows has.
        So is the stay of a device that has gone to another since, whose latest readings are not that stay's.
        """
        newest = [*stored.newest(self._db, self.cursor), *attempts.newest(self._db, self.cursor)]
        readings = self._readings(LogColumns.of(newest))
        self._ward.load(readings)
        stays = np.unique(readings.stay)
        self._ward.windows.mark_trimmed(stays, self._ward.frontier_ms[stays] + 1)
        self._hear(readings)
        for row in self._roster.bereft():
            self._hear(self._reload(row))

    def _hear(self, readings: Readings) -> None:
        """Note when the latest reading of each stay was received."""
        latest = readings.observed_ms == self._ward.frontier_ms[readings.stay]
        np.maximum.at(self._heard_ms, readings.stay[latest], readings.received_ms[latest])

    def _reload(self, row: int) -> Readings:
        """Put the whole history of one stay, up to the cursor, in the place of what is in memory of it."""
        readings = self._history(row)
        self._ward.replace(np.array([row]), readings)
        return readings

    def _rescore(self, row: int, from_ms: int, now_ms: int) -> None:
        """Score a stay anew after the registers said that other readings are its own; known only now."""
        anew = self._go_back(row, from_ms)
        learnt = self._quantities.anew(row, (from_ms, self.cursor, now_ms), self._intervals, self._names)
        if len(anew.stay) or learnt:
            log.info("stay_rescored stay=%d readings=%d", self._roster.stays[row].stay_no, len(anew.stay))
            self._keep(self._step(anew.known_at(now_ms), learnt))

    def _rescale(self, row: int, from_ms: int, now_ms: int) -> None:
        """Score a stay anew from when its SpO2 scale became another, where it has come past that; known only now.

        That completes the history as readings that came late do: it may raise an alert, and clears none. No reading is
        new, so that nothing has been heard, and no silence was broken again.
        """
        if self._ward.frontier_ms[row] < from_ms:
            return
        anew, frontier_ms = self._go_back(row, from_ms).known_at(now_ms), self._ward.frontier_ms.copy()
        log.info("stay_rescaled stay=%d readings=%d", self._roster.stays[row].stay_no, len(anew.stay))
        moments, gaps = pipeline.step(self._ward, anew)
        moments = replace(moments, late=np.ones(len(moments), dtype=bool))
        self._keep(self._stepped(frontier_ms, moments, gaps.where(np.zeros(len(gaps), dtype=bool))))

    def _go_back(self, row: int, from_ms: int) -> Readings:
        """Put a stay back to before a time, scores and all; give what the log has of it from then on."""
        readings = self._history(row)
        self._ward.replace(np.array([row]), readings.where(readings.observed_ms < from_ms))
        scores.forget_from(self._db, self._roster.stays[row].stay_no, from_ms)
        return readings.where(readings.observed_ms >= from_ms)

    def _history(self, row: int) -> Readings:
        devices = self._roster.devices_of(row)
        rows = [*stored.history(self._db, devices), *attempts.history(self._db, devices)]
        past = sorted((found for found in rows if found[0] <= self.cursor), key=itemgetter(0))
        readings = self._readings(LogColumns.of(past))
        return readings.where(readings.stay == row)

    def _trim(self) -> None:
        if self._kept() > max(TRIM_AT * self._trimmed_to, LEAST_TRIMMED):
            self._ward.trim(KEPT_MS)
            self._trimmed_to = self._kept()

    def _kept(self) -> int:
        return len(self._ward.windows) + len(self._ward.attempts)
