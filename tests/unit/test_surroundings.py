"""What can be wrong with the whole service: when each fault begins, when it is over, and when nobody can tell."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from alerts.faults import Finding
from alerts.model import SYSTEM_STAY, Lane
from alerts.policy import RULES
from tests.at_work import at_work
from vwmon import config, surroundings
from vwmon.certificates import Ending
from vwmon.intake.protocol import LinkState
from vwmon.store.canary import State
from vwmon.store.checked import Checked
from vwmon.store.findings import Key
from vwmon.store.monitor import Monitor
from vwmon.surroundings import MB, Look

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
NOW = 100 * HOUR
LIMITS = config.Monitor()


def link(*, connected: bool, since_ms: int = NOW - HOUR, lost_ms: int | None = None) -> LinkState:
    """Build the state of a connection."""
    return LinkState(
        connected=connected,
        since_ms=since_ms,
        connections=1,
        session_was_kept=lost_ms is None,
        sessions_lost=0 if lost_ms is None else 1,
        trouble="",
        lost_ms=lost_ms,
    )


def before(**changed: Any) -> Monitor:  # noqa: ANN401 -- fields of Monitor
    """Give what the daemon before this one last said."""
    return at_work(0, **({"cycle_ms": NOW - 2 * HOUR} | changed))


WELL = Look(
    now_ms=NOW,
    started_ms=NOW - HOUR,
    link=link(connected=True),
    heard_ms=NOW - SECOND,
    stays=3,
    lag_ms=0,
    before=None,
    free_bytes=5000 * MB,
)


def found(look: Look, rule: str, *, standing: bool = False, since_ms: int = NOW - HOUR) -> Finding | None:
    """Give what a look finds by one rule, with what was found before."""
    key: Key = (SYSTEM_STAY, rule, "")
    known: Mapping[Key, Finding] = {key: Finding(rule=rule, since_ms=since_ms, at_ms=since_ms)} if standing else {}
    several = [one for one in surroundings.found(look, LIMITS, known) if one.rule == rule]
    assert len(several) <= 1
    return several[0] if several else None


def rounds(*, trouble: str | None = None, came_ms: int | None = NOW - MINUTE, began_ms: int = NOW - HOUR) -> State:
    """Give how a canary's rounds go: a reading each minute, which has 30 seconds to come round."""
    return State(
        device="sim-001",
        every_ms=MINUTE,
        limit_ms=30 * SECOND,
        began_ms=began_ms,
        sent_ms=NOW - SECOND,
        came_ms=came_ms,
        trouble=trouble,
    )


def ending(**ends_ms: int | None) -> dict[str, Any]:
    """Give when certificates end, by whose they are."""
    return {"certificates": tuple(Ending(whose=whose, ends_ms=at_ms) for whose, at_ms in ends_ms.items())}


BEGINS: list[tuple[str, dict[str, Any], int, int]] = [
    ("broker", {"link": link(connected=False, since_ms=NOW - MINUTE - 1)}, NOW - MINUTE - 1, NOW - 1),
    ("silent", {"heard_ms": NOW - 15 * MINUTE - 1}, NOW - 15 * MINUTE - 1, NOW - 1),
    ("silent", {"heard_ms": None, "started_ms": NOW - 16 * MINUTE}, NOW - 16 * MINUTE, NOW - MINUTE),
    ("lag", {"lag_ms": MINUTE + 1}, NOW - MINUTE - 1, NOW),
    ("clock_jump", {"jumped_ms": MINUTE + 1}, NOW, NOW),
    ("clock_jump", {"jumped_ms": -MINUTE - 1}, NOW, NOW),
    ("disk", {"free_bytes": 1000 * MB - 1}, NOW, NOW),
    ("notifier", {"unreached_since_ms": NOW - SECOND}, NOW - SECOND, NOW),
    ("dead", {"before": before()}, NOW - 2 * HOUR, NOW - HOUR),
    ("dead", {"before": before(stopped_ms=NOW - HOUR - 5 * MINUTE - 1)}, NOW - HOUR - 5 * MINUTE - 1, NOW - HOUR),
    ("quarantine", {"refused_in_hour": 100}, NOW, NOW),
    ("handover", {"unaccepted_since_ms": NOW - 7}, NOW - 7, NOW - 7),
    ("unaccounted", {"lost": 1, "lost_ms": NOW - HOUR}, NOW - HOUR, NOW - HOUR),
    ("unraised", {"unraised": 1}, NOW, NOW),
    ("session", {"link": link(connected=True, lost_ms=NOW - HOUR)}, NOW - HOUR, NOW - HOUR),
    ("recount", {"amiss": 1, "amiss_ms": NOW - HOUR}, NOW - HOUR, NOW - HOUR),
    ("damaged", {"checked": Checked(at_ms=NOW - HOUR, failed=("every page is whole",))}, NOW - HOUR, NOW),
    ("not_watching", {"canary": rounds(trouble="log: lost")}, NOW - MINUTE, NOW),
    ("not_watching", {"canary": rounds(came_ms=NOW - 100 * SECOND - 1)}, NOW - 100 * SECOND - 1, NOW),
    ("not_watching", {"canary": rounds(came_ms=None, began_ms=NOW - 101 * SECOND)}, NOW - 101 * SECOND, NOW),
    ("certificate", ending(own=NOW + 30 * DAY, broker=None), NOW, NOW),
    ("certificate", ending(own=NOW - DAY), NOW, NOW),
]


@pytest.mark.hazard("H15", "H16", "H19", "H21")
@pytest.mark.parametrize(("rule", "changed", "since_ms", "at_ms"), BEGINS)
def test_a_fault_begins_just_beyond_its_limit(rule: str, changed: dict[str, Any], since_ms: int, at_ms: int) -> None:
    """Since when it was so, and as of when it counts: what has a deadline counts as of that, whoever looked when."""
    one = found(replace(WELL, **changed), rule)
    assert one is not None
    assert (one.since_ms, one.at_ms) == (since_ms, at_ms)


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("broker", {"link": link(connected=False, since_ms=NOW - MINUTE)}),
        ("silent", {"heard_ms": NOW - 15 * MINUTE}),
        ("silent", {"heard_ms": NOW - 9 * HOUR, "stays": 0}),
        ("lag", {"lag_ms": MINUTE}),
        ("clock_jump", {"jumped_ms": MINUTE}),
        ("disk", {"free_bytes": 1000 * MB}),
        ("disk", {"free_bytes": None}),
        ("notifier", {}),
        ("dead", {"before": before(cycle_ms=NOW - HOUR - 5 * MINUTE)}),
        ("dead", {"before": before(mode="recording")}),
        ("dead", {"before": before(), "stays": 0}),
        ("quarantine", {"refused_in_hour": 99}),
        ("handover", {}),
        ("unaccounted", {"lost": 1, "lost_ms": NOW - HOUR - 1}),
        ("unraised", {}),
        ("session", {"link": link(connected=True, lost_ms=NOW - HOUR - 1)}),
        ("recount", {"amiss": 1, "amiss_ms": NOW - HOUR - 1}),
        ("damaged", {}),
        ("damaged", {"checked": Checked(at_ms=NOW - HOUR, failed=())}),
        ("not_watching", {}),
        ("not_watching", {"canary": rounds(came_ms=NOW - 100 * SECOND)}),
        ("not_watching", {"canary": rounds(came_ms=None, began_ms=NOW - 100 * SECOND)}),
        ("certificate", ending(own=NOW + 30 * DAY + 1, broker=None)),
        ("certificate", {}),
    ],
)
def test_at_its_limit_there_is_no_fault(rule: str, changed: dict[str, Any]) -> None:
    """Neither one found, nor a word that would begin one."""
    one = found(replace(WELL, **changed), rule)
    assert one is None or one.since_ms is None


OVER: list[tuple[str, dict[str, Any], int]] = [
    ("broker", {"link": link(connected=True, since_ms=NOW - 9)}, NOW - 9),
    ("silent", {"heard_ms": NOW - 9}, NOW - 9),
    ("silent", {"stays": 0}, NOW),
    ("lag", {"lag_ms": MINUTE // 2}, NOW),
    ("clock_jump", {}, NOW),
    ("disk", {"free_bytes": 1200 * MB}, NOW),
    ("notifier", {}, NOW),
    ("dead", {"before": before()}, NOW - HOUR),
    ("quarantine", {"refused_in_hour": 50}, NOW),
    ("handover", {}, NOW),
    ("unaccounted", {"started_ms": NOW - HOUR - 1}, NOW),
    ("unraised", {}, NOW),
    ("session", {"started_ms": NOW - HOUR - 1}, NOW),
    ("recount", {"started_ms": NOW - HOUR - 1}, NOW),
    ("damaged", {"checked": Checked(at_ms=NOW - MINUTE, failed=())}, NOW),
    ("not_watching", {"canary": rounds()}, NOW),
    ("not_watching", {"canary": None}, NOW),
    ("certificate", ending(own=NOW + 30 * DAY + 1), NOW),
    ("certificate", {}, NOW),
]


@pytest.mark.parametrize(("rule", "changed", "at_ms"), OVER)
def test_a_fault_is_over_when_that_is_known(rule: str, changed: dict[str, Any], at_ms: int) -> None:
    """As of when it was, or of the look that found it so."""
    one = found(replace(WELL, **changed), rule, standing=True, since_ms=NOW - HOUR - 1)
    assert one is not None
    assert (one.since_ms, one.at_ms) == (None, at_ms)


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("broker", {"link": link(connected=False, since_ms=NOW)}),
        ("silent", {"heard_ms": None, "started_ms": NOW}),
        ("lag", {"lag_ms": MINUTE // 2 + 1}),
        ("disk", {"free_bytes": 1200 * MB - 1}),
        ("disk", {"free_bytes": None}),
        ("quarantine", {"refused_in_hour": 51}),
        ("unaccounted", {}),
        ("session", {}),
    ],
)
def test_what_nobody_can_tell_leaves_it_as_it_was(rule: str, changed: dict[str, Any]) -> None:
    """A start is no connection, a start is no reading, and between the limits nothing changes (I7, I12)."""
    assert found(replace(WELL, **changed), rule, standing=True, since_ms=NOW - HOUR) is None


def test_a_clock_that_jumped_is_news_for_ten_minutes() -> None:
    """Then the alert settles, and waits for a person to look at what was received meanwhile."""
    assert found(WELL, "clock_jump", standing=True, since_ms=NOW - 10 * MINUTE) is None
    assert found(WELL, "clock_jump", standing=True, since_ms=NOW - 10 * MINUTE - 1) is not None
    assert found(WELL, "clock_jump") is None


@pytest.mark.parametrize(
    ("jumped_ms", "stands_ms", "silent"),
    [
        (0, None, True),
        (MINUTE, None, True),
        (2 * MINUTE, None, False),
        (0, NOW - 100 * SECOND, False),
        (0, NOW - 100 * SECOND - 1, True),
    ],
)
def test_a_clock_that_jumps_makes_no_canary_silent(jumped_ms: int, stands_ms: int | None, silent: bool) -> None:
    """Nor does a machine that slept: from the jump on it has the time that it always has."""
    look = replace(WELL, canary=rounds(came_ms=NOW - 3 * MINUTE), jumped_ms=jumped_ms)
    jump = Finding(rule="clock_jump", since_ms=stands_ms, at_ms=NOW)
    known = {} if stands_ms is None else {(SYSTEM_STAY, "clock_jump", ""): jump}
    (one,) = [one for one in surroundings.found(look, LIMITS, known) if one.rule == "not_watching"]
    assert (one.since_ms is not None) is silent


@pytest.mark.hazard("H15", "H19", "H21")
def test_every_rule_of_the_service_is_tried_at_its_limit_from_both_sides() -> None:
    """One check for each, and none without a test here."""
    of_the_service = {name for name, rule in RULES.items() if rule.lane is Lane.SYSTEM}
    assert {rule for rule, *_ in BEGINS} == {rule for rule, *_ in OVER} == of_the_service - {"unassigned"}


def expiring(look: Look, standing: Mapping[str, str]) -> dict[str, int | None]:
    """Give which certificates are found to end soon (since when), or no longer to (None)."""
    keys: dict[Key, Finding] = {
        (SYSTEM_STAY, rule, what): Finding(rule=rule, what=what, since_ms=NOW - HOUR, at_ms=NOW - HOUR)
        for what, rule in standing.items()
    }
    several = [one for one in surroundings.found(look, LIMITS, keys) if one.rule == "certificate"]
    return {one.what: one.since_ms for one in several}


@pytest.mark.hazard("H2")
def test_each_certificate_that_ends_soon_is_a_fault_by_itself() -> None:
    """The one that was renewed is over, and the other still stands; so is one whose successor ends soon too."""
    soon, later, never = NOW + 9 * DAY, NOW + 20 * DAY, NOW + 700 * DAY
    both = replace(WELL, **ending(own=soon, broker=later, authority=never))
    assert expiring(both, {}) == {f"own {soon}": NOW, f"broker {later}": NOW}
    known = {f"own {soon}": "certificate", f"broker {later}": "certificate"}
    assert expiring(replace(WELL, **ending(own=never, broker=later)), known) == {
        f"own {soon}": None,
        f"broker {later}": NOW,
    }
    again = expiring(replace(WELL, **ending(own=later, broker=later)), known)
    assert again == {f"own {later}": NOW, f"broker {later}": NOW, f"own {soon}": None}
    assert list(again)[-1] == f"own {soon}", "what takes its place stands before it is over"


def test_what_the_broker_has_not_shown_again_leaves_its_certificate_as_it_was() -> None:
    """A new start has seen nobody yet: only the daemon's own files are known by then."""
    soon, never = NOW + 9 * DAY, NOW + 700 * DAY
    known = {f"own {soon}": "certificate", f"broker {soon}": "certificate", "": "disk"}
    assert expiring(replace(WELL, **ending(own=never, broker=None)), known) == {f"own {soon}": None}
