"""Limits in layers: which hold when, which win, and which cannot be."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.policy import BASE, MOVABLE, Layer, Limit
from vwmon.config_limits import WardLimit
from vwmon.patients import limits, plans
from vwmon.patients.limits import BY_THE_TABLE, Course, Layers
from vwmon.patients.records import Stay, StayLimit

HOUR = 3_600_000
T0 = 1_795_000_000_000
WARD = Limit(
    rule="news2_5",
    layer=Layer.WARD,
    subject="resp",
    changes={"limit_on": 6, "limit_off": 5, "off_delay": "45m"},
    author="ann",
    reason="ward round",
    from_ms=T0,
)
OWN = StayLimit(
    limit_no=1,
    stay_no=7,
    rule="news2_5",
    changes={"limit_on": 4, "limit_off": 3},
    author="ben",
    reason="frail",
    from_ms=T0 + HOUR,
    to_ms=T0 + 3 * HOUR,
)
STAY = Stay(
    stay_no=7,
    patient="P7",
    ward="resp",
    pathway="general",
    plan_version="1",
    admitted_ms=T0,
    discharged_ms=None,
    discharge_reason=None,
    spo2_scale=1,
    scale_prescriber="",
)


def layers() -> Layers:
    """Give the layers of a ward with one limit."""
    return Layers({"resp": [WARD]}, plans.load_all())


def on(course: Course, at_ms: int, field: str = "limit_on") -> Any:  # noqa: ANN401 -- of any field
    """Read a field of the rule for NEWS2 5 at a moment."""
    return getattr(course.at(at_ms).rules["news2_5"], field)


def test_the_narrowest_wins_field_by_field_while_it_lasts() -> None:
    """The stay's own limit goes before the ward's in what it says, and leaves the rest of it."""
    course = layers().course(STAY, [OWN])
    times = (T0 - 1, T0, T0 + HOUR - 1, T0 + HOUR, T0 + 3 * HOUR - 1, T0 + 3 * HOUR)
    assert [on(course, at) for at in times] == [5, 6, 6, 4, 4, 6]
    assert [on(course, at, "off_delay_ms") // 60_000 for at in times] == [30, 45, 45, 45, 45, 45]


def test_each_field_says_which_layer_it_is_from() -> None:
    """So that an explanation can name whose limit it was."""
    given = layers().course(STAY, [OWN]).at(T0 + 2 * HOUR).given["news2_5"]
    assert {field: (limit.layer, limit.author) for field, limit in given.items()} == {
        "limit_on": (Layer.STAY, "ben"),
        "limit_off": (Layer.STAY, "ben"),
        "off_delay": (Layer.WARD, "ann"),
    }


def test_a_limit_that_somebody_ended_is_over_then() -> None:
    """Whichever comes first, the end that was set or the one that was made."""
    early = replace(OWN, ended_ms=T0 + 2 * HOUR, ended_by="cat", ended_reason="well")
    course = layers().course(STAY, [early])
    assert [on(course, T0 + 2 * HOUR - 1), on(course, T0 + 2 * HOUR)] == [4, 6]
    assert replace(early, to_ms=T0 + HOUR + 1).until_ms == T0 + HOUR + 1
    assert replace(OWN, to_ms=None).until_ms is None


def test_stays_with_the_same_limits_share_their_rules() -> None:
    """A ward of thousands works them out once; and one without layers has the table itself."""
    shared = layers()
    other = replace(STAY, stay_no=8)
    assert shared.course(STAY) is shared.course(other)
    assert shared.course(STAY, [OWN]) is not shared.course(other)
    assert shared.course(replace(STAY, ward="frail")) is BY_THE_TABLE
    assert BY_THE_TABLE.at(T0) is BASE


def test_another_limit_is_another_course() -> None:
    """Nothing that was worked out before a change is used after it."""
    shared = layers()
    before = shared.course(STAY, [OWN])
    ended = replace(OWN, ended_ms=T0 + 2 * HOUR, ended_by="cat")
    assert on(shared.course(STAY, [ended]), T0 + 2 * HOUR) != on(before, T0 + 2 * HOUR)
    assert on(shared.course(STAY, [OWN, replace(OWN, limit_no=2, from_ms=T0 + 2 * HOUR, changes={"level": 3})]), T0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "changes nothing"),
        ({"limit_on": 6}, "together"),
        ({"limit_off": 3}, "together"),
        ({"limit_on": 4, "limit_off": 5}, "wrong side"),
        ({"limit_on": 21, "limit_off": 20}, "no score decides it"),
        ({"cadence": "continuous"}, "with its on_delay"),
        ({"on_delay": "0m"}, ""),
        ({"side": "below"}, ""),
        ({"off_delay": "soon"}, "not a span"),
        ({"off_delay": "0m"}, "one good reading"),
        ({"title": "x"}, "cannot be changed"),
    ],
)
def test_a_limit_that_could_not_hold_beside_others_is_refused(changes: dict[str, Any], said: str) -> None:
    """Each is whole by itself: no other layer, now or later, can make of it a rule that cannot be evaluated."""
    (fault, *_) = limits.faults(replace(WARD, changes=changes))
    assert said in fault


@pytest.mark.hazard("H32")
def test_a_limit_needs_an_author_a_reason_and_an_end_after_its_start() -> None:
    """Nobody's limit is nobody's to ask about."""
    assert limits.faults(WARD) == []
    assert limits.faults(replace(WARD, author=" "))
    assert limits.faults(replace(WARD, reason=""))
    assert limits.faults(replace(WARD, to_ms=WARD.from_ms)) == ["it ends before it begins"]


@pytest.mark.hazard("H32")
@pytest.mark.parametrize("changes", [{"enabled": False}, {"level": 2}])
def test_a_rule_of_the_highest_level_is_not_switched_off_or_taken_down(changes: dict[str, Any]) -> None:
    """It can be moved, by someone with a reason."""
    assert limits.faults(replace(WARD, rule="news2_7", changes=changes))
    assert limits.lessens(replace(WARD, rule="news2_7", changes=changes))
    assert not limits.lessens(replace(WARD, changes=changes))
    assert limits.faults(replace(WARD, rule="news2_7", changes={"limit_on": 9, "limit_off": 8})) == []


def test_a_rule_is_one_about_a_patient() -> None:
    """Neither a slip nor a rule of the service or of silence can be limited away."""
    assert limits.rule_name("news2_5") == "news2_5"
    for name in ("news2_55", "overdue", "silent", 5):
        with pytest.raises(ValueError, match="there are news2_7, news2_5"):
            limits.rule_name(name)


def test_a_time_has_a_zone() -> None:
    """As TOML or as text, with an offset."""
    moment = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
    assert limits.instant(moment) == limits.instant("2026-11-22T10:15:00+01:00") == 1_795_338_900_000
    for value in (datetime(2026, 11, 22), "2026-11-22T09:15:00", "noon", 7):  # noqa: DTZ001 -- without one
        with pytest.raises(ValueError, match="Z or an offset"):
            limits.instant(value)


def test_a_ward_can_move_every_field_that_can_be_moved() -> None:
    """The configuration has a key for each, and no other."""
    keys = set(WardLimit.__dataclass_fields__) - {"rule", "author", "reason", "from_ms", "to_ms"}
    assert keys == set(MOVABLE)
