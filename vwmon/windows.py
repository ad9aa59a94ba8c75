"""Rolling windows of readings in memory: what was read of every series, from the last of it back to a horizon.

Here: keeping, ordering, handing out and dropping readings. What they mean and how they score must not live here.
A series is one column of the chart of one stay, numbered stay * columns + column.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vwmon.kernels.ragged import Bools, Floats, Ints, bisect_left, firsts, keyed, offsets, spans
from vwmon.scoring import mixed
from vwmon.scoring.charts import PARTS
from vwmon.scoring.layouts import AGE_BANDS

NEVER = -(2**62)  # the time of what never came: before all others
FOREVER = 2**62  # the time of what will never come
TAIL = 16_384  # readings that may wait to be put in order; with many kept, a share of those
SHARE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Readings of some series as ragged columns: sorted by (series, time), one a time.

    `offsets` is (series + 1,), `owner` says of each row which of the series it belongs to.
    """

    offsets: Ints
    owner: Ints
    times_ms: Ints
    values: Floats

    @classmethod
    def sorted(cls, series: int, owner: Ints, times_ms: Ints, values: Floats) -> "Columns":
        """Make columns of so many series from rows that are in order."""
        return cls(offsets=offsets(owner, series), owner=owner, times_ms=times_ms, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """When each band of age begins for each stay: (n, bands), FOREVER for an adult; no rows where nobody is a child."""

    starts_ms: Ints = field(default_factory=lambda: np.zeros((0, len(AGE_BANDS)), dtype=np.int64))

    def band(self, stay: Ints, at_ms: Ints) -> Ints | None:
        """Give the number of the band of age of each stay at each time, 0 of an adult; None where nobody is a child."""
        if not len(self.starts_ms):
            return None
        found: Ints = (self.starts_ms[stay] <= at_ms[:, None]).sum(axis=1)
        return found


def in_order(
    owner: Ints, times_ms: Ints, part: Ints, values: Floats, band: Callable[[Ints], Ints | None] = lambda _: None
) -> Ints:
    """Give the positions of readings in order of (owner, time), one a time.

    Of several readings of one series at one time the one that scores worse is kept, whatever order they came in;
    where both score alike, the lower SpO2 or blood pressure and the higher of anything else. `band` gives the bands of
    age of some positions.
    """
    key = keyed(owner, times_ms)
    order = np.argsort(key, kind="stable")
    first, last = firsts(key[order]), _lasts(key[order])
    if first.all():
        return order
    several = ~(first & last)
    rows = order[several]
    direction, points = mixed.severity(part[rows], values[rows], band(rows))
    order[several] = rows[np.lexsort((direction, points, key[rows]))]
    return order[last]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """The readings of every series in order; `offsets` is (series + 1,)."""

    offsets: Ints
    times_ms: Ints
    values: Floats


class Windows:
    """The readings kept: a body in order, a short tail as it came, and the latest reading of each series."""

    def __init__(self, stays: int) -> None:
        """Begin without readings; `stays` is the number of rows of the ward."""
        self.ages = Ages()
        self.latest_ms = np.full((stays, len(PARTS)), NEVER, dtype=np.int64)
        self.latest_value = np.full((stays, len(PARTS)), np.nan)
        self._trimmed_ms = np.full(stays, NEVER, dtype=np.int64)
        self._asked = np.full(stays * len(PARTS), -1, dtype=np.int64)
        self._body = _Body(
            offsets=np.zeros(stays * len(PARTS) + 1, dtype=np.int64),
            times_ms=np.zeros(0, dtype=np.int64),
            values=np.zeros(0),
        )
        self._tail = _Tail()

    def __len__(self) -> int:
        """Count the readings kept."""
        return len(self._body.times_ms) + self._tail.length

    def trimmed_before_ms(self, stay: Ints) -> Ints:
        """Give the time before which readings of each stay have been dropped; NEVER where none have.

        A reading older than this cannot be scored from what is kept: that stay has to be read again from the store.
        """
        return self._trimmed_ms[stay]

    def append(self, series: Ints, times_ms: Ints, values: Floats) -> None:
        """Take in readings in any order, repeats and late ones among them; values are not NaN."""
        if not len(series):
            return
        self._tail.push(series, times_ms, values)
        order = self.in_order(series, series, times_ms, values)
        last = order[_lasts(series[order])]
        self._advance(series[last], times_ms[last], values[last])
        if self._tail.length > max(TAIL, len(self._body.times_ms) // SHARE):
            self._settle()

    def in_order(self, owner: Ints, series: Ints, times_ms: Ints, values: Floats) -> Ints:
        """Give the positions of readings in order of (owner, time), one a time, as of the series that each is of."""
        stay, part = np.divmod(series, len(PARTS))
        return in_order(owner, times_ms, part, values, lambda rows: self.ages.band(stay[rows], times_ms[rows]))

    def take(self, series: Ints, before_ms: Ints) -> Columns:
        """Give of each series the last reading strictly before `before_ms` and every one at or after it.

        `series` (n,) are distinct, `before_ms` is (n,); the columns' series are numbered as asked.
        """
        latest_ms = self.latest_ms.reshape(-1)[series]
        reached = latest_ms >= before_ms
        quick = np.flatnonzero((latest_ms > NEVER) & ~reached)
        quick_values = self.latest_value.reshape(-1)[series[quick]]
        if not reached.any():
            return Columns.sorted(len(series), quick, latest_ms[quick], quick_values)
        slow = np.flatnonzero(reached)
        found = self._search(series[slow], before_ms[slow])
        owner = np.concatenate([quick, slow[found.owner]])
        order = np.argsort(owner, kind="stable")
        times_ms = np.concatenate([latest_ms[quick], found.times_ms])[order]
        return Columns.sorted(len(series), owner[order], times_ms, np.concatenate([quick_values, found.values])[order])

    def trim(self, before_ms: Ints) -> None:
        """Drop what is older than `before_ms` (by stay), but for the last reading before it of each series."""
        self._settle()
        body, before = self._body, np.repeat(before_ms, len(PARTS))
        start, stop = body.offsets[:-1], body.offsets[1:]
        kept_from = np.maximum(bisect_left(body.times_ms, start, stop, before) - 1, start)
        dropped = (kept_from > start).reshape(-1, len(PARTS)).any(axis=1)
        self._trimmed_ms = np.where(dropped, np.maximum(self._trimmed_ms, before_ms), self._trimmed_ms)
        self._keep(spans(kept_from, stop), stop - kept_from)

    def forget(self, stay: Ints) -> None:
        """Drop everything about some stays."""
        self._settle()
        lengths = np.diff(self._body.offsets).reshape(-1, len(PARTS))
        lengths[stay] = 0
        start = self._body.offsets[:-1]
        self._keep(spans(start, start + lengths.reshape(-1)), lengths.reshape(-1))
        self.latest_ms[stay], self.latest_value[stay] = NEVER, np.nan
        self._trimmed_ms[stay] = NEVER

    def mark_trimmed(self, stay: Ints, before_ms: Ints | int) -> None:
        """Note that what was taken in of some stays does not reach back before `before_ms`."""
        self._trimmed_ms[stay] = np.maximum(self._trimmed_ms[stay], before_ms)

    def grow(self, stays: int) -> None:
        """Add rows at the end until there are `stays`."""
        more = stays - len(self.latest_ms)
        self.latest_ms = np.pad(self.latest_ms, ((0, more), (0, 0)), constant_values=NEVER)
        self.latest_value = np.pad(self.latest_value, ((0, more), (0, 0)), constant_values=np.nan)
        self._trimmed_ms = np.pad(self._trimmed_ms, (0, more), constant_values=NEVER)
        self._asked = np.pad(self._asked, (0, more * len(PARTS)), constant_values=-1)
        self._body = _Body(
            offsets=np.pad(self._body.offsets, (0, more * len(PARTS)), mode="edge"),
            times_ms=self._body.times_ms,
            values=self._body.values,
        )

    def _advance(self, series: Ints, times_ms: Ints, values: Floats) -> None:
        """Move the latest of distinct series on where these are later, or at the same time and worse."""
        latest_ms, latest_value = self.latest_ms.reshape(-1), self.latest_value.reshape(-1)
        later = times_ms > latest_ms[series]
        same = np.flatnonzero(times_ms == latest_ms[series])
        if len(same):
            later[same] = self._worse(series[same], times_ms[same], values[same], latest_value[series[same]])
        latest_ms[series[later]] = times_ms[later]
        latest_value[series[later]] = values[later]

    def _worse(self, series: Ints, times_ms: Ints, values: Floats, than: Floats) -> Bools:
        """Say where a value is the worse of two of its series and time."""
        stay, part = np.divmod(series, len(PARTS))
        band = self.ages.band(stay, times_ms)
        direction, points = mixed.severity(part, values, band)
        other_direction, other_points = mixed.severity(part, than, band)
        worse: Bools = (points > other_points) | ((points == other_points) & (direction > other_direction))
        return worse

    def _search(self, series: Ints, before_ms: Ints) -> Columns:
        """Do what `take` does by searching the body and looking through the tail."""
        body = self._body
        start, stop = body.offsets[series], body.offsets[series + 1]
        start = np.maximum(bisect_left(body.times_ms, start, stop, before_ms) - 1, start)
        rows, (tail, tail_owner) = spans(start, stop), self._tail_of(series)
        owner = np.concatenate([np.repeat(np.arange(len(series)), stop - start), tail_owner])
        times_ms = np.concatenate([body.times_ms[rows], self._tail.times_ms[tail]])
        values = np.concatenate([body.values[rows], self._tail.values[tail]])
        order = self.in_order(owner, series[owner], times_ms, values)
        owner, times_ms, values = owner[order], times_ms[order], values[order]
        before = times_ms < before_ms[owner]
        followed = np.append(before[1:] & ~firsts(owner)[1:], False)
        kept = ~(before & followed)
        return Columns.sorted(len(series), owner[kept], times_ms[kept], values[kept])

    def _tail_of(self, series: Ints) -> tuple[Ints, Ints]:
        """Find the rows of the tail that belong to some series, and to which of them."""
        self._asked[series] = np.arange(len(series))
        asked = self._asked[self._tail.series[: self._tail.length]]
        self._asked[series] = -1
        rows = np.flatnonzero(asked >= 0)
        return rows, asked[rows]

    def _settle(self) -> None:
        """Put the tail in its places in the body."""
        series, times_ms, values = self._tail.empty()
        order = self.in_order(series, series, times_ms, values)
        series, times_ms, values = series[order], times_ms[order], values[order]
        body = self._body
        stop = body.offsets[series + 1]
        at = bisect_left(body.times_ms, body.offsets[series], stop, times_ms)
        again = at < stop
        again[again] = body.times_ms[at[again]] == times_ms[again]
        held = at[again]
        worse = self._worse(series[again], times_ms[again], values[again], body.values[held])
        body.values[held[worse]] = values[again][worse]
        new = ~again
        added = np.bincount(series[new], minlength=len(body.offsets) - 1)
        self._body = _Body(
            offsets=body.offsets + np.concatenate([[0], np.cumsum(added)]),
            times_ms=np.insert(body.times_ms, at[new], times_ms[new]),
            values=np.insert(body.values, at[new], values[new]),
        )

    def _keep(self, rows: Ints, lengths: Ints) -> None:
        """Keep the given rows of the body, `lengths` of each series."""
        self._body = _Body(
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            times_ms=self._body.times_ms[rows],
            values=self._body.values[rows],
        )


class _Tail:
    """Readings as they came: columns with room to grow, of which the first `length` rows count."""

    def __init__(self) -> None:
        self.series = np.zeros(TAIL, dtype=np.int64)
        self.times_ms = np.zeros(TAIL, dtype=np.int64)
        self.values = np.zeros(TAIL)
        self.length = 0

    def push(self, series: Ints, times_ms: Ints, values: Floats) -> None:
        """Add rows at the end."""
        end = self.length + len(series)
        if end > len(self.series):
            room = max(end, 2 * len(self.series)) - len(self.series)
            self.series = np.pad(self.series, (0, room))
            self.times_ms = np.pad(self.times_ms, (0, room))
            self.values = np.pad(self.values, (0, room))
        self.series[self.length : end] = series
        self.times_ms[self.length : end] = times_ms
        self.values[self.length : end] = values
        self.length = end

    def empty(self) -> tuple[Ints, Ints, Floats]:
        """Give the rows and hold none of them from now on."""
        end, self.length = self.length, 0
        return self.series[:end].copy(), self.times_ms[:end].copy(), self.values[:end].copy()


def _lasts(owner: Ints) -> Bools:
    """Mark the last row of each run of equal owners."""
    last = np.ones(len(owner), dtype=np.bool_)
    np.not_equal(owner[1:], owner[:-1], out=last[:-1])
    return last
