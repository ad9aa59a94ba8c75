"""Measurements whose values were refused: what the scorer needs to know of them, in the order of the log.

They have their numbers from the log and a table of their own, so that nothing which asks for readings meets one. A row
of theirs is a row of the log without a value. What an attempt means for a score is not known here.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from vwmon.store.sqlite import Connection

Row = tuple[Any, ...]
Asked = tuple[int, int]  # a stay, and when something of it was observed

ROW = "seq, device_no, vital_no, observed_ms, null, received_ms, unit"
WRITE = """insert into attempt (seq, device_no, vital_no, observed_ms, sent, received_ms, recorded_ms, unit,
    quarantine_no) values (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
HISTORY = f"select {ROW} from attempt where device_no in (select value from json_each(?)) order by seq"
TEXTS = "select seq, sent from attempt where device_no in (select value from json_each(?))"
NEWEST = f"""select {ROW} from attempt join (select device_no, vital_no, max(observed_ms) as observed_ms from attempt
    where seq <= ?1 group by 1, 2) using (device_no, vital_no, observed_ms) where seq <= ?1"""
SENT = """select stay_no, name, observed_ms, sent from json_each(?) as asked
    cross join assignment on stay_no = asked.value ->> 0
    cross join attempt using (device_no) join vital using (vital_no)
    where observed_ms = asked.value ->> 1 and from_ms <= observed_ms and (to_ms is null or observed_ms < to_ms)
    order by seq"""


def write(db: Connection, rows: Iterable[Row]) -> None:
    """Store attempts inside the caller's transaction, after the quarantine that they refer to."""
    db.executemany(WRITE, rows)


def history(db: Connection, device_nos: Sequence[int]) -> list[Row]:
    """Give the attempts of some devices as rows of the log, in its order."""
    return db.execute(HISTORY, [json.dumps(list(device_nos))]).fetchall()


def newest(db: Connection, up_to_seq: int) -> list[Row]:
    """Give every attempt at the latest time of its series as rows of the log, in no order."""
    return db.execute(NEWEST, [up_to_seq]).fetchall()


def numbers(db: Connection, after_seq: int, up_to_seq: int) -> list[int]:
    """Give which numbers of the log are attempts."""
    found = db.execute("select seq from attempt where seq > ? and seq <= ?", [after_seq, up_to_seq])
    return [seq for (seq,) in found]


def sent(db: Connection, asked: Iterable[Asked]) -> dict[tuple[int, str, int], str]:
    """Give what was sent in place of a value, by stay, vital and time, in the order in which it came.

    `asked` are (stay_no, observed_ms). Of several the first: it was there whenever anyone looked.
    """
    found: dict[tuple[int, str, int], str] = {}
    for stay_no, name, observed_ms, text in db.execute(SENT, [json.dumps(list(asked))]):
        found.setdefault((stay_no, name, observed_ms), text)
    return found


def texts(db: Connection, device_nos: Sequence[int]) -> dict[int, str]:
    """Give what was sent for every attempt of some devices, by its number in the log."""
    return dict(db.execute(TEXTS, [json.dumps(list(device_nos))]))


def drop_before(db: Connection, at_ms: int) -> None:
    """Remove what was observed before a time and has been merged past, inside the caller's transaction."""
    db.execute("delete from attempt where observed_ms < ? and seq <= (select merged_seq from log)", [at_ms])
