"""From readings to scores: one batch of the log through the ward.

Here: which moments are scored, what is known at each, and what is overdue or was refused. No I/O, no clock; points are
the chart's, and what a score means for anyone is for the alerts.

The result for a stay does not depend on how the log is cut into batches. A batch is taken in waves: in one wave a stay
has units (messages) that each begin after everything the stay has reached; a unit that does not begins the stay's next
wave, because it changes moments that were scored already. Each wave is one pass over columns.
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from vwmon.kernels.ragged import Bools, Bytes, Floats, Ints, bisect_right, firsts, keyed, running_count, running_max
from vwmon.kernels.windows import NEVER_AGE, last_valid
from vwmon.scoring import mixed
from vwmon.scoring.charts import PARTS
from vwmon.scoring.mixed import Mixed
from vwmon.ward import Readings, Ward
from vwmon.windows import NEVER, Columns

SPO2, OXYGEN = PARTS.index("spo2"), PARTS.index("oxygen")
COUNT = len(PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Columns of one length."""

    def __len__(self) -> int:
        """Count the rows."""
        return len(getattr(self, fields(self)[0].name))

    def where(self, chosen: Bools | Ints) -> Self:
        """Keep the chosen rows: a mask, or positions in the order wanted."""
        if chosen.dtype == np.bool_ and chosen.all():
            return self
        rows = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return type(self)(**{field.name: getattr(self, field.name).take(rows, axis=0) for field in fields(self)})

    @classmethod
    def joined(cls, several: "list[Self]") -> Self:
        """Put columns end to end."""
        if len(several) == 1:
            return several[0]
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(one, name) for one in several]) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(_Rows):
    """Scored moments, in order of wave, stay and time; n rows, p parts in the order of each stay's chart.

    A moment is the time of a reading or of an attempt. `received_ms` is that of the unit that had it scored,
    `rescored_from_ms` the earliest time of that unit: the stay's history from there on is as given here. `late`: the
    stay had come past this moment before the unit came. `values`, `points_min`, `points_max`, `present` and `age_ms`
    (NEVER_AGE: none came) are (n, p); values are NaN unless present, and present means not older than the plan
    allows. `red`: some part is certain to be red. `could_be` is the total with every part at its worst that is
    expected and missing, and overdue or refused. `refused_age_ms` (n, p) is how long ago a part was tried that counts
    as refused, else NEVER_AGE. `changed`: differs from the moment before it in points, presence or could_be, or is
    the first.
    """

    wave: Ints
    stay: Ints
    at_ms: Ints
    received_ms: Ints
    rescored_from_ms: Ints
    late: Bools
    points_min: Bytes
    points_max: Bytes
    present: Bools
    values: Floats
    age_ms: Ints
    refused_age_ms: Ints
    total_min: Ints
    total_max: Ints
    red: Bools
    complete: Bools
    could_be: Ints
    changed: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps(_Rows):
    """Overdue episodes that the log itself shows: an expected part's reading came, later than it was due.

    In order of wave, stay and time. Readings that fill in what was passed already end no gap. `last_ms` is when the
    part had come before, NEVER where it never had.
    """

    wave: Ints
    stay: Ints
    part: Ints
    last_ms: Ints
    due_ms: Ints
    ended_ms: Ints
    received_ms: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units(_Rows):
    """The messages of a batch by stay: in which wave, from when to when, and how far the stay had come before."""

    wave: Ints
    stay: Ints
    from_ms: Ints
    to_ms: Ints
    received_ms: Ints
    reached_ms: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """The moments to score in one wave; `first` marks the first of each stay, which may not be `asked` for."""

    rank: Ints
    at_ms: Ints
    first: Bools
    asked: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wave:
    """The units of one wave by stay and time; `stays`, where in the units each `start`s, and from when it is scored.

    A stay's place among `stays` is its rank.
    """

    units: _Units
    start: Ints
    stays: Ints
    from_ms: Ints

    @classmethod
    def of(cls, units: _Units) -> Self:
        """Find the stays in the units of a wave."""
        start = np.flatnonzero(firsts(units.stay))
        return cls(units=units, start=start, stays=units.stay[start], from_ms=units.from_ms[start])

    def unit_of(self, rank: Ints, at_ms: Ints) -> Ints:
        """Find the unit behind each moment: of its stay the last one that begins by then."""
        stop = np.append(self.start[1:], len(self.units))
        return bisect_right(self.units.from_ms, self.start[rank], stop[rank], at_ms) - 1


def step(ward: Ward, readings: Readings) -> tuple[Scores, Gaps]:
    """Score a batch of the log, whole messages in log order, and move the ward's windows and frontier past it.

    Readings that are NaN are attempts. ValueError, with the ward untouched, when a reading is older than what the
    ward keeps of its stay: `ward.out_of_reach` says which stays to replace first.
    """
    if len(ward.out_of_reach(readings)):
        raise ValueError("a reading is older than the readings kept of its stay")
    readings = readings.where(np.argsort(readings.stay, kind="stable"))
    first = firsts(readings.stay) | firsts(readings.unit)
    units = _units(ward, readings, np.flatnonzero(first))
    wave_of_reading = units.wave[np.cumsum(first) - 1]
    done = []
    for wave in range(int(units.wave.max(initial=0)) + 1):
        mine = wave_of_reading == wave
        done.append(_score_wave(ward, readings.where(mine), _Wave.of(units.where(units.wave == wave))))
    return Scores.joined([scores for scores, _ in done]), Gaps.joined([gaps for _, gaps in done])


def overdue(ward: Ward, now_ms: int) -> tuple[Ints, Ints, Ints]:
    """Give what is overdue at `now_ms`: the stay, the part, and when it fell due; expected parts only."""
    plan = plans_at(ward, now_ms)
    due = ward.plans.due_ms(plan, ward.windows.latest_ms)
    stay, part = np.nonzero(ward.plans.expected[plan] & (due < now_ms))
    return stay, part, due[stay, part]


def plans_at(ward: Ward, now_ms: int) -> Ints:
    """Give the plan of every stay at a moment."""
    every = np.arange(len(ward.plans))
    return ward.plans.at(every, np.full(len(every), now_ms))


def dues(ward: Ward) -> tuple[Ints, Ints, Ints]:
    """Give what is or will be overdue if nothing more comes, under each plan: the plan, the part, when it falls due."""
    plans = ward.plans
    every = np.arange(len(plans.expected))
    due = plans.due_ms(every, ward.windows.latest_ms[plans.stay_of(every)])
    plan, part = np.nonzero(plans.expected)
    return plan, part, due[plan, part]


def _units(ward: Ward, readings: Readings, start: Ints) -> _Units:
    """Give the units of a batch that is sorted by stay; `start` is where each begins."""
    if not len(start):
        none = np.zeros(0, dtype=np.int64)
        return _Units(wave=none, stay=none, from_ms=none, to_ms=none, received_ms=none, reached_ms=none)
    stay = readings.stay[start]
    from_ms = np.minimum.reduceat(readings.observed_ms, start)
    to_ms = np.maximum.reduceat(readings.observed_ms, start)
    first = firsts(stay)
    reached = ward.frontier_ms[stay]
    so_far = running_max(stay, to_ms)
    reached[1:] = np.where(first[1:], reached[1:], np.maximum(reached[1:], so_far[:-1]))
    return _Units(
        wave=running_count((from_ms <= reached) & ~first, first),
        stay=stay,
        from_ms=from_ms,
        to_ms=to_ms,
        received_ms=np.maximum.reduceat(readings.received_ms, start),
        reached_ms=reached,
    )


def _score_wave(ward: Ward, readings: Readings, wave: _Wave) -> tuple[Scores, Gaps]:
    """Score one wave and move the ward past it; the readings are sorted by stay."""
    rank, tried = np.cumsum(firsts(readings.stay)) - 1, np.isnan(readings.value)
    if tried.any():
        ward.attempts.add(readings.series[tried], readings.observed_ms[tried])
        readings, rank = readings.where(~tried), rank[~tried]
    columns, new = _columns(ward, readings, rank, wave)
    attempts = ward.attempts.of(wave.stays)
    moments = _moments(columns, attempts, wave.from_ms)
    scores = _scores(ward, columns, attempts, moments, wave.stays).where(moments.asked)
    units, found = wave.units, wave.unit_of(moments.rank[moments.asked], scores.at_ms)
    scores = replace(
        scores,
        wave=units.wave[found],
        received_ms=units.received_ms[found],
        rescored_from_ms=units.from_ms[found],
        late=scores.at_ms < units.reached_ms[found],
    )
    gaps = _gaps(ward, columns, new, wave)
    ward.windows.append(readings.series, readings.observed_ms, readings.value)
    ward.frontier_ms[wave.stays] = np.maximum(ward.frontier_ms[wave.stays], _most(units.to_ms, wave.start))
    return scores, gaps


def _most(times_ms: Ints, start: Ints) -> Ints:
    """Give the latest time of each run that begins at `start`; none begin in columns without rows."""
    most: Ints = np.maximum.reduceat(times_ms, start) if len(start) else times_ms
    return most


def _columns(ward: Ward, readings: Readings, rank: Ints, wave: _Wave) -> tuple[Columns, Ints]:
    """Put the new readings of a wave, each of a stay's rank, among those kept, back to the last before it is scored.

    Series are numbered rank * parts + part. Also gives the positions of the new readings.
    """
    series = (wave.stays[:, None] * COUNT + np.arange(COUNT)).reshape(-1)
    kept = ward.windows.take(series, np.repeat(wave.from_ms, COUNT))
    owner = np.concatenate([kept.owner, rank * COUNT + readings.part])
    times_ms = np.concatenate([kept.times_ms, readings.observed_ms])
    values = np.concatenate([kept.values, readings.value])
    order = ward.windows.in_order(owner, series[owner], times_ms, values)
    columns = Columns.sorted(len(series), owner[order], times_ms[order], values[order])
    return columns, np.flatnonzero(order >= len(kept.owner))


def _moments(columns: Columns, attempts: Columns | None, from_ms: Ints) -> _Moments:
    """Give every distinct time of a reading or an attempt from `from_ms` on, by rank, and the last one before."""
    rank, times_ms, start = columns.owner // COUNT, columns.times_ms, columns.offsets[:-1:COUNT]
    if attempts is not None:
        rank = np.concatenate([rank, attempts.owner // COUNT])
        order = np.argsort(rank, kind="stable")
        rank, times_ms = rank[order], np.concatenate([times_ms, attempts.times_ms])[order]
        start = start + attempts.offsets[:-1:COUNT]
    earlier = times_ms < from_ms[rank]
    before = _most(np.where(earlier, times_ms, NEVER), start)
    compared = np.flatnonzero(before > NEVER)
    rank = np.concatenate([compared, rank[~earlier]])
    at_ms = np.concatenate([before[compared], times_ms[~earlier]])
    key = keyed(rank, at_ms)
    order = np.argsort(key)
    order = order[firsts(key[order])]
    rank, at_ms = rank[order], at_ms[order]
    return _Moments(rank=rank, at_ms=at_ms, first=firsts(rank), asked=at_ms >= from_ms[rank])


def _scores(ward: Ward, columns: Columns, attempts: Columns | None, moments: _Moments, stays: Ints) -> Scores:
    """Score moments; what depends on the unit behind them is left at nothing."""
    stay, plans = stays[moments.rank], ward.plans
    plan = plans.at(stay, moments.at_ms)
    series = (moments.rank[:, None] * COUNT + np.arange(COUNT)).reshape(-1)
    asked = (series, np.repeat(moments.at_ms, COUNT))
    value, age = last_valid(columns.times_ms, columns.values, columns.offsets, *asked)
    value, age = value.reshape(-1, COUNT), age.reshape(-1, COUNT)
    refused_age = _refused_age(ward, attempts, asked, plan, age)
    value = np.where(age <= plans.valid_ms[plan], value, np.nan)
    found = mixed.score(value, plans.scale(stay, moments.at_ms), plans.ages.band(stay, moments.at_ms))
    could_be = _could_be(_suspect(ward, plan, moments.at_ms, age, refused_age), found)
    nothing = np.zeros(len(stay), dtype=np.int64)
    return Scores(
        wave=nothing,
        stay=stay,
        at_ms=moments.at_ms,
        received_ms=nothing,
        rescored_from_ms=nothing,
        late=moments.asked,
        points_min=found.points_min,
        points_max=found.points_max,
        present=found.present,
        values=np.where(found.present, value, np.nan),
        age_ms=age,
        refused_age_ms=refused_age,
        total_min=found.total_min,
        total_max=found.total_max,
        red=found.red,
        complete=found.complete,
        could_be=could_be,
        changed=_changed(moments.first, found, could_be),
    )


def _refused_age(ward: Ward, attempts: Columns | None, asked: tuple[Ints, Ints], plan: Ints, age: Ints) -> Ints:
    """Give how long ago each part (n, p) was tried that counts as refused, NEVER_AGE where none does.

    `asked` are the series and times of the parts (n * p,). A part does where it is expected, no reading of it counts,
    and the last attempt is no older than a reading might be: then it came after the last reading, which is older.
    """
    if attempts is None:
        return np.full(age.shape, NEVER_AGE, dtype=np.int64)
    _, tried_age = last_valid(attempts.times_ms, attempts.values, attempts.offsets, *asked)
    tried_age, valid_ms = tried_age.reshape(-1, COUNT), ward.plans.valid_ms[plan]
    missing = (age == NEVER_AGE) | (age > valid_ms)
    refused = ward.plans.expected[plan] & missing & (tried_age <= valid_ms)
    return np.where(refused, tried_age, NEVER_AGE)


def _suspect(ward: Ward, plan: Ints, at_ms: Ints, age: Ints, refused_age: Ints) -> Bools:
    """Mark the parts (n, p) that are expected and overdue or refused: they count at their worst unless present."""
    late = at_ms[:, None] > ward.plans.due_ms(plan, came_ms(at_ms, age))
    suspect: Bools = ward.plans.expected[plan] & (late | (refused_age != NEVER_AGE))
    return suspect


def came_ms(at_ms: Ints, age: Ints) -> Ints:
    """Give when each part (n, p) came last before moments (n,) by its age, NEVER where it never did."""
    return np.where(age == NEVER_AGE, NEVER, at_ms[:, None] - age)


def _could_be(suspect: Bools, found: Mixed) -> Ints:
    """Give the totals with every part that is suspect and missing at its most points.

    Where that is oxygen, SpO2 counts as it would on oxygen: on scale 2 the same saturation then scores more.
    """
    counted = ~found.present & suspect
    counted[:, SPO2] |= counted[:, OXYGEN] & found.present[:, SPO2]
    could_be: Ints = np.where(counted, found.points_max, found.points_min).sum(axis=1, dtype=np.int64)
    return could_be


def _changed(first: Bools, found: Mixed, could_be: Ints) -> Bools:
    """Mark the rows that differ from the row before, and the first ones."""
    changed = first.copy()
    for column in (found.points_min, found.points_max, found.present):
        changed[1:] |= (column[1:] != column[:-1]).any(axis=1)
    changed[1:] |= could_be[1:] != could_be[:-1]
    return changed


def _gaps(ward: Ward, columns: Columns, new: Ints, wave: _Wave) -> Gaps:
    """Find the new readings of a wave that are the newest of their series and came later than they were due."""
    owner, at_ms = columns.owner[new], columns.times_ms[new]
    rank, part = owner // COUNT, owner % COUNT
    stay, follows = wave.stays[rank], new > columns.offsets[owner]
    before = np.where(follows, columns.times_ms.take(new - 1, mode="clip"), NEVER)
    plan, every = ward.plans.at(stay, at_ms), np.arange(len(new))
    due = ward.plans.due_ms(plan, np.repeat(before[:, None], COUNT, axis=1))[every, part]
    newest = at_ms > ward.windows.latest_ms[stay, part]
    hit = np.flatnonzero(newest & ward.plans.expected[plan, part] & (at_ms > due))
    hit = hit[np.lexsort((part[hit], at_ms[hit], rank[hit]))]
    found = wave.unit_of(rank[hit], at_ms[hit])
    return Gaps(
        wave=wave.units.wave[found],
        stay=stay[hit],
        part=part[hit],
        last_ms=before[hit],
        due_ms=due[hit],
        ended_ms=at_ms[hit],
        received_ms=wave.units.received_ms[found],
    )
