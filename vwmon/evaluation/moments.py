"""The moments at which a score is judged: a grid over each patient's recording, and what came after each.

Nothing at or after the event is ever a moment, nor anything of patients that are left out, whose event has no known
time. Here: pure columns; how a file writes an event must not live here.
"""

from dataclasses import dataclass, fields

import numpy as np

from vwmon.durations import HOUR_MS
from vwmon.kernels.ragged import Bools, Floats, Ints, firsts, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """n moments sorted by (patient, time); `patient` is a place among the patients that have a moment.

    `until_ms`: how long until the event, inf where there is none. `positive`: the event comes within the horizon.
    `hour`: whole hours since the patient's recording began. `members` (p,): which patients they are, as numbers of the
    recording; `starts` (p,): where each one's moments begin.
    """

    patient: Ints
    times_ms: Ints
    until_ms: Floats
    positive: Bools
    hour: Ints
    members: Ints
    starts: Ints
    every_ms: int

    def __len__(self) -> int:
        """Count the moments."""
        return len(self.times_ms)

    def of(self, chosen: Bools) -> "Moments":
        """Keep the moments of the chosen patients, a mask (p,) over `members`."""
        return self.some(chosen[self.patient])

    def last(self) -> "Moments":
        """Keep the last moment of each patient."""
        final = np.zeros(len(self), dtype=np.bool_)
        final[np.append(self.starts[1:], len(self))[: len(self.starts)] - 1] = True
        return self.some(final)

    def some(self, kept: Bools) -> "Moments":
        """Keep the chosen moments, a mask (n,)."""
        return _counted(self.members[self.patient[kept]], self, kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """By patient of the recording (p,): the first and last reading, and the event: its time, inf for none.

    `zero_ms` is when the clock of the stay began, `left_out` who is not judged at all.
    """

    first_ms: Ints
    last_ms: Ints
    zero_ms: Ints
    event_ms: Floats
    left_out: Bools


def moments(spans_: Spans, every_ms: int, horizon_ms: float) -> Moments:
    """Lay a grid of whole multiples of `every_ms` of the stay's clock over each recording, up to the event.

    The first moment is at or after the first reading, the last at or before the last one and before the event.
    """
    first = -((spans_.zero_ms - spans_.first_ms) // every_ms)
    ends = np.minimum(spans_.last_ms + 1, spans_.event_ms) - spans_.zero_ms
    beyond = np.ceil(ends / every_ms).astype(np.int64)
    beyond = np.where(spans_.left_out, first, np.maximum(beyond, first))
    owner = np.repeat(np.arange(len(first)), beyond - first)
    since_ms = spans(first, beyond) * every_ms
    times_ms = spans_.zero_ms[owner] + since_ms
    until_ms = spans_.event_ms[owner] - times_ms
    whole = Moments(
        patient=owner,
        times_ms=times_ms,
        until_ms=until_ms,
        positive=np.isfinite(until_ms) & (until_ms <= horizon_ms),
        hour=since_ms // HOUR_MS,
        members=owner,
        starts=owner,
        every_ms=every_ms,
    )
    return _counted(owner, whole, np.ones(len(owner), dtype=np.bool_))


def _counted(owner: Ints, whole: Moments, kept: Bools) -> Moments:
    """Keep some rows, with the patients numbered anew; `owner` is the recording's number of each kept row."""
    begins = firsts(owner)
    rows = {
        field.name: getattr(whole, field.name)[kept]
        for field in fields(whole)
        if field.name in {"times_ms", "until_ms", "positive", "hour"}
    }
    return Moments(
        patient=np.cumsum(begins) - 1,
        members=owner[begins],
        starts=np.flatnonzero(begins),
        every_ms=whole.every_ms,
        **rows,
    )
