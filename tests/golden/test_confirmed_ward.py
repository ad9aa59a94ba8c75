"""What the made ward is for: every way a breach can go, many times over.

The recordings of hospitals come hourly or by the minute; here readings come at the pace of people at home who repeat a
reading, give up, recover and relapse, so that waits are confirmed, denied and run out. That its scores and alerts are
the brute force's is tested with the other wards.
"""

from collections import Counter

import pytest

from tests.golden.conftest import TENDED
from tests.golden.wards import MADE, Ward
from vwmon.store.sqlite import Connection

made = pytest.mark.parametrize("ward", [MADE, MADE + TENDED], indirect=True)


@made
def test_what_waits_at_the_end_is_what_the_brute_force_leaves_waiting(ward: Ward, db: Connection) -> None:
    """As many as have had neither an answer nor their time, and a wish for a repeat is open for exactly those."""
    waiting = db.execute("select stay_no, rule from condition where state = 'pending' order by 1, 2").fetchall()
    assert len(waiting) == sum(found.waiting for found in ward.truth.values())
    assert db.execute("select stay_no, rule from request where state = 'queued' order by 1, 2").fetchall() == waiting


@made
def test_the_made_ward_shows_every_way_a_breach_can_go(ward: Ward, db: Connection) -> None:
    """The comparison is about something: denied, confirmed, run out, relapsed often, and ended by itself."""
    denied = Counter(rule for found in ward.truth.values() for rule, _, _ in found.denied)
    assert all(denied[rule] > 5 for rule in ("five", "red", "could be"))
    asked = dict(db.execute("select state, count(*) from request group by state").fetchall())
    assert asked["answered"] > 100 < asked["over"]
    every = [alert for found in ward.truth.values() for alert in found.alerts]
    assert {alert.state for alert in every} >= {"new", "reraised", "closed"}
    assert any(len(alert.came_up) > 3 for alert in every)


@pytest.mark.parametrize("ward", [MADE + TENDED], indirect=True)
def test_where_someone_comes_round_a_patient_has_one_alert_after_the_other(ward: Ward, db: Connection) -> None:
    """Of each level, closed with an outcome, and with waits that the closing put an end to."""
    closed = {peak for (peak,) in db.execute("select peak from alert where outcome is not null")}
    assert closed == {2, 3}
    assert max(len(found.alerts) for found in ward.truth.values()) > 5
    assert any(until - since < 900_000 for found in ward.truth.values() for _, since, until in found.dropped)
