"""An alert that comes up again and again: counted, said, never muted, and one item instead of many."""

import pytest

from alerts import queries, wording
from alerts.model import Case, Kind, State
from alerts.policy import POLICY
from alerts.rises import flapping
from tests.unit.alerts_points import HOUR, LAG, MINUTE, acked, after, clinical, closed, follow, kinds, point

DAY = 24 * HOUR


def came_up(*minutes: float) -> tuple[int, ...]:
    """Give when an alert came up, as it remembers it."""
    return tuple(round(minute * MINUTE) + LAG for minute in minutes)


def unsure(case: Case, *minutes: float) -> Case:
    """Let what could be five come and go: level 1, each time for forty minutes."""
    for minute in minutes:
        case = follow(case, point(minute, 2, could_be=5), point(minute + 5, 2), point(minute + 40, 2))
    return case


def test_every_way_of_coming_up_is_counted() -> None:
    """Raised, outgrown, run out, held in hand through a relapse, relapsed, and revived; worse unanswered is not."""
    case = follow(after(point(0, 5)), point(1, 7))
    assert clinical(case).rises == came_up(0)
    case = follow(acked(case, 2), point(3, 9))
    assert (kinds(case)[-1], clinical(case).rises) == (Kind.OUTGREW, came_up(0, 3))
    case = follow(acked(case, 4), point(40, 9))
    assert clinical(case).rises == (*came_up(0, 3), 34 * MINUTE)
    case = follow(acked(case, 41), point(42, 0), point(73, 0), point(74, 9))
    assert clinical(case).rises[-1:] == came_up(74)
    held = follow(acked(after(point(0, 5)), 1), point(5, 1), point(36, 1), point(40, 5))
    assert (kinds(held)[-1], clinical(held).rises) == (Kind.HELD, came_up(0, 40))
    revived = follow(closed(acked(after(point(0, 5)), 1), 10), point(9, 8, received=11))
    assert (kinds(revived)[-1], clinical(revived).rises) == (Kind.REVIVED, came_up(0, 11))


def test_an_alert_that_recurs_remembers_how_often_the_last_one_came_up() -> None:
    """Within twelve hours of the close; after that it begins anew."""
    case = closed(acked(after(point(0, 5)), 1), 10)
    assert clinical(follow(case, point(20, 5))).rises == came_up(0, 20)
    assert clinical(follow(case, point(800, 5))).rises == came_up(800)


def test_what_is_more_than_a_day_ago_counts_no_more() -> None:
    """To the millisecond."""
    rises = (0, 1, 2, 3)
    assert flapping(rises, DAY - 1)
    assert not flapping(rises, DAY)
    assert not flapping(rises[:3], 3)


@pytest.mark.hazard("H11")
def test_more_than_three_times_in_a_day_is_said_and_flagged() -> None:
    """With the advice to look at the plan; a day later it is no longer said."""
    case = unsure(Case(stay_no=7), 0, 100, 200)
    case = follow(case, point(300, 2, could_be=5))
    alert, now_ms = clinical(case), 301 * MINUTE
    assert len(alert.rises) == POLICY.flapping_rises + 1
    assert wording.why(alert, now_ms)[0] == "came up 4 times in 24 h: review the plan"
    assert queries.flags(alert, now_ms) == ["recurrence", "flapping"]
    assert queries.flags(alert, DAY + 101 * MINUTE) == ["recurrence"]
    assert not any("came up" in line for line in wording.why(alert, DAY + 101 * MINUTE))


def test_a_watch_that_flaps_settles_and_waits_for_a_person() -> None:
    """Three end by themselves, the fourth waits: from then on it is one item, which relapses instead of ending."""
    case = unsure(Case(stay_no=7), 0, 100, 200)
    assert clinical(case).state is State.CLOSED
    fourth = unsure(case, 300)
    alert = clinical(fourth)
    assert (alert.state, alert.ordinal, alert.peak) == (State.SETTLED, 4, 1)
    assert alert.due_ms == 340 * MINUTE + LAG + POLICY.settled_ms
    fifth = unsure(fourth, 400)
    assert (clinical(fifth).state, clinical(fifth).ordinal) == (State.SETTLED, 4)
    assert kinds(fifth).count(Kind.RELAPSED) == 1


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("times", [1, 5, 9])
def test_flapping_mutes_nothing(times: int) -> None:
    """However often it came up, the next worsening asks at once."""
    case = unsure(Case(stay_no=7), *(100 * n for n in range(times)))
    worse = follow(case, point(100 * times, 8))
    assert (clinical(worse).level, clinical(worse).active) == (3, True)
    assert clinical(worse).rises[-1:] == came_up(100 * times)
