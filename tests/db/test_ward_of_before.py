"""A ward at work under the release before, brought up to date: everything is still there, and the work goes on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from alerts import store as cases
from alerts.acts import Act
from alerts.audit import audit
from tests.db import before
from tests.db.test_scorer import ILL, MINUTE, message
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.recount import Recount
from vwmon.scorer import Scorer
from vwmon.store import database
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection, module
from vwmon.store.verify import verify

KEPT = ("reading", "reading_log", "score", "alert", "alert_event", "quarantine", "stay", "assignment", "register_log")
OPEN = """select id, lane, state, level, peak, owner, opened_ms, since_ms, ack_note from alert
    where state <> 'closed' order by alert_no"""
SAID = "select event_no, alert_no, kind, actor, at_ms, note from alert_event order by event_no"
OPEN_OF_FIRST = "select state, level from alert where state <> 'closed' and stay_no = 1 and lane = 'clinical'"
LAST = "select max(received_ms) from reading_log"


def told(db: Connection) -> Mapping[str, Sequence[Any]]:
    """Give how many rows there are of each kind, what is open, and what was said and done."""
    counts = {table: db.execute(f"select count(*) from {table}").fetchone() for table in KEPT}  # noqa: S608 -- our own
    return counts | {"open": db.execute(OPEN).fetchall(), "said": db.execute(SAID).fetchall()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The ward, migrated."""
    ward = before.make(tmp_path / "ward.db")
    database.migrate(ward)
    return ward


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    """Its database, opened as the daemon does."""
    with closing(database.open_writer(path)) as opened:
        yield opened


@pytest.mark.hazard("H18")
def test_nothing_of_a_ward_is_lost_by_a_migration(tmp_path: Path, db: Connection, path: Path) -> None:
    """Readings, scores, alerts and what was done about them, as they were; and the file is sound."""
    with closing(module.connect(before.make(tmp_path / "old.db"))) as old:
        assert told(db) == told(old)
    assert [one for one in verify(path) if not one.sound] == []


@pytest.mark.hazard("H18")
def test_a_scale_of_an_admission_of_before_is_a_prescription(db: Connection) -> None:
    """With its target range; whoever had none has none."""
    rows = db.execute("select stay_no, scale, low, high, prescriber from prescription order by stay_no").fetchall()
    assert rows == [(3, 2, 88.0, 92.0, "Dr Scale"), (6, 2, 88.0, 92.0, "Dr Scale")]


@pytest.fixture
def engine(db: Connection) -> Scorer:
    """The scorer, started a minute after the ward last heard something, and looking about."""
    started = Scorer(db, Provenance(config_hash="test", plans=plans.load_all()), heard_ms(db) + MINUTE)
    while started.cycle(heard_ms(db) + MINUTE):
        pass
    return started


def heard_ms(db: Connection) -> int:
    """When the ward last heard something."""
    return int(db.execute(LAST).fetchone()[0])


@pytest.mark.hazard("H18")
def test_what_is_open_stays_open_until_somebody_acts_and_then_obeys(db: Connection, engine: Scorer) -> None:
    """The start alters no clinical alert; one is taken in hand and closed, and the history is one chain with before."""
    clinical = [one for one in told(db)["open"] if one[1] == "clinical"]
    engine.tick(heard_ms(db) + MINUTE)
    assert [one for one in told(db)["open"] if one[1] == "clinical"] == clinical
    (name,) = next((name,) for name, _, state, level, *_ in clinical if (state, level) == ("new", 3))
    act = Act(actor="nurse.three", now_ms=heard_ms(db) + 2 * MINUTE, note="rang")
    with database.atomic(db):
        assert cases.acknowledge(db, name, act).refusal is None
    assert audit(db).breaks == ()
    assert db.execute("select owner from alert where id = ?", [name]).fetchone() == ("nurse.three",)


@pytest.mark.hazard("H18")
def test_who_falls_ill_after_the_migration_has_an_alert(db: Connection, engine: Scorer) -> None:
    """By a device that was given out before it; and counted anew, the readings come to what is stored."""
    started_ms, at_ms = heard_ms(db) + MINUTE, heard_ms(db) + 2 * MINUTE
    assert db.execute(OPEN_OF_FIRST).fetchall() == []
    LogWriter(db).append([message("after-1", ILL, at_ms, at_ms, "sim-001")], (), at_ms)
    while engine.cycle(at_ms):
        pass
    assert db.execute(OPEN_OF_FIRST).fetchall() == [("new", 3)]
    recount = Recount(db, engine, started_ms, Clock().steady_ms)
    while not recount.moments:
        recount.turn(at_ms + MINUTE, engine.cursor)
    assert recount.amiss == 0
