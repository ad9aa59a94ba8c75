"""The ward that faults are done to: its stays, its devices, what those say, and what the database must come to.

What an undisturbed run of the same engine makes of the same messages is the measure of every disturbed one.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from devices.client import message_id
from devices.payloads import decode
from devices.simulator.fleet import Fleet, Timed
from tests.faults.matrix import Tally
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, outbox, registers
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.store.sqlite import Connection
from vwmon.store.verify import verify

WARD = "kills"
MINUTE_MS = 60_000
PATIENTS = 24
BATCH = 500
FEW_PATIENTS = 6

STORED = """select device, message_key, count(*) from (select device_no, message_key from reading_log
    where message_key is not null union all select device_no, key from message) join device using (device_no)
    group by 1, 2"""
# What the daemon makes up and sends round itself is of nobody.
READINGS = """select device, name, observed_ms, value, count(*) from
    (select device_no, vital_no, observed_ms, value from reading_log
     union all select device_no, vital_no, observed_ms, value from reading)
    join device using (device_no) join vital using (vital_no) where device <> 'canary' group by 1, 2, 3, 4
    order by 1, 2, 3"""
RECEIVED = """select device, observed_ms, min(seq), min(received_ms) from
    (select device_no, observed_ms, seq, received_ms from reading_log
     union all select device_no, observed_ms, seq, received_ms from reading)
    join device using (device_no) group by 1, 2"""
SCORES = """select patient, at_ms, total_min, total_max, could_be, red, points_min, points_max, present
    from score join stay using (stay_no) where pathway <> 'canary' order by 1, 2"""
# But for values that do not move: they are found by looking now and then, and a ward that hears a day in a minute has
# looked at such a time once or never (docs/decisions/0054).
ALERTS = """select patient, lane, state, level, peak, peak_score, since_ms, cleared_ms
    from alert join stay using (stay_no) where lane = 'clinical' or reds <> 'frozen' order by 1, 2, since_ms"""
TWICE = """select patient, lane, since_ms from alert join stay using (stay_no)
    group by 1, 2, 3 having count(*) > 1"""
RAISED = "select count(*) from alert where lane = 'clinical'"
NOBODY_ILL = "undisturbed, it has no alert: it says nothing of alerts"
SHORT = 2_000  # messages, before which nobody of the fleet need be ill
OTHER, OTHER_ALERTS = "not {} as undisturbed", "not the same alerts as undisturbed"
# Of what is sent, only where nothing sends: how often and when people are told again is the clock's to say. A message
# whose place another has taken was never written where both were in one batch.
TOLD = """select patient, lane, since_ms, n.cycle, n.tier, n.turn, n.level, n.state
    from notification n join alert using (alert_no) join stay using (stay_no)
    where n.state <> 'superseded' and (lane = 'clinical' or reds <> 'frozen') order by 1, 2, 3, 4, 5, 6"""
SAME = {"the same readings": READINGS, "the same scores": SCORES, "the same alerts": ALERTS}
SAME_AT_REST = SAME | {"the same people told": TOLD}


def fleet(seed: int) -> Fleet:
    """Give the home devices: fast, and of people some of whom fall very ill, one after the other over four hours."""
    return Fleet(patients=PATIENTS, seed=seed, spot_minutes=1, pace=60.0, onset_hours=4.0)


def brief(seed: int) -> Fleet:
    """Give few devices, of people some of whom are very ill within twenty minutes: a hundred messages raise alerts."""
    return Fleet(patients=FEW_PATIENTS, seed=seed, spot_minutes=1, pace=60.0, onset_hours=0.05)


class Load:
    """What the devices have to say, given out as it is needed: a kill must never find them with nothing to send."""

    def __init__(self, devices: Fleet, start_ms: int, most: int) -> None:
        """Begin at a moment; `most` messages later the times would be of days to come."""
        self._messages: Iterator[Timed] = devices.messages(start_ms)
        self._most = most
        self.sent: list[Timed] = []

    def more(self, count: int) -> list[Timed]:
        """Give so many more."""
        more = list(islice(self._messages, count))
        self.sent += more
        assert len(self.sent) <= self._most, "the fleet was asked for messages of the future"
        return more


def start_of(most: int) -> int:
    """Give when `most` messages must begin, so that none is of the future."""
    return Clock().now_ms() - most // PATIENTS * MINUTE_MS


def make(path: Path, at_ms: int, devices: Fleet) -> None:
    """Make the database of a ward whose patients have had their devices since a moment, and whose people are told."""
    by, plan = By(actor="test", at_ms=Clock().now_ms()), plans.load("acute-respiratory")
    with closing(database.create(path)) as db, database.atomic(db):
        outbox.begin(db, at_ms)
        for device in devices.devices():
            admission = Admission(patient=f"of-{device}", ward=WARD, plan=plan, admitted_ms=at_ms, born="1950-01-01")
            registers.admit(db, admission, by)
            registers.add_device(db, device, by)
            registers.assign(db, device, f"of-{device}", at_ms, by)


def undisturbed(path: Path, start_ms: int, devices: Fleet, sent: Sequence[Timed]) -> Connection:
    """Store and score the same messages in one process, one batch after the other; give the open database."""
    db, engine = _engine(path, start_ms, devices, start_ms)
    deque(_heard(db, engine, [(one.at_ms, one) for one in sent]), maxlen=0)
    return db


def like(live: Path, path: Path, start_ms: int, devices: Fleet, sent: Sequence[Timed]) -> Connection:
    """Store and score what a ward has received, as and when it did, in one process that nothing disturbs.

    When a breach was known decides when it is an alert: the same readings, received within minutes, may make one that
    is as old as another of its breaches. What the ward has not got is not in it.
    """
    with closing(database.open_reader(live)) as theirs:
        found = {(device, at_ms): (seq, came_ms) for device, at_ms, seq, came_ms in theirs.execute(RECEIVED)}
    came = sorted((*found[which], one) for one in sent if (which := (one.device, _observed_ms(one))) in found)
    db, engine = _engine(path, start_ms, devices, came[0][1])
    for now_ms in _heard(db, engine, [(came_ms, one) for _, came_ms, one in came]):
        engine.tick(now_ms)
    return db


def _engine(path: Path, start_ms: int, devices: Fleet, begins_ms: int) -> tuple[Connection, Scorer]:
    make(path, start_ms, devices)
    db = database.open_writer(path)
    return db, Scorer(db, Provenance(config_hash="test", plans=plans.load_all()), begins_ms)


def _heard(db: Connection, engine: Scorer, came: Sequence[tuple[int, Timed]]) -> Iterator[int]:
    """Store and score messages, each as it came at a time; give the time after each batch."""
    log = LogWriter(db)
    for first in range(0, len(came), BATCH):
        batch = came[first : first + BATCH]
        now_ms = batch[-1][0]
        log.append([arrival(one, came_ms) for came_ms, one in batch], (), now_ms)
        while engine.cycle(now_ms):
            pass
        yield now_ms


def _observed_ms(one: Timed) -> int:
    return decode(one.payload, device=one.device, received_ms=one.at_ms).readings[0].observed_ms


def arrival(one: Timed, received_ms: int | None = None) -> Arrival:
    """Give a message as it arrives at the log; at its own time unless another is told."""
    came_ms = one.at_ms if received_ms is None else received_ms
    message = decode(one.payload, device=one.device, received_ms=came_ms)
    return Arrival(WARD, one.device, f"vwmon/{WARD}/{one.device}/readings", message, came_ms, one.payload)


def compared_live(live: Path, start_ms: int, devices: Fleet, sent: Sequence[Timed], runs: int) -> Tally:
    """Compare a ward that was at work with an undisturbed one; where alerts differ, with one that heard as it did."""
    with closing(undisturbed(live.with_name("undisturbed.db"), start_ms, devices, sent)) as should_be:
        tally = compared(live, should_be, sent, runs, SAME)
    if OTHER_ALERTS in tally.broken:
        with closing(like(live, live.with_name("like.db"), start_ms, devices, sent)) as should_be:
            tally = compared(live, should_be, sent, runs, SAME)
    if len(sent) >= SHORT:
        return tally
    return replace(tally, broken=tuple(what for what in tally.broken if what != NOBODY_ILL))


def compared(
    path: Path,
    should_be: Connection,
    receipted: Sequence[Timed],
    runs: int,
    same: Mapping[str, str] = SAME_AT_REST,
) -> Tally:
    """Count what of the receipted messages is not there or there twice, and name what else differs from `should_be`."""
    broken = [f"{one.check}: {one.found}" for one in verify(path) if not one.sound]
    if should_be.execute(RAISED).fetchone() == (0,):
        broken.append(NOBODY_ILL)
    with closing(database.open_reader(path)) as db:
        stored = {(device, key): count for device, key, count in db.execute(STORED)}
        for what, sql in same.items():
            if db.execute(sql).fetchall() != should_be.execute(sql).fetchall():
                broken.append(OTHER.format(what))
        if db.execute(TWICE).fetchone() is not None:
            broken.append("an alert twice")
    return Tally(
        runs=runs,
        lost=sum((one.device, message_id(one.payload)) not in stored for one in receipted),
        doubled=sum(count > 1 for count in stored.values()),
        broken=tuple(broken),
    )


def missing(path: Path, receipted: Sequence[Timed]) -> int:
    """Count what was receipted and is not in the database as the fault has left it."""
    with closing(database.open_reader(path)) as db:
        stored = {(device, key) for device, key, _ in db.execute(STORED)}
    return sum((one.device, message_id(one.payload)) not in stored for one in receipted)
