"""The set of attempts in memory, against a set of pairs in plain Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vwmon.attempts import Attempts
from vwmon.kernels.ragged import Ints
from vwmon.scoring.charts import PARTS

COUNT = len(PARTS)
STAYS = 4
pairs = st.lists(st.tuples(st.integers(0, STAYS * COUNT - 1), st.integers(-5, 20)), max_size=30)


def ints(values: list[int]) -> Ints:
    """Make a column."""
    return np.array(values, dtype=np.int64)


def made(*several: list[tuple[int, int]]) -> Attempts:
    """Take in some attempts, one lot after the other."""
    attempts = Attempts()
    for lot in several:
        attempts.add(ints([series for series, _ in lot]), ints([at for _, at in lot]))
    return attempts


def held(attempts: Attempts) -> list[tuple[int, int]]:
    """Read all of them."""
    columns = attempts.of(np.arange(STAYS))
    return [] if columns is None else list(zip(columns.owner.tolist(), columns.times_ms.tolist(), strict=True))


@given(pairs, pairs)
def test_attempts_are_a_set_in_order(some: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    """Whatever order they come in, however often, in how many lots."""
    expected = sorted({*some, *more})
    assert held(made(some, more)) == held(made([*more, *some])) == expected
    assert len(made(some, more)) == len(expected)


@given(pairs, st.sets(st.integers(0, STAYS - 1)))
def test_a_stay_is_asked_for_its_own(some: list[tuple[int, int]], stays: set[int]) -> None:
    """Numbered as asked, with offsets that find each series; nothing at all where there is none."""
    asked = sorted(stays)
    columns = made(some).of(ints(asked))
    mine = sorted({(asked.index(s // COUNT) * COUNT + s % COUNT, at) for s, at in some if s // COUNT in stays})
    if columns is None:
        assert mine == []
        return
    assert list(zip(columns.owner.tolist(), columns.times_ms.tolist(), strict=True)) == mine
    begins = columns.offsets.tolist()
    assert len(begins) == len(asked) * COUNT + 1
    assert [begins[s + 1] - begins[s] for s in range(len(asked) * COUNT)] == [
        sum(owner == s for owner, _ in mine) for s in range(len(asked) * COUNT)
    ]


@given(pairs, st.lists(st.integers(-6, 21), min_size=STAYS, max_size=STAYS))
def test_trimming_keeps_what_is_new_and_the_last_before_it(some: list[tuple[int, int]], before: list[int]) -> None:
    """Of each series; and it says of which stays something is gone."""
    attempts = made(some)
    kept = []
    for series, at in sorted(set(some)):
        limit = before[series // COUNT]
        later = [other for s, other in some if s == series and at < other < limit]
        if at >= limit or not later:
            kept.append((series, at))
    gone = sorted({series // COUNT for series, at in set(some) - set(kept)})
    assert attempts.trim(ints(before)).tolist() == gone
    assert held(attempts) == kept


@given(pairs, st.sets(st.integers(0, STAYS - 1)))
def test_a_stay_that_is_forgotten_takes_its_attempts_along(some: list[tuple[int, int]], stays: set[int]) -> None:
    """And no other's."""
    attempts = made(some)
    attempts.forget(ints(sorted(stays)))
    assert held(attempts) == sorted({pair for pair in some if pair[0] // COUNT not in stays})


def test_a_ward_without_attempts_is_not_searched() -> None:
    """Nothing for anybody, and nothing to trim."""
    attempts = Attempts()
    assert attempts.of(np.arange(STAYS)) is None
    assert attempts.trim(np.zeros(STAYS, dtype=np.int64)).tolist() == []
    assert made([(0, 1)]).of(ints([])) is None
