"""When a breach counts: docs/decisions/0020, point by point. What follows once it counts is tests of the lifecycle."""

from dataclasses import replace

import pytest

from alerts import deadlines, lifecycle
from alerts.model import Asked, Case, Condition, ConditionState, Kind, Lane, Level, State
from alerts.policy import POLICY, TERMS, Terms
from tests.unit.alerts_points import (
    HOUR,
    LAG,
    MINUTE,
    STAY,
    Note,
    Point,
    acked,
    clinical,
    closed,
    kinds,
    limit,
    note,
    point,
    terms,
)
from tests.unit.alerts_points import after as after_
from tests.unit.alerts_points import follow as follow_

WAIT = POLICY.repeat_within_ms
CONTINUOUS = terms(limit("spo2_92", enabled=True), limit("news2_5", cadence="continuous", on_delay="20m"))
NAMED = terms(limit("systolic_bp_90", enabled=True))


def learnt(case: Case, *notes: Note, under: Terms = NAMED) -> Case:
    """Follow what is known by name, as the daemon would."""
    for each in notes:
        case = lifecycle.learn(deadlines.tick(case, each.received_ms, under), each, under)
    return case


def follow(case: Case, *points: Point, under: Terms = TERMS) -> Case:
    """Follow scores by the rules as they are."""
    return follow_(case, *points, under=under)


def after(*points: Point, under: Terms = TERMS) -> Case:
    """Follow scores from nothing by the rules as they are."""
    return after_(*points, under=under)


def old(scored: Point, minutes: float) -> Point:
    """Give a score all of whose parts were read so many minutes before."""
    scored.ages_ms.update(dict.fromkeys(scored.ages_ms, round(minutes * MINUTE)))
    return scored


def waiting(case: Case, rule: str = "news2_5") -> Condition:
    """Give the condition of a rule, which must be pending."""
    assert case.conditions[rule].pending
    return case.conditions[rule]


def test_a_lone_breach_waits_and_is_on_no_list() -> None:
    """Pending since it was observed, due from when it was known, with what it showed; and the hub is asked."""
    case = after(point(0, 5))
    found = waiting(case)
    assert (found.since_ms, found.seen_ms, found.due_ms) == (0, 0, LAG + WAIT)
    assert (found.evidence["total_min"], found.evidence["rules"]) == (5, ["news2_5"])
    assert (case.alerts, case.events) == ({}, ())
    assert not case.quiet
    (ask,) = case.asks
    assert (ask.rule, ask.asked_ms, ask.due_ms, ask.state) == ("news2_5", LAG, LAG + WAIT, Asked.QUEUED)
    assert ask.vitals == ("respiratory_rate", "spo2", "oxygen")


@pytest.mark.hazard("H31")
def test_level_3_counts_at_once_and_takes_the_rest_with_it() -> None:
    """Seven points: the emergency, the five points and the three are all there since then, and nothing is asked."""
    case = after(point(0, 4, spo2=3))
    assert {name: c.state.value for name, c in case.conditions.items()} == dict.fromkeys(
        ["news2_7", "news2_5", "news2_red"], "present"
    )
    assert (clinical(case).level, clinical(case).opened_ms, case.asks) == (3, LAG, ())


def test_a_repeat_after_a_rest_confirms_from_the_first_breach_on() -> None:
    """Five minutes later it is still so: the alert is as old as the breach, known since the repeat."""
    early = follow(after(point(0, 5)), point(4.99, 5))
    assert waiting(early).seen_ms == round(4.99 * MINUTE)
    case = follow(early, point(5, 6))
    alert = clinical(case)
    assert (alert.since_ms, alert.opened_ms, alert.score, alert.level) == (0, 5 * MINUTE + LAG, 6, 2)
    found = case.conditions["news2_5"]
    assert (found.state, found.due_ms, found.seen_ms, found.evidence) == (ConditionState.PRESENT, None, None, {})
    assert [ask.state for ask in case.asks] == [Asked.QUEUED, Asked.ANSWERED]


def test_the_same_readings_scored_again_are_no_repeat() -> None:
    """Another vital came: the five points of before are still counted, and nothing of them was measured anew."""
    again = old(point(6, 5), 6)
    case = follow(after(point(0, 5)), again)
    assert waiting(case).since_ms == 0
    anew = old(point(7, 5), 7)
    anew.ages_ms["spo2"] = 0
    assert clinical(follow(case, anew)).opened_ms == 7 * MINUTE + LAG
    other = old(point(7, 5), 7)
    other.ages_ms["temperature"] = 0
    assert waiting(follow(case, other)).since_ms == 0


@pytest.mark.hazard("H31")
@pytest.mark.parametrize("first", [point(0, 5), point(0, 1, spo2=3)], ids=["five in all", "a single three"])
def test_a_repeat_that_shows_another_breach_of_the_score_is_a_repeat(first: Point) -> None:
    """Five in all and a single three in turn: each denies the other, and whoever is ill each time is told of."""
    again = point(5, 0, spo2=3) if not first.red else point(5, 5)
    case = follow(after(first), again)
    alert = clinical(case)
    assert (alert.since_ms, alert.opened_ms, alert.level) == (5 * MINUTE, 5 * MINUTE + LAG, 2)
    standing = {name for name, condition in case.conditions.items() if condition.standing}
    assert standing == {"news2_red" if again.red else "news2_5"}
    assert all(condition.due_ms is None for condition in case.conditions.values())
    assert [ask.state for ask in case.asks] == [Asked.QUEUED, Asked.ANSWERED]


def test_what_a_repeat_shows_beside_what_it_denies_is_as_old_as_its_own_wait() -> None:
    """It was pending too, for less than the rest."""
    case = follow(after(point(0, 5)), point(3, 2, spo2=3), point(6, 0, spo2=3))
    assert (clinical(case).since_ms, clinical(case).opened_ms) == (3 * MINUTE, 6 * MINUTE + LAG)


@pytest.mark.parametrize(
    "again",
    [point(4.99, 0, spo2=3), point(6, 0, spo2=3, late=True), point(6, 3)],
    ids=["before the rest", "late", "no breach"],
)
def test_what_denies_a_breach_is_its_repeat_only_when_it_surely_shows_another_after_the_rest(again: Point) -> None:
    """Else it is a breach of its own, with a wait of its own."""
    assert follow(after(point(0, 5)), again).alerts == {}


@pytest.mark.hazard("H31")
@pytest.mark.parametrize("first", [point(0, 5), point(0, 1, spo2=3)], ids=["five in all", "a single three"])
def test_another_breach_before_the_rest_waits_in_the_place_of_the_first(first: Point) -> None:
    """In turn every four minutes: each denies the other, and by the first one's deadline who is ill is told of."""
    case = after(first)
    for minute in (4, 8, 12):
        case = follow(case, point(minute, 0, spo2=3) if (minute != 8) is not first.red else point(minute, 5))
        (pending,) = [c for c in case.conditions.values() if c.pending]
        assert (pending.since_ms, pending.due_ms) == (minute * MINUTE, WAIT + LAG)
        assert case.alerts == {}
    alert = clinical(deadlines.tick(case, 20 * MINUTE))
    assert (alert.since_ms, alert.opened_ms, alert.level) == (12 * MINUTE, WAIT + LAG, 2)
    assert alert.score == (5 if first.red else 3)


def test_a_patient_who_is_well_ends_the_wait_of_both() -> None:
    """Of the first breach, of the other in its place, and of what comes next there is a new one."""
    case = follow(after(point(0, 5)), point(2, 0, spo2=3), point(4, 1), point(8, 5))
    assert waiting(case).due_ms == 8 * MINUTE + WAIT + LAG


def test_what_waits_already_takes_nobodys_place() -> None:
    """It keeps its own deadline when the other is denied."""
    both = follow(after(point(0, 0, spo2=3)), point(2, 2, spo2=3))
    assert (waiting(both, "news2_red").due_ms, waiting(both).due_ms) == (WAIT + LAG, 2 * MINUTE + WAIT + LAG)
    assert waiting(follow(both, point(4, 5))).due_ms == 2 * MINUTE + WAIT + LAG


def test_what_is_more_urgent_than_what_it_denies_has_all_the_time_for_its_repeat() -> None:
    """And so has a number by its name."""
    lower = terms(limit("news2_red", level=1))
    case = follow(after(point(0, 0, spo2=3), under=lower), point(2, 5), under=lower)
    assert waiting(case).due_ms == 2 * MINUTE + WAIT + LAG
    less = follow(after(point(0, 5), under=lower), point(2, 0, spo2=3), under=lower)
    assert waiting(less, "news2_red").due_ms == WAIT + LAG
    named = replace(point(2, 1), quantities={"value:systolic_bp": 85.0})
    apart = follow(after(point(0, 5), under=NAMED), named, under=NAMED)
    assert waiting(apart, "systolic_bp_90").due_ms == 2 * MINUTE + WAIT + LAG


def test_a_repeat_counts_for_no_more_than_it_was_asked_for() -> None:
    """What is more urgent than the breach that it denies waits for a repeat of its own; the one after that counts."""
    lower = terms(limit("news2_red", level=1))
    first = follow(after(point(0, 0, spo2=3), under=lower), point(6, 5), under=lower)
    assert waiting(first).since_ms == 6 * MINUTE
    assert first.alerts == {}
    alert = clinical(follow(first, point(12, 0, spo2=3), under=lower))
    assert (alert.level, alert.since_ms) == (1, 12 * MINUTE)


def test_what_could_have_been_and_was_not_is_no_breach_before_another() -> None:
    """However urgent a ward holds it to be: nobody is known to have been ill."""
    graver = terms(limit("news2_could_be_5", level=2))
    first = after(point(0, 3, could_be=6, refused={"temperature": 0}), under=graver)
    assert waiting(first, "news2_could_be_5").since_ms == 0
    second = follow(first, point(6, 0, spo2=3), under=graver)
    assert not second.conditions["news2_could_be_5"].pending
    assert (waiting(second, "news2_red").since_ms, second.alerts) == (6 * MINUTE, {})


def test_a_number_by_its_name_is_no_repeat_of_a_score() -> None:
    """Each has a repeat of its own."""
    named = replace(point(6, 1), quantities={"value:systolic_bp": 85.0})
    assert follow(after(point(0, 5), under=NAMED), named, under=NAMED).alerts == {}


@pytest.mark.hazard("H11")
def test_a_good_reading_denies_and_nothing_has_been_on_the_list() -> None:
    """Below the off-limit for certain: absent, the wish for a repeat answered; the next breach begins a new wait."""
    case = follow(after(point(0, 5)), point(3, 1))
    assert case.conditions["news2_5"].state is ConditionState.ABSENT
    assert (case.alerts, case.quiet) == ({}, True)
    assert [ask.state for ask in case.asks] == [Asked.QUEUED, Asked.ANSWERED]
    assert deadlines.tick(case, HOUR) is case
    assert waiting(follow(case, point(6, 5))).since_ms == 6 * MINUTE


@pytest.mark.hazard("H31")
@pytest.mark.parametrize(
    "doubtful",
    [
        point(3, 4),
        point(3, 1, missing=["spo2"]),
        point(3, 1, measured=False),
        point(3, 1, received=4, late=True),
        point(0, 1),
    ],
    ids=["between the limits", "a part missing", "an attempt that was refused", "late", "of the same moment"],
)
def test_what_is_not_known_to_be_good_denies_nothing(doubtful: Point) -> None:
    """The wait goes on as it was."""
    before = after(point(0, 5))
    assert waiting(follow(before, doubtful)) == waiting(before)


@pytest.mark.hazard("H31")
def test_a_part_that_the_breach_stood_on_must_not_go_missing_to_deny_it() -> None:
    """Temperature is not in the plan, but a three of it began the wait."""
    plan = ("spo2", "heart_rate")
    case = after(point(0, temperature=3, expected=plan))
    gone = point(3, missing=["temperature"], expected=plan)
    assert waiting(follow(case, gone), "news2_red").since_ms == 0
    assert follow(case, point(3, expected=plan)).quiet


@pytest.mark.hazard("H31")
@pytest.mark.parametrize("looked", [0, 1, 24 * HOUR])
def test_without_an_answer_it_opens_as_of_its_deadline_whenever_anyone_looks(looked: int) -> None:
    """With the evidence of the breach, since the breach, and the clock of its level from the deadline on."""
    case = after(point(0, 5))
    due_ms = LAG + WAIT
    assert deadlines.tick(case, due_ms - 1) is case
    opened = deadlines.tick(case, due_ms + looked)
    alert = clinical(opened)
    assert (alert.state, alert.since_ms, alert.opened_ms) == (State.NEW, 0, due_ms)
    assert alert.due_ms == due_ms + POLICY.clocks[Level.URGENT].first_response_ms
    assert (alert.score, alert.evidence["at_ms"]) == (5, 0)
    assert [ask.state for ask in opened.asks] == [Asked.QUEUED, Asked.OVER]
    assert deadlines.tick(opened, due_ms + 48 * HOUR) is opened


def test_an_answer_at_the_deadline_comes_too_late() -> None:
    """Time acts before what came with it."""
    case = follow(after(point(0, 5)), point(15, 1))
    assert clinical(case).opened_ms == LAG + WAIT
    assert follow(after(point(0, 5)), point(15, 1, received=15 - 1 / MINUTE)).alerts == {}


def test_waits_that_end_together_are_one_alert_at_the_highest_level() -> None:
    """Five points for certain of one reading and what could be of another, known at the same moment."""
    unsure = point(0, 2, missing=["temperature"], could_be=5, received=3)
    case = follow(after(unsure), point(1, 5, received=3))
    opened = deadlines.tick(case, HOUR)
    assert kinds(opened) == [Kind.RAISED]
    alert = clinical(opened)
    assert (alert.level, alert.since_ms, alert.evidence["at_ms"]) == (2, 0, MINUTE)


@pytest.mark.hazard("H31")
def test_whoever_is_known_to_be_ill_has_no_wait() -> None:
    """While the alert is active every breach counts at once; once it has settled, a lone one waits again."""
    case = follow(after(point(0, spo2=3), point(6, spo2=3)), point(7, 5))
    assert case.conditions["news2_5"].state is ConditionState.PRESENT
    settled = follow(case, point(10, 0), point(41, 0))
    assert clinical(settled).state is State.SETTLED
    again = follow(settled, point(50, 5))
    assert clinical(again).state is State.SETTLED
    assert waiting(again).since_ms == 50 * MINUTE
    relapsed = deadlines.tick(again, 2 * HOUR)
    assert (clinical(relapsed).state, clinical(relapsed).ordinal) == (State.RERAISED, 1)


def test_a_breach_beside_one_that_is_confirmed_counts_with_it() -> None:
    """The three is new, the five points are confirmed by the same reading."""
    case = follow(after(point(0, 5)), point(6, 2, spo2=3))
    assert {n: c.since_ms for n, c in case.conditions.items() if c.standing} == {"news2_5": 0, "news2_red": 6 * MINUTE}


def test_what_could_be_is_not_confirmed_by_its_repetition() -> None:
    """It has no parts that could be measured again: only its time, or knowing better, ends the wait."""
    unsure = [point(m, 3, missing=["temperature"], could_be=6) for m in (0, 6, 12)]
    case = after(*unsure)
    assert waiting(case, "news2_could_be_5").since_ms == 0
    assert case.asks[0].vitals == ("temperature",)
    assert clinical(deadlines.tick(case, LAG + WAIT)).level == 1
    assert follow(case, point(13, 3)).alerts == {}


def test_whatever_waits_counts_as_soon_as_the_alert_is_there() -> None:
    """Nothing is pending beside an active alert: what was comes with it, since it was pending, and is part of it."""
    under = terms(limit("news2_could_be_5", cadence="at_once"))
    unsure = point(1, 4, missing=["respiratory_rate"], could_be=7)
    case = follow(after(point(0, 5), under=under), unsure, under=under)
    alert = clinical(case)
    assert (alert.level, alert.since_ms, alert.score, alert.peak_score) == (2, 0, 4, 5)
    assert alert.parts == ("spo2", "oxygen", "respiratory_rate")
    assert (case.pending, case.asks[-1].state) == ({}, Asked.ANSWERED)
    assert alert.evidence["rules"] == ["news2_could_be_5", "news2_5"]
    two = after(point(0, 5), point(1, 3, missing=["temperature"], could_be=6))
    opened = deadlines.tick(two, LAG + WAIT)
    assert (opened.pending, clinical(opened).evidence["rules"]) == ({}, ["news2_5", "news2_could_be_5"])


def test_a_wait_beside_an_alert_that_a_person_reopened_leaves_the_score_of_now() -> None:
    """At its time it adds its level to the alert, and not its score of before."""
    watch = replace(clinical(after_(point(1, 4, missing=["temperature"], could_be=7))), state=State.RERAISED)
    case = replace(after(point(0, 5)), alerts={Lane.CLINICAL: watch})
    alert = clinical(deadlines.tick(case, HOUR))
    assert (alert.level, alert.score, alert.peak_score) == (2, 4, 5)


def test_an_alert_stands_on_every_breach_of_the_wait() -> None:
    """Each part and three that scored in any of them, and the worst total; what opened it is still the first."""
    first, second = point(0, heart_rate=2, spo2=3), point(3, temperature=3, spo2=3)
    opened = clinical(deadlines.tick(after(first, second), HOUR))
    assert (opened.parts, opened.reds) == (("spo2", "heart_rate", "temperature"), ("spo2", "temperature"))
    assert (opened.score, opened.peak_score, opened.evidence["at_ms"]) == (5, 6, 0)
    repeated = clinical(after(first, second, point(6, spo2=3)))
    assert (repeated.parts, repeated.score, repeated.peak_score) == (("spo2", "heart_rate", "temperature"), 3, 6)


def test_a_wait_that_an_emergency_takes_along_counts_since_it_began() -> None:
    """Its breach went on until then."""
    case = after(point(0, spo2=3), point(3, 4, spo2=3))
    assert {name: one.since_ms for name, one in case.conditions.items()} == {
        "news2_7": 3 * MINUTE,
        "news2_5": 3 * MINUTE,
        "news2_red": 0,
    }
    assert clinical(case).since_ms == 0


@pytest.mark.parametrize(("minute", "level", "state"), [(15, 0, "present"), (16, None, "absent")])
def test_a_run_that_an_emergency_takes_along_must_go_on_by_then(minute: int, level: int | None, state: str) -> None:
    """A saturation of 79 by its name, while five points were last seen a quarter of an hour ago, or longer."""
    under = terms(limit("spo2_80", enabled=True), limit("news2_5", cadence="continuous", on_delay="20m"))
    case = learnt(after(point(0, 5), under=under), note(minute, spo2=79), under=under)
    assert clinical(case).level == 3
    assert case.conditions["news2_5"].state.value == state
    assert clinical(case).since_ms == (minute * MINUTE if level is None else 0)


def test_every_breach_of_a_wait_is_part_of_it_also_one_that_came_late() -> None:
    """Of each rule that waits; a run takes what it was made of, and nothing late."""
    both = follow(after(point(0, 2, spo2=3)), point(3, 2, temperature=3))
    assert [waiting(both, name).evidence["gathered"]["reds"] for name in ("news2_5", "news2_red")] == [
        ["spo2", "temperature"]
    ] * 2
    late = follow(after(point(5, 5)), point(3, temperature=2, heart_rate=2, spo2=1, received=6, late=True))
    assert "temperature" in clinical(deadlines.tick(late, HOUR)).parts
    run = after(point(0, 5), point(10, 3, temperature=2), under=CONTINUOUS)
    assert "repeat" not in waiting(run).evidence
    run = follow(run, point(8, 1, heart_rate=2, systolic_bp=2, received=11, late=True), under=CONTINUOUS)
    assert clinical(follow(run, point(20, 5), under=CONTINUOUS)).parts == (
        "respiratory_rate",
        "spo2",
        "oxygen",
        "temperature",
    )


def test_a_run_that_was_broken_by_then_is_no_part_of_an_alert() -> None:
    """Five points an hour ago and nothing since: another rule's alert does not bring them back."""
    case = follow(after(point(0, 5), under=CONTINUOUS), point(5, 5), under=CONTINUOUS)
    unsure = [point(m, 4, missing=["temperature"], could_be=6) for m in (6, 60)]
    goes_on = follow(case, unsure[0], point(10, 5), under=CONTINUOUS)
    soon = deadlines.tick(goes_on, 2 * HOUR, CONTINUOUS)
    later = deadlines.tick(follow(case, unsure[1], under=CONTINUOUS), 2 * HOUR, CONTINUOUS)
    assert (soon.conditions["news2_5"].since_ms, clinical(soon).level) == (0, 2)
    assert (later.conditions["news2_5"].state, clinical(later).level) == (ConditionState.ABSENT, 1)


def test_a_late_breach_waits_from_when_it_was_known() -> None:
    """What came late may begin a wait and confirm one; it says so on the alert that it opens."""
    case = after(point(30, 1), point(10, 5, received=31, late=True))
    assert waiting(case).due_ms == 31 * MINUTE + LAG + WAIT
    opened = clinical(deadlines.tick(case, 2 * HOUR))
    assert (opened.late, opened.since_ms) == (True, 10 * MINUTE)
    confirmed = clinical(follow(case, point(15, 5, received=32, late=True)))
    assert (confirmed.late, confirmed.since_ms, confirmed.opened_ms) == (True, 10 * MINUTE, 32 * MINUTE + LAG)
    assert follow(case, point(33, 1)).quiet


def test_what_was_denied_is_not_told_again() -> None:
    """The breach told anew, late, as after a device was given to another; a later one than that is news."""
    case = follow(after(point(0, 5), point(2, 5)), point(3, 1))
    assert follow(case, point(0, 5, received=10, late=True), point(2, 5, received=10, late=True)) is case
    assert waiting(follow(case, point(2.5, 5, received=10, late=True))).since_ms == round(2.5 * MINUTE)
    just_after = point(2 + 1 / MINUTE, 5, received=10, late=True)
    assert waiting(follow(case, just_after)).since_ms == 2 * MINUTE + 1
    over = case.conditions["news2_5"]
    assert (over.seen_ms, over.due_ms, over.evidence) == (None, None, {})


def test_a_wait_that_was_stored_without_when_it_was_last_borne_out_is_denied_as_of_its_begin() -> None:
    """The breach that began it has had its answer, and any later one is news."""
    case = after(point(0, 5))
    old_ = replace(case, conditions={"news2_5": replace(waiting(case), seen_ms=None)})
    denied = follow(old_, point(3, 1))
    assert denied.conditions["news2_5"].covered_ms == 1
    assert follow(denied, point(0, 5, received=10, late=True)) is denied


def test_a_run_that_was_stored_without_when_it_was_last_borne_out_goes_on_from_its_begin() -> None:
    """A quarter of an hour after it at the latest."""
    case = after(point(0, 5), under=CONTINUOUS)
    old_ = replace(case, conditions={"news2_5": replace(waiting(case), seen_ms=None)})
    assert waiting(follow(old_, point(15, 5), under=CONTINUOUS)).since_ms == 0
    assert waiting(follow(old_, point(15.1, 5), under=CONTINUOUS)).since_ms == round(15.1 * MINUTE)


def test_a_wait_was_last_borne_out_by_the_latest_breach_whenever_that_came() -> None:
    """An earlier one that comes late moves nothing back, and the same one again is no news at all."""
    case = follow(after(point(0, 5)), point(3, 5))
    assert waiting(follow(case, point(2, 5, received=4, late=True))).seen_ms == 3 * MINUTE
    assert follow(case, point(3, 5)) is case


def test_a_new_run_knows_what_has_had_its_alert_before() -> None:
    """As a new wait does."""
    ill = [point(m, 5) for m in (0, 10, 20)]
    settled = after(*ill, point(30, 0), point(61, 0), under=CONTINUOUS)
    assert waiting(follow(settled, point(70, 5), under=CONTINUOUS)).covered_ms == 30 * MINUTE


def test_a_new_wait_knows_what_has_had_its_alert_before() -> None:
    """A breach of before the recovery, told late, is no part of it: not even of its evidence."""
    settled = follow(after(point(0, spo2=3), point(6, spo2=3)), point(10, 0), point(41, 0))
    again = follow(settled, point(50, spo2=3))
    assert waiting(again, "news2_red").covered_ms == 10 * MINUTE
    assert follow(again, point(5, temperature=3, received=51, late=True)) is again


def test_a_discharge_and_a_close_end_what_is_pending() -> None:
    """Nothing opens afterwards, and nobody waits for the repeat."""
    gone = lifecycle.discharged(after(point(0, 5)), 5 * MINUTE)
    assert gone.asks[-1].state is Asked.OVER
    assert deadlines.tick(gone, HOUR).alerts == {}
    settled = follow(after(point(0, 8)), point(5, 0), point(36, 0), point(40, 5))
    done = closed(settled, 45)
    assert done.asks[-1].state is Asked.OVER
    assert clinical(deadlines.tick(done, 2 * HOUR)).state is State.CLOSED
    assert follow(done, point(40, 5, received=50, late=True)) is done


@pytest.mark.parametrize("minute", [5, 19.99])
def test_a_continuous_breach_has_to_go_on(minute: float) -> None:
    """Twenty minutes of it, whatever the pace; a good reading in between ends it without an alert."""
    case = after(point(0, 5), point(10, 5), under=CONTINUOUS)
    found = waiting(case)
    assert (found.since_ms, found.seen_ms, found.due_ms, case.asks) == (0, 10 * MINUTE, None, ())
    assert deadlines.tick(case, 24 * HOUR, CONTINUOUS) is case
    assert waiting(follow(case, point(max(minute, 11), 5), under=CONTINUOUS)).since_ms == 0
    assert clinical(follow(case, point(20, 5), under=CONTINUOUS)).since_ms == 0
    assert follow(case, point(19, 1), point(20, 5), under=CONTINUOUS).conditions["news2_5"].since_ms == 20 * MINUTE


def test_a_run_with_a_hole_in_it_begins_anew() -> None:
    """Nothing came for more than a quarter of an hour: what was before is not known to have gone on."""
    whole = after(point(0, 5), point(15, 5), point(30, 5), under=CONTINUOUS)
    assert clinical(whole).since_ms == 0
    holed = after(point(0, 5), point(15.01, 5), point(30, 5), under=CONTINUOUS)
    assert waiting(holed).since_ms == round(15.01 * MINUTE)
    assert waiting(holed).evidence["at_ms"] == round(15.01 * MINUTE)


def test_what_came_late_neither_begins_nor_makes_a_run() -> None:
    """Readings of a spool are not a patient who is watched now; level 3 counts all the same."""
    late = point(10, 5, received=40, late=True)
    assert after(point(30, 1), late, under=CONTINUOUS).quiet
    case = after(point(30, 5), under=CONTINUOUS)
    assert waiting(follow(case, late, under=CONTINUOUS)).seen_ms == 30 * MINUTE
    assert clinical(follow(case, point(10, 8, received=40, late=True), under=CONTINUOUS)).level == 3


def test_a_number_by_its_name_is_confirmed_by_the_next_of_it() -> None:
    """Systolic below 90 twice; a score without one says nothing of it."""
    low = point(0)
    low.quantities["value:systolic_bp"] = 89
    case = after(low, under=NAMED)
    assert waiting(case, "systolic_bp_90").evidence["quantities"] == {"value:systolic_bp": 89}
    assert case.asks[0].vitals == ("systolic_bp",)
    assert follow(case, point(6), under=NAMED) is case
    again = point(6)
    again.quantities["value:systolic_bp"] = 80
    alert = clinical(follow(case, again, under=NAMED))
    assert (alert.level, alert.score, alert.evidence["before"]["value:systolic_bp"]["value"]) == (2, 0, 89)
    at_limit, above = point(6), point(7)
    at_limit.quantities["value:systolic_bp"], above.quantities["value:systolic_bp"] = 90, 91
    still = follow(case, at_limit, under=NAMED)
    assert waiting(still, "systolic_bp_90").since_ms == 0
    assert follow(still, above, under=NAMED).quiet


def test_a_rule_that_is_not_switched_on_raises_nothing_and_ends_what_it_began() -> None:
    """Switched off while its alert is open, it begins nothing new, and only good readings or a person end it."""
    low, high = note(0, systolic_bp=85), [note(m, systolic_bp=120) for m in (20, 51)]
    assert learnt(Case(stay_no=STAY), low, under=TERMS).quiet
    case = learnt(Case(stay_no=STAY), low, note(6, systolic_bp=85))
    assert clinical(learnt(case, *high[:1], under=TERMS)).active
    settled = learnt(case, *high, under=TERMS)
    assert clinical(settled).state is State.SETTLED
    assert learnt(settled, note(60, systolic_bp=85), under=TERMS) == settled


def test_what_is_learnt_feeds_the_same_alert_and_leaves_its_score() -> None:
    """A score of five, then a pressure by its name: one item, whose score is the score's."""
    case = learnt(follow_(Case(stay_no=STAY), point(0, 5)), note(3, systolic_bp=85, said="85 mmHg by hand"))
    alert = clinical(case)
    assert (alert.ordinal, alert.score, kinds(case)) == (1, 5, [Kind.RAISED])
    assert case.conditions["systolic_bp_90"].state is ConditionState.PRESENT
    alone = clinical(learnt(Case(stay_no=STAY), note(0, systolic_bp=85), note(6, systolic_bp=85, said="85 by hand")))
    assert (alone.score, alone.parts, alone.level) == (None, (), 2)
    assert alone.evidence["quantities"] == {"value:systolic_bp": 85}
    assert alone.evidence["sentences"] == {"value:systolic_bp": "85 by hand"}


def test_what_is_learnt_of_an_acknowledged_patient_asks_again_only_when_it_is_worse() -> None:
    """An acknowledgement at level 2 covers another rule of level 2, not one of level 3."""
    under = terms(limit("systolic_bp_90", enabled=True), limit("spo2_80", enabled=True))
    case = acked(follow_(Case(stay_no=STAY), point(0, 5)), 1)
    covered = learnt(case, note(3, systolic_bp=85), under=under)
    assert clinical(covered).state is State.ACKNOWLEDGED
    assert clinical(learnt(covered, note(4, spo2=79), under=under)).state is State.RERAISED


def test_a_recovery_needs_the_number_itself() -> None:
    """Scores without it say nothing of it, so the alert stays; two good ones of it settle it."""
    case = learnt(Case(stay_no=STAY), note(0, systolic_bp=85), note(6, systolic_bp=85))
    quiet = follow(case, point(10, 0), point(60, 0), under=NAMED)
    assert clinical(quiet).active
    settled = learnt(quiet, note(70, systolic_bp=120), note(101, systolic_bp=120))
    assert (clinical(settled).state, clinical(settled).cleared_ms) == (State.SETTLED, 70 * MINUTE)


def test_a_recovery_that_comes_late_settles_nothing() -> None:
    """Two good pressures of which the ward hears when others are known already: what stood still stands."""
    case = learnt(Case(stay_no=STAY), note(0, systolic_bp=85), note(6, systolic_bp=85))
    late = [note(m, late=True, systolic_bp=120) for m in (70, 101)]
    assert clinical(learnt(case, *late)).state is State.NEW


def test_one_that_goes_on_for_long_is_asked_about_again_and_never_quietened() -> None:
    """Persistently below 92 %: raised after an hour, and given back to everybody whenever an answer runs out."""
    low = [note(m, spo2=90) for m in range(0, 61, 10)]
    case = learnt(Case(stay_no=STAY), *low, under=CONTINUOUS)
    assert clinical(case).since_ms == 0
    for round_ in range(3):
        minute = 70 + 300 * round_
        case = acked(case, minute)
        case = learnt(case, *(note(minute + m, spo2=90) for m in range(10, 250, 10)), under=CONTINUOUS)
        assert (clinical(case).state, clinical(case).cycle) == (State.RERAISED, 2 + round_)


def test_a_total_that_counts_at_its_worst_is_a_breach_before_it_is_certain() -> None:
    """For a plan that says so, two points and three overdue are five."""
    under = terms(limit("news2_5", unsure="worst"))
    unsure = point(0, 2, missing=["temperature"], could_be=5)
    assert waiting(after(unsure, under=under)).since_ms == 0
    assert "news2_5" not in after(unsure).conditions


def test_a_lone_breach_costs_no_event() -> None:
    """The history of alerts begins with an alert."""
    assert follow(after(point(0, 5)), point(3, 1)).events == ()
    assert Lane.CLINICAL not in after(point(0, 5)).alerts
