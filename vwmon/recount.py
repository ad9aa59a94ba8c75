"""The readings counted anew, by another way than the scorer's: what comes to another score, or has no alert, is found.

Each stay in its turn, once a quarter of an hour, as far back as it was counted last. The parts are read off the chart
one by one by vwmon.scoring.reference, for one patient at a time; the limits are those that held. What is found is said
by the number of the stay, and by no value.
"""

import logging
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, takewhile
from typing import Final

from vwmon.durations import HOUR_MS
from vwmon.patients import plans, prescriptions
from vwmon.patients.chart_names import NEWS2
from vwmon.patients.plans import FEEDS
from vwmon.scoring import charts, reference
from vwmon.store import recounting
from vwmon.store.recounting import Open, Raised, Read, Scored
from vwmon.store.sqlite import Connection

EVERY_MS: Final = 900_000
AT_ONCE: Final = 5  # stays at one look, so that no look takes long: alerts wait for it
BACK_MS: Final = HOUR_MS
BORNE_OUT_MS: Final = 1_200_000  # a breach of level 2 that stood for so long waits for no repeat any more
URGENT, EMERGENCY = 2, 3
PARTS: Final = tuple(charts.load(NEWS2).measures)
VITALS: Final = (*PARTS, *FEEDS)
RED: Final = charts.load(NEWS2).red_points or math.inf
AIR_PERCENT, WHOLE_GCS, NOT_ALERT = 21, 15, 2.0

Asks = Callable[[int, int, int, bool], int]  # which level a stay, a time, a total and a single 3 ask for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a stay's readings come to at one time; `late` where the stay had come past it when a reading of it came."""

    at_ms: int
    received_ms: int
    total_min: int
    total_max: int
    red: bool
    late: bool


class Recount:
    """One daemon's counting anew; used by the thread that scores, between two of its turns."""

    def __init__(self, db: Connection, asks: Asks, started_ms: int) -> None:
        """Begin with what is received from now on."""
        self._db, self._asks, self._started_ms = db, asks, started_ms
        self._next_ms, self._waiting = started_ms, list[Open]()
        self._counted: dict[int, int] = {}
        self._amiss = 0
        self.moments = self.amiss = 0  # in the last round that is whole
        self.amiss_ms: int | None = None  # when something was last found

    def turn(self, now_ms: int, cursor: int) -> None:
        """Count some stays anew; a round begins every quarter of an hour, once the one before it is whole."""
        if not self._waiting:
            if now_ms < self._next_ms:
                return
            self._next_ms, self._waiting, self._amiss, self._moments = (
                now_ms + EVERY_MS,
                recounting.stays(self._db),
                0,
                0,
            )
        some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        self._count(some, now_ms, cursor)
        if not self._waiting:
            self.moments, self.amiss = self._moments, self._amiss

    def _count(self, some: Sequence[Open], now_ms: int, cursor: int) -> None:
        from_ms = {one.stay_no: max(self._counted.get(one.stay_no, 0), now_ms - BACK_MS) for one in some}
        asked = [(one.stay_no, from_ms[one.stay_no] - _longest_ms(one.pathway) - BORNE_OUT_MS) for one in some]
        read = recounting.readings(self._db, asked, VITALS, now_ms, cursor) if asked else {}
        for one in some:
            found = list(moments(one, read[one.stay_no], from_ms[one.stay_no] - BORNE_OUT_MS))
            new = [moment for moment in found if moment.at_ms > from_ms[one.stay_no] and self._is_ours(one, moment)]
            if new:
                self._hold(one, found, new, now_ms)
                self._counted[one.stay_no] = new[-1].at_ms

    def _is_ours(self, one: Open, moment: Moment) -> bool:
        """Leave out what another daemon scored, and of when it was not known yet whose the readings were."""
        return moment.received_ms >= self._started_ms and moment.at_ms > one.changed_ms

    def _hold(self, one: Open, found: Sequence[Moment], new: Sequence[Moment], now_ms: int) -> None:
        """Hold the moments of a stay against its scores and its alerts."""
        scored = recounting.scores(self._db, one.stay_no, new[0].at_ms)
        raised = recounting.alerts(self._db, one.stay_no, new[0].at_ms)
        for moment in new:
            self._moments += 1
            wrong = None
            if not _is_scored(moment, scored):
                wrong = "score"
            elif self._is_unraised(one, found, moment, raised):
                wrong = "alert"
            if wrong is not None:
                self._amiss += 1
                self.amiss = max(self.amiss, self._amiss)
                self.amiss_ms = now_ms
                log.error("recount_differs stay=%d at_ms=%d lacks=%s", one.stay_no, moment.at_ms, wrong)

    def _is_unraised(self, one: Open, found: Sequence[Moment], moment: Moment, raised: Sequence[Raised]) -> bool:
        if moment.late:
            return False
        level = self._level(one, moment)
        if level == URGENT and not self._is_borne_out(one, found, moment):
            return False
        return level >= URGENT and not any(alert.peak >= level and alert.covers(moment.at_ms) for alert in raised)

    def _is_borne_out(self, one: Open, found: Sequence[Moment], moment: Moment) -> bool:
        """Tell whether the stay has been at level 2 or above for so long that no repeat is waited for any more."""
        before = (m for m in reversed(found) if m.at_ms <= moment.at_ms)
        run = takewhile(lambda m: not m.late and self._level(one, m) >= URGENT, before)
        return any(m.at_ms <= moment.at_ms - BORNE_OUT_MS for m in run)

    def _level(self, one: Open, moment: Moment) -> int:
        return self._asks(one.stay_no, moment.received_ms, moment.total_min, moment.red)


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
    at = bisect_right(scored, moment.at_ms, key=_at) - 1
    return at >= 0 and scored[at][1:] == (moment.total_min, moment.total_max)


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
