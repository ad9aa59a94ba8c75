"""The daemon's books on a real database: what is counted and is not there, and scores that ask for an alert."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from alerts import policy
from tests.db.test_scorer import ILL, MINUTE, T0, WELL, Ward, message
from tests.db.watched_ward import Watched
from vwmon.patients.records import By
from vwmon.store import database, reckoning, registers
from vwmon.store.arrivals import Arrival, Counts, Quarantined
from vwmon.store.log import LogWriter
from vwmon.store.reckoning import Rows
from vwmon.store.sqlite import Connection

SPO2 = {"spo2": 97.0, "heart_rate": 70.0}
RUBBISH = Quarantined(
    topic="x", device=None, reason="topic_unknown", detail="", payload=b"", received_ms=T0, message_id=None
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A new database."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        yield opened


class Books:
    """A log that is written to, what is counted of it, and who looks whether it is there."""

    def __init__(self, db: Connection) -> None:
        """Begin after something that was there already."""
        self.db, self.log, self.counts, self.sent = db, LogWriter(db), Counts(), 0
        self.log.append([self.arrival()], [RUBBISH], T0)
        self.rows = Rows(db)

    def arrival(self, *refused: str) -> Arrival:
        """Make a message."""
        self.sent += 1
        return message(f"m{self.sent}", SPO2, T0 + self.sent, T0 + self.sent, "dev-1", refused)

    def append(self, *arrivals: Arrival, quarantined: int = 0) -> None:
        """Store messages and count them, as ingest does."""
        before, came = self.counts, self.log.append(arrivals, [RUBBISH] * quarantined, T0 + self.sent)
        self.counts = msgspec.structs.replace(
            before,
            stored=before.stored + came.stored,
            duplicates=before.duplicates + came.duplicates,
            refused=before.refused + came.refused,
            quarantined=before.quarantined + came.quarantined,
        )

    def missing(self) -> int:
        """Look."""
        return self.rows.missing(self.db, self.counts)


def test_nothing_is_missed_of_what_is_there(db: Connection) -> None:
    """Repeats, refusals, what could not be used, what was merged meanwhile, and what somebody else wrote."""
    books = Books(db)
    twice = books.arrival()
    books.append(twice, books.arrival("respiratory_rate"))
    assert books.missing() == 0
    books.append(twice, quarantined=3)
    books.log.merge(1 << 40, 1 << 40)
    books.append(books.arrival(), books.arrival("temperature", "spo2"))
    LogWriter(db).append([books.arrival("spo2")], [RUBBISH], T0)
    assert [books.missing(), books.missing()] == [0, 0]


@pytest.mark.hazard("H2")
def test_a_row_that_was_numbered_and_is_not_there_is_missed(db: Connection) -> None:
    """And is once only, however often one looks."""
    books = Books(db)
    books.append(books.arrival(), books.arrival(), books.arrival())
    db.execute("delete from reading_log where seq = 5")
    assert [books.missing(), books.missing()] == [1, 1]
    books.append(books.arrival())
    assert books.missing() == 1


def test_what_was_counted_as_stored_and_never_was_is_missed(db: Connection) -> None:
    """A commit that did not happen, and a message that was said to be quarantined."""
    books = Books(db)
    books.append(books.arrival())
    books.counts = msgspec.structs.replace(books.counts, stored=4, quarantined=1)
    assert books.missing() == 3


@pytest.mark.hazard("H2")
def test_a_score_that_asks_for_an_alert_has_it(tmp_path: Path) -> None:
    """Counted while it stands; without its alert it is found; one who was well, left or asked before is not counted."""
    ward = Ward(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    ward.sends(WELL, 1, device="of-p2")
    ward.sends(ILL, 1)
    assert ward.scorer.breaches(T0) == (1, 0)
    ward.db.execute("update alert set peak = 2, level = 2 where lane = 'clinical'")
    assert ward.scorer.breaches(T0) == (1, 1)
    assert ward.scorer.breaches(T0 + 2 * MINUTE) == (0, 0), "before this daemon began"
    ward.discharge("p1", T0 + 2 * MINUTE)
    ward.score(T0 + 2 * MINUTE)
    assert ward.scorer.breaches(T0) == (0, 0)


def test_a_limit_of_ones_own_decides_what_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A total of 8 asks for nothing at once where the limit is 9."""
    ward = Ward(tmp_path / "ward.db")
    ward.admit("p1")
    ward.sends(ILL, 1)
    of_table = policy.RULES["news2_7"]
    moved = policy.RuleSet.of({**policy.RULES, "news2_7": replace(of_table, limit_on=9, limit_off=8)})
    monkeypatch.setattr("alerts.over_time.OverTime.at", lambda _self, _at_ms: replace(policy.TERMS, rules=moved))
    assert ward.scorer.breaches(T0) == (0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_people_do_no_score_is_said_to_lack_its_alert(tmp_path: Path, seed: int) -> None:
    """A false word of this would be an emergency on every screen: closed, taken, put off, reopened, late, refused."""
    chance = random.Random(seed)
    ward = Watched(tmp_path / "ward.db")
    ward.admit("p1")
    ward.admit("p2")
    breaches = 0
    for step in range(1, 80):
        device = chance.choice(("of-p1", "of-p2"))
        values = chance.choice((ILL, ILL, WELL, {"spo2": 84.0}, {"respiratory_rate": 27.0}))
        ward.hears(values, step * 5, late=chance.choice((0, 0, 0, 7, 31)), device=device)
        assert ward.scorer.breaches(T0)[1] == 0, step
        ward.someone_acts(chance)
        found, unraised = ward.scorer.breaches(T0)
        breaches += found
        assert unraised == 0, step
    assert breaches > 20


def test_what_was_reckoned_is_read_back(db: Connection) -> None:
    """By whoever shows it; nothing before a daemon did."""
    assert reckoning.read(db) is None
    books = reckoning.Reckoning(**dict.fromkeys(reckoning.Reckoning.__slots__, 3))
    with database.atomic(db):
        reckoning.write(db, books)
    assert reckoning.read(db) == books


def test_readings_that_become_a_patients_later_have_their_alert_too(tmp_path: Path) -> None:
    """A device that was on the wrong patient, or on nobody, is given to the right one as of when it was."""
    ward = Ward(tmp_path / "ward.db")
    ward.admit("p1")
    by = By(actor="test", at_ms=T0)
    registers.add_device(ward.db, "other", by)
    ward.sends(WELL, 1)
    ward.sends(ILL, 5, device="other")
    ward.sends(ILL, 9, device="other")
    assert ward.scorer.breaches(T0) == (0, 0)
    registers.assign(ward.db, "other", "p1", T0 + 2 * MINUTE, By(actor="test", at_ms=T0 + 10 * MINUTE))
    ward.score(T0 + 10 * MINUTE)
    assert ward.scorer.breaches(T0) == (1, 0)
