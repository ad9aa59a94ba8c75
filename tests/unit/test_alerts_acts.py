"""What people do: who owns an alert, what that covers, and what the safety rules refuse."""

from itertools import pairwise

import pytest

from alerts import acts, deadlines, lifecycle
from alerts.acts import Answer
from alerts.errors import AlertConflict, AlertRefused
from alerts.model import Case, Kind, Level, Outcome, State
from alerts.over_time import OverTime
from alerts.policy import POLICY, Terms
from tests.unit.alerts_points import (
    HOUR,
    MINUTE,
    STAY,
    acked,
    after,
    clinical,
    closed,
    follow,
    kinds,
    limit,
    person,
    point,
    terms,
)

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


def test_every_act_is_on_record_with_its_number_its_place_and_its_time() -> None:
    """And until when; a single moment is a span too."""
    took = acknowledged(after(point(0, 5)), for_ms=1)
    assert took.case.events[-1].evidence == {"until_ms": MINUTE + 1}
    held = acked(after(point(0, 5)), 1)
    act = person(2, op_id="k-1", cursor=7)
    event = acts.snooze(held, clinical(held), act, 1).case.events[-1]
    assert (event.kind, event.actor, event.at_ms, event.note, event.op_id) == (
        Kind.SNOOZED,
        "ahmed",
        2 * MINUTE,
        "phoned",
        "k-1",
    )
    assert event.evidence == {"until_ms": 2 * MINUTE + 1, "cursor": 7}


def test_what_is_taken_in_hand_or_closed_is_owed_and_offered_no_more() -> None:
    """Nobody is asked for it, and no answer is due; what stood at a close is on record."""
    case = after(point(0, 5))
    assert clinical(case).owed_ms is not None
    held = acts.offer(acked(case, 1), clinical(acked(case, 1)), person(2), "lowe").case
    assert (clinical(acked(case, 1)).owed_ms, clinical(held).offered_to) == (None, "lowe")
    done = closed(held, 3)
    assert (clinical(done).owed_ms, clinical(done).offered_to) == (None, None)
    assert done.events[-1].evidence == {"outcome": "phoned-stable", "stood": ["news2_5"]}
    settled = after(point(0, 5), point(5, 1), point(36, 1))
    assert clinical(settled).owed_ms is not None
    over = acts.close(settled, clinical(settled), person(40), Outcome.KNOWN_BASELINE).case
    assert (clinical(over).owed_ms, over.events[-1].evidence["stood"]) == (None, [])


class Ward:
    """The terms of one stay: a limit of its own, and a ward that opens an hour later; who asked for them is noted."""

    def __init__(self) -> None:
        """Begin with nobody having asked."""
        self.asked: list[int] = []
        rules = terms(limit("systolic_bp_90", enabled=True)).rules
        self._over_time = OverTime(terms=(Terms(rules=rules, opens=lambda at_ms: at_ms + HOUR),))

    def __call__(self, stay_no: int) -> OverTime:
        """Give them."""
        self.asked.append(stay_no)
        return self._over_time


def test_what_asks_anew_is_due_when_the_stays_own_ward_is_open() -> None:
    """After an acknowledgement was undone, or a close, at the level that waits for the ward."""
    ward = Ward()
    held = acked(after(point(0, 3, could_be=6)), 1)
    undone = acts.unacknowledge(held, clinical(held), person(10, terms_of=ward)).case
    assert clinical(undone).due_ms == 10 * MINUTE + 2 * HOUR
    again = acts.reopen(closed(held, 9), clinical(closed(held, 9)), person(10, terms_of=ward)).case
    assert clinical(again).due_ms == clinical(again).owed_ms == 10 * MINUTE + 2 * HOUR
    assert set(ward.asked) == {STAY}


def test_a_close_and_its_undoing_know_the_rules_of_the_stay() -> None:
    """What is covered by the close, and what may hold again after, are rules that only this stay has."""
    case = acked(after(point(0, 5)), 1)
    done = acts.close(case, clinical(case), person(10, terms_of=Ward()), Outcome.PHONED_STABLE).case
    assert done.conditions["systolic_bp_90"].covered_ms == 10 * MINUTE
    plain = closed(case, 10)
    assert "systolic_bp_90" not in plain.conditions
    again = acts.reopen(plain, clinical(plain), person(12, terms_of=Ward()), ["systolic_bp_90", "news2_5"]).case
    assert again.conditions["systolic_bp_90"].standing
    assert again.conditions["systolic_bp_90"].since_ms == 12 * MINUTE


@pytest.mark.parametrize(("cadence", "stands"), [("continuous", False), ("spot", True)])
def test_what_waits_beside_an_alert_that_is_opened_again_counts_by_the_rules_of_the_stay(
    cadence: str, *, stands: bool
) -> None:
    """A run of a continuous rule is over by then; a lone breach that waits for its repeat is not."""
    own = terms(limit("news2_5", cadence=cadence, on_delay="40m"))
    case = follow(closed(acked(after(point(0, 2, spo2=3)), 1), 10), point(20, 5), under=own)
    assert case.conditions["news2_5"].pending
    act = person(36, terms_of=lambda _stay: OverTime(terms=(own,)))
    again = acts.reopen(case, clinical(case), act, ["news2_red"]).case
    assert again.conditions["news2_red"].standing
    assert again.conditions["news2_5"].standing is stands


def test_what_is_opened_again_is_covered_by_nobody() -> None:
    """What had been acknowledged was another time: any score of now is news."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    assert clinical(case).ack_level is not None
    alert = clinical(acts.reopen(case, clinical(case), person(12), ["news2_5"]).case)
    assert (alert.ack_level, alert.ack_score, alert.ack_reds, alert.ack_until_ms) == (None, None, (), None)


def test_an_acknowledgement_that_ran_out_covers_nothing_and_counts_as_coming_up() -> None:
    """It asks anew from then on, at the level that waits for the ward when that is open."""
    held = acked(after(point(0, 3, could_be=6)), 1)
    due_ms = (1 + 240) * MINUTE
    over = deadlines.tick(held, due_ms, Ward()(STAY).at(0))
    alert = clinical(over)
    assert (kinds(over)[-1], alert.rises[-1]) == (Kind.EXPIRED, due_ms)
    assert (alert.ack_level, alert.ack_score, alert.ack_reds, alert.ack_until_ms) == (None, None, (), None)
    assert alert.due_ms == due_ms + 2 * HOUR
