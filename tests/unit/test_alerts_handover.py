"""Handing over: the owner stays accountable until someone accepts, who then has the very same acknowledgement."""

from dataclasses import replace

import pytest

from alerts import acts, deadlines, handover
from alerts.errors import AlertConflict, AlertRefused
from alerts.model import Alert, Case, Kind, Lane, Outcome, State
from tests.unit.alerts_points import MINUTE, acked, after, clinical, follow, kinds, person, point


@pytest.fixture
def held() -> Case:
    """An alert of level 2 that ahmed has in hand from minute 1 to 61, handed over at minute 10."""
    case = acked(after(point(0, 5)), 1)
    answer = handover.offer(case, clinical(case), person(10, "ahmed", "daughter has rung"), 3)
    assert answer.refusal is None
    return answer.case


@pytest.mark.hazard("H3")
def test_what_is_handed_over_stays_as_it_was(held: Case) -> None:
    """It is in the history with its words, and owner, cover, expiry and version are the same."""
    before = acked(after(point(0, 5)), 1)
    assert clinical(held) == clinical(before)
    event = held.events[-1]
    assert (event.kind, event.actor, event.note, event.evidence) == (
        Kind.OFFERED,
        "ahmed",
        "daughter has rung",
        {"handover": 3},
    )


def test_whoever_accepts_has_the_same_acknowledgement(held: Case) -> None:
    """What it covers and when it runs out do not change: only the owner does."""
    answer = handover.accept(held, clinical(held), person(15, "lowe", ""), "ahmed", 3)
    taken = clinical(answer.case)
    assert answer.refusal is None
    assert taken == replace(clinical(held), owner="lowe", version=taken.version)
    event = answer.case.events[-1]
    assert (event.kind, event.actor, event.note) == (Kind.TAKEN, "lowe", None)
    assert event.evidence == {"handover": 3, "from": "ahmed"}
    assert clinical(deadlines.tick(answer.case, 61 * MINUTE)).state is State.RERAISED


@pytest.mark.hazard("H3")
def test_the_clock_runs_until_someone_accepts(held: Case) -> None:
    """Nobody accepts: it is back on the list at its time, and can only be acknowledged anew."""
    case = deadlines.tick(held, 61 * MINUTE)
    assert (clinical(case).state, clinical(case).owner) == (State.RERAISED, "ahmed")
    refused(case, "lowe", AlertConflict, "asks again, and ahmed has it no longer: vwmon alerts ack")


def test_what_gets_worse_meanwhile_is_not_taken_over_unseen(held: Case) -> None:
    """It has come back, to everyone."""
    case = follow(held, point(20, 7))
    refused(case, "lowe", AlertConflict, "asks again")


def test_the_second_to_accept_is_told_who_was_first(held: Case) -> None:
    """And nothing changes."""
    case = handover.accept(held, clinical(held), person(15, "lowe"), "ahmed", 3).case
    refused(case, "shah", AlertConflict, "is owned by lowe since")


def test_nobody_accepts_their_own(held: Case) -> None:
    """A handover is between two people."""
    refused(held, "ahmed", AlertRefused, "another person accepts")


def test_what_settled_or_was_closed_meanwhile_is_in_nobodys_hands(held: Case) -> None:
    """It says what became of it."""
    settled = follow(held, *(point(minute, 0) for minute in (15, 45)))
    assert clinical(settled).state is State.SETTLED
    refused(settled, "lowe", AlertConflict, "is settled meanwhile")
    closed = acts.close(held, clinical(held), person(12), Outcome.PHONED_STABLE).case
    refused(closed, "lowe", AlertConflict, "is closed meanwhile")


@pytest.mark.parametrize("who", ["lowe", "ahmed"])
def test_only_what_is_in_ones_hands_can_be_handed_over(who: str) -> None:
    """Not another's, and not what nobody has."""
    case = after(point(0, 5))
    if who == "lowe":
        case = acked(case, 1)
    answer = handover.offer(case, clinical(case), person(10, who), 3)
    assert isinstance(answer.refusal, AlertConflict)
    assert answer.case is case


def test_a_snapshot_says_how_it_stood(held: Case) -> None:
    """Level, state, clocks, and what is put off or unseen: to be seen beside how it is later."""
    assert handover.snapshot(clinical(held)) == {
        "level": 2,
        "state": "acknowledged",
        "due_ms": 61 * MINUTE,
        "acknowledged_until_ms": 61 * MINUTE,
        "snoozed_until_ms": None,
        "blind_since_ms": None,
        "version": 2,
    }


def refused(case: Case, who: str, error: type[Exception], words: str) -> None:
    """Have someone accept, and find it refused with these words and nothing changed."""
    alert: Alert = case.alerts[Lane.CLINICAL]
    answer = handover.accept(case, alert, person(62, who), "ahmed", 3)
    assert isinstance(answer.refusal, error)
    assert words in str(answer.refusal)
    assert answer.case is case
    assert Kind.TAKEN not in kinds(case) or who == "shah"
