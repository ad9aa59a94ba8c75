"""Stored scores, the versions that made them, and how far the scorer has read the log. No scoring happens here.

A score is stored when it changes. Points and presence are packed as decimal digits, one a part in the order of
the chart, so that 302001 reads as 0,3,0,2,0,0,1 in any SQL shell.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vwmon.store.sqlite import Connection


class ScoreRow(NamedTuple):
    """One stored score; a plain tuple of the same order may stand in for it."""

    stay_no: int
    at_ms: int
    received_ms: int
    late: int
    total_min: int
    total_max: int
    could_be: int
    red: int
    complete: int
    points_min: int
    points_max: int
    present: int
    provenance_no: int


ScoreTuple = ScoreRow | tuple[int, ...]

_COLUMNS = ", ".join(ScoreRow._fields)
_WRITE = f"insert or replace into score ({_COLUMNS}) values ({', '.join('?' * len(ScoreRow._fields))})"
_LATEST = f"""select {_COLUMNS} from json_each(?) as wanted join score on stay_no = wanted.value
    where at_ms = (select max(at_ms) from score where stay_no = wanted.value)"""
_AT = f"""select {_COLUMNS} from json_each(?) as wanted join score on stay_no = json_extract(wanted.value, '$[0]')
    where at_ms = (select max(at_ms) from score where stay_no = json_extract(wanted.value, '$[0]')
        and at_ms <= json_extract(wanted.value, '$[1]'))"""
_HISTORY = f"select {_COLUMNS} from score where stay_no = ? and at_ms between ? and ? order by at_ms"


def write(db: Connection, rows: Iterable[ScoreTuple]) -> None:
    """Store scores inside the caller's transaction; one of the same stay and time is replaced."""
    db.executemany(_WRITE, rows)


def forget_from(db: Connection, stay_no: int, at_ms: int) -> None:
    """Remove the stored scores of a stay from `at_ms` on, before they are written anew after a late reading."""
    db.execute("delete from score where stay_no = ? and at_ms >= ?", [stay_no, at_ms])


def latest(db: Connection, stay_nos: Sequence[int]) -> dict[int, ScoreRow]:
    """Give the last stored score of each stay that has one, by stay number."""
    rows = db.execute(_LATEST, [json.dumps(list(stay_nos))])
    return {row[0]: ScoreRow._make(row) for row in rows}


def at(db: Connection, times_ms: Mapping[int, int]) -> dict[int, ScoreRow]:
    """Give the score of each stay as it stood at that stay's time, where there was one, by stay number."""
    rows = db.execute(_AT, [json.dumps(list(times_ms.items()))])
    return {row[0]: ScoreRow._make(row) for row in rows}


def history(db: Connection, stay_no: int, from_ms: int, to_ms: int) -> list[ScoreRow]:
    """Give the stored scores of one stay between two times, both included, in the order of time."""
    return [ScoreRow._make(row) for row in db.execute(_HISTORY, [stay_no, from_ms, to_ms])]


def provenance_no(db: Connection, software: str, chart: str, plan: str, config_hash: str) -> int:
    """Give the number of one set of versions, registering it on first sight (a write: in a transaction)."""
    versions = (software, chart, plan, config_hash)
    db.execute("insert or ignore into provenance (software, chart, plan, config_hash) values (?, ?, ?, ?)", versions)
    (number,) = db.execute(
        "select provenance_no from provenance where (software, chart, plan, config_hash) = (?, ?, ?, ?)", versions
    ).fetchone()
    return int(number)


def cursor(db: Connection) -> int:
    """Give the sequence number of the last reading that has been scored."""
    (seq,) = db.execute("select cursor from scorer").fetchone()
    return int(seq)


def move_cursor(db: Connection, seq: int) -> None:
    """Store how far the log has been scored, inside the transaction that stores what came of it."""
    db.execute("update scorer set cursor = ?", [seq])


def pack(digits: Sequence[int]) -> int:
    """Pack one digit a part, in the order of the chart, into the stored number."""
    return int("".join(map(str, digits)))


def unpack(packed: int, parts: int) -> tuple[int, ...]:
    """Undo `pack` for a chart of so many parts."""
    return tuple(int(digit) for digit in f"{packed:0{parts}d}")
