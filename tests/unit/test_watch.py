"""The scoring thread's turn: when it ticks, what it raises about the service, and when it says that all is well."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from alerts import audit
from alerts import store as cases
from alerts.faults import Finding
from tests.unit.alerts_points import follow, point
from vwmon import config
from vwmon.clock import Clock
from vwmon.intake.protocol import LinkState
from vwmon.scorer import Scorer
from vwmon.store import anchors, database, monitor, reckoning
from vwmon.store.arrivals import Counts
from vwmon.store.findings import Key
from vwmon.store.sqlite import Connection
from vwmon.watch import Surroundings, Watch

T0 = 1_795_000_000_000
SECOND = 1_000
SILENT_AFTER = 600 * SECOND


class Hands(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        """Begin at T0."""
        self.at_ms = T0
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """Return the time it was moved to."""
        return self.at_ms

    def steady_ms(self) -> int:
        """Return it less what the clock was set ahead by."""
        return self.at_ms - self.ahead_ms


@dataclass
class FakeScorer:
    """A scorer that is told how many rows it will find, and remembers what was asked of it."""

    backlog: list[int] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    said: list[tuple[str, int | None]] = field(default_factory=list)
    stays: int = 1
    readings: int = 7
    last_received_ms: int | None = T0 - 5 * SECOND
    last_observed_ms: int | None = T0 - 9 * SECOND
    fails: bool = False
    cursor: int = 0
    stands: dict[Key, Finding] = field(default_factory=dict)
    unraised: int = 0

    def cycle(self, _now_ms: int) -> int:
        """Score what there is."""
        self.order.append("cycle")
        if self.fails:
            raise OSError("the disk is gone")
        return self.backlog.pop(0) if self.backlog else 0

    def tick(self, now_ms: int) -> None:
        """Note that time passed."""
        self.order.append("tick")
        self.ticks.append(now_ms)

    @property
    def standing(self) -> dict[Key, Finding]:
        """Give what was found and is not over."""
        return self.stands

    def find(self, stay_no: int, found: Iterable[Finding], _now_ms: int) -> None:
        """Note what was found of the service."""
        self.order.append("find")
        for one in found:
            self.said.append((one.rule, one.since_ms))
            self.stands.pop((stay_no, one.rule, one.what), None)
            if one.since_ms is not None:
                self.stands[stay_no, one.rule, one.what] = one

    def lag_ms(self, _now_ms: int) -> int:
        """Give a lag."""
        return 2500

    def breaches(self, _since_ms: int) -> tuple[int, int]:
        """Give how many scores ask for an alert, and how many of them have none."""
        return self.unraised, self.unraised

    def asked(self, _stay_no: int, _at_ms: int, _total: int, _red: bool) -> int:
        """Ask for no alert."""
        return 0

    def last_said(self) -> dict[str, int | None]:
        """Give what was last said of each rule."""
        return dict(self.said)


class Bench:
    """A watch among fakes, on a real database."""

    def __init__(self, db: Connection, anchored_in: Path | None = None) -> None:
        """Begin connected, with nothing received yet."""
        self.db, self.clock, self.scorer = db, Hands(), FakeScorer()
        self.link = link(connected=True)
        self.received_ms: int | None = None
        self.counts = Counts()
        self.around = Surroundings(
            clock=self.clock,
            link=lambda: self.link,
            last_received_ms=lambda: self.received_ms,
            software="0.1",
            config_hash="abc",
            limits=config.Monitor(silent_after_ms=SILENT_AFTER),
            counts=lambda: self.counts,
            anchors=anchored_in,
        )
        self.watch = Watch(db, cast("Scorer", self.scorer), self.around)

    def turn(self, after_ms: int = 0) -> bool:
        """Take a turn so long after T0."""
        self.clock.at_ms = T0 + after_ms
        return self.watch.turn()

    def beaten(self) -> int | None:
        """Give how long after T0 the heartbeat stands."""
        found = monitor.read(self.db)
        return None if found is None or found.cycle_ms is None else found.cycle_ms - T0


def link(*, connected: bool, since_ms: int = T0) -> LinkState:
    """Build the state of a connection."""
    return LinkState(
        connected=connected, since_ms=since_ms, connections=1, session_was_kept=True, sessions_lost=0, trouble=""
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A watch among fakes."""
    with closing(database.create(tmp_path / "ward.db")) as db:
        yield Bench(db)


def test_the_first_turn_says_all_there_is_to_say(bench: Bench) -> None:
    """Since when, how fresh, by which software, and whether the broker is there."""
    bench.turn(100)
    assert monitor.read(bench.db) == bench.watch.latest == monitor.Monitor(
        mode="live",
        started_ms=T0,
        cycle_ms=T0 + 100,
        broker_connected=True,
        broker_since_ms=T0,
        last_received_ms=T0 - 5 * SECOND,
        last_observed_ms=T0 - 9 * SECOND,
        readings=7,
        lag_seconds=2.5,
        software="0.1",
        config_hash="abc",
    )  # fmt: skip


def test_a_turn_that_fails_beats_nothing(bench: Bench) -> None:
    """A heartbeat is the word of a completed turn; without one nobody is told that all is well."""
    bench.scorer.fails = True
    with pytest.raises(OSError, match="the disk is gone"):
        bench.turn()
    assert (bench.beaten(), bench.watch.latest) == (None, None)


def test_the_heart_beats_every_five_seconds(bench: Bench) -> None:
    """Not at every turn: each beat is a write."""
    beats = [bench.turn(after) or bench.beaten() for after in (0, 4_999, 5_000, 9_999, 10_000)]
    assert beats == [0, 0, 5_000, 5_000, 10_000]


def test_a_broker_that_goes_or_comes_is_told_at_once(bench: Bench) -> None:
    """The screens need not wait for the next beat."""
    bench.turn()
    for after, connected in ((1000, False), (2000, True)):
        bench.link = link(connected=connected)
        bench.turn(after)
        found = monitor.read(bench.db)
        assert found is not None
        assert (found.broker_connected, bench.beaten()) == (connected, after)


def test_time_passes_only_at_the_end_of_the_log(bench: Bench) -> None:
    """While there is a backlog a reading in it may not be overdue at all: no tick, but a look and a heartbeat."""
    bench.scorer.backlog = [4000, 1]
    assert [bench.turn(6 * SECOND), bench.turn(12 * SECOND)] == [True, True]
    assert (bench.scorer.ticks, bench.beaten()) == ([], 12 * SECOND)
    assert bench.scorer.last_said()["broker"] is None
    assert not bench.turn(18 * SECOND)
    assert bench.scorer.ticks == [T0 + 18 * SECOND]


def test_time_passes_once_a_second(bench: Bench) -> None:
    """However often the thread turns."""
    for after in (0, 250, 999, 1_000, 1_999, 2_100):
        bench.turn(after)
    assert bench.scorer.ticks == [T0, T0 + 1_000, T0 + 2_100]


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(("away", "raised"), [(60 * SECOND, False), (60 * SECOND + 1, True)])
def test_a_broker_that_is_away_for_a_minute_is_an_alert(bench: Bench, away: int, raised: bool) -> None:
    """As of when it went; and no longer one once it is back."""
    bench.link = link(connected=False)
    bench.turn(away)
    assert bench.scorer.last_said().get("broker") == (T0 if raised else None)
    bench.link = link(connected=True, since_ms=T0 + away)
    bench.turn(away + SECOND)
    assert bench.scorer.last_said().get("broker") is None


def _heard(bench: Bench) -> None:
    bench.received_ms = T0 + SECOND


def _nobody(bench: Bench) -> None:
    bench.scorer.stays = 0


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(
    ("given", "after", "since"),
    [
        (None, SILENT_AFTER, None),
        (None, SILENT_AFTER + 1, 0),
        (_heard, SILENT_AFTER + SECOND, None),
        (_heard, SILENT_AFTER + SECOND + 1, SECOND),
        (_nobody, SILENT_AFTER * 9, None),
    ],
)
def test_a_ward_from_which_nothing_comes_is_an_alert(
    bench: Bench, given: Callable[[Bench], None] | None, after: int, since: int | None
) -> None:
    """Since the last message, or the start when none came; never on a ward without patients."""
    if given is not None:
        given(bench)
    bench.turn(after)
    assert bench.scorer.last_said().get("silent") == (None if since is None else T0 + since)


def test_a_ward_that_is_heard_again_is_no_longer_silent(bench: Bench) -> None:
    """The next message ends the alert."""
    bench.turn(SILENT_AFTER + 1)
    bench.received_ms = T0 + SILENT_AFTER + 2
    bench.turn(SILENT_AFTER + 2 * SECOND)
    assert [since for rule, since in bench.scorer.said if rule == "silent"] == [T0, None]


def test_a_watch_that_stops_says_so(bench: Bench) -> None:
    """From then on every screen says that nobody watches, and since when."""
    bench.turn()
    bench.clock.at_ms = T0 + 3 * SECOND
    bench.watch.stopped()
    found = monitor.read(bench.db)
    assert found is not None
    assert found.stopped_ms == T0 + 3 * SECOND
    assert monitor.distrust(found, T0 + 63 * SECOND) == "NOT MONITORING: the daemon was stopped 1 min ago"


def test_what_is_wrong_around_is_looked_at_before_anything_is_scored(bench: Bench) -> None:
    """It may hold back what this turn would raise; the devices come last, of a log that is scored to its end."""
    bench.turn()
    assert bench.scorer.order == ["find", "cycle", "tick", "find"]


def test_the_devices_are_looked_at_every_five_seconds(bench: Bench) -> None:
    """And not while there is a backlog, in which their readings may be."""
    bench.turn()
    bench.scorer.order.clear()
    for after in (1, 2, 3, 4):
        bench.turn(after * SECOND)
    assert bench.scorer.order == ["find", "cycle", "tick"] * 4
    bench.scorer.backlog = [5]
    bench.turn(5 * SECOND)
    bench.turn(6 * SECOND)
    assert bench.scorer.order[-6:] == ["find", "cycle", "find", "cycle", "tick", "find"]


@pytest.mark.hazard("H7", "T20")
@pytest.mark.parametrize("by_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_set_is_found_and_keeps_nothing_from_going_on(bench: Bench, by_ms: int) -> None:
    """Also one that is set back: the ward is looked at and the heart beats as before."""
    bench.turn()
    bench.clock.ahead_ms = by_ms
    bench.turn(by_ms + SECOND)
    assert bench.scorer.last_said()["clock_jump"] == T0 + by_ms + SECOND
    assert bench.scorer.ticks == [T0, T0 + by_ms + SECOND]
    assert bench.beaten() == by_ms + SECOND
    bench.turn(by_ms + 2 * SECOND)
    assert [rule for rule, _ in bench.scorer.said].count("clock_jump") == 1


@pytest.mark.hazard("H20")
def test_a_start_after_nobody_watched_is_found_once_and_is_over(bench: Bench) -> None:
    """Since the last word of the daemon before, up to this start."""
    bench.turn()
    bench.watch.stopped()
    started_ms = T0 + 3_600_000
    bench.clock.at_ms = started_ms
    bench.watch = Watch(bench.db, cast("Scorer", bench.scorer), bench.around)
    for after in range(5):
        bench.turn(3_600_000 + after * SECOND)
    assert [since for rule, since in bench.scorer.said if rule == "dead"] == [T0, None]


def test_a_restart_leaves_a_broker_that_is_gone_as_it_was(bench: Bench) -> None:
    """The new daemon has no connection yet either: that is no sign that the broker is back (I7)."""
    bench.link = link(connected=False)
    bench.turn(61 * SECOND)
    bench.clock.at_ms = T0 + 62 * SECOND
    bench.link = link(connected=False, since_ms=bench.clock.at_ms)
    bench.watch = Watch(bench.db, cast("Scorer", bench.scorer), bench.around)
    bench.turn(63 * SECOND)
    assert [since for rule, since in bench.scorer.said if rule == "broker"] == [T0]


def test_a_restart_forgets_no_reading(bench: Bench) -> None:
    """The screens say when something came last: "never" would be wrong, and would hide how old it is."""
    bench.turn()
    bench.clock.at_ms = T0 + 62 * SECOND
    bench.scorer.last_received_ms = bench.scorer.last_observed_ms = None
    bench.watch = Watch(bench.db, cast("Scorer", bench.scorer), bench.around)
    bench.turn(63 * SECOND)
    after = monitor.read(bench.db)
    assert after is not None
    assert (after.last_received_ms, after.last_observed_ms) == (T0 - 5 * SECOND, T0 - 9 * SECOND)
    bench.scorer.last_received_ms = T0 + 64 * SECOND
    bench.scorer.last_observed_ms = T0 - 20 * SECOND
    bench.turn(70 * SECOND)
    after = monitor.read(bench.db)
    assert after is not None
    assert (after.last_received_ms, after.last_observed_ms) == (T0 + 64 * SECOND, T0 - 9 * SECOND)


def an_event(db: Connection, stay: int) -> None:
    """Let an alert be raised for a stay."""
    with database.atomic(db):
        case = cases.load(db, [stay])[stay]
        cases.save(db, case, follow(case, replace(point(0, 5), stay=stay)), None)


@pytest.mark.hazard("H27")
def test_the_history_of_alerts_is_anchored_every_ten_minutes_and_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In a file of its own and in the journal, in the same words; only when it went on."""
    file = tmp_path / "ward.db.audit"
    caplog.set_level("INFO")
    with closing(database.create(tmp_path / "ward.db")) as db:
        bench = Bench(db, file)
        bench.turn(0)
        an_event(db, 1)
        bench.turn(599 * SECOND)
        assert [anchor.count for anchor in anchors.read(file)] == [0]
        bench.turn(600 * SECOND)
        bench.turn(1200 * SECOND)
        an_event(db, 2)
        bench.watch.stopped()
        known = anchors.read(file)
        assert [anchor.count for anchor in known] == [0, 1, 2]
        assert known[-1].head == cases.head(db)[1]
        assert audit.audit(db, known).breaks == ()
    assert known[1].time == "2026-11-18T11:16:40Z"
    assert oct(file.stat().st_mode & 0o777) == "0o640"
    assert [anchors.said(anchor) in caplog.text for anchor in known] == [True] * 3


def test_an_anchor_that_cannot_be_written_does_not_stop_the_watch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The ward is watched on, and the journal has the anchor and what is wrong."""
    caplog.set_level("INFO")
    with closing(database.create(tmp_path / "ward.db")) as db:
        bench = Bench(db, tmp_path / "no" / "such" / "folder")
        bench.turn(0)
        assert bench.beaten() == 0
    assert "audit_file_cannot_be_written" in caplog.text
    assert "audit_head count=0" in caplog.text


def test_a_daemon_that_starts_on_a_history_with_its_end_cut_off_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the journal, as an error with where to look; and it watches on. On one that is whole it says nothing."""
    file = tmp_path / "ward.db.audit"
    with closing(database.create(tmp_path / "ward.db")) as db:
        an_event(db, 1)
        an_event(db, 2)
        Bench(db, file).turn(0)
        Bench(db, file).turn(0)
        assert "audit_head_unknown" not in caplog.text
        db.execute("drop trigger alert_event_kept")
        db.execute("delete from alert_event where event_no = 2")
        bench = Bench(db, file)
        bench.turn(0)
        assert bench.beaten() == 0
    assert "audit_head_unknown first=2 anchors=2 see=vwmon alerts log --verify" in caplog.text


def test_a_message_of_which_nothing_became_is_found_at_the_next_look(bench: Bench) -> None:
    """Once, as of that look, and it is in the books that every screen reads; an hour without another ends it."""
    bench.counts = Counts(messages=100, usable=98, statuses=1, passed_over=1, readings=200, duplicates=200)
    bench.turn()
    assert "unaccounted" not in bench.scorer.last_said()
    bench.counts = Counts(messages=200, usable=197, statuses=1, passed_over=1, readings=200, duplicates=200)
    bench.turn(6 * SECOND)
    assert bench.scorer.last_said()["unaccounted"] == T0 + 6 * SECOND
    books = reckoning.read(bench.db)
    assert books is not None
    assert (books.messages, books.lost, books.at_ms) == (200, 1, T0 + 6 * SECOND)
    for minute in range(1, 62):
        bench.turn(6 * SECOND + minute * 60 * SECOND)
    assert [since for rule, since in bench.scorer.said if rule == "unaccounted"][-1] is None


def test_a_score_without_its_alert_is_found_within_ten_seconds_and_over_once_it_has_it(bench: Bench) -> None:
    """Whatever swallowed the alert, somebody is told of it."""
    bench.turn()
    bench.scorer.unraised = 1
    bench.turn(10 * SECOND)
    assert bench.scorer.last_said()["unraised"] == T0 + 10 * SECOND
    bench.scorer.unraised = 0
    bench.turn(20 * SECOND)
    assert bench.scorer.last_said()["unraised"] is None
