"""What people are to be told: which events ask for it, at which tier, and what an answer ends."""

import pytest

from alerts import deadlines, lifecycle, moves, outbox
from alerts.model import Case, Kind, Lane, Level, State
from alerts.outbox import Asked, Over
from alerts.policy import BASE, Terms
from tests.unit.alerts_points import LAG, MINUTE, STAY, acked, after, clinical, closed, follow, point

NOTHING = Case(stay_no=STAY)


def forget(case: Case) -> Case:
    """Give the case as it is loaded: what happened before is in the database."""
    return Case(stay_no=case.stay_no, conditions=case.conditions, alerts=case.alerts)


def escalated(case: Case, minute: int, tier: int) -> Case:
    """Let a tier be told, as the clock does when nobody has answered."""
    return moves.move(case, clinical(case), Kind.ESCALATED, minute * MINUTE, because={"tier": tier}, tier=tier)


def reached(before: Case, now: Case) -> list[tuple[int, int, int]]:
    """Give (cycle, tier, level) of everything to be told."""
    return [(one.cycle, one.tier, one.level) for one in outbox.asked(before, now)]


def test_a_new_alert_is_told_at_its_level_and_moment() -> None:
    """The first tier of its first cycle, as of when it was known."""
    case = after(point(3, 7))
    alert_no = clinical(case).alert_no
    (one,) = outbox.asked(NOTHING, case)
    assert one == Asked(alert_no=alert_no, cycle=1, tier=1, level=3, queued_ms=3 * MINUTE + LAG)
    assert outbox.over(NOTHING, case) == []


def test_a_worsening_that_nobody_has_in_hand_is_told_and_ends_what_waited() -> None:
    """Level 3 is another message than level 2, and the old one need not go out any more."""
    before = forget(after(point(0, 5)))
    now = follow(before, point(3, 7))
    assert reached(before, now) == [(2, 1, 3)]
    assert [(one.cycle, one.reason) for one in outbox.over(before, now)] == [(1, "asked anew")]


def test_a_worsening_that_is_covered_is_not_told() -> None:
    """Whoever has it in hand saw that level: an alert at 2 that eased and came back."""
    case = acked(after(point(0, 5)), 1)
    before = forget(moves.move(case, clinical(case), Kind.EASED, 2 * MINUTE, level=Level.WATCH))
    now = moves.move(before, clinical(before), Kind.WORSENED, 3 * MINUTE, level=Level.URGENT)
    assert clinical(now).state is State.ACKNOWLEDGED
    assert reached(before, now) == []


def test_what_outgrows_its_acknowledgement_is_told() -> None:
    """An acknowledgement of level 2 does not cover level 3."""
    before = forget(acked(after(point(0, 5)), 1))
    now = follow(before, point(3, 9))
    assert now.events[-1].kind is Kind.OUTGREW
    assert reached(before, now) == [(clinical(now).cycle, 1, 3)]


def test_an_acknowledgement_that_has_run_out_is_told_as_of_its_end() -> None:
    """However late anyone looks."""
    before = forget(acked(after(point(0, 5)), 1))
    now = follow(before, point(240, 5))
    (one,) = outbox.asked(before, now)
    assert one.queued_ms == 61 * MINUTE


def test_a_relapse_is_told_and_settling_is_not() -> None:
    """A patient who is well again asks for a look, not for a bell; that ends what waited, and says so."""
    settled = follow(after(point(0, 7)), *(point(minute, 0) for minute in range(5, 60, 5)))
    assert clinical(settled).state is State.SETTLED
    started = forget(after(point(0, 7)))
    ended = follow(started, *(point(minute, 0) for minute in range(5, 60, 5)))
    assert reached(started, ended) == []
    assert [one.reason for one in outbox.over(started, ended)] == ["settled"]
    before = forget(settled)
    assert reached(before, follow(before, point(300, 7))) == [(clinical(settled).cycle + 1, 1, 3)]


@pytest.mark.parametrize("answered", ["acknowledged", "closed"])
def test_an_answer_ends_what_waits(answered: str) -> None:
    """Nobody is called out for what somebody has in hand, or has closed."""
    before = forget(after(point(0, 7)))
    now = acked(before, 1)
    if answered == "closed":
        before, now = forget(now), closed(forget(now), 2)
    alert = clinical(now)
    assert outbox.over(before, now) == [Over(alert_no=alert.alert_no, cycle=alert.cycle, reason=answered)]
    assert outbox.asked(before, now) == []


def test_what_is_answered_in_the_same_moment_is_not_told() -> None:
    """An acknowledgement that ran out a second before its owner took it again."""
    before = forget(acked(after(point(0, 5)), 1))
    now = acked(before, 62)
    assert [event.kind for event in now.events] == [Kind.EXPIRED, Kind.ACKNOWLEDGED]
    assert outbox.asked(before, now) == []


def test_what_has_settled_by_the_time_it_is_written_is_not_told() -> None:
    """A backlog is followed in one step: the patient fell ill and was well again before anyone could be told."""
    case = follow(after(point(0, 7)), *(point(minute, 0) for minute in range(5, 60, 5)))
    assert [event.kind for event in case.events] == [Kind.RAISED, Kind.SETTLED]
    assert outbox.asked(NOTHING, case) == []


def test_each_tier_is_told_once_and_repeats_are_one_message() -> None:
    """Five minutes, ten, and a night without a daemon: tier 2, tier 3, and no storm of what fell due meanwhile."""
    before = forget(after(point(0, 7)))
    second = escalated(before, 5, 2)
    assert reached(before, second) == [(1, 2, 3)]
    night = second
    for minute in range(15, 600, 15):
        night = escalated(night, minute, 3)
    assert reached(before, night) == [(1, 2, 3), (1, 3, 3)]
    later = forget(night)
    again = escalated(later, 700, 3)
    assert reached(later, again) == [(1, 3, 3)]
    assert outbox.over(later, again) == []


def test_a_night_without_a_daemon_is_one_message_to_the_tier_it_has_come_to() -> None:
    """The clock takes every missed step in one."""
    before = forget(after(point(0, 7)))
    night = deadlines.tick(before, 600 * MINUTE, Terms(rules=BASE, told=True))
    assert [event.kind for event in night.events] == [Kind.ESCALATED]
    assert reached(before, night) == [(1, 3, 3)]


def test_a_settled_alert_that_nobody_looks_at_is_told_of() -> None:
    """Its hour has passed: the first message of that cycle goes to its second tier."""
    before = forget(follow(after(point(0, 7)), *(point(minute, 0) for minute in range(5, 60, 5))))
    assert reached(before, escalated(before, 120, 2)) == [(2, 2, 3)]


def test_an_alert_raised_and_escalated_in_one_step_is_told_at_both_tiers() -> None:
    """A backlog is followed at once: the ward is told too, not the second tier alone."""
    case = escalated(after(point(0, 7)), 30, 2)
    assert reached(NOTHING, case) == [(1, 1, 3), (1, 2, 3)]


def test_a_note_asks_nothing_and_ends_nothing() -> None:
    """Words beside an alert are no answer."""
    before = forget(after(point(0, 7)))
    noted = moves.move(before, clinical(before), Kind.NOTED, MINUTE, actor="ann", note="phoned")
    assert outbox.asked(before, noted) == []
    assert outbox.over(before, noted) == []


def test_every_kind_that_leads_to_an_unanswered_alert_is_told_or_known_not_to_be() -> None:
    """A kind that is added later must be thought of here: silence by default would be a missed alert."""
    silent = {
        Kind.GREW,
        Kind.EASED,
        Kind.BLINDED,
        Kind.SIGHTED,
        Kind.NOTED,
        Kind.OFFERED,
        Kind.ESCALATED,
    }
    unanswered = {State.NEW, State.RERAISED}
    leading = {kind for kind, ways in moves.MOVES.items() if unanswered & set(ways.values())}
    assert leading - silent == outbox.TELLS


def test_each_lane_is_told_for_itself() -> None:
    """What happened to one alert of a stay says nothing of the other."""
    before = forget(acked(after(point(0, 5)), 1))
    now = lifecycle.overdue(before, "spo2", 2 * MINUTE, 2 * MINUTE)
    assert Lane.TECHNICAL in now.alerts
    technical = now.alerts[Lane.TECHNICAL].alert_no
    assert {one.alert_no for one in outbox.asked(before, now)} == {technical}
