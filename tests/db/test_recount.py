"""Readings counted anew by another way than the scorer's: on a ward in its ups and downs they come to the same.

And whatever the scorer swallows, or scores otherwise, is found within a quarter of an hour.
"""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.db.test_scorer import HOUR, ILL, MINUTE, T0, WELL, Ward, message
from tests.db.watched_ward import Watched
from vwmon.clock import Clock
from vwmon.durations import DAY_MS
from vwmon.patients import plans
from vwmon.patients.records import By
from vwmon.recount import EVERY_MS, Recount
from vwmon.store import database, limits, prescribing, registers
from vwmon.store.prescribing import Wanted
from vwmon.store.sqlite import Connection

MIDDLING = WELL | {"respiratory_rate": 21.0, "spo2": 93.0, "heart_rate": 95.0}  # 2 + 2 + 1: NEWS2 of 5
HALF_KNOWN = {"spo2": 84.0, "respiratory_rate": 26.0, "heart_rate": 70.0}

MOVED = (
    ("news2_5", {"cadence": "continuous", "on_delay": "10m"}),
    ("news2_5", {"level": 3}),
    ("news2_7", {"limit_on": 9, "limit_off": 8}),
    ("news2_7", {"limit_on": 5, "limit_off": 4}),
)


def counted(ward: Ward, now_ms: int, started_ms: int = T0) -> Recount:
    """Count everything anew."""
    recount = Recount(ward.db, ward.scorer, started_ms, Clock().steady_ms)
    recount.turn(max(now_ms, started_ms), ward.scorer.cursor)
    return recount


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A ward with two patients, one of whom is ill once in between and one middling for half an hour."""
    made = Ward(tmp_path / "ward.db")
    with closing(made.db):
        made.admit("p1")
        made.admit("p2")
        made.score(T0)
        for minute in range(1, 41, 3):
            made.sends(ILL if minute == 19 else WELL, minute)
            made.sends(MIDDLING if minute > 4 else WELL, minute, device="of-p2")
            made.scorer.tick(T0 + minute * MINUTE)
        yield made


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("select 1", 0),
        ("update alert set peak = 2, level = 2 where peak = 3", 1),
        ("delete from condition; update alert set since_ms = since_ms + 3600000 where peak = 3", 1),
        ("update alert set peak = 1, level = 1 where peak = 2", 5),
        ("delete from score where total_min = 8", 1),
        ("update score set total_max = 9 where total_min = 8", 1),
        ("update score set total_min = 4 where total_min = 5", 12),
    ],
)
def test_what_is_not_stored_as_the_readings_come_to_is_found(ward: Ward, planted: str, found: int) -> None:
    """A swallowed alert, also of a breach that is long over; one of level 2 that stood; a score that is not theirs."""
    for statement in planted.split(";"):
        ward.db.execute(statement)
    recount = counted(ward, T0 + 41 * MINUTE)
    assert (recount.moments, recount.amiss) == (28, found)
    assert recount.amiss_ms == (T0 + 41 * MINUTE if found else None)


def test_each_moment_is_counted_once_and_those_that_come_later_too(ward: Ward) -> None:
    """The next round begins a quarter of an hour after, where the last one ended; what it finds is its own."""
    recount = counted(ward, T0 + 41 * MINUTE)
    recount.turn(T0 + 41 * MINUTE + EVERY_MS - 1, ward.scorer.cursor)
    assert recount.moments == 28
    ward.sends(WELL, 50)
    recount.turn(T0 + 41 * MINUTE + EVERY_MS, ward.scorer.cursor)
    assert (recount.moments, recount.amiss) == (1, 0)


def test_what_was_scored_before_this_daemon_is_left_to_the_one_that_did(ward: Ward) -> None:
    """Another release may have scored it."""
    ward.db.execute("delete from score")
    assert counted(ward, T0 + 41 * MINUTE, started_ms=T0 + 40 * MINUTE).moments == 2


def test_what_is_not_scored_yet_is_not_missed(ward: Ward) -> None:
    """The log may be ahead."""
    cursor = ward.scorer.cursor
    ward.sends(ILL, 41)
    ward.db.execute("delete from score where at_ms = ?", [T0 + 41 * MINUTE])
    recount = Recount(ward.db, ward.scorer, T0, Clock().steady_ms)
    recount.turn(T0 + 42 * MINUTE, cursor)
    assert recount.amiss == 0


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Watched]:
    """A ward with one patient, whose clock is looked at."""
    ward = Watched(tmp_path / "ward.db")
    with closing(ward.db):
        ward.admit("p1")
        ward.score(T0)
        yield ward


@pytest.mark.hazard("H11")
def test_a_breach_that_came_late_and_has_had_its_alert_is_not_missed(alone: Watched) -> None:
    """The alert began with what was known then; what came to light of before it raises none."""
    for minute in range(10, 60, 4):
        alone.hears(ILL if minute == 10 else WELL, minute)
    alone.hears(ILL, 5, late=56)
    assert alone.rows("select since_ms from alert where lane = 'clinical'") == [(T0 + 10 * MINUTE,)]
    recount = counted(alone, alone.now_ms)
    assert (recount.moments, recount.amiss) == (14, 0)


@pytest.mark.hazard("H11")
def test_a_limit_that_asks_for_a_run_is_kept_to(alone: Watched) -> None:
    """Breaches that are too far apart are no run, so that no alert is owed."""
    changes = {"cadence": "continuous", "on_delay": "10m"}
    limits.put(alone.db, "p1", "news2_5", changes, "agreed", By(actor="ann", at_ms=T0))
    for minute in (2, 20, 38):
        alone.hears(MIDDLING, minute)
    recount = counted(alone, alone.now_ms)
    assert (recount.moments, recount.amiss) == (3, 0)


@pytest.mark.hazard("H11")
def test_a_breach_that_was_received_all_at_once_has_its_time_for_a_repeat(alone: Watched) -> None:
    """What a device kept to itself for half an hour was borne out by nothing while nobody knew of it."""
    alone.until(30)
    for minute, values in ((5, MIDDLING), (15, {"temperature": 36.9}), (26, {"temperature": 37.0})):
        alone.store(message(f"m{minute}", values, T0 + minute * MINUTE, alone.now_ms, "of-p1"))
        alone.score(alone.now_ms)
    assert alone.open_alerts() == []
    assert counted(alone, alone.now_ms).amiss == 0


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("minutes", [2, 4, 5])
def test_breaches_of_rules_in_turn_are_no_run_of_any(alone: Watched, minutes: int) -> None:
    """One alert, by the repeat or by the first one's deadline; and the recount is owed no other."""
    for turn in range(1, 11):
        alone.hears(MIDDLING if turn % 2 else WELL | {"heart_rate": 132.0}, turn * minutes)
    assert len(alone.open_alerts()) == 1
    recount = counted(alone, alone.now_ms)
    assert (recount.moments, recount.amiss) == (10, 0)


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("noticed", [True, False])
def test_what_the_register_says_in_the_middle_of_a_round_is_gone_by(alone: Watched, *, noticed: bool) -> None:
    """From when the scorer knows of it: a scale that is another as of a time, while a round waits for its next look."""
    alone.admit("p2")
    alone.score(T0)
    alone.hears(WELL, 5)
    recount = Recount(alone.db, alone.scorer, T0, count(step=100).__next__)
    recount.turn(alone.now_ms, alone.scorer.cursor)
    prescribes(alone, 2)
    if noticed:
        alone.hears(WELL | {"spo2": 90.0}, 9, device="of-p2")
    else:
        alone.store(message("m", WELL | {"spo2": 90.0}, T0 + 7 * MINUTE, T0 + 5 * MINUTE, "of-p2"))
        alone.scorer._advance(alone.scorer._next())  # as before it looks at the register
    recount.turn(alone.now_ms, alone.scorer.cursor)
    assert (recount.moments, recount.amiss) == (1 + noticed, 0)


@pytest.mark.hazard("H11")
def test_an_upgrade_of_the_pathway_accuses_nobody(alone: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands was scored by how long readings counted then; what changes from then on is counted anew."""
    alone.hears(MIDDLING, 5)
    alone.hears({"heart_rate": 95.0}, 36)
    now = plans.load("acute-respiratory")
    spo2 = replace(now.vitals["spo2"], valid_ms=25 * MINUTE)
    later = replace(now, version=f"{now.version}-next", vitals={**now.vitals, "spo2": spo2})
    upgraded = {**plans.load_all(), now.pathway: later}
    monkeypatch.setattr(plans, "_read", upgraded.__getitem__)
    monkeypatch.setattr(plans, "load_all", lambda: upgraded)
    alone.until(37)
    alone.started(alone.now_ms)
    recount = Recount(alone.db, alone.scorer, alone.now_ms, Clock().steady_ms)
    alone.hears({"heart_rate": 95.0}, 41)
    recount.turn(alone.now_ms, alone.scorer.cursor)
    assert (recount.moments, recount.amiss) == (1, 0)
    alone.hears({"heart_rate": 75.0}, 45)
    alone.db.execute("update score set total_min = 9, total_max = 9 where at_ms = ?", [T0 + 45 * MINUTE])
    recount.turn(alone.now_ms + EVERY_MS, alone.scorer.cursor)
    assert (recount.moments, recount.amiss) == (1, 1)


def test_a_clock_that_is_set_back_does_not_stop_the_counting(alone: Watched) -> None:
    """A round begins at once, and has what comes by the clock of now, also of who was counted by the one before."""
    alone.store(message("m1", WELL, T0 + 5 * HOUR, T0 + 5 * HOUR, "of-p1"))
    alone.score(T0 + 5 * HOUR)
    recount = counted(alone, T0 + 5 * HOUR)
    alone.hears(WELL, 5)
    recount.turn(alone.now_ms, alone.scorer.cursor)
    assert (recount.moments, recount.amiss) == (2, 0)


def test_a_device_whose_clock_is_ahead_hides_nothing_of_another(alone: Watched) -> None:
    """What is measured in the time between is counted, and what is from the time to come once more."""
    alone.store(message("m1", WELL, T0 + 9 * MINUTE, T0 + 5 * MINUTE, "of-p1"))
    alone.score(T0 + 5 * MINUTE)
    recount = counted(alone, T0 + 5 * MINUTE)
    alone.hears(WELL, 7)
    recount.turn(T0 + 20 * MINUTE, alone.scorer.cursor)
    assert (recount.moments, recount.amiss) == (2, 0)


def test_a_device_whose_clock_is_ahead_over_midnight_is_read_whole(alone: Watched) -> None:
    """What has been merged under the day to come, and what has not."""
    midnight = (T0 // DAY_MS + 1) * DAY_MS
    alone.store(message("m1", ILL, midnight + MINUTE, midnight - MINUTE, "of-p1"))
    alone.score(midnight - MINUTE)
    alone.merge()
    alone.store(message("m2", {"temperature": 36.9}, midnight + MINUTE + 1, midnight - MINUTE, "of-p1"))
    alone.score(midnight - MINUTE)
    recount = counted(alone, midnight - MINUTE)
    assert (recount.moments, recount.amiss) == (2, 0)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_and_whatever_people_do_nothing_is_said_to_differ(tmp_path: Path, seed: int) -> None:
    """A false word of this would be an emergency on every screen.

    Late, twice, refused; kit that moves; scales from an earlier or later time on, and up to one; limits that end.
    """
    chance = random.Random(seed)
    ward = Watched(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    ward.started()
    recount, moments = Recount(ward.db, ward.scorer, T0, Clock().steady_ms), 0
    for step in range(1, 70):
        device = chance.choice(("of-p1", "of-p2"))
        values = chance.choice(
            (ILL, MIDDLING, MIDDLING, WELL, HALF_KNOWN, {"spo2": 84.0}, {"fio2": 0.4}, {"gcs": 14.0})
        )
        refused = chance.choice(((), (), ("temperature",)))
        late_ms = chance.choice((0, 0, 0, 7, 31)) * MINUTE
        ward.until(step * 4 + late_ms / MINUTE)
        ward.sends(values, step * 4, late_ms=late_ms, device=device, refused=refused)
        if chance.random() < 0.1:
            by = By(actor="test", at_ms=ward.now_ms)
            registers.return_device(ward.db, "of-p2", ward.now_ms, by)
            registers.assign(ward.db, "of-p2", "p2", ward.now_ms, by)
            ward.score(ward.now_ms)
        if chance.random() < 0.1:
            ends = chance.choice((None, 9, 25))
            prescribes(ward, chance.choice((1, 2)), from_minutes=chance.choice((-40, 0, 0, 15)), ends_after=ends)
            ward.score(ward.now_ms)
        if chance.random() < 0.1:
            rule, changes = chance.choice(MOVED)
            to_ms = chance.choice((None, ward.now_ms + 25 * MINUTE))
            limits.put(ward.db, "p1", rule, changes, "agreed", By(actor="test", at_ms=ward.now_ms), to_ms=to_ms)
            ward.score(ward.now_ms)
        recount.turn(ward.now_ms, ward.scorer.cursor)
        moments += recount.moments
        assert recount.amiss_ms is None, step
        ward.someone_acts(chance)
    assert moments > 40


def prescribes(ward: Watched, scale: int, *, from_minutes: int = 0, ends_after: int | None = None) -> None:
    """Have a clinician say from a time on, and up to one, which scale the second patient is scored on."""
    from_ms = max(ward.now_ms + from_minutes * MINUTE, T0)
    wanted = Wanted(
        patient="p2",
        what="scale",
        scale=scale,
        target=(88, 92) if scale == 2 else None,
        prescriber="Dr Malik",
        reason="seen",
        from_ms=from_ms,
        to_ms=None if ends_after is None else max(from_ms, ward.now_ms) + ends_after * MINUTE,
    )
    prescribing.put(ward.db, wanted, By(actor="test", at_ms=ward.now_ms))


def test_a_round_of_a_large_ward_is_cut_into_looks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No look begins another stay once its time is over, for alerts wait; a round is said to be whole when it is.

    And when that is later than the next one should have begun.
    """
    ward = Ward(tmp_path / "ward.db")
    for number in range(5):
        ward.admit(f"p{number}")
    ward.score(T0)
    for number in range(5):
        ward.sends(WELL, 1, device=f"of-p{number}")
    steady_ms = count(step=30)
    recount = Recount(ward.db, ward.scorer, T0, lambda: next(steady_ms))
    seen = []
    for look in range(3):
        recount.turn(T0 + HOUR // 2 + look * (EVERY_MS // 2 + 1), ward.scorer.cursor)
        seen.append(recount.moments)
    assert seen == [0, 0, 5]
    assert "recount_behind stays=5 took_s=900" in caplog.text


def _plan(db: Connection, sql: str, parameters: list[object]) -> str:
    return " ".join(row[3] for row in db.execute(f"explain query plan {sql}", parameters))


def test_a_round_reads_no_day_whole(tmp_path: Path) -> None:
    """The readings of a stay are looked up by day, device and vital."""
    from vwmon.store import recounting

    with closing(database.create(tmp_path / "ward.db")) as db:
        plan = _plan(db, recounting._MERGED, [1, 0, T0, '["spo2"]'])
    looked_up = (
        "SEARCH reading USING PRIMARY KEY (day=? AND device_no=? AND vital_no=? AND observed_ms>? AND observed_ms<?)"
    )
    assert (plan.count(looked_up), "SCAN reading" in plan) == (2, False)
