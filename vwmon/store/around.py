"""What the log has of some series around some moments: what speaks for or against single readings. Read only.

By the primary key, a series and a day at a time, so that showing one alert does not read a whole stay.
"""

import json
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from vwmon.durations import DAY_MS
from vwmon.store.readings import ROW, LogRow
from vwmon.store.sqlite import Connection

MOST: Final = 4000  # of one series: a reading a second for more than an hour

OF_DAY: Final = f"""select {ROW} from reading where day = ? and device_no = ? and vital_no = ?
    and observed_ms between ? and ? and value is not null order by observed_ms desc, seq desc limit ?"""
OF_TAIL: Final = f"""select {ROW} from reading_log where value is not null and observed_ms between ?1 and ?2
    and device_no in (select value from json_each(?3)) and vital_no in (select value from json_each(?4))"""


class Span(NamedTuple):
    """One series between two times, both included."""

    device_no: int
    vital_no: int
    from_ms: int
    to_ms: int


def readings(db: Connection, spans: Collection[Span], most: int = MOST) -> list[LogRow]:
    """Give the readings of some spans, which do not overlap, in no order; of a merged series the latest `most`."""
    if not spans:
        return []
    tail = _tail(db, spans)
    return [row for span in spans for row in (*_merged(db, span, most), *(row for row in tail if _within(row, span)))]


def _merged(db: Connection, span: Span, left: int) -> Iterator[LogRow]:
    for day in range(span.to_ms // DAY_MS, span.from_ms // DAY_MS - 1, -1):
        rows = db.execute(OF_DAY, [day, *span, left]).fetchall()
        yield from rows
        left -= len(rows)
        if left <= 0:
            return


def _tail(db: Connection, spans: Collection[Span]) -> list[LogRow]:
    first, last = min(span.from_ms for span in spans), max(span.to_ms for span in spans)
    devices, vitals = ({getattr(span, name) for span in spans} for name in ("device_no", "vital_no"))
    return db.execute(OF_TAIL, [first, last, json.dumps([*devices]), json.dumps([*vitals])]).fetchall()


def _within(row: LogRow, span: Span) -> bool:
    return (row[1], row[2]) == (span.device_no, span.vital_no) and span.from_ms <= row[3] <= span.to_ms
