"""Writing the log of readings: appending to it, and merging it into series order.

A reading is in the append-only table `reading_log` until the scorer has passed it, then in `reading`, ordered by day
and series; `seq` orders both, and with them the attempts, which stay where they are. What tells a repeat commits with
the reading itself. Questions to the log live in vwmon.store.readings; what a reading means is not known to either.
"""

from collections.abc import Callable, Sequence

import msgspec

from vwmon.durations import DAY_MS
from vwmon.store import attempts, sequences
from vwmon.store.arrivals import Appended, Arrival, Quarantined
from vwmon.store.batch import Batch
from vwmon.store.database import atomic
from vwmon.store.fresh import Fresh
from vwmon.store.known import Known
from vwmon.store.sqlite import Connection

STORED = """seq, device_no, vital_no, observed_ms, value, text, raw_value, raw_unit, marks, received_ms, recorded_ms,
    unit"""
# "or rollback": with SQLite's usual way of undoing one statement, it keeps every page that the statement touches in
# memory, which for a merge is more the larger the table: 58 MB after a million readings. Undone, the whole merge is.
MERGE = (
    f"""insert or rollback into reading (day, {STORED}) select observed_ms / {DAY_MS}, {STORED} from reading_log
        where seq <= ? order by 1, device_no, vital_no, observed_ms, seq""",
    """insert or ignore into message select device_no, message_key, unit from reading_log
        where seq <= ? and message_key is not null order by device_no, message_key""",
    # Found by number first, so that whole rows are not sorted to keep one of each series.
    """insert into series_latest select device_no, vital_no, observed_ms, value, text, seq, received_ms, unit
        from (select seq, max(observed_ms) from reading_log where seq <= ? group by device_no, vital_no)
        cross join reading_log using (seq) where true
        on conflict do update set observed_ms = excluded.observed_ms, value = excluded.value, text = excluded.text,
        seq = excluded.seq, received_ms = excluded.received_ms, unit = excluded.unit
        where excluded.observed_ms >= series_latest.observed_ms""",
    "delete from reading_log where seq <= ?",
    "update log set merged_seq = ?",
)
# One row, so that the interpreter is not asked for once a key; in parts, so that not all of them are text at once.
KEYS = """select json_group_array(device_no), json_group_array(message_key) from reading_log
    where seq > ? and seq <= ? and message_key is not null"""
KEYS_AT_ONCE = 20_000  # readings


class LogWriter:
    """The writer of the log on one connection. Another writer on the same file is noticed and allowed for."""

    def __init__(self, db: Connection, fresh: Fresh | None = None) -> None:
        """Read what tells repeats among the readings that have not been merged.

        Whoever follows the log in this process finds what has been appended in `fresh`.
        """
        self._db, self._fresh = db, fresh or Fresh()
        self._known: Known | None = Known(db)

    @property
    def tail_size(self) -> int:
        """How many readings have not been merged."""
        known = self._remembered()
        return known.last_seq - known.merged_seq

    @property
    def last_seq(self) -> int:
        """The sequence number of the last reading stored."""
        return self._remembered().last_seq

    def append(
        self,
        arrivals: Sequence[Arrival],
        quarantined: Sequence[Quarantined],
        recorded_ms: int,
        *,
        within: Callable[[Appended], None] | None = None,
    ) -> Appended:
        """Store a batch in one transaction: each (device, id) once, and each reading without an id once.

        `within` is called in that transaction with what became of the batch, to write what belongs to it. An id that
        is stored already changes nothing, whatever its message says. After an exception nothing of the batch is
        stored, and the same batch may be appended again.
        """
        known, self._known = self._known, None
        with atomic(self._db):
            if known is None or not self._is_current(known):
                known = Known(self._db)
            batch = Batch(self._db, known, recorded_ms)
            batch.gather(arrivals)
            batch.set_aside(quarantined)
            batch.write()
            appended = Appended(
                stored=len(batch.rows),
                duplicates=batch.duplicates,
                refused=batch.refused,
                quarantined=len(quarantined),
                last_seq=batch.seq,
            )
            if within is not None:
                within(appended)
        known.last_seq = batch.seq
        known.forget(batch.indexed)
        self._known = known
        self._fresh.put(batch.appended)
        return appended

    def merge(self, up_to_seq: int, at_most: int) -> int:
        """Do what `merge` does, and drop the keys from memory that the database's index then has."""
        known, self._known = self._remembered(), None
        with atomic(self._db):
            current = self._is_current(known)
            merged, bound = _merge_bounds(self._db, up_to_seq, at_most)
            for start in range(merged, bound, KEYS_AT_ONCE) if current else ():
                found = self._db.execute(KEYS, [start, min(start + KEYS_AT_ONCE, bound)]).fetchone()
                known.forget(zip(*map(msgspec.json.decode, found), strict=True))
            _move(self._db, bound)
        if current:
            known.merged_seq = bound
            self._known = known
        return bound - merged

    def _is_current(self, known: Known) -> bool:
        """Tell whether nobody else has written since; another process may (a reading entered by hand)."""
        return bool(self._db.execute("select last_seq from log").fetchone()[0] == known.last_seq)

    def _remembered(self) -> Known:
        if self._known is None:
            self._known = Known(self._db)
        return self._known


def merge(db: Connection, up_to_seq: int, at_most: int) -> int:
    """Move at most so many readings, up to `up_to_seq`, from the log into series order; give how many.

    One transaction: whenever it is cut short, nothing is lost or doubled. Only what has been scored may be merged.
    """
    with atomic(db):
        merged, bound = _merge_bounds(db, up_to_seq, at_most)
        _move(db, bound)
    return bound - merged


def drop_days_before(db: Connection, day: int) -> int:
    """Remove the merged readings, and attempts, of the days before `day` (days since the epoch, UTC); give how many.

    A day a transaction, oldest first. The keys stay, so that a repeat of what was dropped is still a repeat.
    """
    dropped = 0
    for (old,) in _days_before(db, day):
        with atomic(db):
            dropped += db.execute("delete from reading where day = ?", [old]).rowcount
            attempts.drop_before(db, (old + 1) * DAY_MS)
            db.execute("update log set dropped_before_day = max(dropped_before_day, ?)", [old + 1])
    return dropped


def _merge_bounds(db: Connection, up_to_seq: int, at_most: int) -> tuple[int, int]:
    last, merged = db.execute("select last_seq, merged_seq from log").fetchone()
    return merged, max(merged, min(up_to_seq, last, merged + at_most))


def _move(db: Connection, bound: int) -> None:
    sequences.settle_all(db, bound)
    for statement in MERGE:
        db.execute(statement, [bound])


def _days_before(db: Connection, day: int) -> list[tuple[int]]:
    return db.execute(
        """with days (day) as (select min(day) from reading
             union all select (select min(day) from reading where day > days.day) from days where days.day is not null)
           select day from days where day < ?""",
        [day],
    ).fetchall()
