"""The log of readings under any interleaving: repeats, merges, crashes, other writers, reopening."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.readings import MARK_RECEIPT_TIME, Attempt, Message, Reading, Refused
from vwmon.store import attempts, database, readings
from vwmon.store.arrivals import Arrival, Quarantined
from vwmon.store.log import LogWriter, drop_days_before, merge
from vwmon.store.sqlite import Connection
from vwmon.store.verify import RULES

T0 = 1_795_000_000_000
HOUR = 3_600_000
DAY = 86_400_000
DEVICES = ("cuff-1", "oximeter-2", "oximeter-3")
VITALS = ("spo2", "heart_rate", "a-new-vital")
EVERYTHING = 1 << 40

UNBINDABLE: dict[str, Any] = {
    "topic": "t",
    "device": None,
    "reason": "r",
    "detail": object(),
    "payload": b"",
    "received_ms": 0,
}

modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

a_reading = st.builds(
    Reading,
    vital=st.sampled_from(VITALS),
    value=st.sampled_from([93.0, 95.5, -0.0, 1e300]),
    text=st.none(),
    observed_ms=st.integers(0, 60).map(lambda hour: T0 + hour * HOUR),
    raw_value=st.sampled_from([None, 12.4, "air"]),
    raw_unit=st.sampled_from([None, "kPa"]),
    marks=st.sampled_from([0, 0, 0, 4, MARK_RECEIPT_TIME]),
)
a_word = st.builds(
    Reading,
    vital=st.just("a-new-vital"),
    value=st.none(),
    text=st.sampled_from(["", "93.0", "grey"]),
    observed_ms=st.just(T0),
    raw_value=st.none(),
    raw_unit=st.none(),
    marks=st.just(8),
)
an_attempt = st.builds(
    Attempt,
    vital=st.sampled_from(["spo2", "heart_rate", "gcs"]),
    observed_ms=st.integers(0, 60).map(lambda hour: T0 + hour * HOUR),
    sent=st.sampled_from(["120 %", "no value"]),
)
a_refusal = st.builds(
    Refused,
    vital=st.just("spo2"),
    reason=st.just("not_a_number"),
    detail=st.just("no"),
    index=st.just(0),
    attempt=st.none() | an_attempt,
)
a_message = st.builds(
    Message,
    id=st.sampled_from([None, None, "01A", "01B", "02", "zz", "é", "9" * 128]),
    seq=st.none(),
    battery_percent=st.sampled_from([None, 50.0, 49.0]),
    readings=st.lists(a_reading | a_word, max_size=3).map(tuple),
    refused=st.lists(a_refusal, max_size=3).map(tuple),
)
an_arrival = st.builds(
    Arrival,
    ward=st.just("resp"),
    device=st.sampled_from(DEVICES),
    topic=st.just("vwmon/resp/x/readings"),
    message=a_message,
    received_ms=st.just(T0 + 100 * HOUR),
    payload=st.just(b"{}"),
)
a_step = (
    st.tuples(st.just("append"), st.lists(an_arrival, max_size=6))
    | st.tuples(st.just("merge"), st.integers(0, 12))
    | st.tuples(st.just("merge by another"), st.integers(0, 12))
    | st.tuples(st.just("reopen"), st.none())
    | st.tuples(st.just("fail"), st.lists(an_arrival, max_size=4))
    | st.tuples(st.just("append by another"), st.lists(an_arrival, max_size=4))
)


class Twin:
    """The same log in plain Python: what must be stored, in order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.ids: set[tuple[str, str]] = set()
        self.own: set[tuple[object, ...]] = set()
        self.rows: list[tuple[object, ...]] = []
        self.refused = 0
        self.numbered: list[tuple[object, ...]] = []  # what stands where in the log: readings and attempts

    def append(self, arrivals: Sequence[Arrival]) -> None:
        """Keep what is new."""
        for arrival in arrivals:
            fresh = self._fresh(arrival)
            if fresh is not None:
                rows = [_content(arrival.device, reading) for reading in fresh]
                tried = [one.attempt for one in arrival.message.refused if one.attempt is not None]
                self.rows += rows
                self.refused += len(arrival.message.refused)
                self.numbered += [(arrival.device, one.vital, one.observed_ms, None, one.sent) for one in tried]
                self.numbered += [(*row[:4], "") for row in rows]

    def _fresh(self, arrival: Arrival) -> list[Reading] | None:
        message = arrival.message
        if message.id is None:
            fresh = [reading for reading in message.readings if self._is_new(arrival.device, reading)]
            return fresh if fresh or message.refused else None
        if (arrival.device, message.id) in self.ids:
            return None
        self.ids.add((arrival.device, message.id))
        return list(message.readings)

    def _is_new(self, device: str, reading: Reading) -> bool:
        if reading.marks & MARK_RECEIPT_TIME:
            return True
        key = (device, reading.vital, reading.observed_ms, repr(reading.value), reading.text)
        known = key in self.own
        self.own.add(key)
        return not known


def _content(device: str, reading: Reading) -> tuple[object, ...]:
    return (
        device,
        reading.vital,
        reading.observed_ms,
        reading.value,
        reading.text,
        reading.raw_value,
        reading.raw_unit,
        reading.marks,
    )


def stored(db: Connection) -> list[tuple[object, ...]]:
    """Read every reading of the log and of what is merged, in log order."""
    columns = "device, name, observed_ms, value, text, raw_value, raw_unit, marks"
    return db.execute(
        f"""select {columns} from (select * from reading union all
                select observed_ms / {DAY}, seq, device_no, vital_no, observed_ms, value, text, raw_value, raw_unit,
                marks, received_ms, recorded_ms, unit from reading_log)
            join device using (device_no) join vital using (vital_no) order by seq"""  # noqa: S608 -- our own names
    ).fetchall()


def numbered(db: Connection) -> list[tuple[object, ...]]:
    """Read everything that has a number of the log, in its order, and check that no number is left out."""
    columns = "seq, device_no, vital_no, observed_ms, value, ''"
    rows = db.execute(
        f"""select seq, device, name, observed_ms, value, sent from (
            select {columns} as sent from reading union all select {columns} from reading_log union all
            select seq, device_no, vital_no, observed_ms, null, sent from attempt)
            join device using (device_no) join vital using (vital_no) order by seq"""  # noqa: S608 -- our own names
    ).fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    return [row[1:] for row in rows]


def tried(db: Connection) -> set[int]:
    """Give the numbers of the log that are attempts."""
    return set(attempts.numbers(db, 0, EVERYTHING))


@contextmanager
def new_database() -> Iterator[Path]:
    """Make a database of its own for one example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ward.db"
        database.create(path).close()
        yield path


class Run:
    """One example: the real log and its twin, step by step."""

    def __init__(self, path: Path) -> None:
        """Open the database that was made for it."""
        self.path, self.twin = path, Twin()
        self.db = database.open_writer(path)
        self.writer = LogWriter(self.db)

    def step(self, verb: str, given: object) -> None:
        """Do one step on both sides."""
        getattr(self, "do_" + verb.replace(" ", "_"))(given)

    def do_append(self, arrivals: Sequence[Arrival]) -> None:
        """Append to both, and compare what is told."""
        before = len(self.twin.rows)
        self.twin.append(arrivals)
        told = self.writer.append(arrivals, (), T0)
        delivered = sum(len(a.message.readings) + len(a.message.refused) for a in arrivals)
        assert told.stored == len(self.twin.rows) - before
        assert told.stored + told.duplicates + told.refused <= delivered
        assert told.last_seq == len(self.twin.numbered) == self.writer.last_seq

    def do_merge(self, at_most: int) -> None:
        """Merge with the writer that appends."""
        self.writer.merge(EVERYTHING, at_most)

    def do_merge_by_another(self, at_most: int) -> None:
        """Merge beside the writer."""
        merge(self.db, EVERYTHING, at_most)

    def do_reopen(self, _: None) -> None:
        """Start again from the file."""
        self.db.close()
        self.db = database.open_writer(self.path)
        self.writer = LogWriter(self.db)

    def do_fail(self, arrivals: Sequence[Arrival]) -> None:
        """Break the batch after everything is gathered, as a full disk would: nothing of it may stay."""
        unbindable = Quarantined(**UNBINDABLE)
        with pytest.raises(Exception, match=r"."):
            self.writer.append(arrivals, [unbindable], T0)

    def do_append_by_another(self, arrivals: Sequence[Arrival]) -> None:
        """Append from another connection, as another process would."""
        self.twin.append(arrivals)
        other = database.open_writer(self.path)
        LogWriter(other).append(arrivals, (), T0)
        other.close()


@pytest.mark.hazard("H1", "T6")
@modest
@given(steps=st.lists(a_step, max_size=12))
def test_each_message_and_each_reading_without_id_is_stored_once(steps: list[tuple[str, object]]) -> None:
    """Whatever comes twice, in whatever order, across merges and restarts, is stored once, in the order it came."""
    with new_database() as path:
        run = Run(path)
        for verb, given_ in steps:
            run.step(verb, given_)
            assert stored(run.db) == run.twin.rows
            assert numbered(run.db) == run.twin.numbered
            assert run.db.execute(RULES["every reading has one place in the log"]).fetchone() == (0,)
        assert run.db.execute("select count(*) from quarantine").fetchone()[0] == run.twin.refused
        run.db.close()


@modest
@given(batches=st.lists(st.lists(an_arrival, max_size=5), max_size=5), cut=st.integers(0, 10), limit=st.integers(1, 4))
def test_the_log_reads_the_same_however_much_of_it_is_merged(
    batches: list[list[Arrival]], cut: int, limit: int
) -> None:
    """Rows come back in log order, whole messages at a time, from before, across and after what has been merged."""
    with new_database() as path:
        run = Run(path)
        for batch in batches:
            run.step("append", batch)
        whole = readings.rows_after(run.db, 0, EVERYTHING)
        run.step("merge", cut)
        assert readings.rows_after(run.db, 0, EVERYTHING) == whole
        good = [row for row in whole if row[0] not in tried(run.db)]
        assert readings.history(run.db, [1, 2, 3]) == good
        assert sorted(attempts.history(run.db, [1, 2, 3]) + good, key=itemgetter(0)) == whole
        pieces, seq = [], 0
        while piece := readings.rows_after(run.db, seq, limit):
            pieces.append(piece)
            seq = piece[-1][0]
        assert [row for piece in pieces for row in piece] == whole
        units = [{row[-1] for row in piece} for piece in pieces]
        assert sum(map(len, units)) == len({row[-1] for row in whole})
        run.db.close()


@modest
@given(
    batches=st.lists(st.lists(an_arrival, max_size=5), max_size=4),
    cut=st.integers(0, 20),
    device=st.integers(1, 3),
    hours=st.tuples(st.integers(-1, 61), st.integers(-1, 61)),
)
def test_history_and_latest_agree_with_a_plain_search(
    batches: list[list[Arrival]], cut: int, device: int, hours: tuple[int, int]
) -> None:
    """The history between two times, and the last of each series, are those a search of everything finds."""
    with new_database() as path:
        run = Run(path)
        for batch in batches:
            run.step("append", batch)
        whole = [row for row in readings.rows_after(run.db, 0, EVERYTHING) if row[0] not in tried(run.db)]
        run.step("merge", cut)
        from_ms, to_ms = (T0 + hour * HOUR for hour in hours)
        wanted = [row for row in whole if row[1] == device and from_ms <= row[3] <= to_ms]
        assert readings.history(run.db, [device], from_ms, to_ms) == wanted
        newest = {(row[1], row[2]): max(r[3] for r in whole if r[1:3] == row[1:3]) for row in whole}
        assert {key: last.observed_ms for key, last in readings.latest(run.db).items()} == newest
        assert {row for row in whole if row[3] == newest[row[1:3]]} <= set(readings.newest(run.db)) <= set(whole)
        assert set(readings.latest(run.db, [device])) == {key for key in newest if key[0] == device}
        run.db.close()


@modest
@given(batches=st.lists(st.lists(an_arrival, max_size=5), max_size=4), day=st.integers(-1, 4))
def test_dropped_days_stay_dropped_and_their_repeats_are_still_repeats(batches: list[list[Arrival]], day: int) -> None:
    """Old days can go; what is left is the rest, and nothing that was once stored is stored again."""
    with new_database() as path:
        run = Run(path)
        for batch in batches:
            run.step("append", batch)
        run.step("merge", EVERYTHING)
        first_kept = T0 // DAY + day
        kept = [row for row in run.twin.rows if int(str(row[2])) // DAY >= first_kept]
        assert drop_days_before(run.db, first_kept) == len(run.twin.rows) - len(kept)
        dated = [_without_undated(arrival) for batch in batches for arrival in batch]
        run.writer.append(dated, (), T0)
        assert stored(run.db) == kept
        run.db.close()


def _without_undated(arrival: Arrival) -> Arrival:
    message = arrival.message
    dated = tuple(r for r in message.readings if message.id is not None or not r.marks & MARK_RECEIPT_TIME)
    changed = Message(
        id=message.id, seq=message.seq, battery_percent=message.battery_percent, readings=dated, refused=message.refused
    )
    return Arrival(arrival.ward, arrival.device, arrival.topic, changed, arrival.received_ms, arrival.payload)
