"""The scoring thread's turn: when it ticks, what it raises about the service, and when it says that all is well."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from alerts import audit
from alerts import store as cases
from tests.unit.alerts_points import follow, point
from vwmon.clock import Clock
from vwmon.intake.protocol import LinkState
from vwmon.scorer import Scorer
from vwmon.store import anchors, database, monitor
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

    def now_ms(self) -> int:
        """Return the time it was moved to."""
        return self.at_ms


@dataclass
class FakeScorer:
    """A scorer that is told how many rows it will find, and remembers what was asked of it."""

    backlog: list[int] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)
    said: list[tuple[str, int | None]] = field(default_factory=list)
    stays: int = 1
    readings: int = 7
    last_received_ms: int | None = T0 - 5 * SECOND
    last_observed_ms: int | None = T0 - 9 * SECOND
    fails: bool = False

    def cycle(self, _now_ms: int) -> int:
        """Score what there is."""
        if self.fails:
            raise OSError("the disk is gone")
        return self.backlog.pop(0) if self.backlog else 0

    def tick(self, now_ms: int) -> None:
        """Note that time passed."""
        self.ticks.append(now_ms)

    def system(self, rule: str, since_ms: int | None, _now_ms: int) -> None:
        """Note what was said of the service."""
        self.said.append((rule, since_ms))

    def lag_ms(self, _now_ms: int) -> int:
        """Give a lag."""
        return 2500

    def standing(self) -> dict[str, int | None]:
        """Give what was last said of each rule."""
        return dict(self.said)


class Bench:
    """A watch among fakes, on a real database."""

    def __init__(self, db: Connection, anchored_in: Path | None = None) -> None:
        """Begin connected, with nothing received yet."""
        self.db, self.clock, self.scorer = db, Hands(), FakeScorer()
        self.link = link(connected=True)
        self.received_ms: int | None = None
        around = Surroundings(
            clock=self.clock,
            link=lambda: self.link,
            last_received_ms=lambda: self.received_ms,
            silent_after_ms=SILENT_AFTER,
            software="0.1",
            config_hash="abc",
            anchors=anchored_in,
        )
        self.watch = Watch(db, cast("Scorer", self.scorer), around)

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
    """While there is a backlog a reading may be in it that is not overdue at all: no tick, but a heartbeat."""
    bench.scorer.backlog = [4000, 1]
    assert [bench.turn(6 * SECOND), bench.turn(12 * SECOND)] == [True, True]
    assert (bench.scorer.ticks, bench.scorer.said, bench.beaten()) == ([], [], 12 * SECOND)
    assert not bench.turn(18 * SECOND)
    assert bench.scorer.ticks == [T0 + 18 * SECOND]


def test_time_passes_once_a_second(bench: Bench) -> None:
    """However often the thread turns."""
    for after in (0, 250, 999, 1_000, 1_999, 2_100):
        bench.turn(after)
    assert bench.scorer.ticks == [T0, T0 + 1_000, T0 + 2_100]


@pytest.mark.parametrize(("away", "raised"), [(60 * SECOND, False), (60 * SECOND + 1, True)])
def test_a_broker_that_is_away_for_a_minute_is_an_alert(bench: Bench, away: int, raised: bool) -> None:
    """As of when it went; and no longer one once it is back."""
    bench.link = link(connected=False)
    bench.turn(away)
    assert bench.scorer.standing()["broker"] == (T0 if raised else None)
    bench.link = link(connected=True, since_ms=T0 + away)
    bench.turn(away + SECOND)
    assert bench.scorer.standing()["broker"] is None


def _heard(bench: Bench) -> None:
    bench.received_ms = T0 + SECOND


def _nobody(bench: Bench) -> None:
    bench.scorer.stays = 0


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
    assert bench.scorer.standing()["silent"] == (None if since is None else T0 + since)


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


def an_event(db: Connection, stay: int) -> None:
    """Let an alert be raised for a stay."""
    with database.atomic(db):
        case = cases.load(db, [stay])[stay]
        cases.save(db, case, follow(case, replace(point(0, 5), stay=stay)), None)


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
