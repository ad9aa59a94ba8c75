"""F11 done to the whole process: `vwmon run` under libfaketime, whose clock is set while it runs.

Or it begins just before a night on which the clocks change, a leap day, or the end of a year. Time that nobody sets is
left as it is, as on a machine whose clock is set. What has to hold is tests.faults.rows.clocks'.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from devices.client import Hub
from devices.simulator.fleet import time_text
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, Daemon, running_daemon, wait_until_scored
from tests.faults.matrix import CannotHereError, Profile, Row, Tally, Trial, added
from tests.faults.rows import clocks
from tests.faults.rows.clocks import ADMITTED_BEFORE_MS, DAY, EMERGENCIES, FOUND, HOUR, PEOPLE, RAISED, SECOND, YEAR
from tests.integration.broker import Broker, running_broker, wait_until
from vwmon.clock import Clock
from vwmon.patients import plans
from vwmon.patients.admission import Admission
from vwmon.patients.records import By
from vwmon.store import database, registers

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
MORE = """\
[monitor]
clock_jump = "5s"
"""
AT_ONCE_MS = 3 * SECOND
IN_PROCESS, WHOLE = 3, 1  # of four runs, so many are done in this process, and so many to a whole one
TOLD_S = READY_S = 120


@dataclass(frozen=True, kw_only=True)
class Night:
    """When a process begins (None: now), and by how much its clock is set while it runs."""

    begins_ms: int | None = None
    set_ms: int = 0


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


# The clocks of Europe/London change at 01:00 UTC. Each begins some seconds before.
NIGHTS: Mapping[str, Night] = {
    "set ahead by an hour": Night(set_ms=HOUR),
    "set back by an hour": Night(set_ms=-HOUR),
    "the clocks go forward": Night(begins_ms=_at("2027-03-28 00:59:56")),
    "the clocks go back": Night(begins_ms=_at("2026-10-25 00:59:56")),
    "the clocks go forward, and it is set back": Night(begins_ms=_at("2027-03-28 00:59:56"), set_ms=-HOUR),
    "a leap day begins": Night(begins_ms=_at("2028-02-28 23:59:56")),
    "a leap day ends": Night(begins_ms=_at("2028-02-29 23:59:56")),
    "a year ends": Night(begins_ms=_at("2026-12-31 23:59:56")),
    "set ahead by a second": Night(set_ms=SECOND),
    "set ahead by a day": Night(set_ms=DAY),
    "set back by a day": Night(set_ms=-DAY),
    "set ahead by a year": Night(set_ms=YEAR),
}


class Faked:
    """The clock of one process, and of the devices that are right when it is not."""

    def __init__(self, folder: Path, begins_ms: int | None) -> None:
        """Begin at a time; CannotHereError where the library is missing."""
        found = [path for pattern in LIBRARIES for path in sorted(Path("/").glob(pattern.lstrip("/")))]
        if not found:
            raise CannotHereError("libfaketime is not installed")
        self._file = folder / "faked"
        now_ms = Clock().now_ms()
        self._ahead_ms = 0 if begins_ms is None else begins_ms - now_ms
        self.set(0)
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "TZ": "Europe/London",
        }

    def true_ms(self) -> int:
        """Give what a right clock shows."""
        return Clock().now_ms() + self._ahead_ms

    def set(self, wrong_ms: int) -> None:
        """Set the process's clock so far from the right one."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{(self._ahead_ms + wrong_ms) / SECOND:+.3f}\n", encoding="utf-8")
        new.replace(self._file)


def admit(path: Path, at_ms: int) -> None:
    """Make a database with everybody in it, each with a device."""
    by, plan = By(actor="test", at_ms=at_ms), plans.load("acute-respiratory")
    with closing(database.create(path)) as db, database.atomic(db):
        for patient in PEOPLE:
            wanted = Admission(patient=patient, ward=ward.WARD, plan=plan, admitted_ms=at_ms, born="1950-01-01")
            registers.admit(db, wanted, by)
            registers.add_device(db, f"of-{patient}", by)
            registers.assign(db, f"of-{patient}", patient, at_ms, by)


def _through(folder: Path, broker: Broker, night: Night, planted: str) -> Iterator[str]:
    """Run a process through a night, people being measured before and after; name what does not hold."""
    faked = Faked(folder, night.begins_ms)
    admit(folder / "vwmon.db", faked.true_ms() - ADMITTED_BEFORE_MS)
    spool = folder / "spool"
    with (
        running_daemon(folder, broker.port, more=MORE, planted=planted, environment=faked.environment) as daemon,
        Hub("127.0.0.1", broker.port, ward.WARD, spool, client_id="n", resend_after=1.0) as hub,
    ):
        wait_until(daemon.connected, "the daemon has its broker", READY_S)
        measure(hub, daemon, faked.true_ms(), later=False)
        until_ms = (night.begins_ms or 0) + 2 * AT_ONCE_MS
        wait_until(lambda: faked.true_ms() > until_ms, "the night is over")
        faked.set(night.set_ms)
        if abs(night.set_ms) > clocks.JUMP_MS:
            yield from _told(daemon.path)
        measure(hub, daemon, faked.true_ms(), later=True)
        if not daemon.runs:
            yield "the daemon has ended"
    yield from _held(folder / "vwmon.db", night)


def _told(path: Path) -> Iterator[str]:
    try:
        wait_until(partial(_jumped, path), "", TOLD_S)
    except AssertionError:
        yield "that the clock was set is not told"


def _jumped(path: Path) -> bool:
    with closing(database.open_reader(path)) as db:
        return ("clock_jump",) in db.execute(FOUND).fetchall()


def measure(hub: Hub, daemon: Daemon, at_ms: int, *, later: bool) -> None:
    """Have everybody measured once, by devices whose clocks are right, and wait until it is scored."""
    for patient, values in PEOPLE.items():
        measured = values[later]
        if measured is None:
            continue
        name = f"m{int(later)}"
        readings = [{"vital": vital, "value": value} for vital, value in measured.items()]
        body = {"v": 1, "id": name, "seq": int(later) + 1, "time": time_text(at_ms), "readings": readings}
        hub.enqueue(f"of-{patient}", json.dumps(body).encode(), name)
    assert hub.run_until_receipted(READY_S), "the readings are not receipted"
    wait_until_scored(daemon.path)


def _held(path: Path, night: Night) -> Iterator[str]:
    with closing(database.open_reader(path)) as db:
        raised = [patient for (patient,) in db.execute(RAISED)]
    if raised != EMERGENCIES:
        yield f"not {EMERGENCIES} have an alert, each one, but {raised}"
    if _jumped(path) and abs(night.set_ms) <= clocks.JUMP_MS:
        yield "a clock that nobody set is said to have been"


def through_nights(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Run so many processes, each through the next night of the table."""
    tallies, names = [], list(NIGHTS)
    with running_broker(trial.folder, more="set_tcp_nodelay true") as broker:
        for number in range(trial.runs):
            name, folder = names[number % len(names)], trial.folder / f"night-{number}"
            folder.mkdir()
            broken = tuple(f"{name}: {what}" for what in _through(folder, broker, NIGHTS[name], planted))
            tallies.append(Tally(runs=1, broken=broken))
            shutil.rmtree(folder)
    return added(tallies)


def set_clocks(trial: Trial) -> Tally:
    """Set the clock in this process, and of whole ones."""
    whole = max(1, trial.runs * WHOLE // (IN_PROCESS + WHOLE))
    return added(
        [
            through_nights(Trial(folder=trial.folder, runs=whole, seed=trial.seed)),
            clocks.set_in_process(Trial(folder=trial.folder, runs=trial.runs - whole, seed=trial.seed)),
        ]
    )


ROWS = (
    Row(
        id="F11",
        fault="the machine's clock set by up to a year, nights of changing clocks, leap days, a year's end",
        do=set_clocks,
        counts=False,
        runs={Profile.SMOKE: 3, Profile.CI: 48, Profile.RELEASE: 5000},
        apart=True,
    ),
)
