"""Sixty kills of the daemon, thirty of the broker, ten of both: no receipted reading lost, none stored twice."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import ward
from tests.faults.matrix import Trial
from tests.faults.rows import kills
from vwmon.store import database

KILLS = {"daemon": 60, "broker": 30, "both": 10}


@pytest.mark.hazard("H1")
@pytest.mark.slow(110)
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
