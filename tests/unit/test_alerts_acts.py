"""What people do: who owns an alert, what that covers, and what the safety rules refuse."""

from itertools import pairwise

import pytest

from alerts import acts, lifecycle
from alerts.acts import Answer
from alerts.errors import AlertConflict, AlertRefused
from alerts.model import Case, Kind, Level, Outcome, State
from alerts.policy import POLICY
from tests.unit.alerts_points import MINUTE, acked, after, clinical, closed, follow, kinds, person, point

ACKED, SETTLED = State.ACKNOWLEDGED, State.SETTLED


def acknowledged(case: Case, minute: float = 1, name: str = "ahmed", note: str = "phoned", **more: object) -> Answer:
    """Let someone try to acknowledge the clinical alert."""
    return acts.acknowledge(case, clinical(case), person(minute, name, note), **more)  # type: ignore[arg-type]


def tried_to_close(case: Case, outcome: Outcome = Outcome.PHONED_STABLE, note: str = "", **more: object) -> Answer:
    """Let someone try to close the clinical alert at minute 50."""
    return acts.close(case, clinical(case), person(50, "lowe", note, **more), outcome)


@pytest.mark.parametrize(("total", "minutes"), [(3, 240), (5, 60), (7, 30)])
def test_an_acknowledgement_holds_as_long_as_its_level_allows(total: int, minutes: int) -> None:
    """Level 1 four hours, level 2 one, level 3 half an hour; then the alert is back."""
    answer = acknowledged(after(point(0, total, could_be=max(total, 6))))
    alert = clinical(answer.case)
    assert (alert.state, alert.owner, alert.ack_ms) == (ACKED, "ahmed", MINUTE)
    assert alert.ack_until_ms == alert.due_ms == (1 + minutes) * MINUTE
    assert (alert.ack_level, alert.ack_score) == (alert.level, total)


@pytest.mark.hazard("H12")
def test_an_acknowledgement_may_be_shorter_and_never_longer() -> None:
    """--for shortens; longer than the level allows is refused by name."""
    case = after(point(0, 5))
    assert clinical(acknowledged(case, for_ms=45 * MINUTE).case).ack_until_ms == 46 * MINUTE
    assert clinical(acknowledged(case, for_ms=60 * MINUTE).case).ack_until_ms == 61 * MINUTE
    for span in (60 * MINUTE + 1, 0, -1):
        answer = acknowledged(case, for_ms=span)
        assert isinstance(answer.refusal, AlertRefused)
        assert answer.case is case


@pytest.mark.parametrize("total", [5, 7])
def test_a_note_is_asked_for_from_level_two(total: int) -> None:
    """An owner without a word of what is being done owns nothing."""
    answer = acknowledged(after(point(0, total)), note="")
    assert isinstance(answer.refusal, AlertRefused)
    assert clinical(answer.case).state == State.NEW


def test_level_one_needs_no_note() -> None:
    """A look is enough."""
    answer = acknowledged(after(point(0, 3, could_be=6)), note="")
    assert answer.refusal is None
    assert clinical(answer.case).ack_note is None


def test_the_first_owner_keeps_it_and_the_second_is_told_and_put_on_record() -> None:
    """Two at once: one is first, the other learns who and why."""
    case = acked(after(point(0, 5)), 1)
    answer = acknowledged(case, 3, "lowe", "me too")
    assert isinstance(answer.refusal, AlertConflict)
    assert "owned by ahmed" in str(answer.refusal)
    assert '"phoned"' in str(answer.refusal)
    assert clinical(answer.case) == clinical(case)
    assert (answer.case.events[-1].kind, answer.case.events[-1].actor) == (Kind.ALSO_SEEN, "lowe")


def test_taking_over_makes_the_second_the_owner() -> None:
    """With a new note, a new time and what is known now."""
    case = follow(acked(after(point(0, 5)), 1), point(2, 6))
    answer = acknowledged(case, 3, "lowe", "mine", take=True)
    alert = clinical(answer.case)
    assert kinds(answer.case)[-1] == Kind.TAKEN
    assert (alert.owner, alert.ack_note, alert.ack_score, alert.ack_until_ms) == ("lowe", "mine", 6, 63 * MINUTE)


def test_an_owner_may_acknowledge_again() -> None:
    """Which renews the time and what it covers."""
    answer = acknowledged(acked(after(point(0, 5)), 1), 30)
    assert kinds(answer.case)[-1] == Kind.ACKNOWLEDGED
    assert clinical(answer.case).ack_until_ms == 90 * MINUTE


def test_anyone_may_acknowledge_what_was_raised_again() -> None:
    """The last owner's name does not keep others away."""
    case = follow(acked(after(point(0, 5)), 1), point(5, 8))
    answer = acknowledged(case, 6, "lowe")
    assert (clinical(answer.case).owner, clinical(answer.case).ack_level) == ("lowe", Level.EMERGENCY)


@pytest.mark.hazard("H14")
@pytest.mark.parametrize("seen", [Level.WATCH, Level.URGENT])
def test_what_rose_since_it_was_seen_cannot_be_acknowledged_blindly(seen: Level) -> None:
    """Neither acknowledged nor closed: the person is told what changed."""
    case = after(point(0, 7))
    answer = acts.acknowledge(case, clinical(case), person(1, seen_level=seen, seen_version=4))
    assert isinstance(answer.refusal, AlertConflict)
    assert f"since revision 4: level L{seen} -> L3" in str(answer.refusal)
    assert answer.case is case
    held = acked(case, 1)
    assert isinstance(tried_to_close(held, seen_level=seen).refusal, AlertConflict)


def test_what_eased_since_it_was_seen_can_be_acknowledged() -> None:
    """Only a rise is refused."""
    case = after(point(0, 5))
    assert acts.acknowledge(case, clinical(case), person(1, seen_level=Level.EMERGENCY)).refusal is None


def test_a_settled_alert_is_closed_not_acknowledged() -> None:
    """There is nothing left to take in hand but the review."""
    answer = acknowledged(after(point(0, 5), point(5, 1), point(36, 1)), 40)
    assert isinstance(answer.refusal, AlertConflict)
    assert "settled" in str(answer.refusal)


@pytest.mark.hazard("H14")
def test_a_closed_alert_cannot_be_acknowledged_or_closed() -> None:
    """An id from an old list does nothing."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    for answer in (acknowledged(case, 40), tried_to_close(case)):
        assert isinstance(answer.refusal, AlertConflict)
        assert "closed 40 min ago" in str(answer.refusal) or "closed 30 min ago" in str(answer.refusal)
        assert answer.case is case


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OTHER])
def test_every_outcome_closes_an_acknowledged_and_a_settled_alert(outcome: Outcome) -> None:
    """With the outcome on record and nothing standing."""
    for case in (acked(after(point(0, 5)), 1), after(point(0, 5), point(5, 1), point(36, 1))):
        answer = tried_to_close(case, outcome)
        alert = clinical(answer.case)
        assert answer.refusal is None
        assert (alert.state, alert.outcome, alert.closed_ms, alert.due_ms) == (
            State.CLOSED,
            outcome,
            50 * MINUTE,
            None,
        )
        assert answer.case.events[-1].evidence["outcome"] == outcome.value
        assert not any(condition.standing for condition in answer.case.conditions.values())


def test_other_says_what() -> None:
    """The one outcome that explains nothing needs words."""
    case = acked(after(point(0, 5)), 1)
    assert isinstance(tried_to_close(case, Outcome.OTHER).refusal, AlertRefused)
    assert tried_to_close(case, Outcome.OTHER, "moved to her sister's").refusal is None


@pytest.mark.parametrize("case", [after(point(0, 5)), follow(acked(after(point(0, 5)), 1), point(2, 8))])
def test_what_nobody_has_in_hand_cannot_be_closed(case: Case) -> None:
    """Closing is no way round looking."""
    answer = tried_to_close(case)
    assert isinstance(answer.refusal, AlertRefused)
    assert clinical(answer.case).open


def test_a_blind_alert_is_closed_only_by_a_transfer() -> None:
    """The patient cannot be seen to be well; in hospital, others see."""
    raised = after(point(0, spo2=3))
    for case in (acked(raised, 1), follow(raised, point(5, 1), point(36, 1))):
        blind = lifecycle.overdue(case, "spo2", 45 * MINUTE, 45 * MINUTE)
        assert isinstance(tried_to_close(blind, Outcome.KNOWN_BASELINE).refusal, AlertRefused)
        gone = tried_to_close(blind, Outcome.TRANSFERRED)
        assert gone.refusal is None
        assert (clinical(gone.case).state, clinical(gone.case).blind_ms) == (State.CLOSED, None)


def test_a_note_changes_nothing_else() -> None:
    """On an open or a closed alert; without words it is refused."""
    for case in (after(point(0, 5)), closed(acked(after(point(0, 5)), 1), 10)):
        answer = acts.note(case, clinical(case), person(20, "lowe", "daughter rang"))
        assert answer.case.alerts == case.alerts
        assert (answer.case.events[-1].kind, answer.case.events[-1].note) == (Kind.NOTED, "daughter rang")
        assert isinstance(acts.note(case, clinical(case), person(20, "lowe", "")).refusal, AlertRefused)


def test_the_rules_ask_for_shorter_looks_at_higher_levels() -> None:
    """The clocks of the table of rules run faster the more urgent it is."""
    clocks = [POLICY.clocks[level] for level in Level]
    for milder, graver in pairwise(clocks):
        assert graver.first_response_ms < milder.first_response_ms
        assert graver.acknowledged_at_most_ms < milder.acknowledged_at_most_ms
