"""What becomes of an alert that nobody answers: the next tier, and the last again and again, as of when it was due."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import files

import pytest

from alerts import acts, deadlines, escalation, lifecycle, policy
from alerts.errors import PolicyError
from alerts.model import Alert, Case, Event, Kind, Lane, Level, State
from alerts.policy import POLICY, TERMS, Terms
from tests.unit.alerts_points import AT_ONCE, HOUR, MINUTE, STAY, Point, clinical, person, point
from vwmon import hours

TOLD = Terms(rules=AT_ONCE.rules, told=True)
NIGHT = replace(TOLD, opens=partial(hours.opens_ms, "08:00-20:00", "UTC"))
ONE = {"missing": ("temperature",), "could_be": 6}  # a score of level 1: it could be 5 or more


def lived(*points: Point, terms: Terms = TOLD, case: Case | None = None) -> Case:
    """Follow scores where someone is told."""
    case = Case(stay_no=STAY) if case is None else case
    for each in points:
        case = lifecycle.observe(deadlines.tick(case, each.received_ms, terms), each, terms)
    return case


def waited(case: Case, minute: float, terms: Terms = TOLD) -> Case:
    """Let time pass to a minute after the first reading came."""
    return deadlines.tick(case, raised_ms() + round(minute * MINUTE), terms)


def raised_ms() -> int:
    """Give when the first reading came: the minutes of these tests count from then."""
    return point(0).received_ms


def steps(case: Case) -> list[tuple[float, int, int]]:
    """Say when which tier was told, the how many-th time."""
    return [
        ((event.at_ms - raised_ms()) / MINUTE, event.evidence["tier"], event.evidence["turn"]) for event in told(case)
    ]


def told(case: Case) -> list[Event]:
    """Give the steps that were taken."""
    return [event for event in case.events if event.kind is Kind.ESCALATED]


def due(alert: Alert) -> float:
    """Give when something is owed, in minutes."""
    assert alert.due_ms is not None
    return (alert.due_ms - raised_ms()) / MINUTE


@pytest.mark.hazard("H3")
@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (7, [(5, 2, 1), (10, 3, 1), (20, 3, 2), (35, 3, 3)]),
        (5, [(15, 2, 1), (30, 3, 1), (60, 3, 2), (90, 3, 3)]),
    ],
)
def test_each_tier_has_its_time_and_the_last_is_told_for_ever(total: int, expected: list[tuple[int, int, int]]) -> None:
    """The starting values of levels 3 and 2."""
    case = lived(point(0, total))
    for minute, tier, _ in expected:
        case = waited(case, minute - 0.01)
        assert clinical(case).tier < tier or tier == 3
        case = waited(case, minute)
        assert clinical(case).tier == tier
    assert steps(case) == expected
    assert clinical(case).state is State.NEW
    case = waited(case, 60 * 24 * 30)
    assert (clinical(case).state, clinical(case).tier) == (State.NEW, 3), "nothing is over because it is old"


def test_level_1_has_hours() -> None:
    """An hour for the first tier, one for the second, two for the third, and then every four."""
    case = waited(lived(point(0, 0, **ONE)), 60 * 9)  # type: ignore[arg-type]
    assert clinical(case).level is Level.WATCH
    assert (clinical(case).tier, due(clinical(case))) == (3, 60 * 12)


def test_whoever_looks_late_finds_one_step_as_of_the_last_that_was_due() -> None:
    """After hours without a daemon nobody is told five times over; the event says since when nobody looked."""
    case = waited(lived(point(0, 7)), 63)
    assert steps(case) == [(50, 3, 4)]
    assert told(case)[0].evidence["unwatched_from_ms"] == raised_ms() + 5 * MINUTE
    assert (clinical(case).tier, due(clinical(case)), clinical(case).version) == (3, 65, 2)


def test_where_nobody_is_told_nothing_is_escalated() -> None:
    """A recording and a replay have no one to tell."""
    case = lived(point(0, 7), terms=TERMS)
    assert waited(case, 600, TERMS) is case


def test_an_answer_ends_it_and_its_end_begins_it_anew() -> None:
    """Once acknowledged nobody more is told; when that has run out, the first tier is asked again."""
    case = waited(lived(point(0, 7)), 12)
    assert clinical(case).tier == 3
    by = replace(person(0, "ahmed"), now_ms=raised_ms() + 12 * MINUTE)
    case = acts.acknowledge(case, clinical(case), by, for_ms=20 * MINUTE).case
    case = waited(case, 31.9)
    assert len(steps(case)) == 1
    case = waited(case, 32)
    assert (clinical(case).state, clinical(case).tier, clinical(case).cycle) == (State.RERAISED, 1, 2)
    assert due(clinical(case)) == 37
    assert steps(waited(case, 37))[-1] == (37, 2, 1)


def test_worse_before_anyone_answered_is_owed_no_later() -> None:
    """A level 2 alert that is due in 3 minutes is due in 3 minutes when it becomes level 3, and in 5 when in 10."""
    for minute, expected in ((12, 15), (5, 10)):
        case = lived(point(0, 5), point(minute, 7))
        assert (clinical(case).level, clinical(case).tier, due(clinical(case))) == (3, 1, expected)
        assert clinical(case).owed_ms == clinical(case).due_ms


def test_one_that_eases_goes_on_at_its_new_pace_and_never_back_a_tier() -> None:
    """The third tier has been told of level 3; of level 1 it hears again when level 1 would come to it."""
    case = waited(lived(point(0, 7)), 11)
    eased = replace(clinical(case), level=Level.WATCH)
    case = replace(case, alerts={Lane.CLINICAL: eased}, events=())
    assert steps(waited(case, 64.9)) == []
    case = waited(case, 66)
    assert (clinical(case).tier, steps(case)) == (3, [(65, 3, 1)])
    assert due(clinical(case)) == 65 + 120


def test_one_that_eases_within_its_tier_is_not_told_twice() -> None:
    """The second tier was told of level 3 after 5 min; as level 2 it has until 20."""
    case = waited(lived(point(0, 7)), 7)
    case = replace(case, alerts={Lane.CLINICAL: replace(clinical(case), level=Level.URGENT)}, events=())
    case = waited(case, 19)
    assert (steps(case), clinical(case).tier, due(clinical(case))) == ([], 2, 20)
    assert steps(waited(case, 20)) == [(20, 3, 1)]


@pytest.mark.hazard("H21")
def test_settled_and_not_reviewed_is_told_too() -> None:
    """Its clock is slow, and it runs: an hour, and then as level 1."""
    case = lived(point(0, 7), *(point(minute, 0) for minute in range(10, 51, 10)))
    assert clinical(case).state is State.SETTLED
    assert (clinical(case).tier, due(clinical(case))) == (1, 40 + 60)
    case = waited(case, 100)
    assert (clinical(case).state, clinical(case).tier, due(clinical(case))) == (State.SETTLED, 2, 160)


def test_level_1_waits_for_the_ward_to_open_and_level_2_does_not() -> None:
    """The first reading comes at midnight: the ward is told when it opens, and has its hour then."""
    case = lived(point(0, 0, **ONE), terms=NIGHT)  # type: ignore[arg-type]
    assert clinical(case).due_ms == 8 * HOUR
    case = deadlines.tick(case, 8 * HOUR, NIGHT)
    assert (clinical(case).tier, told(case)[-1].evidence["turn"], clinical(case).due_ms) == (1, 2, 9 * HOUR)
    case = deadlines.tick(case, 10 * HOUR + MINUTE, NIGHT)
    assert (clinical(case).tier, clinical(case).due_ms) == (3, 12 * HOUR)
    urgent = lived(point(0, 5), terms=NIGHT)
    assert due(clinical(urgent)) == 15


def test_a_step_of_level_1_that_falls_into_the_night_waits_too() -> None:
    """The second tier is told at 19:30; what it owes by 20:30 it owes at 08:00, when it is told again."""
    case = lived(point(18.5 * 60, 0, **ONE), terms=NIGHT)  # type: ignore[arg-type]
    case = deadlines.tick(case, 23 * HOUR, NIGHT)
    assert (clinical(case).tier, clinical(case).due_ms) == (2, 32 * HOUR)
    case = deadlines.tick(case, 32 * HOUR, NIGHT)
    assert (clinical(case).tier, told(case)[-1].evidence["turn"], clinical(case).due_ms) == (2, 2, 33 * HOUR)
    case = deadlines.tick(case, 33 * HOUR + MINUTE, NIGHT)
    assert clinical(case).tier == 3


def test_the_third_tier_that_was_told_of_level_2_at_night_stays_told_when_it_eases() -> None:
    """As level 1 it waits for the ward to open, and no lower tier takes it over then."""
    case = deadlines.tick(lived(point(0, 5), terms=NIGHT), HOUR, NIGHT)
    assert clinical(case).tier == 3
    case = replace(case, alerts={Lane.CLINICAL: replace(clinical(case), level=Level.WATCH)}, events=())
    case = deadlines.tick(case, 8 * HOUR - 1, NIGHT)
    assert (clinical(case).tier, told(case), clinical(case).due_ms) == (3, [], 8 * HOUR)
    case = deadlines.tick(case, 8 * HOUR, NIGHT)
    assert (clinical(case).tier, told(case)[-1].evidence["tier"]) == (3, 3)


def test_a_waiting_alert_that_gets_worse_waits_no_longer() -> None:
    """Level 3 is owed in 5 minutes, whatever the hour."""
    case = lived(point(0, 0, **ONE), point(120, 7), terms=NIGHT)  # type: ignore[arg-type]
    assert due(clinical(case)) == 125


def test_every_lane_is_escalated() -> None:
    """A silent patient's alert, and one about the whole service, too."""
    technical = lifecycle.overdue(Case(stay_no=STAY), "spo2", raised_ms(), raised_ms(), terms=TOLD)
    assert waited(technical, 60).alerts[Lane.TECHNICAL].tier == 2
    system = lifecycle.overdue(Case(stay_no=0), "silent", raised_ms(), raised_ms(), terms=TOLD)
    assert waited(system, 10).alerts[Lane.SYSTEM].tier == 3


def test_an_alert_from_before_there_were_clocks_has_one() -> None:
    """Where no first answer is on record, what was due stands for it."""
    case = lived(point(0, 7))
    case = replace(case, alerts={Lane.CLINICAL: replace(clinical(case), owed_ms=None)}, events=())
    assert steps(waited(case, 11)) == [(10, 3, 1)]


def test_a_step_says_since_when_nobody_was_told_and_when_it_was_owed_first() -> None:
    """One that comes in its time has nothing to say of that."""
    case = lived(point(0, 7))
    due_ms = clinical(case).due_ms
    assert due_ms is not None
    (on_time,) = told(deadlines.tick(replace(case, events=()), due_ms, TOLD))
    assert on_time.evidence == {"tier": 2, "turn": 1}
    (late,) = told(deadlines.tick(replace(case, events=()), due_ms + 7 * MINUTE, TOLD))
    assert late.evidence["unwatched_from_ms"] == due_ms
    old = replace(case, alerts={Lane.CLINICAL: replace(clinical(case), owed_ms=None)})
    assert clinical(deadlines.tick(old, due_ms, TOLD)).owed_ms == due_ms


def test_an_answer_that_is_not_owed_yet_is_waited_for() -> None:
    """What was due before then is put off until it is owed, and nobody is told."""
    case = lived(point(0, 7))
    later = replace(clinical(case), due_ms=5 * MINUTE, owed_ms=60 * MINUTE)
    case = waited(replace(case, alerts={Lane.CLINICAL: later}, events=()), 10)
    assert (steps(case), clinical(case).due_ms) == ([], 60 * MINUTE)


def test_a_level_may_have_other_tiers() -> None:
    """With none but the first, that one is told again and again."""
    pace = replace(POLICY.clocks[Level.EMERGENCY], tiers_ms=(), repeat_ms=7 * MINUTE)
    found = [escalation.standing(0, pace, minute * MINUTE, TOLD) for minute in (-1, 0, 6, 7, 21)]
    assert [one and (one.tier, one.turn, one.due_ms // MINUTE) for one in found] == [
        None,
        (1, 2, 7),
        (1, 2, 7),
        (1, 3, 14),
        (1, 5, 28),
    ]


def test_what_falls_due_in_between_finds_the_alert_where_its_clock_had_brought_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At minute 17 it gets worse by a deadline of another kind: by then the second tier had been told, until 30."""

    def worse(case: Case, terms: Terms) -> Iterator[deadlines.Deadline]:
        if case.alerts and clinical(case).level is Level.URGENT:
            scored = replace(point(17, 7), received_ms=raised_ms() + 17 * MINUTE)
            yield scored.received_ms, lambda case: lifecycle.observe(case, scored, terms)

    monkeypatch.setattr(deadlines, "KINDS", (*deadlines.KINDS, worse))
    case = waited(lived(point(0, 5)), 40)
    assert steps(case) == [(15, 2, 1), (37, 3, 2)]
    assert [event.kind for event in case.events] == [Kind.RAISED, Kind.ESCALATED, Kind.WORSENED, Kind.ESCALATED]


def test_a_level_has_no_more_tiers_than_there_are() -> None:
    """Nobody can be on duty at a fourth."""
    text = files("alerts").joinpath("rules.toml").read_text(encoding="utf-8")
    with pytest.raises(PolicyError, match="level 3: there are 3 tiers"):
        policy.load(text.replace('tiers = ["5m", "10m"]', 'tiers = ["5m", "10m", "10m"]'))


@pytest.mark.parametrize("was", ['tiers = ["5m", "10m"]', 'repeat = "15m"'])
def test_a_tier_without_time_is_refused(was: str) -> None:
    """It would be told for ever at one moment."""
    text = files("alerts").joinpath("rules.toml").read_text(encoding="utf-8")
    assert was in text
    with pytest.raises(PolicyError, match="level 3: a tier without time would never end"):
        policy.load(text.replace(was, was.replace("15m", "0m").replace("5m", "0m")))
