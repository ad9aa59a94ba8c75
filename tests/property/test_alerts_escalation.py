"""Escalation does not depend on when anyone looked, and nothing that nobody answered is left without it."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from alerts import acts, deadlines, escalation, lifecycle
from alerts.acts import Act
from alerts.model import Alert, Case, Event, Kind, Lane, Level, Outcome, State
from alerts.over_time import OverTime
from alerts.policy import BASE, POLICY, Terms
from tests.unit.alerts_points import HOUR, LAG, MINUTE, PARTS, STAY, point
from vwmon import hours

WALKS = int(os.environ.get("VWMON_WALKS", "10000"))
PARTS_OF_THE_RUN = 10
ALWAYS = Terms(rules=BASE, told=True)
DAYTIME = replace(ALWAYS, opens=partial(hours.opens_ms, "08:00-20:00", "Europe/London"))
Step = Callable[[Case], Case]


@dataclass(frozen=True)
class Moment:
    """Something that happens at a time."""

    at_ms: int
    step: Step


def history(chance: random.Random, terms: Terms) -> Iterator[Moment]:
    """Make up what happens to one stay: readings, silence, answers, closings, at random times."""
    now_ms = chance.randrange(24) * HOUR
    for _ in range(chance.randint(2, 9)):
        now_ms += chance.choice((1, 4, 6, 16, 31, 70, 300, 1500)) * MINUTE + chance.randrange(3) * 1000
        total = chance.choice((0, 0, 1, 5, 6, 7, 9))
        could_be = total + chance.choice((0, 0, 5))
        at_ms, scored = now_ms - LAG, point(0, total, could_be=could_be)
        scored = replace(scored, at_ms=at_ms, received_ms=now_ms)
        act = Act(
            actor=chance.choice(("ann", "bob")),
            now_ms=now_ms,
            note="phoned",
            terms_of=lambda _: OverTime(terms=(terms,)),
        )
        lane, part = chance.choice((Lane.CLINICAL, Lane.TECHNICAL)), chance.choice(PARTS)
        span = chance.randint(1, 30) * MINUTE
        kinds: dict[str, Step] = {
            "reading": partial(lifecycle.observe, scored=scored, terms=terms),
            "overdue": partial(lifecycle.overdue, part=part, due_ms=now_ms, known_ms=now_ms, terms=terms),
            "returned": partial(lifecycle.returned, part=part, at_ms=now_ms, known_ms=now_ms, terms=terms),
            "answer": partial(answered, lane=lane, act=act, for_ms=span),
            "close": partial(closed, lane=lane, act=act),
            "nothing": lambda case: case,
        }
        what = chance.choices(list(kinds), weights=(5, 2, 1, 2, 1, 1))[0]
        yield Moment(now_ms, kinds[what])


def answered(case: Case, *, lane: Lane, act: Act, for_ms: int) -> Case:
    """Let someone take an alert in hand."""
    alert = case.alerts.get(lane)
    return case if alert is None else acts.acknowledge(case, alert, act, for_ms=for_ms, take=True).case


def closed(case: Case, *, lane: Lane, act: Act) -> Case:
    """Let someone close an alert."""
    alert = case.alerts.get(lane)
    return case if alert is None else acts.close(case, alert, act, Outcome.PHONED_STABLE).case


def standing(case: Case) -> dict[Lane, Alert]:
    """Give the alerts as they stand. A version counts the steps that were written: at a late look they are fewer."""
    return {lane: replace(alert, version=0) for lane, alert in case.alerts.items()}


def rest(case: Case) -> list[Event]:
    """Give what happened but for the steps of escalation."""
    return [replace(event, version=0) for event in case.events if event.kind is not Kind.ESCALATED]


def told(case: Case) -> set[tuple[int, int, int, int]]:
    """Name every step that was written down: of which alert, when, which tier, the how many-th time."""
    return {
        (event.alert_no, event.at_ms, event.evidence["tier"], event.evidence["turn"])
        for event in case.events
        if event.kind is Kind.ESCALATED
    }


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("part", range(PARTS_OF_THE_RUN))
def test_it_does_not_matter_when_anyone_looked(part: int) -> None:
    """A daemon that looks often and one that looks only when something comes leave every alert the same.

    Whoever looked often has told all that the other told, at the same moments, and nobody who asks is ever overdue.
    """
    for number in range(WALKS // PARTS_OF_THE_RUN):
        chance = random.Random(f"{part} {number}")
        terms = chance.choice((ALWAYS, DAYTIME))
        rarely = often = Case(stay_no=STAY)
        before_ms = 0
        for moment in history(chance, terms):
            for look_ms in sorted(chance.randrange(before_ms, moment.at_ms + 1) for _ in range(chance.randrange(5))):
                often = deadlines.tick(often, look_ms, terms)
            rarely, often = (deadlines.tick(case, moment.at_ms, terms) for case in (rarely, often))
            assert standing(rarely) == standing(often), (part, number)
            assert all(not late(alert, moment.at_ms) for alert in rarely.alerts.values()), (part, number)
            rarely, often, before_ms = moment.step(rarely), moment.step(often), moment.at_ms
            assert standing(rarely) == standing(often), (part, number)
        assert rest(rarely) == rest(often), (part, number)
        assert told(rarely) <= told(often), (part, number)


def late(alert: Alert, now_ms: int) -> bool:
    """Tell whether an alert that asks has no next step, or one that has passed."""
    asks = alert.state in {State.NEW, State.RERAISED, State.SETTLED}
    return asks and (alert.due_ms is None or alert.due_ms <= now_ms)


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("terms", [ALWAYS, DAYTIME], ids=["always", "daytime"])
def test_where_it_stands_is_what_a_clock_that_is_watched_all_the_time_says(level: Level, terms: Terms) -> None:
    """Found anew minute by minute over two days, without the arithmetic."""
    pace, owed_ms = POLICY.clocks[level], 17 * HOUR + 31 * MINUTE
    spans = {1: pace.first_response_ms, 2: pace.tiers_ms[0], 3: pace.tiers_ms[1]}
    tier, turn, left_ms, waited = 1, 1, 10 * MINUTE, False
    for now_ms in range(owed_ms - 9 * MINUTE, owed_ms + 48 * HOUR, MINUTE):
        left_ms -= MINUTE
        closed = pace.waits and terms.opens(now_ms) != now_ms
        waited = waited or (left_ms <= 0 and closed)
        if left_ms <= 0 and not closed:
            tier, turn = (tier, turn + 1) if waited or tier == 3 else (tier + 1, 1)
            left_ms = pace.repeat_ms if tier == 3 and turn > 1 else spans[tier]
            waited = False
        found = escalation.standing(owed_ms, pace, now_ms, terms)
        assert (tier, turn) == ((found.tier, found.turn) if found is not None else (1, 1))
