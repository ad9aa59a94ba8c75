"""Sixty kills of the daemon, thirty of the broker, ten of both: no receipted reading lost, none stored twice.

And what is planted is found: in the daemon, or in what makes a kill a fault.
"""

import random
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import lives, ward
from tests.faults.matrix import Trial
from tests.faults.rows import forgotten, kills
from tests.faults.rows.kills import AT_WORK
from vwmon.store import database

KILLS = {"daemon": 60, "broker": 30, "both": 10}
SLOW_TO_START = "import threading; threading.Event().wait(2)"
MERGES_IN_STEPS = """
import threading
from vwmon.store import log
move = log._move

def stepwise(db, bound):
    db.execute("create temp table moved as select * from reading_log where seq <= ?", [bound])
    db.execute("delete from reading_log where seq <= ?", [bound])
    db.execute("commit")
    threading.Event().wait(1)
    db.execute("begin immediate")
    db.execute("insert into reading_log select * from moved")
    db.execute("drop table moved")
    move(db, bound)

log._move = stepwise
"""
NEVER_TOLD = """
surroundings.CHECKS = tuple(one for one in surroundings.CHECKS if one.__name__ != "_session")
"""
KEEPS_NOTHING = "set_tcp_nodelay true"


@pytest.mark.hazard("H1")
@pytest.mark.slow(200)
def test_a_hundred_kills_lose_no_receipted_reading_and_double_none(tmp_path: Path) -> None:
    """What has a receipt is stored once, and scores and alerts are those of a run that nothing disturbed."""
    victims = [name for name, count in KILLS.items() for _ in range(count)]
    random.Random(11).shuffle(victims)
    tally = kills.kill(Trial(folder=tmp_path, runs=len(victims), seed=7), victims)
    assert (tally.lost, tally.doubled, tally.broken) == (0, 0, ())
    with closing(database.open_reader(tmp_path / "vwmon.db")) as db:
        raised = db.execute("select count(*) from alert where lane = 'clinical'").fetchone()[0]
        assert raised >= ward.PATIENTS // 4
        assert db.execute("select merged_seq > 0 and merged_seq < last_seq from log").fetchone() == (1,)


@pytest.mark.slow(40)
def test_a_merge_in_two_steps_is_found_by_kills_of_a_daemon_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F1: what is between the steps when the daemon is killed is nowhere."""
    monkeypatch.setattr(kills, "EACH_TURN", 10)
    monkeypatch.setattr(kills, "AT_WORK_S", (1, 3))
    trial, aim = Trial(folder=tmp_path, runs=8, seed=7), replace(AT_WORK, moments=(kills.at_work,))
    assert kills.kill(trial, ["daemon"] * trial.runs, planted=MERGES_IN_STEPS, aim=aim).lost > 0


@pytest.mark.slow(20)
def test_kills_that_all_fall_into_a_start_are_told(tmp_path: Path) -> None:
    """F1: they would prove nothing of merges and alerts."""
    trial, aim = Trial(folder=tmp_path, runs=lives.LEAST, seed=7), replace(AT_WORK, moments=(kills.during_the_start,))
    tally = kills.kill(trial, ["daemon"] * trial.runs, aim=aim)
    assert "no kill fell when it was ready" in tally.broken
    assert "no kill fell after a merge of its own" in tally.broken
    assert "no kill fell before it was ready" not in tally.broken


@pytest.mark.slow
def test_a_daemon_that_takes_too_long_to_be_ready_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F1: a start that hangs for as long as the bound."""
    monkeypatch.setattr(lives, "READY_MOST_S", 2)
    aim = replace(AT_WORK, moments=(kills.at_work,))
    tally = kills.kill(Trial(folder=tmp_path, runs=1, seed=7), ["daemon"], planted=SLOW_TO_START, aim=aim)
    assert "not ready within 2 s of its start" in tally.broken


def test_a_broker_that_leaves_no_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F3: then it comes back with nothing, which is another fault."""
    monkeypatch.setattr(kills, "KEEPS", KEEPS_NOTHING)
    tally = kills.kill(Trial(folder=tmp_path, runs=1, seed=7), ["broker"])
    assert tally.broken == ("no broker left a store",)


def test_a_store_that_was_never_there_cannot_be_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F25: nothing was removed."""
    monkeypatch.setattr(kills, "KEEPS", KEEPS_NOTHING)
    assert "no store was there to be lost" in forgotten.forgotten(Trial(folder=tmp_path, runs=1, seed=7)).broken


@pytest.mark.slow
def test_a_lost_session_that_is_no_alert_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F25: whether the store is gone or is one that the broker cannot read."""
    monkeypatch.setattr(forgotten, "ALARM_S", 8)
    tally = forgotten.forgotten(Trial(folder=tmp_path, runs=2, seed=7), NEVER_TOLD)
    told = "no alert of the lost session within 8 s"
    assert tally.broken == (f"gone: {told}", f"cut short and refused: {told}")
