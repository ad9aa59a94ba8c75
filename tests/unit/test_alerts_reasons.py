"""Why an alert is on the list: what holds now comes first, nothing old is said without its age, nothing is guessed."""

from dataclasses import replace
from typing import Any

import pytest

from alerts import deadlines, lifecycle, reasons
from alerts.model import Alert, Case, Kind, Lane, Level, State
from alerts.policy import TERMS
from alerts.reasons import NOTHING, Earlier, Measured, Present
from tests.unit.alerts_points import HOUR, MINUTE, STAY, acked, after, clinical, follow, limit, point, technical, terms

NOW = 200 * MINUTE
RAISED = after(point(100, 3, spo2=3, heart_rate=2, missing=["temperature"]))


def score(total: int = 6, *, missing: tuple[str, ...] = (), upper: int | None = None, **points: int) -> dict[str, Any]:
    """Give a score as the interface shows it."""
    return {
        "total_min": total,
        "total_max": total if upper is None else upper,
        "could_be": total,
        "red": 3 in points.values(),
        "missing": list(missing),
        "points": points,
    }


def measured(part: str, value: float, age: float = 2, before: float | None = None, **more: Any) -> Measured:  # noqa: ANN401
    """Give a part as it was last measured, so many minutes ago, and what it was an hour before."""
    vital = more.pop("vital", part)
    at_ms = NOW - round(age * MINUTE)
    return Measured(vital=vital, part=part, value=value, at_ms=at_ms, before=before, before_ms=at_ms - HOUR, **more)


def now(held: dict[str, Any] | None, *vitals: Measured, **more: Any) -> Present:  # noqa: ANN401 -- fields of Present
    """Give what is known of the stay."""
    return Present(score=held, score_ms=NOW - 2 * MINUTE, measured=vitals, **more)


def an_hour_before(total: int, *, upper: int | None = None, missing: tuple[str, ...] = ()) -> Earlier:
    """Give the score of an hour before."""
    return Earlier(
        since_ms=NOW - HOUR,
        acknowledged=False,
        total_min=total,
        total_max=total if upper is None else upper,
        missing=missing,
    )


def brief(present: Present, alert: Alert | None = None, again: Kind | None = None) -> list[str]:
    """Give the phrases on an alert, that which was raised a hundred minutes ago unless another is given."""
    return reasons.brief(clinical(RAISED) if alert is None else alert, present, again, NOW)


def why(present: Present, alert: Alert | None = None, again: Kind | None = None) -> list[str]:
    """Give the sentences on it."""
    return reasons.why(clinical(RAISED) if alert is None else alert, present, again, NOW)


def test_what_is_measured_now_comes_first_with_its_age_and_direction() -> None:
    """The worst part first; the direction is that of the last hour, in words, not in colour or arrows."""
    vitals = (
        measured("spo2", 86, before=94),
        measured("heart_rate", 118, before=118),
        measured("respiratory_rate", 22, before=25),
    )
    held = score(6, spo2=3, respiratory_rate=2, heart_rate=1)
    said = brief(now(held, *vitals))
    assert said[0] == "2 min ago: SpO2 86 % down from 94, RR 22 down from 25, HR 118 steady"


@pytest.mark.hazard("H5")
def test_what_it_was_raised_on_follows_with_its_own_age() -> None:
    """An old score is never the reason of now without saying that it is old."""
    said = brief(now(score(6, spo2=3, respiratory_rate=3), measured("spo2", 86)))
    assert said[-1] == "raised 1 h ago on NEWS2 8-11"
    told = why(now(score(6, spo2=3, respiratory_rate=3), measured("spo2", 86)))
    assert told[0] == "NEWS2 6 (7 of 7 measured), 2 min ago"
    assert told[-1].startswith("last raised 1 h ago on NEWS2 8-11: SpO2 91 %")


def test_what_still_holds_is_not_said_twice() -> None:
    """While the score is the one that raised it, that is the reason."""
    held = score(8, upper=11, missing=("temperature",), spo2=3, heart_rate=2, respiratory_rate=2, oxygen=1)
    assert not [said for said in brief(now(held)) + why(now(held)) if "raised" in said]


def test_one_that_no_longer_scores_says_so() -> None:
    """The alert is active until it has lasted; the present is said all the same."""
    said = brief(now(score(0, spo2=0), measured("spo2", 97, before=90)))
    assert said == ["2 min ago: nothing scores", "raised 1 h ago on NEWS2 8-11"]


def test_without_a_score_that_holds_nothing_is_made_up() -> None:
    """The evidence of then is all there is, and it says how old it is."""
    assert brief(now(None)) == ["no score holds now", "raised 1 h ago on NEWS2 8-11"]
    assert why(NOTHING)[:2] == [
        "no score that still holds",
        "NEWS2 8 to 11 (6 of 7 measured; missing temperature), 1 h ago",
    ]


@pytest.mark.hazard("H5")
def test_a_part_measured_long_before_the_others_says_its_own_age() -> None:
    """A temperature of this morning is not one of two minutes ago."""
    vitals = (measured("spo2", 86), measured("temperature", 38.44, age=185))
    (first, *_) = brief(now(score(5, spo2=3, temperature=1), *vitals))
    assert first == "2 min ago: SpO2 86 %, Temp 38.4 (3 h old)"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("temperature",), "missing Temp"),
        (("temperature", "oxygen"), "missing Temp, O2"),
        (("temperature", "oxygen", "spo2", "heart_rate"), "missing 4 vitals"),
    ],
)
def test_what_is_missing_is_said(missing: tuple[str, ...], said: str) -> None:
    """It is unknown, and not normal."""
    assert said in brief(now(score(5, missing=missing, upper=8, respiratory_rate=3)))


@pytest.mark.parametrize(
    ("vital", "value", "before", "said"),
    [
        ("gcs", 13, 15, "GCS 13 down from 15"),
        ("consciousness", 1, 0, "confused (was alert)"),
        ("consciousness", 3, 3, "responds to pain steady"),
    ],
)
def test_consciousness_is_said_in_words_or_as_it_was_sent(vital: str, value: float, before: float, said: str) -> None:
    """A number of the score's own is nobody's word for it."""
    came = measured("consciousness", value, before=before, vital=vital)
    assert brief(now(score(5, consciousness=3), came))[0] == f"2 min ago: {said}"


@pytest.mark.hazard("H8")
@pytest.mark.parametrize(
    ("held", "earlier", "by"),
    [
        (score(8), an_hour_before(5), 3),
        (score(2), an_hour_before(6), -4),
        (score(5), an_hour_before(5), 0),
        (score(8, missing=("oxygen",), upper=10), an_hour_before(5, upper=7, missing=("oxygen",)), 3),
        (score(8), an_hour_before(5, upper=7, missing=("oxygen",)), None),
        (score(8, missing=("oxygen",), upper=10), an_hour_before(5, upper=8, missing=("temperature",)), None),
        (None, an_hour_before(5), None),
        (score(8), None, None),
    ],
)
def test_a_change_is_told_only_between_scores_of_the_same_parts(
    held: dict[str, Any] | None, earlier: Earlier | None, by: int | None
) -> None:
    """A part that was not measured then would else count as normal then."""
    assert reasons.change(now(held, earlier=earlier)) == by


def test_the_sentences_say_against_what_the_score_has_moved() -> None:
    """An hour before, or what somebody took in hand; and when that cannot be told, that it cannot."""
    assert "up 3 from NEWS2 5 an hour before" in why(now(score(8), earlier=an_hour_before(5)))
    seen = replace(an_hour_before(5), acknowledged=True, since_ms=NOW - 40 * MINUTE)
    assert "up 3 from NEWS2 5 when acknowledged 40 min ago" in why(now(score(8), earlier=seen))
    assert "unchanged from NEWS2 8 an hour before" in why(now(score(8), earlier=an_hour_before(8)))
    unlike = an_hour_before(5, upper=8, missing=("temperature",))
    assert any("cannot be told" in said for said in why(now(score(8), earlier=unlike)))


def test_the_words_of_a_rise_are_given_what_each_part_was_before() -> None:
    """In the form in which a breach keeps it; of what did not change, or was not measured, there is nothing."""
    vitals = (measured("spo2", 86, before=94), measured("heart_rate", 80, before=80), measured("oxygen", 0))
    evidence = reasons._as_of_now(clinical(RAISED), now(score(8, spo2=3, heart_rate=0, oxygen=0), *vitals))
    assert evidence is not None
    assert evidence["before"] == {"spo2": {"value": 94}}


@pytest.mark.parametrize("again", list(reasons.AGAIN))
def test_one_that_asks_again_says_why(again: Kind) -> None:
    """Worse, run out, come back: it makes a difference to who has had it in hand."""
    alert = replace(clinical(RAISED), state=State.RERAISED)
    assert reasons.AGAIN[again] in brief(now(score(8)), alert, again)
    assert why(now(score(8)), alert, again)[0] == reasons.AGAIN[again]
    assert reasons.AGAIN[again] not in brief(now(score(8)), clinical(RAISED), again)


def test_every_way_of_asking_again_has_its_words() -> None:
    """A move that ends in reraised, and does not begin there, is in the table."""
    from alerts.moves import MOVES

    asks = {
        kind for kind, moves in MOVES.items() if any(to is State.RERAISED and at is not to for at, to in moves.items())
    }
    assert asks == set(reasons.AGAIN)


def test_in_hand_it_shows_what_is_being_done() -> None:
    """The note of who has it, in its own words."""
    assert '"phoned"' in brief(now(score(8)), clinical(acked(RAISED, 110)))


def test_one_that_has_settled_blind_or_late_says_that_before_all() -> None:
    """What is not known now outweighs what was measured."""
    settled = clinical(follow(RAISED, point(110), point(150), point(160)))
    assert brief(now(score(0)), settled)[0] == "back within limits for 1 h, not reviewed"
    blind = replace(clinical(RAISED), blind_ms=NOW - 51 * MINUTE, late=True)
    assert brief(now(None), blind)[:2] == ["BLIND: its readings overdue for 51 min", "LATE readings"]
    assert why(now(None), blind)[1].startswith("BLIND: ")


def test_what_it_could_be_is_said_with_what_was_refused() -> None:
    """With the age of the attempt, also when readings have come since."""
    case = after(point(190, 1, could_be=6, missing=["spo2"], refused={"spo2": 3}, sent={"spo2": "120 %"}))
    held = score(1, missing=("spo2",), upper=4, respiratory_rate=1) | {"could_be": 6}
    said = brief(now(held), clinical(case))
    assert "could be 6 with what is overdue or was refused" in said
    assert "SpO2 refused (120 %)" in said
    assert "SpO2 refused (120 %), 13 min ago" in why(now(held), clinical(case))


def overdue(*parts: str, last: float | None = 20) -> Alert:
    """Give the technical alert of parts overdue since the same time."""
    case = Case(stay_no=STAY)
    last_ms = None if last is None else round(last * MINUTE)
    for part in parts:
        case = lifecycle.overdue(case, part, 140 * MINUTE, 141 * MINUTE, last_ms=last_ms)
    return technical(case)


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        (overdue("spo2"), ["no SpO2 for 3 h"]),
        (overdue("spo2", "heart_rate"), ["no SpO2, HR for 3 h"]),
        (overdue("spo2", "heart_rate", "temperature", "oxygen"), ["no 4 vitals for 3 h"]),
        (overdue("spo2", last=None), ["SpO2 never came, overdue for 1 h"]),
    ],
)
def test_what_is_overdue_together_is_said_together(alert: Alert, said: list[str]) -> None:
    """Seven lines of one silence are no seven reasons."""
    assert alert.lane is Lane.TECHNICAL
    assert brief(NOTHING, alert) == said


def test_a_fault_of_the_service_has_the_same_words_in_both() -> None:
    """There is nothing to measure."""
    case = lifecycle.overdue(Case(stay_no=0), "broker", 198 * MINUTE, 199 * MINUTE)
    alert = case.alerts[Lane.SYSTEM]
    assert brief(NOTHING, alert) == why(NOTHING, alert) == ["no connection to the broker for 2 min"]


def test_a_rule_on_anything_else_keeps_its_title() -> None:
    """A breach that the score does not tell of is not left out because the score is known."""
    alert = replace(clinical(RAISED), evidence={**clinical(RAISED).evidence, "rules": ["news2_7", "overdue", "gone"]})
    assert brief(now(score(8)), alert)[-2:] == ["readings overdue, 1 h ago", "gone, 1 h ago"]
    assert "NEWS2 8 to 11 (6 of 7 measured; missing temperature), 1 h ago" in why(now(score(2)), alert)


def test_a_rise_on_another_rule_alone_needs_no_score_of_then() -> None:
    """Its evidence has no score; the present one is shown beside it."""
    evidence = {"rules": ["overdue"], "at_ms": NOW - HOUR, "values": {}, "ages_ms": {}, "points": {}}
    alert = replace(clinical(RAISED), evidence=evidence)
    assert brief(now(score(2)), alert) == ["2 min ago: nothing scores", "readings overdue, 1 h ago"]


def test_a_number_by_its_name_that_came_with_the_score_of_now_is_no_score() -> None:
    """A weight, and with it in one message a pulse: what the alert stands on has no parts to take over."""
    alert = clinical(RAISED)
    noted = {"rules": ["weight_gain"], "at_ms": NOW - 2 * MINUTE, "quantities": {"trend:weight.rise_3d": 2.4}}
    said = why(now(score(2, heart_rate=2), measured("heart_rate", 118)), replace(alert, evidence=noted))
    assert any(one.startswith("heart rate 118 /min scored 2") for one in said)
    assert any(one.startswith("body weight up within 3 days") for one in said)


def test_a_closed_alert_tells_of_its_own_time() -> None:
    """Its patient's present is not its own."""
    alert = replace(clinical(RAISED), state=State.CLOSED, level=Level.URGENT, closed_ms=NOW - MINUTE)
    assert why(now(score(2)), alert)[0] == "NEWS2 8 to 11 (6 of 7 measured; missing temperature), 1 h ago"
    assert brief(now(score(2)), alert) == ["raised 1 h ago on NEWS2 8-11"]


@pytest.mark.parametrize(("value", "text"), [(36.54, "36.5"), (104.0, "104"), (0.28, "0.28"), (0.0, "0"), (2.0, "2")])
def test_a_number_has_the_digits_that_tell_something(value: float, text: str) -> None:
    """A fraction of oxygen needs two, a temperature one."""
    assert reasons.number(value) == text


FOUR = terms(limit("news2_5", limit_on=4, limit_off=3, cadence="at_once"))


def test_the_list_says_the_limit_that_was_breached_where_it_is_not_the_table_s() -> None:
    """In a few letters on its line, in a sentence on its page, and once only."""
    alert = clinical(after(point(100, spo2=3, heart_rate=1), under=FOUR))
    present = now(score(4, spo2=3, heart_rate=1), measured("spo2", 91))
    assert "limit NEWS2 4 or more" in brief(present, alert)
    assert [said for said in why(present, alert) if "limit" in said] == [
        "limit moved to NEWS2 4 or more, from NEWS2 5 or more"
    ]
    assert not any("limit" in said for said in [*brief(present), *why(present)])


def test_another_rule_is_named_by_the_limit_it_was_moved_to() -> None:
    """The table's title would say a limit that was not breached."""
    low = point(100)
    low.quantities["value:spo2"] = 84
    alert = clinical(after(low, under=terms(limit("spo2_80", enabled=True, limit_on=85, limit_off=86))))
    assert brief(now(score(0)), alert)[-1] == "SpO2 85 % or less, 1 h ago"


@pytest.mark.hazard("H31")
def test_what_opened_without_a_repeat_says_so_until_something_is_measured_anew() -> None:
    """On the list and in sentences: it stands on one reading, and somebody may measure again before all else."""
    opened = clinical(deadlines.tick(after(point(0, 5), under=TERMS), HOUR))
    held = score(5, respiratory_rate=3, spo2=2)
    at_ms = opened.evidence["at_ms"]
    still = Present(score=held, score_ms=at_ms)
    assert reasons.brief(opened, still, None, HOUR)[-1] == "no repeat has denied it"
    assert "no repeat has denied it within 15 min" in reasons.why(opened, still, None, HOUR)
    anew = Present(score=held, score_ms=at_ms + 10 * MINUTE)
    assert not [line for line in reasons.brief(opened, anew, None, HOUR) if "denied" in line]
    assert not [line for line in reasons.why(opened, anew, None, HOUR) if "denied" in line]


@pytest.mark.hazard("H8")
@pytest.mark.parametrize(
    ("missing", "not_asked", "said"),
    [
        (("temperature", "systolic_bp"), ("temperature",), ["missing SBP", "Temp not asked"]),
        (("temperature",), ("temperature",), ["Temp not asked"]),
        (("temperature",), (), ["missing Temp"]),
        (("temperature",), ("heart_rate",), ["missing Temp"]),
        ((), (), []),
    ],
)
def test_what_is_not_asked_is_told_apart_from_what_may_still_come(
    missing: tuple[str, ...], not_asked: tuple[str, ...], said: list[str]
) -> None:
    """Each part that the score lacks is told once; what was measured all the same is not told of."""
    held = score(6, missing=missing, spo2=3) | {"not_asked": list(not_asked)}
    phrases = brief(now(held, measured("spo2", 91)))
    assert [one for one in phrases if "missing" in one or "not asked" in one] == said
