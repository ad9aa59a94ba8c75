"""F11, F12: the clock of the machine is set while the ward is watched, and the clocks of devices are wrong.

Five people are measured every quarter of an hour: one is ill before and after, one falls ill, one recovers, one stays
well, and one is measured no more. Whatever the clock says, each emergency has its one alert, silence is found, and
that a clock is wrong is told. Most of it is done in this process on an injected clock, where a year is no longer than a
second, and some of it to the whole process (tests.faults.rows.nights).
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from devices.payloads import decode
from devices.simulator.fleet import time_text
from tests.faults.matrix import Tally, Trial, added
from vwmon import config
from vwmon.clock import Clock
from vwmon.held_clock import HeldClock
from vwmon.ingest import measured
from vwmon.intake.protocol import LinkState
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.provenance import Provenance
from vwmon.scorer import Scorer
from vwmon.store import database, registers
from vwmon.store.arrivals import Arrival
from vwmon.store.log import LogWriter
from vwmon.watch import Surroundings, Watch

WARD = "clocks"
SECOND, MINUTE, HOUR, DAY, YEAR = 1_000, 60_000, 3_600_000, 86_400_000, 31_536_000_000
WELL = {
    "respiratory_rate": 15,
    "spo2": 97,
    "oxygen": "air",
    "systolic_bp": 124,
    "heart_rate": 72,
    "consciousness": "A",
    "temperature": 36.8,
}
ILL = {**WELL, "respiratory_rate": 29, "spo2": 88, "heart_rate": 128}
ROUND_MS, TURN_MS = 15 * MINUTE, 5 * MINUTE
BEFORE, WRONG, AFTER = 3, 2, 5  # rounds
# Who measures what in a round before the clock is set, and in one after.
PEOPLE = {
    "ill": (ILL, ILL),
    "falls-ill": (WELL, ILL),
    "recovers": (ILL, WELL),
    "well": (WELL, WELL),
    "silent": (WELL, None),
}
EMERGENCIES = ["falls-ill", "ill", "recovers"]
ADMITTED_BEFORE_MS = 3 * DAY
NAMED_MS = (SECOND, MINUTE, HOUR, DAY, YEAR)
JUMP_MS = 5 * SECOND
BEGIN_MS = 1_790_000_000_000
RAISED = """select patient from alert join stay using (stay_no)
    where lane = 'clinical' and peak = 3 order by patient"""
FOUND = "select distinct rule from finding where since_ms is not null"
SILENT = """select 1 from alert join stay using (stay_no) where patient = 'silent' and lane = 'technical'
    and state <> 'closed'"""


class Settable(Clock):
    """A clock that can be set, beside a time that nobody sets."""

    def __init__(self, at_ms: int) -> None:
        """Begin at a time, right."""
        self.true_ms, self.wrong_ms = at_ms, 0

    def now_ms(self) -> int:
        """Return what the clock shows."""
        return self.true_ms + self.wrong_ms

    def steady_ms(self) -> int:
        """Return the time that nobody sets."""
        return self.true_ms


class Watched:
    """A ward with its log, scorer and watch in this process, on a clock of one's own."""

    def __init__(self, path: Path, at_ms: int) -> None:
        """Begin some days after everybody was admitted, each with a device."""
        self.clock = Settable(at_ms)
        self._held = HeldClock(self.clock)
        admitted_ms = at_ms - ADMITTED_BEFORE_MS
        database.create(path).close()
        self.db = database.open_writer(path)
        by, plan = By(actor="test", at_ms=admitted_ms), plans.load("acute-respiratory")
        for patient in PEOPLE:
            wanted = Admission(patient=patient, ward=WARD, plan=plan, admitted_ms=admitted_ms, born="1950-01-01")
            registers.admit(self.db, wanted, by)
            registers.add_device(self.db, f"of-{patient}", by)
            registers.assign(self.db, f"of-{patient}", patient, admitted_ms, by)
        self._log = LogWriter(self.db)
        scorer = Scorer(self.db, Provenance(config_hash="test", plans=plans.load_all()), at_ms)
        link = LinkState(
            connected=True, since_ms=at_ms, connections=1, session_was_kept=True, sessions_lost=0, trouble=""
        )
        self._heard_ms = at_ms
        around = Surroundings(
            clock=self._held,
            link=lambda: link,
            last_received_ms=lambda: self._heard_ms,
            software="",
            config_hash="",
            limits=config.Monitor(clock_jump_ms=JUMP_MS),
        )
        self._watch = Watch(self.db, scorer, around)
        self._sent: Counter[str] = Counter()

    def hears(self, patient: str, values: dict[str, object], device_wrong_ms: int = 0) -> None:
        """Receive what somebody's device measures now, by its own clock."""
        self._sent[patient] += 1
        number = self._sent[patient]
        readings = [{"vital": vital, "value": value} for vital, value in values.items()]
        time = time_text(self.clock.true_ms + device_wrong_ms)
        payload = json.dumps({"v": 1, "id": f"m{number}", "seq": number, "time": time, "readings": readings})
        device, now_ms = f"of-{patient}", self._held.now_ms()
        message = decode(payload.encode(), device=device, received_ms=now_ms)
        topic = f"vwmon/{WARD}/{device}/readings"
        arrival = Arrival(WARD, device, topic, message, now_ms, payload.encode())
        self._held.hear(measured([arrival]))
        self._log.append([arrival], (), now_ms)
        self._heard_ms = now_ms
        self._look()

    def passes(self, span_ms: int) -> None:
        """Let true time pass, and the watch look at it."""
        until_ms = self.clock.true_ms + span_ms
        while self.clock.true_ms < until_ms:
            self.clock.true_ms = min(self.clock.true_ms + TURN_MS, until_ms)
            self._look()

    def _look(self) -> None:
        while self._watch.turn():
            pass

    def found(self, sql: str, *values: str) -> bool:
        """Tell whether there is such a row."""
        return self.db.execute(sql, values).fetchone() is not None

    def close(self) -> None:
        """Close the database."""
        self.db.close()

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Read rows."""
        return list(self.db.execute(sql).fetchall())


def _set(folder: Path, wrong_ms: int, *, put_right: bool) -> Iterator[str]:
    """Set the clock in the middle of some hours, and perhaps put it right before anybody's state changes."""
    with closing(Watched(folder / "ward.db", BEGIN_MS)) as ward:
        for number in range(BEFORE + WRONG + AFTER):
            later = number >= (BEFORE + WRONG if put_right else BEFORE)
            ward.clock.wrong_ms = 0 if number < BEFORE or (later and put_right) else wrong_ms
            for patient, values in PEOPLE.items():
                measured = values[later]
                if measured is not None:
                    ward.hears(patient, measured)
            ward.passes(ROUND_MS)
        yield from _held(ward, wrong_ms)


def _held(ward: Watched, wrong_ms: int) -> Iterator[str]:
    raised = [str(patient) for (patient,) in ward.rows(RAISED)]
    found = {rule for (rule,) in ward.rows(FOUND)}
    if set(raised) != set(EMERGENCIES):
        yield f"not {EMERGENCIES} have an alert, but {sorted(set(raised))}"
    if len(raised) > len(set(raised)):
        yield "somebody has two alerts of one deterioration"
    if not ward.rows(SILENT):
        yield "silence is not found"
    if ("clock_jump" in found) != (abs(wrong_ms) > JUMP_MS):
        yield "that the clock was set is told wrongly or not at all"


def _steps(trial: Trial) -> Iterator[int]:
    """Give by how much the clock is set: each of the named spans first, then chance ones between the least and most."""
    chance = Random(trial.seed)
    named = [sign * span for span in NAMED_MS for sign in (1, -1)]
    for number in range(trial.runs):
        span = round(SECOND * (YEAR / SECOND) ** chance.random())
        yield named[number] if number < len(named) else chance.choice((1, -1)) * span


def set_in_process(trial: Trial) -> Tally:
    """Set the injected clock, each time in a ward of its own."""
    tallies = []
    for number, wrong_ms in enumerate(_steps(trial)):
        put_right, folder = number // 2 % 2 == 1, trial.folder / f"set-{number}"
        folder.mkdir()
        far = f"{'back' if wrong_ms < 0 else 'ahead'} by {'more than' if abs(wrong_ms) > DAY else 'up to'} a day"
        how = f"set {far}{' and put right' if put_right else ''}"
        broken = tuple(f"{how}: {what}" for what in _set(folder, wrong_ms, put_right=put_right))
        tallies.append(Tally(runs=1, broken=broken))
    return added(tallies)
