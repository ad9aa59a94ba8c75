"""When the log is merged: long or due, as far as it has been scored, and before the next batch is stored."""

import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import cast

import pytest

from devices.readings import Message, Reading
from vwmon.merging import AHEAD, LOOKS, MERGED_AT_ONCE, MergingLog
from vwmon.store import database
from vwmon.store.arrivals import Appended, Arrival
from vwmon.store.log import LogWriter

T0 = 1_795_000_000_000
EVERY = 60_000
DONE = Appended(stored=1, duplicates=0, refused=0, quarantined=0, last_seq=1)


@dataclass
class FakeLog:
    """A log that remembers what was asked of it, and is as long as it is told to be."""

    tail_size: int = 0
    last_seq: int = 0
    asked: list[object] = field(default_factory=list)

    def append(self, _arrivals: object, _quarantined: object, recorded_ms: int) -> Appended:
        """Store a batch."""
        self.asked.append(("append", recorded_ms - T0))
        return DONE

    def merge(self, up_to_seq: int, at_most: int) -> int:
        """Merge."""
        self.asked.append(("merge", up_to_seq, at_most))
        return 0


def merging(log: FakeLog, scored: Iterable[int]) -> MergingLog:
    """Wrap a log whose scorer stands at one number after the other."""
    numbers = iter(scored)
    return MergingLog(cast("LogWriter", log), lambda: next(numbers), EVERY, threading.Event())


def merged_at(log: FakeLog, times: Sequence[int], scored: Iterable[int]) -> list[int]:
    """Append at these times after T0; give those at which it merged."""
    wrapped, found = merging(log, scored), []
    for after in times:
        log.asked.clear()
        assert wrapped.append((), (), T0 + after) is DONE
        if len(log.asked) > 1:
            found.append(after)
    return found


def test_the_log_is_merged_when_it_is_due() -> None:
    """Counted from the first batch, then from the last merge."""
    times = [0, EVERY - 1, EVERY, EVERY + 1, 2 * EVERY - 1, 2 * EVERY, 9 * EVERY]
    assert merged_at(FakeLog(), times, range(100)) == [EVERY, 2 * EVERY, 9 * EVERY]


@pytest.mark.parametrize(
    ("stored", "scored", "merged"),
    [
        (MERGED_AT_ONCE, MERGED_AT_ONCE - 1, []),
        (MERGED_AT_ONCE, MERGED_AT_ONCE, [0, 1]),
        (MERGED_AT_ONCE + AHEAD, MERGED_AT_ONCE - 1, []),
        (MERGED_AT_ONCE + AHEAD, MERGED_AT_ONCE, [0, 1]),
    ],
)
def test_a_backlog_is_merged_in_whole_portions_before_it_is_due(stored: int, scored: int, merged: list[int]) -> None:
    """It must not wait for the clock, or its keys would fill the memory; what is not scored makes no portion whole."""
    log = FakeLog(tail_size=stored, last_seq=stored)
    assert merged_at(log, [0, 1], repeat(scored)) == merged


@pytest.mark.hazard("H19")
def test_what_is_not_scored_yet_is_not_merged() -> None:
    """The scorer reads the tail in the order of arrival: it is merged up to its cursor as it is then, and in parts."""
    log = FakeLog(tail_size=MERGED_AT_ONCE)
    wrapped = merging(log, [5, 5, 9, 9])
    for after in (0, 1):
        wrapped.append((), (), T0 + after)
    assert log.asked == [
        ("merge", 5, MERGED_AT_ONCE),
        ("append", 0),
        ("merge", 9, MERGED_AT_ONCE),
        ("append", 1),
    ]


def test_a_real_log_keeps_what_waits_for_the_scorer(tmp_path: Path) -> None:
    """Three stored, two scored: two are merged, the third and the new one wait."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        wrapped = MergingLog(LogWriter(db), lambda: 2, EVERY, threading.Event())
        wrapped.append([arrival(n) for n in range(3)], (), T0)
        wrapped.append([arrival(3)], (), T0 + EVERY)
        counts = "select (select count(*) from reading), (select count(*) from reading_log)"
        assert db.execute(counts).fetchone() == (2, 2)


def arrival(number: int) -> Arrival:
    """Build a message of one reading."""
    reading = Reading(
        vital="spo2", value=95.0, text=None, observed_ms=T0 + number, raw_value=None, raw_unit=None, marks=0
    )
    body = Message(id=str(number), seq=None, battery_percent=None, readings=(reading,), refused=())
    return Arrival("resp", "oximeter-1", "vwmon/resp/oximeter-1/readings", body, T0, b"{}")


class Pacer(threading.Event):
    """An event whose waits are counted, and each of which finds the scoring a step further."""

    def __init__(self, step: int) -> None:
        """Begin with nothing scored."""
        super().__init__()
        self.step, self.scored, self.waits = step, 0, 0

    def wait(self, timeout: float | None = None) -> bool:
        """Go on at once."""
        assert timeout is not None
        self.waits += 1
        self.scored += self.step
        return True


@pytest.mark.hazard("H19", "T9")
@pytest.mark.parametrize(
    ("stored", "step", "waits"),
    [(AHEAD, 0, 0), (AHEAD + 1, 1, 1), (AHEAD + 2000, 1000, 2), (9 * AHEAD, 0, LOOKS)],
)
def test_what_arrives_waits_with_the_broker_while_the_scoring_is_far_behind(stored: int, step: int, waits: int) -> None:
    """It waits until the scoring is near enough, but never so long that the broker would think the daemon dead."""
    pacer, log = Pacer(step), FakeLog(last_seq=stored)
    wrapped = MergingLog(cast("LogWriter", log), lambda: pacer.scored, EVERY, pacer)
    assert wrapped.append((), (), T0) is DONE
    assert pacer.waits == waits
