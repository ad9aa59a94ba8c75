"""Recordings to an outlet at a pace, and into a database: by a clock that a test turns, and on disk."""

import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from devices.payloads import decode
from tests.at_work import at_work
from vwmon import replay
from vwmon.errors import RefusedError
from vwmon.patients import plans
from vwmon.provenance import Provenance
from vwmon.recordings import Sending
from vwmon.replay import Replayed
from vwmon.store import database, monitor, registers

START_MS = 978_307_200_000
PAYLOAD = b'{"v":1,"id":"%s","time":"%s","readings":[{"vital":"%s","value":%d}]}'


class Outlet:
    """Keeps what it is given, batch by batch."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.batches: list[list[tuple[str, bytes, str]]] = []
        self.kinds: list[str] = []

    def enqueue_all(self, messages: Iterable[tuple[str, bytes, str]], kind: str = "readings") -> None:
        """Take a batch."""
        self.batches.append(list(messages))
        self.kinds.append(kind)

    @property
    def ids(self) -> list[list[str]]:
        """The ids of the messages, batch by batch."""
        return [[message_id for _, _, message_id in batch] for batch in self.batches]


class Pause(threading.Event):
    """A stop event that waits for nothing: it notes for how long it was asked to, and may be set on the way."""

    def __init__(self, stop_at: int | None = None) -> None:
        """Be set at the wait of that number, from 0."""
        super().__init__()
        self.waits: list[float | None] = []
        self._stop_at = stop_at

    def wait(self, timeout: float | None = None) -> bool:
        """Note the wait."""
        if len(self.waits) == self._stop_at:
            self.set()
        self.waits.append(timeout)
        return self.is_set()


def sending(second: int, patient: str = "a", vital: str = "heart_rate", value: int = 80) -> Sending:
    """Write one message of a recording."""
    id_ = f"{patient}-{second}"
    clock = f"2001-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    payload = PAYLOAD % (id_.encode(), clock.encode(), vital.encode(), value)
    return Sending(at_ms=START_MS + 1000 * second, patient=patient, device=f"rec-{patient}", id=id_, payload=payload)


def publish(sendings: Sequence[Sending], speed: float | None, stop: threading.Event) -> tuple[Outlet, list[int]]:
    """Publish to an outlet; return it, and what the progress was told."""
    outlet, told = Outlet(), []
    replay.publish(outlet, sendings, speed, stop, lambda done, of: told.append(done if of == len(sendings) else -1))
    return outlet, told


def into(path: Path, *sendings: Sending) -> Replayed:
    """Replay messages into a database."""
    versions = Provenance(config_hash="none", plans=plans.load_all())
    return replay.into(path, sendings, "resp", versions, lambda _done, _of: None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "ward.db"


def read(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Read rows of a database."""
    with closing(database.open_reader(path)) as db:
        return [tuple(row) for row in db.execute(sql)]


def test_the_helper_writes_messages_that_can_be_read() -> None:
    """Else the tests below would be about refusals."""
    one = sending(3661)
    message = decode(one.payload, device=one.device, received_ms=one.at_ms)
    assert [reading.observed_ms for reading in message.readings] == [one.at_ms]


@pytest.mark.parametrize(("speed", "waits"), [(1.0, [0, 10, 50]), (60.0, [0, 10 / 60, 50 / 60]), (0.5, [0, 20, 100])])
def test_a_pace_is_kept(speed: float, waits: list[float]) -> None:
    """Between two moments passes their distance, divided by the speed; messages of one moment go together."""
    stop = Pause()
    outlet, told = publish([sending(5), sending(15), sending(15, "b"), sending(65)], speed, stop)
    assert stop.waits == pytest.approx(waits)
    assert outlet.ids == [["a-5"], ["a-15", "b-15"], ["a-65"]]
    assert told == [1, 3, 4]


def test_a_stop_ends_a_paced_replay_at_once() -> None:
    """What was not due yet is not sent."""
    outlet, _ = publish([sending(5), sending(15), sending(65)], 1.0, Pause(stop_at=1))
    assert outlet.ids == [["a-5"]]


def test_without_a_pace_everything_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the recording's order, in batches that do not fill the memory, without a wait."""
    monkeypatch.setattr(replay, "AT_ONCE", 2)
    stop = Pause()
    outlet, told = publish([sending(second) for second in range(5)], None, stop)
    assert outlet.ids == [["a-0", "a-1"], ["a-2", "a-3"], ["a-4"]]
    assert (stop.waits, told) == ([], [2, 4, 5])


def test_a_stop_ends_a_replay_without_a_pace() -> None:
    """Before the next batch."""
    stop = threading.Event()
    stop.set()
    assert publish([sending(1)], None, stop)[0].batches == []


def test_a_message_is_handed_on_as_it_was_written() -> None:
    """Device, payload and id."""
    one = sending(5)
    outlet, _ = publish([one], None, threading.Event())
    assert outlet.batches == [[(one.device, one.payload, one.id)]]


def test_a_patient_is_admitted_at_the_first_message_with_a_device(path: Path) -> None:
    """As of the recording's time; the register's journal keeps the time at which it was written."""
    with closing(database.create(path)) as db:
        assert replay.admit(db, [sending(60), sending(90), sending(70, "b")], "resp", START_MS + 999_000) == 2
        stays = registers.stays(db)
        assert [(s.patient, s.ward, s.admitted_ms - START_MS) for s in stays] == [
            ("a", "resp", 60_000),
            ("b", "resp", 70_000),
        ]
        assert {device.device: device.profile for device in registers.devices(db)} == {
            "rec-a": "recording",
            "rec-b": "recording",
        }
        assert [a.from_ms - START_MS for a in registers.assignments(db)] == [60_000, 70_000]
        assert set(registers.registered(db).values()) == {START_MS + 999_000}


def test_a_patient_who_is_on_the_ward_stays_as_admitted(path: Path) -> None:
    """And only who is new is counted."""
    with closing(database.create(path)) as db:
        replay.admit(db, [sending(60)], "resp")
        assert replay.admit(db, [sending(30), sending(80, "b")], "other") == 1
        assert [(s.patient, s.ward) for s in registers.stays(db)] == [("a", "resp"), ("b", "other")]


def test_a_replay_makes_the_database_and_says_what_it_did(path: Path) -> None:
    """Stored, known already, refused; and the moment at which the recording ends."""
    done = into(path, sending(0), sending(60, value=900), sending(60, "b"))
    assert done == Replayed(patients=2, messages=3, stored=2, duplicates=0, refused=1, end_ms=START_MS + 60_000)
    assert read(path, "select count(*) from score") == [(2,)]


def test_a_repeat_changes_nothing(path: Path) -> None:
    """Every message is known, also when more come with it."""
    into(path, sending(0))
    again = into(path, sending(0), sending(60))
    assert (again.patients, again.stored, again.duplicates) == (0, 1, 1)


def test_the_database_says_that_it_is_a_recording_and_where_it_stands(path: Path) -> None:
    """At the latest moment of all that was replayed, whatever is replayed after it."""
    into(path, sending(600))
    into(path, sending(60))
    with closing(database.open_reader(path)) as db:
        state = monitor.read(db)
    assert state is not None
    assert (state.mode, state.recording_end_ms, state.readings) == ("recording", START_MS + 600_000, 2)


def test_a_batch_may_end_anywhere(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores and alerts do not depend on how many messages go into one transaction, nor on when the log is merged."""
    story = [sending(60 * n, "ab"[n % 2], "heart_rate", 80 + 6 * n) for n in range(20)]
    into(path, *story)
    monkeypatch.setattr(replay, "AT_ONCE", 3)
    monkeypatch.setattr(replay, "MERGED_AT", 4)
    into(tmp_path / "other.db", *story)
    for sql in ("select * from score", "select id, state, level, since_ms, opened_ms from alert order by id"):
        assert read(tmp_path / "other.db", sql) == read(path, sql)
    assert read(path, "select count(*) from alert") != [(0,)]
    assert read(tmp_path / "other.db", "select count(*) > 0 from reading") == [(1,)]


def test_a_wards_own_database_is_refused(path: Path) -> None:
    """A recording must not be mixed into what a daemon has watched."""
    with closing(database.create(path)) as db, database.atomic(db):
        monitor.beat(db, at_work(START_MS))
    with pytest.raises(RefusedError, match="--publish"):
        into(path, sending(0))
    assert read(path, "select count(*) from stay") == [(0,)]


@pytest.mark.parametrize(("end", "opened"), [(899, []), (900, [(START_MS + 900_000, START_MS)])])
def test_what_waits_for_a_repeat_opens_by_the_end_of_the_recording(path: Path, end: int, opened: list[object]) -> None:
    """A patient's last reading is a lone breach; the recording goes on with another's, up to its time or beyond."""
    into(path, sending(0, value=131), sending(end, "b"))
    assert read(path, "select opened_ms, since_ms from alert") == opened
    assert read(path, "select count(*) from condition where state = 'pending'") == [(0 if opened else 1,)]
    into(path, sending(0, value=131), sending(end, "b"))
    assert read(path, "select opened_ms, since_ms from alert") == opened


def test_answers_of_a_recording_are_published_as_answers_in_their_turn() -> None:
    """Between the readings, on their own topic, so that their order is kept."""
    said = Sending(at_ms=START_MS + 5000, patient="a", device="rec-a", id="said", payload=b"{}", kind="answers")
    outlet, told = publish([sending(1), said, sending(9)], None, threading.Event())
    assert list(zip(outlet.kinds, outlet.ids, strict=True)) == [
        ("readings", ["a-1"]),
        ("answers", ["said"]),
        ("readings", ["a-9"]),
    ]
    assert told == [3]
