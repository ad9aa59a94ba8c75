"""What the triage screen asks before an act: what it needs, nothing twice, and never for what must be refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Kind, Outcome, State
from alerts.moves import MOVES
from alerts.policy import POLICY
from tests.cli.triage_records import record
from vwmon import durations
from vwmon.cli import render
from vwmon.cli.triage import asking, spans
from vwmon.cli.triage.keys import KEYS
from vwmon.cli.triage.queues import Item
from vwmon.cli.triage.source import VERBS

ACTS = {"ack", "take", "note", "snooze", "wake", "unack", "reopen", "close"}


def item(**changes: Any) -> Item:  # noqa: ANN401 -- fields of a record
    """Give an alert of the queue that has been seen as it is."""
    made = record(**changes)
    return Item(record=made, seen=made)


def fault(verb: str, of: Item, note: str = "", span: str = "", outcome: str = "") -> str:
    """Say what a form finds wrong with its answers."""
    return asking.form(verb, of, "ann", outcome=outcome)._check({"note": note, "span": span})


def test_every_act_that_can_be_asked_for_can_be_done_and_is_named() -> None:
    """A key leads to a form with a title, and from there to a verb of the work list's own."""
    assert set(VERBS) == set(asking.TITLES) == ACTS
    keyed = {key.action.removeprefix("act('").removesuffix("')") for key in KEYS if key.acts}
    assert keyed == {"ack", "take", "note", "snooze", "unack", "close"}


def test_every_outcome_can_be_chosen_by_one_key() -> None:
    """Ten, each with words that say what it means."""
    assert set(asking.OUTCOMES) == set(Outcome)
    assert len(asking.OUTCOMES) <= 10
    assert all(asking.OUTCOMES.values())


@pytest.mark.parametrize("verb", ["ack", "take"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_note_is_asked_for_where_the_level_needs_one(verb: str, level: int) -> None:
    """As the table of levels says, and with the level in the sentence."""
    of = item(level=level)
    needed = POLICY.clocks[of.record["level"]].note_required
    assert bool(fault(verb, of)) == needed
    assert fault(verb, of, note="phoned") == ""
    assert not needed or fault(verb, of).startswith(f"L{level} needs a note")


@pytest.mark.parametrize(
    ("verb", "changes", "outcome", "needed"),
    [
        ("note", {}, "", True),
        ("reopen", {}, "", True),
        ("wake", {}, "", False),
        ("unack", {"owner": "ann"}, "", False),
        ("unack", {"owner": "bob"}, "", True),
        ("close", {}, "phoned-stable", False),
        ("close", {}, "other", True),
    ],
)
def test_other_acts_need_words_where_someone_will_ask_why(
    verb: str, changes: dict[str, Any], outcome: str, *, needed: bool
) -> None:
    """Taking it from a colleague, opening it again, an outcome that says nothing by itself."""
    assert bool(fault(verb, item(**changes), outcome=outcome)) == needed
    assert fault(verb, item(**changes), note="because", outcome=outcome) == ""


@given(st.sampled_from([1, 2, 3]), st.integers(0, 600))
def test_a_time_that_the_level_does_not_allow_is_told_before_anything_is_sent(level: int, minutes: int) -> None:
    """More than nothing, and no more than the level's most; left empty it is that."""
    of = item(level=level)
    most = POLICY.clocks[of.record["level"]].acknowledged_at_most_ms
    found = fault("ack", of, note="x", span=f"{minutes}m")
    assert (found == "") == (0 < minutes * 60_000 <= most)
    assert found == "" or durations.text(most) in found
    assert fault("ack", of, note="x") == ""


@pytest.mark.parametrize("text", ["soon", "45", "30m1h", "-5m", ""])
def test_a_time_to_be_put_off_is_asked_for_and_read(text: str) -> None:
    """Nothing is put off for ever, or for a time that is a slip of the hand."""
    assert fault("snooze", item(state="acknowledged"), span=text)
    assert fault("snooze", item(state="acknowledged"), span="20m") == ""


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
@pytest.mark.parametrize(
    ("verb", "kind"), [("close", Kind.CLOSED), ("snooze", Kind.SNOOZED), ("unack", Kind.UNACKNOWLEDGED)]
)
def test_what_no_state_allows_is_refused_before_anyone_writes(verb: str, kind: Kind, state: State) -> None:
    """By the very table of moves that would refuse it afterwards; every other act is left to the work list's rules."""
    assert bool(asking.refusal(verb, item(state=state.value))) == (state not in MOVES[kind])
    assert asking.refusal("ack", item(state=state.value)) == ""


def test_a_key_means_the_act_that_fits_the_row() -> None:
    """What left is opened again, what was put off comes back, and otherwise as the key says."""
    there = item(state="acknowledged", owner="ann")
    assert asking.meant("unack", there) == "unack"
    assert asking.meant("unack", replace(there, gone=True)) == "reopen"
    assert asking.meant("snooze", there) == "snooze"
    assert asking.meant("snooze", item(flags=["snoozed"])) == "wake"


@pytest.mark.hazard("H14")
def test_an_act_is_about_what_was_on_the_screen() -> None:
    """Alert and version of the row, the words, the time and the outcome as they were given, and nothing made up."""
    wish = asking.wish("ack", item(version=7), {"note": "phoned", "span": "25m"})
    assert (wish.alert, wish.version, wish.note, wish.for_ms, wish.outcome) == ("AAAA", 7, "phoned", 1_500_000, None)
    closing = asking.wish("close", item(), {"note": ""}, "visit-arranged")
    assert (closing.for_ms, closing.outcome) == (None, Outcome.VISIT_ARRANGED)


@pytest.mark.hazard("H14")
def test_who_and_what_an_act_is_about_is_said_first() -> None:
    """Patient, level, reasons, owner, whom it will be recorded under, and what changed since it was looked at."""
    before, after = record(), record(level=3, owner="bob")
    said = asking.about(Item(record=after, seen=before), "ann")
    assert said[0] == "AAAA L3 NEW  p-aaaa (JB 71y)"
    assert "SpO2 91" in said[1]
    assert said[2] == "score now 6; owned by bob; recorded as ann"
    assert said[3] == "changed since you looked: L2 -> L3, owner was nobody"
    assert len(asking.about(item(), "ann")) == 3


def test_a_draft_is_there_again_and_nothing_else_is_filled_in() -> None:
    """The words of a refused act; never a time or an outcome that nobody gave."""
    fields = asking.form("ack", item(), "ann", draft="my words")._fields
    assert [(field.name, field.value) for field in fields] == [("note", "my words"), ("span", "")]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=120)


@given(TEXTS, st.integers(4, 60), st.integers(0, 4))
def test_a_folded_text_fits_and_says_when_it_is_cut(text: str, width: int, most: int) -> None:
    """No line wider than asked, none more than asked; a mark where there was more."""
    lines = spans.fold(text, width, most)
    assert all(render.width_of(line) <= width for line in lines)
    assert not most or len(lines) <= most
    if most and len(spans.fold(text, width)) > most:
        assert lines[-1].endswith("…")


@given(st.lists(st.tuples(TEXTS.map(render.safe), st.sampled_from(["", "bold"]))), st.integers(0, 80))
def test_a_filled_line_is_exactly_as_wide_as_asked(pieces: list[tuple[str, str]], width: int) -> None:
    """Whatever it is made of."""
    assert spans.width_of(spans.fill(tuple(pieces), width)) == width
