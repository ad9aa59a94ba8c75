"""The queue of the triage screen: what is under the cursor stays there, and what changed says so."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.triage_records import ids, queue, record
from vwmon.cli.triage import filters, queues
from vwmon.cli.triage.filters import Filter
from vwmon.cli.triage.queues import Queue, change, moved, news, refreshed
from vwmon.errors import UsageError

A, B, C = record("AAAA"), record("BBBB", ward="hf", stay=2), record("CCCC", level=3, stay=3)


def test_the_order_is_the_lists_and_the_cursor_begins_at_its_head() -> None:
    """The most urgent first, as `vwmon alerts` has it; nothing is called new that was there when one came."""
    found = queue(C, A, B)
    assert (ids(found), found.selected) == (["CCCC", "AAAA", "BBBB"], "CCCC")
    assert [item.mark for item in found.items] == ["", "", ""]
    assert found.unseen == ()


def test_the_cursor_stays_on_its_alert_when_rows_move() -> None:
    """Whatever comes in above it."""
    at_b = moved(queue(A, B), 1)
    after = refreshed(at_b, [C, B, A])
    assert (ids(after), after.selected) == (["CCCC", "BBBB", "AAAA"], "BBBB")


def test_while_it_is_held_no_row_moves_and_what_is_new_comes_last() -> None:
    """Someone is writing, or has a key down: the row under the eye stays where it is; then all is put in order."""
    before = queue(A, B)
    held = refreshed(before, [C, B, A], held=True)
    assert ids(held) == ["AAAA", "BBBB", "CCCC"]
    assert ids(refreshed(held, [C, B, A])) == ["CCCC", "BBBB", "AAAA"]


def test_while_it_is_held_what_left_the_list_keeps_its_place_too() -> None:
    """Or the rows below would jump by one; it goes when nothing holds the queue any more."""
    held = refreshed(moved(queue(A, B, C), 2), [B, C], held=True)
    assert ids(held) == ["AAAA", "BBBB", "CCCC"]
    assert held.items[0].mark == "LEFT THE LIST"
    assert ids(refreshed(held, [B, C])) == ["BBBB", "CCCC"]


def test_what_leaves_the_list_under_the_cursor_stays_until_the_cursor_moves() -> None:
    """A key that was meant for it must not meet the patient of the next row."""
    after = refreshed(queue(A, B), [B])
    assert (after.selected, after.current is not None and after.current.gone) == ("AAAA", True)
    assert ids(after) == ["AAAA", "BBBB"]
    on = moved(after, 1)
    assert (ids(on), on.selected) == (["BBBB"], "BBBB")


def test_an_alert_that_comes_back_is_no_longer_gone() -> None:
    """A reopened one is as it is."""
    after = refreshed(refreshed(queue(A, B), [B]), [A, B])
    assert after.current is not None
    assert (after.current.gone, after.current.mark) == (False, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level": 3}, "L2 -> L3"),
        ({"level": 3, "state": "reraised", "score": {"total_min": 9, "total_max": 12}}, "score 6 -> 9-12"),
        ({"state": "acknowledged", "owner": "bob"}, "was new, owner was nobody"),
        ({"score": None}, "score 6 -> -"),
        ({"flags": ["blind"]}, "blind"),
        ({"why": ["NEWS2 6, 4 min ago"]}, ""),
        ({"last_reading_at": "2026-11-18T11:05:40Z"}, ""),
        ({"version": 2}, ""),
    ],
)
def test_a_row_says_what_changed_since_it_was_seen(changes: dict[str, Any], said: str) -> None:
    """Level, state, score, owner and flags; not that it is a minute older."""
    found = change(A, A | changes)
    assert (said in found) if said else (found == "")


def test_changes_add_up_until_the_person_has_looked() -> None:
    """Two steps up are told as one, from what was last seen; moving on means that it was seen."""
    at_b = moved(queue(A, B), 1)
    risen = refreshed(refreshed(at_b, [A | {"level": 2}, B]), [A | {"level": 3, "owner": "bob"}, B])
    assert risen.items[0].mark == "L2 -> L3, owner was nobody"
    assert moved(moved(risen, -1), 1).items[0].mark == ""


def test_only_what_asks_anew_is_announced() -> None:
    """New ones, higher ones, and those that came back; not that a colleague has one in hand."""
    taken = A | {"state": "acknowledged", "owner": "bob"}
    before = refreshed(queue(A, B), [taken, B])
    assert news(queue(A, B), before) == []
    after = refreshed(before, [taken | {"state": "reraised"}, B | {"level": 3}, C])
    assert {item.id for item in news(before, after)} == {"AAAA", "BBBB", "CCCC"}
    assert news(Queue(), queue(A, B)) == []


def test_what_asks_anew_is_announced_again_when_it_comes_back_to_the_list() -> None:
    """It left, and it is there again."""
    before = refreshed(queue(A, B), [B])
    assert [item.id for item in news(before, refreshed(before, [A, B]))] == ["AAAA"]


def test_what_nobody_has_looked_at_stays_unseen_behind_a_filter() -> None:
    """A filter hides rows, never the word that something is there."""
    hf = queues.filtered(queue(A, B), Filter(ward="hf"))
    assert (ids(hf), hf.selected, [item.id for item in hf.hidden]) == (["BBBB"], "BBBB", ["AAAA"])
    after = refreshed(hf, [C, A, B])
    assert [item.id for item in after.unseen] == ["CCCC"]
    assert "CCCC" not in ids(after)


def test_a_row_that_no_longer_fits_stays_while_the_cursor_is_on_it() -> None:
    """Under "unowned", the alert that was just taken in hand does not vanish under the hand."""
    some = queues.filtered(queue(A, B), filters.read("unowned", "ann"))
    after = refreshed(some, [A | {"state": "acknowledged", "owner": "ann"}, B])
    assert ids(after) == ["AAAA", "BBBB"]
    assert ids(moved(after, 1)) == ["BBBB"]


def test_an_empty_list_has_no_cursor_and_the_first_alert_gets_it() -> None:
    """Keys do nothing then."""
    empty = queue()
    assert (empty.selected, empty.current, moved(empty, 1)) == ("", None, empty)
    assert refreshed(empty, [A]).selected == "AAAA"


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("", ["AAAA", "BBBB", "CCCC"]),
        ("bbbb", ["BBBB"]),
        ("p-cc", ["CCCC"]),
        ("level:3", ["CCCC"]),
        ("level:2+ ward:hf", ["BBBB"]),
        ("LANE:Technical", []),
        ("state:new", ["AAAA", "BBBB", "CCCC"]),
        ("mine", []),
        ("unowned p-a", ["AAAA"]),
        ("owner:bob", []),
        ("'owner:Bob Jones'", []),
        ("jb", ["AAAA", "BBBB", "CCCC"]),
        ("snoozed", ["AAAA", "BBBB", "CCCC"]),
    ],
)
def test_a_filter_lets_through_what_it_says(text: str, fitting: list[str]) -> None:
    """By ward, level, lane, state, owner, or a piece of who or what it is; and it says itself again."""
    by = filters.read(text, "ann")
    assert [each["id"] for each in (A, B, C) if by.fits(each)] == fitting
    assert filters.read(str(by), "ann") == by


def test_mine_is_the_persons_own() -> None:
    """And keeps meaning that person when another sits down."""
    assert filters.read("mine", "ann") == Filter(owner="ann")
    assert Filter(owner="ann").fits(A | {"owner": "ann"})
    assert not Filter(owner="ann").fits(A | {"owner": "bob"})


def test_what_was_put_off_is_not_shown_but_where_it_is_asked_for() -> None:
    """By the word, or among one's own; under the cursor it stays until the cursor moves on."""
    off = A | {"flags": ["snoozed"]}
    assert [filters.read(text, "ann").fits(off) for text in ("", "p-a", "snoozed")] == [False, False, True]
    assert Filter(owner="ann").fits(off | {"owner": "ann"})
    after = refreshed(queue(A, B), [off, B])
    assert ids(after) == ["AAAA", "BBBB"]
    assert ids(moved(after, 1)) == ["BBBB"]


@pytest.mark.parametrize("text", ["level:9", "level:", "lane:bowling", "state:happy", "mine", "'a"])
def test_a_filter_that_cannot_be_meant_is_refused(text: str) -> None:
    """A slip must not look like a quiet ward; neither can "mine" be anybody's when nobody has said who acts."""
    with pytest.raises(UsageError):
        filters.read(text, "")


RECORDS = st.lists(
    st.builds(
        lambda name, level, state, owner: record(name, level=level, state=state, owner=owner),
        st.sampled_from("ABCDEF"),
        st.integers(1, 3),
        st.sampled_from(["new", "acknowledged", "reraised", "settled"]),
        st.sampled_from([None, "ann", "bob"]),
    ),
    unique_by=lambda each: each["id"],
)
STEPS = st.lists(st.one_of(st.tuples(RECORDS, st.booleans()), st.integers(-3, 3)), max_size=12)


@given(STEPS)
def test_no_look_ever_moves_the_cursor_or_loses_an_alert(steps: list[Any]) -> None:
    """Through any looks and moves: what is on the list is on the queue, once; a look leaves the cursor where it was."""
    now = Queue()
    for step in steps:
        before = now
        if isinstance(step, int):
            now = moved(now, step)
            assert {item.id for item in now.items if not item.gone} == {i.id for i in before.items if not i.gone}
            continue
        records, held = step
        now = refreshed(now, records, held=held)
        assert sorted(item.id for item in now.items if not item.gone) == sorted(each["id"] for each in records)
        assert before.selected in {now.selected, ""}
        assert len({item.id for item in now.items}) == len(now.items)
        if held:
            kept = [item.id for item in before.items]
            assert [item.id for item in now.items][: len(kept)] == kept
    assert not now.items or now.selected in ids(now)


@given(RECORDS, RECORDS)
def test_every_worsening_is_unseen_until_it_is_looked_at(first: list[Any], then: list[Any]) -> None:
    """A higher level, a come-back or a new alert is named, and moving onto and off it ends that."""
    before = queue(*first)
    after = refreshed(before, then)
    old = {each["id"]: each for each in first}
    asking = {each["id"] for each in then if each["id"] not in old or queues.worse(old[each["id"]], each)}
    assert {item.id for item in after.unseen} == asking
    for id_ in [item.id for item in after.items]:
        after = queues.chosen(after, id_)
    assert {item.id for item in queues.seen(after, after.selected).unseen} == set()
    assert replace(after, items=()).current is None


def test_on_a_screen_that_nobody_is_at_marks_fade_and_the_cursor_rests_on_the_most_urgent() -> None:
    """After ten minutes and no sooner; an alert that left does not stay for someone who is not there."""
    after = refreshed(queue(A, B), [A, B, C])
    marks = [
        [item.mark for item in queues.rested(after, {"CCCC": 0}, now).items]
        for now in (queues.FADES_MS - 1, queues.FADES_MS)
    ]
    assert marks == [["", "", "new here"], ["", "", ""]]
    worst = queues.rested(refreshed(after, [C, A, B]), {}, 0)
    assert worst.selected == "CCCC"
    gone = queues.rested(refreshed(worst, [A, B]), {}, 0)
    assert (ids(gone), gone.selected) == (["AAAA", "BBBB"], "AAAA")
    assert queues.rested(queue(), {}, 0).selected == ""
