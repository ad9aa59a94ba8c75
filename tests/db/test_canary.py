"""What a canary leaves in the database: its one row, and nothing that grows."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.at_work import at_work
from tests.db.test_scorer import ILL, MINUTE, T0, WELL, Ward, message
from vwmon.durations import DAY_MS, HOUR_MS
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import account, canary, database, listing, monitor, registers, trust
from vwmon.store.canary import SILENT, Whose
from vwmon.store.database import atomic
from vwmon.store.listing import Wanted
from vwmon.store.log import LogWriter
from vwmon.store.verify import verify

BY = By(actor="test", at_ms=T0)
DEVICE = "sim-001"


class Made(Ward):
    """A ward with a person and a canary; the canary's device was the person's an hour before."""

    def __init__(self, path: Path) -> None:
        """Begin at T0."""
        super().__init__(path)
        self.admit("p1")
        registers.add_device(self.db, DEVICE, BY)
        registers.assign(self.db, DEVICE, "p1", T0, BY)
        self.hears("before", 0, ILL)
        registers.return_device(self.db, DEVICE, T0 + HOUR_MS, BY)
        wanted = Admission(
            patient="canary", ward="resp", plan=plans.load(plans.CANARY), admitted_ms=T0, born="1950-01-01"
        )
        registers.admit(self.db, wanted, BY)
        self.person, self.stay_no = (registers.open_stay(self.db, name).stay_no for name in ("p1", "canary"))
        registers.assign(self.db, DEVICE, "canary", T0 + HOUR_MS, BY)
        with atomic(self.db):
            canary.begin(self.db, DEVICE, MINUTE, MINUTE // 2, T0 + HOUR_MS)

    def hears(self, key: str, at_ms: int, values: dict[str, float], device: str = DEVICE) -> None:
        """Store and score one message."""
        self.store(message(key, values, T0 + at_ms, T0 + at_ms, device))
        self.score(T0 + at_ms)

    def rounds(self, first_ms: int, count: int, every_ms: int) -> None:
        """Send the canary round so many times."""
        for number in range(count):
            at_ms = first_ms + number * every_ms
            with atomic(self.db):
                canary.sent(self.db, self.stay_no, T0 + at_ms)
            rate = {"heart_rate": 95.0} if number % 2 else {}
            self.hears(f"canary-{T0 + at_ms:015d}", at_ms, {**WELL, **rate})

    def whose(self) -> Whose:
        """Give whose the device is."""
        found = canary.whose(self.db, DEVICE, T0 + 10 * DAY_MS)
        assert found is not None
        return found


@pytest.fixture
def ward(tmp_path: Path) -> Made:
    """The ward."""
    return Made(tmp_path / "ward.db")


@pytest.mark.hazard("H2")
def test_what_a_canary_sent_goes_and_nothing_of_a_person_does(ward: Made) -> None:
    """Its readings, scores and keys of before a time go; what the same device measured of a person stays whole."""
    ward.rounds(2 * HOUR_MS, 40, HOUR_MS)
    LogWriter(ward.db).merge(1 << 40, 1 << 40)
    bound = T0 + 30 * HOUR_MS
    with atomic(ward.db):
        gone = canary.forget(ward.db, DEVICE, ward.whose(), ("canary-", f"canary-{bound:015d}"), bound)
    assert gone == 28 * len(WELL)
    readings = "select observed_ms, count(*) from reading group by 1 order by 1"
    assert ward.rows(readings)[:2] == [(T0, len(ILL)), (bound, len(WELL))]
    scored = "select stay_no, count(*), min(at_ms) from score group by 1 order by 1"
    assert ward.rows(scored) == [(ward.person, 1, T0), (ward.stay_no, 12, bound)]
    assert ward.rows("select count(*) from message where key like 'canary-%'") == [(12,)]
    assert [one for one in verify(ward.path) if not one.sound] == []
    with closing(database.open_reader(ward.path)) as db:
        assert account.read(db, ward.stay_no).dropped_before_ms == bound
        assert account.read(db, ward.person).dropped_before_ms == 0


def test_a_reading_that_is_gone_without_a_word_is_still_found(ward: Made) -> None:
    """The count of what was taken away excuses that and no more."""
    ward.rounds(2 * HOUR_MS, 4, HOUR_MS)
    LogWriter(ward.db).merge(1 << 40, 1 << 40)
    bound = T0 + 4 * HOUR_MS
    with atomic(ward.db):
        canary.forget(ward.db, DEVICE, ward.whose(), ("canary-", f"canary-{bound:015d}"), bound)
    ward.db.execute("delete from reading where observed_ms = ?", [T0])
    assert [one.check for one in verify(ward.path) if not one.sound] == ["every reading has one place in the log"]


def test_only_its_own_score_goes_through_its_outbox(ward: Made) -> None:
    """In the order of things: nothing waits, then the score of the reading that was sent, then it was told."""
    assert not canary.waits(ward.db)
    ward.rounds(2 * HOUR_MS, 1, HOUR_MS)
    sent_ms = T0 + 2 * HOUR_MS
    assert (canary.waits(ward.db), canary.was_told(ward.db, sent_ms)) == (True, False)
    canary.told(ward.db)
    assert (canary.waits(ward.db), canary.was_told(ward.db, sent_ms)) == (False, True)
    ward.hears("other", 3 * HOUR_MS, {**WELL, "heart_rate": 95.0})
    assert not canary.waits(ward.db)


def test_a_clock_that_is_set_back_leaves_each_reading_a_score_of_its_own(ward: Made) -> None:
    """What it has to be is told by the score before its time, and not by one of a time to come."""
    ward.rounds(2 * HOUR_MS, 3, HOUR_MS)
    back_ms = 3 * HOUR_MS + MINUTE
    expected = int(canary.last_total(ward.db, ward.stay_no, T0 + back_ms) != 1)
    ward.hears("back", back_ms, {**WELL, "heart_rate": 95.0 if expected else 75.0})
    assert canary.total(ward.db, ward.stay_no, T0 + back_ms) == (expected, expected)


def test_a_canary_is_no_patient_to_the_scorer_and_the_lists(ward: Made) -> None:
    """It does not count as a stay, is no sign that anyone is heard, and fills no list of readings."""
    ward.rounds(2 * HOUR_MS, 2, HOUR_MS)
    assert (ward.scorer.stays, ward.scorer.last_received_ms) == (1, T0)
    assert {row.patient for row in listing.readings(ward.db, Wanted(limit=99))} == {"p1"}
    asked = Wanted(limit=99, owner="patient", patient="canary")
    assert len(listing.readings(ward.db, asked)) == 2 * len(WELL)


def test_the_daemon_of_before_does_not_vouch_for_this_one(ward: Made) -> None:
    """A round of before a start is none of this daemon; one that says nothing in time is in trouble."""
    with atomic(ward.db):
        canary.came(ward.db, T0 + 2 * HOUR_MS)
        canary.begin(ward.db, DEVICE, MINUTE, MINUTE // 2, T0 + 3 * HOUR_MS)
    state = canary.read(ward.db)
    assert state is not None
    assert (state.came_ms, state.trouble) == (None, None)
    assert canary.trouble(state, T0 + 3 * HOUR_MS + 100_000) is None
    assert canary.trouble(state, T0 + 3 * HOUR_MS + 100_001) == SILENT


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("unaccounted", "NOT TO BE TRUSTED: not all that was received is accounted for"),
        ("unraised", "NOT TO BE TRUSTED: a score asks for an alert and has none"),
        ("lag", None),
    ],
)
def test_books_that_do_not_agree_are_not_trusted(ward: Made, rule: str, said: str | None) -> None:
    """As long as that stands; another fault of the service leaves what is shown as good as it is."""
    now_ms = T0 + HOUR_MS
    with atomic(ward.db):
        canary.end(ward.db)
        monitor.beat(ward.db, at_work(T0, cycle_ms=now_ms))
    ward.db.execute("insert into condition values (0, ?, 'present', 0, null, 0, '{}', null, null, '{}')", [rule])
    assert trust.doubt(ward.db, monitor.read(ward.db), now_ms) == said
    ward.db.execute("update condition set state = 'absent'")
    assert trust.doubt(ward.db, monitor.read(ward.db), now_ms) is None
