"""The readings counted anew, by another way than the scorer's: what comes to another score, or has no alert, is found.

Each stay in its turn, once a quarter of an hour, as far back as it was counted last, and for no longer at a look than
alerts may wait. The parts are read off the chart one by one by vwmon.scoring.reference, for one patient at a time; the
limits are those that held. What is found is said by the number of the stay, and by no value.
"""

import logging
import math
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice, takewhile
from typing import Final, Protocol

from alerts.policy import POLICY
from vwmon.durations import HOUR_MS
from vwmon.patients import plans, prescriptions
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.plans import FEEDS
from vwmon.scoring import charts, reference
from vwmon.store import recounting
from vwmon.store.recounting import Open, Raised, Read, Scored
from vwmon.store.sqlite import Connection

EVERY_MS: Final = 900_000
LONGEST_LOOK_MS: Final = 50  # after which no other stay is begun: alerts wait for it, once a second
AT_ONCE: Final = 40  # stays at a look at most: what is not merged is read through once for all of them
BACK_MS: Final = HOUR_MS
BORNE_OUT_MS: Final = 1_200_000  # a breach of level 2 that stood for so long waits for no repeat any more
URGENT, EMERGENCY = 2, 3
PARTS: Final = tuple(charts.load(NEWS2).measures)
VITALS: Final = (*PARTS, *FEEDS)
RED: Final = charts.load(NEWS2).red_points or math.inf
AIR_PERCENT, WHOLE_GCS, NOT_ALERT = 21, 15, 2.0

log = logging.getLogger(__name__)


class Scoring(Protocol):
    """What scores: by which limits and which versions; the readings themselves are counted without it."""

    def asked(self, stay_no: int, at_ms: int, total: int, red: bool) -> Mapping[str, int]:  # noqa: FBT001 -- as counted
        """Give the rules that a score bears out by the limits of its stay at a moment, with their levels."""

    def made_by(self, stay_no: int) -> int:
        """Give the number of the versions by which a stay is scored now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a stay's readings come to at one time; `late` where the stay had come past it when a reading of it came."""

    at_ms: int
    received_ms: int
    total_min: int
    total_max: int
    red: bool
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """What is read of a stay: what is new after `from_ms`, a run from `run_ms` on, what counts then since `back_ms`."""

    from_ms: int
    run_ms: int
    back_ms: int


class Recount:
    """One daemon's counting anew; used by the thread that scores, between two of its turns."""

    def __init__(self, db: Connection, scoring: Scoring, started_ms: int, steady_ms: Callable[[], int]) -> None:
        """Begin with what is received from now on."""
        self._db, self._scoring, self._started_ms, self._steady_ms = db, scoring, started_ms, steady_ms
        self._began_ms: int | None = None
        self._version = -1
        self._open: Mapping[int, Open] = {}
        self._waiting: deque[int] = deque()
        self._counted: dict[int, int] = {}
        self._amiss = self._moments = 0
        self.moments = self.amiss = 0  # in the last round that is whole
        self.amiss_ms: int | None = None  # when something was last found

    def turn(self, now_ms: int, cursor: int) -> None:
        """Count some stays anew; a round begins every quarter of an hour, once the one before it is whole."""
        if not self._waiting and self._began_ms is not None and 0 <= now_ms - self._began_ms < EVERY_MS:
            return
        until_ms = self._steady_ms() + LONGEST_LOOK_MS
        with recounting.one_moment(self._db) as version:
            if not self._waiting or version != self._version:
                self._version, self._open = version, recounting.stays(self._db)
            if not self._waiting:
                self._begin(now_ms)
            self._some(now_ms, cursor, until_ms)
        if not self._waiting:
            self._close(now_ms)

    def _begin(self, now_ms: int) -> None:
        if self._began_ms is not None and now_ms < self._began_ms:
            self._counted.clear()  # the clock was set back: what was counted lies in a time to come
        self._began_ms, self._waiting = now_ms, deque(self._open)
        self._amiss = self._moments = 0

    def _some(self, now_ms: int, cursor: int, until_ms: int) -> None:
        """Count one stay and, while there is time, others; one that is no longer to be counted is passed over."""
        some = [(number, self._span(number, now_ms)) for number in islice(self._waiting, AT_ONCE)]
        known = {number: span.back_ms for number, span in some if span is not None}
        later = recounting.unmerged(self._db, known, VITALS, cursor)
        for number, span in some:
            self._waiting.popleft()
            if span is not None:
                self._count(self._open[number], span, later[number], now_ms)
            if self._steady_ms() >= until_ms:
                return

    def _span(self, stay_no: int, now_ms: int) -> _Span | None:
        """Say from when on a stay is counted; None for one that is no longer to be."""
        one = self._open.get(stay_no)
        if one is None:
            return None
        from_ms = max(self._counted.get(stay_no, 0), now_ms - BACK_MS)
        run_ms = from_ms - BORNE_OUT_MS
        return _Span(from_ms=from_ms, run_ms=run_ms, back_ms=run_ms - _longest_ms(one.pathway))

    def _close(self, now_ms: int) -> None:
        """Give what a whole round came to, and say so when it took longer than it may be until the next one."""
        self.moments, self.amiss = self._moments, self._amiss
        if self._began_ms is not None and now_ms - self._began_ms > EVERY_MS:
            log.warning("recount_behind stays=%d took_s=%d", len(self._open), (now_ms - self._began_ms) // 1000)

    def _count(self, one: Open, span: _Span, later: Sequence[Read], now_ms: int) -> None:
        earlier = recounting.merged(self._db, one.stay_no, span.run_ms, span.back_ms, VITALS)
        found = moments(one, [*earlier, *later], span.run_ms)
        ours = [moment for moment in found if self._is_ours(one, moment)]
        new = [moment for moment in ours if moment.at_ms > span.from_ms]
        if new:
            self._hold(one, ours, new, now_ms)
            self._counted[one.stay_no] = min(new[-1].at_ms, now_ms)  # a device's clock may be ahead

    def _is_ours(self, one: Open, moment: Moment) -> bool:
        """Leave out what another daemon scored, and of when the scorer knew something else of the stay."""
        return moment.received_ms >= self._started_ms and min(moment.at_ms, moment.received_ms) > one.known_ms

    def _hold(self, one: Open, ours: Sequence[Moment], new: Sequence[Moment], now_ms: int) -> None:
        """Hold the moments of a stay against its scores and its alerts."""
        scored = recounting.scores(self._db, one.stay_no, new[0].at_ms, self._scoring.made_by(one.stay_no))
        raised = recounting.alerts(self._db, one.stay_no, new[0].at_ms)
        for moment in new:
            self._moments += 1
            wrong = None
            if not _is_scored(moment, scored):
                wrong = "score"
            elif self._is_unraised(one, ours, moment, raised, now_ms):
                wrong = "alert"
            if wrong is not None:
                self._amiss += 1
                self.amiss = max(self.amiss, self._amiss)
                self.amiss_ms = now_ms
                log.error("recount_differs stay=%d at_ms=%d lacks=%s", one.stay_no, moment.at_ms, wrong)

    def _is_unraised(
        self, one: Open, ours: Sequence[Moment], moment: Moment, raised: Sequence[Raised], now_ms: int
    ) -> bool:
        if moment.late:
            return False
        level = max(self._asked(one, moment).values(), default=0)
        if level == URGENT and not self._is_borne_out(one, ours, moment, now_ms):
            return False
        return level >= URGENT and not any(alert.peak >= level and alert.covers(moment.at_ms) for alert in raised)

    def _is_borne_out(self, one: Open, ours: Sequence[Moment], moment: Moment, now_ms: int) -> bool:
        """Tell whether a rule of level 2 or above has held, and been known to, so long that no repeat is waited for.

        Without a break that would end a run, since a limit of its own may ask for one; of two rules in turn each may
        deny the other.
        """
        run_ms, rules = moment.at_ms, {*self._asked(one, moment)}
        for before in takewhile(lambda earlier: not earlier.late, _back(ours, moment)):
            rules &= {rule for rule, level in self._asked(one, before).items() if level >= URGENT}
            if not rules or run_ms - before.at_ms > POLICY.run_gap_ms:
                return False
            run_ms = before.at_ms
            if max(run_ms - moment.at_ms, before.received_ms - now_ms) <= -BORNE_OUT_MS:
                return True
        return False

    def _asked(self, one: Open, moment: Moment) -> Mapping[str, int]:
        return self._scoring.asked(one.stay_no, moment.received_ms, moment.total_min, moment.red)


def _back(ours: Sequence[Moment], moment: Moment) -> Iterator[Moment]:
    """Yield the moments of a stay from one on, back in time."""
    return (before for before in reversed(ours) if before.at_ms <= moment.at_ms)


def moments(one: Open, read: Sequence[Read], from_ms: int) -> Iterator[Moment]:
    """Yield what the readings of a stay come to at the time of each from a time on; `read` is in the order of the log.

    At one time the worst of several readings of a part counts.
    """
    valid_ms = {part: expected.valid_ms for part, expected in plans.load(one.pathway).vitals.items()}
    longest_ms = _longest_ms(one.pathway)
    values: dict[str, list[Read]] = {}
    late, prescribed = _late(read), prescriptions.read(one.prescribed)
    for at_ms, several in groupby(sorted(read, key=_observed), key=_observed):
        came = list(several)
        fresh: dict[str, list[Read]] = defaultdict(list)
        for reading in came:
            fresh[FEEDS.get(reading.vital, reading.vital)].append(reading)
        values |= fresh
        if at_ms < from_ms:
            continue
        held = {
            part: [_counted(reading) for reading in those]
            for part, those in values.items()
            if at_ms - those[0].observed_ms <= valid_ms.get(part, longest_ms)
        }
        total_min, total_max, red = _scored(held, prescriptions.scale(prescribed, at_ms))
        yield Moment(
            at_ms=at_ms,
            received_ms=max(reading.received_ms for reading in came),
            total_min=total_min,
            total_max=total_max,
            red=red,
            late=any(from_ms <= at_ms <= to_ms for from_ms, to_ms in late),
        )


def _late(read: Sequence[Read]) -> list[tuple[int, int]]:
    """Give the spans of time that were told anew because something of their beginning came after their end."""
    spans, reached_ms = [], 0
    for reading in read:
        if reading.observed_ms < reached_ms:
            spans.append((reading.observed_ms, reached_ms))
        reached_ms = max(reached_ms, reading.observed_ms)
    return spans


def _is_scored(moment: Moment, scored: Sequence[Scored]) -> bool:
    """Tell whether what stands is what the readings come to; what another release scored may stand from before."""
    at = bisect_right(scored, moment.at_ms, key=_at) - 1
    if at < 0:
        return False
    stands = scored[at]
    return not stands.ours or (stands.total_min, stands.total_max) == (moment.total_min, moment.total_max)


def _scored(held: Mapping[str, Sequence[float]], scale: int) -> tuple[int, int, bool]:
    """Give the least and the greatest total, and whether a part is certain to be a 3."""
    oxygen = tuple(held.get("oxygen", ()))
    worst = {part: _points(part, tuple(held.get(part, ())), scale, oxygen) for part in PARTS}
    if oxygen or scale == 1:
        low, high = (sum(bounds[end] for bounds in worst.values()) for end in (0, 1))
    else:  # whether they are on oxygen decides two parts together
        low, high = _together(tuple((part, held[part][0]) for part in PARTS if held.get(part)), scale)
    return low, high, any(least >= RED for least, _ in worst.values())


@lru_cache(maxsize=4096)
def _points(part: str, values: tuple[float, ...], scale: int, oxygen: tuple[float, ...]) -> tuple[int, int]:
    """Give the points of one part, by the worst of its values."""
    beside = {"oxygen": max(oxygen)} if oxygen else {}
    sets = [beside | {part: value} for value in values] or [beside]
    found = [reference.score(charts.load(NEWS2), one, {"spo2_scale": scale}).points[part] for one in sets]
    return max(found)


@lru_cache(maxsize=4096)
def _together(values: tuple[tuple[str, float], ...], scale: int) -> tuple[int, int]:
    found = reference.score(charts.load(NEWS2), dict(values), {"spo2_scale": scale})
    return found.total_min, found.total_max


def _counted(reading: Read) -> float:
    """Give a value as NEWS2 counts it: a fraction above room air's is oxygen, a GCS below 15 is not alert."""
    if reading.vital == "fio2":
        return float(round(reading.value * 100) > AIR_PERCENT)
    if reading.vital == "gcs":
        return 0.0 if reading.value == WHOLE_GCS else NOT_ALERT
    return reading.value


def _longest_ms(pathway: str) -> int:
    plan = plans.load(pathway)
    return max(expected.valid_ms for expected in (plan.vitals or plan.beside).values())


def _observed(reading: Read) -> int:
    return reading.observed_ms


def _at(score: Scored) -> int:
    return score.at_ms
