"""F17: a backlog of three days that comes at once, then ten times the load, while one patient is watched live.

How long the live patient's readings take until they are scored is measured, and what the daemon takes of memory; what
has a receipt is stored once, and nothing is refused: a load of what is only set aside would be none.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Self

from devices.client import Hub, message_id
from devices.simulator.fleet import Fleet, Timed, time_text
from tests.faults import ward
from tests.faults.daemon import AS_IT_IS, running_daemon, wait_until_scored
from tests.faults.matrix import Profile, Row, Tally, Trial
from tests.faults.rows.clocks import DAY, HOUR, MINUTE, SECOND, WELL
from tests.integration.broker import LOOPBACK, running_broker, wait_until
from vwmon.clock import Clock
from vwmon.store import database

PATIENTS, LIVE = 60, "sim-061"
BACKLOG_H, BACKLOG_STEP_MS = 72, 15 * MINUTE
TEN_TIMES_A_SECOND = 100  # messages: ten times those of 600 patients who are measured every minute
BACKLOG_FOR_EACH = 150  # messages for each live reading, up to all three days of half of the crowd
LIVE_EVERY_S, LATEST_S, GIVEN_UP_S, LOOK_S = 1.0, 5.0, 60.0, 0.1
LONGEST_S = LIVE_EVERY_S + LATEST_S  # of a live reading, on average, in a trial that comes out well
SHARE = 0.99
MOST_MIB = 300
REFUSED = "select count(*) from quarantine"
SCORED = "select 1 from score join stay using (stay_no) where patient = ? and at_ms = ?"


def fleet(seed: int) -> Fleet:
    """Give the devices; the last is the one that is watched live."""
    return Fleet(patients=PATIENTS + 1, seed=seed, spot_minutes=1, pace=8.0, onset_hours=2.0)


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """All but the live device: half of them have three days to tell at once, the others ten times the usual."""

    backlog: Sequence[Timed]
    flood: Iterator[Timed]

    @classmethod
    def of(cls, devices: Fleet, now_ms: int, runs: int) -> Self:
        """Prepare what lasts for so many live readings."""
        late, busy = (set(devices.devices()[at:PATIENTS:2]) for at in (0, 1))
        waiting = devices.messages(now_ms - BACKLOG_H * HOUR, step_ms=BACKLOG_STEP_MS, until_ms=now_ms)
        coming = devices.messages(now_ms - flood_ms(runs))
        return cls(
            backlog=list(islice((one for one in waiting if one.device in late), runs * BACKLOG_FOR_EACH)),
            flood=(one for one in coming if one.device in busy),
        )


def flood_ms(runs: int) -> int:
    """Give how long ago a flood must begin that is never of the future: it runs through minutes in each second."""
    minutes_a_second = TEN_TIMES_A_SECOND / (PATIENTS // 2)
    return DAY + round(runs * LONGEST_S * minutes_a_second * MINUTE)


class Sending:
    """The crowd at its work, and what it has given to its hubs."""

    def __init__(self, crowd: Crowd, port: int, folder: Path, rate: int = TEN_TIMES_A_SECOND) -> None:
        """Connect two hubs: one as fast as it goes, one with so many messages a second."""
        self._crowd, self._rate, self._over = crowd, rate, Event()
        self._late = Hub(LOOPBACK, port, ward.WARD, folder / "late", client_id="late")
        self._busy = Hub(LOOPBACK, port, ward.WARD, folder / "busy", client_id="busy", rate=rate)
        self.given = list(crowd.backlog)
        _give(self._late, crowd.backlog)
        self._flooding = Thread(target=self._flood)
        self._flooding.start()

    def end(self) -> bool:
        """Wait until all is receipted, and leave; tell whether it was."""
        self._over.set()
        self._flooding.join()
        receipted = all(hub.run_until_receipted(GIVEN_UP_S) for hub in (self._late, self._busy))
        self._late.close()
        self._busy.close()
        return receipted

    def _flood(self) -> None:
        while not self._over.is_set():
            if self._busy.pending() < self._rate:
                more = list(islice(self._crowd.flood, self._rate))
                _give(self._busy, more)
                self.given += more
            self._over.wait(LOOK_S)


def _give(hub: Hub, messages: Sequence[Timed]) -> None:
    hub.enqueue_all((one.device, one.payload, message_id(one.payload)) for one in messages)


def loaded(trial: Trial, planted: str = AS_IT_IS) -> Tally:
    """Measure so many live readings, one a second, while the crowd sends."""
    path, devices = trial.folder / "vwmon.db", fleet(trial.seed)
    now_ms = Clock().now_ms()
    ward.make(path, now_ms - max(BACKLOG_H * HOUR, flood_ms(trial.runs)), devices)
    crowd = Crowd.of(devices, now_ms, trial.runs)
    with (
        running_broker(trial.folder, more="set_tcp_nodelay true") as broker,
        running_daemon(trial.folder, broker.port, planted=planted) as daemon,
        Hub(LOOPBACK, broker.port, ward.WARD, trial.folder / "live", client_id="live") as hub,
    ):
        wait_until(daemon.connected, "the daemon has its broker", GIVEN_UP_S)
        sending = Sending(crowd, broker.port, trial.folder)
        waits_s = sorted(live(hub, path, trial.runs))
        receipted, scored = sending.end(), _scored_to_the_end(path)
        mib = _peak_kib(daemon.pid) // 1024
    refused = _refused(path)
    broken = [] if receipted else ["not all is receipted in the end"]
    broken += [] if scored else ["not all is scored in the end"]
    broken += judged(waits_s, trial.runs)
    broken += [f"{refused:,} readings are refused"] if refused else []
    broken += [f"the daemon took {mib} MiB"] if mib > MOST_MIB else []
    return Tally(
        runs=len(waits_s),
        lost=ward.missing(path, sending.given) if receipted else 0,
        doubled=_doubled(path),
        broken=tuple(broken),
        said=f"{len(sending.given):,} messages beside; 99 % scored within {_share(waits_s):.2f} s; at most {mib} MiB",
    )


def judged(waits_s: Sequence[float], runs: int) -> list[str]:
    """Name what is wrong with how long live readings took, shortest first: one that is given up is, however few."""
    late_s, last_s = _share(waits_s), waits_s[-1]
    broken = [f"a live reading is scored only after {late_s:.0f} s"] if late_s > LATEST_S else []
    broken += [f"a live reading is not scored within {last_s:.0f} s"] if last_s >= GIVEN_UP_S else []
    return broken + ([f"only {len(waits_s):,} of {runs:,} live readings"] if len(waits_s) < runs else [])


def _share(waits_s: Sequence[float]) -> float:
    """Give within how many seconds 99 % of them were scored."""
    return waits_s[min(len(waits_s) - 1, int(SHARE * len(waits_s)))]


def _scored_to_the_end(path: Path) -> bool:
    try:
        wait_until_scored(path)
    except AssertionError:
        return False
    return True


def _refused(path: Path) -> int:
    with closing(database.open_reader(path)) as db:
        return int(db.execute(REFUSED).fetchone()[0])


def live(hub: Hub, path: Path, count: int, device: str = LIVE) -> Iterator[float]:
    """Yield how many seconds each reading of the live patient took until it was scored."""
    for number in range(count):
        at_ms = Clock().now_ms() // SECOND * SECOND
        # A score that is as before is not stored anew, so no two in a row are alike.
        measured = {**WELL, "respiratory_rate": (15, 22)[number % 2]}
        readings = [{"vital": vital, "value": value} for vital, value in measured.items()]
        body = {"v": 1, "id": f"live-{number}", "seq": number + 1, "time": time_text(at_ms), "readings": readings}
        began_s = time.monotonic()
        hub.enqueue(device, json.dumps(body).encode(), f"live-{number}")
        try:
            wait_until(partial(_scored, path, device, at_ms), "", GIVEN_UP_S)
        except AssertionError:
            yield GIVEN_UP_S
            return
        yield time.monotonic() - began_s
        Event().wait(LIVE_EVERY_S)


def _scored(path: Path, device: str, at_ms: int) -> bool:
    with closing(database.open_reader(path)) as db:
        return db.execute(SCORED, [f"of-{device}", at_ms]).fetchone() is not None


def _peak_kib(pid: int) -> int:
    """Give the most memory that a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


def _doubled(path: Path) -> int:
    with closing(database.open_reader(path)) as db:
        return sum(count > 1 for *_, count in db.execute(ward.STORED))


ROWS = (
    Row(
        id="F17",
        fault="a backlog of 72 h at once, then ten times the load, beside a patient watched live",
        do=loaded,
        runs={Profile.SMOKE: 6, Profile.CI: 60, Profile.RELEASE: 3600},
    ),
)
