"""The chain of events: whatever is altered, removed, swapped or made anew is found, and where it was."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import chain
from alerts.chain import FIELDS, START, Anchor, Walk

Row = list[Any]


def rows(count: int) -> list[Row]:
    """Make a history of so many events, sealed: the fields of each, what it follows on, and its hash."""
    made: list[Row] = []
    previous = START
    for number in range(1, count + 1):
        fields = [number if name == "event_no" else f"{name} {number}" for name in FIELDS]
        hash_ = chain.link(previous, dict(zip(FIELDS, fields, strict=True)))
        made.append([*fields, previous, hash_])
        previous = hash_
    return made


def followed(history: list[Row], *anchors: Anchor) -> list[tuple[int, str]]:
    """Follow a history, hold it against anchors, and give what is wrong with it."""
    walk = Walk(wanted=frozenset(anchor.count for anchor in anchors))
    breaks = [*walk.follow((row[:-2], row[-2], row[-1]) for row in history), *chain.astray(walk, anchors)]
    return [(one.event_no, one.what) for one in breaks]


def anchor(history: list[Row], count: int) -> Anchor:
    """Give the anchor of a history at some number."""
    return Anchor(time="2026-11-26T10:00:00Z", count=count, head=history[count - 1][-1])


def test_what_was_written_is_found_as_it_was_written() -> None:
    """An empty history, and one of every length, with all its anchors."""
    assert followed([]) == []
    for count in (1, 2, 9):
        history = rows(count)
        assert followed(history, *(anchor(history, number) for number in range(1, count + 1))) == []


@pytest.mark.hazard("T12")
@given(st.integers(0, 8), st.sampled_from(range(1, len(FIELDS))))
def test_any_field_of_any_event_that_was_altered_is_named(place: int, field: int) -> None:
    """Its number, and nothing of the others."""
    history = rows(9)
    history[place][field] = "altered"
    assert followed(history) == [(place + 1, f"event {place + 1} is not as it was written")]


@given(st.integers(0, 8), st.sampled_from(range(1, len(FIELDS))))
def test_a_field_that_was_emptied_is_found(place: int, field: int) -> None:
    """What is null is not sealed, and what was not null must not become so."""
    history = rows(9)
    history[place][field] = None
    assert followed(history) != []


@pytest.mark.hazard("T12")
def test_an_event_that_was_taken_out_is_named() -> None:
    """By its own number, and the next no longer follows."""
    history = rows(9)
    del history[4]
    assert followed(history) == [
        (5, "event 5 is missing"),
        (6, "event 6 was not written after the one that stands before it"),
    ]


@pytest.mark.hazard("T12")
def test_two_that_were_swapped_are_both_named() -> None:
    """Each seals its own number."""
    history = rows(9)
    history[3], history[4] = [4, *history[4][1:]], [5, *history[3][1:]]
    assert [number for number, _ in followed(history)][:2] == [4, 5]


@pytest.mark.hazard("H27", "T12")
def test_an_end_that_was_cut_off_is_found_by_an_anchor_only() -> None:
    """The rest is a whole chain; how much is missing, and since when it was known, is said."""
    history = rows(9)
    kept = history[:6]
    assert followed(kept) == []
    assert followed(kept, anchor(history, 3), anchor(history, 9)) == [
        (7, "events 7 to 9 are missing at the end, as the anchor of 2026-11-26T10:00:00Z shows")
    ]


@pytest.mark.hazard("T12")
def test_a_history_that_was_made_anew_is_found_by_an_anchor_only() -> None:
    """A chain that is whole and is another one, from the first anchor on that it does not fit."""
    history, other = rows(9), rows(9)
    other[2][1] = "altered"
    previous = other[1][-1]
    for row in other[2:]:
        row[-2], row[-1] = previous, chain.link(previous, dict(zip(FIELDS, row[:-2], strict=True)))
        previous = row[-1]
    assert followed(other) == []
    found = followed(other, anchor(history, 2), anchor(history, 5), anchor(history, 9))
    assert found == [(5, "event 5 is not the one that the anchor of 2026-11-26T10:00:00Z knew")]


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda row: row.__setitem__(-1, None), "without a hash"),
        (lambda row: row.__setitem__(-1, "0" * 64), "not as it was written"),
        (lambda row: row.__setitem__(-2, "0" * 64), "not as it was written"),
    ],
)
def test_hashes_that_were_altered_are_found(alter: Callable[[Row], None], said: str) -> None:
    """Those of an event itself, and those that it names."""
    history = rows(3)
    alter(history[1])
    assert any(number == 2 and said in what for number, what in followed(history))


def test_a_field_that_comes_later_changes_no_hash_of_before() -> None:
    """What is null is left out of what is sealed."""
    event = dict(zip(FIELDS, rows(1)[0][:-2], strict=True))
    without = event | {"host": None}
    sealed = chain.link(START, without)
    assert sealed != chain.link(START, event)
    assert sealed == chain.link(START, dict.fromkeys(FIELDS) | without)
