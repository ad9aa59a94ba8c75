"""Random histories of one stay: what must hold after every step, whatever readings, silence, people and clocks do."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import acts, deadlines, lifecycle, policy, verdicts
from alerts.acts import Act
from alerts.model import ACTIVE, Asked, Case, Kind, Lane, Level, Outcome, State
from alerts.policy import POLICY, TERMS, Cadence
from tests.unit.alerts_points import (
    AT_ONCE,
    HOUR,
    LAG,
    MINUTE,
    PARTS,
    STAY,
    Point,
    clinical,
    follow,
    limit,
    point,
    terms,
)

PLAN = PARTS[:5] + PARTS[6:]  # consciousness is not asked for
MISSING = 4
SATURATIONS = (97.0, 92.0, 91.0, 79.0)
# The rules as they are; and a plan with runs of single vitals, and of the score itself.
LOOSE = terms(
    limit("spo2_92", enabled=True, on_delay="15m"),
    limit("spo2_80", enabled=True),
    limit("news2_5", cadence="continuous", on_delay="20m"),
    limit("news2_red", level=1),
)
PLANS = {"as they are": TERMS, "at once": AT_ONCE, "loose": LOOSE}
UNDER = st.sampled_from(["as they are", "as they are", "at once", "loose"])


@dataclass(frozen=True)
class Step:
    """One thing that happens: what kind, how many minutes after the last, and choices."""

    what: str
    minutes: float
    point: Point
    part: str
    who: str
    span: int
    take: bool
    outcome: Outcome
    lane: Lane
    back: int


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


def steps(*what: str) -> st.SearchStrategy[list[Step]]:
    """Histories of these kinds of steps."""
    return st.lists(
        st.builds(
            Step,
            what=st.sampled_from(what),
            minutes=st.sampled_from([0.5, 4, 16, 31, 70, 300]),
            point=SCORES,
            part=st.sampled_from(PLAN),
            who=st.sampled_from(["ahmed", "lowe"]),
            span=st.integers(1, 60),
            take=st.booleans(),
            outcome=st.sampled_from(Outcome),
            lane=st.sampled_from([Lane.CLINICAL, Lane.TECHNICAL]),
            back=st.integers(1, 200),
        ),
        max_size=25,
    )


class Walk:
    """A stay as it is followed step by step, with all that was told of it so that it can be told again."""

    def __init__(self, under: str = "at once") -> None:
        """Begin with nothing known, by these terms."""
        self.under = PLANS[under]
        self.case = Case(stay_no=STAY)
        self.minute = 0.0
        self.frontier_ms = -1
        self.told: list[Callable[[Case], Case]] = []
        self.seen: Point | None = None
        self.log: list[tuple[Case, Point | None, Case]] = []

    def do(self, step: Step) -> None:
        """Let one thing happen."""
        self.minute += step.minutes
        before, self.seen = self.case, None
        getattr(self, f"_{step.what}")(step)
        self.log.append((before, self.seen, self.case))

    @property
    def now_ms(self) -> int:
        """The moment of receipt of what happens now."""
        return round(self.minute * MINUTE) + LAG

    def _reading(self, step: Step) -> None:
        at_ms = round(self.minute * MINUTE)
        self.frontier_ms = at_ms
        self._observe(replace(step.point, at_ms=at_ms, received_ms=self.now_ms))

    def _tried(self, step: Step) -> None:
        """Nothing came but what was refused: the score is of what was known before."""
        at_ms = round(self.minute * MINUTE)
        self.frontier_ms = at_ms
        self._observe(replace(step.point, at_ms=at_ms, received_ms=self.now_ms, measured=False))

    def _late(self, step: Step) -> None:
        at_ms = round((self.minute - step.back) * MINUTE) - 1
        self._observe(replace(step.point, at_ms=at_ms, received_ms=self.now_ms, late=at_ms < self.frontier_ms))
        self.frontier_ms = max(self.frontier_ms, at_ms)

    def _observe(self, scored: Point) -> None:
        self.case, self.seen = follow(self.case, scored, under=self.under), scored
        again = replace(scored, late=True)
        if not (scored.late and self.under is LOOSE):  # what came late is no part of a run, and news once that counts
            self.told.append(lambda case: lifecycle.observe(case, again, self.under))

    def _overdue(self, step: Step) -> None:
        due_ms, last_ms = self.now_ms - LAG, self.now_ms - step.back * MINUTE - LAG
        self.case = deadlines.tick(self.case, due_ms, self.under)
        self.case = lifecycle.overdue(self.case, step.part, due_ms, self.now_ms, last_ms=last_ms, terms=self.under)
        self.told.append(
            lambda case: lifecycle.overdue(case, step.part, due_ms, due_ms + HOUR, last_ms=last_ms, terms=self.under)
        )

    def _returned(self, step: Step) -> None:
        at_ms, now_ms = round(self.minute * MINUTE), self.now_ms
        self.case = lifecycle.returned(self._ticked(), step.part, at_ms, now_ms, self.under)

    def _tick(self, _step: Step) -> None:
        self.case = self._ticked()

    def _ticked(self) -> Case:
        return deadlines.tick(self.case, self.now_ms, self.under)

    def _ack(self, step: Step) -> None:
        act = Act(actor=step.who, now_ms=self.now_ms, note="phoned")
        self._act(
            step, lambda case, alert: acts.acknowledge(case, alert, act, for_ms=step.span * MINUTE, take=step.take)
        )

    def _close(self, step: Step) -> None:
        act = Act(actor=step.who, now_ms=self.now_ms, note="done")
        self._act(step, lambda case, alert: acts.close(case, alert, act, step.outcome))

    def _act(self, step: Step, verb: Callable[..., acts.Answer]) -> None:
        self.case = self._ticked()
        alert = self.case.alerts.get(step.lane)
        if alert is not None:
            self.case = verb(self.case, alert).case

    def _discharge(self, _step: Step) -> None:
        self.case = lifecycle.discharged(self._ticked(), self.now_ms, self.under)


READINGS = ("reading", "reading", "reading", "reading", "tried", "late")
EVERYTHING = (*READINGS, "overdue", "returned", "tick", "ack", "ack", "close")


def walked(history: list[Step], under: str = "at once") -> Walk:
    """Follow a history to its end."""
    walk = Walk(under)
    for step in history:
        walk.do(step)
    return walk


@settings(max_examples=120)
@given(steps(*EVERYTHING, "discharge"), UNDER)
def test_the_invariants_hold_after_every_step(history: list[Step], under: str) -> None:
    """Acknowledgements are valid, deadlines run, nothing active is hidden, nothing urgent closes without a person."""
    walk = Walk(under)
    for step in history:
        walk.do(step)
        case = walk.case
        for lane, alert in case.alerts.items():
            standing = [c for c in case.conditions.values() if c.standing and policy.RULES[c.rule].lane is lane]
            assert (alert.state in ACTIVE) == bool(standing), "an active condition is never shown settled or closed"
            assert alert.level <= alert.peak
            if alert.state is State.ACKNOWLEDGED:
                assert alert.owner
                assert alert.ack_level is not None
                assert alert.level <= alert.ack_level
                assert alert.ack_until_ms is not None
                assert alert.ack_until_ms > walk.now_ms or step.what == "overdue"
            if alert.state in {State.NEW, State.RERAISED, State.SETTLED}:
                assert alert.due_ms is not None
            if not alert.open:
                assert alert.outcome is not None or alert.peak is Level.WATCH, "nothing urgent closes without a person"
                assert alert.closed_ms is not None
        assert all(not alert.open for alert in case.past), "at most one alert of a lane is open"


@settings(max_examples=120)
@given(steps(*EVERYTHING), UNDER)
def test_a_blind_patient_who_is_sick_always_has_an_urgent_technical_alert(history: list[Step], under: str) -> None:
    """Sick and unseen is on the list at the patient's level, whatever was closed or acknowledged before."""
    walk = Walk(under)
    for step in history:
        walk.do(step)
        alert = walk.case.open_in(Lane.CLINICAL)
        blind = alert is not None and any(part in walk.case.overdue for part in alert.parts)
        assert (alert is not None and alert.blind_ms is not None) == blind
        if alert is not None and blind and alert.level >= Level.URGENT:
            technical = walk.case.open_in(Lane.TECHNICAL)
            assert technical is not None
            assert technical.level == alert.level


@settings(max_examples=120)
@given(steps(*EVERYTHING), UNDER)
def test_only_fresh_good_complete_readings_settle_or_ease(history: list[Step], under: str) -> None:
    """Tested on what came in, not on the state: no late, missing, refused or blind evidence ever clears anything."""
    walk = walked(history, under)
    for before, scored, after in walk.log:
        new = after.events[len(before.events) :]
        cleared = [
            event.kind
            for event in new
            if event.alert_no == (before.alerts[Lane.CLINICAL].alert_no if Lane.CLINICAL in before.alerts else None)
            and event.kind in {Kind.SETTLED, Kind.ENDED, Kind.EASED}
        ]
        if not cleared:
            continue
        assert scored is not None
        assert not scored.late
        assert scored.measured
        assert clinical(before).blind_ms is None
        hidden = [part for part in scored.missing if part in PLAN or part in clinical(before).parts]
        if cleared[-1] in {Kind.SETTLED, Kind.ENDED}:
            assert not scored.red
            # Missing parts may be left only where even their worst could not reach the limit again.
            assert scored.total_min + sum(POLICY.parts[part].most for part in hidden) < 5


@settings(max_examples=120)
@given(steps(*EVERYTHING), st.sampled_from(["as they are", "at once"]))
def test_worse_than_acknowledged_always_asks_again(history: list[Step], under: str) -> None:
    """Tested on what came in: a reading above the acknowledged level or score is never covered."""
    walk = walked(history, under)
    for before, scored, after in walk.log:
        alert = before.alerts.get(Lane.CLINICAL)
        if scored is None or scored.late or alert is None or alert.state is not State.ACKNOWLEDGED:
            continue
        level = max((rule.level for rule in policy.BASE.clinical if verdicts.present(rule, scored)), default=0)
        assert alert.ack_level is not None
        assert alert.ack_score is not None
        worse = level > alert.ack_level or (level and scored.total_min >= alert.ack_score + 2)
        if worse or (set(verdicts.reds(scored)) - set(alert.ack_reds)):
            assert clinical(after).state is State.RERAISED


@settings(max_examples=120)
@given(steps(*EVERYTHING, "discharge"), UNDER, st.data())
def test_being_told_again_changes_nothing(history: list[Step], under: str, data: st.DataObject) -> None:
    """Any reading and any silence of the past, told again at any later time, leaves the very same case."""
    walk = Walk(under)
    for step in history:
        walk.do(step)
        if walk.told:
            again = data.draw(st.sampled_from(walk.told))
            assert again(walk.case) is walk.case
    for again in walk.told:
        assert again(walk.case) is walk.case
    ticked = deadlines.tick(walk.case, walk.now_ms, walk.under)
    assert deadlines.tick(ticked, walk.now_ms, walk.under) is ticked


@settings(max_examples=120)
@given(
    steps("reading", "reading", "tried", "late", "overdue", "returned", "ack", "close"),
    st.lists(st.floats(0, 1), min_size=25),
    UNDER,
)
def test_it_does_not_matter_when_the_clock_was_looked_at(history: list[Step], when: list[float], under: str) -> None:
    """Ticks in between, as many and whenever they come, lead to the same alerts with the same history."""
    once, often = Walk(under), Walk(under)
    for step, fraction in zip(history, when, strict=False):
        once.do(step)
        # A tick of the daemon comes at some moment before the next thing is known; what fell due acts as of then.
        between = often.now_ms + round(fraction * (step.minutes * MINUTE - LAG)) if often.log else 0
        often.case = deadlines.tick(often.case, between, often.under)
        often.do(step)
    end = once.now_ms
    assert deadlines.tick(once.case, end, once.under) == deadlines.tick(often.case, end, once.under)


@settings(max_examples=120)
@given(steps(*EVERYTHING, "discharge"), UNDER)
def test_the_history_of_an_alert_is_a_chain(history: list[Step], under: str) -> None:
    """Each event begins where the last one ended, and the last one is where the alert stands."""
    walk = walked(history, under)
    by_alert: dict[int, list[object]] = {}
    for event in walk.case.events:
        by_alert.setdefault(event.alert_no, []).append(event)
    for alert in (*walk.case.past, *walk.case.alerts.values()):
        events = by_alert.get(alert.alert_no, [])
        assert [event.kind for event in events][0] is Kind.RAISED  # type: ignore[attr-defined]  # noqa: RUF015
        for former, latter in pairwise(events):
            assert former.state_after is latter.state_before  # type: ignore[attr-defined]
            assert former.level_after == latter.level_before  # type: ignore[attr-defined]
            assert former.version <= latter.version  # type: ignore[attr-defined]
        last = events[-1]
        assert (last.state_after, last.level_after, last.version) == (alert.state, alert.level, alert.version)  # type: ignore[attr-defined]


@settings(max_examples=120)
@given(steps("reading", "reading", "reading", "tried"))
def test_alerts_agree_with_a_slow_reading_of_the_whole_history(history: list[Step]) -> None:
    """State and level at every moment, found anew from all scores so far by the words of the rules."""
    walk = Walk()
    seen: list[Point] = []
    peak = 0
    for step in history:
        walk.do(step)
        seen.append(replace(step.point, at_ms=walk.frontier_ms, measured=step.what == "reading"))
        level, was_peak = oracle_level(seen), peak
        peak = max(level, peak) if level or was_peak > 1 else 0
        alert = walk.case.alerts.get(Lane.CLINICAL)
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


def rule_of(walk: Walk, name: str) -> policy.Rule:
    """Give a rule as it is in the plan of a walk."""
    return walk.under.rules.rules[name]


@settings(max_examples=120)
@given(steps(*EVERYTHING, "discharge"), UNDER)
def test_what_waits_has_an_end_and_is_beside_no_active_alert(history: list[Step], under: str) -> None:
    """A deadline to come, unless it is a run; never at level 3; a repeat is asked for exactly then."""
    walk = Walk(under)
    for step in history:
        walk.do(step)
        alert = walk.case.alerts.get(Lane.CLINICAL)
        assert not (walk.case.pending and alert is not None and alert.active)
        for name, condition in walk.case.pending.items():
            rule = rule_of(walk, name)
            assert not rule.at_once
            assert (condition.due_ms is None) == (rule.cadence is Cadence.CONTINUOUS)
            assert condition.due_ms is None or condition.due_ms > walk.now_ms or step.what == "overdue"
            assert condition.evidence["rules"]
        asked = {(ask.rule, ask.asked_ms): ask.state for ask in walk.case.asks}
        waiting = {(n, c.evidence["received_ms"]) for n, c in walk.case.pending.items() if c.due_ms is not None}
        assert {which for which, state in asked.items() if state is Asked.QUEUED} == waiting


@settings(max_examples=120)
@given(steps(*EVERYTHING), UNDER)
def test_a_breach_is_always_answered(history: list[Step], under: str) -> None:
    """Tested on what came in: level 3 is an alert at once; any other breach that came in time counts or waits.

    Unless it was observed before a person closed what it was part of.
    """
    walk = walked(history, under)
    for before, scored, after in walk.log:
        if scored is None or scored.late:
            continue
        for rule in walk.under.rules.clinical:
            known = before.conditions.get(rule.name)
            if verdicts.present(rule, scored) and (known is None or scored.at_ms >= known.covered_ms):
                condition = after.conditions[rule.name]
                assert condition.standing or (condition.pending and not rule.at_once)
                assert condition.pending or clinical(after).active
                assert condition.pending or clinical(after).level >= rule.level


@settings(max_examples=120)
@given(steps(*EVERYTHING), UNDER)
def test_only_a_fresh_good_reading_or_a_person_ends_a_wait_without_an_alert(history: list[Step], under: str) -> None:
    """What came late, what was refused and what is unsure deny nothing; silence least of all."""
    walk = walked(history, under)
    for step, (before, scored, after) in zip(history, walk.log, strict=True):
        for name, condition in before.pending.items():
            now, rule = after.conditions[name], rule_of(walk, name)
            ended = not now.pending and not now.standing
            if not ended or step.what == "close" or rule.cadence is Cadence.CONTINUOUS or len(after.events) > 0:
                continue
            assert scored is not None
            assert not scored.late
            assert scored.measured
            assert scored.at_ms > condition.since_ms
            assert not verdicts.present(rule, scored)


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
