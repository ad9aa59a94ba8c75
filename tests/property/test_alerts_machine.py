"""The work list as one machine: whatever happens on a ward, in any order, its invariants hold after every step.

The ward is in tests.property.alerts_ward, the invariants, each by its number, in tests.property.alerts_invariants.
VWMON_STEPS says how many steps to take; without it, 50,000. A walk that breaks an invariant is told by its seed and by
the fewest of its steps that still break it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from alerts.model import Alert, Case, Kind, Lane
from alerts.rows import EVENT_COLUMNS, event_of
from tests.property.alerts_invariants import Watch
from tests.property.alerts_ward import ACTS, Step, Ward, walk_of
from vwmon.store.sqlite import Connection

STEPS = int(os.environ.get("VWMON_STEPS", "50000"))
PARTS_OF_THE_RUN = 10
BROKE_ONCE = (70_000_650,)  # an act on an alert that no score had raised, with the version that was seen
APART = 10_000_000  # seeds of one part of the run from those of the next
TWINS = 150
WALKS_FOR_EVERYTHING = 500
MOST_TRIES = 1000  # to make a broken walk shorter
_EVENTS = f"select {', '.join(EVENT_COLUMNS)} from alert_event"  # noqa: S608
Walk = Callable[[Sequence[int], Sequence[Step]], int]


def watched(plans: Sequence[int], steps: Sequence[Step]) -> int:
    """Walk, look at every invariant after every step, and give how many steps were taken."""
    ward, taken = Ward(plans), 0
    watch = Watch(ward)
    for step in steps:
        happened = ward.do(step)
        if happened is not None:
            watch.check(happened)
            taken += 1
    watch.finish()
    ward.db.close()
    return taken


def breaks(walk: Walk, plans: Sequence[int], steps: Sequence[Step]) -> str:
    """Say what a walk breaks; empty for one that breaks nothing."""
    try:
        walk(plans, steps)
    except Exception as error:  # noqa: BLE001 -- whatever the product does wrong is to be told with its walk
        return f"{type(error).__name__}: {error}"
    return ""


def shrunk(walk: Walk, plans: Sequence[int], steps: Sequence[Step]) -> tuple[Step, ...]:
    """Drop steps while what is left still breaks the same, each with its time or leaving that to the next."""
    left, was, tries = tuple(steps), _named(breaks(walk, plans, steps)), 0
    smaller = True
    while smaller:
        smaller = False
        for fewer in _fewer(left):
            tries += 1
            if tries > MOST_TRIES:
                return left
            if _named(breaks(walk, plans, fewer)) == was:
                left, smaller = fewer, True
                break
    return left


def _named(broken: str) -> str:
    """Give the name of what was broken, without what it was broken by."""
    return ":".join(broken.split(":")[:2])


def _fewer(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    half = len(steps) // 2
    while half > 2:
        yield from (steps[:n] + steps[n + half :] for n in range(0, len(steps), half))
        half //= 2
    for n in reversed(range(len(steps))):
        before, after = steps[:n], steps[n + 1 :]
        yield before + after
        if after:
            yield (*before, replace(after[0], minutes=after[0].minutes + steps[n].minutes), *after[1:])


def told(walk: Walk, seed: int) -> str:
    """Tell a walk that breaks something: its seed, what it breaks, and the fewest of its steps that do."""
    plans, steps = walk_of(seed)
    left = shrunk(walk, plans, steps)
    listed = "\n".join(f"    {step}," for step in left)
    return f"seed {seed}: {breaks(walk, plans, left)}\nplans {plans}, steps [\n{listed}\n]"


@pytest.mark.hazard("H3", "H12", "H25")
@pytest.mark.parametrize("part", range(PARTS_OF_THE_RUN))
def test_the_invariants_hold_after_every_step(part: int) -> None:
    """Readings, silence, faults, pauses, acts, handovers, crashes and restarts, with clocks looked at whenever."""
    taken, seed = 0, part * APART
    while taken < STEPS / PARTS_OF_THE_RUN:
        plans, steps = walk_of(seed)
        try:
            taken += watched(plans, steps)
        except Exception as error:
            raise AssertionError(told(watched, seed)) from error
        seed += 1


@pytest.mark.parametrize("seed", BROKE_ONCE)
def test_a_walk_that_once_broke_something_breaks_nothing(seed: int) -> None:
    """What a million steps found is looked at every time."""
    assert watched(*walk_of(seed))


@pytest.mark.slow
def test_whatever_can_happen_to_an_alert_happens() -> None:
    """A machine that never came to some act or some move would promise nothing about it."""
    done = {(verb, refused) for verb in ACTS for refused in (True, False)} | {
        ("hand over", False),
        ("discharge", False),
    }
    left: set[object] = {*Kind, *done}
    for seed in range(WALKS_FOR_EVERYTHING):
        plans, steps = walk_of(seed)
        for happened in filter(None, map(Ward(plans).do, steps)):
            left -= {event.kind for event in happened.events}
            left.discard((happened.doing.verb, happened.refusal is not None))
        if not left:
            return
    pytest.fail(f"in {WALKS_FOR_EVERYTHING} walks there was never {left}")


def twins(plans: Sequence[int], steps: Sequence[Step]) -> int:
    """Walk twice, once with a clock that is hardly looked at; both must end alike, and have told the same."""
    often, rarely = Ward(plans), Ward(plans, looks=False)
    for step in steps:
        if step.what not in {"pause", "service"}:  # what is held back is another test's
            often.do(step)
            rarely.do(step)
    ends = [[_unversioned(case) for case in ward.finish()] for ward in (often, rarely)]
    assert ends[0] == ends[1], "twins: end otherwise"
    assert _history(often.db) == _history(rarely.db), "twins: another history"
    often.db.close()
    rarely.db.close()
    return len(steps)


def _unversioned(case: Case) -> tuple[dict[Lane, Alert], object]:
    """Give a case without how often something was written: at a late look, steps of escalation are fewer."""
    return {lane: replace(alert, version=0) for lane, alert in case.alerts.items()}, case.conditions


def _history(db: Connection) -> list[str]:
    events = [event_of(row) for row in db.execute(_EVENTS)]
    return sorted(repr(replace(event, version=0)) for event in events if event.kind is not Kind.ESCALATED)


@pytest.mark.hazard("H7", "T20")
def test_it_does_not_matter_when_the_clock_was_looked_at() -> None:
    """Ticks, restarts and crashes in between lead to the same alerts with the same history."""
    for seed in range(-TWINS, 0):
        plans, steps = walk_of(seed)
        try:
            twins(plans, steps)
        except Exception as error:
            raise AssertionError(told(twins, seed)) from error
