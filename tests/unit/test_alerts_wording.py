"""The sentences of the work list: numbers with units and ages, and never a bare score of an incomplete set."""

from dataclasses import replace

import pytest

from alerts import deadlines, lifecycle, reasons, wording
from alerts.model import SYSTEM_STAY, Case, Lane, Level
from alerts.policy import BASE, TERMS
from alerts.reasons import NOTHING
from tests.unit.alerts_points import (
    HOUR,
    LAG,
    MINUTE,
    STAY,
    Point,
    acked,
    after,
    clinical,
    follow,
    limit,
    point,
    technical,
    terms,
)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (-5, "0 s"),
        (999, "0 s"),
        (59_999, "59 s"),
        (MINUTE, "1 min"),
        (HOUR - 1, "59 min"),
        (47 * HOUR, "1 d"),
        (30 * HOUR - 7 * HOUR, "23 h"),
    ],
)
def test_a_span_is_said_in_its_largest_unit(span: int, said: str) -> None:
    """And never as a negative age."""
    assert wording.ago(span) == said


@pytest.mark.parametrize(
    ("lane", "level", "said"), [(Lane.CLINICAL, 3, "L3"), (Lane.TECHNICAL, Level.WATCH, "T1"), (Lane.SYSTEM, 2, "S2")]
)
def test_level_and_lane_are_one_mark(lane: Lane, level: int, said: str) -> None:
    """Text that stands without colour."""
    assert wording.mark(lane, level) == said


def test_a_complete_score_is_said_with_its_count_and_age() -> None:
    """The total, that all was measured, and when; then the parts, the worst first."""
    alert = clinical(after(point(0, heart_rate=1, spo2=3, consciousness=3)))
    assert wording.why(alert, 4 * MINUTE) == [
        "NEWS2 7 (7 of 7 measured), 4 min ago",
        "SpO2 91 % scored 3, 4 min ago",
        "consciousness: confused scored 3, 4 min ago",
        "heart rate 118 /min scored 1, 4 min ago",
    ]


@pytest.mark.hazard("H8")
def test_an_incomplete_score_is_never_a_bare_number() -> None:
    """Both bounds, how many were measured, and which are missing."""
    alert = clinical(after(point(0, 5, missing=["temperature", "consciousness"])))
    assert wording.why(alert, MINUTE)[0] == (
        "NEWS2 5 to 11 (5 of 7 measured; missing temperature, consciousness), 1 min ago"
    )


def test_what_could_be_is_said_as_that() -> None:
    """The number that the missing parts could make."""
    alert = clinical(after(point(0, 3, missing=["temperature"], could_be=6)))
    assert wording.why(alert, 0)[1] == "could be 6 with what is overdue"


def test_what_was_refused_is_said_with_what_came_and_when() -> None:
    """Each part, by its own age; a value that is not known any more is left out."""
    tried = {"temperature": "98.9 degC", "spo2": ""}
    scored = point(0, 3, missing=["temperature", "spo2"], could_be=9, refused={"temperature": 0, "spo2": 7}, sent=tried)
    assert wording.why(clinical(after(scored)), 10 * MINUTE)[1:4] == [
        "could be 9 with what is overdue or was refused",
        "temperature refused (98.9 degC), 10 min ago",
        "SpO2 refused, 17 min ago",
    ]


def test_an_alert_that_does_not_stand_on_what_could_be_says_nothing_of_refusals() -> None:
    """A score of five for certain is reason enough."""
    scored = point(0, 5, missing=["temperature"], could_be=8, refused={"temperature": 0})
    assert not any("refused" in line for line in wording.why(clinical(after(scored)), 0))


def test_a_reading_that_was_old_then_is_older_now() -> None:
    """Ages are of the reading, not of the score."""
    old = point(60, spo2=3)
    old.ages_ms["spo2"] = 20 * MINUTE
    assert "SpO2 91 % scored 3, 30 min ago" in wording.why(clinical(after(old)), 70 * MINUTE)


def test_a_value_that_was_not_told_is_left_out() -> None:
    """Its part and points are still said; a code outside its words too."""
    bare = point(0, spo2=3)
    del bare.values["spo2"]
    assert "SpO2 scored 3, 0 s ago" in wording.why(clinical(after(bare)), 0)
    strange = point(0, consciousness=3)
    strange.values["consciousness"] = 9.0
    assert "consciousness scored 3, 0 s ago" in wording.why(clinical(after(strange)), 0)


def test_an_alert_says_what_it_waits_for_first() -> None:
    """Settled, blind and late come before the numbers."""
    settled = clinical(after(point(0, 5), point(10, 1), point(41, 1)))
    assert wording.why(settled, 70 * MINUTE)[0] == "back within limits for 1 h, not reviewed"
    blind = clinical(lifecycle.overdue(after(point(0, spo2=3)), "spo2", HOUR, HOUR))
    assert wording.why(blind, 2 * HOUR)[0] == "BLIND: the readings it stands on have been overdue for 1 h"
    late = clinical(after(point(30), point(10, 5, received=31, late=True)))
    assert wording.why(late, HOUR)[0] == "raised by readings that came late"


def test_silence_is_said_with_how_long() -> None:
    """Since the last reading where that is known, else since it was due."""
    case = lifecycle.overdue(Case(stay_no=STAY), "respiratory_rate", 17 * HOUR, 17 * HOUR, last_ms=HOUR)
    case = lifecycle.overdue(case, "spo2", 17 * HOUR, 17 * HOUR)
    assert wording.why(technical(case), 18 * HOUR) == ["no respiratory rate for 17 h", "SpO2 overdue for 1 h"]


def test_a_fault_of_a_device_that_has_no_words_of_its_own_is_said_by_its_name() -> None:
    """As one that another release found: by its title where the table of rules has it."""
    silent = technical(lifecycle.overdue(Case(stay_no=STAY), "spo2", HOUR, HOUR))
    kit = {rule: {"cuff-1": {"since_ms": HOUR}} for rule in ("bent", "silent")}
    said = wording.why(replace(silent, evidence={**silent.evidence, "kit": kit}), 2 * HOUR)
    assert said[1:] == ["cuff-1: bent for 1 h", f"cuff-1: {BASE.rules['silent'].title} for 1 h"]


def test_the_sick_and_unseen_are_said_to_be_so() -> None:
    """With the alert that is open."""
    case = lifecycle.overdue(after(point(0, 5, spo2=3)), "spo2", HOUR, HOUR)
    assert wording.why(technical(case), HOUR)[0] == f"sick and unseen: L3 {clinical(case).id} is open"


def test_faults_of_the_service_are_said_by_their_titles() -> None:
    """And how long they have lasted."""
    case = lifecycle.overdue(Case(stay_no=SYSTEM_STAY), "broker", MINUTE, 3 * MINUTE)
    assert wording.why(case.alerts[Lane.SYSTEM], 3 * MINUTE) == ["no connection to the broker for 2 min"]


def test_an_acknowledgement_says_what_it_covers() -> None:
    """And what will bring the alert back."""
    assert wording.coverage(clinical(after(point(0, 5)))) == "covers nothing"
    assert wording.coverage(clinical(acked(after(point(0, 5)), 1))) == (
        "covers L2, score to 6; raised again by L3, score 7 or more, a new single 3, expiry"
    )
    top = wording.coverage(clinical(acked(after(point(0, 8)), 1)))
    assert top == "covers L3, score to 9; raised again by score 10 or more, a new single 3, expiry"
    silent = lifecycle.overdue(Case(stay_no=STAY), "spo2", 0, LAG)
    assert (
        wording.coverage(technical(acked(silent, 1, lane=Lane.TECHNICAL)))
        == "covers T1; raised again by T2, another kind of fault, expiry"
    )


def test_a_stay_that_ended_says_no_more_than_it_knows() -> None:
    """Nobody has seen it end: after a discharge an alert is not said to be back within limits, on either screen."""
    gone = clinical(lifecycle.discharged(follow(after(point(0, 5))), 5 * MINUTE))
    first, *evidence = wording.why(gone, 10 * MINUTE)
    assert first == "DISCHARGED 5 min ago while it stood, not reviewed"
    assert evidence == wording.why(clinical(after(point(0, 5))), 10 * MINUTE)
    assert reasons.brief(gone, NOTHING, None, 10 * MINUTE)[0] == first


def test_who_was_well_before_the_end_of_a_stay_is_said_to_have_been() -> None:
    """What had settled by good readings stays so."""
    well = after(point(0, 5), point(10, 2), point(40, 1))
    gone = clinical(lifecycle.discharged(well, 50 * MINUTE))
    assert wording.why(gone, 60 * MINUTE)[0] == "back within limits for 50 min, not reviewed"


def test_a_fault_that_is_over_is_not_said_to_be_within_limits() -> None:
    """A silence has none."""
    silent = lifecycle.overdue(after(point(0, spo2=3)), "spo2", 60 * MINUTE, 60 * MINUTE)
    gone = technical(lifecycle.discharged(silent, 90 * MINUTE))
    assert wording.why(gone, 95 * MINUTE)[0] == "over for 5 min, not reviewed"


def test_a_number_that_moved_is_said_with_its_direction() -> None:
    """From what it was when it was seen last, which here was the breach that the repeat bears out."""
    first, repeat = point(0, spo2=3, heart_rate=1), point(6, spo2=3, heart_rate=1, consciousness=3)
    first.values.update(spo2=91, heart_rate=95, consciousness=0)
    repeat.values.update(spo2=86, heart_rate=101, consciousness=1)
    assert wording.why(clinical(after(first, repeat, under=TERMS)), 8 * MINUTE)[1:] == [
        "SpO2 86 %, down from 91 %, scored 3, 2 min ago",
        "consciousness: confused, was alert, scored 3, 2 min ago",
        "heart rate 101 /min, up from 95 /min, scored 1, 2 min ago",
    ]


def test_a_number_that_is_the_same_or_was_not_measured_anew_has_no_direction() -> None:
    """Nothing is made up where nothing is known of before."""
    first, repeat = point(0, spo2=3, heart_rate=1), point(6, spo2=3, heart_rate=1)
    first.values["heart_rate"] = 95
    repeat.ages_ms["heart_rate"] = 6 * MINUTE
    said = wording.why(clinical(after(first, repeat, under=TERMS)), 8 * MINUTE)
    assert said[1:] == ["SpO2 91 % scored 3, 2 min ago", "heart rate 118 /min scored 1, 8 min ago"]


def test_a_worsening_is_said_against_what_the_alert_stood_on() -> None:
    """Also long after the raise."""
    worse = point(60, spo2=3, heart_rate=3, consciousness=3)
    worse.values["spo2"] = 84
    said = wording.why(clinical(after(point(0, spo2=3), worse)), 60 * MINUTE)
    assert "SpO2 84 %, down from 91 %, scored 3, 0 s ago" in said


def test_what_opened_without_a_repeat_says_so() -> None:
    """Last, after the numbers."""
    opened = deadlines.tick(after(point(0, 5), under=TERMS), HOUR)
    assert wording.why(clinical(opened), HOUR)[-1] == "no repeat has denied it within 15 min"


@pytest.mark.parametrize(
    ("scored", "rule", "said"),
    [
        (point(0, 5), "news2_5", "NEWS2 5 pending a repeat, opens in 9 min"),
        (
            point(0, spo2=3, systolic_bp=3),
            "news2_red",
            "SpO2 91 % scored 3, systolic pressure 98 mmHg scored 3 pending a repeat, opens in 9 min",
        ),
        (
            point(0, 3, missing=["temperature"], could_be=6),
            "news2_could_be_5",
            "NEWS2 could be 6 with what is overdue pending a repeat, opens in 9 min",
        ),
    ],
)
def test_what_is_pending_is_said_with_when_it_opens(scored: Point, rule: str, said: str) -> None:
    """The delay is visible: what showed, and how long until it is an alert all the same."""
    found = after(scored, under=TERMS).conditions[rule]
    assert wording.pending(found, LAG + 15 * MINUTE - 9 * MINUTE - 30_000) == said


def test_a_run_is_said_with_how_long_it_has_lasted() -> None:
    """By the name of its number, with the words that came with it where there are some."""
    under = terms(limit("spo2_92", enabled=True))
    low = [point(minute) for minute in (0, 12)]
    for one in low:
        one.quantities["value:spo2"] = 91
    case = after(*low, under=under)
    said = wording.pending(case.conditions["spo2_92"], HOUR, under.rules)
    assert said == "SpO2 91 % so or worse for 12 min, opens once that is 1 h"


def test_a_number_by_its_name_is_said_under_the_title_of_its_rule() -> None:
    """Before the score, which may be well."""
    low = point(0)
    low.quantities["value:spo2"] = 79
    alert = clinical(after(low, under=terms(limit("spo2_80", enabled=True))))
    assert wording.why(alert, MINUTE) == [
        "SpO2 below 80 %: SpO2 79 %, 1 min ago",
        "NEWS2 0 (7 of 7 measured), 1 min ago",
    ]
    noted = {
        "rules": ["spo2_80"],
        "at_ms": 0,
        "quantities": {"value:spo2": 79},
        "sentences": {"value:spo2": "79 by hand"},
    }
    assert wording.why(replace(alert, evidence=noted), MINUTE) == ["SpO2 below 80 %: 79 by hand, 1 min ago"]


def test_a_limit_that_was_moved_is_said_with_the_score_that_it_made_an_alert_of() -> None:
    """A score of 4 would be no alert by the table: whoever reads of it must see why it is one."""
    under = terms(limit("news2_5", limit_on=4, limit_off=3, cadence="at_once"))
    alert = clinical(after(point(0, respiratory_rate=3, heart_rate=1), under=under))
    assert "limit moved to NEWS2 4 or more, from NEWS2 5 or more" in wording.why(alert, MINUTE)
    assert not any("limit moved" in said for said in wording.why(clinical(after(point(0, 6))), MINUTE))


def test_a_number_by_its_name_is_said_under_the_limit_it_breached() -> None:
    """Also when the limit is over by the time that someone reads of it."""
    low = point(0)
    low.quantities["value:spo2"] = 84
    alert = clinical(after(low, under=terms(limit("spo2_80", enabled=True, limit_on=85, limit_off=86))))
    assert wording.why(alert, MINUTE)[0] == "SpO2 85 % or less: SpO2 84 %, 1 min ago"
