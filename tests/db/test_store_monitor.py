"""The daemon's state as written, and when a screen must say that the ward is not being monitored."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from vwmon.store import database, monitor
from vwmon.store.monitor import BROKER_STALE_MS, CYCLE_STALE_MS, Monitor
from vwmon.store.sqlite import Connection, IntegrityError

NOW = 1_795_000_000_000
LIVE = Monitor(
    mode="live",
    started_ms=NOW - 3_600_000,
    cycle_ms=NOW - 1000,
    broker_connected=True,
    broker_since_ms=NOW - 3_600_000,
    last_received_ms=NOW - 2000,
    last_observed_ms=NOW - 4000,
    readings=17,
    lag_seconds=0.25,
    software="0.1.0",
    config_hash="abc",
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """An empty database."""
    with closing(database.create(tmp_path / "ward.db")) as opened:
        yield opened


def test_a_database_on_which_nothing_ran_says_so(db: Connection) -> None:
    """No state is not a good state."""
    assert monitor.read(db) is None
    assert monitor.distrust(None, NOW) is not None
    assert not monitor.beating(None, NOW)


def test_the_state_comes_back_as_it_was_written_and_only_the_last(db: Connection) -> None:
    """One row, replaced at every beat."""
    for state in (LIVE, replace(LIVE, readings=18, broker_connected=False, cycle_ms=None, lag_seconds=None)):
        monitor.beat(db, state)
        assert monitor.read(db) == state
    assert db.execute("select count(*) from monitor").fetchone() == (1,)


def test_there_are_two_modes(db: Connection) -> None:
    """The database refuses a third."""
    with pytest.raises(IntegrityError):
        monitor.beat(db, replace(LIVE, mode="perhaps"))  # type: ignore[arg-type]


def test_a_daemon_at_work_is_trusted() -> None:
    """A fresh cycle and a broker: nothing to say."""
    assert monitor.distrust(LIVE, NOW) is None
    assert monitor.beating(LIVE, NOW)


@pytest.mark.hazard("H5")
@pytest.mark.parametrize(("late_ms", "trusted"), [(0, True), (1, False)])
def test_scoring_that_stands_still_is_told_after_thirty_seconds(late_ms: int, trusted: bool) -> None:
    """To the millisecond; and how long ago the last cycle was."""
    reason = monitor.distrust(LIVE, NOW - 1000 + CYCLE_STALE_MS + late_ms)
    assert (reason is None) is trusted
    assert monitor.beating(LIVE, NOW - 1000 + CYCLE_STALE_MS + late_ms) is trusted
    if reason:
        assert reason == "NOT MONITORING: nothing has been scored for 30 s"


@pytest.mark.parametrize(("late_ms", "trusted"), [(0, True), (1, False)])
def test_a_broker_that_stays_away_is_told_after_a_minute(late_ms: int, trusted: bool) -> None:
    """A mere reconnect is not worth a word; a daemon without readings for longer is."""
    gone = replace(LIVE, broker_connected=False, broker_since_ms=NOW - BROKER_STALE_MS - late_ms)
    assert (monitor.distrust(gone, NOW) is None) is trusted


def test_a_broker_that_was_never_there_counts_from_the_start() -> None:
    """A daemon that never reached its broker has not monitored anything."""
    never = replace(LIVE, broker_connected=False, broker_since_ms=None)
    assert monitor.distrust(never, NOW) == "NOT MONITORING: no connection to the broker for 1 h"


def test_a_daemon_that_has_not_finished_a_cycle_is_given_its_start() -> None:
    """Just started is trusted; started long ago without a cycle is not."""
    assert monitor.distrust(replace(LIVE, cycle_ms=None, started_ms=NOW - 5000), NOW) is None
    assert monitor.distrust(replace(LIVE, cycle_ms=None), NOW) is not None


@pytest.mark.hazard("H20")
def test_a_daemon_that_was_stopped_says_since_when() -> None:
    """A planned stop is no monitoring either, from the first second on."""
    assert monitor.distrust(replace(LIVE, stopped_ms=NOW - 120_000), NOW) == (
        "NOT MONITORING: the daemon was stopped 2 min ago"
    )
    assert not monitor.beating(replace(LIVE, stopped_ms=NOW), NOW)


@pytest.mark.hazard("T20")
def test_a_cycle_from_the_future_is_not_trusted() -> None:
    """A clock that was set back must not make old scores look fresh for hours."""
    assert monitor.distrust(replace(LIVE, cycle_ms=NOW + CYCLE_STALE_MS + 1), NOW) is not None


def test_a_recording_is_trusted_for_what_it_is() -> None:
    """It stands at its own last moment, however long ago it was made, and no daemon is at work on it."""
    recording = replace(LIVE, mode="recording", recording_end_ms=NOW - 10 * 365 * 86_400_000, cycle_ms=None)
    assert monitor.distrust(recording, NOW) is None
    assert not monitor.beating(recording, NOW)


@pytest.mark.parametrize(
    ("span_ms", "said"), [(59_999, "59 s"), (60_000, "1 min"), (7_200_000, "2 h"), (172_800_000, "2 d")]
)
def test_spans_are_said_in_their_largest_unit(span_ms: int, said: str) -> None:
    """A person reads the sentence."""
    assert monitor.distrust(replace(LIVE, stopped_ms=NOW - span_ms), NOW) == (
        f"NOT MONITORING: the daemon was stopped {said} ago"
    )


@pytest.mark.hazard("H7", "T20")
def test_commands_have_the_time_of_a_daemon_whose_machine_was_set_back() -> None:
    """While it is at work: what is done then lies after what it has found, and is not over before it began."""
    held = replace(LIVE, held_ms=2 * 86_400_000)
    assert monitor.ward_ms(held, NOW - held.held_ms) == NOW
    assert monitor.distrust(held, monitor.ward_ms(held, NOW - held.held_ms)) is None


@pytest.mark.parametrize(
    "state",
    [None, LIVE, replace(LIVE, held_ms=7_200_000, stopped_ms=NOW), replace(LIVE, held_ms=7_200_000, mode="recording")],
)
def test_without_such_a_daemon_the_machines_clock_is_the_time(state: Monitor | None) -> None:
    """No daemon, one whose clock is right, one that was stopped, a recording."""
    assert monitor.ward_ms(state, NOW) == NOW


@pytest.mark.parametrize("off_ms", [-CYCLE_STALE_MS - 2_000, CYCLE_STALE_MS + 2_000])
def test_a_clock_that_was_set_since_the_last_beat_is_the_time(off_ms: int) -> None:
    """What the daemon said of the clock is then of before."""
    held = replace(LIVE, held_ms=7_200_000)
    assert monitor.ward_ms(held, NOW - held.held_ms + off_ms) == NOW - held.held_ms + off_ms


def test_the_time_of_a_daemon_that_died_is_known_to_the_next() -> None:
    """It begins no earlier; of one that was stopped, and of a recording, nothing is taken up."""
    assert [monitor.shown_ms(one) for one in (None, LIVE, replace(LIVE, cycle_ms=None))] == [0, NOW - 1000, 0]
    assert [monitor.shown_ms(replace(LIVE, **one)) for one in ({"mode": "recording"}, {"stopped_ms": NOW})] == [0, 0]
