"""Sixty kills of the daemon, thirty of the broker, ten of both: no receipted reading lost, none stored twice.

Real processes and a real broker; the devices are the simulator's, behind the spool that resends until the receipt.
A kill comes after a seeded random number of receipts since the last one, so that it falls anywhere in the work.
"""

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from devices.client import Hub, message_id
from devices.payloads import decode
from devices.simulator.fleet import Fleet, Timed
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, registers, scores
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection
from vwmon.store.verify import verify

WARD = "kills"
MINUTE_MS = 60_000
PATIENTS, MESSAGES, MOST = 24, 9_600, 96_000
AT_ONCE, WAITING = 2_000, 1_000  # more is given to the devices whenever fewer wait, however fast the daemon is
KILLS = {"daemon": 60, "broker": 30, "both": 10}
BETWEEN = (1, 120)  # receipts between two kills
FLEET = Fleet(patients=PATIENTS, seed=7, spot_minutes=1, pace=8.0, onset_hours=2.0)
CONFIG = """\
[store]
path = "vwmon.db"
[mqtt]
host = "127.0.0.1"
port = {port}
[ingest]
merge_every = "1s"
[[wards]]
id = "kills"
name = "Kills"
"""

STORED = """select device, message_key, count(*) from (select device_no, message_key from reading_log
    where message_key is not null union all select device_no, key from message) join device using (device_no)
    group by 1, 2"""
READINGS = """select device, name, observed_ms, value, count(*) from
    (select device_no, vital_no, observed_ms, value from reading_log
     union all select device_no, vital_no, observed_ms, value from reading)
    join device using (device_no) join vital using (vital_no) group by 1, 2, 3, 4 order by 1, 2, 3"""
SCORES = """select patient, at_ms, total_min, total_max, could_be, red, points_min, points_max, present
    from score join stay using (stay_no) order by 1, 2"""
ALERTS = """select patient, lane, state, level, peak, peak_score, since_ms, cleared_ms
    from alert join stay using (stay_no) order by 1, 2, since_ms"""


class Daemon:
    """`vwmon run` as a process that can be killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        """Write the settings; start() starts it."""
        self._settings = folder / "vwmon.toml"
        self._settings.write_text(CONFIG.format(port=port), encoding="utf-8")
        self._log = folder / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, and do not wait for it."""
        program = [sys.executable, "-m", "vwmon", "run", "--config", str(self._settings)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(program, stdout=log, stderr=log)

    def end(self, how: signal.Signals) -> None:
        """End the process, which must not have ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        self._process.send_signal(how)
        self._process.wait(30)


@contextmanager
def running_daemon(folder: Path, port: int) -> Iterator[Daemon]:
    """Run a daemon, and end it as a service manager does."""
    daemon = Daemon(folder, port)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.end(signal.SIGTERM)


@pytest.mark.hazard("H1")
@pytest.mark.slow
def test_a_hundred_kills_lose_no_receipted_reading_and_double_none(tmp_path: Path) -> None:
    """What has a receipt is stored once, and scores and alerts are those of a run that nothing disturbed."""
    start_ms = Clock().now_ms() - MOST // PATIENTS * MINUTE_MS
    load = _Load(FLEET.messages(start_ms))
    _make_ward(tmp_path / "vwmon.db", start_ms)
    with (
        running_broker(tmp_path, more="set_tcp_nodelay true") as broker,
        running_daemon(tmp_path, broker.port) as daemon,
        Hub("127.0.0.1", broker.port, WARD, tmp_path / "spool", client_id="kills", resend_after=1.0) as hub,
    ):
        load.give(hub, MESSAGES)
        _kill_at_random(hub, daemon, broker, load)
        assert hub.run_until_receipted(120), f"{hub.pending()} messages without a receipt: {hub.trouble}"
        _wait_until_scored(tmp_path / "vwmon.db")

    assert [found for found in verify(tmp_path / "vwmon.db") if not found.sound] == []
    undisturbed = _undisturbed(tmp_path / "undisturbed.db", start_ms, load.sent)
    with closing(database.open_reader(tmp_path / "vwmon.db")) as disturbed, closing(undisturbed):
        stored = {(device, key): count for device, key, count in disturbed.execute(STORED)}
        assert stored == {(one.device, message_id(one.payload)): 1 for one in load.sent}
        for what in (READINGS, SCORES, ALERTS):
            assert disturbed.execute(what).fetchall() == undisturbed.execute(what).fetchall()
        assert disturbed.execute("select count(*) from alert where lane = 'clinical'").fetchone()[0] >= PATIENTS // 4
        assert disturbed.execute("select merged_seq > 0 and merged_seq < last_seq from log").fetchone() == (1,)


class _Load:
    """What the devices have to say, given to them as they need it: a kill must never find them with nothing to send."""

    def __init__(self, messages: Iterator[Timed]) -> None:
        self._messages = messages
        self.sent: list[Timed] = []

    def give(self, hub: Hub, count: int) -> None:
        """Give them so many more; these may not be of days to come."""
        more = list(islice(self._messages, count))
        self.sent += more
        assert len(self.sent) <= MOST
        hub.enqueue_all((one.device, one.payload, message_id(one.payload)) for one in more)


def _kill_at_random(hub: Hub, daemon: Daemon, broker: Broker, load: _Load) -> None:
    chance = random.Random(11)
    victims = [name for name, count in KILLS.items() for _ in range(count)]
    chance.shuffle(victims)
    for victim in victims:
        if hub.pending() < WAITING:
            load.give(hub, AT_ONCE)
        left = hub.pending() - chance.randint(*BETWEEN)
        wait_until(partial(_fewer, hub, left), "readings are receipted again", 60)
        if victim in {"daemon", "both"}:
            daemon.end(signal.SIGKILL)
        if victim in {"broker", "both"}:
            broker.kill()
            broker.start()
        if victim in {"daemon", "both"}:
            daemon.start()
    assert Counter(victims) == KILLS


def _fewer(hub: Hub, left: int) -> bool:
    return hub.pending() <= left


def _make_ward(path: Path, at_ms: int) -> None:
    by, plan = By(actor="test", at_ms=Clock().now_ms()), plans.load("acute-respiratory")
    with closing(database.create(path)) as db, database.atomic(db):
        for device in FLEET.devices():
            admission = Admission(patient=f"of-{device}", ward=WARD, plan=plan, admitted_ms=at_ms, born="1950-01-01")
            registers.admit(db, admission, by)
            registers.add_device(db, device, by)
            registers.assign(db, device, f"of-{device}", at_ms, by)


def _wait_until_scored(path: Path) -> None:
    def scored() -> bool:
        with closing(database.open_reader(path)) as db:
            return bool(scores.cursor(db) == db.execute("select last_seq from log").fetchone()[0])

    wait_until(scored, "the log is scored to its end")


def _undisturbed(path: Path, start_ms: int, sent: list[Timed]) -> Connection:
    """The same messages through the same engine in one process, one batch after the other."""
    _make_ward(path, start_ms)
    db = database.open_writer(path)
    scorer = Scorer(db, Provenance(config_hash="test", plans=plans.load_all()), start_ms)
    log = LogWriter(db)
    for first in range(0, len(sent), 500):
        batch = sent[first : first + 500]
        log.append([_arrival(one) for one in batch], (), batch[-1].at_ms)
        while scorer.cycle(batch[-1].at_ms):
            pass
    return db


def _arrival(one: Timed) -> Arrival:
    message = decode(one.payload, device=one.device, received_ms=one.at_ms)
    return Arrival(WARD, one.device, f"vwmon/{WARD}/{one.device}/readings", message, one.at_ms, one.payload)
