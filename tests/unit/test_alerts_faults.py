"""Faults of devices and of the service: raised, held back, released, and never cleared by silence."""

from dataclasses import replace
from typing import Any

import pytest

from alerts import acts, faults, lifecycle, reasons, wording
from alerts.acts import Act
from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Case, Kind, Lane, Level, Outcome, State
from alerts.pauses import LASTS, Span
from alerts.policy import BASE, RULES, TERMS, Rule, Terms
from tests.unit.alerts_points import (
    HOUR,
    MINUTE,
    STAY,
    acked,
    after,
    clinical,
    closed,
    follow,
    kinds,
    point,
    technical,
)

DUE, DAY = 60 * MINUTE, 24 * HOUR
TECHNICAL = [name for name, rule in RULES.items() if rule.lane is Lane.TECHNICAL and name != "overdue"]
SYSTEM = [name for name, rule in RULES.items() if rule.lane is Lane.SYSTEM]


def terms(*spans: Span, rules: tuple[str, ...] = ("overdue", *TECHNICAL)) -> Terms:
    """Hold rules back in these spans, in minutes."""
    held = tuple((a * MINUTE, LASTS if b == LASTS else b * MINUTE) for a, b in spans)
    return Terms(rules=BASE, held=dict.fromkeys(rules, held))


def found(rule: str, since: float, *, at: float | None = None, what: str = "oxi-1", **figures: object) -> Finding:
    """Find a fault since a minute."""
    at_ms = round((since if at is None else at) * MINUTE)
    return Finding(rule=rule, what=what, since_ms=round(since * MINUTE), at_ms=at_ms, figures=figures)


def over(rule: str, at: float, what: str = "oxi-1") -> Finding:
    """Find that a fault is over."""
    return Finding(rule=rule, what=what, since_ms=None, at_ms=round(at * MINUTE))


def system(case: Case) -> State:
    """Give the state of the one alert of the whole service."""
    return case.alerts[Lane.SYSTEM].state


@pytest.mark.parametrize("rule", TECHNICAL)
def test_a_fault_raises_the_technical_alert_and_its_end_ends_it(rule: str) -> None:
    """As of when it counted, not of when anyone looked; at the lowest level, which needs no person to close it."""
    case = faults.found(Case(stay_no=STAY), found(rule, 10, at=20))
    alert = technical(case)
    assert (alert.state, alert.level, alert.since_ms, alert.opened_ms) == (State.NEW, 1, 10 * MINUTE, 20 * MINUTE)
    assert technical(faults.found(case, over(rule, 30))).state == State.CLOSED


@pytest.mark.parametrize("rule", SYSTEM)
def test_a_fault_of_the_service_raises_the_system_alert_at_its_level(rule: str) -> None:
    """From level 2 on it settles and waits for a person: nobody is to miss that nobody was watching."""
    case = faults.found(Case(stay_no=SYSTEM_STAY), found(rule, 10, what=""))
    assert case.alerts[Lane.SYSTEM].level == RULES[rule].level
    gone = faults.found(case, over(rule, 30, ""))
    assert system(gone) == (State.SETTLED if RULES[rule].level >= Level.URGENT else State.CLOSED)


def test_all_faults_of_a_stay_are_one_alert() -> None:
    """One item for the patient's kit; it ends with the last of them."""
    case = faults.found(lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, DUE), found("battery_low", 61, percent=12.0))
    case = faults.found(case, found("battery_low", 62, what="cuff", percent=18.0))
    assert kinds(case) == [Kind.RAISED]
    assert set(technical(case).evidence["kit"]["battery_low"]) == {"oxi-1", "cuff"}
    case = lifecycle.returned(faults.found(case, over("battery_low", 70)), "spo2", 71 * MINUTE, 71 * MINUTE)
    assert technical(case).state == State.NEW
    assert "overdue" not in case.overdue
    assert technical(faults.found(case, over("battery_low", 72, "cuff"))).state == State.CLOSED


def test_the_same_fault_told_again_is_no_news() -> None:
    """Nor is the end of one that is over, or of one that never was."""
    case = faults.found(Case(stay_no=STAY), found("frozen", 10))
    assert faults.found(case, found("frozen", 12)) is case
    gone = faults.found(case, over("frozen", 20))
    assert faults.found(gone, over("frozen", 21)) is gone
    assert faults.found(gone, found("frozen", 15)) is gone
    assert technical(faults.found(gone, found("frozen", 25))).ordinal == 2


def test_a_fault_that_a_person_closed_stays_closed_while_it_lasts() -> None:
    """The same flat battery does not come back each second; the next one does."""
    case = acked(faults.found(Case(stay_no=STAY), found("battery_low", 10)), 12, lane=Lane.TECHNICAL)
    case = closed(case, 15, "technical-fixed", Lane.TECHNICAL)
    assert faults.found(case, found("battery_low", 16)) is case
    again = faults.found(faults.found(case, over("battery_low", 20)), found("battery_low", 30))
    assert (technical(again).state, technical(again).ordinal) == (State.NEW, 2)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize(("stay", "first", "second"), [(STAY, "battery_low", "frozen"), (SYSTEM_STAY, "disk", "dead")])
def test_an_acknowledgement_covers_the_faults_that_were_known(stay: int, first: str, second: str) -> None:
    """Another one asks again at the same level: who took the first in hand knows nothing of it."""
    lane = Lane.SYSTEM if stay == SYSTEM_STAY else Lane.TECHNICAL
    what = "" if stay == SYSTEM_STAY else "oxi-1"
    case = faults.found(Case(stay_no=stay), found(first, 10, what=what))
    act = Act(actor="ann", now_ms=11 * MINUTE, note="on it")
    case = acts.acknowledge(case, case.alerts[lane], act).case
    assert faults.found(case, found(first, 12, what=what)) is case
    worse = faults.found(case, found(second, 13, what=what))
    assert (worse.alerts[lane].state, kinds(worse)[-1]) == (State.RERAISED, Kind.OUTGREW)


def test_an_acknowledgement_covers_every_fault_that_came_before_it() -> None:
    """Not the first alone: one that came while nobody had the alert in hand was seen with it."""
    case = faults.found(Case(stay_no=STAY), found("battery_low", 10))
    case = acked(faults.found(case, found("frozen", 11)), 12, lane=Lane.TECHNICAL)
    again = faults.found(case, found("frozen", 13, what="cuff"))
    assert technical(again).state == State.ACKNOWLEDGED


def test_nothing_is_raised_while_it_is_held_back() -> None:
    """The condition holds all the same, and is known to wait."""
    held = terms((50, LASTS))
    case = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, 70 * MINUTE, terms=held)
    case = faults.found(case, found("battery_low", 65), held)
    assert (case.events, case.quiet) == ((), True)
    assert set(faults.waiting(case)) == {("overdue", DUE), ("battery_low", 65 * MINUTE)}
    assert faults.freed(case, 10 * HOUR, held) is case


def test_what_still_holds_fires_as_of_the_release() -> None:
    """Whoever looks when: the first look after it, or a much later one."""
    held, then = terms((50, LASTS)), terms((50, 90))
    case = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, 70 * MINUTE, terms=held)
    assert faults.freed(case, 90 * MINUTE - 1, then) is case
    early, late = (faults.freed(case, at * MINUTE, then) for at in (90, 500))
    assert early == late
    alert = technical(early)
    assert (alert.state, alert.opened_ms, alert.since_ms) == (State.NEW, 90 * MINUTE, DUE)
    assert wording.why(alert, 95 * MINUTE)[-1].startswith("held back until 5 min ago")


def test_it_does_not_matter_whether_anyone_looked_during_the_hold() -> None:
    """Found overdue only after the release, it is the same alert as of the same moment."""
    then = terms((50, 90))
    seen = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, 70 * MINUTE, terms=terms((50, LASTS)))
    unseen = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, 120 * MINUTE, terms=then)
    assert faults.freed(seen, 120 * MINUTE, then) == faults.freed(unseen, 120 * MINUTE, then)
    later = lifecycle.overdue(unseen, "temperature", 100 * MINUTE, 120 * MINUTE, terms=then)
    assert technical(later).opened_ms == 90 * MINUTE
    assert set(later.events[0].evidence["overdue"]) == {"spo2"}


def test_what_came_back_during_the_hold_never_fires() -> None:
    """The reading that was held up at the device has arrived."""
    held = terms((50, LASTS))
    case = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, 70 * MINUTE, terms=held)
    case = lifecycle.returned(case, "spo2", 80 * MINUTE, 85 * MINUTE, terms=held)
    assert faults.waiting(case) == ()
    assert faults.freed(case, 100 * MINUTE, terms((50, 90))).events == ()


def test_what_was_raised_before_the_hold_stays_and_may_end_in_it() -> None:
    """Holding back is not hiding: an alert that is open is neither closed nor asked of anyone again."""
    case = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, DUE)
    held = terms((65, LASTS))
    more = lifecycle.overdue(case, "temperature", 70 * MINUTE, 70 * MINUTE, terms=held)
    assert (kinds(more), technical(more).state) == ([Kind.RAISED], State.NEW)
    assert set(technical(more).evidence["overdue"]) == {"spo2", "temperature"}
    for part in ("spo2", "temperature"):
        more = lifecycle.returned(more, part, 75 * MINUTE, 75 * MINUTE, terms=held)
    assert technical(more).state == State.CLOSED


def test_an_open_alert_does_not_end_while_anything_of_it_holds() -> None:
    """Not even when all that holds now began during the hold: an alert that ended would say that all is well."""
    held = terms((20, LASTS))
    case = faults.found(Case(stay_no=STAY), found("battery_low", 10))
    case = faults.found(faults.found(case, found("frozen", 30), held), over("battery_low", 40), held)
    assert technical(case).state == State.NEW
    assert set(technical(case).evidence["kit"]) == {"frozen"}
    assert technical(faults.found(case, over("frozen", 50), held)).state == State.CLOSED


def test_a_fault_due_between_two_holds_fires_between_them() -> None:
    """Each moment is judged by the span it lies in."""
    then = terms((10, 50), (90, 200))
    case = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, 150 * MINUTE, terms=then)
    assert technical(case).opened_ms == DUE


def test_sick_and_unseen_is_held_back_by_nothing() -> None:
    """An urgent patient of whom nothing is known is that whoever is at fault, and is raised at the clinical level."""
    ill = after(point(0, 8, respiratory_rate=3))
    held = terms((10, LASTS))
    case = lifecycle.overdue(ill, "respiratory_rate", DUE, DUE, last_ms=0, terms=held)
    assert clinical(case).blind_ms == DUE
    assert (technical(case).state, technical(case).level) == (State.NEW, Level.EMERGENCY)
    assert "held_until_ms" not in technical(case).evidence


def test_what_is_held_back_takes_no_part_in_what_is_clinical() -> None:
    """Technical never suppresses clinical: a score raises its alert whatever is held back."""
    held = terms((0, LASTS))
    case = lifecycle.overdue(Case(stay_no=STAY), "spo2", DUE, DUE, terms=held)
    ill = lifecycle.observe(case, point(70, 8, respiratory_rate=3), held)
    assert clinical(ill).level == Level.EMERGENCY


def test_the_clinical_alert_that_ends_leaves_what_is_held_back_to_wait() -> None:
    """Sick and unseen no longer: the technical alert eases to what it stands on, and is not lost."""
    held = terms((10, LASTS))
    ill = lifecycle.overdue(after(point(0, 8, respiratory_rate=3)), "respiratory_rate", DUE, DUE, last_ms=0, terms=held)
    act = Act(actor="ann", now_ms=65 * MINUTE, note="ambulance")
    gone = acts.close(acked(ill, 62), clinical(acked(ill, 62)), act, Outcome.TRANSFERRED).case
    assert (technical(gone).state, technical(gone).level) == (State.NEW, Level.WATCH)


def test_a_person_who_closes_another_alert_releases_nothing() -> None:
    """Whoever acts knows nothing of what is held back; the daemon raises it when the hold is over."""
    held, then = terms((10, LASTS)), terms((10, 90))
    case = faults.found(after(point(0, 5)), found("battery_low", 20), held)
    case = closed(acked(case, 30), 40, "phoned-stable")
    assert Lane.TECHNICAL not in case.alerts
    assert technical(faults.freed(case, 90 * MINUTE, then)).opened_ms == 90 * MINUTE


def test_a_discharge_leaves_nothing_to_be_released() -> None:
    """Nobody is called about the devices of someone who has left."""
    held = terms((50, LASTS))
    case = faults.found(Case(stay_no=STAY), found("battery_low", 60), held)
    gone = lifecycle.discharged(case, 70 * MINUTE, held)
    assert faults.freed(gone, 100 * MINUTE, terms((50, 90))).events == ()


@pytest.mark.hazard("H25")
def test_no_score_and_no_time_ends_a_fault() -> None:
    """Only its own end does: silence, staleness and good readings of something else never clear."""
    case = faults.found(Case(stay_no=STAY), found("device_disconnected", 10, at=20))
    case = follow(case, *(point(minute) for minute in range(30, 300, 15)))
    assert technical(case).state == State.NEW


SAID: dict[str, tuple[dict[str, Any], str]] = {
    "device_disconnected": ({}, "oxi-1: no connection for 50 min"),
    "battery_low": ({"percent": 18.0}, "oxi-1: battery at 18 % for 50 min"),
    "sensor_off": ({"vital": "spo2", "count": 3}, "oxi-1: SpO2 came without a value 3 times in a row, for 50 min"),
    "implausible": (
        {"vital": "spo2", "count": 4, "sent": "120 %"},
        "oxi-1: SpO2 refused 4 times in a row (last 120 %), for 50 min",
    ),
    "frozen": (
        {"vital": "heart_rate", "value": 71.0, "count": 14},
        "oxi-1: heart rate 71 /min 14 times in a row, for 50 min",
    ),
    "clock_skew": (
        {"minutes": 2},
        "oxi-1: clock more than 2 min ahead (the time of receipt is taken instead), for 50 min",
    ),
    "clock_behind": (
        {"minutes": 62},
        "oxi-1: each reading 62 min old when it comes (is its clock behind?), for 50 min",
    ),
    "sequence_gap": ({"count": 5}, "oxi-1: 5 of its messages have not come, for 50 min"),
}


@pytest.mark.parametrize("rule", TECHNICAL)
def test_every_fault_of_a_device_is_a_sentence_with_numbers_and_age(rule: str) -> None:
    """Which device, what, and for how long."""
    figures, sentence = SAID[rule]
    case = faults.found(Case(stay_no=STAY), found(rule, 10, what="x", device="oxi-1", **figures))
    assert wording.why(technical(case), HOUR) == [sentence]


@pytest.mark.parametrize(
    ("rule", "what", "figures", "sentence"),
    [
        ("broker", "", {}, "no connection to the broker for 50 min"),
        ("dead", "", {"until_ms": 40 * MINUTE}, "nobody watched for 30 min, until 20 min ago"),
        ("clock_jump", "", {"by_ms": -2 * HOUR}, "the clock of this machine jumped (by 2 h back) for 50 min"),
        ("clock_jump", "", {"by_ms": 2 * HOUR}, "the clock of this machine jumped (by 2 h ahead) for 50 min"),
        ("disk", "", {"free_mb": 512}, "little room is left for the database (512 MB free) for 50 min"),
        ("notifier", "", {}, "nobody is being told of alerts for 50 min"),
        ("notifier", "", {"reached": "nobody"}, "nobody is being told of alerts (nobody could be reached) for 50 min"),
        (
            "unaccounted",
            "",
            {"lost": 3},
            "not all that was received is accounted for (3 lost when it was found) for 50 min",
        ),
        ("unraised", "", {"scores": 2}, "a score asks for an alert and has none (2 when it was found) for 50 min"),
        (
            "recount",
            "",
            {"moments": 2},
            "readings counted anew do not come to what is stored (2 when it was found) for 50 min",
        ),
        (
            "not_watching",
            "",
            {"link": "log: it was not stored"},
            "not watching: a made-up reading did not come round (log: it was not stored) for 50 min",
        ),
        ("quarantine", "", {"in_hour": 100}, "much of what comes cannot be used (100 or more in an hour) for 50 min"),
        (
            "damaged",
            "",
            {"check": "every page is whole"},
            "the database is not sound (it does not hold that every page is whole) for 50 min",
        ),
        ("session", "", {}, "the broker forgot what it held for this service for 50 min"),
        ("handover", "", {}, "a hand-over was not accepted for 50 min"),
        ("lag", "", {}, "readings wait to be scored for 50 min"),
        (
            "certificate",
            "broker 1",
            {"whose": "broker", "file": "", "until_ms": HOUR + 12 * DAY},
            "a certificate ends: the broker's in 12 d",
        ),
        (
            "certificate",
            "own 1",
            {"whose": "own", "file": "/etc/vwmon/vwmon.crt", "until_ms": HOUR - 2 * MINUTE},
            "a certificate ends: the daemon's (/etc/vwmon/vwmon.crt) has ended 2 min ago",
        ),
        ("unassigned", "cuff", {"device": "cuff"}, "a device sends and belongs to nobody (cuff) for 50 min"),
    ],
)
def test_every_fault_of_the_service_is_a_sentence(rule: str, what: str, figures: dict[str, Any], sentence: str) -> None:
    """With its numbers, and for how long."""
    case = faults.found(Case(stay_no=SYSTEM_STAY), found(rule, 10, what=what, **figures))
    assert wording.why(case.alerts[Lane.SYSTEM], HOUR) == [sentence]


def test_certificates_that_end_are_one_sentence_with_the_first_to_end_first() -> None:
    """As long as each is at fault: one that was renewed is no longer told."""
    own = found("certificate", 10, what="own", whose="own", file="/a.crt", until_ms=20 * DAY)
    ca = found("certificate", 11, what="ca", whose="authority", file="/ca.crt", until_ms=9 * DAY)
    case = faults.found(faults.found(Case(stay_no=SYSTEM_STAY), own), ca)
    assert wording.why(case.alerts[Lane.SYSTEM], 0) == [
        "a certificate ends: the authority's (/ca.crt) in 9 d; the daemon's (/a.crt) in 20 d"
    ]
    case = faults.found(case, over("certificate", 12, "ca"))
    assert wording.why(case.alerts[Lane.SYSTEM], DAY) == ["a certificate ends: the daemon's (/a.crt) in 19 d"]
    assert system(faults.found(case, over("certificate", 13, "own"))) == State.SETTLED


def test_the_rules_of_faults_are_the_ones_the_guides_describe() -> None:
    """Levels, limits and delays: a change here is a change of care."""

    def row(rule: Rule) -> tuple[object, ...]:
        return rule.lane.value, int(rule.level), rule.limit_on, rule.limit_off, rule.on_delay_ms

    assert {name: row(rule) for name, rule in RULES.items() if rule.quantity == "fault"} == {
        "device_disconnected": ("technical", 1, 0, 0, 10 * MINUTE),
        "battery_low": ("technical", 1, 20, 30, 0),
        "sensor_off": ("technical", 1, 3, 0, 0),
        "implausible": ("technical", 1, 3, 0, 0),
        "frozen": ("technical", 1, 12, 0, HOUR),
        "clock_skew": ("technical", 1, 2, 0, 0),
        "clock_behind": ("technical", 1, 2, 0, 10 * MINUTE),
        "sequence_gap": ("technical", 1, 0, 0, 15 * MINUTE),
        "lag": ("system", 2, 0, 0, 0),
        "clock_jump": ("system", 2, 0, 0, 0),
        "disk": ("system", 2, 0, 0, 0),
        "notifier": ("system", 3, 0, 0, 0),
        "dead": ("system", 2, 0, 0, 0),
        "quarantine": ("system", 1, 0, 0, 0),
        "handover": ("system", 2, 0, 0, 0),
        "unaccounted": ("system", 3, 0, 0, 0),
        "unraised": ("system", 3, 0, 0, 0),
        "session": ("system", 2, 0, 0, 0),
        "recount": ("system", 3, 0, 0, 0),
        "damaged": ("system", 3, 0, 0, 0),
        "not_watching": ("system", 3, 0, 0, 0),
        "certificate": ("system", 2, 0, 0, 0),
        "unassigned": ("system", 1, 0, 0, 15 * MINUTE),
    }
    assert [name for name, rule in RULES.items() if rule.holds_back] == ["silent", "broker", "lag"]
    assert RULES["frozen"].vitals == ("heart_rate", "respiratory_rate")
    assert TERMS.free_ms("overdue", 5) == 5


def test_what_is_over_lasts_no_longer() -> None:
    """A fault or a silence that has ended is told with how long it was, however long ago that is."""
    silence = faults.overdue(Case(stay_no=STAY), "spo2", 10 * MINUTE, 10 * MINUTE)
    broken = faults.found(Case(stay_no=SYSTEM_STAY), found("broker", 10))
    alerts = [technical(silence), broken.alerts[Lane.SYSTEM]]
    assert [wording.why(one, 2 * HOUR) for one in alerts] == [
        ["SpO2 overdue for 1 h"],
        ["no connection to the broker for 1 h"],
    ]
    over = [replace(one, state=State.CLOSED, cleared_ms=40 * MINUTE, closed_ms=HOUR) for one in alerts]
    assert [wording.why(one, 9 * HOUR) for one in over] == [
        ["SpO2 overdue for 30 min"],
        ["no connection to the broker for 30 min"],
    ]
    assert reasons.brief(over[0], reasons.NOTHING, None, 9 * HOUR) == ["SpO2 never came, overdue for 30 min"]
    by_hand = replace(over[0], cleared_ms=None)
    assert reasons.brief(by_hand, reasons.NOTHING, None, 9 * HOUR) == ["SpO2 never came, overdue for 50 min"]


def test_nobody_is_said_to_be_unseen_once_readings_have_come() -> None:
    """The clinical alert that stood then may be another now, or closed: what is over says nothing of it."""
    sick = follow(Case(stay_no=STAY), point(0, 8, spo2=3))
    unseen = technical(faults.overdue(sick, "spo2", 10 * MINUTE, 10 * MINUTE))
    (said, _) = wording.why(unseen, HOUR)
    assert said.startswith("sick and unseen: L3 ")
    over = replace(unseen, state=State.SETTLED, cleared_ms=40 * MINUTE)
    assert not [line for line in wording.why(over, HOUR) if "unseen" in line]
