"""Gaps in a device's own count of its messages: noticed, filled, closed, and a count that begins anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.readings import Message, Reading, Refused
from vwmon.store import database, sequences
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection

T0 = 1_795_000_000_000


class Device:
    """A device that sends messages by number; `sends` gives the gaps that follow."""

    def __init__(self, db: Connection) -> None:
        """Take the database to send to."""
        self.db, self.writer, self.sent = db, LogWriter(db), 0

    def restarts(self) -> None:
        """Begin again with what the database knows, as the daemon does after a crash."""
        self.writer = LogWriter(self.db)

    def sends(self, *numbers: int, refused: bool = False, late_ms: int = 0) -> list[sequences.Gap]:
        """Send each number in a message of its own, a second apart, measured so long before."""
        for number in numbers:
            self.sent += 1
            at_ms = T0 + 1000 * self.sent
            reading = Reading(
                vital="spo2",
                value=95.0,
                text=None,
                observed_ms=at_ms - late_ms,
                raw_value=None,
                raw_unit=None,
                marks=0,
            )
            bad = Refused(vital="spo2", reason="not_a_number", detail="no", index=0)
            body = Message(
                id=f"m{self.sent}",
                seq=number,
                battery_percent=None,
                readings=() if refused else (reading,),
                refused=(bad,) if refused else (),
            )
            self.writer.append([Arrival("resp", "cuff", "vwmon/resp/cuff/readings", body, at_ms, b"")], (), at_ms)
        return sequences.gaps(self.db, 1)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """One device and an empty database."""
    db = database.create(tmp_path / "ward.db")
    yield Device(db)
    db.close()


def test_a_count_that_rises_by_one_has_no_gap(device: Device) -> None:
    """A device whose every message comes is not said to miss any, wherever its count began."""
    assert device.sends(7, 8, 9) == []


@pytest.mark.hazard("H1")
def test_a_jump_is_recorded_with_what_is_missing_and_when_it_was_noticed(device: Device) -> None:
    """Three messages that never came are one gap, dated by the message that showed it."""
    (gap,) = device.sends(1, 5)
    assert gap == (1, 2, 4, 3, T0 + 2000, None)


def test_a_gap_that_fills_is_closed_with_the_message_that_filled_it(device: Device) -> None:
    """A gap keeps its first extent, counts down, and is closed when the last message has come."""
    assert device.sends(1, 5, 3)[0].missing_count == 2
    assert device.sends(2, 4) == [(1, 2, 4, 0, T0 + 2000, T0 + 5000)]


def test_a_number_that_comes_again_in_another_message_fills_nothing_twice(device: Device) -> None:
    """A device that uses a number twice cannot close a gap that is still open."""
    assert device.sends(1, 4, 2, 2)[0].missing_count == 1


def test_a_device_that_counts_anew_is_followed_again(device: Device) -> None:
    """After two numbers in a row below the count the device is taken to have started over, and gaps are seen again."""
    assert device.sends(500, 501, 0, 1) == []
    (gap,) = device.sends(2, 5)
    assert (gap.first_missing, gap.last_missing) == (3, 4)


def test_what_was_missing_before_a_new_count_stays_missing(device: Device) -> None:
    """Numbers of the new count do not fill a gap of the old one."""
    device.sends(500, 503, 0, 1)
    gaps = device.sends(*range(2, 504))
    assert [(gap.first_missing, gap.closed_ms) for gap in gaps] == [(501, None)]


def test_one_stray_number_from_before_the_first_changes_nothing(device: Device) -> None:
    """A single late message from before we first heard the device is no new count."""
    assert device.sends(5, 4, 6, 7) == []


def test_a_spool_that_is_emptied_from_its_middle_begins_no_new_count(device: Device) -> None:
    """Several in a row from before the first we heard are late, not new; gaps after it are seen and closed as ever."""
    device.sends(5, 6, 9)
    device.restarts()
    assert [gap.missing_count for gap in device.sends(1, 2, 3, late_ms=60_000)] == [2]
    assert [gap.missing_count for gap in device.sends(7, 8, 10)] == [0]


def test_a_new_count_is_remembered_after_a_restart(device: Device) -> None:
    """What was counted before it began anew is not counted again."""
    device.sends(1, 2, 3, 4, 5, 0, 1)
    device.restarts()
    assert [gap[1:3] for gap in device.sends(2, 5)] == [(3, 4)]


def test_a_message_without_any_good_reading_counts_and_so_does_what_follows_it(device: Device) -> None:
    """Its number is kept although no row of the log carries it, across a restart."""
    device.sends(1)
    device.sends(3, refused=True)
    device.sends(4)
    device.restarts()
    assert [gap[1:3] for gap in device.sends(5)] == [(2, 2)]
    device.sends(6, refused=True)
    device.restarts()
    assert [gap[1:3] for gap in device.sends(7)] == [(2, 2)]
