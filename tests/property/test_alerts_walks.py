"""The alerts of one stay against a slow reading of all that came so far, by the words of the rules and of a decision.

What must hold of any alert, whatever happens, is in tests.property.test_alerts_machine.
"""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import deadlines, lifecycle, policy, verdicts
from alerts.model import Case, Lane, State
from alerts.policy import POLICY
from tests.unit.alerts_points import LAG, MINUTE, PARTS, STAY, Point, follow, limit, point, terms

PLAN = PARTS[:5] + PARTS[6:]  # consciousness is not asked for
MISSING = 4
SATURATIONS = (97.0, 92.0, 91.0, 79.0)


def made(numbers: list[int]) -> Point:
    """Make a score from a number for each part (0 to 3 its points, 4 missing) and how much more it could be."""
    *parts, unsure = numbers
    missing = [part for part, number in zip(PARTS, parts, strict=True) if number == MISSING]
    points = {p: min(n, POLICY.parts[p].most) for p, n in zip(PARTS, parts, strict=True) if n != MISSING}
    scored = point(0, missing=missing, expected=PLAN, **points)  # type: ignore[arg-type]
    named = {} if "spo2" in missing else {"value:spo2": SATURATIONS[points["spo2"]]}
    # A set of readings is seldom all of one moment: where much is unsure, half of it was read before.
    before = dict.fromkeys(list(points)[::2], 20 * MINUTE) if unsure > 2 else {}
    ages_ms = scored.ages_ms | before
    return replace(
        scored,
        could_be=min(scored.total_max, scored.total_min + unsure),
        quantities=named,
        ages_ms=ages_ms,
    )


NUMBER = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3, MISSING])
SCORES = st.lists(NUMBER, min_size=len(PARTS) + 1, max_size=len(PARTS) + 1).map(made)


NUMBER = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3, MISSING])
SCORES = st.lists(NUMBER, min_size=len(PARTS) + 1, max_size=len(PARTS) + 1).map(made)
# Each a score, how many minutes after the last it came, and whether all of it was refused.
HISTORIES = st.lists(st.tuples(SCORES, st.sampled_from([0.5, 4, 16, 31, 70, 300]), st.integers(0, 3)), max_size=25)


@settings(max_examples=120)
@given(HISTORIES)
def test_alerts_agree_with_a_slow_reading_of_the_whole_history(history: list[tuple[Point, float, int]]) -> None:
    """State and level at every moment, found anew from all scores so far by the words of the rules."""
    case, minute, peak = Case(stay_no=STAY), 0.0, 0
    seen: list[Point] = []
    for scored, minutes, tried in history:
        minute += minutes
        at_ms = round(minute * MINUTE)
        seen.append(replace(scored, at_ms=at_ms, received_ms=at_ms + LAG, measured=tried > 0))
        case = follow(case, seen[-1])
        level, was_peak = oracle_level(seen), peak
        peak = max(level, peak) if level or was_peak > 1 else 0
        alert = case.alerts.get(Lane.CLINICAL)
        if level:
            assert alert is not None
            assert alert.state in {State.NEW, State.RERAISED}
            assert alert.level == level
            assert alert.peak == peak
        elif alert is not None:
            assert alert.state is (State.SETTLED if was_peak > 1 else State.CLOSED)


def oracle_level(seen: list[Point]) -> int:
    """Say which level stands after all these scores: a rule stands from any breach that no recovery has followed."""
    standing = [rule.level for rule in policy.BASE.clinical if oracle_stands(rule, seen)]
    return max(standing, default=0)


def oracle_stands(rule: policy.Rule, seen: list[Point]) -> bool:
    """After the last breach, look at every pair of good readings far enough apart with nothing but good between."""
    breaches = [n for n, scored in enumerate(seen) if verdicts.present(rule, scored)]
    if not breaches:
        return False
    since = breaches[-1]
    for first in range(since + 1, len(seen)):
        for last in range(first + 1, len(seen)):
            run = seen[first : last + 1]
            long = run[-1].at_ms - run[0].at_ms >= 30 * MINUTE and run[0].measured and run[-1].measured
            if long and all(oracle_good(rule, scored, seen[: n + first]) for n, scored in enumerate(run)):
                return False
    return True


def oracle_good(rule: policy.Rule, scored: Point, before: list[Point]) -> bool:
    """Say by the words of the rules whether a score is positive evidence that the rule does not hold."""
    scored_before = {part for one in before if oracle_any(one) for part, points in one.points.items() if points}
    hidden = [part for part in scored.missing if part in PLAN or part in scored_before]
    worst = scored.total_min + sum(POLICY.parts[part].most for part in hidden)
    if rule.name == "news2_red":
        return not scored.red and not hidden
    if rule.name == "news2_could_be_5":
        return scored.could_be < 5
    return worst < {"news2_7": 6, "news2_5": 4}[rule.name]


def oracle_any(scored: Point) -> bool:
    """Say whether any rule holds for a score."""
    return scored.red or scored.total_min >= 5 or scored.could_be >= 5


@dataclass(frozen=True)
class Noted:
    """One number by its name: fits alerts.model.Noted."""

    at_ms: int
    value: float
    late: bool = False
    stay: int = STAY
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def received_ms(self) -> int:
        """Say when it came."""
        return self.at_ms + LAG

    @property
    def quantities(self) -> dict[str, float]:
        """Give the number."""
        return {"value:spo2": self.value}


WAYS = {
    "spot": terms(limit("spo2_92", enabled=True, cadence="spot", on_delay="5m")),
    "continuous": terms(limit("spo2_92", enabled=True, on_delay="20m")),
}
NUMBERS = st.lists(
    st.tuples(st.sampled_from([0.5, 2, 4, 5, 6, 10, 15, 16, 40]), st.sampled_from([90.0, 90.0, 90.0, 91.5, 97.0])),
    max_size=20,
)


@pytest.mark.hazard("H31")
@settings(max_examples=300)
@given(NUMBERS, st.sampled_from(["spot", "continuous"]))
def test_when_an_alert_comes_agrees_with_a_slow_reading_of_the_decision(
    numbers: list[tuple[float, float]], way: str
) -> None:
    """The first alert of a number by its name, since when and as of when, found anew from all that came so far."""
    case, minute, came = Case(stay_no=STAY), 0.0, []
    for gap, value in numbers:
        minute += gap
        came.append(Noted(round(minute * MINUTE), value))
        case = lifecycle.learn(deadlines.tick(case, came[-1].received_ms, WAYS[way]), came[-1], WAYS[way])
        expected = slow_spot(came) if way == "spot" else slow_run(came)
        first = next(iter((*case.past, *case.alerts.values())), None)
        assert expected == (None if first is None else (first.since_ms, first.opened_ms))


def slow_spot(came: list[Noted]) -> tuple[int, int] | None:
    """Take each lone breach in turn: what came within a quarter of an hour answers it, or nothing does."""
    start, now_ms = 0, came[-1].received_ms
    while (began := next((n for n in range(start, len(came)) if came[n].value <= 91), None)) is not None:
        due_ms = came[began].received_ms + 15 * MINUTE
        for n in range(began + 1, len(came)):
            repeated = came[n].value <= 91 and came[n].at_ms >= came[began].at_ms + 5 * MINUTE
            if came[n].received_ms < due_ms and (repeated or came[n].value > 92):
                break
        else:
            return (came[began].at_ms, due_ms) if due_ms <= now_ms else None
        if repeated:
            return came[began].at_ms, came[n].received_ms
        start = n + 1
    return None


def slow_run(came: list[Noted]) -> tuple[int, int] | None:
    """Cut what came at every good reading and every hole, and look for a piece that is long enough."""
    since, last = None, None
    for one in came:
        if one.value > 92:
            since = None
        elif one.value <= 91:
            if since is None or last is None or one.at_ms - last > 15 * MINUTE:
                since = one.at_ms
            last = one.at_ms
            if one.at_ms - since >= 20 * MINUTE:
                return since, one.received_ms
    return None
