"""Handovers in the database: several people who accept at once, each alert goes to one of them."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerts import handovers, lifecycle, store
from alerts.acts import Act
from alerts.errors import AlertConflict
from alerts.model import Case
from tests.unit.alerts_points import AT_ONCE, MINUTE, point
from vwmon.store import database
from vwmon.store.database import atomic
from vwmon.store.sqlite import Connection

ALERTS = 40
PEOPLE = ("bob", "cem", "dee")
NOW = 10 * MINUTE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database in which ann hands over forty alerts."""
    path = tmp_path / "ward.db"
    with closing(database.create(path)) as db, atomic(db):
        for stay in range(1, ALERTS + 1):
            before = Case(stay_no=stay)
            store.save(db, before, lifecycle.observe(before, replace(point(0, 5), stay=stay), AT_ONCE), None)
        for name in names(db):
            store.acknowledge(db, name, Act(actor="ann", now_ms=5 * MINUTE, note="phoned"))
        assert handovers.start(db, Act(actor="ann", now_ms=NOW)) is not None
    return path


def names(db: Connection) -> list[str]:
    """Name every alert."""
    return [row[0] for row in db.execute("select id from alert order by alert_no")]


def test_of_several_who_accept_at_once_one_has_each_alert(path: Path) -> None:
    """Three people, each alert wanted by all: one winner each, the others are told who, and nobody waits in vain."""
    begin = threading.Barrier(len(PEOPLE))
    won: dict[str, list[str]] = {person: [] for person in PEOPLE}
    lost: dict[str, list[str]] = {person: [] for person in PEOPLE}

    def accept_all(person: str) -> None:
        with closing(database.open_writer(path)) as db:
            wanted = names(db)
            begin.wait()
            for name in wanted:
                try:
                    with atomic(db):
                        acted = handovers.accept(db, name, Act(actor=person, now_ms=NOW + MINUTE))
                except AlertConflict as error:
                    lost[person].append(str(error))
                else:
                    assert acted.refusal is None
                    won[person].append(name)

    threads = [threading.Thread(target=accept_all, args=(person,)) for person in PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for mine in won.values() for name in mine) == sorted(all_names(path))
    assert sum(map(len, lost.values())) == ALERTS * (len(PEOPLE) - 1)
    assert all("was accepted by" in said for told in lost.values() for said in told)
    with closing(database.open_reader(path)) as db:
        owners = dict(db.execute("select id, owner from alert").fetchall())
        assert owners == {name: person for person, mine in won.items() for name in mine}
        assert list(handovers.current(db)) == []
        taken = db.execute("select count(*) from alert_event where kind = 'taken'").fetchone()[0]
        assert taken == ALERTS


def all_names(path: Path) -> list[str]:
    """Name every alert of a database."""
    with closing(database.open_reader(path)) as db:
        return names(db)


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    """The database, to be written."""
    with closing(database.open_writer(path)) as opened:
        yield opened


def test_an_act_that_fails_leaves_no_half_of_a_handover(db: Connection) -> None:
    """The alert, its history and the handover change together or not at all."""
    (first, *_) = names(db)

    def breaks_off() -> None:
        with atomic(db):
            handovers.accept(db, first, Act(actor="bob", now_ms=NOW))
            raise RuntimeError("the machine loses power")

    with pytest.raises(RuntimeError, match="power"):
        breaks_off()
    (one,) = handovers.current(db)
    assert first in one.waiting
    assert store.find(db, first).owner == "ann"
    assert db.execute("select count(*) from alert_event where kind = 'taken'").fetchone()[0] == 0


def test_the_most_urgent_is_shown_first_and_what_was_accepted_stays_in_sight(db: Connection) -> None:
    """Until all of it is accepted, whoever looks sees who has what."""
    first, second, *_ = names(db)
    with atomic(db):
        handovers.accept(db, second, Act(actor="bob", now_ms=NOW + MINUTE))
    (one,) = handovers.current(db)
    assert len(one.items) == ALERTS
    assert [item.alert.id for item in one.items][:2] == [first, second]
    assert (one.items[1].taker, one.items[1].accepted_ms, one.items[1].waiting) == ("bob", NOW + MINUTE, False)
    assert handovers.given(db) == {"ann": one.waiting}
    assert handovers.given(db, "bob") == {}
