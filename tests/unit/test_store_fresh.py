"""What has just been appended is handed on whole, in order and without a gap, or not at all."""

import threading

import pytest

from vwmon.store.fresh import Fresh, Row


def rows(first: int, last: int) -> list[Row]:
    """Build rows of the log with these numbers."""
    return [(seq, "reading") for seq in range(first, last + 1)]


def numbers(found: list[Row]) -> list[int]:
    """Read the numbers of rows."""
    return [row[0] for row in found]


def test_what_follows_the_cursor_is_handed_on_in_whole_batches() -> None:
    """A batch is not cut, for a message would be; what is left comes with the next call."""
    fresh = Fresh()
    for first in (1, 4, 7):
        fresh.put(rows(first, first + 2))
    assert numbers(fresh.after(0, limit=4)) == [1, 2, 3, 4, 5, 6]
    assert numbers(fresh.after(6, limit=4)) == [7, 8, 9]
    assert fresh.after(9, limit=4) == []


@pytest.mark.parametrize("cursor", [0, 1, 3])
def test_a_cursor_within_what_is_kept_gets_nothing_that_it_would_have_to_cut(cursor: int) -> None:
    """Before, inside or right before the last row of a batch: the log itself is read then."""
    fresh = Fresh()
    fresh.put(rows(2, 4))
    assert fresh.after(cursor, limit=9) == ([] if cursor != 1 else rows(2, 4))


def test_what_the_cursor_has_passed_is_let_go() -> None:
    """A scorer that has read a batch from the log is handed the one after it."""
    fresh = Fresh()
    fresh.put(rows(1, 3))
    fresh.put(rows(4, 5))
    assert numbers(fresh.after(3, limit=9)) == [4, 5]


def test_a_gap_between_batches_lets_go_of_what_was_before_it() -> None:
    """Another process has appended in between: those rows are only in the log, and must not be passed over."""
    fresh = Fresh()
    fresh.put(rows(1, 3))
    fresh.put(rows(6, 7))
    assert fresh.after(0, limit=9) == []
    assert fresh.after(3, limit=9) == []
    assert numbers(fresh.after(5, limit=9)) == [6, 7]


def test_of_too_much_the_oldest_is_let_go() -> None:
    """A scorer that is far behind reads the log; a single batch is kept however long it is."""
    fresh = Fresh(most=4)
    fresh.put(rows(1, 3))
    fresh.put(rows(4, 6))
    assert fresh.after(0, limit=9) == []
    assert numbers(fresh.after(3, limit=9)) == [4, 5, 6]
    fresh.put(rows(7, 20))
    assert numbers(fresh.after(6, limit=1)) == list(range(7, 21))


def test_a_commit_of_no_rows_is_nothing() -> None:
    """A batch of repeats leaves no gap."""
    fresh = Fresh()
    fresh.put(rows(1, 1))
    fresh.put([])
    fresh.put(rows(2, 2))
    assert numbers(fresh.after(0, limit=9)) == [1, 2]


def test_one_thread_may_put_in_while_another_takes() -> None:
    """Every row comes once and in order."""
    fresh, last, cursor = Fresh(), 20_000, 0

    def write() -> None:
        for seq in range(1, last + 1):
            fresh.put(rows(seq, seq))

    writer = threading.Thread(target=write)
    writer.start()
    while cursor < last:
        for seq in numbers(fresh.after(cursor, limit=50)):
            assert seq == cursor + 1
            cursor = seq
    writer.join()
