"""Readings counted anew by another way than the scorer's: on a ward in its ups and downs they come to the same.

And whatever the scorer swallows, or scores otherwise, is found within a quarter of an hour.
"""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.db.test_scorer import HOUR, ILL, MINUTE, T0, WELL, Ward
from tests.db.watched_ward import Watched
from vwmon.patients.records import By
from vwmon.recount import EVERY_MS, Recount
from vwmon.store import database, prescribing, registers
from vwmon.store.prescribing import Wanted
from vwmon.store.sqlite import Connection

MIDDLING = WELL | {"respiratory_rate": 21.0, "spo2": 93.0, "heart_rate": 95.0}  # 2 + 2 + 1: NEWS2 of 5
HALF_KNOWN = {"spo2": 84.0, "respiratory_rate": 26.0, "heart_rate": 70.0}


def counted(ward: Ward, now_ms: int, started_ms: int = T0) -> Recount:
    """Count everything anew."""
    recount = Recount(ward.db, ward.scorer.asked, started_ms)
    recount.turn(max(now_ms, started_ms), ward.scorer.cursor)
    return recount


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A ward with two patients, one of whom is ill once in between and one middling for half an hour."""
    made = Ward(tmp_path / "ward.db")
    with closing(made.db):
        made.admit("p1")
        made.admit("p2")
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
    recount = Recount(ward.db, ward.scorer.asked, T0)
    recount.turn(T0 + 42 * MINUTE, cursor)
    assert recount.amiss == 0


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_and_whatever_people_do_nothing_is_said_to_differ(tmp_path: Path, seed: int) -> None:
    """A false word of this would be an emergency on every screen: late, twice, refused, on scale 2, kit that moves."""
    chance = random.Random(seed)
    ward = Watched(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    ward.started()
    recount, moments = Recount(ward.db, ward.scorer.asked, T0), 0
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
            prescribes(ward, chance.choice((1, 2)))
            ward.score(ward.now_ms)
        recount.turn(ward.now_ms, ward.scorer.cursor)
        moments += recount.moments
        assert recount.amiss_ms is None, step
        ward.someone_acts(chance)
    assert moments > 40


def prescribes(ward: Watched, scale: int) -> None:
    """Have a clinician say from now on which scale the second patient is scored on."""
    wanted = Wanted(
        patient="p2",
        what="scale",
        scale=scale,
        target=(88, 92) if scale == 2 else None,
        prescriber="Dr Malik",
        reason="seen",
        from_ms=ward.now_ms,
    )
    prescribing.put(ward.db, wanted, By(actor="test", at_ms=ward.now_ms))


def test_a_round_of_a_large_ward_is_cut_into_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is said to be whole only when it is."""
    monkeypatch.setattr("vwmon.recount.AT_ONCE", 2)
    ward = Ward(tmp_path / "ward.db")
    for number in range(5):
        ward.admit(f"p{number}")
        ward.sends(WELL, 1, device=f"of-p{number}")
    recount = Recount(ward.db, ward.scorer.asked, T0)
    seen = []
    for _ in range(3):
        recount.turn(T0 + HOUR // 2, ward.scorer.cursor)
        seen.append(recount.moments)
    assert seen == [0, 0, 5]


def _plan(db: Connection, sql: str, parameters: list[object]) -> str:
    return " ".join(row[3] for row in db.execute(f"explain query plan {sql}", parameters))


def test_a_round_reads_no_day_whole(tmp_path: Path) -> None:
    """The readings of a stay are looked up by day, device and vital."""
    from vwmon.store import recounting

    with closing(database.create(tmp_path / "ward.db")) as db:
        plan = _plan(db, recounting._READINGS, ["[[1, 0]]", T0, '["spo2"]', 9])
    assert "PRIMARY KEY (day=? AND device_no=? AND vital_no=? AND observed_ms>? AND observed_ms<?)" in plan
