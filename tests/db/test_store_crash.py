"""The log when things end badly: a killed writer, a full disk, a backup in the middle of the traffic."""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.db.test_store_log import ALL, append, arrival, reading
from vwmon.store import backup, database, readings, scores
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection, OperationalError
from vwmon.store.verify import verify

KILLS = 8
WRITER = """
import sys
from pathlib import Path
from tests.db.test_store_log import T0, arrival, reading
from vwmon.store import database, scores
from vwmon.store.log import LogWriter

path, first = Path(sys.argv[1]), int(sys.argv[2])
db = database.open_writer(path)
writer = LogWriter(db)
for start in range(first, first + 100_000, 20):
    both = [(reading(float(n)), reading(float(n), vital="heart_rate")) for n in range(start, start + 20)]
    sent = [arrival(f"{n:08}", *pair, seq=n) for n, pair in enumerate(both, start=start)]
    sent += [arrival(None, reading(float(start), observed_ms=T0 + start))]
    last = writer.append(sent + sent[:5], (), T0).last_seq
    print(start + 20, flush=True)
    with database.atomic(db):
        scores.move_cursor(db, last)
    if start % 60 == 0:
        writer.merge(last - 10, 37)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A new database."""
    made = tmp_path / "ward.db"
    database.create(made).close()
    return made


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    """The same, open."""
    with closing(database.open_writer(path)) as opened:
        yield opened


def sound(path: Path) -> bool:
    """Tell whether every check of a database holds."""
    return all(finding.sound for finding in verify(path))


def killed_writer(path: Path, first: int, lines: int) -> int:
    """Let a process write and kill it after so many receipts; give the last message that it had a receipt for."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        received = first
        for _ in range(lines):
            received = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
    return int(rest[-1]) if rest else received


@pytest.mark.hazard("H15")
def test_a_killed_writer_has_lost_nothing_that_it_said_was_stored(path: Path) -> None:
    """Killed at random moments while it appends, merges and moves on: every receipt holds, and nothing is there twice.

    Each writer begins again with messages that the one before may or may not have stored, as a device would.
    """
    chance, received = random.Random(11), 0
    for _ in range(KILLS):
        received = killed_writer(path, max(received - 100, 0) // 20 * 20, chance.randrange(1, 12))
        assert sound(path)
        with closing(database.open_reader(path)) as db:
            rows = readings.rows_after(db, 0, ALL)
            pulses = [row[4] for row in rows if row[2] == readings_of(db, "heart_rate")]
            assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
            assert set(range(received)) <= {int(value or 0) for value in pulses}
            assert len(pulses) == len(set(pulses))
            assert db.execute("select count(*) from sequence_missing").fetchone() == (0,)


def readings_of(db: Connection, name: str) -> int:
    """Give the number of a vital."""
    return next(number for number, found in readings.vitals(db).items() if found == name)


@pytest.mark.hazard("H15")
def test_a_full_disk_stops_the_log_and_loses_nothing(db: Connection, path: Path) -> None:
    """Nothing of the batch that did not fit is stored; with room again the same batch goes in."""
    writer = LogWriter(db)
    (pages,) = db.execute("pragma page_count").fetchone()
    db.execute(f"pragma max_page_count = {pages + 4}")
    sent = [arrival(f"{n:06}", reading(float(n))) for n in range(2000)]

    def append_all() -> None:
        for start in range(0, 2000, 50):
            writer.append(sent[start : start + 50], (), 0)

    with pytest.raises(OperationalError, match="full"):
        append_all()
    stored = len(readings.rows_after(db, 0, ALL))
    assert 0 < stored < 2000
    assert stored % 50 == 0
    db.execute("pragma max_page_count = 1000000")
    assert writer.append(sent, (), 0).stored == 2000 - stored
    assert sound(path)


@pytest.mark.hazard("H15")
def test_a_full_disk_in_a_merge_leaves_everything_where_it_was(db: Connection, path: Path) -> None:
    """And the writer still knows every repeat."""
    writer = LogWriter(db)
    sent = [arrival(f"{n:06}", reading(float(n))) for n in range(2000)]
    writer.append(sent, (), 0)
    (pages,) = db.execute("pragma page_count").fetchone()
    db.execute(f"pragma max_page_count = {pages + 2}")
    with pytest.raises(OperationalError, match="full"):
        writer.merge(ALL, ALL)
    assert db.execute("select count(*) from reading").fetchone() == (0,)
    db.execute("pragma max_page_count = 1000000")
    assert writer.append(sent, (), 0).duplicates == 2000
    with database.atomic(db):
        scores.move_cursor(db, 2000)
    assert writer.merge(ALL, ALL) == 2000
    assert sound(path)


def test_a_backup_in_the_middle_of_the_traffic_is_one_moment_of_it(path: Path, tmp_path: Path) -> None:
    """However much is written and merged meanwhile, the copy is a whole and sound beginning of the log."""
    stop = threading.Event()

    def write() -> None:
        with closing(database.open_writer(path)) as db:
            writer, number = LogWriter(db), 0
            while not stop.is_set():
                batch = [arrival(f"{n:08}", reading(float(n))) for n in range(number, number + 50)]
                last = writer.append(batch, (), 0).last_seq
                with database.atomic(db):
                    scores.move_cursor(db, last)
                writer.merge(last, 60)
                number += 50

    traffic = threading.Thread(target=write)
    traffic.start()
    try:
        copies = [backup.backup(path, tmp_path / f"copy-{n}.db").path for n in range(3)]
    finally:
        stop.set()
        traffic.join(60)
    lengths = []
    for copy in copies:
        assert sound(copy)
        with closing(database.open_reader(copy)) as db:
            values = [row[4] for row in readings.rows_after(db, 0, ALL)]
        assert values == [float(n) for n in range(len(values))]
        lengths.append(len(values))
    assert lengths == sorted(lengths)


@pytest.mark.hazard("H15")
def test_a_reader_of_a_killed_writers_database_sees_every_receipt(path: Path) -> None:
    """What is only in the write-ahead log is part of the database, before anybody has opened it for writing again."""
    received = killed_writer(path, 0, 3)
    with closing(database.open_reader(path)) as db:
        assert len(readings.rows_after(db, 0, ALL)) >= 2 * received
    with closing(database.open_writer(path)) as db:
        assert append(db, arrival("00000000", reading())).duplicates == 1
