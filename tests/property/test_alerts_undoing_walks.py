"""Random histories of one stay with every act that there is: what must hold after every step, and of every answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import acts, conditions, deadlines, lifecycle, policy
from alerts.acts import Act, Answer
from alerts.model import ACTIVE, Alert, Case, Kind, Lane, Level, Outcome, State
from alerts.moves import AUDITED, plain
from alerts.policy import BASE, POLICY
from tests.unit.alerts_points import HOUR, LAG, MINUTE, STAY, clinical, follow, point

WHO = ("ahmed", "lowe")
LANES = (Lane.CLINICAL, Lane.CLINICAL, Lane.TECHNICAL)


@dataclass(frozen=True)
class Step:
    """One thing that happens, and choices."""

    what: str
    minutes: float
    total: int
    red: bool
    who: str
    lane: Lane
    span: int
    note: str
    rev: bool


def happening(*what: str) -> st.SearchStrategy[list[Step]]:
    """Histories of these kinds of steps."""
    return st.lists(
        st.builds(
            Step,
            what=st.sampled_from(what),
            minutes=st.sampled_from([0.5, 3, 10, 31, 70]),
            total=st.sampled_from([0, 0, 3, 5, 6, 7, 9]),
            red=st.booleans(),
            who=st.sampled_from(WHO),
            lane=st.sampled_from(LANES),
            span=st.integers(1, 70),
            note=st.sampled_from(["", "phoned"]),
            rev=st.booleans(),
        ),
        max_size=30,
    )


class Walk:
    """A stay as it is followed step by step, with every answer that people got."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.case = Case(stay_no=STAY)
        self.minute = 0.0
        self.seen: dict[Lane, Alert] = {}
        self.answers: list[tuple[Step, Case, Alert, Answer]] = []

    @property
    def now_ms(self) -> int:
        """The moment of receipt of what happens now."""
        return round(self.minute * MINUTE) + LAG

    def do(self, step: Step) -> None:
        """Let one thing happen; now and then, someone reads the list."""
        self.minute += step.minutes
        if step.what in DONE:
            self._act(step)
        else:
            getattr(self, f"_{step.what}")(step)
        if step.rev:
            self.seen = dict(self.case.alerts)

    def _reading(self, step: Step) -> None:
        points = {"spo2": 3} if step.red else {}
        left = max(step.total - sum(points.values()), 0)
        self.case = follow(self.case, point(self.minute, left, could_be=max(step.total, 5), **points))  # type: ignore[arg-type]

    def _overdue(self, _step: Step) -> None:
        self.case = lifecycle.overdue(deadlines.tick(self.case, self.now_ms), "spo2", self.now_ms, self.now_ms)

    def _returned(self, _step: Step) -> None:
        self.case = lifecycle.returned(deadlines.tick(self.case, self.now_ms), "spo2", self.now_ms, self.now_ms)

    def _tick(self, _step: Step) -> None:
        self.case = deadlines.tick(self.case, self.now_ms)

    def _act(self, step: Step) -> None:
        self.case = deadlines.tick(self.case, self.now_ms)
        alert = self.case.alerts.get(step.lane)
        if alert is None:
            return
        was = self.seen.get(step.lane)
        seen = was if was is not None and was.alert_no == alert.alert_no else alert
        act = Act(
            actor=step.who,
            now_ms=self.now_ms,
            note=step.note,
            seen_level=seen.level,
            seen_version=seen.version,
            seen_evidence=seen.evidence if seen.lane is Lane.CLINICAL else None,
        )
        answer = DONE[step.what](self.case, alert, act, step)
        self.answers.append((step, self.case, alert, answer))
        self.case = answer.case


DONE: Mapping[str, Callable[[Case, Alert, Act, Step], Answer]] = {
    "ack": lambda case, alert, act, step: acts.acknowledge(case, alert, act, take=step.red),
    "note": lambda case, alert, act, _step: acts.note(case, alert, act),
    "offer": lambda case, alert, act, step: acts.offer(case, alert, act, None if step.red else WHO[step.span % 2]),
    "snooze": lambda case, alert, act, step: acts.snooze(case, alert, act, step.span * MINUTE),
    "wake": lambda case, alert, act, _step: acts.wake(case, alert, act),
    "unack": lambda case, alert, act, _step: acts.unacknowledge(case, alert, act),
    "close": lambda case, alert, act, _step: acts.close(case, alert, act, Outcome.NO_ACTION),
    "reopen": lambda case, alert, act, _step: acts.reopen(case, alert, act, ["news2_5"]),
}
WORLD = ("reading", "reading", "reading", "overdue", "returned", "tick")
PEOPLE = ("ack", "ack", "ack", "snooze", "snooze", "close", *DONE)


@settings(max_examples=200)
@given(happening(*WORLD, *PEOPLE))
def test_the_invariants_hold_after_every_step_and_every_act(history: list[Step]) -> None:
    """Owned, noted, unexpired and covered; asking with a deadline; nothing active hidden, no emergency put off."""
    walk = Walk()
    for step in history:
        walk.do(step)
        case = walk.case
        for lane, alert in case.alerts.items():
            standing = [c for c in case.conditions.values() if c.standing and policy.RULES[c.rule].lane is lane]
            assert (alert.state in ACTIVE) == bool(standing), "an active condition is never shown settled or closed"
            if alert.state is State.ACKNOWLEDGED:
                assert alert.owner
                assert alert.ack_level is not None
                assert alert.level <= alert.ack_level
                assert alert.ack_note or not POLICY.clocks[alert.ack_level].note_required
                assert alert.ack_until_ms is not None
                assert alert.ack_until_ms > walk.now_ms
                assert alert.owed_ms is None
            if alert.state in {State.NEW, State.RERAISED, State.SETTLED}:
                assert alert.due_ms is not None
                assert alert.owed_ms is not None
            if not alert.open:
                assert (alert.due_ms, alert.owed_ms, alert.offered_to) == (None, None, None)
                assert alert.outcome is not None or alert.peak is Level.WATCH, "nothing urgent closes without a person"
            if alert.snooze_ms is not None:
                assert alert.state is State.ACKNOWLEDGED
                assert alert.level < Level.EMERGENCY, "no emergency is ever put off"
                assert alert.blind_ms is None
                assert alert.ack_until_ms is not None
                assert walk.now_ms < alert.snooze_ms <= alert.ack_until_ms
        level = conditions.level(case.conditions, BASE)
        if level is not None:
            assert clinical(case).level == level, "the level of an alert is that of what stands"
        sick = lifecycle.sick_and_unseen(case)
        if sick is not None:
            technical = case.open_in(Lane.TECHNICAL)
            assert technical is not None
            assert technical.level == sick.level


@settings(max_examples=200)
@given(happening(*WORLD, *PEOPLE))
def test_an_act_does_what_it_says_or_leaves_the_alert_alone(history: list[Step]) -> None:
    """Tested on what was seen and said: no owner of what got worse unseen, no emergency put off, nothing hidden."""
    walk = Walk()
    for step in history:
        walk.do(step)
    for step, before, alert, answer in walk.answers:
        if answer.refusal is not None:
            assert answer.case.alerts == before.alerts
            assert answer.refusal.exit_code in {5, 6}
            continue
        now = answer.case.alerts[step.lane]
        (event, *more) = answer.case.events[len(before.events) :]
        assert event.actor == step.who
        assert not [one for one in more if one.actor == step.who]
        if step.what in {"ack", "snooze"}:
            assert now.owner == step.who
        if step.what == "snooze":
            assert alert.level < Level.EMERGENCY
            assert (now.state, now.due_ms, now.ack_until_ms) == (alert.state, alert.due_ms, alert.ack_until_ms)
        if step.what == "offer":
            assert (now.owner, now.state, now.due_ms, now.level) == (
                alert.owner,
                alert.state,
                alert.due_ms,
                alert.level,
            )
        if step.what in {"unack", "reopen"}:
            assert now.state is State.RERAISED
            assert now.due_ms is not None
            assert now.due_ms <= event.at_ms + HOUR
            assert now.cycle > alert.cycle


@settings(max_examples=200)
@given(happening(*WORLD, *PEOPLE))
def test_the_changes_of_a_history_add_up_to_the_alert(history: list[Step]) -> None:
    """Field by field, but for the running figures, which have no events."""
    walk = Walk()
    for step in history:
        walk.do(step)
    told: dict[int, dict[str, object]] = {}
    for event in walk.case.events:
        assert event.changes is not None
        before = told.setdefault(event.alert_no, {})
        for name, (old, new) in event.changes.items():
            if name not in {"score", "peak_score", "parts", "reds"}:
                assert before.get(name) == old
            before[name] = new
    for alert in (*walk.case.past, *walk.case.alerts.values()):
        for name in AUDITED:
            if name not in {"score", "peak_score", "parts", "reds"}:
                assert told[alert.alert_no].get(name) == plain(getattr(alert, name))


@settings(max_examples=150)
@given(happening("reading", "reading", "overdue", "returned", *PEOPLE), st.lists(st.floats(0, 1), min_size=30))
def test_it_does_not_matter_when_the_clock_was_looked_at(history: list[Step], when: list[float]) -> None:
    """Whoever ticks in between, however often: what was put off is woken as of its time, and the rest is the same."""
    once, often = Walk(), Walk()
    for step, fraction in zip(history, when, strict=False):
        once.do(step)
        between = often.now_ms + round(fraction * (step.minutes * MINUTE - LAG))
        often.case = deadlines.tick(often.case, max(between, 0))
        often.do(step)
    end = once.now_ms
    mine, theirs = deadlines.tick(once.case, end), deadlines.tick(often.case, end)
    assert mine.alerts == theirs.alerts
    assert sorted(map(_placed, mine.events)) == sorted(map(_placed, theirs.events))


def _placed(event: object) -> str:
    return repr(event)


@settings(max_examples=150)
@given(happening(*WORLD, *PEOPLE))
def test_waking_is_on_record_where_nothing_else_woke_it(history: list[Step]) -> None:
    """Every putting off ends in its time, by its owner, or by something that is on record itself."""
    walk = Walk()
    for step in history:
        walk.do(step)
    until: dict[int, int] = {}
    for event in walk.case.events:
        changes = event.changes or {}
        if event.kind is Kind.SNOOZED:
            until[event.alert_no] = event.evidence["until_ms"]
        elif changes.get("snooze_ms", [None, 0])[1] is None:
            assert event.at_ms <= until.pop(event.alert_no)
    for alert in walk.case.alerts.values():
        assert (alert.snooze_ms is not None) == (alert.alert_no in until)
