"""Stored scores and the versions that made them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.store import database, scores
from vwmon.store.scores import ScoreRow
from vwmon.store.sqlite import Connection

T0 = 1_795_000_000_000
PARTS = 7


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """An empty database."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        yield opened


def row(stay_no: int, at: int, total: int = 3) -> ScoreRow:
    """Build a score of a stay, so many minutes after T0."""
    at_ms = T0 + at * 60_000
    return ScoreRow(stay_no, at_ms, at_ms + 500, 0, total, total + 3, total, 0, 0, 302_001, 302_003, 1_111_110, 1)


def test_scores_come_back_as_they_were_written_in_the_order_of_time(db: Connection) -> None:
    """Between two times, both included, of one stay."""
    rows = [row(1, 9), row(1, 3), row(2, 5), row(1, 6)]
    scores.write(db, rows)
    assert scores.history(db, 1, T0, T0 + 10**9) == [rows[1], rows[3], rows[0]]
    assert scores.history(db, 1, T0 + 180_000, T0 + 360_000) == [rows[1], rows[3]]


def test_a_plain_tuple_is_as_good_as_a_row(db: Connection) -> None:
    """The scorer writes columns zipped to tuples."""
    scores.write(db, [tuple(row(1, 1))])
    assert scores.history(db, 1, 0, 1 << 50) == [row(1, 1)]


def test_a_score_of_the_same_moment_is_replaced(db: Connection) -> None:
    """A late reading changes what the score was."""
    scores.write(db, [row(1, 1, total=3)])
    scores.write(db, [row(1, 1, total=5)])
    assert [found.total_min for found in scores.history(db, 1, 0, 1 << 50)] == [5]


def test_what_follows_a_late_reading_is_forgotten_from_its_time_on(db: Connection) -> None:
    """Of one stay only, and not what was before."""
    scores.write(db, [row(1, 1), row(1, 2), row(1, 3), row(2, 3)])
    scores.forget_from(db, 1, T0 + 120_000)
    assert scores.history(db, 1, 0, 1 << 50) == [row(1, 1)]
    assert scores.history(db, 2, 0, 1 << 50) == [row(2, 3)]


def test_the_latest_score_of_each_stay(db: Connection) -> None:
    """Of those asked for that have one."""
    scores.write(db, [row(1, 1), row(1, 2), row(2, 9), row(3, 1)])
    assert scores.latest(db, [1, 2, 4]) == {1: row(1, 2), 2: row(2, 9)}
    assert scores.latest(db, []) == {}


def test_one_set_of_versions_has_one_number(db: Connection) -> None:
    """The same versions are found again; any difference is another set."""
    versions = ["0.1.0", "news2 1", "general 1", "abc"]
    first = scores.provenance_no(db, *versions)
    assert scores.provenance_no(db, *versions) == first
    others = {scores.provenance_no(db, *[*versions[:n], "other", *versions[n + 1 :]]) for n in range(4)}
    assert len({first, *others}) == 5


def test_the_scorers_place_in_the_log_is_kept(db: Connection) -> None:
    """It begins before the first reading."""
    assert scores.cursor(db) == 0
    scores.move_cursor(db, 17)
    assert scores.cursor(db) == 17


@given(digits=st.lists(st.integers(0, 9), min_size=PARTS, max_size=PARTS))
def test_packed_points_are_unpacked_as_they_were(digits: list[int]) -> None:
    """Also with leading zeros."""
    assert scores.unpack(scores.pack(digits), PARTS) == tuple(digits)
