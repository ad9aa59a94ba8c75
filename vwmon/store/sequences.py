"""Messages that a device numbered and that have not come: gaps in its own count, noticed, filled and closed.

A device counts its messages up by one. Storing the gaps is done here too; when to look is the log's business.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from vwmon.store.sqlite import Connection

Span = tuple[int, int, int]  # first and last number missing, and the gap they belong to


class Numbered(NamedTuple):
    """A message's number, the place in the log for which the count is true with it, when it came and was measured.

    `observed_ms` is None for a message without readings.
    """

    number: int
    as_of: int
    received_ms: int
    observed_ms: int | None


@dataclass(slots=True)
class Count:
    """Where one device's count stands, and when what it began with was measured, as far as that is known.

    `behind` is a number below it that nothing explains yet.
    """

    device_no: int
    last: int | None = None
    begun_ms: int | None = None
    behind: int | None = None
    missing: list[Span] = field(default_factory=list)


class Gap(NamedTuple):
    """Messages that a device numbered and that had not come when it was `noticed`; closed when the last came."""

    device_no: int
    first_missing: int
    last_missing: int
    missing_count: int
    noticed_ms: int
    closed_ms: int | None


def counted(db: Connection, up_to_seq: int) -> dict[int, int]:
    """Give the last number of every device's count at `up_to_seq` of the log.

    Only what does not simply follow is stored when it happens; the rest is counted on here from the unmerged log.
    """
    stored = {row[0]: row[1:] for row in db.execute("select device_no, last_seq, as_of from sequence")}
    lasts = {device_no: last for device_no, (last, _) in stored.items()}
    rows = db.execute(
        """select device_no, message_seq, seq from reading_log
           where message_seq is not null and seq <= ? order by seq""",
        [up_to_seq],
    )
    for device_no, number, seq in rows:
        if number == lasts[device_no] + 1 and seq > stored[device_no][1]:
            lasts[device_no] = number
    return lasts


def settle_all(db: Connection, up_to_seq: int) -> None:
    """Store every device's count as of `up_to_seq`, before the rows that it is counted from are merged."""
    lasts = counted(db, up_to_seq)
    db.executemany(
        "update sequence set last_seq = ?1, as_of = ?2 where device_no = ?3 and as_of <= ?2",
        [(last, up_to_seq, device_no) for device_no, last in lasts.items()],
    )


def load(db: Connection, device_no: int, last: int | None) -> Count:
    """Read where a device's count began and what it still misses; `last` is where it stands."""
    begun = db.execute("select begun_ms from sequence where device_no = ?", [device_no]).fetchone()
    spans = db.execute(
        "select first_seq, last_seq, gap_no from sequence_missing where device_no = ? order by first_seq", [device_no]
    ).fetchall()
    return Count(device_no=device_no, last=last, begun_ms=begun and begun[0], missing=spans)


def note(db: Connection, count: Count, one: Numbered) -> None:
    """Take a number that does not simply follow: open a gap, fill one, or begin a new count.

    Runs inside the caller's transaction. Two numbers in a row that are below the count and fill nothing mean that the
    device counts anew; what it missed stays missing. What was measured before the count began says nothing of it: a
    spool that is emptied in another order than it was filled.
    """
    if count.last is None or one.number > count.last:
        _ahead(db, count, one)
    elif one.number < count.last and not _fill(db, count, one) and not _is_older(count, one):
        _behind(db, count, one)


def _is_older(count: Count, one: Numbered) -> bool:
    return count.begun_ms is not None and one.observed_ms is not None and one.observed_ms < count.begun_ms


def _ahead(db: Connection, count: Count, one: Numbered) -> None:
    if count.last is None:
        count.begun_ms = one.observed_ms
    elif one.number > count.last + 1:
        first, last = count.last + 1, one.number - 1
        gap_no = db.execute(
            """insert into sequence_gap (device_no, first_missing, last_missing, missing_count, noticed_ms)
               values (?, ?, ?, ?, ?) returning gap_no""",
            (count.device_no, first, last, last - first + 1, one.received_ms),
        ).fetchone()[0]
        _keep(db, count, (first, last, gap_no))
        count.missing.append((first, last, gap_no))
    _settle(db, count, one)


def _fill(db: Connection, count: Count, one: Numbered) -> bool:
    number = one.number
    at = bisect_right(count.missing, number, key=lambda span: span[0]) - 1
    if at < 0 or number > count.missing[at][1]:
        return False
    first, last, gap_no = count.missing.pop(at)
    db.execute("delete from sequence_missing where device_no = ? and first_seq = ?", (count.device_no, first))
    left = [(a, b, gap_no) for a, b in ((first, number - 1), (number + 1, last)) if a <= b]
    count.missing[at:at] = left
    for span in left:
        _keep(db, count, span)
    db.execute("update sequence_gap set missing_count = missing_count - 1 where gap_no = ?", [gap_no])
    db.execute(
        "update sequence_gap set closed_ms = ? where gap_no = ? and missing_count = 0", (one.received_ms, gap_no)
    )
    return True


def _behind(db: Connection, count: Count, one: Numbered) -> None:
    if count.behind is None or one.number != count.behind + 1:
        count.behind = one.number
        return
    db.execute("delete from sequence_missing where device_no = ?", [count.device_no])
    count.missing.clear()
    count.begun_ms = one.observed_ms
    _settle(db, count, one)


def _keep(db: Connection, count: Count, span: Span) -> None:
    db.execute("insert into sequence_missing values (?, ?, ?, ?)", (count.device_no, *span))


def _settle(db: Connection, count: Count, one: Numbered) -> None:
    count.last, count.behind = one.number, None
    db.execute(
        "insert or replace into sequence (device_no, last_seq, as_of, begun_ms) values (?, ?, ?, ?)",
        (count.device_no, one.number, one.as_of, count.begun_ms),
    )


def gaps(db: Connection, device_no: int) -> list[Gap]:
    """Give the gaps of a device, the latest first."""
    rows = db.execute(
        """select device_no, first_missing, last_missing, missing_count, noticed_ms, closed_ms from sequence_gap
           where device_no = ? order by gap_no desc""",
        [device_no],
    )
    return [Gap._make(row) for row in rows]
