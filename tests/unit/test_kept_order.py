"""The order of a list under somebody's eyes: it holds still while keys are pressed, and hides nothing that changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vwmon.cli.kept_order import MARKED_MS, Arranged, KeptOrder
from vwmon.cli.work_list import ADDED, CHANGED, GONE

NOW = 1_000_000


def row(id_: str, level: int = 2, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- fields of a row
    """Give a row of the list, as far as its order and its marks need it."""
    row: dict[str, Any] = {"id": id_, "level": level, "state": "new", "version": 1, "owner": None, "lane": "clinical"}
    return row | {"flags": [], "due_at": None, "tier": 1, "score": None, "brief": []} | more


def ids(arranged: Arranged) -> list[str]:
    """Name the rows in their order."""
    return [row["id"] for row in arranged.rows]


def test_the_first_look_marks_nothing() -> None:
    """All is new then."""
    assert KeptOrder().arrange([row("A"), row("B")], NOW, held=False).marks == {}


def test_let_go_the_list_is_in_the_order_of_urgency() -> None:
    """As it comes, with a mark on what has come and on what has changed."""
    order = KeptOrder()
    order.arrange([row("A"), row("B")], NOW, held=False)
    arranged = order.arrange([row("C", 3), row("B", 3, version=2), row("A")], NOW + 1, held=False)
    assert ids(arranged) == ["C", "B", "A"]
    assert arranged.marks == {"C": ADDED, "B": CHANGED}


@pytest.mark.hazard("H14")
def test_held_no_row_moves_and_new_ones_wait() -> None:
    """What worsened is marked where it stands, what is new is told of apart."""
    order = KeptOrder()
    order.arrange([row("A"), row("B")], NOW, held=False)
    arranged = order.arrange([row("C", 3), row("B", 3), row("A")], NOW + 1, held=True)
    assert ids(arranged) == ["A", "B"]
    assert arranged.marks == {"B": CHANGED, "C": ADDED}
    assert [row["id"] for row in arranged.waiting] == ["C"]
    assert arranged.rows[1]["level"] == 3


@pytest.mark.hazard("H14")
def test_held_what_has_left_the_list_stays_marked_in_its_place() -> None:
    """The row below must not slip under the finger; it says that it is no longer on the list."""
    order = KeptOrder()
    order.arrange([row("A"), row("B"), row("C")], NOW, held=False)
    arranged = order.arrange([row("A"), row("C")], NOW + 1, held=True)
    assert ids(arranged) == ["A", "B", "C"]
    assert arranged.marks["B"] == GONE
    assert arranged.rows[1]["brief"] == ["no longer on this list"]
    assert ids(order.arrange([row("A"), row("C")], NOW + 2, held=False)) == ["A", "C"]


def test_what_comes_back_while_held_is_in_its_place_again() -> None:
    """It had not been forgotten."""
    order = KeptOrder()
    order.arrange([row("A"), row("B")], NOW, held=False)
    order.arrange([row("A")], NOW + 1, held=True)
    arranged = order.arrange([row("B", 3), row("A")], NOW + 2, held=True)
    assert ids(arranged) == ["A", "B"]
    assert arranged.marks["B"] != GONE


def test_a_mark_ends_by_itself() -> None:
    """A list full of marks marks nothing."""
    order = KeptOrder()
    order.arrange([row("A")], NOW, held=False)
    order.arrange([row("A", 3)], NOW + 1, held=False)
    assert order.arrange([row("A", 3)], NOW + MARKED_MS, held=False).marks == {"A": CHANGED}
    assert order.arrange([row("A", 3)], NOW + 1 + MARKED_MS, held=False).marks == {}


def test_time_that_passes_is_no_change_but_an_answer_that_falls_due_is() -> None:
    """The due time counts down without a mark, until it is overdue."""
    order = KeptOrder()
    due = "1970-01-01T00:20:00Z"
    order.arrange([row("A", due_at=due)], NOW, held=False)
    assert order.arrange([row("A", due_at=due)], NOW + 60_000, held=False).marks == {}
    assert order.arrange([row("A", due_at=due)], 1_200_001, held=False).marks == {"A": CHANGED}


LISTS = st.lists(
    st.permutations("ABCDEF").flatmap(lambda ids: st.integers(0, 6).map(lambda count: ids[:count])), min_size=1
)


@given(LISTS)
def test_held_nothing_moves_and_nothing_is_lost(looks: list[list[str]]) -> None:
    """Whatever comes: the rows shown first keep their places, and every alert of a look is shown or told of."""
    order = KeptOrder()
    first = ids(order.arrange([row(id_) for id_ in looks[0]], NOW, held=False))
    for step, look in enumerate(looks[1:]):
        arranged = order.arrange([row(id_) for id_ in look], NOW + step, held=bool(first))
        shown = ids(arranged) if first else []
        assert shown == first
        assert {*ids(arranged), *(each["id"] for each in arranged.waiting)} >= set(look)
