"""F29: a daemon that loses some of what it takes on the way: one message in a hundred, a patient, a batch, a rule.

The fault is planted in the process. Its own books have to find it: an alarm of the whole service within the time given,
and none from a daemon in which nothing is planted.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from devices.client import Hub, message_id
from devices.simulator.fleet import Timed, time_text
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, running_daemon
from tests.faults.matrix import Profile, Row, Tally, Trial, added
from tests.faults.ward import Load
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.store import database, reckoning

MESSAGES, RATE, READY_S = 400, 200.0, 60
WITHIN_S = 60  # the safety page allows fifteen minutes
BOOKS = frozenset({"unaccounted", "unraised"})
SICK = {"respiratory_rate": 31, "spo2": 80, "oxygen": "air", "systolic_bp": 85, "heart_rate": 135}
LOSING = """\
from itertools import count
from vwmon import ingest
from vwmon.store import batch
number, calls = count(1), count(1)
sort, gather, write = ingest.sort, batch.Batch.gather, batch.Batch.write

def is_of_one(one):
    return "/sim-001/" in one.topic if hasattr(one, "topic") else one[1] == 1

def lossy(several):
    return {what}

def lossy_sort(packets, prefix):
    return sort(lossy(packets), prefix)

def lossy_gather(self, arrivals):
    gather(self, lossy(arrivals))

def lossy_write(self):
    self.rows = lossy(self.rows)
    write(self)

{where}
"""
WHAT = {
    "one in a hundred": "[one for one in several if next(number) % 100]",
    "one patient": "[one for one in several if not is_of_one(one)]",
    "one batch": "[] if several and next(calls) == 2 else several",
}
WHERE = {
    "between taking and reading": "ingest.sort = lossy_sort",
    "between reading and the batch": "batch.Batch.gather = lossy_gather",
    "between the batch and the table": "batch.Batch.write = lossy_write",
}
UNRAISED = {
    "a rule of the highest level": """\
from alerts import verdicts
verdict = verdicts.verdict
def silent(rule, scored, stands_on):
    return verdicts.Verdict.ABSENT if rule.name == "news2_7" else verdict(rule, scored, stands_on)
verdicts.verdict = silent
""",
    "one patient's alerts": """\
from vwmon.alerting import Alerting
keep = Alerting._keep
def forgetful(self, changes):
    keep(self, [one for one in changes if one[1].stay_no != 1])
Alerting._keep = forgetful
""",
}
PLANTED: Mapping[str, str] = {
    "nothing": AS_IT_IS,
    **{
        f"{what} {at}": LOSING.format(what=lossy, where=where)
        for at, where in WHERE.items()
        for what, lossy in WHAT.items()
    },
    **UNRAISED,
}


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where one daemon works: its own folder beside a broker that serves them all one after the other."""

    folder: Path
    broker: Broker
    seed: int


def misrouted(trial: Trial, planted: Mapping[str, str] = PLANTED) -> Tally:
    """Plant one fault after the other in daemons of their own; name those that the books do not find."""
    tallies = []
    with running_broker(trial.folder, more="set_tcp_nodelay true") as broker:
        for number, (what, fault) in enumerate(islice(cycle(planted.items()), trial.runs)):
            folder = trial.folder / str(number)
            folder.mkdir()
            tallies.append(_watched(_Place(folder=folder, broker=broker, seed=trial.seed + number), what, fault))
    return added(tallies)


def _watched(place: _Place, what: str, fault: str) -> Tally:
    """Run one daemon while readings flow and somebody falls very ill; tell whether its books say what they have to."""
    path, devices = place.folder / "vwmon.db", ward.fleet(place.seed)
    start_ms = ward.start_of(MESSAGES + ward.PATIENTS)
    ward.make(path, start_ms, devices)
    sent = Load(devices, start_ms, MESSAGES).more(MESSAGES)
    sent.append(_sick(devices.devices()[0], sent[-1].at_ms + 1000))
    with (
        running_daemon(place.folder, place.broker.port, planted=fault) as daemon,
        Hub("127.0.0.1", place.broker.port, ward.WARD, place.folder / "spool", client_id="lost", rate=RATE) as hub,
    ):
        wait_until(daemon.connected, "the daemon has its broker", READY_S)
        hub.enqueue_all((one.device, one.payload, message_id(one.payload)) for one in sent)
        if fault:
            return Tally(runs=1, broken=() if _comes(partial(_told, path)) else (f"{what} lost: nobody is told",))
        closed = hub.run_until_receipted(WITHIN_S) and _comes(partial(_reckoned, path))
        wrong = [*([] if closed else ["the books are not closed"]), *(["an alarm for nothing"] if _told(path) else [])]
        return Tally(runs=1, broken=tuple(wrong))


def _sick(device: str, at_ms: int) -> Timed:
    """Make the message of somebody whose every part asks for help."""
    readings = [{"vital": vital, "value": value} for vital, value in SICK.items()]
    body = {"v": 1, "id": "ill", "time": time_text(at_ms), "readings": readings}
    return Timed(at_ms, device, json.dumps(body).encode())


def _comes(what: Callable[[], bool]) -> bool:
    try:
        wait_until(what, "", WITHIN_S)
    except AssertionError:
        return False
    return True


def _reckoned(path: Path) -> bool:
    """Tell whether the books have it that somebody's score asks for an alert, and that none lacks its own."""
    with closing(database.open_reader(path)) as db:
        books = reckoning.read(db)
    return books is not None and books.breaches > 0 and books.unraised == books.lost == 0


def _told(path: Path) -> bool:
    """Tell whether an alert of the whole service says that the books do not close."""
    with closing(database.open_reader(path)) as db:
        rows = db.execute("select evidence from alert where lane = 'system' and level = 3").fetchall()
    return any(BOOKS & json.loads(evidence)["faults"].keys() for (evidence,) in rows)


ROWS = (
    Row(
        id="F29",
        fault="messages, a patient, a batch or a rule that get lost inside the daemon",
        do=misrouted,
        counts=False,
        runs={Profile.SMOKE: 2, Profile.CI: len(PLANTED), Profile.RELEASE: 5 * len(PLANTED)},
    ),
)
